"""Times that are too long or too short for their kind."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mkmine.eventlog.cleaning.findings.finding import Finding, View
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.statistics import Groups

__all__ = ["ENOUGH", "FORGOTTEN", "forgotten", "forgotten_rows", "long_cases", "outliers"]

Bool = NDArray[np.bool_]
Floats = NDArray[np.float64]
# Work that is ongoing for so many times what nearly all of its kind took was probably forgotten.
FORGOTTEN = 3
# A percentile of fewer instances says nothing.
ENOUGH = 20
# Tukey's far-out fence: so many quartile distances beyond the quartiles, of the logarithms.
FENCE = 3.0
# Quartiles closer than this factor are taken for that far apart: times of machines hardly vary.
NARROWEST = 1.5
# Where more of a group lies beyond a fence than this, it is not one group: work over night, cases that were cancelled.
OUTLIERS = 0.02


def fences(values: Floats, of: NDArray[np.integer], size: int) -> tuple[Floats, Floats]:
    """Return for each group the limits beyond which a positive value is an outlier; none for a group of few.

    Quartiles of the logarithms, three quartile distances further (J. W. Tukey, Exploratory Data Analysis, 1977): a
    log-normal group has one of a million beyond them.
    """
    groups = Groups(values, of, size)
    low, high = np.log(np.maximum(groups.quantile(0.25), 1.0)), np.log(np.maximum(groups.quantile(0.75), 1.0))
    width = FENCE * np.maximum(high - low, np.log(NARROWEST))
    few = groups.count < ENOUGH
    return np.where(few, 0.0, np.exp(low - width)), np.where(few, np.inf, np.exp(high + width))


def _beyond(values: Floats, of: NDArray[np.integer], size: int) -> Bool:
    """Return which values are beyond a fence that hardly any of their group are beyond."""
    out = np.zeros(len(values), dtype=np.bool_)
    low, high = fences(values, of, size)
    count = np.maximum(np.bincount(of, minlength=size), 1)
    for beyond in (values < low[of], values > high[of]):
        many = np.bincount(of[beyond], minlength=size) > OUTLIERS * count
        out |= beyond & ~many[of]
    return out


def outliers(view: View) -> Finding | None:
    """Find instances far longer or shorter than others of their activity."""
    log = view.log
    if log.timestamps == "completed":
        return None
    length = (log.end - log.start).astype(np.float64)
    measured = np.flatnonzero(view.over & (length > 0))
    rows = measured[_beyond(length[measured], log.activity[measured], len(log.activities))]
    if not len(rows):
        return None
    return Finding(
        kind="outliers",
        what="instances far longer or shorter than nearly all of their activity",
        count=len(rows),
        of=len(measured),
        examples=view.cases(rows),
        advice="forgotten or put right later: medians bear them, means and sums do not",
    )


def long_cases(view: View) -> Finding | None:
    """Find completed cases far longer or shorter than the others."""
    log = view.log
    length = (view.finishes - view.begins).astype(np.float64)
    measured = np.flatnonzero(log.completed & (length > 0))
    cases = measured[_beyond(length[measured], np.zeros(len(measured), dtype=np.int64), 1)]
    if not len(cases):
        return None
    return Finding(
        kind="long_cases",
        what="completed cases far longer or shorter than nearly all others",
        count=len(cases),
        of=len(measured),
        examples=view.ids(cases),
        advice="look at a few: two cases under one number, or work that was closed at once",
    )


def forgotten_rows(log: EventLog, *, times: float = FORGOTTEN) -> Bool:
    """Return the instances (n,) that are ongoing for over `times` the 95th percentile of their activity."""
    length, over = log.end - log.start, ~log.ongoing
    usual = Groups(length[over].astype(np.float64), log.activity[over], len(log.activities))
    limit = np.where(usual.count >= ENOUGH, times * usual.quantile(0.95), np.inf)
    return np.asarray(log.ongoing & (length > limit[log.activity]))


def forgotten(view: View) -> Finding | None:
    """Find work that is ongoing for so long that its end was probably forgotten."""
    if not view.log.ongoing.any():
        return None
    rows = forgotten_rows(view.log)
    if not rows.any():
        return None
    return Finding(
        kind="forgotten",
        what=f"instances ongoing for over {FORGOTTEN} times the 95th percentile of their activity",
        count=int(rows.sum()),
        of=int(view.log.ongoing.sum()),
        examples=view.cases(rows),
        advice="their end was probably not recorded: close them at the source",
        repair="close_forgotten(log)",
    )

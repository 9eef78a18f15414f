"""What the process card rules beside the order of work: time limits, who does what, how many rounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.conformance.deviations import HOUR, Variants, cycle_hours
from mkmine.eventlog import EventLog
from mkmine.eventlog.enablement import enabled_times

LIMITS = ("activity", "limit_h", "checked", "exceeded", "share", "p85_h", "open_exceeded", "measured", "round")
ROLES = ("activity", "expected", "actual", "instances", "share")
ROUNDS = ("activity", "allowed", "cases_over", "max")


def instances_of(log: EventLog, variants: Variants, aliases: Mapping[str, str]) -> dict[str, NDArray[np.bool_]]:
    """Which instances (n,) are executions of each activity of `variants.names`."""
    result = {}
    for name in variants.names:
        mine = np.array([aliases.get(one, one) == name for one in log.activities], dtype=np.bool_)
        result[name] = mine[log.activity]
    return result


def check_limits(
    log: EventLog,
    names: Mapping[str, NDArray[np.bool_]],
    limits: Mapping[str, float],
    case_limit_h: float | None,
    round_limits: Mapping[str, Sequence[float]] | None = None,
) -> pd.DataFrame:
    """Time limits in hours of working time; `names` gives the instances of each activity. The whole case is row "".

    An instance is measured from the moment it could begin ("enabled", see `enabled_times`); if the log has only
    completions, that is the completion before it ("previous"). `checked` counts what has ended;
    `open_exceeded` what has not ended and is already over its limit. p85 by linear interpolation. Limits by round have
    a row for each `round` (the last one with all later ones); in all other rows it is 0.
    """
    since, measured, known = _since(log)
    by_round = round_limits or {}
    hours = log.working_calendar().working_time(since, log.end) / HOUR if limits or by_round else np.zeros(len(log))
    wanted = [(activity, limit, names[activity], 0) for activity, limit in limits.items()]
    for activity, several in by_round.items():
        done = np.concatenate([[0], np.cumsum(names[activity])])
        times = done[1:] - done[log.offsets[:-1]][log.case_of]
        for number, limit in enumerate(several, 1):
            chosen = times >= number if number == len(several) else times == number
            wanted.append((activity, limit, names[activity] & chosen, number))
    rows = []
    for activity, limit, mine, number in wanted:
        chosen = mine & known
        ended = hours[chosen & ~log.ongoing]
        late = int((hours[chosen & log.ongoing] > limit).sum())
        rows.append((activity, float(limit), *_exceeded(ended, limit), late, measured, number))
    if case_limit_h is not None:
        first = log.start[log.offsets[:-1]]
        age = log.working_calendar().working_time(first, np.full(log.n_cases, log.observed[1])) / HOUR
        late = int((age[~log.completed] > case_limit_h).sum())
        closed = cycle_hours(log)[log.completed]
        rows.append(("", float(case_limit_h), *_exceeded(closed, case_limit_h), late, "case", 0))
    return pd.DataFrame(rows, columns=list(LIMITS))


def check_roles(
    log: EventLog,
    names: Mapping[str, NDArray[np.bool_]],
    expected: Mapping[str, str],
    aliases: Mapping[str, str],
) -> pd.DataFrame:
    """Work done by another role than the target names; `share` is of the activity's instances with a known role."""
    roles = [aliases.get(role, role) for role in log.roles]
    rows = []
    for activity, role in expected.items():
        counts = np.bincount(log.role[names[activity] & (log.role >= 0)], minlength=len(roles))
        actual: dict[str, int] = {}
        for name, count in zip(roles, counts.tolist(), strict=True):
            if count and _plain(name) != _plain(role):
                actual[name] = actual.get(name, 0) + count
        rows += [(activity, role, name, n, n / counts.sum()) for name, n in actual.items()]
    rows.sort(key=lambda row: (-row[3], row[0], row[2]))
    return pd.DataFrame(rows, columns=list(ROLES))


def check_rounds(log: EventLog, names: Mapping[str, NDArray[np.bool_]], allowed: Mapping[str, int]) -> pd.DataFrame:
    """Activities with a largest number of rounds: cases that went beyond it and the most rounds that any case took."""
    rows = []
    for activity, limit in allowed.items():
        counts = np.bincount(log.case_of[names[activity]], minlength=log.n_cases)
        rows.append((activity, limit, int((counts > limit).sum()), int(counts.max(initial=0))))
    return pd.DataFrame(rows, columns=list(ROUNDS))


def _exceeded(hours: NDArray[np.float64], limit: float) -> tuple[int, int, float, float]:
    over = int((hours > limit).sum())
    if not len(hours):
        return 0, 0, float("nan"), float("nan")
    return len(hours), over, over / len(hours), float(np.percentile(hours, 85))


def _since(log: EventLog) -> tuple[NDArray[np.int64], str, NDArray[np.bool_]]:
    everything = np.ones(len(log), dtype=np.bool_)
    if log.enabled is None and log.timestamps == "completed":
        return enabled_times(log), "previous", log.position > 0
    return enabled_times(log), "enabled", everything


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()

"""Filters: functions from log to log, each recorded in the history with what it set aside.

All but `keep_window`, `keep_completed` and `drop_duplicates` leave out work that the same people did: `log.partial`
tells it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.calendars import to_us, zone
from mkmine.errors import DataError, UnknownNameError
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.summaries import duplicates, running_end, variant_index

__all__ = [
    "drop_activities",
    "drop_duplicates",
    "keep_activities",
    "keep_attribute",
    "keep_completed",
    "keep_variants",
    "keep_window",
]


def keep_activities(log: EventLog, names: Iterable[str]) -> EventLog:
    """Keep the instances of these activities. Raises `UnknownNameError` if one is not in the log."""
    return _activities(log, names, keep=True)


def drop_activities(log: EventLog, names: Iterable[str]) -> EventLog:
    """Set aside the instances of these activities. Raises `UnknownNameError` if one is not in the log."""
    return _activities(log, names, keep=False)


def _activities(log: EventLog, names: Iterable[str], *, keep: bool) -> EventLog:
    chosen = [names] if isinstance(names, str) else list(names)
    for name in chosen:
        if name not in log.activities:
            raise UnknownNameError.of(kind="activity", name=name, known=log.activities)
    named = np.isin(log.activity, [log.activities.index(name) for name in chosen])
    action = "filter activities" if keep else "filter out activities"
    return log.keep_instances(named if keep else ~named, action=action, detail=", ".join(chosen))


def drop_duplicates(log: EventLog) -> EventLog:
    """Set aside instances that repeat an earlier one in case, activity, times and person, whatever else differs."""
    again = duplicates(log)
    return log.keep_instances(~again, action="filter duplicates", detail="same case, activity, times and person")


def keep_window(
    log: EventLog,
    first: str | date | datetime,
    last: str | date | datetime,
    *,
    cases: Literal["contained", "intersecting", "started", "ended"] = "contained",
) -> EventLog:
    """Keep the cases of a time window, both days included, in the log's time zone.

    `cases` says which: those that lie wholly in it (`contained`), that have any of their time in it (`intersecting`),
    that started in it, or that ended in it (completed cases only). The log then counts as observed in the window only:
    what its cases do beyond it is kept, but does not count as throughput.

    Raises `DataError` if a limit is not a date, or the window ends before it begins.
    """
    begin, end = _limit(first, log.time_zone, last=False), _limit(last, log.time_zone, last=True)
    if end < begin:
        raise DataError(f"the window {first} to {last} ends before it begins; swap the dates")
    starts, ends = log.start[log.offsets[:-1]], running_end(log)[log.offsets[1:] - 1]
    masks: dict[str, NDArray[np.bool_]] = {
        "contained": (starts >= begin) & (ends < end),
        "intersecting": (starts < end) & (ends >= begin),
        "started": (starts >= begin) & (starts < end),
        "ended": log.completed & (ends >= begin) & (ends < end),
    }
    if cases not in masks:
        raise UnknownNameError.of(kind="rule for a window", name=cases, known=list(masks))
    kept = log.keep_cases(masks[cases], action="filter window", detail=f"cases {cases}, {first} to {last}")
    # A kept case has some of its time in the window, so the two have an instant in common.
    return replace(kept, observed=(max(begin, log.observed[0]), min(end, log.observed[1])))


def _limit(moment: str | date | datetime, time_zone: str, *, last: bool) -> int:
    value: Any = moment
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value) if len(value) <= 10 else datetime.fromisoformat(value)
        except ValueError:
            raise DataError(f'"{moment}" is not a date; write e.g. "2025-03-05" or "2025-03-05T14:00"') from None
    if not isinstance(value, datetime):
        day = pd.Timestamp(value) + pd.Timedelta(days=1 if last else 0)
        value = datetime.combine(day.date(), time.min)
    local = value if value.tzinfo else value.replace(tzinfo=zone(time_zone))
    return to_us(local.astimezone(UTC))


def keep_variants(log: EventLog, top: int) -> EventLog:
    """Keep the cases of the `top` most frequent variants. Raises `DataError` if `top` is less than 1."""
    if top < 1:
        raise DataError(f"top={top} keeps no variant; give 1 or more")
    index = variant_index(log)
    detail = f"the {min(top, index.n):,} most frequent of {index.n:,}"
    return log.keep_cases(index.of_case < top, action="filter variants", detail=detail)


def keep_attribute(log: EventLog, name: str, values: Iterable[Any]) -> EventLog:
    """Keep the cases whose case attribute, or any of whose instances' attribute, is one of `values`.

    Raises `UnknownNameError` if there is no such attribute.
    """
    chosen = {values} if isinstance(values, str) else set(values)
    detail = f"{name} in {', '.join(sorted(map(str, chosen)))}"
    if name in log.case_attributes.columns:
        mask = log.case_attributes[name].isin(list(chosen)).to_numpy(dtype=np.bool_)
    elif name in log.attributes:
        hit = pd.Series(log.attributes[name]).isin(list(chosen)).to_numpy(dtype=np.bool_)
        mask = np.logical_or.reduceat(hit, log.offsets[:-1])
    else:
        raise UnknownNameError.of(kind="attribute", name=name, known=[*log.case_attributes.columns, *log.attributes])
    return log.keep_cases(mask, action="filter attribute", detail=detail)


def keep_completed(log: EventLog) -> EventLog:
    """Keep the cases that were finished when the observation ended."""
    return log.keep_cases(log.completed, action="filter cases", detail="completed")

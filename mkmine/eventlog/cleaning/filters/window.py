"""Filters by a window of time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.calendars import to_us, zone
from mkmine.errors import DataError
from mkmine.eventlog.cleaning.changes import reordered
from mkmine.eventlog.cleaning.filters.choice import inverted, one_of
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.summaries import running_end

__all__ = ["keep_window", "limit"]

Day = str | date | datetime
RULES = ("contained", "intersecting", "started", "ended", "trimmed")


def keep_window(
    log: EventLog,
    first: Day,
    last: Day,
    *,
    cases: Literal["contained", "intersecting", "started", "ended", "trimmed"] = "contained",
    invert: bool = False,
) -> EventLog:
    """Keep the cases of a time window, both days included, in the log's time zone.

    `cases` says which: those that lie wholly in it (`contained`), that have any of their time in it (`intersecting`),
    that started in it, or that ended in it (completed cases only). The log then counts as observed in the window only:
    what its cases do beyond it is kept, but does not count as throughput.

    `trimmed` cuts the instances at the window instead: those outside it are left out, those in progress at its end are
    ongoing, those in progress at its beginning start there, and cases that go on after it count as open.

    `invert` keeps the other cases; the log then counts as observed as before.

    Raises `DataError` if a limit is not a date, the window ends before it begins or has no length, or one that trims
    is inverted.
    """
    one_of(cases, RULES, kind="rule for a window")
    begin, end = limit(first, log.time_zone, last=False), limit(last, log.time_zone, last=True)
    # The end of a day is the beginning of the next: yesterday's after today's beginning is no time at all.
    if end <= begin:
        raise DataError(f"the window {first} to {last} ends before it begins, or at once; swap its limits or widen it")
    detail = f"cases {cases}, {first} to {last}"
    if cases == "trimmed":
        if invert:
            raise DataError("a window that trims cannot be inverted; trim to the window before it, or after it")
        kept = _trimmed(log, begin, end, detail)
    else:
        mask = _masks(log, begin, end)[cases]
        if invert:
            return log.keep_cases(~mask, action=inverted("filter window"), detail=detail)
        kept = log.keep_cases(mask, action="filter window", detail=detail)
    # A kept case has some of its time in the window, so the two have an instant in common.
    return replace(kept, observed=(max(begin, log.observed[0]), min(end, log.observed[1])))


def _masks(log: EventLog, begin: int, end: int) -> dict[str, NDArray[np.bool_]]:
    starts, ends = log.start[log.offsets[:-1]], running_end(log)[log.offsets[1:] - 1]
    return {
        "contained": (starts >= begin) & (ends < end),
        "intersecting": (starts < end) & (ends >= begin),
        "started": (starts >= begin) & (starts < end),
        "ended": log.completed & (ends >= begin) & (ends < end),
    }


def _trimmed(log: EventLog, begin: int, end: int, detail: str) -> EventLog:
    rows = (log.start < end) & (log.end >= begin)
    # What has a length and ends at the very beginning of the window has no time in it.
    rows &= (log.end > begin) | (log.start == log.end)
    over = log.completed & (running_end(log)[log.offsets[1:] - 1] < end)
    alive = np.logical_or.reduceat(rows, log.offsets[:-1])
    kept = log.keep_instances(rows, action="filter window", detail=detail)
    finish = np.minimum(kept.end, end)
    start = finish if log.timestamps == "completed" else np.clip(kept.start, begin, end)
    return reordered(
        kept,
        start=start,
        end=finish,
        enabled=None if kept.enabled is None else np.clip(kept.enabled, begin, start),
        ongoing=kept.ongoing | (kept.end > end),
        completed=over[alive],
    )


def limit(moment: Day, time_zone: str, *, last: bool) -> int:
    """Return a day's first moment, or the one after its last, or the moment itself, in µs UTC.

    Raises `DataError` if it is not a date.
    """
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

"""What was work where a log has completions only: two readings of each gap, and the range between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mkmine.calendars import HOUR
from mkmine.eventlog import EventLog
from mkmine.performance.availability import Presence
from mkmine.simulation.model.evidence import Known, Range

__all__ = ["Split", "known_between", "split_completions"]

Int = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_ENOUGH_GAPS = 30
# Of a symmetric PERT distribution 95 % lie within so many times half of its range from its middle.
_INNER = 0.706
# The standard deviation between m imputations counts sqrt(1 + 1 / m) times.
_OF_TWO = 1.5**0.5


@dataclass(frozen=True)
class Split:
    """Hours per instance (NaN where unknown) of the person's working time before its completion.

    `processing` at least, `longest` if the person worked on it whenever both were free; `waiting` is the rest beside
    `processing`, `delay` what of it was no queue.
    """

    processing: Floats
    longest: Floats
    waiting: Floats
    delay: Floats


def split_completions(log: EventLog, ready: Int, presence: Presence, rows: Flags) -> Split:
    """Split the time before the completions of `rows` into processing and delay.

    Work that was waiting when the person completed something else the same day took at most the gap between the two
    completions (the inter-departure time of a busy server). The median of these gaps of an activity (of all activities,
    where it has fewer than 30) bounds the processing of the rest: they could have been begun long after they were
    ready. That they were begun at once is the other reading.
    """
    gap, total, processing, delay = (np.full(len(log), np.nan) for _ in range(4))
    busy = np.zeros(len(log), dtype=np.bool_)
    for person in range(len(log.resources)):
        mine = np.flatnonzero((log.resource == person) & rows)
        if not len(mine):
            continue
        calendar, end = presence.of(person), log.end[mine]
        free = _last_free(end)
        gap[mine] = np.maximum(calendar.working_time(np.maximum(ready[mine], free), end), 0) / HOUR
        total[mine] = np.maximum(calendar.working_time(ready[mine], end), 0) / HOUR
        busy[mine] = (free >= ready[mine]) & (gap[mine] <= calendar.hours_per_day)
    everywhere = float(np.median(gap[busy])) if busy.sum() >= _ENOUGH_GAPS else 0.0
    for code in range(len(log.activities)):
        mine = np.flatnonzero(np.isfinite(gap) & (log.activity == code))
        own = gap[mine][busy[mine]]
        typical = float(np.median(own)) if len(own) >= _ENOUGH_GAPS else everywhere
        processing[mine] = np.where(busy[mine], gap[mine], np.minimum(gap[mine], typical))
        delay[mine] = np.where(busy[mine], 0, np.maximum(total[mine] - processing[mine], 0))
    return Split(processing, gap, np.maximum(total - processing, 0), delay)


def known_between(processing: Floats, longest: Floats, weights: Floats) -> Known | Range | None:
    """Return what is known of the mean hours of work that lie between two readings.

    The two are what multiple imputation would fill in at its extremes (Rubin 1987, Multiple imputation for nonresponse
    in surveys, ch. 3): nothing in the log says how often work was begun at once, so 95 % of the range lie between them,
    widened as for two imputations, and the error of the mean of each reading comes on top.
    """
    least, most = Known.of(processing, weights), Known.of(longest, weights)
    if least is None or most is None:
        return most or least
    known = np.isfinite(processing)
    low, high = (float(np.average(one[known], weights=weights[known])) for one in (processing, longest))
    reach = np.hypot(_OF_TWO * (high - low) / 2, 2 * (least.error * low + most.error * high) / 2) / _INNER
    middle = (low + high) / 2
    return Range(low=max(middle - reach, low / 4), likely=middle, high=min(middle + reach, 1e6))


def _last_free(end: Int) -> Int:
    """Return for each completion the latest one of the person before it (or a time long past)."""
    ends = np.sort(end)
    index = np.searchsorted(ends, end, side="left") - 1
    return np.where(index >= 0, ends[np.maximum(index, 0)], np.iinfo(np.int64).min // 2)

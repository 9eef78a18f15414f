"""How long things take: processing and waiting of each instance in its person's working time, and distributions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mkmine.calendars import HOUR, Calendar
from mkmine.eventlog import EventLog
from mkmine.simulation.distributions import Distribution, Empirical, Fixed, LogNormal
from mkmine.simulation.estimators.presence import Presence

__all__ = ["Spent", "estimate_spent", "fit_distribution"]

Int = NDArray[np.int64]
Floats = NDArray[np.float64]

_ENOUGH_FOR_QUANTILES = 40
_QUANTILES = 41
_ENOUGH_GAPS = 30


@dataclass(frozen=True)
class Spent:
    """Hours per instance, NaN where unknown.

    `waiting` is all of the time before the start, `delay` what is left of it without the time in which the person had
    other work in hand, `multitasking` the mean number of things that people have in hand at once.
    """

    processing: Floats
    waiting: Floats
    delay: Floats
    multitasking: float

    @property
    def has_waiting(self) -> bool:
        """Whether there is any waiting to explain."""
        return bool(np.nansum(self.waiting) > 0)


def estimate_spent(log: EventLog, enabled: Int, presence: Presence) -> Spent:
    """Return what was spent on each instance, and before it, in the working time of the person who did it."""
    completions = log.timestamps == "completed"
    processing, waiting, delay = (np.full(len(log), np.nan) for _ in range(3))
    in_hand, worked = 0.0, 0.0
    for person in range(len(log.resources)):
        rows = np.flatnonzero((log.resource == person) & ~log.ongoing)
        if not len(rows):
            continue
        calendar = presence.of(person)
        start, end, ready = log.start[rows], log.end[rows], enabled[rows]
        if completions:
            free = _last_free(end, end)
            processing[rows], delay[rows] = _split_completions(calendar, ready, free, end)
            total = np.maximum(calendar.working_time(ready, end), 0) / HOUR
            waiting[rows] = np.maximum(total - processing[rows], 0)
            continue
        processing[rows] = _shared(calendar, start, end) / HOUR
        waiting[rows] = np.maximum(calendar.working_time(ready, start), 0) / HOUR
        delay[rows] = np.maximum(waiting[rows] - _busy(calendar, ready, start, (start, end)) / HOUR, 0)
        worked += float(processing[rows].sum())
        in_hand += float(calendar.working_time(start, end).sum()) / HOUR
    return Spent(processing, waiting, delay, in_hand / worked if worked else 1.0)


def _last_free(start: Int, end: Int) -> Int:
    """Return for each start the latest end of the person's other work that was over by then (or a time long past)."""
    ends = np.sort(end)
    index = np.searchsorted(ends, start, side="left") - 1
    return np.where(index >= 0, ends[np.maximum(index, 0)], np.iinfo(np.int64).min // 2)


def _split_completions(calendar: Calendar, ready: Int, free: Int, end: Int) -> tuple[Floats, Floats]:
    """Split the time before completions into processing and delay, where starts are not recorded.

    Work that was waiting when the person completed something else the same day took at most the gap between the two
    completions (the inter-departure time of a busy server). The median of these gaps bounds the processing of the rest.
    """
    gap = calendar.working_time(np.maximum(ready, free), end) / HOUR
    total = np.maximum(calendar.working_time(ready, end), 0) / HOUR
    busy = (free >= ready) & (gap <= calendar.hours_per_day)
    typical = float(np.median(gap[busy])) if busy.sum() >= _ENOUGH_GAPS else 0.0
    spent = np.where(busy, gap, np.minimum(gap, typical))
    return np.maximum(spent, 0), np.maximum(np.where(busy, 0, total - spent), 0)


def _busy(calendar: Calendar, ready: Int, start: Int, work: tuple[Int, Int]) -> Floats:
    """Return the working time (µs) between `ready` and `start` in which the person had other work in hand."""
    points = np.unique(np.concatenate((*work, ready)))
    working = _in_hand(points, *work)[:-1] > 0
    passed = np.concatenate(([0.0], np.cumsum(calendar.working_time(points[:-1], points[1:]) * working)))
    return np.asarray(
        passed[np.searchsorted(points, start)] - passed[np.searchsorted(points, np.minimum(ready, start))]
    )


def _in_hand(points: Int, start: Int, end: Int) -> Int:
    """Return how many stays run from each point (sorted, the starts and ends among them) to the next."""
    begun = np.bincount(np.searchsorted(points, start), minlength=len(points))
    done = np.bincount(np.searchsorted(points, end), minlength=len(points))
    return np.cumsum(begun - done)


def _shared(calendar: Calendar, start: Int, end: Int) -> Floats:
    """Return the working time (µs) of each stay with every moment shared among the stays that run at once."""
    points = np.unique(np.concatenate((start, end)))
    if len(points) < 2:
        return np.zeros(len(start))
    running = _in_hand(points, start, end)
    open_time = calendar.working_time(points[:-1], points[1:])
    passed = np.concatenate(([0.0], np.cumsum(open_time / np.maximum(running[:-1], 1))))
    return np.asarray(passed[np.searchsorted(points, end)] - passed[np.searchsorted(points, start)])


def fit_distribution(hours: Floats) -> Distribution:
    """Return quantiles of many observations, a log-normal with their moments for few, a constant for one value."""
    values = hours[np.isfinite(hours)]
    if not len(values) or float(values.max()) <= 0:
        return Fixed(hours=0.0)
    if len(values) >= _ENOUGH_FOR_QUANTILES:
        points = np.quantile(values, np.linspace(0, 1, _QUANTILES))
        # The linear path between quantiles has a slightly different mean; the load of a role depends on the mean.
        mean = float(((points[1:] + points[:-1]) / 2).mean())
        return Empirical(quantiles=[round(float(v), 6) for v in points * (float(values.mean()) / mean)])
    mean, deviation = float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else 0.0
    if deviation == 0:
        return Fixed(hours=round(mean, 6))
    return LogNormal(mean=round(mean, 6), cv=round(min(deviation / mean, 5.0), 6))

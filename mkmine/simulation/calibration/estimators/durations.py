"""How long things take: processing and waiting of each instance in its person's working time, and distributions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mkmine.calendars import HOUR, MINUTE, Calendar
from mkmine.eventlog import EventLog
from mkmine.performance.availability import Presence
from mkmine.performance.offering import last_idle, offered_hours
from mkmine.simulation.calibration.estimators.bundles import Bundles
from mkmine.simulation.calibration.estimators.completions import split_completions
from mkmine.simulation.model.distributions import Distribution, Empirical, Fixed, LogNormal

__all__ = ["Spent", "estimate_spent", "fit_distribution", "pooled"]

Int = NDArray[np.int64]
Floats = NDArray[np.float64]

_ENOUGH_FOR_QUANTILES = 12
_FEWEST_QUANTILES, _QUANTILES = 9, 41
_TAIL = (0.985, 0.99, 0.995, 0.998)
_MOSTLY = 0.9
# So many delays say by which clock they run, if their variation by one is so many times that by the other.
_ENOUGH_ALIKE, _MORE_ALIKE = 20, 0.8


@dataclass(frozen=True)
class Spent:
    """Hours per instance, NaN where unknown.

    `waiting` is all of the time before the start, `delay` what of it had passed when the work was offered to people,
    `idle` (µs) when its doer had nothing to do for the last time before the start, or else when it could have begun;
    `capacity` how many things each person has in hand at once. Both waits are in hours of the clock by which the
    activity waits: by activity, `steady` says that this is the plain one, nights and weekends included. Where starts
    are not known, `processing` is at least so long, and at most `longest`.
    """

    processing: Floats
    waiting: Floats
    delay: Floats
    idle: Int
    capacity: tuple[int, ...]
    steady: tuple[bool, ...]
    longest: Floats | None = None

    @property
    def has_waiting(self) -> bool:
        """Whether there is any waiting to explain."""
        return bool(np.nansum(self.waiting) > 0)


def estimate_spent(
    log: EventLog, enabled: Int, presence: Presence, clock: Calendar, bundles: Bundles | None = None
) -> Spent:
    """Return what was spent on each instance, and before it.

    Work is measured in the working time of the person who did it, waiting by `clock`, or by the plain clock where that
    shows the delays of an activity to be more alike. Who usually has several things in
    hand works on each at its full pace; where that is the exception, the time is shared among them. Where only
    completions are recorded, everything is in the person's working time. What is done together (`bundles`) is one
    piece of work, and each of its instances has all of its hours.
    """
    pieces = np.ones(len(log), dtype=np.bool_) if bundles is None else bundles.leads
    processing, waiting, delay = (np.full(len(log), np.nan) for _ in range(3))
    since = enabled if bundles is None else bundles.earliest(enabled)
    idle = since.copy()
    capacity = [1] * len(log.resources)
    if log.timestamps == "completed":
        split = split_completions(log, since, presence, ~log.ongoing & pieces)
        steady = (False,) * len(log.activities)
        return Spent(split.processing, split.waiting, split.delay, idle, tuple(capacity), steady, split.longest)
    for person in range(len(log.resources)):
        rows = np.flatnonzero((log.resource == person) & ~log.ongoing & pieces)
        if not len(rows):
            continue
        calendar = presence.of(person)
        start, end, ready = log.start[rows], log.end[rows], since[rows]
        capacity[person] = _capacity(start, end)
        if capacity[person] > 1:
            processing[rows] = calendar.working_time(start, end) / HOUR
        else:
            processing[rows] = _shared(calendar, start, end) / HOUR
        idle[rows] = last_idle(calendar, ready, start, end, capacity[person])
    if bundles is not None:
        processing, idle = processing[bundles.lead], np.maximum(idle[bundles.lead], enabled)
    known = np.isfinite(processing)
    waiting[known] = np.maximum(clock.working_time(enabled[known], log.start[known]), 0) / HOUR
    delay[known] = np.maximum(clock.working_time(enabled[known], idle[known]), 0) / HOUR
    passed = np.where(np.isfinite(waiting), (log.start - enabled) / HOUR, np.nan)
    steady = _steady(log, passed, waiting, idle >= log.start)
    plain = np.array(steady)[log.activity] & np.isfinite(waiting)
    waiting[plain] = np.maximum(passed[plain], 0)
    delay[plain] = np.maximum(idle - enabled, 0)[plain] / HOUR
    delay = offered_hours(log.activity, delay, waiting)
    return Spent(processing, waiting, delay, idle, tuple(capacity), steady)


def _steady(log: EventLog, passed: Floats, waiting: Floats, seen: NDArray[np.bool_]) -> tuple[bool, ...]:
    """Return for each activity whether its delays are clearly more alike by the plain clock than by that of waiting.

    A timer runs through the night, what waits for people does not. Only delays whose end was seen are compared, by
    their coefficient of variation.
    """
    out = []
    for code in range(len(log.activities)):
        rows = (log.activity == code) & seen & (passed * HOUR > MINUTE)
        by_clock, by_waiting = (
            float(np.std(one[rows]) / np.mean(one[rows])) if rows.sum() >= _ENOUGH_ALIKE else np.inf
            for one in (passed, np.maximum(waiting, 1e-9))
        )
        out.append(by_clock < _MORE_ALIKE * by_waiting and np.isfinite(by_clock))
    return tuple(out)


def _capacity(start: Int, end: Int) -> int:
    """Return how many things a person has in hand when something is begun, in most cases at most."""
    points = np.unique(np.concatenate((start, end)))
    running = _in_hand(points, start, end)
    lasting = end > start
    if not lasting.any():
        return 1
    return int(np.quantile(running[np.searchsorted(points, start[lasting])], _MOSTLY, method="lower"))


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


def fit_distribution(hours: Floats, weights: Floats | None = None) -> Distribution:
    """Return quantiles of many observations, a log-normal with their moments for few, a constant for one value.

    The quantiles stand closer in the upper tail, so that rare long times stay as rare and as long as they are;
    `weights` say how much each observation counts. Values that are not finite are not known.
    """
    known = np.isfinite(hours)
    values = hours[known]
    count = np.ones(len(values)) if weights is None else weights[known]
    mean = float(values @ count / count.sum()) if count.sum() > 0 else 0.0
    # Less than a few milliseconds is nothing.
    if round(mean, 6) <= 0:
        return Fixed(hours=0.0)
    if round(mean, 6) == 0:
        return Fixed(hours=0.0)
    if len(values) >= _ENOUGH_FOR_QUANTILES:
        return _quantiles(values, count, mean)
    deviation = float(np.sqrt((values - mean) ** 2 @ count / count.sum() * len(values) / max(len(values) - 1, 1)))
    if deviation <= 1e-9 * mean:
        return Fixed(hours=round(mean, 6))
    return LogNormal(mean=round(mean, 6), cv=round(min(deviation / mean, 5.0), 6))


def _quantiles(values: Floats, weights: Floats, mean: float) -> Empirical:
    # As many points as the observations bear: their number, were all weights alike (Kish 1965).
    number = float(weights.sum() ** 2 / (weights @ weights))
    even = np.linspace(0, 1, int(np.clip(number / 3, _FEWEST_QUANTILES, _QUANTILES)))
    at = np.unique(np.concatenate((even, [p for p in _TAIL if (1 - p) * number >= 2])).round(6))
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order]) - weights[order] / 2
    points = np.interp(at * weights.sum(), reached, values[order])
    points[0], points[-1] = values[order[0]], values[order[-1]]
    # The linear path between quantiles has a slightly different mean; the load of a role depends on the mean.
    path = float(((points[1:] + points[:-1]) / 2) @ np.diff(at))
    return Empirical(
        quantiles=[float(f"{v:.5g}") for v in points * (mean / path if path > 0 else 1.0)],
        at=[] if len(at) == len(even) else at.tolist(),
    )


def pooled(
    own: Floats, others: Floats, strength: float, *, weights: Floats, of_others: Floats
) -> tuple[Floats, Floats]:
    """Return observations together with those of a larger group, which count as much as `strength` observations.

    Partial pooling: with few of one's own the group speaks, with many it is hardly heard.
    """
    total = float(of_others.sum())
    lent = of_others * (strength / total) if total > 0 else of_others
    return np.concatenate((own, others)), np.concatenate((weights, lent))

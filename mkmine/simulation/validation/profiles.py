"""What a log shows of its process in a window, so that two stretches of time can be held side by side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mkmine.calendars import DAY, HOUR, local_time
from mkmine.eventlog import EventLog
from mkmine.eventlog.enablement import enabled_times
from mkmine.simulation.experiments.kpis import WEEK, average_level, case_spans, measure

__all__ = ["ASPECTS", "QUANTILES", "ROUNDS", "Names", "Profile", "distances", "levels", "profile"]

Int = NDArray[np.int64]
Floats = NDArray[np.float64]

QUANTILES = np.linspace(0.02, 0.98, 49)
# Rounds beyond this one count as it.
ROUNDS = 4
_MOST_EDGES = 400
ASPECTS = ("cycle_time", "waiting", "queues", "in_progress", "workload", "rework", "activity_hours", "arrival_hours")


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The activities and people that profiles speak of, in one order for all logs."""

    activities: tuple[str, ...]
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What is seen of a process in a window.

    Attributes
    ----------
    figures
        Key figures by name.
    cycle
        Quantiles of the cycle time, working hours, at `QUANTILES`; NaN where no case both began and ended.
    waiting, begun
        By activity: mean hours waited, and instances begun; a log of completions waits NaN.
    queues
        By activity: mean number of instances that wait.
    in_progress
        Mean number of cases underway in each of equal parts of the window.
    workload
        By person: working hours a week.
    rounds
        Instances by activity and round, (activities, `ROUNDS`).
    events, arrivals
        Starts and ends, and first starts, by weekday and local hour, (7, 24).
    """

    figures: dict[str, float]
    cycle: Floats
    waiting: Floats
    begun: Floats
    queues: Floats
    in_progress: Floats
    workload: Floats
    rounds: Floats
    events: Floats
    arrivals: Floats


def profile(log: EventLog, window: tuple[int, int], names: Names) -> Profile:
    """Return what an observer of the window (µs) sees of a log that was cut to it (`as_observed`)."""
    weeks, calendar = (window[1] - window[0]) / WEEK, log.working_calendar()
    enabled = enabled_times(log)
    begin, finish = case_spans(log)
    ended = log.completed & (begin >= window[0]) & (begin < window[1])
    hours = calendar.working_time(begin[ended], finish[ended]) / HOUR
    inside = (log.start >= window[0]) & (log.start < window[1])
    codes, people = _codes(log.activities, names.activities), _codes(log.resources, names.people)
    activity = codes[log.activity]
    k = len(names.activities)
    begun = np.bincount(activity[inside], minlength=k).astype(np.float64)
    waited = calendar.working_time(np.minimum(enabled, log.start), log.start) / HOUR
    with np.errstate(invalid="ignore", divide="ignore"):
        waiting = np.bincount(activity[inside], weights=waited[inside], minlength=k) / begun
    rounds = np.bincount(activity * ROUNDS + np.minimum(log.round, ROUNDS) - 1, weights=inside, minlength=k * ROUNDS)
    doing = log.resource >= 0
    worked = calendar.working_time(np.clip(log.start[doing], *window), np.clip(log.end[doing], *window)) / HOUR
    level = levels(begin, np.where(log.completed, finish, window[1]), window)
    edges = np.asarray(window, dtype=np.float64)
    queued = [
        float(average_level(enabled[activity == code], log.start[activity == code], edges)[0]) for code in range(k)
    ]
    moments = np.concatenate((log.start, log.end[~log.ongoing])) if log.timestamps != "completed" else log.end
    return Profile(
        figures=measure(log, window) | {"wip": float(level.mean())},
        cycle=np.quantile(hours, QUANTILES) if len(hours) else np.full(len(QUANTILES), np.nan),
        waiting=np.full(k, np.nan) if log.timestamps == "completed" else waiting,
        begun=begun,
        queues=np.array(queued),
        in_progress=level,
        workload=np.bincount(people[log.resource[doing]], weights=worked, minlength=len(names.people)) / weeks,
        rounds=rounds.astype(np.float64).reshape(k, ROUNDS),
        events=_by_hour(moments, window, log.time_zone),
        arrivals=_by_hour(begin, window, log.time_zone),
    )


def levels(begin: Int, finish: Int, window: tuple[int, int]) -> Floats:
    """Return how many cases are underway, on the average of each day (or of longer equal parts) of a window."""
    parts = int(np.clip(round((window[1] - window[0]) / DAY), 1, _MOST_EDGES))
    return average_level(begin, finish, np.linspace(*window, parts + 1))


def _codes(own: tuple[str, ...] | list[str], known: tuple[str, ...]) -> Int:
    place = {name: number for number, name in enumerate(known)}
    return np.array([place[name] for name in own], dtype=np.int64)


def _by_hour(moments: Int, window: tuple[int, int], time_zone: str) -> Floats:
    chosen = moments[(moments >= window[0]) & (moments < window[1])]
    # 1970 began on a Thursday, three days into a week.
    hour = (local_time(chosen, time_zone) // HOUR + 72) % 168
    return np.bincount(hour, minlength=168).astype(np.float64).reshape(7, 24)


def distances(one: Profile, other: Profile) -> dict[str, float]:
    """Return how far a profile lies from another, aspect by aspect; NaN where there is nothing to compare.

    As a share of what the other shows: the mean difference of cycle-time quantiles (the Wasserstein distance), of the
    waiting by activity (weighted by instances), of queues, of the work in progress over time, of the workload by
    person; waiting that is under half of the time of a case, and queues under half of the cases, are measured by that
    half. As a share of the instances that would have to be elsewhere (total variation): rework (by activity and
    round), and the hours of events and arrivals (the mean of that by weekday and that by hour of the day).
    """
    return {
        "cycle_time": _relative(one.cycle, other.cycle),
        "waiting": _relative(one.waiting * other.begun, other.waiting * other.begun) * _waits(other),
        "queues": _relative(one.queues, other.queues) * _part(float(other.queues.sum()), other.figures["wip"]),
        "in_progress": _relative(one.in_progress, other.in_progress),
        "workload": _relative(one.workload, other.workload),
        "rework": _variation(one.rounds, other.rounds),
        "activity_hours": _by_clock(one.events, other.events),
        "arrival_hours": _by_clock(one.arrivals, other.arrivals),
    }


def _waits(one: Profile) -> float:
    waiting, processing = (one.figures[key] for key in ("waiting_per_case_h", "processing_per_case_h"))
    return _part(waiting, waiting + processing)


def _part(part: float, whole: float) -> float:
    """Return 1 for at least half of a whole, less for less: what is next to nothing may differ by much."""
    return min(1.0, 2 * part / whole) if whole > 0 else 1.0


def _relative(one: Floats, other: Floats) -> float:
    size = min(len(one), len(other))
    one, other = one[:size], other[:size]
    known = np.isfinite(one) & np.isfinite(other)
    total = float(np.abs(other[known]).sum())
    return float(np.abs(one[known] - other[known]).sum() / total) if total > 0 else float("nan")


def _variation(one: Floats, other: Floats) -> float:
    if not one.sum() or not other.sum():
        return float("nan")
    return float(np.abs(one / one.sum() - other / other.sum()).sum() / 2)


def _by_clock(one: Floats, other: Floats) -> float:
    return (_variation(one.sum(axis=1), other.sum(axis=1)) + _variation(one.sum(axis=0), other.sum(axis=0))) / 2

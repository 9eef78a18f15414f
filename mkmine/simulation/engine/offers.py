"""When work of a simulated log joined its queue: after the outside delay, which the log itself does not tell."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mkmine.calendars import HOUR, Calendar
from mkmine.eventlog import EventLog
from mkmine.simulation.model import ActivityModel, SimulationModel
from mkmine.streams import Streams

__all__ = ["offered_times"]

Int = NDArray[np.int64]


def offered_times(log: EventLog, model: SimulationModel, streams: Streams) -> Int:
    """Return when each instance of a whole simulated log was offered to its role, shape (n,), µs.

    Delays are drawn again from the streams that the run was made with, so they are the very ones that it waited for;
    where a case left a place unserved (its patience ended), later delays of the place may be those of another visit.
    Outside waits are offered when they are enabled.
    """
    assert log.enabled is not None
    out = log.enabled.copy()
    codes = {name: number for number, name in enumerate(model.activities)}
    for number, (name, activity) in enumerate(model.activities.items()):
        if activity.role is None or activity.delay is None:
            continue
        clock = model.calendar(activity.calendar) if activity.calendar else Calendar.always()
        rows = np.flatnonzero(log.activity == number)
        rounds, variant = log.round[rows], _variants(activity, log)
        factors = np.array([1.0, *(one.delay_factor for one in activity.variants)])[variant]
        for visit in np.unique(rounds):
            mine = rows[rounds == visit]
            u = streams.uniform("delay", name, int(visit), size=log.n_cases)
            hours = _delays(activity, variant, u)[log.case_of[mine]]
            for wait in activity.waits:
                chosen = _after(log, mine, codes[wait.before] if wait.before else -1, wait.overlap)
                spread = wait.delay[min(int(visit), len(wait.delay)) - 1]
                hours[chosen] = spread.ppf(u[log.case_of[mine[chosen]]])
            delay = np.rint(hours * factors[log.case_of[mine]] * HOUR).astype(np.int64)
            out[mine] = np.minimum(clock.add(log.enabled[mine], delay), log.start[mine])
    return out


def _after(log: EventLog, rows: Int, code: int, overlap: bool) -> NDArray[np.bool_]:
    """Return which rows come after a certain activity of their case: after its end, or while it was being done."""
    assert log.enabled is not None
    before = np.maximum(rows - 1, 0)
    first = rows == log.offsets[log.case_of[rows]]
    if code < 0:
        return np.asarray(first)
    follows = ~first & (log.activity[before] == code)
    meanwhile = (log.enabled[rows] == log.start[before]) & (log.end[before] > log.start[before])
    return np.asarray(follows & (meanwhile == overlap))


def _variants(activity: ActivityModel, log: EventLog) -> Int:
    """Return which variant decides the delay of each case, counted from 1 (0: none)."""
    out = np.zeros(log.n_cases, dtype=np.int64)
    for number, variant in reversed(list(enumerate(activity.variants, 1))):
        if variant.speaks_of("delay"):
            fits = np.ones(log.n_cases, dtype=np.bool_)
            for attribute, value in variant.when.items():
                fits &= (log.case_attributes[attribute] == value).to_numpy()
            out[fits] = number
    return out


def _delays(activity: ActivityModel, variant: Int, u: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the delay of every case in hours, where nothing else holds by what came before."""
    assert activity.delay is not None
    hours = activity.delay.ppf(u)
    for number, one in enumerate(activity.variants, 1):
        if one.delay is not None:
            hours[variant == number] = one.delay.ppf(u[variant == number])
    return hours

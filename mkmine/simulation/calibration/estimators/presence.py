"""How well the hours of people are known: what their calendars would be had the log seen other weeks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mkmine.eventlog import EventLog
from mkmine.eventlog.rhythm import calendar_of_hours, hours_of_weeks
from mkmine.performance.availability import COVERED, Presence, fewest_hours, seen_at_work
from mkmine.simulation.model.evidence import Known
from mkmine.streams import Streams

__all__ = ["presence_errors"]

Int = NDArray[np.int64]

_DRAWS = 12
# Fewer weeks tell nothing of how they differ.
_FEWEST_WEEKS = 6


def presence_errors(log: EventLog, presence: Presence) -> dict[str, Known]:
    """Return by calendar on how many weeks its hours rest, and their relative standard error.

    A bootstrap of weeks (Efron 1979, Bootstrap methods: another look at the jackknife, Annals of Statistics 7), since
    the signs of a day and of a week belong together: the weeks in which those who share the calendar were seen are
    drawn anew, and their hours found in them by the rule of `estimate_presence`. Calendars seen in fewer than 6 weeks,
    and those that come out the same each time, have none.
    """
    out = {}
    for name in dict.fromkeys(presence.calendar_of):
        people = np.array([one == name for one in presence.calendar_of] + [False])
        moments = seen_at_work(log, np.flatnonzero(people[log.resource]))
        if not len(moments):
            continue
        first, counts = hours_of_weeks([moments], log.time_zone)
        weeks = counts[counts.any(axis=1)]
        if len(weeks) < _FEWEST_WEEKS:
            continue
        chosen = Streams(0).generator("presence", name).integers(len(weeks), size=(_DRAWS, len(weeks)))
        hours = [_hours(first, weeks[some], log.time_zone) for some in chosen]
        error = float(np.std(hours, ddof=1) / np.mean(hours))
        if error > 0:
            out[name] = Known(n=float(len(weeks)), error=round(error, 4))
    return out


def _hours(first: int, weeks: Int, time_zone: str) -> float:
    """Return the weekly hours that the counts of some weeks, (weeks, 168), show."""
    found = calendar_of_hours(first, weeks, time_zone, holidays=None)
    opened = np.zeros((7, 24), dtype=np.bool_)
    for day, spans in enumerate(found.weekly):
        for begin, end in spans:
            opened[day, begin // 60 : -(-end // 60)] = True
    total = weeks.sum(axis=0)
    held = float(total[opened.ravel()].sum() / total.sum())
    return found.hours_per_week if held >= COVERED else float(fewest_hours(total).sum())

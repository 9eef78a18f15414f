"""Rules of thumb for queues and for waits for people to come, by which gains are estimated."""

from __future__ import annotations

import numpy as np

from mkmine.calendars import DAY, Calendar
from mkmine.eventlog.log import EventLog

__all__ = ["every_day", "mean_gap", "queue_factor"]

# Queues of people busier than this have no steady length that a formula could tell.
BUSIEST = 0.97
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def queue_factor(people: float, busy: float, more: float, *, lighter: float = 0.0) -> float:
    """Return what share of the waiting for busy people is left if there are `more` of them, by Sakasegawa's formula.

    `lighter`: or if a share of their work is no longer there.

    The mean wait with c servers of load r is proportional to r ** (sqrt(2 (c + 1)) - 1) / (c (1 - r)). Source: H.
    Sakasegawa (1977), Annals of the Institute of Statistical Mathematics 29.
    """

    def wait(servers: float, load: float) -> float:
        return float(load ** (np.sqrt(2 * (servers + 1)) - 1) / (servers * (1 - load)))

    people, busy = max(people, 1.0), min(busy, BUSIEST)
    return wait(people + more, busy * (1 - lighter) * people / (people + more)) / wait(people, busy)


def every_day(own: Calendar, office: Calendar) -> tuple[Calendar, dict[str, str]] | None:
    """Return the same weekly hours spread over the days of the office, from its opening on; None if they are already.

    As a calendar, and as the weekly hours of a scenario.
    """
    days = [day for day, spans in enumerate(office.weekly) if spans]
    if not days or office.rotation is not None or own.hours_per_week >= office.hours_per_week:
        return None
    minutes = max(round(own.hours_per_week * 60 / len(days) / 15) * 15, 15)
    weekly = {}
    for day in days:
        left, parts = minutes, []
        for begin, end in office.weekly[day]:
            taken = min(left, end - begin)
            if taken > 0 and end <= 24 * 60:
                parts.append(f"{_clock(begin)}-{_clock(begin + taken)}")
                left -= taken
        if parts:
            weekly[DAYS[day]] = ", ".join(parts)
    if not weekly:
        return None
    spread = Calendar.parse(weekly, time_zone=office.time_zone, holidays=office.holidays)
    return spread, weekly


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def mean_gap(own: Calendar, office: Calendar, log: EventLog) -> float:
    """Return how long (µs of office time) a moment of office time is from the next one at which somebody is there."""
    first, last = log.observed
    line, there = office.timeline(first, max(last, first + 7 * DAY)), own.timeline(first, max(last, first + 7 * DAY))
    if not len(there.starts) or line.total == 0:
        return 0.0
    gaps = line.between(there.ends[:-1], there.starts[1:]).astype(np.float64)
    return float((gaps**2).sum() / 2 / line.total)

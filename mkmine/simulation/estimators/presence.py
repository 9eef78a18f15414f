"""When people work: weekly hours by person, role or office, and absences."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from mkmine.calendars import HOUR, Calendar, from_us
from mkmine.discovery.pools import Pools
from mkmine.eventlog import EventLog
from mkmine.eventlog.rhythm import infer_calendar

__all__ = ["Presence", "estimate_presence"]

Int = NDArray[np.int64]

_ENOUGH_FOR_CALENDAR = 150
_ENOUGH_FOR_ABSENCE = 60
# Work that takes this many times the 95th percentile of the person's work is not long, but was interrupted.
_UNUSUAL = 4
# A calendar that misses more of the work than this is not the rhythm of that work.
_COVERED = 0.85


@dataclass(frozen=True)
class Presence:
    """The calendars of a log by name (`"office"` among them), and each person's calendar and absences."""

    calendars: dict[str, Calendar]
    calendar_of: tuple[str, ...]
    absences: tuple[tuple[tuple[date, date], ...], ...]

    @property
    def office(self) -> Calendar:
        """The calendar by which working time is measured."""
        return self.calendars["office"]

    def of(self, person: int) -> Calendar:
        """Return a person's calendar with their absences."""
        return self.calendars[self.calendar_of[person]].without(self.absences[person])


def estimate_presence(log: EventLog, pools: Pools) -> Presence:
    """Return who works when.

    A person with at least 150 instances whose own weekly rhythm covers 85 % of them has it for a calendar; others have
    their role's, by the same rule, or the office's. Absences are spans of at least 5 open days without a sign of a
    person where silence is improbable at their usual rate (Poisson, below one in a million) and no long work explains
    it.
    """
    office = log.working_calendar()
    calendars: dict[str, Calendar] = {"office": office}
    by_role: dict[int, str] = {}
    for role, title in enumerate(pools.names):
        hours = _hours_of(log, (pools.of_activity[log.activity] == role) & (log.resource >= 0), office)
        if hours is not None:
            by_role[role] = f"role {title}"
            calendars[by_role[role]] = hours
    chosen, absences = [], []
    for person, title in enumerate(log.resources):
        rows = log.resource == person
        roles = pools.of_person[person]
        key = by_role.get(roles[0], "office") if roles else "office"
        hours = _hours_of(log, rows, office)
        if hours is not None:
            key = f"person {title}"
            calendars[key] = hours
        chosen.append(key)
        absences.append(_absences(log, rows, calendars[key]))
    return Presence(calendars, tuple(chosen), tuple(absences))


def _hours_of(log: EventLog, rows: NDArray[np.bool_], office: Calendar) -> Calendar | None:
    """Return the weekly hours of some instances, or None where they are too few or too scattered to show a rhythm."""
    if rows.sum() < _ENOUGH_FOR_CALENDAR:
        return None
    found = infer_calendar(log, instances=rows, holidays=office.holidays)
    moments = np.concatenate((log.start[rows], log.end[rows & ~log.ongoing] - 1))
    return found if found.is_open(moments).mean() >= _COVERED else None


def _absences(log: EventLog, rows: NDArray[np.bool_], calendar: Calendar) -> tuple[tuple[date, date], ...]:
    moments = np.sort(np.concatenate((log.start[rows], log.end[rows & ~log.ongoing])))
    if len(moments) < _ENOUGH_FOR_ABSENCE:
        return ()
    gaps = calendar.working_time(moments[:-1], moments[1:])
    rate = len(moments) / max(int(calendar.working_time(moments[0], moments[-1])), 1)
    open_day = calendar.hours_per_day * HOUR
    # exp(-rate * gap) < 1e-6: a Poisson person is not silent for so long by chance. Long work in hand is no absence.
    # Work that seems far longer than the person's other work is what the absence interrupted.
    spans = calendar.working_time(log.start[rows], log.end[rows])
    usual = spans <= _UNUSUAL * np.quantile(spans, 0.95)
    working = _covered(log.start[rows][usual], log.end[rows][usual], moments)
    quiet = np.flatnonzero((gaps >= 4.5 * open_day) & (rate * gaps > 14) & ~working)
    out = []
    for gap in quiet:
        first = from_us(int(moments[gap]), log.time_zone).date() + timedelta(days=1)
        last = from_us(int(moments[gap + 1]), log.time_zone).date() - timedelta(days=1)
        if last >= first:
            out.append((first, last))
    return tuple(out)


def _covered(start: Int, end: Int, moments: Int) -> NDArray[np.bool_]:
    """Return for each gap between moments whether an instance spans it whole."""
    begun = np.searchsorted(np.sort(start), moments[:-1], side="right")
    done = np.searchsorted(np.sort(end), moments[1:], side="left")
    return np.asarray(begun > done)

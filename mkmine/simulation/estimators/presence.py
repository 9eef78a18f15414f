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
from mkmine.simulation.estimators.rhythm import hour_of_week

__all__ = ["Presence", "estimate_presence"]

Int = NDArray[np.int64]

_ENOUGH_FOR_CALENDAR = 150
_ENOUGH_FOR_ABSENCE = 60
# Work that takes this many times the 95th percentile of the person's work is not long, but was interrupted.
_UNUSUAL = 4
# A calendar that misses more of the work than this is not the rhythm of that work.
_COVERED, _COVERED_OF_DAY = 0.97, 0.9


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

    A person with at least 150 instances has a calendar of their own, others have their role's, by the same rule, or
    that of everybody: the hours that infer_calendar finds, if 97 % of the work lies in them, or else the fewest hours
    of the week that hold 97 % of it, and 90 % of that of each weekday. Who works at odd hours now and then would
    otherwise never be there at them. Absences are spans of at least 5 open days without a sign of a
    person where silence is improbable at their usual rate (Poisson, below one in a million) and no long work explains
    it.
    """
    office = log.working_calendar()
    everybody = office
    if not _fits(log, office):
        everybody = _hours_of(log, np.ones(len(log), dtype=np.bool_), office, enough=0) or office
    shared = "office" if everybody == office else "everybody"
    calendars: dict[str, Calendar] = {"office": office, shared: everybody}
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
        key = by_role.get(roles[0], shared) if roles else shared
        hours = _hours_of(log, rows, office)
        if hours is not None:
            key = f"person {title}"
            calendars[key] = hours
        chosen.append(key)
        absences.append(_absences(log, rows, calendars[key]))
    return Presence(calendars, tuple(chosen), tuple(absences))


def _hours_of(
    log: EventLog, rows: NDArray[np.bool_], office: Calendar, enough: int = _ENOUGH_FOR_CALENDAR
) -> Calendar | None:
    """Return the weekly hours of some instances, or None where they are too few to show any."""
    if rows.sum() < max(enough, 1):
        return None
    moments = _moments(log, rows)
    found = infer_calendar(log, instances=rows, holidays=office.holidays)
    return found if found.is_open(moments).mean() >= _COVERED else _covering(moments, office)


def _moments(log: EventLog, rows: NDArray[np.bool_]) -> Int:
    """Return when the work of some instances began, and when it was last seen before it ended."""
    done = rows & ~log.ongoing
    return np.concatenate((log.start[rows], np.maximum(log.end[done] - 1, log.start[done])))


def _fits(log: EventLog, office: Calendar) -> bool:
    """Whether the office's hours hold nearly all of the work."""
    moments = _moments(log, np.ones(len(log), dtype=np.bool_))
    return float(office.is_open(moments).mean()) >= _COVERED


def _covering(moments: Int, office: Calendar) -> Calendar:
    """Return the fewest hours of the week that hold nearly all moments, and most of those of each weekday."""
    counts = np.bincount(hour_of_week(moments, office.time_zone), minlength=168)
    opened = _fewest(counts, _COVERED)
    for day in range(7):
        hours = slice(24 * day, 24 * day + 24)
        opened[hours] |= _fewest(counts[hours], _COVERED_OF_DAY)
    return Calendar(
        weekly=tuple(_spans(day) for day in opened.reshape(7, 24)), time_zone=office.time_zone, holidays=office.holidays
    )


def _spans(opened: NDArray[np.bool_]) -> tuple[tuple[int, int], ...]:
    """Return the open hours of a day as spans of minutes."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], opened, [False])).astype(np.int8)))
    return tuple((60 * int(start), 60 * int(end)) for start, end in edges.reshape(-1, 2))


def _fewest(counts: Int, share: float) -> NDArray[np.bool_]:
    """Return the fewest cells that hold a share of all counts."""
    order = np.argsort(-counts, kind="stable")
    needed = int(np.searchsorted(np.cumsum(counts[order]), share * counts.sum())) + 1
    out = np.zeros(len(counts), dtype=np.bool_)
    out[order[:needed]] = True
    return out & (counts > 0)


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

"""A calendar as a timeline: the hours of each day of some years, put on the clock of the time zone."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mkmine.calendars.days import in_years
from mkmine.calendars.lookup import Ints
from mkmine.calendars.moments import DAY, MINUTE, clock, day_number
from mkmine.calendars.official import declared_days
from mkmine.calendars.patterns import Intervals, clipped, shortened
from mkmine.calendars.timeline import Timeline, merged, overlaid
from mkmine.errors import DataError

if TYPE_CHECKING:
    from mkmine.calendars.calendar import Calendar

__all__ = ["compiled"]

# 1 January 1970 was a Thursday.
_WEEKDAY_OF_EPOCH = 3


@lru_cache(maxsize=1024)
def compiled(calendar: Calendar, first_year: int, last_year: int) -> Timeline:
    """Return the timeline of the years, both included. Raises `DataError` if the calendar does not open in them."""
    line = _line(calendar, first_year, last_year)
    if not len(line.starts):
        raise DataError(f"the calendar does not open between {first_year} and {last_year}; check its absences")
    return line


def _line(calendar: Calendar, first_year: int, last_year: int) -> Timeline:
    parts = calendar.all_of or calendar.any_of
    if parts:
        lines = [_line(part, first_year, last_year) for part in parts]
        return overlaid(lines, least=len(lines) if calendar.all_of else 1)
    days = _Days(calendar, first_year, last_year)
    days.declare()
    days.halve()
    days.except_()
    return days.timeline()


class _Days:
    """The days of some years, each with the number of its hours in a list of all that occur."""

    def __init__(self, calendar: Calendar, first_year: int, last_year: int) -> None:
        self.calendar = calendar
        self.years = range(first_year, last_year + 1)
        self.first = day_number(date(first_year, 1, 1))
        self.count = day_number(date(last_year + 1, 1, 1)) - self.first
        rotation = calendar.rotation
        self.hours: list[Intervals] = [*(rotation.days if rotation else calendar.weekly), ()]
        self.closed = len(self.hours) - 1
        self.kind = self.usual(self.first + np.arange(self.count, dtype=np.int64))
        self._numbers: dict[Intervals, int] = {}

    def usual(self, days: Ints) -> Ints:
        """Return the kinds of days by the pattern alone."""
        rotation = self.calendar.rotation
        since = day_number(rotation.since) if rotation else -_WEEKDAY_OF_EPOCH
        return np.asarray((days - since) % self.closed, dtype=np.int64)

    def places(self, days: list[date]) -> NDArray[np.int64]:
        """Return the places of those of some dates that lie in the years."""
        found = np.array([day_number(day) for day in days], dtype=np.int64) - self.first
        return found[(found >= 0) & (found < self.count)]

    def give(self, place: int, hours: Intervals) -> None:
        """Give a day hours of its own."""
        if hours not in self._numbers:
            self._numbers[hours] = len(self.hours)
            self.hours.append(hours)
        self.kind[place] = self._numbers[hours]

    def declare(self) -> None:
        """Close the holidays, open the days that are worked instead, and shorten the eves."""
        code = self.calendar.holidays
        if not code:
            return
        declared = [declared_days(code, year) for year in self.years]
        self.kind[self.places([day for one in declared for day in one.free])] = self.closed
        worked = {day: instead for one in declared for day, instead in one.worked.items()}
        # All days of the years are there, and so is each of these.
        self.kind[self.places([*worked])] = self.usual(
            np.array([day_number(day) for day in worked.values()], dtype=np.int64)
        )
        if self.calendar.shorter_eves:
            halves = set(self._halves())
            for place in self.places([day for one in declared for day in one.eves]).tolist():
                if place not in halves:
                    self.give(place, shortened(self.hours[self.kind[place]], self.calendar.shorter_eves))

    def _halves(self) -> dict[int, int]:
        """Return the places of half days with the minute at which they end."""
        out: dict[int, int] = {}
        for day, until in self.calendar.half_days:
            out.update(dict.fromkeys(self.places(in_years(day, self.years)).tolist(), until))
        return out

    def halve(self) -> None:
        """End the half days early."""
        for place, until in self._halves().items():
            self.give(place, clipped(self.hours[self.kind[place]], until))

    def except_(self) -> None:
        """Give the exceptions their hours, and close the absences."""
        for day, hours in self.calendar.exceptions:
            for place in self.places([day]).tolist():
                self.give(place, hours)
        for absence in self.calendar.absences:
            begin, final = (day_number(day) - self.first for day in (absence.first, absence.last))
            self.kind[max(begin, 0) : max(final + 1, 0)] = self.closed

    def timeline(self) -> Timeline:
        """Put the hours of all days on the clock of the time zone."""
        sizes = np.array([len(hours) for hours in self.hours])
        minutes = np.array([pair for hours in self.hours for pair in hours], dtype=np.int64).reshape(-1, 2)
        shifts = sizes[self.kind]
        day = np.repeat(np.arange(self.count), shifts)
        nth = np.arange(len(day)) - np.repeat(np.cumsum(shifts) - shifts, shifts)
        row = (np.cumsum(sizes) - sizes)[self.kind[day]] + nth
        midnight = (self.first + day) * DAY
        wall = clock(self.calendar.time_zone, self.years[0], self.years[-1])
        return merged(*(wall.reached(midnight + minutes[row, side] * MINUTE) for side in (0, 1)))

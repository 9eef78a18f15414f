"""Days that differ from the pattern: dates, days of every year, and spans of absence, and how they are written."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import NamedTuple

from mkmine.errors import DataError

__all__ = ["Absence", "Day"]

# A date, or a month and a day of every year.
Day = date | tuple[int, int]


class Absence(NamedTuple):
    """A span of dates, both ends included, on which nobody comes; `name` says why."""

    first: date
    last: date
    name: str = ""

    def __str__(self) -> str:
        return f"{self.first}/{self.last} {self.name}".rstrip()


def read_date(value: object) -> date:
    """Return a date, given as one or as ISO text. Raises `DataError` if it is neither."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise DataError(f'"{value}" is not a date; write e.g. "2025-05-09"') from None


def text_day(day: Day) -> str:
    """Return a date as `2025-12-31`, a day of every year as `12-31`."""
    return day.isoformat() if isinstance(day, date) else f"{day[0]:02d}-{day[1]:02d}"


def read_day(value: object) -> Day:
    """Read what `text_day` wrote. Raises `DataError` if there is no such day."""
    match = re.fullmatch(r"([0-9]{1,2})-([0-9]{1,2})", str(value))
    if not match:
        return read_date(value)
    try:
        # A leap year has all days.
        day = date(2024, int(match[1]), int(match[2]))
    except ValueError:
        raise DataError(f'"{value}" is not a month and a day; write e.g. "12-31"') from None
    return day.month, day.day


def in_years(day: Day, years: range) -> list[date]:
    """Return the dates of a day in those of the years that have it."""
    if isinstance(day, date):
        return [day] if day.year in years else []
    leap = day == (2, 29)
    return [date(year, *day) for year in years if not leap or (year % 4 == 0 and (year % 100 != 0 or year % 400 == 0))]


def read_absence(value: object) -> Absence:
    """Read e.g. `2025-07-07/2025-07-20 vacation`; one date is one day. Raises `DataError` if it cannot be read."""
    if isinstance(value, str):
        dates, _, name = value.strip().partition(" ")
        first, _, last = dates.partition("/")
        return Absence(read_date(first), read_date(last or first), name.strip())
    if isinstance(value, date):
        return Absence(read_date(value), read_date(value))
    if isinstance(value, tuple) and len(value) in (2, 3):
        return Absence(read_date(value[0]), read_date(value[1]), *map(str, value[2:]))
    raise DataError(f'"{value}" is not an absence; write e.g. "2025-07-07/2025-07-20 vacation"')

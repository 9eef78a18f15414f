"""Hours of a day, a week and a rotation of shifts, and how they are written."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from mkmine.calendars.days import read_date
from mkmine.errors import DataError, nearest

__all__ = ["CLOSED_WEEK", "Intervals", "Rotation"]

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
LONGEST_ROTATION = 3660

# Pairs of minutes of the local day; the second one lies up to a day after the first, so perhaps on the next day.
Intervals = tuple[tuple[int, int], ...]
CLOSED_WEEK: tuple[Intervals, ...] = ((),) * 7


@dataclass(frozen=True, slots=True)
class Rotation:
    """Shifts that repeat every so many days, whatever the weekday: two days on and two off, week A and week B.

    Parameters
    ----------
    days
        The hours of each day of the cycle.
    since
        A date on which the cycle begins; it runs back from there as well.

    Raises `DataError` if the cycle is empty or very long, or its hours overlap.
    """

    days: tuple[Intervals, ...]
    since: date

    def __post_init__(self) -> None:
        if not 1 <= len(self.days) <= LONGEST_ROTATION:
            raise DataError(f"a rotation has {len(self.days):,} days; give 1 to {LONGEST_ROTATION:,}")
        check_days([f"rotation: day {number}" for number in range(1, len(self.days) + 1)], self.days, cyclic=True)

    @classmethod
    def of(cls, days: Sequence[str | None], *, since: date | str) -> Rotation:
        """Read e.g. `["08:00-20:00", "20:00-08:00", "", ""]`, one text per day. Raises `DataError` if it cannot."""
        if isinstance(days, str) or not isinstance(days, Sequence):
            raise DataError(f'"{days}" is not a list of days; write e.g. ["08:00-20:00", "08:00-20:00", "", ""]')
        return cls(tuple(read_intervals(text or "") for text in days), read_date(since))

    @classmethod
    def of_weeks(cls, weeks: Sequence[Mapping[str, str]], *, since: date | str) -> Rotation:
        """Read e.g. `[{"Mon-Fri": "08:00-16:00"}, {"Mon-Fri": "16:00-24:00"}]`, weeks in turn.

        The first week is the one that holds `since`. Raises `DataError` if it cannot be read.
        """
        if isinstance(weeks, str) or not isinstance(weeks, Sequence):
            raise DataError(f'"{weeks}" is not a list of weeks; write e.g. [{{"Mon-Fri": "08:00-16:00"}}, {{}}]')
        days = tuple(day for week in weeks for day in read_week(week))
        day = read_date(since)
        return cls(days, day - timedelta(days=day.weekday()))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values: weeks where the cycle is made of weeks that begin on Monday, else days."""
        if self._is_weekly:
            weeks = [text_week(self.days[first : first + 7]) for first in range(0, len(self.days), 7)]
            return {"since": self.since.isoformat(), "weeks": weeks}
        return {"since": self.since.isoformat(), "days": [text_intervals(day) for day in self.days]}

    @classmethod
    def from_dict(cls, values: Any) -> Rotation:
        """Read what `to_dict` wrote. Raises `DataError` if it cannot be read."""
        if not isinstance(values, Mapping):
            raise DataError(f'"{values}" is not a rotation; give "since" and either "days" or "weeks"')
        for key in values:
            if key not in ("since", "days", "weeks"):
                raise DataError(f'unknown key "{key}" in a rotation; {nearest(str(key), ["since", "days", "weeks"])}')
        if "since" not in values or ("days" in values) == ("weeks" in values):
            raise DataError('a rotation needs "since", a date on which it begins, and either "days" or "weeks"')
        since = read_date(values["since"])
        return cls.of(values["days"], since=since) if "days" in values else cls.of_weeks(values["weeks"], since=since)

    def describe(self) -> str:
        """Return the rotation in words, e.g. `2 days 08:00-20:00, 2 days off, in turn since 2025-01-06`."""
        if self._is_weekly:
            weeks = [self.days[first : first + 7] for first in range(0, len(self.days), 7)]
            told = ["; ".join(f"{days} {text}" for days, text in text_week(week).items()) or "off" for week in weeks]
            parts = [f"week {number}: {text}" for number, text in enumerate(told, 1)]
        else:
            runs = [(len(list(run)), text_intervals(day) or "off") for day, run in groupby(self.days)]
            parts = [f"{count} day{'s' if count > 1 else ''} {text}" for count, text in runs]
        shown = parts if len(parts) <= 8 else [*parts[:8], f"... ({len(self.days)} days)"]
        return f"{', '.join(shown)}, in turn since {self.since.isoformat()}"

    @property
    def _is_weekly(self) -> bool:
        return len(self.days) % 7 == 0 and self.since.weekday() == 0


def check_days(names: Sequence[str], days: Sequence[Intervals], *, cyclic: bool = False) -> None:
    """Raise `DataError` if intervals of a day, or of days that follow each other, overlap or are none."""
    for name, intervals in zip(names, days, strict=True):
        last = 0
        for start, end in intervals:
            if not (last <= start < end <= start + 1440 and start < 1440):
                raise DataError(
                    f"{name}: the interval {text_interval(start, end)} overlaps the one before it, is empty or longer "
                    f"than a day; give sorted intervals, e.g. 09:00-13:00, 14:00-18:00"
                )
            last = end
    for place, intervals in enumerate(days if cyclic else ()):
        following = (place + 1) % len(days)
        if intervals and days[following] and intervals[-1][1] - 1440 > days[following][0][0]:
            raise DataError(
                f"{names[place]}: the interval {text_interval(*intervals[-1])} runs into the next day's "
                f"{text_interval(*days[following][0])}; let it end before that begins"
            )


def clipped(intervals: Intervals, until: int) -> Intervals:
    """Return the part of a day's intervals before a minute of the day."""
    return tuple((start, min(end, until)) for start, end in intervals if start < until)


def shortened(intervals: Intervals, minutes: int) -> Intervals:
    """Return a day's intervals without their last so many open minutes."""
    left = list(intervals)
    while left and minutes > 0:
        start, end = left.pop()
        if end - start > minutes:
            left.append((start, end - minutes))
        minutes -= end - start
    return tuple(left)


def text_clock(minutes: int) -> str:
    """Return minutes of the day as `HH:MM`; 1440 is 24:00."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def text_interval(start: int, end: int) -> str:
    """Return an interval as text; one of 24 hours is marked `+1`, as it ends on the next day at the same hour."""
    mark = "+1" if end == start + 1440 and start else ""
    return f"{text_clock(start)}-{text_clock(end if end <= 1440 else end - 1440)}{mark}"


def text_intervals(intervals: Intervals) -> str:
    """Return the hours of a day as text."""
    return ", ".join(text_interval(start, end) for start, end in intervals)


def text_week(week: Sequence[Intervals]) -> dict[str, str]:
    """Return the hours of a week as text by weekday or range of weekdays, closed days left out."""
    groups: dict[str, str] = {}
    first = 0
    for day in range(1, 8):
        if day == 7 or week[day] != week[first]:
            if week[first]:
                name = WEEKDAYS[first] if day - first == 1 else f"{WEEKDAYS[first]}-{WEEKDAYS[day - 1]}"
                groups[name] = text_intervals(week[first])
            first = day
    return groups


def read_clock(value: object) -> int:
    """Return the minutes of a time of day. Raises `DataError` if it is none."""
    # YAML takes 14:00 without quotation marks for a number of base 60: the minutes.
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= 1440:
        return value
    match = re.fullmatch(r"\s*([0-9]{1,2}):([0-9]{2})\s*", str(value))
    if not match or int(match[2]) > 59 or int(match[1]) * 60 + int(match[2]) > 1440:
        raise DataError(f'"{value}" is not a time of day; write e.g. "14:00"')
    return int(match[1]) * 60 + int(match[2])


def read_intervals(text: object) -> Intervals:
    """Read e.g. `09:00-13:00, 14:00-18:00`, or `22:00-06:00` into the next day; `08:00-08:00+1` lasts 24 hours."""
    if not isinstance(text, str):
        raise DataError(f'"{text}" is not an interval of hours; write e.g. "09:00-13:00, 14:00-18:00"')
    out = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        match = re.fullmatch(r"([0-9]{1,2}):([0-9]{2})\s*[-–]\s*([0-9]{1,2}):([0-9]{2})(\+1)?", part)
        if not match or int(match[2]) > 59 or int(match[4]) > 59:
            raise DataError(f'"{part}" is not an interval of hours; write e.g. "09:00-13:00, 14:00-18:00"')
        start, end = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])
        if max(start, end) > 1440 or start == 1440:
            raise DataError(f'"{part}" leaves the day; give hours from 00:00 to 24:00, e.g. "22:00-06:00"')
        if end == start and not match[5]:
            raise DataError(f'"{part}" is empty; for 24 hours until the next day write "{part}+1"')
        out.append((start, end + 1440 if end < start or match[5] else end))
    return tuple(sorted(out))


def read_week(weekly: Mapping[str, str]) -> tuple[Intervals, ...]:
    """Read e.g. `{"Mon-Thu": "09:00-18:00", "Fri": "09:00-17:00"}`; of a day named twice the later hours hold."""
    if not isinstance(weekly, Mapping):
        raise DataError(f'"{weekly}" is not a week; write e.g. {{"Mon-Fri": "09:00-18:00"}}')
    days = list(CLOSED_WEEK)
    for names, text in weekly.items():
        for index in _read_weekdays(str(names)):
            days[index] = read_intervals(text)
    return tuple(days)


def _read_weekdays(text: str) -> list[int]:
    out: list[int] = []
    for part in text.split(","):
        ends = [name.strip()[:3].title() for name in part.split("-")]
        if not 1 <= len(ends) <= 2 or any(name not in WEEKDAYS for name in ends):
            raise DataError(f'"{part.strip()}" is not a weekday or a range of them; write e.g. "Mon-Fri" or "Sat"')
        first, last = WEEKDAYS.index(ends[0]), WEEKDAYS.index(ends[-1])
        if last < first:
            raise DataError(f'"{part.strip()}" runs backwards; write e.g. "Mon-Fri"')
        out += range(first, last + 1)
    return out

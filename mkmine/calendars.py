"""Working time: weekly patterns, public holidays, absences, and exact arithmetic with them.

All instants and durations are int64 microseconds; instants count from the epoch in UTC. A calendar is compiled once for
a range of years into sorted open intervals with their cumulative length, so that a difference or an addition is two
binary searches, vectorised, and right across nights, holidays and changes of summer time.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mkmine.errors import DataError, nearest

__all__ = ["DAY", "HOUR", "Calendar", "Timeline", "from_us", "from_year", "public_holidays", "to_us", "zone"]

HOUR = 3_600_000_000
DAY = 24 * HOUR
MINUTE = 60_000_000

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
Intervals = tuple[tuple[int, int], ...]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RANGE = (1900, 2200)


def to_us(moment: datetime) -> int:
    """Return an aware datetime as microseconds since the epoch."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def from_us(moment: int, time_zone: str = "UTC") -> datetime:
    """Return microseconds since the epoch as an aware datetime in `time_zone`."""
    return (_EPOCH + timedelta(microseconds=int(moment))).astimezone(zone(time_zone))


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo:
    """Return the time zone of that IANA name. Raises `DataError` if there is none."""
    from zoneinfo import available_timezones

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        advice = nearest(name, sorted(available_timezones()))
        raise DataError(f'"{name}" is not a time zone of the IANA database; {advice}') from None


@dataclass(frozen=True)
class Timeline:
    """A calendar compiled for a range: open intervals `[starts, ends)` in µs and the open time before each."""

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    before: NDArray[np.int64]

    def opened(self, moments: ArrayLike) -> NDArray[np.int64]:
        """Return the open time from the beginning of the timeline to each moment."""
        at = np.asarray(moments, dtype=np.int64)
        index = np.searchsorted(self.starts, at, side="right") - 1
        inside = np.minimum(at, self.ends[index]) - self.starts[index]
        return np.where(index >= 0, self.before[index] + inside, 0)

    def closing(self, opened: ArrayLike) -> NDArray[np.int64]:
        """Return the earliest moment by which `opened` µs of open time have passed since the beginning."""
        amount = np.asarray(opened, dtype=np.int64)
        index = np.maximum(np.searchsorted(self.before, amount, side="left") - 1, 0)
        return self.starts[index] + (amount - self.before[index])


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """When work is done: a weekly pattern in a time zone, with holidays, exceptions and absences.

    Parameters
    ----------
    weekly
        Seven entries, Monday first; each a tuple of `(from, to)` minutes of the local day, sorted, not overlapping.
    time_zone
        IANA name of the zone whose wall clock the pattern follows.
    holidays
        Country (and subdivision) code of the `holidays` package, e.g. `"RU"`, `"DE-BY"`: its public holidays are
        closed, and the weekend days that it makes working days (moved days) are worked like that week's Friday.
    exceptions
        Dates with their own intervals; they win over the pattern and the holidays. An empty tuple closes the day.
    absences
        Closed spans of dates, both ends included; they win over everything.

    Raises `DataError` if the pattern overlaps, leaves the day, or never opens.
    """

    weekly: tuple[Intervals, ...]
    time_zone: str = "UTC"
    holidays: str | None = None
    exceptions: tuple[tuple[date, Intervals], ...] = ()
    absences: tuple[tuple[date, date], ...] = ()

    def __post_init__(self) -> None:
        if len(self.weekly) != 7:
            raise DataError(f"a weekly pattern has {len(self.weekly)} days; give seven, Monday first")
        for name, intervals in [*zip(WEEKDAYS, self.weekly, strict=True), *((str(d), i) for d, i in self.exceptions)]:
            last = 0
            for start, end in intervals:
                if not (last <= start < end <= 1440):
                    raise DataError(
                        f"{name}: the interval {_clock(start)}-{_clock(end)} overlaps the one before it, is empty or "
                        f"leaves the day; give sorted intervals between 00:00 and 24:00"
                    )
                last = end
        if not any(self.weekly) and not any(intervals for _, intervals in self.exceptions):
            raise DataError("the calendar never opens; give at least one interval, e.g. {'Mon-Fri': '09:00-18:00'}")
        for first, final in self.absences:
            if final < first:
                raise DataError(f"the absence {first} - {final} ends before it begins; swap the dates")
        zone(self.time_zone)
        if self.holidays is not None:
            public_holidays(self.holidays, 2025)

    @classmethod
    def parse(
        cls,
        weekly: Mapping[str, str],
        *,
        time_zone: str = "UTC",
        holidays: str | None = None,
        exceptions: Mapping[date, str] | None = None,
        absences: Sequence[tuple[date, date]] = (),
    ) -> Calendar:
        """Read a pattern such as `{"Mon-Thu": "09:00-13:00, 14:00-18:00", "Fri": "09:00-17:00"}`.

        Raises `DataError` if a day or an interval cannot be read.
        """
        days: list[Intervals] = [()] * 7
        for names, text in weekly.items():
            for index in _days(str(names)):
                days[index] = _intervals(str(text))
        special = tuple(sorted((day, _intervals(text)) for day, text in (exceptions or {}).items()))
        return cls(
            weekly=tuple(days),
            time_zone=time_zone,
            holidays=holidays,
            exceptions=special,
            absences=tuple(sorted(absences)),
        )

    @classmethod
    def always(cls, time_zone: str = "UTC") -> Calendar:
        """Return the calendar that is open at every hour of every day."""
        return cls(weekly=(((0, 1440),),) * 7, time_zone=time_zone)

    @property
    def is_always_open(self) -> bool:
        """Whether no moment is ever closed."""
        closed = self.holidays or self.absences or any(i != ((0, 1440),) for _, i in self.exceptions)
        return not closed and all(day == ((0, 1440),) for day in self.weekly)

    @property
    def hours_per_week(self) -> float:
        """Open hours of a week without holidays."""
        return sum(end - start for day in self.weekly for start, end in day) / 60

    @property
    def hours_per_day(self) -> float:
        """Open hours of an average open weekday: the length of a working day."""
        open_days = sum(1 for day in self.weekly if day)
        return self.hours_per_week / open_days if open_days else 24.0

    def without(self, absences: Sequence[tuple[date, date]]) -> Calendar:
        """Return the calendar with further absences (both dates included)."""
        return replace(self, absences=tuple(sorted({*self.absences, *absences})))

    def timeline(self, first: int, last: int) -> Timeline:
        """Return the compiled calendar that covers at least `[first, last]` (µs)."""
        years = tuple(
            min(max(datetime.fromtimestamp(moment / 1e6, UTC).year, _RANGE[0]), _RANGE[1]) for moment in (first, last)
        )
        return _compile(self, years[0] - 1, years[1] + 1)

    def working_time(self, start: ArrayLike, end: ArrayLike) -> NDArray[np.int64]:
        """Return the open time between `start` and `end` (µs), negative where `end` comes first."""
        a, b = np.asarray(start, dtype=np.int64), np.asarray(end, dtype=np.int64)
        if self.is_always_open or a.size == 0 or b.size == 0:
            return np.asarray(b - a, dtype=np.int64)
        line = self.timeline(int(min(a.min(), b.min())), int(max(a.max(), b.max())))
        return line.opened(b) - line.opened(a)

    def add(self, start: ArrayLike, duration: ArrayLike) -> NDArray[np.int64]:
        """Return the earliest moment at which `duration` µs of open time have passed since `start`.

        A duration of 0 gives `start` itself. Raises `DataError` if a duration is negative or the result lies after
        the year 2200.
        """
        a, d = np.asarray(start, dtype=np.int64), np.asarray(duration, dtype=np.int64)
        if a.size == 0 or d.size == 0:
            return np.broadcast_arrays(a, d)[0].astype(np.int64)
        if int(d.min()) < 0:
            raise DataError(f"a duration of {int(d.min())} µs is negative; durations are 0 or more")
        if self.is_always_open:
            return a + d
        reach = int(a.max()) + int(int(d.max()) * 168 / max(self.hours_per_week, 0.05)) + 60 * DAY
        while True:
            line = self.timeline(int(a.min()), reach)
            target = line.opened(a) + d
            if int(target.max()) <= int(line.before[-1] + line.ends[-1] - line.starts[-1]):
                return np.where(d == 0, a, line.closing(target))
            if from_year(reach) >= _RANGE[1]:
                raise DataError(f"the working time ends after {_RANGE[1]}; is a duration too long, or its unit wrong?")
            reach += reach - int(a.min()) + 5 * 366 * DAY

    def next_open(self, moments: ArrayLike) -> NDArray[np.int64]:
        """Return each moment, or the next opening where it is closed."""
        at = np.asarray(moments, dtype=np.int64)
        if self.is_always_open or at.size == 0:
            return at
        reach = int(at.max()) + 60 * DAY
        while True:
            line = self.timeline(int(at.min()), reach)
            if int(at.max()) < int(line.ends[-1]):
                index = np.searchsorted(line.ends, at, side="right")
                return np.maximum(at, line.starts[index])
            if from_year(reach) >= _RANGE[1]:
                raise DataError("the calendar never opens again after the moment asked for; check its absences")
            reach += reach - int(at.min()) + 5 * 366 * DAY

    def is_open(self, moments: ArrayLike) -> NDArray[np.bool_]:
        """Return whether each moment is open."""
        at = np.asarray(moments, dtype=np.int64)
        if self.is_always_open or at.size == 0:
            return np.ones(at.shape, dtype=np.bool_)
        line = self.timeline(int(at.min()), int(at.max()))
        index = np.searchsorted(line.starts, at, side="right") - 1
        return np.asarray((index >= 0) & (at < line.ends[index]))

    def describe(self) -> str:
        """Return the pattern in one line, e.g. `Mon-Fri 09:00-18:00 (Europe/Moscow, holidays RU)`."""
        if self.is_always_open:
            return "24/7"
        text = "; ".join(f"{days} {hours}" for days, hours in self._grouped().items())
        notes = [self.time_zone, *([f"holidays {self.holidays}"] if self.holidays else [])]
        return f"{text} ({', '.join(notes)})"

    def to_dict(self) -> dict[str, Any]:
        """Return the calendar as plain values, readable by `from_dict` and writable as YAML."""
        out: dict[str, Any] = {"weekly": self._grouped(), "time_zone": self.time_zone}
        if self.holidays:
            out["holidays"] = self.holidays
        if self.exceptions:
            out["exceptions"] = {day.isoformat(): _text(intervals) for day, intervals in self.exceptions}
        if self.absences:
            out["absences"] = [f"{first.isoformat()}/{last.isoformat()}" for first, last in self.absences]
        return out

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], *, time_zone: str = "UTC") -> Calendar:
        """Read what `to_dict` wrote. Raises `DataError` if a key is unknown or a value cannot be read."""
        known = {"weekly", "time_zone", "holidays", "exceptions", "absences"}
        for key in values:
            if key not in known:
                raise DataError(f'unknown key "{key}" in a calendar; {nearest(str(key), sorted(known))}')
        return cls.parse(
            values.get("weekly") or {},
            time_zone=values.get("time_zone", time_zone),
            holidays=values.get("holidays"),
            exceptions={_date(day): str(text or "") for day, text in (values.get("exceptions") or {}).items()},
            absences=[_span(one) for one in values.get("absences") or ()],
        )

    def _grouped(self) -> dict[str, str]:
        groups: dict[str, str] = {}
        first = 0
        for day in range(1, 8):
            if day == 7 or self.weekly[day] != self.weekly[first]:
                if self.weekly[first]:
                    name = WEEKDAYS[first] if day - first == 1 else f"{WEEKDAYS[first]}-{WEEKDAYS[day - 1]}"
                    groups[name] = _text(self.weekly[first])
                first = day
        return groups


def from_year(moment: int) -> int:
    """Return the (UTC) year of a moment in µs."""
    return int(1970 + moment / (365.2425 * DAY))


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _text(intervals: Intervals) -> str:
    return ", ".join(f"{_clock(start)}-{_clock(end)}" for start, end in intervals)


def _days(text: str) -> list[int]:
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


def _intervals(text: str) -> Intervals:
    out = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        match = re.fullmatch(r"(\d{1,2}):(\d\d)\s*[-–]\s*(\d{1,2}):(\d\d)", part)
        if not match or int(match[2]) > 59 or int(match[4]) > 59:
            raise DataError(f'"{part}" is not an interval of hours; write e.g. "09:00-13:00, 14:00-18:00"')
        out.append((int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])))
    return tuple(sorted(out))


def _date(value: object) -> date:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise DataError(f'"{value}" is not a date; write e.g. "2025-05-09"') from None


def _span(value: object) -> tuple[date, date]:
    if isinstance(value, str):
        first, _, last = value.partition("/")
        return _date(first), _date(last or first)
    if isinstance(value, date):
        return value, value
    raise DataError(f'"{value}" is not an absence; write e.g. "2025-07-07/2025-07-20"')


@lru_cache(maxsize=512)
def public_holidays(code: str, year: int) -> tuple[frozenset[date], frozenset[date]]:
    """Return the closed days and the worked weekend days of a year."""
    import holidays

    country, _, subdivision = code.partition("-")
    try:
        found = holidays.country_holidays(country, subdiv=subdivision or None, years=year)
    except NotImplementedError:
        raise DataError(
            f'no holidays are known for "{code}"; write a country code such as "RU" or "DE-BY", or list them as '
            f"exceptions"
        ) from None
    return frozenset(found), frozenset(found.weekend_workdays)


@lru_cache(maxsize=4096)
def _compile(calendar: Calendar, first_year: int, last_year: int) -> Timeline:
    first, last = max(first_year, 2), min(last_year, 9998)
    midnights, shifting = _midnights(calendar.time_zone, first, last)
    days = len(midnights) - 1
    origin = date(first, 1, 1)
    pattern = (np.arange(days) + origin.weekday()) % 7
    if calendar.holidays:
        for year in range(first, last + 1):
            closed, worked = public_holidays(calendar.holidays, year)
            pattern[_indices(closed, origin, days)] = -1
            # A weekend day that is made a working day is worked like that week's Friday.
            pattern[_indices(worked, origin, days)] = 4
    kinds = dict(enumerate(calendar.weekly))
    for number, (day, intervals) in enumerate(calendar.exceptions, 7):
        kinds[number] = intervals
        pattern[_indices({day}, origin, days)] = number
    for begin, final in calendar.absences:
        pattern[max((begin - origin).days, 0) : max((final - origin).days + 1, 0)] = -1
    starts, ends = [], []
    for kind, intervals in kinds.items():
        chosen = np.flatnonzero(pattern == kind)
        for start, end in intervals:
            starts.append(midnights[chosen] + start * MINUTE)
            ends.append(midnights[chosen + 1] if end == 1440 else midnights[chosen] + end * MINUTE)
            # On the days that change the clock, hours are not counted from midnight but told by the zone.
            for place in np.flatnonzero(shifting[chosen]):
                day = origin + timedelta(days=int(chosen[place]))
                starts[-1][place] = _moment(day, start, zone(calendar.time_zone))
                ends[-1][place] = _moment(day, end, zone(calendar.time_zone))
    if not starts or not sum(map(len, starts)):
        raise DataError(f"the calendar does not open between {first_year} and {last_year}; check its absences")
    opening, closing = np.concatenate(starts), np.concatenate(ends)
    order = np.argsort(opening, kind="stable")
    opening, closing = opening[order], closing[order]
    keep = closing > opening
    opening, closing = opening[keep], closing[keep]
    reach = np.maximum.accumulate(closing)
    apart = np.concatenate(([True], opening[1:] > reach[:-1]))
    opening, closing = opening[apart], reach[np.append(np.flatnonzero(apart)[1:] - 1, len(reach) - 1)]
    before = np.concatenate(([0], np.cumsum(closing - opening)[:-1]))
    return Timeline(opening, closing, before)


def _indices(days: Collection[date], origin: date, count: int) -> NDArray[np.int64]:
    found = np.array(sorted((day - origin).days for day in days), dtype=np.int64)
    return found[(found >= 0) & (found < count)]


@lru_cache(maxsize=256)
def _midnights(time_zone: str, first_year: int, last_year: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the local midnights (µs) of all days and the one after them, and which days have not 24 hours."""
    tz = zone(time_zone)
    origin = date(first_year, 1, 1)
    count = (date(last_year + 1, 1, 1) - origin).days
    midnights = np.array([_moment(origin + timedelta(days=day), 0, tz) for day in range(count + 1)], dtype=np.int64)
    return midnights, np.diff(midnights) != DAY


def _moment(day: date, minutes: int, tz: ZoneInfo) -> int:
    """Return the first moment at which the wall clock shows that time, or a later one where the clock skips it."""
    if minutes == 1440:
        day, minutes = day + timedelta(days=1), 0
    wall = datetime.combine(day, time(minutes // 60, minutes % 60), tz)
    late, early = to_us(wall), to_us(wall.replace(fold=1))
    # In a gap the two readings of PEP 495 lie around the change of the clock, the second one before it.
    while late - early > 1:
        middle = (late + early) // 2
        if from_us(middle, tz.key).replace(tzinfo=None) >= wall.replace(tzinfo=None):
            late = middle
        else:
            early = middle
    return late

"""When work is done: a pattern of hours with its holidays, half days, exceptions and absences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from html import escape
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mkmine.calendars.compilation import compiled
from mkmine.calendars.days import Absence, Day, read_absence, read_date, read_day, text_day
from mkmine.calendars.moments import DAY, FIRST_YEAR, HOUR, LAST_YEAR, as_us, from_year, in_range, zone
from mkmine.calendars.official import declared_days
from mkmine.calendars.patterns import (
    CLOSED_WEEK,
    WEEKDAYS,
    Intervals,
    Rotation,
    check_days,
    read_clock,
    read_intervals,
    read_week,
    text_clock,
    text_intervals,
    text_week,
)
from mkmine.calendars.timeline import Timeline
from mkmine.errors import DataError, nearest

__all__ = ["Absence", "Calendar"]

_ALL_DAY: Intervals = ((0, 1440),)
_DEEPEST = 8


@dataclass(frozen=True, kw_only=True, repr=False)
class Calendar:
    """When work is done: a pattern of hours in a time zone, with holidays, half days, exceptions and absences.

    Parameters
    ----------
    weekly
        Seven entries, Monday first; each a tuple of `(from, to)` minutes of the local day, sorted, not overlapping.
        A shift may end on the next day (`to` above 1440); it belongs to the day on which it begins.
    rotation
        Shifts that repeat every so many days; they take the place of the week.
    time_zone
        IANA name of the zone whose wall clock the pattern follows.
    holidays
        Country (and subdivision) code of the `holidays` package, e.g. `"RU"`, `"DE-BY"`, `"AT+bank"` (see
        `mkmine.calendars.official`): its public holidays are closed, and the weekend days that it makes working days
        have the hours of the day off that was given for them.
    shorter_eves
        Minutes by which the day directly before a public holiday is shorter (60 by Russian law).
    half_days
        Days that end early: pairs of a date, or a month and a day of every year, and the minute of the day at which
        they end. What is closed stays closed, and a half day is not shortened further as an eve.
    exceptions
        Dates with their own intervals; they win over all that stands above. An empty tuple closes the day.
    absences
        Closed spans of dates, both ends included; they win over everything.
    all_of, any_of
        Calendars of which all, or any, must be open: instead of a pattern and of all that stands above but the time
        zone. `office & own` and `early | late` make such.

    Raises `DataError` if hours overlap or last longer than a day, or the calendar never opens.
    """

    weekly: tuple[Intervals, ...] = CLOSED_WEEK
    rotation: Rotation | None = None
    time_zone: str = "UTC"
    holidays: str | None = None
    shorter_eves: int = 0
    half_days: tuple[tuple[Day, int], ...] = ()
    exceptions: tuple[tuple[date, Intervals], ...] = ()
    absences: tuple[Absence, ...] = ()
    all_of: tuple[Calendar, ...] = ()
    any_of: tuple[Calendar, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "absences", tuple(read_absence(span) for span in self.absences))
        zone(self.time_zone)
        if self.all_of or self.any_of:
            self._check_parts()
            return
        if len(self.weekly) != 7:
            raise DataError(f"a weekly pattern has {len(self.weekly)} days; give seven, Monday first")
        check_days(WEEKDAYS, self.weekly, cyclic=True)
        check_days([str(day) for day, _ in self.exceptions], [hours for _, hours in self.exceptions])
        if self.rotation and any(self.weekly):
            raise DataError("a calendar has both a weekly pattern and a rotation; give one, or combine two calendars")
        pattern = self.rotation.days if self.rotation else self.weekly
        if not any(pattern) and not any(hours for _, hours in self.exceptions):
            raise DataError("the calendar never opens; give at least one interval, e.g. {'Mon-Fri': '09:00-18:00'}")
        for first, final, _ in self.absences:
            if final < first:
                raise DataError(f"the absence {first} - {final} ends before it begins; swap the dates")
        for day, until in self.half_days:
            if not 0 < until <= 1440:
                raise DataError(f"the half day {text_day(day)} ends at minute {until}; give a minute from 1 to 1440")
        if not 0 <= self.shorter_eves < 1440:
            raise DataError(f"eves of holidays are {self.shorter_eves} minutes shorter; give from 0 to 1439 minutes")
        if self.shorter_eves and not self.holidays:
            raise DataError("eves of holidays cannot be shorter without holidays; give their country, e.g. RU")
        if self.holidays is not None:
            # YAML takes NO, the code of Norway, for false.
            if not isinstance(self.holidays, str) or not self.holidays:
                raise DataError(f'holidays: "{self.holidays}" is no country code; write it as text, e.g. "RU" or "NO"')
            declared_days(self.holidays, 2025)

    def _check_parts(self) -> None:
        if self.all_of and self.any_of:
            raise DataError("a calendar has both `all_of` and `any_of`; put one inside the other")
        own = Calendar.__dataclass_fields__.keys() - {"all_of", "any_of", "time_zone"}
        for name in sorted(own):
            if getattr(self, name) != Calendar.__dataclass_fields__[name].default:
                raise DataError(f"a calendar made of others has `{name}` of its own; give it to the parts")
        if self._depth > _DEEPEST:
            raise DataError(f"calendars lie {self._depth} deep in one another; combine at most {_DEEPEST}")

    @property
    def _depth(self) -> int:
        return 1 + max((part._depth for part in self._parts), default=0)

    @property
    def _parts(self) -> tuple[Calendar, ...]:
        return self.all_of or self.any_of

    # -- making one ------------------------------------------------------------------------------------------------

    @classmethod
    def parse(
        cls,
        weekly: Mapping[str, str] | None = None,
        *,
        rotation: Rotation | None = None,
        time_zone: str = "UTC",
        holidays: str | None = None,
        shorter_eves: int = 0,
        half_days: Mapping[Any, Any] | None = None,
        exceptions: Mapping[Any, str] | None = None,
        absences: Sequence[tuple[date, date] | tuple[date, date, str]] = (),
    ) -> Calendar:
        """Read a pattern such as `{"Mon-Thu": "09:00-13:00, 14:00-18:00", "Fri": "22:00-06:00"}`.

        `half_days` are such as `{"12-31": "14:00", "2025-05-08": "13:00"}`.

        Raises `DataError` if a day or an interval cannot be read.
        """
        return cls(
            weekly=read_week(weekly or {}),
            rotation=rotation,
            time_zone=time_zone,
            holidays=holidays,
            shorter_eves=shorter_eves,
            half_days=_sorted_days({read_day(day): read_clock(until) for day, until in (half_days or {}).items()}),
            exceptions=tuple(
                sorted((read_date(day), read_intervals(text)) for day, text in (exceptions or {}).items())
            ),
            absences=tuple(sorted(map(read_absence, absences))),
        )

    @classmethod
    def always(cls, time_zone: str = "UTC") -> Calendar:
        """Return the calendar that is open at every hour of every day."""
        return cls(weekly=(_ALL_DAY,) * 7, time_zone=time_zone)

    def without(self, absences: Sequence[tuple[date, date] | tuple[date, date, str]]) -> Calendar:
        """Return the calendar with further absences (both dates included)."""
        if self.all_of:
            return replace(self, all_of=(self.all_of[0].without(absences), *self.all_of[1:]))
        if self.any_of:
            return replace(self, any_of=tuple(part.without(absences) for part in self.any_of))
        return replace(self, absences=tuple(sorted({*self.absences, *map(read_absence, absences)})))

    def __and__(self, other: Calendar) -> Calendar:
        """Return the calendar that is open when both are: a person's hours within those of the office."""
        if not isinstance(other, Calendar):
            return NotImplemented
        return Calendar(all_of=(*(self.all_of or (self,)), *(other.all_of or (other,))), time_zone=self.time_zone)

    def __or__(self, other: Calendar) -> Calendar:
        """Return the calendar that is open when either is: the hours that a team covers."""
        if not isinstance(other, Calendar):
            return NotImplemented
        return Calendar(any_of=(*(self.any_of or (self,)), *(other.any_of or (other,))), time_zone=self.time_zone)

    # -- its shape -------------------------------------------------------------------------------------------------

    @property
    def is_always_open(self) -> bool:
        """Whether no moment is ever closed."""
        if self.all_of:
            return all(part.is_always_open for part in self.all_of)
        if self.any_of:
            return any(part.is_always_open for part in self.any_of)
        closed = self.holidays or self.absences or self.half_days or any(i != _ALL_DAY for _, i in self.exceptions)
        pattern = self.rotation.days if self.rotation else self.weekly
        return not closed and all(day == _ALL_DAY for day in pattern)

    @property
    def hours_per_week(self) -> float:
        """Open hours of an average week without holidays, exceptions and absences."""
        return _typical(self)[0]

    @property
    def hours_per_day(self) -> float:
        """Open hours of an average day that opens: the length of a working day."""
        return _typical(self)[1]

    def timeline(self, first: int, last: int) -> Timeline:
        """Return the compiled calendar that covers at least `[first, last]` (µs)."""
        years = (min(max(from_year(moment), FIRST_YEAR), LAST_YEAR) for moment in (first, last))
        return compiled(self, next(years) - 1, next(years) + 1)

    # -- arithmetic ------------------------------------------------------------------------------------------------

    def working_time(self, start: ArrayLike, end: ArrayLike) -> NDArray[np.int64]:
        """Return the open time between `start` and `end` (µs), negative where `end` comes first.

        Raises `DataError` if the values are not whole numbers, or lie outside the years 1900 to 2200.
        """
        a, b = as_us(start, what="start"), as_us(end, what="end")
        if self.is_always_open or a.size == 0 or b.size == 0:
            return np.asarray(b - a, dtype=np.int64)
        (first, one), (other, last) = in_range(a), in_range(b)
        line = self.timeline(min(first, other), max(one, last))
        return line.between(a, b) if a.shape == b.shape else line.opened(b) - line.opened(a)

    def add(self, start: ArrayLike, duration: ArrayLike) -> NDArray[np.int64]:
        """Return the earliest moment at which `duration` µs of open time have passed since `start`.

        A duration of 0 gives `start` itself. Raises `DataError` if a duration is negative, values are not whole
        numbers, or the start or the result lies outside the years 1900 to 2200.
        """
        a, d = np.broadcast_arrays(as_us(start, what="start"), as_us(duration, what="duration"))
        if a.size == 0:
            return a.copy()
        if int(d.min()) < 0:
            raise DataError(f"a duration of {int(d.min())} µs is negative; durations are 0 or more")
        if self.is_always_open:
            return np.asarray(a + d)
        first, last = in_range(a)
        reach = last + int(int(d.max()) * 168 / max(self.hours_per_week, 0.05)) + 60 * DAY
        while True:
            found = self.timeline(first, reach).after(a, d)
            if found is not None:
                return found
            if from_year(reach) >= LAST_YEAR:
                raise DataError(f"the working time ends after {LAST_YEAR}; is a duration too long, or its unit wrong?")
            reach += reach - first + 5 * 366 * DAY

    def next_open(self, moments: ArrayLike) -> NDArray[np.int64]:
        """Return each moment, or the next opening where it is closed.

        Raises `DataError` if there is none up to the year 2200, or as `working_time` does.
        """
        at = as_us(moments, what="moments")
        if self.is_always_open or at.size == 0:
            return at.copy()
        first, last = in_range(at)
        reach = last + 60 * DAY
        while True:
            line = self.timeline(first, reach)
            if last < int(line.ends[-1]):
                return line.next_open(at)
            if from_year(reach) >= LAST_YEAR:
                raise DataError("the calendar never opens again after the moment asked for; check its absences")
            reach += reach - first + 5 * 366 * DAY

    def is_open(self, moments: ArrayLike) -> NDArray[np.bool_]:
        """Return whether each moment is open. Raises `DataError` as `working_time` does."""
        at = as_us(moments, what="moments")
        if self.is_always_open or at.size == 0:
            return np.ones(at.shape, dtype=np.bool_)
        return self.timeline(*in_range(at)).is_open(at)

    # -- telling and saving ----------------------------------------------------------------------------------------

    def describe(self) -> str:
        """Return the calendar in one line, e.g. `Mon-Fri 09:00-18:00 (Europe/Moscow, holidays RU)`."""
        if self.is_always_open:
            return "24/7"
        if self._parts:
            return (" and " if self.all_of else " or ").join(f"[{part.describe()}]" for part in self._parts)
        if self.rotation:
            text = self.rotation.describe()
        else:
            text = "; ".join(f"{days} {hours}" for days, hours in text_week(self.weekly).items()) or "exceptions only"
        halves = ", ".join(f"{text_day(day)} until {text_clock(until)}" for day, until in self.half_days[:4])
        notes = {
            f"holidays {self.holidays}": self.holidays,
            f"their eves {self.shorter_eves} min shorter": self.shorter_eves,
            halves if len(self.half_days) <= 4 else f"{len(self.half_days)} half days": self.half_days,
            f"{len(self.exceptions)} days with other hours": self.exceptions,
            f"{len(self.absences)} absence{'s' if len(self.absences) > 1 else ''}": self.absences,
        }
        return f"{text} ({', '.join([self.time_zone, *(note for note, there in notes.items() if there)])})"

    def __repr__(self) -> str:
        return f"<Calendar {self.describe()}>"

    def _repr_html_(self) -> str:
        return f"<p>Calendar: {escape(self.describe())}</p>"

    def to_dict(self) -> dict[str, Any]:
        """Return the calendar as plain values, readable by `from_dict` and writable as YAML."""
        if self._parts:
            name = "all_of" if self.all_of else "any_of"
            return {name: [part.to_dict() for part in self._parts], "time_zone": self.time_zone}
        out: dict[str, Any] = {"weekly": text_week(self.weekly)}
        if self.rotation:
            out = {"rotation": self.rotation.to_dict()}
        out["time_zone"] = self.time_zone
        if self.holidays:
            out["holidays"] = self.holidays
        if self.shorter_eves:
            out["shorter_eves"] = self.shorter_eves
        if self.half_days:
            out["half_days"] = {text_day(day): text_clock(until) for day, until in self.half_days}
        if self.exceptions:
            out["exceptions"] = {day.isoformat(): text_intervals(intervals) for day, intervals in self.exceptions}
        if self.absences:
            out["absences"] = [str(absence) for absence in self.absences]
        return out

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], *, time_zone: str = "UTC") -> Calendar:
        """Read what `to_dict` wrote. Raises `DataError` if a key is unknown or a value cannot be read."""
        return _read(values, time_zone, depth=1)


@lru_cache(maxsize=1024)
def _typical(calendar: Calendar) -> tuple[float, float]:
    """Return the open hours of an average week, and of an average day that opens."""
    if not calendar._parts:
        pattern = calendar.rotation.days if calendar.rotation else calendar.weekly
        hours = sum(end - start for day in pattern for start, end in day) / 60
        open_days = sum(1 for day in pattern if day)
        return hours * 7 / len(pattern), hours / open_days if open_days else 24.0
    # Hours of several patterns are counted out over 240 weeks, which hold all cycles of up to eight days and weeks.
    plain = _plain(calendar)
    first = 1_704_067_200_000_000  # Monday, 1 January 2024
    weeks = 240
    line = plain.timeline(first, first + weeks * 7 * DAY)
    edges = line.opened(first + np.arange(weeks * 7 + 1) * DAY)
    open_days = int((np.diff(edges) > 0).sum())
    hours = int(edges[-1] - edges[0]) / HOUR
    return hours / weeks, hours / open_days if open_days else 24.0


def _plain(calendar: Calendar) -> Calendar:
    """Return a calendar without its holidays, exceptions and absences."""
    if calendar._parts:
        parts = tuple(map(_plain, calendar._parts))
        return replace(calendar, all_of=parts) if calendar.all_of else replace(calendar, any_of=parts)
    if not any(calendar.weekly) and not calendar.rotation:
        return calendar
    return Calendar(weekly=calendar.weekly, rotation=calendar.rotation, time_zone=calendar.time_zone)


def _read(values: Mapping[str, Any], time_zone: str, *, depth: int) -> Calendar:
    if not isinstance(values, Mapping):
        raise DataError(f'"{values}" is not a calendar; write e.g. weekly: {{Mon-Fri: "09:00-18:00"}}')
    if depth > _DEEPEST:
        raise DataError(f"calendars lie more than {_DEEPEST} deep in one another; combine fewer")
    known = sorted(Calendar.__dataclass_fields__)
    for key in values:
        if key not in known:
            raise DataError(f'unknown key "{key}" in a calendar; {nearest(str(key), known)}')
    place = str(values.get("time_zone") or time_zone)
    for name in ("all_of", "any_of"):
        if values.get(name):
            for key in values.keys() - {name, "time_zone"}:
                if values[key]:
                    raise DataError(f'a calendar made of others has "{key}" of its own; give it to the parts')
            parts = tuple(_read(part, place, depth=depth + 1) for part in _items(values[name], list, name))
            return (
                Calendar(all_of=parts, time_zone=place) if name == "all_of" else Calendar(any_of=parts, time_zone=place)
            )
    shorter = values.get("shorter_eves") or 0
    if not isinstance(shorter, int):
        raise DataError(f'"{shorter}" is not a number of minutes; write e.g. shorter_eves: 60')
    exceptions = _items(values.get("exceptions") or {}, dict, "exceptions").items()
    return Calendar.parse(
        values.get("weekly") or {},
        rotation=Rotation.from_dict(values["rotation"]) if values.get("rotation") else None,
        time_zone=place,
        holidays=values.get("holidays"),
        shorter_eves=shorter,
        half_days=_items(values.get("half_days") or {}, dict, "half_days"),
        exceptions={read_date(day): text or "" for day, text in exceptions},
        absences=[read_absence(one) for one in _items(values.get("absences") or [], list, "absences")],
    )


def _items(value: Any, kind: type, name: str) -> Any:
    if not isinstance(value, (list, tuple) if kind is list else Mapping):
        form = "a list" if kind is list else "pairs of day: hours"
        raise DataError(f'{name}: "{value}" is not what stands there; give {form}')
    return value


def _sorted_days(days: Mapping[Day, int]) -> tuple[tuple[Day, int], ...]:
    return tuple(sorted(days.items(), key=lambda one: text_day(one[0])))

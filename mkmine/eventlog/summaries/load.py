"""Load: how many cases are open and how many instances in progress over time, and what arrives and is completed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from mkmine.calendars import DAY, from_us, to_us, zone
from mkmine.errors import DataError, UnknownNameError
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.notebook import html_table
from mkmine.eventlog.summaries.plain import added, entry, integers, records
from mkmine.eventlog.summaries.zones import joint, saved, shown, stamps

__all__ = ["Flow", "Load", "flow", "observed_weeks", "open_cases", "running_instances"]

Int = NDArray[np.int64]
Period = Literal["day", "week", "month"]
Moment = int | str | datetime | np.datetime64
PERIODS = {"day": "D", "week": "W", "month": "M"}
# Instants are sorted into days in pieces, which keeps the intermediate arrays small.
PIECE = 1 << 20


def _none() -> Int:
    return np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Load:
    """How many are open at each moment, exactly: a step function.

    At `moments` (sorted, µs) the number changes by `changes`, none of them 0. What begins at a moment is open at it;
    what ends at it is not, so that what lasts no time is never open. What has no end stays open for ever: it is known
    only up to the end of the observation. Moments are shown, and days counted, in `time_zone`; two are equal whatever
    theirs.
    """

    moments: Int = field(default_factory=_none)
    changes: Int = field(default_factory=_none)
    time_zone: str = ""

    def __post_init__(self) -> None:
        self.moments.flags.writeable = self.changes.flags.writeable = False

    @classmethod
    def of(cls, begins: Int, ends: Int, *, time_zone: str = "") -> Load:
        """Return the load of what begins and ends at these moments (µs), in any order."""
        at, by = np.concatenate((begins, ends)), np.repeat([1, -1], (len(begins), len(ends)))
        return cls._summed(at, by, time_zone)

    @classmethod
    def _summed(cls, at: Int, by: Int, time_zone: str) -> Load:
        if not len(at):
            return cls(time_zone=time_zone)
        order = np.argsort(at, kind="stable")
        at = at[order]
        fresh = np.flatnonzero(np.append(True, at[1:] != at[:-1]))
        changes = np.add.reduceat(by[order], fresh)
        kept = changes != 0
        return cls(moments=at[fresh][kept], changes=changes[kept], time_zone=time_zone)

    def merge(self, other: Load) -> Load:
        """Return the load of both parts; `Load()` is the identity."""
        at, by = np.concatenate((self.moments, other.moments)), np.concatenate((self.changes, other.changes))
        return self._summed(at, by, joint(self.time_zone, other.time_zone))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Load):
            return NotImplemented
        return np.array_equal(self.moments, other.moments) and np.array_equal(self.changes, other.changes)

    __hash__ = None  # type: ignore[assignment]

    @property
    def level(self) -> Int:
        """The number from each of the moments on."""
        return np.cumsum(self.changes)

    def at(self, moments: ArrayLike) -> Int:
        """Return the number that is open at each of these moments: any grid of µs, or of dates and times.

        Times without a zone are those of the log's. Raises `DataError` if one cannot be read.
        """
        place = np.searchsorted(self.moments, self._instants(moments), side="right")
        return np.append(0, self.level)[place]

    def mean(self, first: Moment, last: Moment) -> float:
        """Return the mean over the time from `first` to `last`, as `at` takes them.

        Raises `DataError` if no time lies between, or one cannot be read.
        """
        return float(self._over(self._instants([first, last]))[0][0])

    def _instants(self, moments: Any) -> Int:
        given = np.asarray(moments)
        if given.dtype.kind in "iu":
            return given.astype(np.int64)
        own = zone(shown(self.time_zone, None))
        try:
            times = [pd.Timestamp(one) for one in given.reshape(-1).tolist()]
            zoned = [one if one.tzinfo else one.tz_localize(own) for one in times]
            return np.array([one.value // 1000 for one in zoned], dtype=np.int64)
        except (ValueError, TypeError, AttributeError, OverflowError):
            raise DataError(f"{moments!r} are no moments; give dates, times such as 2025-03-03 10:00, or µs") from None

    @property
    def peak(self) -> tuple[int, int]:
        """The largest number, and the first moment (µs) at which it is reached; (0, 0) where nothing is ever open."""
        level = self.level
        place = int(level.argmax()) if len(level) else 0
        return (int(level[place]), int(self.moments[place])) if len(level) and level[place] > 0 else (0, 0)

    def per_day(self, *, time_zone: str | None = None) -> pd.DataFrame:
        """Return one row per day from the first change to the last: day, mean, most, at_end.

        Days are those of `time_zone`, or else of the log's.
        """
        if not len(self.moments):
            return pd.DataFrame({"day": pd.Series(dtype="datetime64[us]"), "mean": [], "most": [], "at_end": []})
        days = _Days(shown(self.time_zone, time_zone), int(self.moments[0]), int(self.moments[-1]))
        mean, most = self._over(days.midnights)
        at_end = self.at(days.midnights[1:] - 1)
        return pd.DataFrame({"day": days.dates(), "mean": mean, "most": most, "at_end": at_end})

    def _over(self, edges: Int) -> tuple[NDArray[np.float64], Int]:
        """Return the mean and the largest number between each of the sorted edges and the next."""
        if np.any(np.diff(edges) <= 0):
            raise DataError("no time lies between two of the moments given; give them in rising order")
        inside = (self.moments > edges[0]) & (self.moments < edges[-1])
        points = np.union1d(edges, self.moments[inside])
        level = self.at(points[:-1])
        first = np.searchsorted(points, edges[:-1])
        # Levels and lengths are whole numbers, but their products may pass 64 bits.
        filled = np.add.reduceat(level.astype(np.float64) * np.diff(points), first)
        return filled / np.diff(edges), np.maximum.reduceat(level, first)

    def to_pandas(self, *, time_zone: str | None = None) -> pd.DataFrame:
        """Return one row per change: time (of `time_zone`, or else of the log's), open (from then on)."""
        return pd.DataFrame({"time": stamps(self.moments, shown(self.time_zone, time_zone)), "open": self.level})

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, readable by `from_dict`."""
        return {"moments": self.moments.tolist(), "changes": self.changes.tolist(), "time_zone": self.time_zone}

    @classmethod
    def from_dict(cls, values: object) -> Load:
        """Read what `to_dict` returned. Raises `DataError` if it is not that."""
        what = "a saved load"
        moments, changes = (integers(entry(values, one, what), what) for one in ("moments", "changes"))
        if len(moments) != len(changes) or np.any(np.diff(moments) <= 0) or np.any(changes == 0):
            raise DataError(f"{what} is no step function; the file is damaged")
        return cls(moments=moments, changes=changes, time_zone=saved(values, what))

    def __repr__(self) -> str:
        if not len(self.moments):
            return "Load: nothing is ever open (where only completions are known, no instance takes time)"
        most, moment = self.peak
        named = shown(self.time_zone, None)
        when = f", first at {from_us(moment, named):%Y-%m-%d %H:%M} ({named})" if most else ""
        return f"Load: {len(self.moments):,} changes, at most {most:,} open{when}"

    def _repr_html_(self) -> str:
        title = repr(self) if not len(self.moments) else f"{self!r}; days of {shown(self.time_zone, None)}"
        return html_table(self.per_day(), title)


def open_cases(log: EventLog) -> Load:
    """Return how many cases are open: from when they could first be worked on to their last end.

    Cases that are not completed have no end; where enabled times are not recorded a case begins with its first start.
    """
    first, last = _lives(log)
    return Load.of(first, last[log.completed], time_zone=log.time_zone)


def running_instances(log: EventLog) -> Load:
    """Return how many instances are in progress; ongoing ones have no end.

    Where only completions are known nobody can tell, and none ever is: estimate the starts first
    (`mkmine.eventlog.cleaning.estimates`), or look at `open_cases`.
    """
    return Load.of(_begun(log), log.end[~log.ongoing], time_zone=log.time_zone)


def _lives(log: EventLog) -> tuple[Int, Int]:
    first = log.start[log.offsets[:-1]] if log.enabled is None else np.minimum.reduceat(log.enabled, log.offsets[:-1])
    return first, np.maximum.reduceat(log.end, log.offsets[:-1])


def _begun(log: EventLog) -> Int:
    """Return the starts of what has begun: work that still waits at the end of the observation has not."""
    if log.enabled is None or not log.ongoing.any():
        return log.start
    return log.start[~(log.ongoing & (log.start >= log.observed[1]))]


class _Days:
    """The days of a time zone from that of one moment to that of another, and which one a moment lies in."""

    def __init__(self, time_zone: str, first: int, last: int) -> None:
        self.zone = zone(time_zone)
        ends = (pd.Timestamp(moment, unit="us", tz="UTC").tz_convert(self.zone) for moment in (first, last))
        self.first, final = (moment.date() for moment in ends)
        count = (final - self.first).days + 2
        # A midnight that the clock skips is the moment at which it goes on.
        walls = pd.DatetimeIndex(np.datetime64(self.first, "us") + np.arange(count) * np.timedelta64(DAY, "us"))
        local = walls.tz_localize(self.zone, ambiguous=np.ones(count, dtype=np.bool_), nonexistent="shift_forward")
        self.midnights: Int = local.tz_convert("UTC").tz_localize(None).to_numpy("datetime64[us]").astype(np.int64)

    def dates(self) -> pd.DatetimeIndex:
        """Return the days, without the midnight after the last."""
        return pd.date_range(self.first, periods=len(self.midnights) - 1, freq="D").as_unit("us")

    def name(self, place: int) -> str:
        """Return the date of a day, as ISO 8601 writes it."""
        return (self.first + timedelta(days=place)).isoformat()

    def of(self, moments: Int) -> Int:
        """Return the place of the day of each moment."""
        # Days have 24 hours but where the clock changes, so a guess is seldom off, and not by much.
        day = np.clip((moments - self.midnights[0]) // DAY, 0, len(self.midnights) - 2)
        while (later := moments >= self.midnights[day + 1]).any():
            day += later
        while (earlier := moments < self.midnights[day]).any():
            day -= earlier
        return np.asarray(day, dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Flow:
    """What arrives and is completed on each day of a time zone, and the load that follows from it; mergeable.

    `days` maps a date (ISO 8601) to (cases that arrive, cases that are completed, instances that begin, instances that
    end, case time, instance time). Case time is the time from the arrivals of the day to its end less that from its
    completions to its end, µs: with the number open at its beginning it gives the mean that is open, exactly.
    """

    time_zone: str = ""
    days: Mapping[str, tuple[int, int, int, int, int, int]] = field(default_factory=dict)

    def merge(self, other: Flow) -> Flow:
        """Return the flow of both parts; `Flow()` is the identity. Raises `DataError` if their time zones differ."""
        if not self.days or not other.days:
            return other if not self.days else self
        if self.time_zone != other.time_zone:
            raise DataError(
                f"days of {self.time_zone} and of {other.time_zone} cannot be added up; give both logs one time zone"
            )
        return Flow(time_zone=self.time_zone, days=added(self.days, other.days))

    def to_pandas(self, period: Period = "day") -> pd.DataFrame:
        """Return one row per day, week (from Monday) or month, without gaps.

        Columns: period (its first day), arrivals, completions, begun, finished (of instances), open_end (cases open
        when it ends), open_mean and running_mean (cases open and instances in progress, means over its time; the latter
        is missing where no instance takes any time, as where only completions are known).

        Raises `UnknownNameError` if the period is another.
        """
        if period not in PERIODS:
            raise UnknownNameError.of(kind="period", name=str(period), known=list(PERIODS))
        columns = ["arrivals", "completions", "begun", "finished"]
        if not self.days:
            return pd.DataFrame({name: [] for name in ("period", *columns, "open_end", "open_mean", "running_mean")})
        named = sorted(self.days)
        first_noon, last_noon = (_noon(date.fromisoformat(day), self.time_zone) for day in (named[0], named[-1]))
        days = _Days(self.time_zone, first_noon, last_noon)
        place = [(date.fromisoformat(day) - days.first).days for day in named]
        figures = np.zeros((6, len(days.midnights) - 1), dtype=object)
        figures[:, place] = np.array([self.days[day] for day in named], dtype=object).T
        length = np.diff(days.midnights).astype(object)
        open_end, running_end = np.cumsum(figures[0] - figures[1]), np.cumsum(figures[2] - figures[3])
        # What was open when the day began stays open for all of it, but for what the completions take off.
        case_time = (open_end - figures[0] + figures[1]) * length + figures[4]
        instance_time = (running_end - figures[2] + figures[3]) * length + figures[5]
        starts = days.dates().to_period(PERIODS[period]).start_time
        first = np.flatnonzero(np.append(True, starts[1:] != starts[:-1]))
        last = np.append(first[1:], len(starts)) - 1
        total = np.add.reduceat(length, first)
        frame = pd.DataFrame({"period": starts[first].as_unit("us")})
        for name, column in zip(columns, figures, strict=False):
            frame[name] = np.add.reduceat(column, first).astype(np.int64)
        frame["open_end"] = open_end[last].astype(np.int64)
        frame["open_mean"] = (np.add.reduceat(case_time, first) / total).astype(np.float64)
        known = bool(np.any(instance_time))
        frame["running_mean"] = (np.add.reduceat(instance_time, first) / total).astype(np.float64) if known else np.nan
        return frame

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, readable by `from_dict`."""
        return {"time_zone": self.time_zone, "days": [[day, *one] for day, one in sorted(self.days.items())]}

    @classmethod
    def from_dict(cls, values: object) -> Flow:
        """Read what `to_dict` returned. Raises `DataError` if it is not that."""
        what = "a saved flow"
        named = entry(values, "time_zone", what)
        rows = records(entry(values, "days", what), (str, *[int] * 6), what, least=None)
        if not isinstance(named, str) or (rows and not named):
            raise DataError(f"{what} does not say its time zone; the file is damaged")
        if named:
            zone(named)
        for day, *_ in rows:
            try:
                if date.fromisoformat(day).isoformat() != day or not 1899 <= date.fromisoformat(day).year <= 2200:
                    raise ValueError
            except ValueError:
                raise DataError(f'{what} holds the day "{day}", which is none; the file is damaged') from None
        return cls(time_zone=named, days={day: (a, b, c, d, e, f) for day, a, b, c, d, e, f in rows})

    def __repr__(self) -> str:
        if not self.days:
            return "Flow of no days"
        cases, done = (sum(one[i] for one in self.days.values()) for i in (0, 1))
        window = f"{min(self.days)} to {max(self.days)} ({self.time_zone})"
        return f"Flow from {window}: {cases:,} arrivals, {done:,} completions"

    def _repr_html_(self) -> str:
        months = self.to_pandas("month")
        table, by = (months, "month") if len(months) > 3 else (self.to_pandas("week"), "week")
        return html_table(table, f"{self!r}, by {by}", rows=120)


def flow(log: EventLog) -> Flow:
    """Count what arrives and is completed on each day of the log's time zone.

    A case arrives when it could first be worked on (with its first start, where that is not recorded) and is completed
    with its last end, unless it is still open.
    """
    first, last = _lives(log)
    days = _Days(log.time_zone, int(first.min()), int(log.end.max()))
    arrived, completed = _per_day(days, first), _per_day(days, last[log.completed])
    begun, finished = _per_day(days, _begun(log)), _per_day(days, log.end[~log.ongoing])
    figures = (arrived[0], completed[0], begun[0], finished[0], arrived[1] - completed[1], begun[1] - finished[1])
    busy = np.flatnonzero(sum(one[0] for one in (arrived, completed, begun, finished)))
    a, b, c, d, e, f = (column[busy].tolist() for column in figures)
    names = [days.name(place) for place in busy.tolist()]
    return Flow(time_zone=log.time_zone, days=dict(zip(names, zip(a, b, c, d, e, f, strict=True), strict=True)))


def observed_weeks(log: EventLog, mondays: pd.Series) -> tuple[Int, NDArray[np.bool_]]:
    """Return when each week begins (µs), and whether the observation holds it whole."""
    first, last = (pd.Timestamp(one, unit="us", tz="UTC").tz_convert(log.time_zone) for one in log.observed)
    begin = mondays.dt.tz_localize(log.time_zone, nonexistent="shift_forward", ambiguous="NaT")
    whole = (begin >= first) & (begin + pd.DateOffset(weeks=1) <= last + pd.Timedelta(microseconds=1))
    moments = begin.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy("datetime64[us]").astype(np.int64)
    return moments, whole.to_numpy(dtype=np.bool_)


def _noon(day: date, time_zone: str) -> int:
    return to_us(datetime.combine(day, time(12), zone(time_zone)))


def _per_day(days: _Days, moments: Int) -> tuple[Int, NDArray[np.object_]]:
    """Return how many moments lie on each day, and the sum of the time (µs) from each to the end of its day."""
    size = len(days.midnights) - 1
    count, total = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=object)
    for begin in range(0, len(moments), PIECE):
        piece = moments[begin : begin + PIECE]
        day = days.of(piece)
        count += np.bincount(day, minlength=size)
        # A day has less than 2^37 µs: these sums are whole numbers below 2^53, exact as floats.
        left = days.midnights[day + 1] - piece
        total += np.bincount(day, weights=left & 0xFFFFF, minlength=size).astype(np.int64).astype(object)
        total += np.bincount(day, weights=left >> 20, minlength=size).astype(np.int64).astype(object) << 20
    return count, total

"""Instants, int64 microseconds since the epoch in UTC, and what the clocks of time zones show at them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mkmine.calendars.lookup import Ints, Lookup, desks
from mkmine.errors import DataError, nearest

__all__ = ["DAY", "HOUR", "MINUTE", "as_us", "day_number", "from_us", "from_year", "local_time", "to_us", "zone"]

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR

# Years in which calendars are compiled; instants beyond them are mistakes (an empty date of a database, a year 9999).
FIRST_YEAR, LAST_YEAR = 1900, 2200
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = -25_567 * DAY, 84_371 * DAY
# A zone's clock is asked every two days: nowhere in the IANA database do two changes lie closer than that.
_PROBE = 2 * DAY


def to_us(moment: datetime) -> int:
    """Return an aware datetime as microseconds since the epoch."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def from_us(moment: int, time_zone: str = "UTC") -> datetime:
    """Return microseconds since the epoch as an aware datetime in `time_zone`."""
    return (_EPOCH + timedelta(microseconds=int(moment))).astimezone(zone(time_zone))


def from_year(moment: int) -> int:
    """Return the (UTC) year of a moment in µs."""
    return int(1970 + moment / (365.2425 * DAY))


def day_number(day: date) -> int:
    """Return the days since 1 January 1970."""
    return day.toordinal() - 719_163


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo:
    """Return the time zone of that IANA name. Raises `DataError` if there is none."""
    from zoneinfo import available_timezones

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        advice = nearest(name, sorted(available_timezones()))
        raise DataError(f'"{name}" is not a time zone of the IANA database; {advice}') from None


def as_us(values: ArrayLike, *, what: str) -> Ints:
    """Return integers, or NumPy datetimes (UTC) or timedeltas, as int64 µs.

    Raises `DataError` if they are anything else: a fraction would be cut off silently, and NaN become a date.
    """
    given = np.asarray(values)
    if given.dtype == np.int64:
        return given
    if given.dtype.kind in "mM":
        if np.isnat(given).any():
            raise DataError(f"{what}: {int(np.isnat(given).sum()):,} of {given.size:,} values are missing; drop them")
        return given.astype(f"{given.dtype.kind}8[us]").astype(np.int64)
    if given.size == 0 or given.dtype.kind == "i" or (given.dtype.kind == "u" and given.dtype.itemsize < 8):
        return given.astype(np.int64)
    raise DataError(
        f"{what}: values of type {given.dtype} are not whole microseconds; give int64 µs since the epoch (UTC), or "
        f"NumPy datetime64 and timedelta64"
    )


def in_range(moments: Ints) -> tuple[int, int]:
    """Return the first and the last of some moments. Raises `DataError` if calendars do not reach them."""
    first, last = int(moments.min()), int(moments.max())
    for moment in (first, last):
        if not _FIRST <= moment < _LAST:
            raise DataError(
                f"the moment {moment} µs lies about the year {from_year(moment):,}; calendars know the years "
                f"{FIRST_YEAR} to {LAST_YEAR}: is it an empty date, or its unit not µs?"
            )
    return first, last


@dataclass(frozen=True)
class Clock:
    """The clock of a time zone for a range of years: from which moments (µs) which offset from UTC (µs) holds."""

    moments: Ints
    offsets: Ints

    @cached_property
    def _by_moment(self) -> Lookup:
        return Lookup(self.moments)

    @cached_property
    def _reached(self) -> Ints:
        """The highest time that the clock has shown by the end of each offset's rule."""
        return np.maximum.accumulate(self.moments[1:] + self.offsets[:-1])

    def shown(self, moments: Ints) -> Ints:
        """Return what the clock shows at each moment, in µs as if it were UTC."""
        if len(self.offsets) == 1:
            return np.asarray(moments + self.offsets[0], dtype=np.int64)
        out = np.empty(moments.shape, dtype=np.int64)
        flat, result = moments.reshape(-1), out.reshape(-1)
        for desk in desks(flat.size):
            self._by_moment.find(flat[desk.piece], desk)
            self.offsets.take(desk.places, out=desk.spare, mode="clip")
            np.add(flat[desk.piece], desk.spare, out=result[desk.piece])
        return out

    def reached(self, shown: Ints) -> Ints:
        """Return the first moment at which the clock shows each time, or a later one where the clock skips it."""
        place = np.searchsorted(self._reached, shown, "right")
        return np.asarray(np.maximum(self.moments[place], shown - self.offsets[place]), dtype=np.int64)


@lru_cache(maxsize=256)
def clock(time_zone: str, first_year: int, last_year: int) -> Clock:
    """Return the clock of a zone, right from the beginning of the year before the first to the end of the last + 1."""
    moments: list[int] = []
    offsets: list[int] = []
    for year in range(first_year - 1, last_year + 2):
        for moment, offset in clock_changes(time_zone, year):
            if not offsets or offset != offsets[-1]:
                moments.append(moment)
                offsets.append(offset)
    return Clock(np.array(moments, dtype=np.int64), np.array(offsets, dtype=np.int64))


@lru_cache(maxsize=4096)
def clock_changes(time_zone: str, year: int) -> tuple[tuple[int, int], ...]:
    """Return the offset at the beginning of a year and each change in it, as pairs of moment and offset (µs)."""
    tz = zone(time_zone)
    first, last = (day_number(date(one, 1, 1)) * DAY for one in (year, year + 1))
    found = [(first, _offset(first, tz))]
    for begin in range(first, last, _PROBE):
        early, late = begin, min(begin + _PROBE, last)
        offset = _offset(late, tz)
        if offset == found[-1][1]:
            continue
        while late - early > 1:
            middle = (early + late) // 2
            if _offset(middle, tz) == offset:
                late = middle
            else:
                early = middle
        found.append((late, offset))
    return tuple(found)


def _offset(moment: int, tz: ZoneInfo) -> int:
    offset = (_EPOCH + timedelta(microseconds=moment)).astimezone(tz).utcoffset()
    return 0 if offset is None else offset // timedelta(microseconds=1)


def local_time(moments: ArrayLike, time_zone: str) -> NDArray[np.int64]:
    """Return what the clock of a time zone shows at each moment (µs), in µs as if it were UTC: exact for any zone.

    `local_time(...) // DAY` is the local day since 1 January 1970, and what is left over the time of day.

    Raises `DataError` if a moment lies outside the years 1900 to 2200, or the zone is not known.
    """
    at = as_us(moments, what="moments")
    if at.size == 0:
        return at.copy()
    first, last = in_range(at)
    return clock(time_zone, from_year(first), from_year(last)).shown(at)

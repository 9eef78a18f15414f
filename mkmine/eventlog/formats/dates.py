"""Reading a column of times: ISO and national notations, offsets, epoch numbers; no guess where two readings fit."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mkmine.calendars import DAY
from mkmine.errors import DataError
from mkmine.eventlog.formats.notation import (
    DAY_FIRST,
    EITHER,
    MINUTE,
    MONTH_FIRST,
    NO_CLOCK,
    NO_OFFSET,
    NOTATION,
    SECOND,
    UNREAD,
    YEAR_FIRST,
    Fields,
    offset_minutes,
    read_fields,
)
from mkmine.eventlog.formats.table import arrow_column, is_text, plain

__all__ = ["EMPTY", "Times", "likely_zone", "looks_like_numbers", "looks_like_times", "parse_times"]

Int = NDArray[np.int64]
Flaws = NDArray[np.int8]
MISSING = np.iinfo(np.int64).min
EMPTY = frozenset({"", "nan", "nat", "none", "null", "-", "n/a", "#n/a"})
FLAWS = (
    "",
    "not a date",
    "UTC offset among times without one",
    "no UTC offset among times with one",
    "further from UTC than any clock (-12:00 to +14:00)",
)
NO_DATE, ODD_OFFSET, LACKS_OFFSET, BEYOND_CLOCKS = 1, 2, 3, 4
OFFSET = re.compile(r"\d:\d\d.*?(Z|UTC|GMT|[+-]\d\d:?(?:\d\d)?)$")
OFFSET_LAST = r"([+-]\d\d:?\d\d)\s*$"
NUMBER = re.compile(r"\d{5,19}(?:[.,]\d+)?")
# Zones whose offsets are compared with those of a file, when the file has offsets but no zone.
COMMON_ZONES = [
    "Europe/Moscow",
    "Europe/Berlin",
    "Europe/London",
    "Europe/Helsinki",
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "America/Sao_Paulo",
    "Australia/Sydney",
]
# Rows that are looked at, spread over the column, for the zone of its offsets.
GLANCE = 20_000
BLOCK = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """A parsed column: instants in µs UTC (n,), which are `missing`, what is wrong with each, and how it was read.

    `flaw` (n,) is a place in FLAWS, 0 for what is fine; `problem` says it in words. `decided` tells what the values do
    not say themselves: the unit of numbers, or that days stand before months.
    """

    instants: Int
    missing: NDArray[np.bool_]
    flaw: Flaws
    aware: bool
    note: str
    decided: str | None = None

    @property
    def problem(self) -> NDArray[np.object_]:
        """What is wrong with each value, "" where nothing is."""
        return np.array(FLAWS, dtype=object)[self.flaw]


def parse_times(values: Any, *, column: str, time_zone: str | None = None, date_format: str | None = None) -> Times:
    """Read a column of times (pandas or Arrow) as instants.

    Values without an offset are wall-clock times of `time_zone` (UTC if it is None). Where some values carry an offset
    and others do not, the fewer ones are problems, unless `time_zone` says how the latter are meant.

    Raises `DataError` if day and month cannot be told apart in the whole column.
    """
    values = _chunked(values)
    kind = values.type
    if pa.types.is_timestamp(kind):
        return _stamped(values, time_zone)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return _numbers(values, column)
    if not is_text(kind):
        values = values.cast(pa.large_string())
    texts, codes = _distinct(values)
    if date_format is not None:
        return _formatted(texts, codes, date_format, time_zone)
    if looks_like_numbers(texts):
        return _written_numbers(texts, codes, column)
    local, offset, flaw, decided = _local(texts, column)
    missing = _empty(texts, flaw == NO_DATE)
    flaw[missing] = 0
    if codes is not None:
        local, offset, flaw, missing = local[codes], offset[codes], flaw[codes], missing[codes]
    return replace(_settle(local, offset, missing, flaw, time_zone), decided=decided)


def looks_like_times(values: Any) -> bool:
    """Return whether nearly all of a sample of the column reads as a date or a time."""
    values = _chunked(values)
    if pa.types.is_timestamp(values.type):
        return True
    if not is_text(values.type):
        return False
    texts = _first(values)
    return len(texts) > 0 and sum(NOTATION.match(one) is not None for one in texts) >= 0.9 * len(texts)


def looks_like_numbers(values: Any) -> bool:
    """Return whether nearly all of a sample of a text column are numbers long enough for a time."""
    texts = _first(values) if is_text(values.type) else []
    return len(texts) > 0 and sum(NUMBER.fullmatch(one) is not None for one in texts) >= 0.9 * len(texts)


def _first(values: Any, size: int = 200) -> list[str]:
    """Return the first texts of a column that are not empty, trimmed."""
    found: list[str] = []
    at, step = 0, size
    while len(found) < size and at < len(values):
        texts = (str(one).strip() for one in values.slice(at, step).to_pylist() if one is not None)
        found += [one for one in texts if one.casefold() not in EMPTY]
        at, step = at + step, min(step * 2, 1 << 20)
    return found[:size]


def likely_zone(values: Any, instants: Int | None = None) -> str | None:
    """Return the zone that explains the offsets written in a text column, or None where there is none to explain.

    `instants` are those of the values, which are read if they are needed and not given.
    """
    values = _chunked(values)
    if pa.types.is_timestamp(values.type):
        return None if values.type.tz is None else _zone_name(values.type.tz)
    if not is_text(values.type):
        return None
    places = np.arange(0, len(values), max(len(values) // GLANCE, 1))
    found = [OFFSET.search(one.strip()) if one else None for one in values.take(pa.array(places)).to_pylist()]
    known = np.array([one is not None for one in found], dtype=np.bool_)
    if not known.any():
        return None
    minutes = offset_minutes(pd.Series([one[1] for one in found if one is not None], dtype=object))
    distinct = np.unique(minutes)
    if len(distinct) == 1:
        hours, rest = divmod(int(distinct[0]), 60)
        return "UTC" if rest or not hours or not -12 <= hours <= 14 else f"Etc/GMT{-hours:+d}"
    if instants is None:
        instants = parse_times(values, column="").instants
    stamps = pd.DatetimeIndex(instants[places][known].astype("datetime64[us]")).tz_localize("UTC")
    for name in COMMON_ZONES:
        naive = stamps.tz_convert(name).tz_localize(None)
        if (((naive - stamps.tz_localize(None)) // pd.Timedelta(minutes=1)).to_numpy() == minutes).all():
            return name
    return "UTC"


def _zone_name(text: str) -> str:
    if text in ("UTC", "utc", "UTC+00:00", "+00:00"):
        return "UTC"
    fixed = re.fullmatch(r"(?:UTC|pytz\.FixedOffset\()?([+-]\d\d):00\)?", text)
    return f"Etc/GMT{-int(fixed[1]):+d}" if fixed else text if "/" in text else "UTC"


def _chunked(values: Any) -> pa.ChunkedArray:
    if isinstance(values, pd.Series):
        values = arrow_column(values)
    return plain(values if isinstance(values, pa.ChunkedArray) else pa.chunked_array([values]))


def _distinct(values: pa.ChunkedArray) -> tuple[pa.Array, NDArray[np.int32] | None]:
    """Return texts without nulls, and which of them each row is; None if there is a text for every row."""
    if not pa.types.is_dictionary(values.type):
        texts = values.cast(pa.large_string()).fill_null("").combine_chunks()
        return _trimmed(texts), None
    coded = values.unify_dictionaries().combine_chunks()
    texts = pa.concat_arrays(
        [coded.dictionary.cast(pa.large_string()).fill_null(""), pa.array([""], pa.large_string())]
    )
    codes = coded.indices.fill_null(len(texts) - 1).to_numpy(zero_copy_only=False)
    return _trimmed(texts), codes


def _trimmed(texts: pa.Array) -> pa.Array:
    head = texts.slice(0, 1000).to_pylist()
    return pc.utf8_trim_whitespace(texts) if any(one != one.strip() for one in head) else texts


def _empty(texts: pa.Array, among: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which texts say that there is no time."""
    empty = np.zeros(len(texts), dtype=np.bool_)
    rows = np.flatnonzero(among)
    if len(rows):
        coded = texts.take(pa.array(rows)).dictionary_encode()
        says = np.array([one.strip().casefold() in EMPTY for one in coded.dictionary.to_pylist()], dtype=np.bool_)
        empty[rows] = says[coded.indices.to_numpy()]
    return empty


def _stamped(values: pa.ChunkedArray, time_zone: str | None) -> Times:
    aware = values.type.tz is not None
    missing = _nulls(values)
    whole = values.cast(pa.int64())
    instants = (whole.fill_null(MISSING) if values.null_count else whole).to_numpy()
    if not aware:
        instants = _from_wall(instants, missing, time_zone)
    note = "datetimes with a zone" if aware else f"wall-clock times of {time_zone or 'UTC'}"
    return Times(instants=instants, missing=missing, flaw=_sound(len(values)), aware=aware, note=note)


def _nulls(values: pa.ChunkedArray) -> NDArray[np.bool_]:
    if not values.null_count:
        return np.broadcast_to(np.False_, len(values))
    return np.asarray(values.is_null().to_numpy())


def _sound(n: int) -> Flaws:
    return np.broadcast_to(np.int8(0), n)


def _from_wall(local: Int, missing: NDArray[np.bool_], time_zone: str | None) -> Int:
    """Return wall-clock µs of a zone as instants; what is missing stays so."""
    if time_zone in (None, "UTC"):
        return local
    naive = pd.Series(np.where(missing, 0, local).astype("datetime64[us]"))
    located = naive.dt.tz_localize(time_zone, ambiguous=False, nonexistent="shift_forward")
    utc = located.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy(dtype="datetime64[us]").astype(np.int64)
    return np.where(missing, MISSING, utc)


def _numbers(values: pa.ChunkedArray, column: str) -> Times:
    missing = _nulls(values)
    numbers = (values.fill_null(0) if values.null_count else values).to_numpy()
    if numbers.dtype.kind == "f":
        missing = missing | np.isnan(numbers)
    return _moments(numbers, missing, column)


def _moments(numbers: NDArray[Any], missing: NDArray[np.bool_], column: str) -> Times:
    """Return numbers as instants by the scale that their usual size is of."""
    size = float(np.median(np.abs(numbers[~missing].astype(np.float64)))) if not missing.all() else 0.0
    for low, high, unit, name in (
        (20_000, 80_000, DAY, "days of a spreadsheet"),
        (1e8, 1e10, SECOND, "seconds since 1970"),
        (1e11, 1e13, 1000, "milliseconds since 1970"),
        (1e14, 1e16, 1, "microseconds since 1970"),
        (1e17, 1e19, 1e-3, "nanoseconds since 1970"),
    ):
        if low <= size < high:
            shift = 25_569 if unit == DAY else 0
            wrong = ~missing & (np.abs((numbers.astype(np.float64) - shift) * unit) > 9e18)
            fine = np.where(missing | wrong, shift, numbers)
            if fine.dtype.kind == "f":
                instants = np.round((fine - shift) * unit).astype(np.int64)
            else:
                instants = (
                    fine.astype(np.int64) // 1000 if unit == 1e-3 else (fine.astype(np.int64) - shift) * int(unit)
                )
            instants[missing | wrong] = MISSING
            flaw = wrong.astype(np.int8) * np.int8(NO_DATE)
            return Times(instants=instants, missing=missing, flaw=flaw, aware=unit != DAY, note=name, decided=name)
    raise DataError(
        f'time column "{column}" holds numbers around {size:,.6g}, neither epoch times nor spreadsheet dates; '
        f"name another column, or convert it to dates first"
    )


def _written_numbers(texts: pa.Array, codes: NDArray[np.int32] | None, column: str) -> Times:
    """Read numbers that are written as text; what is none is no date."""
    if codes is not None:
        texts = texts.take(pa.array(codes))
    texts = pc.utf8_trim_whitespace(texts)
    numeric = pc.match_substring_regex(texts, r"^\d{1,19}(?:[.,]\d+)?$").to_numpy(zero_copy_only=False)
    missing = _empty(texts, ~numeric)
    known = pc.if_else(pa.array(numeric), pc.replace_substring(texts, ",", "."), None)
    try:
        numbers = known.cast(pa.int64()).fill_null(0).to_numpy()
    except pa.ArrowInvalid:
        numbers = known.cast(pa.float64()).fill_null(0).to_numpy()
    times = _moments(numbers, ~numeric, column)
    flaw = np.where(~numeric & ~missing, np.int8(NO_DATE), times.flaw)
    return replace(times, missing=missing, flaw=flaw)


def _formatted(texts: pa.Array, codes: NDArray[np.int32] | None, date_format: str, time_zone: str | None) -> Times:
    text = texts.to_pandas()
    missing = text.str.strip().str.casefold().isin(EMPTY).to_numpy(dtype=np.bool_)
    aware = "%z" in date_format
    try:
        stamps = pd.to_datetime(text.str.strip().where(~missing, None), format=date_format, errors="coerce", utc=aware)
    except ValueError as error:
        raise DataError(f'"{date_format}" is not a date format ({error}); write e.g. "%d.%m.%Y %H:%M"') from None
    unread = stamps.isna().to_numpy()
    naive = stamps.dt.tz_localize(None) if aware else stamps
    instants = naive.to_numpy(dtype="datetime64[us]").astype(np.int64)
    if not aware:
        instants = _from_wall(instants, unread, time_zone)
    flaw = (unread & ~missing).astype(np.int8) * np.int8(NO_DATE)
    if date_format.endswith("%z"):
        offsets = offset_minutes(text.str.extract(OFFSET_LAST, expand=False))
        flaw[~unread & (offsets == NO_CLOCK)] = BEYOND_CLOCKS
        instants[flaw == BEYOND_CLOCKS] = MISSING
    if codes is not None:
        instants, missing, flaw = instants[codes], missing[codes], flaw[codes]
    return Times(instants=instants, missing=missing, flaw=flaw, aware=aware, note=f'format "{date_format}"')


def _local(texts: pa.Array, column: str) -> tuple[Int, NDArray[np.int16], Flaws, str | None]:
    """Return local µs, offset minutes (`NO_OFFSET` without one) and the flaw of each text, and what had to be decided.

    Raises if day and month cannot be told apart anywhere in the column.
    """
    fields = read_fields(texts)
    either, decided = DAY_FIRST, None
    if (fields.order == EITHER).any():
        months = _month_comes_first(fields, column)
        either, decided = (MONTH_FIRST, "months before days") if months else (DAY_FIRST, "days before months")
    local, flaw = fields.clock, np.zeros(len(texts), dtype=np.int8)
    for at in range(0, len(texts), BLOCK):
        part = slice(at, at + BLOCK)
        order = np.where(fields.order[part] == EITHER, either, fields.order[part])
        a, b, c = fields.date[:, part].astype(np.int32)
        year_first, month_first = order == YEAR_FIRST, order == MONTH_FIRST
        year = np.where(year_first, a, np.where(c < 100, c + 2000, c))
        month = np.where(month_first, a, b)
        day = np.where(year_first, c, np.where(month_first, b, a))
        legal = (order != UNREAD) & (local[part] >= 0) & (year >= 1) & (month >= 1) & (month <= 12) & (day >= 1)
        first = _first_days()
        index = np.where(legal, year * 12 + month - 1, 0)
        legal &= day <= first[index + 1] - first[index]
        days = np.where(legal, first[index] + day - 1, 0).astype(np.int64)
        local[part] += days * DAY
        flaw[part] = np.where(legal, np.where(fields.offset[part] == NO_CLOCK, BEYOND_CLOCKS, 0), NO_DATE)
    return local, fields.offset, flaw, decided


@lru_cache(maxsize=1)
def _first_days() -> NDArray[np.int32]:
    """Return the days from 1970 to the first of each month of the years 0 to 9999, and one more."""
    months = np.arange(-1970 * 12, (10_000 - 1970) * 12 + 1).astype("datetime64[M]")
    days: NDArray[np.int32] = months.astype("datetime64[D]").astype(np.int32)
    days.flags.writeable = False
    return days


def _month_comes_first(fields: Fields, column: str) -> bool:
    either = fields.order == EITHER
    a, b = fields.date[0, either], fields.date[1, either]
    day_first, month_first = int((a > 12).sum()), int((b > 12).sum())
    if not day_first and not month_first and not fields.twelve:
        raise DataError(
            f'time column "{column}" does not tell days from months: both are 12 or less in all its values (first: '
            f'{a[0]:02d}/{b[0]:02d}); pass date_format="%d/%m/%Y %H:%M" or "%m/%d/%Y %H:%M", as it is meant'
        )
    return month_first > day_first or (day_first == 0 and fields.twelve)


def _settle(
    local: Int, offset: NDArray[np.int16], missing: NDArray[np.bool_], flaw: Flaws, time_zone: str | None
) -> Times:
    fine = ~missing & (flaw == 0)
    aware = offset != NO_OFFSET
    with_offset, without = int((fine & aware).sum()), int((fine & ~aware).sum())
    if with_offset and without and time_zone is None:
        fewer_aware = with_offset < without
        mixed = fine & (aware if fewer_aware else ~aware)
        flaw[mixed] = ODD_OFFSET if fewer_aware else LACKS_OFFSET
        fine &= ~mixed
    wall = _from_wall(local, ~fine, time_zone) if without else local
    instants = wall
    if with_offset:
        instants = np.where(aware, local - offset.astype(np.int64) * MINUTE, wall)
    kind = "with offsets" if with_offset > without else f"wall-clock times of {time_zone or 'UTC'}"
    return Times(
        instants=np.where(fine, instants, MISSING),
        missing=missing,
        flaw=flaw,
        aware=with_offset > without,
        note=f"dates {kind}",
    )

"""Reading a column of times: ISO and national notations, offsets, epoch numbers; no guess where two readings fit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.calendars import DAY, HOUR
from mkmine.errors import DataError

__all__ = ["Times", "likely_zone", "looks_like_times", "parse_times"]

MISSING = np.iinfo(np.int64).min
MINUTE, SECOND = 60_000_000, 1_000_000
EMPTY = frozenset({"", "nan", "nat", "none", "null", "-", "n/a", "#n/a"})

MONTHS = {
    name: number
    for number, names in enumerate(
        (
            ("jan", "янв"),
            ("feb", "фев"),
            ("mar", "мар"),
            ("apr", "апр"),
            ("may", "май", "мая"),
            ("jun", "июн"),
            ("jul", "июл"),
            ("aug", "авг"),
            ("sep", "сен"),
            ("oct", "окт"),
            ("nov", "ноя"),
            ("dec", "дек"),
        ),
        start=1,
    )
    for name in names
}
NOTATION = re.compile(
    r"^(?P<a>\d{1,4}|[^\W\d]{3,9}\.?)(?P<mark>[-./ ]|, ?)(?P<b>\d{1,2}|[^\W\d]{3,9}\.?)(?:[-./ ]|, ?)(?P<c>\d{2,4})"
    r"(?:(?:T|,? +|\u00a0)(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9}))?)?"
    r" ?(?P<half>[AaPp]\.?[Mm]\.?)?)?(?: ?(?P<offset>Z|UTC|GMT|[+-]\d\d:?(?:\d\d)?))?$"
)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """A parsed column: instants in µs UTC (n,), `missing` and `problem` ("" where fine), and how it was read."""

    instants: NDArray[np.int64]
    missing: NDArray[np.bool_]
    problem: NDArray[np.object_]
    aware: bool
    note: str


def parse_times(
    values: pd.Series, *, column: str, time_zone: str | None = None, date_format: str | None = None
) -> Times:
    """Read a column of times as instants.

    Values without an offset are wall-clock times of `time_zone` (UTC if it is None). Where some values carry an offset
    and others do not, the fewer ones are problems, unless `time_zone` says how the latter are meant.

    Raises `DataError` if day and month cannot be told apart in the whole column.
    """
    kind = values.dtype
    if pd.api.types.is_datetime64_any_dtype(kind):
        return _stamped(values, time_zone)
    if pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind):
        return _numbers(values, column)
    text = _text(values)
    if date_format is not None:
        return _formatted(text, date_format, time_zone)
    if (fast := _iso(text, time_zone)) is not None:
        return fast
    codes, unique = pd.factorize(text.to_numpy(dtype=object))
    local, offset, problem = _read_notation(pd.Series(unique, dtype=object), column)
    missing = np.array([str(one).casefold() in EMPTY for one in unique], dtype=np.bool_)
    problem[missing] = ""
    return _settle(local[codes], offset[codes], missing[codes], problem[codes], time_zone)


def looks_like_times(values: pd.Series) -> bool:
    """Return whether nearly all of a sample of the column reads as a date or a time."""
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return True
    if pd.api.types.is_numeric_dtype(values.dtype):
        return False
    text = _text(values.dropna().head(200))
    text = text[~text.str.casefold().isin(EMPTY)]
    return len(text) > 0 and float(text.str.match(NOTATION).mean()) >= 0.9


def likely_zone(values: pd.Series, instants: NDArray[np.int64]) -> str | None:
    """Return the zone that explains the offsets written in a text column, or None where there is none to explain."""
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        tz = getattr(values.dt, "tz", None)
        return None if tz is None else _zone_name(str(tz))
    step = max(len(values) // 20_000, 1)
    offsets = _text(values.iloc[::step]).str.extract(r"\d:\d\d.*?(Z|UTC|GMT|[+-]\d\d:?(?:\d\d)?)$", expand=False)
    known = offsets.notna().to_numpy()
    if not known.any():
        return None
    minutes = _offset_minutes(offsets[known])
    stamps = pd.DatetimeIndex(instants[::step][known].astype("datetime64[us]")).tz_localize("UTC")
    distinct = np.unique(minutes)
    if len(distinct) == 1:
        hours, rest = divmod(int(distinct[0]), 60)
        return "UTC" if rest or not hours or not -12 <= hours <= 14 else f"Etc/GMT{-hours:+d}"
    for name in COMMON_ZONES:
        naive = stamps.tz_convert(name).tz_localize(None)
        if (((naive - stamps.tz_localize(None)) // pd.Timedelta(minutes=1)).to_numpy() == minutes).all():
            return name
    return "UTC"


def _zone_name(text: str) -> str:
    if text in ("UTC", "utc", "UTC+00:00"):
        return "UTC"
    fixed = re.fullmatch(r"(?:UTC|pytz\.FixedOffset\()?([+-]\d\d):00\)?", text)
    return f"Etc/GMT{-int(fixed[1]):+d}" if fixed else text if "/" in text else "UTC"


def _text(values: pd.Series) -> pd.Series:
    if isinstance(values.dtype, pd.StringDtype):
        return values.fillna("").str.strip()
    return values.where(values.notna(), "").astype(str).str.strip()


def _us(stamps: pd.Series) -> NDArray[np.int64]:
    return stamps.to_numpy(dtype="datetime64[us]").astype(np.int64)


def _stamped(values: pd.Series, time_zone: str | None) -> Times:
    aware = values.dt.tz is not None
    utc = values.dt.tz_convert("UTC").dt.tz_localize(None) if aware else _localize(values, time_zone)
    instants = _us(utc)
    missing = values.isna().to_numpy()
    note = "datetimes with a zone" if aware else f"wall-clock times of {time_zone or 'UTC'}"
    return Times(instants=instants, missing=missing, problem=_clear(len(values)), aware=aware, note=note)


def _localize(naive: pd.Series, time_zone: str | None) -> pd.Series:
    if time_zone in (None, "UTC"):
        return naive
    located = naive.dt.tz_localize(time_zone, ambiguous=False, nonexistent="shift_forward")
    utc: pd.Series = located.dt.tz_convert("UTC").dt.tz_localize(None)
    return utc


def _clear(n: int) -> NDArray[np.object_]:
    return np.full(n, "", dtype=object)


def _numbers(values: pd.Series, column: str) -> Times:
    numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    missing = np.isnan(numbers)
    size = float(np.nanmedian(np.abs(numbers))) if (~missing).any() else 0.0
    for low, high, unit, name in (
        (20_000, 80_000, DAY, "days of a spreadsheet"),
        (1e8, 1e10, SECOND, "seconds since 1970"),
        (1e11, 1e13, 1000, "milliseconds since 1970"),
        (1e14, 1e16, 1, "microseconds since 1970"),
        (1e17, 1e19, 1e-3, "nanoseconds since 1970"),
    ):
        if low <= size < high:
            shift = 25_569 if unit == DAY else 0
            instants = np.round((np.where(missing, shift, numbers) - shift) * unit)
            wrong = np.abs(instants) > 9e18
            problem = _clear(len(values))
            problem[wrong] = "not a date"
            settled = np.where(missing | wrong, MISSING, np.where(wrong, 0, instants)).astype(np.int64)
            return Times(instants=settled, missing=missing, problem=problem, aware=unit != DAY, note=name)
    raise DataError(
        f'time column "{column}" holds numbers around {size:,.6g}, neither epoch times nor spreadsheet dates; '
        f"name another column, or convert it to dates first"
    )


def _formatted(text: pd.Series, date_format: str, time_zone: str | None) -> Times:
    missing = text.str.casefold().isin(EMPTY).to_numpy(dtype=np.bool_)
    aware = "%z" in date_format
    try:
        stamps = pd.to_datetime(text.where(~missing, None), format=date_format, errors="coerce", utc=aware)
    except ValueError as error:
        raise DataError(f'"{date_format}" is not a date format ({error}); write e.g. "%d.%m.%Y %H:%M"') from None
    naive = stamps.dt.tz_localize(None) if aware else _localize(stamps, time_zone)
    problem = _clear(len(text))
    problem[stamps.isna().to_numpy() & ~missing] = "not a date"
    return Times(instants=_us(naive), missing=missing, problem=problem, aware=aware, note=f'format "{date_format}"')


def _iso(text: pd.Series, time_zone: str | None) -> Times | None:
    """Read a column in which every value is ISO 8601 and all, or none, have an offset; None if it is not so."""
    import pyarrow as pa

    try:
        strings = pa.array(text.where(text != "", None), type=pa.large_string(), from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return None
    missing = strings.is_null().to_numpy(zero_copy_only=False)
    for kind in (pa.timestamp("us", tz="UTC"), pa.timestamp("us")):
        try:
            instants = strings.cast(kind).cast(pa.int64()).fill_null(MISSING).to_numpy(zero_copy_only=False)
        except pa.ArrowInvalid:
            continue
        aware = kind.tz is not None
        if not aware and time_zone not in (None, "UTC"):
            instants = _us(_localize(pd.Series(instants.astype("datetime64[us]")), time_zone))
        n = len(text)
        note = "ISO 8601 with offsets" if aware else f"ISO 8601, wall-clock times of {time_zone or 'UTC'}"
        return Times(instants=instants, missing=missing, problem=_clear(n), aware=aware, note=note)
    return None


def _read_notation(
    unique: pd.Series, column: str
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.object_]]:
    """Return local µs, offset minutes (NaN without one) and the problem of each distinct text."""
    parts = unique.str.extract(NOTATION)
    problem = np.where(parts["a"].notna(), "", "not a date").astype(object)
    year, month, day = _date_parts(parts, column)
    hour = _number(parts["hour"])
    half = parts["half"].str.lower().str.replace(".", "", regex=False)
    twelve = half.notna().to_numpy()
    wrong_half = twelve & ((hour < 1) | (hour > 12))
    hour = np.where(twelve, hour % 12 + np.where(half == "pm", 12, 0), hour)
    minute, second = _number(parts["minute"]), _number(parts["second"])
    fraction = _number(parts["fraction"].str.ljust(9, "0").str[:6])
    legal = (month >= 1) & (month <= 12) & (day >= 1) & (hour <= 23) & (minute <= 59) & (second <= 59) & ~wrong_half
    legal &= year >= 1
    months = (np.where(legal, year, 1970) - 1970) * 12 + np.where(legal, month, 1) - 1
    first = months.astype("datetime64[M]").astype("datetime64[D]")
    length = ((months + 1).astype("datetime64[M]").astype("datetime64[D]") - first).astype(np.int64)
    legal &= day <= length
    days = first.astype(np.int64) + np.where(legal, day, 1) - 1
    local = days * DAY + hour * HOUR + minute * MINUTE + second * SECOND + fraction
    problem[~legal] = "not a date"
    return local, _offset_minutes(parts["offset"]), problem


def _number(digits: pd.Series) -> NDArray[np.int64]:
    return pd.to_numeric(digits, errors="coerce").fillna(0).to_numpy(dtype=np.int64)


def _offset_minutes(offsets: pd.Series) -> NDArray[np.float64]:
    text = offsets.replace({"Z": "+0000", "UTC": "+0000", "GMT": "+0000"}).str.replace(":", "", regex=False)
    sign = np.where(text.str[0] == "-", -1, 1)
    minutes = pd.to_numeric(text.str[1:3]) * 60 + pd.to_numeric(text.str[3:5].replace("", "0"))
    return minutes.to_numpy(dtype=np.float64, na_value=np.nan) * sign


def _date_parts(parts: pd.DataFrame, column: str) -> tuple[NDArray[np.int64], ...]:
    """Return year, month and day; raises if day and month cannot be told apart anywhere in the column."""
    a, b, c = (_number(parts[name]) for name in "abc")
    names = [parts[name].str.lower().str[:3].map(MONTHS) for name in "ab"]
    year_first = parts["a"].str.fullmatch(r"\d{4}").fillna(False).to_numpy(dtype=np.bool_)
    spelled = (names[0].notna() | names[1].notna()).to_numpy()
    open_order = ~year_first & ~spelled & parts["mark"].isin(["/", "-"]).to_numpy()
    month_first = np.zeros(len(a), dtype=np.bool_)
    if open_order.any():
        month_first = open_order & _month_comes_first(a[open_order], b[open_order], parts["half"].notna().any(), column)
    year = np.where(year_first, a, c)
    year = np.where(~year_first & (year < 100), year + 2000, year)
    month = np.where(year_first, b, np.where(month_first, a, b))
    day = np.where(year_first, c, np.where(month_first, b, a))
    month = np.where(names[0].notna(), names[0].fillna(0), np.where(names[1].notna(), names[1].fillna(0), month))
    day = np.where(names[0].notna(), b, day)
    return year.astype(np.int64), month.astype(np.int64), day.astype(np.int64)


def _month_comes_first(a: NDArray[np.int64], b: NDArray[np.int64], twelve_hours: Any, column: str) -> bool:
    day_first, month_first = int((a > 12).sum()), int((b > 12).sum())
    if not day_first and not month_first and not twelve_hours:
        raise DataError(
            f'time column "{column}" does not tell days from months: both are 12 or less in all its values (first: '
            f'{a[0]:02d}/{b[0]:02d}); pass date_format="%d/%m/%Y %H:%M" or "%m/%d/%Y %H:%M", as it is meant'
        )
    return month_first > day_first or (day_first == 0 and bool(twelve_hours))


def _settle(
    local: NDArray[np.int64],
    offset: NDArray[np.float64],
    missing: NDArray[np.bool_],
    problem: NDArray[np.object_],
    time_zone: str | None,
) -> Times:
    fine = ~missing & (problem == "")
    aware = ~np.isnan(offset)
    with_offset, without = int((fine & aware).sum()), int((fine & ~aware).sum())
    if with_offset and without and time_zone is None:
        fewer_aware = with_offset < without
        problem = problem.copy()
        mixed = fine & (aware if fewer_aware else ~aware)
        problem[mixed] = "UTC offset among times without one" if fewer_aware else "no UTC offset among times with one"
        fine &= ~mixed
    plain = pd.Series(np.where(fine, local, 0).astype("datetime64[us]"))
    wall = _us(_localize(plain, time_zone))
    instants = np.where(aware, local - np.nan_to_num(offset).astype(np.int64) * MINUTE, wall)
    kind = "with offsets" if with_offset > without else f"wall-clock times of {time_zone or 'UTC'}"
    return Times(
        instants=cast("NDArray[np.int64]", np.where(fine, instants, MISSING)),
        missing=missing,
        problem=problem,
        aware=with_offset > without,
        note=f"dates {kind}",
    )

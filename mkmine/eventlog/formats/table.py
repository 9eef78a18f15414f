"""A table as read: Arrow columns, the number in the source of each row, the rows set aside, and how it was read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mkmine.errors import DataError

__all__ = [
    "MAX_COLUMNS",
    "Errors",
    "Table",
    "arrow_column",
    "arrow_table",
    "check_cells",
    "check_names",
    "is_text",
    "plain",
    "written",
]

Errors = Literal["raise", "quarantine"]
MAX_COLUMNS, MAX_NAME = 10_000, 32_767
# A file in which each row has columns of its own would fill the memory.
MANY_CELLS, SPARSE = 20_000_000, 50
STAMP = pa.timestamp("us")
PER_MICROSECOND = {"s": 1_000_000, "ms": 1_000}
SIMPLE = ("string", "empty", "integer", "floating", "mixed-integer-float", "boolean")
BYTES = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary, pa.types.is_binary_view)


@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """Columns as read, n rows.

    Attributes
    ----------
    columns
        An Arrow table of the few types that `plain` gives; text may be dictionary-encoded, and empty as "" or null.
    note
        How it was read.
    rows
        The number in the source of each row, counted as a person does.
    aside
        Rows that could not be read, with the columns `row` and `reason`.
    sample
        Some rows as they are written in the source, where `columns` holds them converted.
    again
        Reads the source anew with every column as text: what is wrong with a value is told in its own words.
    """

    columns: pa.Table
    note: str
    rows: NDArray[np.int64] | range = range(1, 1)
    aside: pd.DataFrame = field(default_factory=lambda: pd.DataFrame({"row": [], "reason": []}))
    sample: pa.Table | None = None
    again: Callable[[], Table] | None = None

    def __post_init__(self) -> None:
        kinds = {name: plain(self.columns[name]) for name in self.columns.column_names}
        object.__setattr__(self, "columns", pa.table(kinds))
        if not len(self.rows):
            object.__setattr__(self, "rows", range(1, self.columns.num_rows + 1))

    def __len__(self) -> int:
        return int(self.columns.num_rows)

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The columns as pandas has them; text without a dictionary."""
        return self.to_pandas()

    def to_pandas(self, mask: NDArray[np.bool_] | None = None) -> pd.DataFrame:
        """Return the rows of a mask (n,), or all, as a frame."""
        columns = self.columns if mask is None else self.columns.filter(pa.array(mask))
        data = {name: _pandas(columns[name]) for name in columns.column_names}
        return pd.DataFrame(data, index=pd.RangeIndex(columns.num_rows))


def _pandas(values: pa.ChunkedArray) -> Any:
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if is_text(values.type) and values.null_count:
        # What is missing is None, as for whoever reads a file by hand.
        return pd.Series(values.to_pylist(), dtype=object)
    return values.to_pandas()


def check_names(names: Sequence[object], where: str) -> list[str]:
    """Return usable column names (an empty one becomes `column N`).

    Raises `DataError` if they repeat, are too many, too long, or hold half of a surrogate pair.
    """
    if len(names) > MAX_COLUMNS:
        raise DataError(f'"{where}" has {len(names):,} columns; a log of up to {MAX_COLUMNS:,} can be read')
    texts = [str(name) if str(name).strip() else f"column {i}" for i, name in enumerate(names, start=1)]
    if (longest := max(map(len, texts), default=0)) > MAX_NAME:
        raise DataError(f'"{where}" has a column whose name has {longest:,} characters; is it a row of names?')
    for name in texts:
        try:
            name.encode()
        except UnicodeEncodeError:
            shown = name[:60].encode("utf-8", "backslashreplace").decode()
            raise DataError(f'"{where}" has a column "{shown}": its name holds half a character; rename it') from None
    repeated = [f'"{name}"' for name, count in Counter(texts).items() if count > 1]
    if repeated:
        raise DataError(
            f'"{where}" has several columns named {", ".join(repeated[:5])}; give each its own name, or pass header=...'
        )
    return texts


def check_cells(columns: int, rows: int, values: int, name: str) -> None:
    """Raise `DataError` if columns over all rows would fill the memory with hardly any values."""
    if columns * rows > MANY_CELLS and columns * rows > SPARSE * values:
        raise DataError(
            f'"{name}" has {columns:,} different attributes, each in hardly any of its {rows:,} rows; remove those not '
            f"needed"
        )


def arrow_table(frame: pd.DataFrame, where: str) -> pa.Table:
    """Return a pandas frame as an Arrow table, its index left out; values of several kinds become text.

    Raises `DataError` if column names repeat.
    """
    names = check_names(list(frame.columns), where)
    return pa.table([arrow_column(frame.iloc[:, i]) for i in range(len(names))], names=names)


def arrow_column(values: pd.Series) -> Any:
    """Return a pandas column as Arrow; values of several kinds become text."""
    # One column may hold times with and without a zone, numbers and words: then each says itself what it is.
    if values.dtype != object or pd.api.types.infer_dtype(values, skipna=True) in SIMPLE:
        with suppress(pa.ArrowException, TypeError, ValueError, OverflowError):
            return pa.array(values, from_pandas=True)
    return pa.array([None if _is_missing(one) else _text(one) for one in values.tolist()], pa.large_string())


def _is_missing(value: object) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    # JSON may hold half of a surrogate pair (an emoji cut in two), which no encoding has.
    return str(value).encode("utf-8", "replace").decode("utf-8")


def written(value: pa.Scalar) -> str:
    """Return a single value as text, whatever it is."""
    try:
        return _text(value.as_py())
    except (ValueError, OverflowError):
        # Beyond the years that Python knows.
        return str(value.value)


def is_text(kind: pa.DataType) -> bool:
    """Return whether values of this type are text, dictionary-encoded or not."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def plain(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column as one of few types: text (dictionary-encoded or not), a number, a boolean, or a timestamp in µs.

    Dates are midnights. Finer times are cut to µs. What has no such type (lists, durations, ...) becomes text.
    """
    kind = values.type
    if pa.types.is_dictionary(kind):
        return _dictionary(values)
    if is_text(kind) or kind == STAMP or pa.types.is_boolean(kind) or pa.types.is_integer(kind):
        return values
    if pa.types.is_floating(kind):
        return values.cast(pa.float32()) if pa.types.is_float16(kind) else values
    if pa.types.is_decimal(kind):
        return _decimals(values)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return _stamps(values)
    if pa.types.is_null(kind) or pa.types.is_string_view(kind):
        return values.cast(pa.large_string())
    if any(test(kind) for test in BYTES):
        with suppress(pa.ArrowInvalid):
            return values.cast(pa.large_string())
    return pa.chunked_array([[written(one) if one.is_valid else None for one in values]], pa.large_string())


def _decimals(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return decimals as whole numbers or floats, where these hold all their digits, and else as text."""
    with suppress(pa.ArrowInvalid):
        if values.type.scale <= 0:
            return values.cast(pa.int64())
        floats = values.cast(pa.float64())
        if pc.all(pc.equal(floats.cast(values.type), values), min_count=0).as_py():
            return floats
    texts = values.cast(pa.large_string())
    if values.type.scale <= 0:
        return texts
    # A number is called the same whatever stands beside it.
    return pc.if_else(pc.match_substring(texts, "E"), texts, pc.replace_substring_regex(texts, r"\.?0+$", ""))


def _dictionary(values: pa.ChunkedArray) -> pa.ChunkedArray:
    within = _simple(values.type.value_type)
    usual = pa.dictionary(pa.int32(), within)
    if not is_text(usual):
        parts = [one.dictionary.cast(within).take(one.indices) for one in values.chunks]
        return plain(pa.chunked_array(parts, within))
    if values.type == usual:
        return values
    coded = ((one.indices.cast(pa.int32()), one.dictionary.cast(within)) for one in values.chunks)
    return pa.chunked_array([pa.DictionaryArray.from_arrays(*one) for one in coded], usual)


def _simple(kind: pa.DataType) -> pa.DataType:
    # Views of text are not understood by all of Arrow's functions.
    return pa.large_string() if pa.types.is_string_view(kind) else kind


def _stamps(values: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = values.type
    if pa.types.is_date(kind):
        days = pa.types.is_date32(kind)
        values = values.cast(pa.int32()).cast(pa.int64()) if days else values.cast(pa.int64())
        unit, zone = 86_400_000_000 if days else 1_000, None
    else:
        unit, zone = PER_MICROSECOND.get(kind.unit, 1), kind.tz
        if unit == 1:
            return values if kind.unit == "us" else values.cast(pa.timestamp("us", tz=zone), safe=False)
        values = values.cast(pa.int64())
    # What is beyond every calendar must stay there, and not wrap around into it.
    bound = np.iinfo(np.int64).max // unit - 1
    values = pc.max_element_wise(pc.min_element_wise(values, bound, skip_nulls=False), -bound, skip_nulls=False)
    return pc.multiply(values, unit).cast(pa.timestamp("us", tz=zone))

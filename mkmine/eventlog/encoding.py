"""From columns to the arrays of a log: instants, codes with names, and the order by case and time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mkmine.errors import DataError
from mkmine.eventlog.columns import narrow
from mkmine.eventlog.twins import compiled

__all__ = [
    "EARLIEST",
    "LATEST",
    "Coded",
    "Errors",
    "by_first_appearance",
    "case_rounds",
    "encode",
    "gathered",
    "in_order",
    "instants",
    "named_in_order",
    "reading_order",
]

Errors = Literal["raise", "quarantine"]
Int = NDArray[np.int64]
Codes = NDArray[np.integer[Any]]

# Beyond these years an instant is a mistake (an empty date of a database, a year 9999 for "never").
EARLIEST, LATEST = (int(pd.Timestamp(f"{year}-01-01", tz="UTC").value // 1000) for year in (1900, 2200))
# So many cells of a table "case by activity" may be kept at once for a row of the log.
CELLS_PER_ROW = 8


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """A column as codes, int32 (n,), -1 where empty, and its distinct names (Arrow large strings), none empty."""

    codes: NDArray[np.int32]
    names: pa.Array

    def __len__(self) -> int:
        return len(self.codes)

    def listed(self) -> tuple[str, ...]:
        """Return the names."""
        return tuple(self.names.to_pylist())


def encode(values: Any) -> Coded:
    """Return a column (pandas or Arrow) as codes; without gaps in the names, in order of first appearance.

    Values become text without surrounding spaces; those that are then equal share a code; empty ones have none.
    """
    if isinstance(values, pd.Series):
        if isinstance(values.dtype, pd.StringDtype) and values.dtype.storage == "pyarrow":
            values = pa.chunked_array(pa.array(values, from_pandas=True))
        elif isinstance(values.dtype, pd.CategoricalDtype):
            categories = _texts(list(values.cat.categories))
            return _tidied(values.cat.codes.to_numpy().astype(np.int32), categories)
        else:
            codes, found = pd.factorize(values.to_numpy(dtype=object))
            return _tidied(codes.astype(np.int32), _texts(list(found)))
    return _tidied(*_dictionary(values))


def _texts(values: Sequence[object]) -> pa.Array:
    texts = [str(one) for one in values]
    try:
        return pa.array(texts, pa.large_string())
    except UnicodeEncodeError:
        # JSON may hold half of a surrogate pair (an emoji cut in two), which no encoding has.
        return pa.array([one.encode("utf-8", "replace").decode() for one in texts], pa.large_string())


def _dictionary(values: pa.Array | pa.ChunkedArray) -> tuple[NDArray[np.int32], pa.Array, bool]:
    """Return the codes and the names of an Arrow column, and whether the names are known to differ."""
    if not isinstance(values, pa.ChunkedArray):
        values = pa.chunked_array([values])
    if not len(values):
        return np.zeros(0, dtype=np.int32), _texts([]), True
    if pa.types.is_dictionary(values.type):
        given = len(values.chunk(0).dictionary)
        values = values.unify_dictionaries()
        # Dictionaries that are alike stay as they are: whoever made them may have put a name in twice.
        differ = len(values.chunk(0).dictionary) > given
    else:
        differ = True
        if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
            values = values.cast(pa.large_string())
        values = values.dictionary_encode()
    # The chunks share one dictionary now.
    parts = [one.indices.fill_null(-1).to_numpy(zero_copy_only=False) for one in values.chunks]
    codes = parts[0] if len(parts) == 1 else np.concatenate(parts)
    return codes.astype(np.int32, copy=False), values.chunk(0).dictionary.cast(pa.large_string()), differ


def _tidied(codes: NDArray[np.int32], names: pa.Array, differ: bool = False) -> Coded:
    """Trim the names, give equal ones one code and empty ones none."""
    # Python's idea of a space is wider than Arrow's by the separators of ASCII.
    trimmed = pc.utf8_trim(pc.utf8_trim_whitespace(names), "\x1c\x1d\x1e\x1f")
    trimmed = pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.large_string()), trimmed)
    if differ and not trimmed.null_count and trimmed.equals(names):
        return by_first_appearance(codes, names)
    merged = trimmed.dictionary_encode()
    plain = not merged.null_count and len(merged.dictionary) == len(names)
    if not plain:
        table = np.append(merged.indices.fill_null(-1).to_numpy(zero_copy_only=False), -1).astype(np.int32)
        codes = table[codes]
    return by_first_appearance(codes, merged.dictionary if len(merged.dictionary) else _texts([]))


def by_first_appearance(codes: NDArray[np.int32], names: pa.Array) -> Coded:
    """Number the names as they appear for the first time, and leave out those that do not."""
    size = len(names)
    if not len(codes) or not size:
        return Coded(np.full(len(codes), -1, dtype=np.int32), names.slice(0, 0))
    if _in_turn(codes) == size - 1:
        return Coded(codes, names)
    first = np.full(size + 1, len(codes), dtype=np.int64)
    first[codes[::-1]] = np.arange(len(codes) - 1, -1, -1)
    used = np.flatnonzero(first[:-1] < len(codes))
    used = used[np.argsort(first[:-1][used])]
    number = np.full(size + 1, -1, dtype=np.int32)
    number[used] = np.arange(len(used), dtype=np.int32)
    return Coded(number[codes], names.take(pa.array(used)))


def _in_turn(codes: NDArray[np.int32]) -> int:
    """Return the highest code if each appears only after all lower ones, else -2."""
    if compiled(len(codes)):
        from mkmine.eventlog import kernels

        return int(kernels.in_turn(codes))
    highest = np.maximum.accumulate(codes)
    return int(highest[-1]) if highest[0] <= 0 and int(np.diff(highest).max(initial=0)) <= 1 else -2


def gathered(values: NDArray[Any], order: Codes) -> NDArray[Any]:
    """Return the values in that order."""
    if compiled(len(order)):
        from mkmine.eventlog import kernels

        return np.asarray(kernels.gathered(values, order))
    return values[order]


def in_order(cases: Coded, start: Int, end: Int) -> tuple[Int, Codes | None]:
    """Return the offsets of the cases (m + 1,) and the order of the rows by case, start and end; None: as they are.

    Rows that are equal in these keep their order.
    """
    codes, size = cases.codes, len(cases.names)
    later = start[1:] >= start[:-1]
    if start is not end:
        later &= (start[1:] > start[:-1]) | (end[1:] >= end[:-1])
    if np.all(codes[1:] >= codes[:-1]) and np.all(later | (codes[1:] != codes[:-1])):
        return _offsets(codes, size), None
    # Exports mostly come in order of time: then a stable sort by case alone does it.
    in_time = bool(np.all(later))
    if compiled(len(codes)) and len(codes) < np.iinfo(np.int32).max:
        from mkmine.eventlog import kernels

        offsets, order = kernels.counting_order(codes, size)
        for case in [] if in_time else kernels.settle(order, offsets, start, end).tolist():
            rows = order[offsets[case] : offsets[case + 1]]
            order[offsets[case] : offsets[case + 1]] = rows[np.lexsort((end[rows], start[rows]))]
        return offsets, order
    return _offsets(codes, size), _stable(codes) if in_time else np.lexsort((end, start, codes))


def _offsets(codes: NDArray[np.int32], size: int) -> Int:
    return np.concatenate(([0], np.cumsum(np.bincount(codes, minlength=size)))).astype(np.int64)


def _stable(codes: NDArray[np.int32]) -> Int:
    """Return the stable order of codes, 0 or more, by their two halves: on 16 bits NumPy's sort is a radix sort."""
    low = np.argsort(codes.astype(np.uint16), kind="stable")
    high = (codes >> 16).astype(np.uint16)
    return low if not high.any() else low[np.argsort(high[low], kind="stable")]


def reading_order(offsets: Int, codes: Codes, activities: pa.Array) -> NDArray[np.int64]:
    """Return the rank of each activity (k,) in the natural reading order of the process.

    It is the order of the mean number of other activities that a case had reached before: counting instances would put
    an activity that follows a loop behind those that follow it. Ties go by name. `codes` are in the order of the log.
    """
    k = len(activities)
    if compiled(len(codes)):
        from mkmine.eventlog import kernels

        cases, before = kernels.reached_before(offsets, codes, k)
    else:
        of = np.repeat(np.arange(len(offsets) - 1, dtype=np.int64), np.diff(offsets))
        fresh = _first_in_case(of, codes, k)
        reached: Int = np.cumsum(fresh) - fresh
        others: Int = reached - np.repeat(reached[offsets[:-1]], np.diff(offsets))
        cases = np.bincount(codes[fresh], minlength=k)
        before = np.bincount(codes[fresh], weights=others[fresh], minlength=k)
    names = np.asarray(activities.to_pylist(), dtype=object)
    by_name = np.argsort(np.argsort(names, kind="stable"), kind="stable")
    rank = np.lexsort((by_name, before / np.maximum(cases, 1)))
    number = np.empty(k, dtype=np.int64)
    number[rank] = np.arange(k)
    return number


def _first_in_case(case_of: Int, codes: Codes, k: int) -> NDArray[np.bool_]:
    key = case_of * k + codes
    cells = (int(case_of[-1]) + 1) * k if len(case_of) else 0
    if cells > CELLS_PER_ROW * len(key) + (1 << 16):
        return np.asarray(~pd.Series(key).duplicated().to_numpy(dtype=np.bool_))
    first = np.empty(cells, dtype=np.int64)
    # Of the rows that write to one cell the last wins: the earliest, as they are written backwards.
    first[key[::-1]] = np.arange(len(key) - 1, -1, -1)
    return np.asarray(first[key] == np.arange(len(key)))


def case_rounds(offsets: Int, activity: Codes, k: int) -> NDArray[np.int32]:
    """Return which execution of its activity in its case each instance is, counted from 1, shape (n,)."""
    if compiled(len(activity)):
        from mkmine.eventlog import kernels

        return np.asarray(kernels.rounds(offsets, activity, k))
    case_of = np.repeat(np.arange(len(offsets) - 1, dtype=np.int64), np.diff(offsets))
    key = case_of * k + activity
    # The cases are in order already, and small codes are sorted fast.
    order = np.argsort(activity, kind="stable")
    grouped = key[order]
    first = np.concatenate(([True], grouped[1:] != grouped[:-1])) if len(key) else np.zeros(0, dtype=np.bool_)
    begins = np.flatnonzero(first)
    out = np.empty(len(key), dtype=np.int32)
    out[order] = np.arange(len(key)) - np.repeat(begins, np.diff(np.append(begins, len(key)))) + 1
    return out


def named_in_order(
    column: Coded | None, order: Codes | None, n: int
) -> tuple[NDArray[np.signedinteger[Any]], tuple[str, ...]]:
    """Return the codes of a column in `order`, as small as they can be, and its names, sorted; -1 where empty."""
    if column is None or not len(column.names):
        return np.broadcast_to(np.int8(-1), n), ()
    names = np.array(column.names.to_pylist(), dtype=object)
    rank = np.argsort(names, kind="stable")
    number = np.full(len(names) + 1, -1, dtype=np.int64)
    number[rank] = np.arange(len(names))
    # Small codes are put in order in half of the time.
    codes = gathered(narrow(number, len(names)), column.codes)
    return codes if order is None else gathered(codes, order), tuple(names[rank].tolist())


def instants(values: pd.Series, time_zone: str, column: str) -> Int:
    """Return a datetime column as µs UTC; the smallest int64 where it is missing.

    Raises `DataError` if it does not hold datetimes.
    """
    if not pd.api.types.is_datetime64_any_dtype(values.dtype):
        raise DataError(
            f'column "{column}" holds {values.dtype} values, not datetimes; read it with mkmine.read, or convert it '
            f"with pandas.to_datetime first"
        )
    if values.dt.unit in ("s", "ms"):
        # What is beyond every calendar must stay there, and not wrap around into it.
        first, last = (pd.Timestamp(year, 1, 1, tz=values.dt.tz) for year in (1800, 2300))
        values = values.mask(values < first, first).mask(values > last, last)
    if values.dt.tz is None:
        values = values.dt.tz_localize(time_zone, ambiguous=False, nonexistent="shift_forward")
    stamps = values.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy(dtype="datetime64[us]")
    return np.asarray(stamps.astype(np.int64))

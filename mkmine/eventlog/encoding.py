"""From the columns of a frame to the arrays of a log: instants, order, and codes with names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.errors import DataError

__all__ = ["EARLIEST", "LATEST", "Errors", "encode", "encode_activities", "encode_sorted", "in_order", "usable"]

Errors = Literal["raise", "quarantine"]
Int = NDArray[np.int64]

# Beyond these years an instant is a mistake (an empty date of a database, a year 9999 for "never").
EARLIEST, LATEST = (int(pd.Timestamp(f"{year}-01-01", tz="UTC").value // 1000) for year in (1900, 2200))


def encode(values: pd.Series) -> tuple[NDArray[np.int32], list[str]]:
    """Return the code of every value and the names, in order of first appearance; -1 where empty.

    Values become text without surrounding spaces; those that are then equal share a code.
    """
    found: Sequence[object]
    if isinstance(values.dtype, pd.CategoricalDtype):
        used, known = pd.factorize(values.cat.codes.to_numpy())
        categories = [*values.cat.categories, None]
        codes, found = used.astype(np.int32), [categories[int(one)] for one in known]
    elif isinstance(values.dtype, pd.StringDtype) and values.dtype.storage == "pyarrow":
        import pyarrow as pa

        encoded = pa.chunked_array(pa.array(values, from_pandas=True)).combine_chunks().dictionary_encode()
        codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32)
        found = encoded.dictionary.to_pylist()
    else:
        used, known = pd.factorize(values.to_numpy(dtype=object))
        codes, found = used.astype(np.int32), list(known)
    number: dict[str, int] = {}
    names = ["" if one is None else str(one).strip() for one in found]
    table = np.array([*(number.setdefault(one, len(number)) if one else -1 for one in names), -1], dtype=np.int32)
    return table[codes], list(number)


def in_order(cases: NDArray[np.int32], start: Int, end: Int) -> Int:
    """Return the order by case, start and end; rows that are equal in these keep theirs."""
    # Exports mostly come in order of time: then a stable sort by case alone, a radix sort, does it.
    if np.all(start[1:] >= start[:-1]) and np.all(end[1:] >= end[:-1]):
        return np.argsort(cases, kind="stable")
    return np.lexsort((end, start, cases))


def encode_sorted(frame: pd.DataFrame, column: str | None, order: Int) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Return the codes of a column in `order` (-1 where empty) and its names, sorted."""
    if column is None:
        return np.full(len(order), -1, dtype=np.int32), ()
    codes, names = encode(frame[column])
    rank = np.argsort(np.array(names, dtype=object), kind="stable")
    number = np.full(len(names) + 1, -1, dtype=np.int32)
    number[rank] = np.arange(len(names))
    return number[codes[order]], tuple(names[one] for one in rank)


def encode_activities(
    values: pd.Series, order: Int, case_of: NDArray[np.int32]
) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Return activity codes in `order`, numbered as cases reach the activities for the first time, and the names.

    The order of the names is by the mean number of other activities that a case had reached before: counting instances
    would put an activity that follows a loop behind those that follow it.
    """
    codes, names = encode(values)
    codes = codes[order]
    first = ~pd.DataFrame({"case": case_of, "activity": codes}).duplicated().to_numpy()
    reached = np.cumsum(first)
    begins = np.flatnonzero(np.concatenate(([True], np.diff(case_of) != 0)))
    before = reached - np.repeat(reached[begins], np.diff(np.append(begins, len(codes))))
    mean = np.bincount(codes[first], weights=before[first]) / np.bincount(codes[first])
    rank = np.lexsort((np.asarray(names, dtype=str), mean))
    number = np.empty(len(names), dtype=np.int64)
    number[rank] = np.arange(len(names))
    smallest = np.min_scalar_type(max(len(names) - 1, 0))
    return number[codes].astype(smallest), tuple(names[one] for one in rank)


def _instants(values: pd.Series, time_zone: str, column: str) -> Int:
    """Return a datetime column as µs UTC; the smallest int64 where it is missing."""
    if not pd.api.types.is_datetime64_any_dtype(values.dtype):
        raise DataError(
            f'column "{column}" holds {values.dtype} values, not datetimes; read it with mkmine.read, or convert it '
            f"with pandas.to_datetime first"
        )
    if values.dt.tz is None:
        values = values.dt.tz_localize(time_zone, ambiguous=False, nonexistent="shift_forward")
    stamps = values.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy(dtype="datetime64[us]")
    return np.asarray(stamps.astype(np.int64))


def usable(
    frame: pd.DataFrame,
    case: str,
    activity: str,
    start: str | None,
    end: str,
    enabled: str | None,
    time_zone: str,
    errors: Errors,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the instants of the usable rows (start, end, enabled) and the other rows with their `reason`."""
    missing = np.iinfo(np.int64).min
    numbered = frame.index.is_unique
    index = frame.index if numbered else pd.RangeIndex(len(frame))
    if not numbered:
        raise DataError("the frame's index has repeated labels; call reset_index(drop=True) first")
    ends = _instants(frame[end], time_zone, end)
    starts = _instants(frame[start], time_zone, start) if start else ends
    ready = _instants(frame[enabled], time_zone, enabled) if enabled else starts
    ready = np.where(ready == missing, starts, ready)
    reason = np.full(len(frame), "", dtype=object)
    reason[(starts > ends) & (ends != missing)] = "end before start"
    reason[(starts != missing) & ((starts < EARLIEST) | (ends > LATEST))] = "time before 1900 or after 2200"
    reason[(ends == missing) | (starts == missing)] = "no time"
    for column, what in ((activity, "no activity"), (case, "no case")):
        empty = frame[column].isna() | (frame[column].astype(str).str.strip() == "")
        reason[empty.to_numpy(dtype=np.bool_)] = what
    bad = reason != ""
    if bad.any() and errors == "raise":
        first = int(np.flatnonzero(bad)[0])
        raise DataError(
            f"{int(bad.sum()):,} of {len(frame):,} rows cannot be used (first: row {first + 1}, {reason[first]}); "
            f'correct them, or pass errors="quarantine" to set them aside'
        )
    if not len(frame) or bad.all():
        raise DataError(f"the log is empty: none of {len(frame):,} rows can be used; check the mapping and the filters")
    # An instance cannot be enabled after it started: some trackers stamp the two in the wrong order.
    table = pd.DataFrame({"start": starts, "end": ends, "enabled": np.minimum(ready, starts)}, index=index)
    return table[~bad], frame[bad].assign(reason=reason[bad])

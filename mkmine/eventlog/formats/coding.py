"""Columns of a source as columns of a log: names as codes, joined activities, attributes as numbers or text."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mkmine.eventlog.columns import Text, narrow
from mkmine.eventlog.encoding import Coded, encode
from mkmine.eventlog.formats.table import is_text, plain

__all__ = ["JOINT", "attribute", "coded", "distinct", "first_of_each", "joined", "taken"]

JOINT = " / "
NUMERIC = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:[.,]\d+)?(?:[eE][+-]?\d+)?")
GLANCE = 50
WHOLE = 2.0**53


def coded(values: pa.ChunkedArray) -> Coded:
    """Return a column as codes of names; whole floats (ids that a spreadsheet widened) without `.0`."""
    values = plain(values)
    kind = values.type
    if pa.types.is_floating(kind):
        values = pc.if_else(pc.is_nan(values), None, values)
        whole = pc.and_(pc.equal(pc.floor(values), values), pc.less(pc.abs(values), WHOLE))
        values = values.cast(pa.int64()) if pc.all(whole, min_count=0).as_py() else values
    elif pa.types.is_boolean(kind):
        values = pc.if_else(values, "True", "False")
    return encode(values)


def joined(first: Coded, second: Coded) -> Coded:
    """Return two columns as one, their names joined by ` / ` where both are there."""
    size = len(second.names) + 1
    codes, keys = pd.factorize((first.codes.astype(np.int64) + 1) * size + second.codes + 1)
    left, right = ["", *first.listed()], ["", *second.listed()]
    pairs = [(left[key // size], right[key % size]) for key in keys.tolist()]
    names = [f"{a}{JOINT}{b}".strip(" /") if a and b else a + b for a, b in pairs]
    return encode(pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), pa.array(names, pa.large_string())))


def distinct(values: pa.ChunkedArray) -> int:
    """Return how many different values there are, nulls left out."""
    values = plain(values)
    if pa.types.is_dictionary(values.type):
        values = values.unify_dictionaries()
        seen = np.zeros(max((len(one.dictionary) for one in values.chunks), default=0), dtype=np.bool_)
        for one in values.chunks:
            seen[one.indices.drop_null().to_numpy()] = True
        return int(seen.sum())
    return int(pc.count_distinct(values).as_py())


def attribute(values: pa.ChunkedArray) -> Any:
    """Return a column as `Columns` keeps it: a text column as numbers where every value is one (a decimal comma too).

    Times with a zone are in UTC.
    """
    values = plain(values)
    if not is_text(values.type):
        # NumPy has no whole numbers with gaps, and floats do not hold long ones, which are ids.
        gaps = pa.types.is_integer(values.type) and 0 < values.null_count < len(values)
        long = gaps and any(abs(one) > WHOLE for one in pc.min_max(values).as_py().values())
        return Text.of(values.cast(pa.large_string())) if long else values.to_numpy()
    if not pa.types.is_dictionary(values.type):
        values = values.dictionary_encode()
    values = values.unify_dictionaries()
    names = values.chunk(0).dictionary.to_pylist() if values.num_chunks else []
    codes = [one.indices.fill_null(-1).to_numpy(zero_copy_only=False) for one in values.chunks]
    text = Text(np.concatenate(codes) if codes else np.zeros(0, np.int32), np.array(names, dtype=object))
    return _numbers(text) if _numeric(text.names) else _without_empty(text)


def _numeric(names: NDArray[np.object_]) -> bool:
    known = [one for one in names.tolist() if one]
    return bool(known) and all(NUMERIC.fullmatch(one) for one in known[:GLANCE]) and all(map(NUMERIC.fullmatch, known))


def _numbers(text: Text) -> NDArray[Any]:
    values = [float(one.replace(",", ".")) if one else np.nan for one in text.names.tolist()]
    out = np.append(values, np.nan)[text.codes]
    whole = all(one and one.lstrip("-").isdigit() for one in text.names.tolist())
    return np.asarray(out, dtype=np.int64 if whole and (text.codes >= 0).all() else np.float64)


def _without_empty(text: Text) -> Text:
    """Return the same column with -1 for empty texts, its codes as small as can be."""
    empty = [i for i, one in enumerate(text.names.tolist()) if not one]
    number = np.arange(len(text.names) + 1)
    number[[*empty, -1]] = -1
    table = narrow(number, len(text.names))
    if not empty:
        return Text(text.codes.astype(table.dtype), text.names)
    names = text.names.copy()
    names[empty] = ""
    return Text(table[text.codes], names)


def taken(values: Any, rows: Any) -> Any:
    """Return the values of some rows (a mask or numbers); of all for None."""
    if rows is None:
        return values
    return Text(values.codes[rows], values.names) if isinstance(values, Text) else values[rows]


def first_of_each(values: Any, group: NDArray[np.int32], size: int) -> Any:
    """Return for each of `size` groups its first value that is not empty."""
    if isinstance(values, Text):
        known = values.codes >= 0
    elif values.dtype == object:
        known = np.array([one is not None and one == one for one in values.tolist()], dtype=np.bool_)
    else:
        known = ~pd.isna(values)
    place = np.full(size, -1, dtype=np.int64)
    rows = np.flatnonzero(known)[::-1]
    # Of the rows that write to one group the last wins: the first, as they are written backwards.
    place[group[rows]] = rows
    if isinstance(values, Text):
        return Text(np.where(place < 0, -1, values.codes[place]), values.names).decoded()
    if values.dtype == object:
        return np.append(values, np.array([None], dtype=object))[place]
    return values[place] if (place >= 0).all() else pd.Series(values).reindex(place).to_numpy()

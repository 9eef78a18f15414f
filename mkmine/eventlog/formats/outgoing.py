"""A log on its way to a file: plain columns, times as ISO 8601 texts; what a format cannot hold replaced, counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mkmine.eventlog.columns import Text
from mkmine.eventlog.log import EventLog

__all__ = [
    "Replaced",
    "array_of",
    "case_columns",
    "columns",
    "filled",
    "iso_texts",
    "joined",
    "named",
    "spans",
    "titles",
]

Int = NDArray[np.int64]
# Rows that are written at once.
ROWS = 1 << 17
# What no text of XML, and no cell, can hold: control characters and two that are none.
UNFIT = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x{FFFE}\x{FFFF}]"
REPLACEMENT = "\ufffd"


@dataclass(slots=True)
class Replaced:
    """How many texts held characters that the format cannot hold; they are replaced by �."""

    count: int = 0

    def clean(self, texts: pa.Array, unfit: str = UNFIT) -> pa.Array:
        """Return texts without unfit characters."""
        bad = pc.match_substring_regex(texts, unfit).true_count
        if not bad:
            return texts
        self.count += bad
        return pc.replace_substring_regex(texts, unfit, REPLACEMENT)

    def note(self) -> list[str]:
        """Return what is to be said of it."""
        return (
            [f"{self.count:,} texts held characters that the format cannot hold, replaced by �"] if self.count else []
        )


def titles(names: Iterable[Any], taken: Iterable[str], fit: Callable[[str], str]) -> dict[str, str]:
    """Return for each name what it is called in a file: as the format holds it, and other than all the others."""
    used, found = set(taken), {}
    for name in names:
        title = fit(str(name).encode("utf-8", "replace").decode())
        while title in used or not title.strip():
            title = f"{title} (attribute)".strip()
        used.add(title)
        found[str(name)] = title
    return found


def spans(offsets: Int, rows: int = ROWS) -> Iterator[tuple[int, int]]:
    """Yield spans of cases (first, behind the last) with about so many rows."""
    begin, cases = 0, len(offsets) - 1
    while begin < cases:
        end = int(np.searchsorted(offsets, offsets[begin] + rows, side="right")) - 1
        yield begin, (end := max(end, begin + 1))
        begin = end


def named(codes: NDArray[Any], names: Any) -> pa.DictionaryArray:
    """Return codes (-1 for none) and their names as an Arrow array."""
    texts = [str(name).encode("utf-8", "replace").decode() for name in names]
    wide = codes.astype(np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(wide, mask=wide < 0), pa.array(texts, pa.large_string()))


def array_of(values: Any) -> pa.Array:
    """Return values as an Arrow array: numbers, booleans, times (µs UTC) or, where they are mixed, texts."""
    if isinstance(values, pd.Series) and isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(object)
    try:
        array = pa.array(values, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        missing = pd.isna(pd.Series(values, dtype=object))
        texts = [None if gone else str(one) for one, gone in zip(values, missing, strict=True)]
        array = pa.array([None if one is None else one.encode("utf-8", "replace").decode() for one in texts])
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    kind = array.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return array.cast(pa.timestamp("us", tz=getattr(kind, "tz", None)), safe=False).cast(pa.timestamp("us", "UTC"))
    if pa.types.is_integer(kind):
        return array.cast(pa.int64(), safe=False)
    if pa.types.is_floating(kind):
        return array.cast(pa.float64())
    return array if pa.types.is_boolean(kind) else array.cast(pa.large_string())


def columns(log: EventLog, rows: slice) -> dict[str, pa.Array]:
    """Return the attributes of some instances by name, text as dictionaries."""
    found = {}
    for name in log.attributes:
        held = log.attributes.held(name)
        found[name] = named(held.codes[rows], held.names) if isinstance(held, Text) else array_of(held[rows])
    return found


def case_columns(log: EventLog, first: int, last: int) -> dict[str, pa.Array]:
    """Return the attributes of some cases by name."""
    return {str(name): array_of(values.iloc[first:last]) for name, values in log.case_attributes.items()}


def filled(log: EventLog) -> tuple[list[str], list[str]]:
    """Return the attributes, and the case attributes, that have a value: others leave no trace in XML or JSON."""
    own = []
    for name in log.attributes:
        held = log.attributes.held(name)
        known = held.codes >= 0 if isinstance(held, Text) else pd.notna(held)
        own += [name] * bool(known.any())
    return own, [str(name) for name, values in log.case_attributes.items() if values.notna().any()]


def iso_texts(instants: Int, time_zone: str) -> pa.Array:
    """Return instants (µs UTC) as ISO 8601 texts with the offset of the zone, as fine as the finest needs."""
    utc = pd.DatetimeIndex(instants.astype("datetime64[us]"))
    local = utc.tz_localize("UTC").tz_convert(time_zone).tz_localize(None)
    seconds = (local - utc).to_numpy().astype("timedelta64[s]").astype(np.int64)
    # Before zones had whole minutes, UTC is clearer than an offset with seconds.
    odd = seconds % 60 != 0
    moments = np.where(odd, utc.to_numpy(), local.to_numpy())
    minutes, code = np.unique(np.where(odd, 0, seconds // 60), return_inverse=True)
    offsets = [f"{'-' if one < 0 else '+'}{abs(one) // 60:02d}:{abs(one) % 60:02d}" for one in minutes.tolist()]
    unit: Literal["s", "ms", "us"] = (
        "s" if not (instants % 1_000_000).any() else "ms" if not (instants % 1_000).any() else "us"
    )
    texts = pa.array(np.datetime_as_string(moments, unit=unit), pa.large_string())
    return joined(texts, pa.array(offsets, pa.large_string()).take(pa.array(code)))


def joined(*parts: Any) -> pa.Array:
    """Return texts put together row by row; a part that is missing is empty."""
    wide = [pa.scalar(part, pa.large_string()) if isinstance(part, str) else part for part in parts]
    return pc.binary_join_element_wise(
        *wide, pa.scalar("", pa.large_string()), null_handling="replace", null_replacement=""
    )

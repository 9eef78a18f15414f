"""What stands in a XES document, as columns, whichever reader took it from the file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mkmine.errors import DataError
from mkmine.eventlog.formats.dates import COMMON_ZONES, MISSING
from mkmine.eventlog.formats.notation import EAST, WEST
from mkmine.eventlog.formats.table import check_cells

__all__ = ["MOST_KEYS", "NAIVE", "VALUES", "Column", "Document"]

VALUES = ("string", "date", "int", "float", "boolean", "id")
MOST_KEYS = 10_000
# The offset of a date without one, in place of minutes.
NAIVE = 32_767
ARROW = {"int": pa.int64(), "float": pa.float64(), "boolean": pa.bool_()}
OFFSET = r":\d\d.*(?:Z|[+-]\d\d(?::?\d\d)?)$"
OFFSET_PARTS = r"(?P<sign>[+-])(?P<hours>\d\d):?(?P<minutes>\d\d)?$"

Rows = NDArray[np.int64] | slice


@dataclass(slots=True, kw_only=True)
class Column:
    """The values of one key: pieces of (rows, values[, offsets in minutes]).

    The values are codes of `texts`, or, where there are offsets, instants in µs UTC. If a row comes twice, the later
    value counts.
    """

    kind: str
    texts: pa.Array | None = None
    pieces: list[tuple[Rows, NDArray[Any], NDArray[np.int16] | None]] = field(default_factory=list)

    @property
    def count(self) -> int:
        """The number of values."""
        return sum(len(values) for _, values, _ in self.pieces)

    def last(self) -> str:
        """Return the last text."""
        assert self.texts is not None
        return str(self.texts[int(self.pieces[-1][1][-1])].as_py())

    def codes(self, n: int) -> NDArray[np.int32]:
        """Return the code of every row, -1 where there is no value."""
        codes = np.full(n, -1, dtype=np.int32)
        for rows, values, _ in self.pieces:
            codes[rows] = values
        return codes

    def array(self, n: int) -> pa.Array:
        """Return the column over all `n` rows, of the type of its kind if every value is of it; else as texts.

        Dates are timestamps in the zone that explains their offsets, or without one if they have none.
        """
        if self.texts is None:
            instants, minutes = np.full(n, MISSING, dtype=np.int64), np.zeros(n, dtype=np.int16)
            for rows, values, offsets in self.pieces:
                instants[rows], minutes[rows] = values, 0 if offsets is None else offsets
            return _stamps(instants, minutes)
        codes = self.codes(n)
        if self.kind == "date" and (moments := _moments(self.texts)) is not None:
            # The last one is for the rows without a value.
            instants, minutes = np.append(moments[0], MISSING), np.append(moments[1], np.int16(0))
            return _stamps(instants[codes], minutes[codes])
        indices = pa.array(codes, mask=codes < 0)
        if (kind := ARROW.get(self.kind)) is not None:
            try:
                return pc.if_else(pc.equal(self.texts, ""), None, self.texts).cast(kind).take(indices)
            except pa.ArrowInvalid:
                pass
        return pa.DictionaryArray.from_arrays(indices, self.texts)


@dataclass(slots=True, kw_only=True)
class Document:
    """The columns of events and traces, the trace of every event, and what was met besides.

    `nested` counts attributes of attributes, `loose` events outside of any trace; `about` has the log's own attributes,
    `classifiers` the keys by which it says that events are told apart.
    """

    columns: dict[str, Column]
    case_columns: dict[str, Column]
    trace_of: NDArray[np.int32]
    traces: int
    nested: int
    loose: int
    about: dict[str, str]
    classifiers: dict[str, str]

    def check(self, name: str) -> None:
        """Raise `DataError` if there is no event, or the attributes would fill the memory with nothing."""
        events = len(self.trace_of)
        if not events:
            loose = f"; {self.loose:,} events stand outside of any trace" if self.loose else ""
            raise DataError(f'"{name}" holds no event in its {self.traces:,} traces{loose}; export the log again')
        columns = [*self.columns.values(), *self.case_columns.values()]
        check_cells(len(columns), events, sum(column.count for column in columns), name)


def _moments(texts: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.int16]] | None:
    """Return the instants (µs) and offsets (minutes) of dates; None if some are none, or only some have an offset."""
    known = pc.if_else(pc.equal(texts, ""), None, texts)
    aware = pc.match_substring_regex(known, OFFSET).drop_null()
    if len(aware) and aware.true_count not in (0, len(aware)):
        return None
    zoned = bool(aware.true_count)
    try:
        instants = known.cast(pa.timestamp("us", tz="UTC" if zoned else None)).cast(pa.int64()).fill_null(MISSING)
    except pa.ArrowInvalid:
        return None
    offsets = np.full(len(texts), 0 if zoned else NAIVE, dtype=np.int16)
    if zoned:
        parts = pc.extract_regex(known, OFFSET_PARTS)
        hours, minutes, sign = (pc.struct_field(parts, one) for one in ("hours", "minutes", "sign"))
        minutes = pc.if_else(pc.equal(minutes, ""), "0", minutes)
        hours, minutes = (one.cast(pa.int16()).fill_null(0).to_numpy(zero_copy_only=False) for one in (hours, minutes))
        behind = pc.equal(sign, "-").fill_null(False).to_numpy(zero_copy_only=False)
        offsets[:] = np.where(behind, -1, 1) * (hours * 60 + minutes)
        if minutes.max() > 59 or offsets.min() < -WEST or offsets.max() > EAST:
            return None
    return instants.to_numpy(zero_copy_only=False), offsets


def _stamps(instants: NDArray[np.int64], minutes: NDArray[np.int16]) -> pa.Array:
    known = instants != MISSING
    naive = bool(known.any()) and int(minutes[known][0]) == NAIVE
    kind = pa.timestamp("us", tz=None if naive else _zone(instants[known], minutes[known]))
    return pa.array(instants, mask=~known).cast(kind)


def _zone(instants: NDArray[np.int64], minutes: NDArray[np.int16]) -> str:
    """Return the zone that explains the offsets of instants, UTC if none of the common ones does."""
    distinct = np.unique(minutes)
    if len(distinct) < 2:
        hours, rest = divmod(int(distinct[0]) if len(distinct) else 0, 60)
        return "UTC" if rest or not hours or not -12 <= hours <= 14 else f"Etc/GMT{-hours:+d}"
    step = len(instants) // 20_000 + 1
    stamps, told = pd.DatetimeIndex(instants[::step].astype("datetime64[us]")), minutes[::step]
    for name in COMMON_ZONES:
        # Arrow would need a database of zones of the system, which Windows has not.
        local = stamps.tz_localize("UTC").tz_convert(name).tz_localize(None)
        if np.array_equal(np.asarray((local - stamps) // pd.Timedelta(minutes=1)), told):
            return name
    return "UTC"

"""Text tables (CSV, TSV) read at once into typed columns; what resists is read again as text.

The fast way assumes that all is as in the sample. Where it is not (a date that is none, a row of another length, a byte
of another encoding), the file is read again with every column as text, which tells what is wrong, and where.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mkmine.errors import DataError
from mkmine.eventlog.formats.dates import EMPTY
from mkmine.eventlog.formats.encodings import (
    LOST,
    PIECE,
    Utf8,
    detect,
    is_packed,
    known_encoding,
    open_limited,
    undecodable,
)
from mkmine.eventlog.formats.layout import Layout, lay_out, shown
from mkmine.eventlog.formats.table import Errors, Table, is_text

__all__ = ["CODED", "TEXT", "Types", "iso_type", "read_delimited"]

Types = Mapping[str, pa.DataType]
ZONED = pa.timestamp("us", tz="UTC")
CODED, TEXT = pa.dictionary(pa.int32(), pa.string()), pa.large_string()
# A row must fit into a block; every block has dictionaries of its own, which are to be unified.
BLOCKS = (1 << 22, 1 << 25, 1 << 28, (1 << 31) - 2)
MANY_BLOCKS = 64
# Bytes before a sign that tell whether it begins an offset; so many are looked at in one go, as caches hold.
MARGIN, GLANCE = 8, 1 << 18
ISO = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d(?::\d\d(?::\d\d(?:\.\d{1,6})?)?)?(Z|[+-]\d\d(?::?\d\d)?)?)?")
NO_TIMES = sorted({shape(one) for one in EMPTY for shape in (str.lower, str.upper, str.title)} | {"NaN", "NaT"})


def read_delimited(
    path: Path,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    header: int | None = None,
    errors: Errors = "raise",
    choose: Callable[[pa.Table, bool], Types] | None = None,
) -> Table:
    """Read a text table, packed or not; encoding, delimiter and row of names are found out unless given.

    `choose` is given some rows as text, and whether they are from all over the file, and returns the types of the
    columns to read; without it all are read as text.

    Raises `DataError` if the file is empty, cannot be decoded, or is no table.
    """
    told = None if encoding is None else known_encoding(encoding)
    layout = lay_out(path, encoding=told, delimiter=delimiter, header=header)
    table = None if choose is None else _typed(layout, choose(layout.sample, layout.spread), errors)
    table = table or _as_text(layout, errors)
    if not len(table) and not len(table.aside):
        raise _empty(layout)
    return table


def _empty(layout: Layout) -> DataError:
    return DataError(f'"{layout.name}" is empty: it has column names but no row; export the log again')


def _no_table(layout: Layout, error: Exception) -> DataError:
    if "Could not skip initial" in str(error):
        return _empty(layout)
    return DataError(f'"{layout.name}" is not a table with "{shown(layout.mark)}" between cells: {error}')


def iso_type(texts: Iterable[str | None], *, spread: bool) -> pa.DataType | None:
    """Return the type as which a column of such times can be read at once; None if it has to be read as text.

    An offset other than UTC tells the time zone, which a converted column does not: it must be looked for all over the
    file.
    """
    found = {text for text in texts if text is not None and text not in NO_TIMES}
    matches = [ISO.fullmatch(one) for one in found]
    if not found or None in matches:
        return None
    offsets = {one and one[1] for one in matches}
    if offsets == {None}:
        return pa.timestamp("us")
    return None if None in offsets or not spread else ZONED


def _typed(layout: Layout, types: Types, errors: Errors) -> Table | None:
    """Return the columns in their types; None if anything is not as it was in the sample."""
    try:
        found = _Reading(layout, types).columns()
        if _is_marked(found.columns, layout) or (ZONED in types.values() and _beyond_clocks(layout)):
            return None
        for column in found.columns.columns:
            for texts in _texts(column):
                # Of text with a dictionary, each distinct one is looked at only once.
                texts.validate(full=True)
    except (pa.ArrowException, UnicodeError):
        return None
    if found.nul:
        return None
    return Table(
        columns=found.columns,
        rows=range(layout.first, layout.first + found.columns.num_rows),
        note=layout.note,
        sample=layout.sample,
        again=lambda: _as_text(layout, errors),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """Columns, whether a NUL byte was met, and the broken rows: their places, from 0, and what is wrong with them."""

    columns: pa.Table
    nul: bool
    broken: list[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class _Reading:
    """A pass over the file; without `errors` the first thing that is wrong ends it."""

    layout: Layout
    types: Types
    errors: Literal["strict", "replace"] | None = None

    def columns(self) -> _Found:
        """Read the file in blocks, in longer ones where a row is longer than a block."""
        large = self.layout.path.stat().st_size > MANY_BLOCKS * BLOCKS[0]
        for block in BLOCKS[1:] if large else BLOCKS:
            broken: list[tuple[int, str]] = []
            try:
                with self._open() as source:
                    columns = self._parse(source, block, broken)
                    return _Found(columns=columns, nul=any(map(_has_nul, columns.columns)), broken=broken)
            except pa.ArrowInvalid as error:
                short = "straddling" in str(error) or "Could not skip initial" in str(error)
                if not short or block == BLOCKS[-1]:
                    raise
        raise AssertionError("the last block raises")

    def _open(self) -> Any:
        path, encoding = self.layout.path, self.layout.encoding
        if self.errors is None and encoding in ("utf-8", "utf-8-sig") and not is_packed(path):
            return pa.memory_map(str(path))
        return pa.PythonFile(Utf8(path, encoding, self.errors), mode="r")

    def _parse(self, source: Any, block: int, broken: list[tuple[int, str]]) -> pa.Table:
        from pyarrow import csv

        def set_aside(row: Any) -> str:
            what = f"{row.actual_columns} cells where the header has {row.expected_columns}"
            broken.append((row.number - self.layout.skip - 1, what))
            return "skip"

        return csv.read_csv(
            source,
            read_options=csv.ReadOptions(
                use_threads=False, block_size=block, skip_rows=self.layout.skip, column_names=self.layout.header
            ),
            parse_options=csv.ParseOptions(
                delimiter=self.layout.mark,
                newlines_in_values=True,
                invalid_row_handler=set_aside if self.errors else None,
            ),
            convert_options=csv.ConvertOptions(
                column_types=dict(self.types),
                include_columns=[name for name in self.layout.header if name in self.types],
                strings_can_be_null=False,
                null_values=NO_TIMES,
                check_utf8=self.errors is not None,
            ),
        )


def _texts(values: pa.ChunkedArray) -> list[pa.Array]:
    """Return the texts of a column, the distinct ones of each chunk where there are dictionaries."""
    if not is_text(values.type):
        return []
    return [one.dictionary if pa.types.is_dictionary(one.type) else one for one in values.chunks]


def _has_nul(values: pa.ChunkedArray) -> bool:
    """Return whether a NUL byte, which no text has, is in a text column."""
    # What reads CSV writes its columns anew, without gaps.
    held = (texts.buffers()[2] for texts in _texts(values))
    return any(not np.frombuffer(one, dtype=np.uint8).all() for one in held if one is not None and one.size)


def _is_marked(columns: pa.Table, layout: Layout) -> bool:
    """Return whether a row begins with a byte order mark: files were joined, and it is no part of its first cell."""
    first = layout.header[0]
    return first in columns.column_names and any(
        pc.any(pc.starts_with(texts, "\ufeff")).as_py() for texts in _texts(columns[first])
    )


def _beyond_clocks(layout: Layout) -> bool:
    """Return whether a file may hold an offset from UTC that no clock has, which a converted column does not tell.

    Offsets of twelve hours and more are left to whoever reads them as text.
    """
    if is_packed(layout.path):
        with open_limited(layout.path, None) as stream:
            data = np.frombuffer(stream.read(), dtype=np.uint8)
    else:
        data = np.memmap(layout.path, dtype=np.uint8, mode="r")
    return any(_odd_offsets(data[max(at - MARGIN, 0) : at + GLANCE + 2]) for at in range(0, len(data), GLANCE))


def _odd_offsets(data: NDArray[np.uint8]) -> bool:
    """Return whether an offset of 12 to 23 hours is in a piece of text; Arrow refuses what is more."""
    sign, tens = data[MARGIN:-2], data[MARGIN + 1 : -1]
    odd = ((sign == ord("+")) | (sign == ord("-"))) & ((tens == ord("1")) | (tens == ord("2")))
    # Signs stand in dates, too: that of an offset comes after a time of day, 12:00:00 or 12:00:00.123456.
    after = data[MARGIN - 3 : -5] == ord(":")
    if (data == ord(".")).any():
        for back in range(2, MARGIN):
            after |= data[MARGIN - back : -2 - back] == ord(".")
    at = np.flatnonzero(odd & after) + MARGIN
    hours = data[at + 2] - np.uint8(48)
    return bool(((hours <= 9) & ((data[at + 1] == ord("2")) | (hours > 1))).any())


def _as_text(layout: Layout, errors: Errors) -> Table:
    """Read every column as text, and tell or set aside what cannot be read."""
    types = dict.fromkeys(layout.header, TEXT)
    lenient = False
    try:
        found = _Reading(layout, types, "strict").columns()
    except (pa.ArrowException, UnicodeError) as error:
        place = undecodable(layout.path, layout.encoding)
        if place is None:
            raise _no_table(layout, error) from None
        other = detect(place.near, whole=False)
        if place.plain and not layout.told and other != layout.encoding.removesuffix("-sig"):
            found_out = lay_out(layout.path, encoding=other, delimiter=layout.mark, header=layout.first - 1)
            return _as_text(replace(found_out, told=True), errors)
        if errors == "raise":
            raise place.error(layout.name, layout.encoding) from None
        try:
            found, lenient = _Reading(layout, types, "replace").columns(), True
        except pa.ArrowException as other_error:
            raise _no_table(layout, other_error) from None
    if errors == "raise":
        _refuse(layout, found)
    return _quarantined(layout, found, {"\0": "NUL byte"} | ({LOST: f"not {layout.encoding}"} if lenient else {}))


def _refuse(layout: Layout, found: _Found) -> None:
    if found.broken:
        place, what = found.broken[0]
        raise DataError(
            f'"{layout.name}" has {len(found.broken):,} rows of another length (first: row {place + layout.first:,}, '
            f'{what}); correct the quotes or the delimiter ("{shown(layout.mark)}" was used), or pass '
            f'errors="quarantine" to set them aside'
        )
    if found.nul:
        raise DataError(
            f'"{layout.name}" has a NUL byte in line {_line_of_nul(layout):,}, which no text has; export it again, or '
            f'pass errors="quarantine" to set such rows aside'
        )


def _quarantined(layout: Layout, found: _Found, marks: Mapping[str, str]) -> Table:
    """Return the table without its broken rows, and those with one of the marks in a cell."""
    columns = found.columns
    lost = np.array([place for place, _ in found.broken], dtype=np.int64)
    rows = np.arange(columns.num_rows + len(lost), dtype=np.int64) + layout.first
    aside = pd.DataFrame({"row": rows[lost], "reason": [what for _, what in found.broken]})
    rows = np.delete(rows, lost)
    for mark, reason in marks.items() if found.nul or LOST in marks else ():
        bad = np.zeros(len(rows), dtype=np.bool_)
        for name in columns.column_names:
            bad |= pc.match_substring(columns[name], mark).to_numpy().astype(np.bool_)
        if bad.any():
            marked = Table(columns=columns, note="").to_pandas(bad).assign(row=rows[bad], reason=reason)
            aside = pd.concat([aside, marked], ignore_index=True) if len(aside) else marked
            columns, rows = columns.filter(pa.array(~bad)), rows[~bad]
    return Table(columns=columns, rows=rows, note=layout.note, aside=aside)


def _line_of_nul(layout: Layout) -> int:
    line = 1
    with Utf8(layout.path, layout.encoding, "replace") as stream:
        while piece := stream.read(PIECE):
            at = piece.find(b"\0")
            line += piece.count(b"\n", 0, at if at >= 0 else None)
            if at >= 0:
                break
    return line

"""How a text table is laid out: encoding, delimiter and column names, found out from a sample of its rows."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from mkmine.errors import DataError
from mkmine.eventlog.formats.encodings import LOST, Utf8, detect, is_packed, open_limited, undecodable
from mkmine.eventlog.formats.heading import LEADING, MOST_BLANK, check_header, heading
from mkmine.eventlog.formats.table import check_names

__all__ = ["Layout", "lay_out", "shown"]

TEXT = pa.large_string()
QUOTED = re.compile(r'"(?:[^"]|"")*"')
HEAD, LONGEST_HEADER, LONGEST_CELL = 1 << 18, 1 << 23, 1 << 24
# Of the head so many rows are looked at; of a large file so many places, so far, and so many lines of each.
ROWS, PLACES, GLANCE, LINES = 500, 64, 1 << 11, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What is to be known of a text table before it is read.

    Attributes
    ----------
    encoding, told
        Its encoding, and whether that was told and not found out.
    mark, header
        The delimiter and the names of the columns.
    skip, first
        Lines before the first row, and the number of that row as a person counts.
    sample, spread
        Some rows as text, and whether they are from all over the file.
    """

    path: Path
    encoding: str
    told: bool
    mark: str
    header: list[str]
    skip: int
    first: int
    sample: pa.Table
    spread: bool

    @property
    def name(self) -> str:
        """Name of the file."""
        return self.path.name

    @property
    def note(self) -> str:
        """Encoding, delimiter, and where the names are if not in the first row, for the log's history."""
        names = f", names in row {self.first - 1:,}" if self.first > 2 else ""
        return f'{self.encoding}, delimiter "{shown(self.mark)}"{names}'


def shown(mark: str) -> str:
    """Return a delimiter as it is named in messages."""
    return "tab" if mark == "\t" else mark


def lay_out(
    path: Path, *, encoding: str | None = None, delimiter: str | None = None, header: int | None = None
) -> Layout:
    """Find out how a text table, packed or not, is laid out, from its beginning and some places further on.

    `header` is the number of the row of names, from 1, where it is known.

    Raises `DataError` if it is empty, or has no usable row of column names.
    """
    check_header(header)
    with open_limited(path, None) as raw:
        head = _read(raw, HEAD)
    found_out = detect(head, whole=len(head) < HEAD)
    used = _marked(encoding, found_out, path.name) or found_out
    size = HEAD
    while True:
        with Utf8(path, used, "replace") as stream:
            data = _read(stream, size)
        whole = len(data) < size
        text = data.decode("utf-8", "replace")
        if whole and not text.strip():
            raise DataError(f'"{path.name}" is empty; export the log again')
        if (found := _Header.of(text, whole=whole, delimiter=delimiter, row=header, name=path.name)) is not None:
            break
        if size == LONGEST_HEADER:
            raise DataError(
                f'"{path.name}" has no whole row of names in its first {size >> 20} MiB: no header is as long as '
                f"that; the file is empty, or not a table"
            )
        size = min(4 * size, LONGEST_HEADER)
    if any(LOST in cell for cell in found.cells) and (place := undecodable(path, used)) is not None:
        raise place.error(path.name, used)
    names = check_names(found.cells, path.name)
    rows = _rows(found.lines, found.mark, len(names), whole=whole)
    elsewhere = None if whole else _elsewhere(path, used, found.mark, len(names), len(data))
    columns = zip(*rows, *(elsewhere or []), strict=True) if rows or elsewhere else [[] for _ in names]
    return Layout(
        path=path,
        encoding=used,
        told=encoding is not None,
        mark=found.mark,
        header=names,
        skip=found.skip,
        first=found.first,
        sample=pa.table([pa.array(list(column), TEXT) for column in columns], names=names),
        spread=whole or elsewhere is not None,
    )


def _marked(told: str | None, found_out: str, name: str) -> str | None:
    """Return the encoding that was told; of those that need a mark of the byte order, the one that was found."""
    if told not in ("utf-16", "utf-32") or found_out == told:
        return told
    if found_out.startswith(told):
        return found_out
    raise DataError(f'"{name}" has not the byte order mark of {told}; pass encoding="{told}-le" or "{told}-be"')


def _read(stream: Any, size: int) -> bytes:
    pieces, room = [], size
    while room > 0 and (piece := stream.read(room)):
        pieces.append(piece)
        room -= len(piece)
    return b"".join(pieces)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    """The row of names, the lines up to its end, the number of the row after it, and what follows."""

    cells: list[str]
    mark: str
    skip: int
    first: int
    lines: io.StringIO

    @classmethod
    def of(cls, text: str, *, whole: bool, delimiter: str | None, row: int | None, name: str) -> _Header | None:
        """Read the header, in that row if it is told; None if the text ends before it does."""
        lines = io.StringIO(text, newline="")
        told = text[:16].splitlines()[0].strip() if text[:16].strip() else ""
        skip = 0
        if told.casefold().startswith("sep=") and len(told) == 5:
            # A spreadsheet names the delimiter in a line of its own.
            delimiter, skip = delimiter or told[4], 1
            next(lines)
        tabbed = name.casefold().removesuffix(".gz").endswith(".tsv")
        mark = delimiter or _delimiter(text[: 1 << 16], default="\t" if tabbed else ",")
        if len(mark) != 1 or not mark.isascii() or mark in '"\r\n':
            raise DataError(f'"{mark}" is not a delimiter; give one ASCII character other than a quote, e.g. ";"')
        leading = _leading(lines, mark, row and row - skip, whole=whole, name=name)
        if not leading or (row is not None and len(leading) < row - skip):
            if whole:
                raise DataError(
                    f'"{name}" has no row {row:,}; header= is the number of the row of names'
                    if row and leading
                    else f'"{name}" is empty; export the log again'
                )
            return None
        at = heading([cells for cells, _ in leading]) if row is None else row - skip - 1
        cells, last = leading[at]
        lines.seek(0)
        for _ in range(last + skip):
            next(lines)
        return cls(
            cells=[cell.strip() for cell in cells], mark=mark, skip=skip + last, first=skip + at + 2, lines=lines
        )


def _leading(
    lines: io.StringIO, mark: str, needed: int | None, *, whole: bool, name: str
) -> list[tuple[list[str], int]]:
    """Return the first rows up to where the names may be, each with the number of the line that it ends in.

    There are none if all are blank.
    """
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(lines, delimiter=mark)
    found: list[tuple[list[str], int]] = []
    filled = 0
    try:
        for cells in reader:
            found.append((cells, reader.line_num))
            filled += len(cells) > 1 or any(cell.strip() for cell in cells)
            if (filled >= LEADING or len(found) >= MOST_BLANK) and len(found) >= (needed or 0):
                break
        else:
            # The last row of a text that is not whole may be cut off.
            if not whole and found:
                cells, _ = found.pop()
                filled -= len(cells) > 1 or any(cell.strip() for cell in cells)
    except csv.Error as error:
        if not filled:
            raise DataError(
                f'the header of "{name}" cannot be read: {error}; give the file a row of column names'
            ) from None
    return found if filled else []


def _delimiter(sample: str, default: str) -> str:
    """Return the mark that splits the first lines into the same, largest, number of cells.

    It is one of those in the first line, or, as that may be a title, in the first line that has any.
    """
    lines = [line for line in QUOTED.sub("", sample).splitlines()[:50] if line]
    if len(lines) > 1:
        lines = lines[:-1] if len(sample) == 1 << 16 else lines
    counts = {mark: [line.count(mark) for line in lines] for mark in (",", ";", "\t", "|")}
    for first in range(len(lines)):
        best, best_score = default, 0.0
        for mark, each in counts.items():
            usual, times = Counter(each[first:]).most_common(1)[0]
            score = usual * times / (len(lines) - first)
            if each[first] and score > best_score:
                best, best_score = mark, score
        if best_score:
            return best
    return default


def _rows(lines: Iterable[str], mark: str, width: int, *, whole: bool) -> list[list[str]]:
    """Return the first rows that have so many cells; the last row of a text that is not whole may be cut off."""
    rows: list[list[str]] = []
    try:
        for row in csv.reader(lines, delimiter=mark):
            if len(row) == width:
                rows.append(row)
            if len(rows) > ROWS:
                break
    except csv.Error:
        return rows
    return rows if whole else rows[:-1]


def _elsewhere(path: Path, encoding: str, mark: str, width: int, begun: int) -> list[list[str]] | None:
    """Return rows from places all over a file; None if it cannot be entered in the middle."""
    if encoding not in ("utf-8", "utf-8-sig") or is_packed(path):
        return None
    rows: list[list[str]] = []
    with path.open("rb") as file:
        left = max(file.seek(0, io.SEEK_END) - begun, 0)
        for place in range(PLACES):
            file.seek(begun + left * place // PLACES)
            # The first line of a glance and the last are not whole.
            lines = file.read(GLANCE).decode("utf-8", "replace").splitlines()[1:-1]
            rows += [row for row in _apart(lines[:LINES], mark) if len(row) == width]
    return rows or None


def _apart(lines: Iterable[str], mark: str) -> Iterator[list[str]]:
    for line in lines:
        try:
            yield next(csv.reader([line], delimiter=mark, strict=True), [])
        except csv.Error:
            # A piece of a cell of several lines.
            continue

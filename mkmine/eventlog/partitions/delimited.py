"""Delimited text of any size, block by block; rows of another length and rows with NUL bytes are told by their line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from mkmine.errors import DataError
from mkmine.eventlog.encoding import Errors
from mkmine.eventlog.formats.encodings import known_encoding, open_limited
from mkmine.eventlog.formats.layout import Layout, lay_out, shown
from mkmine.eventlog.partitions.chunks import Chunk, Source, mark_of

__all__ = ["open_delimited"]

Int = NDArray[np.int64]
# A log larger than memory may well unpack to more than the 4 GiB that a log in memory may.
UNPACKED = 1 << 44
# The reader holds about so many times a block of text.
COPIES = 4
SMALLEST, LARGEST = 1 << 20, 64 << 20
# Logs shrink about so many times when they are packed.
PACKED = 8


def open_delimited(path: Path, *, chunk: int, encoding: str | None, delimiter: str | None, errors: Errors) -> Source:
    """Open a delimited file; `open_source` tells what is returned and raised."""
    form = lay_out(path, encoding=None if encoding is None else known_encoding(encoding), delimiter=delimiter)
    head = next(_chunks(path, form, form.header, (), SMALLEST, errors), None)
    if head is None or not len(head.table):
        raise DataError(f'"{path.name}" is empty: it has column names but no row; export the log again')
    times = PACKED if path.name.casefold().endswith(".gz") else 1
    block = int(np.clip(chunk // COPIES, SMALLEST, LARGEST))
    return Source(
        called=f'"{path.name}"',
        stem=path.name.split(".")[0],
        note=form.note,
        mark=mark_of(path, [path]),
        size=len(head.table) * times * path.stat().st_size // max(min(SMALLEST, path.stat().st_size * times), 1),
        head=head.table.to_pandas(),
        chunks=lambda columns, coded: _chunks(path, form, columns, coded, block, errors),
    )


def _chunks(
    path: Path, form: Layout, columns: Sequence[str], coded: Sequence[str], block: int, errors: Errors
) -> Iterator[Chunk]:
    broken: list[tuple[int, str]] = []
    seen = told = 0
    with open_limited(path, UNPACKED) as stream:
        try:
            for batch in _reader(stream, form, columns, coded, block, broken):
                if broken and errors == "raise":
                    break
                lines = _lines(seen, len(batch), [line for line, _ in broken])
                chunk = Chunk(table=pa.Table.from_batches([batch]), rows=lines, aside=_aside(broken[told:]))
                seen, told = seen + len(batch), len(broken)
                yield _without_nul(chunk, path.name, errors)
        except pa.ArrowInvalid as error:
            raise _told(error, path.name, form, block) from None
        except UnicodeDecodeError as error:
            raise DataError(
                f'"{path.name}" is not {form.encoding} ({error.reason}, after row {seen:,}); pass encoding="..." or '
                f"save the file as UTF-8"
            ) from None
    if broken and errors == "raise":
        line, what = broken[0]
        raise DataError(
            f'"{path.name}" has rows of another length (first: row {line:,}, {what}); correct the quotes or the '
            f'delimiter ("{shown(form.mark)}" was used), or pass errors="quarantine" to set them aside'
        )
    if broken[told:]:
        empty = pa.table({name: pa.array([], pa.string()) for name in columns})
        yield Chunk(table=empty, rows=np.zeros(0, dtype=np.int64), aside=_aside(broken[told:]))


def _reader(
    stream: Any, form: Layout, columns: Sequence[str], coded: Sequence[str], block: int, broken: list[tuple[int, str]]
) -> Iterator[pa.RecordBatch]:
    from pyarrow import csv

    def set_aside(row: Any) -> str:
        broken.append((row.number, f"{row.actual_columns} cells instead of {row.expected_columns}"))
        return "skip"

    text, few = pa.string(), pa.dictionary(pa.int32(), pa.string())
    # Arrow itself knows UTF-8, with or without a mark of the byte order.
    known = "utf8" if form.encoding in ("utf-8", "utf-8-sig") else form.encoding
    reading = csv.ReadOptions(
        use_threads=False, block_size=block, skip_rows=form.skip, column_names=form.header, encoding=known
    )
    parsing = csv.ParseOptions(delimiter=form.mark, newlines_in_values=True, invalid_row_handler=set_aside)
    converting = csv.ConvertOptions(
        column_types={name: few if name in coded else text for name in form.header},
        strings_can_be_null=False,
        include_columns=list(columns),
    )
    yield from csv.open_csv(stream, read_options=reading, parse_options=parsing, convert_options=converting)


def _told(error: Exception, name: str, form: Layout, block: int) -> DataError:
    if "Empty CSV" in str(error) or "skip initial" in str(error):
        return DataError(f'"{name}" is empty: it has column names but no row; export the log again')
    if "straddling" in str(error):
        return DataError(
            f'"{name}" has a row longer than {block / 2**20:,.0f} MiB; a quote may be missing: correct it, or allow '
            f"more memory"
        )
    if "UTF8" in str(error):
        return DataError(f'"{name}" is not {form.encoding}: {error}; pass encoding="..." or save the file as UTF-8')
    return DataError(f'"{name}" is not a table with "{shown(form.mark)}" between cells: {error}')


def _lines(seen: int, n: int, broken: Sequence[int]) -> Int:
    """Return the lines, counted with the header, of n further good rows, where so many were seen before them."""
    good = np.arange(seen, seen + n)
    before = np.asarray(broken, dtype=np.int64) - 2 - np.arange(len(broken))
    return good + 2 + np.searchsorted(before, good, side="right")


def _aside(broken: Sequence[tuple[int, str]]) -> pd.DataFrame:
    return pd.DataFrame({"row": [line for line, _ in broken], "reason": [what for _, what in broken]})


def _without_nul(chunk: Chunk, name: str, errors: Errors) -> Chunk:
    """Set aside the rows with NUL bytes, which no text has."""
    bad = np.zeros(len(chunk.table), dtype=np.bool_)
    for column in chunk.table.columns:
        for part in column.chunks:
            values = part.dictionary if pa.types.is_dictionary(part.type) else part
            if b"\0" in _bytes(values):
                found = [text is not None and "\0" in text for text in column.to_pylist()]
                bad |= np.array(found, dtype=np.bool_)
                break
    if not bad.any():
        return chunk
    if errors == "raise":
        raise DataError(
            f'"{name}" has a NUL byte in row {chunk.rows[bad][0]:,}, which no text has; export it again, or pass '
            f'errors="quarantine" to set such rows aside'
        )
    lost = chunk.table.filter(pa.array(bad)).to_pandas().assign(row=chunk.rows[bad], reason="NUL byte")
    return Chunk(
        table=chunk.table.filter(pa.array(~bad)),
        rows=chunk.rows[~bad],
        aside=pd.concat([chunk.aside, lost], ignore_index=True) if len(chunk.aside) else lost,
    )


def _bytes(texts: pa.Array) -> bytes | memoryview:
    """Return the characters of all texts together."""
    _, places, characters = texts.buffers()
    if characters is None or not len(texts):
        return b""
    at = np.frombuffer(places, dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1]
    return memoryview(characters)[at[0] : at[-1]].tobytes()

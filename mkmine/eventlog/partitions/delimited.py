"""Delimited text of any size, block by block; rows of another length or with NUL bytes are told by their place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mkmine.errors import DataError
from mkmine.eventlog.encoding import Errors
from mkmine.eventlog.formats.encodings import Utf8, known_encoding, undecodable
from mkmine.eventlog.formats.layout import Layout, lay_out, shown
from mkmine.eventlog.formats.table import Table
from mkmine.eventlog.partitions.chunks import Chunk, Form, Source, head_of, mark_of

__all__ = ["open_delimited"]

Int = NDArray[np.int64]
# The reader holds about so many times a block of text.
COPIES = 4
SMALLEST, LARGEST = 1 << 20, 64 << 20
# Logs shrink about so many times when they are packed.
PACKED = 8


def open_delimited(path: Path, *, chunk: int, form: Form) -> Source:
    """Open a delimited file; `open_source` tells what is returned and raised."""
    encoding = None if form.encoding is None else known_encoding(form.encoding)
    layout = lay_out(path, encoding=encoding, delimiter=form.delimiter, header=form.header)
    block = int(np.clip(chunk // COPIES, SMALLEST, LARGEST))
    # What is wrong with a row is told when it is read in earnest.
    head = head_of((one.table for one in _chunks(layout, layout.header, (), SMALLEST, "quarantine")), f'"{path.name}"')
    times = PACKED if path.name.casefold().endswith(".gz") else 1
    sample = layout.sample.slice(0, 1000)
    width = max(sample.nbytes // max(len(sample), 1) - 8 * sample.num_columns, 1)
    return Source(
        called=f'"{path.name}"',
        stem=path.name.split(".")[0],
        note=layout.note,
        mark=mark_of(path, [path]),
        size=path.stat().st_size * times // width,
        head=head,
        chunks=lambda columns, coded: _chunks(layout, columns, coded, block, form.errors),
    )


def _chunks(
    layout: Layout, columns: Sequence[str], coded: Sequence[str], block: int, errors: Errors
) -> Iterator[Chunk]:
    broken: list[tuple[int, str]] = []
    seen = told = 0
    try:
        with Utf8(layout.path, layout.encoding, "strict") as stream:
            for batch in _reader(stream, layout, columns, coded, block, broken):
                if broken and errors == "raise":
                    break
                places = _places(seen, len(batch), [place for place, _ in broken])
                aside = _aside(broken[told:], layout.first)
                seen, told = seen + len(batch), len(broken)
                chunk = Chunk(table=pa.Table.from_batches([batch]), rows=places + layout.first, aside=aside)
                yield _without_nul(chunk, layout, errors) if stream.nul else chunk
    except pa.ArrowInvalid as error:
        raise _told(error, layout, block) from None
    except UnicodeError:
        raise _undecodable(layout) from None
    if broken and errors == "raise":
        place, what = broken[0]
        raise DataError(
            f'"{layout.name}" has rows of another length (first: row {place + layout.first:,}, {what}); correct the '
            f'quotes or the delimiter ("{shown(layout.mark)}" was used), or pass errors="quarantine" to set them aside'
        )
    if broken[told:]:
        empty = pa.table({name: pa.array([], pa.string()) for name in columns})
        yield Chunk(table=empty, rows=np.zeros(0, dtype=np.int64), aside=_aside(broken[told:], layout.first))


def _reader(
    stream: Any, layout: Layout, columns: Sequence[str], coded: Sequence[str], block: int, broken: list[tuple[int, str]]
) -> Iterator[pa.RecordBatch]:
    from pyarrow import csv

    def set_aside(row: Any) -> str:
        what = f"{row.actual_columns} cells where the header has {row.expected_columns}"
        broken.append((row.number - layout.skip - 1, what))
        return "skip"

    text, few = pa.string(), pa.dictionary(pa.int32(), pa.string())
    try:
        yield from csv.open_csv(
            pa.PythonFile(stream, mode="r"),
            read_options=csv.ReadOptions(
                use_threads=False, block_size=block, skip_rows=layout.skip, column_names=layout.header
            ),
            parse_options=csv.ParseOptions(
                delimiter=layout.mark, newlines_in_values=True, invalid_row_handler=set_aside
            ),
            convert_options=csv.ConvertOptions(
                column_types={name: few if name in coded else text for name in columns},
                include_columns=list(columns),
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid as error:
        if "Empty CSV" not in str(error) and "skip initial" not in str(error):
            raise


def _undecodable(layout: Layout) -> DataError:
    place = undecodable(layout.path, layout.encoding)
    if place is None:
        return DataError(f'"{layout.name}" changes while it is read; read it again when it is finished')
    return place.error(layout.name, layout.encoding)


def _told(error: Exception, layout: Layout, block: int) -> DataError:
    if "straddling" in str(error):
        return DataError(
            f'"{layout.name}" has a row longer than {block / 2**20:,.0f} MiB; a quote may be missing: correct it, or '
            f"allow more memory"
        )
    return DataError(f'"{layout.name}" is not a table with "{shown(layout.mark)}" between cells: {error}')


def _places(seen: int, n: int, broken: Sequence[int]) -> Int:
    """Return the places among all rows, from 0, of n further good ones, where so many were seen before them."""
    good = np.arange(seen, seen + n)
    before = np.asarray(broken, dtype=np.int64) - np.arange(len(broken))
    return good + np.searchsorted(before, good, side="right")


def _aside(broken: Sequence[tuple[int, str]], first: int) -> pd.DataFrame:
    return pd.DataFrame({"row": [place + first for place, _ in broken], "reason": [what for _, what in broken]})


def _without_nul(chunk: Chunk, layout: Layout, errors: Errors) -> Chunk:
    """Set aside the rows with NUL bytes, which no text has."""
    bad = np.zeros(len(chunk.table), dtype=np.bool_)
    for column in chunk.table.columns:
        plain = column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column
        bad |= pc.match_substring(plain, "\0").to_numpy().astype(np.bool_)
    if not bad.any():
        return chunk
    if errors == "raise":
        raise DataError(
            f'"{layout.name}" has a NUL byte in row {chunk.rows[bad][0]:,}, which no text has; export it again, or '
            f'pass errors="quarantine" to set such rows aside'
        )
    lost = Table(columns=chunk.table, note="").to_pandas(bad).assign(row=chunk.rows[bad], reason="NUL byte")
    return Chunk(
        table=chunk.table.filter(pa.array(~bad)),
        rows=chunk.rows[~bad],
        aside=pd.concat([chunk.aside, lost], ignore_index=True) if len(chunk.aside) else lost,
    )

"""A source of any size as chunks of bounded memory: Parquet, CSV, Arrow streams, frames in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from mkmine.errors import DataError
from mkmine.eventlog.encoding import Errors
from mkmine.eventlog.formats.table import arrow_table, check_names

__all__ = ["Chunk", "Form", "Source", "head_of", "mark_of", "open_source"]

Int = NDArray[np.int64]
# So many rows are enough to tell which column is which.
HEAD = 200_000
TEXTS = (".csv", ".tsv", ".txt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Some rows as read, the number in the source of each of them, and those set aside (row, reason)."""

    table: pa.Table
    rows: Int
    aside: pd.DataFrame = field(default_factory=lambda: pd.DataFrame({"row": [], "reason": []}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How a text table is to be read, as far as it is told: encoding, delimiter, the row of names, counted from 1."""

    encoding: str | None
    delimiter: str | None
    header: int | None
    errors: Errors


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where rows come from: its name, what tells it from others, its first rows, and its chunks.

    `chunks(columns, coded)` reads it from the beginning, only these columns; those in `coded` are few distinct texts.
    `size` is the expected number of rows, None where nothing tells it.
    """

    called: str
    stem: str
    note: str
    mark: tuple[str, int, int]
    size: int | None
    head: pa.Table
    chunks: Callable[[Sequence[str], Sequence[str]], Iterator[Chunk]]


def open_source(source: Any, *, chunk: int, form: Form) -> Source:
    """Open a source whose chunks hold about `chunk` bytes.

    It is a file (Parquet, Feather, CSV, TSV), a folder of Parquet files, a frame, whatever streams Arrow (a DuckDB
    relation, a database cursor of ADBC, a `RecordBatchReader`), or an iterable of frames or Arrow batches.

    Raises `DataError` if it is none of these, is absent or empty.
    """
    textual = isinstance(source, str | Path) and Path(source).name.casefold().removesuffix(".gz").endswith(TEXTS)
    if form.header is not None and not textual:
        raise DataError(
            "header= is the row of names of a text table; other sources read in chunks have names of their own"
        )
    if not isinstance(source, str | Path):
        called = "the frame" if hasattr(source, "columns") else "the stream"
        return _stream(_batches(source, called), called, chunk)
    path = Path(source)
    name = path.name.casefold()
    if path.is_dir():
        files = sorted(one for one in path.rglob("*.parquet") if one.is_file())
        if not files:
            raise DataError(f'the folder "{path}" holds no Parquet file; give a folder of .parquet files, or one file')
        return _parquet(files, path, chunk)
    if not path.is_file():
        raise DataError(f'there is no file "{path}"; check the path (it is taken from {Path.cwd()})')
    if name.endswith((".parquet", ".pq")):
        return _parquet([path], path, chunk)
    if name.endswith((".feather", ".arrow")):
        return _feather(path, chunk)
    if textual:
        from mkmine.eventlog.partitions.delimited import open_delimited

        return open_delimited(path, chunk=chunk, form=form)
    raise DataError(
        f'"{path.name}" cannot be read in chunks: give .parquet (or a folder of them), .feather, .csv, .tsv, .txt '
        f"(also .gz); read other formats with mkmine.read, and pass log.to_pandas()"
    )


def mark_of(path: Path, files: Sequence[Path]) -> tuple[str, int, int]:
    """Return the name, the size in bytes and the time of the last change (ns) of a source."""
    facts = [one.stat() for one in files]
    return path.name, sum(one.st_size for one in facts), max(one.st_mtime_ns for one in facts)


def _numbered(tables: Iterable[pa.Table], chunk: int) -> Iterator[Chunk]:
    """Yield tables as chunks of about so many bytes, rows numbered from 1."""
    first = 1
    for table in tables:
        rows = len(table)
        step = max(1, min(rows, int(rows * chunk / max(table.nbytes, 1))))
        for begin in range(0, rows, step):
            part = table.slice(begin, step)
            yield Chunk(table=part, rows=np.arange(first, first + len(part)))
            first += len(part)


# -- Parquet and Feather -----------------------------------------------------------------------------------------------


def _parquet(files: Sequence[Path], path: Path, chunk: int) -> Source:
    import pyarrow.parquet as pq

    size = wide = 0
    for one in files:
        with _readable(one), pq.ParquetFile(one) as opened:
            facts = opened.metadata
            size += facts.num_rows
            wide += sum(facts.row_group(i).total_byte_size for i in range(facts.num_row_groups))
    # The sizes in the file are packed ones: a row unpacks to a few times as much.
    rows = int(np.clip(chunk // max(4 * wide // max(size, 1), 1), 1, 1 << 20))

    def tables(columns: Sequence[str] | None, coded: Sequence[str]) -> Iterator[pa.Table]:
        for one in files:
            with _readable(one):
                kinds = pq.read_schema(one)
            _check_columns(columns, kinds.names, one)
            texts = [name for name in coded if pa.types.is_string(kinds.field(name).type)]
            with _readable(one), pq.ParquetFile(one, read_dictionary=texts) as opened:
                for batch in opened.iter_batches(batch_size=rows, columns=None if columns is None else list(columns)):
                    yield pa.Table.from_batches([batch])

    return Source(
        called=f'"{path.name}"',
        stem=path.name.split(".")[0],
        note="parquet" if len(files) == 1 else f"{len(files):,} parquet files",
        mark=mark_of(path, files),
        size=size,
        head=head_of(tables(None, ()), f'"{path.name}"'),
        chunks=lambda columns, coded: _numbered(tables(columns, coded), chunk),
    )


def _feather(path: Path, chunk: int) -> Source:
    with _readable(path), pa.memory_map(str(path)) as mapped, pa.ipc.open_file(mapped) as opened:
        batches = opened.num_record_batches

    def tables(columns: Sequence[str] | None) -> Iterator[pa.Table]:
        with _readable(path), pa.memory_map(str(path)) as mapped, pa.ipc.open_file(mapped) as opened:
            _check_columns(columns, opened.schema.names, path)
            for i in range(batches):
                whole = pa.Table.from_batches([opened.get_batch(i)])
                yield whole if columns is None else whole.select(list(columns))

    return Source(
        called=f'"{path.name}"',
        stem=path.name.split(".")[0],
        note="feather",
        mark=mark_of(path, [path]),
        size=None,
        head=head_of(tables(None), f'"{path.name}"'),
        chunks=lambda columns, _: _numbered(tables(columns), chunk),
    )


class _readable:  # noqa: N801 - it reads as the statement that it is used in
    """What Arrow says of a damaged file becomes a `DataError` that names it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, pa.ArrowException | OSError):
            raise DataError(f'"{self.path.name}" cannot be read as {self.path.suffix}: {error}') from None


def _check_columns(columns: Sequence[str] | None, known: Sequence[str], path: Path) -> None:
    check_names(known, path.name)
    if absent := [name for name in columns or () if name not in known]:
        raise DataError(f'"{path.name}" lacks the column "{absent[0]}", which other files of the log have')


def head_of(tables: Iterator[pa.Table], called: str) -> pa.Table:
    """Return the first rows, by which columns are told. Raises `DataError` if there are none."""
    parts: list[pa.Table] = []
    for table in tables:
        parts.append(table.slice(0, HEAD - sum(map(len, parts))))
        if sum(map(len, parts)) >= HEAD:
            break
    if not sum(map(len, parts)):
        raise DataError(f"{called} is empty: it has no row; export the log again")
    try:
        head = pa.concat_tables(parts, promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise DataError(f"the parts of {called} are of several kinds: {error}; make each column of one kind") from None
    return head.select([name for name in head.column_names if not name.startswith("__index_level_")])


# -- streams and frames ------------------------------------------------------------------------------------------------


def _batches(source: Any, called: str) -> Iterator[pa.Table]:
    """Yield whatever streams Arrow, or an iterable of such things, as tables."""
    try:
        if isinstance(source, pd.DataFrame):
            yield arrow_table(source, called)
        elif hasattr(source, "__arrow_c_stream__"):
            yield from map(_table, pa.RecordBatchReader.from_stream(source))
        elif hasattr(source, "fetch_record_batch"):
            yield from map(_table, source.fetch_record_batch())
        elif hasattr(source, "__arrow_c_array__"):
            yield _table(pa.record_batch(source))
        elif isinstance(source, Iterable) and not isinstance(source, bytes | dict):
            for part in source:
                if not any(hasattr(part, way) for way in ("__arrow_c_stream__", "__arrow_c_array__")):
                    raise DataError(f"a {type(part).__name__} is no part of a log; give frames or Arrow batches")
                yield from _batches(part, called)
        else:
            raise DataError(
                f"a {type(source).__name__} is not a log; pass a path, a frame, several frames, or an Arrow stream"
            )
    except pa.ArrowException as error:
        raise DataError(f"{called} cannot be read as a table: {error}") from None


def _table(batch: pa.RecordBatch) -> pa.Table:
    return pa.Table.from_batches([batch])


def _stream(tables: Iterator[pa.Table], called: str, chunk: int) -> Source:
    first: list[pa.Table] = []
    for table in tables:
        check_names(table.column_names, called)
        first.append(table)
        if sum(map(len, first)) >= HEAD or sum(one.nbytes for one in first) >= chunk:
            break
    head = head_of(iter(first), called)

    def chosen(columns: Sequence[str]) -> Iterator[pa.Table]:
        for table in chain(first, tables):
            if absent := [name for name in columns if name not in table.column_names]:
                raise DataError(f'a part of {called} lacks the column "{absent[0]}", which its first part has')
            yield table.select(list(columns))

    return Source(
        called=called,
        stem="log",
        note="frame" if called == "the frame" else f"stream of {head.num_columns} columns",
        mark=("", 0, 0),
        size=None,
        head=head,
        chunks=lambda columns, _: _numbered(chosen(columns), chunk),
    )

"""Tables from files, told by their endings: text of any delimiter and encoding, XLSX, Parquet and Feather."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from mkmine.errors import DataError
from mkmine.eventlog.formats.encodings import GIB, open_limited
from mkmine.eventlog.formats.feather import unpacked_size
from mkmine.eventlog.formats.table import Errors, Table, check_names, is_text
from mkmine.eventlog.formats.typed import Types, read_delimited
from mkmine.eventlog.formats.workbook import read_workbook
from mkmine.files import checked_path

__all__ = ["GIB", "Choose", "Table", "Wanted", "open_limited", "read_table"]

# Given some rows as text, and whether they are from all over the file: the types of the columns to read.
Choose = Callable[[pa.Table, bool], Types]
# Given some rows: the names of the columns to read.
Wanted = Callable[[pa.Table], Collection[str]]
TEXTS, PARQUETS, FEATHERS, BOOKS = (
    (".csv", ".tsv", ".txt"),
    (".parquet", ".pq"),
    (".feather", ".arrow"),
    (".xlsx", ".xlsm"),
)
# What other files begin with, at which byte, what they are and what to do with them.
OTHERS = (
    (
        0,
        b"SQLite format 3\0",
        "a database of SQLite",
        'pass a query of it: mk.read_sql("SELECT ...", "sqlite:///{path}")',
    ),
    (8, b"DUCK", "a database of DuckDB", 'pass a query of it: mk.read_sql("SELECT ...", "duckdb:///{path}")'),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old or an encrypted workbook", "save it as .xlsx without a password"),
    (0, b"PK\x03\x04", "packed with zip", "unpack it first, or if it is a workbook name it .xlsx"),
    (0, b"PAR1", "Parquet", "name it .parquet"),
    (0, b"%PDF", "a PDF", "export the table as .csv or .xlsx"),
)
# A column chunk with less bytes than this a value repeats few texts: its dictionary is small.
FEW_BYTES = 1.5
SAMPLE = 5_000
MAX_ROWS_PER_BYTE, MAX_UNPACKED_RATIO, ENOUGH_ROWS = 20, 200, 50_000_000


def read_table(
    path: str | Path,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | int = 0,
    header: int | None = None,
    size_limit: int = 4 * GIB,
    errors: Errors = "raise",
    choose: Choose | None = None,
    wanted: Wanted | None = None,
) -> Table:
    """Read a table whose format is told by the file's ending (`.csv`, `.tsv`, `.txt`, `.xlsx`, `.parquet`, `.feather`).

    A folder is read as the Parquet files in it. Cells of text files stay text (so that `007` is not `7`); encoding and
    delimiter are found out unless given, and so is the row of names of text and workbooks: `header` is its number, from
    1. `size_limit` bounds the unpacked size of a workbook in bytes. `choose` may
    say which columns of a text file are read, and as what; `wanted`, which of a Parquet file.

    Raises `DataError` if the file is absent, empty, of another format, too large, or cannot be decoded.
    """
    source = checked_path(path)
    if not source.is_file() and not source.is_dir():
        raise DataError(f'there is no file "{source}"; check the path (it is taken from {Path.cwd()})')
    names = source.name.casefold()
    textual = names.removesuffix(".gz").endswith(TEXTS)
    if header is not None and not textual and not names.endswith(BOOKS):
        raise DataError(f'"{source.name}" has its names in it; header= is for text tables and workbooks')
    if source.is_dir():
        return _folder(source, wanted)
    if names.endswith(BOOKS):
        return read_workbook(source, sheet=sheet, header=header, size_limit=size_limit)
    if names.endswith(PARQUETS):
        return _parquet(source, wanted)
    if names.endswith(FEATHERS):
        return _feather(source)
    _check_kind(source)
    if textual:
        return read_delimited(
            source, encoding=encoding, delimiter=delimiter, header=header, errors=errors, choose=choose
        )
    raise DataError(
        f'the format of "{source.name}" is not known by its ending; '
        f"give .csv, .tsv, .txt (also .gz), .xlsx, .parquet, .feather, .xes or .xes.gz"
    )


def _check_kind(path: Path) -> None:
    """Refuse what is no text, and what is no table, with what to do with it."""
    with path.open("rb") as file:
        head = file.read(32)
    for at, mark, what, remedy in OTHERS:
        if head.startswith(mark, at):
            raise DataError(f'"{path.name}" is {what}; {remedy.format(path=path)}')


# -- Parquet and Feather -----------------------------------------------------------------------------------------------


def _parquet(path: Path, wanted: Wanted | None) -> Table:
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path, memory_map=True) as file:
            names = _names(file.schema_arrow.names, path.name)
            _check_size(*_parquet_size(file.metadata), path)
            if wanted is not None:
                chosen = wanted(pa.Table.from_batches([*islice(file.iter_batches(SAMPLE), 1)], file.schema_arrow))
                names = [name for name in names if name in chosen]
            repeated = _repeated(file.metadata, file.schema_arrow, names)
        with parquet.ParquetFile(path, memory_map=True, read_dictionary=repeated) as file:
            # One after the other: of each text column, only codes and names are kept while the next is unpacked.
            columns = [_coded(file.read(columns=[name], use_threads=False).column(name)) for name in names]
    except (pa.ArrowException, OSError, KeyError, UnicodeError) as error:
        raise DataError(f'"{path.name}" cannot be read as {path.suffix}: {error}') from None
    return Table(columns=pa.table(columns, names=names), note="parquet")


def _coded(values: pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Return a column in one piece, text with its dictionary."""
    if not is_text(values.type):
        return values.combine_chunks()
    coded = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
    whole = coded.unify_dictionaries().combine_chunks()
    # Parquet gives text as it is written, be it UTF-8 or not.
    whole.dictionary.validate(full=True)
    return whole


def _names(names: Sequence[str], where: str) -> list[str]:
    # pandas keeps the row labels of a frame as such a column.
    return [name for name in check_names(names, where) if not name.startswith("__index_level_")]


def _parquet_size(metadata: Any) -> tuple[int, int]:
    """Return how many rows a file says that it holds, and how many bytes they are when unpacked."""
    groups = (metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
    return metadata.num_rows, sum(groups)


def _check_size(rows: int, unpacked: int, path: Path) -> None:
    """Refuse a file that unpacks to far more than any log of its size does."""
    size = path.stat().st_size
    many = rows > max(ENOUGH_ROWS, MAX_ROWS_PER_BYTE * size)
    if many or unpacked > max(GIB, MAX_UNPACKED_RATIO * size):
        raise DataError(
            f'"{path.name}" ({size:,} bytes) says that it holds {rows:,} rows of {unpacked:,} bytes; no '
            f"log packs as small as that"
        )


def _repeated(metadata: Any, schema: pa.Schema, names: list[str]) -> list[str]:
    """Return the text columns that are best read with their dictionaries: one for all, or small ones."""
    found = []
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    places = {metadata.schema.column(i).path: i for i in range(metadata.num_columns)}
    for name in names:
        kind = schema.field(name).type
        if name in places and (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            size = sum(one.column(places[name]).total_uncompressed_size for one in groups)
            if len(groups) == 1 or size < FEW_BYTES * metadata.num_rows:
                found.append(name)
    return found


def _folder(path: Path, wanted: Wanted | None) -> Table:
    files = sorted(one for ending in PARQUETS for one in path.rglob(f"*{ending}") if one.is_file())
    if not files:
        raise DataError(f'the folder "{path}" holds no Parquet file; pass the file of the log in it')
    from pyarrow import dataset, parquet

    try:
        for one in files:
            _check_size(*_parquet_size(parquet.read_metadata(one)), one)
        whole = dataset.dataset([str(one) for one in files], format="parquet", partitioning="hive")
        names = _names(whole.schema.names, path.name)
        if wanted is not None:
            chosen = wanted(whole.head(SAMPLE))
            names = [name for name in names if name in chosen]
        columns = whole.to_table(columns=names, use_threads=False)
    except (pa.ArrowException, OSError, UnicodeError) as error:
        raise DataError(f'the Parquet files in "{path}" cannot be read together: {error}') from None
    return Table(columns=columns, note=f"{len(files):,} Parquet files")


def _feather(path: Path) -> Table:
    from pyarrow import feather

    try:
        _check_size(*unpacked_size(path), path)
        columns = feather.read_table(path, memory_map=True)
        # Unlike Parquet, it is mapped as it is: offsets beyond the data would be followed.
        columns.validate(full=True)
    except DataError:
        raise
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(f'"{path.name}" cannot be read as {path.suffix}: {error}') from None
    return Table(columns=columns.select(_names(columns.column_names, path.name)), note="feather")

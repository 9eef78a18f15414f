"""Tables from files, told by their endings: text of any delimiter and encoding, XLSX, Parquet and Feather."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Callable, Collection, Sequence
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from mkmine.errors import DataError
from mkmine.eventlog.formats.encodings import GIB, MAX_RATIO, SMALL, open_limited
from mkmine.eventlog.formats.table import Errors, Table, arrow_table, check_names, is_text
from mkmine.eventlog.formats.typed import Types, read_delimited

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
CELL = re.compile(rb"""\br=["']([A-Z]{0,3})(\d{1,7})["']""")
# A column chunk with less bytes than this a value repeats few texts: its dictionary is small.
FEW_BYTES = 1.5
SAMPLE = 5_000
MAX_ROWS_PER_BYTE, MAX_UNPACKED_RATIO, ENOUGH_ROWS = 1_000, 1_000, 50_000_000


def read_table(
    path: str | Path,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | int = 0,
    size_limit: int = 4 * GIB,
    errors: Errors = "raise",
    choose: Choose | None = None,
    wanted: Wanted | None = None,
) -> Table:
    """Read a table whose format is told by the file's ending (`.csv`, `.tsv`, `.txt`, `.xlsx`, `.parquet`, `.feather`).

    A folder is read as the Parquet files in it. Cells of text files stay text (so that `007` is not `7`); encoding and
    delimiter are found out unless given. `size_limit` bounds the unpacked size of a workbook in bytes. `choose` may
    say which columns of a text file are read, and as what; `wanted`, which of a Parquet file.

    Raises `DataError` if the file is absent, empty, of another format, too large, or cannot be decoded.
    """
    source = Path(path)
    if source.is_dir():
        return _folder(source, wanted)
    if not source.is_file():
        raise DataError(f'there is no file "{source}"; check the path (it is taken from {Path.cwd()})')
    names = source.name.casefold()
    if names.endswith(BOOKS):
        return _excel(source, sheet, size_limit)
    if names.endswith(PARQUETS):
        return _parquet(source, wanted)
    if names.endswith(FEATHERS):
        return _feather(source)
    if names.removesuffix(".gz").endswith(TEXTS):
        return read_delimited(source, encoding=encoding, delimiter=delimiter, errors=errors, choose=choose)
    raise DataError(
        f'the format of "{source.name}" is not known by its ending; '
        f"give .csv, .tsv, .txt (also .gz), .xlsx, .parquet, .feather, .xes or .xes.gz"
    )


# -- Parquet and Feather -----------------------------------------------------------------------------------------------


def _parquet(path: Path, wanted: Wanted | None) -> Table:
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path, memory_map=True) as file:
            names = _names(file.schema_arrow.names, path.name)
            _check_size(file.metadata, path)
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


def _check_size(metadata: Any, path: Path) -> None:
    """Refuse a file that unpacks to far more than any log of its size does."""
    size = path.stat().st_size
    unpacked = sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
    many = metadata.num_rows > max(ENOUGH_ROWS, MAX_ROWS_PER_BYTE * size)
    if many or unpacked > max(GIB, MAX_UNPACKED_RATIO * size):
        raise DataError(
            f'"{path.name}" ({size:,} bytes) says that it holds {metadata.num_rows:,} rows of {unpacked:,} bytes; no '
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
            _check_size(parquet.read_metadata(one), one)
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
        columns = feather.read_table(path, memory_map=True)
        # Unlike Parquet, it is mapped as it is: offsets beyond the data would be followed.
        columns.validate(full=True)
    except (pa.ArrowException, OSError, UnicodeError) as error:
        raise DataError(f'"{path.name}" cannot be read as {path.suffix}: {error}') from None
    return Table(columns=columns.select(_names(columns.column_names, path.name)), note="feather")


# -- workbooks ---------------------------------------------------------------------------------------------------------


def _excel(path: Path, sheet: str | int, size_limit: int) -> Table:
    try:
        with zipfile.ZipFile(path) as packed:
            size = sum(part.file_size for part in packed.infolist())
            if size > min(size_limit, max(SMALL, MAX_RATIO * path.stat().st_size)):
                raise DataError(f'"{path.name}" unpacks to {size / 2**20:,.0f} MiB; save the sheet as .csv')
            for part in packed.namelist():
                if part.startswith("xl/worksheets/") and _is_hollow(packed.read(part)):
                    raise DataError(
                        f'"{path.name}" has a sheet with cells far away from its table, and nothing between; delete '
                        f"them, or save the sheet as .csv"
                    )
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError):
        raise DataError(f'"{path.name}" is not an XLSX workbook; save it as .xlsx or .csv') from None
    frame = _sheet(path, sheet)
    if len(frame) < 2:
        raise DataError(f'sheet "{sheet}" of "{path.name}" is empty; give a row of names and at least one event')
    header = ["" if value is None or value != value else str(value).strip() for value in frame.iloc[0]]
    body = frame.iloc[1:].reset_index(drop=True).set_axis(check_names(header, path.name), axis=1)
    body = body.dropna(how="all")
    rows = body.index.to_numpy() + 2
    columns = arrow_table(body.reset_index(drop=True).infer_objects(), path.name)
    return Table(columns=columns, rows=rows, note=f"sheet {sheet}")


def _unescaped(value: object) -> object:
    return value.replace("_x005F_", "_") if isinstance(value, str) else value


def _sheet(path: Path, sheet: str | int) -> pd.DataFrame:
    # calamine reads a sheet in an eighth of the time.
    engine: Any = "calamine" if find_spec("python_calamine") else "openpyxl"
    try:
        frame: pd.DataFrame = pd.read_excel(path, sheet_name=sheet, engine=engine, dtype="object", header=None)
        # A text that looks like an escape is escaped itself (ECMA-376, ST_Xstring), which openpyxl leaves as it is.
        return frame if engine == "calamine" else frame.map(_unescaped)
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:
        # Damaged XML shows itself in many ways; a panic of calamine is no Exception.
        raise DataError(f'sheet "{sheet}" of "{path.name}" cannot be read: {error}') from None


def _is_hollow(sheet: bytes) -> bool:
    """Return whether a sheet spans far more cells than it has: the reader would make every one of them."""
    wide = high = cells = 0
    for place in CELL.finditer(sheet):
        letters, row = place.groups()
        high = max(high, int(row))
        if letters:
            cells += 1
            wide = max(wide, sum((one - 64) * 26**power for power, one in enumerate(reversed(letters))))
    return wide * high > 5_000_000 and wide * high > 50 * cells

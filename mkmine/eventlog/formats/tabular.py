"""Tables from files: CSV and TSV of any delimiter and encoding, gzip, XLSX, Parquet and Feather."""

from __future__ import annotations

import gzip
import io
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal, cast

import numpy as np
import pandas as pd

from mkmine.errors import DataError

__all__ = ["Table", "open_limited", "read_table"]

Errors = Literal["raise", "quarantine"]
GIB = 1 << 30
# A text log rarely shrinks more than 50 times; a bomb does 1,000 times.
MAX_RATIO, SMALL = 120, 16 << 20
MAX_COLUMNS = 10_000
CELL = re.compile(rb"""\br=["']([A-Z]{0,3})(\d{1,7})["']""")
ENCODINGS_BY_BOM = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A frame as read, the number in the file of each of its rows, the rows set aside, and how it was read."""

    frame: pd.DataFrame
    rows: np.ndarray[Any, np.dtype[np.int64]]
    note: str
    aside: pd.DataFrame = field(default_factory=lambda: pd.DataFrame({"row": [], "reason": []}))


def read_table(
    path: str | Path,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | int = 0,
    size_limit: int = 4 * GIB,
    errors: Errors = "raise",
) -> Table:
    """Read a table whose format is told by the file's ending (`.csv`, `.tsv`, `.txt`, `.xlsx`, `.parquet`, `.feather`).

    Cells of text files stay text (so that `007` is not `7`); encoding and delimiter are found out unless given.
    `size_limit` bounds the unpacked size in bytes.

    Raises `DataError` if the file is absent, empty, of another format, too large, or cannot be decoded.
    """
    source = Path(path)
    if not source.is_file():
        raise DataError(f'there is no file "{source}"; check the path (it is taken from {Path.cwd()})')
    names = source.name.casefold()
    if names.endswith((".xlsx", ".xlsm")):
        return _excel(source, sheet, size_limit)
    if names.endswith((".parquet", ".pq", ".feather", ".arrow")):
        return _columnar(source)
    if names.removesuffix(".gz").endswith((".csv", ".tsv", ".txt")):
        return _delimited(source, encoding, delimiter, size_limit, errors)
    raise DataError(
        f'the format of "{source.name}" is not known by its ending; '
        f"give .csv, .tsv, .txt (also .gz), .xlsx, .parquet, .feather, .xes or .xes.gz"
    )


class _Limited(io.RawIOBase):
    """A stream that refuses to unpack more than `limit` bytes."""

    def __init__(self, source: IO[bytes], limit: int, name: str, file: IO[bytes]) -> None:
        self.source, self.limit, self.name, self.file, self.count = source, limit, name, file, 0

    def close(self) -> None:
        self.source.close()
        self.file.close()
        super().close()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        room = self.limit - self.count + 1
        try:
            piece = self.source.read(room if size < 0 else min(size, room))
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(
                f'"{self.name}" is not a whole gzip file ({error}); it may have been cut off: export it again'
            ) from None
        self.count += len(piece)
        if self.count > self.limit:
            raise DataError(
                f'"{self.name}" unpacks to more than {self.limit / 2**20:,.0f} MiB, more than a log of its packed size '
                f"holds; unpack it yourself if you trust it"
            )
        return piece


def open_limited(path: Path, size_limit: int = 4 * GIB) -> _Limited:
    """Open a file, unpacking gzip (told by its first bytes), with a bound on the unpacked size."""
    stream = path.open("rb")
    packed = stream.read(2) == b"\x1f\x8b"
    stream.seek(0)
    if not packed:
        return _Limited(stream, size_limit, path.name, stream)
    limit = min(size_limit, max(SMALL, MAX_RATIO * path.stat().st_size))
    return _Limited(cast("IO[bytes]", gzip.GzipFile(fileobj=stream)), limit, path.name, stream)


def _delimited(path: Path, encoding: str | None, delimiter: str | None, size_limit: int, errors: Errors) -> Table:
    with open_limited(path, size_limit) as stream:
        data = stream.read()
    text, used = _utf8(data, encoding, path.name)
    del data
    if not text.strip():
        raise DataError(f'"{path.name}" is empty; export the log again')
    nul = text.find(b"\0")
    if nul >= 0 and errors == "raise":
        line = text.count(b"\n", 0, nul) + 1
        raise DataError(
            f'"{path.name}" has a NUL byte in line {line:,}, which no text has; export it again, or pass '
            f'errors="quarantine" to set such rows aside'
        )
    first = text[:4096].split(b"\n", 1)[0].strip()
    skip = 0
    if first.lower().startswith(b"sep=") and len(first) == 5:
        delimiter, skip = delimiter or first[4:].decode(), 1
    tabbed = path.name.casefold().removesuffix(".gz").endswith(".tsv")
    mark = delimiter or _delimiter(text[: 1 << 16], default="\t" if tabbed else ",")
    frame, rows, aside = _parse(text, mark, skip, path.name, errors)
    if nul >= 0:
        frame, rows, aside = _without_nul(frame, rows, aside)
    return Table(frame=frame, rows=rows, note=f'{used}, delimiter "{_shown(mark)}"', aside=aside)


def _shown(mark: str) -> str:
    return "tab" if mark == "\t" else mark


def _utf8(data: bytes, encoding: str | None, name: str) -> tuple[bytes, str]:
    """Return the data as UTF-8 and the encoding that they had."""
    told = encoding is not None
    encoding = encoding or _encoding(data)
    if encoding == "utf-8" and not told:
        return data, encoding
    try:
        return data.decode(encoding).encode(), encoding
    except LookupError:
        raise DataError(f'there is no encoding "{encoding}"; give e.g. "utf-8" or "cp1251"') from None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            f'"{name}" is not {encoding}: byte 0x{data[error.start]:02x} in line {line:,} does not belong to it; pass '
            f'encoding="..." or save the file as UTF-8'
        ) from None


def _encoding(data: bytes) -> str:
    for mark, name in ENCODINGS_BY_BOM:
        if data.startswith(mark):
            return name
    head = data[:4096]
    for name, zeros in (("utf-16-le", head[1::2]), ("utf-16-be", head[0::2])):
        if len(zeros) > 8 and zeros.count(0) > 0.4 * len(zeros):
            return name
    try:
        data.decode("utf-8")
        return "utf-8"
    except UnicodeDecodeError:
        pass
    # Cyrillic words are runs of high bytes; in Western text a high byte stands alone among Latin letters.
    sample = np.frombuffer(data, dtype=np.uint8)[: 1 << 20]
    high = sample >= 0xC0
    in_runs = int((high[1:] & high[:-1]).sum())
    return "cp1251" if in_runs > 0.5 * max(int(high.sum()), 1) else "cp1252"


def _delimiter(sample: bytes, default: str) -> str:
    """Return the mark that splits the first lines into the same, largest, number of cells."""
    lines = [line for line in sample.decode("utf-8", "replace").splitlines()[:50] if line]
    if len(lines) > 1:
        lines = lines[:-1] if len(sample) == 1 << 16 else lines
    best, best_score = default, 0.0
    for mark in (",", ";", "\t", "|"):
        counts = [sum(part.count(mark) for part in line.split('"')[::2]) for line in lines]
        usual, times = Counter(counts).most_common(1)[0]
        score = usual * times / len(lines) if usual else 0.0
        if counts[0] and score > best_score:
            best, best_score = mark, score
    return best


def _parse(
    text: bytes, mark: str, skip: int, name: str, errors: Errors
) -> tuple[pd.DataFrame, np.ndarray[Any, np.dtype[np.int64]], pd.DataFrame]:
    import pyarrow as pa
    from pyarrow import csv

    if len(mark) != 1 or not mark.isascii() or mark in '"\r\n':
        raise DataError(f'"{mark}" is not a delimiter; give one ASCII character other than a quote, e.g. ";"')
    header = _header(text, mark, skip, name)
    broken: list[tuple[int, str]] = []

    def set_aside(row: Any) -> str:
        broken.append((row.number, f"{row.actual_columns} cells where the header has {row.expected_columns}"))
        return "skip"

    # A cell may be longer than a block, and then Arrow needs a block that holds it.
    for block in (1 << 24, 1 << 28, len(text) + 1):
        broken.clear()
        try:
            table = csv.read_csv(
                io.BytesIO(text),
                read_options=csv.ReadOptions(
                    use_threads=False, block_size=min(block, (1 << 31) - 2), skip_rows=skip + 1, column_names=header
                ),
                parse_options=csv.ParseOptions(delimiter=mark, newlines_in_values=True, invalid_row_handler=set_aside),
                convert_options=csv.ConvertOptions(
                    column_types=dict.fromkeys(header, pa.large_string()), strings_can_be_null=False
                ),
            )
            break
        except pa.ArrowInvalid as error:
            if "Could not skip initial" in str(error):
                raise DataError(f'"{name}" is empty: it has column names but no row; export the log again') from None
            if "straddling" not in str(error) or block > len(text):
                raise DataError(f'"{name}" is not a table with "{_shown(mark)}" between cells: {error}') from None
    if broken and errors == "raise":
        row, what = broken[0]
        raise DataError(
            f'"{name}" has {len(broken):,} rows of another length (first: row {row + skip:,}, {what}); correct the '
            f'quotes or the delimiter ("{_shown(mark)}" was used), or pass errors="quarantine" to set them aside'
        )
    frame = table.to_pandas(strings_to_categorical=False)
    lost = np.array([row for row, _ in broken], dtype=np.int64)
    rows = np.setdiff1d(np.arange(2, len(frame) + len(broken) + 2), lost, assume_unique=True)
    aside = pd.DataFrame({"row": lost + skip, "reason": [what for _, what in broken]})
    return frame, rows + skip, aside


def _header(text: bytes, mark: str, skip: int, name: str) -> list[str]:
    import csv

    lines = io.TextIOWrapper(io.BytesIO(text), encoding="utf-8", errors="replace", newline="")
    for _ in range(skip):
        next(lines)
    csv.field_size_limit(1 << 24)
    try:
        cells = next(csv.reader(lines, delimiter=mark), [])
    except csv.Error as error:
        raise DataError(
            f'the header of "{name}" cannot be read: {error}; give the file a row of column names'
        ) from None
    return check_names([cell.strip().lstrip("\ufeff") for cell in cells], name)


def check_names(names: Sequence[object], where: str) -> list[str]:
    """Return usable column names (an empty one becomes `column N`).

    Raises `DataError` if they repeat or are too many.
    """
    if len(names) > MAX_COLUMNS:
        raise DataError(f'"{where}" has {len(names):,} columns; a log of up to {MAX_COLUMNS:,} can be read')
    texts = [str(name) if str(name).strip() else f"column {i}" for i, name in enumerate(names, start=1)]
    repeated = [f'"{name}"' for name, count in Counter(texts).items() if count > 1]
    if repeated:
        raise DataError(f'"{where}" has several columns named {", ".join(repeated[:5])}; give each its own name')
    return texts


def _without_nul(
    frame: pd.DataFrame, rows: np.ndarray[Any, np.dtype[np.int64]], aside: pd.DataFrame
) -> tuple[pd.DataFrame, np.ndarray[Any, np.dtype[np.int64]], pd.DataFrame]:
    bad = np.zeros(len(frame), dtype=np.bool_)
    for column in frame.columns:
        bad |= frame[column].str.contains("\0", regex=False).fillna(False).to_numpy(dtype=np.bool_)
    lost = frame[bad].assign(row=rows[bad], reason="NUL byte")
    return frame[~bad].reset_index(drop=True), rows[~bad], pd.concat([aside, lost], ignore_index=True)


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
    try:
        frame = pd.read_excel(path, sheet_name=sheet, engine="openpyxl", dtype=object, header=None)
    except (ValueError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(f'sheet "{sheet}" of "{path.name}" cannot be read: {error}') from None
    if len(frame) < 2:
        raise DataError(f'sheet "{sheet}" of "{path.name}" is empty; give a row of names and at least one event')
    header = ["" if value is None or value != value else str(value).strip() for value in frame.iloc[0]]
    body = frame.iloc[1:].reset_index(drop=True).set_axis(check_names(header, path.name), axis=1)
    body = body.dropna(how="all")
    rows = body.index.to_numpy() + 2
    return Table(frame=body.reset_index(drop=True).infer_objects(), rows=rows, note=f"sheet {sheet}")


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


def _columnar(path: Path) -> Table:
    import pyarrow as pa

    try:
        if path.suffix.casefold() in (".parquet", ".pq"):
            import pyarrow.parquet

            table = pyarrow.parquet.read_table(path)
        else:
            import pyarrow.feather

            table = pyarrow.feather.read_table(path)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OSError) as error:
        raise DataError(f'"{path.name}" cannot be read as {path.suffix}: {error}') from None
    check_names(table.column_names, path.name)
    frame = table.to_pandas(ignore_metadata=True)
    frame = frame.drop(columns=[name for name in frame.columns if name.startswith("__index_level_")])
    return Table(frame=frame, rows=np.arange(1, len(frame) + 1), note=path.suffix.lstrip("."))

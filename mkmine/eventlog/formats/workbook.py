"""Workbooks (XLSX): the table on a sheet, wherever its names stand, read row by row within bounds."""

from __future__ import annotations

import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from mkmine.errors import DataError, MkmineError, UnknownNameError
from mkmine.eventlog.formats.encodings import GIB, MAX_RATIO, SMALL
from mkmine.eventlog.formats.heading import LEADING, check_header, heading
from mkmine.eventlog.formats.table import Table, arrow_column, check_names

__all__ = ["read_workbook"]

# A sheet may span so many cells, or so many for each that is filled.
MANY_CELLS, SPARSE, MOST_ROWS = 5_000_000, 50, 1_048_576
# A row by its number in the sheet, and its cells.
Row = tuple[int, tuple[Any, ...]]


def read_workbook(path: Path, *, sheet: str | int = 0, header: int | None = None, size_limit: int = 4 * GIB) -> Table:
    """Read the table on a sheet, given by its name or its number from 0; blank rows and columns are left out.

    `header` is the number of the row of names, from 1, where it is known. Raises `DataError` if the workbook unpacks to
    more than `size_limit` bytes, is damaged, spans far more cells than it has, or has no table on that sheet.
    """
    check_header(header)
    _check_size(path, size_limit)
    try:
        with warnings.catch_warnings():
            # Of what is not read anyway: styles, validations, extensions.
            warnings.simplefilter("ignore")
            rows = list(_rows(path, sheet))
    except (MkmineError, MemoryError):
        raise
    except Exception as error:
        # Damaged XML shows itself in many ways.
        raise DataError(f'sheet "{sheet}" of "{path.name}" cannot be read: {error}') from None
    at = _heading(rows, header, f'sheet "{sheet}" of "{path.name}"')
    (number, names), body = rows[at], rows[at + 1 :]
    if not body:
        raise DataError(f'sheet "{sheet}" of "{path.name}" is empty; give a row of names and at least one event')
    note = f"sheet {sheet}" + (f", names in row {number:,}" if number > 1 else "")
    numbers = np.array([number for number, _ in body], dtype=np.int64)
    return Table(columns=_columns(names, body, path.name), rows=numbers, note=note)


def _check_size(path: Path, size_limit: int) -> None:
    try:
        with zipfile.ZipFile(path) as packed:
            size = sum(part.file_size for part in packed.infolist())
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, OSError, ValueError):
        raise DataError(f'"{path.name}" is not an XLSX workbook; save it as .xlsx or .csv') from None
    if size > min(size_limit, max(SMALL, MAX_RATIO * path.stat().st_size)):
        raise DataError(f'"{path.name}" unpacks to {size / 2**20:,.0f} MiB; save the sheet as .csv')


def _rows(path: Path, sheet: str | int) -> Iterator[Row]:
    """Yield the rows of a sheet that are not blank, as far as their last cell."""
    import openpyxl

    # A workbook that cannot be loaded would leave a file open that is named.
    with (
        path.open("rb") as file,
        closing(openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)) as book,
    ):
        named = {one.title: one for one in book.worksheets}
        if isinstance(sheet, int) and not -len(named) <= sheet < len(named):
            raise DataError(f'"{path.name}" has {len(named)} sheets; sheet={sheet} is none of them, the first is 0')
        if isinstance(sheet, str) and sheet not in named:
            raise UnknownNameError.of(kind="sheet", name=sheet, known=list(named), where=f'"{path.name}"')
        chosen = named[sheet] if isinstance(sheet, str) else list(named.values())[sheet]
        # What a sheet says of its size may be wrong, and missing cells would be made up to it.
        chosen.reset_dimensions()
        wide = filled = 0
        for number, cells in enumerate(chosen.iter_rows(), start=1):
            values = tuple(_value(cell) for cell in cells)
            filled += len(values) - values.count(None)
            wide = max(wide, len(values))
            span = wide * number
            if number > MOST_ROWS or (span > MANY_CELLS and span > SPARSE * filled):
                raise DataError(
                    f'"{path.name}" has a sheet with cells far away from its table, and nothing between; delete them, '
                    f"or save the sheet as .csv"
                )
            if values.count(None) < len(values):
                yield number, values


def _value(cell: Any) -> Any:
    """Return what a cell holds; None if that is nothing or an error of a formula."""
    value = cell.value
    if isinstance(value, str):
        # A text that looks like an escape is escaped itself (ECMA-376, ST_Xstring), which openpyxl leaves as it is.
        return None if cell.data_type == "e" or not value else value.replace("_x005F_", "_")
    return value


def _heading(rows: list[Row], told: int | None, where: str) -> int:
    """Return the place of the row of names."""
    if not rows:
        raise DataError(f"{where} is empty; give a row of names and at least one event")
    if told is None:
        return heading([[_text(cell) for cell in cells] for _, cells in rows[:LEADING]])
    places = [place for place, (number, _) in enumerate(rows) if number == told]
    if not places:
        raise DataError(f"row {told:,} of {where} is blank; header= is the number of the row of names")
    return places[0]


def _text(cell: Any) -> str:
    return "" if cell is None else str(cell).strip()


def _columns(names: tuple[Any, ...], body: list[Row], where: str) -> pa.Table:
    width = max(len(names), *(len(cells) for _, cells in body))
    texts = [_text(cell) for cell in names] + [""] * (width - len(names))
    blank = [
        not text and all(len(cells) <= at or cells[at] is None for _, cells in body) for at, text in enumerate(texts)
    ]
    called = check_names([text for text, left_out in zip(texts, blank, strict=True) if not left_out], where)
    places = [at for at, left_out in enumerate(blank) if not left_out]
    columns = []
    for at in places:
        values = [cells[at] if at < len(cells) else None for _, cells in body]
        columns.append(arrow_column(pd.Series(values, dtype=object).infer_objects()))
    return pa.table(columns, names=called)

"""Where the names of a table's columns stand: below a title, or rows left blank, as people lay out their exports."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from mkmine.errors import DataError
from mkmine.eventlog.formats.notation import NOTATION

__all__ = ["LEADING", "MOST_BLANK", "check_header", "heading"]

# Among so many rows (not more of them blank) the names are looked for, in one with such a part of the usual cells.
LEADING, MOST_BLANK, FILLED = 50, 1000, 0.7
NUMBER = re.compile(r"[+-]?[\d\s]*\d(?:[.,]\d+)?%?")


def check_header(header: int | None) -> None:
    """Raise `DataError` if this is not the number of a row."""
    if header is not None and (not isinstance(header, int) or isinstance(header, bool) or header < 1):
        raise DataError(f"header={header!r} is not the number of a row; the first row is header=1")


def heading(rows: Sequence[Sequence[str]]) -> int:
    """Return which of the first rows of a table has the names of its columns, counted from 0.

    It is the first that is not blank, unless it has much fewer cells than most: then it is a title, and the first row
    below is meant that is as wide as most and has neither numbers nor dates, and nothing twice.
    """
    filled = [[cell.strip() for cell in row if cell.strip()] for row in rows]
    wide = Counter(len(cells) for cells in filled if cells)
    if not wide:
        return 0
    first = next(i for i, cells in enumerate(filled) if cells)
    usual = max(wide, key=lambda width: (wide[width], width))
    needed = max(2, FILLED * usual)
    if usual < 2 or len(filled[first]) >= needed:
        return first
    return next((i for i, cells in enumerate(filled) if len(cells) >= needed and _are_names(cells)), first)


def _are_names(cells: list[str]) -> bool:
    several = len({cell.casefold() for cell in cells}) == len(cells)
    return several and not any(NUMBER.fullmatch(cell) or NOTATION.match(cell) for cell in cells)

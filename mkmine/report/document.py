"""The report as a value: a title, blocks in order, and how it is saved."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pandas as pd

from mkmine.errors import DataError
from mkmine.files import write_bytes, write_text
from mkmine.language import Language
from mkmine.report.blocks import Block, Figure, Table

__all__ = ["Report", "table_csv"]

_SUFFIXES: Final = (".html", ".htm", ".docx")
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


@dataclass(frozen=True, kw_only=True, repr=False)
class Report:
    """Ordered blocks in one language; saved as one self-contained HTML file or a Word document, tables beside it."""

    title: str
    subtitle: str
    language: Language
    blocks: tuple[Block, ...]
    made: datetime = field(default_factory=datetime.now)

    @property
    def version(self) -> str:
        """The version of mkmine that made the report."""
        from mkmine import __version__

        return __version__

    @property
    def tables(self) -> tuple[Table, ...]:
        """The tables of the report, in order."""
        return tuple(block for block in self.blocks if isinstance(block, Table))

    @property
    def figures(self) -> tuple[Figure, ...]:
        """The figures of the report, in order."""
        return tuple(block for block in self.blocks if isinstance(block, Figure))

    @staticmethod
    def tables_folder(path: str | Path) -> Path:
        """Return the folder in which `save(path)` puts the tables."""
        target = Path(path)
        return target.with_name(f"{target.stem}_tables")

    def html(self) -> str:
        """Return the report as one HTML page that asks for nothing from outside."""
        from mkmine.report.html import render

        return render(self)

    def docx(self) -> bytes:
        """Return the report as a Word document. Raises `MissingExtraError` if python-docx is not installed."""
        from mkmine.report.docx import render

        return render(self)

    def save(self, path: str | Path) -> Path:
        """Write the report to `path` and its tables as CSV to `<stem>_tables/`; return the path of the report.

        Each file is written to a temporary one and then moved into place; the report comes last, so that a report
        that is there has its tables. Tables are UTF-8 with a BOM; in a Russian report they are separated by semicolons
        with decimal commas, as a Russian spreadsheet opens them.
        Raises `DataError` if the name ends in neither `.html` nor `.docx` or the place cannot be written, and
        `MissingExtraError` if python-docx is not installed.
        """
        target = Path(path)
        if target.suffix.lower() not in _SUFFIXES:
            advice = f'name it "{target.stem or "report"}.html"'
            raise DataError(f'a report is saved as HTML or DOCX, and "{target.name}" ends in neither; {advice}')
        page = self.docx() if target.suffix.lower() == ".docx" else self.html()
        for table in self.tables:
            write_bytes(self.tables_folder(target) / f"{table.name}.csv", table_csv(table.data, language=self.language))
        return write_text(target, page) if isinstance(page, str) else write_bytes(target, page)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values; drawings by their titles only."""
        return {
            "title": self.title,
            "subtitle": self.subtitle,
            "language": self.language,
            "made": self.made.date().isoformat(),
            "blocks": [block.to_dict() for block in self.blocks],
        }

    def __repr__(self) -> str:
        return (
            f"Report({self.title!r}, {len(self.blocks)} blocks: {len(self.figures)} figures, {len(self.tables)} tables;"
            " save it with .save(path))"
        )

    def _repr_html_(self) -> str:
        from mkmine.report.lettering import escaped

        return f"<p><b>{escaped(self.title)}</b><br>{escaped(repr(self))}</p>"


def table_csv(data: pd.DataFrame, *, language: Language = "en") -> bytes:
    """Return a table as CSV that a spreadsheet opens as it is meant: UTF-8 with a BOM, and no text run as a formula.

    A text that a spreadsheet would take for a formula gets an apostrophe before it (OWASP, CSV injection).
    """
    sink = io.StringIO()
    writer = csv.writer(sink, delimiter=";" if language == "ru" else ",", lineterminator="\r\n")
    writer.writerow([_safe(str(column)) for column in data.columns])
    for row in data.itertuples(index=False, name=None):
        writer.writerow([_cell(value, language) for value in row])
    return b"\xef\xbb\xbf" + sink.getvalue().encode()


def _cell(value: object, language: Language) -> str:
    if isinstance(value, bool) or type(value).__name__ == "bool_":
        return "1" if value else "0"
    if isinstance(value, Mapping):
        return _safe("; ".join(f"{key} = {_cell(one, language)}" for key, one in value.items()))
    if isinstance(value, tuple | list):
        return _safe("; ".join(map(str, value)))
    if value is None or value is pd.NA or value is pd.NaT:
        return ""
    if isinstance(value, str):
        return _safe(value)
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return _safe(str(value))
    if not math.isfinite(number):
        return ""
    text = f"{number:.0f}" if number == int(number) else f"{number:.4f}".rstrip("0").rstrip(".")
    return text.replace(".", ",") if language == "ru" else text


def _safe(text: str) -> str:
    printable = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", " ", text)
    return f"'{printable}" if printable.lstrip(" \u00a0\ufeff").startswith(_FORMULA_STARTS) else printable

"""What a report is made of: frozen blocks in reading order, free of any file format."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal

import pandas as pd

from mkmine.report.picture import Picture

__all__ = [
    "Block",
    "Bullets",
    "Column",
    "Figure",
    "Heading",
    "KeyFigure",
    "KeyFigures",
    "Note",
    "Table",
    "Text",
    "View",
]

NoteKind = Literal["info", "warning", "noise"]
Tone = Literal["plain", "good", "bad"]
WIDE: Final = 1000.0  # pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A heading; level 1 opens a chapter and stands in the table of contents under `anchor`."""

    text: str
    anchor: str
    level: Literal[1, 2] = 1

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {"block": "heading", "level": self.level, "text": self.text, "anchor": self.anchor}


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Paragraphs; a lead is the first thing to read and is set larger."""

    paragraphs: tuple[str, ...]
    lead: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {"block": "text", "paragraphs": list(self.paragraphs), "lead": self.lead}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bullets:
    """Findings, one sentence or two each."""

    items: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {"block": "bullets", "items": list(self.items)}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFigure:
    """One number with what it is and, where needed, what to compare it with."""

    label: str
    value: str
    note: str = ""
    tone: Tone = "plain"

    @property
    def parts(self) -> tuple[str, str]:
        """The number and its unit, which is set smaller."""
        number, _, unit = self.value.partition("\u00a0")
        return number, unit


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFigures:
    """A row of key figures with the source of all of them."""

    items: tuple[KeyFigure, ...]
    foot: str

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        items = [{"label": one.label, "value": one.value, "note": one.note} for one in self.items]
        return {"block": "key_figures", "items": items, "foot": self.foot}


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One drawing of a figure, chosen by its label where there are several."""

    label: str
    picture: Picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A drawing, or several views of the same thing to switch between, with its title and its source."""

    title: str
    views: tuple[View, ...]
    foot: str
    note: str = ""

    @property
    def wide(self) -> bool:
        """Whether a drawing is wider than a column of text can show readably."""
        return any(view.picture.width > WIDE for view in self.views)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values; drawings by their titles only."""
        views = [{"label": one.label, "picture": one.picture.title} for one in self.views]
        return {"block": "figure", "title": self.title, "views": views, "note": self.note, "foot": self.foot}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table; numeric ones are set flush right in figures of equal width."""

    title: str
    numeric: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows as they are read, the whole data behind them, and their source.

    `data` is saved as `<name>.csv` beside the report. It may hold more rows than are shown; `omitted` says how many.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    foot: str
    data: pd.DataFrame = field(compare=False)
    note: str = ""
    omitted: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "block": "table",
            "name": self.name,
            "title": self.title,
            "columns": [column.title for column in self.columns],
            "rows": [list(row) for row in self.rows],
            "omitted": self.omitted,
            "note": self.note,
            "foot": self.foot,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What the reader must know: a remark, a warning, or that a difference is within noise."""

    kind: NoteKind
    text: str

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {"block": "note", "kind": self.kind, "text": self.text}


Block = Heading | Text | Bullets | KeyFigures | Figure | Table | Note

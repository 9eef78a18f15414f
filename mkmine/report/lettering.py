"""Text of a drawing: its width, its lines, its escaping."""

from __future__ import annotations

import unicodedata
from typing import Final
from xml.sax.saxutils import escape

from mkmine.report.glyphs import ADVANCE, UNKNOWN_GLYPH, WIDE_GLYPH, Weight

__all__ = ["clean", "escaped", "text_width", "visible", "wrap"]

ELLIPSIS: Final = "…"
_WORD_BREAKS: Final = "-–—/_.,:"


def text_width(text: str, *, size: float, weight: Weight = "regular") -> float:
    """Return an upper estimate of the width of one line of text, in the unit of `size` (pixels)."""
    known = ADVANCE[weight]
    return sum(known[glyph] if glyph in known else _other(glyph) for glyph in text) * size / 1000


def visible(text: str) -> str:
    """Return the text with a space for each character that cannot be shown: controls and changes of direction.

    XML cannot carry control characters even escaped, and a change of direction makes a text read otherwise than it is.
    """
    return "".join(one if _shows(one) else " " for one in text)


def clean(text: object) -> str:
    """Return the text on one line, with what cannot be shown left out."""
    return visible(str(text)).strip() or " "


def escaped(text: object) -> str:
    """Return the text safe inside an SVG or HTML element and inside a double-quoted attribute."""
    return escape(clean(text), {'"': "&quot;", "'": "&#39;"})


def wrap(text: str, *, size: float, width: float, lines: int = 3, weight: Weight = "regular") -> list[str]:
    """Break the text into at most `lines` lines no wider than `width`; what does not fit ends in an ellipsis.

    Breaks at spaces, then after hyphens, slashes and the like, and inside a word only when it alone is too wide.
    """
    rows: list[str] = []
    row = ""
    for piece in _pieces(" ".join(clean(text).split()), size=size, width=width, weight=weight):
        if row and text_width((row + piece).rstrip(), size=size, weight=weight) > width:
            rows.append(row.rstrip())
            row = ""
        row += piece if row else piece.lstrip()
    rows.append(row.rstrip())
    rows = [one for one in rows if one] or [" "]
    if len(rows) <= lines:
        return rows
    last = rows[lines - 1]
    while last and text_width(last + ELLIPSIS, size=size, weight=weight) > width:
        last = last[:-1].rstrip()
    return [*rows[: lines - 1], last + ELLIPSIS]


def _pieces(text: str, *, size: float, width: float, weight: Weight) -> list[str]:
    pieces: list[str] = []
    word = ""
    for glyph in text:
        word += glyph
        full = text_width(word, size=size, weight=weight) > width and len(word) > 1
        if full and not word.endswith(" "):
            pieces.append(word[:-1])
            word = glyph
        elif glyph == " " or (glyph in _WORD_BREAKS and len(word) > 3):
            pieces.append(word)
            word = ""
    return [*pieces, word] if word else pieces


def _other(glyph: str) -> int:
    if unicodedata.combining(glyph) or unicodedata.category(glyph) == "Cf":
        return 0
    return WIDE_GLYPH if unicodedata.east_asian_width(glyph) in "WF" or ord(glyph) > 0xFFFF else UNKNOWN_GLYPH


def _shows(glyph: str) -> bool:
    if unicodedata.category(glyph) in {"Cc", "Cs", "Cn", "Co"}:
        return False
    return not ("\u202a" <= glyph <= "\u202e" or "\u2066" <= glyph <= "\u2069")

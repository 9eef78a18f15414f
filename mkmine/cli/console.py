"""What the command line says: results on stdout, progress on stderr, in the user's language."""

from __future__ import annotations

import json
import math
import sys
import time
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from mkmine.language import Language, Translator, default_language, translator

if TYPE_CHECKING:
    import pandas as pd

    from mkmine.simulation.experiments.progress import Progress

__all__ = ["Console", "Result", "harmless", "plain", "records"]


WIDEST, LONGEST = 80, 2000  # characters of a cell, and of a message


class Result(Protocol):
    """Whatever an mkmine verb returns."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""


class Console:
    """The output of one command: its language, JSON or text, and whether errors show a traceback."""

    def __init__(self) -> None:
        self.language: Language = default_language()
        self.chosen = False
        self.as_json = False
        self.debug = False
        self._began = time.monotonic()

    def speak(self, language: Language) -> None:
        """Change the language to one that was asked for."""
        self.language = language
        self.chosen = True
        self.__dict__.pop("t", None)

    @cached_property
    def t(self) -> Translator:
        """The translator into the console's language."""
        return translator(self.language)

    def step(self, text: str) -> None:
        """Say what is being done, on stderr and only where a person watches."""
        if sys.stderr.isatty():
            print(f"{time.monotonic() - self._began:6.1f} s  {text}", file=sys.stderr, flush=True)

    def progress(self, done: int, total: int) -> None:
        """Show how far a long step is, on stderr and only where a person watches."""
        if sys.stderr.isatty():
            self._bar(done, total)

    @cached_property
    def _bar(self) -> Progress:
        """The bar of the long step."""
        from mkmine.simulation.experiments.progress import Progress

        return Progress()

    def complain(self, text: str, *, kind: str = "") -> None:
        """Say what went wrong, on stderr; `kind` is the word before it, "Error:" by default."""
        line = " ".join(one.strip() for one in harmless(text).splitlines())
        print(kind or self.t("Error:"), _clipped(line, LONGEST), file=sys.stderr, flush=True)

    def line(self, text: str = "") -> None:
        """Write a line of the result; in JSON mode nothing but the JSON is written."""
        if not self.as_json:
            print(harmless(text))

    def emit(self, result: Result | Mapping[str, Any]) -> None:
        """Write a result as JSON, in JSON mode."""
        if self.as_json:
            values = result if isinstance(result, Mapping) else result.to_dict()
            print(json.dumps(plain(values), ensure_ascii=False, indent=2, allow_nan=False))

    def table(self, headers: Sequence[str], rows: Sequence[Sequence[str]], *, indent: str = "  ") -> None:
        """Write a table: the first column to the left, those that hold only numbers to the right."""
        if not rows:
            return
        cells = [[_cell(str(cell)) for cell in row] for row in (headers, *rows)]
        widths = [max(len(row[column]) for row in cells) for column in range(len(headers))]
        right = [at > 0 and all(_numeric(row[at]) for row in cells[1:]) for at in range(len(headers))]
        for row in cells:
            places = zip(row, widths, right, strict=True)
            parts = [cell.rjust(width) if flush else cell.ljust(width) for cell, width, flush in places]
            self.line((indent + "  ".join(parts)).rstrip())


def harmless(text: str) -> str:
    """Return the text with a space for what would steer a terminal or turn the writing round: names come from files."""
    return "".join(one if one in "\n\t" or not _steers(one) else " " for one in text)


def _steers(glyph: str) -> bool:
    return unicodedata.category(glyph) == "Cc" or "\u202a" <= glyph <= "\u202e" or "\u2066" <= glyph <= "\u2069"


def _cell(text: str) -> str:
    line = " ".join(harmless(text.rstrip()).splitlines()).replace("\t", " ")
    return _clipped(line, WIDEST)


def _clipped(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _numeric(cell: str) -> bool:
    return not cell or cell[0].isdigit() or cell[0] in "+-\u2212\u2014"


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a frame."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def plain(value: Any) -> Any:
    """Return the value with only what JSON knows: no NaN, no numpy scalars, no dates, no sets."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(one) for one in value]
    for name in ("to_dict", "tolist", "isoformat"):
        if hasattr(value, name):
            return plain(getattr(value, name)())
    return str(value)

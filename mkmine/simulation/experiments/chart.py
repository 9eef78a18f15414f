"""Differences drawn as bars with their intervals, one row per scenario or input: SVG that needs nothing to be shown."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final, Literal

from mkmine.errors import DataError
from mkmine.files import write_bytes, write_text

__all__ = ["Bar", "Chart", "Row", "bars"]

Tone = Literal["good", "bad", "plain", "faint"]

_INK: Final = "#0f1f3d"
_LINE: Final = "#dbe3ee"
_TONES: Final = {"good": "#15803d", "bad": "#b91c1c", "plain": "#1d5fb4", "faint": "#7b8798"}
# Pixels of a PNG per pixel of the drawing.
_SHARP: Final = 2.0
_LABEL, _PLOT, _TEXT = 250, 330, 460
_ROW, _TOP, _FOOT = 26, 44, 58
# What no SVG should hold: controls (XML cannot carry them even escaped), halves of characters, changes of direction.
_UNSHOWN: Final = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
_LONGEST = {"label": 38, "text": 66}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A difference with its interval and what is said of it; a value that is not finite is only said."""

    value: float
    low: float
    high: float
    tone: Tone
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A scenario, or an input, with one bar or several."""

    label: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A drawing as SVG text."""

    title: str
    svg: str

    def save(self, path: str | Path) -> Path:
        """Write the drawing as SVG, or as PNG (two pixels for one), and return its path.

        Raises `DataError` if the name ends in neither `.svg` nor `.png`.
        """
        target = Path(path)
        if target.suffix.lower() == ".png":
            import vl_convert

            return write_bytes(target, vl_convert.svg_to_png(self.svg, scale=_SHARP))
        if target.suffix.lower() != ".svg":
            advice = f'name it "{target.stem}.svg"'
            raise DataError(f'a picture is saved as SVG or PNG, and "{target.name}" ends in neither; {advice}')
        return write_text(target, self.svg + "\n")

    def __repr__(self) -> str:
        return f"Chart({self.title!r})"

    def _repr_html_(self) -> str:
        return f'<div style="max-width:100%;overflow-x:auto">{self.svg}</div>'


def bars(
    title: str, rows: Sequence[Row], *, tick: Callable[[float], str], unit: float = 1.0, axis: str = "", note: str = ""
) -> Chart:
    """Draw rows of differences around zero, whatever lies left of it smaller than now, with their intervals.

    The axis counts in `unit`: `tick` writes its values, `axis` says what they are, `note` stands below.
    """
    marks = [bar for row in rows for bar in row.bars if math.isfinite(bar.value)]
    step, low, high = _span(
        [0.0, *(end for bar in marks for end in (bar.low / unit, bar.value / unit, bar.high / unit))]
    )

    def x(value: float) -> float:
        return _LABEL + _PLOT * (value / unit - low) / (high - low)

    bottom = _TOP + _ROW * sum(len(row.bars) for row in rows)
    out = [_text(0, 18, title, size=15, weight=600)]
    for number in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1):
        place = x(number * step * unit)
        color = _INK if number == 0 else _LINE
        out.append(f'<line x1="{place:.1f}" x2="{place:.1f}" y1="{_TOP - 6}" y2="{bottom}" stroke="{color}"/>')
        out.append(_text(place, bottom + 16, tick(number * step), anchor="middle"))
    y = _TOP
    for row in rows:
        out.append(_text(0, y + _ROW / 2 + 4, row.label, longest=_LONGEST["label"], size=13))
        for bar in row.bars:
            out += _drawn(bar, x, y)
            y += _ROW
    out.append(_text(_LABEL + _PLOT / 2, bottom + 34, axis, anchor="middle"))
    if note:
        out.append(_text(0, bottom + 52, note, longest=150))
    width, height = _LABEL + _PLOT + _TEXT, bottom + _FOOT
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{_escaped(title)}" font-family="system-ui, sans-serif" font-size="12" fill="{_INK}">'
        f'<rect width="{width}" height="{height}" fill="white"/>{"".join(out)}</svg>'
    )
    return Chart(title=title, svg=svg)


def _drawn(bar: Bar, x: Callable[[float], float], y: float) -> list[str]:
    middle, color = y + _ROW / 2, _TONES[bar.tone]
    said = _text(_LABEL + _PLOT + 16, middle + 4, bar.text, longest=_LONGEST["text"], size=13)
    if not math.isfinite(bar.value):
        return [said]
    left, right = sorted((x(0.0), x(bar.value)))
    whisker = f'stroke="{color}" stroke-width="1.5"'
    return [
        f'<rect x="{left:.1f}" y="{middle - 7:.1f}" width="{right - left:.1f}" height="14" fill="{color}" '
        'fill-opacity="0.3"/>',
        f'<line x1="{x(bar.low):.1f}" x2="{x(bar.high):.1f}" y1="{middle:.1f}" y2="{middle:.1f}" {whisker}/>',
        *(
            f'<line x1="{x(end):.1f}" x2="{x(end):.1f}" y1="{middle - 4:.1f}" y2="{middle + 4:.1f}" {whisker}/>'
            for end in (bar.low, bar.high)
        ),
        f'<circle cx="{x(bar.value):.1f}" cy="{middle:.1f}" r="3" fill="{color}"/>',
        said,
    ]


def _text(
    x: float, y: float, text: str, *, size: int = 12, weight: int = 400, anchor: str = "start", longest: int = 110
) -> str:
    shown = text if len(text) <= longest else text[: longest - 1].rstrip() + "…"
    whole = f"<title>{_escaped(text)}</title>" if shown != text else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" text-anchor="{anchor}">'
        f"{whole}{_escaped(shown)}</text>"
    )


def _escaped(text: str) -> str:
    return escape(_UNSHOWN.sub(" ", text))


def _span(values: Sequence[float]) -> tuple[float, float, float]:
    """Return a round step (1, 2 or 5 times a power of ten), and the ends of an axis that holds the values."""
    low, high = min(values), max(values)
    width = high - low or 1.0
    rough = width / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * k for k in (1, 2, 5, 10) if power * k >= rough)
    return step, low - 0.04 * width, high + 0.04 * width

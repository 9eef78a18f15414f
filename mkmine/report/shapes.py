"""The shapes of a process map as SVG: boxes, arrows, markers, labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from mkmine.report import palette
from mkmine.report.glyphs import FONT_STACK
from mkmine.report.layout import Point, Route
from mkmine.report.lettering import clean, escaped, text_width

__all__ = [
    "MARKER_RADIUS",
    "NAME_SIZE",
    "NUMBER_SIZE",
    "Ink",
    "Lettered",
    "box",
    "diamond",
    "document",
    "label",
    "marker",
    "number",
    "stroke",
    "swatch",
    "text",
]

NAME_SIZE: Final = 12.0
NUMBER_SIZE: Final = 10.5
LINE_HEIGHT: Final = 15.0
MARKER_RADIUS: Final = 11.0
_PAD_X: Final = 13.0
_PAD_Y: Final = 7.0
_MIN_WIDTH: Final = 72.0
_DASHES: Final = {
    "rework": "9 4",
    "edge_of_case": "3 3",
    "added": "7 4",
    "removed": "2 3.2",
    "deviating": "9 3 2 3",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lettered:
    """An activity with its text broken into lines: what a box must hold. `share` fills its bar (None: no bar)."""

    name: str
    lines: tuple[str, ...]
    figure: str
    tooltip: str
    fill: str
    bar: tuple[float, str] | None = None
    least_width: float = _MIN_WIDTH

    @property
    def width(self) -> float:
        """Width of the box in pixels."""
        widest = max(text_width(line, size=NAME_SIZE, weight="bold") for line in self.lines)
        return max(self.least_width, widest + 2 * _PAD_X, text_width(self.figure, size=NUMBER_SIZE) + 2 * _PAD_X)

    @property
    def height(self) -> float:
        """Height of the box in pixels."""
        return 2 * _PAD_Y + LINE_HEIGHT * len(self.lines) + (13 if self.figure else 0) + (4 if self.bar else 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ink:
    """How an arrow is drawn: colour, thickness in pixels and the kind of line."""

    color: str
    thickness: float
    kind: Literal["flow", "rework", "edge_of_case", "added", "removed", "deviating"] = field(default="flow")

    @property
    def head(self) -> float:
        """Length of the arrowhead in pixels."""
        return 6.5 + 1.1 * self.thickness


def box(item: Lettered, *, center: Point) -> str:
    """Draw an activity: a rounded box with its name, its figure and, on a map of times, its bar."""
    left, top = center[0] - item.width / 2, center[1] - item.height / 2
    ink = palette.readable_on(item.fill)
    border = palette.blend((item.fill, palette.DEEP), 0.35 if item.fill != palette.PAPER else 0.45)
    parts = [
        f'<g class="mk-activity" data-name="{escaped(item.name)}"><title>{escaped(item.tooltip)}</title>',
        f'<rect x="{number(left)}" y="{number(top)}" width="{number(item.width)}" height="{number(item.height)}"'
        f' rx="7" fill="{item.fill}" stroke="{border}" stroke-width="1.1"/>',
    ]
    baseline = top + _PAD_Y + 11
    for line in item.lines:
        parts.append(_text(line, (center[0], baseline), size=NAME_SIZE, color=ink, bold=True))
        baseline += LINE_HEIGHT
    if item.figure:
        parts.append(_text(item.figure, (center[0], baseline - 1), size=NUMBER_SIZE, color=ink, opacity=0.86))
    if item.bar:
        share, color = item.bar
        parts.append(
            f'<rect x="{number(left + 8)}" y="{number(top + item.height - 6.5)}" rx="1.2" height="2.6"'
            f' width="{number(max(2.0, (item.width - 16) * share))}" fill="{color}"/>'
        )
    return "".join([*parts, "</g>"])


def stroke(route: Route, *, ink: Ink, tooltip: str, ends: tuple[str, str]) -> str:
    """Draw an arrow along its route. Returns to earlier work are dashed, starts and ends of cases dotted; what is new,
    goes or is departed from has dashes of its own.

    `ends` names what the arrow joins, for a viewer that lights up the neighbours of an activity.
    """
    start, *rest = route.curve
    path = f"M{_pair(start)}C" + " ".join(_pair(point) for point in rest)
    dashes = f' stroke-dasharray="{_DASHES[ink.kind]}"' if ink.kind in _DASHES else ""
    return (
        f'<g class="mk-path mk-{ink.kind}" data-source="{escaped(ends[0])}" data-target="{escaped(ends[1])}">'
        f"<title>{escaped(tooltip)}</title>"
        f'<path d="{path}" fill="none" stroke="{ink.color}" stroke-width="{number(ink.thickness)}"{dashes}/>'
        f'<polygon points="{_head(route, ink=ink)}" fill="{ink.color}"/></g>'
    )


def label(text: str, *, center: Point, color: str) -> str:
    """Draw the figure of an arrow on a patch of paper, so that it stays readable where a line passes under it."""
    width, height = text_width(text, size=NUMBER_SIZE) + 3, NUMBER_SIZE + 2
    patch = (
        f'<rect x="{number(center[0] - width / 2)}" y="{number(center[1] - height / 2)}" width="{number(width)}"'
        f' height="{number(height)}" rx="3" fill="{palette.PAPER}"/>'
    )
    return patch + _text(text, (center[0], center[1] + NUMBER_SIZE * 0.36), size=NUMBER_SIZE, color=color)


def marker(kind: Literal["start", "end"], *, center: Point, tooltip: str) -> str:
    """Draw where cases begin (a green triangle in a circle) or end (a red square in a circle)."""
    x, y = center
    color = palette.START if kind == "start" else palette.END
    if kind == "start":
        sign = (
            f'<polygon points="{_pair((x - 3, y - 5))} {_pair((x + 5.4, y))} {_pair((x - 3, y + 5))}" fill="{color}"/>'
        )
    else:
        sign = f'<rect x="{number(x - 4)}" y="{number(y - 4)}" width="8" height="8" rx="1.4" fill="{color}"/>'
    return (
        f'<g class="mk-{kind}"><title>{escaped(tooltip)}</title><circle cx="{number(x)}" cy="{number(y)}"'
        f' r="{number(MARKER_RADIUS - 1)}" fill="{palette.blend((palette.PAPER, color), 0.1)}" stroke="{color}"'
        f' stroke-width="1.8"/>{sign}</g>'
    )


def swatch(color: str) -> str:
    """Draw a sample of a colour for a legend."""
    return f'<rect y="-9" width="16" height="11" rx="2.5" fill="{color}"/>'


def diamond(sign: str, *, center: Point, size: float, tooltip: str) -> str:
    """Draw a gateway: a diamond with its sign."""
    x, y = center
    half = size / 2
    corners = ((x, y - half), (x + half, y), (x, y + half), (x - half, y))
    return (
        f'<g class="mk-gateway"><title>{escaped(tooltip)}</title>'
        f'<polygon points="{" ".join(map(_pair, corners))}" fill="{palette.SHADE}" stroke="{palette.MUTED}"'
        f' stroke-width="1.3"/>{_text(sign, (x, y + 5), size=15, color=palette.MUTED, bold=True)}</g>'
    )


def document(parts: Sequence[str], *, width: float, height: float, title: str, description: str) -> str:
    """Wrap shapes into a whole SVG that names and describes itself to a screen reader."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {number(width)} {number(height)}"'
        f' width="{number(width)}" height="{number(height)}" role="img" aria-label="{escaped(title)}"'
        f' font-family="{FONT_STACK}">'
        f"<title>{escaped(title)}</title><desc>{escaped(description)}</desc>" + "".join(parts) + "</svg>"
    )


def text(content: str, *, at: Point, size: float, color: str, anchor: str = "start", bold: bool = False) -> str:
    """Draw one line of text whose baseline begins (or is centred) at a point."""
    return _text(content, at, size=size, color=color, bold=bold, anchor=anchor)


def number(value: float) -> str:
    """Return a coordinate with at most one decimal, so that files are small and the same everywhere."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def _text(
    content: str,
    at: Point,
    *,
    size: float,
    color: str,
    bold: bool = False,
    opacity: float = 1.0,
    anchor: str = "middle",
) -> str:
    weight = ' font-weight="700"' if bold else ""
    faded = f' fill-opacity="{opacity}"' if opacity < 1 else ""
    return (
        f'<text x="{number(at[0])}" y="{number(at[1])}" font-size="{number(size)}" text-anchor="{anchor}"'
        f' fill="{color}"{weight}{faded}>{escaped(clean(content))}</text>'
    )


def _head(route: Route, *, ink: Ink) -> str:
    (x, y), (tip_x, tip_y) = route.curve[-1], route.tip
    length = math.hypot(tip_x - x, tip_y - y) or 1.0
    half = 2.6 + 0.72 * ink.thickness
    across = (-(tip_y - y) / length * half, (tip_x - x) / length * half)
    corners = ((x + across[0], y + across[1]), (tip_x, tip_y), (x - across[0], y - across[1]))
    return " ".join(_pair(corner) for corner in corners)


def _pair(point: Point) -> str:
    return f"{number(point[0])},{number(point[1])}"

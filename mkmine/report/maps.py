"""The process map as a drawing: what happens how often, where cases wait, what it costs.

Boxes are activities in their natural order from top to bottom, arrows the transitions between them. On the map of
frequencies the blue of a box and the thickness of an arrow grow with the count; on the map of times the colour of an
arrow is the wait before the activity it leads to. Returns to earlier work are dashed on both. Two maps drawn side by
side stand in one layout and share one scale, so that what differs in the picture differs in the process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from mkmine.discovery.process_map import merged_order
from mkmine.errors import DataError
from mkmine.language import Translator, translator
from mkmine.report import dot, legend, palette
from mkmine.report.layout import Arrow, Box, Layout, Point, arrange
from mkmine.report.lettering import text_width, wrap
from mkmine.report.picture import Picture
from mkmine.report.scales import END, START, Path, Scale, ends, rows
from mkmine.report.shapes import (
    MARKER_RADIUS,
    NUMBER_SIZE,
    Lettered,
    box,
    document,
    label,
    marker,
    stroke,
    text,
)

if TYPE_CHECKING:
    from mkmine.discovery import ProcessMap

__all__ = ["Panel", "compose", "draw_map", "draw_pair", "place", "readable"]

_MARGIN: Final = 20.0
_APART: Final = 56.0
_TITLE: Final = 30.0
# More paths than this are a web that nobody reads and that takes seconds to lay out; more boxes cannot be drawn.
_PATHS_PER_ACTIVITY, _FEWEST_PATHS, _MOST_BOXES = 3, 40, 150


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """The boxes and arrows of one map, and what is written above it."""

    boxes: Sequence[Lettered]
    paths: Sequence[Path]
    title: str = ""


def readable(process_map: ProcessMap) -> ProcessMap:
    """Return the map with as many of its paths as can be read: three per activity, forty at least.

    Raises `DataError` if it has more activities than can be drawn.
    """
    if len(process_map.activities) > _MOST_BOXES:
        raise DataError(
            f"a map of {len(process_map.activities):,} activities cannot be drawn; show fewer, e.g. activities=0.3 "
            f"(on the command line --activities 0.3)"
        )
    most = max(_FEWEST_PATHS, _PATHS_PER_ACTIVITY * len(process_map.activities))
    return process_map if len(process_map.edges) <= most else process_map.only(paths=most / len(process_map.edges))


def draw_map(
    process_map: ProcessMap, *, metric: str = "frequency", measure: str | None = None, language: str = "en"
) -> Picture:
    """Draw a process map as SVG with its legend and the filter behind it.

    `metric` and `measure`: `"frequency"` by `"absolute"`, `"case"` or `"max"` (most in one case); `"time"` by
    `"median"`, `"mean"`, `"p85"`, `"p95"` or `"total"`; `"cost"` by the same, if the map has one. A map with more paths
    than can be read (three per activity, forty at least) is drawn with the most frequent ones, and says so.

    The same map gives the same bytes, whatever fonts are installed. Every text is escaped.
    Raises `UnknownNameError` if the metric, the measure or the language is not one of those offered, and `DataError` if
    there are more activities than can be drawn, or no costs.
    """
    t = translator(language)
    shown = readable(process_map)
    scale = Scale.of([shown], metric=metric, measure=measure, t=t)
    panel = _panel(shown, scale)
    placed = place([panel], order=shown.order)
    filters = legend.shown(shown, t=t)
    key = _key([shown], scale, filters, placed.width)
    picture = compose([panel], placed, key=key, title=_title(scale), filters=filters, t=t)
    return replace(picture, dot=dot.written(panel.boxes, panel.paths, title=_title(scale), filters=filters))


def draw_pair(
    first: ProcessMap,
    second: ProcessMap,
    *,
    names: tuple[str, str] | None = None,
    metric: str = "frequency",
    measure: str | None = None,
    language: str = "en",
) -> Picture:
    """Draw two maps side by side in one layout, with one scale of colours and thicknesses.

    What only one of them has leaves an empty place in the other. Raises as `draw_map` does.
    """
    t = translator(language)
    maps = [readable(one) for one in (first, second)]
    scale = Scale.of(maps, metric=metric, measure=measure, t=t)
    titles = names or (first.provenance.log, second.provenance.log)
    panels = [replace(_panel(one, scale), title=name) for one, name in zip(maps, titles, strict=True)]
    placed = place(panels, order=merged_order(maps[0].order, maps[1].order))
    told = [f"{name}: {legend.shown(one, t=t)}" for one, name in zip(maps, titles, strict=True)]
    filters = "; ".join(told)
    key = _key(maps, scale, filters, 2 * placed.width + _APART)
    return compose(panels, placed, key=key, title=_title(scale), filters=filters, t=t)


def _panel(process_map: ProcessMap, scale: Scale) -> Panel:
    boxes = [scale.box(row) for row in rows(process_map.activities)]
    names = {item.name for item in boxes}
    paths = [scale.path(row) for row in rows(process_map.edges)]
    paths = [path for path in paths if path.source in names and path.target in names]
    return Panel(boxes=boxes, paths=[*paths, *ends(process_map, names=names, t=scale.t)])


def place(panels: Sequence[Panel], *, order: Sequence[str]) -> Layout:
    """Lay out what any of the panels shows; routes are named by the pair of names that they join."""
    rank = {name: position for position, name in enumerate([START, *order, END])}
    sizes: dict[str, Point] = {}
    for item in (item for panel in panels for item in panel.boxes):
        width, height = sizes.get(item.name, (0.0, 0.0))
        sizes[item.name] = (max(width, item.width), max(height, item.height))
    merged: dict[str, list[Path]] = {}
    for path in (path for panel in panels for path in panel.paths):
        merged.setdefault(_route(path), []).append(path)
    touched = {name for paths in merged.values() for name in (paths[0].source, paths[0].target)}
    size = 2 * MARKER_RADIUS
    first = [Box(name=START, width=size, height=size, shape="circle", place="first")] if START in touched else []
    last = [Box(name=END, width=size, height=size, shape="circle", place="last")] if END in touched else []
    nodes = [Box(name=name, width=sizes[name][0], height=sizes[name][1]) for name in order if name in sizes]
    arrows = [
        Arrow(
            name=name,
            source=paths[0].source,
            target=paths[0].target,
            pull=max(path.pull for path in paths),
            back=rank[paths[0].target] < rank[paths[0].source],
            head=max(path.ink.head for path in paths),
            label=_label_size(paths),
        )
        for name, paths in merged.items()
    ]
    return arrange([*first, *nodes, *last], arrows)


def _route(path: Path) -> str:
    return f"{path.source}\x01{path.target}"


def _label_size(paths: Sequence[Path]) -> Point | None:
    figures = [path for path in paths if path.figure]
    if not figures:
        return None
    widest = max(text_width(path.figure, size=NUMBER_SIZE) + 10 + path.ink.thickness for path in figures)
    return widest, NUMBER_SIZE + 4


def compose(
    panels: Sequence[Panel], placed: Layout, *, key: legend.Legend, title: str, filters: str, t: Translator
) -> Picture:
    """Put the panels beside each other over their legend."""
    inner = len(panels) * placed.width + (len(panels) - 1) * _APART
    width = max(inner, key.width) + 2 * _MARGIN
    top = _MARGIN + (_TITLE if any(panel.title for panel in panels) else 0)
    parts: list[str] = []
    widths = _widths(panels)
    for position, panel in enumerate(panels):
        left = (width - inner) / 2 + position * (placed.width + _APART)
        if panel.title:
            line = wrap(panel.title, size=13, width=placed.width, lines=1, weight="bold")[0]
            parts.append(text(line, at=(left, _MARGIN + 8), size=13, color=palette.INK, bold=True))
        parts.append(f'<g transform="translate({left:.1f} {top:.1f})">')
        parts += _drawn(panel, placed, widths, t)
        parts.append("</g>")
    bottom = top + placed.height + _MARGIN
    parts.append(f'<g transform="translate({_MARGIN:.1f} {bottom:.1f})">{key.svg}</g>')
    height = bottom + key.height + _MARGIN / 2
    svg = document(parts, width=width, height=height, title=title, description=filters)
    return Picture(svg=svg, width=width, height=height, title=title)


def _widths(panels: Sequence[Panel]) -> Mapping[str, float]:
    widths: dict[str, float] = {}
    for item in (item for panel in panels for item in panel.boxes):
        widths[item.name] = max(widths.get(item.name, 0.0), item.width)
    return widths


def _drawn(panel: Panel, placed: Layout, widths: Mapping[str, float], t: Translator) -> list[str]:
    # Arrows first, the strong above the weak, then boxes, then figures: nothing readable is ever covered.
    paths = sorted(panel.paths, key=lambda path: path.ink.thickness)
    parts = [stroke(placed.routes[_route(path)], ink=path.ink, tooltip=path.tooltip, ends=path.ends) for path in paths]
    parts += [
        box(replace(item, least_width=widths[item.name]), center=placed.centers[item.name]) for item in panel.boxes
    ]
    if START in placed.centers:
        parts.append(marker("start", center=placed.centers[START], tooltip=t("Start of a case")))
    if END in placed.centers:
        parts.append(marker("end", center=placed.centers[END], tooltip=t("End of a case")))
    for path in paths:
        center = placed.routes[_route(path)].label
        if center is not None and path.figure:
            parts.append(label(path.figure, center=center, color=path.figure_color))
    return parts


def _key(maps: Sequence[ProcessMap], scale: Scale, filters: str, width: float) -> legend.Legend:
    return legend.compose(
        scale=scale,
        wall=maps[0].clock == "wall",
        rework=any(bool(one.edges["rework"].any()) for one in maps),
        shown=filters,
        width=max(width, 420.0),
    )


def _title(scale: Scale) -> str:
    t: Translator = scale.t
    titles = {
        "frequency": t("Process map by frequency"),
        "time": t("Process map by time"),
        "cost": t("Process map by cost"),
    }
    return titles[scale.metric]

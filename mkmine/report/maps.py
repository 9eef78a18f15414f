"""The process map as a drawing: what happens how often, and where cases wait.

Boxes are activities in their natural order from top to bottom, arrows the transitions between them. On the map of
frequencies the blue of a box and the thickness of an arrow grow with the count; on the map of times the colour of an
arrow is the median wait before the activity it leads to. Returns to earlier work are dashed on both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from mkmine.errors import DataError, UnknownNameError
from mkmine.language import Translator, translator, unit_of
from mkmine.report import legend, palette
from mkmine.report.layout import Arrow, Box, Layout, Point, arrange
from mkmine.report.lettering import text_width, wrap
from mkmine.report.picture import Picture
from mkmine.report.shapes import (
    MARKER_RADIUS,
    NAME_SIZE,
    NUMBER_SIZE,
    Ink,
    Lettered,
    box,
    document,
    label,
    marker,
    stroke,
)

if TYPE_CHECKING:
    import pandas as pd

    from mkmine.discovery import ProcessMap

__all__ = ["Metric", "draw"]

Metric = Literal["frequency", "time"]

_NAME_WIDTH: Final = 176.0
_MARGIN: Final = 20.0
_START, _END = "\x00start", "\x00end"  # no activity can be called so: names carry no control characters
_ENDS_COVERED: Final = 0.98  # share of cases whose first and last activity is tied to the markers
_MANY_PATHS, _DENSE = 600, 8  # transitions in all, and per activity, beyond which a layout takes minutes
_HOT: Final = 0.72  # share of the scale from which a figure is printed in red


@dataclass(frozen=True, slots=True, kw_only=True)
class _Path:
    source: str
    target: str
    tooltip: str
    ink: Ink
    figure: str = ""
    figure_color: str = palette.MUTED
    pull: int = 1

    @property
    def ends(self) -> tuple[str, str]:
        """Names of the activities that the arrow joins; empty for a marker."""
        return self.source.removeprefix(_START), self.target.removeprefix(_END)


def draw(process_map: ProcessMap, *, metric: Metric = "frequency", language: str = "en") -> Picture:
    """Draw a process map as SVG, by `"frequency"` or by `"time"`, with its legend and the filter behind it.

    The same map gives the same bytes, whatever fonts are installed. Every text is escaped.
    Raises `UnknownNameError` if the metric or the language is not one of those offered, and `DataError` if there are so
    many transitions between so few activities that the drawing would be one black web.
    """
    if metric not in ("frequency", "time"):
        raise UnknownNameError.of(kind="metric of a map", name=str(metric), known=["frequency", "time"])
    t = translator(language)
    scale = _Scale.of(process_map, metric=metric, t=t)
    boxes = [scale.box(row) for row in _rows(process_map.activities)]
    paths = [scale.path(row) for row in _rows(process_map.edges)]
    names = {item.name for item in boxes}
    paths = [path for path in paths if path.source in names and path.target in names]
    paths += _ends(process_map, names=names, t=t)
    if len(paths) > _MANY_PATHS and len(paths) > _DENSE * len(boxes):
        raise DataError(
            f"a map of {len(boxes):,} activities and {len(paths):,} transitions is too dense to be drawn; show fewer "
            f"transitions, e.g. paths=0.2 (on the command line --paths 0.2)"
        )
    placed = _place(boxes, paths, order=[item.name for item in boxes])
    return _compose(process_map, boxes=boxes, paths=paths, placed=placed, scale=scale)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scale:
    """How numbers of this map become colours, thicknesses and texts."""

    metric: Metric
    t: Translator
    day: float
    most_instances: float
    most_transitions: float
    longest_wait: float
    longest_work: float

    @classmethod
    def of(cls, process_map: ProcessMap, *, metric: Metric, t: Translator) -> _Scale:
        activities, edges = process_map.activities, process_map.edges
        return cls(
            metric=metric,
            t=t,
            day=process_map.calendar.hours_per_day or 8.0,
            most_instances=_largest(activities["instances"]),
            most_transitions=_largest(edges["count"]),
            longest_wait=_largest(edges["waiting_median_h"]),
            longest_work=_largest(activities["duration_median_h"]),
        )

    def hours(self, hours: float) -> str:
        """Write working hours briefly: 40 min, 3.5 h, 1.2 d."""
        return unit_of([hours], self.t, day=self.day, short=True).write(hours, self.t)

    def box(self, row: dict[str, object]) -> Lettered:
        t, name, instances = self.t, str(row["activity"]), _float(row["instances"])
        work = _float(row["duration_median_h"])
        tooltip = " · ".join(
            (
                name,
                t.plural("{n} execution", "{n} executions", int(instances)),
                t.plural("in {n} case", "in {n} cases", int(_float(row["cases"]))),
                t("median duration {duration}", duration=self.hours(work)),
            )
        )
        lines = tuple(wrap(name, size=NAME_SIZE, width=_NAME_WIDTH, weight="bold"))
        if self.metric == "frequency":
            fill = palette.depth((instances / self.most_instances) ** 0.75)
            return Lettered(name=name, lines=lines, figure=t.number(instances), tooltip=tooltip, fill=fill)
        if not self.longest_work:
            # The log holds only moments of completion: a duration of zero would be an invention.
            return Lettered(name=name, lines=lines, figure="", tooltip=tooltip, fill=palette.PAPER)
        share = math.sqrt(max(work, 0.0) / self.longest_work) if math.isfinite(work) else 0.0
        bar = (share, palette.heat(share))
        return Lettered(name=name, lines=lines, figure=self.hours(work), tooltip=tooltip, fill=palette.PAPER, bar=bar)

    def path(self, row: dict[str, object]) -> _Path:
        t, count, wait = self.t, _float(row["count"]), _float(row["waiting_median_h"])
        share = math.sqrt(count / self.most_transitions)
        rework = bool(row["rework"])
        heat = math.sqrt(max(wait, 0.0) / self.longest_wait) if self.longest_wait and math.isfinite(wait) else 0.0
        if self.metric == "time":
            color, figure = palette.heat(heat), self.hours(wait)
        else:
            color = palette.REWORK if rework else palette.blend(("#a3b0c6", "#3d4f6f"), share)
            figure = t.number(count)
        widest = 3.0 if row["source"] == row["target"] else 6.4  # a loop is too short for a thick line
        parts = [
            f"{row['source']} → {row['target']}",
            t.plural("{n} transition", "{n} transitions", int(count)),
            t.plural("in {n} case", "in {n} cases", int(_float(row["cases"]))),
            t("median wait {duration}", duration=self.hours(wait)),
        ]
        return _Path(
            source=str(row["source"]),
            target=str(row["target"]),
            tooltip=" · ".join([*parts, t("return to earlier work")] if rework else parts),
            ink=Ink(color=color, thickness=min(1.2 + 5.2 * share, widest), kind="rework" if rework else "flow"),
            figure=figure,
            figure_color=palette.BAD if self.metric == "time" and heat > _HOT else "#475569",
            pull=1 if rework else 1 + round(8 * count / self.most_transitions),
        )


def _ends(process_map: ProcessMap, *, names: set[str], t: Translator) -> list[_Path]:
    paths: list[_Path] = []
    for column, color in (("starts", palette.START), ("ends", palette.END)):
        rows = sorted(
            (
                (int(_float(row[column])), str(row["activity"]))
                for row in _rows(process_map.activities)
                if _float(row[column]) > 0 and str(row["activity"]) in names
            ),
            key=lambda pair: -pair[0],
        )
        for count, name in _covering(rows):
            first = column == "starts"
            cases = t.plural("{n} case", "{n} cases", count)
            tooltip = t("{cases} begin with “{activity}”", cases=cases, activity=name)
            if not first:
                tooltip = t("{cases} end with “{activity}”", cases=cases, activity=name)
            share = math.sqrt(count / max(rows[0][0], 1))
            paths.append(
                _Path(
                    source=_START if first else name,
                    target=name if first else _END,
                    tooltip=tooltip,
                    ink=Ink(color=color, thickness=1.1 + 1.3 * share, kind="edge_of_case"),
                    pull=1 + round(7 * share**2),
                )
            )
    return paths


def _covering(rows: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
    """Return the largest that together reach the covered share, so that rare beginnings do not web the map."""
    total, taken, kept = sum(count for count, _ in rows), 0, []
    for row in rows:
        if taken >= _ENDS_COVERED * total:
            break
        kept.append(row)
        taken += row[0]
    return kept


def _place(boxes: Sequence[Lettered], paths: Sequence[_Path], *, order: Sequence[str]) -> Layout:
    rank = {name: position for position, name in enumerate([_START, *order, _END])}
    nodes = [Box(name=item.name, width=item.width, height=item.height) for item in boxes]
    ends = {path.source for path in paths} | {path.target for path in paths}
    size = 2 * MARKER_RADIUS
    first = [Box(name=_START, width=size, height=size, shape="circle", place="first")] if _START in ends else []
    last = [Box(name=_END, width=size, height=size, shape="circle", place="last")] if _END in ends else []
    arrows = [
        Arrow(
            name=str(position),
            source=path.source,
            target=path.target,
            pull=path.pull,
            back=rank[path.target] < rank[path.source],
            head=path.ink.head,
            label=_label_size(path),
        )
        for position, path in enumerate(paths)
    ]
    return arrange([*first, *nodes, *last], arrows)


def _label_size(path: _Path) -> Point | None:
    if not path.figure:
        return None
    return text_width(path.figure, size=NUMBER_SIZE) + 10 + path.ink.thickness, NUMBER_SIZE + 4


def _compose(
    process_map: ProcessMap, *, boxes: Sequence[Lettered], paths: Sequence[_Path], placed: Layout, scale: _Scale
) -> Picture:
    t = scale.t
    key = legend.compose(
        metric=scale.metric,
        t=t,
        longest_wait=scale.longest_wait,
        written=scale.hours,
        timed=bool(scale.longest_work),
        rework=any(path.ink.kind == "rework" for path in paths),
        shown=legend.shown(process_map, t=t),
        width=max(placed.width, 420.0),
    )
    width = max(placed.width, key.width) + 2 * _MARGIN
    shift = ((width - placed.width) / 2, _MARGIN)
    # Arrows first, the strong above the weak, then boxes, then figures: nothing readable is ever covered.
    drawn = sorted(range(len(paths)), key=lambda position: paths[position].ink.thickness)
    parts = [f'<g transform="translate({shift[0]:.1f} {shift[1]:.1f})">']
    parts += [
        stroke(placed.routes[str(one)], ink=paths[one].ink, tooltip=paths[one].tooltip, ends=paths[one].ends)
        for one in drawn
    ]
    parts += [box(item, center=placed.centers[item.name]) for item in boxes]
    for name, kind, tooltip in ((_START, "start", t("Start of a case")), (_END, "end", t("End of a case"))):
        if name in placed.centers:
            parts.append(marker("start" if kind == "start" else "end", center=placed.centers[name], tooltip=tooltip))
    for one in drawn:
        center = placed.routes[str(one)].label
        if center is not None:
            parts.append(label(paths[one].figure, center=center, color=paths[one].figure_color))
    parts.append("</g>")
    top = placed.height + 2 * _MARGIN
    parts.append(f'<g transform="translate({_MARGIN:.1f} {top:.1f})">{key.svg}</g>')
    height = top + key.height + _MARGIN / 2
    title = t("Process map by frequency") if scale.metric == "frequency" else t("Process map by time")
    svg = document(parts, width=width, height=height, title=title, description=legend.shown(process_map, t=t))
    return Picture(svg=svg, width=width, height=height, title=title)


def _rows(frame: pd.DataFrame) -> list[dict[str, object]]:
    return [dict(zip(frame.columns, row, strict=True)) for row in frame.itertuples(index=False, name=None)]


def _largest(column: pd.Series) -> float:
    values = [float(value) for value in column if math.isfinite(float(value))]
    return max([*values, 0.0])


def _float(value: object) -> float:
    return float(value) if isinstance(value, int | float) or hasattr(value, "__float__") else math.nan

"""How the numbers of process maps become colours, thicknesses and texts; one scale serves all maps of a picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from mkmine.errors import DataError, UnknownNameError
from mkmine.language import Translator, unit_of
from mkmine.report import palette
from mkmine.report.lettering import wrap
from mkmine.report.shapes import NAME_SIZE, Ink, Lettered

if TYPE_CHECKING:
    import pandas as pd

    from mkmine.discovery import ProcessMap

__all__ = ["END", "MEASURES", "NAME_WIDTH", "START", "Metric", "Path", "Scale", "ends", "rows"]

Metric = Literal["frequency", "time", "cost"]

# What each metric can be measured by; the first is the usual one.
MEASURES: Final[dict[str, tuple[str, ...]]] = {
    "frequency": ("absolute", "case", "max"),
    "time": ("median", "mean", "p85", "p95", "total"),
    "cost": ("total", "mean", "median", "p85", "p95"),
}
START, END = "\x00start", "\x00end"  # no activity can be called so: names carry no control characters
NAME_WIDTH: Final = 176.0
_ENDS_COVERED: Final = 0.98  # share of cases whose first and last activity is tied to the markers
_HOT: Final = 0.72  # share of the scale from which a figure is printed in red
_BOXES: Final = {"absolute": "instances", "case": "cases", "max": "max_rounds"}
_PATHS: Final = {"absolute": "count", "case": "cases", "max": "max_repeats"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """An arrow of a map before it is placed."""

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
        return self.source.removeprefix(START), self.target.removeprefix(END)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How numbers become colours, thicknesses and texts; `most_*` are the ends of the scale."""

    metric: Metric
    measure: str
    t: Translator
    day: float
    most_boxes: float
    most_paths: float
    most_transitions: float

    @classmethod
    def of(cls, maps: Sequence[ProcessMap], *, metric: str, measure: str | None, t: Translator) -> Scale:
        """Return the scale that all these maps share.

        Raises `UnknownNameError` if there is no such metric or measure, and `DataError` if a map knows no costs.
        """
        if metric not in MEASURES:
            raise UnknownNameError.of(kind="metric of a map", name=str(metric), known=list(MEASURES))
        chosen = measure or MEASURES[metric][0]
        if chosen not in MEASURES[metric]:
            raise UnknownNameError.of(kind=f"measure of {metric}", name=chosen, known=MEASURES[metric])
        if metric == "cost" and not all(one.costed for one in maps):
            raise DataError('the map knows no costs; make it with discover(log, cost="...")')
        box, path = _columns(metric, chosen)
        return cls(
            metric=metric,  # type: ignore[arg-type]
            measure=chosen,
            t=t,
            day=maps[0].calendar.hours_per_day or 8.0,
            most_boxes=max(_largest(one.activities[box]) for one in maps),
            most_paths=max(_largest(one.edges[path]) for one in maps),
            most_transitions=max(_largest(one.edges["count"]) for one in maps),
        )

    def hours(self, hours: float) -> str:
        """Write hours briefly: 40 min, 3.5 h, 1.2 d."""
        return unit_of([hours], self.t, day=self.day, short=True).write(hours, self.t)

    def money(self, cost: float) -> str:
        """Write a cost, with decimals where it is small."""
        return self.t.number(cost, digits=0 if abs(cost) >= 100 else 2)

    def box(self, row: dict[str, object]) -> Lettered:
        """Return the box of an activity."""
        t, name = self.t, str(row["activity"])
        value = number_of(row[_columns(self.metric, self.measure)[0]])
        parts = [
            name,
            t.plural("{n} execution", "{n} executions", int(number_of(row["instances"]))),
            t.plural("in {n} case", "in {n} cases", int(number_of(row["cases"]))),
            t("median duration {duration}", duration=self.hours(number_of(row["duration_median_h"]))),
        ]
        lines = tuple(wrap(name, size=NAME_SIZE, width=NAME_WIDTH, weight="bold"))
        known = math.isfinite(value) and bool(self.most_boxes)
        share = max(value, 0.0) / self.most_boxes if known else 0.0
        tooltip = " · ".join(parts)
        if self.metric != "time":
            figure = t.number(value) if self.metric == "frequency" else self.money(value)
            return Lettered(name=name, lines=lines, figure=figure, tooltip=tooltip, fill=palette.depth(share**0.75))
        if not self.most_boxes:
            # The log holds only moments of completion: a duration of zero would be an invention.
            return Lettered(name=name, lines=lines, figure="", tooltip=tooltip, fill=palette.PAPER)
        bar = (math.sqrt(share), palette.heat(math.sqrt(share)))
        return Lettered(name=name, lines=lines, figure=self.hours(value), tooltip=tooltip, fill=palette.PAPER, bar=bar)

    def path(self, row: dict[str, object]) -> Path:
        """Return the arrow of a path."""
        t, count, rework = self.t, number_of(row["count"]), bool(row["rework"])
        value = number_of(row[_columns(self.metric, self.measure)[1]])
        share = math.sqrt(count / self.most_transitions) if self.most_transitions else 0.0
        timed = self.metric == "time"
        known = timed and self.most_paths > 0 and math.isfinite(value)
        heat = math.sqrt(max(value, 0.0) / self.most_paths) if known else 0.0
        color = palette.REWORK if rework else palette.blend(("#a3b0c6", "#3d4f6f"), share)
        widest = 3.0 if row["source"] == row["target"] else 6.4  # a loop is too short for a thick line
        wait = t("median wait {duration}", duration=self.hours(number_of(row["waiting_median_h"])))
        parts = [
            f"{row['source']} → {row['target']}",
            t.plural("{n} transition", "{n} transitions", int(count)),
            t.plural("in {n} case", "in {n} cases", int(number_of(row["cases"]))),
            wait,
            *([t("return to earlier work")] if rework else []),
            *([t("done side by side")] if row.get("parallel") else []),
        ]
        return Path(
            source=str(row["source"]),
            target=str(row["target"]),
            tooltip=" · ".join(parts),
            ink=Ink(
                color=palette.heat(heat) if timed else color,
                thickness=min(1.2 + 5.2 * share, widest),
                kind="rework" if rework else "flow",
            ),
            figure=self.hours(value) if timed else t.number(value),
            figure_color=palette.BAD if heat > _HOT else "#475569",
            pull=1 if rework else 1 + round(8 * count / max(self.most_transitions, 1.0)),
        )


def ends(process_map: ProcessMap, *, names: set[str], t: Translator) -> list[Path]:
    """Return the arrows from the start to where cases begin, and to the end from where they end."""
    paths: list[Path] = []
    for column, color in (("starts", palette.START), ("ends", palette.END)):
        found = sorted(
            (
                (int(number_of(row[column])), str(row["activity"]))
                for row in rows(process_map.activities)
                if number_of(row[column]) > 0 and str(row["activity"]) in names
            ),
            key=lambda pair: -pair[0],
        )
        for count, name in _covering(found):
            first = column == "starts"
            cases = t.plural("{n} case", "{n} cases", count)
            tooltip = t("{cases} begin with “{activity}”", cases=cases, activity=name)
            if not first:
                tooltip = t("{cases} end with “{activity}”", cases=cases, activity=name)
            share = math.sqrt(count / max(found[0][0], 1))
            paths.append(
                Path(
                    source=START if first else name,
                    target=name if first else END,
                    tooltip=tooltip,
                    ink=Ink(color=color, thickness=1.1 + 1.3 * share, kind="edge_of_case"),
                    pull=1 + round(7 * share**2),
                )
            )
    return paths


def rows(frame: pd.DataFrame) -> list[dict[str, object]]:
    """Return the rows of a frame as they are."""
    return [dict(zip(frame.columns, row, strict=True)) for row in frame.itertuples(index=False, name=None)]


def number_of(value: object) -> float:
    """Return a number, NaN for what is none."""
    return float(value) if isinstance(value, int | float) or hasattr(value, "__float__") else math.nan


def _columns(metric: str, measure: str) -> tuple[str, str]:
    """Return the columns of activities and of paths that a measure shows."""
    if metric == "frequency":
        return _BOXES[measure], _PATHS[measure]
    if metric == "time":
        return f"duration_{measure}_h", f"waiting_{measure}_h"
    # A path costs nothing by itself.
    return f"cost_{measure}", "count"


def _covering(found: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
    """Return the largest that together reach the covered share, so that rare beginnings do not web the map."""
    total, taken, kept = sum(count for count, _ in found), 0, []
    for row in found:
        if taken >= _ENDS_COVERED * total:
            break
        kept.append(row)
        taken += row[0]
    return kept


def _largest(column: pd.Series) -> float:
    values = [float(value) for value in column if math.isfinite(float(value))]
    return max([*values, 0.0])

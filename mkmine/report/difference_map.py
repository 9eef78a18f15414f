"""The process difference as a drawing: coloured is what differs beyond chance, grey what does not."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, Literal

from mkmine.errors import UnknownNameError
from mkmine.language import Translator, translator, unit_of
from mkmine.report import legend, palette
from mkmine.report.lettering import wrap
from mkmine.report.maps import Panel, compose, place
from mkmine.report.picture import Picture
from mkmine.report.scales import NAME_WIDTH, Path, rows
from mkmine.report.shapes import NAME_SIZE, Ink, Lettered, swatch

if TYPE_CHECKING:
    from mkmine.discovery import Difference

__all__ = ["draw_difference"]

Row = dict[str, Any]
Metric = Literal["frequency", "time"]

_SAME: Final = ("#eef1f6", "#c3ccd9")
_MORE: Final = ("#d8e7fa", "#1d5fb4")
_LESS: Final = ("#fbe6d3", "#c2571a")
_PATHS_PER_ACTIVITY, _FEWEST_PATHS = 3, 40


def draw_difference(difference: Difference, *, metric: str = "frequency", language: str = "en") -> Picture:
    """Draw in what two logs differ: by `"frequency"` the shares of cases, by `"time"` the median hours.

    Blue is what the second has more of (or takes longer), orange what it has less of; what is within chance is grey.
    All supported paths are drawn, and the most frequent of the others. Raises `UnknownNameError` if there is no such
    metric or language.
    """
    if metric not in ("frequency", "time"):
        raise UnknownNameError.of(kind="metric of a difference", name=str(metric), known=["frequency", "time"])
    t, timed = translator(language), metric == "time"
    column = "hours_supported" if timed else "supported"
    most = max(_FEWEST_PATHS, _PATHS_PER_ACTIVITY * len(difference.activities))
    edges = difference.edges
    chosen = edges[edges[column] | (edges.index < most)]
    by_name = {str(row["activity"]): row for row in rows(difference.activities)}
    boxes = [_box(name, by_name[name], timed=timed, t=t) for name in difference.order if name in by_name]
    paths = [_path(row, difference.order, timed=timed, t=t) for row in rows(chosen)]
    panel = Panel(boxes=boxes, paths=paths)
    placed = place([panel], order=difference.order)
    first, second = difference.names
    counts = [t.plural("{n} case", "{n} cases", n) for n in difference.n_cases]
    told = " · ".join(
        (
            f"{first}: {counts[0]}",
            f"{second}: {counts[1]}",
            t("{shown} of {all} paths", shown=t.number(len(chosen)), all=t.number(len(edges))),
            t("false discovery rate 5%"),
        )
    )
    more, less = (
        (t("takes longer: {name}"), t("takes less: {name}")) if timed else (t("more: {name}"), t("less: {name}"))
    )
    samples: list[legend.Sample] = [
        (swatch(_MORE[1]), 16, more.format(name=second)),
        (swatch(_LESS[1]), 16, less.format(name=second)),
        (swatch(_SAME[1]), 16, t("within chance")),
    ]
    key = legend.lines(samples, shown=told, width=max(placed.width, 420.0))
    title = t("What differs: times") if timed else t("What differs: shares of cases")
    return compose([panel], placed, key=key, title=title, filters=told, t=t)


def _box(name: str, row: Row, *, timed: bool, t: Translator) -> Lettered:
    supported, strength, words = _told(row, timed=timed, t=t)
    fill = palette.blend((_MORE if strength > 0 else _LESS) if supported else _SAME[:1] * 2, math.sqrt(abs(strength)))
    return Lettered(
        name=name,
        lines=tuple(wrap(name, size=NAME_SIZE, width=NAME_WIDTH, weight="bold")),
        figure=words,
        tooltip=f"{name} · {words}",
        fill=fill,
    )


def _path(row: Row, order: tuple[str, ...], *, timed: bool, t: Translator) -> Path:
    supported, strength, words = _told(row, timed=timed, t=t)
    source, target = str(row["source"]), str(row["target"])
    back = order.index(target) <= order.index(source)
    share = max(float(row["share_a"]), float(row["share_b"]))
    color = (_MORE if strength > 0 else _LESS)[1] if supported else _SAME[1]
    widest = 3.0 if source == target else 6.0
    return Path(
        source=source,
        target=target,
        tooltip=f"{source} → {target} · {words}",
        ink=Ink(color=color, thickness=min(1.1 + 4.5 * math.sqrt(share), widest), kind="rework" if back else "flow"),
        figure=words if supported else "",
        figure_color=color,
        pull=1 if back else 1 + round(8 * share),
    )


def _told(row: Row, *, timed: bool, t: Translator) -> tuple[bool, float, str]:
    """Return whether a row is supported, how strong it is (-1 to 1, for colours), and its two figures in words."""
    if timed:
        values = [float(row["hours_a"]), float(row["hours_b"])]
        written = [unit_of([one], t, day=24.0, short=True).write(one, t) for one in values]
        strength = 2 * (float(row["longer"]) - 0.5) if row["longer"] == row["longer"] else 0.0
        return bool(row["hours_supported"]), strength, " → ".join(written)
    shares = [t.percent(float(row["share_a"])), t.percent(float(row["share_b"]))]
    return bool(row["supported"]), float(row["difference"]), " → ".join(shares)

"""The key of a process map: what colours, thickness and dashes mean, and which part of the log is shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mkmine.language import Translator
from mkmine.report import palette
from mkmine.report.lettering import text_width, wrap
from mkmine.report.shapes import number, text

if TYPE_CHECKING:
    from mkmine.discovery import ProcessMap
    from mkmine.report.scales import Scale

__all__ = ["Legend", "Sample", "compose", "lines", "shown"]

_SIZE: Final = 10.5
_ROW: Final = 17.0
_SAMPLE: Final = 34.0
_LADDER: Final = 110.0
_STEPS: Final = 22


@dataclass(frozen=True, slots=True, kw_only=True)
class Legend:
    """The key as an SVG fragment with its size in pixels."""

    svg: str
    width: float
    height: float


# A drawn sample, its width, and what it means.
Sample = tuple[str, float, str]


def shown(process_map: ProcessMap, *, t: Translator) -> str:
    """Say what part of the log the map shows: activities, paths and cases."""
    activities, paths = len(process_map.activities), len(process_map.edges)
    parts = [
        t(
            "{shown} of {all} activities",
            shown=t.number(activities),
            all=_total(activities, process_map.shown_activities, t),
        ),
        t("{shown} of {all} paths", shown=t.number(paths), all=_total(paths, process_map.shown_paths, t)),
        t.plural("{n} case", "{n} cases", process_map.n_cases),
        t.plural("{n} variant", "{n} variants", process_map.n_variants),
    ]
    if process_map.parallel_left_out:
        left_out = process_map.parallel_left_out
        parts.append(t.plural("{n} path of parallel work left out", "{n} paths of parallel work left out", left_out))
    return " · ".join(parts)


def compose(*, scale: Scale, wall: bool, rework: bool, shown: str, width: float) -> Legend:
    """Lay out the key of a map in rows no wider than `width`; `wall`: whether times are those of the clock."""
    samples = _time_samples(scale, wall) if scale.metric == "time" else _count_samples(scale)
    if rework:
        color = "#8b95a5" if scale.metric == "time" else palette.REWORK
        samples.append((_line(color, dashes="9 4"), _SAMPLE, scale.t("return to earlier work")))
    return lines(samples, shown=shown, width=width)


def lines(samples: list[Sample], *, shown: str, width: float) -> Legend:
    """Lay out samples with their words, and below them what is shown, in rows no wider than `width`."""
    parts: list[str] = [f'<path d="M0,0H{number(width)}" stroke="{palette.LINE}"/>']
    x, y, widest = 0.0, _ROW, 0.0
    for drawn, sample_width, words in samples:
        needed = sample_width + 7 + text_width(words, size=_SIZE)
        if x and x + needed > width:
            x, y = 0.0, y + _ROW
        parts.append(f'<g transform="translate({number(x)} {number(y)})">{drawn}</g>')
        parts.append(text(words, at=(x + sample_width + 7, y), size=_SIZE, color=palette.MUTED))
        x += needed + 20
        widest = max(widest, x - 20)
    for line in wrap(shown, size=_SIZE, width=width, weight="bold"):
        y += _ROW
        parts.append(text(line, at=(0, y), size=_SIZE, color=palette.INK, bold=True))
        widest = max(widest, text_width(line, size=_SIZE, weight="bold"))
    return Legend(svg="".join(parts), width=max(widest, width), height=y + 4)


def _count_samples(scale: Scale) -> list[Sample]:
    t = scale.t
    words = {
        "absolute": (t("number of executions"), t("thickness: number of transitions")),
        "case": (t("number of cases with it"), t("figure: cases; thickness: number of transitions")),
        "max": (t("most in one case"), t("figure: most in one case; thickness: number of transitions")),
    }
    costs = {
        "total": t("cost, total"),
        "mean": t("cost, mean"),
        "median": t("cost, median"),
        "p85": t("cost, 85th percentile"),
        "p95": t("cost, 95th percentile"),
    }
    box, path = (costs[scale.measure], words["absolute"][1]) if scale.metric == "cost" else words[scale.measure]
    return [(_ladder(palette.depth), _LADDER * 0.6, box), (_line("#5b6b88", thickness=4), _SAMPLE, path)]


def _time_samples(scale: Scale, wall: bool) -> list[Sample]:
    t = scale.t
    words = {
        "median": (t("median wait"), t("in the box: median duration")),
        "mean": (t("mean wait"), t("in the box: mean duration")),
        "p85": (t("85 % of waits are up to"), t("in the box: 85 % of durations are up to")),
        "p95": (t("95 % of waits are up to"), t("in the box: 95 % of durations are up to")),
        "total": (t("total wait"), t("in the box: total duration")),
    }
    wait, duration = words[scale.measure]
    if scale.most_paths:
        # The ladder is drawn on a square-root scale, so its middle stands for a quarter of the longest wait.
        ticks = f"0 · {scale.hours(scale.most_paths / 4)} · {scale.hours(scale.most_paths)}"
        clock = t("time of the clock") if wall else t("working time")
        told = f"{wait}, {clock}: {ticks}"
    else:
        told = t("waiting times are unknown or zero")
    samples = [
        (_ladder(palette.heat), _LADDER, told),
        (_line("#5b6b88", thickness=4), _SAMPLE, t("thickness: number of transitions")),
    ]
    samples.append(
        (_bar(), _SAMPLE, duration)
        if scale.most_boxes
        else ("", 0.0, t("durations are not shown: the log has only one moment per activity"))
    )
    return samples


def _total(count: int, share: float, t: Translator) -> str:
    return t.number(max(count, round(count / share) if share > 0 else count))


def _ladder(color: Callable[[float], str]) -> str:
    width = _LADDER if color is palette.heat else _LADDER * 0.6
    step = width / _STEPS
    size = f'y="-8" width="{number(step + 0.6)}" height="8"'
    return "".join(
        f'<rect x="{number(place * step)}" {size} fill="{color(place / (_STEPS - 1))}"/>' for place in range(_STEPS)
    )


def _line(color: str, *, thickness: float = 2.6, dashes: str = "") -> str:
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<path d="M0,-4H{number(_SAMPLE)}" stroke="{color}" stroke-width="{number(thickness)}"{dashed}/>'


def _bar() -> str:
    return f'<rect y="-5.5" width="{number(_SAMPLE)}" height="2.6" rx="1.2" fill="{palette.heat(0.5)}"/>'

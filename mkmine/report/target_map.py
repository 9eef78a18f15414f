"""The process as it was meant, drawn in the manner of the process map, so that the two can be read side by side."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from mkmine.language import Translator, translator
from mkmine.report import palette
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
    diamond,
    document,
    label,
    marker,
    stroke,
    text,
)
from mkmine.targets import Flow, Node, ProcessModel

__all__ = ["draw_target"]

_NAME_WIDTH: Final = 176.0
_MARGIN: Final = 20.0
_GATEWAY: Final = 30.0
_SIGNS: Final = {"exclusive": "×", "parallel": "+", "inclusive": "○"}
_ASKS: Final = "\x00asks "
_PLAIN: Final = "#dfeafa"
_ABSENT: Final = "#fbe3c0"


def draw_target(
    model: ProcessModel,
    *,
    absent: Collection[str] = (),
    roles: Mapping[str, str] | None = None,
    language: str = "en",
    meant: bool = True,
) -> Picture:
    """Draw a process model from top to bottom; tasks in `absent` (never met in the log) stand out.

    `meant` tells whether the model says what should be (TO-BE), or was discovered. `roles` names who does a task;
    without it the lane does. Raises `UnknownNameError` if the language is unknown.
    """
    t = translator(language)
    tasks = {node.id: _task(node, absent=absent, roles=roles or {}, t=t) for node in model.tasks}
    back = _returns(model)
    flows = {flow.id: wrap(flow.name, size=NUMBER_SIZE, width=130, lines=1)[0].strip() for flow in model.flows}
    nodes = [_box(node, tasks) for node in model.nodes]
    arrows = [
        Arrow(
            name=flow.id,
            source=flow.source,
            target=flow.target,
            back=flow.id in back,
            pull=1 if flow.id in back else 3,
            label=(text_width(flows[flow.id], size=NUMBER_SIZE) + 12, NUMBER_SIZE + 4) if flows[flow.id] else None,
        )
        for flow in model.flows
    ]
    # A loop that is never drawn makes room for the question beside its gateway.
    questions = {node.id: _question(node) for node in model.nodes if node.kind in _SIGNS and node.name}
    arrows += [Arrow(name=_ASKS + name, source=name, target=name, label=_size(q)) for name, q in questions.items()]
    placed = arrange(nodes, arrows, rank_gap=24)
    parts = [_arrow(flow, placed, returns=flow.id in back, model=model) for flow in model.flows]
    parts += [_node(node, placed.centers[node.id], tasks, t) for node in model.nodes]
    for flow in model.flows:
        center = placed.routes[flow.id].label
        if center is not None:
            parts.append(label(flows[flow.id], center=center, color=palette.MUTED))
    curves = [placed.routes[flow.id].curve for flow in model.flows]
    parts += [_asked(lines, placed.centers[name], curves) for name, lines in questions.items()]
    return _compose(parts, placed, t=t, absent=any(name in absent for name in model.activities), meant=meant)


def _task(node: Node, *, absent: Collection[str], roles: Mapping[str, str], t: Translator) -> Lettered:
    missing = node.name in absent
    role = roles.get(node.name) or node.lane or ""
    again = t("repeats") if node.repeats else ""
    figure = " · ".join(one for one in (role, again) if one)
    remarks = [node.name, role, again, t("never met in the log") if missing else ""]
    return Lettered(
        name=node.name,
        lines=tuple(wrap(node.name, size=NAME_SIZE, width=_NAME_WIDTH, weight="bold")),
        figure=wrap(figure, size=NUMBER_SIZE, width=_NAME_WIDTH, lines=1)[0].strip(),
        tooltip=" · ".join(one for one in remarks if one),
        fill=_ABSENT if missing else _PLAIN,
    )


def _question(node: Node) -> list[str]:
    return wrap(node.name, size=NUMBER_SIZE, width=190, lines=2)


def _size(lines: list[str]) -> Point:
    return max(text_width(line, size=NUMBER_SIZE) for line in lines) + 8, 13.0 * len(lines)


def _asked(lines: list[str], center: Point, curves: Sequence[Sequence[Point]]) -> str:
    """Write a question beside the top of its gateway, on the side where fewer arrows pass through it."""
    width, height = _size(lines)
    top, aside = center[1] - 8 - 13 * (len(lines) - 1), _GATEWAY / 2 - 1

    def crossed(left: float) -> int:
        inside = (
            left <= x <= left + width and top - 12 <= y <= top - 12 + height + 4
            for curve in curves
            for x, y in _along(curve)
        )
        return sum(inside)

    to_left = crossed(center[0] - aside - width) < crossed(center[0] + aside)
    x, anchor = (center[0] - aside, "end") if to_left else (center[0] + aside, "start")
    rows = [
        text(line, at=(x, top + 13 * row), size=NUMBER_SIZE, color=palette.INK, anchor=anchor)
        for row, line in enumerate(lines)
    ]
    return "".join(rows)


def _along(curve: Sequence[Point]) -> Iterator[Point]:
    """Points along a spline of cubic Bézier curves."""
    for at in range(0, len(curve) - 3, 3):
        (xa, ya), (xb, yb), (xc, yc), (xd, yd) = curve[at : at + 4]
        for step in range(13):
            t = step / 12
            u = 1 - t
            yield (
                u**3 * xa + 3 * u * u * t * xb + 3 * u * t * t * xc + t**3 * xd,
                u**3 * ya + 3 * u * u * t * yb + 3 * u * t * t * yc + t**3 * yd,
            )


def _box(node: Node, tasks: Mapping[str, Lettered]) -> Box:
    if node.id in tasks:
        return Box(name=node.id, width=tasks[node.id].width, height=tasks[node.id].height)
    if node.kind in _SIGNS:
        return Box(name=node.id, width=_GATEWAY, height=_GATEWAY, shape="diamond")
    return Box(name=node.id, width=2 * MARKER_RADIUS, height=2 * MARKER_RADIUS, shape="circle")


def _node(node: Node, center: Point, tasks: Mapping[str, Lettered], t: Translator) -> str:
    if node.id in tasks:
        return box(tasks[node.id], center=center)
    if node.kind in _SIGNS:
        return diamond(_SIGNS[node.kind], center=center, size=_GATEWAY, tooltip=node.name or _SIGNS[node.kind])
    if node.kind == "start":
        return marker("start", center=center, tooltip=node.name or t("Start of a case"))
    if node.kind in ("end", "terminate"):
        return marker("end", center=center, tooltip=node.name or t("End of a case"))
    return diamond("·", center=center, size=2 * MARKER_RADIUS, tooltip=node.name or node.kind)


def _arrow(flow: Flow, placed: Layout, *, returns: bool, model: ProcessModel) -> str:
    ends = (model.by_id[flow.source].name, model.by_id[flow.target].name)
    ink = Ink(color=palette.REWORK if returns else "#6b7a94", thickness=1.7, kind="rework" if returns else "flow")
    return stroke(placed.routes[flow.id], ink=ink, tooltip=flow.name or " → ".join(ends), ends=ends)


def _returns(model: ProcessModel) -> set[str]:
    """Flows that lead back to a node on the way to their source (back edges of a depth-first walk)."""
    found: set[str] = set()
    state: dict[str, str] = {}
    for start in [node.id for node in model.nodes if node.kind == "start"]:
        trail = [(start, iter(model.outgoing[start]))]
        state.setdefault(start, "open")
        while trail:
            node, ways = trail[-1]
            flow = next(ways, None)
            if flow is None:
                state[node] = "done"
                trail.pop()
            elif state.get(flow.target) == "open":
                found.add(flow.id)
            elif flow.target not in state:
                state[flow.target] = "open"
                trail.append((flow.target, iter(model.outgoing[flow.target])))
    return found


def _compose(parts: list[str], placed: Layout, *, t: Translator, absent: bool, meant: bool) -> Picture:
    words = t("highlighted: never met in the log") if absent else ""
    width = max(placed.width, text_width(words, size=NUMBER_SIZE) + 24) + 2 * _MARGIN
    height = placed.height + 2 * _MARGIN + (22 if words else 0)
    drawn = [f'<g transform="translate({(width - placed.width) / 2:.1f} {_MARGIN:.1f})">', *parts, "</g>"]
    if words:
        y = placed.height + 2 * _MARGIN + 6
        drawn.append(f'<rect x="{_MARGIN:.0f}" y="{y - 10:.1f}" width="16" height="11" rx="2.5" fill="{_ABSENT}"/>')
        drawn.append(text(words, at=(_MARGIN + 23, y), size=NUMBER_SIZE, color=palette.MUTED))
    title = t("The process as it was meant: TO-BE") if meant else t("Process model")
    svg = document(drawn, width=width, height=height, title=title, description=words)
    return Picture(svg=svg, width=width, height=height, title=title)

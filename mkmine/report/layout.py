"""Where the boxes and arrows of a map stand: Graphviz's `dot` computes positions, the drawing is ours.

The caller states the size of every box and label, so the result does not depend on the fonts of the machine.
An arrow marked `back` is handed to `dot` the other way round: the main flow then always runs downwards, and
returns run up beside it. (Gansner, Koutsofios, North, Vo: A technique for drawing directed graphs, 1993.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

__all__ = ["Arrow", "Box", "Layout", "Route", "arrange"]

Point = tuple[float, float]

_INCH: Final = 72.0
_CROWDED: Final = 700  # arrows beyond which the search for fewer crossings is cut short
_SPACER: Final = (
    '<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0"><TR>'
    '<TD FIXEDSIZE="TRUE" WIDTH="{width}" HEIGHT="{height}"></TD></TR></TABLE>>'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A node to place: its name, size in pixels and shape; `place` puts it above or below all others."""

    name: str
    width: float
    height: float
    shape: Literal["box", "circle", "diamond"] = "box"
    place: Literal["", "first", "last"] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrow:
    """A connection to route; `label` is the size of its text in pixels, `pull` keeps strong flows straight."""

    name: str
    source: str
    target: str
    pull: int = 1
    back: bool = False
    head: float = 8.0
    label: Point | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A routed arrow: control points of a cubic Bézier spline from source to target, its tip, its label's centre."""

    curve: tuple[Point, ...]
    tip: Point
    label: Point | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The size of the whole in pixels, the centre of every box and the route of every arrow."""

    width: float
    height: float
    centers: Mapping[str, Point]
    routes: Mapping[str, Route]


def arrange(boxes: Sequence[Box], arrows: Sequence[Arrow], *, rank_gap: float = 30, node_gap: float = 26) -> Layout:
    """Place the boxes in layers from top to bottom in the order given and route the arrows around them."""
    import pygraphviz

    graph = pygraphviz.AGraph(strict=False, directed=True)
    graph.graph_attr.update(rankdir="TB", ranksep=rank_gap / _INCH, nodesep=node_gap / _INCH, splines="true")
    if len(arrows) > _CROWDED:
        graph.graph_attr.update(nslimit="2", nslimit1="2", mclimit="0.4", splines="polyline")
    # Graphviz gets our own numbering: a name from a log could read as markup or as a port.
    numbers = {box.name: f"n{position}" for position, box in enumerate(boxes)}
    for box in boxes:
        graph.add_node(numbers[box.name], **_node_attributes(box))
        if box.place:
            graph.add_subgraph([numbers[box.name]], rank="source" if box.place == "first" else "sink")
    for position, arrow in enumerate(arrows):
        ends = (numbers[arrow.source], numbers[arrow.target])
        graph.add_edge(*(reversed(ends) if arrow.back else ends), key=f"e{position}", **_edge_attributes(arrow))
    graph.layout(prog="dot")
    return _read(graph, boxes=boxes, arrows=arrows)


def _node_attributes(box: Box) -> dict[str, str]:
    return {
        "label": "",
        "shape": box.shape,
        "fixedsize": "true",
        "width": f"{box.width / _INCH:.4f}",
        "height": f"{box.height / _INCH:.4f}",
    }


def _edge_attributes(arrow: Arrow) -> dict[str, str]:
    attributes = {
        "dir": "back" if arrow.back else "forward",
        "weight": str(arrow.pull),
        "arrowsize": f"{arrow.head / 10:.2f}",  # dot's arrowhead is 10 points long at size 1
    }
    if arrow.label is not None:
        width, height = arrow.label
        attributes["label"] = _SPACER.format(width=round(width), height=round(height))
    return attributes


def _read(graph: Any, *, boxes: Sequence[Box], arrows: Sequence[Arrow]) -> Layout:
    left, bottom, right, top = _numbers(graph.graph_attr["bb"])

    def flip(text: str) -> Point:
        x, y = _numbers(text)
        return x - left, top - y

    centers = {box.name: flip(graph.get_node(f"n{position}").attr["pos"]) for position, box in enumerate(boxes)}
    placed = {key: graph.get_edge(one, other, key).attr for one, other, key in graph.edges(keys=True)}
    routes: dict[str, Route] = {}
    for position, arrow in enumerate(arrows):
        attributes = placed[f"e{position}"]
        points, tip = _spline(attributes["pos"])
        curve = tuple(flip(point) for point in (reversed(points) if arrow.back else points))
        label = flip(attributes["lp"]) if arrow.label is not None and attributes["lp"] else None
        routes[arrow.name] = Route(curve=curve, tip=flip(tip) if tip else curve[-1], label=label)
    return Layout(width=right - left, height=top - bottom, centers=centers, routes=routes)


def _spline(text: str) -> tuple[list[str], str | None]:
    """Read Graphviz's `splineType`: optional `e,x,y` and `s,x,y` arrow tips, then 3n+1 control points."""
    points: list[str] = []
    tip: str | None = None
    for word in text.replace("\\\n", "").split(";")[0].split():
        if word[0] in "es":
            tip = word[2:]
        else:
            points.append(word)
    return points, tip


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(float(number) for number in text.replace("+", "").split(","))

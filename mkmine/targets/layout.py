"""Where the shapes of a model stand: a layered layout from left to right, lanes as horizontal bands.

Layers are the longest paths from the start with the flows of cycles set aside (Sugiyama, Tagawa, Toda 1981). Rows
follow the dominator tree (K. D. Cooper, T. J. Harvey, K. Kennedy 2001): what only one gateway leads to is its block,
the branches of a block stand below each other, and where they meet the way goes on in the row in which it parted.
Coordinates are pixels, as in BPMN DI.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mkmine.targets.model import ProcessModel

COLUMN, ROW, MARGIN, HEADER, GAP = 160.0, 120.0, 30.0, 30.0, 4.0
SIZES = {"task": (110.0, 80.0), "exclusive": (50.0, 50.0), "parallel": (50.0, 50.0), "inclusive": (50.0, 50.0)}
EVENT_SIZE = (36.0, 36.0)

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle: left, top, width, height."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> Point:
        """The centre point."""
        return self.x + self.width / 2, self.y + self.height / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Boxes of nodes and lanes by id and name, the points of each flow, and the box around everything."""

    nodes: Mapping[str, Box]
    lanes: Mapping[str, Box]
    flows: Mapping[str, tuple[Point, ...]]
    pool: Box


def lay_out(model: ProcessModel) -> Layout:
    """Place every node, lane and flow of the model."""
    back = _back_flows(model)
    layers = _layers(model, back)
    rows = _rows(model, layers, back)
    bands, tops = _bands(model, layers, rows)
    nodes: dict[str, Box] = {}
    for node in model.nodes:
        width, height = SIZES.get(node.kind, EVENT_SIZE)
        x = HEADER * 2 + MARGIN + layers[node.id] * COLUMN + (COLUMN - width) / 2
        y = tops[node.lane or ""] + rows[node.id] * ROW + (ROW - height) / 2
        nodes[node.id] = Box(x, y, width, height)
    total = HEADER * 2 + 2 * MARGIN + (max(layers.values()) + 1) * COLUMN
    bottom = max(tops[lane] + n * ROW for lane, n in bands.items())
    lanes = {lane: Box(HEADER, tops[lane], total - HEADER, n * ROW) for lane, n in bands.items()}
    pool = Box(0.0, 0.0, total, bottom)
    return Layout(nodes=nodes, lanes=lanes, flows=_routes(model, nodes, back), pool=pool)


def place_label(points: tuple[Point, ...], text: str) -> Box:
    """Where the name of a flow stands: at its head, or at its tail if it leads back, so that no two names meet."""
    (x0, y0), (x1, y1) = points[0], points[-1]
    width = min(6.0 * len(text) + 6, 90.0)
    if points[-2][1] == y1:
        return Box(x1 - 6 - width, y1 - 18, width, 14)
    return Box(x0 + 4, (y0 + points[1][1]) / 2 - 7, width, 14)


def _back_flows(model: ProcessModel) -> set[str]:
    """Flows that close a cycle in a depth-first walk from the starts."""
    back: set[str] = set()
    state: dict[str, int] = {}
    for first in [n.id for n in model.nodes if n.kind == "start"] + [n.id for n in model.nodes]:
        if first in state:
            continue
        state[first] = 1
        stack = [(first, iter(model.outgoing[first]))]
        while stack:
            here, flows = stack[-1]
            flow = next(flows, None)
            if flow is None:
                state[here] = 2
                stack.pop()
            elif state.get(flow.target) == 1:
                back.add(flow.id)
            elif flow.target not in state:
                state[flow.target] = 1
                stack.append((flow.target, iter(model.outgoing[flow.target])))
    return back


def _layers(model: ProcessModel, back: set[str]) -> dict[str, int]:
    layers = {node.id: 0 for node in model.nodes}
    waiting = {n.id: sum(f.id not in back for f in model.incoming[n.id]) for n in model.nodes}
    todo = [node for node, n in waiting.items() if n == 0]
    while todo:
        here = todo.pop()
        for flow in model.outgoing[here]:
            if flow.id in back:
                continue
            layers[flow.target] = max(layers[flow.target], layers[here] + 1)
            waiting[flow.target] -= 1
            if waiting[flow.target] == 0:
                todo.append(flow.target)
    return layers


def _rows(model: ProcessModel, layers: Mapping[str, int], back: set[str]) -> dict[str, int]:
    """Row of each node inside its lane."""
    whole = _block_rows(model, layers, back)
    rows: dict[str, int] = {}
    taken: set[tuple[int, str, int]] = set()
    used: dict[str, list[int]] = {}
    for node in model.nodes:
        used.setdefault(node.lane or "", []).append(whole[node.id])
    # A lane has no rows that only others need.
    ranks = {lane: {row: rank for rank, row in enumerate(sorted(set(found)))} for lane, found in used.items()}
    for node in sorted(model.nodes, key=lambda n: (layers[n.id], whole[n.id])):
        lane = node.lane or ""
        row = ranks[lane][whole[node.id]]
        while (layers[node.id], lane, row) in taken:
            row += 1
        rows[node.id] = row
        taken.add((layers[node.id], lane, row))
    return rows


def _block_rows(model: ProcessModel, layers: Mapping[str, int], back: set[str]) -> dict[str, int]:
    """Row of each node if there were no lanes: a block takes as many rows as its branches need."""
    order = sorted((node.id for node in model.nodes), key=lambda one: layers[one])
    before = {one: [f.source for f in model.incoming[one] if f.id not in back] for one in order}
    above = _dominators(order, before)
    branches: dict[str, list[str]] = {one: [] for one in ("", *order)}
    meeting: dict[str, str] = {}
    for one in reversed(order):
        # Where branches meet the way goes on; of several such places the last one does, the others are branches.
        if len(before[one]) > 1 and above[one] not in meeting:
            meeting[above[one]] = one
        else:
            branches[above[one]].append(one)
    places = {f.target: number for number, f in enumerate(model.flows)}
    heights: dict[str, int] = {}
    for one in (*reversed(order), ""):
        branches[one].sort(key=lambda branch: places.get(branch, -1))
        on = heights[meeting[one]] if one in meeting else 1
        heights[one] = max(on, sum(heights[branch] for branch in branches[one]))
    rows = {"": 0}
    for one in ("", *order):
        top = rows[one]
        if one in meeting:
            rows[meeting[one]] = top
        for branch in branches[one]:
            rows[branch] = top
            top += heights[branch]
    return rows


def _dominators(order: list[str], before: Mapping[str, list[str]]) -> dict[str, str]:
    """The nearest node through which every way to a node leads, "" for none; `order` has sources before targets."""
    depth: dict[str, int] = {"": 0}
    above: dict[str, str] = {}
    for one in order:
        found = ""
        for number, source in enumerate(before[one]):
            found = source if number == 0 else found
            while found != source:
                if depth[found] >= depth[source]:
                    found = above[found]
                else:
                    source = above[source]
        above[one], depth[one] = found, depth[found] + 1
    return above


def _bands(
    model: ProcessModel, layers: Mapping[str, int], rows: Mapping[str, int]
) -> tuple[dict[str, int], dict[str, float]]:
    """Rows in each lane, and the top of each lane."""
    bands: dict[str, int] = {}
    for node in sorted(model.nodes, key=lambda n: layers[n.id]):
        lane = node.lane or ""
        bands[lane] = max(bands.get(lane, 1), rows[node.id] + 1)
    tops, top = {}, 0.0
    for lane, n in bands.items():
        tops[lane] = top
        top += n * ROW
    return bands, tops


def _routes(model: ProcessModel, nodes: Mapping[str, Box], back: set[str]) -> dict[str, tuple[Point, ...]]:
    """Points of each flow. Long stretches run in the gaps between rows and columns, where no shape stands."""
    routes: dict[str, tuple[Point, ...]] = {}
    track = 0
    for flow in model.flows:
        source, target = nodes[flow.source], nodes[flow.target]
        if flow.id in back:
            track += 1
            routes[flow.id] = _way_back(source, target, 3.0 * (track % 4))
        else:
            routes[flow.id] = _way_on(source, target, [box for box in nodes.values() if source.x < box.x < target.x])
    return routes


def _way_on(source: Box, target: Box, between: list[Box]) -> tuple[Point, ...]:
    x0, y0 = source.x + source.width, source.middle[1]
    x1, y1 = target.x, target.middle[1]
    if y0 == y1 and not any(box.middle[1] == y0 for box in between):
        return (x0, y0), (x1, y1)
    if y0 != y1 and target.middle[0] - source.middle[0] < 1.5 * COLUMN:
        bend = (x0 + x1) / 2
        return (x0, y0), (bend, y0), (bend, y1), (x1, y1)
    gap = y0 + (ROW / 2 - GAP if y1 >= y0 else GAP - ROW / 2)
    # Up and down between the columns, where no shape of either stands.
    leave, enter = source.middle[0] + COLUMN / 2 - 2 * GAP, target.middle[0] - COLUMN / 2 + 2 * GAP
    return (x0, y0), (leave, y0), (leave, gap), (enter, gap), (enter, y1), (x1, y1)


def _way_back(source: Box, target: Box, shift: float) -> tuple[Point, ...]:
    (x0, y0), (x1, y1) = source.middle, target.middle
    down, up = ROW / 2 - GAP - shift, GAP + shift - ROW / 2
    leave, enter = (up, down) if y1 < y0 else (down, up) if y1 > y0 else (down, down)
    channel = x1 + COLUMN / 2 - shift
    points = [(x0, y0 + (source.height / 2 if leave > 0 else -source.height / 2)), (x0, y0 + leave)]
    if y0 != y1:
        points += [(channel, y0 + leave), (channel, y1 + enter)]
    points += [(x1, y1 + enter), (x1, y1 + (target.height / 2 if enter > 0 else -target.height / 2))]
    return tuple(points)

"""Subprocesses drawn inside a process: their steps take their place in it.

A subprocess begins when the case comes to it and ends when nothing is left to do in it (BPMN 2.0.2, 13.3.4). As long as
one branch at a time is in it, that is the same as having its steps in the process itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mkmine.errors import DataError
from mkmine.targets.model import Flow, Node

__all__ = ["Steps", "unfolded"]

# A subprocess in which tokens can stand in more ways than this is none that a person can check either.
_MOST_MARKINGS = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """The nodes and flows of a process, or of a subprocess."""

    nodes: tuple[Node, ...]
    flows: tuple[Flow, ...]


def unfolded(outer: Steps, place: str, inner: Steps, *, where: str) -> Steps:
    """Return a process with the steps of a subprocess instead of its node `place`.

    Where several ways come together or part at its border, an exclusive (or parallel) gateway of its id stands there.

    Raises `DataError` if it does not have one beginning, or if branches of it end apart: what follows would be done for
    each of them.
    """
    into = [flow for flow in outer.flows if flow.target == place]
    out_of = [flow for flow in outer.flows if flow.source == place]
    first, inner = _first(inner, where)
    leaving = _leaving(inner)
    _check_branches(inner, first, leaving, where)
    kept = tuple(flow for flow in outer.flows if place not in (flow.source, flow.target))
    # What terminates a subprocess ends that one only.
    ends = {node.id: replace(node, kind="end", trigger="") for node in inner.nodes if node.kind in ("end", "terminate")}
    nodes = [ends.get(node.id, node) for node in inner.nodes if node.id not in ends or not out_of]
    if len(into) > 1:
        # The first step may be a split, which would join what comes.
        nodes.append(Node(id=f"{place}_begin", kind="exclusive"))
        into = [replace(flow, target=f"{place}_begin") for flow in into]
        into.append(Flow(id=f"{place}_begin_flow", source=f"{place}_begin", target=first))
    else:
        into = [replace(flow, target=first) for flow in into]
    within = [flow for flow in inner.flows if flow not in leaving]
    if not out_of:
        # Nothing follows: its ends are the case's.
        within = list(inner.flows)
    else:
        target, more, gates = _border(place, leaving, out_of)
        within += [replace(flow, target=target) for flow in leaving]
        within += more
        nodes += gates
    at = next(number for number, node in enumerate(outer.nodes) if node.id == place)
    return Steps(nodes=(*outer.nodes[:at], *nodes, *outer.nodes[at + 1 :]), flows=(*kept, *into, *within))


def _first(inner: Steps, where: str) -> tuple[str, Steps]:
    """Return the first step, and the steps without the start event."""
    targets = {flow.target for flow in inner.flows}
    starts = [node for node in inner.nodes if node.kind == "start"]
    starts = starts or [node for node in inner.nodes if node.id not in targets]
    if len(starts) != 1:
        raise DataError(f"{where} has {len(starts)} beginnings; give it one start event")
    start = starts[0]
    if start.kind != "start":
        return start.id, inner
    after = [flow for flow in inner.flows if flow.source == start.id]
    if not after:
        raise DataError(f"{where}: its start event leads nowhere; connect it to the first step")
    nodes = tuple(node for node in inner.nodes if node != start)
    if len(after) == 1:
        flows = tuple(flow for flow in inner.flows if flow not in after)
        return after[0].target, Steps(nodes=nodes, flows=flows)
    # Several arrows out of a start are a parallel split.
    return start.id, Steps(nodes=(Node(id=start.id, kind="parallel"), *nodes), flows=inner.flows)


def _leaving(inner: Steps) -> list[Flow]:
    """Return the flows into ends, and one out of each step that nothing follows."""
    sources = {flow.source for flow in inner.flows}
    ends = {node.id for node in inner.nodes if node.kind in ("end", "terminate")}
    loose = [node.id for node in inner.nodes if node.id not in sources | ends]
    return [
        *(flow for flow in inner.flows if flow.target in ends),
        *(Flow(id=f"{node}_end_flow", source=node, target="") for node in loose),
    ]


def _check_branches(inner: Steps, first: str, leaving: Sequence[Flow], where: str) -> None:
    """Play the token game and raise if something is still to be done in the subprocess when a branch leaves it."""
    flows = [*(flow for flow in inner.flows if flow not in leaving), *leaving]
    begin = Flow(id="", source="", target=first)
    kinds = {node.id: node.kind for node in inner.nodes}
    out_of: dict[str, list[Flow]] = {node.id: [] for node in inner.nodes}
    into: dict[str, list[Flow]] = {node.id: [] for node in inner.nodes}
    for flow in (begin, *flows):
        if flow.source in out_of:
            out_of[flow.source].append(flow)
        if flow.target in into and flow not in leaving:
            into[flow.target].append(flow)
    todo: list[tuple[Flow, ...]] = [(begin,)]
    seen = set(todo)
    while todo:
        tokens = todo.pop()
        if len(tokens) > 1 and (any(flow in leaving for flow in tokens) or len(seen) > _MOST_MARKINGS):
            raise DataError(f"{where} has branches side by side that end apart; join them before one end event")
        for place in {flow.target for flow in tokens if flow not in leaving and flow.target in into}:
            joins = kinds[place] in ("parallel", "inclusive")
            come = [flow for flow in into[place] if flow in tokens]
            if joins and len(come) < len(into[place]):
                continue
            # An inclusive gateway is looked at with all its ways taken: then most can go wrong.
            ways = [[way] for way in out_of[place]] if kinds[place] == "exclusive" else [out_of[place]]
            for taken in [come] if joins else [[flow] for flow in come]:
                left = list(tokens)
                for flow in taken:
                    left.remove(flow)
                found = {tuple(sorted((*left, *way), key=lambda flow: flow.id)) for way in ways} - seen
                seen |= found
                todo += found


def _border(place: str, leaving: Sequence[Flow], out_of: Sequence[Flow]) -> tuple[str, list[Flow], list[Node]]:
    """Return where the last flows of a subprocess lead, and the flows and gateways that this needs."""
    merge = Node(id=f"{place}_end", kind="exclusive")
    if len(out_of) == 1 and len(leaving) == 1:
        return out_of[0].target, [], []
    if len(out_of) == 1:
        return merge.id, [replace(out_of[0], source=merge.id)], [merge]
    split = Node(id=place, kind="parallel")
    if len(leaving) == 1:
        return split.id, list(out_of), [split]
    between = Flow(id=f"{place}_end_flow", source=merge.id, target=split.id)
    return merge.id, [between, *out_of], [merge, split]

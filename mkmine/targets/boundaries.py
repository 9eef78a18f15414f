"""Boundary events, said with gateways: what may interrupt a task, or go on beside it.

To the order of work an event on the border of a task is a choice that nobody sees being made (BPMN 2.0.2, 13.5.3). If
it interrupts, the task is done, or cut short, with or without a trace, and then the event's way is taken. If not, the
event's way may be taken beside the task, and both go on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mkmine.targets.model import Flow, Node
from mkmine.targets.subprocesses import Steps

__all__ = ["Boundary", "with_boundaries"]

# What an event in the flow cannot be: caught there, it is drawn as an event without a trigger.
_ONLY_AT_BORDERS = frozenset({"error", "escalation"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Boundary:
    """An event on the border of the task `place` (an id), and whether it interrupts the task."""

    event: Node
    place: str
    interrupts: bool


def with_boundaries(steps: Steps, boundaries: Sequence[Boundary]) -> Steps:
    """Return the steps with gateways around each task that has events on its border."""
    for place in dict.fromkeys(one.place for one in boundaries):
        mine = [one for one in boundaries if one.place == place]
        if beside := [_event(one.event) for one in mine if not one.interrupts]:
            steps = _beside(steps, place, beside)
        if instead := [_event(one.event) for one in mine if one.interrupts]:
            steps = _instead(steps, place, instead)
    return steps


def _event(node: Node) -> Node:
    """Return the event as one in the flow, so that it can be written again."""
    if node.trigger in _ONLY_AT_BORDERS:
        return replace(node, element="intermediateThrowEvent", trigger="")
    return replace(node, element="intermediateCatchEvent")


def _instead(steps: Steps, place: str, events: Sequence[Node]) -> Steps:
    """Let each event be taken instead of the task, or instead of what follows it."""
    begin, done, go_on = f"{place}_begin", f"{place}_done", f"{place}_go_on"
    nodes = [*steps.nodes, *events, _gate(begin, steps, place), _gate(done, steps, place)]
    out = [flow for flow in steps.flows if flow.source == place]
    flows = [replace(flow, target=begin) if flow.target == place else flow for flow in steps.flows if flow not in out]
    flows += [_flow(begin, place), _flow(place, done)]
    if len(out) == 1:
        flows.append(replace(out[0], source=done))
    else:
        # Several arrows out of a task are all taken; without any the case ends.
        nodes.append(replace(_gate(go_on, steps, place), kind="parallel" if out else "end"))
        flows += [_flow(done, go_on), *(replace(flow, source=go_on) for flow in out)]
    for event in events:
        flows += [_flow(begin, event.id, event.name), _flow(done, event.id, event.name)]
    return Steps(nodes=tuple(nodes), flows=tuple(flows))


def _beside(steps: Steps, place: str, events: Sequence[Node]) -> Steps:
    """Let each event be taken beside the task, or not."""
    merge, split = f"{place}_comes", f"{place}_beside"
    nodes = [*steps.nodes, *events, _gate(merge, steps, place), replace(_gate(split, steps, place), kind="parallel")]
    flows = [replace(flow, target=merge) if flow.target == place else flow for flow in steps.flows]
    flows += [_flow(merge, split), _flow(split, place)]
    for event in events:
        maybe, never = f"{event.id}_or_not", f"{event.id}_not"
        nodes += [_gate(maybe, steps, place), replace(_gate(never, steps, place), kind="end")]
        flows += [_flow(split, maybe), _flow(maybe, event.id, event.name), _flow(maybe, never)]
    return Steps(nodes=tuple(nodes), flows=tuple(flows))


def _gate(name: str, steps: Steps, place: str) -> Node:
    lane = next(node.lane for node in steps.nodes if node.id == place)
    return Node(id=name, kind="exclusive", lane=lane)


def _flow(source: str, target: str, name: str = "") -> Flow:
    return Flow(id=f"{source}_to_{target}", source=source, target=target, name=name)

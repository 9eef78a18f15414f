"""The places of a process model and the ways between them: exclusive gateways and events are folded into the ways.

A *source* is where a branch of a case stands when it has to go somewhere: an activity that is done, a branch that a
gateway has opened, or a join whose branches have all come. Its *ways* lead to the next places.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from mkmine.errors import DataError
from mkmine.targets import Flow, Node, ProcessModel

__all__ = ["BEGIN", "Outcome", "Path", "Structure", "place_names", "split_of", "ways_back"]

# The source of a case that has not begun.
BEGIN = ""
_MOST_PATHS = 500


class Outcome(NamedTuple):
    """Where a way leads: to a node, or to an end (`to` is None) of the branch or of the whole case (`terminate`).

    `by` is the flow by which it comes to a parallel join, `back` says that it leads back.
    """

    to: str | None
    by: str = ""
    back: bool = False
    terminate: bool = False
    cancelled: bool = False


class Path(NamedTuple):
    """A way through gateways: the flows that it takes, and where it leads."""

    flows: tuple[str, ...]
    outcome: Outcome


@dataclass(frozen=True)
class Structure:
    """A process model as places and ways. `timed` are the ids of events that take time and are places of their own."""

    process: ProcessModel
    timed: frozenset[str] = frozenset()

    @cached_property
    def names(self) -> Mapping[str, str]:
        """Name of each node's place."""
        return place_names(self.process)

    @cached_property
    def flows(self) -> Mapping[str, Flow]:
        """Flows by their id."""
        return {flow.id: flow for flow in self.process.flows}

    @cached_property
    def back(self) -> frozenset[str]:
        """The flows that lead back."""
        pairs = ways_back(self.process)
        return frozenset(flow.id for flow in self.process.flows if (flow.source, flow.target) in pairs)

    @cached_property
    def parallel(self) -> bool:
        """Whether branches go on side by side."""
        return any(len(self.opens(node)) > 1 for node in self.process.nodes)

    def is_place(self, node: Node) -> bool:
        """Whether a node is a place of its own, and not only a part of the ways through it."""
        if node.kind in ("parallel", "inclusive"):
            return len(self.process.incoming[node.id]) > 1 or len(self.process.outgoing[node.id]) > 1
        return node.kind == "task" or (node.kind == "event" and (node.id in self.timed or len(self.opens(node)) > 1))

    def opens(self, node: Node) -> tuple[Flow, ...]:
        """Return the branches that a node opens; it needs two for that."""
        out = self.process.outgoing[node.id]
        return out if len(out) > 1 and node.kind != "exclusive" else ()

    def source_of(self, flow: Flow) -> str:
        """Return the source whose ways begin with a flow that leaves a place or a start."""
        node = self.process.by_id[flow.source]
        if self.opens(node):
            return flow.id
        return BEGIN if node.kind == "start" else node.id

    @cached_property
    def first(self) -> Mapping[str, tuple[Flow, ...]]:
        """The flows with which the ways of each source begin."""
        found: dict[str, tuple[Flow, ...]] = {}
        for node in self.process.nodes:
            if node.kind == "start" or self.is_place(node):
                for flow in self.process.outgoing[node.id]:
                    source = self.source_of(flow)
                    found[source] = (*found.get(source, ()), flow)
        return found

    @cached_property
    def outcomes(self) -> Mapping[str, tuple[Outcome, ...]]:
        """Where the ways of each source may lead."""
        return {source: tuple(dict.fromkeys(self.reached(flows))) for source, flows in self.first.items()}

    def reached(self, flows: tuple[Flow, ...]) -> Iterator[Outcome]:
        """Yield where the ways may lead that begin with some flows of one node."""
        todo = [(flow, flow.id in self.back) for flow in reversed(flows)]
        seen = set(todo)
        while todo:
            flow, back = todo.pop()
            node = self.process.by_id[flow.target]
            if (outcome := self.outcome(flow, back=back)) is not None:
                yield outcome
                continue
            for after in reversed(self.process.outgoing[node.id]):
                state = (after, back or after.id in self.back)
                if state not in seen:
                    seen.add(state)
                    todo.append(state)
        # A task that may be repeated leads to itself as well.
        node = self.process.by_id[flows[0].source]
        if node.repeats and not self.opens(node):
            yield Outcome(node.id, back=True)

    def outcome(self, flow: Flow, *, back: bool) -> Outcome | None:
        """Return where a way ends that takes a flow last; None if the flow leads to a gateway that is no place."""
        node = self.process.by_id[flow.target]
        if node.kind == "terminate":
            return Outcome(None, terminate=True)
        if node.kind == "end" or not (self.process.outgoing[node.id] or self.is_place(node)):
            return Outcome(None)
        if not self.is_place(node):
            return None
        joins = node.kind == "parallel" and len(self.process.incoming[node.id]) > 1
        return Outcome(node.id, by=flow.id if joins else "", back=back)

    def paths(self, source: str) -> list[Path]:
        """Return the ways of a source flow by flow.

        Raises `DataError` if gateways lead round without an activity between them, or there are more than 500.
        """
        found: list[Path] = []
        todo: list[tuple[tuple[str, ...], bool]] = [
            ((flow.id,), flow.id in self.back) for flow in reversed(self.first[source])
        ]
        while todo:
            flows, back = todo.pop()
            last = self.flows[flows[-1]]
            if (outcome := self.outcome(last, back=back)) is not None:
                found.append(Path(flows, outcome))
                continue
            for after in reversed(self.process.outgoing[last.target]):
                if after.id in flows:
                    raise DataError(
                        f'"{self.process.name}": gateways lead round to {self.process.by_id[last.target].label} '
                        f"without a task between them; put one into the cycle"
                    )
                todo.append(((*flows, after.id), back or after.id in self.back))
            if len(found) > _MOST_PATHS:
                raise DataError(
                    f'"{self.process.name}": more than {_MOST_PATHS} ways lead through the gateways after '
                    f"{self.label(source)}; put tasks between them, or merge gateways that decide the same"
                )
        node = self.process.by_id[self.first[source][0].source]
        if node.repeats and source == node.id:
            found.append(Path((), Outcome(node.id, back=True)))
        return found

    def label(self, source: str) -> str:
        """Return what a person would call a source."""
        if source == BEGIN:
            return "the start"
        if source in self.flows:
            flow = self.flows[source]
            return flow.name or f"{self.process.by_id[flow.source].label} > {self.process.by_id[flow.target].label}"
        return self.process.by_id[source].label

    def choice_place(self, source: str) -> str:
        """Return the name of the place where a branch or a join chooses its way: that of its gateway, if it has one."""
        gate = self._first_gate(source)
        if gate is not None and self.names[gate.id] == gate.name and self._choosers[gate.id] == 1:
            return gate.name
        if source in self.flows:
            flow = self.flows[source]
            return f"{self.names[flow.source]} > {flow.name or flow.id}"
        return f"after {self.names[source]}"

    def _first_gate(self, source: str) -> Node | None:
        """Return the first gateway at which the ways of a source part."""
        node = self.process.by_id[self.first[source][0].target]
        while not self.is_place(node) and len(out := self.process.outgoing[node.id]) == 1:
            node = self.process.by_id[out[0].target]
        return node if node.kind == "exclusive" and len(self.process.outgoing[node.id]) > 1 else None

    @cached_property
    def _choosers(self) -> Counter[str]:
        """How many branches and joins come to each gateway first."""
        tasks = {node.id for node in self.process.tasks}
        gates = (self._first_gate(source) for source in self.first if source not in tasks and source != BEGIN)
        return Counter(gate.id for gate in gates if gate is not None)

    def target(self, outcome: Outcome) -> str:
        """Return what a person would call the place where a way leads."""
        return "the end" if outcome.to is None else self.names[outcome.to]


def place_names(process: ProcessModel) -> dict[str, str]:
    """Return the name of each node's place by its id: its own name if no other node has it, or else its id."""
    named = [node.name for node in process.nodes]
    return {
        node.id: node.name if node.kind == "task" or (node.name and named.count(node.name) == 1) else node.id
        for node in process.nodes
    }


def ways_back(process: ProcessModel) -> set[tuple[str, str]]:
    """Return the flows that lead back to a place on the way to them (depth-first search from the starts)."""
    after = {node.id: [flow.target for flow in process.outgoing[node.id]] for node in process.nodes}
    found: set[tuple[str, str]] = set()
    state: dict[str, int] = {}
    for start in (node.id for node in process.nodes if node.kind == "start"):
        path = [(start, iter(after[start]))]
        state[start] = 1
        while path:
            node, ways = path[-1]
            target = next(ways, None)
            if target is None:
                state[node] = 2
                path.pop()
            elif state.get(target) == 1:
                found.add((node, target))
            elif target not in state:
                state[target] = 1
                path.append((target, iter(after[target])))
    return found


def split_of(process: ProcessModel, join: Node) -> Node:
    """Return the inclusive split whose branches all come to a join: of several, the nearest one.

    Raises `DataError` if there is none.
    """
    after = {node.id: [flow.target for flow in process.outgoing[node.id]] for node in process.nodes}
    back = ways_back(process)

    def reached(first: str) -> set[str]:
        seen, todo = {first}, [first]
        while todo:
            node = todo.pop()
            for target in after[node]:
                if target not in seen and (node, target) not in back:
                    seen.add(target)
                    todo.append(target)
        return seen

    splits = [
        node
        for node in process.nodes
        if node.kind == "inclusive"
        and node.id != join.id
        and len(after[node.id]) > 1
        and all(join.id in reached(way) for way in after[node.id])
    ]
    if not splits:
        raise DataError(f"{process.name}: no inclusive gateway opens the branches that {join.label} joins")
    beyond = reached(join.id)
    # The nearest one reaches the fewest others.
    return min(splits, key=lambda node: len(reached(node.id) - beyond))

"""Runs of a process model: which ways of its gateways a sequence of activities takes, and what enabled what.

An alignment says which activities the model did; gateways leave no trace. Of all ways through them that make the
sequence possible, the one with the fewest choices is taken (a shortest path over the markings between activities).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import NamedTuple

from mkmine.errors import DataError
from mkmine.simulation.model.structure import BEGIN, Outcome, Structure
from mkmine.targets import Node

__all__ = ["Decision", "Opened", "Player", "Run"]

_MOST_MARKINGS = 20_000
_MOST_BRANCHES = 10


class Decision(NamedTuple):
    """A source was left for the `visit`-th time (from 1) by a way to `outcome`."""

    source: str
    visit: int
    outcome: Outcome


class Opened(NamedTuple):
    """An inclusive gateway opened some of its ways (ids of flows)."""

    gateway: str
    flows: frozenset[str]


@dataclass(frozen=True, slots=True)
class Run:
    """What a case did in the model.

    `before` says of the events that the model explains (by position) which ones had to end before each could begin;
    `pending` is the source and visit that the last event left open, in a case that did not come to its end.
    """

    decisions: list[Decision]
    opened: list[Opened]
    before: dict[int, frozenset[int]]
    pending: tuple[str, int] | None


class _Step(NamedTuple):
    node: str
    take: tuple[int, ...]
    give: tuple[int, ...]
    choice: bool
    label: int = -1


class _Closed(NamedTuple):
    """A marking that silent steps lead to, with these steps."""

    marking: int
    steps: tuple[_Step, ...]
    choices: int


@dataclass(frozen=True, slots=True)
class _Way:
    """The cheapest way so far to a marking after some labels."""

    cost: int
    steps: tuple[_Step, ...]
    before: _Way | None


@dataclass(slots=True)
class _Token:
    """A branch on its way: the source and visit that it left, whether it went back, and the events that it waits for.

    `node` and `flow` say how it came to where it is.
    """

    source: str
    visit: int
    events: frozenset[int]
    back: bool = False


@dataclass
class Player:
    """Finds the runs of a process; what it has found of the markings is kept for the next sequence."""

    structure: Structure
    labels: tuple[str, ...]
    _closures: dict[int, list[_Closed]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        process = self.structure.process
        self._flows = [flow.id for flow in process.flows]
        self._number = {name: number for number, name in enumerate(self._flows)}
        self._into = {
            node.id: tuple(self._number[flow.id] for flow in process.incoming[node.id]) for node in process.nodes
        }
        self._out = {
            node.id: tuple(self._number[flow.id] for flow in process.outgoing[node.id]) for node in process.nodes
        }
        self._target = [process.by_id[flow.target] for flow in process.flows]
        self._code = {name: code for code, name in enumerate(self.labels)}
        # A virtual flow holds the token of a case that has not begun.
        self._begin = len(self._flows)
        self._upstream: dict[tuple[str, int], frozenset[int]] = {}

    def play(self, labels: Sequence[tuple[int, int | None]], *, finished: bool) -> Run | None:
        """Return the run of a sequence of labels with the positions of their events (None: only the model did it).

        `finished`: it goes on to an end of the process. None if the model cannot do the sequence.
        """
        layer: dict[int, _Way] = {1 << self._begin: _Way(0, (), None)}
        for label, _ in labels:
            layer = self._after(layer, label)
        if not finished:
            best = min(layer.values(), key=lambda way: way.cost, default=None)
        else:
            best = None
            for marking, way in layer.items():
                for one in self._closed(marking):
                    if one.marking == 0 and (best is None or way.cost + one.choices < best.cost):
                        best = _Way(way.cost + one.choices, one.steps, way)
        return None if best is None else self._told(_steps(best), labels, finished=finished)

    def _after(self, layer: dict[int, _Way], label: int) -> dict[int, _Way]:
        found: dict[int, _Way] = {}
        for marking, way in layer.items():
            for one in self._closed(marking):
                for step in self._visible(one.marking, label):
                    reached = _fired(step, one.marking)
                    cost = way.cost + one.choices
                    if reached not in found or cost < found[reached].cost:
                        found[reached] = _Way(cost, (*one.steps, step), way)
        return found

    def _visible(self, marking: int, label: int) -> Iterator[_Step]:
        for flow in _marked(marking & ~(1 << self._begin)):
            node = self._target[flow]
            if node.kind == "task" and self._code[node.name] == label:
                yield _Step(node.id, (flow,), self._out[node.id], False, label)
                if node.repeats:
                    yield _Step(node.id, (flow,), (flow,), True, label)

    def _closed(self, marking: int) -> list[_Closed]:
        """Return the markings that silent steps lead to, itself included, those of the fewest choices first."""
        if (known := self._closures.get(marking)) is not None:
            return known
        first = self._settled(_Closed(marking, (), 0))
        found, queue = {first.marking: first}, deque([first])
        while queue:
            here = queue.popleft()
            for step in self._choices(here.marking):
                there = self._settled(
                    _Closed(_fired(step, here.marking), (*here.steps, step), here.choices + step.choice)
                )
                if there.marking not in found:
                    found[there.marking] = there
                    queue.append(there)
            if len(found) > _MOST_MARKINGS:
                raise DataError(
                    f'"{self.structure.process.name}": too many ways lead through its gateways at once; '
                    "merge gateways that decide the same, or join branches earlier"
                )
        self._closures[marking] = list(found.values())
        return self._closures[marking]

    def _settled(self, at: _Closed) -> _Closed:
        """Let happen at once what leaves no choice: that loses no behaviour."""
        marking, steps = at.marking, list(at.steps)
        while (step := self._certain(marking)) is not None:
            marking = _fired(step, marking)
            steps.append(step)
        return _Closed(marking, tuple(steps), at.choices)

    def _certain(self, marking: int) -> _Step | None:
        for flow in _marked(marking & ~(1 << self._begin)):
            node = self._target[flow]
            into, out = self._into[node.id], self._out[node.id]
            if node.kind in ("event", "end") or (node.kind == "exclusive" and len(out) == 1):
                return _Step(node.id, (flow,), out, False)
            if node.kind == "parallel" and all(marking >> one & 1 for one in into):
                return _Step(node.id, into, out, False)
        return None

    def _choices(self, marking: int) -> Iterator[_Step]:
        if marking >> self._begin & 1:
            for node in self.structure.process.nodes:
                if node.kind == "start":
                    yield _Step(node.id, (self._begin,), self._out[node.id], False)
            return
        joins: set[str] = set()
        for flow in _marked(marking):
            node = self._target[flow]
            if node.kind == "exclusive":
                for out in self._out[node.id]:
                    yield _Step(node.id, (flow,), (out,), True)
            elif node.kind == "terminate":
                yield _Step(node.id, tuple(_marked(marking)), (), True)
            elif node.kind == "inclusive" and node.id not in joins:
                joins.add(node.id)
                yield from self._inclusive(node, marking)

    def _inclusive(self, node: Node, marking: int) -> Iterator[_Step]:
        """Yield the ways on from an inclusive gateway, if no branch that it has to wait for can still come."""
        into, out = self._into[node.id], self._out[node.id]
        come = tuple(flow for flow in into if marking >> flow & 1)
        others = set(_marked(marking)) - set(into)
        filled = frozenset[int]().union(*(self._before(node, flow) for flow in come))
        for flow in set(into) - set(come):
            # OMG BPMN 2.0.2, table 13.3: wait only for a token that can reach an empty and no marked input.
            if others & (self._before(node, flow) - filled):
                return
        if len(out) > _MOST_BRANCHES:
            raise DataError(
                f"inclusive gateway {node.label} has {len(out)} branches, more than {_MOST_BRANCHES}; "
                "split it into several gateways"
            )
        for size in range(1, len(out) + 1):
            for chosen in combinations(out, size):
                yield _Step(node.id, come, chosen, len(out) > 1)

    def _before(self, join: Node, flow: int) -> frozenset[int]:
        """Return the flows from which a token could come to a flow without passing the join."""
        if (join.id, flow) not in self._upstream:
            process = self.structure.process
            seen, todo = {join.id}, [process.flows[flow].source]
            found: set[int] = set()
            while todo:
                here = todo.pop()
                if here not in seen:
                    seen.add(here)
                    found.update(self._into[here])
                    todo += [one.source for one in process.incoming[here]]
            self._upstream[join.id, flow] = frozenset(found)
        return self._upstream[join.id, flow]

    # -- what a run says -------------------------------------------------------------------------------------------

    def _told(self, steps: list[_Step], labels: Sequence[tuple[int, int | None]], *, finished: bool) -> Run:
        """Follow the tokens of a run and note what each source decided."""
        story = _Story(self.structure, self._flows)
        story.tokens[self._begin] = _Token(BEGIN, 1, frozenset())
        events = iter(labels)
        for step in steps:
            position = next(events)[1] if step.label >= 0 else None
            story.follow(step, position)
        return Run(story.decisions, story.opened, story.before, None if finished else story.last)


class _Story:
    """The tokens of a run, and what has been decided so far."""

    def __init__(self, structure: Structure, flows: list[str]) -> None:
        self.structure, self.flows = structure, flows
        self.tokens: dict[int, _Token] = {}
        self.visits: dict[str, int] = {}
        self.decisions: list[Decision] = []
        self.opened: list[Opened] = []
        self.before: dict[int, frozenset[int]] = {}
        self.last: tuple[str, int] | None = None

    def follow(self, step: _Step, position: int | None) -> None:
        """Take the tokens of a step, and put those that it gives."""
        structure = self.structure
        node = structure.process.by_id[step.node]
        taken = [(flow, self.tokens.pop(flow)) for flow in step.take]
        if node.kind == "start" or not (structure.is_place(node) or node.kind in ("end", "terminate")):
            for flow in step.give:
                first = structure.source_of(structure.flows[self.flows[flow]]) if node.kind == "start" else None
                token = taken[0][1]
                came = _Token(first or token.source, token.visit, token.events, token.back)
                self._put(flow, came)
            if not step.give:
                self._decide(taken[0][1], Outcome(None))
            return
        if node.kind == "terminate":
            # The other branches never decided anything.
            chosen = next(token for flow, token in taken if structure.flows[self.flows[flow]].target == node.id)
            self._decide(chosen, Outcome(None, terminate=True))
            return
        for flow, token in taken:
            outcome = structure.outcome(structure.flows[self.flows[flow]], back=token.back)
            assert outcome is not None
            self._decide(token, outcome)
        self._leave(node, step, position, frozenset[int]().union(*(token.events for _, token in taken)))

    def _leave(self, node: Node, step: _Step, position: int | None, events: frozenset[int]) -> None:
        """Put the tokens that leave a place."""
        structure = self.structure
        if position is not None:
            self.before[position] = events
            events = frozenset({position})
        if node.kind == "inclusive" and structure.opens(node):
            self.opened.append(Opened(node.id, frozenset(self.flows[flow] for flow in step.give)))
        if step.label >= 0 and step.give == step.take:
            # It is done again at once: the token stands before it, as one that has been back.
            self.tokens[step.take[0]] = _Token(node.id, self._visit(node.id), events, back=True)
            return
        for flow in step.give:
            source = structure.source_of(structure.flows[self.flows[flow]])
            self._put(flow, _Token(source, self._visit(source), events))
        if step.label >= 0 and len(step.give) == 1:
            source = structure.source_of(structure.flows[self.flows[step.give[0]]])
            self.last = source, self.visits[source]

    def _visit(self, source: str) -> int:
        self.visits[source] = self.visits.get(source, 0) + 1
        return self.visits[source]

    def _put(self, flow: int, token: _Token) -> None:
        token.back = token.back or self.flows[flow] in self.structure.back
        self.tokens[flow] = token

    def _decide(self, token: _Token, outcome: Outcome) -> None:
        if token.source in self.structure.first:
            self.decisions.append(Decision(token.source, token.visit, outcome))


def _steps(way: _Way) -> list[_Step]:
    parts = []
    here: _Way | None = way
    while here is not None:
        parts.append(here.steps)
        here = here.before
    return [step for part in reversed(parts) for step in part]


def _fired(step: _Step, marking: int) -> int:
    for flow in step.take:
        marking &= ~(1 << flow)
    for flow in step.give:
        marking |= 1 << flow
    return marking


def _marked(marking: int) -> Iterator[int]:
    while marking:
        low = marking & -marking
        yield low.bit_length() - 1
        marking ^= low

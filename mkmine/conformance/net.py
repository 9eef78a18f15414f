"""What a process model allows: its markings, compiled to a small graph whose every edge is one activity.

A marking is the number of tokens on each sequence flow. Gateways and events leave no trace, so they are folded away:
two states are joined by an edge "a" if the model can do activity a from the first and then stand in the second.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from mkmine.errors import DataError
from mkmine.targets import Node, ProcessModel

STATE_LIMIT = 8_000
BITS = 4  # a flow holds up to 15 tokens; a sound model never needs more than one
FULL = (1 << BITS) - 1
BRANCH_LIMIT = 10


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Net:
    """A compiled model. State 0 is the beginning of a case.

    `labels` are the activities; edges are arrays (n,) `source`, `label` (a code into labels) and `target`, sorted by
    all three; `final` (s,) says in which states a case may end.
    """

    labels: tuple[str, ...]
    source: NDArray[np.int32]
    label: NDArray[np.int32]
    target: NDArray[np.int32]
    final: NDArray[np.bool_]

    @property
    def n_states(self) -> int:
        """Number of states."""
        return len(self.final)

    def __repr__(self) -> str:
        return f"Net({self.n_states:,} states, {len(self.source):,} edges, {len(self.labels)} activities)"


@dataclass(frozen=True, slots=True)
class _Step:
    """A transition: takes one token from each flow of `take` and puts one on each of `give` (as a marking)."""

    take: tuple[int, ...]
    give: int
    label: int = -1
    ends_all: bool = False


@dataclass(frozen=True, slots=True)
class _Join:
    """An inclusive join, with the flows from which a token could still come to each of its incoming ones."""

    flows: tuple[int, ...]
    upstream: tuple[int, ...]
    outcomes: tuple[int, ...]


def compile_net(model: ProcessModel, *, state_limit: int = STATE_LIMIT) -> Net:
    """Explore what the model allows, by the token semantics of OMG BPMN 2.0.2, chapter 13.

    Raises `DataError` if the model has more than `state_limit` states, may pile up tokens on a flow, or can never
    finish (a parallel join that waits for a branch that was not taken).
    """
    rules = _Rules(model)
    numbers = {rules.first: 0}
    queue = deque([rules.first])
    edges: list[tuple[int, int, int]] = []
    final: list[bool] = []
    while queue:
        marking = queue.popleft()
        closure = rules.closure(marking, state_limit)
        final.append(0 in closure)
        for label, targets in _visible(rules, closure, state_limit):
            for target in targets:
                if target not in numbers:
                    numbers[target] = len(numbers)
                    queue.append(target)
                edges.append((numbers[marking], label, numbers[target]))
        if len(numbers) > state_limit:
            raise _too_large(model, state_limit)
    if not any(final):
        raise _stuck(rules, list(numbers), edges)
    table = np.array(sorted(set(edges)), dtype=np.int32).reshape(-1, 3)
    return Net(
        labels=model.activities,
        source=table[:, 0].copy(),
        label=table[:, 1].copy(),
        target=table[:, 2].copy(),
        final=np.array(final, dtype=np.bool_),
    )


def _visible(rules: _Rules, closure: dict[int, None], limit: int) -> Iterator[tuple[int, list[int]]]:
    """What can be done next: each label with the states it leads to.

    A target that another target of the same label reaches in silence is left out: a choice is made only when needed.
    """
    found: dict[int, dict[int, None]] = {}
    for marking in closure:
        for step in rules.enabled(rules.visible, marking):
            found.setdefault(step.label, {})[rules.settle(rules.fire(step, marking))] = None
    for label in sorted(found):
        targets = list(found[label])
        if len(targets) > 1:
            reach = {target: rules.closure(target, limit) for target in targets}
            targets = [
                one
                for one in targets
                if not any(
                    other != one and one in reach[other] and (other not in reach[one] or other < one)
                    for other in targets
                )
            ]
        yield label, targets


class _Rules:
    """The transitions of a model, indexed by the flows that feed them."""

    def __init__(self, model: ProcessModel) -> None:
        self.model = model
        self.index = {flow.id: i for i, flow in enumerate(model.flows)}
        self.begin = len(model.flows)  # a virtual flow that holds the token of a case that has not begun
        self.visible: list[_Step] = []
        self.eager: list[_Step] = []
        self.choices: list[_Step] = []
        self.joins: list[_Join] = []
        self._closures: dict[int, dict[int, None]] = {}
        self._labels = {name: code for code, name in enumerate(model.activities)}
        starts = [self._out(node) for node in model.nodes if node.kind == "start"]
        (self.eager if len(starts) == 1 else self.choices).extend(_Step((self.begin,), give) for give in starts)
        for node in model.nodes:
            self._add(node)
        self.first = self.settle(1 << BITS * self.begin)

    def _in(self, node: Node) -> tuple[int, ...]:
        return tuple(self.index[flow.id] for flow in self.model.incoming[node.id])

    def _out(self, node: Node) -> int:
        return sum(1 << BITS * self.index[flow.id] for flow in self.model.outgoing[node.id])

    def _add(self, node: Node) -> None:
        flows, gives = self._in(node), self._out(node)
        if node.kind == "task":
            label = self._labels[node.name]
            self.visible += [_Step((f,), gives, label) for f in flows]
            if node.repeats:
                self.visible += [_Step((f,), 1 << BITS * f, label) for f in flows]
        elif node.kind in ("event", "end"):
            self.eager += [_Step((f,), gives) for f in flows]
        elif node.kind == "terminate":
            self.choices += [_Step((f,), 0, ends_all=True) for f in flows]
        elif node.kind == "parallel":
            self.eager.append(_Step(flows, gives))
        elif node.kind == "exclusive":
            out = self.model.outgoing[node.id]
            steps = [_Step((f,), 1 << BITS * self.index[o.id]) for f in flows for o in out]
            (self.eager if len(out) == 1 else self.choices).extend(steps)
        elif node.kind == "inclusive":
            self._add_inclusive(node, flows)

    def _add_inclusive(self, node: Node, flows: tuple[int, ...]) -> None:
        out = [1 << BITS * self.index[flow.id] for flow in self.model.outgoing[node.id]]
        if len(out) > BRANCH_LIMIT:
            raise DataError(
                f"inclusive gateway {node.label} has {len(out)} branches, more than {BRANCH_LIMIT}; "
                "split it into several gateways"
            )
        outcomes = tuple(sum(part) for n in range(1, len(out) + 1) for part in combinations(out, n))
        if len(flows) == 1:
            (self.eager if len(out) == 1 else self.choices).extend(_Step(flows, give) for give in outcomes)
        else:
            self.joins.append(_Join(flows, tuple(self._upstream(node, f) for f in flows), outcomes))

    def _upstream(self, join: Node, flow: int) -> int:
        """The flows from which a token could come to `flow` without passing the join (a mask of markings)."""
        seen, todo, mask = {join.id}, [self.model.flows[flow].source], 0
        while todo:
            here = todo.pop()
            if here in seen:
                continue
            seen.add(here)
            for one in self.model.incoming[here]:
                mask |= FULL << BITS * self.index[one.id]
                todo.append(one.source)
            if self.model.by_id[here].kind == "start":
                mask |= FULL << BITS * self.begin
        return mask

    def enabled(self, steps: list[_Step], marking: int) -> Iterator[_Step]:
        for step in steps:
            for flow in step.take:
                if not marking >> BITS * flow & FULL:
                    break
            else:
                yield step

    def fire(self, step: _Step, marking: int) -> int:
        if step.ends_all:
            return 0
        for flow in step.take:
            marking -= 1 << BITS * flow
        return self._put(marking, step.give)

    def _put(self, marking: int, give: int) -> int:
        full = give * FULL
        while full:
            flow = ((full & -full).bit_length() - 1) // BITS
            if marking >> BITS * flow & FULL == FULL:
                arrow = self.model.flows[flow]
                source, target = self.model.by_id[arrow.source].label, self.model.by_id[arrow.target].label
                raise DataError(
                    f'model "{self.model.name}" piles up tokens on the flow from {source} to {target}: the work before '
                    "it can run again and again in parallel; join the parallel branches before the way back"
                )
            full &= ~(FULL << BITS * flow)
        return marking + give

    def settle(self, marking: int) -> int:
        """Let the gateways and events fire that leave no choice: to do it at once loses no behaviour."""
        for _ in range(10_000):
            step = next(self.enabled(self.eager, marking), None)
            if step is None:
                return marking
            marking = self.fire(step, marking)
        raise DataError(
            f'model "{self.model.name}" runs for ever without doing any activity: a cycle of gateways and events '
            "has no task in it; put the task into the cycle or remove the cycle"
        )

    def closure(self, marking: int, limit: int) -> dict[int, None]:
        """The markings that silent choices lead to, itself included, in breadth-first order."""
        if (known := self._closures.get(marking)) is not None:
            return known
        found: dict[int, None] = {marking: None}
        queue = deque([marking])
        while queue:
            here = queue.popleft()
            for there in self._silent(here):
                if there not in found:
                    found[there] = None
                    queue.append(there)
            if len(found) > 4 * limit:
                raise _too_large(self.model, limit)
        self._closures[marking] = found
        return found

    def _silent(self, marking: int) -> Iterator[int]:
        for step in self.enabled(self.choices, marking):
            yield self.settle(self.fire(step, marking))
        for join in self.joins:
            taken = [bool(marking >> BITS * flow & FULL) for flow in join.flows]
            if not any(taken):
                continue
            empty = full = inputs = 0
            for flow, here, mask in zip(join.flows, taken, join.upstream, strict=True):
                inputs |= FULL << BITS * flow
                if here:
                    full |= mask
                else:
                    empty |= mask
            # OMG BPMN 2.0.2, table 13.3: wait only for a token that can reach an empty and no marked input.
            if marking & ~inputs & empty & ~full:
                continue
            rest = marking - sum(1 << BITS * flow for flow, here in zip(join.flows, taken, strict=True) if here)
            for give in join.outcomes:
                yield self.settle(self._put(rest, give))


def _too_large(model: ProcessModel, limit: int) -> DataError:
    return DataError(
        f'model "{model.name}" has more than {limit:,} states: too many branches may run in parallel; '
        "put steps that always follow each other in sequence, or check parts of the process one by one"
    )


def _stuck(rules: _Rules, markings: list[int], edges: list[tuple[int, int, int]]) -> DataError:
    moving = {source for source, _, _ in edges}
    for number, marking in enumerate(markings):
        if number not in moving:
            held = [f for i, f in enumerate(rules.model.flows) if marking >> BITS * i & FULL]
            nodes = dict.fromkeys(rules.model.by_id[flow.target].label for flow in held)
            where = f": it stops at {', '.join(nodes)}" if nodes else ""
            return DataError(
                f'model "{rules.model.name}" can never finish{where}; '
                "a parallel gateway must join exactly the branches that a parallel gateway split"
            )
    return DataError(f'model "{rules.model.name}" can never finish; lead a flow to an end event')

"""The token game of a process model: markings, and the steps from one to the next.

A marking is the number of tokens on each sequence flow, packed into one integer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations

from mkmine.errors import DataError
from mkmine.targets import Node, ProcessModel

STATE_LIMIT = 8_000
BITS = 4  # a flow holds up to 15 tokens; a sound model never needs more than one
FULL = (1 << BITS) - 1
BRANCH_LIMIT = 10
SILENT_LIMIT = 100_000  # markings between two activities that are looked at before a model is said to be too large


class TooManyStatesError(DataError):
    """A model with more states than can be listed."""


@dataclass(frozen=True, slots=True)
class Step:
    """A transition: takes one token from each flow of `take` and puts one on each of `give` (as a marking)."""

    take: tuple[int, ...]
    give: int
    label: int = -1
    ends_all: bool = False


@dataclass(frozen=True, slots=True)
class Join:
    """An inclusive join, with the flows from which a token could still come to each of its incoming ones."""

    flows: tuple[int, ...]
    upstream: tuple[int, ...]
    outcomes: tuple[int, ...]


class Rules:
    """The transitions of a model, indexed by the flows that feed them.

    With `kept`, of the flows only these: what the model does, as seen by who looks only there, and possibly more.
    """

    def __init__(self, model: ProcessModel, kept: frozenset[int] | None = None) -> None:
        self.model = model
        self._kept = range(len(model.flows)) if kept is None else kept
        self.index = {flow.id: i for i, flow in enumerate(model.flows)}
        self.begin = len(model.flows)  # a virtual flow that holds the token of a case that has not begun
        self.visible: list[Step] = []
        self.eager: list[Step] = []
        self.choices: list[Step] = []
        self.joins: list[Join] = []
        self._closures: dict[int, dict[int, None]] = {}
        self.silent_limit, self._silently = SILENT_LIMIT, 0
        self._labels = {name: code for code, name in enumerate(model.activities)}
        starts = [self._out(node) for node in model.nodes if node.kind == "start"]
        (self.eager if len(starts) == 1 else self.choices).extend(Step((self.begin,), give) for give in starts)
        for node in model.nodes:
            self._add(node)
        self._eager_at: dict[int, list[Step]] = {}
        for step in self.eager:
            self._eager_at.setdefault(step.take[0], []).append(step)
        self.first = self.settle(1 << BITS * self.begin)

    def _in(self, node: Node) -> tuple[int, ...]:
        found = (self.index[flow.id] for flow in self.model.incoming[node.id])
        return tuple(flow for flow in found if flow in self._kept)

    def _ways(self, node: Node) -> list[int]:
        found = (self.index[flow.id] for flow in self.model.outgoing[node.id])
        return [1 << BITS * flow for flow in found if flow in self._kept]

    def _out(self, node: Node) -> int:
        return sum(self._ways(node))

    def _add(self, node: Node) -> None:
        flows, gives = self._in(node), self._out(node)
        if not flows:
            return
        if node.kind == "task":
            label = self._labels[node.name]
            self.visible += [Step((f,), gives, label) for f in flows]
            if node.repeats:
                self.visible += [Step((f,), 1 << BITS * f, label) for f in flows]
        elif node.kind in ("event", "end"):
            self.eager += [Step((f,), gives) for f in flows]
        elif node.kind == "terminate":
            self.choices += [Step((f,), 0, ends_all=True) for f in flows]
        elif node.kind == "parallel":
            self.eager.append(Step(flows, gives))
        elif node.kind == "exclusive":
            out = self._ways(node)
            steps = [Step((f,), give) for f in flows for give in out]
            (self.eager if len(out) == 1 else self.choices).extend(steps)
        elif node.kind == "inclusive":
            self._add_inclusive(node, flows)

    def _add_inclusive(self, node: Node, flows: tuple[int, ...]) -> None:
        out = self._ways(node)
        if len(out) > BRANCH_LIMIT:
            raise DataError(
                f"inclusive gateway {node.label} has {len(out)} branches, more than {BRANCH_LIMIT}; "
                "split it into several gateways"
            )
        outcomes = tuple(sum(part) for n in range(1, len(out) + 1) for part in combinations(out, n))
        if len(flows) == 1:
            (self.eager if len(out) == 1 else self.choices).extend(Step(flows, give) for give in outcomes)
        else:
            self.joins.append(Join(flows, tuple(self._upstream(node, f) for f in flows), outcomes))

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

    def after(self, steps: Iterable[Step], marking: int) -> Iterator[tuple[int, int]]:
        """The label of each step (-1: a silent choice) and the marking to which it leads."""
        for step in steps:
            yield step.label, self.settle(self.fire(step, marking))

    def steps(self, marking: int) -> Iterator[tuple[int, int]]:
        """All that can be done next, as `after`."""
        yield from self.after(self.enabled(self.visible, marking), marking)
        for there in self._silent(marking):
            yield -1, there

    def enabled(self, steps: list[Step], marking: int) -> Iterator[Step]:
        """The steps that find the tokens they take."""
        for step in steps:
            for flow in step.take:
                if not marking >> BITS * flow & FULL:
                    break
            else:
                yield step

    def fire(self, step: Step, marking: int) -> int:
        """The marking after a step."""
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
            step = self._eager_step(marking)
            if step is None:
                return marking
            marking = self.fire(step, marking)
        raise DataError(
            f'model "{self.model.name}" runs for ever without doing any activity: a cycle of gateways and events '
            "has no task in it; put the task into the cycle or remove the cycle"
        )

    def _eager_step(self, marking: int) -> Step | None:
        left = marking
        while left:
            flow = ((left & -left).bit_length() - 1) // BITS
            left = left >> BITS * (flow + 1) << BITS * (flow + 1)
            for step in self._eager_at.get(flow, ()):
                if all(marking >> BITS * other & FULL for other in step.take):
                    return step
        return None

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
            if self._silently + len(found) > self.silent_limit:
                raise too_large(self.model, limit)
        self._silently += len(found)
        self._closures[marking] = found
        return found

    def _silent(self, marking: int) -> Iterator[int]:
        for _, there in self.after(self.silent(marking), marking):
            yield there

    def silent(self, marking: int) -> Iterator[Step]:
        """The silent choices that there are at a marking."""
        yield from self.enabled(self.choices, marking)
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
            flows = tuple(flow for flow, here in zip(join.flows, taken, strict=True) if here)
            yield from (Step(flows, give) for give in join.outcomes)


def too_large(model: ProcessModel, limit: int) -> TooManyStatesError:
    """The error for a model with more than `limit` states."""
    return TooManyStatesError(
        f'model "{model.name}" has more than {limit:,} states: too many branches may run in parallel; '
        "put steps that always follow each other in sequence, or check parts of the process one by one"
    )

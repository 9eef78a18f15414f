"""Lower bounds for models with too many states to list: what a case costs at least, part by part of the model.

A component is what one token does on its way through the model: of branches that run in parallel it takes one. Whoever
looks only at its flows sees a small automaton that allows what the model allows, and possibly more. Each activity is
counted in one component, so that the costs of the components add up to a lower bound of the cost of the whole. Where
branches are independent of each other the bound is the cost itself.

Method: pattern databases with cost partitioning (M. Katz, C. Domshlak 2010), over components as they decompose
conformance checking of Petri nets (W. M. P. van der Aalst 2013, Distributed and Parallel Databases 31).
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from mkmine.conformance.markings import BITS, FULL, Rules
from mkmine.errors import DataError
from mkmine.targets import ProcessModel

__all__ = ["NEVER", "Component", "find_components"]

STATES = 300
NEVER = 1 << 20  # above the length of any case and any way through a component
KEPT_TABLES = 4_000_000  # entries of cost tables kept for cases that share a projection


class Component:
    """A part of a model, and what is left to pay in it.

    `mask` are the bits of its flows in a marking, `labels` the activities that are counted here.
    """

    def __init__(self, rules: Rules, kept: Iterable[int], labels: Iterable[int], *, loose: bool) -> None:
        """Explore the states. Raises `DataError` if they are more than a few hundred, or tokens pile up."""
        self.labels = frozenset(labels)
        self.mask = sum(FULL << BITS * flow for flow in (*kept, rules.begin))
        self._rules = rules
        self._number = {rules.first: 0}
        edges = self._explore()
        self._distance = _distances(len(self._number), [(s, t, int(v in self.labels)) for s, v, t in edges])
        ends = [self._number[0]] if 0 in self._number else []
        # Where work that ends the whole case is out of sight, any moment may be the last.
        self._to_end = np.zeros(len(self._number), dtype=np.int32)
        if not loose:
            self._to_end = self._distance[:, ends].min(axis=1, initial=NEVER)
        self._ways = {
            label: np.array([(s, t) for s, v, t in edges if v == label], dtype=np.int64).reshape(-1, 2).T
            for label in self.labels
        }
        self._seen: dict[int, int] = {}
        self._tables: dict[tuple[tuple[int, ...], bool], list[list[int]]] = {}
        self._size = 0

    def _explore(self) -> list[tuple[int, int, int]]:
        edges, queue = [], deque(self._number)
        while queue:
            here = queue.popleft()
            for label, there in self._rules.steps(here):
                if there not in self._number:
                    if len(self._number) == STATES:
                        raise DataError(f"a part of the model has more than {STATES} states")
                    self._number[there] = len(self._number)
                    queue.append(there)
                edges.append((self._number[here], label, self._number[there]))
        return edges

    def state(self, marking: int) -> int:
        """The number of the state in which the component is at a marking of the model."""
        seen = marking & self.mask
        if (number := self._seen.get(seen)) is None:
            number = self._seen[seen] = self._number[self._rules.settle(seen)]
        return number

    def costs(self, events: tuple[int, ...], *, is_open: bool) -> list[list[int]]:
        """What is left to pay from each state (second index) when so many of the events are done (first index)."""
        key = events, is_open
        if (known := self._tables.get(key)) is not None:
            return known
        left = np.zeros(len(self._to_end), dtype=np.int32) if is_open else self._to_end
        rows = [left.tolist()]
        for event in reversed(events):
            after = left + 1
            source, target = self._ways[event]
            np.minimum.at(after, source, left[target])
            left = np.minimum((self._distance + after).min(axis=1), NEVER)
            rows.append(left.tolist())
        self._size += len(rows) * len(left)
        if self._size > KEPT_TABLES:
            self._tables, self._size = {}, 0
        self._tables[key] = rows[::-1]
        return self._tables[key]


def find_components(model: ProcessModel) -> tuple[Component, ...]:
    """Return components that together count as many activities as small ones can."""
    slices = _Slices(model)
    labels = {name: code for code, name in enumerate(model.activities)}
    tasks = [(labels[node.name], slices.into[node.id]) for node in model.tasks]
    enders = {flow for node in model.nodes if node.kind == "terminate" for flow in slices.into[node.id]}
    counted: set[int] = set()
    found = []
    for label, flows in tasks:
        if label in counted:
            continue
        kept = slices.through(flows)
        new = {other for other, into in tasks if not kept.isdisjoint(into)} - counted
        # An activity out of sight of every small component is not counted: the bound is only lower for it.
        with suppress(DataError):
            found.append(Component(Rules(model, kept), kept, new, loose=not enders <= kept))
            counted |= new
            slices.used.update(kept)
    return tuple(found)


class _Slices:
    """The flows of components: at a parallel gateway one way in and one way out, elsewhere all."""

    def __init__(self, model: ProcessModel) -> None:
        index = {flow.id: number for number, flow in enumerate(model.flows)}
        self.into = {node.id: [index[flow.id] for flow in model.incoming[node.id]] for node in model.nodes}
        self.used: Counter[int] = Counter()
        self._out = {node.id: [index[flow.id] for flow in model.outgoing[node.id]] for node in model.nodes}
        self._flows, self._by_id = model.flows, model.by_id

    def through(self, first: Sequence[int]) -> frozenset[int]:
        """A component that leads through the given flows, elsewhere preferably where no other has led so far."""
        kept: set[int] = set()
        back, forth = list(first), list[int]()
        while back or forth:
            # First to where the token comes from: that says in which of parallel branches it is.
            if back:
                flow = back.pop()
                if flow not in kept:
                    kept.add(flow)
                    forth.append(flow)
                    source = self._flows[flow].source
                    back += self._some(self.into[source], kept, one=self._by_id[source].kind == "parallel")
            else:
                target = self._flows[forth.pop()].target
                choice = self._by_id[target].kind in ("exclusive", "inclusive")
                back += self._some(self._out[target], kept, one=not choice)
        return frozenset(kept)

    def _some(self, flows: list[int], kept: set[int], *, one: bool) -> list[int]:
        if not one:
            return [flow for flow in flows if flow not in kept]
        return [] if not flows or not kept.isdisjoint(flows) else [min(flows, key=self.used.__getitem__)]


def _distances(n: int, edges: list[tuple[int, int, int]]) -> NDArray[np.int32]:
    """The least cost from each state (row) to each other, shape (n, n)."""
    result = np.full((n, n), NEVER, dtype=np.int32)
    np.fill_diagonal(result, 0)
    for source, target, cost in edges:
        result[source, target] = min(result[source, target], cost)
    for middle in range(n):
        np.minimum(result, result[:, middle : middle + 1] + result[middle : middle + 1], out=result)
    return result

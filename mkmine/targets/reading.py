"""A process model in reading order: steps one after another, forks with their ways, jumps where the drawing goes back.

Merges of a choice say nothing that a reader needs and are left out. Where the ways of a fork come together is its
immediate postdominator (T. Lengauer and R. E. Tarjan 1979, on the graph turned round); whatever a graph has beyond
nested forks becomes a jump to a step that stands elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, replace

from mkmine.errors import DataError
from mkmine.targets.model import GATEWAYS, Flow, Kind, Node, ProcessModel

__all__ = ["Edge", "Fork", "Item", "Jump", "Place", "Reading", "Way", "read_in_order"]

# Nobody nests forks deeper, and Python's stack has an end.
DEEPEST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """From a node to the next that matters: `flow` leaves the one, `last` enters the other."""

    flow: Flow
    last: Flow
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A step of its own: a task, an event, a start, an end, or a gateway that waits for ways from elsewhere."""

    node: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Jump:
    """The case goes on at a node that stands elsewhere."""

    node: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way out of a fork; without items it leads straight on."""

    flow: Flow
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fork:
    """A gateway with its ways, or several arrows out of a step (`node` is None: all of them are taken).

    `join` is the gateway that waits for all ways, where they come together at one.
    """

    kind: Kind
    node: Node | None
    ways: tuple[Way, ...]
    join: Node | None = None


Item = Place | Fork | Jump


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The items of a model in order, and the edges between the nodes in them."""

    items: tuple[Item, ...]
    edges: Mapping[str, tuple[Edge, ...]]

    def nodes(self) -> tuple[Node, ...]:
        """Return every node that is read, in order."""
        return tuple(_flat(self.items))


def read_in_order(model: ProcessModel) -> Reading:
    """Return the model in reading order. Raises `DataError` if its forks are nested deeper than 100."""
    apart: set[str] = set()
    while True:
        edges = _edges(model, apart)
        meets = _meetings(edges)
        reader = _Reader(model, edges, meets, frozenset(apart))
        items = reader.read()
        if not reader.unmatched:
            return Reading(items=items, edges=edges)
        apart |= reader.unmatched


def _flat(items: tuple[Item, ...]) -> Iterator[Node]:
    for item in items:
        if isinstance(item, Place):
            yield item.node
        elif isinstance(item, Fork):
            if item.node:
                yield item.node
            for way in item.ways:
                yield from _flat(way.items)
            if item.join:
                yield item.join


def _edges(model: ProcessModel, apart: Set[str]) -> dict[str, tuple[Edge, ...]]:
    def silent(node: Node) -> bool:
        if node.kind not in GATEWAYS or len(model.outgoing[node.id]) != 1:
            return False
        if len(model.incoming[node.id]) == 1:
            return True
        # A join that is jumped to must be able to tell its ways apart.
        return node.kind == "exclusive" and model.outgoing[node.id][0].target not in apart

    def edge(flow: Flow) -> Edge:
        last = flow
        while silent(model.by_id[last.target]):
            last = model.outgoing[last.target][0]
        return Edge(flow=flow, last=last, target=last.target)

    return {node.id: tuple(map(edge, model.outgoing[node.id])) for node in model.nodes if not silent(node)}


def _meetings(edges: Mapping[str, tuple[Edge, ...]]) -> dict[str, str | None]:
    """Return for each node the first one that every way from it comes through, or None."""
    names = list(edges)
    number = {name: n for n, name in enumerate(names)}
    everything = (1 << len(names)) - 1
    after = {name: everything if edges[name] else 1 << number[name] for name in names}
    changed = True
    while changed:
        changed = False
        for name in reversed(names):
            found = everything
            for edge in edges[name]:
                found &= after[edge.target]
            found = (found if edges[name] else 0) | 1 << number[name]
            changed |= found != after[name]
            after[name] = found
    meets: dict[str, str | None] = {}
    for name in names:
        rest = after[name] & ~(1 << number[name])
        others = [other for other in names if rest >> number[other] & 1]
        # They are a chain: the nearest one has all the others after it.
        meets[name] = max(others, key=lambda other: after[other].bit_count(), default=None)
    return meets


class _Reader:
    """One walk over a model; `apart` are joins that no fork has for itself."""

    def __init__(
        self,
        model: ProcessModel,
        edges: Mapping[str, tuple[Edge, ...]],
        meets: Mapping[str, str | None],
        apart: frozenset[str],
    ) -> None:
        self.model, self.edges, self.meets, self.apart = model, edges, meets, apart
        self.seen: set[str] = set()
        self.unmatched: set[str] = set()

    def read(self) -> tuple[Item, ...]:
        items: list[Item] = []
        for node in self.model.nodes:
            if node.kind == "start" and node.id not in self.seen:
                items += self.walk(node.id, None, frozenset(), 0)[0]
        return tuple(items)

    def joins(self, name: str) -> bool:
        node = self.model.by_id[name]
        return node.kind in ("parallel", "inclusive") and len(self.model.incoming[name]) > 1

    def walk(self, here: str, stop: str | None, came: frozenset[str], depth: int) -> tuple[list[Item], frozenset[str]]:
        """Return the items up to `stop`, and the flows by which it is reached (none if it is not)."""
        if depth > DEEPEST:
            raise DataError(
                f'the forks of "{self.model.name}" are nested deeper than {DEEPEST}; draw parts of it apart'
            )
        items: list[Item] = []
        while here != stop:
            node = self.model.by_id[here]
            if here in self.seen:
                # Where nothing has come, all ways before have jumped.
                return [*items, *([Jump(node=node)] if came else [])], frozenset()
            self.seen.add(here)
            ways = self.edges[here]
            forks = len(ways) > 1
            if not forks or self.joins(here) or node.kind not in GATEWAYS:
                items.append(Place(node=node))
            if forks:
                fork, here, came = self.fork(node, stop, depth)
                items.append(fork)
                if not here:
                    return items, frozenset()
            elif ways:
                here, came = ways[0].target, frozenset({ways[0].last.id})
            else:
                return items, frozenset()
        if stop in self.apart and came:
            return [*items, Jump(node=self.model.by_id[here])], frozenset()
        return items, came

    def main(self, name: str) -> str | None:
        """Return where the longest of several ways that do not meet begins: it is read on, the others are asides."""
        fresh = [edge.target for edge in self.edges[name] if edge.target not in self.seen]
        return max(fresh, key=lambda target: len(self.ahead(target)), default=None)

    def ahead(self, name: str) -> set[str]:
        found, todo = {name}, [name]
        while todo:
            fresh = {edge.target for edge in self.edges[todo.pop()]} - found - self.seen
            found |= fresh
            todo += fresh
        return found

    def fork(self, node: Node, stop: str | None, depth: int) -> tuple[Fork, str, frozenset[str]]:
        """Return a fork, the node at which to go on after it ("" for none), and the flows that lead there."""
        meeting = self.meets[node.id]
        gateway = node.kind in GATEWAYS and not self.joins(node.id)
        kind: Kind = node.kind if node.kind in ("exclusive", "inclusive") else "parallel"
        if meeting is None and kind == "exclusive":
            meeting = self.main(node.id)
        ways, ends = [], []
        for edge in self.edges[node.id]:
            items, came = self.walk(edge.target, meeting, frozenset({edge.last.id}), depth + 1)
            ways.append(Way(flow=edge.flow, items=tuple(items)))
            ends.append(came)
        fork = Fork(kind=kind, node=node if gateway else None, ways=tuple(ways))
        if meeting is None:
            return fork, "", frozenset()
        all_of = frozenset[str]().union(*ends)
        if meeting in self.apart:
            return fork, meeting, all_of
        if meeting not in self.seen and self.joins(meeting):
            join, whole = self.model.by_id[meeting], {flow.id for flow in self.model.incoming[meeting]}
            single = sum(map(len, ends)) == len(ends) == len(all_of)
            if join.kind == kind and single and all_of == whole and len(self.edges[meeting]) == 1:
                self.seen.add(meeting)
                after = self.edges[meeting][0]
                return replace(fork, join=join), after.target, frozenset({after.last.id})
            if kind != "exclusive" or meeting != stop or len(all_of) > 1:
                self.unmatched.add(meeting)
        elif kind != "exclusive":
            # What all ways of a split lead to without a join is done for each of them.
            self.unmatched.add(meeting)
        return fork, meeting, all_of

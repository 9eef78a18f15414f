"""From a structure and the chances of its ways to the routes and gateways of a simulation model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mkmine.errors import DataError
from mkmine.simulation.model.distributions import Distribution
from mkmine.simulation.model.evidence import Evidence, Range
from mkmine.simulation.model.parts import Event, Gateway, GatewayVariant, Route, Variant, Way
from mkmine.simulation.model.structure import BEGIN, Outcome, Structure, split_of
from mkmine.targets import Node

__all__ = ["Chances", "Laid", "Own", "Timing", "Ways", "lay"]


@dataclass(frozen=True)
class Chances:
    """How probable the ways of a source are, by round, and on how many decisions that rests (`stated`: on somebody)."""

    rounds: tuple[Mapping[Outcome, float], ...]
    observed: tuple[float, ...]
    stated: bool = False


@dataclass(frozen=True)
class Ways:
    """How probably an inclusive gateway opens each of its flows (by id), and on how many decisions each rests."""

    shares: Mapping[str, float]
    observed: Mapping[str, float]
    stated: bool = False


@dataclass(frozen=True)
class Own:
    """Chances of the ways of some sources, and of some inclusive gateways, for the cases with certain attributes."""

    when: Mapping[str, str]
    chances: dict[str, Chances] = field(default_factory=dict)
    ways: dict[str, Ways] = field(default_factory=dict)


@dataclass(frozen=True)
class Timing:
    """How long an event lets a case wait, and the range in which the mean lies."""

    after: Distribution
    range: Range | None = None


@dataclass(frozen=True)
class Laid:
    """The ways of a model: routes of activities by round (with how many observations), gateways, and beginnings.

    `variants` are routes of activities for certain cases.
    """

    next: dict[str, list[list[Route]]] = field(default_factory=dict)
    observed: dict[str, list[float]] = field(default_factory=dict)
    stated: set[str] = field(default_factory=set)
    gateways: dict[str, Gateway] = field(default_factory=dict)
    begin: list[Route] = field(default_factory=list)
    variants: dict[str, list[Variant]] = field(default_factory=dict)


def lay(
    structure: Structure,
    chances: Mapping[str, Chances],
    ways: Mapping[str, Ways],
    timings: Mapping[str, Timing] | None = None,
    own: Sequence[Own] = (),
) -> Laid:
    """Return the ways of a process: `chances` by source, `ways` by inclusive gateway, `timings` by event (ids).

    `own` are what certain cases have instead. A source whose ways lead to one place only needs no chances.

    Raises `DataError` if several arrows leave a start, or every way from the start leads to an end.
    """
    return _Layer(structure, chances, ways, timings or {}, own).laid()


class _Layer:
    def __init__(
        self,
        structure: Structure,
        chances: Mapping[str, Chances],
        ways: Mapping[str, Ways],
        timings: Mapping[str, Timing],
        own: Sequence[Own],
    ) -> None:
        self.structure, self.chances, self.ways, self.timings = structure, chances, ways, timings
        self.own = own
        self.out = Laid()
        self.gates = self._gates()

    def laid(self) -> Laid:
        structure = self.structure
        for node in structure.process.nodes:
            if node.kind == "start" and structure.opens(node):
                raise DataError(
                    f'"{structure.process.name}": several arrows leave {node.label}; put a parallel gateway after it'
                )
            if structure.is_place(node):
                self._place(node)
        begin = [route for route in self._routes(BEGIN)[0] if route.to is not None]
        total = sum(route.probability for route in begin)
        if not total > 0:
            raise DataError(f'"{structure.process.name}": no way leads from the start to a task; draw one')
        self.out.begin.extend(
            route.model_copy(update={"probability": route.probability / total, "rework": False}) for route in begin
        )
        return self.out

    def _gates(self) -> dict[str, str]:
        """Return the place before a parallel join by flow: one of its own where several places lead to the flow.

        A join waits for one branch from each place that leads to it.
        """
        structure = self.structure
        coming: dict[str, list[str]] = {}
        for source, outcomes in structure.outcomes.items():
            for outcome in outcomes:
                if outcome.by:
                    coming.setdefault(outcome.by, []).append(self._home(source))
        single = Counter((homes[0], structure.flows[flow].target) for flow, homes in coming.items() if len(homes) == 1)
        out = {}
        for flow, homes in coming.items():
            join = structure.flows[flow].target
            if len(homes) > 1 or single[homes[0], join] > 1:
                gate = f"{structure.names[join]} < {flow}"
                self.out.gateways[gate] = Gateway(kind="merge", to=structure.names[join])
                out[flow] = gate
        return out

    def _home(self, source: str) -> str:
        """Return the place from whose routes the ways of a source are taken."""
        # A branch that always leads to one place needs no place of its own.
        if source in self.structure.flows and len(self.structure.outcomes[source]) == 1:
            return self.structure.flows[source].source
        return source

    # -- places ----------------------------------------------------------------------------------------------------

    def _place(self, node: Node) -> None:
        structure, name = self.structure, self.structure.names[node.id]
        if node.kind == "task":
            self._task(node, name)
        elif node.kind == "event" and node.id in self.timings:
            timing = self.timings[node.id]
            to = self._on(node, name)
            self.out.gateways[name] = Gateway(
                kind="event", events=[Event(after=timing.after, to=to, range=timing.range)]
            )
        elif node.kind == "event":
            self.out.gateways[name] = self._split(node)
        elif len(structure.process.incoming[node.id]) > 1:
            to = self._on(node, name)
            of = structure.names[split_of(structure.process, node).id] if node.kind == "inclusive" else None
            # An inclusive gateway that joins and splits has its split in a place of its own.
            if of is not None and structure.opens(split_of(structure.process, node)) and self._mixed(of):
                of = f"{of} (split)"
            self.out.gateways[name] = Gateway(kind="join", to=to, of=of)
        else:
            self.out.gateways[name] = self._split(node)

    def _mixed(self, place: str) -> bool:
        process = self.structure.process
        node = next(node for node in process.nodes if self.structure.names[node.id] == place)
        return len(process.incoming[node.id]) > 1

    def _task(self, node: Node, name: str) -> None:
        if self.structure.opens(node):
            # Several arrows out of a task are a parallel split (BPMN 2.0.2, 13.3.1).
            fork = f"after {name}"
            self.out.gateways[fork] = self._split(node)
            self.out.next[name], self.out.observed[name] = [[Route(to=fork)]], []
        elif node.id in self.structure.first:
            self.out.next[name] = self._routes(node.id)
            self.out.observed[name] = self._seen(node.id)
            self.out.variants[name] = [
                Variant(
                    when=dict(one.when),
                    next=self._laid(known.rounds),
                    evidence=Evidence(routes=list(known.observed)),
                )
                for one in self.own
                if (known := one.chances.get(node.id))
            ]
            if (known := self.chances.get(node.id)) and known.stated:
                self.out.stated.add(name)
        else:
            self.out.next[name], self.out.observed[name] = [[Route(to=None)]], []

    def _seen(self, source: str) -> list[float]:
        known = self.chances.get(source)
        return [] if known is None or all(len(shares) < 2 for shares in known.rounds) else list(known.observed)

    def _split(self, node: Node) -> Gateway:
        branches = self.structure.opens(node)
        places = [self._branch(flow.id) for flow in branches]
        if node.kind != "inclusive":
            return Gateway(kind="and", to=places)
        known = self.ways[node.id]

        def opened(of: Ways) -> dict[str, Any]:
            pairs = zip(places, branches, strict=True)
            return {
                "ways": [Way(to=place, probability=of.shares[flow.id]) for place, flow in pairs],
                "observed": [of.observed[flow.id] for flow in branches],
            }

        variants = [
            GatewayVariant(when=dict(one.when), **opened(of)) for one in self.own if (of := one.ways.get(node.id))
        ]
        return Gateway(kind="or", **opened(known), stated=known.stated, variants=variants)

    def _branch(self, source: str) -> str:
        """Return the place where a branch begins: a place of its own, unless it always leads to another one."""
        routes = self._routes(source)
        if len(routes) == 1 and len(routes[0]) == 1 and routes[0][0].to is not None:
            return routes[0][0].to
        return self._choice(source, routes)

    def _on(self, node: Node, name: str) -> str | None:
        """Return where a place leads that has one way on: to a place of its own if that has to choose."""
        if self.structure.opens(node):
            self.out.gateways[f"{name} (split)"] = self._split(node)
            return f"{name} (split)"
        if node.id not in self.structure.first:
            return None
        routes = self._routes(node.id)
        if len(routes) == 1 and len(routes[0]) == 1 and not routes[0][0].terminate:
            return routes[0][0].to
        return self._choice(node.id, routes)

    def _choice(self, source: str, routes: list[list[Route]]) -> str:
        own = self.structure.choice_place(source)
        known = self.chances.get(source)
        self.out.gateways[own] = Gateway(
            kind="xor",
            next=routes,
            observed=self._seen(source),
            stated=known is not None and known.stated,
            variants=[
                GatewayVariant(when=dict(one.when), next=self._laid(of.rounds), observed=list(of.observed))
                for one in self.own
                if (of := one.chances.get(source))
            ],
        )
        return own

    # -- ways ------------------------------------------------------------------------------------------------------

    def _routes(self, source: str) -> list[list[Route]]:
        outcomes = self.structure.outcomes.get(source, (Outcome(None),))
        known = self.chances.get(source)
        if known is None or (len(outcomes) == 1 and all(len(shares) == 1 for shares in known.rounds)):
            return [[self._route(outcomes[0], 1.0)]]
        return self._laid(known.rounds)

    def _laid(self, rounds: Sequence[Mapping[Outcome, float]]) -> list[list[Route]]:
        return [
            sorted(
                (self._route(outcome, share) for outcome, share in shares.items() if share > 0),
                key=lambda route: -route.probability,
            )
            for shares in rounds
        ]

    def _route(self, outcome: Outcome, probability: float) -> Route:
        to = None if outcome.to is None else self.gates.get(outcome.by) or self.structure.names[outcome.to]
        return Route(
            to=to,
            probability=min(probability, 1.0),
            rework=outcome.back and to is not None,
            outcome="cancelled" if outcome.cancelled else "completed",
            terminate=outcome.terminate,
        )

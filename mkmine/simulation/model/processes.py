"""From a process model (BPMN) to a simulation model: its places and ways, with the probabilities of its choices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mkmine.errors import DataError, UnknownNameError
from mkmine.simulation.model.model import SimulationModel
from mkmine.simulation.model.structure import place_names, split_of, ways_back
from mkmine.targets import Node, ProcessModel

__all__ = ["from_process"]

Values = dict[str, Any]
# By gateway (its name or id): by place that follows (its name or id, or the text on the arrow): how probable.
Branching = Mapping[str, Mapping[str, float]]


def from_process(
    process: ProcessModel,
    details: Mapping[str, Any],
    *,
    branching: Branching | None = None,
    activities: Mapping[str, Mapping[str, Any]] | None = None,
) -> SimulationModel:
    """Return a simulation model with the places and ways of a process.

    Parameters
    ----------
    process
        As `mkmine.targets.read_bpmn` reads it. A task's role is its lane, unless `activities` says otherwise.
    details
        What a process model does not say: `people`, `calendars`, `office`, `start`, `arrivals` and whatever else a
        simulation model has, as in its YAML.
    branching
        How probably each way of an exclusive gateway is taken (together 1), or of an inclusive one (each by itself).
        Without it all ways of an exclusive gateway are equally probable, and of an inclusive one each is taken by half
        of the cases. Ways that lead back count as rework.
    activities
        By task: its `duration` and whatever else an activity has. An intermediate event needs one too, by its name or
        id: the hours that it waits.

    Raises `UnknownNameError` for a gateway, a way or a task that the process does not have, and `DataError` if a
    duration is missing or the model cannot run (a deadlock, for one).
    """
    return _Conversion(process, branching or {}, activities or {}).model(details)


class _Conversion:
    def __init__(self, process: ProcessModel, branching: Branching, given: Mapping[str, Mapping[str, Any]]) -> None:
        self.process, self.branching, self.given = process, branching, given
        self.activities: dict[str, Values] = {}
        self.gateways: dict[str, Values] = {}
        self.after = {node.id: [flow.target for flow in process.outgoing[node.id]] for node in process.nodes}
        # What follows an event-based gateway belongs to it.
        self.races = {node.id for node in process.nodes if node.element == "eventBasedGateway"}
        self.awaited = {
            node.id
            for node in process.nodes
            if node.kind == "event" and all(flow.source in self.races for flow in process.incoming[node.id])
        }
        self.back = ways_back(process)
        self.places = place_names(process)
        self._check_names()

    def model(self, details: Mapping[str, Any]) -> SimulationModel:
        """Put places and details together."""
        begin = [flow for node in self.process.nodes if node.kind == "start" for flow in self.process.outgoing[node.id]]
        for node in self.process.nodes:
            if node.id not in self.awaited:
                self._convert(node)
        routes = [self._route(flow.source, flow.target, 1 / len(begin)) for flow in begin]
        return SimulationModel.from_dict(
            {
                "name": self.process.name,
                **details,
                "activities": self.activities,
                "gateways": self.gateways,
                "begin": routes,
            },
            where=self.process.source or self.process.name,
        )

    def _check_names(self) -> None:
        choices = [node for node in self.process.nodes if node.kind in ("exclusive", "inclusive")]
        gateways = [node for node in choices if node.id not in self.races]
        known = {name for node in gateways for name in (node.id, node.name) if name}
        tasks = {name for node in self.process.nodes if node.kind in ("task", "event") for name in (node.id, node.name)}
        for kind, names, given in (("gateway", known, self.branching), ("task", tasks - {""}, self.given)):
            for name in given:
                if name not in names:
                    raise UnknownNameError.of(kind=kind, name=name, known=sorted(names), where=self.process.name)

    # -- places ----------------------------------------------------------------------------------------------------

    def _convert(self, node: Node) -> None:
        ways, place = self.after[node.id], self.places[node.id]
        incoming = len(self.process.incoming[node.id])
        if node.kind == "task":
            self._task(node, ways)
        elif node.kind == "event":
            self.gateways[place] = {"kind": "event", "events": [self._event(node)]}
        elif node.id in self.races:
            self.gateways[place] = {"kind": "event", "events": [self._event(self._awaited(node, way)) for way in ways]}
        elif node.kind in ("end", "terminate"):
            end = {"to": None, "probability": 1, "terminate": node.kind == "terminate"}
            self.gateways[place] = {"kind": "xor", "next": [[end]]}
        elif node.kind == "exclusive":
            self.gateways[place] = {"kind": "xor", "next": [self._choice(node)]}
        elif node.kind in ("parallel", "inclusive"):
            if incoming > 1:
                self._join(node, place, ways)
            elif len(ways) > 1:
                self.gateways[place] = self._split(node)
            else:
                self.gateways[place] = {"kind": "merge", "to": self._target(ways[0])}

    def _event(self, node: Node) -> Values:
        """Return when an intermediate event happens, and where it leads."""
        given = self._given(node)
        if more := sorted(set(given) - {"duration", "calendar"}):
            raise DataError(
                f"{self.process.name}: {node.label} is an event: it has a duration and a calendar, no {more}"
            )
        ways = self.after[node.id]
        if len(ways) > 1:
            raise DataError(
                f"{self.process.name}: {len(ways)} arrows leave {node.label}; put a parallel gateway after it"
            )
        to = self._route(node.id, ways[0], 1.0)["to"] if ways else None
        return {"after": given["duration"][0], "calendar": given.get("calendar"), "to": to}

    def _awaited(self, gateway: Node, way: str) -> Node:
        node = self.process.by_id[way]
        if node.kind != "event":
            raise DataError(
                f"{self.process.name}: {gateway.label} waits for events, but {node.label} follows it; "
                "put an intermediate catch event between them"
            )
        return node

    def _task(self, node: Node, ways: list[str]) -> None:
        values = {"role": node.lane, **self._given(node)}
        if not ways:
            values["next"] = [[{"to": None, "probability": 1}]]
        elif len(ways) == 1:
            values["next"] = [[self._route(node.id, ways[0], 1.0)]]
        else:
            # Several arrows out of a task are a parallel split (BPMN 2.0.2, 13.3.1).
            fork = f"after {node.name}"
            self.gateways[fork] = {"kind": "and", "to": [self._target(way) for way in ways]}
            values["next"] = [[{"to": fork, "probability": 1}]]
        self.activities[node.name] = values

    def _given(self, node: Node) -> dict[str, Any]:
        values = self.given.get(node.name) or self.given.get(node.id)
        if not values or "duration" not in values:
            raise DataError(
                f'{self.process.name}: {node.label} has no duration; give activities={{"{node.name or node.id}": '
                f'{{"duration": [...]}}}}'
            )
        return dict(values)

    def _join(self, node: Node, place: str, ways: list[str]) -> None:
        """Convert a joining gateway; if it splits as well, the split becomes a place of its own."""
        to = self._target(ways[0])
        if len(ways) > 1:
            to = f"{place} (split)"
            self.gateways[to] = self._split(node)
        of = self.places[split_of(self.process, node).id] if node.kind == "inclusive" else None
        self.gateways[place] = {"kind": "join", "of": of, "to": to}

    def _split(self, node: Node) -> Values:
        ways = self.after[node.id]
        if node.kind == "parallel":
            return {"kind": "and", "to": [self._target(way) for way in ways]}
        chances = self._chances(node, 0.5)
        return {"kind": "or", "ways": [{"to": self._target(way), "probability": chances[way]} for way in ways]}

    def _choice(self, node: Node) -> list[Values]:
        ways = self.after[node.id]
        chances = self._chances(node, 1 / len(ways))
        return [self._route(node.id, way, chances[way]) for way in ways]

    def _chances(self, node: Node, otherwise: float) -> dict[str, float]:
        """Return how probable each way of a gateway is, by the node that it leads to."""
        given = self.branching.get(node.name) or self.branching.get(node.id)
        if given is None:
            return dict.fromkeys(self.after[node.id], otherwise)
        names: dict[str, str] = {}
        for flow in self.process.outgoing[node.id]:
            target = self.process.by_id[flow.target]
            names |= {name: target.id for name in (flow.id, flow.name, target.id, target.name) if name}
        for name in given:
            if name not in names:
                raise UnknownNameError.of(kind="way", name=name, known=sorted(names), where=f"gateway {node.label}")
        return dict.fromkeys(self.after[node.id], 0.0) | {names[name]: share for name, share in given.items()}

    # -- ways ------------------------------------------------------------------------------------------------------

    def _target(self, node: str) -> str:
        return self.places[node]

    def _route(self, source: str, target: str, probability: float) -> Values:
        node = self.process.by_id[target]
        to = None if node.kind == "end" else self.places[target]
        return {"to": to, "probability": probability, "rework": (source, target) in self.back}

"""The process model: a frozen graph of tasks, gateways and events joined by flows."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import pandas as pd

from mkmine.errors import DataError
from mkmine.targets.extensions import properties_of

Kind = Literal["task", "start", "end", "terminate", "event", "exclusive", "parallel", "inclusive"]
GATEWAYS: frozenset[str] = frozenset({"exclusive", "parallel", "inclusive"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One node of a process model.

    `kind` is what the node means for the order of work; `element` and `trigger` keep how BPMN drew it ("userTask",
    "timer"). An intermediate event has kind "event" and leaves no trace in a log. `repeats` says that the task may be
    done several times in a row (a loop or multi-instance marker).
    """

    id: str
    kind: Kind
    name: str = ""
    lane: str | None = None
    documentation: str = ""
    element: str = ""
    trigger: str = ""
    repeats: bool = False
    extensions: tuple[str, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()

    @property
    def properties(self) -> Mapping[str, str]:
        """Names and values of the modeler's own properties."""
        return properties_of(self.extensions)

    @property
    def label(self) -> str:
        """The name a person would recognise: the node's own, else its kind and id."""
        return f'"{self.name}"' if self.name else f"{self.kind} {self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A sequence flow from node `source` to node `target` (ids); `name` is the text written on the arrow.

    `condition` is the expression of an engine, `default` says that the way is taken when no other is; neither is
    interpreted.
    """

    id: str
    source: str
    target: str
    name: str = ""
    condition: str = ""
    default: bool = False
    documentation: str = ""
    extensions: tuple[str, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class ProcessModel:
    """A process as a graph, checked when it is made.

    Raises `DataError` if an id or a task name occurs twice, a task has no name, a flow joins unknown nodes, there is no
    start, or a node cannot be reached from a start or can never come to an end.
    """

    nodes: tuple[Node, ...]
    flows: tuple[Flow, ...]
    name: str = "process"
    documentation: str = ""
    source: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        _check_names(self)
        _check_flows(self)
        _check_paths(self)

    @cached_property
    def by_id(self) -> Mapping[str, Node]:
        """Nodes by their id."""
        return {node.id: node for node in self.nodes}

    @cached_property
    def incoming(self) -> Mapping[str, tuple[Flow, ...]]:
        """Flows into each node, by node id."""
        return {node.id: tuple(f for f in self.flows if f.target == node.id) for node in self.nodes}

    @cached_property
    def outgoing(self) -> Mapping[str, tuple[Flow, ...]]:
        """Flows out of each node, by node id."""
        return {node.id: tuple(f for f in self.flows if f.source == node.id) for node in self.nodes}

    @property
    def tasks(self) -> tuple[Node, ...]:
        """The nodes that leave a trace in a log, in the order of the file."""
        return tuple(node for node in self.nodes if node.kind == "task")

    @property
    def activities(self) -> tuple[str, ...]:
        """Names of the tasks."""
        return tuple(node.name for node in self.tasks)

    @property
    def lanes(self) -> tuple[str, ...]:
        """Names of the lanes, in the order of first use."""
        return tuple(dict.fromkeys(node.lane for node in self.nodes if node.lane))

    def to_dict(self) -> dict[str, Any]:
        """The graph as plain values, ready for JSON."""
        nodes = [{key: getattr(node, key) for key in node.__slots__} for node in self.nodes]
        flows = [{key: getattr(flow, key) for key in flow.__slots__} for flow in self.flows]
        return {"name": self.name, "documentation": self.documentation, "nodes": nodes, "flows": flows}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ProcessModel:
        """The inverse of `to_dict`. Raises `DataError` if a key is missing or unknown."""
        try:
            return cls(
                name=values["name"],
                documentation=values.get("documentation", ""),
                nodes=tuple(Node(**_frozen(node)) for node in values["nodes"]),
                flows=tuple(Flow(**_frozen(flow)) for flow in values["flows"]),
            )
        except (KeyError, TypeError) as error:
            raise DataError(f"not a process model: {error}; give the value of ProcessModel.to_dict()") from None

    def to_pandas(self) -> pd.DataFrame:
        """One row per node: id, kind, name, lane, documentation, next (names or ids of what follows)."""
        rows = [
            {
                "id": node.id,
                "kind": node.kind,
                "name": node.name,
                "lane": node.lane or "",
                "documentation": node.documentation,
                "next": ", ".join(self.by_id[flow.target].name or flow.target for flow in self.outgoing[node.id]),
            }
            for node in self.nodes
        ]
        return pd.DataFrame(rows, columns=["id", "kind", "name", "lane", "documentation", "next"])

    def __repr__(self) -> str:
        counts = Counter("gateway" if node.kind in GATEWAYS else node.kind for node in self.nodes)
        parts = ", ".join(f"{n} {kind}{'s' if n > 1 else ''}" for kind, n in counts.items())
        lanes = f"; lanes: {', '.join(self.lanes)}" if self.lanes else ""
        return f"ProcessModel({self.name!r}: {parts}, {len(self.flows)} flows{lanes})"

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(repr(self))}</p>" + self.to_pandas().to_html(escape=True, index=False)


def _frozen(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a node or flow with tuples where JSON has lists."""
    kept = dict(values)
    if "extensions" in kept:
        kept["extensions"] = tuple(kept["extensions"])
    if "attributes" in kept:
        kept["attributes"] = tuple((key, value) for key, value in kept["attributes"])
    return kept


def _place(model: ProcessModel) -> str:
    return f" ({model.source})" if model.source else ""


def _twice(values: Iterable[str]) -> list[str]:
    return [value for value, n in Counter(values).items() if n > 1]


def _check_names(model: ProcessModel) -> None:
    if ids := _twice([*(n.id for n in model.nodes), *(f.id for f in model.flows)]):
        raise DataError(f'id "{ids[0]}" occurs twice{_place(model)}; ids in a model must be unique')
    for node in model.nodes:
        if node.kind == "task" and not node.name:
            raise DataError(f"task {node.id} has no name{_place(model)}; name it as the activity is called in the log")
    if names := _twice(n.name for n in model.nodes if n.kind == "task"):
        ids = [n.id for n in model.nodes if n.name == names[0]]
        raise DataError(
            f'task name "{names[0]}" occurs {len(ids)} times ({", ".join(ids)}){_place(model)}; '
            "give each task its own name, or draw the way back to one task through an exclusive gateway"
        )


def _check_flows(model: ProcessModel) -> None:
    known = {node.id: node for node in model.nodes}
    for flow in model.flows:
        for end, other in (("source", flow.source), ("target", flow.target)):
            if other not in known:
                raise DataError(
                    f'flow {flow.id} is dangling: its {end} "{other}" is not a node of the model{_place(model)}; '
                    "connect or delete the arrow"
                )
        if known[flow.target].kind == "start":
            raise DataError(f"flow {flow.id} leads into start {flow.target}{_place(model)}; lead it to the first task")
        if known[flow.source].kind in ("end", "terminate"):
            raise DataError(f"flow {flow.id} leads out of end {flow.source}{_place(model)}; delete the arrow")
    if not any(node.kind == "start" for node in model.nodes):
        raise DataError(f'model "{model.name}" has no start event{_place(model)}; add one before the first task')
    leaving = {flow.source for flow in model.flows}
    for node in model.nodes:
        if node.id not in leaving and node.kind in (*GATEWAYS, "start"):
            raise DataError(f"{node.label} leads nowhere{_place(model)}; connect it to what follows")


def _check_paths(model: ProcessModel) -> None:
    after: dict[str, list[str]] = {node.id: [] for node in model.nodes}
    before: dict[str, list[str]] = {node.id: [] for node in model.nodes}
    for flow in model.flows:
        after[flow.source].append(flow.target)
        before[flow.target].append(flow.source)
    starts = [node.id for node in model.nodes if node.kind == "start"]
    _report_missing(model, _reach(after, starts), "cannot be reached from a start", "connect it or delete it")
    ends = [node.id for node in model.nodes if not after[node.id]]
    _report_missing(model, _reach(before, ends), "can never come to an end", "lead a flow from it to an end event")


def _report_missing(model: ProcessModel, reached: set[str], rule: str, remedy: str) -> None:
    missing = [node for node in model.nodes if node.id not in reached]
    if missing:
        named = ", ".join(f"{node.label} ({node.id})" if node.name else node.label for node in missing[:5])
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        raise DataError(f"{named}{more} {rule}{_place(model)}; {remedy}")


def _reach(step: Mapping[str, list[str]], first: list[str]) -> set[str]:
    seen, todo = set(first), list(first)
    while todo:
        for other in step[todo.pop()]:
            if other not in seen:
                seen.add(other)
                todo.append(other)
    return seen

"""The order of work in words: numbered steps, each with what comes before it and where the case goes from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mkmine.language import Translator
from mkmine.performance.waiting import is_planned
from mkmine.targets import Node, Target
from mkmine.targets.reading import Edge, read_in_order

__all__ = ["Procedure", "Step", "quoted"]

_SILENT = frozenset({"start", "end", "terminate"})


def quoted(name: str, t: Translator) -> str:
    """Put a name in the quotation marks of the language."""
    if t.language == "ru":
        return "«" + name.replace("«", "„").replace("»", "“") + "»"
    return f"“{name}”"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One numbered step: a task, a decision, a split, a join or an event; `role` is empty where none is known."""

    number: int
    node: Node
    role: str
    before: tuple[str, ...] = ()
    after: tuple[Edge, ...] = ()

    @property
    def is_task(self) -> bool:
        """Whether the step is work, and not a gateway or an event."""
        return self.node.kind == "task"


def _person(role: str | None) -> str:
    """Return a role of people; a plan or a calendar is none."""
    return "" if role is None or is_planned(role) else role


class Procedure:
    """The steps of a target in reading order, told in one language."""

    def __init__(self, target: Target, t: Translator) -> None:
        self.t, self.target = t, target
        reading = read_in_order(target.model)
        nodes = reading.nodes()
        self._before: dict[str, list[str]] = {node.id: [] for node in nodes}
        for name in self._before:
            for edge in reading.edges[name]:
                self._before[edge.target].append(name)
        numbered = [node for node in nodes if node.kind not in _SILENT]
        steps = [
            Step(
                number=number,
                node=node,
                role=_person(target.roles.get(node.name) if node.kind == "task" else node.lane),
                before=tuple(self._before[node.id]),
                after=reading.edges[node.id],
            )
            for number, node in enumerate(numbered, 1)
        ]
        self.by_id: Mapping[str, Step] = {step.node.id: step for step in steps}
        # Who does the work before a gateway decides at it, where no lane of people says it.
        self.steps = tuple(step if step.role else replace(step, role=self._role_before(step)) for step in steps)
        self.by_id = {step.node.id: step for step in self.steps}
        self.starts = tuple(node for node in nodes if node.kind == "start")
        self.ends = tuple(node for node in nodes if node.kind in ("end", "terminate"))

    def _role_before(self, step: Step) -> str:
        if step.is_task:
            return ""
        before, seen, roles = list(step.before), {step.node.id}, set[str]()
        while before:
            other = self.by_id.get(name := before.pop())
            if other is None or name in seen:
                continue
            seen.add(name)
            # A plan decides nothing: who worked before it does.
            if other.role or not is_planned(self.target.roles.get(other.node.name, other.node.lane or "")):
                roles.add(other.role)
            else:
                before += other.before
        return roles.pop() if len(roles) == 1 else ""

    def title(self, step: Step) -> str:
        """Say what a step is."""
        t, node = self.t, step.node
        match node.kind:
            case "task":
                return node.name
            case "exclusive" if node.element == "eventBasedGateway":
                return t("Whichever comes first")
            case "exclusive":
                return t("Decision: {name}", name=node.name) if node.name else t("Decision")
            case "event":
                return t("Event: {name}", name=node.name) if node.name else t("Event")
        if len(step.before) > 1:
            return t("Wait until all are done: {steps}", steps=self.numbers(step.before))
        if node.kind == "inclusive":
            return t("Decision, one or several: {name}", name=node.name) if node.name else t("Decision, one or several")
        return node.name or t("At the same time")

    def numbers(self, nodes: tuple[str, ...]) -> str:
        """Name steps by their numbers."""
        known = sorted({self.by_id[name].number for name in nodes if name in self.by_id})
        return ", ".join(self.t("step {n}", n=number) for number in known)

    def inputs(self, step: Step) -> tuple[str, ...]:
        """Say after what a step is done, with the role it comes from where that is another."""
        t, told = self.t, []
        for name in step.before:
            if name not in self.by_id:
                start = next((one.name for one in self.starts if one.id == name), "")
                told.append(
                    t("the process begins: {name}", name=quoted(start, t)) if start else t("the process begins")
                )
                continue
            other = self.by_id[name]
            told.append(self._with_role(self._named(other), other, step))
        return tuple(dict.fromkeys(told))

    def onwards(self, step: Step, *, roles: bool = False) -> tuple[str, ...]:
        """Say where the case goes from a step, one line for each way; with `roles` also to whom."""
        t = self.t
        ways = [self._towards(edge, step, roles=roles) for edge in step.after]
        if not ways:
            return (t("the process ends"),)
        if len(ways) == 1:
            return (ways[0],)
        if step.node.kind in ("exclusive", "inclusive"):
            names = [edge.flow.name for edge in step.after]
            if step.node.kind == "exclusive" and names.count("") == 1:
                names = [name or t("otherwise") for name in names]
            return tuple(f"{name}: {way}" if name else way for name, way in zip(names, ways, strict=True))
        return (t("at the same time:"), *ways)

    def _towards(self, edge: Edge, step: Step, *, roles: bool) -> str:
        t = self.t
        if edge.target not in self.by_id:
            end = next((one.name for one in self.ends if one.id == edge.target), "")
            return t("the process ends: {name}", name=quoted(end, t)) if end else t("the process ends")
        other = self.by_id[edge.target]
        named = self._named(other)
        told = t("back to {step}", step=named) if other.number <= step.number else named
        return self._with_role(told, other, step) if roles else told

    def _named(self, step: Step) -> str:
        t = self.t
        if not step.node.name:
            return t("step {n}", n=step.number)
        return t("step {n} {name}", n=step.number, name=quoted(step.node.name, t))

    @staticmethod
    def _with_role(told: str, other: Step, step: Step) -> str:
        return f"{told} ({other.role})" if other.role and other.role != step.role else told

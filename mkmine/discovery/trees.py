"""Process trees: blocks of sequence, choice, parallel work and loops, and the process model that they draw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from mkmine.targets import Flow, Node, ProcessModel

__all__ = ["SILENT", "Operator", "Tree", "to_model"]

Operator = Literal["activity", "silent", "sequence", "choice", "parallel", "loop"]


@dataclass(frozen=True, slots=True)
class Tree:
    """A block of a process: an activity (`name`), nothing ("silent"), or an operator over its parts.

    A loop has two parts: what is done, and what is done before it is done again.
    """

    operator: Operator
    name: str = ""
    parts: tuple[Tree, ...] = ()

    @property
    def activities(self) -> tuple[str, ...]:
        """Names of the activities, from left to right."""
        return (self.name,) if self.operator == "activity" else tuple(n for part in self.parts for n in part.activities)

    def folded(self) -> Tree:
        """Return the same process with no block in a block of its kind, and no parts that do nothing."""
        parts = [part.folded() for part in self.parts]
        if self.operator in ("activity", "silent"):
            return self
        if self.operator == "loop":
            if all(part.operator == "silent" for part in parts):
                return SILENT
            return Tree("loop", parts=tuple(parts))
        flat = [inner for part in parts for inner in (part.parts if part.operator == self.operator else (part,))]
        if self.operator == "choice":
            silent = [SILENT] if SILENT in flat else []
            flat = [*(part for part in flat if part != SILENT), *silent]
        else:
            flat = [part for part in flat if part != SILENT]
        if len(flat) < 2:
            return flat[0] if flat else SILENT
        return Tree(self.operator, parts=tuple(flat))

    def __str__(self) -> str:
        if self.operator == "activity":
            return self.name
        sign = {"silent": "τ", "sequence": "→", "choice": "×", "parallel": "∧", "loop": "↻"}[self.operator]
        return sign if not self.parts else f"{sign}({', '.join(map(str, self.parts))})"


SILENT: Final = Tree("silent")


def to_model(tree: Tree, *, name: str = "process") -> ProcessModel:
    """Return the tree as a process model: every block with one way in and one way out.

    Source: S. J. J. Leemans (2022), Robust Process Mining with Guarantees, LNBIP 440, on the BPMN of process trees. A
    loop of one activity with nothing to redo is a task that repeats.
    """
    drawing = _Drawing([], [])
    start, end = drawing.node("start"), drawing.node("end")
    drawing.join(drawing.block(tree.folded(), start), end)
    nodes = [drawing.nodes[0], *drawing.nodes[2:], drawing.nodes[1]]
    return ProcessModel(nodes=tuple(nodes), flows=tuple(drawing.flows), name=name)


@dataclass(frozen=True, slots=True)
class _Drawing:
    nodes: list[Node]
    flows: list[Flow]

    def node(self, kind: Literal["start", "end", "task", "exclusive", "parallel"], name: str = "") -> str:
        made = Node(id=f"{kind}_{len(self.nodes)}", kind=kind, name=name)
        self.nodes.append(made)
        return made.id

    def join(self, source: str, target: str) -> None:
        self.flows.append(Flow(id=f"flow_{len(self.flows)}", source=source, target=target))

    def block(self, tree: Tree, before: str) -> str:
        """Draw a block after the node `before`; return the node that it ends in."""
        if tree.operator == "silent":
            return before
        if tree.operator == "activity":
            task = self.node("task", tree.name)
            self.join(before, task)
            return task
        if tree.operator == "sequence":
            for part in tree.parts:
                before = self.block(part, before)
            return before
        if tree.operator == "loop":
            return self._loop(tree, before)
        kind: Literal["exclusive", "parallel"] = "exclusive" if tree.operator == "choice" else "parallel"
        split, meet = self.node(kind), self.node(kind)
        self.join(before, split)
        for part in tree.parts:
            self.join(self.block(part, split), meet)
        return meet

    def _loop(self, tree: Tree, before: str) -> str:
        done, again = tree.parts
        if done.operator == "activity" and again.operator == "silent":
            task = self.node("task", done.name)
            self.nodes[-1] = Node(id=task, kind="task", name=done.name, repeats=True)
            self.join(before, task)
            return task
        enter = self.node("exclusive")
        self.join(before, enter)
        leave = self.node("exclusive")
        self.join(self.block(done, enter), leave)
        self.join(self.block(again, leave), enter)
        return leave

"""Random block-structured processes: as a model of ours, as a process tree of pm4py, and as a run."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from mkmine.targets import Flow, Node, ProcessModel


@dataclass(frozen=True)
class Block:
    """`kind` is "task", "skip", "sequence", "exclusive", "parallel", "inclusive" or "loop" (parts: do, redo)."""

    kind: str
    parts: tuple[Block, ...] = ()
    name: str = ""


def shapes(kinds: tuple[str, ...]) -> st.SearchStrategy[Block]:
    leaf = st.just(Block("task"))

    def grow(inner: st.SearchStrategy[Block]) -> st.SearchStrategy[Block]:
        parts = st.lists(inner, min_size=2, max_size=3).map(tuple)
        optional = inner.map(lambda one: Block("exclusive", (one, Block("skip"))))
        return st.one_of(st.builds(Block, st.sampled_from(kinds), parts), optional)

    return st.recursive(leaf, grow, max_leaves=7)


def named(block: Block, letters: list[str]) -> Block:
    if block.kind == "task":
        return Block("task", name=letters.pop(0))
    parts = block.parts[:2] if block.kind == "loop" else block.parts
    return Block(block.kind, tuple(named(part, letters) for part in parts))


def blocks(kinds: tuple[str, ...] = ("sequence", "exclusive", "parallel", "loop")) -> st.SearchStrategy[Block]:
    """Processes of up to seven tasks A, B, C ..."""
    return shapes(kinds).map(lambda block: named(block, list("ABCDEFGHIJKLMNOPQRSTUVWXYZ")))


@dataclass
class _Drawing:
    nodes: list[Node] = field(default_factory=list)
    flows: list[Flow] = field(default_factory=list)

    def node(self, kind: Any, name: str = "") -> str:
        node = Node(id=f"n{len(self.nodes)}", kind=kind, name=name)
        self.nodes.append(node)
        return node.id

    def join(self, source: str, target: str) -> None:
        self.flows.append(Flow(id=f"f{len(self.flows)}", source=source, target=target))


def to_model(block: Block) -> ProcessModel:
    """The block as a BPMN graph with a gateway to split and one to join."""
    drawing = _Drawing()
    start = drawing.node("start")
    last = _draw(block, drawing, start)
    drawing.join(last, drawing.node("end"))
    return ProcessModel(nodes=tuple(drawing.nodes), flows=tuple(drawing.flows), name="random")


def _draw(block: Block, drawing: _Drawing, before: str) -> str:
    if block.kind == "skip":
        return before
    if block.kind == "task":
        node = drawing.node("task", block.name)
        drawing.join(before, node)
        return node
    if block.kind == "sequence":
        for part in block.parts:
            before = _draw(part, drawing, before)
        return before
    if block.kind == "loop":
        first, last = drawing.node("exclusive"), drawing.node("exclusive")
        drawing.join(before, first)
        drawing.join(_draw(block.parts[0], drawing, first), last)
        drawing.join(_draw(block.parts[1], drawing, last), first)
        return last
    split, merge = drawing.node(block.kind), drawing.node(block.kind)
    drawing.join(before, split)
    for part in block.parts:
        drawing.join(_draw(part, drawing, split), merge)
    return merge


def play(block: Block, chance: random.Random) -> list[str]:
    """One run of the block, by a reading of its meaning that shares nothing with the compiled net."""
    if block.kind == "task":
        return [block.name]
    if block.kind == "skip":
        return []
    if block.kind == "sequence":
        return [name for part in block.parts for name in play(part, chance)]
    if block.kind == "exclusive":
        return play(chance.choice(block.parts), chance)
    if block.kind == "loop":
        run = play(block.parts[0], chance)
        while chance.random() < 0.4:
            run += play(block.parts[1], chance) + play(block.parts[0], chance)
        return run
    parts = list(block.parts)
    if block.kind == "inclusive":
        parts = chance.sample(parts, chance.randint(1, len(parts)))
    return shuffle([play(part, chance) for part in parts], chance)


def shuffle(runs: list[list[str]], chance: random.Random) -> list[str]:
    """An interleaving of runs that keeps the order inside each."""
    left = [list(run) for run in runs if run]
    result = []
    while left:
        run = chance.choice(left)
        result.append(run.pop(0))
        left = [one for one in left if one]
    return result


def to_tree(block: Block, tree: Callable[..., Any], operator: Any) -> Any:
    """The block as a process tree of pm4py (its classes are passed in, since it is imported late)."""
    if block.kind in ("task", "skip"):
        return tree(label=block.name or None)
    operators = {
        "sequence": operator.SEQUENCE,
        "exclusive": operator.XOR,
        "parallel": operator.PARALLEL,
        "inclusive": operator.OR,
        "loop": operator.LOOP,
    }
    children = [to_tree(part, tree, operator) for part in block.parts]
    result = tree(operator=operators[block.kind], children=children)
    for child in children:
        child.parent = result
    return result


def distort(run: list[str], chance: random.Random) -> list[str]:
    """The run with events left out, put in twice, swapped, or of an unknown activity."""
    run = list(run)
    for _ in range(chance.randint(0, 3)):
        if not run:
            run = ["Z"]
        place = chance.randrange(len(run))
        what = chance.choice(["drop", "repeat", "swap", "strange"])
        if what == "drop":
            del run[place]
        elif what == "repeat":
            run.insert(chance.randrange(len(run) + 1), run[place])
        elif what == "swap":
            other = chance.randrange(len(run))
            run[place], run[other] = run[other], run[place]
        else:
            run.insert(place, "Z")
    return run

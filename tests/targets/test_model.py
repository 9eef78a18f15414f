from __future__ import annotations

import json

import pytest

from mkmine.errors import DataError
from mkmine.targets import Flow, Node, ProcessModel

START, END = Node(id="s", kind="start"), Node(id="e", kind="end")


def task(name: str, node_id: str | None = None) -> Node:
    return Node(id=node_id or name, kind="task", name=name)


def model(*nodes: Node, flows: str) -> ProcessModel:
    pairs = [pair.split(">") for pair in flows.split()]
    arrows = tuple(Flow(id=f"f{i}", source=a, target=b) for i, (a, b) in enumerate(pairs))
    return ProcessModel(nodes=nodes, flows=arrows, name="P")


def test_values_survive_json() -> None:
    one = model(START, task("A"), END, flows="s>A A>e")
    assert ProcessModel.from_dict(json.loads(json.dumps(one.to_dict()))) == one
    with pytest.raises(DataError, match="not a process model"):
        ProcessModel.from_dict({"nodes": []})


def test_it_prints_and_escapes() -> None:
    one = model(START, task("<script>alert(1)</script>", "a"), END, flows="s>a a>e")
    assert "1 task" in repr(one)
    assert "<script>" not in one._repr_html_()
    assert list(one.to_pandas().columns) == ["id", "kind", "name", "lane", "documentation", "next"]


@pytest.mark.parametrize(
    ("nodes", "flows", "message"),
    [
        ((START, task("A"), task("A", "b"), END), "s>A A>b b>e", r'task name "A" occurs 2 times \(A, b\)'),
        ((START, task("A"), task("B", "A"), END), "s>A A>e", 'id "A" occurs twice'),
        ((START, Node(id="a", kind="task"), END), "s>a a>e", "task a has no name"),
        ((START, task("A"), task("B"), END), "s>A A>e B>e", '"B" .B. cannot be reached'),
        ((START, task("A"), task("B"), task("C"), END), "s>A A>e A>B B>C C>B", "can never come to an end"),
        ((START, task("A"), Node(id="g", kind="exclusive"), END), "s>A A>g A>e", "exclusive g leads nowhere"),
        ((START, task("A"), END), "s>A A>s A>e", "leads into start"),
        ((START, task("A"), END), "s>A A>e e>A", "leads out of end"),
    ],
)
def test_rules(nodes: tuple[Node, ...], flows: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        model(*nodes, flows=flows)

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given
from hypothesis import strategies as st

from mkmine.errors import DataError
from mkmine.targets import Flow, Node, ProcessModel, lay_out, parse_bpmn, read_bpmn, to_bpmn, write_bpmn
from tests.conformance.blocks import Block, blocks, to_model
from tests.targets.samples import CAMUNDA, MODEL, SIGNAVIO

names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20).map(lambda s: " ".join(s.split()))


@pytest.mark.parametrize("text", [CAMUNDA, SIGNAVIO])
def test_what_modelers_wrote_survives_writing_and_reading(text: str) -> None:
    model = parse_bpmn(text.encode())
    again = parse_bpmn(to_bpmn(model))
    assert again.name == model.name
    assert set(again.flows) == set(model.flows)
    assert set(again.nodes) == set(model.nodes)


@given(blocks(), st.lists(names, min_size=3, max_size=3))
def test_any_model_survives_writing_and_reading(block: Block, texts: list[str]) -> None:
    model = to_model(block)
    lane, words, label = texts
    nodes = tuple(
        Node(id=n.id, kind=n.kind, name=n.name, lane=(lane or None) if n.kind == "task" else None, documentation=words)
        for n in model.nodes
    )
    flows = tuple(Flow(id=f.id, source=f.source, target=f.target, name=label) for f in model.flows)
    model = ProcessModel(nodes=nodes, flows=flows, name="P")
    again = parse_bpmn(to_bpmn(model))
    kept = {(n.id, n.kind, n.name, n.lane, n.documentation) for n in again.nodes}
    assert kept == {(n.id, n.kind, n.name, n.lane, n.documentation) for n in model.nodes}
    assert again.flows == model.flows


def test_strange_ids_and_control_characters_become_valid_xml() -> None:
    nodes = (
        Node(id="1 start", kind="start"),
        Node(id="<b>", kind="task", name="a\x00<b>&\ud800"),
        Node(id="id_1", kind="end"),
    )
    flows = (Flow(id="x y", source="1 start", target="<b>"), Flow(id="é", source="<b>", target="id_1"))
    again = parse_bpmn(to_bpmn(ProcessModel(nodes=nodes, flows=flows)))
    assert again.activities == ("a<b>&",)
    assert all(re.fullmatch(r"[A-Za-z_][\w.-]*", node.id) for node in again.nodes)


@given(blocks())
def test_shapes_do_not_overlap_and_lanes_hold_their_nodes(block: Block) -> None:
    plain = to_model(block)
    lanes = ["Writer", "Editor"]
    nodes = tuple(
        Node(id=n.id, kind=n.kind, name=n.name, lane=lanes[i % 2] if n.kind == "task" else lanes[0])
        for i, n in enumerate(plain.nodes)
    )
    model = ProcessModel(nodes=nodes, flows=plain.flows)
    layout = lay_out(model)
    boxes = [layout.nodes[n.id] for n in nodes]
    for i, a in enumerate(boxes):
        for b in boxes[:i]:
            apart = a.x + a.width <= b.x or b.x + b.width <= a.x or a.y + a.height <= b.y or b.y + b.height <= a.y
            assert apart
    for node in nodes:
        box, lane = layout.nodes[node.id], layout.lanes[node.lane or ""]
        assert lane.y <= box.y
        assert box.y + box.height <= lane.y + lane.height
        assert lane.x < box.x
        assert box.x + box.width < lane.x + lane.width
    for flow in model.flows:
        for (x0, y0), (x1, y1) in zip(layout.flows[flow.id], layout.flows[flow.id][1:], strict=False):
            assert x0 == x1 or y0 == y1


def test_every_element_is_drawn_once() -> None:
    model = parse_bpmn(CAMUNDA.encode())
    root = fromstring(to_bpmn(model))
    drawn = [e.get("bpmnElement") for e in root.iter() if e.tag.endswith(("}BPMNShape", "}BPMNEdge"))]
    assert len(drawn) == len(set(drawn)) == len(model.nodes) + len(model.flows) + 1 + len(lay_out(model).lanes)
    ids = {e.get("id") for e in root.iter() if e.tag.startswith(f"{{{MODEL}}}")}
    assert set(drawn) <= ids


def test_it_is_written_to_a_file(tmp_path: Path) -> None:
    model = parse_bpmn(SIGNAVIO.encode())
    path = write_bpmn(model, tmp_path / "new" / "событие.bpmn")
    assert read_bpmn(path).activities == model.activities
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot write"):
        write_bpmn(model, tmp_path / "file" / "x.bpmn")


def test_pm4py_reads_what_we_write(tmp_path: Path) -> None:
    pm4py = pytest.importorskip("pm4py")
    model = parse_bpmn(CAMUNDA.encode())
    read = pm4py.read_bpmn(str(write_bpmn(model, tmp_path / "a.bpmn")))
    assert sorted(node.get_name() for node in read.get_nodes() if "Task" in type(node).__name__) == [
        "Approve",
        "Write text",
    ]
    assert len(read.get_flows()) == len(model.flows)


@given(blocks())
def test_no_flow_runs_through_a_shape(block: Block) -> None:
    model = to_model(block)
    layout = lay_out(model)
    for flow in model.flows:
        points = layout.flows[flow.id]
        for (xa, ya), (xb, yb) in pairwise(points):
            left, right, top, bottom = min(xa, xb), max(xa, xb), min(ya, yb), max(ya, yb)
            for node, box in layout.nodes.items():
                if node in (flow.source, flow.target):
                    continue
                apart = right <= box.x or left >= box.x + box.width or bottom <= box.y or top >= box.y + box.height
                assert apart, (flow, node)


def test_branches_meet_in_the_row_in_which_they_parted() -> None:
    nodes = (
        Node(id="s", kind="start"),
        Node(id="split", kind="parallel"),
        *(Node(id=one, kind="task", name=one) for one in "abc"),
        Node(id="choice", kind="exclusive"),
        Node(id="end of choice", kind="exclusive"),
        Node(id="join", kind="parallel"),
        Node(id="e", kind="end"),
    )
    pairs = [
        ("s", "split"), ("split", "a"), ("split", "choice"), ("split", "c"), ("choice", "b"),
        ("choice", "end of choice"), ("b", "end of choice"), ("a", "join"), ("end of choice", "join"), ("c", "join"),
        ("join", "e"),
    ]  # fmt: skip
    flows = tuple(Flow(id=f"f{number}", source=a, target=b) for number, (a, b) in enumerate(pairs))
    boxes = lay_out(ProcessModel(nodes=nodes, flows=flows)).nodes
    rows = {name: box.middle[1] for name, box in boxes.items()}
    assert rows["s"] == rows["split"] == rows["a"] == rows["join"] == rows["e"]
    assert rows["a"] < rows["choice"] == rows["b"] == rows["end of choice"] < rows["c"]

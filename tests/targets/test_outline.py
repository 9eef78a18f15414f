from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mkmine.catalogue.article_target import article_target
from mkmine.conformance.net import Net, compile_net
from mkmine.errors import DataError
from mkmine.targets import (
    Flow,
    Node,
    ProcessModel,
    parse_bpmn,
    read_outline,
    read_target,
    to_bpmn,
    to_outline,
    write_outline,
)
from tests.conformance.blocks import Block, blocks, to_model
from tests.targets.samples import CAMUNDA, SIGNAVIO

ARTICLE = """\
process: Article
steps:
  - {step: Brief, role: Marketer, note: One page}
  - choice: Complete?
    ways:
      no: {go_to: Brief}
      yes:
  - parallel:
      - {step: Text, role: Writer}
      - choice: Pictures?
        ways:
          yes: {step: Pictures, role: Designer}
          no: []
  - Publication
"""


def read(text: str) -> ProcessModel:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "to_be.yaml"
        path.write_text(text, encoding="utf-8")
        return read_outline(path)


def traces(net: Net, longest: int = 6) -> set[tuple[str, ...]]:
    """Every complete trace of up to `longest` steps."""
    after: dict[int, list[tuple[str, int]]] = {}
    for source, label, target in zip(net.source.tolist(), net.label.tolist(), net.target.tolist(), strict=True):
        after.setdefault(source, []).append((net.labels[label], target))
    found, states = set(), {((), 0)}
    for _ in range(longest + 1):
        found |= {trace for trace, state in states if net.final[state]}
        states = {((*trace, name), target) for trace, state in states for name, target in after.get(state, ())}
    return found


def same(one: ProcessModel, other: ProcessModel) -> bool:
    return traces(compile_net(one)) == traces(compile_net(other))


def test_steps_choices_parallel_work_and_ways_back_are_read() -> None:
    model = read(ARTICLE)
    assert (model.name, model.activities) == ("Article", ("Brief", "Text", "Pictures", "Publication"))
    complete = next(node for node in model.nodes if node.name == "Complete?")
    assert complete.lane == "Marketer"
    assert [flow.name for flow in model.outgoing[complete.id]] == ["no", "yes"]
    assert ("Brief", "Brief", "Pictures", "Text", "Publication") in traces(compile_net(model))
    assert ("Brief", "Publication") not in traces(compile_net(model))
    assert next(node for node in model.tasks).documentation == "One page"


def test_it_is_a_target_with_its_card_and_becomes_a_drawing(tmp_path: Path) -> None:
    path = tmp_path / "to_be.yaml"
    path.write_text(ARTICLE, encoding="utf-8")
    path.with_name("to_be.card.yaml").write_text("process: P\nowner: O\nlimits: {Text: 8}\n", encoding="utf-8")
    target = read_target(path)
    assert target.roles == {"Brief": "Marketer", "Text": "Writer", "Pictures": "Designer"}
    assert target.card is not None
    assert same(parse_bpmn(to_bpmn(target.model)), target.model)


@pytest.mark.parametrize("model", [article_target(), parse_bpmn(CAMUNDA.encode()), parse_bpmn(SIGNAVIO.encode())])
def test_what_was_drawn_survives_writing_down(model: ProcessModel, tmp_path: Path) -> None:
    again = read_outline(write_outline(model, tmp_path / "a.yaml"))
    assert same(again, model)
    assert [(n.name, n.lane, n.documentation, n.repeats) for n in sorted(again.tasks, key=lambda n: n.name)] == [
        (n.name, n.lane, n.documentation, n.repeats) for n in sorted(model.tasks, key=lambda n: n.name)
    ]
    assert read(to_outline(again)) == again


@given(blocks(("sequence", "exclusive", "parallel", "inclusive", "loop")))
def test_any_nested_model_survives_writing_down(block: Block) -> None:
    model = to_model(block)
    again = read(to_outline(model))
    assert same(again, model)
    assert read(to_outline(again)) == again


@given(blocks(), st.integers(0, 99), st.integers(0, 99))
def test_a_jump_from_anywhere_to_anywhere_survives(block: Block, a: int, b: int) -> None:
    """A choice put into any arrow, with a second way to any task: no longer nested."""
    model = to_model(block)
    cut, goal = model.flows[a % len(model.flows)], model.tasks[b % len(model.tasks)]
    nodes = (*model.nodes, Node(id="choice", kind="exclusive", name="?"), Node(id="m", kind="exclusive"))
    into = [flow for flow in model.flows if flow.target == goal.id and flow != cut]
    flows = [flow for flow in model.flows if flow != cut and flow not in into]
    flows += [Flow(id=flow.id, source=flow.source, target="m") for flow in into]
    flows += [
        Flow(id="j1", source=cut.source, target="choice"),
        Flow(id="j2", source="choice", target="m" if cut.target == goal.id else cut.target, name="on"),
        Flow(id="j3", source="choice", target="m", name="jump"),
        Flow(id="j4", source="m", target=goal.id),
    ]
    try:
        jumping = ProcessModel(nodes=nodes, flows=tuple(flows))
        expected = traces(compile_net(jumping), 5)
    except DataError:
        return
    again = read(to_outline(jumping))
    assert traces(compile_net(again), 5) == expected
    assert to_outline(again) == to_outline(read(to_outline(again)))


def test_yes_and_no_stay_words() -> None:
    assert "yes" in yaml.safe_load(to_outline(read(ARTICLE)))["steps"][1]["ways"]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("go_to: Brief", "go_to: Breif", 'line 6: there is no step "Breif" to go to; did you mean "Brief"'),
        ("  - Publication", "  - Brief", 'line 14: "Brief" is named already in line 3; .* "go_to: Brief"'),
        ("  - choice: C", "  - chioce: C", 'line 4: "chioce" is no word of a process; did you mean "choice"'),
        ("role: Writer", "rolle: Writer", 'line 9: "rolle" is no word .* did you mean "role"'),
        ("      no: {go_to: Brief}\n", "", 'line 4: "choice" needs two ways or more, found 1'),
        ("yes:\n", "yes: {go_to: Brief}\n", "line 8: nothing leads to parallel"),
        ("  - Publication", "  - [Publication]", "line 14: a list stands where a step is expected"),
        ("  - Publication", "  - {step: [a]}", "line 14: a list or mapping stands where a name"),
        ("  - Publication", "  - {step: ''}", "line 14: a step has no name"),
        ("  - Publication", "  -", "line 14: a step has no name"),
        ("  - Publication", "  - {step: A, end: B}", r"line 14: an item is one of .* found 2 \(step, end\)"),
        ("  - Publication", "  - {role: A}", "found 0"),
        ("  - Publication", "  - start: again", "line 14: the case has begun already"),
        ("  - Publication", "  - {end: x}\n  - {go_to: Brief}", 'line 15: nothing leads to "go_to: Brief"'),
        ("  - Publication", "  - {join: all}", 'line 14: "all" cannot be joined'),
        ("process: A", "owner: A", 'line 1: a process has no field "owner".*card'),
        ("steps:", "stepps:", 'no field "stepps"'),
    ],
)
def test_mistakes_are_told_with_their_line(old: str, new: str, told: str) -> None:
    assert old in ARTICLE
    with pytest.raises(DataError, match=told) as caught:
        read(ARTICLE.replace(old, new, 1))
    assert "to_be.yaml" in str(caught.value)


@pytest.mark.parametrize(
    "text", ["", "steps: []", "steps:", "- a", "steps: {a: b}", "process: x", "steps: &a [*a]", "steps: [[[]]]", "\x00"]
)
def test_what_is_no_process(text: str) -> None:
    with pytest.raises(DataError, match=r"to_be\.yaml"):
        read(text)


def test_endless_nesting_is_refused() -> None:
    nested = "steps: " + "[{choice: {a: " * 150 + "x" + ", b: y}}]" * 150
    with pytest.raises(DataError, match=r"nested deeper|valid YAML"):
        read(nested)


def test_a_long_process_is_no_problem() -> None:
    steps = "".join(f"  - Step {n}\n" for n in range(600))
    model = read("steps:\n" + steps)
    assert len(model.tasks) == 600
    assert read(to_outline(model)) == ProcessModel(nodes=model.nodes, flows=model.flows, name="to_be")

"""Events on the borders of tasks: which orders of work they allow, and that these survive being written again."""

from __future__ import annotations

import pytest

from mkmine.conformance import compile_net
from mkmine.errors import DataError
from mkmine.report import regulation
from mkmine.targets import ProcessModel, Target, parse_bpmn, parse_outline, to_bpmn, to_outline

HEAD = '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="p" name="P">'
LINE = (
    '<startEvent id="s"/><task id="a" name="A"/><task id="b" name="B"/><task id="x" name="X"/><endEvent id="e"/>'
    '<endEvent id="f"/>'
    '<sequenceFlow id="f1" sourceRef="s" targetRef="a"/><sequenceFlow id="f2" sourceRef="a" targetRef="b"/>'
    '<sequenceFlow id="f3" sourceRef="b" targetRef="e"/><sequenceFlow id="f4" sourceRef="t" targetRef="x"/>'
    '<sequenceFlow id="f5" sourceRef="x" targetRef="f"/>'
)


def read(body: str) -> ProcessModel:
    return parse_bpmn(f"{HEAD}{body}</process></definitions>".encode(), source="m.bpmn")


def border(trigger: str = "timer", options: str = "", on: str = "a") -> str:
    kind = f"<{trigger}EventDefinition/>"
    return f'<boundaryEvent id="t" name="Too late" attachedToRef="{on}" {options}>{kind}</boundaryEvent>'


def traces(model: ProcessModel, longest: int = 5) -> set[str]:
    net = compile_net(model)
    edges = list(zip(net.source.tolist(), net.label.tolist(), net.target.tolist(), strict=True))
    found, reached = set(), {("", 0)}
    for _ in range(longest + 1):
        found |= {trace for trace, state in reached if net.final[state]}
        reached = {(t + net.labels[a], to) for t, state in reached for of, a, to in edges if of == state}
    return found


@pytest.mark.parametrize("trigger", ["timer", "message", "error", "signal", "conditional", "escalation"])
def test_what_interrupts_is_taken_instead_with_or_without_a_trace(trigger: str) -> None:
    assert traces(read(LINE + border(trigger))) == {"AB", "AX", "X"}


def test_what_does_not_interrupt_goes_on_beside() -> None:
    model = read(LINE + border(options='cancelActivity="false"'))
    assert traces(model) == {"AB", "ABX", "AXB", "XAB"}


def test_a_task_with_both_and_several_ways_in_and_out() -> None:
    more = (
        '<task id="c" name="C"/><sequenceFlow id="f6" sourceRef="a" targetRef="c"/>'
        '<sequenceFlow id="f7" sourceRef="c" targetRef="e"/><sequenceFlow id="f8" sourceRef="u" targetRef="d"/>'
        '<boundaryEvent id="u" name="No more" attachedToRef="a"/><task id="d" name="D"/>'
        '<sequenceFlow id="f9" sourceRef="d" targetRef="f"/>'
    )
    model = read(LINE + more + border(options='cancelActivity="false"'))
    both = {"ABC", "ACB", "AD", "D", "AXD", "ADX", "XAD", "DX", "XD"}
    assert both <= traces(model, 4)
    assert {one for one in traces(model) if "X" not in one} == {"ABC", "ACB", "AD", "D"}


def test_a_way_back_into_a_task_with_something_beside_it_is_told() -> None:
    back = '<exclusiveGateway id="g"/><sequenceFlow id="f9" sourceRef="g" targetRef="a"/>'
    body = LINE.replace('sourceRef="b" targetRef="e"', 'sourceRef="b" targetRef="g"')
    body += back + '<sequenceFlow id="f8" sourceRef="g" targetRef="e"/>'
    assert {"AB", "ABAB", "ABX", "AX", "X"} <= traces(read(body + border()))
    with pytest.raises(DataError, match="piles up tokens"):
        traces(read(body + border(options='cancelActivity="false"')))


def test_the_last_task_may_be_interrupted() -> None:
    assert traces(read(LINE + border(on="b"))) == {"AB", "ABX", "AX"}
    ends = LINE.replace('<sequenceFlow id="f3" sourceRef="b" targetRef="e"/>', "").replace('<endEvent id="e"/>', "")
    assert traces(read(ends + border(on="b"))) == {"AB", "ABX", "AX"}


@pytest.mark.parametrize("options", ["", 'cancelActivity="false"'])
def test_it_is_written_drawn_and_told_again(options: str) -> None:
    model = read(LINE + border("error", options))
    assert traces(parse_bpmn(to_bpmn(model))) == traces(model)
    assert traces(parse_outline(to_outline(model), source="steps")) == traces(model)
    assert "Too late" in regulation(Target(model=model)).html()


def test_a_subprocess_may_be_left_alone_but_not_interrupted() -> None:
    inner = LINE.replace(
        '<task id="a" name="A"/>',
        '<subProcess id="a" name="A"><startEvent id="i"/><task id="j" name="J"/><endEvent id="k"/>'
        '<sequenceFlow id="l" sourceRef="i" targetRef="j"/><sequenceFlow id="m" sourceRef="j" targetRef="k"/>'
        "</subProcess>",
    )
    assert traces(read(inner + border(options='cancelActivity="false"'))) == {"JB", "JBX", "JXB", "XJB"}
    with pytest.raises(
        DataError, match=r'"Too late" \(t\) interrupts the subprocess "A" \(a\), which is not supported'
    ):
        read(inner + border())


def test_what_is_on_no_border_is_refused() -> None:
    with pytest.raises(DataError, match=r'<boundaryEvent> "Too late" \(t\) is on the border of no task'):
        read(LINE + border(on="nothing"))
    with pytest.raises(DataError, match="with a compensate event"):
        read(LINE + border("compensate"))

from __future__ import annotations

import pytest

from mkmine.errors import DataError
from mkmine.targets import ProcessModel, parse_bpmn
from mkmine.targets.export import to_bpmn
from tests.targets.samples import diagram


def flows(arcs: str, name: str = "f") -> str:
    pairs = [arc.split("-") for arc in arcs.split()]
    return "".join(f'<sequenceFlow id="{name}{n}" sourceRef="{a}" targetRef="{b}"/>' for n, (a, b) in enumerate(pairs))


def tasks(names: str) -> str:
    return "".join(f'<task id="{name}" name="{name}"/>' for name in names)


def inside(body: str, *, outer: str = "s-A A-sub sub-B B-e", more: str = "", attributes: str = "") -> ProcessModel:
    """A, then a subprocess, then B."""
    nodes = '<startEvent id="s"/><endEvent id="e"/>' + tasks("AB")
    drawn = f'<subProcess id="sub" name="Inner"{attributes}>{body}</subProcess>'
    return parse_bpmn(diagram(nodes + drawn + more + flows(outer)), source="to_be.bpmn")


def after(model: ProcessModel) -> dict[str, set[str]]:
    return {node.id: {flow.target for flow in model.outgoing[node.id]} for node in model.nodes}


EVENTS = '<startEvent id="is"/><endEvent id="ie"/>'


def test_the_steps_of_a_subprocess_take_its_place() -> None:
    model = inside(EVENTS + tasks("XY") + flows("is-X X-Y Y-ie", "i"))
    assert after(model) == {"s": {"A"}, "A": {"X"}, "X": {"Y"}, "Y": {"B"}, "B": {"e"}, "e": set()}
    assert model.activities == ("A", "B", "X", "Y")
    assert parse_bpmn(to_bpmn(model)).activities == model.activities


def test_ways_out_meet_and_ways_in_do_too() -> None:
    choice = '<exclusiveGateway id="x"/><endEvent id="ie2"/>'
    body = EVENTS + choice + '<parallelGateway id="p"/><parallelGateway id="q"/>' + tasks("XYZ")
    body += flows("is-p p-X p-Y X-q Y-q q-x x-Z x-ie Z-ie2", "i")
    back = '<exclusiveGateway id="y"/>'
    model = inside(body, more=back, outer="s-A A-sub sub-B B-y y-sub y-e")
    found = after(model)
    # Two ways lead in; the split that is first inside must not join them.
    assert found["A"] == {"sub_begin"}
    assert found["y"] == {"sub_begin", "e"}
    assert found["sub_begin"] == {"p"}
    assert found["x"] == {"Z", "sub_end"}
    assert found["Z"] == {"sub_end"}
    assert found["sub_end"] == {"B"}
    assert model.by_id["sub_end"].kind == "exclusive"


def test_several_arrows_in_and_out_are_splits() -> None:
    model = inside(EVENTS + tasks("XY") + '<parallelGateway id="q"/>' + flows("is-X is-Y X-q Y-q q-ie", "i"))
    assert after(model)["is"] == {"X", "Y"}
    assert model.by_id["is"].kind == "parallel"
    join = '<parallelGateway id="j"/>' + tasks("C")
    model = inside(EVENTS + tasks("X") + flows("is-X X-ie", "i"), more=join, outer="s-A A-sub sub-B sub-C B-j C-j j-e")
    assert after(model)["X"] == {"sub"}
    assert (model.by_id["sub"].kind, after(model)["sub"]) == ("parallel", {"B", "C"})


def test_a_subprocess_that_nothing_follows_ends_the_case() -> None:
    body = '<startEvent id="is"/><endEvent id="ie"><terminateEventDefinition/></endEvent>' + tasks("X")
    model = parse_bpmn(
        diagram(
            '<startEvent id="s"/>'
            + f'<subProcess id="sub">{body}{flows("is-X X-ie", "i")}</subProcess>'
            + flows("s-sub")
        )
    )
    assert after(model) == {"s": {"X"}, "X": {"ie"}, "ie": set()}
    assert model.by_id["ie"].kind == "end"


def test_steps_without_events_and_nesting_are_read() -> None:
    deep = '<subProcess id="deep">' + tasks("Y") + "</subProcess>"
    model = inside(tasks("X") + deep + flows("X-deep", "i"))
    assert after(model)["A"] == {"X"}
    assert after(model)["X"] == {"Y"}
    assert after(model)["Y"] == {"B"}


def test_steps_are_in_the_lane_of_their_subprocess() -> None:
    lanes = '<laneSet id="l"><lane id="l1" name="Team"><flowNodeRef>sub</flowNodeRef></lane></laneSet>'
    model = inside(EVENTS + tasks("X") + flows("is-X X-ie", "i"), more=lanes)
    assert (model.by_id["X"].lane, model.by_id["A"].lane) == ("Team", None)


def test_a_subprocess_drawn_closed_is_a_task() -> None:
    model = inside("")
    assert model.activities == ("A", "B", "Inner")
    assert "<bpmn:subProcess" in to_bpmn(model).decode()


@pytest.mark.parametrize(
    ("body", "attributes", "said"),
    [
        (EVENTS + tasks("XY") + flows("is-X is-Y X-ie Y-ie", "i"), "", "end apart; join them"),
        (tasks("XY"), "", "has 2 beginnings"),
        (EVENTS + tasks("X") + flows("is-X X-ie", "i"), ' triggeredByEvent="true"', "an event that starts it"),
        ("<standardLoopCharacteristics/>" + EVENTS + tasks("X") + flows("is-X X-ie", "i"), "", "a loop or several"),
        (EVENTS + tasks("A") + flows("is-A A-ie", "i"), "", 'id "A" occurs twice'),
        ("<subProcess id='n'>" * 25 + tasks("X") + "</subProcess>" * 25, "", "nested deeper than 20"),
        (EVENTS + tasks("X") + flows("X-ie", "i"), "", "its start event leads nowhere"),
    ],
)
def test_what_cannot_be_unfolded_is_told(body: str, attributes: str, said: str) -> None:
    with pytest.raises(DataError, match=said) as caught:
        inside(body, attributes=attributes)
    assert "to_be.bpmn" in str(caught.value)

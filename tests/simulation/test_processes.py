from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mkmine.errors import DataError, UnknownNameError
from mkmine.simulation import SimulationModel, simulate
from mkmine.simulation.model.processes import from_process
from mkmine.targets import parse_bpmn

from .conftest import ALWAYS, exponential

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
TASKS = ("Brief", "Text", "Design", "Check", "Publish", "Announce")
NODES = [
    '<startEvent id="s"/><endEvent id="e"/>',
    '<parallelGateway id="p1"/><parallelGateway id="p2"/><exclusiveGateway id="m"/>',
    '<exclusiveGateway id="x" name="Good?"/><inclusiveGateway id="o1" name="Where?"/><inclusiveGateway id="o2"/>',
    '<intermediateCatchEvent id="w" name="Wait"><timerEventDefinition id="t"/></intermediateCatchEvent>',
    *(f'<userTask id="{name}" name="{name}"/>' for name in TASKS),
]
FLOWS = "s-Brief Brief-m m-p1 p1-Text p1-Design Text-p2 Design-p2 p2-Check Check-x x-m x-w w-o1 o1-Publish o1-Announce \
Publish-o2 Announce-o2 o2-e"


def bpmn(split: str = "parallelGateway") -> bytes:
    arcs = [flow.split("-") for flow in FLOWS.split()]
    drawn = "".join(f'<sequenceFlow id="f{n}" sourceRef="{a}" targetRef="{b}"/>' for n, (a, b) in enumerate(arcs))
    lane = "".join(f"<flowNodeRef>{name}</flowNodeRef>" for name in TASKS)
    lanes = f'<laneSet id="ls"><lane id="l" name="Team">{lane}</lane></laneSet>'
    nodes = "".join(NODES).replace('<parallelGateway id="p1"/>', f'<{split} id="p1"/>')
    body = f'<process id="p" name="Article">{lanes}{nodes}{drawn}</process>'
    return f'<definitions xmlns="{BPMN}" id="d" targetNamespace="x">{body}</definitions>'.encode()


DETAILS: dict[str, Any] = {
    "start": "2025-01-06",
    "office": "always",
    "calendars": {"always": {"weekly": ALWAYS}},
    "people": [{"name": f"P{n}", "roles": ["Team"], "calendar": "always"} for n in range(4)],
    "arrivals": {"weekly": [[0.3] * 24] * 7},
}
HOURS = {name: {"duration": [exponential(1)]} for name in TASKS}
HOURS["Wait"] = {"duration": [{"kind": "fixed", "hours": 5}]}
CHANCES = {"Good?": {"m": 0.3, "Wait": 0.7}, "Where?": {"Publish": 0.9, "Announce": 0.4}}


def model(**options: Any) -> SimulationModel:
    return from_process(parse_bpmn(bpmn()), DETAILS, **({"branching": CHANCES, "activities": HOURS} | options))


def test_a_process_with_every_gateway_runs_as_it_is_drawn() -> None:
    log = simulate(model(), cases=2_000)
    count = {name: int((log.activity == code).sum()) for code, name in enumerate(log.activities)}
    assert count["Brief"] == 2_000
    assert count["Text"] == count["Design"] == count["Check"] == pytest.approx(2_000 / 0.7, rel=0.05)
    assert count["Announce"] / 2_000 == pytest.approx(0.4, abs=0.04)
    assert count["Publish"] / 2_000 == pytest.approx(0.9 + 0.1 * 0.6, abs=0.03)
    last = log.activity == log.activities.index("Publish")
    before = np.flatnonzero(last) - 1
    chosen = log.activity[before] == log.activities.index("Check")
    assert (log.enabled[last][chosen] - log.end[before][chosen] == 5 * 3_600_000_000).all()


def test_ways_back_are_rework() -> None:
    routes = model().gateways["Good?"].next[0]
    assert {route.to: route.rework for route in routes} == {"m": True, "Wait": False}
    assert SimulationModel.from_dict(model().to_dict()) == model()
    assert model().gateways["o2"].of == "Where?"


def test_ways_are_equally_probable_if_nothing_is_said() -> None:
    assert [route.probability for route in model(branching=None).gateways["Good?"].next[0]] == [0.5, 0.5]


def test_what_is_missing_or_misspelt_is_told() -> None:
    with pytest.raises(DataError, match='"Check" has no duration; give activities='):
        model(activities={name: values for name, values in HOURS.items() if name != "Check"})
    with pytest.raises(UnknownNameError, match=r'unknown gateway "Godo\?".*did you mean "Good\?'):
        model(branching={"Godo?": {"m": 1}})
    with pytest.raises(UnknownNameError, match=r'unknown way "Wiat" in gateway "Good\?".*did you mean "Wait"'):
        model(branching={"Good?": {"Wiat": 1}})
    with pytest.raises(UnknownNameError, match=r'unknown task "Txet".*did you mean "Text"'):
        model(activities=HOURS | {"Txet": {"duration": []}})


def test_a_deadlock_is_refused_with_its_place() -> None:
    alternatives = parse_bpmn(bpmn(split="exclusiveGateway"))
    with pytest.raises(DataError, match="p2: a case can get stuck here"):
        from_process(alternatives, DETAILS, branching=CHANCES, activities=HOURS)


ANSWER = """<startEvent id="s"/><task id="Ask" name="Ask"/><eventBasedGateway id="g" name="Answer?"/>
<intermediateCatchEvent id="m" name="Answer"><messageEventDefinition id="md"/></intermediateCatchEvent>
<intermediateCatchEvent id="t" name="A week"><timerEventDefinition id="td"/></intermediateCatchEvent>
<task id="Read" name="Read"/><task id="Remind" name="Remind"/><endEvent id="e"/>"""
WAYS = "s-Ask Ask-g g-m g-t m-Read t-Remind Remind-e Read-e"


def race(nodes: str = ANSWER, ways: str = WAYS, **more: Any) -> SimulationModel:
    arcs = [flow.split("-") for flow in ways.split()]
    drawn = "".join(f'<sequenceFlow id="f{n}" sourceRef="{a}" targetRef="{b}"/>' for n, (a, b) in enumerate(arcs))
    text = (
        f'<definitions xmlns="{BPMN}" id="d" targetNamespace="x"><process id="p">{nodes}{drawn}</process></definitions>'
    )
    hours: dict[str, Any] = {
        name: {"role": "Team", "duration": [exponential(0.1)]} for name in ("Ask", "Read", "Remind")
    }
    hours |= {"Answer": {"duration": [exponential(100)]}, "A week": {"duration": [{"kind": "fixed", "hours": 50}]}}
    return from_process(parse_bpmn(text.encode()), DETAILS, activities=hours | more)


def test_of_an_event_based_gateway_the_first_event_decides() -> None:
    model = race()
    assert [event.to for event in model.gateways["Answer?"].events] == ["Read", "Remind"]
    log = simulate(model, cases=4_000)
    reminded = (log.activity == log.activities.index("Remind")).sum() / 4_000
    assert reminded == pytest.approx(np.exp(-0.5), abs=0.03)


def test_what_an_event_cannot_be_is_told() -> None:
    with pytest.raises(DataError, match=r'"Answer" is an event: it has a duration and a calendar, no \[.role.\]'):
        race(Answer={"role": "Team", "duration": [exponential(1)]})
    task = ANSWER.replace('<intermediateCatchEvent id="m" name="Answer"><messageEventDefinition id="md"/>', "")
    task = task.replace("</intermediateCatchEvent>\n<inter", '<receiveTask id="m" name="Answer"/>\n<inter', 1)
    with pytest.raises(DataError, match='"Answer\\?" waits for events, but "Answer" follows it'):
        race(task)
    with pytest.raises(DataError, match='2 arrows leave "A week"'):
        race(ways=f"{WAYS} t-Read")
    with pytest.raises(UnknownNameError):
        from_process(parse_bpmn(bpmn()), DETAILS, branching={"p1": {"Text": 1}}, activities=HOURS)

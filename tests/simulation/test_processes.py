from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mkmine.errors import DataError, UnknownNameError
from mkmine.simulation import SimulationModel, simulate
from mkmine.simulation.processes import from_process
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

"""A TO-BE of a process whose routes depend on attributes of cases."""

from __future__ import annotations

from typing import Any

import pytest

import mkmine as mk
from mkmine.errors import DataError, UnknownNameError
from mkmine.simulation import Scenario, SimulationModel, experiment
from mkmine.targets import Target
from tests.conformance.models import model as drawn

LANES = {"Write": "Writer", "Edit": "Editor", "Publish": "Editor"}
TODAY = "s>x0 x0>Write Write>Edit Edit>x1 x1>x0 x1>Publish Publish>e"
# Of all cases half are of each client; after the first editing 60 % and 10 % come back.
BACK = {"X": 0.6, "Y": 0.1}


def split(back: float, to: str = "Write", on: str = "Publish") -> list[dict[str, Any]]:
    return [{"to": to, "probability": back, "rework": to == "Write"}, {"to": on, "probability": 1 - back}]


def office(**changed: Any) -> SimulationModel:
    """Write, edit, publish: who orders a text decides whether it comes back, and large ones take longer."""
    hours = {"kind": "gamma", "cv": 0.5}
    own = [{"when": {"client": one}, "next": [split(back), ["Publish"]]} for one, back in BACK.items()]
    values: dict[str, Any] = {
        "name": "office",
        "start": "2024-01-01",
        "office": "office",
        "calendars": {"office": {"weekly": {"Mon-Fri": "09:00-18:00"}}},
        "people": [{"name": f"w{n}", "roles": ["Writer"], "calendar": "office"} for n in range(3)]
        + [{"name": f"e{n}", "roles": ["Editor"], "calendar": "office"} for n in range(2)],
        "activities": {
            "Write": {
                "role": "Writer",
                "duration": {**hours, "mean": 4},
                "variants": [{"when": {"size": "L"}, "factor": 2.5}],
                "next": "Edit",
            },
            "Edit": {"role": "Editor", "duration": {**hours, "mean": 2}, "variants": own, "next": "Publish"},
            "Publish": {"role": "Editor", "duration": {**hours, "mean": 0.5}, "next": [{"to": None}]},
        },
        "begin": "Write",
        "arrivals": {"weekly": {"Mon-Fri": {"09:00-18:00": 0.25}}},
        "profiles": [
            {"share": share, "values": {"size": size, "client": client}}
            for share, size, client in ((0.4, "L", "X"), (0.1, "S", "X"), (0.1, "L", "Y"), (0.4, "S", "Y"))
        ],
    }
    return SimulationModel.from_dict(values | changed)


def returns(model: SimulationModel) -> dict[tuple[tuple[str, str], ...], float]:
    """How probably a text comes back after the first editing, by kind of case; () is all of them."""
    edit = model.activities["Edit"]
    routes = {(): edit.next[0]} | {tuple(one.when.items()): one.next[0] for one in edit.variants if one.next}
    return {kind: sum(way.probability for way in ways if way.to == "Write") for kind, ways in routes.items()}


@pytest.mark.parametrize("calibrated", [False, True])
def test_a_to_be_like_today_is_not_better_than_today(calibrated: bool) -> None:
    as_is = mk.calibrate(mk.simulate(office(), seed=3, weeks=52)) if calibrated else office()
    same = Target(model=drawn(TODAY, LANES)).to_simulation(as_is, name="as today")
    known = returns(as_is)
    assert {kind: p for kind, p in returns(same).items() if kind} == {
        kind: pytest.approx(p) for kind, p in known.items() if kind
    }
    assert {tuple(kind[0]) for kind in known if kind} == {("client", "X"), ("client", "Y")}
    assert same.profiles == as_is.profiles
    found = experiment(as_is, [same], replications=5, draws=0, weeks=20, warm_up_weeks=4, seed=1).answers
    mean = found[found["kpi"] == "cycle_mean_h"].iloc[0]
    assert mean["difference"] == pytest.approx(0.0, abs=1e-9)


def test_written_routes_of_some_cases_are_not_those_of_all() -> None:
    """The other routes of the model, of which no case is, go straight on."""
    same = Target(model=drawn(TODAY, LANES)).to_simulation(office())
    assert returns(same)[()] == pytest.approx(0.35, abs=0.04)


def test_a_new_step_on_a_way_keeps_who_comes_back() -> None:
    longer = "s>x0 x0>Write Write>Edit Edit>x1 x1>x0 x1>Legal Legal>Publish Publish>e"
    made = Target(model=drawn(longer, LANES | {"Legal": "Editor"})).to_simulation(
        office(), elicited={"Legal": [1, 2, 5]}
    )
    assert {kind[0][1]: p for kind, p in returns(made).items() if kind} == pytest.approx(BACK)


def test_what_is_said_of_a_choice_is_said_of_all_and_the_attribute_is_gone() -> None:
    as_is = office()
    made = Target(model=drawn(TODAY, LANES)).to_simulation(as_is, elicited={"choices": {"x1": {"Write": 0.2}}})
    assert returns(made) == {(): pytest.approx(0.2)}
    assert {name for one in made.profiles for name in one.values} == {"size"}
    assert {one.values["size"]: one.share for one in made.profiles} == pytest.approx({"L": 0.5, "S": 0.5})
    assert any("left out: client" in note for note in made.notes)
    with pytest.raises(UnknownNameError, match="client"):
        Scenario("mix").mix("client", {"X": 0.8, "Y": 0.2}).apply(made)
    Scenario("mix").mix("client", {"X": 0.8, "Y": 0.2}).apply(as_is)


def test_a_gateway_that_asks_for_the_kind_of_case_counts_as_it_does_for_all() -> None:
    gate = {
        "kind": "xor",
        "next": [split(0.0)],
        "variants": [{"when": {"client": one}, "next": [split(back)]} for one, back in BACK.items()],
    }
    plain = office().to_dict()["activities"]
    activities = plain | {"Edit": plain["Edit"] | {"variants": [], "next": [[{"to": "back?"}]]}}
    made = Target(model=drawn(TODAY, LANES)).to_simulation(office(activities=activities, gateways={"back?": gate}))
    assert returns(made)[()] == pytest.approx(0.35, abs=0.04)
    assert any("depend on attributes of cases" in note and "back?" in note for note in made.notes)


def test_a_choice_that_is_made_elsewhere_is_told() -> None:
    flows = "s>x0 x0>Write Write>Edit Edit>p1 p1>Publish p1>Log Publish>p2 Log>p2 p2>x1 x1>x0 x1>e"
    made = Target(model=drawn(flows, LANES | {"Log": "Editor"})).to_simulation(
        office(), elicited={"activities": {"Log": 0.1}, "choices": {"x1": {"Write": 0.35}}}
    )
    assert any("depend on attributes of cases" in note and "Edit" in note for note in made.notes)
    assert {name for one in made.profiles for name in one.values} == {"size"}


def test_ways_that_nobody_knows_are_called_by_what_they_lead_to() -> None:
    flows = TODAY + " Publish>x2 x2>Write x2>Publish2 Publish2>e"
    lanes = LANES | {"Publish2": "Editor"}
    with pytest.raises(DataError, match=r"(?s)x2.*Write"):
        Target(model=drawn(flows.replace(" Publish>e", ""), lanes)).to_simulation(
            office(), elicited={"Publish2": [1, 2, 3]}
        )

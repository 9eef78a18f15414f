"""Attributes of cases along a process: what they change is found, carried into a TO-BE, and asked about by a mix."""

from __future__ import annotations

import numpy as np
import pytest

import mkmine as mk
from mkmine.eventlog import EventLog
from mkmine.simulation import Scenario, SimulationModel, simulate
from mkmine.simulation.experiments.uncertainty import drawn as with_drawn_numbers
from mkmine.targets import Target

from .processes import SAID, SITE, TO_BE, TODAY, drawn, seen, world

# What a release of the one kind does, and one of the other.
PICTURES, MAILS, AGAIN = (
    {"Blog": 0.25, "Whitepaper": 0.9},
    {"Blog": 0.15, "Whitepaper": 0.8},
    {"Blog": 0.1, "Whitepaper": 0.5},
)


def telling() -> SimulationModel:
    """A world in which the kind of a release decides its pictures, its mails, its returns and the hours of its text."""
    values = world().to_dict()
    values["profiles"] = [
        {"share": share, "values": {"kind": one}} for one, share in (("Blog", 0.6), ("Whitepaper", 0.4))
    ]
    values["attributes"] = {"noise": {"a": 0.5, "b": 0.5}}
    kinds = ("Blog", "Whitepaper")
    pictures, where, good = (values["gateways"][name] for name in ("Pictures?", "Where?", "Good?"))

    def two(routes: list[dict[str, object]], first: float) -> list[dict[str, object]]:
        return [routes[0] | {"probability": first}, routes[1] | {"probability": 1 - first}]

    pictures["variants"] = [{"when": {"kind": one}, "next": [two(pictures["next"][0], PICTURES[one])]} for one in kinds]
    good["variants"] = [{"when": {"kind": one}, "next": [two(good["next"][0], AGAIN[one])]} for one in kinds]
    ways = {way["to"]: way for way in where["ways"]}
    where["variants"] = [
        {
            "when": {"kind": one},
            "ways": [way | {"probability": MAILS[one] if to == "Mail" else SITE} for to, way in ways.items()],
        }
        for one in kinds
    ]
    values["activities"]["Text"]["variants"] = [{"when": {"kind": "Whitepaper"}, "factor": 2.0}]
    return SimulationModel.from_dict(values)


@pytest.fixture(scope="module")
def log() -> EventLog:
    return seen(telling(), cases=500)


@pytest.fixture(scope="module")
def model(log: EventLog) -> SimulationModel:
    return mk.calibrate(log, process=drawn())


def shares(model: SimulationModel, seed: int = 5) -> dict[tuple[str, str], float]:
    """How often a simulated case of each kind does what its kind decides."""
    log = simulate(model, cases=1_500, seed=seed)
    kind = log.case_attributes["kind"].to_numpy()[log.case_of]
    out = {}
    for one in ("Blog", "Whitepaper"):
        count = {
            name: int(((log.activity == log.activities.index(name)) & (kind == one)).sum()) for name in log.activities
        }
        cases = int((log.case_attributes["kind"] == one).sum())
        out |= {
            (one, "pictures"): count["Pictures"] / count["Text"],
            (one, "mails"): count["Mail"] / cases,
            (one, "again"): 1 - cases / count["Approval"],
        }
    return out


def truly(one: str) -> dict[str, float]:
    # Where neither is drawn, the more probable one is opened: the site.
    return {"pictures": PICTURES[one], "mails": MAILS[one], "again": AGAIN[one]}


def test_gateways_of_certain_cases_are_equal_in_both_engines() -> None:
    one, other = (simulate(telling(), cases=400, seed=2, engine=engine) for engine in ("simpy", "kernel"))
    for column in ("activity", "resource", "enabled", "start", "end"):
        assert np.array_equal(getattr(one, column), getattr(other, column))


def test_what_attributes_decide_is_found_along_a_process(model: SimulationModel) -> None:
    assert set(model.case_values) == {"kind"}, "and what decides nothing is left out"
    found = shares(model)
    for one in ("Blog", "Whitepaper"):
        for what, share in truly(one).items():
            assert found[one, what] == pytest.approx(share, abs=0.09), (one, what)
    factors = {v.when["kind"]: v.factor for v in model.activities["Text"].variants if v.speaks_of("hours")}
    assert factors["Whitepaper"] / factors["Blog"] == pytest.approx(2, rel=0.2)
    assert SimulationModel.from_dict(model.to_dict()) == model


def test_without_telling_attributes_no_choice_depends_on_them() -> None:
    values = world().to_dict() | {"attributes": {"noise": {"a": 0.5, "b": 0.5}, "more": {"c": 0.3, "d": 0.7}}}
    found = mk.calibrate(seen(SimulationModel.from_dict(values), cases=300), process=drawn())
    assert found.profiles == []
    assert not any(one.variants for one in (*found.activities.values(), *found.gateways.values()))


def test_draws_vary_the_chances_of_each_kind(model: SimulationModel) -> None:
    chances = np.array(
        [
            [
                variant.next[0][0].probability
                for variant in with_drawn_numbers(model, n, of=40).gateways["Pictures?"].variants
            ]
            for n in range(40)
        ]
    )
    for column, variant in enumerate(model.gateways["Pictures?"].variants):
        p, n = variant.next[0][0].probability, variant.observed[0]
        assert chances[:, column].mean() == pytest.approx(p, abs=0.03)
        assert chances[:, column].std() == pytest.approx((p * (1 - p) / n) ** 0.5, rel=0.4)


def test_a_mix_moves_what_depends_on_it(model: SimulationModel) -> None:
    more = Scenario("more whitepapers").mix("kind", {"Whitepaper": 0.8}).apply(model)
    rows = {name: simulate(one, cases=600, seed=4) for name, one in (("now", model), ("more", more))}
    pictures = {name: np.mean(log.activity == log.activities.index("Pictures")) for name, log in rows.items()}
    assert pictures["more"] > 1.2 * pictures["now"]


def test_a_to_be_keeps_what_depends_on_the_kind_of_case(model: SimulationModel) -> None:
    made = Target(model=drawn(TO_BE)).to_simulation(model, elicited=SAID)
    assert made.profiles == model.profiles
    for one, other in zip(made.gateways["Pictures?"].variants, model.gateways["Pictures?"].variants, strict=True):
        assert one.when == other.when
        for own, today in zip(one.next, other.next, strict=True):
            chances = [route.probability for route in today]
            assert [route.probability for route in own] == pytest.approx(chances)
    ways = [[way.probability for way in one.ways] for one in made.gateways["Where?"].variants]
    assert ways == [[way.probability for way in one.ways] for one in model.gateways["Where?"].variants]
    assert {v.factor for v in made.activities["Text"].variants} >= {
        v.factor for v in model.activities["Text"].variants if v.speaks_of("hours")
    }
    # What somebody says of a choice is said of all cases, and a note tells so.
    assert not any(one.speaks_of("routes") for one in made.activities["Approval"].variants)
    assert any("depend on attributes of cases" in note and "Approval" in note for note in made.notes)
    more = Scenario("more whitepapers").mix("kind", {"Whitepaper": 0.8}).apply(made)
    counts = [
        np.sum(log.activity == log.activities.index("Mail"))
        for log in (simulate(one, cases=300, seed=1) for one in (more, made))
    ]
    assert counts[0] > 1.2 * counts[1]


def test_the_same_process_as_a_to_be_decides_the_same(model: SimulationModel) -> None:
    same = Target(model=drawn(TODAY)).to_simulation(model, name="as it is")
    assert not any("depend on attributes" in note for note in same.notes)
    assert shares(same) == {key: pytest.approx(share, abs=0.02) for key, share in shares(model).items()}

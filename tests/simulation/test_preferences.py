"""Who takes a piece of work where several are free: in both engines, in scenarios, and learned from a log."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mkmine.catalogue.departments import department
from mkmine.errors import DataError
from mkmine.eventlog import EventLog
from mkmine.simulation import Scenario, SimulationModel, calibrate, simulate
from mkmine.simulation.calibration.estimators.preferences import Chosen, estimate_preferences
from mkmine.simulation.experiments.uncertainty import drawn

from .conftest import OFFICE, exponential, single_queue

DRAWS = 40


def queue(preferences: dict[str, float], *, rate: float = 0.2, servers: int = 4) -> SimulationModel:
    values = single_queue(rate=rate, servers=servers, service=exponential(0.2)).to_dict()
    values["activities"]["Serve"]["people"] = {who: {"preference": value} for who, value in preferences.items()}
    return SimulationModel.from_dict(values)


def shares(log: EventLog, activity: str | None = None) -> dict[str, float]:
    rows = slice(None) if activity is None else log.activity == log.activities.index(activity)
    counts = np.bincount(log.resource[rows], minlength=len(log.resources)) / len(log.resource[rows])
    return dict(zip(log.resources, counts.tolist(), strict=True))


def test_free_work_is_taken_in_proportion_to_preferences() -> None:
    found = shares(simulate(queue({"P0": 5.0, "P1": 2.0, "P3": 0.0}, rate=0.02), cases=4_000, seed=3))
    assert found["P0"] == pytest.approx(5 / 8, abs=0.03)
    assert found["P1"] == pytest.approx(2 / 8, abs=0.03)
    assert found["P2"] == pytest.approx(1 / 8, abs=0.03)
    assert found.get("P3", 0.0) < 0.001


def test_who_takes_only_what_nobody_else_does_still_does_it() -> None:
    values = queue({"P0": 0.0}, servers=2).to_dict()
    values["calendars"]["morning"] = {"weekly": {"Mon-Sun": "00:00-12:00"}}
    values["people"][1]["calendar"] = "morning"
    found = shares(simulate(SimulationModel.from_dict(values), cases=2_000))
    assert 0.4 < found["P0"] < 0.6


def test_scenarios_move_only_the_work_that_they_must() -> None:
    model = queue({"P0": 3.0, "P1": 1.5, "P2": 0.5})
    more = Scenario("one more").staff("Server", +1).apply(model)
    fewer = Scenario("one fewer").staff("Server", -1).apply(model)
    base, wider, narrower = (simulate(one, cases=3_000, seed=5) for one in (model, more, fewer))
    # A newcomer takes as much as somebody of mean preference, and nobody else takes another's work.
    fresh = wider.resource == wider.resources.index("Server +1")
    assert fresh.mean() == pytest.approx(1 / 7, abs=0.03)
    kept = np.array(wider.resources)[wider.resource] == np.array(base.resources)[base.resource]
    assert (~kept & ~fresh).mean() < 0.02
    left = base.resource == base.resources.index("P3")
    stay = np.array(narrower.resources)[narrower.resource] == np.array(base.resources)[base.resource]
    assert (~stay & ~left).mean() < 0.02
    assert shares(narrower)["P0"] == pytest.approx(3 / 5, abs=0.05)


@pytest.mark.parametrize("value", [-1, 101, "often", float("nan")])
def test_what_is_no_preference_is_refused(value: Any) -> None:
    values = queue({}).to_dict()
    values["activities"]["Serve"]["people"] = {"P0": {"preference": value}}
    with pytest.raises(DataError, match="preference"):
        SimulationModel.from_dict(values)


def test_the_account_says_who_takes_what() -> None:
    told = str(queue({"P0": 7.0, "P1": 3.0, "P2": 0.0, "P3": 0.0}))
    assert "where all 4 are free, taken by P0 70 %, P1 30 %" in told
    assert "taken by" not in str(queue({}))


# -- learned from choices ----------------------------------------------------------------------------------------------


def choices(n: int, rates: np.ndarray, seed: int, *, longest: bool = False) -> Chosen:
    """Choices among people who are each free half of the time: by preference (kinds, people), or the longest idle."""
    rng = np.random.default_rng(seed)
    kinds, people = rates.shape
    activity = rng.integers(0, kinds, n)
    free = rng.random((n, people)) < 0.5
    free[np.arange(n), rng.integers(0, people, n)] = True
    idle = rng.random((n, people))
    chance = np.where(free, idle if longest else rates[activity] / rng.exponential(size=(n, people)), 0)
    return Chosen(person=chance.argmax(axis=1), activity=activity, free=free, idle=idle)


def test_known_preferences_are_recovered_within_their_errors() -> None:
    rates = np.array([[3.0, 1.0, 0.5, 0.5], [0.4, 1.0, 2.2, 0.4]])
    inside, ratios = [], []
    for seed in range(30):
        found = estimate_preferences(choices(800, rates, seed))
        assert found is not None
        assert found.foretold > found.otherwise
        for kind, one in found.of_activity.items():
            true = rates[kind] / rates[kind].mean()
            ratios.append(one.value / true)
            inside.append(np.abs(np.log(one.value / true)) < 1.96 * one.error)
    assert np.median(ratios) == pytest.approx(1, abs=0.05)
    assert 0.9 <= np.mean(inside) <= 1


@pytest.mark.parametrize("longest", [False, True])
def test_where_nobody_prefers_anything_nothing_is_chosen(longest: bool) -> None:
    found = [estimate_preferences(choices(400, np.ones((3, 6)), seed, longest=longest)) for seed in range(100)]
    assert sum(one is not None for one in found) <= 5


def test_few_choices_say_nothing() -> None:
    rates = np.array([[50.0, 1.0, 1.0]])
    assert estimate_preferences(choices(30, rates, 1)) is None
    alone = replace(choices(400, rates, 1), free=np.eye(3, dtype=np.bool_)[choices(400, rates, 1).person])
    assert estimate_preferences(alone) is None


# -- learned from logs -------------------------------------------------------------------------------------------------


def office(preferences: dict[str, dict[str, float]]) -> SimulationModel:
    activities: dict[str, dict[str, Any]] = {
        "Text": {"role": "Writer", "duration": exponential(1.0), "next": "Check"},
        "Check": {"role": "Writer", "duration": exponential(0.6), "next": [[{"to": None}]]},
    }
    for name, of in preferences.items():
        activities[name]["people"] = {who: {"preference": value} for who, value in of.items()}
    return SimulationModel.from_dict(
        {
            "name": "texts",
            "start": "2024-01-08",
            "office": "office",
            "calendars": {"office": {"weekly": OFFICE}},
            "people": [{"name": f"W{n}", "roles": ["Writer"], "calendar": "office"} for n in range(4)],
            "activities": activities,
            "begin": "Text",
            "arrivals": {"weekly": {"Mon-Fri": {"09:00-18:00": 0.7}}},
        }
    )


def test_calibration_learns_who_takes_what() -> None:
    truth = {"Text": {"W0": 2.0, "W1": 1.2, "W2": 0.5, "W3": 0.3}, "Check": {"W0": 0.3, "W3": 1.7}}
    log = replace(simulate(office(truth), weeks=60, seed=3), calendar=None)
    model = calibrate(log)
    assert any("some people take work more readily" in note for note in model.notes)
    assert SimulationModel.from_dict(model.to_dict()) == model
    for name, of in truth.items():
        people, evidence = model.activities[name].people, model.activities[name].evidence
        assert evidence is not None
        for who in ("W0", "W1", "W2", "W3"):
            value = people[who].preference if who in people else 1.0
            assert abs(np.log(value / of.get(who, 1.0))) < 4 * evidence.preference[who] + 0.1, (name, who)
    again = simulate(model, weeks=60, seed=4)
    for name in truth:
        assert shares(again, name) == pytest.approx(shares(log, name), abs=0.05)
    found = [drawn(model, number, of=DRAWS).activities["Text"].people["W0"].preference for number in range(DRAWS)]
    own = model.activities["Text"]
    assert own.evidence is not None
    assert np.std(np.log(found)) == pytest.approx(own.evidence.preference["W0"], rel=0.3)


def test_departments_where_the_longest_idle_takes_the_work_show_no_preferences() -> None:
    models = [calibrate(simulate(department(seed), weeks=26, seed=seed)) for seed in range(2)]
    assert not any(
        habit.preference != 1 for one in models for a in one.activities.values() for habit in a.people.values()
    )

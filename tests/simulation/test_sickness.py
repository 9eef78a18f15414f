from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from mkmine.errors import DataError
from mkmine.simulation import Scenario, SimulationModel, experiment, simulate
from mkmine.simulation.model.arrivals import midnight
from mkmine.simulation.model.sickness import with_sickness
from mkmine.streams import Streams

ILL = {"per_year": 6, "days": {1: 0.5, 5: 0.3, 14: 0.2}}


def ill(values: dict[str, Any], **more: Any) -> SimulationModel:
    return SimulationModel.from_dict(values | {"sickness": ILL} | more)


def drawn(model: SimulationModel, replication: int = 0) -> dict[str, list[tuple[date, date]]]:
    last = midnight(date(2035, 1, 1), model.time_zone)
    people = with_sickness(model, Streams(7, replication=replication), last).people
    return {one.name: one.absences for one in people}


def test_spells_come_as_often_and_last_as_long_as_is_said(values: dict[str, Any]) -> None:
    spells = [spell for number in range(40) for spell in drawn(ill(values), number)["Ann"]]
    lengths = [(last - first).days + 1 for first, last in spells]
    share = {days: lengths.count(days) / len(lengths) for days in (1, 5, 14)}
    assert share == pytest.approx({1: 0.5, 5: 0.3, 14: 0.2}, abs=0.03)
    # Twelve years, 40 times; a spell of 4.8 days on average ends a presence of 365.25 / 6.
    assert len(spells) == pytest.approx(40 * 11.97 * 365.25 / (365.25 / 6 + 4.8), rel=0.05)


def test_each_person_has_days_of_their_own_that_scenarios_leave_alone(values: dict[str, Any]) -> None:
    model = ill(values)
    before, after = drawn(model), drawn(Scenario("more").staff("Designer", 1).apply(model))
    assert before["Ann"] != before["Bob"]
    assert {name: after[name] for name in before} == before
    assert after["Designer +1"]
    assert drawn(model, 1)["Ann"] != before["Ann"]
    # Planned absences stay.
    assert before["Dan"][0] == (date(2025, 3, 3), date(2025, 3, 14))


def test_both_engines_see_the_same_days_and_nobody_begins_work_when_ill(values: dict[str, Any]) -> None:
    model = ill(values)
    log = simulate(model, weeks=40, engine="simpy")
    assert log.to_pandas().equals(simulate(model, weeks=40, engine="kernel").to_pandas())
    last = int(log.start.max())
    for number, person in enumerate(with_sickness(model, Streams(7), last).people):
        begun = log.start[log.resource == number]
        assert model.calendar(person.calendar, person.absences).is_open(begun).all()
    assert not log.to_pandas().equals(simulate(SimulationModel.from_dict(values), weeks=40).to_pandas())


def test_a_person_may_have_their_own(values: dict[str, Any]) -> None:
    values["people"][0]["sickness"] = {"per_year": 0, "days": {1: 1}}
    found = drawn(ill(values))
    assert found["Ann"] == []
    assert found["Bob"]
    model = ill(values)
    assert SimulationModel.from_dict(model.to_dict()) == model


def test_less_sickness_is_a_scenario(values: dict[str, Any]) -> None:
    model = ill(values)
    well = Scenario("nobody is ill").sickness(factor=0)
    assert all(spells == [] for name, spells in drawn(well.apply(model)).items() if name != "Dan")
    half = Scenario("writers").sickness(factor=0.5, role="Writer").apply(model)
    assert [one.sickness and one.sickness.per_year for one in half.people] == [None, 3, 3, None]
    assert Scenario.from_dict(well.to_dict()) == well
    found = experiment(model, [well], replications=5, weeks=20, warm_up_weeks=8)
    assert found.answer(well.name)["difference"] < 0
    with pytest.raises(DataError, match="knows of no sickness"):
        well.apply(SimulationModel.from_dict(values))


def test_mistakes_are_told(values: dict[str, Any]) -> None:
    for days, said in (({1: 0.5}, "add up to 0.5"), ({}, "at least 1"), ({0: 1}, "greater than or equal to 1")):
        with pytest.raises(DataError, match=said):
            SimulationModel.from_dict(values | {"sickness": {"per_year": 1, "days": days}})

"""A case that goes on while its work is still in hand, and delays by the activity before."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mkmine.calendars import HOUR
from mkmine.errors import DataError
from mkmine.language import translator
from mkmine.report.retelling import retell
from mkmine.simulation import Scenario, SimulationModel, calibrate, simulate
from mkmine.simulation.calibration.calibration import NOTE_NOT_HELD
from mkmine.simulation.engine.offers import offered_times
from mkmine.simulation.engine.underway import work_in_progress
from mkmine.streams import Streams


def hours(value: float) -> dict[str, Any]:
    return {"kind": "fixed", "hours": value}


def values(people: int = 3) -> dict[str, Any]:
    to = [("B", True, 1.0)], [("C", False, 0.75), ("B", True, 0.25)], [(None, False, 1.0)]
    activities: dict[str, Any] = {
        name: {
            "role": "All",
            "duration": [hours(length)],
            "next": [[{"to": t, "overlap": o, "probability": p} for t, o, p in ways]],
        }
        for name, length, ways in zip("ABC", (5.0, 1.0, 1.0), to, strict=True)
    }
    activities["B"]["delay"] = hours(0)
    activities["B"]["waits"] = [{"before": "A", "overlap": True, "delay": [hours(1)]}]
    activities["C"] |= {"delay": hours(3), "waits": [{"before": "B", "delay": [hours(0.5)]}]}
    return {
        "name": "beside",
        "start": "2025-01-06",
        "office": "always",
        "calendars": {"always": {"weekly": {"Mon-Sun": "00:00-24:00"}}},
        "people": [{"name": f"P{n}", "roles": ["All"], "calendar": "always"} for n in range(people)],
        "activities": activities,
        "begin": [{"to": "A", "probability": 1}],
        "arrivals": {"weekly": [[0.02] * 24] * 7},
    }


def test_what_begins_early_and_what_waits_for_everything() -> None:
    model = SimulationModel.from_dict(values(people=30))
    log = simulate(model, cases=300, seed=2)
    names = np.array(log.activities)[log.activity]
    begin = np.repeat(log.start[log.offsets[:-1]], np.diff(log.offsets))
    assert set((log.start - begin)[names == "B"][log.round[names == "B"] == 1]) == {HOUR}
    # B may be done again as soon as it has begun, at once; C waits for A, which takes longest, and half an hour more.
    assert set((log.start - begin)[names == "C"]) == {5 * HOUR + HOUR // 2}
    again = log.round[names == "B"] == 2
    assert 0.15 < again.sum() / 300 < 0.35
    assert set((log.start - begin)[names == "B"][again]) == {HOUR}
    assert log.completed.all()


def test_with_one_pair_of_hands_nothing_overlaps() -> None:
    log = simulate(SimulationModel.from_dict(values(people=1)), cases=50, seed=2)
    order = np.argsort(log.start, kind="stable")
    assert (log.start[order][1:] >= log.end[order][:-1]).all()
    assert log.completed.all()


def test_offers_are_told_from_the_log() -> None:
    model = SimulationModel.from_dict(values(people=2))
    log = simulate(model, cases=100, seed=4)
    assert log.enabled is not None
    delay = (offered_times(log, model, Streams(4)) - log.enabled) / HOUR
    names = np.array(log.activities)[log.activity]
    assert set(delay[(names == "B") & (log.round == 1)]) == {1.0}
    assert set(delay[names == "C"]) == {0.5}


def test_that_nothing_is_learned_of_batches_is_told() -> None:
    spread = values(people=30)
    for name, mean in zip("ABC", (5.0, 2.0, 1.0), strict=True):
        spread["activities"][name]["duration"] = [{"kind": "lognormal", "mean": mean, "cv": 0.7}]
    # Nobody recorded since when work could be taken.
    log = replace(simulate(SimulationModel.from_dict(spread), cases=200, seed=2), enabled=None)
    model = calibrate(log)
    assert model.overlapping
    assert NOTE_NOT_HELD in model.notes
    assert "ни партии, ни пределы" in retell(NOTE_NOT_HELD, translator("ru"))
    orderly = simulate(SimulationModel.from_dict(values(people=1)), cases=50, seed=2)
    assert NOTE_NOT_HELD not in calibrate(orderly).notes


def test_scenarios_keep_it() -> None:
    model = SimulationModel.from_dict(values())
    longer = Scenario("slow").delay("B", factor=2).apply(model)
    assert longer.activities["B"].waits[0].delay[0].mean_h == 2
    without = Scenario("no C").remove("C").apply(model)
    assert without.overlapping
    assert simulate(without, cases=20).completed.all()
    assert Scenario("no A").remove("A").apply(model).activities["B"].waits == []


def test_cases_in_progress_go_on() -> None:
    model = SimulationModel.from_dict(values())
    log = simulate(model, cases=60, seed=3)
    begun = work_in_progress(log, int(log.start[log.offsets[20]]) + 2 * HOUR)
    assert begun.cases
    again = simulate(model, cases=20, seed=5, arrivals=log.start[log.offsets[:-1]][30:50], in_progress=begun)
    assert again.completed.all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"delay": None}, "waits: they need a role, and a delay for all other ways"),
        ({"waits": [{"before": "D", "delay": [{"kind": "fixed", "hours": 1}]}]}, 'unknown name "D"'),
        ({"wip_limit": 3}, "overlap cannot be combined"),
        ({"next": [[{"to": None, "overlap": True, "probability": 1}]]}, "has to lead to an activity"),
    ],
)
def test_what_cannot_be_is_refused(change: dict[str, Any], message: str) -> None:
    wrong = values()
    wrong["activities"]["B"] |= change
    with pytest.raises(DataError, match=message):
        SimulationModel.from_dict(wrong)

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mkmine.simulation import SimulationModel, simulate
from mkmine.simulation.experiments.course import longest_course

WEEK = {"Mon-Fri": {"09:00-17:00": 1}}


def model_of(activities: dict[str, Any]) -> SimulationModel:
    return SimulationModel.from_dict(
        {
            "name": "course",
            "start": "2024-01-08",
            "office": "office",
            "calendars": {"office": {"weekly": {"Mon-Sun": "00:00-24:00"}}},
            "activities": {
                name: {"duration": {"kind": "fixed", "hours": 1}, **one} for name, one in activities.items()
            },
            "begin": "A",
            "arrivals": {"weekly": WEEK},
        }
    )


def routes(**ways: float) -> list[dict[str, Any]]:
    return [{"to": None if name == "end" else name, "probability": share} for name, share in ways.items()]


def test_a_straight_course_has_its_activities() -> None:
    assert longest_course(model_of({"A": {"next": "B"}, "B": {"next": [routes(end=1)]}})) == pytest.approx(2)


def test_a_loop_takes_as_long_as_it_is_hard_to_leave() -> None:
    model = model_of({"A": {"next": "B"}, "B": {"next": [routes(A=0.9, end=0.1)]}})
    assert longest_course(model) == pytest.approx(2 / 0.1)


def test_the_last_round_decides() -> None:
    model = model_of({"A": {"next": [routes(A=0.9, end=0.1), routes(A=0.2, end=0.8)]}})
    assert longest_course(model) == pytest.approx(1 / 0.8)


def test_contexts_are_followed() -> None:
    contexts = [{"before": ["A"], "next": routes(A=0.5, end=0.5)}]
    model = model_of({"A": {"next": "B"}, "B": {"next": [routes(A=0.99, end=0.01)], "contexts": contexts}})
    # From A: B comes after A, and every other time that is the end.
    log = simulate(model, weeks=50, seed=1)
    steps = np.diff(log.offsets)
    assert steps.mean() == pytest.approx(4, rel=0.1)
    assert longest_course(model) == pytest.approx(0.99 * 4 + 1)


def test_branches_that_go_round_count_by_how_often_they_do() -> None:
    values = model_of({name: {"next": [routes(end=1)]} for name in "ABC"}).to_dict()
    for name, to in (("A", "split"), ("B", "join"), ("C", "join")):
        values["activities"][name]["next"][0][0]["to"] = to
    back = [{"to": "split", "probability": 0.75, "rework": True}, {"to": None, "probability": 0.25}]
    values["gateways"] = {
        "split": {"kind": "and", "to": ["B", "C"]},
        "join": {"kind": "join", "of": "split", "to": "again"},
        "again": {"kind": "xor", "next": back},
    }
    model = SimulationModel.from_dict(values)
    assert longest_course(model) == pytest.approx(1 / 0.25)
    log = simulate(model, weeks=50, seed=1)
    assert np.mean(log.activity == 1) * len(log) / log.n_cases == pytest.approx(4, rel=0.1)
    # Where one branch may end the others, their number is not known beforehand.
    values["gateways"]["again"]["next"] = [[back[0], back[1] | {"terminate": True}]]
    assert np.isnan(longest_course(SimulationModel.from_dict(values)))

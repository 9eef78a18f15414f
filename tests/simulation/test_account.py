from __future__ import annotations

from typing import Any

import pytest

from mkmine.simulation import SimulationModel

from .conftest import article_values


def line(model: SimulationModel, activity: str) -> str:
    return next(one for one in str(model).splitlines() if one.startswith(f"  {activity}:"))


def changed(**activity: Any) -> SimulationModel:
    values = article_values()
    values["activities"]["Approval"] |= activity
    return SimulationModel.from_dict(values)


def test_who_is_there_when_is_told_in_words() -> None:
    values = article_values()
    values["calendars"]["mornings"] = {"weekly": {"Tue": "14:00-17:00", "Thu": "14:00-17:00"}}
    for person in values["people"]:
        if "Approver" in person["roles"]:
            person["calendar"] = "mornings"
    told = line(SimulationModel.from_dict(values), "Approval")
    assert "part-time Approver (Tue 14:00-17:00; Thu 14:00-17:00)" in told


def test_what_was_estimated_says_how_certain_it_is() -> None:
    routes = [[{"to": "Text", "probability": 0.58, "rework": True}, {"to": None, "probability": 0.42}]]
    certain = changed(next=routes, contexts=[])
    assert line(certain, "Approval").endswith("round 1 returns 58 %")
    estimated = changed(next=routes, contexts=[], evidence={"routes": [600]})
    assert line(estimated, "Approval").endswith("round 1 returns 58 % ± 4 %")
    always = [[{"to": "Text", "probability": 1.0, "rework": True}], routes[0]]
    few = changed(next=always, contexts=[], evidence={"routes": [10, 600]})
    assert "round 1 returns 100 % ± 18 %; round 2 returns 58 % ± 4 %" in line(few, "Approval")


@pytest.mark.parametrize(
    ("variation", "words"), [(0.0, "a week, like clockwork"), (1.0, "a week\n"), (1.6, "in bursts")]
)
def test_how_regularly_cases_come(variation: float, words: str) -> None:
    values = article_values()
    values["arrivals"]["gap_cv"] = variation
    assert words in str(SimulationModel.from_dict(values))


def test_a_model_without_people_can_be_told_and_saved(tmp_path: Any) -> None:
    values: dict[str, Any] = {
        "name": "waits",
        "start": "2025-01-06",
        "office": "always",
        "calendars": {"always": {"weekly": {"Mon-Sun": "00:00-24:00"}}},
        "activities": {
            "Wait": {"duration": [{"kind": "fixed", "hours": 2}], "next": [[{"to": None, "probability": 1}]]}
        },
        "begin": [{"to": "Wait", "probability": 1}],
        "arrivals": {"weekly": [[0.1] * 24] * 7},
    }
    model = SimulationModel.from_dict(values)
    assert line(model, "Wait") == "  Wait: outside; 2.0 h"
    assert SimulationModel.load(model.save(tmp_path / "waits.yaml")) == model

"""A past change, predicted from what was known before it, beside what came of it."""

from __future__ import annotations

import json
from datetime import date, timedelta

import numpy as np
import pytest

from mkmine.calendars import DAY, from_us
from mkmine.errors import DataError
from mkmine.eventlog import EventLog
from mkmine.rollout import Hindsight, hindsight
from mkmine.simulation import Scenario, SimulationModel, simulate
from mkmine.simulation.model.arrivals import arrival_times, midnight
from mkmine.streams import Streams

WEEKS = 24
MODEL = {
    "name": "desk",
    "time_zone": "UTC",
    "start": "2025-01-06",
    "office": "office",
    "calendars": {"office": {"weekly": {"Mon-Fri": "09:00-17:00"}}},
    "people": [{"name": name, "roles": ["Clerk"], "calendar": "office"} for name in ("Ann", "Bob")],
    "activities": {
        "Check": {
            "role": "Clerk",
            "duration": {"kind": "gamma", "mean": 1.5, "cv": 0.8},
            "next": [[{"to": "Decide", "probability": 1}]],
        },
        "Decide": {
            "role": "Clerk",
            "duration": {"kind": "gamma", "mean": 1.5, "cv": 0.8},
            "next": [[{"to": None, "probability": 1}]],
        },
    },
    "begin": [{"to": "Check", "probability": 1}],
    "arrivals": {"weekly": [[0] * 9 + [0.36] * 8 + [0] * 7] * 5 + [[0] * 24] * 2},
}


@pytest.fixture(scope="module")
def model() -> SimulationModel:
    return SimulationModel.from_dict(MODEL)


@pytest.fixture(scope="module")
def change(model: SimulationModel) -> date:
    return model.start + timedelta(weeks=WEEKS)


@pytest.fixture(scope="module")
def log(model: SimulationModel, change: date) -> EventLog:
    """Cases of which a third more come from one day on; the staff stays."""
    more = Scenario("more").arrivals(factor=1.33).apply(model)
    at = midnight(change, "UTC")
    usual, many = (arrival_times(one, Streams(3), weeks=2 * WEEKS) for one in (model, more))
    return simulate(model, seed=3, arrivals=np.concatenate((usual[usual < at], many[many >= at])))


@pytest.fixture(scope="module")
def found(log: EventLog, change: date) -> Hindsight:
    return hindsight(log, change, replications=8)


def test_the_observed_demand_is_what_the_model_is_told(found: Hindsight) -> None:
    assert found.demand == pytest.approx(1.33, rel=0.15)
    assert [one["do"] for one in found.scenario.changes] == ["arrivals"]
    assert found.staff["change"].tolist() == [0]
    assert found.staff["before"][0] == pytest.approx(2, abs=0.2)


def test_more_work_for_the_same_people_takes_longer_as_predicted(found: Hindsight) -> None:
    row = found.to_pandas().set_index("kpi").loc["cycle_mean_h"]
    assert row["predicted_difference"] > 0
    assert row["difference"] > 0
    assert row["predicted_low"] <= row["high"]
    assert row["low"] <= row["predicted_high"]
    assert found.effect.verdict != "did not come true"


def test_what_was_decided_is_told_by_the_caller(log: EventLog, change: date, found: Hindsight) -> None:
    told = hindsight(log, change, scenario=Scenario("checks dropped").duration("Check", factor=0.2), replications=8)
    assert [one["do"] for one in told.scenario.changes] == ["arrivals", "duration"]
    both = [one.to_pandas().set_index("kpi").loc["cycle_mean_h", "predicted_difference"] for one in (told, found)]
    assert both[0] < both[1]


def test_it_shows_itself(found: Hindsight) -> None:
    assert repr(found).startswith(f"Hindsight on {found.effect.change} in desk: arrivals × {found.demand:.2f}")
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False, default=str))["demand"] == found.demand
    assert str(found.effect.verdict) in found._repr_html_()


def test_too_little_to_learn_from_is_refused(log: EventLog) -> None:
    early = from_us(int(log.observed[0]) + 10 * DAY, "UTC").date()
    with pytest.raises(DataError, match="whole weeks"):
        hindsight(log, early)

"""Calibration finds how work is taken up in worlds where that is known, and explains no waiting twice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mkmine.calendars import HOUR
from mkmine.eventlog import EventLog
from mkmine.eventlog.enablement import enabled_times
from mkmine.simulation import SimulationModel, calibrate, simulate
from mkmine.simulation.experiments.uncertainty import drawn, uncertain

from .conftest import OFFICE


def hours(mean: float) -> dict[str, Any]:
    return {"kind": "lognormal", "mean": mean, "cv": 0.6}


def world(changed: dict[str, dict[str, Any]] | None = None, **values: Any) -> SimulationModel:
    """Two writers write and check at a load of 0.85, three designers draw in between."""
    activities: dict[str, dict[str, Any]] = {
        "Request": {"duration": 0, "next": "Text"},
        "Text": {"role": "Writer", "duration": hours(1.6), "next": "Design"},
        "Design": {"role": "Designer", "duration": hours(1.5), "next": "Check"},
        "Check": {"role": "Writer", "duration": hours(0.7), "next": [[{"to": None}]]},
    }
    for name, change in (changed or {}).items():
        activities[name] |= change
    people = [{"name": f"W{n}", "roles": ["Writer"], "calendar": "office"} for n in range(2)]
    people += [{"name": f"D{n}", "roles": ["Designer"], "calendar": "office"} for n in range(3)]
    return SimulationModel.from_dict(
        {
            "name": "texts",
            "start": "2024-01-08",
            "office": "office",
            "calendars": {"office": {"weekly": OFFICE}, "Thursday": {"weekly": {"Thu": "14:00-15:00"}}},
            "people": people,
            "activities": activities,
            "begin": "Request",
            "arrivals": {"weekly": {"Mon-Fri": {"09:00-18:00": 0.6}}},
        }
        | values
    )


def seen(model: SimulationModel, *, weeks: int = 40, seed: int = 3) -> EventLog:
    # An observer does not know the office calendar.
    return replace(simulate(model, weeks=weeks, seed=seed), calendar=None)


def waited(log: EventLog, activity: str) -> float:
    mine = log.activity == log.activities.index(activity)
    return float((log.start - enabled_times(log))[mine].mean() / HOUR)


@pytest.mark.parametrize(
    ("batch", "size", "after"),
    [
        ({"size": 5, "hours": 200}, 5, None),
        ({"hours": 8}, None, 8),
        ({"size": 3, "hours": 200, "together": True}, 3, None),
    ],
    ids=["five", "eight hours", "three together"],
)
def test_batches_are_found_and_their_waiting_is_explained_once(
    batch: dict[str, Any], size: int | None, after: float | None
) -> None:
    log = seen(world({"Design": {"batch": batch, "duration": hours(1)}}))
    found = calibrate(log)
    design = found.activities["Design"]
    assert design.batch is not None
    assert design.batch.size == size
    assert after is None or design.batch.hours == pytest.approx(after, abs=0.2)
    assert design.batch.together == batch.get("together", False)
    assert design.delay is None or design.delay.mean_h < 0.3
    replayed = np.mean([waited(simulate(found, seed=5, replication=n), "Design") for n in range(3)])
    assert replayed == pytest.approx(waited(log, "Design"), rel=0.12)
    assert all(one.batch is None for name, one in found.activities.items() if name != "Design")
    assert any(note.startswith("Design: work is collected") for note in found.notes)


def test_a_day_of_the_week() -> None:
    changed = {"Design": {"batch": {"calendar": "Thursday"}, "duration": hours(0.6), "role": "Writer"}}
    log = seen(world(changed, arrivals={"weekly": {"Mon-Fri": {"09:00-18:00": 0.45}}}), weeks=60)
    batch = calibrate(log).activities["Design"].batch
    assert batch is not None
    assert batch.calendar == "batch Design"


def test_a_limit_is_found_and_its_waiting_is_explained_once() -> None:
    log = seen(world({"Design": {"wip_limit": 1, "duration": hours(1.2)}}))
    found = calibrate(log)
    design = found.activities["Design"]
    assert design.wip_limit == 1
    assert design.delay is None or design.delay.mean_h < 0.3
    runs = [simulate(found, seed=5, replication=n) for n in range(4)]
    again = [
        waited(seen(world({"Design": {"wip_limit": 1, "duration": hours(1.2)}}), seed=n), "Design") for n in (6, 7)
    ]
    low, high = min(*again, waited(log, "Design")), max(*again, waited(log, "Design"))
    assert 0.6 * low < float(np.mean([waited(run, "Design") for run in runs])) < 1.6 * high


def test_a_limit_of_the_process() -> None:
    found = calibrate(seen(world(wip_limit=8)))
    assert found.wip_limit == 8
    assert found.activities["Request"].duration[0].mean_h < 0.05, "waiting at the door is no work"


@pytest.mark.parametrize(
    "values",
    [
        {"queue": "lifo"},
        {"queue": "deadline", "due": hours(80)},
        {"queue": "priority", "case_types": {"urgent": {"share": 0.3, "priority": -1}, "normal": {"share": 0.7}}},
    ],
    ids=["lifo", "deadline", "types"],
)
def test_the_order_is_found(values: dict[str, Any]) -> None:
    found = calibrate(seen(world(**values)))
    assert found.queue == values["queue"]
    assert found.choices["Writer"].explained > 0.95
    if "case_types" in values:
        assert found.case_types["urgent"].priority < found.case_types["normal"].priority
        assert found.case_types["urgent"].share == pytest.approx(0.3, abs=0.05)
    if "due" in values:
        assert found.due is not None
        assert found.due.mean_h == pytest.approx(80, rel=0.2)


def test_priorities_of_activities() -> None:
    found = calibrate(seen(world({"Check": {"priority": -5}}, queue="priority")))
    assert found.queue == "priority"
    assert found.activities["Check"].priority < found.activities["Text"].priority
    assert SimulationModel.from_dict(found.to_dict()) == found


@pytest.mark.parametrize("key", ["same_person_as", "other_person_than"])
def test_hands(key: str) -> None:
    found = calibrate(seen(world({"Check": {key: "Text"}})))
    assert getattr(found.activities["Check"], key) == "Text"
    assert all(getattr(one, key) is None for name, one in found.activities.items() if name != "Check")


def test_nothing_is_found_where_there_is_nothing_and_it_is_the_same_again() -> None:
    log = seen(world({"Design": {"delay": {"kind": "exponential", "mean": 10}, "calendar": "office"}}))
    found = calibrate(log)
    for one in found.activities.values():
        assert one.batch is None
        assert one.wip_limit is None
        assert one.same_person_as is None
        assert one.other_person_than is None
    assert found.queue == "fifo"
    assert found.wip_limit is None
    assert found.to_yaml() == calibrate(log).to_yaml()
    assert "Writer takes the oldest first: 100 ± 0 %" in repr(found)


def test_logs_that_cannot_tell() -> None:
    log = seen(world({"Design": {"batch": {"size": 5, "hours": 200}}}))
    completions = replace(log, start=log.end, enabled=None, timestamps="completed")
    nobody = replace(log, resource=np.full(len(log), -1, dtype=np.int32), resources=())
    for one in (completions, nobody):
        found = calibrate(one)
        assert found.queue == "fifo"
        assert not found.choices
        assert all(activity.batch is None for activity in found.activities.values())


def test_an_order_in_doubt_is_drawn() -> None:
    model = world(queue_doubt={"fifo": 0.75, "lifo": 0.25})
    assert uncertain(model)
    drawn_orders = [drawn(model, number, of=20).queue for number in range(20)]
    assert drawn_orders.count("lifo") == 5
    assert {drawn(world(), number, of=5).queue for number in range(5)} == {"fifo"}

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mkmine.calendars import DAY, HOUR
from mkmine.errors import DataError, UnknownNameError
from mkmine.eventlog import EventLog
from mkmine.eventlog.observation import as_observed
from mkmine.simulation import SimulationModel, simulate
from mkmine.simulation.engine.underway import Underway, WorkInProgress, remaining, work_in_progress
from mkmine.simulation.model.arrivals import arrival_times
from mkmine.simulation.model.distributions import Exponential, Fixed
from mkmine.streams import Streams

from .conftest import article_values, exponential, single_queue


def continued(model: SimulationModel, log: EventLog, at: int, **options: Any) -> tuple[WorkInProgress, EventLog]:
    found = work_in_progress(log, at)
    times = arrival_times(model, Streams(7), weeks=40)
    return found, simulate(model, arrivals=times[times > at], in_progress=found, **options)


@pytest.fixture(scope="module")
def model() -> SimulationModel:
    return SimulationModel.from_dict(article_values())


@pytest.fixture(scope="module")
def log(model: SimulationModel) -> EventLog:
    return simulate(model, arrivals=arrival_times(model, Streams(7), weeks=40))


def test_what_is_underway_is_told_by_the_log(model: SimulationModel, log: EventLog) -> None:
    at = int(np.median(log.start))
    found = work_in_progress(log, at)
    begin, finish = (np.minimum.reduceat(log.enabled, log.offsets[:-1]), np.maximum.reduceat(log.end, log.offsets[:-1]))
    names = {str(log.case_ids[case]) for case in np.flatnonzero((begin <= at) & (finish > at))}
    assert {one.case for one in found.cases} == names
    assert {one.stage for one in found.cases} >= {"waiting", "working"}
    cut = as_observed(log, (int(begin.min()), at))
    assert {one.case for one in work_in_progress(cut).cases} == names


def test_it_goes_on_from_there(model: SimulationModel, log: EventLog) -> None:
    at = int(np.median(log.start)) + 7 * HOUR
    found, later = continued(model, log, at)
    assert later.case_ids[-len(found.cases) :].tolist() == [one.case for one in found.cases]
    assert later.completed.all()
    for one, case in zip(found.cases, range(later.n_cases - len(found.cases), later.n_cases), strict=True):
        first = int(later.offsets[case])
        assert later.activities[later.activity[first]] == one.activity
        assert later.enabled[first] == one.since
        if one.stage == "working":
            assert later.start[first] == one.started
            assert later.end[first] >= at
            assert one.person is None or later.resources[later.resource[first]] == one.person
        elif one.stage == "waiting":
            assert later.start[first] >= at
    for number in range(len(model.people)):
        rows = np.flatnonzero(later.resource == number)
        rows = rows[np.argsort(later.start[rows], kind="stable")]
        assert (later.start[rows][1:] >= later.end[rows][:-1]).all()
    again = continued(model, log, at)[1]
    assert again.content_hash == later.content_hash
    twin = continued(model, log, at, engine="kernel")[1]
    assert "compiled" in twin.history[0].detail
    assert twin.content_hash == later.content_hash


def test_the_new_cases_draw_as_they_would_without_it(model: SimulationModel, log: EventLog) -> None:
    at = int(np.median(log.start))
    times = arrival_times(model, Streams(7), weeks=40)
    alone = simulate(model, arrivals=times[times > at])
    together = continued(model, log, at)[1]
    rows = slice(0, int(alone.offsets[-1]))
    assert np.array_equal(alone.activity, together.activity[rows])
    assert not np.array_equal(alone.start, together.start[rows])


def test_a_queue_begins_as_long_as_it_was() -> None:
    """Of an overloaded queue, the waits of the first new cases are as long as those before them, not none."""
    busy = single_queue(rate=1.5, servers=1, service=exponential(1))
    whole = simulate(busy, cases=600)
    at = int(whole.enabled[400])
    times = arrival_times(busy, Streams(7), cases=600)
    found = work_in_progress(whole, at)
    later = simulate(busy, arrivals=times[times > at], in_progress=found)
    assert (later.start - later.enabled)[0] / HOUR > 50
    assert len(found.cases) > 100


def test_what_is_left_follows_its_conditional_distribution() -> None:
    draws = np.linspace(0.01, 0.99, 50)
    spread = Exponential(mean=2.0)
    assert [remaining(spread, 3.0, u) for u in draws] == pytest.approx(spread.ppf(draws).tolist(), rel=1e-6)
    assert remaining(Fixed(hours=4), 1.0, 0.5) == 3.0
    assert remaining(Fixed(hours=4), 9.0, 0.5) == 0.0


def test_what_cannot_be_gone_on_with_is_told(model: SimulationModel, log: EventLog) -> None:
    found = work_in_progress(log, int(np.median(log.start)))
    values = article_values()
    values["gateways"] = {"Fork": {"kind": "and", "to": ["Design", "Publication"]}}
    for routes in values["activities"]["Approval"]["next"]:
        routes[1]["to"] = "Fork"
    values["activities"]["Design"]["next"] = [[{"to": None, "probability": 1}]]
    with pytest.raises(DataError, match="the simulation has to begin empty"):
        simulate(SimulationModel.from_dict(values), cases=5, in_progress=found)
    other = single_queue(rate=1, servers=1, service=exponential(1))
    with pytest.raises(UnknownNameError, match=r"unknown activity .* in the work in progress, case"):
        simulate(other, cases=5, in_progress=found)
    assert work_in_progress(log, int(log.end.max()) + DAY).cases == ()


@pytest.mark.parametrize("engine", ["simpy", "kernel"])
def test_work_is_offered_after_what_is_left_of_its_delay(engine: Any) -> None:
    """While somebody is free it cannot have been offered yet; where all are busy it waits in the queue."""
    values = single_queue(rate=1.0, servers=2, service={"kind": "fixed", "hours": 5}).to_dict()
    values["activities"]["Serve"]["delay"] = {"kind": "fixed", "hours": 100}
    model = SimulationModel.from_dict(values)
    at = int(arrival_times(model, Streams(7), weeks=4)[0])
    old = Underway(
        case="old",
        arrived=at - 30 * HOUR,
        activity="Serve",
        stage="waiting",
        since=at - 30 * HOUR,
        started=0,
        rounds={"Serve": 1},
        trace=("Serve",),
    )
    times = np.array([at + 400 * DAY])
    busy = [replace(old, case=name, stage="working", started=at, person=name) for name in ("P0", "P1")]

    def begun(*cases: Underway) -> int:
        log = simulate(model, arrivals=times, in_progress=WorkInProgress(at=at, cases=cases), engine=engine)
        return int(log.start[log.offsets[log.case_ids.tolist().index("old")]])

    assert begun(old) == begun(old, busy[0]) == at + 70 * HOUR
    assert begun(old, *busy) == at + 5 * HOUR

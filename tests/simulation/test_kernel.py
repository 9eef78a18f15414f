"""The compiled engine against the one on SimPy: the same log to the bit, whatever the model says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from typing import Any

import numpy as np
import pytest
import simpy
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mkmine.calendars import HOUR
from mkmine.catalogue.article import article_world
from mkmine.errors import DataError, UnknownNameError
from mkmine.eventlog import EventLog
from mkmine.simulation import SimulationModel, simulate
from mkmine.simulation.engine import draws as draws_module
from mkmine.simulation.engine.engine import Run
from mkmine.simulation.engine.underway import work_in_progress

from .conftest import article_values, exponential, single_queue
from .strategies import models, overlapping_models


def same(one: EventLog, two: EventLog) -> None:
    """Every column of both logs is equal, and so is what their cases are."""
    for name in ("offsets", "activity", "resource", "role", "enabled", "start", "end"):
        assert np.array_equal(getattr(one, name), getattr(two, name)), name
    assert one.content_hash == two.content_hash
    assert one.case_attributes.equals(two.case_attributes)
    assert list(one.attributes) == list(two.attributes)


def both(model: SimulationModel, **options: Any) -> tuple[EventLog, EventLog]:
    plain, twin = simulate(model, engine="simpy", **options), simulate(model, engine="kernel", **options)
    assert plain.history[0].detail + ", compiled" == twin.history[0].detail
    return plain, twin


@settings(max_examples=150)
@given(models(), st.integers(0, 1000))
def test_random_models_give_the_same_log(model: SimulationModel, seed: int) -> None:
    same(*both(model, seed=seed, cases=40))


@settings(max_examples=150)
@given(models(limits=True), st.integers(0, 1000))
def test_random_models_that_hold_work_back_give_the_same_log(model: SimulationModel, seed: int) -> None:
    same(*both(model, seed=seed, cases=60))


@settings(max_examples=80)
@given(overlapping_models(), st.integers(0, 1000))
def test_random_models_whose_cases_go_on_early_give_the_same_log(model: SimulationModel, seed: int) -> None:
    same(*both(model, seed=seed, cases=60))


@settings(max_examples=80)
@given(st.one_of(models(), models(limits=True), overlapping_models()), st.integers(0, 1000), st.floats(0.1, 0.9))
def test_random_models_go_on_alike_from_the_work_in_progress(model: SimulationModel, seed: int, share: float) -> None:
    assume(not any(gateway.kind in ("and", "or") for gateway in model.gateways.values()))
    log = simulate(model, seed=seed, cases=60, engine="simpy")
    at = int(np.quantile(log.start, share))
    found = work_in_progress(log, at)
    times = np.arange(20, dtype=np.int64) * HOUR + at + HOUR
    plain, twin = both(model, seed=seed + 1, arrivals=times, in_progress=found)
    same(plain, twin)
    assert plain.case_ids[20:].tolist() == [one.case for one in found.cases]


def test_what_the_random_models_can_say() -> None:
    """Each feature is met by many of them, so that none is compared by chance alone."""
    met: Counter[str] = Counter()

    @settings(max_examples=200, database=None)
    @given(st.one_of(models(limits=True), overlapping_models()))
    def look(model: SimulationModel) -> None:
        activities = model.activities.values()
        routes = [route for one in activities for ways in one.all_routes for route in ways]
        met.update(name for one in activities for name in ("wip_limit", "other_person_than") if getattr(one, name))
        met.update("together" if one.batch.together else "batch" for one in activities if one.batch)
        met.update(f"patience, {one.patience.to is None}" for one in activities if one.patience)
        met.update(one.at_closing for one in activities)
        met.update("race" for one in activities if any(habit.preference != 1 for habit in one.people.values()))
        met.update(["CONWIP"] * (model.wip_limit is not None) + ["waits"] * any(one.waits for one in activities))
        met.update(name for name in ("terminate", "overlap") if any(getattr(route, name) for route in routes))

    look()
    names = ["wip_limit", "other_person_than", "together", "batch", "patience, True", "patience, False", "wait",
             "finish", "CONWIP", "waits", "terminate", "overlap", "race"]  # fmt: skip
    assert min(met[name] for name in names) >= 3


def with_contexts() -> SimulationModel:
    values = article_values()
    back = {"to": "Text", "probability": 0.7, "rework": True}
    values["activities"]["Approval"]["contexts"] = [
        {"before": ["Brief", "Text"], "round": 1, "next": [back, {"to": "Design", "probability": 0.3}]},
        {"before": ["Approval", "Text"], "round": 2, "next": [{"to": "Design", "probability": 1}]},
        {"before": ["Text"], "round": 2, "next": [{"to": "Text", "probability": 1, "rework": True}]},
    ]
    return SimulationModel.from_dict(values)


MODELS = {
    "article": SimulationModel.from_dict(article_values()),
    "contexts": with_contexts(),
    "world": article_world("light"),
    "overloaded": single_queue(rate=3, servers=2, service=exponential(1)),
    "much rework": single_queue(rate=0.1, servers=1, service=exponential(0.1), rework=0.9),
}


@pytest.mark.parametrize("name", MODELS)
def test_larger_models_give_the_same_log(name: str) -> None:
    same(*both(MODELS[name], seed=3, cases=3_000))


def test_draws_in_blocks_are_those_of_one_vector(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of 64 cases, of which most are dropped during the run, change nothing."""
    model = MODELS["article"]
    whole = simulate(model, cases=1_000, engine="simpy")
    for module in ("draws", "run", "places", "gateways", "workers", "limits", "twin", "kernel.process"):
        loaded = __import__(f"mkmine.simulation.engine.{module}", fromlist=[""])
        for name, value in (("SHIFT", 6), ("BLOCK", 64), ("MASK", 63)):
            if hasattr(loaded, name):
                monkeypatch.setattr(loaded, name, value)
    assert draws_module.BLOCK == 64
    same(whole, simulate(model, cases=1_000, engine="simpy"))
    same(whole, simulate(model, cases=1_000, engine="kernel"))


def test_calendars_that_were_compiled_too_short_are_extended() -> None:
    values = single_queue(rate=0.8, servers=1, service={"kind": "fixed", "hours": 100}).to_dict()
    values["calendars"]["always"]["weekly"] = {"Tue": "10:00-20:00"}
    same(*both(SimulationModel.from_dict(values), cases=30))


def test_what_it_cannot_do_is_done_by_simpy_and_said() -> None:
    seen = []

    def watch(run: Run) -> Generator[simpy.Event, Any, None]:
        seen.append(run.env.now)
        yield run.env.timeout(1)

    log = simulate(MODELS["article"], cases=30, engine="kernel", processes=[watch])
    assert "on SimPy for its processes" in log.history[0].detail
    assert seen
    same(log, simulate(MODELS["article"], cases=30, engine="kernel"))


def test_mistakes_are_those_of_the_other_engine() -> None:
    with pytest.raises(DataError, match='a case executes "Serve" more than 1,000 times'):
        simulate(single_queue(rate=0.8, servers=1, service=exponential(0.1), rework=0.9985), cases=30, engine="kernel")
    with pytest.raises(UnknownNameError, match='unknown engine "simpi"; did you mean "simpy"'):
        simulate(MODELS["article"], cases=2, engine="simpi")  # type: ignore[arg-type]
    values = single_queue(rate=0.8, servers=1, service={"kind": "fixed", "hours": 100_000}).to_dict()
    values["calendars"]["always"]["weekly"] = {"Tue": "10:00-10:30"}
    with pytest.raises(DataError, match="past the year 2190"):
        simulate(SimulationModel.from_dict(values), cases=2, engine="kernel")

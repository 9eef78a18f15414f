"""What is work where only completions are known: two readings, and draws that hold the truth between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from mkmine.catalogue.departments import department
from mkmine.discovery.pools import find_pools
from mkmine.eventlog import EventLog
from mkmine.performance.availability import estimate_presence
from mkmine.simulation import calibrate, simulate
from mkmine.simulation.calibration.estimators.completions import known_between, split_completions
from mkmine.simulation.experiments.uncertainty import drawn
from mkmine.simulation.model.evidence import Known, Range


def test_work_lies_between_two_readings(make_log: Callable[..., EventLog]) -> None:
    rng = np.random.default_rng(1)
    rows, moment = [], 0.0
    for case in range(120):
        moment += float(rng.choice([0.5, 3.0]))
        rows += [(f"{case}", "A", moment, moment, "Ann"), (f"{case}", "B", moment + 2.0, moment + 2.0, "Bob")]
    log = replace(make_log(rows), timestamps="completed")
    ready = np.where(np.arange(len(log)) % 2 == 1, np.roll(log.end, 1), log.end)
    found = split_completions(log, ready, estimate_presence(log, find_pools(log)), np.ones(len(log), dtype=np.bool_))
    known = np.isfinite(found.processing)
    assert known.all()
    assert (found.processing <= found.longest + 1e-9).all()
    assert (found.delay >= 0).all()
    assert (found.waiting >= found.delay - 1e-9).all()


def test_the_range_holds_both_readings_and_their_errors() -> None:
    least, most = np.full(50, 1.0), np.full(50, 3.0)
    found = known_between(least, most, np.ones(50))
    assert isinstance(found, Range)
    assert found.low < 1 < found.likely == 2 < 3 < found.high
    draws = [found.at(u) for u in (0.025, 0.975)]
    assert draws[0] <= 1
    assert draws[1] >= 3
    assert isinstance(known_between(np.zeros(5), np.array([1.0, 2, 3, 2, 1]), np.ones(5)), Known)
    assert known_between(np.zeros(5), np.zeros(5), np.ones(5)) is None


def test_draws_hold_the_true_work_of_a_log_of_completions() -> None:
    held, certain = [], []
    for number in (0, 1, 3):
        world = department(number)
        log = simulate(world, weeks=40, seed=number)
        seen = replace(log, calendar=None, enabled=None, start=log.end, timestamps="completed")
        model = calibrate(seen)
        draws = [drawn(model, one, of=20) for one in range(20)]
        for name, one in model.activities.items():
            true = world.activities[name].duration[0].mean_h
            if one.role is None or one.evidence is None or not isinstance(one.evidence.duration[0], Range):
                continue
            hours = [other.activities[name].duration[0].mean_h for other in draws]
            held.append(min(hours) <= true <= max(hours))
            certain.append(abs(one.duration[0].mean_h / true - 1) < 0.1)
            assert one.evidence.shared
    assert len(held) > 12
    # Taken for certain, few would be right.
    assert np.mean(certain) < 0.4
    assert np.mean(held) > 0.7


def test_what_is_added_to_the_work_is_taken_from_the_delay() -> None:
    world = department(2)
    log = simulate(world, weeks=30, seed=2)
    model = calibrate(replace(log, calendar=None, enabled=None, start=log.end, timestamps="completed"))
    name = next(n for n, a in model.activities.items() if a.delay is not None and a.evidence and a.evidence.shared)
    fixed = model.activities[name].model_copy(
        update={"evidence": model.activities[name].evidence.model_copy(update={"delay": None})}  # type: ignore[union-attr]
    )
    alone = model.model_copy(update={"activities": {**model.activities, name: fixed}})
    pairs = [drawn(alone, number, of=20).activities[name] for number in range(20)]
    work = np.array([one.duration[0].mean_h for one in pairs])
    delay = np.array([one.delay.mean_h for one in pairs if one.delay is not None])
    assert work.std() > 0
    assert np.corrcoef(work, delay)[0, 1] == pytest.approx(-1, abs=0.05)

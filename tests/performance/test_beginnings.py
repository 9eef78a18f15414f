"""Readings of starts that a log does not tell: bounds, worlds whose truth is known, and estimates taken back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from mkmine.calendars import HOUR, Calendar
from mkmine.catalogue.departments import department
from mkmine.catalogue.truth import true_waiting
from mkmine.discovery import find_pools
from mkmine.eventlog import EventLog
from mkmine.eventlog.cleaning.changes import reordered
from mkmine.eventlog.cleaning.estimates import estimate_starts
from mkmine.performance import waiting_causes
from mkmine.performance.availability import estimate_presence
from mkmine.performance.beginnings import begun, without_estimates
from mkmine.simulation import simulate

ALWAYS = Calendar.always()


def completions(log: EventLog) -> EventLog:
    return replace(reordered(log, start=log.end, enabled=None), timestamps="completed")


def readings(log: EventLog) -> tuple[np.ndarray, np.ndarray]:
    return begun(log, estimate_presence(log, find_pools(log), office=ALWAYS))


def test_work_of_busy_people_begins_when_they_are_done_with_the_last(make_log: Callable[..., EventLog]) -> None:
    rng = np.random.default_rng(1)
    taken = rng.lognormal(0, 0.7, 200)
    done = np.cumsum(taken)
    rows = []
    for i, end in enumerate(done):
        # Asked for long before, by somebody who is not looked at: y has always something to do.
        rows += [(f"{i:03}", "Ask", min(i * 0.1, end - taken[i]), min(i * 0.1, end - taken[i]), None),
                 (f"{i:03}", "Do", end, end, "y")]  # fmt: skip
    log = make_log(rows, timestamps="completed")
    doing = np.flatnonzero(log.activity == log.activities.index("Do"))[1:]
    for start in readings(log):
        # But at hours at which y is so seldom that they do not count as theirs.
        assert np.isclose((log.end - start)[doing] / HOUR, taken[1:], atol=1e-6).mean() > 0.95


@pytest.mark.parametrize("seed", [0, 7])
def test_the_truth_lies_between_the_readings(seed: int) -> None:
    model = department(seed)
    whole = simulate(model, weeks=52, seed=seed)
    known = whole.position > 0
    truth = true_waiting(model, whole, seed=seed)[known]
    found = waiting_causes(completions(whole), sensitivity=False)
    told = found.total.set_index("cause")
    every = truth["waiting_h"].sum()
    assert told.at["outside", "low"] < truth["outside_h"].sum() / every < told.at["outside", "high"]
    assert told.at["outside", "share"] == pytest.approx(truth["outside_h"].sum() / every, abs=0.08)
    assert told.at["unavailability", "share"] == pytest.approx(truth["unavailability_h"].sum() / every, abs=0.03)
    assert found.hours.sum() == pytest.approx(every, rel=0.06)
    assert found.hours == pytest.approx(np.mean(found.readings, axis=0))
    early, late = (one.sum(axis=0)[4] for one in found.readings)
    assert early < late
    assert (told["low"] <= told["share"] + 1e-9).all()
    assert (told["share"] <= told["high"] + 1e-9).all()


def test_estimates_are_taken_back_and_records_kept(make_log: Callable[..., EventLog]) -> None:
    rows = [(str(i), name, 24 * i + at, 24 * i + at + 2, who) for i in range(9) for name, at, who in
            (("A", 1, "x"), ("B", 5, "y"))]  # fmt: skip
    log = make_log(rows)
    assert without_estimates(log) is log
    bare = completions(log)
    again = without_estimates(estimate_starts(bare, calendar=ALWAYS))
    assert again.timestamps == "completed"
    assert np.array_equal(again.start, bare.start)
    chosen = log.activity == 0
    partly = without_estimates(estimate_starts(log, calendar=ALWAYS, instances=chosen))
    told = partly.activity == 1
    assert partly.timestamps == "estimated"
    for start in readings(partly):
        assert np.array_equal(start[told], partly.start[told])
        assert (start <= partly.end).all()


def test_causes_do_not_depend_on_whether_starts_were_estimated_before() -> None:
    bare = completions(simulate(department(3), weeks=20, seed=3))
    one = waiting_causes(bare, sensitivity=False)
    other = waiting_causes(estimate_starts(bare), sensitivity=False)
    assert other.total["hours"].to_numpy() == pytest.approx(one.total["hours"].to_numpy(), rel=0.05, abs=5)
    assert list(waiting_causes(bare).sensitivity["setting"][1:3]) == ["starts", "starts"]

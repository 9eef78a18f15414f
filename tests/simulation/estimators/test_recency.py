from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from mkmine.calendars import HOUR
from mkmine.eventlog import EventLog
from mkmine.eventlog.observation import as_observed
from mkmine.simulation.calibration.estimators.recency import choose_recency, closed_only
from mkmine.simulation.calibration.estimators.steps import find_steps

Make = Callable[..., EventLog]


def waiting(make_log: Make, means: list[float], seed: int) -> EventLog:
    """Return a log of cases, one every five hours, that wait for their second activity."""
    rng = np.random.default_rng(seed)
    rows = []
    for n, mean in enumerate(means):
        wait = rng.exponential(mean)
        rows += [
            (f"{n:04}", "A", 5.0 * n, 5.0 * n + 1, "x"),
            (f"{n:04}", "B", 5.0 * n + 1 + wait, 5.0 * n + 2 + wait, "y"),
        ]
    return make_log(rows)


def test_in_a_steady_process_nothing_is_forgotten(make_log: Make) -> None:
    log = waiting(make_log, [10.0] * 400, seed=1)
    assert choose_recency(log, find_steps(log)).half == np.inf


def test_after_a_change_the_past_is_forgotten(make_log: Make) -> None:
    log = waiting(make_log, [40.0] * 200 + [4.0] * 200, seed=2)
    found = choose_recency(log, find_steps(log))
    assert found.half <= 0.25
    assert found.gain > 0.02
    begin = np.arange(100)
    weights = found.weights(begin)
    assert weights.mean() == pytest.approx(1)
    assert weights[-1] == pytest.approx(weights[int(99 - found.half * 100)] * 2, rel=0.01)


def test_with_open_cases_decisions_and_waits_decide(make_log: Make) -> None:
    steady = waiting(make_log, [10.0] * 400, seed=3)
    changed = waiting(make_log, [40.0] * 200 + [4.0] * 200, seed=3)
    for log, forgotten in ((steady, False), (changed, True)):
        cut = as_observed(log, (log.observed[0], int(log.start[log.offsets[380]]) + HOUR))
        assert not cut.completed.all()
        assert np.isfinite(choose_recency(cut, find_steps(cut)).half) == forgotten


def test_a_log_of_finished_cases_is_known_by_its_late_beginnings(make_log: Make) -> None:
    log = waiting(make_log, [10.0] * 100, seed=4)
    assert closed_only(log)
    # Nobody has begun for a long time: the log has run out, and nothing is missing.
    assert not closed_only(replace(log, observed=(log.observed[0], log.observed[1] + 500 * HOUR)))
    opened = replace(log, completed=np.arange(100) < 99)
    assert not closed_only(opened)

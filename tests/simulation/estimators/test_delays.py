from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mkmine.eventlog import EventLog
from mkmine.simulation.calibration.estimators.delays import estimate_waits
from mkmine.simulation.calibration.estimators.steps import find_steps
from mkmine.simulation.model.distributions import Fixed


def test_delays_depend_on_what_came_before(make_log: Callable[..., EventLog]) -> None:
    rng = np.random.default_rng(1)
    rows = []
    for n in range(300):
        before, wait = ("A", rng.exponential(2)) if n % 3 else ("B", rng.exponential(10))
        at = 100.0 * n
        rows += [(str(n), before, at, at + 1, "x"), (str(n), "C", at + 1 + wait, at + 2 + wait, "y")]
    rows += [(f"c{n}", "C", 100.0 * n + 50, 100.0 * n + 51, "y") for n in range(20)]
    log = make_log(rows)
    steps = find_steps(log)
    hours = (log.start - steps.ready) / 3.6e9
    code = log.activities.index("C")
    whole, waits = estimate_waits(log, steps, hours, log.activity == code, np.ones(len(log)))
    by = {one.before: one.delay for one in waits}
    assert by[None] == [Fixed(hours=0.0)]
    assert by["A"][0].mean_h == pytest.approx(2, rel=0.2)
    assert by["B"][0].mean_h == pytest.approx(10, rel=0.25)
    assert by["A"][0].mean_h < whole.mean_h < by["B"][0].mean_h


def test_a_way_that_was_hardly_taken_has_no_delay_of_its_own(make_log: Callable[..., EventLog]) -> None:
    rows = [("1", "A", 0.0, 1.0, "x"), ("1", "C", 5.0, 6.0, "y")]
    for n in range(2, 50):
        rows += [(str(n), "B", 100.0 * n, 100.0 * n + 1, "x"), (str(n), "C", 100.0 * n + 2, 100.0 * n + 3, "y")]
    log = make_log(rows)
    steps = find_steps(log)
    hours = (log.start - steps.ready) / 3.6e9
    code = log.activities.index("C")
    _, waits = estimate_waits(log, steps, hours, log.activity == code, np.ones(len(log)))
    assert [one.before for one in waits] == ["B"]

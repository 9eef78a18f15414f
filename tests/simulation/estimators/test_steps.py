from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from mkmine.calendars import HOUR
from mkmine.eventlog import EventLog
from mkmine.simulation.calibration.estimators.steps import find_steps

Make = Callable[..., EventLog]


def test_what_begins_meanwhile_counts_from_the_start_before(make_log: Make) -> None:
    log = make_log([("1", "A", 0, 5, "x"), ("1", "B", 1, 2, "y"), ("1", "C", 3, 4, "z"), ("1", "D", 6, 7, "x")])
    steps = find_steps(log)
    begin = log.start[0]
    assert steps.first.tolist() == [True, False, False, False]
    # C begins after B has ended, but A is still in hand.
    assert steps.overlap.tolist() == [False, True, True, False]
    assert ((steps.ready - begin) / HOUR).tolist() == [0, 0, 1, 5]


def test_enabled_by_what_is_not_side_by_side(make_log: Make) -> None:
    rows = []
    for n in range(200):
        at = 24.0 * n
        # C begins while B is in hand in one case of ten only.
        rows += [(str(n), "A", at, at + 1, "x"), (str(n), "B", at + 1, at + 3, "y")]
        rows += [(str(n), "C", at + (2.5 if n % 10 == 0 else 4), at + 5, "z"), (str(n), "D", at + 6, at + 7, "x")]
    log = make_log(rows)
    steps = find_steps(log)
    third = log.activity == log.activities.index("C")
    since = (steps.enabled - log.start[log.offsets[:-1]][log.case_of]) / HOUR
    assert (since[third] == 1).all()
    # It is placed by the end of B all the same, where it begins after that.
    placed = (steps.ready - log.start[log.offsets[:-1]][log.case_of]) / HOUR
    assert sorted(set(placed[third].tolist())) == [1, 3]


def test_cases_do_not_touch_each_other(make_log: Make) -> None:
    log = make_log([("1", "A", 0, 50, "x"), ("2", "A", 1, 2, "y"), ("2", "B", 3, 4, "y")] * 1)
    assert not find_steps(log).overlap.any()


def test_a_few_overlaps_are_noise(make_log: Make) -> None:
    rows = [(str(n), a, 10 * n + k, 10 * n + k + 1, "x") for n in range(100) for k, a in enumerate("AB")]
    rows[1] = ("0", "B", 0.5, 1.5, "x")
    assert not find_steps(make_log(rows)).overlap.any()


def test_a_recorded_enabling_is_taken_as_it_is(make_log: Make) -> None:
    log = make_log([("1", "A", 0, 5, "x"), ("1", "B", 1, 2, "y")])
    known = replace(log, enabled=log.start - HOUR)
    steps = find_steps(known)
    assert not steps.overlap.any()
    np.testing.assert_array_equal(steps.ready, known.start - HOUR)

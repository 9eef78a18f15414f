"""What is done side by side is told from what follows, and work that follows it could have begun before its end."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mkmine.catalogue.departments import department
from mkmine.eventlog import EventLog
from mkmine.eventlog.concurrency import enabled_beside, latest_end_before, side_by_side
from mkmine.eventlog.enablement import enabled_times
from mkmine.simulation import simulate

BASE = pd.Timestamp("2025-03-03", tz="UTC")
MINUTE_US = 60_000_000
Row = tuple[str, str, float, float]


def log_of(rows: list[Row]) -> EventLog:
    """Return a log of rows (case, activity, start and end in minutes)."""
    frame = pd.DataFrame(rows, columns=["case", "activity", "start", "end"])
    for name in ("start", "end"):
        frame[name] = BASE + pd.to_timedelta((frame[name] * 60).round(), unit="s")
    return EventLog.from_pandas(frame, start="start")


def pairs(log: EventLog) -> set[frozenset[str]]:
    return {frozenset((log.activities[a], log.activities[b])) for a, b in np.argwhere(side_by_side(log))}


def made(*, timer: bool, slots: bool = False, cases: int = 400) -> list[Row]:
    """Cases of A, then B, then D. C begins 60 to 80 minutes after A (`timer`), or after B, or at the next full hour."""
    rng = np.random.default_rng(4)
    rows: list[Row] = []
    for case in range(cases):
        at = 300.0 * case + rng.uniform(0, 60)
        work, wait = rng.uniform(20, 40), rng.uniform(60, 80)
        rows += [(str(case), "A", at, at + 10), (str(case), "B", at + 10, at + 10 + work)]
        begun = at + 10 + wait + (0 if timer else work)
        if slots:
            begun = 60 * np.ceil((at + 10 + work + 1) / 60)
        rows += [(str(case), "C", begun, begun + 5), (str(case), "D", begun + 6, begun + 9)]
    return rows


def test_what_is_in_hand_at_once_is_side_by_side() -> None:
    rows = [
        (str(n), name, 100 * n + begin, 100 * n + end)
        for n in range(20)
        for name, begin, end in (("A", 0, 5), ("B", 5, 30), ("C", 6, 12 + n), ("D", 40, 41))
    ]
    assert pairs(log_of(rows)) == {frozenset("BC")}


def test_a_timer_beside_other_work_is_told_from_one_after_it() -> None:
    # C always begins after B has ended; how long B took makes no difference only if C does not wait for it.
    assert pairs(log_of(made(timer=True))) == {frozenset("BC")}
    assert pairs(log_of(made(timer=False))) == set()


def test_what_waits_for_its_hour_does_not_stand_beside() -> None:
    assert pairs(log_of(made(timer=False, slots=True))) == set()


def test_a_few_overlaps_are_errors() -> None:
    rows = [(str(n), name, 10 * n + k, 10 * n + k + 1.0) for n in range(300) for k, name in enumerate("AB")]
    for n in range(4):
        rows[2 * n + 1] = (str(n), "B", 10 * n + 0.5, 10 * n + 2.0)
    assert pairs(log_of(rows)) == set()


@pytest.mark.parametrize("seed", range(4))
def test_departments_do_nothing_side_by_side(seed: int) -> None:
    log = simulate(department(seed), weeks=52, seed=seed)
    assert not side_by_side(replace(log, enabled=None)).any()


def test_the_one_after_counts_from_what_came_before_both() -> None:
    log = log_of(made(timer=True, cases=100))
    enabled = enabled_beside(log)
    third = log.activity == log.activities.index("C")
    first = log.activity == log.activities.index("A")
    np.testing.assert_array_equal(enabled[third], log.end[first])
    np.testing.assert_array_equal(enabled[~third], enabled_times(log)[~third])


def test_side_by_side_from_the_beginning_is_enabled_with_the_case() -> None:
    log = log_of([("1", "A", 0, 5), ("1", "B", 20, 25), ("1", "C", 30, 31)])
    beside = np.zeros((3, 3), dtype=bool)
    beside[0, 1] = beside[1, 0] = True
    enabled = (enabled_beside(log, beside) - log.start[0]) / MINUTE_US
    assert enabled.tolist() == [0, 0, 25]


def test_a_log_that_tells_it_is_believed() -> None:
    log = log_of(made(timer=True, cases=100))
    told = replace(log, enabled=log.start - MINUTE_US)
    assert not side_by_side(told).any()
    np.testing.assert_array_equal(enabled_beside(told), told.enabled)
    assert not side_by_side(replace(log, start=log.end, timestamps="completed")).any()


rows_of_cases = st.lists(
    st.tuples(st.sampled_from("12"), st.sampled_from("ABC"), st.integers(0, 9), st.integers(0, 4)),
    min_size=1,
    max_size=16,
)


@settings(max_examples=200, deadline=None)
@given(rows_of_cases, st.lists(st.booleans(), min_size=3, max_size=3))
def test_enabling_follows_its_definition(found: list[tuple[str, str, int, int]], chosen: list[bool]) -> None:
    log = log_of([(case, name, start, start + length) for case, name, start, length in found])
    k = len(log.activities)
    beside = np.zeros((k, k), dtype=bool)
    for (one, other), apart in zip([(0, 1), (0, 2), (1, 2)], chosen, strict=True):
        if max(one, other) < k:
            beside[one, other] = beside[other, one] = apart
    enabled, plain, reach = enabled_beside(log, beside), enabled_times(log), latest_end_before(log)
    for row in range(len(log)):
        earlier = range(log.offsets[log.case_of[row]], row)
        assert reach[row] == max((int(log.end[one]) for one in earlier), default=log.start[row])
        over = [one for one in earlier if log.end[one] <= log.start[row]]
        before = [int(log.end[one]) for one in over if not beside[log.activity[one], log.activity[row]]]
        skipped = any(beside[log.activity[one], log.activity[row]] for one in earlier)
        begun = int(log.start[log.offsets[log.case_of[row]]])
        assert enabled[row] == (max(before, default=begun) if skipped else plain[row])

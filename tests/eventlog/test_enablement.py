from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mkmine.eventlog import EventLog, enablement
from mkmine.eventlog.enablement import enabled_times

BASE = pd.Timestamp("2025-03-03", tz="UTC")
# Few hours and short lengths, so that ties and instances of no length are the rule.
rows = st.lists(st.tuples(st.sampled_from("AB"), st.integers(0, 6), st.integers(0, 3)), min_size=1, max_size=14)


def reference(log: EventLog) -> list[int]:
    """The definition, instance by instance: the latest end, not after the start, of the earlier ones of the case."""
    out = []
    for one in range(len(log)):
        earlier = range(log.offsets[log.case_of[one]], one)
        ends = [int(log.end[other]) for other in earlier if log.end[other] <= log.start[one]]
        out.append(max(ends, default=int(log.start[one])))
    return out


@settings(max_examples=400)
@given(rows)
def test_concurrency_aware_enabling_follows_its_definition(found: list[tuple[str, int, int]]) -> None:
    frame = pd.DataFrame(
        {
            "case": [row[0] for row in found],
            "activity": "x",
            "start": [BASE + pd.Timedelta(hours=row[1]) for row in found],
            "end": [BASE + pd.Timedelta(hours=row[1] + row[2]) for row in found],
        }
    )
    log = EventLog.from_pandas(frame, start="start")
    enabled = enabled_times(log)
    assert enabled.tolist() == reference(log)
    assert (enabled <= log.start).all()
    assert np.array_equal(enabled[log.offsets[:-1]], log.start[log.offsets[:-1]])


def by_ranks(log: EventLog) -> np.ndarray:
    """The whole log at once: places among all ends of a case, found by ranks of all times."""
    times, ranks = np.unique(np.concatenate((log.start, log.end)), return_inverse=True)
    keys = log.case_of.astype(np.int64) * len(times)
    table = np.sort(keys + ranks[len(log) :])
    before = np.searchsorted(table, keys + ranks[: len(log)], "left")
    at = np.searchsorted(table, keys + ranks[: len(log)], "right")
    ends = log.end[np.lexsort((log.end, log.case_of))]
    out = np.where(before > log.offsets[log.case_of], ends[np.maximum(before - 1, 0)], log.start)
    # An earlier instance that ends exactly at the start enables it; the instance itself and later ones do not.
    instant = (log.start == log.end).astype(np.int64)
    fresh = np.append(True, (np.diff(log.start) != 0) | (np.diff(log.case_of) != 0))
    group = np.cumsum(fresh) - 1
    passed = np.cumsum(instant) - instant
    from_here = np.bincount(group, weights=instant)[group] - (passed - passed[np.flatnonzero(fresh)][group])
    return np.where(at - before > from_here, log.start, out)


@pytest.mark.parametrize("overlap", [0.0, 0.02, 0.6])
@pytest.mark.parametrize("century", [False, True])
def test_a_large_log_in_pieces_gives_what_it_gives_at_once(
    overlap: float, century: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enablement, "PIECE", 1 << 10)
    rng = np.random.default_rng(5)
    case = np.sort(rng.integers(0, 3_000, 20_000))
    gap, length = rng.integers(0, 6, len(case)), rng.integers(0, 4, len(case))
    start = np.cumsum(gap + length)
    start[case >= 2_990] += century * 870_000
    length = np.where(rng.random(len(case)) < overlap, length + rng.integers(0, 40, len(case)), length // 2)
    frame = pd.DataFrame(
        {
            "case": case,
            "activity": "x",
            "start": pd.Timestamp("1950-01-01", tz="UTC") + pd.to_timedelta(start, unit="h"),
            "end": pd.Timestamp("1950-01-01", tz="UTC") + pd.to_timedelta(start + length, unit="h"),
        }
    )
    log = EventLog.from_pandas(frame, start="start")
    assert np.array_equal(enabled_times(log), by_ranks(log))


def test_what_still_runs_has_not_enabled_what_starts(make_log: Callable[..., EventLog]) -> None:
    log = make_log([("1", "a", 9, 10), ("1", "b", 10, 16), ("1", "c", 12, 13)])
    hours = (enabled_times(log) - log.start) / 3_600_000_000
    assert hours.tolist() == [0, 0, -2]


def test_recorded_times_are_used_as_they_are(make_log: Callable[..., EventLog]) -> None:
    frame = make_log([("1", "a", 9, 10), ("1", "b", 12, 13)]).to_pandas()
    frame["enabled"] = [BASE + pd.Timedelta(hours=8), BASE + pd.Timedelta(hours=11)]
    log = EventLog.from_pandas(frame, start="start", enabled="enabled")
    assert np.array_equal(enabled_times(log), log.start - 3_600_000_000)


def test_a_completion_is_enabled_by_the_one_before(make_log: Callable[..., EventLog]) -> None:
    frame = make_log([("1", "a", 9, 10), ("1", "b", 12, 13), ("2", "a", 9, 11)]).to_pandas()
    log = EventLog.from_pandas(frame)
    assert enabled_times(log).tolist() == [log.end[0], log.end[0], log.end[2]]

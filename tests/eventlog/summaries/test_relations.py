from __future__ import annotations

import itertools
from collections import defaultdict
from statistics import stdev

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkmine.errors import UnknownNameError
from mkmine.eventlog import EventLog
from mkmine.eventlog.summaries import case_overlap, eventually_follows, relations, temporal_profile
from tests.eventlog.summaries.samples import Event, events, kernels, log_of

FORMS = ("numpy", "numba")


def pairs_of(log: EventLog, *, listed: bool = False) -> dict[tuple[str, str], list[tuple[int, int]]]:
    """Case and time of every pair, by plain loops."""
    out: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for case, (a, b) in enumerate(itertools.pairwise(log.offsets.tolist())):
        for i, j in itertools.combinations(range(a, b), 2):
            if listed or log.end[i] <= log.start[j]:
                names = log.activities[log.activity[i]], log.activities[log.activity[j]]
                out[names].append((case, int(log.start[j] - log.end[i])))
    return out


@pytest.mark.parametrize("form", FORMS)
@given(drawn=events, completions=st.booleans(), long=st.sampled_from([1, 3, 1000]), dense=st.sampled_from([0, 512]))
def test_pairs_and_times_equal_those_of_plain_loops(
    form: str, drawn: list[Event], completions: bool, long: int, dense: int
) -> None:
    log = log_of(drawn, completions=completions)
    with kernels(form), pytest.MonkeyPatch.context() as patch:
        # Short cases pair by pair, long ones activity by activity; the first in a square, or not.
        patch.setattr(relations, "LONG", long)
        patch.setattr(relations, "DENSE", dense)
        patch.setattr(relations, "PIECE", 4)
        ended, listed, profile = eventually_follows(log), eventually_follows(log, order="listed"), temporal_profile(log)
    expected = pairs_of(log)
    assert ended.counts == {pair: (len(one), len({case for case, _ in one})) for pair, one in expected.items()}
    every = pairs_of(log, listed=True)
    assert listed.counts == {pair: (len(one), len({case for case, _ in one})) for pair, one in every.items()}
    assert profile.sums == {
        pair: (len(one), sum(time for _, time in one), sum(time * time for _, time in one))
        for pair, one in expected.items()
    }
    for pair, (mean, spread) in profile.profile.items():
        times = [time / 1e6 for _, time in expected[pair]]
        assert mean == pytest.approx(sum(times) / len(times))
        assert spread == pytest.approx(stdev(times) if len(times) > 1 else 0.0)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("long", [0, 1000])
def test_sums_of_squares_of_centuries_are_exact(form: str, long: int, monkeypatch: pytest.MonkeyPatch) -> None:
    written = ["1900-01-01", "1900-01-01 00:00:00.000001", "2199-12-31 23:59:59.999999"]
    moments = pd.to_datetime(written, utc=True, format="ISO8601")
    frame = pd.DataFrame(
        {"case": "1", "activity": ["A"] * 300 + ["B"] * 200 + ["A"] * 300, "end": moments.repeat([300, 200, 300])}
    )
    log = EventLog.from_pandas(frame)
    monkeypatch.setattr(relations, "LONG", long)
    with kernels(form):
        found = temporal_profile(log).sums
    far = int(log.end[-1] - log.end[0])
    # Among the first 300 and among the last 300 no time passes.
    assert found["A", "A"] == (800 * 0 + 600 * 599 // 2, 300 * 300 * far, 300 * 300 * far * far)
    assert found["B", "A"] == (60_000, 60_000 * (far - 1), 60_000 * (far - 1) ** 2)
    assert found["A", "A"][2] > 2**63


@pytest.mark.parametrize("form", FORMS)
def test_thousands_of_activities_and_one_long_case(form: str) -> None:
    with kernels(form):
        wide = eventually_follows(log_of([(i // 3, f"A{i}", i, 0, None) for i in range(2100)]))
        log = log_of([(1, "AB"[i % 2], i, 0, None) for i in range(4000)])
        deep, profile = eventually_follows(log), temporal_profile(log)
    assert len(wide.counts) == 2100
    assert deep.counts["A", "B"] == (2000 * 2001 // 2, 1)
    assert deep.counts["A", "A"] == (2000 * 1999 // 2, 1)
    assert profile.sums["B", "A"][0] == 2000 * 1999 // 2


def test_all_at_once_follows_in_the_order_of_the_list() -> None:
    log = log_of([(1, name, 0, 0, None) for name in "ABCA"])
    assert eventually_follows(log) == eventually_follows(log, order="listed")
    assert eventually_follows(log).counts["A", "A"] == (1, 1)
    with pytest.raises(UnknownNameError, match="order"):
        eventually_follows(log, order="later")  # type: ignore[arg-type]


@given(drawn=events)
def test_overlap_counts_the_cases_open_at_some_moment_of_a_life(drawn: list[Event]) -> None:
    log = log_of(drawn)
    first = log.start[log.offsets[:-1]]
    last = np.maximum.reduceat(log.end, log.offsets[:-1])
    expected = [int(((first <= b) & (last >= a)).sum()) for a, b in zip(first, last, strict=True)]
    assert case_overlap(log).tolist() == expected

"""Summaries against plain Python that follows the definitions: ties, zero lengths, overlaps, work that goes on."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mkmine.calendars import HOUR
from mkmine.eventlog import EventLog
from mkmine.eventlog.summaries import Summary, case_times, edge_times, summarise

START = pd.Timestamp("2025-03-03", tz="UTC")
# Activity, start, end, person and whether it is going on.
Instance = tuple[str, int, int, str | None]
ROWS = st.lists(
    st.tuples(
        st.sampled_from("123"),
        st.sampled_from("ABC"),
        st.integers(0, 8),
        st.sampled_from([0, 0, 1, 3, 9]),
        st.sampled_from(["x", "y", None]),
        st.booleans(),
    ),
    min_size=1,
    max_size=12,
)
Row = tuple[str, str, int, int, str | None, bool]


def log_of(rows: list[Row]) -> EventLog:
    frame = pd.DataFrame(rows, columns=["case", "activity", "start", "length", "resource", "ongoing"])
    frame["resource"] = frame["resource"].astype(object)
    frame["end"] = START + pd.to_timedelta(frame["start"] + frame["length"], unit="h")
    frame["start"] = START + pd.to_timedelta(frame["start"], unit="h")
    return EventLog.from_pandas(frame, start="start", resource="resource", ongoing="ongoing")


def cases(log: EventLog) -> Iterator[tuple[bool, list[Instance]]]:
    """Yield of each case whether it is closed, and its instances."""
    people = [*log.resources, None]
    for case in range(log.n_cases):
        rows = range(int(log.offsets[case]), int(log.offsets[case + 1]))
        yield (
            bool(log.completed[case]),
            [
                (log.activities[log.activity[i]], int(log.start[i]), int(log.end[i]), people[log.resource[i]])
                for i in rows
            ],
        )


def covered(spans: list[tuple[int, int]]) -> int:
    total, reached = 0, -(2**62)
    for first, last in sorted(spans):
        total += max(last - max(first, reached), 0)
        reached = max(reached, last)
    return total


@pytest.mark.parametrize("form", ["numpy", "numba"])
@settings(max_examples=60)
@given(ROWS)
def test_every_count_is_that_of_plain_python(form: str, rows: list[Row]) -> None:
    pytest.importorskip("numba" if form == "numba" else "numpy")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MKMINE_KERNELS", form)
        log = log_of(rows)
        found = summarise(log)
        exact = edge_times(log, exact=True)
        busy = case_times(log).busy
    follows, handed, rounds = Counter[object](), Counter[object](), defaultdict(lambda: [0, 0, 0])
    eventually, having, profile = Counter[object](), Counter[object](), defaultdict(lambda: [0, 0, 0])
    figures: dict[str, list[int]] = {}
    lags = defaultdict(list)
    for number, (closed, case) in enumerate(cases(log)):
        assert busy is not None
        assert busy[number] == covered([(start, end) for _, start, end, _ in case])
        for one, next_ in pairwise(case):
            follows[one[0], next_[0]] += 1
            lags[one[0], next_[0]].append(next_[1] - one[2])
            if one[3] and next_[3]:
                handed[one[3], next_[3]] += 1
        times = Counter(one[0] for one in case)
        for activity, most in times.items():
            for turn in range(1, most + 1):
                row = rounds[activity, turn]
                row[0] += 1
                row[1] += turn < most
                row[2] += turn == most and not closed
        for activity, start, end, _ in case:
            row = figures.setdefault(activity, [0, 0, start, end])
            row[:] = [row[0] + 1, row[1], min(row[2], start), max(row[3], end)]
        for activity in times:
            figures[activity][1] += 1
        pairs = set()
        for at, one in enumerate(case):
            for later in case[at + 1 :]:
                if (time := later[1] - one[2]) >= 0:
                    pair = one[0], later[0]
                    eventually[pair] += 1
                    pairs.add(pair)
                    profile[pair] = [x + y for x, y in zip(profile[pair], (1, time, time * time), strict=True)]
        having.update(pairs)
    assert {(a, b): n for a, b, n in found.follows.to_dict()["edges"]} == follows
    assert found.hand_overs.counts == handed
    assert {key: list(values) for key, values in found.rework.rounds.items()} == rounds
    assert {name: list(values) for name, values in found.activities.figures.items()} == figures
    assert found.eventually.counts == {pair: (n, having[pair]) for pair, n in eventually.items()}
    assert {(a, b): sums for a, b, *sums in found.profile.to_dict()["sums"]} == profile
    told = exact.to_pandas(percentiles=(0.5,))
    assert len(told) == len(lags)
    for row in told.to_dict("records"):
        times = lags[row["source"], row["target"]]
        assert (row["count"], row["negative"]) == (len(times), sum(one < 0 for one in times))
        np.testing.assert_allclose(
            [row["mean_h"], row["min_h"], row["max_h"]], np.array([np.mean(times), min(times), max(times)]) / HOUR
        )


@settings(max_examples=40)
@given(ROWS, ROWS, ROWS)
def test_parts_merge_in_any_order(first: list[Row], second: list[Row], third: list[Row]) -> None:
    parts = []
    for number, rows in enumerate((first, second, third)):
        # Every part has its own cases, and activities that another has not.
        parts.append(summarise(log_of([(f"{number}-{row[0]}", f"{row[1]}{number % 2}", *row[2:]) for row in rows])))
    a, b, c = parts
    whole = a.merge(b).merge(c).to_dict()
    assert a.merge(b.merge(c)).to_dict() == whole
    assert c.merge(a).merge(b).to_dict() == whole
    assert Summary().merge(a).to_dict() == a.merge(Summary()).to_dict() == a.to_dict()

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from functools import reduce
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkmine.calendars import Calendar
from mkmine.eventlog import EventLog, summaries
from mkmine.eventlog.formats.read import read
from mkmine.eventlog.summaries import (
    DirectlyFollows,
    ReworkCounts,
    VariantCounts,
    case_table,
    directly_follows,
    repeats,
    rework_counts,
    running_end,
    variant_counts,
    variant_index,
    visits,
)

cases = st.lists(
    st.lists(
        st.tuples(st.sampled_from("ABCDE"), st.integers(0, 50), st.integers(0, 20)),
        min_size=1,
        max_size=8,
    ),
    min_size=1,
    max_size=8,
)


def rows(drawn: list[list[tuple[str, int, int]]], prefix: str = "c") -> list[tuple[str, str, int, int]]:
    return [
        (f"{prefix}{number:03d}", activity, start, start + length)
        for number, case in enumerate(drawn)
        for activity, start, length in case
    ]


def paths(log: EventLog) -> list[tuple[str, ...]]:
    frame = log.to_pandas()
    return [tuple(group["activity"]) for _, group in frame.groupby("case", sort=False)]


@given(drawn=cases)
def test_counts_equal_those_of_plain_loops(
    make_log: Callable[..., EventLog], drawn: list[list[tuple[str, int, int]]]
) -> None:
    log = make_log(rows(drawn))
    found = directly_follows(log)
    sequences = paths(log)
    assert found.edges == Counter(pair for path in sequences for pair in itertools.pairwise(path))
    assert found.starts == Counter(path[0] for path in sequences)
    assert found.ends == Counter(path[-1] for path in sequences)
    assert variant_counts(log).counts == Counter(sequences)
    reached = Counter()
    for path in sequences:
        seen: Counter[str] = Counter()
        for activity in path:
            seen[activity] += 1
            reached[activity, seen[activity]] += 1
    counted = rework_counts(log).rounds
    assert {key: value[0] for key, value in counted.items()} == reached
    assert all(value[1] == reached.get((key[0], key[1] + 1), 0) for key, value in counted.items())


@given(drawn=cases, cuts=st.lists(st.integers(0, 8), max_size=3), backwards=st.booleans())
def test_any_cutting_merges_to_the_same(
    make_log: Callable[..., EventLog], drawn: list[list[tuple[str, int, int]]], cuts: list[int], backwards: bool
) -> None:
    whole = make_log(rows(drawn))
    edges = [0, *sorted(min(cut, len(drawn)) for cut in cuts), len(drawn)]
    pieces = [rows(drawn[a:b], prefix=f"p{a}-") for a, b in itertools.pairwise(edges) if b > a]
    logs = [make_log(piece) for piece in pieces]
    for count, identity in (
        (directly_follows, DirectlyFollows()),
        (variant_counts, VariantCounts()),
        (rework_counts, ReworkCounts()),
    ):
        parts = [count(log) for log in logs]
        merged = reduce(lambda a, b: a.merge(b), reversed(parts) if backwards else parts, identity)
        assert merged == count(whole)


@given(
    parts=st.lists(
        st.dictionaries(st.tuples(st.sampled_from("AB"), st.sampled_from("AB")), st.integers(1, 9)),
        min_size=3,
        max_size=3,
    )
)
def test_merge_is_associative_and_commutative_with_an_identity(parts: list[dict[tuple[str, str], int]]) -> None:
    a, b, c = (DirectlyFollows(edges=part, cases=len(part)) for part in parts)
    assert a.merge(b).merge(c) == a.merge(b.merge(c))
    assert a.merge(b) == b.merge(a)
    assert a.merge(DirectlyFollows()) == a


def test_counts_over_pieces_and_over_many_activities_agree(
    make_log: Callable[..., EventLog], monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(1)
    log = make_log([(f"c{i // 7}", f"A{rng.integers(40)}", i, i + 1) for i in range(700)])
    expected = directly_follows(log)
    monkeypatch.setattr(summaries, "PIECE", 3)
    assert directly_follows(log) == expected
    monkeypatch.setattr(summaries, "DENSE", 5)
    assert directly_follows(log) == expected


def test_a_collision_of_hashes_does_not_join_variants(
    make_log: Callable[..., EventLog], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = make_log(
        [("1", "A", 0, 1), ("1", "B", 1, 2), ("2", "B", 0, 1), ("2", "A", 1, 2), ("3", "A", 0, 1), ("3", "B", 2, 3)]
    )
    expected = variant_counts(log)
    monkeypatch.setattr(summaries, "_digests", lambda log: np.zeros(log.n_cases, dtype=np.uint64))
    assert variant_counts(log) == expected
    assert variant_index(log).of_case.tolist() == [0, 1, 0]


def test_the_case_table_tells_work_from_waiting(make_log: Callable[..., EventLog]) -> None:
    log = make_log(
        [
            ("1", "A", 0, 2, "Anna"),
            ("1", "B", 5, 9, "Boris"),
            ("1", "C", 6, 8, "Anna"),
            ("1", "A", 10, 11, "Anna"),
            ("2", "A", 0, 3, "Anna"),
        ]
    )
    table = case_table(log, calendar=Calendar.always())
    one = table.iloc[0]
    assert (one.cycle_h, one.cycle_wall_h, one.instances, one.activities, one.reworked) == (11, 11, 4, 3, 1)
    assert one.processing_h == 2 + 4 + 2 + 1
    assert one.busy_h == 2 + 4 + 1
    assert one.hand_offs == 2
    assert one.waiting_h == 3 + 4 + 1


def test_going_on_with_an_activity_is_told_from_returning_to_it(make_log: Callable[..., EventLog]) -> None:
    log = make_log([("1", name, 2 * i, 2 * i + 1, "x") for i, name in enumerate("AABBAAB")])
    assert repeats(log).tolist() == [False, True, False, True, False, True, False]
    assert visits(log).tolist() == [1, 1, 1, 1, 2, 2, 2]
    table = case_table(log, calendar=Calendar.always())
    assert table[["reworked", "repeated"]].iloc[0].tolist() == [2, 3]


def test_what_nobody_of_the_log_does_is_waiting(make_log: Callable[..., EventLog]) -> None:
    log = make_log([("1", "A", 0, 2, "Anna"), ("1", "Agency", 2, 12, None), ("1", "B", 13, 14, "Anna")])
    one = case_table(log, calendar=Calendar.always()).iloc[0]
    assert (one.processing_h, one.busy_h, one.waiting_h) == (3, 3, 11)


def test_running_end_looks_over_all_earlier_instances(make_log: Callable[..., EventLog]) -> None:
    log = make_log([("1", "A", 0, 9), ("1", "B", 1, 2), ("1", "C", 3, 4), ("2", "A", 0, 1)])
    hours = (running_end(log) - log.start.min()) / 3_600_000_000
    assert hours.tolist() == [9, 9, 9, 1]


@pytest.mark.shared
@pytest.mark.parametrize(
    ("path", "options"),
    [
        ("trackers/helpdesk.xes.gz", {}),
        ("trackers/bpic2013_incidents.xes.gz", {"timestamps": "completed", "lifecycle": "impact"}),
        ("calibration/LoanApp/LoanApp.csv.gz", {}),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_pm4py_counts_the_same(shared_logs: Path, path: str, options: dict[str, str]) -> None:
    pm4py = pytest.importorskip("pm4py")
    log = read(shared_logs / path, **options)  # type: ignore[arg-type]
    frame = log.to_pandas()
    # pm4py wants nanoseconds and object strings.
    event_log = frame[["case", "activity"]].astype(object).assign(time=frame["start"].astype("datetime64[ns, UTC]"))
    formatted = pm4py.format_dataframe(event_log, case_id="case", activity_key="activity", timestamp_key="time")
    graph, starts, ends = pm4py.discover_dfg(formatted)
    found = directly_follows(log)
    assert found.edges == dict(graph)
    assert found.starts == dict(starts)
    assert found.ends == dict(ends)
    theirs = {
        tuple(variant): len(of) if hasattr(of, "__len__") else of
        for variant, of in pm4py.get_variants(formatted).items()
    }
    assert variant_counts(log).counts == theirs

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkmine.calendars import Calendar
from mkmine.discovery import ProcessMap, discover
from mkmine.discovery.process_map import merged_order
from mkmine.errors import DataError, UnknownNameError
from mkmine.eventlog import EventLog
from mkmine.eventlog.formats.read import read

ALWAYS = Calendar.always()


def edge(found: ProcessMap, source: str, target: str) -> dict[str, float]:
    rows = found.edges[(found.edges["source"] == source) & (found.edges["target"] == target)]
    assert len(rows) == 1
    return dict(rows.iloc[0])


@pytest.fixture
def approval(make_log: Callable[..., EventLog]) -> EventLog:
    """Two cases through writing and approval, one of them sent back; a third is still being written."""
    return make_log(
        [
            ("1", "Brief", 9, 10, "Anna"),
            ("1", "Writing", 11, 13, "Boris"),
            ("1", "Approval", 17, 18, "Clara"),
            ("1", "Writing", 18, 19, "Boris"),
            ("1", "Approval", 22, 23, "Clara"),
            ("2", "Brief", 9, 10, "Anna"),
            ("2", "Writing", 10, 12, "Boris"),
            ("2", "Approval", 13, 14, "Clara"),
            ("3", "Brief", 9, 10, "Anna"),
            ("3", "Writing", 11, 99, "Boris", True),
        ],
        completed=pd.Series([False], index=["3"]),
    )


def test_counts_and_times_of_a_small_process(approval: EventLog) -> None:
    found = discover(approval, calendar=ALWAYS)
    assert found.order == ("Brief", "Writing", "Approval")
    writing = found.activities.set_index("activity").loc["Writing"]
    assert (writing.instances, writing.cases, writing.max_rounds, writing.rework_cases) == (4, 3, 2, 1)
    assert (writing.starts, writing.ends) == (0, 0)
    assert writing.duration_total_h == 5
    assert writing.duration_median_h == 2
    assert found.activities["ends"].tolist() == [0, 0, 2]
    there = edge(found, "Writing", "Approval")
    assert (there["count"], there["cases"], there["waiting_median_h"], there["waiting_total_h"]) == (3, 2, 3, 8)
    assert not there["rework"]
    assert edge(found, "Approval", "Writing")["rework"]
    assert found.n_cases == 3
    assert found.n_variants == 3


def test_waiting_counts_open_hours_only(make_log: Callable[..., EventLog]) -> None:
    office = Calendar.parse({"Mon-Fri": "09:00-18:00"})
    log = make_log([("1", "A", 16, 17), ("1", "B", 24 + 10, 24 + 11)])
    assert edge(discover(log, calendar=office), "A", "B")["waiting_median_h"] == 2


def test_parallel_work_is_counted_not_clipped(make_log: Callable[..., EventLog]) -> None:
    log = make_log([("1", "A", 0, 5), ("1", "B", 3, 6), ("2", "A", 0, 5), ("2", "B", 7, 8)])
    there = edge(discover(log, calendar=ALWAYS), "A", "B")
    assert (there["count"], there["overlapping"], there["waiting_median_h"], there["waiting_total_h"]) == (2, 1, 2, 2)


def test_completions_alone_have_no_durations(make_log: Callable[..., EventLog]) -> None:
    log = make_log([("1", "A", 5, 5), ("1", "B", 9, 9)], timestamps="completed")
    found = discover(log, calendar=ALWAYS)
    assert found.activities["duration_median_h"].isna().all()
    assert edge(found, "A", "B")["waiting_median_h"] == 4


def test_fewer_activities_are_those_of_the_log_without_the_others(approval: EventLog) -> None:
    found = discover(approval, activities=0.6, calendar=ALWAYS)
    assert found.order == ("Writing", "Approval") or found.order == ("Brief", "Writing")
    assert found.shown_activities == pytest.approx(2 / 3)
    assert found.n_cases == 3


@given(
    paths=st.floats(0, 1),
    cases=st.lists(st.lists(st.sampled_from("ABCDEFG"), min_size=1, max_size=9), min_size=1, max_size=9),
)
def test_no_activity_is_cut_off_by_the_filter_of_paths(
    make_log: Callable[..., EventLog], paths: float, cases: list[list[str]]
) -> None:
    log = make_log([(str(i), name, j, j + 0.5) for i, case in enumerate(cases) for j, name in enumerate(case)])
    whole, some = discover(log, calendar=ALWAYS), discover(log, paths=paths, calendar=ALWAYS)
    between = whole.edges[whole.edges["source"] != whole.edges["target"]]
    assert set(some.edges["source"]) >= set(between["source"])
    assert set(some.edges["target"]) >= set(between["target"])
    assert len(some.edges) >= paths * len(whole.edges)
    assert some.shown_paths == (len(some.edges) / len(whole.edges) if len(whole.edges) else 1)
    assert int(whole.edges["count"].sum()) == sum(len(case) - 1 for case in cases)


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_what_is_no_share_is_told(approval: EventLog, share: float) -> None:
    with pytest.raises(DataError, match="is not a share"):
        discover(approval, paths=share)


def test_one_event_makes_a_map(make_log: Callable[..., EventLog]) -> None:
    found = discover(make_log([("1", "A", 0, 1)]), calendar=ALWAYS)
    assert (len(found.activities), len(found.edges), found.shown_paths) == (1, 0, 1.0)


def test_a_map_prints_and_converts_safely(make_log: Callable[..., EventLog]) -> None:
    log = make_log([("1", "<img src=x>", 0, 1), ("1", "B", 2, 3), ("2", "B", 0, 0)])
    found = discover(log, calendar=ALWAYS)
    assert "<img" not in found._repr_html_()
    assert json.loads(json.dumps(found.to_dict()))["edges"][0]["source"] == "<img src=x>"
    assert "ProcessMap of 2 cases" in repr(found)
    assert found.provenance.parameters["calendar"] == "24/7"
    assert found.to_pandas() is not found.edges


@pytest.mark.shared
@pytest.mark.filterwarnings("ignore")
def test_pm4py_measures_the_same_waits(shared_logs: Path) -> None:
    pm4py = pytest.importorskip("pm4py")
    log = read(shared_logs / "trackers" / "helpdesk.xes.gz")
    frame = log.to_pandas()
    events = frame[["case", "activity"]].astype(object).assign(time=frame["end"].astype("datetime64[ns, UTC]"))
    formatted = pm4py.format_dataframe(events, case_id="case", activity_key="activity", timestamp_key="time")
    theirs, _, _ = pm4py.discover_performance_dfg(formatted)
    found = discover(log, calendar=ALWAYS).edges.set_index(["source", "target"])
    assert set(found.index) == set(theirs)
    for pair, statistics in theirs.items():
        assert found.at[pair, "waiting_mean_h"] == pytest.approx(statistics["mean"] / 3600, rel=1e-6, abs=1e-3)
        assert found.at[pair, "waiting_median_h"] == pytest.approx(statistics["median"] / 3600, rel=1e-6, abs=1e-3)
    assert np.isfinite(found["waiting_p85_h"]).all()


def test_the_most_in_one_case_and_the_clock(approval: EventLog) -> None:
    working = Calendar.parse({"Mon-Fri": "09:00-13:00"})
    found = discover(approval, calendar=working)
    assert edge(found, "Writing", "Approval")["max_repeats"] == 2
    assert edge(found, "Brief", "Writing")["max_repeats"] == 1
    wall = discover(approval, calendar=working, clock="wall")
    assert wall.calendar.is_always_open
    assert edge(wall, "Writing", "Approval")["waiting_total_h"] == 4 + 3 + 1
    assert edge(wall, "Writing", "Approval")["waiting_p95_h"] == pytest.approx(3.9)
    assert "time of the clock" in repr(wall)
    with pytest.raises(UnknownNameError, match="clock"):
        discover(approval, clock="wal")  # type: ignore[arg-type]


@given(st.lists(st.text("AB", min_size=1, max_size=8), min_size=1, max_size=12))
def test_the_most_repeats_are_those_counted_case_by_case(paths: list[str]) -> None:
    rows = [
        (n, letter, pd.Timestamp("2025-01-06") + pd.Timedelta(hours=i))
        for n, p in enumerate(paths)
        for i, letter in enumerate(p)
    ]
    log = EventLog.from_pandas(pd.DataFrame(rows, columns=["case", "activity", "end"]))
    counts: dict[tuple[str, str], int] = {}
    for path in paths:
        for pair in set(pairwise(path)):
            counts[pair] = max(counts.get(pair, 0), list(pairwise(path)).count(pair))
    found = discover(log, calendar=ALWAYS).edges
    assert dict(zip(zip(found["source"], found["target"], strict=True), found["max_repeats"], strict=True)) == counts


def test_parallel_work_is_known_by_its_overlaps(make_log: Callable[..., EventLog]) -> None:
    rows = []
    for n in range(20):
        first, second = ("Text", "Picture") if n % 2 else ("Picture", "Text")
        rows += [(str(n), "Brief", 0, 1), (str(n), first, 2, 6), (str(n), second, 3, 7), (str(n), "Print", 8, 9)]
    found = discover(make_log(rows), calendar=ALWAYS, parallel=False)
    assert found.parallel_left_out == 2
    assert not {("Text", "Picture"), ("Picture", "Text")} & set(
        zip(found.edges["source"], found.edges["target"], strict=True)
    )
    assert len(found.edges) == 4
    assert "2 paths between activities done side by side" in repr(found)


@pytest.mark.parametrize(
    ("paths", "parallel"), [(["STPE", "SPTE"], True), (["STPE"], False), (["STPTPE", "SPTPTE"], False)]
)
def test_of_completions_parallel_is_what_comes_in_any_order_without_alternating(
    paths: list[str], parallel: bool
) -> None:
    rows = [
        (f"{path}{n}", letter, pd.Timestamp("2025-01-06") + pd.Timedelta(hours=i))
        for path in paths
        for n in range(20)
        for i, letter in enumerate(path)
    ]
    log = EventLog.from_pandas(pd.DataFrame(rows, columns=["case", "activity", "end"]))
    assert edge(discover(log, calendar=ALWAYS), "T", "P")["parallel"] == parallel


def test_activities_cost_what_their_attribute_says() -> None:
    times = pd.to_datetime(["2025-01-06 09:00", "2025-01-06 10:00", "2025-01-06 11:00"])
    frame = pd.DataFrame(
        {"case": "a", "activity": ["X", "X", "Y"], "end": times, "cost": [10.0, 30.0, np.nan], "word": "w"}
    )
    log = EventLog.from_pandas(frame, attributes=["cost", "word"])
    table = discover(log, cost="cost").activities.set_index("activity")
    assert (table.loc["X", "cost_total"], table.loc["X", "cost_median"]) == (40.0, 20.0)
    assert np.isnan(table.loc["Y", "cost_total"])
    assert not discover(log).costed
    with pytest.raises(DataError, match='"word" holds no numbers'):
        discover(log, cost="word")
    with pytest.raises(UnknownNameError, match="price"):
        discover(log, cost="price")


def test_fewer_paths_of_a_map_are_those_of_a_map_with_fewer(approval: EventLog) -> None:
    whole = discover(approval, calendar=ALWAYS)
    assert whole.only(paths=0.4).edges.equals(discover(approval, paths=0.4, calendar=ALWAYS).edges)
    assert whole.only(paths=0.4).shown_paths == discover(approval, paths=0.4, calendar=ALWAYS).shown_paths
    with pytest.raises(DataError, match="paths=2"):
        whole.only(paths=2)


def test_two_orders_are_merged_into_one() -> None:
    assert merged_order(["a", "b", "d"], ["a", "c", "d", "e"]) == ("a", "c", "b", "d", "e")
    assert merged_order([], ["x", "y"]) == ("x", "y")
    assert merged_order(["b"], ["a", "b"]) == ("a", "b")

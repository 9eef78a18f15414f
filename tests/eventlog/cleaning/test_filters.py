from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkmine.calendars import Calendar
from mkmine.errors import DataError, UnknownNameError
from mkmine.eventlog import EventLog
from mkmine.eventlog.cleaning.filters import (
    drop_activities,
    keep_activities,
    keep_attribute,
    keep_completed,
    keep_duration,
    keep_edge_duration,
    keep_endpoints,
    keep_first,
    keep_followed,
    keep_four_eyes,
    keep_frequent,
    keep_last,
    keep_resources,
    keep_rework,
    keep_roles,
    keep_segment,
    keep_size,
    keep_variants,
    keep_window,
    sample_cases,
)

ROWS = [
    ("1", "A", 0, 1, "Anna"),
    ("1", "B", 2, 3, "Boris"),
    ("2", "A", 24, 25, "Anna"),
    ("2", "B", 60, 61, "Boris"),
    ("3", "B", 48, 49, "Boris"),
]


def test_activities_are_kept_or_dropped_and_recorded(make_log: Callable[..., EventLog]) -> None:
    log = make_log(ROWS)
    kept, dropped = keep_activities(log, ["A"]), drop_activities(log, "A")
    assert (len(kept), kept.n_cases) == (2, 2)
    assert (len(dropped), dropped.n_cases) == (3, 3)
    assert str(kept.history[-1]) == "filter activities: A [3]"
    assert kept.provenance("x").filters == ("filter activities: A [3]",)
    assert len(log) == 5
    with pytest.raises(UnknownNameError, match='unknown activity "Z"'):
        keep_activities(log, ["Z"])


@pytest.mark.parametrize(
    ("rule", "cases"),
    [
        ("contained", ["1", "3"]),
        ("intersecting", ["1", "2", "3"]),
        ("started", ["1", "2", "3"]),
        ("ended", ["1", "2", "3"]),
    ],
)
def test_windows_choose_cases(make_log: Callable[..., EventLog], rule: str, cases: list[str]) -> None:
    log = make_log(ROWS)
    first, last = ("2025-03-03", date(2025, 3, 5)) if rule != "contained" else ("2025-03-03", "2025-03-05T12:30")
    if rule == "contained":
        assert keep_window(log, first, "2025-03-05T11:00").case_ids.tolist() == cases
    else:
        assert keep_window(log, first, last, cases=rule).case_ids.tolist() == cases  # type: ignore[arg-type]


def test_the_last_day_of_a_window_is_in_it(make_log: Callable[..., EventLog]) -> None:
    log = make_log(ROWS)
    assert keep_window(log, "2025-03-03", "2025-03-03").case_ids.tolist() == ["1"]
    assert keep_window(log, "2025-03-04", "2025-03-04", cases="started").case_ids.tolist() == ["2"]
    assert keep_window(log, "2025-03-05", "2025-03-05", cases="intersecting").case_ids.tolist() == ["2", "3"]


def test_a_window_narrows_what_was_observed(make_log: Callable[..., EventLog]) -> None:
    log = make_log(ROWS)
    kept = keep_window(log, "2025-03-04", "2025-03-09", cases="started")
    assert kept.observed[0] - log.observed[0] == 24 * 3_600_000_000
    assert kept.observed[1] == log.observed[1]
    assert kept.provenance("x").window == ("2025-03-04", "2025-03-05")
    assert not kept.partial


def test_filters_that_leave_work_of_the_same_people_out_are_told(make_log: Callable[..., EventLog]) -> None:
    log = make_log(ROWS)
    assert not log.partial
    assert keep_variants(log, 1).partial
    assert not keep_variants(log, 9).partial
    assert drop_activities(log, "A").partial
    assert not keep_completed(log).partial


def test_bad_windows_are_told(make_log: Callable[..., EventLog]) -> None:
    log = make_log(ROWS)
    with pytest.raises(DataError, match="is not a date"):
        keep_window(log, "gestern", "2025-03-05")
    with pytest.raises(DataError, match="ends before it begins"):
        keep_window(log, "2025-03-05", "2025-03-03")
    for cases in ("contained", "intersecting", "trimmed"):
        with pytest.raises(DataError, match="ends before it begins"):
            keep_window(log, "2025-03-05", "2025-03-04", cases=cases)
    with pytest.raises(DataError, match="leaves none of 3 cases"):
        keep_window(log, "2026-03-05", "2026-03-06")
    with pytest.raises(UnknownNameError, match='did you mean "started"'):
        keep_window(log, "2025-03-03", "2025-03-05", cases="startd")  # type: ignore[arg-type]


def test_the_most_frequent_variants_are_kept(make_log: Callable[..., EventLog]) -> None:
    log = keep_variants(make_log(ROWS), 1)
    assert log.case_ids.tolist() == ["1", "2"]
    assert log.history[-1].detail == "the 1 most frequent of 2"
    with pytest.raises(DataError, match="keeps no variant"):
        keep_variants(log, 0)
    with pytest.raises(DataError, match="give one of"):
        keep_variants(log, 1, share=0.5)


def test_attributes_and_completion_choose_cases() -> None:
    frame = pd.DataFrame(
        {
            "case": ["1", "1", "2"],
            "activity": ["A", "B", "A"],
            "end": pd.to_datetime(["2025-03-03", "2025-03-04", "2025-03-05"]),
            "channel": ["blog", "smm", "blog"],
        }
    )
    log = EventLog.from_pandas(
        frame,
        attributes=["channel"],
        case_attributes=pd.DataFrame({"client": ["x", "y"]}, index=["1", "2"]),
        completed=pd.Series([True, False], index=["1", "2"]),
    )
    assert keep_attribute(log, "channel", "smm").case_ids.tolist() == ["1"]
    assert keep_attribute(log, "client", ["y"]).case_ids.tolist() == ["2"]
    assert keep_completed(log).case_ids.tolist() == ["1"]
    with pytest.raises(UnknownNameError, match='unknown attribute "clent"'):
        keep_attribute(log, "clent", "y")


LOOP = [
    ("1", "A", 0, 1, "Anna"),
    ("1", "B", 2, 3, "Boris"),
    ("1", "A", 4, 5, "Anna"),
    ("1", "B", 30, 31, "Clara"),
    ("2", "A", 0, 1, "Anna"),
    ("2", "B", 2, 3, "Anna"),
    ("3", "B", 0, 1, "Boris"),
    ("3", "B", 1, 2, "Boris"),
    ("3", "A", 2, 3, "Clara"),
]


def ids(log: EventLog) -> list[str]:
    return [str(one) for one in log.case_ids]


@pytest.fixture
def loop(make_log: Callable[..., EventLog]) -> EventLog:
    return make_log(LOOP)


def test_an_inverted_filter_keeps_the_rest_and_says_so(loop: EventLog) -> None:
    kept, rest = keep_endpoints(loop, ends="B"), keep_endpoints(loop, ends="B", invert=True)
    assert (ids(kept), ids(rest)) == (["1", "2"], ["3"])
    assert str(kept.history[-1]) == "filter endpoints: end with B [1]"
    assert str(rest.history[-1]) == "filter out endpoints: end with B [2]"
    assert ids(keep_endpoints(loop, starts=["A"], ends=["B"])) == ["1", "2"]
    with pytest.raises(DataError, match="name activities"):
        keep_endpoints(loop)
    with pytest.raises(UnknownNameError, match='unknown activity "Bb"'):
        keep_endpoints(loop, ends="Bb")


def test_an_inverted_window_or_completion_is_partial(make_log: Callable[..., EventLog]) -> None:
    log = make_log(ROWS)
    assert keep_window(log, "2025-03-04", "2025-03-04", cases="started", invert=True).partial
    assert not keep_window(log, "2025-03-04", "2025-03-04", cases="started").partial
    with pytest.raises(DataError, match="cannot be inverted"):
        keep_window(log, "2025-03-04", "2025-03-04", cases="trimmed", invert=True)


def test_rework_is_a_return_not_a_second_sitting(loop: EventLog) -> None:
    assert ids(keep_rework(loop)) == ["1"]
    assert ids(keep_rework(loop, consecutive=True)) == ["1", "3"]
    assert ids(keep_rework(loop, activities=["B"], consecutive=True, invert=True)) == ["2"]
    with pytest.raises(DataError, match="is no rework"):
        keep_rework(loop, rounds=1)


def test_followers_direct_eventual_within_a_time_each_and_never(loop: EventLog) -> None:
    assert ids(keep_followed(loop, "A", "B")) == ["1", "2"]
    assert ids(keep_followed(loop, "B", "A", relation="directly")) == ["1", "3"]
    assert ids(keep_followed(loop, "A", "B", every=True, within="3h")) == ["2"]
    assert ids(keep_followed(loop, "A", "B", within="3h")) == ["1", "2"]
    assert ids(keep_followed(loop, "A", "B", invert=True)) == ["3"]
    assert ids(keep_followed(loop, "B", "B", relation="directly")) == ["3"]
    with pytest.raises(UnknownNameError, match='did you mean "directly"'):
        keep_followed(loop, "A", "B", relation="direct")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="is not a length of time"):
        keep_followed(loop, "A", "B", within="soon")


def test_four_eyes(loop: EventLog) -> None:
    assert ids(keep_four_eyes(loop, "A", "B")) == ["1", "3"]
    assert ids(keep_four_eyes(loop, "A", "B", people="same")) == ["2"]
    assert ids(keep_four_eyes(loop, "B", "B")) == ["1"]
    assert ids(keep_four_eyes(loop, "B", "B", people="same")) == ["3"]
    assert ids(keep_four_eyes(loop, "A", "B", invert=True)) == ["2"]


def test_times_of_cases_and_of_transitions(loop: EventLog) -> None:
    assert ids(keep_duration(loop, at_least="4h")) == ["1"]
    assert ids(keep_duration(loop, at_most=3)) == ["2", "3"]
    assert ids(keep_edge_duration(loop, "A", "B", at_least="1 day")) == ["1"]
    assert ids(keep_edge_duration(loop, "A", "B", at_most="1h")) == ["1", "2"]
    with pytest.raises(DataError, match="give a limit"):
        keep_duration(loop)
    with pytest.raises(DataError, match="swap them"):
        keep_duration(loop, at_least="2h", at_most="1h")
    with pytest.raises(DataError, match="is negative"):
        keep_duration(loop, at_least=-1)


def test_working_time_leaves_the_night_out(make_log: Callable[..., EventLog]) -> None:
    office = Calendar.parse({"Mon-Fri": "09:00-18:00"})
    log = make_log([("1", "A", 16, 17), ("1", "B", 34, 35), ("2", "A", 10, 17), ("2", "B", 17, 18)], calendar=office)
    assert ids(keep_duration(log, at_most="5h", clock="working")) == ["1"]
    assert ids(keep_duration(log, at_most="10h")) == ["2"]


def test_open_cases_have_no_upper_limit(make_log: Callable[..., EventLog]) -> None:
    log = make_log(ROWS, completed=pd.Series([False], index=["1"]))
    assert ids(keep_duration(log, at_most="2 days")) == ["2", "3"]
    assert "1" in ids(keep_duration(log, at_least="2h"))


def test_sizes_people_and_frequent_activities(loop: EventLog) -> None:
    assert ids(keep_size(loop, at_least=3)) == ["1", "3"]
    assert ids(keep_size(loop, at_most=2)) == ["2"]
    assert len(keep_resources(loop, "Clara")) == 2
    assert ids(keep_resources(loop, "Clara", of="cases", invert=True)) == ["2"]
    assert keep_frequent(loop, top=1).activities == ("A",)
    assert len(keep_frequent(loop, share=0.9)) == len(loop)
    for wrong in ({}, {"top": 0}, {"share": 2.0}, {"top": 1, "share": 0.5}):
        with pytest.raises(DataError):
            keep_frequent(loop, **wrong)
    with pytest.raises(UnknownNameError, match="known"):
        keep_roles(loop, "editor")


def test_segments(loop: EventLog) -> None:
    middle = keep_segment(loop, since="A", until="B", until_which="first")
    assert ids(middle) == ["1", "2"]
    assert np.diff(middle.offsets).tolist() == [2, 2]
    assert np.diff(keep_segment(loop, since="A").offsets).tolist() == [4, 2, 1]
    assert np.diff(keep_segment(loop, until="A").offsets).tolist() == [3, 1, 3]
    assert np.diff(keep_segment(loop, until="A", included=False).offsets).tolist() == [2, 2]
    assert keep_segment(loop, since="A", until="B").completed.all()
    with pytest.raises(DataError, match="name the activity"):
        keep_segment(loop)


def test_samples_are_seeded_and_nested(loop: EventLog) -> None:
    assert ids(keep_first(loop, 1)) == ["1"]
    assert ids(keep_last(keep_segment(loop, since="B"), 1)) == ["1"]
    one, two = ids(sample_cases(loop, 1, seed=7)), ids(sample_cases(loop, 2, seed=7))
    assert set(one) < set(two)
    assert ids(sample_cases(loop, share=0.5, seed=7)) == two
    for wrong in ((0, None), (None, None), (1, 0.5), (None, 0.0)):
        with pytest.raises(DataError):
            sample_cases(loop, wrong[0], share=wrong[1], seed=7)


def test_variants_by_share_and_by_path(loop: EventLog) -> None:
    assert keep_variants(loop, share=0.3).n_cases == 1
    assert keep_variants(loop, share=1.0).n_cases == 3
    assert ids(keep_variants(loop, paths=[("A", "B"), ("B", "B", "A")])) == ["2", "3"]
    assert ids(keep_variants(loop, paths=[("A", "B")], invert=True)) == ["1", "3"]
    with pytest.raises(UnknownNameError):
        keep_variants(loop, paths=[("A", "Q")])


def test_a_trimmed_window_cuts_instances_and_censors(make_log: Callable[..., EventLog]) -> None:
    log = make_log([("1", "A", 20, 30), ("1", "B", 40, 60), ("2", "A", 30, 31), ("3", "A", 0, 1), ("4", "A", 50, 51)])
    kept = keep_window(log, "2025-03-04", "2025-03-04", cases="trimmed")
    base = pd.Timestamp("2025-03-03", tz="UTC").value // 1000
    hours = lambda moments: ((moments - base) / 3_600_000_000).tolist()  # noqa: E731
    assert ids(kept) == ["1", "2"]
    assert (hours(kept.start), hours(kept.end)) == ([24, 40, 30], [30, 48, 31])
    assert kept.ongoing.tolist() == [False, True, False]
    assert kept.completed.tolist() == [False, True]


def test_attributes_by_limits_and_by_level() -> None:
    frame = pd.DataFrame({"case": ["1", "1", "2"], "activity": ["A", "B", "A"], "amount": [10.0, np.nan, 30.0]})
    frame["end"] = pd.to_datetime(["2025-03-03", "2025-03-04", "2025-03-05"])
    facts = pd.DataFrame({"due": pd.to_datetime(["2025-04-01", None]), "size": [1, 2]}, index=["1", "2"])
    log = EventLog.from_pandas(frame, attributes=["amount", "activity"], case_attributes=facts)
    assert ids(keep_attribute(log, "amount", at_least=20)) == ["2"]
    assert len(keep_attribute(log, "amount", at_most=20, of="instances")) == 1
    assert ids(keep_attribute(log, "due", at_least="2025-04-01", at_most="2025-04-01")) == ["1"]
    assert ids(keep_attribute(log, "size", [1], invert=True)) == ["2"]
    assert keep_attribute(log, "size", at_least=1, at_most=1).history[-1].detail == "size at least 1 and at most 1"
    with pytest.raises(DataError, match="say what to keep"):
        keep_attribute(log, "size")
    with pytest.raises(DataError, match="neither numbers nor dates"):
        keep_attribute(log, "activity", at_least=1)
    with pytest.raises(DataError, match="holds dates"):
        keep_attribute(log, "due", at_least=3)
    with pytest.raises(DataError, match="holds numbers"):
        keep_attribute(log, "size", at_least="many")
    with pytest.raises(DataError, match="chooses no instances"):
        keep_attribute(log, "size", [1], of="instances")


events = st.lists(
    st.tuples(
        st.integers(0, 5), st.sampled_from("ABC"), st.integers(0, 200), st.integers(0, 9), st.sampled_from("xyz")
    ),
    min_size=6,
    max_size=40,
)
FILTERS: tuple[Callable[..., EventLog], ...] = (
    lambda log, **more: keep_activities(log, "A", of="cases", **more),
    lambda log, **more: keep_attribute(log, "paid", at_least=50, **more),
    lambda log, **more: keep_resources(log, "x", of="cases", **more),
    lambda log, **more: keep_variants(log, 1, **more),
    lambda log, **more: keep_endpoints(log, starts="A", ends=["B", "C"], **more),
    lambda log, **more: keep_rework(log, **more),
    lambda log, **more: keep_followed(log, "A", "B", within="3h", **more),
    lambda log, **more: keep_followed(log, "A", "B", relation="directly", every=True, **more),
    lambda log, **more: keep_four_eyes(log, "A", "B", **more),
    lambda log, **more: keep_four_eyes(log, "A", "A", people="same", **more),
    lambda log, **more: keep_duration(log, at_least="1 day", **more),
    lambda log, **more: keep_edge_duration(log, "A", "B", at_most="9h", **more),
    lambda log, **more: keep_size(log, at_least=2, **more),
    lambda log, **more: keep_window(log, "2025-03-04", "2025-03-06", cases="started", **more),
)


@given(rows=events, number=st.integers(0, len(FILTERS) - 1))
def test_a_filter_and_its_opposite_part_the_cases(rows: list[tuple[int, str, int, int, str]], number: int) -> None:
    base = pd.Timestamp("2025-03-03")
    frame = pd.DataFrame(rows, columns=["case", "activity", "at", "took", "resource"])
    frame = pd.concat([frame, pd.DataFrame({"case": [9] * 3, "activity": [*"ABC"], "at": [0, 1, 2], "took": 0})])
    frame["start"] = base + pd.to_timedelta(frame["at"], unit="h")
    frame["end"] = frame["start"] + pd.to_timedelta(frame["took"], unit="h")
    frame["resource"] = frame["resource"].fillna("x")
    frame["paid"] = frame["at"]
    frame = frame.reset_index(drop=True)
    log = EventLog.from_pandas(frame, start="start", resource="resource", attributes=["paid"])
    parts = []
    for invert in (False, True):
        with suppress(DataError):
            kept = FILTERS[number](log, invert=invert)
            assert kept.history[-1].touched == log.n_cases - kept.n_cases
            assert len(kept.quarantine) == 0
            parts += ids(kept)
    assert sorted(parts) == sorted(ids(log))

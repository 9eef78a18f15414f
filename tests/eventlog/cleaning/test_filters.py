from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from mkmine.errors import DataError, UnknownNameError
from mkmine.eventlog import EventLog
from mkmine.eventlog.cleaning.filters import (
    drop_activities,
    drop_duplicates,
    keep_activities,
    keep_attribute,
    keep_completed,
    keep_variants,
    keep_window,
)
from mkmine.eventlog.cleaning.quality import quality

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


def test_duplicates_are_set_aside_once(make_log: Callable[..., EventLog]) -> None:
    log = drop_duplicates(make_log([*ROWS, ROWS[0], ("1", "A", 0, 1, "Boris")]))
    assert len(log) == len(ROWS) + 1
    assert str(log.history[-1]) == "filter duplicates: same case, activity, times and person [1]"
    assert not log.partial
    assert "repeats" not in {one.kind for one in quality(log).findings}


def test_bad_windows_are_told(make_log: Callable[..., EventLog]) -> None:
    log = make_log(ROWS)
    with pytest.raises(DataError, match="is not a date"):
        keep_window(log, "gestern", "2025-03-05")
    with pytest.raises(DataError, match="ends before it begins"):
        keep_window(log, "2025-03-05", "2025-03-03")
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


def test_attributes_and_completion_choose_cases() -> None:
    import pandas as pd

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

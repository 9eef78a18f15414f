from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkmine.calendars import HOUR, Calendar
from mkmine.errors import DataError, UnknownNameError
from mkmine.eventlog import EventLog
from mkmine.eventlog.summaries import CaseTimes, case_durations, case_table, case_times, cases, duplicates, running_end
from tests.eventlog.summaries.samples import Event, events, kernels, log_of

FORMS = ("numpy", "numba")
SHARED = ["instances", "activities", "hand_offs", "cycle_h", "processing_h", "busy_h", "waiting_h"]


@pytest.mark.parametrize("form", FORMS)
@given(drawn=events, completions=st.booleans(), long=st.sampled_from([1, 1000]), outside=st.booleans())
def test_times_are_those_of_the_case_table_by_the_wall_clock(
    form: str, drawn: list[Event], completions: bool, long: int, outside: bool
) -> None:
    log = log_of(drawn, completions=completions, open_cases=True)
    waits = log.activity == 0 if outside else np.zeros(len(log), dtype=np.bool_)
    expected = case_table(log, calendar=Calendar.always(), waits=waits)
    with kernels(form), pytest.MonkeyPatch.context() as patch:
        patch.setattr(cases, "LONG", long)
        times = case_times(log, outside=log.activities[:1] if outside else ())
    found = times.to_pandas(time_zone=log.time_zone)
    if completions:
        assert found["waiting_h"].isna().all()
        expected["waiting_h"] = np.nan
    pd.testing.assert_frame_equal(found[SHARED], expected[SHARED], check_dtype=False, atol=1e-9)
    assert found["case"].tolist() == expected["case"].tolist()
    assert found["completed"].tolist() == expected["completed"].tolist()
    assert found["start"].tolist() == expected["start"].tolist()
    assert found["end"].tolist() == expected["end"].tolist()
    paths = [log.activity[a:b] for a, b in itertools.pairwise(log.offsets.tolist())]
    assert times.repeated.tolist() == [int((path[1:] == path[:-1]).sum()) for path in paths]
    assert (times.reworked + times.repeated + times.activities).tolist() == times.instances.tolist()


@pytest.mark.parametrize("form", FORMS)
def test_recorded_enabled_times_are_used(form: str) -> None:
    base = pd.Timestamp("2025-03-03", tz="UTC")
    frame = pd.DataFrame(
        {"case": ["1", "1"], "activity": ["A", "A"], "enabled": [0, 3], "start": [1, 5], "end": [2, 6]}
    )
    for column in ("enabled", "start", "end"):
        frame[column] = base + pd.to_timedelta(frame[column], unit="h")
    log = EventLog.from_pandas(frame, start="start", enabled="enabled")
    with kernels(form):
        found = case_times(log)
    assert (found.cycle / HOUR).tolist() == [6]
    assert (found.waiting / HOUR).tolist() == [3]
    assert (found.reworked.tolist(), found.repeated.tolist()) == ([0], [1])


def test_distributions_over_cases(make_log: Callable[..., EventLog]) -> None:
    log = make_log([("1", "A", 0, 2), ("1", "B", 4, 5), ("2", "A", 0, 9)])
    found = case_durations(log, exact=True).to_pandas().set_index("measure")
    assert found.loc["cycle", "median_h"] == 7
    assert found.loc["processing", "total_h"] == 12
    assert found.loc["waiting", "max_h"] == 2
    completions = make_log([("1", "A", 2, 2), ("1", "B", 5, 5)], timestamps="completed")
    assert set(case_durations(completions).to_pandas()["measure"]) == {"cycle"}
    assert case_times(completions).to_pandas()["waiting_h"].isna().all()
    assert "not told apart" in repr(case_times(completions))


def test_a_case_in_both_parts_is_told(make_log: Callable[..., EventLog]) -> None:
    one, other = make_log([("1", "A", 0, 2), ("7", "A", 0, 1)]), make_log([("7", "B", 4, 5)])
    with pytest.raises(DataError, match='the case "7" is in both parts'):
        case_times(one).merge(case_times(other))
    completions = make_log([("9", "A", 2, 2)], timestamps="completed")
    with pytest.raises(DataError, match="when work began"):
        case_times(one).merge(case_times(completions))
    assert len(CaseTimes().to_pandas()) == 0


def test_times_that_cannot_be_added_up_are_told() -> None:
    base = pd.Timestamp("1900-01-01", tz="UTC")
    frame = pd.DataFrame({"case": "1", "activity": "A", "start": base, "end": pd.Timestamp("2199-12-31", tz="UTC")},
                         index=range(600))  # fmt: skip
    with pytest.raises(DataError, match="cannot be added up"):
        case_times(EventLog.from_pandas(frame, start="start"))
    few = case_times(EventLog.from_pandas(frame.head(100), start="start"))
    assert few.processing is not None
    assert few.processing[0] == 100 * few.cycle[0]
    assert few.busy is not None
    assert few.busy[0] == few.cycle[0]


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


def test_going_on_with_an_activity_is_no_rework(make_log: Callable[..., EventLog]) -> None:
    log = make_log([("1", name, 2 * i, 2 * i + 1, "x") for i, name in enumerate("AABBAAB")])
    table = case_table(log, calendar=Calendar.always())
    assert table[["reworked", "repeated"]].iloc[0].tolist() == [2, 3]


@pytest.mark.parametrize("form", FORMS)
def test_what_nobody_of_the_log_does_is_waiting(form: str, make_log: Callable[..., EventLog]) -> None:
    log = make_log([("1", "A", 0, 2, "Anna"), ("1", "Agency", 2, 12, None), ("1", "B", 13, 14, "Anna")])
    with kernels(form):
        one = case_table(log, calendar=Calendar.always()).iloc[0]
        fast = case_times(log, outside=["Agency"]).to_pandas().iloc[0]
    assert (one.processing_h, one.busy_h, one.waiting_h) == (3, 3, 11)
    assert (fast.processing_h, fast.busy_h, fast.waiting_h) == (3, 3, 11)
    with pytest.raises(UnknownNameError, match='did you mean "Agency"'):
        case_times(log, outside=["Agencies"])


def test_running_end_looks_over_all_earlier_instances(make_log: Callable[..., EventLog]) -> None:
    log = make_log([("1", "A", 0, 9), ("1", "B", 1, 2), ("1", "C", 3, 4), ("2", "A", 0, 1)])
    hours = (running_end(log) - log.start.min()) / 3_600_000_000
    assert hours.tolist() == [9, 9, 9, 1]


def test_exact_duplicates_are_the_later_ones(make_log: Callable[..., EventLog]) -> None:
    log = make_log([("1", "A", 0, 9), ("1", "A", 0, 9), ("1", "A", 0, 8), ("2", "A", 0, 9)])
    assert np.count_nonzero(duplicates(log)) == 1

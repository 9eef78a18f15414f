from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkmine.calendars import HOUR
from mkmine.errors import DataError
from mkmine.eventlog import EventLog
from mkmine.eventlog.observation import as_observed

BASE = pd.Timestamp("2025-03-03", tz="UTC")
ORIGIN = BASE.value // 1000
rows = st.lists(
    st.tuples(st.sampled_from("ABC"), st.integers(0, 20), st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=15
)


def window(first: float, last: float) -> tuple[int, int]:
    return int(ORIGIN + first * HOUR), int(ORIGIN + last * HOUR)


@given(rows, st.integers(0, 15), st.integers(1, 15))
def test_an_observer_of_a_window(found: list[tuple[str, int, int, int]], first: int, length: int) -> None:
    frame = pd.DataFrame(
        {
            "case": [row[0] for row in found],
            "activity": "x",
            "enabled": [BASE + pd.Timedelta(hours=row[1]) for row in found],
            "start": [BASE + pd.Timedelta(hours=row[1] + row[2]) for row in found],
            "end": [BASE + pd.Timedelta(hours=row[1] + row[2] + row[3]) for row in found],
        }
    )
    log = EventLog.from_pandas(frame, start="start", enabled="enabled")
    begin, close = window(first, first + length)
    finish = {case: log.end[log.case_of == n].max() for n, case in enumerate(log.case_ids)}
    wanted = [n for n in range(len(log)) if log.enabled[n] < close and finish[log.case_ids[log.case_of[n]]] >= begin]
    if not wanted:
        with pytest.raises(DataError, match="nothing happens in the window of observation"):
            as_observed(log, (begin, close))
        return
    seen = as_observed(log, (begin, close))
    assert len(seen) == len(wanted)
    assert seen.observed == (begin, close)
    for mine, n in enumerate(wanted):
        assert seen.case_ids[seen.case_of[mine]] == log.case_ids[log.case_of[n]]
        assert seen.start[mine] == min(log.start[n], close)
        assert seen.end[mine] == min(log.end[n], close)
        assert seen.ongoing[mine] == (log.end[n] > close)
    unseen = {log.case_ids[log.case_of[n]] for n in set(range(len(log))) - set(wanted)}
    for case, done in zip(seen.case_ids, seen.completed, strict=True):
        assert done == (finish[case] <= close and case not in unseen)
    keys = list(zip(seen.case_of.tolist(), seen.start.tolist(), seen.end.tolist(), strict=True))
    assert keys == sorted(keys)
    # To look at the same window again shows nothing new.
    again = as_observed(seen, (begin, close))
    assert again.content_hash == seen.content_hash


def test_open_cases_stay_open_and_steps_are_told(make_log: Callable[..., EventLog]) -> None:
    log = make_log([("1", "a", 9, 10), ("2", "a", 9, 10)], completed=pd.Series([False], index=["2"]))
    seen = as_observed(log, window(0, 24))
    assert seen.completed.tolist() == [True, False]
    assert seen.history[-1].action == "observe"
    assert np.array_equal(log.completed, [True, False])

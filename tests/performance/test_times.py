from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from mkmine.calendars import Calendar
from mkmine.eventlog import EventLog
from mkmine.eventlog.cleaning.filters import keep_window
from mkmine.eventlog.summaries import case_table
from mkmine.performance.times import key_figures

ALWAYS = Calendar.always()


def figures(log: EventLog, **options: bool) -> dict[str, float]:
    return key_figures(log, case_table(log, calendar=ALWAYS), **options)


def test_key_figures_of_finished_cases(make_log: Callable[..., EventLog]) -> None:
    log = make_log([("1", "A", 0, 4, "x"), ("2", "A", 0, 2, "x"), ("2", "B", 6, 8, "x"), ("2", "A", 8, 168, "x")])
    found = figures(log)
    assert found["cycle_median_h"] == 4
    assert found["cycle_mean_h"] == (4 + 168) / 2
    assert (found["completed"], found["open"]) == (2, 0)
    assert found["throughput_per_week"] == pytest.approx(2)
    assert found["flow_efficiency"] == pytest.approx((4 + 2 + 2 + 160) / 172)
    assert found["rework_share"] == 0.5
    assert found["waiting_per_case_h"] == 2


def test_rework_is_that_of_completed_cases(make_log: Callable[..., EventLog]) -> None:
    rows = [("1", "A", 0, 4), ("1", "B", 4, 5), ("1", "A", 5, 6), ("2", "A", 0, 2), ("3", "A", 1, 2), ("4", "A", 1, 2)]
    left = make_log(rows, completed=pd.Series({"3": False, "4": False}))
    assert figures(left)["rework_share"] == 0.5
    assert np.isnan(figures(make_log(rows, completed=pd.Series(dict.fromkeys("1234", False))))["rework_share"])


def test_open_cases_are_censored_not_dropped(make_log: Callable[..., EventLog]) -> None:
    rows = [(str(i), "A", 0, i + 1) for i in range(10)]
    closed = figures(make_log(rows))
    rows = [(*row, None, row[0] in "6789") for row in rows]
    partly = figures(make_log(rows, completed=pd.Series([False] * 4, index=list("6789"))))
    assert closed["cycle_median_h"] == partly["cycle_median_h"] == 5
    assert np.isnan(partly["cycle_p85_h"])
    assert partly["open"] == 4
    assert partly["cycle_mean_h"] > 3.5


def test_what_cannot_be_known_is_nan(make_log: Callable[..., EventLog]) -> None:
    log = make_log([("1", "A", 1, 1), ("1", "B", 5, 5)], timestamps="completed")
    found = figures(log)
    assert np.isnan(found["flow_efficiency"])
    assert np.isnan(found["processing_per_case_h"])
    assert found["waiting_per_case_h"] == 4
    assert np.isnan(figures(make_log([("1", "A", 0, 1, "x")]), separable=False)["flow_efficiency"])


def test_throughput_is_that_of_the_time_observed(make_log: Callable[..., EventLog]) -> None:
    log = make_log([("1", "A", 0, 4), ("2", "A", 30, 40), ("3", "A", 40, 400)])
    kept = keep_window(log, "2025-03-04", "2025-03-10", cases="started")
    assert figures(kept)["throughput_per_week"] == 1
    assert kept.observed[1] - kept.observed[0] == 7 * 24 * 3_600_000_000


def test_cancelled_cases_are_counted_apart(make_log: Callable[..., EventLog]) -> None:
    rows = [("1", "A", 0, 4), ("2", "A", 0, 84), ("3", "A", 0, 168)]
    outcome = pd.DataFrame({"outcome": ["completed", "completed", "cancelled"]}, index=["1", "2", "3"])
    found = figures(make_log(rows, case_attributes=outcome))
    assert (found["completed"], found["cancelled"], found["open"]) == (2, 1, 0)
    assert found["cycle_mean_h"] == 44
    assert found["throughput_per_week"] == 2
    every = figures(make_log(rows, case_attributes=outcome.assign(outcome="cancelled")))
    assert every["completed"] == 0
    assert np.isnan(every["cycle_median_h"])

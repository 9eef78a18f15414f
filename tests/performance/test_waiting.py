from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mkmine.calendars import Calendar
from mkmine.discovery import find_pools
from mkmine.eventlog import EventLog
from mkmine.performance.waiting import spent, waiting, workload

ALWAYS = Calendar.always()
OFFICE = Calendar.parse({"Mon-Fri": "09:00-18:00"})


def table(log: EventLog, calendar: Calendar = ALWAYS) -> dict[str, dict[str, float]]:
    found = waiting(log, spent(log, calendar), find_pools(log))
    return found.set_index("activity").to_dict("index")


def test_waiting_and_processing_of_a_case(make_log: Callable[..., EventLog]) -> None:
    found = table(make_log([("1", "A", 9, 10, "x"), ("1", "B", 13, 15, "y"), ("1", "C", 15, 16, "x")]))
    assert found["B"]["waiting_total_h"] == 3
    assert found["B"]["processing_total_h"] == 2
    assert found["B"]["share"] == 1
    assert found["C"]["waiting_total_h"] == 0
    assert np.isnan(found["A"]["waiting_total_h"])


def test_nights_are_not_waiting_but_are_told(make_log: Callable[..., EventLog]) -> None:
    found = table(make_log([("1", "A", 16, 17, "x"), ("1", "B", 34, 35, "y")]), OFFICE)
    assert found["B"]["waiting_total_h"] == 2
    assert found["B"]["off_hours_wall_h"] == 15


def test_parallel_work_waits_for_what_enabled_it(make_log: Callable[..., EventLog]) -> None:
    found = table(make_log([("1", "A", 0, 2, "x"), ("1", "B", 3, 9, "y"), ("1", "C", 5, 6, "z")]))
    assert found["C"]["waiting_total_h"] == 3


def test_recorded_enabling_wins() -> None:
    import pandas as pd

    base = pd.Timestamp("2025-03-03", tz="UTC")
    hours = lambda *values: [base + pd.Timedelta(hours=value) for value in values]  # noqa: E731
    frame = pd.DataFrame(
        {
            "case": ["1", "1"],
            "activity": ["A", "B"],
            "enabled": hours(0, 4),
            "start": hours(1, 9),
            "end": hours(2, 10),
            "resource": ["x", "y"],
        }
    )
    found = table(EventLog.from_pandas(frame, start="start", enabled="enabled", resource="resource"))
    assert (found["A"]["waiting_total_h"], found["B"]["waiting_total_h"]) == (1, 5)


def test_what_nobody_does_is_an_outside_wait(make_log: Callable[..., EventLog]) -> None:
    log = make_log([("1", "A", 0, 1, "x"), ("1", "Agency", 2, 12, None), ("1", "B", 12, 13, "x")])
    found = table(log)
    assert found["Agency"]["waiting_total_h"] == 11
    assert np.isnan(found["Agency"]["processing_total_h"])
    assert found["Agency"]["role"] is None


def test_ongoing_work_stays_out_of_durations(make_log: Callable[..., EventLog]) -> None:
    log = make_log([("1", "A", 0, 1, "x"), ("2", "A", 0, 500, "x", True)])
    assert table(log)["A"]["processing_total_h"] == 1


def test_ongoing_work_makes_nobody_busy(make_log: Callable[..., EventLog]) -> None:
    log = make_log([("1", "A", 0, 1, "x"), ("2", "A", 3, 4, "x"), ("3", "A", 4, 500, "x", True)])
    load = workload(log, spent(log, ALWAYS), find_pools(log), ALWAYS).iloc[0]
    assert (load.instances, load.open_h, load.utilisation) == (3, 4, 0.5)


def test_completions_leave_processing_unknown(make_log: Callable[..., EventLog]) -> None:
    log = make_log([("1", "A", 1, 1, "x"), ("1", "B", 5, 5, "x")], timestamps="completed")
    assert table(log)["B"]["waiting_total_h"] == 4
    assert np.isnan(table(log)["B"]["processing_total_h"])
    load = workload(log, spent(log, ALWAYS), find_pools(log), ALWAYS)
    assert load["utilisation"].isna().all()


def test_statuses_that_say_so_are_waits(make_log: Callable[..., EventLog]) -> None:
    log = make_log(
        [("1", "In progress", 0, 2, "x"), ("1", "Waiting for client", 2, 9, "x"), ("1", "In review", 9, 10, "x")]
    )
    times = spent(log, ALWAYS)
    assert times.statuses
    found = table(log)
    assert found["Waiting for client"]["waiting_total_h"] == 7
    assert found["In progress"]["processing_total_h"] == 2


def test_done_work_and_waits_for_clients_are_no_queues_for_people(make_log: Callable[..., EventLog]) -> None:
    log = make_log(
        [
            ("1", "Queued", 0, 2, "x"),
            ("1", "In progress", 2, 3, "x"),
            ("1", "Wait - User", 3, 9, "x"),
            ("1", "In progress", 9, 10, "x"),
            ("1", "Resolved", 10, 40, "x"),
        ]
    )
    times = spent(log, ALWAYS)
    assert times.outside.tolist() == [False, False, True, False, True]
    assert times.status.tolist() == [True, False, False, False, False]
    load = workload(log, times, find_pools(log), ALWAYS)
    assert load["contention_h"].sum() == 2


def test_several_things_at_once_make_nobody_busier_than_always(make_log: Callable[..., EventLog]) -> None:
    log = make_log([("1", "A", 0, 8, "x"), ("2", "A", 0, 8, "x"), ("3", "A", 2, 4, "x"), ("4", "A", 9, 10, "x")])
    load = workload(log, spent(log, ALWAYS), find_pools(log), ALWAYS).iloc[0]
    assert (load.people, load.instances, load.processing_h, load.open_h) == (1, 4, 19, 10)
    assert load.utilisation == pytest.approx(0.9)


def test_waiting_for_people_to_come_back_is_no_contention(make_log: Callable[..., EventLog]) -> None:
    rows = []
    for week in range(30):
        for i in range(10):
            ready, start = 168 * week + 9 + i / 2, 168 * week + 24 + 9 + i
            rows.append((f"{week}-{i}", "Write", ready - 1, ready, "Writer"))
            rows.append((f"{week}-{i}", "Approve", start, start + 0.9, "Boss"))
    log = make_log(rows)
    load = workload(log, spent(log, OFFICE), find_pools(log), OFFICE).set_index("role")
    waits = waiting(log, spent(log, OFFICE), find_pools(log)).set_index("activity")
    assert waits.at["Approve", "waiting_total_h"] > 2 * load.at["Boss", "contention_h"]
    assert load.at["Boss", "utilisation"] > 0.8

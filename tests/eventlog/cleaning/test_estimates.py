from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mkmine.calendars import Calendar
from mkmine.errors import DataError
from mkmine.eventlog import EventLog
from mkmine.eventlog.cleaning.estimates import concurrent_activities, estimate_starts
from mkmine.eventlog.formats.read import read

HOUR = 3_600_000_000
BASE = pd.Timestamp("2025-03-03", tz="UTC")
OPEN = Calendar.always()
Rows = list[tuple[str, str, float, str | None]]


def completions(rows: Rows) -> EventLog:
    """Rows of case, activity, hour of completion on Monday 2025-03-03, person."""
    frame = pd.DataFrame(rows, columns=["case", "activity", "end", "resource"])
    frame["end"] = BASE + pd.to_timedelta(frame["end"], unit="h")
    return EventLog.from_pandas(frame, resource="resource")


def hours(log: EventLog, case: str, activity: str) -> float:
    frame = log.to_pandas()
    row = frame[(frame["case"] == case) & (frame["activity"] == activity)].iloc[0]
    return float((row["start"] - BASE) / pd.Timedelta(hours=1))


def test_work_starts_when_it_is_enabled_and_the_person_is_free() -> None:
    log = completions([("1", "A", 1, "Anna"), ("1", "B", 5, "Boris"), ("2", "A", 3, "Boris"), ("2", "B", 9, "Anna")])
    done = estimate_starts(log, calendar=OPEN, outlier=100)
    assert hours(done, "1", "B") == 3
    assert hours(done, "2", "B") == 3
    assert done.timestamps == "estimated"
    assert done.attributes["start_from"].tolist() == ["usual length", "person free", "usual length", "enabled"]
    assert str(done.history[-1]).startswith("estimate starts: when enabled (1); when the person was free (1); by usual")


def test_nights_are_not_worked_on() -> None:
    office = Calendar.parse({"Mon-Fri": "09:00-18:00"})
    rows: Rows = [("1", "A", 17, "Anna"), ("1", "B", 35, "Boris"), ("2", "A", 18.5, "Clara"), ("2", "B", 34, "Dora")]
    done = estimate_starts(completions(rows), calendar=office, outlier=100)
    assert hours(done, "1", "B") == 17
    assert hours(done, "2", "B") == 33


def test_what_took_far_longer_than_usual_was_waiting() -> None:
    rows: Rows = []
    for n in range(11):
        rows += [(str(n), "A", 1, None), (str(n), "B", 3 if n else 101, None)]
    done = estimate_starts(completions(rows), calendar=OPEN)
    assert hours(done, "0", "B") == 97
    assert hours(done, "1", "B") == 1
    assert done.attributes["start_from"][done.end == done.end.max()].tolist() == ["usual length"]


def test_the_first_work_of_a_case_gets_the_usual_length() -> None:
    rows: Rows = [("0", "A", 10, None)]
    for n in range(1, 6):
        rows += [(str(n), "Z", 1, None), (str(n), "A", 5, None)]
    done = estimate_starts(completions(rows), calendar=OPEN)
    assert hours(done, "0", "A") == 6


def test_several_completions_at_once_are_one_sitting() -> None:
    rows: Rows = [("0", "A", 2, "Anna"), *[(str(n), "A", 6, "Anna") for n in range(1, 4)]]
    done = estimate_starts(completions(rows), calendar=OPEN)
    assert [hours(done, str(n), "A") for n in range(1, 4)] == [2, 2, 2]


def test_parallel_work_does_not_enable_each_other() -> None:
    rows: Rows = []
    for n in range(20):
        b, c = (2, 4) if n % 2 else (4, 2)
        rows += [(str(n), "A", 1, None), (str(n), "B", b, None), (str(n), "C", c, None), (str(n), "D", 6, None)]
    log = completions(rows)
    parallel = concurrent_activities(log)
    b, c = log.activities.index("B"), log.activities.index("C")
    assert np.argwhere(parallel).tolist() == sorted([[b, c], [c, b]])
    done = estimate_starts(log, calendar=OPEN, outlier=100)
    assert [hours(done, "0", name) for name in "BCD"] == [1, 1, 4]


def test_a_loop_of_two_is_no_concurrency() -> None:
    rows: Rows = []
    for n in range(30):
        rows += [(str(n), name, place, None) for place, name in enumerate("ABCBCBD")]
    assert not concurrent_activities(completions(rows)).any()


def test_only_chosen_instances_or_those_without_length_are_estimated(make_log: Callable[..., EventLog]) -> None:
    rows = [("1", "A", 0, 1, "Anna"), ("1", "B", 3, 3, "Anna"), ("2", "A", 4, 5, "Boris"), ("2", "B", 6, 8, "Boris")]
    log = make_log(rows)
    often = [("2", "B", 10, 11, "Boris"), ("2", "C", 12, 12, "Boris")]
    done = estimate_starts(make_log([*rows, *often]), calendar=OPEN, outlier=10)
    assert (done.start[1] - done.end[0], done.history[-1].touched) == (0, 1)
    assert done.attributes["start_from"].tolist() == ["recorded", "enabled", *["recorded"] * 4]
    chosen = estimate_starts(log, calendar=OPEN, outlier=10, instances=log.activity == 1)
    assert chosen.history[-1].touched == 2
    whole = make_log([row for row in rows if row[2] < row[3]])
    with pytest.raises(DataError, match="all starts are recorded"):
        estimate_starts(whole)
    with pytest.raises(DataError, match="give a mask of 4"):
        estimate_starts(log, instances=np.ones(3, dtype=np.bool_))
    with pytest.raises(DataError, match="shorten usual work"):
        estimate_starts(log, outlier=0.5)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "total", "error"),
    [
        # Sum of the estimated over the sum of the true lengths; mean error of the start against that of start = end.
        # Where people are idle while work waits (P2P, ACR) no log of completions can tell the two apart.
        ("LoanApp", (0.8, 1.0), 0.3),
        ("BPIC12W", (0.85, 1.05), 0.75),
        ("Production", (1.0, 1.4), 1.0),
        ("ACR", (1.3, 2.2), 2.5),
        ("P2P", (2.5, 4.0), 2.6),
    ],
)
def test_against_recorded_starts_of_public_logs(
    shared_logs: Path, name: str, total: tuple[float, float], error: float
) -> None:
    truth = read(shared_logs / "calibration" / name / f"{name}.csv.gz")
    frame = truth.to_pandas()
    frame["row"] = np.arange(len(frame))
    log = EventLog.from_pandas(
        frame.drop(columns="start"), resource="resource", attributes=["row"], time_zone=truth.time_zone
    )
    calendar = truth.working_calendar()
    done = estimate_starts(log, calendar=calendar)
    true = truth.start[done.attributes["row"].astype(np.int64)]
    lengths = [calendar.working_time(start, done.end) / HOUR for start in (true, done.start)]
    assert total[0] < lengths[1].sum() / lengths[0].sum() < total[1]
    assert np.abs(lengths[1] - lengths[0]).mean() < error * lengths[0].mean()
    assert (done.start <= done.end).all()
    assert (np.diff(done.start)[done.position[1:] > 0] >= 0).all()

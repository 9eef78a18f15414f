from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mkmine.errors import DataError, MkmineError, UnknownNameError
from mkmine.eventlog.formats.mapping import Mapping
from mkmine.eventlog.formats.read import read

HEAD = "case_id,activity,start_time,end_time,resource\n"
GOOD = HEAD + (
    "1,A,2025-03-03 09:00,2025-03-03 10:00,Анна\n"
    "1,B,2025-03-03 11:00,2025-03-03 12:00,Борис\n"
    "2,A,2025-03-04 09:00,2025-03-04 09:30,Анна\n"
)


def test_a_table_becomes_a_log_that_says_how(write: Callable[..., Path]) -> None:
    log = read(write("log.csv", GOOD))
    assert (log.n_cases, len(log), log.activities, log.name) == (2, 3, ("A", "B"), "log")
    assert log.timestamps == "interval"
    assert [step.action for step in log.history] == ["read", "mapping"]
    assert 'case = "case_id" (by name)' in log.history[1].detail


def test_the_same_content_in_other_clothes_gives_the_same_log(write: Callable[..., Path], tmp_path: Path) -> None:
    hashes = {read(write("log.csv", GOOD), name="x").content_hash}
    hashes.add(read(write("b.csv", GOOD.replace(",", ";"), "cp1251")).content_hash)
    frame = pd.read_csv(tmp_path / "log.csv", dtype={"case_id": str}, parse_dates=["start_time", "end_time"])
    hashes.add(read(frame).content_hash)
    frame.to_parquet(tmp_path / "log.parquet")
    hashes.add(read(tmp_path / "log.parquet").content_hash)
    assert len(hashes) == 1


def test_the_callers_frame_is_not_changed() -> None:
    frame = pd.DataFrame({"case": ["1", "1"], "activity": ["A", "B"], "end": ["2025-03-03", "2025-03-04"]})
    before = frame.copy(deep=True)
    read(frame)
    pd.testing.assert_frame_equal(frame, before)


def test_a_mapping_can_be_a_file(write: Callable[..., Path], tmp_path: Path) -> None:
    Mapping(activity="resource", time_zone="Europe/Moscow").save(tmp_path / "m.yaml")
    log = read(write("log.csv", GOOD), mapping=tmp_path / "m.yaml")
    assert log.activities == ("Анна", "Борис")
    assert log.time_zone == "Europe/Moscow"
    assert log.to_pandas()["start"].dt.hour.tolist() == [9, 11, 9]
    with pytest.raises(UnknownNameError, match='did you mean "activity"'):
        read(write("log.csv", GOOD), activity="aktivity")


def test_wall_clock_times_are_read_in_the_zone_told(write: Callable[..., Path]) -> None:
    utc, moscow = read(write("log.csv", GOOD)), read(write("log.csv", GOOD), time_zone="Europe/Moscow")
    np.testing.assert_array_equal(utc.start - moscow.start, 3 * 3_600_000_000)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            "3,A,2025-03-05 10:00,31.02.2025,x",
            r'"end_time" of "log.csv" has 1 unusable of 4 values \(first: row 5, "31.02.2025"',
        ),
        ("3,A,2025-03-05 10:00,2025-03-05 09:00,x", r'start "2025-03-05 10:00:00.*after end'),
        (",A,2025-03-05 10:00,2025-03-05 11:00,x", r'case column "case_id".*row 5, empty'),
        ("3, ,2025-03-05 10:00,2025-03-05 11:00,x", r'activity column "activity".*row 5, empty'),
        ("3,A,0001-01-01 00:00,2025-03-05 11:00,x", "before 1900 or after 2200"),
        ("3,A,2025-03-05 11:00,9999-12-31 00:00,x", "before 1900 or after 2200"),
        ("3,A,2025-03-05 10:00+03:00,2025-03-05 11:00,x", "UTC offset among times without one.*time_zone="),
        ("3,A,,,x", 'time column "end_time".*empty'),
    ],
)
def test_rows_that_cannot_be_used_are_told_or_set_aside(write: Callable[..., Path], row: str, message: str) -> None:
    path = write("log.csv", GOOD + row + "\n")
    with pytest.raises(DataError, match=message):
        read(path)
    log = read(path, errors="quarantine")
    assert len(log) == 3
    assert log.quarantine["row"].tolist() == [5]
    assert log.history[-1].action == "quarantine"
    assert log.history[-1].touched == 1


def test_zone_told_settles_mixed_offsets(write: Callable[..., Path]) -> None:
    text = GOOD + "3,A,2025-03-05 10:00+03:00,2025-03-05 11:00,x\n"
    assert len(read(write("log.csv", text), time_zone="Europe/Moscow")) == 4


def test_rows_without_an_end_are_ongoing(write: Callable[..., Path]) -> None:
    log = read(write("log.csv", GOOD + "2,B,2025-03-04 10:00,,Анна\n"))
    assert log.ongoing.tolist() == [False, False, False, True]
    assert log.completed.tolist() == [True, False]
    assert log.end[3] == log.observed[1]


def test_a_missing_end_in_the_middle_of_a_case_is_no_ongoing_work(write: Callable[..., Path]) -> None:
    path = write("log.csv", GOOD + "1,C,2025-03-02 10:00,,Анна\n2,B,2025-03-04 10:00,,Анна\n")
    with pytest.raises(DataError, match="empty, but its case goes on"):
        read(path)
    log = read(path, errors="quarantine")
    assert log.ongoing.tolist() == [False, False, False, True]
    assert log.completed.tolist() == [True, False]
    assert log.quarantine["reason"].tolist() == ['end column "end_time": empty, but its case goes on']


def test_one_event_cases_are_kept(write: Callable[..., Path]) -> None:
    assert read(write("log.csv", HEAD + "1,A,2025-03-03 09:00,2025-03-03 10:00,x\n")).n_cases == 1


@pytest.mark.parametrize("text", ["", HEAD, HEAD + ",,,,\n", "hello\nworld\n"])
def test_an_empty_or_foreign_file_is_told(write: Callable[..., Path], text: str) -> None:
    for errors in ("raise", "quarantine"):
        with pytest.raises(MkmineError):
            read(write("log.csv", text), errors=errors)  # type: ignore[arg-type]


def test_what_is_no_log_is_told() -> None:
    with pytest.raises(DataError, match="a list is not a log"):
        read([1, 2])
    with pytest.raises(DataError, match='errors="ignore" is not known'):
        read(pd.DataFrame(), errors="ignore")  # type: ignore[arg-type]
    with pytest.raises(DataError, match='several columns named "a"'):
        read(pd.DataFrame([[1, 2]], columns=["a", "a"]))
    with pytest.raises(DataError, match="not a time zone"):
        read(pd.DataFrame({"case": []}), time_zone="Europe/Moskva")


def statuses(**options: object) -> object:
    frame = pd.DataFrame(
        {
            "issue": ["1", "1", "1", "2", "2", "3", "3", "3"],
            "status": ["New", "Work", "Done", "New", "Work", "New", "Work", "Done"],
            "changed": pd.to_datetime(
                [
                    "2025-03-03 09:00",
                    "2025-03-03 10:00",
                    "2025-03-03 12:00",
                    "2025-03-03 11:00",
                    "2025-03-04 09:00",
                    "2025-03-05 09:00",
                    "2025-03-05 09:30",
                    "2025-03-05 10:00",
                ]
            ),
        }
    )
    return read(frame, end="changed", timestamps="entered", **options)  # type: ignore[arg-type]


def test_an_entered_status_lasts_until_the_next() -> None:
    log = statuses()
    hours = (log.end - log.start) / 3_600_000_000
    assert hours.tolist() == [1, 2, 0, 22, 25, 0.5, 0.5, 0]
    assert log.ongoing.tolist() == [False] * 4 + [True] + [False] * 3
    assert log.completed.tolist() == [True, False, True]
    assert 'final (last of their case in at least 50% of their entries): "Done"' in str(log.history)


def test_final_statuses_can_be_told() -> None:
    assert statuses(final=["Work", "Done"]).completed.all()
    with pytest.raises(MkmineError, match="Dnoe"):
        statuses(final="Dnoe")


def test_final_activities_decide_which_cases_are_open(write: Callable[..., Path]) -> None:
    assert read(write("log.csv", GOOD), final="B").completed.tolist() == [True, False]


def test_case_attributes_are_kept_once_a_case() -> None:
    frame = pd.DataFrame(
        {
            "case:concept:name": ["1", "1", "2"],
            "concept:name": ["A", "B", "A"],
            "time:timestamp": pd.to_datetime(["2025-03-03", "2025-03-04", "2025-03-03"], utc=True),
            "case:amount": ["5,5", "5,5", "7"],
            "note": ["=1+1", "", "<b>"],
        }
    )
    log = read(frame)
    assert log.case_attributes["amount"].tolist() == [5.5, 7.0]
    assert log.attributes["note"].tolist() == ["=1+1", None, "<b>"]


def test_numbers_widened_by_a_spreadsheet_are_still_ids() -> None:
    frame = pd.DataFrame(
        {"case": [1.0, 1.0, 2.0], "activity": ["A", "B", "A"], "end": pd.to_datetime(["2025-03-03"] * 3)}
    )
    assert read(frame).case_ids.tolist() == ["1", "2"]


def test_a_polars_frame_is_read() -> None:
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"case": ["1", "1"], "activity": ["A", "B"], "end": ["2025-03-03", "2025-03-04"]})
    assert len(read(frame)) == 2


@pytest.mark.shared
def test_public_logs_are_read_as_they_are(shared_logs: Path) -> None:
    helpdesk = read(shared_logs / "trackers" / "helpdesk.xes.gz")
    assert (helpdesk.n_cases, len(helpdesk), helpdesk.timestamps) == (4580, 21348, "completed")
    loans = read(shared_logs / "calibration" / "LoanApp" / "LoanApp.csv.gz")
    assert (loans.n_cases, len(loans), loans.timestamps) == (1000, 7492, "interval")
    incidents = read(
        shared_logs / "trackers" / "bpic2013_incidents.xes.gz",
        activity=["concept:name", "lifecycle:transition"],
        timestamps="entered",
    )
    assert (incidents.n_cases, len(incidents), len(incidents.activities)) == (7554, 65533, 13)
    assert 0 < int((~incidents.completed).sum()) < 200


@pytest.mark.filterwarnings("error::pandas.errors.PerformanceWarning")
def test_many_columns_are_gathered_at_once() -> None:
    table = {"case": ["1", "2"], "activity": ["A", "B"], "end": ["2025-03-03 10:00", "2025-03-04 10:00"]}
    log = read(pd.DataFrame(table | {f"column {n}": ["x", "y"] for n in range(200)}))
    assert len(log.attributes) == 200

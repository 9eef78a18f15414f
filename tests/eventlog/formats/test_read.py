from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from mkmine.calendars import Calendar
from mkmine.errors import DataError, MkmineError, UnknownNameError
from mkmine.eventlog.formats.mapping import Mapping
from mkmine.eventlog.formats.read import guess_mapping, read

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


FRAME = pd.DataFrame(
    {
        "case": ["1", "1", "2"],
        "activity": ["A", "B", "A"],
        "end": pd.to_datetime(["2025-03-03 10:00", "2025-03-04 10:00", "2025-03-05 10:00"], utc=True),
        "cost": [1.5, 2.5, None],
    }
)


def test_whatever_holds_columns_is_read_alike(tmp_path: Path) -> None:
    polars, duckdb = pytest.importorskip("polars"), pytest.importorskip("duckdb")
    arrow = pa.Table.from_pandas(FRAME, preserve_index=False)
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        relation = connection.from_arrow(arrow)
        sources = [
            FRAME,
            arrow,
            arrow.to_reader(),
            polars.from_arrow(arrow),
            polars.from_arrow(arrow).lazy(),
            polars.from_arrow(arrow).with_columns(polars.col("activity").cast(polars.Categorical)),
            relation,
        ]
        logs = [read(one, name="x") for one in sources]
    assert {log.content_hash for log in logs} == {logs[0].content_hash}
    assert logs[0].time_zone == "UTC"


def test_a_frame_of_pm4py_is_read() -> None:
    frame = pd.DataFrame(
        {
            "case:concept:name": ["1", "1"],
            "concept:name": ["A", "B"],
            "start_timestamp": pd.to_datetime(["2025-03-03 09:00", "2025-03-03 11:00"], utc=True),
            "time:timestamp": pd.to_datetime(["2025-03-03 10:00", "2025-03-03 12:00"], utc=True),
            "case:kind": ["x", "x"],
            "@@index": [0, 1],
            "@@case_index": [0, 0],
        }
    )
    log = read(frame)
    assert log.timestamps == "interval"
    assert list(log.attributes) == []
    assert log.case_attributes.to_dict("list") == {"kind": ["x"]}


def test_a_folder_of_parquet_files_is_one_log(tmp_path: Path) -> None:
    whole = tmp_path / "whole.parquet"
    FRAME.to_parquet(whole)
    for year, rows in ((2024, slice(0, 2)), (2025, slice(2, 3))):
        (tmp_path / "parts" / f"year={year}").mkdir(parents=True)
        FRAME.iloc[rows].to_parquet(tmp_path / "parts" / f"year={year}" / "x.parquet")
    log = read(tmp_path / "parts", attributes=["cost"], name="x")
    assert log.content_hash == read(whole, name="x").content_hash
    assert read(tmp_path / "parts").attributes["year"].tolist() == [2024, 2024, 2025]
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match="holds no Parquet file"):
        read(tmp_path / "none")


def test_a_saved_log_is_opened_as_it_was(tmp_path: Path) -> None:
    log = read(FRAME, time_zone="Europe/Moscow")
    again = read(log.save(tmp_path / "log.parquet"))
    assert (again.content_hash, again.time_zone, again.history) == (log.content_hash, log.time_zone, log.history)
    assert read(tmp_path / "log.parquet", name="other").name == "other"


@pytest.mark.parametrize("attributes", [None, []])
def test_row_groups_and_dictionaries_of_parquet_do_not_matter(tmp_path: Path, attributes: list[str] | None) -> None:
    n = 5_000
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "case": np.char.add("C", rng.integers(0, 500, n).astype(str)),
            "activity": np.char.add("A", rng.integers(0, 9, n).astype(str)),
            "timestamp": pd.to_datetime(1_740_000_000 + np.sort(rng.integers(0, 10**6, n)), unit="s", utc=True),
        }
    )
    hashes = set()
    for i, options in enumerate([{}, {"row_group_size": 700}, {"row_group_size": 900, "use_dictionary": False}]):
        frame.to_parquet(tmp_path / f"{i}.parquet", **options)
        hashes.add(read(tmp_path / f"{i}.parquet", attributes=attributes, name="x").content_hash)
    frame.astype({"case": "category"}).to_parquet(tmp_path / "c.parquet", row_group_size=900)
    hashes.add(read(tmp_path / "c.parquet", attributes=attributes, name="x").content_hash)
    assert len(hashes) == 1


@pytest.mark.parametrize(
    "stamps",
    [
        ["1741000000", "1741003600", "1741090000"],
        ["1741000000.0", "1741003600.0", "1741090000.0"],
        ["1741000000000", "1741003600000", "1741090000000"],
        ["1741000000000000000", "1741003600000000000", "1741090000000000000"],
        ["45719.462962963", "45719.5046296296", "45720.5046296296"],
        ["45719,462962963", "45719,5046296296", "45720,5046296296"],
    ],
)
def test_numbers_in_text_files_are_epochs_or_days_of_a_spreadsheet(
    write: Callable[..., Path], stamps: list[str]
) -> None:
    lines = [f"{case};{activity};{stamp}" for case, activity, stamp in zip("112", "ABA", stamps, strict=True)]
    log = read(write("log.csv", "\n".join(["case;activity;timestamp", *lines])))
    assert [round(one / 60e6) for one in (log.end - log.end[0]).tolist()] == [0, 60, 1500]
    assert pd.Timestamp(log.end[0], unit="us").floor("D") == pd.Timestamp("2025-03-03")
    assert log.history[-1].action == "times"
    assert "since 1970" in log.history[-1].detail or "spreadsheet" in log.history[-1].detail


def test_the_order_of_days_and_months_is_told_where_it_is_decided(write: Callable[..., Path]) -> None:
    log = read(write("log.csv", "case,activity,end_time\n1,A,03/04/2025 10:00\n1,B,13/04/2025 10:00\n"))
    assert str(log.history[-1]) == 'times: "end_time": days before months'


def test_a_number_that_is_none_is_told_as_it_is_written(write: Callable[..., Path]) -> None:
    text = "case,activity,timestamp\n" + "1,A,1741000000\n" * 20 + "1,B,soon\n"
    with pytest.raises(DataError, match='row 22, "soon": not a date'):
        read(write("log.csv", text))
    assert read(write("log.csv", text), errors="quarantine").quarantine["timestamp"].tolist() == ["soon"]


def test_a_mapping_is_found_out_shown_corrected_and_used(write: Callable[..., Path], tmp_path: Path) -> None:
    path = write("log.csv", GOOD)
    found = guess_mapping(path)
    assert found.mapping.case == "case_id"
    assert 'case = "case_id" (by name)' in found.reasons
    assert found.columns["resource"] == ("resource", ("Анна", "Борис"))
    shown = repr(found)
    assert shown.startswith('"log.csv" (utf-8, delimiter ",")')
    assert "activity" in shown
    assert found.to_pandas()["part"].tolist() == ["case", "activity", "start", "end", "resource"]
    found.save(tmp_path / "mapping.yaml")
    assert read(path, mapping=tmp_path / "mapping.yaml").content_hash == read(path).content_hash
    assert guess_mapping(path, activity="resource").columns["activity"][0] == "attribute"
    with pytest.raises(TypeError, match="no part activty"):
        guess_mapping(path, activty="x")


def test_who_works_and_when_it_could_begin_is_kept_for_the_rows_that_are_left(write: Callable[..., Path]) -> None:
    text = (
        "case,activity,enabled_time,start_time,end_time,role\n"
        "1,A,2025-03-03 08:00,2025-03-03 09:00,2025-03-03 10:00,x\n"
        "1,,2025-03-03 08:00,2025-03-03 09:00,2025-03-03 10:00,y\n"
        "1,B,,2025-03-03 11:00,2025-03-03 12:00,z\n"
    )
    log = read(write("log.csv", text), errors="quarantine")
    assert log.roles == ("x", "z")
    assert log.enabled is not None
    assert ((log.start - log.enabled) // 3_600_000_000).tolist() == [1, 1]
    assert log.history[-1].action == "enabled"


def test_times_are_meant_on_the_clock_of_the_calendar(write: Callable[..., Path]) -> None:
    path = write("log.csv", "case,activity,end\n1,A,2025-03-03 10:00\n1,B,2025-03-03 11:00\n")
    office = Calendar.parse({"Mon-Fri": "09:00-18:00"}, time_zone="Europe/Moscow")
    assert read(path, calendar=office).to_pandas()["end"][0].isoformat() == "2025-03-03T10:00:00+03:00"
    assert read(path, calendar=office, time_zone="UTC").time_zone == "UTC"
    with pytest.raises(DataError, match="is no calendar"):
        read(path, calendar="RU")  # type: ignore[arg-type]


def test_another_sheet_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    events = pd.DataFrame({"case": ["1", "1"], "activity": ["A", "B"], "end": ["2025-03-03 10:00", "2025-03-03 11:00"]})
    with pd.ExcelWriter(path) as book:
        pd.DataFrame({"Report": ["for the client"]}).to_excel(book, sheet_name="Title", index=False)
        events.to_excel(book, sheet_name="Events", index=False)
    assert read(path, sheet="Events").activities == ("A", "B")
    assert read(path, sheet=1).n_cases == 1

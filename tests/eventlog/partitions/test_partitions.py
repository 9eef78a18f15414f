"""The partitions of a log together are the log: whatever the source, the chunks, the order and the number of parts."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkmine.calendars import Calendar
from mkmine.errors import DataError, UnknownNameError
from mkmine.eventlog import EventLog, read
from mkmine.eventlog.partitions import Partitions, partition
from mkmine.eventlog.summaries import (
    case_times,
    directly_follows,
    flow,
    open_cases,
    rework_counts,
    summarise,
    variant_counts,
)

NAMES = {"case": "case", "activity": "activity", "resource": "resource"}


def events(n: int = 3000, seed: int = 1, cases: int = 150) -> pd.DataFrame:
    """Rows in order of time, of many cases at once, with ties, a person, a number, a text and a fact of the case."""
    rng = np.random.default_rng(seed)
    case = rng.integers(0, cases, n)
    second = np.sort(rng.integers(0, n // 4, n)) * 3600
    return pd.DataFrame(
        {
            "case": np.char.add("Дело ", case.astype(str)).astype(object),
            "activity": np.char.add("A", rng.integers(0, 7, n).astype(str)).astype(object),
            "end": pd.to_datetime(1_735_700_000 + second, unit="s", utc=True),
            "resource": rng.choice(np.array(["Ann", "Bob", None], dtype=object), n),
            "cost": rng.integers(0, 100, n),
            "note": rng.choice(np.array(["x", "y", None], dtype=object), n),
            "case:kind": np.where(case % 2 == 0, "even", "odd").astype(object),
        }
    )


@pytest.fixture
def frame() -> pd.DataFrame:
    return events()


def in_parts(frame: pd.DataFrame, size: int) -> Iterator[pd.DataFrame]:
    for begin in range(0, len(frame), size):
        yield frame.iloc[begin : begin + size].reset_index(drop=True)


def same(parts: Partitions, log: EventLog) -> None:
    """Check that the partitions are the log: put together, and by every summary."""
    whole = parts.to_log()
    assert whole.to_pandas().equals(log.to_pandas())
    assert whole.content_hash == log.content_hash
    assert whole.observed == log.observed
    assert whole.time_zone == log.time_zone
    assert whole.timestamps == log.timestamps
    assert parts.n_cases == log.n_cases
    assert parts.n_instances == log.n_instances
    assert parts.summarise(directly_follows) == directly_follows(log)
    assert parts.summarise(variant_counts).counts == variant_counts(log).counts
    assert parts.summarise() == summarise(log)
    logs = list(parts)
    assert {one.timestamps for one in logs} == {log.timestamps}
    assert {one.observed for one in logs} == {log.observed}
    assert {one.time_zone for one in logs} == {log.time_zone}
    assert {one.working_calendar() for one in logs} == {log.working_calendar()}
    ids = [case for one in logs for case in one.case_ids]
    assert sorted(ids) == sorted(log.case_ids)
    tables = pd.concat([one.case_frame() for one in logs]).set_index("case").loc[list(log.case_ids)]
    pd.testing.assert_frame_equal(tables, log.case_frame().set_index("case"), check_dtype=False)


# -- the law -----------------------------------------------------------------------------------------------------------

rows = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 3), st.integers(0, 4), st.integers(0, 2)), min_size=1, max_size=40
)


@given(rows=rows, size=st.integers(1, 15), number=st.integers(1, 9))
def test_any_chunks_any_order_and_any_number_of_partitions_give_the_log(
    rows: list[tuple[int, int, int, int]], size: int, number: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    # Rows in no order; of many, the case, the start and the end are equal, so that the source's order decides.
    start = np.array([row[2] for row in rows])
    frame = pd.DataFrame(
        {
            "case": [f"c{row[0]}" for row in rows],
            "activity": [f"a{row[1]}" for row in rows],
            "start": pd.to_datetime(start * 3600, unit="s", utc=True),
            "end": pd.to_datetime((start + [row[3] for row in rows]) * 3600, unit="s", utc=True),
        }
    )
    folder = tmp_path_factory.mktemp("law") / "parts"
    columns = {"case": "case", "activity": "activity", "start": "start", "end": "end"}
    parts = partition(in_parts(frame, size), folder, partitions=number, **columns)
    log = read(frame, **columns)
    assert len(parts) == number
    assert parts.to_log().content_hash == log.content_hash
    assert parts.summarise(directly_follows) == directly_follows(log)
    assert parts.summarise(variant_counts).counts == variant_counts(log).counts
    assert parts.summarise(rework_counts) == rework_counts(log)


@given(rows=rows, cut=st.integers(0, 40), number=st.integers(1, 5))
def test_what_is_appended_is_as_if_it_had_been_there(
    rows: list[tuple[int, int, int, int]], cut: int, number: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    frame = pd.DataFrame(
        {
            "case": [f"c{row[0]}" for row in rows],
            "activity": [f"a{row[1]}" for row in rows],
            "end": pd.to_datetime([row[2] * 3600 for row in rows], unit="s", utc=True),
        }
    )
    columns = {"case": "case", "activity": "activity", "end": "end"}
    first, rest = frame.iloc[: max(1, cut)], frame.iloc[max(1, cut) :]
    parts = partition(first, tmp_path_factory.mktemp("law") / "parts", partitions=number, **columns)
    assert parts.summarise(directly_follows) == directly_follows(read(first.reset_index(drop=True), **columns))
    if len(rest):
        parts = parts.append(rest)
    log = read(frame, **columns)
    assert parts.to_log().content_hash == log.content_hash
    assert parts.summarise(directly_follows) == directly_follows(log)


# -- sources -----------------------------------------------------------------------------------------------------------


def test_parquet_in_chunks(frame: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    frame.to_parquet(path, row_group_size=500)
    parts = partition(path, tmp_path / "parts", partitions=5, **NAMES, end="end")
    same(parts, read(path, **NAMES, end="end"))
    assert parts.name == "log"


def test_a_folder_of_parquet_files(frame: pd.DataFrame, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    (folder / "month=2").mkdir(parents=True)
    frame.iloc[:1000].to_parquet(folder / "a.parquet")
    frame.iloc[1000:].to_parquet(folder / "month=2" / "b.parquet")
    same(
        partition(folder, tmp_path / "parts", partitions=3, **NAMES, end="end"),
        read(frame, **NAMES, end="end", name="files"),
    )


def test_files_of_a_folder_have_the_same_columns(frame: pd.DataFrame, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    frame.to_parquet(folder / "a.parquet")
    frame.drop(columns="resource").to_parquet(folder / "b.parquet")
    with pytest.raises(DataError, match=r'"b.parquet" lacks the column "resource"'):
        partition(folder, tmp_path / "parts", **NAMES, end="end")
    assert not (tmp_path / "parts").exists()


@pytest.mark.parametrize("packed", [False, True])
def test_csv_in_blocks(frame: pd.DataFrame, tmp_path: Path, packed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mkmine.eventlog.partitions.delimited.SMALLEST", 20_000)
    monkeypatch.setattr("mkmine.eventlog.partitions.delimited.LARGEST", 20_000)
    path = tmp_path / ("log.csv.gz" if packed else "log.csv")
    text = frame.to_csv(index=False, sep=";").encode("utf-8-sig")
    path.write_bytes(gzip.compress(text) if packed else text)
    parts = partition(path, tmp_path / "parts", partitions=4)
    assert len(parts.manifest.files) > 5
    same(parts, read(path))


def test_csv_of_another_encoding(frame: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(frame.to_csv(index=False).encode("cp1251"))
    same(partition(path, tmp_path / "parts"), read(path))


def test_streams_of_arrow(frame: pd.DataFrame, tmp_path: Path) -> None:
    log = read(frame, **NAMES, end="end")
    table = pa.Table.from_pandas(frame)
    for number, source in enumerate(
        (table, table.to_reader(max_chunksize=700), pl.from_arrow(table), table.to_batches(max_chunksize=99), frame)
    ):
        same(partition(source, tmp_path / str(number), partitions=3, **NAMES, end="end"), log)


def test_a_relation_and_a_cursor_of_a_database(frame: pd.DataFrame, tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    path = tmp_path / "log.parquet"
    frame.to_parquet(path)
    with duckdb.connect() as database:
        relation = database.sql(f"SELECT * FROM '{path}' ORDER BY file_row_number")
        parts = partition(relation, tmp_path / "parts", partitions=3, **NAMES, end="end")
        same(parts, read(relation.to_arrow_table(), **NAMES, end="end"))


def test_feather(frame: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "log.feather"
    frame.to_feather(path, chunksize=300)
    same(partition(path, tmp_path / "parts", partitions=3, **NAMES, end="end"), read(path, **NAMES, end="end"))


@pytest.mark.parametrize("source", [5, [1, 2], b"log", {"case": [1]}])
def test_what_is_no_log_is_refused(source: Any, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"is not a log|is no part of a log"):
        partition(source, tmp_path / "parts")
    assert not (tmp_path / "parts").exists()


def test_a_format_that_cannot_be_read_in_chunks_says_what_can(tmp_path: Path) -> None:
    path = tmp_path / "log.xes"
    path.write_text("<log/>")
    with pytest.raises(DataError, match=r"cannot be read in chunks: give \.parquet"):
        partition(path, tmp_path / "parts")
    with pytest.raises(DataError, match="there is no file"):
        partition(tmp_path / "none.csv", tmp_path / "parts")


# -- meanings ----------------------------------------------------------------------------------------------------------


def test_intervals_with_unfinished_work(frame: pd.DataFrame, tmp_path: Path) -> None:
    start = frame["end"].rename("start")
    end = (start + pd.to_timedelta(frame["cost"], unit="min")).rename("end")
    end[frame.groupby("case").tail(1).index[::3]] = None
    frame = frame.assign(start=start, end=end)
    log = read(frame, **NAMES, start="start", end="end")
    assert 0 < (~log.completed).sum() < log.n_cases
    same(partition(in_parts(frame, 400), tmp_path / "parts", partitions=4, **NAMES, start="start", end="end"), log)


def test_unfinished_work_whose_case_goes_on_is_set_aside(frame: pd.DataFrame, tmp_path: Path) -> None:
    frame = frame.assign(start=frame["end"])
    frame.loc[10, "end"] = None
    columns = dict(**NAMES, start="start", end="end")
    with pytest.raises(DataError, match="its case goes on"):
        partition(frame, tmp_path / "parts", partitions=4, **columns)
    parts = partition(frame, tmp_path / "parts", partitions=4, **columns, errors="quarantine")
    assert parts.n_quarantined == 1
    same(parts, read(frame, **columns, errors="quarantine"))


def test_lifecycles_are_paired(frame: pd.DataFrame, tmp_path: Path) -> None:
    begun = frame.assign(transition="start")
    done = frame.assign(transition="complete", end=frame["end"] + pd.Timedelta(minutes=30))
    both = pd.concat([begun, done.drop(index=range(0, 300, 7))]).sort_values("end", kind="stable", ignore_index=True)
    columns = dict(**NAMES, end="end", lifecycle="transition")
    log = read(both, **columns)
    assert log.timestamps == "interval"
    same(partition(in_parts(both, 600), tmp_path / "parts", partitions=6, **columns), log)


@pytest.mark.parametrize("final", [None, ("A3", "A5")])
def test_entries_into_statuses(frame: pd.DataFrame, tmp_path: Path, final: tuple[str, ...] | None) -> None:
    last = frame.groupby("case").tail(1).index
    frame.loc[last[::2], "activity"] = "Done"
    columns = dict(**NAMES, start="end", timestamps="entered", final=final)
    log = read(frame, **columns)
    assert 0 < log.completed.sum() < log.n_cases
    same(partition(in_parts(frame, 400), tmp_path / "parts", partitions=12, **columns), log)


def test_final_activities(frame: pd.DataFrame, tmp_path: Path) -> None:
    columns = dict(**NAMES, end="end", final=["A1"])
    same(partition(frame, tmp_path / "parts", partitions=12, **columns), read(frame, **columns))
    with pytest.raises(UnknownNameError, match='unknown final activity "B1"'):
        partition(frame, tmp_path / "others", **NAMES, end="end", final=["B1"])
    assert not (tmp_path / "others").exists()


def test_enabled_times(frame: pd.DataFrame, tmp_path: Path) -> None:
    ready = frame["end"] - pd.to_timedelta(frame["cost"], unit="min")
    frame = frame.assign(ready=ready.where(frame["cost"] > 20))
    columns = dict(**NAMES, end="end", enabled="ready")
    same(partition(frame, tmp_path / "parts", partitions=4, **columns), read(frame, **columns))


def test_several_activity_columns_and_names_with_spaces(frame: pd.DataFrame, tmp_path: Path) -> None:
    frame["case"] = frame["case"].where(frame.index % 3 != 0, " " + frame["case"] + "\t")
    frame["note"] = frame["note"].where(frame.index % 2 != 0, " x ")
    columns = {"case": "case", "activity": ["activity", "note"], "end": "end", "resource": "resource"}
    same(partition(in_parts(frame, 500), tmp_path / "parts", partitions=4, **columns), read(frame, **columns))


def test_numbers_as_names(frame: pd.DataFrame, tmp_path: Path) -> None:
    frame["case"] = frame["case"].str.split().str[1].astype(float)
    columns = {"case": "case", "activity": "activity", "end": "end", "resource": "cost"}
    parts = partition(in_parts(frame, 500), tmp_path / "parts", partitions=4, **columns)
    same(parts, read(frame, **columns))
    frame.loc[2000, "case"] = 1.5
    with pytest.raises(DataError, match="begins with whole numbers and goes on with others"):
        partition(in_parts(frame, 500), tmp_path / "others", **columns)


def test_a_column_is_of_numbers_only_if_all_of_it_is(tmp_path: Path) -> None:
    frame = events().astype({"cost": str})
    frame["price"] = frame["cost"]
    frame.loc[2990, "price"] = "007"
    columns = dict(**NAMES, end="end")
    parts = partition(in_parts(frame, 300), tmp_path / "parts", partitions=12, **columns)
    same(parts, read(frame, **columns))
    assert {one.attributes["cost"].dtype.kind for one in parts} == {"i"}
    assert {one.attributes["price"].dtype.kind for one in parts} == {"O"}


def test_the_order_of_day_and_month_is_decided_once(tmp_path: Path) -> None:
    frame = events()
    # The later chunks alone would not tell the order, or would tell another.
    stamps = pd.date_range("2025-01-20", periods=len(frame), freq="h", tz="UTC")
    columns = dict(**NAMES, end="end", time_zone="UTC")
    for number, form in enumerate(("%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M")):
        written = frame.assign(end=stamps.strftime(form))
        parts = partition(in_parts(written, 100), tmp_path / str(number), partitions=3, **columns)
        same(parts, read(written, **columns))
    unclear = frame.assign(end="05/06/2025 10:00")
    with pytest.raises(DataError, match="does not tell days from months"):
        partition(in_parts(unclear, 100), tmp_path / "unclear", **columns)


def test_offsets_tell_the_zone_of_the_whole_source(tmp_path: Path) -> None:
    frame = events(1000)
    local = pd.date_range("2025-01-01", periods=1000, freq="8h", tz="Europe/Berlin")
    written = frame.assign(end=[one.isoformat() for one in local])
    parts = partition(in_parts(written, 100), tmp_path / "parts", partitions=3, **NAMES, end="end")
    assert parts.to_log().time_zone == "Europe/Berlin"
    same(parts, read(written, **NAMES, end="end"))


def test_times_do_not_lose_their_offsets_on_the_way(tmp_path: Path) -> None:
    frame = events(1000)
    texts = frame["end"].dt.strftime("%Y-%m-%d %H:%M:%S")
    written = frame.assign(end=texts.where(frame.index >= 500, texts + "+00:00"))
    with pytest.raises(
        DataError, match="begins with times with offsets and goes on, about row 600, with times without"
    ):
        partition(in_parts(written, 100), tmp_path / "parts", **NAMES, end="end")


# -- rows that cannot be used ------------------------------------------------------------------------------------------


def test_unusable_rows_are_refused_with_their_place(frame: pd.DataFrame, tmp_path: Path) -> None:
    written = frame.assign(end=frame["end"].astype(str))
    written.loc[1234, "end"] = "31.02.2025"
    with pytest.raises(DataError, match=r'time column "end" .* row 1,235, "31.02.2025": not a date'):
        partition(in_parts(written, 500), tmp_path / "parts", **NAMES, end="end")
    assert not (tmp_path / "parts").exists()


def test_unusable_rows_are_set_aside_and_counted(frame: pd.DataFrame, tmp_path: Path) -> None:
    written = frame.assign(end=frame["end"].astype(str))
    written.loc[[5, 1234], "end"] = "31.02.2025"
    written.loc[2000, "end"] = "2999-01-01"
    written.loc[100, "case"] = "  "
    written.loc[2999, "activity"] = None
    columns = dict(**NAMES, end="end", errors="quarantine")
    log = read(written, **columns)
    parts = partition(in_parts(written, 500), tmp_path / "parts", partitions=3, **columns)
    same(parts, log)
    assert parts.n_quarantined == len(parts.quarantine) == len(log.quarantine) == 5
    assert parts.quarantine["row"].tolist() == sorted(log.quarantine["row"]) == [6, 101, 1235, 2001, 3000]
    reasons = dict(zip(log.quarantine["row"], log.quarantine["reason"], strict=True))
    assert dict(zip(parts.quarantine["row"], parts.quarantine["reason"], strict=True)) == reasons
    assert "5 rows set aside" in repr(parts)


def test_broken_lines_of_a_csv(frame: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mkmine.eventlog.partitions.delimited.SMALLEST", 20_000)
    monkeypatch.setattr("mkmine.eventlog.partitions.delimited.LARGEST", 20_000)
    lines = frame.to_csv(index=False).splitlines()
    lines[700] += ",one more"
    lines[2500] = "short"
    lines[2700] = lines[2700].replace("A", "A\0")
    lines.append("cut")
    path = tmp_path / "log.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(DataError, match=r"row 701, 8 cells where the header has 7"):
        partition(path, tmp_path / "parts")
    parts = partition(path, tmp_path / "parts", errors="quarantine")
    assert sorted(parts.quarantine["row"]) == [701, 2501, 2701, len(lines)]
    same(parts, read(path, errors="quarantine"))


# -- public logs -------------------------------------------------------------------------------------------------------


def test_a_public_log(shared_logs: Path, tmp_path: Path) -> None:
    path = shared_logs / "calibration" / "BPIC12W" / "BPIC12W.csv.gz"
    parts = partition(path, tmp_path / "parts", memory="64 MB", partitions=7)
    assert len(parts.manifest.files) > 1
    same(parts, read(path))


def test_a_public_log_of_a_tracker_by_way_of_a_frame(shared_logs: Path, tmp_path: Path) -> None:
    log = read(shared_logs / "trackers" / "bpic2013_incidents.xes.gz")
    columns = {"case": "case", "activity": "activity", "end": "end", "resource": "resource"}
    frame = log.to_pandas()[list(columns.values())]
    parts = partition(in_parts(frame, 20_000), tmp_path / "parts", partitions=4, **columns)
    assert parts.summarise() == summarise(read(frame, **columns))


def test_the_row_of_names_can_be_told(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("a,b,c\ncase,activity,end\n1,x,2025-01-01\n1,y,2025-01-02\n2,x,2025-01-03\n", encoding="utf-8")
    parts = partition(path, tmp_path / "parts", partitions=2, header=2)
    same(parts, read(path, header=2))
    path.write_text("a,b,c\nd,e,f\ncase,activity,end\n1,z,2025-01-04\n", encoding="utf-8")
    assert parts.append(path, header=3).n_rows == 4
    with pytest.raises(DataError, match="names of their own"):
        partition(events(), tmp_path / "other", header=2)


def test_long_ids_are_never_taken_for_each_other(tmp_path: Path) -> None:
    case = pa.array(["12345678901234567890", "12345678901234567891"] * 2).cast(pa.decimal128(38, 4))
    end = pa.array([1_735_689_600_000_000 + one for one in range(4)], pa.timestamp("us"))
    columns = {"case": case, "activity": ["x", "x", "y", "y"], "end": end}
    log = read(pa.table(columns))
    assert log.case_ids.tolist() == ["12345678901234567890", "12345678901234567891"]
    same(partition(pa.table(columns), tmp_path / "parts", partitions=2), log)


def test_a_time_beyond_the_years_of_python_is_told(tmp_path: Path) -> None:
    end = pa.array([10**15, 0, 1], pa.timestamp("s"))
    with pytest.raises(DataError, match=r"row 1, .*before 1900 or after 2200"):
        partition(pa.table({"case": ["a"] * 3, "activity": ["x"] * 3, "end": end}), tmp_path / "parts")


def saved_log(**facts: Any) -> EventLog:
    """A log with unfinished work, a case that waits, and facts that plain columns do not tell."""
    frame = events(400, cases=40)
    frame["start"] = frame["end"] - pd.Timedelta("20min")
    last = frame["end"].max()
    frame["on"] = ~frame["case"].duplicated(keep="last") & (np.arange(400) % 3 == 0)
    frame.loc[frame["on"], "end"] = last
    cases = pd.DataFrame({"case": frame["case"].unique()}).set_index("case")
    cases["since"] = pd.Timestamp("2025-01-01", tz="Europe/Moscow")
    facts = {"start": "start", "ongoing": "on"} | facts
    return EventLog.from_pandas(
        frame,
        resource="resource",
        attributes=("cost", "note"),
        case_attributes=cases,
        completed=pd.Series([True, False] * 20, index=cases.index),
        time_zone="Europe/Moscow",
        name="Work",
        calendar=Calendar.parse({"Mon-Fri": "09:00-18:00"}, time_zone="Europe/Moscow"),
        quarantine=pd.DataFrame({"case": ["x"], "reason": ["no time"]}),
        **facts,
    )


@pytest.mark.parametrize("facts", [{}, {"timestamps": "estimated"}, {"start": None, "ongoing": None}])
def test_a_saved_log_is_cut_as_it_was_saved(tmp_path: Path, facts: dict[str, Any]) -> None:
    log = saved_log(**facts)
    parts = partition(log.save(tmp_path / "log.parquet"), tmp_path / "parts", partitions=3)
    whole = parts.to_log()
    assert whole.content_hash == log.content_hash
    assert (whole.name, whole.time_zone, whole.timestamps) == (log.name, log.time_zone, log.timestamps)
    assert (whole.observed, whole.calendar, whole.partial) == (log.observed, log.calendar, log.partial)
    assert whole.case_attributes["since"].equals(log.case_attributes["since"])
    assert parts.quarantine["reason"].tolist() == ["no time"]
    assert 0 < (~log.completed).sum() < log.n_cases
    for question in (case_times, flow, open_cases, directly_follows):
        assert parts.summarise(question) == question(log)
    assert Partitions.open(tmp_path / "parts").manifest == parts.manifest


def test_a_saved_log_with_unfinished_work_does_not_go_on(tmp_path: Path) -> None:
    parts = partition(saved_log().save(tmp_path / "log.parquet"), tmp_path / "parts", partitions=2)
    with pytest.raises(DataError, match="of which added rows do not tell how it went on"):
        parts.append(events(10))
    done = saved_log(ongoing=None)
    parts = partition(done.save(tmp_path / "done.parquet"), tmp_path / "done", partitions=2)
    more = events(10).assign(start=lambda one: one["end"]).rename(columns={"cost": "attribute:cost"})
    grown = parts.append(more.assign(**{"attribute:note": "x", "case:since": pd.Timestamp("2025-01-01", tz="UTC")}))
    assert grown.n_instances == len(done) + 10
    closed = grown.to_log()
    assert closed.completed[np.isin(closed.case_ids, more["case"])].all()


def test_columns_that_are_told_of_a_saved_log_are_read_as_told(tmp_path: Path) -> None:
    path = saved_log().save(tmp_path / "log.parquet")
    told = {"case": "case", "activity": "attribute:cost", "end": "end"}
    parts = partition(path, tmp_path / "parts", partitions=2, **told)
    assert parts.to_log().activities == read(path, **told).activities


STAMP = pd.Timestamp("2025-01-01")


@pytest.mark.parametrize(
    ("first", "then", "meant"),
    [
        (1, "x", ["1", "x"]),
        ("x", 1, ["x", "1"]),
        (1, 1.5, [1.0, 1.5]),
        (2**60 + 1, 0.5, [str(2**60 + 1), "0.5"]),
        (None, 4, [np.nan, 4.0]),
        (4, None, [4.0, np.nan]),
        (True, 5, ["true", "5"]),
        (STAMP.tz_localize("UTC"), STAMP.tz_localize("Europe/Moscow"), [STAMP, STAMP - pd.Timedelta("3h")]),
        (STAMP.tz_localize("UTC"), "x", ["2025-01-01 00:00:00.000000Z", "x"]),
    ],
)
def test_additions_of_another_kind_leave_the_partitions_readable(
    tmp_path: Path, first: Any, then: Any, meant: list[Any]
) -> None:
    base = events(20)[["case", "activity", "end"]]
    parts = partition(base.assign(more=first), tmp_path / "parts", partitions=2)
    log = parts.append(base.assign(more=then, end=base["end"] + pd.Timedelta("99D"))).to_log()
    found = pd.Series(log.attributes["more"])
    assert len(log) == 40
    pd.testing.assert_series_equal(
        found.drop_duplicates().sort_values(ignore_index=True, key=lambda one: one.astype(str)),
        pd.Series(meant).sort_values(ignore_index=True, key=lambda one: one.astype(str)),
        check_dtype=False,
        check_names=False,
    )


def test_parts_of_several_kinds_are_told(tmp_path: Path) -> None:
    base = events(20)[["case", "activity", "end"]]
    with pytest.raises(DataError, match="the parts of the stream are of several kinds"):
        partition([base.assign(more=1), base.assign(more="x")], tmp_path / "parts")

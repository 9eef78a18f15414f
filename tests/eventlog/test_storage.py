from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mkmine.calendars import Calendar
from mkmine.errors import DataError
from mkmine.eventlog import EventLog
from mkmine.eventlog import storage as module
from mkmine.eventlog.formats.read import read
from mkmine.eventlog.provenance import Step
from mkmine.eventlog.storage import KEY, is_saved_log

TEXT = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=6).filter(lambda one: one.strip())
MOMENT = st.integers(-2_000_000_000_000_000, 7_000_000_000_000_000)


def make(rows: list[tuple[str, str, int, int]], **facts: object) -> EventLog:
    frame = pd.DataFrame(rows, columns=["case", "activity", "start", "length"])
    frame["end"] = frame["start"] + frame["length"]
    for column in ("start", "end"):
        frame[column] = pd.to_datetime(frame[column].astype("datetime64[us]"), utc=True)
    return EventLog.from_pandas(frame, start="start", **facts)  # type: ignore[arg-type]


def rich() -> EventLog:
    frame = pd.DataFrame(
        {
            "case": ["b", "a", "b", "a", "c"],
            "activity": ["Draft", "Draft", "Approve", "Approve", "Черновик"],
            "start": pd.to_datetime(
                ["2025-03-03 09:00:00.0", "2025-03-03 10:00:00.0", *["2025-03-04 09:00:00.000001"] * 3]
            ),
            "end": pd.to_datetime(["2025-03-03 12:00", "2025-03-03 11:00", *["2025-03-05 09:00"] * 3]),
            "enabled": pd.to_datetime(["2025-03-02 12:00"] * 5),
            "who": ["Ann", None, "Bob", "Ann", "Олег"],
            "role": ["writer", "writer", "editor", None, "editor"],
            "going": [False, False, True, False, False],
            "words": [100.0, np.nan, 3.5, 1e300, -0.0],
            "tag": ["x", None, "x", "y", "=1+1"],
            "mixed": ["x", 1, None, 2.5, True],
            "flag": [True, False, True, False, True],
            "day": pd.to_datetime(["2025-01-01", "2025-01-02", None, "2025-01-03", "2025-01-04"]),
        }
    )
    return EventLog.from_pandas(
        frame,
        start="start",
        enabled="enabled",
        resource="who",
        role="role",
        ongoing="going",
        attributes=["words", "tag", "mixed", "flag", "day"],
        case_attributes=pd.DataFrame(
            {"client": ["Ромашка", None], "budget": [1.5, np.nan], "mixed": [1, "x"]}, index=["a", "b"]
        ),
        completed=pd.Series({"a": True, "b": False}),
        time_zone="Europe/Moscow",
        name="articles",
        calendar=Calendar.parse({"Mon-Fri": "09:00-18:00"}, time_zone="Europe/Moscow", holidays="RU"),
        quarantine=pd.DataFrame({"row": [7], "cell": ["<b>"], "reason": ["no time"]}),
        history=[Step("read", "a file", 6)],
    )


def same(one: EventLog, other: EventLog) -> None:
    assert other.content_hash == one.content_hash
    pd.testing.assert_frame_equal(other.to_pandas(), one.to_pandas())
    # Missing is missing, be it NaN or None.
    pd.testing.assert_frame_equal(*(log.case_frame().astype(object).where(lambda f: f.notna()) for log in (other, one)))
    for name in ("name", "time_zone", "activities", "resources", "roles", "timestamps", "observed", "history"):
        assert getattr(other, name) == getattr(one, name), name
    for name in ("activity", "resource", "role"):
        assert getattr(other, name).dtype == getattr(one, name).dtype, name
    assert other.calendar == one.calendar
    assert other.quarantine.astype(str).to_dict() == one.quarantine.astype(str).to_dict()


def test_a_saved_log_comes_back_whole(tmp_path: Path) -> None:
    log = rich()
    path = log.save(tmp_path / "log.parquet")
    same(log, EventLog.open(path))
    assert is_saved_log(path)
    # Other tools read the columns by their names.
    plain = pq.read_table(path).to_pandas()
    assert plain["activity"].astype(str).tolist() == log.to_pandas()["activity"].tolist()
    assert [one for one in plain["case:client"] if isinstance(one, str)] == ["Ромашка", "Ромашка"]


def test_a_log_of_completions_keeps_one_array_of_times(tmp_path: Path) -> None:
    frame = rich().to_pandas()[["case", "activity", "end"]]
    log = EventLog.from_pandas(frame)
    back = EventLog.open(log.save(tmp_path / "log.parquet"))
    same(log, back)
    assert back.start is back.end


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(TEXT, TEXT, MOMENT, st.integers(0, 10**12)), min_size=1, max_size=30),
    group=st.integers(1, 8),
    large=st.booleans(),
)
def test_any_log_comes_back_in_groups_of_any_size(
    tmp_path: Path, rows: list[tuple[str, str, int, int]], group: int, large: bool
) -> None:
    log = make(rows)
    log = replace(log, attributes={"n": np.array([f"text {i % 7}" for i in range(len(log))], dtype=object)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "GROUP", group)
        patch.setattr(module, "LARGE", 2 if large else 1 << 14)
        path = log.save(tmp_path / "log.parquet")
    same(log, EventLog.open(path))


def test_filters_and_their_history_are_kept(tmp_path: Path) -> None:
    log = rich()
    kept = log.keep_cases(np.array([True, False, True]), action="filter cases", detail="two of them")
    same(kept, EventLog.open(kept.save(tmp_path / "kept.parquet")))


def test_the_hash_does_not_depend_on_how_texts_are_numbered() -> None:
    log = rich()
    mask = np.array([False, True, True])
    kept = log.keep_cases(mask, action="filter cases")
    frame = kept.to_pandas()
    again = replace(kept, attributes={name: frame[name].to_numpy(dtype=object) for name in ("tag",)})
    assert replace(kept, attributes={"tag": kept.attributes["tag"]}).content_hash == again.content_hash


def test_what_is_not_a_saved_log_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no file"):
        EventLog.open(tmp_path / "none.parquet")
    with pytest.raises(DataError, match=r"end in \.parquet"):
        rich().save(tmp_path / "log.csv")
    plain = tmp_path / "plain.parquet"
    pq.write_table(pa.table({"case": ["a"], "activity": ["x"]}), plain)
    assert not is_saved_log(plain)
    with pytest.raises(DataError, match=r"no log that mkmine saved; read it with mkmine\.read"):
        EventLog.open(plain)
    (tmp_path / "torn.parquet").write_bytes(plain.read_bytes()[:-9])
    assert not is_saved_log(tmp_path / "torn.parquet")
    with pytest.raises(DataError, match="is damaged"):
        EventLog.open(tmp_path / "torn.parquet")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda facts, table: (facts | {"version": 99}, table), "newer mkmine"),
        (lambda facts, table: ({"version": 1}, table), "is damaged"),
        (lambda facts, table: (facts | {"activities": ["Draft"]}, table), "an unknown activity"),
        (lambda facts, table: (facts | {"time_zone": "Mars/Olympus"}, table), "not a time zone"),
        (lambda facts, table: (facts | {"quarantine": "!"}, table), "is damaged"),
        (lambda facts, table: (facts, table.take([1, 0, *range(2, len(table))])), "out of order|impossible"),
        (lambda facts, table: (facts, table.drop_columns(["end"])), "is damaged"),
        (
            lambda facts, table: (
                facts,
                table.set_column(3, "end", pa.array([None] * len(table), pa.timestamp("us", tz="UTC"))),
            ),
            "rows without a time",
        ),
    ],
)
def test_a_file_changed_by_a_stranger_is_refused(tmp_path: Path, change, told: str) -> None:  # type: ignore[no-untyped-def]
    frame = pd.DataFrame({"case": ["a"] * 3, "activity": ["Draft", "Approve", "Publish"]})
    frame["end"] = pd.to_datetime(["2025-01-01", "2025-01-02", "2025-01-03"])
    path = EventLog.from_pandas(frame).save(tmp_path / "log.parquet")
    table = pq.read_table(path)
    facts, table = change(json.loads(table.schema.metadata[KEY]), table)
    pq.write_table(table.replace_schema_metadata({KEY: json.dumps(facts).encode()}), path)
    with pytest.raises(DataError, match=told):
        EventLog.open(path)


def test_a_public_log_comes_back(shared_logs: Path, tmp_path: Path) -> None:
    log = read(shared_logs / "trackers" / "helpdesk.xes.gz")
    same(log, EventLog.open(log.save(tmp_path / "helpdesk.parquet")))


def test_whole_numbers_with_gaps_keep_their_digits(tmp_path: Path) -> None:
    moments = pd.to_datetime(["2025-01-01", "2025-01-02", "2025-01-03"])
    number = pd.array([2**53 + 1, None, 2], dtype="Int64")
    flag = pd.array([True, None, False], dtype="boolean")
    frame = pd.DataFrame({"case": ["a", "b", "c"], "activity": "x", "end": moments, "number": number, "flag": flag})
    frame["zoned"] = moments.tz_localize("Europe/Moscow")
    facts = pd.DataFrame({"number": number}, index=["a", "b", "c"])
    log = EventLog.from_pandas(frame, attributes=("number", "flag", "zoned"), case_attributes=facts)
    again = EventLog.open(log.save(tmp_path / "log.parquet"))
    assert again.content_hash == log.content_hash
    assert again.attributes["number"].tolist() == [str(2**53 + 1), None, "2"]
    assert again.attributes["flag"].tolist() == [True, None, False]
    assert again.case_attributes["number"].tolist()[0] == 2**53 + 1


def test_whole_numbers_among_objects_keep_their_digits(tmp_path: Path) -> None:
    frame = pd.DataFrame({"case": ["a", "b"], "activity": "x", "end": pd.to_datetime(["2025-01-01"] * 2)})
    frame["number"] = pd.Series([2**53 + 1, None], dtype=object)
    log = EventLog.from_pandas(frame, attributes=("number",))
    assert EventLog.open(log.save(tmp_path / "log.parquet")).attributes["number"].tolist() == [2**53 + 1, None]

"""The one verb that reads whatever holds an event log."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import mkmine as mk
from mkmine.errors import DataError, MkmineError, UnknownNameError

EVENTS = (
    "case;activity;start;end;who\n"
    "1;Brief;2025-03-03 09:00;2025-03-03 10:00;Ann\n"
    "1;Text;2025-03-03 11:00;2025-03-03 15:00;Bob\n"
    "2;Brief;2025-03-04 09:00;2025-03-04 10:00;Ann\n"
)
HISTORY = (
    "issue,field,from,to,when,who\n"
    "A-1,status,Open,In work,2025-03-03 09:00,Ann\n"
    "A-1,status,In work,Done,2025-03-03 12:00,Ann\n"
)
COLUMNS = {"case": "case", "activity": "activity", "start": "start", "end": "end", "resource": "who"}


def put(path: Path, content: str) -> Path:
    path.write_text(content, encoding="utf-8")
    return path


def test_reads_a_table_of_events(tmp_path: Path) -> None:
    log = mk.read(put(tmp_path / "events.csv", EVENTS), **COLUMNS, time_zone="Europe/Moscow")
    assert (log.n_cases, len(log)) == (2, 3)
    assert log.activities == ("Brief", "Text")
    assert log.time_zone == "Europe/Moscow"


def test_reads_a_frame_and_leaves_it_alone() -> None:
    frame = pd.DataFrame(
        {"case": [1, 1], "activity": ["a", "b"], "end": pd.to_datetime(["2025-03-03 10:00", "2025-03-03 11:00"])}
    )
    before = frame.copy()
    assert len(mk.read(frame, case="case", activity="activity", end="end")) == 2
    pd.testing.assert_frame_equal(frame, before)


def test_the_sample_is_recognised_as_a_trackers_export(root: Path) -> None:
    log = mk.read(root / "data" / "article" / "tracker.csv", mapping=root / "data" / "article" / "mapping.yaml")
    assert log.n_cases > 1_000


def test_naming_the_kind_decides(tmp_path: Path) -> None:
    path = put(tmp_path / "events.csv", EVENTS)
    assert len(mk.read(path, kind="events", **COLUMNS)) == 3
    with pytest.raises(MkmineError):
        mk.read(path, kind="tracker")


@pytest.mark.parametrize("kind", ["event", "xes", ""])
def test_an_unknown_kind_is_refused(kind: str) -> None:
    with pytest.raises(DataError, match=f'kind="{kind}" is not known; pass "events", "ocel" or "tracker"'):
        mk.read("x.csv", kind=kind)  # type: ignore[arg-type]


def test_a_tracker_is_a_file_and_has_no_columns(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is read from a file; pass its path"):
        mk.read(pd.DataFrame({"a": [1]}), kind="tracker")
    with pytest.raises(TypeError, match="has no setting case"):
        mk.read(put(tmp_path / "history.csv", HISTORY), kind="tracker", case="issue")


def test_mistakes_of_users_are_explained(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.csv"):
        mk.read(tmp_path / "none.csv")
    with pytest.raises(UnknownNameError, match='did you mean "activity"'):
        mk.read(put(tmp_path / "events.csv", EVENTS), case="case", activity="activty", end="end")
    with pytest.raises(TypeError, match="actvity"):
        mk.read(tmp_path / "events.csv", actvity="activity")
    with pytest.raises(DataError):
        mk.read(put(tmp_path / "empty.csv", ""))
    with pytest.raises(MkmineError):
        mk.read(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [("", "is empty"), ("{", "is not valid JSON"), ("[]", "not of a known tracker"), ("9" * 5_000, "cannot be read")],
)
def test_json_that_is_no_export_is_told_as_json(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        mk.read(put(tmp_path / "export.json", content))


def test_an_object_centric_log_is_flattened_and_a_saved_one_opened(tmp_path: Path) -> None:
    log = mk.read(put(tmp_path / "events.csv", EVENTS), **COLUMNS)
    written = mk.write(log, tmp_path / "events.jsonocel")
    assert mk.read(written.path).activities == log.activities
    with pytest.raises(UnknownNameError, match="object type"):
        mk.read(written.path, object_type="order")
    with pytest.raises(DataError, match='kind="ocel" is read from a file'):
        mk.read(log.to_pandas(), object_type="case")
    assert mk.read(log.save(tmp_path / "saved.parquet")).content_hash == log.content_hash

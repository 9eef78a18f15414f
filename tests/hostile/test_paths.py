"""One log read in different ways is one log: by the fast path and the slow, plain and compiled, from any file."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mkmine
from mkmine.errors import MkmineError
from mkmine.eventlog import EventLog
from mkmine.eventlog.formats import typed
from mkmine.eventlog.partitions import partition
from mkmine.eventlog.summaries import summarise

TOLD = {"case": "case", "activity": "activity", "end": "end", "resource": "resource"}
TEXTS = st.sampled_from(
    ["A", "B", " a", "a ", "é", "ё", "x,y", "x;y", '"q"', "l\nm", "l\r\nm", "\t", "007", "7", "7.0", "1e5", "1,5",
     "nan", "NaN", "null", "-", "None", "True", "true", "\u200b", "\xa0", "\x1f", "=1+1", "'=x", "''", "\ufeff", "#N/A",
     "inf",     "x" * 300, "\U0001f600", "1_000", "٣", "0x10", "1e400", "1" * 30, "-0", "+5", "2025-01-01"]
)  # fmt: skip
FORMATS = (
    "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S+03:00",
    "%Y-%m-%dT%H:%M:%S+05:45", "%Y-%m-%dT%H:%M:%S-12:00", "%Y-%m-%dT%H:%M:%S+14:00", "%d.%m.%Y %H:%M", "%Y/%m/%d %H:%M",
    "%Y%m%d", "%Y-%m-%dT%H:%M:%S+0300", "%Y-%m-%dT%H:%M:%S+03", "%Y-%m-%dT%H",
)  # fmt: skip
ODD = st.sampled_from(
    ["", "-", "NaT", "2025-13-01", "2025-02-30 10:00", "1800-01-01", "9999-12-31", "0001-01-01", "2025-03-30 02:30:00",
     "2025-10-26 02:30:00", "2025-03-03T24:00:00", "2025-03-03T23:59:60", "now", " 2025-03-03 10:00 ", "12", "45000",
     "2025-03-03 10:00:00+03:00", "2025-03-03T10:00:00.1234567", "null", "N/A", "#n/a", "NULL", "nAn"]
)  # fmt: skip
SETTINGS = settings(
    max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture], deadline=None
)
Sheet = tuple[list[str], list[list[str]]]


@st.composite
def sheets(draw: Any) -> Sheet:
    """Draw the names and the rows of a table, some of whose times may be none."""
    first = draw(st.sampled_from(FORMATS))
    second = draw(st.sampled_from([first, first, draw(st.sampled_from(FORMATS))]))
    starts, more, damaged = draw(st.booleans()), draw(st.booleans()), draw(st.integers(0, 3)) == 0
    rows = []
    for _ in range(draw(st.integers(1, 14))):
        start = pd.Timestamp("2025-03-28 22:00") + pd.Timedelta(minutes=draw(st.integers(0, 6000)))
        end = start + pd.Timedelta(minutes=draw(st.sampled_from([0, 0, 1, 60, 1500])))
        times = [end.strftime(second), start.strftime(first)]
        if damaged and draw(st.booleans()):
            times[draw(st.integers(0, 1))] = draw(ODD)
        row = [draw(st.sampled_from(["1", "2", "01", " 1", "cé"])), draw(TEXTS), times[0]]
        row += [times[1]] * starts + [draw(st.sampled_from(["Ann", "Bob", "", " Ann", "Боб"]))]
        row += [draw(TEXTS), draw(st.sampled_from(["1", "2.5", "", "-3", "1,5"]))] if more else []
        rows.append(row)
    return ["case", "activity", "end", *["start"] * starts, "resource", *["note", "number"] * more], rows


def written(sheet: Sheet, path: Path, mark: str = ",") -> Path:
    out = io.StringIO(newline="")
    table = csv.writer(out, delimiter=mark, lineterminator="\n", quoting=csv.QUOTE_ALL)
    table.writerows([sheet[0], *sheet[1]])
    path.write_bytes(out.getvalue().encode())
    return path


def outcome(read: Callable[[], EventLog], *, numbers: bool = True) -> tuple[object, ...]:
    """Return what tells a log from another, or the kind of error; `numbers` are those of the rows set aside."""
    try:
        log = read()
    except MkmineError as error:
        return (type(error).__name__,)
    aside = log.quarantine["row"].tolist() if len(log.quarantine) and numbers else len(log.quarantine)
    return log.content_hash, log.time_zone, log.timestamps, len(log), aside or 0


@SETTINGS
@given(
    sheets(),
    st.sampled_from(["raise", "quarantine"]),
    st.sampled_from([None, "Europe/Berlin"]),
    st.sampled_from(",;\t"),
)
def test_typed_columns_and_text_are_one_log(
    tmp_path: Path, sheet: Sheet, errors: str, time_zone: str | None, mark: str
) -> None:
    path = written(sheet, tmp_path / "log.csv", mark)
    told: dict[str, Any] = {**TOLD, "errors": errors, "time_zone": time_zone, "delimiter": mark}
    fast = outcome(lambda: mkmine.read(path, **told))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typed, "_typed", lambda *_: None)
        slow = outcome(lambda: mkmine.read(path, **told))
    assert fast == slow


@SETTINGS
@given(sheets(), st.sampled_from(["raise", "quarantine"]))
def test_plain_and_compiled_forms_are_one_log(tmp_path: Path, sheet: Sheet, errors: str) -> None:
    pytest.importorskip("numba")
    path = written(sheet, tmp_path / "log.csv")
    found = []
    for form in ("numpy", "numba"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MKMINE_KERNELS", form)
            found.append(outcome(lambda: mkmine.read(path, errors=errors)))
    assert found[0] == found[1]


@SETTINGS
@given(sheets(), st.sampled_from(["raise", "quarantine"]))
def test_text_frames_and_columnar_files_are_one_log(tmp_path: Path, sheet: Sheet, errors: str) -> None:
    told: dict[str, Any] = {**TOLD, "errors": errors}
    frame = pd.DataFrame(sheet[1], columns=sheet[0])
    frame.to_parquet(tmp_path / "log.parquet")
    frame.to_feather(tmp_path / "log.feather")
    text = written(sheet, tmp_path / "log.csv")
    found = {outcome(lambda: mkmine.read(text, delimiter=",", **told), numbers=False)}
    for source in (frame, tmp_path / "log.parquet", tmp_path / "log.feather"):
        found.add(outcome(lambda source=source: mkmine.read(source, **told), numbers=False))  # type: ignore[misc]
    assert len(found) == 1


def rows_of(log: EventLog) -> list[tuple[str, ...]]:
    frame = log.to_pandas().drop(columns="round")
    return sorted(map(tuple, frame[sorted(frame)].astype(object).where(frame.notna(), None).astype(str).to_numpy()))


@SETTINGS
@given(sheets(), st.sampled_from(["raise", "quarantine"]), st.integers(1, 4))
def test_partitions_hold_what_is_read_whole(tmp_path: Path, sheet: Sheet, errors: str, partitions: int) -> None:
    path, told = written(sheet, tmp_path / "log.csv"), {**TOLD, "errors": errors}
    shutil.rmtree(tmp_path / "parts", ignore_errors=True)
    try:
        parts = partition(path, tmp_path / "parts", partitions=partitions, **told)
    except MkmineError:
        assert len(outcome(lambda: mkmine.read(path, **told))) == 1
        return
    whole = mkmine.read(path, **told)
    assert sorted(row for part in parts for row in rows_of(part)) == rows_of(whole)
    assert parts.summarise().to_dict() == summarise(whole).to_dict()

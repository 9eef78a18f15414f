"""Writers: what is written is read again as it was, by any reader; what a format cannot hold is told."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from mkmine.errors import DataError
from mkmine.eventlog import EventLog
from mkmine.eventlog.formats.escaping import escaped, unescaped, unescaped_table
from mkmine.eventlog.formats.ocel import read_ocel
from mkmine.eventlog.formats.outgoing import iso_texts
from mkmine.eventlog.formats.read import read
from mkmine.eventlog.formats.write import Written, write, write_quarantine

SECOND = 1_000_000
BEGIN = 1_741_000_000 * SECOND
# What a name may be: no spaces around, as a log strips them; not a number, which a text file cannot tell from text.
NAMES = st.text(st.sampled_from("aБё😀<>&\"' ;,=+-@\n\t]/"), min_size=1, max_size=6).map(lambda one: f"x{one}y")
FREE = st.one_of(
    st.none(), NAMES, st.sampled_from(["=cmd|' /C calc'!A0", "'=1", "-x", "@sum", "\tx", "a\r\nb", "&amp;"])
)


@st.composite
def logs(draw: Any, unit: int = 1) -> EventLog:
    """Logs of up to 4 cases; times are multiples of `unit` µs, the last instance of a case may be ongoing."""
    starts, with_enabled = draw(st.booleans()), draw(st.booleans())
    rows: list[dict[str, Any]] = []
    cases = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    moments = st.integers(0, 40).map(lambda one: BEGIN + one * draw(st.sampled_from([unit, SECOND, 3600 * SECOND])))
    for case in cases:
        amount = draw(st.one_of(st.none(), st.floats(-1e9, 1e9)))
        label = draw(FREE)
        for _ in range(draw(st.integers(1, 4))):
            enabled, start, end = sorted(draw(st.tuples(moments, moments, moments)))
            rows.append(
                {
                    "case": case, "activity": draw(NAMES), "resource": draw(st.one_of(st.none(), NAMES)),
                    "role": draw(st.one_of(st.none(), NAMES)), "enabled": enabled, "start": start, "end": end,
                    "ongoing": False, "note": draw(FREE), "cost": draw(st.one_of(st.none(), st.floats(-1e9, 1e9))),
                    "flag": draw(st.booleans()), "whole": draw(st.integers(-(10**14), 10**14)),
                    "case:label": label, "case:amount": amount,
                }
            )  # fmt: skip
    frame = pd.DataFrame(rows)
    last = frame.groupby("case")["start"].transform("max") == frame["start"]
    if starts:
        frame["ongoing"] = last & draw(st.booleans())
    observed = int(frame["end"].max())
    frame.loc[frame["ongoing"], "end"] = observed
    facts = frame.groupby("case", sort=False)[["case:label", "case:amount"]].first()
    facts.columns = ["label", "amount"]
    going = frame.groupby("case", sort=False)["ongoing"].any()
    for column in ("enabled", "start", "end"):
        frame[column] = pd.to_datetime(frame[column], unit="us", utc=True).astype("datetime64[us, UTC]")
    return EventLog.from_pandas(
        frame,
        start="start" if starts else None,
        enabled="enabled" if with_enabled else None,
        resource="resource",
        role="role",
        ongoing="ongoing",
        attributes=["note", "cost", "flag", "whole"],
        case_attributes=facts,
        completed=~going,
        time_zone=draw(st.sampled_from(["UTC", "Europe/Moscow", "America/New_York", "Asia/Kolkata"])),
        observed=(int(frame["start"].astype(np.int64).min()), observed),
    )


def facts(log: EventLog, tolerance: int = 1) -> dict[str, Any]:
    """Return what a format is to keep; numbers are compared as numbers, whatever their type."""
    frame, cases = log.to_pandas(), log.case_attributes
    known = {
        "cases": log.case_ids.tolist(),
        "offsets": log.offsets.tolist(),
        "activity": frame["activity"].tolist(),
        "resource": [one if isinstance(one, str) else None for one in frame["resource"]],
        "role": [one if isinstance(one, str) else None for one in frame["role"]],
        "start": (log.start // tolerance).tolist(),
        "end": np.where(log.ongoing, 0, log.end // tolerance).tolist(),
        "ongoing": log.ongoing.tolist(),
        "completed": log.completed.tolist(),
        "zone": log.time_zone,
        "enabled": None if log.enabled is None else (log.enabled // tolerance).tolist(),
    }
    for owner in (dict(log.attributes), dict(cases.items())):
        known |= {name: [_plain(one) for one in np.asarray(values, dtype=object)] for name, values in owner.items()}
    # A column without a single value cannot be told from no column.
    return {
        name: values for name, values in known.items() if values not in (None, [None] * len(log), [None] * len(cases))
    }


def _plain(value: Any) -> Any:
    if value is None or value is pd.NA or value != value or value == "":
        return None
    if value in ("true", "false"):
        return float(value == "true")
    # A sheet keeps 16 digits, and ends lines in its own way.
    return value.replace("\r\n", "\n") if isinstance(value, str) else float(f"{float(value):.13g}")


def again(written: Written) -> EventLog:
    if written.path.suffix == ".jsonocel":
        return read_ocel(written.path, mapping=written.mapping)
    return read(written.path, mapping=written.mapping)


def other_notes(written: Written, log: EventLog) -> list[str]:
    """Return the notes but that on the window of observation, which must be there just where it differs."""
    window = [note for note in written.notes if note.startswith("the window of observation is not written")]
    seen = (int(log.start.min()), int(log.end.max()))
    assert bool(window) == (log.observed != seen and written.path.suffix != ".parquet")
    return [note for note in written.notes if note not in window]


@pytest.mark.parametrize("name", ["log.csv", "log.tsv.gz", "log.parquet", "log.xes", "log.xes.gz"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=30)
@given(log=logs())
def test_what_is_written_is_read_again(tmp_path: Path, name: str, log: EventLog) -> None:
    written = write(log, tmp_path / name, **({"formulas": "keep"} if ".csv" in name or ".tsv" in name else {}))
    assert other_notes(written, log) == []
    assert facts(again(written)) == facts(log)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=15)
@given(log=logs(unit=1000))
def test_sheets_keep_milliseconds(tmp_path: Path, log: EventLog) -> None:
    # A wall clock shows an hour twice where clocks are set back, and none of these days is such a one.
    assume(not log.ongoing.all())  # a sheet whose ends are all empty has no column of times
    written = write(log, tmp_path / "log.xlsx")
    assert all(note.startswith("times are those of the wall clock") for note in other_notes(written, log))
    assert facts(again(written), 1000) == facts(log, 1000)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=20)
@given(log=logs())
def test_object_centric_logs_are_read_again(tmp_path: Path, log: EventLog) -> None:
    written = write(log, tmp_path / "log.jsonocel")
    json.loads(written.path.read_text(encoding="utf-8"))
    back = facts(again(written))
    expected = facts(log)
    if log.ongoing.any():
        assert any("ongoing" in note for note in written.notes)
        for known in (back, expected):
            for name in ("ongoing", "completed", "end", "start", "enabled"):
                known.pop(name, None)
    assert back == expected


def xes_oracle(path: Path) -> pd.DataFrame:
    import pm4py

    return pm4py.read_xes(str(path), variant="iterparse_20", show_progress_bar=False)


def small(make_log: Callable[..., EventLog], **options: Any) -> EventLog:
    rows = [("1", "=SUM(A1)", 0, 1, "Анна"), ("1", "B", 1, 3, "-Боб"), ("2", "=SUM(A1)", 2, 5, None, True)]
    return make_log(rows, time_zone="Europe/Moscow", **options)


def test_pm4py_reads_the_xes(make_log: Callable[..., EventLog], tmp_path: Path) -> None:
    pytest.importorskip("pm4py")
    log = small(make_log)
    frame = xes_oracle(write(log, tmp_path / "log.xes").path)
    assert frame["lifecycle:transition"].tolist() == ["start", "complete", "start", "complete", "start"]
    assert frame["case:concept:name"].tolist() == ["1", "1", "1", "1", "2"]
    assert frame["org:resource"].tolist()[:4] == ["Анна", "Анна", "-Боб", "-Боб"]
    stamps = frame["time:timestamp"].dt.tz_convert("UTC").to_numpy(dtype="datetime64[us]").astype(np.int64)
    assert stamps.tolist() == [log.start[0], log.end[0], log.start[1], log.end[1], log.start[2]]


def test_pm4py_reads_the_object_centric_log(make_log: Callable[..., EventLog], tmp_path: Path) -> None:
    pm4py = pytest.importorskip("pm4py")
    ocel = pm4py.read_ocel2_json(str(write(small(make_log), tmp_path / "log.jsonocel").path))
    flat = pm4py.ocel_flattening(ocel, "case").sort_values("case:concept:name", kind="stable")
    assert flat["concept:name"].tolist() == ["=SUM(A1)", "B", "=SUM(A1)"]
    assert flat["case:concept:name"].tolist() == ["1", "1", "2"]


def test_the_xes_is_what_the_standard_says(make_log: Callable[..., EventLog], tmp_path: Path) -> None:
    from xml.etree import ElementTree

    path = write(small(make_log), tmp_path / "log.xes.gz").path
    root = ElementTree.fromstring(gzip.decompress(path.read_bytes()))
    tags = [child.tag.rpartition("}")[2] for child in root]
    assert tags == ["extension"] * 4 + ["global"] * 2 + ["classifier", "string", "trace", "trace"]
    first = root.find("{*}trace/{*}event/{*}date")
    assert first is not None
    assert first.get("value") == "2025-03-03T03:00:00+03:00"


# -- spreadsheets --------------------------------------------------------------------------------------------------


def test_formulas_are_text_in_csv(make_log: Callable[..., EventLog], tmp_path: Path) -> None:
    written = write(small(make_log), tmp_path / "log.csv", bom=True, delimiter=";")
    data = written.path.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig")), delimiter=";"))
    assert rows[1][1] == "'=SUM(A1)"
    assert rows[2][2] == "'-Боб"
    assert "3 texts that look like formulas begin with an apostrophe" in written.notes
    kept = write(small(make_log), tmp_path / "log.csv", formulas="keep")
    assert "=SUM(A1)" in list(csv.reader(io.StringIO(kept.path.read_text(encoding="utf-8"))))[1]


@given(texts=st.lists(st.one_of(st.none(), st.text(st.sampled_from("'=+-@\t\rax"), max_size=6)), max_size=20))
def test_escaped_texts_are_harmless_and_come_back(texts: list[str | None]) -> None:
    array = pa.array(texts, pa.large_string())
    made, count = escaped(array)
    assert not any(one and one[0] in "=+-@\t\r" for one in made.to_pylist())
    assert unescaped(made).to_pylist() == texts
    table = unescaped_table(pa.table({"'=a": made, "b": made.dictionary_encode(), "n": pa.array(range(len(texts)))}))
    assert table.to_pydict() == {"=a": texts, "b": texts, "n": list(range(len(texts)))}
    assert count == sum(a != b for a, b in zip(made.to_pylist(), texts, strict=True))


def test_a_sheet_has_no_formulas_and_no_links(make_log: Callable[..., EventLog], tmp_path: Path) -> None:
    import openpyxl

    rows = [("http://example.org", "=1+1", 0, 1, "@x"), ("007", "{=1}", 1, 3, "mailto:a@b.c")]
    path = write(make_log(rows), tmp_path / "log.xlsx").path
    sheet = openpyxl.load_workbook(path).active
    assert sheet is not None
    cells = [cell for row in sheet.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells if isinstance(cell.value, str)} == {"s"}
    assert all(cell.hyperlink is None for cell in cells)
    assert sheet["A3"].value == "007"


def test_what_a_sheet_cannot_hold_is_refused(
    make_log: Callable[..., EventLog], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mkmine.eventlog.formats import write as module

    with pytest.raises(DataError, match=r'column "activity" has 40,000 characters, a cell of XLSX holds 32,767'):
        write(make_log([("1", "a" * 40_000, 0, 1)]), tmp_path / "log.xlsx")
    monkeypatch.setattr(module, "MOST_ROWS", 3)
    with pytest.raises(DataError, match="the log has 3 instances"):
        write(small(make_log), tmp_path / "log.xlsx")
    assert list(tmp_path.iterdir()) == []


# -- what does not fit ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "replaced"),
    [("log.xes", "a\ufffdb\ufffdc"), ("log.csv", "a\x01b\uffffc"), ("log.xlsx", "a\ufffdb\ufffdc")],
)
def test_unfit_characters_are_replaced_and_counted(
    make_log: Callable[..., EventLog], tmp_path: Path, name: str, replaced: str
) -> None:
    written = write(make_log([("1", "a\x01b\uffffc", 0, 1)]), tmp_path / name)
    assert again(written).activities == (replaced,)
    assert ("1 texts held characters that the format cannot hold, replaced by �" in written.notes) == (
        name != "log.csv"
    )


def test_a_nul_is_replaced_in_csv(make_log: Callable[..., EventLog], tmp_path: Path) -> None:
    written = write(make_log([("1", "a\0b", 0, 1)]), tmp_path / "log.csv")
    assert again(written).activities == ("a\ufffdb",)
    assert len(written.notes) == 1


def test_losses_are_told(make_log: Callable[..., EventLog], tmp_path: Path) -> None:
    rows = [("1", "A", 0, 9, None, True), ("1", "B", 1, 3), ("2", "A", 2, 5)]
    log = make_log(rows, completed=pd.Series([False, False], index=["1", "2"]), timestamps="estimated")
    notes = " / ".join(write(log, tmp_path / "log.csv").notes)
    assert "1 ongoing instances are not the last of their case" in notes
    assert "that 1 cases are open is not written" in notes
    assert "starts are estimated is not written" in notes


def test_attributes_do_not_take_the_names_of_columns(tmp_path: Path) -> None:
    stamps = pd.to_datetime(["2025-03-03 10:00", "2025-03-03 11:00"]).tz_localize("UTC")
    frame = pd.DataFrame(
        {"c": ["1", "1"], "a": ["A", "B"], "t": stamps, "case": ["x", "y"], "concept:name": ["u", "v"]}
    )
    log = EventLog.from_pandas(frame, case="c", activity="a", end="t", attributes=["case", "concept:name"])
    for name, old in (("log.csv", "case"), ("log.xes", "concept:name")):
        written = write(log, tmp_path / name)
        assert written.notes == (f'attribute "{old}" is called "{old} (attribute)"',)
        assert again(written).attributes[f"{old} (attribute)"].tolist() == log.attributes[old].tolist()


def test_sub_statuses_stay_in_their_place(make_log: Callable[..., EventLog], tmp_path: Path) -> None:
    stamps = pd.to_datetime(["2025-03-03 10:00", "2025-03-03 11:00"]).tz_localize("UTC")
    frame = pd.DataFrame(
        {"case": ["1", "1"], "activity": ["A", "A"], "end": stamps, "lifecycle:transition": ["In", "Out"]}
    )
    log = EventLog.from_pandas(frame, attributes=["lifecycle:transition"])
    written = write(log, tmp_path / "log.xes")
    assert written.notes == ()
    assert again(written).attributes["lifecycle:transition"].tolist() == ["In", "Out"]


def test_unknown_endings_and_options_are_told(make_log: Callable[..., EventLog], tmp_path: Path) -> None:
    log = small(make_log)
    with pytest.raises(DataError, match=r'"log\.docx" is not known by its ending; give \.csv'):
        write(log, tmp_path / "log.docx")
    with pytest.raises(DataError, match="delimiter and bom are for"):
        write(log, tmp_path / "log.parquet", bom=True)
    with pytest.raises(DataError, match='";;" is not a delimiter'):
        write(log, tmp_path / "log.csv", delimiter=";;")
    with pytest.raises(DataError, match='formulas="run" is not known'):
        write(log, tmp_path / "log.csv", formulas="run")  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_a_failing_write_leaves_the_old_file(
    make_log: Callable[..., EventLog], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mkmine.eventlog.formats.xes import writer

    path = tmp_path / "log.xes"
    path.write_text("old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writer._Writer, "traces", fail)
    with pytest.raises(DataError, match="No space left on device"):
        write(small(make_log), path)
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["log.xes"]


def test_large_logs_are_written_in_parts(
    make_log: Callable[..., EventLog], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mkmine.eventlog.formats import outgoing

    rows = [(f"c{case}", f"A{n}", n, n + 1, f"r{case % 3}") for case in range(7) for n in range(3)]
    log = make_log(rows)
    whole = {name: write(log, tmp_path / name).path.read_bytes() for name in ("log.csv", "log.xes", "log.jsonocel")}
    monkeypatch.setattr(outgoing.spans, "__defaults__", (4,))
    for name, data in whole.items():
        assert write(log, tmp_path / name).path.read_bytes() == data


# -- rows set aside ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["aside.csv", "aside.xlsx", "aside.parquet"])
def test_rows_set_aside_are_written(tmp_path: Path, name: str) -> None:
    source = tmp_path / "log.csv"
    source.write_text("case,activity,end\n" + "1,A,2025-03-03 10:00\n" * 20 + "2,=1,never\n", encoding="utf-8")
    log = read(source, errors="quarantine")
    path = write_quarantine(log, tmp_path / name)
    readers: dict[str, Callable[[], pd.DataFrame]] = {
        ".csv": lambda: pd.read_csv(path),
        ".xlsx": lambda: pd.read_excel(path, engine="openpyxl"),
        ".parquet": lambda: pd.read_parquet(path),
    }
    frame = readers[path.suffix]()
    assert len(frame) == 1
    assert "never" in frame["reason"][0]
    assert frame["activity"][0] == ("'=1" if name == "aside.csv" else "=1")


def test_nothing_set_aside_is_not_written(make_log: Callable[..., EventLog], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nothing to write"):
        write_quarantine(small(make_log), tmp_path / "aside.csv")
    assert list(tmp_path.iterdir()) == []


@given(
    st.lists(st.integers(-2_000_000_000, 4_000_000_000), min_size=1),
    st.sampled_from(["UTC", "Europe/Moscow", "Asia/Kolkata"]),
)
def test_times_are_written_with_their_offset(seconds: list[int], zone: str) -> None:
    texts = iso_texts(np.array(seconds, dtype=np.int64) * SECOND, zone).to_pylist()
    for text, second in zip(texts, seconds, strict=True):
        assert pd.Timestamp(text).timestamp() == second

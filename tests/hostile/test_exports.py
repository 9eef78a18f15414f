"""Names made to break out of a file's format: they are text there, harmless in a spreadsheet, and come back whole."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import openpyxl
import pandas as pd
import pytest

import mkmine
from mkmine.errors import DataError
from mkmine.eventlog import EventLog

NAMES = (
    "=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "'=1", "''=1", "'", '"=1', '=HYPERLINK("http://x","y")', "{=1}", "1/2",
    "=cmd|' /C calc'!A0", "%0A=1", "</event><x>", '"/><string key="org:resource" value="evil"/>', "&amp;", "&lt;", "%s",
    "&#10;", "<![CDATA[x]]>", "]]>", "a\tb", "a\nb", "\U0001f600", "_x0041_", "https://x.y", "mailto:a@b", "1E5",
    "TRUE", "00123", "#REF!", "a\x85b", "a\u2028b", "\u200b=1", '\\", "x": "', "\uff1d1", "\uff0b1", "\uff0d1",
    "\uff201", "'\uff1d1", "\n=1", "\\u0041", "${x}", "{{x}}",
)  # fmt: skip
KEYS = ('k"e', "k<e>y", "a&b", "case", "end", "case:z", "object:q", "é", "a\tb", "row", "reason", "]]>", "__proto__")


@pytest.fixture
def log() -> EventLog:
    n, hour = len(NAMES), pd.Timedelta("1h")
    start = [pd.Timestamp("2025-03-03", tz="UTC") + i * hour for i in range(n)]
    frame = pd.DataFrame(
        {"case": [f"c{i}" for i in range(n)], "activity": NAMES, "start": start, "end": [one + hour for one in start]}
    )
    frame["resource"] = frame["role"] = frame["note"] = frame["activity"]
    more = {f"{key} (2)" if key in frame else key: "v" for key in KEYS}
    cases = pd.DataFrame(dict.fromkeys(KEYS, "u"), index=frame["case"])
    return EventLog.from_pandas(
        frame.assign(**more),
        start="start",
        resource="resource",
        role="role",
        attributes=["note", *more],
        case_attributes=cases,
        name='=1+1<&"\0]]>',
    )


@pytest.mark.parametrize("name", ["log.parquet", "log.xes", "log.xes.gz", "log.jsonocel", "log.xlsx"])
def test_every_name_comes_back(log: EventLog, tmp_path: Path, name: str) -> None:
    done = mkmine.write(log, tmp_path / name)
    again = mkmine.read(done.path, mapping=done.mapping)
    assert set(again.activities) == set(log.activities)
    assert set(again.resources) == set(log.resources)
    assert len(again) == len(log)
    if name != "log.xlsx":
        assert set(again.attributes["note"]) == set(log.attributes["note"])


@pytest.mark.parametrize("ending", ["csv", "tsv", "csv.gz", "xlsx", "xes", "xes.gz", "jsonocel"])
def test_the_mapping_names_the_columns_as_they_stand_in_the_file(tmp_path: Path, ending: str) -> None:
    names = ("=k", "\uff20k", "x\x01y", "x\x02y", " k ", "k", "K", "a\0b", "\n=1", "'=k", "case:k")
    frame = pd.DataFrame({"case": ["1"], "activity": ["A"], "end": pd.to_datetime(["2025-03-03"], utc=True)})
    for number, name in enumerate(names):
        frame[name] = f"v{number}"
    cases = pd.DataFrame({"k": ["u"], "=k": ["u"], "x\x01y": ["u"]}, index=["1"])
    written = mkmine.write(
        EventLog.from_pandas(frame, attributes=list(names), case_attributes=cases), tmp_path / f"log.{ending}"
    )
    again = mkmine.read(written.path, mapping=written.mapping)
    assert sorted(again.attributes[one][0] for one in again.attributes) == sorted(f"v{i}" for i in range(len(names)))
    assert len(again.case_attributes.columns) == 3


def test_a_saved_log_is_the_same(log: EventLog, tmp_path: Path) -> None:
    assert EventLog.open(log.save(tmp_path / "log.parquet")).content_hash == log.content_hash


@pytest.mark.parametrize("name", ["log.csv", "log.tsv", "log.csv.gz"])
def test_no_cell_of_text_is_a_formula(log: EventLog, tmp_path: Path, name: str) -> None:
    raw = mkmine.write(log, tmp_path / name).path.read_bytes()
    text = (gzip.decompress(raw) if name.endswith("gz") else raw).decode()
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter="\t" if "tsv" in name else ",", strict=True))
    assert len(rows) == len(log) + 1
    assert not [cell for row in rows for cell in row if cell.startswith(tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"))]


def test_a_workbook_has_text_only(log: EventLog, tmp_path: Path) -> None:
    path = mkmine.write(log, tmp_path / "log.xlsx").path
    sheet = openpyxl.load_workbook(path).active
    assert not [cell.value for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
    assert not sheet._hyperlinks
    with zipfile.ZipFile(path) as parts:
        assert not [one for one in parts.namelist() if b"<f>" in parts.read(one) or b"TargetMode" in parts.read(one)]


def test_nothing_breaks_out_of_xes(log: EventLog, tmp_path: Path) -> None:
    root = ElementTree.parse(mkmine.write(log, tmp_path / "log.xes").path).getroot()
    events = root.findall(".//{*}event")
    assert len(events) == 2 * len(log)
    assert not [one for one in root.iter() if one.get("value") == "evil"]
    assert not root.findall(".//{*}x")
    assert {one.tag.rpartition("}")[2] for event in events for one in event} == {"string", "date"}


def test_nothing_breaks_out_of_json(log: EventLog, tmp_path: Path) -> None:
    text = mkmine.write(log, tmp_path / "log.jsonocel").path.read_text(encoding="utf-8")
    document = json.loads(text, parse_constant=lambda one: pytest.fail(f"{one} is no JSON"))
    assert [one["type"] for one in document["events"]] == log.to_pandas()["activity"].tolist()


def test_a_link_is_replaced_and_not_followed(log: EventLog, tmp_path: Path) -> None:
    precious, link = tmp_path / "precious.txt", tmp_path / "log.csv"
    precious.write_text("precious")
    link.symlink_to(precious)
    mkmine.write(log, link)
    assert precious.read_text() == "precious"
    assert not link.is_symlink()


@pytest.mark.parametrize("name", ["x" * 300 + ".csv", "log", "log.csv.exe", "log.csv/../log", ""])
def test_impossible_names_are_refused(log: EventLog, tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError):
        mkmine.write(log, tmp_path / name)
    assert not [one for one in tmp_path.iterdir() if one.is_file()]

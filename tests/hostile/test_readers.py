"""Files made to break a reader: each is read, set aside row by row and counted, or refused with a clear message."""

from __future__ import annotations

import gzip
import io
import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import feather, parquet

from mkmine.eventlog.formats.xes import read_xes
from tests.hostile.conftest import Reader

HEAD = "case,activity,start,end,resource\n"
ROWS = (
    "1,A,2025-03-03 09:00,2025-03-03 10:00,Ann\n"
    "1,B,2025-03-03 10:00,2025-03-03 11:00,Bob\n"
    "2,A,2025-03-03 09:00,2025-03-03 10:00,Ann\n"
)
MANY = ROWS * 40_000
TAIL = ",2025-03-03 09:00,2025-03-03 10:00,Ann\n"
Put = Callable[[str, str | bytes], Path]


@pytest.mark.parametrize(
    ("name", "content", "rows", "aside"),
    [
        ("a cell of 10 MB.csv", lambda: HEAD + ROWS + f'3,"{"x" * 10_000_000}"{TAIL}', 4, 0),
        ("a NUL.csv", lambda: HEAD + ROWS + f"3,A\0{TAIL}", 3, 1),
        ("a short row far on.csv", lambda: HEAD + MANY + "9,A\n" + MANY, 240_000, 1),
        ("a long row far on.csv", lambda: HEAD + MANY + "9,A,,,,,,,,\n" + MANY, 240_000, 1),
        ("a row of a million cells.csv", lambda: HEAD + ROWS + ",".join("1" * 1_000_000) + "\n", 3, 1),
        ("a quote open at the end.csv", lambda: HEAD + MANY * 2 + f'3,"A{TAIL}', 240_000, 1),
        ("a quote within.csv", lambda: HEAD + MANY + f'3,A"B{TAIL}' + MANY, 240_001, 0),
        ("carriage returns.csv", lambda: (HEAD + ROWS).replace("\n", "\r"), 3, 0),
        ("both line ends.csv", lambda: (HEAD + ROWS).replace("\n", "\r\n") + ROWS.replace("\n", "\r"), 6, 0),
        ("two marks.csv", lambda: "\ufeff\ufeff" + HEAD + ROWS, 3, 0),
        ("a member after another.csv.gz", lambda: gzip.compress((HEAD + ROWS).encode()) + _packed(ROWS), 6, 0),
        ("not packed.csv.gz", lambda: HEAD + ROWS, 3, 0),
        ("packed.csv", lambda: _packed(HEAD + ROWS), 3, 0),
        (
            "two encodings.csv",
            lambda: (HEAD + f"1,Правка{TAIL}" * 90).encode() + f"2,Правка{TAIL}".encode("cp1251"),
            90,
            1,
        ),
    ],
)
def test_text_is_read_but_for_rows_that_cannot_be(
    reader: Reader, put: Put, name: str, content: Callable[[], str | bytes], rows: int, aside: int
) -> None:
    path = put(name, content())
    told = reader.read(path, "quarantine")
    assert (told.rows, told.aside, told.message) == (rows, aside, "")
    strict = reader.read(path)
    assert (strict.rows, strict.error) == ((0, "DataError") if aside else (rows, "")), strict.message
    if aside:
        assert "quarantine" in strict.message


def _packed(text: str) -> bytes:
    return gzip.compress(text.encode())


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.csv", lambda: "", "is empty"),
        ("spaces.csv", lambda: " " * 10_000_000, "is empty"),
        ("quotes.csv", lambda: '"' * 2_000_000, None),
        ("NULs.csv", lambda: b"\0" * 1_000_000, "row of names"),
        ("a line without end.csv", lambda: "x" * 20_000_000, "header"),
        ("a million columns.csv", lambda: ",".join(f"c{i}" for i in range(1_000_000)) + "\n", "1,000,000 columns"),
        ("commas.csv", lambda: "," * 2_000_000, "columns"),
        ("columns of one name.csv", lambda: "case,case,activity,end\n1,1,A,2025-03-03\n", "several columns named"),
        ("columns of like names.csv", lambda: "case,Case,activity,end\n1,1,A,2025-03-03\n", "the same name but for"),
        ("a quote open from the start.csv", lambda: HEAD + f'3,"A{TAIL}' + MANY, None),
        ("cut.csv.gz", lambda: _packed(HEAD + ROWS * 1000)[:-20], "not a whole gzip"),
        ("cut in its head.csv.gz", lambda: _packed(HEAD + ROWS)[:5], "not a whole gzip"),
        ("a wrong sum.csv.gz", lambda: _packed(HEAD + ROWS)[:-8] + bytes(8), "not a whole gzip"),
        ("more behind.csv.gz", lambda: _packed(HEAD + ROWS) + b"more", "not a whole gzip"),
        ("a bomb.csv.gz", lambda: _packed(HEAD) + gzip.compress(bytes(1 << 20)) * 200, None),
        ("a bomb of rows.csv.gz", lambda: _packed(HEAD) + _packed(ROWS * 10_000) * 200, "unpacks to more"),
        ("a bomb.xes.gz", lambda: gzip.compress(b"<log>") + gzip.compress(b" " * (1 << 20)) * 1000, "unpacks to more"),
        ("a bomb.json.gz", lambda: gzip.compress(b"[") + gzip.compress(b"[]," * (1 << 18)) * 500, "unpacks to more"),
        ("deep.json", lambda: "[" * 300_000, "nested too deeply"),
        ("deeper.json", lambda: '{"issues":' + '[{"a":' * 100_000, "nested too deeply"),
        ("a long number.json", lambda: '{"issues":[{"key":' + "9" * 5000 + "}]}", "cannot be read"),
        ("a text.json", lambda: '"x"', "not of a known tracker"),
        ("cut.json", lambda: '{"issues":[{"key":"A', "not valid JSON"),
    ],
)
def test_what_is_no_log_is_refused(
    reader: Reader, put: Put, name: str, content: Callable[[], str | bytes], message: str | None
) -> None:
    path = put(name, content())
    for errors in ("raise", "quarantine"):
        told = reader.read(path, errors)
        assert told.error == "DataError"
        assert message is None or message in told.message
        assert len(told.message) < 2000


# -- XES -----------------------------------------------------------------------------------------------------------

EVENT = '<event><string key="concept:name" value="{0}"/><date key="time:timestamp" value="{1}"/>{2}</event>'
MOMENT = "2020-01-01T00:00:00Z"


def xes(*events: str, head: str = '<?xml version="1.0"?>') -> str:
    return f'{head}<log><trace><string key="concept:name" value="1"/>{"".join(events)}</trace></log>'


def event(name: str = "A", moment: str = MOMENT, more: str = "") -> str:
    return EVENT.format(name, moment, more)


LAUGHS = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10 if i else "ha"}">' for i in range(10))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lambda: xes(event("&a9;"), head=f"<!DOCTYPE log [{LAUGHS}]>"), "declares a document type"),
        (
            lambda: xes(event("&x;"), head='<!DOCTYPE log [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
            "declares a document type",
        ),
        (lambda: xes(event(), head='<!DOCTYPE log SYSTEM "http://127.0.0.1:1/x.dtd">'), "declares a document type"),
        (lambda: "<log><trace>" + "<event>" * 1_000_000, "not well-formed"),
        (lambda: "<log>" + "<" * 20_000_000, "not well-formed"),
        (lambda: '<log><trace><event><string key="' + "c" * 20_000_000, "not well-formed"),
        (lambda: "<log><trace><!--" + "c" * 20_000_000, "not well-formed"),
        (lambda: xes(event("A\0B")), "not well-formed"),
        (lambda: xes(event("A&#1;B")), "not well-formed"),
        (lambda: xes(event("A&#xD800;B")), "not well-formed"),
        (lambda: xes(event(f"A&#{'9' * 1000};B")), "not well-formed"),
        (lambda: "<log>" + "<trace/>" * 1_000_000 + "</log>", "no event in its 1,000,000 traces"),
        (
            lambda: xes(event(more="".join(f'<string key="k{i}" value="v"/>' for i in range(100_000)))),
            "more than 10,000 different attributes",
        ),
    ],
    ids=range(13),
)
def test_hostile_xes_is_refused(reader: Reader, put: Put, content: Callable[[], str], message: str) -> None:
    told = reader.read(put("log.xes", content()), "quarantine")
    assert message in told.message


@pytest.mark.parametrize(
    "content",
    [
        lambda: xes(event(), '<string key="a" value="b">' * 100_000 + "</string>" * 100_000),
        lambda: xes(event(more='<string key="k" value="v"/>' * 300_000)),
        lambda: xes(event("x" * 10_000_000)),
        lambda: xes(event(), f"<{'t' * 10_000_000}/>"),
        lambda: xes("<!--" + "c" * 20_000_000 + "-->", event()),
        lambda: xes(event(), f"<![CDATA[{'<' * 10_000_000}]]>"),
        lambda: xes(event(), '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="/etc/passwd"/>'),
        lambda: xes(event(more=f'<int key="n" value="{"9" * 5000}"/><float key="f" value="1e999"/>')),
        lambda: "<log>" + " " * 20_000_000 + xes(event(), head="")[5:],
    ],
    ids=range(9),
)
def test_strange_xes_is_read(reader: Reader, put: Put, content: Callable[[], str]) -> None:
    told = reader.read(put("log.xes", content()))
    assert (told.rows, told.message) == (1, "")


@pytest.mark.parametrize(
    "moment",
    ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z", "2020-13-01T00:00:00Z", "2020-02-30T00:00:00Z", "", "now",
     "2020-12-31T24:00:00Z", "2016-12-31T23:59:60Z", "12020-01-01T00:00:00Z", "-2020-01-01T00:00:00Z"],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["xes", "csv"])
def test_impossible_moments_are_set_aside(reader: Reader, put: Put, kind: str, moment: str) -> None:
    if kind == "xes":
        path = put("log.xes", xes(event("A", moment), event("B")))
    else:
        path = put("log.csv", f"case,activity,end\n1,A,{moment}\n" + f"1,B,{MOMENT}\n" * 12)
    told = reader.read(path, "quarantine")
    assert (told.aside, told.message) == (1, "")
    assert reader.read(path).error == "DataError"


@pytest.mark.parametrize(
    "content",
    [
        xes(event("A"), event("Б"), event("x &amp; y")),
        xes(event("A", "2020-03-29T02:30:00+01:00"), event("B", "2020-10-25T02:30:00+02:00")),
        xes(event("A", "2020-01-01T00:00:00.123456789+05:45"), event("B", "2019-12-31T23:00:00-12:00")),
        xes(event("A", "2020-01-01T00:00:00"), event("B", "2020-01-02")),
        xes(event("A", ""), event("B", "9999-12-31T00:00:00Z"), event("C", "x")),
        xes(event("A", more='<string key="" value=""/><int key="n" value="1e3"/><int key="n" value=""/>')),
        xes(event("A", more='<string key="concept:name" value="again"/>'), "<event/>", event("\t\n \r\n")),
        xes(event("A", more='<boolean key="b" value="true"/><boolean key="b" value="maybe"/>')),
    ],
    ids=range(8),
)
def test_scanner_and_parser_read_the_same(put: Put, monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    pytest.importorskip("numba")
    path = put("log.xes", content)
    found = []
    for form in ("numpy", "numba"):
        monkeypatch.setenv("MKMINE_KERNELS", form)
        found.append(read_xes(path).to_pandas())
    pd.testing.assert_frame_equal(*found)


# -- workbooks, Parquet, Feather -----------------------------------------------------------------------------------

SHEET = "xl/worksheets/sheet1.xml"


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return pd.read_csv(io.StringIO(HEAD + ROWS), parse_dates=["start", "end"])


def edited(frame: pd.DataFrame, part: str, change: Callable[[bytes], bytes]) -> bytes:
    """Return a workbook of the frame with one of its parts changed."""
    book, out = io.BytesIO(), io.BytesIO()
    frame.to_excel(book, index=False, engine="openpyxl")
    with zipfile.ZipFile(book) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(old.read(name)) if name == part else old.read(name))
    return out.getvalue()


def with_row(row: bytes) -> Callable[[bytes], bytes]:
    return lambda sheet: sheet.replace(b"</sheetData>", row + b"</sheetData>")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (with_row(b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'), "far away"),
        (with_row(b"<row r='1048576'><c><v>1</v></c></row>"), "far away"),
        (with_row(b'<row r="1048576"><c r="xfd1048576"><v>1</v></c></row>'), "far away"),
        (lambda sheet: sheet.replace(b"<sheetData>", b" " * 40_000_000 + b"<sheetData>"), "unpacks to"),
        (lambda _: b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><worksheet>&e;', None),
        (lambda sheet: sheet[:-30], None),
        (lambda _: b"", None),
    ],
    ids=range(7),
)
def test_hostile_workbooks_are_refused(
    reader: Reader, put: Put, frame: pd.DataFrame, change: Callable[[bytes], bytes], message: str | None
) -> None:
    told = reader.read(put("log.xlsx", edited(frame, SHEET, change)), "quarantine")
    assert told.error == "DataError"
    assert message is None or message in told.message
    assert "root:" not in told.message


def test_a_workbook_that_claims_a_large_sheet_is_read(reader: Reader, put: Put, frame: pd.DataFrame) -> None:
    claimed = edited(frame, SHEET, lambda sheet: sheet.replace(b"A1:E4", b"A1:XFD1048576"))
    assert reader.read(put("log.xlsx", claimed)).rows == 3


def stamps(value: int, unit: str) -> pa.Array:
    return pa.array([0, value], pa.int64()).view(pa.timestamp(unit))


@pytest.mark.parametrize("unit", ["ns", "us", "ms"])
@pytest.mark.parametrize("value", [2**63 - 1, -(2**63)])
def test_times_beyond_every_calendar_are_set_aside(reader: Reader, tmp_path: Path, unit: str, value: int) -> None:
    path = tmp_path / "log.parquet"
    parquet.write_table(pa.table({"case": ["1", "1"], "activity": ["A", "B"], "end": stamps(value, unit)}), path)
    told = reader.read(path, "quarantine")
    assert (told.rows, told.aside) == (1, 1)


@pytest.mark.parametrize(
    "column",
    [
        pa.array([b"\xff\xfe", b"", None]),
        pa.array([{"a": [1]}, None, {"a": []}]),
        pa.array([10**30, None, -1], pa.decimal128(38, 0)),
        pa.array([2**64 - 1, 0, None], pa.uint64()),
        pa.array([np.nan, np.inf, None]),
        pa.array([1, 2, None], pa.duration("ns")),
        pa.array([1, 2, None], pa.time64("ns")),
        pa.array(["\0", "\ud7ff", "\uffff"]),
    ],
    ids=lambda one: str(one.type),
)
@pytest.mark.parametrize("ending", ["parquet", "feather"])
def test_further_columns_of_any_type_are_read(
    reader: Reader, tmp_path: Path, frame: pd.DataFrame, ending: str, column: pa.Array
) -> None:
    table = pa.Table.from_pandas(frame).append_column("more", column)
    path = tmp_path / f"log.{ending}"
    (parquet.write_table if ending == "parquet" else feather.write_feather)(table, path)
    assert reader.read(path).rows == 3


@pytest.mark.parametrize("ending", ["parquet", "feather"])
def test_text_that_is_no_utf8_is_refused(reader: Reader, tmp_path: Path, ending: str) -> None:
    bad = pa.Array.from_buffers(
        pa.string(), 2, [None, pa.array([0, 1, 3], pa.int32()).buffers()[1], pa.py_buffer(b"A\xff\xfe")]
    )
    table = pa.table({"case": ["1", "1"], "activity": bad, "end": stamps(1, "us")})
    path = tmp_path / f"log.{ending}"
    (parquet.write_table if ending == "parquet" else feather.write_feather)(table, path)
    assert "UTF8" in reader.read(path, "quarantine").message.replace("UTF-8", "UTF8")


@pytest.mark.parametrize("ending", ["parquet", "feather", "xlsx"])
def test_damaged_bytes_never_crash(reader: Reader, put: Put, tmp_path: Path, frame: pd.DataFrame, ending: str) -> None:
    path = tmp_path / f"whole.{ending}"
    if ending == "feather":
        # Without compression, what is damaged is offsets and codes, and not a sum.
        feather.write_feather(pa.Table.from_pandas(frame), path, compression="uncompressed")
    else:
        frame.to_parquet(path) if ending == "parquet" else frame.to_excel(path, index=False)
    whole = path.read_bytes()
    dice = random.Random(ending)
    for one in range(60):
        damaged = bytearray(whole)
        for _ in range(dice.randint(1, 6)):
            damaged[dice.randrange(len(damaged))] = dice.randrange(256)
        reader.read(
            put(f"{one}.{ending}", bytes(damaged[: None if one % 5 else dice.randrange(len(damaged))])), "quarantine"
        )


# -- object-centric logs -------------------------------------------------------------------------------------------


def ocel(*events: dict[str, Any], **parts: Any) -> str:
    whole = {"objectTypes": [], "eventTypes": [], "objects": [{"id": "o", "type": "t", "attributes": []}]}
    return json.dumps({**whole, "events": list(events), **parts})


def happening(**parts: Any) -> dict[str, Any]:
    links = [{"objectId": "o", "qualifier": ""}]
    return {"id": "e", "type": "A", "time": MOMENT, "attributes": [], "relationships": links, **parts}


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        (ocel(happening(attributes=[{"name": "x", "value": float("nan")}, {"name": "y", "value": float("inf")}])), 1),
        (ocel(happening(attributes=[{"name": "x", "value": {"a": 1}}, {"name": "y", "value": None}])), 1),
        (ocel(happening(attributes=[{"name": "ocel:oid", "value": 1}, {"name": "", "value": 1}])), 1),
        (ocel(happening(attributes=[{"name": "x", "value": 10**400}])), 1),
        (ocel(happening(id="a", time="0001-01-01T00:00:00Z"), happening(id="b", time="nope"), happening()), 1),
        (ocel(happening(attributes=[{"name": "x", "value": "DEEP"}])).replace('"DEEP"', "[" * 900 + "]" * 900), 1),
        (ocel(happening()).replace('"eventTypes": []', '"eventTypes": ' + "[" * 200_000 + "]" * 200_000), 0),
        (ocel(happening(attributes=[{"name": "x", "value": 1}])).replace(": 1}", f": {'9' * 5000}}}"), 0),
        (ocel(events={"a": 1}), 0),
        (ocel(happening(), objects=[]), 0),
        ("null", 0),
        ("", 0),
    ],
    ids=range(12),
)
def test_hostile_object_centric_logs_are_read_or_refused(reader: Reader, put: Put, content: str, rows: int) -> None:
    told = reader.read(put("log.jsonocel", content), "quarantine")
    assert told.rows == rows
    assert bool(told.message) == (rows == 0)

"""Encodings, offsets, mappings and paths made to be misread: told of, never believed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import mkmine
from mkmine.errors import DataError, MkmineError
from mkmine.eventlog import EventLog
from mkmine.eventlog.formats.encodings import loads_json
from mkmine.eventlog.formats.mapping import Mapping
from tests.hostile.conftest import Reader
from tests.hostile.test_readers import HEAD, MOMENT, ROWS, TAIL, event, xes

Put = Callable[[str, str | bytes], Path]
RULES = "case,activity,end\n"


@pytest.mark.parametrize("encoding", ["no-such", "shift_jis", "utf-7", "rot13", "idna", "\u044f"])
def test_encodings_that_xml_does_not_know_are_told(reader: Reader, put: Put, encoding: str) -> None:
    path = put("log.xes", xes(event(), head=f'<?xml version="1.0" encoding="{encoding}"?>'))
    assert reader.read(path).error == "DataError"


@pytest.mark.parametrize("rows", [1, 9, 20_000])
def test_rows_of_another_encoding_are_told_and_not_misread(reader: Reader, put: Put, rows: int) -> None:
    path = put(
        "log.csv",
        (HEAD + f"1,\u041f\u0440\u0430\u0432\u043a\u0430{TAIL}" * rows).encode()
        + b"2,\xcf\xf0\xe0\xe2"
        + TAIL.encode(),
    )
    told = reader.read(path, "quarantine")
    assert (told.rows, told.aside, told.activities) == (rows, 1, ("\u041f\u0440\u0430\u0432\u043a\u0430",))
    assert "is not utf-8" in reader.read(path).message


def test_a_file_of_two_encodings_is_not_read_as_the_later_one(reader: Reader, put: Put) -> None:
    first, second = (
        f"1,\u041f\u0440\u0430\u0432\u043a\u0430{TAIL}" * 40_000,
        f"2,\u041f\u0440\u0430\u0432\u043a\u0430{TAIL}" * 40_000,
    )
    told = reader.read(put("log.csv", (HEAD + first).encode() + second.encode("cp1251")))
    assert "is not utf-8" in told.message


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1251"])
@pytest.mark.parametrize("times", [1, 20_000])
def test_marks_within_a_file_are_no_text(put: Put, encoding: str, times: int) -> None:
    if encoding == "cp1251":
        content = (HEAD + ROWS * times + ROWS).encode(encoding)
    else:
        content = (HEAD + ROWS * times + "\ufeff" + ROWS).encode(encoding)
    log = mkmine.read(put("log.csv", content))
    assert (log.n_cases, len(log)) == (2, 3 * times + 3)


@pytest.mark.parametrize(
    "offset", ["+99:99", "+24:00", "+15:00", "+14:01", "+05:60", "-12:01", "-23:59", "+0560", "+15"]
)
@pytest.mark.parametrize("place", ["alone", "among others", "far on"])
@pytest.mark.parametrize("kind", ["csv", "xes"])
def test_offsets_of_no_clock_are_told(put: Put, kind: str, place: str, offset: str) -> None:
    times = {"alone": 0, "among others": 200, "far on": 40_000 if kind == "csv" else 2000}[place]
    good, bad = "2025-03-03T10:00:00+03:00", f"2025-03-03T10:00:00{offset}"
    if kind == "xes":
        path = put("log.xes", xes(*[event("A", good)] * times, event("B", bad), *[event("A", good)] * times))
    else:
        path = put("log.csv", RULES + f"1,A,{good}\n" * times + f"1,B,{bad}\n" + f"1,A,{good}\n" * times)
    with pytest.raises(DataError, match=r"further from UTC|not a date"):
        mkmine.read(path)
    if times:
        log = mkmine.read(path, errors="quarantine")
        assert (len(log), len(log.quarantine)) == (2 * times, 1)


@pytest.mark.parametrize("offset", ["+14:00", "-12:00", "+05:45", "+00:00", "Z"])
def test_offsets_of_clocks_are_read(put: Put, offset: str) -> None:
    log = mkmine.read(put("log.csv", RULES + f"1,A,2025-03-03T10:00:00{offset}\n" * 200))
    assert len(log) == 200
    told = mkmine.read(
        put("told.csv", RULES + f"1,A,03.03.2025 10:00 {offset.replace('Z', '+0000')}\n"),
        date_format="%d.%m.%Y %H:%M %z",
    )
    assert told.end[0] == log.end[0]


def test_an_offset_of_no_clock_in_a_told_format_is_told(put: Put) -> None:
    with pytest.raises(DataError, match="further from UTC"):
        mkmine.read(put("log.csv", RULES + "1,A,03.03.2025 10:00 +15:00\n"), date_format="%d.%m.%Y %H:%M %z")


@pytest.mark.parametrize("encoding", ["idna", "punycode", "utf-16", "utf-32", "base64", "undefined", "mbcs\0"])
def test_encodings_of_no_text_are_refused(put: Put, encoding: str) -> None:
    with pytest.raises(DataError):
        mkmine.read(put("log.csv", HEAD + ROWS), encoding=encoding)


def test_utf_16_without_its_mark_is_found_out(put: Put) -> None:
    assert len(mkmine.read(put("log.csv", (HEAD + ROWS).encode("utf-16-be")), encoding="utf-16")) == 3


@pytest.mark.parametrize("text", ["activity: []", "attributes: x", "case: []", "final: {a: b}", "end: 5", "- case"])
def test_mappings_of_no_columns_are_refused(put: Put, text: str) -> None:
    with pytest.raises(MkmineError):
        mkmine.read(put("log.csv", HEAD + ROWS), mapping=put("mapping.yaml", text))


def test_a_single_attribute_is_one_name(put: Put) -> None:
    path = put("log.csv", HEAD.replace("resource", "note") + ROWS)
    assert list(mkmine.read(path, attributes="note").attributes) == ["note"]
    assert Mapping.from_dict({"attributes": "note"}).attributes == ("note",)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'"\ud83d\ude00"', "\U0001f600"),
        (r'"\ud83d"', r"\ud83d"),
        (r'"\uDE00\uD83D"', r"\uDE00\uD83D"),
        (r'"\\ud83d"', r"\ud83d"),
        (r'"\ud83d\ud83d\ude00\n"', "\\ud83d\U0001f600\n"),
    ],
)
def test_half_a_pair_in_json_stays_an_escape(text: str, value: str) -> None:
    assert loads_json(text) == value


CALLS: dict[str, Callable[[str], object]] = {
    "read csv": lambda path: mkmine.read(path + ".csv"),
    "read xes": lambda path: mkmine.read(path + ".xes"),
    "read json": lambda path: mkmine.read(path + ".json"),
    "read ocel": lambda path: mkmine.read(path + ".jsonocel"),
    "read as tracker": lambda path: mkmine.read(path + ".xlsx", kind="tracker"),
    "mapping": Mapping.load,
    "save mapping": Mapping(case="a").save,
    "write csv": lambda path: mkmine.write(one_row(), path + ".csv"),
    "write xlsx": lambda path: mkmine.write(one_row(), path + ".xlsx"),
    "write parquet": lambda path: mkmine.write(one_row(), path + ".parquet"),
}


def one_row() -> EventLog:
    import pandas as pd

    return mkmine.read(pd.DataFrame({"case": ["1"], "activity": ["A"], "end": [MOMENT]}))


@pytest.mark.parametrize("call", list(CALLS.values()), ids=list(CALLS))
@pytest.mark.parametrize("name", ["x\0y", "\ud800", "a" * 5000, "a" * 300], ids=["nul", "surrogate", "long", "name"])
def test_paths_at_which_no_file_can_be_are_refused(tmp_path: Path, call: Callable[[str], object], name: str) -> None:
    with pytest.raises(MkmineError):
        call(f"{tmp_path}/{name}")

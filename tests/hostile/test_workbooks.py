"""Workbooks whose parts lie about their size or their place: read as they are, or refused, in bounded memory."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from tests.hostile.conftest import Reader
from tests.hostile.test_readers import HEAD, ROWS, SHEET, edited, with_row

Change = Callable[[str, bytes], bytes]
FAR = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return pd.read_csv(io.StringIO(HEAD + ROWS), parse_dates=["start", "end"])


def repacked(book: bytes, renamed: dict[str, str], change: Change = lambda _, data: data) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(renamed.get(name, name), change(name, old.read(name)))
    return out.getvalue()


def elsewhere(name: str, data: bytes) -> bytes:
    return data.replace(b"worksheets/sheet1", b"else/s") if "rels" in name else data


@pytest.mark.parametrize(
    "far",
    [
        FAR,
        FAR.replace(b'r="', b'r = "'),
        FAR.replace(b'"', b"'").replace(b"r=", b"r\n="),
        FAR.replace(b"1048576", b"1048576").replace(b"<c ", b"<c\t"),
        b'<row r="99999999999"><c r="A99999999999"><v>1</v></c></row>',
        b'<row r="9"><c r="XFD9"><v>1</v></c></row>' + b'<row r="999999"><c r="A999999"><v>1</v></c></row>',
    ],
    ids=range(6),
)
@pytest.mark.parametrize("place", [SHEET, "xl/else/s.xml"])
def test_cells_far_away_are_refused_wherever_the_sheet_is(
    reader: Reader, put: Callable[..., Path], frame: pd.DataFrame, far: bytes, place: str
) -> None:
    book = edited(frame, SHEET, with_row(far))
    if place != SHEET:
        book = repacked(book, {SHEET: place}, elsewhere)
    told = reader.read(put("log.xlsx", book), "quarantine")
    assert (told.error, "far away" in told.message) == ("DataError", True)


def test_a_part_by_another_name_is_no_sheet(reader: Reader, put: Callable[..., Path], frame: pd.DataFrame) -> None:
    book = repacked(edited(frame, SHEET, with_row(FAR)), {SHEET: "xl/Worksheets/sheet1.xml"})
    assert reader.read(put("log.xlsx", book), "quarantine").error == "DataError"


@pytest.mark.parametrize("count", [b"4294967295", b"18446744073709551615", b"-1", b"x"])
def test_counts_of_texts_that_are_not_there_are_not_believed(
    reader: Reader, put: Callable[..., Path], frame: pd.DataFrame, count: bytes
) -> None:
    def claimed(data: bytes) -> bytes:
        for key in (b"count", b"uniqueCount"):
            data = data.replace(b" " + key + b'="', b" " + key + b'="' + count + b'" old' + key + b'="')
        return data

    out = io.BytesIO()
    frame.to_excel(out, index=False, engine="xlsxwriter")
    book = repacked(out.getvalue(), {}, lambda name, data: claimed(data) if "sharedStrings" in name else data)
    told = reader.read(put("log.xlsx", book), "quarantine")
    assert told.rows == 3 or told.error == "DataError"


@pytest.mark.parametrize(
    "cell",
    [
        b'<c t="s"><v>4294967295</v></c>',
        b'<c t="s"><v>-9</v></c>',
        b'<c s="999999"><v>1</v></c>',
        b'<c r="AAAAAAAA1"><v>1</v></c>',
        b"<c><v>1e999</v></c>",
        b'<c t="d"><v>nope</v></c>',
        b"<c><f>" + b"(" * 100_000 + b"</f></c>",
    ],
    ids=range(7),
)
def test_cells_that_point_nowhere_end_no_process(
    reader: Reader, put: Callable[..., Path], frame: pd.DataFrame, cell: bytes
) -> None:
    told = reader.read(put("log.xlsx", edited(frame, SHEET, with_row(b"<row>" + cell + b"</row>"))), "quarantine")
    assert told.rows == 3 or told.error == "DataError"

from __future__ import annotations

import datetime as dt
import gzip
import io
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pandas as pd
import pytest

from mkmine.errors import DataError, MkmineError
from mkmine.eventlog.formats.tabular import read_table

TEXT = "Задача;Статус;Дата\n007;Новая;05.03.2025\n008;Готово «да»;06.03.2025\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1251"])
def test_encodings_are_found_out(write: Callable[..., Path], encoding: str) -> None:
    table = read_table(write("log.csv", TEXT * 1, encoding))
    assert list(table.frame.columns) == ["Задача", "Статус", "Дата"]
    assert table.frame["Статус"].tolist() == ["Новая", "Готово «да»"]


def test_western_text_is_not_taken_for_cyrillic(write: Callable[..., Path]) -> None:
    table = read_table(write("log.csv", "id,état\n1,fermé à clé\n2,créé\n", "cp1252"))
    assert table.frame["état"].tolist() == ["fermé à clé", "créé"]


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_delimiters_are_found_out(write: Callable[..., Path], mark: str) -> None:
    lines = [["id", "name"], ["1", '"a;b,c|d\te"'], ["2", "plain"]]
    table = read_table(write("log.csv", "\n".join(mark.join(line) for line in lines)))
    assert table.frame["name"].tolist() == ["a;b,c|d\te", "plain"]


def test_leading_zeros_and_line_breaks_in_cells_stay(write: Callable[..., Path]) -> None:
    table = read_table(write("log.csv", 'id,text\n007,"two\nlines"\n'))
    assert table.frame.iloc[0].tolist() == ["007", "two\nlines"]


def test_the_line_of_a_spreadsheet_that_names_the_delimiter_is_obeyed(write: Callable[..., Path]) -> None:
    assert list(read_table(write("log.csv", "sep=;\na;b\n1;2\n")).frame.columns) == ["a", "b"]


def test_a_row_of_another_length_is_told_or_set_aside(write: Callable[..., Path]) -> None:
    path = write("log.csv", "a,b,c\n1,2,3\n4,5\n6,7,8\n")
    with pytest.raises(DataError, match=r"row 3, 2 cells where the header has 3"):
        read_table(path)
    table = read_table(path, errors="quarantine")
    assert table.rows.tolist() == [2, 4]
    assert table.aside["row"].tolist() == [3]


def test_nul_bytes_are_told_or_set_aside(write: Callable[..., Path]) -> None:
    path = write("log.csv", b"a,b\n1,x\n2,y\0y\n")
    with pytest.raises(DataError, match="NUL byte in line 3"):
        read_table(path)
    table = read_table(path, errors="quarantine")
    assert table.frame["a"].tolist() == ["1"]
    assert table.aside["reason"].tolist() == ["NUL byte"]


def test_repeated_column_names_are_named(write: Callable[..., Path]) -> None:
    with pytest.raises(DataError, match='several columns named "Дата"'):
        read_table(write("log.csv", "id,Дата,Дата\n1,2,3\n"))


def test_too_many_columns_are_refused(write: Callable[..., Path]) -> None:
    with pytest.raises(DataError, match="20,000 columns"):
        read_table(write("log.csv", ",".join(f"c{i}" for i in range(20_000)) + "\n"))


def test_a_long_cell_is_read(write: Callable[..., Path]) -> None:
    table = read_table(write("log.csv", "id,text\n1," + "x" * 20_000_000 + "\n2,y\n"))
    assert table.frame["text"].str.len().tolist() == [20_000_000, 1]


@pytest.mark.parametrize("content", [b"", b"  \n", b"\xef\xbb\xbf", b"case,activity,end"])
def test_an_empty_file_is_told(write: Callable[..., Path], content: bytes) -> None:
    with pytest.raises(DataError, match="is empty"):
        read_table(write("log.csv", content))


def test_a_bomb_is_not_unpacked(write: Callable[..., Path]) -> None:
    bomb = write("log.csv.gz", gzip.compress(b"1,0\n" * (32 << 20)))
    with pytest.raises(DataError, match="unpacks to more than 16 MiB"):
        read_table(bomb)


def test_a_truncated_gzip_is_told(write: Callable[..., Path]) -> None:
    whole = gzip.compress(TEXT.encode() * 500)
    with pytest.raises(DataError, match="not a whole gzip file"):
        read_table(write("log.csv.gz", whole[: len(whole) // 2]))


def test_absent_unknown_and_wrongly_named_files_are_told(write: Callable[..., Path]) -> None:
    with pytest.raises(DataError, match="there is no file"):
        read_table("nowhere.csv")
    with pytest.raises(DataError, match="format of"):
        read_table(write("log.doc", b"text"))
    with pytest.raises(DataError, match="not an XLSX workbook"):
        read_table(write("log.xlsx", TEXT))
    with pytest.raises(DataError, match="cannot be read"):
        read_table(write("log.parquet", TEXT))
    with pytest.raises(DataError, match="there is no encoding"):
        read_table(write("log.csv", TEXT), encoding="klingon")
    with pytest.raises(DataError, match=r"is not utf-8: byte 0xc7 in line 1"):
        read_table(write("log.csv", TEXT, "cp1251"), encoding="utf-8")


def test_a_workbook_bomb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/worksheets/sheet1.xml", b"0" * (80 << 20))
    with pytest.raises(DataError, match="unpacks to"):
        read_table(path)


def test_a_cell_at_the_far_corner_of_a_sheet_is_told(tmp_path: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    book.active["A1"], book.active["XFD1048576"] = "case", "x"
    book.save(tmp_path / "log.xlsx")
    with pytest.raises(DataError, match="cells far away from its table"):
        read_table(tmp_path / "log.xlsx")


def test_workbooks_parquet_and_feather_are_read(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"case": ["1", "1"], "activity": ["=A", "B"], "end": pd.to_datetime(["2025-01-01", "2025-01-02"])}
    )
    frame.to_excel(tmp_path / "log.xlsx", index=False)
    frame.to_parquet(tmp_path / "log.parquet")
    frame.to_feather(tmp_path / "log.feather")
    for name in ("log.xlsx", "log.parquet", "log.feather"):
        table = read_table(tmp_path / name)
        assert list(table.frame.columns) == ["case", "activity", "end"]
        assert table.frame["end"].tolist() == frame["end"].tolist()


def test_cells_of_workbooks_keep_their_types(tmp_path: Path) -> None:
    cells = {
        "id": [7, 8, 8],
        "share": [0.5, None, 2.0],
        "text": ["<b>", "007", None],
        "mixed": [1, "a", pd.Timestamp("2025-03-05")],
        "at": [pd.Timestamp("2025-03-05 10:00:00.5"), pd.NaT, pd.Timestamp("1950-01-01")],
        "yes": [True, False, None],
    }
    pd.DataFrame(cells).to_excel(tmp_path / "log.xlsx", index=False)
    table = read_table(tmp_path / "log.xlsx")
    assert list(table.rows) == [2, 3, 4]
    assert table.columns.to_pydict() == {
        "id": [7, 8, 8],
        "share": [0.5, None, 2.0],
        "text": ["<b>", "007", None],
        "mixed": ["1", "a", "2025-03-05 00:00:00"],
        "at": [dt.datetime(2025, 3, 5, 10, 0, 0, 500_000), None, dt.datetime(1950, 1, 1)],
        "yes": [True, False, None],
    }


@pytest.mark.parametrize("seed", range(20))
def test_damaged_bytes_never_crash(tmp_path: Path, seed: int) -> None:
    import numpy as np

    rng = np.random.default_rng(seed)
    data = bytearray(TEXT.encode("utf-8" if seed % 2 else "cp1251") * 3)
    for _ in range(1 + seed % 5):
        data[int(rng.integers(len(data)))] = int(rng.integers(256))
    path = tmp_path / "log.csv"
    path.write_bytes(bytes(data[: int(rng.integers(1, len(data)))]))
    with suppress(MkmineError):
        assert isinstance(read_table(path, errors="quarantine").frame, pd.DataFrame)


def test_a_stream_without_seeking_is_enough(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb") as packed:
        packed.write(TEXT.encode("cp1251"))
    path = tmp_path / "log.csv.gz"
    path.write_bytes(buffer.getvalue())
    assert len(read_table(path).frame) == 2

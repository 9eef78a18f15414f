"""Names below a title are found, in text and in workbooks alike; other kinds of files are told by what they are."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import openpyxl
import pytest

import mkmine
from mkmine.errors import DataError
from mkmine.eventlog.formats.heading import heading

NAMES = ["Case", "Activity", "Start time", "End time", "Resource"]
ROWS = [
    ["1", "A", "2025-03-03 09:00", "2025-03-03 10:00", "Ann"],
    ["1", "B", "2025-03-03 10:00", "2025-03-03 11:00", None],
    ["2", "A", "2025-03-03 09:00", "2025-03-03 10:00", "Bob"],
]
BLANK = [None] * 5
TITLES: dict[str, list[list[str | None]]] = {
    "none": [],
    "title": [["Tasks of March"]],
    "title and blank": [["Tasks of March", None, None, None, None], BLANK],
    "blank": [BLANK, BLANK],
    "facts": [["Report", "Tasks"], ["Period", "01.03.2025 - 31.03.2025"], BLANK],
    "groups": [["Task", None, "Time", None, None]],
}


def saved(rows: list[list[str | None]], path: Path, mark: str = ";") -> Path:
    if path.suffix == ".xlsx":
        book = openpyxl.Workbook()
        for number, row in enumerate(rows, start=1):
            for at, cell in enumerate(row, start=1):
                book.active.cell(number, at).value = cell
        book.save(path)
    else:
        path.write_text("".join(mark.join(cell or "" for cell in row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
@pytest.mark.parametrize("above", list(TITLES.values()), ids=list(TITLES))
@pytest.mark.parametrize("told", [False, True])
def test_names_below_a_title_are_found(tmp_path: Path, above: list[list[str | None]], ending: str, told: bool) -> None:
    path = saved([*above, NAMES, *ROWS], tmp_path / f"log.{ending}")
    log = mkmine.read(path, header=len(above) + 1) if told else mkmine.read(path)
    assert (log.n_cases, len(log), log.resources) == (2, 3, ("Ann", "Bob"))
    said = next(step.detail for step in log.history if step.action == "read")
    assert (f"names in row {len(above) + 1}" in said) == bool(above)


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_rows_are_counted_as_in_the_file(tmp_path: Path, ending: str) -> None:
    rows = [["Title"], BLANK, NAMES, *ROWS, ["3", "A", "nope", "2025-03-03 10:00", "Ann"]]
    with pytest.raises(DataError, match="row 7"):
        mkmine.read(saved(rows, tmp_path / f"log.{ending}"))


def test_a_table_that_does_not_begin_at_the_edge_of_a_sheet_is_read(tmp_path: Path) -> None:
    rows: list[list[str | None]] = [["Title"], BLANK, *([None, None, *row] for row in (NAMES, *ROWS))]
    log = mkmine.read(saved(rows, tmp_path / "log.xlsx"))
    assert (len(log), list(log.attributes)) == (3, [])


@pytest.mark.parametrize(
    ("rows", "place"),
    [
        ([["a", "b", "c"], ["1", "2", "3"]], 0),
        ([["1", "2", "3"], ["1", "2", "3"]], 0),
        ([["a", "b"], ["1", "2", "2025-01-01", "3", "4"], ["1", "2", "2025-01-01", "3", "4"]], 0),
        ([["a", "", "c", "d"], ["1", "2", "3", "4"], ["1", "2", "3", "4"]], 0),
        ([["a"], ["x"], ["y"]], 0),
        ([[""], ["", ""], ["a", "b"], ["1", "2"]], 2),
        ([["Title"], ["a", "b"], ["1", "2"]], 1),
        ([["Title"], ["x", "x", "x"], ["a", "b", "c"], ["1", "2", "2025-01-01"]], 2),
        ([[""], [""]], 0),
        ([], 0),
    ],
)
def test_the_first_row_of_names_is_as_wide_as_most(rows: list[list[str]], place: int) -> None:
    assert heading(rows) == place


@pytest.mark.parametrize("header", [0, -1, 99, True, "1"])
@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_rows_that_there_are_not_are_told(tmp_path: Path, header: int, ending: str) -> None:
    with pytest.raises(DataError, match="header="):
        mkmine.read(saved([NAMES, *ROWS], tmp_path / f"log.{ending}"), header=header)


def test_a_parquet_file_has_its_names(tmp_path: Path) -> None:
    mkmine.write(mkmine.read(saved([NAMES, *ROWS], tmp_path / "log.csv")), tmp_path / "log.parquet")
    with pytest.raises(DataError, match="header="):
        mkmine.read(tmp_path / "log.parquet", header=1)


@pytest.mark.parametrize("ending", ["db", "sqlite", "csv", "dat"])
def test_a_database_is_read_by_a_query(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"work.{ending}"
    with closing(sqlite3.connect(path)) as base:
        base.execute("create table t(a)")
        base.commit()
    with pytest.raises(DataError, match=r"mk\.read_sql\(.*sqlite:///"):
        mkmine.read(path)


@pytest.mark.parametrize(
    ("name", "head", "remedy"),
    [
        ("log.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "save it as .xlsx"),
        ("log.csv", b"PK\x03\x04", "name it .xlsx"),
        ("log.txt", b"PAR1", "name it .parquet"),
        ("log.pdf", b"%PDF-1.7", "export the table"),
        ("log.duckdb", bytes(8) + b"DUCK", "duckdb:///"),
    ],
)
def test_other_kinds_of_files_are_told_by_their_first_bytes(
    write: Callable[..., Path], name: str, head: bytes, remedy: str
) -> None:
    with pytest.raises(DataError, match=remedy):
        mkmine.read(write(name, head + bytes(100)))


@pytest.mark.parametrize("encoding", ["utf-8", "cp1251"])
@pytest.mark.parametrize(
    "text",
    [
        "#;Проект;Трекер;Статус;Тема;Обновлено\n1;P;Задача;Новая;x;2025-03-03 10:00\n",
        '"#","Project","Tracker","Status","Subject","Updated"\n"1","P","Bug","New","x","2025-03-03 10:00"\n',
        "Summary,Issue key,Issue id,Issue Type,Status,Created\nx,A-1,1,Task,Done,2025-03-03 10:00\n",
    ],
    ids=["Redmine, Russian", "Redmine", "Jira"],
)
def test_a_list_of_issues_is_no_log(write: Callable[..., Path], text: str, encoding: str) -> None:
    path = write("issues.csv", text.encode(encoding))
    with pytest.raises(DataError, match=r"expand=changelog.*include=journals"):
        mkmine.read(path)

from __future__ import annotations

import csv
import io
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkmine.errors import DataError
from mkmine.report import Report
from mkmine.report.blocks import Column, Heading, Table, Text
from mkmine.report.document import table_csv


@pytest.fixture
def small() -> Report:
    data = pd.DataFrame({"activity": ["=1+1", "Бриф"], "hours": [-1.5, 1234567.25], "n": [3, 4]})
    table = Table(name="waits", title="Ожидание", columns=(Column(title="a"),), rows=(("x",),), foot="src", data=data)
    blocks = (Heading(text="Главное", anchor="a"), Text(paragraphs=("текст",)), table)
    return Report(title="Отчёт <b>", subtitle="", language="ru", blocks=blocks)


def test_a_report_is_saved_whole_with_its_tables(small: Report, tmp_path: Path) -> None:
    path = small.save(tmp_path / "new" / "статья.html")
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert [one.name for one in Report.tables_folder(path).iterdir()] == ["waits.csv"]
    assert sorted(one.name for one in path.parent.iterdir()) == ["статья.html", "статья_tables"]


def test_tables_open_in_a_spreadsheet_of_the_language(small: Report, tmp_path: Path) -> None:
    content = (Report.tables_folder(small.save(tmp_path / "r.html")) / "waits.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    assert content.decode("utf-8-sig").splitlines() == ["activity;hours;n", "'=1+1;-1,5;3", "Бриф;1234567,25;4"]
    english = table_csv(small.tables[0].data, language="en").decode("utf-8-sig")
    assert english.splitlines()[2] == "Бриф,1234567.25,4"


@given(st.lists(st.text(max_size=20), min_size=1, max_size=5), st.sampled_from(["ru", "en"]))
def test_no_cell_is_a_formula(values: list[str], language: str) -> None:
    frame = pd.DataFrame({"x": pd.Series(values, dtype=object), "end": ["."] * len(values)})
    text = table_csv(frame, language=language).decode("utf-8-sig")  # type: ignore[arg-type]
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=";" if language == "ru" else ","))
    assert len(rows) == len(values) + 1
    for row in rows:
        assert not row[0].lstrip().startswith(("=", "+", "-", "@"))


def test_a_failure_leaves_the_old_report(small: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "r.html"
    path.write_text("old", encoding="utf-8")

    def broken(_: Report) -> str:
        raise RuntimeError("no template")

    monkeypatch.setattr(Report, "html", broken)
    with pytest.raises(RuntimeError):
        small.save(path)
    assert path.read_text(encoding="utf-8") == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["r.html"]


def test_it_is_saved_as_a_word_document_with_its_tables(small: Report, tmp_path: Path) -> None:
    docx = pytest.importorskip("docx")
    path = small.save(tmp_path / "r.docx")
    document = docx.Document(str(path))
    assert document.core_properties.title == small.title
    assert len(document.tables) >= len(small.tables) == 1
    assert [one.name for one in Report.tables_folder(path).iterdir()] == ["waits.csv"]


def test_other_formats_are_refused_with_advice(small: Report, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r'name it "r\.html"'):
        small.save(tmp_path / "r.pdf")
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(DataError, match="cannot write"):
        small.save(tmp_path / "file" / "r.html")


def test_values(small: Report) -> None:
    assert "1 tables" in repr(small)
    assert small.to_dict()["blocks"][2]["name"] == "waits"
    assert "<b>" not in small._repr_html_().replace("<p><b>", "").replace("</b><br>", "")

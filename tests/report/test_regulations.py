from __future__ import annotations

import re
import sys
from io import BytesIO
from pathlib import Path

import pytest
from defusedxml.ElementTree import fromstring

import mkmine as mk
from mkmine.catalogue.article_target import article_card, article_target
from mkmine.cli import main
from mkmine.errors import DataError, MissingExtraError, UnknownNameError
from mkmine.language import Language
from mkmine.report.blocks import Table
from mkmine.report.regulations import Regulation
from mkmine.targets import ProcessCard, Target, parse_bpmn
from tests.targets.samples import CAMUNDA, SIGNAVIO


def article(**changes: object) -> Target:
    return Target(model=article_target(), card=ProcessCard.model_validate(article_card() | changes))


def table(document: Regulation, name: str) -> Table:
    return next(one for one in document.tables if one.name == name)


def column(found: Table, number: int) -> list[str]:
    return [row[number] for row in found.rows]


def test_steps_stand_in_reading_order_with_branches_and_loops_in_words() -> None:
    steps = table(mk.regulation(article(), language="ru"), "steps")
    assert column(steps, 1)[:5] == [
        "Постановка задачи", "Решение: Задача принята?", "Бриф\nДокументы: Шаблон брифа", "Проверка брифа",
        "Решение: Бриф полон?",
    ]  # fmt: skip
    assert column(steps, 4)[1] == "да: шаг 3 «Бриф»\nнет: конец процесса: «Задача отменена»"
    assert column(steps, 4)[4] == "нет: вернуться на шаг 3 «Бриф»\nда: шаг 6 «Написание текста»"
    assert column(steps, 2)[4] == "Копирайтер"
    assert column(steps, 3)[2] == "16\nне больше 2 кругов"


def test_parallel_work_is_told_and_waited_for() -> None:
    steps = table(
        mk.regulation(Target(model=parse_bpmn(SIGNAVIO.replace("inclusiveG", "parallelG").encode()))), "steps"
    )
    assert column(steps, 1) == ["At the same time", "Площадка", "Спикеры", "Wait until all are done: step 2, step 3"]
    assert column(steps, 4)[0] == "at the same time:\nstep 2 “Площадка”\nstep 3 “Спикеры”"
    assert column(steps, 4)[1] == "step 4"


def test_the_card_is_told() -> None:
    target = article(
        documents={"Бриф": [{"name": "Шаблон брифа", "link": "https://example.org/brief"}]},
        changes=[
            {"date": "2026-02-01", "who": "Редактор", "what": "Круги ограничены"},
            {"date": "2025-12-01", "who": "Руководитель", "what": "Создан"},
        ],
        round_limits={"Дизайн": [24, 8]},
    )
    document = mk.regulation(target)
    assert column(table(document, "passport"), 0)[:4] == ["Process", "Purpose", "Owner", "Customer"]
    assert table(document, "documents").rows == (("Бриф", "Шаблон брифа", "https://example.org/brief"),)
    assert column(table(document, "changes"), 2) == ["Создан", "Круги ограничены"]
    assert "wording of 1 Feb 2026" in document.subtitle
    steps = {row[1].split("\n")[0]: row for row in table(document, "steps").rows}
    assert steps["Бриф"][1] == "Бриф\nDocuments: Шаблон брифа"
    assert steps["Дизайн"][3] == "24\nround 1: 24\nround 2 and later: 8\nat most 2 rounds"
    assert "“Публикация” is done only after “Финальное согласование”" in document.html()


def test_the_matrix_has_one_accountable_role_in_each_row() -> None:
    raci = table(mk.regulation(article()), "raci")
    assert [one.title for one in raci.columns] == ["Step", "R", "A", "C", "I"]
    assert all(row[2] and "\n" not in row[2] for row in raci.rows)
    small = table(mk.regulation(Target(model=parse_bpmn(CAMUNDA.encode()))), "raci")
    assert [one.title for one in small.columns] == ["Step", "Writer", "Editor"]
    assert small.rows == (("Write text", "R", ""), ("Approve", "", "R"))


def test_a_job_instruction_says_what_comes_from_whom_and_goes_to_whom() -> None:
    document = mk.regulation(article(), language="ru", role="Копирайтер")
    assert document.title == "Должностная инструкция: Копирайтер"
    (steps,) = (one for one in document.tables if one.title.startswith("Шаги роли"))
    assert column(steps, 0) == ["4", "5", "6"]
    assert column(steps, 2)[0] == "шаг 3 «Бриф» (Маркетолог)"
    assert column(steps, 4)[1].startswith("нет: вернуться на шаг 3 «Бриф» (Маркетолог)\n")
    assert column(steps, 4)[2] == "шаг 7 «Согласование текста» (Редактор)"
    with pytest.raises(UnknownNameError, match='did you mean "Копирайтер"'):
        mk.regulation(article(), role="Копирайтор")


def test_what_is_not_said_is_an_open_question() -> None:
    values = article_card()
    values["roles"]["Дизайн"].pop("accountable")
    del values["limits"]["Бриф"]
    target = Target(model=article_target(), card=ProcessCard.model_validate(values | {"customer": "", "kpis": []}))
    assert [(gap.kind, gap.subject) for gap in target.gaps] == [
        ("customer", ""), ("limit", "Бриф"), ("accountable", "Дизайн"), ("kpi", ""),
    ]  # fmt: skip
    html = mk.regulation(target).html()
    assert "Who needs the result: no customer is named." in html
    assert "Who is accountable for the result of “Дизайн”: exactly one role is." in html
    assert mk.regulation(article()).html().count("Open questions") == 0


def test_html_is_escaped_and_keeps_lines() -> None:
    bold = parse_bpmn(CAMUNDA.replace('name="Approve"', 'name="&lt;b&gt;x"').encode())
    html = mk.regulation(Target(model=bold)).html()
    assert "<b>x" not in html
    assert "yes: step 4 “Slot”<br>no: back to step 1" in html


@pytest.mark.parametrize("language", ["ru", "en"])
def test_word_opens_what_is_saved(tmp_path: Path, language: Language) -> None:
    docx = pytest.importorskip("docx")
    document = mk.regulation(article(), language=language)
    path = document.save(tmp_path / "reglament.docx")
    read = docx.Document(str(path))
    headings = [one.text for one in read.paragraphs if one.style.name == "Heading 1"]
    chapters = [block.text for block in document.blocks if getattr(block, "level", 0) == 1]
    assert [text.partition(". ")[2] for text in headings] == chapters
    assert len(read.tables) == len(document.tables)
    assert len(read.inline_shapes) == 1
    steps = read.tables[1]
    assert [cell.text for cell in steps.rows[2].cells] == list(table(document, "steps").rows[1])
    header = steps.rows[0]._tr.trPr.xml
    assert "w:tblHeader" in header
    assert sum(column.width for column in steps.columns) <= read.sections[0].page_width
    assert read.core_properties.title == document.title


def test_controls_do_not_break_word() -> None:
    docx = pytest.importorskip("docx")
    target = article(purpose="a\x0bb\x00c", rules=[{"absence": ["x\x07"], "reason": "\uffff"}])
    read = docx.Document(BytesIO(mk.regulation(target).docx()))
    assert "a b c" in read.tables[0].rows[2].cells[1].text
    assert fromstring(read.element.xml) is not None


def test_what_it_is_not_saved_as(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = mk.regulation(article())
    with pytest.raises(DataError, match=r'name it "a\.docx"'):
        document.save(tmp_path / "a.pdf")
    monkeypatch.setitem(sys.modules, "docx", None)
    with pytest.raises(MissingExtraError, match=re.escape('pip install "mkmine[docx]"')):
        document.save(tmp_path / "a.docx")
    assert list(tmp_path.iterdir()) == []


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "to_be.bpmn"
    model.write_text(CAMUNDA, encoding="utf-8")
    place = tmp_path / "out" / "regulation.html"
    assert main(["regulation", str(model), "--output", str(place), "--language", "ru"]) == 0
    assert "Регламент процесса" in place.read_text(encoding="utf-8")
    assert "Ещё не сказано: 1" in capsys.readouterr().out
    assert main(["regulation", str(model), "--output", str(place), "--role", "Writer", "--language", "en"]) == 0
    assert "Job instruction: Writer" in place.read_text(encoding="utf-8")


def test_a_plan_is_nobody_who_could_sign() -> None:
    target = mk.catalogue.load("email", language="ru").target
    document = mk.regulation(target, language="ru")
    assert "Должностная инструкция: План рассылок" not in document.html()
    assert "План рассылок" not in [title.title for title in table(document, "raci").columns]
    assert all("План рассылок" not in cell for row in table(document, "raci").rows for cell in row)
    steps = {row[1].split("\n")[0]: row[2] for row in table(document, "steps").rows}
    assert steps["Ожидание назначенного дня"] == "План рассылок"
    decisions = {who for step, who in steps.items() if step.startswith("Решение")}
    assert decisions == {"Маркетолог", "Верстальщик", "Согласующий"}
    with pytest.raises(UnknownNameError):
        mk.regulation(target, role="План рассылок")

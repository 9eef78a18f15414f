from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pandas as pd
import pytest

from mkmine.eventlog import EventLog
from mkmine.report import Report
from mkmine.report.blocks import Bullets, Figure, Heading, KeyFigures, Note, Table, Text
from mkmine.report.findings import Findings
from mkmine.report.improvement import report
from mkmine.simulation import Experiment
from mkmine.targets import Target

Study = Callable[..., Experiment]


def sentences(document: Report) -> list[str]:
    out: list[str] = []
    for block in document.blocks:
        if isinstance(block, Text):
            out += block.paragraphs
        elif isinstance(block, Bullets):
            out += block.items
        elif isinstance(block, Note | Heading):
            out.append(block.text)
        elif isinstance(block, KeyFigures):
            out += [f"{one.label} {one.value} {one.note}" for one in block.items] + [block.foot]
        elif isinstance(block, Figure):
            out += [block.title, block.note, block.foot, *(view.label for view in block.views)]
        elif isinstance(block, Table):
            out += [block.title, block.note, block.foot, *(one.title for one in block.columns)]
            out += [cell for row in block.rows for cell in row]
    return out


def said(document: Report) -> str:
    return "\n".join(sentences(document))


@pytest.fixture(scope="module")
def russian(article: EventLog, target: Target, study: Study) -> Report:
    return report(article, to_be=target, experiment=study(grade="fair"), language="ru")


@pytest.fixture(scope="module")
def english(article: EventLog, target: Target, study: Study) -> Report:
    return report(article, to_be=target, experiment=study(grade="poor"), language="en")


def test_chapters_in_reading_order(english: Report) -> None:
    chapters = [block.anchor for block in english.blocks if isinstance(block, Heading) and block.level == 1]
    assert chapters == [
        "summary", "as-is", "time", "rework", "people", "flow", "changes", "to-be", "what-if", "trust", "data",
        "method",
    ]  # fmt: skip


def test_the_summary_is_made_of_the_numbers(english: Report, article: EventLog) -> None:
    lead = next(block for block in english.blocks if isinstance(block, Text) and block.lead)
    from mkmine.performance import diagnose

    top = diagnose(article).waiting.sort_values("waiting_total_h", ascending=False).iloc[0]
    assert f"“{top['activity']}”" in lead.paragraphs[0]
    assert f"{round(top['waiting_total_h']):,} working hours" in lead.paragraphs[0]


def test_noise_and_endless_queues_are_said_plainly(english: Report) -> None:
    text = said(english)
    assert "“Новый шаблон”: cycle time, mean: within noise (" in text
    assert "the queue grows without end; no figure can be given" in text
    assert "shorter by 1.5\u00a0±\u00a00.4\u00a0working days (7.5\u00a0→ 6.0\u00a0working days, −20%)" in text


def test_a_poor_backtest_warns(english: Report, russian: Report) -> None:
    warnings = [block.text for block in english.blocks if isinstance(block, Note) and block.kind == "warning"]
    assert any("not grounds for a decision" in text for text in warnings)
    assert "Throughput, cases per week: foretold 25% too low." in said(english)
    assert "at most 15% off, or at most 30% off where the observed value lies inside" in said(english)
    warnings = [block.text for block in russian.blocks if isinstance(block, Note) and block.kind == "warning"]
    assert any("лишь отчасти" in text for text in warnings)


def test_every_figure_and_table_has_a_source(russian: Report) -> None:
    parts = [*russian.figures, *russian.tables]
    assert len(russian.figures) == 11
    assert all("Статьи" in part.foot or "журнал" in part.foot for part in parts)


def test_the_russian_report_is_russian(russian: Report) -> None:
    text = said(russian).replace("Статьи", "")
    known = {
        "AS", "IS", "TO", "BE", "mkmine", "SEO", "ART", "csv", "script", "alert", "x", "q", "n", "Europe", "Moscow",
        "Mon", "Fri", "alpha", "e",
    }  # fmt: skip
    words = set(re.findall(r"[A-Za-z]+", text)) - known
    # Content hashes are hexadecimal.
    assert not {word for word in words if not re.fullmatch(r"[a-f]+", word)}


def test_russian_typography(russian: Report) -> None:
    text = said(russian)
    assert not re.search(r"\d [%]", text)
    assert ".." not in text.replace("…", "")
    assert not re.search(r"\d,\d{3}\b", text)
    assert "120\u00a0экземпляров" in text
    assert "3\u00a0экземпляра ещё не завершены" in text


def test_a_log_alone_is_enough(article: EventLog) -> None:
    document = report(article)
    anchors = {block.anchor for block in document.blocks if isinstance(block, Heading)}
    assert not {"to-be", "what-if", "trust"} & anchors
    assert document.title == "Process improvement: Статьи"


def test_an_unvalidated_model_is_called_a_sketch(article: EventLog, study: Study) -> None:
    bare = replace(study(), validation=None)
    assert "treat its answers as a sketch" in said(report(article, experiment=bare))


def test_completions_only_are_not_called_waiting(article: EventLog) -> None:
    frame = article.to_pandas()
    log = EventLog.from_pandas(frame, end="end", time_zone="UTC", name="done", calendar=article.calendar)
    text = said(report(log))
    assert "Most time passes before" in text
    assert "therefore includes the work on it" in text
    assert "Most time is lost waiting" not in text


def test_one_case_of_one_event(article: EventLog) -> None:
    frame = article.to_pandas().head(1)
    text = said(report(EventLog.from_pandas(frame, start="start", name="one", calendar=article.calendar)))
    assert "No activity was done more than once in a case." in text


def test_a_base_far_from_the_log_is_pointed_out(article: EventLog, study: Study) -> None:
    answer = study()
    row = answer.answers.iloc[[0]].assign(kpi="cycle_median_h", base=5000.0)
    far = replace(answer, answers=pd.concat([answer.answers, row], ignore_index=True))
    assert "read the answers as shares of the base" in said(report(article, experiment=far))


def test_a_lever_is_told_even_with_evidence_of_a_new_kind(article: EventLog) -> None:
    from mkmine.performance import Lever, diagnose

    found = diagnose(article)
    strange = replace(found, levers=(Lever(kind="staff", name="Дизайнер", value=1.0, reason="because"),))
    assert "“Дизайнер”: because" in said(report(article, diagnosis=strange))


def test_quotation_marks_inside_quotation_marks_are_of_the_other_kind(article: EventLog) -> None:
    from mkmine.discovery import discover, drift
    from mkmine.language import translator
    from mkmine.performance import diagnose, flow

    found = discover(article)
    findings = Findings(
        t=translator("ru"),
        log=article,
        as_is=found,
        shown=found,
        diagnosis=diagnose(article),
        flow=flow(article),
        drift=drift(article),
    )
    assert findings.quoted("возвраты после «Дизайн» × 0,5") == "«возвраты после „Дизайн“ × 0,5»"

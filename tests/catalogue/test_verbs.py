"""The catalogue on the command line, in both languages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mkmine.catalogue.blueprint import KEYS, published
from mkmine.cli import main


def said(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main([*words]) == 0, capsys.readouterr().err
    return capsys.readouterr().out


def failed(capsys: pytest.CaptureFixture[str], *words: str, code: int = 1) -> str:
    assert main([*words]) == code
    return capsys.readouterr().err


def test_the_list_names_every_process_and_where_its_numbers_come_from(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "catalogue", "--language", "en")
    for key in KEYS:
        assert f"\n{key}: " in f"\n{text}"
    for word in ("Steps", "Roles", "Variants", "Sources", "heavy: Approval in many rounds", "assumptions only"):
        assert word in text
    values = json.loads(said(capsys, "catalogue", "--json"))
    assert [one["key"] for one in values["processes"]] == list(KEYS)


def test_one_process_is_told_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "catalogue", "email", "--language", "en")
    assert "fitted to filestage-2023" in text
    assert "assumption" in text
    assert "4.1  h" in text
    assert published()["sources"]["litmus-2019"]["link"] in text
    russian = said(capsys, "catalogue", "email", "--language", "ru")
    for words in ("Согласование письма", "подобрано под filestage-2023", "допущение", "Предел, рабочие часы"):
        assert words in russian
    assert "assumption" not in russian
    values = json.loads(said(capsys, "catalogue", "email", "--variant", "heavy", "--json"))
    assert values["variants"] == ["heavy"]
    assert {"of", "parameter", "round", "value", "unit", "source", "basis", "figure"} == set(values["parameters"][0])


def test_a_study_is_started_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    values = json.loads(said(capsys, "new", "task", "mine", "--json"))
    assert values["folder"] == str(tmp_path / "mine")
    assert sorted(path.name for path in (tmp_path / "mine").iterdir()) == values["files"]
    told = failed(capsys, "new", "task", "mine", "--language", "ru")
    assert "по пути «mine» уже что-то есть; назовите папку, которой ещё нет" in told


def test_the_sample_beside_what_is_published(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sample = str(root / "data" / "article" / "tracker.csv")
    text = said(capsys, "benchmark", sample, "article", "--language", "ru")
    assert "Бренд 10, Стартап 9, Агентство 7" in text
    assert "распределение не опубликовано" in text
    assert "меньше, чем по крайней мере в 93\u00a0% ответов" in text
    assert "Дни календарные" in text
    alias = ["--alias", "Финальное согласование=Согласование текста"]
    values = json.loads(said(capsys, "benchmark", sample, "article", *alias, "--json"))
    assert {row["step"] for row in values["table"]} == {"Финальное согласование"}


def test_mistakes_are_told_in_russian(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sample = str(root / "data" / "article" / "tracker.csv")
    assert "возможно, «email»?" in failed(capsys, "catalogue", "emial", "--language", "ru")
    assert "неизвестное имя (вариант): «hevy»" in failed(
        capsys, "catalogue", "email", "--variant", "hevy", "--language", "ru"
    )
    twice = ["--alias", "Дизайн=Brief", "--alias", "Дизайн=Text"]
    assert "задано дважды" in failed(capsys, "benchmark", sample, "article", *twice, "--language", "ru")
    assert "в журнале нет" in failed(capsys, "benchmark", sample, "email", "--language", "ru")
    assert "NAME=NAME" in failed(capsys, "benchmark", sample, "article", "--alias", "x", code=2)
    assert "--variant" in failed(capsys, "catalogue", "--variant", "heavy", code=2)

"""The verbs that hold predictions against what came."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import mkmine as mk
from mkmine.cli import main
from mkmine.simulation import SimulationModel, simulate

from .rollout.test_hindsight import MODEL

AT = "2025-04-28"


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A desk of two people for 32 weeks."""
    folder = tmp_path_factory.mktemp("desk")
    mk.write(simulate(SimulationModel.from_dict(MODEL), seed=3, weeks=32), folder / "desk.csv")
    return folder / "desk.csv"


def test_backtest_grades_and_draws(log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chart = tmp_path / "backtest.svg"
    asked = ["backtest", str(log), "--replications", "5", "--cuts", "2"]
    assert main([*asked, "--chart", str(chart), "--language", "en"]) == 0
    said = capsys.readouterr().out
    assert "The simulation model" in said
    assert "Band of 95%" in said
    assert "Throughput, cases per week" in said
    assert chart.read_text(encoding="utf-8").startswith("<?xml")
    assert main([*asked, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["grade"] in ("good", "fair", "poor")


@pytest.mark.parametrize("metric", ["cycle", "in_progress"])
def test_backtest_draws_what_is_asked(metric: str, log: Path, tmp_path: Path) -> None:
    chart = tmp_path / "chart.csv"
    asked = ["backtest", str(log), "--replications", "5", "--cuts", "1", "--metric", metric, "--chart", str(chart)]
    assert main(asked) == 0
    assert chart.exists()


def test_backtest_exits_with_3_below_the_grade(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    found = mk.backtest(mk.read(log), replications=5, cuts=1)
    monkeypatch.setattr(mk, "backtest", lambda *_, **__: replace(found, grade="fair"), raising=False)
    assert main(["backtest", str(log), "--min-grade", "good"]) == 3
    assert main(["backtest", str(log), "--min-grade", "fair"]) == 0


def test_hindsight_in_either_language(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["hindsight", str(log), "--at", AT, "--replications", "4"]
    assert main([*asked, "--language", "en"]) == 0
    said = capsys.readouterr().out
    assert "Arrivals: ×" in said
    assert "Cycle time, mean: " in said
    assert "no proof of cause" in said
    assert main([*asked, "--language", "ru"]) == 0
    said = capsys.readouterr().out
    assert "Поступление: ×" in said
    assert "предсказание" in said
    assert "не доказывает причину" in said


def test_hindsight_as_json_with_what_was_decided(log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mk.Scenario("one more").staff("Clerk", 1).save(tmp_path / "more.yaml")
    asked = ["hindsight", str(log), "--at", AT, "--replications", "4", "--json"]
    assert main([*asked, "--scenario", str(tmp_path / "more.yaml")]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {"role": "Clerk", "change": 1}.items() <= told["scenario"]["changes"][-1].items()
    assert {"effect", "answers", "staff"} <= told.keys()


def test_hindsight_needs_a_day(log: Path) -> None:
    assert main(["hindsight", str(log)]) == 2

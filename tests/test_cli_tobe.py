"""A TO-BE on the command line and in the report: simulated beside today's process, its assumptions told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

import mkmine as mk
from mkmine.cli import main
from mkmine.simulation import SimulationModel
from mkmine.targets import Target

from .simulation.processes import SAID, TO_BE, TODAY, drawn, seen, world


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with today's model, both processes and what is said."""
    folder = tmp_path_factory.mktemp("release")
    (folder / "today.yaml").write_text(TODAY, encoding="utf-8")
    (folder / "to_be.yaml").write_text(TO_BE, encoding="utf-8")
    (folder / "said.yaml").write_text(yaml.safe_dump(SAID, allow_unicode=True), encoding="utf-8")
    mk.calibrate(seen(world(), cases=200), process=drawn()).save(folder / "model.yaml")
    mk.write(seen(world(), cases=200), folder / "log.csv")
    return folder


def run(*arguments: str | Path) -> int:
    return main([str(one) for one in arguments])


def test_a_to_be_is_compared_with_a_model(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["simulate", folder / "model.yaml", "--to-be", folder / "to_be.yaml", "--replications", "2"]
    assert run(*asked, "--elicited", folder / "said.yaml", "--language", "ru") == 0
    assert "Предположение: «Check» — от 0,2 до 0,8 ч работы" in capsys.readouterr().out.replace("\u00a0", " ")
    assert run(*asked, "--elicited", folder / "said.yaml", "--json") == 0
    values = json.loads(capsys.readouterr().out)
    assert any("Check" in note for note in values["notes"]["Release as it should be"])
    assert run(*asked, "--language", "en") == 1
    told = capsys.readouterr().err
    assert "leaves open what today's process does not tell" in told
    assert "Check: [1.0, 2.0, 5.0]" in told


def test_a_process_needs_a_log(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("simulate", folder / "model.yaml", "--process", folder / "today.yaml", "--language", "en") == 2
    assert "--process needs a log" in capsys.readouterr().err


def test_a_log_is_calibrated_along_a_process(folder: Path) -> None:
    made = folder / "along.yaml"
    asked = ["simulate", folder / "log.csv", "--process", folder / "today.yaml", "--staff", "Writer=+1"]
    assert run(*asked, "--replications", "2", "--model", made) == 0
    assert SimulationModel.load(made).gateways["Make"].kind == "and"


def test_the_report_tells_assumptions_of_the_scenario(folder: Path) -> None:
    log = seen(world(), cases=200)
    model = SimulationModel.load(folder / "model.yaml")
    made = Target(model=drawn(TO_BE)).to_simulation(model, elicited=folder / "said.yaml")
    answer = mk.experiment(model, [made], replications=2, draws=2, weeks=6)
    page = mk.report(log, experiment=answer, language="ru").html().replace("\u00a0", " ")
    assert "Предположение: «Check» — от 0,2 до 0,8 ч работы" in page
    assert "Release as it should be" in page

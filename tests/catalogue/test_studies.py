"""A study folder: whole or not at all, and the chain of commands works in it."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

import mkmine as mk
from mkmine.catalogue import load, new_study
from mkmine.catalogue.blueprint import KEYS
from mkmine.cli import main
from mkmine.errors import DataError, UnknownNameError
from mkmine.simulation import SimulationModel
from mkmine.targets import read_target

FILES = {"README.md", "parameters.csv", "study.py", "to_be.bpmn", "to_be.card.yaml", "to_be.yaml", "world.yaml"}


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("key", KEYS)
def test_the_files_are_read_again_as_what_they_are(key: str, language: str, tmp_path: Path) -> None:
    folder = new_study(key, tmp_path / "study", language="ru" if language == "ru" else "en")
    reference = load(key, language="ru" if language == "ru" else "en")
    names = {path.name for path in folder.iterdir()}
    logs = {"log.csv"} if key == "event" else {"tracker.csv", "issues.csv", "mapping.yaml"}
    assert names == FILES | logs
    drawn, written = read_target(folder / "to_be.bpmn"), read_target(folder / "to_be.yaml")
    assert drawn.activities == written.activities == reference.target.activities
    assert drawn.card == written.card == reference.target.card
    assert SimulationModel.load(folder / "world.yaml") == reference.world
    log = mk.read(folder / ("log.csv" if key == "event" else "tracker.csv"))
    assert log.n_cases > 100
    found = mk.check(log, drawn)
    assert found.fitness > 0.95
    assert not found.only_in_log
    assert not found.only_in_target
    assert not len(found.roles)
    assert mk.benchmark(log, key).table["cases"].min() > 50


def test_one_seed_makes_the_same_folder(tmp_path: Path) -> None:
    one, two, other = (new_study("press", tmp_path / n, seed=seed) for n, seed in (("a", 1), ("b", 1), ("c", 2)))
    for path in one.iterdir():
        assert path.read_bytes() == (two / path.name).read_bytes()
    assert (one / "tracker.csv").read_bytes() != (other / "tracker.csv").read_bytes()


def test_the_chain_of_commands_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", "task", "--language", "en"]) == 0
    readme = (tmp_path / "task" / "README.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path / "task")
    commands = [line for line in readme.splitlines() if line.startswith("mkmine ")]
    assert [line.split()[1] for line in commands] == [
        "describe", "check", "diagnose", "simulate", "report", "benchmark", "regulation", "simulate",
    ]  # fmt: skip
    for line in commands:
        words = [word.replace("_", " ") for word in line.replace('"Doer=+1"', "Doer=+1").split()[1:]]
        words = [word.replace(" ", "_") if "to be" in word else word for word in words]
        quick = ["--replications", "2"] if words[0] in ("simulate", "report") else []
        quick += ["--no-what-if"] if words[0] == "report" else []
        assert main([*words, *quick, "--language", "en"]) == 0, (line, capsys.readouterr().err)
    assert (tmp_path / "task" / "report.html").is_file()
    assert (tmp_path / "task" / "regulation.html").is_file()


def test_the_script_is_python_and_says_what_the_commands_do(tmp_path: Path) -> None:
    folder = new_study("smm", tmp_path / "smm", language="ru")
    # Not as a program, which would simulate: names and syntax only.
    assert runpy.run_path(str(folder / "study.py"))["mk"] is mk
    text = (folder / "study.py").read_text(encoding="utf-8")
    for verb in (
        "mk.read(",
        "mk.check(",
        "mk.diagnose(",
        "mk.benchmark(",
        "mk.calibrate(",
        "mk.experiment(",
        "mk.report(",
    ):
        assert verb in text


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    (tmp_path / "full" / "inside").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("file", "full", "link", "."):
        with pytest.raises(DataError, match="something at"):
            new_study("task", tmp_path / name)
    assert (tmp_path / "file").read_text() == "kept"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "full", "link"]


def test_an_empty_folder_is_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "here").mkdir()
    assert (new_study("task", tmp_path / "empty") / "README.md").is_file()
    monkeypatch.chdir(tmp_path / "here")
    assert (new_study("task", ".", language="ru") / "README.md").is_file()
    commands = [one for one in Path("README.md").read_text(encoding="utf-8").splitlines() if one.startswith("mkmine ")]
    assert commands
    assert all(one.endswith("--language ru") for one in commands)


def test_what_goes_wrong_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mkmine.catalogue.studies.write_bpmn", fail)
    with pytest.raises(DataError, match="No space left"):
        new_study("task", tmp_path / "study")
    assert not list(tmp_path.iterdir())


def test_names_are_names_and_no_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("../article", "processes/article", "article.yaml", "published", ""):
        with pytest.raises(UnknownNameError):
            new_study(name)
    with pytest.raises(DataError):
        new_study("task", "a\0b")
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot make"):
        new_study("task", tmp_path / "file" / "below")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_variants_of_a_study_are_told_in_it(tmp_path: Path) -> None:
    folder = new_study("article", tmp_path / "x", variants=["heavy", "seo"])
    assert "mkmine new article --variant heavy --variant seo" in (folder / "README.md").read_text(encoding="utf-8")
    assert "Keywords" in read_target(folder / "to_be.bpmn").activities

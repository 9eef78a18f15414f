"""start.py: the environment is made, reused, mended or refused; a failed stage does not hide the others."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import start


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the environment is to be; installing is only noted, in `installed`."""
    venv = tmp_path / "environment"
    monkeypatch.setattr(start, "VENV", venv)
    return venv


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    calls: list[tuple[str, ...]] = []
    monkeypatch.setattr(start, "install", lambda python, groups: calls.append(groups))
    return calls


def python_of(venv: Path) -> Path:
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def test_environment_is_made_once_and_installed_when_needed(
    place: Path, installed: list[tuple[str, ...]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert start.environment(()) == python_of(place)
    assert start.healthy(python_of(place))
    start.environment(())
    assert installed == [()]
    start.environment(("test",))
    assert installed[1:] == [("test",)], "the tests need more than the demo"
    start.environment(("test",))
    start.environment(())
    assert installed[2:] == [], "and what they need serves the demo too"
    changed = tmp_path / "constraints.txt"
    changed.write_text("numpy==2.0.0", encoding="utf-8")
    monkeypatch.setattr(start, "CONSTRAINTS", changed)
    start.environment(())
    assert installed[2:] == [()], "a changed lock is installed"


def broken(place: Path, home: Path, fault: str) -> None:
    """Make an environment with a fault at `place`; a moved one was made at `home`."""
    made = home if fault == "moved here" else place
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(made)], check=True)
    if fault == "moved here":
        # What a copied folder looks like: its interpreter is one, but belongs to another place.
        shutil.copytree(home, place, symlinks=True)
    elif fault != "no pip":
        python_of(place).unlink()
    if fault in ("interpreter broken", "old Python"):
        answer = f"False\n{place}" if fault == "old Python" else "cannot execute"
        python_of(place).write_text(f"#!/bin/sh\necho '{answer}'\n", encoding="utf-8")
        python_of(place).chmod(0o755)


@pytest.mark.skipif(os.name == "nt", reason="the fault is made with a shell script")
@pytest.mark.parametrize("fault", ["no pip", "interpreter gone", "interpreter broken", "moved here", "old Python"])
def test_fault_of_an_environment_is_noticed(fault: str, place: Path, tmp_path: Path) -> None:
    broken(place, tmp_path / "elsewhere", fault)
    assert not start.healthy(python_of(place))


@pytest.mark.skipif(os.name == "nt", reason="the fault is made with a shell script")
def test_faulty_environment_is_made_anew(
    place: Path, installed: list[tuple[str, ...]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken(place, tmp_path, "interpreter broken")
    (place / "left-over").touch()
    start.environment(())
    assert start.healthy(python_of(place))
    assert not (place / "left-over").exists()
    assert "making it anew" in capsys.readouterr().out


def test_folder_that_is_no_environment_is_not_touched(place: Path, installed: list[tuple[str, ...]]) -> None:
    place.mkdir()
    (place / "thesis.docx").write_text("years of work", encoding="utf-8")
    with pytest.raises(start.SetupError, match="not a virtual environment"):
        start.environment(())
    assert (place / "thesis.docx").exists()


def test_every_stage_runs_though_one_fails(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    stages = {"first": ("-c", "raise SystemExit(3)"), "tests": ("-c", "import sys; print('ran', sys.argv[1:])")}
    monkeypatch.setattr(start, "STAGES", stages)
    assert start.check(Path(sys.executable), ["-k", "wheel"]) == 1
    out = capfd.readouterr().out
    assert "ran ['-k', 'wheel']" in out
    assert "failed: first" in out


def test_the_stages_are_those_of_the_contributing_page() -> None:
    assert list(start.STAGES) == ["ruff check", "ruff format", "types", "imports", "docs", "tests"]
    script = (Path(start.__file__).parent / ".ci" / "run").read_text(encoding="utf-8")
    assert "python3 start.py test" in script


def test_unknown_command_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert start.main(["lint"]) == 2
    assert start.main(["--help"]) == 0
    assert "python start.py demo" in capsys.readouterr().out

"""The wheel, installed in an environment of its own: what a user gets, not what the checkout holds."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

SAMPLE = "mkmine/data/article/"


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    # The build backend is in the test environment already, so that nothing is fetched.
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(root)]
    built = subprocess.run(command, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    return next(out.glob("mkmine-*.whl"))


def test_wheel_carries_every_module_and_asset(root: Path, wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    source = {
        path.relative_to(root).as_posix()
        for path in (root / "mkmine").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert source <= inside
    sample = {f"{SAMPLE}{path.name}" for path in (root / "data" / "article").iterdir() if path.is_file()}
    assert sample
    assert sample <= inside
    assert not [name for name in inside if name.startswith(("tests/", "docs/", "notebooks/"))]


def test_wheel_states_its_licence(wheel: Path) -> None:
    files = zipfile.ZipFile(wheel)
    metadata = next(name for name in files.namelist() if name.endswith(".dist-info/METADATA"))
    assert "License-Expression: AGPL-3.0-or-later" in files.read(metadata).decode()
    licence = next(name for name in files.namelist() if name.endswith("licenses/LICENSE"))
    assert b"GNU AFFERO GENERAL PUBLIC LICENSE" in files.read(licence)


def test_demo_works_from_the_wheel_in_an_empty_folder(root: Path, wheel: Path, tmp_path: Path) -> None:
    home = tmp_path / "environment"
    venv.create(home, with_pip=True)
    scripts = home / ("Scripts" if os.name == "nt" else "bin")
    install = [str(scripts / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    done = subprocess.run([*install, "-c", str(root / "constraints.txt"), str(wheel)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr

    empty = tmp_path / "empty"
    empty.mkdir()
    mkmine = str(scripts / "mkmine")
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "MKMINE"))}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [mkmine, *arguments],
            cwd=empty,
            env=clean | {"PYTHONUTF8": "1"},
            capture_output=True,
            encoding="utf-8",
        )

    assert "demo" in run("--help").stdout
    demo = run("demo", "--replications", "3")
    assert demo.returncode == 0, demo.stderr
    reports = list(empty.rglob("*.html"))
    assert len(reports) == 1
    assert str(reports[0]) in demo.stdout
    assert '<html lang="ru"' in reports[0].read_text(encoding="utf-8")
    assert list(empty.rglob("report_tables/*.csv"))

"""What an import costs, and which doors the rooms use."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {
    "altair", "babel", "holidays", "jinja2", "matplotlib", "numba", "numpy", "openpyxl", "pandas", "pm4py", "pyarrow",
    "pydantic", "pygraphviz", "scipy", "simpy", "vl_convert", "yaml",
}  # fmt: skip


def loaded(code: str) -> set[str]:
    """Top-level names of the modules that a fresh interpreter holds after running `code`."""
    tell = "import json, sys; sys.stderr.write(json.dumps(sorted({m.split('.')[0] for m in sys.modules})))"
    run = subprocess.run([sys.executable, "-c", f"{code}\n{tell}"], capture_output=True, text=True, check=True)
    return set(json.loads(run.stderr))


def test_import_loads_nothing_heavy() -> None:
    assert not loaded("import mkmine") & HEAVY


def test_import_of_the_cli_loads_nothing_heavy() -> None:
    assert not loaded("import mkmine.cli") & HEAVY


@pytest.mark.parametrize("arguments", [["--help"], ["demo", "--help"], ["simulate", "--help"]])
def test_english_help_loads_nothing_heavy(arguments: list[str]) -> None:
    code = f"from mkmine.cli import main\nmain({['--language', 'en', *arguments]!r})"
    assert not loaded(code) & HEAVY


def test_modules_draw_from_no_global_random_state() -> None:
    """One seed gives one result: reading a log and asking questions must not touch numpy's global generator."""
    code = (
        "import numpy as np, mkmine as mk\n"
        "before = np.random.get_state()[1].tolist()\n"
        "import mkmine.simulation, mkmine.discovery, mkmine.performance\n"
        "assert np.random.get_state()[1].tolist() == before"
    )
    assert loaded(code)

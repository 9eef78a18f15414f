#!/usr/bin/env python3
"""Set mkmine up and run it, or run every check of the project; needs Python 3.11 or newer and nothing else.

    python start.py demo [--language en] [...]     the main job on the sample; arguments go on to `mkmine demo`
    python start.py test [...]                     what CI runs; arguments go on to pytest
    python start.py setup                          only make the environment

The environment is `.venv` beside this file (another place: MKMINE_VENV). It is made, or mended, when needed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = Path(os.environ.get("MKMINE_VENV", ROOT / ".venv")).absolute()
CONSTRAINTS = ROOT / "constraints.txt"
STAMP = "mkmine-installed"
GROUPS = ("test", "lint", "docs")
DOCS = ("-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", "docs", "build/docs")

STAGES = {
    "ruff check": ("-m", "ruff", "check", "."),
    "ruff format": ("-m", "ruff", "format", "--check", "."),
    "types": ("-m", "mypy", "--strict", "mkmine"),
    "imports": ("-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"),
    "docs": DOCS,
    "tests": ("-m", "pytest", "-n", "auto"),
}


def main(arguments: list[str]) -> int:
    """Run one of the commands above; returns the exit code."""
    if sys.version_info < (3, 11):
        return complain(f"mkmine needs Python 3.11 or newer; this is {sys.version.split()[0]} ({sys.executable})")
    if not arguments or arguments[0] not in {"demo", "test", "setup"}:
        print(__doc__)
        return 0 if arguments[:1] in (["-h"], ["--help"]) else 2
    command, rest = arguments[0], arguments[1:]
    try:
        python = environment(GROUPS if command == "test" else ())
    except SetupError as error:
        return complain(str(error))
    if command == "demo":
        return subprocess.call([str(python), "-m", "mkmine", "demo", *rest])
    return check(python, rest) if command == "test" else 0


class SetupError(Exception):
    """The environment cannot be made; the message says what to do."""


def complain(message: str) -> int:
    """Print one message on stderr; returns the exit code of a failure."""
    print(f"start.py: {message}", file=sys.stderr)
    return 1


def environment(groups: tuple[str, ...]) -> Path:
    """Return the interpreter of an environment that holds mkmine and the dependency groups, making what lacks."""
    python = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if VENV.exists() and not healthy(python):
        if any(VENV.iterdir()) and not (VENV / "pyvenv.cfg").is_file():
            raise SetupError(f"{VENV} is not a virtual environment; move it away, or set MKMINE_VENV to another place")
        print(f"{VENV} does not work with this machine's Python; making it anew", flush=True)
        shutil.rmtree(VENV)
    if not VENV.exists():
        print(f"Making {VENV}", flush=True)
        if subprocess.call([sys.executable, "-m", "venv", str(VENV)]):
            shutil.rmtree(VENV, ignore_errors=True)
            raise SetupError("`python -m venv` failed; on Debian and Ubuntu: sudo apt install python3-venv")
    wanted = fingerprint(groups)
    stamp = VENV / STAMP
    known = stamp.read_text(encoding="utf-8").split() if stamp.is_file() else []
    if wanted not in known:
        stamp.unlink(missing_ok=True)
        install(python, groups)
        # The full set serves the demo too; a smaller set does not serve the tests.
        stamp.write_text("\n".join({wanted, fingerprint(())}), encoding="utf-8")
    return python


def healthy(python: Path) -> bool:
    """Whether an interpreter runs, is new enough, belongs to VENV and has pip: a moved or copied one fails here."""
    probe = "import sys, pip; print(sys.version_info >= (3, 11) and sys.prefix != sys.base_prefix); print(sys.prefix)"
    try:
        answer = subprocess.run([str(python), "-c", probe], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False
    new, _, prefix = answer.stdout.strip().partition("\n")
    return answer.returncode == 0 and new == "True" and Path(prefix).resolve() == VENV.resolve()


def fingerprint(groups: tuple[str, ...]) -> str:
    """A digest of everything that decides what is installed."""
    parts = [
        (ROOT / "pyproject.toml").read_bytes(),
        CONSTRAINTS.read_bytes(),
        str(ROOT).encode(),
        repr(groups).encode(),
    ]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def install(python: Path, groups: tuple[str, ...]) -> None:
    """Install the checkout (editable) and the groups, every version as locked."""
    pip = [str(python), "-m", "pip", "--disable-pip-version-check"]
    # The build backend comes into pip's own clean room; without this its version would not be the locked one.
    surroundings = {**os.environ, "PIP_BUILD_CONSTRAINT": CONSTRAINTS.as_uri()}
    steps = [[*pip, "install", "-q", "-c", str(CONSTRAINTS), "-e", str(ROOT)]]
    if groups:
        # Dependency groups are known to pip since 25.1; the venv module brings an older one.
        steps.insert(0, [*pip, "install", "-q", "-c", str(CONSTRAINTS), "pip"])
        steps[-1] += [part for group in groups for part in ("--group", f"{ROOT / 'pyproject.toml'}:{group}")]
    print(f"Installing mkmine and its dependencies into {VENV} (a few minutes the first time)", flush=True)
    for step in steps:
        if subprocess.call(step, env=surroundings, cwd=ROOT):
            raise SetupError("the installation failed; the reason stands above")


def check(python: Path, pytest_arguments: list[str]) -> int:
    """Run every stage, whatever fails before it, and close with a table; returns 0 when all passed."""
    rows = []
    for name, command in STAGES.items():
        print(f"\n=== {name}", flush=True)
        began = time.monotonic()
        extra = pytest_arguments if name == "tests" else []
        code = subprocess.call([str(python), *command, *extra], cwd=ROOT)
        rows.append((name, "ok" if code == 0 else f"FAILED ({code})", time.monotonic() - began))
    print(
        "\n" + "\n".join(f"{name:<12} {state:<12} {seconds:6.1f} s" for name, state, seconds in rows),
        flush=True,
    )
    failed = [name for name, state, _ in rows if state != "ok"]
    print(f"failed: {', '.join(failed)}" if failed else "all checks passed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)

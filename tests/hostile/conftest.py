"""Hostile files are read in a process of its own, with bounded memory: a crash or a hang there fails a test here."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# What one file may take.
SECONDS, BYTES = 10.0, 4 << 30
CHILD = """
import json, resource, sys, time
resource.setrlimit(resource.RLIMIT_AS, ({limit}, {limit}))
import mkmine
from mkmine.errors import MkmineError
for line in sys.stdin:
    path, errors, settings = json.loads(line)
    begun = time.perf_counter()
    try:
        log = mkmine.read(path, errors=errors, **settings)
        told = dict(rows=len(log), aside=len(log.quarantine), activities=log.activities, hash=log.content_hash)
    except BaseException as error:
        told = dict(error=type(error).__name__, ours=isinstance(error, MkmineError), message=str(error))
    print(json.dumps(dict(told, seconds=time.perf_counter() - begun)), flush=True)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What reading a file came to: the rows read and set aside, or the message of the error."""

    rows: int = 0
    aside: int = 0
    activities: tuple[str, ...] = ()
    hash: str = ""
    error: str = ""
    ours: bool = True
    message: str = ""
    seconds: float = 0.0


class Reader:
    """A process that reads file after file in bounded memory; a new one where the last has died."""

    def __init__(self) -> None:
        self.process = _started()

    def read(self, path: Path, errors: str = "raise", settings: Mapping[str, object] | None = None) -> Told:
        """Read a file; fails the test if the process dies, or raises what is no error of mkmine, or takes too long."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([str(path), errors, dict(settings or {})]) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            died, self.process = self.process, _started()
            pytest.fail(f"the process died over {path.name} (status {died.wait()})")
        values = json.loads(line)
        told = Told(**values | {"activities": tuple(values.get("activities", ()))})
        assert told.ours, f"{path.name}: {told.error}: {told.message[:300]}"
        assert told.seconds < SECONDS, f"{path.name} took {told.seconds:.1f} s"
        return told


def _started() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD.format(limit=BYTES)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
        cwd=ROOT,
    )


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    """Give a reader for the tests of a module."""
    pytest.importorskip("resource")
    made = Reader()
    yield made
    made.process.communicate()


@pytest.fixture
def put(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    """Write a file for a test."""

    def put(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content)
        return path

    return put

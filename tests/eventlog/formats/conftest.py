"""A real PostgreSQL server, for the time of a test session."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

USER, PASSWORD = "analyst", "s3cr:t/pa ss"
URL_PASSWORD = "s3cr%3At%2Fpa%20ss"


@dataclass(frozen=True)
class Server:
    """Where a server listens, and how a statement is run there by its owner."""

    folder: Path
    port: int

    @property
    def url(self) -> str:
        return f"postgresql://{USER}:{URL_PASSWORD}@127.0.0.1:{self.port}/postgres"

    def run(self, *statements: str) -> None:
        adbc = pytest.importorskip("adbc_driver_postgresql.dbapi")
        with adbc.connect(self.url) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            connection.commit()


def _program(name: str) -> str | None:
    """Return the path of a program of PostgreSQL, which Debian keeps out of PATH."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda one: one.parent.name, reverse=True)
    return shutil.which(name) or next((str(one / name) for one in folders if (one / name).exists()), None)


def _as_user(command: list[str]) -> list[str]:
    # The server refuses to be run by root, who the checks run as in a container.
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command] if os.getuid() == 0 else command


def _call(command: list[str]) -> None:
    done = subprocess.run(_as_user(command), capture_output=True, text=True, timeout=60, cwd="/")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A server with an own database in a folder of its own; skipped, and counted, where PostgreSQL is not installed."""
    initdb, pg_ctl = _program("initdb"), _program("pg_ctl")
    if initdb is None or pg_ctl is None:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql): reading from it is not tested")
    with tempfile.TemporaryDirectory(prefix="mkmine-pg-") as name, socket.socket() as probe:
        folder = Path(name)
        secret = folder / "password"
        secret.write_text(PASSWORD)
        if os.getuid() == 0:
            for one in (folder, secret):
                os.chown(one, 65534, 65534)
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        data = str(folder / "data")
        _call([initdb, "-D", data, "-U", USER, "-A", "scram-sha-256", f"--pwfile={secret}", "-E", "UTF8", "--no-sync"])
        options = f"-p {port} -h 127.0.0.1 -k {folder} -c fsync=off -c timezone=UTC"
        _call([pg_ctl, "-D", data, "-o", options, "-l", str(folder / "log"), "-w", "start"])
        try:
            yield Server(folder, port)
        finally:
            _call([pg_ctl, "-D", data, "-m", "immediate", "-w", "stop"])

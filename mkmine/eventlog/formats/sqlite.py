"""SQLite files that may be hostile, opened for reading only."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

__all__ = ["connected", "is_sqlite"]

MAGIC = b"SQLite format 3\0"


def is_sqlite(path: Path) -> bool:
    """Return whether a file begins as a database of SQLite does."""
    with path.open("rb") as stream:
        return stream.read(len(MAGIC)) == MAGIC


@contextmanager
def connected(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database read only, its schema not trusted to call functions, without extensions."""
    # Of a database in use, its log of changes is part of it.
    changing = Path(f"{path}-wal").exists()
    address = f"{path.resolve().as_uri()}?mode=ro" + ("" if changing else "&immutable=1")
    with closing(sqlite3.connect(address, uri=True)) as database:
        for pragma in ("query_only = ON", "trusted_schema = OFF", "cell_size_check = ON"):
            database.execute(f"PRAGMA {pragma}")
        database.text_factory = lambda data: data.decode("utf-8", "replace")
        yield database

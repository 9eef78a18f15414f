"""SQLite files that may be hostile, opened for reading only."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

__all__ = ["connected", "is_sqlite"]

MAGIC = b"SQLite format 3\0"
# Of a value, and of a row: a function of SQLite makes a gigabyte of a few signs.
LARGEST = 1 << 25
# So many steps of SQLite take about a millisecond.
STEPS = 100_000


def is_sqlite(path: Path) -> bool:
    """Return whether a file begins as a database of SQLite does."""
    with path.open("rb") as stream:
        return stream.read(len(MAGIC)) == MAGIC


@contextmanager
def connected(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database read only, its schema not trusted to call functions, without extensions or huge values.

    However long a query runs, it can be interrupted (Ctrl-C).
    """
    # Of a database in use, its log of changes is part of it.
    changing = Path(f"{path}-wal").exists()
    address = f"{path.resolve().as_uri()}?mode=ro" + ("" if changing else "&immutable=1")
    with closing(sqlite3.connect(address, uri=True)) as database:
        for pragma in ("query_only = ON", "trusted_schema = OFF", "cell_size_check = ON"):
            database.execute(f"PRAGMA {pragma}")
        database.text_factory = lambda data: data.decode("utf-8", "replace")
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST)
        # While it is called, Python raises what a signal asks for; SQLite then stops, and can say no more than that.
        database.set_progress_handler(lambda: None, STEPS)
        try:
            yield database
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                raise KeyboardInterrupt from None
            raise

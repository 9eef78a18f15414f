"""Queries and URLs of databases: nothing is written or loaded, and no password is told."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

import mkmine
from mkmine.errors import DataError, MkmineError


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    with sqlite3.connect(tmp_path / "log.db") as database:
        database.execute("CREATE TABLE e (c, a, t)")
        database.executemany("INSERT INTO e VALUES (1, ?, ?)", [("A", "2025-01-01 10:00"), ("B", "2025-01-01 11:00")])
    database.close()
    return f"sqlite:///{tmp_path}/log.db"


@pytest.fixture
def duckdb(tmp_path: Path) -> str:
    connection = pytest.importorskip("duckdb").connect(str(tmp_path / "log.duckdb"))
    connection.execute("CREATE TABLE e AS SELECT 1 AS c, 'A' AS a, TIMESTAMP '2025-01-01' AS t")
    connection.close()
    return f"duckdb:///{tmp_path}/log.duckdb"


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM e; DROP TABLE e",
        "WITH x AS (SELECT 1) INSERT INTO e SELECT 1, 2, 3",
        "WITH x AS (SELECT 1) DELETE FROM e",
        "ATTACH 'x.db' AS x",
        "SELECT load_extension('x')",
        "SELECT readfile('/etc/passwd') AS c, 'A' AS a, '2025-01-01' AS t",
        "SELECT writefile('x', 'y')",
        "PRAGMA journal_mode = DELETE",
        "SELECT * FROM pragma_database_list",
        "EXPLAIN SELECT * FROM e",
        "/* SELECT */ DROP TABLE e",
        "-- SELECT\nDROP TABLE e",
        "SELECT '\0'",
        "VACUUM INTO 'x.db'",
    ],
)
def test_sqlite_is_only_read(sqlite: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, query: str) -> None:
    monkeypatch.chdir(tmp_path)
    before = (tmp_path / "log.db").read_bytes()
    with pytest.raises(DataError):
        mkmine.read_sql(query, sqlite, case="c", activity="a", end="t")
    assert [one.name for one in tmp_path.iterdir()] == ["log.db"]
    assert (tmp_path / "log.db").read_bytes() == before


@pytest.mark.parametrize(
    "query",
    [
        "COPY e TO 'out.csv'",
        "COPY (SELECT 1) TO 'out.csv'",
        "WITH x AS (SELECT 1) SELECT * FROM x; COPY (SELECT 1) TO 'out.csv'",
        "SELECT * FROM query('COPY (SELECT 1) TO ''out.csv''')",
        "FROM (COPY e TO 'out.csv')",
        "EXPORT DATABASE 'out'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "ATTACH 'other.duckdb'",
        "SET memory_limit = '1TB'",
        "PRAGMA version",
        "CALL pragma_version()",
        "CREATE TABLE x AS SELECT 1",
        "SELECT getenv('HOME') AS c, 'A' AS a, now() AS t",
        "SELECT * FROM read_csv('https://127.0.0.1:1/x.csv')",
        "SELECT * FROM sqlite_scan('x.db', 'e')",
    ],
)
@pytest.mark.parametrize("memory", [False, True])
def test_duckdb_writes_and_loads_nothing(
    duckdb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, query: str, memory: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError):
        mkmine.read_sql(query, "duckdb://" if memory else duckdb, case="c", activity="a", end="t")
    assert [one.name for one in tmp_path.iterdir()] == ["log.duckdb"]


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://bob:SECRET@127.0.0.1:1/base",
        "postgresql://bob:SECRET@127.0.0.1:99999/base",
        "postgresql://bob:SECRET%zz@127.0.0.1:1/base",
        "postgresql://bob: SECRET@127.0.0.1:1/base",
        "postgresql://bob:SECRET@[127/base",
        "postgresql://127.0.0.1:1/base?user=bob&password=SECRET",
        "postgresql://127.0.0.1:1/base?sslkey=x&sslpassword=SECRET",
        "postgresql+psycopg://bob:SECRET@127.0.0.1:1/base",
        "jdbc:postgresql://h/base?user=b&password=SECRET",
        "mysql://bob:SECRET@h/base",
        "bob:SECRET@h/base",
        "//bob:SECRET@h/base",
        "sqlite://bob:SECRET@h/absent.db",
        "duckdb:///md:x?motherduck_token=SECRET",
        "postgresql://bob:pa/SECRET@127.0.0.1:1/db",
        "postgresql://bob:12/SECRET@127.0.0.1:1/db",
        "postgresql://bob:p@SECRET@127.0.0.1:1/db",
        "postgresql://bob:SECRET#x@127.0.0.1:1/db",
        "postgresql://bob:SECRET?x@127.0.0.1:1/db",
        "postgresql://bob:12?SECRET@127.0.0.1:1/db",
        "postgresql://bob:[SECRET@127.0.0.1:1/db",
        "postgresql:bob:SECRET@127.0.0.1/db",
        "postgresql:/bob:SECRET@127.0.0.1/db",
        "postgresql:///bob:SECRET@127.0.0.1/db",
        "postgresql://SECRET\n@127.0.0.1:1/db",
        "host=localhost password=SECRET dbname=x",
        "bob/SECRET@h",
        "SECRET",
        "",
    ],
)
def test_no_secret_of_a_url_is_told(url: str) -> None:
    pytest.importorskip("adbc_driver_postgresql")
    with pytest.raises(MkmineError) as caught:
        mkmine.read_sql("SELECT 1", url)
    assert "SECRET" not in str(caught.value)


def test_a_view_in_a_file_of_duckdb_reads_no_other_file(duckdb: str, tmp_path: Path) -> None:
    (tmp_path / "key.txt").write_text("PRIVATE", encoding="utf-8")
    with pytest.importorskip("duckdb").connect(duckdb.removeprefix("duckdb:///")) as connection:
        connection.execute(
            f"CREATE VIEW v AS SELECT 1 AS c, content AS a, now() AS t FROM read_text('{tmp_path}/key.txt')"
        )
    with pytest.raises(DataError, match="disabled by configuration"):
        mkmine.read_sql("SELECT * FROM v", duckdb, case="c", activity="a", end="t")
    with pytest.raises(DataError):
        mkmine.read_sql(f"SELECT * FROM read_text('{tmp_path}/key.txt')", duckdb)
    assert mkmine.read_sql("SELECT * FROM e", duckdb, case="c", activity="a", end="t").activities == ("A",)


ENDLESS = "WITH RECURSIVE t(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM t) SELECT max(x) c FROM t"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to one process")
def test_an_endless_query_on_sqlite_can_be_interrupted(sqlite: str) -> None:
    code = f"import mkmine; print('begun', flush=True); mkmine.read_sql({ENDLESS!r}, {sqlite!r})"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            assert process.stdout.readline().strip() == b"begun"
            time.sleep(0.7)
            process.send_signal(signal.SIGINT)
            assert process.wait(10) != 0
            assert b"KeyboardInterrupt" in process.stderr.read()
        finally:
            process.kill()


@pytest.mark.parametrize("value", ["zeroblob(1000000000)", "hex(zeroblob(200000000))"])
def test_huge_values_of_sqlite_are_refused(sqlite: str, value: str) -> None:
    begun = time.perf_counter()
    with pytest.raises(DataError, match="too big"):
        mkmine.read_sql(f"SELECT {value} AS c, 'A' AS a, '2025-01-01' AS t", sqlite)
    assert time.perf_counter() - begun < 5

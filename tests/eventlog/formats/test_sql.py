"""Databases: a real PostgreSQL server, SQLite and DuckDB; nothing is changed, and no password is told."""

from __future__ import annotations

import sqlite3
import traceback
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkmine.errors import DataError, MissingExtraError, UnknownNameError
from mkmine.eventlog import EventLog
from mkmine.eventlog.formats.sql import read_sql, redacted

ROWS = [
    ("1", "Заявка", "2025-03-05 10:00:00+03:00", "Анна", 1.5),
    ("1", "Оплата", "2025-03-05 11:00:00.123456+03:00", None, 2.5),
    ("2", "Заявка", "2025-03-05 12:00:00+03:00", "Боб", None),
]
QUERY = "SELECT case_id, activity, moment, performer, amount FROM events ORDER BY id"
MOMENTS = [1741158000_000000, 1741161600_123456, 1741165200_000000]


def check(log: EventLog) -> None:
    assert log.case_ids.tolist() == ["1", "2"]
    assert log.to_pandas()["activity"].tolist() == ["Заявка", "Оплата", "Заявка"]
    assert log.end.tolist() == MOMENTS
    assert log.resources == ("Анна", "Боб")
    assert log.attributes["amount"].tolist()[:2] == [1.5, 2.5]


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    path = tmp_path / "лог file.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, case_id, activity, moment, performer, amount)")
        database.executemany(
            "INSERT INTO events (case_id, activity, moment, performer, amount) VALUES (?, ?, ?, ?, ?)", ROWS
        )
    database.close()
    return f"sqlite:///{path}"


@pytest.fixture
def duckdb_url(tmp_path: Path) -> str:
    duckdb = pytest.importorskip("duckdb")
    path = tmp_path / "log.duckdb"
    with duckdb.connect(str(path)) as database:
        database.execute(
            "CREATE TABLE events (id INTEGER, case_id VARCHAR, activity VARCHAR, moment TIMESTAMPTZ, "
            "performer VARCHAR, amount DECIMAL(9, 2))"
        )
        for number, row in enumerate(ROWS):
            database.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)", (number, *row))
    return f"duckdb:///{path}"


@pytest.fixture(scope="module")
def server(postgresql: Any) -> Any:
    values = ", ".join(
        f"({number}, '{case}', '{activity}', '{moment}', {who}, {amount})"
        for number, (case, activity, moment, name, money) in enumerate(ROWS)
        for who, amount in [(f"'{name}'" if name else "NULL", money or "NULL")]
    )
    postgresql.run(
        "CREATE SEQUENCE s",
        "CREATE TYPE step AS ENUM ('Заявка', 'Оплата')",
        "CREATE TABLE events (id int, case_id text, activity step, moment timestamptz, performer text, amount numeric)",
        f"INSERT INTO events VALUES {values}",
    )
    return postgresql


# -- one log from each ---------------------------------------------------------------------------------------------


def test_sqlite_is_read(sqlite_url: str) -> None:
    log = read_sql(QUERY, sqlite_url)
    check(log)
    assert log.name == "лог file"
    assert log.history[0].action == "read"
    assert log.history[0].touched == 3
    assert QUERY in log.history[0].detail


def test_duckdb_is_read(duckdb_url: str) -> None:
    check(read_sql(QUERY, duckdb_url))


def test_duckdb_in_memory_reads_files(tmp_path: Path) -> None:
    pytest.importorskip("duckdb")
    path = tmp_path / "log.csv"
    path.write_text("case,activity,end\n1,A,2025-03-05 10:00\n1,B,2025-03-05 11:00\n", encoding="utf-8")
    assert read_sql(f"FROM '{path}'", "duckdb://", case="case", activity="activity", end="end").activities == ("A", "B")


def test_postgresql_is_read(server: Any) -> None:
    log = read_sql(QUERY, server.url, name="orders")
    check(log)
    assert log.name == "orders"
    check(read_sql(QUERY + " -- to the end", server.url.replace("postgresql", "postgres", 1)))
    check(read_sql(QUERY + ";\n", server.url))
    check(read_sql("/* a */ -- b\n (" + QUERY + ")", server.url.replace("postgresql", "postgresql+psycopg", 1)))


def test_types_of_postgresql_are_read_or_told(server: Any) -> None:
    columns = (
        "'7d444840-9dc0-11d1-b245-5ffdce74fad2'::uuid u, '{\"a\": 1}'::jsonb j, 12345678901234567890.5::numeric n, "
        "true b, 7::smallint i, '2025-01-01'::date d, 'ab'::char(4) c"
    )
    log = read_sql(f"SELECT case_id, activity, moment, {columns} FROM events", server.url, case="case_id", end="moment")
    one = {name: values[0] for name, values in log.attributes.items()}
    assert one["u"] == "7d444840-9dc0-11d1-b245-5ffdce74fad2"
    assert one["j"] == '{"a": 1}'
    assert one["n"] == pytest.approx(1.23456789e19)
    assert one["i"] == 7
    with pytest.raises(DataError, match=r'column "ip" of the query is of the type inet.*write ip::text'):
        read_sql("SELECT '127.0.0.1'::inet ip", server.url)


def test_many_rows_come_in_batches(server: Any, sqlite_url: str, duckdb_url: str) -> None:
    each = (
        "SELECT '' || ({case}) AS case_id, 'step ' || (n % 7) AS activity, {moment} AS moment, '' || n AS note FROM {n}"
    )
    moment = "'2025-03-05'::timestamptz + n * interval '1 minute'"
    query = each.format(case="n / 10", moment=moment, n="generate_series(0, 119999) AS g(n)")
    first = read_sql(query, server.url, case="case_id", activity="activity", end="moment")
    second = read_sql(
        query.replace("n / 10", "n // 10"),
        duckdb_url,
        case="case_id",
        activity="activity",
        end="moment",
        time_zone="UTC",
    )
    series = "(WITH RECURSIVE g(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM g WHERE n < 119999) SELECT n FROM g)"
    query = each.format(
        case="n / 10", moment="strftime('%Y-%m-%d %H:%M:%S', '2025-03-05', n || ' minutes') || '+00:00'", n=series
    )
    third = read_sql(query, sqlite_url, case="case_id", activity="activity", end="moment", time_zone="UTC")
    assert len(first) == 120_000
    assert first.end.tolist() == second.end.tolist() == third.end.tolist()
    assert first.activities == second.activities == third.activities


# -- only reading --------------------------------------------------------------------------------------------------

CHANGES = [
    "DELETE FROM events",
    "DROP TABLE events",
    "WITH x AS (DELETE FROM events RETURNING id) SELECT * FROM x",
    "SELECT 1; DROP TABLE events",
    "/* SELECT */ DELETE FROM events",
    "-- SELECT\nUPDATE events SET performer = NULL",
    "EXPLAIN ANALYZE DELETE FROM events",
    "CREATE TABLE copied AS SELECT * FROM events",
    "SET default_transaction_read_only = off",
    "",
]
IN_SQLITE = [
    "ATTACH 'x.db' AS x",
    "PRAGMA query_only = OFF",
    "SELECT load_extension('x')",
    "VACUUM",
    "SELECT writefile('x', 'y')",
]
IN_DUCKDB = ["COPY events TO 'x.csv'", "ATTACH 'x.db'", "INSTALL httpfs", "SELECT 1; COPY events TO 'x.csv'"]
IN_POSTGRESQL = [
    "COPY events TO PROGRAM 'cat > /tmp/x'",
    "SELECT set_config('transaction_read_only', 'off', false), setval('s', 1)",
    "SELECT * INTO copied FROM events",
    "SELECT nextval('s')",
    "DO $$ BEGIN DELETE FROM events; END $$",
    "SELECT pg_terminate_backend(1) FROM absent",
    "SELECT 1) TO STDOUT; DELETE FROM events; --",
]


@pytest.mark.parametrize("query", [*CHANGES, *IN_SQLITE])
def test_sqlite_is_not_changed(sqlite_url: str, query: str) -> None:
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    before = path.read_bytes()
    with pytest.raises(DataError):
        read_sql(query, sqlite_url)
    assert path.read_bytes() == before
    assert [one.name for one in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("query", [*CHANGES, *IN_DUCKDB])
def test_duckdb_is_not_changed(duckdb_url: str, query: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError):
        read_sql(query, duckdb_url)
    check(read_sql(QUERY, duckdb_url))
    assert not (tmp_path / "x.csv").exists()


@pytest.mark.parametrize("query", [*CHANGES, *IN_POSTGRESQL])
def test_postgresql_is_not_changed(server: Any, query: str) -> None:
    with pytest.raises(DataError):
        read_sql(query, server.url)
    check(read_sql(QUERY, server.url))


# -- what is told --------------------------------------------------------------------------------------------------


def told(url: str, query: str = "SELECT 1") -> str:
    """Return the message of an error and its traceback."""
    with pytest.raises(DataError) as caught:
        read_sql(query, url)
    return str(caught.value) + "".join(traceback.format_exception(caught.value))


def test_no_password_is_told(server: Any) -> None:
    from urllib.parse import unquote

    secret = server.url.split(":")[2].split("@")[0]
    wrong = server.url.replace(secret, "hunter2")
    assert "password authentication failed" in told(wrong)
    assert "hunter2" not in told(wrong)
    log = read_sql(QUERY, server.url)
    everything = told(server.url, "SELECT absent") + "".join(map(str, log.history)) + str(log.describe())
    assert secret not in everything
    assert unquote(secret) not in everything
    assert "analyst:***@127.0.0.1" in everything


def test_a_damaged_password_is_not_told() -> None:
    pytest.importorskip("adbc_driver_postgresql")
    assert "sec%zzret" not in told("postgresql://u:sec%zzret@127.0.0.1:1/x")
    assert "hunter2" not in told("postgresql://127.0.0.1:1/x?user=u&password=hunter2&nonsense=hunter2")


@given(
    st.text(
        st.characters(codec="ascii", exclude_categories=["Cc"], exclude_characters="@/?#:[]\\ "), min_size=3
    ).filter(lambda one: one not in "postgresql://analyst:***@host:5432/base")
)
def test_a_password_is_redacted(password: str) -> None:
    shown = redacted(f"postgresql://analyst:{password}@host:5432/base?password={password}")
    assert shown == "postgresql://analyst:***@host:5432/base"


def test_what_cannot_be_read_is_told(sqlite_url: str, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match='unknown database "mysql"'):
        read_sql("SELECT 1", "mysql://root@host/x")
    with pytest.raises(DataError, match=r"there is no file .*absent\.db"):
        read_sql("SELECT 1", f"sqlite:///{tmp_path}/absent.db")
    with pytest.raises(DataError, match="returned no row"):
        read_sql("SELECT * FROM events WHERE id < 0", sqlite_url)
    with pytest.raises(DataError, match="no such table: absent"):
        read_sql("SELECT * FROM absent", sqlite_url)
    (tmp_path / "text.db").write_text("not a database, but a text that is long enough to look like one" * 9)
    with pytest.raises(DataError, match="is not a database of SQLite"):
        read_sql("SELECT 1", f"sqlite:///{tmp_path}/text.db")
    with pytest.raises(DataError, match="is not one"):
        read_sql("SELECT 1", "postgresql://[bad")


def test_mixed_values_of_sqlite_become_text(sqlite_url: str) -> None:
    note = "CASE id WHEN 1 THEN 7 WHEN 2 THEN 'seven' ELSE x'ff41' END"
    log = read_sql(f"SELECT case_id, activity, moment, {note} AS note FROM events ORDER BY id", sqlite_url)
    assert log.attributes["note"].tolist() == ["7", "seven", "\ufffdA"]


@pytest.mark.parametrize(
    ("url", "package", "extra"), [("postgresql://u@h/d", "adbc", "sql"), ("duckdb://", "duckdb", "big")]
)
def test_a_missing_package_is_told(monkeypatch: pytest.MonkeyPatch, url: str, package: str, extra: str) -> None:
    import sys

    for name in ("adbc_driver_manager", "adbc_driver_postgresql", "duckdb"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtraError, match=rf'needs the package "{package}.*mkmine\[{extra}\]'):
        read_sql("SELECT 1", url)

"""Event logs from databases: the rows of one query on PostgreSQL, SQLite or DuckDB.

PostgreSQL is read through ADBC (extra `sql`), which streams the binary COPY format into Arrow without a Python object
per value; DuckDB (extra `big`) hands over Arrow itself; SQLite comes with Python. A query can only read: it is a
single SELECT, and runs in a transaction (PostgreSQL) or a connection (SQLite, DuckDB) that is read-only. Passwords are
kept out of messages and of the log's history.
"""

from __future__ import annotations

import re
import sqlite3
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

import pyarrow as pa
import pyarrow.compute as pc

from mkmine.errors import DataError, MissingExtraError, UnknownNameError
from mkmine.eventlog.formats.read import read
from mkmine.eventlog.formats.sqlite import connected, is_sqlite
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.provenance import Step

__all__ = ["read_sql", "redacted"]

SYSTEMS = ("postgresql", "sqlite", "duckdb")
READING = re.compile(r"\(*\s*(?:select|with|values|table|from)\b", re.IGNORECASE)
COMMENT = re.compile(r"\s+|--[^\n]*(?:\n|$)|/\*.*?\*/", re.DOTALL)
# What is not of these forms is refused as a whole: nobody knows which part of it is the password. Of a server a user, a
# password, hosts with ports and one database; signs that have a meaning in a URL are written as %40 and the like.
_HOST = r"(?:[\w.%-]*|\[[0-9A-Fa-f:.]+\])(?::\d*)?"
_USER = r"[^\s:@/?#\[\]]*(?::[^\s@/?#\[\]]*)?@"
SERVER = rf"[a-z][a-z0-9+.-]*://(?:{_USER})?{_HOST}(?:,{_HOST})*(?:/[^\s:@/?#]*)?(?:\?[^\s@#]*)?"
FILE = r"(?:sqlite|duckdb)(?:\+\w+)?:///[^?#]*(?:\?[^#]*)?"
WELL_FORMED = re.compile(f"{SERVER}|{FILE}", re.IGNORECASE)
ROWS = 50_000
TOLD = 200


def read_sql(query: str, url: str, *, name: str | None = None, **settings: Any) -> EventLog:
    """Read the rows of a query as an event log.

    Parameters
    ----------
    query
        A single SELECT (or WITH, VALUES, TABLE), one row per event or activity instance.
    url
        `postgresql://user:password@host:5432/database`, `sqlite:///path.db` or `duckdb:///path.duckdb`; after the third
        slash a path is relative, with a fourth it is absolute. `duckdb://` alone queries files; a query on a file of
        DuckDB reads that file only.
    name
        The log's name; by default that of the database.
    settings
        See `mkmine.eventlog.formats.read.read`: `case`, `activity`, `start`, `end`, `mapping`, `time_zone`, ...

    Raises `DataError` if the database cannot be reached, the query fails, would change something or returns no row,
    `UnknownNameError` if the kind of database is not known, and `MissingExtraError` if its package is not installed.
    """
    system = _parts(url).scheme.partition("+")[0]
    readers = {"postgresql": _postgresql, "postgres": _postgresql, "sqlite": _sqlite, "duckdb": _duckdb}
    if system not in readers:
        raise UnknownNameError.of(kind="database", name=system, known=SYSTEMS)
    statement = query.strip().rstrip(";").rstrip()
    if not READING.match(_uncommented(statement)):
        raise DataError(
            f'"{_short(statement)}" does not begin with SELECT, WITH, VALUES or TABLE; pass a query that only reads'
        )
    table = readers[system](statement, url)
    if not table.num_rows:
        raise DataError(f"the query on {redacted(url)} returned no row; check its conditions")
    log = read(table, name=name or _database(url), **settings)
    step = Step("read", f"query on {redacted(url)}: {_short(statement)}", table.num_rows)
    return replace(log, history=(step, *log.history[1:]))


def _parts(url: str) -> SplitResult:
    """Return the parts of a URL. Raises `DataError`, which shows nothing of it, if it is not well formed."""
    if not isinstance(url, str) or not WELL_FORMED.fullmatch(url):
        raise DataError(
            "the URL of the database is not one (it is not shown, for its password); write it like "
            "postgresql://user:password@host:5432/database or sqlite:///path.db, and within the user, the password and "
            "the database %40 for @, %3A for :, %2F for /, %3F for ?, %23 for #, %20 for a space"
        )
    return urlsplit(url)


def redacted(url: str) -> str:
    """Return a URL without its password and its options. Raises `DataError` if it is not well formed."""
    parts = _parts(url)
    user, _, host = parts.netloc.rpartition("@")
    shown = f"{user.partition(':')[0]}:***@" if ":" in user else f"{user}@" if user else ""
    return f"{parts.scheme}://{shown}{host}{parts.path}"


def _failed(error: BaseException, url: str) -> DataError:
    """Return the error to raise, with every form of the password taken out of what the database says."""
    text = " ".join(str(error).split())
    secrets = set(re.findall(r"(?:password|secret|token)=([^&\s]+)", url, re.IGNORECASE))
    user = _parts(url).netloc.rpartition("@")[0]
    secrets.add(user.partition(":")[2])
    for secret in sorted({form for one in secrets for form in (one, unquote(one))}, key=len, reverse=True):
        if secret:
            text = text.replace(secret, "***")
    return DataError(f"the database {redacted(url)} says: {text[:500]}")


def _uncommented(statement: str) -> str:
    at = 0
    while (found := COMMENT.match(statement, at)) is not None:
        at = found.end()
    return statement[at:]


def _short(statement: str) -> str:
    plain = " ".join(statement.split())
    return plain if len(plain) <= TOLD else f"{plain[:TOLD]}..."


def _database(url: str) -> str:
    return Path(unquote(urlsplit(url).path)).name.split(".")[0] or "log"


def _path(url: str) -> Path:
    """Return the path of a database that is a file."""
    path = unquote(urlsplit(url).path)[1:]
    source = Path(path)
    if not path or not source.is_file():
        raise DataError(
            f'there is no file "{source}" (of {redacted(url)}); check the path (it is taken from {Path.cwd()})'
        )
    return source


# -- the databases -------------------------------------------------------------------------------------------------


def _postgresql(query: str, url: str) -> pa.Table:
    try:
        from adbc_driver_manager import Error
        from adbc_driver_postgresql import dbapi  # type: ignore[import-untyped]
    except ImportError:
        raise MissingExtraError.of(
            package="adbc-driver-postgresql", extra="sql", purpose="reading from PostgreSQL"
        ) from None
    address = f"postgresql://{url.partition('://')[2]}"
    try:
        with dbapi.connect(address) as connection, connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
            # The line end closes a comment at the end of the query, which is put into brackets.
            cursor.execute(f"{query}\n")
            with cursor.fetch_record_batch() as reader:
                return _gathered(reader, reader.schema)
    except (Error, pa.ArrowException) as error:
        raise _failed(error, url) from None


def _sqlite(query: str, url: str) -> pa.Table:
    path = _path(url)
    if not is_sqlite(path):
        raise DataError(f'"{path.name}" is not a database of SQLite; check the path')
    allowed = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
    try:
        with connected(path) as database:
            database.set_authorizer(lambda what, *_: sqlite3.SQLITE_OK if what in allowed else sqlite3.SQLITE_DENY)
            cursor = database.execute(query)
            names = [column[0] for column in cursor.description]
            return _table(names, iter(lambda: cursor.fetchmany(ROWS), []))
    except (sqlite3.Error, sqlite3.Warning) as error:
        raise _failed(error, url) from None


def _duckdb(query: str, url: str) -> pa.Table:
    try:
        import duckdb
    except ImportError:
        raise MissingExtraError.of(package="duckdb", extra="big", purpose="reading from DuckDB") from None
    in_memory = urlsplit(url).path in ("", "/", "/:memory:")
    path = ":memory:" if in_memory else str(_path(url))
    quiet: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        # A view in a file that somebody sent would read the files of whoever opens it.
        "enable_external_access": str(in_memory).lower(),
    }
    try:
        with duckdb.connect(path, read_only=not in_memory, config=quiet) as connection:
            statements = connection.extract_statements(query)
            if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                raise DataError(f'"{_short(query)}" is not a single SELECT; pass one query that only reads')
            table = connection.sql(query).to_arrow_table()
            return _gathered(table.to_batches(max_chunksize=ROWS), table.schema)
    except duckdb.Error as error:
        raise _failed(error, url) from None


# -- to Arrow ------------------------------------------------------------------------------------------------------


def _gathered(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> pa.Table:
    """Return batches as one table; texts that repeat are encoded batch by batch, so that they fit into memory."""
    columns: list[list[pa.Array]] = [[] for _ in schema]
    encoded = [True] * len(schema)
    for batch in batches:
        for at, field in enumerate(schema):
            values = _plain(batch.column(at), field.name)
            text = pa.types.is_string(values.type) or pa.types.is_large_string(values.type)
            columns[at].append(values.dictionary_encode() if text and encoded[at] else values)
            if text and encoded[at] and 2 * len(columns[at][-1].dictionary) > len(values):
                encoded[at] = False
    chunked = [_chunked(parts, field.type) for parts, field in zip(columns, schema, strict=True)]
    return pa.table(chunked, names=schema.names)


def _chunked(parts: list[pa.Array], kind: pa.DataType) -> pa.ChunkedArray:
    kinds = {part.type for part in parts}
    if len(kinds) > 1:
        parts = [part.cast(pa.large_string()) for part in parts]
    if not parts:
        return pa.chunked_array([], kind if not isinstance(kind, pa.BaseExtensionType) else kind.storage_type)
    return pa.chunked_array(parts)


def _plain(values: pa.Array, name: str) -> pa.Array:
    """Return a column of a type that only PostgreSQL has as numbers or text."""
    kind = values.type
    if not isinstance(kind, pa.BaseExtensionType):
        return values
    stored = values.storage
    if kind.extension_name == "arrow.uuid":
        return pa.array([None if one is None else str(uuid.UUID(bytes=one)) for one in stored.to_pylist()], pa.string())
    if pa.types.is_string(stored.type) or pa.types.is_large_string(stored.type):
        try:
            # A numeric of any precision comes as text.
            return stored.cast(pa.float64()) if getattr(kind, "type_name", "") == "numeric" else stored
        except pa.ArrowInvalid:
            return stored
    told = getattr(kind, "type_name", kind.extension_name)
    raise DataError(f'column "{name}" of the query is of the type {told}, which is not read; write {name}::text')


def _table(names: list[str], parts: Iterator[list[tuple[Any, ...]]]) -> pa.Table:
    """Return rows of a database whose columns have no fixed types."""
    columns: list[list[pa.Array]] = [[] for _ in names]
    for rows in parts:
        for at, values in enumerate(zip(*rows, strict=True)):
            columns[at].append(_array(list(values)))
    return pa.table([_joined(parts) for parts in columns], names=names)


def _array(values: list[Any]) -> pa.Array:
    try:
        array = pa.array(values)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        array = pa.array([None if one is None else _text(one) for one in values])
    return array.dictionary_encode() if pa.types.is_string(array.type) else array


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _joined(parts: list[pa.Array]) -> pa.ChunkedArray:
    """Return parts as one column: of one type, of numbers, or of texts."""
    known = [part for part in parts if not pa.types.is_null(part.type)]
    kinds = {part.type for part in known}
    if len(kinds) == 1:
        return pa.chunked_array([part.cast(known[0].type) for part in parts])
    whole = kinds <= {pa.int64(), pa.float64()} and bool(kinds)
    if whole:
        return pa.chunked_array([part.cast(pa.float64(), safe=False) for part in parts])
    return pa.chunked_array([_as_text(part) for part in parts], pa.large_string())


def _as_text(part: pa.Array) -> pa.Array:
    if pa.types.is_binary(part.type):
        return pa.array([None if one is None else _text(one) for one in part.to_pylist()], pa.large_string())
    return pc.cast(part, pa.large_string())

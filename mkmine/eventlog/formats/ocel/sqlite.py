"""OCEL 2.0 SQLite, read: the file is opened for reading only, and nothing in it is run but plain tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mkmine.errors import DataError
from mkmine.eventlog.formats.ocel.objects import Gathered, Objects, typed
from mkmine.eventlog.formats.sqlite import connected

__all__ = ["from_sqlite", "is_ocel_sqlite"]

NEEDED = {
    "event": ("ocel_id", "ocel_type"),
    "object": ("ocel_id", "ocel_type"),
    "event_map_type": ("ocel_type", "ocel_type_map"),
    "object_map_type": ("ocel_type", "ocel_type_map"),
    "event_object": ("ocel_event_id", "ocel_object_id"),
}
KINDS = {"INTEGER": "integer", "INT": "integer", "REAL": "float", "FLOAT": "float", "BOOLEAN": "boolean"}


def is_ocel_sqlite(path: Path) -> bool:
    """Return whether a database has the tables of OCEL 2.0."""
    try:
        with connected(path) as database:
            return set(NEEDED) <= set(_tables(database))
    except sqlite3.Error:
        return False


def from_sqlite(path: Path) -> Objects:
    """Read the events and objects of a file.

    Raises `DataError` if it is damaged, or is not OCEL 2.0.
    """
    try:
        with connected(path) as database:
            return _Reader(path.name, database).objects()
    except sqlite3.Error as error:
        raise DataError(f'"{path.name}" cannot be read as SQLite: {error}; export it again') from None


def _tables(database: sqlite3.Connection) -> dict[str, str]:
    """Return the plain tables and their definitions; views and virtual tables would run code."""
    found = database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall()
    return {name: sql for name, sql in found if sql and not sql.lstrip().upper().startswith("CREATE VIRTUAL")}


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


class _Reader:
    """The tables of a database; every name from the file is checked against them, and quoted."""

    def __init__(self, name: str, database: sqlite3.Connection) -> None:
        self.name, self.database, self.tables = name, database, _tables(database)
        for table, columns in NEEDED.items():
            if table not in self.tables or not set(columns) <= set(self.columns(table)):
                raise DataError(
                    f'"{name}" is SQLite but not OCEL 2.0: it has no table "{table}" ({", ".join(columns)})'
                )

    def columns(self, table: str) -> dict[str, str]:
        """Return the columns of a table and their declared types."""
        rows = self.database.execute(f"PRAGMA table_info({_quoted(table)})").fetchall()
        return {row[1]: str(row[2]).upper() for row in rows}

    def rows(self, table: str, columns: tuple[str, ...]) -> Iterator[tuple[Any, ...]]:
        chosen = ", ".join(map(_quoted, columns))
        yield from self.database.execute(f"SELECT {chosen} FROM {_quoted(table)}")

    def maps(self, what: str) -> dict[str, str]:
        """Return the table of each type of event or object."""
        found = {}
        for kind, suffix in self.rows(f"{what}_map_type", ("ocel_type", "ocel_type_map")):
            table = f"{what}_{suffix}"
            if table not in self.tables or "ocel_id" not in self.columns(table):
                raise DataError(f'"{self.name}" is not OCEL 2.0: its {what} type "{kind}" has no table "{table}"')
            found[str(kind)] = table
        return found

    def attributes(self, what: str, numbers: dict[str, int]) -> tuple[Gathered, dict[str, str], dict[int, Any]]:
        """Return the attributes of events or objects, their kinds, and the time of each row that has one."""
        gathered, kinds, times = Gathered(self.name), dict[str, str](), dict[int, Any]()
        for table in self.maps(what).values():
            columns = self.columns(table)
            own = [one for one in columns if not one.startswith("ocel_")]
            for name in own:
                kind = KINDS.get(columns[name], "string")
                kinds[name] = kind if kinds.get(name, kind) == kind else "string"
            fixed = [one for one in ("ocel_id", "ocel_time", "ocel_changed_field") if one in columns]
            for row in self.rows(table, (*fixed, *own)):
                told = dict(zip((*fixed, *own), row, strict=True))
                number = numbers.get(str(told["ocel_id"]))
                if number is None:
                    continue
                times[number] = told.get("ocel_time")
                changed = told.get("ocel_changed_field")
                for name in own if changed is None else [changed] if changed in own else []:
                    if told[name] is not None:
                        gathered.add(name, number, told[name], str(told.get("ocel_time") or ""))
        return gathered, kinds, times

    def objects(self) -> Objects:
        events, activities = self.numbered("event")
        objects, types = self.numbered("object")
        of_events, event_kinds, times = self.attributes("event", events)
        of_objects, object_kinds, _ = self.attributes("object", objects)
        link_event, link_object, dangling = [], [], 0
        for event, one in self.rows("event_object", ("ocel_event_id", "ocel_object_id")):
            ends = events.get(str(event)), objects.get(str(one))
            if ends[0] is None or ends[1] is None:
                dangling += 1
                continue
            link_event.append(ends[0])
            link_object.append(ends[1])
        return Objects(
            activities=activities,
            times=typed((times.get(row) for row in range(len(activities))), "time"),
            event_attributes=of_events.arrays(len(activities), event_kinds),
            ids=list(objects),
            types=types,
            object_attributes=of_objects.arrays(len(types), object_kinds),
            link_event=np.array(link_event, dtype=np.int64),
            link_object=np.array(link_object, dtype=np.int64),
            changed=of_objects.changed,
            dangling=dangling,
        )

    def numbered(self, what: str) -> tuple[dict[str, int], list[str]]:
        """Return the number of each id, and the types in this order."""
        numbers: dict[str, int] = {}
        types: list[str] = []
        for one, kind in self.rows(what, ("ocel_id", "ocel_type")):
            if numbers.setdefault(str(one), len(numbers)) == len(types):
                types.append(str(kind))
        return numbers, types

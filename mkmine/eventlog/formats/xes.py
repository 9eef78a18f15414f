"""XES and XES.gz: streamed, with every document type declaration refused.

Source: IEEE Std 1849-2016. The attributes of traces and events become columns; nested attributes, containers and lists
are passed over (and counted). The parser is expat itself; what makes XML dangerous (document types, and with them
entities) is refused as the package `defusedxml` does, whose own iterparse works in pure Python, seven times slower.
"""

from __future__ import annotations

from array import array
from pathlib import Path
from typing import Any
from xml.parsers import expat

import numpy as np
import pandas as pd

from mkmine.errors import DataError
from mkmine.eventlog.formats.tabular import GIB, Table, open_limited

__all__ = ["read_xes"]

VALUES = frozenset({"string", "date", "int", "float", "boolean", "id"})
CASE = "case:concept:name"
CHUNK = 1 << 20
# Every attribute becomes a column over all events; a file in which each event has its own would fill the memory.
MANY_CELLS, SPARSE = 20_000_000, 50


def read_xes(path: str | Path, *, size_limit: int = 32 * GIB) -> Table:
    """Read the events of a XES file (packed or not) as a frame; trace attributes become columns `case:<key>`.

    Raises `DataError` if the file is absent, is not whole, declares a document type, or holds no event.
    """
    source = Path(path)
    if not source.is_file():
        raise DataError(f'there is no file "{source}"; check the path (it is taken from {Path.cwd()})')
    events = _Events(source.name)
    with open_limited(source, size_limit) as stream:
        events.parse(stream)
    return events.table()


class _Column:
    """The values of one key and the numbers of the events (or traces) that have it."""

    __slots__ = ("kind", "rows", "values")

    def __init__(self, kind: str) -> None:
        self.kind, self.values, self.rows = kind, list[str](), array("q")

    def full(self, n: int) -> pd.Series:
        """Return the column over all `n` rows, converted by its kind."""
        values = np.full(n, None, dtype=object)
        values[np.frombuffer(self.rows, dtype=np.int64)] = np.array(self.values, dtype=object)
        series = pd.Series(values, dtype=object)
        if self.kind in ("int", "float"):
            numbers = pd.to_numeric(series, errors="coerce")
            return series if numbers.isna().sum() > series.isna().sum() else numbers
        if self.kind == "boolean":
            return series.map({"true": True, "false": False, "1": True, "0": False})
        return series


class _Events:
    """The state of the parser: where it is, and the columns gathered so far."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.depth = self.trace_depth = self.event_depth = 0
        self.traces = self.events = self.nested = 0
        # Where the attributes of depth `inside` go: the columns of the event or trace at hand, in its row.
        self.inside = self.row = 0
        self.columns: dict[str, _Column] = {}
        self.case_columns: dict[str, _Column] = {}
        self.into = self.columns
        self.trace_of = array("q")
        # One object per distinct text: a log repeats few texts many times.
        self.texts: dict[str, str] = {}
        self.log_seen = False

    def parse(self, stream: Any) -> None:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self.open
        parser.EndElementHandler = self.close
        parser.StartDoctypeDeclHandler = self.refuse
        parser.EntityDeclHandler = self.refuse
        try:
            while piece := stream.read(CHUNK):
                parser.Parse(piece, False)
            parser.Parse(b"", True)
        except expat.ExpatError as error:
            raise DataError(
                f'"{self.name}" is not well-formed XML (line {error.lineno}, column {error.offset}: '
                f"{expat.ErrorString(error.code)}); export the log again"
            ) from None

    def refuse(self, *_: object) -> None:
        raise DataError(
            f'"{self.name}" declares a document type or an entity, which XES has no use for and attacks have; remove '
            f"the declaration"
        )

    def open(self, tag: str, attributes: dict[str, str]) -> None:
        depth = self.depth = self.depth + 1
        if tag in VALUES:
            if depth == self.inside:
                self.keep(tag, attributes)
            elif self.event_depth:
                self.nested += 1
        elif tag == "event":
            if self.event_depth or not self.trace_depth:
                return
            self.event_depth = depth
            self.inside, self.row, self.into = depth + 1, self.events, self.columns
            self.events += 1
            self.trace_of.append(self.traces - 1)
        elif tag == "trace":
            self.trace_depth = depth
            self.inside, self.row, self.into = depth + 1, self.traces, self.case_columns
            self.traces += 1
        elif tag == "log":
            self.log_seen = True

    def close(self, tag: str) -> None:
        if tag == "event" and self.depth == self.event_depth:
            self.event_depth = 0
            self.inside, self.row, self.into = self.trace_depth + 1, self.traces - 1, self.case_columns
        elif tag == "trace" and self.depth == self.trace_depth:
            self.trace_depth = self.inside = 0
        self.depth -= 1

    def keep(self, kind: str, attributes: dict[str, str]) -> None:
        key, columns, row = attributes.get("key", ""), self.into, self.row
        column = columns.get(key)
        if column is None:
            if len(columns) >= 10_000:
                raise DataError(f'"{self.name}" has more than 10,000 different attributes; remove those not needed')
            column = columns[key] = _Column(kind)
        elif column.kind != kind:
            column.kind = "string"
        value = attributes.get("value", "")
        if column.rows and column.rows[-1] == row:
            column.values[-1] = value
            return
        column.rows.append(row)
        column.values.append(self.texts.setdefault(value, value) if kind == "string" else value)

    def table(self) -> Table:
        if not self.log_seen:
            raise DataError(f'"{self.name}" is XML but not XES: it has no <log> element')
        if not self.events:
            raise DataError(f'"{self.name}" holds no event in its {self.traces:,} traces; export the log again')
        self._check_spread()
        trace = np.frombuffer(self.trace_of, dtype=np.int64)
        data = {key: column.full(self.events) for key, column in self.columns.items()}
        for key, column in self.case_columns.items():
            whole = column.full(self.traces)
            name = CASE if key == "concept:name" else f"case:{key}"
            data[name] = whole.iloc[trace].reset_index(drop=True)
        notes = [f"{self.traces:,} traces"]
        names = data.get(CASE, pd.Series(np.full(self.events, None, dtype=object)))
        if names.isna().any():
            notes.append("traces without a name are called by their number")
            names = names.where(names.notna(), "trace " + pd.Series(trace + 1).astype(str))
        if (shared := self.traces - self._distinct(names, trace)) > 0:
            notes.append(f"{shared:,} traces have the name of another and are joined to it")
        data[CASE] = names
        if self.nested:
            notes.append(f"{self.nested:,} nested attributes passed over")
        frame = pd.DataFrame({CASE: data.pop(CASE), **data})
        return Table(frame=frame, rows=np.arange(1, self.events + 1), note=", ".join(notes))

    def _check_spread(self) -> None:
        columns = [*self.columns.values(), *self.case_columns.values()]
        cells, values = len(columns) * self.events, sum(len(column.values) for column in columns)
        if cells > MANY_CELLS and cells > SPARSE * values:
            raise DataError(
                f'"{self.name}" has {len(columns):,} different attributes, each in hardly any of its {self.events:,} '
                f"events; remove those not needed"
            )

    def _distinct(self, names: pd.Series, trace: np.ndarray[Any, np.dtype[np.int64]]) -> int:
        empty = self.traces - len(np.unique(trace))
        return int(names.nunique()) + empty

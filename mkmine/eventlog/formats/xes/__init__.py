"""XES and XES.gz: streamed, by a compiled scanner where it pays, with every document type declaration refused.

Source: IEEE Std 1849-2016. The attributes of traces and events become columns. Attributes of attributes, containers and
lists are passed over, as are events outside of traces; both are counted. The defaults of `<global>` elements are not
filled in: they are placeholders ("UNKNOWN", 1970) that declare what every event has, and an event without such a value
is better left without one. Classifiers and the log's own attributes are told, not applied.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa

from mkmine.errors import DataError
from mkmine.eventlog.formats.table import Table
from mkmine.eventlog.formats.tabular import GIB, open_limited
from mkmine.eventlog.formats.xes.document import Document
from mkmine.eventlog.formats.xes.parser import parse
from mkmine.eventlog.twins import compiled
from mkmine.files import checked_path

__all__ = ["read_xes"]

CASE = "case:concept:name"
# Loading numba and the scanner takes as long as expat needs for so many bytes; where it is loaded, they pay sooner.
PAYS_FROM, PAYS_LOADED = 15_000_000, 5_000_000
MOST_TOLD = 10


def read_xes(path: str | Path, *, size_limit: int = 32 * GIB) -> Table:
    """Read the events of a XES file (packed or not) as a table; trace attributes become columns `case:<key>`.

    Raises `DataError` if the file is absent, is not whole, declares a document type, or holds no event.
    """
    source = checked_path(path)
    if not source.is_file():
        raise DataError(f'there is no file "{source}"; check the path (it is taken from {Path.cwd()})')
    size = _unpacked(source)
    document = None
    if compiled(size, pays_from=PAYS_LOADED if "numba" in sys.modules else PAYS_FROM):
        document = _scanned(source, size_limit)
    if document is None:
        with open_limited(source, size_limit) as stream:
            document = parse(stream, source.name)
    document.check(source.name)
    columns, notes = _columns(document)
    return Table(columns=columns, note=", ".join([*notes, *_told(document)]))


def _unpacked(source: Path) -> int:
    """Return the size of a file; of a packed one, what it says of itself: how long it is when unpacked."""
    with source.open("rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
        size = stream.seek(0, 2)
        if not packed or size < 4:
            return size
        stream.seek(-4, 2)
        return max(size, int.from_bytes(stream.read(4), "little"))


def _scanned(source: Path, size_limit: int) -> Document | None:
    """Return the document as the scanner reads it; None if it needs the parser."""
    from mkmine.eventlog.formats.xes.scanner import NotScannedError, scan

    for dates in (True, False):
        try:
            with open_limited(source, size_limit) as stream:
                return scan(stream, dates=dates)
        except NotScannedError as unusual:
            if not unusual.dates:
                break
    return None


def _columns(document: Document) -> tuple[pa.Table, list[str]]:
    """Return the columns over all events, the case's name first, and what is to be said of them."""
    traces, trace_of = document.traces, document.trace_of
    notes = [f"{traces:,} traces"]
    named = document.case_columns.get("concept:name")
    names = np.full(traces, None, dtype=object)
    if named is not None and named.texts is not None:
        names = np.array([*named.texts.to_pylist(), None], dtype=object)[named.codes(traces)]
    elif named is not None:
        names = named.array(traces).cast(pa.string()).to_numpy(zero_copy_only=False)
    used = np.unique(trace_of)
    nameless = np.array([names[one] is None for one in used.tolist()], dtype=np.bool_)
    if nameless.any():
        notes.append("traces without a name are called by their number")
        names = names.copy()
        names[used[nameless]] = [f"trace {one + 1}" for one in used[nameless].tolist()]
    if shared := len(used) - len(set(names[used].tolist())):
        notes.append(f"{shared:,} traces have the name of another and are joined to it")
    columns = {CASE: pa.array(names, type=pa.large_string()).dictionary_encode().take(pa.array(trace_of))}
    columns |= {key: column.array(len(trace_of)) for key, column in document.columns.items() if key != CASE}
    for key, column in document.case_columns.items():
        if key != "concept:name":
            called = f"case:{key}" if f"case:{key}" not in columns else f"case:{key} (attribute)"
            columns[called] = column.array(traces).take(pa.array(trace_of))
    return pa.table(columns), notes


def _told(document: Document) -> list[str]:
    """Return what is passed over, and what the log says of itself."""
    notes = []
    if document.nested:
        notes.append(f"{document.nested:,} nested attributes passed over")
    if document.loose:
        notes.append(f"{document.loose:,} events outside of traces passed over")
    for what, facts in (("classifier", document.classifiers), ("log attribute", document.about)):
        told = [f'{what} "{key[:40]}": {value[:80]}' for key, value in facts.items()]
        more = [f"{len(told) - MOST_TOLD:,} more {what}s"] if len(told) > MOST_TOLD else []
        notes += [*told[:MOST_TOLD], *more]
    return notes

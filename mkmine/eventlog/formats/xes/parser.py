"""The reader of XES that knows all of XML: expat, with every document type declaration refused.

What makes XML dangerous (document types, and with them entities) is refused as the package `defusedxml` does, whose own
iterparse works in pure Python, seven times slower.
"""

from __future__ import annotations

from array import array
from io import RawIOBase
from typing import Any, NoReturn
from xml.parsers import expat

import numpy as np
import pyarrow as pa

from mkmine.errors import DataError
from mkmine.eventlog.formats.xes.document import MOST_KEYS, VALUES, Column, Document

__all__ = ["parse"]

CHUNK = 1 << 20
# More names than XES has come from prefixes; a document with ever new ones shall not fill the memory.
MOST_NAMES = 1000


def parse(stream: RawIOBase, name: str) -> Document:
    """Read a document from a stream of bytes; `name` stands in errors.

    Raises `DataError` if it is not well-formed, declares a document type, or is not XES.
    """
    events = _Events(name)
    parser = expat.ParserCreate()
    # A list of names and values in turn costs less than a dict, and most elements have just a key and a value.
    parser.ordered_attributes = True
    parser.StartElementHandler, parser.EndElementHandler = events.open, events.close
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = events.refuse
    try:
        while piece := stream.read(CHUNK):
            parser.Parse(piece, False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise DataError(
            f'"{name}" is not well-formed XML (line {error.lineno}, column {error.offset}: '
            f"{expat.ErrorString(error.code)}); export the log again"
        ) from None
    except DataError:
        raise
    except (LookupError, ValueError) as error:
        raise DataError(
            f'"{name}" declares an encoding that cannot be read in XML ({error}); export the log again as UTF-8'
        ) from None
    return events.document()


def _pair(attributes: list[str], key: str, value: str) -> tuple[str, str]:
    """Return two of the attributes by name, each empty if it is absent."""
    known = dict(zip(attributes[::2], attributes[1::2], strict=True))
    return known.get(key, ""), known.get(value, "")


class _Texts:
    """The values of one key: the rows that have one, and the codes of the texts."""

    __slots__ = ("codes", "kind", "rows", "texts")

    def __init__(self, kind: str) -> None:
        self.kind, self.texts = kind, dict[str, int]()
        self.rows, self.codes = array("q"), array("i")

    def column(self) -> Column:
        rows, codes = np.frombuffer(self.rows, dtype=np.int64), np.frombuffer(self.codes, dtype=np.int32)
        return Column(kind=self.kind, texts=pa.array(self.texts, type=pa.large_string()), pieces=[(rows, codes, None)])


class _Events:
    """The state of the parser: where it is, and the columns gathered so far."""

    __slots__ = (
        "about", "case_columns", "classifiers", "columns", "depth", "event", "in_event", "in_trace", "local", "loose",
        "name", "nested", "trace_of", "traces",
    )  # fmt: skip

    def __init__(self, name: str) -> None:
        self.name = name
        self.depth = self.traces = self.nested = self.loose = 0
        self.event = -1
        self.in_trace = self.in_event = False
        self.columns: dict[str, _Texts] = {}
        self.case_columns: dict[str, _Texts] = {}
        self.trace_of = array("i")
        self.about: dict[str, str] = {}
        self.classifiers: dict[str, str] = {}
        self.local = {one: one for one in (*VALUES, "event", "trace", "log", "classifier")}

    def refuse(self, *_: object) -> NoReturn:
        raise DataError(
            f'"{self.name}" declares a document type or an entity, which XES has no use for and attacks have; remove '
            f"the declaration"
        )

    def open(self, tag: str, attributes: list[str]) -> None:
        depth = self.depth = self.depth + 1
        kind = self.local.get(tag) or self.without_prefix(tag)
        if kind in VALUES:
            if depth == 4 and self.in_event:
                self.keep(self.columns, self.event, kind, attributes)
            elif depth == 3 and self.in_trace:
                self.keep(self.case_columns, self.traces - 1, kind, attributes)
            elif depth == 2:
                key, value = _pair(attributes, "key", "value")
                self.about[key] = value
            elif self.in_trace:
                self.nested += 1
        elif kind == "event":
            if depth == 3 and self.in_trace:
                self.in_event = True
                self.event += 1
                self.trace_of.append(self.traces - 1)
            elif depth == 2:
                self.loose += 1
        elif kind == "trace" and depth == 2:
            self.in_trace = True
            self.traces += 1
        elif kind == "classifier" and depth == 2:
            key, value = _pair(attributes, "name", "keys")
            self.classifiers[key] = value
        elif depth == 1 and kind != "log":
            raise DataError(f'"{self.name}" is XML but not XES: its root is <{tag[:80]}>, it has no <log> element')

    def without_prefix(self, tag: str) -> str:
        local = tag.rpartition(":")[2]
        if len(self.local) < MOST_NAMES:
            self.local[tag] = local
        return local

    def close(self, tag: str) -> None:
        depth = self.depth = self.depth - 1
        if depth == 2:
            self.in_event = False
        elif depth == 1:
            self.in_trace = False

    def keep(self, columns: dict[str, _Texts], row: int, kind: str, attributes: list[str]) -> None:
        if len(attributes) == 4 and attributes[0] == "key" and attributes[2] == "value":
            key, value = attributes[1], attributes[3]
        else:
            key, value = _pair(attributes, "key", "value")
        column = columns.get(key)
        if column is None:
            if len(columns) >= MOST_KEYS:
                raise DataError(
                    f'"{self.name}" has more than {MOST_KEYS:,} different attributes; remove those not needed'
                )
            column = columns[key] = _Texts(kind)
        elif column.kind != kind:
            column.kind = "string"
        texts = column.texts
        column.codes.append(texts.setdefault(value, len(texts)))
        column.rows.append(row)

    def document(self) -> Document:
        tables: Any = ({key: one.column() for key, one in each.items()} for each in (self.columns, self.case_columns))
        columns, case_columns = tables
        return Document(
            columns=columns,
            case_columns=case_columns,
            trace_of=np.frombuffer(self.trace_of, dtype=np.int32),
            traces=self.traces,
            nested=self.nested,
            loose=self.loose,
            about=self.about,
            classifiers=self.classifiers,
        )

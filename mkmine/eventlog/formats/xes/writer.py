"""XES written: IEEE Std 1849-2016 with its extensions Concept, Time, Lifecycle and Organizational.

An instance becomes the events `schedule` (where it is recorded when work could have begun), `start` (where starts are)
and `complete` (unless it is ongoing), which share a `concept:instance`; its attributes stand at the last of them. A log
of completions only becomes one event for each. Characters that XML cannot hold are replaced by � and counted.
"""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mkmine.eventlog.formats.mapping import Mapping
from mkmine.eventlog.formats.outgoing import (
    Replaced,
    array_of,
    case_columns,
    columns,
    filled,
    iso_texts,
    joined,
    named,
    spans,
    titles,
)
from mkmine.eventlog.log import EventLog

__all__ = ["write_xes"]

HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1849.2016" xes.features="" xmlns="http://www.xes-standard.org/">
\t<extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
\t<extension name="Time" prefix="time" uri="http://www.xes-standard.org/time.xesext"/>
\t<extension name="Lifecycle" prefix="lifecycle" uri="http://www.xes-standard.org/lifecycle.xesext"/>
\t<extension name="Organizational" prefix="org" uri="http://www.xes-standard.org/org.xesext"/>
\t<global scope="trace">
\t\t<string key="concept:name" value=""/>
\t</global>
\t<global scope="event">
\t\t<string key="concept:name" value=""/>
\t\t<string key="lifecycle:transition" value="complete"/>
\t\t<date key="time:timestamp" value="1970-01-01T00:00:00.000+00:00"/>
\t</global>
\t<classifier name="Activity" keys="concept:name"/>
"""
TRANSITIONS = ("schedule", "start", "complete")
TRANSITION, INSTANCE = "lifecycle:transition", "concept:instance"
ESCAPES = (
    ("&", "&amp;"),
    ("<", "&lt;"),
    (">", "&gt;"),
    ('"', "&quot;"),
    ("\t", "&#9;"),
    ("\n", "&#10;"),
    ("\r", "&#13;"),
)
SCHEDULE, START, COMPLETE = range(3)


def write_xes(log: EventLog, path: Path, *, packed: bool) -> tuple[Mapping, list[str]]:
    """Write a log; return the mapping by which it can be read again, and what did not fit.

    Raises `OSError` if the place cannot be written.
    """
    writer = _Writer(log)
    with path.open("wb") as file:
        sink = cast("IO[bytes]", gzip.GzipFile("", "wb", 6, file, 0) if packed else file)
        sink.write(writer.head())
        for first, last in spans(log.offsets):
            text = writer.traces(first, last)
            at = np.frombuffer(text.buffers()[1], dtype=np.int64)
            sink.write(memoryview(text.buffers()[2])[at[text.offset] : at[text.offset + len(text)]])
        sink.write(b"</log>\n")
        if packed:
            sink.close()
    return writer.mapping(), writer.notes()


class _Writer:
    """What holds for the whole log: which events an instance has, and which keys are taken."""

    def __init__(self, log: EventLog) -> None:
        self.log, self.replaced = log, Replaced()
        self.starts = log.timestamps != "completed" or bool(log.ongoing.any())
        self.several = self.starts or log.enabled is not None
        # A log of completions may have transitions of its own (sub-statuses), which are then left in their place.
        self.own = not self.several and TRANSITION in log.attributes
        used = {"concept:name", "time:timestamp", "org:resource", "org:role"} | ({INSTANCE} if self.several else set())
        used |= set() if self.own else {TRANSITION}
        own, traces = filled(log)
        self.attributes = titles(own, used | {f"case:{name}" for name in traces}, self.title)
        self.case_attributes = titles(traces, {"concept:name"}, self.title)

    @staticmethod
    def title(name: str) -> str:
        return str(Replaced().clean(pa.array([name], pa.large_string()))[0])

    def head(self) -> bytes:
        name = self.snippets("concept:name", pa.array([self.log.name], pa.large_string()))
        return f"{HEAD}\t{name[0].as_py()}\n".encode()

    def snippets(self, key: str, values: pa.Array) -> pa.Array:
        """Return the element of each value; nothing where it is missing."""
        kind = values.type
        if pa.types.is_dictionary(kind):
            return self.snippets(key, values.dictionary).take(values.indices)
        tag = "string"
        if pa.types.is_timestamp(kind):
            known = values.cast(pa.int64()).fill_null(0).to_numpy()
            texts = pc.if_else(values.is_valid(), iso_texts(known, self.log.time_zone), None)
            tag = "date"
        elif pa.types.is_floating(kind):
            tag, texts = "float", pc.if_else(pc.is_nan(values), None, values).cast(pa.large_string())
        else:
            tag = "int" if pa.types.is_integer(kind) else "boolean" if pa.types.is_boolean(kind) else "string"
            texts = values.cast(pa.large_string())
        begin = f'<{tag} key="{self.escaped(pa.array([key], pa.large_string()))[0].as_py()}" value="'
        whole = joined(begin, self.escaped(texts) if tag == "string" else texts, '"/>')
        return pc.if_else(texts.is_valid(), whole, "")

    def escaped(self, texts: pa.Array) -> pa.Array:
        texts = self.replaced.clean(texts)
        for mark, meant in ESCAPES:
            texts = pc.replace_substring(texts, mark, meant)
        return texts

    def traces(self, first: int, last: int) -> pa.Array:
        """Return the texts of the events of some cases, those of their traces around them."""
        log = self.log
        rows = slice(int(log.offsets[first]), int(log.offsets[last]))
        row, kind, moment = self.events(rows)
        case = log.case_of[rows][row]
        order = np.lexsort((kind, row, moment, case))
        row, kind, moment, case = row[order], kind[order], moment[order], case[order] - first
        begins = np.append(True, case[1:] != case[:-1])
        heads, tails = self.trace_heads(first, last), pa.array(["", "\t</trace>\n"], pa.large_string())
        ends = np.append(begins[1:], True)
        parts = [pc.if_else(pa.array(begins), heads.take(pa.array(case)), ""), "\t\t<event>"]
        parts += [one.take(pa.array(row)) for one in self.shared(rows)]
        if not self.own:
            parts.append(self.snippets(TRANSITION, named(kind, TRANSITIONS)))
        parts.append(self.snippets("time:timestamp", pa.array(moment).cast(pa.timestamp("us", "UTC"))))
        full = self.further(rows)
        closing = pa.array(kind == np.where(log.ongoing[rows][row], START, COMPLETE))
        parts += [pc.if_else(closing, one.take(pa.array(row)), "") for one in full]
        return joined(*parts, "</event>\n", tails.take(pa.array(ends.astype(np.int8))))

    def events(self, rows: slice) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Return the events of some instances: their rows, kinds and moments."""
        log, n = self.log, rows.stop - rows.start
        every, done = np.arange(n), np.flatnonzero(~log.ongoing[rows])
        found = [(done, COMPLETE, log.end[rows][done])]
        if self.starts:
            found.append((every, START, log.start[rows]))
        if log.enabled is not None:
            found.append((every, SCHEDULE, log.enabled[rows]))
        row = np.concatenate([part for part, _, _ in found])
        kind = np.concatenate([np.full(len(part), what, dtype=np.int8) for part, what, _ in found])
        return row, kind, np.concatenate([moments for _, _, moments in found])

    def trace_heads(self, first: int, last: int) -> pa.Array:
        log = self.log
        parts = [self.snippets("concept:name", log.case_names.slice(first, last - first))]
        known = case_columns(log, first, last)
        parts += [self.snippets(new, known[old]) for old, new in self.case_attributes.items()]
        return joined("\t<trace>", *parts, "\n")

    def shared(self, rows: slice) -> list[pa.Array]:
        """Return what every event of an instance says."""
        log = self.log
        parts = [self.snippets("concept:name", named(log.activity[rows], log.activities))]
        for key, codes, names in (("org:resource", log.resource, log.resources), ("org:role", log.role, log.roles)):
            if names:
                parts.append(self.snippets(key, named(codes[rows], names)))
        if self.several:
            parts.append(self.snippets(INSTANCE, array_of(np.arange(rows.start, rows.stop)).cast(pa.large_string())))
        return parts

    def further(self, rows: slice) -> list[pa.Array]:
        known = columns(self.log, rows)
        return [self.snippets(new, known[old]) for old, new in self.attributes.items()]

    def mapping(self) -> Mapping:
        log = self.log
        return Mapping(
            case="case:concept:name",
            activity="concept:name",
            end="time:timestamp",
            resource="org:resource" if log.resources else None,
            role="org:role" if log.roles else None,
            lifecycle=TRANSITION if self.several else None,
            instance=INSTANCE if self.several else None,
            attributes=tuple(self.attributes.values()),
            case_attributes=tuple(f"case:{name}" for name in self.case_attributes.values()),
            time_zone=log.time_zone,
            timestamps="completed",
        )

    def notes(self) -> list[str]:
        both = {**self.attributes, **self.case_attributes}
        renamed = [f'attribute "{old}" is called "{new}"' for old, new in both.items() if old != new]
        return [*renamed, *self.replaced.note()]

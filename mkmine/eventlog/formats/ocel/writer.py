"""OCEL 2.0 JSON written: cases are the objects of one type, instances the events."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mkmine.eventlog.formats.mapping import Mapping
from mkmine.eventlog.formats.outgoing import case_columns, columns, filled, iso_texts, joined, named, spans, titles
from mkmine.eventlog.log import EventLog

__all__ = ["write_ocel"]

OBJECT_TYPE = "case"
# An attribute that does not change has its value from the beginning of time, says the standard.
ALWAYS = "1970-01-01T00:00:00Z"
STAMP = pa.timestamp("us", tz="UTC")


def write_ocel(log: EventLog, path: Path) -> tuple[Mapping, list[str]]:
    """Write a log as events with one object of type "case" each.

    The time of an event is the end of the instance (of an ongoing one, its start); start, enabled time, resource, role
    and whether it is ongoing are attributes. Returns the mapping by which it can be read again, and what did not fit.
    """
    taken = {"start", "enabled", "resource", "role", "ongoing"}
    own, of_case = filled(log)
    names = titles(own, taken | {f"case:{name}" for name in of_case}, str)
    one = slice(0, 1)
    event_kinds = {key: _kind(values.type) for key, values in _event_columns(log, one, names).items()}
    object_kinds = {key: _kind(values.type) for key, values in case_columns(log, 0, 1).items()}
    with path.open("wb") as sink:
        head = {
            "objectTypes": [{"name": OBJECT_TYPE, "attributes": _declared(object_kinds)}],
            "eventTypes": [{"name": name, "attributes": _declared(event_kinds)} for name in log.activities],
        }
        sink.write(_dumped(head)[:-1].encode() + b',\n"objects":[')
        for first, last in spans(log.offsets):
            _put(sink, _objects(log, first, last), first == 0)
        sink.write(b'],\n"events":[')
        for first, last in spans(log.offsets):
            _put(sink, _events(log, first, last, names), first == 0)
        sink.write(b"]}\n")
    mapping = Mapping(
        case="ocel:oid",
        activity="ocel:activity",
        start="start" if "start" in event_kinds else None,
        end="ocel:timestamp",
        enabled="enabled" if "enabled" in event_kinds else None,
        resource="resource" if log.resources else None,
        role="role" if log.roles else None,
        attributes=tuple(names.values()),
        case_attributes=tuple(f"case:{name}" for name in of_case),
        time_zone=log.time_zone,
        timestamps="interval" if "start" in event_kinds else "completed",
    )
    notes = [f'attribute "{old}" is called "{new}"' for old, new in names.items() if old != new]
    if going := int(log.ongoing.sum()):
        notes.append(f'{going:,} ongoing instances have the time of their start; the attribute "ongoing" marks them')
    return mapping, notes


def _event_columns(log: EventLog, rows: slice, names: dict[str, str]) -> dict[str, pa.Array]:
    found: dict[str, Any] = {}
    if log.timestamps != "completed" or log.ongoing.any():
        found["start"] = pa.array(log.start[rows]).cast(STAMP)
    if log.enabled is not None:
        found["enabled"] = pa.array(log.enabled[rows]).cast(STAMP)
    if log.resources:
        found["resource"] = named(log.resource[rows], log.resources)
    if log.roles:
        found["role"] = named(log.role[rows], log.roles)
    if log.ongoing.any():
        found["ongoing"] = pa.array(np.ascontiguousarray(log.ongoing[rows]))
    known = columns(log, rows)
    return found | {new: known[old] for old, new in names.items()}


def _objects(log: EventLog, first: int, last: int) -> pa.Array:
    parts = [_attribute(log, name, values, ALWAYS) for name, values in case_columns(log, first, last).items()]
    ids = _strings(log.case_names.slice(first, last - first))
    return joined('{"id":', ids, f',"type":"{OBJECT_TYPE}","attributes":[', _listed(parts, last - first), "]}")


def _events(log: EventLog, first: int, last: int, names: dict[str, str]) -> pa.Array:
    rows = slice(int(log.offsets[first]), int(log.offsets[last]))
    numbers = pa.array(np.arange(rows.start + 1, rows.stop + 1)).cast(pa.large_string())
    moments = np.where(log.ongoing[rows], log.start[rows], log.end[rows])
    case = _strings(log.case_names.slice(first, last - first)).take(pa.array(log.case_of[rows] - np.int32(first)))
    activity = named(log.activity[rows], log.activities)
    parts = [_attribute(log, name, values) for name, values in _event_columns(log, rows, names).items()]
    return joined(
        '{"id":"e', numbers, '","type":', _strings(activity.dictionary).take(activity.indices), ',"time":"',
        iso_texts(moments, log.time_zone), '","attributes":[', _listed(parts, rows.stop - rows.start),
        '],"relationships":[{"objectId":', case, ',"qualifier":"case"}]}',
    )  # fmt: skip


def _attribute(log: EventLog, name: str, values: pa.Array, since: str | None = None) -> pa.Array:
    """Return `,{"name":...,"value":...}` of each value; nothing where it is missing."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        return _attribute(log, name, values.dictionary, since).take(values.indices)
    if pa.types.is_timestamp(kind):
        known = values.cast(pa.int64()).fill_null(0).to_numpy()
        texts = pc.if_else(values.is_valid(), joined('"', iso_texts(known, log.time_zone), '"'), None)
    elif pa.types.is_floating(kind):
        # JSON has neither infinities nor NaN.
        texts = pc.if_else(pc.is_finite(values), values, None).cast(pa.large_string())
    else:
        texts = _strings(values) if _kind(kind) == "string" else values.cast(pa.large_string())
    time = f'"time":"{since}",' if since else ""
    return pc.if_else(texts.is_valid(), joined(f',{{"name":{_dumped(name)},{time}"value":', texts, "}"), "")


def _listed(parts: list[pa.Array], n: int) -> pa.Array:
    """Return the parts of each row, without the comma before the first."""
    if not parts:
        return pa.array([""] * n, pa.large_string())
    return pc.utf8_slice_codeunits(joined(*parts), 1)


def _strings(texts: pa.Array) -> pa.Array:
    """Return texts as JSON strings; null where missing."""
    return pa.array([None if one is None else _dumped(one) for one in texts.to_pylist()], pa.large_string())


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _kind(kind: pa.DataType) -> str:
    if pa.types.is_timestamp(kind):
        return "time"
    if pa.types.is_boolean(kind):
        return "boolean"
    return "integer" if pa.types.is_integer(kind) else "float" if pa.types.is_floating(kind) else "string"


def _declared(kinds: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "type": kind} for name, kind in kinds.items()]


def _put(sink: Any, texts: pa.Array, first: bool) -> None:
    """Write the texts, each on a line of its own, with commas between."""
    commas = pa.array(["" if first else ",", *[","] * (len(texts) - 1)], pa.large_string())
    lines = joined(commas, "\n", texts)
    at = np.frombuffer(lines.buffers()[1], dtype=np.int64)
    sink.write(memoryview(lines.buffers()[2])[at[lines.offset] : at[lines.offset + len(lines)]])

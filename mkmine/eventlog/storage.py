"""A log as one Parquet file: columns that any tool can read, and in the metadata what else makes a log."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any, cast, get_args

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mkmine.calendars import Calendar, zone
from mkmine.errors import DataError
from mkmine.eventlog.columns import Columns, Text, narrow
from mkmine.eventlog.encoding import EARLIEST, LATEST
from mkmine.eventlog.formats.outgoing import named, spans
from mkmine.eventlog.log import EventLog, Timestamps
from mkmine.eventlog.provenance import Step
from mkmine.files import checked_path, replacing

__all__ = ["OF_CASE", "OF_INSTANCE", "is_saved_log", "open_log", "save_log", "saved_facts"]

KEY = b"mkmine.log"
VERSION = 1
# Rows of a group of the file; a group begins and ends with a case.
GROUP = 1 << 20
# A dictionary larger than this is cut to what a group of rows needs.
LARGE = 1 << 14
STAMP = pa.timestamp("us", tz="UTC")
# What the names of further columns begin with.
OF_INSTANCE, OF_CASE = "attribute:", "case:"
Int = NDArray[np.int64]


def save_log(log: EventLog, path: str | Path) -> Path:
    """Write a log; see `EventLog.save`."""
    target = checked_path(path)
    if target.suffix.casefold() != ".parquet":
        raise DataError(f'a log is saved as Parquet; let the name "{target.name}" end in .parquet')
    kinds = _kinds(log)
    schema = _table(log, 0, 0, kinds).schema
    mixed = [name for name, kind in kinds.items() if kind is None]
    # Values that are no column of one type of NumPy come back as what prints alike, and may count as another content.
    objects = any(
        isinstance(one, np.ndarray) and one.dtype == object for one in map(log.attributes.held, log.attributes)
    )
    exact = not mixed and not objects
    facts = json.dumps(_facts(log) | {"mixed": mixed, "exact": exact}, ensure_ascii=False)
    schema = schema.with_metadata({KEY: facts.encode("utf-8", "replace")})
    texts = [one.name for one in schema if pa.types.is_dictionary(one.type)]
    moments = {one.name: "DELTA_BINARY_PACKED" for one in schema if one.type == STAMP}
    with replacing(target) as temporary, temporary.open("wb") as stream:
        sink = pq.ParquetWriter(
            stream,
            schema,
            compression="zstd",
            use_dictionary=texts,
            column_encoding=moments,
            dictionary_pagesize_limit=1 << 30,
        )
        for begin, end in spans(log.offsets, GROUP):
            part = _table(log, begin, end, kinds).replace_schema_metadata(schema.metadata)
            sink.write_table(part, row_group_size=len(part))
        sink.close()
    return target


def _kinds(log: EventLog) -> dict[str, pa.DataType | None]:
    """Return the Arrow type of every further column that is not text by codes; None where its values are mixed."""
    held = {OF_INSTANCE + name: log.attributes.held(name) for name in log.attributes}
    plain: dict[str, Any] = {name: values for name, values in held.items() if not isinstance(values, Text)}
    plain |= {f"{OF_CASE}{name}": values for name, values in log.case_attributes.items()}
    kinds: dict[str, pa.DataType | None] = {}
    for name, values in plain.items():
        try:
            kinds[name] = pa.array(values, from_pandas=True).type
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, UnicodeEncodeError):
            kinds[name] = None
    return kinds


def _table(log: EventLog, first: int, last: int, kinds: dict[str, pa.DataType | None]) -> pa.Table:
    """Return the rows of the cases `first` to `last` (excluded)."""
    rows = slice(int(log.offsets[first]), int(log.offsets[last]))
    cases = log.case_of[rows] - np.int32(first)
    out: dict[str, Any] = {
        "case": pa.DictionaryArray.from_arrays(pa.array(cases), log.case_names.slice(first, last - first)),
        "activity": _named(log.activity[rows].astype(np.int32), np.array(log.activities, dtype=object)),
        "start": _moments(log.start[rows]),
        "end": _moments(log.end[rows]),
        "completed": pa.array(log.completed[first:last][cases]),
    }
    if log.enabled is not None:
        out["enabled"] = _moments(log.enabled[rows])
    for name, codes, names in (("resource", log.resource, log.resources), ("role", log.role, log.roles)):
        if names:
            out[name] = _named(codes[rows].astype(np.int32), np.array(names, dtype=object))
    if log.ongoing.any():
        out["ongoing"] = pa.array(np.ascontiguousarray(log.ongoing[rows]))
    for name in log.attributes:
        held, called = log.attributes.held(name), OF_INSTANCE + name
        out[called] = (
            _named(held.codes[rows].astype(np.int32), held.names)
            if isinstance(held, Text)
            else _plain(held[rows], kinds[called])
        )
    for column, values in log.case_attributes.items():
        called = f"{OF_CASE}{column}"
        out[called] = _plain(values.iloc[first:last], kinds[called]).take(pa.array(cases))
    return pa.table(out)


def _named(codes: NDArray[np.int32], names: NDArray[np.object_]) -> pa.DictionaryArray:
    if len(names) > LARGE:
        used, place = np.unique(codes, return_inverse=True)
        empty = int(len(used) > 0 and used[0] < 0)
        codes, names = (place - empty).astype(np.int32), names[used[empty:]]
    return named(codes, names)


def _moments(values: Int) -> pa.Array:
    return pa.array(values).view(pa.timestamp("us")).cast(STAMP)


def _plain(values: Any, kind: pa.DataType | None) -> pa.Array:
    """Return values as Arrow, each as JSON where they are mixed."""
    if kind is not None:
        return pa.array(values, kind, from_pandas=True)
    texts = [None if pd.api.types.is_scalar(one) and pd.isna(one) else json.dumps(one, default=str) for one in values]
    return pa.array(texts, pa.large_string())


def _facts(log: EventLog) -> dict[str, Any]:
    return {
        "version": VERSION,
        "name": log.name,
        "time_zone": log.time_zone,
        "activities": log.activities,
        "resources": log.resources,
        "roles": log.roles,
        "timestamps": log.timestamps,
        "observed": log.observed,
        "history": [[step.action, step.detail, step.touched] for step in log.history],
        "calendar": None if log.calendar is None else log.calendar.to_dict(),
        "case_attributes": {str(name): str(values.dtype) for name, values in log.case_attributes.items()},
        "quarantine": _packed(log.quarantine),
        "hash": log.content_hash,
    }


def _packed(frame: pd.DataFrame) -> str:
    """Return a frame as Arrow's stream in base64; values of mixed columns become text."""
    mixed = [name for name in frame.columns if frame[name].dtype == object]
    texts = {name: [None if pd.isna(one) else str(one) for one in frame[name]] for name in mixed}
    table = pa.Table.from_pandas(frame.assign(**cast("dict[str, Any]", texts)), preserve_index=False)
    stream = pa.BufferOutputStream()
    with pa.ipc.new_stream(stream, table.schema) as sink:
        sink.write_table(table)
    return base64.b64encode(stream.getvalue()).decode()


def is_saved_log(path: str | Path) -> bool:
    """Return whether a file is a log written by `EventLog.save`."""
    try:
        return KEY in (pq.read_schema(path).metadata or {})
    except (pa.ArrowException, OSError, ValueError):
        return False


def saved_facts(path: Path) -> dict[str, Any] | None:
    """Return what a saved log says of itself beside its rows; None if the file is none.

    Its quarantine is a frame, and its history are steps. Raises `DataError` if it is damaged, or of a newer mkmine.
    """
    if not is_saved_log(path):
        return None
    try:
        facts = json.loads(pq.read_schema(path).metadata[KEY])
        if facts["version"] > VERSION:
            raise DataError(f'"{path.name}" was saved by a newer mkmine (format {facts["version"]}); update mkmine')
        return _checked(facts) | {"quarantine": _unpacked(facts["quarantine"])}
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f'the saved log "{path.name}" is damaged ({error}); save it again') from None


def _unpacked(text: str) -> pd.DataFrame:
    frame: pd.DataFrame = pa.ipc.open_stream(base64.b64decode(text)).read_all().to_pandas()
    return frame


def open_log(path: str | Path, *, verify: bool = True) -> EventLog:
    """Open a saved log; see `EventLog.open`."""
    source = checked_path(path)
    if not source.is_file():
        raise DataError(f'there is no file "{source}"; check the path (it is taken from {Path.cwd()})')
    try:
        table = pq.read_table(source, memory_map=True)
        packed = (table.schema.metadata or {}).get(KEY)
        if packed is None:
            raise DataError(f'"{source.name}" is Parquet, but no log that mkmine saved; read it with mkmine.read')
        facts = json.loads(packed)
        if facts["version"] > VERSION:
            raise DataError(f'"{source.name}" was saved by a newer mkmine (format {facts["version"]}); update mkmine')
        log = _opened(table, _checked(facts))
        if verify and facts.get("exact") is True and log.content_hash != facts["hash"]:
            raise ValueError("its content is not that which was saved")
        return log
    except (
        pa.ArrowException, OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError,
        OverflowError,
    ) as error:  # fmt: skip
        if isinstance(error, DataError):
            raise
        told = f"it has no {error}" if isinstance(error, KeyError) else " ".join(str(error).split())[:300]
        raise DataError(f'the saved log "{source.name}" is damaged ({told}); save it again') from None


def _checked(facts: dict[str, Any]) -> dict[str, Any]:
    """Return what the metadata say. Raises `ValueError` with the field and its value if it is of another kind."""
    observed = facts["observed"]
    whole = {
        "name": _is_text(facts["name"]),
        "time_zone": _is_text(facts["time_zone"]),
        "timestamps": facts["timestamps"] in get_args(Timestamps),
        "hash": _is_text(facts["hash"]),
        "quarantine": _is_text(facts["quarantine"]),
        "mixed": isinstance(facts["mixed"], list) and all(map(_is_text, facts["mixed"])),
        "observed": isinstance(observed, list)
        and len(observed) == 2
        and all(_is_whole(one) and EARLIEST <= one <= LATEST for one in observed)
        and observed[0] <= observed[1],
        "history": isinstance(facts["history"], list) and all(map(_is_step, facts["history"])),
        "calendar": isinstance(facts["calendar"], dict | None),
        "case_attributes": isinstance(facts["case_attributes"], dict)
        and all(map(_is_text, (*facts["case_attributes"], *facts["case_attributes"].values()))),
    }
    for names in ("activities", "resources", "roles"):
        known = facts[names]
        whole[names] = isinstance(known, list) and all(map(_is_text, known)) and len(set(known)) == len(known)
    for name, good in whole.items():
        if not good:
            raise ValueError(f'"{name}" cannot be {json.dumps(facts[name])[:80]}')
    return facts


def _is_text(value: object) -> bool:
    """Return whether a value is a text that a file can hold: JSON may have halves of surrogate pairs."""
    return isinstance(value, str) and not any("\ud800" <= sign <= "\udfff" for sign in value)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_step(value: object) -> bool:
    if not isinstance(value, list) or len(value) != 3:
        return False
    action, detail, touched = value
    return _is_text(action) and _is_text(detail) and (touched is None or _is_whole(touched))


def _opened(table: pa.Table, facts: dict[str, Any]) -> EventLog:
    names, offsets = _cases(table["case"])
    if facts.get("exact") is not True and pc.count_distinct(names).as_py() != len(names):
        raise ValueError("the rows of a case do not stand together")
    end, start = _stamps(table["end"]), _stamps(table["start"])
    if facts["timestamps"] == "completed":
        if not np.array_equal(start, end):
            raise ValueError('"timestamps" cannot be "completed": some rows start before they end')
        start = end
    n = len(end)
    zone(facts["time_zone"])
    _check(offsets, start, end)
    enabled = _stamps(table["enabled"]) if "enabled" in table.column_names else None
    if enabled is not None and (int(enabled.min()) < EARLIEST or bool((enabled > start).any())):
        raise ValueError("rows enabled at an impossible time")
    heads = pa.array(offsets[:-1])
    mixed = set(facts["mixed"])
    attributes = {
        name.removeprefix(OF_INSTANCE): _loaded(table[name], name in mixed)
        for name in table.column_names
        if name.startswith(OF_INSTANCE)
    }
    cases = pd.DataFrame(index=pd.RangeIndex(len(names)))
    for name, kind in facts["case_attributes"].items():
        cases[name] = _case_column(table[OF_CASE + name].take(heads), kind, OF_CASE + name in mixed)
    activities = tuple(facts["activities"])
    codes = _codes(table, "activity", activities, n)
    if codes.min(initial=0) < 0:
        raise ValueError("rows without an activity")
    resources, roles = tuple(facts["resources"]), tuple(facts["roles"])
    return EventLog(
        name=facts["name"],
        time_zone=facts["time_zone"],
        case_names=names,
        offsets=offsets,
        activity=codes.astype(np.min_scalar_type(max(len(activities) - 1, 0))),
        activities=activities,
        resource=narrow(_codes(table, "resource", resources, n), len(resources)),
        resources=resources,
        role=narrow(_codes(table, "role", roles, n), len(roles)),
        roles=roles,
        start=start,
        end=end,
        enabled=enabled,
        ongoing=_flags(table, "ongoing") if "ongoing" in table.column_names else np.broadcast_to(np.False_, n),
        completed=_flags(table, "completed")[offsets[:-1]],
        timestamps=facts["timestamps"],
        attributes=Columns(attributes),
        case_attributes=cases,
        observed=(facts["observed"][0], facts["observed"][1]),
        history=tuple(Step(action, detail, touched) for action, detail, touched in facts["history"]),
        quarantine=_unpacked(facts["quarantine"]),
        calendar=None if facts["calendar"] is None else Calendar.from_dict(facts["calendar"]),
    )


def _cases(column: pa.ChunkedArray) -> tuple[pa.Array, Int]:
    """Return the names of the cases and the offsets of their rows, which stand together."""
    names: list[pa.Array] = []
    starts: list[Int] = []
    before = 0
    for chunk in column.chunks:
        codes = chunk.indices.to_numpy()
        begins = np.flatnonzero(np.concatenate(([True], codes[1:] != codes[:-1]))) if len(codes) else np.zeros(0, int)
        found = chunk.dictionary.take(pa.array(codes[begins])).cast(pa.large_string())
        if len(begins) > len(chunk.dictionary):
            raise ValueError("the rows of a case do not stand together")
        if starts and len(found) and names[-1][-1] == found[0]:
            found, begins = found.slice(1), begins[1:]
        if len(found):
            names.append(found)
            starts.append(begins + before)
        before += len(codes)
    return pa.concat_arrays(names), np.concatenate((*starts, [before])).astype(np.int64)


def _stamps(column: pa.ChunkedArray) -> Int:
    if not pa.types.is_timestamp(column.type):
        raise ValueError(f"times of the type {column.type}")
    if column.null_count:
        raise ValueError("rows without a time")
    return np.array(column.cast(pa.timestamp("us", tz=column.type.tz)).cast(pa.int64()).to_numpy())


def _flags(table: pa.Table, name: str) -> NDArray[np.bool_]:
    column = table[name]
    if not pa.types.is_boolean(column.type) or column.null_count:
        raise ValueError(f'"{name}" is not true or false in every row')
    return np.array(column.to_numpy(), dtype=np.bool_)


def _check(offsets: Int, start: Int, end: Int) -> None:
    """Raise `ValueError` if the rows are not what a log holds: a stranger may have written the file."""
    if not len(end) or int(start.min()) < EARLIEST or int(end.max()) > LATEST or bool((start > end).any()):
        raise ValueError("impossible times")
    falls = (start[1:] < start[:-1]) | ((start[1:] == start[:-1]) & (end[1:] < end[:-1]))
    falls[offsets[1:-1] - 1] = False
    if falls.any():
        raise ValueError("rows out of order")


def _codes(table: pa.Table, column: str, names: tuple[str, ...], n: int) -> NDArray[np.int32]:
    if column not in table.column_names:
        return np.full(n, -1, dtype=np.int32)
    known = pa.array(names, pa.large_string())
    parts = []
    for chunk in table[column].chunks:
        place = pc.index_in(chunk.dictionary.cast(pa.large_string()), known)
        if place.null_count:
            raise ValueError(f"an unknown {column}")
        number = np.append(place.to_numpy(zero_copy_only=False), -1).astype(np.int32)
        parts.append(number[chunk.indices.fill_null(-1).to_numpy(zero_copy_only=False)])
    return np.concatenate(parts)


def _loaded(column: pa.ChunkedArray, mixed: bool) -> Any:
    if mixed:
        return np.array([None if one is None else json.loads(one) for one in column.to_pylist()] + [None], object)[:-1]
    if pa.types.is_integer(column.type) and column.null_count:
        return np.array(column.to_pylist(), dtype=object)
    return column


def _case_column(column: pa.ChunkedArray, kind: str, mixed: bool) -> pd.Series:
    if mixed or kind == "object":
        return pd.Series(_loaded(column, mixed) if mixed else column.to_pylist(), dtype=object)
    # Whole numbers with gaps are not to become floats on the way.
    series: pd.Series = column.to_pandas(integer_object_nulls=True)
    return series if str(series.dtype) == kind else series.astype(cast("Any", kind))

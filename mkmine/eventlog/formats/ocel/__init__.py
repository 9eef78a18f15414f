"""OCEL 2.0 (https://www.ocel-standard.org), JSON and SQLite: read, and flattened to the objects of one type.

Flattening makes a case of every object of the chosen type. It distorts, and how much is counted in the log's history:
an event with several of these objects becomes several rows (convergence); several instances of an activity in one
case, which differ in their other objects, look like rework (divergence); an event without such an object is left out
(deficiency). Source: van der Aalst, Object-Centric Process Mining: Dealing with Divergence and Convergence in Event
Data (SEFM 2019); Berti et al., OCEL (Object-Centric Event Log) 2.0 Specification (2023).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from mkmine.errors import DataError, UnknownNameError
from mkmine.eventlog.formats.ocel.json import from_json
from mkmine.eventlog.formats.ocel.objects import Objects
from mkmine.eventlog.formats.ocel.sqlite import from_sqlite, is_ocel_sqlite
from mkmine.eventlog.formats.read import read
from mkmine.eventlog.formats.sqlite import is_sqlite
from mkmine.eventlog.formats.table import MAX_COLUMNS, check_cells
from mkmine.eventlog.formats.tabular import open_limited
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.provenance import Step
from mkmine.files import checked_path

__all__ = ["looks_like_ocel", "read_ocel"]

CASE, ACTIVITY, TIME = "ocel:oid", "ocel:activity", "ocel:timestamp"
KEYS = re.compile(rb'"(?:objectTypes|eventTypes|ocel:[\w-]+)"\s*:')
HEAD = 1 << 16
MOST_TOLD = 20


def looks_like_ocel(path: str | Path) -> bool:
    """Return whether a file is an object-centric log, by its ending and what it begins with."""
    source = checked_path(path)
    name = source.name.casefold().removesuffix(".gz")
    if name.endswith(".jsonocel"):
        return True
    if not source.is_file():
        return False
    if name.endswith((".sqlite", ".sqlite3", ".db")):
        return is_sqlite(source) and is_ocel_sqlite(source)
    if not name.endswith(".json"):
        return False
    with open_limited(source) as stream:
        head = stream.read(HEAD)
    if KEYS.search(head):
        return True
    # The keys may stand in any order: events and objects are told by their relationships.
    return head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") and b'"relationships"' in head and b'"events"' in head


def read_ocel(path: str | Path, *, object_type: str | None = None, **settings: Any) -> EventLog:
    """Read an object-centric log, with the objects of one type as cases.

    Object attributes become case attributes (their last values), event attributes stay, and the ids of an event's other
    objects become the attributes `object:<type>`. `settings` are those of `mkmine.eventlog.formats.read.read`, by which
    e.g. an event attribute is named as the start.

    Raises `DataError` if the file cannot be read, or has several object types and none is chosen, and
    `UnknownNameError` if it has not the one that is.
    """
    source = checked_path(path)
    if not source.is_file():
        raise DataError(f'there is no file "{source}"; check the path (it is taken from {Path.cwd()})')
    objects = from_sqlite(source) if is_sqlite(source) else from_json(source)
    chosen = _chosen(objects, object_type, source.name)
    columns, steps = _flattened(objects, chosen, source.name)
    if not columns.num_rows:
        raise DataError(f'no event of "{source.name}" has an object of type "{chosen}"; choose another object_type')
    told = {"case": CASE, "activity": ACTIVITY, "name": source.name.split(".")[0]}
    if settings.get("mapping") is None and "end" not in settings:
        told["end"] = TIME
    log = read(columns, **{**(told if settings.get("mapping") is None else {"name": told["name"]}), **settings})
    first = Step("read", f'"{source.name}" (OCEL 2.0, {len(objects.types):,} objects)', objects.n_events)
    return replace(log, history=(first, *steps, *log.history[1:]))


def _chosen(objects: Objects, told: str | None, name: str) -> str:
    types, counts = np.unique(np.array(objects.types, dtype=object).astype(str), return_counts=True)
    known = dict(zip(types.tolist(), counts.tolist(), strict=True))
    if told is not None:
        if told not in known:
            raise UnknownNameError.of(kind="object type", name=told, known=list(known), where=f'"{name}"')
        return told
    if not known:
        raise DataError(f'"{name}" has no objects; there is nothing to make cases of')
    if len(known) > 1:
        events = pd.Series(np.array(objects.types, dtype=object)[objects.link_object]).groupby(objects.link_event)
        per_type = pd.Series([one for group in events.unique() for one in group], dtype=object).value_counts()
        listed = [f'"{one}" ({n:,} objects, {per_type.get(one, 0):,} events)' for one, n in known.items()]
        more = f" and {len(listed) - MOST_TOLD:,} more" if len(listed) > MOST_TOLD else ""
        raise DataError(
            f'"{name}" has objects of {len(known):,} types: {", ".join(listed[:MOST_TOLD])}{more}. Pass '
            f'object_type="..." to say which are the cases'
        )
    return str(types[0])


def _flattened(objects: Objects, chosen: str, name: str) -> tuple[pa.Table, list[Step]]:
    types = np.array(objects.types, dtype=object)
    of_type = types == chosen
    mine = of_type[objects.link_object] if len(objects.link_object) else np.zeros(0, dtype=np.bool_)
    links = pd.DataFrame({"event": objects.link_event, "object": objects.link_object}).drop_duplicates()
    mine = of_type[links["object"].to_numpy()] if len(links) else mine
    rows, others = links[mine].sort_values("event", kind="stable"), links[~mine]
    event, case = rows["event"].to_numpy(), rows["object"].to_numpy()
    ids = np.array(objects.ids, dtype=object)
    columns: dict[str, Any] = {
        CASE: pa.array(ids[case], pa.large_string()).dictionary_encode(),
        ACTIVITY: pa.array(np.array(objects.activities, dtype=object)[event], pa.large_string()).dictionary_encode(),
        TIME: objects.times.take(pa.array(event)),
    }
    for attribute, values in objects.event_attributes.items():
        columns[_free(attribute, columns)] = values.take(pa.array(event))
    groups = others.groupby(types[others["object"].to_numpy()] if len(others) else [], sort=True)
    if groups.ngroups > MAX_COLUMNS:
        raise DataError(
            f'"{name}" relates its events to objects of {groups.ngroups:,} further types, and each would be a column; '
            f"a log of up to {MAX_COLUMNS:,} can be read"
        )
    check_cells(groups.ngroups, len(rows), len(others), name)
    for kind, group in groups:
        # An event of many cases has the same other objects in each: they are named once.
        joined = pd.Series(ids[group["object"].to_numpy()]).groupby(group["event"].to_numpy()).agg(", ".join)
        place = joined.index.get_indexer(pd.Index(event))
        texts = pa.array(joined.to_numpy(dtype=object), pa.large_string()).dictionary_encode()
        columns[_free(f"object:{kind}", columns)] = texts.take(pa.array(place, mask=place < 0))
    for attribute, values in objects.object_attributes.items():
        own = values.take(pa.array(case))
        if own.null_count < len(own):
            columns[_free(f"case:{attribute}", columns)] = own
    return pa.table(columns), _distortions(objects, chosen, event, case, others)


def _free(name: str, taken: Collection[str]) -> str:
    while name in taken:
        name = f"{name} (attribute)"
    return name


def _distortions(
    objects: Objects, chosen: str, event: NDArray[Any], case: NDArray[Any], others: pd.DataFrame
) -> list[Step]:
    """Return the steps that tell what flattening does to the log."""
    per_event = np.bincount(event, minlength=objects.n_events)
    several, linked = int((per_event > 1).sum()), int((per_event > 0).sum())
    # Sets of other objects are told apart by the sums of scrambled numbers of their members.
    scrambled = (others["object"].to_numpy(dtype=np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    scrambled ^= scrambled >> np.uint64(31)
    scrambled *= np.uint64(0xBF58476D1CE4E5B9)
    signature = np.zeros(objects.n_events, dtype=np.uint64)
    np.add.at(signature, others["event"].to_numpy(), scrambled)
    activity = pd.factorize(np.array(objects.activities, dtype=object))[0]
    instances = pd.DataFrame({"case": case, "activity": activity[event], "others": signature[event]})
    differing = instances.groupby(["case", "activity"])["others"].transform("nunique").to_numpy() > 1
    steps = [Step("flatten", f'the cases are the objects of type "{chosen}"', len(event))]
    told = [
        ("convergence", f"{several:,} events have several of these objects, and stand in each", len(event) - linked),
        ("divergence", "a case has the activity several times, with other objects each time", int(differing.sum())),
        ("deficiency", "events without such an object are left out", objects.n_events - linked),
        ("changed attributes", "objects had several values over time; the last one is kept", objects.changed),
        ("dangling", "relationships to objects that are not in the file are left out", objects.dangling),
    ]
    return steps + [Step(f"flatten: {what}", detail, count) for what, detail, count in told if count]

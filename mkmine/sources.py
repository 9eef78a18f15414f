"""The door: one verb that reads whatever holds an event log."""

from __future__ import annotations

import re
from functools import wraps
from pathlib import Path
from typing import Any, Literal

from mkmine.errors import DataError
from mkmine.eventlog import EventLog
from mkmine.eventlog.formats.mapping import MappingGuess
from mkmine.eventlog.formats.read import guess_mapping as guess
from mkmine.eventlog.formats.read import read as read_events
from mkmine.eventlog.partitions import Partitions
from mkmine.eventlog.partitions import partition as cut
from mkmine.files import checked_path
from mkmine.trackers import looks_like_export, read_export

__all__ = ["guess_mapping", "partition", "read"]

Kind = Literal["events", "ocel", "tracker"]
KINDS = ("events", "ocel", "tracker")
_ONLY: dict[str, Kind] = {"issues": "tracker", "object_type": "ocel"}
_JSON = re.compile(r"\.(json|jsonl|ndjson)(\.gz)?$", re.IGNORECASE)
_SHARED = {"mapping", "time_zone", "name", "errors"}


def read(source: Any, *, kind: Kind | None = None, **settings: Any) -> EventLog:
    """Read an event log, whatever holds it.

    Parameters
    ----------
    source
        A path or a frame with one row per event. Files: tables (CSV, TSV, XLSX, Parquet, Feather), a folder of Parquet
        files, XES, OCEL 2.0 (JSON, SQLite), a tracker's export, a log that `EventLog.save` wrote. Frames: pandas,
        Polars, pm4py, Arrow, or whatever streams Arrow.
    kind
        `"tracker"` for the export of a task tracker (a history of changes, or Jira's or Redmine's JSON), `"ocel"` for
        an object-centric log, `"events"` for all else. By default the file itself decides.
    settings
        How to read it, by keyword: see `mkmine.eventlog.formats.read.read` (`case`, `activity`, `start`, `end`,
        `resource`, `time_zone`, `timestamps`, `mapping`, ...), `mkmine.trackers.read_export` (`issues`, `mapping`,
        `time_zone`), and for OCEL `object_type`, whose objects become the cases.
        Columns that are not named are guessed; the log's history says how.

    Raises `DataError` or `UnknownNameError` if the source cannot be read, and `TypeError` for a setting that there is
    not.
    """
    if kind is not None and kind not in KINDS:
        raise DataError(f'kind="{kind}" is not known; pass "events", "ocel" or "tracker", or leave it out')
    if isinstance(source, str | Path):
        source = checked_path(source)
    columns = set(settings) - _SHARED - set(_ONLY)
    is_path = isinstance(source, str | Path)
    kind = kind or next((_ONLY[one] for one in settings if one in _ONLY), None) or _found(source, is_path, columns)
    if kind != "events" and not is_path:
        raise DataError(f'kind="{kind}" is read from a file; pass its path')
    if kind == "tracker" and columns:
        raise TypeError(f"a tracker's export has no setting {', '.join(sorted(columns))}; see trackers.read_export")
    try:
        if kind == "ocel":
            from mkmine.eventlog.formats.ocel import read_ocel

            return read_ocel(source, **settings)
        return read_export(source, **settings) if kind == "tracker" else read_events(source, **settings)
    except MemoryError:
        where = f'"{source.name}"' if isinstance(source, Path) else "the frame"
        raise DataError(
            f"{where} needs more memory than there is; name the columns to keep with attributes=[...], or cut it into "
            f"parts with mk.partition"
        ) from None


@wraps(cut)
def partition(source: Any, folder: str | Path, **settings: Any) -> Partitions:
    """Cut a log into partitions; a tracker's export, whose rows are no events, is refused with what to do."""
    if _is_export(source, settings):
        raise DataError(
            f'"{source}": a tracker\'s export is read whole; convert it to .parquet, and partition that: '
            f'mk.read("{Path(source).name}").save("log.parquet")'
        )
    return cut(source, folder, **settings)


@wraps(guess)
def guess_mapping(source: Any, **settings: Any) -> MappingGuess:
    """Find out which column is what; a tracker's export, whose statuses are to be mapped, is refused."""
    if _is_export(source, settings):
        raise DataError(
            f'"{source}" is a tracker\'s export: its rows are changes, and mkmine.read knows its columns. What its '
            f"statuses mean is mapped instead: mkmine.trackers.StatusMapping"
        )
    return guess(source, **settings)


def _is_export(source: Any, settings: dict[str, Any]) -> bool:
    """Return whether a source is a tracker's export, unless somebody says which of its columns is what."""
    told = {"case", "activity", "mapping"} & set(settings)
    return isinstance(source, str | Path) and not told and looks_like_export(source)


def _found(source: Any, is_path: bool, columns: set[str]) -> Kind:
    """Return what a source is, by what it holds and how it is to be read."""
    from mkmine.eventlog.formats.ocel import looks_like_ocel

    if is_path and looks_like_ocel(source):
        return "ocel"
    if columns or not is_path:
        return "events"
    # No log of events is read from JSON: what is wrong with such a file, the trackers' reader says best.
    return "tracker" if _JSON.search(str(source)) is not None or looks_like_export(source) else "events"

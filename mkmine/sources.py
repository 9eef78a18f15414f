"""The door: one verb that reads whatever holds an event log."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

from mkmine.errors import DataError
from mkmine.eventlog import EventLog
from mkmine.eventlog.formats.read import read as read_events
from mkmine.trackers import looks_like_export, read_export

__all__ = ["read"]

Kind = Literal["events", "tracker"]
_TRACKER_ONLY = {"issues"}
_JSON = re.compile(r"\.(json|jsonl|ndjson)(\.gz)?$", re.IGNORECASE)
_SHARED = {"mapping", "time_zone", "name", "errors"}


def read(source: Any, *, kind: Kind | None = None, **settings: Any) -> EventLog:
    """Read an event log: a table of events (CSV, TSV, XLSX, Parquet, Feather), XES, a frame, or a tracker's export.

    Parameters
    ----------
    source
        A path, or a pandas frame with one row per event.
    kind
        `"tracker"` for the export of a task tracker (a history of changes, or Jira's or Redmine's JSON), `"events"` for
        all else. By default the file's first lines decide.
    settings
        How to read it, by keyword: see `mkmine.eventlog.formats.read.read` (`case`, `activity`, `start`, `end`,
        `resource`, `time_zone`, `timestamps`, `mapping`, ...) and `mkmine.trackers.read_export` (`issues`, `mapping`,
        `time_zone`).
        Columns that are not named are guessed; the log's history says how.

    Raises `DataError` or `UnknownNameError` if the source cannot be read, and `TypeError` for a setting that there is
    not.
    """
    if kind not in (None, "events", "tracker"):
        raise DataError(f'kind="{kind}" is not known; pass "events" or "tracker", or leave it out')
    columns = set(settings) - _SHARED - _TRACKER_ONLY
    is_path = isinstance(source, str | Path)
    if kind is None:
        told: Kind | None = "tracker" if _TRACKER_ONLY & set(settings) else "events" if columns else None
        # No log of events is read from JSON: what is wrong with such a file, the trackers' reader says best.
        from_tracker = is_path and (_JSON.search(str(source)) is not None or looks_like_export(source))
        kind = told or ("tracker" if from_tracker else "events")
    if kind == "tracker":
        if not is_path:
            raise DataError("a tracker's export is read from a file; pass its path")
        if columns:
            raise TypeError(f"a tracker's export has no setting {', '.join(sorted(columns))}; see trackers.read_export")
        return read_export(source, **settings)
    return read_events(source, **settings)

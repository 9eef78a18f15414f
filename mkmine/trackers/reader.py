"""The door for tracker exports: which tracker a file came from, what lies beside it, and the log that it makes."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

from mkmine.calendars import zone
from mkmine.errors import DataError
from mkmine.eventlog import EventLog, Step
from mkmine.eventlog.formats.encodings import loads_json
from mkmine.eventlog.formats.tabular import read_table
from mkmine.files import checked_path
from mkmine.trackers.export import Errors, TrackerExport
from mkmine.trackers.files import opening, read_json
from mkmine.trackers.history import activity_log
from mkmine.trackers.jira import is_jira_issue, read_jira
from mkmine.trackers.redmine import is_redmine_issue, read_redmine
from mkmine.trackers.statuses import StatusMapping
from mkmine.trackers.table import HISTORY, find_columns, is_history, is_issue_list, read_tables

__all__ = ["looks_like_export", "read_export"]

_JSON = (".json", ".jsonl", ".ndjson")
_TABLES = (".csv", ".tsv", ".txt", ".xlsx")
_DATE = re.compile(r"\s*\d{1,4}[-./]\d{1,2}[-./]\d")
_SIGNS = re.compile(r'"(changelog|journals|histories)"\s*:|"issues"\s*:\s*\[')


def read_export(
    path: str | Path,
    *,
    issues: str | Path | None = None,
    mapping: StatusMapping | str | Path | None = None,
    time_zone: str | None = None,
    name: str | None = None,
    errors: Errors = "raise",
) -> EventLog:
    """Read the export of a task tracker as an event log.

    Parameters
    ----------
    path
        Jira's or Redmine's REST JSON (one page, several in a list, or one per line; gzip or not), a table of raw Jira
        pages (column `data`), or a table of the history of changes.
    issues
        The list of issues that belongs to a history table; by default `<stem>.issues.csv` or `issues.csv` beside it.
    mapping
        What the statuses mean; by default `<stem>.mapping.yaml` or `mapping.yaml` beside the export, and guesses where
        there is neither. Both are told in the log's history.
    time_zone
        IANA zone of the people and of times without an offset; it wins over that of the mapping.
    errors
        `"raise"` stops at dates that cannot be read; `"quarantine"` sets such rows aside.

    Raises `DataError` if the file is not an export, is damaged or empty, or holds no work, and `UnknownNameError` if a
    status of the mapping is misspelt.
    """
    source = checked_path(path)
    if errors not in ("raise", "quarantine"):
        raise DataError(f'errors="{errors}" is not known; pass "raise" or "quarantine"')
    if source.is_dir():
        raise DataError(f'"{source}" is a folder; pass the file of the export in it')
    if time_zone is not None:
        zone(time_zone)
    steps: list[Step] = []
    if mapping is None and (beside := _sibling(source, "mapping.yaml")) is not None:
        mapping = beside
    if isinstance(mapping, str | Path):
        steps.append(Step("mapping", f"statuses as in {Path(mapping).name}"))
        mapping = StatusMapping.load(mapping)
    zone_name = time_zone or (mapping.time_zone if mapping else None)
    listed = Path(issues) if issues is not None else _sibling(source, "issues.csv")
    export = _export(source, listed, mapping, zone_name, errors)
    return activity_log(
        export,
        mapping=mapping,
        time_zone=time_zone,
        name=name or (mapping.name if mapping else None) or _stem(source),
        before=steps,
    )


def looks_like_export(path: str | Path) -> bool:
    """Return whether a file looks like the export of a tracker, from its name and its first 64 KiB.

    False for what cannot be read: the error belongs to whoever reads it in earnest.
    """
    source = checked_path(path)
    ending = _ending(source)
    if not source.is_file() or ending not in (*_JSON, *_TABLES) or ending == ".xlsx":
        return False
    text = opening(source).lstrip()
    if ending in _JSON:
        return text[:1] in ("{", "[") and _SIGNS.search(text) is not None
    lines = text.splitlines()
    return bool(lines) and any(_header_fits(lines, mark) for mark in ",;\t|")


def _header_fits(lines: list[str], mark: str) -> bool:
    try:
        rows = list(csv.reader(lines[:2], delimiter=mark))
    except csv.Error:
        return False
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    if is_history(header):
        # A log with the columns "from" and "to" may mean times by them, and is then none of ours.
        found = find_columns(header, HISTORY)
        sample = dict(zip(header, rows[1], strict=False)) if len(rows) > 1 else {}
        return not any(_DATE.match(sample.get(found[side], "")) for side in ("old", "new"))
    if is_issue_list(header):
        # No log: whoever reads it in earnest says what to export instead.
        return True
    raw = header.index("data") if "data" in header else -1
    return 0 <= raw < len(rows[1]) and '"key"' in lines[1] + lines[0] if len(rows) > 1 and raw >= 0 else False


def _ending(path: Path) -> str:
    name = path.name.casefold().removesuffix(".gz")
    return Path(name).suffix


def _stem(path: Path) -> str:
    return path.name.removesuffix(".gz").removesuffix(".GZ").rsplit(".", 1)[0] or path.name


def _sibling(source: Path, name: str) -> Path | None:
    """Return `<stem>.<name>` or `<name>` in the folder of the export, if there is one."""
    for one in (source.with_name(f"{_stem(source)}.{name}"), source.with_name(name)):
        if one.is_file() and one != source:
            return one
    return None


def _export(
    source: Path, issues: Path | None, mapping: StatusMapping | None, time_zone: str | None, errors: Errors
) -> TrackerExport:
    ending = _ending(source)
    if ending in _JSON:
        return _from_pages(_pages(read_json(source)), source.name, errors)
    if ending not in _TABLES:
        raise DataError(
            f'"{source.name}" is not the export of a tracker by its ending; give .json, .jsonl, .csv or .xlsx'
        )
    if ending != ".xlsx" and '"' in opening(source, size=65_536) and not _is_table(source):
        raw = read_table(source, errors=errors).frame
        if "data" in raw.columns:
            return _from_pages(_raw_pages(raw["data"], source.name), source.name, errors)
    columns = mapping.columns if mapping else {}
    return read_tables(source, issues=issues, columns=columns, time_zone=time_zone, errors=errors)


def _is_table(source: Path) -> bool:
    lines = opening(source).splitlines()
    return bool(lines) and not re.search(r'(^|[,;\t|])"?data"?($|[,;\t|])', lines[0].strip().lower())


def _pages(value: Any) -> list[Any]:
    if isinstance(value, dict) and isinstance(value.get("pages"), list):
        return list(value["pages"])
    return list(value) if isinstance(value, list) else [value]


def _raw_pages(cells: Any, place: str) -> list[Any]:
    pages = []
    for number, cell in enumerate(cells, 2):
        try:
            pages.append(loads_json(cell))
        except (ValueError, TypeError, RecursionError):
            raise DataError(
                f'"{place}": the column "data" of row {number} is not valid JSON; export it again'
            ) from None
    return pages


def _from_pages(pages: list[Any], place: str, errors: Errors) -> TrackerExport:
    objects = [page for page in pages if isinstance(page, dict)]
    listed = [page["issues"] for page in objects if isinstance(page.get("issues"), list)]
    sample = [one for values in listed for one in values[:5]] + objects[:5]
    if any(is_jira_issue(one) for one in sample):
        return read_jira(pages, place=place, errors=errors)
    if any(is_redmine_issue(one) for one in sample):
        return read_redmine(pages, place=place, errors=errors)
    if listed and not any(listed):
        raise DataError(f'"{place}" is empty: its list of issues has none; check the filter of the export')
    raise DataError(
        f'"{place}" is JSON, but not of a known tracker: Jira has issues with "key" and "fields", Redmine issues with '
        f'"id", "created_on" and "status"; its first keys are {", ".join(list(objects[0])[:8]) if objects else "none"}'
    )

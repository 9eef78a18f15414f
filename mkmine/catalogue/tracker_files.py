"""A tracker's history as files: Jira-like JSON, and tables with Russian or English headers."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from mkmine.calendars import from_us
from mkmine.catalogue.mess import DELETED
from mkmine.language import Language
from mkmine.trackers import StatusMapping, TrackerExport

__all__ = ["history_table", "issue_table", "jira_json", "packed"]

_CATEGORIES = {"queue": "indeterminate", "work": "indeterminate", "outside": "indeterminate", "done": "done"}
_CATEGORY_NAMES = {"new": "К выполнению", "indeterminate": "В работе", "done": "Готово"}
_FIELDS: Mapping[Language, Mapping[str, str]] = {
    "ru": {"status": "Статус", "assignee": "Исполнитель"},
    "en": {"status": "Status", "assignee": "Assignee"},
}
_HISTORY: Mapping[Language, tuple[str, ...]] = {
    "ru": ("Ключ задачи", "Дата изменения", "Автор", "Поле", "Было", "Стало"),
    "en": ("Issue key", "Changed at", "Author", "Field", "From", "To"),
}
_ISSUES: Mapping[Language, tuple[str, ...]] = {
    "ru": (
        "Ключ задачи",
        "Тема",
        "Тип",
        "Приоритет",
        "Направление",
        "Автор",
        "Исполнитель",
        "Статус",
        "Создано",
        "Срок",
    ),
    "en": ("Issue key", "Summary", "Type", "Priority", "Area", "Reporter", "Assignee", "Status", "Created", "Due date"),
}


def packed(text: str) -> bytes:
    """Return text as gzip, the same bytes for the same text."""
    return gzip.compress(text.encode("utf-8"), compresslevel=9, mtime=0)


def jira_json(export: TrackerExport, mapping: StatusMapping) -> str:
    """Return an export as one page of Jira's REST search with `expand=changelog`."""
    zone = export.time_zone or "UTC"
    users = _Users(export)
    histories = _histories(export.changes, users, zone)
    statuses = _statuses(mapping)
    issues = []
    for number, row in enumerate(export.issues.to_dict("records"), 10_001):
        found = histories.get(row["issue"], [])
        fields = {
            "summary": row["title"],
            "issuetype": {"name": row["type"]},
            "priority": {"name": row["priority"]},
            "components": [{"name": row["area"]}],
            "status": statuses[row["status"]],
            "created": _stamp(row["created"], zone),
            "updated": _stamp(row["updated"], zone),
            "duedate": row["due"],
            "reporter": users.of(row["reporter"]),
            "assignee": users.of(row["assignee"]),
        }
        changelog = {"startAt": 0, "maxResults": len(found), "total": len(found), "histories": found}
        issues.append({"id": str(number), "key": row["issue"], "fields": fields, "changelog": changelog})
    page = {"startAt": 0, "maxResults": len(issues), "total": len(issues), "exportedAt": _stamp(export.taken_at, zone)}
    return json.dumps({**page, "issues": issues}, ensure_ascii=False, separators=(",", ":")) + "\n"


def history_table(export: TrackerExport, language: Language = "ru") -> str:
    """Return the history of changes as CSV with semicolons, times in the tracker's zone."""
    changes, fields = export.changes, _FIELDS[language]
    columns = [
        changes["issue"],
        _clock(changes["at"], export.time_zone),
        changes["author"],
        changes["field"].map(fields),
        changes["old"],
        changes["new"],
    ]
    return _csv(pd.DataFrame(dict(zip(_HISTORY[language], columns, strict=True))))


def issue_table(export: TrackerExport, language: Language = "ru") -> str:
    """Return the list of issues as CSV with semicolons."""
    issues = export.issues
    columns = [
        *(issues[name] for name in ("issue", "title", "type", "priority", "area", "reporter", "assignee", "status")),
        _clock(issues["created"], export.time_zone),
        issues["due"],
    ]
    return _csv(pd.DataFrame(dict(zip(_ISSUES[language], columns, strict=True))))


class _Users:
    """Accounts of the people in an export."""

    def __init__(self, export: TrackerExport) -> None:
        assigned = export.changes[export.changes["field"] == "assignee"]
        named = pd.concat([export.issues["reporter"], export.changes["author"], assigned["new"], assigned["old"]])
        self._accounts = {name: f"u{n:03d}" for n, name in enumerate(sorted(named.dropna().unique()), 1)}

    def account(self, name: object) -> str | None:
        """Return the id of a person; None for nobody."""
        return self._accounts[name] if isinstance(name, str) else None

    def of(self, name: object) -> dict[str, Any] | None:
        """Return a person as Jira shows them; a deleted one has lost the name."""
        if not isinstance(name, str):
            return None
        shown = "Бывший пользователь" if name == DELETED else name
        return {"accountId": self._accounts[name], "displayName": shown, "active": name != DELETED}


def _histories(changes: pd.DataFrame, users: _Users, zone: str) -> Mapping[str, list[dict[str, Any]]]:
    out: dict[str, list[dict[str, Any]]] = {}
    last: tuple[Any, ...] | None = None
    rows: Iterable[Any] = changes.itertuples(index=False)
    for number, row in enumerate(rows, 1):
        item: dict[str, Any] = {"field": row.field}
        if row.field == "assignee":
            item |= {"from": users.account(row.old), "to": users.account(row.new)}
        item |= {"fromString": _or_none(row.old), "toString": _or_none(row.new)}
        found = out.setdefault(str(row.issue), [])
        # What one person changes at one moment is one entry, as in Jira; two changes of one field are two.
        if (
            found
            and last == (row.issue, row.at, row.author)
            and item["field"] not in [i["field"] for i in found[-1]["items"]]
        ):
            found[-1]["items"].append(item)
        else:
            found.append(
                {
                    "id": str(number),
                    "author": users.of(row.author),
                    "created": _stamp(int(row.at), zone),
                    "items": [item],
                }
            )
        last = (row.issue, row.at, row.author)
    return out


def _or_none(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _statuses(mapping: StatusMapping) -> dict[str, dict[str, Any]]:
    """Return each status as Jira shows it; the first is where issues are created."""
    out = {}
    for number, (status, rule) in enumerate(mapping.statuses.items(), 1):
        key = "new" if number == 1 else _CATEGORIES.get(rule.kind, "done")
        category = {"key": key, "name": _CATEGORY_NAMES[key]}
        for name in (status, *rule.aliases):
            out[name] = {"id": str(10_100 + number), "name": name, "statusCategory": category}
    return out


def _stamp(moment: int, zone: str) -> str:
    local = from_us(moment, zone)
    return f"{local:%Y-%m-%dT%H:%M:%S}.000{local:%z}"


def _clock(moments: pd.Series, zone: str | None) -> pd.Series:
    local = pd.to_datetime(moments.astype("int64"), unit="us", utc=True).dt.tz_convert(zone or "UTC")
    return local.dt.strftime("%d.%m.%Y %H:%M:%S")


def _csv(table: pd.DataFrame) -> str:
    sink = io.StringIO()
    table.to_csv(sink, sep=";", index=False, lineterminator="\n", quoting=csv.QUOTE_MINIMAL)
    return sink.getvalue()

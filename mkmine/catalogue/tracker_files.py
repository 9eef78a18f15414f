"""A tracker's history as files: Jira-like JSON, and the tables that an analyst exports (Russian headers)."""

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
from mkmine.trackers import StatusMapping, TrackerExport

__all__ = ["history_table", "issue_table", "jira_json", "packed"]

_CATEGORIES = {"queue": "indeterminate", "work": "indeterminate", "outside": "indeterminate", "done": "done"}
_CATEGORY_NAMES = {"new": "К выполнению", "indeterminate": "В работе", "done": "Готово"}
_FIELDS = {"status": "Статус", "assignee": "Исполнитель"}


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


def history_table(export: TrackerExport) -> str:
    """Return the history of changes as CSV with semicolons, times in the tracker's zone."""
    changes = export.changes
    table = pd.DataFrame(
        {
            "Ключ задачи": changes["issue"],
            "Дата изменения": _clock(changes["at"], export.time_zone),
            "Автор": changes["author"],
            "Поле": changes["field"].map(_FIELDS),
            "Было": changes["old"],
            "Стало": changes["new"],
        }
    )
    return _csv(table)


def issue_table(export: TrackerExport) -> str:
    """Return the list of issues as CSV with semicolons."""
    issues = export.issues
    table = pd.DataFrame(
        {
            "Ключ задачи": issues["issue"],
            "Тема": issues["title"],
            "Тип": issues["type"],
            "Приоритет": issues["priority"],
            "Направление": issues["area"],
            "Автор": issues["reporter"],
            "Исполнитель": issues["assignee"],
            "Статус": issues["status"],
            "Создано": _clock(issues["created"], export.time_zone),
            "Срок": issues["due"],
        }
    )
    return _csv(table)


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

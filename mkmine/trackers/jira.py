"""Jira's REST JSON: issues with their changelogs, in one page or many, or raw pages kept in a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pandas as pd

from mkmine.errors import DataError
from mkmine.eventlog import Step
from mkmine.eventlog.formats.dates import parse_times
from mkmine.trackers.export import CHANGE_COLUMNS, Category, Errors, TrackerExport, last_instant, settle_times
from mkmine.trackers.people import Directory

__all__ = ["is_jira_issue", "read_jira"]

_FIELDS = {"status": "status", "assignee": "assignee"}
# Heavy or circular fields, and those that the export keeps elsewhere.
_SKIPPED = frozenset(
    {
        "status", "assignee", "created", "updated", "comment", "worklog", "attachment", "description", "subtasks",
        "issuelinks", "watches", "votes", "progress", "aggregateprogress", "timetracking", "lastViewed",
        "statuscategorychangedate", "workratio", "environment", "changelog",
    }
)  # fmt: skip
_KNOWN = {
    "summary": "title", "issuetype": "type", "priority": "priority", "duedate": "due", "project": "project",
    "reporter": "reporter", "labels": "labels", "components": "components", "resolution": "resolution",
    "resolutiondate": "resolved",
}  # fmt: skip
_LONGEST = 200


def is_jira_issue(value: Any) -> bool:
    """Return whether a JSON value looks like an issue of Jira."""
    return isinstance(value, dict) and "key" in value and isinstance(value.get("fields"), dict)


def read_jira(pages: Iterable[Any], *, place: str, errors: Errors = "raise") -> TrackerExport:
    """Return the issues and changes of Jira pages (`{"issues": [...]}`), or of bare issues.

    An issue on several pages counts once. Raises `DataError` if there is no issue, or if dates cannot be read (unless
    `errors` is `"quarantine"`).
    """
    found = [page for page in pages if isinstance(page, dict)]
    issues = {str(issue["key"]): issue for issue in _issues(found)}
    if not issues:
        raise DataError(f'"{place}" holds no issue; check the filter (JQL) of the export')
    people = Directory()
    people.learn(_mentioned(issues.values()))
    names: Mapping[str, Any] = next((page["names"] for page in found if isinstance(page.get("names"), dict)), {})
    rows = [_issue_row(key, issue, people, names) for key, issue in issues.items()]
    frame = pd.DataFrame(rows)
    changes = pd.DataFrame(
        [row for key, issue in issues.items() for row in _change_rows(key, issue, people)], columns=list(CHANGE_COLUMNS)
    )
    clipped = [key for key, issue in issues.items() if _is_clipped(issue)]
    stated = [page.get("exportedAt") for page in found if page.get("exportedAt")]
    stamps = [*stated, *(_text(issue["fields"].get("updated")) for issue in issues.values())]
    latest = parse_times(pd.Series(stamps, dtype=object), column="updated").instants
    steps = [Step("read Jira issues", place, len(issues))]
    if clipped:
        detail = f"the changelog of these issues is cut off in the export: {', '.join(clipped[:5])}"
        steps.append(Step("found gaps", detail, len(clipped)))
    unnamed = {one for issue in issues.values() for one in issue["fields"] if one.startswith("customfield_")} - set(
        names
    )
    if unnamed:
        steps.append(
            Step("left out", "custom fields without a name; export with expand=names to keep them", len(unnamed))
        )
    if people.deleted:
        steps.append(Step("name deleted people", ", ".join(people.deleted), len(people.deleted)))
    frame, changes, aside = settle_times(frame, changes, time_zone=None, errors=errors)
    return TrackerExport(
        issues=frame.dropna(axis=1, how="all").reindex(columns=_columns(frame)),
        changes=changes,
        categories=_categories(issues.values(), found),
        taken_at=max(int(latest.max(initial=0)), last_instant(frame, changes)),
        time_zone=_zone(issues.values()),
        quarantine=aside,
        steps=tuple(steps),
    )


def _columns(frame: pd.DataFrame) -> list[str]:
    always = ["issue", "created", "status", "assignee"]
    return always + [one for one in frame.columns if one not in always and frame[one].notna().any()]


def _issues(pages: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for page in pages:
        values = page.get("issues", [page])
        yield from (one for one in values if is_jira_issue(one))


def _histories(issue: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    changelog = issue.get("changelog")
    values = changelog.get("histories", []) if isinstance(changelog, dict) else []
    return [one for one in values if isinstance(one, dict)]


def _is_clipped(issue: Mapping[str, Any]) -> bool:
    changelog = issue.get("changelog")
    total = changelog.get("total") if isinstance(changelog, dict) else None
    return isinstance(total, int) and total > len(_histories(issue))


def _items(history: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    values = history.get("items", [])
    return [one for one in values if isinstance(one, dict)] if isinstance(values, list) else []


def _identity(user: Any) -> tuple[object, object]:
    if not isinstance(user, dict):
        return None, None
    return user.get("accountId") or user.get("key") or user.get("name"), user.get("displayName") or user.get("name")


def _mentioned(issues: Iterable[Mapping[str, Any]]) -> Iterator[tuple[object, object]]:
    for issue in issues:
        yield from (_identity(issue["fields"].get(role)) for role in ("assignee", "reporter", "creator"))
        for history in _histories(issue):
            yield _identity(history.get("author"))
            for item in _items(history):
                if item.get("field") == "assignee":
                    yield item.get("from"), item.get("fromString")
                    yield item.get("to"), item.get("toString")


def _text(value: Any) -> str | None:
    return str(value) if isinstance(value, str | int | float) and str(value).strip() else None


def _shown(value: Any) -> str | float | None:
    """Return what a person would read in a field: its name or value; None if it is not short and simple."""
    if isinstance(value, dict):
        return _shown(next((value[key] for key in ("displayName", "name", "value") if key in value), None))
    if isinstance(value, list):
        parts = [_shown(one) for one in value]
        return _shown(", ".join(map(str, parts))) if parts and None not in parts else None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return value if len(str(value)) <= _LONGEST else None


def _issue_row(key: str, issue: Mapping[str, Any], people: Directory, names: Mapping[str, Any]) -> dict[str, Any]:
    fields = issue["fields"]
    status = fields.get("status")
    row: dict[str, Any] = {
        "issue": key,
        "created": _text(fields.get("created")),
        "status": _text(status.get("name")) if isinstance(status, dict) else _text(status),
        "assignee": people.name(*_identity(fields.get("assignee"))),
    }
    for name, value in fields.items():
        if name in _SKIPPED or (name.startswith("customfield_") and name not in names):
            continue
        shown = people.name(*_identity(value)) if name in ("reporter", "creator") else _shown(value)
        if shown is not None:
            row[_KNOWN.get(name) or str(names.get(name, name))] = shown
    return row


def _change_rows(key: str, issue: Mapping[str, Any], people: Directory) -> Iterator[tuple[Any, ...]]:
    histories = _histories(issue)
    # Jira Cloud lists the newest change first, Jira Server the oldest: the times decide, and the order only in a tie.
    if len(histories) > 1 and str(histories[0].get("created")) > str(histories[-1].get("created")):
        histories = histories[::-1]
    for history in histories:
        author = people.name(*_identity(history.get("author")))
        for item in _items(history):
            field = _FIELDS.get(str(item.get("field")))
            if field == "assignee":
                old = people.name(item.get("from"), item.get("fromString"))
                new = people.name(item.get("to"), item.get("toString"))
            elif field == "status":
                old, new = _text(item.get("fromString")), _text(item.get("toString"))
            else:
                continue
            yield key, _text(history.get("created")), author, field, old, new


def _categories(issues: Iterable[Mapping[str, Any]], pages: Iterable[Mapping[str, Any]]) -> dict[str, Category]:
    """Return the commonest category stated for each status."""
    said: Counter[tuple[str, Category]] = Counter()
    statuses = [issue["fields"].get("status") for issue in issues]
    for page in pages:
        listed = page.get("statuses")
        statuses += listed if isinstance(listed, list) else []
    for status in statuses:
        if isinstance(status, dict) and isinstance(status.get("statusCategory"), dict):
            key = status["statusCategory"].get("key")
            if key in ("new", "indeterminate", "done"):
                said[str(status.get("name")), key] += 1
    out: dict[str, Category] = {}
    for (status, key), _ in said.most_common():
        out.setdefault(status, key)
    return out


def _zone(issues: Iterable[Mapping[str, Any]]) -> str | None:
    """Return the zone of most of the people who changed something."""
    zones = Counter(
        str(history["author"]["timeZone"])
        for issue in issues
        for history in _histories(issue)
        if isinstance(history.get("author"), dict) and history["author"].get("timeZone")
    )
    from zoneinfo import available_timezones

    return next((name for name, _ in zones.most_common() if name in available_timezones()), None)

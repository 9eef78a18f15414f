"""Redmine's REST JSON: issues with journals, and the statuses and users that their ids mean."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pandas as pd

from mkmine.errors import DataError
from mkmine.eventlog import Step
from mkmine.eventlog.formats.dates import parse_times
from mkmine.trackers.export import CHANGE_COLUMNS, Category, Errors, TrackerExport, last_instant, settle_times
from mkmine.trackers.people import Directory

__all__ = ["is_redmine_issue", "read_redmine"]

_KNOWN = {
    "subject": "title", "tracker": "type", "priority": "priority", "due_date": "due", "project": "project",
    "author": "reporter", "category": "category", "fixed_version": "version",
}  # fmt: skip


def is_redmine_issue(value: Any) -> bool:
    """Return whether a JSON value looks like an issue of Redmine."""
    return isinstance(value, dict) and "id" in value and "created_on" in value and isinstance(value.get("status"), dict)


def read_redmine(pages: Iterable[Any], *, place: str, errors: Errors = "raise") -> TrackerExport:
    """Return the issues and changes of Redmine pages (`{"issues": [...], "issue_statuses": [...], "users": [...]}`).

    A status id that neither the issues nor `issue_statuses` name is called `status 9`; a user id that nothing names is
    a deleted user. Raises `DataError` if there is no issue with journals, or if dates cannot be read (unless `errors`
    is `"quarantine"`).
    """
    found = [page for page in pages if isinstance(page, dict)]
    issues = {
        str(issue["id"]): issue for page in found for issue in page.get("issues", [page]) if is_redmine_issue(issue)
    }
    if not issues:
        raise DataError(f'"{place}" holds no issue; check the filter of the export')
    if not any("journals" in issue for issue in issues.values()):
        raise DataError(f'"{place}" holds issues without journals; ask the server for them with include=journals')
    listed = [one for page in found for one in page.get("issue_statuses") or [] if isinstance(one, dict)]
    statuses = {str(one.get("id")): str(one.get("name")) for one in [*listed, *(i["status"] for i in issues.values())]}
    people = Directory()
    people.learn(_mentioned(found, issues.values()))
    frame = pd.DataFrame([_issue_row(key, issue, people) for key, issue in issues.items()])
    changes = pd.DataFrame(
        [row for key, issue in issues.items() for row in _change_rows(key, issue, people, statuses)],
        columns=list(CHANGE_COLUMNS),
    )
    updated = pd.Series([issue.get("updated_on") for issue in issues.values()], dtype=object)
    latest = parse_times(updated, column="updated_on").instants
    unnamed = sorted({one for one in changes[["old", "new"]].to_numpy().ravel() if str(one).startswith("status ")})
    steps = [Step("read Redmine issues", place, len(issues))]
    if unnamed:
        steps.append(Step("found unnamed statuses", ", ".join(unnamed), len(unnamed)))
    if people.deleted:
        steps.append(Step("name deleted people", ", ".join(people.deleted), len(people.deleted)))
    frame, changes, aside = settle_times(frame, changes, time_zone=None, errors=errors)
    return TrackerExport(
        issues=frame,
        changes=changes,
        categories=_categories([*listed, *(issue["status"] for issue in issues.values())]),
        taken_at=max(int(latest.max(initial=0)), last_instant(frame, changes)),
        quarantine=aside,
        steps=tuple(steps),
    )


def _full_name(user: Mapping[str, Any]) -> object:
    return user.get("name") or " ".join(str(user[key]) for key in ("firstname", "lastname") if user.get(key))


def _mentioned(
    pages: Iterable[Mapping[str, Any]], issues: Iterable[Mapping[str, Any]]
) -> Iterator[tuple[object, object]]:
    users = [user for page in pages for user in page.get("users") or []]
    for issue in issues:
        users += [issue.get("author"), issue.get("assigned_to")]
        users += [journal.get("user") for journal in _journals(issue)]
    for user in users:
        if isinstance(user, dict):
            yield user.get("id"), _full_name(user)


def _journals(issue: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    values = issue.get("journals")
    return [one for one in values if isinstance(one, dict)] if isinstance(values, list) else []


def _person(user: Any, people: Directory) -> str | None:
    return people.name(user.get("id"), _full_name(user)) if isinstance(user, dict) else None


def _issue_row(key: str, issue: Mapping[str, Any], people: Directory) -> dict[str, Any]:
    row: dict[str, Any] = {
        "issue": key,
        "created": issue["created_on"],
        "status": str(issue["status"].get("name")),
        "assignee": _person(issue.get("assigned_to"), people),
    }
    for name, column in _KNOWN.items():
        value = issue.get(name)
        row[column] = value.get("name") if isinstance(value, dict) else value
    for custom in issue.get("custom_fields") or []:
        if isinstance(custom, dict) and isinstance(custom.get("value"), str) and custom["value"]:
            row[str(custom.get("name"))] = custom["value"]
    return row


def _change_rows(
    key: str, issue: Mapping[str, Any], people: Directory, statuses: Mapping[str, str]
) -> Iterator[tuple[Any, ...]]:
    for journal in _journals(issue):
        author = _person(journal.get("user"), people)
        details = journal.get("details")
        for detail in details if isinstance(details, list) else []:
            what = detail.get("name") if isinstance(detail, dict) and detail.get("property") == "attr" else None
            if what == "status_id":
                values = [
                    None if one in (None, "") else statuses.get(str(one), f"status {one}")
                    for one in (detail.get("old_value"), detail.get("new_value"))
                ]
                yield key, journal.get("created_on"), author, "status", *values
            elif what == "assigned_to_id":
                names = [people.name(one, None) for one in (detail.get("old_value"), detail.get("new_value"))]
                yield key, journal.get("created_on"), author, "assignee", *names


def _categories(statuses: Iterable[Mapping[str, Any]]) -> dict[str, Category]:
    """Return `done` for the statuses that close an issue; Redmine says no more."""
    return {str(one.get("name")): "done" for one in statuses if one.get("is_closed") is True}

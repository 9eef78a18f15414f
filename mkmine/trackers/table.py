"""Tables: the history of status changes as rows, with the list of issues beside it; headers Russian or English."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from mkmine.errors import DataError, UnknownNameError
from mkmine.eventlog import Step
from mkmine.eventlog.formats.tabular import Table, read_table
from mkmine.trackers.export import CHANGE_COLUMNS, Errors, TrackerExport, last_instant, settle_times
from mkmine.trackers.people import Directory, is_deleted

__all__ = ["HISTORY", "ISSUES", "find_columns", "is_history", "is_issue_list", "read_tables"]

HISTORY: Mapping[str, Sequence[str]] = {
    "issue": ("ключ задачи", "ключ запроса", "ключ", "номер задачи", "задача", "номер", "issue key", "issue",
              "issue id", "key", "task key", "task", "task id", "ticket", "#"),
    "at": ("дата изменения", "изменено", "когда изменено", "когда", "дата и время", "время изменения", "дата", "время",
           "changed at", "change date", "changed", "date", "at", "timestamp", "time", "created"),
    "author": ("автор изменения", "кто изменил", "изменил", "автор", "пользователь", "author", "changed by", "user"),
    "field": ("поле", "что изменено", "атрибут", "field", "attribute", "property", "item"),
    "old": ("было", "старое значение", "старый статус", "прежнее значение", "прежний статус", "предыдущий статус",
            "прежний", "старый", "из статуса", "исходный статус", "из", "from", "from status", "old value",
            "old status", "old", "fromstring", "from string", "previous status"),
    "new": ("стало", "новое значение", "новый статус", "новый", "в статус", "статус", "to", "to status", "new value",
            "new", "tostring", "to string", "new status", "status"),
}  # fmt: skip
ISSUES: Mapping[str, Sequence[str]] = {
    "issue": HISTORY["issue"],
    "created": ("создано", "создана", "создан", "дата создания", "created", "created at", "created on"),
    "status": ("статус", "текущий статус", "состояние", "status", "state", "current status"),
    "assignee": ("исполнитель", "ответственный", "назначена", "назначен", "assignee", "assigned to", "owner"),
    "title": ("тема", "название", "заголовок", "summary", "subject", "title", "name"),
    "type": ("тип", "тип задачи", "трекер", "issue type", "type", "tracker"),
    "priority": ("приоритет", "priority"),
    "due": ("срок", "срок исполнения", "дедлайн", "due date", "due", "deadline"),
    "reporter": ("автор", "постановщик", "заказчик", "reporter", "author", "creator"),
}  # fmt: skip
# What the lists of issues that Jira and Redmine export have, one of each: the key, the summary, the kind, the status.
LISTS = (
    (("issue key", "ключ задачи", "ключ запроса", "ключ проблемы"), ("summary", "тема"), ("issue id", "issue type",
     "тип задачи", "тип запроса", "тип проблемы", "id задачи"), ("status", "статус")),
    (("#",), ("subject", "тема"), ("tracker", "трекер"), ("status", "статус")),
)  # fmt: skip
_STATUS = ("статус", "состояние", "status", "state", "status_id")
_ASSIGNEE = ("исполнитель", "ответственный", "assignee", "assigned to", "assigned_to_id", "owner")
_CREATION = ("создание", "задача создана", "создано", "created", "creation", "issue created")


def find_columns(columns: Sequence[object], known: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return which column of a table plays each part, by its header; parts without a column are absent."""
    plain = {_plain(column): str(column) for column in reversed(list(columns))}
    found: dict[str, str] = {}
    for part, names in known.items():
        column = next((plain[name] for name in names if name in plain and plain[name] not in found.values()), None)
        if column is not None:
            found[part] = column
    return found


def is_history(columns: Sequence[object]) -> bool:
    """Return whether headers are those of a history of changes: an issue, a time, an old and a new value."""
    found = find_columns(columns, HISTORY)
    return {"issue", "at", "old", "new"} <= set(found)


def is_issue_list(columns: Sequence[object]) -> bool:
    """Return whether headers are those of a list of issues as Jira and Redmine export it, which tells no changes."""
    plain = {_plain(column) for column in columns}
    known = any(all(plain & set(names) for names in parts) for parts in LISTS)
    return known and not is_history(columns)


def read_tables(
    history: Path,
    *,
    issues: Path | None = None,
    columns: Mapping[str, str] | None = None,
    time_zone: str | None = None,
    errors: Errors = "raise",
) -> TrackerExport:
    """Return the issues and changes of a history table and, if given, of the list of issues.

    `columns` names the columns that the headers do not give away, e.g. `{"at": "Когда"}`. Without a `field` column
    every row is a change of status. Without a list of issues the first status of an issue begins with its creation row,
    or else is unknown.

    Raises `DataError` if a needed column is not found, a table is empty, or dates cannot be read (unless `errors` is
    `"quarantine"`).
    """
    table = read_table(history, errors=errors)
    if not columns and is_issue_list(table.columns.column_names):
        raise DataError(
            f'"{history.name}" has one row per issue: it is a list of issues, not their history; export that as JSON '
            f"(Jira: /rest/api/2/search?expand=changelog, Redmine: /issues/<id>.json?include=journals), or name the "
            f"columns of a log with case=..., activity=..., end=..."
        )
    found = _settled(table, HISTORY, columns or {}, needed=("issue", "at", "new"), what="history of status changes")
    changes, created = _changes(table.frame, found)
    steps = [Step("read history", f"{history.name}: {table.note}; columns {_said(found)}", len(table.frame))]
    if issues is None:
        frame = _issues_of(changes, created)
    else:
        listed = read_table(issues, errors=errors)
        placed = _settled(listed, ISSUES, columns or {}, needed=("issue",), what="list of issues")
        frame = _issue_list(listed.frame, placed)
        steps.append(Step("read list of issues", f"{issues.name}: columns {_said(placed)}", len(frame)))
        frame, extra = _with_creation(frame, created)
        steps += extra
    people = Directory()
    for frame_, name in ((changes, "author"), (frame, "assignee")):
        frame_[name] = _persons(frame_[name], people)
    assigned = changes["field"] == "assignee"
    for side in ("old", "new"):
        changes.loc[assigned, side] = _persons(changes.loc[assigned, side], people)
    if people.deleted:
        steps.append(Step("name deleted people", ", ".join(people.deleted), len(people.deleted)))
    frame, changes, aside = settle_times(frame, changes, time_zone=time_zone, errors=errors)
    if len(table.aside):
        aside = pd.concat([aside, table.aside], ignore_index=True) if len(aside) else table.aside
    return TrackerExport(
        issues=frame,
        changes=changes,
        taken_at=last_instant(frame, changes),
        quarantine=aside,
        steps=tuple(steps),
    )


def _plain(header: object) -> str:
    return (
        re.sub(r"[\s_]+", " ", str(header)).strip(" :*").casefold().replace("ё", "е").replace("назначен на", "назначен")
    )


def _said(found: Mapping[str, str]) -> str:
    return ", ".join(f"{part} = {column}" for part, column in found.items())


def _settled(
    table: Table, known: Mapping[str, Sequence[str]], given: Mapping[str, str], *, needed: Sequence[str], what: str
) -> dict[str, str]:
    headers = [str(one) for one in table.frame.columns]
    if table.frame.empty:
        raise DataError(f"the {what} is empty: it has a header and no row; export it again")
    chosen = {part: column for part, column in given.items() if part in known and column in headers}
    unknown = [column for part, column in given.items() if part in needed and column not in headers]
    if unknown and known is HISTORY:
        raise UnknownNameError.of(kind="column", name=unknown[0], known=headers, where=f"the {what}")
    free = [one for one in headers if one not in chosen.values()]
    found = find_columns(free, {part: names for part, names in known.items() if part not in chosen}) | chosen
    missing = [part for part in needed if part not in found]
    if missing:
        meant = {"issue": "the issue key", "at": "the time of the change", "new": "the new status"}
        raise DataError(
            f"the {what} has no column for {' and for '.join(meant.get(one, one) for one in missing)}; its columns are "
            f'{", ".join(headers[:20])}; name the right one in the mapping, e.g. columns: {{{missing[0]}: "Имя"}}'
        )
    return found


def _changes(table: pd.DataFrame, found: Mapping[str, str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the changes of status and assignee, and the rows that say when issues were created [issue, created]."""
    part = {
        name: _clean(table[found[name]]) if name in found else None for name in ("issue", "at", "author", "old", "new")
    }
    frame = pd.DataFrame({name: values for name, values in part.items() if values is not None}, index=table.index)
    frame = frame.reindex(columns=["issue", "at", "author", "old", "new"]).astype(object)
    if "old" not in found and not frame["issue"].duplicated().any():
        raise DataError(
            f"the table has one row per issue ({len(frame):,}) and no old value: it is a list of issues, not their "
            f"history; export the changes of status (Jira: expand=changelog, Redmine: include=journals)"
        )
    lost = frame["new"].astype(str).str.fullmatch(r"[?\s]*\?[?\s]*")
    if lost.any():
        raise DataError(
            f"the letters of {int(lost.sum()):,} statuses were lost in the export (first: "
            f'"{frame["new"][lost].iloc[0]}"); export again as UTF-8'
        )
    if "field" not in found:
        field = pd.Series("status", index=frame.index, dtype=object)
    else:
        said = table[found["field"]].astype(str).str.strip().str.casefold()
        groups = {**dict.fromkeys(_STATUS, "status"), **dict.fromkeys(_ASSIGNEE, "assignee")}
        groups |= {**dict.fromkeys(_CREATION, "creation")}
        field = said.map(groups)
        if not (field == "status").any():
            raise DataError(
                f'the column "{found["field"]}" says nowhere that a status changed (it holds: '
                f'{", ".join(said.unique()[:8])}); it must hold "Статус" or "Status" in those rows'
            )
    frame["field"] = field
    born = (frame["field"] == "creation") | ((frame["field"] == "status") & frame["old"].isna())
    if "old" not in found:
        born = frame["field"] == "creation"
    created = frame.loc[born, ["issue", "at"]].drop_duplicates("issue").set_axis(["issue", "created"], axis=1)
    frame = frame[frame["field"].isin(["status", "assignee"])]
    return frame[list(CHANGE_COLUMNS)].reset_index(drop=True), created.reset_index(drop=True)


def _clean(values: pd.Series) -> pd.Series:
    text = values.astype(object).where(values.notna(), "").astype(str).str.strip()
    return text.astype(object).where(text != "", None)


def _issues_of(changes: pd.DataFrame, created: pd.DataFrame) -> pd.DataFrame:
    """Return the issues of a history that has no list of them."""
    keys = pd.DataFrame({"issue": changes["issue"].dropna().drop_duplicates()})
    frame = keys.merge(created, on="issue", how="left").assign(status=None, assignee=None)
    return frame.astype(object).where(frame.notna(), None)


def _issue_list(table: pd.DataFrame, found: Mapping[str, str]) -> pd.DataFrame:
    taken = set(found.values())
    frame = pd.DataFrame({part: _clean(table[column]) for part, column in found.items()})
    for column in table.columns:
        if column not in taken and str(column) not in frame:
            frame[str(column)] = _clean(table[column])
    first = ["issue", "created", "status", "assignee"]
    return frame.reindex(columns=[*first, *(one for one in frame.columns if one not in first)]).astype(object)


def _with_creation(frame: pd.DataFrame, created: pd.DataFrame) -> tuple[pd.DataFrame, list[Step]]:
    """Return the issues once each, with creation times from the history where the list has none."""
    repeated = int(frame["issue"].duplicated().sum())
    frame = frame.drop_duplicates("issue").reset_index(drop=True)
    from_history = frame["issue"].map(created.set_index("issue")["created"])
    frame["created"] = frame["created"].where(frame["created"].notna(), from_history)
    steps = [Step("left out", "issues listed more than once", repeated)] if repeated else []
    return frame, steps


def _persons(names: pd.Series, people: Directory) -> pd.Series:
    unique = {one: people.name(one if is_deleted(str(one)) else None, one) for one in names.dropna().unique()}
    return names.map(unique).astype(object).where(names.notna(), None)

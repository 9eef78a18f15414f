"""A tracker's workflow as a process model: which statuses there are, and which changes between them are allowed.

    from,to
    ,New
    New,In progress
    In progress,Review
    Review,In progress
    Review,Done

Read are a table of allowed changes (CSV with the columns `from` and `to`, or Redmine's `old_status` and `new_status`),
the JSON of Jira's REST API (`/workflow/search?expand=transitions,statuses` and `/workflows`), and Redmine's
`{"issue_statuses": [...], "workflows": [...]}` with the rows of its table `workflows`.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Final

from mkmine.errors import DataError, UnknownNameError
from mkmine.files import checked_path
from mkmine.targets.model import Flow, Node, ProcessModel

__all__ = ["read_workflow"]

_LONGEST: Final = 500  # characters of a status
_FROM: Final = ("from", "old_status", "old_status_id", "из", "from_status")
_TO: Final = ("to", "new_status", "new_status_id", "в", "to_status")
_LARGEST: Final = 50_000_000
_MOST_STATUSES: Final = 1_000


@dataclass
class _Workflow:
    """Statuses by key with their names, those that end a case, and allowed changes (None: a case is made)."""

    name: str
    statuses: dict[str, str] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    changes: list[tuple[str | None, str]] = field(default_factory=list)
    everywhere: set[str] = field(default_factory=set)


def read_workflow(
    path: str | Path,
    *,
    name: str | None = None,
    done: Iterable[str] = (),
    activities: Mapping[str, str | None] | None = None,
) -> ProcessModel:
    """Read which changes of status a tracker allows, as a process model: a status is a task, a change is a way.

    Parameters
    ----------
    name
        Which workflow, where a file holds several.
    done
        Statuses that end a case, beside those that the file marks as such; without any, those that nothing leaves. A
        case may be opened again from them where that is allowed.
    activities
        What statuses are called in the log: `{"In progress": "Writing"}`. Statuses of one activity are one task;
        `None` stands for a status in which nothing is done (a queue), which is passed through.

    Statuses to which no change leads from the beginning are left out, and the `documentation` of the model says so.

    Raises `DataError` if the file is missing or holds no workflow, no change makes a case, or a case cannot end, and
    `UnknownNameError` for a workflow or a status that it does not have.
    """
    file = checked_path(path)
    if not file.is_file():
        raise DataError(f'there is no file "{file}"; give the workflow that was exported from the tracker')
    if file.stat().st_size > _LARGEST:
        raise DataError(f'"{file}" is larger than a workflow ever is; give the export of the workflow alone')
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f'"{file}" is not UTF-8 text; save it as CSV or JSON in UTF-8') from None
    found = list(_of_json(text, file) if text.lstrip()[:1] in ("{", "[") else _of_table(text, file))
    if name is not None and name not in [one.name for one in found]:
        raise UnknownNameError.of(kind="workflow", name=name, known=[one.name for one in found], where=str(file))
    if name is None and len(found) > 1:
        raise DataError(
            f'"{file}" holds {len(found)} workflows; choose one by name: {", ".join(one.name for one in found[:10])}'
        )
    chosen = next(one for one in found if name in (None, one.name))
    return _drawn(chosen, file, tuple(done), activities or {})


# -- files -------------------------------------------------------------------------------------------------------------


def _of_table(text: str, file: Path) -> Iterator[_Workflow]:
    try:
        dialect: Any = csv.Sniffer().sniff(text[:10_000], delimiters=",;\t|")
    except csv.Error:
        dialect = csv.excel
    rows = csv.DictReader(text.splitlines(), dialect=dialect)
    try:
        lines = list(rows)
    except csv.Error as error:
        raise DataError(f'"{file}" is no table of allowed changes ({error}); save one change a row as CSV') from None
    columns = {str(one).strip().casefold(): one for one in rows.fieldnames or ()}
    source = next((columns[one] for one in _FROM if one in columns), None)
    target = next((columns[one] for one in _TO if one in columns), None)
    if source is None or target is None:
        raise DataError(
            f'"{file}" is no table of allowed changes: it needs the columns "from" and "to", found '
            f"{', '.join(map(repr, columns)) or 'none'}"
        )
    flow = _Workflow(file.stem)
    for row in lines:
        before, after = ((row[one] or "").strip() for one in (source, target))
        if max(len(before), len(after)) > _LONGEST:
            raise DataError(
                f'"{file}" is no table of allowed changes: the status "{max(before, after, key=len)[:40]}…" is longer '
                f"than {_LONGEST} characters; save one change a row as CSV"
            )
        if after:
            _change(flow, before if before not in ("", "0") else None, after)
    yield flow


def _change(flow: _Workflow, before: str | None, after: str) -> None:
    for one in (before, after):
        if one is not None:
            flow.statuses.setdefault(one, one)
    flow.changes.append((before, after))


def _of_json(text: str, file: Path) -> Iterator[_Workflow]:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f'"{file}" is not JSON ({error}); save the answer of the tracker as it is') from None
    pages = values if isinstance(values, list) else [values]
    before = 0
    for page in (one for one in pages if isinstance(one, dict)):
        if isinstance(page.get("issue_statuses"), list):
            yield _of_redmine(page, file)
            before += 1
            continue
        shared = _dicts(page.get("statuses"))
        flows = _dicts(page.get("workflows")) or _dicts(page.get("values")) or [page]
        for one in flows:
            if _dicts(one.get("transitions")):
                yield _of_jira(one, shared, file)
                before += 1
    if not before:
        raise DataError(
            f'"{file}" holds no workflow with transitions; ask Jira for /workflow/search?expand=transitions,statuses, '
            "or give Redmine's issue_statuses and workflows"
        )


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _of_redmine(page: Mapping[str, Any], file: Path) -> _Workflow:
    flow = _Workflow(file.stem)
    for one in _dicts(page.get("issue_statuses")):
        flow.statuses[str(one.get("id"))] = str(one.get("name") or one.get("id"))
        flow.done |= {str(one.get("id"))} if one.get("is_closed") else set()
    for one in _dicts(page.get("workflows")):
        before, after = (str(one.get(key) or "0") for key in ("old_status_id", "new_status_id"))
        if after != "0":
            flow.statuses.setdefault(after, f"status {after}")
            flow.changes.append((None if before == "0" else before, after))
    return flow


def _of_jira(one: Mapping[str, Any], shared: list[dict[str, Any]], file: Path) -> _Workflow:
    named = one.get("name") or (one["id"].get("name") if isinstance(one.get("id"), dict) else None)
    flow = _Workflow(str(named or file.stem))
    known = {str(status.get("statusReference") or status.get("id")): status for status in shared}
    for status in _dicts(one.get("statuses")):
        key = str(status.get("statusReference") or status.get("id"))
        told = known.get(key, {}) | status
        category = told.get("statusCategory")
        flow.statuses[key] = str(told.get("name") or key)
        if str(category.get("key") if isinstance(category, dict) else category).casefold() == "done":
            flow.done.add(key)
    for change in _dicts(one.get("transitions")):
        after = str(change.get("toStatusReference") or _reference(change.get("to")) or "")
        if not after:
            continue
        flow.statuses.setdefault(after, after)
        sources = [link.get("fromStatusReference") for link in _dicts(change.get("links"))]
        listed = change.get("from")
        sources += [_reference(part) for part in listed] if isinstance(listed, list) else []
        kind = str(change.get("type") or "").casefold()
        if kind == "initial":
            flow.changes.append((None, after))
        elif kind == "global" or not any(sources):
            flow.everywhere.add(after)
        else:
            flow.changes += [(str(part), after) for part in sources if part]
    return flow


def _reference(value: Any) -> str | None:
    """Return the id of a status, which stands alone or in an object."""
    if isinstance(value, dict):
        value = value.get("statusReference") or value.get("id")
    return str(value) if isinstance(value, str | int) and str(value) else None


# -- the model ---------------------------------------------------------------------------------------------------------


def _drawn(flow: _Workflow, file: Path, done: tuple[str, ...], activities: Mapping[str, str | None]) -> ProcessModel:
    """Return a workflow as a process model; statuses of one activity are one task."""
    names = list(dict.fromkeys(flow.statuses.values()))
    if len(names) > _MOST_STATUSES:
        raise DataError(f'"{file}" has {len(names):,} statuses; a workflow has at most {_MOST_STATUSES:,}')
    for one in (*done, *activities):
        if one not in names:
            raise UnknownNameError.of(kind="status", name=one, known=names, where=str(file))
    called = {key: activities.get(name, name) or f"\0{name}" for key, name in flow.statuses.items()}
    ends: set[str | None] = {called[key] for key, name in flow.statuses.items() if name in done or key in flow.done}
    pairs = [(None if a is None else called[a], called[b]) for a, b in flow.changes if a is None or a in called]
    pairs += [(a, called[b]) for b in flow.everywhere for a in dict.fromkeys(called.values()) if a not in ends]
    ways = list(dict.fromkeys((a, b) for a, b in pairs if a != b))
    if not any(a is None for a, _ in ways):
        raise DataError(
            f'"{file}": no change makes a case; say in which status issues begin, by a row with an empty "from"'
        )
    begun = _reached(ways, {None})
    gone = [one for one in dict.fromkeys(one for way in ways for one in way) if one not in begun]
    ways = [(a, b) for a, b in ways if a in begun]
    ends &= begun
    ends = ends or {b for _, b in ways if b not in {a for a, _ in ways}}
    if not ends:
        raise DataError(f'"{file}": every status leads to another one; say which statuses end a case: done=["Closed"]')
    ending = _reached([(b, a) for a, b in ways], ends)
    if stuck := [b for b in dict.fromkeys(b for _, b in ways) if b not in ending]:
        raise DataError(
            f'"{file}": a case cannot end any more from {_told(stuck)}; add a row that leads on from there, or say '
            f"that it ends a case: done=[{_told(stuck[-1:])}]"
        )
    left_out = f"Left out, because no case can come to them: {_told(gone)}." if gone else ""
    return _model(flow.name, file, ways, ends, left_out)


def _reached(ways: Iterable[tuple[str | None, str | None]], first: Iterable[str | None]) -> set[str | None]:
    """Return where ways lead from some statuses, with these."""
    after: dict[str | None, list[str | None]] = {}
    for a, b in ways:
        after.setdefault(a, []).append(b)
    seen, todo = set(first), list(first)
    while todo:
        for one in after.get(todo.pop(), []):
            if one not in seen:
                seen.add(one)
                todo.append(one)
    return seen


def _told(statuses: Iterable[str | None]) -> str:
    return ", ".join(f'"{(one or "").removeprefix(chr(0))}"' for one in statuses)


def _model(
    name: str, file: Path, ways: list[tuple[str | None, str]], ends: set[str | None], documentation: str
) -> ProcessModel:
    numbers = count(1)
    nodes, flows = [Node(id="start", kind="start"), Node(id="end", kind="end")], list[Flow]()

    def lead(source: str, target: str) -> None:
        flows.append(Flow(id=f"flow_{next(numbers)}", source=source, target=target))

    statuses = list(dict.fromkeys(status for way in ways for status in way if status is not None))
    works = {status for status in statuses if status not in ends and not status.startswith("\0")}
    # Several ways meet in a gateway before a task; a status without work is a gateway itself.
    meets = {status for status in statuses if status not in works or sum(b == status for _, b in ways) > 1}
    number = {status: n for n, status in enumerate(statuses, 1)}
    into = {status: f"{'into' if status in meets else 'task'}_{n}" for status, n in number.items()}
    first = [b for a, b in ways if a is None]
    choosing = "begin" if len(first) > 1 else "start"
    if len(first) > 1:
        nodes.append(Node(id="begin", kind="exclusive"))
        lead("start", "begin")
    for status in first:
        lead(choosing, into[status])
    for status, n in number.items():
        last, targets = into[status], [into[b] for a, b in ways if a == status]
        targets += ["end"] if status in ends or not targets else []
        if status in meets:
            nodes.append(Node(id=last, kind="exclusive"))
        if status in works:
            nodes.append(Node(id=f"task_{n}", kind="task", name=status))
            if status in meets:
                lead(last, f"task_{n}")
            last = f"task_{n}"
            if len(targets) > 1:
                nodes.append(Node(id=f"after_{n}", kind="exclusive"))
                lead(last, last := f"after_{n}")
        for target in targets:
            lead(last, target)
    return ProcessModel(
        nodes=tuple(nodes), flows=tuple(flows), name=name, documentation=documentation, source=str(file)
    )

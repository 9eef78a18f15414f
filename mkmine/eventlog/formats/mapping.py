"""Which column is which: a mapping, told, loaded from YAML, or guessed from names and contents, with its reasons."""

from __future__ import annotations

import re
from collections.abc import Mapping as Dict
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any, Literal, get_args

import pandas as pd
import pyarrow as pa
import yaml

from mkmine.errors import DataError, UnknownNameError
from mkmine.eventlog.formats.coding import distinct
from mkmine.eventlog.formats.dates import looks_like_times
from mkmine.eventlog.formats.lifecycle import Order, Policy, Suspended, Unmatched
from mkmine.eventlog.formats.table import is_text
from mkmine.eventlog.notebook import html_table
from mkmine.files import read_yaml, write_text

__all__ = ["COLUMNS", "Mapping", "MappingGuess", "Semantic", "guess", "named_like"]

Semantic = Literal["interval", "completed", "entered"]
# Rows in which a repeated value is looked for first.
GLANCE = 10_000
COLUMNS = ("case", "activity", "start", "end", "enabled", "resource", "role", "lifecycle", "instance")

# Names in order of trust, in the form of `_plain`; the first one that a column has wins.
NAMES: Dict[str, tuple[str, ...]] = {
    "case": (
        "case concept name", "case id", "caseid", "case key", "case number", "case", "trace id", "trace", "case name",
        "process instance id", "process instance", "issue key", "issue id", "ticket id", "ticket number", "incident id",
        "incident number", "sr number", "task id", "order id", "request id", "request number", "application id",
        "issue", "ticket", "incident", "id экземпляра", "экземпляр", "id кейса", "кейс", "id процесса", "ключ задачи",
        "ключ запроса", "id задачи", "номер задачи", "код задачи", "id заявки", "номер заявки", "номер обращения",
        "id обращения", "номер заказа", "задача", "заявка", "обращение", "заказ", "ключ", "key", "номер", "task", "id",
    ),
    "activity": (
        "concept name", "activity", "activity name", "activityname", "activity en", "event name", "task name",
        "операция", "действие", "активность", "название действия", "этап", "шаг", "событие", "новый статус", "в статус",
        "статус после", "to status", "new status", "status to", "to string", "статус", "состояние", "status", "state",
        "stage", "step", "operation", "action", "event", "activity id",
    ),
    "start": (
        "start timestamp", "start time", "starttime", "started", "start", "start date", "started at", "begin", "from",
        "actual start", "время начала", "дата начала", "начало", "начало работы", "начато", "старт", "дата старта",
    ),
    "end": (
        "end timestamp", "end time", "endtime", "complete timestamp", "completion time", "complete time", "completed",
        "completed at", "end date", "end", "finish time", "finish", "finished", "finished at", "actual end", "to",
        "время окончания", "дата окончания", "время завершения", "дата завершения", "окончание", "завершение", "конец",
        "завершено", "time timestamp", "timestamp", "event time", "eventtime", "event timestamp", "date time",
        "datetime", "дата и время", "дата события", "время события", "дата изменения", "время изменения", "изменено",
        "changed at", "change date", "changed", "updated at", "created at", "created", "дата", "время", "date", "time",
    ),
    "enabled": (
        "enabled time", "enabled timestamp", "enablement time", "enable time", "enabled", "enabled at", "ready time",
        "queued at", "время готовности", "дата поступления", "поступило", "время поступления",
    ),
    "resource": (
        "org resource", "resource", "resource name", "performer", "executor", "assignee", "assigned to", "user",
        "user name", "username", "employee", "worker", "agent", "originator", "actor", "исполнитель", "ответственный",
        "сотрудник", "пользователь", "ресурс", "кто изменил", "кто", "автор изменения", "author", "автор", "owner",
    ),
    "role": (
        "org role", "role", "org group", "group", "team", "department", "position", "роль", "должность", "команда",
        "группа", "отдел", "подразделение",
    ),
    "lifecycle": ("lifecycle transition", "lifecycle", "transition", "event type", "eventtype"),
    "instance": ("concept instance", "activity instance id", "activity instance", "event instance id"),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Mapping:
    """Which columns of a table are what, and how its times are meant; what is None is guessed.

    Attributes
    ----------
    case, activity, start, end, enabled, resource, role
        Column names. Several activity columns are joined by ` / `.
    lifecycle, instance
        Columns of lifecycle transitions (start, complete) and of the id that pairs them.
    attributes, case_attributes
        Further columns to keep, per instance and per case; None keeps all that are left.
    final
        Activities with which a case is finished; a case that ends with another is open.
    date_format
        A `strptime` format for all time columns.
    time_zone
        IANA name of the zone in which times without an offset are meant and all are shown.
    timestamps
        `"interval"`: a row has start and end; `"completed"`: a row is a completion; `"entered"`: a row is the entry
        into a status, which lasts until the case's next row.
    pairing, suspended, unmatched
        How starts and completions of a lifecycle are paired, see `mkmine.eventlog.formats.lifecycle.Policy`.
    """

    case: str | None = None
    activity: str | tuple[str, ...] | None = None
    start: str | None = None
    end: str | None = None
    enabled: str | None = None
    resource: str | None = None
    role: str | None = None
    lifecycle: str | None = None
    instance: str | None = None
    attributes: tuple[str, ...] | None = None
    case_attributes: tuple[str, ...] | None = None
    final: tuple[str, ...] | None = None
    date_format: str | None = None
    time_zone: str | None = None
    timestamps: Semantic | None = None
    pairing: Order | None = None
    suspended: Suspended | None = None
    unmatched: Unmatched | None = None

    def __repr__(self) -> str:
        told = {name: getattr(self, name) for name in self.__slots__}
        return f"Mapping({', '.join(f'{name}={value!r}' for name, value in told.items() if value is not None)})"

    def __post_init__(self) -> None:
        for name in ("activity", "attributes", "case_attributes", "final"):
            value = getattr(self, name)
            if isinstance(value, list) or (name != "activity" and isinstance(value, str)):
                object.__setattr__(self, name, tuple(value) if isinstance(value, list) else (value,))
        if self.activity == ():
            raise DataError("activity=() names no column; name one or several, or leave it out to have it guessed")
        if self.timestamps is not None and self.timestamps not in get_args(Semantic):
            raise UnknownNameError.of(kind="meaning of timestamps", name=str(self.timestamps), known=get_args(Semantic))
        self.policy()

    def policy(self) -> Policy:
        """Return how the events of a lifecycle are paired."""
        told = {name: getattr(self, name) for name in ("pairing", "suspended", "unmatched")}
        return Policy(**{name: value for name, value in told.items() if value is not None})

    @property
    def activity_columns(self) -> tuple[str, ...]:
        """The activity columns, none, one or several."""
        if self.activity is None:
            return ()
        return (self.activity,) if isinstance(self.activity, str) else self.activity

    def columns(self) -> tuple[str, ...]:
        """Return every column that the mapping names."""
        single = (getattr(self, name) for name in COLUMNS if name != "activity")
        extra = (*(self.attributes or ()), *(self.case_attributes or ()))
        return tuple(dict.fromkeys([*self.activity_columns, *(one for one in single if one is not None), *extra]))

    def check(self, known: Sequence[str], where: str) -> None:
        """Raise `UnknownNameError` if a column that the mapping names is not among `known`."""
        for name in self.columns():
            if name not in known:
                raise UnknownNameError.of(kind="column", name=str(name), known=list(map(str, known)), where=where)

    def to_dict(self) -> dict[str, Any]:
        """Return the parts that are set, as plain values."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return {key: list(v) if isinstance(v, tuple) else v for key, v in values.items() if v is not None}

    @classmethod
    def from_dict(cls, values: Dict[str, Any]) -> Mapping:
        """Read what `to_dict` wrote.

        Raises `UnknownNameError` if a key is not known, `DataError` if a value is no
        text.
        """
        known = {one.name for one in fields(cls)}
        lists = {"activity", "attributes", "case_attributes", "final"}
        for key, value in values.items():
            if key not in known:
                raise UnknownNameError.of(kind="key of a mapping", name=str(key), known=sorted(known))
            listed = key in lists and isinstance(value, list) and all(isinstance(one, str) for one in value)
            if not (value is None or isinstance(value, str) or listed):
                raise DataError(f'"{key}: {value}" of a mapping is not a name; write the name of a column')
        plain: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}
        return cls(**plain)

    def save(self, path: str | Path) -> Path:
        """Write the mapping as YAML; return the path. Raises `DataError` if the place cannot be written."""
        return write_text(path, yaml.safe_dump(self.to_dict(), allow_unicode=True, sort_keys=False))

    @classmethod
    def load(cls, path: str | Path) -> Mapping:
        """Read a mapping from YAML. Raises `DataError` if the file is absent or is not a mapping."""
        return cls.from_dict(read_yaml(path, what="mapping of columns"))


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class MappingGuess:
    """A mapping that was found out, and how.

    Attributes
    ----------
    mapping
        It can be saved, corrected, and given to `read`.
    reasons
        Why each column plays its part.
    columns
        By column: the part it plays ("attribute" for what is kept beside), and some of its values.
    source
        What was looked at, and how it was read.
    """

    mapping: Mapping
    reasons: tuple[str, ...]
    columns: Dict[str, tuple[str, tuple[str, ...]]]
    source: str

    def save(self, path: str | Path) -> Path:
        """Write the mapping as YAML; return the path. Raises `DataError` if the place cannot be written."""
        return self.mapping.save(path)

    def to_pandas(self) -> pd.DataFrame:
        """Return one row per column: its name, its part, and some values."""
        rows = [(name, part, ", ".join(values)) for name, (part, values) in self.columns.items()]
        return pd.DataFrame(rows, columns=["column", "part", "values"])

    def __repr__(self) -> str:
        width = max([len(name) for name in self.columns], default=0)
        parts = max([len(part) for part, _ in self.columns.values()], default=0)
        lines = [
            f"  {name:<{width}}  {part:<{parts}}  {', '.join(values)}"[:120].rstrip()
            for name, (part, values) in self.columns.items()
        ]
        return "\n".join([self.source, *lines, *(f"  {one}" for one in self.reasons)])

    def _repr_html_(self) -> str:
        reasons = "".join(f"<li>{escape(one)}</li>" for one in self.reasons)
        return f"{html_table(self.to_pandas(), self.source, rows=len(self.columns))}<ul>{reasons}</ul>"


def guess(columns: pa.Table, told: Mapping, *, where: str = "the table") -> tuple[Mapping, tuple[str, ...]]:
    """Complete a mapping from the names and the contents of the columns; return it and the reasons.

    Raises `UnknownNameError` if a told column is absent, and `DataError`, listing the candidates, if the case, the
    activity or the times cannot be decided.
    """
    told.check(columns.column_names, where)
    reasons = [f'{name} = "{_joined(value)}" (told)' for name in COLUMNS if (value := getattr(told, name))]
    taken = set(told.columns())
    free = [one for one in columns.column_names if one not in taken]
    found: dict[str, Any] = {}
    for role in ("case", "activity", "start", "end", "enabled", "resource", "role", "lifecycle", "instance"):
        one_told = role in ("start", "end") and (told.start or told.end) and told.timestamps != "interval"
        if getattr(told, role) is not None or one_told:
            continue
        column, reason = _by_name(role, [one for one in free if one not in found.values()], columns)
        if column is not None:
            found[role] = column
            reasons.append(f'{role} = "{column}" ({reason})')
    mapping = replace(told, **found)
    rest = [one for one in free if one not in found.values()]
    mapping, reasons = _times(columns, mapping, rest, reasons, where)
    rest = [one for one in rest if one not in mapping.columns()]
    for role, content in (("case", _like_cases), ("activity", _like_activities)):
        if getattr(mapping, role) is None:
            column = _only(role, [one for one in rest if content(columns[one])], columns.column_names, where)
            chosen: dict[str, Any] = {role: column}
            mapping = replace(mapping, **chosen)
            rest.remove(column)
            reasons.append(f'{role} = "{column}" (the only column with such contents)')
    return mapping, tuple(reasons)


def named_like(role: str, columns: Sequence[str]) -> list[str]:
    """Return the columns that play a part by their names, the likeliest first."""
    plain_names = {column: _plain(column) for column in columns}
    return [column for name in NAMES[role] for column in columns if plain_names[column] == name]


def _joined(value: str | tuple[str, ...]) -> str:
    return value if isinstance(value, str) else " / ".join(value)


def _plain(name: str) -> str:
    """Return a column name in lower case, its words separated by single spaces, ё as е."""
    spaced = re.sub(r"(?<=[a-zа-яё])(?=[A-ZА-ЯЁ])", " ", name)
    return re.sub(r"[\W_]+", " ", spaced).strip().casefold().replace("ё", "е")


def _by_name(role: str, names: Sequence[str], columns: pa.Table) -> tuple[str | None, str]:
    found = named_like(role, names)
    named = [list(group) for _, group in groupby(found, key=_plain)]
    if role == "case" and len(found) > 1:
        # A column without repeats numbers the events, not the cases.
        repeating = [[one for one in group if _repeats(columns[one])] for group in named]
        named = [group for group in repeating if group] or named
    if role in ("start", "end", "enabled"):
        named = [group for group in ([c for c in one if _holds_times(c, columns[c])] for one in named) if group]
    if not named:
        return None, ""
    if len(named[0]) > 1:
        raise DataError(
            f"the {role} column cannot be decided: {_list(named[0])} have the same name but for letters or marks; pass "
            f'{role}="..."'
        )
    others = [one for group in named[1:] for one in group]
    return named[0][0], "by name" + (f", rather than {_list(others)}" if others else "")


def _repeats(values: pa.ChunkedArray) -> bool:
    head = values.slice(0, GLANCE)
    if distinct(head) < len(head) - head.null_count or values.null_count > 1:
        return True
    return bool(distinct(values) < len(values) - values.null_count)


def _holds_times(name: str, values: pa.ChunkedArray) -> bool:
    if pa.types.is_integer(values.type) or pa.types.is_floating(values.type) or pa.types.is_decimal(values.type):
        return True
    # A column that calls itself a time is one, however damaged: its values will be told of. "To" may be a status.
    return looks_like_times(values) or any(word in _plain(name) for word in ("time", "date", "дата", "время"))


def _times(
    columns: pa.Table, mapping: Mapping, rest: Sequence[str], reasons: list[str], where: str
) -> tuple[Mapping, list[str]]:
    if mapping.start is None and mapping.end is None:
        dated = [one for one in rest if looks_like_times(columns[one])]
        column = _only("end", dated, columns.column_names, where, what="time")
        mapping = replace(mapping, end=column)
        reasons = [*reasons, f'end = "{column}" (the only column of times)']
    if mapping.timestamps == "interval" and (mapping.start is None or mapping.end is None):
        raise DataError(f'timestamps="interval" needs both times in {where}; pass start="..." and end="..."')
    if mapping.timestamps is None:
        both = mapping.start is not None and mapping.end is not None
        semantic: Semantic = "interval" if both else "completed" if mapping.end else "entered"
        mapping = replace(mapping, timestamps=semantic)
        why = {
            "interval": "start and end are there",
            "completed": "only one time is there, taken as completion",
            "entered": "only starts are there; an activity lasts until the case's next row",
        }[semantic]
        reasons = [*reasons, f"timestamps = {semantic} ({why})"]
    return mapping, reasons


def _only(role: str, candidates: Sequence[str], columns: Sequence[str], where: str, what: str | None = None) -> str:
    if len(candidates) == 1:
        return candidates[0]
    seen = f"candidates: {_list(candidates)}" if candidates else f"none of the columns looks like it: {_list(columns)}"
    option = 'start="..." or end="..."' if what else f'{role}="..."'
    raise DataError(f"the {what or role} column of {where} cannot be decided; {seen}. Pass {option}")


def _list(names: Sequence[str]) -> str:
    shown = ", ".join(f'"{one}"' for one in names[:12])
    return shown + (f" and {len(names) - 12} more" if len(names) > 12 else "")


def _like_cases(values: pa.ChunkedArray) -> bool:
    if pa.types.is_floating(values.type) or looks_like_times(values):
        return False
    n, many = len(values), distinct(values)
    return values.null_count == 0 and 1 < many <= 0.7 * n and many > 0.02 * n


def _like_activities(values: pa.ChunkedArray) -> bool:
    if not is_text(values.type) or looks_like_times(values):
        return False
    n = len(values)
    return values.null_count == 0 and 2 <= distinct(values) <= max(0.02 * n, min(12, 0.5 * n))

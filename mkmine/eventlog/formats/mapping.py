"""Which column is which: a mapping, told, loaded from YAML, or guessed from names and contents, with its reasons."""

from __future__ import annotations

import re
from collections.abc import Mapping as Dict
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

import pandas as pd
import yaml

from mkmine.errors import DataError, UnknownNameError
from mkmine.eventlog.formats.dates import looks_like_times
from mkmine.eventlog.formats.lifecycle import Order, Policy, Suspended, Unmatched
from mkmine.files import read_yaml, write_text

__all__ = ["Mapping", "Semantic", "guess"]

Semantic = Literal["interval", "completed", "entered"]
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


@dataclass(frozen=True, slots=True, kw_only=True)
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

    def __post_init__(self) -> None:
        for name in ("activity", "attributes", "case_attributes", "final"):
            value = getattr(self, name)
            if isinstance(value, list) or (name == "final" and isinstance(value, str)):
                object.__setattr__(self, name, tuple(value) if isinstance(value, list) else (value,))
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

    def save(self, path: str | Path) -> None:
        """Write the mapping as YAML. Raises `DataError` if the place cannot be written."""
        write_text(path, yaml.safe_dump(self.to_dict(), allow_unicode=True, sort_keys=False))

    @classmethod
    def load(cls, path: str | Path) -> Mapping:
        """Read a mapping from YAML. Raises `DataError` if the file is absent or is not a mapping."""
        return cls.from_dict(read_yaml(path, what="mapping of columns"))


def guess(frame: pd.DataFrame, told: Mapping, *, where: str = "the table") -> tuple[Mapping, tuple[str, ...]]:
    """Complete a mapping from the names and the contents of the columns; return it and the reasons.

    Raises `UnknownNameError` if a told column is absent, and `DataError`, listing the candidates, if the case, the
    activity or the times cannot be decided.
    """
    told.check([str(one) for one in frame.columns], where)
    reasons = [f'{name} = "{_joined(value)}" (told)' for name in COLUMNS if (value := getattr(told, name))]
    taken = set(told.columns())
    free = [str(one) for one in frame.columns if one not in taken]
    found: dict[str, Any] = {}
    for role in ("case", "activity", "start", "end", "enabled", "resource", "role", "lifecycle", "instance"):
        one_told = role in ("start", "end") and (told.start or told.end) and told.timestamps != "interval"
        if getattr(told, role) is not None or one_told:
            continue
        column, reason = _by_name(role, [one for one in free if one not in found.values()], frame)
        if column is not None:
            found[role] = column
            reasons.append(f'{role} = "{column}" ({reason})')
    mapping = replace(told, **found)
    rest = [one for one in free if one not in found.values()]
    mapping, reasons = _times(frame, mapping, rest, reasons, where)
    rest = [one for one in rest if one not in mapping.columns()]
    for role, content in (("case", _like_cases), ("activity", _like_activities)):
        if getattr(mapping, role) is None:
            column = _only(role, [one for one in rest if content(frame[one])], list(frame.columns), where)
            chosen: dict[str, Any] = {role: column}
            mapping = replace(mapping, **chosen)
            rest.remove(column)
            reasons.append(f'{role} = "{column}" (the only column with such contents)')
    return mapping, tuple(reasons)


def _joined(value: str | tuple[str, ...]) -> str:
    return value if isinstance(value, str) else " / ".join(value)


def _plain(name: str) -> str:
    """Return a column name in lower case, its words separated by single spaces, ё as е."""
    spaced = re.sub(r"(?<=[a-zа-яё])(?=[A-ZА-ЯЁ])", " ", name)
    return re.sub(r"[\W_]+", " ", spaced).strip().casefold().replace("ё", "е")


def _by_name(role: str, columns: Sequence[str], frame: pd.DataFrame) -> tuple[str | None, str]:
    plain = {column: _plain(column) for column in columns}
    ranked = [[column for column in columns if plain[column] == name] for name in NAMES[role]]
    named = [group for group in ranked if group]
    if role == "case":
        # A column without repeats numbers the events, not the cases.
        repeating = [[one for one in group if not frame[one].is_unique] for group in named]
        named = [group for group in repeating if group] or named
    if role in ("start", "end", "enabled"):
        named = [group for group in ([c for c in one if _holds_times(c, frame[c])] for one in named) if group]
    if not named:
        return None, ""
    if len(named[0]) > 1:
        raise DataError(
            f"the {role} column cannot be decided: {_list(named[0])} have the same name but for letters or marks; pass "
            f'{role}="..."'
        )
    others = [one for group in named[1:] for one in group]
    return named[0][0], "by name" + (f", rather than {_list(others)}" if others else "")


def _holds_times(name: str, values: pd.Series) -> bool:
    if pd.api.types.is_numeric_dtype(values.dtype):
        return not pd.api.types.is_bool_dtype(values.dtype)
    # A column that calls itself a time is one, however damaged: its values will be told of. "To" may be a status.
    return looks_like_times(values) or any(word in _plain(name) for word in ("time", "date", "дата", "время"))


def _times(
    frame: pd.DataFrame, mapping: Mapping, rest: Sequence[str], reasons: list[str], where: str
) -> tuple[Mapping, list[str]]:
    if mapping.start is None and mapping.end is None:
        dated = [one for one in rest if looks_like_times(frame[one])]
        column = _only("end", dated, list(frame.columns), where, what="time")
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


def _like_cases(values: pd.Series) -> bool:
    if pd.api.types.is_float_dtype(values.dtype) or looks_like_times(values):
        return False
    n, distinct = int(values.notna().sum()), int(values.nunique())
    return n == len(values) and 1 < distinct <= 0.7 * n and distinct > 0.02 * n


def _like_activities(values: pd.Series) -> bool:
    if pd.api.types.is_numeric_dtype(values.dtype) or looks_like_times(values):
        return False
    distinct = int(values.nunique())
    return bool(values.notna().all()) and 2 <= distinct <= max(0.02 * len(values), min(12, 0.5 * len(values)))

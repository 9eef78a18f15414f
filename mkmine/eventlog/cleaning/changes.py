"""A log with something changed: names joined, instants moved, rows set aside; in order again, and recorded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.calendars import HOUR
from mkmine.errors import DataError, UnknownNameError
from mkmine.eventlog.columns import Columns, narrow
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.provenance import Step

__all__ = [
    "REPAIRED",
    "What",
    "chosen",
    "codes_of",
    "microseconds",
    "recoded",
    "recorded",
    "reordered",
    "set_aside",
    "with_column",
]

What = Literal["activities", "resources", "roles"]
# Why a repair sets a row aside: the quarantine also holds what could not be read.
Repaired = Literal[
    "repeats an earlier row",
    "mis-click, put right at once",
    "moved in bulk",
    "before the beginning or after the end of its case",
]
REPAIRED: tuple[Repaired, ...] = get_args(Repaired)
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]
# Logs reach from 1900 to 2200.
LONGEST = 300 * 366 * 24 * HOUR
SINGULAR = {"activities": "activity", "resources": "resource", "roles": "role"}


def recorded(log: EventLog, action: str, detail: str, touched: int) -> EventLog:
    """Return the log with a step added to its history."""
    return replace(log, history=(*log.history, Step(action, detail, touched)))


def chosen(names: str | Iterable[str], known: Iterable[str], *, kind: str) -> list[str]:
    """Return the names as a list. Raises `UnknownNameError` if one is not known, `DataError` if there is none."""
    out = [names] if isinstance(names, str) else list(names)
    known = tuple(known)
    there = set(known)
    for name in out:
        if name not in there:
            raise UnknownNameError.of(kind=kind, name=str(name), known=known)
    if not out:
        raise DataError(f"no {kind} is given; name at least one")
    return out


def codes_of(log: EventLog, what: What, names: str | Iterable[str]) -> Int:
    """Return the codes of these activities, resources or roles. Raises `UnknownNameError` if one is not in the log."""
    known: tuple[str, ...] = getattr(log, what)
    number = {name: code for code, name in enumerate(known)}
    return np.array([number[name] for name in chosen(names, known, kind=SINGULAR[what])], dtype=np.int64)


def microseconds(length: timedelta | str | float, *, what: str) -> int:
    """Return a length of time in µs: a timedelta, a text such as "2 days" or "4h", or a number of hours.

    Raises `DataError` if it cannot be read, is negative, or longer than any log.
    """
    try:
        if isinstance(length, int | float) and not isinstance(length, bool):
            out = round(length * HOUR)
        else:
            out = int(pd.Timedelta(length) // pd.Timedelta(microseconds=1))
    except (ValueError, TypeError, OverflowError):
        raise DataError(
            f'{what} {length!r} is not a length of time; give e.g. "2 days", "4h", a timedelta, or hours'
        ) from None
    if out < 0:
        raise DataError(f"{what} {length!r} is negative; a length of time is 0 or more")
    if out > LONGEST:
        raise DataError(f'{what} {length!r} is over 300 years; numbers are hours, other units are texts, e.g. "15 min"')
    return out


def reordered(log: EventLog, **changed: Any) -> EventLog:
    """Return the log with these columns (start, end, enabled, attributes, ...) changed, in order again in each case."""
    new = replace(log, **changed)
    case = log.case_of
    later = (new.start[1:] > new.start[:-1]) | ((new.start[1:] == new.start[:-1]) & (new.end[1:] >= new.end[:-1]))
    if bool(np.all(later | (case[1:] != case[:-1]))):
        return new
    order: NDArray[Any] = np.lexsort((new.end, new.start, case))
    return new._take(order)


def recoded(log: EventLog, what: What, names: Mapping[str, str]) -> EventLog:
    """Return the log with names replaced by others; those that become equal are joined.

    An activity stands where the first of those that it joins stood; resources and roles stay sorted.
    """
    old: tuple[str, ...] = getattr(log, what)
    wanted = [names.get(name, name) for name in old]
    new = list(dict.fromkeys(wanted)) if what == "activities" else sorted(set(wanted))
    place = {name: code for code, name in enumerate(new)}
    number = np.array([place[name] for name in wanted] + [-1], dtype=np.int64)
    field = SINGULAR[what]
    codes: NDArray[Any] = getattr(log, field)
    if what == "activities":
        column = number[:-1].astype(np.min_scalar_type(max(len(new) - 1, 0)))[codes]
    else:
        column = narrow(number, len(new))[codes]
    former = tuple(sorted({*log.former, *old})) if what == "resources" else log.former
    return replace(log, **{field: column, what: tuple(new), "former": former})


def with_column(log: EventLog, name: str, values: NDArray[Any]) -> EventLog:
    """Return the log with one more attribute (n,), in place of one of that name."""
    columns: dict[str, Any] = {one: log.attributes.held(one) for one in log.attributes}
    return replace(log, attributes=Columns(columns | {name: values}))


def set_aside(log: EventLog, rows: Bool, *, reason: Repaired, action: str, detail: str = "") -> EventLog:
    """Return the log without these instances (n,): they are kept in its quarantine with the reason.

    Raises `DataError` if nothing would be left.
    """
    if not rows.any():
        return recorded(log, action, detail, 0)
    if rows.all():
        raise DataError(f'"{action}" would set aside all {len(log):,} instances; look at its parameters')
    left = log.keep_instances(~rows, action=action, detail=detail)
    frame = log.keep_instances(rows, action=action).to_pandas().drop(columns="round")
    frame = frame.dropna(axis=1, how="all").assign(reason=reason)
    parts = [part for part in (log.quarantine, frame) if len(part)]
    return replace(left, quarantine=pd.concat(parts, ignore_index=True))

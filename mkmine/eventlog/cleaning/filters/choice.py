"""What all filters share: a mask of cases or instances, kept or inverted, and recorded."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mkmine.errors import DataError, UnknownNameError
from mkmine.eventlog.cleaning.changes import What, codes_of, microseconds
from mkmine.eventlog.log import EventLog

__all__ = [
    "Bool",
    "Clock",
    "Length",
    "Level",
    "any_in_case",
    "cases",
    "choose",
    "instances",
    "inverted",
    "lasted",
    "limits",
    "listed",
    "named",
    "one_of",
    "span",
]

Bool = NDArray[np.bool_]
Int = NDArray[np.int64]
Level = Literal["cases", "instances"]
Clock = Literal["wall", "working"]
Length = timedelta | str | float


def one_of(value: str, known: tuple[str, ...], *, kind: str) -> None:
    """Raise `UnknownNameError` if a value is not among the known ones."""
    if value not in known:
        raise UnknownNameError.of(kind=kind, name=str(value), known=known)


def cases(log: EventLog, mask: Bool, *, action: str, detail: str, invert: bool) -> EventLog:
    """Return the log of the cases of a mask (m,), or of all others."""
    return log.keep_cases(~mask if invert else mask, action=inverted(action) if invert else action, detail=detail)


def instances(log: EventLog, mask: Bool, *, action: str, detail: str, invert: bool) -> EventLog:
    """Return the log of the instances of a mask (n,), or of all others."""
    return log.keep_instances(~mask if invert else mask, action=inverted(action) if invert else action, detail=detail)


def choose(log: EventLog, rows: Bool, *, of: Level, action: str, detail: str, invert: bool) -> EventLog:
    """Return the log of the instances of a mask (n,), or of the cases that have any of them; or of all others."""
    one_of(of, ("cases", "instances"), kind="level of a filter")
    if of == "cases":
        return cases(log, any_in_case(log, rows), action=action, detail=detail, invert=invert)
    return instances(log, rows, action=action, detail=detail, invert=invert)


def inverted(action: str) -> str:
    """Return the action of the history for the opposite of a filter."""
    return action.replace("filter", "filter out", 1)


def any_in_case(log: EventLog, rows: Bool) -> Bool:
    """Return which cases (m,) have any of these instances (n,)."""
    return np.asarray(np.logical_or.reduceat(rows, log.offsets[:-1]))


def named(log: EventLog, what: What, names: str | Iterable[str]) -> Bool:
    """Return which instances (n,) are of these activities, resources or roles. Raises `UnknownNameError`."""
    codes = {"activities": log.activity, "resources": log.resource, "roles": log.role}[what]
    return np.isin(codes, codes_of(log, what, names))


def listed(names: str | Iterable[str]) -> list[str]:
    """Return one name or several as a list."""
    return [names] if isinstance(names, str) else [str(one) for one in names]


def lasted(log: EventLog, start: Int, end: Int, clock: Clock) -> Int:
    """Return the time between instants in µs, by the clock on the wall or in working time."""
    one_of(clock, ("wall", "working"), kind="clock")
    return end - start if clock == "wall" else log.working_calendar().working_time(start, end)


def span(at_least: Length | None, at_most: Length | None) -> tuple[int, int]:
    """Return the limits of a length of time in µs.

    Raises `DataError` if neither is given, or they exclude each other.
    """
    if at_least is None and at_most is None:
        raise DataError('give a limit: at_least="2 days", at_most="10 days", or both')
    low = 0 if at_least is None else microseconds(at_least, what="at_least")
    high = np.iinfo(np.int64).max if at_most is None else microseconds(at_most, what="at_most")
    if low > high:
        raise DataError(f"at_least {at_least} is more than at_most {at_most}; swap them")
    return low, int(high)


def told(length: Length) -> str:
    """Return a length of time as it was given; a number is one of hours."""
    return f"{length:g} h" if isinstance(length, int | float) else str(length)


def lengths(at_least: Length | None, at_most: Length | None) -> str:
    """Return the limits of a length of time in words."""
    return limits(None if at_least is None else told(at_least), None if at_most is None else told(at_most))


def limits(at_least: object, at_most: object) -> str:
    """Return the limits in words."""
    parts = [f"at least {at_least}"] * (at_least is not None) + [f"at most {at_most}"] * (at_most is not None)
    return " and ".join(parts)

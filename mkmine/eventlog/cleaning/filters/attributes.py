"""Filters by what a case or an instance is: its activity, its people, its attributes, whether it was finished."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd

from mkmine.errors import DataError, UnknownNameError
from mkmine.eventlog.cleaning.filters import choice
from mkmine.eventlog.cleaning.filters.choice import Bool, Level
from mkmine.eventlog.cleaning.filters.window import limit
from mkmine.eventlog.log import EventLog

__all__ = [
    "drop_activities",
    "keep_activities",
    "keep_attribute",
    "keep_completed",
    "keep_frequent",
    "keep_resources",
    "keep_roles",
]

Bound = float | str | date | datetime | None


def keep_activities(
    log: EventLog, names: str | Iterable[str], *, of: Level = "instances", invert: bool = False
) -> EventLog:
    """Keep the instances of these activities, or the cases that have any. Raises `UnknownNameError` for others."""
    names = choice.listed(names)
    rows = choice.named(log, "activities", names)
    return choice.choose(log, rows, of=of, action="filter activities", detail=", ".join(names), invert=invert)


def drop_activities(log: EventLog, names: str | Iterable[str], *, of: Level = "instances") -> EventLog:
    """Leave out the instances of these activities, or the cases that have any: `keep_activities` inverted."""
    return keep_activities(log, names, of=of, invert=True)


def keep_frequent(
    log: EventLog, *, top: int | None = None, share: float | None = None, of: Level = "instances", invert: bool = False
) -> EventLog:
    """Keep the `top` activities that most cases have, or those that at least a `share` of the cases has.

    `of="cases"` keeps the cases that have any of them.

    Raises `DataError` if not exactly one of the two is given, or none would be kept.
    """
    if (top is None) == (share is None):
        raise DataError("give either top=5 (so many activities) or share=0.1 (of the cases)")
    having = np.bincount(log.activity[log.round == 1], minlength=len(log.activities))
    if top is not None:
        if top < 1:
            raise DataError(f"top={top} keeps no activity; give 1 or more")
        kept = np.argsort(-having, kind="stable")[:top]
        detail = f"the {min(top, len(having)):,} most frequent of {len(having):,}"
    else:
        assert share is not None
        if not 0 < share <= 1:
            raise DataError(f"share={share} is not a share of the cases; give e.g. 0.1")
        kept = np.flatnonzero(having >= share * log.n_cases)
        detail = f"those of at least {share:.0%} of the cases"
    rows = np.isin(log.activity, kept)
    return choice.choose(log, rows, of=of, action="filter activities", detail=detail, invert=invert)


def keep_resources(
    log: EventLog, names: str | Iterable[str], *, of: Level = "instances", invert: bool = False
) -> EventLog:
    """Keep the instances of these people, or the cases that they took part in. Raises `UnknownNameError` for others."""
    names = choice.listed(names)
    rows = choice.named(log, "resources", names)
    return choice.choose(log, rows, of=of, action="filter people", detail=", ".join(names), invert=invert)


def keep_roles(log: EventLog, names: str | Iterable[str], *, of: Level = "instances", invert: bool = False) -> EventLog:
    """Keep the instances of these roles, or the cases that they took part in. Raises `UnknownNameError` for others."""
    names = choice.listed(names)
    rows = choice.named(log, "roles", names)
    return choice.choose(log, rows, of=of, action="filter roles", detail=", ".join(names), invert=invert)


def keep_completed(log: EventLog, *, invert: bool = False) -> EventLog:
    """Keep the cases that were finished when the observation ended."""
    return choice.cases(log, log.completed, action="filter cases", detail="completed", invert=invert)


def keep_attribute(
    log: EventLog,
    name: str,
    values: str | Iterable[Any] | None = None,
    *,
    at_least: Bound = None,
    at_most: Bound = None,
    of: Level = "cases",
    invert: bool = False,
) -> EventLog:
    """Keep by an attribute: one of `values`, or a number or a date within limits (both included).

    An attribute of the cases chooses cases. One of the instances chooses the cases that have any such instance, or with
    `of="instances"` the instances themselves. What is empty is in no range, and equals None only.

    Raises `UnknownNameError` if there is no such attribute, and `DataError` if neither values nor limits are given or
    the attribute holds neither numbers nor dates.
    """
    if (values is None) == (at_least is None and at_most is None):
        raise DataError(f'say what to keep of "{name}": either values, or at_least and at_most')
    if name in log.case_attributes.columns:
        if of == "instances":
            raise DataError(f'"{name}" is an attribute of the cases, it chooses no instances; leave out of="instances"')
        column = log.case_attributes[name]
    elif name in log.attributes:
        column = pd.Series(log.attributes[name])
    else:
        raise UnknownNameError.of(kind="attribute", name=name, known=[*log.case_attributes.columns, *log.attributes])
    if values is not None:
        wanted = [values] if isinstance(values, str) else list(values)
        mask = column.isin(wanted).to_numpy(dtype=np.bool_)
        detail = f"{name} = {', '.join(sorted(map(str, wanted)))}"
    else:
        mask = _within(log, column, name, at_least, at_most)
        detail = f"{name} {choice.limits(at_least, at_most)}"
    if name in log.case_attributes.columns:
        return choice.cases(log, mask, action="filter attribute", detail=detail, invert=invert)
    return choice.choose(log, mask, of=of, action="filter attribute", detail=detail, invert=invert)


def _within(log: EventLog, column: pd.Series[Any], name: str, at_least: Bound, at_most: Bound) -> Bool:
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        if column.dt.tz is None:
            column = column.dt.tz_localize(log.time_zone, ambiguous=False, nonexistent="shift_forward")
        moments = column.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy(dtype="datetime64[us]")
        known: Bool = ~np.isnat(moments)
        at = moments.astype(np.int64)
        if at_least is not None:
            known &= at >= limit(_day(at_least, name), log.time_zone, last=False)
        if at_most is not None:
            known &= at < limit(_day(at_most, name), log.time_zone, last=True)
        return np.asarray(known, dtype=np.bool_)
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64)
    if np.isnan(numbers).all():
        raise DataError(f'the attribute "{name}" holds neither numbers nor dates; choose its values instead')
    mask = ~np.isnan(numbers)
    for bound, compare in ((at_least, np.greater_equal), (at_most, np.less_equal)):
        if bound is not None:
            if isinstance(bound, bool) or not isinstance(bound, int | float):
                raise DataError(f'the attribute "{name}" holds numbers, and {bound!r} is none')
            mask &= compare(numbers, bound)
    return np.asarray(mask, dtype=np.bool_)


def _day(bound: Bound, name: str) -> str | date | datetime:
    if isinstance(bound, str | date | datetime):
        return bound
    raise DataError(f'the attribute "{name}" holds dates, and {bound!r} is none; write e.g. "2025-03-05"')

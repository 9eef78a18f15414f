"""Repairs: functions from log to log that mend what `quality` finds, each recorded in the history.

Rows that a repair takes out stand in the log's `quarantine` with the reason; rows that are joined live on in one. The
number touched is that of the instances that were changed or set aside.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mkmine.calendars import HOUR
from mkmine.errors import DataError, UnknownNameError
from mkmine.eventlog.cleaning.changes import (
    What,
    chosen,
    codes_of,
    microseconds,
    recoded,
    recorded,
    reordered,
    set_aside,
    with_column,
)
from mkmine.eventlog.cleaning.filters.window import limit
from mkmine.eventlog.cleaning.findings.durations import FORGOTTEN, forgotten_rows
from mkmine.eventlog.cleaning.findings.order import BULK_CASES, bulk_marks, bulk_moves, correction_rows, repeated
from mkmine.eventlog.cleaning.spelling import alike, typing_errors
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.statistics import Groups

__all__ = [
    "close_forgotten",
    "collapse_corrections",
    "drop_bulk",
    "drop_duplicates",
    "mark_bulk",
    "merge_activities",
    "merge_repeats",
    "merge_resources",
    "merge_similar",
    "rename_activities",
    "shift_time",
    "trim",
]

Int = NDArray[np.int64]
Bool = NDArray[np.bool_]


# -- names -------------------------------------------------------------------------------------------------------------


def merge_activities(log: EventLog, names: Mapping[str, Iterable[str]]) -> EventLog:
    """Give activities one name: `{"Approval": ["approval ", "Approve"]}`, the new name before the old ones.

    Raises `UnknownNameError` if an old name is not in the log, `DataError` if it is to become two.
    """
    return _merged(log, "activities", names, action="merge activities")


def merge_resources(log: EventLog, names: Mapping[str, Iterable[str]]) -> EventLog:
    """Give people one name: `{"Anna Petrova": ["A. Petrova", "apetrova"]}`, the new name before the old ones.

    Raises `UnknownNameError` if an old name is not in the log, `DataError` if it is to become two.
    """
    return _merged(log, "resources", names, action="merge resources")


def rename_activities(log: EventLog, names: Mapping[str, str]) -> EventLog:
    """Rename activities: `{"old": "new"}`.

    Raises `UnknownNameError` if an old name is not in the log, and `DataError` if a new name is in use: two activities
    become one by `merge_activities` only.
    """
    chosen(names, log.activities, kind="activity")
    rest = [names.get(name, name) for name in log.activities]
    twice = sorted({name for name in rest if rest.count(name) > 1}) if len(set(rest)) < len(rest) else []
    if twice:
        raise DataError(f'two activities would be called "{twice[0]}"; use merge_activities to make them one')
    return _renamed(log, "activities", dict(names), action="rename activities")


def merge_similar(
    log: EventLog, *, of: Literal["activities", "resources"] = "activities", mistyped: bool = False
) -> EventLog:
    """Give one name to what `quality` finds spelt in several ways: the most frequent of them.

    `mistyped` also joins rare names that look like typing errors of frequent ones (activities only: two surnames may
    differ by one letter).

    Raises `DataError` if typing errors of people are asked for.
    """
    if of not in ("activities", "resources"):
        raise UnknownNameError.of(kind="what to merge", name=str(of), known=["activities", "resources"])
    if mistyped and of == "resources":
        raise DataError("two people's names may differ by one letter; merge them by name with merge_resources")
    names: tuple[str, ...] = getattr(log, of)
    codes = (log.activity if of == "activities" else log.resource).astype(np.int64)
    counts = dict(zip(names, np.bincount(codes[codes >= 0], minlength=len(names)).tolist(), strict=True))
    new: dict[str, str] = {}
    for group in alike(names, people=of == "resources"):
        best = max(group, key=lambda name: counts[name])
        new |= {name: best for name in group if name != best}
    if mistyped:
        joined = dict.fromkeys(names, 0)
        for name, count in counts.items():
            joined[new.get(name, name)] += count
        errors = dict(typing_errors({name: count for name, count in joined.items() if count}))
        new = {name: errors.get(right, right) for name, right in new.items()} | errors
    return _renamed(log, of, new, action=f"merge {of}")


def _merged(log: EventLog, what: What, names: Mapping[str, Iterable[str]], *, action: str) -> EventLog:
    new: dict[str, str] = {}
    for name, old in names.items():
        if not str(name).strip():
            raise DataError("the new name is empty; give one")
        kind = "activity" if what == "activities" else "resource"
        for one in chosen(old, getattr(log, what), kind=kind):
            if new.setdefault(one, name) != name:
                raise DataError(f'"{one}" is to become both "{new[one]}" and "{name}"; name it once')
    return _renamed(log, what, new, action=action)


def _renamed(log: EventLog, what: What, new: dict[str, str], *, action: str) -> EventLog:
    names: tuple[str, ...] = getattr(log, what)
    changed = {old: name for old, name in new.items() if old != name}
    codes: NDArray[Any] = log.activity if what == "activities" else log.resource
    touched = np.isin(codes, [code for code, name in enumerate(names) if name in changed])
    detail = "; ".join(f"“{old}” → “{name}”" for old, name in changed.items())
    return recorded(recoded(log, what, changed), action, detail, int(touched.sum()))


# -- rows --------------------------------------------------------------------------------------------------------------


def drop_duplicates(log: EventLog) -> EventLog:
    """Set aside instances that repeat an earlier one in case, activity, times and person, whatever else differs."""
    return set_aside(
        log,
        repeated(log),
        reason="repeats an earlier row",
        action="drop duplicates",
        detail="same case, activity, times and person",
    )


def collapse_corrections(log: EventLog, *, within: timedelta | str | float = "30s") -> EventLog:
    """Take back mis-clicks: of A, B, A in a case, where B was left within that time, one A remains.

    B is set aside, and the second A goes on from the first: it keeps the first one's start, enabled time and person.
    A chain A, B, A, C, A becomes one A.
    """
    rows = correction_rows(log, within=microseconds(within, what="within"))
    slip = np.zeros(len(log), dtype=np.bool_)
    # In A, B, A, B, A every one but the last could be a slip: of such a run, every other one is.
    begins = np.flatnonzero(np.append(True, np.diff(rows) != 1)[: len(rows)])
    rank = np.arange(len(rows)) - np.repeat(begins, np.diff(np.append(begins, len(rows))))
    slip[rows[rank % 2 == 0]] = True
    follows = np.append(False, slip[:-1])
    detail = f"left again within {_seconds(within)} s"
    if not slip.any():
        return recorded(log, "collapse corrections", detail, 0)
    cleaned = set_aside(log, slip, reason="mis-click, put right at once", action="collapse corrections", detail=detail)
    return _joined(cleaned, follows[~slip])


def _seconds(within: timedelta | str | float) -> str:
    return f"{microseconds(within, what='within') / 1_000_000:g}"


def merge_repeats(
    log: EventLog, *, within: timedelta | str | float | None = None, same_person: bool = False
) -> EventLog:
    """Make one instance of the same activity several times in a row: from the first start to the last end.

    Only where the next one starts within the time `within` after the end of the one before, if that is given, and
    only of the same person, if that is asked for. The person and the attributes are those of the first.
    """
    again = np.zeros(len(log), dtype=np.bool_)
    again[1:] = log.activity[1:] == log.activity[:-1]
    again[log.offsets[:-1]] = False
    if within is not None:
        again[1:] &= log.start[1:] - log.end[:-1] <= microseconds(within, what="within")
    if same_person:
        again[1:] &= log.resource[1:] == log.resource[:-1]
    detail = "the same activity in a row" + (" by the same person" if same_person else "")
    return recorded(_joined(log, again), "merge repeats", detail, int(again.sum()))


def _joined(log: EventLog, again: Bool) -> EventLog:
    """Return the log with each instance of `again` (n,) joined to the one before it."""
    if not again.any():
        return log
    begins: NDArray[Any] = np.flatnonzero(~again)
    end = np.maximum.reduceat(log.end, begins)
    ongoing = np.logical_or.reduceat(log.ongoing, begins)
    sizes = np.add.reduceat((~again).astype(np.int64), log.offsets[:-1])
    kept = log._take(begins)
    completions = log.timestamps == "completed"
    return reordered(
        replace(kept, offsets=np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)),
        start=end if completions else kept.start,
        end=end,
        ongoing=ongoing,
    )


def mark_bulk(log: EventLog, *, cases: int = BULK_CASES, name: str = "bulk") -> EventLog:
    """Mark moves in bulk (see `quality`) in an attribute of that name: true for these instances.

    Marks that the attribute holds already, those of a tracker's changelog for instance, stay.

    Raises `DataError` if fewer than 2 cases are called a bulk, or the attribute holds anything but marks.
    """
    marks = bulk_marks(log, name)
    if marks is None:
        raise DataError(f'the attribute "{name}" holds other values than true and false; give another name=...')
    rows = _bulk(log, cases) & ~marks
    detail = f"at least {cases} cases by one person within a minute"
    return recorded(with_column(log, name, marks | rows), "mark bulk moves", detail, int(rows.sum()))


def drop_bulk(log: EventLog, *, cases: int = BULK_CASES) -> EventLog:
    """Set aside moves in bulk (see `quality`). Cases lose the activity that they were moved out of; see `mark_bulk`.

    Raises `DataError` if fewer than 2 cases are called a bulk, or nothing would be left.
    """
    detail = f"at least {cases} cases by one person within a minute"
    return set_aside(log, _bulk(log, cases), reason="moved in bulk", action="drop bulk moves", detail=detail)


def _bulk(log: EventLog, cases: int) -> Bool:
    if cases < 2:
        raise DataError(f"cases={cases} is no bulk; give 2 or more")
    return bulk_moves(log, cases=cases)


def trim(log: EventLog, *, before: str | Iterable[str] = (), after: str | Iterable[str] = ()) -> EventLog:
    """Set aside what a case has before the first of the activities `before`, or after the last of `after`.

    Cases without such an activity stay as they are.

    Raises `UnknownNameError` if one is not in the log, `DataError` if none is given.
    """
    first, last = ([one] if isinstance(one, str) else list(one) for one in (before, after))
    if not first and not last:
        raise DataError('name the activities that open cases (before="...") or close them (after="...")')
    place = np.arange(len(log))
    rows = np.zeros(len(log), dtype=np.bool_)
    if first:
        opens = np.isin(log.activity, codes_of(log, "activities", first))
        start = np.minimum.reduceat(np.where(opens, place, len(log)), log.offsets[:-1])
        rows |= (place < start[log.case_of]) & (start < len(log))[log.case_of]
    if last:
        closes = np.isin(log.activity, codes_of(log, "activities", last))
        finish = np.maximum.reduceat(np.where(closes, place, -1), log.offsets[:-1])
        rows |= (place > finish[log.case_of]) & (finish >= 0)[log.case_of]
    told = [f"before {', '.join(first)}"] * bool(first) + [f"after {', '.join(last)}"] * bool(last)
    return set_aside(
        log, rows, reason="before the beginning or after the end of its case", action="trim", detail="; ".join(told)
    )


# -- times -------------------------------------------------------------------------------------------------------------


def close_forgotten(log: EventLog, *, times: float = FORGOTTEN) -> EventLog:
    """End work that is ongoing for over `times` the 95th percentile of its activity, as if it took what is usual.

    It then ends the median length of its activity after its start, and the attribute `end_estimated` is true for it.
    Its case stays open: nobody knows what came after.

    Raises `DataError` if `times` is less than 1.
    """
    if not times >= 1:
        raise DataError(f"times={times} would close work that is not late; give 1 or more")
    rows = forgotten_rows(log, times=times)
    over = ~log.ongoing
    usual = Groups((log.end - log.start)[over].astype(np.float64), log.activity[over], len(log.activities))
    median = np.nan_to_num(usual.quantile(0.5)).astype(np.int64)
    end = np.where(rows, np.minimum(log.start + median[log.activity], log.end), log.end)
    marked = with_column(log, "end_estimated", rows)
    mended = reordered(marked, end=end, ongoing=log.ongoing & ~rows)
    detail = f"ongoing for over {times:g} times the 95th percentile; ended after the median"
    return recorded(mended, "close forgotten work", detail, int(rows.sum()))


def shift_time(
    log: EventLog,
    hours: float,
    *,
    resources: str | Iterable[str] | None = None,
    roles: str | Iterable[str] | None = None,
    activities: str | Iterable[str] | None = None,
    attribute: str | None = None,
    values: Iterable[Any] = (),
    since: str | date | datetime | None = None,
    until: str | date | datetime | None = None,
) -> EventLog:
    """Put the clock of some instances right: add hours (or take them off) to their times.

    Which ones: of these people, roles or activities, with one of `values` in an attribute, that ended since or until a
    day (both included); all that are named must hold. Without any, all instances are shifted.

    Raises `UnknownNameError` if a name or an attribute is not in the log, `DataError` if nothing is to be shifted.
    """
    move = round(hours * HOUR) if np.isfinite(hours) else 0
    if move == 0 or abs(move) > 48 * HOUR:
        raise DataError(f"hours={hours} is no difference of two clocks; give e.g. 3 or -3")
    rows = np.ones(len(log), dtype=np.bool_)
    told = [f"{hours:+g} h"]
    groups: tuple[tuple[What, NDArray[Any], Any], ...] = (
        ("resources", log.resource, resources),
        ("roles", log.role, roles),
        ("activities", log.activity, activities),
    )
    for what, codes, names in groups:
        if names is not None:
            listed = [names] if isinstance(names, str) else list(names)
            rows &= np.isin(codes, codes_of(log, what, listed))
            told.append(", ".join(listed))
    if attribute is not None:
        if attribute not in log.attributes:
            raise UnknownNameError.of(kind="attribute", name=attribute, known=list(log.attributes))
        wanted = [values] if isinstance(values, str) else list(values)
        rows &= np.isin(np.asarray(log.attributes[attribute], dtype=object).astype(str), [str(one) for one in wanted])
        told.append(f"{attribute} = {', '.join(map(str, wanted))}")
    if since is not None:
        rows &= log.end >= limit(since, log.time_zone, last=False)
        told.append(f"since {since}")
    if until is not None:
        rows &= log.end < limit(until, log.time_zone, last=True)
        told.append(f"until {until}")
    if not rows.any():
        raise DataError("none of the instances is to be shifted; look at the names and the dates")
    by = np.where(rows, move, 0)
    end = log.end + by
    start = end if log.timestamps == "completed" else log.start + by
    moved = reordered(log, start=start, end=end, enabled=None if log.enabled is None else log.enabled + by)
    observed = (min(int(start.min()), log.observed[0]), max(int(end.max()), log.observed[1]))
    if rows.all():
        observed = (log.observed[0] + move, log.observed[1] + move)
    return recorded(replace(moved, observed=observed), "shift times", "; ".join(told), int(rows.sum()))

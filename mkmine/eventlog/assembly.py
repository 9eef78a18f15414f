"""Columns put together to a log: rows in order, activities in reading order, unusable rows set aside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from mkmine.calendars import Calendar, zone
from mkmine.errors import DataError, UnknownNameError
from mkmine.eventlog.columns import Columns, Text
from mkmine.eventlog.encoding import (
    EARLIEST,
    LATEST,
    Coded,
    Errors,
    by_first_appearance,
    encode,
    gathered,
    in_order,
    instants,
    named_in_order,
    reading_order,
)
from mkmine.eventlog.formats.coding import attribute, taken
from mkmine.eventlog.formats.table import arrow_column, check_names, is_text, plain
from mkmine.eventlog.log import EventLog, Timestamps
from mkmine.eventlog.provenance import Step

__all__ = ["assemble", "frame_to_log"]

Int = NDArray[np.int64]
MISSING = np.iinfo(np.int64).min
REASONS = ("", "no case", "no activity", "no time", "time before 1900 or after 2200", "end before start")


def assemble(
    *,
    case: Coded,
    activity: Coded,
    start: Int | None,
    end: Int,
    enabled: Int | None = None,
    resource: Coded | None = None,
    role: Coded | None = None,
    ongoing: NDArray[np.bool_] | None = None,
    attributes: Mapping[str, Any] | None = None,
    case_attributes: pd.DataFrame | None = None,
    completed: NDArray[np.bool_] | None = None,
    timestamps: Timestamps | None = None,
    time_zone: str = "UTC",
    name: str = "log",
    calendar: Calendar | None = None,
    observed: tuple[int, int] | None = None,
    quarantine: pd.DataFrame | None = None,
    history: Sequence[Step] = (),
) -> EventLog:
    """Sort columns of usable rows, one per activity instance, and number their activities in reading order.

    Every column has n rows in the order of the source; instants are int64 µs in UTC. Each row has a case and an
    activity (codes of 0 or more), and ends no earlier than it starts. Without `start` only completions are known.
    `case_attributes` and `completed` have a row for each code of `case`; without the latter all count as completed.
    """
    told, case = case.codes, by_first_appearance(case.codes, case.names)
    activity = by_first_appearance(activity.codes, activity.names)
    begins = end if start is None else start
    offsets, order = in_order(case, begins, end)
    ends = _sorted(end, order)
    starts = ends if start is None else _sorted(start, order)
    codes = _sorted(activity.codes.astype(np.min_scalar_type(max(len(activity.names) - 1, 0))), order)
    number = reading_order(offsets, codes, activity.names)
    names = np.empty(len(number), dtype=object)
    names[number] = activity.names.to_pylist()
    resource_codes, resources = named_in_order(resource, order, len(codes))
    role_codes, roles = named_in_order(role, order, len(codes))
    further = Columns(attributes)
    if ongoing is None or not ongoing.any():
        going: NDArray[np.bool_] = np.broadcast_to(np.False_, len(codes))
    else:
        going = _sorted(ongoing, order)
    given = told[offsets[:-1] if order is None else order[offsets[:-1]]]
    if case_attributes is None:
        cases = pd.DataFrame(index=pd.RangeIndex(len(given)))
    else:
        cases = case_attributes.take(given).reset_index(drop=True)
    return EventLog(
        name=name,
        time_zone=time_zone,
        case_names=case.names,
        offsets=offsets,
        activity=number.astype(codes.dtype).take(codes),
        activities=tuple(names.tolist()),
        resource=resource_codes,
        resources=resources,
        role=role_codes,
        roles=roles,
        start=starts,
        end=ends,
        enabled=None if enabled is None else _sorted(enabled, order),
        ongoing=going,
        completed=np.ones(len(given), dtype=np.bool_) if completed is None else completed[given],
        timestamps=timestamps or ("completed" if start is None else "interval"),
        attributes=further.apart() if order is None else further.take(order),
        case_attributes=cases,
        observed=observed or (int(starts.min()), int(ends.max())),
        history=tuple(history),
        quarantine=pd.DataFrame({"reason": []}) if quarantine is None else quarantine,
        calendar=calendar,
    )


def _sorted(values: Any, order: Any) -> Any:
    # What is already in order is copied: a log does not share memory with what it was made of.
    return values.copy() if order is None else gathered(values, order)


def _by_case(facts: Any, ids: list[str], what: str, **missing: Any) -> Any:
    """Return the rows of a frame or a series for these cases: the ids of a log are text, whatever the source has.

    Raises `DataError` if a case is there twice, or none is of the log.
    """
    index = facts.index.astype(str).str.strip()
    if not index.is_unique:
        twice = index[index.duplicated()][0]
        raise DataError(f'{what} has several rows for the case "{twice}"; give one for each')
    if len(index) and not index.isin(ids).any():
        raise DataError(f'{what} has no case of the log (its first is "{index[0]}"); let its index be the ids of cases')
    return facts.set_axis(index, axis=0).reindex(ids, **missing)


def _flags(values: pd.Series, what: str) -> NDArray[np.bool_]:
    """Return a column of yes and no. Raises `DataError` if it holds anything else, or nothing, somewhere."""
    fine = values.isin([True, False])
    if not fine.all():
        wrong = values[~fine].iloc[0]
        raise DataError(f'"{what}" holds "{wrong}", which is neither True nor False; put one of them in every row')
    return values.to_numpy(dtype=np.bool_)


def frame_to_log(
    frame: pd.DataFrame,
    *,
    case: str,
    activity: str,
    start: str | None,
    end: str,
    enabled: str | None,
    resource: str | None,
    role: str | None,
    ongoing: str | None,
    attributes: Sequence[str],
    time_zone: str,
    quarantine: pd.DataFrame | None,
    history: Sequence[Step],
    errors: Errors,
    case_attributes: pd.DataFrame | None,
    completed: pd.Series | None,
    **facts: Any,
) -> EventLog:
    """Make the log of a frame: `EventLog.from_pandas` tells what the arguments mean and what is raised."""
    zone(time_zone)
    known = list(frame.columns)
    for column in (case, activity, start, end, enabled, resource, role, ongoing, *attributes):
        if column is None:
            continue
        if column not in known:
            raise UnknownNameError.of(kind="column", name=str(column), known=[str(one) for one in known])
        if known.count(column) > 1:
            raise DataError(f'the frame has several columns named "{column}"; give each its own name')
    if case_attributes is not None:
        case_attributes = case_attributes.set_axis(check_names(list(case_attributes), "case_attributes"), axis=1)
    if not frame.index.is_unique:
        raise DataError("the frame's index has repeated labels; call reset_index(drop=True) first")
    names = check_names(attributes, "attributes")
    cases, activities = encode(frame[case]), encode(frame[activity])
    ends = instants(frame[end], time_zone, end)
    starts = ends if start is None else instants(frame[start], time_zone, start)
    reason = _reasons(cases, activities, starts, ends)
    bad = reason > 0
    if bad.any() and errors == "raise":
        first = int(np.flatnonzero(bad)[0])
        raise DataError(
            f"{int(bad.sum()):,} of {len(frame):,} rows cannot be used (first: row {first + 1}, "
            f'{REASONS[reason[first]]}); correct them, or pass errors="quarantine" to set them aside'
        )
    if not len(frame) or bad.all():
        raise DataError(f"the log is empty: none of {len(frame):,} rows can be used; check the mapping and the filters")
    rows: Any = ~bad if bad.any() else slice(None)
    aside = frame[bad].assign(reason=np.array(REASONS, dtype=object)[reason[bad]])
    steps, parts = list(history), [part for part in (quarantine, aside) if part is not None and len(part)]
    if len(aside):
        told = "; ".join(f"{why} ({n:,})" for why, n in aside["reason"].value_counts().items())
        steps.append(Step("quarantine", told, len(aside)))
    ready = None
    if enabled is not None:
        ready = instants(frame[enabled], time_zone, enabled)
        # An instance cannot be enabled after it started: some trackers stamp the two in the wrong order.
        ready = np.minimum(np.where(ready == MISSING, starts, ready), starts)[rows]
    kept = by_first_appearance(cases.codes[rows], cases.names)
    ids = [] if case_attributes is None and completed is None else kept.names.to_pylist()
    done = None if completed is None else _flags(_by_case(completed, ids, "completed", fill_value=True), "completed")
    return assemble(
        case=kept,
        activity=_of(activities, rows),
        start=None if start is None else starts[rows],
        end=ends[rows],
        enabled=ready,
        resource=None if resource is None else _of(encode(frame[resource]), rows),
        role=None if role is None else _of(encode(frame[role]), rows),
        ongoing=None if ongoing is None else _flags(frame[ongoing], ongoing)[rows],
        attributes={name: taken(_values(frame[one]), rows) for name, one in zip(names, attributes, strict=True)},
        case_attributes=None if case_attributes is None else _by_case(case_attributes, ids, "case_attributes"),
        completed=done,
        time_zone=time_zone,
        quarantine=pd.concat(parts, ignore_index=True) if parts else None,
        history=steps,
        **facts,
    )


def _of(column: Coded, rows: Any) -> Coded:
    return Coded(column.codes[rows], column.names)


def _values(column: pd.Series) -> Any:
    if isinstance(column.dtype, np.dtype):
        return column.to_numpy()
    # pandas' own types, nullable numbers or times with a zone, are kept as a reader gives them.
    values = plain(pa.chunked_array([arrow_column(column)]))
    return Text.of(values) if is_text(values.type) else attribute(values)


def _reasons(case: Coded, activity: Coded, start: Int, end: Int) -> NDArray[np.int8]:
    """Return why each row cannot be used, a place in REASONS; 0 for the usable ones."""
    reason = np.zeros(len(end), dtype=np.int8)
    known = (start != MISSING) & (end != MISSING)
    reason[known & (start > end)] = 5
    reason[known & ((start < EARLIEST) | (end > LATEST))] = 4
    reason[~known] = 3
    reason[activity.codes < 0] = 2
    reason[case.codes < 0] = 1
    return reason

"""Rows of whole cases made into a log, by the plan and by what is known of all rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from mkmine.calendars import Calendar
from mkmine.errors import DataError
from mkmine.eventlog.assembly import assemble
from mkmine.eventlog.enablement import enabled_times
from mkmine.eventlog.encoding import Coded, by_first_appearance, encode
from mkmine.eventlog.formats.coding import attribute, coded
from mkmine.eventlog.formats.dates import MISSING
from mkmine.eventlog.formats.instances import Instances, entered, finished, paired
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.partitions.hours import Hours
from mkmine.eventlog.partitions.plan import Facts, Plan, Survey
from mkmine.eventlog.provenance import Step

__all__ = ["needs_survey", "settle", "survey"]

Int = NDArray[np.int64]
Bools = NDArray[np.bool_]
# Columns of instances whose names an attribute may not take.
OWN = ("case", "activity", "start", "end", "enabled", "ongoing", "source")


def needs_survey(plan: Plan, *, unfinished: bool) -> bool:
    """Return whether only whole cases tell what must be known of all rows."""
    return plan.paired or plan.mapping.timestamps == "entered" or plan.mapping.final is not None or unfinished


def survey(rows: Sequence[pa.RecordBatch], plan: Plan, hours: Hours | None = None) -> Survey:
    """Return what the rows of some whole cases tell, and count when things happen.

    Raises `DataError` if rows cannot be used and are not to be set aside.
    """
    shaped = _shape(rows, plan, final=())
    case, activity = shaped.case.codes, shaped.activity
    last = np.full(len(shaped.case.names), -1, dtype=np.int64)
    order = np.lexsort((np.arange(len(case)), shaped.start, shaped.end))
    last[case[order]] = order
    names = activity.listed()
    if hours is not None:
        hours.add_instances(start=shaped.start, end=shaped.end, ongoing=shaped.ongoing, intervals=shaped.intervals)

    def counted(codes: NDArray[np.int32]) -> dict[str, int]:
        counts = np.bincount(codes, minlength=len(names)).tolist()
        return {name: n for name, n in zip(names, counts, strict=True) if n}

    return Survey(
        observed=(int(shaped.start.min(initial=np.iinfo(np.int64).max)), int(shaped.end.max(initial=MISSING))),
        intervals=shaped.intervals,
        enabled=shaped.enabled is not None and bool((shaped.enabled != MISSING).any()),
        unfinished=plan.mapping.timestamps == "entered" or bool(shaped.ongoing.any()),
        lost=len(shaped.lost),
        cases=len(shaped.case.names),
        instances=len(case),
        entries=counted(activity.codes),
        last=counted(activity.codes[last]),
    )


def settle(
    rows: Sequence[pa.RecordBatch], plan: Plan, facts: Facts, *, steps: Sequence[Step], whole: bool = False
) -> EventLog | None:
    """Return the log of some whole cases, whose rows stand in the order of the source; None if none can be used.

    A log that is not the `whole` one is given the calendar that the whole one shows.
    """
    shaped = _shape(rows, plan, final=facts.final)
    if not len(shaped.end):
        return None
    calendar = plan.calendar or (None if whole else plan.inferred)
    end, completed = shaped.end, shaped.completed
    if shaped.ongoing.any():
        end = np.where(shaped.ongoing, facts.observed[1], end)
        going = np.bincount(shaped.case.codes[shaped.ongoing], minlength=len(shaped.case.names)) > 0
        unfinished = pd.Series(~going, index=shaped.case.names.to_pylist())
        completed = unfinished if completed is None else completed & unfinished.reindex(completed.index)
    kept, of_case = shaped.further(facts.numeric)
    log = assemble(
        case=shaped.case,
        activity=shaped.activity,
        start=shaped.start if facts.intervals else None,
        end=end,
        resource=shaped.named("resource"),
        role=shaped.named("role"),
        ongoing=shaped.ongoing,
        attributes=kept | ({"enabled": shaped.enabled} if facts.enabled else {}),
        case_attributes=of_case,
        completed=completed,
        time_zone=plan.shown,
        name=plan.name,
        calendar=None if calendar is None else Calendar.from_dict(calendar),
        observed=facts.observed,
        quarantine=shaped.lost if len(shaped.lost) else None,
        history=(*steps, *shaped.steps),
    )
    return _with_enabled(log) if facts.enabled else log


def _with_enabled(log: EventLog) -> EventLog:
    """Turn the attribute `enabled` (µs) into the enabled times, derived from earlier ends where it is missing."""
    told = log.attributes["enabled"]
    unknown = told == MISSING
    # Some systems stamp the two in the wrong order, but nothing starts before it can.
    enabled = np.where(unknown, enabled_times(log), np.minimum(told, log.start))
    steps = log.history
    if unknown.any():
        steps = (*steps, Step("enabled", "not recorded; taken as the latest end before the start", int(unknown.sum())))
    others: Any = {name: log.attributes.held(name) for name in log.attributes if name != "enabled"}
    return replace(log, enabled=enabled, attributes=others, history=steps)


@dataclass(kw_only=True)
class _Shaped:
    """Activity instances made of rows: columns (n,), and `source`, the row that each takes its other columns from."""

    rows: pa.Table
    plan: Plan
    case: Coded
    activity: Coded
    start: Int
    end: Int
    enabled: Int | None
    ongoing: Bools
    source: Int | None
    completed: pd.Series | None
    intervals: bool
    lost: pd.DataFrame
    steps: list[Step]

    def named(self, column: str) -> Coded | None:
        """Return a column of names, None if there is none."""
        if column not in self.rows.column_names:
            return None
        coded = encode(self.rows.column(column))
        return coded if self.source is None else Coded(coded.codes[self.source], coded.names)

    def further(self, numeric: dict[str, bool]) -> tuple[dict[str, Any], pd.DataFrame | None]:
        """Return the columns to keep per instance, and the frame of those per case, indexed by case."""
        of_case = self.plan.case_attributes
        clash = {*OWN, *(one for one in ("resource", "role") if one in self.rows.column_names)}
        kept = {}
        for name in self.plan.attributes:
            if name not in of_case:
                kept[f"{name} (column)" if name in clash else name] = self._values(name, numeric)
        if not of_case:
            return kept, None
        columns = {name.removeprefix("case:"): pd.Series(self._values(name, numeric)) for name in of_case}
        names = np.array(self.case.names.to_pylist(), dtype=object)[self.case.codes]
        return kept, pd.DataFrame(columns).groupby(names).first()

    def _values(self, name: str, numeric: dict[str, bool]) -> Any:
        column = self.rows.column(f"@{name}")
        if self.source is not None:
            column = column.take(pa.array(self.source))
        if name in numeric:
            return np.asarray(attribute(column), dtype=np.int64 if numeric[name] else np.float64)
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        values = column.to_pandas()
        if isinstance(values.dtype, pd.StringDtype):
            return values.where(values.notna() & (values != ""), None).to_numpy(dtype=object, na_value=None)
        return values.to_numpy()


def _shape(batches: Sequence[pa.RecordBatch], plan: Plan, *, final: tuple[str, ...] | None) -> _Shaped:
    """Turn rows into instances: paired by their lifecycle, lasting until the next entry, or as they are."""
    rows = _together(batches)
    rows, lost = _without_passed(rows, plan)
    mapping, steps = plan.mapping, list[Step]()
    names = rows.column_names
    end = rows.column("end").to_numpy()
    start = rows.column("start").to_numpy() if "start" in names else end
    enabled = rows.column("enabled").to_numpy() if "enabled" in names else None
    ongoing = (
        rows.column("ongoing").to_numpy(zero_copy_only=False)
        if "ongoing" in names
        else np.zeros(len(end), dtype=np.bool_)
    )
    case, activity, source, completed = encode(rows.column("case")), encode(rows.column("activity")), None, None
    intervals = mapping.timestamps in ("interval", "entered")
    if plan.paired or mapping.timestamps == "entered" or final is not None:
        instances = Instances(
            case=case, activity=activity, start=start, end=end, enabled=enabled, ongoing=ongoing, source=None
        )
        # A part of a log need not have all of the final activities.
        there = None if final is None else tuple(one for one in final if one in set(activity.listed()))
        if mapping.timestamps == "entered":
            instances = entered(instances, steps, there)
        elif plan.paired:
            ids = coded(rows.column("instance")).codes if "instance" in names else None
            instances = paired(instances, rows.column("lifecycle"), ids, steps, mapping.policy())
            intervals = instances.start is not None
        if mapping.final is not None and there is not None:
            instances = finished(instances, there, steps)
        source, end, enabled = instances.source, instances.end, instances.enabled
        start = end if instances.start is None else instances.start
        ongoing = np.zeros(len(end), dtype=np.bool_) if instances.ongoing is None else instances.ongoing
        if instances.open_cases is not None:
            completed = pd.Series(~instances.open_cases, index=case.names.to_pylist())
        case = by_first_appearance(instances.case.codes, case.names)
        activity = by_first_appearance(instances.activity.codes, activity.names)
    return _Shaped(
        rows=rows, plan=plan, case=case, activity=activity, start=start, end=end, enabled=enabled, ongoing=ongoing,
        source=source, completed=completed, intervals=intervals, lost=lost, steps=steps,
    )  # fmt: skip


def _together(batches: Sequence[pa.RecordBatch]) -> pa.Table:
    """Return batches as one table: a column may be a dictionary in one and plain text in another."""
    if len({batch.schema for batch in batches}) > 1:
        texts = {
            name
            for batch in batches
            for name, kind in zip(batch.schema.names, batch.schema.types, strict=True)
            if not pa.types.is_dictionary(kind)
        }
        batches = [_alike(batch, texts) for batch in batches]
    try:
        return pa.concat_tables([pa.Table.from_batches([one]) for one in batches], promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise DataError(f"a column holds values of several kinds: {error}; make each column of one kind") from None


def _alike(batch: pa.RecordBatch, texts: set[str]) -> pa.RecordBatch:
    columns = []
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if pa.types.is_dictionary(column.type):
            wide = pa.dictionary(pa.int32(), pa.string())
            column = column.dictionary_decode() if name in texts else column.cast(wide)
        columns.append(column)
    return pa.record_batch(columns, names=batch.schema.names)


def _without_passed(rows: pa.Table, plan: Plan) -> tuple[pa.Table, pd.DataFrame]:
    """Set aside the rows without an end whose case goes on."""
    lost = pd.DataFrame({"reason": []})
    if "ongoing" not in rows.column_names:
        return rows, lost
    going = rows.column("ongoing").to_numpy(zero_copy_only=False)
    if not going.any():
        return rows, lost
    case, start = encode(rows.column("case")).codes, rows.column("start").to_numpy()
    latest = np.full(int(case.max()) + 1, MISSING, dtype=np.int64)
    np.maximum.at(latest, case, start)
    passed = going & (start < latest[case])
    if not passed.any():
        return rows, lost
    reason = f'end column "{plan.mapping.end}": empty, but its case goes on'
    if plan.errors == "raise":
        name = rows.column("case")[int(np.flatnonzero(passed)[0])].as_py()
        raise DataError(
            f'{reason} ({int(passed.sum()):,} rows of one partition, first: case "{name}"); correct them, or pass '
            f'errors="quarantine" to set them aside'
        )
    kept = rows.filter(pa.array(~passed))
    return kept, rows.filter(pa.array(passed)).to_pandas().assign(reason=reason)

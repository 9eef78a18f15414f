"""Rows of whole cases made into a log, by the plan and by what is known of all rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mkmine.calendars import Calendar
from mkmine.errors import DataError
from mkmine.eventlog.assembly import assemble
from mkmine.eventlog.columns import Text
from mkmine.eventlog.encoding import Coded, encode
from mkmine.eventlog.formats.coding import attribute, first_of_each, taken
from mkmine.eventlog.formats.dates import MISSING
from mkmine.eventlog.formats.instances import Instances, entered, finished, paired
from mkmine.eventlog.formats.rows import with_enabled
from mkmine.eventlog.formats.table import Table, is_text
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.partitions.hours import Hours
from mkmine.eventlog.partitions.plan import Facts, Plan, Survey
from mkmine.eventlog.provenance import Step
from mkmine.eventlog.storage import OF_INSTANCE

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
    found = shaped.instances
    codes, end, names = found.case.codes, found.end, found.activity.listed()
    start = end if found.start is None else found.start
    ongoing = np.zeros(len(end), dtype=np.bool_) if found.ongoing is None else found.ongoing
    if hours is not None:
        hours.add_instances(start=start, end=end, ongoing=ongoing, intervals=found.start is not None)
    order = np.lexsort((start, end, codes))
    last = order[np.append(codes[order][1:] != codes[order][:-1], True)] if len(order) else order

    def counted(status: NDArray[np.int32]) -> dict[str, int]:
        counts = np.bincount(status, minlength=len(names)).tolist()
        return {name: n for name, n in zip(names, counts, strict=True) if n}

    return Survey(
        observed=(int(start.min(initial=np.iinfo(np.int64).max)), int(end.max(initial=MISSING))),
        intervals=found.start is not None,
        enabled=found.enabled is not None and bool((found.enabled != MISSING).any()),
        unfinished=plan.mapping.timestamps == "entered" or bool(ongoing.any()),
        lost=len(shaped.lost),
        cases=len(last),
        instances=len(end),
        entries=counted(found.activity.codes),
        last=counted(found.activity.codes[last]),
    )


def settle(
    rows: Sequence[pa.RecordBatch], plan: Plan, facts: Facts, *, steps: Sequence[Step], whole: bool = False
) -> EventLog | None:
    """Return the log of some whole cases, whose rows stand in the order of the source; None if none can be used.

    A log that is not the `whole` one is given the calendar that the whole one shows.
    """
    shaped = _shape(rows, plan, final=facts.final)
    found = shaped.instances
    if not len(found.end):
        return None
    calendar = plan.calendar or (None if whole else plan.inferred)
    end, open_cases = found.end, found.open_cases
    if found.ongoing is not None and found.ongoing.any():
        end = np.where(found.ongoing, facts.observed[1], end)
        open_cases = np.zeros(len(found.case.names), dtype=np.bool_) if open_cases is None else open_cases.copy()
        open_cases[found.case.codes[found.ongoing]] = True
    if plan.saved is not None and "completed" in shaped.rows.column_names:
        # The last row of a case that was read tells of it; one that was added later, by whether it is finished.
        going = np.zeros(len(end), dtype=np.bool_) if found.ongoing is None else found.ongoing
        told = pc.coalesce(shaped.rows.column("completed"), pa.array(~going))
        open_cases = np.zeros(len(found.case.names), dtype=np.bool_)
        open_cases[found.case.codes] = ~told.to_numpy()
    start = found.start
    if start is None and facts.intervals:
        # Elsewhere in the source there are intervals; here all instances are instants.
        start = end.copy()
    log = assemble(
        case=found.case,
        activity=found.activity,
        start=start,
        end=end,
        enabled=found.enabled if facts.enabled else None,
        resource=shaped.named("resource"),
        role=shaped.named("role"),
        ongoing=found.ongoing,
        attributes=shaped.attributes(facts.numeric),
        case_attributes=shaped.case_attributes(facts.numeric),
        timestamps=plan.saved,
        completed=None if open_cases is None else ~open_cases,
        time_zone=plan.shown,
        name=plan.name,
        calendar=None if calendar is None else Calendar.from_dict(calendar),
        observed=facts.observed,
        quarantine=shaped.lost if len(shaped.lost) else None,
        history=(*steps, *shaped.steps),
    )
    return log if log.enabled is None else with_enabled(log)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shaped:
    """Activity instances made of rows, the rows that they take further columns from, and those that are of no use."""

    rows: pa.Table
    plan: Plan
    instances: Instances
    lost: pd.DataFrame
    steps: list[Step]

    def named(self, column: str) -> Coded | None:
        """Return a column of names, None if there is none."""
        if column not in self.rows.column_names:
            return None
        coded = encode(self.rows.column(column))
        return Coded(taken(coded.codes, self.instances.source), coded.names)

    def attributes(self, numeric: dict[str, bool]) -> dict[str, Any]:
        """Return the further columns of instances."""
        clash = {*OWN, *(one for one in ("resource", "role") if one in self.rows.column_names)}
        if self.plan.saved is not None:
            return {name.removeprefix(OF_INSTANCE): self._values(name, numeric) for name in self.plan.attributes}
        return {
            f"{name} (column)" if name in clash else name: self._values(name, numeric)
            for name in self.plan.attributes
            if name not in self.plan.case_attributes
        }

    def case_attributes(self, numeric: dict[str, bool]) -> pd.DataFrame | None:
        """Return the columns of cases, of each its first value, by code of case; None if there are none."""
        if not self.plan.case_attributes:
            return None
        case = self.instances.case
        columns: dict[str, Any] = {}
        for name in self.plan.case_attributes:
            values = first_of_each(self._values(name, numeric), case.codes, len(case.names))
            if self.plan.saved is not None and getattr(self.rows.column(f"@{name}").type, "tz", None) is not None:
                values = pd.Series(values).dt.tz_localize("UTC").dt.tz_convert(self.plan.shown)
            columns[name.removeprefix("case:")] = values
        return pd.DataFrame(columns)

    def _values(self, name: str, numeric: dict[str, bool]) -> Any:
        """Return a column as what the whole of it is: a part of it may look like numbers by chance."""
        column = self.rows.column(f"@{name}")
        if not is_text(column.type):
            values = attribute(column)
        elif name in numeric:
            values = attribute(column)
            kind = np.int64 if numeric[name] else np.float64
            values = np.full(len(column), np.nan) if isinstance(values, Text) else values.astype(kind)
        else:
            plain = column.cast(pa.string())
            values = Text.of(pc.if_else(pc.equal(plain, ""), pa.scalar(None, pa.string()), plain))
        return taken(values, self.instances.source)


def _shape(batches: Sequence[pa.RecordBatch], plan: Plan, *, final: tuple[str, ...] | None) -> _Shaped:
    """Turn rows into instances: paired by their lifecycle, lasting until the next entry, or as they are."""
    rows, lost = _without_passed(_together(batches), plan)
    mapping, steps, names = plan.mapping, list[Step](), rows.column_names
    ongoing = rows.column("ongoing").fill_null(False).to_numpy() if "ongoing" in names else None
    found = Instances(
        case=encode(rows.column("case")),
        activity=encode(rows.column("activity")),
        start=rows.column("start").to_numpy() if mapping.timestamps == "interval" else None,
        end=rows.column("end").to_numpy(),
        enabled=rows.column("enabled").to_numpy() if "enabled" in names else None,
        ongoing=ongoing if ongoing is not None and ongoing.any() else None,
    )
    # A part of a log need not have all of the final activities.
    there = None if final is None else tuple(one for one in final if one in set(found.activity.listed()))
    if mapping.timestamps == "entered":
        found = entered(found, steps, there)
    elif plan.paired:
        ids = encode(rows.column("instance")).codes if "instance" in names else None
        found = paired(found, rows.column("lifecycle"), ids, steps, mapping.policy())
    if mapping.final is not None and there is not None and len(found.end):
        known = {found.activity.names[one].as_py() for one in np.unique(found.activity.codes).tolist()}
        found = finished(found, tuple(one for one in there if one in known), steps)
    return _Shaped(rows=rows, plan=plan, instances=found, lost=lost, steps=steps)


def _together(batches: Sequence[pa.RecordBatch]) -> pa.Table:
    """Return batches as one table: a column may be a dictionary in one and plain text or numbers in another."""
    tables = [pa.Table.from_batches([batch]) for batch in batches]
    if len({table.schema for table in tables}) > 1:
        for name in dict.fromkeys(name for table in tables for name in table.column_names):
            tables = _alike(tables, name)
    return pa.concat_tables(tables, promote_options="permissive")


def _alike(tables: list[pa.Table], name: str) -> list[pa.Table]:
    """Return the tables with the same type of a column in all: one that holds all values, text if there is none."""
    there = {i: table.column(name) for i, table in enumerate(tables) if name in table.column_names}
    if len({column.type for column in there.values()}) == 1:
        return tables
    if all(pa.types.is_dictionary(column.type) for column in there.values()):
        found = {i: column.cast(pa.dictionary(pa.int32(), pa.string())) for i, column in there.items()}
    else:
        plain = {i: column.cast(_undone(column.type)) for i, column in there.items()}
        filled = [column.type for column in plain.values() if column.null_count < len(column)]
        try:
            found = _cast(plain, _common(filled))
        except pa.ArrowInvalid:
            found = _cast(plain, pa.string())
    return [
        table.set_column(table.column_names.index(name), name, found[i]) if i in found else table
        for i, table in enumerate(tables)
    ]


def _undone(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _cast(columns: dict[int, pa.ChunkedArray], kind: pa.DataType) -> dict[int, pa.ChunkedArray]:
    return {
        i: column.cast(kind) if column.null_count < len(column) else pa.chunked_array([pa.nulls(len(column), kind)])
        for i, column in columns.items()
    }


def _common(kinds: Sequence[pa.DataType]) -> pa.DataType:
    """Return the type that holds values of all these, text if there is none."""
    try:
        return pa.unify_schemas([pa.schema({"": one}) for one in kinds], promote_options="permissive").field(0).type
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.string()


def _without_passed(rows: pa.Table, plan: Plan) -> tuple[pa.Table, pd.DataFrame]:
    """Set aside the rows without an end whose case goes on."""
    lost = pd.DataFrame({"reason": []})
    if "ongoing" not in rows.column_names or plan.saved is not None:
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
    return kept, Table(columns=rows, note="").to_pandas(passed).assign(reason=reason)

"""From the rows that an engine has written to an event log: order, names, costs, and what each case was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mkmine.calendars import HOUR, Calendar
from mkmine.eventlog import EventLog, Step
from mkmine.eventlog.columns import Columns, narrow
from mkmine.simulation.engine.draws import Cases
from mkmine.simulation.engine.tables import Ints, Tables
from mkmine.simulation.model import SimulationModel

__all__ = ["Rows", "as_log"]

# Codes are kept in whatever integer type an engine found large enough.
Whole = NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Activity instances in (case, start, end) order, and which cases were cancelled (n,)."""

    case: Whole
    activity: Whole
    person: Whole
    enabled: Ints
    start: Ints
    end: Ints
    cancelled: NDArray[np.bool_]

    @classmethod
    def of_table(cls, table: Ints, cancelled: NDArray[np.bool_]) -> Rows:
        """Put rows (case, activity, person, enabled, start, end), written in order of start, into the log's order."""
        order = np.argsort(table[:, 0], kind="stable")
        return cls.ordered(*(table[order, column] for column in range(6)), cancelled=cancelled)

    @classmethod
    def ordered(
        cls,
        case: Whole,
        activity: Whole,
        person: Whole,
        enabled: Ints,
        start: Ints,
        end: Ints,
        *,
        cancelled: NDArray[np.bool_],
    ) -> Rows:
        """Return rows that are in the order of case and start, where they are sorted by their end if a case began two
        things at once; the columns are the new object's own.
        """
        late = (end[1:] < end[:-1]) & (start[1:] == start[:-1]) & (case[1:] == case[:-1])
        if late.any():
            # Few cases do: only their rows are sorted.
            unsorted = np.zeros(len(cancelled), dtype=np.bool_)
            unsorted[case[1:][late]] = True
            at = np.flatnonzero(unsorted[case])
            order = at[np.lexsort((end[at], start[at], case[at]))]
            for column in (case, activity, person, enabled, start, end):
                column[at] = column[order]
        return cls(
            case=case,
            activity=activity,
            person=person,
            enabled=enabled,
            start=start,
            end=end,
            cancelled=cancelled,
        )


def as_log(
    model: SimulationModel, tables: Tables, cases: Cases, rows: Rows, step: Step, *, names: list[str]
) -> EventLog:
    """Return the rows as an event log; the last cases have names of their own.

    A case in which nothing was done is left out. Instances carry `cost` and cases `cost`, `due`, `type` and their
    attributes, each only if the model speaks of it.
    """
    roles = tables.role[: tables.n_activities].astype(np.int32)
    frame: dict[str, Any] = {"outcome": _named(("completed", "cancelled"), rows.cancelled.astype(np.int8))}
    cost = _costs(model, rows)
    if cost is not None:
        frame["cost"] = _case_costs(model, cases, rows, cost)
    if cases.due is not None:
        frame["due"] = pd.to_datetime(cases.due, unit="us", utc=True).tz_convert(model.time_zone)
    for name, codes in cases.attributes.items():
        frame[name] = _named(cases.values[name], codes)
    counts = np.bincount(rows.case, minlength=cases.n)
    # A case that has done nothing leaves no trace.
    there = counts > 0
    case_names, of_cases = _case_names(cases.n, names), pd.DataFrame(frame)
    if not there.all():
        case_names, of_cases = case_names.filter(pa.array(there)), of_cases[there].reset_index(drop=True)
    return EventLog(
        name=model.name,
        time_zone=model.time_zone,
        case_names=case_names,
        offsets=np.concatenate(([0], np.cumsum(counts[there]))).astype(np.int64),
        activity=rows.activity.astype(np.min_scalar_type(tables.n_activities - 1), copy=False),
        activities=tables.names[: tables.n_activities],
        resource=narrow(rows.person, len(model.people)),
        resources=tuple(one.name for one in model.people),
        role=narrow(roles[rows.activity], len(tables.roles)),
        roles=tables.roles,
        start=rows.start,
        end=rows.end,
        enabled=rows.enabled,
        ongoing=np.zeros(len(rows.case), dtype=np.bool_),
        completed=np.ones(int(there.sum()), dtype=np.bool_),
        timestamps="interval",
        attributes=Columns() if cost is None else Columns({"cost": cost}),
        case_attributes=of_cases,
        observed=(int(rows.enabled.min()), int(rows.end.max())),
        history=(step,),
        calendar=model.calendar(model.office),
    )


def _named(values: tuple[str, ...], codes: Whole) -> Any:
    """Return the values of codes as pandas keeps texts."""
    return pd.array(pa.array(values, pa.large_string()).take(pa.array(codes)), dtype="str")


def _case_names(n: int, known: list[str]) -> pa.Array:
    """Return the numbers from 1 on, with leading zeros, and then the names that are known."""
    numbers = pc.cast(pa.array(np.arange(1, n - len(known) + 1)), pa.string())
    names = pc.cast(pc.utf8_lpad(numbers, width=len(str(n)), padding="0"), pa.large_string())
    return pa.concat_arrays([names, pa.array(known, pa.large_string())]) if known else names


def _costs(model: SimulationModel, rows: Rows) -> NDArray[np.float64] | None:
    """Return what each instance costs: its own cost, and each hour of work that of the activity and the person."""
    activities = list(model.activities.values())
    fixed = np.array([one.cost for one in activities])
    hourly = np.array([one.cost_per_hour for one in activities])
    wages = np.array([*(one.cost_per_hour for one in model.people), 0.0])
    own = model.cost or any(one.cost for one in model.case_types.values())
    if not (own or fixed.any() or hourly.any() or wages.any()):
        return None
    hours = _hours(model, rows)
    return np.asarray(fixed[rows.activity] + hours * (hourly[rows.activity] + wages[rows.person]))


def _hours(model: SimulationModel, rows: Rows) -> NDArray[np.float64]:
    """Return the hours of each instance: those of the person's calendar, or of the clock of an outside wait.

    A person who gives a share of their time is paid for that share; work finished in overtime counts in full. The hours
    of a batch that is done together are those of its instances together.
    """
    spent = np.zeros(len(rows.case), dtype=np.int64)
    activities = list(model.activities.values())
    outside = rows.person < 0
    for number, activity in enumerate(activities):
        chosen = outside & (rows.activity == number)
        clock = model.calendar(activity.calendar) if activity.calendar else Calendar.always()
        spent[chosen] = clock.working_time(rows.start[chosen], rows.end[chosen])
    overtime = np.array([one.at_closing == "finish" for one in activities])[rows.activity]
    shares = np.ones(len(rows.case))
    for number, person in enumerate(model.people):
        chosen = rows.person == number
        clock = model.calendar(person.calendar, person.absences)
        spent[chosen] = clock.working_time(rows.start[chosen], rows.end[chosen])
        shares[chosen] = person.availability
    spent[overtime & ~outside] = (rows.end - rows.start)[overtime & ~outside]
    return spent / HOUR * shares / _pieces(model, rows)


def _pieces(model: SimulationModel, rows: Rows) -> NDArray[np.int64]:
    """Return of how many instances the piece of work consists that each one belongs to: 1, or those of its batch."""
    out = np.ones(len(rows.case), dtype=np.int64)
    together = np.array([one.batch is not None and one.batch.together for one in model.activities.values()])
    batched = np.flatnonzero(together[rows.activity] & (rows.person >= 0))
    if len(batched):
        keys = np.column_stack([one[batched] for one in (rows.activity, rows.person, rows.start, rows.end)])
        _, which, count = np.unique(keys, axis=0, return_inverse=True, return_counts=True)
        out[batched] = count[which.ravel()]
    return out


def _case_costs(model: SimulationModel, cases: Cases, rows: Rows, cost: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what each case costs: its own cost, its type's, and that of its instances."""
    total = model.cost + np.bincount(rows.case, weights=cost, minlength=cases.n)
    if model.case_types:
        total += np.array([one.cost for one in model.case_types.values()])[cases.attributes["type"]]
    return np.asarray(total)

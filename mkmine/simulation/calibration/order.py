"""In which order a log's people take their work: the choices they had, put together for the estimator."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.calendars import HOUR, Calendar
from mkmine.discovery.pools import Pools
from mkmine.eventlog import EventLog
from mkmine.simulation.calibration.estimators.attributes import writable
from mkmine.simulation.calibration.estimators.durations import Spent, fit_distribution
from mkmine.simulation.calibration.estimators.hands import last_doers
from mkmine.simulation.calibration.estimators.picks import Order, Waiting, estimate_order
from mkmine.simulation.calibration.estimators.routing import same_person
from mkmine.simulation.calibration.estimators.steps import Steps
from mkmine.simulation.calibration.habits import Habits
from mkmine.simulation.model.distributions import Distribution

__all__ = ["Taken", "barred", "order_of_work", "owners"]

Int = NDArray[np.int64]
Flags = NDArray[np.bool_]

# By so many values of so many attributes cases may go first.
_MOST_VALUES, _MOST_ATTRIBUTES = 8, 5
# What belongs to the case's end, or has a meaning of its own.
_OWN = ("outcome", "due", "cost")
# Of more outside delay than this in the waiting nobody can tell in which order work is taken.
_DELAYED = 0.25
# So many of the cases have to have a deadline.
_USUALLY = 0.9


@dataclass(frozen=True, kw_only=True)
class Taken:
    """By which rule work is taken.

    `of_group` are the roles that share people, by the order's groups; `values` the names of an attribute's values, by
    the codes of the order's levels, if cases go first by one; `due` the office hours from arrival to deadline.
    """

    order: Order
    of_group: tuple[tuple[int, ...], ...]
    values: dict[str, tuple[str, ...]]
    due: Distribution | None


def order_of_work(
    log: EventLog, steps: Steps, pools: Pools, habits: Habits, clock: Calendar, office: Calendar
) -> Taken:
    """Return by which rule people take what waits for them (`estimate_order`).

    Work waits from when it is estimated to have been offered, on the clock of its delay, and in the order in which it
    could have begun. Pieces that have to wait for one certain person are not up to anybody's choice, and of several
    that are done together one stands for all. What is the first of its case tells nothing where its waiting is not
    recorded, and neither does what waits for a good part outside.
    """
    groups = _groups(pools)
    group_of = np.full(len(pools.names) + 1, -1, dtype=np.int64)
    for number, roles in enumerate(groups):
        group_of[list(roles)] = number
    role = pools.of_activity[log.activity]
    known = np.isfinite(habits.spent.delay) & habits.pieces & (log.resource >= 0) & ~log.ongoing
    known &= ~steps.first | (log.enabled is not None)
    known &= _queueing(log, habits.spent)[log.activity]
    able = np.zeros((len(log.resources), len(log.activities)), dtype=np.bool_)
    for person, roles in enumerate(pools.recorded):
        able[person] = np.isin(pools.of_activity, roles)
    due = _due(log) if log.timestamps == "interval" else None
    codes, values = _attributes(log)
    rows = np.flatnonzero(known & (role >= 0) & (log.timestamps == "interval"))
    waiting = Waiting(
        ready=steps.enabled[rows],
        offered=np.minimum(_offered(log, habits.spent, habits.released, clock)[rows], log.start[rows]),
        start=log.start[rows],
        person=log.resource[rows].astype(np.int64),
        group=group_of[role[rows]],
        able=able,
        kind=log.activity[rows].astype(np.int64),
        owner=owners(log, habits)[rows],
        barred=barred(log, habits)[rows],
        due=None if due is None else due[log.case_of[rows]],
        classes={name: code[log.case_of[rows]] for name, code in codes.items()},
    )
    order = estimate_order(waiting)
    hours = None
    if due is not None and order.rule == "deadline":
        begin = np.minimum.reduceat(steps.enabled, log.offsets[:-1])
        hours = fit_distribution(office.working_time(begin, np.maximum(due, begin)) / HOUR)
    return Taken(order=order, of_group=groups, values=values, due=hours)


def _queueing(log: EventLog, spent: Spent) -> Flags:
    """Return which activities' waiting is hardly outside delay: elsewhere nobody knows what was there to be taken."""
    k = len(log.activities)
    delay, waiting = (
        np.bincount(log.activity, weights=np.nan_to_num(hours), minlength=k) for hours in (spent.delay, spent.waiting)
    )
    return np.asarray(delay <= _DELAYED * waiting)


def _groups(pools: Pools) -> tuple[tuple[int, ...], ...]:
    """Return the roles that are connected by people who have several."""
    group = list(range(len(pools.names)))
    for roles in pools.of_person:
        merged = {group[role] for role in roles}
        group = [min(merged) if one in merged else one for one in group]
    return tuple(tuple(role for role, one in enumerate(group) if one == number) for number in sorted(set(group)))


def _offered(log: EventLog, spent: Spent, released: Int, clock: Calendar) -> Int:
    steady = np.array(spent.steady, dtype=np.bool_)[log.activity]
    delay = np.rint(np.nan_to_num(spent.delay) * HOUR).astype(np.int64)
    out = released + delay
    late = ~steady & (delay > 0)
    out[late] = clock.add(released[late], delay[late])
    return np.asarray(out)


def owners(log: EventLog, habits: Habits) -> Int:
    """Return whose work it is alone, as far as that follows from what they did before; -1 for anybody's."""
    bound = [same_person(log, code) for code in range(len(log.activities))]
    again = np.array(bound, dtype=np.bool_)[log.activity] & (log.round > 1)
    again |= np.isin(log.activity, [code for code, hands in habits.hands.items() if hands.same])
    return np.where(again, log.resource, -1).astype(np.int64)


def barred(log: EventLog, habits: Habits) -> Int:
    """Return who may not do each instance, because of what they did before; -1 for nobody."""
    out = np.full(len(log), -1, dtype=np.int64)
    for code, hands in habits.hands.items():
        rows = np.flatnonzero(log.activity == code)
        if not hands.same:
            out[rows] = last_doers(log, rows, hands.other)
    return out


def _due(log: EventLog) -> Int | None:
    """Return when each case is due, µs; one without a deadline is never due."""
    if "due" not in log.case_attributes:
        return None
    values = log.case_attributes["due"]
    if pd.api.types.is_numeric_dtype(values.dtype):
        return None
    times = pd.to_datetime(values, errors="coerce", utc=True, format="ISO8601")
    if times.notna().mean() < _USUALLY:
        return None
    moments = times.dt.tz_localize(None).to_numpy("datetime64[us]")
    return np.where(np.isnat(moments), np.iinfo(np.int64).max, moments.astype(np.int64))


def _attributes(log: EventLog) -> tuple[dict[str, Int], dict[str, tuple[str, ...]]]:
    """Return the codes of the attributes by which cases may go first, and the names of their values."""
    codes: dict[str, Int] = {}
    values: dict[str, tuple[str, ...]] = {}
    for name in log.case_attributes.columns:
        column = log.case_attributes[name]
        if name in _OWN or len(codes) == _MOST_ATTRIBUTES or column.isna().any():
            continue
        # As Python's texts: numpy's and Arrow's hold no lone surrogates.
        told = np.array([str(one) for one in column.tolist()], dtype=object)
        names = tuple(sorted(set(told)))
        if 2 <= len(names) <= _MOST_VALUES and all(map(writable, names)):
            codes[str(name)] = np.searchsorted(np.array(names, dtype=object), told)
            values[str(name)] = names
    return codes, values

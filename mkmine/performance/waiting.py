"""Waiting and processing by activity, and how busy the roles are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.calendars import HOUR, Calendar
from mkmine.discovery.pools import Pools
from mkmine.eventlog.concurrency import enabled_beside
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.rhythm import infer_calendar
from mkmine.eventlog.statistics import Groups, running_maximum
from mkmine.eventlog.statuses import status_kinds, tells_statuses
from mkmine.eventlog.summaries import outside_activities, working_hours

__all__ = ["Spent", "busy_hours", "is_planned", "own_calendar", "presence", "spent", "waiting", "workload"]

# A role's own working week is inferred from at least as many instances.
ENOUGH = 200
# What is on a calendar: "Hold for the planned day", "Ожидание назначенного дня", the role "План рассылок".
PLANNED: Final = re.compile(
    r"\bплан(а|у|ом|е|ы|ов)?\b|календар|расписан|назначенн\w+ (дн|дат|срок|врем)|отложен"
    r"|\bplan(s|ned)?\b|calendar|schedule|\bset (day|date)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, eq=False, kw_only=True)
class Spent:
    """Where the working time of every instance went, in hours (n,).

    `enabled` is since when each could have begun, µs. `waiting` counts enabled to start, and the whole of the instances
    that are waits themselves; `processing` is NaN where it is not known (waits, ongoing work, logs of completions).
    `outside` marks waits for anything but a colleague (activities that nobody of the log does, statuses that say so),
    `status` the queues that a status declares. `observed` marks instances whose waiting is known: not those with which
    a case begins, unless `enabled` is recorded. `statuses` says that the log tells statuses.
    """

    enabled: NDArray[np.int64]
    waiting: NDArray[np.float64]
    processing: NDArray[np.float64]
    off_hours: NDArray[np.float64]
    outside: NDArray[np.bool_]
    status: NDArray[np.bool_]
    observed: NDArray[np.bool_]
    statuses: bool

    @property
    def idle(self) -> NDArray[np.bool_]:
        """Instances that are themselves waits."""
        return self.outside | self.status

    @property
    def separable(self) -> bool:
        """Whether work can be told from waiting at all."""
        return bool(np.isfinite(self.processing).any()) and (not self.statuses or bool(self.idle.any()))


def is_planned(activity: str, role: str | None = None) -> bool:
    """Return whether a stay outside is for a day that a plan has set: waiting less there is to plan otherwise.

    Read off the names of the activity and of the role; ask only of what nobody of the log does.
    """
    return any(PLANNED.search(name) for name in (activity, role or ""))


def spent(log: EventLog, calendar: Calendar) -> Spent:
    """Split the working time of every instance into waiting and processing."""
    enabled = enabled_beside(log)
    kinds = np.array(status_kinds(log), dtype=object)
    outside = (outside_activities(log) | (kinds == "outside"))[log.activity]
    status = (kinds == "queue")[log.activity] & ~outside
    idle = outside | status
    queued = working_hours(calendar, enabled, log.start)
    length = working_hours(calendar, log.start, log.end)
    wall = (log.start - enabled) / HOUR + np.where(idle, (log.end - log.start) / HOUR, 0.0)
    total = queued + np.where(idle, length, 0.0)
    known = ~idle & ~log.ongoing & (log.timestamps != "completed")
    return Spent(
        enabled=enabled,
        waiting=total,
        processing=np.where(known, length, np.nan),
        off_hours=wall - total,
        outside=outside,
        status=status,
        observed=idle | (log.position > 0) | (log.enabled is not None),
        statuses=tells_statuses(log),
    )


def waiting(log: EventLog, times: Spent, pools: Pools) -> pd.DataFrame:
    """Return one row per activity with its waiting and processing (working hours), the longest total wait first.

    Columns: activity, role (the most frequent), instances, waiting_total_h, waiting_median_h, waiting_p85_h, share
    (of all waiting), processing_total_h, processing_median_h, off_hours_wall_h (of the same waits, what fell outside
    working hours). Waits still going on are in the totals, not in the percentiles.
    """
    k, codes = len(log.activities), log.activity
    seen = times.observed
    over = seen & ~(times.idle & log.ongoing)
    total = np.bincount(codes[seen], weights=times.waiting[seen], minlength=k)
    known = np.bincount(codes[seen], minlength=k) > 0
    waits = Groups(times.waiting[over], codes[over], k)
    worked = np.isfinite(times.processing)
    works = Groups(times.processing[worked], codes[worked], k)
    every = float(total.sum())
    frame = pd.DataFrame(
        {
            "activity": log.activities,
            "role": pd.Series([pools.names[role] if role >= 0 else None for role in pools.of_activity], dtype=object),
            "instances": np.bincount(codes, minlength=k),
            "waiting_total_h": np.where(known, total, np.nan),
            "waiting_median_h": waits.quantile(0.5),
            "waiting_p85_h": waits.quantile(0.85),
            "share": np.where(known, total / every if every else 0.0, np.nan),
            "processing_total_h": np.where(works.count > 0, works.total, np.nan),
            "processing_median_h": works.quantile(0.5),
            "off_hours_wall_h": np.bincount(codes[seen], weights=times.off_hours[seen], minlength=k),
        }
    )
    frame = frame[frame["instances"] > 0]
    return frame.sort_values("waiting_total_h", ascending=False, kind="stable", ignore_index=True)


def workload(log: EventLog, times: Spent, pools: Pools, calendar: Calendar) -> pd.DataFrame:
    """Return one row per role (as recorded, where the log has roles): how many people did its work, how busy it kept
    them, and what waited for them.

    Hours are those of the role's own working week, inferred from its work (of `calendar`, where there is too little
    of it). Columns: role, people, instances, processing_h (sum), open_h (of its people from their first to their last
    sign in the log), utilisation (hours in which they had something of the role in hand / open_h: several things at
    once count once, people of several roles count with all their hours in each, and ongoing work does not count, since
    nobody knows whether it is being done), contention_h (what its work waited while its people were on duty: not what
    it waited for them to come back). Where only completions are known processing, utilisation and contention are NaN;
    utilisation also where a filter left out other work of the people.
    """
    columns = ["role", "people", "instances", "processing_h", "open_h", "utilisation", "contention_h"]
    if not pools.names:
        return pd.DataFrame({name: pd.Series(dtype=object) for name in columns})
    known = (log.resource >= 0) & ~times.idle
    first, last = presence(log)
    role = pools.of_instance
    enabled = times.enabled
    rows = []
    for number, name in enumerate(pools.names):
        mine = np.flatnonzero(known & (role == number))
        people = np.array([p for p, roles in enumerate(pools.recorded) if number in roles], dtype=np.int64)
        own = own_calendar(log, mine, calendar)
        open_hours = float(working_hours(own, first[people], last[people]).sum())
        worked = mine[np.isfinite(times.processing[mine])]
        queued = np.flatnonzero(times.observed & (role == number) & ~times.outside)
        contention = working_hours(own, enabled[queued], log.start[queued]).sum()
        # Statuses that are waits have their time between start and end.
        declared = queued[times.status[queued]]
        contention += working_hours(own, log.start[declared], log.end[declared]).sum()
        rows.append(
            (
                name,
                len(people),
                len(mine),
                float(working_hours(own, log.start[worked], log.end[worked]).sum()),
                open_hours,
                float(busy_hours(log, mine[~log.ongoing[mine]], own).sum()) / open_hours
                if open_hours > 0
                else float("nan"),
                float(contention),
            )
        )
    frame = pd.DataFrame(rows, columns=columns)
    if log.timestamps == "completed":
        frame[["processing_h", "utilisation", "contention_h"]] = np.nan
    if log.partial:
        frame["utilisation"] = np.nan
    return frame.sort_values("utilisation", ascending=False, kind="stable", ignore_index=True)


def own_calendar(log: EventLog, rows: NDArray[np.int64], calendar: Calendar) -> Calendar:
    """Return the working week that these instances show; the common one where they are few or show none."""
    if len(rows) < ENOUGH:
        return calendar
    mask = np.zeros(len(log), dtype=np.bool_)
    mask[rows] = True
    own = infer_calendar(log, instances=mask, holidays=calendar.holidays)
    return calendar if own.is_always_open or own.hours_per_week > calendar.hours_per_week else own


def presence(log: EventLog) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first and the last sign of every person (µs); of ongoing work that is its start."""
    known = log.resource >= 0
    first = np.full(len(log.resources), np.iinfo(np.int64).max)
    last = np.full(len(log.resources), np.iinfo(np.int64).min)
    np.minimum.at(first, log.resource[known], log.start[known])
    np.maximum.at(last, log.resource[known], np.where(log.ongoing, log.start, log.end)[known])
    return np.where(first > last, 0, first), np.where(first > last, 0, last)


def busy_hours(log: EventLog, rows: NDArray[np.int64], calendar: Calendar) -> NDArray[np.float64]:
    """Return for every person of the log the working hours in which they had at least one of `rows` in hand."""
    if not len(rows):
        return np.zeros(len(log.resources))
    order = rows[np.lexsort((log.start[rows], log.resource[rows]))]
    person, start, end = log.resource[order], log.start[order], log.end[order]
    fresh = np.append(True, person[1:] != person[:-1])
    begin = np.flatnonzero(fresh)
    position = np.arange(len(order)) - np.repeat(begin, np.diff(np.append(begin, len(order))))
    latest = running_maximum(end, position)
    covered = np.append(start[:1], latest[:-1])
    covered[fresh] = start[fresh]
    hours = working_hours(calendar, np.clip(covered, start, end), end)
    return np.bincount(person, weights=hours, minlength=len(log.resources)).astype(np.float64)

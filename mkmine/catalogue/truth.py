"""What really happened in a simulated world: why work waited, how often it came back, how much everyone could do.

An estimator that sees only the tracker can be held against this. Waiting time is split exactly:

- outside: the delay before the work was offered to its role (a publication slot);
- unavailability: nobody who could have done the work was on duty (part-time approvers, meetings, vacations), measured
  within office hours;
- contention: somebody was on duty, and everyone on duty was busy, or took other work first.

Not separable: how much of the contention is priority. Under the deadline rule work waits behind work that is due
earlier, and both would have waited in another order; a split would depend on the order in which it is made.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.calendars import HOUR, Calendar, Timeline
from mkmine.calendars.timeline import overlaid
from mkmine.eventlog import EventLog
from mkmine.simulation.model import ActivityModel, SimulationModel
from mkmine.streams import Streams

__all__ = ["capacities", "rework", "true_waiting"]

Ints = NDArray[np.int64]


def true_waiting(model: SimulationModel, log: EventLog, *, seed: int) -> pd.DataFrame:
    """Return one row per activity instance: the working hours (of the office) that it waited, by cause.

    Columns: instance, activity, role, round, waiting_h, outside_h, unavailability_h, contention_h and waiting_wall_h.
    `log` is the whole, uncut log of the model's run with `seed` (the delays are drawn again from its streams).
    """
    enabled = log.start if log.enabled is None else log.enabled
    offered = _offered(model, log, enabled, Streams(seed))
    office = model.calendar(model.office)
    first, last = int(enabled.min()), int(log.end.max())
    line = office.timeline(first, last)
    unavailable = np.zeros(len(log), dtype=np.int64)
    for rows, duty in _pools(model, log, first, last):
        # Office time in which nobody of the pool is on duty.
        manned = overlaid([line, duty], least=2)
        waited = line.opened(log.start[rows]) - line.opened(offered[rows])
        unavailable[rows] = waited - (manned.opened(log.start[rows]) - manned.opened(offered[rows]))
    waiting = office.working_time(enabled, log.start)
    outside = office.working_time(enabled, offered)
    roles = np.array([*log.roles, None], dtype=object)[log.role]
    return pd.DataFrame(
        {
            "instance": np.arange(len(log)),
            "activity": np.array(log.activities, dtype=object)[log.activity],
            "role": roles,
            "round": log.round,
            "waiting_h": waiting / HOUR,
            "outside_h": outside / HOUR,
            "unavailability_h": unavailable / HOUR,
            "contention_h": (waiting - outside - unavailable) / HOUR,
            "waiting_wall_h": (log.start - enabled) / HOUR,
        }
    )


def _offered(model: SimulationModel, log: EventLog, enabled: Ints, streams: Streams) -> Ints:
    """Return when each instance was offered to its role: after its outside delay."""
    offered = enabled.copy()
    for number, name in enumerate(log.activities):
        activity: ActivityModel = model.activities[name]
        if activity.delay is None:
            continue
        clock = model.calendar(activity.calendar) if activity.calendar else Calendar.always()
        of_activity = log.activity == number
        for round_number in np.unique(log.round[of_activity]):
            rows = np.flatnonzero(of_activity & (log.round == round_number))
            draws = streams.uniform("delay", name, int(round_number), size=log.n_cases)[log.case_of[rows]]
            delay = np.rint(activity.delay.ppf(draws) * HOUR).astype(np.int64)
            offered[rows] = np.minimum(clock.add(enabled[rows], delay), log.start[rows])
    return offered


def _pools(model: SimulationModel, log: EventLog, first: int, last: int) -> list[tuple[Ints, Timeline]]:
    """Return the instances that wait for the same people, and when at least one of these is on duty."""
    duty = {
        person.name: model.calendar(person.calendar, person.absences).timeline(first, last) for person in model.people
    }
    bound = np.array([model.activities[name].same_person for name in log.activities])[log.activity] & (log.round > 1)
    pools = []
    for number, role in enumerate(log.roles):
        rows = np.flatnonzero((log.role == number) & ~bound)
        if len(rows):
            pools.append((rows, overlaid([duty[person.name] for person in model.staff(role)], least=1)))
    for number, name in enumerate(log.resources):
        rows = np.flatnonzero((log.resource == number) & bound)
        if len(rows):
            pools.append((rows, duty[name]))
    return pools


def rework(model: SimulationModel, log: EventLog) -> pd.DataFrame:
    """Return per activity and round how probably the model sends work back, and how often the log did.

    Columns: activity, round, probability (the model's), reached, returned (a way back was taken). Activities without a
    way back are absent. Cases that are open after an instance are not counted as reached.
    """
    rows = []
    following = np.append(log.activity[1:].astype(np.int64), -1)
    following[log.offsets[1:] - 1] = -1
    open_end = np.zeros(len(log), dtype=np.bool_)
    open_end[log.offsets[1:][~log.completed] - 1] = True
    for name, activity in model.activities.items():
        if name not in log.activities or not any(route.rework for routes in activity.next for route in routes):
            continue
        mine = (log.activity == log.activities.index(name)) & ~open_end
        for number in range(1, int(log.round[mine].max(initial=0)) + 1):
            routes = activity.next[min(number, len(activity.next)) - 1]
            back = {route.to for route in routes if route.rework}
            reached = mine & (log.round == number)
            codes = [log.activities.index(to) for to in back if to in log.activities]
            rows.append(
                {
                    "activity": name,
                    "round": number,
                    "probability": round(sum(route.probability for route in routes if route.rework), 6),
                    "reached": int(reached.sum()),
                    "returned": int((reached & np.isin(following, codes)).sum()),
                }
            )
    return pd.DataFrame(rows)


def capacities(model: SimulationModel, log: EventLog, window: tuple[int, int]) -> pd.DataFrame:
    """Return per role: people, hours_per_week of all together, open_h in the window, busy_h and utilisation."""
    first, last = window
    rows = []
    for role in model.roles:
        staff = model.staff(role)
        opened = busy = 0.0
        for person in staff:
            calendar = model.calendar(person.calendar, person.absences)
            opened += float(calendar.working_time(first, last)) / HOUR
            own = log.resource == log.resources.index(person.name)
            begun, ended = (np.clip(times[own], first, last) for times in (log.start, log.end))
            busy += float(calendar.working_time(begun, ended).sum()) / HOUR
        present = [p for p in staff if not any(a <= model.start and b > model.start for a, b in p.absences)]
        rows.append(
            {
                "role": role,
                "people": len(present),
                "hours_per_week": sum(model.calendar(person.calendar).hours_per_week for person in present),
                "open_h": opened,
                "busy_h": busy,
                "utilisation": busy / opened if opened else float("nan"),
            }
        )
    return pd.DataFrame(rows)


def as_records(frame: pd.DataFrame, *, digits: int = 3) -> list[dict[str, Any]]:
    """Return a frame as plain rows, numbers rounded."""
    return [
        {str(key): round(float(value), digits) if isinstance(value, float) else value for key, value in row.items()}
        for row in frame.to_dict("records")
    ]

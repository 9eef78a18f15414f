"""What a simulated log says of the people of its model: how busy they are, what work waits for, whose queue grows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mkmine.calendars import HOUR, Calendar, Timeline
from mkmine.eventlog import EventLog
from mkmine.eventlog.statistics import running_maximum
from mkmine.simulation.experiments.kpis import PERSON, ROLE, WEEK, average_level, case_spans
from mkmine.simulation.model import SimulationModel

__all__ = ["Pressure", "pressure", "workforce"]

Int = NDArray[np.int64]
Window = tuple[int, int]
_MOST_ROLES = 10


@dataclass(frozen=True, slots=True)
class Pressure:
    """Whether a run could go on for ever.

    Attributes
    ----------
    growth
        By what share of the cases that arrived the work in progress grew, from the first half of the window to the
        second.
    queues
        By role: by how many pieces of work a week its queue grew.
    loads
        By role: the work that the cases of the window brought, as a share of the hours on duty of the people who could
        do it, where they do nothing else.
    load
        The heaviest load of any roles that share people, taken together: above 1 no rota does all the work.
    limited
        Whether work may wait although people are free: for a batch, or a limit of the work in progress.
    taken
        By role and by person, as their key figures are called: the work that they did in the window, as a share of
        the most that they could: of their hours, times the pieces of work that one may have in hand at once.
    """

    growth: float
    queues: dict[str, float]
    loads: dict[str, float]
    load: float
    limited: bool
    taken: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Shifts:
    """A model's people and their calendars, over a window.

    `opened` is how long each is on duty in it, and `offer` how much work each could do in it, in µs.
    """

    model: SimulationModel
    calendars: tuple[Calendar, ...]
    opened: Int
    offer: Int

    @classmethod
    def of(cls, model: SimulationModel, window: Window) -> _Shifts:
        calendars = tuple(model.calendar(one.calendar, one.absences or None) for one in model.people)
        hours = {calendar: int(calendar.working_time(*window)) for calendar in set(calendars)}
        opened = np.array([hours[clock] for clock in calendars], dtype=np.int64)
        return cls(model, calendars, opened, opened * np.array([one.capacity for one in model.people], dtype=np.int64))

    def worked(self, log: EventLog, start: Int, end: Int) -> Int:
        """Return the time between `start` and `end` (n,) in which the person of each instance was on duty, in µs.

        Of a batch that is done as one piece of work, one instance stands for all.
        """
        return np.where(self._repeated(log), 0, self._on_duty(log.resource, start, end))

    def busy(self, who: Int, person: Int, start: Int, end: Int) -> Int:
        """Return per piece of work (n,) how long it was in hand while no earlier one of its `who` was, in µs.

        Of one `who` these add up to the time in which anything was in hand, several things at once counted once.
        """
        order = np.lexsort((start, who))
        fresh = np.append(True, who[order][1:] != who[order][:-1])
        heads = np.flatnonzero(fresh)
        position = np.arange(len(order)) - np.repeat(heads, np.diff(np.append(heads, len(order))))
        latest = running_maximum(end[order], position)
        begin = np.where(fresh, start[order], np.append(start[order][:1], latest[:-1]))
        out = np.zeros(len(order), dtype=np.int64)
        out[order] = self._on_duty(person[order], np.clip(begin, start[order], end[order]), end[order])
        return out

    def _on_duty(self, person: NDArray[np.integer[Any]], start: Int, end: Int) -> Int:
        """Return the time between `start` and `end` in which each person was on duty; none for nobody (-1)."""
        out = np.zeros(len(start), dtype=np.int64)
        order = np.argsort(person, kind="stable")
        edges = np.searchsorted(person[order], np.arange(len(self.calendars) + 1))
        for number, calendar in enumerate(self.calendars):
            rows = order[edges[number] : edges[number + 1]]
            if len(rows):
                out[rows] = calendar.working_time(start[rows], end[rows])
        return out

    def _repeated(self, log: EventLog) -> NDArray[np.bool_]:
        """Return which instances belong to a batch of which another instance is the first."""
        shared = np.array([one.batch is not None and one.batch.together for one in self.model.activities.values()])
        out = np.zeros(len(log), dtype=np.bool_)
        rows = np.flatnonzero(shared[log.activity] & (log.resource >= 0))
        if len(rows):
            keys = np.column_stack((log.activity[rows], log.resource[rows], log.start[rows]))
            _, first = np.unique(keys, axis=0, return_index=True)
            out[rows] = True
            out[rows[first]] = False
        return out

    def places(self, role: str) -> list[int]:
        """Return the numbers of the people of a role."""
        return [number for number, one in enumerate(self.model.people) if role in one.roles]


def workforce(log: EventLog, model: SimulationModel, window: Window, offered: Int) -> dict[str, float]:
    """Return the key figures of a simulated log that need its model; `window` is in µs, its end excluded.

    `offered` (n,) says when work joined its queue: see `mkmine.simulation.engine.offers.offered_times`.

    `utilisation:<role>` and `person:<name>`: the time of the window in which they had anything in hand, as a share of
    their hours on duty in it: several things at once count once, as in the workload of a log. A person with several
    roles counts in each by the work done in it, and their hours are counted in each.

    Waiting by cause, mean working hours of the office per completed case that began in the window; together they are
    `waiting_per_case_h`. `waiting_outside_h`: waits that hold no one, and delays before work is offered;
    `waiting_off_duty_h`: work offered while nobody of its role is on duty, or not the one
    who has to do it; `waiting_queue_h`: somebody is, and has other work, or a batch or a limit holds it back.

    `cost_per_case` of the same cases, where the log carries costs; `overtime_per_week_h` where people finish at closing
    time what they have begun.
    """
    shifts = _Shifts.of(model, window)
    doing = log.resource >= 0
    person, role = (codes[doing].astype(np.int64) for codes in (log.resource, log.role))
    span = np.clip(log.start[doing], *window), np.clip(log.end[doing], *window)
    of_roles = shifts.busy(person * len(model.roles) + role, person, *span)
    out = _by_whom(log, shifts, (of_roles, shifts.busy(person, person, *span)), shifts.opened)
    out |= _causes(log, model, shifts, window, offered)
    finishing = np.array([one.at_closing == "finish" for one in model.activities.values()])
    if finishing.any():
        rows = finishing[log.activity] & doing & (log.start >= window[0]) & (log.start < window[1])
        over = (log.end - log.start - shifts.worked(log, log.start, log.end))[rows & ~shifts._repeated(log)]
        out["overtime_per_week_h"] = float(over.sum()) / HOUR * WEEK / (window[1] - window[0])
    return out


def _by_whom(log: EventLog, shifts: _Shifts, done: tuple[Int, Int], hours: Int) -> dict[str, float]:
    """Return what was done as a share of the hours of each role's people, and of each person.

    `done` is that of every piece of work that somebody did, once for roles and once for people; `hours` are by person.
    """
    model, doing = shifts.model, log.resource >= 0
    codes = log.role[doing].astype(np.int64), log.resource[doing].astype(np.int64)
    by_role = np.bincount(codes[0], weights=done[0], minlength=len(model.roles))
    by_person = np.bincount(codes[1], weights=done[1], minlength=len(model.people))
    out = {}
    for number, role in enumerate(model.roles):
        out[f"{ROLE}{role}"] = _share(by_role[number], int(hours[shifts.places(role)].sum()))
    for number, person in enumerate(model.people):
        out[f"{PERSON}{person.name}"] = _share(by_person[number], int(hours[number]))
    return out


def _share(work: float, offer: int) -> float:
    return float(work / offer) if offer else float("nan")


def pressure(log: EventLog, model: SimulationModel, window: Window, offered: Int) -> Pressure:
    """Return how the work in progress and the queues of roles grew between the halves of the window, and the loads."""
    begin, finish = case_spans(log)
    edges = np.linspace(*window, 3)
    first, second = average_level(begin, finish, edges)
    arrived = (begin >= window[0]) & (begin < window[1])
    half = (window[1] - window[0]) / 2 / WEEK
    shifts = _Shifts.of(model, window)
    worked = np.where(arrived[log.case_of] & (log.resource >= 0), shifts.worked(log, log.start, log.end), 0)
    done = shifts.worked(log, np.clip(log.start, *window), np.clip(log.end, *window))[log.resource >= 0]
    queues, brought = {}, {}
    for number, role in enumerate(model.roles):
        rows = log.role == number
        before, after = average_level(offered[rows], log.start[rows], edges)
        queues[role] = float((after - before) / half)
        brought[role] = float(worked[rows].sum())
    held = (one.batch is not None or one.wip_limit is not None for one in model.activities.values())
    return Pressure(
        growth=float((second - first) / max(int(arrived.sum()), 1)),
        queues=queues,
        loads={role: _share(brought[role], int(shifts.offer[shifts.places(role)].sum())) for role in model.roles},
        load=_heaviest(brought, shifts),
        limited=model.wip_limit is not None or any(held),
        taken=_by_whom(log, shifts, (done, done), shifts.offer),
    )


def _heaviest(brought: dict[str, float], shifts: _Shifts) -> float:
    """Return the largest load of any set of roles: their work over the hours of all who have one of them.

    The work can be done if, and only if, no set of roles is loaded above 1 (Hall's theorem). Of more than so many roles
    that share people, only each alone and all together are looked at.
    """
    heaviest = 0.0
    for roles in _sharing(shifts.model):
        if len(roles) <= _MOST_ROLES:
            sets = [chosen for size in range(1, len(roles) + 1) for chosen in combinations(roles, size)]
        else:
            sets = [*((role,) for role in roles), tuple(roles)]
        for chosen in sets:
            people = sorted({place for role in chosen for place in shifts.places(role)})
            load = _share(sum(brought[role] for role in chosen), int(shifts.offer[people].sum()))
            heaviest = max(heaviest, load) if load == load else heaviest
    return heaviest


def _sharing(model: SimulationModel) -> list[list[str]]:
    """Return the roles in groups that share no one."""
    groups: list[set[str]] = []
    for person in model.people:
        touched = [group for group in groups if group & set(person.roles)]
        groups = [group for group in groups if group not in touched]
        groups.append(set(person.roles).union(*touched))
    return [[role for role in model.roles if role in group] for group in groups]


def _causes(log: EventLog, model: SimulationModel, shifts: _Shifts, window: Window, offered: Int) -> dict[str, float]:
    """Return what the cases of the window waited for, and what they cost."""
    begin, _ = case_spans(log)
    chosen = (begin >= window[0]) & (begin < window[1]) & log.completed & ~log.cancelled
    cases = int(chosen.sum())
    costs = log.case_attributes.get("cost")
    keys = ["waiting_queue_h", "waiting_off_duty_h", "waiting_outside_h"]
    if not cases:
        return dict.fromkeys([*keys, *([] if costs is None else ["cost_per_case"])], float("nan"))
    assert log.enabled is not None
    office = log.working_calendar()
    rows = chosen[log.case_of]
    doing = rows & (log.resource >= 0)
    alone = rows & (log.resource < 0)
    outside = int(office.working_time(log.enabled[alone], log.end[alone]).sum())
    outside += int(office.working_time(log.enabled[doing], offered[doing]).sum())
    waited = office.working_time(offered[doing], log.start[doing])
    manned = _manned(log, model, shifts, doing, offered, office)
    sums = [int(manned.sum()), int((waited - manned).sum()), outside]
    out = {key: total / HOUR / cases for key, total in zip(keys, sums, strict=True)}
    if costs is not None:
        out["cost_per_case"] = float(costs.to_numpy(dtype=np.float64)[chosen].mean())
    return out


def _manned(
    log: EventLog, model: SimulationModel, shifts: _Shifts, doing: NDArray[np.bool_], offered: Int, office: Calendar
) -> Int:
    """Return the part of each wait (office hours) in which someone who could have done the work was on duty."""
    rows = np.flatnonzero(doing)
    kept = np.array([one.same_person for one in model.activities.values()])[log.activity[rows]] & (log.round[rows] > 1)
    kept |= np.array([one.same_person_as is not None for one in model.activities.values()])[log.activity[rows]]
    # Work that only one person may do is a group of its own: by that person, after the roles.
    group = np.where(kept, len(model.roles) + log.resource[rows].astype(np.int64), log.role[rows].astype(np.int64))
    number = {person.name: place for place, person in enumerate(model.people)}
    out = np.zeros(len(rows), dtype=np.int64)
    waits = log.start[rows] > offered[rows]
    if not waits.any():
        return out
    span = int(offered[rows].min()), int(log.start[rows].max())
    for one in np.unique(group[waits]):
        if one < len(model.roles):
            able = [shifts.calendars[number[person.name]] for person in model.staff(model.roles[one])]
        else:
            able = [shifts.calendars[one - len(model.roles)]]
        line = _shared(office, tuple(sorted(set(able), key=repr)), *(_year(moment) for moment in span))
        at = waits & (group == one) if len(line.starts) else np.zeros(len(rows), dtype=np.bool_)
        out[at] = line.opened(log.start[rows[at]]) - line.opened(offered[rows[at]])
    return out


def _year(moment: int) -> int:
    """Return a moment rounded to whole years, so that replications share what is compiled."""
    return moment // (365 * 24 * HOUR)


@lru_cache(maxsize=1024)
def _shared(office: Calendar, people: tuple[Calendar, ...], first: int, last: int) -> Timeline:
    """Return when the office is open and at least one of the people is on duty."""
    span = first * 365 * 24 * HOUR, (last + 1) * 365 * 24 * HOUR
    if office in people:
        return office.timeline(*span)
    lines = [one.timeline(*span) for one in people]
    on_duty = _union([line.starts for line in lines], [line.ends for line in lines])
    opened = office.timeline(*span)
    return _overlap(opened.starts, opened.ends, *on_duty)


def _union(starts: Sequence[Int], ends: Sequence[Int]) -> tuple[Int, Int]:
    start, end = np.concatenate(starts), np.concatenate(ends)
    order = np.argsort(start, kind="stable")
    start, reach = start[order], np.maximum.accumulate(end[order])
    fresh = np.concatenate(([True], start[1:] > reach[:-1]))
    return start[fresh], reach[np.append(np.flatnonzero(fresh)[1:] - 1, len(reach) - 1)]


def _overlap(first_starts: Int, first_ends: Int, starts: Int, ends: Int) -> Timeline:
    """Return the common time of two sorted sets of intervals."""
    low = np.searchsorted(ends, first_starts, side="right")
    high = np.searchsorted(starts, first_ends, side="left")
    sizes = np.maximum(high - low, 0)
    mine = np.repeat(np.arange(len(first_starts)), sizes)
    theirs = np.arange(len(mine)) - np.repeat(np.cumsum(sizes) - sizes, sizes) + np.repeat(low, sizes)
    start = np.maximum(first_starts[mine], starts[theirs])
    end = np.minimum(first_ends[mine], ends[theirs])
    return Timeline(start, end, np.concatenate(([0], np.cumsum(end - start)[:-1])) if len(start) else start)

"""The simulator on SimPy: callbacks over compiled tables, and the result is an event log.

A generator process per case is the textbook way and six times slower. Here every person owns one reusable event (the
end of the work in hand, or the next opening of an absent person's calendar), a case owns one only while it waits
outside, and calendars are arithmetic, not interrupts. Queues are heaps. Draws are keyed by what they are for, so that a
scenario changes only the draws of what it changes.

Times are int microseconds: the clock never drifts.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from heapq import heappop, heappush

import numpy as np
import pandas as pd
import simpy
from numpy.typing import NDArray
from simpy.events import NORMAL

from mkmine.calendars import DAY, HOUR, Calendar, from_year
from mkmine.errors import DataError
from mkmine.eventlog import EventLog, Step
from mkmine.eventlog.columns import Columns
from mkmine.eventlog.observation import as_observed
from mkmine.simulation.arrivals import arrival_times
from mkmine.simulation.model import ActivityModel, Route, SimulationModel
from mkmine.streams import Streams

__all__ = ["simulate"]

_MOST_ROUNDS = 1_000
_NEVER = 2**63
_LONGEST = 400 * 366 * DAY
END = -1
CANCELLED = -2


def simulate(
    model: SimulationModel,
    *,
    seed: int = 7,
    replication: int = 0,
    cases: int | None = None,
    weeks: float | None = None,
    arrivals: NDArray[np.int64] | None = None,
    observe: tuple[int, int] | None = None,
) -> EventLog:
    """Run a model and return what happened as an event log.

    Parameters
    ----------
    model
        The process, its people and their calendars.
    seed, replication
        Name the random streams: the same pair gives the same log.
    cases, weeks, arrivals
        How long cases arrive: a number of cases, a number of weeks from the model's start, or their arrival times
        (int64 µs, sorted) themselves. Default: 52 weeks. The run goes on until every case has ended.
    observe
        The window (µs) of the log; see `mkmine.eventlog.observation.as_observed`.

    Raises `DataError` if a case does not end (more than 1,000 rounds of an activity) or nothing happens in the window.
    """
    streams = Streams(seed, replication=replication)
    times = arrivals if arrivals is not None else arrival_times(model, streams, cases=cases, weeks=weeks)
    if not len(times):
        raise DataError(f'no case arrives in the simulation of "{model.name}"; raise the arrivals or the duration')
    if (np.diff(times) < 0).any():
        raise DataError("the arrival times are not sorted; sort them, earliest first")
    run = _Run(model, streams, np.asarray(times, dtype=np.int64))
    run.play()
    log = _as_log(model, run, Step("simulate", f"{model.name}, seed {seed}, replication {replication}"))
    return log if observe is None else as_observed(log, observe)


class _Clock:
    """A calendar on plain lists: a binary search on a list costs a tenth of one through NumPy."""

    __slots__ = ("_before", "_calendar", "_ends", "_first", "_last", "_starts", "_total", "always")

    def __init__(self, calendar: Calendar, first: int, last: int) -> None:
        self._calendar, self._first = calendar, first
        self.always = calendar.is_always_open
        self._extend(last)

    def _extend(self, last: int) -> None:
        if from_year(last) > 2190:
            raise DataError(
                "the simulation runs past the year 2190: the calendars are hardly ever open, or work piles up"
            )
        self._last = last
        line = self._calendar.timeline(self._first, last)
        self._starts: list[int] = line.starts.tolist()
        self._ends: list[int] = line.ends.tolist()
        self._before: list[int] = line.before.tolist()
        self._total = self._before[-1] + self._ends[-1] - self._starts[-1]

    def add(self, moment: int, duration: int) -> int:
        """Return when `duration` µs of open time after `moment` have passed."""
        if self.always or duration == 0:
            return moment + duration
        while moment >= self._ends[-1]:
            self._extend(self._last + (self._last - self._first) + 366 * DAY)
        index = bisect_right(self._starts, moment) - 1
        opened = 0 if index < 0 else self._before[index] + min(moment, self._ends[index]) - self._starts[index]
        target = opened + duration
        while target > self._total:
            self._extend(self._last + (self._last - self._first) + 366 * DAY)
        index = bisect_left(self._before, target) - 1
        return self._starts[index] + target - self._before[index]

    def shift(self, moment: int) -> tuple[int, int]:
        """Return the open interval that holds `moment`, or the next one."""
        if self.always:
            return moment, moment + _LONGEST
        while moment >= self._ends[-1]:
            self._extend(self._last + (self._last - self._first) + 366 * DAY)
        index = bisect_right(self._ends, moment)
        return self._starts[index], self._ends[index]

    def next_open(self, moment: int) -> int:
        """Return `moment`, or the next opening if it is closed."""
        return max(moment, self.shift(moment)[0])


class _Worker:
    """A person while the simulation runs: one reusable event, and a queue of work that waits for them alone."""

    __slots__ = ("busy", "case", "clock", "closes", "event", "opens", "own", "queues", "row", "waking")

    def __init__(self, event: simpy.Event, clock: _Clock, queues: list[list[Item]]) -> None:
        self.event = event
        self.clock = clock
        self.own: list[Item] = []
        self.queues = [*queues, self.own]
        self.busy = False
        self.waking = False
        self.case = -1
        self.row = -1
        self.opens, self.closes = 0, 0

    def opening(self, now: int) -> int:
        """Return `now` if the person is on duty, or else their next opening."""
        if now >= self.closes:
            self.opens, self.closes = self.clock.shift(now)
        return max(now, self.opens)


# (key, number, case, activity): the key orders the queue, the number keeps the order of arrival among equals.
Item = tuple[int, int, int, int]


@dataclass(slots=True)
class _Node:
    """One activity, compiled."""

    model: ActivityModel
    name: str
    role: int
    clock: _Clock
    durations: list[list[int]]
    delays: list[list[int]]
    nexts: list[list[int]]
    draws: list[list[float]]
    contexts: dict[tuple[int, ...], tuple[list[float], list[int]]]
    deepest: int


class _Run:
    """One run: the state of cases, queues and people, and the rows of the log as they are written."""

    def __init__(self, model: SimulationModel, streams: Streams, arrivals: NDArray[np.int64]) -> None:
        self.model = model
        self.streams = streams
        self.arrivals: list[int] = arrivals.tolist()
        self.n = len(self.arrivals)
        self.env = simpy.Environment(initial_time=self.arrivals[0])
        self.names = list(model.activities)
        self.numbers = {name: number for number, name in enumerate(self.names)}
        self.roles = list(model.roles)
        # The state of cases: rounds by activity, activities so far, and who is bound to do an activity again.
        self.next_case = 0
        self.rounds: list[dict[int, int]] = [{} for _ in range(self.n)]
        self.trace: list[list[int]] = [[] for _ in range(self.n)]
        self.bound: list[dict[int, int]] = [{} for _ in range(self.n)]
        self.waits: dict[int, simpy.Event] = {}
        self.after: dict[int, tuple[Callable[[int, int], None], int]] = {}
        self.queued_since: dict[tuple[int, int], int] = {}
        self.cancelled = np.zeros(self.n, dtype=np.bool_)
        # The state of people: a queue per role, and who is idle, the longest idle first.
        self.sequence = 0
        self.queues: list[list[Item]] = [[] for _ in self.roles]
        self.idle: list[deque[int]] = [deque() for _ in self.roles]
        self.of_role = [[self.roles.index(role) for role in person.roles] for person in model.people]
        # The rows of the log.
        self.case: list[int] = []
        self.activity: list[int] = []
        self.person: list[int] = []
        self.enabled: list[int] = []
        self.start: list[int] = []
        self.end: list[int] = []
        first, horizon = self.arrivals[0], self.arrivals[-1] + 400 * DAY
        clocks = {name: _Clock(model.calendar(name), first, horizon) for name in model.calendars}
        self.nodes = self._nodes(clocks, _Clock(Calendar.always(), first, horizon))
        self.workers = self._workers(clocks, first, horizon)
        self.due = self._deadlines(arrivals)
        self.begin = self._choose(model.begin, streams.uniform("begin", size=self.n))

    def play(self) -> None:
        """Let the cases arrive and go on until every one has ended."""
        self._schedule(self._event(self._arrive), self.arrivals[0])
        self.env.run()

    def _nodes(self, clocks: dict[str, _Clock], always: _Clock) -> list[_Node]:
        return [
            _Node(
                model=one,
                name=name,
                role=-1 if one.role is None else self.roles.index(one.role),
                clock=clocks[one.calendar] if one.calendar else always,
                durations=[],
                delays=[],
                nexts=[],
                draws=[],
                contexts=self._contexts(one),
                deepest=max((len(context.before) for context in one.contexts), default=0),
            )
            for name, one in self.model.activities.items()
        ]

    def _workers(self, clocks: dict[str, _Clock], first: int, horizon: int) -> list[_Worker]:
        out = []
        for number, person in enumerate(self.model.people):
            clock = clocks[person.calendar]
            if person.absences:
                clock = _Clock(self.model.calendar(person.calendar, person.absences), first, horizon)
            queues = [self.queues[role] for role in self.of_role[number]]
            out.append(_Worker(self._event(self._worker_event(number)), clock, queues))
            for role in self.of_role[number]:
                self.idle[role].append(number)
        return out

    # -- draws -----------------------------------------------------------------------------------------------------

    def _deadlines(self, arrivals: NDArray[np.int64]) -> list[int]:
        if self.model.queue != "deadline" or self.model.due is None:
            return []
        hours = self.model.due.ppf(self.streams.uniform("due", size=self.n))
        due = self.model.calendar(self.model.office).add(arrivals, _as_us(hours))
        return [int(moment) for moment in due]

    def _table(self, routes: list[Route]) -> tuple[list[float], list[int]]:
        """Return the cumulative probabilities of routes and their targets: an activity, END or CANCELLED."""
        # Ways back come first, so that a scenario which scales them moves as few cases as possible.
        ordered = sorted(routes, key=lambda route: not route.rework)
        ends = {"completed": END, "cancelled": CANCELLED}
        targets = [ends[route.outcome] if route.to is None else self.numbers[route.to] for route in ordered]
        edges: list[float] = np.cumsum([route.probability for route in ordered]).tolist()
        # The last edge is open: rounding must not leave a draw without a route.
        return edges[:-1], targets

    def _contexts(self, model: ActivityModel) -> dict[tuple[int, ...], tuple[list[float], list[int]]]:
        """Return the routes of contexts by (round, earlier activities)."""
        return {
            (one.round, *(self.numbers[name] for name in one.before)): self._table(one.next) for one in model.contexts
        }

    def _choose(self, routes: list[Route], u: NDArray[np.float64]) -> list[int]:
        """Return each case's choice among routes."""
        edges, targets = self._table(routes)
        return [int(one) for one in np.asarray(targets)[np.searchsorted(edges, u, side="right")]]

    def _next(self, case: int, activity: int) -> int:
        """Return where a case goes after an activity: by the longest context that fits, or else by the round."""
        node = self.nodes[activity]
        number = self.rounds[case][activity]
        if node.contexts:
            trace = self.trace[case]
            known = min(number, len(node.model.next))
            for length in range(min(node.deepest, len(trace) - 1), 0, -1):
                found = node.contexts.get((known, *trace[-1 - length : -1]))
                if found is not None:
                    return found[1][bisect_right(found[0], node.draws[number - 1][case])]
        return node.nexts[number - 1][case]

    def _compile_round(self, node: _Node) -> None:
        """Draw what the next round of an activity takes and where it leads, for every case."""
        round_number = len(node.durations) + 1
        if round_number > _MOST_ROUNDS:
            raise DataError(
                f'a case executes "{node.name}" more than {_MOST_ROUNDS:,} times; lower the probability of its way back'
            )
        model = node.model
        spread = model.duration[min(round_number, len(model.duration)) - 1]
        hours = spread.ppf(self.streams.uniform("duration", node.name, round_number, size=self.n))
        node.durations.append(_as_us(hours).tolist())
        if model.delay is not None:
            hours = model.delay.ppf(self.streams.uniform("delay", node.name, round_number, size=self.n))
            node.delays.append(_as_us(hours).tolist())
        else:
            node.delays.append([])
        routes = model.next[min(round_number, len(model.next)) - 1]
        u = self.streams.uniform("route", node.name, round_number, size=self.n)
        node.nexts.append(self._choose(routes, u))
        node.draws.append(u.tolist() if node.contexts else [])

    # -- events ----------------------------------------------------------------------------------------------------

    def _event(self, callback: Callable[[simpy.Event], None]) -> simpy.Event:
        event = simpy.Event(self.env)
        event._ok, event._value = True, None
        event.callbacks = [callback]
        return event

    def _schedule(self, event: simpy.Event, moment: int) -> None:
        self.env.schedule(event, NORMAL, moment - self.env.now)

    def _arrive(self, event: simpy.Event) -> None:
        case = self.next_case
        self.next_case += 1
        if self.next_case < self.n:
            event.callbacks = [self._arrive]
            self._schedule(event, self.arrivals[self.next_case])
        self._enable(case, self.begin[case])

    def _enable(self, case: int, activity: int) -> None:
        """A case reaches an activity, or its end."""
        if activity < 0:
            self.cancelled[case] = activity == CANCELLED
            return
        node = self.nodes[activity]
        number = self.rounds[case].get(activity, 0)
        self.rounds[case][activity] = number + 1
        self.trace[case].append(activity)
        if number == len(node.durations):
            self._compile_round(node)
        now = int(self.env.now)
        if node.role < 0:
            row = self._write(case, activity, -1, now, now)
            self.end[row] = node.clock.add(node.clock.next_open(now), node.durations[number][case])
            self._later(case, self.end[row], self._left, activity)
            return
        self.queued_since[case, activity] = now
        if node.delays[number]:
            self._later(case, node.clock.add(now, node.delays[number][case]), self._offer, activity)
        else:
            self._offer(case, activity)

    def _later(self, case: int, moment: int, what: Callable[[int, int], None], activity: int) -> None:
        self.after[case] = (what, activity)
        event = self.waits.get(case)
        if event is None:
            event = self.waits[case] = self._event(lambda _: None)

        def happen(_: simpy.Event) -> None:
            action, at = self.after.pop(case)
            action(case, at)

        event.callbacks = [happen]
        self._schedule(event, moment)

    def _left(self, case: int, activity: int) -> None:
        """A case leaves an activity."""
        self._enable(case, self._next(case, activity))

    def _offer(self, case: int, activity: int) -> None:
        """Work joins the queue of its role, or of the one person who must do it, and someone free takes it."""
        now = int(self.env.now)
        node = self.nodes[activity]
        self.sequence += 1
        key = self.due[case] if self.due else self.queued_since[case, activity]
        item = (key, self.sequence, case, activity)
        owner = self.bound[case].get(activity) if node.model.same_person else None
        if owner is None:
            heappush(self.queues[node.role], item)
            self._call(self.idle[node.role], now)
        else:
            heappush(self.workers[owner].own, item)
            if not self.workers[owner].busy:
                self._call((owner,), now)

    def _call(self, candidates: Iterable[int], now: int) -> bool:
        """Give work to the first idle person on duty, or else wake the one who comes first when they come.

        Return whether someone took it.
        """
        first, soonest = None, _NEVER
        for number in candidates:
            worker = self.workers[number]
            # Someone about to wake will look for work by themselves; whoever wakes at this very moment comes first.
            if worker.waking:
                if worker.opening(now) == now:
                    return False
                continue
            opening = worker.opening(now)
            if opening == now:
                self._take(number)
                return True
            if opening < soonest:
                first, soonest = worker, opening
        if first is not None:
            first.waking = True
            self._schedule(first.event, soonest)
        return False

    def _worker_event(self, number: int) -> Callable[[simpy.Event], None]:
        def happen(event: simpy.Event) -> None:
            worker = self.workers[number]
            event.callbacks = [happen]
            worker.waking = False
            if worker.busy:
                worker.busy = False
                for role in self.of_role[number]:
                    self.idle[role].append(number)
                self._left(worker.case, self.activity[worker.row])
            if not worker.busy and not worker.waking and any(worker.queues):
                self._call((number,), int(self.env.now))
            # Whoever was woken for one piece of work may take another: someone else has to come for what is left.
            for role in self.of_role[number]:
                while self.queues[role] and self._call(self.idle[role], int(self.env.now)):
                    pass

        return happen

    def _take(self, number: int) -> None:
        """A free person on duty begins the first piece of work of their queues."""
        worker = self.workers[number]
        queue = min((queue for queue in worker.queues if queue), key=_head)
        _, _, case, activity = heappop(queue)
        now = int(self.env.now)
        node = self.nodes[activity]
        worker.row = self._write(case, activity, number, self.queued_since.pop((case, activity)), now)
        worker.case = case
        worker.busy = True
        for role in self.of_role[number]:
            self.idle[role].remove(number)
        if node.model.same_person:
            self.bound[case].setdefault(activity, number)
        end = worker.clock.add(now, node.durations[self.rounds[case][activity] - 1][case])
        self.end[worker.row] = end
        self._schedule(worker.event, end)

    def _write(self, case: int, activity: int, person: int, enabled: int, start: int) -> int:
        self.case.append(case)
        self.activity.append(activity)
        self.person.append(person)
        self.enabled.append(enabled)
        self.start.append(start)
        self.end.append(start)
        return len(self.case) - 1


def _as_log(model: SimulationModel, run: _Run, step: Step) -> EventLog:
    """Return the rows of a run as an event log."""
    case, activity = np.asarray(run.case, dtype=np.int64), np.asarray(run.activity, dtype=np.int64)
    enabled, start, end = (np.asarray(column, dtype=np.int64) for column in (run.enabled, run.start, run.end))
    order = np.lexsort((end, start, case))
    roles = np.array([-1 if one.role is None else run.roles.index(one.role) for one in model.activities.values()])
    width = len(str(run.n))
    return EventLog(
        name=model.name,
        time_zone=model.time_zone,
        case_names=np.array([f"{number + 1:0{width}d}" for number in range(run.n)], dtype=object),
        offsets=np.concatenate(([0], np.cumsum(np.bincount(case, minlength=run.n)))).astype(np.int64),
        activity=activity[order].astype(np.min_scalar_type(len(run.names) - 1)),
        activities=tuple(run.names),
        resource=np.asarray(run.person, dtype=np.int32)[order],
        resources=tuple(one.name for one in model.people),
        role=roles[activity[order]].astype(np.int32),
        roles=tuple(run.roles),
        start=start[order],
        end=end[order],
        enabled=enabled[order],
        ongoing=np.zeros(len(order), dtype=np.bool_),
        completed=np.ones(run.n, dtype=np.bool_),
        timestamps="interval",
        attributes=Columns(),
        case_attributes=pd.DataFrame({"outcome": np.where(run.cancelled, "cancelled", "completed")}),
        observed=(int(enabled.min()), int(end.max())),
        history=(step,),
        calendar=model.calendar(model.office),
    )


def _head(queue: list[Item]) -> Item:
    return queue[0]


def _as_us(hours: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return hours as whole microseconds; a cap of 400 years keeps a heavy tail inside the calendar."""
    return np.minimum(np.rint(hours * HOUR), _LONGEST).astype(np.int64)

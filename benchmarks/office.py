"""The office that the simulators are compared on: as a model of mkmine, as textbook SimPy, as a bare heap loop, in C.

Ten activities in six roles: three exclusive choices, a way back (0.2), two branches side by side that are joined,
office hours on weekdays, arrivals in these hours, log-normal and exponential durations.
"""

from __future__ import annotations

import ctypes
import random
import shutil
import subprocess
from collections import deque
from collections.abc import Generator
from heapq import heappop, heappush
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import simpy
from numpy.typing import NDArray

from mkmine.eventlog import EventLog, Step
from mkmine.simulation import SimulationModel, simulate
from mkmine.simulation.engine.draws import BLOCK, Cases, Draws
from mkmine.simulation.engine.rows import Rows, as_log
from mkmine.simulation.engine.tables import Tables, compile_model
from mkmine.simulation.model.arrivals import arrival_times
from mkmine.streams import Streams

OPEN, CLOSE = 9, 18
RATE = 4.0
SPLIT, JOIN = "split", "join"
BRANCHES, AFTER = ("Draw", "Proof"), "Publish"
# Activity: role, mean hours, coefficient of variation (1: exponential), next places with probabilities.
PROCESS: dict[str, tuple[str, float, float, dict[str | None, float]]] = {
    "Register": ("Clerk", 0.2, 1.0, {"Check": 0.8, "Ask": 0.2}),
    "Ask": ("Clerk", 0.3, 1.0, {"Check": 1.0}),
    "Check": ("Analyst", 0.5, 0.5, {"Write": 0.6, "Sketch": 0.4}),
    "Sketch": ("Designer", 1.0, 0.8, {"Write": 1.0}),
    "Write": ("Writer", 1.5, 0.8, {"Approve": 1.0}),
    "Approve": ("Approver", 0.15, 1.0, {"Write": 0.2, SPLIT: 0.8}),
    "Draw": ("Designer", 0.8, 0.8, {"Lay out": 0.7, JOIN: 0.3}),
    "Lay out": ("Designer", 0.4, 0.5, {JOIN: 1.0}),
    "Proof": ("Writer", 0.4, 0.5, {JOIN: 1.0}),
    "Publish": ("Publisher", 0.1, 1.0, {None: 1.0}),
}
STAFF = {"Clerk": 2, "Analyst": 3, "Designer": 8, "Writer": 12, "Approver": 1, "Publisher": 1}
# Half of the writers: their load is well above 1.
SHORT = STAFF | {"Writer": 6}


def office(staff: dict[str, int], *, times: int = 1) -> SimulationModel:
    """Return the process as a model of mkmine, so many times as large."""
    back = {("Approve", "Write")}
    return SimulationModel.from_dict(
        {
            "name": "benchmark",
            "start": "2025-01-06",
            "office": "office",
            "calendars": {"office": {"weekly": {"Mon-Fri": f"{OPEN:02d}:00-{CLOSE}:00"}}},
            "people": [
                {"name": f"{role} {n}", "roles": [role], "calendar": "office"}
                for role, count in staff.items()
                for n in range(times * count)
            ],
            "activities": {
                name: {
                    "role": role,
                    "duration": [
                        {"kind": "exponential", "mean": mean}
                        if cv == 1
                        else {"kind": "lognormal", "mean": mean, "cv": cv}
                    ],
                    "next": [[{"to": to, "probability": p, "rework": (name, to) in back} for to, p in ways.items()]],
                }
                for name, (role, mean, cv, ways) in PROCESS.items()
            },
            "gateways": {
                SPLIT: {"kind": "and", "to": list(BRANCHES)},
                JOIN: {"kind": "join", "of": SPLIT, "to": AFTER},
            },
            "begin": [{"to": "Register", "probability": 1}],
            "arrivals": {
                "weekly": [[times * RATE * (OPEN <= hour < CLOSE) for hour in range(24)]] * 5 + [[0.0] * 24] * 2
            },
        }
    )


def cycle(log: EventLog) -> float:
    """Return the mean cycle time in hours of the clock."""
    assert log.enabled is not None
    heads = log.offsets[:-1]
    return float((np.maximum.reduceat(log.end, heads) - log.enabled[heads]).mean() / 3.6e9)


def ours(staff: dict[str, int], cases: int, engine: Any) -> float:
    """Simulate with mkmine; return the mean cycle time in hours of the clock."""
    return cycle(simulate(office(staff), cases=cases, engine=engine))


def arrivals(cases: int) -> list[float]:
    """Return the arrival times, in hours since Monday's midnight."""
    moments = arrival_times(office(STAFF), Streams(7), cases=cases)
    monday = int(pd.Timestamp("2025-01-06", tz="UTC").value // 1000)
    return ((moments - monday) / 3.6e9).tolist()  # type: ignore[no-any-return]


# -- textbook SimPy ----------------------------------------------------------------------------------------------------


def opening(now: float) -> float:
    """Return the next moment of office hours, in hours since a Monday's midnight."""
    day, hour = divmod(now, 24)
    if day % 7 < 5 and hour < CLOSE:
        return max(now, day * 24 + OPEN)
    day += 1
    return (day + max(0, 7 - day % 7) * (day % 7 >= 5)) * 24 + OPEN


def finish(now: float, hours: float) -> float:
    """Return when so many office hours have passed."""
    now = opening(now)
    while (left := now - now % 24 + CLOSE - now) < hours:
        hours -= left
        now = opening(now + left)
    return now + hours


def textbook(staff: dict[str, int], moments: list[float]) -> float:
    """Simulate as the textbook does: a process per case, a `PriorityResource` per role."""
    chance = random.Random(7)
    env = simpy.Environment()
    roles = {role: simpy.PriorityResource(env, capacity=count) for role, count in staff.items()}
    routes = {name: (list(ways), list(ways.values())) for name, (_, _, _, ways) in PROCESS.items()}
    sigma = {name: float(np.sqrt(np.log1p(cv**2))) for name, (_, _, cv, _) in PROCESS.items()}
    rows: list[tuple[int, str, str, float, float, float]] = []

    def path(number: int, name: str | None) -> Generator[Any, Any, None]:
        while name is not None and name != JOIN:
            if name == SPLIT:
                yield env.all_of([env.process(path(number, branch)) for branch in BRANCHES])
                name = AFTER
                continue
            role, mean, cv, _ = PROCESS[name]
            enabled = env.now
            with roles[role].request(priority=0) as request:
                yield request
                yield env.timeout(opening(env.now) - env.now)
                start = env.now
                if cv == 1:
                    hours = chance.expovariate(1 / mean)
                else:
                    hours = mean * chance.lognormvariate(-(sigma[name] ** 2) / 2, sigma[name])
                yield env.timeout(finish(start, hours) - start)
            rows.append((number, name, role, enabled, start, env.now))
            name = chance.choices(*routes[name])[0]

    def source() -> Generator[Any, Any, None]:
        for number, moment in enumerate(moments):
            yield env.timeout(moment - env.now)
            env.process(path(number, "Register"))

    env.process(source())
    env.run()
    table = pd.DataFrame(rows, columns=["case", "activity", "role", "enabled", "start", "end"])
    found = table.sort_values(["case", "start"], kind="stable").groupby("case").agg({"enabled": "min", "end": "max"})
    return float((found["end"] - found["enabled"]).mean())


# -- loops over our own tables -----------------------------------------------------------------------------------------


class Prepared:
    """The tables and draws that our engines run on, and the log that they end with."""

    def __init__(self, cases: int) -> None:
        self.model = office(STAFF)
        streams = Streams(7)
        self.times = arrival_times(self.model, streams, cases=cases)
        self.tables: Tables = compile_model(self.model, int(self.times[0]), int(self.times[-1]))
        self.cases = Cases(self.model, self.tables, streams, self.times)
        self.draws = Draws(self.model, self.tables, streams, self.cases)

    def column(self, place: int, visit: int) -> NDArray[np.int64]:
        """Return durations and ways (2, cases) of a visit, counted from 1."""
        blocks = range(-(-len(self.times) // BLOCK))
        return np.concatenate([self.draws.vectors(place, visit, block)[:2] for block in blocks], axis=1)

    def log(self, table: NDArray[np.int64]) -> EventLog:
        """Return the log of rows (case, activity, person, enabled, start, end)."""
        rows = Rows.of_table(table, np.zeros(len(self.times), dtype=np.bool_))
        return as_log(self.model, self.tables, self.cases, rows, Step("simulate", "a bare loop"), names=[])


def heap_loop(cases: int) -> float:
    """Simulate by a heap, deques and nothing else; only what this one office needs."""
    ready = Prepared(cases)
    tables, numbers = ready.tables, ready.tables.numbers
    split, join, after = numbers[SPLIT], numbers[JOIN], numbers[AFTER]
    branches = [numbers[name] for name in BRANCHES]
    clock = tables.clocks[tables.person_clock[0]]
    role_of = tables.role.tolist()
    idle: list[deque[int]] = [deque() for _ in tables.roles]
    for person, roles in enumerate(tables.person_roles):
        idle[roles[0]].append(person)
    queues: list[deque[tuple[int, int, int]]] = [deque() for _ in tables.roles]
    drawn: list[list[tuple[list[int], list[int]]]] = [[] for _ in tables.names]
    visits: list[dict[int, int]] = [{} for _ in range(len(ready.times))]
    joined: dict[int, int] = {}
    events: list[tuple[int, int, int, int, int]] = []
    rows: list[tuple[int, int, int, int, int, int]] = []
    times = ready.times.tolist()
    add, shift = clock.add, clock.shift
    sequence = len(times)
    for case, moment in enumerate(times):
        events.append((moment, case, case, -1, -1))

    def begin(now: int, person: int, case: int, place: int, enabled: int) -> None:
        nonlocal sequence
        start = max(now, shift(now)[0])
        end = add(start, drawn[place][visits[case][place] - 1][0][case])
        rows.append((case, place, person, enabled, start, end))
        sequence += 1
        heappush(events, (end, sequence, case, place, person))

    def enter(now: int, case: int, place: int) -> None:
        if place < 0:
            return
        if place == split:
            for branch in branches:
                enter(now, case, branch)
            return
        if place == join:
            if joined.pop(case, 0):
                enter(now, case, after)
            else:
                joined[case] = 1
            return
        visit = visits[case][place] = visits[case].get(place, 0) + 1
        if visit > len(drawn[place]):
            durations, ways = ready.column(place, visit).tolist()
            drawn[place].append((durations, ways))
        free = idle[role_of[place]]
        if free:
            begin(now, free.popleft(), case, place, now)
        else:
            queues[role_of[place]].append((case, place, now))

    while events:
        now, _, case, place, person = heappop(events)
        if place < 0:
            enter(now, case, 0)
            continue
        role = role_of[place]
        idle[role].append(person)
        enter(now, case, drawn[place][visits[case][place] - 1][1][case])
        while queues[role] and idle[role]:
            waiting, at, since = queues[role].popleft()
            begin(now, idle[role].popleft(), waiting, at, since)
    return cycle(ready.log(np.array(rows, dtype=np.int64)))


_VISITS = 40  # of Write and Approve, at most


def c_loop(library: ctypes.CDLL, cases: int) -> float:
    """Simulate by the heap loop of `heap.c`, over the same draws."""
    ready = Prepared(cases)
    tables, n = ready.tables, len(ready.times)
    clock = tables.clocks[tables.person_clock[0]]
    write, approve = tables.numbers["Write"], tables.numbers["Approve"]
    columns = {(place, 0): ready.column(place, 1) for place in range(tables.n_activities)}
    back, visits = columns[approve, 0][1] == write, 1
    while back.any() and visits < _VISITS:
        # Nothing is drawn for a visit that no case comes to.
        for place in (write, approve):
            columns[place, visits] = ready.column(place, visits + 1)
        back &= columns[approve, visits][1] == write
        visits += 1
    durations = np.zeros((tables.n_activities, visits, n), dtype=np.int64)
    ways = np.zeros_like(durations)
    for (place, visit), drawn in columns.items():
        durations[place, visit], ways[place, visit] = drawn
    starts, ends, before = (np.array(one, dtype=np.int64) for one in clock.line)
    staff = np.bincount([roles[0] for roles in tables.person_roles])
    rows = np.empty((n * (tables.n_activities + 2 * visits), 6), dtype=np.int64)
    numbers = tables.numbers
    special = np.array([numbers[SPLIT], numbers[JOIN], numbers[AFTER], *(numbers[one] for one in BRANCHES)])

    def pointer(values: NDArray[np.int64]) -> Any:
        return np.ascontiguousarray(values, dtype=np.int64).ctypes.data_as(ctypes.POINTER(ctypes.c_int64))

    kept = [ready.times, durations, ways, tables.role[: tables.n_activities], staff, starts, ends, before, special]
    held = [np.ascontiguousarray(one, dtype=np.int64) for one in kept]
    count = library.simulate(
        n, tables.n_activities, visits, len(staff), len(starts), *(pointer(one) for one in held), pointer(rows)
    )
    return cycle(ready.log(rows[:count]))


def compiled_c(folder: Path) -> ctypes.CDLL | None:
    """Return the heap loop in C, compiled; None where there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return None
    target = folder / "heap.so"
    source = Path(__file__).with_name("heap.c")
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", str(target), str(source)], check=True)
    library = ctypes.CDLL(str(target))
    library.simulate.restype = ctypes.c_int64
    library.simulate.argtypes = [ctypes.c_int64] * 5 + [ctypes.POINTER(ctypes.c_int64)] * 10
    return library

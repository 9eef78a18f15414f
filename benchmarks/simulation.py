"""The simulator against textbook SimPy, and Prosimos where there is one: cases per CPU second, draws and log included.

    python benchmarks/simulation.py [--quick] [--json] [--cases N] [--prosimos PYTHON]

One process for all: ten activities in six roles, three exclusive choices, a way back (0.2), office hours on weekdays,
arrivals in these hours, log-normal and exponential durations, 10,000 cases (2,000 with --quick); every side ends with
a table of activity instances. Textbook SimPy is a generator process per case with a `PriorityResource` per role; its
office hours are plain arithmetic, quicker than any calendar. Prosimos needs an environment of its own: `--prosimos`
names its interpreter; without it, it is left out. There is no AND split: the engine has none yet. Medians of CPU time
of the process; the mean cycle times of all sides must agree within a quarter.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd
import simpy
from table import row, show

from mkmine.simulation import SimulationModel, simulate
from mkmine.simulation.arrivals import arrival_times
from mkmine.streams import Streams

QUICK, FULL = 2_000, 10_000
OPEN, CLOSE = 9, 18
RATE = 4.0
# Activity: role, mean hours, coefficient of variation (1: exponential), next activities with probabilities.
PROCESS: dict[str, tuple[str, float, float, dict[str | None, float]]] = {
    "Register": ("Clerk", 0.2, 1.0, {"Check": 0.8, "Ask": 0.2}),
    "Ask": ("Clerk", 0.3, 1.0, {"Check": 1.0}),
    "Check": ("Analyst", 0.5, 0.5, {"Write": 0.6, "Sketch": 0.4}),
    "Sketch": ("Designer", 1.0, 0.8, {"Write": 1.0}),
    "Write": ("Writer", 1.5, 0.8, {"Edit": 1.0}),
    "Edit": ("Writer", 0.4, 0.5, {"Approve": 1.0}),
    "Approve": ("Approver", 0.15, 1.0, {"Write": 0.2, "Draw": 0.8}),
    "Draw": ("Designer", 0.8, 0.8, {"Lay out": 0.7, "Publish": 0.3}),
    "Lay out": ("Designer", 0.4, 0.5, {"Publish": 1.0}),
    "Publish": ("Publisher", 0.1, 1.0, {None: 1.0}),
}
STAFF = {"Clerk": 2, "Analyst": 3, "Designer": 8, "Writer": 14, "Approver": 1, "Publisher": 1}
# Less than half of the writers: their load is well above 1.
SHORT = STAFF | {"Writer": 6}


def our_model(staff: dict[str, int]) -> SimulationModel:
    """The process as a model of mkmine."""
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
                for n in range(count)
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
            "begin": [{"to": "Register", "probability": 1}],
            "arrivals": {"weekly": [[RATE * (OPEN <= hour < CLOSE) for hour in range(24)]] * 5 + [[0.0] * 24] * 2},
        }
    )


def ours(staff: dict[str, int], cases: int) -> float:
    """Simulate with mkmine; return the mean cycle time in wall-clock hours."""
    log = simulate(our_model(staff), cases=cases)
    heads = log.offsets[:-1]
    return float((np.maximum.reduceat(log.end, heads) - log.enabled[heads]).mean() / 3.6e9)


def opening(now: float) -> float:
    """The next moment of office hours, in hours since a Monday's midnight."""
    day, hour = divmod(now, 24)
    if day % 7 < 5 and hour < CLOSE:
        return max(now, day * 24 + OPEN)
    day += 1
    return (day + max(0, 7 - day % 7) * (day % 7 >= 5)) * 24 + OPEN


def finish(now: float, hours: float) -> float:
    """When so many office hours have passed."""
    now = opening(now)
    while (left := now - now % 24 + CLOSE - now) < hours:
        hours -= left
        now = opening(now + left)
    return now + hours


def textbook(staff: dict[str, int], cases: int, arrivals: list[float]) -> float:
    """Simulate as the textbook does: a process per case, a resource per role."""
    chance = random.Random(7)
    env = simpy.Environment()
    roles = {role: simpy.PriorityResource(env, capacity=count) for role, count in staff.items()}
    routes = {name: (list(ways), list(ways.values())) for name, (_, _, _, ways) in PROCESS.items()}
    sigma = {name: float(np.sqrt(np.log1p(cv**2))) for name, (_, _, cv, _) in PROCESS.items()}
    rows: list[tuple[int, str, str, float, float, float]] = []

    def case(number: int) -> Generator[Any, Any, None]:
        name: str | None = "Register"
        while name is not None:
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
        for number, moment in enumerate(arrivals):
            yield env.timeout(moment - env.now)
            env.process(case(number))

    env.process(source())
    env.run()
    table = pd.DataFrame(rows, columns=["case", "activity", "role", "enabled", "start", "end"])
    found = table.sort_values(["case", "start"], kind="stable").groupby("case").agg({"enabled": "min", "end": "max"})
    return float((found["end"] - found["enabled"]).mean())


PROSIMOS = """
import datetime, json, sys, time
from prosimos.simulation_engine import run_simulation
bpmn, parameters, log, cases = sys.argv[1:]
begin = time.process_time()
start = datetime.datetime(2025, 1, 6, tzinfo=datetime.timezone.utc).isoformat(" ")
run_simulation(bpmn, parameters, int(cases), log_out_path=log, starting_at=start)
print(json.dumps(time.process_time() - begin))
"""


def run_prosimos(python: str, folder: Path, cases: int) -> tuple[float, float]:
    """Simulate with Prosimos in its own interpreter; return CPU seconds without imports, and the mean cycle time."""
    bpmn, parameters, log = folder / "model.bpmn", folder / "parameters.json", folder / "log.csv"
    flows = write_bpmn(bpmn)
    parameters.write_text(json.dumps(prosimos_parameters(flows)))
    command = [python, "-c", PROSIMOS, str(bpmn), str(parameters), str(log), str(cases)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"Prosimos failed: {done.stderr.strip()[-400:]}")
    table = pd.read_csv(log)
    times = table[["enable_time", "end_time"]].apply(pd.to_datetime, format="ISO8601", utc=True)
    found = times.groupby(table["case_id"]).agg({"enable_time": "min", "end_time": "max"})
    cycle = (found["end_time"] - found["enable_time"]).dt.total_seconds().mean() / 3600
    return float(json.loads(done.stdout.strip().splitlines()[-1])), float(cycle)


def write_bpmn(path: Path) -> dict[tuple[str, str | None], str]:
    """Write the process as BPMN: a split after a choice, a join where ways meet; return the flows of the choices."""
    number = {name: f"t{n}" for n, name in enumerate(PROCESS)}
    incoming = [to for *_, ways in PROCESS.values() for to in ways] + ["Register"]
    entry: dict[str | None, str] = {name: f"j{t}" if incoming.count(name) > 1 else t for name, t in number.items()}
    entry[None] = "end"
    nodes = ['<startEvent id="start"/>', '<endEvent id="end"/>']
    flows, chosen = [("start", entry["Register"])], {}
    for name, (*_, ways) in PROCESS.items():
        task = number[name]
        nodes.append(f'<task id="{task}" name="{name}"/>')
        if entry[name] != task:
            nodes.append(f'<exclusiveGateway id="{entry[name]}" gatewayDirection="Converging"/>')
            flows.append((entry[name], task))
        if len(ways) > 1:
            nodes.append(f'<exclusiveGateway id="s{task}" gatewayDirection="Diverging"/>')
            flows.append((task, f"s{task}"))
        for to in ways:
            chosen[name, to] = f"f{len(flows)}"
            flows.append((f"s{task}" if len(ways) > 1 else task, entry[to]))
    arcs = [f'<sequenceFlow id="f{n}" sourceRef="{a}" targetRef="{b}"/>' for n, (a, b) in enumerate(flows)]
    path.write_text(
        '<?xml version="1.0"?><definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d" '
        f'targetNamespace="x"><process id="p">{"".join(nodes + arcs)}</process></definitions>'
    )
    return chosen


def prosimos_parameters(flows: dict[tuple[str, str | None], str]) -> dict[str, Any]:
    """The process in the parameters of Prosimos; times in seconds."""
    hours = [{"from": "MONDAY", "to": "FRIDAY", "beginTime": f"{OPEN:02d}:00:00", "endTime": f"{CLOSE}:00:00"}]

    def spread(mean: float, cv: float) -> dict[str, Any]:
        numbers = [3600 * mean] + ([(3600 * mean * cv) ** 2] if cv != 1 else []) + [0.0, 1e7]
        name = "expon" if cv == 1 else "lognorm"
        return {"distribution_name": name, "distribution_params": [{"value": number} for number in numbers]}

    return {
        "resource_profiles": [
            {
                "id": role,
                "name": role,
                "resource_list": [
                    {
                        "id": f"{role}_{n}",
                        "name": f"{role}_{n}",
                        "cost_per_hour": 1,
                        "amount": 1,
                        "calendar": "office",
                        "assignedTasks": [f"t{k}" for k, (owner, *_) in enumerate(PROCESS.values()) if owner == role],
                    }
                    for n in range(count)
                ],
            }
            for role, count in STAFF.items()
        ],
        "arrival_time_distribution": spread(1 / RATE, 1),
        "arrival_time_calendar": hours,
        "gateway_branching_probabilities": [
            {
                "gateway_id": f"st{k}",
                "probabilities": [{"path_id": flows[name, to], "value": chance} for to, chance in ways.items()],
            }
            for k, (name, (*_, ways)) in enumerate(PROCESS.items())
            if len(ways) > 1
        ],
        "task_resource_distribution": [
            {
                "task_id": f"t{k}",
                "resources": [{"resource_id": f"{role}_{n}", **spread(mean, cv)} for n in range(STAFF[role])],
            }
            for k, (role, mean, cv, _) in enumerate(PROCESS.values())
        ],
        "resource_calendars": [{"id": "office", "name": "office", "time_periods": hours}],
    }


@dataclass(frozen=True, kw_only=True)
class Task:
    """One comparison: what is run on each side, and how many times faster ours should be."""

    name: str
    ours: Callable[[], float]
    peer: Callable[[], tuple[float, float]]
    peer_name: str
    target: float
    alike: bool = True


def timed(run: Callable[[], float]) -> tuple[float, float]:
    """Return CPU seconds and the mean cycle time of one run."""
    begin = time.process_time()
    found = run()
    return time.process_time() - begin, found


def tasks(cases: int, prosimos: str | None, folder: Path) -> list[Task]:
    """The comparisons."""
    model = our_model(STAFF)
    moments = arrival_times(model, Streams(7), cases=cases)
    monday = int(pd.Timestamp("2025-01-06", tz="UTC").value // 1000)
    arrivals = ((moments - monday) / 3.6e9).tolist()
    out = [
        Task(
            name=f"SimPy engine, {cases:,} cases",
            ours=lambda: ours(STAFF, cases),
            peer=lambda: timed(lambda: textbook(STAFF, cases, arrivals)),
            peer_name="textbook SimPy",
            target=5,
        ),
        Task(
            name=f"SimPy engine, a role overloaded, {cases:,} cases",
            ours=lambda: ours(SHORT, cases),
            peer=lambda: timed(lambda: ours(STAFF, cases)),
            peer_name="the same, not overloaded",
            target=1 / 1.3,
            alike=False,
        ),
    ]
    if prosimos:
        out.append(
            Task(
                name=f"SimPy engine, {cases:,} cases",
                ours=lambda: ours(STAFF, cases),
                peer=lambda: run_prosimos(prosimos, folder, cases),
                peer_name="Prosimos",
                target=50,
            )
        )
    return out


def measure(task: Task, repeats: int) -> dict[str, Any]:
    """Run ours and the peer in turn and compare the medians; the peer has to find like cycle times."""
    our_runs, peer_runs = [], []
    for _ in range(repeats):
        our_runs.append(timed(task.ours))
        peer_runs.append(task.peer())
    mine, other = (median(run[0] for run in runs) for runs in (our_runs, peer_runs))
    cycles = our_runs[0][1], peer_runs[0][1]
    if task.alike and abs(cycles[0] / cycles[1] - 1) > 0.25:
        raise SystemExit(
            f"{task.peer_name} does not simulate the same: mean cycle times {cycles[0]:.1f}, {cycles[1]:.1f} h"
        )
    return row(task.name, mine, other, peer_name=task.peer_name, unit="CPU s", target=task.target)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK:,} cases instead of {FULL:,}")
    parser.add_argument("--json", action="store_true", help="print rows as JSON")
    parser.add_argument("--cases", type=int, help="number of cases")
    parser.add_argument("--prosimos", metavar="PYTHON", help="interpreter of an environment with Prosimos")
    arguments = parser.parse_args()
    cases = arguments.cases or (QUICK if arguments.quick else FULL)
    with tempfile.TemporaryDirectory() as folder:
        rows = [measure(task, 3) for task in tasks(cases, arguments.prosimos, Path(folder))]
    show(rows, as_json=arguments.json)


if __name__ == "__main__":
    main()

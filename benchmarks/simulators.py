"""The office in other simulators; run by the interpreter of an environment that has them, which mkmine's has not.

    PYTHON benchmarks/simulators.py {prosimos,salabim,ciw} CASES < office.json

Prints CPU seconds without imports, and the mean cycle time in hours of the clock, as JSON. `office.json` is what
`office_file` of `benchmarks/simulation.py` writes: process, staff, hours and arrival times.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from math import log, sqrt
from pathlib import Path
from typing import Any


def hours(chance: random.Random, mean: float, cv: float) -> float:
    """Draw a duration."""
    if cv == 1:
        return chance.expovariate(1 / mean)
    sigma = sqrt(log(1 + cv * cv))
    return mean * chance.lognormvariate(-sigma * sigma / 2, sigma)


def opening(now: float, first: int, last: int) -> float:
    """Return the next moment of office hours, in hours since a Monday's midnight."""
    day, hour = divmod(now, 24)
    if day % 7 < 5 and hour < last:
        return max(now, day * 24 + first)
    day += 1
    return (day + max(0, 7 - day % 7) * (day % 7 >= 5)) * 24 + first


def finish(now: float, spent: float, first: int, last: int) -> float:
    """Return when so many office hours have passed."""
    now = opening(now, first, last)
    while (left := now - now % 24 + last - now) < spent:
        spent -= left
        now = opening(now + left, first, last)
    return now + spent


def salabim(office: dict[str, Any], cases: int) -> tuple[float, float]:
    """Simulate as its manual does: a component per case, a resource per role; office hours are plain arithmetic."""
    import pandas as pd
    import salabim as sim

    begin = time.process_time()
    chance = random.Random(7)
    process, first, last = office["process"], office["open"], office["close"]
    rows: list[tuple[int, str, float, float, float]] = []
    sim.yieldless(False)
    env = sim.Environment(trace=False, random_seed=7)
    roles = {role: sim.Resource(role, capacity=count, monitor=False) for role, count in office["staff"].items()}

    class Path(sim.Component):
        def setup(self, number: int, begins: str, above: Any = None) -> None:
            self.number, self.place, self.above, self.open = number, begins, above, 0

        def process(self) -> Any:
            while self.place is not None and self.place != "join":
                if self.place == "split":
                    self.open = len(office["branches"])
                    for branch in office["branches"]:
                        Path(number=self.number, begins=branch, above=self)
                    yield self.passivate()
                    self.place = office["after"]
                    continue
                role, mean, cv, ways = process[self.place]
                enabled = env.now()
                yield self.request(roles[role])
                yield self.hold(till=opening(env.now(), first, last))
                start = env.now()
                yield self.hold(till=finish(start, hours(chance, mean, cv), first, last))
                self.release()
                rows.append((self.number, self.place, enabled, start, env.now()))
                targets = [None if to == "end" else to for to in ways]
                self.place = chance.choices(targets, list(ways.values()))[0]
            if self.above is not None:
                self.above.open -= 1
                if self.above.open == 0:
                    self.above.activate()

    class Source(sim.Component):
        def process(self) -> Any:
            for number, moment in enumerate(office["arrivals"]):
                yield self.hold(till=moment)
                Path(number=number, begins="Register")

    Source()
    env.run()
    table = pd.DataFrame(rows, columns=["case", "activity", "enabled", "start", "end"]).groupby("case")
    cycle = (table["end"].max() - table["enabled"].min()).mean()
    return time.process_time() - begin, float(cycle)


def ciw(office: dict[str, Any], cases: int) -> tuple[float, float]:
    """Simulate with a node per role and shifts that pause work; the branches one after the other (it has no split)."""
    import ciw as peer

    begin = time.process_time()
    chance = random.Random(7)
    process, first, last = office["process"], office["open"], office["close"]
    roles = list(office["staff"])
    in_turn = {"split": office["branches"][0], "join": office["branches"][1]}

    def steps() -> list[str]:
        """Draw the way of a case through the process."""
        out, at, joined = [], "Register", False
        while at != "end":
            if at in in_turn:
                at, joined = (office["after"], joined) if at == "join" and joined else (in_turn[at], at == "join")
                continue
            out.append(at)
            ways = process[at][3]
            at = chance.choices(list(ways), list(ways.values()))[0]
        return out

    def route(ind: Any, simulation: Any) -> list[int]:
        ind.steps, ind.place = steps(), 0
        return [1 + roles.index(process[name][0]) for name in ind.steps[1:]]

    class Work(peer.dists.Distribution):
        def sample(self, t: Any = None, ind: Any = None) -> float:
            _, mean, cv, _ = process[ind.steps[ind.place]]
            ind.place += 1
            return hours(chance, mean, cv)

    def shifts(count: int) -> Any:
        numbers, ends = [], []
        for day in range(7):
            for end, there in ((first, 0), (last, count if day < 5 else 0), (24, 0)):
                numbers.append(there)
                ends.append(day * 24 + end)
        return peer.Schedule(numbers_of_servers=numbers, shift_end_dates=ends, preemption="resume")

    gaps = [b - a for a, b in zip([0.0, *office["arrivals"]], office["arrivals"], strict=False)]
    network = peer.create_network(
        arrival_distributions=[peer.dists.Sequential([*gaps, 1e9]) if role == "Clerk" else None for role in roles],
        service_distributions=[Work() for _ in roles],
        number_of_servers=[shifts(count) for count in office["staff"].values()],
        routing=peer.routing.ProcessBased(route),
    )
    simulation = peer.Simulation(network)
    simulation.simulate_until_max_customers(cases, method="Complete")
    import pandas as pd

    table = pd.DataFrame(simulation.get_all_records())
    table = table[table["record_type"] == "service"].groupby("id_number")
    cycle = (table["exit_date"].max() - table["arrival_date"].min()).mean()
    return time.process_time() - begin, float(cycle)


def prosimos(office: dict[str, Any], cases: int) -> tuple[float, float]:
    """Simulate the BPMN model and the parameters that are made of the office."""
    import datetime

    import pandas as pd
    from prosimos.simulation_engine import run_simulation

    with tempfile.TemporaryDirectory() as folder:
        bpmn, parameters, logged = (str(Path(folder) / name) for name in ("model.bpmn", "model.json", "log.csv"))
        flows = write_bpmn(office, Path(bpmn))
        Path(parameters).write_text(json.dumps(prosimos_parameters(office, flows)))
        begin = time.process_time()
        start = datetime.datetime(2025, 1, 6, tzinfo=datetime.UTC).isoformat(" ")
        run_simulation(bpmn, parameters, cases, log_out_path=logged, starting_at=start)
        spent = time.process_time() - begin
        table = pd.read_csv(logged)
    times = table[["enable_time", "end_time"]].apply(pd.to_datetime, format="ISO8601", utc=True)
    found = times.groupby(table["case_id"]).agg({"enable_time": "min", "end_time": "max"})
    return spent, float((found["end_time"] - found["enable_time"]).dt.total_seconds().mean() / 3600)


def write_bpmn(office: dict[str, Any], path: Path) -> dict[tuple[str, str], str]:
    """Write the process as BPMN: a split after a choice, a join where ways meet; return the flows of the choices."""
    process = office["process"]
    number = {name: f"t{n}" for n, name in enumerate(process)}
    incoming = [to for *_, ways in process.values() for to in ways] + ["Register"]
    entry = {name: f"j{t}" if incoming.count(name) > 1 else t for name, t in number.items()}
    entry |= {"end": "end", "split": "split", "join": "join"}
    nodes = [
        '<startEvent id="start"/>', '<endEvent id="end"/>',
        '<parallelGateway id="split" gatewayDirection="Diverging"/>',
        '<parallelGateway id="join" gatewayDirection="Converging"/>',
        '<exclusiveGateway id="drawn" gatewayDirection="Converging"/>',
    ]  # fmt: skip
    # Both ways after the drawing lead to one branch of the join.
    flows = [("start", entry["Register"]), ("join", entry[office["after"]]), ("drawn", "join")]
    flows += [("split", entry[branch]) for branch in office["branches"]]
    chosen = {}
    for name, (*_, ways) in process.items():
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
            there = "drawn" if to == "join" and name in ("Draw", "Lay out") else entry[to]
            flows.append((f"s{task}" if len(ways) > 1 else task, there))
    arcs = [f'<sequenceFlow id="f{n}" sourceRef="{a}" targetRef="{b}"/>' for n, (a, b) in enumerate(flows)]
    path.write_text(
        '<?xml version="1.0"?><definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d" '
        f'targetNamespace="x"><process id="p">{"".join(nodes + arcs)}</process></definitions>'
    )
    return chosen


def prosimos_parameters(office: dict[str, Any], flows: dict[tuple[str, str], str]) -> dict[str, Any]:
    """Return the process in the parameters of Prosimos; times in seconds."""
    process, staff = office["process"], office["staff"]
    times = {"beginTime": f"{office['open']:02d}:00:00", "endTime": f"{office['close']}:00:00"}
    week = [{"from": "MONDAY", "to": "FRIDAY", **times}]

    def spread(mean: float, cv: float) -> dict[str, Any]:
        numbers = [3600 * mean] + ([(3600 * mean * cv) ** 2] if cv != 1 else []) + [0.0, 1e7]
        name = "expon" if cv == 1 else "lognorm"
        return {"distribution_name": name, "distribution_params": [{"value": number} for number in numbers]}

    def person(role: str, n: int) -> dict[str, Any]:
        tasks = [f"t{k}" for k, (owner, *_) in enumerate(process.values()) if owner == role]
        name = f"{role}_{n}"
        return {
            "id": name, "name": name, "cost_per_hour": 1, "amount": 1, "calendar": "office", "assignedTasks": tasks,
        }  # fmt: skip

    return {
        "resource_profiles": [
            {"id": role, "name": role, "resource_list": [person(role, n) for n in range(count)]}
            for role, count in staff.items()
        ],
        "arrival_time_distribution": spread(1 / office["rate"], 1),
        "arrival_time_calendar": week,
        "gateway_branching_probabilities": [
            {
                "gateway_id": f"st{k}",
                "probabilities": [{"path_id": flows[name, to], "value": chance} for to, chance in ways.items()],
            }
            for k, (name, (*_, ways)) in enumerate(process.items())
            if len(ways) > 1
        ],
        "task_resource_distribution": [
            {
                "task_id": f"t{k}",
                "resources": [{"resource_id": f"{role}_{n}", **spread(mean, cv)} for n in range(staff[role])],
            }
            for k, (role, mean, cv, _) in enumerate(process.values())
        ],
        "resource_calendars": [{"id": "office", "name": "office", "time_periods": week}],
    }


if __name__ == "__main__":
    peers = {"prosimos": prosimos, "salabim": salabim, "ciw": ciw}
    print(json.dumps(peers[sys.argv[1]](json.load(sys.stdin), int(sys.argv[2]))))

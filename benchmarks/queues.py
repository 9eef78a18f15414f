"""Two queues whose waits are known, in Prosimos and in mkmine: priorities, and people with different shifts.

    PYTHON benchmarks/queues.py --peers PYTHON_WITH_PROSIMOS

Prosimos needs an environment of its own (see docs/benchmarks.md); the process calls it with `--prosimos` and the
parameters on its standard input, and reads the waits in hours that it prints.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

CASES, RUNS = 20_000, 20
BPMN = """<?xml version="1.0"?><definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d"
 targetNamespace="x"><process id="p"><startEvent id="s"/><task id="t" name="Serve"/><endEvent id="e"/>
<sequenceFlow id="f1" sourceRef="s" targetRef="t"/><sequenceFlow id="f2" sourceRef="t" targetRef="e"/>
</process></definitions>"""


def parameters(rate: float, shifts: list[tuple[str, str]], *, priorities: bool) -> dict[str, Any]:
    """Return the parameters of Prosimos: arrivals an hour, one person per shift, exponential service of an hour."""
    people = [
        {"id": f"r{n}", "name": f"r{n}", "cost_per_hour": 1, "amount": 1, "calendar": f"c{n}", "assignedTasks": ["t"]}
        for n in range(len(shifts))
    ]

    def spread(hours: float) -> dict[str, Any]:
        values = [{"value": 3600 * hours}, {"value": 0.0}, {"value": 1e9}]
        return {"distribution_name": "expon", "distribution_params": values}

    def week(begin: str, end: str) -> list[dict[str, str]]:
        return [{"from": "MONDAY", "to": "SUNDAY", "beginTime": begin, "endTime": end}]

    found: dict[str, Any] = {
        "resource_profiles": [{"id": "pool", "name": "pool", "resource_list": people}],
        "arrival_time_distribution": spread(1 / rate),
        "arrival_time_calendar": week(shifts[0][0], shifts[-1][1]),
        "gateway_branching_probabilities": [],
        "task_resource_distribution": [
            {"task_id": "t", "resources": [{"resource_id": one["id"], **spread(1)} for one in people]}
        ],
        "resource_calendars": [
            {"id": f"c{n}", "name": f"c{n}", "time_periods": week(*hours)} for n, hours in enumerate(shifts)
        ],
    }
    if priorities:
        values = [{"key": "first", "value": 0.3}, {"key": "later", "value": 0.7}]
        rule = [[{"attribute": "kind", "comparison": "=", "value": "first"}]]
        found["case_attributes"] = [{"name": "kind", "type": "discrete", "values": values}]
        found["prioritisation_rules"] = [{"priority_level": 1, "rules": rule}]
    return found


def prosimos(given: dict[str, Any], cases: int) -> list[tuple[float, float, str, str]]:
    """Return the beginning of service and the wait of every case in hours, its kind, and who served it."""
    import pandas as pd
    from prosimos.simulation_engine import run_simulation

    with tempfile.TemporaryDirectory() as folder:
        bpmn, file, log = (str(Path(folder) / name) for name in ("m.bpmn", "m.json", "log.csv"))
        Path(bpmn).write_text(BPMN)
        Path(file).write_text(json.dumps(given))
        run_simulation(bpmn, file, cases, log_out_path=log, starting_at="2025-01-06 00:00:00+00:00")
        table = pd.read_csv(log)
    for column in ("enable_time", "start_time"):
        table[column] = pd.to_datetime(table[column], format="ISO8601", utc=True)
    waited = (table["start_time"] - table["enable_time"]).dt.total_seconds() / 3600
    kind = table["kind"] if "kind" in table else [""] * len(table)
    clock = table["enable_time"].dt.hour + table["enable_time"].dt.minute / 60
    return list(zip(clock.tolist(), waited.tolist(), kind, table["resource"], strict=True))


def ours(rate: float, shifts: list[tuple[str, str]], *, priorities: bool) -> list[tuple[float, float, str, str]]:
    """Return the same of mkmine."""
    import numpy as np

    from mkmine.simulation import SimulationModel, simulate

    hours = [{"Mon-Sun": f"{begin[:5]}-{end[:5]}"} for begin, end in shifts]
    span = f"{shifts[0][0][:5]}-{shifts[-1][1][:5]}"
    calendars = {"open": {"weekly": {"Mon-Sun": span}}} | {f"c{n}": {"weekly": one} for n, one in enumerate(hours)}
    values: dict[str, Any] = {
        "name": "queue",
        "start": "2025-01-06",
        "office": "open",
        "calendars": calendars,
        "people": [{"name": f"r{n}", "roles": ["pool"], "calendar": f"c{n}"} for n in range(len(shifts))],
        "activities": {"Serve": {"role": "pool", "duration": {"kind": "exponential", "mean": 1}, "next": {"to": None}}},
        "begin": "Serve",
        "arrivals": {"weekly": {"Mon-Sun": {span: rate}}},
    }
    if priorities:
        values["case_types"] = {"first": {"share": 0.3, "priority": 1}, "later": {"share": 0.7, "priority": 2}}
        values["queue"] = "priority"
    model, rows = SimulationModel.from_dict(values), []
    for number in range(RUNS):
        log = simulate(model, cases=CASES, seed=7, replication=number)
        assert log.enabled is not None
        clock = (log.enabled // 60_000_000 % 1440 / 60).tolist()
        waited = ((log.start - log.enabled) / 3.6e9).tolist()
        kinds = log.case_attributes["type"].to_numpy()[log.case_of] if priorities else np.full(len(log), "")
        rows += list(zip(clock, waited, kinds, [log.resources[one] for one in log.resource], strict=True))
    return rows


def mean(values: list[float]) -> float:
    """Return the mean."""
    return sum(values) / len(values)


def main() -> None:
    """Print the table."""
    reader = argparse.ArgumentParser()
    reader.add_argument("--peers", metavar="PYTHON", help="interpreter of an environment with Prosimos")
    reader.add_argument("--prosimos", action="store_true", help=argparse.SUPPRESS)
    chosen = reader.parse_args()
    if chosen.prosimos:
        print(json.dumps(prosimos(json.load(sys.stdin), CASES)))
        return
    always = [("00:00:00", "23:59:59.999999")]
    halves = [("08:00:00", "12:00:00"), ("12:00:00", "16:00:00")]
    for name, rate, shifts, priorities in (("priorities", 0.8, always, True), ("shifts", 0.2, halves, False)):
        whole = [("00:00:00", "24:00:00")] if priorities else shifts
        found = {"mkmine": ours(rate, whole, priorities=priorities)}
        if chosen.peers:
            given = json.dumps(parameters(rate, shifts, priorities=priorities))
            told = subprocess.run(
                [chosen.peers, __file__, "--prosimos"], input=given, capture_output=True, text=True, check=True
            )
            found["Prosimos"] = json.loads(told.stdout.splitlines()[-1])
        for who, rows in found.items():
            if priorities:
                first, later = (mean([row[1] for row in rows if row[2] == kind]) for kind in ("first", "later"))
                print(f"{name}: {who}: first {first:.3f} h, later {later:.3f} h (theory 1.053, 5.263)")
            else:
                # Service begins in one's own shift, so whoever comes at 08-10 need never wait for the next shift.
                early = [row for row in rows if 8 <= row[0] < 10]
                late = mean([float(row[0] + row[1] >= 12 and row[3].endswith("1")) for row in early])
                print(
                    f"{name}: {who}: mean wait {mean([row[1] for row in rows]):.3f} h; of those who come at 08-10 "
                    f"{late:.1%} wait for the shift from 12 on"
                )


if __name__ == "__main__":
    main()

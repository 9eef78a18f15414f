"""How far backtests of calibrated models can be believed, and what they recover that is known.

`python benchmarks/backtest.py --logs FOLDER [--quick] [--json]`. FOLDER holds the public logs:
`groundtruth/*_timers.csv.gz` with the true outside delays, and `calibration/NAME/NAME.csv.gz`.

Worlds: simulated departments in which nothing changes. Changes: what `mk.drift` finds in real logs, predicted from what
was known before (`mk.hindsight`). `--only` leaves out the rest.

Outside delays: the share by which the sum over all instances of an activity, and over all activities, is recovered.
Backtests: the grade, and how often reality lies in the bands of 95 %.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

SECONDS = 3600
# What is to be recovered: within this share.
NEAR = 0.10
PARTS = ("delays", "worlds", "logs", "changes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--logs", type=Path, default=os.environ.get("MKMINE_LOGS"), help="folder of the public logs")
    parser.add_argument("--only", nargs="*", default=list(PARTS), choices=PARTS)
    parser.add_argument("--quick", action="store_true", help="the delays, and one simulated department")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.logs is None:
        parser.error("say where the logs are: --logs FOLDER, or the environment variable MKMINE_LOGS")
    logs = Path(arguments.logs)
    wanted = set(arguments.only) & {"delays", "worlds"} if arguments.quick else set(arguments.only)
    real = sorted(logs.glob("calibration/*"))
    found = {
        "delays": [row for path in sorted(logs.glob("groundtruth/*_timer*.csv.gz")) for row in recovered(path)]
        if "delays" in wanted
        else [],
        "worlds": [of_world(seed) for seed in range(1 if arguments.quick else 8)] if "worlds" in wanted else [],
        "logs": [of_log(path) for path in real] if "logs" in wanted else [],
        "changes": [row for path in real for row in foretold(path)] if "changes" in wanted else [],
    }
    print(json.dumps(found, indent=2) if arguments.json else told(found))


def recovered(path: Path) -> list[dict[str, Any]]:
    """Return the true and the found hours of outside delay of each activity that has any, and of all together."""
    frame = pd.read_csv(path, dtype={"case_id": str})
    if "extraneous_delay" not in frame:
        return []
    truth = frame.groupby("activity")["extraneous_delay"].sum() / SECONDS
    found = outside_delays(_log(frame, path.name.split(".")[0]))
    rows = [(str(name), float(hours), found.get(str(name), 0.0)) for name, hours in truth.items() if hours > 0]
    rows.append(("all activities", float(truth.sum()), float(sum(found.values()))))
    return [
        {"log": path.name.split(".")[0], "activity": name, "true_h": true, "found_h": ours, "error": ours / true - 1}
        | {"met": abs(ours / true - 1) <= NEAR}
        for name, true, ours in rows
    ]


def outside_delays(log: Any) -> dict[str, float]:
    """Return the hours of outside delay before each activity, as a model has them if all the rest is queueing.

    The estimators are asked themselves, as some of these logs are shorter than the week that a model needs.
    """
    from mkmine.performance.availability import estimate_presence
    from mkmine.simulation.calibration import calibration
    from mkmine.simulation.calibration.estimators.durations import estimate_spent
    from mkmine.simulation.calibration.estimators.steps import find_steps

    steps, pools = find_steps(log), calibration._working_pools(log)
    presence = estimate_presence(log, pools)
    clock = calibration._rhythm(log, steps, presence).compiled(presence.office.time_zone)
    spent = estimate_spent(log, steps.enabled, presence, clock)
    out = {}
    for code, name in enumerate(log.activities):
        hours = spent.delay[log.activity == code]
        if spent.steady[code] or np.nanmean(hours) > calibration._SLIGHT:
            out[name] = float(np.nansum(hours))
    return out


def of_world(seed: int) -> dict[str, Any]:
    """Backtest a simulated department in which nothing changes."""
    from mkmine.catalogue.departments import department
    from mkmine.simulation import simulate

    return _checked(simulate(department(seed), weeks=52, seed=seed), f"department {seed}")


def of_log(folder: Path) -> dict[str, Any]:
    path = folder / f"{folder.name}.csv.gz"
    return _checked(_log(pd.read_csv(path, dtype={"case_id": str}), folder.name), folder.name)


def foretold(folder: Path) -> list[dict[str, Any]]:
    """Predict the mean cycle time after each change that is found in a log from what was known before it."""
    import mkmine as mk
    from mkmine.errors import DataError

    log = _log(pd.read_csv(folder / f"{folder.name}.csv.gz", dtype={"case_id": str}), folder.name)
    out = []
    for day in sorted({str(moment)[:10] for moment in mk.drift(log).changes["when"]}):
        try:
            found = mk.hindsight(log, day)
        except DataError as error:
            out.append({"log": folder.name, "change": day, "refused": str(error)})
            continue
        row = found.to_pandas().set_index("kpi").loc["cycle_mean_h"].to_dict()
        out.append({"log": folder.name, "change": day, "demand": found.demand, "verdict": found.effect.verdict, **row})
    return out


def _checked(log: Any, name: str) -> dict[str, Any]:
    import mkmine as mk
    from mkmine.errors import DataError

    begin = time.process_time()
    try:
        found = mk.backtest(log)
    except DataError as error:
        return {"log": name, "refused": str(error)}
    table = found.table.set_index("kpi")
    return {
        "log": name,
        "grade": found.grade,
        "cuts": found.cuts,
        "coverage": found.coverage,
        "cycle_median_error": float(table.loc["cycle_median_h", "error"]),
        "cycle_median_floor": float(table.loc["cycle_median_h", "floor"]),
        "throughput_error": float(table.loc["throughput_per_week", "error"]),
        "alike": int((found.aspects["verdict"] == "alike").sum()),
        "near": int((found.aspects["verdict"] == "near").sum()),
        "different": found.aspects[found.aspects["verdict"] == "different"]["aspect"].tolist(),
        "cpu_s": time.process_time() - begin,
    }


def _log(frame: pd.DataFrame, name: str) -> Any:
    from mkmine.eventlog import EventLog

    for column in ("start_time", "end_time"):
        frame[column] = pd.to_datetime(frame[column], utc=True, format="ISO8601")
    columns = frame[["case_id", "activity", "resource", "start_time", "end_time"]]
    return EventLog.from_pandas(
        columns, case="case_id", start="start_time", end="end_time", resource="resource", name=name
    )


def told(found: dict[str, list[dict[str, Any]]]) -> str:
    """Return the tables as text."""
    lines = [f"{'log':<32}{'activity':<40}{'true, h':>10}{'found, h':>10}{'error':>8}  within {NEAR:.0%}"]
    for row in found["delays"]:
        met = "yes" if row["met"] else "no"
        figures = f"{row['true_h']:>10.1f}{row['found_h']:>10.1f}{row['error']:>+8.1%}"
        lines.append(f"{row['log']:<32}{row['activity']:<40}{figures}  {met}")
    heads = f"{'grade':<7}{'cuts':>5}{'in bands':>10}{'median':>9}{'floor':>8}{'thrpt':>9}{'alike':>9}{'CPU, s':>8}"
    lines.append(f"\n{'log':<20}{heads}  different in")
    for row in (*found["worlds"], *found["logs"]):
        if "refused" in row:
            lines.append(f"{row['log']:<20}refused: {row['refused']}")
            continue
        lines.append(
            f"{row['log']:<20}{row['grade']:<7}{row['cuts']:>5}{row['coverage']:>10.0%}"
            f"{row['cycle_median_error']:>+9.0%}{row['cycle_median_floor']:>8.0%}{row['throughput_error']:>+9.0%}"
            f"{row['alike']:>5} / 8{row['cpu_s']:>8.1f}  {', '.join(row['different'])}"
        )
    covered = [row["coverage"] for row in found["worlds"] if "coverage" in row]
    if covered:
        lines.append(f"\nworlds: reality lies in {np.mean(covered):.0%} of the bands of 95 %")
    for row in found["changes"]:
        if "refused" in row:
            lines.append(f"{row['log']:<12}{row['change']}  refused: {row['refused']}")
            continue
        lines.append(
            f"{row['log']:<12}{row['change']}  demand × {row['demand']:.2f}  "
            f"predicted {row['predicted_difference']:+.1f} "
            f"[{row['predicted_low']:+.1f}, {row['predicted_high']:+.1f}]  "
            f"observed {row['difference']:+.1f} [{row['low']:+.1f}, {row['high']:+.1f}]  {row['verdict']}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()

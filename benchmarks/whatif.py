"""Whether what-if answers come true: predicted from the log before, held against the changed department itself.

    python benchmarks/whatif.py [--quick] [--json] [--worlds N] [--first N] [--kpi KEY]

No peer: the judge is the truth. Each world is a department of `mkmine.catalogue.departments`, drawn from its number:
its people, loads, rework, calendars, outside delays. A year of it is simulated and written down as a tracker would (no
calendar, no moment at which work was enabled, whoever is open at the end stays open); a model is calibrated on that log
alone and asked what a change would do in half a year; the department itself, with that change, is run 40 times under
other random numbers. 30 worlds (4 with --quick) give over 200 pairs of a world and a change.

- cover: the 95 % interval holds the true difference (target 92-98 %);
- sign: the predicted sign is right, where the true difference exceeds the noise of its 40 runs (target 95 %);
- error: median of |predicted - true| / |true|, of the same pairs (target 20 %);
- bias: median of (predicted - true) / |true|; width: median half-width of the interval over |true|; and how much of the
  interval is not known of the model, the rest being noise of the simulation.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pandas as pd

from mkmine.calendars import DAY
from mkmine.catalogue.departments import changes, department
from mkmine.eventlog import EventLog
from mkmine.eventlog.observation import as_observed
from mkmine.simulation import SimulationModel, calibrate, experiment, simulate
from mkmine.simulation.model.arrivals import midnight

WORLDS, QUICK = 30, 4
TRUE_RUNS, RUNS, DRAWS = 40, 20, 20
SPAN: dict[str, Any] = {"weeks": 26, "warm_up_weeks": 8, "simultaneous": False, "progress": lambda done, total: None}
LOGGED_WEEKS = 52
COVER, SIGN, ERROR = (0.92, 0.98), 0.95, 0.20


def log_of(world: SimulationModel, seed: int) -> EventLog:
    """Return a year of a department as its tracker shows it."""
    log = simulate(world, weeks=LOGGED_WEEKS + 8, seed=seed)
    first = midnight(world.start, world.time_zone)
    return as_observed(replace(log, calendar=None, enabled=None), (first, first + LOGGED_WEEKS * 7 * DAY))


def pairs(number: int, kpi: str) -> Iterator[dict[str, Any]]:
    """Return one row per change of a world: what was predicted, and what came."""
    world = department(number)
    asked = changes(world, number)
    model = calibrate(log_of(world, 1_000 + number))
    scenarios = list(asked.values())
    truth = experiment(world, scenarios, replications=TRUE_RUNS, seed=5_000 + number, draws=0, **SPAN)
    found = experiment(model, scenarios, replications=RUNS, draws=DRAWS, **SPAN)
    for kind, scenario in asked.items():
        true, said = truth.answer(scenario.name, kpi), found.answer(scenario.name, kpi)
        yield {
            "world": number,
            "change": kind,
            "true": true["difference"],
            "noise": (true["high"] - true["low"]) / 2,
            "predicted": said["difference"],
            "low": said["low"],
            "high": said["high"],
            "simulation": said["simulation"],
            "parameters": said["parameters"],
            "base": said["base"] / true["base"] - 1,
        }


def judged(rows: pd.DataFrame) -> pd.Series:
    """Return the figures of one line of the table."""
    clear = rows[rows["true"].abs() > rows["noise"]]
    error = (clear["predicted"] - clear["true"]) / clear["true"].abs()
    half = (rows["high"] - rows["low"]) / 2
    return pd.Series(
        {
            "pairs": len(rows),
            "cover": ((rows["low"] <= rows["true"]) & (rows["true"] <= rows["high"])).mean(),
            "sign": ((clear["predicted"] > 0) == (clear["true"] > 0)).mean(),
            "error": error.abs().median(),
            "bias": error.median(),
            "width": (half / rows["true"].abs()).median(),
            "not known": (rows["parameters"] ** 2 / (rows["parameters"] ** 2 + rows["simulation"] ** 2)).median(),
        }
    )


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the figures by kind of change, and of all."""
    by_kind = {str(kind): judged(group) for kind, group in rows.groupby("change")}
    return pd.DataFrame({**by_kind, "all": judged(rows)}).T


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--worlds", type=int)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--kpi", default="cycle_mean_h")
    parser.add_argument("--pairs", help="write every pair to this CSV file, world by world")
    given = parser.parse_args()
    count = given.worlds or (QUICK if given.quick else WORLDS)
    begun = time.process_time()
    rows = pd.DataFrame()
    for number in range(given.first, given.first + count):
        rows = pd.concat([rows, pd.DataFrame(pairs(number, given.kpi))], ignore_index=True)
        if given.pairs:
            rows.to_csv(given.pairs, index=False)
    found = table(rows)
    total = found.loc["all"]
    met = {
        "cover": COVER[0] <= total["cover"] <= COVER[1],
        "sign": total["sign"] >= SIGN,
        "error": total["error"] <= ERROR,
    }
    if given.json:
        out = [{"change": change, **row} for change, row in found.round(4).to_dict("index").items()]
        print(json.dumps({"table": out, "met": {key: bool(value) for key, value in met.items()}}, indent=2))
        return
    shown = found.astype(object)
    shown["pairs"] = found["pairs"].astype(int)
    for column in found.columns.drop("pairs"):
        shown[column] = found[column].map("{:.0%}".format)
    print(shown.to_string())
    targets = {"cover": "92-98 %", "sign": "95 %", "error": "20 %"}
    print(", ".join(f"{key} {targets[key]}: {'met' if value else 'not met'}" for key, value in met.items()))
    base = rows.groupby("world")["base"].first()
    print(f"base of {given.kpi}: off by {base.median():+.0%} (median), {base.abs().median():.0%} in size")
    print(f"{time.process_time() - begun:.0f} s of CPU time")


if __name__ == "__main__":
    main()

"""How near the causes of waiting come to the truth, in simulated worlds in which it is known.

`python benchmarks/causes.py [--worlds N] [--json]`. The article world and N random departments (10), a year each, as
logs without the time since when work was ready. The shares of all waiting that are told, less the true ones, in
points; once with the true hours of everybody, once with those inferred, and once with the starts taken away as well:
then `held` says whether the true shares of outside and unavailability lie within the intervals that are told. By
activity: the mean error of the outside hours of activities that wait outside for at least 2 % of all waiting.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from typing import Any

import numpy as np

from mkmine.eventlog import EventLog

PARTS = {"outside": (0, 4), "unavailability": (3,), "busy": (1, 2), "unidentifiable": (5,)}
SLIGHT = 0.02


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=10)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    found = [row for world in [-1, *range(arguments.worlds)] for row in measured(world)]
    print(json.dumps(found, indent=2) if arguments.json else told(found))


def measured(world: int) -> list[dict[str, Any]]:
    from mkmine.catalogue.departments import department
    from mkmine.catalogue.samples import make_article
    from mkmine.catalogue.truth import true_waiting
    from mkmine.discovery import find_pools
    from mkmine.performance.availability import estimate_presence
    from mkmine.performance.causes import split_waiting
    from mkmine.simulation import simulate

    if world < 0:
        made = make_article()
        model, log, seed = made.model, made.whole, made.seed
    else:
        model, seed = department(world), world
        log = simulate(model, weeks=52, seed=seed)
    known = log.position > 0
    truth = true_waiting(model, log, seed=seed)[known]
    seen, office = replace(log, enabled=None), model.calendar(model.office)
    pools = find_pools(seen)
    presence = estimate_presence(seen, pools, office=office)
    people = {person.name: model.calendar(person.calendar, person.absences) for person in model.people}
    hours = {
        "true": [people[name] for name in log.resources],
        "inferred": [presence.employed(person) for person in range(len(log.resources))],
    }
    every, activity = truth["waiting_h"].sum(), log.activity[known]
    outside = np.bincount(activity, weights=truth["outside_h"], minlength=len(log.activities))
    true = {"outside": outside.sum() / every, "unavailability": truth["unavailability_h"].sum() / every}
    true["busy"] = truth["contention_h"].sum() / every
    rows = []
    for calendars, of_people in hours.items():
        spent = split_waiting(seen, pools, office=office, hours=of_people)[known] / 3.6e9
        share = {name: float(spent[:, list(which)].sum() / spent.sum()) for name, which in PARTS.items()}
        ours = np.bincount(activity, weights=spent[:, list(PARTS["outside"])].sum(axis=1), minlength=len(outside))
        judged = outside > SLIGHT * every
        rows.append(
            {"world": "article" if world < 0 else f"department {world}", "hours": calendars, "outside": true["outside"]}
            | {f"{name}_error": share[name] - true.get(name, 0.0) for name in PARTS}
            | {"by_activity": float(np.mean(np.abs(ours[judged] / outside[judged] - 1)))}
        )
    return [*rows, without_starts(seen, rows[0], true, outside / every)]


def without_starts(log: EventLog, row: dict[str, Any], true: dict[str, float], outside: Any) -> dict[str, Any]:
    """The same of the log's completions alone."""
    from mkmine.eventlog.cleaning.changes import reordered
    from mkmine.performance import waiting_causes

    found = waiting_causes(replace(reordered(log, start=log.end), timestamps="completed"), sensitivity=False)
    total, every = found.total.set_index("cause"), found.hours.sum()
    share = {name: float(found.total["share"].iloc[list(which)].sum()) for name, which in PARTS.items()}
    hours = found.hours[:, list(PARTS["outside"])].sum(axis=1)
    ours = np.bincount(found.log.activity, weights=hours, minlength=len(outside)) / every
    judged = outside > SLIGHT
    return (
        {"world": row["world"], "hours": "completed", "outside": true["outside"]}
        | {f"{name}_error": share[name] - true.get(name, 0.0) for name in PARTS}
        | {"by_activity": float(np.mean(np.abs(ours[judged] / outside[judged] - 1)))}
        | {f"{name}_held": bool(total.at[name, "low"] <= true[name] <= total.at[name, "high"])
           for name in ("outside", "unavailability")}
    )  # fmt: skip


def told(found: list[dict[str, Any]]) -> str:
    lines = [
        f"{'world':<16}{'hours':<10}{'outside, true':>14}" + "".join(f"{name:>16}" for name in PARTS) + "  by activity"
    ]
    for row in found:
        errors = "".join(f"{100 * row[f'{name}_error']:>+16.1f}" for name in PARTS)
        held = "" if row.get("outside_held", True) and row.get("unavailability_held", True) else "  not held"
        lines.append(
            f"{row['world']:<16}{row['hours']:<10}{row['outside']:>14.0%}{errors}{row['by_activity']:>13.1%}{held}"
        )
    for hours in ("true", "inferred", "completed"):
        rows = [row for row in found if row["hours"] == hours]
        mean = "".join(f"{100 * np.mean([abs(row[f'{name}_error']) for row in rows]):>16.1f}" for name in PARTS)
        by_activity = np.mean([row["by_activity"] for row in rows])
        lines.append(f"{'mean error':<16}{hours:<10}{'':>14}{mean}{by_activity:>13.1%}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()

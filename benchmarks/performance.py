"""Where time goes, at a million events: the map, the causes of waiting, variants, roles, flow; and what intervals hold.

    python benchmarks/performance.py [--quick] [--json] [--coverage]

The log is that of the office of `office.py`, twice as large, simulated. The peer of the causes is the published method
(`published.py`), which looks at one event at a time: it is timed on some events of the same log and taken for all of
them. Other rows hold our CPU seconds against a limit. `--coverage` simulates an office 200 times and counts how often
the 95 % intervals of the shares of causes hold what all runs show together.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from office import STAFF, office
from published import CAUSES as THEIRS
from published import published
from table import row, seconds, show

import mkmine as mk
from mkmine.calendars import HOUR
from mkmine.discovery import find_pools
from mkmine.eventlog import EventLog
from mkmine.eventlog.enablement import enabled_times
from mkmine.performance.causes import CAUSES, split_waiting
from mkmine.performance.resamples import Resamples
from mkmine.simulation import SimulationModel, simulate

LIMIT: dict[str, Any] = {"peer_name": "limit", "unit": "CPU s", "target": 1}
TIMES = 2


def large(cases: int) -> EventLog:
    """A log of some ten events a case, without the enabled times that only a simulation knows."""
    return replace(simulate(office(STAFF, times=TIMES), cases=cases, seed=1), enabled=None)


def speed(cases: int, looked_at: int) -> list[dict[str, Any]]:
    """Rows of what is timed on one log."""
    log = large(cases)
    task = f"{len(log):,} events: "
    causes = mk.waiting_causes(log, sensitivity=False)
    waits = int(((log.start > enabled_times(log)) & (log.resource >= 0)).sum())
    hours = [causes.presence.employed(person) for person in range(len(log.resources))]
    one = seconds(lambda: published(log, hours, limit=looked_at), repeats=1) / looked_at
    ours = seconds(lambda: mk.waiting_causes(log, sensitivity=False))
    return [
        row(task + "map", seconds(lambda: mk.discover(log)), 0.3, **LIMIT),
        row(task + "enablement", seconds(lambda: enabled_times(log)), 1.0, **LIMIT),
        row(task + "causes of waiting, who is there and intervals included", ours, 10.0, **LIMIT),
        row(
            task + f"the same (peer: {looked_at} of {waits:,} waits timed)",
            ours,
            one * waits,
            peer_name="published method",
            unit="CPU s",
            target=100,
        ),
        row(task + "variants and clusters", seconds(lambda: mk.variants(log).clusters), 2.0, **LIMIT),
        row(task + "roles", seconds(lambda: find_pools(log)), 2.0, **LIMIT),
        row(task + "who is there when, held out too", seconds(lambda: mk.availability(log), repeats=1), 10.0, **LIMIT),
        row(task + "flow metrics", seconds(lambda: mk.flow(log)), 5.0, **LIMIT),
        row(task + "key figures", seconds(lambda: mk.kpis(log)), 5.0, **LIMIT),
        row(task + "diagnosis with levers", seconds(lambda: mk.diagnose(log), repeats=1), 20.0, **LIMIT),
    ]


def queue(load: float) -> SimulationModel:
    """Two writers this busy, and an editor who works until three and waits for something outside first."""
    rate = 2.0
    office_hours = [[rate * (9 <= hour < 18) for hour in range(24)]] * 5 + [[0.0] * 24] * 2
    return SimulationModel.from_dict(
        {
            "name": "coverage",
            "start": "2025-01-06",
            "office": "office",
            "calendars": {
                "office": {"weekly": {"Mon-Fri": "09:00-18:00"}},
                "half": {"weekly": {"Mon-Fri": "09:00-15:00"}},
            },
            "people": [{"name": f"Writer {n}", "roles": ["Writer"], "calendar": "office"} for n in range(2)]
            + [{"name": "Editor", "roles": ["Editor"], "calendar": "half"}],
            "begin": [{"to": "Write", "probability": 1}],
            "arrivals": {"weekly": office_hours},
            "activities": {
                "Write": {
                    "role": "Writer",
                    "duration": [{"kind": "exponential", "mean": 2 * load / rate}],
                    "next": [[{"to": "Print", "probability": 1}]],
                },
                "Print": {
                    "role": "Editor",
                    "duration": [{"kind": "exponential", "mean": 0.25}],
                    "delay": {"kind": "exponential", "mean": 1.5},
                    "calendar": "office",
                    "next": [[{"to": None, "probability": 1}]],
                },
            },
        }
    )


def coverage(load: float, *, weeks: int, runs: int) -> list[dict[str, Any]]:
    """How often the intervals of shares hold the share that all runs show together, at true calendars."""
    model = queue(load)
    office_hours, half = model.calendar("office"), model.calendar("half")
    shares, ends = [], []
    for seed in range(runs):
        log = simulate(model, seed=seed, weeks=weeks + 4)
        warm = log.start[log.offsets[:-1]] >= log.start.min() + 4 * 7 * 24 * HOUR
        log = log.keep_cases(warm, action="filter cases")
        hours = [half if name == "Editor" else office_hours for name in log.resources]
        spent = split_waiting(log, find_pools(log), office=office_hours, hours=hours) / HOUR
        resamples = Resamples.of(log, seed=0)
        total, drawn = resamples.sums(log.case_of, spent)
        shares.append(total / total.sum())
        ends.append(resamples.share_interval(shares[-1], drawn / drawn.sum(axis=1, keepdims=True)))
    truth = np.mean(shares, axis=0)
    low, high = np.array([one for one, _ in ends]), np.array([one for _, one in ends])
    held = ((low <= truth) & (truth <= high)).mean(axis=0)
    return [
        row(
            f"load {load:.0%}, {weeks} weeks, {runs} runs: {cause} ({share:.0%} of waiting)",
            0.95,
            float(found),
            peer_name="held",
            unit="share",
            target=0.93 / 0.95,
        )
        for cause, share, found in zip(CAUSES, truth, held, strict=True)
        if share > 0
    ]


def side_by_side(log: EventLog) -> None:
    """Print the shares of causes by both methods on one log."""
    ours = mk.waiting_causes(log, sensitivity=False)
    hours = [ours.presence.employed(person) for person in range(len(log.resources))]
    theirs = published(log, hours)
    every = sum(theirs.values()) or 1.0
    print(f"{log.name}: published method, hours of the clock: "
          + ", ".join(f"{cause} {theirs[cause] / every:.0%}" for cause in THEIRS))  # fmt: skip
    print(f"{log.name}: ours, working hours: "
          + ", ".join(f"{row.cause} {row.share:.0%}" for row in ours.total.itertuples()))  # fmt: skip


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the events, 30 runs")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    parser.add_argument("--coverage", action="store_true", help="count how often intervals hold the truth instead")
    parser.add_argument("--log", type=Path, help="print the causes of this log by both methods instead")
    given = parser.parse_args()
    if given.log is not None:
        side_by_side(mk.read(given.log))
        return 0
    if given.coverage:
        runs = 30 if given.quick else 200
        rows = [one for load in (0.6, 0.8) for one in coverage(load, weeks=52, runs=runs)]
    else:
        rows = speed(10_000 if given.quick else 100_000, 50 if given.quick else 100)
    show(rows, as_json=given.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())

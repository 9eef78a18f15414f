from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mkmine.eventlog import EventLog
from mkmine.eventlog.observation import as_observed
from mkmine.simulation import SimulationModel, simulate
from mkmine.simulation.model.arrivals import midnight

CHANGE = datetime.date(2025, 6, 2)
World = Callable[..., EventLog]


def office(start: datetime.date, *, writers: int, hours: float, rework: float, cases: float) -> SimulationModel:
    """An office where writers write at an exponential `hours`, and an editor sends back a share `rework`."""
    staff = {"Writer": writers, "Editor": 2}
    return SimulationModel.from_dict(
        {
            "name": "office",
            "start": start,
            "office": "office",
            "calendars": {"office": {"weekly": {"Mon-Fri": "09:00-17:00"}}},
            "people": [
                {"name": f"{role} {k}", "roles": [role], "calendar": "office"}
                for role, n in staff.items()
                for k in range(n)
            ],
            "activities": {
                "Write": {
                    "role": "Writer",
                    "duration": [{"kind": "exponential", "mean": hours}],
                    "next": [[{"to": "Check", "probability": 1.0}]],
                },
                "Check": {
                    "role": "Editor",
                    "duration": [{"kind": "exponential", "mean": 1.0}],
                    "next": [
                        [
                            {"to": "Write", "probability": rework, "rework": True},
                            {"to": None, "probability": 1 - rework},
                        ]
                    ],
                },
            },
            "begin": [{"to": "Write", "probability": 1.0}],
            "arrivals": {
                "weekly": [[cases / 40 if 9 <= h < 17 and d < 5 else 0.0 for h in range(24)] for d in range(7)]
            },
        }
    )


@pytest.fixture(scope="session")
def make_office() -> Callable[..., SimulationModel]:
    """Build the model behind the worlds."""
    return office


@pytest.fixture(scope="session")
def make_world() -> World:
    """Build the log of an office that changes on 2 June 2025, seen `before` weeks earlier and `after` weeks later."""

    def build(
        *, seed: int = 1, before: int = 26, after: int = 16, size: int = 1, changed: dict[str, Any] | None = None
    ) -> EventLog:
        usual = {"writers": 4 * size, "hours": 10.0, "rework": 0.3, "cases": 8.0 * size}
        cut, week = midnight(CHANGE, "UTC"), 7 * 86_400_000_000
        frames, calendar = [], None
        # A new office is simulated for each side, with eight weeks in which it fills.
        for side, settings in enumerate((usual, usual | (changed or {}))):
            lead, span = (before + 8, before + 8 + after) if side == 0 else (8, 8 + after + 4)
            log = simulate(
                office(CHANGE - datetime.timedelta(weeks=lead), **settings), seed=seed, replication=side, weeks=span
            )
            begin = log.start[log.offsets[:-1]] if log.enabled is None else log.enabled[log.offsets[:-1]]
            part = log.keep_cases((begin < cut) if side == 0 else (begin >= cut), action="side").to_pandas()
            frames.append(part.assign(case=f"{side}-" + part["case"].astype(str)))
            calendar = log.calendar
        columns = {"start": "start", "enabled": "enabled", "resource": "resource", "role": "role", "ongoing": "ongoing"}
        whole = EventLog.from_pandas(pd.concat(frames, ignore_index=True), calendar=calendar, name="office", **columns)
        assert np.all(whole.completed)
        return as_observed(whole, (cut - before * week, cut + after * week))

    return build

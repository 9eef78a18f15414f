"""Delays that end while their doer is busy or away are told from queueing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mkmine.calendars import HOUR, Calendar
from mkmine.discovery.pools import find_pools
from mkmine.performance.availability import estimate_presence
from mkmine.performance.offering import last_idle, offered_hours
from mkmine.simulation import SimulationModel, simulate
from mkmine.simulation.calibration.estimators.durations import estimate_spent
from mkmine.simulation.calibration.estimators.steps import find_steps
from mkmine.sources import read

from .conftest import ALWAYS, OFFICE, exponential


@pytest.mark.parametrize("calendar", ["always", "office"])
def test_a_delay_before_a_busy_role(calendar: str) -> None:
    """Cases wait 6 hours outside on average and then for somebody who is busy 70 % of the time."""
    rate = 0.14 if calendar == "office" else 0.23
    model = SimulationModel.from_dict(
        {
            "name": "delayed",
            "start": "2025-01-06",
            "office": calendar,
            "calendars": {"always": {"weekly": ALWAYS}, "office": {"weekly": OFFICE}},
            "people": [{"name": "Ann", "roles": ["Editor"], "calendar": calendar}],
            "activities": {
                "Edit": {
                    "role": "Editor",
                    "duration": [exponential(3 if calendar == "always" else 5 * 40 / 45)],
                    "delay": exponential(6),
                    "calendar": calendar,
                    "next": [[{"to": None, "probability": 1}]],
                }
            },
            "begin": [{"to": "Edit", "probability": 1}],
            "arrivals": {"weekly": [[0] * 9 + [rate] * 9 + [0] * 6] * 5 + [[0] * 24] * 2}
            if calendar == "office"
            else {"weekly": [[rate] * 24] * 7},
        }
    )
    log = simulate(model, weeks=150, seed=5)
    assert log.enabled is not None
    hours = model.calendar(calendar)
    waiting = hours.working_time(log.enabled, log.start) / HOUR
    idle = last_idle(hours, log.enabled, log.start, log.end, 1)
    least = hours.working_time(log.enabled, idle) / HOUR
    found = offered_hours(log.activity, least, waiting)
    assert waiting.mean() > 9
    assert found.mean() == pytest.approx(6, rel=0.1)
    assert np.quantile(found, 0.9) == pytest.approx(6 * np.log(10), rel=0.15)


@pytest.mark.shared
@pytest.mark.parametrize("name", ["Loan_Application_3_timers", "Loan_Application_5_timers"])
def test_delays_put_into_a_log_are_found(shared_logs: Path, name: str) -> None:
    """Outside delays of known length before activities whose people are busy most of the time."""
    path = shared_logs / "groundtruth" / f"{name}.csv.gz"
    log = read(path, case="case_id", activity="activity", resource="resource", start="start_time", end="end_time")
    truth = pd.read_csv(path).groupby("activity")["extraneous_delay"].sum() / 3600
    spent = estimate_spent(log, find_steps(log).enabled, estimate_presence(log, find_pools(log)), Calendar.always())
    for activity, hours in truth[truth > 0].items():
        rows = log.activity == log.activities.index(activity)
        assert np.nansum(spent.delay[rows]) == pytest.approx(hours, rel=0.1), activity

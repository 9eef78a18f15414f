"""Delays that end while their doer is busy or away are told from queueing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mkmine.calendars import HOUR, Calendar
from mkmine.discovery.pools import find_pools
from mkmine.performance.availability import estimate_presence
from mkmine.simulation import SimulationModel, simulate
from mkmine.simulation.calibration.estimators.durations import estimate_spent
from mkmine.simulation.calibration.estimators.offering import last_idle, offered_hours
from mkmine.simulation.calibration.estimators.steps import find_steps
from mkmine.sources import read

from .conftest import ALWAYS, OFFICE, exponential

DAY0 = 20_089 * 24 * HOUR  # Wednesday 2025-01-01, 00:00 UTC


def at(*hours: float) -> np.ndarray:
    return np.array([DAY0 + round(hour * HOUR) for hour in hours])


def test_the_last_moment_with_a_hand_free() -> None:
    # Idle until 2; at work 2-6 in two pieces, and again 6-7; idle 7-9, then at work again.
    start, end = at(2, 4, 6, 9), at(4, 6, 7, 10)
    ready = at(1, 3, 1, 8)
    found = last_idle(Calendar.always(), ready, start, end, 1)
    # Free just before; since offered at work; free until 2; free until the start.
    assert ((found - DAY0) / HOUR).tolist() == [2, 3, 2, 9]
    # Work that comes in a long pause does not make two short ones of it.
    minutes = last_idle(Calendar.always(), at(2, 4.02), at(2, 4), at(3, 5), 1)
    assert ((minutes - DAY0) / HOUR).tolist() == [2, 4.02]
    assert last_idle(Calendar.always(), at(2, 3.01, 3.5), at(2, 3.02, 4), at(3, 4, 5), 1)[1] == at(3.02)[0]
    # All at one moment.
    assert (last_idle(Calendar.always(), at(2), at(2), at(2), 1) == at(2)).all()
    # With two hands, there was always one free.
    assert (last_idle(Calendar.always(), ready, start, end, 2) == start).all()


def test_who_is_off_duty_is_not_idle() -> None:
    office = Calendar.from_dict({"weekly": {"Mon-Fri": "09:00-18:00"}})
    # Ready at 12 on the day before, begun when the office opens: idle until it closed, which is the same open moment.
    found = last_idle(office, at(12), at(33), at(34), 1)
    assert ((found - DAY0) / HOUR).tolist() == [18]
    assert office.working_time(found, at(33)).tolist() == [0]


def test_known_delays_stay_as_they_are() -> None:
    known = np.array([0.0, 1.0, 2.0, np.nan])
    assert offered_hours(np.zeros(4, dtype=int), known, known)[:3].tolist() == [0, 1, 2]
    assert np.isnan(offered_hours(np.zeros(4, dtype=int), known, known)[3])


def test_work_that_only_queued_was_offered_at_once() -> None:
    # Nothing says that any of it was offered late: all that is known are the queues.
    queues = np.random.default_rng(2).exponential(8, 500)
    found = offered_hours(np.zeros(500, dtype=int), np.zeros(500), queues)
    assert found.mean() < 0.05


def test_delays_in_intervals_have_the_distribution_of_the_known_ones() -> None:
    generator = np.random.default_rng(3)
    true = generator.exponential(5, 4_000)
    # Three in five are only looked at now and then.
    looks = np.cumsum(generator.exponential(4, (4_000, 20)), axis=1)
    hidden = generator.random(4_000) < 0.6
    least = np.where(hidden, np.where(looks < true[:, None], looks, 0).max(axis=1), true)
    most = np.where(hidden, np.where(looks >= true[:, None], looks, np.inf).min(axis=1), true)
    found = offered_hours(np.zeros(4_000, dtype=int), least, most)
    assert ((found >= least) & (found <= most)).all()
    assert found.mean() == pytest.approx(true.mean(), rel=0.05)
    assert np.quantile(found, [0.25, 0.5, 0.9]) == pytest.approx(np.quantile(true, [0.25, 0.5, 0.9]), rel=0.12)


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

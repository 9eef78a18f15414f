"""What-if answers come true: a small version of `benchmarks/whatif.py`, and the worlds that it is made of."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from mkmine.calendars import DAY
from mkmine.catalogue.departments import changes, department
from mkmine.eventlog.observation import as_observed
from mkmine.simulation import SimulationModel, calibrate, experiment, simulate
from mkmine.simulation.model.arrivals import midnight

WORLDS = (2, 4)
SPAN: dict[str, Any] = {"weeks": 16, "warm_up_weeks": 5, "simultaneous": False}


def answers_of(number: int) -> pd.DataFrame:
    """Return the answers of a world's truth and of its calibrated model, side by side."""
    world = department(number)
    log = simulate(world, weeks=60, seed=1_000 + number)
    first = midnight(world.start, world.time_zone)
    seen = as_observed(replace(log, calendar=None, enabled=None), (first, first + 52 * 7 * DAY))
    scenarios = list(changes(world, number).values())
    truth = experiment(world, scenarios, replications=12, seed=99, draws=0, **SPAN)
    found = experiment(calibrate(seen), scenarios, replications=8, draws=8, **SPAN)
    both = [one.answers[one.answers["kpi"] == "cycle_mean_h"].set_index("scenario") for one in (truth, found)]
    return both[0].add_prefix("true_").join(both[1])


@pytest.fixture(scope="module")
def answers() -> pd.DataFrame:
    return pd.concat([answers_of(number) for number in WORLDS])


def test_effects_have_the_right_sign(answers: pd.DataFrame) -> None:
    noise = (answers["true_high"] - answers["true_low"]) / 2
    clear = answers[answers["true_difference"].abs() > noise.clip(lower=0.02 * answers["true_base"])]
    assert len(clear) >= 6
    right = (clear["difference"] > 0) == (clear["true_difference"] > 0)
    assert right.mean() >= 0.9


def test_intervals_hold_the_truth(answers: pd.DataFrame) -> None:
    held = (answers["low"] <= answers["true_high"]) & (answers["true_low"] <= answers["high"])
    assert held.mean() >= 0.85


def test_most_of_the_interval_is_what_a_year_does_not_tell(answers: pd.DataFrame) -> None:
    assert (answers["parameters"] > 0).all()
    assert (answers["parameters"] > answers["simulation"]).mean() > 0.7


@pytest.mark.parametrize("number", range(8))
def test_departments_differ_and_can_be_changed(number: int) -> None:
    world = department(number)
    assert SimulationModel.from_dict(world.to_dict()) == world == department(number)
    assert world.activities != department(number + 1).activities
    asked = changes(world, number)
    assert {"staff +1", "rework x 0.5", "calendar", "approval dropped"} <= set(asked)
    for scenario in asked.values():
        assert scenario.apply(world) != world

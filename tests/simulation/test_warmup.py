from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mkmine.simulation import SimulationModel, experiment
from mkmine.simulation.experiments.warmup import Filling, filling, mser, ordinary, pilot, settled
from mkmine.simulation.model.arrivals import midnight

SLOW = {"kind": "exponential", "mean": 1000}


def by_definition(values: np.ndarray) -> int:
    """White's statistic, as it is written."""
    means = values[: len(values) // 5 * 5].reshape(-1, 5).mean(axis=1)
    k = len(means)
    errors = [((means[d:] - means[d:].mean()) ** 2).sum() / (k - d) ** 2 for d in range(k // 2 + 1)]
    return int(np.argmin(errors)) * 5


def test_mser_is_its_definition() -> None:
    draws = np.random.default_rng(3)
    for bias in (0, 3, 20):
        values = draws.normal(size=400) - bias * np.exp(-np.arange(400) / 30)
        assert mser(values) == by_definition(values)


def test_a_series_that_begins_too_low_is_cut_where_it_has_risen() -> None:
    draws = np.random.default_rng(1)
    values = draws.normal(100, 1, size=1_000)
    assert mser(values) is not None
    values[:150] -= np.linspace(60, 0, 150)
    found = mser(values)
    assert found is not None
    assert 100 <= found <= 160


def test_a_series_that_never_settles_says_so() -> None:
    assert mser(np.arange(500.0)) is None
    assert mser(np.ones(20)) is None
    assert mser(np.ones(500)) == 0


def test_the_later_of_work_in_progress_and_cycle_times_counts() -> None:
    flat, rising = np.ones(200), np.minimum(np.arange(200.0) / 50, 1)
    arrived = np.linspace(0, 40, 200)
    full = settled([Filling(rising, arrived, flat)])
    assert full == pytest.approx(10, abs=1)
    slow = settled([Filling(flat, arrived, rising)])
    assert slow == pytest.approx(arrived[50], abs=1)
    assert settled([Filling(np.arange(200.0), arrived, flat)]) is None


def test_filling_counts_by_fifths_of_a_week(queue: Callable[..., SimulationModel]) -> None:
    model = queue(rate=0.1, servers=50, service={"kind": "fixed", "hours": 168})
    found = pilot(model, 7, 0, weeks=10)
    assert len(found.wip) == 50
    # 16.8 cases a week, each there for a week.
    assert found.wip[:5].mean() == pytest.approx(8.4, rel=0.4)
    assert found.wip[10:].mean() == pytest.approx(16.8, rel=0.15)
    assert found.cycle == pytest.approx(168)
    assert (np.diff(found.arrived) >= 0).all()
    assert found.arrived[-1] < 10


def test_an_ordinary_week_has_no_holidays_absences_and_seasons(values: dict[str, Any]) -> None:
    values["arrivals"]["seasons"] = [{"first": "2025-01-01", "last": "2025-12-31", "factor": 3}]
    values["arrivals"]["trend"] = 0.5
    values["until"] = "2025-09-01"
    model = ordinary(SimulationModel.from_dict(values))
    assert model.until is None
    assert not any(one.absences for one in model.people)
    assert not any(one.holidays for one in model.calendars.values())
    assert (model.arrivals.seasons, model.arrivals.holidays, model.arrivals.trend) == ([], None, 0)


def test_quick_processes_keep_the_usual_warm_up(queue: Callable[..., SimulationModel]) -> None:
    model = queue(rate=0.5, servers=1, service={"kind": "exponential", "mean": 1})
    found = experiment(model, [], replications=2, weeks=4)
    assert (found.warm_up, found.warm_up_weeks) == ("usual", 8)
    given = experiment(model, [], replications=2, weeks=4, warm_up_weeks=1)
    assert (given.warm_up, given.warm_up_weeks) == ("given", 1)


def test_slow_processes_get_a_longer_one(queue: Callable[..., SimulationModel]) -> None:
    """Cases that take six weeks: after the usual eight, a quarter of the office is still empty."""
    model = queue(rate=0.1, servers=300, service=SLOW)
    found = experiment(model, [], replications=4, weeks=13)
    assert found.warm_up == "MSER-5"
    assert found.warm_up_weeks > 11
    wip = found.kpis[found.kpis["kpi"] == "wip"]["value"].mean()
    assert wip == pytest.approx(100, rel=0.12)
    short = experiment(model, [], replications=4, weeks=13, warm_up_weeks=4)
    assert short.kpis[short.kpis["kpi"] == "wip"]["value"].mean() < 0.9 * wip


def test_what_never_settles_is_said(queue: Callable[..., SimulationModel]) -> None:
    plain = queue(rate=0.02, servers=1, service={"kind": "fixed", "hours": 0.1}).to_dict()
    plain["activities"]["Serve"]["delay"] = {"kind": "fixed", "hours": 168 * 300}
    model = SimulationModel.from_dict(plain)
    found = experiment(model, [], replications=2, weeks=2)
    assert found.warm_up == "MSER-5"
    assert any("the work in progress does not settle within 520 weeks" in one for one in found.warnings)


def test_filling_sees_all_that_arrive_in_time(article: SimulationModel) -> None:
    from mkmine.simulation import simulate

    log = simulate(article, weeks=8)
    found = filling(log, midnight(article.start, article.time_zone), 4)
    assert len(found.cycle) == (found.arrived < 4).sum() < log.n_cases

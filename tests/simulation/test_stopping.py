from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mkmine.errors import DataError, UnknownNameError
from mkmine.simulation import Scenario, SimulationModel, experiment
from mkmine.simulation.experiments.stopping import Precision, judged, more

STAFF = Scenario("one more writer").staff("Writer", +1)


def test_half_widths_are_absolute_or_in_per_cent() -> None:
    hours, share, russian = Precision.read({"cycle_mean_h": 4, "cycle_p85_h": "5%", "wip": " 2,5 % "})
    assert hours.target(100) == 4
    assert share.target(-200) == pytest.approx(10)
    assert russian.target(100) == pytest.approx(2.5)
    assert [str(one) for one in (hours, share)] == ["cycle_mean_h ± 4", "cycle_p85_h ± 5%"]


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({}, "give key figures and half-widths"),
        (4, "give key figures and half-widths"),
        ({"cycle_mean_h": 0}, "0 is not a positive number"),
        ({"cycle_mean_h": "five"}, "'five' is not a positive number"),
        ({"cycle_mean_h": float("nan")}, "not a positive number"),
        ({"cycle_mean_h": True}, "not a positive number"),
    ],
)
def test_half_widths_that_are_none_are_refused(wanted: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Precision.read(wanted)


def test_a_misspelt_key_figure_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match='did you mean "cycle_mean_h"'):
        Precision.read({"cycle_mean": 4})


def table(*pairs: tuple[float, float]) -> pd.DataFrame:
    found = pd.DataFrame(
        [{"scenario": "x", "kpi": "wip", "base": 1.0, "half": half, "floor": 0.0} for half, _ in pairs]
    )
    wanted = [judged((Precision("wip", want, False),), found.iloc[[n]]) for n, (_, want) in enumerate(pairs)]
    return pd.concat(wanted)


def test_the_number_grows_with_the_square_of_what_is_missing() -> None:
    assert more(10, table((1, 1)), 100) == 10
    assert more(100, table((1.25, 1)), 1000) == 157
    assert more(100, table((1.25, 1), (1.1, 1)), 1000) == 157
    # A fifth at least, the double at most, and never beyond the budget.
    assert more(100, table((1.01, 1)), 1000) == 120
    assert more(100, table((9, 1)), 1000) == 200
    assert more(100, table((9, 1)), 150) == 150
    assert more(100, table((float("nan"), 1)), 1000) == 200


def test_it_goes_on_until_every_half_width_is_met(article: SimulationModel) -> None:
    wanted = {"cycle_mean_h": 1.5, "cycle_p85_h": "6%"}
    found = experiment(article, [STAFF], replications=5, weeks=8, warm_up_weeks=4, precision=wanted, seed=3)
    assert found.stopping is not None
    assert found.stopping.reason == "precise enough"
    assert found.replications > 5
    mean, p85 = found.answer(STAFF.name), found.answer(STAFF.name, "cycle_p85_h")
    assert (mean["high"] - mean["low"]) / 2 <= 1.5
    assert (p85["high"] - p85["low"]) / 2 <= 0.06 * p85["base"]
    again = experiment(article, [STAFF], replications=found.replications, weeks=8, warm_up_weeks=4, seed=3)
    pd.testing.assert_frame_equal(found.answers, again.answers)
    both = experiment(
        article,
        [STAFF],
        replications=5,
        weeks=8,
        warm_up_weeks=4,
        precision=wanted,
        seed=3,
        workers=2,
        executor="threads",
    )
    pd.testing.assert_frame_equal(found.answers, both.answers)


def test_the_budget_ends_it_and_says_what_is_missing(article: SimulationModel) -> None:
    found = experiment(
        article, [STAFF], replications=2, weeks=4, warm_up_weeks=2, precision={"cycle_mean_h": 0.001}, most=5
    )
    assert found.stopping is not None
    assert (found.replications, found.stopping.reason) == (5, "replications")
    assert not found.stopping.precision["met"].any()
    assert any("not the 0.001 asked for: the replications of the budget" in warning for warning in found.warnings)


def test_seconds_end_it_after_two_replications_at_the_least(article: SimulationModel) -> None:
    found = experiment(article, [STAFF], replications=50, weeks=4, warm_up_weeks=2, seconds=1e-9)
    assert found.stopping is not None
    assert (found.replications, found.stopping.reason) == (2, "seconds")
    twice = experiment(article, [STAFF], replications=2, weeks=4, warm_up_weeks=2)
    pd.testing.assert_frame_equal(found.answers, twice.answers)


def test_unstable_scenarios_are_not_waited_for(queue: Callable[..., SimulationModel]) -> None:
    model = queue(rate=0.5, servers=1, service={"kind": "exponential", "mean": 1})
    found = experiment(
        model,
        [Scenario("rush").arrivals(factor=4)],
        replications=3,
        weeks=4,
        warm_up_weeks=1,
        precision={"cycle_mean_h": 1e-9},
    )
    assert found.replications == 3
    assert found.stopping is not None
    assert found.stopping.precision.empty


def test_a_figure_that_is_not_measured_cannot_be_waited_for(article: SimulationModel) -> None:
    with pytest.raises(DataError, match="give sla_h"):
        experiment(article, [STAFF], replications=2, weeks=4, precision={"on_time_share": 0.1})
    with pytest.raises(UnknownNameError, match='did you mean "utilisation:Writer"'):
        experiment(article, [STAFF], replications=2, weeks=4, precision={"utilisation:Writr": 0.1})


def test_stopping_keeps_nearly_the_promised_coverage() -> None:
    """Intervals that are stopped when they are short enough hold the truth a little more rarely, not much."""
    from scipy.special import stdtrit

    draws = np.random.default_rng(1)
    held, sizes = 0, []
    for _ in range(1_000):
        values, n = draws.normal(size=400), 10
        while True:
            half = stdtrit(n - 1, 0.975) * values[:n].std(ddof=1) / np.sqrt(n)
            then = more(
                n, pd.DataFrame({"met": [half <= 0.25], "reached": [half], "floor": [0.0], "wanted": [0.25]}), 400
            )
            if then == n:
                break
            n = then
        held += abs(values[:n].mean()) <= half
        sizes.append(n)
    assert 0.92 <= held / 1_000 <= 0.965
    assert 62 <= np.mean(sizes) <= 90


def test_stopping_hardly_costs_the_difference_of_two_queues_any_coverage() -> None:
    """A skewed figure: the mean sojourn in M/M/1 at loads 0.5 and 0.6, over 168 cases, on common random numbers."""
    from scipy.special import stdtrit

    draws, count, looks = np.random.default_rng(3), 600, 120
    gaps, works = draws.exponential(size=(2, 368, count * looks))

    def sojourn(rate: float) -> np.ndarray:
        wait, total = np.zeros(count * looks), np.zeros(count * looks)
        for case, (gap, work) in enumerate(zip(gaps, works, strict=True)):
            wait = np.maximum(wait - gap / rate, 0)
            total += np.where(case >= 200, wait + work, 0)
            wait += work
        return np.asarray(total / 168)

    differences = (sojourn(0.6) - sojourn(0.5)).reshape(count, looks)
    held = {"fixed": 0, "stopped": 0}
    for values in differences:
        n = 20
        while True:
            half = stdtrit(n - 1, 0.975) * values[:n].std(ddof=1) / np.sqrt(n)
            held["fixed"] += n == 20 and abs(values[:n].mean() - 0.5) <= half
            table = pd.DataFrame({"met": [half <= 0.15], "reached": [half], "floor": [0.0], "wanted": [0.15]})
            then = more(n, table, looks)
            if then == n:
                break
            n = then
        held["stopped"] += abs(values[:n].mean() - 0.5) <= half
    assert held["fixed"] / count == pytest.approx(0.935, abs=0.03)
    assert held["stopped"] / count >= held["fixed"] / count - 0.03

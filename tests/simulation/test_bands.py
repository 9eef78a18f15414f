"""Bands of what will happen: chance, and what changes from period to period."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkmine.simulation import Scenario, SimulationModel, experiment
from mkmine.simulation.experiments.bands import Change, Foretold, band, changes
from mkmine.simulation.validation import Validation


def held(*, drift: float, chance: float, periods: int, seed: int) -> tuple[float, float]:
    """Return how often bands hold the next period with what changes known from earlier ones, and without."""
    rng = np.random.default_rng(seed)
    inside = []
    for _ in range(400):
        course = np.exp(rng.normal(0, np.hypot(drift, chance), periods + 1))
        runs = np.exp(rng.normal(0, chance, 20))
        known = changes({"a": course[:-1].tolist()}, {}, {"a": runs}, lenders=["a"])["a"]
        bands = band(runs, known), band(runs)
        inside.append([one.low <= course[-1] <= one.high for one in bands])
    with_change, without = np.mean(inside, axis=0)
    return float(with_change), float(without)


def test_bands_hold_what_changes_from_period_to_period() -> None:
    with_change, without = held(drift=0.3, chance=0.1, periods=7, seed=1)
    assert without < 0.6
    assert with_change > 0.9


def test_where_nothing_changes_they_hold_hardly_more() -> None:
    with_change, without = held(drift=0.0, chance=0.2, periods=7, seed=2)
    assert without == pytest.approx(0.95, abs=0.02)
    assert 0.95 <= with_change <= 0.985


def test_errors_of_models_count_beyond_their_bands() -> None:
    runs = np.exp(np.random.default_rng(3).normal(0, 0.05, 20))
    off = Foretold(actual=2.0, predicted=runs)
    found = changes({}, {"a": [off, off]}, {"a": runs, "b": runs}, lenders=["a", "b"])
    assert found["a"].share == pytest.approx(np.log(2), rel=0.1)
    assert found["a"].periods == 2
    # Nothing is known of the other one.
    assert found["b"] == Change()


def test_figures_lend_each_other_what_changes() -> None:
    runs = np.full(20, 1.0) + np.linspace(-0.01, 0.01, 20)
    past = {"calm": [1.0, 1.0, 1.0], "wild": [1.0, 3.0, 0.5]}
    found = changes(past, {}, dict.fromkeys(past, runs), lenders=list(past))
    assert 0 < found["calm"].share < found["wild"].share


def test_a_figure_that_may_be_zero_changes_by_shares_of_its_mean() -> None:
    runs = np.array([0.0, 1.0, 2.0, 1.0])
    found = changes({"a": [0.0, 4.0, 0.0, 4.0]}, {}, {"a": runs}, lenders=["a"])["a"]
    assert found.share > 1
    assert band(runs, found).low < band(runs).low


@given(st.lists(st.floats(0, 1e6) | st.just(float("nan")), max_size=9), st.lists(st.floats(0, 1e6), max_size=9))
def test_changes_are_shares_whatever_is_seen(past: list[float], runs: list[float]) -> None:
    found = changes({"a": past}, {}, {"a": np.array(runs)}, lenders=["a"])["a"]
    assert found.share >= 0
    assert 0 <= found.periods <= len(past)


def test_forecasts_carry_what_changes_and_differences_do_not(article: SimulationModel, changing: Validation) -> None:
    one = Scenario("more").arrivals(factor=1.1)
    settings = {"replications": 6, "weeks": 13, "warm_up_weeks": 8, "draws": 0}
    calm = experiment(article, [one], **settings)  # type: ignore[arg-type]
    moved = experiment(article, [one], validation=changing, **settings)  # type: ignore[arg-type]
    figures = [found.forecasts.set_index(["scenario", "kpi"]) for found in (calm, moved)]
    for name in (article.name, "more"):
        calm_row, moved_row = (table.loc[(name, "cycle_mean_h")] for table in figures)
        assert moved_row["high"] - moved_row["low"] > 1.5 * (calm_row["high"] - calm_row["low"])
        assert calm_row["low"] <= calm_row["value"] <= calm_row["high"]
        assert np.isnan(calm_row["change"])
        assert moved_row["change"] == 0.4
    assert calm.answers.equals(moved.answers)


def test_a_forecast_of_one_period_is_wider_than_its_mean(article: SimulationModel) -> None:
    found = experiment(article, [], replications=8, weeks=13, warm_up_weeks=8)
    mean, one = (
        table.set_index("kpi").loc["cycle_mean_h"]
        for table in (found.base_figures(), found.forecasts[found.forecasts["scenario"] == article.name])
    )
    assert one["high"] - one["low"] > 2 * (mean["high"] - mean["low"])


def test_how_wide_the_bands_are_is_said(changing: Validation) -> None:
    assert changing.band == pytest.approx(0.75)
    assert "The median band of 95% is ±75% of its figure: fit for large changes only." in repr(changing)
    assert "годится только для крупных изменений" in " ".join(changing.explain("ru"))
    narrow = replace(changing, table=changing.table.assign(low=0.99, high=1.01))
    assert "The median band of 95% is ±1% of its figure." in [one.replace("\u00a0", " ") for one in narrow.explain()]
    unknown = replace(changing, table=changing.table.assign(predicted=float("nan")))
    assert "median band" not in repr(unknown)
    assert unknown.to_dict()["band"] is None


@pytest.fixture
def changing() -> Validation:
    import pandas as pd

    from mkmine.eventlog import Provenance

    rows = pd.DataFrame([{"kpi": "cycle_median_h", "unit": "h", "actual": 1.0, "predicted": 1.0, "low": 0.5}])
    table = rows.assign(high=2.0, inside=True, noise=0.1, error=0.0)
    made = Provenance(log="x", hash="0", cases=1, instances=1, window=("", ""), filters=(), method="m")
    return Validation(
        table=table, grade="good", reasons=(), cut="2024-01-01", cases=9, replications=5, provenance=made,
        changes={"cycle_mean_h": Change(0.4, 5)},
    )  # fmt: skip

from __future__ import annotations

import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkmine.eventlog.statistics import Survival
from mkmine.rollout.window import Window, block_length, common_horizon, figures, resampled_weeks
from mkmine.streams import Streams


def window(cycle: list[float], done: list[bool], *, reworked: list[float] | None = None, weeks: int = 4) -> Window:
    order = np.lexsort((~np.array(done), np.array(cycle)))
    return Window(
        first=datetime.date(2025, 3, 3),
        weeks=weeks,
        week=(np.arange(len(cycle)) % weeks)[order],
        cycle_h=np.array(cycle, dtype=float)[order],
        done=np.array(done)[order],
        reworked=np.array(reworked or [0.0] * len(cycle))[order],
        finished=np.full(weeks, 2.0),
    )


@given(st.lists(st.tuples(st.integers(1, 20), st.booleans()), min_size=1, max_size=30))
def test_curve_is_that_of_kaplan_and_meier(cases: list[tuple[int, bool]]) -> None:
    cycle, done = [float(hours) for hours, _ in cases], [end for _, end in cases]
    one = window(cycle, done)
    got = figures(one, one.once(), horizon_h=max(cycle))
    curve = Survival(np.array(cycle), np.array(done))
    assert got["cycle_mean_h"][0] == pytest.approx(curve.mean)
    np.testing.assert_allclose(got["cycle_median_h"][0], curve.quantile(0.5))
    np.testing.assert_allclose(got["cycle_p85_h"][0], curve.quantile(0.85))


@given(
    st.lists(st.tuples(st.integers(1, 20), st.booleans()), min_size=8, max_size=20),
    st.lists(st.integers(0, 3), min_size=4, max_size=4).filter(any),
)
def test_a_weight_is_as_good_as_a_copy(cases: list[tuple[int, bool]], weights: list[int]) -> None:
    cycle, done = np.array([float(hours) for hours, _ in cases]), np.array([end for _, end in cases])
    one = window(list(cycle), list(done))
    copies = np.repeat(np.arange(len(cycle)), np.array(weights)[np.arange(len(cycle)) % 4])
    curve = Survival(cycle[copies], done[copies])
    got = figures(one, np.array([weights], dtype=float), horizon_h=100.0)
    np.testing.assert_allclose(got["cycle_median_h"][0], curve.quantile(0.5))
    assert got["arrivals_per_week"][0] == pytest.approx(len(copies) / sum(weights))


def test_without_open_cases_the_figures_are_plain_means() -> None:
    one = window([1, 2, 3, 6], [True] * 4, reworked=[0, 1, 0, 3])
    got = figures(one, one.once(), horizon_h=6.0)
    assert got["cycle_mean_h"][0] == pytest.approx(3.0)
    assert got["rework_per_case"][0] == pytest.approx(1.0)
    assert got["throughput_per_week"][0] == 2.0


def test_rework_of_long_cases_counts_in_full_although_they_are_censored_more_often() -> None:
    rng = np.random.default_rng(3)
    rounds = rng.geometric(0.5, 20_000) - 1
    cycle = 5.0 * (rounds + 1) + rng.random(20_000)
    follow = rng.uniform(0, 60, 20_000)
    one = window(list(np.minimum(cycle, follow)), list(cycle <= follow), reworked=list(rounds.astype(float)))
    naive = rounds[cycle <= follow].mean()
    got = figures(one, one.once(), horizon_h=60.0)["rework_per_case"][0]
    assert abs(got - rounds.mean()) < 0.05 < rounds.mean() - naive


def test_a_median_that_too_many_open_cases_hide_is_unknown() -> None:
    one = window([1, 2, 3, 4], [True, False, False, False])
    assert np.isnan(figures(one, one.once(), horizon_h=4.0)["cycle_median_h"][0])


def test_the_horizon_ends_where_one_window_knows_no_more() -> None:
    quick, slow = window([1, 2], [True, True]), window([1, 9], [True, True])
    cut_short = window([1, 5], [True, False])
    assert common_horizon(quick, slow) == 9.0
    assert common_horizon(cut_short, slow) == 5.0
    assert common_horizon(quick, cut_short) == 5.0


def test_resampled_weeks_come_in_blocks_and_count_as_many() -> None:
    weights = resampled_weeks(16, Streams(7), "effect", "before", resamples=500)
    assert weights.shape == (500, 16)
    assert (weights.sum(axis=1) == 16).all()
    assert weights.mean(axis=0) == pytest.approx(np.ones(16), abs=0.15)
    neighbours = np.mean([np.corrcoef(weights[:, k], weights[:, k + 1])[0, 1] for k in range(15)])
    assert neighbours > 0.4
    np.testing.assert_array_equal(weights, resampled_weeks(16, Streams(7), "effect", "before", resamples=500))


@pytest.mark.parametrize(("weeks", "length"), [(4, 2), (9, 3), (26, 5)])
def test_block_length(weeks: int, length: int) -> None:
    assert block_length(weeks) == length

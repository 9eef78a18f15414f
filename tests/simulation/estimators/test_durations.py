from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mkmine.simulation.calibration.estimators.durations import fit_distribution, pooled
from mkmine.simulation.model.distributions import Empirical, Fixed, LogNormal

U = (np.arange(20_000) + 0.5) / 20_000


def test_the_tail_stays_as_rare_and_as_long() -> None:
    hours = np.random.default_rng(1).lognormal(0, 1.5, 5_000)
    found = fit_distribution(hours)
    assert isinstance(found, Empirical)
    drawn = found.ppf(U)
    assert found.mean_h == pytest.approx(hours.mean(), rel=1e-3)
    for share in (0.5, 0.9, 0.99):
        assert np.quantile(drawn, share) == pytest.approx(np.quantile(hours, share), rel=0.1)
    assert drawn.std() == pytest.approx(hours.std(), rel=0.25)


def test_no_time_at_all_stays_no_time() -> None:
    hours = np.concatenate((np.zeros(600), np.random.default_rng(2).exponential(2, 400)))
    drawn = fit_distribution(hours).ppf(U)
    assert (drawn < 0.02).mean() == pytest.approx(0.6, abs=0.03)


def test_weights_count_observations() -> None:
    hours = np.repeat([1.0, 9.0], 50)
    assert fit_distribution(hours, np.repeat([3.0, 1.0], 50)).mean_h == pytest.approx(3, rel=1e-3)


def test_few_observations() -> None:
    assert fit_distribution(np.array([np.nan])) == Fixed(hours=0.0)
    assert fit_distribution(np.array([2.0, 2.0])) == Fixed(hours=2.0)
    few = fit_distribution(np.array([1.0, 2.0, 3.0]))
    assert isinstance(few, LogNormal)
    assert (few.mean, few.cv) == (2.0, 0.5)


def test_who_has_little_borrows() -> None:
    group = np.full(100, 10.0)
    for n, expected in ((1, 10 - 8 / 4), (97, 10 - 8 * 0.97)):
        values, weights = pooled(np.full(n, 2.0), group, 3.0, weights=np.ones(n), of_others=np.ones(100))
        assert values @ weights / weights.sum() == pytest.approx(expected, abs=0.05)


@given(hnp.arrays(np.float64, st.integers(1, 80), elements=st.floats(0, 1e4)))
def test_whatever_was_seen_can_be_drawn_again(hours: np.ndarray) -> None:
    found = fit_distribution(hours)
    drawn = found.ppf(U[::100])
    assert (drawn >= 0).all()
    assert np.isfinite(drawn).all()
    if isinstance(found, Empirical):
        assert found.mean_h == pytest.approx(hours.mean(), rel=1e-3, abs=1e-6)

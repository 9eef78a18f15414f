from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import fisher_exact

from mkmine.discovery.inference import discoveries, exact_test, rank_test, share_difference


def test_exact_test_is_fishers_with_half_of_the_outcome() -> None:
    # Fisher's tea: 3 of 4 and 1 of 4; one tail is 17/70, of which the outcome itself has 16/70.
    assert exact_test(3, 4, 1, 4) == pytest.approx(2 * (17 - 8) / 70)
    one_sided = fisher_exact([[8, 12], [2, 18]], alternative="greater").pvalue
    assert one_sided / 2 < exact_test(8, 20, 2, 20) / 2 < one_sided


def test_exact_test_is_seldom_wrong_where_nothing_differs() -> None:
    rng = np.random.default_rng(2)
    p = exact_test(rng.binomial(200, 0.2, 4000), 200, rng.binomial(150, 0.2, 4000), 150)
    assert 0.03 <= (p <= 0.05).mean() <= 0.065


def test_interval_of_a_difference_covers() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.binomial(80, 0.3, 4000), rng.binomial(60, 0.4, 4000)
    difference, low, high = share_difference(a, 80, b, 60)
    assert np.allclose(difference, b / 60 - a / 80)
    assert 0.935 <= ((low <= 0.1) & (high >= 0.1)).mean() <= 0.97


def test_rank_test_tells_which_is_larger() -> None:
    rng = np.random.default_rng(4)
    found = rank_test(rng.exponential(1, 100), rng.exponential(2, 100))
    assert 0.55 < found.larger < 0.8
    assert found.p < 0.01


def test_rank_test_is_right_where_only_the_spread_differs() -> None:
    rng = np.random.default_rng(5)
    p = [rank_test(rng.normal(0, 1, 30), rng.normal(0, 5, 90)).p for _ in range(600)]
    assert 0.02 <= np.mean(np.array(p) <= 0.05) <= 0.085


def test_rank_test_of_extremes() -> None:
    assert np.isnan(rank_test(np.zeros(0), np.ones(3)).p)
    assert rank_test(np.ones(20), np.ones(20)).p == 1
    apart = rank_test(np.arange(20.0), np.arange(100.0, 120.0))
    assert (apart.larger, apart.p < 1e-6) == (1.0, True)
    few = rank_test(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    assert few.p == pytest.approx(1 / 3)


def test_discoveries() -> None:
    p = [0.01, 0.04, np.nan, 0.03, 0.005]
    assert discoveries(p).tolist() == pytest.approx([0.02, 0.04, np.nan, 0.04, 0.02], nan_ok=True)
    assert discoveries([0.9, 1.0]).tolist() == [1.0, 1.0]
    assert discoveries([]).shape == (0,)


def test_exact_p_values_are_those_of_the_hypergeometric_distribution() -> None:
    from scipy.stats import hypergeom

    rng = np.random.default_rng(3)
    n, m = rng.integers(1, 5000, 200), rng.integers(1, 5000, 200)
    k, j = rng.integers(0, n + 1), rng.integers(0, m + 1)
    here = hypergeom.pmf(k, n + m, k + j, n) / 2
    tails = hypergeom.cdf(k, n + m, k + j, n) - here, hypergeom.sf(k, n + m, k + j, n) + here
    assert exact_test(k, n, j, m) == pytest.approx(np.clip(2 * np.minimum(*tails), 0, 1), abs=1e-10)

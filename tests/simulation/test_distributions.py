from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from scipy import stats

from mkmine.simulation.model.distributions import (
    Distribution,
    Empirical,
    Exponential,
    Fixed,
    Gamma,
    LogNormal,
    Triangular,
    Uniform,
)

U = np.concatenate((np.linspace(0, 1, 203)[1:-1], [1e-12, 1 - 1e-12]))
ADAPTER: TypeAdapter[Any] = TypeAdapter(Distribution)


def lognormal(mean: float, cv: float) -> Any:
    sigma = np.sqrt(np.log1p(cv**2))
    return stats.lognorm(s=sigma, scale=mean * np.exp(-(sigma**2) / 2))


ORACLES = [
    (Uniform(low=2, high=5), stats.uniform(2, 3)),
    (Exponential(mean=3), stats.expon(scale=3)),
    (LogNormal(mean=4, cv=1.5), lognormal(4, 1.5)),
    (LogNormal(mean=0.2, cv=0.1), lognormal(0.2, 0.1)),
    (Gamma(mean=4, cv=0.5), stats.gamma(a=4, scale=1)),
    (Gamma(mean=4, cv=2), stats.gamma(a=0.25, scale=16)),
    (Triangular(low=1, mode=2, high=6), stats.triang(c=0.2, loc=1, scale=5)),
    (Triangular(low=1, mode=1, high=6), stats.triang(c=0, loc=1, scale=5)),
    (Triangular(low=1, mode=6, high=6), stats.triang(c=1, loc=1, scale=5)),
]


@pytest.mark.parametrize(("ours", "oracle"), ORACLES, ids=[repr(ours) for ours, _ in ORACLES])
def test_quantiles_and_mean_are_scipys(ours: Any, oracle: Any) -> None:
    np.testing.assert_allclose(ours.ppf(U), oracle.ppf(U), rtol=1e-9)
    assert ours.mean_h == pytest.approx(float(oracle.mean()))
    np.testing.assert_allclose(ours.ppf(U[:-2]).mean(), float(oracle.mean()), rtol=0.12)


def test_fixed_and_empirical() -> None:
    assert Fixed(hours=2).ppf(U).tolist() == [2] * len(U)
    observed = Empirical(quantiles=[0, 1, 4])
    assert observed.ppf(np.array([0.25, 0.5, 0.75])).tolist() == [0.5, 1, 2.5]
    assert observed.mean_h == pytest.approx(observed.ppf(np.linspace(0, 1, 100_001)).mean(), rel=1e-4)


EACH = [*(ours for ours, _ in ORACLES), Fixed(hours=2), Empirical(quantiles=[0, 1, 4])]


@pytest.mark.parametrize("ours", EACH, ids=repr)
@given(factor=st.floats(0.01, 100))
def test_a_scaled_distribution_is_that_many_times_the_duration(ours: Any, factor: float) -> None:
    np.testing.assert_allclose(ours.scaled(factor).ppf(U), factor * ours.ppf(U), rtol=1e-9, atol=1e-12)
    assert ours.scaled(factor).mean_h == pytest.approx(factor * ours.mean_h)


@pytest.mark.parametrize("ours", EACH, ids=repr)
def test_no_time_at_all_is_a_factor_too(ours: Any) -> None:
    none = ours.scaled(0.0)
    assert none.mean_h == 0
    assert not none.ppf(U).any()


@pytest.mark.parametrize("ours", EACH, ids=repr)
def test_quantiles_rise_and_values_round_trip(ours: Any) -> None:
    assert (np.diff(ours.ppf(np.sort(U))) >= 0).all()
    assert (ours.ppf(U) >= 0).all()
    assert ADAPTER.validate_python(ours.model_dump(mode="json")) == ours


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"kind": "fixed", "hours": -1}, "greater than or equal to 0"),
        ({"kind": "fixed", "hours": float("nan")}, "finite"),
        ({"kind": "fixed", "hours": 1e9}, "less than or equal to"),
        ({"kind": "exponential", "mean": 0}, "greater than 0"),
        ({"kind": "lognormal", "mean": 1, "cv": 0}, "greater than 0"),
        ({"kind": "gamma", "mean": 1}, "Field required"),
        ({"kind": "uniform", "low": 3, "high": 1}, r"high=1.0 is below low=3.0; swap them"),
        ({"kind": "triangular", "low": 3, "mode": 1, "high": 5}, "not in rising order"),
        ({"kind": "triangular", "low": 3, "mode": 3, "high": 3}, "not in rising order"),
        ({"kind": "empirical", "quantiles": [1]}, "at least 2"),
        ({"kind": "empirical", "quantiles": [2, 1]}, "not in rising order; sort them"),
        ({"kind": "empirical", "quantiles": [1, 2], "at": [0, 0.5]}, "give each quantile its probability"),
        ({"kind": "empirical", "quantiles": [1, 2, 3], "at": [0, 0, 1]}, "at: the probabilities are not in rising"),
        ({"kind": "normal", "mean": 1}, "tag 'normal'"),
        ({"kind": "fixed", "hours": 1, "unit": "days"}, "Extra inputs"),
    ],
)
def test_what_is_no_distribution_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ADAPTER.validate_python(values)


def test_quantiles_at_probabilities_of_their_own() -> None:
    tail = ADAPTER.validate_python({"kind": "empirical", "quantiles": [0, 1, 11], "at": [0, 0.9, 1]})
    np.testing.assert_allclose(tail.ppf(np.array([0.45, 0.9, 0.95])), [0.5, 1, 6])
    assert tail.mean_h == pytest.approx(0.45 + 0.6)
    assert tail.scaled(2).mean_h == pytest.approx(2 * tail.mean_h)

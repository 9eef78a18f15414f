from __future__ import annotations

import numpy as np
import pytest

from mkmine.simulation.calibration.estimators.truncation import mean_length, seen_shares


def observed(n: int, span: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the lengths of all cases, and lengths and room of those that had finished when the log ended."""
    begin, length = rng.uniform(0, span, n), rng.lognormal(2.0, 0.8, n)
    seen = begin + length <= span
    return length, length[seen], span - begin[seen]


def test_the_distribution_of_all_cases_is_found_from_the_finished_ones() -> None:
    every, length, room = observed(6_000, 80.0, np.random.default_rng(1))
    assert length.mean() < 0.95 * every.mean(), "those that are missing are the long ones"
    at = np.array([2.0, 5.0, 10.0, 20.0, 40.0])
    true = (every[:, None] <= at).mean(axis=0)
    np.testing.assert_allclose(seen_shares(length, room, at), true, atol=0.03)
    assert mean_length(length, room) == pytest.approx(every.mean(), rel=0.05)


def test_where_nothing_is_missing_nothing_changes() -> None:
    length = np.random.default_rng(2).exponential(1.0, 500)
    room = np.full(500, 1e6)
    np.testing.assert_allclose(seen_shares(length, room, np.array([1.0])), (length <= 1).mean(), atol=0.01)
    assert mean_length(length, room) == pytest.approx(length.mean(), rel=0.02)


def test_few_cases_and_none() -> None:
    assert seen_shares(np.ones(0), np.ones(0), np.array([1.0, 2.0])).tolist() == [1.0, 1.0]
    assert seen_shares(np.array([3.0]), np.array([3.0]), np.array([0.0, 5.0])).tolist() == [1.0, 1.0]

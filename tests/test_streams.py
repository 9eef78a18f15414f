"""Random streams: keyed by name, independent of order, with prefixes that last."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkmine.errors import DataError
from mkmine.streams import Streams

names = st.lists(st.one_of(st.text(max_size=8), st.integers(0, 50)), min_size=1, max_size=3).map(tuple)


@given(seed=st.integers(0, 2**40), replication=st.integers(0, 1000), key=names, n=st.integers(0, 40))
def test_a_longer_vector_begins_with_the_shorter_one(
    seed: int, replication: int, key: tuple[str | int, ...], n: int
) -> None:
    streams = Streams(seed, replication=replication)
    long, short = streams.uniform(*key, size=n + 7), streams.uniform(*key, size=n)
    assert np.array_equal(long[:n], short)
    assert ((long > 0) & (long < 1)).all()


@given(st.lists(names, min_size=2, max_size=5, unique=True), st.randoms())
def test_draws_do_not_depend_on_the_order_of_asking(keys: list[tuple[str | int, ...]], chance: object) -> None:
    first = {key: Streams(7).uniform(*key, size=3).tolist() for key in keys}
    one = Streams(7)
    again = {key: one.uniform(*key, size=3).tolist() for key in reversed(keys)}
    assert first == again


@given(names, names)
def test_other_names_give_other_draws(a: tuple[str | int, ...], b: tuple[str | int, ...]) -> None:
    same = np.array_equal(Streams(7).uniform(*a, size=4), Streams(7).uniform(*b, size=4))
    assert same == (a == b)


def test_a_number_and_its_text_are_different_names() -> None:
    assert not np.array_equal(Streams(7).uniform("a", 1, size=4), Streams(7).uniform("a", "1", size=4))


def test_names_do_not_run_together() -> None:
    assert not np.array_equal(Streams(7).uniform("ab", "c", size=4), Streams(7).uniform("a", "bc", size=4))


def test_seeds_and_replications_differ_and_repeat() -> None:
    draws = {
        (seed, replication): tuple(Streams(seed, replication=replication).uniform("x", size=3))
        for seed in range(4)
        for replication in range(4)
    }
    assert len(set(draws.values())) == 16
    assert draws[2, 3] == tuple(Streams(2, replication=3).uniform("x", size=3))


def test_draws_are_uniform_and_uncorrelated_across_names() -> None:
    from scipy import stats

    table = np.array([Streams(11).uniform("duration", "Approval", visit, size=2_000) for visit in range(10)])
    assert stats.kstest(table.ravel(), "uniform").pvalue > 1e-3
    off_diagonal = np.corrcoef(table)[np.triu_indices(10, 1)]
    # 45 correlations of 2,000 pairs: standard error 0.022, so five of them is one chance in a hundred thousand.
    assert np.abs(off_diagonal).max() < 5 / np.sqrt(2_000)


@pytest.mark.parametrize("value", [-1, 1.5, "7", True, None])
def test_a_wrong_seed_is_refused(value: object) -> None:
    with pytest.raises(DataError, match=r"seed .* is not a non-negative integer; pass e\.g\. seed=7"):
        Streams(value)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="replication"):
        Streams(7, replication=value)  # type: ignore[arg-type]


def test_numpy_integers_are_integers() -> None:
    assert np.array_equal(Streams(np.int64(7)).uniform("x", size=2), Streams(7).uniform("x", size=2))

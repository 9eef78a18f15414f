from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkmine.eventlog.statistics import Groups, Survival, running_maximum, wilson
from tests.eventlog.summaries.samples import kernels

finite = st.floats(-1e6, 1e6)


@pytest.mark.parametrize("form", ["numpy", "numba"])
@given(pairs=st.lists(st.tuples(st.integers(-1, 4), finite), max_size=40), share=st.floats(0, 1))
def test_statistics_of_groups_equal_numpys(form: str, pairs: list[tuple[int, float]], share: float) -> None:
    of = np.array([group for group, _ in pairs], dtype=np.int64)
    values = np.array([value for _, value in pairs], dtype=np.float64)
    groups = Groups(values, of, 5)
    with kernels(form):
        assert groups.count.sum() == (of >= 0).sum()
    for group in range(5):
        mine = values[of == group]
        if len(mine):
            assert groups.quantile(share)[group] == pytest.approx(np.quantile(mine, share), abs=1e-6)
            assert groups.mean[group] == pytest.approx(mine.mean(), abs=1e-6)
            assert groups.total[group] == pytest.approx(mine.sum(), abs=1e-5)
        else:
            assert np.isnan(groups.quantile(share)[group])
            assert np.isnan(groups.mean[group])


def test_wilson_gives_the_published_limits() -> None:
    # Newcombe (1998), Statistics in Medicine 17, table I: 81/263 and 0/20.
    low, high = wilson([81, 0, 5], [263, 20, 0])
    assert low[0] == pytest.approx(0.2553, abs=1e-4)
    assert high[0] == pytest.approx(0.3662, abs=1e-4)
    assert low[1] == 0
    assert high[1] == pytest.approx(0.1611, abs=1e-4)
    assert np.isnan(low[2])


def test_kaplan_and_meier_give_the_textbook_curve() -> None:
    durations = np.array([6.0, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35])
    finished = np.array([1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0], dtype=bool)
    # Freireich et al. (1963), 6-MP arm: S(6) = .857, S(13) = .690, S(23) = .448; the median is 23.
    survival = Survival(durations, finished)
    curve = dict(zip(*survival.curve, strict=True))
    assert curve[6] == pytest.approx(0.857, abs=1e-3)
    assert curve[13] == pytest.approx(0.690, abs=1e-3)
    assert curve[23] == pytest.approx(0.448, abs=1e-3)
    assert survival.quantile(0.5) == 23
    assert np.isnan(survival.quantile(0.85))


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=40))
def test_without_open_cases_it_is_the_empirical_distribution(values: list[float]) -> None:
    data = np.array(values)
    survival = Survival(data, np.ones(len(data), dtype=np.bool_))
    assert survival.mean == pytest.approx(data.mean(), rel=1e-9, abs=1e-9)
    assert survival.quantile(0.5) == np.quantile(data, 0.5, method="inverted_cdf")


def test_open_cases_lengthen_what_is_estimated() -> None:
    durations = np.arange(1.0, 11.0)
    closed = Survival(durations, np.ones(10, dtype=np.bool_))
    half_open = Survival(durations, np.arange(10) % 2 == 0)
    assert half_open.quantile(0.5) > closed.quantile(0.5)
    assert np.isnan(Survival(durations, np.zeros(10, dtype=np.bool_)).quantile(0.5))


@given(st.lists(st.lists(st.integers(-9, 9), min_size=1, max_size=12), min_size=1, max_size=6))
def test_running_maximum_is_that_of_each_group(groups: list[list[int]]) -> None:
    position = np.concatenate([np.arange(len(group)) for group in groups])
    values = np.concatenate([np.array(group) for group in groups])
    expected = np.concatenate([np.maximum.accumulate(np.array(group)) for group in groups])
    np.testing.assert_array_equal(running_maximum(values, position), expected)

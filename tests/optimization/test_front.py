from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mkmine.optimization.front import Point, label, paired_interval, pareto_front

NOISE = np.array([-0.2, 0.1, 0.0, 0.15, -0.05])


def point(name: str, cost: float, value: float, *, noise: float = 0.0) -> Point:
    return Point(changes=((name, 1),), cost=cost, values=value + noise * NOISE)


def test_label_says_the_changes() -> None:
    assert label((("Designer", 2), ("Editor", -1))) == "Designer +2, Editor -1"
    assert label(()) == "as it is"


def test_paired_interval_is_students() -> None:
    from scipy import stats

    values = np.array([1.0, 2.0, 4.0, 3.5])
    expected = stats.t.interval(0.9, 3, loc=values.mean(), scale=stats.sem(values))
    np.testing.assert_allclose(paired_interval(values, 0.9), expected)


def test_a_dearer_point_has_to_be_better_beyond_noise() -> None:
    points = [point("a", 0, 10), point("b", 1, 8), point("c", 2, 7.99, noise=1.0), point("d", 3, 5), point("e", 4, 6)]
    front = pareto_front(points, better="lower", confidence=0.95)
    assert [one.changes[0][0] for one in front] == ["a", "b", "d"]


def test_of_equal_costs_the_best_counts_and_higher_may_be_better() -> None:
    points = [point("a", 1, 8), point("b", 1, 9), point("c", 2, 8.5), Point(changes=(), cost=0, values=NOISE * np.nan)]
    front = pareto_front(points, better="higher", confidence=0.95)
    assert [one.changes[0][0] for one in front] == ["b"]


@given(
    st.lists(st.tuples(st.integers(0, 6), st.floats(1, 100)), min_size=1, max_size=12),
    st.randoms(use_true_random=False),
)
def test_front_rises_in_cost_improves_and_does_not_depend_on_the_order(
    rows: list[tuple[int, float]], random: object
) -> None:
    points = [point(f"p{k}", cost, value) for k, (cost, value) in enumerate(rows)]
    front = pareto_front(points, better="lower", confidence=0.95)
    costs, values = [one.cost for one in front], [one.values.mean() for one in front]
    assert costs == sorted(set(costs))
    assert values == sorted(values, reverse=True)
    shuffled = list(points)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert [one.label for one in pareto_front(shuffled, better="lower", confidence=0.95)] == [o.label for o in front]

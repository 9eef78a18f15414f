from __future__ import annotations

import numpy as np

from mkmine.simulation.calibration.estimators.contexts import choose_backoff, levels_of


def chain(order: int, n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return symbols of a chain that depends on the `order` symbols before, those before (orders, n), and cases."""
    rng = np.random.default_rng(seed)
    table = rng.dirichlet(np.full(3, 0.3), size=3**order)
    symbols = rng.integers(0, 3, order).tolist()
    for _ in range(n):
        place = 0
        for back in range(order):
            place = 3 * place + symbols[-1 - back]
        symbols.append(int(rng.choice(3, p=table[place])))
    values = np.array(symbols)
    earlier = np.stack([np.concatenate((np.full(k, -1), values[:-k])) for k in range(1, 5)])
    return values, earlier, np.arange(len(values)) // 10


def test_held_out_cases_choose_the_order() -> None:
    for order in (1, 2, 3):
        values, earlier, case = chain(order, 6_000, seed=order)
        levels = levels_of([np.zeros(len(values), dtype=np.int64)], earlier, values)
        assert choose_backoff(levels, 1, values, case, np.ones(len(values))).order == order


def test_without_memory_nothing_before_is_looked_at() -> None:
    rng = np.random.default_rng(7)
    values = rng.integers(0, 4, 3_000)
    earlier = np.stack([np.concatenate((np.full(k, -1), values[:-k])) for k in range(1, 5)])
    levels = levels_of([np.zeros(3_000, dtype=np.int64)], earlier, values)
    assert choose_backoff(levels, 1, values, np.arange(3_000) // 10, np.ones(3_000)).order == 0


def test_little_data_borrows_more() -> None:
    strengths = []
    for n in (300, 30_000):
        values, earlier, case = chain(1, n, seed=4)
        levels = levels_of([np.zeros(len(values), dtype=np.int64)], earlier[:1], values)
        strengths.append(choose_backoff(levels, 1, values, case, np.ones(len(values))).strength)
    assert strengths[0] >= strengths[1]


def test_no_decisions() -> None:
    empty = np.zeros(0, dtype=np.int64)
    assert choose_backoff([], 1, empty, empty, np.zeros(0)).order == 0

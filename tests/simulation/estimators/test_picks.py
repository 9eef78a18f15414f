"""In which order work is taken, told from who was taken while others waited."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

from mkmine.simulation.calibration.estimators.picks import Order, Waiting, estimate_order

Int = NDArray[np.int64]
HOUR = 3_600_000_000


def queue(rule: str, *, n: int = 400, seed: int = 0, lapses: float = 0.0) -> Waiting:
    """One person with a load of about 0.95 takes work by a rule; some of the choices are mere chance."""
    draw = np.random.default_rng(seed)
    ready = np.cumsum(draw.exponential(1.0, n))
    kind, urgent = draw.integers(0, 2, n), draw.integers(0, 2, n)
    due = ready + draw.exponential(20, n)
    keys = {
        "fifo": ready,
        "lifo": -ready,
        "deadline": due,
        "priority": ready - 1e6 * kind,
        "class": ready - 1e6 * urgent,
        "random": draw.random(n),
    }
    start, now, left = np.zeros(n), 0.0, list(range(n))
    while left:
        waiting = [one for one in left if ready[one] <= now] or [min(left, key=lambda one: ready[one])]
        taken = min(waiting, key=lambda one: keys[rule][one])
        if draw.random() < lapses:
            taken = waiting[int(draw.integers(len(waiting)))]
        start[taken] = max(now, ready[taken])
        now = start[taken] + draw.exponential(0.95)
        left.remove(taken)
    return _waiting(ready, start, kind=kind.astype(np.int64), due=_us(due), classes={"class": urgent.astype(np.int64)})


def _us(hours: NDArray[np.float64]) -> Int:
    return np.asarray(hours * HOUR, dtype=np.int64)


def _waiting(
    ready: NDArray[np.float64], start: NDArray[np.float64], *, kind: Int, due: Int | None, classes: Mapping[str, Int]
) -> Waiting:
    n = len(ready)
    return Waiting(
        ready=_us(ready),
        offered=_us(ready),
        start=_us(start),
        person=np.zeros(n, dtype=np.int64),
        group=np.zeros(n, dtype=np.int64),
        able=np.ones((1, 2), dtype=np.bool_),
        kind=kind,
        owner=np.full(n, -1),
        barred=np.full(n, -1),
        due=due,
        classes=classes,
    )


def share(order: Order) -> float:
    return order.explained[0] / order.observed[0]


@pytest.mark.parametrize("rule", ["fifo", "lifo", "deadline", "priority", "class"])
def test_the_rule_is_recovered(rule: str) -> None:
    order = estimate_order(queue(rule))
    assert order.rule == rule
    assert share(order) > 0.98
    assert not order.other
    assert not order.random
    if rule in ("priority", "class"):
        assert order.levels == {1: 0, 0: 1}


@pytest.mark.parametrize("rule", ["lifo", "deadline", "priority"])
def test_lapses_do_not_hide_it(rule: str) -> None:
    order = estimate_order(queue(rule, n=800, lapses=0.3))
    assert order.rule == rule
    assert 0.6 < share(order) < 0.95


@pytest.mark.parametrize(("rule", "lapses"), [("fifo", 1.0), ("random", 0.0)], ids=["by chance", "by what is unknown"])
def test_what_is_no_rule(rule: str, lapses: float) -> None:
    # Whoever leaves lying what is unimportant in a way that the log does not tell takes new work more often.
    found = [estimate_order(queue(rule, seed=seed, lapses=lapses)) for seed in range(20)]
    assert sum(one.rule != "fifo" for one in found) <= 1
    assert sum(one.random == (0,) for one in found) >= 18


def test_first_come_is_not_taken_for_anything_else() -> None:
    found = [estimate_order(queue("fifo", seed=seed, lapses=0.2)) for seed in range(20)]
    assert all(one.rule == "fifo" and not one.other for one in found)


def test_few_choices_leave_it_in_doubt_and_none_say_nothing() -> None:
    order = estimate_order(queue("random", n=130, seed=4))
    assert not order.doubt or sum(order.doubt.values()) == pytest.approx(1, abs=1e-3)
    nothing = queue("fifo", n=5)
    assert estimate_order(nothing) == Order(
        rule="fifo", levels={}, observed={}, explained={}, doubt={}, other={}, random=()
    )


def test_things_begun_at_once_have_no_order() -> None:
    # Pairs that two people take at the same moment: whose was the older one does not matter.
    ready = np.repeat(np.arange(200.0), 2) + np.tile([0.0, 0.1], 200)
    waiting = _waiting(ready, np.ceil(ready + 1), kind=np.zeros(400, dtype=np.int64), due=None, classes={})
    assert estimate_order(waiting).rule == "fifo"


def test_the_same_choices_give_the_same_order() -> None:
    assert estimate_order(queue("lifo", lapses=0.4)) == estimate_order(queue("lifo", lapses=0.4))

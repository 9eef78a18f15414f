"""Batches and limits: told by when work was let go, and not where contention, calendars or delays explain it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from mkmine.calendars import Calendar
from mkmine.simulation.calibration.estimators.batching import Batching, Rule, estimate_batching, released
from mkmine.simulation.calibration.estimators.limits import admitted, estimate_limit
from mkmine.simulation.calibration.estimators.releases import Held, support

Floats = NDArray[np.float64]
HOUR = 3_600_000_000
# A Monday.
BEGIN = 1_736_121_600_000_000
ALWAYS = Calendar.always()


def arrivals(seed: int, *, n: int = 400, mean: float = 3.0) -> Floats:
    return np.asarray(np.cumsum(np.random.default_rng(seed).exponential(mean, n)))


def served(ready: Floats, let_go: Floats, hours: Floats, servers: int) -> Held:
    """People who are always there take work as it is let go, in its order; each is known to have been idle or not."""
    free, last_idle = np.zeros(servers), np.zeros(servers)
    start, idle = np.empty(len(ready)), np.empty(len(ready))
    for place in np.argsort(let_go, kind="stable"):
        who = int(np.argmin(free))
        start[place] = max(let_go[place], free[who])
        if start[place] > free[who] + 0.02:
            last_idle[who] = start[place]
        idle[place] = last_idle[who]
        free[who] = start[place] + hours[place]
    us = [np.asarray(BEGIN + one * HOUR, dtype=np.int64) for one in (ready, idle, start, start + hours)]
    return Held.of(us[0], us[1], us[2], us[3], ALWAYS)


def collected(rule: str, seed: int, *, size: int = 5, hours: float = 8.0) -> tuple[Floats, Floats]:
    """Arrivals, and when each is let go."""
    ready = arrivals(seed, n=1200 if rule == "week" else 400)
    if rule == "size":
        return ready, ready[np.minimum(np.arange(len(ready)) // size * size + size - 1, len(ready) - 1)]
    if rule == "week":
        # Thursdays at 14:00; the beginning is a Monday at midnight.
        opening = 3 * 24 + 14
        return ready, np.ceil((ready - opening) / 168) * 168 + opening
    out, until = np.empty(len(ready)), -1.0
    for place, moment in enumerate(ready):
        until = until if moment <= until else moment + hours
        out[place] = until
    return ready, out


def batching(rule: str, seed: int, *, size: int = 5, servers: int = 3) -> Batching | None:
    ready, let_go = collected(rule, seed, size=size)
    work = np.random.default_rng(seed + 1).exponential(2.0, len(ready))
    return estimate_batching(served(ready, let_go, work, servers), ALWAYS)


@pytest.mark.parametrize("size", [3, 5, 10])
@pytest.mark.parametrize("seed", range(3))
def test_sizes_are_recovered(size: int, seed: int) -> None:
    found = batching("size", seed, size=size)
    assert found is not None
    assert found.rule == Rule(size=size)
    assert found.held_out.holds
    assert found.held_out.foretold > 0.9


@pytest.mark.parametrize("seed", range(3))
def test_hours_and_days_are_recovered(seed: int) -> None:
    found = batching("hours", seed)
    assert found is not None
    assert found.rule.hours == pytest.approx(8, abs=0.1)
    assert found.rule.size is None
    found = batching("week", seed)
    assert found is not None
    assert [day for day, _ in found.rule.weekly] == ["Thu"]
    assert found.rule.weekly[0][1].startswith("14:0")


def test_no_batches_where_there_are_none() -> None:
    draw = np.random.default_rng(7)
    found = 0
    for seed in range(120):
        ready = arrivals(seed, n=300)
        kind = seed % 4
        delay = [np.zeros(300), draw.exponential(8, 300), np.full(300, 8.0), draw.gamma(0.5, 20, 300)][kind]
        held = served(ready, ready + delay, draw.exponential(5.0, 300), 2)
        found += estimate_batching(held, ALWAYS) is not None
        found += estimate_limit(held) is not None
    assert found <= 6, "at most one in twenty"


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_limits_are_recovered(limit: int) -> None:
    ready = arrivals(limit, n=500)
    work = np.random.default_rng(limit).exponential(2.4 * limit, 500)
    let_go, busy = np.empty(500), np.zeros(limit)
    for place, moment in enumerate(ready):
        who = int(np.argmin(busy))
        let_go[place] = max(moment, busy[who])
        busy[who] = let_go[place] + work[place]
    found = estimate_limit(served(ready, let_go, work, limit + 3))
    assert found is not None
    assert found.limit == limit


def test_contention_is_no_limit() -> None:
    for seed in range(10):
        ready = arrivals(seed)
        work = np.random.default_rng(seed).exponential(5.5, len(ready))
        held = served(ready, ready, work, 2)
        assert not held.back.any()
        assert estimate_limit(held) is None
        assert estimate_batching(held, ALWAYS) is None


def test_moments_of_release() -> None:
    ready = np.array([0.0, 1, 2, 3, 4, 30])
    held = served(ready, np.array([2.0, 2, 2, 30, 30, 30]), np.ones(6), 3)
    hours = (released(held, Rule(size=3), ALWAYS)[0] - BEGIN) / HOUR
    assert hours.tolist() == [2, 2, 2, 30, 30, 30]
    assert support(held, released(held, Rule(size=3), ALWAYS)[0]).consistent == 1
    let_in = (admitted(held, 1) - BEGIN) / HOUR
    assert let_in.tolist() == [0, 3, 3, 3, 31, 31]


def test_few_pieces_say_nothing() -> None:
    held = served(np.array([0.0]), np.array([5.0]), np.ones(1), 1)
    assert estimate_batching(held, ALWAYS) is None
    assert estimate_limit(held) is None

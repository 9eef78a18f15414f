"""Intervals from blocks of cases: they hold the truth as often as they say, also where cases share queues."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mkmine.eventlog import EventLog
from mkmine.performance.resamples import STRETCHES, Resamples


def cases(make_log: Callable[..., EventLog], number: int) -> EventLog:
    return make_log([(str(i), "A", i, i + 0.5, "x") for i in range(number)])


def test_every_resample_has_as_many_stretches(make_log: Callable[..., EventLog]) -> None:
    found = Resamples.of(cases(make_log, 100), seed=1)
    assert found.drawn.shape[1] == STRETCHES
    assert (found.drawn.sum(axis=1) == STRETCHES).all()
    # In the order in which cases begin, and of nearly equal size.
    assert (np.diff(found.stretch) >= 0).all()
    assert np.ptp(np.bincount(found.stretch)) <= 1


@pytest.mark.parametrize("memory", [0.0, 0.9])
def test_intervals_hold_the_mean_as_often_as_they_say(make_log: Callable[..., EventLog], memory: float) -> None:
    log = cases(make_log, 1_000)
    frame = Resamples.of(log, seed=1)
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(300):
        noise, values = rng.normal(size=1_100), np.zeros(1_100)
        for i in range(1, 1_100):
            values[i] = memory * values[i - 1] + noise[i]
        total, drawn = frame.sums(np.arange(1_000), values[100:, None])
        low, high = frame.interval(total, drawn)
        held += int(low[0] <= 0 <= high[0])
    assert 0.92 <= held / 300 <= 0.98


def test_shares_stay_between_0_and_1(make_log: Callable[..., EventLog]) -> None:
    log = cases(make_log, 200)
    frame = Resamples.of(log, seed=1)
    rare = np.zeros((200, 3))
    rare[7, 0] = rare[:, 1] = 1
    total, drawn = frame.sums(np.arange(200), rare)
    low, high = frame.share_interval(total / 200, drawn / 200)
    assert np.isnan(low[0]) or 0 < low[0] < 0.005 < high[0] < 1
    # Of what is always or never there no spread is known.
    assert np.isnan([low[1], high[1], low[2], high[2]]).all()


def test_one_case_has_no_interval(make_log: Callable[..., EventLog]) -> None:
    frame = Resamples.of(cases(make_log, 1), seed=1)
    total, drawn = frame.sums(np.zeros(1, dtype=np.int64), np.ones((1, 1)))
    assert np.isnan(frame.interval(total, drawn)[0][0])

"""Errors of cases that go along with each other: no larger than they are, and never smaller than independent ones."""

from __future__ import annotations

import numpy as np
import pytest

from mkmine.discovery.dependence import Batches
from mkmine.discovery.inference import exact_test, share_difference

RUNS = 300


def weeks(generator: np.random.Generator, *, spread: float) -> tuple[np.ndarray, np.ndarray]:
    """Whether each of 20 cases in each of 52 weeks has something: more in some weeks, and the week after."""
    level = np.convolve(generator.normal(0, spread, 53), [0.7, 0.7], mode="valid")
    share = 1 / (1 + np.exp(-(level - 0.5)))
    return np.arange(52 * 20), generator.random(52 * 20) < np.repeat(share, 20)


def alarms(spread: float, *, interleaved: bool) -> tuple[float, float]:
    """How often, at 5 %, two halves that nothing tells apart differ: by independent cases, and by batches."""
    plain = batched = 0
    for seed in range(RUNS):
        moment, has = weeks(np.random.default_rng(seed), spread=spread)
        second = moment % 2 == 1 if interleaved else moment >= len(moment) // 2
        batches = Batches.of(moment[~second], moment[second])
        one, other = np.flatnonzero(has[~second]), np.flatnonzero(has[second])
        *_, p = batches.shares([one], [other])
        plain += exact_test(len(one), int((~second).sum()), len(other), int(second.sum())) < 0.05
        batched += p[0] < 0.05
    return plain / RUNS, batched / RUNS


def test_two_periods_of_one_process_seldom_differ() -> None:
    plain, batched = alarms(0.8, interleaved=False)
    assert plain > 0.25
    assert batched < 0.1


def test_independent_cases_are_tested_as_before() -> None:
    plain, batched = alarms(0.0, interleaved=False)
    assert 0.02 < plain < 0.08
    assert 0.01 < batched <= plain


def test_what_both_groups_share_is_no_error() -> None:
    plain, batched = alarms(0.8, interleaved=True)
    assert plain < 0.06
    assert batched <= plain


@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_ranks_see_a_shift_beyond_the_weeks(shift: float) -> None:
    found = []
    for seed in range(60):
        generator = np.random.default_rng(seed)
        moment = np.arange(52 * 20)
        second = moment >= len(moment) // 2
        hours = np.exp(np.repeat(generator.normal(0, 0.5, 52), 20) + generator.normal(0, 1, 52 * 20) + shift * second)
        batches = Batches.of(moment[~second], moment[second])
        ranks = batches.ranks(np.arange(520), hours[~second], np.arange(520), hours[second])
        found.append(ranks.p < 0.05)
        assert (ranks.larger > 0.6) == (shift > 0) or shift == 0
    assert np.mean(found) <= 0.12 if shift == 0 else np.mean(found) > 0.95


def test_the_interval_holds_the_difference_and_is_not_narrower() -> None:
    moment, has = weeks(np.random.default_rng(1), spread=0.8)
    second = moment >= 500
    one, other = np.flatnonzero(has[~second]), np.flatnonzero(has[second])
    difference, low, high, _ = Batches.of(moment[~second], moment[second]).shares([one], [other])
    _, plain_low, plain_high = share_difference([len(one)], 500, [len(other)], int(second.sum()))
    assert low[0] <= plain_low[0] <= difference[0] <= plain_high[0] <= high[0]


def test_nobody_and_everybody() -> None:
    batches = Batches.of(np.arange(30), np.arange(30, 50))
    nobody, everybody = np.zeros(0, dtype=np.int64), np.arange(20)
    difference, _, _, p = batches.shares([nobody, np.arange(30)], [nobody, everybody])
    assert difference.tolist() == [0.0, 0.0]
    assert p.tolist() == [1.0, 1.0]
    assert np.isnan(batches.ranks(nobody, np.zeros(0), everybody, np.ones(20)).p)

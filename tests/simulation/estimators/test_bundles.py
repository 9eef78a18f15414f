"""Pieces that one person begins and ends together, and how their hours add up."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mkmine.eventlog import EventLog
from mkmine.simulation.calibration.estimators.bundles import find_bundles, split_hours


def test_bundles_are_found(make_log: Callable[..., EventLog]) -> None:
    draw = np.random.default_rng(1)
    rows = []
    for batch in range(30):
        hours = float(draw.uniform(1, 3))
        rows += [(f"{batch}-{n}", "Print", 5.0 * batch, 5.0 * batch + hours, "Ann") for n in range(1 + batch % 4)]
        rows += [(f"{batch}-0", "Sort", 5.0 * batch + 3, 5.0 * batch + 3.5, "Bob")]
    log = make_log(rows)
    found = find_bundles(log)
    assert [log.activities[code] for code in found.activities] == ["Print"]
    printed = log.activity == log.activities.index("Print")
    assert found.leads[printed].sum() == 30
    assert np.bincount(found.size[printed & found.leads]).tolist() == [0, 8, 8, 7, 7]
    apart = found.without(printed)
    assert apart.leads.all()
    assert found.earliest(np.arange(len(log)))[found.lead].tolist() == found.earliest(np.arange(len(log))).tolist()


def test_hands_that_do_several_things_are_no_bundle(make_log: Callable[..., EventLog]) -> None:
    # Begun together, but each takes its own time; or all as long as an hour, by the grain of the log.
    draw = np.random.default_rng(2)
    own = [
        (f"{b}-{n}", "Print", 9.0 * b, 9.0 * b + float(draw.uniform(1, 3)), "Ann") for b in range(30) for n in range(3)
    ]
    assert not find_bundles(make_log(own)).activities
    coarse = [(f"{b}-{n}", "Print", 9.0 * b, 9.0 * b + 1, "Ann") for b in range(30) for n in range(3)]
    assert not find_bundles(make_log(coarse)).activities


@pytest.mark.parametrize("addition", [0.0, 0.3, 1.0])
def test_how_hours_add_up(addition: float) -> None:
    draw = np.random.default_rng(3)
    size = draw.integers(1, 7, 1_500)
    pieces = [draw.lognormal(np.log(2) - 0.125, 0.5, n) for n in size]
    hours = np.array([one.max() + addition * (one.sum() - one.max()) for one in pieces])
    alone, found, known = split_hours(hours, size)
    assert known
    assert found == pytest.approx(addition, abs=0.11)
    assert alone.mean() == pytest.approx(2, rel=0.08)


def test_one_size_does_not_tell() -> None:
    hours = np.random.default_rng(4).lognormal(1, 0.4, 100)
    alone, addition, known = split_hours(hours, np.full(100, 5))
    assert not known
    assert addition == 0
    assert 0 < alone.mean() < hours.mean()

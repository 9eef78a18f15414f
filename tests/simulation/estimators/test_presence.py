from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mkmine.discovery.pools import find_pools
from mkmine.eventlog import EventLog
from mkmine.performance.availability import estimate_presence
from mkmine.simulation.calibration.estimators.presence import presence_errors


def worked(make_log: Callable[..., EventLog], chances: list[float], weeks: int) -> EventLog:
    """Somebody who is there in each hour of a working day with a chance of its own."""
    rng = np.random.default_rng(3)
    rows = []
    for day in (7 * week + day for week in range(weeks) for day in range(5)):
        for hour in np.flatnonzero(rng.random(len(chances)) < chances).tolist():
            rows.append((f"{day}-{hour}", "A", 24.0 * day + hour, 24.0 * day + hour + 0.9, "Ann"))
    return make_log(rows)


def errors(log: EventLog) -> list[float]:
    found = presence_errors(log, estimate_presence(log, find_pools(log)))
    return [one.error for one in found.values()]


def test_who_is_always_there_is_known(make_log: Callable[..., EventLog]) -> None:
    assert max(errors(worked(make_log, [1.0] * 8, 20)), default=0.0) < 0.01


def test_who_comes_now_and_then_is_known_the_better_the_longer_they_were_seen(
    make_log: Callable[..., EventLog],
) -> None:
    chances = np.linspace(0.9, 0.05, 12).tolist()
    (short,), (long,) = errors(worked(make_log, chances, 10)), errors(worked(make_log, chances, 100))
    assert short > 0.02
    assert long < 0.8 * short


def test_a_few_weeks_tell_nothing(make_log: Callable[..., EventLog]) -> None:
    assert errors(worked(make_log, [0.5] * 8, 4)) == []

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mkmine.eventlog import EventLog
from mkmine.simulation.calibration.estimators.paces import Pace, estimate_paces


def paced(
    make_log: Callable[..., EventLog], paces: dict[str, float], each: int, seed: int
) -> tuple[EventLog, dict[int, Pace]]:
    rng = np.random.default_rng(seed)
    rows = [
        (f"{who}{n}", "A", 10.0 * n, 10.0 * n + pace * rng.gamma(4, 0.25), who)
        for who, pace in paces.items()
        for n in range(each)
    ]
    log = make_log(rows)
    hours = (log.end - log.start) / 3.6e9
    return log, estimate_paces(log, hours, np.ones(len(log), dtype=np.bool_))


def worked(make_log: Callable[..., EventLog], paces: dict[str, float], each: int, seed: int) -> dict[str, float]:
    log, found = paced(make_log, paces, each, seed)
    return {log.resources[person]: pace.value for person, pace in found.items() if pace.value != 1}


def test_who_is_slower_is_found(make_log: Callable[..., EventLog]) -> None:
    found = worked(make_log, {"Ann": 0.5, "Bob": 1.0, "Cat": 1.5}, 80, seed=1)
    assert set(found) == {"Ann", "Cat"}
    assert found["Ann"] == pytest.approx(0.5, abs=0.12)
    assert found["Cat"] == pytest.approx(1.5, abs=0.15)


def test_chance_is_no_pace(make_log: Callable[..., EventLog]) -> None:
    people = dict.fromkeys(("Ann", "Bob", "Cat", "Dan", "Eve"), 1.0)
    assert sum(bool(worked(make_log, people, 12, seed)) for seed in range(20)) <= 3


def test_who_was_hardly_seen_has_everybodys(make_log: Callable[..., EventLog]) -> None:
    assert worked(make_log, {"Ann": 0.3, "Bob": 1.0}, 4, seed=2) == {}


def test_errors_hold_the_true_paces(make_log: Callable[..., EventLog]) -> None:
    rng = np.random.default_rng(5)
    held = []
    for seed in range(30):
        true = dict(zip("ABCDEF", np.exp(rng.normal(0, 0.25, 6)).tolist(), strict=True))
        log, found = paced(make_log, true, 25, seed)
        usual = np.mean(list(true.values()))
        held += [
            abs(true[log.resources[n]] / usual - pace.value) < 2 * pace.error * pace.value for n, pace in found.items()
        ]
    assert np.mean(held) > 0.88

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from mkmine.calendars import DAY, Calendar
from mkmine.errors import DataError
from mkmine.eventlog import EventLog
from mkmine.simulation.calibration.estimators.arrivals import estimate_arrivals
from mkmine.simulation.model.special_days import days_of_kind

Make = Callable[..., EventLog]
ALWAYS = Calendar.always("UTC")


def coming(make_log: Make, times: np.ndarray, length: float = 0.5) -> EventLog:
    return make_log([(str(n), "A", at, at + length, "x") for n, at in enumerate(times.tolist())])


def test_clockwork_in_working_hours(make_log: Make) -> None:
    days = [day for day in range(70) if day % 7 < 5]
    log = coming(make_log, np.array([24 * day + 9 + half / 2 for day in days for half in range(16)]))
    found = estimate_arrivals(log, log.start, ALWAYS)
    assert found.gap_cv < 0.05
    assert found.per_week == pytest.approx(80, rel=0.01)
    assert found.weekly[0][9:17] == pytest.approx([2.0] * 8, rel=0.02)
    assert np.sum(found.weekly[5:]) == 0
    assert found.seasons == []


def test_chance_and_bursts(make_log: Make) -> None:
    rng = np.random.default_rng(1)
    poisson = coming(make_log, np.cumsum(rng.exponential(1, 2_000)))
    assert estimate_arrivals(poisson, poisson.start, ALWAYS).gap_cv == 1
    bursts = coming(make_log, np.cumsum(rng.gamma(1 / 4, 4, 2_000)))
    assert estimate_arrivals(bursts, bursts.start, ALWAYS).gap_cv == pytest.approx(2, rel=0.2)


def test_the_level_is_that_of_now_and_months_keep_theirs(make_log: Make) -> None:
    rng = np.random.default_rng(2)
    times = np.cumsum(rng.exponential(np.repeat([0.5, 2.0], [2_400, 800])))
    log = coming(make_log, times)
    found = estimate_arrivals(log, log.start, ALWAYS)
    assert found.per_week == pytest.approx(84, rel=0.25)
    assert found.seasons[0].factor > 2.5
    assert found.seasons[-1].factor == pytest.approx(1, abs=0.3)


def test_cases_that_had_not_finished_are_not_lost(make_log: Make) -> None:
    rng = np.random.default_rng(3)
    begin = np.cumsum(rng.exponential(0.5, 3_000))
    length = rng.exponential(150, 3_000)
    span = float(begin[-1])
    seen = begin + length <= span
    log = make_log(
        [
            (f"{n:04}", "A", at, at + took, "x")
            for n, (at, took) in enumerate(zip(begin[seen], length[seen], strict=True))
        ]
    )
    assert seen.mean() < 0.93
    found = estimate_arrivals(log, log.start, ALWAYS)
    assert found.per_week == pytest.approx(336, rel=0.06)


def test_a_weekday_that_the_log_covers_less_often_loses_nothing(make_log: Make) -> None:
    # Two Mondays and Tuesdays, one of each other day.
    log = coming(make_log, np.arange(0, 9 * 24, 0.25) + 0.01)
    found = estimate_arrivals(log, log.start, ALWAYS)
    assert [sum(row) for row in found.weekly] == pytest.approx([96.0] * 7, rel=0.03)


def test_nobody_comes(make_log: Make) -> None:
    log = coming(make_log, np.arange(30.0))
    late = replace(log, observed=(log.observed[1] + DAY, log.observed[1] + 9 * DAY))
    with pytest.raises(DataError, match="no case begins in the time"):
        estimate_arrivals(late, late.start, ALWAYS)


def _by_day(make_log: Make, seed: int, factor: float) -> EventLog:
    """Ten months from January 2025 with 4 cases a working day, `factor` times as many at the end of a month."""
    days = np.array([date(2025, 1, 6) + timedelta(days=n) for n in range(300)])
    usual = np.array([4.0 if day.weekday() < 5 else 0.0 for day in days])
    counts = np.random.default_rng(seed).poisson(usual * np.where(days_of_kind("month_end", days, None), factor, 1.0))
    times = np.concatenate([24.0 * n + 9 + np.arange(count) / 8 for n, count in enumerate(counts)])
    return coming(make_log, times)


def test_days_of_the_month_that_differ_are_found(make_log: Make) -> None:
    log = _by_day(make_log, 1, 3.0)
    found = estimate_arrivals(log, log.start, ALWAYS)
    assert [one.kind for one in found.days] == ["month_end"]
    assert found.days[0].factor == pytest.approx(3, rel=0.35)
    assert found.days[0].observed > 80
    assert found.per_week == pytest.approx(20, rel=0.1), "the ordinary days are what is left"


def test_ordinary_days_are_not_special(make_log: Make) -> None:
    logs = [_by_day(make_log, seed, 1.0) for seed in range(30)]
    assert sum(bool(estimate_arrivals(log, log.start, ALWAYS).days) for log in logs) <= 2

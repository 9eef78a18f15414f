from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from mkmine.errors import DataError
from mkmine.eventlog import EventLog
from mkmine.performance.forecast import _at_least, _drawn, forecast
from mkmine.streams import Streams


def log_of(weeks: list[int], *, first: str = "2025-01-06") -> EventLog:
    """Return a log of whole weeks with so many completions each; the observation ends with the last Sunday."""
    rows = []
    for week, number in enumerate(weeks):
        monday = pd.Timestamp(first, tz="UTC") + pd.Timedelta(weeks=week)
        for one in range(number):
            begin = monday + pd.Timedelta(hours=9 + 150 * one / max(number, 1))
            rows.append((f"{week}-{one}", "A", begin, begin + pd.Timedelta(hours=1)))
    frame = pd.DataFrame(rows, columns=["case", "activity", "start", "end"])
    begin = pd.Timestamp(first, tz="UTC").value // 1000
    end = begin + len(weeks) * 7 * 86_400_000_000
    return EventLog.from_pandas(frame, start="start", observed=(begin, end))


def test_steady_weeks_leave_no_doubt() -> None:
    found = forecast(log_of([5] * 20), items=12, weeks=3)
    assert found.start == date(2025, 5, 26)
    assert found.table[["p50", "p95"]].to_numpy().tolist() == [[5, 5], [10, 10], [15, 15]]
    assert found.when["weeks"].tolist() == [3.0] * 4
    assert found.when["until"][0] == pd.Timestamp("2025-06-15")
    assert found.backtest["kept"].tolist() == [1.0] * 4


def test_surer_is_less_and_later() -> None:
    weeks = np.random.default_rng(3).poisson(8, 40).tolist()
    found = forecast(log_of(weeks), items=60, weeks=8)
    for row in found.table.itertuples():
        assert row.p50 >= row.p70 >= row.p85 >= row.p95
    assert found.when["weeks"].is_monotonic_increasing


def test_of_few_weeks_the_forecast_is_wide() -> None:
    alike = [10, 20, 30, 20, 10, 30]
    few, many = (forecast(log_of(alike * n), weeks=8, history=6 * n).table.iloc[-1] for n in (1, 8))
    assert few["p50"] - few["p95"] > 1.15 * (many["p50"] - many["p95"])


def test_forecasts_of_steady_processes_come_true_as_often_as_they_say() -> None:
    """400 Poisson processes, each forecast from half a year: 85 % of the forecasts with 85 %, and so on."""
    rng, futures = np.random.default_rng(11), 1_000
    kept = np.zeros(3)
    for run in range(400):
        weeks = rng.poisson(4, 30)
        drawn = np.cumsum(_drawn(weeks[:26], 4, Streams(run), futures=futures), axis=1)
        kept += [weeks[26:].sum() >= _at_least(drawn, share)[-1] for share in (0.5, 0.85, 0.95)]
    # "At least" of whole numbers is kept a little more often than stated.
    for share, stated in zip(kept / 400, (0.5, 0.85, 0.95), strict=True):
        assert stated - 3 * np.sqrt(stated * (1 - stated) / 400) <= share <= stated + 0.12


def test_a_rising_pace_is_told() -> None:
    found = forecast(log_of(list(range(2, 42))), weeks=4)
    assert any("rather too low" in note for note in found.notes)


def test_never_is_told() -> None:
    found = forecast(log_of([2, 0, 3, 0, 2, 0, 3, 1]), items=1_000_000)
    assert found.when["until"].isna().all()
    assert "not within ten years" in repr(found)
    assert found.to_dict()["when"][0]["until"] is None


def test_one_seed_one_forecast() -> None:
    log = log_of(np.random.default_rng(1).poisson(8, 30).tolist())
    one, same, other = (forecast(log, items=50, seed=seed) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(one.table, same.table)
    assert not one.table.equals(other.table)


@pytest.mark.parametrize(
    ("weeks", "arguments", "told"),
    [
        ([5] * 5, {}, "at least 6 weeks"),
        ([0, 0, 1, 0, 0, 0, 1, 0], {}, "10 completions"),
        ([5] * 20, {"items": 0}, "items=0"),
        ([5] * 20, {"weeks": 1000}, "520"),
        ([5] * 20, {"history": 2.5}, "history=2.5"),
    ],
)
def test_what_cannot_be_forecast(weeks: list[int], arguments: dict[str, int], told: str) -> None:
    with pytest.raises(DataError, match=told):
        forecast(log_of(weeks), **arguments)

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mkmine.calendars import DAY
from mkmine.errors import DataError
from mkmine.eventlog import EventLog
from mkmine.simulation import Validation, backtest, simulate

from .test_calibration import busy_article


@pytest.fixture(scope="module")
def log() -> EventLog:
    return simulate(busy_article(), weeks=40, seed=5)


@pytest.fixture(scope="module")
def found(log: EventLog) -> Validation:
    return backtest(log, replications=10)


def test_a_world_that_goes_on_as_before_is_predicted(found: Validation) -> None:
    assert found.grade in ("good", "fair"), found
    table = found.table.set_index("kpi")
    assert found.cuts == 4
    assert found.by_cut["cut"].is_monotonic_increasing
    assert abs(table.loc["throughput_per_week", "error"]) < 0.25
    assert abs(table.loc["processing_per_case_h", "error"]) < 0.25


def test_a_world_that_changed_is_not(log: EventLog) -> None:
    """After the cut, everything takes five times as long: no model of the past can know."""
    cut = int(np.quantile(log.end, 0.75))
    slow = log.start > cut
    stretched = np.where(slow, log.start + 5 * (log.end - log.start) + 20 * DAY, log.end)
    changed = replace(log, end=stretched, observed=(log.observed[0], int(stretched.max())))
    found = backtest(changed, replications=5)
    assert found.grade == "poor"
    assert found.reasons
    assert "do not decide on these answers" in found.warning


def test_the_table(found: Validation, log: EventLog) -> None:
    table = found.table
    assert list(table["kpi"])[:3] == ["cycle_mean_h", "cycle_median_h", "cycle_p85_h"]
    assert (table["low"] <= table["high"]).all()
    assert (table["inside"] == ((table["low"] <= table["actual"]) & (table["actual"] <= table["high"]))).all()
    assert np.allclose(table["error"], table["predicted"] / table["actual"] - 1)
    assert found.cut == pd.Timestamp(int(np.quantile(log.end, 0.5)), unit="us", tz="UTC").tz_convert(
        log.time_zone
    ).strftime("%Y-%m-%d")


def test_the_same_log_and_seed_give_the_same_backtest(log: EventLog, found: Validation) -> None:
    pd.testing.assert_frame_equal(backtest(log, replications=10).table, found.table)


def test_it_shows_itself(found: Validation) -> None:
    assert repr(found).startswith(f"Backtest: {found.grade} (trained before {found.cut}")
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["grade"] == found.grade
    assert found.grade in found._repr_html_()
    assert len(found.to_pandas()) == len(found.table)
    assert (found.warning == "") == (found.grade == "good")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"train": 0.1}, "between 0.3 and 0.95"),
        ({"train": float("nan")}, "between 0.3 and 0.95"),
        ({"replications": 1}, "at least 5"),
        ({"seed": -1}, "seed -1"),
        ({"cuts": 0}, "between 1 and 50"),
        ({"cuts": 2.5}, "whole number"),
    ],
)
def test_parameters_out_of_range_are_refused(log: EventLog, options: dict[str, float], message: str) -> None:
    with pytest.raises(DataError, match=message):
        backtest(log, **options)  # type: ignore[arg-type]


def test_too_few_cases_on_either_side(log: EventLog) -> None:
    few = log.keep_cases(np.arange(log.n_cases) < 24, action="filter", detail="few")
    with pytest.raises(DataError, match=r"train on (more|less)"):
        backtest(few, train=0.6)
    tail = log.keep_cases(np.arange(log.n_cases) < 60, action="filter", detail="few")
    with pytest.raises(DataError, match="train on less"):
        backtest(tail, train=0.95)

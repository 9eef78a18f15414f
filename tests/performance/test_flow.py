from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mkmine.calendars import Calendar
from mkmine.catalogue.samples import ArticleSample, make_article
from mkmine.eventlog import EventLog
from mkmine.performance.flow import FlowMetrics, flow

ALWAYS = Calendar.always()


@pytest.fixture(scope="module")
def made() -> ArticleSample:
    return make_article()


@pytest.fixture(scope="module")
def found(made: ArticleSample) -> FlowMetrics:
    return flow(made.observed)


def test_stages_count_cases_that_are_so_far_or_further(make_log: Callable[..., EventLog]) -> None:
    # The third case leaves B out: having reached C it has passed B.
    log = make_log(
        [
            *(("1", "A", 0, 1, "x"), ("1", "B", 25, 26, "x"), ("1", "A", 30, 31, "x"), ("1", "C", 50, 51, "x")),
            *(("2", "A", 1, 2, "x"), ("2", "B", 26, 27, "x")),
            *(("3", "A", 2, 3, "x"), ("3", "C", 49, 50, "x")),
        ]
    )
    stages = flow(log, calendar=ALWAYS).stages
    assert stages["A"].tolist() == [3, 3, 3]
    assert stages["B"].tolist() == [0, 2, 3]
    assert stages["C"].tolist() == [0, 0, 2]


def test_stages_never_cross_and_never_fall(found: FlowMetrics) -> None:
    counts = found.stages.drop(columns="day").to_numpy()
    assert (np.diff(counts, axis=0) >= 0).all()
    assert (np.diff(counts, axis=1) <= 0).all()


def test_daily_and_weekly_tell_the_same(found: FlowMetrics, made: ArticleSample) -> None:
    assert found.daily["net"].sum() == found.weekly["net"].sum() == found.daily["wip"].iloc[-1]
    assert found.daily["wip"].iloc[-1] == (~made.observed.completed & ~made.observed.cancelled).sum()
    assert found.daily["completions"].sum() == len(found.cases)
    # The observation: from 1 July 2024, a Monday, to the end of 2025.
    whole = found.weekly.loc[found.weekly["whole"], "week"]
    assert [whole.iloc[0], whole.iloc[-1], len(whole)] == [pd.Timestamp("2024-07-01"), pd.Timestamp("2025-12-22"), 78]


def test_percentiles_without_open_cases_are_those_of_the_sample(made: ArticleSample) -> None:
    log = made.observed
    closed = log.keep_cases(log.completed, action="test")
    found = flow(closed)
    hours = np.sort(found.cases["cycle_h"])
    for row in found.percentiles.itertuples():
        assert row.cycle_h == hours[int(np.ceil(row.share * len(hours))) - 1]
        assert row.low_h <= row.cycle_h <= row.high_h


def test_intervals_of_percentiles_cover() -> None:
    """Of 400 samples of 150 exponential times, a third of them censored, 95 % of the intervals hold the median."""
    from mkmine.performance.flow import _percentiles

    rng, held = np.random.default_rng(5), 0
    for _ in range(400):
        times, cut = rng.exponential(10, 150), rng.uniform(0, 30, 150)
        table = _percentiles(np.minimum(times, cut), np.minimum(times, cut), times <= cut)
        held += table["low_h"][0] <= 10 * np.log(2) <= table["high_h"][0]
    # Between the 0.1 % quantiles of a binomial of 400 and 0.95.
    assert 366 <= held <= 393


def test_ages_of_open_cases(make_log: Callable[..., EventLog]) -> None:
    rows: list[tuple[object, ...]] = [(str(n), "A", 0, n, "x") for n in range(1, 11)]
    log = make_log([*rows, ("old", "A", 0, 20, "y", True), ("new", "A", 16, 20, "y", True)])
    log = replace(log, completed=~np.isin(log.case_ids, ["old", "new"]))
    ages = flow(log, calendar=ALWAYS).ageing.set_index("case")
    assert ages.index.tolist() == ["old", "new"]
    assert ages.loc["old", "age_h"] == 20
    assert ages.loc["old", "older_than"] == 1
    assert np.isnan(ages.loc["old", "left_h"])
    assert ages.loc["new", "age_h"] == 4
    # Of the ten completed and the two open cases, those that got to 4 h.
    assert ages.loc["new", "older_than"] == 0.3
    assert ages.loc["new", "left_h"] > 0


def test_plain_values_and_words(found: FlowMetrics) -> None:
    plain = found.to_dict()
    assert len(plain["cases"]) == len(found.cases)
    assert pd.Timestamp(plain["cases"][0]["finished"]) == found.cases["finished"][0]
    assert "a week" in repr(found)
    assert "<table" in found._repr_html_()

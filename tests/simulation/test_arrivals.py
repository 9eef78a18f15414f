from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mkmine.calendars import DAY, HOUR, from_us
from mkmine.errors import DataError
from mkmine.simulation import Scenario, SimulationModel, simulate
from mkmine.simulation.model.arrivals import arrival_times, arrivals_from, midnight
from mkmine.streams import Streams

from .conftest import article_values


def local(model: SimulationModel, times: np.ndarray) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(times.astype("datetime64[us]")).tz_localize("UTC").tz_convert(model.time_zone)


def test_a_constant_rate_is_a_poisson_process(queue: Any) -> None:
    model = queue(rate=2, servers=1, service={"kind": "fixed", "hours": 1})
    times = arrival_times(model, Streams(7), weeks=52)
    gaps = np.diff(times) / HOUR
    assert stats.kstest(gaps, stats.expon(scale=0.5).cdf).pvalue > 1e-3
    # 17,472 expected arrivals: within four standard deviations.
    assert abs(len(times) - 2 * 168 * 52) < 4 * np.sqrt(2 * 168 * 52)


def test_the_weekly_pattern_and_the_holidays_are_kept(article: SimulationModel) -> None:
    hours = local(article, arrival_times(article, Streams(7), weeks=200))
    assert set(hours.day_of_week) == {0, 1, 2, 3, 4}
    assert set(hours.hour) == set(range(9, 17))
    assert not (hours.normalize() == pd.Timestamp("2025-05-09", tz=article.time_zone)).any()
    counts = np.bincount(hours.hour, minlength=24)[9:17]
    assert stats.chisquare(counts).pvalue > 1e-3


def test_seasons_and_their_products(values: dict[str, Any]) -> None:
    values["arrivals"] |= {"weekly": [[10.0] * 24] * 7, "holidays": None}
    values["arrivals"]["seasons"] = [
        {"first": "2025-02-01", "last": "2025-02-28", "factor": 2},
        {"first": "2025-02-10", "last": "2025-02-16", "factor": 0},
    ]
    model = SimulationModel.from_dict(values)
    per_day = pd.Series(1, local(model, arrival_times(model, Streams(7), weeks=12))).resample("D").count()
    assert per_day["2025-02-01":"2025-02-09"].mean() == pytest.approx(480, rel=0.1)
    assert per_day["2025-02-10":"2025-02-16"].sum() == 0
    assert per_day["2025-03-01":"2025-03-31"].mean() == pytest.approx(240, rel=0.1)


@pytest.mark.parametrize(
    ("time_zone", "day"),
    [
        ("Europe/Berlin", date(2025, 3, 30)),
        ("Europe/Berlin", date(2025, 10, 26)),
        ("America/Sao_Paulo", date(2017, 10, 15)),
    ],
)
def test_hours_are_those_of_the_wall_when_the_clock_changes(values: dict[str, Any], time_zone: str, day: date) -> None:
    rows = [[0.0] * 24 for _ in range(7)]
    for weekday in range(7):
        rows[weekday][9], rows[weekday][23] = 50.0, 50.0
    values |= {"time_zone": time_zone, "start": str(date.fromordinal(day.toordinal() - 5))}
    values["arrivals"] = {"weekly": rows}
    model = SimulationModel.from_dict(values)
    hours = local(model, arrival_times(model, Streams(7), weeks=2))
    assert set(hours.hour) == {9, 23}
    assert set(hours[hours.date == day].hour) == {9, 23}


def test_other_intensities_move_the_same_arrivals(article: SimulationModel) -> None:
    more = Scenario("more").arrivals(factor=2).apply(article)
    base, twice = (arrival_times(one, Streams(7), cases=100) for one in (article, more))
    assert (twice <= base).all()
    # The n-th arrival stands at the same cumulated intensity: half-way in weeks of work.
    assert (twice[-1] - base[0]) < 0.65 * (base[-1] - base[0])


def test_prefixes(article: SimulationModel) -> None:
    assert np.array_equal(
        arrival_times(article, Streams(7), cases=50), arrival_times(article, Streams(7), cases=80)[:50]
    )
    short, long = (arrival_times(article, Streams(7), weeks=weeks) for weeks in (10, 20))
    assert np.array_equal(short, long[: len(short)])
    assert (np.diff(long) >= 0).all()
    assert long[0] >= midnight(article.start, article.time_zone)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cases": 0}, "give at least 1 case"),
        ({"weeks": 0}, "between 0 and"),
        ({"weeks": 1e6}, "between 0 and"),
        ({"cases": 1, "weeks": 1}, "both cases and weeks"),
        ({"cases": 10**6}, "take over 50 years to arrive; raise the arrivals"),
    ],
)
def test_mistakes_are_explained(article: SimulationModel, options: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        arrival_times(article, Streams(7), **options)


def test_no_arrivals_at_all(values: dict[str, Any]) -> None:
    values["arrivals"] = {"weekly": [[0.0] * 24] * 7}
    model = SimulationModel.from_dict(values)
    assert len(arrival_times(model, Streams(7), weeks=5)) == 0
    with pytest.raises(DataError, match="over 50 years"):
        arrival_times(model, Streams(7), cases=1)


def changed(article: SimulationModel, **arrivals: Any) -> SimulationModel:
    return SimulationModel.from_dict(article.to_dict() | {"arrivals": article.to_dict()["arrivals"] | arrivals})


def test_a_trend_grows_by_its_share_a_year(article: SimulationModel) -> None:
    growing = changed(article, trend=0.5)
    counts = [len(arrival_times(growing, Streams(seed), weeks=104)) for seed in range(40)]
    level = [len(arrival_times(article, Streams(seed), weeks=104)) for seed in range(40)]
    # The mean of 1.5 ** t over two years is (1.5 ** 2 - 1) / (2 ln 1.5).
    assert np.sum(counts) / np.sum(level) == pytest.approx((1.5**2 - 1) / (2 * np.log(1.5)), rel=0.01)
    late = arrival_times(growing, Streams(1), weeks=104)
    assert np.median(late) > np.median(arrival_times(article, Streams(1), weeks=104))


def test_several_cases_come_at_once(article: SimulationModel) -> None:
    together = changed(article, sizes={1: 0.5, 4: 0.5})
    assert together.arrivals.per_week == pytest.approx(2.5 * article.arrivals.per_week)
    times = arrival_times(together, Streams(3), cases=1_001)
    assert len(times) == 1_001
    moments, sizes = np.unique(times, return_counts=True)
    assert set(sizes[:-1].tolist()) == {1, 4}
    assert sizes[:-1].mean() == pytest.approx(2.5, abs=0.25)
    assert np.array_equal(moments, arrival_times(article, Streams(3), cases=len(moments)))
    weeks = arrival_times(together, Streams(3), weeks=52)
    assert len(weeks) == pytest.approx(2.5 * len(arrival_times(article, Streams(3), weeks=52)), rel=0.2)
    assert SimulationModel.from_dict(together.to_dict()) == together


def test_given_times(article: SimulationModel) -> None:
    given = changed(article, times=["2025-02-03T10:00:00", "2025-02-01T09:30:00", "2025-06-01T00:00:00+00:00"])
    times = arrival_times(given, Streams(1))
    assert [from_us(int(one), "UTC").isoformat() for one in times] == [
        "2025-02-01T06:30:00+00:00",
        "2025-02-03T07:00:00+00:00",
        "2025-06-01T00:00:00+00:00",
    ]
    assert np.array_equal(arrival_times(given, Streams(1), weeks=4), times[:2])
    assert np.array_equal(arrival_times(given, Streams(1), cases=1), times[:1])
    with pytest.raises(DataError, match="3 times are given, but 4 cases are asked for"):
        arrival_times(given, Streams(1), cases=4)


def test_sizes_add_up(article: SimulationModel) -> None:
    with pytest.raises(DataError, match=r"sizes: the probabilities add up to 0\.9"):
        changed(article, sizes={1: 0.5, 2: 0.4})


def test_case_types_may_come_at_hours_of_their_own(values: dict[str, Any]) -> None:
    night = {"Mon-Sun": {"22:00-02:00": 1}}
    values["case_types"] = {"Night": {"share": 0.25, "weekly": night}, "Day": {"share": 0.75}}
    del values["arrivals"]["holidays"]
    model = SimulationModel.from_dict(values)
    log = simulate(model, weeks=300)
    begins = local(model, np.minimum.reduceat(log.enabled, log.offsets[:-1]))
    nightly = (log.case_attributes["type"] == "Night").to_numpy()
    assert set(begins.hour[nightly]) == {22, 23, 0, 1}
    assert set(begins.hour[~nightly]) == set(range(9, 17))
    # The week's number of cases stays, and the shares: 6 a week, a quarter of them by night.
    assert len(begins) / 300 == pytest.approx(6, abs=4 * np.sqrt(6 / 300))
    assert nightly.mean() == pytest.approx(0.25, abs=0.03)
    assert stats.chisquare(np.bincount(begins.hour[nightly], minlength=24)[[22, 23, 0, 1]]).pvalue > 1e-3
    assert SimulationModel.from_dict(model.to_dict()) == model
    assert log.to_pandas().equals(simulate(model, weeks=300, engine="kernel").to_pandas())


def test_a_type_that_comes_at_hours_of_its_own_leaves_the_others_types_as_they_were(values: dict[str, Any]) -> None:
    values["case_types"] = {"A": {"share": 0.25}, "B": {"share": 0.75}}
    plain = simulate(SimulationModel.from_dict(values), weeks=50).case_attributes["type"]
    values["case_types"]["A"]["weekly"] = values["arrivals"]["weekly"]
    same = simulate(SimulationModel.from_dict(values), weeks=50).case_attributes["type"]
    assert (plain == same).all()


def test_a_type_that_never_comes_is_refused(values: dict[str, Any]) -> None:
    values["case_types"] = {"A": {"share": 1, "weekly": [[0] * 24] * 7}}
    with pytest.raises(DataError, match="case_types: A: weekly: cases of this type never come"):
        SimulationModel.from_dict(values)


@pytest.mark.parametrize("variation", [0.0, 0.5, 1.0, 1.5])
def test_gaps_vary_as_asked(variation: float) -> None:
    values = article_values()
    values["arrivals"] = {"weekly": [[1.0] * 24] * 7, "gap_cv": variation}
    model = SimulationModel.from_dict(values)
    gaps = np.diff(arrival_times(model, Streams(3), cases=4000)) / HOUR
    assert gaps.mean() == pytest.approx(1, rel=0.08)
    assert gaps.std() / gaps.mean() == pytest.approx(variation, abs=0.05 + 0.03 * variation)
    assert len(arrival_times(model, Streams(3), weeks=4)) == pytest.approx(672, abs=1 + 4 * variation * 26)


def test_arrivals_go_on_from_a_known_first_one() -> None:
    values = article_values()
    values["arrivals"] = {"weekly": [[0.0] * 9 + [2.0] * 8 + [0.0] * 7] * 5 + [[0.0] * 24] * 2, "gap_cv": 0}
    model = SimulationModel.from_dict(values)
    first = midnight(model.start, model.time_zone) + 30 * DAY + 10 * HOUR
    found = arrivals_from(model, Streams(1), first, 100)
    assert found[0] == first
    assert len(found) == 100
    by_hand = first + np.arange(5) * (HOUR // 2)
    np.testing.assert_array_equal(found[:5], by_hand)
    with pytest.raises(DataError, match="over 50 years"):
        arrivals_from(model, Streams(1), first, 5_000_000)


def test_more_cases_than_fit_are_refused(values: dict[str, Any]) -> None:
    values["arrivals"] = {"weekly": {"Mon-Fri": {"09:00-18:00": 90_000}}}
    model = SimulationModel.from_dict(values)
    with pytest.raises(DataError, match=r"arrivals: about .* cases would come"):
        arrival_times(model, Streams(7), weeks=52)
    with pytest.raises(DataError, match="about 30,000,000 cases"):
        arrival_times(model, Streams(7), cases=30_000_000)

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkmine.calendars import DAY, HOUR
from mkmine.errors import DataError, UnknownNameError
from mkmine.eventlog import EventLog
from mkmine.eventlog.summaries import Flow, Load, flow, open_cases, running_instances
from mkmine.eventlog.summaries.load import _Days
from tests.eventlog.summaries.samples import START, Event, events, log_of

ORIGIN = START.value // 1000
spans = st.lists(st.tuples(st.integers(0, 100), st.integers(0, 60)), min_size=1, max_size=12)


@given(spans=spans)
def test_the_step_function_counts_what_is_open(spans: list[tuple[int, int]]) -> None:
    begins = np.array([ORIGIN + a * HOUR for a, _ in spans])
    ends = np.array([ORIGIN + (a + b) * HOUR for a, b in spans])
    load = Load.of(begins, ends)
    grid = ORIGIN + np.arange(-2, 170) * HOUR // 2
    expected = [sum(a <= moment < b for a, b in zip(begins, ends, strict=True)) for moment in grid]
    assert load.at(grid).tolist() == expected
    assert load.peak[0] == max([*expected, *load.at(load.moments)])
    total = sum(b for _, b in spans)
    assert load.mean(ORIGIN, ORIGIN + 200 * HOUR) == pytest.approx(total / 200)
    days = load.per_day(time_zone="UTC")
    if total:
        assert days["mean"].sum() * 24 == pytest.approx(total)
        assert days["most"].max() == load.peak[0]
        assert days["at_end"].iloc[-1] == 0


@given(drawn=events, zone=st.sampled_from(["UTC", "Europe/Moscow", "Europe/Berlin", "Asia/Kathmandu"]))
def test_the_flow_of_days_is_that_of_the_step_functions(drawn: list[Event], zone: str) -> None:
    log = log_of(drawn, open_cases=True, time_zone=zone)
    table = flow(log).to_pandas()
    cases, instances = open_cases(log), running_instances(log)
    for row in table.itertuples():
        first = pd.Timestamp(row.period, tz=zone)
        after = pd.Timestamp((row.period + pd.Timedelta(days=1)).date(), tz=zone)
        begin, end = first.value // 1000, after.value // 1000
        assert row.open_mean == pytest.approx(cases.mean(begin, end), abs=1e-9)
        running = instances.mean(begin, end)
        assert row.running_mean == pytest.approx(running, abs=1e-9) or (np.isnan(row.running_mean) and running == 0)
        assert row.open_end == cases.at(end - 1)
    assert table["arrivals"].sum() == log.n_cases
    assert table["completions"].sum() == log.completed.sum()
    assert table["begun"].sum() == len(log)
    weeks = flow(log).to_pandas("week")
    assert set(weeks["period"].dt.strftime("%u")) == {"1"}
    assert weeks["arrivals"].sum() == log.n_cases
    months = flow(log).to_pandas("month")
    assert months["completions"].sum() == log.completed.sum()
    assert months["open_end"].iloc[-1] == table["open_end"].iloc[-1]


def log_in(zone: str, *spans_: tuple[str, str]) -> EventLog:
    frame = pd.DataFrame(spans_, columns=["start", "end"]).apply(pd.to_datetime)
    frame["case"], frame["activity"] = [f"c{i}" for i in range(len(frame))], "A"
    return EventLog.from_pandas(frame, start="start", time_zone=zone)


def test_days_on_which_the_clock_changes_have_their_length() -> None:
    # 30 March 2025 has 23 hours in Berlin: open from its midnight to noon are 11 hours.
    found = flow(log_in("Europe/Berlin", ("2025-03-30 00:00", "2025-03-30 12:00"))).to_pandas()
    assert found["open_mean"].tolist() == pytest.approx([11 / 23])
    # The whole of it and of the days around it: always one.
    found = flow(log_in("Europe/Berlin", ("2025-03-29 00:00", "2025-04-01 00:00"))).to_pandas()
    assert found["open_mean"].tolist() == pytest.approx([1, 1, 1, 0])


@pytest.mark.parametrize(
    ("zone", "moment", "day"),
    [
        ("Pacific/Apia", "2011-12-30T10:30:00Z", "2011-12-31"),
        ("Pacific/Apia", "2011-12-30T09:30:00Z", "2011-12-29"),
        ("America/Sao_Paulo", "2018-11-04T03:00:00Z", "2018-11-04"),
        ("Europe/Moscow", "1900-01-01T00:00:00Z", "1900-01-01"),
        ("UTC", "2199-12-31T23:59:59Z", "2199-12-31"),
    ],
)
def test_a_moment_lies_in_its_day(zone: str, moment: str, day: str) -> None:
    at = pd.Timestamp(moment).value // 1000
    days = _Days(zone, at - 400 * DAY, at + 3 * DAY)
    assert days.name(int(days.of(np.array([at]))[0])) == day


def test_what_is_not_over_stays_open() -> None:
    log = log_of([(0, "A", 0, 5, None), (1, "A", 0, 5, None)], open_cases=True)
    assert open_cases(log).at([ORIGIN + 9 * HOUR]).tolist() == [1]
    assert running_instances(log).at([ORIGIN + 9 * HOUR]).tolist() == [1]
    assert open_cases(log).peak == (2, ORIGIN)


def test_zones_that_differ_and_periods_unknown_are_told() -> None:
    one, other = (flow(log_of([(0, "A", 0, 5, None)], time_zone=zone)) for zone in ("UTC", "Europe/Moscow"))
    with pytest.raises(DataError, match="one time zone"):
        one.merge(other)
    with pytest.raises(UnknownNameError, match="period"):
        one.to_pandas("year")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="rising order"):
        open_cases(log_of([(0, "A", 0, 5, None)])).mean(5, 5)
    with pytest.raises(DataError, match="which is none"):
        Flow.from_dict({"time_zone": "UTC", "days": [["2025-02-31", 1, 1, 1, 1, 1, 1]]})
    with pytest.raises(DataError, match="no step function"):
        Load.from_dict({"moments": [5, 5], "changes": [1, 1]})


def test_moments_are_shown_and_asked_for_in_the_zone_of_the_log() -> None:
    # 2025-03-03 00:00 UTC is 03:00 in Moscow.
    log = log_of([(0, "A", 0, 5, None), (1, "A", 1, 5, None)], time_zone="Europe/Moscow")
    load = open_cases(log)
    first = pd.Timestamp(ORIGIN, unit="us", tz="UTC").tz_convert("Europe/Moscow")
    assert str(load.to_pandas()["time"].dt.tz) == "Europe/Moscow"
    assert "(Europe/Moscow)" in repr(load)
    assert load.at([first.tz_localize(None), first.isoformat()]).tolist() == [1, 1]
    assert load.at("2199-01-01").tolist() == [0]
    assert load.mean(first, first + pd.Timedelta(hours=1)) == 1
    assert load.merge(open_cases(log_of([(2, "A", 0, 5, None)], time_zone="UTC"))).time_zone == "UTC"
    assert Load.from_dict(load.to_dict()).time_zone == "Europe/Moscow"
    with pytest.raises(DataError, match="are no moments"):
        load.at(["soon"])
    with pytest.raises(DataError, match="time zone"):
        Load.from_dict(load.to_dict() | {"time_zone": 3})


def test_where_only_completions_are_known_nothing_is_in_progress(make_log: Callable[..., EventLog]) -> None:
    log = make_log([("1", "A", 2, 2), ("1", "B", 5, 5)], timestamps="completed")
    assert "only completions" in repr(running_instances(log))
    assert flow(log).to_pandas()["running_mean"].isna().all()

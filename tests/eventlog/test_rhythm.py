from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkmine.calendars import Calendar, from_us
from mkmine.eventlog import EventLog
from mkmine.eventlog.formats.read import read
from mkmine.eventlog.rhythm import hours_of_weeks, infer_calendar


def worked(calendar: Calendar, *, days: int = 200, per_day: int = 12, seed: int = 3, stray: float = 0.0) -> EventLog:
    """A log whose instances end at random moments of open time, and a share of them at any moment."""
    rng = np.random.default_rng(seed)
    first = pd.Timestamp("2025-01-01", tz=calendar.time_zone).value // 1000
    moments = first + rng.integers(0, days * 86_400_000_000, size=days * per_day * 8)
    inside = moments[calendar.is_open(moments)]
    anywhere = moments[rng.random(len(moments)) < stray]
    ends = np.sort(np.concatenate((inside[: days * per_day], anywhere)))
    frame = pd.DataFrame(
        {
            "case": np.arange(len(ends)) // 3,
            "activity": "A",
            "end": pd.Series(ends.astype("datetime64[us]")).dt.tz_localize("UTC"),
        }
    )
    return EventLog.from_pandas(frame, time_zone=calendar.time_zone)


@given(
    st.lists(st.lists(st.integers(-(10**15), 4 * 10**15), min_size=1, max_size=12), min_size=1, max_size=2),
    st.sampled_from(("Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kolkata", "UTC")),
)
def test_every_moment_is_counted_in_its_local_hour(parts: list[list[int]], time_zone: str) -> None:
    first, counts = hours_of_weeks([np.array(part) for part in parts], time_zone)
    shown = [from_us(moment, time_zone).astimezone(ZoneInfo(time_zone)) for part in parts for moment in part]
    monday = np.datetime64(first, "D").item()
    assert monday.weekday() == 0
    wanted = np.zeros_like(counts)
    for one in shown:
        day = (one.date() - monday).days
        wanted[day // 7, day % 7 * 24 + one.hour] += 1
    assert np.array_equal(counts, wanted)
    assert counts[0].any()
    assert counts[-1].any()


OFFICE = {"Mon-Thu": "09:00-13:00, 14:00-18:00", "Fri": "09:00-13:00, 14:00-17:00"}


def test_office_hours_are_found_again() -> None:
    office = Calendar.parse(OFFICE, time_zone="Europe/Moscow")
    assert infer_calendar(worked(office), holidays=None).weekly == office.weekly


def test_a_few_strays_at_night_do_not_open_it() -> None:
    office = Calendar.parse(OFFICE, time_zone="Europe/Moscow")
    assert infer_calendar(worked(office, per_day=60, stray=0.01), holidays=None).weekly == office.weekly


def test_few_observations_still_give_an_office() -> None:
    office = Calendar.parse({"Mon-Fri": "09:00-18:00"}, time_zone="Europe/Moscow")
    found = infer_calendar(worked(office, per_day=1), holidays=None)
    assert 35 <= found.hours_per_week <= 50
    assert found.weekly[5:] == ((), ())


def test_few_observations_tell_days_apart_that_clearly_differ() -> None:
    halves = Calendar.parse({"Tue": "10:00-13:00", "Thu": "14:00-17:00"}, time_zone="Europe/Moscow")
    log = worked(halves, per_day=6)
    assert len(log) < 500
    assert infer_calendar(log, holidays=None).weekly == halves.weekly


def test_flat_activity_is_always_open() -> None:
    assert infer_calendar(worked(Calendar.always("Europe/Moscow"), per_day=40)).is_always_open


@pytest.mark.parametrize(("country", "found"), [("RU", "RU"), (None, None)])
def test_holidays_are_adopted_only_if_they_are_free_of_work(country: str | None, found: str | None) -> None:
    office = Calendar.parse({"Mon-Fri": "09:00-18:00"}, time_zone="Europe/Moscow", holidays=country)
    assert infer_calendar(worked(office)).holidays == found


def test_a_zone_without_a_country_adopts_nothing() -> None:
    office = Calendar.parse({"Mon-Fri": "09:00-18:00"}, time_zone="UTC")
    assert infer_calendar(worked(office)).holidays is None


def test_some_instances_can_be_asked_alone() -> None:
    office = Calendar.parse({"Mon-Fri": "09:00-18:00"}, time_zone="Europe/Moscow")
    log = worked(office)
    nobody = infer_calendar(log, instances=np.zeros(len(log), dtype=np.bool_))
    assert nobody.is_always_open


def test_a_log_uses_it_where_it_knows_no_calendar() -> None:
    log = worked(Calendar.parse({"Mon-Fri": "09:00-18:00"}, time_zone="Europe/Moscow"))
    assert log.working_calendar().hours_per_week == 45


@pytest.mark.shared
def test_public_logs_show_their_hours(shared_logs: Path) -> None:
    loans = infer_calendar(read(shared_logs / "groundtruth" / "Loan_Application.csv.gz"))
    assert loans.describe() == "Mon-Fri 09:00-17:00 (UTC)"
    purchases = infer_calendar(read(shared_logs / "calibration" / "P2P" / "P2P.csv.gz"))
    assert purchases.is_always_open


def test_less_than_a_week_shows_no_week() -> None:
    office = Calendar.parse({"Mon-Fri": "09:00-18:00"}, time_zone="Europe/Moscow")
    assert infer_calendar(worked(office, days=5, per_day=200)).is_always_open

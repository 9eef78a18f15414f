"""Local time by tables against the zones of the standard library."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkmine.calendars import DAY, HOUR, local_time, to_us
from mkmine.calendars import lookup as lookups
from mkmine.calendars.moments import clock
from mkmine.errors import DataError

ZONES = sorted(available_timezones())
FIRST, LAST = (to_us(datetime(year, 1, 1, tzinfo=UTC)) for year in (1900, 2201))
EPOCH = datetime(1970, 1, 1)


def told(moment: int, time_zone: str) -> int:
    """What the standard library's zone shows, in µs as if it were UTC."""
    shown = (EPOCH.replace(tzinfo=UTC) + timedelta(microseconds=moment)).astimezone(ZoneInfo(time_zone))
    return (shown.replace(tzinfo=None) - EPOCH) // timedelta(microseconds=1)


@given(st.sampled_from(ZONES), st.lists(st.integers(FIRST, LAST - 1), min_size=1, max_size=20), st.booleans())
def test_any_moment_in_any_zone(time_zone: str, moments: list[int], by_table: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lookups, "FEW", 0 if by_table else 10**9)
        clock.cache_clear()
        assert local_time(moments, time_zone).tolist() == [told(one, time_zone) for one in moments]


@given(st.sampled_from(ZONES), st.integers(1900, 2200), st.sampled_from((-1, 0, 1)))
def test_moments_around_every_change_of_the_clock(time_zone: str, year: int, after: int) -> None:
    changes = clock(time_zone, year, year).moments[1:]
    changes = changes[(changes > FIRST) & (changes < LAST - 1)] + after
    assert local_time(changes, time_zone).tolist() == [told(one, time_zone) for one in changes.tolist()]


@pytest.mark.parametrize(
    "time_zone", ["Africa/Freetown", "America/Noronha", "America/Boa_Vista", "Asia/Gaza", "Africa/Tunis"]
)
def test_the_closest_changes_of_the_clock_are_all_found(time_zone: str) -> None:
    """The tables rest on no zone changing its clock twice in two days; these come closest (Freetown in 1939: four)."""
    moments = to_us(datetime(1935, 1, 1, tzinfo=UTC)) + np.arange(0, 120 * 366 * DAY, 3 * DAY)
    assert local_time(moments, time_zone).tolist() == [told(one, time_zone) for one in moments.tolist()]


@given(
    st.sampled_from(("Europe/Moscow", "Pacific/Apia", "Australia/Lord_Howe", "America/Sao_Paulo", "Africa/Monrovia")),
    st.dates(date(1901, 1, 1), date(2100, 12, 31)),
    st.integers(0, 86_399),
)
def test_the_first_moment_at_which_the_clock_shows_a_time(time_zone: str, day: date, second: int) -> None:
    wanted = (datetime.combine(day, datetime.min.time()) - EPOCH) // timedelta(microseconds=1) + second * 1_000_000
    found = int(clock(time_zone, day.year, day.year).reached(np.array([wanted]))[0])
    assert told(found, time_zone) >= wanted
    earlier = [found - 1, *(found - step * HOUR // 4 for step in range(1, 200))]
    assert all(told(one, time_zone) < wanted for one in earlier)


def test_shapes_are_kept_and_the_input_is_not_touched() -> None:
    moments = np.array([[0, HOUR], [DAY, 2 * DAY]])
    assert local_time(moments, "Asia/Kolkata").tolist() == (moments + 5.5 * HOUR).tolist()
    utc = local_time(moments, "UTC")
    assert utc is not moments
    assert not np.shares_memory(utc, moments)
    assert local_time([], "Europe/Berlin").shape == (0,)
    assert local_time(0, "Europe/Moscow") == 3 * HOUR


@pytest.mark.parametrize("moment", [FIRST - 1, LAST, -(2**62)])
def test_moments_beyond_the_years_are_refused(moment: int) -> None:
    with pytest.raises(DataError, match="calendars know the years 1900 to 2200"):
        local_time([0, moment], "Europe/Moscow")

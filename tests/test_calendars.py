"""Calendars against a clock that is read minute by minute."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkmine.calendars import DAY, HOUR, Calendar, from_us, from_year, to_us, zone
from mkmine.errors import DataError

MINUTE = 60_000_000
OFFICE = {"Mon-Fri": "09:00-13:00, 14:00-18:00"}
# Zones and days around which the reference looks: changes of the clock (by an hour, at midnight, by half an hour),
# a year's end, and plain days.
SCENES = {
    "Berlin, an hour skipped": ("Europe/Berlin", date(2025, 3, 30)),
    "Berlin, an hour repeated": ("Europe/Berlin", date(2025, 10, 26)),
    "Sao Paulo, midnight skipped": ("America/Sao_Paulo", date(2017, 10, 15)),
    "Sao Paulo, the hour before midnight repeated": ("America/Sao_Paulo", date(2017, 2, 19)),
    "Lord Howe, half an hour skipped": ("Australia/Lord_Howe", date(2025, 10, 5)),
    "Lord Howe, half an hour repeated": ("Australia/Lord_Howe", date(2025, 4, 6)),
    "Apia, a day skipped": ("Pacific/Apia", date(2011, 12, 30)),
    "Moscow, a year's end": ("Europe/Moscow", date(2024, 12, 31)),
}
DAYS_AROUND = 5


def us(text: str, time_zone: str = "Europe/Moscow") -> int:
    return to_us(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(time_zone)))


@lru_cache
def shown(time_zone: str, middle: date) -> tuple[int, list[date], np.ndarray, np.ndarray]:
    """The highest wall-clock time shown up to each minute around a day: its origin, and the days and minutes shown."""
    tz = ZoneInfo(time_zone)
    begin = datetime.combine(middle, datetime.min.time(), UTC) - timedelta(days=DAYS_AROUND + 2)
    highest, clocks = datetime.min, []
    for minute in range((2 * DAYS_AROUND + 4) * 1440):
        highest = max(highest, (begin + timedelta(minutes=minute)).astimezone(tz).replace(tzinfo=None))
        clocks.append(highest)
    days = sorted({clock.date() for clock in clocks})
    which = np.array([days.index(clock.date()) for clock in clocks])
    return to_us(begin), days, which, np.array([clock.hour * 60 + clock.minute for clock in clocks])


class Reference:
    """A calendar read minute by minute: open while the highest time that the wall clock has shown lies in the hours."""

    def __init__(self, calendar: Calendar, middle: date) -> None:
        self.origin, days, which, clock = shown(calendar.time_zone, middle)
        table = np.zeros((len(days), 1440), dtype=np.int64)
        special = dict(calendar.exceptions)
        for number, day in enumerate(days):
            absent = any(first <= day <= last for first, last, _ in calendar.absences)
            for start, end in () if absent else special.get(day, calendar.weekly[day.weekday()]):
                table[number, start:end] = 1
        self.open = table[which, clock]
        self.before = np.concatenate(([0], np.cumsum(self.open))) * MINUTE

    def opened(self, moment: int) -> int:
        minute, rest = divmod(moment - self.origin, MINUTE)
        return int(self.before[minute] + self.open[minute] * rest)


def hours() -> st.SearchStrategy[str]:
    cuts = st.lists(st.integers(0, 96), min_size=2, max_size=6, unique=True).map(sorted)
    clock = lambda quarter: f"{quarter // 4:02d}:{quarter % 4 * 15:02d}"  # noqa: E731
    return cuts.map(lambda c: ", ".join(f"{clock(a)}-{clock(b)}" for a, b in zip(c[::2], c[1::2], strict=False)))


@st.composite
def scenes(draw: st.DrawFn) -> tuple[Calendar, Reference, list[int]]:
    time_zone, middle = SCENES[draw(st.sampled_from(sorted(SCENES)))]
    near = st.integers(-3, 3).map(lambda n: middle + timedelta(days=n))
    weekly = {
        day: draw(hours())
        for day in draw(st.sets(st.sampled_from(("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")), min_size=2))
    }
    exceptions = draw(st.dictionaries(near, st.one_of(st.just(""), hours()), max_size=2))
    absences = [(a, a + timedelta(days=n)) for a, n in draw(st.lists(st.tuples(near, st.integers(0, 2)), max_size=1))]
    calendar = Calendar.parse(weekly, time_zone=time_zone, exceptions=exceptions, absences=absences)
    reach = DAYS_AROUND * 86_400
    base = to_us(datetime.combine(middle, datetime.min.time(), UTC))
    moments = draw(st.lists(st.integers(-reach, reach), min_size=2, max_size=12))
    return calendar, Reference(calendar, middle), [base + one * 1_000_000 for one in moments]


@given(scenes())
def test_working_time_is_that_of_a_clock_read_by_the_minute(scene: tuple[Calendar, Reference, list[int]]) -> None:
    calendar, reference, moments = scene
    opened = np.array([reference.opened(one) for one in moments])
    found = calendar.working_time(moments[0], moments)
    assert found.tolist() == (opened - opened[0]).tolist()
    assert calendar.working_time(moments, moments[0]).tolist() == (opened[0] - opened).tolist()


@given(scenes())
def test_open_and_next_open_are_those_of_a_clock_read_by_the_minute(
    scene: tuple[Calendar, Reference, list[int]],
) -> None:
    calendar, reference, moments = scene
    for moment, is_open, following in zip(moments, calendar.is_open(moments), calendar.next_open(moments), strict=True):
        minute = (moment - reference.origin) // MINUTE
        assert is_open == reference.open[minute]
        ahead = np.flatnonzero(reference.open[minute:])
        if len(ahead):
            assert following == (moment if ahead[0] == 0 else reference.origin + (minute + ahead[0]) * MINUTE)


@given(scenes(), st.lists(st.integers(0, 40 * 3600), min_size=1, max_size=5))
def test_add_is_the_inverse_of_working_time(scene: tuple[Calendar, Reference, list[int]], seconds: list[int]) -> None:
    calendar, _, moments = scene
    for second in seconds:
        duration = second * 1_000_000
        end = calendar.add(moments, duration)
        assert (calendar.working_time(moments, end) == duration).all()
        if duration:
            # The earliest such moment: a microsecond before it, not all of the time has passed.
            assert (calendar.working_time(moments, end - 1) == duration - 1).all()
        else:
            assert end.tolist() == moments


@given(scenes())
def test_plain_values_round_trip(scene: tuple[Calendar, Reference, list[int]]) -> None:
    calendar = scene[0]
    assert Calendar.from_dict(calendar.to_dict()) == calendar
    assert hash(Calendar.from_dict(calendar.to_dict())) == hash(calendar)


def test_russian_moved_days() -> None:
    calendar = Calendar.parse(OFFICE, time_zone="Europe/Moscow", holidays="RU")
    assert calendar.is_open(us("2024-04-27T10:00")), "Saturday that was made a working day"
    assert not calendar.is_open(us("2024-04-29T10:00")), "Monday that was given for it"
    assert not calendar.is_open(us("2024-04-28T10:00"))
    # Friday 26 April to Thursday 2 May: Friday, the moved Saturday and Thursday are worked, 29 April to 1 May are not.
    assert calendar.working_time(us("2024-04-26T00:00"), us("2024-05-03T00:00")) == 3 * 8 * HOUR


def test_new_year_holidays_across_the_years_end() -> None:
    calendar = Calendar.parse(OFFICE, time_zone="Europe/Moscow", holidays="RU")
    # 30 and 31 December 2024 were given free, and 1-8 January 2025 are holidays; work begins on Thursday, 9 January.
    assert from_us(int(calendar.next_open(us("2024-12-28T19:00"))), "Europe/Moscow").date() == date(2025, 1, 9)


def test_a_moved_day_has_the_hours_of_the_day_that_was_given_for_it() -> None:
    """Order 588n of 2009: a weekend day that is worked lasts as long as the working day that it was exchanged for."""
    hours = {"Mon-Thu": "09:00-18:00", "Fri": "09:00-16:00"}
    calendar = Calendar.parse(hours, time_zone="Europe/Moscow", holidays="RU")
    # Saturday, 27 April 2024, was worked for Monday, 29 April.
    assert calendar.working_time(us("2024-04-27T00:00"), us("2024-04-28T00:00")) == 9 * HOUR


def test_an_exception_wins_over_a_holiday_and_an_absence_over_both() -> None:
    day = date(2025, 1, 2)
    calendar = Calendar.parse(OFFICE, time_zone="Europe/Moscow", holidays="RU", exceptions={day: "10:00-12:00"})
    span = us("2025-01-02T00:00"), us("2025-01-03T00:00")
    assert calendar.working_time(*span) == 2 * HOUR
    assert calendar.without([(day, day)]).working_time(*span) == 0


def test_always_open_is_plain_arithmetic() -> None:
    calendar = Calendar.always()
    assert calendar.is_always_open
    assert calendar.add(5, 7) == 12
    assert calendar.working_time(10, 3) == -7
    assert calendar.hours_per_week == 168
    assert calendar.describe() == "24/7"
    full = Calendar(weekly=(((0, 1440),),) * 7, time_zone="Europe/Berlin")
    a, b = us("2025-03-29T00:00", "Europe/Berlin"), us("2025-03-31T00:00", "Europe/Berlin")
    assert full.working_time(a, b) == 47 * HOUR


def test_shape_and_description() -> None:
    calendar = Calendar.parse(OFFICE, time_zone="Europe/Moscow", holidays="RU")
    assert calendar.hours_per_week == 40
    assert calendar.hours_per_day == 8
    assert calendar.describe() == "Mon-Fri 09:00-13:00, 14:00-18:00 (Europe/Moscow, holidays RU)"
    assert calendar.working_time([], []).shape == (0,)
    assert calendar.add([], []).shape == (0,)


def test_absences_longer_than_the_compiled_range() -> None:
    calendar = Calendar.parse(OFFICE, absences=[(date(2025, 1, 1), date(2031, 12, 31))])
    begin = to_us(datetime(2025, 6, 2, 9, tzinfo=UTC))
    assert from_us(int(calendar.next_open(begin))) == datetime(2032, 1, 1, 9, tzinfo=UTC)
    assert from_us(int(calendar.add(begin, HOUR))) == datetime(2032, 1, 1, 10, tzinfo=UTC)


def test_years_and_moments() -> None:
    moment = us("2025-05-09T12:00")
    assert from_year(moment) == 2025
    assert from_us(moment, "Europe/Moscow").hour == 12
    assert to_us(from_us(moment)) == moment


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Calendar.parse({"Mon": "09:00-09:00"}),
            r'is empty; for 24 hours until the next day write "09:00-09:00\+1"',
        ),
        (lambda: Calendar.parse({"Mon": "09:00-13:00, 12:00-18:00"}), "Mon: the interval 12:00-18:00 overlaps"),
        (lambda: Calendar.parse({"Mon": "09:00-25:00"}), "leaves the day"),
        (lambda: Calendar.parse({"Mon": "nine to five"}), '"nine to five" is not an interval of hours'),
        (lambda: Calendar.parse({"Mon": "09:75-10:00"}), "is not an interval of hours"),
        (lambda: Calendar.parse({"Mun": "09:00-18:00"}), '"Mun" is not a weekday'),
        (lambda: Calendar.parse({"Fri-Mon": "09:00-18:00"}), "runs backwards"),
        (lambda: Calendar.parse({}), "the calendar never opens"),
        (lambda: Calendar.parse(OFFICE, time_zone="Europe/Moskow"), 'did you mean "Europe/Moscow"'),
        (lambda: Calendar.parse(OFFICE, time_zone="../../etc/passwd"), "is not a time zone"),
        (lambda: Calendar.parse(OFFICE, holidays="XX"), 'no holidays are known for "XX"'),
        (lambda: Calendar.parse(OFFICE, absences=[(date(2025, 2, 1), date(2025, 1, 1))]), "ends before it begins"),
        (lambda: Calendar(weekly=((),)), "has 1 days; give seven"),
        (lambda: Calendar.from_dict({"weekyl": OFFICE}), 'unknown key "weekyl".*did you mean "weekly"'),
        (lambda: Calendar.from_dict({"weekly": OFFICE, "exceptions": {"31.02.2025": ""}}), "is not a date"),
        (lambda: Calendar.from_dict({"weekly": OFFICE, "absences": [5]}), "is not an absence"),
        (lambda: Calendar.parse(OFFICE).add(0, -1), "is negative"),
        (lambda: Calendar.parse(OFFICE).add(0, 400 * 366 * DAY), "ends after 2200"),
        (lambda: zone("Mars/Olympus"), "is not a time zone"),
    ],
)
def test_mistakes_are_explained(make: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        make()


def test_a_calendar_of_past_exceptions_only_says_that_it_never_opens_again() -> None:
    calendar = Calendar.parse({}, exceptions={date(2025, 1, 2): "09:00-10:00"})
    with pytest.raises(DataError, match=r"never opens again|does not open"):
        calendar.next_open(to_us(datetime(2025, 6, 1, tzinfo=UTC)))

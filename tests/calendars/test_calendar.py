"""Calendars against a clock that is read minute by minute."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mkmine.calendars import DAY, HOUR, MINUTE, Calendar, Rotation, from_us, from_year, to_us, zone
from mkmine.errors import DataError

OFFICE = {"Mon-Fri": "09:00-13:00, 14:00-18:00"}
WEEK = Calendar.parse(OFFICE)
# Zones and days around which the reference looks: changes of the clock (by an hour, at midnight, by half an hour, for
# good), a leap day, a year's end, and plain days.
SCENES = {
    "Berlin, an hour skipped": ("Europe/Berlin", date(2025, 3, 30)),
    "Berlin, an hour repeated": ("Europe/Berlin", date(2025, 10, 26)),
    "New York, an hour skipped": ("America/New_York", date(2025, 3, 9)),
    "New York, an hour repeated": ("America/New_York", date(2025, 11, 2)),
    "Sao Paulo, midnight skipped": ("America/Sao_Paulo", date(2017, 10, 15)),
    "Sao Paulo, the hour before midnight repeated": ("America/Sao_Paulo", date(2017, 2, 19)),
    "Lord Howe, half an hour skipped": ("Australia/Lord_Howe", date(2025, 10, 5)),
    "Lord Howe, half an hour repeated": ("Australia/Lord_Howe", date(2025, 4, 6)),
    "Apia, a day skipped": ("Pacific/Apia", date(2011, 12, 30)),
    "Moscow, the last winter time": ("Europe/Moscow", date(2010, 10, 31)),
    "Moscow, summer time for good": ("Europe/Moscow", date(2011, 3, 27)),
    "Moscow, winter time for good": ("Europe/Moscow", date(2014, 10, 26)),
    "Moscow, a year's end": ("Europe/Moscow", date(2024, 12, 31)),
    "Kolkata, a leap day": ("Asia/Kolkata", date(2024, 2, 29)),
}
DAYS_AROUND = 5


def us(text: str, time_zone: str = "Europe/Moscow") -> int:
    return to_us(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(time_zone)))


@lru_cache
def shown(time_zone: str, middle: date) -> tuple[int, np.ndarray]:
    """The origin, and the highest wall-clock time shown up to each minute, in minutes since the midnight of a day."""
    tz = ZoneInfo(time_zone)
    begin = datetime.combine(middle, datetime.min.time(), UTC) - timedelta(days=DAYS_AROUND + 2)
    midnight = datetime.combine(middle, datetime.min.time())
    highest, clocks = datetime.min, []
    for minute in range((2 * DAYS_AROUND + 4) * 1440):
        highest = max(highest, (begin + timedelta(minutes=minute)).astimezone(tz).replace(tzinfo=None))
        clocks.append((highest - midnight) // timedelta(minutes=1))
    return to_us(begin), np.array(clocks)


def hours_of(calendar: Calendar, day: date) -> tuple[tuple[int, int], ...]:
    """The hours of the shifts that begin on a day."""
    if any(first <= day <= last for first, last, _ in calendar.absences):
        return ()
    if day in dict(calendar.exceptions):
        return dict(calendar.exceptions)[day]
    hours = calendar.weekly[day.weekday()]
    if calendar.rotation:
        hours = calendar.rotation.days[(day - calendar.rotation.since).days % len(calendar.rotation.days)]
    for one, until in calendar.half_days:
        if one in (day, (day.month, day.day)):
            hours = tuple((start, min(end, until)) for start, end in hours if start < until)
    return hours


class Reference:
    """A calendar read minute by minute: open while the highest time that the wall clock has shown lies in a shift."""

    def __init__(self, calendar: Calendar, middle: date) -> None:
        self.origin, clock = shown(calendar.time_zone, middle)
        if calendar.all_of or calendar.any_of:
            parts = [Reference(part, middle).open for part in calendar.all_of or calendar.any_of]
            self.open = np.minimum.reduce(parts) if calendar.all_of else np.maximum.reduce(parts)
        else:
            around = DAYS_AROUND + 6
            table = np.zeros((2 * around + 3) * 1440, dtype=np.int64)
            for number in range(-around, around + 1):
                for start, end in hours_of(calendar, middle + timedelta(days=number)):
                    table[(around + number) * 1440 + start : (around + number) * 1440 + end] = 1
            self.open = table[around * 1440 + clock]
        self.before = np.concatenate(([0], np.cumsum(self.open))) * MINUTE

    def opened(self, moment: int) -> int:
        minute, rest = divmod(moment - self.origin, MINUTE)
        return int(self.before[minute] + self.open[minute] * rest)


def clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


@st.composite
def hours(draw: st.DrawFn) -> str:
    """Up to three intervals of a day; the last one may run into the next day, up to two o'clock."""
    cuts = sorted(draw(st.lists(st.integers(8, 96), min_size=2, max_size=6, unique=True)))
    pairs = list(zip(cuts[::2], cuts[1::2], strict=False))
    text = ", ".join(f"{clock(a * 15)}-{clock(b * 15)}" for a, b in pairs)
    if draw(st.booleans()) and cuts[-1] < 96:
        text += f", {clock(cuts[-1] * 15)}-{clock(draw(st.integers(1, 8)) * 15)}"
    return text


@st.composite
def patterns(draw: st.DrawFn, time_zone: str, middle: date) -> Calendar:
    near = st.integers(-3, 3).map(lambda n: middle + timedelta(days=n))
    weekly, rotation = None, None
    if draw(st.booleans()):
        days = draw(st.sets(st.sampled_from(("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")), min_size=2))
        weekly = {day: draw(hours()) for day in sorted(days)}
    else:
        days = [draw(hours()), *draw(st.lists(st.one_of(st.just(""), hours()), max_size=8))]
        rotation = Rotation.of(days, since=middle + timedelta(days=draw(st.integers(-400, 400))))
    yearly = near.map(lambda day: f"{day:%m-%d}")
    return Calendar.parse(
        weekly,
        rotation=rotation,
        time_zone=time_zone,
        half_days=draw(st.dictionaries(st.one_of(near, yearly), st.integers(1, 96).map(lambda n: n * 15), max_size=1)),
        exceptions=draw(st.dictionaries(near, st.one_of(st.just(""), hours()), max_size=2)),
        absences=[
            (first, first + timedelta(days=length), name)
            for first, length, name in draw(
                st.lists(st.tuples(near, st.integers(0, 2), st.sampled_from(("", "vacation", "отпуск"))), max_size=1)
            )
        ],
    )


@st.composite
def scenes(draw: st.DrawFn) -> tuple[Calendar, Reference, list[int]]:
    time_zone, middle = SCENES[draw(st.sampled_from(sorted(SCENES)))]
    calendar = draw(patterns(time_zone, middle))
    join = draw(st.sampled_from(("alone", "alone", "union", "intersection")))
    if join != "alone":
        other = draw(patterns(time_zone, middle))
        calendar = calendar | other if join == "union" else calendar & other
        # Two patterns may have no hour in common.
        calendar = calendar if Reference(calendar, middle).open.any() else calendar.all_of[0]
    reach = DAYS_AROUND * 86_400
    base = to_us(datetime.combine(middle, datetime.min.time(), UTC))
    moments = draw(st.lists(st.integers(-reach, reach), min_size=3, max_size=12))
    return calendar, Reference(calendar, middle), [base + one * 1_000_000 for one in moments]


@given(scenes())
def test_working_time_is_that_of_a_clock_read_by_the_minute(scene: tuple[Calendar, Reference, list[int]]) -> None:
    calendar, reference, moments = scene
    opened = np.array([reference.opened(one) for one in moments])
    found = calendar.working_time(moments[0], moments)
    assert found.tolist() == (opened - opened[0]).tolist()
    assert calendar.working_time(moments, moments[0]).tolist() == (opened[0] - opened).tolist()
    assert calendar.working_time(moments, moments[::-1]).tolist() == (opened[::-1] - opened).tolist()


@given(scenes())
def test_working_time_adds_up_and_grows(scene: tuple[Calendar, Reference, list[int]]) -> None:
    calendar, _, (a, b, c, *_) = scene
    between = calendar.working_time
    assert between(a, b) + between(b, c) == between(a, c)
    assert between(a, b) == -between(b, a)
    first, middle, last = sorted((a, b, c))
    assert 0 <= between(first, middle) <= between(first, last) <= last - first


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
    written = yaml.safe_dump(calendar.to_dict(), allow_unicode=True)
    again = Calendar.from_dict(yaml.safe_load(written))
    assert again == calendar
    assert hash(again) == hash(calendar)
    assert again.describe() == calendar.describe()


@given(scenes(), st.integers(-3, 3), st.integers(0, 3))
def test_an_absence_closes_its_days_in_every_part(
    scene: tuple[Calendar, Reference, list[int]], first: int, length: int
) -> None:
    calendar, reference, moments = scene
    middle = from_us(reference.origin).date() + timedelta(days=DAYS_AROUND + 2)
    span = (middle + timedelta(days=first), middle + timedelta(days=first + length))
    absent = calendar.without([span])
    assert absent.without([span]) == absent
    opened = Reference(absent, middle)
    wanted = [opened.opened(one) - opened.opened(moments[0]) for one in moments]
    assert absent.working_time(moments[0], moments).tolist() == wanted


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


def nested(depth: int) -> dict[str, Any]:
    values: dict[str, Any] = {"weekly": OFFICE}
    for _ in range(depth):
        values = {"all_of": [values]}
    return values


def test_a_night_shift_belongs_to_the_day_on_which_it_begins() -> None:
    nights = Calendar.parse({"Mon-Fri": "22:00-06:00"}, time_zone="Europe/Berlin")
    week = us("2025-06-02T00:00", "Europe/Berlin"), us("2025-06-09T00:00", "Europe/Berlin")
    assert nights.working_time(*week) == 40 * HOUR
    assert nights.is_open(us("2025-06-07T05:59", "Europe/Berlin")), "Friday's shift ends on Saturday"
    off = nights.without([(date(2025, 6, 3), date(2025, 6, 3))])
    assert off.is_open(us("2025-06-03T05:00", "Europe/Berlin")), "Monday's shift is worked to its end"
    assert not off.is_open(us("2025-06-03T23:00", "Europe/Berlin"))
    assert nights.describe() == "Mon-Fri 22:00-06:00 (Europe/Berlin)"
    # The night in which the hour is repeated is nine hours long, and the one in which it is skipped seven.
    sundays = Calendar.parse({"Sat": "22:00-06:00"}, time_zone="Europe/Berlin")
    for month, wanted in ((3, 7), (10, 9)):
        span = us(f"2025-{month:02d}-24T00:00", "Europe/Berlin"), us(f"2025-{month:02d}-31T00:00", "Europe/Berlin")
        assert sundays.working_time(*span) == wanted * HOUR


def test_shifts_of_24_hours() -> None:
    guard = Calendar.parse(rotation=Rotation.of(["08:00-08:00+1", "", "", ""], since=date(2025, 1, 1)))
    assert guard.hours_per_week == 42
    assert guard.hours_per_day == 24
    assert guard.working_time(us("2025-01-01T00:00", "UTC"), us("2025-01-29T00:00", "UTC")) == 7 * 24 * HOUR
    assert Calendar.from_dict(guard.to_dict()) == guard


def test_two_days_on_and_two_off() -> None:
    pair = Rotation.of(["08:00-20:00", "08:00-20:00", "", ""], since=date(2025, 1, 6))
    calendar = Calendar.parse(rotation=pair, time_zone="Europe/Moscow")
    worked = [day for day in range(1, 13) if calendar.is_open(us(f"2025-01-{day:02d}T12:00"))]
    assert worked == [2, 3, 6, 7, 10, 11]
    assert calendar.hours_per_week == 42
    assert calendar.describe() == ("2 days 08:00-20:00, 2 days off, in turn since 2025-01-06 (Europe/Moscow)")
    assert calendar.to_dict()["rotation"] == {"since": "2025-01-06", "days": ["08:00-20:00", "08:00-20:00", "", ""]}


def test_weeks_in_turn() -> None:
    weeks = Rotation.of_weeks([{"Mon-Fri": "08:00-16:00"}, {"Mon-Sat": "16:00-24:00"}], since=date(2025, 1, 8))
    calendar = Calendar.parse(rotation=weeks, time_zone="Europe/Moscow")
    assert weeks.since == date(2025, 1, 6), "the Monday of that week"
    assert calendar.is_open(us("2025-01-06T09:00"))
    assert calendar.is_open(us("2025-01-18T23:00"))
    assert not calendar.is_open(us("2025-01-20T17:00"))
    assert calendar.hours_per_week == 44
    assert calendar.describe() == (
        "week 1: Mon-Fri 08:00-16:00, week 2: Mon-Sat 16:00-24:00, in turn since 2025-01-06 (Europe/Moscow)"
    )
    assert calendar.to_dict()["rotation"]["weeks"] == [{"Mon-Fri": "08:00-16:00"}, {"Mon-Sat": "16:00-24:00"}]


def test_half_days_cut_the_hours_of_every_year_and_open_nothing() -> None:
    calendar = Calendar.parse(
        OFFICE, time_zone="Europe/Moscow", half_days={"12-31": "14:00", "12-24": 720, date(2025, 5, 8): "11:30"}
    )
    day = lambda text: calendar.working_time(us(f"{text}T00:00"), us(f"{text}T23:59")) / HOUR  # noqa: E731
    assert [day(f"{year}-12-31") for year in (2022, 2024, 2025)] == [0, 4, 4], "a Saturday stays closed"
    assert day("2025-12-24") == 3
    assert day("2025-05-08") == 2.5
    assert day("2024-05-08") == 8
    assert "12-24 until 12:00, 12-31 until 14:00, 2025-05-08 until 11:30" in calendar.describe()
    # YAML reads 14:00 without quotation marks as a number of base 60.
    text = "weekly: {Mon-Fri: '09:00-18:00'}\nhalf_days: {12-31: 14:00, 02-29: 13:00}"
    halves = Calendar.from_dict(yaml.safe_load(text))
    assert halves.half_days == (((2, 29), 780), ((12, 31), 840))
    assert halves.working_time(us("2024-02-29T00:00", "UTC"), us("2024-03-01T00:00", "UTC")) == 4 * HOUR


def test_eves_of_holidays_are_shorter_by_russian_law() -> None:
    calendar = Calendar.parse(OFFICE, time_zone="Europe/Moscow", holidays="RU", shorter_eves=60)
    lengths = {
        "2024-05-08": 7,
        "2024-11-02": 7,  # a Saturday, worked for the eve of 1 May
        "2024-04-27": 8,  # a Saturday, worked for an ordinary Monday
        "2025-03-07": 7,
        "2025-11-01": 7,
        "2025-05-07": 8,  # the day after it is off, but moved there
    }
    for day, wanted in lengths.items():
        assert calendar.working_time(us(f"{day}T00:00"), us(f"{day}T23:59")) == wanted * HOUR, day
    both = Calendar.parse(
        OFFICE, time_zone="Europe/Moscow", holidays="RU", shorter_eves=60, half_days={"05-08": "13:00"}
    )
    assert both.working_time(us("2024-05-08T00:00"), us("2024-05-09T00:00")) == 4 * HOUR, "not shortened twice"
    assert both.describe().endswith("(Europe/Moscow, holidays RU, their eves 60 min shorter, 05-08 until 13:00)")
    assert Calendar.from_dict(both.to_dict()) == both


@pytest.mark.parametrize(
    ("year", "hours"),
    [
        (2018, 1970),
        (2019, 1970),
        (2020, 1979),
        (2021, 1972),
        (2022, 1973),
        (2023, 1973),
        (2024, 1979),
        (2025, 1972),
        (2026, 1972),
    ],
)
def test_hours_of_a_year_are_those_of_the_russian_production_calendar(year: int, hours: int) -> None:
    """Hours of a year at 40 hours a week, as the published production calendars tell them."""
    calendar = Calendar.parse(OFFICE, time_zone="Europe/Moscow", holidays="RU", shorter_eves=60)
    assert calendar.working_time(us(f"{year}-01-01T00:00"), us(f"{year + 1}-01-01T00:00")) == hours * HOUR


def test_an_office_and_a_persons_hours() -> None:
    office = Calendar.parse({"Mon-Fri": "09:00-18:00"}, time_zone="Europe/Moscow")
    own = Calendar.parse({"Tue,Thu": "14:00-20:00"}, time_zone="Europe/Moscow")
    both = (office & own).without([(date(2025, 6, 3), date(2025, 6, 3), "vacation")])
    assert both.working_time(us("2025-06-02T00:00"), us("2025-06-09T00:00")) == 4 * HOUR
    assert both.hours_per_week == 8
    assert both.hours_per_day == 4
    assert both.describe() == (
        "[Mon-Fri 09:00-18:00 (Europe/Moscow, 1 absence)] and [Tue 14:00-20:00; Thu 14:00-20:00 (Europe/Moscow)]"
    )
    either = office | own
    assert either.hours_per_week == 49
    assert not either.is_always_open
    assert (either | Calendar.always()).is_always_open
    assert (office & office & own).all_of == (office, office, own)
    far = Calendar.parse({"Mon-Fri": "09:00-18:00"}, time_zone="Asia/Vladivostok")
    assert (office & far).hours_per_week == 10, "seven hours apart, two in common"


def test_whole_numbers_of_any_size_and_numpy_times_are_taken() -> None:
    calendar = Calendar.parse(OFFICE)
    begin = np.array(["2025-06-02T09:00", "2025-06-02T10:00"], dtype="datetime64[s]")
    end = np.array(["2025-06-02T18:00", "2025-06-03T09:30"], dtype="datetime64[ns]")
    assert calendar.working_time(begin, end).tolist() == [8 * HOUR, 7.5 * HOUR]
    assert calendar.add(begin, np.timedelta64(2, "h")).tolist() == [
        us("2025-06-02T11:00", "UTC"),
        us("2025-06-02T12:00", "UTC"),
    ]
    assert calendar.working_time(np.zeros(2, dtype=np.int32), np.full(2, 10**9, dtype=np.uint32)).tolist() == [0, 0]
    assert calendar.working_time(np.int64(0), DAY).shape == ()
    assert calendar.working_time(np.zeros((2, 3), dtype=np.int64), np.zeros((1, 3), dtype=np.int64)).shape == (2, 3)
    assert calendar.add(np.zeros((2, 1), dtype=np.int64), [0, 1, 2]).shape == (2, 3)
    strided = np.broadcast_to(np.int64(us("2025-06-02T10:00", "UTC")), 5_000)
    assert set(calendar.working_time(strided, strided + HOUR).tolist()) == {HOUR}


def test_many_values_give_what_few_give() -> None:
    calendar = Calendar.parse(OFFICE, time_zone="Europe/Berlin", holidays="DE", half_days={"12-24": "12:00"})
    rng = np.random.default_rng(11)
    begin = us("2021-01-01T00:00") + rng.integers(0, 4 * 365 * DAY, 150_000)
    length = rng.integers(-30 * DAY, 30 * DAY, len(begin))
    work = np.where(rng.random(len(begin)) < 0.2, 0, rng.integers(0, 90 * HOUR, len(begin)))
    parts = [slice(first, first + 1_000) for first in range(0, len(begin), 1_000)]
    for many, few in (
        (calendar.working_time(begin, begin + length), lambda p: calendar.working_time(begin[p], begin[p] + length[p])),
        (calendar.add(begin, work), lambda p: calendar.add(begin[p], work[p])),
        (calendar.next_open(begin), lambda p: calendar.next_open(begin[p])),
        (calendar.is_open(begin), lambda p: calendar.is_open(begin[p])),
    ):
        assert np.array_equal(many, np.concatenate([few(part) for part in parts]))


@pytest.mark.parametrize("year", [1900, 2200])
def test_the_first_and_the_last_year(year: int) -> None:
    calendar = Calendar.parse({"Mon-Sun": "09:00-10:00"}, time_zone="Europe/Moscow", holidays="RU")
    begin, end = (to_us(datetime(one, 1, 1, tzinfo=UTC)) for one in (year, year + 1))
    # No holidays are known so long ago, or after 2100.
    assert calendar.working_time(begin, end - 1) == 365 * HOUR
    assert calendar.is_open(begin + np.arange(365) * DAY).sum() == 0
    wide = calendar.working_time(to_us(datetime(1900, 1, 1, tzinfo=UTC)), to_us(datetime(2200, 12, 31, tzinfo=UTC)))
    assert 300 * 340 * HOUR < wide < 301 * 366 * HOUR


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
        (
            lambda: Calendar.parse({"Mon": "22:00-06:00", "Tue": "05:00-09:00"}),
            "Mon: .* runs into the next day's 05:00",
        ),
        (lambda: Calendar.parse({"Mon": "08:00-09:00+1"}), "longer than a day"),
        (lambda: Calendar.parse({"Mon": 9}), '"9" is not an interval of hours'),
        (lambda: Calendar.parse(["Mon"]), "is not a week"),
        (lambda: Rotation.of([], since=date(2025, 1, 1)), "a rotation has 0 days"),
        (lambda: Rotation.of(["09:00-10:00"] * 5_000, since=date(2025, 1, 1)), "a rotation has 5,000 days"),
        (lambda: Rotation.of("2/2", since=date(2025, 1, 1)), "is not a list of days"),
        (lambda: Rotation.of_weeks("A", since=date(2025, 1, 1)), "is not a list of weeks"),
        (lambda: Rotation.from_dict([1]), "is not a rotation"),
        (lambda: Rotation.from_dict({"since": "2025-01-01"}), 'either "days" or "weeks"'),
        (
            lambda: Rotation.from_dict({"sinse": "2025-01-01"}),
            'unknown key "sinse" in a rotation; did you mean "since"',
        ),
        (
            lambda: Calendar.parse(OFFICE, rotation=Rotation.of(["09:00-10:00"], since=date(2025, 1, 1))),
            "both a weekly pattern and a rotation",
        ),
        (lambda: Calendar.parse(OFFICE, half_days={"13-01": "14:00"}), '"13-01" is not a month and a day'),
        (lambda: Calendar.parse(OFFICE, half_days={"12-31": "25:00"}), '"25:00" is not a time of day'),
        (lambda: Calendar.parse(OFFICE, half_days={"12-31": True}), '"True" is not a time of day'),
        (
            lambda: Calendar.from_dict(yaml.safe_load("{weekly: {Mon: '09:00-10:00'}, holidays: NO}")),
            'e.g. "RU" or "NO"',
        ),
        (lambda: Calendar.parse(OFFICE, shorter_eves=60), "cannot be shorter without holidays"),
        (lambda: Calendar.parse(OFFICE, holidays="RU", shorter_eves=-60), "are -60 minutes shorter"),
        (lambda: Calendar.parse(OFFICE, holidays="DE+bnak"), '"bnak" is no category of free days of "DE"'),
        (lambda: Calendar.parse(OFFICE, holidays="US+half_day"), '"half_day" is no category of free days'),
        (lambda: Calendar.from_dict({"weekly": OFFICE, "shorter_eves": "1h"}), "is not a number of minutes"),
        (lambda: Calendar.from_dict({"weekly": OFFICE, "absences": "July"}), "absences: .* give a list"),
        (lambda: Calendar.from_dict({"weekly": OFFICE, "half_days": ["12-31"]}), "half_days: .* give pairs"),
        (lambda: Calendar.from_dict({"all_of": [{"weekly": OFFICE}], "holidays": "RU"}), 'has "holidays" of its own'),
        (lambda: Calendar.from_dict({"any_of": [5]}), '"5" is not a calendar'),
        (lambda: Calendar.from_dict(nested(20)), "more than 8 deep"),
        (lambda: Calendar(all_of=(Calendar.parse(OFFICE),), holidays="RU"), "has `holidays` of its own"),
        (lambda: Calendar(all_of=(WEEK,), any_of=(WEEK,)), "both `all_of` and `any_of`"),
        (lambda: (WEEK & Calendar.parse({"Sat": "09:00-10:00"})).next_open(0), "does not open|never opens again"),
        (lambda: WEEK.working_time(0.5, 1), "start: values of type float64 are not whole microseconds"),
        (lambda: WEEK.working_time(0, [float("nan")]), "end: values of type float64"),
        (lambda: WEEK.add(0, True), "duration: values of type bool"),
        (lambda: WEEK.is_open(np.array(["NaT"], dtype="datetime64[us]")), "1 of 1 values are missing"),
        (lambda: WEEK.next_open(np.uint64(5)), "type uint64"),
        (lambda: WEEK.working_time(0, 2**70), "type object"),
        (lambda: WEEK.working_time(0, 2**62), "lies about the year 148,108"),
        (lambda: WEEK.is_open(to_us(datetime(1, 1, 1, tzinfo=UTC))), "calendars know the years 1900 to 2200"),
        (lambda: WEEK.add(to_us(datetime(9999, 12, 31, tzinfo=UTC)), 1), "calendars know the years"),
    ],
)
def test_mistakes_are_explained(make: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        make()


def test_a_calendar_of_past_exceptions_only_says_that_it_never_opens_again() -> None:
    calendar = Calendar.parse({}, exceptions={date(2025, 1, 2): "09:00-10:00"})
    with pytest.raises(DataError, match=r"never opens again|does not open"):
        calendar.next_open(to_us(datetime(2025, 6, 1, tzinfo=UTC)))


def test_dates_may_be_text_and_nonsense_is_told() -> None:
    week = {"Mon-Fri": "09:00-18:00"}
    calendar = Calendar.parse(week, exceptions={"2025-05-02": ""}, absences=[("2025-07-07", "2025-07-20", "vacation")])
    assert calendar.to_dict()["exceptions"] == {"2025-05-02": ""}
    assert calendar.without([("2025-08-01", "2025-08-02")]).absences[1].last == date(2025, 8, 2)
    with pytest.raises(DataError, match="nonsense"):
        Calendar.parse(week, exceptions={"nonsense": ""})

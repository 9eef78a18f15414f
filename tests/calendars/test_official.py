from __future__ import annotations

from datetime import date, timedelta

import pytest

from mkmine.calendars.official import declared_days, public_holidays

# The published production calendars: weekend days that are worked, and days that are an hour shorter.
RUSSIA = {
    2018: ("04-28 06-09 12-29", "02-22 03-07 04-28 05-08 06-09 12-29"),
    2019: ("", "02-22 03-07 04-30 05-08 06-11 12-31"),
    2020: ("", "04-30 05-08 06-11 11-03 12-31"),
    2021: ("02-20", "02-20 04-30 06-11 11-03"),
    2022: ("03-05", "02-22 03-05 11-03"),
    2023: ("", "02-22 03-07 11-03"),
    2024: ("04-27 11-02 12-28", "02-22 03-07 05-08 06-11 11-02"),
    2025: ("11-01", "03-07 04-30 06-11 11-01"),
    2026: ("", "04-30 05-08 06-11 11-03"),
}


@pytest.mark.parametrize("year", RUSSIA)
def test_the_russian_production_calendar(year: int) -> None:
    found = declared_days("RU", year)
    days = [date(year, 1, 1) + timedelta(days=number) for number in range(366)]
    worked = {day for day in days if day.year == year and (day.weekday() < 5 or day in found.worked)} - found.free
    moved, eves = RUSSIA[year]
    assert " ".join(f"{day:%m-%d}" for day in sorted(found.worked)) == moved
    assert " ".join(f"{day:%m-%d}" for day in sorted(found.eves & worked)) == eves
    assert public_holidays("RU", year) == (found.free, frozenset(found.worked))


def test_a_worked_day_takes_the_hours_of_the_day_off_that_was_given_for_it() -> None:
    assert declared_days("RU", 2024).worked == {
        date(2024, 4, 27): date(2024, 4, 29),
        date(2024, 11, 2): date(2024, 4, 30),
        date(2024, 12, 28): date(2024, 12, 30),
    }


def test_subdivisions_and_further_categories() -> None:
    epiphany = date(2025, 1, 6)
    assert epiphany in declared_days("DE-BY", 2025).free
    assert epiphany not in declared_days("DE", 2025).free
    christmas_eve = date(2025, 12, 24)
    assert christmas_eve not in declared_days("AT", 2025).free
    assert christmas_eve in declared_days("AT+bank", 2025).free


def test_holidays_at_a_weekend_are_given_on_another_day_unless_told_otherwise() -> None:
    # 4 July 2026 is a Saturday.
    assert date(2026, 7, 3) in declared_days("US", 2026).free
    assert date(2026, 7, 3) not in declared_days("US+unobserved", 2026).free
    # New Year's Day of 2022 was a Saturday, given on the last day of the year before.
    assert date(2021, 12, 31) in declared_days("US", 2021).free


def test_years_that_the_package_does_not_know_are_free_of_holidays() -> None:
    assert declared_days("RU", 1985).free == frozenset()
    assert declared_days("RU", 2150).free == frozenset()

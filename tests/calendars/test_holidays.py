"""An office whose calendar is made of others keeps its holidays in a calibrated model."""

from __future__ import annotations

from mkmine.calendars import Calendar, holidays_of

RU = Calendar.parse({"Mon-Fri": "09:00-18:00"}, holidays="RU")
PLAIN = Calendar.parse({"Mon-Sun": "09:00-21:00"})


def test_the_holidays_of_a_calendar_made_of_others_are_found() -> None:
    assert holidays_of(RU) == "RU"
    assert holidays_of(PLAIN) is None
    assert holidays_of(Calendar(all_of=(PLAIN, RU))) == "RU"
    assert holidays_of(Calendar(any_of=(RU, RU))) == "RU"
    assert holidays_of(Calendar(any_of=(Calendar(all_of=(PLAIN, RU)), RU))) == "RU"


def test_who_is_open_on_holidays_without_one_part_has_none() -> None:
    both = Calendar(any_of=(PLAIN, RU))
    assert holidays_of(both) is None
    # 12 June 2025 is a holiday in Russia; the other part is open.
    assert both.is_open([1749718800000000]).all()

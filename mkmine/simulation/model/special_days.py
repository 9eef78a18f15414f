"""Days of the month and around holidays, on which more or fewer cases may come than on others of their weekday."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from functools import cache
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from mkmine.calendars import public_holidays

__all__ = ["DAY_KINDS", "DayKind", "days_of_kind"]

DayKind = Literal["month_start", "month_end", "holiday_eve", "after_holiday"]
DAY_KINDS: tuple[DayKind, ...] = get_args(DayKind)
_DAY = timedelta(days=1)


def days_of_kind(kind: DayKind, days: Sequence[date], country: str | None) -> NDArray[np.bool_]:
    """Return which days (n,) are of a kind.

    They are the first and the last working day of a month, and the working days next before and next after a public
    holiday of a country (there are none without one). Working days are those from Monday to Friday that are no
    holidays.
    """
    working, holiday = _calendar(country)
    tests: dict[DayKind, Callable[[date], bool]] = {
        "month_start": lambda day: not any(working(day - n * _DAY) for n in range(1, day.day)),
        "month_end": lambda day: not any(working(one) for one in _rest_of_month(day)),
        "holiday_eve": lambda day: _holiday_next(day, _DAY, working, holiday),
        "after_holiday": lambda day: _holiday_next(day, -_DAY, working, holiday),
    }
    return np.array([working(day) and tests[kind](day) for day in days], dtype=np.bool_)


def _calendar(country: str | None) -> tuple[Callable[[date], bool], Callable[[date], bool]]:
    @cache
    def of_year(year: int) -> frozenset[date]:
        return frozenset(public_holidays(country, year)[0]) if country else frozenset()

    def holiday(day: date) -> bool:
        return day in of_year(day.year)

    return (lambda day: day.weekday() < 5 and not holiday(day)), holiday


def _rest_of_month(day: date) -> list[date]:
    out = []
    while (day := day + _DAY).day != 1:
        out.append(day)
    return out


def _holiday_next(day: date, step: timedelta, working: Callable[[date], bool], holiday: Callable[[date], bool]) -> bool:
    """Whether a holiday lies between a day and the working day next to it."""
    found = False
    while not working(day := day + step):
        found = found or holiday(day)
    return found

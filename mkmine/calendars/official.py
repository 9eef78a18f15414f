"""Days that a country declares: public holidays, weekend days worked instead of others, and eves of holidays."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from mkmine.errors import DataError, nearest

if TYPE_CHECKING:
    from holidays import HolidayBase

__all__ = ["Declared", "declared_days", "public_holidays"]

_DAY = timedelta(days=1)
# These categories of the `holidays` package do not name days that are free.
_NOT_FREE = ("half_day", "weekend", "workday")


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What a country declares for a year.

    free
        The days on which nobody works: public holidays, and days off that were moved from elsewhere.
    worked
        The weekend days that are worked, each with the day whose hours it takes.
    eves
        The days directly before a public holiday. A day off that was moved makes no eve, and a weekend day that is
        worked instead of an eve is one.
    """

    free: frozenset[date]
    worked: Mapping[date, date]
    eves: frozenset[date]


def public_holidays(code: str, year: int) -> tuple[frozenset[date], frozenset[date]]:
    """Return the closed days and the worked weekend days of a year. Raises `DataError` as `declared_days` does."""
    found = declared_days(code, year)
    return found.free, frozenset(found.worked)


@lru_cache(maxsize=4096)
def declared_days(code: str, year: int) -> Declared:
    """Return what a country declares for a year, as the `holidays` package knows it.

    `code` is a country with perhaps a subdivision, `"RU"` or `"DE-BY"`. After a `+` come further categories of days
    that are free, `"AT+bank"` (optional, school, catholic, ... where the package has them), or `unobserved`: a holiday
    at a weekend is then not given on another day.

    A weekend day that is worked takes the hours of the day off that was given for it, or if that is not told of the
    Friday before; so does Russian law, which also makes the eves of holidays an hour shorter (Labour Code, articles 95
    and 112; order 588n of 2009).

    Years that the package does not know have no holidays (for most countries those before 1950 and after 2100), and
    moved days are known only when they have been declared, about a year ahead.

    Raises `DataError` if the country, the subdivision or the category is not known.
    """
    found = _ask(code, year)
    proper = {day for day in found if not _is_moved(found, day)}
    eves = {day - _DAY for day in proper}
    worked = {day: _instead_of(found, day) for day in sorted(found.weekend_workdays) if day.year == year}
    eves |= {day for day, instead in worked.items() if instead in eves}
    return Declared(
        free=frozenset(day for day in found if day.year == year),
        worked=worked,
        eves=frozenset(day for day in eves if day.year == year),
    )


def _is_moved(found: HolidayBase, day: date) -> bool:
    """Whether a day is free only because it was given for another one."""
    label = getattr(found, "substituted_label", None)
    return label is not None and str(found[day]).startswith(found.tr(label).partition("%s")[0])


def _instead_of(found: HolidayBase, worked: date) -> date:
    """Return the day off whose name says that it was given for a worked weekend day, or else the Friday before."""
    friday = worked - (worked.weekday() - 4) * _DAY
    style = getattr(found, "substituted_date_format", None)
    if style is None:
        return friday
    told = worked.strftime(found.tr(style))
    return next((day for day, name in found.items() if told in name and _is_moved(found, day)), friday)


def _ask(code: str, year: int) -> HolidayBase:
    """Return the package's answer for a year and the one after it, from which days may be moved."""
    import holidays

    place, *extras = (part.strip() for part in code.split("+"))
    country, _, subdivision = place.partition("-")
    categories = [one for one in extras if one != "unobserved"]
    with warnings.catch_warnings():
        # It warns of years that it does not know, also of those around the ones that are asked for.
        warnings.simplefilter("ignore", UserWarning)
        try:
            known = holidays.country_holidays(country, subdiv=subdivision or None).supported_categories
            _check(categories, known, place)
            return holidays.country_holidays(
                country,
                subdiv=subdivision or None,
                years=(year, year + 1),
                observed="unobserved" not in extras,
                categories=("public", *categories),
            )
        except NotImplementedError:
            raise DataError(
                f'no holidays are known for "{code}"; write a country code such as "RU" or "DE-BY", or list them as '
                f"exceptions"
            ) from None


def _check(categories: list[str], known: tuple[str, ...], place: str) -> None:
    for category in categories:
        if category not in known or category in _NOT_FREE:
            choice = sorted({*known, "unobserved"} - {"public", *_NOT_FREE})
            raise DataError(f'"{category}" is no category of free days of "{place}"; {nearest(category, choice)}')

"""Whose public holidays close a calendar, also where it is made of others."""

from __future__ import annotations

from mkmine.calendars.calendar import Calendar

__all__ = ["holidays_of"]


def holidays_of(calendar: Calendar) -> str | None:
    """Return the country whose holidays close a calendar: of any part of `all_of`, or of each part of `any_of`."""
    found = [holidays_of(part) for part in (*calendar.all_of, *calendar.any_of)]
    if calendar.any_of and not all(found):
        return None
    return calendar.holidays or next(filter(None, found), None)

"""How long a working day is, in which long times are told."""

from __future__ import annotations

from mkmine.calendars import Calendar
from mkmine.language import Translator

__all__ = ["day_sentence"]


def day_sentence(calendar: Calendar, t: Translator) -> str:
    """Say how long a working day of this calendar is, in which long times are told."""
    if calendar.is_always_open:
        return t("Time is counted round the clock (24/7): 1 working day = 24 hours.")
    return t(
        "1 working day = {hours} of working time.", hours=t.number(calendar.hours_per_day, digits=1) + "\u00a0" + t("h")
    )

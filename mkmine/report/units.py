"""Working hours in the unit that reads best, the same unit for figures that are read together."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from mkmine.calendars import Calendar
from mkmine.language import Translator

__all__ = ["Unit", "day_sentence", "unit_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A unit of working time: its name for readers and its length in hours."""

    name: str
    hours: float
    digits: int

    def bare(self, hours: float, t: Translator, *, signed: bool = False) -> str:
        """Write working hours in this unit without its name; a dash where they are not finite."""
        if not math.isfinite(hours):
            return t.number(None)
        value = hours / self.hours
        digits = 0 if abs(value) >= 1000 else self.digits
        written = t.number(value, digits=digits)
        return f"+{written}" if signed and round(value, digits) > 0 else written

    def write(self, hours: float, t: Translator, *, signed: bool = False) -> str:
        """Write working hours in this unit with its name; a dash where they are not finite."""
        if not math.isfinite(hours):
            return t.number(None)
        return f"{self.bare(hours, t, signed=signed)}\u00a0{self.name}"


def unit_of(hours: Iterable[float], t: Translator, *, day: float, short: bool = False) -> Unit:
    """Return the unit for figures that are read together: that of the largest; `short` names days by one letter."""
    size = max((abs(value) for value in hours if math.isfinite(value)), default=0.0)
    if size < 0.995:
        return Unit(name=t("min"), hours=1 / 60, digits=0)
    if size < 2 * day:
        return Unit(name=t("h"), hours=1.0, digits=1)
    return Unit(name=t("d") if short else t("working days"), hours=day, digits=1)


def day_sentence(calendar: Calendar, t: Translator) -> str:
    """Say how long a working day of this calendar is, in which long times are told."""
    if calendar.is_always_open:
        return t("Time is counted round the clock (24/7): 1 working day = 24 hours.")
    return t(
        "1 working day = {hours} of working time.", hours=t.number(calendar.hours_per_day, digits=1) + "\u00a0" + t("h")
    )

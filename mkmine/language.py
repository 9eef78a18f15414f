"""The languages of the product: Russian and English texts, numbers, dates and durations.

English source strings are the message ids. Russian stands in `locale/ru.po` and is read at run time through Babel, so
that the catalogue that people edit is the one that is used.
"""

from __future__ import annotations

import locale
import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files
from io import BytesIO
from typing import Literal

from mkmine.errors import UnknownNameError

__all__ = ["Language", "Translator", "Unit", "column_unit", "default_language", "translator", "unit_of"]

Language = Literal["ru", "en"]
LANGUAGES: tuple[Language, ...] = ("en", "ru")
MISSING = "—"


def default_language() -> Language:
    """Return the language of `MKMINE_LANGUAGE`, or else of the user's locale; English where neither is ours."""
    for name in (os.environ.get("MKMINE_LANGUAGE"), os.environ.get("LC_ALL"), os.environ.get("LANG"), _system()):
        if name:
            return "ru" if name.casefold().startswith("ru") else "en"
    return "en"


def _system() -> str | None:
    try:
        return locale.getlocale()[0]
    except ValueError:
        return None


@lru_cache(maxsize=4)
def translator(language: str) -> Translator:
    """Return the translator into `language` (`"ru"` or `"en"`). Raises `UnknownNameError` for any other."""
    if language not in LANGUAGES:
        raise UnknownNameError.of(kind="language", name=str(language), known=LANGUAGES)
    return Translator(language)


class Translator:
    """Texts and numbers in one language. Called with an English message id, it returns the text."""

    def __init__(self, language: Language) -> None:
        self.language: Language = language
        self._texts = _catalogue(language)

    def __repr__(self) -> str:
        return f"Translator({self.language!r})"

    def __call__(self, message: str, **values: object) -> str:
        """Return the translation of `message`, with `{name}` fields filled from `values`."""
        # The catalogue's header stands under the empty id.
        text = self._texts.gettext(message) if message else ""
        return _one_stop(text.format(**values)) if values else text

    def plural(self, singular: str, plural: str, n: int, **values: object) -> str:
        """Return the form for `n` things; the field `{n}` is the number, grouped as the language does."""
        return self._texts.ngettext(singular, plural, n).format(n=self.number(n), **values)

    def number(self, value: float | None, *, digits: int = 0) -> str:
        """Return a number with `digits` decimals; a dash where it is missing or not finite."""
        if value is None or value != value or value in (float("inf"), float("-inf")):
            return MISSING
        text = f"{value:,.{digits}f}"
        if float(text.replace(",", "")) == 0:
            text = text.lstrip("-")
        if self.language == "ru":
            # U+202F, the narrow no-break space, groups thousands in Russian typography.
            text = text.replace(",", "\u202f").replace(".", ",")
        return text.replace("-", "\u2212")

    def percent(self, share: float | None, *, digits: int = 0) -> str:
        """Return a share (0.52) as a percentage (52 %)."""
        if share is None or share != share:
            return MISSING
        return self.number(100 * share, digits=digits) + ("\u00a0%" if self.language == "ru" else "%")

    def hours(self, hours: float | None, *, day: float = 8.0, signed: bool = False) -> str:
        """Return working hours in the unit that reads best: minutes, hours, or working days of `day` hours."""
        if hours is None or hours != hours:
            return MISSING
        size = abs(hours)
        if size < 0.995:
            value, digits, unit = hours * 60, 0, self("min")
        elif size < 2 * day:
            value, digits, unit = hours, 1, self("h")
        else:
            value, digits, unit = hours / day, 1, self("working days")
        if abs(value) >= 1000:
            digits = 0
        sign = "+" if signed and value > 0 else ""
        return f"{sign}{self.number(value, digits=digits)}\u00a0{unit}"

    def date(self, moment: datetime) -> str:
        """Return the day of a moment: 05.03.2025 in Russian, 5 Mar 2025 in English."""
        if self.language == "ru":
            return moment.strftime("%d.%m.%Y")
        months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        return f"{moment.day} {months[moment.month - 1]} {moment.year}"


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


def column_unit(hours: Iterable[float], t: Translator, *, day: float) -> Unit:
    """Return the unit for the figures of one column: that of the largest, or a finer one that leaves none at zero."""
    sizes = [abs(value) for value in hours if math.isfinite(value) and abs(value) > 1e-9]
    unit = unit_of(sizes, t, day=day)
    if sizes and round(min(sizes) / unit.hours, unit.digits) == 0 and unit.hours > 1:
        return Unit(name=t("h"), hours=1.0, digits=1)
    return unit


def _one_stop(text: str) -> str:
    """Return the sentence with one full stop where it ends in an abbreviation: «5 раб. дн.»."""
    return text.replace("дн..", "дн.") if "дн.." in text and "дн..." not in text else text


def _catalogue(language: Language) -> NullTranslations:
    if language == "en":
        return NullTranslations()
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    with files("mkmine").joinpath("locale", f"{language}.po").open("rb") as source:
        catalogue = read_po(source, locale=language)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)

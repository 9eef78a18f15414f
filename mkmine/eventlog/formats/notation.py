"""Dates written as text, read column by column of characters: all rows of one notation at once.

A notation is found in the first row that is not read yet, as the places of its digits and marks; every row of the same
length whose marks stand in the same places is read by it. What is left (names of months, halves of the day, digits of
varying number) is read by a regular expression, each distinct text once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from mkmine.calendars import HOUR

__all__ = [
    "DAY_FIRST",
    "EAST",
    "EITHER",
    "MONTH_FIRST",
    "NOTATION",
    "NO_CLOCK",
    "NO_OFFSET",
    "UNREAD",
    "WEST",
    "YEAR_FIRST",
    "Fields",
    "offset_minutes",
    "read_fields",
]

Int = NDArray[np.int64]
MINUTE, SECOND = 60_000_000, 1_000_000
# How the numbers of a date stand.
UNREAD, YEAR_FIRST, DAY_FIRST, MONTH_FIRST, EITHER = range(5)
NO_OFFSET = np.iinfo(np.int16).min
# How many minutes clocks are ahead of UTC, and behind it, at most; the mark of an offset that no clock has.
EAST, WEST, NO_CLOCK = 14 * 60, 12 * 60, np.iinfo(np.int16).max
# Rows that are read at once: their characters stay in the processor's cache.
BLOCK = 1 << 14
LONGEST, MOST_NOTATIONS, FEW = 40, 12, 64
AFTERNOON = 100

MONTHS = {
    name: number
    for number, names in enumerate(
        (
            ("jan", "янв"),
            ("feb", "фев"),
            ("mar", "мар"),
            ("apr", "апр"),
            ("may", "май", "мая"),
            ("jun", "июн"),
            ("jul", "июл"),
            ("aug", "авг"),
            ("sep", "сен"),
            ("oct", "окт"),
            ("nov", "ноя"),
            ("dec", "дек"),
        ),
        start=1,
    )
    for name in names
}
NOTATION = re.compile(
    r"^(?P<a>\d{1,4}|[^\W\d]{3,9}\.?)(?P<mark>[-./ ]|, ?)(?P<b>\d{1,2}|[^\W\d]{3,9}\.?)(?:[-./ ]|, ?)(?P<c>\d{2,4})"
    r"(?:(?:T|,? +|\u00a0)(?P<hour>\d{1,2})(?::(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9}))?)?)?"
    r" ?(?P<half>[AaPp]\.?[Mm]\.?)?)?(?: ?(?P<offset>Z|UTC|GMT|[+-]\d\d:?(?:\d\d)?))?$"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """What n texts say: the three numbers of the date as they stand, and the rest.

    Attributes
    ----------
    date
        (3, n), in the order of the text; the name of a month is its number.
    order
        (n,): UNREAD, or where year, month and day are; EITHER where the marks are used for both of the last two.
    clock, offset
        (n,): µs since midnight (-1 where there is no such time of day), and minutes from UTC (`NO_OFFSET` without one,
        `NO_CLOCK` where no clock is as far from it).
    twelve
        Whether a half of the day is named anywhere.
    """

    date: NDArray[np.int16]
    order: NDArray[np.int8]
    clock: Int
    offset: NDArray[np.int16]
    twelve: bool


def read_fields(texts: pa.Array) -> Fields:
    """Read Arrow text (large strings without nulls)."""
    reading = _Reading(texts)
    for length in np.unique(np.minimum(reading.lengths, LONGEST + 1)).tolist():
        if 0 < length <= LONGEST:
            reading.by_places(length)
    reading.by_words()
    return reading.fields()


class _Reading:
    """The fields of n texts while they are filled in."""

    def __init__(self, texts: pa.Array) -> None:
        n = len(texts)
        _, ends, held = texts.buffers()
        self.texts = texts
        self.offsets = (
            np.frombuffer(ends, dtype=np.int64)[texts.offset : texts.offset + n + 1] if n else np.zeros(1, int)
        )
        self.data = np.frombuffer(held, dtype=np.uint8) if held is not None and held.size else np.zeros(1, np.uint8)
        self.lengths = np.diff(self.offsets)
        self.unread = self.lengths > 0
        self.date = np.zeros((3, n), dtype=np.int16)
        self.order = np.full(n, UNREAD, dtype=np.int8)
        self.clock = np.zeros(n, dtype=np.int64)
        self.offset = np.full(n, NO_OFFSET, dtype=np.int16)
        self.twelve = False

    def fields(self) -> Fields:
        return Fields(date=self.date, order=self.order, clock=self.clock, offset=self.offset, twelve=self.twelve)

    def by_places(self, length: int) -> None:
        """Read the texts of one length, one notation after the other; what none of them fits stays unread."""
        rows, passed = np.flatnonzero(self.lengths == length), 0
        for _ in range(MOST_NOTATIONS):
            if len(rows) - passed < FEW:
                return
            notation = _Notation.of(self.texts[int(rows[passed])].as_py())
            if notation is None:
                # A word, or no date at all. The next one may yet be as most are.
                passed += 1
                continue
            misfits = [self.block(rows[at : at + BLOCK], length, notation) for at in range(0, len(rows), BLOCK)]
            rows = np.concatenate(misfits)

    def block(self, rows: Int, length: int, notation: _Notation) -> Int:
        """Read some rows by a notation; return those that it does not fit."""
        first, last = int(rows[0]), int(rows[-1])
        where: Any = rows
        if last - first + 1 == len(rows):
            where = slice(first, last + 1)
            # They stand side by side: their characters are a matrix already.
            whole = self.data[self.offsets[first] : self.offsets[first] + length * len(rows)]
            characters = whole.reshape(len(rows), length)
        else:
            characters = self.data[self.offsets[rows][:, None] + np.arange(length)]
        fits, values = notation.read(characters)
        if not fits.all():
            where, rows, values = rows[fits], rows[~fits], values[:, fits]
        else:
            rows = rows[:0]
        self.date[:, where] = values[:3]
        self.order[where] = notation.order
        hour, minute, second, fraction = values[3:7].astype(np.int64)
        self.clock[where] = _clock(hour, minute, second, fraction, notation.half is not None)
        self.twelve = self.twelve or notation.half is not None
        if notation.aware:
            self.offset[where] = values[7].astype(np.int16)
        self.unread[where] = False
        return rows

    def by_words(self) -> None:
        """Read what is left by the regular expression, each distinct text once."""
        rows = np.flatnonzero(self.unread)
        if not len(rows):
            return
        coded = self.texts.take(pa.array(rows)).dictionary_encode()
        codes = coded.indices.to_numpy()
        unique = pd.Series(coded.dictionary.to_pylist(), dtype=object).str.strip()
        parts = unique.str.extract(NOTATION)
        a, b, c = (_number(parts[name]) for name in "abc")
        names = [parts[name].str.lower().str[:3].map(MONTHS) for name in "ab"]
        spelled = [one.notna().to_numpy() for one in names]
        year_first = parts["a"].str.fullmatch(r"\d{4}").fillna(False).to_numpy(dtype=np.bool_)
        open_order = ~year_first & parts["mark"].isin(["/", "-"]).to_numpy()
        order = np.select(
            [year_first, spelled[0], spelled[1], open_order], [YEAR_FIRST, MONTH_FIRST, DAY_FIRST, EITHER], DAY_FIRST
        )
        a = np.where(spelled[0], names[0].fillna(0), a)
        b = np.where(spelled[1] & ~spelled[0], names[1].fillna(0), b)
        half = parts["half"].str.lower().str[0]
        twelve = half.notna().to_numpy()
        # Of halves of the day, the second is told by an hour beyond all others.
        hour = _number(parts["hour"]) + np.where(half == "p", AFTERNOON, 0)
        minute, second = _number(parts["minute"]), _number(parts["second"])
        clock = _clock(hour, minute, second, _number(parts["fraction"].str.ljust(9, "0").str[:6]), twelve)
        order = np.where(parts["a"].notna(), order, UNREAD)
        self.date[:, rows] = np.stack((a, b, c)).astype(np.int16)[:, codes]
        self.order[rows] = order.astype(np.int8)[codes]
        self.clock[rows] = clock[codes]
        self.offset[rows] = offset_minutes(parts["offset"])[codes]
        self.twelve = self.twelve or bool(twelve.any())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Notation:
    """Where the digits of a text stand, what they count (a field and a weight), and which marks are between them."""

    digits: tuple[int, ...]
    worth: tuple[tuple[int, int], ...]
    marks: tuple[tuple[int, int], ...]
    sign: int | None
    half: int | None
    order: int
    aware: bool

    @classmethod
    def of(cls, text: str) -> _Notation | None:
        """Return the notation of a text in which no month is named; None for another."""
        found = NOTATION.match(text) if text.isascii() else None
        if found is None or not (found["a"].isdigit() and found["b"].isdigit()):
            return None
        offset = found["offset"]
        signed = offset is not None and offset[0] in "+-"
        places: dict[int, tuple[int, int]] = {}
        for field, name in enumerate(("a", "b", "c", "hour", "minute", "second")):
            first, last = found.span(name)
            places |= {at: (field, 10 ** (last - 1 - at)) for at in range(first, last)}
        first, last = found.span("fraction")
        places |= {at: (6, 10 ** (5 - at + first) if at - first < 6 else 0) for at in range(first, last)}
        sign = None
        if signed:
            sign, last = found.span("offset")
            where = [at for at in range(sign + 1, last) if text[at] != ":"]
            # Minutes beyond 59 must not become hours.
            places |= dict(zip(where, ((7, 10), (7, 1), (8, 10), (8, 1)), strict=False))
        half = found.start("half") if found["half"] else None
        marks = tuple((at, ord(text[at])) for at in range(len(text)) if at not in places and at not in (sign, half))
        order = YEAR_FIRST if len(found["a"]) == 4 else EITHER if found["mark"] in "/-" else DAY_FIRST
        return cls(
            digits=tuple(places),
            worth=tuple(places.values()),
            marks=marks,
            sign=sign,
            half=half,
            order=order,
            aware=offset is not None,
        )

    def read(self, characters: NDArray[np.uint8]) -> tuple[NDArray[np.bool_], NDArray[np.int32]]:
        """Return which rows of characters (n, length) are of this notation, and their numbers (8, n)."""
        columns = np.ascontiguousarray(characters.T)
        # What is no digit wraps around to a large number.
        digits = columns[list(self.digits)] - np.uint8(48)
        fits = digits.max(axis=0) <= 9
        for at, mark in self.marks:
            fits &= columns[at] == mark
        numbers = np.zeros((9, len(characters)), dtype=np.int32)
        for digit, (field, weight) in zip(digits, self.worth, strict=True):
            numbers[field] += digit * np.int32(weight)
        if self.sign is not None:
            signs = columns[self.sign]
            fits &= (signs == ord("+")) | (signs == ord("-"))
            behind, minutes = signs == ord("-"), numbers[7] * 60 + numbers[8]
            real = (numbers[8] < 60) & (minutes <= np.where(behind, WEST, EAST))
            numbers[7] = np.where(real, np.where(behind, -minutes, minutes), NO_CLOCK)
        if self.half is not None:
            halves = columns[self.half] | 32
            fits &= (halves == ord("a")) | (halves == ord("p"))
            numbers[3, halves == ord("p")] += AFTERNOON
        return fits, numbers[:8]


def _clock(hour: Int, minute: Int, second: Int, fraction: Int, twelve: NDArray[np.bool_] | bool) -> Int:
    """Return µs since midnight, -1 where there is no such time; afternoons of twelve hours have AFTERNOON added."""
    late = hour >= AFTERNOON
    hour = np.where(late, hour - AFTERNOON, hour)
    legal = np.where(twelve, (hour >= 1) & (hour <= 12), hour <= 23) & (minute <= 59) & (second <= 59)
    hour = np.where(twelve, hour % 12 + 12 * late, hour)
    return np.where(legal, hour * HOUR + minute * MINUTE + second * SECOND + fraction, -1)


def _number(digits: pd.Series) -> Int:
    return pd.to_numeric(digits, errors="coerce").fillna(0).to_numpy(dtype=np.int64)


def offset_minutes(offsets: pd.Series) -> NDArray[np.int16]:
    """Return offsets as they are written ("Z", "+03:00", "-0530") in minutes; `NO_OFFSET` where there is none."""
    codes, known = pd.factorize(offsets)
    minutes = [_minutes(one) for one in known]
    return np.array([*minutes, NO_OFFSET], dtype=np.int16)[codes]


def _minutes(offset: str) -> int:
    if offset[0] not in "+-":
        return 0
    digits = offset[1:].replace(":", "").ljust(4, "0")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    known = int(digits[2:]) < 60 and (minutes <= EAST if offset[0] == "+" else minutes <= WEST)
    return NO_CLOCK if not known else -minutes if offset[0] == "-" else minutes

"""Calendars while a simulation runs: arithmetic on plain lists, and the same as flat arrays for the compiled engine.

A binary search on a list costs a tenth of one through NumPy.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mkmine.calendars import DAY, Calendar, Timeline, from_year
from mkmine.errors import DataError

__all__ = ["LONGEST", "Clock", "Lines", "flattened"]

# No duration is longer (µs); it keeps a heavy tail inside the calendar.
LONGEST = 400 * 366 * DAY
_LAST_YEAR = 2190
Ints = NDArray[np.int64]
_NONE: Ints = np.empty(0, dtype=np.int64)


class Clock:
    """A calendar over a span of time that grows as it is needed; `longest` is its longest opening (µs) at first.

    Raises `DataError` when the simulation runs past the year 2190.
    """

    __slots__ = ("_before", "_ends", "_first", "_last", "_line", "_starts", "_total", "always", "calendar", "longest")

    def __init__(self, calendar: Calendar, first: int, last: int) -> None:
        self.calendar, self._first = calendar, first
        self.always = calendar.is_always_open
        self._starts: list[int]
        self._ends: list[int]
        self._before: list[int]
        self._total: int
        self._line = self._compiled(last)
        self.longest = LONGEST if self.always else int((self._line.ends - self._line.starts).max())

    def _compiled(self, last: int) -> Timeline:
        if from_year(last) > _LAST_YEAR:
            raise DataError(
                f"the simulation runs past the year {_LAST_YEAR}: the calendars are hardly ever open, or work piles up"
            )
        self._last = last
        return self.calendar.timeline(self._first, last)

    def __getattr__(self, name: str) -> Any:
        """Make the lists when they are first asked for: the compiled engine takes the arrays."""
        if name not in ("_starts", "_ends", "_before", "_total"):
            raise AttributeError(name)
        self._list()
        return getattr(self, name)

    def _list(self) -> None:
        line = self._line
        self._starts, self._ends, self._before = line.starts.tolist(), line.ends.tolist(), line.before.tolist()
        self._total = self._before[-1] + self._ends[-1] - self._starts[-1]

    def extend(self) -> None:
        """Reach twice as far, and a year more."""
        self._line = self._compiled(self._last + (self._last - self._first) + 366 * DAY)
        self._list()

    def add(self, moment: int, duration: int) -> int:
        """Return when `duration` µs of open time after `moment` have passed."""
        if self.always or duration == 0:
            return moment + duration
        while moment >= self._ends[-1]:
            self.extend()
        index = bisect_right(self._starts, moment) - 1
        opened = 0 if index < 0 else self._before[index] + min(moment, self._ends[index]) - self._starts[index]
        target = opened + duration
        while target > self._total:
            self.extend()
        index = bisect_left(self._before, target) - 1
        return self._starts[index] + target - self._before[index]

    def shift(self, moment: int) -> tuple[int, int]:
        """Return the open interval that holds `moment`, or the next one."""
        if self.always:
            return moment, moment + LONGEST
        while moment >= self._ends[-1]:
            self.extend()
        index = bisect_right(self._ends, moment)
        return self._starts[index], self._ends[index]

    def next_open(self, moment: int) -> int:
        """Return `moment`, or the next opening if it is closed."""
        return max(moment, self.shift(moment)[0])

    @property
    def line(self) -> tuple[Ints, Ints, Ints]:
        """Openings, closings, and the open time before each opening; nothing for a clock that never stops."""
        return (_NONE, _NONE, _NONE) if self.always else (self._line.starts, self._line.ends, self._line.before)


@dataclass(frozen=True, slots=True)
class Lines:
    """Clocks end to end: clock `c` has the intervals `first[c]:first[c + 1]`; none if it never stops."""

    first: Ints
    starts: Ints
    ends: Ints
    before: Ints


def flattened(clocks: Sequence[Clock]) -> Lines:
    """Return the clocks as flat arrays."""
    lines = [clock.line for clock in clocks]
    first = np.concatenate(([0], np.cumsum([len(line[0]) for line in lines]))).astype(np.int64)
    starts, ends, before = (np.concatenate([_NONE, *(line[k] for line in lines)]) for k in range(3))
    return Lines(first, starts, ends, before)

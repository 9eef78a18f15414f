"""Calendars: arithmetic on the compiled lines of all clocks."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from mkmine.simulation.engine.kernel import layout as at
from mkmine.simulation.engine.kernel.kernels import inlined

__all__ = ["add", "next_open", "opening", "shift"]

Memory = NDArray[Any]


@inlined
def _after(p: Memory, section: int, low: int, high: int, wanted: int) -> int:
    """Return the first place between `low` and `high` of a sorted section of the tables above `wanted`."""
    while low < high:
        middle = (low + high) >> 1
        if p[section + middle] <= wanted:
            low = middle + 1
        else:
            high = middle
    return low


@inlined
def add(p: Memory, clock: int, moment: int, duration: int) -> int:
    """Return when `duration` of open time after `moment` has passed; -1 beyond the compiled span."""
    first, last = p[p[at.LINE_FIRST] + clock], p[p[at.LINE_FIRST] + clock + 1]
    if first == last or duration == 0:
        return moment + duration
    starts, ends, before = p[at.LINE_STARTS], p[at.LINE_ENDS], p[at.LINE_BEFORE]
    if moment >= p[ends + last - 1]:
        return -1
    index = _after(p, starts, first, last, moment) - 1
    opened = 0
    if index >= first:
        opened = p[before + index] + min(moment, p[ends + index]) - p[starts + index]
    target = opened + duration
    if target > p[before + last - 1] + p[ends + last - 1] - p[starts + last - 1]:
        return -1
    index = _after(p, before, first, last, target - 1) - 1
    return p[starts + index] + target - p[before + index]


@inlined
def shift(p: Memory, clock: int, moment: int) -> tuple[int, int]:
    """Return the open interval that holds `moment`, or the next one; -1 beyond the compiled span."""
    first, last = p[p[at.LINE_FIRST] + clock], p[p[at.LINE_FIRST] + clock + 1]
    if first == last:
        return moment, moment + p[at.LONGEST]
    if moment >= p[p[at.LINE_ENDS] + last - 1]:
        return -1, -1
    index = _after(p, p[at.LINE_ENDS], first, last, moment)
    return p[p[at.LINE_STARTS] + index], p[p[at.LINE_ENDS] + index]


@inlined
def next_open(p: Memory, clock: int, moment: int) -> int:
    """Return `moment`, or the next opening if it is closed; -1 beyond the compiled span."""
    opens, _ = shift(p, clock, moment)
    return max(moment, opens) if opens >= 0 else -1


@inlined
def opening(p: Memory, m: Memory, worker: int, now: int) -> int:
    """Return `now` if the worker is on duty, or else their next opening."""
    if now >= m[m[at.CLOSES] + worker]:
        m[m[at.OPENS] + worker], m[m[at.CLOSES] + worker] = shift(p, p[p[at.WORKER_CLOCK] + worker], now)
    return max(now, m[m[at.OPENS] + worker]) if m[m[at.CLOSES] + worker] >= 0 else -1

"""What happens when: the heap of events, and the stack of what remains to be done at this moment."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from mkmine.simulation.engine.kernel import layout as at
from mkmine.simulation.engine.kernel.kernels import inlined

__all__ = ["later", "next_event", "put", "schedule"]

Memory = NDArray[Any]


@inlined
def schedule(m: Memory, who: int, moment: int) -> None:
    """Let `who` (0 the arrivals, then the workers, then their comings, then the waits) happen at `moment`."""
    m[at.SEQUENCE] += 1
    times, marks = m[at.EVENT_TIME], m[at.EVENT_MARK]
    place = m[at.EVENTS]
    m[at.EVENTS] = place + 1
    while place > 0:
        parent = (place - 1) >> 1
        above = m[times + parent]
        # Of two events of a moment, the one that was scheduled first happens first.
        if above <= moment:
            break
        m[times + place], m[marks + place] = above, m[marks + parent]
        place = parent
    m[times + place], m[marks + place] = moment, m[at.SEQUENCE] << at.WHO_BITS | who


@inlined
def next_event(m: Memory) -> tuple[int, int]:
    """Take the next event: its moment, and who happens."""
    times, marks = m[at.EVENT_TIME], m[at.EVENT_MARK]
    moment, who = m[times], m[marks] & ((1 << at.WHO_BITS) - 1)
    size = m[at.EVENTS] - 1
    m[at.EVENTS] = size
    time, mark = m[times + size], m[marks + size]
    place, child = 0, 1
    while child < size:
        below, least = m[times + child], m[marks + child]
        if child + 1 < size:
            other = m[times + child + 1]
            if other < below or (other == below and m[marks + child + 1] < least):
                child += 1
                below, least = other, m[marks + child]
        if below > time or (below == time and least > mark):
            break
        m[times + place], m[marks + place] = below, least
        place, child = child, 2 * child + 1
    m[times + place], m[marks + place] = time, mark
    return moment, who


@inlined
def later(p: Memory, m: Memory, moment: int, what: int, case: int, place: int, group: int, since: int) -> None:
    """Let something happen to a case at `moment`."""
    wait = m[at.FREE_WAIT]
    m[at.FREE_WAIT] = m[m[at.WAIT_CASE] + wait]
    m[m[at.WAIT_WHAT] + wait], m[m[at.WAIT_CASE] + wait], m[m[at.WAIT_PLACE] + wait] = what, case, place
    m[m[at.WAIT_GROUP] + wait], m[m[at.WAIT_SINCE] + wait] = group, since
    schedule(m, 1 + 2 * p[at.WORKERS] + wait, moment)


@inlined
def put(m: Memory, what: int, case: int, place: int, group: int, since: int, person: int) -> None:
    """Lay something on the stack."""
    thing = m[at.TODO_OF] + at.THING * m[at.N_TODO]
    m[at.N_TODO] += 1
    m[thing], m[thing + 1], m[thing + 2] = what, case, place
    m[thing + 3], m[thing + 4], m[thing + 5] = group, since, person

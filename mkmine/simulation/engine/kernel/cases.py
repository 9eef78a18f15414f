"""Cases: how they begin, what they remember, and how their branches end."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from mkmine.simulation.engine.kernel import layout as at
from mkmine.simulation.engine.kernel.events import put
from mkmine.simulation.engine.kernel.kernels import inlined, rare
from mkmine.simulation.engine.kernel.queues import dismiss

__all__ = ["end_branch", "is_dead", "leave_place", "start_case", "start_old", "terminate", "visit"]

Memory = NDArray[Any]


@inlined
def _fill(m: Memory, first: int, count: int, value: int) -> None:
    for place in range(first, first + count):
        m[place] = value


@inlined
def _start(p: Memory, m: Memory, case: int) -> int:
    """A case begins; return where what it remembers is kept."""
    slot = m[at.FREE_SLOT]
    m[at.FREE_SLOT] = m[m[at.SLOT_CHAIN] + slot]
    m[m[at.SLOT] + case] = slot
    _fill(m, m[at.VISITS] + slot * p[at.PLACES], p[at.PLACES], 0)
    if p[at.TRACED]:
        _fill(m, m[at.TRACE_OF] + slot * at.TRACE, at.TRACE, -1)
    if p[at.HANDED]:
        _fill(m, m[at.DOER] + slot * p[at.PLACES], p[at.PLACES], -1)
    if p[at.OVERLAPPING]:
        m[m[at.IN_HAND] + slot], m[m[at.ONWARD] + slot] = 0, at.OVERLAP
    if p[at.BRANCHED]:
        m[m[at.BRANCHES] + slot] = 1
        m[m[at.DEAD] + slot] = False
        _fill(m, m[at.ARRIVED] + slot * p[at.PLACES], p[at.PLACES], 0)
        _fill(m, m[at.OPENED] + slot * p[at.PLACES], p[at.PLACES], 1)
    return slot


@inlined
def start_case(p: Memory, m: Memory, case: int) -> None:
    """A case comes to its first place."""
    _start(p, m, case)
    put(m, at.ENTER, case, p[p[at.BEGIN] + case], -1, p[p[at.ARRIVALS] + case], 0)


@rare
def start_old(p: Memory, m: Memory, case: int, old: int) -> None:
    """A case goes on that was underway before the run."""
    slot = _start(p, m, case)
    for place in range(p[at.PLACES]):
        m[m[at.VISITS] + slot * p[at.PLACES] + place] = p[p[at.OLD_VISITS] + old * p[at.PLACES] + place]
        if p[at.HANDED]:
            m[m[at.DOER] + slot * p[at.PLACES] + place] = p[p[at.OLD_DOER] + old * p[at.PLACES] + place]
    if p[at.TRACED]:
        for k in range(at.TRACE):
            m[m[at.TRACE_OF] + slot * at.TRACE + k] = p[p[at.OLD_TRACE] + old * at.TRACE + k]
    put(m, at.RESUMED, case, p[p[at.OLD_PLACE] + old], old, 0, -1)


@inlined
def visit(p: Memory, m: Memory, base: Memory, case: int, place: int) -> int:
    """Count a visit and return where its draws are."""
    slot = m[m[at.SLOT] + case]
    number = m[m[at.VISITS] + slot * p[at.PLACES] + place]
    m[m[at.VISITS] + slot * p[at.PLACES] + place] = number + 1
    if p[at.TRACED] and p[p[at.KIND] + place] <= at.OUTSIDE:
        trace = m[at.TRACE_OF] + slot * at.TRACE
        for k in range(at.TRACE - 1, 0, -1):
            m[trace + k] = m[trace + k - 1]
        m[trace] = place
    return base[place, number, case >> p[at.SHIFT]]


# -- how they end ------------------------------------------------------------------------------------------------------


@inlined
def is_dead(p: Memory, m: Memory, case: int) -> bool:
    """Whether another branch has ended the whole case."""
    return p[at.BRANCHED] and m[m[at.DEAD] + m[m[at.SLOT] + case]]


@inlined
def leave_place(p: Memory, m: Memory, place: int) -> None:
    """Let a case leave an activity that counts those who are in it."""
    if p[p[at.LIMIT] + place]:
        put(m, at.WITHDRAW, -1, place, -1, 0, -1)


@rare
def end_branch(p: Memory, m: Memory, case: int) -> None:
    """A branch of a case ends; with the last one, the case, and another one may begin."""
    slot = m[m[at.SLOT] + case]
    if p[at.BRANCHED]:
        m[m[at.BRANCHES] + slot] -= 1
        if m[m[at.BRANCHES] + slot]:
            return
    m[at.FINISHED] += 1
    m[m[at.LEFT] + (case >> p[at.SHIFT])] -= 1
    m[m[at.SLOT] + case] = -1
    m[m[at.SLOT_CHAIN] + slot] = m[at.FREE_SLOT]
    m[at.FREE_SLOT] = slot
    if m[at.NEXT_START] < m[at.NEXT_CASE] and m[at.IN_PROCESS] - 1 < p[at.CONWIP]:
        put(m, at.START, m[at.NEXT_START], -1, -1, 0, -1)
        m[at.NEXT_START] += 1
    else:
        m[at.IN_PROCESS] -= 1


@rare
def terminate(p: Memory, m: Memory, case: int) -> None:
    """All the other branches of a case stop: what waits leaves its queue, what is in hand is its last."""
    slot = m[m[at.SLOT] + case]
    if not p[at.BRANCHED] or m[m[at.BRANCHES] + slot] == 1:
        return
    m[m[at.DEAD] + slot] = True
    for place in range(p[at.PLACES]):
        if p[p[at.KIND] + place] == at.JOIN:
            m[m[at.BRANCHES] + slot] -= m[m[at.ARRIVED] + slot * p[at.PLACES] + place]
            m[m[at.ARRIVED] + slot * p[at.PLACES] + place] = 0
    # The last one offered comes to lie on the stack first, so that the first one leaves its place first.
    highest = at.NEVER
    while True:
        latest, found = 0, -1
        for item in range(m[at.ITEM_ROOM]):
            number = m[m[at.ITEM_NUMBER] + item]
            if latest < number < highest and m[m[at.ITEM_CASE] + item] == case and not m[m[at.ITEM_GONE] + item]:
                latest, found = number, item
        if found < 0:
            return
        highest = latest
        place = m[m[at.ITEM_PLACE] + found]
        if p[p[at.TOGETHER] + place]:
            continue
        dismiss(m, found)
        m[m[at.BRANCHES] + slot] -= 1
        leave_place(p, m, place)

"""Ways: where a case goes on after an activity, by what was drawn, by context, and by who has done it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mkmine.simulation.engine.kernel import layout as at
from mkmine.simulation.engine.kernel.events import put
from mkmine.simulation.engine.kernel.kernels import inlined, rare
from mkmine.simulation.engine.kernel.limits import wait_at_door

__all__ = ["begun", "leave"]

Memory = NDArray[Any]


@rare
def _by_context(p: Memory, m: Memory, pool: Memory, case: int, place: int, group: int, target: int) -> int:
    """Return where a case goes: by the longest context that fits, or else to `target`."""
    slot = m[m[at.SLOT] + case]
    known = min(m[m[at.VISITS] + slot * p[at.PLACES] + place], p[p[at.ROUNDS] + place])
    row, inside = group + p[p[at.ROUTE] + place], case & ((1 << p[at.SHIFT]) - 1)
    node = p[p[at.CONTEXT_ROOT] + place * p[at.MOST_ROUNDS] + known - 1 + pool[row + 1, inside]]
    found, depth = -1, 1
    while node >= 0:
        if p[p[at.CONTEXT_EDGES] + node] >= 0:
            found = p[p[at.CONTEXT_EDGES] + node]
        if depth == at.TRACE:
            break
        activity = m[m[at.TRACE_OF] + slot * at.TRACE + depth]
        depth += 1
        below = -1
        for child in range(p[p[at.CONTEXT_FIRST] + node], p[p[at.CONTEXT_FIRST] + node + 1]):
            if p[p[at.CONTEXT_ACTIVITY] + child] == activity:
                below = p[p[at.CONTEXT_NEXT] + child]
        node = below
    if found < 0:
        return target
    u = pool[row].view(np.float64)[inside]
    edges = p.view(np.float64)
    edge = p[p[at.EDGE_FIRST] + found]
    while edge < p[p[at.EDGE_FIRST] + found + 1] - 1 and edges[p[at.EDGE] + edge] <= u:
        edge += 1
    return p[p[at.EDGE_TARGET] + edge]


@inlined
def _target(p: Memory, m: Memory, pool: Memory, case: int, place: int, group: int, person: int) -> int:
    """Return where a case goes after an activity that a person (or nobody, -1) does."""
    column = 1
    if person >= 0:
        column += p[p[at.HABIT] + place * p[at.PEOPLE] + person]
    target = pool[group + column, case & ((1 << p[at.SHIFT]) - 1)]
    if p[p[at.ROUTE] + place] >= 0:
        target = _by_context(p, m, pool, case, place, group, target)
    return target


@rare
def begun(p: Memory, m: Memory, pool: Memory, case: int, place: int, group: int, person: int) -> None:
    """Where activities overlap: one begins, and the case goes on at once, or when all that is in hand is done."""
    target, slot = _target(p, m, pool, case, place, group, person), m[m[at.SLOT] + case]
    m[m[at.IN_HAND] + slot] += 1
    if target >= at.OVERLAP:
        put(m, at.ENTER, case, target - at.OVERLAP, -1, m[at.NOW], 1)
        target = at.OVERLAP
    m[m[at.ONWARD] + slot] = target


@rare
def _ended(m: Memory, case: int, now: int) -> None:
    """Where activities overlap: one is over; with the last one that was in hand, the case goes on."""
    slot = m[m[at.SLOT] + case]
    m[m[at.IN_HAND] + slot] -= 1
    target = m[m[at.ONWARD] + slot]
    if m[m[at.IN_HAND] + slot] == 0 and target != at.OVERLAP:
        m[m[at.ONWARD] + slot] = at.OVERLAP
        put(m, at.ENTER, case, target, -1, now, 0)


@inlined
def leave(p: Memory, m: Memory, pool: Memory, case: int, place: int, group: int, person: int, now: int) -> None:
    """A case leaves an activity that a person (or nobody, -1) has done, if there is room where it goes."""
    if p[at.OVERLAPPING]:
        _ended(m, case, now)
        return
    target = _target(p, m, pool, case, place, group, person)
    if p[p[at.LIMIT] + place]:
        if target == place:
            put(m, at.VISIT, case, place, -1, now, 0)
            return
        if target >= 0 and p[p[at.LIMIT] + target] and m[m[at.INSIDE] + target] >= p[p[at.LIMIT] + target]:
            wait_at_door(m, target, case, now, place)
            return
        put(m, at.WITHDRAW, -1, place, -1, 0, -1)
    put(m, at.ENTER, case, target, -1, now, 0)

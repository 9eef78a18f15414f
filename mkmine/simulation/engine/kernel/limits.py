"""Activities that hold work back: doors of limits on the work in progress, and batches."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from mkmine.simulation.engine.kernel import layout as at
from mkmine.simulation.engine.kernel.cases import end_branch, is_dead, leave_place
from mkmine.simulation.engine.kernel.events import later, put
from mkmine.simulation.engine.kernel.kernels import rare
from mkmine.simulation.engine.kernel.moments import add, next_open
from mkmine.simulation.engine.kernel.queues import claim, release

__all__ = ["collect", "drop_first", "hand_over", "offer_first", "open_door", "take_apart", "wait_at_door", "withdraw"]

Memory = NDArray[Any]


@rare
def wait_at_door(m: Memory, place: int, case: int, since: int, origin: int) -> None:
    """A case waits at the door of a full place, and keeps its place where it was (-1: nowhere)."""
    item = claim(m, case, origin, -1, since)
    if m[m[at.DOOR_FIRST] + place] < 0:
        m[m[at.DOOR_FIRST] + place] = item
    else:
        m[m[at.ITEM_NEXT] + m[m[at.DOOR_LAST] + place]] = item
    m[m[at.DOOR_LAST] + place] = item


@rare
def withdraw(m: Memory, place: int) -> None:
    """A place has become free: who waits at the door takes it."""
    m[m[at.INSIDE] + place] -= 1
    put(m, at.DOOR, -1, place, -1, 0, -1)


@rare
def open_door(p: Memory, m: Memory, place: int) -> None:
    """Let the first one at the door in, if there is room; that frees the place that they kept."""
    item = m[m[at.DOOR_FIRST] + place]
    if item < 0 or m[m[at.INSIDE] + place] >= p[p[at.LIMIT] + place]:
        return
    m[m[at.DOOR_FIRST] + place] = m[m[at.ITEM_NEXT] + item]
    case, since, origin = m[m[at.ITEM_CASE] + item], m[m[at.ITEM_SINCE] + item], m[m[at.ITEM_PLACE] + item]
    release(m, item)
    put(m, at.DOOR, -1, place, -1, 0, -1)
    if origin >= 0:
        put(m, at.WITHDRAW, -1, origin, -1, 0, -1)
    if is_dead(p, m, case):
        put(m, at.END, case, -1, -1, 0, -1)
    else:
        m[m[at.INSIDE] + place] += 1
        put(m, at.VISIT, case, place, -1, since, 0)


# -- batches -----------------------------------------------------------------------------------------------------------


@rare
def collect(p: Memory, m: Memory, case: int, place: int, group: int, since: int, now: int) -> bool:
    """Work is added to a batch, which is handed over if it is complete; return whether its time can be told."""
    item = claim(m, case, place, group, since)
    held = m[m[at.HELD_COUNT] + place] + 1
    m[m[at.HELD_COUNT] + place] = held
    if held == 1:
        m[m[at.HELD_FIRST] + place] = item
    else:
        m[m[at.ITEM_NEXT] + m[m[at.HELD_LAST] + place]] = item
    m[m[at.HELD_LAST] + place] = item
    clock, opens = p[p[at.BATCH_CLOCK] + place], p[p[at.BATCH_OPENS] + place]
    moment = next_open(p, clock, now) if opens else -1
    if opens and moment < 0:
        return False
    size = p[p[at.BATCH_SIZE] + place]
    if (size > 0 and held >= size) or (opens and moment == now):
        hand_over(p, m, place)
        return True
    if held > 1 or not (opens or p[p[at.BATCH_HOURS] + place] >= 0):
        return True
    if not opens:
        moment = add(p, clock, now, p[p[at.BATCH_HOURS] + place])
        if moment < 0:
            return False
    later(p, m, moment, at.HAND_OVER, -1, place, -1, m[m[at.BATCHES] + place])
    return True


@rare
def hand_over(p: Memory, m: Memory, place: int) -> None:
    """What has been collected is offered; what belongs to cases that have ended meanwhile is dropped before."""
    item = m[m[at.HELD_FIRST] + place]
    m[m[at.HELD_COUNT] + place] = 0
    m[m[at.HELD_FIRST] + place] = -1
    m[m[at.BATCHES] + place] += 1
    alive, last, dead, last_dead = -1, -1, -1, -1
    while item >= 0:
        following = m[m[at.ITEM_NEXT] + item]
        m[m[at.ITEM_NEXT] + item] = -1
        if is_dead(p, m, m[m[at.ITEM_CASE] + item]):
            if dead < 0:
                dead = item
            else:
                m[m[at.ITEM_NEXT] + last_dead] = item
            last_dead = item
        else:
            if alive < 0:
                alive = item
            else:
                m[m[at.ITEM_NEXT] + last] = item
            last = item
            m[at.BUNDLED] += p[p[at.TOGETHER] + place]
        item = following
    if alive >= 0:
        put(m, at.BUNDLE if p[p[at.TOGETHER] + place] else at.PIECES, alive, place, -1, 0, -1)
    if dead >= 0:
        put(m, at.DROPPED, dead, place, -1, 0, -1)


@rare
def offer_first(p: Memory, m: Memory, item: int, place: int) -> None:
    """Offer the first piece of a batch, and then the others."""
    case, group, since = m[m[at.ITEM_CASE] + item], m[m[at.ITEM_GROUP] + item], m[m[at.ITEM_SINCE] + item]
    if m[m[at.ITEM_NEXT] + item] >= 0:
        put(m, at.PIECES, m[m[at.ITEM_NEXT] + item], place, -1, 0, -1)
    release(m, item)
    put(m, at.PIECE, case, place, group, since, -1)


@rare
def drop_first(p: Memory, m: Memory, item: int, place: int) -> None:
    """Drop the first piece of what belongs to cases that have ended, and then the others."""
    case = m[m[at.ITEM_CASE] + item]
    if m[m[at.ITEM_NEXT] + item] >= 0:
        put(m, at.DROPPED, m[m[at.ITEM_NEXT] + item], place, -1, 0, -1)
    release(m, item)
    leave_place(p, m, place)
    end_branch(p, m, case)


@rare
def take_apart(m: Memory, item: int, place: int, person: int) -> None:
    """The first case of a batch that a person has done leaves, and then the others."""
    case, group = m[m[at.ITEM_CASE] + item], m[m[at.ITEM_GROUP] + item]
    if m[m[at.ITEM_NEXT] + item] >= 0:
        put(m, at.UNBUNDLE, m[m[at.ITEM_NEXT] + item], place, -1, 0, person)
    release(m, item)
    put(m, at.DONE, case, place, group, 0, person)

"""The run: event after event, until every case has ended or something is wanted that only Python can give.

Nothing is left half done between two calls of `play`: whatever is to be done lies on a stack until there is room and
draws for it. What the plain engine does by calling on is done here by what comes to lie on top.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from mkmine.simulation.engine.kernel import layout as at
from mkmine.simulation.engine.kernel.cases import end_branch, is_dead, leave_place, start_case, start_old
from mkmine.simulation.engine.kernel.events import next_event, put, schedule
from mkmine.simulation.engine.kernel.kernels import borrowed, compiled, inlined, rare
from mkmine.simulation.engine.kernel.limits import (
    collect,
    drop_first,
    hand_over,
    offer_first,
    open_door,
    take_apart,
    withdraw,
)
from mkmine.simulation.engine.kernel.people import free, look
from mkmine.simulation.engine.kernel.places import bundle, enter, give_up, go_on, offer, queue_of, resume
from mkmine.simulation.engine.kernel.ways import leave

__all__ = ["arrange", "play"]

Memory = NDArray[Any]
_WHO = (1 << at.WHO_BITS) - 1


# -- events ------------------------------------------------------------------------------------------------------------


@inlined
def _arrive(p: Memory, m: Memory) -> None:
    """A case arrives, and the next one is expected."""
    case = m[at.NEXT_CASE]
    m[at.NEXT_CASE] += 1
    if m[at.NEXT_CASE] < p[at.ARRIVING]:
        schedule(m, 0, p[p[at.ARRIVALS] + m[at.NEXT_CASE]])
    if m[at.IN_PROCESS] < p[at.CONWIP]:
        m[at.IN_PROCESS] += 1
        m[at.NEXT_START] += 1
        start_case(p, m, case)


@inlined
def _wait_over(p: Memory, m: Memory, rows: Memory, wait: int, now: int) -> None:
    """What was waited for happens; a case that has ended meanwhile loses a branch more."""
    what, case, place = m[m[at.WAIT_WHAT] + wait], m[m[at.WAIT_CASE] + wait], m[m[at.WAIT_PLACE] + wait]
    group, since = m[m[at.WAIT_GROUP] + wait], m[m[at.WAIT_SINCE] + wait]
    m[m[at.WAIT_CASE] + wait] = m[at.FREE_WAIT]
    m[at.FREE_WAIT] = wait
    if what == at.LEAVE_LATER:
        put(m, at.DONE, case, place, group, 0, -1)
    elif what == at.OFFER_LATER:
        put(m, at.DROP if is_dead(p, m, case) else at.OFFER, case, place, group, since, -1)
    elif what == at.GO_LATER:
        put(m, at.ENTER, case, place, -1, now, 0)
    elif what == at.GIVE_UP:
        give_up(p, m, rows, case, place, since, now)
    elif what == at.HAND_OVER:
        if since == m[m[at.BATCHES] + place]:
            hand_over(p, m, place)
    else:
        m[at.IN_PROCESS] += 1
        start_old(p, m, case, place)


@inlined
def _finish(p: Memory, m: Memory, pool: Memory, case: int, place: int, group: int, person: int, now: int) -> None:
    """Somebody, or somebody outside, has done the work; of a case that has ended meanwhile, it was the last."""
    if is_dead(p, m, case):
        leave_place(p, m, place)
        end_branch(p, m, case)
    else:
        leave(p, m, pool, case, place, group, person, now)


@inlined
def _happen(p: Memory, m: Memory, pool: Memory, rows: Memory, who: int, now: int) -> int:
    """An event happens: what it leads to comes to lie on the stack; return the worker who looks for work, or -1."""
    workers = p[at.WORKERS]
    if who == 0:
        _arrive(p, m)
        return -1
    if who <= workers:
        worker = who - 1
        m[m[at.WAKING] + worker] = False
        if m[m[at.BUSY] + worker]:
            m[m[at.BUSY] + worker] = False
            free(p, m, worker)
            place, person = m[m[at.WORKER_PLACE] + worker], p[p[at.WORKER_PERSON] + worker]
            item = m[m[at.WORKER_ITEM] + worker]
            if item >= 0:
                put(m, at.UNBUNDLE, item, place, -1, 0, person)
            else:
                case, group = m[m[at.WORKER_CASE] + worker], m[m[at.WORKER_GROUP] + worker]
                _finish(p, m, pool, case, place, group, person, now)
        return worker
    if who <= 2 * workers:
        return who - workers - 1
    _wait_over(p, m, rows, who - 1 - 2 * workers, now)
    return -1


# -- what is missing ---------------------------------------------------------------------------------------------------


@inlined
def _rows_full(p: Memory, m: Memory) -> bool:
    """Whether there might be too little room for the rows of all that can begin at once."""
    return m[at.N_ROWS] + p[at.WORKERS] + m[at.BUNDLED] + 2 > m[at.ROW_ROOM]


@inlined
def _lacks_room(p: Memory, m: Memory, what: int, case: int, place: int) -> int:
    """Return what room is missing before a thing can be done (OVER: none)."""
    if _rows_full(p, m):
        return at.ROWS
    if m[at.FREE_WAIT] | m[at.FREE_ITEM] < 0:
        return at.WAITS if m[at.FREE_WAIT] < 0 else at.ITEMS
    needed = 64
    if place < -1 and what == at.ENTER and p[at.BRANCHED]:
        # All the other branches may have to leave their places.
        needed += m[m[at.BRANCHES] + m[m[at.SLOT] + case]]
    if m[at.N_TODO] + needed > m[at.TODO_ROOM]:
        return at.TODO
    offers = what <= at.PIECE and place >= 0 and p[p[at.KIND] + place] == at.TASK
    if offers or what == at.BUNDLE:
        queue = queue_of(p, m, case, place) if offers else p[p[at.ROLE] + place]
        if m[m[at.QUEUE_SIZE] + queue] == m[m[at.QUEUE_ROOM] + queue]:
            m[at.WANTED] = queue
            return at.QUEUE
    return at.OVER


@inlined
def _lacks_draws(p: Memory, m: Memory, base: Memory, what: int, case: int, place: int) -> bool:
    """Whether draws are missing for a visit that a thing is about to make."""
    if place < 0 or not (what <= at.VISIT or what == at.RESUMED) or not p[p[at.DRAWN] + place]:
        return False
    number, block = m[m[at.VISITS] + m[m[at.SLOT] + case] * p[at.PLACES] + place], case >> p[at.SHIFT]
    if number < base.shape[1] and base[place, number, block] >= 0:
        return False
    m[at.WANTED], m[at.WANTED_VISIT], m[at.WANTED_BLOCK] = place, number + 1, block
    return True


# -- the whole ---------------------------------------------------------------------------------------------------------


@rare
def _do_rare(p: Memory, m: Memory, base: Memory, pool: Memory, rows: Memory, what: int, case: int, place: int,
             group: int, person: int, now: int) -> bool:  # fmt: skip
    """Do one of the things that happen seldom; return whether it lies in the compiled calendars."""
    if what == at.END:
        end_branch(p, m, case)
    elif what == at.DROP:
        leave_place(p, m, place)
        end_branch(p, m, case)
    elif what == at.WITHDRAW:
        withdraw(m, place)
    elif what == at.DOOR:
        open_door(p, m, place)
    elif what == at.START:
        start_case(p, m, case)
    elif what == at.RESUMED:
        return resume(p, m, base, rows, pool, case, place, group, now)
    elif what == at.DROPPED:
        drop_first(p, m, case, place)
    elif what == at.PIECES:
        offer_first(p, m, case, place)
    elif what == at.BUNDLE:
        return bundle(p, m, pool, rows, case, place, now) != at.BEYOND
    else:
        take_apart(m, case, place, person)
    return True


@inlined
def _do(p: Memory, m: Memory, base: Memory, pool: Memory, rows: Memory, now: int) -> int:
    """Do what lies on top of the stack; return what is missing for it, or CALENDAR, or OVER."""
    thing = m[at.TODO_OF] + at.THING * (m[at.N_TODO] - 1)
    what, case, place = m[thing], m[thing + 1], m[thing + 2]
    group, since, person = m[thing + 3], m[thing + 4], m[thing + 5]
    lacks = _lacks_room(p, m, what, case, place)
    if lacks != at.OVER:
        return lacks
    if _lacks_draws(p, m, base, what, case, place):
        return at.DRAWS
    m[at.N_TODO] -= 1
    if what == at.DONE:
        _finish(p, m, pool, case, place, group, person, now)
        return at.OVER
    if what > at.PIECE:
        return at.OVER if _do_rare(p, m, base, pool, rows, what, case, place, group, person, now) else at.CALENDAR
    if what == at.ENTER:
        if is_dead(p, m, case):
            end_branch(p, m, case)
            return at.OVER
        group = enter(p, m, base, pool, rows, case, place, since, now, person)
    elif what == at.VISIT:
        group = go_on(p, m, base, pool, rows, case, place, since, now, person)
    elif what == at.OFFER and p[p[at.BATCHED] + place]:
        group = -1 if collect(p, m, case, place, group, since, now) else -2
    if group >= 0 and offer(p, m, pool, rows, case, place, group, since, now) == at.BEYOND:
        group = -2
    return at.CALENDAR if group == -2 else at.OVER


@inlined
def _play(p: Memory, m: Memory, base: Memory, pool: Memory, rows: Memory) -> int:
    while True:
        if m[at.PHASE] == 0:
            if m[at.FINISHED] == p[at.CASES_ALL]:
                return at.OVER
            if m[at.EVENTS] == 0:
                return at.STUCK
            if m[at.FREE_SLOT] < 0 and (p[at.OLD] or m[m[at.EVENT_MARK]] & _WHO == 0):
                return at.CASES
            if _rows_full(p, m):
                return at.ROWS
            now, who = next_event(m)
            m[at.NOW] = now
            m[at.WORKER] = _happen(p, m, pool, rows, who, now)
            m[at.PHASE] = 1
        now = m[at.NOW]
        while m[at.N_TODO]:
            lacks = _do(p, m, base, pool, rows, now)
            if lacks != at.OVER:
                return lacks
        if m[at.WORKER] >= 0 and look(p, m, pool, rows, m[at.WORKER], now) == at.BEYOND:
            return at.CALENDAR
        m[at.WORKER] = -1
        # Work that has just begun may let its case go on ahead.
        m[at.PHASE] = 1 if m[at.N_TODO] else 0


@compiled
def play(tables: Memory, memory: Memory, base: Memory, pool: Memory, rows: Memory) -> int:
    """Go on until all cases have ended or something is wanted; return which."""
    return _play(borrowed(tables), borrowed(memory), borrowed(base), borrowed(pool), borrowed(rows))


@compiled
def arrange(rows: Memory, place: Memory, case: Memory, activity: Memory, person: Memory, enabled: Memory,
            start: Memory, end: Memory) -> None:  # fmt: skip
    """Put rows, written in order of start, to the places of their cases; `place` (n,) moves on.

    `case` is filled already. What a case has begun at the same moment is put in order of its end.
    """
    for row in range(len(rows)):
        number = rows[row, 0] >> at.CASE_BITS
        spot = place[number]
        place[number] = spot + 1
        begun, ended = rows[row, 2], rows[row, 3]
        while spot > 0 and case[spot - 1] == number and start[spot - 1] == begun and end[spot - 1] > ended:
            activity[spot], person[spot], enabled[spot] = activity[spot - 1], person[spot - 1], enabled[spot - 1]
            start[spot], end[spot] = begun, end[spot - 1]
            spot -= 1
        activity[spot] = (rows[row, 0] >> at.ACTIVITY_BITS) & ((1 << (at.CASE_BITS - at.ACTIVITY_BITS)) - 1)
        person[spot] = (rows[row, 0] & ((1 << at.ACTIVITY_BITS) - 1)) - 1
        enabled[spot], start[spot], end[spot] = rows[row, 1], begun, ended

"""Places: what happens when a case enters one, waits, is worked on, and leaves."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from mkmine.simulation.engine.kernel import layout as at
from mkmine.simulation.engine.kernel.cases import end_branch, leave_place, terminate, visit
from mkmine.simulation.engine.kernel.events import later, put
from mkmine.simulation.engine.kernel.kernels import inlined, rare
from mkmine.simulation.engine.kernel.limits import collect, wait_at_door
from mkmine.simulation.engine.kernel.moments import add, next_open, opening
from mkmine.simulation.engine.kernel.people import (
    begin,
    call_racing,
    call_role,
    call_workers,
    has_work,
    resume_work,
    write,
)
from mkmine.simulation.engine.kernel.queues import claim, dismiss, push
from mkmine.simulation.engine.kernel.ways import begun

__all__ = ["OFFERED", "bundle", "enter", "give_up", "go_on", "offer", "queue_of", "resume"]

Memory = NDArray[Any]
# What `enter` returns where no work is offered at once: nothing more is to be done, or the calendar ended.
OFFERED, DONE, OUT = 0, -1, -2


# -- work --------------------------------------------------------------------------------------------------------------


@inlined
def queue_of(p: Memory, m: Memory, case: int, place: int) -> int:
    """Return the queue that work joins: its role's, or that of the person who must do it."""
    if p[p[at.OWNER] + place] >= 0:
        owner = m[m[at.DOER] + m[m[at.SLOT] + case] * p[at.PLACES] + p[p[at.OWNER] + place]]
        if owner >= 0:
            return p[at.ROLES] + owner
    return p[p[at.ROLE] + place]


@inlined
def _join(p: Memory, m: Memory, queue: int, case: int, place: int, since: int, item: int) -> None:
    """An item joins a queue, in the queue's order."""
    m[at.NUMBER] += 1
    number = m[at.NUMBER]
    if p[at.ORDER] == at.DUE:
        push(m, queue, p[p[at.KEY] + case], number, item)
    elif p[at.ORDER] == at.LIFO:
        push(m, queue, -since, -number, item)
    else:
        push(m, queue, since + p[p[at.RANK] + place] + (p[p[at.KEY] + case] if p[at.KEYED] else 0), number, item)


@inlined
def offer(p: Memory, m: Memory, pool: Memory, rows: Memory, case: int, place: int, group: int, since: int,
          now: int) -> int:  # fmt: skip
    """Work joins its queue, and someone free takes it; NOBODY also where someone did."""
    queue = queue_of(p, m, case, place)
    roles = p[at.ROLES]
    if p[p[at.PLAIN] + place] and m[m[at.QUEUE_SIZE] + queue] == 0 and m[m[at.IDLE_HEAD] + queue] >= 0:
        worker = p[p[at.ENTRY_WORKER] + m[m[at.IDLE_HEAD] + queue]]
        if not m[m[at.WAKING] + worker]:
            opens = opening(p, m, worker, now)
            if opens < 0:
                return at.BEYOND
            if opens == now and not has_work(p, m, worker):
                return at.NOBODY if begin(p, m, pool, rows, worker, case, place, group, since, now) else at.BEYOND
    item = claim(m, case, place, group, since)
    if p[p[at.PATIENCE] + place] >= 0:
        waits = pool[group + p[p[at.PATIENCE] + place], case & ((1 << p[at.SHIFT]) - 1)]
        until = add(p, p[p[at.PATIENCE_CLOCK] + place], now, waits)
        if until < 0:
            return at.BEYOND
        later(p, m, until, at.GIVE_UP, item, place, -1, m[at.NUMBER] + 1)
    _join(p, m, queue, case, place, since, item)
    if queue < roles:
        if p[p[at.RACE] + place] >= 0:
            return call_racing(p, m, pool, rows, queue, case, place, group, now)
        return call_role(p, m, pool, rows, queue, now)
    owner = queue - roles
    return call_workers(p, m, pool, rows, p[p[at.PERSON_FIRST] + owner], p[p[at.PERSON_FIRST] + owner + 1], now)


@rare
def bundle(p: Memory, m: Memory, pool: Memory, rows: Memory, item: int, place: int, now: int) -> int:
    """A batch joins the queue of its role as one piece of work, and someone free takes it."""
    queue = p[p[at.ROLE] + place]
    case, group = m[m[at.ITEM_CASE] + item], m[m[at.ITEM_GROUP] + item]
    _join(p, m, queue, case, place, m[m[at.ITEM_SINCE] + item], item)
    if p[p[at.RACE] + place] >= 0:
        return call_racing(p, m, pool, rows, queue, case, place, group, now)
    return call_role(p, m, pool, rows, queue, now)


@rare
def give_up(p: Memory, m: Memory, rows: Memory, item: int, place: int, number: int, now: int) -> None:
    """Nobody has begun the work in time: it leaves the queue, and the case goes elsewhere."""
    if m[m[at.ITEM_NUMBER] + item] != number or m[m[at.ITEM_GONE] + item]:
        return
    case, since = m[m[at.ITEM_CASE] + item], m[m[at.ITEM_SINCE] + item]
    dismiss(m, item)
    write(m, rows, case, place, -1, since, now, now)
    leave_place(p, m, place)
    put(m, at.ENTER, case, p[p[at.GIVEN_UP] + place], -1, now, 0)


# -- a case enters a place ---------------------------------------------------------------------------------------------


@rare
def _delay(p: Memory, m: Memory, case: int, place: int, ahead: int) -> int:
    """Return the column of the delay, by the activity before and by whether that had only begun."""
    before = m[m[at.TRACE_OF] + m[m[at.SLOT] + case] * at.TRACE + 1]
    for one in range(p[p[at.WAITS_FIRST] + place], p[p[at.WAITS_FIRST] + place + 1]):
        if p[p[at.WAITS_BEFORE] + one] == before and p[p[at.WAITS_AHEAD] + one] == ahead:
            return p[p[at.WAITS_COLUMN] + one]
    return p[p[at.DELAY] + place]


@inlined
def go_on(p: Memory, m: Memory, base: Memory, pool: Memory, rows: Memory, case: int, place: int, since: int,
          now: int, ahead: int) -> int:  # fmt: skip
    """A case visits an activity; return where its draws are if its work is offered at once."""
    group = visit(p, m, base, case, place)
    mask = (1 << p[at.SHIFT]) - 1
    if p[p[at.KIND] + place] == at.OUTSIDE:
        opens = next_open(p, p[p[at.CLOCK] + place], now)
        end = add(p, p[p[at.CLOCK] + place], opens, pool[group, case & mask]) if opens >= 0 else -1
        if end < 0:
            return OUT
        write(m, rows, case, place, -1, since, now, end)
        if p[at.OVERLAPPING]:
            begun(p, m, pool, case, place, group, -1)
        later(p, m, end, at.LEAVE_LATER, case, place, group, since)
        return DONE
    if p[p[at.DELAY] + place] >= 0:
        column = _delay(p, m, case, place, ahead) if p[at.TRACED] else p[p[at.DELAY] + place]
        moment = add(p, p[p[at.CLOCK] + place], now, pool[group + column, case & mask])
        if moment < 0:
            return OUT
        later(p, m, moment, at.OFFER_LATER, case, place, group, since)
        return DONE
    if p[p[at.BATCHED] + place]:
        return DONE if collect(p, m, case, place, group, since, now) else OUT
    return group


@rare
def _fork(p: Memory, m: Memory, base: Memory, pool: Memory, case: int, place: int, since: int) -> None:
    """Open the branches of a parallel or inclusive gateway; the first one comes to lie on top."""
    first, last = p[p[at.TARGET_FIRST] + place], p[p[at.TARGET_FIRST] + place + 1]
    bits = -1
    if p[p[at.KIND] + place] == at.OR:
        bits = pool[visit(p, m, base, case, place), case & ((1 << p[at.SHIFT]) - 1)]
    opened = 0
    for k in range(last - first - 1, -1, -1):
        if bits >> k & 1:
            put(m, at.ENTER, case, p[p[at.TARGET] + first + k], -1, since, 0)
            opened += 1
    m[m[at.BRANCHES] + m[m[at.SLOT] + case]] += opened - 1
    m[m[at.OPENED] + m[m[at.SLOT] + case] * p[at.PLACES] + place] = opened


@rare
def _race(p: Memory, m: Memory, base: Memory, pool: Memory, case: int, place: int, now: int) -> int:
    """Wait for the first of several outside events."""
    group = visit(p, m, base, case, place)
    soonest, winner = at.NEVER, -1
    first = p[p[at.TARGET_FIRST] + place]
    for k in range(first, p[p[at.TARGET_FIRST] + place + 1]):
        moment = add(p, p[p[at.TARGET_CLOCK] + k], now, pool[group + k - first, case & ((1 << p[at.SHIFT]) - 1)])
        if moment < 0:
            return OUT
        if moment < soonest:
            soonest, winner = moment, p[p[at.TARGET] + k]
    later(p, m, soonest, at.GO_LATER, case, winner, -1, now)
    return DONE


@rare
def _come(p: Memory, m: Memory, case: int, place: int, now: int) -> None:
    """A branch comes to a join; the last one goes on alone."""
    slot = m[m[at.SLOT] + case]
    needed = p[p[at.NEEDED] + place]
    if needed < 0:
        needed = m[m[at.OPENED] + slot * p[at.PLACES] - needed - 1]
    come = m[at.ARRIVED] + slot * p[at.PLACES] + place
    m[come] += 1
    if m[come] >= needed:
        m[come] = 0
        m[m[at.BRANCHES] + slot] -= needed - 1
        put(m, at.ENTER, case, p[p[at.TARGET] + p[p[at.TARGET_FIRST] + place]], -1, now, 0)


@rare
def _finish(p: Memory, m: Memory, case: int, place: int) -> None:
    """A branch comes to its end, or the whole case does."""
    if place in (at.CANCELLED_END, at.WITHDRAWN):
        m[m[at.CANCELLED] + case] = True
    put(m, at.END, case, -1, -1, 0, -1)
    if place in (at.TERMINATED, at.WITHDRAWN):
        terminate(p, m, case)


@inlined
def enter(p: Memory, m: Memory, base: Memory, pool: Memory, rows: Memory, case: int, place: int, since: int,
          now: int, ahead: int) -> int:  # fmt: skip
    """A case enters a place, or comes to its end; return where its draws are if its work is offered at once."""
    if place < 0:
        if place == -1:
            end_branch(p, m, case)
        else:
            _finish(p, m, case, place)
        return DONE
    kind = p[p[at.KIND] + place]
    if kind <= at.OUTSIDE:
        if p[p[at.LIMIT] + place]:
            if m[m[at.INSIDE] + place] >= p[p[at.LIMIT] + place]:
                wait_at_door(m, place, case, since, -1)
                return DONE
            m[m[at.INSIDE] + place] += 1
        return go_on(p, m, base, pool, rows, case, place, since, now, ahead)
    if kind == at.XOR:
        group = visit(p, m, base, case, place)
        put(m, at.ENTER, case, pool[group, case & ((1 << p[at.SHIFT]) - 1)], -1, since, 0)
    elif kind == at.MERGE:
        put(m, at.ENTER, case, p[p[at.TARGET] + p[p[at.TARGET_FIRST] + place]], -1, since, 0)
    elif kind == at.JOIN:
        _come(p, m, case, place, now)
    elif kind == at.EVENT:
        return _race(p, m, base, pool, case, place, now)
    else:
        _fork(p, m, base, pool, case, place, since)
    return DONE


# -- cases that were underway before the run ---------------------------------------------------------------------------


@rare
def resume(p: Memory, m: Memory, base: Memory, rows: Memory, pool: Memory, case: int, place: int, old: int,
           now: int) -> bool:  # fmt: skip
    """An old case goes on from where it is; return whether that lies in the compiled calendars."""
    group = visit(p, m, base, case, place)
    if p[p[at.LIMIT] + place]:
        m[m[at.INSIDE] + place] += 1
    stage, person = p[p[at.OLD_STAGE] + old], p[p[at.OLD_PERSON] + old]
    since, started = p[p[at.OLD_SINCE] + old], p[p[at.OLD_STARTED] + old]
    if stage == at.FINISHED_WORK:
        if p[at.OVERLAPPING]:
            begun(p, m, pool, case, place, group, -1)
        write(m, rows, case, place, person, since, started, p[p[at.OLD_ENDED] + old])
        put(m, at.DONE, case, place, group, 0, -1)
        return True
    if p[p[at.KIND] + place] == at.OUTSIDE:
        opens = next_open(p, p[p[at.CLOCK] + place], now)
        left = p[p[at.OLD_LEFT] + old] if stage == at.WORKING else pool[group, case & ((1 << p[at.SHIFT]) - 1)]
        end = add(p, p[p[at.CLOCK] + place], opens, left) if opens >= 0 else -1
        if end < 0:
            return False
        waiting = stage == at.WAITING
        write(m, rows, case, place, -1, now if waiting else since, now if waiting else started, end)
        if p[at.OVERLAPPING]:
            begun(p, m, pool, case, place, group, -1)
        later(p, m, end, at.LEAVE_LATER, case, place, group, now)
        return True
    if stage == at.WAITING and p[p[at.OLD_LEFT] + old] > 0:
        later(p, m, now + p[p[at.OLD_LEFT] + old], at.OFFER_LATER, case, place, group, since)
        return True
    if stage == at.WAITING:
        put(m, at.OFFER, case, place, group, since, -1)
        return True
    if person >= 0:
        for worker in range(p[p[at.PERSON_FIRST] + person], p[p[at.PERSON_FIRST] + person + 1]):
            if not m[m[at.BUSY] + worker]:
                return resume_work(p, m, pool, rows, worker, case, place, group, old, now)
    # After all who go on with their work: whoever is woken for this may be one of them.
    later(p, m, now, at.OFFER_LATER, case, place, group, since)
    return True

"""The compiled twin of the engine: the same tables, the same draws, the same order of events, the same rows to the bit.

`play` runs until every case has ended, or until it needs something that only Python can give (draws for a visit that
nobody foresaw, room); it then returns what, and goes on from there when it is called again. Nothing is left half done
between: whatever enters a place lies on a stack until there is room and draws for it.

Read it beside `engine` and `places`, whose names it keeps. All tables lie in one array of integers, `p`, and all that
changes in another, `m`: handing dozens of arrays from function to function would cost more than the simulation. Both
begin with single numbers, `m[NOW]`, and with where their sections begin: `m[m[BUSY] + worker]`. `twin` lays them out.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

__all__ = ["arrange", "play"]

Memory = NDArray[Any]

# What `play` returns; WANTED says for which place, visit, block, or queue.
OVER, DRAWS, ROWS, CASES, WAITS, ITEMS, QUEUE, TODO, CALENDAR, STUCK = range(10)
# What calling people for work leads to; BEYOND: past the end of the compiled calendars.
NOBODY, TAKEN, BEYOND = range(3)
# Kinds of places (`tables.Kind`), what happens when a wait is over, and orders of queues.
TASK, OUTSIDE, XOR, AND, OR, MERGE, JOIN, EVENT = range(8)
LEAVE, OFFER, GO = range(3)
LIFO, DUE = 1, 2
NEVER = 2**62
# So many activities of a case are remembered for contexts.
TRACE = 9
# How case, activity and person share a number in the rows.
CASE_BITS, ACTIVITY_BITS = 32, 20
# Who happens shares a number with the order of scheduling.
WHO_BITS = 24

# The tables: single numbers, and sections.
(BRANCHED, CASES_ALL, HANDED, KEYED, LONGEST, MOST_ROUNDS, ORDER, PACED, PEOPLE, PLACES, ROLES, SHIFT, TRACED,
 WORKERS) = range(14)  # fmt: skip
(ARRIVALS, BEGIN, CLOCK, CONTEXT_ACTIVITY, CONTEXT_EDGES, CONTEXT_FIRST, CONTEXT_NEXT, CONTEXT_ROOT, DELAY,
 DRAWN, EDGE, EDGE_FIRST, EDGE_TARGET, ENTRY_FIRST, ENTRY_ROLE, ENTRY_WORKER, FINISH, HABIT, KEY, KIND,
 LINE_BEFORE, LINE_ENDS, LINE_FIRST, LINE_STARTS, NEEDED, OWNER, PACE, PERSON_FIRST, RANK, ROLE, ROUNDS,
 ROUTE, TARGET, TARGET_CLOCK, TARGET_FIRST, WORKER_CLOCK, WORKER_PERSON) = range(14, 51)  # fmt: skip
TABLES = 51

# What changes: single numbers, and sections.
(EVENTS, FINISHED, FREE_ITEM, FREE_SLOT, FREE_WAIT, NEXT_CASE, NOW, NUMBER, N_ROWS, N_TODO, PHASE, ROW_ROOM,
 SEQUENCE, TODO_ROOM, WANTED, WANTED_BLOCK, WANTED_VISIT, WORKER) = range(18)  # fmt: skip
(ARRIVED, BRANCHES, BUSY, CANCELLED, CLOSES, DOER, EVENT_MARK, EVENT_TIME, IDLE_HEAD, IDLE_LAST,
 IDLE_NEXT, IDLE_TAIL, ITEM_CASE, ITEM_GROUP, ITEM_PLACE, ITEM_SINCE, LEFT, OPENED, OPENS, QUEUE_FIRST,
 QUEUE_ITEM, QUEUE_KEY, QUEUE_NUMBER, QUEUE_ROOM, QUEUE_SIZE, ROWS_OF, SLOT, SLOT_CHAIN, TODO_OF, TRACE_OF,
 VISITS, WAIT_CASE, WAIT_GROUP, WAIT_PLACE, WAIT_SINCE, WAIT_WHAT, WAKING, WORKER_CASE, WORKER_GROUP,
 WORKER_PLACE) = range(18, 58)  # fmt: skip
MEMORY = 58

jit = numba.njit(cache=True, nogil=True, error_model="numpy", forceinline=True)


def _unowned(context: Any, array: Any) -> Any:
    """Return an array that nobody counts the holders of: counting them in each function costs more than the work."""

    def build(target: Any, builder: Any, signature: Any, given: Any) -> Any:
        made = target.make_array(signature.args[0])(target, builder, given[0])
        nobody: Any = cgutils.get_null_value
        made.meminfo, made.parent = nobody(made.meminfo.type), nobody(made.parent.type)
        return made._getvalue()

    return array(array), build


_borrowed: Any = intrinsic(_unowned)


# -- calendars ---------------------------------------------------------------------------------------------------------


@jit
def _after(p: Memory, section: int, low: int, high: int, wanted: int) -> int:
    """Return the first place between `low` and `high` of a sorted section of the tables above `wanted`."""
    while low < high:
        middle = (low + high) >> 1
        if p[section + middle] <= wanted:
            low = middle + 1
        else:
            high = middle
    return low


@jit
def _add(p: Memory, clock: int, moment: int, duration: int) -> int:
    """Return when `duration` of open time after `moment` has passed; -1 beyond the compiled span."""
    first, last = p[p[LINE_FIRST] + clock], p[p[LINE_FIRST] + clock + 1]
    if first == last or duration == 0:
        return moment + duration
    if moment >= p[p[LINE_ENDS] + last - 1]:
        return -1
    index = _after(p, p[LINE_STARTS], first, last, moment) - 1
    opened = 0
    if index >= first:
        opened = p[p[LINE_BEFORE] + index] + min(moment, p[p[LINE_ENDS] + index]) - p[p[LINE_STARTS] + index]
    target = opened + duration
    if target > p[p[LINE_BEFORE] + last - 1] + p[p[LINE_ENDS] + last - 1] - p[p[LINE_STARTS] + last - 1]:
        return -1
    index = _after(p, p[LINE_BEFORE], first, last, target - 1) - 1
    return p[p[LINE_STARTS] + index] + target - p[p[LINE_BEFORE] + index]


@jit
def _shift(p: Memory, clock: int, moment: int) -> tuple[int, int]:
    """Return the open interval that holds `moment`, or the next one; -1 beyond the compiled span."""
    first, last = p[p[LINE_FIRST] + clock], p[p[LINE_FIRST] + clock + 1]
    if first == last:
        return moment, moment + p[LONGEST]
    if moment >= p[p[LINE_ENDS] + last - 1]:
        return -1, -1
    index = _after(p, p[LINE_ENDS], first, last, moment)
    return p[p[LINE_STARTS] + index], p[p[LINE_ENDS] + index]


@jit
def _opening(p: Memory, m: Memory, worker: int, now: int) -> int:
    """Return `now` if the worker is on duty, or else their next opening."""
    if now >= m[m[CLOSES] + worker]:
        m[m[OPENS] + worker], m[m[CLOSES] + worker] = _shift(p, p[p[WORKER_CLOCK] + worker], now)
    return max(now, m[m[OPENS] + worker]) if m[m[CLOSES] + worker] >= 0 else -1


# -- events ------------------------------------------------------------------------------------------------------------


@jit
def _schedule(m: Memory, who: int, moment: int) -> None:
    """Let `who` (0 the arrivals, then the workers, then the waits) happen at `moment`."""
    m[SEQUENCE] += 1
    times, marks = m[EVENT_TIME], m[EVENT_MARK]
    place = m[EVENTS]
    m[EVENTS] = place + 1
    while place > 0:
        parent = (place - 1) >> 1
        above = m[times + parent]
        # Of two events of a moment, the one that was scheduled first happens first.
        if above <= moment:
            break
        m[times + place], m[marks + place] = above, m[marks + parent]
        place = parent
    m[times + place], m[marks + place] = moment, m[SEQUENCE] << WHO_BITS | who


@jit
def _next_event(m: Memory) -> tuple[int, int]:
    """Take the next event: its moment, and who happens."""
    times, marks = m[EVENT_TIME], m[EVENT_MARK]
    moment, who = m[times], m[marks] & ((1 << WHO_BITS) - 1)
    size = m[EVENTS] - 1
    m[EVENTS] = size
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


@jit
def _later(p: Memory, m: Memory, moment: int, what: int, case: int, place: int, group: int, since: int) -> None:
    """Let something happen to a case at `moment`."""
    wait = m[FREE_WAIT]
    m[FREE_WAIT] = m[m[WAIT_CASE] + wait]
    m[m[WAIT_WHAT] + wait], m[m[WAIT_CASE] + wait], m[m[WAIT_PLACE] + wait] = what, case, place
    m[m[WAIT_GROUP] + wait], m[m[WAIT_SINCE] + wait] = group, since
    _schedule(m, 1 + p[WORKERS] + wait, moment)


# -- queues: a heap for each role, and then one for each person --------------------------------------------------------


@jit
def _before(m: Memory, one: int, other: int) -> bool:
    """Whether one entry of the queues comes before another."""
    key, than = m[m[QUEUE_KEY] + one], m[m[QUEUE_KEY] + other]
    return key < than or (key == than and m[m[QUEUE_NUMBER] + one] < m[m[QUEUE_NUMBER] + other])


@jit
def _push(m: Memory, queue: int, key: int, number: int, item: int) -> None:
    place = m[m[QUEUE_SIZE] + queue]
    m[m[QUEUE_SIZE] + queue] = place + 1
    first = m[m[QUEUE_FIRST] + queue]
    keys, numbers, items = m[QUEUE_KEY] + first, m[QUEUE_NUMBER] + first, m[QUEUE_ITEM] + first
    while place > 0:
        parent = (place - 1) >> 1
        above, than = m[keys + parent], m[numbers + parent]
        if above < key or (above == key and than < number):
            break
        m[keys + place], m[numbers + place], m[items + place] = above, than, m[items + parent]
        place = parent
    m[keys + place], m[numbers + place], m[items + place] = key, number, item


@jit
def _pop(m: Memory, queue: int) -> int:
    size = m[m[QUEUE_SIZE] + queue] - 1
    m[m[QUEUE_SIZE] + queue] = size
    first = m[m[QUEUE_FIRST] + queue]
    keys, numbers, items = m[QUEUE_KEY] + first, m[QUEUE_NUMBER] + first, m[QUEUE_ITEM] + first
    found = m[items]
    key, number = m[keys + size], m[numbers + size]
    last = m[items + size]
    place, child = 0, 1
    while child < size:
        below, least = m[keys + child], m[numbers + child]
        if child + 1 < size:
            other = m[keys + child + 1]
            if other < below or (other == below and m[numbers + child + 1] < least):
                child += 1
                below, least = other, m[numbers + child]
        if below > key or (below == key and least > number):
            break
        m[keys + place], m[numbers + place], m[items + place] = below, least, m[items + child]
        place, child = child, 2 * child + 1
    m[keys + place], m[numbers + place], m[items + place] = key, number, last
    return found


# -- people ------------------------------------------------------------------------------------------------------------


@jit
def _free(p: Memory, m: Memory, worker: int) -> None:
    """The worker is the last of those who are idle."""
    for entry in range(p[p[ENTRY_FIRST] + worker], p[p[ENTRY_FIRST] + worker + 1]):
        role = p[p[ENTRY_ROLE] + entry]
        tail = m[m[IDLE_TAIL] + role]
        m[m[IDLE_LAST] + entry], m[m[IDLE_NEXT] + entry] = tail, -1
        if tail < 0:
            m[m[IDLE_HEAD] + role] = entry
        else:
            m[m[IDLE_NEXT] + tail] = entry
        m[m[IDLE_TAIL] + role] = entry


@jit
def _engage(p: Memory, m: Memory, worker: int) -> None:
    """The worker is idle no more."""
    for entry in range(p[p[ENTRY_FIRST] + worker], p[p[ENTRY_FIRST] + worker + 1]):
        role = p[p[ENTRY_ROLE] + entry]
        before, after = m[m[IDLE_LAST] + entry], m[m[IDLE_NEXT] + entry]
        if before < 0:
            m[m[IDLE_HEAD] + role] = after
        else:
            m[m[IDLE_NEXT] + before] = after
        if after < 0:
            m[m[IDLE_TAIL] + role] = before
        else:
            m[m[IDLE_LAST] + after] = before


@jit
def _has_work(p: Memory, m: Memory, worker: int) -> bool:
    if m[m[QUEUE_SIZE] + p[ROLES] + p[p[WORKER_PERSON] + worker]]:
        return True
    for entry in range(p[p[ENTRY_FIRST] + worker], p[p[ENTRY_FIRST] + worker + 1]):
        if m[m[QUEUE_SIZE] + p[p[ENTRY_ROLE] + entry]]:
            return True
    return False


@jit
def _write(m: Memory, rows: Memory, case: int, activity: int, person: int, enabled: int, start: int, end: int) -> None:
    """Write a row of the log: case, activity and person in one number, and three times."""
    row = m[N_ROWS]
    m[N_ROWS] += 1
    rows[row, 0] = case << CASE_BITS | activity << ACTIVITY_BITS | (person + 1)
    rows[row, 1], rows[row, 2], rows[row, 3] = enabled, start, end
    m[m[ROWS_OF] + case] += 1


@jit
def _begin(
    p: Memory,
    m: Memory,
    pool: Memory,
    rows: Memory,
    worker: int,
    case: int,
    place: int,
    group: int,
    since: int,
    now: int,
) -> bool:
    """A free worker on duty begins the work; return whether its end lies in the compiled calendar."""
    person = p[p[WORKER_PERSON] + worker]
    duration = pool[group, case & ((1 << p[SHIFT]) - 1)]
    factor = p.view(np.float64)[p[PACE] + place * p[PEOPLE] + person] if p[PACED] else 1.0
    if factor != 1.0:
        scaled = np.rint(duration * factor)
        duration = p[LONGEST] if scaled >= p[LONGEST] else np.int64(scaled)
    end = now + duration
    if end > m[m[CLOSES] + worker] and not p[p[FINISH] + place]:
        end = _add(p, p[p[WORKER_CLOCK] + worker], now, duration)
        if end < 0:
            return False
    _write(m, rows, case, place, person, since, now, end)
    if p[HANDED]:
        m[m[DOER] + m[m[SLOT] + case] * p[PLACES] + place] = person
    m[m[BUSY] + worker] = True
    m[m[WORKER_CASE] + worker], m[m[WORKER_PLACE] + worker], m[m[WORKER_GROUP] + worker] = case, place, group
    _engage(p, m, worker)
    _schedule(m, 1 + worker, end)
    return True


@jit
def _take(p: Memory, m: Memory, pool: Memory, rows: Memory, worker: int, now: int) -> bool:
    """A free worker on duty begins the first piece of work of their queues."""
    best = -1
    own = p[ROLES] + p[p[WORKER_PERSON] + worker]
    if m[m[QUEUE_SIZE] + own]:
        best = own
    for entry in range(p[p[ENTRY_FIRST] + worker], p[p[ENTRY_FIRST] + worker + 1]):
        queue = p[p[ENTRY_ROLE] + entry]
        if m[m[QUEUE_SIZE] + queue] and (best < 0 or _before(m, m[m[QUEUE_FIRST] + queue], m[m[QUEUE_FIRST] + best])):
            best = queue
    item = _pop(m, best)
    case, place, group, since = (
        m[m[ITEM_CASE] + item],
        m[m[ITEM_PLACE] + item],
        m[m[ITEM_GROUP] + item],
        m[m[ITEM_SINCE] + item],
    )
    m[m[ITEM_CASE] + item] = m[FREE_ITEM]
    m[FREE_ITEM] = item
    return _begin(p, m, pool, rows, worker, case, place, group, since, now)


@jit
def _ask(p: Memory, m: Memory, pool: Memory, rows: Memory, worker: int, now: int) -> tuple[int, int]:
    """Ask a worker who is not waking: TAKEN, or BEYOND the calendar, or else their next opening."""
    opening = _opening(p, m, worker, now)
    if opening < 0:
        return BEYOND, opening
    if opening == now:
        return (TAKEN if _take(p, m, pool, rows, worker, now) else BEYOND), opening
    return NOBODY, opening


@jit
def _wake(m: Memory, worker: int, moment: int) -> None:
    m[m[WAKING] + worker] = True
    _schedule(m, 1 + worker, moment)


@jit
def _call_role(p: Memory, m: Memory, pool: Memory, rows: Memory, role: int, now: int) -> int:
    """Give work to the first idle worker of a role who is on duty, or else wake the one who comes first."""
    chosen, soonest = -1, NEVER
    entry = m[m[IDLE_HEAD] + role]
    while entry >= 0:
        worker = p[p[ENTRY_WORKER] + entry]
        entry = m[m[IDLE_NEXT] + entry]
        if m[m[WAKING] + worker]:
            opening = _opening(p, m, worker, now)
            if opening < 0:
                return BEYOND
            if opening == now:
                return NOBODY
            continue
        found, opening = _ask(p, m, pool, rows, worker, now)
        if found != NOBODY:
            return found
        if opening < soonest:
            chosen, soonest = worker, opening
    if chosen >= 0:
        _wake(m, chosen, soonest)
    return NOBODY


@jit
def _call_workers(p: Memory, m: Memory, pool: Memory, rows: Memory, first: int, last: int, now: int) -> int:
    """The same among the free ones of some workers: the hands of one person."""
    chosen, soonest = -1, NEVER
    for worker in range(first, last):
        if m[m[BUSY] + worker]:
            continue
        if m[m[WAKING] + worker]:
            opening = _opening(p, m, worker, now)
            if opening < 0:
                return BEYOND
            if opening == now:
                return NOBODY
            continue
        found, opening = _ask(p, m, pool, rows, worker, now)
        if found != NOBODY:
            return found
        if opening < soonest:
            chosen, soonest = worker, opening
    if chosen >= 0:
        _wake(m, chosen, soonest)
    return NOBODY


# -- places ------------------------------------------------------------------------------------------------------------


@jit
def _put(m: Memory, case: int, place: int, group: int, since: int) -> None:
    """Lay something on the stack: a case that enters a place, or work (`group` >= 0) that is offered."""
    top = m[N_TODO]
    m[N_TODO] += 1
    (
        m[m[TODO_OF] + 4 * top + 0],
        m[m[TODO_OF] + 4 * top + 1],
        m[m[TODO_OF] + 4 * top + 2],
        m[m[TODO_OF] + 4 * top + 3],
    ) = case, place, group, since


@jit
def _by_context(
    p: Memory, m: Memory, pool: Memory, rows: Memory, case: int, place: int, group: int, target: int
) -> int:
    """Return where a case goes: by the longest context that fits, or else to `target`."""
    slot = m[m[SLOT] + case]
    node = p[
        p[CONTEXT_ROOT]
        + place * p[MOST_ROUNDS]
        + min(m[m[VISITS] + slot * p[PLACES] + place], p[p[ROUNDS] + place])
        - 1
    ]
    found = -1
    depth = 1
    while node >= 0:
        if p[p[CONTEXT_EDGES] + node] >= 0:
            found = p[p[CONTEXT_EDGES] + node]
        if depth == TRACE:
            break
        activity = m[m[TRACE_OF] + slot * TRACE + depth]
        depth += 1
        below = -1
        for child in range(p[p[CONTEXT_FIRST] + node], p[p[CONTEXT_FIRST] + node + 1]):
            if p[p[CONTEXT_ACTIVITY] + child] == activity:
                below = p[p[CONTEXT_NEXT] + child]
        node = below
    if found < 0:
        return target
    u = pool[group + p[p[ROUTE] + place]].view(np.float64)[case & ((1 << p[SHIFT]) - 1)]
    edges = p.view(np.float64)
    edge = p[p[EDGE_FIRST] + found]
    while edge < p[p[EDGE_FIRST] + found + 1] - 1 and edges[p[EDGE] + edge] <= u:
        edge += 1
    return p[p[EDGE_TARGET] + edge]


@jit
def _leave(p: Memory, m: Memory, pool: Memory, rows: Memory, case: int, place: int, group: int, person: int) -> None:
    """A case leaves an activity that a person (or nobody, -1) has done."""
    column = 1
    if person >= 0:
        column += p[p[HABIT] + place * p[PEOPLE] + person]
    target = pool[group + column, case & ((1 << p[SHIFT]) - 1)]
    if p[p[ROUTE] + place] >= 0:
        target = _by_context(p, m, pool, rows, case, place, group, target)
    _put(m, case, target, -1, 0)


@jit
def _end_branch(p: Memory, m: Memory, case: int) -> None:
    slot = m[m[SLOT] + case]
    if p[BRANCHED]:
        m[m[BRANCHES] + slot] -= 1
        if m[m[BRANCHES] + slot]:
            return
    m[FINISHED] += 1
    m[m[LEFT] + (case >> p[SHIFT])] -= 1
    m[m[SLOT] + case] = -1
    m[m[SLOT_CHAIN] + slot] = m[FREE_SLOT]
    m[FREE_SLOT] = slot


@jit
def _fill(m: Memory, first: int, count: int, value: int) -> None:
    for place in range(first, first + count):
        m[place] = value


@jit
def _start_case(p: Memory, m: Memory, case: int) -> None:
    slot = m[FREE_SLOT]
    m[FREE_SLOT] = m[m[SLOT_CHAIN] + slot]
    m[m[SLOT] + case] = slot
    _fill(m, m[VISITS] + slot * p[PLACES], p[PLACES], 0)
    if p[TRACED]:
        _fill(m, m[TRACE_OF] + slot * TRACE, TRACE, -1)
    if p[HANDED]:
        _fill(m, m[DOER] + slot * p[PLACES], p[PLACES], -1)
    if p[BRANCHED]:
        m[m[BRANCHES] + slot] = 1
        _fill(m, m[ARRIVED] + slot * p[PLACES], p[PLACES], 0)
        _fill(m, m[OPENED] + slot * p[PLACES], p[PLACES], 1)
    _put(m, case, p[p[BEGIN] + case], -1, 0)


@jit
def _queue_of(p: Memory, m: Memory, case: int, place: int) -> int:
    """Return the queue that work joins: its role's, or that of the person who must do it."""
    if p[p[OWNER] + place] >= 0:
        owner = m[m[DOER] + m[m[SLOT] + case] * p[PLACES] + p[p[OWNER] + place]]
        if owner >= 0:
            return p[ROLES] + owner
    return p[p[ROLE] + place]


@jit
def _offer(
    p: Memory, m: Memory, pool: Memory, rows: Memory, case: int, place: int, group: int, since: int, now: int
) -> int:
    """Work joins its queue, and someone free takes it; NOBODY also where someone did."""
    queue = _queue_of(p, m, case, place)
    roles = p[ROLES]
    if queue < roles and p[p[OWNER] + place] < 0 and m[m[QUEUE_SIZE] + queue] == 0 and m[m[IDLE_HEAD] + queue] >= 0:
        worker = p[p[ENTRY_WORKER] + m[m[IDLE_HEAD] + queue]]
        if not m[m[WAKING] + worker]:
            opening = _opening(p, m, worker, now)
            if opening < 0:
                return BEYOND
            if opening == now and not _has_work(p, m, worker):
                return NOBODY if _begin(p, m, pool, rows, worker, case, place, group, since, now) else BEYOND
    item = m[FREE_ITEM]
    m[FREE_ITEM] = m[m[ITEM_CASE] + item]
    m[m[ITEM_CASE] + item], m[m[ITEM_PLACE] + item], m[m[ITEM_GROUP] + item], m[m[ITEM_SINCE] + item] = (
        case,
        place,
        group,
        since,
    )
    m[NUMBER] += 1
    number = m[NUMBER]
    if p[ORDER] == DUE:
        _push(m, queue, p[p[KEY] + case], number, item)
    elif p[ORDER] == LIFO:
        _push(m, queue, -since, -number, item)
    else:
        _push(m, queue, since + p[p[RANK] + place] + (p[p[KEY] + case] if p[KEYED] else 0), number, item)
    if queue < roles:
        return _call_role(p, m, pool, rows, queue, now)
    owner = queue - roles
    return _call_workers(p, m, pool, rows, p[p[PERSON_FIRST] + owner], p[p[PERSON_FIRST] + owner + 1], now)


@jit
def _lacks(p: Memory, m: Memory, base: Memory, case: int, place: int) -> int:
    """Return what is missing before a case can enter a place (OVER: nothing)."""
    if m[N_ROWS] + p[WORKERS] + 2 > m[ROW_ROOM]:
        return ROWS
    if m[FREE_WAIT] < 0:
        return WAITS
    if m[FREE_ITEM] < 0:
        return ITEMS
    if m[N_TODO] + 64 > m[TODO_ROOM]:
        return TODO
    if place < 0:
        return OVER
    if p[p[KIND] + place] == TASK:
        queue = _queue_of(p, m, case, place)
        if m[m[QUEUE_SIZE] + queue] == m[m[QUEUE_ROOM] + queue]:
            m[WANTED] = queue
            return QUEUE
    if p[p[DRAWN] + place]:
        visit, block = m[m[VISITS] + m[m[SLOT] + case] * p[PLACES] + place], case >> p[SHIFT]
        if visit >= base.shape[1] or base[place, visit, block] < 0:
            m[WANTED], m[WANTED_VISIT], m[WANTED_BLOCK] = place, visit + 1, block
            return DRAWS
    return OVER


@jit
def _visit(p: Memory, m: Memory, base: Memory, case: int, place: int) -> int:
    """Count a visit and return where its draws are."""
    slot = m[m[SLOT] + case]
    visit = m[m[VISITS] + slot * p[PLACES] + place]
    m[m[VISITS] + slot * p[PLACES] + place] = visit + 1
    if p[TRACED] and p[p[KIND] + place] <= OUTSIDE:
        for k in range(TRACE - 1, 0, -1):
            m[m[TRACE_OF] + slot * TRACE + k] = m[m[TRACE_OF] + slot * TRACE + k - 1]
        m[m[TRACE_OF] + slot * TRACE + 0] = place
    return base[place, visit, case >> p[SHIFT]]


@jit
def _enter_activity(
    p: Memory, m: Memory, base: Memory, pool: Memory, rows: Memory, case: int, place: int, now: int
) -> int:
    group = _visit(p, m, base, case, place)
    mask = (1 << p[SHIFT]) - 1
    if p[p[KIND] + place] == OUTSIDE:
        opening, _ = _shift(p, p[p[CLOCK] + place], now)
        if opening < 0:
            return BEYOND
        end = _add(p, p[p[CLOCK] + place], max(now, opening), pool[group, case & mask])
        if end < 0:
            return BEYOND
        _write(m, rows, case, place, -1, now, now, end)
        _later(p, m, end, LEAVE, case, place, group, now)
        return NOBODY
    if p[p[DELAY] + place] >= 0:
        moment = _add(p, p[p[CLOCK] + place], now, pool[group + p[p[DELAY] + place], case & mask])
        if moment < 0:
            return BEYOND
        _later(p, m, moment, OFFER, case, place, group, now)
        return NOBODY
    return _offer(p, m, pool, rows, case, place, group, now, now)


@jit
def _fork(p: Memory, m: Memory, base: Memory, pool: Memory, rows: Memory, case: int, place: int) -> None:
    """Open the branches of a parallel or inclusive gateway; the first one comes to lie on top."""
    first, last = p[p[TARGET_FIRST] + place], p[p[TARGET_FIRST] + place + 1]
    bits = -1
    if p[p[KIND] + place] == OR:
        bits = pool[_visit(p, m, base, case, place), case & ((1 << p[SHIFT]) - 1)]
    opened = 0
    for k in range(last - first - 1, -1, -1):
        if bits >> k & 1:
            _put(m, case, p[p[TARGET] + first + k], -1, 0)
            opened += 1
    m[m[BRANCHES] + m[m[SLOT] + case]] += opened - 1
    m[m[OPENED] + m[m[SLOT] + case] * p[PLACES] + place] = opened


@jit
def _race(p: Memory, m: Memory, base: Memory, pool: Memory, rows: Memory, case: int, place: int, now: int) -> int:
    group = _visit(p, m, base, case, place)
    soonest, winner = NEVER, -1
    first = p[p[TARGET_FIRST] + place]
    for k in range(first, p[p[TARGET_FIRST] + place + 1]):
        moment = _add(p, p[p[TARGET_CLOCK] + k], now, pool[group + k - first, case & ((1 << p[SHIFT]) - 1)])
        if moment < 0:
            return BEYOND
        if moment < soonest:
            soonest, winner = moment, p[p[TARGET] + k]
    _later(p, m, soonest, GO, case, winner, -1, now)
    return NOBODY


@jit
def _enter(p: Memory, m: Memory, base: Memory, pool: Memory, rows: Memory, case: int, place: int, now: int) -> int:
    """A case enters a place, or comes to its end."""
    if place < 0:
        if place == -2 or place == -4:
            m[m[CANCELLED] + case] = True
        _end_branch(p, m, case)
        return NOBODY
    kind = p[p[KIND] + place]
    if kind <= OUTSIDE:
        return _enter_activity(p, m, base, pool, rows, case, place, now)
    if kind == XOR:
        group = _visit(p, m, base, case, place)
        _put(m, case, pool[group, case & ((1 << p[SHIFT]) - 1)], -1, 0)
    elif kind == MERGE:
        _put(m, case, p[p[TARGET] + p[p[TARGET_FIRST] + place]], -1, 0)
    elif kind == JOIN:
        slot = m[m[SLOT] + case]
        needed = (
            p[p[NEEDED] + place]
            if p[p[NEEDED] + place] >= 0
            else m[m[OPENED] + slot * p[PLACES] - p[p[NEEDED] + place] - 1]
        )
        m[m[ARRIVED] + slot * p[PLACES] + place] += 1
        if m[m[ARRIVED] + slot * p[PLACES] + place] >= needed:
            m[m[ARRIVED] + slot * p[PLACES] + place] = 0
            m[m[BRANCHES] + slot] -= needed - 1
            _put(m, case, p[p[TARGET] + p[p[TARGET_FIRST] + place]], -1, 0)
    elif kind == EVENT:
        return _race(p, m, base, pool, rows, case, place, now)
    else:
        _fork(p, m, base, pool, rows, case, place)
    return NOBODY


# -- the run -----------------------------------------------------------------------------------------------------------


@jit
def _happen(p: Memory, m: Memory, pool: Memory, rows: Memory, who: int, now: int) -> int:
    """An event happens: what it leads to comes to lie on the stack; return the worker who looks for work, or -1."""
    workers = p[WORKERS]
    if who == 0:
        case = m[NEXT_CASE]
        m[NEXT_CASE] += 1
        if m[NEXT_CASE] < p[CASES_ALL]:
            _schedule(m, 0, p[p[ARRIVALS] + m[NEXT_CASE]])
        _start_case(p, m, case)
        return -1
    if who <= workers:
        worker = who - 1
        m[m[WAKING] + worker] = False
        if m[m[BUSY] + worker]:
            m[m[BUSY] + worker] = False
            _free(p, m, worker)
            case, place, group = m[m[WORKER_CASE] + worker], m[m[WORKER_PLACE] + worker], m[m[WORKER_GROUP] + worker]
            _leave(p, m, pool, rows, case, place, group, p[p[WORKER_PERSON] + worker])
        return worker
    wait = who - 1 - workers
    case, place, group = m[m[WAIT_CASE] + wait], m[m[WAIT_PLACE] + wait], m[m[WAIT_GROUP] + wait]
    m[m[WAIT_CASE] + wait] = m[FREE_WAIT]
    m[FREE_WAIT] = wait
    if m[m[WAIT_WHAT] + wait] == LEAVE:
        _leave(p, m, pool, rows, case, place, group, -1)
    else:
        _put(m, case, place, group if m[m[WAIT_WHAT] + wait] == OFFER else -1, m[m[WAIT_SINCE] + wait])
    return -1


@jit
def _look(p: Memory, m: Memory, pool: Memory, rows: Memory, worker: int, now: int) -> int:
    """Someone who has finished or come looks for work, and lets others come for what is left."""
    idle = not m[m[BUSY] + worker] and not m[m[WAKING] + worker] and _has_work(p, m, worker)
    if idle and _call_workers(p, m, pool, rows, worker, worker + 1, now) == BEYOND:
        return BEYOND
    for entry in range(p[p[ENTRY_FIRST] + worker], p[p[ENTRY_FIRST] + worker + 1]):
        role = p[p[ENTRY_ROLE] + entry]
        while m[m[QUEUE_SIZE] + role]:
            found = _call_role(p, m, pool, rows, role, now)
            if found == BEYOND:
                return BEYOND
            if found == NOBODY:
                break
    return NOBODY


@jit
def _lacks_offer(p: Memory, m: Memory, case: int, place: int) -> int:
    """Return what is missing before work can be offered."""
    if m[N_ROWS] + p[WORKERS] + 2 > m[ROW_ROOM]:
        return ROWS
    if m[FREE_ITEM] < 0:
        return ITEMS
    queue = _queue_of(p, m, case, place)
    if m[m[QUEUE_SIZE] + queue] == m[m[QUEUE_ROOM] + queue]:
        m[WANTED] = queue
        return QUEUE
    return OVER


@jit
def play(tables: Memory, memory: Memory, base: Memory, pool: Memory, rows: Memory) -> int:
    """Go on until all cases have ended or something is wanted; return which."""
    return _play(_borrowed(tables), _borrowed(memory), _borrowed(base), _borrowed(pool), _borrowed(rows))


@jit
def _play(p: Memory, m: Memory, base: Memory, pool: Memory, rows: Memory) -> int:
    while True:
        if m[PHASE] == 0:
            if m[FINISHED] == p[CASES_ALL]:
                return OVER
            if m[EVENTS] == 0:
                return STUCK
            if m[m[EVENT_MARK]] & ((1 << WHO_BITS) - 1) == 0 and m[FREE_SLOT] < 0:
                return CASES
            if m[N_ROWS] + p[WORKERS] + 2 > m[ROW_ROOM]:
                return ROWS
            now, who = _next_event(m)
            m[NOW] = now
            m[WORKER] = _happen(p, m, pool, rows, who, now)
            m[PHASE] = 1
        now = m[NOW]
        while m[N_TODO]:
            top = m[N_TODO] - 1
            case, place, group, since = (
                m[m[TODO_OF] + 4 * top + 0],
                m[m[TODO_OF] + 4 * top + 1],
                m[m[TODO_OF] + 4 * top + 2],
                m[m[TODO_OF] + 4 * top + 3],
            )
            lacks = _lacks_offer(p, m, case, place) if group >= 0 else _lacks(p, m, base, case, place)
            if lacks != OVER:
                return lacks
            m[N_TODO] = top
            if group >= 0:
                found = _offer(p, m, pool, rows, case, place, group, since, now)
            else:
                found = _enter(p, m, base, pool, rows, case, place, now)
            if found == BEYOND:
                return CALENDAR
        if m[WORKER] >= 0 and _look(p, m, pool, rows, m[WORKER], now) == BEYOND:
            return CALENDAR
        m[PHASE] = 0


@jit
def arrange(
    rows: Memory, place: Memory, activity: Memory, person: Memory, enabled: Memory, start: Memory, end: Memory
) -> None:
    """Put rows, written in time order, to the places of their cases; `place` (n,) moves on."""
    for row in range(len(rows)):
        case = rows[row, 0] >> CASE_BITS
        at = place[case]
        place[case] = at + 1
        activity[at] = (rows[row, 0] >> ACTIVITY_BITS) & ((1 << (CASE_BITS - ACTIVITY_BITS)) - 1)
        person[at] = (rows[row, 0] & ((1 << ACTIVITY_BITS) - 1)) - 1
        enabled[at], start[at], end[at] = rows[row, 1], rows[row, 2], rows[row, 3]

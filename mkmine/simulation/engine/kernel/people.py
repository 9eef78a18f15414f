"""People: who is idle, who takes which work, and who comes for what is left."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mkmine.simulation.engine.kernel import layout as at
from mkmine.simulation.engine.kernel.events import schedule
from mkmine.simulation.engine.kernel.kernels import inlined, rare
from mkmine.simulation.engine.kernel.moments import add, opening, shift
from mkmine.simulation.engine.kernel.queues import before, pop, purge, release, take_out
from mkmine.simulation.engine.kernel.ways import begun

__all__ = [
    "begin",
    "call_racing",
    "call_role",
    "call_workers",
    "engage",
    "free",
    "has_work",
    "look",
    "resume_work",
    "write",
]

Memory = NDArray[Any]


@inlined
def free(p: Memory, m: Memory, worker: int) -> None:
    """The worker is the last of those who are idle."""
    for entry in range(p[p[at.ENTRY_FIRST] + worker], p[p[at.ENTRY_FIRST] + worker + 1]):
        role = p[p[at.ENTRY_ROLE] + entry]
        tail = m[m[at.IDLE_TAIL] + role]
        m[m[at.IDLE_LAST] + entry], m[m[at.IDLE_NEXT] + entry] = tail, -1
        if tail < 0:
            m[m[at.IDLE_HEAD] + role] = entry
        else:
            m[m[at.IDLE_NEXT] + tail] = entry
        m[m[at.IDLE_TAIL] + role] = entry


@inlined
def engage(p: Memory, m: Memory, worker: int) -> None:
    """The worker is idle no more."""
    for entry in range(p[p[at.ENTRY_FIRST] + worker], p[p[at.ENTRY_FIRST] + worker + 1]):
        role = p[p[at.ENTRY_ROLE] + entry]
        last, following = m[m[at.IDLE_LAST] + entry], m[m[at.IDLE_NEXT] + entry]
        if last < 0:
            m[m[at.IDLE_HEAD] + role] = following
        else:
            m[m[at.IDLE_NEXT] + last] = following
        if following < 0:
            m[m[at.IDLE_TAIL] + role] = last
        else:
            m[m[at.IDLE_LAST] + following] = last


@inlined
def has_work(p: Memory, m: Memory, worker: int) -> bool:
    """Whether work waits that the worker may do."""
    if m[m[at.QUEUE_SIZE] + p[at.ROLES] + p[p[at.WORKER_PERSON] + worker]]:
        return True
    for entry in range(p[p[at.ENTRY_FIRST] + worker], p[p[at.ENTRY_FIRST] + worker + 1]):
        if m[m[at.QUEUE_SIZE] + p[p[at.ENTRY_ROLE] + entry]]:
            return True
    return False


@inlined
def write(m: Memory, rows: Memory, case: int, activity: int, person: int, enabled: int, start: int, end: int) -> None:
    """Write a row of the log: case, activity and person in one number, and three times."""
    row = m[at.N_ROWS]
    m[at.N_ROWS] += 1
    rows[row, 0] = case << at.CASE_BITS | activity << at.ACTIVITY_BITS | (person + 1)
    rows[row, 1], rows[row, 2], rows[row, 3] = enabled, start, end
    m[m[at.ROWS_OF] + case] += 1


# -- work begins -------------------------------------------------------------------------------------------------------


@inlined
def _paced(p: Memory, duration: Any, place: int, person: int) -> Any:
    """Return how long the work takes that person."""
    factor = p.view(np.float64)[p[at.PACE] + place * p[at.PEOPLE] + person] if p[at.PACED] else 1.0
    if factor != 1.0:
        scaled = np.rint(duration * factor)
        duration = p[at.LONGEST] if scaled >= p[at.LONGEST] else np.int64(scaled)
    return duration


@rare
def _bundled(p: Memory, m: Memory, pool: Memory, item: int, place: int) -> int:
    """Return how long a batch takes that is done as one piece of work."""
    total, longest = 0, 0
    while item >= 0:
        case = m[m[at.ITEM_CASE] + item]
        duration = pool[m[m[at.ITEM_GROUP] + item], case & ((1 << p[at.SHIFT]) - 1)]
        total, longest = min(total + duration, at.NEVER), max(longest, duration)
        item = m[m[at.ITEM_NEXT] + item]
    addition = p.view(np.float64)[p[at.ADDITION] + place]
    return min(longest + np.int64(np.rint((total - longest) * addition)), p[at.LONGEST])


@inlined
def _until(p: Memory, m: Memory, worker: int, place: int, now: int, duration: int) -> int:
    """Return when work ends that a worker begins; -1 beyond the compiled calendar."""
    end = now + duration
    if end > m[m[at.CLOSES] + worker] and not p[p[at.FINISH] + place]:
        return add(p, p[p[at.WORKER_CLOCK] + worker], now, duration)
    return end


@inlined
def _occupy(p: Memory, m: Memory, worker: int, case: int, place: int, group: int, item: int, end: int) -> None:
    """The worker is busy with a piece of work, or with a batch (`item` >= 0)."""
    m[m[at.BUSY] + worker] = True
    m[m[at.WORKER_CASE] + worker], m[m[at.WORKER_PLACE] + worker] = case, place
    m[m[at.WORKER_GROUP] + worker], m[m[at.WORKER_ITEM] + worker] = group, item
    engage(p, m, worker)
    schedule(m, 1 + worker, end)


@inlined
def _note_doer(p: Memory, m: Memory, case: int, place: int, person: int) -> None:
    if p[at.HANDED]:
        m[m[at.DOER] + m[m[at.SLOT] + case] * p[at.PLACES] + place] = person


@rare
def resume_work(p: Memory, m: Memory, pool: Memory, rows: Memory, worker: int, case: int, place: int, group: int,
                old: int, now: int) -> bool:  # fmt: skip
    """A worker goes on with what they had begun before the run; return whether its end is in the compiled calendar."""
    person = p[p[at.WORKER_PERSON] + worker]
    if opening(p, m, worker, now) < 0:
        return False
    left = p[p[at.OLD_LEFT] + old]
    end = now + left if p[p[at.FINISH] + place] else add(p, p[p[at.WORKER_CLOCK] + worker], now, left)
    if end < 0:
        return False
    write(m, rows, case, place, person, p[p[at.OLD_SINCE] + old], p[p[at.OLD_STARTED] + old], end)
    _note_doer(p, m, case, place, person)
    if p[at.OVERLAPPING]:
        begun(p, m, pool, case, place, group, person)
    _occupy(p, m, worker, case, place, group, -1, end)
    return True


@inlined
def begin(p: Memory, m: Memory, pool: Memory, rows: Memory, worker: int, case: int, place: int, group: int,
          since: int, now: int) -> bool:  # fmt: skip
    """A free worker on duty begins the work; return whether its end lies in the compiled calendar."""
    person = p[p[at.WORKER_PERSON] + worker]
    duration = _paced(p, pool[group, case & ((1 << p[at.SHIFT]) - 1)], place, person)
    end = _until(p, m, worker, place, now, duration)
    if end < 0:
        return False
    write(m, rows, case, place, person, since, now, end)
    _note_doer(p, m, case, place, person)
    if p[at.OVERLAPPING]:
        begun(p, m, pool, case, place, group, person)
    _occupy(p, m, worker, case, place, group, -1, end)
    return True


@rare
def _begin_batch(p: Memory, m: Memory, pool: Memory, rows: Memory, worker: int, item: int, now: int) -> bool:
    """The same for all the work of a batch at once."""
    person, place = p[p[at.WORKER_PERSON] + worker], m[m[at.ITEM_PLACE] + item]
    duration = _paced(p, _bundled(p, m, pool, item, place), place, person)
    end = _until(p, m, worker, place, now, duration)
    if end < 0:
        return False
    member = item
    while member >= 0:
        case = m[m[at.ITEM_CASE] + member]
        write(m, rows, case, place, person, m[m[at.ITEM_SINCE] + member], now, end)
        _note_doer(p, m, case, place, person)
        m[at.BUNDLED] -= 1
        member = m[m[at.ITEM_NEXT] + member]
    m[m[at.ITEM_NUMBER] + item] = 0
    _occupy(p, m, worker, m[m[at.ITEM_CASE] + item], place, -1, item, end)
    return True


# -- who takes what ----------------------------------------------------------------------------------------------------


@inlined
def _fits(p: Memory, m: Memory, pool: Memory, worker: int, item: int, place: int, now: int) -> bool:
    """Whether work can be done before the worker's day is over, or is longer than any day of theirs."""
    case, person = m[m[at.ITEM_CASE] + item], p[p[at.WORKER_PERSON] + worker]
    if p[p[at.TOGETHER] + place]:
        duration = _bundled(p, m, pool, item, place)
    else:
        duration = pool[m[m[at.ITEM_GROUP] + item], case & ((1 << p[at.SHIFT]) - 1)]
    duration = _paced(p, duration, place, person)
    return now + duration <= m[m[at.CLOSES] + worker] or duration > p[p[at.WHOLE_SHIFT] + worker]


@rare
def _choose(p: Memory, m: Memory, pool: Memory, worker: int, now: int) -> int:
    """Take the first item of a worker's queues that they may do and can finish; -1: none, -2: beyond the calendar."""
    person = p[p[at.WORKER_PERSON] + worker]
    best, best_queue, late = -1, -1, False
    first_entry, last_entry = p[p[at.ENTRY_FIRST] + worker], p[p[at.ENTRY_FIRST] + worker + 1]
    for entry in range(first_entry - 1, last_entry):
        queue = p[at.ROLES] + person if entry < first_entry else p[p[at.ENTRY_ROLE] + entry]
        first = m[m[at.QUEUE_FIRST] + queue]
        for one in range(first, first + m[m[at.QUEUE_SIZE] + queue]):
            item = m[m[at.QUEUE_ITEM] + one]
            place = m[m[at.ITEM_PLACE] + item]
            other = p[p[at.OTHER] + place]
            if m[m[at.ITEM_GONE] + item] or (best >= 0 and before(m, best, one)):
                continue
            if other >= 0:
                slot = m[m[at.SLOT] + m[m[at.ITEM_CASE] + item]]
                if m[m[at.DOER] + slot * p[at.PLACES] + other] == person:
                    continue
            if p[p[at.FITS] + place] and not _fits(p, m, pool, worker, item, place, now):
                late = True
                continue
            best, best_queue = one, queue
    if best >= 0:
        found = take_out(m, best_queue, best - m[m[at.QUEUE_FIRST] + best_queue])
        purge(m, best_queue)
        return found
    if late:
        opens, _ = shift(p, p[p[at.WORKER_CLOCK] + worker], m[m[at.CLOSES] + worker])
        if opens < 0:
            return -2
        if opens > m[m[at.RETURNS] + worker]:
            m[m[at.RETURNS] + worker] = opens
            schedule(m, 1 + p[at.WORKERS] + worker, opens)
    return -1


@inlined
def _first(p: Memory, m: Memory, worker: int) -> int:
    """Take the first item of a worker's queues."""
    best = -1
    own = p[at.ROLES] + p[p[at.WORKER_PERSON] + worker]
    if m[m[at.QUEUE_SIZE] + own]:
        best = own
    for entry in range(p[p[at.ENTRY_FIRST] + worker], p[p[at.ENTRY_FIRST] + worker + 1]):
        queue = p[p[at.ENTRY_ROLE] + entry]
        if m[m[at.QUEUE_SIZE] + queue] and (
            best < 0 or before(m, m[m[at.QUEUE_FIRST] + queue], m[m[at.QUEUE_FIRST] + best])
        ):
            best = queue
    item = pop(m, best)
    if m[m[at.QUEUE_SIZE] + best] and m[m[at.ITEM_GONE] + m[m[at.QUEUE_ITEM] + m[m[at.QUEUE_FIRST] + best]]]:
        purge(m, best)
    return item


@inlined
def _ask(p: Memory, m: Memory, pool: Memory, rows: Memory, worker: int, now: int) -> tuple[int, int]:
    """Ask a worker who is not waking: TAKEN, or BEYOND the calendar, or else their next opening."""
    opens = opening(p, m, worker, now)
    if opens != now:
        return (at.BEYOND if opens < 0 else at.NOBODY), opens
    item = _choose(p, m, pool, worker, now) if p[at.CHOOSY] else _first(p, m, worker)
    if item < 0:
        return (at.BEYOND if item < -1 else at.NOBODY), at.NEVER
    place = m[m[at.ITEM_PLACE] + item]
    if p[p[at.TOGETHER] + place]:
        return (at.TAKEN if _begin_batch(p, m, pool, rows, worker, item, now) else at.BEYOND), opens
    case, group, since = m[m[at.ITEM_CASE] + item], m[m[at.ITEM_GROUP] + item], m[m[at.ITEM_SINCE] + item]
    release(m, item)
    return (at.TAKEN if begin(p, m, pool, rows, worker, case, place, group, since, now) else at.BEYOND), opens


@inlined
def _wake(m: Memory, worker: int, moment: int) -> None:
    m[m[at.WAKING] + worker] = True
    schedule(m, 1 + worker, moment)


@inlined
def call_role(p: Memory, m: Memory, pool: Memory, rows: Memory, role: int, now: int) -> int:
    """Give work to the first idle worker of a role who is on duty, or else wake the one who comes first."""
    chosen, soonest = -1, at.NEVER
    entry = m[m[at.IDLE_HEAD] + role]
    while entry >= 0:
        worker = p[p[at.ENTRY_WORKER] + entry]
        entry = m[m[at.IDLE_NEXT] + entry]
        if m[m[at.WAKING] + worker]:
            opens = opening(p, m, worker, now)
            if opens < 0:
                return at.BEYOND
            if opens == now:
                return at.NOBODY
            continue
        found, opens = _ask(p, m, pool, rows, worker, now)
        if found != at.NOBODY:
            return found
        if opens < soonest:
            chosen, soonest = worker, opens
    if chosen >= 0:
        _wake(m, chosen, soonest)
    return at.NOBODY


@inlined
def _race_time(p: Memory, place: int, person: int, bits: int) -> float:
    """Return when a person comes for a piece of work; what `in_race` of the SimPy engine computes."""
    mixed = np.uint64(bits ^ p[p[at.PERSON_KEY] + person])
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    times = p.view(np.float64)
    time: float = times[p[at.RACE_TIME] + np.int64(mixed >> np.uint64(52))]
    return time * times[p[at.AVERSION] + place * p[at.PEOPLE] + person]


@rare
def call_racing(p: Memory, m: Memory, pool: Memory, rows: Memory, role: int, case: int, place: int, group: int,
                now: int) -> int:  # fmt: skip
    """The same where people race for the work: who is on duty comes first, and of these who wins."""
    bits = pool[group + p[p[at.RACE] + place], case & ((1 << p[at.SHIFT]) - 1)]
    asked, asked_place = -1.0, -1
    while True:
        chosen, soonest, first, first_place = -1, at.NEVER, 0.0, -1
        number, entry = -1, m[m[at.IDLE_HEAD] + role]
        while entry >= 0:
            worker = p[p[at.ENTRY_WORKER] + entry]
            entry, number = m[m[at.IDLE_NEXT] + entry], number + 1
            opens = opening(p, m, worker, now)
            if opens < 0:
                return at.BEYOND
            if opens > soonest or (opens > now and m[m[at.WAKING] + worker]):
                continue
            time = _race_time(p, place, p[p[at.WORKER_PERSON] + worker], bits)
            # Those on duty who have been asked come before all others, and have nothing that they may do.
            if opens == now and (time < asked or (time == asked and number <= asked_place)):
                continue
            if opens < soonest or time < first:
                chosen, soonest, first, first_place = worker, opens, time, number
        if chosen < 0:
            return at.NOBODY
        if soonest > now:
            _wake(m, chosen, soonest)
            return at.NOBODY
        if m[m[at.WAKING] + chosen]:
            return at.NOBODY
        found, _ = _ask(p, m, pool, rows, chosen, now)
        if found != at.NOBODY:
            return found
        asked, asked_place = first, first_place


@inlined
def call_workers(p: Memory, m: Memory, pool: Memory, rows: Memory, first: int, last: int, now: int) -> int:
    """The same among the free ones of some workers: the hands of one person."""
    chosen, soonest = -1, at.NEVER
    for worker in range(first, last):
        if m[m[at.BUSY] + worker]:
            continue
        if m[m[at.WAKING] + worker]:
            opens = opening(p, m, worker, now)
            if opens < 0:
                return at.BEYOND
            if opens == now:
                return at.NOBODY
            continue
        found, opens = _ask(p, m, pool, rows, worker, now)
        if found != at.NOBODY:
            return found
        if opens < soonest:
            chosen, soonest = worker, opens
    if chosen >= 0:
        _wake(m, chosen, soonest)
    return at.NOBODY


@inlined
def look(p: Memory, m: Memory, pool: Memory, rows: Memory, worker: int, now: int) -> int:
    """Someone who has finished or come looks for work, and lets others come for what is left."""
    idle = not m[m[at.BUSY] + worker] and not m[m[at.WAKING] + worker] and has_work(p, m, worker)
    if idle and call_workers(p, m, pool, rows, worker, worker + 1, now) == at.BEYOND:
        return at.BEYOND
    for entry in range(p[p[at.ENTRY_FIRST] + worker], p[p[at.ENTRY_FIRST] + worker + 1]):
        role = p[p[at.ENTRY_ROLE] + entry]
        while m[m[at.QUEUE_SIZE] + role]:
            found = call_role(p, m, pool, rows, role, now)
            if found == at.BEYOND:
                return at.BEYOND
            if found == at.NOBODY:
                break
    return at.NOBODY

"""Why work waits: batching, contention, prioritisation, unavailability, outside, and what the log cannot tell.

After Lashkevich, Milani, Chapela-Campa, Suvorau and Dumas (2023), "Why am I waiting? Data-driven analysis of waiting
times in business processes" (DOI 10.1007/978-3-031-34560-9_11), who look at the person who in the end did the work.
Here the colleagues count who could have done it as well, so that time in which only a colleague was free is not blamed
on anything: nobody knows whether the work was meant for one person or had not been handed over yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mkmine.calendars import DAY, HOUR, Calendar, Timeline
from mkmine.discovery.pools import Pools
from mkmine.eventlog.concurrency import enabled_beside
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.statuses import status_kinds
from mkmine.eventlog.summaries import batches
from mkmine.performance.duty import BULK, Duty, capacities, depth, duties, work_of_people
from mkmine.performance.offering import offered_hours

__all__ = ["CAUSES", "split_waiting", "usual_pause"]

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

CAUSES = ("batching", "contention", "prioritisation", "unavailability", "outside", "unidentifiable")

# Later rounds that go back to the same person at least this often are meant for that person.
SAME_PERSON = 0.9
# Work is said to be collected into batches where at least so many batches hold at least this share of it.
FEWEST_BATCHES, BATCHED = 5, 0.2
# A time without work that is shorter than this part of a usual piece of work, within these limits, is a break between
# two pieces.
BREAK, SHORTEST, LONGEST = 0.1, 60_000_000, 30 * 60_000_000
SECOND = 1_000_000


@dataclass(frozen=True, eq=False, kw_only=True)
class Waits:
    """What waited for whom: rows of the log, from `since` to `until` (µs), for `person` (-1: nobody known) of `pool`
    (-1: none). A pool is either a role or, where work goes back to whom it came from, that person alone."""

    rows: Ints
    since: Ints
    until: Ints
    person: Ints
    pool: Ints


def split_waiting(
    log: EventLog,
    pools: Pools,
    *,
    office: Calendar,
    hours: Sequence[Calendar],
    capacity: Ints | None = None,
    pause: int | None = None,
) -> NDArray[np.int64]:
    """Split the office time that each instance waited, from enabled to start, by cause: (n, 6) µs, as in `CAUSES`.

    Who is on duty and free takes up work that is there. So until the last time that the one who did it was free for a
    while (`pause`, µs; by default `usual_pause` of the log) it cannot have been handed over. When it was after that, if
    they had other work or were away, is told by `offered_hours` from the rest of the activity:

    - outside: it waited for a delivery, a date, somebody else;
    - batching: so did it, but until the last piece of work of a batch was ready that was then done in one go;
    - unidentifiable: from then on, until the last time that a colleague was free for a while: it was meant for one
      person, or had not been handed over yet; shorter pauses after that.

    What is left was spent in the queue:

    - unavailability: nobody who could have done it was on duty;
    - contention: all who were on duty were busy with work that had been ready before;
    - prioritisation: all were busy, somebody with work that had become ready later.

    Who could have done it are the people of the role, or the one who did the round before, where later rounds of the
    activity nearly always go back to the same person. `hours` are the calendars of the people, `capacity` is how much
    they do at a time (`capacities` of the log, by default). Activities that nobody of the log does wait outside.

    In a log of statuses a stay in one that is a queue waits, from its start to its end, for the people of the status
    after it, and one that waits for somebody else waits outside.
    """
    queue, idle = _stays(log)
    if idle.any():
        # Nobody works in a status that is a wait, whoever it is assigned to.
        log = replace(log, resource=np.where(idle, -1, log.resource).astype(log.resource.dtype))
    begin = enabled_beside(log)
    waits = _waits(log, pools, queue, idle, begin)
    enabled = _ready_since(log, queue, begin)
    first, last = int(min(log.start.min(), enabled.min())) - DAY, int(log.end.max()) + DAY
    line = office.timeline(first, last)
    lines: dict[Calendar, Timeline] = {}
    for one in hours:
        if one not in lines:
            lines[one] = one.timeline(first, last)
    limits = capacities(log) if capacity is None else capacity
    people = duties(log, office=line, hours=[lines[one] for one in hours], capacity=limits)
    free = _free_before(log, people)
    team = _Staff(
        log=log,
        pools=pools,
        office=line,
        people=people,
        enabled=enabled,
        ready=_batch_ready(log, enabled, free),
        prompt=_prompt(log, begin),
        work=work_of_people(log),
        pause=usual_pause(log, office=line) if pause is None else pause,
    )
    out = np.zeros((len(log), len(CAUSES)), dtype=np.int64)
    order = np.argsort(waits.pool, kind="stable")
    begins = np.searchsorted(waits.pool[order], np.arange(len(pools.names) + len(log.resources) + 1))
    handed = team.handed_over(waits)
    for pool in range(len(begins) - 1):
        chosen = order[begins[pool] : begins[pool + 1]]
        if len(chosen):
            out[waits.rows[chosen]] = team.split(pool, waits, chosen, handed[chosen])
    chosen = np.flatnonzero(waits.pool < 0)
    rows = waits.rows[chosen]
    # Whom a queue waited for that nobody took up is not known, and nothing is where the log names nobody.
    unknown = queue[rows] | (log.resource < 0).all()
    out[rows, np.where(unknown, 5, 4)] = line.between(waits.since[chosen], waits.until[chosen])
    return out


def usual_pause(log: EventLog, *, office: Timeline) -> int:
    """Return how long (µs) somebody must be without work to count as free: a tenth of the median piece of work.

    At least a minute and at most half an hour: whoever does things of two minutes is not between two of them for ten.
    Half an hour where starts are estimated, or a tracker marks what was moved together: no less can be seen there.
    """
    if log.timestamps == "estimated" or BULK in log.attributes:
        return LONGEST
    rows = np.flatnonzero((log.resource >= 0) & ~log.ongoing & (log.end > log.start))
    spent = office.between(log.start[rows], log.end[rows])
    spent = spent[spent > 0]
    return int(np.clip(BREAK * np.median(spent), SHORTEST, LONGEST)) if len(spent) else LONGEST


def _stays(log: EventLog) -> tuple[Bools, Bools]:
    """Return which instances are stays in a status that is a queue, and in one that is a wait of any kind."""
    kinds = status_kinds(log)
    queue = np.array([kind == "queue" for kind in kinds], dtype=np.bool_)
    idle = np.array([kind != "work" for kind in kinds], dtype=np.bool_)
    return queue[log.activity], idle[log.activity]


def _waits(log: EventLog, pools: Pools, queue: Bools, idle: Bools, enabled: Ints) -> Waits:
    """Return what waited: all that began after it was enabled, and the stays in statuses that are waits."""
    rows = np.flatnonzero((log.start > enabled) | idle)
    stays = idle[rows]
    # A queue waits for those of the status after it.
    after = np.minimum(rows + 1, len(log) - 1)
    served = np.where(queue[rows] & (log.case_of[after] == log.case_of[rows]), after, rows)
    person = log.resource[served].astype(np.int64)
    pool = np.where(stays & (served == rows), -1, pools.of_instance[served].astype(np.int64))
    bound = _bound(log)[served]
    return Waits(
        rows=rows,
        since=np.where(stays, log.start[rows], enabled[rows]),
        until=np.where(stays, log.end[rows], log.start[rows]),
        person=person,
        pool=np.where(bound & (person >= 0), len(pools.names) + person, pool),
    )


def _ready_since(log: EventLog, queue: Bools, enabled: Ints) -> Ints:
    """Return when each instance was ready to be worked on: enabled, or come into the first of the queues before it."""
    if not queue.any():
        return enabled
    inner = log.position > 0
    run = queue & inner
    run[1:] &= queue[:-1]
    begin = np.maximum.accumulate(np.where(run, 0, np.arange(len(log))))
    after = np.flatnonzero(queue[:-1] & ~queue[1:] & inner[1:]) + 1
    out = enabled.copy()
    out[after] = log.start[begin[after - 1]]
    return out


def _prompt(log: EventLog, enabled: Ints) -> Ints:
    """Return the instances of people that were begun as soon as they were enabled, as far as that is known."""
    known = (log.position > 0) | (log.enabled is not None)
    return np.flatnonzero(known & (log.resource >= 0) & (log.start <= enabled))


def _bound(log: EventLog) -> Bools:
    """Return which instances are later rounds of activities whose later rounds go back to the same person."""
    order = np.lexsort((log.round, log.activity, log.case_of))
    earlier, later = order[:-1], order[1:]
    again = (log.case_of[earlier] == log.case_of[later]) & (log.activity[earlier] == log.activity[later])
    again &= (log.resource[earlier] >= 0) & (log.resource[later] >= 0)
    earlier, later = earlier[again], later[again]
    same = log.resource[earlier] == log.resource[later]
    k = len(log.activities)
    rounds = np.bincount(log.activity[later], minlength=k)
    kept = np.bincount(log.activity[later], weights=same, minlength=k)
    out = np.zeros(len(log), dtype=np.bool_)
    out[later] = ((kept >= SAME_PERSON * rounds) & (rounds > 0))[log.activity[later]] & same
    return out


def _free_before(log: EventLog, people: list[Duty]) -> Bools:
    """Return which instances were begun by somebody who was on duty and free just before."""
    out = np.zeros(len(log), dtype=np.bool_)
    rows, begins = work_of_people(log)
    for person, duty in enumerate(people):
        mine = rows[begins[person] : begins[person + 1]]
        out[mine] = duty.free.between(log.start[mine] - SECOND, log.start[mine]) > 0
    return out


def _batch_ready(log: EventLog, enabled: Ints, free: Bools) -> Ints:
    """Return for each instance when the last of its batch was ready; its own enabled time where there is no batch.

    A batch counts if it is of several cases, all of it was ready before it began, it could have begun earlier (`free`),
    and its activity is done so often.
    """
    found = batches(log)
    out = enabled.copy()
    inside = np.flatnonzero(found.of >= 0)
    if not len(inside):
        return out
    of = found.of[inside]
    latest = np.full(len(found), np.iinfo(np.int64).min)
    np.maximum.at(latest, of, enabled[inside])
    begun = np.full(len(found), np.iinfo(np.int64).max)
    np.minimum.at(begun, of, log.start[inside])
    idle = np.zeros(len(found), dtype=np.bool_)
    at_first = log.start[inside] == begun[of]
    np.logical_or.at(idle, of[at_first], free[inside[at_first]])
    collected = (latest <= begun) & idle & (found.figures[:, 5] > 1)
    activity = np.zeros(len(found), dtype=np.int64)
    activity[of] = log.activity[inside]
    k = len(log.activities)
    number = np.bincount(activity[collected], minlength=k)
    share = np.bincount(log.activity[inside], weights=collected[of], minlength=k)
    habit = (number >= FEWEST_BATCHES) & (share >= BATCHED * np.bincount(log.activity, minlength=k))
    counted = collected[of] & habit[log.activity[inside]]
    out[inside[counted]] = latest[of[counted]]
    return out


@dataclass(frozen=True, eq=False, kw_only=True)
class _Staff:
    """The people of a log, when they are free, what became ready when, (n,) µs, and what was begun promptly (rows)."""

    log: EventLog
    pools: Pools
    office: Timeline
    people: list[Duty]
    enabled: Ints
    ready: Ints
    prompt: Ints
    work: tuple[Ints, Ints]
    pause: int

    def handed_over(self, waits: Waits) -> Ints:
        """Return when each wait ended to be one for something outside: in its person's last pause, or after it.

        What is handed over while that person has other work, or is away, is told by `offered_hours` from the rest.
        """
        rows, since, until = waits.rows, waits.since, waits.until
        own = since.copy()
        order = np.argsort(waits.person, kind="stable")
        begins = np.searchsorted(waits.person[order], np.arange(len(self.people) + 1))
        for member, duty in enumerate(self.people):
            mine = order[begins[member] : begins[member + 1]]
            if len(mine):
                own[mine] = _last_pause(duty.free, since[mine], until[mine], self.pause)
        least, most = self.office.between(since, own) / HOUR, self.office.between(since, until) / HOUR
        late = np.flatnonzero((waits.person >= 0) & (least < most))
        # What was begun at once counts as well.
        prompt = self.prompt
        none, nobody = np.zeros(len(prompt)), waits.person < 0
        activity = self.log.activity[np.concatenate((rows, prompt))]
        hours = offered_hours(activity, np.append(least, none), np.append(np.where(nobody, np.nan, most), none))
        passed = np.rint(hours[late] * HOUR).astype(np.int64)
        moments = self.office.closing(self.office.opened(since[late]) + passed)
        own[late] = np.clip(moments, own[late], until[late])
        return own

    def split(self, pool: int, waits: Waits, chosen: Ints, own: Ints) -> NDArray[np.int64]:
        """Split the chosen waits, all for one pool and handed over at `own`, by cause: (chosen, 6)."""
        since, until, person = waits.since[chosen], waits.until[chosen], waits.person[chosen]
        out = np.zeros((len(chosen), len(CAUSES)), dtype=np.int64)
        members = self._members(pool, person)
        if not members:
            out[:, 5] = self.office.between(since, until)
            return out
        team = Duty.together([self.people[member] for member in members])
        idle = np.maximum(_last_pause(team.free, since, until, self.pause), own)
        collected = np.minimum(np.clip(self.ready[waits.rows[chosen]], since, until), own)
        there, free = team.present.between(idle, until), team.free.between(idle, until)
        out[:, 0] = self.office.between(since, collected)
        out[:, 4] = self.office.between(collected, own)
        out[:, 5] = self.office.between(own, idle) + free
        out[:, 3] = self.office.between(idle, until) - there
        out[:, 2] = self._overtaken(members, team, since, idle, until)
        out[:, 1] = there - free - out[:, 2]
        return out

    def _members(self, pool: int, person: Ints) -> list[int]:
        """Return the people of a pool: those of the role, with all who did its work, or the one person."""
        if pool >= len(self.pools.names):
            return [pool - len(self.pools.names)]
        role = {number for number, roles in enumerate(self.pools.recorded) if pool in roles}
        return sorted(role | set(np.unique(person[person >= 0]).tolist()))

    def _overtaken(self, members: list[int], team: Duty, ready: Ints, since: Ints, until: Ints) -> Ints:
        """Return how long all of a team were busy, one of them with something that was ready later than each."""
        ordered, begins = self.work
        rows = np.concatenate([ordered[begins[one] : begins[one + 1]] for one in members])
        start, end = self.log.start[rows], self.log.end[rows]
        edges, _ = depth(start, end)
        begin = np.searchsorted(edges, start)
        latest = _latest(begin, np.searchsorted(edges, end), self.enabled[rows], len(edges))
        busy = team.present.between(edges[:-1], edges[1:]) - team.free.between(edges[:-1], edges[1:])
        kept = np.flatnonzero(busy > 0)
        if not len(kept):
            return np.zeros(len(since), dtype=np.int64)
        begin, end, busy, latest = edges[:-1][kept], edges[1:][kept], busy[kept], latest[:-1][kept]
        moments, bound = np.concatenate((since, until)), np.concatenate((ready, ready))
        place = np.searchsorted(end, moments, side="right")
        total = _weight_above(latest, busy, place, bound)
        # A moment may lie within a stretch.
        at = np.minimum(place, len(begin) - 1)
        inside = np.flatnonzero((place < len(begin)) & (begin[at] < moments) & (latest[at] > bound))
        begun = begin[at[inside]]
        total[inside] += team.present.between(begun, moments[inside]) - team.free.between(begun, moments[inside])
        return np.asarray(total[len(since) :] - total[: len(since)])


def _last_pause(free: Timeline, since: Ints, until: Ints, pause: int) -> Ints:
    """Return when the last stretch of free time between two moments ends that is a pause or longer; else `since`."""
    out = since.copy()
    long = np.flatnonzero(free.ends - free.starts >= pause)
    if len(long):
        starts, ends = free.starts[long], free.ends[long]
        place = np.searchsorted(starts, until) - 1
        # The last one may be cut too short by `until`; the one before it is not.
        for back in (1, 0):
            at = np.maximum(place - back, 0)
            end = np.minimum(ends[at], until)
            out = np.where((place >= back) & (end - np.maximum(starts[at], since) >= pause), end, out)
    return out


def _latest(begin: Ints, end: Ints, values: Ints, size: int) -> Ints:
    """Return for each of `size` places the largest of the values whose span [begin, end) holds it.

    Every span is covered by two that are a power of two long, and these are halved from the longest on.
    """
    lowest = np.iinfo(np.int64).min
    keep = end > begin
    begin, end, values = begin[keep], end[keep], values[keep]
    level = np.frexp((end - begin).astype(np.float64))[1] - 1
    out = np.full(size, lowest)
    for k in range(int(level.max(initial=0)), -1, -1):
        mine = level == k
        np.maximum.at(out, begin[mine], values[mine])
        np.maximum.at(out, end[mine] - (1 << k), values[mine])
        if k:
            half = 1 << (k - 1)
            longer = out.copy()
            out[half:] = np.maximum(out[half:], longer[: size - half])
    return out


def _weight_above(values: Ints, weights: Ints, place: Ints, bound: Ints) -> Ints:
    """Return for each query the weight of the values before its place that are larger than its bound.

    A wavelet matrix (Claude and Navarro 2012) that is asked all queries at once while it is built, bit by bit.
    """
    ranks = np.unique(values)
    code = np.searchsorted(ranks, values)
    limit = np.searchsorted(ranks, bound, side="right")
    left, right = np.zeros(len(place), dtype=np.int64), place.astype(np.int64)
    total = np.zeros(len(place), dtype=np.int64)
    for bit in range(max(len(ranks), 1).bit_length(), -1, -1):
        one = (code >> bit) & 1 == 1
        zeros = np.concatenate(([0], np.cumsum(~one)))
        sums = np.concatenate(([0], np.cumsum(np.where(one, weights, 0))))
        stays = (limit >> bit) & 1 == 0
        # Where the bound has a 0, the values with a 1 lie above it.
        total += np.where(stays, sums[right] - sums[left], 0)
        middle = int(zeros[-1])
        low, high = zeros[left], zeros[right]
        left = np.where(stays, low, middle + left - low)
        right = np.where(stays, high, middle + right - high)
        order = np.argsort(one, kind="stable")
        code, weights = code[order], weights[order]
    # What is left equals the limit, the first rank that lies above the bound.
    sums = np.concatenate(([0], np.cumsum(weights)))
    return np.asarray(total + sums[right] - sums[left])

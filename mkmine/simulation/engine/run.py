"""A run on SimPy: callbacks over compiled tables.

A generator process per case is the textbook way and five times slower. Here every person is one reusable event (the end
of the work in hand, or the next opening of an absent person's calendar), what waits outside borrows one, and calendars
are arithmetic, not interrupts. Queues are heaps.

Times are int microseconds: the clock never drifts. Events of the same moment happen in the order in which they were
scheduled.
"""

from __future__ import annotations

import sys
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from gc import disable, enable, isenabled
from heapq import heappop
from itertools import count

import numpy as np

from mkmine.errors import DataError
from mkmine.simulation.engine.clockwork import Alarm, Environment, Event
from mkmine.simulation.engine.draws import MOST_VISITS, SHIFT, Draws
from mkmine.simulation.engine.places import Activity, Draw, Item, Place, Queue, build_places
from mkmine.simulation.engine.rows import Rows
from mkmine.simulation.engine.tables import OVERLAP, RACE, Ints, Kind, Tables
from mkmine.simulation.engine.underway import Resumption
from mkmine.simulation.engine.workers import Worker
from mkmine.simulation.model import SimulationModel

__all__ = ["Run"]

_NEVER = 2**63
# Rows are packed into arrays when so many numbers have come together.
_PACK = 600_000
_WORD = 2**64 - 1


def _mixed(bits: int) -> int:
    """Return twelve bits in which each of 64 bits has its part (the finaliser of SplitMix64; Steele et al. 2014)."""
    bits &= _WORD
    bits = (bits ^ bits >> 30) * 0xBF58476D1CE4E5B9 & _WORD
    bits = (bits ^ bits >> 27) * 0x94D049BB133111EB & _WORD
    return bits >> 52


class _Wait(Alarm):
    """Something that happens later to a case."""

    def __init__(self, run: Run) -> None:
        super().__init__(run.env)
        self.run = run
        self.place: Place
        self.what: Callable[[int, int, int, Draw], None]
        self.moment, self.case, self.since = 0, -1, 0
        self.draw: Draw = ()

    def happened(self) -> None:
        """Do what was waited for."""
        run, case, moment = self.run, self.case, self.moment
        # What follows may use this wait for something else.
        run.spare.append(self)
        if case in run.dead:
            place = self.place
            run.end_branch(case, moment)
            place.withdraw(moment)
        else:
            self.what(case, moment, self.since, self.draw)
            run.go_ahead(moment)


class _Source(Alarm):
    """The arrivals."""

    def __init__(self, run: Run, arrivals: Ints) -> None:
        super().__init__(run.env)
        self.run, self.next = run, 0
        self.moments = array("q", arrivals.tobytes())
        self.places: list[int] = run.draws.cases.begin.tolist()
        self.limit = run.model.wip_limit or run.draws.cases.n
        self.backlog: deque[int] = deque()

    def happened(self) -> None:
        """A case arrives, and the next one is expected."""
        case = self.next
        now = self.moments[case]
        self.next += 1
        if self.next < len(self.moments):
            self.run.env.at(self.moments[self.next], self)
        if self.run.in_process >= self.limit:
            self.backlog.append(case)
        else:
            self.start(case, now)

    def start(self, case: int, now: int) -> None:
        """The case comes to its first place."""
        self.run.start_case(case)
        self.run.places[self.places[case]].enter(case, now, self.moments[case])
        self.run.go_ahead(now)


class Run:
    """One run: the state of cases, queues and people, and the rows of the log as they are written."""

    def __init__(self, model: SimulationModel, tables: Tables, draws: Draws, arrivals: Ints, begins: int) -> None:
        self.model, self.tables, self.draws = model, tables, draws
        n = draws.cases.n
        self.env = Environment(begins)
        # The state of cases: visits by place, activities so far, who did what, how many branches.
        self.visits: list[list[int]] = [[]] * n
        self.traces: list[list[int]] = [[]] * n if tables.traced else []
        self.doers: list[list[int]] = [[]] * n if tables.handed else []
        self.branches = [1] * n if tables.branches else []
        # Where a case may go on before its work is done: how much of it is in hand, and where it goes after that.
        self.in_hand = [0] * n if model.overlapping else []
        self.onward = [OVERLAP] * n if model.overlapping else []
        self.ahead: list[tuple[int, int]] = []
        self.is_ahead = False
        self.opened: dict[tuple[int, int], int] = {}
        self.arrived: dict[tuple[int, int], int] = {}
        self.dead: set[int] = set()
        self.cancelled = bytearray(n)
        self.in_process = self.finished = 0
        # What was drawn, by block, place and visit; a block is dropped when its cases have ended.
        self.books: list[list[list[Draw]]] = []
        self.left: list[int] = []
        # The state of queues and people.
        self.numbers = count(1)
        self.queues = [Queue(role) for role in tables.roles]
        self.waiting: set[int] = set()
        self.gone: set[int] = set()
        self.choosy = tables.choosy
        self.due: list[int] = (
            draws.cases.due.tolist() if model.queue == "deadline" and draws.cases.due is not None else []
        )
        self.ranks: list[int] = [] if draws.cases.rank is None else draws.cases.rank.tolist()
        self.lifo = model.queue == "lifo"
        # Work is taken in the order in which it was enabled, apart from the priority of its activity.
        self.in_order = not (self.due or self.ranks or self.lifo)
        self.slots = self._hire()
        self.race: list[float] = RACE.tolist() if tables.raced.any() else []
        self.person_keys: list[int] = tables.person_key.tolist()
        self.spare: list[_Wait] = []
        self.underway: Sequence[Resumption] = ()
        self.rows: list[int] = []
        self.packed: list[Ints] = []
        self.places: list[Place] = build_places(self)
        self.over = Event(self.env)
        self.source = _Source(self, arrivals)
        self.env.at(int(arrivals[0]), self.source)
        codes = list(enumerate(tables.kind.tolist()))
        self.splits = [code for code, kind in codes if kind in (Kind.AND, Kind.OR)]
        self.joins = [code for code, kind in codes if kind == Kind.JOIN]

    def _hire(self) -> list[list[Worker]]:
        out: list[list[Worker]] = []
        for person, roles in enumerate(self.tables.person_roles):
            own: list[Item] = []
            queues = [self.queues[role] for role in roles]
            clock = self.tables.clocks[int(self.tables.person_clock[person])]
            out.append([Worker(self, person, clock, queues, own) for _ in range(int(self.tables.capacity[person]))])
            for queue in queues:
                queue.idle.extend(out[-1])
        return out

    # -- cases -----------------------------------------------------------------------------------------------------

    def start_case(self, case: int) -> None:
        """A case begins."""
        block = case >> SHIFT
        while block >= len(self.books):
            self.books.append([[] for _ in self.tables.names])
            self.left.append(min(1 << SHIFT, self.draws.cases.n - (len(self.left) << SHIFT)))
            self.pack()
        self.in_process += 1
        self.visits[case] = [0] * len(self.tables.names)
        if self.traces:
            self.traces[case] = []
        if self.doers:
            self.doers[case] = [-1] * self.tables.n_activities

    def begin_with(self, old: Sequence[Resumption], at: int) -> None:
        """Let cases that are underway go on at `at` (µs) from where they are; they are the last ones of all."""
        self.underway = old
        first = len(self.visits) - len(old)
        # Whoever is at work goes on with it before others look for work.
        for number in sorted(range(len(old)), key=lambda number: old[number].stage != "working"):
            place = self.places[old[number].place]
            self.later(at, place, self._resume, first + number, number, ())

    def _resume(self, case: int, now: int, number: int, draw: Draw) -> None:
        one = self.underway[number]
        self.start_case(case)
        self.visits[case] = list(one.visits)
        if self.traces:
            # The visit adds the present activity.
            self.traces[case] = list(one.trace)
        if self.doers:
            self.doers[case] = list(one.doers)
        place = self.places[one.place]
        assert isinstance(place, Activity)
        place.resume(case, now, one)

    def go_ahead(self, now: int) -> None:
        """Let the cases go on whose work has begun, where they do not wait for its end."""
        while self.ahead:
            case, target = self.ahead.pop()
            self.is_ahead = True
            self.places[target].enter(case, now, now)
            self.is_ahead = False

    def end_branch(self, case: int, now: int) -> None:
        """A branch of a case ends; with the last one, the case."""
        if self.branches:
            self.branches[case] -= 1
            if self.branches[case]:
                return
            self._forget_branches(case)
        self.in_process -= 1
        self.finished += 1
        self.visits[case] = []
        if self.traces:
            self.traces[case] = []
        if self.doers:
            self.doers[case] = []
        block = case >> SHIFT
        self.left[block] -= 1
        if not self.left[block]:
            self.books[block] = []
        if self.finished == len(self.visits):
            self.over.succeed()
        if self.source.backlog and self.in_process < self.source.limit:
            self.source.start(self.source.backlog.popleft(), now)

    def _forget_branches(self, case: int) -> None:
        for code in self.splits:
            self.opened.pop((case, code), None)
        for code in self.joins:
            self.arrived.pop((case, code), None)
        self.dead.discard(case)

    def terminate(self, case: int, now: int) -> None:
        """All the other branches of a case stop: what waits leaves its queue, what is in hand is its last."""
        if not self.branches or self.branches[case] == 1:
            return
        self.dead.add(case)
        for code in self.joins:
            self.branches[case] -= self.arrived.pop((case, code), 0)
        waiting = [
            item
            for heap in self._heaps()
            for item in heap
            if item[2] == case and abs(item[1]) not in self.gone and not item[5].bundles
        ]
        waiting.sort(key=lambda item: abs(item[1]))
        self.gone.update(abs(item[1]) for item in waiting)
        self.waiting.difference_update(self.gone)
        self.purge()
        self.branches[case] -= len(waiting)
        for item in waiting:
            item[5].withdraw(now)

    def draw(self, place: int, visit: int, block: int) -> Draw:
        """Return what is drawn for the cases of a block at a visit of a place."""
        route = self.draws.route[place]
        columns = self.draws.vectors(place, visit, block)
        # The uniform draw that contexts route by is kept by its bits.
        return tuple(array("d" if k == route else "q", one.tobytes()) for k, one in enumerate(columns))

    # -- queues ----------------------------------------------------------------------------------------------------

    def key(self, case: int, since: int, rank: int, number: int) -> tuple[int, int]:
        """Return what orders work in its queue; the number keeps the order of offering among equals."""
        if self.due:
            return self.due[case], number
        if self.lifo:
            return -since, -number
        return since + rank + (self.ranks[case] if self.ranks else 0), number

    def call(self, candidates: Iterable[Worker], now: int) -> bool:
        """Give work to the first idle person on duty, or else wake the one who comes first when they come.

        Return whether someone took it.
        """
        first, soonest = None, _NEVER
        for worker in candidates:
            # Someone about to wake will look for work by themselves; whoever wakes at this very moment comes first.
            if worker.waking:
                if worker.opening(now) == now:
                    return False
                continue
            opening = worker.opening(now)
            if opening == now:
                if worker.take(now):
                    return True
            elif opening < soonest:
                first, soonest = worker, opening
        if first is not None:
            first.wake(soonest)
        return False

    def in_race(self, idle: Iterable[Worker], bits: int, aversion: list[float], now: int) -> list[Worker]:
        """Return idle people as they come for a piece of work: who comes soonest, and of these who wins the race.

        Everybody's time is exponential with their preference as its rate, and the same whoever else is there.
        """
        keys, clocks = self.person_keys, self.race
        ranked = [
            (worker.opening(now), clocks[_mixed(bits ^ keys[worker.person])] * aversion[worker.person], place, worker)
            for place, worker in enumerate(idle)
        ]
        ranked.sort()
        return [worker for *_, worker in ranked]

    def _heaps(self) -> list[list[Item]]:
        return [*(queue.heap for queue in self.queues), *(slots[0].own for slots in self.slots)]

    def purge(self) -> None:
        """Take what has gone off the heads of the queues."""
        if self.gone:
            for heap in self._heaps():
                while heap and abs(heap[0][1]) in self.gone:
                    self.gone.remove(abs(heappop(heap)[1]))

    def later(
        self, moment: int, place: Place, what: Callable[[int, int, int, Draw], None], case: int, since: int, draw: Draw
    ) -> None:
        """Call `what(case, moment, since, draw)` at `moment`; if the case has ended by then, it leaves the place."""
        wait = self.spare.pop() if self.spare else _Wait(self)
        wait.place, wait.what = place, what
        wait.moment, wait.case, wait.since, wait.draw = moment, case, since, draw
        self.env.at(moment, wait)

    def pack(self) -> None:
        """Put the rows written so far into an array, which needs a tenth of their room."""
        if len(self.rows) > _PACK:
            self.packed.append(np.array(array("q", self.rows)).reshape(-1, 6))
            self.rows.clear()

    # -- the whole -------------------------------------------------------------------------------------------------

    def play(self) -> Rows:
        """Let the cases arrive and go on until every one has ended.

        Raises `DataError` if cases wait for each other for ever.
        """
        collecting, deepest = isenabled(), sys.getrecursionlimit()
        # A case that goes round through gateways alone calls on until it comes out, or to the limit of its visits.
        sys.setrecursionlimit(deepest + (MOST_VISITS + 1) * len(self.model.gateways))
        # The run makes no cycles worth collecting, and looking for them costs a seventh of its time.
        disable()
        try:
            if not self.env.play(self.over):
                raise DataError(self._stuck())
        finally:
            sys.setrecursionlimit(deepest)
            if collecting:
                enable()
        last = np.array(array("q", self.rows)).reshape(-1, 6)
        table = np.concatenate([*self.packed, last]) if self.packed else last
        return Rows.of_table(table, np.frombuffer(self.cancelled, dtype=np.uint8).astype(np.bool_))

    def _stuck(self) -> str:
        names = self.tables.names
        joins = sorted({names[code] for (_, code), come in self.arrived.items() if come})
        doors = sorted({names[place.code] for place in self.places if getattr(place, "door", None)})
        heaps = sorted({names[item[5].code] for heap in self._heaps() for item in heap})
        held = sorted({names[place.code] for place in self.places if getattr(place, "held", None)})
        where = [
            *(f"branches wait at {', '.join(joins)} for others that never come" for _ in joins[:1]),
            *(f"the WIP limits of {', '.join(doors)} block each other; raise one of them" for _ in doors[:1]),
            *(f"nobody may do what waits for {', '.join(heaps)}" for _ in heaps[:1]),
            *(f"the batches of {', '.join(held)} are never full; give them hours or a calendar" for _ in held[:1]),
        ]
        left = self.draws.cases.n - self.finished
        return f'"{self.model.name}" is stuck: {left:,} cases never end; {"; ".join(where)}'

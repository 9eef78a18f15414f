"""People while the engine runs: who is free, at work or absent, and who takes which work."""

from __future__ import annotations

from heapq import heapify, heappop
from typing import TYPE_CHECKING

from mkmine.simulation.engine.clocks import Clock
from mkmine.simulation.engine.clockwork import Alarm
from mkmine.simulation.engine.draws import MASK
from mkmine.simulation.engine.places import Draw, Item, Queue, Task

if TYPE_CHECKING:
    from mkmine.simulation.engine.run import Run

__all__ = ["Worker"]


class Worker(Alarm):
    """One pair of hands of a person: free, at work until `until`, or waking then."""

    def __init__(self, run: Run, person: int, clock: Clock, queues: list[Queue], own: list[Item]) -> None:
        super().__init__(run.env)
        self.run, self.person, self.clock = run, person, clock
        self.queues, self.idles, self.own = queues, [queue.idle for queue in queues], own
        self.heaps = [*(queue.heap for queue in queues), own]
        self.single = len(queues) == 1
        self.busy = self.waking = False
        self.case, self.until = -1, 0
        self.opens, self.closes, self.returns = 0, 0, 0
        self.place: Task
        self.draw: Draw = ()

    def opening(self, now: int) -> int:
        """Return `now` if the person is on duty, or else their next opening."""
        if now >= self.closes:
            self.opens, self.closes = self.clock.shift(now)
        return now if now >= self.opens else self.opens

    def has_work(self) -> bool:
        """Whether work waits that this person may do."""
        return any(self.heaps)

    def begin(self, place: Task, case: int, end: int, draw: Draw) -> None:
        """Be busy until `end`."""
        self.busy, self.place, self.case, self.until, self.draw = True, place, case, end, draw
        for idle in self.idles:
            if idle[0] is self:
                idle.popleft()
            else:
                idle.remove(self)
        self.run.env.at(end, self)

    def wake(self, moment: int) -> None:
        """Look for work at `moment`."""
        self.waking, self.until = True, moment
        self.run.env.at(moment, self)

    def take(self, now: int) -> bool:
        """Begin the first piece of work in the queues; return whether there was any that this person may do."""
        run = self.run
        if run.choosy:
            return self._choose(now)
        heap = self.heaps[0] if self.single and not self.own else min(filter(None, self.heaps), key=_head)
        _, number, case, since, draw, place = heappop(heap)
        if run.waiting:
            run.waiting.discard(abs(number))
        if run.gone:
            run.purge()
        place.begin(self, case, now, since, draw)
        return True

    def _choose(self, now: int) -> bool:
        """Begin the first piece of work that is not somebody else's to do, nor too long for what is left of the day."""
        run = self.run
        best: tuple[Item, list[Item]] | None = None
        late = False
        for heap in self.heaps:
            for item in heap:
                _, number, case, _, draw, place = item
                if abs(number) in run.gone or (place.other >= 0 and run.doers[case][place.other] == self.person):
                    continue
                if place.fits and not self._fits(place, case, now, draw):
                    late = True
                elif best is None or item < best[0]:
                    best = item, heap
        if best is None:
            if late:
                self._return_later()
            return False
        (_, number, case, since, draw, place), heap = best
        heap.remove(best[0])
        heapify(heap)
        run.waiting.discard(abs(number))
        run.purge()
        place.begin(self, case, now, since, draw)
        return True

    def _fits(self, place: Task, case: int, now: int, draw: Draw) -> bool:
        """Whether work can be done before the day is over, or is longer than any day."""
        duration = place.hours(self.person, case, draw)
        return now + duration <= self.closes or duration > self.clock.longest

    def _return_later(self) -> None:
        """Look for work again at the next opening, whatever happens until then."""
        opening = self.clock.shift(self.closes)[0]
        if opening > self.returns:
            self.returns = opening
            self.run.later(opening, self.run.places[0], self._return, -1, 0, ())

    def _return(self, case: int, now: int, since: int, draw: Draw) -> None:
        self.look(now)

    def happened(self) -> None:
        """The work in hand is done, or the person has come: look for work, and let others come for what is left."""
        now, run = self.until, self.run
        self.waking = False
        if self.busy:
            self.busy = False
            for idle in self.idles:
                idle.append(self)
            place, case = self.place, self.case
            if place.straight and not run.dead:
                run.places[self.draw[1][case & MASK]].enter(case, now, now)
            else:
                place.done(self, case, now, self.draw)
            if run.ahead:
                run.go_ahead(now)
        if any(self.heaps):
            self.look(now)

    def look(self, now: int) -> None:
        """Look for work, if there is time, and let others come for what is left."""
        if not self.busy and not self.waking and any(self.heaps):
            opening = self.opening(now)
            if opening > now:
                self.wake(opening)
            else:
                self.take(now)
        # Whoever was woken for one piece of work may take another: someone else has to come for what is left.
        for queue in self.queues:
            while queue.heap and queue.idle and self.run.call(queue.idle, now):
                pass
        self.run.go_ahead(now)


def _head(heap: list[Item]) -> Item:
    return heap[0]

"""Activities that hold work back: limits on the work in progress, and batches."""

from __future__ import annotations

from collections import deque
from heapq import heappush
from typing import TYPE_CHECKING, cast

from mkmine.calendars import HOUR
from mkmine.simulation.engine.clocks import LONGEST
from mkmine.simulation.engine.draws import MASK
from mkmine.simulation.engine.places import Draw, Task

if TYPE_CHECKING:
    from mkmine.simulation.engine.run import Run
    from mkmine.simulation.engine.underway import Resumption
    from mkmine.simulation.engine.workers import Worker
    from mkmine.simulation.model import ActivityModel

__all__ = ["BatchedTask", "LimitedBatchedTask", "LimitedTask"]

# The hours of a batch do not add up to more, whatever its pieces are; the compiled engine has no larger numbers.
_MOST = 2**62


class LimitedTask(Task):
    """An activity with a limit: a case that finds it full waits at its door and keeps its place where it was."""

    def __init__(self, run: Run, code: int, model: ActivityModel) -> None:
        super().__init__(run, code, model)
        self.limit = model.wip_limit or 0
        self.inside = 0
        # Who waits: the case, since when, and whose place it keeps.
        self.door: deque[tuple[int, int, LimitedTask | None]] = deque()

    def enter(self, case: int, now: int, since: int) -> None:
        """The case goes in, or waits at the door."""
        if self.inside >= self.limit:
            self.door.append((case, since, None))
        else:
            self._admit(case, now, since)

    def _admit(self, case: int, now: int, since: int) -> None:
        self.inside += 1
        super().enter(case, now, since)

    def resume(self, case: int, now: int, one: Resumption) -> None:
        """A case has been here since before the simulation began."""
        self.inside += 1
        super().resume(case, now, one)

    def leave(self, case: int, now: int, since: int, draw: Draw) -> None:
        """The case goes on, and gives its place to the next one as soon as it finds another."""
        target = draw[1][case & MASK]
        if self.contexts:
            target = self._by_context(case, draw, target)
        place = self.run.places[target]
        if place is self:
            super().enter(case, now, now)
        elif isinstance(place, LimitedTask) and place.inside >= place.limit:
            place.door.append((case, now, self))
        else:
            place.enter(case, now, now)
            self.withdraw(now)

    def withdraw(self, now: int) -> None:
        """A place has become free: who waits at the door takes it, and frees the one they kept."""
        self.inside -= 1
        while self.door and self.inside < self.limit:
            case, since, origin = self.door.popleft()
            if case in self.run.dead:
                self.run.end_branch(case, now)
            else:
                self._admit(case, now, since)
            if origin is not None:
                origin.withdraw(now)


class BatchedTask(Task):
    """An activity whose work is collected and handed over together."""

    def __init__(self, run: Run, code: int, model: ActivityModel) -> None:
        super().__init__(run, code, model)
        batch = model.batch
        assert batch is not None
        self.size = batch.size or 0
        self.longest = None if batch.hours is None else round(batch.hours * HOUR)
        self.opening = batch.calendar is not None and batch.hours is None
        self.batch_clock = run.tables.clocks[run.tables.clock_of[batch.calendar] if batch.calendar else 0]
        self.together, self.addition = batch.together, batch.addition
        self.bundles = self.together
        self.held: list[tuple[int, int, Draw]] = []
        self.batches = 0

    def offer(self, case: int, now: int, since: int, draw: Draw) -> None:
        """Work is added to the batch, which is handed over if it is complete."""
        self.held.append((case, since, draw))
        first = len(self.held) == 1
        full = self.size > 0 and len(self.held) >= self.size
        if full or (self.opening and self.batch_clock.next_open(now) == now):
            self._hand_over(now)
        elif first and self.opening:
            self.run.later(self.batch_clock.next_open(now), self, self._due, -1, self.batches, draw)
        elif first and self.longest is not None:
            self.run.later(self.batch_clock.add(now, self.longest), self, self._due, -1, self.batches, draw)

    def _due(self, case: int, now: int, number: int, draw: Draw) -> None:
        """The time of a batch has come, if it has not been handed over already."""
        if number == self.batches:
            self._hand_over(now)

    def _hand_over(self, now: int) -> None:
        held, self.held = self.held, []
        self.batches += 1
        alive = []
        for one in held:
            if one[0] in self.run.dead:
                self.run.end_branch(one[0], now)
                self.withdraw(now)
            else:
                alive.append(one)
        if self.together and alive:
            run = self.run
            case, since, first = alive[0]
            key = run.key(case, since, self.rank, next(run.numbers))
            heappush(self.queue.heap, (*key, case, since, cast(Draw, tuple(alive)), self))
            self.call(case, now, first)
        elif alive:
            for case, since, draw in alive:
                super().offer(case, now, since, draw)

    def hours(self, person: int, case: int, draw: Draw) -> int:
        """Return how long (µs) the work takes that person, or all the work of a batch at once."""
        if not self.together:
            return super().hours(person, case, draw)
        bundle = cast("tuple[tuple[int, int, Draw], ...]", draw)
        durations = [one[2][0][one[0] & MASK] for one in bundle]
        longest = max(durations)
        duration = min(longest + round((min(sum(durations), _MOST) - longest) * self.addition), LONGEST)
        return duration if self.pace is None else min(round(duration * self.pace[person]), LONGEST)

    def begin(self, worker: Worker, case: int, now: int, since: int, draw: Draw) -> None:
        """A free person on duty begins the work, or all the work of a batch at once."""
        if not self.together:
            super().begin(worker, case, now, since, draw)
            return
        bundle = cast("tuple[tuple[int, int, Draw], ...]", draw)
        duration = self.hours(worker.person, case, draw)
        end = now + duration if self.finish else worker.clock.add(now, duration)
        run = self.run
        for member, since_then, _ in bundle:
            run.rows += (member, self.code, worker.person, since_then, now, end)
            if run.doers:
                run.doers[member][self.code] = worker.person
        worker.begin(self, case, end, draw)

    def in_hand(self, case: int, now: int, draw: Draw) -> Draw:
        """Return what a person who goes on with old work holds: a batch of one, where it is done together."""
        return cast(Draw, ((case, now, draw),)) if self.together else draw

    def done(self, worker: Worker, case: int, now: int, draw: Draw) -> None:
        """A person has finished the work."""
        if not self.together:
            super().done(worker, case, now, draw)
            return
        for member, _, drawn in cast("tuple[tuple[int, int, Draw], ...]", draw):
            super().done(worker, member, now, drawn)


class LimitedBatchedTask(LimitedTask, BatchedTask):
    """An activity with a limit whose work is collected."""

"""The places of a process while it runs on SimPy: what happens when a case enters one, waits, is worked on, and leaves.

Each place is an object with `enter(case, now, since)`: `since` is the moment from which the case could have been here,
earlier than `now` only for who had to wait at the door of a limit. Work that waits is a tuple in a heap: (key, number,
case, since, draws, place).
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import deque
from heapq import heappush
from typing import TYPE_CHECKING

from mkmine.simulation.engine.clocks import LONGEST, Clock
from mkmine.simulation.engine.clockwork import NORMAL
from mkmine.simulation.engine.draws import MASK, SHIFT
from mkmine.simulation.engine.tables import CANCELLED, END, OVERLAP, TERMINATED, WITHDRAWN, Kind, route_table
from mkmine.simulation.engine.underway import Resumption

if TYPE_CHECKING:
    from mkmine.simulation.engine.run import Run
    from mkmine.simulation.engine.workers import Worker
    from mkmine.simulation.model import ActivityModel

__all__ = ["Draw", "Item", "Place", "Queue", "Task", "build_places"]

# The columns that were drawn for a visit of a place, one array over the cases of a block each.
Draw = tuple["array[int]", ...]
Item = tuple[int, int, int, int, Draw, "Task"]


class Queue:
    """The work that waits for a role, and who is idle, the longest idle first."""

    __slots__ = ("heap", "idle", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.heap: list[Item] = []
        self.idle: deque[Worker] = deque()


class Place:
    """A place of the process: `code` is its number in the tables, `run` the run that it belongs to."""

    def __init__(self, run: Run, code: int) -> None:
        self.run, self.code = run, code

    def enter(self, case: int, now: int, since: int) -> None:
        """A case comes here."""
        raise NotImplementedError

    def visit(self, case: int) -> Draw:
        """Count a visit of a case and return what was drawn for it."""
        run, code = self.run, self.code
        counts = run.visits[case]
        number = counts[code]
        counts[code] = number + 1
        drawn = run.books[case >> SHIFT][code]
        while number >= len(drawn):
            drawn.append(run.draw(code, len(drawn) + 1, case >> SHIFT))
        return drawn[number]

    def withdraw(self, now: int) -> None:
        """A case has left without having been worked on."""


# -- activities --------------------------------------------------------------------------------------------------------


class Activity(Place):
    """What activities have in common: their clock, and the routes that lead on."""

    def __init__(self, run: Run, code: int, model: ActivityModel) -> None:
        super().__init__(run, code)
        self.model = model
        self.clock: Clock = run.tables.clocks[int(run.tables.clock[code])]
        numbers = run.tables.numbers
        rounds = len(model.next)
        self.contexts = {
            (one.round + number * rounds, *(numbers[name] for name in one.before)): route_table(one.next, numbers)
            for number, contexts in enumerate((model.contexts, *(variant.contexts for variant in model.variants)))
            for one in contexts
            if one.round <= rounds
        }
        self.deepest = max((len(one.before) for one in model.all_contexts), default=0)
        self.route = int(run.draws.route[code])

    def visit(self, case: int) -> Draw:
        """Count a visit of a case and return what was drawn for it."""
        if self.run.traces:
            self.run.traces[case].append(self.code)
        return super().visit(case)

    def leave(self, case: int, now: int, since: int, draw: Draw) -> None:
        """A case goes on by the longest context that fits, or else by its round."""
        run = self.run
        if run.in_hand:
            self.ended(case, now)
            return
        target = draw[1][case & MASK]
        if self.contexts:
            target = self._by_context(case, draw, target)
        run.places[target].enter(case, now, now)

    def begun(self, case: int, draw: Draw) -> None:
        """The activity begins, and where the case goes is known: at once if by a route with overlap, or else later."""
        run = self.run
        target = draw[1][case & MASK]
        if self.contexts:
            target = self._by_context(case, draw, target)
        run.in_hand[case] += 1
        if target >= OVERLAP:
            run.ahead.append((case, target - OVERLAP))
            target = OVERLAP
        run.onward[case] = target

    def ended(self, case: int, now: int) -> None:
        """The activity is over; with the last one that was in hand, the case goes on."""
        run = self.run
        run.in_hand[case] -= 1
        target = run.onward[case]
        if not run.in_hand[case] and target != OVERLAP:
            run.onward[case] = OVERLAP
            run.places[target].enter(case, now, now)

    def _by_context(self, case: int, draw: Draw, target: int) -> int:
        trace = self.run.traces[case]
        known = min(self.run.visits[case][self.code], len(self.model.next)) + draw[self.route + 1][case & MASK]
        for length in range(min(self.deepest, len(trace) - 1), 0, -1):
            found = self.contexts.get((known, *trace[-1 - length : -1]))
            if found is not None:
                return found[1][bisect_right(found[0], draw[self.route][case & MASK])]
        return target

    def resume(self, case: int, now: int, one: Resumption) -> None:
        """A case has been here since before the simulation began."""
        draw = self.visit(case)
        if one.stage == "done":
            if self.run.in_hand:
                self.begun(case, draw)
            self.run.rows += (case, self.code, one.person, one.since, one.started, one.ended)
            self.leave(case, now, now, draw)
        else:
            self.go_on(case, now, one, draw)

    def go_on(self, case: int, now: int, one: Resumption, draw: Draw) -> None:
        """It waits on, or goes on for what is left of it."""
        working = one.stage == "working"
        end = self.clock.add(self.clock.next_open(now), one.left if working else draw[0][case & MASK])
        self.run.rows += (case, self.code, -1, *((one.since, one.started) if working else (now, now)), end)
        if self.run.in_hand:
            self.begun(case, draw)
        self.run.later(end, self, self.leave, case, now, draw)


class Outside(Activity):
    """A wait that holds no one: an agency, a client, a publication slot."""

    def enter(self, case: int, now: int, since: int) -> None:
        """The case waits from the next opening of the clock on."""
        draw = self.visit(case)
        end = self.clock.add(self.clock.next_open(now), draw[0][case & MASK])
        self.run.rows += (case, self.code, -1, since, now, end)
        if self.run.in_hand:
            self.begun(case, draw)
        self.run.later(end, self, self.leave, case, since, draw)


class Task(Activity):
    """An activity that people do; `bundles` says that what waits is a batch of several cases."""

    bundles = False

    def __init__(self, run: Run, code: int, model: ActivityModel) -> None:
        super().__init__(run, code, model)
        tables, draws = run.tables, run.draws
        self.queue = run.queues[int(tables.role[code])]
        self.delay, self.patience = int(draws.delay[code]), int(draws.patience[code])
        self.race = int(draws.race[code])
        self.aversion = tables.aversion[code].tolist() if self.race >= 0 else []
        self.owner, self.other = int(tables.owner[code]), int(tables.other[code])
        self.rank, self.finish, self.fits = int(tables.rank[code]), bool(tables.finish[code]), bool(tables.fits[code])
        self.pace = tables.pace[code].tolist() if (tables.pace[code] != 1).any() else None
        self.habit = tables.habit[code].tolist() if tables.habit[code].any() else None
        # Work that must not be given to just anybody at any time, or that somebody has to know about, takes the longer
        # way; so does a case that does not simply go where was drawn.
        self.plain = max(self.owner, self.other, self.patience, self.race) < 0 and not self.fits
        self.straight = type(self) in (Task, PlainTask) and not (self.habit or self.contexts or run.in_hand)
        self.waits = run.draws.waits(code)
        if self.patience >= 0 and model.patience is not None:
            calendar = model.patience.calendar
            self.patience_clock = tables.clocks[tables.clock_of[calendar] if calendar else 0]
            self.offered: dict[int, tuple[int, int]] = {}
            self.given_up_to = WITHDRAWN if model.patience.to is None else tables.numbers[model.patience.to]

    def enter(self, case: int, now: int, since: int) -> None:
        """Work is enabled; it is offered at once, or after a delay."""
        # What `visit` does, written out: this is the busiest line of the simulation.
        run, code = self.run, self.code
        counts, drawn = run.visits[case], run.books[case >> SHIFT][code]
        number = counts[code]
        if number < len(drawn) and not run.traces:
            counts[code] = number + 1
            draw = drawn[number]
        else:
            draw = self.visit(case)
        if self.delay >= 0:
            column = self._wait(case) if self.waits else self.delay
            self.run.later(self.clock.add(now, draw[column][case & MASK]), self, self.offer, case, since, draw)
        else:
            self.offer(case, now, since, draw)

    def _wait(self, case: int) -> int:
        """Return the column of the delay, by the activity before."""
        run = self.run
        trace = run.traces[case]
        before = trace[-2] if len(trace) > 1 else -1
        return self.waits.get((before, run.is_ahead), self.delay)

    def offer(self, case: int, now: int, since: int, draw: Draw) -> None:
        """Work joins the queue of its role, or of the one person who must do it, and someone free takes it."""
        queue = self.queue
        if self.plain and not queue.heap and queue.idle:
            # The usual case: somebody is there for it at once, and it need not go through the queue.
            worker = queue.idle[0]
            here = worker.opens <= now < worker.closes or worker.opening(now) == now
            if here and not worker.waking and not worker.own and (worker.single or not worker.has_work()):
                self.begin(worker, case, now, since, draw)
                return
        run = self.run
        number = next(run.numbers)
        item = (*run.key(case, since, self.rank, number), case, since, draw, self)
        if self.patience >= 0:
            run.waiting.add(number)
            self.offered[number] = case, since
            until = self.patience_clock.add(now, draw[self.patience][case & MASK])
            # It is no branch of the case, which may have ended by then.
            run.later(until, self, self.give_up, -1, number, draw)
        owner = run.doers[case][self.owner] if self.owner >= 0 else -1
        if owner < 0:
            heappush(queue.heap, item)
            self.call(case, now, draw)
        else:
            slots = run.slots[owner]
            heappush(slots[0].own, item)
            run.call([worker for worker in slots if not worker.busy], now)

    def call(self, case: int, now: int, draw: Draw) -> None:
        """Give work that has just joined the queue to whoever has been idle longest, or wins the race for it."""
        run, idle = self.run, self.queue.idle
        if self.race >= 0 and len(idle) > 1:
            bits = draw[self.race][case & MASK]
            run.call(run.in_race(idle, bits, self.aversion, now), now)
        else:
            run.call(idle, now)

    def hours(self, person: int, case: int, draw: Draw) -> int:
        """Return how long (µs) the work takes that person."""
        duration = draw[0][case & MASK]
        return duration if self.pace is None else min(round(duration * self.pace[person]), LONGEST)

    def begin(self, worker: Worker, case: int, now: int, since: int, draw: Draw) -> None:
        """A free person on duty begins the work."""
        duration = draw[0][case & MASK]
        if self.pace is not None:
            duration = self.hours(worker.person, case, draw)
        end = now + duration
        if end > worker.closes and not self.finish:
            end = worker.clock.add(now, duration)
        run = self.run
        run.rows += (case, self.code, worker.person, since, now, end)
        if run.doers:
            run.doers[case][self.code] = worker.person
        if run.in_hand:
            self.begun(case, self._of_person(worker, draw))
        worker.busy, worker.place, worker.case, worker.until, worker.draw = True, self, case, end, draw
        for idle in worker.idles:
            if idle[0] is worker:
                idle.popleft()
            else:
                idle.remove(worker)
        env = run.env
        heappush(env.events, (end, NORMAL, next(env.numbers), worker))

    def go_on(self, case: int, now: int, one: Resumption, draw: Draw) -> None:
        """The person goes on with it; where nobody is named, or they are busy, it is offered anew."""
        if one.stage == "waiting":
            if one.left:
                self.run.later(now + one.left, self, self.offer, case, one.since, draw)
            else:
                self.offer(case, now, one.since, draw)
            return
        slots = self.run.slots[one.person] if one.person >= 0 else []
        worker = next((worker for worker in slots if not worker.busy), None)
        if worker is None:
            # After all who go on with their work: whoever is woken for this may be one of them.
            self.run.later(now, self, self.offer, case, one.since, draw)
            return
        worker.opening(now)
        end = now + one.left if self.finish else worker.clock.add(now, one.left)
        run = self.run
        run.rows += (case, self.code, worker.person, one.since, one.started, end)
        if run.doers:
            run.doers[case][self.code] = worker.person
        if run.in_hand:
            self.begun(case, self._of_person(worker, draw))
        worker.begin(self, case, end, self.in_hand(case, now, draw))

    def in_hand(self, case: int, now: int, draw: Draw) -> Draw:
        """Return what a person who goes on with old work holds."""
        return draw

    def done(self, worker: Worker, case: int, now: int, draw: Draw) -> None:
        """A person has finished the work."""
        if case in self.run.dead:
            self.run.end_branch(case, now)
            self.withdraw(now)
        else:
            self.leave(case, now, now, self._of_person(worker, draw))

    def _of_person(self, worker: Worker, draw: Draw) -> Draw:
        """Return what was drawn, as it is where that person did the work."""
        column = self.habit[worker.person] if self.habit is not None else 0
        return (draw[0], draw[1 + column]) if column else draw

    def give_up(self, case: int, now: int, number: int, draw: Draw) -> None:
        """Nobody has begun the work in time: it leaves the queue, and the case goes elsewhere."""
        run = self.run
        case, since = self.offered.pop(number)
        if number not in run.waiting:
            return
        run.waiting.remove(number)
        run.gone.add(number)
        run.purge()
        # The log tells of the waiting: an instance without a person that ends as it begins.
        run.rows += (case, self.code, -1, since, now, now)
        run.places[self.given_up_to].enter(case, now, now)
        self.withdraw(now)


class PlainTask(Task):
    """An activity of which nobody has to know anything but its queue: the usual case, written out in one piece.

    What `Task` does step by step costs a third more of the whole simulation's time.
    """

    def enter(self, case: int, now: int, since: int) -> None:
        """Work is offered, and begun if somebody is there for it."""
        run, code = self.run, self.code
        counts, drawn = run.visits[case], run.books[case >> SHIFT][code]
        number = counts[code]
        if number < len(drawn):
            counts[code] = number + 1
            draw = drawn[number]
        else:
            draw = self.visit(case)
        queue = self.queue
        if queue.idle and not queue.heap:
            worker = queue.idle[0]
            if worker.opens <= now < worker.closes and worker.single and not worker.waking and not worker.own:
                duration = draw[0][case & MASK]
                end = now + duration
                if end > worker.closes and not self.finish:
                    end = worker.clock.add(now, duration)
                run.rows += (case, code, worker.person, since, now, end)
                worker.busy, worker.place, worker.case, worker.until, worker.draw = True, self, case, end, draw
                queue.idle.popleft()
                env = run.env
                heappush(env.events, (end, NORMAL, next(env.numbers), worker))
                return
        elif not queue.idle and run.in_order:
            heappush(queue.heap, (since + self.rank, next(run.numbers), case, since, draw, self))
            return
        self.offer(case, now, since, draw)


def _is_plain(run: Run, code: int) -> bool:
    """Whether work is offered at once to whoever has the role, and takes everybody as long."""
    tables, draws = run.tables, run.draws
    held = max(draws.delay[code], draws.patience[code], draws.race[code], tables.owner[code], tables.other[code])
    return bool(held < 0 and not tables.fits[code] and (tables.pace[code] == 1).all())


def build_places(run: Run) -> list[Place]:
    """Return the places of a run: by their numbers, and the ways to end at the negative ones."""
    from mkmine.simulation.engine.gateways import Choice, End, Fork, Join, Merge, Race
    from mkmine.simulation.engine.limits import BatchedTask, LimitedBatchedTask, LimitedTask

    tasks = {
        (False, False): Task,
        (False, True): LimitedTask,
        (True, False): BatchedTask,
        (True, True): LimitedBatchedTask,
    }
    out: list[Place] = []
    for code, activity in enumerate(run.model.activities.values()):
        made = tasks[activity.batch is not None, activity.wip_limit is not None]
        if made is Task and not (run.traces or run.doers or run.in_hand) and _is_plain(run, code):
            made = PlainTask
        out.append(Outside(run, code, activity) if activity.role is None else made(run, code, activity))
    gateways = {Kind.XOR: Choice, Kind.AND: Fork, Kind.OR: Fork, Kind.MERGE: Merge, Kind.JOIN: Join}
    for code, gateway in enumerate(run.model.gateways.values(), len(out)):
        kind = int(run.tables.kind[code])
        out.append(Race(run, code, gateway) if kind == Kind.EVENT else gateways[kind](run, code))
    return [*out, *(End(run, code) for code in (WITHDRAWN, TERMINATED, CANCELLED, END))]

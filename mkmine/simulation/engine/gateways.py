"""Gateways while the engine runs: where ways part, where branches wait for each other, and where cases end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mkmine.simulation.engine.draws import MASK
from mkmine.simulation.engine.places import Draw, Place
from mkmine.simulation.engine.tables import CANCELLED, END, TERMINATED, WITHDRAWN, Kind

if TYPE_CHECKING:
    from mkmine.simulation.engine.run import Run
    from mkmine.simulation.model import Gateway

__all__ = ["Choice", "End", "Fork", "Join", "Merge", "Race"]


class End(Place):
    """Where a branch of a case ends, or the whole case with all its branches."""

    def enter(self, case: int, now: int, since: int) -> None:
        """The branch ends; the case with the last one."""
        run = self.run
        if self.code in (CANCELLED, WITHDRAWN):
            run.cancelled[case] = 1
        if self.code in (TERMINATED, WITHDRAWN):
            run.terminate(case, now)
        run.end_branch(case, now)


class Choice(Place):
    """An exclusive gateway."""

    def enter(self, case: int, now: int, since: int) -> None:
        """The case takes one way."""
        self.run.places[self.visit(case)[0][case & MASK]].enter(case, now, since)


class Merge(Place):
    """Where alternatives meet."""

    def enter(self, case: int, now: int, since: int) -> None:
        """The case goes on."""
        self.run.places[self.run.tables.targets[self.code][0]].enter(case, now, since)


class Fork(Place):
    """A parallel or inclusive gateway that opens branches."""

    def __init__(self, run: Run, code: int) -> None:
        super().__init__(run, code)
        self.targets = run.tables.targets[code]
        self.inclusive = bool(run.tables.kind[code] == Kind.OR)

    def enter(self, case: int, now: int, since: int) -> None:
        """A branch goes each of the ways, or of those that were drawn."""
        run, targets = self.run, self.targets
        if self.inclusive:
            bits = self.visit(case)[0][case & MASK]
            targets = tuple(target for number, target in enumerate(targets) if bits >> number & 1)
        run.branches[case] += len(targets) - 1
        run.opened[case, self.code] = len(targets)
        for target in targets:
            if case in run.dead:
                run.end_branch(case, now)
            else:
                run.places[target].enter(case, now, since)


class Join(Place):
    """Where branches wait for each other."""

    def __init__(self, run: Run, code: int) -> None:
        super().__init__(run, code)
        self.needed, self.target = int(run.tables.needed[code]), run.tables.targets[code][0]

    def enter(self, case: int, now: int, since: int) -> None:
        """The last branch to come goes on alone."""
        run, needed = self.run, self.needed
        if needed < 0:
            needed = run.opened.get((case, -needed - 1), 1)
        come = run.arrived.get((case, self.code), 0) + 1
        if come < needed:
            run.arrived[case, self.code] = come
            return
        run.arrived[case, self.code] = 0
        run.branches[case] -= needed - 1
        run.places[self.target].enter(case, now, now)


class Race(Place):
    """An event-based gateway: the first of several outside events decides."""

    def __init__(self, run: Run, code: int, model: Gateway) -> None:
        super().__init__(run, code)
        of = run.tables.clock_of
        self.clocks = [run.tables.clocks[of[one.calendar] if one.calendar else 0] for one in model.events]
        outcome = {"completed": END, "cancelled": WITHDRAWN}
        numbers = run.tables.numbers
        self.targets = [outcome[one.outcome] if one.to is None else numbers[one.to] for one in model.events]

    def enter(self, case: int, now: int, since: int) -> None:
        """The case waits for what happens first."""
        draw = self.visit(case)
        moments = [clock.add(now, waits[case & MASK]) for clock, waits in zip(self.clocks, draw, strict=True)]
        first = min(moments)
        self.run.later(first, self, self.happened, case, moments.index(first), draw)

    def happened(self, case: int, now: int, number: int, draw: Draw) -> None:
        """The case goes where the event leads."""
        self.run.places[self.targets[number]].enter(case, now, now)

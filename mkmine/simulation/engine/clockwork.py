"""SimPy's environment for the engine: events that happen again and again, without the lists that SimPy's events carry.

It is a SimPy environment to whoever joins it: processes, timeouts and resources behave as SimPy says. Only the engine's
own alarms are called at once, and only they are scheduled without being asked what they are.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Any

import simpy
from simpy.events import NORMAL

__all__ = ["NORMAL", "Alarm", "Environment", "Event"]

Event = simpy.Event


class Alarm(simpy.Event):
    """Something that happens at a moment, and may be scheduled again when it has."""

    def __init__(self, env: simpy.Environment) -> None:
        super().__init__(env)
        self._ok, self._value = True, None

    def happened(self) -> None:
        """Do what follows."""
        raise NotImplementedError


class Environment(simpy.Environment):
    """An environment whose times are int; `events` is its heap, `numbers` gives the order of scheduling."""

    def __init__(self, begins: int) -> None:
        super().__init__(initial_time=begins)
        self.events: list[Any] = self._queue
        self.numbers = self._eid

    def at(self, moment: int, alarm: Alarm) -> None:
        """Let an alarm happen at `moment`."""
        heappush(self.events, (moment, NORMAL, next(self.numbers), alarm))

    def play(self, over: simpy.Event) -> bool:
        """Go on until `over` has happened; return False if nothing is left to happen before."""
        events, step = self.events, super().step
        while over.callbacks is not None:
            if not events:
                return False
            first = heappop(events)
            if isinstance(first[3], Alarm):
                self._now = first[0]
                first[3].happened()
            else:
                heappush(events, first)
                step()
        return True

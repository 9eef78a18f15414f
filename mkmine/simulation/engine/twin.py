"""The driver of the compiled twin: lays out what changes, gives `kernel` what it wants, collects the rows."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from mmap import mmap
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mkmine.simulation.engine.draws import BLOCK, Draws
from mkmine.simulation.engine.rows import Rows
from mkmine.simulation.engine.tables import Ints
from mkmine.simulation.engine.underway import Resumption
from mkmine.simulation.model import SimulationModel

__all__ = ["LOADED", "Twin", "is_compiled", "unsupported"]

Array = NDArray[Any]
# The module that is there once the twin is loaded.
LOADED = "mkmine.simulation.engine.kernel.run"
_FIRST_ROOM, _QUEUE_ROOM = 1024, 64
_EVENT = ("EVENT_TIME", "EVENT_MARK")
_WAIT = ("WAIT_WHAT", "WAIT_CASE", "WAIT_PLACE", "WAIT_GROUP", "WAIT_SINCE")
_ITEM = (
    "ITEM_CASE", "ITEM_PLACE", "ITEM_GROUP", "ITEM_SINCE", "ITEM_NUMBER", "ITEM_NEXT", "ITEM_GONE", "ITEM_QUEUE",
)  # fmt: skip
_QUEUE = ("QUEUE_KEY", "QUEUE_NUMBER", "QUEUE_ITEM")
_ROWS = 1 << 18
# What has become too small gets so many times its room more: each time, everything is moved.
_MORE = 3


def unsupported(model: SimulationModel) -> tuple[str, ...]:
    """Return what a model asks for that only the SimPy engine can do: what has no room in a row of the twin's."""
    found = {
        "4,096 activities or more": len(model.activities) >= 1 << 12,
        "million people": len(model.people) >= (1 << 20) - 1,
    }
    return tuple(name for name, present in found.items() if present)


def is_compiled() -> bool:
    """Return whether the kernel was compiled before, so that it only has to be loaded.

    numba compares what it has kept with the file of the function alone; if another module of the kernel is newer, what
    was kept is removed here.
    """
    kernel = Path(__file__).parent / "kernel"
    folder = Path(os.environ.get("NUMBA_CACHE_DIR") or kernel / "__pycache__")
    kept = list(folder.rglob("run.play-*.nbi"))
    newest = max(one.stat().st_mtime for one in kernel.glob("*.py"))
    fresh = [one for one in kept if one.stat().st_mtime >= newest]
    for one in set(kept) - set(fresh):
        with suppress(OSError):
            one.unlink()
    return bool(fresh)


class Twin:
    """One run of the compiled engine; `old` are the cases that it begins with, the last ones of all."""

    def __init__(self, draws: Draws, arrivals: Ints, old: Sequence[Resumption] = (), at: int = 0) -> None:
        if LOADED not in sys.modules:
            is_compiled()
        from mkmine.simulation.engine.kernel import layout, run

        self.layout, self.run = layout, run
        self.tables, self.draws, self.arrivals = draws.tables, draws, arrivals
        self.old, self.at = old, at
        n = draws.cases.n
        self.blocks = -(-n // BLOCK)
        self.base = np.full((len(self.tables.names), 2, self.blocks), -1, dtype=np.int64)
        # Room that is never touched costs nothing.
        self.pool = np.empty((6 * int(draws.widths.sum()) + 8, min(n, BLOCK)), dtype=np.int64)
        self.used = 0
        self.spare: dict[int, list[int]] = {}
        self.dropped: set[int] = set()

    def play(self) -> Rows | None:
        """Let the cases arrive and go on until every one has ended; return None if cases wait for each other for ever.

        Raises what `Draws.vectors` raises.
        """
        from mkmine.simulation.engine.kernel.process import lay_process

        k = self.layout
        n = self.draws.cases.n
        room = min(_ROWS, max(4096, n * (self.tables.n_activities + 2)))
        while True:
            process, state = lay_process(self.draws, self.arrivals, self.old), self._state(room)
            rows = np.empty((room, 4), dtype=np.int64)
            chunks: list[Ints] = []
            while (wanted := self.run.play(process.array, state.array, self.base, self.pool, rows)) not in (
                k.OVER,
                k.CALENDAR,
                k.STUCK,
            ):
                if wanted == k.ROWS:
                    chunks.append(rows[: state["N_ROWS"]])
                    # A batch that is begun as one piece of work writes the rows of all its cases at once.
                    state["ROW_ROOM"] = max(room, len(self._people) + state["BUNDLED"] + 1024)
                    rows = _mapped(state["ROW_ROOM"])
                    state["N_ROWS"] = 0
                else:
                    self._give(state, wanted)
            if wanted == k.STUCK:
                return None
            if wanted == k.OVER:
                chunks.append(rows[: state["N_ROWS"]])
                # Nobody else holds the rows, so that each chunk is freed as soon as it has been put in order.
                del rows, process
                return self._rows(state, chunks)
            # Some moment lay beyond the compiled calendars; the draws are kept, the run begins anew.
            for clock in self.tables.clocks:
                clock.extend()

    @property
    def _people(self) -> Ints:
        """The person of each pair of hands."""
        return np.repeat(np.arange(len(self.tables.capacity)), self.tables.capacity)

    # -- what is given ---------------------------------------------------------------------------------------------

    def _give(self, state: Any, wanted: int) -> None:
        """Give the kernel what it wants."""
        k, size = self.layout, state.sections
        if wanted == k.DRAWS:
            self._draw(state["WANTED"], state["WANTED_VISIT"], state["WANTED_BLOCK"], size["LEFT"])
        elif wanted == k.CASES:
            more = _MORE * len(size["SLOT_CHAIN"])
            state.grow({name: more * width for name, width in self._of_slot().items()}, chain="SLOT_CHAIN",
                       free="FREE_SLOT")  # fmt: skip
        elif wanted == k.WAITS:
            # Every wait is at most one event, so there has to be room for their events too.
            more = _MORE * len(size["WAIT_CASE"])
            state.grow(dict.fromkeys([*_WAIT, *_EVENT], more), chain="WAIT_CASE", free="FREE_WAIT")
        elif wanted == k.ITEMS:
            more = _MORE * len(size["ITEM_CASE"])
            state.grow(dict.fromkeys(_ITEM, more), chain="ITEM_CASE", free="FREE_ITEM")
            state["ITEM_ROOM"] += more
        elif wanted == k.TODO:
            state.grow({"TODO_OF": k.THING * state["TODO_ROOM"]})
            state["TODO_ROOM"] *= 2
        else:
            self._more_queue(state, state["WANTED"])

    def _draw(self, place: int, visit: int, block: int, left: Ints) -> None:
        vectors = self.draws.vectors(place, visit, block)
        width, size = vectors.shape
        if (more := visit - self.base.shape[1]) > 0:
            unknown = np.full((len(self.base), more, self.blocks), -1, dtype=np.int64)
            self.base = np.concatenate([self.base, unknown], axis=1)
        for done in np.flatnonzero(left == 0).tolist():
            if done not in self.dropped:
                self.dropped.add(done)
                self._drop(done)
        if spare := self.spare.get(width):
            first = spare.pop()
        else:
            if self.used + width > len(self.pool):
                old, self.pool = self.pool, np.empty((2 * len(self.pool) + width, self.pool.shape[1]), dtype=np.int64)
                self.pool[: self.used] = old[: self.used]
            first, self.used = self.used, self.used + width
        self.pool[first : first + width, :size] = vectors
        self.base[place, visit - 1, block] = first

    def _drop(self, block: int) -> None:
        """The room of a block whose cases have all ended is used again."""
        for place, visit in np.argwhere(self.base[:, :, block] >= 0).tolist():
            width = int(self.draws.widths[place])
            self.spare.setdefault(width, []).append(int(self.base[place, visit, block]))

    def _more_queue(self, state: Any, queue: int) -> None:
        """Give a queue more room, at the end of the sections."""
        room, first = int(state.sections["QUEUE_ROOM"][queue]), int(state.sections["QUEUE_FIRST"][queue])
        end = len(state.sections["QUEUE_KEY"])
        state.grow(dict.fromkeys(_QUEUE, (1 + _MORE) * room))
        for name in _QUEUE:
            state.sections[name][end : end + room] = state.sections[name][first : first + room]
        state.sections["QUEUE_FIRST"][queue], state.sections["QUEUE_ROOM"][queue] = end, (1 + _MORE) * room

    # -- how it begins ---------------------------------------------------------------------------------------------

    def _of_slot(self) -> dict[str, int]:
        """Return what is remembered of a case that is underway, and how many numbers of each."""
        t, places = self.tables, len(self.tables.names)
        return {
            "SLOT_CHAIN": 1,
            "VISITS": places,
            "TRACE_OF": self.layout.TRACE if t.traced else 0,
            "DOER": places if t.handed else 0,
            **dict.fromkeys(("OPENED", "ARRIVED"), places if t.branches else 0),
            **dict.fromkeys(("BRANCHES", "DEAD"), 1 if t.branches else 0),
            **dict.fromkeys(("IN_HAND", "ONWARD"), 1 if self.draws.model.overlapping else 0),
        }

    def _state(self, rows: int) -> Any:
        from mkmine.simulation.engine.kernel.memory import Memory

        t, n = self.tables, self.draws.cases.n
        workers, places, room = len(self._people), len(t.names), _FIRST_ROOM
        queues, waits = len(t.roles) + len(t.capacity), _FIRST_ROOM + len(self.old)

        def filled(names: Sequence[str], size: int, value: int = 0) -> dict[str, Array]:
            return {name: np.full(size, value, dtype=np.int64) for name in names}

        sections = {
            # A worker may be expected at once by the work in hand and, twice at one moment, by work for tomorrow.
            **filled(_EVENT, waits + 3 * workers + 2),
            **filled(_WAIT, waits),
            **filled(_ITEM, room),
            "QUEUE_FIRST": np.arange(queues, dtype=np.int64) * _QUEUE_ROOM,
            **filled(["QUEUE_SIZE"], queues),
            **filled(["QUEUE_ROOM"], queues, _QUEUE_ROOM),
            **filled(_QUEUE, queues * _QUEUE_ROOM),
            **self._idle(),
            **filled(["BUSY", "WAKING", "WORKER_CASE", "WORKER_PLACE", "WORKER_GROUP", "WORKER_ITEM"], workers),
            **filled(["OPENS", "CLOSES", "RETURNS"], workers),
            **filled(["INSIDE", "BATCHES", "HELD_COUNT"], places),
            **filled(["DOOR_FIRST", "DOOR_LAST", "HELD_FIRST", "HELD_LAST"], places, -1),
            **filled(["SLOT", "CANCELLED", "ROWS_OF"], n),
            **{name: np.zeros(room * width, dtype=np.int64) for name, width in self._of_slot().items()},
            **filled(["TODO_OF"], self.layout.THING * room),
            "LEFT": np.minimum(BLOCK, n - np.arange(self.blocks, dtype=np.int64) * BLOCK),
        }
        for chain in ("WAIT_CASE", "ITEM_CASE", "SLOT_CHAIN"):
            sections[chain][:] = np.append(np.arange(1, len(sections[chain])), -1)
        self._expect(sections)
        numbers = {
            "EVENTS": 1 + len(self.old), "SEQUENCE": 1 + len(self.old), "FREE_WAIT": len(self.old), "ITEM_ROOM": room,
            "TODO_ROOM": room, "ROW_ROOM": rows,
        }  # fmt: skip
        return Memory(self.layout.MEMORY, numbers, sections)

    def _expect(self, sections: dict[str, Array]) -> None:
        """Schedule the first arrival, and that the old cases go on: who is at work before others look for work."""
        events = [(int(self.arrivals[0]), 1 << self.layout.WHO_BITS)]
        order = sorted(range(len(self.old)), key=lambda number: self.old[number].stage != "working")
        for wait, number in enumerate(order):
            sections["WAIT_WHAT"][wait], sections["WAIT_PLACE"][wait] = self.layout.RESUME, number
            sections["WAIT_CASE"][wait] = len(self.arrivals) + number
            who = 1 + 2 * len(self._people) + wait
            events.append((self.at, (2 + wait) << self.layout.WHO_BITS | who))
        # What is sorted is a heap.
        for place, (time, mark) in enumerate(sorted(events)):
            sections["EVENT_TIME"][place], sections["EVENT_MARK"][place] = time, mark

    def _idle(self) -> dict[str, Array]:
        """Return the lists of the idle by role: everybody, in the order of people."""
        roles = [role for one in self._people for role in self.tables.person_roles[one]]
        after, before = np.full((2, len(roles)), -1, dtype=np.int64)
        head, tail = np.full((2, len(self.tables.roles)), -1, dtype=np.int64)
        for entry, role in enumerate(roles):
            before[entry] = tail[role]
            if tail[role] < 0:
                head[role] = entry
            else:
                after[tail[role]] = entry
            tail[role] = entry
        return {"IDLE_NEXT": after, "IDLE_LAST": before, "IDLE_HEAD": head, "IDLE_TAIL": tail}

    # -- how it ends -----------------------------------------------------------------------------------------------

    def _rows(self, state: Any, chunks: list[Ints]) -> Rows:
        """Return the rows in the log's order."""
        counts = state.sections["ROWS_OF"]
        ends = np.cumsum(counts)
        place, total = ends - counts, int(ends[-1])
        activity = np.empty(total, dtype=np.min_scalar_type(self.tables.n_activities))
        person = np.empty(total, dtype=np.int32)
        case = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
        enabled, start, end = (np.empty(total, dtype=np.int64) for _ in range(3))
        while chunks:
            self.run.arrange(chunks.pop(0), place, case, activity, person, enabled, start, end)
        return Rows(
            case=case,
            activity=activity,
            person=person,
            enabled=enabled,
            start=start,
            end=end,
            cancelled=state.sections["CANCELLED"].astype(np.bool_),
        )


def _mapped(room: int) -> Ints:
    """Return room for more rows that goes back to the system as soon as it is let go: of a long run there are many."""
    return np.frombuffer(mmap(-1, 32 * room), dtype=np.int64).reshape(room, 4)

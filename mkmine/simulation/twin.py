"""The driver of the compiled engine: lays out the tables for `kernel`, gives it what it wants, collects the rows."""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mkmine.errors import DataError
from mkmine.simulation.clocks import LONGEST, flattened
from mkmine.simulation.draws import BLOCK, SHIFT, Draws
from mkmine.simulation.model import SimulationModel
from mkmine.simulation.rows import Rows
from mkmine.simulation.tables import END, WITHDRAWN, Ints, Kind, Tables, route_table

__all__ = ["Twin", "is_compiled", "unsupported"]

Array = NDArray[Any]
_FIRST_ROOM, _QUEUE_ROOM = 256, 16
_EVENT = ("TIME", "MARK")
_WAIT = ("WHAT", "CASE", "PLACE", "GROUP", "SINCE")
_ITEM = ("CASE", "PLACE", "GROUP", "SINCE")
_QUEUE = ("KEY", "NUMBER", "ITEM")
_ROWS = 1 << 18


def unsupported(model: SimulationModel) -> tuple[str, ...]:
    """Return what a model asks for that only the SimPy engine can do."""
    activities = model.activities.values()
    routes = [route for one in activities for routes in one.all_routes for route in routes]
    routes += [route for one in model.gateways.values() for routes in one.next for route in routes]
    branched = any(one.kind in ("and", "or") for one in model.gateways.values())
    cut = any(route.terminate for route in routes) or any(
        event.to is None and event.outcome == "cancelled" for one in model.gateways.values() for event in one.events
    )
    found = {
        "WIP limits": model.wip_limit is not None or any(one.wip_limit is not None for one in activities),
        "batches": any(one.batch is not None for one in activities),
        "patience": any(one.patience is not None for one in activities),
        "other_person_than": any(one.other_person_than is not None for one in activities),
        "terminate": branched and cut,
        "overlapping routes": model.overlapping,
        "delays by the activity before": any(one.waits for one in activities),
    }
    return tuple(name for name, present in found.items() if present)


def is_compiled() -> bool:
    """Return whether the kernel was compiled before, so that it only has to be loaded."""
    folder = Path(os.environ.get("NUMBA_CACHE_DIR") or Path(__file__).parent / "__pycache__")
    return next(folder.rglob("kernel.play-*.nbi"), None) is not None


class _Memory:
    """One array of integers: single numbers first, then where each section begins, then the sections."""

    def __init__(self, kernel: ModuleType, head: int, numbers: dict[str, int], sections: dict[str, Array]) -> None:
        self.kernel, self.head = kernel, head
        self.sections = {name: np.ravel(values) for name, values in sections.items()}
        self.array = np.zeros(head, dtype=np.int64)
        for name, value in numbers.items():
            self[name] = value
        self.lay()

    def __getitem__(self, name: str) -> int:
        return int(self.array[getattr(self.kernel, name)])

    def __setitem__(self, name: str, value: int) -> None:
        self.array[getattr(self.kernel, name)] = value

    def lay(self) -> None:
        """Put the sections, which may have grown, one behind the other."""
        array = np.empty(self.head + sum(map(len, self.sections.values())), dtype=np.int64)
        array[: self.head] = self.array[: self.head]
        at = self.head
        for name, values in self.sections.items():
            kept = array[at : at + len(values)]
            kept[:] = values.view(np.int64) if values.dtype == np.float64 else values
            array[getattr(self.kernel, name)], self.sections[name] = at, kept
            at += len(values)
        self.array = array

    def grow(self, grown: dict[str, int], *, chain: str = "", free: str = "") -> None:
        """Give sections room for so many numbers more; a chain of free places goes on over the new ones."""
        old = len(self.sections[chain]) if chain else 0
        for name, more in grown.items():
            self.sections[name] = np.concatenate([self.sections[name], np.zeros(more, dtype=np.int64)])
        if chain:
            self.sections[chain][old:] = np.append(np.arange(old + 1, len(self.sections[chain])), self[free])
            self[free] = old
        self.lay()


class Twin:
    """One run of the compiled engine."""

    def __init__(self, model: SimulationModel, tables: Tables, draws: Draws, arrivals: Ints) -> None:
        from mkmine.simulation import kernel

        self.kernel: ModuleType = kernel
        self.model, self.tables, self.draws, self.arrivals = model, tables, draws, arrivals
        self.traced = any(one.contexts for one in model.activities.values())
        self.handed = bool((tables.owner >= 0).any())
        self.person = np.repeat(np.arange(len(tables.capacity)), tables.capacity)
        n = draws.cases.n
        self.blocks = -(-n // BLOCK)
        self.base = np.full((len(tables.names), 2, self.blocks), -1, dtype=np.int64)
        # Room that is never touched costs nothing.
        self.pool = np.empty((6 * int(draws.widths.sum()) + 8, min(n, BLOCK)), dtype=np.int64)
        self.used = 0
        self.spare: dict[int, list[int]] = {}
        self.dropped: set[int] = set()

    def play(self) -> Rows:
        """Let the cases arrive and go on until every one has ended.

        Raises `DataError` if branches of a case wait for each other for ever, and what `Draws.vectors` raises.
        """
        k = self.kernel
        n = self.draws.cases.n
        room = min(_ROWS, max(4096, n * (self.tables.n_activities + 2)))
        while True:
            process, state = self._process(), self._state(room)
            rows = np.empty((room, 4), dtype=np.int64)
            chunks: list[Ints] = []
            while (wanted := k.play(process.array, state.array, self.base, self.pool, rows)) not in (
                k.OVER,
                k.CALENDAR,
            ):
                if wanted == k.STUCK:
                    raise DataError(
                        f'"{self.model.name}" is stuck: {n - state["FINISHED"]:,} cases never end; branches wait for '
                        f"others that never come"
                    )
                if wanted == k.ROWS:
                    chunks.append(rows[: state["N_ROWS"]])
                    rows = np.empty_like(rows)
                    state["N_ROWS"] = 0
                else:
                    self._give(state, wanted)
            if wanted == k.OVER:
                chunks.append(rows[: state["N_ROWS"]])
                # Nobody else holds the rows, so that each chunk is freed as soon as it has been put in order.
                del rows
                return self._rows(state, chunks)
            # Some moment lay beyond the compiled calendars; the draws are kept, the run begins anew.
            for clock in self.tables.clocks:
                clock.extend()

    # -- what is given ---------------------------------------------------------------------------------------------

    def _give(self, state: _Memory, wanted: int) -> None:
        """Give the kernel what it wants."""
        k, places, size = self.kernel, len(self.tables.names), state.sections
        if wanted == k.DRAWS:
            self._draw(state["WANTED"], state["WANTED_VISIT"], state["WANTED_BLOCK"], size["LEFT"])
        elif wanted == k.CASES:
            more = len(size["SLOT_CHAIN"])
            of_places = more * places
            grown = {"SLOT_CHAIN": more, "VISITS": of_places, "BRANCHES": more}
            grown |= {"TRACE_OF": more * k.TRACE} if self.traced else {}
            grown |= {"DOER": of_places} if self.handed else {}
            grown |= {"OPENED": of_places, "ARRIVED": of_places} if self.tables.branches else {}
            state.grow(grown, chain="SLOT_CHAIN", free="FREE_SLOT")
        elif wanted == k.WAITS:
            # Every wait is at most one event, so there has to be room for their events too.
            more = len(size["WAIT_CASE"])
            names = [*_named("WAIT", *_WAIT), *_named("EVENT", *_EVENT)]
            state.grow(dict.fromkeys(names, more), chain="WAIT_CASE", free="FREE_WAIT")
        elif wanted == k.ITEMS:
            more = len(size["ITEM_CASE"])
            state.grow(dict.fromkeys(_named("ITEM", *_ITEM), more), chain="ITEM_CASE", free="FREE_ITEM")
        elif wanted == k.TODO:
            state.grow({"TODO_OF": 4 * state["TODO_ROOM"]})
            state["TODO_ROOM"] *= 2
        else:
            self._more_queue(state, state["WANTED"])

    def _draw(self, place: int, visit: int, block: int, left: Ints) -> None:
        vectors = self.draws.vectors(place, visit, block)
        width, size = vectors.shape
        if visit > self.base.shape[1]:
            self.base = np.concatenate([self.base, np.full_like(self.base, -1)], axis=1)
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

    def _more_queue(self, state: _Memory, queue: int) -> None:
        """Give a queue twice its room, at the end of the sections."""
        room, first = int(state.sections["QUEUE_ROOM"][queue]), int(state.sections["QUEUE_FIRST"][queue])
        end = len(state.sections["QUEUE_KEY"])
        names = _named("QUEUE", *_QUEUE)
        state.grow(dict.fromkeys(names, 2 * room))
        for name in names:
            state.sections[name][end : end + room] = state.sections[name][first : first + room]
        state.sections["QUEUE_FIRST"][queue], state.sections["QUEUE_ROOM"][queue] = end, 2 * room

    # -- how it begins ---------------------------------------------------------------------------------------------

    def _process(self) -> _Memory:
        t, draws, model, person = self.tables, self.draws, self.model, self.person
        lines = flattened(t.clocks)
        roles = [t.person_roles[one] for one in person]
        key = draws.cases.due if model.queue == "deadline" else draws.cases.rank
        order = {"lifo": self.kernel.LIFO, "deadline": self.kernel.DUE}.get(model.queue, 0)
        contexts = _contexts(model, t)
        numbers = {
            "BRANCHED": t.branches,
            "CASES_ALL": draws.cases.n,
            "HANDED": self.handed,
            "KEYED": key is not None,
            "LONGEST": LONGEST,
            "MOST_ROUNDS": contexts["CONTEXT_ROOT"].shape[1],
            "ORDER": order,
            "PACED": t.paced,
            "PEOPLE": len(t.capacity),
            "PLACES": len(t.names),
            "ROLES": len(t.roles),
            "SHIFT": SHIFT,
            "TRACED": self.traced,
            "WORKERS": len(person),
        }
        sections = {
            "KIND": t.kind,
            "ROLE": t.role,
            "CLOCK": t.clock,
            "OWNER": t.owner,
            "RANK": t.rank,
            "FINISH": t.finish,
            "PACE": t.pace,
            "HABIT": t.habit,
            "DELAY": draws.delay,
            "ROUTE": draws.route,
            "DRAWN": draws.widths > 0,
            "NEEDED": t.needed,
            "WORKER_PERSON": person,
            "WORKER_CLOCK": t.person_clock[person],
            "PERSON_FIRST": _first(t.capacity),
            "ENTRY_FIRST": _first([len(one) for one in roles]),
            "ENTRY_ROLE": np.array([role for one in roles for role in one], dtype=np.int64),
            "ENTRY_WORKER": np.array([w for w, one in enumerate(roles) for _ in one], dtype=np.int64),
            "LINE_FIRST": lines.first,
            "LINE_STARTS": lines.starts,
            "LINE_ENDS": lines.ends,
            "LINE_BEFORE": lines.before,
            "ARRIVALS": self.arrivals,
            "BEGIN": draws.cases.begin,
            "KEY": np.empty(0, dtype=np.int64) if key is None else key,
        }
        return _Memory(self.kernel, self.kernel.TABLES, numbers, sections | self._targets() | contexts)

    def _targets(self) -> dict[str, Array]:
        """Return where gateways lead, and the clocks of their events."""
        targets: list[list[int]] = []
        clocks: list[int] = []
        for code in range(len(self.tables.names)):
            targets.append(list(self.tables.targets[code]))
            if self.tables.kind[code] == Kind.EVENT:
                events = self.model.gateways[self.tables.names[code]].events
                targets[-1] = [
                    self.tables.numbers[one.to] if one.to else WITHDRAWN if one.outcome == "cancelled" else END
                    for one in events
                ]
                clocks += [self.tables.clock_of[one.calendar] if one.calendar else 0 for one in events]
            else:
                clocks += [0] * len(targets[-1])
        flat = [target for one in targets for target in one]
        return {
            "TARGET_FIRST": _first([len(one) for one in targets]),
            "TARGET": np.array(flat, dtype=np.int64),
            "TARGET_CLOCK": np.array(clocks, dtype=np.int64),
        }

    def _state(self, rows: int) -> _Memory:
        t, n = self.tables, self.draws.cases.n
        workers, places, room = len(self.person), len(t.names), _FIRST_ROOM
        queues = len(t.roles) + len(t.capacity)

        def zeros(names: list[str], size: int, value: int = 0) -> dict[str, Array]:
            return {name: np.full(size, value, dtype=np.int64) for name in names}

        sections = {
            **zeros(_named("EVENT", *_EVENT), room + workers + 2),
            **zeros(_named("WAIT", *_WAIT), room),
            **zeros(_named("ITEM", *_ITEM), room),
            "QUEUE_FIRST": np.arange(queues, dtype=np.int64) * _QUEUE_ROOM,
            **zeros(["QUEUE_SIZE"], queues),
            **zeros(["QUEUE_ROOM"], queues, _QUEUE_ROOM),
            **zeros(_named("QUEUE", *_QUEUE), queues * _QUEUE_ROOM),
            **self._idle(),
            **zeros(["BUSY", "WAKING", "WORKER_CASE", "WORKER_PLACE", "WORKER_GROUP", "OPENS", "CLOSES"], workers),
            **zeros(["SLOT", "CANCELLED", "ROWS_OF"], n),
            **zeros(["VISITS"], room * places),
            **zeros(["TRACE_OF"], room * self.kernel.TRACE if self.traced else 0),
            **zeros(["DOER"], room * places if self.handed else 0),
            **zeros(["OPENED", "ARRIVED"], room * places if t.branches else 0),
            **zeros(["BRANCHES", "SLOT_CHAIN"], room),
            **zeros(["TODO_OF"], 4 * room),
            "LEFT": np.minimum(BLOCK, n - np.arange(self.blocks, dtype=np.int64) * BLOCK),
        }
        for chain in ("WAIT_CASE", "ITEM_CASE", "SLOT_CHAIN"):
            sections[chain][:] = np.append(np.arange(1, room), -1)
        sections["EVENT_TIME"][0], sections["EVENT_MARK"][0] = self.arrivals[0], 1 << self.kernel.WHO_BITS
        numbers = {"EVENTS": 1, "SEQUENCE": 1, "TODO_ROOM": room, "ROW_ROOM": rows}
        return _Memory(self.kernel, self.kernel.MEMORY, numbers, sections)

    def _idle(self) -> dict[str, Array]:
        """Return the lists of the idle by role: everybody, in the order of people."""
        roles = [role for one in self.person for role in self.tables.person_roles[one]]
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

    def _rows(self, state: _Memory, chunks: list[Ints]) -> Rows:
        """Return the rows in the log's order."""
        counts = state.sections["ROWS_OF"]
        ends = np.cumsum(counts)
        place, total = ends - counts, int(ends[-1])
        activity = np.empty(total, dtype=np.min_scalar_type(self.tables.n_activities))
        person = np.empty(total, dtype=np.int32)
        enabled, start, end = (np.empty(total, dtype=np.int64) for _ in range(3))
        while chunks:
            self.kernel.arrange(chunks.pop(0), place, activity, person, enabled, start, end)
        case = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
        cancelled = state.sections["CANCELLED"].astype(np.bool_)
        return Rows.ordered(case, activity, person, enabled, start, end, cancelled=cancelled)


def _named(what: str, *names: str) -> list[str]:
    return [f"{what}_{name}" for name in names]


def _first(counts: Any) -> Ints:
    """Return where each of some runs of so many entries begins, and where the last one ends."""
    return np.concatenate(([0], np.cumsum(np.asarray(counts, dtype=np.int64)))).astype(np.int64)


def _contexts(model: SimulationModel, tables: Tables) -> dict[str, Array]:
    """Return the contexts as a tree: from the activity just before a case's present one to those further back."""
    most = max(len(one.next) for one in model.activities.values())
    root = np.full((len(tables.names), most), -1, dtype=np.int64)
    children: list[dict[int, int]] = []
    table_of: list[int] = []
    edges: list[list[float]] = []
    targets: list[list[int]] = []

    def fresh() -> int:
        children.append({})
        table_of.append(-1)
        return len(children) - 1

    for code, activity in enumerate(model.activities.values()):
        for context in activity.contexts:
            if context.round > len(activity.next):
                continue
            node = int(root[code, context.round - 1])
            if node < 0:
                node = root[code, context.round - 1] = fresh()
            for name in reversed(context.before):
                below = children[node].get(tables.numbers[name])
                if below is None:
                    below = children[node][tables.numbers[name]] = fresh()
                node = below
            found = route_table(context.next, tables.numbers)
            table_of[node] = len(edges)
            edges.append([*found[0], 2.0])
            targets.append(found[1])
    return {
        "ROUNDS": np.array([len(one.next) for one in model.activities.values()], dtype=np.int64),
        "CONTEXT_ROOT": root,
        "CONTEXT_FIRST": _first([len(one) for one in children]),
        "CONTEXT_ACTIVITY": np.array([code for one in children for code in one], dtype=np.int64),
        "CONTEXT_NEXT": np.array([node for one in children for node in one.values()], dtype=np.int64),
        "CONTEXT_EDGES": np.array(table_of, dtype=np.int64),
        "EDGE_FIRST": _first([len(one) for one in edges]),
        "EDGE": np.array([edge for one in edges for edge in one], dtype=np.float64),
        "EDGE_TARGET": np.array([target for one in targets for target in one], dtype=np.int64),
    }

"""Optimal alignments to models with too many states to list: A* on a synchronous product made while it is searched.

Every state met is judged by a lower bound of what is left to pay (`components`); those with the least are looked at
first, and the first way to the end is the best. A case that is not finished has bounds: from below, those of the states
still open; from above, the cost of an alignment that is valid but perhaps not the best.
"""

from __future__ import annotations

import heapq
import pickle
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import cached_property, lru_cache
from itertools import accumulate
from typing import NamedTuple

from mkmine.conformance.causes import Causes, is_structured
from mkmine.conformance.components import NEVER, find_components
from mkmine.conformance.markings import BITS, Rules
from mkmine.conformance.moves import Alignment, Move, MoveKind, Query, Unfinished
from mkmine.errors import DataError
from mkmine.executors import Pool, check_workers, opened
from mkmine.targets import ProcessModel

__all__ = ["SearchingAligner"]

# States looked at in one case, round by round: the easy cases first. The last one bounds the memory.
ROUNDS = (1_000, 10_000, 100_000)
# In a hurry, an event to come counts more than half of what it costs to take it for a deviation (a move in the log, and
# one in the model later), so that the search goes on instead of trying what it could have done better.
HURRY = 1.5
KEPT_STEPS = 50_000
ALONE_S = 1.0  # starting processes takes a tenth of this
FOREIGN, ENDED = -1, -2  # in place of the next event: an activity that the model does not have, and none


class _State(NamedTuple):
    """A state of the product. After a move of the model no event alone `follows`: it could as well have come before."""

    marking: int
    position: int
    follows: bool


class _Way(NamedTuple):
    """How a state was reached: what is paid, what is left at least, from where and by which move.

    A move in the model with label -1 is a silent choice.
    """

    paid: int
    left: int
    before: _State | None
    kind: MoveKind
    label: int


class _Step(NamedTuple):
    """A step of the model, and the components that see it."""

    label: int
    marking: int
    seen_by: tuple[int, ...]


class _Task(NamedTuple):
    """One round of the search for one case, with what a worker needs to know."""

    model: bytes
    number: int
    query: Query
    known: Unfinished
    limit: int
    deadline: float | None


class SearchingAligner:
    """Aligns cases to one model, however many states it has."""

    def __init__(self, model: ProcessModel) -> None:
        self.labels = model.activities
        self.components = find_components(model)
        self.owner = {label: number for number, one in enumerate(self.components) for label in one.labels}
        self._rules = Rules(model)
        self.first = self._rules.first
        self._seen_by = [
            tuple(number for number, one in enumerate(self.components) if one.mask >> BITS * flow & 1)
            for flow in range(len(model.flows) + 1)
        ]
        self._causes = Causes(self._rules) if is_structured(model) else None
        self._steps: dict[tuple[int, int], list[_Step]] = {}
        self._shortest: int | None = None

    def align(
        self, queries: Sequence[Query], *, deadline: float | None = None, workers: int = 1
    ) -> list[Alignment | Unfinished]:
        """Align every query; those not finished at `deadline` (a value of time.monotonic()) have bounds.

        What takes longer than a second is shared by so many processes; the result is the same. Raises `DataError` if
        the model turns out to pile up tokens, or can never finish, or there is no positive number of workers.
        """
        check_workers(workers)
        began = time.monotonic()
        if self._shortest is None:
            self._shortest = self._find_shortest(deadline)
        results: list[Alignment | Unfinished] = [Unfinished.of(query, self._shortest) for query in queries]

        def keep(found: tuple[int, Alignment | Unfinished]) -> None:
            results[found[0]] = found[1]

        with ExitStack() as stack:
            pool: Pool | None = None
            for limit in ROUNDS:
                tasks = [
                    _Task(self._packed, number, query, known, limit, deadline)
                    for number, (query, known) in enumerate(zip(queries, results, strict=True))
                    if isinstance(known, Unfinished)
                ]
                done = 0
                while done < len(tasks) and (workers == 1 or time.monotonic() < began + ALONE_S):
                    keep((tasks[done].number, self.search(tasks[done])))
                    done += 1
                if done < len(tasks) and not _late(deadline):
                    pool = pool or stack.enter_context(opened(workers))
                    pool.run(_search, tasks[done:], keep)
        return results

    def search(self, task: _Task) -> Alignment | Unfinished:
        """Look for the alignment of one case, as far as the limit of the round."""
        if _late(task.deadline):
            return task.known
        return self._align(task.query, task.known, task.limit, task.deadline)

    @cached_property
    def _packed(self) -> bytes:
        return pickle.dumps(self._rules.model)

    def _find_shortest(self, deadline: float | None) -> int:
        """The least number of activities in a run of the model; if it is not found, a lower bound of it."""
        end, low = _Search(self, Query(())).run(ROUNDS[-1], deadline)
        if end is None and low >= NEVER:
            raise DataError(
                f'model "{self._rules.model.name}" can never finish; '
                "a parallel gateway must join exactly the branches that a parallel gateway split"
            )
        return low

    def _align(self, query: Query, known: Unfinished, limit: int, deadline: float | None) -> Alignment | Unfinished:
        search = _Search(self, query)
        end, low = search.run(limit, deadline)
        if end is not None:
            return Alignment(cost=low, worst=known.worst, moves=search.moves(end))
        high = known.high
        if limit == ROUNDS[0]:
            end, cost = _Search(self, query, hurry=HURRY).run(ROUNDS[1], deadline)
            high = high if end is None else min(high, cost)
        return Unfinished(low=min(max(low, known.low), high), high=high, worst=known.worst)

    def steps(self, marking: int, event: int) -> list[_Step]:
        """What the model can do that serves the next event, or the end; kept, as a marking is met at many events."""
        key = marking, event
        if (known := self._steps.get(key)) is None:
            if len(self._steps) >= KEPT_STEPS:
                self._steps.clear()
            rules, causes = self._rules, self._causes
            if causes is None:
                found = rules.steps(marking)
            elif event == ENDED:
                found = rules.after(causes.any_token(marking), marking)
            else:
                found = rules.after(causes.leading_to(event, marking), marking)
            known = self._steps[key] = [_Step(label, there, self._changed(marking ^ there)) for label, there in found]
        return known

    def _changed(self, bits: int) -> tuple[int, ...]:
        """The components that see a change of these bits."""
        found: set[int] = set()
        while bits:
            flow = ((bits & -bits).bit_length() - 1) // BITS
            found.update(self._seen_by[flow])
            bits = bits >> BITS * (flow + 1) << BITS * (flow + 1)
        return tuple(sorted(found))


class _Search:
    """The search for the alignment of one case; in a `hurry` for any that is found soon."""

    def __init__(self, aligner: SearchingAligner, query: Query, *, hurry: float = 0) -> None:
        self._aligner, self._query, self._hurry = aligner, query, hurry
        events, owner = query.events, aligner.owner
        self._ways: dict[_State, _Way] = {}
        # How many events that no component counts, but also no activity of the model could match, are left.
        foreign = accumulate((event < 0 for event in reversed(events)), initial=0)
        self._foreign = list(foreign)[::-1]
        seen: dict[int, list[int]] = defaultdict(list)
        for position, event in enumerate(events):
            if event in owner:
                seen[owner[event]].append(position)
        self._costs = [
            one.costs(tuple(events[place] for place in seen[number]), is_open=query.open)
            for number, one in enumerate(aligner.components)
        ]
        # How many of a component's events are done before each position; components without events need no row.
        self._done: dict[int, list[int]] = {}
        for number, places in seen.items():
            marks = bytearray(len(events))
            for place in places:
                marks[place] = 1
            self._done[number] = list(accumulate(marks, initial=0))

    def run(self, limit: int, deadline: float | None) -> tuple[_State | None, int]:
        """Return the end and its cost; None and a lower bound of the cost if it is not found within the limits."""
        first = _State(self._aligner.first, 0, False)
        left = self._left(first)
        self._ways[first] = _Way(0, left, None, "both", -1)
        n = len(self._query.events)
        heap = [(left + self._hurry * n, 0, 0, first)]
        looked_at = number = 0
        while heap:
            bound, _, _, state = heapq.heappop(heap)
            way = self._ways[state]
            if bound > way.paid + way.left + self._hurry * (n - state.position):
                continue  # reached more cheaply since
            if state.position == n and (self._query.open or not state.marking):
                return state, way.paid
            if looked_at >= limit or (looked_at % 128 == 127 and _late(deadline)):
                return None, int(bound)
            looked_at += 1
            for there, kind, label, seen_by in self._moves_from(state):
                paid = way.paid + (kind == "log" or (kind == "model" and label >= 0))
                known = self._ways.get(there)
                if known is not None and known.paid <= paid:
                    continue
                left = known.left if known is not None else way.left + self._change(state, there, seen_by)
                if left < NEVER:
                    self._ways[there] = _Way(paid, left, state, kind, label)
                    number -= 1
                    bound = paid + left + self._hurry * (n - there.position)
                    heapq.heappush(heap, (bound, -there.position, number, there))
        return None, NEVER

    def _moves_from(self, state: _State) -> Iterator[tuple[_State, MoveKind, int, tuple[int, ...]]]:
        marking, position, follows = state
        ended = position == len(self._query.events)
        event = ENDED if ended else self._query.events[position]
        own = (self._aligner.owner[event],) if event in self._aligner.owner else ()
        if not ended and not follows:
            yield _State(marking, position + 1, False), "log", event, own
        if event == FOREIGN:
            return
        for label, there, seen_by in self._aligner.steps(marking, event):
            yield _State(there, position, True), "model", label, seen_by
            if label == event:
                both = seen_by if not own or own[0] in seen_by else (*seen_by, *own)
                yield _State(there, position + 1, False), "both", label, both

    def _left(self, state: _State) -> int:
        if not state.marking:
            return len(self._query.events) - state.position
        parts = range(len(self._costs))
        return self._foreign[state.position] + sum(self._part(one, state) for one in parts)

    def _change(self, before: _State, after: _State, parts: tuple[int, ...]) -> int:
        """The difference of what is left to pay; only these components see one."""
        if not after.marking:
            return self._left(after) - (self._ways[before].left)
        change = self._foreign[after.position] - self._foreign[before.position]
        return change + sum(self._part(one, after) - self._part(one, before) for one in parts)

    def _part(self, number: int, state: _State) -> int:
        done = self._done.get(number)
        row = self._costs[number][done[state.position] if done else 0]
        return row[self._aligner.components[number].state(state.marking)]

    def moves(self, end: _State) -> tuple[Move, ...]:
        """The moves on the way to `end`."""
        found = []
        state: _State | None = end
        while state is not None:
            way = self._ways[state]
            if way.before is not None and (way.kind != "model" or way.label >= 0):
                found.append(Move(way.kind, way.label, way.before.position))
            state = way.before
        return tuple(reversed(found))


def _search(task: _Task) -> tuple[int, Alignment | Unfinished]:
    return task.number, _unpacked(task.model).search(task)


@lru_cache(maxsize=1)
def _unpacked(model: bytes) -> SearchingAligner:
    """The aligner of a worker, made once. The model is packed by the process that started it."""
    return SearchingAligner(pickle.loads(model))


def _late(deadline: float | None) -> bool:
    return deadline is not None and time.monotonic() > deadline

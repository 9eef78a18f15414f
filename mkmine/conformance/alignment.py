"""Exact optimal alignments: the fewest moves that explain a case by the model (Adriansyah 2014; van der Aalst 2012).

A move in both costs 0; an event that the model does not allow (a move in the log) and an activity that the model
demands but the case lacks (a move in the model) cost 1 each; gateways cost nothing.

The synchronous product is a chain of layers, one per event, each a copy of the model's states. Between two layers lead
log moves (same state, cost 1) and jumps: some model moves and then the event in both. For a state and an activity only
few jumps matter, because what one target reaches by model moves needs no jump of its own; they are tabulated once per
model. Sequences that share a beginning share its layers, and a layer is computed for all of them at once.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mkmine.conformance.net import Net

MoveKind = Literal["both", "log", "model"]
CELLS = 30_000_000  # distances kept at once: bounds the memory of a batch to 60 or 120 MB


class Move(NamedTuple):
    """One step of an alignment: `label` is a code of `Net.labels`, -1 for an activity that the model does not have.

    `position` is the index of the event in the case; for a move in the model, that of the event before which it stands.
    """

    kind: MoveKind
    label: int
    position: int


class Query(NamedTuple):
    """What to align: the activities of a case as codes of `Net.labels` (-1: unknown); `open`: the case goes on."""

    events: tuple[int, ...]
    open: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """An optimal alignment: its moves, their `cost`, and the cost `worst` of leaving log and model apart."""

    cost: int
    worst: int
    moves: tuple[Move, ...]

    @property
    def fitness(self) -> float:
        """1 - cost / worst: 1 means that the model explains the case, 0 that nothing matches."""
        return 1.0 - self.cost / self.worst if self.worst else 1.0


class Jumps(NamedTuple):
    """Ways to do one activity: from state `source[k]` to `target[g]` by `moves[k]` model moves and the activity itself.

    The entries k of target g are `starts[g]` up to the next start.
    """

    target: NDArray[np.int32]
    starts: NDArray[np.int64]
    source: NDArray[np.int32]
    moves: NDArray[np.int16]


class Aligner:
    """Aligns cases to one model; the tables of the model are computed once and kept."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self.unreachable = np.int16(8_000)
        self._before = _predecessors(net)
        self.distance = _distances(self._before, int(self.unreachable))
        self.to_end = self.distance[net.final].min(axis=0)
        self.shortest = int(self.to_end[0])
        bounds = np.searchsorted(net.source, np.arange(net.n_states + 1))
        self._edges = [
            list(zip(net.label[a:b].tolist(), net.target[a:b].tolist(), strict=True))
            for a, b in pairwise(bounds.tolist())
        ]
        self._jumps: dict[int, Jumps] = {}
        self._segments: dict[int, dict[int, tuple[int, int]]] = {}
        self._path = lru_cache(maxsize=100_000)(self._model_moves)
        self._step = lru_cache(maxsize=100_000)(self._entry)

    def align(self, queries: Sequence[Query], *, deadline: float | None = None) -> list[Alignment | None]:
        """Align every query; those not finished at `deadline` (a value of time.monotonic()) are None.

        Queries are worked off in batches in the given order, so put first what matters most.
        """
        results: list[Alignment | None] = [None] * len(queries)
        first = 0
        while first < len(queries):
            last = self._batch(queries, first)
            chosen = sorted(range(first, last), key=lambda i: queries[i].events)
            for i, alignment in zip(chosen, self._align([queries[i] for i in chosen], deadline), strict=True):
                results[i] = alignment
            first = last
        return results

    def _batch(self, queries: Sequence[Query], first: int) -> int:
        cells, last = 0, first
        while last < len(queries) and (last == first or cells < CELLS):
            cells += (len(queries[last].events) + 1) * self.net.n_states
            last += 1
        return last

    def _align(self, queries: list[Query], deadline: float | None) -> list[Alignment | None]:
        layers = self._layers([query.events for query in queries], deadline)
        results: list[Alignment | None] = []
        for i, query in enumerate(queries):
            late = layers is None or (deadline is not None and time.monotonic() > deadline)
            results.append(None if late or layers is None else self._trace_back(query, layers, i))
        return results

    def _layers(
        self, sequences: list[tuple[int, ...]], deadline: float | None
    ) -> list[tuple[NDArray[Any], NDArray[np.int64]]] | None:
        """For each length k: costs (states, beginnings of length k), and the beginning that each sequence has.

        The cost of a state is final only after model moves are added; jumps and the end do that. Sequences are sorted.
        """
        lengths = np.array([len(one) for one in sequences], dtype=np.int64)
        codes = np.full((len(sequences), int(lengths.max(initial=0))), -2, dtype=np.int32)
        for row, one in zip(codes, sequences, strict=True):
            row[: len(one)] = one
        differs = codes[1:] != codes[:-1]
        shared = np.where(differs.any(axis=1), differs.argmax(axis=1), codes.shape[1]) if codes.shape[1] else 0
        shared = np.concatenate(([-1], np.broadcast_to(shared, (len(sequences) - 1,))))
        # Costs up to the length of a case plus the model must stay below "unreachable", and both fit the type.
        small = codes.shape[1] + self.net.n_states < self.unreachable
        costs = np.full((self.net.n_states, 1), 16_000 if small else 10**9, dtype=np.int16 if small else np.int32)
        costs[0] = 0
        layers = [(costs, np.zeros(len(sequences), dtype=np.int64))]
        for k in range(codes.shape[1]):
            if deadline is not None and time.monotonic() > deadline:
                return None
            active = lengths > k
            new = active & (shared <= k)
            number = np.cumsum(new) - 1
            parents = layers[-1][1][new]
            layers.append((self._advance(layers[-1][0], parents, codes[new, k]), number))
        return layers

    def _advance(self, costs: NDArray[Any], parents: NDArray[np.int64], events: NDArray[np.int32]) -> NDArray[Any]:
        """Costs after one more event: a log move, or a jump that does the event in both."""
        result: NDArray[Any] = costs[:, parents] + costs.dtype.type(1)
        for label in np.unique(events):
            if label < 0:
                continue
            jumps = self.jumps(int(label))
            columns = np.flatnonzero(events == label)
            reached = costs[jumps.source[:, None], parents[columns]] + jumps.moves[:, None]
            best = np.minimum.reduceat(reached, jumps.starts, axis=0)
            where = (jumps.target[:, None], columns)
            result[where] = np.minimum(result[where], best)
        return result

    def jumps(self, label: int) -> Jumps:
        """The jumps that matter for one activity; see `Jumps`."""
        if label not in self._jumps:
            self._jumps[label] = self._tabulate(label)
            starts = self._jumps[label].starts.tolist()
            ends = [*starts[1:], len(self._jumps[label].source)]
            targets = self._jumps[label].target.tolist()
            self._segments[label] = {t: (a, b) for t, a, b in zip(targets, starts, ends, strict=True)}
        return self._jumps[label]

    def _tabulate(self, label: int) -> Jumps:
        net = self.net
        mine = net.label == label
        targets = np.unique(net.target[mine])
        place = {int(t): g for g, t in enumerate(targets)}
        moves = np.full((len(targets), net.n_states), self.unreachable, dtype=np.int16)
        for s, t in zip(net.source[mine], net.target[mine], strict=True):
            np.minimum(moves[place[int(t)]], self.distance[s], out=moves[place[int(t)]])
        useful = moves < self.unreachable
        # A target one model move behind a cheaper one adds nothing: the next jump or the end makes that move.
        for t, g in place.items():
            for p in self._before[t]:
                if p in place:
                    useful[g] &= moves[place[p]] + 1 > moves[g]
        group, source = np.nonzero(useful)
        kept, starts = np.unique(group, return_index=True)
        return Jumps(targets[kept], starts, source.astype(np.int32), moves[group, source])

    def _trace_back(self, query: Query, layers: list[tuple[NDArray[Any], NDArray[np.int64]]], row: int) -> Alignment:
        events, n = query.events, len(query.events)
        last, beginning = layers[n]
        ends = last[:, beginning[row]]
        totals = ends if query.open else ends + self.to_end
        # Of equally cheap ends take the one nearest to the end: it explains more events by the model.
        tied = np.flatnonzero(totals == totals.min())
        state = int(tied[self.to_end[tied].argmin()])
        cost, moves = int(totals[state]), []
        if not query.open:
            goal = self._nearest_end(state)
            moves = [Move("model", label, n) for label in reversed(self._path(state, goal))]
        left = int(ends[state])
        for k in range(n - 1, -1, -1):
            label = events[k]
            before, number = layers[k]
            column = before[:, number[row]]
            source = self._jumped_from(label, state, column, left)
            if source is None:
                moves.append(Move("log", label, k))
                left -= 1
            else:
                moves.append(Move("both", label, k))
                path = self._path(source, self._step(source, label, state))
                moves += [Move("model", one, k) for one in reversed(path)]
                state, left = source, int(column[source])
        return Alignment(cost=cost, worst=n + (0 if query.open else self.shortest), moves=tuple(reversed(moves)))

    def _jumped_from(self, label: int, state: int, column: NDArray[Any], left: int) -> int | None:
        """The state before the event if the model did it too, at total cost `left`; None if only the log did it."""
        found = self._segments[label].get(state) if label >= 0 else None
        if found is None:
            return None
        jumps, entries = self._jumps[label], slice(*found)
        totals = column[jumps.source[entries]] + jumps.moves[entries]
        best = int(totals.argmin())
        # Of two equal ways to read a repetition, the first execution is the model's and the later one the deviation.
        repetition = int(column[state]) + 1 == left and jumps.moves[entries][best] == 0
        return None if int(totals[best]) != left or repetition else int(jumps.source[entries][best])

    def _nearest_end(self, state: int) -> int:
        finals = np.flatnonzero(self.net.final)
        return int(finals[self.distance[finals, state].argmin()])

    def _entry(self, source: int, label: int, target: int) -> int:
        """The state nearest to `source` from which the activity leads to `target`."""
        net = self.net
        states = net.source[(net.label == label) & (net.target == target)]
        return int(states[self.distance[states, source].argmin()])

    def _model_moves(self, source: int, target: int) -> tuple[int, ...]:
        """Labels of a shortest way from one state to another."""
        left, labels = self.distance[target], []
        while source != target:
            label, source = next(e for e in self._edges[source] if left[e[1]] == left[source] - 1)
            labels.append(label)
        return tuple(labels)


def _predecessors(net: Net) -> list[list[int]]:
    """The states one move before each state."""
    pairs = np.unique(np.stack([net.target, net.source], axis=1), axis=0)
    bounds = np.searchsorted(pairs[:, 0], np.arange(net.n_states + 1))
    return [pairs[a:b, 1].tolist() for a, b in pairwise(bounds.tolist())]


def _distances(before: list[list[int]], unreachable: int) -> NDArray[np.int16]:
    """Model moves between states: row t holds the distance of every state to t."""
    n = len(before)
    result = np.full((n, n), unreachable, dtype=np.int16)
    np.fill_diagonal(result, 0)
    # States are numbered breadth first, so one sweep carries distances along every path that has no way back.
    changed = True
    while changed:
        changed = False
        for state, sources in enumerate(before):
            if sources:
                through = result[sources].min(axis=0) + np.int16(1)
                if (through < result[state]).any():
                    np.minimum(result[state], through, out=result[state])
                    changed = True
    return result

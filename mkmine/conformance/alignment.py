"""Exact optimal alignments: the fewest moves that explain a case by the model (Adriansyah 2014; van der Aalst 2012).

A move in both costs 0; an event that the model does not allow (a move in the log) and an activity that the model
demands but the case lacks (a move in the model) cost 1 each; gateways cost nothing.

The synchronous product is a chain of layers, one per event, each a copy of the model's states. From layer to layer lead
log moves (same state, cost 1) and jumps (some model moves and then the event in both). Sequences that share a beginning
share its layers; the layers of one length are computed for all sequences at once, and so is every step back.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mkmine.conformance.moves import Alignment, Move, MoveKind, Query, Unfinished
from mkmine.conformance.net import Net
from mkmine.conformance.tables import UNREACHABLE, Jumps, Tables

CELLS = 60_000_000  # costs kept at once, of one to four bytes: bounds the memory of a batch
KINDS: tuple[MoveKind, ...] = ("both", "log", "model")
MODEL = KINDS.index("model")


class _Layer(NamedTuple):
    """Costs (states, beginnings of one length), and the beginning that each sequence has (-1: it is shorter).

    The cost of a state lacks model moves into it: jumps and the end add them. Costs from `limit` on mean "unreachable".
    """

    costs: NDArray[Any]
    beginning: NDArray[np.int64]
    limit: int


class Aligner:
    """Aligns cases to one model; the tables of the model are computed once and kept."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self.labels = net.labels
        self.tables = Tables(net)
        self._moves = np.empty((len(KINDS), 0, len(net.labels) + 1), dtype=object)

    def align(self, queries: Sequence[Query], *, deadline: float | None = None) -> list[Alignment | Unfinished]:
        """Align every query; those not finished at `deadline` (a value of time.monotonic()) have bounds.

        Queries are worked off in batches in the given order, so put first what matters most.
        """
        results: list[Alignment | None] = [None] * len(queries)
        first = 0
        while first < len(queries) and not _late(deadline):
            last = self._batch(queries, first)
            chosen = sorted(range(first, last), key=lambda i: queries[i].events)
            batch = [queries[i] for i in chosen]
            codes, lengths = _table(batch)
            layers = self._layers(codes, lengths, deadline)
            if layers is not None:
                found = self._trace_back(batch, codes, lengths, layers)
                for i, alignment in zip(chosen, found, strict=True):
                    results[i] = alignment
            first = last
        shortest = self.tables.shortest
        return [one or Unfinished.of(query, shortest) for one, query in zip(results, queries, strict=True)]

    def _batch(self, queries: Sequence[Query], first: int) -> int:
        """End of the batch that begins at `first`. A table is as wide as its longest case, so that one ends a batch."""
        longest = 0
        for last in range(first, len(queries)):
            longest = max(longest, len(queries[last].events) + 1)
            if last > first and (last - first + 1) * longest * self.net.n_states > CELLS:
                return last
        return len(queries)

    def _layers(
        self, codes: NDArray[np.int32], lengths: NDArray[np.int64], deadline: float | None
    ) -> list[_Layer] | None:
        """One layer per length, from the empty beginning on; rows of codes are sorted. None if it took too long."""
        longest = codes.shape[1]
        shared = np.full(len(codes), -1, dtype=np.int64)
        if longest:
            differs = codes[1:] != codes[:-1]
            shared[1:] = np.where(differs.any(axis=1), differs.argmax(axis=1), longest)
        # No alignment costs as much as the limit, which stands for "unreachable"; no sum of costs exceeds three.
        limit = longest + self.tables.diameter + 1
        costs = np.full((self.net.n_states, 1), limit, dtype=np.min_scalar_type(3 * limit))
        costs[0] = 0
        layers = [_Layer(costs, np.zeros(len(codes), dtype=np.int64), limit)]
        for k in range(longest):
            if _late(deadline):
                return None
            active = lengths > k
            new = active & (shared <= k)
            # Beginnings with the same last event stand side by side, so that each label is one slice.
            order = np.argsort(codes[new, k], kind="stable")
            place = np.empty(len(order), dtype=np.int64)
            place[order] = np.arange(len(order))
            costs = self._advance(layers[-1].costs, layers[-1].beginning[new][order], codes[new, k][order])
            layers.append(_Layer(costs, np.where(active, place[np.cumsum(new) - 1], -1), limit))
        return layers

    def _advance(self, costs: NDArray[Any], parents: NDArray[np.int64], events: NDArray[np.int32]) -> NDArray[Any]:
        """Costs after one more event (sorted): a log move, or a jump that does the event in both."""
        result: NDArray[Any] = np.take(costs, parents, axis=1)
        labels, first = np.unique(events, return_index=True)
        for label, a, b in zip(labels.tolist(), first.tolist(), [*first.tolist()[1:], len(events)], strict=True):
            part = result[:, a:b]
            jumps = self.tables.jumps[label] if label >= 0 else None
            if jumps is None or not len(jumps.target):
                part += 1
                continue
            reached = part[jumps.source]
            reached += jumps.moves.astype(part.dtype)[:, None]
            best = _least(reached, jumps)
            part += 1
            part[jumps.target] = np.minimum(part[jumps.target], best)
        return result

    def _trace_back(
        self, queries: list[Query], codes: NDArray[np.int32], lengths: NDArray[np.int64], layers: list[_Layer]
    ) -> list[Alignment]:
        """Optimal moves of every query, found from the last layer to the first."""
        is_open = np.array([query.open for query in queries], dtype=np.bool_)
        state, left, cost = (np.zeros(len(queries), dtype=np.int64) for _ in range(3))
        last = np.zeros(len(queries), dtype=np.int64)
        only_log = np.zeros(codes.shape, dtype=np.bool_)
        ways: list[list[tuple[int, int, int]]] = [[] for _ in queries]
        for k in range(len(layers) - 1, -1, -1):
            ending = np.flatnonzero(lengths == k)
            if len(ending):
                state[ending], left[ending], cost[ending] = self._best_ends(layers[k], ending, is_open[ending])
                last[ending] = state[ending]
            # What costs nothing up to here needs no way back: all its moves are in both.
            rows = np.flatnonzero((lengths >= k) & (left > 0)) if k else ending[:0]
            if len(rows):
                here = layers[k - 1]
                sources, skipped = self._step_back(here, rows, codes[rows, k - 1], state[rows], left[rows])
                both, some = sources >= 0, np.flatnonzero(skipped)
                only_log[rows, k - 1] = ~both
                for row, *ends in zip(rows[some], sources[some].tolist(), state[rows[some]].tolist(), strict=True):
                    ways[row].append((k - 1, *ends))
                state[rows] = np.where(both, sources, state[rows])
                left[rows] = np.where(both, here.costs[state[rows], here.beginning[rows]], left[rows] - 1)
        made = self._events_moved(codes, lengths, only_log)
        found = zip(queries, cost.tolist(), last.tolist(), made, ways, strict=True)
        return [self._alignment(*values) for values in found]

    def _events_moved(
        self, codes: NDArray[np.int32], lengths: NDArray[np.int64], only_log: NDArray[np.bool_]
    ) -> list[list[Move]]:
        """The moves of the events of each case, in both or only in the log."""
        longest = codes.shape[1]
        self._make_moves(longest + 1)
        row, position = np.nonzero(np.arange(longest) < lengths[:, None])
        moves = self._moves[only_log[row, position].astype(np.int64), position, codes[row, position]].tolist()
        ends = np.cumsum(lengths).tolist()
        return [moves[a:b] for a, b in zip([0, *ends], ends, strict=False)]

    def _best_ends(
        self, layer: _Layer, rows: NDArray[np.int64], is_open: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Where the best alignment of each row ends: the state, its cost so far, and the cost of the whole."""
        ends = np.take(layer.costs, layer.beginning[rows], axis=1)
        lost = self.tables.to_end == UNREACHABLE
        to_end = np.where(lost, layer.limit, self.tables.to_end.astype(np.int64)).astype(ends.dtype)[:, None]
        totals = np.where(is_open, ends, ends + to_end)
        # Of equally cheap ends take the one nearest to the end: it explains more events by the model.
        tied = np.where(totals == totals.min(axis=0), to_end, ends.dtype.type(layer.limit + 1))
        state = tied.argmin(axis=0)
        columns = np.arange(len(rows))
        return state, ends[state, columns].astype(np.int64), totals[state, columns].astype(np.int64)

    def _step_back(
        self,
        layer: _Layer,
        rows: NDArray[np.int64],
        labels: NDArray[np.int32],
        state: NDArray[np.int64],
        left: NDArray[np.int64],
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The state from which each row jumped to `state` at total cost `left`, and the model moves of the jump.

        -1 and 0 if the event is a move in the log only.
        """
        tables, column, width = self.tables, layer.beginning[rows], layer.costs.shape[1]
        costs = layer.costs.ravel()
        # Row 0 of the bounds stands for activities that the model does not have.
        jump = (labels.astype(np.int64) + 1) * len(layer.costs) + state
        counts = tables.counts[jump]
        result, skipped = np.full(len(rows), -1, dtype=np.int64), np.zeros(len(rows), dtype=np.int64)
        some = np.flatnonzero(counts)
        if not len(some):
            return result, skipped
        counts, column, left = counts[some], column[some], left[some]
        starts = np.cumsum(counts) - counts
        entry = np.repeat(tables.first[jump[some]] - starts, counts)
        entry += np.arange(len(entry))
        totals = costs[tables.source[entry] * width + np.repeat(column, counts)] + tables.moves[entry]
        # Of equally cheap ways take the one with the most model moves: it explains more events before this one.
        score = np.where(totals == np.repeat(left, counts), tables.rank[entry], -1)
        best = np.maximum.reduceat(score, starts)
        # Of two equal ways to read a repetition, the first execution is the model's and the later one the deviation.
        stays = costs[state[some] * width + column] + 1 == left
        size = len(tables.source)
        jumped = (best >= 0) & ~(stays & (best < size))
        result[some[jumped]] = tables.source[size - 1 - best[jumped] % size]
        skipped[some[jumped]] = best[jumped] // size
        return result, skipped

    def _alignment(
        self, query: Query, cost: int, last: int, moves: list[Move], ways: list[tuple[int, int, int]]
    ) -> Alignment:
        """Put the moves together; `ways` are the jumps with model moves as (event, source, target), the last first."""
        events, n = query.events, len(query.events)
        if cost:
            model = self._moves[MODEL]
            if not query.open:
                moves += [model[n, label] for label in self.tables.way_to_end(last)]
            for k, source, target in ways:
                moves[k:k] = [model[k, label] for label in self.tables.way(source, events[k], target)]
        return Alignment(cost=cost, worst=n + (0 if query.open else self.tables.shortest), moves=tuple(moves))

    def _make_moves(self, n: int) -> None:
        """Make the moves of every kind by position (below n) and label, the unknown one last.

        Most alignments are made of the same few moves; new ones for each would cost more than finding them.
        """
        known = self._moves.shape[1]
        if known >= n:
            return
        labels = (*range(len(self.net.labels)), -1)
        made = np.empty((len(KINDS), n, len(labels)), dtype=object)
        made[:, :known] = self._moves
        for k, kind in enumerate(KINDS):
            for position in range(known, n):
                made[k, position] = [Move(kind, label, position) for label in labels]
        self._moves = made


def _least(reached: NDArray[Any], jumps: Jumps) -> NDArray[Any]:
    """The least cost at each target of jumps (rows)."""
    groups, each = len(jumps.starts), len(reached) // len(jumps.starts)
    if groups * each == len(reached) and (jumps.starts == np.arange(groups) * each).all():
        # Where branches run in parallel all targets have equally many sources: whole columns are compared at once.
        best = reached[::each]
        for other in range(1, each):
            best = np.minimum(best, reached[other::each])
        return best
    least: NDArray[Any] = np.minimum.reduceat(reached, jumps.starts, axis=0)
    return least


def _table(queries: list[Query]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """The events of all queries, one row each, filled up with -2; and their numbers."""
    lengths = np.array([len(query.events) for query in queries], dtype=np.int64)
    codes = np.full((len(queries), int(lengths.max())), -2, dtype=np.int32)
    events = chain.from_iterable(query.events for query in queries)
    codes[np.arange(codes.shape[1]) < lengths[:, None]] = np.fromiter(events, dtype=np.int32)
    return codes, lengths


def _late(deadline: float | None) -> bool:
    return deadline is not None and time.monotonic() > deadline

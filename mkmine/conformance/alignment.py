"""Exact optimal alignments: the fewest moves that explain a case by the model (Adriansyah 2014; van der Aalst 2012).

A move in both costs 0; an event that the model does not allow (a move in the log) and an activity that the model
demands but the case lacks (a move in the model) cost 1 each; gateways cost nothing.

The synchronous product is a chain of layers, one per event, each a copy of the model's states. From layer to layer lead
log moves (same state, cost 1) and jumps (some model moves and then the event in both). Sequences that share a beginning
share its layers; the layers of one length are computed for all sequences at once, and so is every step
back. Where much is to be done the compiled twin `kernel` does it, with the same results.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mkmine.conformance.moves import Alignment, Move, MoveKind, Query, Unfinished
from mkmine.conformance.net import Net
from mkmine.conformance.tables import UNREACHABLE, Jumps, Tables, pays_to_compile
from mkmine.executors import check_workers, opened

CELLS = 60_000_000  # costs kept at once, of one to four bytes: bounds the memory of a batch
EVENTS = 20_000  # of a batch of the compiled twin, a tenth of a second at most
FIRST_BOUND = 2  # of the cost, where not all states are looked at
WORTH_SORTING = 64  # states from which on to share beginnings of cases costs less than to find them
KINDS: tuple[MoveKind, ...] = ("both", "log", "model")
BOTH, LOG, MODEL = range(3)


class _Layer(NamedTuple):
    """Costs (states, beginnings of one length), and the beginning that each sequence has (-1: it is shorter).

    The cost of a state lacks model moves into it: jumps and the end add them. Costs from `limit` on mean "unreachable".
    """

    costs: NDArray[Any]
    beginning: NDArray[np.int64]
    limit: int


class _Batch(NamedTuple):
    """What is aligned together: the numbers of the queries, their events end to end, and where each begins and ends."""

    numbers: list[int]
    events: NDArray[np.int32]
    offsets: NDArray[np.int64]
    is_open: NDArray[np.bool_]


class _Found(NamedTuple):
    """Costs, and the moves end to end as (position * 3 + kind) * width + label; those of query i from begins[i] on."""

    cost: NDArray[np.int64]
    begins: NDArray[np.int64]
    moves: NDArray[np.int64]


class Aligner:
    """Aligns cases to one model; the tables of the model are computed once and kept."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self.labels = net.labels
        self.tables = Tables(net)
        self._width = len(net.labels) + 1
        self._moves = np.empty(0, dtype=object)
        self._made = np.empty(0, dtype=np.bool_)

    def align(
        self, queries: Sequence[Query], *, deadline: float | None = None, workers: int = 1
    ) -> list[Alignment | Unfinished]:
        """Align every query; those not finished at `deadline` (a value of time.monotonic()) have bounds.

        Queries are worked off in batches in the given order, so put first what matters most. `workers` threads share
        the batches where the compiled twin works on several; the result is the same. Raises `DataError` if it is no
        positive number.
        """
        check_workers(workers)
        results: list[Alignment | None] = [None] * len(queries)
        lengths = [len(query.events) for query in queries]
        fast = pays_to_compile(sum(lengths) * (1 + self.net.n_states / 500))
        batches = list(self._batches(queries, lengths, EVENTS if fast else None))

        def align(batch: _Batch) -> tuple[_Batch, _Found | None]:
            if _late(deadline):
                return batch, None
            return batch, self._compiled(batch) if fast else self._plain(batch, deadline)

        def keep(found: tuple[_Batch, _Found | None]) -> None:
            batch, moves = found
            if moves is not None:
                for number, one in zip(batch.numbers, self._alignments(batch, moves), strict=True):
                    results[number] = one

        room = max(1, CELLS // max(1, (max(lengths, default=0) + 1) * self.net.n_states))
        with opened(min(workers, room, max(1, len(batches))) if fast else 1, "threads") as pool:
            pool.run(align, batches, keep)
        shortest = self.tables.shortest
        return [one or Unfinished.of(query, shortest) for one, query in zip(results, queries, strict=True)]

    def _batches(self, queries: Sequence[Query], lengths: list[int], most: int | None) -> Iterator[_Batch]:
        """Batches of so many events; without such a bound, as many as fit in memory."""
        first = 0
        while first < len(queries):
            last = self._fitting(lengths, first) if most is None else _up_to(lengths, first, most)
            chosen: Sequence[int] = range(first, last)
            if self.net.n_states >= WORTH_SORTING or most is None:
                chosen = sorted(chosen, key=lambda i: queries[i].events)
            offsets = np.zeros(len(chosen) + 1, dtype=np.int64)
            np.cumsum([lengths[i] for i in chosen], out=offsets[1:])
            events = np.fromiter(chain.from_iterable([queries[i].events for i in chosen]), np.int32, int(offsets[-1]))
            is_open = np.array([queries[i].open for i in chosen], dtype=np.bool_)
            yield _Batch(list(chosen), events, offsets, is_open)
            first = last

    def _fitting(self, lengths: list[int], first: int) -> int:
        """End of the batch that begins at `first`. A table is as wide as its longest case, so that one ends a batch."""
        longest = 0
        for last in range(first, len(lengths)):
            longest = max(longest, lengths[last] + 1)
            if last > first and (last - first + 1) * longest * self.net.n_states > CELLS:
                return last
        return len(lengths)

    def _compiled(self, batch: _Batch) -> _Found:
        from mkmine.conformance import kernel

        tables, longest = self.tables, int(np.diff(batch.offsets).max())
        dearest = longest + tables.shortest
        # Where there are few states, to look at all costs less than to raise the bound.
        bound = dearest if self.net.n_states < WORTH_SORTING else FIRST_BOUND
        small = np.uint16 if dearest + tables.diameter < np.iinfo(np.uint16).max else np.int32
        none = np.array([np.iinfo(small).max], dtype=small)
        back = tables.first, tables.counts, tables.source, tables.moves
        cost, begins, moves = kernel.align(
            batch.events,
            batch.offsets,
            batch.is_open,
            tables.forth,
            back,
            tables.graph,
            tables.distance,
            tables.to_end,
            tables.ends,
            self._width,
            bound,
            none,
        )
        return _Found(cost, begins, moves)

    def _plain(self, batch: _Batch, deadline: float | None) -> _Found | None:
        codes, lengths = _table(batch)
        layers = self._layers(codes, lengths, deadline)
        return None if layers is None else self._trace_back(batch.is_open, codes, lengths, layers)

    def _alignments(self, batch: _Batch, found: _Found) -> Iterator[Alignment]:
        self._make(found.moves)
        moves = iter(self._moves[found.moves].tolist())
        worst = np.diff(batch.offsets) + np.where(batch.is_open, 0, self.tables.shortest)
        each = zip(found.cost.tolist(), worst.tolist(), np.diff(found.begins).tolist(), strict=True)
        return (Alignment(cost, most, tuple(islice(moves, n))) for cost, most, n in each)

    def _make(self, moves: NDArray[np.int64]) -> None:
        """Make what is missing of these moves.

        Most alignments are made of the same few moves; new ones for each would cost more than finding them.
        """
        size = int(moves.max(initial=-1)) + 1
        if size > len(self._moves):
            # Grown by half more at least: batches come with longer and longer cases.
            room = max(size, len(self._moves) * 3 // 2) - len(self._moves)
            self._moves = np.append(self._moves, np.empty(room, dtype=object))
            self._made = np.append(self._made, np.zeros(room, dtype=np.bool_))
        new = np.unique(moves[~self._made[moves]])
        self._made[new] = True
        for one in new.tolist():
            place, label = divmod(one, self._width)
            position, kind = divmod(place, len(KINDS))
            self._moves[one] = Move(KINDS[kind], label if label < self._width - 1 else -1, position)

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
        self, is_open: NDArray[np.bool_], codes: NDArray[np.int32], lengths: NDArray[np.int64], layers: list[_Layer]
    ) -> _Found:
        """Optimal moves of every query, found from the last layer to the first."""
        n = len(lengths)
        state, left, cost, last = (np.zeros(n, dtype=np.int64) for _ in range(4))
        only_log = np.zeros(codes.shape, dtype=np.bool_)
        ways: list[list[tuple[int, int, int]]] = [[] for _ in range(n)]
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
        position = np.arange(codes.shape[1])
        events = (len(KINDS) * position + np.where(only_log, LOG, BOTH)) * self._width
        events += np.where(codes < 0, self._width - 1, codes)
        of_event = events[position < lengths[:, None]].tolist()
        moves, begins, end = list[int](), [0], 0
        for row in range(n):
            first, end = end, end + int(lengths[row])
            mine = of_event[first:end]
            if cost[row]:
                if not is_open[row]:
                    mine += self._in_model(end - first, self.tables.way_to_end(int(last[row])))
                # The last way comes first, so that it does not move the places of the others.
                for k, source, target in ways[row]:
                    mine[k:k] = self._in_model(k, self.tables.way(source, int(codes[row, k]), target))
            moves += mine
            begins.append(len(moves))
        return _Found(cost, np.array(begins), np.array(moves, dtype=np.int64))

    def _in_model(self, position: int, labels: Sequence[int]) -> list[int]:
        return [(len(KINDS) * position + MODEL) * self._width + label for label in labels]

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


def _table(batch: _Batch) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """The events of all queries, one row each, filled up with -2; and their numbers."""
    lengths = np.diff(batch.offsets)
    codes = np.full((len(lengths), int(lengths.max())), -2, dtype=np.int32)
    codes[np.arange(codes.shape[1]) < lengths[:, None]] = batch.events
    return codes, lengths


def _up_to(lengths: list[int], first: int, most: int) -> int:
    """End of the batch that begins at `first` and has `most` events or little more."""
    events = 0
    for last in range(first, len(lengths)):
        events += lengths[last]
        if events >= most:
            return last + 1
    return len(lengths)


def _late(deadline: float | None) -> bool:
    return deadline is not None and time.monotonic() > deadline

"""The compiled twin of `mkmine.conformance.alignment`: case by case, and only through states that cost little.

The plain form works out the costs of all states. Here a bound is set on the cost and raised until the alignment is
within it (as E. Ukkonen 1985 does for edit distances), so that of many states few are looked at. What is within the
bound is exact, and of equally cheap alignments both forms take the same.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["align", "distances", "useful_jumps"]

Array = NDArray[Any]
Graph = tuple[Array, Array, Array, Array, Array, Array]
Int = Any  # a signed integer of 64 bits
BOTH, LOG, MODEL = 0, 1, 2
LOST = 8_000  # the distance that means: there is no way


@numba.njit(cache=True, nogil=True)
def align(
    events: Array,
    offsets: Array,
    is_open: Array,
    forth: tuple[Array, Array, Array],
    back: tuple[Array, Array, Array, Array],
    graph: Graph,
    distance: Array,
    to_end: Array,
    ends: Array,
    width: Int,
    bound: Int,
    none: Array,
) -> tuple[Array, Array, Array]:
    """Return the cost of each case, where its moves begin, and the moves as (position * 3 + kind) * width + label.

    `events` are the labels of all cases, those of case i from `offsets[i]` on; `forth`, `back` and `graph` are those
    of `mkmine.conformance.tables`; `bound` is the first bound of the cost, and `none` an array of the type of costs,
    whose only value means that a state is not within the bound.
    """
    states, cases = len(to_end), len(offsets) - 1
    firsts, target, moves = forth
    longest = np.max(offsets[1:] - offsets[:-1])
    costs = np.full((longest + 1, states), none[0], none.dtype)
    costs[0, 0] = 0
    # The states within the bound of layer k stand from starts[k] to starts[k + 1].
    found, starts, bounds = (
        np.zeros(2 * states, np.uint16),
        np.zeros(longest + 2, np.int64),
        np.zeros(longest + 1, np.int64),
    )
    starts[1:] = 1
    bounds[0] = np.iinfo(np.int64).max
    cost, begins = np.zeros(cases, np.int64), np.zeros(cases + 1, np.int64)
    out, row = np.empty(2 * len(events) + 16, np.int64), np.empty(2 * longest + states, np.int64)
    reach = 0
    for case in range(cases):
        first, n = offsets[case], offsets[case + 1] - offsets[case]
        shared = 0
        if case:
            before = offsets[case - 1]
            while shared < min(n, reach) and events[first + shared] == events[before + shared]:
                shared += 1
        worst = n if is_open[case] else n + np.int64(to_end[0])
        limit = min(bound, worst)
        while True:
            base = shared
            while bounds[base] < limit:
                base -= 1
            for k in range(base + 1, reach + 1):
                for i in range(starts[k], starts[k + 1]):
                    costs[k, found[i]] = none[0]
            for k in range(base, n):
                if starts[k + 1] + states > len(found):
                    found = larger(found, starts[k + 1] + states)
                spread(costs, events[first + k], found, starts, k, firsts, target, moves, limit, none[0])
                bounds[k + 1] = limit
            reach = n
            last, total = best_end(costs[n], found[starts[n] : starts[n + 1]], to_end, is_open[case], limit)
            if last >= 0:
                break
            shared, limit = n, min(2 * limit + 2, worst)
        cost[case] = total
        at = trace_back(
            events[first : first + n],
            last,
            total,
            is_open[case],
            costs,
            back,
            graph,
            distance,
            to_end,
            ends,
            width,
            row,
        )
        size = len(row) - at
        if begins[case] + size > len(out):
            out = larger(out, begins[case] + size)
        out[begins[case] : begins[case] + size] = row[at:]
        begins[case + 1] = begins[case] + size
    return cost, begins, out[: begins[cases]].copy()


@numba.njit(cache=True, nogil=True)
def larger(array: Array, size: Int) -> Array:
    """Return an array with the same beginning and room for more than `size`."""
    out = np.empty(2 * size, array.dtype)
    out[: len(array)] = array
    return out


@numba.njit(cache=True, nogil=True)
def spread(
    costs: Array,
    label: Int,
    found: Array,
    starts: Array,
    k: Int,
    firsts: Array,
    target: Array,
    moves: Array,
    limit: Int,
    none: Int,
) -> None:
    """Fill the layer after one more event, as far as the limit, by log moves and jumps."""
    states, end = costs.shape[1], starts[k + 1]
    for i in range(starts[k], starts[k + 1]):
        state = np.int64(found[i])
        paid = np.int64(costs[k, state])
        if paid < limit and paid + 1 < costs[k + 1, state]:
            if costs[k + 1, state] == none:
                found[end] = state
                end += 1
            costs[k + 1, state] = paid + 1
        if label >= 0:
            place = label * states + state
            for j in range(firsts[place], firsts[place + 1]):
                other, value = np.int64(target[j]), paid + moves[j]
                if value <= limit and value < costs[k + 1, other]:
                    if costs[k + 1, other] == none:
                        found[end] = other
                        end += 1
                    costs[k + 1, other] = value
    starts[k + 2] = end


@numba.njit(cache=True, nogil=True)
def best_end(here: Array, found: Array, to_end: Array, is_open: bool, limit: int) -> tuple[Int, Int]:
    """Return the state where the best alignment ends and its cost; -1 if it is not within the limit."""
    last, least, nearest = np.int64(-1), np.int64(limit), np.int64(0)
    for one in found:
        state, left = np.int64(one), np.int64(to_end[one])
        if left == LOST and not is_open:
            continue
        total = np.int64(here[state]) + (np.int64(0) if is_open else left)
        if total > least:
            continue
        # Of equally cheap ends the one nearest to the end: it explains more events by the model.
        if last < 0 or total < least or left < nearest or (left == nearest and state < last):
            last, least, nearest = state, total, left
    return last, least


@numba.njit(cache=True, nogil=True)
def trace_back(
    events: Array,
    state: Int,
    left: Int,
    is_open: bool,
    costs: Array,
    back: tuple[Array, Array, Array, Array],
    graph: Graph,
    distance: Array,
    to_end: Array,
    ends: Array,
    width: Int,
    row: Array,
) -> Int:
    """Write the moves of the alignment that ends in `state` to the end of `row`; return where they begin there."""
    firsts, counts, sources, moves = back
    at, n, states = len(row), len(events), len(to_end)
    if not is_open:
        left -= np.int64(to_end[state])
        at = walk(state, nearest(ends, distance, state), n, graph, distance, width, row, at)
    for k in range(n - 1, -1, -1):
        label = np.int64(events[k])
        # What costs nothing up to here needs no way back: all its moves are in both.
        best, source = np.int64(-1), np.int64(-1)
        if left:
            jump = (label + 1) * states + state
            for i in range(firsts[jump], firsts[jump] + counts[jump]):
                # Of equally cheap ways the one with the most model moves: it explains more events before this one.
                if np.int64(costs[k, sources[i]]) + moves[i] == left and moves[i] > best:
                    best, source = np.int64(moves[i]), np.int64(sources[i])
            # Of two ways to read a repetition, the first execution is the model's and the later one the deviation.
            stays = np.int64(costs[k, state]) + 1 == left
            if source < 0 or (stays and best == 0):
                at -= 1
                row[at] = (3 * k + LOG) * width + (label if label >= 0 else width - 1)
                left -= 1
                continue
        at -= 1
        row[at] = (3 * k + BOTH) * width + label
        if left:
            if best > 0:
                at = walk(source, entrance(source, label, state, graph, distance), k, graph, distance, width, row, at)
            state, left = source, np.int64(costs[k, source])
    return at


@numba.njit(cache=True, nogil=True)
def nearest(ends: Array, distance: Array, state: int) -> Int:
    """Return the end with the fewest model moves to it."""
    best = np.int64(ends[0])
    for end in ends:
        if distance[end, state] < distance[best, state]:
            best = np.int64(end)
    return best


@numba.njit(cache=True, nogil=True)
def entrance(source: Int, label: Int, target: Int, graph: Graph, distance: Array) -> Int:
    """Return the state nearest to `source` from which the activity leads to `target`."""
    best = np.int64(-1)
    for i in range(graph[3][target], graph[3][target + 1]):
        state = np.int64(graph[5][i])
        if graph[4][i] == label and (best < 0 or distance[state, source] < distance[best, source]):
            best = state
    return best


@numba.njit(cache=True, nogil=True)
def walk(
    state: Int,
    target: Int,
    position: Int,
    graph: Graph,
    distance: Array,
    width: Int,
    row: Array,
    at: Int,
) -> Int:
    """Write the model moves of the shortest way before `at`; return where they begin."""
    firsts, labels, targets = graph[0], graph[1], graph[2]
    left = np.int64(distance[target, state])
    at -= left
    for i in range(left):
        for j in range(firsts[state], firsts[state + 1]):
            if distance[target, targets[j]] == left - i - 1:
                row[at + i] = (3 * position + MODEL) * width + labels[j]
                state = np.int64(targets[j])
                break
    return at


@numba.njit(cache=True, nogil=True)
def distances(firsts: Array, sources: Array, none: Int) -> Array:
    """Return the fewest moves from each state (column) to each (row); those one move before a state as in `Tables`."""
    n = len(firsts) - 1
    out = np.full((n, n), none, np.int16)
    for state in range(n):
        out[state, state] = 0
    changed = True
    while changed:
        changed = False
        for state in range(n):
            row = out[state]
            for i in range(firsts[state], firsts[state + 1]):
                before, better = out[sources[i]], False
                for j in range(n):
                    better |= before[j] + np.int16(1) < row[j]
                if better:
                    changed |= sources[i] > state
                    for j in range(n):
                        row[j] = min(row[j], np.int16(before[j] + np.int16(1)))
    return out


@numba.njit(cache=True, nogil=True)
def useful_jumps(label: Int, targets: Array, graph: Graph, distance: Array, none: Int) -> tuple[Array, Array, Array]:
    """Return target (its place in `targets`), source and model moves of the jumps that do one activity."""
    n = len(distance)
    place = np.full(n, -1, np.int64)
    place[targets] = np.arange(len(targets))
    moves, size = np.full((len(targets), n), none, np.int16), 0
    for group, target in enumerate(targets):
        row = moves[group]
        for i in range(graph[3][target], graph[3][target + 1]):
            if graph[4][i] == label:
                other = distance[graph[5][i]]
                for j in range(n):
                    row[j] = min(row[j], other[j])
    groups, sources, needed = np.empty(n, np.int32), np.empty(n, np.int32), np.empty(n, np.int16)
    for group, target in enumerate(targets):
        row, kept = moves[group], moves[group] < none
        for i in range(graph[3][target], graph[3][target + 1]):
            nearer = place[graph[5][i]]
            if nearer >= 0:
                other = moves[nearer]
                for j in range(n):
                    kept[j] &= other[j] + np.int16(1) > row[j]
        if size + n > len(groups):
            groups, sources, needed = larger(groups, size + n), larger(sources, size + n), larger(needed, size + n)
        for j in range(n):
            if kept[j]:
                groups[size], sources[size], needed[size] = group, j, row[j]
                size += 1
    return groups[:size].copy(), sources[:size].copy(), needed[:size].copy()

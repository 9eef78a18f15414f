"""What is computed once per model before any case is aligned: distances between states, and the jumps that matter.

A jump does some model moves and then one activity. What one target of an activity reaches by model moves needs no jump
of its own, so that few jumps remain for each state even where many branches run in parallel.
"""

from __future__ import annotations

import sys
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mkmine.conformance.net import Net
from mkmine.eventlog.twins import compiled

UNREACHABLE = 8_000  # above the distance of any two states of a net within its state limit
KERNEL = "mkmine.conformance.kernel"
LOADING = 500_000  # microseconds to load the compiled twins; once they are there, they pay much sooner
LOADED = 2_000


def pays_to_compile(microseconds: float) -> bool:
    """Return whether work that takes the plain forms so long is done by the compiled twins; both give the same."""
    return compiled(int(microseconds), pays_from=LOADED if KERNEL in sys.modules else LOADING)


Array = NDArray[Any]


class Jumps(NamedTuple):
    """Ways to do one activity: from state `source[k]` to `target[g]` by `moves[k]` model moves and the activity itself.

    The entries k of target g are `starts[g]` up to the next start.
    """

    target: NDArray[np.int32]
    starts: NDArray[np.int64]
    source: NDArray[np.int32]
    moves: NDArray[np.int16]


class Tables:
    """Distances and jumps of one net.

    `distance[t, s]` is the smallest number of model moves from s to t, `to_end` (states,) that to an end, `shortest`
    that of a whole case, `diameter` the largest finite distance; `jumps` has one entry per activity.
    The columns `source` and `moves` hold the jumps of all activities: at (label + 1) * states + state, `first` and
    `counts` say which of them do the activity and lead to the state. `rank` orders them: more moves first.

    For the compiled twin, `forth` are the same jumps by label * states + source (where each begins, target, moves), and
    `graph` the edges out of each state (begin, label, target) and into it (begin, label, source).
    """

    def __init__(self, net: Net) -> None:
        self.net = net
        before = _predecessors(net)
        self.graph = _graph(net)
        fast = pays_to_compile(net.n_states * len(net.source) / 80)
        self.distance = _compiled_distances(before) if fast else _distances(before)
        self.diameter = int(self.distance[self.distance < UNREACHABLE].max())
        self.ends = np.flatnonzero(net.final)
        self.to_end = self.distance[self.ends].min(axis=0)
        self.shortest = int(self.to_end[0])
        self.jumps = [
            self._compiled_jumps(label) if fast else _tabulate(net, self.distance, before, label)
            for label in range(len(net.labels))
        ]
        self.source = np.concatenate([jumps.source for jumps in self.jumps]).astype(np.int64)
        self.moves = np.concatenate([jumps.moves for jumps in self.jumps])
        size = len(self.source)
        self.rank = self.moves.astype(np.int64) * size + np.arange(size)[::-1]
        self.first = np.zeros((len(net.labels) + 1) * net.n_states, dtype=np.int64)
        self.counts = np.zeros_like(self.first)
        offset = 0
        for label, jumps in enumerate(self.jumps):
            here = (label + 1) * net.n_states + jumps.target
            self.first[here] = offset + jumps.starts
            self.counts[here] = np.diff(jumps.starts, append=len(jumps.source))
            offset += len(jumps.source)
        bounds = np.searchsorted(net.source, np.arange(net.n_states + 1))
        self._edges = [
            list(zip(net.label[a:b].tolist(), net.target[a:b].tolist(), strict=True))
            for a, b in pairwise(bounds.tolist())
        ]
        self.way = lru_cache(maxsize=100_000)(self._way)
        self.way_to_end = lru_cache(maxsize=100_000)(self._way_to_end)

    @cached_property
    def forth(self) -> tuple[Array, Array, Array]:
        """The jumps by activity and source."""
        states = self.net.n_states
        target = np.concatenate(
            [np.repeat(one.target, np.diff(one.starts, append=len(one.source))) for one in self.jumps]
        )
        label = np.repeat(np.arange(len(self.jumps)), [len(one.source) for one in self.jumps])
        place = label * states + self.source
        order = np.argsort(place, kind="stable")
        firsts = np.searchsorted(place[order], np.arange(len(self.jumps) * states + 1))
        return firsts, target[order].astype(np.uint16), self.moves[order]

    def _compiled_jumps(self, label: int) -> Jumps:
        from mkmine.conformance import kernel

        targets = np.unique(self.net.target[self.net.label == label])
        group_of, source_of, moves = kernel.useful_jumps(label, targets, self.graph, self.distance, UNREACHABLE)
        kept, starts = np.unique(group_of, return_index=True)
        return Jumps(targets[kept], starts, source_of, moves)

    def _way(self, source: int, label: int, target: int) -> tuple[int, ...]:
        """Labels of the model moves from `source` to where the activity leads to `target`, the shortest way."""
        net = self.net
        states = net.source[(net.label == label) & (net.target == target)]
        return self._path(source, int(states[self.distance[states, source].argmin()]))

    def _way_to_end(self, source: int) -> tuple[int, ...]:
        """Labels of the model moves from `source` to the nearest end."""
        return self._path(source, int(self.ends[self.distance[self.ends, source].argmin()]))

    def _path(self, source: int, target: int) -> tuple[int, ...]:
        left, labels = self.distance[target], []
        while source != target:
            label, source = next(edge for edge in self._edges[source] if left[edge[1]] == left[source] - 1)
            labels.append(label)
        return tuple(labels)


def _predecessors(net: Net) -> list[list[int]]:
    """The states one move before each state."""
    pairs = np.unique(np.stack([net.target, net.source], axis=1), axis=0)
    bounds = np.searchsorted(pairs[:, 0], np.arange(net.n_states + 1))
    return [pairs[a:b, 1].tolist() for a, b in pairwise(bounds.tolist())]


def _distances(before: list[list[int]]) -> NDArray[np.int16]:
    n = len(before)
    result = np.full((n, n), UNREACHABLE, dtype=np.int16)
    np.fill_diagonal(result, 0)
    # States are numbered breadth first: one sweep carries distances along every path, another follows a way back.
    changed = True
    while changed:
        changed = False
        for state, sources in enumerate(before):
            if sources:
                through = result[sources].min(axis=0) + np.int16(1)
                if (through < result[state]).any():
                    np.minimum(result[state], through, out=result[state])
                    changed |= sources[-1] > state
    return result


def _compiled_distances(before: list[list[int]]) -> NDArray[np.int16]:
    from mkmine.conformance import kernel

    firsts = np.cumsum([0, *map(len, before)])
    return kernel.distances(firsts, np.array([one for some in before for one in some], dtype=np.int32), UNREACHABLE)


def _graph(net: Net) -> tuple[Array, Array, Array, Array, Array, Array]:
    states = np.arange(net.n_states + 1)
    order = np.argsort(net.target, kind="stable")
    out = np.searchsorted(net.source, states), net.label, net.target
    return *out, np.searchsorted(net.target[order], states), net.label[order], net.source[order]


def _tabulate(net: Net, distance: NDArray[np.int16], before: list[list[int]], label: int) -> Jumps:
    mine = net.label == label
    targets = np.unique(net.target[mine])
    place = {state: group for group, state in enumerate(targets.tolist())}
    moves = np.full((len(targets), net.n_states), UNREACHABLE, dtype=np.int16)
    for source, target in zip(net.source[mine].tolist(), net.target[mine].tolist(), strict=True):
        np.minimum(moves[place[target]], distance[source], out=moves[place[target]])
    useful = moves < UNREACHABLE
    # A target one model move behind a cheaper one adds nothing: the next jump or the end makes that move.
    for target, group in place.items():
        for state in before[target]:
            if state in place:
                useful[group] &= moves[place[state]] + 1 > moves[group]
    group_of, source_of = np.nonzero(useful)
    kept, starts = np.unique(group_of, return_index=True)
    return Jumps(targets[kept], starts, source_of.astype(np.int32), moves[group_of, source_of])

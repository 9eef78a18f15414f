"""The inductive miner: a block-structured model that, without a noise threshold, every case of the log fits.

Source: S. J. J. Leemans (2022), Robust Process Mining with Guarantees, LNBIP 440: cuts of the directly-follows graph
(choice, strict sequence, parallel, loop), fall-throughs, and the infrequent variant (IMf), which looks once more
without rare successions where no cut is found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mkmine.discovery.trees import SILENT, Operator, Tree, to_model
from mkmine.errors import DataError
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.summaries import case_paths, variant_index
from mkmine.targets import ProcessModel

__all__ = ["discover_model", "mine_tree"]

Trace = tuple[str, ...]
Log = dict[Trace, int]
Groups = list[set[str]]
Bools = NDArray[np.bool_]


def discover_model(log: EventLog, *, noise: float = 0.2) -> ProcessModel:
    """Discover a process model of the completed cases, block-structured and sound; `write_bpmn` saves it.

    `noise` (0 to 1): where no structure is found, successions rarer than this share of the most frequent one out of
    their activity are left out of sight. With 0 every case fits. Cancelled cases are left out, where others are left.
    Raises `DataError` if no case is completed, or the noise is no share.
    """
    if not 0 <= noise <= 1:
        raise DataError(f"noise={noise} is not a share; give a number from 0 to 1, e.g. 0.2")
    done = log.completed & ~log.cancelled if (log.completed & ~log.cancelled).any() else log.completed
    if not done.any():
        raise DataError(f"none of {log.n_cases:,} cases is completed; a model needs cases that came to their end")
    kept = log if done.all() else log.keep_cases(done, action="model", detail="completed cases")
    index = variant_index(kept)
    traces = dict(zip(case_paths(kept, index.representative), index.counts.tolist(), strict=True))
    return to_model(mine_tree(traces, noise=noise), name=log.name)


def mine_tree(traces: Log, *, noise: float = 0.0) -> Tree:
    """Return the process tree of traces with their counts, folded."""
    return _mine(dict(traces), noise).folded()


def _mine(log: Log, noise: float) -> Tree:
    total, empty = sum(log.values()), log.get((), 0)
    if empty and empty < total:
        log = {trace: count for trace, count in log.items() if trace}
        if empty > noise * total:
            return Tree("choice", parts=(SILENT, _mine(log, noise)))
    if not log or set(log) == {()}:
        return SILENT
    if len(log) == 1 and len(next(iter(log))) == 1:
        return Tree("activity", next(iter(log))[0])
    graph = _Graph.of(log)
    found = _cut(log, graph) or (_cut(log, graph.without_rare(noise)) if noise > 0 else None)
    operator, parts = found or _fall_through(log)
    return Tree(operator, parts=tuple(_mine(part, noise) for part in parts))


class _Graph:
    """The directly-follows graph of a log: counts (k, k), of starts and of ends."""

    def __init__(self, names: list[str], counts: NDArray[np.int64], starts: Counter[str], ends: Counter[str]) -> None:
        self.names, self.counts, self.starts, self.ends = names, counts, starts, ends

    @classmethod
    def of(cls, log: Log) -> _Graph:
        names = sorted({name for trace in log for name in trace})
        place = {name: code for code, name in enumerate(names)}
        counts = np.zeros((len(names), len(names)), dtype=np.int64)
        starts: Counter[str] = Counter()
        ends: Counter[str] = Counter()
        for trace, count in log.items():
            for one, other in pairwise(trace):
                counts[place[one], place[other]] += count
            if trace:
                starts[trace[0]] += count
                ends[trace[-1]] += count
        return cls(names, counts, starts, ends)

    def without_rare(self, noise: float) -> _Graph:
        """Leave out successions and starts that are rare against the most frequent one beside them."""
        ends = np.array([self.ends[name] for name in self.names], dtype=np.int64)
        most = np.maximum(self.counts.max(axis=1, initial=0), ends)
        counts = np.where(self.counts > noise * most[:, None], self.counts, 0)
        often = max(self.starts.values())
        starts = Counter({name: count for name, count in self.starts.items() if count >= noise * often})
        return _Graph(self.names, counts, starts, self.ends)

    def edge(self, source: str, target: str) -> bool:
        return bool(self.counts[self.names.index(source), self.names.index(target)])


def _cut(log: Log, graph: _Graph) -> tuple[Operator, list[Log]] | None:
    """Return the first cut that holds, with the parts of the log."""
    ways: list[tuple[Operator, Callable[[_Graph], Groups], Callable[[Log, Groups], list[Log]]]] = [
        ("choice", _choice, _split_choice),
        ("sequence", _sequence, _split_sequence),
        ("parallel", _parallel, _split_parallel),
        ("loop", _loop, _split_loop),
    ]
    for operator, search, split in ways:
        groups = search(graph)
        if len(groups) > 1:
            return operator, split(log, groups)
    return None


def _components(names: list[str], joined: Bools) -> Groups:
    """Return the connected components of a relation (k, k), in order of their first names."""
    from scipy.sparse.csgraph import connected_components

    _, label = connected_components(joined, directed=False)
    return [{names[one] for one in np.flatnonzero(label == group)} for group in dict.fromkeys(label.tolist())]


def _choice(graph: _Graph) -> Groups:
    return _components(graph.names, graph.counts > 0)


def _split_choice(log: Log, groups: Groups) -> list[Log]:
    parts: list[Counter[Trace]] = [Counter() for _ in groups]
    for trace, count in log.items():
        # A trace that touches several, which is noise, goes to where it mostly is.
        best = max(range(len(groups)), key=lambda one: sum(name in groups[one] for name in trace))
        parts[best][tuple(name for name in trace if name in groups[best])] += count
    return [dict(part) for part in parts]


def _reaches(graph: _Graph) -> Bools:
    """Return which activity is followed, sooner or later, by which."""
    reach = graph.counts > 0
    for middle in range(len(graph.names)):
        reach |= reach[:, middle : middle + 1] & reach[middle : middle + 1, :]
    return reach


def _sequence(graph: _Graph) -> Groups:
    """Return the groups of a strict sequence cut: parts that can be skipped together stay together."""
    reach = _reaches(graph)
    groups = _components(graph.names, reach == reach.T)
    if len(groups) < 2:
        return groups
    place = {name: code for code, name in enumerate(graph.names)}
    groups.sort(key=lambda one: -int(reach[place[min(one)]].sum()) + int(reach[:, place[min(one)]].sum()))
    of = {name: number for number, group in enumerate(groups) for name in group}
    n = len(groups)
    earliest = [-1 if group & set(graph.starts) else n for group in groups]
    latest = [n if group & set(graph.ends) else -1 for group in groups]
    jumps = set()
    for a, b in np.argwhere(graph.counts > 0).tolist():
        one, other = of[graph.names[a]], of[graph.names[b]]
        earliest[other], latest[one] = min(earliest[other], one), max(latest[one], other)
        jumps.add((one, other))
    first = max((number for number, group in enumerate(groups) if group & set(graph.starts)), default=0)
    last = min((number for number, group in enumerate(groups) if group & set(graph.ends)), default=n)
    merged = [set(group) for group in groups]
    for pivot in range(n):
        if first > pivot or last < pivot or any(one < pivot < other for one, other in jumps):
            before = pivot - 1
            while before >= 0 and latest[before] <= pivot:
                merged[pivot], merged[before], before = merged[pivot] | merged[before], set(), before - 1
            after = pivot + 1
            while after < n and earliest[after] >= pivot:
                merged[pivot], merged[after], after = merged[pivot] | merged[after], set(), after + 1
    return [group for group in merged if group]


def _split_sequence(log: Log, groups: Groups) -> list[Log]:
    parts: list[Counter[Trace]] = [Counter() for _ in groups]
    for trace, count in log.items():
        begin, seen = 0, set[str]()
        for number, group in enumerate(groups):
            end = _boundary(trace, begin, group, seen)
            parts[number][tuple(name for name in trace[begin:end] if name in group)] += count
            begin, seen = end, seen | group
    return [dict(part) for part in parts]


def _boundary(trace: Trace, begin: int, group: set[str], seen: set[str]) -> int:
    """Return where a group's stretch ends so that as few activities as possible are on the wrong side."""
    cost = least = 0
    end = begin
    for place in range(begin, len(trace)):
        cost += -1 if trace[place] in group else 0 if trace[place] in seen else 1
        if cost < least:
            least, end = cost, place + 1
    return end


def _parallel(graph: _Graph) -> Groups:
    """Return groups whose members all follow each other, each with a start and an end; smaller ones join others."""
    follows = graph.counts > 0
    groups = sorted(_components(graph.names, ~(follows & follows.T)), key=len)
    place = 0
    while place < len(groups) and len(groups) > 1:
        if groups[place] & set(graph.starts) and groups[place] & set(graph.ends):
            place += 1
            continue
        lone = groups.pop(place)
        groups[max(place - 1, 0)] |= lone
    return groups


def _split_parallel(log: Log, groups: Groups) -> list[Log]:
    return [_projected(log, group) for group in groups]


def _projected(log: Log, names: Iterable[str]) -> Log:
    kept, part = set(names), Counter[Trace]()
    for trace, count in log.items():
        part[tuple(name for name in trace if name in kept)] += count
    return dict(part)


def _loop(graph: _Graph) -> Groups:
    """Return what is done, and what is redone; redone are parts that only lead from every end to every start."""
    starts, ends = set(graph.starts), set(graph.ends)
    names = np.array(graph.names, dtype=object)
    inner = np.array([name not in starts | ends for name in graph.names])
    if not inner.any() or not graph.counts.any():
        return []
    follows = graph.counts > 0
    redo = _components(names[inner].tolist(), follows[np.ix_(inner, inner)])
    done = starts | ends
    edges = [(graph.names[a], graph.names[b]) for a, b in np.argwhere(follows).tolist()]
    # What follows a start that is no end, or comes before an end that is no start, belongs to the body.
    touched = {b for a, b in edges if a in starts - ends} | {a for a, b in edges if b in ends - starts}
    apart: Groups = []
    for group in redo:
        returns = {a for a, b in edges if a in group and b in starts}
        leaves = {b for a, b in edges if b in group and a in ends}
        whole = all(graph.edge(one, start) for one in returns for start in starts) and all(
            graph.edge(end, one) for one in leaves for end in ends
        )
        if whole and not group & touched:
            apart.append(group)
        else:
            done |= group
    return [done, set().union(*apart)] if apart else []


def _split_loop(log: Log, groups: Groups) -> list[Log]:
    done, _ = groups
    body, redo = Counter[Trace](), Counter[Trace]()
    for trace, count in log.items():
        begin = 0
        for place in range(1, len(trace) + 1):
            if place == len(trace) or (trace[place] in done) != (trace[begin] in done):
                (body if trace[begin] in done else redo)[trace[begin:place]] += count
                begin = place
        if trace and trace[-1] not in done:
            body[()] += count
    return [dict(body), dict(redo)]


def _fall_through(log: Log) -> tuple[Operator, list[Log]]:
    """Return the best that is left: an activity set apart, a loop of the whole, or any order of everything."""
    names = sorted({name for trace in log for name in trace})
    once = [name for name in names if all(trace.count(name) == 1 for trace in log)]
    for name in once[:1] or [one for one in names if _cut_without(log, one)][:1]:
        return "parallel", [_projected(log, {name}), _projected(log, set(names) - {name})]
    starts, ends = {trace[0] for trace in log}, {trace[-1] for trace in log}
    for strict in (True, False):
        rounds = Counter[Trace]()
        for trace, count in log.items():
            cuts = [
                place
                for place in range(1, len(trace))
                if trace[place] in starts and (not strict or trace[place - 1] in ends)
            ]
            for begin, end in zip([0, *cuts], [*cuts, len(trace)], strict=True):
                rounds[trace[begin:end]] += count
        if sum(rounds.values()) > sum(log.values()):
            return "loop", [dict(rounds), {}]
    return "loop", [{}, {(name,): 1 for name in names}]


def _cut_without(log: Log, name: str) -> bool:
    """Return whether there is a cut when one activity is set apart."""
    rest = _projected(log, {one for trace in log for one in trace if one != name})
    return any(rest) and _cut(rest, _Graph.of(rest)) is not None

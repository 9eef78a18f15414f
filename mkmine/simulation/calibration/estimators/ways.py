"""Which ways of a process cases took: its choices counted in optimal alignments, and when each step was enabled."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mkmine.conformance.aligners import aligner_of
from mkmine.conformance.moves import Alignment, Query
from mkmine.errors import DataError
from mkmine.eventlog import EventLog
from mkmine.eventlog.enablement import enabled_times
from mkmine.simulation.calibration.estimators.runs import Player, Run
from mkmine.simulation.model.laying import Chances, Ways
from mkmine.simulation.model.structure import Outcome, Structure

__all__ = ["Followed", "Tally", "chances_of", "follow", "opened_shares", "opened_ways", "tally", "without_none"]

Int = NDArray[np.int64]
Floats = NDArray[np.float64]

# A round is told apart if it was left so often; the last one holds all further rounds.
_ENOUGH_FOR_ROUND = 30
_MOST_ROUNDS = 5
# Seconds for all alignments; cases that are not aligned in time are left out of the counts, and told.
_BUDGET = 300.0
# So many imagined decisions are shared by all ways of a choice (Perks 1947): a way that nobody took stays possible.
IMAGINED = 1.0


@dataclass(frozen=True)
class Followed:
    """The cases of a log in a process.

    Attributes
    ----------
    variant
        Of each case (m,), the number of its kind: the same activities, and open, cancelled or done.
    runs
        By kind: what it did in the process; None where the process cannot explain it.
    enabled
        When each instance (n,) could have begun by the structure, µs.
    moves, deviating
        How many steps the cases took together, and how many of these only the log or only the process has.
    """

    variant: Int
    runs: list[Run | None]
    cancelled: list[bool]
    enabled: Int
    moves: int
    deviating: int


@dataclass(frozen=True)
class Tally:
    """What was decided, counted: by source, visit and outcome, and the openings of inclusive gateways."""

    decided: Mapping[str, Mapping[tuple[int, Outcome], tuple[float, int]]]
    opened: Mapping[str, Counter[frozenset[str]]]


def follow(log: EventLog, structure: Structure) -> Followed:
    """Align every case with the process, and find the ways that it took.

    Open and cancelled cases are aligned as beginnings. An instance is enabled when the last of the steps that had to be
    done before it is done; a step that was still running when it began cannot have enabled it.

    Raises `DataError` if the process cannot be executed.
    """
    aligner = aligner_of(structure.process)
    code = {name: number for number, name in enumerate(aligner.labels)}
    labels = np.array([code.get(name, -1) for name in log.activities], dtype=np.int64)[log.activity]
    ending = np.where(log.cancelled, 2, np.where(log.completed, 0, 1))
    kinds: dict[tuple[int, bytes], int] = {}
    variant = np.empty(log.n_cases, dtype=np.int64)
    queries: list[Query] = []
    for case, (a, b) in enumerate(zip(log.offsets[:-1], log.offsets[1:], strict=True)):
        key = int(ending[case]), labels[a:b].tobytes()
        if key not in kinds:
            kinds[key] = len(kinds)
            queries.append(Query(tuple(labels[a:b].tolist()), open=bool(ending[case])))
        variant[case] = kinds[key]
    aligned = aligner.align(queries, deadline=time.monotonic() + _BUDGET)
    alignments = [one if isinstance(one, Alignment) else None for one in aligned]
    player = Player(structure, tuple(aligner.labels))
    runs = [_played(player, one, query) for one, query in zip(alignments, queries, strict=True)]
    sizes = np.bincount(variant, minlength=len(queries))
    moves = [0 if one is None else len(one.moves) for one in alignments]
    costs = [0 if one is None else one.cost for one in alignments]
    return Followed(
        variant=variant,
        runs=runs,
        cancelled=[key[0] == 2 for key in kinds],
        enabled=_enabled(log, variant, runs),
        moves=int(sizes @ np.array(moves)),
        deviating=int(sizes @ np.array(costs)),
    )


def _played(player: Player, alignment: Alignment | None, query: Query) -> Run | None:
    if alignment is None:
        return None
    done = [
        (move.label, move.position if move.kind == "both" else None) for move in alignment.moves if move.kind != "log"
    ]
    return player.play(done, finished=not query.open)


def _enabled(log: EventLog, variant: Int, runs: list[Run | None]) -> Int:
    """Return when each instance could have begun, by the steps that its run says came before."""
    out = np.array(enabled_times(log))
    if log.enabled is not None:
        return out
    order = np.argsort(variant, kind="stable")
    edges = np.searchsorted(variant[order], np.arange(len(runs) + 1))
    for number, run in enumerate(runs):
        first = log.offsets[:-1][order[edges[number] : edges[number + 1]]]
        for position, before in [] if run is None else run.before.items():
            rows = first + position
            start = log.start[rows]
            if not before:
                # A branch that opens with the case waits since the case began.
                out[rows] = log.start[first]
                continue
            ends = np.stack([log.end[first + one] for one in sorted(before)])
            ends = np.where(ends <= start, ends, np.iinfo(np.int64).min).max(axis=0)
            out[rows] = np.where(ends > np.iinfo(np.int64).min, ends, start)
    return out


def tally(followed: Followed, weights: Floats, *, parallel: bool) -> Tally:
    """Count what was decided; `weights` (cases,) say how much each case counts.

    A cancelled case ends where its last step led, with all its branches (`parallel`).
    """
    weight = np.bincount(followed.variant, weights=weights, minlength=len(followed.runs))
    number = np.bincount(followed.variant, minlength=len(followed.runs))
    decided: dict[str, dict[tuple[int, Outcome], tuple[float, int]]] = defaultdict(dict)
    opened: dict[str, Counter[frozenset[str]]] = defaultdict(Counter)

    def count(source: str, visit: int, outcome: Outcome, kind: int) -> None:
        total, cases = decided[source].get((visit, outcome), (0.0, 0))
        decided[source][visit, outcome] = total + float(weight[kind]), cases + int(number[kind])

    for kind, run in enumerate(followed.runs):
        if run is None:
            continue
        for one in run.decisions:
            count(one.source, one.visit, one.outcome, kind)
        for gate in run.opened:
            opened[gate.gateway][gate.flows] += float(weight[kind])  # type: ignore[assignment]
        if followed.cancelled[kind] and run.pending is not None:
            count(*run.pending, Outcome(None, terminate=parallel, cancelled=True), kind)
    return Tally(decided, opened)


def chances_of(structure: Structure, counted: Tally) -> dict[str, Chances]:
    """Return how probable the ways of each source are, by round.

    All ways together share one imagined decision; of each round these are the shares of all rounds, and a way that was
    never taken has its share of all rounds in each. A round is told
    apart if it was left thirty times, up to five.
    """
    return {source: _chances(structure, source, counted.decided.get(source, {})) for source in structure.first}


def _chances(structure: Structure, source: str, decided: Mapping[tuple[int, Outcome], tuple[float, int]]) -> Chances:
    ways = [*structure.outcomes[source]]
    ways += [outcome for outcome in dict.fromkeys(outcome for _, outcome in decided) if outcome not in ways]
    prior = {way: IMAGINED / len(structure.outcomes[source]) * (not way.cancelled) for way in ways}
    cases = Counter[int]()
    for (visit, _), (_, number) in decided.items():
        cases[visit] += number
    last = 1
    while last < _MOST_ROUNDS and sum(n for visit, n in cases.items() if visit > last) >= _ENOUGH_FOR_ROUND:
        last += 1
    everything = _shares(ways, decided, prior, range(1, max(cases, default=1) + 1))
    taken = {outcome for (_, outcome), (weight, _) in decided.items() if weight > 0}
    rounds, observed = [], []
    for number in range(1, last + 1):
        visits = range(number, number + 1) if number < last else range(number, max([*cases, number]) + 1)
        weight = sum(total for (visit, _), (total, _) in decided.items() if visit in visits)
        shares = _shares(ways, decided, {way: IMAGINED * share for way, share in everything.items()}, visits)
        # No round knows better than all of them that a way is not taken.
        never = {way: share for way, share in everything.items() if way not in taken}
        left = (1 - sum(never.values())) / (1 - sum(shares[way] for way in never)) if taken else 1.0
        rounds.append({way: never[way] if way in never else share * left for way, share in shares.items()})
        observed.append(round(weight + IMAGINED, 3))
    return Chances(tuple(rounds), tuple(observed))


def _shares(
    ways: list[Outcome],
    decided: Mapping[tuple[int, Outcome], tuple[float, int]],
    prior: Mapping[Outcome, float],
    visits: range,
) -> dict[Outcome, float]:
    weights = {
        way: prior[way] + sum(total for (visit, one), (total, _) in decided.items() if one == way and visit in visits)
        for way in ways
    }
    total = sum(weights.values())
    return {way: weight / total for way, weight in weights.items()}


def opened_ways(structure: Structure, counted: Tally) -> dict[str, Ways]:
    """Return how probably each inclusive gateway opens each of its flows, each by itself.

    Where none would be opened, the most probable one is: that share is taken off the count of that one.

    Raises `DataError` if such a gateway has more than 60 ways.
    """
    out = {}
    for node in structure.process.nodes:
        if node.kind != "inclusive" or not structure.opens(node):
            continue
        seen = counted.opened.get(node.id, Counter())
        flows = [flow.id for flow in structure.opens(node)]
        if len(flows) > 60:
            raise DataError(f"inclusive gateway {node.label} has {len(flows)} branches, more than 60; split it")
        out[node.id] = without_none(opened_shares(seen, flows), float(sum(seen.values())) + IMAGINED)
    return out


def opened_shares(
    seen: Counter[frozenset[str]],
    flows: Sequence[str],
    prior: Mapping[str, float] | None = None,
    worth: float = IMAGINED,
) -> dict[str, float]:
    """Return in which share of the counted openings each flow was opened; `prior` (0.5) counts as `worth` of them."""
    total = float(sum(seen.values())) + worth
    usual = dict.fromkeys(flows, 0.5) if prior is None else prior
    return {
        flow: (sum(weight for some, weight in seen.items() if flow in some) + worth * usual[flow]) / total
        for flow in flows
    }


def without_none(shares: Mapping[str, float], n: float) -> Ways:
    """Return the chances of flows of which the most probable one is opened where none would be."""
    share = dict(shares)
    most = max(share, key=lambda flow: share[flow])
    others = [share[flow] for flow in share if flow != most]
    none = float(np.prod([1 - one for one in others]))
    seen_of = dict.fromkeys(share, round(n, 3))
    if none < 1:
        # It has to stay the most probable one, or another would be opened instead of none.
        own = min(max((share[most] - none) / (1 - none), max(others) + 1e-6), 1.0)
        # What is taken off makes it less well known than its count (the delta method).
        told = n * (1 - none) ** 2 * own * (1 - own) / max(share[most] * (1 - share[most]), 1e-9)
        seen_of[most] = round(min(max(told, IMAGINED), n), 3)
        share[most] = own
    return Ways(share, seen_of)

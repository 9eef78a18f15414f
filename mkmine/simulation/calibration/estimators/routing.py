"""Where cases go next: routes by round, with the contexts of earlier activities that change them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mkmine.eventlog import EventLog
from mkmine.simulation.calibration.estimators.contexts import ORDERS, Backoff, choose_backoff, levels_of
from mkmine.simulation.calibration.estimators.steps import Steps
from mkmine.simulation.model import ActivityModel, Context, Route, Variant

__all__ = [
    "Decisions",
    "Routing",
    "beginning",
    "decisions_of",
    "estimate_routing",
    "mark_detours",
    "rounds_of",
    "routing_of",
    "same_person",
]

Int = NDArray[np.int64]
Floats = NDArray[np.float64]

_ENOUGH_FOR_ROUND = 30
_MOST_ROUNDS = 5
# A context is kept if its decisions would be that much less probable (deviance) by the routes that hold without it.
_TELLING = 2.0
# An activity whose first round goes back at least this often is a detour, not a decision.
_DETOUR = 0.95


@dataclass(frozen=True)
class Routing:
    """Routes after an activity by round, the contexts that refine them, and how many observations each round has."""

    next: list[list[Route]]
    contexts: list[Context]
    observed: list[float]


@dataclass(frozen=True)
class Decisions:
    """What followed each instance that something is known of: rows of the log, outcomes, and the rounds told apart."""

    rows: Int
    outcome: Int
    round: Int
    earlier: Int
    weights: Floats


def rounds_of(log: EventLog, rows: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    """Return the rows of round 1, 2, ...; the last entry holds all further rounds, and each at least 30 instances."""
    out, number = [], 1
    while (rows & (log.round > number)).sum() >= _ENOUGH_FOR_ROUND and number < _MOST_ROUNDS:
        out.append(rows & (log.round == number))
        number += 1
    return [*out, rows & (log.round >= number)] if rows.any() else []


def beginning(log: EventLog, weights: Floats) -> list[Route]:
    """Return with which activities cases begin; `weights` (cases,) says how much each case counts."""
    counts = np.bincount(log.activity[log.offsets[:-1]], weights=weights, minlength=len(log.activities))
    chosen = np.flatnonzero(counts)
    routes = [Route(to=log.activities[one], probability=counts[one] / counts.sum()) for one in chosen]
    return sorted(routes, key=lambda route: -route.probability)


def estimate_routing(log: EventLog, steps: Steps, weights: Floats) -> tuple[list[Routing], Backoff]:
    """Return the routes after each activity, and the memory that was chosen.

    Decisions are those of all instances but the last of an open case, whose continuation is not known. The routes of a
    round are shrunk towards those of the activity, and the routes of a context of up to five earlier activities towards
    those of the next shorter one; how many are looked at and how strong the shrinkage is, held-out cases decide
    (`choose_backoff`). A context is written down if it tells more than the routes that would hold without it.
    """
    known = decisions_of(log, steps, weights)
    levels = levels_of([log.activity[known.rows].astype(np.int64), known.round], known.earlier, known.outcome)
    chosen = choose_backoff(levels, 2, known.outcome, log.case_of[known.rows].astype(np.int64), known.weights)
    out = []
    for code in range(len(log.activities)):
        mine = np.flatnonzero(log.activity[known.rows] == code)
        if len(mine):
            out.append(_routing(log, steps, known, mine, chosen))
        else:
            out.append(Routing([[Route(to=None, probability=1.0)]], [], [0]))
    return out, chosen


def decisions_of(log: EventLog, steps: Steps, weights: Floats) -> Decisions:
    """Return the decisions of all instances but the last of an open case; cases (n,) count by their `weights`."""
    continued = np.ones(len(log), dtype=np.bool_)
    continued[log.offsets[1:] - 1] = log.completed
    rows = np.flatnonzero(continued)
    case = log.case_of[rows]
    earlier = np.full((ORDERS - 1, len(rows)), -1, dtype=np.int64)
    for back in range(1, ORDERS):
        there = rows - back >= log.offsets[case]
        earlier[back - 1, there] = log.activity[rows[there] - back]
    rounds = np.zeros(len(log), dtype=np.int64)
    for code in range(len(log.activities)):
        for number, chosen in enumerate(rounds_of(log, (log.activity == code) & continued)):
            rounds[chosen] = number
    return Decisions(rows, _targets(log, steps)[rows], rounds[rows], earlier, weights[case])


def _targets(log: EventLog, steps: Steps) -> Int:
    """Return what follows each instance: codes of activities, completed, cancelled; above them those that overlap."""
    k = len(log.activities)
    out = np.append(log.activity[1:].astype(np.int64) + (k + 2) * steps.overlap[1:], 0)
    last = log.offsets[1:] - 1
    out[last] = k
    out[last[log.cancelled]] = k + 1
    return out


def _routing(log: EventLog, steps: Steps, known: Decisions, mine: Int, chosen: Backoff) -> Routing:
    k = len(log.activities)
    size = 2 * (k + 2)
    back = _ways_back(log, known.rows[mine], known.outcome[mine] % (k + 2))
    whole = _shares(known, mine, size)
    defaults, contexts, observed = [], [], []
    for number in range(int(known.round[mine].max()) + 1):
        members = mine[known.round[mine] == number]
        routes, grown = _grown(known, members, size, chosen, whole)
        defaults.append(_routes(log, routes, back))
        observed.append(float(known.weights[members].sum()))
        for before, shares, weight in grown:
            names = [log.activities[one] for one in before]
            made = _routes(log, shares, back)
            contexts.append(Context(before=names, round=number + 1, next=made, observed=round(weight, 3)))
    return Routing(defaults, contexts, observed)


def routing_of(
    log: EventLog, known: Decisions, members: Int, routing: Routing, strength: float, *, by_context: bool
) -> Routing:
    """Return the routes of some of an activity's decisions, by the rounds (and contexts) of the activity's `routing`.

    They are shrunk towards those, which count as `strength` decisions.
    """
    k = len(log.activities)
    mine = np.flatnonzero(log.activity[known.rows] == log.activity[known.rows[members[0]]])
    back = _ways_back(log, known.rows[mine], known.outcome[mine] % (k + 2))

    def shrunk(inside: Int, usual: list[Route]) -> tuple[list[Route], float]:
        counts = np.bincount(known.outcome[inside], weights=known.weights[inside], minlength=2 * (k + 2))
        total = float(counts.sum()) + strength
        return _routes(log, (counts + strength * _vector(log, usual)) / total, back), round(total, 3)

    found = [shrunk(members[known.round[members] == number], usual) for number, usual in enumerate(routing.next)]
    codes = {name: number for number, name in enumerate(log.activities)}
    contexts = []
    for one in routing.contexts if by_context else ():
        inside = members[known.round[members] == one.round - 1]
        for back_by, name in enumerate(reversed(one.before)):
            inside = inside[known.earlier[back_by, inside] == codes[name]]
        routes, total = shrunk(inside, one.next)
        contexts.append(one.model_copy(update={"next": routes, "observed": total}))
    return Routing([routes for routes, _ in found], contexts, [total for _, total in found])


def _vector(log: EventLog, routes: list[Route]) -> Floats:
    """Return the probabilities of routes by what follows, as decisions are counted."""
    k = len(log.activities)
    out = np.zeros(2 * (k + 2))
    for route in routes:
        ended = k + (route.outcome == "cancelled")
        out[(ended if route.to is None else log.activities.index(route.to)) + (k + 2) * route.overlap] += (
            route.probability
        )
    return out


def _shares(known: Decisions, members: Int, size: int) -> Floats:
    counts = np.bincount(known.outcome[members], weights=known.weights[members], minlength=size)
    return np.asarray(counts / counts.sum())


def _grown(
    known: Decisions, members: Int, size: int, chosen: Backoff, parent: Floats
) -> tuple[Floats, list[tuple[tuple[int, ...], Floats, float]]]:
    """Return the routes of some decisions, and the contexts (nearest last) that refine them, with their weights."""
    shares, _ = _shrunk(known, members, size, chosen, parent)
    if not chosen.order:
        return shares, []
    # What holds where no context fits is what cases do that begin with the activity, if they do something else.
    begins = members[known.earlier[0, members] < 0]
    fallback = shares
    if len(begins):
        own, weight = _shrunk(known, begins, size, chosen, shares)
        if _deviance(own, shares, weight) > _TELLING:
            fallback = own
    return fallback, _refined(known, members, size, chosen, (), shares, fallback)


def _refined(
    known: Decisions,
    members: Int,
    size: int,
    chosen: Backoff,
    before: tuple[int, ...],
    parent: Floats,
    holding: Floats,
) -> list[tuple[tuple[int, ...], Floats, float]]:
    """Return the contexts below one: `parent` are its routes, `holding` those that hold if nothing is written down."""
    depth = len(before)
    if depth == chosen.order:
        return []
    earlier = known.earlier[depth, members]
    out = []
    for one in np.unique(earlier[earlier >= 0]):
        inside = members[earlier == one]
        context = (int(one), *before)
        shares, weight = _shrunk(known, inside, size, chosen, parent)
        telling = _deviance(shares, holding, weight) > _TELLING
        if telling:
            out.append((context, shares, weight))
        out += _refined(known, inside, size, chosen, context, shares, shares if telling else holding)
    return out


def _shrunk(known: Decisions, members: Int, size: int, chosen: Backoff, parent: Floats) -> tuple[Floats, float]:
    counts = np.bincount(known.outcome[members], weights=known.weights[members], minlength=size)
    weight = float(counts.sum())
    return (counts + chosen.strength * parent) / (weight + chosen.strength), weight


def _deviance(shares: Floats, other: Floats, weight: float) -> float:
    seen = shares > 0
    return 2 * weight * float((shares[seen] * np.log(shares[seen] / np.maximum(other[seen], 1e-12))).sum())


def _ways_back(log: EventLog, rows: Int, targets: Int) -> NDArray[np.bool_]:
    """Return for each target whether the way to it is rework: it mostly leads to what the case had already done.

    The first round of an activity decides, where it takes that way: in later rounds, the way on leads to what was done
    before too.
    """
    k = len(log.activities)
    going, to = rows[targets < k], targets[targets < k]
    out = np.zeros(k + 2, dtype=np.bool_)
    for chosen in (np.ones(len(going), dtype=np.bool_), log.round[going] == 1):
        counts = np.bincount(to[chosen], minlength=k + 2)
        again = np.bincount(to[chosen], weights=log.round[going[chosen] + 1] > 1, minlength=k + 2)
        out[counts > 0] = (again > counts / 2)[counts > 0]
    return out


def _routes(log: EventLog, shares: Floats, back: NDArray[np.bool_]) -> list[Route]:
    k = len(log.activities)
    out = []
    for target in np.flatnonzero(shares):
        overlap, to = divmod(int(target), k + 2)
        probability = float(shares[target])
        if to < k:
            name = log.activities[to]
            out.append(Route(to=name, probability=probability, rework=bool(back[to]), overlap=bool(overlap)))
        else:
            outcome = "completed" if to == k else "cancelled"
            out.append(Route(to=None, probability=probability, outcome=outcome))
    return sorted(out, key=lambda route: -route.probability)


def mark_detours(activities: dict[str, ActivityModel]) -> dict[str, ActivityModel]:
    """Return the activities with ways into a detour marked as rework too.

    A detour is an activity that (nearly) always leads back, such as "Return to applicant": the decision to send work
    back is taken by who sends it there, and a scenario for less rework has to find it there.
    """
    out = dict(activities)
    while True:
        detours = {
            name
            for name, one in out.items()
            if sum(route.probability for route in one.next[0] if route.rework) >= _DETOUR
        }

        def marked(routes: list[Route], back: set[str] = detours) -> list[Route]:
            return [
                route if route.rework or route.to not in back else route.model_copy(update={"rework": True})
                for route in routes
            ]

        changed = {
            name: one.model_copy(
                update={
                    "next": [marked(routes) for routes in one.next],
                    "contexts": [c.model_copy(update={"next": marked(c.next)}) for c in one.contexts],
                    "variants": [_marked(variant, marked) for variant in one.variants],
                }
            )
            for name, one in out.items()
        }
        if changed == out:
            return out
        out = changed


def _marked(variant: Variant, marked: Callable[[list[Route]], list[Route]]) -> Variant:
    """Return a variant with its routes marked."""
    if variant.next is None:
        return variant
    contexts = [context.model_copy(update={"next": marked(context.next)}) for context in variant.contexts]
    return variant.model_copy(update={"next": [marked(routes) for routes in variant.next], "contexts": contexts})


def same_person(log: EventLog, code: int) -> bool:
    """Return whether further rounds are done by the person of the round before, far more often than by chance."""
    rows = np.flatnonzero((log.activity == code) & (log.resource >= 0))
    pairs = np.diff(log.case_of[rows]) == 0
    if pairs.sum() < _ENOUGH_FOR_ROUND:
        return False
    who = log.resource[rows]
    same = (who[1:] == who[:-1])[pairs].mean()
    shares = np.bincount(who) / len(who)
    return bool(same > 0.9 and (shares**2).sum() < 0.75)

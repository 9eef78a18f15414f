"""Where cases go next: routes by round, with the contexts of earlier activities that change them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mkmine.eventlog import EventLog
from mkmine.simulation.model import ActivityModel, Context, Route

__all__ = ["Routing", "beginning", "estimate_routing", "mark_detours", "rounds_of", "same_person"]

Int = NDArray[np.int64]

_ENOUGH_FOR_ROUND = 30
_MOST_ROUNDS = 5
_ENOUGH_FOR_CONTEXT = 15
_DEEPEST = 4
# A context is kept if its routes would differ this much from its parent's by chance less than once in ...
_SIGNIFICANCE = 1e-3
# An activity whose first round goes back at least this often is a detour, not a decision.
_DETOUR = 0.95


@dataclass(frozen=True)
class Routing:
    """Routes after an activity by round, how many observations each round has, and the contexts that refine them."""

    next: list[list[Route]]
    contexts: list[Context]
    observed: list[float]


def rounds_of(log: EventLog, rows: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    """Return the rows of round 1, 2, ...; the last entry holds all further rounds, and each at least 30 instances."""
    out, number = [], 1
    while (rows & (log.round > number)).sum() >= _ENOUGH_FOR_ROUND and number < _MOST_ROUNDS:
        out.append(rows & (log.round == number))
        number += 1
    return [*out, rows & (log.round >= number)] if rows.any() else []


def beginning(log: EventLog) -> list[Route]:
    """Return with which activities cases begin."""
    counts = np.bincount(log.activity[log.offsets[:-1]], minlength=len(log.activities))
    chosen = np.flatnonzero(counts)
    routes = [Route(to=log.activities[one], probability=counts[one] / log.n_cases) for one in chosen]
    return sorted(routes, key=lambda route: -route.probability)


def estimate_routing(log: EventLog, code: int) -> Routing:
    """Return the routes after an activity.

    By round: relative frequencies of what followed, for all instances but the last of an open case, whose continuation
    is not known. Contexts: a variable-length Markov chain (Rissanen 1983; Buehlmann and Wyner 1999) of up to four
    earlier activities; a context of at least 15 instances is kept if a likelihood-ratio test against its nearest kept
    ancestor rejects equality at 0.1 %.
    """
    continued = np.ones(len(log), dtype=np.bool_)
    continued[log.offsets[1:] - 1] = log.completed
    rows = (log.activity == code) & continued
    if not rows.any():
        return Routing([[Route(to=None, probability=1.0)]], [], [0])
    targets = _targets(log)
    back = _ways_back(log, np.flatnonzero(rows), targets)
    defaults, contexts, observed = [], [], []
    for number, chosen in enumerate(rounds_of(log, rows), 1):
        found = np.flatnonzero(chosen)
        defaults.append(_routes(log, found, targets, back))
        observed.append(float(len(found)))
        for before, members in _grown(log, found, targets, (), _counts(log, targets, found)):
            names = [log.activities[one] for one in before]
            routes = _routes(log, members, targets, back)
            contexts.append(Context(before=names, round=number, next=routes, observed=len(members)))
    return Routing(defaults, contexts, observed)


def _targets(log: EventLog) -> Int:
    """Return what follows each instance: an activity's code, or after them two codes for completed and cancelled."""
    k = len(log.activities)
    out = np.append(log.activity[1:].astype(np.int64), 0)
    last = log.offsets[1:] - 1
    out[last] = k
    out[last[log.cancelled]] = k + 1
    return out


def _counts(log: EventLog, targets: Int, rows: Int) -> Int:
    return np.bincount(targets[rows], minlength=len(log.activities) + 2)


def _grown(
    log: EventLog, rows: Int, targets: Int, before: tuple[int, ...], parent: Int
) -> list[tuple[tuple[int, ...], Int]]:
    """Return the kept contexts (activities in order of time, nearest last) below `before`, with their instances."""
    depth = len(before)
    if depth == _DEEPEST or len(rows) < 2 * _ENOUGH_FOR_CONTEXT:
        return []
    inside = rows[rows - depth - 1 >= log.offsets[log.case_of[rows]]]
    earlier = log.activity[inside - depth - 1]
    out = []
    for one in np.unique(earlier):
        members = inside[earlier == one]
        if len(members) < _ENOUGH_FOR_CONTEXT:
            continue
        context = (int(one), *before)
        counts = _counts(log, targets, members)
        keep = _differs(counts, parent)
        if keep:
            out.append((context, members))
        out += _grown(log, members, targets, context, counts if keep else parent)
    return out


def _differs(counts: Int, parent: Int) -> bool:
    """Return whether counts differ from their parent's shares by the likelihood-ratio test."""
    from scipy.special import chdtrc

    shares = parent / parent.sum()
    seen = counts > 0
    statistic = 2 * float((counts[seen] * np.log(counts[seen] / (counts.sum() * shares[seen]))).sum())
    freedom = int((parent > 0).sum()) - 1
    return freedom > 0 and float(chdtrc(freedom, max(statistic, 0.0))) < _SIGNIFICANCE


def _ways_back(log: EventLog, rows: Int, targets: Int) -> NDArray[np.bool_]:
    """Return for each target whether the way to it is rework: it mostly leads to what the case had already done.

    The first round of an activity decides, where it takes that way: in later rounds, the way on leads to what was done
    before too.
    """
    k = len(log.activities)
    going = rows[targets[rows] < k]
    out = np.zeros(k + 2, dtype=np.bool_)
    for chosen in (going, going[log.round[going] == 1]):
        counts = np.bincount(targets[chosen], minlength=k + 2)
        again = np.bincount(targets[chosen], weights=log.round[chosen + 1] > 1, minlength=k + 2)
        out[counts > 0] = (again > counts / 2)[counts > 0]
    return out


def _routes(log: EventLog, rows: Int, targets: Int, back: NDArray[np.bool_]) -> list[Route]:
    counts = _counts(log, targets, rows)
    k, total = len(log.activities), len(rows)
    out = []
    for target in np.flatnonzero(counts):
        probability = counts[target] / total
        if target < k:
            out.append(Route(to=log.activities[target], probability=probability, rework=bool(back[target])))
        else:
            outcome = "completed" if target == k else "cancelled"
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
                }
            )
            for name, one in out.items()
        }
        if changed == out:
            return out
        out = changed


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

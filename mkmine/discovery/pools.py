"""Who can do what: the roles of a log, or pools of activities that the same people do."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from mkmine.eventlog import EventLog

__all__ = ["Pools", "find_pools"]

# Activities whose people overlap at least this much (cosine of their work shares) form one pool.
_ALIKE = 0.6
# An activity that is hardly ever done by anyone named is an outside wait.
_NOBODY = 0.1


@dataclass(frozen=True)
class Pools:
    """Roles as the model uses them.

    names
        Title of each role.
    of_activity
        Role of each activity, shape (activities,); -1 for an outside wait.
    of_person
        Roles of each person.
    """

    names: tuple[str, ...]
    of_activity: NDArray[np.int64]
    of_person: tuple[tuple[int, ...], ...]


def find_pools(log: EventLog) -> Pools:
    """Return who does what.

    With roles in the log, an activity belongs to its most frequent one. Without, activities are pooled by the cosine of
    who does them (single linkage; Song and van der Aalst 2008, "joint activities"), and a pool is named by what its
    people's names have in common or else by its most frequent activity. A person belongs to a role who did at least 1 %
    of its work, or at least one of their own ten instances.
    """
    counts = np.zeros((len(log.activities), max(len(log.resources), 1)))
    known = log.resource >= 0
    np.add.at(counts, (log.activity[known], log.resource[known]), 1)
    totals = np.bincount(log.activity, minlength=len(log.activities))
    outside = counts.sum(axis=1) < _NOBODY * np.maximum(totals, 1)
    if log.roles:
        pool, names = _declared(log, outside)
    else:
        pool, names = _joined(log, counts, outside)
    done = np.zeros((len(names), counts.shape[1]))
    for role in range(len(names)):
        done[role] = counts[pool == role].sum(axis=0)
    total = np.maximum(done.sum(axis=1, keepdims=True), 1)
    own = np.maximum(done.sum(axis=0, keepdims=True), 1)
    member = (done > 0) & ((done / total >= 0.01) | (done / own >= 0.1))
    people = tuple(tuple(int(r) for r in np.flatnonzero(member[:, p])) for p in range(len(log.resources)))
    return Pools(names, pool, people)


def _declared(log: EventLog, outside: NDArray[np.bool_]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    table = np.zeros((len(log.activities), len(log.roles)))
    known = (log.role >= 0) & (log.resource >= 0)
    np.add.at(table, (log.activity[known], log.role[known]), 1)
    pool = np.where(outside | (table.sum(axis=1) == 0), -1, table.argmax(axis=1))
    used = np.unique(pool[pool >= 0])
    renumber = np.full(len(log.roles) + 1, -1)
    renumber[used] = np.arange(len(used))
    return renumber[pool], tuple(log.roles[int(role)] for role in used)


def _joined(
    log: EventLog, counts: NDArray[np.float64], outside: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    inside = np.flatnonzero(~outside)
    group = {int(code): int(code) for code in inside}
    norms = np.linalg.norm(counts, axis=1)
    for index, a in enumerate(inside):
        for b in inside[index + 1 :]:
            alike = float(counts[a] @ counts[b] / (norms[a] * norms[b])) if norms[a] and norms[b] else 0.0
            if alike >= _ALIKE:
                old, new = group[int(b)], group[int(a)]
                group = {code: new if mine == old else mine for code, mine in group.items()}
    pool = np.full(len(log.activities), -1)
    names: list[str] = []
    for label in dict.fromkeys(group.values()):
        members = [code for code, mine in group.items() if mine == label]
        pool[members] = len(names)
        names.append(_title(log, counts, members, names))
    return pool, tuple(names)


def _title(log: EventLog, counts: NDArray[np.float64], members: list[int], taken: list[str]) -> str:
    people = [log.resources[int(p)] for p in np.flatnonzero(counts[members].sum(axis=0))]
    alike = takewhile(lambda letters: len(set(letters)) == 1, zip(*people, strict=False))
    shared = "".join(letters[0] for letters in alike)
    if len(people) > 1:
        shared = shared.rstrip(" -_0123456789#")
    main = max(members, key=lambda code: counts[code].sum())
    title = shared if len(shared) >= 3 else log.activities[main]
    return title if title not in taken else f"{title} ({log.activities[main]})"

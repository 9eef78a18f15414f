"""Who can do what: the roles of a log, or pools of activities that the same people do."""

from __future__ import annotations

import re
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


# Words for a person that say nothing of a role.
_GENERIC = re.compile(
    "agent|anonymous|assignee|employee|member|operator|owner|person|resource|staff|user|value|worker|"
    "агент|исполнитель|оператор|ответственный|пользователь|работник|ресурс|сотрудник|человек"
)
_SHORTEST_TITLE = 4


@dataclass(frozen=True)
class Pools:
    """Who does what.

    names
        Title of each role.
    of_activity
        Role of each activity, shape (activities,); -1 for an outside wait.
    of_instance
        Role in which each instance was done, shape (n,): the recorded one, or else that of its activity.
    of_person
        Roles of each person in a model, where every activity has one role: those roles of activities that they are
        recorded with; of people recorded with none of these, the roles of the activities that they do.
    recorded
        Roles that each person works in, as recorded.
    """

    names: tuple[str, ...]
    of_activity: NDArray[np.int64]
    of_instance: NDArray[np.int64]
    of_person: tuple[tuple[int, ...], ...]
    recorded: tuple[tuple[int, ...], ...]


def find_pools(log: EventLog) -> Pools:
    """Return who does what.

    With roles in the log, every role that does work stays, and an activity belongs to its most frequent one. Without,
    activities are pooled by the cosine of who does them (single linkage; Song and van der Aalst 2008, "joint
    activities"), and a pool is named by the word with which its people's names begin, or else by its most frequent
    activity. A person belongs to a role who did at least 1 % of its work, or at least one of their own ten instances,
    or more of it than anybody.
    """
    counts = np.zeros((len(log.activities), max(len(log.resources), 1)))
    known = log.resource >= 0
    np.add.at(counts, (log.activity[known], log.resource[known]), 1)
    totals = np.bincount(log.activity, minlength=len(log.activities))
    outside = counts.sum(axis=1) < _NOBODY * np.maximum(totals, 1)
    if log.roles:
        pool, of_instance, names = _declared(log, outside)
    else:
        pool, names = _joined(log, counts, outside)
        of_instance = pool[log.activity]
    recorded = _members(log, of_instance, len(names))
    if not log.roles:
        return Pools(names, pool, of_instance, recorded, recorded)
    modelled = set(pool[pool >= 0].tolist())
    doing = _members(log, pool[log.activity], len(names))
    own = (tuple(role for role in roles if role in modelled) for roles in recorded)
    return Pools(names, pool, of_instance, tuple(a or b for a, b in zip(own, doing, strict=True)), recorded)


def _members(log: EventLog, role: NDArray[np.int64], k: int) -> tuple[tuple[int, ...], ...]:
    """Return the roles of each person, from the role of each instance."""
    done = np.zeros((k, len(log.resources)))
    known = (role >= 0) & (log.resource >= 0)
    np.add.at(done, (role[known], log.resource[known]), 1)
    total = np.maximum(done.sum(axis=1, keepdims=True), 1)
    own = np.maximum(done.sum(axis=0, keepdims=True), 1)
    member = (done / total >= 0.01) | (done / own >= 0.1) | (done == done.max(axis=1, keepdims=True, initial=0))
    member &= done > 0
    return tuple(tuple(np.flatnonzero(column).tolist()) for column in member.T)


def _declared(
    log: EventLog, outside: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64], tuple[str, ...]]:
    table = np.zeros((len(log.activities), len(log.roles)))
    known = (log.role >= 0) & (log.resource >= 0) & ~outside[log.activity]
    np.add.at(table, (log.activity[known], log.role[known]), 1)
    pool = np.where(outside | (table.sum(axis=1) == 0), -1, table.argmax(axis=1))
    used = np.flatnonzero(table.sum(axis=0))
    renumber = np.full(len(log.roles) + 1, -1)
    renumber[used] = np.arange(len(used))
    pool = renumber[pool]
    told = np.where(outside[log.activity], -1, renumber[log.role])
    names = tuple(log.roles[int(role)] for role in used)
    return pool, np.where(told >= 0, told, pool[log.activity]), names


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
    main = log.activities[max(members, key=lambda code: counts[code].sum())]
    title = people[0] if len(people) == 1 else _first_words(people)
    plain = re.sub(r"[\W\d_]+", " ", title).strip().casefold()
    if _GENERIC.fullmatch(plain) or (len(people) > 1 and len(plain) < _SHORTEST_TITLE):
        # A team is named in the letters of its work.
        title = f"{'Команда' if re.search('[а-яё]', main, re.IGNORECASE) else 'Team'}: {main}"
    return title if title not in taken else f"{title} ({main})"


def _first_words(names: list[str]) -> str:
    """Return the whole words that all names begin with, without numbers."""
    alike = takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False))
    shared = "".join(letters[0] for letters in alike)
    if any(name[len(shared) : len(shared) + 1].isalpha() for name in names):
        shared = re.sub(r"[^\W\d_]+$", "", shared)
    return shared.rstrip(" -_.0123456789#")

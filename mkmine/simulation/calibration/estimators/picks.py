"""In which order people take what waits for them: what is learned from whom they took while others waited."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Order", "Waiting", "estimate_order"]

Int = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

# So many choices of a group of people say enough; more are looked at evenly.
_MOST = 1_500
_AT_ONCE = 200
# So few choices say nothing.
_FEWEST = 50
# A rule is another one's better if it foretells a choice by so much more, and chance hardly explains it.
_WORTH, _CERTAIN = 0.02, 3.0
# It is one only if it tells so many of the choices that chance does not.
_MOSTLY = 0.5
_BLOCKS, _FOLDS = 20, 4
# How strictly a rule is kept to (each place further back is e^-x as probable), and how many choices are mere chance.
_STRICTNESS = np.array([0.0, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0])
_LAPSES = 0.02
# One kind of work goes before another if so many choices between them say so.
_FEWEST_BETWEEN, _MOST_KINDS = 10, 12
# Rules less probable than this are not in doubt.
_UNLIKELY = 0.05
_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """Pieces of work (n,) that waited, and who took them.

    Attributes
    ----------
    ready, offered, start
        Since when each could have been done, when it came before people, and when it was begun, µs.
    person, group
        Who took it, and a group of people who share work with nobody outside of it; -1 for none.
    able
        Who may take what: (persons, kinds), by `kind`.
    kind
        What the work is (its activity), (n,).
    owner, barred
        Who alone may take it, and who may not; -1 for nobody.
    due
        When its case is due, µs; None where nothing is known of that.
    classes
        Other properties of the case by which it may go first: codes (n,) by name, -1 for none.
    """

    ready: Int
    offered: Int
    start: Int
    person: Int
    group: Int
    able: Flags
    kind: Int
    owner: Int
    barred: Int
    due: Int | None
    classes: Mapping[str, Int]


@dataclass(frozen=True, kw_only=True)
class Order:
    """By which rule work is taken.

    Attributes
    ----------
    rule
        `"fifo"`, `"lifo"`, `"deadline"`, `"priority"` (by the kind of work), or the name of a property.
    levels
        Of `"priority"`, and of a property: the level of each kind, 0 first; only those that differ matter.
    observed, explained
        By group with fifty choices or more: in how many others waited, and how many took what is first by the rule.
    doubt
        The probability of each rule that the choices do not exclude, if there is more than one.
    other
        By group: a rule that explains its choices better than the one of all.
    random
        The groups whose choices no rule explains better than chance.
    """

    rule: str
    levels: dict[int, int]
    observed: dict[int, int]
    explained: dict[int, int]
    doubt: dict[str, float]
    other: dict[int, str]
    random: tuple[int, ...]


@dataclass(frozen=True)
class _Choices:
    """Choices (m,): the row that was taken, the group that chose, among how many, in which block of time.

    `parts` are the numbers of some choices, the rows that any of them might have taken, and which each might have.
    """

    row: Int
    group: Int
    size: Int
    block: Int
    parts: list[tuple[Int, Int, Flags]]

    @property
    def fold(self) -> Int:
        return self.block % _FOLDS


def estimate_order(waiting: Waiting) -> Order:
    """Return the rule by which people take work.

    A choice is a start while other work waited that the person may do. By a rule, the waiting pieces have ranks, and
    the probability of taking one falls by a constant factor from rank to rank (a ranking choice model; Plackett-Luce
    with geometric weights), with 2 % taken by chance. How strictly each group of people keeps to it, and which kinds of
    work go first, is learned on three quarters of the choices and asked on the fourth, in blocks of time; the logarithm
    of the probability decides. First come, first served is kept unless another rule is clearly better (three standard
    errors over blocks of time, and 0.02 a choice) and tells half of the choices that chance does not. What remains
    possible are the rules weighted by that probability (pseudo-Bayes factors; Geisser and Eddy 1979), where there is
    little to decide by.
    """
    found = _choices(waiting)
    if not len(found.row):
        return Order(rule="fifo", levels={}, observed={}, explained={}, doubt={}, other={}, random=())
    keys = {"fifo": np.zeros(len(waiting.ready), dtype=np.int64), "lifo": -waiting.ready}
    if waiting.due is not None:
        keys["deadline"] = waiting.due
    ranks = {name: _ranks(waiting, found, key) for name, key in keys.items()}
    scores = {name: _foretold(rank, found) for name, rank in ranks.items()}
    levels: dict[str, dict[int, int]] = {}
    for name, code in ({"priority": waiting.kind} | dict(waiting.classes)).items():
        kinds, oldest = _oldest(waiting, found, code)
        whole = _levels(found, code, kinds, oldest, np.ones(len(found.row), dtype=np.bool_))
        if len(set(whole.values())) < 2:
            continue
        levels[name], ranks[name] = whole, _ranks(waiting, found, _level_of(code, whole))
        scores[name] = np.empty(len(found.row))
        for number in range(_FOLDS):
            learned = _levels(found, code, kinds, oldest, found.fold != number)
            asked = _foretold(_ranks(waiting, found, _level_of(code, learned)), found)
            scores[name][found.fold == number] = asked[found.fold == number]
    return _judged(found, scores, ranks, levels)


def _judged(
    found: _Choices, scores: dict[str, Floats], ranks: dict[str, Int], levels: dict[str, dict[int, int]]
) -> Order:
    everybody = np.ones(len(found.row), dtype=np.bool_)
    rule = _best(_telling(scores, ranks, found.size, everybody), found.block, everybody, "fifo")
    of_group = {int(one): found.group == one for one in np.unique(found.group)}
    enough = {one: rows for one, rows in of_group.items() if rows.sum() >= _FEWEST}
    best = {
        one: _best({rule: scores[rule]} | _telling(scores, ranks, found.size, rows), found.block, rows, rule)
        for one, rows in enough.items()
    }
    by_chance = -np.log(found.size)
    return Order(
        rule=rule,
        levels=levels.get(rule, {}),
        observed={one: int(rows.sum()) for one, rows in enough.items()},
        explained={one: int((ranks[rule][rows] == 0).sum()) for one, rows in enough.items()},
        doubt=_doubt({rule: scores[rule]} | _telling(scores, ranks, found.size, everybody), rule),
        other={one: name for one, name in best.items() if name != rule},
        random=tuple(
            one
            for one, rows in enough.items()
            if best[one] == rule and not _clearly((scores[rule] - by_chance)[rows], found.block[rows])
        ),
    )


def _telling(scores: Mapping[str, Floats], ranks: Mapping[str, Int], size: Int, rows: Flags) -> dict[str, Floats]:
    """Return the scores of first come, first served and of the rules that tell most choices beyond chance.

    Where work that nobody knows to be unimportant is left lying, what is new is taken more often, and yet the last one
    first is not the rule.
    """
    chance = float((1 / size[rows]).mean())
    told = {name: float((rank[rows] == 0).mean()) for name, rank in ranks.items()}
    return {name: of for name, of in scores.items() if name == "fifo" or told[name] - chance >= _MOSTLY * (1 - chance)}


def _best(scores: Mapping[str, Floats], block: Int, rows: Flags, usual: str) -> str:
    """Return the rule that foretells choices best, if it is clearly better than the usual one."""
    best = max(scores, key=lambda name: (float(scores[name][rows].sum()), name == usual))
    clearly = rows.sum() >= _FEWEST and _clearly((scores[best] - scores[usual])[rows], block[rows])
    return best if clearly else usual


def _clearly(gain: Floats, block: Int) -> bool:
    """Return whether something is gained, beyond what differs between blocks of time by chance."""
    blocks = np.bincount(block, weights=gain, minlength=_BLOCKS)
    error = float(blocks.std(ddof=1)) * np.sqrt(len(blocks))
    return bool(gain.mean() > _WORTH and gain.sum() > _CERTAIN * error)


def _doubt(scores: Mapping[str, Floats], rule: str) -> dict[str, float]:
    """Return the probabilities of the rules that the choices do not exclude; those of too few choices say nothing."""
    if len(scores[rule]) < _FEWEST:
        return {}
    asked = {name: float(scores[name].sum()) for name in dict.fromkeys(("fifo", "lifo", rule)) if name in scores}
    top = max(asked.values())
    weights = {name: float(np.exp(max(value - top, -50.0))) for name, value in asked.items()}
    total = sum(weights.values())
    kept = {name: weight for name, weight in weights.items() if weight / total >= _UNLIKELY or name == rule}
    return {} if len(kept) < 2 else {name: round(weight / sum(kept.values()), 4) for name, weight in kept.items()}


# -- choices -----------------------------------------------------------------------------------------------------------


def _choices(waiting: Waiting) -> _Choices:
    """Return the choices, group by group in order of time; of each group at most 1,500, evenly."""
    taken, sizes, parts, number = [], [], [], 0
    for group in np.unique(waiting.group[waiting.group >= 0]):
        rows = np.flatnonzero(waiting.group == group)
        chosen = _with_others(waiting, rows)
        if len(chosen) > _MOST:
            chosen = chosen[np.linspace(0, len(chosen) - 1, _MOST).astype(np.int64)]
        for part in np.array_split(chosen, max(-(-len(chosen) // _AT_ONCE), 1)):
            near = rows[(waiting.start[rows] >= waiting.start[part].min(initial=np.iinfo(np.int64).max))]
            near = near[waiting.offered[near] <= waiting.start[part].max(initial=0)]
            there = _open(waiting, near, part)
            size = there.sum(axis=1)
            part, there, size = part[size > 1], there[size > 1], size[size > 1]
            taken.append(part)
            sizes.append(size)
            parts.append((np.arange(number, number + len(part)), near, there))
            number += len(part)
    nothing = np.zeros(0, dtype=np.int64)
    row, size = np.concatenate([nothing, *taken]), np.concatenate([nothing, *sizes])
    block = np.empty(len(row), dtype=np.int64)
    block[np.argsort(waiting.start[row], kind="stable")] = np.arange(len(row)) * _BLOCKS // max(len(row), 1)
    return _Choices(row, waiting.group[row], size, block, parts)


def _with_others(waiting: Waiting, rows: Int) -> Int:
    """Return the pieces of a group that anybody may take, begun while something else of it waited, in order of time."""
    offered, start = np.sort(waiting.offered[rows]), np.sort(waiting.start[rows])
    there = np.searchsorted(offered, waiting.start[rows], side="right")
    gone = np.searchsorted(start, waiting.start[rows], side="right")
    chosen = rows[(there - gone > 0) & (waiting.owner[rows] < 0)]
    return chosen[np.argsort(waiting.start[chosen], kind="stable")]


def _open(waiting: Waiting, rows: Int, taken: Int) -> Flags:
    """Return which pieces (rows) could have been taken instead of each (taken, rows), itself among them."""
    now, who = waiting.start[taken][:, None], waiting.person[taken]
    # In which order several things were begun at the same moment nobody knows.
    there = (waiting.offered[rows] <= now) & (waiting.start[rows] > now) & (waiting.owner[rows] < 0)
    there &= waiting.able[who][:, waiting.kind[rows]] & (waiting.barred[rows] != who[:, None])
    return np.asarray(there | (rows == taken[:, None]))


def _ranks(waiting: Waiting, found: _Choices, key: Int) -> Int:
    """Return the rank of what was taken by a key of the pieces (n,), and by age among equals."""
    out = np.zeros(len(found.row), dtype=np.int64)
    for choices, rows, there in found.parts:
        own = found.row[choices]
        mine = key[own][:, None]
        older = waiting.ready[rows] < waiting.ready[own][:, None]
        out[choices] = (there & ((key[rows] < mine) | ((key[rows] == mine) & older))).sum(axis=1)
    return out


# -- which kinds go first ----------------------------------------------------------------------------------------------


def _oldest(waiting: Waiting, found: _Choices, code: Int) -> tuple[Int, Int]:
    """Return the most frequent kinds, and since when the oldest piece of each waited at each choice (or for ever)."""
    kinds, count = np.unique(code[found.row], return_counts=True)
    count = np.where(kinds < 0, 0, count)
    kinds = np.sort(kinds[np.argsort(-count, kind="stable")][: min(_MOST_KINDS, int((count > 0).sum()))])
    out = np.full((len(found.row), len(kinds)), _NEVER)
    for choices, rows, there in found.parts:
        for number, kind in enumerate(kinds.tolist()):
            mine = code[rows] == kind
            since = np.where(there[:, mine], waiting.ready[rows[mine]], _NEVER)
            out[choices, number] = since.min(axis=1, initial=_NEVER)
    return kinds, out


def _levels(found: _Choices, code: Int, kinds: Int, oldest: Int, learned: Flags) -> dict[int, int]:
    """Return the level of each kind: after all that are taken before it although they came later, in most cases."""
    own = code[found.row]
    before: dict[int, list[int]] = {kind: [] for kind in range(len(kinds))}
    for first in range(len(kinds)):
        for second in range(len(kinds)):
            # Both wait, and the second has waited longer.
            asked = learned & (oldest[:, second] < oldest[:, first]) & (oldest[:, first] < _NEVER)
            won, lost = int((asked & (own == kinds[first])).sum()), int((asked & (own == kinds[second])).sum())
            if won + lost >= _FEWEST_BETWEEN and won - lost > _CERTAIN * np.sqrt(won + lost):
                before[second].append(first)
    level = dict.fromkeys(before, 0)
    for _ in before:
        level = {kind: max((level[one] + 1 for one in earlier), default=0) for kind, earlier in before.items()}
    if max(level.values(), default=0) >= max(len(kinds), 1):
        # They are before one another in a circle.
        return {}
    return {int(kinds[kind]): value for kind, value in level.items()}


def _level_of(code: Int, levels: Mapping[int, int]) -> Int:
    """Return the level of each piece; kinds that are not named go with the first."""
    table = np.zeros(int(code.max(initial=0)) + 2, dtype=np.int64)
    for kind, level in levels.items():
        table[kind] = level
    return table[code]


# -- how well a rule foretells -----------------------------------------------------------------------------------------


def _foretold(rank: Int, found: _Choices) -> Floats:
    """Return the logarithm of the probability of each choice, as strictly as its group keeps to the rule elsewhere."""
    theta = _STRICTNESS[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        whole = np.where(theta > 0, -np.expm1(-theta * found.size) / -np.expm1(-theta), found.size)
    table = np.log((1 - _LAPSES) * np.exp(-theta * rank) / whole + _LAPSES / found.size)
    out = np.empty(len(rank))
    for group in np.unique(found.group):
        for number in range(_FOLDS):
            mine = found.group == group
            learned, asked = mine & (found.fold != number), mine & (found.fold == number)
            out[asked] = table[int(np.argmax(table[:, learned].sum(axis=1)))][asked]
    return out

"""Who has to do an activity because of what they did in the case before: the same person, or anybody else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mkmine.eventlog import EventLog

__all__ = ["Hands", "estimate_hands", "last_doers"]

Int = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

# So often the work has to come to the same person, and so often chance may bring it there.
_SAME, _BY_CHANCE = 0.95, 0.75
# Different people have to be expected to meet so often by chance where they hardly ever do.
_EXPECTED, _FEWEST, _HARDLY = 15.0, 40, 0.01
_MOST = 30


@dataclass(frozen=True, kw_only=True)
class Hands:
    """Which earlier activity decides who does one, on how many observations, and how often chance would do as much."""

    other: int
    same: bool
    observed: int
    share: float
    chance: float


def estimate_hands(log: EventLog) -> dict[int, Hands]:
    """Return by activity whose hands it needs, where chance does not explain who does it.

    For each earlier activity, the shares are compared of instances done by the very person who did that one last in the
    case, in both halves of the cases, with what would be if everybody did them as often as they do. The same person:
    nineteen of twenty where chance would bring at most three of four. Another one: at most one in a hundred, where
    chance would let at least fifteen meet (four eyes); there only those count who have begun something else since, for
    where work goes to whoever has been idle longest, it hardly ever comes back at once. Of several that fit, the one
    that chance explains least; only the thirty activities done most by people are looked at.
    """
    k, people = len(log.activities), max(len(log.resources), 1)
    done = np.bincount(log.activity[log.resource >= 0], minlength=k)
    rows = np.flatnonzero((log.resource >= 0) & (done >= _FEWEST)[log.activity])
    if not len(rows):
        return {}
    code, who = log.activity[rows].astype(np.int64), log.resource[rows].astype(np.int64)
    kinds, kind = np.unique(code, return_inverse=True)
    did = np.bincount(kind * people + who, minlength=len(kinds) * people)
    half = (log.case_of[rows] * 2 // max(log.n_cases, 1)).astype(np.int64)
    found: dict[int, list[Hands]] = {}
    for other in np.argsort(-done, kind="stable")[:_MOST][: len(kinds)].tolist():
        before = _last(log, rows, other)
        doer = np.where(before >= 0, log.resource[np.maximum(before, 0)], -1).astype(np.int64)
        known = (doer >= 0) & (code != other)
        for bound in (True, False):
            chosen = np.flatnonzero(known if bound else known & ~_at_once(log, rows, before))
            group = kind[chosen] * 2 + half[chosen]
            seen = np.bincount(group, minlength=2 * len(kinds)).reshape(-1, 2)
            same = np.bincount(group, weights=who[chosen] == doer[chosen], minlength=2 * len(kinds)).reshape(-1, 2)
            by_chance = did[kind[chosen] * people + doer[chosen]] / done[code[chosen]]
            met = np.bincount(kind[chosen], weights=by_chance, minlength=len(kinds))
            for place in np.flatnonzero((seen.sum(axis=1) >= _FEWEST) & (seen > 0).all(axis=1)).tolist():
                one = _judged(other, bound, seen[place], same[place], float(met[place]))
                if one is not None:
                    found.setdefault(int(kinds[place]), []).append(one)
    return {of: max(several, key=_telling) for of, several in found.items()}


def _judged(other: int, bound: bool, seen: Int, same: Floats, met: float) -> Hands | None:
    share, n = same / seen, int(seen.sum())
    fits = share.min() >= _SAME and met <= _BY_CHANCE * n if bound else share.max() <= _HARDLY and met >= _EXPECTED
    return Hands(other=other, same=bound, observed=n, share=float(same.sum() / n), chance=met / n) if fits else None


def _telling(one: Hands) -> tuple[bool, float]:
    return one.same, one.observed * (1 - one.chance if one.same else one.chance)


def last_doers(log: EventLog, rows: Int, other: int) -> Int:
    """Return who did another activity last in the case before each row, or -1."""
    before = _last(log, rows, other)
    return np.where(before >= 0, log.resource[np.maximum(before, 0)], -1).astype(np.int64)


def _last(log: EventLog, rows: Int, other: int) -> Int:
    """Return the last instance of another activity, by somebody, in the case before each row, or -1."""
    did = np.where((log.activity == other) & (log.resource >= 0), np.arange(len(log)), -1)
    before = np.concatenate(([-1], np.maximum.accumulate(did)[:-1]))[rows]
    return np.where(before >= log.offsets[:-1][log.case_of[rows]], before, -1).astype(np.int64)


def _at_once(log: EventLog, rows: Int, before: Int) -> Flags:
    """Return where the doer of the instance before has begun nothing else in between."""
    order = np.lexsort((log.start, log.resource))
    place = np.empty(len(log), dtype=np.int64)
    place[order] = np.arange(len(log))
    after = np.append(order, order[-1:])[place[np.maximum(before, 0)] + 1]
    same = (log.resource[after] == log.resource[np.maximum(before, 0)]) & (after != before)
    return np.asarray(~same | (log.start[after] >= log.start[rows]))

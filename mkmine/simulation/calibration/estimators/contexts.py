"""What follows what, given the activities before: a back-off model whose order and smoothing held-out cases choose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Backoff", "Level", "choose_backoff", "foretold", "levels_of"]

Int = NDArray[np.int64]
Floats = NDArray[np.float64]

ORDERS = 6
_STRENGTHS = (0.3, 1.0, 3.0, 10.0, 30.0)
_FOLDS = 5
# So much better per decision a longer memory has to foretell held-out cases to be worth its complexity.
_WORTH = 1e-3


@dataclass(frozen=True)
class Level:
    """Decisions (n,) grouped by what came before: codes of the contexts (n,), and of contexts and outcomes together."""

    context: Int
    pair: Int


@dataclass(frozen=True)
class Backoff:
    """How many activities before the present one are looked at, and how many imagined decisions each order borrows."""

    order: int
    strength: float


def levels_of(base: list[Int], earlier: Int, outcome: Int) -> list[Level]:
    """Return the levels of contexts: those of `base`, each finer than the one before, then one per activity before.

    `earlier` (orders, n) are the activities before, the nearest first, -1 where there is none; a context that has none
    is the same as the level above, so nothing changes there.
    """
    levels = []
    context = np.zeros(len(outcome), dtype=np.int64)
    for key in [*base, *earlier]:
        context = np.unique(context * (int(key.max(initial=0)) + 2) + key + 1, return_inverse=True)[1].ravel()
        pair = np.unique(context * (int(outcome.max(initial=0)) + 1) + outcome, return_inverse=True)[1].ravel()
        levels.append(Level(context, pair))
    return levels


def choose_backoff(levels: list[Level], skip: int, outcome: Int, case: Int, weights: Floats) -> Backoff:
    """Return the order and strength by which decisions of cases left out are foretold best.

    Probabilities are interpolated from the coarsest level on, p = (count + s p') / (n + s), a Dirichlet prior with the
    mean of the shorter context (MacKay and Peto 1995). Cases are left out in five groups; the mean logarithm of the
    probability of what they did decides, and of orders that are as good the shortest. `skip` levels are always used.
    """
    if len(outcome) == 0:
        return Backoff(0, 1.0)
    fold = (case * 2654435761 >> 7) % _FOLDS
    flat = np.full(len(outcome), 1.0 / (int(outcome.max()) + 1))
    scores: dict[tuple[int, float], float] = {}
    counts = [(_left(level.pair, fold, weights), _left(level.context, fold, weights)) for level in levels]
    for strength in _STRENGTHS:
        p = flat
        for number, (hits, seen) in enumerate(counts):
            p = (hits + strength * p) / (seen + strength)
            if number >= skip - 1:
                score = float(np.log(p) @ weights / weights.sum())
                scores[number - skip + 1, strength] = score
    best = max(scores.values())
    order = min(key[0] for key, score in scores.items() if score >= best - _WORTH)
    strength = max((key for key in scores if key[0] == order), key=scores.__getitem__)[1]
    return Backoff(order, strength)


def foretold(levels: list[Level], chosen: Backoff, skip: int, outcome: Int, case: Int, weights: Floats) -> list[Floats]:
    """Return how probable the decisions of cases left out are by the levels always used, and by the order chosen."""
    fold = (case * 2654435761 >> 7) % _FOLDS
    p = np.full(len(outcome), 1.0 / (int(outcome.max()) + 1))
    out = []
    for number, level in enumerate(levels[: skip + chosen.order]):
        hits, seen = _left(level.pair, fold, weights), _left(level.context, fold, weights)
        p = (hits + chosen.strength * p) / (seen + chosen.strength)
        if number >= skip - 1:
            out.append(p)
    return [out[0], out[-1]]


def _left(code: Int, fold: Int, weights: Floats) -> Floats:
    """Return the weight of the decisions with the same code in all other folds."""
    table = np.bincount(code * _FOLDS + fold, weights=weights, minlength=(int(code.max()) + 1) * _FOLDS)
    table = table.reshape(-1, _FOLDS)
    return np.asarray(table.sum(axis=1)[code] - table[code, fold])

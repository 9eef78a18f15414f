"""How much more recent cases count than old ones, chosen by how well the log foretells its own later cases."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mkmine.calendars import HOUR
from mkmine.eventlog import EventLog
from mkmine.simulation.estimators.contexts import levels_of
from mkmine.simulation.estimators.steps import Steps

__all__ = ["Recency", "choose_recency"]

Int = NDArray[np.int64]
Floats = NDArray[np.float64]

# After so large a part of the cases (by when they began) the weight has halved; the first one forgets nothing.
HALVES = (np.inf, 0.5, 0.25, 0.1, 0.05)
_CUTS = (0.5, 0.6, 0.7, 0.8, 0.9)
_FEWEST = 20
_STRENGTH = 3.0
# Waits are told apart by powers of two of an hour, from under a minute on.
_SHORTEST, _LONGEST = -6, 14
# So much better per decision the later cases have to be foretold for older ones to be forgotten.
_WORTH = 0.01


@dataclass(frozen=True)
class Recency:
    """The chosen half-life (a part of the cases), and by how much it foretells better per decision than none."""

    half: float
    gain: float

    def weights(self, begin: Int) -> Floats:
        """Return how much each case counts, by when it began; their mean is 1."""
        return _weights(begin, self.half)


def choose_recency(log: EventLog, steps: Steps) -> Recency:
    """Return how fast the past is forgotten.

    At each of several moments, what later cases do next and how long it waits is foretold by the cases that had ended
    by then, weighted by how recently they began (out-of-time validation, as simulated cases are later ones too). The
    mean logarithm of the probability decides; forgetting nothing wins unless it is clearly worse.
    """
    begin = np.minimum.reduceat(steps.ready, log.offsets[:-1])
    finish = np.maximum.reduceat(log.end, log.offsets[:-1])
    levels = _levels(log, steps)
    scores, total = np.zeros(len(HALVES)), 0
    for cut in np.quantile(np.sort(log.end), _CUTS):
        past = np.flatnonzero((finish <= cut) & log.completed)
        later = begin > cut
        if len(past) < _FEWEST or later.sum() < _FEWEST:
            continue
        asked = later[log.case_of]
        total += int(asked.sum())
        for number, half in enumerate(HALVES):
            weights = np.zeros(log.n_cases)
            weights[past] = _weights(begin[past], half)
            scores[number] += sum(_foretold(kind, weights[log.case_of], asked) for kind in levels)
    if not total:
        return Recency(np.inf, 0.0)
    gains = (scores - scores[0]) / total
    best = int(np.argmax(gains))
    return Recency(HALVES[best], float(gains[best])) if gains[best] > _WORTH else Recency(np.inf, 0.0)


def _weights(begin: Int, half: float) -> Floats:
    if not np.isfinite(half) or not len(begin):
        return np.ones(len(begin))
    place = np.argsort(np.argsort(begin, kind="stable"), kind="stable")
    weights = 0.5 ** ((len(begin) - 1 - place) / (half * len(begin)))
    return np.asarray(weights / weights.mean())


def _levels(log: EventLog, steps: Steps) -> list[list[tuple[Int, Int]]]:
    """Return what is foretold, from coarse to fine: codes of contexts, and of contexts and outcomes together."""
    k = len(log.activities)
    last = np.zeros(len(log), dtype=np.bool_)
    last[log.offsets[1:] - 1] = True
    activity = log.activity.astype(np.int64)
    following = np.where(last, k, np.append(activity[1:], 0))
    rounds = np.minimum(log.round, 3).astype(np.int64)
    before = np.where(steps.first, k, np.concatenate(([0], activity[:-1])))
    hours = np.maximum((log.start - steps.ready) / HOUR, 2.0**_SHORTEST)
    waits = np.clip(np.floor(np.log2(hours)), _SHORTEST, _LONGEST).astype(np.int64) - _SHORTEST
    nothing = np.zeros(len(log), dtype=np.int64)
    return [
        [(one.context, one.pair) for one in levels_of([activity, rounds, before], nothing[:0], following)],
        [(one.context, one.pair) for one in levels_of([nothing, activity, before], nothing[:0], waits)],
    ]


def _foretold(levels: list[tuple[Int, Int]], weights: Floats, asked: NDArray[np.bool_]) -> float:
    """Return the logarithm of the probability of what is asked for, by back-off from weighted counts."""
    p = np.full(int(asked.sum()), 0.01)
    for context, pair in levels:
        seen = np.bincount(context, weights=weights)[context[asked]]
        hits = np.bincount(pair, weights=weights)[pair[asked]]
        p = (hits + _STRENGTH * p) / (seen + _STRENGTH)
    return float(np.log(p).sum())

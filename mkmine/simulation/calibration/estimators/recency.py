"""How much more recent cases count than old ones, chosen by how well the log foretells its own later cases."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mkmine.calendars import HOUR
from mkmine.eventlog import EventLog
from mkmine.simulation.calibration.estimators.contexts import levels_of
from mkmine.simulation.calibration.estimators.steps import Steps

__all__ = ["Recency", "choose_recency", "closed_only"]

Int = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

# After so large a part of the cases (by when they began) the weight has halved; the first one forgets nothing.
_HALVES = (np.inf, 0.5, 0.25, 0.15, 0.1)
_CUTS = (0.6, 0.7, 0.8, 0.9)
_FEWEST_BEFORE, _FEWEST_AFTER = 20, 5
# So much better the later cases have to be foretold for older ones to be forgotten.
_WORTH = 0.02
_STRENGTH = 3.0
# Waits are told apart by powers of two of an hour, from under a minute on.
_SHORTEST, _LONGEST = -6, 14


@dataclass(frozen=True)
class Recency:
    """How fast the past is forgotten.

    Attributes
    ----------
    half
        The part of the cases, by when they began, after which the weight has halved; infinite: nothing is forgotten.
    gain
        By what part later cases are foretold better than by all cases alike.
    """

    half: float
    gain: float

    def weights(self, begin: Int) -> Floats:
        """Return how much each case (n,) counts, by when it began; their mean is 1."""
        return _weights(begin, self.half)


def closed_only(log: EventLog) -> bool:
    """Whether a log holds finished cases only, although cases must have been open when it ended."""
    finish = np.maximum.reduceat(log.end, log.offsets[:-1])
    begin = np.minimum.reduceat(log.start, log.offsets[:-1])
    # In a log that was cut, and not run out, somebody began in the time that cases usually take.
    return bool(log.completed.all() and (begin > log.observed[1] - np.median(finish - begin)).any())


def choose_recency(log: EventLog, steps: Steps) -> Recency:
    """Return how fast the past is forgotten.

    At each of four moments, cases that begin later are foretold by what had been seen by then, weighted by how recently
    it began (rolling origin, as simulated cases are later ones too). In a log with open cases, what is foretold are
    decisions and waits, and the mean logarithm of their probability decides. A log of finished cases foretells logs of
    finished cases: there the cycle times decide, by the continuous ranked probability score (Gneiting and Raftery
    2007). Forgetting nothing is kept unless something else is better by 2 %.
    """
    begin = np.minimum.reduceat(steps.ready, log.offsets[:-1])
    finish = np.maximum.reduceat(log.end, log.offsets[:-1])
    closed = closed_only(log)
    levels = [] if closed else _levels(log, steps)
    scores = np.zeros(len(_HALVES))
    for cut in np.quantile(np.sort(log.end), _CUTS):
        past, later = (finish <= cut) & log.completed, begin > cut
        if past.sum() < _FEWEST_BEFORE or later.sum() < _FEWEST_AFTER:
            continue
        known = past[log.case_of] if closed else _known(log, int(cut))
        for number, half in enumerate(_HALVES):
            if closed:
                hours = (finish - begin) / HOUR
                scores[number] -= _crps(hours[past], _weights(begin[past], half), hours[later])
            else:
                weights = np.zeros(log.n_cases)
                seen = begin <= cut
                weights[seen] = _weights(begin[seen], half)
                asked = later[log.case_of]
                counted = np.where(known, weights[log.case_of], 0.0)
                scores[number] += sum(_foretold(kind, counted, asked) for kind in levels) / int(asked.sum())
    best = int(np.argmax(scores))
    gain = float((scores[best] - scores[0]) / abs(scores[0])) if scores[0] else 0.0
    return Recency(_HALVES[best], gain) if gain > _WORTH else Recency(np.inf, 0.0)


def _weights(begin: Int, half: float) -> Floats:
    if not np.isfinite(half) or not len(begin):
        return np.ones(len(begin))
    place = np.argsort(np.argsort(begin, kind="stable"), kind="stable")
    weights = 0.5 ** ((len(begin) - 1 - place) / (half * len(begin)))
    return np.asarray(weights / weights.mean())


def _known(log: EventLog, cut: int) -> Flags:
    """Return of which instances it is known by then what followed."""
    following = np.append(log.start[1:], np.iinfo(np.int64).max)
    last = log.offsets[1:] - 1
    following[last] = np.where(log.completed, log.end[last], np.iinfo(np.int64).max)
    return np.asarray((log.end <= cut) & (following <= cut))


def _crps(values: Floats, weights: Floats, seen: Floats) -> float:
    """Return the mean distance between what was seen and what was foretold, E|X - y| - E|X - X'| / 2."""
    order = np.argsort(values, kind="stable")
    x, w = values[order], weights[order] / weights.sum()
    reached, summed = np.cumsum(w), np.cumsum(w * x)
    place = np.searchsorted(x, seen, side="right")
    below = np.where(place > 0, reached[np.maximum(place - 1, 0)], 0.0)
    partial = np.where(place > 0, summed[np.maximum(place - 1, 0)], 0.0)
    to_seen = seen * (2 * below - 1) + summed[-1] - 2 * partial
    among = 2 * float(np.sum(w * x * (2 * (reached - w / 2) - 1)))
    return float(to_seen.mean()) - among / 2


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
    none = np.zeros((0, len(log)), dtype=np.int64)
    return [
        [(one.context, one.pair) for one in levels_of([activity, rounds, before], none, following)],
        [(one.context, one.pair) for one in levels_of([nothing, activity, before], none, waits)],
    ]


def _foretold(levels: list[tuple[Int, Int]], weights: Floats, asked: Flags) -> float:
    """Return the logarithm of the probability of what is asked for, by back-off from weighted counts."""
    p = np.full(int(asked.sum()), 0.01)
    for context, pair in levels:
        seen = np.bincount(context, weights=weights)[context[asked]]
        hits = np.bincount(pair, weights=weights)[pair[asked]]
        p = (hits + _STRENGTH * p) / (seen + _STRENGTH)
    return float(np.log(p).sum())

"""Who takes a piece of work where several people are free for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Chosen", "Preference", "Preferences", "estimate_preferences"]

Int = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_FEWEST = 50
# Preferences have to foretell a choice by so much more (its logarithm), and chance must hardly explain it.
_WORTH, _CERTAIN = 0.02, 3.0
# The last of so many blocks are foretold by all before them; how sure that is, by shorter stretches.
_BLOCKS, _FIRST, _STRETCHES = 6, 2, 20
# How many choices a person is imagined to have had, and at each activity; infinity: people prefer no activities.
_OF_PERSON, _OF_ACTIVITY = (1.0, 3.0, 10.0, 30.0), (np.inf, 30.0, 10.0, 3.0)
# In which part of the choices what a choice tells falls to half.
_FORGETTING = (np.inf, 0.25)
_ROUNDS = 8
_SMALLEST, _LARGEST = 0.01, 100.0


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """Choices (n,), in order of time, of who of the (p,) people of a role takes a piece of work.

    Attributes
    ----------
    person, activity
        Who took it, and what it was, (n,).
    free
        Who was free for it, (n, p); whoever took it was.
    idle
        For how long each had been idle, (n, p); only the order matters.
    """

    person: Int
    activity: Int
    free: Flags
    idle: Floats


class Preference(NamedTuple):
    """How readily people take an activity (p,), 1 on average, and the relative standard errors of it (p,)."""

    value: Floats
    error: Floats


@dataclass(frozen=True, kw_only=True)
class Preferences:
    """What people prefer, by activity, and with which probability (geometric mean) `observed` later choices are
    foretold: by the preferences, and by the better of chance and whoever has been idle longest."""

    of_activity: dict[int, Preference]
    observed: int
    foretold: float
    otherwise: float


class _Way(NamedTuple):
    """How preferences are estimated: imagined choices of a person and at an activity, and what is forgotten."""

    of_person: float
    of_activity: float
    half: float


def estimate_preferences(chosen: Chosen) -> Preferences | None:
    """Return by which preferences people take work, or None where these foretell no better who takes it.

    Whoever is free takes it with a probability proportional to their preference (Luce 1959), which is a person's own
    times that for the activity. Both have gamma distributions around 1 whose shape is a number of imagined choices,
    and are the posterior means, found by the iteration of Hunter (2004), MM algorithms for generalized Bradley-Terry
    models, Annals of Statistics 32. The shapes, and whether earlier choices count less, are those by which later
    choices are foretold best from earlier ones. These have to be foretold better than by chance and than by a
    "longest idle first" with lapses: by 0.02 (log-likelihood) per choice and three standard errors over stretches of
    time.
    """
    several = chosen.free.sum(axis=1) > 1
    if several.sum() < _FEWEST:
        return None
    later = [(begin, end) for begin, end in _blocks(len(several)) if several[begin:end].any()]
    rows = np.concatenate([np.arange(begin, end) for begin, end in later])
    judged = several[rows]
    ways = [_Way(k, np.inf, half) for half in _FORGETTING for k in _OF_PERSON]
    tried = {way: _foretold(chosen, later, way)[judged] for way in ways}
    best = max(tried, key=lambda way: float(tried[way].mean()))
    finer = [best._replace(of_activity=k) for k in _OF_ACTIVITY[1:]]
    tried |= {way: _foretold(chosen, later, way)[judged] for way in finer}
    best = max(tried, key=lambda way: float(tried[way].mean()))
    chance = -np.log(chosen.free[rows].sum(axis=1))[judged]
    idle = _longest_idle(chosen, later)[judged]
    other = max(chance, idle, key=lambda told: float(told.mean()))
    gain = tried[best] - other
    means = np.array([part.mean() for part in np.array_split(gain, _STRETCHES) if len(part)])
    error = float(means.std(ddof=1)) / np.sqrt(len(means))
    if gain.mean() < _WORTH or gain.mean() < _CERTAIN * error:
        return None
    return Preferences(
        of_activity=_of_all(chosen, best),
        observed=int(judged.sum()),
        foretold=float(np.exp(tried[best].mean())),
        otherwise=float(np.exp(other.mean())),
    )


def _blocks(n: int) -> list[tuple[int, int]]:
    """Return where the blocks of choices begin and end that are foretold."""
    edges = np.linspace(0, n, _BLOCKS + 1).astype(np.int64).tolist()
    return list(zip(edges[_FIRST:-1], edges[_FIRST + 1 :], strict=True))


def _foretold(chosen: Chosen, later: list[tuple[int, int]], way: _Way) -> Floats:
    """Return the logarithm of the probability of each choice of some blocks, by all before the block."""
    out = []
    for begin, end in later:
        own, by_activity = _estimated(chosen, begin, way)
        free, who = chosen.free[begin:end], chosen.person[begin:end]
        rates = np.tile(own, (end - begin, 1))
        for activity, rate in by_activity.items():
            rates[chosen.activity[begin:end] == activity] = rate
        out.append(np.log(rates[np.arange(len(who)), who] / (free * rates).sum(axis=1)))
    return np.concatenate(out)


def _longest_idle(chosen: Chosen, later: list[tuple[int, int]]) -> Floats:
    """Return the same where whoever has been idle longest takes it, but for as many lapses as were seen before."""
    first = np.where(chosen.free, chosen.idle, -1.0).argmax(axis=1) == chosen.person
    size = chosen.free.sum(axis=1)
    out = []
    for begin, end in later:
        seen = first[:begin][size[:begin] > 1]
        lapses = (len(seen) - seen.sum() + 1) / (len(seen) + 2)
        out.append(np.log((1 - lapses) * first[begin:end] + lapses / size[begin:end]))
    return np.concatenate(out)


def _estimated(chosen: Chosen, until: int, way: _Way) -> tuple[Floats, dict[int, Floats]]:
    """Return people's own preferences, and those by activity, as the first choices show them."""
    free, who, activity = chosen.free[:until], chosen.person[:until], chosen.activity[:until]
    weights = _weights(until, len(chosen.person), way)
    own = _fitted(free, who, weights, np.ones(free.shape[1]), way.of_person)
    if not np.isfinite(way.of_activity):
        return own, {}
    kinds = {kind: activity == kind for kind in np.unique(activity).tolist()}
    return own, {
        kind: _fitted(free[rows], who[rows], weights[rows], own, way.of_activity) for kind, rows in kinds.items()
    }


def _weights(until: int, n: int, way: _Way) -> Floats:
    """Return how much each of the first choices counts at the end of them."""
    return np.asarray(0.5 ** ((until - 1 - np.arange(until)) / (way.half * n)))


def _fitted(free: Flags, who: Int, weights: Floats, prior: Floats, imagined: float) -> Floats:
    """Return the posterior means of preferences around prior ones."""
    open_to = free.astype(np.float64)
    taken = np.bincount(who, weights=weights, minlength=len(prior))
    factor = np.ones(len(prior))
    for _ in range(_ROUNDS):
        expected = prior * ((weights / (open_to @ (prior * factor))) @ open_to)
        factor = (taken + imagined) / (expected + imagined)
        # Only ratios matter: together people take what they take.
        factor *= max(float(expected.sum()), 1e-9) / max(float(factor @ expected), 1e-9)
    return np.asarray(prior * factor)


def _of_all(chosen: Chosen, way: _Way) -> dict[int, Preference]:
    """Return the preferences at each activity, and how far they may be from the truth."""
    n = len(chosen.person)
    own, by_activity = _estimated(chosen, n, way)
    weights = _weights(n, n, way)
    own_variance = _variance(chosen.free, weights, own, way.of_person)
    out = {}
    for activity in np.unique(chosen.activity).tolist():
        value, variance = by_activity.get(activity, own), own_variance
        if activity in by_activity:
            rows = chosen.activity == activity
            variance = _variance(chosen.free[rows], weights[rows], value, way.of_activity, own_variance)
        scaled = np.clip(value / value.mean(), _SMALLEST, _LARGEST).round(3)
        out[activity] = Preference(scaled, np.sqrt(variance).round(4))
    return out


def _variance(free: Flags, weights: Floats, value: Floats, imagined: float, prior: Floats | float = 0.0) -> Floats:
    """Return the relative variances of preferences, given those of the prior ones.

    A choice says as much of a person as it was open whether they would take it: p (1 - p).
    """
    open_to = free * value
    chance = open_to / open_to.sum(axis=1, keepdims=True)
    told = weights @ (chance * (1 - chance))
    spread = weights**2 @ (chance * (1 - chance))
    return np.asarray((spread + imagined + imagined**2 * prior) / (told + imagined) ** 2)

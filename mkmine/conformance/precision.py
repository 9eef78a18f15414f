"""Precision: how much of what a model allows was seen (align-ETC).

Source: A. Adriansyah, J. Munoz-Gama, J. Carmona, B. F. van Dongen, W. M. P. van der Aalst (2015), Measuring precision
of modeled behavior, Information Systems and e-Business Management 13.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from mkmine.conformance.behaviour import Behaviour, States
from mkmine.conformance.moves import Alignment

__all__ = ["BEGINNINGS", "Precision", "precision_of"]

BEGINNINGS = 20_000  # different beginnings of cases that are looked at, the most frequent first


class Precision(NamedTuple):
    """Precision over the beginnings looked at, and its bounds over all of them."""

    value: float
    low: float
    high: float


def precision_of(
    behaviour: Behaviour,
    activities: int,
    aligned: Sequence[Alignment],
    counts: Sequence[int],
    *,
    most: int = BEGINNINGS,
) -> Precision:
    """Of the activities that the model allows after each beginning of an aligned case, the share that came.

    Whole cases are beginnings too: what the model would still allow there was not seen either. Beginnings beyond the
    `most` frequent ones count in the bounds: there at least what came is allowed, at most all `activities` are.
    """
    beginnings: Counter[tuple[int, ...]] = Counter()
    taken: dict[tuple[int, ...], set[int]] = defaultdict(set)
    for alignment, count in zip(aligned, counts, strict=True):
        path = tuple(move.label for move in alignment.moves if move.kind != "log")
        for place in range(len(path) + 1):
            beginnings[path[:place]] += count
            taken[path[:place]].update(path[place : place + 1])
    states: dict[tuple[int, ...], States | None] = {(): behaviour.first}
    allowed = seen = unknown_seen = unknown_most = 0
    # A beginning is never rarer than what follows it, so that its states are known when theirs are asked for.
    for path in sorted(beginnings, key=lambda one: (-beginnings[one], len(one), one)):
        weight, came = beginnings[path], len(taken[path])
        number = None
        if len(states) <= most:
            before = states.get(path[:-1])
            here = before if not path or before is None else behaviour.after(before, path[-1])
            states[path] = here
            number = None if here is None else behaviour.allowed(here)
        if number is None:
            unknown_seen, unknown_most = unknown_seen + weight * came, unknown_most + weight * activities
        else:
            allowed, seen = allowed + weight * number, seen + weight * came
    return Precision(
        value=seen / allowed if allowed else float("nan") if unknown_most else 1.0,
        low=_share(seen + unknown_seen, allowed + unknown_most),
        high=_share(seen + unknown_seen, allowed + unknown_seen),
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 1.0

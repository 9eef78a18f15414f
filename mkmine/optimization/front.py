"""The points that no other one beats: cheapest for what they reach, by more than noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["Point", "label", "paired_interval", "pareto_front"]

Better = Literal["lower", "higher"]


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """A staffing that was simulated.

    `changes` holds (role, people more or fewer than at the start), `cost` is per week against the start, `values` (r,)
    is the key figure of each replication.
    """

    changes: tuple[tuple[str, int], ...]
    cost: float
    values: NDArray[np.float64]

    @property
    def label(self) -> str:
        """The changes in words."""
        return label(self.changes)


def label(changes: tuple[tuple[str, int], ...]) -> str:
    """Return changes of staff in words, e.g. `Designer +2, Editor -1`; `as it is` for none."""
    return ", ".join(f"{role} {change:+d}" for role, change in changes) or "as it is"


def paired_interval(difference: NDArray[np.float64], confidence: float) -> tuple[float, float]:
    """Return Student's interval of the mean of paired differences (r,), r at least 2."""
    from scipy.special import stdtrit

    n = len(difference)
    half = float(stdtrit(n - 1, (1 + confidence) / 2)) * float(difference.std(ddof=1)) / np.sqrt(n)
    mean = float(difference.mean())
    return mean - half, mean + half


def pareto_front(points: Sequence[Point], *, better: Better, confidence: float) -> tuple[Point, ...]:
    """Return the non-dominated points, the cheapest first.

    A dearer point is on the front only if it beats the one before by more than noise: the interval of their paired
    difference excludes 0. Of points at equal cost the best mean counts. Points without value are left out.
    """
    sign = 1.0 if better == "lower" else -1.0
    known = [point for point in points if np.isfinite(point.values).all()]
    front: list[Point] = []
    for point in sorted(known, key=lambda one: (round(one.cost, 9), sign * float(one.values.mean()), one.label)):
        if not front or paired_interval(sign * (point.values - front[-1].values), confidence)[1] < 0:
            front.append(point)
    return tuple(front)

"""Statistics that results state: percentiles and maxima by group, Wilson's interval, Kaplan and Meier's curve."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Groups", "Survival", "running_maximum", "wilson"]

Floats = NDArray[np.float64]
NORMAL_95 = 1.959963984540054


@dataclass(frozen=True, eq=False)
class Groups:
    """Values (n,) with the number of their group; every statistic has shape (size,) and is NaN for an empty group."""

    values: Floats
    of: NDArray[np.integer]
    size: int

    @cached_property
    def count(self) -> NDArray[np.int64]:
        """Number of values."""
        return np.bincount(self.of, minlength=self.size)

    @cached_property
    def total(self) -> Floats:
        """Sum, 0 for an empty group."""
        return np.bincount(self.of, weights=self.values, minlength=self.size).astype(np.float64)

    @property
    def mean(self) -> Floats:
        """Arithmetic mean."""
        return np.where(self.count > 0, self.total / np.maximum(self.count, 1), np.nan)

    @cached_property
    def _sorted(self) -> Floats:
        # A stable sort of small integers is a radix sort; sorting within groups is then far cheaper than by two keys.
        narrow = self.of.astype(np.min_scalar_type(max(self.size - 1, 0)))
        out: Floats = self.values[np.argsort(narrow, kind="stable")]
        ends = np.cumsum(self.count)
        for group in np.flatnonzero(self.count > 1):
            out[ends[group] - self.count[group] : ends[group]].sort()
        return out

    def quantile(self, share: float) -> Floats:
        """Quantile with linear interpolation between order statistics (Hyndman and Fan's type 7)."""
        if not len(self.values):
            return np.full(self.size, np.nan)
        begin = np.concatenate(([0], np.cumsum(self.count)[:-1]))
        place = begin + share * np.maximum(self.count - 1, 0)
        low = np.minimum(np.floor(place).astype(np.int64), len(self.values) - 1)
        high = np.minimum(np.ceil(place).astype(np.int64), len(self.values) - 1)
        found = self._sorted[low] + (place - low) * (self._sorted[high] - self._sorted[low])
        return np.where(self.count > 0, found, np.nan)


def running_maximum(values: NDArray[np.int64], position: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """Return the maximum of each group up to and including each value; `position` counts from 0 within a group."""
    out = values.copy()
    if not len(out) or np.all((out[1:] >= out[:-1]) | (position[1:] == 0)):
        return out
    reach, step = int(position.max()) + 1, 1
    while step < reach:
        # Each round doubles how far back the maximum looks (Hillis and Steele's scan).
        earlier = np.where(position[step:] >= step, out[:-step], out[step:])
        out[step:] = np.maximum(out[step:], earlier)
        step *= 2
    return out


def wilson(successes: ArrayLike, trials: ArrayLike) -> tuple[Floats, Floats]:
    """Return the limits of Wilson's 95 % interval for a probability; NaN without trials.

    Source: E. B. Wilson (1927), Journal of the American Statistical Association 22.
    """
    n = np.asarray(trials, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        p = np.asarray(successes, dtype=np.float64) / n
        z2 = NORMAL_95**2
        middle = (p + z2 / (2 * n)) / (1 + z2 / n)
        half = NORMAL_95 / (1 + z2 / n) * np.sqrt(p * (1 - p) / n + z2 / (4 * n**2))
        low: Floats = np.where(p == 0, 0.0, middle - half)
        high: Floats = np.where(p == 1, 1.0, middle + half)
    return low, high


@dataclass(frozen=True, eq=False)
class Survival:
    """The distribution of a duration of which some were still running when they were last seen.

    Source: E. L. Kaplan and P. Meier (1958), Journal of the American Statistical Association 53. Without running ones
    it is the empirical distribution.
    """

    durations: Floats
    finished: NDArray[np.bool_]

    @cached_property
    def curve(self) -> tuple[Floats, Floats]:
        """Distinct durations of finished ones, and the share that lasts longer than each."""
        times: Floats = np.unique(self.durations[self.finished])
        at_risk = len(self.durations) - np.searchsorted(np.sort(self.durations), times, side="left")
        done = np.sort(self.durations[self.finished])
        events = np.searchsorted(done, times, side="right") - np.searchsorted(done, times, side="left")
        longer = np.cumprod(1.0 - events / at_risk)
        return times, np.asarray(longer, dtype=np.float64)

    def quantile(self, share: float) -> float:
        """Return the shortest duration that at least `share` do not exceed; NaN if too many were still running."""
        times, longer = self.curve
        reached = np.flatnonzero(longer <= 1.0 - share + 1e-12)
        return float(times[reached[0]]) if len(reached) else float("nan")

    @property
    def mean(self) -> float:
        """Mean, restricted to the longest duration seen (the area under the curve)."""
        if not len(self.durations):
            return float("nan")
        times, longer = self.curve
        edges = np.concatenate(([0.0], times, [self.durations.max()]))
        return float((np.diff(edges) * np.concatenate(([1.0], longer))).sum())

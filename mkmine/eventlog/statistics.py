"""Statistics that results state: percentiles and maxima by group, Wilson's interval, Kaplan and Meier's curve."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mkmine.eventlog.twins import compiled

__all__ = ["Groups", "Survival", "by_group", "running_maximum", "sort_groups", "wilson"]

Floats = NDArray[np.float64]
NORMAL_95 = 1.959963984540054


@dataclass(frozen=True, eq=False)
class Groups:
    """Values (n,) with the number of their group, -1 for none; each statistic has shape (size,), NaN if it is empty."""

    values: Floats
    of: NDArray[np.integer]
    size: int

    @cached_property
    def count(self) -> NDArray[np.int64]:
        """Number of values."""
        return np.diff(self._sorted[1])

    @cached_property
    def total(self) -> Floats:
        """Sum, 0 for an empty group."""
        out, (ordered, begins) = np.zeros(self.size), self._sorted
        filled = np.flatnonzero(self.count)
        out[filled] = np.add.reduceat(ordered, begins[filled]) if len(filled) else 0.0
        return out

    @property
    def mean(self) -> Floats:
        """Arithmetic mean."""
        return np.where(self.count > 0, self.total / np.maximum(self.count, 1), np.nan)

    @cached_property
    def _sorted(self) -> tuple[Floats, NDArray[np.int64]]:
        return by_group(self.values, self.of, self.size)

    def quantile(self, share: float) -> Floats:
        """Quantile with linear interpolation between order statistics (Hyndman and Fan's type 7)."""
        ordered, begins = self._sorted
        if not len(ordered):
            return np.full(self.size, np.nan)
        place = begins[:-1] + share * np.maximum(self.count - 1, 0)
        low = np.minimum(np.floor(place).astype(np.int64), len(ordered) - 1)
        high = np.minimum(np.ceil(place).astype(np.int64), len(ordered) - 1)
        found = ordered[low] + (place - low) * (ordered[high] - ordered[low])
        return np.where(self.count > 0, found, np.nan)


def by_group(
    values: NDArray[Any], groups: NDArray[np.integer[Any]], size: int
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the values, sorted within their group (below `size`; -1 is left out), and where each group begins."""
    if compiled(len(values)):
        from mkmine.eventlog.summaries import kernels

        out, begins = kernels.gather(values, groups.astype(np.int32, copy=False), size)
    else:
        kept = groups >= 0
        of = groups[kept].astype(np.min_scalar_type(max(size - 1, 0)))
        begins = np.concatenate(([0], np.cumsum(np.bincount(of, minlength=size)))).astype(np.int64)
        # A stable sort of small integers is a radix sort; sorting within groups is then far cheaper than by two keys.
        out = values[kept][np.argsort(of, kind="stable")]
    sort_groups(out, begins)
    return out, begins


def sort_groups(values: NDArray[Any], begins: NDArray[np.int64]) -> None:
    """Sort the values of each group in place."""
    for group in np.flatnonzero(np.diff(begins) > 1).tolist():
        values[begins[group] : begins[group + 1]].sort()


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

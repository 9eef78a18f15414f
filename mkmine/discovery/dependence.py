"""Cases that run at the same time share queues and people, so they are not independent: errors that allow for it.

Cases stand in order of time and are put into batches of neighbours; what a statistic owes to each batch is summed, and
the spread of these sums is its error (the sandwich of clustered observations, K.-Y. Liang and S. L. Zeger 1986,
Biometrika 73; with few long batches, R. Ibragimov and U. K. Müller 2010, Journal of Business & Economic Statistics 28).
In two periods this error is larger than that of independent cases, because a long queue makes many cases slow; in two
groups of one period it is not, because both had that queue.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mkmine.discovery.inference import Ranks, exact_test, rank_test, share_difference

__all__ = ["Batches"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Long batches depend little on each other: more of them find changes in two periods of a process that has none.
FEWEST, MOST = 6, 16


@dataclass(frozen=True)
class Batches:
    """The batch of each case of the `first` group (n,) and of the `second` (m,), in order of time."""

    first: Ints
    second: Ints
    count: int

    @classmethod
    def of(cls, first: Ints, second: Ints) -> Batches:
        """Put cases into batches of neighbours by when they begin; the root of their number of batches, at most 16."""
        moments = np.concatenate((first, second))
        count = int(np.clip(round(len(moments) ** 0.5), FEWEST, MOST))
        place = np.empty(len(moments), dtype=np.int64)
        place[np.argsort(moments, kind="stable")] = np.arange(len(moments)) * count // len(moments)
        return cls(first=place[: len(first)], second=place[len(first) :], count=count)

    def shares(self, first: Sequence[Ints], second: Sequence[Ints]) -> tuple[Floats, Floats, Floats, Floats]:
        """Compare the shares of cases of both groups that are in each of `first` and `second` (numbers of cases).

        Returns the share of the second group less that of the first, the ends of its 95 % interval, and the p-value.
        Where cases go along with each other the error is larger, but never smaller than that of independent ones.
        """
        n, m = len(self.first), len(self.second)
        a, b = (np.array([len(cases) for cases in part], dtype=np.int64) for part in (first, second))
        difference, low, high = share_difference(a, n, b, m)
        errors = np.array([self._share_error(one, other) for one, other in zip(first, second, strict=True)])
        wider = np.fmax(self._quantile * errors / np.fmax((high - low) / 2, 1e-12), 1.0)
        p = np.fmax(exact_test(a, n, b, m), self._p(difference, errors))
        low, high = difference - wider * (difference - low), difference + wider * (high - difference)
        return difference, np.fmax(low, -1.0), np.fmin(high, 1.0), p

    def ranks(self, first: Ints, one: Floats, second: Ints, other: Floats) -> Ranks:
        """Compare by ranks the values `one` of the cases `first` and `other` of `second`; p is NaN without values."""
        found = rank_test(one, other)
        if not len(one) or not len(other):
            return found
        error = self._rank_error(first, one, second, other)
        return Ranks(found.larger, max(found.p, float(self._p(np.array(found.larger - 0.5), np.array(error)))))

    def _share_error(self, first: Ints, second: Ints) -> float:
        """Standard error of the difference of the shares."""
        n, m = len(self.first), len(self.second)
        parts = (self._sums(second, self.second) - len(second) / m * self._sums(None, self.second)) / m
        parts -= (self._sums(first, self.first) - len(first) / n * self._sums(None, self.first)) / n
        return self._error(parts)

    def _rank_error(self, first: Ints, one: Floats, second: Ints, other: Floats) -> float:
        """Standard error of the probability that a value of the second group is larger than one of the first."""
        from scipy.stats import rankdata

        both, n, m = rankdata(np.concatenate((one, other))), len(one), len(other)
        # What part of the other group lies below each value, ties by half.
        below = (both[:n] - rankdata(one)) / m
        beneath = (both[n:] - rankdata(other)) / n
        larger = float(beneath.mean())
        parts = np.zeros(self.count)
        np.add.at(parts, self.second[second], (beneath - larger) / m)
        np.add.at(parts, self.first[first], (1 - below - larger) / n)
        return self._error(parts)

    @property
    def _quantile(self) -> float:
        """How many errors on each side make a 95 % interval."""
        from scipy.stats import t

        return float(t.ppf(0.975, self.count - 2))

    def _p(self, difference: Floats, error: Floats) -> Floats:
        """Two-sided p-values of differences with these errors, by Student's distribution; 0 where nothing varies."""
        from scipy.stats import t

        varies = error > 0
        ratio = np.abs(difference) / np.where(varies, error, 1.0)
        return np.asarray(np.where(varies, 2 * t.sf(ratio, self.count - 2), 0.0))

    def _sums(self, cases: Ints | None, batch: Ints) -> Floats:
        return np.bincount(batch if cases is None else batch[cases], minlength=self.count).astype(np.float64)

    def _error(self, parts: Floats) -> float:
        """Root of the variance of a sum over batches, two means having been estimated from them."""
        return float(np.sqrt(parts @ parts * self.count / (self.count - 2)))

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

__all__ = ["Batches", "batched", "compare_shares"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Long batches depend little on each other: more of them find changes in two periods of a process that has none.
FEWEST, MOST = 6, 16


def batched(moments: NDArray[np.int64 | np.float64]) -> tuple[Ints, int]:
    """Return the batch of each case by when it begins, and how many there are: the root of the cases, at most 16."""
    count = int(np.clip(round(len(moments) ** 0.5), FEWEST, MOST))
    place = np.empty(len(moments), dtype=np.int64)
    place[np.argsort(moments, kind="stable")] = np.arange(len(moments)) * count // max(len(moments), 1)
    return place, count


def compare_shares(a: Ints, n: Ints, b: Ints, m: Ints) -> tuple[Floats, Floats, Floats, Floats]:
    """Compare shares of two groups of cases, `a` of `n` and `b` of `m`, each by batch: (tests, batches).

    Returns the share of the second group less that of the first, the ends of its 95 % interval, and the p-value.
    Where cases go along with each other the error is larger, but never smaller than that of independent ones.
    """
    count = a.shape[1]
    of_a, of_n, of_b, of_m = (part.sum(axis=1) for part in (a, n, b, m))
    difference, low, high = share_difference(of_a, of_n, of_b, of_m)
    parts = (b - (of_b / of_m)[:, None] * m) / of_m[:, None] - (a - (of_a / of_n)[:, None] * n) / of_n[:, None]
    errors = _errors(parts, count)
    wider = np.fmax(_quantile(count) * errors / np.fmax((high - low) / 2, 1e-12), 1.0)
    p = np.fmax(exact_test(of_a, of_n, of_b, of_m), _p(difference, errors, count))
    low, high = difference - wider * (difference - low), difference + wider * (high - difference)
    return difference, np.fmax(low, -1.0), np.fmin(high, 1.0), p


@dataclass(frozen=True)
class Batches:
    """The batch of each case of the `first` group (n,) and of the `second` (m,), in order of time."""

    first: Ints
    second: Ints
    count: int

    @classmethod
    def of(cls, first: Ints | Floats, second: Ints | Floats) -> Batches:
        """Put cases into batches of neighbours by when they begin."""
        place, count = batched(np.concatenate((first, second)))
        return cls(first=place[: len(first)], second=place[len(first) :], count=count)

    def shares(self, first: Sequence[Ints], second: Sequence[Ints]) -> tuple[Floats, Floats, Floats, Floats]:
        """Compare the shares of cases of both groups that are in each of `first` and `second` (numbers of cases).

        Returns what `compare_shares` does.
        """
        tests = len(first)
        a, b = (
            np.array([self._counts(batch[cases]) for cases in part], dtype=np.int64).reshape(tests, self.count)
            for part, batch in ((first, self.first), (second, self.second))
        )
        n, m = (np.tile(self._counts(batch), (tests, 1)) for batch in (self.first, self.second))
        return compare_shares(a, n, b, m)

    def ranks(self, first: Ints, one: Floats, second: Ints, other: Floats) -> Ranks:
        """Compare by ranks the values `one` of the cases `first` and `other` of `second`; p is NaN without values."""
        found = rank_test(one, other)
        if not len(one) or not len(other):
            return found
        error = self._rank_error(first, one, second, other)
        p = float(_p(np.array(found.larger - 0.5), np.array(error), self.count))
        return Ranks(found.larger, max(found.p, p))

    def widened(self, value: float, half: float, p: float, one: Floats, other: Floats) -> tuple[float, float]:
        """Return the half-width of a 95 % interval and the p-value of a sum that cases of both groups add to.

        `half` and `p` are those of independent cases; `one` (n,) and `other` (m,) what each case adds to the error.
        """
        parts: Floats = np.bincount(self.first, weights=one, minlength=self.count).astype(np.float64)
        parts += np.bincount(self.second, weights=other, minlength=self.count).astype(np.float64)
        error = _errors(parts, self.count)
        wider = float(_quantile(self.count) * error)
        return max(half, wider), max(p, float(_p(np.array(value), error, self.count)))

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
        return float(_errors(parts, self.count))

    def _counts(self, batch: Ints) -> Ints:
        return np.bincount(batch, minlength=self.count)


def _quantile(count: int) -> float:
    """How many errors on each side make a 95 % interval."""
    from scipy.special import stdtrit

    return float(stdtrit(count - 2, 0.975))


def _p(difference: Floats, error: Floats, count: int) -> Floats:
    """Two-sided p-values of differences with these errors, by Student's distribution; 0 where nothing varies."""
    from scipy.special import stdtr

    varies = error > 0
    ratio = np.abs(difference) / np.where(varies, error, 1.0)
    return np.asarray(np.where(varies, 2 * stdtr(count - 2, -ratio), 0.0))


def _errors(parts: Floats, count: int) -> Floats:
    """Roots of the variances of sums over batches (..., batches), two means having been estimated from them."""
    return np.asarray(np.sqrt((parts**2).sum(axis=-1) * count / (count - 2)))

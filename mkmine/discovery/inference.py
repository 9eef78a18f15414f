"""Are two groups of cases different? Exact and rank tests, their effects, the false discovery rate of many tests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mkmine.eventlog.statistics import wilson

__all__ = ["Ranks", "discoveries", "exact_test", "rank_test", "share_difference"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def exact_test(first: ArrayLike, of_first: int | Ints, second: ArrayLike, of_second: int | Ints) -> Floats:
    """Return the two-sided p-values of Fisher's exact test for `first` of `of_first` against `second` of `of_second`.

    It is the permutation test of a yes or no: the cases could as well have been dealt to the groups otherwise.
    Two-sided is twice the smaller tail with half of the outcome itself (mid-p; H. O. Lancaster 1961, JASA 56), which is
    less over-cautious on few cases.
    """
    counts = (np.asarray(one, dtype=np.int64) for one in (first, of_first, second, of_second))
    a, of_a, b, of_b = np.broadcast_arrays(*counts)
    values = [
        _mid_p(int(k), int(n), int(j), int(m)) for k, n, j, m in zip(a.flat, of_a.flat, b.flat, of_b.flat, strict=True)
    ]
    return np.asarray(values, dtype=np.float64).reshape(a.shape)


def _mid_p(k: int, n: int, j: int, m: int) -> float:
    """Return the two-sided mid-p of k of n against j of m, by the hypergeometric distribution of k."""
    # scipy.stats has this distribution too, and takes most of a second to import.
    from scipy.special import gammaln

    both = k + j
    mean = both * n / (n + m) if n + m else 0.0
    # What is farther from the mean than this has no weight.
    far = 50 + 40 * (mean * (1 - n / (n + m))) ** 0.5 if n + m else 50.0
    least, most = max(0, both - m, min(k, int(mean - far))), min(both, n, max(k, int(mean + far)))
    x = np.arange(least, most + 1)
    logs = -(gammaln(x + 1) + gammaln(n - x + 1) + gammaln(both - x + 1) + gammaln(m - both + x + 1))
    weights = np.exp(logs - logs.max())
    here, at = weights[k - least] / 2, k - least
    tail = here + min(weights[:at].sum(), weights[at + 1 :].sum())
    return float(min(2 * tail / weights.sum(), 1.0))


def share_difference(
    first: ArrayLike, of_first: int | Ints, second: ArrayLike, of_second: int | Ints
) -> tuple[Floats, Floats, Floats]:
    """Return the share of the second group less that of the first, and its 95 % interval.

    Source: R. G. Newcombe (1998), Statistics in Medicine 17, method 10 (from two of Wilson's intervals).
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    one, other = a / of_first, b / of_second
    low_a, high_a = wilson(a, np.full(a.shape, of_first))
    low_b, high_b = wilson(b, np.full(b.shape, of_second))
    difference = other - one
    low = difference - np.sqrt((other - low_b) ** 2 + (high_a - one) ** 2)
    high = difference + np.sqrt((high_b - other) ** 2 + (one - low_a) ** 2)
    return difference, low, high


@dataclass(frozen=True, slots=True)
class Ranks:
    """A rank test of two samples: the probability that a value of the second is the larger one (ties count half), and
    the p-value against 0.5."""

    larger: float
    p: float


def rank_test(first: Floats, second: Floats) -> Ranks:
    """Compare two samples by ranks; p is NaN where one of them is empty.

    Source: E. Brunner and U. Munzel (2000), Biometrical Journal 42: as Mann and Whitney's test, but right also where
    the two spread differently. With fewer than ten values in a group, or with groups that do not overlap, Mann and
    Whitney's permutation distribution is used.
    """
    if not len(first) or not len(second):
        return Ranks(float("nan"), float("nan"))
    from scipy.stats import brunnermunzel, mannwhitneyu

    usual = mannwhitneyu(second, first, alternative="two-sided", method="auto")
    larger = float(usual.statistic) / (len(first) * len(second))
    if min(len(first), len(second)) < 10 or larger in (0.0, 1.0):
        return Ranks(larger, float(usual.pvalue))
    # All values alike: nothing to compare.
    if first.min() == first.max() == second.min() == second.max():
        return Ranks(0.5, 1.0)
    return Ranks(larger, float(brunnermunzel(first, second).pvalue))


def discoveries(p: ArrayLike) -> Floats:
    """Return q-values: the smallest false discovery rate at which each test is a discovery; NaN stays NaN.

    Source: Y. Benjamini and Y. Hochberg (1995), Journal of the Royal Statistical Society B 57.
    """
    values = np.asarray(p, dtype=np.float64)
    out = np.full(values.shape, np.nan)
    known = np.flatnonzero(np.isfinite(values))
    order = known[np.argsort(values[known], kind="stable")]
    scaled = values[order] * len(order) / np.arange(1, len(order) + 1)
    out[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return out

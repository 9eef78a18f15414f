"""Where one more run, or what really happens, will lie: prediction bands, and what changes from period to period."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Band", "Change", "Foretold", "band", "changes"]

Floats = NDArray[np.float64]
_LEVEL = 0.95
# The changes of all judged figures together count as so many observations of the change of each.
_LENT = 2
# With fewer degrees of freedom a quantile says nothing.
_FEWEST_FREE = 3


@dataclass(frozen=True, slots=True)
class Band:
    """The mean of runs, and the band in which one more run would lie with a probability of 95 %."""

    predicted: float
    low: float
    high: float
    noise: float


@dataclass(frozen=True, slots=True)
class Change:
    """By which share a figure changes from one period to the next beyond chance, from so many `periods`."""

    share: float = 0.0
    periods: int = 0


@dataclass(frozen=True, slots=True)
class Foretold:
    """What was foretold of a figure in a period, by runs or by the mean of the periods before, and what came."""

    actual: float
    predicted: Floats


def band(values: Floats, change: Change | None = None) -> Band:
    """Return the 95 % prediction band of one more run: Student's, of logarithms where all values are positive.

    Mean ± t · s · sqrt(1 + 1/n): exact for normal values, however few (Hahn and Meeker 1991, Statistical Intervals,
    ch. 4); the share of runs inside would hold too little. With a `change` the band is where reality would lie: what
    changes from period to period does not hang on the chance in the runs, so the squares of the two reaches add up. NaN
    where there are no two values.
    """
    values = values[np.isfinite(values)]
    n = len(values)
    if n < 2:
        return Band(float(values.mean()) if n else float("nan"), float("nan"), float("nan"), float("nan"))
    positive = values.min() > 0
    scale = np.log(values) if positive else values
    reach = _quantile(n - 1) * float(scale.std(ddof=1)) * np.sqrt(1 + 1 / n)
    if change is not None and change.share > 0:
        unit = 1.0 if positive else abs(float(values.mean()))
        reach = np.hypot(reach, _quantile(max(change.periods + _LENT, _FEWEST_FREE)) * change.share * unit)
    ends = np.array([scale.mean() - reach, scale.mean() + reach])
    low, high = np.exp(np.minimum(ends, 700.0)) if positive else ends
    return Band(float(values.mean()), float(low), float(high), float(values.std(ddof=1)))


def changes(
    earlier: Mapping[str, Sequence[float]],
    foretold: Mapping[str, Sequence[Foretold]],
    runs: Mapping[str, Floats],
    *,
    lenders: Sequence[str],
) -> dict[str, Change]:
    """Return by figure what changes from period to period beyond what the `runs` of a model vary anyway.

    `earlier` are the figures of periods of the past, in order: each is foretold by the mean of those before it.
    `foretold` is what models of their day foretold of later periods. The variance of all these errors beyond the chance
    in them is that of the change (random effects by moments; DerSimonian and Laird 1986, Meta-analysis in clinical
    trials). As periods are few, the mean over the figures `lenders` counts as two more of them (partial pooling).
    """
    own = {
        key: np.array([*_naive(earlier.get(key, ()), values), *_of_models(foretold.get(key, ()), values)])
        for key, values in runs.items()
    }
    known = {key: max(float(beyond.mean()), 0.0) for key, beyond in own.items() if len(beyond)}
    lent = float(np.mean([known[key] for key in lenders if key in known] or [0.0]))
    return {
        key: Change(
            share=float(np.sqrt((len(beyond) * known[key] + _LENT * lent) / (len(beyond) + _LENT))), periods=len(beyond)
        )
        if len(beyond)
        else Change()
        for key, beyond in own.items()
    }


def _naive(past: Sequence[float], runs: Floats) -> list[float]:
    """Return the squared relative errors of forecasts by the mean of the past, less what is the chance of one run."""
    values = np.array([one for one in past if np.isfinite(one)])
    values, chance = _relative(values, runs)
    if not np.isfinite(chance):
        return []
    return [
        float((values[number] - values[:number].mean()) ** 2 / (1 + 1 / number) - chance)
        for number in range(1, len(values))
    ]


def _of_models(foretold: Sequence[Foretold], runs: Floats) -> list[float]:
    """Return the squared relative errors of forecasts by models, less what their own bands say."""
    out = []
    for one in foretold:
        predicted = one.predicted[np.isfinite(one.predicted)]
        if len(predicted) < 2 or not np.isfinite(one.actual):
            continue
        values, chance = _relative(np.array([one.actual, *predicted]), predicted)
        out.append(float((values[0] - values[1:].mean()) ** 2 - chance * (1 + 1 / len(predicted))))
    return out


def _relative(values: Floats, runs: Floats) -> tuple[Floats, float]:
    """Return values and the variance of runs on one scale: logarithms, or shares of the mean where some are 0."""
    runs = runs[np.isfinite(runs)]
    if len(runs) < 2:
        return values, float("nan")
    if runs.min() > 0 and (len(values) == 0 or values.min() > 0):
        return np.log(values), float(np.log(runs).var(ddof=1))
    unit = abs(float(runs.mean())) or 1.0
    return values / unit, float((runs / unit).var(ddof=1))


def _quantile(freedom: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + _LEVEL) / 2))

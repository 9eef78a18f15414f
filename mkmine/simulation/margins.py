"""How far an answer may be from the truth: the noise of the simulation, and what is not known of the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Margins", "margins", "student"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Margins:
    """The interval of some differences (F,), and what makes it wide.

    Attributes
    ----------
    difference, low, high
        The mean over replications with the model's own numbers, and its interval.
    simulation, parameters
        Half-widths that it would have if only the chance in the simulation, or only the numbers of the model, counted.
    least, most
        The smallest and the largest difference over the shares of queueing that the log does not exclude (NaN where it
        leaves no choice).
    """

    difference: Floats
    low: Floats
    high: Floats
    simulation: Floats
    parameters: Floats
    least: Floats
    most: Floats


def student(values: Floats, confidence: float) -> tuple[Floats, Floats]:
    """Return the mean of the columns of (replications, figures) and the half-width of Student's interval of it."""
    n = len(values)
    # A figure that every replication has in common has no spread, whatever rounding says.
    same = (values == values[0]).all(axis=0)
    spread = np.where(same, 0.0, values.std(axis=0, ddof=1))
    return values.mean(axis=0), _quantile(n - 1, confidence) * spread / np.sqrt(n)


def margins(plain: Floats, drawn: Floats, readings: Mapping[float, Floats], confidence: float) -> Margins:
    """Return the interval of differences, from the paired differences (replications, F) of one scenario.

    `plain` are those with the model's own numbers; row k of `drawn` has draw k of these numbers, and row k of each of
    `readings` another share of queueing, under the random numbers of row k of `plain`. So the shift from one to the
    other is of the numbers and not of luck: its mean square to either side of 0, times a Student quantile, is how far
    the truth may lie to that side (a normal distribution in two pieces; Wallis 2014, The two-piece normal, binormal, or
    double Gaussian distribution, Statistical Science 29), because waiting grows faster with the load than it shrinks.
    The two doubts are independent, so their squares add up. The mean shift of each reading widens the interval to
    wherever it leads: nothing in the log says how probable a reading is.
    """
    centre, simulation = student(plain, confidence)
    down = up = np.zeros(plain.shape[1])
    if len(drawn) > 1:
        shift = drawn - plain[: len(drawn)]
        down, up = _spread(np.minimum(shift, 0), confidence), _spread(np.maximum(shift, 0), confidence)
    moved = [np.zeros_like(centre)]
    moved += [(values - plain[: len(values)]).mean(axis=0) for values in readings.values() if len(values)]
    least, most = np.min(moved, axis=0), np.max(moved, axis=0)
    low = centre + least - np.hypot(simulation, down)
    high = centre + most + np.hypot(simulation, up)
    choice = len(moved) > 1
    return Margins(
        difference=centre,
        low=low,
        high=high,
        simulation=simulation,
        parameters=(most - least + down + up) / 2,
        least=centre + least if choice else np.full_like(centre, np.nan),
        most=centre + most if choice else np.full_like(centre, np.nan),
    )


def _spread(side: Floats, confidence: float) -> Floats:
    # Half of a symmetric distribution lies to either side, so twice the mean square is the variance.
    width: Floats = _quantile(len(side) - 1, confidence) * np.sqrt(2 * np.nanmean(side**2, axis=0))
    return width


def _quantile(freedom: int, confidence: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + confidence) / 2))

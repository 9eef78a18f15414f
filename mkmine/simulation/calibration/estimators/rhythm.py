"""The weekly rhythm in which things happen: how much of the busiest hour's activity each hour of the week has."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mkmine.eventlog.rhythm import hour_of_week

__all__ = ["weekly_rhythm"]

Floats = NDArray[np.float64]
Int = NDArray[np.int64]

# So many imagined moments per cell have the weekday's and the hour's share.
_PRIOR = 2.0


def weekly_rhythm(moments: Int, time_zone: str, *, weights: Floats | None = None) -> Floats:
    """Return the intensity by weekday and hour, shape (7, 24), the busiest hour having 1.

    Counts of the cells are shrunk towards the product of weekday and hour of day (two imagined moments per cell), so
    that a rare hour stays possible and an hour seen once by chance does not stand out.
    """
    counts = np.bincount(hour_of_week(moments, time_zone), weights=weights, minlength=168).reshape(7, 24)
    total = counts.sum()
    if not total:
        return np.ones((7, 24))
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / total
    mean = total / max(int((counts > 0).sum()), 1)
    prior = _PRIOR / mean if mean > 0 else 0.0
    rate = (counts + prior * expected) / (1 + prior)
    return np.asarray(rate / rate.max())

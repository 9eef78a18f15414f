"""What a log of finished cases leaves out: cases that had not finished when it ended (right truncation)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["mean_length", "seen_shares"]

Floats = NDArray[np.float64]


def mean_length(length: Floats, room: Floats) -> float:
    """Return how long cases take on average, those that were not seen included, as far as their `seen_shares` tell."""
    points = np.concatenate(([0.0], np.unique(length)))
    unfinished = 1 - seen_shares(length, room, points[:-1])
    return float(unfinished @ np.diff(points))


def seen_shares(length: Floats, room: Floats, at: Floats) -> Floats:
    """Return the probability that a case finishes within each of the times `at`.

    Of the cases (n,) that are known each had a `length` of at most its `room`, the time from its beginning to the end
    of the log; longer ones were not seen. The distribution of lengths is the product-limit estimate for right-truncated
    data, F(t) = prod over s > t of (1 - d(s) / n(s)), n(s) being the cases with length <= s <= room (Lynden-Bell 1971;
    Woodroofe 1985).
    """
    if not len(length):
        return np.ones(len(at))
    lengths, rooms = np.sort(length), np.sort(room)
    at_risk = np.arange(1, len(lengths) + 1) - np.searchsorted(rooms, lengths, side="left")
    steps = 1 - 1 / np.maximum(at_risk, 1)
    # With one or two at risk a single case would empty the whole distribution below it.
    steps[at_risk <= 2] = 1.0
    above = np.concatenate((np.cumprod(steps[::-1])[::-1], [1.0]))
    return np.asarray(above[np.searchsorted(lengths, at, side="right")])

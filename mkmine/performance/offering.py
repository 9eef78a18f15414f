"""When waiting work was offered: what can be known of an outside delay that ends while its doer is busy or away."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mkmine.calendars import MINUTE, Calendar

__all__ = ["last_idle", "offered_hours"]

Int = NDArray[np.int64]
Floats = NDArray[np.float64]

# A shorter pause is no sign that there was nothing to do.
_PAUSE = MINUTE
_BINS = 60
_ROUNDS = 200
# The fractional part of its multiples covers (0, 1) evenly (the golden ratio).
_EVEN = 0.6180339887498949


def last_idle(calendar: Calendar, ready: Int, start: Int, end: Int, capacity: int) -> Int:
    """Return the last moment before each start at which the person was on duty with a hand free, or else `ready`.

    Who takes work as it comes was not offered it before that moment. It is the start itself for work that its doer was
    free for.
    """
    points = np.unique(np.concatenate((start, end, ready[ready == ready.min()])))
    begun = np.bincount(np.searchsorted(points, start), minlength=len(points))
    done = np.bincount(np.searchsorted(points, end), minlength=len(points))
    free = np.cumsum(begun - done)[:-1] < capacity
    idle = free & (calendar.working_time(points[:-1], points[1:]) > _PAUSE)
    # Of each stretch between two points, the number of the last one so far in which the person was idle.
    latest = np.maximum.accumulate(np.where(idle, np.arange(len(idle)), -1))
    stretch = np.append(-1, latest)[np.searchsorted(points, start)]
    begin = points[np.maximum(stretch, 0)]
    over = np.minimum(points[np.minimum(np.maximum(stretch, 0) + 1, len(points) - 1)], start)
    closed = calendar.add(begin, calendar.working_time(begin, over))
    return np.where(stretch >= 0, np.maximum(closed, ready), ready)


def offered_hours(activity: NDArray[np.integer], least: Floats, most: Floats) -> Floats:
    """Return the hours after which work was offered, known to lie between `least` and `most` (NaN: not known at all).

    Their distribution is estimated by activity, on a grid, by the self-consistent method for intervals (Turnbull 1976,
    The empirical distribution function with arbitrarily grouped, censored and truncated data, Journal of the Royal
    Statistical Society B 38), and each instance takes a value of it from its own interval, at even ranks.
    """
    out = np.full(len(most), np.nan)
    known = np.flatnonzero(np.isfinite(most))
    known = known[np.argsort(activity[known], kind="stable")]
    for rows in np.split(known, np.flatnonzero(np.diff(activity[known].astype(np.int64))) + 1):
        if len(rows):
            out[rows] = _taken(np.minimum(least[rows], most[rows]), most[rows])
    return out


def _taken(least: Floats, most: Floats) -> Floats:
    ends = np.sort(np.concatenate((least, most, [0.0])))
    if ends[-1] <= 0:
        return most
    # No delay at all has a place of its own, or else work that never had to wait would share one with some that did.
    edges = np.append(np.quantile(ends, np.linspace(0, 1, _BINS), method="lower"), ends[ends > 0][0])
    edges = np.unique(edges)
    first = np.clip(np.searchsorted(edges, least, side="right") - 1, 0, len(edges) - 2)
    last = np.maximum(np.clip(np.searchsorted(edges, most, side="left") - 1, 0, len(edges) - 2), first)
    reached = np.concatenate(([0.0], np.cumsum(_self_consistent(first, last, len(edges) - 1))))
    rank = np.arange(1, len(least) + 1) * _EVEN % 1
    at = reached[first] + rank * (reached[last + 1] - reached[first])
    # Nothing tells moments apart between which no interval begins or ends: the earliest stands for them.
    blank = np.searchsorted(ends, edges[1:], side="left") <= np.searchsorted(ends, edges[:-1], side="right")
    place = np.clip(np.searchsorted(reached, at, side="right") - 1, first, last)
    values = np.where(blank[place], edges[place], np.interp(at, reached, edges))
    return np.where(most > least, np.clip(values, least, most), most)


def _self_consistent(first: Int, last: Int, bins: int) -> Floats:
    """Return the shares of the bins, where each observation lies in the bins `first` to `last`."""
    kinds, count = np.unique(first * bins + last, return_counts=True)
    low, high = kinds // bins, kinds % bins
    inside = (np.arange(bins) >= low[:, None]) & (np.arange(bins) <= high[:, None])
    share = np.full(bins, 1 / bins)
    for _ in range(_ROUNDS):
        weight = inside * share
        share = count @ (weight / weight.sum(axis=1, keepdims=True)) / count.sum()
    return np.asarray(share)

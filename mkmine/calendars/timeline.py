"""Sorted open intervals with their cumulative length: measuring open time between moments, and adding it to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mkmine.calendars.lookup import Desk, Ints, Lookup, desks

__all__ = ["Timeline", "merged", "overlaid"]


@dataclass(frozen=True)
class Timeline:
    """A calendar compiled for a range: open intervals `[starts, ends)` in µs and the open time before each."""

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    before: NDArray[np.int64]

    @property
    def total(self) -> int:
        """Open time of the whole timeline, µs."""
        return int(self.before[-1] + self.ends[-1] - self.starts[-1]) if len(self.starts) else 0

    @cached_property
    def _closed(self) -> Ints:
        """Closed time before each interval, counted from the epoch: a moment in it less this is the open time."""
        return self.starts - self.before

    @cached_property
    def _after(self) -> Ints:
        return self.before + (self.ends - self.starts)

    @cached_property
    def _by_start(self) -> Lookup:
        return Lookup(self.starts)

    @cached_property
    def _by_opened(self) -> Lookup:
        return Lookup(self.before)

    def opened(self, moments: ArrayLike) -> NDArray[np.int64]:
        """Return the open time from the beginning of the timeline to each moment."""
        at = np.asarray(moments, dtype=np.int64)
        out = np.zeros(at.shape, dtype=np.int64)
        if not len(self.starts):
            return out
        flat, result = at.reshape(-1), out.reshape(-1)
        for desk in desks(flat.size):
            result[desk.piece] = self._opened(flat, desk)
        return out

    def between(self, starts: Ints, ends: Ints) -> Ints:
        """Return the open time between each start and end, arrays of one shape."""
        out = self.opened(ends)
        if not len(self.starts):
            return out
        flat, result = starts.reshape(-1), out.reshape(-1)
        for desk in desks(flat.size):
            result[desk.piece] -= self._opened(flat, desk)
        return out

    def _opened(self, at: Ints, desk: Desk) -> Ints:
        """Return the open time up to each moment of the piece on the desk, in one of its buffers."""
        moments, spare = desk.numbers, desk.spare
        np.maximum(at[desk.piece], self.starts[0], out=moments)
        np.minimum(moments, self.ends[-1], out=moments)
        self._by_start.find(moments, desk)
        self._closed.take(desk.places, out=spare, mode="clip")
        np.subtract(moments, spare, out=moments)
        self._after.take(desk.places, out=spare, mode="clip")
        return np.minimum(moments, spare, out=moments)

    def closing(self, opened: ArrayLike) -> NDArray[np.int64]:
        """Return the earliest moment by which `opened` µs of open time have passed since the beginning."""
        amount = np.asarray(opened, dtype=np.int64)
        out = np.empty(amount.shape, dtype=np.int64)
        flat, result = amount.reshape(-1), out.reshape(-1)
        for desk in desks(flat.size):
            np.copyto(desk.numbers, flat[desk.piece])
            result[desk.piece] = self._closing(desk)
        return out

    def _closing(self, desk: Desk) -> Ints:
        """Turn the amounts of open time in the desk's numbers into the moments by which they have passed."""
        # An amount that ends with an interval is reached there, not at the beginning of the next one.
        np.subtract(desk.numbers, 1, out=desk.numbers)
        self._by_opened.find(desk.numbers, desk)
        self._closed.take(desk.places, out=desk.spare, mode="clip")
        np.add(desk.numbers, desk.spare, out=desk.numbers)
        return np.add(desk.numbers, 1, out=desk.numbers)

    def after(self, starts: Ints, durations: Ints) -> Ints | None:
        """Return the earliest moment by which each open time has passed since each start, arrays of one shape.

        A duration of 0 gives the start itself. None if the timeline ends too early.
        """
        out = np.empty(starts.shape, dtype=np.int64)
        flat, lengths, result = starts.reshape(-1), durations.reshape(-1), out.reshape(-1)
        for desk in desks(flat.size):
            np.add(self._opened(flat, desk), lengths[desk.piece], out=desk.numbers)
            if desk.numbers.max() > self.total:
                return None
            result[desk.piece] = self._closing(desk)
            np.equal(lengths[desk.piece], 0, out=desk.flags)
            np.copyto(result[desk.piece], flat[desk.piece], where=desk.flags)
        return out

    def next_open(self, moments: Ints) -> Ints:
        """Return each moment, or the next opening where it is closed; each lies before the last end."""
        out = np.empty(moments.shape, dtype=np.int64)
        flat, result = moments.reshape(-1), out.reshape(-1)
        following = np.append(self.starts[1:], self.ends[-1])
        for desk in desks(flat.size):
            np.maximum(flat[desk.piece], self.starts[0], out=desk.numbers)
            self._within(desk)
            following.take(desk.places, out=desk.spare, mode="clip")
            np.logical_not(desk.flags, out=desk.flags)
            np.copyto(desk.numbers, desk.spare, where=desk.flags)
            result[desk.piece] = desk.numbers
        return out

    def is_open(self, moments: Ints) -> NDArray[np.bool_]:
        """Return whether each moment is open."""
        out = np.zeros(moments.shape, dtype=np.bool_)
        if not len(self.starts):
            return out
        flat, result = moments.reshape(-1), out.reshape(-1)
        for desk in desks(flat.size):
            np.copyto(desk.numbers, flat[desk.piece])
            self._within(desk)
            np.greater_equal(desk.numbers, self.starts[0], out=result[desk.piece])
            result[desk.piece] &= desk.flags
        return out

    def _within(self, desk: Desk) -> None:
        """Flag the desk's numbers that lie before the end of the interval that their places name."""
        self._by_start.find(desk.numbers, desk)
        self.ends.take(desk.places, out=desk.spare, mode="clip")
        np.less(desk.numbers, desk.spare, out=desk.flags)


def merged(starts: Ints, ends: Ints) -> Timeline:
    """Return the timeline that is open in any of the intervals; those that touch or overlap become one."""
    keep = ends > starts
    starts, ends = starts[keep], ends[keep]
    if (np.diff(starts) < 0).any():
        order = np.argsort(starts, kind="stable")
        starts, ends = starts[order], ends[order]
    reach = np.maximum.accumulate(ends)
    apart = np.ones(len(starts), dtype=np.bool_)
    apart[1:] = starts[1:] > reach[:-1]
    heads = np.flatnonzero(apart)
    starts, ends = starts[heads], reach[np.append(heads[1:], len(reach))[: len(heads)] - 1]
    return Timeline(starts, ends, np.cumsum(ends - starts) - (ends - starts))


def overlaid(lines: Sequence[Timeline], *, least: int) -> Timeline:
    """Return when at least `least` of the timelines are open: 1 for their union, all for their intersection."""
    edges = np.concatenate([edge for line in lines for edge in (line.starts, line.ends)])
    steps = np.concatenate([np.repeat([1, -1], len(line.starts)) for line in lines])
    moments, where = np.unique(edges, return_inverse=True)
    depth = np.cumsum(np.bincount(where, weights=steps, minlength=len(moments)).astype(np.int64))
    enough = depth >= least
    return merged(moments[:-1][enough[:-1]], moments[1:][enough[:-1]])

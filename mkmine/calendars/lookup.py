"""Where many values fall among sorted edges: exact, as a binary search, but through a table of buckets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Desk", "Lookup", "desks"]

Ints = NDArray[np.int64]

# Values are worked on in pieces whose buffers stay in the cache.
PIECE = 1 << 16
# Fewer values do not pay for a table.
FEW = 2_000
# A table of more buckets leaves the cache; where more edges than that crowd in one bucket, binary search is as good.
BUCKETS, CROWD = 1 << 17, 4
_BEYOND = 1 << 62


@dataclass(slots=True)
class Desk:
    """A piece of many values, and buffers of its length to work on it: numbers, spare ones, places and flags.

    `of` is how many values there are in all.
    """

    piece: slice
    of: int
    numbers: Ints
    spare: Ints
    places: NDArray[np.intp]
    flags: NDArray[np.bool_]


def desks(size: int) -> Iterator[Desk]:
    """Yield a desk for each piece of `size` values; all share the same buffers."""
    length = min(size, PIECE)
    numbers, spare = np.empty(length, dtype=np.int64), np.empty(length, dtype=np.int64)
    places, flags = np.empty(length, dtype=np.intp), np.empty(length, dtype=np.bool_)
    for begin in range(0, size, PIECE):
        n = min(PIECE, size - begin)
        yield Desk(slice(begin, begin + n), size, numbers[:n], spare[:n], places[:n], flags[:n])


class Lookup:
    """Finds the last edge at or before each value: `searchsorted(edges, values, "right") - 1`, never less than 0.

    `edges` are strictly increasing int64 between ±2^61, at least one. Their range is cut into buckets of equal width,
    a power of two; a table holds the last edge at or before the beginning of each, and a comparison or a few find
    those that follow within it. Twenty times as fast as a binary search for values in random order.
    """

    __slots__ = ("_edges", "_first", "_next", "_shift", "_steps", "_table")

    def __init__(self, edges: Ints) -> None:
        self._edges = edges
        self._first = int(edges[0])
        self._steps = -1

    def _prepare(self) -> None:
        edges = self._edges
        reach = int(edges[-1]) - self._first
        narrowest = int(np.diff(edges).min()) if len(edges) > 1 else 1
        self._shift = max(narrowest.bit_length() - 1, (reach // BUCKETS).bit_length())
        begins = self._first + (np.arange((reach >> self._shift) + 1, dtype=np.int64) << self._shift)
        self._table = np.searchsorted(edges, begins, "right") - 1
        self._next = np.append(edges[1:], _BEYOND)
        last = np.searchsorted(edges, begins + (1 << self._shift), "left") - 1
        self._steps = int((last - self._table).max())

    def find(self, values: Ints, desk: Desk) -> None:
        """Write the place of the edge for each value of a piece into the desk's places; spare and flags are used up."""
        out, spare = desk.places, desk.spare
        if self._steps < 0 and desk.of >= FEW:
            self._prepare()
        if not 0 <= self._steps <= CROWD:
            np.subtract(np.searchsorted(self._edges, values, "right"), 1, out=out)
            np.maximum(out, 0, out=out)
            return
        np.maximum(values, self._first, out=spare)
        np.subtract(spare, self._first, out=spare)
        np.right_shift(spare, self._shift, out=spare)
        # Beyond the last bucket, mode "clip" takes the last one.
        self._table.take(spare, out=out, mode="clip")
        for _ in range(self._steps):
            self._next.take(out, out=spare, mode="clip")
            np.greater_equal(values, spare, out=desk.flags)
            np.add(out, desk.flags, out=out)

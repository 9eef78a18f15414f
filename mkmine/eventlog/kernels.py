"""The compiled twins of the loops by which a log is put in order; `encoding` has the plain forms."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["counting_order", "gathered", "in_turn", "load", "reached_before", "rounds", "settle"]

Array = NDArray[Any]
# Longer cases are left to a sort that is not quadratic.
SHORT = 64


def load() -> None:
    """Load what numba compiles arrays with, except for the linear algebra of SciPy, which no kernel needs.

    Numba would ask whether that is there, and so load it, which is a third of all loading. Whoever needs it still gets
    it: numba asks again then.
    """
    from numba.np import linalg

    ask, linalg.ensure_blas = linalg.ensure_blas, lambda: None
    try:
        import_module("numba.np.arraymath")
    finally:
        linalg.ensure_blas = ask


@numba.njit(cache=True, nogil=True)
def counting_order(codes: Array, size: int) -> tuple[Array, Array]:
    """Return the offsets (size + 1,) of each code and the rows in stable order of the codes, int32 or int64."""
    offsets = np.zeros(size + 1, np.int64)
    for i in range(len(codes)):
        offsets[codes[i] + 1] += 1
    for code in range(size):
        offsets[code + 1] += offsets[code]
    place = offsets[:-1].copy()
    order = np.empty(len(codes), np.int32)
    for i in range(len(codes)):
        order[place[codes[i]]] = i
        place[codes[i]] += 1
    return offsets, order


@numba.njit(cache=True, nogil=True)
def settle(order: Array, offsets: Array, start: Array, end: Array) -> Array:
    """Sort the rows of each short case by (start, end) in place, stably; return the long cases that still need it."""
    long = np.zeros(len(offsets) - 1, np.bool_)
    for case in range(len(offsets) - 1):
        first, last = offsets[case], offsets[case + 1]
        if last - first > SHORT:
            for i in range(first + 1, last):
                a, b = order[i - 1], order[i]
                if start[b] < start[a] or (start[b] == start[a] and end[b] < end[a]):
                    long[case] = True
                    break
            continue
        for i in range(first + 1, last):
            row, j = order[i], i
            while j > first:
                other = order[j - 1]
                if start[row] > start[other] or (start[row] == start[other] and end[row] >= end[other]):
                    break
                order[j] = other
                j -= 1
            order[j] = row
    return np.flatnonzero(long)


@numba.njit(cache=True, nogil=True)
def rounds(offsets: Array, activity: Array, size: int) -> Array:
    """Return which execution of its activity in its case each instance is, from 1, int32."""
    count = np.zeros(size, np.int32)
    out = np.empty(len(activity), np.int32)
    for case in range(len(offsets) - 1):
        first, last = offsets[case], offsets[case + 1]
        for i in range(first, last):
            count[activity[i]] += 1
            out[i] = count[activity[i]]
        for i in range(first, last):
            count[activity[i]] = 0
    return out


@numba.njit(cache=True, nogil=True)
def reached_before(offsets: Array, activity: Array, size: int) -> tuple[Array, Array]:
    """Return, by activity, in how many cases it occurs, and how many others these had reached before it in all."""
    seen = np.full(size, -1, np.int64)
    cases, before = np.zeros(size, np.int64), np.zeros(size, np.int64)
    for case in range(len(offsets) - 1):
        distinct = 0
        for i in range(offsets[case], offsets[case + 1]):
            code = activity[i]
            if seen[code] != case:
                seen[code] = case
                cases[code] += 1
                before[code] += distinct
                distinct += 1
    return cases, before


@numba.njit(cache=True, nogil=True)
def in_turn(codes: Array) -> int:
    """Return the highest code if each appears only after all lower ones, else -2."""
    highest = -1
    for i in range(len(codes)):
        if codes[i] > highest:
            if codes[i] > highest + 1:
                return -2
            highest = codes[i]
    return highest


@numba.njit(cache=True, nogil=True)
def gathered(values: Array, order: Array) -> Array:
    """Return the values in that order; NumPy would widen the order first."""
    out = np.empty(len(order), values.dtype)
    for i in range(len(order)):
        out[i] = values[order[i]]
    return out

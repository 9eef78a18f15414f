"""Fewer cases: a random sample, the first or the last ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mkmine.errors import DataError
from mkmine.eventlog.log import EventLog
from mkmine.streams import Streams

__all__ = ["keep_first", "keep_last", "sample_cases"]


def sample_cases(log: EventLog, n: int | None = None, *, share: float | None = None, seed: int) -> EventLog:
    """Keep `n` cases, or a share of them, drawn at random without replacement; one seed gives one sample.

    A larger sample of the same seed holds the smaller one.

    Raises `DataError` if not exactly one of the two is given, or it is not between 1 case and all.
    """
    if (n is None) == (share is None):
        raise DataError("give either a number of cases or a share: sample_cases(log, 100, seed=7) or share=0.1")
    if share is not None:
        if not 0 < share <= 1:
            raise DataError(f"share={share} is not a share of the cases; give e.g. 0.1")
        n = max(1, round(share * log.n_cases))
    assert n is not None
    _checked(n)
    draws = Streams(seed).uniform("sample cases", size=log.n_cases)
    mask = np.zeros(log.n_cases, dtype=np.bool_)
    mask[np.argsort(draws, kind="stable")[:n]] = True
    return log.keep_cases(mask, action="filter sample", detail=f"{mask.sum():,} at random, seed {seed}")


def keep_first(log: EventLog, n: int) -> EventLog:
    """Keep the `n` cases that started first. Raises `DataError` if `n` is less than 1."""
    return _in_turn(log, n, np.argsort(log.start[log.offsets[:-1]], kind="stable"), "first")


def keep_last(log: EventLog, n: int) -> EventLog:
    """Keep the `n` cases that started last. Raises `DataError` if `n` is less than 1."""
    return _in_turn(log, n, np.argsort(-log.start[log.offsets[:-1]], kind="stable"), "last")


def _in_turn(log: EventLog, n: int, order: NDArray[np.int64], which: str) -> EventLog:
    _checked(n)
    mask = np.zeros(log.n_cases, dtype=np.bool_)
    mask[order[:n]] = True
    return log.keep_cases(mask, action="filter sample", detail=f"the {which} {mask.sum():,} to start")


def _checked(n: int) -> None:
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
        raise DataError(f"{n!r} is not a number of cases; give 1 or more")

"""Intervals for what the cases of a log add up to, although cases of one time share queues."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mkmine.eventlog.log import EventLog
from mkmine.streams import Streams

__all__ = ["Resamples"]

Floats = NDArray[np.float64]

RESAMPLES = 400
# So many stretches of consecutive cases carry what there is to know of the dependence between cases.
STRETCHES = 36
CONFIDENCE = 0.95


@dataclass(frozen=True, eq=False, kw_only=True)
class Resamples:
    """Cases drawn again, block by block of consecutive ones.

    The cases are cut, in the order in which they begin, into at most 36 stretches of equal size; blocks of stretches
    (as many as the square root of their number) are drawn with replacement. Source: the circular block bootstrap of
    D. N. Politis and J. P. Romano (1992), in *Exploring the Limits of Bootstrap*. A resample of single cases would take
    for independent what waited in the same queue.

    stretch
        The stretch of each case (m,).
    drawn
        How often each stretch is drawn, (resamples, stretches).
    blocks
        How many blocks a resample holds, which bounds what is known of the spread.
    """

    stretch: NDArray[np.int64]
    drawn: Floats
    blocks: float

    @classmethod
    def of(cls, log: EventLog, *, seed: int, cases: NDArray[np.integer] | None = None) -> Resamples:
        """Draw the cases of a log, or some of them (their numbers), again, in the order in which they begin."""
        chosen = np.arange(log.n_cases) if cases is None else np.asarray(cases)
        number = max(min(len(chosen), STRETCHES), 1)
        order = chosen[np.argsort(log.start[log.offsets[:-1]][chosen], kind="stable")]
        stretch = np.zeros(log.n_cases, dtype=np.int64)
        stretch[order] = np.arange(len(order)) * number // max(len(order), 1)
        return cls._drawn(stretch, number, seed)

    @classmethod
    def in_time(cls, moments: NDArray[np.int64], *, first: int, last: int, seed: int) -> Resamples:
        """Draw stretches of equal time again; a case counts at its moment (m,). For what comes per month."""
        place = (moments - first) / max(last - first, 1) * STRETCHES
        return cls._drawn(np.clip(place.astype(np.int64), 0, STRETCHES - 1), STRETCHES, seed)

    @classmethod
    def _drawn(cls, stretch: NDArray[np.int64], number: int, seed: int) -> Resamples:
        length = max(1, round(math.sqrt(number)))
        blocks = math.ceil(number / length)
        begins = Streams(seed).generator("resamples").integers(0, number, size=(RESAMPLES, blocks, 1))
        drawn = ((begins + np.arange(length)) % number).reshape(RESAMPLES, -1)[:, :number]
        keys = (drawn + number * np.arange(RESAMPLES)[:, None]).ravel()
        counts = np.bincount(keys, minlength=RESAMPLES * number).reshape(RESAMPLES, number).astype(np.float64)
        return cls(stretch=stretch, drawn=counts, blocks=number / length)

    def sums(self, of_case: NDArray[np.integer], values: Floats) -> tuple[Floats, Floats]:
        """Return the sum of values (rows, k), whose cases are `of_case`, and its resamples, (k,) and (resamples, k)."""
        by_stretch = np.zeros((self.drawn.shape[1], values.shape[1]))
        where = self.stretch[of_case]
        for column in range(values.shape[1]):
            by_stretch[:, column] = np.bincount(where, weights=values[:, column], minlength=len(by_stretch))
        return by_stretch.sum(axis=0), self.drawn @ by_stretch

    def share_interval(self, share: Floats, resampled: Floats) -> tuple[Floats, Floats]:
        """Return 95 % intervals of shares (k,) from their resamples (resamples, k); NaN for shares of 0 and 1.

        Student's t on the logarithm of the odds, with as many degrees of freedom as there are blocks but one.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            centre = np.log(share / (1 - share))
            spread = _spread(np.log(resampled / (1 - resampled)))
            half = self._quantile * spread
            low, high = (1 / (1 + np.exp(-(centre + sign * half))) for sign in (-1, 1))
        known = np.isfinite(centre) & np.isfinite(half)
        return np.where(known, low, np.nan), np.where(known, high, np.nan)

    def interval(self, value: Floats, resampled: Floats) -> tuple[Floats, Floats]:
        """Return 95 % intervals of values (k,) from their resamples (resamples, k), by Student's t."""
        half = self._quantile * _spread(resampled)
        return value - half, value + half

    @property
    def _quantile(self) -> float:
        """Student's quantile, with the factor by which resampling so few blocks understates the spread."""
        from scipy.special import stdtrit

        if self.blocks < 2:
            return float("nan")
        freedom = self.blocks - 1
        return float(stdtrit(freedom, (1 + CONFIDENCE) / 2)) * math.sqrt(self.blocks / freedom)


def _spread(resampled: Floats) -> Floats:
    known = np.isfinite(resampled)
    number = known.sum(axis=0)
    kept = np.where(known, resampled, 0.0)
    mean = kept.sum(axis=0) / np.maximum(number, 1)
    square = np.where(known, (kept - mean) ** 2, 0.0).sum(axis=0)
    # A spread that few resamples tell is none.
    return np.where(number > 0.9 * len(resampled), np.sqrt(square / np.maximum(number - 1, 1)), np.nan)

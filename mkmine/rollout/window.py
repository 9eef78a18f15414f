"""The cases that begin in some weeks, as an observer who leaves at the end of those weeks sees them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from mkmine.calendars import HOUR, Calendar
from mkmine.eventlog import EventLog
from mkmine.eventlog.enablement import enabled_times
from mkmine.simulation.model.arrivals import midnight
from mkmine.streams import Streams

__all__ = ["ARRIVALS", "History", "Window", "block_length", "common_horizon", "figures", "resampled_weeks"]

Floats = NDArray[np.float64]
ARRIVALS = "arrivals_per_week"
_QUANTILES = {"cycle_median_h": 0.5, "cycle_p85_h": 0.85}
# Resamples are computed in pieces that stay in the processor's cache.
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Window:
    """Whole weeks from `first` on; `n` cases begin in them.

    Attributes
    ----------
    week
        (n,) week in which each case begins, counted from 0.
    cycle_h
        (n,) working hours from the first moment that it could be worked on to its end, or to the end of the window.
        Rising; where equal, completed cases stand first.
    done
        (n,) bool: completed in the window; the others are censored at its end.
    reworked
        (n,) instances beyond a first round.
    finished
        (weeks,) cases completed in each week, whenever they began.
    """

    first: date
    weeks: int
    week: NDArray[np.int64]
    cycle_h: Floats
    done: NDArray[np.bool_]
    reworked: Floats
    finished: Floats

    @property
    def last(self) -> date:
        """The last day."""
        return self.first + timedelta(days=7 * self.weeks - 1)

    def once(self) -> Floats:
        """Return the weights that count every week once, shape (1, weeks)."""
        return np.ones((1, self.weeks))


class History:
    """The begin, end and rework of the cases of a log, from which windows are cut."""

    def __init__(self, log: EventLog) -> None:
        heads = log.offsets[:-1]
        self.time_zone: str = log.time_zone
        self.calendar: Calendar = log.working_calendar()
        self.begin: NDArray[np.int64] = np.minimum.reduceat(enabled_times(log), heads)
        self.finish: NDArray[np.int64] = np.maximum.reduceat(log.end, heads)
        self.completed = log.completed
        self.reworked: Floats = np.add.reduceat((log.round > 1).astype(np.float64), heads)

    def window(self, first: date, weeks: int) -> Window:
        """Return the cases that begin in the weeks from `first` on."""
        edges = np.array([midnight(first + timedelta(days=7 * k), self.time_zone) for k in range(weeks + 1)])
        inside = (self.begin >= edges[0]) & (self.begin < edges[-1])
        begin, finish = self.begin[inside], self.finish[inside]
        done = self.completed[inside] & (finish < edges[-1])
        until = np.where(done, finish, edges[-1])
        cycle = self.calendar.working_time(begin, until) / HOUR
        order = np.lexsort((~done, cycle))
        ended = self.completed & (self.finish >= edges[0]) & (self.finish < edges[-1])
        return Window(
            first=first,
            weeks=weeks,
            week=np.searchsorted(edges, begin[order], side="right") - 1,
            cycle_h=cycle[order],
            done=done[order],
            reworked=self.reworked[inside][order],
            finished=np.histogram(self.finish[ended], bins=edges)[0].astype(np.float64),
        )


def common_horizon(one: Window, other: Window) -> float:
    """Return the longest cycle time (hours) to which the distribution is known in both windows.

    Where the longest case is completed, it is known that none lasts longer.
    """
    longest = max(float(one.cycle_h[-1]), float(other.cycle_h[-1]))
    return min(longest, *(float(window.cycle_h[-1]) for window in (one, other) if not window.done[-1]), math.inf)


def figures(window: Window, weights: Floats, *, horizon_h: float) -> dict[str, Floats]:
    """Return the key figures under weights of the weeks (r, weeks), each of shape (r,).

    Cycle times by Kaplan and Meier; their mean is restricted to `horizon_h` (what lasts longer counts as that long).
    Rework per case is the mean over completed cases, each with the mass that the same curve gives to its end, so that
    long cases, which are censored more often, count in full (inverse probability of censoring weighting: Bang and
    Tsiatis 2000, Biometrika 87; Satten and Datta 2001, The American Statistician 55). Throughput: completed cases per
    week. NaN where a figure cannot be known.
    """
    rows = max(1, _PIECE // max(len(window.week), 1))
    parts = [_figures(window, weights[k : k + rows], horizon_h) for k in range(0, len(weights), rows)]
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}


def _figures(window: Window, weights: Floats, horizon_h: float) -> dict[str, Floats]:
    total = weights.sum(axis=1)
    counted = weights[:, window.week]
    at_risk = np.cumsum(counted[:, ::-1], axis=1)[:, ::-1]
    share = np.divide(counted * window.done, at_risk, out=np.zeros_like(counted), where=at_risk > 0)
    longer = np.cumprod(1.0 - share, axis=1)
    mass = -np.diff(longer, axis=1, prepend=1.0)
    known = mass.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        out = {
            "cycle_mean_h": mass @ np.minimum(window.cycle_h, horizon_h) + (1 - known) * horizon_h,
            "rework_per_case": (mass @ window.reworked) / known,
            "throughput_per_week": weights @ window.finished / total,
            ARRIVALS: counted.sum(axis=1) / total,
        }
    for key, quantile in _QUANTILES.items():
        reached = longer <= 1 - quantile + 1e-12
        out[key] = np.where(reached.any(axis=1), window.cycle_h[reached.argmax(axis=1)], np.nan)
    return out


def block_length(weeks: int) -> int:
    """Return how many weeks in a row are resampled together: the square root of their number."""
    # The cube root that is best for weak dependence made intervals too narrow: queues remember for weeks.
    return max(1, round(math.sqrt(weeks)))


def resampled_weeks(weeks: int, streams: Streams, *names: str, resamples: int) -> Floats:
    """Return how often each week is drawn in each resample, shape (resamples, weeks).

    Circular block bootstrap: blocks of weeks keep the dependence between the cases of a week and of neighbouring weeks.
    Source: Politis and Romano (1992), in Exploring the Limits of Bootstrap.
    """
    length = block_length(weeks)
    blocks = math.ceil(weeks / length)
    begins = np.floor(streams.uniform(*names, size=resamples * blocks) * weeks).astype(np.int64)
    drawn = (begins.reshape(resamples, blocks, 1) + np.arange(length)) % weeks
    drawn = drawn.reshape(resamples, -1)[:, :weeks]
    keys = (drawn + weeks * np.arange(resamples)[:, None]).ravel()
    return np.bincount(keys, minlength=resamples * weeks).reshape(resamples, weeks).astype(np.float64)

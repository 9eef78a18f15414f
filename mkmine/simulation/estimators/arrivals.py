"""When cases arrive: an intensity by weekday and hour with a level of its own time, months, and how regular it is."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.calendars import DAY, HOUR, Calendar, public_holidays
from mkmine.errors import DataError
from mkmine.eventlog import EventLog
from mkmine.simulation.estimators.rhythm import weekly_rhythm
from mkmine.simulation.estimators.truncation import seen_shares
from mkmine.simulation.evidence import Known
from mkmine.simulation.model import Arrivals, Season

__all__ = ["case_weights", "estimate_arrivals"]

Int = NDArray[np.int64]
Floats = NDArray[np.float64]

# Half-lives (weeks) of the level that are tried; the last one forgets nothing.
_HALF_LIVES = (2.0, 4.0, 8.0, 16.0, np.inf)
_AHEAD = 4
_FIRST_FORECAST = 4
# Gaps this near to chance are taken for it.
_POISSON = 0.15
_MOST_REGULAR, _MOST_BURSTY = 0.02, 3.0
_ENOUGH_GAPS = 100


def case_weights(log: EventLog, begin: Int) -> Floats:
    """Return how many cases each case (n,) of the log stands for.

    One, where the log holds open cases too; where it holds finished cases only, those that began near its end stand for
    others that had not finished (`seen_shares`).
    """
    if not log.completed.all() or log.n_cases < 2:
        return np.ones(log.n_cases)
    finish = np.maximum.reduceat(log.end, log.offsets[:-1])
    last = log.observed[1]
    return 1 / seen_shares((finish - begin) / HOUR, (last - begin) / HOUR)


def estimate_arrivals(log: EventLog, ready: Int, office: Calendar) -> Arrivals:
    """Return the arrival intensity by weekday and hour, with a factor per month of the log.

    Counts are corrected for right truncation. The week's shape comes from the whole log; its level from weeks whose
    weight halves every so many weeks, as the log itself is foretold best (each four weeks by the weeks before). Months
    that differ more than chance allows have a factor that holds in the log's own time. `gap_cv` is that of the gaps
    between arrivals after the intensity is taken out (time rescaling; Brown et al. 2002).

    Raises `DataError` if no case begins in the time that the log covers.
    """
    begin = np.minimum.reduceat(ready, log.offsets[:-1])
    weights = case_weights(log, begin)
    inside = (begin >= log.observed[0]) & (begin <= log.observed[1])
    begin, weights = begin[inside], weights[inside]
    if not len(begin):
        raise DataError(f"{log.name}: no case begins in the time that the log covers; arrivals cannot be estimated")
    order = np.argsort(begin, kind="stable")
    begin, weights = begin[order], weights[order]
    days = _Days.of(begin, office)
    kept = days.counted[days.of(begin)] if False else days.kept(begin)
    shape = weekly_rhythm(begin[kept], office.time_zone, weights=weights[kept])
    by_day = np.bincount(days.number(begin[kept]), weights=weights[kept], minlength=len(days.dates))
    usual = shape.sum(axis=1)[days.weekday] * days.counted
    level = _level(by_day, usual)
    rate = shape * level
    seasons, factor_of_day = _seasons(days, by_day, usual * level)
    return Arrivals(
        weekly=[[round(float(value), 6) for value in row] for row in rate],
        holidays=office.holidays,
        seasons=seasons,
        gap_cv=_variation(begin[kept], days, rate, factor_of_day),
        evidence=Known(n=len(begin), error=round(len(begin) ** -0.5, 6)),
    )

"""When cases arrive: an intensity by weekday and hour, with a factor per month."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.calendars import Calendar, public_holidays
from mkmine.errors import DataError
from mkmine.eventlog import EventLog
from mkmine.simulation.evidence import Known
from mkmine.simulation.model import Arrivals, Season

__all__ = ["estimate_arrivals"]

Int = NDArray[np.int64]


def estimate_arrivals(log: EventLog, enabled: Int, office: Calendar) -> Arrivals:
    """Return the arrival intensity by weekday and hour, with a shrunk factor per month of the log.

    Raises `DataError` if no case begins in the time that the log covers.
    """
    begin = np.minimum.reduceat(enabled, log.offsets[:-1])
    begin = begin[(begin >= log.observed[0]) & (begin <= log.observed[1])]
    if not len(begin):
        raise DataError(f"{log.name}: no case begins in the time that the log covers; arrivals cannot be estimated")
    local = pd.Series(begin.astype("datetime64[us]")).dt.tz_localize("UTC").dt.tz_convert(office.time_zone)
    first, last = local.min().date(), local.max().date()
    days = pd.date_range(first, last, freq="D")
    holidays = office.holidays
    closed = (
        {one for year in range(first.year, last.year + 1) for one in public_holidays(holidays, year)[0]}
        if holidays
        else set()
    )
    counted = np.array([day.date() not in closed for day in days])
    weekdays = np.bincount(days.day_of_week[counted], minlength=7)
    kept = ~local.dt.date.isin(closed)
    table = np.zeros((7, 24))
    np.add.at(table, (local[kept].dt.day_of_week.to_numpy(), local[kept].dt.hour.to_numpy()), 1.0)
    rate = table / np.maximum(weekdays, 1)[:, None]
    expected = pd.Series(rate.sum(axis=1)[days.day_of_week] * counted, index=days).groupby(days.to_period("M")).sum()
    found = local[kept].dt.tz_localize(None).dt.to_period("M").value_counts()
    seasons = []
    # Twenty imagined cases at the usual rate pull a month's factor towards 1.
    for month, usual in zip(pd.PeriodIndex(expected.index), expected, strict=True):
        factor, seen = (float(found.get(month, 0)) + 20) / (float(usual) + 20), float(found.get(month, 0)) + 20
        span = {"first": month.start_time.date(), "last": month.end_time.date()}
        seasons.append(Season(**span, factor=round(factor, 4), observed=seen))
    return Arrivals(
        weekly=[[round(float(value), 6) for value in row] for row in rate],
        holidays=holidays,
        seasons=seasons if len(seasons) >= 3 else [],
        evidence=Known(n=len(begin), error=round(len(begin) ** -0.5, 6)),
    )

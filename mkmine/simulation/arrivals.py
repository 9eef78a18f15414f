"""When cases arrive: an inhomogeneous Poisson process with an intensity per weekday and hour."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import numpy as np
from numpy.typing import NDArray

from mkmine.calendars import DAY, HOUR, public_holidays, to_us, zone
from mkmine.errors import DataError
from mkmine.simulation.model import SimulationModel
from mkmine.streams import Streams

__all__ = ["arrival_times", "midnight"]

_LONGEST_WEEKS = 52 * 50


def midnight(day: date, time_zone: str) -> int:
    """Return the local midnight that begins a day, in µs."""
    return to_us(datetime.combine(day, time(), zone(time_zone)))


def arrival_times(
    model: SimulationModel, streams: Streams, *, cases: int | None = None, weeks: float | None = None
) -> NDArray[np.int64]:
    """Return the arrival times of a model (sorted µs), for a number of cases or of weeks (52 by default).

    A unit-rate Poisson process is stretched by the inverse of the cumulated intensity (Çinlar 1975), so a scenario that
    changes the intensity moves the same arrivals instead of drawing others.

    Raises `DataError` if both are given, or if so few cases arrive that the number asked for takes over 50 years.
    """
    if cases is not None and weeks is not None:
        raise DataError("both cases and weeks are given; give one of them")
    if (cases is not None and cases < 1) or (weeks is not None and not 0 < weeks <= _LONGEST_WEEKS):
        raise DataError(f"cases={cases}, weeks={weeks}: give at least 1 case, or between 0 and {_LONGEST_WEEKS} weeks")
    if cases is None:
        edges, mass = _intensity(model, 52.0 if weeks is None else weeks)
        # The number of arrivals follows from the unit process: enough draws to pass the total mass.
        ticks = _unit_process(streams, int(mass[-1] + 10 * np.sqrt(mass[-1]) + 20))
        ticks = ticks[ticks < mass[-1]]
    else:
        ticks = _unit_process(streams, cases)
        span = 1.2 * ticks[-1] / max(model.arrivals.per_week, 1e-9) + 2
        while True:
            if span > _LONGEST_WEEKS:
                raise DataError(f"{cases:,} cases take over 50 years to arrive; raise the arrivals")
            edges, mass = _intensity(model, span)
            if mass[-1] > ticks[-1]:
                break
            span *= 1.5
    return np.rint(np.interp(ticks, mass, edges)).astype(np.int64)


def _unit_process(streams: Streams, n: int) -> NDArray[np.float64]:
    return np.cumsum(-np.log(streams.uniform("arrivals", size=n)))


def _intensity(model: SimulationModel, weeks: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return hour edges (µs) and the expected number of arrivals up to each, strictly rising where cases arrive."""
    arrivals = model.arrivals
    rows = np.asarray(arrivals.weekly) * arrivals.factor
    hours = int(np.ceil(weeks * 168))
    first = midnight(model.start, model.time_zone)
    edges = first + np.arange(hours + 1, dtype=np.float64) * HOUR
    tz = zone(model.time_zone)
    expected = np.zeros(hours)
    for day in range(hours // 24 + 2):
        today = model.start + timedelta(days=day)
        if arrivals.holidays and today in public_holidays(arrivals.holidays, today.year)[0]:
            continue
        factor = np.prod([one.factor for one in arrivals.seasons if one.first <= today <= one.last])
        begin = to_us(datetime.combine(today, time(), tz))
        changing = midnight(today + timedelta(days=1), model.time_zone) - begin != DAY
        for hour, rate in enumerate(rows[today.weekday()]):
            # On a day that changes the clock, hours are not counted from midnight but told by the zone.
            moment = to_us(datetime.combine(today, time(hour), tz)) if changing else begin + hour * HOUR
            place = (moment - first) // HOUR
            if rate and 0 <= place < hours:
                expected[place] += rate * factor
    mass = np.concatenate(([0.0], np.cumsum(expected)))
    # np.interp needs rising mass: closed hours keep one edge only, the last before arrivals go on.
    keep = np.concatenate((np.diff(mass) > 0, [True]))
    keep |= np.concatenate(([False], np.diff(mass) > 0))
    return edges[keep], mass[keep]

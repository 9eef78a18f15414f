"""When cases arrive: a Poisson process with an intensity per weekday and hour, or given times."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from math import prod

import numpy as np
from numpy.typing import NDArray

from mkmine.calendars import DAY, HOUR, from_us, local_time, public_holidays, to_us, zone
from mkmine.errors import DataError
from mkmine.simulation.model.distributions import Gamma
from mkmine.simulation.model.model import SimulationModel
from mkmine.simulation.model.parts import Arrivals
from mkmine.simulation.model.special_days import days_of_kind
from mkmine.streams import Streams

__all__ = ["arrival_times", "arrivals_from", "case_types", "midnight"]

_LONGEST_WEEKS = 52 * 50
_MOST_CASES = 20_000_000


def midnight(day: date, time_zone: str) -> int:
    """Return the local midnight that begins a day, in µs."""
    return to_us(datetime.combine(day, time(), zone(time_zone)))


def arrival_times(
    model: SimulationModel, streams: Streams, *, cases: int | None = None, weeks: float | None = None
) -> NDArray[np.int64]:
    """Return the arrival times of a model (sorted µs), for a number of cases or of weeks (52 by default).

    A unit-rate Poisson process is stretched by the inverse of the cumulated intensity (Çinlar 1975), so a scenario that
    changes the intensity moves the same arrivals instead of drawing others. Where several cases come at once, each
    coming draws its size. Given times are taken as they are.

    Raises `DataError` if both are given, if so few cases arrive that the number asked for takes over 50 years, or if
    fewer times are given than cases are asked for.
    """
    if cases is not None and weeks is not None:
        raise DataError("both cases and weeks are given; give one of them")
    if (cases is not None and cases < 1) or (weeks is not None and not 0 < weeks <= _LONGEST_WEEKS):
        raise DataError(f"cases={cases}, weeks={weeks}: give at least 1 case, or between 0 and {_LONGEST_WEEKS} weeks")
    _check_number(cases or 0)
    if model.arrivals.times:
        return _given(model, cases, weeks)
    if cases is not None and model.arrivals.sizes:
        # So many comings suffice, as each brings at least one case.
        sizes = _sizes(model, streams, cases)
        comings = int(np.searchsorted(np.cumsum(sizes), cases)) + 1
        times = _comings(model, streams, comings, None)
        return np.repeat(times, sizes[:comings])[:cases]
    times = _comings(model, streams, cases, 52.0 if weeks is None else weeks)
    return np.repeat(times, _sizes(model, streams, len(times))) if model.arrivals.sizes else times


def _given(model: SimulationModel, cases: int | None, weeks: float | None) -> NDArray[np.int64]:
    tz = zone(model.time_zone)
    moments = (moment if moment.tzinfo else moment.replace(tzinfo=tz) for moment in model.arrivals.times)
    times = np.sort(np.array([to_us(moment) for moment in moments], dtype=np.int64))
    if cases is not None:
        if len(times) < cases:
            raise DataError(f"arrivals: {len(times):,} times are given, but {cases:,} cases are asked for")
        return times[:cases]
    if weeks is not None:
        times = times[times < midnight(model.start, model.time_zone) + int(weeks * 7 * DAY)]
    return times


def _enough(mass: float, variation: float) -> int:
    """Return how many gaps certainly pass a mass."""
    return int(mass + 10 * max(variation, 1.0) * np.sqrt(mass) + 20 * max(variation, 1.0) ** 2)


def _sizes(model: SimulationModel, streams: Streams, n: int) -> NDArray[np.int64]:
    """Return how many cases each of `n` comings brings."""
    edges = np.cumsum(list(model.arrivals.sizes.values()))[:-1]
    return np.array(list(model.arrivals.sizes))[np.searchsorted(edges, streams.uniform("size", size=n), side="right")]


def _comings(model: SimulationModel, streams: Streams, n: int | None, weeks: float | None) -> NDArray[np.int64]:
    """Return the moments at which somebody comes: `n` of them, or those of some weeks."""
    if n is None:
        edges, mass = _intensity(model, weeks or 0.0)
        _check_number(float(mass[-1]))
        # The number of arrivals follows from the unit process: enough draws to pass the total mass.
        ticks = _unit_process(model, streams, _enough(mass[-1], model.arrivals.gap_cv))
        ticks = ticks[ticks < mass[-1]]
    else:
        ticks = _unit_process(model, streams, n)
        weekly = float(np.sum(model.arrivals.weekly)) * model.arrivals.factor
        span = 1.2 * ticks[-1] / max(weekly, 1e-9) + 2
        while True:
            if span > _LONGEST_WEEKS:
                raise DataError(f"{n:,} cases take over 50 years to arrive; raise the arrivals")
            edges, mass = _intensity(model, span)
            if mass[-1] > ticks[-1]:
                break
            span *= 1.5
    return np.rint(np.interp(ticks, mass, edges)).astype(np.int64)


def case_types(model: SimulationModel, arrivals: NDArray[np.int64], u: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the number of the type (n,) of cases that arrive at given times, by uniform draws `u` (n,).

    Types that come at hours of their own are Poisson processes beside each other: put together, a case is of a type
    with the probability of its share of that hour's intensity (Kingman 1993, Poisson Processes, ch. 5).
    """
    shares = np.array([one.share for one in model.case_types.values()])
    own = _weeks_of_types(model)
    if own is None:
        return np.asarray(np.searchsorted(np.cumsum(shares)[:-1], u, side="right"), dtype=np.int64)
    together = own.sum(axis=0)
    # At hours at which nobody is expected (given times may be there) the types have their shares of the week.
    by_hour = np.where(together > 0, own / np.where(together > 0, together, 1.0), shares[:, None, None])
    # 1970 began on a Thursday, three days into a week.
    hour = (local_time(arrivals, model.time_zone) // HOUR + 72) % 168
    edges = np.cumsum(by_hour.reshape(len(shares), 168), axis=0)[:-1, hour]
    return np.asarray((u >= edges).sum(axis=0), dtype=np.int64)


def _weeks_of_types(model: SimulationModel) -> NDArray[np.float64] | None:
    """Return the comings per hour (types, 7, 24) where a type comes at hours of its own, else None."""
    kinds = model.case_types.values()
    if all(one.weekly is None for one in kinds):
        return None
    usual = np.asarray(model.arrivals.weekly, dtype=np.float64)
    total = usual.sum()
    weeks = [np.asarray(usual if one.weekly is None else one.weekly, dtype=np.float64) for one in kinds]
    return np.stack([one.share * total * week / (week.sum() or 1.0) for one, week in zip(kinds, weeks, strict=True)])


def arrivals_from(model: SimulationModel, streams: Streams, first: int, cases: int) -> NDArray[np.int64]:
    """Return the arrival times of `cases` cases of which the first one comes at a known moment (µs).

    Raises `DataError` if so few cases arrive that it takes over 50 years.
    """
    day = from_us(first, model.time_zone).date()
    model = model.model_copy(update={"start": day})
    gaps = np.concatenate(([0.0], _gaps(model, streams, cases - 1)))
    span = 1.0
    while True:
        edges, mass = _intensity(model, span)
        ticks = np.interp(first, edges, mass) + np.cumsum(gaps) if len(edges) > 1 else np.array([np.inf])
        if mass[-1] > ticks[-1]:
            return np.asarray(np.maximum(np.rint(np.interp(ticks, mass, edges)), first), dtype=np.int64)
        span *= 1.5
        if span > _LONGEST_WEEKS:
            raise DataError(f"{cases:,} cases take over 50 years to arrive; raise the arrivals")


def _unit_process(model: SimulationModel, streams: Streams, n: int) -> NDArray[np.float64]:
    return np.cumsum(_gaps(model, streams, n))


def _gaps(model: SimulationModel, streams: Streams, n: int) -> NDArray[np.float64]:
    """Return gaps of mean 1, gamma distributed with the variation of the model's."""
    variation = model.arrivals.gap_cv
    if variation == 0:
        return np.ones(n)
    u = streams.uniform("arrivals", size=n)
    # A gap is the longer, the smaller its draw.
    return -np.log(u) if variation == 1 else Gamma(mean=1.0, cv=variation).ppf(np.minimum(1 - u, 1 - 1e-16))


def _check_number(cases: float) -> None:
    if cases > _MOST_CASES:
        raise DataError(
            f"arrivals: about {cases:,.0f} cases would come, and more than {_MOST_CASES:,} fit into no memory; "
            "lower the arrivals or the weeks"
        )


def _intensity(model: SimulationModel, weeks: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return hour edges (µs) and the expected number of arrivals up to each, strictly rising where cases arrive."""
    arrivals, own = model.arrivals, _weeks_of_types(model)
    rows = (np.asarray(arrivals.weekly) if own is None else own.sum(axis=0)) * arrivals.factor
    hours = int(np.ceil(weeks * 168))
    first = midnight(model.start, model.time_zone)
    edges = first + np.arange(hours + 1, dtype=np.float64) * HOUR
    tz = zone(model.time_zone)
    # A day more at the end spares the test whether a day's hours are all within the span.
    expected = np.zeros(hours + 96)
    days = [model.start + timedelta(days=day) for day in range(hours // 24 + 3)]
    begins = np.array([midnight(day, model.time_zone) for day in days])
    rates = rows[(days[0].weekday() + np.arange(len(days) - 1)) % 7] * _factors(arrivals, days[:-1])[:, None]
    if (np.diff(begins) == DAY).all():
        expected[: rates.size] += rates.ravel()
    else:
        for today, begin, following, rate in zip(days, begins.tolist(), begins[1:].tolist(), rates, strict=False):
            if following - begin == DAY:
                place = (begin - first) // HOUR
                expected[place : place + 24] += rate
            else:
                # On a day that changes the clock, hours are not counted from midnight but told by the zone.
                told = [to_us(datetime.combine(today, time(hour), tz)) for hour in range(24)]
                np.add.at(expected, (np.array(told) - first) // HOUR, rate)
    mass = np.concatenate(([0.0], np.cumsum(expected[:hours])))
    # np.interp needs rising mass: closed hours keep one edge only, the last before arrivals go on.
    keep = np.concatenate((np.diff(mass) > 0, [True]))
    keep |= np.concatenate(([False], np.diff(mass) > 0))
    return edges[keep], mass[keep]


def _factors(arrivals: Arrivals, days: list[date]) -> NDArray[np.float64]:
    """Return what each day's intensity is multiplied by: seasons and growth, and 0 on holidays."""
    out = np.ones(len(days))
    if not (arrivals.holidays or arrivals.seasons or arrivals.days or arrivals.trend):
        return out
    for number, today in enumerate(days):
        if arrivals.holidays and today in public_holidays(arrivals.holidays, today.year)[0]:
            out[number] = 0.0
            continue
        factor = prod(one.factor for one in arrivals.seasons if one.first <= today <= one.last)
        out[number] = factor * (1 + arrivals.trend) ** (number / 365.25) if arrivals.trend else factor
    for one in arrivals.days:
        out[days_of_kind(one.kind, days, arrivals.holidays)] *= one.factor
    return out

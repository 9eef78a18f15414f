"""When cases arrive: an intensity by weekday and hour, its level, months that differ, and how regular arrivals are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.calendars import DAY, HOUR, Calendar, holidays_of, local_time, public_holidays
from mkmine.errors import DataError
from mkmine.eventlog import EventLog
from mkmine.simulation.calibration.estimators.rhythm import weekly_rhythm
from mkmine.simulation.calibration.estimators.truncation import seen_shares
from mkmine.simulation.model import Arrivals, Season, SpecialDay
from mkmine.simulation.model.evidence import Known
from mkmine.simulation.model.special_days import DAY_KINDS, days_of_kind

__all__ = ["estimate_arrivals"]

Int = NDArray[np.int64]
Floats = NDArray[np.float64]

# Half-lives (weeks) of the level that are tried; the first one forgets nothing.
_HALF_LIVES = (np.inf, 16.0, 8.0, 4.0, 2.0)
_AHEAD, _FIRST_FORECAST = 4, 4
# Hours of which less than this share of the cases can have been seen say nothing.
_LEAST_SEEN = 0.1
# Gaps this near to chance are taken for it.
_NEARLY_CHANCE, _NEARLY_CLOCKWORK = 0.15, 0.25
# So much more probable (natural logarithm) a shorter memory has to make what came later.
_TELLING = 3.0
_LEAST_EXPOSED = 0.5
# So many months with a special day tell whether it differs; so many imagined ordinary cases pull its factor to 1.
_FEWEST_MONTHS, _IMAGINED = 6, 5.0
_BY_CHANCE = 0.05
_ENOUGH_GAPS, _MOST_BURSTY = 100, 3.0
# Even clockwork is not known to go on as it did.
_LEAST_VARIED = 0.25


@dataclass(frozen=True)
class _Days:
    """The days of a log, from its first arrival to its end: dates, weekdays, and which of them are holidays."""

    first: int
    weekday: Int
    closed: NDArray[np.bool_]
    months: pd.PeriodIndex
    dates: list[date]

    @classmethod
    def of(cls, first: int, last: int, office: Calendar) -> _Days:
        """Return the local days between two numbers of days since 1970."""
        number = np.arange(first, last + 1)
        dates = pd.DatetimeIndex(number.astype("datetime64[D]"))
        free: set[date] = set()
        country = holidays_of(office)
        for year in range(dates[0].year, dates[-1].year + 1) if country else ():
            free |= set(public_holidays(country or "", year)[0])
        closed = np.array([day.date() in free for day in dates])
        return cls(first, (number + 3) % 7, closed, dates.to_period("M"), [day.date() for day in dates])


def estimate_arrivals(log: EventLog, ready: Int, office: Calendar) -> Arrivals:
    """Return the arrival intensity by weekday and hour, with factors for the months of the log.

    Where the log holds finished cases only, a day counts for the share of its cases that can have finished
    (`seen_shares`). The week's shape comes from the whole log; its level from weeks that count the less the older they
    are, if the log itself is foretold better so (each four weeks by all before them). Months that differ more than
    chance allows have factors that hold in the log's own time, and so have days of the month and next to holidays if
    months left out are foretold better so. `gap_cv` is that of the gaps between arrivals once the
    intensity is taken out (time rescaling; Brown et al. 2002, Neural Computation 14).

    Raises `DataError` if no case begins in the time that the log covers.
    """
    begin = np.sort(np.minimum.reduceat(ready, log.offsets[:-1]))
    begin = begin[(begin >= log.observed[0]) & (begin <= log.observed[1])]
    if not len(begin):
        raise DataError(f"{log.name}: no case begins in the time that the log covers; arrivals cannot be estimated")
    zone = office.time_zone
    shown = local_time(begin, zone)
    observed = local_time(np.array(log.observed), zone)
    days = _Days.of(int(shown[0] // DAY), int(observed[1] // DAY), office)
    kept = ~days.closed[shown // DAY - days.first]
    counts = np.bincount(shown[kept] // DAY - days.first, minlength=len(days.weekday)).astype(np.float64)
    exposed = _exposed(log, ready, days, zone) * ~days.closed[:, None]
    shape = weekly_rhythm(begin[kept], zone, weights=_evened(shown[kept], exposed, days))
    usual = (shape[days.weekday] * exposed).sum(axis=1)
    level, told = _level(counts, usual)
    seasons, factors = _seasons(days, counts, usual * level)
    special, times = _special(days, holidays_of(office), counts, usual * level * factors)
    if special:
        # The ordinary days are those that are left.
        level *= float(counts.sum() / max((usual * level * factors * times).sum(), 1e-9))
        factors = factors * times
    by_hour = (shape * level)[days.weekday] * (factors * ~days.closed)[:, None]
    variation = _variation(shown[kept] - days.first * DAY, by_hour)
    return Arrivals(
        weekly=[[round(float(value), 6) for value in row] for row in shape * level],
        holidays=holidays_of(office),
        seasons=seasons,
        days=special,
        gap_cv=variation,
        # The number of comings varies as much as the gaps between them do.
        evidence=Known(n=round(told, 1), error=round(min(max(variation, _LEAST_VARIED) * told**-0.5, 1.0), 6)),
    )


def _exposed(log: EventLog, ready: Int, days: _Days, zone: str) -> Floats:
    """Return for each day and hour, shape (days, 24), the share of its cases that the log can hold.

    That is the part of the hour that the log covers; if it holds finished cases only, times the probability that a case
    of that hour can have finished.
    """
    first, last = (float(one) / HOUR - 24 * days.first for one in local_time(np.array(log.observed), zone))
    hours = np.arange(24.0 * len(days.weekday))
    covered = np.clip(np.minimum(hours + 1, last) - np.maximum(hours, first), 0.0, 1.0)
    if log.completed.all():
        begin = np.minimum.reduceat(ready, log.offsets[:-1])
        length = (np.maximum.reduceat(log.end, log.offsets[:-1]) - begin) / HOUR
        room = np.maximum((log.observed[1] - begin) / HOUR, length)
        seen = seen_shares(length, room, np.maximum(last - hours - 0.5, 0.0))
        covered *= np.where(seen >= _LEAST_SEEN, seen, 0.0)
    return np.asarray(covered.reshape(-1, 24))


def _evened(shown: Int, exposed: Floats, days: _Days) -> Floats:
    """Return how much each arrival counts, so that hours of the week that the log covers less often lose nothing."""
    cells = np.zeros((7, 24))
    np.add.at(cells, days.weekday, exposed)
    mine = cells[(shown // DAY + 3) % 7, shown % DAY // HOUR]
    return np.asarray(cells.mean() / np.maximum(mine, _LEAST_EXPOSED))


def _level(counts: Floats, usual: Floats) -> tuple[float, float]:
    """Return how many cases come per unit of the usual exposure, and on how many cases that rests.

    The memory is the one that foretells the log best; the number is the effective one of weighted counts (Kish 1965).
    """
    weeks = np.arange(len(counts)) // 7
    found, exposed = _sums(weeks, counts), _sums(weeks, usual)
    size = len(found)
    if not exposed.sum():
        return float(counts.sum()), max(float(counts.sum()), 1.0)
    scores = []
    for half_life in _HALF_LIVES:
        score = 0.0
        for now in range(_FIRST_FORECAST, size - 1):
            mean = _remembered(found[:now], exposed[:now], half_life) * exposed[now : now + _AHEAD].sum()
            if mean > 0:
                score += float(found[now : now + _AHEAD].sum() * np.log(mean) - mean)
        scores.append(score)
    longer = (half for half, score in zip(_HALF_LIVES, scores, strict=True) if score >= max(scores) - _TELLING)
    best = next(longer)
    weights = _fading(size, best)
    told = float(weights @ found) ** 2 / max(float(weights**2 @ found), 1e-9)
    return _remembered(found, exposed, best), max(told, 1.0)


def _sums(code: Int, values: Floats) -> Floats:
    return np.asarray(np.bincount(code, weights=values), dtype=np.float64)


def _fading(size: int, half_life: float) -> Floats:
    return np.asarray(0.5 ** (np.arange(size)[::-1] / half_life))


def _remembered(found: Floats, exposed: Floats, half_life: float) -> float:
    weights = _fading(len(found), half_life)
    # Half a case keeps a quiet time from meaning that nobody ever comes.
    return (float(weights @ found) + 0.5) / max(float(weights @ exposed), 1e-9) if exposed.any() else 0.0


def _seasons(days: _Days, counts: Floats, usual: Floats) -> tuple[list[Season], Floats]:
    """Return the months that differ, with the factor of each day."""
    number = (days.months.year * 12 + days.months.month).to_numpy()
    code = number - number[0]
    found, mean = _sums(code, counts), _sums(code, usual)
    factors = np.ones(len(code))
    pull = _pull(found, mean)
    if pull is None:
        return [], factors
    seasons = []
    for month in range(len(found)):
        mine = code == month
        period = days.months[int(np.argmax(mine))]
        factor = round(float((found[month] + pull) / (mean[month] + pull)), 4)
        factors[mine] = factor
        if factor != 1:
            span = {"first": period.start_time.date(), "last": period.end_time.date()}
            seasons.append(Season(**span, factor=factor, observed=round(float(found[month] + pull), 1)))
    return seasons, factors


def _special(days: _Days, country: str | None, counts: Floats, usual: Floats) -> tuple[list[SpecialDay], Floats]:
    """Return the days of the month or next to holidays that differ, and by what each day is multiplied.

    The factor from all other months has to foretell the counts of each month's such days better than 1 does (Poisson),
    and they have to differ from month to month so little that chance would hardly lead to it with any of the kinds
    (Student's t over months, Bonferroni).
    """
    from scipy.special import stdtr

    month = (days.months.year * 12 + days.months.month).to_numpy()
    month = month - month[0]
    found, times = [], np.ones(len(counts))
    for kind in DAY_KINDS:
        mine = days_of_kind(kind, days.dates, country) & (usual > 0)
        seen, mean = (np.bincount(month[mine], weights=one[mine]) for one in (counts, usual))
        there = mean > 0
        if there.sum() < _FEWEST_MONTHS:
            continue
        seen, mean = seen[there], mean[there]
        others = (seen.sum() - seen + _IMAGINED) / (mean.sum() - mean + _IMAGINED)
        gain = seen * np.log(others) - (others - 1) * mean
        n, apart = len(seen), (seen - mean) / np.sqrt(mean)
        t = abs(float(apart.mean())) / max(float(apart.std(ddof=1)), 1e-9) * n**0.5
        if gain.sum() > _TELLING and 2 * stdtr(n - 1, -t) < _BY_CHANCE / len(DAY_KINDS):
            factor = round(float((seen.sum() + _IMAGINED) / (mean.sum() + _IMAGINED)), 4)
            times[mine] *= factor
            usual = usual * np.where(mine, factor, 1.0)
            found.append(SpecialDay(kind=kind, factor=min(factor, 100.0), observed=round(float(seen.sum()) + 1, 1)))
    return found, times


def _pull(counts: Floats, usual: Floats) -> float | None:
    """Return how many imagined cases at the usual rate pull a month's factor towards 1; None if months do not differ.

    As many as the variance of the factors beyond that of a Poisson process says (empirical Bayes by moments; Clayton
    and Kaldor 1987, Biometrics 43).
    """
    seen = usual > 0
    excess = float(((counts - usual)[seen] ** 2 / usual[seen]).sum()) - (int(seen.sum()) - 1)
    return float(usual.sum()) / excess if excess > 0 else None


def _variation(shown: Int, by_hour: Floats) -> float:
    """Return the variation of the gaps between arrivals (µs since the first day) once the intensity is taken out."""
    if len(shown) < _ENOUGH_GAPS:
        return 1.0
    mass = np.concatenate(([0.0], np.cumsum(by_hour.ravel())))
    at = np.interp(shown / HOUR, np.arange(len(mass)), mass)
    gaps = np.diff(at)
    low, middle, high = np.quantile(gaps, (0.25, 0.5, 0.75))
    variation = float(gaps.std() / gaps.mean())
    if high - low < _NEARLY_CLOCKWORK * middle:
        # Comings like clockwork, but for some that are missing.
        variation = float(high - low) / (1.349 * float(middle))
    return 1.0 if abs(variation - 1) < _NEARLY_CHANCE else round(min(variation, _MOST_BURSTY), 3)

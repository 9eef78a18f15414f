"""The working week and the holidays that a log's own activity shows."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mkmine.calendars import DAY, HOUR, Calendar, from_us, local_time, public_holidays
from mkmine.errors import DataError
from mkmine.eventlog.log import EventLog

__all__ = [
    "calendar_of_hours",
    "calendar_of_moments",
    "hour_of_week",
    "hours_of_weeks",
    "infer_calendar",
    "signs",
]

Ints = NDArray[np.int64]

# An hour of the week is worked if it has at least these shares of what the busiest hours have.
VOLUME_SHARE, WEEKS_SHARE = 0.2, 0.25
BUSIEST = 20
# Days with at least this share of the busiest day's activity are alike unless an hour of one clearly differs: it has
# less than `AGAINST_OPEN` of what an open hour needs where the others are open, or `AGAINST_CLOSED` times it where
# they are not.
ALIKE_SHARE, AGAINST_OPEN, AGAINST_CLOSED = 0.5, 0.4, 2.0
# With fewer observations an hour of one day is told from chance only where chance would be so improbable.
ENOUGH, IMPROBABLE = 500, 1e-4
# With this share of the week's hours worked the process never closes.
ALWAYS_SHARE = 0.85
# A country's holidays are adopted if they have less than this share of a normal day's activity.
HOLIDAY_SHARE = 1 / 3
FEWEST_HOLIDAYS = 3
# A shorter stretch does not show a week: days that it has not seen are not days off.
SHORTEST = 7 * DAY


def infer_calendar(
    log: EventLog,
    *,
    instances: NDArray[np.bool_] | None = None,
    holidays: Literal["auto"] | str | None = "auto",
) -> Calendar:
    """Infer the weekly working hours from when things happen in the log.

    All starts and ends (of `instances`, a mask (n,), or else of all) are counted by local hour of the week. An hour is
    worked if its activity, with bursts cut off, and the number of weeks in which it has any, reach set shares (20 %
    and 25 %) of those of the 20 busiest hours; days of like activity get like hours; where nearly the whole week is
    worked the calendar is open always. `holidays="auto"` adopts the public holidays of the country of the log's time
    zone if at least three fell on working days and had less than a third of a normal day's activity; a country code
    adopts those, None none. Less than a week of log shows no week, and the calendar is open always.
    """
    rows = np.arange(len(log)) if instances is None else np.flatnonzero(instances)
    return calendar_of_moments(log, signs(log, rows), holidays=holidays)


def calendar_of_moments(
    log: EventLog, moments: list[Ints], *, holidays: Literal["auto"] | str | None = "auto"
) -> Calendar:
    """Return the calendar that moments (µs, as `signs` gives them) show, by `infer_calendar`'s rules."""
    if not moments or max(int(one.max()) for one in moments) - min(int(one.min()) for one in moments) < SHORTEST:
        return Calendar.always(log.time_zone)
    first, counts = hours_of_weeks(moments, log.time_zone)
    return calendar_of_hours(first, counts, log.time_zone, holidays=holidays)


def calendar_of_hours(
    first: int, counts: Ints, time_zone: str, *, holidays: Literal["auto"] | str | None = "auto"
) -> Calendar:
    """Return the calendar that counts by hour show, as `hours_of_weeks` gives them, by `infer_calendar`'s rules."""
    worked = _worked_hours(counts)
    if worked.mean() >= ALWAYS_SHARE or not worked.any():
        return Calendar.always(time_zone)
    weekly = tuple(_spans(worked[day]) for day in range(7))
    country = _country(time_zone, first, counts, worked) if holidays == "auto" else holidays
    return Calendar(weekly=weekly, time_zone=time_zone, holidays=country)


def signs(log: EventLog, rows: Ints) -> list[Ints]:
    """Return the ends of instances (rows of the log), and their starts where they are known, of all that has any."""
    ends = rows[~log.ongoing[rows]]
    # An instance of no length is one act, not two.
    begun = rows[(log.end[rows] > log.start[rows]) | log.ongoing[rows]]
    parts = [log.end[ends]] + ([log.start[begun]] if log.timestamps == "interval" else [])
    return [part for part in parts if len(part)]


def hour_of_week(moments: Ints, time_zone: str) -> Ints:
    """Return the local hour of the week of moments (µs), Monday's first hour being 0."""
    # 1970 began on a Thursday, three days into a week.
    return (local_time(moments, time_zone) // HOUR + 72) % 168


def hours_of_weeks(moments: list[Ints], time_zone: str) -> tuple[int, Ints]:
    """Return the first Monday (days since 1970), and the counts by week and local hour of the week, (weeks, 168)."""
    hours = []
    for part in moments:
        shown = local_time(part, time_zone)
        shown //= HOUR
        hours.append(shown)
    # 1 January 1970 was a Thursday.
    first = (min(int(one.min()) for one in hours) + 72) // 168
    weeks = (max(int(one.max()) for one in hours) + 72) // 168 - first + 1
    counts = np.zeros(weeks * 168, dtype=np.int64)
    for one in hours:
        one -= first * 168 - 72
        counts += np.bincount(one, minlength=weeks * 168)
    return first * 7 - 3, counts.reshape(weeks, 168)


def _worked_hours(counts: Ints) -> NDArray[np.bool_]:
    """Return for each weekday (Monday first) and hour whether it is worked, shape (7, 24)."""
    cap = np.quantile(counts[counts > 0], 0.95)
    volume = np.minimum(counts, cap).mean(axis=0)
    share = (counts > 0).mean(axis=0)
    busiest = np.argsort(volume, kind="stable")[-BUSIEST:]
    strength = np.minimum(
        volume / (VOLUME_SHARE * volume[busiest].mean()), share / (WEEKS_SHARE * share[busiest].mean())
    ).reshape(7, 24)
    activity = volume.reshape(7, 24).sum(axis=1)
    alike = (activity >= ALIKE_SHARE * activity.max())[:, None]
    usual = strength[alike[:, 0]].mean(axis=0) >= 1
    clear = strength >= np.where(usual, AGAINST_OPEN, AGAINST_CLOSED)
    if counts.sum() < ENOUGH:
        clear = usual & ~(_improbably_few(counts, alike[:, 0]) & (strength < AGAINST_OPEN))
    worked = np.where(alike, clear, strength >= 1)
    return _without_specks(worked.ravel(), strength.ravel()).reshape(7, 24)


def _improbably_few(counts: Ints, alike: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return for each weekday and hour whether chance would hardly leave so little of what days alike have."""
    from scipy.special import pdtr

    seen = counts.sum(axis=0).reshape(7, 24)
    return np.asarray(pdtr(seen, seen[alike].mean(axis=0)) < IMPROBABLE)


def _without_specks(worked: NDArray[np.bool_], strength: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Close a single hour that stands alone in the week, open a single one that is missing; both if weak."""
    beside = np.roll(worked, 1).astype(np.int64) + np.roll(worked, -1)
    alone = worked & (beside == 0) & (strength < 2 * AGAINST_CLOSED)
    missing = ~worked & (beside == 2) & (strength >= AGAINST_OPEN)
    return np.asarray((worked & ~alone) | missing)


def _spans(hours: NDArray[np.bool_]) -> tuple[tuple[int, int], ...]:
    edges = np.flatnonzero(np.diff(np.concatenate(([False], hours, [False])).astype(np.int8)))
    return tuple((int(start) * 60, int(end) * 60) for start, end in edges.reshape(-1, 2))


def _country(time_zone: str, first: int, counts: Ints, worked: NDArray[np.bool_]) -> str | None:
    """Return the country of the zone if its holidays are visibly free of work."""
    from babel.core import get_global

    territory = get_global("zone_territories").get(time_zone)
    if territory is None or territory == "001":
        return None
    by_day = counts.reshape(-1, 24).sum(axis=1)
    seen = np.flatnonzero(by_day)
    active = by_day[seen[0] : seen[-1] + 1]
    every = np.arange(first + seen[0], first + seen[-1] + 1)
    free = _holidays(str(territory), int(every[0]), int(every[-1]))
    if free is None:
        return None
    weekday = (every + 3) % 7
    open_day = np.asarray(worked.any(axis=1))[weekday]
    holiday = np.isin(every, free) & open_day
    if int(holiday.sum()) < FEWEST_HOLIDAYS:
        return None
    normal = np.array([active[(weekday == d) & ~holiday].mean() if (weekday == d).any() else 0.0 for d in range(7)])
    expected = float(normal[weekday[holiday]].sum())
    return str(territory) if float(active[holiday].sum()) < HOLIDAY_SHARE * expected else None


def _holidays(territory: str, first: int, last: int) -> NDArray[np.int64] | None:
    years = range(from_us(first * DAY + HOUR).year, from_us(last * DAY + HOUR).year + 1)
    try:
        found = [day for year in years for day in public_holidays(territory, year)[0]]
    except DataError:
        return None
    return np.array(sorted(found), dtype="datetime64[D]").astype(np.int64)

"""Calibration: from an event log to a simulation model. Each estimator is a small function of arrays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.calendars import DAY, HOUR, Calendar, from_us, public_holidays
from mkmine.errors import DataError
from mkmine.eventlog import EventLog
from mkmine.eventlog.enablement import enabled_times
from mkmine.eventlog.rhythm import infer_calendar
from mkmine.simulation.distributions import Distribution, Empirical, Fixed, LogNormal
from mkmine.simulation.model import (
    ActivityModel,
    Arrivals,
    CalendarModel,
    Person,
    Route,
    Season,
    SimulationModel,
)
from mkmine.simulation.pools import Pools, find_pools

__all__ = ["calibrate"]

Int = NDArray[np.int64]
Floats = NDArray[np.float64]

# Fewer observations than these are pooled with the neighbours (rounds, colleagues) instead of standing alone.
_ENOUGH_FOR_ROUND = 30
_ENOUGH_FOR_CALENDAR = 150
_ENOUGH_FOR_QUANTILES = 40
_QUANTILES = 41
_FEWEST_CASES = 20
_MOST_ACTIVITIES = 500

NOTE_COMPLETED = (
    "The log has completion times only: processing times were estimated from the gaps between a person's consecutive "
    "completions, and staffing answers are weakly supported."
)
NOTE_NOBODY = "The log names no people, so the model has outside waits only and no staffing answer is possible."
NOTE_DELAY = (
    "What is left of the waiting after the person was last free is modelled as a delay outside the team (alpha = 1); if "
    "part of it is queueing, staffing has a larger effect than shown."
)
NOTE_OVERLAP = "Activities of one case overlap in the log; the model runs them one after the other."
NOTE_MULTITASKING = "People work on several things at once; the model gives each its share of their time."


@dataclass(frozen=True)
class _Observed:
    """A log prepared for the estimators: enabled times, pools, and each person's calendar."""

    log: EventLog
    enabled: Int
    pools: Pools
    office: Calendar
    calendars: dict[str, Calendar]
    calendar_of: tuple[str, ...]
    absences: tuple[tuple[tuple[date, date], ...], ...]


def calibrate(log: EventLog, *, name: str | None = None) -> SimulationModel:
    """Estimate a simulation model that replays the log's process in the log's own period.

    Arrivals: intensity by weekday and hour with a shrunk factor per month. Routing: the next activity given the present
    one and its round, transitions of finished stays only, so that open cases do not look finished. Durations: working
    time in the person's calendar, by round, shared out where a person works on several things at once; empirical
    quantiles, or a log-normal where there are few. Roles: the log's, or else pools of activities done by the same
    people. Calendars: by person, role or office, as the number of observations allows; absences of a week or more where
    silence is improbable. Delay: what is left of the waiting after the person was last free.

    Raises `DataError` if the log has fewer than 20 completed cases, more than 500 activities, or no duration at all.
    """
    _check(log)
    seen = _observe(log)
    processing, delay, multitasking = _spent(seen)
    notes = _notes(seen, delay, multitasking)
    activities = {
        activity: _activity(seen, code, processing, delay)
        for code, activity in enumerate(log.activities)
        if (log.activity == code).any()
    }
    people = [
        Person(
            name=person,
            roles=[seen.pools.names[role] for role in seen.pools.of_person[number]],
            calendar=seen.calendar_of[number],
            absences=list(seen.absences[number]),
        )
        for number, person in enumerate(log.resources)
        if seen.pools.of_person[number]
    ]
    used = {"office", *(person.calendar for person in people)}
    return SimulationModel(
        name=name or log.name,
        time_zone=seen.office.time_zone,
        start=_first_day(log),
        office="office",
        calendars={key: _as_model(one) for key, one in seen.calendars.items() if key in used},
        people=people,
        activities=activities,
        begin=_routes(log, _firsts(log), None),
        arrivals=_arrivals(seen),
        notes=notes,
    )


def _check(log: EventLog) -> None:
    done = int(log.completed.sum())
    if done < _FEWEST_CASES:
        raise DataError(
            f"{log.name}: {done} completed cases are too few to calibrate a simulation; it needs at least {_FEWEST_CASES}"
        )
    if len(log.activities) > _MOST_ACTIVITIES:
        raise DataError(
            f"{log.name}: {len(log.activities)} activities are too many to calibrate a simulation (at most "
            f"{_MOST_ACTIVITIES}); merge or drop the rare ones first"
        )
    if log.observed[1] - log.observed[0] < 7 * DAY:
        raise DataError(f"{log.name}: the log covers less than a week; a weekly rhythm cannot be estimated from it")


def _observe(log: EventLog) -> _Observed:
    office = log.working_calendar()
    pools = find_pools(log)
    calendars: dict[str, Calendar] = {"office": office}
    by_role: dict[int, str] = {}
    for role, title in enumerate(pools.names):
        rows = pools.of_activity[log.activity] == role
        if rows.sum() >= _ENOUGH_FOR_CALENDAR:
            by_role[role] = f"role {title}"
            calendars[by_role[role]] = infer_calendar(log, instances=rows & (log.resource >= 0))
    chosen, absences = [], []
    counts = np.bincount(log.resource[log.resource >= 0], minlength=len(log.resources))
    for person, title in enumerate(log.resources):
        rows = log.resource == person
        if counts[person] >= _ENOUGH_FOR_CALENDAR:
            key = f"person {title}"
            calendars[key] = infer_calendar(log, instances=rows)
        else:
            roles = pools.of_person[person]
            key = by_role.get(roles[0], "office") if roles else "office"
        chosen.append(key)
        absences.append(_absences(log, rows, calendars[key]))
    return _Observed(log, enabled_times(log), pools, office, calendars, tuple(chosen), tuple(absences))


def _absences(log: EventLog, rows: NDArray[np.bool_], calendar: Calendar) -> tuple[tuple[date, date], ...]:
    """Return the spans of at least 5 open days without a sign of a person whose usual rate makes that improbable."""
    moments = np.sort(np.concatenate((log.start[rows], log.end[rows & ~log.ongoing])))
    if len(moments) < 2 * _ENOUGH_FOR_ROUND:
        return ()
    gaps = calendar.working_time(moments[:-1], moments[1:])
    rate = len(moments) / max(int(calendar.working_time(moments[0], moments[-1])), 1)
    open_day = calendar.hours_per_day * HOUR
    # exp(-rate * gap) < 1e-6: a Poisson person is not silent for so long by chance. Long work in hand is no absence.
    working = _covered(log.start[rows], log.end[rows], moments)
    quiet = np.flatnonzero((gaps >= 4.5 * open_day) & (rate * gaps > 14) & ~working)
    out = []
    for gap in quiet:
        first = from_us(int(moments[gap]), log.time_zone).date() + timedelta(days=1)
        last = from_us(int(moments[gap + 1]), log.time_zone).date() - timedelta(days=1)
        if last >= first:
            out.append((first, last))
    return tuple(out)


def _covered(start: Int, end: Int, moments: Int) -> NDArray[np.bool_]:
    """Return for each gap between moments whether an instance spans it whole."""
    begun = np.searchsorted(np.sort(start), moments[:-1], side="right")
    done = np.searchsorted(np.sort(end), moments[1:], side="left")
    return np.asarray(begun > done)


# -- times -------------------------------------------------------------------------------------------------------------


def _spent(seen: _Observed) -> tuple[Floats, Floats, float]:
    """Return processing and delay in hours per instance (NaN where unknown), and the mean number of things at once."""
    log = seen.log
    processing = np.full(len(log), np.nan)
    delay = np.full(len(log), np.nan)
    shared, plain = 0.0, 0.0
    for person in range(len(log.resources)):
        rows = np.flatnonzero((log.resource == person) & ~log.ongoing)
        if not len(rows):
            continue
        calendar = seen.calendars[seen.calendar_of[person]].without(seen.absences[person])
        start, end, ready = log.start[rows], log.end[rows], seen.enabled[rows]
        free = _last_free(start if log.timestamps != "completed" else end, end)
        begun = np.maximum(ready, np.minimum(free, start if log.timestamps != "completed" else end))
        if log.timestamps == "completed":
            processing[rows], delay[rows] = _split_completions(calendar, ready, free, end)
            continue
        whole = calendar.working_time(start, end) / HOUR
        processing[rows] = _shared(calendar, start, end) / HOUR
        delay[rows] = np.maximum(calendar.working_time(begun, start), 0) / HOUR
        shared += float(processing[rows].sum())
        plain += float(whole.sum())
    return processing, delay, plain / shared if shared else 1.0


def _last_free(start: Int, end: Int) -> Int:
    """Return for each start the latest end of the person's other work that was over by then (or a time long past)."""
    ends = np.sort(end)
    index = np.searchsorted(ends, start, side="left") - 1
    return np.where(index >= 0, ends[np.maximum(index, 0)], np.iinfo(np.int64).min // 2)


def _split_completions(calendar: Calendar, ready: Int, free: Int, end: Int) -> tuple[Floats, Floats]:
    """Split the time before completions into processing and delay, where starts are not recorded.

    Work that was waiting when the person completed something else the same day took at most the gap between the two
    completions (the inter-departure time of a busy server). The median of these gaps bounds the processing of the rest.
    """
    gap = calendar.working_time(np.maximum(ready, free), end) / HOUR
    total = np.maximum(calendar.working_time(ready, end), 0) / HOUR
    busy = (free >= ready) & (gap <= calendar.hours_per_day)
    typical = float(np.median(gap[busy])) if busy.sum() >= _ENOUGH_FOR_ROUND else 0.0
    spent = np.where(busy, gap, np.minimum(gap, typical))
    return np.maximum(spent, 0), np.maximum(np.where(busy, 0, total - spent), 0)


def _shared(calendar: Calendar, start: Int, end: Int) -> Floats:
    """Return the working time (µs) of each stay with every moment shared among the stays that run at once."""
    points = np.unique(np.concatenate((start, end)))
    if len(points) < 2:
        return np.zeros(len(start))
    running = np.cumsum(np.bincount(np.searchsorted(points, start), minlength=len(points))) - np.cumsum(
        np.bincount(np.searchsorted(points, end), minlength=len(points))
    )
    open_time = calendar.working_time(points[:-1], points[1:])
    passed = np.concatenate(([0.0], np.cumsum(open_time / np.maximum(running[:-1], 1))))
    return np.asarray(passed[np.searchsorted(points, end)] - passed[np.searchsorted(points, start)])


def _distribution(hours: Floats) -> Distribution:
    """Return quantiles of many observations, a log-normal with their moments for few, a constant for one value."""
    values = hours[np.isfinite(hours)]
    if not len(values) or float(values.max()) <= 0:
        return Fixed(hours=0.0)
    if len(values) >= _ENOUGH_FOR_QUANTILES:
        points = np.quantile(values, np.linspace(0, 1, _QUANTILES))
        # The linear path between quantiles has a slightly different mean; the load of a role depends on the mean.
        mean = float(((points[1:] + points[:-1]) / 2).mean())
        return Empirical(quantiles=[round(float(v), 6) for v in points * (float(values.mean()) / mean)])
    mean, deviation = float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else 0.0
    if deviation == 0:
        return Fixed(hours=round(mean, 6))
    return LogNormal(mean=round(mean, 6), cv=round(min(deviation / mean, 5.0), 6))


# -- activities and routing --------------------------------------------------------------------------------------------


def _activity(seen: _Observed, code: int, processing: Floats, delay: Floats) -> ActivityModel:
    log = seen.log
    rows = (log.activity == code) & ~log.ongoing
    role = int(seen.pools.of_activity[code])
    following = _by_round(log, code)
    routes = [_routes(log, chosen, code) for chosen in following] or [[Route(to=None, probability=1.0)]]
    if role < 0:
        office = seen.office.is_open(log.end[rows]).mean() > 0.9 if rows.any() else False
        clock = seen.office if office else Calendar.always()
        hours = clock.working_time(seen.enabled[rows], log.end[rows]) / HOUR
        durations = [_distribution(np.maximum(hours, 0))]
        return ActivityModel(duration=durations, calendar="office" if office else None, next=routes)
    by_round = _rounds(log, rows)
    waits = delay[rows]
    spread = _distribution(waits) if np.nanmean(np.append(waits, 0)) > 0.05 else None
    calendars = {seen.calendar_of[n] for n, roles in enumerate(seen.pools.of_person) if role in roles}
    return ActivityModel(
        role=seen.pools.names[role],
        duration=[_distribution(processing[chosen]) for chosen in by_round] or [Fixed(hours=0.0)],
        delay=spread,
        calendar=(calendars.pop() if len(calendars) == 1 else "office") if spread else None,
        same_person=_same_person(log, code),
        next=routes,
    )


def _rounds(log: EventLog, rows: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    """Return the rows of round 1, 2, ...; the last entry holds all further rounds."""
    out, number = [], 1
    while (rows & (log.round > number)).sum() >= _ENOUGH_FOR_ROUND and number < 5:
        out.append(rows & (log.round == number))
        number += 1
    return [*out, rows & (log.round >= number)] if rows.any() else []


def _by_round(log: EventLog, code: int) -> list[Int]:
    """Return by round the instances of an activity whose continuation is known: all but the last of an open case."""
    last = np.zeros(len(log), dtype=np.bool_)
    last[log.offsets[1:] - 1] = ~log.completed
    rows = (log.activity == code) & ~last
    return [np.flatnonzero(chosen) for chosen in _rounds(log, rows)]


def _firsts(log: EventLog) -> Int:
    return log.offsets[:-1] - 1


def _routes(log: EventLog, sources: Int, code: int | None) -> list[Route]:
    """Return the routes taken after the instances `sources` (-1 + the first one of each case, for the beginning)."""
    following = sources + 1
    if code is None:
        ends = np.zeros(len(sources), dtype=np.bool_)
    else:
        ends = np.isin(following, log.offsets[1:])
    cancelled = ends & _cancelled(log)[log.case_of[np.maximum(sources, 0)]]
    total = len(sources)
    going = following[~ends]
    targets, counts = np.unique(log.activity[going], return_counts=True) if len(going) else (np.array([]), np.array([]))
    back = np.bincount(log.activity[going], weights=log.round[going] > 1, minlength=len(log.activities))
    out = [
        Route(
            to=log.activities[int(target)],
            probability=count / total,
            rework=code is not None and back[int(target)] > count / 2,
        )
        for target, count in zip(targets, counts, strict=True)
    ]
    finished = int((ends & ~cancelled).sum())
    if finished:
        out.append(Route(to=None, probability=finished / total))
    if cancelled.any():
        out.append(Route(to=None, probability=float(cancelled.sum()) / total, outcome="cancelled"))
    return sorted(out, key=lambda route: -route.probability)


def _cancelled(log: EventLog) -> NDArray[np.bool_]:
    if "outcome" not in log.case_attributes:
        return np.zeros(log.n_cases, dtype=np.bool_)
    return np.asarray((log.case_attributes["outcome"] == "cancelled").to_numpy(), dtype=np.bool_)


def _same_person(log: EventLog, code: int) -> bool:
    """Whether further rounds are done by the person of the round before, far more often than chance would have it."""
    rows = np.flatnonzero((log.activity == code) & (log.resource >= 0))
    rows = rows[np.lexsort((log.round[rows], log.case_of[rows]))]
    pairs = (np.diff(log.case_of[rows]) == 0) if len(rows) > 1 else np.zeros(0, dtype=np.bool_)
    if pairs.sum() < _ENOUGH_FOR_ROUND:
        return False
    who = log.resource[rows]
    same = (who[1:] == who[:-1])[pairs].mean()
    shares = np.bincount(who) / len(who)
    return bool(same > 0.9 and (shares**2).sum() < 0.75)


# -- arrivals ----------------------------------------------------------------------------------------------------------


def _first_day(log: EventLog) -> date:
    return from_us(log.observed[0], log.time_zone).date()


def _arrivals(seen: _Observed) -> Arrivals:
    """Return the arrival intensity by weekday and hour, with a shrunk factor per month of the log."""
    log = seen.log
    begin = np.minimum.reduceat(seen.enabled, log.offsets[:-1])
    begin = begin[(begin >= log.observed[0]) & (begin <= log.observed[1])]
    local = pd.Series(begin.astype("datetime64[us]")).dt.tz_localize("UTC").dt.tz_convert(seen.office.time_zone)
    first, last = local.min().date(), local.max().date()
    days = pd.date_range(first, last, freq="D")
    holidays = seen.office.holidays
    closed = {one for year in range(first.year, last.year + 1) for one in public_holidays(holidays, year)[0]} if (
        holidays
    ) else set()
    counted = np.array([day.date() not in closed for day in days])
    weekdays = np.bincount(days.dayofweek[counted], minlength=7)
    kept = ~local.dt.date.isin(closed)
    table = np.zeros((7, 24))
    np.add.at(table, (local[kept].dt.dayofweek.to_numpy(), local[kept].dt.hour.to_numpy()), 1.0)
    rate = table / np.maximum(weekdays, 1)[:, None]
    expected = pd.Series(rate.sum(axis=1)[days.dayofweek] * counted, index=days).groupby(days.to_period("M")).sum()
    found = local[kept].dt.tz_localize(None).dt.to_period("M").value_counts()
    seasons = []
    # Twenty imagined cases at the usual rate pull a month's factor towards 1.
    for month, usual in expected.items():
        factor = (float(found.get(month, 0)) + 20) / (float(usual) + 20)
        seasons.append(Season(first=month.start_time.date(), last=month.end_time.date(), factor=round(factor, 4)))
    return Arrivals(
        weekly=[[round(float(value), 6) for value in row] for row in rate],
        holidays=holidays,
        seasons=seasons if len(seasons) >= 3 else [],
    )


def _as_model(calendar: Calendar) -> CalendarModel:
    values = calendar.to_dict()
    return CalendarModel(
        weekly=values["weekly"], holidays=values.get("holidays"), exceptions=values.get("exceptions", {})
    )


def _notes(seen: _Observed, delay: Floats, multitasking: float) -> list[str]:
    log = seen.log
    notes = []
    if log.timestamps == "completed":
        notes.append(NOTE_COMPLETED)
    if not log.resources:
        notes.append(NOTE_NOBODY)
    if np.nanmean(np.append(delay, 0.0)) > 0.05:
        notes.append(NOTE_DELAY)
    inner = np.ones(len(log), dtype=np.bool_)
    inner[log.offsets[:-1]] = False
    rows = np.flatnonzero(inner)
    if len(rows) and (log.start[rows] < log.end[rows - 1]).mean() > 0.05:
        notes.append(NOTE_OVERLAP)
    if multitasking > 1.1:
        notes.append(NOTE_MULTITASKING)
    return notes

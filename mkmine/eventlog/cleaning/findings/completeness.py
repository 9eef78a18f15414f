"""What is not there: rows set aside, empty values, silent weeks, cases that are cut off."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.calendars import DAY, from_us, public_holidays
from mkmine.errors import DataError
from mkmine.eventlog.cleaning.changes import REPAIRED
from mkmine.eventlog.cleaning.findings.finding import Finding, View
from mkmine.eventlog.columns import Text
from mkmine.eventlog.summaries import outside_activities

__all__ = [
    "crowded",
    "cut_at_end",
    "cut_at_start",
    "free_days",
    "gaps",
    "missing_people",
    "missing_values",
    "open_cases",
    "quarantined",
    "single",
]

Int = NDArray[np.int64]
Bool = NDArray[np.bool_]
# So much of what should be filled in has to be empty to be worth a word.
MISSING_SHARE, FEW = 0.01, 2
# A column belongs to an activity if it is filled in so often; where it never is, it is none of its business.
FILLED = 0.8
# A silence is told where so much was to be expected, on so many days at least.
EXPECTED, SILENT_DAYS = 20, 3
# Weeks before and after a day that say what is usual on it.
WEEKS = 4
# A first (last) activity is usual if so many of the cases begin (end) with it.
USUAL = 0.02
FEWEST_CASES = 20
_CROWDED = (
    "cases that begin in the first fifth of the time that the log covers",
    "cases that begin in the last fifth of the time that the log covers",
)
# The cases are crowded if so many of them begin in so much of the time.
CROWD, CORNER = 0.6, 0.2


def quarantined(view: View) -> Finding | None:
    """Find the rows of the source that were set aside; what a repair took out was looked at already."""
    told = view.log.quarantine["reason"].astype(str)
    unread = told[~told.isin(REPAIRED)]
    count = len(unread)
    if not count:
        return None
    # What stands after a colon is the value that was met.
    reasons = unread.str.split(": ").str[0].value_counts()
    return Finding(
        kind="quarantined",
        what="rows of the source that could not be used",
        count=count,
        of=len(told) + len(view.log),
        examples=tuple(f"{reason} ({n:,})" for reason, n in reasons.head(3).items()),
        advice="look at log.quarantine and correct them at the source",
    )


def missing_people(view: View) -> Finding | None:
    """Find instances without a person where the activity is usually done by someone named."""
    log = view.log
    if not log.resources:
        return None
    rows = (log.resource < 0) & ~outside_activities(log)[log.activity]
    if rows.mean() <= MISSING_SHARE:
        return None
    return Finding(
        kind="missing_people",
        what="instances without a person, of activities that people do",
        count=int(rows.sum()),
        of=len(log),
        examples=view.cases(rows),
        advice="their work is missing in the workload and in the hand-overs; were deleted accounts exported?",
    )


def missing_values(view: View) -> Finding | None:
    """Find empty cells in columns that are otherwise filled in for the same activity (or for the other cases)."""
    log, empty, counts = view.log, {}, 0
    k = len(log.activities)
    total = np.bincount(log.activity, minlength=k)
    for name in log.attributes:
        held = log.attributes.held(name)
        blank = held.codes < 0 if isinstance(held, Text) else _blank(held)
        if not blank.any():
            continue
        lacking = np.bincount(log.activity[blank], minlength=k)
        expected = (lacking > 0) & (lacking <= (1 - FILLED) * total)
        if lacking[expected].sum() > max(MISSING_SHARE * total.sum(), FEW):
            empty[name] = int(lacking[expected].sum())
            counts += len(log)
    for column in log.case_attributes.columns:
        lacking_cases = int(log.case_attributes[column].isna().sum())
        if max(MISSING_SHARE * log.n_cases, FEW) < lacking_cases <= (1 - FILLED) * log.n_cases:
            empty[str(column)] = lacking_cases
            counts += log.n_cases
    if not empty:
        return None
    worst = sorted(empty, key=lambda name: -empty[name])
    return Finding(
        kind="missing_values",
        what="empty cells in columns that are otherwise filled in",
        count=sum(empty.values()),
        of=counts,
        examples=tuple(f"{name} ({empty[name]:,})" for name in worst[:3]),
        advice="groups by these columns leave such rows out; fill them in at the source",
    )


def _blank(values: NDArray[np.generic]) -> Bool:
    return np.zeros(len(values), dtype=np.bool_) if values.dtype.kind in "biu" else np.asarray(pd.isna(values))


def single(view: View) -> Finding | None:
    """Find cases of one event."""
    cases = np.diff(view.log.offsets) == 1
    if not cases.any():
        return None
    return Finding(
        kind="single",
        what="cases of one event",
        count=int(cases.sum()),
        of=view.log.n_cases,
        examples=view.ids(cases),
        advice="nothing can be said of their flow; were the other events left out of the export?",
        repair="keep_size(log, at_least=2)",
    )


def open_cases(view: View) -> Finding | None:
    """Find cases that were open when the observation ended."""
    cases = ~view.log.completed
    if not cases.any():
        return None
    return Finding(
        kind="open",
        what="cases still open when the observation ended",
        count=int(cases.sum()),
        of=view.log.n_cases,
        examples=view.ids(cases),
        advice="they are kept and treated as censored: their cycle time is at least what is seen",
    )


def cut_at_start(view: View) -> Finding | None:
    """Find cases at the beginning of the window whose first activity is not one that cases begin with."""
    log = view.log
    first = log.activity[log.offsets[:-1]]
    early = view.begins <= np.quantile(view.begins, 0.001) + _edge(view)
    found = _unusual(first, early, np.ones(log.n_cases, dtype=np.bool_), len(log.activities))
    if found is None:
        return None
    cases, _ = found
    # From the day after the last of them on, cases are whole.
    since = date.fromisoformat(view.date(int(view.begins[cases].max()))) + timedelta(days=1)
    return Finding(
        kind="cut_start",
        what="cases at the beginning of the window that do not begin as others do",
        count=int(cases.sum()),
        of=int(early.sum()),
        examples=view.ids(cases),
        advice="they began before the export did: leave them out, or they look too short",
        repair=_started(since.isoformat(), view.date(int(view.begins.max()))),
    )


def cut_at_end(view: View) -> Finding | None:
    """Find cases at the end of the window that count as completed, but do not end as others do."""
    log = view.log
    last = log.activity[log.offsets[1:] - 1]
    late = log.completed & (view.finishes >= np.quantile(view.finishes, 0.999) - _edge(view))
    found = _unusual(last, late, log.completed, len(log.activities))
    if found is None:
        return None
    cases, usual = found
    return Finding(
        kind="cut_end",
        what="completed cases at the end of the window that do not end as others do",
        count=int(cases.sum()),
        of=int(late.sum()),
        examples=view.ids(cases),
        advice="they were probably still open: name the final activities when reading (final=[...])",
        repair=f"keep_endpoints(log, ends={[log.activities[code] for code in usual]!r})",
    )


def _edge(view: View) -> int:
    """Return the length of the edge of the window: two median cycle times, within reason."""
    spread = np.quantile(view.begins, 0.999) - np.quantile(view.begins, 0.001)
    cycle = float(np.median(view.finishes - view.begins))
    return int(np.clip(2 * cycle, 0.01 * spread, 0.15 * spread))


def _started(first: str, last: str) -> str:
    """Return the repair that keeps what started in these days, if there are any."""
    return "" if first > last else f'keep_window(log, "{first}", "{last}", cases="started")'


def _unusual(code: NDArray[np.unsignedinteger], edge: Bool, among: Bool, k: int) -> tuple[Bool, list[int]] | None:
    """Return the cases of the edge whose end is unusual elsewhere, if there are clearly more of them than elsewhere.

    With them come the codes of the usual ends.
    """
    inside = among & ~edge
    if edge.sum() < FEWEST_CASES or inside.sum() < FEWEST_CASES:
        return None
    counts = np.bincount(code[inside], minlength=k)
    usual = counts >= USUAL * inside.sum()
    odd = ~usual[code]
    normal = float(odd[inside].mean())
    cases = edge & odd
    share, n = float(odd[edge].mean()), int(edge.sum())
    # Four standard errors above what chance would give, and three times as much.
    chance = 4 * np.sqrt(max(normal, 1 / inside.sum()) * (1 - min(normal, 0.99)) / n)
    if share <= max(3 * normal, normal + chance, 0.02) or cases.sum() < 5:
        return None
    return cases, np.flatnonzero(usual).tolist()


def crowded(view: View) -> Finding | None:
    """Find that most cases begin at one end of the window: the log was cut out by other dates than it seems."""
    log = view.log
    first, last = np.quantile(view.begins, [0.0, 1.0])
    if log.n_cases < 50 or last - first < 28 * DAY:
        return None
    late, early = view.begins > last - CORNER * (last - first), view.begins < first + CORNER * (last - first)
    if max(late.mean(), early.mean()) < CROWD:
        return None
    at_end = bool(late.mean() > early.mean())
    cases = late if at_end else early
    full = view.begins[cases]
    return Finding(
        kind="crowded",
        what=_CROWDED[at_end],
        count=int(cases.sum()),
        of=log.n_cases,
        examples=view.ids(cases),
        advice="the export was probably cut by when cases ended or changed: trust rates and trends where it is full",
        repair=_started(view.date(int(full.min())), view.date(int(full.max()))),
    )


def gaps(view: View) -> Finding | None:
    """Find days without any event where the weeks before and after are busy on such days."""
    first, counts = view.daily
    if len(counts) < 28 or counts.sum() < 10 * EXPECTED:
        return None
    days = first + np.arange(len(counts))
    # Much of the world closes between the years, whatever the public holidays are.
    turn = [(day.month, day.day) >= (12, 24) or (day.month, day.day) <= (1, 8) for day in map(_date, days)]
    expected = np.where(free_days(view, days) | np.array(turn), 0.0, _usual_on(counts))
    silent = (counts == 0).astype(np.int8)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], silent, [0]))))
    found = []
    for start, end in edges.reshape(-1, 2).tolist():
        part = expected[start:end]
        if part.sum() >= EXPECTED and (part >= 1).sum() >= SILENT_DAYS:
            found.append((start, end, int((part >= 1).sum())))
    if not found:
        return None
    return Finding(
        kind="gaps",
        what="usually busy days on which nothing at all is recorded, several in a row",
        count=sum(n for _, _, n in found),
        of=int((expected >= 1).sum()),
        examples=tuple(f"{_date(days[start])} – {_date(days[end - 1])}" for start, end, _ in found[:3]),
        advice="a closure, or events missing in the export: leave out cases that cross it, or add it to the calendar",
    )


def _usual_on(counts: Int) -> NDArray[np.float64]:
    """Return for each day the median count of the same weekday in the weeks around it."""
    pad = 7 * WEEKS
    wide = np.concatenate((np.full(pad, np.nan), counts.astype(np.float64), np.full(pad, np.nan)))
    shifts = [7 * week for week in range(-WEEKS, WEEKS + 1) if week]
    around = np.stack([wide[pad + shift : pad + shift + len(counts)] for shift in shifts])
    return np.asarray(np.nanmedian(around, axis=0))


def free_days(view: View, days: Int) -> Bool:
    """Return which of these local days are free by the calendar, or public holidays where the log was recorded."""
    log = view.log
    if log.calendar is not None:
        noon = (days * DAY + DAY // 2).astype("datetime64[us]").astype(np.int64)
        return np.asarray(log.calendar.working_time(noon - DAY // 2, noon + DAY // 2) == 0)
    country = _country(log.time_zone)
    if country is None:
        return np.zeros(len(days), dtype=np.bool_)
    # One wrong date must not make us look up the holidays of a century.
    years = np.unique(view.day.astype("datetime64[D]").astype("datetime64[Y]")).astype(np.int64) + 1970
    free = [day for year in years.tolist() for day in public_holidays(country, year)[0]]
    return np.isin(days, np.array(free, dtype="datetime64[D]").astype(np.int64))


@lru_cache(maxsize=64)
def _country(time_zone: str) -> str | None:
    """Return the country of a time zone, if its holidays are known."""
    from babel.core import get_global

    territory = get_global("zone_territories").get(time_zone)
    if territory in (None, "001"):
        return None
    try:
        public_holidays(str(territory), 2025)
    except DataError:
        return None
    return str(territory)


def _date(day: np.int64) -> date:
    return from_us(int(day) * DAY).date()

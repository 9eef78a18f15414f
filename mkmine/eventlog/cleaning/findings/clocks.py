"""Times that are not what they seem: dates without a time, rounded, from another time zone, on days off, far away."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mkmine.calendars import DAY, HOUR, from_us
from mkmine.eventlog.cleaning.findings.completeness import free_days
from mkmine.eventlog.cleaning.findings.finding import Finding, View
from mkmine.eventlog.columns import Text

__all__ = ["days_off", "far_away", "midnight", "other_clock", "rounded", "shifted_clock"]

Int = NDArray[np.int64]
Bool = NDArray[np.bool_]
MINUTE = HOUR // 60
SHARE = 0.01
# Midnights are dates without a time if there are so many times as many as ends at the other full hours.
ABOVE_HOURS = 5
# Nearly all times are multiples of the step that somebody types.
STEPS = (
    (HOUR, "times rounded to the hour"),
    (30 * MINUTE, "times rounded to the half hour"),
    (15 * MINUTE, "times rounded to the quarter of an hour"),
    (5 * MINUTE, "times rounded to five minutes"),
)
NEARLY_ALL = 0.95
HEAP = 0.05
# Below this much of the busiest weekday's activity a weekday is a day off.
DAY_OFF = 0.1
# Two clocks are shifted if the daily patterns differ so much as they are, and so much less after a shift of full hours
# (parts of the day's activity that would have to move).
DIFFERENT, ALIKE = 0.2, 0.35
FEWEST = 200
SMALLEST_SHIFT = 2
# A group among night-free colleagues is on another clock only if so much of it falls into their nights.
NIGHT, IN_NIGHT = 0.005, 0.2
MOST_GROUPS = 200
YEAR = 365 * DAY


def midnight(view: View) -> Finding | None:
    """Find starts and ends at exactly midnight."""
    time = view.local % DAY
    at = (time == 0) & view.over
    if view.log.timestamps != "completed":
        at |= view.local_start % DAY == 0
    if at.mean() <= SHARE:
        return None
    full = int(((time % HOUR == 0) & view.over).sum()) - int((time == 0).sum())
    # A log of full hours ends some of its work at midnight too.
    if at.sum() <= ABOVE_HOURS * full / 23:
        return None
    return Finding(
        kind="midnight",
        what="times at exactly midnight",
        count=int(at.sum()),
        of=len(view.log),
        examples=view.cases(at),
        advice="these are dates without a time: durations below a day mean nothing",
    )


def rounded(view: View) -> Finding | None:
    """Find times that somebody rounded: nearly all at full hours or the like, or far too many of them."""
    time = view.local[view.over] % DAY
    time = time[time != 0]
    if len(time) < FEWEST:
        return None
    for step, what in STEPS:
        at = time % step == 0
        if at.mean() >= NEARLY_ALL:
            return Finding(
                kind="rounded",
                what=what,
                count=int(at.sum()),
                of=len(view.log),
                advice="typed in by hand, or rounded in the export: shorter durations mean nothing, ties are likely",
            )
    whole = float((time % MINUTE == 0).mean())
    full = float((time % HOUR == 0).mean())
    if full < max(HEAP, 3 / 60 if whole >= NEARLY_ALL else HEAP):
        return None
    rows = view.over & (view.local % HOUR == 0) & (view.local % DAY != 0)
    return Finding(
        kind="heaped",
        what="times at a full hour, more than chance would put there",
        count=int(rows.sum()),
        of=len(view.log),
        examples=view.cases(rows),
        advice="part of the times is typed in by hand afterwards: their minutes mean little",
    )


def days_off(view: View) -> Finding | None:
    """Find what ended on days on which hardly anybody works: weekends and public holidays."""
    first, counts = view.daily
    if len(counts) < 28:
        return None
    days = first + np.arange(len(counts))
    weekday = (days + 3) % 7
    usual = np.bincount(weekday, weights=counts, minlength=7) / np.bincount(weekday, minlength=7)
    off = (usual < DAY_OFF * usual.max())[weekday]
    if off.any():
        # Holidays of a process that never rests are like any other day.
        holidays = free_days(view, days)
        off = holidays if view.log.calendar is not None else off | holidays
    worked = int(counts[off].sum())
    if worked <= SHARE * counts.sum():
        return None
    rows = view.over & off[np.clip(view.day - first, 0, len(off) - 1)]
    return Finding(
        kind="days_off",
        what="instances that ended on a weekend or a public holiday",
        count=int(rows.sum()),
        of=len(view.log),
        examples=view.cases(rows),
        advice="overtime, or dates typed in later: working time does not count these days",
    )


def far_away(view: View) -> Finding | None:
    """Find instants years away from all the others: a wrong year, an empty date of a database."""
    log = view.log
    if len(log) < 100:
        return None
    low, high = (int(one) for one in np.quantile(log.end, [0.01, 0.99]))
    margin = max(high - low, YEAR)
    rows = (log.start < low - margin) | (log.end > high + margin)
    if not rows.any():
        return None
    first, final = view.date(int(log.start[~rows].min())), view.date(int(log.end[~rows].max()))
    dates = sorted({from_us(int(one), log.time_zone).date().isoformat() for one in log.start[rows][:1000]})
    return Finding(
        kind="far_away",
        what="instances years away from all the others",
        count=int(rows.sum()),
        of=len(log),
        examples=tuple(dates[:3]),
        advice="a wrong year, an empty date, or a very old case: correct them, or windows and trends are stretched",
        repair=f'keep_window(log, "{first}", "{final}")',
    )


def shifted_clock(view: View) -> Finding | None:
    """Find people, roles or sources whose day is the others', some hours later or earlier."""
    log = view.log
    hour = view.local[view.over] // HOUR % 24
    groups: list[tuple[str, NDArray[Any], Any]] = [
        ("role", log.role, log.roles),
        ("resource", log.resource, log.resources),
    ]
    for name in log.attributes:
        held = log.attributes.held(name)
        if isinstance(held, Text):
            groups.append((name, held.codes, held.names))
    for column, codes, names in groups:
        if not 2 <= len(names) <= MOST_GROUPS:
            continue
        kept = codes[view.over].astype(np.int64)
        table = np.bincount((kept + 1) * 24 + hour, minlength=24 * (len(names) + 1)).reshape(-1, 24)[1:]
        found = _on_another_clock(table)
        if found:
            rows = np.isin(codes, [group for group, _ in found]) & view.over
            return Finding(
                kind="other_clock",
                what="instances of groups whose day is shifted by whole hours against the others'",
                count=int(rows.sum()),
                of=len(log),
                examples=tuple(f"{names[group]}: {shift:+d} h" for group, shift in found[:3]),
                advice="another time zone, or another shift: where it is the zone, shift_time puts their clock right",
                repair=f"shift_time(log, {-found[0][1]}, {_group(column, str(names[found[0][0]]))})",
            )
    return None


def _group(column: str, name: str) -> str:
    if column in ("role", "resource"):
        return f"{column}s=[{name!r}]"
    return f"attribute={column!r}, values=[{name!r}]"


def _on_another_clock(table: Int) -> list[tuple[int, int]]:
    """Return (group, hours that it is late) of the groups of a table (groups, 24) that are on another clock."""
    found = []
    total = table.sum(axis=0)
    for group in np.flatnonzero(table.sum(axis=1) >= FEWEST).tolist():
        own, rest = table[group], total - table[group]
        # Most of a log cannot be late against the rest of it.
        if rest.sum() < own.sum():
            continue
        shift = _shift(own, rest)
        quiet = rest < NIGHT * rest.sum()
        if shift and own[quiet].sum() >= IN_NIGHT * own.sum():
            found.append((group, shift))
    return found


def _shift(own: Int, rest: Int) -> int:
    """Return by how many hours a daily pattern is late against another one; 0 where that does not explain it."""
    a, b = own / own.sum(), rest / rest.sum()
    apart = np.array([0.5 * np.abs(np.roll(a, -late) - b).sum() for late in range(24)])
    best = int(apart.argmin())
    late = best if best <= 12 else best - 24
    clear = apart[0] >= DIFFERENT and apart[best] <= ALIKE * apart[0]
    return late if clear and abs(late) >= SMALLEST_SHIFT else 0


def other_clock(view: View) -> Finding | None:
    """Find a date from which on the whole day is shifted by some hours."""
    rows = view.over
    week = (view.day[rows] + 3) // 7
    if not len(week):
        return None
    week = week - week.min()
    weeks = int(week.max()) + 1
    if weeks < 4 or len(week) < 4 * FEWEST or weeks > 5000:
        return None
    table = np.bincount(week * 24 + view.local[rows] // HOUR % 24, minlength=24 * weeks).reshape(weeks, 24)
    before = np.cumsum(table, axis=0)
    best: tuple[float, int, int] | None = None
    for cut in range(2, weeks - 1):
        early, late = before[cut - 1], before[-1] - before[cut - 1]
        if min(early.sum(), late.sum()) < 2 * FEWEST:
            continue
        shift = _shift(late, early)
        if shift:
            gain = float(0.5 * np.abs(late / late.sum() - early / early.sum()).sum())
            best = max(best or (gain, cut, shift), (gain, cut, shift))
    if best is None:
        return None
    _, cut, shift = best
    first = int(((view.day[rows] + 3) // 7).min())
    since = from_us(((first + cut) * 7 - 3) * DAY).date().isoformat()
    late_rows = rows & ((view.day + 3) // 7 - first >= cut)
    return Finding(
        kind="changed_clock",
        what="instances since a date from which on the day is shifted by whole hours",
        count=int(late_rows.sum()),
        of=len(view.log),
        examples=(f"{since}: {shift:+d} h",),
        advice="the source changed its time zone: shift_time puts one part right, or all durations across it are wrong",
        repair=f'shift_time(log, {-shift}, since="{since}")',
    )

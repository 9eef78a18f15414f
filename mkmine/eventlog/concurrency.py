"""Which activities of a case are done side by side, and since when work that follows such could have begun."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mkmine.calendars import DAY, local_time
from mkmine.eventlog.enablement import enabled_times
from mkmine.eventlog.log import EventLog

__all__ = ["enabled_beside", "latest_end_before", "rank_correlation", "side_by_side"]

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

# Where no more of two activities overlap than this share, or fewer, that is taken for noise.
NOISE, FEWEST = 0.02, 5
# What chance hardly explains in so many deviations, and what it easily does.
UNLIKELY, LIKELY = 4.5, 2.0
# So many instances show whether the start of one activity depends on the end of another.
ENOUGH = 50
# A case whose work goes on in more than so many instances at once is not looked through further.
DEEPEST = 64


def side_by_side(log: EventLog) -> Bools:
    """Return which activities (k, k) do not wait for each other, though they are done in the same cases.

    They do not if one begins while the other is in hand more often than errors of recording explain; or, where they
    only follow each other, if the one begins the sooner after the other's end the longer that took, and in all no
    later: what waits for the end of something begins the later, the longer it takes. Both are rank correlations, so
    that few long times do not decide. What begins at fixed hours does not wait for the end before either, but for its
    hour, and is not taken for side by side. Nothing is in logs that do not record starts, or that record since when
    work was ready.

    That overlapping shows what is concurrent is as in the oracles of D. Chapela-Campa and M. Dumas (2024), "Enhancing
    business process simulation models with extraneous activity delays" (DOI 10.1016/j.is.2024.102346), who then take
    for the enabling of work what `enabled_beside` takes. The second sign is ours.
    """
    k = len(log.activities)
    out: Bools = np.zeros((k, k), dtype=np.bool_)
    if log.enabled is not None or log.timestamps != "interval" or k < 2 or not len(log):
        return out
    together, follows = _overlapping(log), _following(log)
    tried = together + together.T + follows + follows.T
    seen = together + together.T
    chance = NOISE * tried
    out[:] = (seen >= FEWEST) & (seen > chance + UNLIKELY * np.sqrt(chance * (1 - NOISE)))
    for before, after in np.argwhere((follows + together >= ENOUGH) & ~out):
        if before != after and _apart(log, int(before), int(after)):
            out[before, after] = out[after, before] = True
    np.fill_diagonal(out, False)
    return out


def enabled_beside(log: EventLog, beside: Bools | None = None) -> Ints:
    """Return when each instance became enabled (n,), µs, if it waits for nothing that is done side by side with it.

    As `enabled_times`, but the latest end is that of the earlier instances of activities which are not `beside`
    (`side_by_side` of the log, by default). An instance with only such before it is enabled when its case begins.
    """
    out = enabled_times(log)
    pairs = side_by_side(log) if beside is None else beside
    rows = np.flatnonzero(np.any(pairs, axis=1)[log.activity] & (log.position > 0))
    if not len(rows):
        return out
    out = out.copy()
    reach, position = latest_end_before(log), log.position
    first = log.start[log.offsets[:-1]][log.case_of]
    none = np.iinfo(np.int64).min
    best = np.full(len(log), none)
    passed = np.zeros(len(log), dtype=np.bool_)
    left = rows
    for back in range(1, DEEPEST + 1):
        left = left[position[left] >= back]
        if not len(left):
            break
        earlier = left - back
        apart = pairs[log.activity[earlier], log.activity[left]]
        passed[left] |= apart
        fits = ~apart & (log.end[earlier] <= log.start[left])
        best[left] = np.where(fits, np.maximum(best[left], log.end[earlier]), best[left])
        left = left[reach[earlier] > best[left]]
    changed = rows[passed[rows]]
    out[changed] = np.where(best[changed] > none, best[changed], first[changed])
    return out


def latest_end_before(log: EventLog) -> Ints:
    """Return the latest end of all earlier instances of the case; for its first one, its own start."""
    # A cumulative maximum within cases: each case is lifted above the one before.
    span = int(log.end.max() - log.start.min()) + 1
    if span * log.n_cases < 1 << 62:
        lift = log.case_of.astype(np.int64) * span
        reach = np.maximum.accumulate(log.end - log.start.min() + lift) - lift + log.start.min()
    else:
        reach = np.concatenate(
            [np.maximum.accumulate(log.end[a:b]) for a, b in zip(log.offsets[:-1], log.offsets[1:], strict=True)]
        )
    out = np.concatenate(([log.start[0]], reach[:-1]))
    out[log.offsets[:-1]] = log.start[log.offsets[:-1]]
    return out


def _overlapping(log: EventLog) -> Ints:
    """Count how often each activity was in hand (rows) when another one began (columns)."""
    k = len(log.activities)
    counts = np.zeros(k * k, dtype=np.int64)
    reach, position = latest_end_before(log), log.position
    rows = np.flatnonzero((position > 0) & (reach > log.start))
    for back in range(1, DEEPEST + 1):
        rows = rows[position[rows] >= back]
        if not len(rows):
            break
        earlier = rows - back
        inside = log.end[earlier] > log.start[rows]
        codes = log.activity[earlier[inside]].astype(np.int64) * k + log.activity[rows[inside]]
        counts += np.bincount(codes, minlength=k * k)
        rows = rows[reach[earlier] > log.start[rows]]
    return counts.reshape(k, k)


def _following(log: EventLog) -> Ints:
    """Count how often each activity (rows) was over when the next one of its case (columns) began."""
    k = len(log.activities)
    rows = np.flatnonzero(log.position > 0)
    rows = rows[log.end[rows - 1] <= log.start[rows]]
    codes = log.activity[rows - 1].astype(np.int64) * k + log.activity[rows]
    return np.bincount(codes, minlength=k * k).reshape(k, k)


def _apart(log: EventLog, before: int, after: int) -> bool:
    """Whether the start of one activity does not depend on the end of the one before it, nor on the hour."""
    rows = np.flatnonzero((log.activity == after) & (log.position > 0))
    rows = rows[log.activity[rows - 1] == before]
    begun = log.start[rows - 1]
    taken, lag = log.end[rows - 1] - begun, log.start[rows] - begun
    if rank_correlation(taken, lag - taken) > -UNLIKELY or rank_correlation(taken, lag) > LIKELY:
        return False
    local = local_time(begun, log.time_zone)
    return not any(_differs(lag, phase) for phase in (local % DAY, local % (7 * DAY)))


def rank_correlation(one: NDArray[Any], other: NDArray[Any]) -> float:
    """Return Spearman's rank correlation in its standard deviations under independence; 0 where one is constant."""
    a, b = _ranks(one), _ranks(other)
    if a.std() == 0 or b.std() == 0:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1] * np.sqrt(len(a) - 1))


def _differs(values: Ints, phase: Ints) -> bool:
    """Whether values differ between eighths of a phase beyond what chance easily explains (Kruskal and Wallis 1952)."""
    ranks, group = _ranks(values), np.minimum((_ranks(phase) - 1) * 8 // len(phase), 7).astype(np.int64)
    n, number = len(values), np.bincount(group, minlength=8)
    mean = np.bincount(group, weights=ranks, minlength=8) / np.maximum(number, 1)
    spread = float(ranks.var())
    if spread == 0:
        return False
    deviation = float(number @ (mean - (n + 1) / 2) ** 2) / spread * (n - 1) / n
    free = int((number > 0).sum()) - 1
    return bool(deviation > free + UNLIKELY * np.sqrt(2 * free))


def _ranks(values: NDArray[Any]) -> Floats:
    """Return ranks from 1, equal values having their mean rank."""
    _, where, count = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(count) - (count - 1) / 2)[where])

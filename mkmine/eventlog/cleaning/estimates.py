"""Start times that the source does not record, estimated from when work could begin."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mkmine.calendars import DAY, Calendar
from mkmine.errors import DataError
from mkmine.eventlog.cleaning.changes import recorded, reordered, with_column
from mkmine.eventlog.cleaning.findings.order import instant_rows
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.statistics import Groups
from mkmine.eventlog.summaries import edge_matrix, outside_activities

__all__ = ["MISSING", "concurrent_activities", "enabled_by_completions", "estimate_starts", "free_since"]

Int = NDArray[np.int64]
Bool = NDArray[np.bool_]
MISSING = np.iinfo(np.int64).min
# Thresholds of the heuristics miner: weaker than this a succession in both orders is concurrency.
DEPENDENCY, LOOP = 0.9, 0.9
# Counts of successions below this share of the more frequent order are noise, not concurrency.
BOTH_WAYS = 0.1
# What took so many times the usual length was not worked on from the moment that it could begin.
OUTLIER = 2.0
SOURCES = ("recorded", "enabled", "person free", "usual length")


def estimate_starts(
    log: EventLog,
    *,
    calendar: Calendar | None = None,
    instances: NDArray[np.bool_] | None = None,
    outlier: float = OUTLIER,
) -> EventLog:
    """Estimate when each instance started: when it was enabled and its person was free, within working time.

    Enabled is the latest completion before it in its case of an activity that is not concurrent with its own (see
    `concurrent_activities`); free is the person's completion before it, in any case. The later of the two is the start,
    or the next opening of the calendar. Where neither is known, or the length would be over `outlier` times the median
    of the activity's estimated lengths (in working time), the instance gets that length instead: nobody works for weeks
    on what others do in hours. People who complete several things at once have worked on each since their completion
    before.

    The result has `timestamps="estimated"`, and its attribute `start_from` says for each instance where the start comes
    from: "enabled", "person free", "usual length", or "recorded". Waits that these starts imply are lower bounds: a
    person who is free need not have begun. In a log with recorded starts `instances`, a mask (n,), says which to
    estimate; without it, those that `quality` finds: they end at their start, and their activity usually takes time.

    Source: D. Chapela-Campa and M. Dumas, Repairing Activity Start Times to Improve Business Process Simulation (2022,
    arXiv:2208.12224); the outlier rule is theirs, working time and the treatment of ties are ours.

    Raises `DataError` if there is nothing to estimate, `instances` has another length, or `outlier` is less than 1.
    """
    if not outlier >= 1:
        raise DataError(f"outlier={outlier} would shorten usual work; give 1 or more")
    rows = _to_estimate(log, instances)
    working = calendar or log.working_calendar()
    enabled, free = enabled_by_completions(log), free_since(log)
    known = np.maximum(enabled, free)
    origin = np.where(free > enabled, 2, 1).astype(np.int8)
    start = np.where(known == MISSING, log.end, known)
    start = np.minimum(working.next_open(start), log.end)
    length = working.working_time(start, log.end)
    sure = rows & (known != MISSING)
    # Nothing says when the first work of a case could begin but that its person was free then: the length tells.
    usual = _usual(log, length, sure & (enabled != MISSING), sure)
    limit = outlier * usual[log.activity]
    odd = np.flatnonzero(rows & ((known == MISSING) | (length > limit)))
    wanted = np.where(known == MISSING, usual[log.activity], np.minimum(limit, length))[odd]
    start[odd] = _before(working, log.end[odd], wanted.astype(np.int64))
    origin[odd] = 3
    origin[~rows] = 0
    names = np.array(SOURCES, dtype=object)
    marked = with_column(log, "start_from", names[origin])
    begun = np.where(rows, np.minimum(start, log.end), log.start)
    done = reordered(marked, start=begun, enabled=None if log.enabled is None else np.minimum(log.enabled, begun))
    counts = np.bincount(origin, minlength=len(SOURCES))
    detail = (
        f"when enabled ({counts[1]:,}); when the person was free ({counts[2]:,}); by usual length ({counts[3]:,}); "
        f"at most {outlier:g} times the median; in working time ({working.describe()})"
    )
    observed = (min(log.observed[0], int(begun.min())), log.observed[1])
    return recorded(
        replace(done, timestamps="estimated", observed=observed), "estimate starts", detail, int(rows.sum())
    )


def _to_estimate(log: EventLog, instances: NDArray[np.bool_] | None) -> Bool:
    if instances is not None:
        rows = np.asarray(instances, dtype=np.bool_)
        if rows.shape != (len(log),):
            raise DataError(f"instances has shape {rows.shape}; give a mask of {len(log):,} instances")
    elif log.timestamps == "completed":
        rows = np.ones(len(log), dtype=np.bool_)
    else:
        rows = instant_rows(log)
    if not rows.any():
        raise DataError("all starts are recorded: there is none to estimate; choose some with instances=...")
    return rows


def concurrent_activities(log: EventLog) -> Bool:
    """Return which activities (k, k) run in parallel: they follow each other in both orders about equally often.

    The rule of the heuristics miner: both orders occur, neither dominates, and the two are no loop of length two
    (A, B, A). Source: A. Weijters and J. Ribeiro, Flexible Heuristics Miner (2011), as used by Chapela-Campa and Dumas.
    """
    k, codes = len(log.activities), log.activity.astype(np.int64)
    matrix = edge_matrix(log)
    follows = np.zeros((k, k))
    if matrix.shape == (k, k):
        follows[:] = matrix
    else:
        follows[matrix[:, 0], matrix[:, 1]] = matrix[:, 2]
    weak = np.abs(follows - follows.T) / (follows + follows.T + 1) < DEPENDENCY
    both = np.minimum(follows, follows.T) > BOTH_WAYS * np.maximum(follows, follows.T)
    back = np.zeros((k, k))
    if len(codes) > 2:
        rows = np.flatnonzero((codes[2:] == codes[:-2]) & (codes[1:-1] != codes[:-2]) & (log.position[2:] >= 2))
        np.add.at(back, (codes[rows], codes[rows + 1]), 1)
    loop = (back + back.T) / (back + back.T + 1) >= LOOP
    out = weak & both & ~loop
    np.fill_diagonal(out, False)
    return np.asarray(out, dtype=np.bool_)


def enabled_by_completions(log: EventLog) -> Int:
    """Return the latest earlier completion of the case that is not concurrent; the smallest integer for none."""
    order = np.lexsort((log.end, log.case_of))
    activity, end, case = log.activity[order], log.end[order], log.case_of[order]
    parallel = concurrent_activities(log)
    first = log.offsets[:-1][case]
    place = np.arange(len(log)) - 1
    left = np.flatnonzero(place >= first)
    while len(left):
        # Passed over: what is concurrent, and what ended at the very same moment.
        at = place[left]
        passed = parallel[activity[at], activity[left]] | (end[at] == end[left])
        place[left[passed]] -= 1
        left = left[passed]
        left = left[place[left] >= first[left]]
    found = np.where(place >= first, end[np.maximum(place, 0)], MISSING)
    out = np.empty(len(log), dtype=np.int64)
    out[order] = found
    return out


def free_since(log: EventLog) -> Int:
    """Return the person's latest completion before each one, the smallest integer if there is none or nobody is named.

    Completions of one person at the very same time are one sitting: all began after the one before.
    """
    person = np.where(outside_activities(log)[log.activity], -1, log.resource.astype(np.int64))
    order = np.lexsort((log.end, person))
    who, end = person[order], log.end[order]
    fresh = np.append(True, (who[1:] != who[:-1]) | (end[1:] != end[:-1]))
    sitting = np.cumsum(fresh) - 1
    begins = np.flatnonzero(fresh)
    before = np.append(MISSING, end[begins][:-1])
    before[np.append(True, who[begins][1:] != who[begins][:-1])] = MISSING
    found = np.where(who >= 0, before[sitting], MISSING)
    out = np.empty(len(log), dtype=np.int64)
    out[order] = found
    return out


def _usual(log: EventLog, length: Int, better: Bool, sure: Bool) -> NDArray[np.float64]:
    """Return the median length of each activity (k,): of instances with a known enabled time, or else of all; or 0."""
    k = len(log.activities)
    usual = Groups(length[better].astype(np.float64), log.activity[better], k).quantile(0.5)
    rest = Groups(length[sure].astype(np.float64), log.activity[sure], k).quantile(0.5)
    return np.nan_to_num(np.where(np.isnan(usual), rest, usual))


def _before(working: Calendar, end: Int, length: Int) -> Int:
    """Return the moments from which on so much working time passes until the ends."""
    if working.is_always_open or not len(end):
        return np.asarray(end - length)
    # Surely earlier; from there forward the calendar counts.
    week = max(working.hours_per_week, 0.05)
    early = end - (length * (168 / week)).astype(np.int64) - 60 * DAY
    return np.asarray(working.add(early, np.maximum(working.working_time(early, end) - length, 0)))

"""When work could have begun: the enabled time of each activity instance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mkmine.eventlog.log import EventLog

__all__ = ["enabled_times"]

Ints = NDArray[np.int64]

# About so many instances are worked on at a time.
PIECE = 1 << 16


def enabled_times(log: EventLog) -> NDArray[np.int64]:
    """Return when each instance became enabled, shape (n,), µs.

    The recorded time where the log has one. Otherwise the latest end, among the earlier instances of the case, that is
    not after the start: an instance that was still running when this one started cannot have enabled it (concurrency;
    after Lashkevich et al. 2023, DOI 10.1007/978-3-031-34560-9_11). The first instance of a case, and one with nothing
    finished before it, is enabled by its own start. In a log of completions every event is enabled by the one before.
    """
    if log.enabled is not None:
        return log.enabled
    heads = log.offsets[:-1]
    out = np.empty(len(log), dtype=np.int64)
    out[1:] = log.end[:-1]
    out[heads] = log.start[heads]
    if log.timestamps == "completed":
        return out
    # Where nothing of a case runs while another begins, its ends are in order and the one before is the latest.
    running = out > log.start
    if running.any():
        overlapping = np.logical_or.reduceat(running, heads)
        sizes = np.diff(log.offsets)
        rows = np.flatnonzero(np.repeat(overlapping, sizes))
        out[rows] = _latest_ends(log.start[rows], log.end[rows], sizes[overlapping])
    return out


def _latest_ends(start: Ints, end: Ints, sizes: Ints) -> Ints:
    """Return the latest end of an earlier instance that is not after each start, or else the start; any cases."""
    stops = np.cumsum(sizes)
    begins = stops - sizes
    first = np.repeat(start[begins], sizes)
    span = int((end - first).max()) + 1
    # Case and time since its start make one number, of as many cases at a time as it has room for and the cache holds.
    together = max(min((1 << 62) // span, PIECE * len(sizes) // len(start)), 1)
    out = np.empty(len(start), dtype=np.int64)
    for case in range(0, len(sizes), together):
        rows = slice(begins[case], stops[min(case + together, len(sizes)) - 1])
        chosen = sizes[case : case + together]
        base = np.repeat(np.arange(len(chosen), dtype=np.int64) * span, chosen)
        base -= first[rows]
        ends = np.sort(end[rows] + base)
        starts = start[rows] + base
        before = np.searchsorted(ends, starts, "left")
        latest = ends[np.maximum(before - 1, 0)] - base
        # With none of its own before it, what is found there belongs to the case before, or is not before.
        found = (before > 0) & (latest >= first[rows])
        out[rows] = np.where(found, latest, start[rows])
        # An earlier instance that ends exactly at the start enables it; the instance itself and later ones do not.
        tied = np.flatnonzero(np.take(ends, before, mode="clip") == starts)
        if len(tied):
            number = np.searchsorted(ends, starts[tied], "right") - before[tied]
            tied = tied[number > _instant_from_here(start[rows], end[rows], chosen)[tied]]
            out[rows][tied] = start[rows][tied]
    return out


def _instant_from_here(start: Ints, end: Ints, sizes: Ints) -> Ints:
    """Return how many instances of no length stand at the same start of the same case, from each one's place on."""
    instant = (start == end).astype(np.int64)
    fresh = np.ones(len(start), dtype=np.bool_)
    fresh[1:] = start[1:] != start[:-1]
    fresh[np.cumsum(sizes) - sizes] = True
    begins = np.flatnonzero(fresh)
    lengths = np.diff(np.append(begins, len(start)))
    passed = np.cumsum(instant) - instant
    return np.asarray(np.repeat(np.add.reduceat(instant, begins) + passed[begins], lengths) - passed, dtype=np.int64)

"""From which earlier instance each one follows, and whether it began while that was still being done."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mkmine.eventlog import EventLog
from mkmine.eventlog.enablement import enabled_times

__all__ = ["Steps", "find_steps"]

Int = NDArray[np.int64]
Flags = NDArray[np.bool_]

# Where fewer instances begin while another is being done, that is taken for noise.
_ENOUGH_OVERLAP = 0.02


@dataclass(frozen=True)
class Steps:
    """How a log's instances (n,) follow each other, in the order of their starts.

    Attributes
    ----------
    first
        Which instances are the first of their case.
    overlap
        Which begin while an earlier instance of the case is being done, as far as that is modelled.
    ready
        From when each could have begun, µs: the start of the instance before if they overlap, or else the end of
        everything before.
    """

    first: Flags
    overlap: Flags
    ready: Int


def find_steps(log: EventLog) -> Steps:
    """Return how the instances of a log follow each other.

    An instance that begins while another of its case is in hand cannot be placed by that one's end; it is placed
    relative to the start of the instance before (concurrency without a model of it; compare the overlapping-aware
    routing of Camargo et al. 2020, Simod).
    """
    first = np.zeros(len(log), dtype=np.bool_)
    first[log.offsets[:-1]] = True
    ready = enabled_times(log)
    overlap = np.zeros(len(log), dtype=np.bool_)
    if log.enabled is None and log.timestamps == "interval":
        overlap = ~first & (log.start < _latest_before(log))
        if overlap.sum() < _ENOUGH_OVERLAP * max(int((~first).sum()), 1):
            overlap = np.zeros(len(log), dtype=np.bool_)
        before = np.concatenate(([0], log.start[:-1]))
        ready = np.where(overlap, before, ready)
    return Steps(first, overlap, ready)


def _latest_before(log: EventLog) -> Int:
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

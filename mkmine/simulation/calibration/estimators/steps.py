"""From which earlier instance each one follows, and whether it began while that was still being done."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mkmine.eventlog import EventLog
from mkmine.eventlog.concurrency import enabled_beside, latest_end_before
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
        From when each is placed, µs: the start of the instance before if they overlap, or else the end of everything
        before.
    enabled
        From when each could have begun, µs (`enabled_beside`): what is done side by side with it does not count.
    """

    first: Flags
    overlap: Flags
    ready: Int
    enabled: Int


def find_steps(log: EventLog) -> Steps:
    """Return how the instances of a log follow each other.

    An instance that begins while another of its case is in hand cannot be placed by that one's end; it is placed
    relative to the start of the instance before (concurrency without a model of it; compare the overlapping-aware
    routing of Camargo et al. 2020, Simod).
    """
    first = np.zeros(len(log), dtype=np.bool_)
    first[log.offsets[:-1]] = True
    overlap, ready, enabled = np.zeros(len(log), dtype=np.bool_), enabled_times(log), enabled_beside(log)
    if log.enabled is None and log.timestamps == "interval":
        overlap = ~first & (log.start < latest_end_before(log))
        if overlap.sum() < _ENOUGH_OVERLAP * max(int((~first).sum()), 1):
            overlap = np.zeros(len(log), dtype=np.bool_)
        before = np.concatenate((log.start[:1], log.start[:-1]))
        ready = np.where(overlap, before, ready)
    return Steps(first, overlap, ready, enabled)

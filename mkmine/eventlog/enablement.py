"""When work could have begun: the enabled time of each activity instance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mkmine.eventlog.log import EventLog

__all__ = ["enabled_times"]


def enabled_times(log: EventLog) -> NDArray[np.int64]:
    """Return when each instance became enabled, shape (n,), µs.

    The recorded time where the log has one. Otherwise the latest end, among the earlier instances of the case, that is
    not after the start: an instance that was still running when this one started cannot have enabled it (concurrency;
    after Lashkevich et al. 2023, DOI 10.1007/978-3-031-34560-9_11). The first instance of a case, and one with nothing
    finished before it, is enabled by its own start. In a log of completions every event is enabled by the one before.
    """
    if log.enabled is not None:
        return log.enabled
    out = log.start.copy()
    if log.timestamps == "completed":
        inner = np.ones(len(log), dtype=np.bool_)
        inner[log.offsets[:-1]] = False
        rows = np.flatnonzero(inner)
        out[rows] = log.end[rows - 1]
        return out
    before, at = _ends_in_case(log)
    first = log.offsets[log.case_of]
    order = np.lexsort((log.end, log.case_of))
    ends = log.end[order]
    out = np.where(before > first, ends[np.maximum(before - 1, 0)], out)
    # An earlier instance that ends exactly at the start enables it; the instance itself and later ones do not.
    return np.where(at - before > _instant_from_here(log), log.start, out)


def _ends_in_case(log: EventLog) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return, in the order of (case, end), the places before and after the case's ends that equal each start."""
    times, ranks = np.unique(np.concatenate((log.start, log.end)), return_inverse=True)
    starts, ends = ranks[: len(log)], ranks[len(log) :]
    keys = log.case_of.astype(np.int64) * len(times)
    table = np.sort(keys + ends)
    return np.searchsorted(table, keys + starts, "left"), np.searchsorted(table, keys + starts, "right")


def _instant_from_here(log: EventLog) -> NDArray[np.int64]:
    """Return how many instances of no length stand at the same start of the same case, from each one's place on."""
    instant = (log.start == log.end).astype(np.int64)
    fresh = np.ones(len(log), dtype=np.bool_)
    fresh[1:] = (np.diff(log.start) != 0) | (np.diff(log.case_of) != 0)
    group = np.cumsum(fresh) - 1
    total = np.bincount(group, weights=instant)[group]
    begins = np.flatnonzero(fresh)
    passed = np.cumsum(instant) - instant
    return np.asarray(total - (passed - passed[begins][group]), dtype=np.int64)

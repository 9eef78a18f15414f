"""A log as an observer of a shorter time would have seen it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa

from mkmine.calendars import from_us
from mkmine.errors import DataError
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.provenance import Step

__all__ = ["as_observed"]


def as_observed(log: EventLog, window: tuple[int, int]) -> EventLog:
    """Return what an observer of `window` (µs) knows of a log.

    Cases that had ended before the window and work that was not yet enabled by its end are absent. Instances in
    progress at its end are `ongoing` and end there; those still waiting stand as begun and ended at that moment; their
    cases are not completed. Cases that were in progress when the window began are kept whole, as a tracker's history
    keeps them.

    Raises `DataError` if nothing is left.
    """
    first, last = window
    enabled = log.start if log.enabled is None else log.enabled
    finish = np.maximum.reduceat(log.end, log.offsets[:-1])
    rows = (enabled < last) & ((finish >= first) | ~log.completed)[log.case_of]
    if not rows.any():
        raise DataError("nothing happens in the window of observation; move it or make it longer")
    sizes = np.add.reduceat(rows.astype(np.int64), log.offsets[:-1])
    cases = sizes > 0
    # What begins at the very end of the window is not seen, and its case is not known to be over.
    over = log.completed & (finish <= last) & (sizes == np.diff(log.offsets))
    kept = log._take(rows)
    shown = (from_us(moment, log.time_zone).date().isoformat() for moment in window)
    return replace(
        kept,
        case_names=log.case_names.filter(pa.array(cases)),
        offsets=np.concatenate(([0], np.cumsum(sizes[cases]))).astype(np.int64),
        start=np.minimum(kept.start, last),
        end=np.minimum(kept.end, last),
        ongoing=kept.ongoing | (kept.end > last),
        completed=over[cases],
        case_attributes=log.case_attributes.loc[cases].reset_index(drop=True),
        observed=(first, last),
        history=(*log.history, Step("observe", " – ".join(shown), int((~rows).sum()))),
    )

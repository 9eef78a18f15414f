"""How busy each person was."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mkmine.calendars import Calendar
from mkmine.discovery.pools import Pools
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.summaries import working_hours
from mkmine.performance.waiting import Spent, busy_hours, own_calendar, presence

__all__ = ["people"]


def people(log: EventLog, times: Spent, pools: Pools, calendar: Calendar) -> pd.DataFrame:
    """Return one row per person who does work, by role and then the busiest first.

    Columns: person, role (in which they do most), instances, processing_h (sum), open_h (from their first to their last
    sign in the log), utilisation (hours in which they had anything in hand / open_h). Hours are those of the role's
    working week; what is NaN in the workload of roles is NaN here, for the same reasons.
    """
    columns = ["person", "role", "instances", "processing_h", "open_h", "utilisation"]
    k, n = len(pools.names), len(log.resources)
    known = (log.resource >= 0) & ~times.idle & (pools.of_instance >= 0)
    if not known.any():
        return pd.DataFrame({name: pd.Series(dtype=object) for name in columns})
    done = np.zeros((n, k), dtype=np.int64)
    np.add.at(done, (log.resource[known], pools.of_instance[known]), 1)
    main = np.where(done.any(axis=1), done.argmax(axis=1), -1)
    first, last = presence(log)
    parts = []
    for role in np.unique(main[main >= 0]):
        own = own_calendar(log, np.flatnonzero(known & (pools.of_instance == role)), calendar)
        mine = np.flatnonzero(main == role)
        rows = np.flatnonzero(known & (main == role)[log.resource])
        worked = rows[np.isfinite(times.processing[rows])]
        hours = working_hours(own, log.start[worked], log.end[worked])
        part = pd.DataFrame({"person": [log.resources[one] for one in mine], "role": pools.names[role]})
        part["instances"] = done[mine].sum(axis=1)
        part["processing_h"] = np.bincount(log.resource[worked], weights=hours, minlength=n)[mine]
        part["open_h"] = working_hours(own, first[mine], last[mine])
        busy = busy_hours(log, rows[~log.ongoing[rows]], own)[mine]
        part["utilisation"] = busy / part["open_h"].where(part["open_h"] > 0)
        parts.append(part.sort_values("utilisation", ascending=False, kind="stable"))
    frame = pd.concat(parts, ignore_index=True)[columns]
    if log.timestamps == "completed":
        frame[["processing_h", "utilisation"]] = np.nan
    if log.partial:
        frame["utilisation"] = np.nan
    return frame

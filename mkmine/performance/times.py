"""Cycle times and the other key figures of cases, with open cases censored."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mkmine.calendars import DAY
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.statistics import Survival
from mkmine.eventlog.summaries import running_end

__all__ = ["key_figures"]


def key_figures(log: EventLog, cases: pd.DataFrame, *, separable: bool = True) -> dict[str, float]:
    """Return the key figures of a log from its case table.

    cycle_median_h, cycle_p85_h, cycle_mean_h (working hours) and cycle_wall_median_h (by the clock): by Kaplan and
    Meier, so that open cases count for as long as they have lasted; the mean is restricted to the longest time seen.
    completed, cancelled, open: cases; those cancelled are not among the completed ones, and count neither in cycle
    times nor in throughput nor in the means per case. throughput_per_week: cases completed during the observation, per
    7 days of it.
    flow_efficiency: time in which anything was processed / cycle time, of completed cases; NaN unless work can be told
    from waiting (`separable`). rework_share: share of completed cases that returned to an activity after another one;
    those that merely went on with the same activity are repeated_share. waiting_per_case_h, processing_per_case_h,
    rework_per_case, hand_offs_per_case: means over completed cases. NaN where none is completed.
    """
    counted = ~log.cancelled
    done = log.completed & counted
    cycle = Survival(cases["cycle_h"].to_numpy()[counted], done[counted])
    wall = Survival(cases["cycle_wall_h"].to_numpy()[counted], done[counted])
    weeks = (log.observed[1] - log.observed[0]) / (7 * DAY)
    ends = running_end(log)[log.offsets[1:] - 1]
    within = done & (ends >= log.observed[0]) & (ends <= log.observed[1])
    finished = cases[done]
    total = float(finished["cycle_h"].sum())
    busy = float(finished["busy_h"].sum(min_count=1))
    nan = float("nan")
    return {
        "cycle_median_h": cycle.quantile(0.5),
        "cycle_p85_h": cycle.quantile(0.85),
        "cycle_mean_h": cycle.mean,
        "cycle_wall_median_h": wall.quantile(0.5),
        "completed": int(done.sum()),
        "cancelled": int(log.cancelled.sum()),
        "open": int((~log.completed & counted).sum()),
        "throughput_per_week": float(within.sum() / weeks) if weeks > 0 else nan,
        "flow_efficiency": busy / total if separable and total > 0 else nan,
        "rework_share": _mean(finished["reworked"] > 0),
        "repeated_share": _mean(finished["repeated"] > 0),
        "waiting_per_case_h": _mean(finished["waiting_h"]),
        "processing_per_case_h": _mean(finished["processing_h"]),
        "rework_per_case": _mean(finished["reworked"]),
        "hand_offs_per_case": _mean(finished["hand_offs"]),
    }


def _mean(values: pd.Series) -> float:
    return float(np.mean(values.to_numpy(dtype=np.float64))) if len(values) else float("nan")

"""Which cases began early enough to be judged: young ones differ from old ones only in that they are young."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mkmine.eventlog.log import EventLog
from mkmine.eventlog.statistics import Survival
from mkmine.eventlog.summaries import running_end

__all__ = ["mature_until"]

ENOUGH = 0.95


def mature_until(log: EventLog, begun: NDArray[np.int64]) -> float:
    """Return the latest begin (µs) with time for 95 % of cases to be completed by the end of the observation.

    `begun` (m,) is when the cases began. NaN where too many are open to tell how long 95 % take (Kaplan and Meier).
    """
    lasted = (running_end(log)[log.offsets[1:] - 1] - begun).astype(np.float64)
    longest = Survival(lasted, log.completed).quantile(ENOUGH)
    return log.observed[1] - longest

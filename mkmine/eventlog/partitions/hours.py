"""When things happen, counted while rows stream by, so that one working week is known for all partitions."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mkmine.calendars import HOUR, Calendar, local_time
from mkmine.eventlog.rhythm import SHORTEST, calendar_of_hours

__all__ = ["Hours"]

Int = NDArray[np.int64]
# Every zone differs from UTC by a multiple of a quarter of an hour: quarters tell the local hour of any zone.
QUARTER = HOUR // 4


@dataclass(kw_only=True)
class Hours:
    """Counts of starts and ends by quarter of an hour (number since 1970, UTC), and the first and the last of them."""

    quarters: dict[int, int] = field(default_factory=dict)
    first: int = np.iinfo(np.int64).max
    last: int = np.iinfo(np.int64).min

    def add(self, moments: Int) -> None:
        """Count further moments (µs)."""
        if not len(moments):
            return
        self.first, self.last = min(self.first, int(moments.min())), max(self.last, int(moments.max()))
        lowest = int(moments.min()) // QUARTER
        counts = np.bincount(moments // QUARTER - lowest)
        found = np.flatnonzero(counts)
        for quarter, count in zip((found + lowest).tolist(), counts[found].tolist(), strict=True):
            self.quarters[quarter] = self.quarters.get(quarter, 0) + count

    def add_instances(self, *, start: Int, end: Int, ongoing: NDArray[np.bool_], intervals: bool) -> None:
        """Count the ends, and the starts where they are known, of instances (n,) as `infer_calendar` does."""
        self.add(end[~ongoing])
        if intervals:
            self.add(start[(end > start) | ongoing])

    def calendar(self, time_zone: str) -> Calendar:
        """Return the working calendar that `infer_calendar` would give for a log with these moments."""
        if not self.quarters or self.last - self.first < SHORTEST:
            return Calendar.always(time_zone)
        quarters = np.fromiter(self.quarters, dtype=np.int64, count=len(self.quarters))
        weights = np.fromiter(self.quarters.values(), dtype=np.int64, count=len(self.quarters))
        # 1 January 1970 was a Thursday.
        hours = local_time(quarters * QUARTER, time_zone) // HOUR + 72
        week = int(hours.min()) // 168
        counts = np.zeros((int(hours.max()) // 168 - week + 1) * 168, dtype=np.int64)
        np.add.at(counts, hours - week * 168, weights)
        return calendar_of_hours(week * 7 - 3, counts.reshape(-1, 168), time_zone)

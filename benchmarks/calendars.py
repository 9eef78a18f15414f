"""Working time against pm4py's business hours, a loop over days, binary search and pandas. CPU nanoseconds a value.

    python benchmarks/calendars.py [--quick] [--json] [--intervals N]

An office with a break at noon and the holidays of Germany, in Berlin; moments of three years in random order, and
intervals of up to three weeks. The arrays are taken whole by ours and by what else is vectorised; pm4py and the loop
over days are timed on a sample. All results are compared before anything is timed. The target for the arithmetic is 10
million in a second.
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from table import row, show

from mkmine.calendars import HOUR, Calendar, Timeline, from_us, local_time, public_holidays, to_us
from mkmine.calendars.compilation import compiled
from mkmine.calendars.moments import clock, clock_changes
from mkmine.calendars.official import declared_days

ZONE = ZoneInfo("Europe/Berlin")
HOURS = ((9, 13), (14, 18))
FIRST = to_us(datetime(2023, 1, 1, tzinfo=ZONE))
OFFICE = Calendar.parse(
    {"Mon-Fri": ", ".join(f"{first:02d}:00-{last:02d}:00" for first, last in HOURS)}, time_zone=ZONE.key, holidays="DE"
)
QUICK, FULL, SAMPLE = 1_000_000, 10_000_000, 2_000
# 10 million in a second.
ALLOWED = 100.0


@dataclass(frozen=True, kw_only=True)
class Task:
    """One comparison: what each side does to how many values, and how many times faster ours should be.

    Without a peer ours is held against what is allowed.
    """

    name: str
    ours: Callable[[], Any]
    values: int
    peer: Callable[[], Any] | None = None
    peer_values: int = 1
    peer_name: str = "10 million in a second"
    target: float = 1.0


class Germany:
    """Which days are worked, as pm4py asks for it."""

    def is_working_day(self, day: date) -> bool:
        """Return whether a day is no public holiday."""
        return day not in public_holidays("DE", day.year)[0]


def by_pm4py(begins: list[datetime], ends: list[datetime]) -> list[float]:
    """Working seconds by pm4py, which takes the time of the wall clock."""
    from pm4py.util.business_hours import soj_time_business_hours_diff

    slots = [((day * 24 + a) * 3600, (day * 24 + b) * 3600) for day in range(5) for a, b in HOURS]
    calendar = Germany()
    return [soj_time_business_hours_diff(a, b, slots, calendar) for a, b in zip(begins, ends, strict=True)]


def by_days(begins: list[datetime], ends: list[datetime]) -> list[float]:
    """Working seconds by a loop over the days of each interval."""
    out = []
    for begin, end in zip(begins, ends, strict=True):
        day, total = begin.date(), 0.0
        while day <= end.date():
            if day.weekday() < 5 and day not in public_holidays("DE", day.year)[0]:
                for first, last in HOURS:
                    opens = datetime(day.year, day.month, day.day, first, tzinfo=ZONE).timestamp()
                    closes = datetime(day.year, day.month, day.day, last, tzinfo=ZONE).timestamp()
                    total += max(min(closes, end.timestamp()) - max(opens, begin.timestamp()), 0.0)
            day += timedelta(days=1)
        out.append(total)
    return out


def by_binary_search(line: Timeline, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Working time by NumPy's searchsorted in the same compiled calendar."""

    def opened(at: np.ndarray) -> np.ndarray:
        index = np.maximum(np.searchsorted(line.starts, at, side="right") - 1, 0)
        return line.before[index] + np.clip(at, line.starts[index], line.ends[index]) - line.starts[index]

    return opened(ends) - opened(starts)


def by_pandas(moments: np.ndarray) -> np.ndarray:
    """Local time by pandas."""
    stamps = pd.DatetimeIndex(moments.astype("datetime64[us]")).tz_localize("UTC").tz_convert(ZONE.key)
    return stamps.tz_localize(None).to_numpy(dtype="datetime64[us]").astype(np.int64)


def tasks(count: int) -> list[Task]:
    """Make the intervals, compare the results of both sides, and return the comparisons."""
    rng = np.random.default_rng(7)
    begin = FIRST + rng.integers(0, 3 * 365 * 86_400, count) * 1_000_000
    end = begin + rng.integers(0, 21 * 86_400, count) * 1_000_000
    work = rng.integers(0, 60 * HOUR, count)
    # Most logs come in order of time, or nearly.
    order = np.argsort(begin)
    ordered, finished = begin[order], end[order]
    few = begin[: count // 10]
    line = OFFICE.timeline(int(begin.min()), int(end.max()))
    starts, ends = ([from_us(one, ZONE.key) for one in part[:SAMPLE].tolist()] for part in (begin, end))
    found = OFFICE.working_time(begin, end)
    assert (found[:SAMPLE] / 1_000_000).tolist() == by_days(starts, ends), "ours and the loop's times differ"
    assert by_days(starts, ends) == by_pm4py(starts, ends), "the loop's and pm4py's times differ"
    assert np.array_equal(found, by_binary_search(line, begin, end))
    assert np.array_equal(OFFICE.working_time(begin, OFFICE.add(begin, work)), work)
    assert np.array_equal(local_time(few, ZONE.key), by_pandas(few))

    def task(name: str, ours: Callable[[], Any], **against: Any) -> Task:
        return Task(**{"name": name, "ours": ours, "values": count, "peer_values": count} | against)

    def between() -> Any:
        return OFFICE.working_time(begin, end)

    sample: dict[str, Any] = {"peer_values": SAMPLE}
    return [
        task("working time", between),
        task("working time", between, peer=lambda: by_pm4py(starts, ends), peer_name="pm4py", target=100, **sample),
        task("working time", between, peer=lambda: by_days(starts, ends), peer_name="days", target=1000, **sample),
        task(
            "working time",
            between,
            peer=lambda: by_binary_search(line, begin, end),
            peer_name="np.searchsorted",
            target=2,
        ),
        task("working time, in order", lambda: OFFICE.working_time(ordered, finished)),
        task(
            "working time, in order",
            lambda: OFFICE.working_time(ordered, finished),
            peer=lambda: by_binary_search(line, ordered, finished),
            peer_name="np.searchsorted",
        ),
        task("add", lambda: OFFICE.add(begin, work)),
        task("add, in order", lambda: OFFICE.add(ordered, work)),
        task("next open", lambda: OFFICE.next_open(begin)),
        task("is open", lambda: OFFICE.is_open(begin)),
        task(
            "local time",
            lambda: local_time(few, ZONE.key),
            values=len(few),
            peer=lambda: by_pandas(few),
            peer_values=len(few),
            peer_name="pandas tz_convert",
            target=4,
        ),
    ]


def cpu(run: Callable[[], Any]) -> float:
    """CPU seconds of one run."""
    begin = time.process_time()
    run()
    return time.process_time() - begin


def measure(task: Task, repeats: int) -> dict[str, Any]:
    """Run ours and the peer in turn and compare the medians."""
    ours, peer = [], []
    for _ in range(repeats):
        ours.append(cpu(task.ours) / task.values * 1e9)
        peer.append(cpu(task.peer) / task.peer_values * 1e9 if task.peer else ALLOWED)
    return row(task.name, median(ours), median(peer), peer_name=task.peer_name, unit="CPU ns", target=task.target)


def compiling(first: int, last: int, allowed: float) -> dict[str, Any]:
    """Compile for a range of years with nothing remembered, and hold the time against what is allowed."""
    span = [to_us(datetime(year, 7, 1, tzinfo=ZONE)) for year in (first, last)]
    times = []
    for _ in range(3):
        for remembered in (compiled, clock, clock_changes, declared_days):
            remembered.cache_clear()
        times.append(cpu(lambda: OFFICE.timeline(*span)) * 1e3)
    return row(f"compile {first}-{last}", median(times), allowed, peer_name="allowed", unit="CPU ms", target=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK:,} intervals instead of {FULL:,}")
    parser.add_argument("--json", action="store_true", help="print rows as JSON")
    parser.add_argument("--intervals", type=int, help="number of intervals")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    count = arguments.intervals or (QUICK if arguments.quick else FULL)
    # pm4py prints a banner.
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        rows = [measure(task, 3 if arguments.quick else 5) for task in tasks(count)]
    rows += [compiling(2023, 2025, 10), compiling(1901, 2025, 200)]
    show(rows, as_json=arguments.json)


if __name__ == "__main__":
    main()

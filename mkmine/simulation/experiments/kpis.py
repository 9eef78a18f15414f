"""What is measured of a log, real or simulated, when scenarios or a model's truth are judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mkmine.calendars import DAY, HOUR
from mkmine.eventlog import EventLog
from mkmine.eventlog.enablement import enabled_times
from mkmine.eventlog.statuses import waiting_stays

__all__ = [
    "KPIS", "PERSON", "ROLE", "WEEK", "Kpi", "average_level", "case_spans", "in_order", "known", "kpi", "measure",
    "names",
]  # fmt: skip

Better = Literal["lower", "higher", "neither"]
WEEK = 7 * DAY
# Prefixes of the key figures of one role and of one person.
ROLE, PERSON = "utilisation:", "person:"


@dataclass(frozen=True, slots=True)
class Kpi:
    """A key figure: its key, its unit, and which direction is an improvement."""

    key: str
    unit: Literal["h", "per week", "per case", "share", "cases", "cost", "h per week"]
    better: Better


KPIS = (
    Kpi("cycle_mean_h", "h", "lower"),
    Kpi("cycle_median_h", "h", "lower"),
    Kpi("cycle_p85_h", "h", "lower"),
    Kpi("cycle_p95_h", "h", "lower"),
    Kpi("waiting_per_case_h", "h", "lower"),
    Kpi("processing_per_case_h", "h", "lower"),
    Kpi("rework_per_case", "per case", "lower"),
    Kpi("throughput_per_week", "per week", "higher"),
    Kpi("wip", "cases", "lower"),
)
# Known only of simulated logs, or only where the question or the model says enough.
_MORE = (
    Kpi("on_time_share", "share", "higher"),
    Kpi("waiting_queue_h", "h", "lower"),
    Kpi("waiting_off_duty_h", "h", "lower"),
    Kpi("waiting_outside_h", "h", "lower"),
    Kpi("overtime_per_week_h", "h per week", "lower"),
    Kpi("cost_per_case", "cost", "lower"),
)
_BY_KEY = {one.key: one for one in (*KPIS, *_MORE)}
# The order in which they are read: what belongs together stands together.
_ORDER = (
    "cycle_mean_h", "cycle_median_h", "cycle_p85_h", "cycle_p95_h", "on_time_share", "waiting_per_case_h",
    "waiting_queue_h", "waiting_off_duty_h", "waiting_outside_h", "processing_per_case_h", "rework_per_case",
    "throughput_per_week", "wip", "overtime_per_week_h", "cost_per_case",
)  # fmt: skip


def kpi(key: str) -> Kpi:
    """Return a key figure by its key.

    `utilisation:<role>` is the share of their hours on duty in which a role's people have anything in hand,
    `person:<name>` that of one person.
    """
    return _BY_KEY.get(key) or Kpi(key, "share", "neither")


def known(key: str) -> bool:
    """Return whether there is a key figure of that key, or for one role or person."""
    return key in _BY_KEY or key.startswith((ROLE, PERSON))


def names() -> list[str]:
    """Return the keys of all key figures that are not of one role or person, in the order in which they are read."""
    return list(_ORDER)


def in_order(values: Mapping[str, float]) -> dict[str, float]:
    """Return key figures in the order in which they are read, those of roles and of people last."""
    place = {key: number for number, key in enumerate(_ORDER)}
    return {key: values[key] for key in sorted(values, key=lambda key: place.get(key, len(_ORDER)))}


def case_spans(log: EventLog) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first moment at which each case could be worked on, and its last end, shape (m,), µs."""
    heads = log.offsets[:-1]
    return np.minimum.reduceat(enabled_times(log), heads), np.maximum.reduceat(log.end, heads)


def measure(log: EventLog, window: tuple[int, int], *, sla_h: float | None = None) -> dict[str, float]:
    """Return the key figures of the cases that began in `window` (µs, end excluded) and were completed, not cancelled.

    Times are working hours of the log's calendar. Cycle time: from the first moment the case could be worked on to its
    last end. Waiting: from enabled to start, outside waits, and stays in statuses that wait; processing: the rest.
    Rework: further rounds of an activity. Throughput counts the cases that were completed in the window, per 7 days,
    whenever they began. `wip` is the time average (of the clock, so that Little's law holds) of the cases begun and not
    ended, cancelled ones too. Percentiles interpolate linearly. With `sla_h`, `on_time_share` is the share of cycle
    times of at most so many working hours. NaN where no case qualifies, and for waiting and processing where the log
    has completion times only, which do not tell them apart.
    """
    calendar = log.working_calendar()
    enabled = enabled_times(log)
    heads = log.offsets[:-1]
    begin = np.minimum.reduceat(enabled, heads)
    finish = np.maximum.reduceat(log.end, heads)
    finished = log.completed & ~log.cancelled
    chosen = (begin >= window[0]) & (begin < window[1]) & finished
    done = ((finish >= window[0]) & (finish < window[1]) & finished).sum()
    out = {one.key: float("nan") for one in KPIS}
    out["throughput_per_week"] = float(done) / ((window[1] - window[0]) / WEEK)
    out["wip"] = float(average_level(begin, finish, np.asarray(window, dtype=np.float64))[0])
    out |= {"on_time_share": float("nan")} if sla_h is not None else {}
    if not chosen.any():
        return out
    cycle = calendar.working_time(begin[chosen], finish[chosen]) / HOUR
    rows = chosen[log.case_of]
    outside = (log.resource[rows] < 0) | waiting_stays(log)[rows]
    spent = calendar.working_time(log.start[rows], log.end[rows]) / HOUR
    queued = calendar.working_time(enabled[rows], log.start[rows]) / HOUR
    cases = int(chosen.sum())
    median, p85, p95 = np.percentile(cycle, [50, 85, 95])
    out |= {
        "cycle_mean_h": float(cycle.mean()),
        "cycle_median_h": float(median),
        "cycle_p85_h": float(p85),
        "cycle_p95_h": float(p95),
        "rework_per_case": float((log.round[rows] > 1).sum() / cases),
    }
    if log.timestamps != "completed":
        out["waiting_per_case_h"] = float((queued.sum() + spent[outside].sum()) / cases)
        out["processing_per_case_h"] = float(spent[~outside].sum() / cases)
    if sla_h is not None:
        out["on_time_share"] = float((cycle <= sla_h).mean())
    return out


def average_level(
    begin: NDArray[np.int64], finish: NDArray[np.int64], edges: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the mean number of things begun and not finished between neighbouring edges (µs)."""
    return np.diff(_integral(begin, edges) - _integral(finish, edges)) / np.diff(edges)


def _integral(moments: NDArray[np.int64], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the integral up to each edge of the number of moments that have passed."""
    # Counted from the first edge: microseconds since 1970, added up, would lose their last digits.
    since = np.sort(moments) - edges[0]
    summed = np.concatenate(([0.0], np.cumsum(since)))
    passed = edges - edges[0]
    number = np.searchsorted(since, passed, side="right")
    return np.asarray(number * passed - summed[number])

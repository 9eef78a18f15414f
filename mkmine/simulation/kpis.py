"""What is measured of a log, real or simulated, when scenarios or a model's truth are judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mkmine.calendars import DAY, HOUR
from mkmine.eventlog import EventLog
from mkmine.eventlog.enablement import enabled_times
from mkmine.eventlog.statuses import waiting_stays
from mkmine.simulation.model import SimulationModel

__all__ = ["KPIS", "Kpi", "kpi", "measure", "utilisation"]

Better = Literal["lower", "higher", "neither"]


@dataclass(frozen=True, slots=True)
class Kpi:
    """A key figure: its key, its unit, and which direction is an improvement."""

    key: str
    unit: Literal["h", "per week", "per case", "share"]
    better: Better


KPIS = (
    Kpi("cycle_mean_h", "h", "lower"),
    Kpi("cycle_median_h", "h", "lower"),
    Kpi("cycle_p85_h", "h", "lower"),
    Kpi("waiting_per_case_h", "h", "lower"),
    Kpi("processing_per_case_h", "h", "lower"),
    Kpi("rework_per_case", "per case", "lower"),
    Kpi("throughput_per_week", "per week", "higher"),
)
_BY_KEY = {one.key: one for one in KPIS}


def kpi(key: str) -> Kpi:
    """Return a key figure by its key; `utilisation:<role>` is the busy share of a role's open hours."""
    return _BY_KEY.get(key) or Kpi(key, "share", "neither")


def measure(log: EventLog, window: tuple[int, int]) -> dict[str, float]:
    """Return the key figures of the cases that began in `window` (µs, end excluded) and were completed, not cancelled.

    Times are working hours of the log's calendar. Cycle time: from the first moment the case could be worked on to its
    last end. Waiting: from enabled to start, outside waits, and stays in statuses that wait; processing: the rest.
    Rework: further rounds of an activity. Throughput counts the cases that were completed in the window, per 7 days,
    whenever they began. Percentiles interpolate linearly. NaN where no case qualifies, and for waiting and processing
    where the log has completion times only, which do not tell them apart.
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
    out["throughput_per_week"] = float(done) / ((window[1] - window[0]) / (7 * DAY))
    if not chosen.any():
        return out
    cycle = calendar.working_time(begin[chosen], finish[chosen]) / HOUR
    rows = chosen[log.case_of]
    outside = (log.resource[rows] < 0) | waiting_stays(log)[rows]
    spent = calendar.working_time(log.start[rows], log.end[rows]) / HOUR
    queued = calendar.working_time(enabled[rows], log.start[rows]) / HOUR
    cases = int(chosen.sum())
    out |= {
        "cycle_mean_h": float(cycle.mean()),
        "cycle_median_h": float(np.median(cycle)),
        "cycle_p85_h": float(np.percentile(cycle, 85)),
        "rework_per_case": float((log.round[rows] > 1).sum() / cases),
    }
    if log.timestamps != "completed":
        out["waiting_per_case_h"] = float((queued.sum() + spent[outside].sum()) / cases)
        out["processing_per_case_h"] = float(spent[~outside].sum() / cases)
    return out


def utilisation(log: EventLog, model: SimulationModel, window: tuple[int, int]) -> dict[str, float]:
    """Return the busy share of the open hours of each role's people in `window`, by role.

    A person with several roles counts in each by the work done in it; open hours are counted in each.
    """
    starts, ends = np.clip(log.start, *window), np.clip(log.end, *window)
    busy = np.zeros((len(model.roles), len(model.people)))
    open_hours: dict[str, NDArray[np.int64]] = {}
    for number, person in enumerate(model.people):
        calendar = model.calendar(person.calendar, person.absences)
        rows = log.resource == number
        worked = calendar.working_time(starts[rows], ends[rows])
        np.add.at(busy[:, number], log.role[rows], worked)
        open_hours[person.name] = calendar.working_time(*window)
    out = {}
    for index, role in enumerate(model.roles):
        available = sum(int(open_hours[person.name]) for person in model.staff(role))
        out[f"utilisation:{role}"] = float(busy[index].sum() / available) if available else float("nan")
    return out

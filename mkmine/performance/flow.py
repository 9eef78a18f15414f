"""Flow metrics, as teams know them from Kanban tools: cycle times, cumulative flow, WIP and its age, throughput.

Definitions after D. S. Vacanti (2015), *Actionable Agile Metrics for Predictability*, and the tool jira-agile-metrics,
but for open cases, which are censored where these leave them out (Kaplan and Meier 1958).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.calendars import DAY, Calendar
from mkmine.discovery.process_map import records
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.notebook import html_table
from mkmine.eventlog.provenance import Provenance
from mkmine.eventlog.statistics import NORMAL_95, Groups, Survival
from mkmine.eventlog.statuses import status_kinds
from mkmine.eventlog.summaries import case_table, observed_weeks, running_end, working_hours
from mkmine.eventlog.summaries import flow as arrivals_and_completions

__all__ = ["FlowMetrics", "flow", "without_cancelled"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

SHARES = (0.5, 0.7, 0.85, 0.95)
METHOD = "flow metrics; Kaplan-Meier percentiles, open cases censored"


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class FlowMetrics:
    """How cases flow: as tables, from which the charts are drawn. Hours are of working time, days by the clock.

    Attributes
    ----------
    cases
        One row per completed case, in order of completion: case, started, finished, cycle_h, cycle_days. The scatter
        and the histogram of cycle times.
    percentiles
        share (0.5, 0.7, 0.85, 0.95), cycle_h with its 95 % interval low_h and high_h, cycle_days: the shortest time
        that at least this share of all cases, open ones censored, does not exceed. NaN where too many are open.
    stages
        One row per day: day, and per activity how many cases have reached it or a later one (in the order in which
        cases reach them); the last column `done` counts completed cases. The cumulative flow diagram.
    daily
        day, arrivals, completions, net (their difference), wip (cases open at its end).
    weekly
        The same by week (from its Monday); `whole` is False for weeks that the observation cuts.
    ageing
        One row per open case, the oldest first: case, activity (the last one begun), since (its start), age_h,
        age_days, older_than (share of the completed cases that took less time than this age already), left_h (working
        hours until half of the cases that got so old were completed; NaN where none got so old).
    stays
        One row per activity: activity, kind ("work", "queue" or "outside", where the log tells statuses), instances,
        total_h, median_h, p85_h, share (of all that time). Time in status.
    efficiency
        Time in which anything was worked on / cycle time, of completed cases; NaN where the log does not tell.
    day_h
        Length of a working day in hours.
    """

    cases: pd.DataFrame
    percentiles: pd.DataFrame
    stages: pd.DataFrame
    daily: pd.DataFrame
    weekly: pd.DataFrame
    ageing: pd.DataFrame
    stays: pd.DataFrame
    efficiency: float
    day_h: float = 8.0
    provenance: Provenance = field(repr=False)

    def to_pandas(self) -> pd.DataFrame:
        """Return the percentiles of cycle times."""
        return self.percentiles.copy()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, times as ISO 8601."""
        names = ("cases", "percentiles", "stages", "daily", "weekly", "ageing", "stays")
        tables = {name: records(_iso(getattr(self, name))) for name in names}
        known = np.isfinite(self.efficiency)
        return {**tables, "efficiency": self.efficiency if known else None, "provenance": self.provenance.to_dict()}

    def __repr__(self) -> str:
        rows = self.percentiles.set_index("share")
        half, most = rows.loc[0.5], rows.loc[0.85]
        whole = self.weekly[self.weekly["whole"]]
        pace = whole["completions"].mean() if len(whole) else float("nan")
        lines = [
            f"Flow of {len(self.cases):,} completed and {len(self.ageing):,} open cases: half take up to "
            f"{half['cycle_h']:,.1f} h of working time, 85 % up to {most['cycle_h']:,.1f} h "
            f"({most['low_h']:,.1f} to {most['high_h']:,.1f}); {pace:,.1f} completed a week"
        ]
        old = self.ageing[self.ageing["older_than"] >= 0.85]
        if len(old):
            lines.append(f"  {len(old):,} open cases are older than 85 % of the completed ones ever got:")
            for row in old.head(5).itertuples():
                lines.append(f"    {row.case}: {row.age_h:,.0f} h, in {row.activity}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        tables = (self.percentiles, self.weekly.tail(12), self.ageing)
        return html_table(tables[0], repr(self).splitlines()[0]) + "".join(html_table(one) for one in tables[1:])


def flow(log: EventLog, *, calendar: Calendar | None = None) -> FlowMetrics:
    """Measure how cases flow through a process.

    Cancelled cases are left out. Working time is that of `calendar`, or else of the log.
    """
    working = calendar or log.working_calendar()
    kept = without_cancelled(log)
    table = case_table(kept, calendar=working)
    hours = table["cycle_h"].to_numpy(dtype=np.float64)
    days = table["cycle_wall_h"].to_numpy(dtype=np.float64) / 24
    done = kept.completed
    begun, ended = kept.start[kept.offsets[:-1]], running_end(kept)[kept.offsets[1:] - 1]
    cases = pd.DataFrame(
        {
            "case": kept.case_ids,
            "started": kept._local(begun),
            "finished": kept._local(ended),
            "cycle_h": hours,
            "cycle_days": days,
        }
    )[done]
    finished = table[done]
    busy, total = float(finished["busy_h"].sum(min_count=1)), float(finished["cycle_h"].sum())
    return FlowMetrics(
        cases=cases.sort_values("finished", kind="stable", ignore_index=True),
        percentiles=_percentiles(hours, days, done),
        stages=_stages(kept, ended),
        daily=_periods(kept, "day"),
        weekly=_periods(kept, "week"),
        ageing=_ageing(kept, working, begun, Survival(hours, done)),
        stays=_stays(kept, working),
        efficiency=busy / total if total > 0 else float("nan"),
        day_h=working.hours_per_day or 8.0,
        provenance=log.provenance(METHOD, calendar=working.describe()),
    )


def without_cancelled(log: EventLog) -> EventLog:
    """Return the log without its cancelled cases, which are neither open nor completed."""
    return log.keep_cases(~log.cancelled, action="flow", detail="without cancelled") if log.cancelled.any() else log


def _percentiles(hours: Floats, days: Floats, done: NDArray[np.bool_]) -> pd.DataFrame:
    """Return the percentiles of Kaplan and Meier's curve, with intervals from its log-log transform.

    Source: R. Brookmeyer and J. Crowley (1982), Biometrics 38: those times at which the interval of the curve holds the
    percentile.
    """
    wall, curve = Survival(days, done), Survival(hours, done)
    times, longer = curve.curve
    at_risk = len(hours) - np.searchsorted(np.sort(hours), times, side="left")
    before = np.append(1.0, longer[:-1])
    died = np.rint((1 - longer / np.where(before > 0, before, 1)) * at_risk)
    rows = []
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.sqrt(np.cumsum(died / (at_risk * np.maximum(at_risk - died, 0)))) / np.abs(np.log(longer))
        low = longer ** np.exp(NORMAL_95 * spread)
        high = longer ** np.exp(-NORMAL_95 * spread)
    for share in SHARES:
        rows.append(
            {
                "share": share,
                "cycle_h": curve.quantile(share),
                "low_h": _first(times, low <= 1 - share),
                "high_h": _first(times, high <= 1 - share),
                "cycle_days": wall.quantile(share),
            }
        )
    return pd.DataFrame(rows)


def _first(times: Floats, reached: NDArray[np.bool_]) -> float:
    found = np.flatnonzero(reached)
    return float(times[found[0]]) if len(found) else float("nan")


def _stages(log: EventLog, ended: Ints) -> pd.DataFrame:
    """Count by day the cases that have reached each activity or a later one."""
    k, m = len(log.activities), log.n_cases
    never = np.iinfo(np.int64).max
    first = np.full(m * k, never)
    np.minimum.at(first, log.case_of.astype(np.int64) * k + log.activity, log.start)
    reached = np.minimum.accumulate(first.reshape(m, k)[:, ::-1], axis=1)[:, ::-1]
    zone = log.time_zone
    ends = (int(log.start.min()), int(ended.max()))
    begin, end = (pd.Timestamp(one, unit="us", tz="UTC").tz_convert(zone) for one in ends)
    days = pd.date_range(begin.normalize(), end.normalize(), freq="D")
    midnights = (days + pd.DateOffset(days=1)).tz_convert("UTC").tz_localize(None).to_numpy("datetime64[us]")
    edges = midnights.astype(np.int64)
    frame = pd.DataFrame({"day": days.tz_localize(None).as_unit("us")})
    counts: dict[str, Ints] = {}
    for code, name in enumerate(log.activities):
        moments = np.sort(reached[:, code][reached[:, code] < never])
        counts[name] = np.searchsorted(moments, edges, side="left")
    counts["done"] = np.searchsorted(np.sort(ended[log.completed]), edges, side="left")
    return pd.concat([frame, pd.DataFrame(counts)], axis=1)


def _periods(log: EventLog, period: Any) -> pd.DataFrame:
    found = arrivals_and_completions(log).to_pandas(period)
    frame = found[["period", "arrivals", "completions"]].rename(columns={"period": period})
    frame["net"] = frame["arrivals"] - frame["completions"]
    frame["wip"] = found["open_end"]
    if period == "week":
        frame["whole"] = observed_weeks(log, frame["week"])[1]
    return frame


def _ageing(log: EventLog, calendar: Calendar, begun: Ints, cycle: Survival) -> pd.DataFrame:
    """Hold the age of every open case against the completed ones."""
    rows = np.flatnonzero(~log.completed)
    now = np.full(len(rows), log.observed[1])
    age = working_hours(calendar, begun[rows], now)
    order = np.lexsort((log.start, log.case_of))
    latest = order[log.offsets[1:] - 1][rows]
    completed = np.sort(cycle.durations[cycle.finished])
    passed = np.searchsorted(completed, age, side="left")
    frame = pd.DataFrame(
        {
            "case": log.case_ids[rows],
            "activity": np.array(log.activities, dtype=object)[log.activity[latest]],
            "since": log._local(log.start[latest]),
            "age_h": age,
            "age_days": (now - begun[rows]) / DAY,
            "older_than": passed / len(completed) if len(completed) else np.nan,
            "left_h": [_left(cycle, one) for one in age.tolist()],
        }
    )
    return frame.sort_values("age_h", ascending=False, kind="stable", ignore_index=True)


def _left(cycle: Survival, age: float) -> float:
    """Return how much longer half of those take that have got so old."""
    times, longer = cycle.curve
    place = np.searchsorted(times, age, side="right")
    alive = longer[place - 1] if place else 1.0
    rest = np.flatnonzero(longer[place:] <= alive / 2 + 1e-12)
    return float(times[place + rest[0]] - age) if alive > 0 and len(rest) else float("nan")


def _stays(log: EventLog, calendar: Calendar) -> pd.DataFrame:
    k = len(log.activities)
    known = ~log.ongoing & (log.timestamps != "completed")
    hours = Groups(working_hours(calendar, log.start, log.end), np.where(known, log.activity.astype(np.int32), -1), k)
    total = hours.total
    frame = pd.DataFrame(
        {
            "activity": log.activities,
            "kind": status_kinds(log),
            "instances": np.bincount(log.activity, minlength=k),
            "total_h": np.where(hours.count > 0, total, np.nan),
            "median_h": hours.quantile(0.5),
            "p85_h": hours.quantile(0.85),
            "share": np.where(hours.count > 0, total / total.sum() if total.sum() > 0 else np.nan, np.nan),
        }
    )
    return frame[frame["instances"] > 0].reset_index(drop=True)


def _iso(frame: pd.DataFrame) -> pd.DataFrame:
    times = [name for name, column in frame.items() if pd.api.types.is_datetime64_any_dtype(column.dtype)]
    return frame.assign(**{str(name): [one.isoformat() for one in frame[name]] for name in times})

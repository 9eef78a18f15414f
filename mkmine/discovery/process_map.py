"""The AS-IS process map: which activity follows which, how often, and how much working time passes between them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from html import escape
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.calendars import HOUR, Calendar
from mkmine.errors import DataError
from mkmine.eventlog.cleaning.filters import keep_activities
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.notebook import html_table
from mkmine.eventlog.provenance import Provenance
from mkmine.eventlog.statistics import Groups
from mkmine.eventlog.summaries import (
    Durations,
    activity_rounds,
    clock,
    edge_times,
    n_variants,
    pair_cases,
    pair_counts,
)

__all__ = ["ProcessMap", "discover"]

# What a picture in a notebook can hold.
BOXES, ARROWS = 60, 240


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ProcessMap:
    """Directly-follows graph with counts and working times.

    Attributes
    ----------
    activities
        One row per activity in natural order: activity, instances, cases, max_rounds, starts and ends (cases that begin
        with it; completed cases that end with it), duration_median_h, duration_mean_h, duration_p85_h, duration_total_h
        (ongoing instances left out; NaN where only completions are known), rework_cases (cases that returned to it
        after another activity).
    edges
        One row per direct succession: source, target, count, cases, waiting_median_h, waiting_mean_h, waiting_p85_h,
        waiting_total_h (end of the source to start of the target; where only completions are known, from completion to
        completion), overlapping (successions whose target starts before the source ends: parallel work, not in the
        waiting statistics), rework (the target stands before the source in natural order, or is the source).
    shown_activities, shown_paths
        Share of the activities, and of the successions between them, that the map shows.
    """

    activities: pd.DataFrame
    edges: pd.DataFrame
    n_cases: int
    n_variants: int
    shown_activities: float
    shown_paths: float
    calendar: Calendar
    provenance: Provenance = field(repr=False)

    @property
    def order(self) -> tuple[str, ...]:
        """The shown activities in the order in which cases reach them."""
        return tuple(self.activities["activity"])

    def to_pandas(self) -> pd.DataFrame:
        """Return the edges."""
        return self.edges.copy()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "activities": records(self.activities),
            "edges": records(self.edges),
            "cases": self.n_cases,
            "variants": self.n_variants,
            "shown_activities": self.shown_activities,
            "shown_paths": self.shown_paths,
            "calendar": self.calendar.to_dict(),
            "provenance": self.provenance.to_dict(),
        }

    def __repr__(self) -> str:
        top = self.edges.head(8)
        lines = [
            f"ProcessMap of {self.n_cases:,} cases in {self.n_variants:,} variants: {len(self.activities)} activities "
            f"({self.shown_activities:.0%}), {len(self.edges)} paths ({self.shown_paths:.0%}), working time"
        ]
        # From one completion to the next work is done as well.
        passes = "waits" if self.activities["duration_median_h"].notna().any() else "takes"
        for row in records(top):
            wait = row["waiting_median_h"]
            told = "" if wait is None else f", {passes} {wait:,.1f} h (median)"
            lines.append(f"  {row['source']} -> {row['target']}: {row['count']:,} times{told}")
        return "\n".join([*lines, *(["  ..."] if len(self.edges) > len(top) else [])])

    def _repr_html_(self) -> str:
        title = escape(repr(self).splitlines()[0])
        tables = html_table(self.activities, "Activities") + html_table(self.edges, "Paths")
        return f"<p>{title}</p>{self._picture()}<details><summary>Tables</summary>{tables}</details>"

    def _picture(self) -> str:
        """Return the drawing, or what to do where there is too much for one."""
        if len(self.activities) > BOXES or len(self.edges) > ARROWS:
            return "<p>Too much for one picture; <code>discover(log, activities=0.5, paths=0.3)</code> shows less.</p>"
        try:
            # Drawing belongs to the report, which is built on this room: the façade knows where.
            drawn: str = import_module("mkmine").draw(self)._repr_html_()
        except DataError as error:
            return f"<p>{escape(str(error))}</p>"
        return drawn


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a frame as plain values; None where a number is missing."""
    rows: list[dict[str, Any]] = []
    for row in frame.to_dict("records"):
        plain = {str(key): value.item() if isinstance(value, np.generic) else value for key, value in row.items()}
        rows.append({k: None if isinstance(v, float) and math.isnan(v) else v for k, v in plain.items()})
    return rows


def discover(
    log: EventLog, *, activities: float = 1.0, paths: float = 1.0, calendar: Calendar | None = None
) -> ProcessMap:
    """Discover the process map of a log.

    `activities` and `paths` are shares (0 to 1) of what to show, the most frequent first. With fewer activities the map
    is that of the log without the others' instances. With fewer paths every activity keeps its most frequent way in and
    way out, so that nothing hangs in the air. Working time is that of `calendar`, or else of the log.

    Raises `DataError` if a share is not between 0 and 1.
    """
    for name, share in (("activities", activities), ("paths", paths)):
        if not 0 <= share <= 1:
            raise DataError(f"{name}={share} is not a share; give a number from 0 to 1, e.g. 0.6")
    working = calendar or log.working_calendar()
    shown = _most_frequent(log, activities)
    table = _activities(shown, log, working)
    edges = _edges(shown, working)
    kept = _strongest(edges, paths)
    return ProcessMap(
        activities=table,
        edges=kept,
        n_cases=log.n_cases,
        n_variants=n_variants(log),
        shown_activities=len(table) / len(log.activities),
        shown_paths=len(kept) / len(edges) if len(edges) else 1.0,
        calendar=working,
        provenance=log.provenance(
            "directly-follows map, working time", activities=activities, paths=paths, calendar=working.describe()
        ),
    )


def _most_frequent(log: EventLog, share: float) -> EventLog:
    if share == 1:
        return log
    counts = np.bincount(log.activity, minlength=len(log.activities))
    present = int((counts > 0).sum())
    keep = max(math.ceil(share * present), 1)
    if keep == present:
        return log
    chosen = np.argsort(-counts, kind="stable")[:keep]
    return keep_activities(log, [log.activities[code] for code in chosen])


def _activities(log: EventLog, whole: EventLog, calendar: Calendar) -> pd.DataFrame:
    k = len(log.activities)
    start, end = clock(log, calendar)
    if log.timestamps == "completed":
        spent = Groups(np.zeros(0), np.zeros(0, dtype=np.int32), k)
    else:
        spent = Groups((end - start) / HOUR, np.where(log.ongoing, -1, log.activity.astype(np.int32)), k)
    rounds = activity_rounds(log)
    all_rounds = rounds if log is whole else activity_rounds(whole)
    returned = dict(zip(whole.activities, all_rounds.returned.tolist(), strict=True))
    frame = pd.DataFrame(
        {
            "activity": log.activities,
            "instances": rounds.instances,
            "cases": rounds.cases,
            "max_rounds": rounds.most,
            "starts": rounds.starts,
            "ends": rounds.ends,
            "duration_median_h": spent.quantile(0.5),
            "duration_mean_h": spent.mean,
            "duration_p85_h": spent.quantile(0.85),
            "duration_total_h": np.where(spent.count > 0, spent.total, np.nan),
            # Of the whole log: with the activities between them left out, returns would look like repeats.
            "rework_cases": [returned[name] for name in log.activities],
        }
    )
    return frame[frame["instances"] > 0].reset_index(drop=True)


def _edges(log: EventLog, calendar: Calendar) -> pd.DataFrame:
    k = len(log.activities)
    source, target, count = pair_counts(log.offsets, log.activity, k)
    waits = edge_times(log, calendar=calendar, exact=True, overlaps=False)
    names = np.array(log.activities, dtype=object)
    frame = pd.DataFrame(
        {
            "source": names[source],
            "target": names[target],
            "count": count,
            "cases": pair_cases(log),
            **_waits(waits, list(zip(names[source], names[target], strict=True))),
            "rework": target <= source,
        }
    )
    frame.insert(8, "overlapping", count - frame.pop("waiting"))
    return frame.sort_values("count", ascending=False, kind="stable").reset_index(drop=True)


def _waits(waits: Durations, edges: list[tuple[str, str]]) -> dict[str, NDArray[Any]]:
    """Return the waiting times of the edges in hours, NaN where all are parallel, and how many there are."""
    number = {name: place for place, name in enumerate(waits.names)}
    place = np.array([number.get(edge, len(waits)) for edge in edges], dtype=np.int64)
    total = np.array([one / HOUR for one in waits.total], dtype=np.float64)
    columns = {
        "waiting_median_h": waits.quantile(0.5) / HOUR,
        "waiting_mean_h": waits.mean / HOUR,
        "waiting_p85_h": waits.quantile(0.85) / HOUR,
        "waiting_total_h": total,
    }
    found = {name: np.append(values, np.nan)[place] for name, values in columns.items()}
    return found | {"waiting": np.append(waits.count, 0)[place]}


def _strongest(edges: pd.DataFrame, share: float) -> pd.DataFrame:
    """Keep the most frequent paths, and of every activity the most frequent way in and way out."""
    top = np.zeros(len(edges), dtype=np.bool_)
    top[: math.ceil(share * len(edges))] = True
    between = edges[edges["source"] != edges["target"]]
    for column in ("source", "target"):
        top[between.drop_duplicates(column).index.to_numpy()] = True
    return edges[top].reset_index(drop=True)

"""The AS-IS process map: which activity follows which, how often, and how much working time passes between them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.calendars import Calendar
from mkmine.errors import DataError
from mkmine.eventlog.cleaning.filters import keep_activities
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.provenance import Provenance
from mkmine.eventlog.statistics import Groups
from mkmine.eventlog.summaries import repeats, variant_index, visits, working_hours

__all__ = ["ProcessMap", "discover"]

# Up to this many pairs of activities a table of them is cheaper than sorting.
TABLE = 1 << 22


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
            f"({self.shown_activities:.0%}), {len(self.edges)} paths ({self.shown_paths:.0%})"
        ]
        for row in top.itertuples():
            lines.append(
                f"  {row.source} -> {row.target}: {row.count:,} times, waits {row.waiting_median_h:.1f} h (median)"
            )
        return "\n".join([*lines, *(["  ..."] if len(self.edges) > len(top) else [])])

    def _repr_html_(self) -> str:
        title = escape(repr(self).splitlines()[0])
        tables = "".join(one.to_html(index=False, escape=True, na_rep="") for one in (self.activities, self.edges))
        return f"<p>{title}</p>{tables}"


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
        n_variants=variant_index(log).n,
        shown_activities=len(table) / len(log.activities),
        shown_paths=len(kept) / len(edges) if len(edges) else 1.0,
        calendar=working,
        provenance=log.provenance(
            "directly-follows map, working time", activities=activities, paths=paths, calendar=working.describe()
        ),
    )


def _most_frequent(log: EventLog, share: float) -> EventLog:
    counts = np.bincount(log.activity, minlength=len(log.activities))
    present = int((counts > 0).sum())
    keep = max(math.ceil(share * present), 1)
    if keep == present:
        return log
    chosen = np.argsort(-counts, kind="stable")[:keep]
    return keep_activities(log, [log.activities[code] for code in chosen])


def _activities(log: EventLog, whole: EventLog, calendar: Calendar) -> pd.DataFrame:
    k, codes = len(log.activities), log.activity
    done = ~log.ongoing
    timed = done if log.timestamps != "completed" else np.zeros(len(log), dtype=np.bool_)
    hours = working_hours(calendar, log.start[timed], log.end[timed])
    spent = Groups(hours, codes[timed], k)
    width = int(log.round.max()) + 1
    reached = np.bincount(codes * np.int64(width) + log.round, minlength=k * width).reshape(k, width) > 0
    longest = np.where(reached.any(axis=1), width - 1 - reached[:, ::-1].argmax(axis=1), 0)
    last = codes[log.offsets[1:] - 1]
    # Of the whole log: with the activities between them left out, returns would look like repeats.
    returned = whole.activity[(visits(whole) == 2) & ~repeats(whole)]
    frame = pd.DataFrame(
        {
            "activity": log.activities,
            "instances": np.bincount(codes, minlength=k),
            "cases": np.bincount(codes[log.round == 1], minlength=k),
            "max_rounds": longest,
            "starts": np.bincount(codes[log.offsets[:-1]], minlength=k),
            "ends": np.bincount(last[log.completed], minlength=k),
            "duration_median_h": spent.quantile(0.5),
            "duration_mean_h": spent.mean,
            "duration_p85_h": spent.quantile(0.85),
            "duration_total_h": np.where(spent.count > 0, spent.total, np.nan),
            "rework_cases": np.bincount(returned, minlength=k),
        }
    )
    return frame[frame["instances"] > 0].reset_index(drop=True)


def _edges(log: EventLog, calendar: Calendar) -> pd.DataFrame:
    k = len(log.activities)
    rows = np.flatnonzero(log.position[1:] > 0)
    key = log.activity[rows].astype(np.int64) * k + log.activity[rows + 1]
    found, edge = _numbered(key, k * k)
    apart = log.start[rows + 1] >= log.end[rows]
    hours = working_hours(calendar, log.end[rows[apart]], log.start[rows[apart] + 1])
    waits = Groups(hours, edge[apart], len(found))
    count = np.bincount(edge, minlength=len(found))
    source, target = found // max(k, 1), found % max(k, 1)
    names = np.array(log.activities, dtype=object)
    frame = pd.DataFrame(
        {
            "source": names[source],
            "target": names[target],
            "count": count,
            "cases": _distinct(edge, log.case_of[rows], len(found)),
            "waiting_median_h": waits.quantile(0.5),
            "waiting_mean_h": waits.mean,
            "waiting_p85_h": waits.quantile(0.85),
            "waiting_total_h": np.where(waits.count > 0, waits.total, np.nan),
            "overlapping": count - waits.count,
            "rework": target <= source,
        }
    )
    return frame.sort_values("count", ascending=False, kind="stable").reset_index(drop=True)


def _numbered(key: NDArray[np.int64], size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the distinct keys below `size` in order, and the place of each key among them."""
    if size > TABLE:
        found, place = np.unique(key, return_inverse=True)
        return found, place
    found = np.flatnonzero(np.bincount(key, minlength=size))
    place = np.empty(size, dtype=np.int64)
    place[found] = np.arange(len(found))
    return found, place[key]


def _distinct(edge: NDArray[np.int64], case: NDArray[np.int32], size: int) -> NDArray[np.int64]:
    """Return the number of different cases of each edge."""
    # Cases come in order, so a stable sort by edge keeps those of an edge together.
    order = np.argsort(edge.astype(np.min_scalar_type(max(size - 1, 0))), kind="stable")
    e, c = edge[order], case[order]
    fresh = np.append(True, (e[1:] != e[:-1]) | (c[1:] != c[:-1])) if len(e) else np.zeros(0, dtype=np.bool_)
    return np.bincount(e[fresh], minlength=size)


def _strongest(edges: pd.DataFrame, share: float) -> pd.DataFrame:
    """Keep the most frequent paths, and of every activity the most frequent way in and way out."""
    top = np.zeros(len(edges), dtype=np.bool_)
    top[: math.ceil(share * len(edges))] = True
    between = edges[edges["source"] != edges["target"]]
    for column in ("source", "target"):
        top[between.drop_duplicates(column).index.to_numpy()] = True
    return edges[top].reset_index(drop=True)

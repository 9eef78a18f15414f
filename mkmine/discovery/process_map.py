"""The AS-IS process map: which activity follows which, how often, and how much working time passes between them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from html import escape
from importlib import import_module
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.calendars import HOUR, Calendar
from mkmine.errors import DataError, UnknownNameError
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

__all__ = ["Clock", "ProcessMap", "discover", "merged_order"]

Clock = Literal["working", "wall"]
Bools = NDArray[np.bool_]

# What a picture in a notebook can hold.
BOXES = 60
# Two activities are done side by side if at least this share of their successions overlap in time.
OVERLAPPING = 0.5
# Where only completions are known, if either comes first about as often, and hardly ever one between two of the other.
BALANCED, BETWEEN, FEWEST = 0.3, 0.05, 10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ProcessMap:
    """Directly-follows graph with counts and working times.

    Attributes
    ----------
    activities
        One row per activity in natural order: activity, instances, cases, max_rounds, starts and ends (cases that begin
        with it; completed cases that end with it), duration_median_h, duration_mean_h, duration_p85_h, duration_p95_h,
        duration_total_h (ongoing instances left out; NaN where only completions are known), rework_cases (cases that
        returned to it after another activity). With a cost: cost_median, cost_mean, cost_p85, cost_p95, cost_total.
    edges
        One row per direct succession: source, target, count, cases, max_repeats (most in one case), waiting_median_h,
        waiting_mean_h, waiting_p85_h, waiting_p95_h, waiting_total_h (end of the source to start of the target; where
        only completions are known, from completion to completion), overlapping (successions whose target starts before
        the source ends: parallel work, not in the waiting statistics), rework (the target stands before the source in
        natural order, or is the source), parallel (the two are done side by side: neither waits for the other).
    shown_activities, shown_paths
        Share of the activities, and of the successions between them, that the map shows.
    clock
        Whether the hours are those of working time or of the wall clock.
    parallel_left_out
        How many paths are not shown because they join activities that are done side by side.
    """

    activities: pd.DataFrame
    edges: pd.DataFrame
    n_cases: int
    n_variants: int
    shown_activities: float
    shown_paths: float
    calendar: Calendar
    provenance: Provenance = field(repr=False)
    clock: Clock = "working"
    parallel_left_out: int = 0

    @property
    def order(self) -> tuple[str, ...]:
        """The shown activities in the order in which cases reach them."""
        return tuple(self.activities["activity"])

    @property
    def costed(self) -> bool:
        """Whether the map knows what its activities cost."""
        return "cost_total" in self.activities

    def only(self, *, paths: float) -> ProcessMap:
        """Return the map with this share (0 to 1) of its paths, as `discover` chooses them.

        Raises `DataError` if the share is not between 0 and 1.
        """
        _share("paths", paths)
        kept = _strongest(self.edges, paths)
        shown = self.shown_paths * len(kept) / max(len(self.edges), 1)
        return replace(self, edges=kept, shown_paths=shown if len(self.edges) else self.shown_paths)

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
            "clock": self.clock,
            "parallel_left_out": self.parallel_left_out,
            "calendar": self.calendar.to_dict(),
            "provenance": self.provenance.to_dict(),
        }

    def __repr__(self) -> str:
        top = self.edges.head(8)
        lines = [
            f"ProcessMap of {self.n_cases:,} cases in {self.n_variants:,} variants: {len(self.activities)} activities "
            f"({self.shown_activities:.0%}), {len(self.edges)} paths ({self.shown_paths:.0%}), "
            f"{'working time' if self.clock == 'working' else 'time of the clock'}"
        ]
        if self.parallel_left_out:
            lines.append(f"  {self.parallel_left_out} paths between activities done side by side are left out")
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
        if len(self.activities) > BOXES:
            return "<p>Too much for one picture; <code>discover(log, activities=0.5)</code> shows less.</p>"
        # Drawing belongs to the report, which is built on this room: the façade knows where.
        drawn: str = import_module("mkmine").draw(self)._repr_html_()
        return drawn


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a frame as plain values; None where a number is missing."""
    rows: list[dict[str, Any]] = []
    for row in frame.to_dict("records"):
        plain = {str(key): value.item() if isinstance(value, np.generic) else value for key, value in row.items()}
        rows.append({k: None if isinstance(v, float) and math.isnan(v) else v for k, v in plain.items()})
    return rows


def merged_order(first: Sequence[str], second: Sequence[str]) -> tuple[str, ...]:
    """Return the names of both in one order: that of the first, each other name after what it follows in the second."""
    out, place = list(first), -1
    for name in second:
        if name in out:
            place = out.index(name)
        else:
            place += 1
            out.insert(place, name)
    return tuple(out)


def discover(
    log: EventLog,
    *,
    activities: float = 1.0,
    paths: float = 1.0,
    calendar: Calendar | None = None,
    clock: Clock = "working",
    parallel: bool = True,
    cost: str | None = None,
) -> ProcessMap:
    """Discover the process map of a log.

    `activities` and `paths` are shares (0 to 1) of what to show, the most frequent first. With fewer activities the map
    is that of the log without the others' instances. With fewer paths every activity keeps its most frequent way in and
    way out, so that nothing hangs in the air. Hours are those of `calendar`, or else of the log's working calendar;
    with `clock="wall"` they are those of the clock.

    Work done side by side comes in any order, and a path between two such activities tells of no hand-over;
    `parallel=False` leaves these paths out. Where starts are known, activities are side by side if half of their
    successions overlap; where not, if either comes first about as often without alternating (after A. Augusto et al.
    2019, Split Miner, Knowledge and Information Systems 59). `cost` names a numeric attribute of instances.

    Raises `DataError` if a share is not between 0 and 1 or the cost is no number, and `UnknownNameError` if there is no
    such attribute or clock.
    """
    _share("activities", activities)
    _share("paths", paths)
    if clock not in ("working", "wall"):
        raise UnknownNameError.of(kind="clock", name=str(clock), known=["working", "wall"])
    working = calendar or log.working_calendar()
    if clock == "wall":
        working = Calendar.always(log.time_zone)
    shown = _most_frequent(log, activities)
    table = _activities(shown, log, working)
    if cost is not None:
        table = _with_cost(table, shown, cost)
    edges = _edges(shown, working)
    apart = edges if parallel else _apart(edges)
    kept = _strongest(apart, paths)
    return ProcessMap(
        activities=table,
        edges=kept,
        n_cases=log.n_cases,
        n_variants=n_variants(log),
        shown_activities=len(table) / len(log.activities),
        shown_paths=len(kept) / len(edges) if len(edges) else 1.0,
        calendar=working,
        provenance=log.provenance(
            "directly-follows map, working time" if clock == "working" else "directly-follows map, time of the clock",
            activities=activities,
            paths=paths,
            calendar=working.describe(),
        ),
        clock=clock,
        parallel_left_out=len(edges) - len(apart),
    )


def _share(name: str, share: float) -> None:
    if not 0 <= share <= 1:
        raise DataError(f"{name}={share} is not a share; give a number from 0 to 1, e.g. 0.6")


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
            "duration_p95_h": spent.quantile(0.95),
            "duration_total_h": np.where(spent.count > 0, spent.total, np.nan),
            # Of the whole log: with the activities between them left out, returns would look like repeats.
            "rework_cases": [returned[name] for name in log.activities],
        }
    )
    return frame[frame["instances"] > 0].reset_index(drop=True)


def _with_cost(table: pd.DataFrame, log: EventLog, cost: str) -> pd.DataFrame:
    if cost not in log.attributes:
        raise UnknownNameError.of(kind="attribute", name=cost, known=list(log.attributes))
    values = pd.to_numeric(pd.Series(log.attributes[cost]), errors="coerce").to_numpy(dtype=np.float64)
    if not np.isfinite(values).any():
        raise DataError(f'attribute "{cost}" holds no numbers; name an attribute that says what an activity cost')
    codes = np.where(np.isfinite(values), log.activity.astype(np.int32), np.int32(-1))
    spent = Groups(values, codes, len(log.activities))
    columns = {
        "cost_median": spent.quantile(0.5),
        "cost_mean": spent.mean,
        "cost_p85": spent.quantile(0.85),
        "cost_p95": spent.quantile(0.95),
        "cost_total": np.where(spent.count > 0, spent.total, np.nan),
    }
    number = {name: place for place, name in enumerate(log.activities)}
    at = table["activity"].map(number).to_numpy(dtype=np.int64)
    return table.assign(**{name: values[at] for name, values in columns.items()})


def _edges(log: EventLog, calendar: Calendar) -> pd.DataFrame:
    k = len(log.activities)
    source, target, count = pair_counts(log.offsets, log.activity, k)
    waits = edge_times(log, calendar=calendar, exact=True, overlaps=False)
    names = np.array(log.activities, dtype=object)
    cases = pair_cases(log)
    frame = pd.DataFrame(
        {
            "source": names[source],
            "target": names[target],
            "count": count,
            "cases": cases,
            "max_repeats": _most_repeats(log, source * k + target, count > cases),
            **_waits(waits, list(zip(names[source], names[target], strict=True))),
            "rework": target <= source,
        }
    )
    frame.insert(10, "overlapping", count - frame.pop("waiting"))
    frame["parallel"] = _side_by_side(log, source, target, count, frame["overlapping"].to_numpy(dtype=np.int64))
    return frame.sort_values("count", ascending=False, kind="stable").reset_index(drop=True)


def _most_repeats(log: EventLog, pairs: NDArray[np.int64], repeated: Bools) -> NDArray[np.int64]:
    """Return how often each pair (source times k plus target, ascending) occurs in the case that has it most often."""
    out = np.ones(len(pairs), dtype=np.int64)
    if not repeated.any():
        return out
    k, code = len(log.activities), log.activity.astype(np.int64)
    number = np.full(k * k, -1, dtype=np.int64)
    number[pairs[repeated]] = np.flatnonzero(repeated)
    place = number[code[:-1] * k + code[1:]]
    rows = np.flatnonzero((place >= 0) & (log.position[1:] > 0))
    keys, counts = np.unique(log.case_of[rows].astype(np.int64) * len(pairs) + place[rows], return_counts=True)
    np.maximum.at(out, keys % len(pairs), counts)
    return out


def _side_by_side(
    log: EventLog,
    source: NDArray[np.int64],
    target: NDArray[np.int64],
    count: NDArray[np.int64],
    overlapping: NDArray[np.int64],
) -> Bools:
    """Return which paths join activities that are done side by side; see `discover`."""
    k = len(log.activities)
    total, over = np.zeros((k, k)), np.zeros((k, k))
    total[source, target], over[source, target] = count, overlapping
    both = total + total.T
    if log.timestamps != "completed":
        found = (over + over.T) >= OVERLAPPING * np.maximum(both, 1)
    else:
        code = log.activity.astype(np.int64)
        alternate = (log.position[2:] > 1) & (code[2:] == code[:-2]) & (code[1:-1] != code[2:])
        rows = np.flatnonzero(alternate)
        between = np.bincount(code[rows] * k + code[rows + 1], minlength=k * k).reshape(k, k)
        rarer = np.minimum(total, total.T)
        balanced = (np.abs(total - total.T) <= BALANCED * both) & (rarer >= FEWEST)
        found = balanced & (between + between.T <= BETWEEN * rarer)
    np.fill_diagonal(found, False)
    return np.asarray(found[source, target], dtype=np.bool_)


def _apart(edges: pd.DataFrame) -> pd.DataFrame:
    """Leave out the paths between activities done side by side, but not the only way into or out of one."""
    kept = edges[~edges["parallel"]]
    lonely = ~edges["source"].isin(kept["source"]) | ~edges["target"].isin(kept["target"])
    return edges[~edges["parallel"] | lonely].reset_index(drop=True)


def _waits(waits: Durations, edges: list[tuple[str, str]]) -> dict[str, NDArray[Any]]:
    """Return the waiting times of the edges in hours, NaN where all are parallel, and how many there are."""
    number = {name: place for place, name in enumerate(waits.names)}
    place = np.array([number.get(edge, len(waits)) for edge in edges], dtype=np.int64)
    total = np.array([one / HOUR for one in waits.total], dtype=np.float64)
    columns = {
        "waiting_median_h": waits.quantile(0.5) / HOUR,
        "waiting_mean_h": waits.mean / HOUR,
        "waiting_p85_h": waits.quantile(0.85) / HOUR,
        "waiting_p95_h": waits.quantile(0.95) / HOUR,
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

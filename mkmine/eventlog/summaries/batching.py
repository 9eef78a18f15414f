"""Batches: work on the same activity that a person does in one go, over several cases."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.errors import DataError
from mkmine.eventlog.cleaning.changes import microseconds
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.notebook import html_table
from mkmine.eventlog.statistics import running_maximum, sort_groups
from mkmine.eventlog.summaries.sketch import spans
from mkmine.eventlog.twins import compiled

__all__ = ["KINDS", "Batches", "batches"]

Int = NDArray[np.int64]
# Up to so many pairs of activity and person are counted in a table.
TABLE = 1 << 22
KINDS = ("simultaneous", "same start", "same end", "sequential", "concurrent")


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Batches:
    """The batches of a log: instances of one activity by one person with hardly a pause between them.

    `of` (n,) is the row of the batch of each instance of the log in the `table`, -1 for none. Kinds: "simultaneous"
    (all start and end together), "same start", "same end", "sequential" (each starts when the one before ends),
    "concurrent" (any other). Source: N. Martin et al. (2015), Batch processing: definition and event log
    identification, SIMPDA. Batches run across cases, so they do not merge.
    """

    of: Int
    figures: Int
    log: EventLog

    def __len__(self) -> int:
        return len(self.figures)

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per batch, by activity, person and start.

        Columns: activity, resource, kind, start, end, instances, cases (different ones), first (its first instance).
        """
        log = self.log
        group, kind, start, end, instances, cases, first = self.figures.T
        people = max(len(log.resources), 1)
        return pd.DataFrame(
            {
                "activity": np.array([*log.activities, None], dtype=object)[group // people],
                "resource": np.array([*log.resources, None], dtype=object)[group % people],
                "kind": np.array(KINDS, dtype=object)[kind],
                "start": log._local(start),
                "end": log._local(end),
                "instances": instances,
                "cases": cases,
                "first": first,
            }
        )

    def to_pandas(self) -> pd.DataFrame:
        """Return the table."""
        return self.table.copy()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values; times as ISO 8601."""
        shown = self.table.assign(start=_iso(self.table["start"]), end=_iso(self.table["end"]))
        return {"batches": shown.to_dict("records")}

    def __repr__(self) -> str:
        kinds = zip(KINDS, np.bincount(self.figures[:, 1], minlength=len(KINDS)).tolist(), strict=True)
        shown = ", ".join(f"{count:,} {kind}" for kind, count in kinds if count)
        inside = int((self.of >= 0).sum())
        return f"Batches: {len(self):,} of {inside:,} instances (of {len(self.of):,})" + (f": {shown}" if shown else "")

    def _repr_html_(self) -> str:
        top = self.table.sort_values("instances", ascending=False, kind="stable")
        return html_table(top.drop(columns="first"), f"{self!r}, the largest")


def _iso(times: pd.Series) -> list[str]:
    return [one.isoformat() for one in times]


def batches(log: EventLog, *, merge_distance: timedelta | str | float = "15 min", min_size: int = 2) -> Batches:
    """Find the batches: chains of instances of the same activity by the same person.

    An instance belongs to a chain if it starts at most `merge_distance` after the latest end in it: a text such as
    "15 min", a timedelta, or a number of hours. Chains of fewer than `min_size` instances are none. Instances of nobody
    known are left out. As `pm4py.discover_batches`, whose list of intervals is not always in order of time, so that it
    may join what lies apart; here it always is.

    Raises `DataError` if the distance is no length of time, or the size less than 1.
    """
    distance = microseconds(merge_distance, what="merge_distance")
    if min_size < 1:
        raise DataError(f"min_size={min_size}: a batch has 1 instance or more, and worth looking at are 2 or more")
    found = None
    small = len(log.activities) * len(log.resources) <= TABLE and len(log) <= np.iinfo(np.int32).max
    if compiled(len(log)) and small:
        found = _compiled_chains(log, distance, min_size)
    of, figures = found or _chains(log, distance, min_size)
    return Batches(of=of, figures=figures, log=log)


def _compiled_chains(log: EventLog, distance: int, least: int) -> tuple[Int, Int] | None:
    """Return the chains; None where a start and a place among the instances of one person do not fit in 63 bits."""
    from mkmine.eventlog.summaries import kernels

    resource, people = np.ascontiguousarray(log.resource), len(log.resources)
    begins = kernels.work_begins(log.activity, resource, len(log.activities), people)
    lowest, shift = int(log.start.min()), int(np.diff(begins).max(initial=0)).bit_length()
    if (int(log.start.max()) - lowest).bit_length() + shift > 62:
        return None
    packed, ends, rows = kernels.gather_work(log.activity, resource, log.start, log.end, begins, people, lowest, shift)
    sort_groups(packed, begins)
    kernels.put_in_order(packed, ends, rows, begins, shift)
    # In place: new memory would take as long as what is computed.
    packed >>= shift
    packed += lowest
    return kernels.chains(begins, packed, ends, rows, log.case_of, log.n_cases, distance, least)


def _chains(log: EventLog, distance: int, least: int) -> tuple[Int, Int]:
    known = np.flatnonzero(log.resource >= 0)
    people = len(log.resources)
    group = log.activity[known].astype(np.int64) * people + log.resource[known]
    order = np.lexsort((log.end[known], log.start[known], group))
    rows, group = known[order], group[order]
    of = np.full(len(log), -1, dtype=np.int64)
    start, end = log.start[rows], log.end[rows]
    changes = np.append(True, group[1:] != group[:-1])[: len(rows)]
    at = np.flatnonzero(changes)
    latest = running_maximum(end, np.arange(len(rows)) - np.repeat(at, np.diff(np.append(at, len(rows)))))
    changes[1:] |= start[1:] - latest[:-1] > distance
    begins = np.flatnonzero(changes)
    sizes = np.diff(np.append(begins, len(rows)))
    large = np.flatnonzero(sizes >= least)
    rows, sizes = rows[spans(begins, sizes, large)], sizes[large]
    number = np.repeat(np.arange(len(large)), sizes)
    of[rows] = number
    if not len(large):
        return of, np.zeros((0, 7), dtype=np.int64)
    begins = np.cumsum(sizes) - sizes
    start, end = log.start[rows], log.end[rows]
    first, last = np.minimum.reduceat(start, begins), np.maximum.reduceat(end, begins)
    together = np.maximum.reduceat(start, begins) == first
    finished = np.minimum.reduceat(end, begins) == last
    follows = np.append(True, start[1:] == end[:-1])
    follows[begins] = True
    kind = np.select([together & finished, together, finished, np.logical_and.reduceat(follows, begins)], range(4), 4)
    order = np.lexsort((log.case_of[rows], number))
    case, batch = log.case_of[rows][order], number[order]
    fresh = np.append(True, (case[1:] != case[:-1]) | (batch[1:] != batch[:-1]))
    cases = np.bincount(batch[fresh], minlength=len(sizes))
    group = log.activity[rows[begins]].astype(np.int64) * people + log.resource[rows[begins]]
    return of, np.column_stack((group, kind, first, last, sizes, cases, rows[begins]))

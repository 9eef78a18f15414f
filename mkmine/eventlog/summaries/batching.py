"""Batches: work on the same activity that a person does in one go, over several cases."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.errors import DataError
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.statistics import running_maximum
from mkmine.eventlog.summaries.sketch import spans
from mkmine.eventlog.twins import compiled

__all__ = ["KINDS", "Batches", "batches"]

Int = NDArray[np.int64]
MINUTE = 60_000_000
KINDS = ("simultaneous", "same start", "same end", "sequential", "concurrent")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Batches:
    """The batches of a log: instances of one activity by one person with hardly a pause between them.

    `table` has one row per batch, the largest first: activity, resource, kind, start, end, instances, cases, first (its
    first instance). `of` (n,) is the row of the batch of each instance of the log, -1 for none. Kinds:
    "simultaneous" (all start and end together), "same start", "same end", "sequential" (each starts when the one before
    ends), "concurrent" (any other). Source: N. Martin et al. (2015), Batch processing: definition and event log
    identification, SIMPDA. Batches run across cases, so they do not merge.
    """

    table: pd.DataFrame
    of: Int

    def __len__(self) -> int:
        return len(self.table)

    def to_pandas(self) -> pd.DataFrame:
        """Return the table."""
        return self.table.copy()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values; times as ISO 8601."""
        shown = self.table.assign(start=_iso(self.table["start"]), end=_iso(self.table["end"]))
        return {"batches": shown.to_dict("records")}

    def __repr__(self) -> str:
        kinds = self.table["kind"].value_counts()
        shown = ", ".join(f"{count:,} {kind}" for kind, count in kinds.items())
        inside = int((self.of >= 0).sum())
        return f"Batches: {len(self):,} of {inside:,} instances (of {len(self.of):,})" + (f": {shown}" if shown else "")

    def _repr_html_(self) -> str:
        return f"<p>{escape(repr(self))}</p>{self.table.head(20).to_html(index=False, escape=True)}"


def _iso(times: pd.Series) -> list[str]:
    return [one.isoformat() for one in times]


def batches(log: EventLog, *, merge_distance: int = 15 * MINUTE, min_size: int = 2) -> Batches:
    """Find the batches: chains of instances of the same activity by the same person.

    An instance belongs to a chain if it starts at most `merge_distance` (µs) after the latest end in it; chains of
    fewer than `min_size` instances are none. Instances of nobody known are left out. As `pm4py.discover_batches`, whose
    list of intervals is not always in order of time, so that it may join what lies apart; here it always is.

    Raises `DataError` if the distance is negative or the size less than 1.
    """
    if merge_distance < 0 or min_size < 1:
        raise DataError(
            f"merge_distance={merge_distance}, min_size={min_size}: a distance is 0 µs or more, and a size 1 or more"
        )
    known = np.flatnonzero(log.resource >= 0)
    of = np.full(len(log), -1, dtype=np.int64)
    group = log.activity[known].astype(np.int64) * max(len(log.resources), 1) + log.resource[known]
    order = np.lexsort((log.end[known], log.start[known], group))
    rows, group = known[order], group[order]
    start, end = log.start[rows], log.end[rows]
    begins = np.flatnonzero(_fresh(group, start, end, merge_distance))
    sizes = np.diff(np.append(begins, len(rows)))
    large = np.flatnonzero(sizes >= min_size)
    # The largest first; of equal ones the one that the order of (activity, person, start) has first.
    large = large[np.argsort(-sizes[large], kind="stable")]
    members = spans(begins, sizes, large)
    of[rows[members]] = np.repeat(np.arange(len(large)), sizes[large])
    return Batches(table=_table(log, rows[members], sizes[large]), of=of)


def _fresh(group: Int, start: Int, end: Int, distance: int) -> NDArray[np.bool_]:
    """Return which of the rows, in order of (group, start), begin a chain."""
    if compiled(len(group)):
        from mkmine.eventlog.summaries import kernels

        return kernels.chain(group, start, end, distance)
    changes = np.append(True, group[1:] != group[:-1])[: len(group)]
    at = np.flatnonzero(changes)
    latest = running_maximum(end, np.arange(len(group)) - np.repeat(at, np.diff(np.append(at, len(group)))))
    changes[1:] |= start[1:] - latest[:-1] > distance
    return changes


def _table(log: EventLog, rows: Int, sizes: Int) -> pd.DataFrame:
    """Describe batches whose instances are these rows, one batch after the other, each in order of (start, end)."""
    columns = ("activity", "resource", "kind", "start", "end", "instances", "cases", "first")
    if not len(sizes):
        return pd.DataFrame({name: pd.Series(dtype=object) for name in columns})
    begins = np.cumsum(sizes) - sizes
    start, end = log.start[rows], log.end[rows]
    first, last = np.minimum.reduceat(start, begins), np.maximum.reduceat(end, begins)
    together = np.maximum.reduceat(start, begins) == first
    finished = np.minimum.reduceat(end, begins) == last
    follows = np.append(True, start[1:] == end[:-1])
    follows[begins] = True
    chained = np.logical_and.reduceat(follows, begins)
    kind = np.select([together & finished, together, finished, chained], range(4), 4)
    head = rows[begins]
    of = np.repeat(np.arange(len(sizes)), sizes)
    order = np.lexsort((log.case_of[rows], of))
    case, batch = log.case_of[rows][order], of[order]
    fresh = np.append(True, (case[1:] != case[:-1]) | (batch[1:] != batch[:-1]))
    return pd.DataFrame(
        {
            "activity": np.array(log.activities, dtype=object)[log.activity[head]],
            "resource": np.array(log.resources, dtype=object)[log.resource[head].astype(np.int64)],
            "kind": np.array(KINDS, dtype=object)[kind],
            "start": log._local(first),
            "end": log._local(last),
            "instances": sizes,
            "cases": np.bincount(batch[fresh], minlength=len(sizes)),
            "first": head,
        }
    )

"""What directly follows what: counts of successions, how cases start and end, and the time that passes on each edge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.calendars import Calendar
from mkmine.errors import DataError
from mkmine.eventlog.columns import narrow
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.notebook import html_table
from mkmine.eventlog.statistics import sort_groups
from mkmine.eventlog.summaries.plain import added, entry, records, whole
from mkmine.eventlog.summaries.sketch import Durations, durations, of_sorted
from mkmine.eventlog.twins import compiled

__all__ = [
    "By",
    "DirectlyFollows",
    "clock",
    "codes_by",
    "directly_follows",
    "edge_matrix",
    "edge_times",
    "on_calendar",
    "pair_cases",
    "pair_counts",
]

By = Literal["activity", "resource", "role"]
Int = NDArray[np.int64]
Codes = NDArray[np.unsignedinteger[Any]]
# Pairs are counted in pieces that stay in the processor's cache.
PIECE = 1 << 18
# Up to this many activities the counts are a dense square.
DENSE = 2048
SHOWN = 8


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class DirectlyFollows:
    """How often one activity directly follows another in a case, and how often cases start and end with each.

    `edges` maps (source, target) to the count, `starts` and `ends` map activities; `cases` is the number of cases.
    """

    edges: Mapping[tuple[str, str], int] = field(default_factory=dict)
    starts: Mapping[str, int] = field(default_factory=dict)
    ends: Mapping[str, int] = field(default_factory=dict)
    cases: int = 0

    def merge(self, other: DirectlyFollows) -> DirectlyFollows:
        """Return the counts of both parts; `DirectlyFollows()` is the identity."""
        return DirectlyFollows(
            edges=added(self.edges, other.edges),
            starts=added(self.starts, other.starts),
            ends=added(self.ends, other.ends),
            cases=self.cases + other.cases,
        )

    def to_pandas(self) -> pd.DataFrame:
        """Return one row per edge: source, target, count; the most frequent first."""
        rows = sorted(((s, t, n) for (s, t), n in self.edges.items()), key=lambda row: (-row[2], row[0], row[1]))
        return pd.DataFrame(rows, columns=["source", "target", "count"])

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, readable by `from_dict`."""
        return {
            "edges": [[source, target, count] for (source, target), count in sorted(self.edges.items())],
            "starts": [[name, count] for name, count in sorted(self.starts.items())],
            "ends": [[name, count] for name, count in sorted(self.ends.items())],
            "cases": self.cases,
        }

    @classmethod
    def from_dict(cls, values: object) -> DirectlyFollows:
        """Read what `to_dict` returned. Raises `DataError` if it is not that."""
        what = "saved directly-follows counts"
        edges = records(entry(values, "edges", what), (str, str, int), what)
        starts, ends = (dict(records(entry(values, one, what), (str, int), what)) for one in ("starts", "ends"))
        found = cls(
            edges={(source, target): count for source, target, count in edges},
            starts=starts,
            ends=ends,
            cases=whole(entry(values, "cases", what), what),
        )
        if not sum(starts.values()) == sum(ends.values()) == found.cases:
            raise DataError(f"{what} do not have one start and one end for each case; the file is damaged")
        return found

    def __repr__(self) -> str:
        lines = [
            f"DirectlyFollows: {self.cases:,} cases, {len(self.edges):,} edges, {sum(self.edges.values()):,} times"
        ]
        top = self.to_pandas().head(SHOWN)
        lines += [f"  {row.source} -> {row.target}: {row.count:,} times" for row in top.itertuples(index=False)]
        return "\n".join([*lines, *(["  ..."] if len(self.edges) > SHOWN else [])])

    def _repr_html_(self) -> str:
        return html_table(self.to_pandas(), repr(self).splitlines()[0])


def directly_follows(log: EventLog) -> DirectlyFollows:
    """Count direct successions in (case, start, end) order."""
    names = log.activities
    source, target, counts = pair_counts(log.offsets, log.activity, len(names))
    edges = zip(source.tolist(), target.tolist(), counts.tolist(), strict=True)
    starts = np.bincount(log.activity[log.offsets[:-1]], minlength=len(names))
    ends = np.bincount(log.activity[log.offsets[1:] - 1], minlength=len(names))
    return DirectlyFollows(
        edges={(names[s], names[t]): n for s, t, n in edges},
        starts={names[i]: int(starts[i]) for i in np.flatnonzero(starts).tolist()},
        ends={names[i]: int(ends[i]) for i in np.flatnonzero(ends).tolist()},
        cases=log.n_cases,
    )


def edge_matrix(log: EventLog) -> Int:
    """Return the counts of direct successions: (k, k), or rows of (source, target, count) for very many activities."""
    k = len(log.activities)
    if k <= DENSE:
        return _square(log.offsets, log.activity, k).reshape(k, k)
    return np.column_stack(pair_counts(log.offsets, log.activity, k))


def pair_counts(offsets: Int, codes: Codes, size: int) -> tuple[Int, Int, Int]:
    """Return the pairs of codes (below `size`) that follow each other in a sequence, sorted, and how often they do."""
    if size <= DENSE:
        square = _square(offsets, codes, size)
        found = np.flatnonzero(square)
        return found // size, found % size, square[found]
    keys = np.delete(codes[:-1].astype(np.int64) * size + codes[1:], offsets[1:-1] - 1)
    found, counts = np.unique(keys, return_counts=True)
    return found // size, found % size, counts


def _square(offsets: Int, codes: Codes, size: int) -> Int:
    if compiled(len(codes)):
        from mkmine.eventlog.summaries import kernels

        return kernels.count_pairs(offsets, codes, size)
    total = np.zeros(size * size, dtype=np.int64)
    for begin in range(0, len(codes) - 1, PIECE):
        piece = codes[begin : begin + PIECE + 1].astype(np.intp)
        total += np.bincount(piece[:-1] * size + piece[1:], minlength=size * size)
    # Successions that run from one case into the next were counted too; there is one per boundary.
    last = offsets[1:-1] - 1
    return total - np.bincount(codes[last].astype(np.intp) * size + codes[last + 1], minlength=size * size)


def pair_cases(log: EventLog) -> Int:
    """Return in how many cases each pair of `pair_counts` of the activities occurs."""
    k = len(log.activities)
    if compiled(len(log)) and k <= DENSE:
        from mkmine.eventlog.summaries import kernels

        found = np.flatnonzero(_square(log.offsets, log.activity, k))
        return kernels.pair_cases(log.offsets, log.activity, _table(found, k), k, len(found))
    source, _, group = _pair_groups(log.offsets, log.activity, k)
    # Cases come in order, so a stable sort by group, fast for small numbers, keeps those of a pair together.
    order = np.argsort(narrow(group, len(source)), kind="stable")[log.n_cases :]
    pair, case = group[order], log.case_of[order]
    fresh = np.append(True, (pair[1:] != pair[:-1]) | (case[1:] != case[:-1]))[: len(pair)]
    return np.bincount(pair[fresh], minlength=len(source))


def _table(found: Int, size: int) -> NDArray[np.int32]:
    """Return the place of each pair among those found, -1 for the others."""
    table = np.full(size * size, -1, dtype=np.int32)
    table[found] = np.arange(len(found), dtype=np.int32)
    return table


def _pair_groups(offsets: Int, codes: Codes, size: int) -> tuple[Int, Int, NDArray[np.int32]]:
    """Return the pairs that follow each other, sorted, and for each instance the place of its pair with the next.

    The last instance of a sequence has -1.
    """
    out = np.full(len(codes), -1, dtype=np.int32)
    inner = np.ones(len(codes), dtype=np.bool_)
    inner[offsets[1:] - 1] = False
    rows = np.flatnonzero(inner)
    keys = codes[rows].astype(np.int64) * size + codes[rows + 1]
    if size > DENSE:
        found, place = np.unique(keys, return_inverse=True)
    else:
        found = np.flatnonzero(np.bincount(keys, minlength=size * size))
        place = _table(found, size)[keys]
    out[rows] = place
    return found // size, found % size, out


def codes_by(log: EventLog, by: By) -> tuple[Codes, tuple[str, ...]]:
    """Return the codes (n,) of the activities, people or roles, unsigned, and their names; "" is an unknown one."""
    if by == "activity":
        return log.activity, log.activities
    codes, names = (log.resource, log.resources) if by == "resource" else (log.role, log.roles)
    # 0 is nobody known; the others move up by one.
    shifted = np.add(codes, 1, dtype=np.min_scalar_type(len(names)), casting="unsafe")
    return shifted, ("", *names)


def on_calendar(calendar: Calendar | None) -> bool:
    """Return whether time passes on a calendar, and not by the wall clock."""
    return calendar is not None and not calendar.is_always_open


def clock(log: EventLog, calendar: Calendar | None) -> tuple[Int, Int]:
    """Return start and end of each instance (n,) on the clock of a calendar: a difference of two is the time between.

    Without a calendar, or with one that is always open, that is wall-clock time.
    """
    if calendar is None or not on_calendar(calendar):
        return log.start, log.end
    line = calendar.timeline(int(log.start.min()), int(log.end.max()))
    end = line.opened(log.end)
    return (end if log.timestamps == "completed" else line.opened(log.start)), end


def edge_times(
    log: EventLog,
    *,
    by: By = "activity",
    calendar: Calendar | None = None,
    exact: bool | None = None,
    overlaps: bool = True,
) -> Durations:
    """Return the time on each edge: from the end of an instance to the start of the next of its case, µs.

    It is negative where the next starts before the end (parallel work): counted in `negative`, and not clipped;
    `overlaps=False` leaves such successions out. Time is that of the wall clock, or working time if a `calendar` is
    given. Where only completions are known it passes from completion to completion. `by="resource"` and `by="role"`
    measure it between people and roles; successions from or to somebody unknown are left out. Percentiles are exact for
    up to `EXACT` successions, and within 1 % (a sketch) for more; `exact` chooses either.
    """
    codes, names = codes_by(log, by)
    start, end = clock(log, calendar)
    working = on_calendar(calendar)
    # Completions are in order: no two overlap.
    overlaps = overlaps or log.timestamps == "completed"
    if compiled(len(log)) and len(names) <= DENSE:
        wall = (log.start[:0], log.end[:0]) if overlaps else (log.start, log.end)
        return _compiled_times(log, codes, names, (start, end, *wall), exact=exact, working=working)
    source, target, group = _pair_groups(log.offsets, codes, len(names))
    kept = np.where(_known(source, target, names), np.arange(len(source), dtype=np.int32), np.int32(-1))
    group = np.append(kept, np.int32(-1))[group]
    if not overlaps:
        group[:-1][log.start[1:] < log.end[:-1]] = -1
    apart = np.zeros(len(log), dtype=np.int64)
    np.subtract(start[1:], end[:-1], out=apart[:-1])
    pairs = _pairs(names, source, target)
    return durations(apart, group, pairs, keys=("source", "target"), exact=exact, working=working)


def _known(source: Int, target: Int, names: tuple[str, ...]) -> NDArray[np.bool_]:
    """Return which pairs are of somebody known; see `codes_by`."""
    nobody = -1 if names[0] else 0
    return np.asarray((source != nobody) & (target != nobody))


def _pairs(names: tuple[str, ...], source: Int, target: Int) -> list[tuple[str, str]]:
    return [(names[s], names[t]) for s, t in zip(source.tolist(), target.tolist(), strict=True)]


def _compiled_times(
    log: EventLog,
    codes: Codes,
    names: tuple[str, ...],
    times: tuple[Int, Int, Int, Int],
    *,
    exact: bool | None,
    working: bool,
) -> Durations:
    from mkmine.eventlog.summaries import kernels

    size = len(names)
    square = _square(log.offsets, codes, size)
    found = np.flatnonzero(square)
    found = found[_known(found // size, found % size, names)]
    pairs = _pairs(names, found // size, found % size)
    # Numbered in the order of their names, which is that of the result.
    order = sorted(range(len(pairs)), key=pairs.__getitem__)
    table, counts = _table(found[order], size), square[found[order]]
    if len(times[2]):
        counts = kernels.count_apart(log.offsets, codes, table, size, len(order), times[2], times[3])
    apart = kernels.gather_gaps(log.offsets, codes, table, size, counts, times)
    begins = np.concatenate(([0], np.cumsum(counts)))
    sort_groups(apart, begins)
    ordered = [pairs[one] for one in order]
    return of_sorted(apart, begins, ordered, keys=("source", "target"), exact=exact, working=working)

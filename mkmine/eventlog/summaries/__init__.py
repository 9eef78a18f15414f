"""What one pass over a log yields: directly-follows counts, variants, rework counts, the case table.

The counts are values with `merge`: associative, commutative, with an identity, so that a log cut into case-aligned
parts gives the same result in any order. They name activities by text, because two parts may number them differently.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.calendars import HOUR, Calendar
from mkmine.eventlog.enablement import enabled_times
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.statistics import running_maximum
from mkmine.eventlog.statuses import tells_statuses

__all__ = [
    "DirectlyFollows",
    "ReworkCounts",
    "VariantCounts",
    "VariantIndex",
    "case_paths",
    "case_table",
    "directly_follows",
    "duplicates",
    "edge_matrix",
    "outside_activities",
    "repeats",
    "rework_counts",
    "running_end",
    "variant_counts",
    "variant_index",
    "visits",
    "working_hours",
]

Int = NDArray[np.int64]
# Pairs are counted in pieces that stay in the processor's cache.
PIECE = 1 << 18
# Up to this many activities the counts are a dense square.
DENSE = 2048
MISSING = np.iinfo(np.int64).min
# An activity done by someone named less often than this is an outside wait.
NOBODY = 0.1


def _added(a: Mapping[Any, int], b: Mapping[Any, int]) -> dict[Any, int]:
    out = dict(a)
    for key, count in b.items():
        out[key] = out.get(key, 0) + count
    return out


@dataclass(frozen=True, slots=True, kw_only=True)
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
            edges=_added(self.edges, other.edges),
            starts=_added(self.starts, other.starts),
            ends=_added(self.ends, other.ends),
            cases=self.cases + other.cases,
        )

    def to_pandas(self) -> pd.DataFrame:
        """Return one row per edge: source, target, count; the most frequent first."""
        rows = sorted(((s, t, n) for (s, t), n in self.edges.items()), key=lambda row: (-row[2], row[0], row[1]))
        return pd.DataFrame(rows, columns=["source", "target", "count"])

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "edges": [[source, target, count] for (source, target), count in self.edges.items()],
            "starts": dict(self.starts),
            "ends": dict(self.ends),
            "cases": self.cases,
        }


def directly_follows(log: EventLog) -> DirectlyFollows:
    """Count direct successions in (case, start, end) order."""
    names = log.activities
    k = len(names)
    matrix = edge_matrix(log)
    source, target = np.nonzero(matrix) if k <= DENSE else (matrix[:, 0], matrix[:, 1])
    counts = matrix[source, target] if k <= DENSE else matrix[:, 2]
    edges = zip(source.tolist(), target.tolist(), counts.tolist(), strict=True)
    starts = np.bincount(log.activity[log.offsets[:-1]], minlength=k)
    ends = np.bincount(log.activity[log.offsets[1:] - 1], minlength=k)
    return DirectlyFollows(
        edges={(names[s], names[t]): n for s, t, n in edges},
        starts={names[i]: int(starts[i]) for i in np.flatnonzero(starts)},
        ends={names[i]: int(ends[i]) for i in np.flatnonzero(ends)},
        cases=log.n_cases,
    )


def edge_matrix(log: EventLog) -> Int:
    """Return the counts of direct successions: (k, k), or rows of (source, target, count) for very many activities."""
    k, codes = len(log.activities), log.activity
    last = log.offsets[1:-1] - 1
    if k > DENSE:
        keys = codes[:-1].astype(np.int64) * k + codes[1:]
        found, counts = np.unique(np.delete(keys, last), return_counts=True)
        return np.column_stack((found // k, found % k, counts))
    total = np.zeros(k * k, dtype=np.int64)
    for begin in range(0, len(codes) - 1, PIECE):
        piece = codes[begin : begin + PIECE + 1].astype(np.intp)
        total += np.bincount(piece[:-1] * k + piece[1:], minlength=k * k)
    # Successions that run from one case into the next were counted too; there is one per boundary.
    total -= np.bincount(codes[last].astype(np.intp) * k + codes[last + 1], minlength=k * k)
    return total.reshape(k, k)


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantCounts:
    """How many cases go through each sequence of activities."""

    counts: Mapping[tuple[str, ...], int] = field(default_factory=dict)

    @property
    def cases(self) -> int:
        """Number of cases."""
        return sum(self.counts.values())

    def merge(self, other: VariantCounts) -> VariantCounts:
        """Return the counts of both parts; `VariantCounts()` is the identity."""
        return VariantCounts(counts=_added(self.counts, other.counts))

    def to_pandas(self) -> pd.DataFrame:
        """Return one row per variant: variant, cases; the most frequent first."""
        rows = sorted(self.counts.items(), key=lambda item: (-item[1], item[0]))
        return pd.DataFrame({"variant": [v for v, _ in rows], "cases": [n for _, n in rows]})

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {"variants": [[list(variant), count] for variant, count in self.counts.items()]}


@dataclass(frozen=True, kw_only=True, eq=False)
class VariantIndex:
    """The variant of every case: `of_case` (m,) numbers, `representative` (v,) a case of each, `counts` (v,).

    Variants are numbered by falling count, then by first case.
    """

    of_case: Int
    representative: Int
    counts: Int

    @cached_property
    def n(self) -> int:
        """Number of variants."""
        return len(self.counts)


def variant_index(log: EventLog) -> VariantIndex:
    """Number the distinct sequences of activities, exactly.

    Sequences are first grouped by a 64-bit polynomial hash; then every case is compared, element by element, with the
    representative of its group, and only if one differs (a collision) are all grouped by their bytes.
    """
    digests = _digests(log)
    _, first, group = np.unique(digests, return_index=True, return_inverse=True)
    if not _all_equal(log, first[group]):
        first, group = _by_bytes(log)
    counts = np.bincount(group)
    order = np.lexsort((first, -counts))
    number = np.empty(len(order), dtype=np.int64)
    number[order] = np.arange(len(order))
    return VariantIndex(of_case=number[group], representative=first[order], counts=counts[order])


def _digests(log: EventLog) -> NDArray[np.uint64]:
    lengths = np.diff(log.offsets)
    rng = np.random.Generator(np.random.PCG64(20250305))
    value = rng.integers(1, 2**63, size=len(log.activities), dtype=np.uint64)
    with np.errstate(over="ignore"):
        powers = np.cumprod(np.full(int(lengths.max()), 0x9E3779B97F4A7C15, dtype=np.uint64))
        terms = value[log.activity] * powers[log.position]
        sums: NDArray[np.uint64] = np.add.reduceat(terms, log.offsets[:-1])
    return sums ^ lengths.astype(np.uint64)


def _all_equal(log: EventLog, representative: Int) -> bool:
    lengths = np.diff(log.offsets)
    if not np.array_equal(lengths, lengths[representative]):
        return False
    counterpart = np.repeat(log.offsets[:-1][representative], lengths) + log.position
    return bool(np.array_equal(log.activity, log.activity[counterpart]))


def _by_bytes(log: EventLog) -> tuple[Int, Int]:
    numbers: dict[bytes, int] = {}
    first: list[int] = []
    group = np.empty(log.n_cases, dtype=np.int64)
    for case in range(log.n_cases):
        key = log.activity[log.offsets[case] : log.offsets[case + 1]].tobytes()
        number = numbers.setdefault(key, len(numbers))
        if number == len(first):
            first.append(case)
        group[case] = number
    return np.array(first, dtype=np.int64), group


def variant_counts(log: EventLog) -> VariantCounts:
    """Count the cases of each variant."""
    index = variant_index(log)
    return VariantCounts(counts=dict(zip(case_paths(log, index.representative), index.counts.tolist(), strict=True)))


def case_paths(log: EventLog, cases: Int) -> list[tuple[str, ...]]:
    """Return the names of the activities of each of these cases in order."""
    begin, size = log.offsets[:-1][cases], np.diff(log.offsets)[cases]
    ends = np.cumsum(size)
    rows = np.repeat(begin - (ends - size), size) + np.arange(ends[-1] if len(ends) else 0)
    names = np.array(log.activities, dtype=object)[log.activity[rows]].tolist()
    return [tuple(names[end - length : end]) for end, length in zip(ends.tolist(), size.tolist(), strict=True)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReworkCounts:
    """How often each round of each activity was reached, how often another followed, how often that is not yet known.

    `rounds` maps (activity, round) to (reached, returned, censored); a round is censored if no other followed and its
    case was still open when the observation ended.
    """

    rounds: Mapping[tuple[str, int], tuple[int, int, int]] = field(default_factory=dict)

    def merge(self, other: ReworkCounts) -> ReworkCounts:
        """Return the counts of both parts; `ReworkCounts()` is the identity."""
        out = dict(self.rounds)
        for key, (reached, returned, censored) in other.rounds.items():
            a, b, c = out.get(key, (0, 0, 0))
            out[key] = (a + reached, b + returned, c + censored)
        return ReworkCounts(rounds=out)

    def to_pandas(self) -> pd.DataFrame:
        """Return one row per activity and round: activity, round, reached, returned, censored."""
        rows = [(*key, *value) for key, value in self.rounds.items()]
        return pd.DataFrame(rows, columns=["activity", "round", "reached", "returned", "censored"])

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {"rounds": [[*key, *value] for key, value in self.rounds.items()]}


def rework_counts(log: EventLog) -> ReworkCounts:
    """Count the rounds of every activity."""
    activity, rounds = log.activity.astype(np.int64), log.round.astype(np.int64)
    width = int(rounds.max()) + 2
    key = activity * width + rounds
    size = len(log.activities) * width
    reached = np.bincount(key, minlength=size)
    returned = np.append(reached[1:], 0)
    seen_open = np.bincount(key[~log.completed[log.case_of]], minlength=size)
    later_open = np.append(seen_open[1:], 0)
    found = np.flatnonzero(reached)
    return ReworkCounts(
        rounds={
            (log.activities[one // width], one % width): (
                int(reached[one]),
                int(returned[one]),
                int(seen_open[one] - later_open[one]),
            )
            for one in found.tolist()
        }
    )


def duplicates(log: EventLog) -> NDArray[np.bool_]:
    """Return for each instance (n,) whether an earlier one has the same case, activity, start, end and person."""
    columns = {"case": log.case_of, "a": log.activity, "s": log.start, "e": log.end, "r": log.resource}
    return pd.DataFrame(columns).duplicated().to_numpy(dtype=np.bool_)


def repeats(log: EventLog) -> NDArray[np.bool_]:
    """Return for each instance (n,) whether it merely goes on with the same activity as the instance before it.

    Where a source tells only what was done, the same activity twice in a row is a hand-over or a second sitting, and
    not a return. None is one where `enabled` is recorded or the log tells statuses: there each is an entry of its own.
    """
    same = np.zeros(len(log), dtype=np.bool_)
    if log.enabled is None and not tells_statuses(log):
        same[1:] = (log.position[1:] > 0) & (log.activity[1:] == log.activity[:-1])
    return same


def visits(log: EventLog) -> Int:
    """Return which visit of its case to its activity an instance belongs to, counted from 1, shape (n,).

    That is its round, but for `repeats`, which belong to the visit that they go on with.
    """
    same = repeats(log)
    if not same.any():
        return log.round.astype(np.int64)
    key = log.case_of.astype(np.int64) * len(log.activities) + log.activity
    earlier: Int = pd.Series(same).groupby(key).cumsum().to_numpy(dtype=np.int64)
    return log.round - earlier


def _latest_end_before(log: EventLog, among: NDArray[np.bool_]) -> Int:
    """Return the latest end among those earlier instances of the case, the smallest integer where there is none."""
    latest = running_end(log, among)
    out = np.append(MISSING, latest[:-1])
    out[log.offsets[:-1]] = MISSING
    return out


def running_end(log: EventLog, among: NDArray[np.bool_] | None = None) -> Int:
    """Return the latest end of the case up to and including each instance (n,), `among` some instances or all."""
    ends = log.end if among is None else np.where(among, log.end, MISSING)
    return running_maximum(ends, log.position)


def working_hours(calendar: Calendar, start: Int, end: Int) -> NDArray[np.float64]:
    """Return the working time between instants in hours, negative where `end` comes first."""
    return calendar.working_time(start, end) / HOUR


def outside_activities(log: EventLog) -> NDArray[np.bool_]:
    """Return for each activity (k,) whether it is a wait for someone outside.

    It is one if less than 10 % of it is done by anyone named; none is, in a log without people.
    """
    k = len(log.activities)
    if not log.resources:
        return np.zeros(k, dtype=np.bool_)
    named = np.bincount(log.activity[log.resource >= 0], minlength=k)
    total = np.bincount(log.activity, minlength=k)
    return np.asarray((total > 0) & (named < NOBODY * total))


def case_table(
    log: EventLog, *, calendar: Calendar | None = None, waits: NDArray[np.bool_] | None = None
) -> pd.DataFrame:
    """Return one row per case with its times (working hours) and counts.

    Columns: case, completed, start (first moment that it could be worked on), end, instances, activities, reworked
    (returns to an activity after another one), repeated (instances that go on with the activity before them; see
    `repeats`), hand_offs (changes of person between consecutive instances that have one),
    cycle_h, cycle_wall_h, processing_h (sum over instances), busy_h (time in which anything was processed; less where
    work was parallel), waiting_h (sum of enabled to start, and of the instances that are themselves waits).

    `waits` (n,) says which instances are waits; by default those of outside activities. Where only completions are
    known processing_h and busy_h are NaN, and waiting_h is all the time between completions.
    """
    working = calendar or log.working_calendar()
    begin = log.offsets[:-1]
    enabled = enabled_times(log)
    last = running_end(log)[log.offsets[1:] - 1]
    first = np.minimum.reduceat(enabled, begin)
    known = log.timestamps != "completed"
    idle = outside_activities(log)[log.activity] if waits is None else waits
    length = working_hours(working, log.start, log.end)
    waiting = working_hours(working, enabled, log.start) + np.where(idle, length, 0.0)
    # What an earlier instance already covers, or a wait, adds nothing to the time in which something was processed.
    covered = np.where(log.position == 0, log.start, _latest_end_before(log, ~idle))
    fresh = np.clip(covered, log.start, log.end)
    busy = np.where(idle, 0.0, working_hours(working, fresh, log.end))
    person = log.resource
    handed = (log.position[1:] > 0) & (person[1:] != person[:-1]) & (person[1:] >= 0) & (person[:-1] >= 0)
    size = np.diff(log.offsets)
    distinct = np.add.reduceat((log.round == 1).astype(np.int64), begin)
    again = np.add.reduceat(repeats(log).astype(np.int64), begin)
    nan = np.full(log.n_cases, np.nan)
    return pd.DataFrame(
        {
            "case": log.case_ids,
            "completed": log.completed,
            "start": log._local(first),
            "end": log._local(last),
            "instances": size,
            "activities": distinct,
            "reworked": size - distinct - again,
            "repeated": again,
            "hand_offs": np.add.reduceat(np.append(0, handed.astype(np.int64)), begin),
            "cycle_h": working_hours(working, first, last),
            "cycle_wall_h": (last - first) / HOUR,
            "processing_h": np.add.reduceat(np.where(idle, 0.0, length), begin) if known else nan,
            "busy_h": np.add.reduceat(busy, begin) if known else nan,
            "waiting_h": np.add.reduceat(waiting, begin),
        }
    )

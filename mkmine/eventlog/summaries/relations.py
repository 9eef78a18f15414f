"""What comes some time after what: eventually-follows counts, the temporal profile, and cases that overlap in time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.calendars import HOUR
from mkmine.errors import UnknownNameError
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.notebook import html_table
from mkmine.eventlog.summaries.plain import added, entry, records
from mkmine.eventlog.twins import compiled

__all__ = [
    "EventuallyFollows",
    "Order",
    "TemporalProfile",
    "case_overlap",
    "eventually_follows",
    "temporal_profile",
]

Int = NDArray[np.int64]
Pair = tuple[str, str]
Order = Literal["ended", "listed"]
# Up to this many activities the figures of pairs are a dense square.
DENSE = 512
# Of longer cases not every pair of instances is looked at, but every activity with every instance.
LONG = 1024
# Pairs of instances are made in pieces of about so many.
PIECE = 1 << 21
LIMB = 32
SHOWN = 8


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class EventuallyFollows:
    """How often one activity comes some time after another in a case.

    `counts` maps (a, b) to (pairs, cases): the ordered pairs of an instance of a and a later one of b, and the cases
    that have one.
    """

    counts: Mapping[Pair, tuple[int, int]] = field(default_factory=dict)

    def merge(self, other: EventuallyFollows) -> EventuallyFollows:
        """Return the counts of both parts; `EventuallyFollows()` is the identity."""
        return EventuallyFollows(counts=added(self.counts, other.counts))

    def to_pandas(self) -> pd.DataFrame:
        """Return one row per pair: source, target, pairs, cases; the most frequent first."""
        rows = sorted(((*pair, *one) for pair, one in self.counts.items()), key=lambda row: (-row[2], *row[:2]))
        return pd.DataFrame(rows, columns=["source", "target", "pairs", "cases"])

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, readable by `from_dict`."""
        return {"counts": [[*pair, *one] for pair, one in sorted(self.counts.items())]}

    @classmethod
    def from_dict(cls, values: object) -> EventuallyFollows:
        """Read what `to_dict` returned. Raises `DataError` if it is not that."""
        what = "saved eventually-follows counts"
        rows = records(entry(values, "counts", what), (str, str, int, int), what)
        return cls(counts={(source, target): (pairs, cases) for source, target, pairs, cases in rows})

    def __repr__(self) -> str:
        lines = [f"EventuallyFollows: {len(self.counts):,} pairs of activities"]
        top = self.to_pandas().head(SHOWN).itertuples(index=False)
        lines += [f"  {row.source} ... {row.target}: in {row.cases:,} cases, {row.pairs:,} times" for row in top]
        return "\n".join([*lines, *(["  ..."] if len(self.counts) > SHOWN else [])])

    def _repr_html_(self) -> str:
        return html_table(self.to_pandas(), repr(self).splitlines()[0])


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class TemporalProfile:
    """How much time passes between an activity and those that come after it: mean and standard deviation by pair.

    `sums` maps (a, b) to (count, sum, sum of squares) of the times (µs) from each end of a to each start of b after it
    in the same case, Python integers, so that merging is exact. Source: F. Stertz, J. Mangler and S. Rinderle-Ma
    (2020), Temporal conformance checking at runtime based on time-infused process models, arXiv:2008.07262.
    """

    sums: Mapping[Pair, tuple[int, int, int]] = field(default_factory=dict)

    def merge(self, other: TemporalProfile) -> TemporalProfile:
        """Return the profile of both parts; `TemporalProfile()` is the identity."""
        return TemporalProfile(sums=added(self.sums, other.sums))

    @property
    def profile(self) -> Mapping[Pair, tuple[float, float]]:
        """Mean and sample standard deviation (seconds; 0 for a single time) by pair."""
        return {pair: _moments(*one) for pair, one in self.sums.items()}

    def to_pandas(self) -> pd.DataFrame:
        """Return one row per pair: source, target, count, mean_h, sd_h; the most frequent first."""
        rows = sorted(((*pair, one[0], *_moments(*one)) for pair, one in self.sums.items()), key=lambda row: -row[2])
        frame = pd.DataFrame(rows, columns=["source", "target", "count", "mean_h", "sd_h"])
        return frame.assign(mean_h=frame["mean_h"] * 1e6 / HOUR, sd_h=frame["sd_h"] * 1e6 / HOUR)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, readable by `from_dict`."""
        return {"sums": [[*pair, *one] for pair, one in sorted(self.sums.items())]}

    @classmethod
    def from_dict(cls, values: object) -> TemporalProfile:
        """Read what `to_dict` returned. Raises `DataError` if it is not that."""
        what = "a saved temporal profile"
        rows = records(entry(values, "sums", what), (str, str, int, int, int), what)
        return cls(sums={(source, target): (count, total, squares) for source, target, count, total, squares in rows})

    def __repr__(self) -> str:
        lines = [f"TemporalProfile: {len(self.sums):,} pairs of activities"]
        top = self.to_pandas().head(SHOWN).itertuples(index=False)
        lines += [f"  {row.source} ... {row.target}: {row.mean_h:,.1f} h ± {row.sd_h:,.1f}" for row in top]
        return "\n".join([*lines, *(["  ..."] if len(self.sums) > SHOWN else [])])

    def _repr_html_(self) -> str:
        return html_table(self.to_pandas(), repr(self).splitlines()[0])


def _moments(count: int, total: int, squares: int) -> tuple[float, float]:
    """Return mean and sample standard deviation in seconds of times in µs."""
    # The difference is of whole numbers: nothing cancels.
    spread = (count * squares - total * total) / (count * (count - 1)) if count > 1 else 0.0
    return total / count / 1e6, spread**0.5 / 1e6


def eventually_follows(log: EventLog, *, order: Order = "ended") -> EventuallyFollows:
    """Count how often each activity comes some time after each.

    `order="ended"`: b comes after a if it starts when a has ended, or later (pm4py's definition). `order="listed"`:
    if it stands after it in the order of (start, end), so that overlapping instances follow each other as well. Both
    are the same where only completions are known. Raises `UnknownNameError` if the order is another.
    """
    if order not in ("ended", "listed"):
        raise UnknownNameError.of(kind="order", name=str(order), known=["ended", "listed"])
    k = len(log.activities)
    start, end = log.start, log.end
    if order == "listed":
        # Their places in place of their times: each has ended when the next begins.
        start = end = np.arange(len(log), dtype=np.int64)
        start.flags.writeable = False
    found: dict[int, tuple[int, int]] = {}
    if compiled(len(log)) and k <= DENSE:
        from mkmine.eventlog.summaries import kernels

        square = kernels.follow_counts(log.offsets, log.activity, start, end, k, LONG).reshape(-1, 4)
        keys = np.flatnonzero(square[:, 0])
        rows = zip(square[keys, 0].tolist(), square[keys, 1].tolist(), strict=True)
        found = dict(zip(keys.tolist(), rows, strict=True))
    else:
        for case, key, _ in _pairs(log, start, end):
            keys, count = _counted(key)
            of_cases, _ = _counted((case - case[:1]) * (k * k) + key)
            _, cases = _counted(of_cases % (k * k))
            rows = zip(count.tolist(), cases.tolist(), strict=True)
            found = added(found, dict(zip(keys.tolist(), rows, strict=True)))
    for long in _long_cases(log):
        sums = _long_case(log, start, end, long)
        found = added(found, {key: (count, 1) for key, (count, _, _) in sums.items()})
    names = log.activities
    return EventuallyFollows(counts={(names[key // k], names[key % k]): one for key, one in found.items()})


def temporal_profile(log: EventLog) -> TemporalProfile:
    """Measure the time from each end of an activity to each later start of another (or the same) in its case.

    Wall clock; from completion to completion where only completions are known. As `pm4py.discover_temporal_profile`.
    """
    k = len(log.activities)
    found: dict[int, tuple[int, int, int]] = {}
    if compiled(len(log)) and k <= DENSE:
        found = _compiled_sums(log)
    else:
        for _, key, time in _pairs(log, log.start, log.end):
            keys, count = _counted(key)
            place = np.searchsorted(keys, key)
            high, low = time >> 27, time & (2**27 - 1)
            limbs = [_summed(one, place, len(keys)) for one in (high, low, high * high, high * low, low * low)]
            total = (limbs[0] << 27) + limbs[1]
            squares = (limbs[2] << 54) + (limbs[3] << 28) + limbs[4]
            rows = zip(count.tolist(), total.tolist(), squares.tolist(), strict=True)
            found = added(found, dict(zip(keys.tolist(), rows, strict=True)))
    for long in _long_cases(log):
        found = added(found, _long_case(log, log.start, log.end, long))
    names = log.activities
    return TemporalProfile(sums={(names[key // k], names[key % k]): one for key, one in found.items()})


def _counted(keys: Int) -> tuple[Int, Int]:
    """Return the distinct keys, sorted, and how often each occurs."""
    # Sorting numbers is many times as fast as the hash table by which np.unique finds them.
    ordered = np.sort(keys)
    at = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)])
    return ordered[at], np.diff(np.append(at, len(ordered)))


def _summed(values: Int, place: Int, size: int) -> NDArray[np.object_]:
    """Return the sums by place of numbers below 2^54, as Python integers: no sum is too large."""
    high, low = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
    np.add.at(high, place, values >> LIMB)
    np.add.at(low, place, values & (2**LIMB - 1))
    return np.asarray((high.astype(object) << LIMB) + low.astype(object), dtype=object)


def _compiled_sums(log: EventLog) -> dict[int, tuple[int, int, int]]:
    from mkmine.eventlog.summaries import kernels

    k = len(log.activities)
    # Halves of the longest time; products and sums of them are moved out of the way before they can pass 2^63.
    half = ((int(log.end.max()) - int(log.start.min())).bit_length() + 1) // 2
    often = 1 << (62 - max(2 * half, LIMB))
    out, carry = kernels.follow_times(log.offsets, log.activity, log.start, log.end, k, LONG, half, often)
    rows, carried = out.reshape(-1, 8), carry.reshape(-1, 4)
    keys = np.flatnonzero(rows[:, 0])
    limbs = (carried[keys].astype(object) << LIMB) + rows[keys, 1:5].astype(object)
    squares = (limbs[:, 1] << (2 * half)) + (limbs[:, 2] << (half + 1)) + limbs[:, 3]
    figures = zip(rows[keys, 0].tolist(), limbs[:, 0].tolist(), squares.tolist(), strict=True)
    return dict(zip(keys.tolist(), figures, strict=True))


def _pairs(log: EventLog, start: Int, end: Int) -> Iterator[tuple[Int, Int, Int]]:
    """Yield case, key (a * k + b) and time of the pairs of instances of short cases, b starting when a has ended."""
    sizes = np.diff(log.offsets)
    short = np.flatnonzero((sizes > 1) & (sizes <= LONG))
    k, activity = len(log.activities), log.activity.astype(np.int64)
    cuts = np.flatnonzero(np.diff(np.cumsum(sizes[short] * (sizes[short] - 1) // 2) // PIECE)) + 1
    for cases in np.split(short, cuts):
        left = cases
        found: list[tuple[Int, Int, Int]] = []
        for lag in range(1, int(sizes[cases].max()) if len(cases) else 0):
            left = left[sizes[left] > lag]
            length = sizes[left] - lag
            ends = np.cumsum(length)
            first = np.repeat(log.offsets[left] - (ends - length), length) + np.arange(ends[-1])
            time = start[first + lag] - end[first]
            kept = time >= 0
            key = activity[first] * k + activity[first + lag]
            found.append((np.repeat(left, length)[kept], key[kept], time[kept]))
        if found:
            case, key, time = (np.concatenate(column) for column in zip(*found, strict=True))
            yield case, key, time


def _long_cases(log: EventLog) -> list[int]:
    return np.flatnonzero(np.diff(log.offsets) > LONG).tolist()


def _long_case(log: EventLog, start: Int, end: Int, case: int) -> dict[int, tuple[int, int, int]]:
    """Return count, sum and sum of squares of the times by key (a * k + b) in one case.

    For each activity a and instance j, those of a that had ended when j started are the first few in order of (end,
    place): their number, and running sums, give what they add.
    """
    rows = slice(int(log.offsets[case]), int(log.offsets[case + 1]))
    k, code = len(log.activities), log.activity[rows].astype(np.int64)
    zero = int(start[rows].min())
    begins, ends = start[rows] - zero, end[rows] - zero
    size = len(code)
    order = np.argsort(ends, kind="stable")
    rank = np.empty(size, dtype=np.int64)
    rank[order] = np.arange(size)
    # An instance that ends exactly when j starts had ended if it stands before j.
    instants, _ = _counted(np.concatenate((begins, ends)))
    keys = np.searchsorted(instants, ends[order]) * size + order
    ended = np.searchsorted(keys, np.searchsorted(instants, begins) * size + np.arange(size), side="left")
    by_target = np.argsort(code, kind="stable")
    targets, first = np.unique(code[by_target], return_index=True)
    at = begins[by_target].astype(object)
    out: dict[int, tuple[int, int, int]] = {}
    for source in targets.tolist():
        mine = order[code[order] == source]
        number = np.searchsorted(rank[mine], ended[by_target], side="left")
        times = ends[mine].astype(object)
        sums = np.concatenate(([0], np.cumsum(times)))[number]
        squares = np.concatenate(([0], np.cumsum(times * times)))[number]
        figures = (number, number * at - sums, number * at * at - 2 * at * sums + squares)
        columns = (np.add.reduceat(np.asarray(one, dtype=object), first).tolist() for one in figures)
        for target, count, total, square in zip(targets.tolist(), *columns, strict=True):
            if count:
                out[source * k + target] = (count, total, square)
    return out


def case_overlap(log: EventLog) -> Int:
    """Return for each case (m,) how many cases, itself included, were open at some moment of its life.

    A case is open from its first start to its last end, both included. As `pm4py.get_case_overlap`. It compares cases
    with each other, so it is not a summary that merges; `open_cases` is.
    """
    first = log.start[log.offsets[:-1]]
    last = np.maximum.reduceat(log.end, log.offsets[:-1])
    begun = np.searchsorted(np.sort(first), last, side="right")
    over = np.searchsorted(np.sort(last), first, side="left")
    return np.asarray(begun - over, dtype=np.int64)

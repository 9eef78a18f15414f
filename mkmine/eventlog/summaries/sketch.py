"""Distributions of durations by group: exact counts, sums and extremes, and percentiles from a mergeable sketch.

The sketch is DDSketch (C. Masson, J. E. Rim and H. K. Lee, 2019, PVLDB 12(12), DOI 10.14778/3352063.3352135): durations
are counted in buckets whose bounds grow by the factor (1 + α) / (1 - α), so that whatever is read from a bucket is
within α = 1 % of the durations in it. Here durations are whole microseconds of either sign and the bounds are whole
numbers, so that buckets, sums and all merges are exact integers: no order or cutting changes a bit of the result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.calendars import HOUR
from mkmine.errors import DataError
from mkmine.eventlog.notebook import html_table
from mkmine.eventlog.statistics import by_group
from mkmine.eventlog.summaries.plain import entry, integers, records, texts, whole_numbers
from mkmine.eventlog.twins import compiled

__all__ = ["ERROR", "EXACT", "PERCENTILES", "Durations", "durations", "of_sorted", "spans"]

Int = NDArray[np.int64]
Floats = NDArray[np.float64]
# α is 1 / 100; the factor between the bounds of buckets is 101 / 99.
ERROR = 0.01
# Up to so many durations in all are kept themselves, unless told otherwise.
EXACT = 250_000
PERCENTILES = (0.5, 0.85, 0.95)
LIMB = 32
SHOWN = 5


@lru_cache(maxsize=1)
def bounds() -> Int:
    """Return the largest duration of each bucket of positive ones, µs; the last is the largest of all."""
    out, high, low = [1], 101, 99
    while out[-1] < 2**63 - 1:
        out.append(min(high // low, 2**63 - 1))
        high, low = high * 101, low * 99
    found = np.array(out, dtype=np.int64)
    found.flags.writeable = False
    return found


@lru_cache(maxsize=1)
def _middles() -> Floats:
    factor = (1 + ERROR) / (1 - ERROR)
    return np.asarray(2 * factor ** np.arange(len(bounds())) / (factor + 1), dtype=np.float64)


def buckets(values: Int) -> Int:
    """Return the bucket of each duration: b of those up to `bounds()[b - 1]`, -b of their negatives, 0 of 0."""
    found = np.searchsorted(bounds(), np.abs(values)) + (values != 0)
    return np.asarray(np.sign(values) * found, dtype=np.int64)


def middles(found: Int) -> Floats:
    """Return the duration that stands for each bucket, µs: within 1 % of all in it."""
    return np.asarray(np.sign(found) * _middles()[np.maximum(np.abs(found), 1) - 1], dtype=np.float64)


def _none() -> Int:
    return np.zeros(0, dtype=np.int64)


def _nothing() -> NDArray[np.object_]:
    return np.zeros(0, dtype=object)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Durations:
    """Durations by group, e.g. by edge of the directly-follows graph. All in µs; `g` groups, sorted by name.

    Attributes
    ----------
    keys, names
        What tells the groups apart, e.g. `("source", "target")`, and the values of each group, e.g. `("A", "B")`.
    count, total, least, most
        Number, sum (Python integers: no sum is too large), smallest and largest, shape (g,).
    exact
        Whether the durations themselves are kept. Otherwise percentiles are within 1 % of the exact ones.
    working
        Whether they are working time of a calendar, and not time of the wall clock.
    always
        Whether they are kept however many they become by merging; otherwise a sketch takes over at `EXACT`.
    runs, bucket, hits
        The sketch: how many buckets each group fills (g,), and, one group after the other, which and how often. Where
        `exact`, the durations themselves, sorted within their group, once each.
    """

    keys: tuple[str, ...] = ()
    names: tuple[tuple[str, ...], ...] = ()
    count: Int = field(default_factory=_none)
    total: NDArray[np.object_] = field(default_factory=_nothing)
    least: Int = field(default_factory=_none)
    most: Int = field(default_factory=_none)
    exact: bool = False
    always: bool = False
    working: bool = False
    runs: Int = field(default_factory=_none)
    bucket: Int = field(default_factory=_none)
    hits: Int = field(default_factory=_none)

    def __post_init__(self) -> None:
        for column in (self.count, self.total, self.least, self.most, self.runs, self.bucket, self.hits):
            column.flags.writeable = False

    def __len__(self) -> int:
        return len(self.names)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Durations):
            return NotImplemented
        if not len(self) and not len(other):
            return True
        return (
            (self.keys, self.names, self.exact) == (other.keys, other.names, other.exact)
            and all(
                np.array_equal(getattr(self, one), getattr(other, one))
                for one in ("count", "total", "least", "most", "runs", "bucket", "hits")
            )
        )  # fmt: skip

    __hash__ = None  # type: ignore[assignment]

    def merge(self, other: Durations) -> Durations:
        """Return the distributions of both parts; `Durations()` is the identity.

        An exact one and a sketch give a sketch, as do more than `EXACT` durations, unless both are kept always. Raises
        `DataError` if the groups are of different kinds, or only one is of working time.
        """
        if not len(self) or not len(other):
            return other if not len(self) and (len(other) or not self.keys) else self
        if self.keys != other.keys:
            raise DataError(f"durations by {_joined(self.keys)} and by {_joined(other.keys)} cannot be added up")
        if self.working != other.working:
            raise DataError("durations of the wall clock and of working time cannot be added up")
        always = self.always and other.always
        few = always or int(self.count.sum()) + int(other.count.sum()) <= EXACT
        if self.exact != other.exact or (self.exact and not few):
            return self.coarse().merge(other.coarse())
        names = tuple(sorted({*self.names, *other.names}))
        place = {name: number for number, name in enumerate(names)}
        count, total = np.zeros(len(names), dtype=np.int64), np.zeros(len(names), dtype=object)
        least, most = np.full(len(names), 2**63 - 1), np.full(len(names), -(2**63))
        at = [np.array([place[name] for name in one.names], dtype=np.int64) for one in (self, other)]
        for one, where in zip((self, other), at, strict=True):
            count[where] += one.count
            total[where] += one.total
            least[where] = np.minimum(least[where], one.least)
            most[where] = np.maximum(most[where], one.most)
        group = np.concatenate([np.repeat(where, one.runs) for one, where in zip((self, other), at, strict=True)])
        bucket = np.concatenate((self.bucket, other.bucket))
        order = np.lexsort((bucket, group))
        group, bucket, hits = group[order], bucket[order], np.concatenate((self.hits, other.hits))[order]
        if not self.exact:
            group, bucket, hits = _joined_runs(group, bucket, hits)
        return Durations(
            keys=self.keys,
            names=names,
            count=count,
            total=total,
            least=least,
            most=most,
            exact=self.exact,
            always=always,
            working=self.working,
            runs=np.bincount(group, minlength=len(names)),
            bucket=bucket,
            hits=hits,
        )

    def coarse(self) -> Durations:
        """Return the same with a sketch in place of the durations."""
        if not self.exact:
            return self
        begins = np.concatenate(([0], np.cumsum(self.runs)))
        runs, bucket, hits = _runs(self.bucket, begins)
        return replace(self, exact=False, always=False, runs=runs, bucket=bucket, hits=hits)

    @property
    def precision(self) -> str:
        """On which clock time passed and how exact the percentiles are, in words."""
        clock = "working time" if self.working else "wall clock"
        return f"{clock}, percentiles {'exact' if self.exact else f'within {ERROR:.0%}'}"

    @property
    def mean(self) -> Floats:
        """Arithmetic mean of each group, µs."""
        return np.array([total / count for total, count in zip(self.total, self.count.tolist(), strict=True)], float)

    @cached_property
    def negative(self) -> Int:
        """How many durations of each group are negative: for an edge, its target began before its source ended."""
        below = np.concatenate(([0], np.cumsum(np.where(self.bucket < 0, self.hits, 0))))
        ends = np.cumsum(self.runs)
        return np.asarray(below[ends] - below[ends - self.runs], dtype=np.int64)

    def quantile(self, share: float) -> Floats:
        """Return a quantile of each group, µs, with linear interpolation between order statistics (type 7).

        A sketch puts in place of an order statistic what stands for its bucket, within 1 % of it.
        """
        if not 0 <= share <= 1:
            raise DataError(f"share={share} is not a share; give a number from 0 to 1, e.g. 0.95")
        place = share * (self.count - 1)
        low = np.floor(place)
        lower, upper = self._ranked(low.astype(np.int64)), self._ranked(np.ceil(place).astype(np.int64))
        return np.asarray(lower + (place - low) * (upper - lower), dtype=np.float64)

    @cached_property
    def _reached(self) -> Int:
        return np.cumsum(self.hits)

    def _ranked(self, rank: Int) -> Floats:
        """Return the order statistic of that rank (from 0) of each group."""
        before = np.cumsum(self.count) - self.count
        if self.exact:
            return np.asarray(self.bucket[before + rank], dtype=np.float64)
        bucket = self.bucket[np.searchsorted(self._reached, before + rank, side="right")]
        return np.clip(middles(bucket), self.least, self.most)

    def to_pandas(self, *, percentiles: Sequence[float] = PERCENTILES) -> pd.DataFrame:
        """Return one row per group, the most frequent first: the keys, count, and in hours mean, min, percentiles, max.

        The percentiles are named by their share (`median_h`, `p85_h`); total_h is the sum, negative their number.
        """
        columns: dict[str, Any] = {key: [name[i] for name in self.names] for i, key in enumerate(self.keys)}
        columns |= {"count": self.count, "mean_h": self.mean / HOUR, "min_h": self.least / HOUR}
        for share in percentiles:
            columns["median_h" if share == 0.5 else f"p{100 * share:g}_h"] = self.quantile(share) / HOUR
        columns |= {"max_h": self.most / HOUR, "total_h": np.array([one / HOUR for one in self.total], dtype=float)}
        frame = pd.DataFrame(columns | {"negative": self.negative})
        return frame.sort_values("count", ascending=False, kind="stable", ignore_index=True)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, readable by `from_dict`."""
        plain = {"keys": list(self.keys), "names": [list(name) for name in self.names]}
        plain |= {"exact": self.exact, "working": self.working}
        columns = ("count", "total", "least", "most", "bucket", *(() if self.exact else ("runs", "hits")))
        return plain | {one: getattr(self, one).tolist() for one in columns}

    @classmethod
    def from_dict(cls, values: object) -> Durations:
        """Read what `to_dict` returned. Raises `DataError` if it is not that."""
        what = "a saved distribution"
        keys = texts(entry(values, "keys", what), what)
        names = tuple(records(entry(values, "names", what), [str] * len(keys), what))
        exact = entry(values, "exact", what)
        # Files of earlier versions do not say it: they knew the wall clock only.
        working = values.get("working", False) if isinstance(values, Mapping) else None
        if not isinstance(working, bool):
            raise DataError(f"{what} does not say whether it is of working time; it is damaged")
        count = integers(entry(values, "count", what), what, least=1)
        least, most, bucket = (integers(entry(values, one, what), what) for one in ("least", "most", "bucket"))
        total = whole_numbers(entry(values, "total", what), what)
        runs, hits = count, _ones(len(bucket))
        if exact is not True:
            runs, hits = (integers(entry(values, one, what), what, least=1) for one in ("runs", "hits"))
        sizes = {len(names), len(count), len(runs), len(least), len(most), len(total)}
        if len(sizes) > 1 or len(bucket) != len(hits) or int(runs.sum()) != len(hits) or not isinstance(exact, bool):
            raise DataError(f"{what} has columns of different lengths; it is damaged")
        if len(names) and not np.array_equal(np.add.reduceat(hits, np.cumsum(runs) - runs), count):
            raise DataError(f"{what} does not add up; it is damaged")
        if list(names) != sorted(set(names)) or (not exact and np.any(np.abs(bucket) > len(bounds()))):
            raise DataError(f"{what} has groups out of order or unknown buckets; it is damaged")
        return cls(
            keys=keys,
            names=names,
            count=count,
            total=np.array([*total, None], dtype=object)[:-1],
            least=least,
            most=most,
            exact=exact,
            always=exact and sum(count.tolist()) > EXACT,
            working=working,
            runs=runs,
            bucket=bucket,
            hits=hits,
        )

    def __repr__(self) -> str:
        size = f"{len(self):,} group{'' if len(self) == 1 else 's'}, {int(self.count.sum()):,} in all"
        lines = [f"Durations by {_joined(self.keys)}: {size}, {self.precision}"]
        top = np.argsort(-self.count, kind="stable")[:SHOWN]
        median = self.quantile(0.5) / HOUR
        lines += [
            f"  {' -> '.join(self.names[one])}: {self.count[one]:,} times, median {median[one]:,.1f} h"
            for one in top.tolist()
        ]
        return "\n".join([*lines, *(["  ..."] if len(self) > SHOWN else [])])

    def _repr_html_(self) -> str:
        return html_table(self.to_pandas(), repr(self).splitlines()[0])


def _joined_runs(group: Int, bucket: Int, hits: Int) -> tuple[Int, Int, Int]:
    """Join runs, in order of (group, bucket), that have both in common."""
    fresh = np.flatnonzero(np.append(True, (group[1:] != group[:-1]) | (bucket[1:] != bucket[:-1])))
    return group[fresh], bucket[fresh], np.add.reduceat(hits, fresh)


def _joined(keys: tuple[str, ...]) -> str:
    return " and ".join(keys) or "nothing"


def durations(
    values: Int,
    groups: NDArray[np.integer[Any]],
    names: Sequence[tuple[str, ...]],
    *,
    keys: tuple[str, ...],
    exact: bool | None = None,
    working: bool = False,
) -> Durations:
    """Return the distributions of `values` (n,), µs, by group: `groups` (n,) are places in `names`, -1 is left out.

    `exact` keeps the durations themselves (True) or a sketch (False); by default themselves, if they are few (`EXACT`).
    """
    ordered, begins = by_group(values, groups, len(names))
    return of_sorted(ordered, begins, names, keys=keys, exact=exact, working=working)


def of_sorted(
    ordered: Int,
    begins: Int,
    names: Sequence[tuple[str, ...]],
    *,
    keys: tuple[str, ...],
    exact: bool | None,
    working: bool = False,
) -> Durations:
    """Return the distributions of durations (µs) that are sorted within their groups, which begin at `begins`."""
    always = exact is True
    exact = len(ordered) <= EXACT if exact is None else exact
    present = np.flatnonzero(np.diff(begins))
    begins = np.append(begins[present], len(ordered))
    named = [names[one] for one in present.tolist()]
    order = sorted(range(len(named)), key=named.__getitem__)
    count = np.diff(begins)
    runs, bucket, hits = (count, ordered, _ones(len(ordered))) if exact else _runs(ordered, begins)
    if order != list(range(len(named))):
        rows = spans(np.cumsum(runs) - runs, runs, np.array(order, dtype=np.int64))
        bucket, hits = bucket[rows], hits[rows]
    limbs = _limbs(ordered, begins)[order].astype(object)
    return Durations(
        keys=keys,
        names=tuple(named[one] for one in order),
        count=count[order],
        total=np.asarray((limbs[:, 0] << LIMB) + limbs[:, 1], dtype=object),
        least=ordered[begins[:-1]][order],
        most=ordered[begins[1:] - 1][order],
        exact=exact,
        always=always,
        working=working,
        runs=runs[order],
        bucket=bucket,
        hits=hits,
    )


def _ones(size: int) -> Int:
    return np.broadcast_to(np.int64(1), size)


def _limbs(ordered: Int, begins: Int) -> Int:
    """Return the sum of each group in limbs (g, 2): of what is above, and of what is in, the lowest 32 bits."""
    if compiled(len(ordered)):
        from mkmine.eventlog.summaries import kernels

        return kernels.limbs(ordered, begins)
    if not len(ordered):
        return np.zeros((0, 2), dtype=np.int64)
    parts = (ordered >> LIMB, ordered & (2**LIMB - 1))
    return np.column_stack([np.add.reduceat(part, begins[:-1]) for part in parts])


def _runs(ordered: Int, begins: Int) -> tuple[Int, Int, Int]:
    """Return how many buckets each group fills, and, one group after the other, which and how often."""
    if compiled(len(ordered)):
        from mkmine.eventlog.summaries import kernels

        return kernels.runs(ordered, begins, bounds())
    bucket = buckets(ordered)
    fresh = np.zeros(len(bucket), dtype=np.bool_)
    fresh[1:] = bucket[1:] != bucket[:-1]
    fresh[begins[:-1]] = True
    at = np.flatnonzero(fresh)
    runs = np.add.reduceat(fresh.astype(np.int64), begins[:-1]) if len(at) else at
    return runs, bucket[at], np.diff(np.append(at, len(bucket)))


def spans(begins: Int, sizes: Int, chosen: Int) -> Int:
    """Return the places of the spans `begins[c]` to `begins[c] + sizes[c]` of the chosen ones, one after the other."""
    size = sizes[chosen]
    ends = np.cumsum(size)
    return np.asarray(np.repeat(begins[chosen] - (ends - size), size) + np.arange(ends[-1] if len(ends) else 0))

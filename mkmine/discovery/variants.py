"""Variants: the sequences of activities that cases go through, how alike they are, and what is special about some."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.calendars import Calendar
from mkmine.discovery.contrast import KINDS, Contrast, Kind, contrast
from mkmine.discovery.grouping import groups
from mkmine.discovery.process_map import records
from mkmine.errors import DataError
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.notebook import html_table
from mkmine.eventlog.provenance import Provenance
from mkmine.eventlog.statistics import Groups
from mkmine.eventlog.summaries import VariantIndex, case_paths, case_table, variant_index

__all__ = ["Clusters", "Variants", "variants"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Variants are compared one by one up to this number, the most frequent; each rarer one joins the nearest of them.
COMPARED = 600
MOST_CLUSTERS = 12
ABOUT_ALL = tuple(kind for kind in KINDS if kind != "activity")


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Clusters:
    """Variants that are alike, the largest cluster first.

    Attributes
    ----------
    table
        One row per cluster: cluster (its number), medoid (the variant nearest to all its cases: its name), variants,
        cases, share, cycle_median_h with its 95 % interval low_h and high_h.
    of_variant
        Cluster of each variant, in the order of `Variants.table`.
    silhouette
        How well the clusters separate, from -1 to 1; NaN where all variants are one cluster.
    compared
        How many variants, the most frequent, were compared with each other.
    """

    table: pd.DataFrame
    of_variant: Ints
    silhouette: float
    compared: int

    def to_pandas(self) -> pd.DataFrame:
        """Return the table."""
        return self.table.copy()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        rows = [row | {"medoid": list(row["medoid"])} for row in records(self.table)]
        quality = self.silhouette if np.isfinite(self.silhouette) else None
        return {"clusters": rows, "silhouette": quality, "compared": self.compared}

    def __repr__(self) -> str:
        apart = f", silhouette {self.silhouette:.2f}" if np.isfinite(self.silhouette) else ""
        lines = [f"{len(self.table):,} clusters of {len(self.of_variant):,} variants{apart}"]
        for row in self.table.to_dict("records"):
            lines.append(f"  {row['cluster']}: {row['cases']:>6,} ({row['share']:.1%})  {' > '.join(row['medoid'])}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return html_table(self.table, repr(self).splitlines()[0])


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Variants:
    """All variants of a log, the most frequent first.

    `table` has one row per variant: variant (tuple of activities), cases, share, covered (share of it and all more
    frequent ones: the Pareto curve), cycle_median_h (of completed cases) with its 95 % interval low_h and high_h
    (order statistics, free of assumptions; NaN where there are too few cases), example (id of a case).
    """

    table: pd.DataFrame
    index: VariantIndex
    log: EventLog
    calendar: Calendar
    provenance: Provenance = field(repr=False)

    def __len__(self) -> int:
        return len(self.table)

    def to_pandas(self) -> pd.DataFrame:
        """Return the table."""
        return self.table.copy()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        rows = [row | {"variant": list(row["variant"])} for row in records(self.table)]
        return {"variants": rows, "provenance": self.provenance.to_dict()}

    def coverage(self, top: int) -> float:
        """Return the share of cases that the `top` most frequent variants cover."""
        return float(self.table["share"].head(top).sum())

    @cached_property
    def clusters(self) -> Clusters:
        """Variants grouped by how alike they are.

        Two variants are as alike as what follows what in them (cosine of the counts of their pairs of successive
        activities, with begin and end); average linkage, as many clusters as their silhouette, weighted by cases, says.
        """
        profiles = _profiles(self.log, self.index)
        compared = min(len(self), COMPARED)
        alike = profiles[:compared] @ profiles[:compared].T
        distances = np.clip(1.0 - alike, 0.0, 1.0)
        np.fill_diagonal(distances, 0.0)
        cases = self.index.counts.astype(np.float64)
        label, quality = groups(distances, weights=cases[:compared], most=MOST_CLUSTERS)
        of_variant = label
        if compared < len(self):
            of_variant = np.concatenate((label, label[(profiles[compared:] @ profiles[:compared].T).argmax(axis=1)]))
        size = np.bincount(of_variant, weights=cases)
        number = np.argsort(np.argsort(-size, kind="stable"), kind="stable")
        of_variant = number[of_variant]
        medoids = []
        for one in range(len(size)):
            members = np.flatnonzero(of_variant[:compared] == one)
            medoids.append(int(members[(distances[np.ix_(members, members)] @ cases[members]).argmin()]))
        return Clusters(
            table=self._clustered(of_variant, medoids), of_variant=of_variant, silhouette=quality, compared=compared
        )

    def _clustered(self, of_variant: Ints, medoids: list[int]) -> pd.DataFrame:
        of_case = of_variant[self.index.of_case]
        k = len(medoids)
        cases = np.bincount(of_case, minlength=k)
        median, low, high = _medians(self.log, self.calendar, of_case, k)
        return pd.DataFrame(
            {
                "cluster": np.arange(k),
                "medoid": pd.Series([self.table["variant"].iloc[one] for one in medoids], dtype=object),
                "variants": np.bincount(of_variant, minlength=k),
                "cases": cases,
                "share": cases / self.log.n_cases,
                "cycle_median_h": median,
                "low_h": low,
                "high_h": high,
            }
        )

    def contrast(
        self,
        *,
        variant: int | Sequence[int] | None = None,
        cluster: int | None = None,
        kinds: tuple[Kind, ...] = ABOUT_ALL,
    ) -> Contrast:
        """Return what is special about the cases of variants (their rows in the table) or of a cluster.

        Activities are left out unless asked for: they are what a variant is made of. Raises `DataError` if neither or
        both are given, there is no such row or cluster, or too few cases are on one side.
        """
        if (variant is None) == (cluster is None):
            raise DataError("give either variant= (rows of the table) or cluster= (its number)")
        if cluster is not None:
            chosen = np.flatnonzero(self.clusters.of_variant == cluster)
        else:
            chosen = np.atleast_1d(np.asarray(variant, dtype=np.int64))
        if not len(chosen) or chosen.min() < 0 or chosen.max() >= len(self):
            raise DataError(f"there is no such variant or cluster; variants are numbered from 0 to {len(self) - 1}")
        return contrast(self.log, np.isin(self.index.of_case, chosen), kinds=kinds)

    def __repr__(self) -> str:
        lines = [f"{len(self):,} variants; the first 10 cover {self.coverage(10):.0%} of cases"]
        for row in self.table.head(10).to_dict("records"):
            lines.append(f"  {row['cases']:>6,} ({row['share']:.1%})  {' > '.join(row['variant'])}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return html_table(self.table, repr(self).splitlines()[0])


def variants(log: EventLog, *, calendar: Calendar | None = None) -> Variants:
    """Return the variants of a log with their cases and cycle times (working hours)."""
    index = variant_index(log)
    working = calendar or log.working_calendar()
    median, low, high = _medians(log, working, index.of_case, index.n)
    share = index.counts / log.n_cases
    table = pd.DataFrame(
        {
            "variant": pd.Series(case_paths(log, index.representative), dtype=object),
            "cases": index.counts,
            "share": share,
            "covered": np.cumsum(share),
            "cycle_median_h": median,
            "low_h": low,
            "high_h": high,
            "example": log.case_ids[np.asarray(index.representative)],
        }
    )
    return Variants(table=table, index=index, log=log, calendar=working, provenance=log.provenance("variants"))


def _medians(log: EventLog, calendar: Calendar, of_case: Ints, size: int) -> tuple[Floats, Floats, Floats]:
    """Return the median cycle time of the completed cases of each group, and its 95 % interval.

    The interval is between two order statistics whose ranks follow from the binomial distribution (W. R. Thompson 1936,
    Annals of Mathematical Statistics 7); fewer than six cases have none.
    """
    from scipy.stats import binom

    cycle = case_table(log, calendar=calendar)["cycle_h"].to_numpy(dtype=np.float64)
    done = log.completed & np.isfinite(cycle)
    grouped = Groups(cycle[done], of_case[done].astype(np.int32), size)
    count = grouped.count
    ordered, begins = grouped._sorted
    few = count < 6
    lower = np.where(few, 1, binom.ppf(0.025, np.maximum(count, 6), 0.5)).astype(np.int64)
    upper = np.maximum(count + 1 - lower, lower)
    values = np.append(ordered, np.nan)
    last = len(values) - 1
    low = np.where(few, np.nan, values[np.minimum(begins[:-1] + lower - 1, last)])
    high = np.where(few, np.nan, values[np.minimum(begins[:-1] + upper - 1, last)])
    return grouped.quantile(0.5), low, high


def _profiles(log: EventLog, index: VariantIndex) -> Floats:
    """Return of each variant how often each pair of activities follows in it, begin and end too, scaled to length 1."""
    chosen = np.asarray(index.representative)
    sizes = np.diff(log.offsets)[chosen]
    within = np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    code = log.activity[np.repeat(log.offsets[chosen], sizes) + within].astype(np.int64) + 1
    of = np.repeat(np.arange(len(chosen)), sizes)
    k = len(log.activities) + 1
    before = np.where(within > 0, np.append(0, code[:-1]), 0)
    last = np.cumsum(sizes) - 1
    pair = np.concatenate((before * k + code, code[last] * k))
    row = np.concatenate((of, np.arange(len(chosen))))
    seen, column = np.unique(pair, return_inverse=True)
    out = np.zeros((len(chosen), len(seen)))
    np.add.at(out, (row, column), 1.0)
    return np.asarray(out / np.sqrt((out**2).sum(axis=1, keepdims=True)))

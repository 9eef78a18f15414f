"""Variants: the sequences of activities that cases go through."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from mkmine.calendars import Calendar
from mkmine.discovery.process_map import records
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.notebook import html_table
from mkmine.eventlog.provenance import Provenance
from mkmine.eventlog.statistics import Groups
from mkmine.eventlog.summaries import case_paths, case_table, variant_index

__all__ = ["Variants", "variants"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Variants:
    """All variants of a log, the most frequent first.

    `table` has one row per variant: variant (tuple of activities), cases, share, cycle_median_h (of completed cases),
    example (id of a case).
    """

    table: pd.DataFrame
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
    cycle = case_table(log, calendar=calendar)["cycle_h"].to_numpy()
    done = log.completed
    medians = Groups(cycle[done], index.of_case[done], index.n).quantile(0.5)
    table = pd.DataFrame(
        {
            "variant": pd.Series(case_paths(log, index.representative), dtype=object),
            "cases": index.counts,
            "share": index.counts / log.n_cases,
            "cycle_median_h": medians,
            "example": log.case_ids[np.asarray(index.representative)],
        }
    )
    return Variants(table=table, provenance=log.provenance("variants"))

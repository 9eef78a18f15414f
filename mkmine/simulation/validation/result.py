"""What a backtest found: the grade of a model, its reasons, and all that was compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any, Literal

import numpy as np
import pandas as pd

from mkmine.discovery.process_map import records
from mkmine.eventlog import Provenance
from mkmine.language import translator
from mkmine.simulation.experiments.bands import Change
from mkmine.simulation.validation.wording import aspect_name, missed_text, remarks

__all__ = ["JUDGED", "TOLERANCE", "WARNING", "Grade", "Validation", "graded"]

Grade = Literal["good", "fair", "poor"]
# What a reader of what-if answers relies on; the grade is made of these.
JUDGED = ("cycle_median_h", "cycle_p85_h", "waiting_per_case_h", "throughput_per_week")
TOLERANCE: dict[Grade, float] = {"good": 0.15, "fair": 0.35}
WARNING = {
    "fair": "The model predicted the held-out weeks only roughly (see the backtest): trust directions, not decimals.",
    "poor": "The model did not predict the held-out weeks (see the backtest): do not decide on these answers alone.",
}


@dataclass(frozen=True, kw_only=True, repr=False)
class Validation:
    """Simulated against held-out reality, figure by figure and aspect by aspect.

    Attributes
    ----------
    table
        One row per key figure, over all cuts: the means of `actual` and of `predicted`, the band `low`..`high` of 95 %
        for the latter, `inside`, `noise` (standard deviation over runs), `error` (predicted / actual - 1),
        `typical_error` (mean size of the errors of the cuts), `floor` (by which share equally long real stretches
        differ from the one before) and how many of the `cuts` lay in the bands of their own (`covered`).
    by_cut
        The same of each cut: what was known at `cut` had to foretell what came until `until`.
    aspects
        How far runs lie from reality (`distance`), beside how far real stretches lie from the one before (`floor`).
        See `mkmine.simulation.validation.profiles.distances`.
    changes
        By key figure, what changes from one such period to the next beyond chance, and from how many periods that is
        known: absolute forecasts carry it, and so do the bands of each cut, as far as it was known then.
    profiles
        Simulated beside real: `activities` (waiting, queues, rework), `people` (hours a week), `cycle` (quantiles),
        `hours` (arrivals and events by weekday and hour), `in_progress` (over time).
    grade
        `"good"`: each judged figure is predicted within 15 %, or within 30 % where it lies in its band or is off by no
        more than reality is from itself (the floor); `"fair"`: within 35 % or 70 %; `"poor"` otherwise. This is asked
        of the mean over the cuts, and with twice the room of the latest. Where the waiting is under half of the mean
        cycle time, its error is a share of that half. A band so wide that it holds anything proves nothing.
    reasons
        Keys of the figures that cost the grade, worst first; `explain` says it in words.
    cut, until
        Days of the first cut and of the end of what was foretold.
    notes
        Limits of this backtest.
    """

    table: pd.DataFrame
    grade: Grade
    reasons: tuple[str, ...]
    cut: str
    cases: int
    replications: int
    provenance: Provenance
    until: str = ""
    by_cut: pd.DataFrame = field(default_factory=pd.DataFrame)
    aspects: pd.DataFrame = field(default_factory=pd.DataFrame)
    changes: Mapping[str, Change] = field(default_factory=dict)
    profiles: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def cuts(self) -> int:
        """How many cuts there were."""
        return self.by_cut["cut"].nunique() if len(self.by_cut) else 1

    @property
    def coverage(self) -> float:
        """How often the judged figures lay in their bands of 95 %, over all cuts."""
        rows = self.by_cut if len(self.by_cut) else self.table
        judged = rows[rows["kpi"].isin(JUDGED) & rows["actual"].notna()]
        return float(judged["inside"].mean()) if len(judged) else float("nan")

    @property
    def stretch(self) -> float:
        """By what the widths of the bands would have to be multiplied so that 95 % of the judged figures lie in them.

        At least 1; NaN for a single cut. The bands are wide enough where they hold no fewer figures than may well
        happen by chance (binomial test at 5 %).
        """
        rows = self.by_cut[self.by_cut["kpi"].isin(JUDGED)] if len(self.by_cut) else self.by_cut
        rows = rows[rows["actual"].notna() & (rows["high"] > rows["low"])] if len(rows) else rows
        if self.cuts < 2 or len(rows) == 0:
            return float("nan")
        from scipy.special import bdtr

        if bdtr(int(rows["inside"].sum()), len(rows), 0.95) > 0.05:
            return 1.0
        middle, half = (rows["high"] + rows["low"]) / 2, (rows["high"] - rows["low"]) / 2
        return max(float(np.quantile((rows["actual"] - middle).abs() / half, 0.95)), 1.0)

    @property
    def band(self) -> float:
        """Half the width of the median band of the judged figures, as a share of what is foretold; NaN without any."""
        rows = self.table[self.table["kpi"].isin(JUDGED) & (self.table["predicted"] > 0)]
        return float(((rows["high"] - rows["low"]) / 2 / rows["predicted"]).median())

    @property
    def warning(self) -> str:
        """What every answer of the model has to say about it; empty when the grade is good."""
        if self.grade not in WARNING:
            return ""
        return " ".join([WARNING[self.grade], *([missed_text(self)] if self.reasons else [])])

    def explain(self, language: str = "en") -> list[str]:
        """Say in words how far the model can be trusted, in what it fails, and what could not be checked."""
        return remarks(self, translator(language))

    def to_pandas(self) -> pd.DataFrame:
        """Return the table of key figures."""
        return self.table.copy()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "grade": self.grade,
            "reasons": list(self.reasons),
            "warning": self.warning,
            "band": self.band if np.isfinite(self.band) else None,
            "explained": self.explain(),
            "cut": self.cut,
            "until": self.until,
            "cases": self.cases,
            "replications": self.replications,
            "table": records(self.table),
            "by_cut": records(self.by_cut),
            "aspects": records(self.aspects),
            "changes": {key: one.share for key, one in self.changes.items()},
            "profiles": {name: _plain(table) for name, table in self.profiles.items()},
            "notes": list(self.notes),
            "provenance": self.provenance.to_dict(),
        }

    def __repr__(self) -> str:
        number = f"{self.cuts} cut{'s' if self.cuts > 1 else ''}"
        lines = [f"Backtest: {self.grade} (trained before {self.cut}, {number}, {self.cases:,} held-out cases)"]
        for _, row in self.table.iterrows():
            mark = "inside" if row["inside"] else f"off by {row['error']:+.0%}"
            if np.isnan(row["actual"]):
                mark = "not checked"
            elif np.isnan(row["error"]):
                mark = "outside"
            lines.append(
                f"  {row['kpi']:<24}actual {row['actual']:>9.2f}   predicted {row['predicted']:>9.2f} "
                f"[{row['low']:.2f}, {row['high']:.2f}]   {mark}"
            )
        t = translator("en")
        for _, row in self.aspects.iterrows():
            lines.append(
                f"  {aspect_name(row['aspect'], t):<44}{row['verdict']:<10}{row['distance']:>5.0%} "
                f"(reality from itself {row['floor']:.0%})"
            )
        return "\n".join([*lines, *(f"  {one}" for one in self.explain())])

    def _repr_html_(self) -> str:
        tables = [one for one in (self.table, self.aspects) if len(one)]
        return (
            f"<p>{escape(self.grade)}</p><ul>"
            + "".join(f"<li>{escape(one)}</li>" for one in self.explain())
            + "</ul>"
            + "".join(one.to_html(index=False, escape=True, float_format="{:.3g}".format) for one in tables)
        )


def _plain(table: pd.DataFrame) -> list[dict[str, Any]]:
    if "moment" in table:
        table = table.assign(moment=[one.isoformat() for one in table["moment"]])
    return records(table)


def _matters(cuts: pd.DataFrame) -> pd.Series[float]:
    """Return by what errors are multiplied: that of a waiting which is under half of the cycle time counts less."""
    whole = cuts[cuts["kpi"] == "cycle_mean_h"].set_index("cut")["actual"]
    share = 2 * cuts["actual"] / cuts["cut"].map(whole)
    return share.clip(upper=1.0).where(cuts["kpi"] == "waiting_per_case_h", 1.0).fillna(1.0)


def graded(table: pd.DataFrame, cuts: pd.DataFrame) -> tuple[Grade, tuple[str, ...]]:
    """Return the grade that the tables of a `Validation` give, and the figures that cost it, worst first."""
    floor = cuts["kpi"].map(table.set_index("kpi")["floor"])
    excused = cuts["inside"] | (cuts["error"].abs() <= floor)
    size = cuts["error"].abs() * np.where(excused, 0.5, 1.0) * _matters(cuts)
    sizes = cuts.assign(size=size.fillna(np.inf))
    sizes = sizes[sizes["kpi"].isin(JUDGED) & sizes["actual"].notna()]
    if not len(sizes):
        return "poor", ()
    by_kpi = sizes.groupby("kpi", sort=False)["size"]
    worst = pd.concat([by_kpi.mean(), by_kpi.last() / 2], axis=1).max(axis=1).sort_values(ascending=False)
    off = tuple(str(key) for key in worst[worst > TOLERANCE["good"]].index)
    if not off:
        return "good", ()
    return ("fair" if float(worst.iloc[0]) <= TOLERANCE["fair"] else "poor"), off

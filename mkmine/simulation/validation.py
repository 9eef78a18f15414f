"""Backtest: does a model calibrated on the past predict the weeks that it has not seen?"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any, Literal

import numpy as np
import pandas as pd

from mkmine.calendars import DAY, from_us
from mkmine.discovery.process_map import records
from mkmine.errors import DataError
from mkmine.eventlog import EventLog, Provenance
from mkmine.eventlog.enablement import enabled_times
from mkmine.eventlog.observation import as_observed
from mkmine.simulation.arrivals import midnight
from mkmine.simulation.calibration import calibrate
from mkmine.simulation.engine import simulate
from mkmine.simulation.kpis import kpi, measure
from mkmine.simulation.model import SimulationModel

__all__ = ["Validation", "backtest"]

Grade = Literal["good", "fair", "poor"]
METHOD = "backtest on held-out weeks, 95 % prediction band of replications"
# What a reader of what-if answers relies on; the grade is made of these.
_JUDGED = ("cycle_median_h", "cycle_p85_h", "waiting_per_case_h", "throughput_per_week")
_FEWEST_TRAINED = 20
_TOLERANCE: dict[Grade, float] = {"good": 0.15, "fair": 0.35}
WARNING = {
    "fair": "The model predicted the held-out weeks only roughly (see the backtest): trust directions, not decimals.",
    "poor": "The model did not predict the held-out weeks (see the backtest): do not decide on these answers alone.",
}


@dataclass(frozen=True, kw_only=True, repr=False)
class Validation:
    """Simulated against held-out reality, figure by figure.

    Attributes
    ----------
    table
        One row per key figure: `actual` in the held-out weeks, `predicted` (mean over replications), the band
        `low`..`high` that holds 95 % of the replications, `inside`, `noise` (standard deviation over replications) and
        `error` (predicted / actual - 1).
    grade
        `"good"`: each judged figure is predicted within 15 %, or within 30 % if it lies in its band; `"fair"`: within
        35 % or 70 %; `"poor"` otherwise. A band so wide that it holds anything proves nothing.
    reasons
        Keys of the figures that cost the grade, worst first.
    cut
        Day at which the model's knowledge ends.
    """

    table: pd.DataFrame
    grade: Grade
    reasons: tuple[str, ...]
    cut: str
    cases: int
    replications: int
    provenance: Provenance

    @property
    def warning(self) -> str:
        """What every answer of the model has to say about it; empty when the grade is good."""
        return WARNING.get(self.grade, "")

    def to_pandas(self) -> pd.DataFrame:
        """Return the table."""
        return self.table.copy()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "grade": self.grade,
            "reasons": list(self.reasons),
            "cut": self.cut,
            "cases": self.cases,
            "replications": self.replications,
            "table": records(self.table),
            "provenance": self.provenance.to_dict(),
        }

    def __repr__(self) -> str:
        lines = [f"Backtest: {self.grade} (trained before {self.cut}, {self.cases:,} held-out cases)"]
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
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return f"<p>{escape(self.grade)}</p>" + self.table.to_html(
            index=False, escape=True, float_format="{:.3g}".format
        )


def backtest(log: EventLog, *, train: float = 0.75, replications: int = 20, seed: int = 7) -> Validation:
    """Calibrate on the first part of a log, simulate on, and compare with what happened then.

    Both sides are seen by the same observer: the cases that began after the cut and were completed by the end of the
    log, so that censoring is equal. Arrivals of the held-out weeks are predicted, not given.

    Parameters
    ----------
    train
        Share of the log's events before the cut, between 0.3 and 0.95.
    replications
        At least 5.

    Raises `DataError` if a parameter is out of range or too few cases stand on either side of the cut.
    """
    if not 0.3 <= train <= 0.95:
        raise DataError(f"train={train}: give a share of the events between 0.3 and 0.95")
    if replications < 5:
        raise DataError(f"replications={replications}: a prediction band needs at least 5")
    first, last = log.observed
    cut = int(np.quantile(log.end, train))
    past = as_observed(log, (first, cut))
    window = (cut, last)
    actual = measure(log, window)
    begin = np.minimum.reduceat(enabled_times(log), log.offsets[:-1])
    cases = int(((begin >= cut) & log.completed).sum())
    if int(past.completed.sum()) < _FEWEST_TRAINED:
        raise DataError(
            f"{log.name}: only {int(past.completed.sum())} cases were completed before {from_us(cut).date()}; a "
            f"backtest needs {_FEWEST_TRAINED} to learn from: train on more"
        )
    if cases < 10:
        raise DataError(
            f"{log.name}: only {cases} cases begin and end after {from_us(cut).date()}; a backtest needs 10: train "
            f"on less"
        )
    model = _from(calibrate(past, name=log.name), past, cut)
    weeks = (last - midnight(model.start, model.time_zone)) / (7 * DAY)
    rows = []
    for replication in range(replications):
        run = simulate(model, seed=seed, replication=replication, weeks=weeks)
        rows.append(measure(as_observed(run, window), window))
    table = _compare(actual, pd.DataFrame(rows))
    grade, reasons = _grade(table)
    return Validation(
        table=table,
        grade=grade,
        reasons=reasons,
        cut=from_us(cut, log.time_zone).date().isoformat(),
        cases=cases,
        replications=replications,
        provenance=log.provenance(METHOD, train=train, replications=replications, seed=seed),
    )


def _from(model: SimulationModel, past: EventLog, cut: int) -> SimulationModel:
    """Return the model begun early enough that the office has filled by the cut: three times the longest usual case."""
    span = np.maximum.reduceat(past.end, past.offsets[:-1]) - np.minimum.reduceat(past.start, past.offsets[:-1])
    early = cut - max(3 * int(np.quantile(span, 0.95)), 28 * DAY)
    return model.model_copy(update={"start": max(model.start, from_us(early, model.time_zone).date())})


def _compare(actual: dict[str, float], simulated: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for key, real in actual.items():
        values = simulated[key].dropna().to_numpy()
        low, high = (np.percentile(values, [2.5, 97.5])) if len(values) else (np.nan, np.nan)
        predicted = float(values.mean()) if len(values) else float("nan")
        rows.append(
            {
                "kpi": key,
                "unit": kpi(key).unit,
                "actual": real,
                "predicted": predicted,
                "low": float(low),
                "high": float(high),
                "inside": bool(low <= real <= high),
                "noise": float(values.std(ddof=1)) if len(values) > 1 else float("nan"),
                "error": predicted / real - 1 if real else float("nan"),
            }
        )
    return pd.DataFrame(rows)


def _grade(table: pd.DataFrame) -> tuple[Grade, tuple[str, ...]]:
    judged = table[table["kpi"].isin(_JUDGED) & table["actual"].notna()]
    size = (judged["error"].abs() * np.where(judged["inside"], 0.5, 1.0)).fillna(np.inf)
    off = judged.assign(size=size)[size > _TOLERANCE["good"]].sort_values("size", ascending=False)
    reasons = tuple(off["kpi"])
    worst = float(size.max()) if len(size) else float("inf")
    if worst <= _TOLERANCE["good"]:
        return "good", ()
    return ("fair" if worst <= _TOLERANCE["fair"] else "poor"), reasons

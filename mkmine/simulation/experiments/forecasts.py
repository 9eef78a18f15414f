"""Absolute forecasts: what one coming period will show, not what the mean of many would."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.simulation.experiments.answers import Doubtful, Runs
from mkmine.simulation.experiments.bands import Change, band
from mkmine.simulation.experiments.kpis import kpi

__all__ = ["forecasts"]

Floats = NDArray[np.float64]


def forecasts(base: str, runs: Runs, doubtful: Doubtful, changes: Mapping[str, Change]) -> pd.DataFrame:
    """Return one row per model and key figure: `value`, and the band `low`..`high` that holds 95 % of such periods.

    The band holds the chance of one period, what is not known of the model's numbers (the runs with drawn ones), the
    shares of queueing that the log does not exclude, and what changes from period to period (`change`, a share; NaN
    where no backtest says). A paired difference needs none of the last: what changes, changes for both sides.
    """
    rows = []
    for name, outcomes in runs.items():
        for key in outcomes[0].values:
            plain = _values(runs, name, key)
            drawn = _values(doubtful.get(None, {}), name, key)
            known = changes.get(key)
            found = band(drawn if np.isfinite(drawn).sum() >= 2 else plain, known)
            shifts = [0.0] + [
                float((values - plain[: len(values)]).mean())
                for alpha in doubtful
                if alpha is not None and len(values := _values(doubtful[alpha], name, key))
            ]
            rows.append(
                {"scenario": name or base, "kpi": key, "unit": kpi(key).unit, "value": float(plain.mean())}
                | {"low": found.low + np.nanmin(shifts), "high": found.high + np.nanmax(shifts)}
                | {"change": float("nan") if known is None else known.share}
            )
    return pd.DataFrame(rows, columns=["scenario", "kpi", "unit", "value", "low", "high", "change"])


def _values(runs: Runs, name: str, key: str) -> Floats:
    return np.array([one.values.get(key, np.nan) for one in runs.get(name, ())])

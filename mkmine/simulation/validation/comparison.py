"""What was foretold beside what happened: key figures by cut and over the cuts, aspects, and the tables of plots."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.calendars import DAY, from_us
from mkmine.simulation.experiments.bands import Change, Foretold, band, changes
from mkmine.simulation.experiments.kpis import KPIS, kpi
from mkmine.simulation.validation.profiles import ASPECTS, QUANTILES, Names, Profile, distances
from mkmine.simulation.validation.result import JUDGED
from mkmine.simulation.validation.trials import Trial

__all__ = ["aspects", "by_cut", "changes_known", "figures_floor", "overall", "profiles_by"]

Floats = NDArray[np.float64]


def changes_known(before: Sequence[Trial], stretches: Sequence[Profile], latest: Trial) -> dict[str, Change]:
    """Return how key figures change between periods, as earlier trials and real stretches show.

    Of the `latest` trial only the runs are used, which say what chance does; not what came of it.
    """
    keys = [one.key for one in KPIS]
    return changes(
        {key: [one.figures[key] for one in stretches] for key in keys},
        {key: [Foretold(one.actual.figures[key], _figures(one, key)) for one in before] for key in keys},
        {key: _figures(latest, key) for key in keys},
        lenders=JUDGED,
    )


def _figures(trial: Trial, key: str) -> Floats:
    return np.array([run.figures[key] for run in trial.runs])


def by_cut(trials: Sequence[Trial], time_zone: str, stretches: Sequence[Profile] = ()) -> pd.DataFrame:
    """Return one row per cut and key figure; `stretches` are real ones, of which the last are those of the trials."""
    rows = []
    for number, trial in enumerate(trials):
        known = changes_known(trials[:number], stretches[: len(stretches) - len(trials) + number], trial)
        cut, until = (from_us(moment, time_zone).date().isoformat() for moment in trial.window)
        for key in (one.key for one in KPIS):
            real = trial.actual.figures[key]
            one = band(_figures(trial, key), known[key])
            rows.append(
                {"cut": cut, "until": until, "kpi": key, "unit": kpi(key).unit, "actual": real}
                | {"predicted": one.predicted, "low": one.low, "high": one.high}
                | {"inside": bool(one.low <= real <= one.high), "noise": one.noise}
                | {"error": _error(one.predicted, real), "change": known[key].share, "periods": known[key].periods}
            )
    return pd.DataFrame(rows)


def overall(trials: Sequence[Trial], cuts: pd.DataFrame, floors: dict[str, float]) -> pd.DataFrame:
    """Return one row per key figure, over all cuts.

    Values, bands and `error` are of the mean over the cuts; `typical_error` is the mean size of the errors of the cuts,
    `covered` of `cuts` lay in the bands of their own.
    """
    rows = []
    for key, group in cuts.groupby("kpi", sort=False):
        judged = group[group["actual"].notna()]
        runs = np.array([[run.figures[str(key)] for run in trial.runs] for trial in trials])
        known = group["actual"].notna().to_numpy()
        # What changes lasts: over the cuts it does not average out.
        change = Change(float(np.sqrt((group["change"] ** 2).mean())), int(group["periods"].max()))
        one = band(_means(runs[known]) if known.any() else _means(runs), change)
        real = float(judged["actual"].mean()) if len(judged) else float("nan")
        rows.append(
            {"kpi": key, "unit": group["unit"].iloc[0], "actual": real}
            | {"predicted": one.predicted, "low": one.low, "high": one.high}
            | {"inside": bool(one.low <= real <= one.high), "noise": one.noise}
            | {"error": _error(one.predicted, real), "change": change.share}
            | {"typical_error": float(judged["error"].abs().mean()) if len(judged) else float("nan")}
            | {"floor": floors.get(str(key), float("nan")), "cuts": len(judged)}
            | {"covered": int(judged["inside"].sum())}
        )
    return pd.DataFrame(rows)


def _error(predicted: float, real: float) -> float:
    if real:
        return predicted / real - 1
    return 0.0 if predicted == real else float("nan")


def _means(runs: Floats) -> Floats:
    known = np.isfinite(runs)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(known, runs, 0).sum(axis=0) / known.sum(axis=0))


def figures_floor(stretches: Sequence[Profile]) -> dict[str, float]:
    """Return by which share each key figure of real stretches differs from that of the stretch before, on average."""
    out = {}
    for key in (one.key for one in KPIS):
        values = np.array([one.figures[key] for one in stretches])
        with np.errstate(invalid="ignore", divide="ignore"):
            change = np.abs(values[:-1] / values[1:] - 1)
        known = change[np.isfinite(change)]
        out[key] = float(np.median(known)) if len(known) else float("nan")
    return out


def aspects(trials: Sequence[Trial], stretches: Sequence[Profile]) -> pd.DataFrame:
    """Return how far runs lie from reality, aspect by aspect, beside how far real stretches lie from the one before."""
    model = [distances(run, trial.actual) for trial in trials for run in trial.runs]
    real = [distances(one, other) for one, other in pairwise(stretches)]
    rows = []
    for key in ASPECTS:
        distance, floor = _mean([one[key] for one in model]), _mean([one[key] for one in real])
        rows.append({"aspect": key, "distance": distance, "floor": floor, "verdict": _verdict(distance, floor)})
    return pd.DataFrame(rows)


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")


def _verdict(distance: float, floor: float) -> str:
    """Say whether a distance is no larger than that of reality from itself."""
    if not np.isfinite(distance):
        return "unknown"
    if distance <= 0.05 or (np.isfinite(floor) and distance <= 1.25 * floor):
        return "alike"
    return "near" if distance <= 0.15 or (np.isfinite(floor) and distance <= 2 * floor) else "different"


def profiles_by(trials: Sequence[Trial], names: Names, time_zone: str) -> dict[str, pd.DataFrame]:
    """Return the tables behind the plots: simulated beside real, with the band of the runs."""
    stacked = _Stacked(trials)
    activities = pd.DataFrame({"activity": names.activities})
    for name, value in (("waiting_h", _waiting), ("queue", lambda one: one.queues), ("rework", _rework)):
        activities = activities.join(stacked.of(value).add_prefix(f"{name}_"))
    people = pd.DataFrame({"person": names.people}).join(stacked.of(lambda one: one.workload))
    cycle = pd.DataFrame({"share": QUANTILES}).join(stacked.of(lambda one: one.cycle))
    hours = []
    for kind in ("arrivals", "events"):
        for by, axis in (("weekday", 1), ("hour", 0)):
            found = stacked.of(partial(_shares_by, kind=kind, axis=axis))
            hours.append(found.assign(what=kind, by=by, place=np.arange(len(found))))
    return {
        "activities": activities,
        "people": people[people["actual"] + people["predicted"] > 0].reset_index(drop=True),
        "cycle": cycle,
        "hours": pd.concat(hours, ignore_index=True)[["what", "by", "place", "actual", "predicted", "low", "high"]],
        "in_progress": pd.concat([_course(trial, time_zone) for trial in trials], ignore_index=True),
    }


class _Stacked:
    """The same array of all runs and all cuts; the mean over cuts is compared."""

    def __init__(self, trials: Sequence[Trial]) -> None:
        self._trials = trials

    def of(self, value: Callable[[Profile], Floats]) -> pd.DataFrame:
        """Return actual, predicted, low, high by element."""
        actual = _means(np.array([value(trial.actual) for trial in self._trials]))
        runs = np.array([[value(run) for run in trial.runs] for trial in self._trials])
        return _banded(actual, _means(runs))


def _banded(actual: Floats, runs: Floats) -> pd.DataFrame:
    """Return a row per element of `actual` (m,), with the mean and the middle 95 % of `runs` (runs, m)."""
    low, high = np.full(len(actual), np.nan), np.full(len(actual), np.nan)
    known = np.isfinite(runs).any(axis=0)
    if known.any():
        low[known], high[known] = np.nanpercentile(runs[:, known], [2.5, 97.5], axis=0)
    return pd.DataFrame({"actual": actual, "predicted": _means(runs), "low": low, "high": high})


def _waiting(one: Profile) -> Floats:
    return one.waiting


def _rework(one: Profile) -> Floats:
    total = one.rounds.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(one.rounds[:, 1:].sum(axis=1) / total)


def _shares_by(one: Profile, *, kind: str, axis: int) -> Floats:
    counts: Floats = getattr(one, kind).sum(axis=axis)
    return counts / max(float(counts.sum()), 1.0)


def _course(trial: Trial, time_zone: str) -> pd.DataFrame:
    """Return the work in progress of a window, day by day (or by longer parts)."""
    runs = np.array([run.in_progress for run in trial.runs])
    edges = np.linspace(*trial.window, len(trial.actual.in_progress) + 1)
    middles = ((edges[1:] + edges[:-1]) / 2).astype(np.int64)
    table = _banded(trial.actual.in_progress, runs)
    table.insert(0, "moment", [from_us(int(one), time_zone) for one in middles])
    table.insert(0, "cut", from_us(trial.window[0], time_zone).date().isoformat())
    table["days"] = float(edges[1] - edges[0]) / DAY
    return table

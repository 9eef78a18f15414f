"""Which of several models replays a log: how much of its waiting is queueing, and what of that the log leaves open."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mkmine.calendars import HOUR, MINUTE, Calendar
from mkmine.eventlog import EventLog
from mkmine.eventlog.enablement import enabled_times
from mkmine.eventlog.observation import as_observed
from mkmine.simulation.engine import pays_to_compile, simulate
from mkmine.simulation.model import SimulationModel
from mkmine.simulation.model.queueing import with_readings

__all__ = ["plausible", "read_as", "traits"]

Floats = NDArray[np.float64]

_RUNS = 8
# So many cases of a log tell enough.
_ENOUGH = 2_000
_QUANTILES = np.linspace(0.05, 0.95, 19)
# So few instances of a role show no queue.
_FEWEST = 60
# Spreads below these, in hours and as correlations, are not worth telling apart.
_SLIGHT_H, _SLIGHT = 0.1, 0.02


def read_as(models: Mapping[float, SimulationModel], log: EventLog) -> SimulationModel:
    """Return the model, of several that read the log's waiting as queueing to different shares, that replays it best.

    It keeps the readings of those that the log does not exclude (`mkmine.simulation.model.queueing`). Each model is
    run eight times with the log's own arrivals, over its first 2,000 cases, and compared by `traits`; see `plausible`.
    """
    first, last = log.observed
    window = (first, first + int((last - first) * min(1.0, _ENOUGH / log.n_cases)))
    seen, calendar = as_observed(log, window), log.working_calendar()
    begun = np.minimum.reduceat(enabled_times(seen), seen.offsets[:-1])
    arrivals = np.sort(begun[begun >= first])
    engine = "kernel" if pays_to_compile(len(models) * _RUNS * len(seen)) else "auto"
    replayed = {}
    for alpha, model in models.items():
        runs = (
            simulate(model, seed=0, replication=number, arrivals=arrivals, engine=engine)  # type: ignore[arg-type]
            for number in range(_RUNS)
        )
        replayed[alpha] = np.array([traits(as_observed(run, window), log, calendar) for run in runs])
    best, *others = plausible(traits(seen, log, calendar), replayed)
    return with_readings(models[best], best, {alpha: models[alpha] for alpha in others})


def traits(log: EventLog, like: EventLog, calendar: Calendar) -> Floats:
    """Return what tells queues from delays in a log: 19 quantiles of the cycle time, and of each role two correlations.

    These are rank correlations (Spearman) of the waiting with the work that waited for the role already, and with the
    waiting of the next piece: in a queue both are high, while delays do not know of each other. Hours are those of
    `calendar`; the roles are those of `like` that did at least 60 instances there; NaN where there is nothing to see.
    """
    enabled = enabled_times(log)
    begin = np.minimum.reduceat(enabled, log.offsets[:-1])[log.completed]
    finish = np.maximum.reduceat(log.end, log.offsets[:-1])[log.completed]
    hours = calendar.working_time(begin, finish) / HOUR
    out = list(np.quantile(hours, _QUANTILES)) if len(hours) else [np.nan] * len(_QUANTILES)
    # Parts of a minute are no waiting, whatever their order.
    waited = calendar.working_time(enabled, log.start) // MINUTE
    first = np.zeros(len(log), dtype=np.bool_)
    first[log.offsets[:-1]] = True
    for activities in _worked_by_role(like):
        codes = [log.activities.index(name) for name in activities if name in log.activities]
        rows = np.flatnonzero(np.isin(log.activity, codes) & ~first)
        rows = rows[np.argsort(enabled[rows], kind="stable")]
        ahead = np.arange(len(rows)) - np.searchsorted(np.sort(log.start[rows]), enabled[rows], side="right")
        out += [_correlated(waited[rows], ahead), _correlated(waited[rows][1:], waited[rows][:-1])]
    return np.array(out)


def _worked_by_role(log: EventLog) -> list[list[str]]:
    """Return the activities of each role, or each activity by itself where the log names no roles."""
    groups = log.role if log.roles else log.activity
    return [
        [log.activities[code] for code in np.unique(log.activity[groups == group])]
        for group in np.unique(groups[log.resource >= 0])
        if (groups == group).sum() >= _FEWEST
    ]


def _correlated(one: NDArray[np.int64], other: NDArray[np.int64]) -> float:
    if len(one) < _FEWEST or one.min() == one.max() or other.min() == other.max():
        return float("nan")
    return float(np.corrcoef(_ranks(one), _ranks(other))[0, 1])


def _ranks(values: NDArray[np.int64]) -> Floats:
    """Return ranks, equal values having their mean rank."""
    _, where, count = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(count) - (count - 1) / 2)[where])


def plausible(real: Floats, replayed: Mapping[float, Floats]) -> list[float]:
    """Return the readings that a log does not exclude, the nearest first.

    `real` are the traits of the log, `replayed` those of the runs of each reading, (runs, traits). The distance of a
    log from a reading is the mean distance from the mean of its runs, in standard deviations, quantiles and
    correlations counting half each. A reading is excluded if the log is farther from it, beyond the nearest reading,
    than every run of that reading itself is when it is taken for the log: a Monte Carlo test (Besag and Clifford 1989,
    Generalized Monte Carlo significance tests, Biometrika 76), inverted. Where no reading fits, because the model is
    rough, the excess counts in units of the nearest one's misfit, as in quasi-likelihood (McCullagh and Nelder 1989).
    """
    spread = np.sqrt(np.mean([runs.var(axis=0, ddof=1) for runs in replayed.values()], axis=0))
    floor = np.where(np.arange(len(real)) < len(_QUANTILES), _SLIGHT_H, _SLIGHT)
    spread = np.maximum(spread, floor)

    def distances(of: Floats, left_out: tuple[float, int] | None = None) -> dict[float, float]:
        out = {}
        for alpha, runs in replayed.items():
            kept = np.delete(runs, left_out[1], axis=0) if left_out is not None and left_out[0] == alpha else runs
            z = np.abs(of - kept.mean(axis=0)) / spread
            halves = (z[: len(_QUANTILES)], z[len(_QUANTILES) :])
            parts = [float(half[np.isfinite(half)].mean()) for half in halves if np.isfinite(half).any()]
            out[alpha] = float(np.mean(parts)) if parts else 0.0
        return out

    found = distances(real)
    order = sorted(found, key=lambda alpha: (found[alpha], -alpha))
    best = order[0]
    usual = {alpha: [distances(run, (alpha, n)) for n, run in enumerate(runs)] for alpha, runs in replayed.items()}
    misfit = found[best] / max(float(np.median([one[best] for one in usual[best]])), 1e-9)
    return [
        alpha
        for alpha in order
        if found[alpha] - found[best]
        <= max(misfit, 1.0) * max(one[alpha] - min(one.values()) for one in usual[alpha]) + 1e-12
    ]

"""How long a simulation that begins with an empty office takes to fill: MSER-5."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mkmine.calendars import HOUR
from mkmine.eventlog import EventLog
from mkmine.simulation.engine import Engine, simulate
from mkmine.simulation.experiments.kpis import WEEK, average_level, case_spans
from mkmine.simulation.model import SimulationModel
from mkmine.simulation.model.arrivals import arrival_times, midnight
from mkmine.streams import Streams

__all__ = ["PILOTS", "Filling", "filling", "mser", "ordinary", "pilot", "settled"]

Floats = NDArray[np.float64]
BATCH = 5
# So many runs are averaged. One alone hides the filling in its noise: of an office that fills in 10 weeks, the means of
# 5 runs said 5 to 20 weeks, those of 10 runs 5 to 17, those of 20 runs 8 to 11.
PILOTS = 20
# A minimum in the last tenth of the half that is searched is the edge of the search, not a steady state.
_EDGE = 0.9


def mser(values: Floats, *, batch: int = BATCH) -> int | None:
    """Return how many observations to delete from the front of a series, or None if it does not settle within it.

    The series is averaged in batches of five; deleting d of the k batch means leaves the marginal standard error
    sum((z - mean)^2) / (k - d)^2 of the others, and the d in the first half that makes it smallest is chosen: later
    minima are those of a few batches that happen to be alike. Source: K. P. White (1997), An effective truncation
    heuristic for bias reduction in simulation output, Simulation 69; White, Cobb, Spratt (2000) for batches of five.
    """
    count = len(values) // batch
    if count < 8:
        return None
    means = np.asarray(values[: count * batch], dtype=np.float64).reshape(count, batch).mean(axis=1)
    centred = means - means.mean()
    left = np.arange(count, 0, -1, dtype=np.float64)
    total = np.cumsum(centred[::-1])[::-1]
    squares = np.cumsum(centred[::-1] ** 2)[::-1]
    error = np.maximum(squares - total**2 / left, 0.0) / left**2
    best = int(np.argmin(error[: count // 2 + 1]))
    return None if best >= _EDGE * (count // 2) else best * batch


@dataclass(frozen=True, slots=True)
class Filling:
    """What one run says about its filling: work in progress over time, and cycle times in the order of arrival.

    `wip` holds the mean number of open cases in each fifth of a week (so that a batch of five is a whole week, with its
    nights and its weekend), `arrived` the arrival of each case in weeks from the beginning, `cycle` its cycle time in
    working hours.
    """

    wip: Floats
    arrived: Floats
    cycle: Floats


def ordinary(model: SimulationModel) -> SimulationModel:
    """Return the model as it is in a week without holidays, absences and seasons: they would look like filling."""
    calendars = {
        name: one.model_copy(update={"holidays": None, "exceptions": {}}) for name, one in model.calendars.items()
    }
    return model.model_copy(
        update={
            "until": None,
            "calendars": calendars,
            "people": [one.model_copy(update={"absences": []}) for one in model.people],
            "arrivals": model.arrivals.model_copy(update={"holidays": None, "seasons": [], "trend": 0.0}),
        }
    )


def pilot(model: SimulationModel, seed: int, replication: int, weeks: float, engine: Engine = "auto") -> Filling:
    """Simulate so many weeks of an ordinary model from an empty office."""
    # Cases keep arriving for a while, or the last ones measured would meet an emptying office.
    arrivals = arrival_times(model, Streams(seed, replication=replication), weeks=1.25 * weeks)
    log = simulate(model, seed=seed, replication=replication, arrivals=arrivals, engine=engine)
    return filling(log, midnight(model.start, model.time_zone), weeks)


def filling(log: EventLog, first: int, weeks: float) -> Filling:
    """Return the series of the cases that arrive within so many weeks of `first` (µs)."""
    begin, finish = case_spans(log)
    edges = np.linspace(first, first + weeks * WEEK, round(BATCH * weeks) + 1)
    chosen = np.flatnonzero(begin < first + weeks * WEEK)
    chosen = chosen[np.argsort(begin[chosen], kind="stable")]
    cycle = log.working_calendar().working_time(begin[chosen], finish[chosen]) / HOUR
    return Filling(average_level(begin, finish, edges), (begin[chosen] - first) / WEEK, cycle)


def settled(runs: Sequence[Filling]) -> float | None:
    """Return after how many weeks the mean of some runs has settled, by MSER-5; None if it does not.

    The later one of the work in progress and the cycle times counts: where work never queues, cycle times are right
    from the first case on, but the office is still empty.
    """
    wip = mser(np.mean([run.wip for run in runs], axis=0))
    cases = min(len(run.cycle) for run in runs)
    cycle = mser(np.mean([run.cycle[:cases] for run in runs], axis=0))
    if wip is None or cycle is None:
        return None
    arrived = float(np.mean([run.arrived[cycle] for run in runs])) if cycle else 0.0
    return max(wip / BATCH, arrived)

"""One replication: a model simulated once under its own random streams, and what is measured of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mkmine.calendars import from_us
from mkmine.eventlog import EventLog
from mkmine.eventlog.observation import as_observed
from mkmine.simulation.engine import Engine, simulate
from mkmine.simulation.engine.offers import offered_times
from mkmine.simulation.engine.underway import Underway, WorkInProgress
from mkmine.simulation.experiments.kpis import WEEK, case_spans, in_order, measure
from mkmine.simulation.experiments.workforce import Pressure, pressure, workforce
from mkmine.simulation.model import SimulationModel
from mkmine.simulation.model.arrivals import arrival_times, midnight
from mkmine.simulation.model.sickness import with_sickness
from mkmine.streams import Streams

__all__ = ["Outcome", "Plan", "Played", "play", "replicate"]

_AFTER_WEEKS = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What all replications of an experiment have in common.

    seed
        Of the random streams.
    weeks, warm_up_weeks
        The measured span, and what is simulated before it.
    sla_h
        Working hours within which a case is on time, if that is asked.
    in_progress
        The cases from which every replication begins, at the moment at which they were seen; instead of a warm-up.
    """

    seed: int
    weeks: float
    warm_up_weeks: float
    sla_h: float | None = None
    in_progress: WorkInProgress | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one replication gave.

    scenario, replication
        Which one; the base is "".
    values
        Key figures.
    pressure
        Whether the run could go on for ever.
    longest_weeks
        95th percentile of the time that its cases were in the office, by the clock.
    log
        The log of the measured window, of replication 0.
    """

    scenario: str
    replication: int
    values: dict[str, float]
    pressure: Pressure
    longest_weeks: float
    log: EventLog | None = None


@dataclass(frozen=True, slots=True)
class Played:
    """One run of a model: the model as it was played, its log, and the window (µs) in which it is measured."""

    model: SimulationModel
    log: EventLog
    window: tuple[int, int]


def play(model: SimulationModel, plan: Plan, replication: int, engine: Engine = "auto") -> Played:
    """Simulate a model once under the plan; the engine makes no difference to the log."""
    streams = Streams(plan.seed, replication=replication)
    model, window, arrivals = _begun(model, plan, streams)
    if len(arrivals):
        model = with_sickness(model, streams, int(arrivals[-1]))
    log = simulate(
        model,
        seed=plan.seed,
        replication=replication,
        arrivals=arrivals,
        engine=engine,
        in_progress=None if plan.in_progress is None else _taken_over(plan.in_progress, model),
    )
    return Played(model, log, window)


def replicate(model: SimulationModel, plan: Plan, scenario: str, replication: int, engine: Engine = "auto") -> Outcome:
    """Simulate a model once and measure it; the engine makes no difference to the numbers."""
    played = play(model, plan, replication, engine)
    model, log, window = played.model, played.log, played.window
    entered, left = case_spans(log)
    offered = offered_times(log, model, Streams(plan.seed, replication=replication))
    return Outcome(
        scenario=scenario,
        replication=replication,
        values=in_order(measure(log, window, sla_h=plan.sla_h) | workforce(log, model, window, offered)),
        pressure=pressure(log, model, window, offered),
        longest_weeks=float(np.percentile(left - entered, 95)) / WEEK,
        log=as_observed(log, window) if replication == 0 else None,
    )


def _begun(
    model: SimulationModel, plan: Plan, streams: Streams
) -> tuple[SimulationModel, tuple[int, int], NDArray[np.int64]]:
    """Return the model begun at the right day, the measured window, and when cases arrive.

    They keep arriving after the window, or the last ones measured would meet an emptying office.
    """
    if plan.in_progress is None:
        model = _latest(model, plan.warm_up_weeks + plan.weeks)
        begin = midnight(model.start, model.time_zone) + int(plan.warm_up_weeks * WEEK)
        arrivals = arrival_times(model, streams, weeks=2 * plan.warm_up_weeks + plan.weeks)
    else:
        begin = plan.in_progress.at
        model = model.model_copy(update={"start": from_us(begin, model.time_zone).date(), "until": None})
        arrivals = arrival_times(model, streams, weeks=plan.weeks + max(_AFTER_WEEKS, plan.weeks / 3))
        arrivals = arrivals[arrivals >= begin]
    return model, (begin, begin + int(plan.weeks * WEEK)), arrivals


def _taken_over(progress: WorkInProgress, model: SimulationModel) -> WorkInProgress:
    """Return the work in progress with that of people who are not in the model waiting for somebody else."""
    people = {person.name for person in model.people}

    def mine(one: Underway) -> Underway:
        doers = {activity: who for activity, who in one.doers.items() if who in people}
        if one.person is None or one.person in people:
            return replace(one, doers=doers)
        return replace(one, doers=doers, stage="waiting", person=None)

    return replace(progress, cases=tuple(map(mine, progress.cases)))


def _latest(model: SimulationModel, weeks: float) -> SimulationModel:
    """Return the model begun so that the weeks end with the period it replays, if that is long enough."""
    if model.until is None:
        return model
    return model.model_copy(update={"start": max(model.start, model.until - timedelta(days=round(7 * weeks)))})

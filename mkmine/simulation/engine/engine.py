"""The simulator: one run of a model, on SimPy or by its compiled twin, and the event log of what happened.

Draws are keyed by what they are for, so that a scenario changes only the draws of what it changes; both engines read
the same ones and give the same log.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mkmine.errors import DataError, MissingExtraError, UnknownNameError
from mkmine.eventlog import EventLog, Step
from mkmine.eventlog.observation import as_observed
from mkmine.eventlog.twins import compiled
from mkmine.simulation.engine.clockwork import Event
from mkmine.simulation.engine.draws import Cases, Draws
from mkmine.simulation.engine.rows import as_log
from mkmine.simulation.engine.run import Run
from mkmine.simulation.engine.tables import compile_model
from mkmine.simulation.engine.twin import LOADED, Twin, is_compiled, unsupported
from mkmine.simulation.engine.underway import WorkInProgress, resumptions
from mkmine.simulation.engine.workers import Worker
from mkmine.simulation.model import SimulationModel
from mkmine.simulation.model.arrivals import arrival_times
from mkmine.simulation.model.sickness import with_sickness
from mkmine.streams import Streams

__all__ = ["Engine", "Process", "Run", "Worker", "pays_to_compile", "simulate"]

Engine = Literal["auto", "simpy", "kernel"]
# A user's own SimPy process: it gets the run (`run.env` is the environment) and yields events.
Process = Callable[[Run], Generator[Event, Any, None]]

# Loading the compiled engine takes about as long as SimPy needs for so many activity instances; compiling it, which is
# done once, as long as for so many.
_PAYS_FROM, _PAYS_TO_COMPILE = 300_000, 12_000_000


def simulate(
    model: SimulationModel,
    *,
    seed: int = 7,
    replication: int = 0,
    cases: int | None = None,
    weeks: float | None = None,
    arrivals: NDArray[np.int64] | None = None,
    observe: tuple[int, int] | None = None,
    engine: Engine = "auto",
    processes: Sequence[Process] = (),
    in_progress: WorkInProgress | None = None,
) -> EventLog:
    """Run a model and return what happened as an event log.

    Parameters
    ----------
    model
        The process, its people and their calendars.
    seed, replication
        Name the random streams: the same pair gives the same log.
    cases, weeks, arrivals
        How long cases arrive: a number of cases, a number of weeks from the model's start, or their arrival times
        (int64 µs, sorted) themselves. Default: 52 weeks. The run goes on until every case has ended.
    observe
        The window (µs) of the log; see `mkmine.eventlog.observation.as_observed`.
    engine
        `"simpy"`, or its compiled twin `"kernel"`, which gives the same log; `"auto"` takes the twin where it pays
        and can. The log's history says which one ran.
    processes
        SimPy processes of one's own that join the run: each is called with the `Run`, whose `env` is the environment
        (times in µs). They end with the last case. Only SimPy can run them.
    in_progress
        The cases from which the run begins, instead of from an empty office; see
        `mkmine.simulation.engine.underway.work_in_progress`. They stand in the log after the new ones, under their
        own names, from the activity on in which they are.

    Raises `DataError` if a case does not end (more than 1,000 rounds of an activity), if cases wait for each other for
    ever, or if nothing happens in the window.
    """
    streams = Streams(seed, replication=replication)
    times = arrivals if arrivals is not None else arrival_times(model, streams, cases=cases, weeks=weeks)
    if not len(times):
        raise DataError(f'no case arrives in the simulation of "{model.name}"; raise the arrivals or the duration')
    times = np.asarray(times, dtype=np.int64)
    if (np.diff(times) < 0).any():
        raise DataError("the arrival times are not sorted; sort them, earliest first")
    model = with_sickness(model, streams, int(times[-1]))
    old = () if in_progress is None else in_progress.cases
    if in_progress is not None:
        in_progress.check(model)
    arrived = np.array([*times.tolist(), *(one.arrived for one in old)], dtype=np.int64) if old else times
    tables = compile_model(model, int(arrived.min()), int(times[-1]))
    chances = Cases(model, tables, streams, arrived, old=[one.attributes for one in old])
    draws = Draws(model, tables, streams, chances)
    resumed = [] if in_progress is None else resumptions(in_progress, model, tables, streams, chances)
    at = int(times[0]) if in_progress is None else in_progress.at
    why_not = (*(["processes"] if processes else []), *unsupported(model))
    twin = _compiled(engine, why_not, len(times) * len(model.activities))
    ran = ", compiled" if twin else f", on SimPy for its {', '.join(why_not)}" if engine == "kernel" else ""
    step = Step("simulate", f"{model.name}, seed {seed}, replication {replication}{ran}")
    rows = Twin(draws, times, resumed, at).play() if twin else None
    if rows is None:
        # Also where the twin got stuck: this one tells where.
        run = Run(model, tables, draws, times, min(int(times[0]), at))
        run.begin_with(resumed, at)
        for process in processes:
            run.env.process(process(run))
        rows = run.play()
    log = as_log(model, tables, chances, rows, step, names=[one.case for one in old])
    return log if observe is None else as_observed(log, observe)


def _compiled(engine: Engine, why_not: tuple[str, ...], rows: int) -> bool:
    """Return whether the compiled twin runs: where it can, and loading it is not felt."""
    if engine not in ("auto", "simpy", "kernel"):
        raise UnknownNameError.of(kind="engine", name=str(engine), known=["auto", "simpy", "kernel"])
    if why_not or engine == "simpy":
        return False
    if engine == "kernel":
        if not compiled(1, pays_from=0):
            raise MissingExtraError.of(package="numba", extra="fast", purpose='engine="kernel"')
        return True
    return pays_to_compile(rows)


def pays_to_compile(rows: int) -> bool:
    """Return whether so many activity instances are worth the compiled twin: loading it, or else compiling it first.

    Once it is loaded, it serves every size.
    """
    loaded = LOADED in sys.modules
    return compiled(rows, pays_from=0 if loaded else _PAYS_FROM if is_compiled() else _PAYS_TO_COMPILE)

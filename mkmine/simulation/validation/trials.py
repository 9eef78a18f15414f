"""One cut of a backtest: calibrate on what was known then, go on from the cases that were open, and look after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mkmine.calendars import DAY, from_us
from mkmine.errors import DataError
from mkmine.eventlog import EventLog
from mkmine.eventlog.enablement import enabled_times
from mkmine.eventlog.observation import as_observed
from mkmine.simulation.calibration import calibrate
from mkmine.simulation.engine import Engine, pays_to_compile
from mkmine.simulation.engine.underway import WorkInProgress, work_in_progress
from mkmine.simulation.experiments.kpis import WEEK, case_spans
from mkmine.simulation.experiments.replication import Plan, play
from mkmine.simulation.experiments.uncertainty import drawn, uncertain
from mkmine.simulation.model import SimulationModel
from mkmine.simulation.model.arrivals import midnight
from mkmine.simulation.validation.profiles import Names, Profile, profile

__all__ = ["AlongProcess", "Trial", "Window", "choose_windows", "stretches", "tried"]

Window = tuple[int, int]
# The arguments of `calibrate` that say along which process.
AlongProcess = Mapping[str, Any]
Int = NDArray[np.int64]

FEWEST_TRAINED, FEWEST_HELD, MOST_CUTS = 20, 10, 4
# A shorter window has no weekly rhythm.
_SHORTEST = 7 * DAY
# So many real stretches are compared with the one before them, the latest ones.
_MOST_STRETCHES = 8
# Weeks in which an empty office fills, at least.
_WARM_UP = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What happened after a cut, and what the runs of the model say would.

    `open_cases` were underway at the cut, `left_out` of them could not be taken over, `cases` began and were completed
    in the window.
    """

    window: Window
    cases: int
    open_cases: int
    left_out: int
    actual: Profile
    runs: tuple[Profile, ...]


def choose_windows(log: EventLog, train: float, cuts: int | None) -> list[Window]:
    """Return equal windows one after another, up to the end of the log's observation; models know what is before.

    They begin when the share `train` of the log's events is over. There are at most four, and no more than leave each
    of them ten cases that begin and are completed in it, and a week.

    Raises `DataError` if too few cases stand on either side, for `cuts` windows if these are given.
    """
    last, base = log.observed[1], int(np.quantile(log.end, train))
    begin, finish = case_spans(log)
    trained = int((log.completed & (finish <= base)).sum())
    day = from_us(base, log.time_zone).date()
    if trained < FEWEST_TRAINED:
        raise DataError(
            f"{log.name}: only {trained} cases were completed before {day}; a backtest needs {FEWEST_TRAINED} to learn "
            f"from: train on more"
        )
    held = 0
    for number in range(cuts or MOST_CUTS, 0 if cuts is None else cuts - 1, -1):
        edges = np.linspace(base, last, number + 1).astype(np.int64)
        windows = list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))
        held = min(_held(log, begin, finish, window) for window in windows)
        if held >= FEWEST_HELD and (edges[1] - edges[0] >= _SHORTEST or number == 1):
            return windows
    each = "" if (cuts or 1) == 1 else f" in one of {cuts} windows"
    raise DataError(
        f"{log.name}: only {held} cases begin and end after {day}{each}; a backtest needs {FEWEST_HELD}: train on less"
        + (" or ask for fewer cuts" if each else "")
    )


def _held(log: EventLog, begin: Int, finish: Int, window: Window) -> int:
    return int((log.completed & (begin >= window[0]) & (finish <= window[1])).sum())


def stretches(log: EventLog, windows: list[Window]) -> list[Window]:
    """Return stretches of the log as long as the windows, the windows at their end, in order of time."""
    length = windows[0][1] - windows[0][0]
    number = min(int((windows[0][0] - log.observed[0]) // length), _MOST_STRETCHES - len(windows))
    first = windows[0][0]
    return [(first - back * length, first - (back - 1) * length) for back in range(max(number, 0), 0, -1)] + windows


def tried(
    log: EventLog,
    window: Window,
    names: Names,
    *,
    replications: int,
    seed: int,
    along: AlongProcess | None = None,
    warm: bool = False,
) -> Trial:
    """Calibrate on what was known before a window, simulate it, and return it beside what happened.

    Each run has its own draw of the model's numbers from what is known of them. `along` a process, if one is given;
    `warm`: with a warm-up of weeks before the window instead of with the cases that were open.
    """
    begin, finish = case_spans(log)
    past = as_observed(log, (log.observed[0], window[0]))
    model = calibrate(past, name=log.name, **(along or {}))
    found = work_in_progress(log, window[0])
    progress = replace(found, cases=tuple(one for one in found.cases if one.activity in model.activities))
    plan = Plan(seed=seed, weeks=(window[1] - window[0]) / WEEK, warm_up_weeks=0.0, in_progress=progress)
    left_out = 0 if warm else len(found.cases) - len(progress.cases)
    if warm:
        progress = replace(progress, cases=())
        model, plan = _warmed(model, plan, window[0])
    rows = replications * int(((log.end >= window[0]) & (log.start < window[1])).sum())
    engine: Engine = "kernel" if pays_to_compile(rows) else "auto"
    like = replace(past, calendar=past.working_calendar())
    runs = []
    for number in range(replications):
        played = play(_drawn(model, number, replications, seed), plan, number, engine)
        run = _seen(_known(played.log, names), like, progress)
        runs.append(profile(as_observed(run, window), window, names))
    return Trial(
        window=window,
        cases=_held(log, begin, finish, window),
        open_cases=len(found.cases),
        left_out=left_out,
        actual=profile(as_observed(replace(log, calendar=like.calendar), window), window, names),
        runs=tuple(runs),
    )


def _warmed(model: SimulationModel, plan: Plan, cut: int) -> tuple[SimulationModel, Plan]:
    """Return a model that begins some weeks before a cut with an empty office, and the plan for it."""
    start = from_us(cut - int(max(_WARM_UP, plan.weeks / 3) * WEEK), model.time_zone).date()
    weeks = (cut - midnight(start, model.time_zone)) / WEEK
    begun = model.model_copy(update={"start": start, "until": None})
    return begun, replace(plan, warm_up_weeks=weeks, in_progress=None)


def _known(run: EventLog, names: Names) -> EventLog:
    """Return a simulated log without the steps that only the process has: there is nothing to compare them with."""
    known = np.isin(run.activity, [n for n, name in enumerate(run.activities) if name in names.activities])
    return run if known.all() else run.keep_instances(known, action="filter activities", detail="those of the log")


def _drawn(model: SimulationModel, number: int, of: int, seed: int) -> SimulationModel:
    return drawn(model, number, of=of, seed=seed) if uncertain(model) else model


def _seen(run: EventLog, like: EventLog, progress: WorkInProgress) -> EventLog:
    """Return a simulated log with the times that the real one records, by its working time.

    Where the real log does not tell when work was enabled, that is inferred here as it is there; cases in progress were
    enabled when they were. Of a log of completions only these are seen.
    """
    completions = like.timestamps == "completed"
    seen = replace(
        run,
        calendar=like.calendar,
        enabled=None if like.enabled is None or completions else run.enabled,
        start=run.end if completions else run.start,
        timestamps="completed" if completions else run.timestamps,
    )
    if seen.enabled is not None or not progress.cases:
        return seen
    enabled = enabled_times(seen)
    heads = seen.offsets[:-1][-len(progress.cases) :]
    enabled[heads] = np.minimum(seen.start[heads], [one.since for one in progress.cases])
    return replace(seen, enabled=enabled)

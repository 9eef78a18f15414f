"""Backtest by rolling origin: at several cuts, what was known then has to foretell what came after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mkmine.calendars import from_us
from mkmine.errors import DataError
from mkmine.eventlog import EventLog
from mkmine.eventlog.observation import as_observed
from mkmine.simulation.calibration.along import branches_meet, named_as
from mkmine.simulation.validation.comparison import aspects, by_cut, changes_known, figures_floor, overall, profiles_by
from mkmine.simulation.validation.profiles import Names, profile
from mkmine.simulation.validation.result import Validation, graded
from mkmine.simulation.validation.trials import AlongProcess, Trial, choose_windows, stretches, tried

if TYPE_CHECKING:
    from mkmine.targets import Elicited, ProcessModel, Target

__all__ = ["METHOD", "backtest"]

METHOD = (
    "rolling backtest on held-out weeks from the cases open at each cut, 95 % prediction band of runs with drawn "
    "parameters and of what changes from period to period"
)
NOTE_ONE_CUT = "There was one cut only: how often the bands hold cannot be told from it."
NOTE_FLOOR = "The log is too short to say how much equally long real stretches differ."
NOTE_NOBODY = "The log names no people: workload was not checked."
NOTE_COMPLETIONS = "The log has completions only: waiting was not checked."
NOTE_WARM_UP = "The runs began with an empty office some weeks before each cut, not with the cases that were open."
NOTE_LEFT_OUT = "Some cases were open at a cut in an activity that had not been seen before; they were left out."


def backtest(
    log: EventLog,
    *,
    train: float = 0.5,
    cuts: int | None = None,
    replications: int = 20,
    seed: int = 7,
    process: ProcessModel | Target | None = None,
    elicited: Elicited | Mapping[str, Any] | None = None,
    warm_up: bool | None = None,
) -> Validation:
    """Calibrate on the first part of a log, simulate on, and compare with what happened then; and again, further on.

    Rolling origin (Tashman 2000, Out-of-sample tests of forecasting accuracy, International Journal of Forecasting 16).
    The time after the share `train` of the events is cut into equal windows. Before each, the model is calibrated on
    what was known then; it goes on from the cases that were open, and every run has its own draw of the model's numbers
    from what is known of them. Both sides are seen by the same observer: figures are of cases that began in the window
    and were completed by its end, so that censoring is equal. Arrivals are predicted, not given. Which step an open
    case waits for is taken as known, as a tracker shows it.

    Parameters
    ----------
    train
        Share of the log's events before the first cut, between 0.3 and 0.95.
    cuts
        How many cuts; by default up to four, as many as leave each window ten cases and a week.
    replications
        Runs per cut, at least 5.
    process, elicited
        Calibrate along a process, as `calibrate` does; the log is then looked at with the process's names, and without
        the activities that it lacks.
    warm_up
        Begin the runs with an empty office some weeks before each cut, instead of with the cases that are open at it.
        Of a process whose branches go on side by side a log does not tell where open cases are, so there it is always
        done.

    Raises `DataError` if a parameter is out of range or too few cases stand on either side of a cut.
    """
    if not 0.3 <= train <= 0.95:
        raise DataError(f"train={train}: give a share of the events between 0.3 and 0.95")
    if replications < 5:
        raise DataError(f"replications={replications}: a prediction band needs at least 5")
    if cuts is not None and (isinstance(cuts, bool) or not isinstance(cuts, int) or not 1 <= cuts <= 50):
        raise DataError(f"cuts={cuts!r}: give a whole number between 1 and 50")
    along: AlongProcess | None = None
    warm = bool(warm_up)
    if process is not None:
        log = named_as(log, process)
        along = {"process": process, "elicited": elicited}
        warm = warm or branches_meet(process)
    windows = choose_windows(log, train, cuts)
    names = Names(activities=tuple(log.activities), people=tuple(log.resources))
    trials = [
        tried(log, window, names, replications=replications, seed=seed, along=along, warm=warm) for window in windows
    ]
    calendar = log.working_calendar()
    known = replace(log, calendar=calendar)
    real = [profile(as_observed(known, one), one, names) for one in stretches(log, windows)]
    each = by_cut(trials, log.time_zone, real)
    table = overall(trials, each, figures_floor(real))
    grade, reasons = graded(table, each)
    cut, until = (from_us(one, log.time_zone).date().isoformat() for one in (windows[0][0], windows[-1][1]))
    return Validation(
        table=table,
        grade=grade,
        reasons=reasons,
        cut=cut,
        until=until,
        cases=sum(trial.cases for trial in trials),
        replications=replications,
        provenance=log.provenance(METHOD, train=train, cuts=len(windows), replications=replications, seed=seed),
        by_cut=each,
        aspects=aspects(trials, real),
        changes=changes_known(trials, real, trials[-1]),
        profiles=profiles_by(trials, names, log.time_zone),
        notes=(*_notes(log, trials, len(real)), *((NOTE_WARM_UP,) if warm else ())),
    )


def _notes(log: EventLog, trials: list[Trial], stretches: int) -> tuple[str, ...]:
    said = (
        (NOTE_ONE_CUT, len(trials) == 1),
        (NOTE_FLOOR, stretches < 2),
        (NOTE_NOBODY, not log.resources),
        (NOTE_COMPLETIONS, log.timestamps == "completed"),
        (NOTE_LEFT_OUT, any(trial.left_out for trial in trials)),
    )
    return tuple(note for note, holds in said if holds)

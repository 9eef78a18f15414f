"""Experiments: scenarios × replications under common random numbers, answered as paired differences with intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any

import pandas as pd

from mkmine.errors import DataError, UnknownNameError
from mkmine.eventlog import EventLog
from mkmine.executors import Place, opened
from mkmine.language import translator
from mkmine.simulation.engine import Engine
from mkmine.simulation.engine.underway import Underway, WorkInProgress, work_in_progress
from mkmine.simulation.experiments.answers import Runs, Strain, answers, half_widths, level, strained
from mkmine.simulation.experiments.campaign import Campaign, OutOfTimeError
from mkmine.simulation.experiments.forecasts import forecasts
from mkmine.simulation.experiments.progress import shown
from mkmine.simulation.experiments.replication import Plan
from mkmine.simulation.experiments.results import Experiment
from mkmine.simulation.experiments.stopping import Precision, Stopping, judged, more
from mkmine.simulation.experiments.study import Study
from mkmine.simulation.experiments.uncertainty import Doubts, stated
from mkmine.simulation.experiments.wording import growth_text
from mkmine.simulation.model import SimulationModel
from mkmine.simulation.scenarios.scenario import Scenario

if TYPE_CHECKING:
    from mkmine.simulation.validation import Validation

__all__ = ["Experiment", "check_draws", "experiment", "resume"]

METHOD = "paired replications under common random numbers, Student t interval"
METHOD_TOGETHER = (
    "paired replications under common random numbers, Student t intervals that hold for all scenarios together "
    "(Bonferroni)"
)
# What a manifest may say of an experiment.
# Intervals of fewer runs, or draws of a model's numbers, than this say hardly anything.
_HONEST = 10
FEW_RUNS = "{runs} replications say next to nothing: ask for at least {least}, over 26 weeks or more"
FEW_DRAWS = (
    "{runs} replications and {draws} draws of the model's numbers say next to nothing: ask for at least {least} of "
    "both, over 26 weeks or more"
)
_SETTINGS: Mapping[str, tuple[type, ...]] = {
    "replications": (int,), "precision": (dict, NoneType), "most": (int,), "seconds": (int, float, NoneType),
    "seed": (int,), "weeks": (int, float), "warm_up_weeks": (int, float, NoneType), "sla_h": (int, float, NoneType),
    "confidence": (float,), "simultaneous": (bool,), "draws": (int,), "in_progress": (dict,),
}  # fmt: skip
_FEWEST, _MOST = 2, 10_000
_MOST_DRAWS = 1_000


def experiment(
    model: SimulationModel,
    scenarios: Sequence[Scenario | SimulationModel],
    *,
    replications: int = 30,
    precision: Mapping[str, float | str] | None = None,
    most: int = 1_000,
    seconds: float | None = None,
    seed: int = 7,
    weeks: float = 26,
    warm_up_weeks: float | None = None,
    in_progress: EventLog | WorkInProgress | None = None,
    sla_h: float | None = None,
    confidence: float = 0.95,
    simultaneous: bool = True,
    draws: int = 20,
    workers: int = 1,
    executor: Place = "processes",
    engine: Engine = "auto",
    study: str | Path | None = None,
    validation: Validation | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Experiment:
    """Ask what each scenario would change.

    Every scenario sees the same arrivals and the same draws as the base in the same replication, so the difference is
    of what the scenario changes and not of luck; its interval is Student's over the replications, widened by what is
    not known of the model's numbers (`draws`). Figures are of the cases that begin in `weeks`, after a warm-up in which
    the empty system fills, and while cases go on arriving after them until they are done. Of a model that replays a
    period (`until`) these are its last weeks.

    Parameters
    ----------
    model, scenarios
        The base and what to change in it, or whole models to compare it with (a TO-BE), which go by their names: places
        of the same name have the same draws. Scenario names are unique.
    replications
        At least 2; with `precision`, the number at the first look (at least 10 keep the intervals honest).
    precision
        Half-widths of the paired differences to go on for, in the unit of the key figure or in per cent of the base:
        `{"cycle_mean_h": 4, "cycle_p85_h": "5%"}`. See `mkmine.simulation.experiments.stopping.more` for the method.
    most, seconds
        The budget: replications, and seconds of the clock, after which no new ones begin (at least 2 are finished).
        With `seconds` their number depends on the machine; what the first n of them say does not.
    weeks, warm_up_weeks
        The measured span, and the warm-up before it. Default: a third of `weeks`, at least 8; or, where usual cases
        take over a third of that, what MSER-5 finds in pilot runs, if that is longer.
    in_progress
        Begin with the work in progress instead of with an empty office and a warm-up: a log, of which the cases open at
        its end are taken, or what `mkmine.simulation.engine.underway.work_in_progress` gives. Figures are then those
        of the `weeks` that follow.
    sla_h
        Working hours within which a case is on time; adds `on_time_share`.
    confidence, simultaneous
        Of the intervals; those of one key figure hold for all scenarios together (Bonferroni), unless `simultaneous` is
        False. Key figures are questions of their own and not corrected for.
    draws
        How often the numbers of the model are drawn from what is known of them, so that what is not known of them
        widens the intervals: draw r is used in a second run of replication r, of the base and of every scenario. Where
        the log leaves open how much of the waiting is queueing, a third as many runs look at each other answer. 0 takes
        the model for certain. See `mkmine.simulation.experiments.margins.margins` for the method.
    workers, executor
        How many processes, or threads, or an executor such as `client.get_executor()` of Dask. The result does not
        depend on them. Threads run side by side in the compiled engine only.
    engine
        `"simpy"` or `"kernel"`, its compiled twin, which gives the same numbers; by default the twin where all runs
        together are worth loading it, and it can run the model.
    study
        A folder, such as `simulations/article`: finished replications are kept there as they come, and used again.
    validation
        A backtest of the model. Answers repeat what it failed in, and absolute forecasts carry what changes from period
        to period; differences do not, since it changes both sides.
    progress
        Called with (runs done, runs planned so far); by default a bar where somebody watches.

    Raises `DataError` if a parameter is out of range or two scenarios have one name, `UnknownNameError` for an unknown
    key figure, and what `Scenario.apply` raises.
    """
    changes = [Scenario(one.name).replace(one) if isinstance(one, SimulationModel) else one for one in scenarios]
    _check(changes, replications, most, seconds, weeks, warm_up_weeks, confidence, draws)
    wanted = () if precision is None else Precision.read(precision)
    if model.name in {one.name for one in changes}:
        raise DataError(f'a scenario is called "{model.name}", as the model is; give it its own name')
    if sla_h is not None and not 0 < sla_h < float("inf"):
        raise DataError(f"sla_h={sla_h!r}: give the working hours within which a case is on time, e.g. 80")
    models = {"": model, **{one.name: one.apply(model) for one in changes}}
    progress_now = _underway(in_progress, warm_up_weeks)
    plan = Plan(
        seed=seed,
        weeks=float(weeks),
        warm_up_weeks=_usual(weeks, 0.0 if progress_now is not None else warm_up_weeks),
        sla_h=sla_h,
        in_progress=progress_now,
    )
    settings: dict[str, Any] = {
        "replications": replications, "precision": None if precision is None else dict(precision), "most": most,
        "seconds": seconds, "seed": seed, "weeks": weeks, "warm_up_weeks": warm_up_weeks, "sla_h": sla_h,
        "confidence": confidence, "simultaneous": simultaneous, "draws": draws,
    }  # fmt: skip
    if progress_now is not None:
        settings["in_progress"] = asdict(progress_now)
    comparisons = max(len(changes), 1) if simultaneous else 1
    with opened(workers, executor) as pool, _reporting(progress) as tell:
        folder = None if study is None else Study(study)
        doubts = Doubts(model, changes, draws=draws, seed=seed)
        campaign = Campaign(models, plan, pool, folder, tell, seconds=seconds, engine=engine, doubts=doubts)
        campaign.plan_for(replications)
        how = "observed" if progress_now is not None else "given" if warm_up_weeks is not None else campaign.settle()
        if folder is not None:
            folder.write(model=model, scenarios=changes, runs=campaign.runs_of(), settings=settings, tables={})
        stopping = _replicate(campaign, replications, wanted, most, level(confidence, comparisons))
    found = _answered(model, changes, models, campaign, stopping, confidence, comparisons, validation, how)
    if folder is not None:
        tables = {"kpis.csv": found.kpis, "answers.csv": found.answers}
        folder.write(model=model, scenarios=changes, runs=campaign.runs_of(), settings=settings, tables=tables)
    return found


def resume(
    study: str | Path,
    *,
    workers: int = 1,
    executor: Place = "processes",
    validation: Validation | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Experiment:
    """Return the experiment of a study's folder, going on where it was interrupted; nothing is simulated twice.

    Raises `DataError` if the folder holds no manifest, or a file was changed since its results were made.
    """
    folder = Path(study)
    if not folder.is_dir():
        raise DataError(f'study: there is no folder "{folder}"')
    model, scenarios, settings = Study(folder).read()
    _check_settings(settings)
    if "in_progress" in settings:
        settings["in_progress"] = _read_underway(settings["in_progress"])
    return experiment(
        model,
        scenarios,
        workers=workers,
        executor=executor,
        study=folder,
        validation=validation,
        progress=progress,
        **settings,
    )


def _check_settings(settings: Mapping[str, Any]) -> None:
    for key, value in settings.items():
        if not isinstance(value, _SETTINGS.get(key, ())):
            raise DataError(f"study: the manifest's setting {key}={value!r} cannot be read; ask the study anew")


def _underway(given: EventLog | WorkInProgress | None, warm_up_weeks: float | None) -> WorkInProgress | None:
    """Return the work in progress that an experiment begins with, if it does."""
    if given is None:
        return None
    if warm_up_weeks is not None:
        raise DataError("warm_up_weeks and in_progress are both given; work in progress needs no warm-up: give one")
    found = work_in_progress(given) if isinstance(given, EventLog) else given
    if not isinstance(found, WorkInProgress):
        raise DataError(f"in_progress={type(given).__name__}: give a log, or what work_in_progress(log) returns")
    return found


def _read_underway(values: Mapping[str, Any]) -> WorkInProgress:
    try:
        cases = tuple(Underway(**(one | {"trace": tuple(one["trace"])})) for one in values["cases"])
        return WorkInProgress(at=int(values["at"]), cases=cases)
    except (KeyError, TypeError, ValueError):
        raise DataError("study: the work in progress of the manifest cannot be read") from None


def _replicate(
    campaign: Campaign, replications: int, wanted: tuple[Precision, ...], most: int, confidence: float
) -> Stopping:
    """Make replications until the wanted half-widths are met or the budget is used up."""
    looks, reason = 0, "as asked"
    table = judged((), pd.DataFrame())
    try:
        campaign.reach(replications if not wanted else min(replications, most))
        _check_measured(campaign.results(), wanted)
        while wanted:
            looks, count = looks + 1, campaign.finished
            table = _reached(campaign, wanted, confidence)
            then = more(count, table, most)
            if then == count:
                reason = "precise enough" if table["met"].all() else "replications" if count == most else "parameters"
                break
            campaign.reach(then)
    except OutOfTimeError:
        reason = "seconds"
        _check_measured(campaign.results(), wanted)
        table = _reached(campaign, wanted, confidence)
    return Stopping(reason=reason, looks=looks, precision=table)  # type: ignore[arg-type]


def _reached(campaign: Campaign, wanted: tuple[Precision, ...], confidence: float) -> pd.DataFrame:
    """Return the half-widths of the scenarios that have an answer."""
    runs = campaign.results()
    unstable = strained(runs, confidence)
    able = {name: outcomes for name, outcomes in runs.items() if name == "" or not {"", name} & set(unstable)}
    return judged(wanted, half_widths(able, confidence, [one.kpi for one in wanted], campaign.doubtful()))


def _check_measured(runs: Runs, wanted: tuple[Precision, ...]) -> None:
    measured = runs[""][0].values
    for one in wanted:
        if one.kpi == "on_time_share" and one.kpi not in measured:
            raise DataError("precision: on_time_share needs to know when a case is on time; give sla_h")
        if one.kpi not in measured:
            raise UnknownNameError.of(kind="key figure", name=one.kpi, known=list(measured), where="this experiment")


def _answered(
    model: SimulationModel,
    scenarios: Sequence[Scenario],
    models: Mapping[str, SimulationModel],
    campaign: Campaign,
    stopping: Stopping,
    confidence: float,
    comparisons: int,
    validation: Validation | None,
    how: str,
) -> Experiment:
    """Put together what was found."""
    runs, plan, each = campaign.results(), campaign.plan, level(confidence, comparisons)
    strain = {name or model.name: one for name, one in strained(runs, confidence).items()}
    count = campaign.finished
    logs = {name or model.name: outcomes[0].log for name, outcomes in runs.items() if outcomes[0].log is not None}
    trust = () if validation is None or validation.grade == "good" else (validation.warning,)
    method = METHOD if comparisons == 1 else METHOD_TOGETHER
    told = {one.name: tuple(note for note in models[one.name].notes if note not in model.notes) for one in scenarios}
    assumed = [one.name for one in scenarios if stated(models[one.name]) - stated(model)]
    return Experiment(
        base=model.name,
        scenarios=tuple(scenarios),
        answers=answers(
            runs, each, {name if name != model.name else "": one for name, one in strain.items()}, campaign.doubtful()
        ).assign(assumed=lambda table: table["scenario"].isin(assumed)),
        kpis=_raw(model.name, runs),
        logs=logs,
        confidence=confidence,
        replications=count,
        seed=plan.seed,
        weeks=plan.weeks,
        warm_up_weeks=plan.warm_up_weeks,
        warnings=(
            *trust,
            *_unstable(strain, model.name),
            *_imprecise(stopping),
            *_few(campaign),
            *_restless(campaign, strain),
            *_overloaded_draws(campaign, strain),
            *model.notes,
        ),
        provenance=logs[model.name].provenance(method, replications=count, seed=plan.seed, confidence=confidence),
        validation=validation,
        forecasts=forecasts(model.name, runs, campaign.doubtful(), {} if validation is None else validation.changes),
        comparisons=comparisons,
        strain=strain,
        stopping=stopping,
        warm_up=how,
        study=None if campaign.study is None else str(campaign.study.folder),
        notes={name: notes for name, notes in told.items() if notes},
    )


def _raw(base: str, runs: Runs) -> pd.DataFrame:
    """Return one row per replication, scenario and key figure."""
    rows = [
        {"scenario": name or base, "replication": one.replication, "kpi": key, "value": value}
        for together in zip(*runs.values(), strict=True)
        for name, one in zip(runs, together, strict=True)
        for key, value in one.values.items()
    ]
    return pd.DataFrame(rows, columns=["scenario", "replication", "kpi", "value"])


def _unstable(strain: Mapping[str, Strain], base: str) -> Iterator[str]:
    t = translator("en")
    for name in sorted(strain, key=lambda one: (one != base, one)):
        who = "the base model" if name == base else f'scenario "{name}"'
        yield (
            f"unstable: in {who} more work arrives than is done, so its times grow with the simulated span: "
            f"{growth_text(strain[name], t)}"
        )


def _restless(campaign: Campaign, strain: Mapping[str, Strain]) -> Iterator[str]:
    for name, weeks in campaign.restless.items():
        if (name or campaign.models[""].name) not in strain:
            who = f'scenario "{name}"' if name else "the base model"
            said = f"the work in progress does not settle within {weeks:g} weeks: its figures depend on the span"
            yield f"in {who} {said}"


def _overloaded_draws(campaign: Campaign, strain: Mapping[str, Strain]) -> Iterator[str]:
    """Say where the far end of an interval is a queue that would grow without end."""
    for name, runs in campaign.doubtful().get(None, {}).items():
        over = sum(run.pressure.load >= 1 for run in runs)
        shown = name or campaign.models[""].name
        if over and shown not in strain:
            who = f'scenario "{name}"' if name else "the base model"
            yield (
                f"in {over} of {len(runs)} draws of the model's numbers, {who} has more work than people can do: the "
                f"far end of its intervals only says that times would grow"
            )


def _imprecise(stopping: Stopping) -> Iterator[str]:
    short = stopping.precision[~stopping.precision["met"].astype(bool)]
    for row in short.to_dict("records"):
        said = f'the half-width of {row["kpi"]} in scenario "{row["scenario"]}" is {row["reached"]:.3g}, not the '
        if row["floor"] >= row["wanted"]:
            yield (
                f"{said}{row['wanted']:.3g} asked for: {row['floor']:.3g} of it is not known of the model, which no "
                f"number of replications makes smaller"
            )
        else:
            yield f"{said}{row['wanted']:.3g} asked for: the {stopping.reason} of the budget were used up"


def _few(campaign: Campaign) -> Iterator[str]:
    """Say that intervals of so few runs are hardly worth their name."""
    runs = campaign.finished
    drawn = 0 if campaign.doubts is None else len({one.replication for one in campaign.doubts.within(runs)})
    if 0 < drawn < _HONEST:
        yield FEW_DRAWS.format(runs=runs, draws=drawn, least=_HONEST)
    elif runs < _HONEST:
        yield FEW_RUNS.format(runs=runs, least=_HONEST)


def _usual(weeks: float, given: float | None) -> float:
    return max(8.0, weeks / 3) if given is None else float(given)


@contextmanager
def _reporting(progress: Callable[[int, int], None] | None) -> Iterator[Callable[[int, int], None]]:
    """Give what is to be told of progress: the caller's own function, or a bar where somebody watches."""
    if progress is not None:
        yield progress
        return
    line = shown()
    try:
        yield (lambda done, total: None) if line is None else line
    finally:
        if line is not None:
            line.close()


def check_draws(draws: int) -> None:
    """Raise `DataError` if nobody can draw a model so many times."""
    if draws and not 2 <= draws <= _MOST_DRAWS:
        raise DataError(f"draws={draws}: give between 2 and {_MOST_DRAWS} draws, or 0 to take the model for certain")


def _check(
    scenarios: Sequence[Scenario],
    replications: int,
    most: int,
    seconds: float | None,
    weeks: float,
    warm: float | None,
    confidence: float,
    draws: int,
) -> None:
    check_draws(draws)
    for name, count in (("replications", replications), ("most", most)):
        if not _FEWEST <= count <= _MOST:
            raise DataError(
                f"{name}={count}: an interval needs at least {_FEWEST}, and over {_MOST:,} gain nothing "
                f"more; 30 is a good start"
            )
    if seconds is not None and not seconds > 0:
        raise DataError(f"seconds={seconds!r}: give a positive number of seconds, or None for no limit")
    if not 1 <= weeks <= 520:
        raise DataError(f"weeks={weeks}: give between 1 and 520 weeks")
    if warm is not None and not 0 <= warm <= 520:
        raise DataError(f"warm_up_weeks={warm:g}: give between 0 and 520 weeks")
    if not 0.5 <= confidence < 1:
        raise DataError(f"confidence={confidence}: give a share between 0.5 and 1, e.g. 0.95")
    names = [one.name for one in scenarios]
    for name in names:
        if names.count(name) > 1:
            raise DataError(f'two scenarios are called "{name}"; give each its own name')

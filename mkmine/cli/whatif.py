"""The verb that asks about the future: simulate."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import reduce
from operator import and_
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mkmine.cli.console import Console, records
from mkmine.cli.source import log_options, processes, read_log, simulation_options
from mkmine.cli.tobe import said_of, to_be_of
from mkmine.cli.verb import Verb, common, console_of, message
from mkmine.errors import DataError

if TYPE_CHECKING:
    from mkmine.eventlog import EventLog
    from mkmine.language import Language, Translator
    from mkmine.simulation import Experiment, Scenario, SimulationModel, Validation

__all__ = ["show_experiment", "show_validation", "simulate", "suggested", "validated"]

# A report is waited for: it tries no more levers than these, those with the largest estimated gain.
MOST_LEVERS = 4
Change = tuple[str, float]
Wanted = tuple[str, str]
Shares = tuple[str, dict[str, float]]
QUESTIONS = ("cycle_mean_h", "cycle_p85_h", "on_time_share", "throughput_per_week")


class Assignment(click.ParamType[Change]):
    """`NAME=NUMBER`, as in `designer=+1` or `"Approval=0.5"`; a decimal comma is as good as a point."""

    name = "name=number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Change:
        """Return the name and the number."""
        if isinstance(value, tuple):
            return value
        name, _, number = str(value).rpartition("=")
        try:
            return name.strip(), float(number.replace(",", "."))
        except ValueError:
            name = ""
        if not name:
            self.fail(f'"{value}" is not NAME=NUMBER, such as "designer=+1"', param, ctx)
        return name, 0.0


class Width(click.ParamType[Wanted]):
    """`KPI=HALF-WIDTH`, as in `cycle_mean_h=4` or `"cycle_p85_h=5%"`."""

    name = "kpi=width"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Wanted:
        """Return the key figure and the half-width, which the experiment reads."""
        if isinstance(value, tuple):
            return value
        name, _, width = str(value).rpartition("=")
        if not name or not width:
            self.fail(f'"{value}" is not KPI=HALF-WIDTH, such as "cycle_mean_h=5%"', param, ctx)
        return name.strip(), width.strip()


class Mix(click.ParamType[Shares]):
    """`ATTRIBUTE: VALUE=SHARE, VALUE=SHARE`, as in `"type: Blog=0.5, Whitepaper=0.5"`; shares may be per cents."""

    name = "attribute: value=share"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Shares:
        """Return the attribute and the shares of its values."""
        if isinstance(value, tuple):
            return value
        attribute, _, told = str(value).partition(":")
        shares: dict[str, float] = {}
        for part in told.split(","):
            one, _, number = part.rpartition("=")
            try:
                shares[one.strip()] = float(number.strip().removesuffix("%")) / (100 if "%" in number else 1)
            except ValueError:
                shares[""] = 0.0
        if not attribute.strip() or "" in shares:
            self.fail(
                f'"{value}" is not ATTRIBUTE: VALUE=SHARE, ..., such as "type: Blog=0.5, Whitepaper=0.5"', param, ctx
            )
        return attribute.strip(), shares


@click.command(
    cls=Verb,
    help=message(
        "Calibrate a simulation model from a log and answer what a change would bring, with its uncertainty.\n\n"
        "Each change is a scenario of its own, unless --together; without any, the levers of the diagnosis are tried. "
        "LOG may also be a model of one's own (.yaml); without any change, it is told how things are."
    ),
    example='mkmine simulate data/article/tracker.csv --staff "Дизайнер=+1" --replications 30',
)
@log_options
@click.option("--staff", multiple=True, type=Assignment(), help=message("People more (or fewer) in a role."))
@click.option("--rework", multiple=True, type=Assignment(), help=message("Factor on returns after an activity."))
@click.option(
    "--wait",
    multiple=True,
    type=Assignment(),
    help=message("Factor on the outside wait before an activity; in Python .delay(activity, factor=...)."),
)
@click.option("--duration", multiple=True, type=Assignment(), help=message("Factor on the duration of an activity."))
@click.option("--arrivals", type=click.FloatRange(min=0), metavar="FACTOR", help=message("Factor on arrivals."))
@click.option(
    "--mix",
    multiple=True,
    type=Mix(),
    help=message('Other shares of kinds of cases, such as "type: Blog=0.5, Whitepaper=0.5".'),
)
@click.option("--remove", multiple=True, metavar="ACTIVITY", help=message("Leave an activity out."))
@click.option(
    "--scenario",
    multiple=True,
    type=click.Path(path_type=Path),
    help=message("YAML file with a scenario."),
)
@click.option(
    "--to-be",
    type=click.Path(path_type=Path),
    metavar="MODEL",
    help=message("Compare with a TO-BE: BPMN or a YAML of steps, with its process card beside it."),
)
@click.option(
    "--process",
    type=click.Path(path_type=Path),
    metavar="MODEL",
    help=message("Calibrate along this process (BPMN or a YAML of steps) instead of by the log's own routes."),
)
@click.option(
    "--elicited",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help=message("YAML file that says what no log can: hours of new steps, chances of new choices, new people."),
)
@click.option("--together", is_flag=True, help=message("Make all changes at once, in one scenario."))
@simulation_options
@click.option(
    "--precision",
    multiple=True,
    type=Width(),
    help=message("Go on until the difference of a key figure is known to ± so much, or so many per cent of the base."),
)
@click.option(
    "--most",
    type=click.IntRange(min=2, max=10_000),
    metavar="N",
    default=1_000,
    help=message("With --precision: runs per scenario at most. Default 1000."),
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    metavar="N",
    help=message("Begin no new run after so many seconds."),
)
@click.option(
    "--sla",
    type=click.FloatRange(min=0, min_open=True),
    metavar="HOURS",
    help=message("Working hours within which a case is on time; adds the share of cases on time."),
)
@click.option(
    "--from-now",
    is_flag=True,
    help=message("Begin with the cases that are open at the end of the log, instead of with an empty office."),
)
@click.option(
    "--study",
    type=click.Path(path_type=Path),
    help=message("Folder that keeps every finished run; the same command goes on where it was interrupted."),
)
@click.option(
    "--sensitivity",
    type=click.FloatRange(min=0, max=0.9, min_open=True),
    metavar="SHARE",
    help=message("Instead of scenarios: change every input by this share, down and up, and see what matters."),
)
@click.option("--model", type=click.Path(path_type=Path), help=message("Save the calibrated model as YAML."))
@common
@click.pass_context
def simulate(
    context: click.Context,
    /,
    log: Path,
    staff: tuple[Change, ...],
    rework: tuple[Change, ...],
    wait: tuple[Change, ...],
    duration: tuple[Change, ...],
    arrivals: float | None,
    mix: tuple[Shares, ...],
    remove: tuple[str, ...],
    scenario: tuple[Path, ...],
    to_be: Path | None,
    process: Path | None,
    elicited: Path | None,
    together: bool,
    replications: int,
    seed: int,
    workers: int | None,
    precision: tuple[Wanted, ...],
    most: int,
    seconds: float | None,
    sla: float | None,
    from_now: bool,
    study: Path | None,
    sensitivity: float | None,
    model: Path | None,
    **settings: Any,
) -> int:
    """Print the what-if answers."""
    import mkmine as mk
    from mkmine.simulation import scenario_of

    console = console_of(context)
    t = console.t
    base, events, trusted = _base(console, log, settings, process=process, elicited=elicited)
    if model is not None:
        base.save(model)
    if events is None and from_now:
        raise click.UsageError(t("--from-now needs a log, and {file} is a model.", file=log.name))
    changes = [
        *(("staff", name, value) for name, value in staff),
        *(("rework", name, value) for name, value in rework),
        *(("wait", name, value) for name, value in wait),
        *(("duration", name, value) for name, value in duration),
        *([("arrivals", "", arrivals)] if arrivals is not None else []),
        *(("remove", name, 0.0) for name in remove),
    ]
    scenarios = [*map(mk.Scenario.load, scenario), *(scenario_of(*change, language=t.language) for change in changes)]
    scenarios += [mk.Scenario(_mixed(*one, t)).mix(*one) for one in mix]
    scenarios += [] if to_be is None else [to_be_of(base, to_be, elicited, alone=process is None)]
    if sensitivity is not None and scenarios:
        raise click.UsageError(t("--sensitivity changes every input in turn; leave the other changes out."))
    asked: dict[str, Any] = {
        "replications": replications, "seed": seed, "workers": processes(workers), "study": study, "sla_h": sla,
        "progress": console.progress,
    }  # fmt: skip
    with _kept(console, study):
        if sensitivity is not None:
            console.step(t("Simulating"))
            _show_sensitivity(console, base, sensitivity, asked)
            return 0
        trust = None
        if events is not None:
            scenarios = scenarios or _suggestions(console, events, base)
            trust = validated(console, events, **trusted)
        scenarios = [reduce(and_, scenarios)] if together and scenarios else scenarios
        console.step(t("Simulating"))
        asked |= {"precision": dict(precision) or None, "most": most, "seconds": seconds}
        answer = mk.experiment(base, scenarios, in_progress=events if from_now else None, validation=trust, **asked)
    console.emit(answer)
    if trust is not None:
        show_validation(console, trust)
    show_experiment(console, answer, day=answer.day)
    return 0


def _mixed(attribute: str, shares: dict[str, float], t: Translator) -> str:
    """Return the name of a scenario of other shares."""
    return f"{attribute}: {', '.join(f'{value} {t.percent(share, digits=0)}' for value, share in shares.items())}"


def _base(
    console: Console, path: Path, settings: dict[str, Any], *, process: Path | None, elicited: Path | None
) -> tuple[SimulationModel, EventLog | None, dict[str, Any]]:
    """Return the model to be asked, the log that it is calibrated from, and along what; a model's file is the model."""
    import mkmine as mk

    t = console.t
    if path.suffix.lower() in (".yaml", ".yml"):
        given = [f"--{name.replace('_', '-')}" for name, value in settings.items() if value not in (None, (), False)]
        if given:
            text = t("{options}: these say how a log is read, and {file} is a model.")
            raise click.UsageError(text.format(options=", ".join(given), file=path.name))
        if process is not None:
            raise click.UsageError(t("--process needs a log, and {file} is a model.", file=path.name))
        return mk.SimulationModel.load(path), None, {}
    events = read_log(console, path, settings)
    console.step(t("Calibrating"))
    if process is None:
        return mk.calibrate(events), events, {}
    target = mk.read_target(process)
    along: dict[str, Any] = {"process": target, "elicited": said_of(target, elicited)}
    return mk.calibrate(events, **along), events, along


@contextmanager
def _kept(console: Console, study: Path | None) -> Iterator[None]:
    """Say, when the user interrupts, that what is finished is not lost."""
    try:
        yield
    except KeyboardInterrupt:
        if study is not None:
            t = console.t
            text = t("Finished runs are kept in {folder}; the same command goes on from there.", folder=study)
            console.complain(text, kind=t("Interrupted."))
        raise


def _suggestions(console: Console, log: EventLog, model: SimulationModel) -> list[Scenario]:
    """Return the scenarios that the diagnosis suggests; none is a mistake in the command."""
    t = console.t
    scenarios = suggested(log, model, t.language)
    if not scenarios:
        raise click.UsageError(t("The diagnosis suggests no change to try; name one, such as --staff or --rework."))
    return scenarios


def _show_sensitivity(console: Console, model: SimulationModel, change: float, asked: dict[str, Any]) -> None:
    """Simulate every input less and more, and write what the mean cycle time does, what matters most first."""
    from mkmine.simulation import sensitivity
    from mkmine.simulation.experiments.wording import input_name, kpi_name, kpi_value, percent_change, verdict_text

    t = console.t
    found = sensitivity(model, change=change, **asked)
    day = found.experiment.day
    console.emit(found)
    console.line(f"{kpi_name(found.kpi, t)}: {kpi_value(found.kpi, found.base, t, day=day)}")
    rows = []
    for row in records(found.table):
        cells = [input_name(row["kind"], row["name"], t)]
        for side, sign in (("less", -1), ("more", 1)):
            answers = found.experiment.answers
            chosen = answers[(answers["scenario"] == row[f"{side}_scenario"]) & (answers["kpi"] == found.kpi)]
            setting = f"{sign:+d}" if row["kind"] == "staff" else percent_change(sign * change, t)
            strain = found.experiment.strain_of(row[f"{side}_scenario"])
            told = [verdict_text(one, t, day=day, strain=strain) for one in records(chosen)] or [t.number(None)]
            cells += [setting.replace("-", "\u2212"), told[0]]
        rows.append(cells)
    console.table([t("Input"), "", t("Less"), "", t("More")], rows, indent="")
    console.line(found.experiment.interval_note(language=t.language))


def suggested(log: EventLog, model: SimulationModel, language: Language) -> list[Scenario]:
    """Return scenarios for the levers that the diagnosis of a log suggests and the model can express.

    The best of each kind come first, that of rework before all: what queues it causes only a simulation tells.
    """
    import mkmine as mk
    from mkmine.simulation import from_levers

    levers = mk.diagnose(log).levers
    kinds = [lever.kind for lever in levers]
    best = [lever for number, lever in enumerate(levers) if lever.kind not in kinds[:number]]
    best.sort(key=lambda lever: lever.kind != "rework")
    ordered = [*best, *(lever for lever in levers if lever not in best)]
    return from_levers(ordered, model=model, language=language)[:MOST_LEVERS]


def validated(console: Console, log: EventLog, **along: Any) -> Validation | None:
    """Return the backtest of a log; where it is too short for one, say so and go on without."""
    import mkmine as mk

    console.step(console.t("Holding the model against weeks it has not seen"))
    try:
        return mk.backtest(log, **along)
    except DataError as error:
        console.complain(f"{console.t('The model is not validated:')} {error}", kind=console.t("Warning:"))
        return None


def show_validation(console: Console, trust: Validation) -> None:
    """Write how far the model can be trusted, and what it missed."""
    from mkmine.report.terms import grade_sentence, missed_sentences

    t = console.t
    console.line(grade_sentence(trust.grade, t))
    for line in missed_sentences(trust, t):
        console.line(line)


def show_experiment(console: Console, answer: Experiment, *, day: float) -> None:
    """Write the answers, one row per scenario and question; `day` is the length of a working day in hours."""
    from mkmine.report.retelling import retell
    from mkmine.simulation.experiments.wording import kpi_name, kpi_value, verdict_text

    t = console.t
    if not answer.scenarios:
        _show_base(console, answer, day=day)
    rows = []
    asked = answer.answers[answer.answers["kpi"].isin(QUESTIONS)]
    for name, group in asked.groupby("scenario", sort=False):
        strain = answer.strain_of(str(name))
        found = records(group)
        # An unstable scenario has one thing to say, whatever the question.
        rows.append([str(name), "", "", verdict_text(found[0], t, day=day, strain=strain) if strain else ""])
        for row in [] if strain else found:
            key = row["kpi"]
            now, then = (kpi_value(key, row[column], t, day=day) for column in ("base", "value"))
            rows.append([f"  {kpi_name(key, t)}", now, then, verdict_text(row, t, day=day)])
    if rows:
        console.table([t("Scenario"), t("Now"), t("With it"), t("Verdict")], rows, indent="")
    console.line(answer.interval_note(language=t.language))
    told = "" if answer.validation is None else answer.validation.warning
    for text in answer.warnings:
        # How far the model can be trusted is said above, with what it missed.
        if text != told:
            console.line(t("Note: {text}", text=retell(text, t)))
    for name, notes in answer.notes.items():
        for text in notes:
            console.line(f"{name}: {retell(text, t)}")


def _show_base(console: Console, answer: Experiment, *, day: float) -> None:
    """Write the key figures of the model as it is, with their intervals."""
    from mkmine.simulation.experiments.kpis import PERSON, ROLE
    from mkmine.simulation.experiments.wording import kpi_name, kpi_range, kpi_value

    t = console.t
    # Of an office to which more work comes than is done, only the load of its people says something.
    told = ROLE if answer.strain_of(answer.base) else ""
    bands = answer.forecasts.set_index("kpi")[["low", "high"]].to_dict("index")
    rows = [
        [
            kpi_name(row["kpi"], t),
            kpi_value(row["kpi"], row["value"], t, day=day),
            kpi_range(row["kpi"], row["low"], row["high"], t, day=day),
            kpi_range(row["kpi"], bands[row["kpi"]]["low"], bands[row["kpi"]]["high"], t, day=day),
        ]
        for row in records(answer.base_figures())
        if row["kpi"].startswith(told) and not row["kpi"].startswith(PERSON)
    ]
    level = t.percent(answer.confidence)
    heads = [t("{level} interval of the mean", level=level), t("{level} of such periods", level=t.percent(0.95))]
    console.table([t("Indicator"), t("Now"), *heads], rows, indent="")

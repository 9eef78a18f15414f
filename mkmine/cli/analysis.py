"""The verbs that ask about the past: describe, map, check, diagnose."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mkmine.cli.console import Console, records
from mkmine.cli.source import log_options, processes, read_log, workers_option, working_day
from mkmine.cli.verb import Verb, common, console_of, message
from mkmine.language import MISSING

if TYPE_CHECKING:
    from mkmine.conformance import Conformance
    from mkmine.eventlog import LogSummary, Step
    from mkmine.language import Translator
    from mkmine.performance import Diagnosis, Lever
    from mkmine.targets import Target

__all__ = ["check", "describe", "diagnose", "map_"]

MISSED = 3
SHOWN = 10


@click.command(
    cls=Verb,
    help=message("Say what a log holds: cases, people, time span, calendar, and what was done to read it."),
    example="mkmine describe data/article/tracker.csv",
)
@log_options
@common
@click.pass_context
def describe(context: click.Context, /, log: Path, **settings: Any) -> int:
    """Print the summary of a log."""
    console = console_of(context)
    events = read_log(console, log, settings)
    summary = events.describe()
    console.emit(summary)
    for text in _told(summary, events.history, console.t):
        console.line(text)
    return 0


def _told(summary: LogSummary, history: Sequence[Step], t: Translator) -> list[str]:
    """Return the lines that tell the size and shape of a log."""
    from mkmine.report.retelling import retell

    cases = t.plural("{n} case", "{n} cases", summary.cases)
    rows = {
        t("Cases"): t("{cases}, still open: {open}", cases=cases, open=t.number(summary.open_cases)),
        t("Executions"): t.number(summary.instances),
        t("Activities"): ", ".join(summary.activities),
        t("People"): t.number(summary.resources),
        t("Roles"): ", ".join(summary.roles) or MISSING,
        t("Time observed"): " – ".join(summary.window) + f" ({summary.time_zone})",
        t("Calendar"): retell(summary.calendar, t),
        t("Set aside"): t.plural("{n} row", "{n} rows", summary.quarantined),
    }
    width = max(map(len, rows)) + 2
    lines = [f"{summary.name} [{summary.hash[:8]}]"]
    for name, value in rows.items():
        lines.append(
            textwrap.fill(value, 110, initial_indent=f"  {name:<{width}}", subsequent_indent=" " * (width + 2))
        )
    lines.append(f"  {t('How the log came to be')}")
    for step in history:
        count = "" if step.touched is None else f" [{t.number(step.touched)}]"
        detail = f": {retell(step.detail, t)}" if step.detail else ""
        lines.append(f"    - {retell(step.action, t)}{detail}{count}")
    return lines


@click.command(
    "map",
    cls=Verb,
    help=message("Show the process as it is: activities, transitions, and the time between them."),
    example="mkmine map data/article/tracker.csv --metric time --output map.svg",
)
@log_options
@click.option("--activities", type=click.FloatRange(0, 1), default=1.0, help=message("Share of activities to show."))
@click.option(
    "--paths",
    type=click.FloatRange(0, 1),
    help=message("Share of transitions to show; by default all are listed, and as many drawn as a page can show."),
)
@click.option(
    "--metric",
    type=click.Choice(["frequency", "time"]),
    default="frequency",
    help=message("What the drawing shows: how often, or how long."),
)
@click.option(
    "--output", type=click.Path(path_type=Path), help=message("Draw the map into this file: .svg, .png or .dot.")
)
@common
@click.pass_context
def map_(
    context: click.Context,
    /,
    log: Path,
    activities: float,
    paths: float | None,
    metric: str,
    output: Path | None,
    **settings: Any,
) -> int:
    """Print, and draw, the process map."""
    import mkmine as mk

    console = console_of(context)
    t = console.t
    events = read_log(console, log, settings)
    shown = 1.0 if paths is None else paths
    found, day = mk.discover(events, activities=activities, paths=shown), working_day(events)
    drawn = found
    if output is not None:
        from mkmine.report.improvement import readable

        console.step(t("Drawing"))
        drawn = readable(events, found) if paths is None else found
        mk.draw(drawn, metric="time" if metric == "time" else "frequency", language=console.language).save(output)
    console.emit(found)
    console.line(t.plural("{n} case", "{n} cases", found.n_cases))
    console.table(
        [t("Activity"), t("Executions"), t("Cases"), t("Median duration"), t("Cases with rework")],
        [
            [row["activity"], t.number(row["instances"]), t.number(row["cases"]),
             t.hours(row["duration_median_h"], day=day), t.number(row["rework_cases"])]
            for row in records(found.activities)
        ],
    )  # fmt: skip
    if len(found.edges):
        console.line()
    console.table(
        [
            t("From"),
            t("To"),
            t("Count"),
            t("Cases"),
            # From one completion to the next there is work as well.
            t("Median time between") if events.timestamps == "completed" else t("Median waiting"),
        ],
        [
            [
                row["source"],
                row["target"],
                t.number(row["count"]),
                t.number(row["cases"]),
                t.hours(row["waiting_median_h"], day=day),
            ]
            for row in records(found.edges.sort_values("count", ascending=False).head(20))
        ],
    )
    if len(found.edges) > 20:
        console.line(t("The 20 most frequent of {n} transitions; --json gives all.", n=t.number(len(found.edges))))
    if output is not None:
        console.line(t("Map: {path}", path=output.absolute()))
        if len(drawn.edges) < len(found.edges):
            drawn_n, all_n = t.number(len(drawn.edges)), t.number(len(found.edges))
            console.line(
                t("Drawn are the {n} most frequent of {all} transitions; --paths 1 draws all.", n=drawn_n, all=all_n)
            )
    return 0


@click.command(
    cls=Verb,
    help=message("Compare a log with the process that was meant (BPMN, with its process card beside it)."),
    example="mkmine check data/article/tracker.csv data/article/to_be.bpmn --min-fitness 0.8",
)
@log_options
@click.argument("to_be", type=click.Path(path_type=Path))
@click.option("--card", type=click.Path(path_type=Path), help=message("Process card; by default the one beside."))
@click.option(
    "--min-fitness",
    type=click.FloatRange(0, 1),
    help=message("Exit with code 3 where the fitness is lower than this."),
)
@click.option(
    "--budget",
    type=click.FloatRange(min=0, min_open=True),
    default=30.0,
    metavar="SECONDS",
    help=message("Time for aligning; cases left over are counted as unknown. Default 30."),
)
@workers_option
@click.option(
    "--adjust",
    multiple=True,
    metavar="COLUMN",
    help=message("Attribute of the cases to adjust the added time for; may be repeated. By default all."),
)
@click.option(
    "--rate",
    "rates",
    multiple=True,
    type=(str, click.FloatRange(min=0)),
    metavar="ROLE COST",
    help=message("What an hour of work of a role costs; may be repeated."),
)
@common
@click.pass_context
def check(
    context: click.Context,
    /,
    log: Path,
    to_be: Path,
    card: Path | None,
    min_fitness: float | None,
    budget: float,
    workers: int | None,
    adjust: tuple[str, ...],
    rates: tuple[tuple[str, float], ...],
    **settings: Any,
) -> int:
    """Print fitness and deviations."""
    import mkmine as mk

    console = console_of(context)
    t = console.t
    events = read_log(console, log, settings)
    target = mk.read_target(to_be, card=card)
    console.step(t("Comparing with {target}", target=target.name))
    found = mk.check(
        events,
        target,
        budget_seconds=budget,
        adjust=adjust or None,
        rates=dict(rates),
        workers=processes(workers),
    )
    console.emit(found)
    show_conformance(console, found, target, day=working_day(events))
    if min_fitness is not None and not found.fitness >= min_fitness:
        console.line(t("Fitness is below the {limit} asked for.", limit=t.percent(min_fitness)))
        return MISSED
    return 0


def show_conformance(console: Console, found: Conformance, target: Target, *, day: float) -> None:
    """Write fitness, deviations and what goes along with them, limits, rounds; `day` is that of work, in hours."""
    from mkmine.report.retelling import retell

    t = console.t
    console.line(
        t(
            "Fitness {fitness}; {fitting} of {cases} cases follow the model.",
            fitness=t.percent(found.fitness, digits=1),
            fitting=t.number(found.fitting_cases),
            cases=t.number(found.cases),
        )
    )
    if found.unknown_cases:
        console.line(t.plural("{n} case was not aligned in time.", "{n} cases were not aligned in time.",
                              found.unknown_cases))  # fmt: skip
        console.line(
            t(
                "With them, the fitness of all cases is from {low} to {high}.",
                low=t.percent(found.fitness_low, digits=1),
                high=t.percent(found.fitness_high, digits=1),
            )
        )
    if found.only_in_log:
        console.line(t("Found only in the log, not in TO-BE: {names}.", names="; ".join(found.only_in_log)))
    if found.only_in_target:
        names = "; ".join(found.only_in_target)
        console.line(
            t("In TO-BE, but never in the log: {names}. It is either not recorded or not done at all.", names=names)
        )
    _show_costs(console, found, target, day=day)
    _show_rules(console, found, day=day)
    for note in found.notes:
        console.line(t("Note: {text}", text=retell(note, t)))


def _show_costs(console: Console, found: Conformance, target: Target, *, day: float) -> None:
    """Write how often cases depart and what goes along with it, then what trends and hot spots there are."""
    from mkmine.report.departures import (
        added_words,
        adjustment_words,
        by_frequency,
        departure_words,
        judged_words,
        trend_words,
    )

    t, rows = console.t, records(found.costs)
    told = records(by_frequency(found.costs))
    paid = any(row["added_cost"] is not None for row in rows)
    console.table(
        [t("Deviation"), t("Activity"), t("Cases"), t("Share"), t("Goes along with, per case"),
         *([t("Cost per case")] if paid else [])],
        [
            [departure_words(row, t, target), row["activity"] or t("the whole case"), t.number(row["cases"]),
             t.percent(row["share"]), added_words(row, t, day=day), *([t.number(row["added_cost"])] if paid else [])]
            for row in told
        ],
    )  # fmt: skip
    if len(rows) > len(told):
        shown, n = t.number(len(told)), t.number(len(rows))
        console.line("  " + t("The {shown} most frequent of {n} deviations; roles, rules, rounds and limits come last. "
                              "--json gives all.", shown=shown, n=n))  # fmt: skip
    if rows:
        console.line("  " + judged_words(t))
        console.line("  " + t("Adjusted for: {names}. It goes along with the deviation, and need not be caused by it.",
                              names=adjustment_words(found, t)))  # fmt: skip
    for row in rows:
        if row["trend_q"] is not None and row["trend_q"] <= 0.05:
            console.line("  " + trend_words(row, t, target))
    for row in records(found.hot_spots.head(SHOWN)):
        what, where = departure_words(row, t, target), f"{row['by']} {row['value']}"
        console.line("  " + t("{where}: {activity}: {what} in {share} of cases, elsewhere in {other}", where=where,
                              activity=row["activity"] or t("the whole case"), what=what,
                              share=t.percent(row["share"]), other=t.percent(row["elsewhere"])))  # fmt: skip


def _show_rules(console: Console, found: Conformance, *, day: float) -> None:
    """Write what became of the limits and rounds of the process card, kept or not."""
    t = console.t
    if len(found.limits):
        console.line()
    console.table(
        [t("Time limit"), t("Allowed"), t("Checked"), t("Exceeded"), t("Share"), t("85th percentile")],
        [
            [
                t("{activity}, round {n}", activity=row["activity"], n=row["round"])
                if row["round"]
                else row["activity"] or t("the whole case"),
                t.hours(row["limit_h"], day=day),
                t.number(row["checked"]),
                t.number(row["exceeded"]),
                t.percent(row["share"]),
                t.hours(row["p85_h"], day=day),
            ]
            for row in records(found.limits)
        ],
    )
    if len(found.rounds):
        console.line()
    console.table(
        [t("Rounds"), t("Rounds allowed"), t("Cases with more"), t("Most rounds")],
        [
            [row["activity"], t.number(row["allowed"]), t.number(row["cases_over"]), t.number(row["max"])]
            for row in records(found.rounds)
        ],
    )


@click.command(
    cls=Verb,
    help=message("Say where the time goes: bottlenecks with their evidence, waiting, rework, workload."),
    example="mkmine diagnose data/article/tracker.csv --max-cycle 120",
)
@log_options
@click.option(
    "--max-cycle",
    type=click.FloatRange(min=0),
    metavar="HOURS",
    help=message("Exit with code 3 where the 85th percentile of cycle time is above this many working hours."),
)
@common
@click.pass_context
def diagnose(context: click.Context, /, log: Path, max_cycle: float | None, **settings: Any) -> int:
    """Print the diagnosis."""
    import mkmine as mk

    console = console_of(context)
    t = console.t
    events = read_log(console, log, settings)
    console.step(t("Looking for bottlenecks"))
    found = mk.diagnose(events)
    console.emit(found)
    day = working_day(events)
    show_diagnosis(console, found, day=day)
    reached = found.cases["cycle_p85_h"]
    if max_cycle is not None and not reached <= max_cycle:
        console.line(
            t("The 85th percentile of cycle time is above the {limit} asked for.", limit=t.hours(max_cycle, day=day))
        )
        return MISSED
    return 0


def show_diagnosis(console: Console, found: Diagnosis, *, day: float) -> None:
    """Write cycle times, bottlenecks, workload and notes; `day` is the length of a working day in hours."""
    from mkmine.performance.diagnosis import COMPLETIONS_ONLY
    from mkmine.report.retelling import retell

    t = console.t
    values = found.cases
    times = {"median": t.hours(values["cycle_median_h"], day=day), "p85": t.hours(values["cycle_p85_h"], day=day)}
    share = values["flow_efficiency"]
    if share is None or share != share:
        # Only completions are recorded: work and waiting cannot be told apart.
        console.line(t("Cycle time: median {median}, 85th percentile {p85}.", **times))
    else:
        worked = t.percent(share)
        console.line(
            t("Cycle time: median {median}, 85th percentile {p85}; {share} of it is work.", share=worked, **times)
        )
    merged = COMPLETIONS_ONLY in found.notes
    kinds = {
        "queue": t("queue"),
        "waiting and work": t("waiting and work"),
        "waiting": t("wait, estimated"),
        "rework": t("rework"),
        "outside": t("outside wait"),
    }
    console.table(
        ["", t("Bottleneck"), t("Where"), t("Role"), t("Time") if merged else t("Lost"), t("Share")],
        [
            [str(row["rank"]), kinds.get(row["kind"], row["kind"]), row["where"], _text(row["role"]),
             t.hours(row["hours"], day=day), t.percent(row["share"])]
            for row in records(found.bottlenecks.head(SHOWN))
        ],
    )  # fmt: skip
    if len(found.bottlenecks) > SHOWN:
        console.line("  " + t("The {shown} worst of {n}; --json gives all.", shown=SHOWN, n=len(found.bottlenecks)))
    if len(found.workload):
        console.line()
        console.table(
            [t("Role"), t("People"), t("Executions"), t("Utilisation")],
            [
                [
                    row["role"],
                    t.number(row["people"], digits=0),
                    t.number(row["instances"]),
                    t.percent(row["utilisation"]),
                ]
                for row in records(found.workload)
            ],
        )
    _show_causes(console, found)
    _show_levers(console, found, day=day)
    notes = list(dict.fromkeys((*found.notes, *found.causes.notes)))
    if notes:
        console.line()
    for note in notes:
        console.line(f"{t('Note:')} {retell(note, t)}")


def _show_causes(console: Console, found: Diagnosis) -> None:
    """Write what work waited for, the largest share first."""
    from mkmine.report.causes import cause_words

    t = console.t
    words = cause_words(t)
    rows = found.causes.total[found.causes.total["hours"] > 0].sort_values("hours", ascending=False, kind="stable")
    if not len(rows):
        return
    console.line()
    console.table(
        [t("What work waited for"), t("Share"), t("95% interval")],
        [
            [
                words[row["cause"]],
                t.percent(row["share"]),
                "" if row["low"] is None else f"{t.percent(row['low'])} – {t.percent(row['high'])}",
            ]
            for row in records(rows)
        ],
    )


def _show_levers(console: Console, found: Diagnosis, *, day: float) -> None:
    """Write what could be tried, as the scenarios are called that would simulate it."""
    from mkmine.simulation import Scenario

    t = console.t
    if not found.levers:
        return

    def gain(lever: Lever) -> str:
        if len(found.causes.readings) > 1 and lever.kind == "wait":
            # What completions leave open is a range.
            return f"{t.hours(lever.low_h, day=day)} – {t.hours(lever.high_h, day=day)}"
        told = t.hours(lever.gain_h, day=day)
        # The queues that returns cause for others are not in it.
        return t("at least {gain}", gain=told) if lever.kind == "rework" else told

    console.line()
    console.table(
        [t("What could be tried"), t("Estimated gain per case")],
        [[Scenario.of(lever, language=t.language).name, gain(lever)] for lever in found.levers],
    )


def _text(value: object) -> str:
    return "" if value is None or value != value else str(value)

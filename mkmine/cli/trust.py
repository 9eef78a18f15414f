"""The verbs that hold predictions against what came: backtest, hindsight."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mkmine.cli.console import Console, records
from mkmine.cli.flow import save_chart
from mkmine.cli.source import CHART, SEED, log_options, read_log, working_day
from mkmine.cli.verb import Verb, common, console_of, message
from mkmine.cli.whatif import show_validation

if TYPE_CHECKING:
    from mkmine.report.picture import Picture
    from mkmine.rollout import Hindsight
    from mkmine.simulation import Validation

__all__ = ["backtest", "hindsight"]

AT_LEAST = {"good": 2, "fair": 1, "poor": 0}


@click.command(
    cls=Verb,
    help=message(
        "Hold the model against weeks it has not seen: how far its answers can be trusted, and in what it fails.\n\n"
        "At several dates a model is built on what was known by then and has to predict the time that follows."
    ),
    example="mkmine backtest data/article/tracker.csv --chart backtest.svg",
)
@log_options
@click.option(
    "--train",
    type=click.FloatRange(0.3, 0.95),
    default=0.5,
    metavar="SHARE",
    help=message("Share of the events before the first date. Default 0.5."),
)
@click.option(
    "--cuts",
    type=click.IntRange(1, 50),
    metavar="N",
    help=message("How many dates; by default up to four, as many as the log bears."),
)
@click.option(
    "--replications",
    type=click.IntRange(5, 10_000),
    default=20,
    metavar="N",
    help=message("Runs per date. Default 20."),
)
@click.option("--seed", type=click.IntRange(min=0), default=7, metavar="N", help=SEED)
@click.option(
    "--min-grade",
    type=click.Choice(["good", "fair"]),
    help=message("Exit with code 3 if the grade is lower."),
)
@click.option(
    "--metric",
    type=click.Choice(["figures", "cycle", "in_progress"]),
    default="figures",
    help=message("What the chart shows: key figures, cycle times, or cases in progress. Default figures."),
)
@click.option(
    "--chart",
    type=click.Path(path_type=Path),
    help=CHART,
)
@common
@click.pass_context
def backtest(
    context: click.Context,
    /,
    log: Path,
    train: float,
    cuts: int | None,
    replications: int,
    seed: int,
    min_grade: str | None,
    metric: str,
    chart: Path | None,
    **settings: Any,
) -> int:
    """Print the grade of the model, its reasons and what was predicted."""
    import mkmine as mk

    console = console_of(context)
    t = console.t
    events = read_log(console, log, settings)
    console.step(t("Holding the model against weeks it has not seen"))
    found = mk.backtest(events, train=train, cuts=cuts, replications=replications, seed=seed)
    console.emit(found)
    show_validation(console, found)
    _show_table(console, found, day=working_day(events))
    if chart is not None:
        save_chart(console, _drawn(found, metric, day=working_day(events), language=console.language), chart)
    return 3 if min_grade is not None and AT_LEAST[found.grade] < AT_LEAST[min_grade] else 0


def _show_table(console: Console, found: Validation, *, day: float) -> None:
    from mkmine.simulation.experiments.wording import kpi_name, kpi_range, kpi_value

    t = console.t
    rows = []
    for row in records(found.table):
        key, known = row["kpi"], row["actual"] is not None
        inside = t("inside") if row["inside"] else t("outside")
        rows.append(
            [
                kpi_name(key, t),
                kpi_value(key, row["actual"], t, day=day) if known else "",
                kpi_value(key, row["predicted"], t, day=day),
                kpi_range(key, row["low"], row["high"], t, day=day),
                inside if known else t("not checked"),
                f"{t.number(row['covered'])} / {t.number(row['cuts'])}",
            ]
        )
    heads = [t("Indicator"), t("Observed"), t("Simulated"), t("Band of 95%"), t("Verdict"), t("Dates inside")]
    console.table(heads, rows, indent="")


def _drawn(found: Validation, metric: str, *, day: float, language: str) -> Picture:
    from mkmine.report import charts, trust_charts

    shown = found.table if metric == "figures" else found.profiles[metric]
    if metric == "cycle":
        picture = trust_charts.cycle_times(shown, day=day, language=language)
    elif metric == "in_progress":
        picture = trust_charts.in_progress(shown, language=language)
    else:
        picture = charts.backtest(shown, language=language)
    return replace(picture, data=shown)


@click.command(
    cls=Verb,
    help=message(
        "Predict the time after a past change from the time before it, and compare with what came.\n\n"
        "The change of demand and of the number of people is taken from the log; what else was decided on that day is "
        "told as scenarios."
    ),
    example="mkmine hindsight data/article/tracker.csv --at 2025-04-01",
)
@log_options
@click.option("--at", required=True, metavar="DATE", help=message("First day on which the change holds."))
@click.option(
    "--scenario",
    multiple=True,
    type=click.Path(path_type=Path),
    help=message("YAML file with what was decided on that day, besides demand and staff."),
)
@click.option(
    "--kpi", default="cycle_mean_h", metavar="KPI", help=message("Key figure to judge. Default cycle_mean_h.")
)
@click.option("--weeks-before", type=click.IntRange(min=1), metavar="N", help=message("Whole weeks before the change."))
@click.option("--weeks-after", type=click.IntRange(min=1), metavar="N", help=message("Whole weeks after the change."))
@click.option(
    "--replications",
    type=click.IntRange(2, 10_000),
    default=20,
    metavar="N",
    help=message("Runs per scenario. Default 20."),
)
@click.option("--seed", type=click.IntRange(min=0), default=7, metavar="N", help=SEED)
@common
@click.pass_context
def hindsight(
    context: click.Context,
    /,
    log: Path,
    at: str,
    scenario: tuple[Path, ...],
    kpi: str,
    weeks_before: int | None,
    weeks_after: int | None,
    replications: int,
    seed: int,
    **settings: Any,
) -> int:
    """Print what was predicted of a past change beside what came."""
    from functools import reduce
    from operator import and_

    import mkmine as mk

    console = console_of(context)
    t = console.t
    events = read_log(console, log, settings)
    decided = [mk.Scenario.load(path) for path in scenario]
    console.step(t("Predicting from what was known before {date}", date=at))
    found = mk.hindsight(
        events,
        at,
        scenario=reduce(and_, decided) if decided else None,
        kpi=kpi,
        weeks_before=weeks_before,
        weeks_after=weeks_after,
        replications=replications,
        seed=seed,
    )
    console.emit(found)
    _show_hindsight(console, found, day=working_day(events))
    return 0


def _show_hindsight(console: Console, found: Hindsight, *, day: float) -> None:
    from mkmine.report.retelling import retell
    from mkmine.report.rollouts import change_range, verdict_sentence
    from mkmine.simulation.experiments.wording import kpi_name

    t = console.t
    console.line(t("Arrivals: × {factor}", factor=t.number(found.demand, digits=2)))
    for row in records(found.staff):
        if row["change"]:
            before, after = (t.number(row[side], digits=1) for side in ("before", "after"))
            console.line(
                t("{role}: {before} people a week before, {after} after", role=row["role"], before=before, after=after)
            )
    rows = []
    for row in records(found.to_pandas()):
        predicted = [row["predicted_difference"], row["predicted_low"], row["predicted_high"]]
        observed = [row["difference"], row["low"], row["high"]]
        rows.append(
            [
                kpi_name(row["kpi"], t),
                change_range(row["kpi"], predicted, t, day=day, beside=observed),
                change_range(row["kpi"], observed, t, day=day, beside=predicted),
            ]
        )
    console.table([t("Change of"), t("Predicted"), t("Observed")], rows, indent="")
    figure = kpi_name(found.effect.kpi, t)
    console.line(f"{figure}: {verdict_sentence(found.effect.verdict, t)} ({retell(found.effect.reason, t)})")
    for text in found.warnings:
        console.line(t("Note: {text}", text=retell(text, t)))

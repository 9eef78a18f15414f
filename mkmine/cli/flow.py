"""The verbs that ask how work flows and whether it meets its goals: flow, forecast, kpis."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mkmine.cli.console import records
from mkmine.cli.source import CHART, log_options, read_log, working_day
from mkmine.cli.verb import Verb, common, console_of, message
from mkmine.language import column_unit

if TYPE_CHECKING:
    from mkmine.cli.console import Console
    from mkmine.report.picture import Picture

__all__ = ["draw_into", "flow", "forecast", "kpis", "save_chart"]

OLDEST = 10


def draw_into(console: Console, value: Any, path: Path | None, *, metric: str | None = None) -> None:
    """Draw a result into a file, if one was asked for, and say where it is."""
    if path is None:
        return
    import mkmine as mk

    console.step(console.t("Drawing"))
    save_chart(console, mk.draw(value, metric=metric, language=console.language), path)


def save_chart(console: Console, picture: Picture, path: Path) -> None:
    """Save a picture and say where it is."""
    console.line(console.t("Chart: {path}", path=picture.save(path).absolute()))


@click.command(
    cls=Verb,
    help=message("Show how cases flow: cycle times with percentiles, throughput, open work and its age."),
    example="mkmine flow data/article/tracker.csv --metric ageing --chart ageing.svg",
)
@log_options
@click.option(
    "--metric",
    type=click.Choice(["scatter", "histogram", "stages", "throughput", "ageing"]),
    default="scatter",
    help=message("What the chart shows. Default scatter."),
)
@click.option("--chart", type=click.Path(path_type=Path), help=CHART)
@common
@click.pass_context
def flow(context: click.Context, /, log: Path, metric: str, chart: Path | None, **settings: Any) -> int:
    """Print flow metrics."""
    import mkmine as mk

    console = console_of(context)
    t = console.t
    events = read_log(console, log, settings)
    found, day = mk.flow(events), working_day(events)
    console.emit(found)
    console.line(t.plural("{n} completed case", "{n} completed cases", len(found.cases)))
    limits = found.percentiles[["cycle_h", "low_h", "high_h"]]
    unit = column_unit(limits.to_numpy().ravel().tolist(), t, day=day)
    console.table(
        [t("Share of cases"), t("Cycle time up to"), t("95% interval"), t("Calendar days")],
        [
            [
                t.percent(row["share"]),
                unit.write(row["cycle_h"], t),
                f"{unit.bare(row['low_h'], t)} – {unit.write(row['high_h'], t)}",
                t.number(row["cycle_days"], digits=1),
            ]
            for row in records(found.percentiles)
        ],
    )
    whole = found.weekly[found.weekly["whole"]]
    if len(whole):
        done, come = t.number(whole["completions"].mean(), digits=1), t.number(whole["arrivals"].mean(), digits=1)
        console.line(t("A week brings {come} cases and completes {done} (means of whole weeks).", come=come, done=done))
        if gone := int(events.cancelled.sum()):
            console.line(t.plural("{n} cancelled case is left out.", "{n} cancelled cases are left out.", gone))
    if len(found.ageing):
        console.line()
        console.line(t.plural("{n} open case; the oldest:", "{n} open cases; the oldest:", len(found.ageing)))
    oldest = found.ageing.head(OLDEST)
    unit = column_unit(oldest["age_h"].tolist(), t, day=day)
    console.table(
        [t("Case"), t("Activity"), t("Age"), t("Older than")],
        [
            [row["case"], row["activity"], unit.write(row["age_h"], t), t.percent(row["older_than"])]
            for row in records(oldest)
        ],
    )
    draw_into(console, found, chart, metric=metric)
    return 0


@click.command(
    cls=Verb,
    help=message("Forecast how many cases will be completed by when, from the weeks of the log."),
    example="mkmine forecast data/article/tracker.csv --items 40 --weeks 8",
)
@log_options
@click.option("--items", type=click.IntRange(min=1), metavar="N", help=message("Also say by when N cases are done."))
@click.option(
    "--weeks",
    type=click.IntRange(min=1, max=520),
    metavar="N",
    default=12,
    help=message("How many weeks ahead. Default 12."),
)
@click.option(
    "--history",
    type=click.IntRange(min=6),
    metavar="N",
    default=26,
    help=message("How many past weeks it rests on. Default 26."),
)
@click.option("--chart", type=click.Path(path_type=Path), help=CHART)
@common
@click.pass_context
def forecast(
    context: click.Context,
    /,
    log: Path,
    items: int | None,
    weeks: int,
    history: int,
    chart: Path | None,
    **settings: Any,
) -> int:
    """Print a forecast of completions."""
    import mkmine as mk
    from mkmine.report.retelling import retell

    console = console_of(context)
    t = console.t
    found = mk.forecast(read_log(console, log, settings), items=items, weeks=weeks, history=history)
    console.emit(found)
    weeks_told = t.plural("{n} week", "{n} weeks", found.weeks)
    console.line(t("At least so many completed, by the pace of the last {weeks}:", weeks=weeks_told))
    shares = [int(name[1:]) / 100 for name in found.table.columns if name.startswith("p")]
    console.table(
        [t("By the end of the week"), *(t("with {share}", share=t.percent(share)) for share in shares)],
        [
            [t.date(row["until"]), *(t.number(row[f"p{share * 100:.0f}"]) for share in shares)]
            for row in records(found.table)
        ],
    )
    if items is not None:
        console.line()
        console.line(t("When {cases} will be completed:", cases=t.plural("{n} case", "{n} cases", items)))
    console.table(
        [t("Probability"), t("By the end of the week")],
        [
            [
                t.percent(row["probability"]),
                t("not within ten years") if row["until"] != row["until"] else t.date(row["until"]),
            ]
            for row in records(found.when)
        ],
    )
    for note in found.notes:
        console.line(t("Note: {text}", text=retell(note, t)))
    draw_into(console, found, chart)
    return 0


@click.command(
    cls=Verb,
    help=message("Work out key figures and business outcomes, by segment and period, and hold them against targets."),
    example='mkmine kpis data/article/tracker.csv --period month --target "on_time_share >= 90%"',
)
@log_options
@click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="TEXT",
    help=message('A goal, such as "cycle_p85_h <= 80"; may be given several times.'),
)
@click.option("--by", metavar="COLUMN", help=message("Attribute of the cases to tell them by, such as the team."))
@click.option(
    "--period",
    type=click.Choice(["week", "month", "quarter"]),
    help=message("Tell them by this period of completion."),
)
@click.option("--metric", metavar="NAME", help=message("The figure that the chart shows."))
@click.option("--chart", type=click.Path(path_type=Path), help=CHART)
@common
@click.pass_context
def kpis(
    context: click.Context,
    /,
    log: Path,
    targets: tuple[str, ...],
    by: str | None,
    period: Any,
    metric: str | None,
    chart: Path | None,
    **settings: Any,
) -> int:
    """Print key figures."""
    import mkmine as mk

    console = console_of(context)
    t = console.t
    goals = dict(_goal(text) for text in targets)
    events = read_log(console, log, settings)
    found, day = mk.kpis(events, goals, by=by, period=period), working_day(events)
    console.emit(found)
    _show_kpis(console, found.table, day=day)
    if len(found.segments):
        console.line()
        _show_kpis(console, found.segments, day=day)
    for name, column in found.columns.items():
        console.line(t("Note: {text}", text=t("{name} is taken from “{column}”.", name=name, column=column)))
    draw_into(console, found, chart, metric=metric)
    return 0


def _goal(text: str) -> tuple[str, str]:
    """Split "cycle_p85_h <= 80" into the figure and its target."""
    place = min((at for at in map(text.find, "<>≤≥=") if at > 0), default=-1)
    if place < 0:
        raise click.BadParameter(f'"{text}" is no goal; write it as "cycle_p85_h <= 80"', param_hint="--target")
    return text[:place].strip(), text[place:].strip().removeprefix("=").strip()


def _show_kpis(console: Console, frame: Any, *, day: float) -> None:
    """Write a table of key figures, with the segments before them."""
    from mkmine.report.kpi_chart import kpi_interval, kpi_value, kpi_word, verdict_word

    t = console.t
    heads = [str(name) for name in frame.columns[: list(frame.columns).index("kpi")]]
    console.table(
        [*heads, t("Key figure"), t("Value"), t("95% interval"), t("Cases"), t("Target"), t("Verdict")],
        [
            [
                *(str(row[head])[:10] for head in heads),
                kpi_word(row["kpi"], t),
                kpi_value(row["kpi"], row["value"], t, day=day),
                "" if row["low"] != row["low"] else kpi_interval(row["kpi"], row["low"], row["high"], t, day=day),
                t.number(row["cases"]),
                "" if not row["verdict"] else kpi_value(row["kpi"], row["target"], t, day=day),
                verdict_word(row["verdict"], t),
            ]
            for row in records(frame)
        ],
    )

"""The verbs that ask what changed or differs: compare, drift."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mkmine.cli.console import records
from mkmine.cli.flow import draw_into
from mkmine.cli.source import CHART, log_options, read_log, working_day
from mkmine.cli.verb import Verb, common, console_of, message

if TYPE_CHECKING:
    from mkmine.cli.console import Console
    from mkmine.discovery import Difference
    from mkmine.eventlog import EventLog

__all__ = ["compare", "drift", "show_difference"]

MOST = 20


@click.command(
    cls=Verb,
    help=message(
        "Say in what two periods, two segments or two logs differ beyond chance: paths, their shares and times."
    ),
    example="mkmine compare data/article/tracker.csv --by type --values Статья Лонгрид",
)
@log_options
@click.option("--since", metavar="DATE", help=message("Compare the cases begun before this day with those from it on."))
@click.option("--by", metavar="COLUMN", help=message("Attribute of the cases to cut them by."))
@click.option("--values", nargs=2, metavar="A B", help=message("The two values of that attribute."))
@click.option("--against", type=click.Path(path_type=Path), metavar="LOG", help=message("Compare with this other log."))
@click.option(
    "--metric",
    type=click.Choice(["frequency", "time"]),
    default="frequency",
    help=message("What the drawing shows: how often, or how long."),
)
@click.option("--chart", type=click.Path(path_type=Path), help=CHART)
@common
@click.pass_context
def compare(
    context: click.Context,
    /,
    log: Path,
    since: str | None,
    by: str | None,
    values: tuple[str, str] | None,
    against: Path | None,
    metric: str,
    chart: Path | None,
    **settings: Any,
) -> int:
    """Print the difference of two parts of a log, or of two logs."""
    import mkmine as mk

    console = console_of(context)
    if sum(one is not None for one in (since, by, against)) != 1:
        raise click.UsageError("say what to compare: one of --since, --by with --values, and --against")
    if (by is None) != (values is None):
        raise click.UsageError("--by and --values belong together, as in --by type --values A B")
    events = read_log(console, log, settings)
    other = None if against is None else read_log(console, against, settings)
    first, second, names = _parts(console, events, since=since, by=by, values=values, other=other)
    found = mk.compare(first, second, names=names)
    console.emit(found)
    show_difference(console, found, day=working_day(events))
    draw_into(console, found, chart, metric=metric)
    return 0


def _parts(
    console: Console,
    events: EventLog,
    *,
    since: str | None,
    by: str | None,
    values: tuple[str, str] | None,
    other: EventLog | None,
) -> tuple[EventLog, EventLog, tuple[str, str] | None]:
    """Return the two logs to compare, and what they are called."""
    import mkmine as mk

    t = console.t
    if by is not None and values is not None:
        return (*mk.segments(events, by, *values), values)
    if other is not None:
        return events, other, None
    assert since is not None
    before, after = mk.periods(events, since)
    return before, after, (t("before {date}", date=since), t("since {date}", date=since))


def show_difference(console: Console, found: Difference, *, day: float) -> None:
    """Write what differs beyond chance; `day` is the length of a working day in hours."""
    t = console.t
    cycle = found.cycle.iloc[0]
    first, second = found.names
    counts = [t.plural("{n} case", "{n} cases", n) for n in found.n_cases]
    console.line(f"{first} ({counts[0]}) – {second} ({counts[1]})")
    told = t(
        "Cycle time, median: {a} and {b}",
        a=t.hours(cycle["hours_a"], day=day),
        b=t.hours(cycle["hours_b"], day=day),
    )
    console.line(told + ("." if cycle["supported"] else t("; no more than chance brings.")))
    rows = found.supported()
    if not len(rows):
        console.line(t("No difference of activities and paths is beyond chance."))
    shares = [row["measure"] == "share of cases" for row in records(rows)]
    console.table(
        [t("What differs"), t("In what"), first, second],
        [
            [
                row["what"],
                t("share of cases") if share else t("time"),
                *((t.percent(row[side]) if share else t.hours(row[side], day=day)) for side in ("a", "b")),
            ]
            for row, share in zip(records(rows.head(MOST)), shares, strict=False)
        ],
    )
    if len(rows) > MOST:
        console.line("  " + t("The {shown} largest of {all} are shown.", shown=MOST, all=t.number(len(rows))))
    if sum(found.young):
        left = t.plural("{n} case", "{n} cases", sum(found.young))
        console.line(t("Left out because they began too late to have been completed: {cases}.", cases=left))


@click.command(
    cls=Verb,
    help=message("Find when the process changed: in its paths, its times or its load."),
    example="mkmine drift data/article/tracker.csv --chart drift.svg",
)
@log_options
@click.option("--chart", type=click.Path(path_type=Path), help=CHART)
@common
@click.pass_context
def drift(context: click.Context, /, log: Path, chart: Path | None, **settings: Any) -> int:
    """Print the change points."""
    import mkmine as mk

    console = console_of(context)
    t = console.t
    found = mk.drift(read_log(console, log, settings))
    console.emit(found)
    aspects = {"paths": t("paths"), "times": t("times of cases"), "load": t("load")}
    searched = ", ".join(aspects[name] for name, blocks in found.tested.items() if blocks)
    if not searched:
        console.line(t("The log is too short to search for changes."))
    elif not len(found.changes):
        console.line(t("No change beyond chance in: {aspects}.", aspects=searched))
    console.table(
        [t("When"), t("Between"), t("In what"), t("What changed most"), t("Before"), t("After")],
        [
            [
                t.date(row["when"]),
                f"{t.date(row['early'])} – {t.date(row['late'])}",
                aspects[row["aspect"]],
                row["most"],
                t.number(row["before"], digits=2),
                t.number(row["after"], digits=2),
            ]
            for row in records(found.changes)
        ],
    )
    draw_into(console, found, chart)
    return 0

"""The verb that asks what changes from AS-IS to TO-BE: changeover."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mkmine.cli.console import records
from mkmine.cli.flow import draw_into
from mkmine.cli.source import CHART, log_options, read_log, working_day
from mkmine.cli.verb import Verb, common, console_of, message
from mkmine.language import column_unit

__all__ = ["changeover"]

MOST = 20


@click.command(
    cls=Verb,
    help=message("Say what changes from the process as it is to the one that was meant, step by step and drawn."),
    example="mkmine changeover data/article/tracker.csv data/article/to_be.bpmn --chart changeover.svg",
)
@log_options
@click.argument("to_be", type=click.Path(path_type=Path))
@click.option("--card", type=click.Path(path_type=Path), help=message("Process card; by default the one beside."))
@click.option("--chart", type=click.Path(path_type=Path), help=CHART)
@common
@click.pass_context
def changeover(
    context: click.Context, /, log: Path, to_be: Path, card: Path | None, chart: Path | None, **settings: Any
) -> int:
    """Print what changes."""
    import mkmine as mk
    from mkmine.report.changeover_map import status_rule, status_words, step_remarks

    console = console_of(context)
    t = console.t
    events = read_log(console, log, settings)
    target = mk.read_target(to_be, card=card)
    console.step(t("Comparing with {target}", target=target.name))
    found, day = mk.changeover(events, target), working_day(events)
    console.emit(found)
    unit = column_unit(found.steps[["time_h", "limit_h"]].to_numpy().ravel().tolist(), t, day=day)
    console.table(
        [t("Activity"), t("What changes"), t("Role"), t("Time"), t("Limit"), t("Share")],
        [
            [
                row["activity"],
                "; ".join([status_words(row["status"], t), *step_remarks(row, t)]),
                row["role_to_be"] or row["role"],
                unit.write(row["time_h"], t),
                unit.write(row["limit_h"], t),
                t.percent(row["share_of_cases"]),
            ]
            for row in records(found.steps)
        ],
    )
    console.line("  " + status_rule(t))
    console.line()
    words = {
        "added": t("meant, but never taken"),
        "removed": t("of a step that is not in TO-BE"),
        "deviating": t("taken, but not allowed"),
    }
    paths = found.paths[found.paths["status"] != "same"]
    console.table(
        [t("From"), t("To"), t("Path"), t("Cases"), t("Share")],
        [
            [
                row["source"] or t("Start of a case"),
                row["target"] or t("End of a case"),
                words[row["status"]],
                t.number(row["cases"]),
                t.percent(row["share_of_cases"]),
            ]
            for row in records(paths.head(MOST))
        ],
    )
    if len(paths) > MOST:
        console.line("  " + t("The {shown} most frequent of {n}; --json gives all.", shown=MOST, n=len(paths)))
    draw_into(console, found, chart)
    return 0

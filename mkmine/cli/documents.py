"""The verb that makes the document: report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mkmine.cli.source import log_options, processes, read_log, simulation_options
from mkmine.cli.verb import Verb, common, console_of, message

__all__ = ["report"]


@click.command(
    cls=Verb,
    help=message("Write the improvement report: one self-contained HTML file, and its tables beside it."),
    example="mkmine report data/article/tracker.csv --to-be data/article/to_be.bpmn --output reports/article.html",
)
@log_options
@click.option("--to-be", type=click.Path(path_type=Path), help=message("The process that was meant (BPMN)."))
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=Path("report.html"),
    help=message("The file to write. Default report.html."),
)
@click.option("--title", help=message("Title of the report."))
@click.option("--what-if/--no-what-if", default=True, help=message("Simulate the levers of the diagnosis, or do not."))
@simulation_options
@common
@click.pass_context
def report(
    context: click.Context,
    /,
    log: Path,
    to_be: Path | None,
    output: Path,
    title: str | None,
    what_if: bool,
    replications: int,
    seed: int,
    workers: int | None,
    **settings: Any,
) -> int:
    """Write the report and say where it is."""
    import mkmine as mk

    console = console_of(context)
    t = console.t
    console.step(t("Reading {log}", log=log.name))
    events = read_log(log, settings)
    target = None if to_be is None else mk.read_target(to_be)
    answer = None
    trust = None
    if what_if:
        from mkmine.simulation import from_levers

        console.step(t("Holding the model against weeks it has not seen"))
        trust = mk.backtest(events)
        console.step(t("Simulating"))
        answer = mk.experiment(
            mk.calibrate(events),
            list(from_levers(mk.diagnose(events).levers)),
            replications=replications,
            seed=seed,
            workers=processes(workers),
            validation=trust,
            progress=console.progress,
        )
    console.step(t("Writing the report"))
    document = mk.report(
        events, to_be=target, experiment=answer, validation=trust, language=console.language, title=title
    )
    path = Path(document.save(output)).absolute()
    console.emit({"report": str(path), "tables": str(path.parent / "tables")})
    console.line(t("Report: {path}", path=path))
    console.line(t("Tables: {path}", path=path.parent / "tables"))
    return 0

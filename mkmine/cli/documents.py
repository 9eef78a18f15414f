"""The verbs that make documents: report, regulation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mkmine.cli.source import log_options, processes, read_log, simulation_options
from mkmine.cli.verb import Verb, common, console_of, message
from mkmine.cli.whatif import suggested, validated
from mkmine.errors import DataError

if TYPE_CHECKING:
    from mkmine.report import Report

__all__ = ["findings_of", "regulation", "report", "save_report"]


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
    events = read_log(console, log, settings)
    target = None if to_be is None else mk.read_target(to_be)
    answer, trust = None, None
    try:
        model = mk.calibrate(events) if what_if else None
        scenarios = suggested(events, model, console.language) if model is not None else []
    except DataError as error:
        # A log that is too small to simulate still deserves its report.
        console.complain(f"{t('The report is without what-if answers:')} {error}", kind=t("Warning:"))
        model = None
    if model is not None and scenarios:
        trust = validated(console, events)
        console.step(t("Simulating"))
        answer = mk.experiment(
            model,
            scenarios,
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
    places = save_report(document, output)
    console.emit({**places, "findings": findings_of(document)})
    console.line(t("Report: {path}", path=places["report"]))
    console.line(t("Tables: {path}", path=places["tables"]))
    return 0


@click.command(
    cls=Verb,
    help=message(
        "Write the regulation of a process and the job instructions of its roles, from its model and process card."
    ),
    example="mkmine regulation data/article/to_be.bpmn --output reports/regulation.docx --language ru",
)
@click.argument("model", type=click.Path(path_type=Path), metavar="TO_BE")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=Path("regulation.html"),
    help=message("The file to write, .docx or .html. Default regulation.html."),
)
@click.option("--role", help=message("Only the job instruction of this role."))
@common
@click.pass_context
def regulation(context: click.Context, /, model: Path, output: Path, role: str | None) -> int:
    """Write the regulation and say where it is."""
    import mkmine as mk

    console = console_of(context)
    target = mk.read_target(model)
    saved = mk.regulation(target, language=console.language, role=role).save(output.absolute())
    gaps = [str(gap) for gap in target.gaps]
    console.emit({"regulation": str(saved), "gaps": gaps})
    console.line(console.t("Regulation: {path}", path=str(saved)))
    if gaps:
        console.line(console.t("Not said yet: {n} (chapter “Open questions”).", n=len(gaps)))
    return 0


def save_report(document: Report, path: Path) -> dict[str, str]:
    """Save a report with its tables, and return where they are."""
    saved = document.save(path.absolute())
    return {"report": str(saved), "tables": str(document.tables_folder(saved))}


def findings_of(document: Report) -> list[str]:
    """Return the sentences of the report's summary, the most important first."""
    from mkmine.report.blocks import Bullets, Text

    lead = [block for block in document.blocks if isinstance(block, Text) and block.lead][:1]
    points = [block for block in document.blocks if isinstance(block, Bullets)][:1]
    return [sentence for block in lead for sentence in block.paragraphs] + [
        item for block in points for item in block.items
    ]

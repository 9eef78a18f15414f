"""The main job on the sample: from a tracker export to an improvement report."""

from __future__ import annotations

import textwrap
from pathlib import Path

import click

from mkmine.cli.documents import findings_of, save_report
from mkmine.cli.source import processes, simulation_options, working_day
from mkmine.cli.verb import Verb, common, console_of, message
from mkmine.cli.whatif import show_experiment, show_validation

__all__ = ["demo"]


@click.command(
    cls=Verb,
    help=message(
        "Do the main job on the sample, the article production of a marketing department: mine its tracker export, "
        "compare it with the process that was meant, find the bottlenecks, simulate three changes, and write a "
        "report.\n\nThe sample is Russian, and so is the report by default."
    ),
    example="mkmine demo --language en --output demo",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("mkmine-demo"),
    help=message("Folder of the report and its tables. Default mkmine-demo."),
)
@simulation_options
@common
@click.pass_context
def demo(context: click.Context, /, output: Path, replications: int, seed: int, workers: int | None) -> int:
    """Run the demo."""
    import mkmine as mk
    from mkmine.catalogue.article import scenarios
    from mkmine.catalogue.samples import sample

    console = console_of(context)
    if not console.chosen:
        console.speak("ru")
    t = console.t
    files = sample("article")
    console.step(t("Reading {log}", log=files.log.name))
    log = mk.read(files.log)
    to_be = mk.read_target(files.to_be)
    console.step(t("Calibrating"))
    model = mk.calibrate(log)
    console.step(t("Holding the model against weeks it has not seen"))
    trust = mk.backtest(log)
    console.step(t("Simulating"))
    answer = mk.experiment(
        model,
        scenarios(console.language),
        replications=replications,
        seed=seed,
        workers=processes(workers),
        validation=trust,
        progress=console.progress,
    )
    console.step(t("Writing the report"))
    document = mk.report(log, to_be=to_be, experiment=answer, validation=trust, language=console.language)
    places = save_report(document, output / "report.html")
    findings = findings_of(document)
    console.emit({**places, "findings": findings})
    for number, finding in enumerate(most_important(findings, answers=len(answer.scenarios)), 1):
        console.line(textwrap.fill(finding, width=100, initial_indent=f"{number}. ", subsequent_indent="   "))
    console.line()
    show_validation(console, trust)
    show_experiment(console, answer, day=working_day(log))
    console.line()
    console.line(t("Report: {path}", path=places["report"]))
    console.line(t("Tables: {path}", path=places["tables"]))
    return 0


def most_important(findings: list[str], *, answers: int) -> list[str]:
    """Return five of the report's findings: the two worst waits, and what it says of rework and of the TO-BE.

    The what-if answers, which close the list, are shown as a table.
    """
    about_now = findings[: len(findings) - answers]
    return about_now if len(about_now) <= 5 else [*about_now[:2], *about_now[-3:]]

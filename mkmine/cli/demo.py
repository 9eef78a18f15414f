"""The main job on the sample: from a tracker export to an improvement report."""

from __future__ import annotations

from pathlib import Path

import click

from mkmine.cli.source import processes, simulation_options
from mkmine.cli.verb import Verb, common, console_of, message
from mkmine.cli.whatif import show_experiment, show_validation

__all__ = ["demo"]


@click.command(
    cls=Verb,
    help=message(
        "Do the main job on the sample, the article production of a marketing department: mine its tracker export, "
        "compare it with the process that was meant, find the bottlenecks, simulate three changes, and write a "
        "report.\n\n"
        "The sample is Russian, and so is the report by default."
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
    place = sample("article")
    console.step(t("Reading {log}", log=place.log.name))
    log = mk.read(place.log)
    to_be = mk.read_target(place.to_be)
    console.step(t("Discovering the process as it is"))
    as_is = mk.discover(log)
    console.step(t("Comparing with {target}", target=to_be.name))
    gap = mk.check(log, to_be)
    console.step(t("Looking for bottlenecks"))
    pains = mk.diagnose(log)
    console.step(t("Holding the model against weeks it has not seen"))
    trust = mk.backtest(log)
    console.step(t("Simulating"))
    answer = mk.experiment(
        mk.calibrate(log),
        scenarios(),
        replications=replications,
        seed=seed,
        workers=processes(workers),
        validation=trust,
    )
    console.step(t("Writing the report"))
    document = mk.report(log, to_be=to_be, experiment=answer, validation=trust, language=console.language)
    path = Path(document.save(output / "report.html")).absolute()
    return 0

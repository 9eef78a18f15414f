"""The verb that discovers a model: what the log follows, and how good a model of it that is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mkmine.cli.source import log_options, processes, read_log, workers_option
from mkmine.cli.verb import Verb, common, console_of, message

if TYPE_CHECKING:
    from mkmine.conformance import ModelQuality
    from mkmine.language import Translator

__all__ = ["model"]


@click.command(
    cls=Verb,
    help=message("Discover a model of the process, save it as BPMN, and say how good it is."),
    example="mkmine model data/article/tracker.csv --output as_is.bpmn",
)
@log_options
@click.option(
    "--noise",
    type=click.FloatRange(0, 1),
    default=0.2,
    metavar="SHARE",
    help=message("Successions rarer than this are left out of sight where no structure is found. Default 0.2."),
)
@click.option("--output", type=click.Path(path_type=Path), help=message("File for the model, as BPMN 2.0."))
@click.option(
    "--budget",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    metavar="SECONDS",
    help=message("Time for aligning; what is left over is counted in bounds. Default 60."),
)
@workers_option
@common
@click.pass_context
def model(
    context: click.Context,
    /,
    log: Path,
    noise: float,
    output: Path | None,
    budget: float,
    workers: int | None,
    **settings: Any,
) -> int:
    """Print the size of the model and its quality by several methods."""
    import mkmine as mk
    from mkmine.targets import write_bpmn

    console = console_of(context)
    t = console.t
    events = read_log(console, log, settings)
    console.step(t("Discovering a model"))
    made = mk.discover_model(events, noise=noise)
    if output is not None:
        write_bpmn(made, output)
    console.step(t("Measuring its quality"))
    found = mk.model_quality(events, noise=noise, budget_seconds=budget, workers=processes(workers))
    gateways = len(made.nodes) - len(made.tasks) - sum(node.kind in ("start", "end") for node in made.nodes)
    size = {"activities": len(made.tasks), "gateways": gateways, "noise": noise}
    console.emit({"model": size, "file": str(output.absolute()) if output else None, **found.to_dict()})
    tasks = t.plural("{n} activity", "{n} activities", len(made.tasks))
    ways = t.plural("{n} gateway", "{n} gateways", gateways)
    console.line(t("Model: {tasks}, {gateways}", tasks=tasks, gateways=ways))
    console.table([t("Quality, 1 is best"), t("Value"), t("Method")], _rows(found, t))
    if found.unknown_cases:
        console.line(t.plural("{n} case was not aligned in time.", "{n} cases were not aligned in time.",
                              found.unknown_cases))  # fmt: skip
    console.line(t("A model that allows anything has fitness 1 and little precision: read them together."))
    if output is not None:
        console.line(t("Model: {path}", path=output.absolute()))
    return 0


def _rows(found: ModelQuality, t: Translator) -> list[list[str]]:
    def shown(value: float, low: float, high: float) -> str:
        if low == high:
            return t.number(value, digits=3)
        bounds = t("{low} to {high}", low=t.number(low, digits=3), high=t.number(high, digits=3))
        return f"{t.number(value, digits=3)} ({bounds})"

    return [
        [t("Fitness"), shown(found.fitness, found.fitness_low, found.fitness_high), t("optimal alignments")],
        [t("Fitness, the quick look"), t.number(found.replay_fitness, digits=3), t("token replay")],
        [t("Precision"), shown(found.precision, found.precision_low, found.precision_high), "align-ETC"],
        [
            t("Generalisation"),
            t.number(found.generalisation, digits=3),
            t("how often each activity was executed"),
        ],
        [t("Simplicity"), t.number(found.simplicity, digits=3), t("flows at a node")],
        [
            t("Fitness on unseen cases"),
            shown(found.held_out, found.held_out_low, found.held_out_high),
            t("models of four fifths of the cases; worst and best fifth"),
        ],
    ]

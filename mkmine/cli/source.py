"""The log that a command works on: its file and how its columns are mapped."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mkmine.cli.verb import message

if TYPE_CHECKING:
    from mkmine.cli.console import Console
    from mkmine.eventlog import EventLog

__all__ = [
    "CHART",
    "SEED",
    "log_options",
    "processes",
    "read_log",
    "simulation_options",
    "told",
    "workers_option",
    "working_day",
]

F = TypeVar("F", bound=Callable[..., Any])

COLUMNS = {
    "case": message("Column that names the case (the task, the ticket)."),
    "activity": message("Column that names the activity or the status; given twice, the columns are joined."),
    "start": message("Column of the start time."),
    "end": message("Column of the end time, or the only time there is."),
    "resource": message("Column of the person."),
    "role": message("Column of the role or group."),
}

FORMAT = {
    "encoding": message("Encoding of a text file, such as cp1251; by default it is found out."),
    "delimiter": message("Character between the columns; by default it is found out."),
    "date-format": message("How dates are written, such as %d.%m.%Y; by default it is found out."),
}


def log_options(command: F) -> F:
    """Add the argument LOG and the options that say how to read it."""
    options = [
        click.argument("log", type=click.Path(path_type=Path)),
        *(
            click.option(f"--{name}", metavar="COLUMN", help=text, multiple=name == "activity")
            for name, text in COLUMNS.items()
        ),
        click.option(
            "--kind",
            type=click.Choice(["events", "tracker"]),
            help=message("What the file is: a log of events, or a tracker's history of changes; by default found out."),
        ),
        click.option(
            "--time-zone",
            metavar="ZONE",
            help=message("Zone of times that name none, and of the results, such as Europe/Moscow."),
        ),
        click.option(
            "--mapping",
            type=click.Path(path_type=Path),
            help=message("YAML file with the same settings as these options."),
        ),
        click.option(
            "--issues",
            type=click.Path(path_type=Path),
            help=message("List of issues that belongs to a history of changes."),
        ),
        click.option(
            "--timestamps",
            type=click.Choice(["interval", "completed", "entered"]),
            help=message("What the times mean: start and end, completions only, or entries into a status."),
        ),
        *(click.option(f"--{name}", metavar="TEXT", help=text) for name, text in FORMAT.items()),
        click.option(
            "--quarantine",
            is_flag=True,
            help=message("Set rows aside that cannot be used, and count them, instead of stopping."),
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


# Options that several verbs have.
SEED = message("One seed gives one result. Default 7.")
CHART = message("Draw it into this file: .svg or .png, or .csv for the data of the chart.")
workers_option = click.option(
    "--workers",
    type=click.IntRange(min=1, max=64),
    metavar="N",
    help=message("Processes to run in; by default one per core."),
)


def simulation_options(command: F) -> F:
    """Add the options of every command that simulates."""
    options = (
        click.option(
            "--replications",
            type=click.IntRange(min=2, max=10_000),
            metavar="N",
            default=30,
            help=message("Runs per scenario. Default 30."),
        ),
        click.option(
            "--seed",
            type=click.IntRange(min=0),
            metavar="N",
            default=7,
            help=SEED,
        ),
        workers_option,
    )
    for option in reversed(options):
        command = option(command)
    return command


def processes(workers: int | None) -> int:
    """Return how many processes to run in: as told, or one per core up to eight."""
    return workers or min(os.cpu_count() or 1, 8)


def read_log(console: Console, log: Path, settings: dict[str, Any]) -> EventLog:
    """Read the log, saying so, with the options that were given; others are left to the reader's own judgement."""
    import mkmine as mk

    console.step(console.t("Reading {log}", log=log.name))
    events: EventLog = mk.read(log, **told(settings))
    return events


def told(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the options that were given as settings of the reader. Raises `UsageError` if two exclude each other."""
    # One column is a name, several are a list: what was not given is neither.
    activity = tuple(settings.get("activity") or ())
    settings = {**settings, "activity": None if not activity else activity[0] if len(activity) == 1 else activity}
    told = [*COLUMNS, *FORMAT, "timestamps"]
    columns = [f"--{name}" for name in told if settings.get(name.replace("-", "_")) is not None]
    if columns and settings.get("issues") is not None:
        # A history of changes has its own columns; which of the two the user means is not ours to guess.
        raise click.UsageError(f"--issues is for a tracker's history, {', '.join(columns)} for a table of events")
    if settings.get("kind") == "tracker" and columns:
        raise click.UsageError(f"--kind tracker has its own columns, {', '.join(columns)} are for --kind events")
    if settings.get("kind") == "events" and settings.get("issues") is not None:
        raise click.UsageError("--issues is for a tracker's history, not for --kind events")
    given = {name: value for name, value in settings.items() if value is not None and name != "quarantine"}
    return {**given, "errors": "quarantine" if settings.get("quarantine") else "raise"}


def working_day(log: EventLog) -> float:
    """Return the hours of a working day, in which long times are told."""
    return log.working_calendar().hours_per_day or 8.0

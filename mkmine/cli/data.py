"""The verbs about the data themselves: quality, convert, partition, summarise."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mkmine.cli.console import records
from mkmine.cli.source import log_options, read_log, told
from mkmine.cli.verb import Verb, common, console_of, message
from mkmine.errors import DataError

if TYPE_CHECKING:
    from mkmine.cli.console import Console
    from mkmine.eventlog import EventLog
    from mkmine.eventlog.summaries import Summary

__all__ = ["convert", "partition", "quality", "summarise"]

SHOWN = 20
NOT_IN_PARTS = "a tracker's export is read whole; convert it to .parquet, and partition that"


@click.command(
    cls=Verb,
    help=message("Look for what is doubtful in a log: how often, where, and what to do about it."),
    example="mkmine quality data/article/tracker.csv",
)
@log_options
@common
@click.pass_context
def quality(context: click.Context, /, log: Path, **settings: Any) -> int:
    """Print the findings on a log."""
    from mkmine.report.retelling import retell

    console = console_of(context)
    t = console.t
    found = read_log(console, log, settings).quality()
    console.emit(found)
    if not found.findings:
        console.line(t("Nothing doubtful found"))
    for one in found.findings:
        share = t(
            "{count} of {of}, {share}", count=t.number(one.count), of=t.number(one.of), share=t.percent(one.share)
        )
        console.line(f"{retell(one.what, t)}: {share}")
        for name, text in (
            (t("for example"), "; ".join(retell(example, t) for example in one.examples)),
            (t("advice"), retell(one.advice, t)),
            (t("repair"), one.repair),
        ):
            if text:
                console.line(f"    {name}: {text}")
    return 0


@click.command(
    cls=Verb,
    help=message(
        "Write a log in another format: CSV, XLSX, Parquet, XES or OCEL 2.0, as the ending of the output says."
        "\n\nA Parquet file keeps everything and opens fastest. What a format cannot hold is said."
    ),
    example="mkmine convert data/article/tracker.csv article.xes.gz --pseudonymise key.txt",
)
@log_options
@click.argument("output", type=click.Path(path_type=Path))
@click.option(
    "--pseudonymise",
    metavar="KEYFILE",
    type=click.Path(path_type=Path),
    help=message("Replace people's names by pseudonyms that depend on the text in this file; keep it apart."),
)
@click.option("--drop-free-text", is_flag=True, help=message("Leave out columns of free text, which may hold names."))
@click.option(
    "--save-mapping",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help=message("Write the mapping by which the output is read again as YAML."),
)
@click.option(
    "--rejected",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help=message("Write the rows that were set aside, with the reasons (.csv, .xlsx or .parquet)."),
)
@common
@click.pass_context
def convert(
    context: click.Context,
    /,
    log: Path,
    output: Path,
    pseudonymise: Path | None,
    drop_free_text: bool,
    save_mapping: Path | None,
    rejected: Path | None,
    **settings: Any,
) -> int:
    """Read a log and write it."""
    from mkmine.eventlog.cleaning.privacy import drop_free_text as without_free_text
    from mkmine.eventlog.formats.write import write, write_quarantine

    console = console_of(context)
    t = console.t
    if output.absolute() == log.absolute():
        raise DataError(f'the output "{output}" is the log itself, which stays as it is; give another name')
    events = read_log(console, log, settings)
    # The rows are written as they came: for whoever mends them at the source.
    places = {"rejected": write_quarantine(events, rejected)} if rejected and len(events.quarantine) else {}
    if drop_free_text:
        events = without_free_text(events)
    if pseudonymise is not None:
        events = _pseudonymised(events, pseudonymise, console)
    console.step(t("Writing {path}", path=output.name))
    written = write(events, output)
    if save_mapping is not None and written.mapping is not None:
        places["mapping"] = written.mapping.save(save_mapping)
    console.emit(
        {"output": str(output), **{name: str(place) for name, place in places.items()}, "notes": written.notes}
    )
    console.line(t("Written: {path}", path=output))
    for place in places.values():
        console.line(t("Written: {path}", path=place))
    for note in written.notes:
        console.complain(note, kind=t("Note:"))
    return 0


def _pseudonymised(events: EventLog, file: Path, console: Console) -> EventLog:
    from mkmine.eventlog.cleaning.privacy import pseudonymise

    try:
        key = file.read_bytes().strip()
    except OSError as error:
        raise DataError(f'cannot read the key "{file}": {error.strerror or error}') from None
    return pseudonymise(events, key=key, language=console.language)


@click.command(
    "partition",
    cls=Verb,
    help=message(
        "Cut a log that is larger than memory into partitions in a folder, every case wholly in one of them."
        "\n\nThe same command again finds them ready. With --append the cases of the log go on, or are new ones. "
        "The verb summarise says what the partitions hold."
    ),
    example="mkmine partition article.parquet article-parts --memory '500 MB'",
)
@log_options
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--memory", metavar="SIZE", default="2 GB", help=message("What making them may take. Default 2 GB."))
@click.option("--partitions", type=click.IntRange(min=1), metavar="N", help=message("How many; by default found out."))
@click.option("--append", is_flag=True, help=message("Add the log to the partitions that are in the folder."))
@click.option("--replace", is_flag=True, help=message("Replace other partitions in the folder."))
@common
@click.pass_context
def partition(
    context: click.Context,
    /,
    log: Path,
    folder: Path,
    memory: str,
    partitions: int | None,
    append: bool,
    replace: bool,
    **settings: Any,
) -> int:
    """Make partitions, or add to them, and print what they hold."""
    import mkmine as mk
    from mkmine.eventlog.partitions import Partitions

    console = console_of(context)
    t = console.t
    given = told(settings)
    if given.pop("kind", None) == "tracker" or given.pop("issues", None) is not None:
        raise click.UsageError(NOT_IN_PARTS)
    console.step(t("Reading {log}", log=log.name))
    if append:
        fixed = {"encoding", "delimiter", "errors"}
        if further := sorted(set(given) - fixed):
            raise click.UsageError(f"--append reads as the partitions were read; leave out {', '.join(further)}")
        made = Partitions.open(folder).append(
            log, **{name: given[name] for name in fixed - {"errors"} if name in given}
        )
    else:
        made = mk.partition(log, folder, memory=memory, partitions=partitions, replace_old=replace, **given)
    values = made.to_dict()
    console.emit(values)
    rows = {
        t("Executions"): t.number(values["instances"]),
        t("Partitions"): t.number(values["partitions"]),
        t("Set aside"): t.plural("{n} row", "{n} rows", values["quarantined"]),
        t("Time observed"): f"{values['first'][:10]} – {values['last'][:10]} ({made.manifest.plan.shown})",
        t("Sources"): ", ".join(one["name"] for one in values["sources"]),
        t("On disk"): t("{n} MB", n=t.number(values["bytes"] / 1e6, digits=1)),
    }
    console.line(f"{made.name}: {folder}")
    width = max(map(len, rows)) + 2
    for name, value in rows.items():
        console.line(f"  {name:<{width}}{value}")
    return 0


@click.command(
    "summarise",
    cls=Verb,
    help=message(
        "Summarise a log, or a folder of partitions: activities, transitions, times of cases, by the wall clock."
        "\n\nSummaries of logs that have no case in common can be added up later (--output)."
    ),
    example="mkmine summarise article-parts --output article.summary.json.gz",
)
@log_options
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help=message("Write the summary into this file, which mkmine can read and add up."),
)
@common
@click.pass_context
def summarise(context: click.Context, /, log: Path, output: Path | None, **settings: Any) -> int:
    """Print what one pass over a log, or over its partitions, yields."""
    import mkmine as mk
    from mkmine.eventlog.partitions import Partitions
    from mkmine.eventlog.partitions.folder import MANIFEST

    console = console_of(context)
    t = console.t
    if (log / MANIFEST).is_file():
        console.step(t("Reading {log}", log=log.name))
        found = Partitions.open(log).summarise()
    else:
        found = mk.summarise(read_log(console, log, settings))
    if output is not None:
        found.save(output)
    _show(console, found)
    if output is not None:
        console.line(t("Written: {path}", path=output))
    return 0


def _show(console: Console, found: Summary) -> None:
    """Write the tables of a summary, or all of their rows as JSON."""
    t = console.t
    cases, activities = found.cases.to_pandas(), found.activities.to_pandas()
    edges, months = found.edges.to_pandas(), found.flow.to_pandas("month")
    frames = {"case_times": cases, "activities": activities, "transitions": edges, "months": months}
    console.emit({"cases": found.n_cases, **{name: records(frame) for name, frame in frames.items()}})
    exact = all(one.exact or not len(one) for one in (found.cases, found.activities.durations, found.edges))
    console.line(
        t(
            "{cases}. Hours of the wall clock, percentiles exact.",
            cases=t.plural("{n} case", "{n} cases", found.n_cases),
        )
        if exact
        else t(
            "{cases}. Hours of the wall clock, percentiles within 1% where there are many.",
            cases=t.plural("{n} case", "{n} cases", found.n_cases),
        )
    )
    names = {"cycle": t("cycle time"), "processing": t("work, summed up"), "busy": t("time with work in progress"),
             "waiting": t("waiting, summed up")}  # fmt: skip
    times = ("median_h", "p85_h", "p95_h")
    heads = [t("Median"), "85 %", "95 %"]
    console.table(
        [t("Times of a case, hours"), *heads],
        [
            [names[row["measure"]], *(t.number(row[one], digits=1) for one in times)]
            for row in sorted(records(cases), key=lambda row: list(names).index(row["measure"]))
        ],
    )
    console.line()
    measured = [one for one in times if one in activities and activities[one].notna().any()]
    console.table(
        [t("Activity"), t("Executions"), t("Cases"), *heads[: len(measured)]],
        [
            [row["name"], t.number(row["instances"]), t.number(row["cases"]),
             *(t.number(row[one], digits=1) for one in measured)]
            for row in records(activities.head(SHOWN))
        ],
    )  # fmt: skip
    console.line()
    console.table(
        [t("From"), t("To"), t("Count"), *heads],
        [
            [row["source"], row["target"], t.number(row["count"]), *(t.number(row[one], digits=1) for one in times)]
            for row in records(edges.head(SHOWN))
        ],
    )
    if max(len(activities), len(edges)) > SHOWN:
        console.line("  " + t("The {shown} most frequent of each; --json gives all.", shown=SHOWN))

"""The verbs about the data themselves: quality, convert."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mkmine.cli.source import log_options, read_log
from mkmine.cli.verb import Verb, common, console_of, message
from mkmine.errors import DataError

if TYPE_CHECKING:
    from mkmine.cli.console import Console
    from mkmine.eventlog import EventLog

__all__ = ["convert", "quality"]


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
    console.step(t("Reading {log}", log=log.name))
    found = read_log(log, settings).quality()
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
    console.step(t("Reading {log}", log=log.name))
    events = read_log(log, settings)
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

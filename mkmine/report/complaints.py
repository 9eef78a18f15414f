"""The errors that users meet most, to be said again in their language: the sentences that errors are made of.

Errors are raised in English, whole, in the room that knows what is wrong. `retelling` splits them at their semicolons
and knows each part by its template; a part that is not among these stays English.
"""

from __future__ import annotations

from typing import Final

__all__ = ["ERRORS"]


def message(text: str) -> str:
    """Mark a text for translation."""
    return text


_FILES: Final = (
    message("there is no file “{file}”"),
    message("no such file: {file}"),
    message("check the path (it is taken from {file})"),
    message("check the path of the BPMN model"),
    message("the folder “{file}” holds no Parquet file"),
    message("pass the file of the log in it"),
    message("“{file}” is a folder"),
    message("pass the file of the export in it"),
    message("“{file}” is empty: it has column names but no row"),
    message("“{file}” is empty"),
    message("the log is empty: none of {n} rows can be used"),
    message("check the mapping and the filters"),
    message("export the log again"),
    message("export it again"),
    message("“{file}” is not an XLSX workbook"),
    message("save it as .xlsx or .csv"),
    message("“{file}” cannot be read as {name}: {detail}"),
    message("{file} is not well-formed XML: {detail}"),
    message("the file may be cut short: export it again"),
    message("the format of “{file}” is not known by its ending"),
    message("give .csv, .tsv (both also .gz), .xlsx, .parquet, .xes, .xes.gz or .jsonocel"),
    message("the output “{file}” is the log itself, which stays as it is"),
    message("give another name"),
    message("a picture is saved as SVG or PNG, and “{file}” ends in neither"),
    message("a report is saved as HTML or DOCX, and “{file}” ends in neither"),
    message("a regulation is saved as HTML or DOCX, and “{file}” ends in neither"),
    message("name it “{file}”"),
    message("cannot read “{file}”: {detail}"),
    message("cannot write “{file}”: {detail}"),
    message("cannot write to “{file}”: {detail}"),
    message("cannot read the key “{file}”: {detail}"),
    message("choose another place"),
    message("No such file or directory"),
    message("Permission denied"),
    message("Is a directory"),
    message("No space left on device"),
)
_COLUMNS: Final = (
    message("the {kind} column of {where} cannot be decided"),
    message("candidates: {known}. Pass {names}"),
    message("none of the columns looks like it: {known}. Pass {names}"),
    message("{kind} column “{name}” of {where} has {n} unusable of {all} values (first: row {row}, {reason})"),
    message("correct them, or pass errors=“quarantine” to set them aside"),
    message("timestamps=“interval” needs both times in {where}"),
    message("“{name}” is not a time zone of the IANA database"),
)
_NAMES: Final = (
    message("unknown {kind} “{name}” in scenario “{scenario}”"),
    message("unknown {kind} “{name}” in {where}"),
    message("unknown {kind} “{name}”"),
    message("did you mean “{name}”?"),
    message("the variant “{name}” is named twice"),
    message("name it once"),
    message("the variants “{first}” and “{second}” of “{process}” exclude each other"),
    message("choose one"),
    message("there is something at “{file}” already"),
    message("name a folder that does not exist yet"),
    message("no completed case of the log has “{name}”"),
    message("there is nothing to compare"),
    message("the alias of “{name}” is given twice"),
    message("give it once"),
    message("the log has no {names}"),
    message("name the activity that approves, such as {example} or {option} (activities: {names})"),
    message("process"),
    message("variant"),
    message("step"),
    message("known: {known} and {n} more"),
    message("known: {known}"),
    message("none is known"),
    message("column"),
    message("activity"),
    message("attribute"),
    message("role"),
    message("person"),
    message("time"),
    message("start"),
    message("end"),
    message("case"),
    message("language"),
    message("final activity"),
    message("key figure"),
    message("period"),
    message("object type"),
    message("key of a mapping"),
)
_PARTS: Final = (
    message("{detail} needs the package “{name}”"),
    message("install it with: {names}"),
    message("{what} “{length}” is not a length of time"),
    message("“{file}” cannot be read in chunks: give {names}"),
    message("read other formats with mkmine.read, and pass log.to_pandas()"),
    message("“{file}”: a tracker's export is read whole"),
    message("a tracker's export is read whole"),
    message("convert it to .parquet, and partition that"),
    message("convert it to .parquet, and partition that: {names}"),
    message("“{file}” holds no finished partitions ({detail})"),
    message("it has no manifest"),
    message("their making was interrupted"),
    message("make them with mkmine.partition"),
    message("the folder “{file}” holds other files"),
    message("give an empty or a new one for the partitions"),
    message("memory=“{name}” is no size"),
    message("write e.g. {names}, or a number of bytes"),
    message("“{value}” is not a date"),
    message("change=“{value}” is not a date"),
    message("write e.g. “{first}” or “{second}”"),
    message("write e.g. “{example}”"),
    message("give e.g. “{example}”"),
    message("--append reads as the partitions were read"),
    message("leave out {names}"),
)
_COMMANDS: Final = (
    message("Missing argument '{name}'."),
    message("Missing option '{name}'."),
    message("No such option '{name}'. Did you mean '{known}'?"),
    message("No such option '{name}'. (Did you mean one of: {names}?)"),
    message("No such option '{name}'."),
    message("No such command '{name}'."),
    message("Option '{name}' requires an argument."),
    message("Got unexpected extra argument ({names})"),
    message("Invalid value for '{name}': {detail}"),
    message("Invalid value for {name}: {detail}"),
    message("“{value}” is no goal"),
    message("write it as “{example}”"),
    message("say what to compare: one of --since, --by with --values, and --against"),
    message("--by and --values belong together, as in --by type --values A B"),
    message("--issues is for a tracker's history, {names} for a table of events"),
    message("--issues is for a tracker's history, not for --kind events"),
    message("--kind tracker has its own columns, {names} are for --kind events"),
    message("--variant is for one process"),
    message("name it: {example}"),
    message("'{name}' is not one of {names}."),
    message("'{name}' is not a valid integer."),
    message("'{name}' is not a valid float."),
    message("{name} is not in the range {names}."),
)
_UNSAID: Final = (
    message("the TO-BE “{target}” leaves open what today's process does not tell either (in all: {n})"),
    message(
        "say it in a file for --elicited (in Python elicited=...), with numbers of your own (low, likely, high) "
        "instead of these examples:{detail}"
    ),
)
ERRORS: Final = (*_UNSAID, *_FILES, *_COLUMNS, *_NAMES, *_PARTS, *_COMMANDS)

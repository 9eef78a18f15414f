"""The door: `read` takes a file or a frame and gives an `EventLog`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import pyarrow as pa

from mkmine.calendars import Calendar, zone
from mkmine.errors import DataError
from mkmine.eventlog.formats.coding import distinct
from mkmine.eventlog.formats.mapping import COLUMNS, Mapping, MappingGuess, Semantic, guess, named_like
from mkmine.eventlog.formats.rows import UncleanError, log_of
from mkmine.eventlog.formats.table import Errors, Table, arrow_table, check_names
from mkmine.eventlog.formats.tabular import read_table
from mkmine.eventlog.formats.typed import CODED, TEXT, iso_type
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.provenance import Step
from mkmine.eventlog.storage import is_saved_log, open_log
from mkmine.files import checked_path

__all__ = ["guess_mapping", "read"]

# Text with more different values than this part of a sample is read without a dictionary.
REPEATED = 0.5
EXAMPLES = 3
LARGE = 5_000_000


def read(
    source: str | Path | pd.DataFrame | Any,
    *,
    mapping: Mapping | str | Path | None = None,
    case: str | None = None,
    activity: str | Sequence[str] | None = None,
    start: str | None = None,
    end: str | None = None,
    enabled: str | None = None,
    resource: str | None = None,
    role: str | None = None,
    lifecycle: str | None = None,
    attributes: Sequence[str] | None = None,
    case_attributes: Sequence[str] | None = None,
    final: Sequence[str] | None = None,
    timestamps: Semantic | None = None,
    date_format: str | None = None,
    time_zone: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | int = 0,
    header: int | None = None,
    calendar: Calendar | None = None,
    name: str | None = None,
    errors: Literal["raise", "quarantine"] = "raise",
) -> EventLog:
    """Read an event log from a file (CSV, TSV, XLSX, Parquet, Feather, XES; packed with gzip too) or a frame.

    A frame is one of pandas, Polars, pm4py, an Arrow table, a DuckDB relation, or anything else that gives an Arrow
    stream; a folder is read as the Parquet files in it. A file that `EventLog.save` wrote is opened as it was saved.

    Columns that neither the arguments nor `mapping` (a `Mapping` or a YAML file) name are guessed; the guess is kept in
    the log's history. See `Mapping` for the meaning of the arguments. Rows whose `end` is empty while others have one
    are ongoing work, if nothing in their case starts later; otherwise their end is missing, and they cannot be used.

    `sheet` is the name or the number (from 0) of the sheet of a workbook, `header` the number (from 1) of the row of
    names in a workbook or a text table; without it, titles and blank rows above the names are recognised. Without
    `time_zone`, that of the `calendar` is the one of times without an offset, or else UTC.

    With `timestamps="entered"` a row is the entry into a status. An activity that is the last of its case in at least
    half of its occurrences is taken as final (unless `final` says so), and a case that stands elsewhere is open: its
    last activity is ongoing until the end of the observation.

    Raises `DataError` or `UnknownNameError` if the source cannot be read or the columns cannot be decided; rows that
    cannot be used are an error too, or are set aside into `log.quarantine` with `errors="quarantine"`.
    """
    if errors not in ("raise", "quarantine"):
        raise DataError(f'errors="{errors}" is not known; pass "raise" or "quarantine"')
    if calendar is not None and not isinstance(calendar, Calendar):
        raise DataError(
            f'calendar="{calendar}" is no calendar; pass mk.Calendar.parse({{"Mon-Fri": "09:00-18:00"}}, ...)'
        )
    told = _told(
        mapping,
        case=case,
        activity=_listed(activity),
        start=start,
        end=end,
        enabled=enabled,
        resource=resource,
        role=role,
        lifecycle=lifecycle,
        attributes=_listed(attributes),
        case_attributes=_listed(case_attributes),
        final=_listed(final),
        timestamps=timestamps,
        date_format=date_format,
        time_zone=time_zone,
    )
    if isinstance(source, str | Path):
        source = checked_path(source)
    if told == Mapping() and header is None and isinstance(source, Path) and is_saved_log(source):
        log = open_log(source)
        return replace(log, name=name or log.name, calendar=calendar or log.calendar)
    if told.time_zone is None and calendar is not None:
        # Who says when work is done says where: times without an offset are meant on that clock.
        told = replace(told, time_zone=calendar.time_zone)
    table, where = _table(
        source, told, encoding=encoding, delimiter=delimiter, errors=errors, sheet=sheet, header=header
    )
    while True:
        if not len(table):
            raise DataError(f"{where} is empty: it has column names but no row; export the log again")
        decided, reasons = guess(table.columns, told, where=where)
        steps = [Step("read", f"{where} ({table.note})", len(table) + len(table.aside))]
        steps += [Step("mapping", "; ".join(reasons))]
        try:
            log = log_of(
                table,
                decided,
                where=where,
                errors=errors,
                steps=steps,
                name=name or _stem(source),
                calendar=calendar,
            )
            break
        except UncleanError:
            assert table.again is not None
            table = table.again()
    if len(table) >= LARGE:
        # Arrow would keep the memory of the columns for the next ones.
        del table
        pa.default_memory_pool().release_unused()
    return log


def guess_mapping(
    source: str | Path | pd.DataFrame | Any,
    *,
    mapping: Mapping | str | Path | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | int = 0,
    header: int | None = None,
    **told: Any,
) -> MappingGuess:
    """Find out which column of a source is what, as `read` would, and say why.

    `told` are parts of a `Mapping` that are known. The answer prints itself; its `mapping` can be saved, corrected and
    given to `read`.

    Raises `DataError` or `UnknownNameError` if the source cannot be read or the columns cannot be decided.
    """
    known = _told(mapping, **told)
    table, where = _table(
        source,
        replace(known, attributes=None),
        encoding=encoding,
        delimiter=delimiter,
        errors="quarantine",
        sheet=sheet,
        header=header,
    )
    decided, reasons = guess(table.columns, known, where=where)
    parts = {column: part for part in COLUMNS if part != "activity" and (column := getattr(decided, part))}
    parts |= dict.fromkeys(decided.activity_columns, "activity")
    columns = {one: (parts.get(one, "attribute"), _examples(table, one)) for one in table.columns.column_names}
    return MappingGuess(mapping=decided, reasons=reasons, columns=columns, source=f"{where} ({table.note})")


def _listed(names: str | Sequence[str] | None) -> str | tuple[str, ...] | None:
    return names if names is None or isinstance(names, str) else tuple(names)


def _told(mapping: Mapping | str | Path | None, **given: Any) -> Mapping:
    base = mapping if isinstance(mapping, Mapping) else Mapping() if mapping is None else Mapping.load(mapping)
    unknown = set(given) - set(Mapping.__dataclass_fields__)
    if unknown:
        raise TypeError(f"a mapping has no part {', '.join(sorted(unknown))}")
    told = replace(base, **{key: value for key, value in given.items() if value is not None})
    if told.time_zone is not None:
        zone(told.time_zone)
    return told


def _examples(table: Table, name: str) -> tuple[str, ...]:
    values = (table.columns if table.sample is None else table.sample)[name].slice(0, 100)
    texts = dict.fromkeys(str(one)[:40] for one in values.to_pylist() if one is not None and one != "")
    return tuple(texts)[:EXAMPLES]


def _table(
    source: Any,
    told: Mapping,
    *,
    encoding: str | None,
    delimiter: str | None,
    errors: Errors,
    sheet: str | int = 0,
    header: int | None = None,
) -> tuple[Table, str]:
    if isinstance(source, str | Path):
        path = checked_path(source)
        where = f'"{path.name}"'
        if path.name.casefold().removesuffix(".gz").endswith(".xes"):
            from mkmine.eventlog.formats.xes import read_xes

            return read_xes(path), where
        choice = _Choice(told, where)
        wanted = None if told.attributes is None else choice.names
        table = read_table(
            path,
            encoding=encoding,
            delimiter=delimiter,
            sheet=sheet,
            header=header,
            errors=errors,
            choose=choice.types,
            wanted=wanted,
        )
        return table, where
    where = "the frame"
    if isinstance(source, pd.DataFrame):
        return Table(columns=arrow_table(source, where), note="frame"), where
    columns = _arrow(source)
    return Table(columns=columns.rename_columns(check_names(columns.column_names, where)), note="frame"), where


def _arrow(source: Any) -> pa.Table:
    """Return whatever holds columns as an Arrow table."""
    try:
        if hasattr(source, "collect") and not hasattr(source, "__arrow_c_stream__"):
            # A lazy frame of Polars.
            source = source.collect()
        for way in ("to_arrow", "to_arrow_table"):
            if hasattr(source, way):
                source = getattr(source, way)()
        if isinstance(source, pa.Table):
            return source
        if hasattr(source, "__arrow_c_stream__"):
            return pa.table(source)
        if hasattr(source, "to_pandas"):
            return arrow_table(source.to_pandas(), "the frame")
    except (pa.ArrowException, TypeError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"the {type(source).__name__} cannot be read as a table: {error}") from None
    raise DataError(f"a {type(source).__name__} is not a log; pass a path, a pandas or Polars frame, or an Arrow table")


@dataclass(frozen=True, slots=True)
class _Choice:
    """Which columns of a file are read, and as what, by some of its rows; the columns are decided when all are read."""

    told: Mapping
    where: str

    def names(self, sample: pa.Table) -> Collection[str]:
        """Return the columns that are needed."""
        known: list[str] = sample.column_names
        self.told.check(known, self.where)
        if self.told.attributes is None or (mapping := self.likely(sample)) is None:
            return known
        # Which of several columns that are called like a case is one, all their values decide.
        of_case = [one for one in known if one.startswith("case:")] if self.told.case_attributes is None else []
        return {*mapping.columns(), *named_like("case", known), *of_case}

    def types(self, sample: pa.Table, spread: bool) -> dict[str, pa.DataType]:
        """Return the columns that are needed, and how their text is read."""
        names = self.names(sample)
        mapping = self.likely(sample) or self.told
        times = {mapping.start, mapping.end, mapping.enabled}
        found: dict[str, pa.DataType] = {}
        for name in names:
            if name in times:
                kind = None if self.told.date_format else iso_type(sample[name].to_pylist(), spread=spread)
                found[name] = kind or TEXT
            else:
                repeated = name == mapping.case or distinct(sample[name]) <= REPEATED * len(sample)
                found[name] = CODED if repeated else TEXT
        return found

    def likely(self, sample: pa.Table) -> Mapping | None:
        """Return the mapping of the sample, None if it cannot be decided."""
        try:
            return guess(sample, self.told, where=self.where)[0]
        except DataError:
            return None


def _stem(source: Any) -> str:
    return Path(source).name.split(".")[0] if isinstance(source, str | Path) else "log"

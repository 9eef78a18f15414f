"""Writers: a log as CSV, XLSX, Parquet, XES or OCEL 2.0 JSON for other tools, and the rows that were set aside.

`EventLog.save` keeps a log exactly; these formats keep what they can, and what they cannot is told. A file is written
whole or not at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from mkmine.errors import DataError
from mkmine.eventlog.formats.escaping import escaped
from mkmine.eventlog.formats.mapping import Mapping
from mkmine.eventlog.formats.outgoing import Replaced, array_of, case_columns, columns, iso_texts, named, spans, titles
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.storage import save_log
from mkmine.files import checked_path, replacing

__all__ = ["Written", "write", "write_quarantine"]

Formulas = Literal["escape", "keep"]
BOM = b"\xef\xbb\xbf"
# What a sheet of XLSX holds.
MOST_ROWS, MOST_COLUMNS, LONGEST, MOST_DIGITS = 1_048_576, 16_384, 32_767, 10**15
STANDARD = ("case", "activity", "resource", "role", "enabled", "start", "end")
ENDINGS = ".csv, .tsv (both also .gz), .xlsx, .parquet, .xes, .xes.gz or .jsonocel"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Written:
    """A file that was written, the mapping by which `read` makes the log of it again, and what the format cannot hold.

    `mapping` is None where the file says itself what is what.
    """

    path: Path
    mapping: Mapping | None
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        mapping = "" if self.mapping is None else ", mapping=written.mapping"
        again = f"read it again with mk.read(written.path{mapping})"
        return "\n".join([f'Written: "{self.path}"; {again}', *(f"  {note}" for note in self.notes)])


def write(
    log: EventLog,
    path: str | Path,
    *,
    delimiter: str | None = None,
    bom: bool = False,
    formulas: Formulas = "escape",
) -> Written:
    """Write a log to a file whose format its ending tells.

    The endings are `.csv`, `.tsv` (both also `.gz`), `.xlsx`, `.parquet`, `.xes`, `.xes.gz` and `.jsonocel`. A row is
    an activity instance; an ongoing one has no end. Parquet is what `EventLog.save` writes and keeps everything; in the
    others that a case is open is lost unless its last instance is ongoing.

    Parameters
    ----------
    delimiter, bom
        Of CSV: `","` unless said otherwise (a tab for `.tsv`); with `bom`, spreadsheets recognise UTF-8.
    formulas
        Of CSV: `"escape"` puts an apostrophe before text that a spreadsheet would run as a formula (`=`, `+`, `-`, `@`,
        narrow or full-width, a tab or an end of line comes first), as OWASP advises; `formats.escaping` takes it
        away again. `"keep"` leaves texts as they are. In XLSX every text is text and none a formula.

    Raises `DataError` if the ending is not known, the place cannot be written, or the log is too large for a sheet.
    """
    target = checked_path(path)
    name = target.name.casefold()
    plain = name.removesuffix(".gz")
    if formulas not in ("escape", "keep"):
        raise DataError(f'formulas="{formulas}" is not known; pass "escape" or "keep"')
    if plain.endswith((".csv", ".tsv")):
        mark = delimiter or ("\t" if plain.endswith(".tsv") else ",")
        return _written(log, target, lambda at: _csv(log, at, mark, bom, formulas == "escape", name != plain))
    if delimiter is not None or bom:
        raise DataError(f'"{target.name}" is no CSV; delimiter and bom are for .csv and .tsv')
    if name.endswith(".xlsx"):
        done = _written(log, target, lambda at: _xlsx(log, at))
        wall = f"times are those of the wall clock in {log.time_zone}: read them with the mapping, or time_zone=..."
        return done if log.time_zone == "UTC" else replace(done, notes=(*done.notes, wall))
    if name.endswith(".parquet"):
        return Written(path=save_log(log, target), mapping=None, notes=())
    if plain.endswith(".xes"):
        from mkmine.eventlog.formats.xes.writer import write_xes

        return _written(log, target, lambda at: write_xes(log, at, packed=name != plain))
    if name.endswith((".jsonocel", ".ocel.json")):
        from mkmine.eventlog.formats.ocel.writer import write_ocel

        done = _written(log, target, lambda at: write_ocel(log, at))
        return replace(done, notes=(*done.notes, *_open_as_completed(log)))
    raise DataError(f'the format of "{target.name}" is not known by its ending; give {ENDINGS}')


def _written(log: EventLog, target: Path, writer: Callable[[Path], tuple[Mapping | None, list[str]]]) -> Written:
    with replacing(target) as temporary:
        mapping, notes = writer(temporary)
    return Written(path=target, mapping=mapping, notes=(*notes, *_losses(log)))


def _losses(log: EventLog) -> list[str]:
    """Return what no format but the log's own keeps."""
    last = np.zeros(len(log), dtype=np.bool_)
    last[log.offsets[1:] - 1] = True
    begun = np.repeat(np.maximum.reduceat(log.start, log.offsets[:-1]), np.diff(log.offsets))
    passed = int((log.ongoing & (log.start < begun)).sum())
    going = np.bitwise_or.reduceat(np.ascontiguousarray(log.ongoing), log.offsets[:-1])
    still = int((~log.completed & ~going).sum())
    notes = [f"{passed:,} ongoing instances are not the last of their case: they are read as unfinished rows"] * (
        passed > 0
    )
    if still:
        notes.append(f"that {still:,} cases are open is not written: none of their instances is ongoing")
    if log.timestamps == "estimated":
        notes.append("that the starts are estimated is not written")
    if log.observed != (int(log.start.min()), int(log.end.max())):
        notes.append("the window of observation is not written: who reads it takes the first start and the last end")
    if log.calendar is not None:
        notes.append("the calendar is not written: give it to read again")
    return notes


def _open_as_completed(log: EventLog) -> list[str]:
    """Return what an object-centric log does not keep of open cases: every object has only events that happened."""
    going = np.bitwise_or.reduceat(np.ascontiguousarray(log.ongoing), log.offsets[:-1])
    lost = int((~log.completed & going).sum())
    return [f"{lost:,} open cases are read as completed"] if lost else []


# -- tables --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Titles:
    """What the attributes, and the case attributes, are called in a file."""

    own: dict[str, str]
    cases: dict[str, str]

    @classmethod
    def of(cls, log: EventLog, fit: Callable[[str], str]) -> _Titles:
        own = titles(log.attributes, STANDARD, fit)
        taken = (*STANDARD, *own.values())
        cases = titles((f"case:{name}" for name in log.case_attributes), taken, fit)
        return cls(own=own, cases={old.removeprefix("case:"): new for old, new in cases.items()})

    def changed(self) -> list[str]:
        both = [*self.own.items(), *((f"case:{old}", new) for old, new in self.cases.items())]
        return [f'attribute "{old}" is called "{new}"' for old, new in both if old != new]


def _mapping(log: EventLog, names: _Titles) -> Mapping:
    starts = _has_starts(log)
    return Mapping(
        case="case",
        activity="activity",
        start="start" if starts else None,
        end="end",
        enabled=None if log.enabled is None else "enabled",
        resource="resource" if log.resources else None,
        role="role" if log.roles else None,
        attributes=tuple(names.own.values()),
        case_attributes=tuple(names.cases.values()),
        time_zone=log.time_zone,
        timestamps="interval" if starts else "completed",
    )


def _has_starts(log: EventLog) -> bool:
    return log.timestamps != "completed" or bool(log.ongoing.any())


def _table(log: EventLog, called: _Titles, first: int, last: int) -> pa.Table:
    """Return the instances of some cases; times are µs UTC, the end of what is ongoing is missing."""
    rows = slice(int(log.offsets[first]), int(log.offsets[last]))
    cases = log.case_of[rows] - np.int32(first)
    out: dict[str, Any] = {
        "case": pa.DictionaryArray.from_arrays(pa.array(cases), log.case_names.slice(first, last - first)),
        "activity": named(log.activity[rows], log.activities),
    }
    for name, codes, names in (("resource", log.resource, log.resources), ("role", log.role, log.roles)):
        if names:
            out[name] = named(codes[rows], names)
    stamp = pa.timestamp("us", tz="UTC")
    if log.enabled is not None:
        out["enabled"] = pa.array(log.enabled[rows]).cast(stamp)
    if _has_starts(log):
        out["start"] = pa.array(log.start[rows]).cast(stamp)
    out["end"] = pa.array(log.end[rows], mask=np.ascontiguousarray(log.ongoing[rows])).cast(stamp)
    out |= {called.own[name]: values for name, values in columns(log, rows).items()}
    of_case = case_columns(log, first, last)
    out |= {called.cases[name]: values.take(pa.array(cases)) for name, values in of_case.items()}
    return pa.table(out)


def _csv(log: EventLog, path: Path, mark: str, bom: bool, escape: bool, packed: bool) -> tuple[Mapping, list[str]]:
    import gzip

    from pyarrow import csv

    if len(mark) != 1 or not mark.isascii() or mark in '"\r\n':
        raise DataError(f'"{mark}" is not a delimiter; give one ASCII character other than a quote, e.g. ";"')
    replaced, formulas = Replaced(), 0

    def title(name: str) -> str:
        cleaned = Replaced().clean(pa.array([name.strip()], pa.large_string()), r"\x00")
        return str((escaped(cleaned)[0] if escape else cleaned)[0])

    names = _Titles.of(log, title)

    def texts(column: pa.ChunkedArray) -> pa.Array:
        nonlocal formulas
        values = column.combine_chunks()
        if pa.types.is_timestamp(values.type):
            known = values.cast(pa.int64()).fill_null(0).to_numpy()
            return pc.if_else(values.is_valid(), iso_texts(known, log.time_zone), None)
        if pa.types.is_dictionary(values.type):
            values = values.cast(pa.large_string())
        if not pa.types.is_large_string(values.type):
            return values
        values = replaced.clean(values, r"\x00")
        if escape:
            values, count = escaped(values)
            formulas += count
        return values

    options = csv.WriteOptions(include_header=False, delimiter=mark, quoting_style="needed")
    with path.open("wb") as file:
        sink: Any = gzip.GzipFile("", "wb", 6, file, 0) if packed else file
        sink.write(BOM if bom else b"")
        for first, last in spans(log.offsets):
            table = _table(log, names, first, last)
            if not first:
                row = pa.table([[one] for one in table.column_names], names=table.column_names)
                csv.write_csv(row, sink, options)
            csv.write_csv(pa.table([texts(one) for one in table], names=table.column_names), sink, options)
        if packed:
            sink.close()
    told = [f"{formulas:,} texts that look like formulas begin with an apostrophe"] if formulas else []
    return _mapping(log, names), [*names.changed(), *replaced.note(), *told]


def _xlsx(log: EventLog, path: Path) -> tuple[Mapping, list[str]]:
    names = _Titles.of(log, lambda name: _cell(name.strip(), "column name"))
    width = len(_table(log, names, 0, 1).column_names)
    if len(log) + 1 > MOST_ROWS or width > MOST_COLUMNS:
        raise DataError(
            f"the log has {len(log):,} instances and {width:,} columns, a sheet holds {MOST_ROWS - 1:,} and "
            f"{MOST_COLUMNS:,}; write .csv or .parquet"
        )
    fine = int((log.start % 1_000 != 0).sum() + (log.end % 1_000 != 0).sum())
    replaced = Replaced()
    with _sheet(path) as (sheet, stamp):
        row = 0
        for first, last in spans(log.offsets):
            table = _table(log, names, first, last)
            if not row:
                for at, one in enumerate(table.column_names):
                    _put(sheet, 0, at, one, stamp)
                row = 1
            cells = [_cells(table[name], name, log.time_zone, replaced) for name in table.column_names]
            for values in zip(*cells, strict=True):
                for at, value in enumerate(values):
                    _put(sheet, row, at, value, stamp)
                row += 1
    told = [f"{fine:,} times are finer than the milliseconds that a sheet holds"] if fine else []
    return _mapping(log, names), [*names.changed(), *replaced.note(), *told]


class _sheet:  # noqa: N801 (used as a function)
    """A workbook with one sheet, written row by row; gives the sheet and the format of times."""

    def __init__(self, path: Path) -> None:
        import xlsxwriter  # type: ignore[import-untyped]

        options = {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "default_date_format": "yyyy-mm-dd hh:mm:ss",
        }
        self.book = xlsxwriter.Workbook(str(path), options)

    def __enter__(self) -> tuple[Any, Any]:
        return self.book.add_worksheet("log"), self.book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss.000"})

    def __exit__(self, *_: object) -> None:
        # Also after a failure: it removes the temporary files.
        self.book.close()


def _put(sheet: Any, row: int, at: int, value: Any, stamp: Any) -> None:
    if value is None:
        return
    if isinstance(value, str):
        sheet.write_string(row, at, value)
    elif isinstance(value, bool):
        sheet.write_boolean(row, at, value)
    elif isinstance(value, int | float):
        sheet.write_number(row, at, value)
    else:
        sheet.write_datetime(row, at, value, stamp)


def _cells(column: pa.ChunkedArray, name: str, time_zone: str, replaced: Replaced) -> list[Any]:
    """Return values as a sheet takes them: times by the wall clock, numbers that it cannot hold as text."""
    values = column.combine_chunks()
    if pa.types.is_timestamp(values.type):
        stamps = pd.Series(values.to_pandas()).dt.tz_convert(time_zone).dt.tz_localize(None)
        return [None if pd.isna(one) else one.to_pydatetime() for one in stamps]
    if pa.types.is_floating(values.type):
        return [one if one is None or np.isfinite(one) else str(one) for one in values.to_pylist()]
    if pa.types.is_integer(values.type):
        return [one if one is None or abs(one) < MOST_DIGITS else str(one) for one in values.to_pylist()]
    if pa.types.is_boolean(values.type):
        return list(values.to_pylist())
    # A sheet ends lines with a line feed; it has no carriage returns.
    texts = pc.replace_substring_regex(replaced.clean(values.cast(pa.large_string())), r"\r\n?", "\n")
    longest = pc.max(pc.utf8_length(texts)).as_py() or 0
    if longest > LONGEST:
        raise DataError(
            f'a text of column "{name}" has {longest:,} characters, a cell of XLSX holds {LONGEST:,}; write .csv or '
            f".parquet"
        )
    return list(texts.to_pylist())


def _cell(text: str, what: str) -> str:
    return _cells(pa.chunked_array([[text]], pa.large_string()), what, "UTC", Replaced())[0] or ""


def write_quarantine(log: EventLog, path: str | Path) -> Path:
    """Write the rows that were set aside, each with its `reason`, as CSV, XLSX or Parquet; return the path.

    Texts that a spreadsheet would run are escaped in CSV, as `write` does. Raises `DataError` if the ending is not
    known, the place cannot be written, or nothing was set aside.
    """
    target = checked_path(path)
    if not len(log.quarantine):
        raise DataError(f'no row of the log "{log.name}" was set aside; there is nothing to write')
    texts = {str(name): array_of(values).cast(pa.large_string()) for name, values in log.quarantine.items()}
    replaced = Replaced()
    cleaned = {name: replaced.clean(values) for name, values in texts.items()}
    with replacing(target) as temporary:
        if target.suffix.casefold() == ".parquet":
            import pyarrow.parquet as pq

            pq.write_table(pa.table(texts), temporary)
        elif target.suffix.casefold() == ".xlsx":
            with _sheet(temporary) as (sheet, stamp):
                for name, values in list(cleaned.items()):
                    cleaned[name] = _cells(pa.chunked_array([values]), name, "UTC", replaced)
                sheet.write_row(0, 0, [_cell(name, "column name") for name in cleaned])
                for row, cells in enumerate(zip(*cleaned.values(), strict=True), start=1):
                    for at, value in enumerate(cells):
                        _put(sheet, row, at, value, stamp)
        elif target.suffix.casefold() == ".csv":
            from pyarrow import csv

            names = escaped(pa.array(list(cleaned), pa.large_string()))[0].to_pylist()
            csv.write_csv(pa.table([escaped(values)[0] for values in cleaned.values()], names=names), temporary)
        else:
            raise DataError(f'"{target.name}" is none of the formats for rows set aside; give .csv, .xlsx or .parquet')
    return target

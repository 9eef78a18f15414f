"""A chunk of a source checked and brought to the columns of the partitions; unusable rows are set aside or refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mkmine.calendars import from_us
from mkmine.errors import DataError
from mkmine.eventlog.encoding import EARLIEST, LATEST, encode
from mkmine.eventlog.formats.coding import JOINT, attribute, joined
from mkmine.eventlog.formats.dates import FLAWS, MISSING, Times, likely_zone, parse_times
from mkmine.eventlog.formats.mapping import Mapping
from mkmine.eventlog.formats.table import Table, is_text, plain, written
from mkmine.eventlog.partitions.chunks import Chunk
from mkmine.eventlog.partitions.plan import Content, Plan

__all__ = ["TOLD", "Intake", "Taken"]

Int = NDArray[np.int64]
Bools = NDArray[np.bool_]
# A column with more distinct texts than this in a chunk is kept as plain text: every piece brings its dictionary.
FEW = 4096
# What the rows of a saved log tell of themselves and of their cases.
TOLD = ("ongoing", "completed")
# So many times of a source are kept to tell its zone by their offsets.
SAMPLE = 20_000
# Dates such as 03/04/2025, of which only the whole column can tell the order.
OPEN_DATE = r"^(\s*)(\d{1,2})[/-](\d{1,2})[/-](\d{2,4})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The usable rows of a chunk in the columns of the partitions, those set aside, and the number of the first row.

    The columns are row (int32, from `first`), case, activity, end, and as far as the mapping has them start, enabled,
    ongoing, resource, role, lifecycle, instance, and @name for every further column `name`.
    """

    rows: pa.RecordBatch
    aside: pd.DataFrame
    first: int


@dataclass(kw_only=True)
class Intake:
    """Takes chunks in; what they tell of the whole source gathers here.

    `observed` is the first start and the last end of the usable rows, `texts` says of each text column what all its
    values are so far, `unfinished` whether any row is ongoing, `enabled` whether any tells that time.
    """

    plan: Plan
    called: str
    texts: dict[str, Content] = field(default_factory=dict)
    observed: tuple[int, int] = (np.iinfo(np.int64).max, MISSING)
    unfinished: bool = False
    enabled: bool = False
    rows: int = 0
    _zone: str | None = None
    _sample: list[tuple[pa.ChunkedArray, Int]] = field(default_factory=list)
    _every: int = 1

    def __post_init__(self) -> None:
        self.mapping: Mapping = self.plan.mapping
        self.aware, self.month_first = dict(self.plan.aware), dict(self.plan.month_first)
        self.whole = dict(self.plan.whole)

    def decided(self) -> Plan:
        """Return the plan with what the chunks so far have decided."""
        shown = self.mapping.time_zone or self._zone or self._offsets() or self.plan.shown
        return self.plan.model_copy(
            update={"aware": self.aware, "month_first": self.month_first, "whole": self.whole, "shown": shown}
        )

    def take(self, chunk: Chunk) -> Taken:
        """Check a chunk.

        Raises `DataError` for rows that cannot be used, unless they are to be set aside.
        """
        table, mapping = chunk.table.unify_dictionaries().combine_chunks(), self.mapping
        self.rows += len(table) + len(chunk.aside)
        checked = _Checked(chunk=chunk, where=self.called, raising=self.plan.errors == "raise", known=self.rows)
        columns: dict[str, pa.Array] = {}
        assert mapping.case is not None
        columns["case"] = _trimmed(_undone(self._names(table, mapping.case)))
        columns["activity"] = self._activity(table)
        for name, source in (("case", mapping.case), ("activity", JOINT.join(mapping.activity_columns))):
            checked.refuse(_empty(columns[name]), lambda _: "empty", f'{name} column "{source}"')
        columns |= self._times(table, checked)
        if self.plan.saved is not None:
            columns |= {name: _whole(table.column(name)) for name in TOLD if name in table.column_names}
        for name in ("resource", "role", "lifecycle", "instance"):
            source = getattr(mapping, name)
            if source is not None and (name != "lifecycle" or self.plan.paired):
                columns[name] = self._names(table, source)
        for name in dict.fromkeys([*self.plan.case_attributes, *self.plan.attributes]):
            columns[f"@{name}"] = self._further(name, table.column(name))
        first = int(chunk.rows[0]) if len(table) else 1
        columns["row"] = pa.array((chunk.rows - first).astype(np.int32))
        batch = pa.record_batch([_whole(one) for one in columns.values()], names=list(columns))
        if checked.bad.any():
            batch = batch.filter(pa.array(~checked.bad))
        self._gather(batch)
        return Taken(rows=batch, aside=checked.aside(), first=first)

    def _gather(self, batch: pa.RecordBatch) -> None:
        if not len(batch):
            return
        names = batch.schema.names
        ends = batch.column("end").to_numpy()
        starts = batch.column("start").to_numpy() if "start" in names else ends
        self.observed = min(self.observed[0], int(starts.min())), max(self.observed[1], int(ends.max()))
        self.unfinished |= "ongoing" in names and bool(pc.any(batch.column("ongoing")).as_py())
        if "enabled" in names:
            self.enabled |= bool((batch.column("enabled").to_numpy() != MISSING).any())

    # -- names and further columns -------------------------------------------------------------------------------------

    def _names(self, table: pa.Table, source: str) -> pa.Array:
        """Return a column of names as text; few distinct ones as a dictionary."""
        column = plain(table.column(source))
        if pa.types.is_floating(column.type):
            column = self._numbers(source, column)
        elif pa.types.is_boolean(column.type):
            column = pc.if_else(column, "True", "False")
        elif not is_text(column.type):
            column = column.cast(pa.string())
        return _few(_whole(column))

    def _numbers(self, source: str, values: pa.ChunkedArray) -> pa.ChunkedArray:
        """Return numbers as text, without `.0` where a spreadsheet has widened whole ones."""
        values = pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)
        whole = bool(pc.all(pc.equal(pc.floor(values), values), min_count=0).as_py())
        if self.whole.setdefault(source, whole) and not whole:
            raise DataError(
                f'column "{source}" of {self.called} begins with whole numbers and goes on with others, so that names '
                f"would change on the way; convert it to text first"
            )
        return values.cast(pa.int64() if self.whole[source] else pa.string()).cast(pa.string())

    def _activity(self, table: pa.Table) -> pa.Array:
        first, *others = self.mapping.activity_columns
        if not others:
            return self._names(table, first)
        whole = encode(self._names(table, first))
        for other in others:
            whole = joined(whole, encode(self._names(table, other)))
        codes = pa.array(whole.codes, mask=whole.codes < 0)
        return _few(pa.DictionaryArray.from_arrays(codes, whole.names.cast(pa.string())))

    def _further(self, name: str, column: pa.ChunkedArray) -> pa.Array:
        column = plain(column)
        if not is_text(column.type):
            zoned = pa.types.is_timestamp(column.type) and column.type.tz is not None
            return _whole(column.cast(pa.timestamp("us", tz="UTC")) if zoned else column)
        values = _few(_whole(column))
        before = self.texts.get(name)
        if before != "text":
            now = _content(values)
            self.texts[name] = now if before in (None, now) else "text" if now == "text" else "numbers"
        return values

    # -- times ---------------------------------------------------------------------------------------------------------

    def _times(self, table: pa.Table, checked: _Checked) -> dict[str, pa.Array]:
        """Return end, and as far as they are told start, ongoing and enabled (µs)."""
        mapping = self.mapping
        start, end, enabled = (
            self._moments(table, one, checked) for one in (mapping.start, mapping.end, mapping.enabled)
        )
        main, source = (end, mapping.end) if end is not None else (start, mapping.start)
        assert main is not None
        assert source is not None
        ends, columns = main.instants.copy(), {}
        if start is not None and end is not None:
            starts, going = start.instants.copy(), end.missing & ~start.missing
            ends[going] = starts[going]
            starts[start.missing] = ends[start.missing]
            columns = {"start": starts, "ongoing": going}
        else:
            starts = ends
        checked.refuse((ends == MISSING) & ~checked.bad, lambda _: "empty", f'time column "{source}"')
        checked.refuse(
            (starts > ends) & ~checked.bad,
            lambda row: f'start "{_clock(int(starts[row]))}" after end "{_clock(int(ends[row]))}"',
            f'end column "{mapping.end}"',
        )
        columns["end"] = ends
        if enabled is not None:
            columns["enabled"] = enabled.instants
        if mapping.time_zone is None and self._zone is None:
            self._remember(table.column(source), main, ~checked.bad)
        return {name: pa.array(values) for name, values in columns.items()}

    def _moments(self, table: pa.Table, source: str | None, checked: _Checked) -> Times | None:
        """Return a parsed time column, its problems noted."""
        if source is None:
            return None
        values = plain(table.column(source))
        parsed = self._parsed(values, source)
        instants = parsed.instants
        if len(instants) and instants.min() >= EARLIEST and instants.max() <= LATEST and not parsed.flaw.any():
            return parsed
        beyond = ((instants < EARLIEST) | (instants > LATEST)) & ~parsed.missing & (parsed.flaw == 0)

        def say(row: int) -> str:
            return (
                f'"{written(values[row])}": {"before 1900 or after 2200" if beyond[row] else FLAWS[parsed.flaw[row]]}'
            )

        checked.refuse((parsed.flaw != 0) | beyond, say, f'time column "{source}"')
        return parsed

    def _parsed(self, values: pa.ChunkedArray, source: str) -> Times:
        """Parse times as the chunks before were parsed.

        Raises `DataError` if the chunk could only be read in another way.
        """
        zone, form = self.mapping.time_zone, self.mapping.date_format
        text = is_text(values.type)
        if text and form is None and _open_dates(values):
            values = self._ordered(values, source)
        parsed = parse_times(values, column=source, time_zone=zone, date_format=form)
        if (parsed.missing | (parsed.flaw != 0)).all():
            return parsed
        kind = ("with offsets" if parsed.aware else "without offsets") if text or zone else parsed.note
        known = self.aware.setdefault(source, kind)
        if kind != known and zone is None:
            raise DataError(
                f'time column "{source}" of {self.called} begins with times {known} and goes on, about row '
                f'{self.rows:,}, with times {kind}; make them alike, or pass time_zone="..." if they are local'
            )
        return parsed

    def _ordered(self, values: pa.ChunkedArray, source: str) -> pa.ChunkedArray:
        """Return dates of open order with points between, which always stand after the day."""
        texts = values.cast(pa.large_string())
        day_first = pc.replace_substring_regex(texts, OPEN_DATE, r"\1\2.\3.\4")
        month_first = pc.replace_substring_regex(texts, OPEN_DATE, r"\1\3.\2.\4")
        if source not in self.month_first:
            zone = self.mapping.time_zone
            # It raises if nothing tells the order.
            meant = parse_times(values, column=source, time_zone=zone).instants
            self.month_first[source] = bool(
                (meant == parse_times(month_first, column=source, time_zone=zone).instants).sum()
                > (meant == parse_times(day_first, column=source, time_zone=zone).instants).sum()
            )
        return month_first if self.month_first[source] else day_first

    def _remember(self, column: pa.ChunkedArray, main: Times, fine: Bools) -> None:
        """Keep some times with what they say of their zone."""
        if not fine.any():
            return
        if not is_text(column.type):
            self._zone = likely_zone(column, main.instants) or "UTC"
            return
        rows = np.flatnonzero(fine)[:: self._every]
        texts = column.take(pa.array(rows)).cast(pa.large_string())
        self._sample.append((texts, main.instants[rows]))
        if sum(len(one) for one, _ in self._sample) > 2 * SAMPLE:
            self._every *= 2
            self._sample = [
                (texts.take(pa.array(np.arange(0, len(texts), 2))), moments[::2]) for texts, moments in self._sample
            ]

    def _offsets(self) -> str | None:
        if not self._sample:
            return None
        texts = pa.chunked_array([part for one, _ in self._sample for part in one.chunks])
        return likely_zone(texts, np.concatenate([moments for _, moments in self._sample]))


@dataclass(kw_only=True)
class _Checked:
    """The rows of a chunk on their way: which are usable, and why the others are not."""

    chunk: Chunk
    where: str
    raising: bool
    known: int

    def __post_init__(self) -> None:
        self.bad = np.zeros(len(self.chunk.table), dtype=np.bool_)
        self.reasons: dict[int, str] = {}

    def refuse(self, bad: Bools, say: Any, what: str) -> None:
        """Raise for the bad rows, or note the reason for each of them."""
        if not bad.any():
            return
        rows = np.flatnonzero(bad)
        if self.raising:
            first = int(rows[0])
            raise DataError(
                f"{what} of {self.where} has {len(rows):,} unusable values in its first {self.known:,} rows (first: "
                f'row {self.chunk.rows[first]:,}, {say(first)}); correct them, or pass errors="quarantine" to set them '
                f"aside"
            )
        self.bad |= bad
        for row in rows.tolist():
            if row not in self.reasons:
                self.reasons[row] = f"{what}: {say(row)}"

    def aside(self) -> pd.DataFrame:
        """Return the rows set aside, with their `row` in the source and the `reason`."""
        if not self.reasons:
            return self.chunk.aside
        lost = Table(columns=self.chunk.table, note="").to_pandas(self.bad)
        reasons = [self.reasons[row] for row in sorted(self.reasons)]
        lost = lost.assign(row=self.chunk.rows[self.bad], reason=reasons)
        return pd.concat([self.chunk.aside, lost], ignore_index=True) if len(self.chunk.aside) else lost


def _content(texts: pa.Array) -> Content:
    """Return what the values of a text column are."""
    missing = texts.null_count > 0
    distinct = (texts.dictionary if pa.types.is_dictionary(texts.type) else texts.unique()).drop_null()
    if (blank := pc.any(pc.equal(distinct, "")).as_py()) is True:
        distinct = distinct.filter(pc.not_equal(distinct, ""))
    if not len(distinct):
        return "empty"
    values = attribute(pa.chunked_array([distinct]))
    if not isinstance(values, np.ndarray):
        return "text"
    return "whole" if values.dtype.kind == "i" and not missing and not blank else "numbers"


def _clock(moment: int) -> str:
    return from_us(moment).isoformat(sep=" ", timespec="seconds")


def _open_dates(values: pa.ChunkedArray) -> bool:
    """Return whether any text begins like 03/04/2025, of which only the whole column can tell the order."""
    marks = pc.utf8_slice_codeunits(pc.utf8_ltrim_whitespace(values.cast(pa.large_string())), 1, 3).unique()
    if not any(mark in (text or "") for text in marks.to_pylist() for mark in "/-"):
        return False
    return bool(pc.any(pc.match_substring_regex(values.cast(pa.large_string()), OPEN_DATE)).as_py())


def _whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    if not isinstance(column, pa.ChunkedArray):
        return column
    joined = column.combine_chunks()
    return joined.chunk(0) if isinstance(joined, pa.ChunkedArray) else joined


def _undone(column: pa.Array) -> pa.Array:
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _few(column: pa.Array) -> pa.Array:
    """Return text as a dictionary of small indices where it has few distinct values, as plain text elsewhere."""
    if not pa.types.is_dictionary(column.type):
        if len(column.slice(0, 4 * FEW).unique()) > FEW // 4:
            return column.cast(pa.string())
        column = column.dictionary_encode()
    distinct = column.dictionary
    if len(distinct) > FEW:
        return column.dictionary_decode().cast(pa.string())
    kind = pa.int8() if len(distinct) < 1 << 7 else pa.int16()
    return pa.DictionaryArray.from_arrays(column.indices.cast(kind), distinct.cast(pa.string()))


def _trimmed(texts: pa.Array) -> pa.Array:
    """Return plain text without the spaces around it."""
    # Python's idea of a space is wider than Arrow's by the separators of ASCII.
    return pc.utf8_trim(pc.utf8_trim_whitespace(texts), "\x1c\x1d\x1e\x1f")


def _empty(names: pa.Array) -> Bools:
    """Return which names are empty or nothing but spaces."""
    if not pa.types.is_dictionary(names.type):
        found = pc.equal(_trimmed(names), "")
        return np.asarray(pc.fill_null(found, True).to_numpy(zero_copy_only=False), dtype=np.bool_)
    blank = pc.fill_null(pc.equal(_trimmed(names.dictionary), ""), True).to_numpy(zero_copy_only=False)
    codes = names.indices.cast(pa.int32()).fill_null(len(blank)).to_numpy(zero_copy_only=False)
    return np.asarray(np.append(blank, True)[codes])

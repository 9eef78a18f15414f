"""Rows of a table on their way to a log: which are usable, why others are not, and what log the usable ones make."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from mkmine.calendars import Calendar, from_us
from mkmine.errors import DataError
from mkmine.eventlog.assembly import assemble
from mkmine.eventlog.enablement import enabled_times
from mkmine.eventlog.encoding import EARLIEST, LATEST, Coded, by_first_appearance
from mkmine.eventlog.formats.coding import JOINT, attribute, coded, first_of_each, joined, taken
from mkmine.eventlog.formats.dates import MISSING, Times, likely_zone, parse_times
from mkmine.eventlog.formats.instances import Instances, entered, finished, paired
from mkmine.eventlog.formats.lifecycle import has_lifecycle
from mkmine.eventlog.formats.mapping import Mapping
from mkmine.eventlog.formats.table import Errors, Table, is_text, written
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.provenance import Step

__all__ = ["UncleanError", "log_of", "with_enabled"]

Bool = NDArray[np.bool_]
BEYOND = "before 1900 or after 2200"


class UncleanError(Exception):
    """A value cannot be used, in a table that holds converted values: it has to be told of as it is written."""


def log_of(
    table: Table,
    mapping: Mapping,
    *,
    where: str,
    errors: Errors,
    steps: list[Step],
    name: str,
    calendar: Calendar | None,
) -> EventLog:
    """Return the log of a table whose columns are decided.

    Raises `DataError` for rows that cannot be used, or sets them aside with `errors="quarantine"`; and `UncleanError`,
    whatever `errors` is, if the table can be read again as text.
    """
    return _Rows(table=table, mapping=mapping, where=where, errors=errors, steps=steps).log(name, calendar)


@dataclass(kw_only=True)
class _Rows:
    """The rows of a table, and for the unusable ones the reason."""

    table: Table
    mapping: Mapping
    where: str
    errors: Errors
    steps: list[Step]
    reasons: dict[int, str] = field(default_factory=dict)

    def log(self, name: str, calendar: Calendar | None) -> EventLog:
        """Return the log of the usable rows."""
        rows, shown = self.instances()
        rows = self.shaped(rows)
        if self.mapping.final is not None:
            rows = finished(rows, self.mapping.final, self.steps)
        aside = self.aside()
        if len(aside):
            self.steps.append(Step("quarantine", _reasons(aside), len(aside)))
        return self.assembled(rows, shown, aside, name, calendar)

    # -- which are usable ----------------------------------------------------------------------------------------------

    @property
    def fine(self) -> Bool | None:
        """Which rows are usable so far; None for all."""
        if not self.reasons:
            return None
        mask = np.ones(len(self.table), dtype=np.bool_)
        mask[list(self.reasons)] = False
        return mask

    def refuse(self, bad: Bool, say: Callable[[int], str], what: str) -> None:
        """Raise for the bad rows, or note the reason for each of them."""
        if not bad.any():
            return
        if self.table.again is not None:
            raise UncleanError
        rows = np.flatnonzero(bad)
        first = int(rows[0])
        if self.errors == "raise":
            said = say(first)
            raise DataError(
                f"{what} of {self.where} has {len(rows):,} unusable of {len(bad):,} values (first: row "
                f'{self.table.rows[first]:,}, {said}); correct them, or pass errors="quarantine" to set them '
                "aside" + (", or time_zone=... if times without an offset are local" if "offset" in said else "")
            )
        for row in rows.tolist():
            self.reasons.setdefault(row, f"{what}: {say(row)}")

    def still(self, bad: Bool) -> Bool:
        """Return a mask without the rows that are refused already."""
        fine = self.fine
        return bad if fine is None else bad & fine

    def aside(self) -> pd.DataFrame:
        """Return the rows set aside, with their `row` in the source and the `reason`."""
        parts = [self.table.aside] if len(self.table.aside) else []
        if (fine := self.fine) is not None:
            bad = np.flatnonzero(~fine)
            lost = self.table.to_pandas(~fine)
            numbers = np.array([self.table.rows[row] for row in bad.tolist()], dtype=np.int64)
            parts.append(lost.assign(row=numbers, reason=[self.reasons[row] for row in bad.tolist()]))
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({"reason": []})

    # -- what they say -------------------------------------------------------------------------------------------------

    def instances(self) -> tuple[Instances, str]:
        """Return the usable rows as instances, and the zone in which times are shown."""
        columns, mapping = self.table.columns, self.mapping
        assert mapping.case is not None
        case = coded(columns[mapping.case])
        first, *others = (coded(columns[one]) for one in mapping.activity_columns)
        activity = first
        for other in others:
            activity = joined(activity, other)
        for what, column, source in (
            ("case", case, mapping.case),
            ("activity", activity, JOINT.join(mapping.activity_columns)),
        ):
            if column.codes.min(initial=0) < 0:
                self.refuse(column.codes < 0, lambda _: "empty", f'{what} column "{source}"')
        rows, shown = self.timed(case, activity)
        fine = self.fine
        if fine is not None and not fine.any():
            told = "; ".join(step.detail for step in self.steps if step.action == "mapping")
            raise DataError(
                f"{self.where} has no usable row of {len(self.table):,} (first: row {self.table.rows[0]:,}, "
                f"{self.reasons[0]}); check the mapping: {told}"
            )
        return (rows if fine is None else rows.take(fine)), shown

    def timed(self, case: Coded, activity: Coded) -> tuple[Instances, str]:
        """Return all rows with their times, and the zone in which times are shown."""
        mapping = self.mapping
        start, end, enabled = (self.times(column) for column in (mapping.start, mapping.end, mapping.enabled))
        main = end or start
        assert main is not None
        starts, ends, ongoing = (start or main).instants, main.instants, None
        if start is not None and end is not None and (end.missing.any() or start.missing.any()):
            ongoing = end.missing & ~start.missing
            ends, starts = np.where(ongoing, starts, ends), np.where(start.missing, ends, starts)
        what = f'column "{mapping.end or mapping.start}"'
        self.refuse(self.still(ends == MISSING), lambda _: "empty", f"time {what}")
        if starts is not ends:
            self.refuse(
                self.still(starts > ends),
                lambda row: f'start "{_clock(starts[row])}" after end "{_clock(ends[row])}"',
                f"end {what}",
            )
        if ongoing is not None and ongoing.any():
            latest = np.full(len(case.names) + 1, MISSING)
            fine = self.still(np.ones(len(ends), dtype=np.bool_))
            np.maximum.at(latest, case.codes[fine], starts[fine])
            passed = self.still(ongoing & (starts < latest[case.codes]))
            self.refuse(passed, lambda _: "empty, but its case goes on", f"end {what}")
        rows = Instances(
            case=case,
            activity=activity,
            start=starts if mapping.timestamps == "interval" else None,
            end=ends,
            enabled=None if enabled is None else enabled.instants,
            ongoing=ongoing,
        )
        return rows, mapping.time_zone or self.zone(main)

    def times(self, column: str | None) -> Times | None:
        """Return a parsed time column, its problems refused."""
        if column is None:
            return None
        values = self.table.columns[column]
        parsed = parse_times(
            values, column=column, time_zone=self.mapping.time_zone, date_format=self.mapping.date_format
        )
        if parsed.decided is not None:
            self.steps.append(Step("times", f'"{column}": {parsed.decided}'))
        instants = parsed.instants
        if instants.min() >= EARLIEST and instants.max() <= LATEST:
            return parsed
        beyond = ~parsed.missing & (parsed.flaw == 0) & ((instants < EARLIEST) | (instants > LATEST))
        if beyond.any() or parsed.flaw.any():
            problem = np.where(beyond, BEYOND, parsed.problem)
            self.refuse(
                problem != "", lambda row: f'"{written(values[row])}": {problem[row]}', f'time column "{column}"'
            )
        return parsed

    def zone(self, main: Times) -> str:
        """Return the zone that the offsets of the times tell of, UTC without any."""
        column = self.mapping.end or self.mapping.start
        assert column is not None
        values, instants = self.table.columns[column], main.instants
        if self.table.sample is not None and not is_text(values.type):
            return likely_zone(self.table.sample[column]) or "UTC"
        if (fine := self.fine) is not None:
            values, instants = values.filter(pa.array(fine)), instants[fine]
        return likely_zone(values, instants) or "UTC"

    def shaped(self, rows: Instances) -> Instances:
        """Return rows that are events as instances."""
        mapping, columns = self.mapping, self.table.columns
        if mapping.timestamps == "entered":
            return entered(rows, self.steps, mapping.final)
        lifecycle = mapping.lifecycle if mapping.lifecycle not in mapping.activity_columns else None
        if lifecycle and mapping.timestamps == "completed":
            transitions = _chosen(columns[lifecycle], rows.source)
            if has_lifecycle(transitions):
                ids = None if mapping.instance is None else coded(_chosen(columns[mapping.instance], rows.source)).codes
                return paired(rows, transitions, ids, self.steps, mapping.policy())
            said = f'"{lifecycle}" does not hold lifecycle transitions; kept as an attribute'
            self.steps.append(Step("lifecycle", said))
        return rows

    # -- the log -------------------------------------------------------------------------------------------------------

    def assembled(
        self, rows: Instances, shown: str, aside: pd.DataFrame, name: str, calendar: Calendar | None
    ) -> EventLog:
        """Put the instances together to a log."""
        mapping, columns = self.mapping, self.table.columns
        observed = (int((rows.end if rows.start is None else rows.start).min()), int(rows.end.max()))
        end, open_cases = rows.end, rows.open_cases
        if rows.ongoing is not None and rows.ongoing.any():
            end = np.where(rows.ongoing, observed[1], end)
            open_cases = np.zeros(len(rows.case.names), dtype=np.bool_) if open_cases is None else open_cases.copy()
            open_cases[rows.case.codes[rows.ongoing]] = True
        people = [self.people(source, rows.source) for source in (mapping.resource, mapping.role)]
        of_case, of_instance = self.further()
        cases = None
        if of_case:
            codes, size = rows.case.codes, len(rows.case.names)
            facts = {
                one.removeprefix("case:"): first_of_each(taken(attribute(columns[one]), rows.source), codes, size)
                for one in of_case
            }
            cases = pd.DataFrame(facts)
        mapped = (one for one in ("resource", "role") if getattr(mapping, one) is not None)
        clash = {"case", "activity", "start", "end", "enabled", "ongoing", "source", *mapped}
        log = assemble(
            case=rows.case,
            activity=rows.activity,
            start=rows.start,
            end=end,
            enabled=None if rows.enabled is None or (rows.enabled == MISSING).all() else rows.enabled,
            ongoing=rows.ongoing,
            attributes={
                f"{one} (column)" if one in clash else one: taken(attribute(columns[one]), rows.source)
                for one in of_instance
            },
            case_attributes=cases,
            completed=None if open_cases is None else ~open_cases,
            time_zone=shown,
            name=name,
            calendar=calendar,
            observed=observed,
            quarantine=aside,
            history=self.steps,
            resource=people[0],
            role=people[1],
        )
        return log if log.enabled is None else with_enabled(log)

    def people(self, source: str | None, rows: NDArray[np.int64] | None) -> Coded | None:
        """Return the names in a column, of those rows only."""
        if source is None:
            return None
        column = coded(self.table.columns[source])
        return column if rows is None else by_first_appearance(column.codes[rows], column.names)

    def further(self) -> tuple[list[str], list[str]]:
        """Return the names of the attributes of cases, and of those of instances."""
        mapping = self.mapping
        used = set(replace(mapping, attributes=None, case_attributes=None).columns()) - {mapping.lifecycle}
        if mapping.lifecycle in mapping.activity_columns:
            used.add(str(mapping.lifecycle))
        # pm4py numbers the rows of its frames in such columns.
        rest = [one for one in self.table.columns.column_names if one not in used and not one.startswith("@@")]
        of_case = list(mapping.case_attributes or [one for one in rest if one.startswith("case:")])
        of_instance = rest if mapping.attributes is None else mapping.attributes
        return of_case, [one for one in dict.fromkeys(of_instance) if one not in of_case]


def _reasons(aside: pd.DataFrame) -> str:
    kinds = aside["reason"].str.split(": ").str[0].value_counts()
    return "; ".join(f"{reason} ({count:,})" for reason, count in kinds.items())


def _clock(moment: int) -> str:
    return from_us(int(moment)).isoformat(sep=" ", timespec="seconds")


def _chosen(values: pa.ChunkedArray, rows: Any) -> pa.ChunkedArray:
    return values if rows is None else values.take(pa.array(rows))


def with_enabled(log: EventLog) -> EventLog:
    """Return the log with enabled times derived from earlier ends where none is recorded."""
    told = log.enabled
    assert told is not None
    unknown = told == MISSING
    # Some systems stamp the two in the wrong order, but nothing starts before it can.
    enabled = np.where(unknown, enabled_times(replace(log, enabled=None)), np.minimum(told, log.start))
    steps = log.history
    if unknown.any():
        steps = (*steps, Step("enabled", "not recorded; taken as the latest end before the start", int(unknown.sum())))
    return replace(log, enabled=enabled, history=steps)

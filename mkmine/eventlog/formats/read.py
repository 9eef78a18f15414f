"""The door: `read` takes a file or a frame and gives an `EventLog`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.calendars import Calendar, from_us, zone
from mkmine.errors import DataError
from mkmine.eventlog.enablement import enabled_times
from mkmine.eventlog.encoding import EARLIEST, LATEST, Errors
from mkmine.eventlog.formats.dates import MISSING, Times, likely_zone, parse_times
from mkmine.eventlog.formats.instances import entered, finished, paired
from mkmine.eventlog.formats.lifecycle import has_lifecycle
from mkmine.eventlog.formats.mapping import Mapping, Semantic, guess
from mkmine.eventlog.formats.tabular import Table, check_names, read_table
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.provenance import Step

__all__ = ["read"]

JOINT = " / "


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
    calendar: Calendar | None = None,
    name: str | None = None,
    errors: Literal["raise", "quarantine"] = "raise",
) -> EventLog:
    """Read an event log from a file (CSV, TSV, XLSX, Parquet, Feather, XES; packed with gzip too) or a frame.

    Columns that neither the arguments nor `mapping` (a `Mapping` or a YAML file) name are guessed; the guess is kept in
    the log's history. See `Mapping` for the meaning of the arguments. Rows whose `end` is empty while others have one
    are ongoing work, if nothing in their case starts later; otherwise their end is missing, and they cannot be used.

    With `timestamps="entered"` a row is the entry into a status. An activity that is the last of its case in at least
    half of its occurrences is taken as final (unless `final` says so), and a case that stands elsewhere is open: its
    last activity is ongoing until the end of the observation.

    Raises `DataError` or `UnknownNameError` if the source cannot be read or the columns cannot be decided; rows that
    cannot be used are an error too, or are set aside into `log.quarantine` with `errors="quarantine"`.
    """
    if errors not in ("raise", "quarantine"):
        raise DataError(f'errors="{errors}" is not known; pass "raise" or "quarantine"')
    table, called = _table(source, encoding, delimiter, errors)
    told = mapping if isinstance(mapping, Mapping) else Mapping() if mapping is None else Mapping.load(mapping)
    given: dict[str, Any] = {
        "case": case,
        "activity": activity if activity is None or isinstance(activity, str) else tuple(activity),
        "start": start,
        "end": end,
        "enabled": enabled,
        "resource": resource,
        "role": role,
        "lifecycle": lifecycle,
        "attributes": None if attributes is None else tuple(attributes),
        "case_attributes": None if case_attributes is None else tuple(case_attributes),
        "final": None if final is None else (final,) if isinstance(final, str) else tuple(final),
        "timestamps": timestamps,
        "date_format": date_format,
        "time_zone": time_zone,
    }
    told = replace(told, **{key: value for key, value in given.items() if value is not None})
    if told.time_zone is not None:
        zone(told.time_zone)
    if not len(table.frame):
        raise DataError(f"{called} is empty: it has column names but no row; export the log again")
    decided, reasons = guess(table.frame, told, where=called)
    rows = _Rows(table=table, mapping=decided, where=called, errors=errors)
    steps = [Step("read", f"{called} ({table.note})", len(table.frame) + len(table.aside))]
    steps += [Step("mapping", "; ".join(reasons))]
    return _log(rows, steps, name or _stem(source), calendar)


def _table(source: Any, encoding: str | None, delimiter: str | None, errors: Errors) -> tuple[Table, str]:
    if isinstance(source, str | Path):
        path = Path(source)
        if path.name.casefold().removesuffix(".gz").endswith(".xes"):
            from mkmine.eventlog.formats.xes import read_xes

            return read_xes(path), f'"{path.name}"'
        return read_table(path, encoding=encoding, delimiter=delimiter, errors=errors), f'"{path.name}"'
    if not isinstance(source, pd.DataFrame):
        if not hasattr(source, "to_pandas"):
            raise DataError(f"a {type(source).__name__} is not a log; pass a path or a pandas or Polars frame")
        source = source.to_pandas()
    names = check_names(list(source.columns), "the frame")
    frame = source.set_axis(names, axis=1).reset_index(drop=True)
    return Table(frame=frame, rows=np.arange(1, len(frame) + 1), note="frame"), "the frame"


def _stem(source: Any) -> str:
    return Path(source).name.split(".")[0] if isinstance(source, str | Path) else "log"


@dataclass(kw_only=True)
class _Rows:
    """The rows of a table on their way to a log: which are usable, and why the others are not."""

    table: Table
    mapping: Mapping
    where: str
    errors: Errors
    reason: NDArray[np.object_] = field(init=False)

    def __post_init__(self) -> None:
        self.reason = np.full(len(self.table.frame), "", dtype=object)

    def times(self, column: str | None) -> Times | None:
        """Return a parsed time column, its problems noted."""
        if column is None:
            return None
        values = self.table.frame[column]
        parsed = parse_times(
            values, column=column, time_zone=self.mapping.time_zone, date_format=self.mapping.date_format
        )
        beyond = ~parsed.missing & (parsed.problem == "")
        beyond &= (parsed.instants < EARLIEST) | (parsed.instants > LATEST)
        problem = np.where(beyond, "before 1900 or after 2200", parsed.problem)
        self.refuse(problem != "", lambda row: f'"{values.iloc[row]}": {problem[row]}', f'time column "{column}"')
        return parsed

    def refuse(self, bad: NDArray[np.bool_], say: Any, what: str) -> None:
        """Raise for the bad rows, or note the reason for each of them."""
        if not bad.any():
            return
        first = int(np.flatnonzero(bad)[0])
        if self.errors == "raise":
            raise DataError(
                f"{what} of {self.where} has {int(bad.sum()):,} unusable of {len(bad):,} values (first: row "
                f'{self.table.rows[first]:,}, {say(first)}); correct them, or pass errors="quarantine" to set them '
                "aside"
                + (", or time_zone=... if times without an offset are local" if "offset" in str(say(first)) else "")
            )
        for row in np.flatnonzero(bad):
            self.reason[row] = self.reason[row] or f"{what}: {say(int(row))}"

    def aside(self) -> pd.DataFrame:
        """Return the rows set aside, with their `row` in the source and the `reason`."""
        bad = self.reason != ""
        lost = self.table.frame[bad].assign(row=self.table.rows[bad], reason=self.reason[bad])
        parts = [one for one in (self.table.aside, lost) if len(one)]
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({"reason": []})


def _log(rows: _Rows, steps: list[Step], name: str, calendar: Calendar | None) -> EventLog:
    mapping, frame = rows.mapping, rows.table.frame
    assert mapping.case is not None
    instances = pd.DataFrame({"case": _trimmed(frame[mapping.case])})
    instances["activity"] = _activity(frame, mapping)
    for column in ("case", "activity"):
        empty = instances[column].isna() | (instances[column] == "")
        source = mapping.case if column == "case" else JOINT.join(mapping.activity_columns)
        rows.refuse(empty.to_numpy(dtype=np.bool_), lambda _: "empty", f'{column} column "{source}"')
    shown = _add_times(instances, rows)
    usable = rows.reason == ""
    if not usable.any():
        raise DataError(
            f"{rows.where} has no usable row of {len(frame):,} (first: row {rows.table.rows[0]:,}, {rows.reason[0]}); "
            f"check the mapping: {'; '.join(step.detail for step in steps if step.action == 'mapping')}"
        )
    for column in ("resource", "role"):
        if (source := getattr(mapping, column)) is not None:
            instances[column] = _trimmed(frame[source])
    instances["source"] = np.arange(len(frame))
    instances = instances[usable].reset_index(drop=True)
    instances, completed = _shape(instances, mapping, frame, steps)
    if mapping.final is not None:
        completed = finished(instances, mapping.final, steps)
    aside = rows.aside()
    if len(aside):
        steps.append(Step("quarantine", _reasons(aside), len(aside)))
    case_names, extra = _further(frame, mapping)
    chosen = instances["source"].to_numpy()
    # All at once: one by one, each of many columns would be copied for every further one.
    further = {f"@{one}": pd.Series(frame[one].to_numpy()[chosen], index=instances.index) for one in extra}
    shape = instances.attrs
    instances = pd.concat([instances, pd.DataFrame(further, index=instances.index)], axis=1)
    instances.attrs.update(shape)
    return _build(instances, extra, case_names, rows, completed, shown, name, calendar, aside, steps)


def _trimmed(values: pd.Series) -> pd.Series:
    """Return values as text without surrounding spaces; whole floats (ids that a spreadsheet widened) without `.0`."""
    if pd.api.types.is_float_dtype(values.dtype) and bool((values.dropna() % 1 == 0).all()):
        values = values.astype("Int64")
    if isinstance(values.dtype, pd.StringDtype):
        return values.str.strip()
    plain = values.astype(object)
    return plain.where(values.isna(), plain.astype(str).str.strip())


def _activity(frame: pd.DataFrame, mapping: Mapping) -> pd.Series:
    first, *others = (_trimmed(frame[column]) for column in mapping.activity_columns)
    for other in others:
        joined = (first.fillna("") + JOINT + other.fillna("")).str.strip(" /")
        first = joined.where((other.fillna("") != "") & (first.fillna("") != ""), first.fillna("") + other.fillna(""))
    return first


def _add_times(instances: pd.DataFrame, rows: _Rows) -> str:
    """Add start, end and enabled (µs) and `ongoing`; return the zone in which times are shown."""
    mapping = rows.mapping
    start, end, enabled = (rows.times(column) for column in (mapping.start, mapping.end, mapping.enabled))
    main = end or start
    assert main is not None
    starts, ends = (start or main).instants.copy(), main.instants.copy()
    instances["ongoing"] = False
    if start is not None and end is not None:
        unfinished = end.missing & ~start.missing
        instances["ongoing"] = unfinished
        ends[unfinished] = starts[unfinished]
        starts[start.missing] = ends[start.missing]
    if mapping.timestamps == "completed" and start is None:
        starts = ends
    instances["start"], instances["end"] = starts, ends
    instances["enabled"] = MISSING if enabled is None else enabled.instants
    rows.refuse(
        (ends == MISSING) & (rows.reason == ""), lambda _: "empty", f'time column "{mapping.end or mapping.start}"'
    )

    def backwards(row: int) -> str:
        return f'start "{_clock(starts[row])}" after end "{_clock(ends[row])}"'

    rows.refuse((starts > ends) & (rows.reason == ""), backwards, f'end column "{mapping.end}"')
    if instances["ongoing"].any():
        fine = rows.reason == ""
        latest = instances["start"].where(fine, MISSING).groupby(instances["case"].fillna("")).transform("max")
        passed = instances["ongoing"].to_numpy() & (starts < latest.to_numpy()) & fine
        rows.refuse(passed, lambda _: "empty, but its case goes on", f'end column "{mapping.end}"')
    if mapping.time_zone is not None:
        return mapping.time_zone
    column = mapping.end or mapping.start
    assert column is not None
    shown, fine = rows.table.frame[column], rows.reason == ""
    if not fine.all():
        shown = shown[fine].reset_index(drop=True)
    return likely_zone(shown, main.instants[fine]) or "UTC"


def _clock(moment: int) -> str:
    return from_us(int(moment)).isoformat(sep=" ", timespec="seconds")


def _shape(
    instances: pd.DataFrame, mapping: Mapping, frame: pd.DataFrame, steps: list[Step]
) -> tuple[pd.DataFrame, pd.Series | None]:
    """Turn events into instances where a row is not one already."""
    used = set(mapping.activity_columns)
    lifecycle = mapping.lifecycle if mapping.lifecycle not in used else None
    if mapping.timestamps == "entered":
        return entered(instances, steps, mapping.final)
    if lifecycle and mapping.timestamps == "completed":
        transitions = frame[lifecycle].iloc[instances["source"]].reset_index(drop=True)
        if has_lifecycle(transitions):
            ids = None if mapping.instance is None else frame[mapping.instance].to_numpy()[instances["source"]]
            return paired(instances, transitions, ids, steps, mapping.policy()), None
        steps.append(Step("lifecycle", f'"{lifecycle}" does not hold lifecycle transitions; kept as an attribute'))
    return instances, None


def _reasons(aside: pd.DataFrame) -> str:
    kinds = aside["reason"].str.split(": ").str[0].value_counts()
    return "; ".join(f"{reason} ({count:,})" for reason, count in kinds.items())


def _further(frame: pd.DataFrame, mapping: Mapping) -> tuple[list[str], list[str]]:
    """Return the names of the case attributes, and of all attributes, case ones included."""
    used = set(replace(mapping, attributes=None, case_attributes=None).columns()) - {mapping.lifecycle}
    if mapping.lifecycle in mapping.activity_columns:
        used.add(str(mapping.lifecycle))
    rest = [str(one) for one in frame.columns if one not in used]
    of_case = list(mapping.case_attributes or [one for one in rest if one.startswith("case:")])
    of_instance = mapping.attributes if mapping.attributes is not None else rest
    return of_case, list(dict.fromkeys([*of_case, *of_instance]))


def _build(
    instances: pd.DataFrame,
    extra: list[str],
    of_case: list[str],
    rows: _Rows,
    completed: pd.Series | None,
    shown: str,
    name: str,
    calendar: Calendar | None,
    aside: pd.DataFrame,
    steps: list[Step],
) -> EventLog:
    mapping = rows.mapping
    observed = (int(instances["start"].min()), int(instances["end"].max()))
    going = instances["ongoing"].to_numpy(dtype=np.bool_)
    if going.any():
        instances.loc[going, "end"] = observed[1]
        unfinished = pd.Series(~going).groupby(instances["case"].to_numpy()).all()
        completed = unfinished if completed is None else completed & unfinished.reindex(completed.index)
    interval = mapping.timestamps == "entered" or instances.attrs.get("intervals", mapping.timestamps == "interval")
    recorded = bool((instances["enabled"] != MISSING).any())
    for column in ("start", "end"):
        stamps = instances[column].to_numpy().astype("datetime64[us]")
        instances[column] = pd.Series(stamps).dt.tz_localize("UTC")
    attributes = pd.DataFrame({one: tidy(instances[f"@{one}"]) for one in extra})
    frame = instances.drop(columns=[f"@{one}" for one in extra])
    cases = None
    if of_case:
        cases = attributes[of_case].groupby(instances["case"].to_numpy()).first()
        cases.columns = [one.removeprefix("case:") for one in of_case]
    kept = [one for one in extra if one not in of_case]
    clash = {one: f"{one} (column)" for one in kept if one in frame.columns}
    frame = frame.join(attributes[kept].rename(columns=clash))
    log = EventLog.from_pandas(
        frame,
        start="start" if interval else None,
        resource="resource" if mapping.resource else None,
        role="role" if mapping.role else None,
        ongoing="ongoing",
        attributes=[*(clash.get(one, one) for one in kept), *(["enabled"] if recorded else [])],
        case_attributes=cases,
        completed=completed,
        time_zone=shown,
        name=name,
        calendar=calendar,
        observed=observed,
        quarantine=aside,
        history=steps,
    )
    return _with_enabled(log) if recorded else log


def _with_enabled(log: EventLog) -> EventLog:
    """Turn the attribute `enabled` (µs) into the enabled times, derived from earlier ends where it is missing."""
    told = log.attributes["enabled"]
    unknown = told == MISSING
    # Some systems stamp the two in the wrong order, but nothing starts before it can.
    enabled = np.where(unknown, enabled_times(log), np.minimum(told, log.start))
    steps = log.history
    if unknown.any():
        steps = (*steps, Step("enabled", "not recorded; taken as the latest end before the start", int(unknown.sum())))
    others = {name: values for name, values in log.attributes.items() if name != "enabled"}
    return replace(log, enabled=enabled, attributes=others, history=steps)


def tidy(values: pd.Series) -> pd.Series:
    """Return a text column as numbers where every value is one (a decimal comma too); else as it is, empty as None."""
    if not (isinstance(values.dtype, pd.StringDtype) or values.dtype == object):
        return values
    text = values.astype(object).where(values.notna() & (values != ""), None)
    known = text.dropna()
    numeric = r"-?(?:0|[1-9]\d{0,14})(?:[.,]\d+)?(?:[eE][+-]?\d+)?"
    if (
        len(known)
        and all(isinstance(one, str) for one in known.head(50))
        and known.head(50).str.fullmatch(numeric).all()
    ):
        whole = known.astype(str)
        if whole.str.fullmatch(numeric).all():
            return pd.to_numeric(text.astype("str").str.replace(",", ".", regex=False), errors="coerce")
    return text

"""Partitions made of a source, and added to: read chunk by chunk, dealt out, and described in the manifest."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd

from mkmine.calendars import Calendar, zone
from mkmine.errors import DataError
from mkmine.eventlog.encoding import Errors
from mkmine.eventlog.formats.lifecycle import has_lifecycle
from mkmine.eventlog.formats.mapping import Mapping, Semantic, guess
from mkmine.eventlog.partitions.chunks import Form, Source, open_source
from mkmine.eventlog.partitions.folder import (
    MANIFEST,
    MOST,
    AsideFile,
    Manifest,
    SourceMark,
    clear,
    is_ours,
    write_aside,
    writing,
)
from mkmine.eventlog.partitions.hours import Hours
from mkmine.eventlog.partitions.intake import TOLD, Intake
from mkmine.eventlog.partitions.kept import forget
from mkmine.eventlog.partitions.pieces import ChunkFile, read_piece, write_chunk
from mkmine.eventlog.partitions.plan import Facts, Plan, Survey
from mkmine.eventlog.partitions.settling import needs_survey, survey
from mkmine.eventlog.partitions.store import Partitions
from mkmine.eventlog.storage import OF_CASE, OF_INSTANCE, saved_facts
from mkmine.files import checked_path

__all__ = ["add", "partition"]

GIB = 1 << 30
UNITS = {"mb": 1 << 20, "mib": 1 << 20, "gb": GIB, "gib": GIB}
LEAST = 64 << 20
# A chunk, and all that is made of it while it is dealt out, take about so many times its size.
CHUNK_COPIES = 16
# While the log of a partition is made, a row takes about so many bytes, and its further columns these times their size.
ROW, COPIES = 250, 3
# Where nothing tells the size of a source.
UNKNOWN = 64
# So many rows are worth a partition of their own: several workers want several partitions.
WORTH, WORKERS = 100_000, 16


def partition(
    source: Any,
    folder: str | Path,
    *,
    memory: int | str = "2 GB",
    partitions: int | None = None,
    replace_old: bool = False,
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
    header: int | None = None,
    calendar: Calendar | None = None,
    name: str | None = None,
    errors: Errors = "raise",
) -> Partitions:
    """Cut a log that may be larger than memory into partitions on disk, every case wholly in one of them.

    `source` is a Parquet file or a folder of them, a Feather, CSV or TSV file (gzip too), a frame, an iterable of
    frames or Arrow batches, or whatever streams Arrow (a DuckDB relation, an ADBC cursor). It is read once, in chunks.
    What the columns mean is decided at its first rows as `mkmine.read` does, with the same arguments. What only the
    whole source tells (final statuses, the end of the observation, the time zone, the working calendar) is gathered on
    the way, so that the logs of the partitions together are the log that `read` would give.

    The case's id decides its partition by a hash that is the same on every machine. `memory` (bytes, or e.g. "2 GB")
    bounds what making and summarising take, about; it sets the size of the chunks and, unless told, the number of
    partitions. The folder takes about as much room as the columns unpacked: 30 bytes a row, and the attributes.

    If the folder holds the finished partitions of the same source, read with the same arguments, they are returned as
    they are; what an interrupted run left is made anew. With `replace_old=True` other partitions in it are replaced.

    Raises `DataError` or `UnknownNameError` if the source cannot be read, the columns cannot be decided, rows cannot be
    used (unless `errors="quarantine"` sets them aside), or the folder holds anything else or cannot be written.
    """
    if errors not in ("raise", "quarantine"):
        raise DataError(f'errors="{errors}" is not known; pass "raise" or "quarantine"')
    told = mapping if isinstance(mapping, Mapping) else Mapping() if mapping is None else Mapping.load(mapping)
    given: dict[str, Any] = {
        "case": case, "activity": activity, "start": start, "end": end, "enabled": enabled, "resource": resource,
        "role": role, "lifecycle": lifecycle, "attributes": attributes, "case_attributes": case_attributes,
        "final": final, "timestamps": timestamps, "date_format": date_format, "time_zone": time_zone,
    }  # fmt: skip
    listed: dict[str, Any] = {k: v if isinstance(v, str) else tuple(v) for k, v in given.items() if v is not None}
    told = replace(told, **listed)
    if told.time_zone is not None:
        zone(told.time_zone)
    room, target = _bytes(memory), checked_path(folder)
    if partitions is not None and not 1 <= partitions <= MOST:
        raise DataError(f"partitions={partitions} is out of range; give a number from 1 to {MOST:,}, or leave it out")
    asked = [told.to_dict(), partitions, None if calendar is None else calendar.to_dict(), name, errors]
    key = hashlib.sha256(
        json.dumps([*asked, encoding, delimiter, header], sort_keys=True, default=str).encode()
    ).hexdigest()
    form = Form(encoding=encoding, delimiter=delimiter, header=header, errors=errors)
    opened = open_source(source, chunk=room // CHUNK_COPIES, form=form)
    if (ready := _finished(target, opened, key, replace_old=replace_old)) is not None:
        return Partitions(folder=target, manifest=ready)
    saved = saved_facts(Path(source)) if told == Mapping() and isinstance(source, str | Path) else None
    if saved is None:
        plan = _plan(opened, told, name, errors, calendar)
    else:
        plan = _as_saved(opened, saved, name, errors, calendar)
    number = partitions or _number(opened, plan, room)
    with writing(target):
        # Another process may have finished them in the meantime.
        if (ready := _finished(target, opened, key, replace_old=replace_old)) is not None:
            return Partitions(folder=target, manifest=ready)
        clear(target)
        made = _Making(folder=target, partitions=number, plan=plan, hours=Hours())
        if saved is not None:
            made.keep(saved)
        made.read(opened)
        manifest = made.manifest(told=key)
        manifest.save(target)
    return Partitions(folder=target, manifest=manifest)


def add(
    folder: Path,
    manifest: Manifest,
    source: Any,
    *,
    encoding: str | None,
    delimiter: str | None,
    header: int | None,
) -> Manifest:
    """Add a source to partitions; see `Partitions.append`."""
    if manifest.plan.saved is not None and manifest.facts.unfinished:
        raise DataError(
            f'"{folder}" holds a saved log with unfinished work, of which added rows do not tell how it went on; read '
            f"and save the whole anew, and partition that"
        )
    chunk = max(LEAST, sum(file.size for file in manifest.files) // max(len(manifest.files), 1) // 2)
    form = Form(encoding=encoding, delimiter=delimiter, header=header, errors=manifest.plan.errors)
    opened = open_source(source, chunk=chunk, form=form)
    with writing(folder):
        if Manifest.load(folder) != manifest:
            raise DataError(f'"{folder}" has changed since it was opened; open it again with Partitions.open')
        clear(folder, manifest)
        made = _Making(folder=folder, partitions=manifest.partitions, plan=manifest.plan, before=manifest)
        made.read(opened)
        grown = made.manifest(told=manifest.told)
        grown.save(folder)
    forget(folder, {portion.key for portion in Partitions(folder=folder, manifest=grown).portions()})
    return grown


def _bytes(memory: int | str) -> int:
    if isinstance(memory, str):
        found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([mg]i?b)\s*", memory.casefold())
        if found is None:
            raise DataError(f'memory="{memory}" is no size; write e.g. "2 GB" or "500 MB", or a number of bytes')
        memory = int(float(found[1]) * UNITS[found[2]])
    if memory < LEAST:
        raise DataError(f"memory={memory:,} bytes is too little; give at least {LEAST >> 20} MB")
    return memory


def _finished(folder: Path, source: Source, key: str, *, replace_old: bool) -> Manifest | None:
    """Return the manifest of finished partitions of the same source; None if the folder is to be filled.

    Raises `DataError` if it holds anything else.
    """
    if not folder.exists():
        return None
    if not folder.is_dir():
        raise DataError(f'"{folder}" is a file; give a folder for the partitions')
    if not any(folder.iterdir()):
        return None
    if not is_ours(folder):
        raise DataError(f'the folder "{folder}" holds other files; give an empty or a new one for the partitions')
    if replace_old or not (folder / MANIFEST).exists():
        return None
    found = Manifest.load(folder)
    marks = [(one.name, one.size, one.changed) for one in found.sources]
    if found.told == key and source.mark[0] and marks == [source.mark]:
        return found
    raise DataError(
        f'the folder "{folder}" holds partitions of {" and ".join(one.name or "a frame" for one in found.sources)}, or '
        f"read in another way; open them with Partitions.open, give another folder, or pass replace_old=True"
    )


def _plan(source: Source, told: Mapping, name: str | None, errors: Errors, calendar: Calendar | None) -> Plan:
    decided, reasons = guess(source.head, told, where=source.called)
    assert decided.case is not None
    lifecycle = decided.lifecycle if decided.lifecycle not in decided.activity_columns else None
    paired = lifecycle is not None and decided.timestamps == "completed" and has_lifecycle(source.head[lifecycle])
    used = {*replace(decided, attributes=None, case_attributes=None).columns()} - {lifecycle}
    # pm4py numbers the rows of its frames in such columns.
    rest = [one for one in source.head.column_names if one not in used and not one.startswith("@@")]
    of_case = decided.case_attributes or tuple(one for one in rest if one.startswith("case:"))
    return Plan(
        name=name or source.stem,
        note=source.note,
        columns=decided.to_dict(),
        reasons=reasons,
        paired=paired,
        attributes=tuple(one for one in (rest if decided.attributes is None else decided.attributes)),
        case_attributes=of_case,
        errors=errors,
        calendar=None if calendar is None else calendar.to_dict(),
    )


def _as_saved(
    source: Source, saved: dict[str, Any], name: str | None, errors: Errors, calendar: Calendar | None
) -> Plan:
    """Return the plan by which a saved log is what it was."""
    known = source.head.column_names
    single = {one: one for one in ("start", "enabled", "resource", "role") if one in known}
    if saved["timestamps"] == "completed":
        del single["start"]
    mapping = Mapping(
        case="case",
        activity="activity",
        end="end",
        time_zone=saved["time_zone"],
        timestamps="completed" if saved["timestamps"] == "completed" else "interval",
        **cast("dict[str, Any]", single),
    )
    return Plan(
        name=name or saved["name"],
        note="saved log",
        columns=mapping.to_dict(),
        reasons=("as it was saved",),
        paired=False,
        attributes=tuple(one for one in known if one.startswith(OF_INSTANCE)),
        case_attributes=tuple(one for one in known if one.startswith(OF_CASE)),
        errors=errors,
        calendar=saved["calendar"] if calendar is None else calendar.to_dict(),
        saved=saved["timestamps"],
        history=tuple((action, detail, touched) for action, detail, touched in saved["history"]),
    )


def _number(source: Source, plan: Plan, room: int) -> int:
    """Return how many partitions keep the log of one of them within half of the room."""
    if source.size is None:
        return UNKNOWN
    extra = source.head.select([*dict.fromkeys([*plan.attributes, *plan.case_attributes])])
    wide = extra.nbytes / max(len(extra), 1)
    needed = source.size * (ROW + COPIES * wide) / (room / 2)
    return int(np.clip(max(np.ceil(needed), min(WORKERS, source.size // WORTH)), 1, MOST))


@dataclass(kw_only=True)
class _Making:
    """Partitions while a source is read into them; `before` is what they held already."""

    folder: Path
    partitions: int
    plan: Plan
    before: Manifest | None = None
    hours: Hours | None = None
    files: list[ChunkFile] = field(default_factory=list)
    aside: list[AsideFile] = field(default_factory=list)
    observed: tuple[int, int] | None = None

    def keep(self, saved: dict[str, Any]) -> None:
        """Keep what a saved log says beside its rows: how long it was observed, and what was set aside."""
        first, last = saved["observed"]
        self.observed = first, last
        aside: pd.DataFrame = saved["quarantine"]
        if len(aside):
            rows = pd.to_numeric(aside["row"], errors="coerce") if "row" in aside else pd.Series(0, index=aside.index)
            numbered = aside.assign(row=rows.fillna(0).astype("int64"))
            self.aside.append(write_aside(self.folder, 0, numbered))

    def read(self, source: Source) -> None:
        """Read a source to its end."""
        old = self.before
        intake = Intake(plan=self.plan, called=source.called, texts={} if old is None else dict(old.texts))
        if old is not None:
            self.files, self.aside = list(old.files), list(old.aside)
        known = len(self.aside)
        mapping = self.plan.mapping
        needed = dict.fromkeys([*mapping.columns(), *self.plan.case_attributes, *self.plan.attributes])
        if self.plan.saved is not None:
            needed |= dict.fromkeys(one for one in TOLD if one in source.head.column_names)
        if not self.plan.paired and mapping.lifecycle not in {*self.plan.attributes, *mapping.activity_columns}:
            needed.pop(str(mapping.lifecycle), None)
        coded = [*mapping.activity_columns, *(one for one in (mapping.resource, mapping.role) if one is not None)]
        for chunk in source.chunks([*needed], coded):
            taken = intake.take(chunk)
            if len(taken.aside):
                self.aside.append(write_aside(self.folder, len(self.aside), taken.aside))
            if len(taken.rows):
                self.files.append(write_chunk(self.folder, len(self.files), taken.first, taken.rows, self.partitions))
                if self.hours is not None:
                    _count(taken.rows, self.hours, mapping)
        if len(self.files) == (0 if old is None else len(old.files)):
            raise DataError(
                f"{source.called} has no usable row of {intake.rows:,}; check the mapping: "
                f"{'; '.join(self.plan.reasons)}"
            )
        self.intake, self.plan = intake, intake.decided() if old is None else self.plan
        lost = sum(one.rows for one in self.aside[known:])
        path, size, changed = source.mark
        self.mark = SourceMark(
            name=path or source.stem, size=size, changed=changed, rows=intake.rows - lost, aside=lost
        )

    def manifest(self, *, told: str) -> Manifest:
        """Return what the folder holds, the partitions surveyed as far as it is needed."""
        old, intake, mapping = self.before, self.intake, self.plan.mapping
        unfinished = intake.unfinished or (old is not None and bool(old.surveys))
        surveys: list[Survey] = []
        final, intervals = mapping.final, mapping.timestamps in ("interval", "entered")
        enabled, observed = intake.enabled, intake.observed
        if old is not None:
            enabled |= old.facts.enabled
            observed = min(observed[0], old.facts.observed[0]), max(observed[1], old.facts.observed[1])
        if needs_survey(self.plan, unfinished=unfinished):
            surveys = self._surveys()
            whole = surveys[0]
            for one in surveys[1:]:
                whole = whole.merge(one)
            final = whole.final(self.plan) if old is None else old.facts.final
            observed, intervals, enabled = whole.observed, whole.intervals, whole.enabled
            unfinished = whole.unfinished
        if self.observed is not None:
            observed = self.observed
        if self.hours is not None:
            inferred = self.hours.calendar(self.plan.shown).to_dict()
            self.plan = self.plan.model_copy(update={"inferred": inferred})
        numeric = {name: what == "whole" for name, what in intake.texts.items() if what in ("whole", "numbers")}
        facts = Facts(
            observed=observed,
            unfinished=unfinished,
            numeric=numeric,
            intervals=intervals,
            enabled=enabled,
            final=final,
        )
        return Manifest(
            partitions=self.partitions,
            told=told,
            plan=self.plan,
            facts=facts,
            texts=intake.texts,
            sources=(*(() if old is None else old.sources), self.mark),
            files=tuple(self.files),
            aside=tuple(self.aside),
            surveys=tuple(surveys),
        )

    def _surveys(self) -> list[Survey]:
        """Return the survey of every partition; those that an addition did not touch are known."""
        old = self.before
        fresh = self.files if old is None else self.files[len(old.files) :]
        hours = None if self.hours is None else Hours()
        out = []
        for number in range(self.partitions):
            if old is not None and old.surveys and not any(file.counts[number] for file in fresh):
                out.append(old.surveys[number])
                continue
            pieces = [piece for file in self.files if (piece := file.piece(number)) is not None]
            rows = [read_piece(self.folder, piece) for piece in pieces]
            out.append(survey(rows, self.plan, hours) if rows else NOTHING)
        if hours is not None:
            self.hours = hours
        return out


NOTHING = Survey(
    observed=(int(np.iinfo(np.int64).max), int(np.iinfo(np.int64).min)), intervals=False, enabled=False,
    unfinished=False, lost=0, cases=0, instances=0, entries={}, last={},
)  # fmt: skip


def _count(rows: Any, hours: Hours, mapping: Mapping) -> None:
    """Count when things happen in rows that are instances already."""
    names = rows.schema.names
    end = rows.column("end").to_numpy()
    start = rows.column("start").to_numpy() if "start" in names else end
    ongoing = np.zeros(len(end), dtype=np.bool_)
    hours.add_instances(start=start, end=end, ongoing=ongoing, intervals=mapping.timestamps == "interval")

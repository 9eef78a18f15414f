"""Who and what: how often and how long each activity, person or role was at work, and who hands over to whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.calendars import Calendar
from mkmine.errors import DataError
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.notebook import html_table
from mkmine.eventlog.summaries.follows import By, clock, codes_by, on_calendar, pair_counts
from mkmine.eventlog.summaries.plain import added, entry, records
from mkmine.eventlog.summaries.sketch import PERCENTILES, Durations, durations
from mkmine.eventlog.summaries.zones import joint, saved, shown, stamps
from mkmine.eventlog.twins import compiled

__all__ = ["Executions", "HandOvers", "activity_table", "executions", "hand_overs", "resource_table"]

Int = NDArray[np.int64]
SHOWN = 8


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Executions:
    """How often, in how many cases, from when to when and how long each activity (or person, or role) was at work.

    `figures` maps a name to (instances, cases, first start, last end), instants in µs. `durations` are those of the
    instances that are not ongoing; there are none where only completions are known. Instants are shown in
    `time_zone`.
    """

    figures: Mapping[str, tuple[int, int, int, int]] = field(default_factory=dict)
    durations: Durations = field(default_factory=Durations)
    time_zone: str = field(default="", compare=False)

    def merge(self, other: Executions) -> Executions:
        """Return the figures of both parts; `Executions()` is the identity.

        Raises `DataError` if one is by activity and the other by person or role.
        """
        out = dict(self.figures)
        for name, (instances, cases, first, last) in other.figures.items():
            mine = out.get(name, (0, 0, first, last))
            out[name] = (mine[0] + instances, mine[1] + cases, min(mine[2], first), max(mine[3], last))
        return Executions(
            figures=out,
            durations=self.durations.merge(other.durations),
            time_zone=joint(self.time_zone, other.time_zone),
        )

    def to_pandas(self, *, time_zone: str | None = None, percentiles: Sequence[float] = PERCENTILES) -> pd.DataFrame:
        """Return one row per name, the most frequent first: name, instances, cases, durations in hours, first, last.

        Times are those of `time_zone`, or else of the log's.
        """
        order = sorted(self.figures.items(), key=lambda item: (-item[1][0], item[0]))
        frame = pd.DataFrame(
            {
                "name": pd.Series([name for name, _ in order], dtype=object),
                "instances": [one[0] for _, one in order],
                "cases": [one[1] for _, one in order],
            }
        )
        times = self.durations.to_pandas(percentiles=percentiles).drop(columns=["count", "negative"])
        by = self.durations.keys[0] if self.durations.keys else "name"
        times = times.rename(columns={by: "name"}) if by in times else times.assign(name=pd.Series(dtype=object))
        frame = frame.merge(times.astype({"name": object}), on="name", how="left")
        for column, place in (("first", 2), ("last", 3)):
            moments = np.array([one[place] for _, one in order], dtype=np.int64)
            frame[column] = stamps(moments, shown(self.time_zone, time_zone))
        return frame

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, readable by `from_dict`."""
        figures = [[name, *one] for name, one in sorted(self.figures.items())]
        return {"figures": figures, "durations": self.durations.to_dict(), "time_zone": self.time_zone}

    @classmethod
    def from_dict(cls, values: object) -> Executions:
        """Read what `to_dict` returned. Raises `DataError` if it is not that."""
        what = "a saved table of executions"
        rows = records(entry(values, "figures", what), (str, int, int, int, int), what, least=None)
        if any(cases < 1 or instances < cases or last < first for _, instances, cases, first, last in rows):
            raise DataError(f"{what} holds impossible figures; the file is damaged")
        return cls(
            figures={name: (a, b, c, d) for name, a, b, c, d in rows},
            durations=Durations.from_dict(entry(values, "durations", what)),
            time_zone=saved(values, what),
        )

    def __repr__(self) -> str:
        by = self.durations.keys[0] if self.durations.keys else "name"
        instances = sum(one[0] for one in self.figures.values())
        lines = [f"Executions by {by}: {len(self.figures):,} names, {instances:,} instances"]
        top = sorted(self.figures.items(), key=lambda item: (-item[1][0], item[0]))[:SHOWN]
        lines += [f"  {name}: {one[0]:,} times in {one[1]:,} cases" for name, one in top]
        return "\n".join([*lines, *(["  ..."] if len(self.figures) > SHOWN else [])])

    def _repr_html_(self) -> str:
        measured = f"; durations: {self.durations.precision}" if len(self.durations) else ""
        return html_table(self.to_pandas(), repr(self).splitlines()[0] + measured)


def executions(log: EventLog, *, by: By, calendar: Calendar | None = None, exact: bool | None = None) -> Executions:
    """Count and measure what each activity, person or role did; instances of nobody known are left out.

    Durations are those of the wall clock, or working time if a `calendar` is given. Percentiles are exact for up to
    `EXACT` instances, and within 1 % (a sketch) for more; `exact` chooses either.
    """
    codes, names = codes_by(log, by)
    count, cases, first, last = _presence(log, codes, len(names))
    known = range(0 if by == "activity" else 1, len(names))
    figures = {
        names[one]: (int(count[one]), int(cases[one]), int(first[one]), int(last[one])) for one in known if count[one]
    }
    keys = [(name,) for name in names]
    if log.timestamps == "completed":
        empty = np.zeros(0, dtype=np.int64)
        nothing = durations(empty, empty.astype(np.int32), keys, keys=(by,))
        return Executions(figures=figures, durations=nothing, time_zone=log.time_zone)
    start, end = clock(log, calendar)
    groups = codes.astype(np.int32)
    groups[log.ongoing] = -1
    if by != "activity":
        groups[codes == 0] = -1
    measured = durations(end - start, groups, keys, keys=(by,), exact=exact, working=on_calendar(calendar))
    return Executions(figures=figures, durations=measured, time_zone=log.time_zone)


def activity_table(log: EventLog, *, calendar: Calendar | None = None, exact: bool | None = None) -> Executions:
    """Count and measure the executions of each activity; see `executions`."""
    return executions(log, by="activity", calendar=calendar, exact=exact)


def resource_table(log: EventLog, *, calendar: Calendar | None = None, exact: bool | None = None) -> Executions:
    """Count and measure what each person did; see `executions`."""
    return executions(log, by="resource", calendar=calendar, exact=exact)


def _presence(log: EventLog, codes: NDArray[np.unsignedinteger[Any]], size: int) -> tuple[Int, ...]:
    if compiled(len(log)):
        from mkmine.eventlog.summaries import kernels

        return tuple(kernels.presence(log.offsets, codes, log.start, log.end, size))
    count = np.bincount(codes, minlength=size)
    # Cases come in order, so a stable sort by code keeps the instances of a case together.
    order = np.argsort(codes, kind="stable")
    code, case = codes[order], log.case_of[order]
    fresh = np.append(True, (code[1:] != code[:-1]) | (case[1:] != case[:-1]))
    found = np.flatnonzero(count)
    begins = (np.cumsum(count) - count)[found]
    first, last = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
    first[found] = np.minimum.reduceat(log.start[order], begins)
    last[found] = np.maximum.reduceat(log.end[order], begins)
    return count, np.bincount(code[fresh], minlength=size), first, last


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class HandOvers:
    """How often work passes directly from one person (or role) to another: `counts` maps (from, to) to the number.

    Successions by the same person are counted too, as (a, a); those from or to somebody unknown are left out.
    """

    counts: Mapping[tuple[str, str], int] = field(default_factory=dict)

    def merge(self, other: HandOvers) -> HandOvers:
        """Return the counts of both parts; `HandOvers()` is the identity."""
        return HandOvers(counts=added(self.counts, other.counts))

    @property
    def handed(self) -> int:
        """Successions in which the person changes."""
        return sum(count for (giver, taker), count in self.counts.items() if giver != taker)

    def to_pandas(self) -> pd.DataFrame:
        """Return one row per pair: from, to, count; the most frequent first."""
        rows = sorted(((*pair, count) for pair, count in self.counts.items()), key=lambda row: (-row[2], *row[:2]))
        return pd.DataFrame(rows, columns=["from", "to", "count"])

    def matrix(self) -> pd.DataFrame:
        """Return the square of counts, from whom (rows) to whom (columns)."""
        names = sorted({name for pair in self.counts for name in pair})
        place = {name: number for number, name in enumerate(names)}
        out = np.zeros((len(names), len(names)), dtype=np.int64)
        for (giver, taker), count in self.counts.items():
            out[place[giver], place[taker]] = count
        return pd.DataFrame(out, index=pd.Index(names, name="from"), columns=pd.Index(names, name="to"))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, readable by `from_dict`."""
        return {"counts": [[*pair, count] for pair, count in sorted(self.counts.items())]}

    @classmethod
    def from_dict(cls, values: object) -> HandOvers:
        """Read what `to_dict` returned. Raises `DataError` if it is not that."""
        what = "saved hand-overs"
        rows = records(entry(values, "counts", what), (str, str, int), what)
        return cls(counts={(giver, taker): count for giver, taker, count in rows})

    def __repr__(self) -> str:
        if not self.counts:
            return "HandOvers: none, because no two that follow each other are both by somebody known"
        lines = [f"HandOvers: {self.handed:,} of {sum(self.counts.values()):,} successions change hands"]
        changes = self.to_pandas()
        changes = changes[changes["from"] != changes["to"]]
        lines += [
            f"  {giver} -> {taker}: {n:,} times" for giver, taker, n in changes.head(SHOWN).itertuples(index=False)
        ]
        return "\n".join([*lines, *(["  ..."] if len(changes) > SHOWN else [])])

    def _repr_html_(self) -> str:
        return html_table(self.to_pandas(), repr(self).splitlines()[0])


def hand_overs(log: EventLog, *, by: By = "resource") -> HandOvers:
    """Count the direct successions between people, or between roles."""
    codes, names = codes_by(log, by)
    source, target, counts = pair_counts(log.offsets, codes, len(names))
    known = (source > 0) & (target > 0) if by != "activity" else np.ones(len(source), dtype=np.bool_)
    rows = zip(source[known].tolist(), target[known].tolist(), counts[known].tolist(), strict=True)
    return HandOvers(counts={(names[a], names[b]): n for a, b, n in rows})

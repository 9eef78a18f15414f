"""One doubt about a log, and the view of a log that the checks share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from mkmine.calendars import DAY, from_us, local_time
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.summaries import running_end

__all__ = ["KINDS", "Finding", "Kind", "View"]

Int = NDArray[np.int64]
Bool = NDArray[np.bool_]
Kind = Literal[
    "after_end",
    "before_start",
    "bulk",
    "changed_clock",
    "corrections",
    "crowded",
    "cut_end",
    "cut_start",
    "days_off",
    "far_away",
    "forgotten",
    "gaps",
    "heaped",
    "instant",
    "long_cases",
    "lost_letters",
    "midnight",
    "missing_people",
    "missing_values",
    "mistyped",
    "one_time_names",
    "open",
    "other_clock",
    "outliers",
    "overlaps",
    "quarantined",
    "renamed",
    "repeats",
    "rounded",
    "similar_names",
    "similar_people",
    "single",
    "ties",
]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Finding:
    """One doubt: `kind` is its stable name, `count` of `of` things are concerned, with examples and what to do.

    `repair` is the call that mends it, where there is one: a function of `mk.repairs` or `mk.filters`, or
    `estimate_starts` of `mkmine.eventlog.cleaning.estimates`.
    """

    kind: Kind
    what: str
    count: int
    of: int
    examples: tuple[str, ...] = ()
    advice: str = ""
    repair: str = ""

    @property
    def share(self) -> float:
        """The part concerned, 0 to 1."""
        return self.count / self.of if self.of else 0.0

    def __repr__(self) -> str:
        lines = [f"{self.what}: {self.count:,} of {self.of:,} ({self.share:.1%})"]
        further = {"e.g.": "; ".join(self.examples), "advice": self.advice, "repair": self.repair}
        return "\n".join([*lines, *(f"    {name:<6} {text}" for name, text in further.items() if text)])

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "kind": self.kind,
            "what": self.what,
            "count": self.count,
            "of": self.of,
            "share": self.share,
            "examples": list(self.examples),
            "advice": self.advice,
            "repair": self.repair,
        }


@dataclass(frozen=True, eq=False)
class View:
    """A log with what several checks need of it, computed once."""

    log: EventLog

    @cached_property
    def over(self) -> Bool:
        """Which instances are finished, (n,)."""
        return ~self.log.ongoing

    @cached_property
    def inner(self) -> Bool:
        """Which instances come after another one of their case, (n,)."""
        out = np.ones(len(self.log), dtype=np.bool_)
        out[self.log.offsets[:-1]] = False
        return out

    @cached_property
    def begins(self) -> Int:
        """First start of each case, (m,)."""
        return self.log.start[self.log.offsets[:-1]]

    @cached_property
    def finishes(self) -> Int:
        """Last end of each case, (m,)."""
        return self.latest[self.log.offsets[1:] - 1]

    @cached_property
    def latest(self) -> Int:
        """Latest end of the case up to and including each instance, (n,)."""
        return running_end(self.log)

    @cached_property
    def local(self) -> Int:
        """Ends as µs of the wall clock, (n,)."""
        return local_time(self.log.end, self.log.time_zone)

    @cached_property
    def local_start(self) -> Int:
        """Starts as µs of the wall clock, (n,)."""
        return self.local if self.log.timestamps == "completed" else local_time(self.log.start, self.log.time_zone)

    @cached_property
    def day(self) -> Int:
        """Local day of each end, counted from the epoch, (n,)."""
        return self.local // DAY

    @cached_property
    def daily(self) -> tuple[int, Int]:
        """The first local day on which something ended, and how much ended on each day from it on."""
        days = self.day[self.over]
        if not len(days):
            return 0, np.zeros(0, dtype=np.int64)
        first = int(days.min())
        return first, np.bincount(days - first).astype(np.int64)

    def date(self, moment: int) -> str:
        """Return the day of a moment (µs) in the log's time zone, as filters by a window take it."""
        return from_us(int(moment), self.log.time_zone).date().isoformat()

    def cases(self, rows: NDArray[Any]) -> tuple[str, ...]:
        """Return the ids of the first three cases that the instances `rows` (mask or indices) belong to."""
        found = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        cases: list[int] = []
        place = 0
        while place < len(found) and len(cases) < 3:
            case = int(np.searchsorted(self.log.offsets, found[place], side="right")) - 1
            cases.append(case)
            place = int(np.searchsorted(found, self.log.offsets[case + 1], side="left"))
        return self.ids(np.array(cases, dtype=np.int64))

    def ids(self, cases: NDArray[Any]) -> tuple[str, ...]:
        """Return the ids of the first three of these cases (mask or indices)."""
        found = np.flatnonzero(cases) if cases.dtype == np.bool_ else cases
        return tuple(str(self.log.case_names[case].as_py()) for case in found[:3].tolist())

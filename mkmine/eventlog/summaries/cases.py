"""The times of cases: when each began and ended, how much of it was work and how much waiting, and what it cost."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mkmine.calendars import HOUR, Calendar
from mkmine.errors import DataError, UnknownNameError
from mkmine.eventlog.enablement import enabled_times
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.notebook import html_table
from mkmine.eventlog.statistics import running_maximum
from mkmine.eventlog.summaries.follows import codes_by
from mkmine.eventlog.summaries.plain import entry, integers, texts
from mkmine.eventlog.summaries.rework import repeats
from mkmine.eventlog.summaries.sketch import Durations, durations
from mkmine.eventlog.summaries.zones import joint, saved, shown, stamps
from mkmine.eventlog.twins import compiled

__all__ = [
    "CaseTimes",
    "case_durations",
    "case_table",
    "case_times",
    "duplicates",
    "outside_activities",
    "running_end",
    "working_hours",
]

Int = NDArray[np.int64]
MISSING = np.iinfo(np.int64).min
# An activity done by someone named less often than this is an outside wait.
NOBODY = 0.1
# In longer cases with overlaps the enabled times are found by sorting instead of by looking back.
LONG = 1024


def duplicates(log: EventLog) -> NDArray[np.bool_]:
    """Return for each instance (n,) whether an earlier one has the same case, activity, start, end and person."""
    columns = {"case": log.case_of, "a": log.activity, "s": log.start, "e": log.end, "r": log.resource}
    return pd.DataFrame(columns).duplicated().to_numpy(dtype=np.bool_)


def _latest_end_before(log: EventLog, among: NDArray[np.bool_]) -> Int:
    """Return the latest end among those earlier instances of the case, the smallest integer where there is none."""
    latest = running_end(log, among)
    out = np.append(MISSING, latest[:-1])
    out[log.offsets[:-1]] = MISSING
    return out


def running_end(log: EventLog, among: NDArray[np.bool_] | None = None) -> Int:
    """Return the latest end of the case up to and including each instance (n,), `among` some instances or all."""
    ends = log.end if among is None else np.where(among, log.end, MISSING)
    return running_maximum(ends, log.position)


def working_hours(calendar: Calendar, start: Int, end: Int) -> NDArray[np.float64]:
    """Return the working time between instants in hours, negative where `end` comes first."""
    return calendar.working_time(start, end) / HOUR


def outside_activities(log: EventLog) -> NDArray[np.bool_]:
    """Return for each activity (k,) whether it is a wait for someone outside.

    It is one if less than 10 % of it is done by anyone named; none is, in a log without people.
    """
    k = len(log.activities)
    if not log.resources:
        return np.zeros(k, dtype=np.bool_)
    if compiled(len(log)):
        from mkmine.eventlog.summaries import kernels

        total, named = kernels.named(log.activity, np.ascontiguousarray(log.resource), k)
    else:
        named = np.bincount(log.activity[log.resource >= 0], minlength=k)
        total = np.bincount(log.activity, minlength=k)
    return np.asarray((total > 0) & (named < NOBODY * total))


def _none() -> Int:
    return np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class CaseTimes:
    """The wall-clock times (µs) and the counts of every case, arrays (m,). Two are equal in whatever order they stand.

    Attributes
    ----------
    case, completed
        The ids, an Arrow array of text; and False for a case that was still open when the observation ended.
    first, last
        The first moment that it could be worked on, and the last end, from which the cycle time is taken.
    processing, busy
        The sum over instances of the time of each, and the time in which any was in progress (less where work was
        parallel); those of outside activities are neither. None where only completions are known.
    waiting
        The sum over instances of the time from `enabled` to `start`, and of those of outside activities; it may be
        longer than the cycle time where instances wait side by side. Where only completions are known it is all the
        time between them, with the work in it, and no table shows it.
    instances, activities
        Number of instances and of different activities.
    reworked, repeated, hand_offs
        Returns to an activity after another one; instances of the same activity as the one before them; changes of
        person between consecutive instances that have one.
    time_zone
        In which moments are shown; two are equal whatever theirs.
    """

    case: pa.Array = field(default_factory=lambda: pa.array([], pa.large_string()))
    completed: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    first: Int = field(default_factory=_none)
    last: Int = field(default_factory=_none)
    processing: Int | None = None
    busy: Int | None = None
    waiting: Int = field(default_factory=_none)
    instances: Int = field(default_factory=_none)
    activities: Int = field(default_factory=_none)
    reworked: Int = field(default_factory=_none)
    repeated: Int = field(default_factory=_none)
    hand_offs: Int = field(default_factory=_none)
    time_zone: str = ""

    def __post_init__(self) -> None:
        for column in self._columns().values():
            column.flags.writeable = False

    def _columns(self) -> dict[str, NDArray[Any]]:
        held = {name: getattr(self, name) for name in COLUMNS}
        return {name: column for name, column in held.items() if column is not None}

    def __len__(self) -> int:
        return len(self.case)

    @property
    def cycle(self) -> Int:
        """Cycle time, from `first` to `last`."""
        return self.last - self.first

    def _times(self) -> dict[str, Int | None]:
        """Return the times that are told: from one completion to the next waiting and work are one."""
        waiting = None if self.processing is None else self.waiting
        return {"cycle": self.cycle, "processing": self.processing, "busy": self.busy, "waiting": waiting}

    def merge(self, other: CaseTimes) -> CaseTimes:
        """Return the cases of both parts, sorted by id; `CaseTimes()` is the identity.

        Raises `DataError` if a case is in both parts, or only one of them knows when work began.
        """
        if not len(self) or not len(other):
            return other if not len(self) else self
        mine, theirs = self._columns(), other._columns()
        if mine.keys() != theirs.keys():
            raise DataError("one part knows when work began and the other only when it ended; read both the same way")
        columns = {name: np.concatenate((mine[name], theirs[name])) for name in mine}
        zone = joint(self.time_zone, other.time_zone)
        both = CaseTimes(case=pa.concat_arrays([self.case, other.case]), time_zone=zone, **columns)._sorted()
        same = pc.equal(both.case[1:], both.case[:-1])
        if pc.any(same).as_py():
            name = both.case[pc.index(same, True).as_py()].as_py()
            raise DataError(f'the case "{name}" is in both parts; cut a log so that each case is in one')
        return both

    def _sorted(self) -> CaseTimes:
        order = pc.array_sort_indices(self.case)
        rows = order.to_numpy(zero_copy_only=False)
        return self._taken(order, rows)

    def _taken(self, order: pa.Array, rows: Int) -> CaseTimes:
        columns = {name: one[rows] for name, one in self._columns().items()}
        return CaseTimes(case=self.case.take(order), time_zone=self.time_zone, **columns)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CaseTimes):
            return NotImplemented
        a, b = self._sorted(), other._sorted()
        mine, theirs = a._columns(), b._columns()
        return (not len(a) and not len(b)) or (
            a.case.equals(b.case)
            and mine.keys() == theirs.keys()
            and all(np.array_equal(mine[name], theirs[name]) for name in mine)
        )

    __hash__ = None  # type: ignore[assignment]

    def durations(self, *, exact: bool | None = None) -> Durations:
        """Return the distributions over cases, by `measure`: cycle, processing, busy and waiting time.

        Percentiles are exact for up to `EXACT` times, and within 1 % (a sketch) for more; `exact` chooses either.
        Where only completions are known there is the cycle time only: waiting and work cannot be told apart.
        """
        known = {name: values for name, values in self._times().items() if values is not None}
        groups = np.repeat(np.arange(len(known), dtype=np.int32), len(self))
        names = [(name,) for name in known]
        return durations(np.concatenate(list(known.values())), groups, names, keys=("measure",), exact=exact)

    def to_pandas(self, *, time_zone: str | None = None) -> pd.DataFrame:
        """Return one row per case: case, completed, start, end, the counts, and the times in hours.

        Moments are those of `time_zone`, or else of the log's.
        """
        named = shown(self.time_zone, time_zone)
        nan = np.full(len(self), np.nan)
        times = {f"{name}_h": values for name, values in self._times().items()}
        return pd.DataFrame(
            {
                "case": self.case.to_pandas(),
                "completed": self.completed,
                "start": stamps(self.first, named),
                "end": stamps(self.last, named),
                **{name: getattr(self, name) for name in COUNTS},
                **{name: nan if values is None else values / HOUR for name, values in times.items()},
            }
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, readable by `from_dict`."""
        one = self._sorted()
        columns = {name: column.tolist() for name, column in one._columns().items()}
        return {"case": one.case.to_pylist(), "time_zone": self.time_zone} | columns

    @classmethod
    def from_dict(cls, values: object) -> CaseTimes:
        """Read what `to_dict` returned. Raises `DataError` if it is not that."""
        what = "saved times of cases"
        case = texts(entry(values, "case", what), what)
        known = "processing" in values if isinstance(values, Mapping) else False
        names = [name for name in COLUMNS[1:] if known or name not in ("processing", "busy")]
        columns = {name: integers(entry(values, name, what), what) for name in names}
        completed = entry(values, "completed", what)
        if not isinstance(completed, list) or any(not isinstance(one, bool) for one in completed):
            raise DataError(f"{what} do not say which cases were completed; the file is damaged")
        if {len(case)} != {len(completed), *map(len, columns.values())}:
            raise DataError(f"{what} have columns of different lengths; the file is damaged")
        return cls(
            case=pa.array(case, pa.large_string()),
            completed=np.array(completed, dtype=np.bool_),
            time_zone=saved(values, what),
            **columns,
        )

    def __repr__(self) -> str:
        if not len(self):
            return "CaseTimes of no cases"
        measures = self.durations(exact=True)
        found = zip(measures.names, measures.quantile(0.5) / HOUR, strict=True)
        medians = ", ".join(f"{name} {median:,.1f} h" for (name,), median in found)
        open_cases = int((~self.completed).sum())
        told = "" if self.processing is not None else "; from first to last completion, work and waiting not told apart"
        return f"CaseTimes of {len(self):,} cases ({open_cases:,} open), wall clock, medians: {medians}{told}"

    def _repr_html_(self) -> str:
        return html_table(self.to_pandas(), repr(self))


COUNTS = ("instances", "activities", "reworked", "repeated", "hand_offs")
COLUMNS = ("completed", "first", "last", "processing", "busy", "waiting", *COUNTS)


def case_times(log: EventLog, *, outside: Collection[str] = ()) -> CaseTimes:
    """Return the wall-clock times and the counts of every case, in one pass.

    `outside` names the activities that are waits for someone outside (see `outside_activities`). Each case is measured
    by itself, so that parts merge; `case_table` measures working time, and looks at the whole log to tell which
    activities are waits, and whether doing one twice in a row is going on with it.

    Raises `DataError` if durations are too long to be added up, `UnknownNameError` if an activity is not in the log.
    """
    for name in outside:
        if name not in log.activities:
            raise UnknownNameError.of(kind="activity", name=name, known=log.activities)
    sizes = np.diff(log.offsets)
    span = int(log.end.max()) - int((log.start if log.enabled is None else log.enabled).min())
    if span * int(sizes.max()) * 2 >= 2**63:
        raise DataError(
            f"the longest case has {int(sizes.max()):,} instances in a log of {span // (365 * 24 * HOUR):,} years: its "
            f"times cannot be added up; look for wrong dates with log.quality()"
        )
    idle = np.array([name in outside for name in log.activities], dtype=np.bool_)
    if compiled(len(log)):
        times, counts = _compiled_times(log, idle, int(sizes.max()))
    else:
        times, counts = _plain_times(log, idle)
    first, last, processing, busy, waiting = times
    activities, repeated, hand_offs = counts
    known = log.timestamps != "completed"
    return CaseTimes(
        case=log.case_names,
        completed=log.completed,
        first=first,
        last=last,
        processing=processing if known else None,
        busy=busy if known else None,
        waiting=waiting,
        instances=sizes,
        activities=activities,
        reworked=sizes - activities - repeated,
        repeated=repeated,
        hand_offs=hand_offs,
        time_zone=log.time_zone,
    )


def _compiled_times(log: EventLog, idle: NDArray[np.bool_], longest: int) -> tuple[tuple[Int, ...], tuple[Int, ...]]:
    from mkmine.eventlog.summaries import kernels

    people, _ = codes_by(log, "resource")
    counts = tuple(kernels.case_counts(log.offsets, log.activity, people, len(idle)))
    given = log.enabled
    if given is None and log.timestamps == "completed":
        # Completions stand in order, and each is enabled by the one before.
        first, last = log.start[log.offsets[:-1]], log.end[log.offsets[1:] - 1]
        return (first, last, last - first, last - first, last - first), counts
    if given is None and longest > LONG:
        given = enabled_times(log)
    enabled = log.start[:0] if given is None else given
    return tuple(kernels.case_times(log.offsets, log.activity, log.start, log.end, enabled, idle)), counts


def _plain_times(log: EventLog, idle: NDArray[np.bool_]) -> tuple[tuple[Int, ...], tuple[Int, ...]]:
    begin = log.offsets[:-1]
    enabled = enabled_times(log)
    aside = idle[log.activity]
    length = log.end - log.start
    covered = np.where(log.position == 0, log.start, _latest_end_before(log, ~aside))
    busy = np.where(aside, 0, log.end - np.clip(covered, log.start, log.end))
    again = np.append(False, log.activity[1:] == log.activity[:-1])
    again[begin] = False
    times = (
        np.minimum.reduceat(enabled, begin),
        np.maximum.reduceat(log.end, begin),
        np.add.reduceat(np.where(aside, 0, length), begin),
        np.add.reduceat(busy, begin),
        np.add.reduceat(log.start - enabled + np.where(aside, length, 0), begin),
    )
    return times, (_distinct(log), np.add.reduceat(again.astype(np.int64), begin), _hand_offs(log))


def _distinct(log: EventLog) -> Int:
    return np.add.reduceat((log.round == 1).astype(np.int64), log.offsets[:-1])


def _hand_offs(log: EventLog) -> Int:
    person = log.resource
    handed = (log.position[1:] > 0) & (person[1:] != person[:-1]) & (person[1:] >= 0) & (person[:-1] >= 0)
    return np.add.reduceat(np.append(0, handed.astype(np.int64)), log.offsets[:-1])


def case_durations(log: EventLog, *, outside: Collection[str] = (), exact: bool | None = None) -> Durations:
    """Return the distributions over cases of their wall-clock times, by measure; see `CaseTimes` and `case_times`."""
    return case_times(log, outside=outside).durations(exact=exact)


def case_table(
    log: EventLog, *, calendar: Calendar | None = None, waits: NDArray[np.bool_] | None = None
) -> pd.DataFrame:
    """Return one row per case with its times (working hours) and counts.

    Columns: case, completed, start (first moment that it could be worked on), end, instances, activities, reworked
    (returns to an activity after another one), repeated (instances that go on with the activity before them; see
    `repeats`), hand_offs (changes of person between consecutive instances that have one),
    cycle_h, cycle_wall_h, processing_h (sum over instances), busy_h (time in which anything was processed; less where
    work was parallel), waiting_h (sum of enabled to start, and of the instances that are themselves waits).

    `waits` (n,) says which instances are waits; by default those of outside activities. Where only completions are
    known processing_h and busy_h are NaN, and waiting_h is all the time between completions.
    """
    working = calendar or log.working_calendar()
    begin = log.offsets[:-1]
    enabled = enabled_times(log)
    last = running_end(log)[log.offsets[1:] - 1]
    first = np.minimum.reduceat(enabled, begin)
    known = log.timestamps != "completed"
    idle = outside_activities(log)[log.activity] if waits is None else waits
    length = working_hours(working, log.start, log.end)
    waiting = working_hours(working, enabled, log.start) + np.where(idle, length, 0.0)
    # What an earlier instance already covers, or a wait, adds nothing to the time in which something was processed.
    covered = np.where(log.position == 0, log.start, _latest_end_before(log, ~idle))
    fresh = np.clip(covered, log.start, log.end)
    busy = np.where(idle, 0.0, working_hours(working, fresh, log.end))
    size, distinct = np.diff(log.offsets), _distinct(log)
    again = np.add.reduceat(repeats(log).astype(np.int64), begin)
    nan = np.full(log.n_cases, np.nan)
    return pd.DataFrame(
        {
            "case": log.case_ids,
            "completed": log.completed,
            "start": log._local(first),
            "end": log._local(last),
            "instances": size,
            "activities": distinct,
            "reworked": size - distinct - again,
            "repeated": again,
            "hand_offs": _hand_offs(log),
            "cycle_h": working_hours(working, first, last),
            "cycle_wall_h": (last - first) / HOUR,
            "processing_h": np.add.reduceat(np.where(idle, 0.0, length), begin) if known else nan,
            "busy_h": np.add.reduceat(busy, begin) if known else nan,
            "waiting_h": np.add.reduceat(waiting, begin),
        }
    )

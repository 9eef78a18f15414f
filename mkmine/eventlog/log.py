"""The event log: immutable activity instances, sorted once by (case, start, end) and dictionary-encoded."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from mkmine.calendars import Calendar, from_us
from mkmine.errors import DataError
from mkmine.eventlog.columns import Columns, Text, compact
from mkmine.eventlog.description import LogSummary
from mkmine.eventlog.encoding import Errors, case_rounds
from mkmine.eventlog.notebook import html_table
from mkmine.eventlog.provenance import Provenance, Step

if TYPE_CHECKING:
    from mkmine.eventlog.cleaning.quality import Quality

__all__ = ["EventLog"]

Timestamps = Literal["interval", "completed", "estimated"]
Int = NDArray[np.int64]
# Filters that leave a time, or all but the unfinished cases, as it was.
WHOLE = ("filter window", "filter cases")


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class EventLog:
    """Activity instances of one process, in (case, start, end) order; never changed after it is made.

    All instants are int64 microseconds since the epoch in UTC; `n` counts instances, `m` cases.

    Attributes
    ----------
    case_names
        Names of the cases, an Arrow array of m large strings; `case_ids` gives them as Python objects.
    offsets
        Shape (m + 1,): the instances of case `c` are `offsets[c]:offsets[c + 1]`.
    activity, activities
        Codes (n,) in the smallest unsigned type, and the names; names stand in the order in which cases reach them.
    resource, resources, role, roles
        Codes (n,) in the smallest signed type, -1 where unknown, and the names: widen them before arithmetic.
    start, end, enabled
        Instants (n,); `enabled` is None where the source does not record when work could have begun.
    ongoing
        (n,) bool: not finished when the observation ended; its `end` is that moment, not a completion.
    completed
        (m,) bool: False for a case that was still open when the observation ended (it is censored).
    timestamps
        `"interval"`: start and end recorded; `"completed"`: only completions, so start equals end;
        `"estimated"`: starts were estimated.
    attributes, case_attributes
        Further columns: `Columns` that give arrays (n,), and a frame with m rows.
    observed
        First and last instant of the observation.
    history
        What was done to make this log.
    quarantine
        Rows of the source that could not be used, with the column `reason`.
    calendar
        The office calendar, where it is known.
    former
        Names of people whom filters have left out, or who have got another name. They are neither shown nor saved:
        `pseudonymise` looks for them in texts.
    """

    name: str
    time_zone: str
    case_names: pa.Array
    offsets: Int
    activity: NDArray[np.unsignedinteger[Any]]
    activities: tuple[str, ...]
    resource: NDArray[np.signedinteger[Any]]
    resources: tuple[str, ...]
    role: NDArray[np.signedinteger[Any]]
    roles: tuple[str, ...]
    start: Int
    end: Int
    enabled: Int | None
    ongoing: NDArray[np.bool_]
    completed: NDArray[np.bool_]
    timestamps: Timestamps
    attributes: Columns
    case_attributes: pd.DataFrame
    observed: tuple[int, int]
    history: tuple[Step, ...] = ()
    quarantine: pd.DataFrame = field(default_factory=lambda: pd.DataFrame({"reason": []}))
    calendar: Calendar | None = None
    former: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.case_names, pa.Array):
            object.__setattr__(self, "case_names", pa.array(self.case_names, pa.large_string()))
        if not isinstance(self.attributes, Columns):
            # Whoever makes a log by hand gives a plain dict.
            object.__setattr__(self, "attributes", Columns(self.attributes))
        columns = (self.offsets, self.activity, self.resource, self.role, self.start, self.end, self.enabled)
        for column in (*columns, self.ongoing, self.completed):
            if column is not None:
                column.flags.writeable = False

    # -- making one ------------------------------------------------------------------------------------------------

    @classmethod
    def from_pandas(
        cls,
        frame: pd.DataFrame,
        *,
        case: str = "case",
        activity: str = "activity",
        start: str | None = None,
        end: str = "end",
        enabled: str | None = None,
        resource: str | None = None,
        role: str | None = None,
        ongoing: str | None = None,
        attributes: Sequence[str] = (),
        case_attributes: pd.DataFrame | None = None,
        completed: pd.Series | None = None,
        timestamps: Timestamps | None = None,
        time_zone: str = "UTC",
        name: str = "log",
        calendar: Calendar | None = None,
        observed: tuple[int, int] | None = None,
        quarantine: pd.DataFrame | None = None,
        history: Sequence[Step] = (),
        errors: Errors = "raise",
    ) -> EventLog:
        """Sort and encode a frame with one row per activity instance. The frame is not changed.

        Parameters
        ----------
        frame
            Time columns hold datetimes; those without a zone are read as wall-clock times of `time_zone`.
        case, activity, start, end, enabled, resource, role, ongoing
            Names of the columns. Without `start` only completions are known (`timestamps="completed"`).
        attributes
            Further columns to keep per instance.
        case_attributes
            Frame indexed by case id; `completed` is a bool series likewise indexed. Cases that are not in it count as
            completed.
        quarantine
            Rows that an earlier stage set aside; further ones are added to them.
        errors
            `"raise"` stops at rows that cannot be used (no case, no activity, no end, end before start);
            `"quarantine"` sets them aside, counted and kept.

        Raises `UnknownNameError` if a column is absent, and `DataError` if the log is empty or rows cannot be used.
        """
        from mkmine.eventlog.assembly import frame_to_log

        return frame_to_log(
            frame,
            case=case,
            activity=activity,
            start=start,
            end=end,
            enabled=enabled,
            resource=resource,
            role=role,
            ongoing=ongoing,
            attributes=attributes,
            case_attributes=case_attributes,
            completed=completed,
            timestamps=timestamps,
            time_zone=time_zone,
            name=name,
            calendar=calendar,
            observed=observed,
            quarantine=quarantine,
            history=history,
            errors=errors,
        )

    @classmethod
    def open(cls, path: str | Path, *, verify: bool = True) -> EventLog:
        """Open a log that `save` wrote: it is there as it was, nothing is sorted or encoded anew.

        `verify` computes the content hash and compares it with the one that was saved; every result needs the hash
        anyway. (A log with attributes of mixed types is not compared.) It finds damage, not forgery.

        Raises `DataError` if the file is not one, or is damaged.
        """
        from mkmine.eventlog.storage import open_log

        return open_log(path, verify=verify)

    def save(self, path: str | Path) -> Path:
        """Write the whole log as one Parquet file, which other tools can read too; return the path.

        Raises `DataError` if the name does not end in `.parquet`, or the place cannot be written.
        """
        from mkmine.eventlog.storage import save_log

        return save_log(self, path)

    # -- its shape -------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self.start)

    @property
    def n_instances(self) -> int:
        """Number of activity instances."""
        return len(self.start)

    @property
    def n_cases(self) -> int:
        """Number of cases."""
        return len(self.case_names)

    @cached_property
    def case_ids(self) -> NDArray[np.object_]:
        """Names of the cases, shape (m,)."""
        ids: NDArray[np.object_] = self.case_names.to_numpy(zero_copy_only=False).astype(object, copy=False)
        ids.flags.writeable = False
        return ids

    @cached_property
    def case_of(self) -> NDArray[np.int32]:
        """Case number of each instance, shape (n,)."""
        return np.repeat(np.arange(self.n_cases, dtype=np.int32), np.diff(self.offsets))

    @cached_property
    def cancelled(self) -> NDArray[np.bool_]:
        """Which cases ended without a result, shape (m,): those whose case attribute `outcome` is "cancelled"."""
        if "outcome" not in self.case_attributes:
            return np.zeros(self.n_cases, dtype=np.bool_)
        return np.asarray(self.case_attributes["outcome"] == "cancelled", dtype=np.bool_)

    @property
    def partial(self) -> bool:
        """Whether a filter has left out other work of the same people, so that nobody knows how busy they were."""
        return any(
            step.action.startswith("filter") and step.action not in WHOLE and step.touched != 0 for step in self.history
        )

    @cached_property
    def position(self) -> NDArray[np.int32]:
        """Place of each instance in its case, counted from 0, shape (n,)."""
        return (np.arange(self.n_instances) - self.offsets[self.case_of]).astype(np.int32)

    @cached_property
    def round(self) -> NDArray[np.int32]:
        """Which execution of its activity in its case an instance is, counted from 1, shape (n,)."""
        return case_rounds(self.offsets, self.activity, len(self.activities))

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of what the log holds (hex), equal for equal content however it was read."""
        digest = hashlib.sha256()

        def put(values: NDArray[Any]) -> None:
            digest.update(np.ascontiguousarray(values).view(np.uint8).data)

        for names in (self.activities, self.resources, self.roles, self.attributes, self.case_attributes.columns):
            digest.update("\x1f".join(map(str, names)).encode("utf-8", "replace") + b"\x1e")
        digest.update("\x1f".join(self.case_names.to_pylist()).encode())
        for column in (self.offsets, self.activity, self.resource, self.role, self.start, self.end, self.ongoing):
            put(column)
        if self.enabled is not None:
            put(self.enabled)
        put(self.completed)
        for name in self.attributes:
            held = self.attributes.held(name)
            if isinstance(held, Text):
                codes, texts = held.canonical()
                put(codes)
                digest.update("\x1f".join(map(str, texts)).encode("utf-8", "replace"))
            elif held.dtype == object:
                digest.update("\x1f".join(map(str, held.tolist())).encode("utf-8", "replace"))
            elif held.dtype.kind == "f":
                # There are many NaN.
                put(np.where(np.isnan(held), held.dtype.type(np.nan), held))
            else:
                put(held.astype(f"{held.dtype.kind}8[us]") if held.dtype.kind in "mM" else held)
        for _, values in self.case_attributes.items():
            known = np.where(values.isna(), "", values.astype(object))
            digest.update("\x1f".join(map(str, known)).encode("utf-8", "replace"))
        return digest.hexdigest()

    def quality(self) -> Quality:
        """Look for what is doubtful in the log: findings with counts, examples and advice; nothing is changed."""
        from mkmine.eventlog.cleaning.quality import quality

        return quality(self)

    def working_calendar(self) -> Calendar:
        """Return the calendar by which working time is measured: the known one, or else one inferred from the log."""
        return self.calendar or self._inferred

    @cached_property
    def _inferred(self) -> Calendar:
        from mkmine.eventlog.rhythm import infer_calendar

        return infer_calendar(self)

    # -- what is made of it ----------------------------------------------------------------------------------------

    def to_pandas(self) -> pd.DataFrame:
        """Return one row per activity instance; times in the log's time zone.

        An attribute that is called like one of the columns of every log has `_attribute` after its name.
        """
        columns: dict[str, Any] = {
            "case": self.case_ids[self.case_of],
            "activity": _names(self.activities, self.activity),
            "round": self.round,
            "resource": _names(self.resources, self.resource),
            "role": _names(self.roles, self.role),
        }
        if self.enabled is not None:
            columns["enabled"] = self._local(self.enabled)
        columns |= {"start": self._local(self.start), "end": self._local(self.end), "ongoing": self.ongoing}
        further = {f"{name}_attribute" if name in columns else name: self.attributes[name] for name in self.attributes}
        return pd.DataFrame(columns | further)

    def case_frame(self) -> pd.DataFrame:
        """Return one row per case: id, first start, last end, instances, completed, and the case attributes."""
        last = np.maximum.reduceat(self.end, self.offsets[:-1])
        cases = pd.DataFrame(
            {
                "case": self.case_ids,
                "start": self._local(self.start[self.offsets[:-1]]),
                "end": self._local(last),
                "instances": np.diff(self.offsets),
                "completed": self.completed,
            }
        )
        taken = {name: f"{name}_attribute" for name in cases.columns}
        return cases.join(self.case_attributes.rename(columns=taken))

    def keep_cases(self, mask: NDArray[np.bool_], *, action: str, detail: str = "") -> EventLog:
        """Return the log of the cases where `mask` (m,) is true, with the step recorded in its history.

        Raises `DataError` if no case would be left.
        """
        if not mask.any():
            raise DataError(f'the filter "{action}: {detail}" leaves none of {self.n_cases:,} cases; widen it')
        rows = mask[self.case_of]
        sizes = np.diff(self.offsets)[mask]
        kept = self._take(rows)
        return replace(
            kept,
            case_names=self.case_names.filter(pa.array(mask)),
            offsets=np.concatenate(([0], np.cumsum(sizes))).astype(np.int64),
            completed=self.completed[mask],
            case_attributes=_rows(self.case_attributes, mask),
            history=(*self.history, Step(action, detail, int((~mask).sum()))),
        )

    def _take(self, rows: NDArray[Any] | slice) -> EventLog:
        """Return the log of these rows; names that only others have are gone: whoever was left out is not told."""
        end = self.end[rows]
        activity, activities = _used(self.activity[rows], self.activities)
        resource, resources = _used(self.resource[rows], self.resources)
        role, roles = _used(self.role[rows], self.roles)
        return replace(
            self,
            activity=activity,
            activities=activities,
            resource=resource,
            resources=resources,
            role=role,
            roles=roles,
            start=end if self.start is self.end else self.start[rows],
            end=end,
            enabled=None if self.enabled is None else self.enabled[rows],
            ongoing=self.ongoing[rows],
            attributes=self.attributes.take(rows),
            former=self.former if resources is self.resources else tuple(sorted({*self.former, *self.resources})),
        )

    def keep_instances(self, mask: NDArray[np.bool_], *, action: str, detail: str = "") -> EventLog:
        """Return the log of the instances where `mask` (n,) is true; cases left without one are gone.

        The step is recorded in the history. Raises `DataError` if nothing would be left.
        """
        if not mask.any():
            raise DataError(f'the filter "{action}: {detail}" leaves none of {len(self):,} instances; widen it')
        sizes = np.add.reduceat(mask.astype(np.int64), self.offsets[:-1])
        alive = sizes > 0
        return replace(
            self._take(mask),
            case_names=self.case_names.filter(pa.array(alive)),
            offsets=np.concatenate(([0], np.cumsum(sizes[alive]))).astype(np.int64),
            completed=self.completed[alive],
            case_attributes=_rows(self.case_attributes, alive),
            history=(*self.history, Step(action, detail, int((~mask).sum()))),
        )

    def provenance(self, method: str, **parameters: Any) -> Provenance:
        """Return where a result computed from this log by `method` comes from."""
        filters = tuple(str(step) for step in self.history if step.action.startswith("filter"))
        return Provenance(
            log=self.name,
            hash=self.content_hash[:16],
            cases=self.n_cases,
            instances=self.n_instances,
            window=self._window(),
            filters=filters,
            method=method,
            parameters=parameters,
        )

    def describe(self) -> LogSummary:
        """Return the size and shape of the log."""
        calendar = self.working_calendar().describe() + ("" if self.calendar else ", inferred from the log")
        return LogSummary(
            name=self.name,
            cases=self.n_cases,
            open_cases=int((~self.completed).sum()),
            instances=self.n_instances,
            activities=self.activities,
            resources=len(self.resources),
            roles=self.roles,
            window=self._window(),
            time_zone=self.time_zone,
            timestamps=self.timestamps,
            calendar=calendar,
            quarantined=len(self.quarantine),
            hash=self.content_hash[:16],
            history=tuple(map(str, self.history)),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the summary as plain values."""
        return self.describe().to_dict()

    def __repr__(self) -> str:
        first, last = self._window()
        return (
            f"<EventLog {self.name}: {self.n_cases:,} cases, {self.n_instances:,} instances of "
            f"{len(self.activities)} activities, {first} to {last}>"
        )

    def _repr_html_(self) -> str:
        rows = min(10, len(self))
        few = np.arange(self.n_cases) < int(np.searchsorted(self.offsets, rows))
        first = self.keep_cases(few, action="show").to_pandas().head(rows)
        return self.describe()._repr_html_() + html_table(first, f"the first {rows} of {len(self):,} instances")

    def _window(self) -> tuple[str, str]:
        first, last = (from_us(moment, self.time_zone).date().isoformat() for moment in self.observed)
        return first, last

    def _local(self, moments: Int) -> pd.Series:
        stamps = pd.Series(moments.astype("datetime64[us]")).dt.tz_localize("UTC")
        return stamps.dt.tz_convert(self.time_zone)


def _used(codes: NDArray[Any], names: tuple[str, ...]) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Return codes and their names without those that no code has."""
    codes, left = compact(codes, np.array(names, dtype=object))
    return codes, names if len(left) == len(names) else tuple(left.tolist())


def _rows(frame: pd.DataFrame, mask: NDArray[np.bool_]) -> pd.DataFrame:
    """Return the rows of a frame where `mask` is true, and of its categories those that they have."""
    kept = frame.loc[mask].reset_index(drop=True)
    sorts = [name for name in kept.columns if isinstance(kept[name].dtype, pd.CategoricalDtype)]
    return kept.assign(**{name: kept[name].cat.remove_unused_categories() for name in sorts}) if sorts else kept


def _names(names: tuple[str, ...], codes: NDArray[Any]) -> NDArray[np.object_]:
    """Return the name of each code; None for -1."""
    table = np.array([*names, None], dtype=object)
    return table[codes.astype(np.int64)]

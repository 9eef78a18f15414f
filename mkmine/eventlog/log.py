"""The event log: immutable activity instances, sorted once by (case, start, end) and dictionary-encoded."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.calendars import Calendar, from_us, zone
from mkmine.errors import DataError, UnknownNameError
from mkmine.eventlog.description import LogSummary
from mkmine.eventlog.encoding import Errors, encode, encode_activities, encode_sorted, in_order, usable
from mkmine.eventlog.provenance import Provenance, Step

if TYPE_CHECKING:
    pass

__all__ = ["EventLog"]

Timestamps = Literal["interval", "completed", "estimated"]
Int = NDArray[np.int64]
# Filters that leave a time, or all but the unfinished cases, as it was.
WHOLE = ("filter window", "filter cases", "filter duplicates")


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class EventLog:
    """Activity instances of one process, in (case, start, end) order; never changed after it is made.

    All instants are int64 microseconds since the epoch in UTC; `n` counts instances, `m` cases.

    Attributes
    ----------
    case_ids
        Names of the cases, shape (m,).
    offsets
        Shape (m + 1,): the instances of case `c` are `offsets[c]:offsets[c + 1]`.
    activity, activities
        Codes (n,) in the smallest unsigned type, and the names; names stand in the order in which cases reach them.
    resource, resources, role, roles
        Codes (n,), -1 where unknown, and the names.
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
        Further columns: arrays (n,), and a frame with m rows.
    observed
        First and last instant of the observation.
    history
        What was done to make this log.
    quarantine
        Rows of the source that could not be used, with the column `reason`.
    calendar
        The office calendar, where it is known.
    """

    name: str
    time_zone: str
    case_ids: NDArray[np.object_]
    offsets: Int
    activity: NDArray[np.unsignedinteger[Any]]
    activities: tuple[str, ...]
    resource: NDArray[np.int32]
    resources: tuple[str, ...]
    role: NDArray[np.int32]
    roles: tuple[str, ...]
    start: Int
    end: Int
    enabled: Int | None
    ongoing: NDArray[np.bool_]
    completed: NDArray[np.bool_]
    timestamps: Timestamps
    attributes: Mapping[str, NDArray[Any]]
    case_attributes: pd.DataFrame
    observed: tuple[int, int]
    history: tuple[Step, ...] = ()
    quarantine: pd.DataFrame = field(default_factory=lambda: pd.DataFrame({"reason": []}))
    calendar: Calendar | None = None

    def __post_init__(self) -> None:
        columns = (self.offsets, self.activity, self.resource, self.role, self.start, self.end, self.enabled)
        for column in (*columns, self.ongoing, self.completed, self.case_ids, *self.attributes.values()):
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
        zone(time_zone)
        for column in (case, activity, start, end, enabled, resource, role, ongoing, *attributes):
            if column is not None and column not in frame.columns:
                raise UnknownNameError.of(kind="column", name=column, known=[str(one) for one in frame.columns])
        table, aside = usable(frame, case, activity, start, end, enabled, time_zone, errors)
        kept = frame.loc[table.index]
        case_codes, case_names = encode(kept[case])
        order = in_order(case_codes, table["start"].to_numpy(), table["end"].to_numpy())
        codes = case_codes[order]
        offsets = np.concatenate(([0], np.flatnonzero(np.diff(codes)) + 1, [len(codes)])).astype(np.int64)
        activity_codes, activity_names = encode_activities(kept[activity], order, codes)
        resource_codes, resource_names = encode_sorted(kept, resource, order)
        role_codes, role_names = encode_sorted(kept, role, order)
        starts, ends = table["start"].to_numpy()[order], table["end"].to_numpy()[order]
        parts = [part for part in (quarantine, aside) if part is not None and len(part)]
        set_aside = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({"reason": []})
        steps = list(history)
        if len(aside):
            reasons = "; ".join(f"{reason} ({n:,})" for reason, n in aside["reason"].value_counts().items())
            steps.append(Step("quarantine", reasons, len(aside)))
        done = np.ones(len(case_names), dtype=np.bool_)
        if completed is not None:
            done = _by_case(completed).reindex(case_names, fill_value=True).to_numpy(dtype=np.bool_)
        cases = pd.DataFrame(index=pd.RangeIndex(len(case_names)))
        if case_attributes is not None:
            cases = _by_case(case_attributes).reindex(case_names).reset_index(drop=True)
        return cls(
            name=name,
            time_zone=time_zone,
            case_ids=np.asarray(case_names, dtype=object),
            offsets=offsets,
            activity=activity_codes,
            activities=activity_names,
            resource=resource_codes,
            resources=resource_names,
            role=role_codes,
            roles=role_names,
            start=starts,
            end=ends,
            enabled=None if enabled is None else table["enabled"].to_numpy()[order],
            ongoing=(
                np.zeros(len(order), dtype=np.bool_)
                if ongoing is None
                else kept[ongoing].to_numpy(dtype=np.bool_)[order]
            ),
            completed=done,
            timestamps=timestamps or ("completed" if start is None else "interval"),
            attributes={column: kept[column].to_numpy()[order] for column in attributes},
            case_attributes=cases,
            observed=observed or (int(starts.min()), int(ends.max())),
            history=tuple(steps),
            quarantine=set_aside,
            calendar=calendar,
        )

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
        return len(self.case_ids)

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
        key = self.case_of.astype(np.int64) * len(self.activities) + self.activity
        order = np.argsort(key, kind="stable")
        grouped = key[order]
        first = np.concatenate(([True], grouped[1:] != grouped[:-1])) if len(key) else np.zeros(0, dtype=np.bool_)
        begins = np.flatnonzero(first)
        ranks = np.arange(len(key)) - np.repeat(begins, np.diff(np.append(begins, len(key)))) + 1
        out = np.empty(len(key), dtype=np.int32)
        out[order] = ranks
        return out

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of what the log holds (hex), equal for equal content however it was read."""
        digest = hashlib.sha256()
        for names in (self.activities, self.resources, self.roles, tuple(map(str, self.case_ids)), self.attributes):
            digest.update("\x1f".join(names).encode() + b"\x1e")
        for column in (self.offsets, self.activity, self.resource, self.role, self.start, self.end, self.ongoing):
            digest.update(np.ascontiguousarray(column).tobytes())
        digest.update(b"" if self.enabled is None else self.enabled.tobytes())
        digest.update(self.completed.tobytes())
        for values in (*self.attributes.values(), *(column.to_numpy() for _, column in self.case_attributes.items())):
            digest.update("\x1f".join(map(str, values.tolist())).encode())
        return digest.hexdigest()

    def working_calendar(self) -> Calendar:
        """Return the calendar by which working time is measured: the known one, or else one inferred from the log."""
        return self.calendar or self._inferred

    @cached_property
    def _inferred(self) -> Calendar:
        from mkmine.eventlog.rhythm import infer_calendar

        return infer_calendar(self)

    # -- what is made of it ----------------------------------------------------------------------------------------

    def to_pandas(self) -> pd.DataFrame:
        """Return one row per activity instance; times in the log's time zone."""
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
        return pd.DataFrame(columns | dict(self.attributes))

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
            case_ids=self.case_ids[mask],
            offsets=np.concatenate(([0], np.cumsum(sizes))).astype(np.int64),
            completed=self.completed[mask],
            case_attributes=self.case_attributes.loc[mask].reset_index(drop=True),
            history=(*self.history, Step(action, detail, int((~mask).sum()))),
        )

    def _take(self, rows: NDArray[np.bool_]) -> EventLog:
        return replace(
            self,
            activity=self.activity[rows],
            resource=self.resource[rows],
            role=self.role[rows],
            start=self.start[rows],
            end=self.end[rows],
            enabled=None if self.enabled is None else self.enabled[rows],
            ongoing=self.ongoing[rows],
            attributes={name: values[rows] for name, values in self.attributes.items()},
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
            case_ids=self.case_ids[alive],
            offsets=np.concatenate(([0], np.cumsum(sizes[alive]))).astype(np.int64),
            completed=self.completed[alive],
            case_attributes=self.case_attributes.loc[alive].reset_index(drop=True),
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
        return self.describe()._repr_html_() + self.to_pandas().head(10).to_html(index=False, escape=True)

    def _window(self) -> tuple[str, str]:
        first, last = (from_us(moment, self.time_zone).date().isoformat() for moment in self.observed)
        return first, last

    def _local(self, moments: Int) -> pd.Series:
        stamps = pd.Series(moments.astype("datetime64[us]")).dt.tz_localize("UTC")
        return stamps.dt.tz_convert(self.time_zone)


def _by_case(facts: Any) -> Any:
    """Return a frame or a series with its index as text: the ids of a log are text, whatever the source has."""
    return facts.set_axis(facts.index.astype(str).str.strip(), axis=0)


def _names(names: tuple[str, ...], codes: NDArray[Any]) -> NDArray[np.object_]:
    """Return the name of each code; None for -1."""
    table = np.array([*names, None], dtype=object)
    return table[codes.astype(np.int64)]

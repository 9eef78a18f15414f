"""How the rows of a source become logs: decided at its first rows, and kept, the same for all partitions."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, field_validator

from mkmine.calendars import Calendar, zone
from mkmine.errors import UnknownNameError
from mkmine.eventlog.encoding import EARLIEST, LATEST, Errors
from mkmine.eventlog.formats.instances import FINAL_SHARE
from mkmine.eventlog.formats.mapping import Mapping

__all__ = ["Content", "Facts", "Frozen", "Plan", "Survey"]

# What all values of a column of text are: whole numbers, numbers or nothing, nothing, or something else.
Content = Literal["whole", "numbers", "empty", "text"]


class Frozen(BaseModel):
    """What is kept in the manifest: never changed, and nothing unknown in it."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Plan(Frozen):
    """What was decided when the source was read for the first time; rows appended later are read in the same way.

    Attributes
    ----------
    columns
        The mapping as plain values (`Mapping.to_dict`).
    reasons
        Why each column was taken for what it is.
    paired
        Whether rows are transitions of a lifecycle that are paired into instances.
    attributes, case_attributes
        Columns of the source that are kept, per instance and per case.
    aware
        Of each time column whether its values had offsets, and what its numbers mean.
    month_first
        Of each time column with dates such as 03/04/2025 whether the month comes first.
    whole
        Of each column of names that holds numbers with a point whether all of them were whole.
    shown
        The time zone in which times are shown.
    calendar, inferred
        The office calendar that was told, and that which the log's own activity shows, as plain values.
    saved, history
        Of a saved log what its times mean, and its history; its rows tell what is ongoing and which cases are open.
    """

    name: str
    note: str
    columns: dict[str, Any]
    reasons: tuple[str, ...]
    paired: bool
    attributes: tuple[str, ...]
    case_attributes: tuple[str, ...]
    errors: Errors
    aware: dict[str, str] = {}
    month_first: dict[str, bool] = {}
    whole: dict[str, bool] = {}
    shown: str = "UTC"
    calendar: dict[str, Any] | None = None
    inferred: dict[str, Any] | None = None
    saved: Literal["interval", "completed", "estimated"] | None = None
    history: tuple[tuple[str, str, int | None], ...] = ()

    @field_validator("columns")
    @classmethod
    def _a_mapping(cls, columns: dict[str, Any]) -> dict[str, Any]:
        try:
            Mapping.from_dict(columns)
        except UnknownNameError as error:
            raise ValueError(str(error)) from None
        return columns

    @field_validator("attributes", "case_attributes")
    @classmethod
    def _each_once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(names)) < len(names):
            raise ValueError("a column is named twice")
        return names

    @field_validator("shown")
    @classmethod
    def _a_zone(cls, name: str) -> str:
        zone(name)
        return name

    @field_validator("calendar", "inferred")
    @classmethod
    def _a_calendar(cls, values: dict[str, Any] | None) -> dict[str, Any] | None:
        if values is not None:
            Calendar.from_dict(values)
        return values

    def needed(self) -> list[tuple[str, str, str]]:
        """Return the columns that the rows must have: what asks for each, the value that does, and its name there."""
        columns = [("columns", name, name) for name in ("case", "activity", "end")]
        columns += [("columns", "interval", "start")] if self.mapping.timestamps == "interval" else []
        columns += [("paired", "true", "lifecycle")] if self.paired else []
        columns += [("attributes", name, f"@{name}") for name in self.attributes]
        return columns + [("case_attributes", name, f"@{name}") for name in self.case_attributes]

    @property
    def mapping(self) -> Mapping:
        """Which column is which."""
        return Mapping.from_dict(self.columns)


class Facts(Frozen):
    """What must be known of all rows before the log of one partition can be made.

    Attributes
    ----------
    observed
        First start and last end (µs).
    numeric
        Columns of text in which every value is a number, and whether all are there and whole.
    intervals
        Whether instances have both a start and an end.
    enabled
        Whether any row records when work could have begun.
    unfinished
        Whether any instance is ongoing: it lasts until the end of the observation.
    final
        Activities with which a case is finished, None where nothing tells.
    """

    observed: tuple[int, int]
    unfinished: bool
    numeric: dict[str, bool]
    intervals: bool
    enabled: bool
    final: tuple[str, ...] | None

    @field_validator("observed")
    @classmethod
    def _a_window(cls, window: tuple[int, int]) -> tuple[int, int]:
        if not EARLIEST <= window[0] <= window[1] <= LATEST:
            raise ValueError("it is no window of time between 1900 and 2200")
        return window


class Survey(Frozen):
    """What the rows of whole cases tell of the source; `merge` adds what others tell.

    `entries` and `last` count by activity its instances and those that are the last of their case.
    """

    observed: tuple[int, int]
    intervals: bool
    enabled: bool
    unfinished: bool
    lost: int
    cases: int
    instances: int
    entries: dict[str, int]
    last: dict[str, int]

    def merge(self, other: Survey) -> Survey:
        """Return what both parts tell."""
        return Survey(
            observed=(min(self.observed[0], other.observed[0]), max(self.observed[1], other.observed[1])),
            intervals=self.intervals or other.intervals,
            enabled=self.enabled or other.enabled,
            unfinished=self.unfinished or other.unfinished,
            lost=self.lost + other.lost,
            cases=self.cases + other.cases,
            instances=self.instances + other.instances,
            entries=_added(self.entries, other.entries),
            last=_added(self.last, other.last),
        )

    def final(self, plan: Plan) -> tuple[str, ...] | None:
        """Return the activities with which a case is finished.

        Raises `UnknownNameError` if one that was told does not occur.
        """
        told = plan.mapping.final
        if told is None:
            if plan.mapping.timestamps != "entered":
                return None
            return tuple(sorted(one for one, n in self.entries.items() if self.last.get(one, 0) >= FINAL_SHARE * n))
        for one in told:
            if one not in self.entries:
                raise UnknownNameError.of(kind="final activity", name=one, known=sorted(self.entries))
        return told


def _added(a: dict[str, int], b: dict[str, int]) -> dict[str, int]:
    return {name: a.get(name, 0) + b.get(name, 0) for name in [*a, *(one for one in b if one not in a)]}

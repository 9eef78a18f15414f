"""The simulation model: arrivals, routing with rounds, durations, people and calendars, as readable YAML."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from html import escape
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from mkmine.calendars import Calendar, public_holidays
from mkmine.errors import DataError, MkmineError, nearest
from mkmine.files import read_yaml, write_text
from mkmine.simulation.distributions import Distribution

__all__ = ["ActivityModel", "Arrivals", "CalendarModel", "Context", "Person", "Route", "Season", "SimulationModel"]

Name = Annotated[str, Field(min_length=1, max_length=500)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CalendarModel(_Part):
    """Weekly working hours, e.g. `weekly: {Mon-Fri: "09:00-13:00, 14:00-18:00"}`, and the country of the holidays."""

    weekly: dict[str, str]
    holidays: str | None = None
    exceptions: dict[str, str] = {}

    def compiled(self, time_zone: str, absences: list[tuple[date, date]] | None = None) -> Calendar:
        """Return the calendar in a time zone, with a person's absences."""
        base = Calendar.from_dict(self.model_dump(), time_zone=time_zone)
        return base.without(absences) if absences else base


class Person(_Part):
    """Someone who can do what their roles do, at the hours of their calendar, except when absent (dates included)."""

    name: Name
    roles: Annotated[list[Name], Field(min_length=1)]
    calendar: Name
    absences: list[tuple[date, date]] = []


class Route(_Part):
    """Where a case goes next, and how probably; `to: null` ends the case. `rework` marks the way back."""

    to: Name | None
    probability: Annotated[float, Field(ge=0, le=1)]
    rework: bool = False
    outcome: Literal["completed", "cancelled"] = "completed"


class Context(_Part):
    """Routes that hold in a round (the last one: and all further ones) when `before` came just before the activity.

    `before` lists activities in order of time, the nearest last.
    """

    before: Annotated[list[Name], Field(min_length=1, max_length=8)]
    round: Annotated[int, Field(ge=1, le=1000)] = 1
    next: Annotated[list[Route], Field(min_length=1)]


class ActivityModel(_Part):
    """One activity.

    Lists over rounds: the first entry is for the first execution in a case, the second for the second, and the last one
    for all further ones.

    role
        Who does it; null for an outside wait (agency, legal, a publication slot), which holds no one.
    duration
        Processing time in working hours, by round.
    delay
        Outside wait before the work is offered to the role, in working hours of `calendar`.
    calendar
        The clock of an outside wait and of the delay; null runs at all hours.
    same_person
        Further rounds wait for the person who did the first one.
    next
        Routes after this activity, by round.
    contexts
        Other routes where certain activities came before; the longest context that fits wins.
    """

    role: Name | None = None
    duration: Annotated[list[Distribution], Field(min_length=1)]
    delay: Distribution | None = None
    calendar: Name | None = None
    same_person: bool = False
    next: Annotated[list[list[Route]], Field(min_length=1)]
    contexts: list[Context] = []

    @property
    def all_routes(self) -> list[list[Route]]:
        """Every set of routes after this activity."""
        return [*self.next, *(context.next for context in self.contexts)]


class Season(_Part):
    """A span of dates (both included) in which arrivals are multiplied by `factor`."""

    first: date
    last: date
    factor: Annotated[float, Field(ge=0, le=100)]

    @model_validator(mode="after")
    def _ordered(self) -> Season:
        if self.last < self.first:
            raise ValueError(f"the season {self.first} - {self.last} ends before it begins; swap the dates")
        return self


class Arrivals(_Part):
    """A Poisson process with an intensity per weekday and hour.

    weekly
        Seven rows (Monday first) of 24 expected arrivals per hour.
    holidays
        Country whose public holidays bring no arrivals.
    seasons
        Spans with more or fewer arrivals.
    factor
        Multiplies everything: what a scenario changes.
    """

    weekly: Annotated[
        list[Annotated[list[Annotated[float, Field(ge=0, le=1e5)]], Field(min_length=24, max_length=24)]],
        Field(min_length=7, max_length=7),
    ]
    holidays: str | None = None
    seasons: list[Season] = []
    factor: Annotated[float, Field(ge=0, le=100)] = 1.0

    @property
    def per_week(self) -> float:
        """Expected arrivals in an ordinary week."""
        return sum(map(sum, self.weekly)) * self.factor


class SimulationModel(_Part):
    """A model of the process that can be run.

    queue
        The order in which a role takes its work: `"fifo"` by the time it was enabled, `"deadline"` earliest due first.
    due
        Working hours (of `office`) from arrival to the deadline of a case; needed for `queue: deadline`.
    office
        Name of the calendar by which working time is measured in results.
    start
        First day of arrivals.
    until
        Last day of the period that the model replays, if it replays one: experiments look at the weeks before it.
    source
        The log that the model was calibrated from, if it was.
    notes
        What was assumed or could not be estimated; repeated with every answer.
    """

    name: Name
    time_zone: str = "UTC"
    start: date
    until: date | None = None
    office: Name
    calendars: dict[Name, CalendarModel]
    people: list[Person]
    activities: dict[Name, ActivityModel]
    begin: Annotated[list[Route], Field(min_length=1)]
    arrivals: Arrivals
    queue: Literal["fifo", "deadline"] = "fifo"
    due: Distribution | None = None
    source: str | None = None
    notes: list[str] = []

    @model_validator(mode="after")
    def _consistent(self) -> SimulationModel:
        roles = {role for person in self.people for role in person.roles}
        names = list(self.activities)
        if not names:
            raise ValueError("activities: the model has none; give at least one")
        for person in self.people:
            _known(person.calendar, list(self.calendars), f"people: {person.name}: calendar")
        _known(self.office, list(self.calendars), "office")
        seen: set[str] = set()
        for person in self.people:
            if person.name in seen:
                raise ValueError(f'people: "{person.name}" is there twice; give each person another name')
            seen.add(person.name)
        for name, activity in self.activities.items():
            if activity.role is not None and activity.role not in roles:
                raise ValueError(
                    f'activities: {name}: nobody has the role "{activity.role}", so its work would wait for ever; '
                    f"{nearest(activity.role, sorted(roles))}"
                )
            if activity.calendar is not None:
                _known(activity.calendar, list(self.calendars), f"activities: {name}: calendar")
            for number, routes in enumerate(activity.next, 1):
                _check_routes(routes, names, f"activities: {name}: next, round {number}")
            for context in activity.contexts:
                where = f"activities: {name}: context {' > '.join(context.before)}"
                _check_routes(context.next, names, where)
                for earlier in context.before:
                    _known(earlier, names, where)
        _check_routes(self.begin, names, "begin")
        if any(route.to is None for route in self.begin):
            raise ValueError("begin: a case cannot end before its first activity; give each route an activity")
        self._check_endings(names)
        if self.queue == "deadline" and self.due is None:
            raise ValueError("queue: deadline needs `due`, the working hours from arrival to the deadline")
        self._check_calendars()
        return self

    def _check_calendars(self) -> None:
        """Raise if a calendar, a person's absences or the holidays of arrivals cannot be compiled."""
        place = ""
        try:
            for name in self.calendars:
                place = f"calendars: {name}"
                self.calendar(name)
            for person in self.people:
                place = f"people: {person.name}"
                if person.absences:
                    self.calendar(person.calendar, person.absences)
            place = "arrivals"
            if self.arrivals.holidays:
                public_holidays(self.arrivals.holidays, self.start.year)
        except MkmineError as error:
            raise ValueError(f"{place}: {error}") from None

    def _check_endings(self, names: list[str]) -> None:
        """Raise if some activity can be reached from which no case ever ends (the last round's routes decide)."""
        ends = {name for name, one in self.activities.items() if _leads(one.next[-1], None)}
        while True:
            more = {
                name
                for name, one in self.activities.items()
                if name not in ends and any(_leads(one.next[-1], target) for target in ends)
            }
            if not more:
                break
            ends |= more
        trapped = [name for name in names if name not in ends]
        if trapped:
            raise ValueError(f"activities: {trapped[0]}: no route leads from here to an end (to: null); add one")

    @property
    def roles(self) -> tuple[str, ...]:
        """Names of the roles, in the order in which people are listed."""
        return tuple(dict.fromkeys(role for person in self.people for role in person.roles))

    def staff(self, role: str) -> tuple[Person, ...]:
        """Return the people who have a role."""
        return tuple(person for person in self.people if role in person.roles)

    def calendar(self, name: str, absences: list[tuple[date, date]] | None = None) -> Calendar:
        """Return a compiled calendar by name."""
        return self.calendars[name].compiled(self.time_zone, absences)

    @property
    def provenance(self) -> str:
        """Where the model comes from, in one line."""
        return f"calibrated from {self.source}" if self.source else f"model {self.name}, not calibrated from a log"

    # -- files -----------------------------------------------------------------------------------------------------

    @classmethod
    def load(cls, path: str | Path) -> SimulationModel:
        """Read a model from a YAML file. Raises `DataError` with the place in the file if it does not hold one."""
        return cls.from_dict(read_yaml(path, what="model"), where=str(path))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], *, where: str = "model") -> SimulationModel:
        """Check plain values. Raises `DataError` naming the first wrong place and how many there are."""
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            place = ": ".join(str(part) for part in first["loc"])
            more = f" ({error.error_count()} problems in all)" if error.error_count() > 1 else ""
            message = first["msg"].removeprefix("Value error, ")
            raise DataError(f"{where}: {place + ': ' if place else ''}{message}{more}") from None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return self.model_dump(mode="json")

    def to_yaml(self) -> str:
        """Return the model as YAML."""
        values = _pruned(self.to_dict())
        return yaml.safe_dump(values, allow_unicode=True, sort_keys=False, width=120, default_flow_style=None)

    def save(self, path: str | Path) -> Path:
        """Write the model as YAML, atomically, and return the path."""
        return write_text(path, self.to_yaml())

    def __repr__(self) -> str:
        lines = [f"SimulationModel {self.name}: {self.arrivals.per_week:.1f} cases a week"]
        for name, one in self.activities.items():
            who = "outside" if one.role is None else f"{one.role} ({len(self.staff(one.role))})"
            back = sum(route.probability for route in one.next[0] if route.rework)
            loop = f", sent back {back:.0%} in round 1" if back else ""
            wait = f", outside delay {one.delay.mean_h:.1f} h" if one.delay else ""
            lines.append(f"  {name}: {who}, {one.duration[0].mean_h:.1f} h{wait}{loop}")
        return "\n".join([*lines, *(f"  note: {note}" for note in self.notes)])

    def __str__(self) -> str:
        return repr(self)

    def _repr_html_(self) -> str:
        return f"<pre>{escape(repr(self))}</pre>"

    def to_pandas(self) -> pd.DataFrame:
        """Return one row per activity: role, people, mean hours in round 1, delay and probability of rework."""
        return pd.DataFrame(
            [
                {
                    "activity": name,
                    "role": one.role,
                    "people": 0 if one.role is None else len(self.staff(one.role)),
                    "duration_mean_h": one.duration[0].mean_h,
                    "delay_mean_h": 0.0 if one.delay is None else one.delay.mean_h,
                    "rework": sum(route.probability for route in one.next[0] if route.rework),
                }
                for name, one in self.activities.items()
            ]
        )

    def horizon(self, weeks: float) -> date:
        """Return the day `weeks` after the start."""
        return self.start + timedelta(days=round(weeks * 7))


def _known(name: str, known: list[str], where: str) -> None:
    if name not in known:
        raise ValueError(f'{where}: unknown name "{name}"; {nearest(name, known)}')


def _leads(routes: list[Route], target: str | None) -> bool:
    return any(route.to == target and route.probability > 0 for route in routes)


def _check_routes(routes: list[Route], names: list[str], where: str) -> None:
    total = sum(route.probability for route in routes)
    if abs(total - 1) > 1e-6:
        raise ValueError(f"{where}: the probabilities add up to {total:.6g}, not 1")
    for route in routes:
        if route.to is not None:
            _known(route.to, names, where)


def _pruned(value: Any) -> Any:
    """Return plain values without empty lists, empty mappings and defaults that say nothing."""
    if isinstance(value, dict):
        kept = {key: _pruned(one) for key, one in value.items()}
        silent = {"rework": False, "same_person": False, "outcome": "completed", "factor": 1.0}
        keep_none = {"to"}
        return {
            key: one
            for key, one in kept.items()
            if key in keep_none or not (one is None or one == [] or one == {} or silent.get(key, ...) == one)
        }
    return [_pruned(one) for one in value] if isinstance(value, list) else value

"""The simulation model: arrivals, routing with rounds, durations, people and calendars, as readable YAML."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from html import escape
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import yaml
from pydantic import Field, ValidationError, model_validator

from mkmine.calendars import Calendar
from mkmine.errors import DataError
from mkmine.files import read_yaml, write_text
from mkmine.simulation.model.checks import check_model
from mkmine.simulation.model.choices import Choices, Rule
from mkmine.simulation.model.distributions import Distribution
from mkmine.simulation.model.mistakes import first_mistake
from mkmine.simulation.model.mixture import Profile
from mkmine.simulation.model.parts import (
    ActivityModel,
    Arrivals,
    CalendarModel,
    CaseType,
    Gateway,
    Money,
    Name,
    Part,
    Person,
    Routes,
    Share,
    Sickness,
)
from mkmine.simulation.model.queueing import Queueing
from mkmine.simulation.model.weeks import told

__all__ = ["SimulationModel"]


class SimulationModel(Part):
    """A model of the process that can be run.

    people
        Who does the work; activities name the role that they need.
    activities, gateways
        The places of the process. Routes lead from one to another; a gateway lets branches go on side by side, or
        waits for them.
    begin
        Routes to the first place of a case.
    case_types, attributes
        Kinds of cases, and further properties that each case draws; `variants` of activities depend on them.
    profiles
        Combinations of further properties, with their shares: these are drawn together.
    queue
        The order in which a role takes its work: `"fifo"` by the time it was enabled, `"lifo"` the last one first,
        `"deadline"` earliest due first, `"priority"` by the priority of activity and case type, and first come first
        served among equals, `"ageing"` the same, but waiting makes up for priority.
    queue_doubt
        What the queue might be, with probabilities, if it is not certain: experiments draw it as they draw numbers.
    choices
        By role: how well the queue explains what people of a log took, if the model is of one.
    ageing
        How many hours of waiting are worth one step of priority; needed for `queue: ageing`.
    due
        Working hours (of `office`) from arrival to the deadline of a case; needed for `queue: deadline`.
    wip_limit
        At most so many cases are in the process; others wait at its door (CONWIP).
    cost
        Of each case.
    sickness
        Absence of everybody that nobody planned.
    office
        Name of the calendar by which working time is measured in results.
    start
        First day of arrivals.
    until
        Last day of the period that the model replays, if it replays one: experiments look at the weeks before it.
    queueing
        How much of the waiting of a log was taken for queueing, and what else it does not exclude.
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
    people: list[Person] = Field(default_factory=list)
    activities: dict[Name, ActivityModel]
    gateways: dict[Name, Gateway] = Field(default_factory=dict)
    begin: Routes
    arrivals: Arrivals
    case_types: dict[Name, CaseType] = Field(default_factory=dict)
    attributes: dict[Name, dict[Name, Share]] = Field(default_factory=dict)
    profiles: list[Profile] = Field(default_factory=list)
    queue: Rule = "fifo"
    queue_doubt: dict[Rule, Share] = Field(default_factory=dict)
    choices: dict[Name, Choices] = Field(default_factory=dict)
    ageing: Annotated[float, Field(gt=0, le=1e6)] | None = None
    due: Distribution | None = None
    wip_limit: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    cost: Money = 0.0
    sickness: Sickness | None = None
    queueing: Queueing | None = None
    source: str | None = None
    notes: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _consistent(self) -> SimulationModel:
        check_model(self)
        return self

    @property
    def places(self) -> tuple[str, ...]:
        """Names of the activities, and then of the gateways."""
        return (*self.activities, *self.gateways)

    @property
    def roles(self) -> tuple[str, ...]:
        """Names of the roles, in the order in which people are listed."""
        return tuple(dict.fromkeys(role for person in self.people for role in person.roles))

    @property
    def overlapping(self) -> bool:
        """Whether a case may go on while one of its activities is still being worked on."""
        return any(r.overlap for one in self.activities.values() for routes in one.all_routes for r in routes)

    @property
    def tracing(self) -> bool:
        """Whether it matters which activities came before."""
        return any(one.all_contexts or one.waits for one in self.activities.values())

    def staff(self, role: str) -> tuple[Person, ...]:
        """Return the people who have a role."""
        return tuple(person for person in self.people if role in person.roles)

    def calendar(self, name: str, absences: list[tuple[date, date]] | None = None) -> Calendar:
        """Return a compiled calendar by name."""
        return self.calendars[name].compiled(self.time_zone, absences)

    @property
    def case_values(self) -> dict[str, tuple[str, ...]]:
        """The values that each attribute of cases has, `type` among them if there are case types."""
        values = {name: tuple(shares) for name, shares in self.attributes.items()}
        for name in self.profiles[0].values if self.profiles else ():
            values[name] = tuple(dict.fromkeys(one.values[name] for one in self.profiles))
        return values | ({"type": tuple(self.case_types)} if self.case_types else {})

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
            raise DataError(f"{where}: {first_mistake(error, cls)}") from None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return self.model_dump(mode="json")

    def to_yaml(self) -> str:
        """Return the model as YAML."""
        plain = self.to_dict()
        values = _pruned(plain)
        for part in (values["arrivals"], *values.get("case_types", {}).values()):
            if "weekly" in part:
                part["weekly"] = told(part["weekly"])
        if self.attributes:
            # What the values of an attribute are called is the user's, so nothing is left out there.
            values["attributes"] = plain["attributes"]
        return yaml.safe_dump(values, allow_unicode=True, sort_keys=False, width=120, default_flow_style=None)

    def save(self, path: str | Path) -> Path:
        """Write the model as YAML, atomically, and return the path."""
        return write_text(path, self.to_yaml())

    def __repr__(self) -> str:
        from mkmine.simulation.model.account import account

        return account(self)

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


# Values that say nothing, because they are the default wherever their key occurs.
_SILENT: dict[str, Any] = {
    "rework": False, "terminate": False, "overlap": False, "same_person": False, "together": False,
    "outcome": "completed", "at_closing": "pause", "capacity": 1, "trend": 0.0, "factor": 1.0, "pace": 1.0, "cost": 0.0,
    "cost_per_hour": 0.0, "priority": 0, "addition": 0.0, "availability": 1.0, "shorter_eves": 0, "gap_cv": 1.0,
    "delay_factor": 1.0,
    "stated": False, "shape": "pert",
}  # fmt: skip


def _is_silent(key: str, value: Any) -> bool:
    # 0.0 equals False, but a factor of 0 says something.
    return key in _SILENT and type(value) is type(_SILENT[key]) and value == _SILENT[key]


def _pruned(value: Any) -> Any:
    """Return plain values without empty lists, empty mappings and defaults that say nothing."""
    if isinstance(value, dict):
        # The names and values of attributes are the user's: what looks like a default says something there.
        kept = {key: one if key in ("when", "values") else _pruned(one) for key, one in value.items()}
        return {
            key: one
            for key, one in kept.items()
            if key in ("to", "before") or not (one is None or one in ([], {}) or _is_silent(key, one))
        }
    return [_pruned(one) for one in value] if isinstance(value, list) else value

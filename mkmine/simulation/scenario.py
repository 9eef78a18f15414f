"""A scenario: a pure, named set of changes to a simulation model, made of small verbs and saved as YAML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ValidationError

from mkmine.calendars import Calendar
from mkmine.errors import DataError, UnknownNameError, nearest
from mkmine.files import read_yaml, write_text
from mkmine.language import Language, translator
from mkmine.simulation.distributions import Distribution
from mkmine.simulation.model import ActivityModel, CalendarModel, Person, Route, SimulationModel

if TYPE_CHECKING:
    from mkmine.performance import Lever

__all__ = ["Scenario", "from_levers", "scenario_of"]

# What each verb accepts; the scenario's file is checked against it.
_VERBS: dict[str, set[str]] = {
    "staff": {"role", "change"},
    "rework": {"activity", "factor"},
    "duration": {"activity", "factor"},
    "delay": {"activity", "factor"},
    "arrivals": {"factor"},
    "remove": {"activity"},
    "calendar": {"role", "weekly"},
}


@dataclass(frozen=True)
class Scenario:
    """A named set of changes; each verb returns a new scenario with one change more.

    `Scenario("one more designer").staff("Designer", +1)` changes nothing until `apply` makes a changed copy of a model.
    Changes are applied in order. Names are checked against the model then, and the error gives the nearest one.
    """

    name: str
    changes: tuple[Mapping[str, Any], ...] = ()

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise DataError('a scenario needs a name; write e.g. Scenario("one more designer")')

    def _with(self, verb: str, **values: Any) -> Scenario:
        return Scenario(self.name, (*self.changes, {"do": verb, **values}))

    # -- the verbs -------------------------------------------------------------------------------------------------

    def staff(self, role: str, change: int) -> Scenario:
        """Add people to a role (they keep the hours of its first person) or take away its last ones.

        Raises `DataError` if `change` is 0 or not a whole number.
        """
        if isinstance(change, bool) or not isinstance(change, int) or change == 0:
            raise DataError(f"staff({role!r}, {change!r}): the change is a whole number other than 0, e.g. +1")
        if abs(change) > 10_000:
            raise DataError(f"staff({role!r}, {change}): more than 10,000 people; is the number right?")
        return self._with("staff", role=_named(role, "staff"), change=change)

    def rework(self, activity: str, *, factor: float) -> Scenario:
        """Multiply the probability that work is sent back after an activity, in every round (to at most 95 %).

        The other routes share what becomes free (or gives way) in proportion. Raises `DataError` if `factor` is
        negative.
        """
        return self._with("rework", activity=_named(activity, "rework"), factor=_factor("rework", factor))

    def duration(self, activity: str, *, factor: float) -> Scenario:
        """Multiply the processing time of an activity. Raises `DataError` if `factor` is negative."""
        return self._with("duration", activity=_named(activity, "duration"), factor=_factor("duration", factor))

    def delay(self, activity: str, *, factor: float) -> Scenario:
        """Multiply the outside wait at an activity: the delay before it, or, if nobody does it, its duration.

        Raises `DataError` if `factor` is negative.
        """
        return self._with("delay", activity=_named(activity, "delay"), factor=_factor("delay", factor))

    def arrivals(self, *, factor: float) -> Scenario:
        """Multiply the number of arriving cases. Raises `DataError` if `factor` is not positive."""
        if factor == 0:
            raise DataError("arrivals(factor=0) leaves no cases; give a positive factor")
        return self._with("arrivals", factor=_factor("arrivals", factor))

    def remove(self, activity: str) -> Scenario:
        """Leave an activity out: who led to it leads to where it went on (without its ways back).

        Cases that would end there before anything was done do not arrive.
        """
        return self._with("remove", activity=_named(activity, "remove"))

    def calendar(self, role: str, weekly: Mapping[str, str]) -> Scenario:
        """Give the people of a role other weekly hours, e.g. `{"Tue": "14:00-17:00", "Thu": "14:00-17:00"}`.

        Raises `DataError` if the hours cannot be read.
        """
        hours = dict(weekly) if isinstance(weekly, Mapping) else {}
        if not hours or not all(isinstance(part, str) for pair in hours.items() for part in pair):
            raise DataError(f'calendar({role!r}): weekly={weekly!r}: write e.g. {{"Mon-Fri": "09:00-18:00"}}')
        Calendar.parse(hours)
        return self._with("calendar", role=_named(role, "calendar"), weekly=hours)

    def __and__(self, other: Scenario) -> Scenario:
        """Return both scenarios' changes, one after the other."""
        return Scenario(f"{self.name} + {other.name}", (*self.changes, *other.changes))

    # -- what it does ----------------------------------------------------------------------------------------------

    def apply(self, model: SimulationModel) -> SimulationModel:
        """Return a changed copy of the model.

        Raises `UnknownNameError` for a role or an activity that the model does not have, and `DataError` for a change
        that cannot be made (the last person of a role, rework where nothing is sent back).
        """
        values: dict[str, Any] = model.to_dict()
        for change in self.changes:
            verb = change["do"]
            _APPLY[verb](model, values, {key: value for key, value in change.items() if key != "do"}, self.name)
            model = SimulationModel.from_dict(values, where=f'scenario "{self.name}"')
            values = model.to_dict()
        return model

    # -- files -----------------------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {"name": self.name, "changes": [dict(change) for change in self.changes]}

    def save(self, path: str | Path) -> Path:
        """Write the scenario as YAML, atomically, and return the path."""
        return write_text(path, yaml.safe_dump(self.to_dict(), allow_unicode=True, sort_keys=False))

    @classmethod
    def load(cls, path: str | Path) -> Scenario:
        """Read a scenario from YAML. Raises `DataError` with the place if a change is unknown or incomplete."""
        return cls.from_dict(read_yaml(path, what="scenario"), where=str(path))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], *, where: str = "scenario") -> Scenario:
        """Read what `to_dict` wrote. Raises `DataError` with the place if a change is unknown or incomplete."""
        for key in values:
            if key not in {"name", "changes"}:
                raise DataError(f'{where}: unknown key "{key}"; {nearest(str(key), ["name", "changes"])}')
        out = cls(str(values.get("name", "")))
        changes = values.get("changes") or []
        if not isinstance(changes, list):
            raise DataError(f"{where}: changes: give a list of changes")
        for number, change in enumerate(changes, 1):
            place = f"{where}: change {number}"
            if not isinstance(change, dict) or "do" not in change:
                raise DataError(f"{place}: write e.g. {{do: staff, role: Designer, change: 1}}")
            verb = str(change["do"])
            if verb not in _VERBS:
                raise UnknownNameError.of(kind="change", name=verb, known=list(_VERBS), where=place)
            given = {key: value for key, value in change.items() if key != "do"}
            if set(given) != _VERBS[verb]:
                names = ", ".join(map(str, given))
                raise DataError(f"{place}: {verb} takes {', '.join(sorted(_VERBS[verb]))}; given: {names}")
            try:
                out = getattr(out, verb)(**given)
            except DataError as error:
                raise DataError(f"{place}: {error}") from None
        return out

    def __repr__(self) -> str:
        steps = ", ".join(
            f"{one['do']}({', '.join(f'{k}={v!r}' for k, v in one.items() if k != 'do')})" for one in self.changes
        )
        return f"Scenario({self.name!r}: {steps or 'no change'})"

    def _repr_html_(self) -> str:
        return f"<code>{escape(repr(self))}</code>"


def scenario_of(kind: str, name: str, value: float, *, language: Language = "en") -> Scenario:
    """Return the scenario of one change, named by it: staff, rework, wait, duration, arrivals, or else remove."""
    t = translator(language)
    factor = f"{value:g}"
    if kind == "staff":
        # A fraction of a person is for the scenario to refuse, not for us to round.
        people = int(value) if float(value).is_integer() else value
        return Scenario(f"{name} {value:+g}").staff(name, people)  # type: ignore[arg-type]
    if kind == "rework":
        return Scenario(t("returns after {name} × {factor}", name=name, factor=factor)).rework(name, factor=value)
    if kind == "wait":
        return Scenario(t("wait before {name} × {factor}", name=name, factor=factor)).delay(name, factor=value)
    if kind == "duration":
        return Scenario(t("duration of {name} × {factor}", name=name, factor=factor)).duration(name, factor=value)
    if kind == "arrivals":
        return Scenario(t("arrivals × {factor}", factor=factor)).arrivals(factor=value)
    return Scenario(t("without {name}", name=name)).remove(name)


def from_levers(
    levers: Iterable[Lever], *, model: SimulationModel | None = None, language: Language = "en"
) -> list[Scenario]:
    """Return a scenario for each lever of a diagnosis; with a model, only for those that it can express.

    A model has no place for a lever if, say, it found no delay before the activity where the diagnosis saw a wait.
    """
    out = []
    for lever in levers:
        scenario = scenario_of(lever.kind, lever.name, lever.value, language=language)
        try:
            if model is not None:
                scenario.apply(model)
        except (DataError, UnknownNameError):
            continue
        out.append(scenario)
    return out


def _named(name: str, verb: str) -> str:
    if not isinstance(name, str):
        raise DataError(f"{verb}({name!r}): give the name as text, in quotes")
    return name


def _factor(verb: str, factor: float) -> float:
    if not isinstance(factor, int | float) or isinstance(factor, bool) or not 0 <= factor <= 100:
        raise DataError(f"{verb}(factor={factor!r}): the factor is a number between 0 and 100, e.g. 0.5")
    return float(factor)


# -- how each verb changes the plain values of a model -----------------------------------------------------------------

Values = dict[str, Any]


def _activity(model: SimulationModel, name: str, scenario: str) -> ActivityModel:
    if name not in model.activities:
        raise UnknownNameError.of(
            kind="activity", name=name, known=list(model.activities), where=f'scenario "{scenario}"'
        )
    return model.activities[name]


def _staff_of(model: SimulationModel, role: str, scenario: str) -> tuple[Person, ...]:
    people = model.staff(role)
    if not people:
        raise UnknownNameError.of(kind="role", name=role, known=model.roles, where=f'scenario "{scenario}"')
    return people


def _apply_staff(model: SimulationModel, values: Values, change: Values, scenario: str) -> None:
    role, number = change["role"], change["change"]
    people = _staff_of(model, role, scenario)
    if number > 0:
        # A newcomer works the hours of a present colleague, has this role only, and takes no vacation yet.
        names = {person.name for person in model.people}
        fresh = (f"{role} +{k}" for k in range(1, 20_001) if f"{role} +{k}" not in names)
        for _ in range(number):
            values["people"].append({"name": next(fresh), "roles": [role], "calendar": people[0].calendar})
        return
    if -number >= len(people):
        raise DataError(
            f'scenario "{scenario}": the role "{role}" has {len(people)} people; taking away {-number} would leave '
            f"nobody to do its work"
        )
    leaving = {person.name for person in people[number:]}
    for person in values["people"]:
        if person["name"] in leaving:
            person["roles"] = [one for one in person["roles"] if one != role]
    values["people"] = [person for person in values["people"] if person["roles"]]


def _apply_rework(model: SimulationModel, values: Values, change: Values, scenario: str) -> None:
    activity = _activity(model, change["activity"], scenario)
    if not any(route.rework and route.probability > 0 for routes in activity.all_routes for route in routes):
        able = [n for n, one in model.activities.items() if any(r.rework for rs in one.all_routes for r in rs)]
        raise DataError(
            f'scenario "{scenario}": nothing is sent back after "{change["activity"]}"; '
            f"work is sent back after: {', '.join(able) or 'no activity'}"
        )
    where = f'scenario "{scenario}": {change["activity"]}'

    onward = _onward(activity.next)
    if not onward:
        raise DataError(f"{where}: every route after it leads back, so there is no other way to go; change another one")

    def scaled(routes: list[Route]) -> list[Values]:
        return [one.model_dump(mode="json") for one in _scaled_rework(routes, change["factor"], onward)]

    changed = values["activities"][change["activity"]]
    changed["next"] = [scaled(routes) for routes in activity.next]
    for context, plain in zip(activity.contexts, changed["contexts"], strict=True):
        plain["next"] = scaled(context.next)


def _onward(rounds: list[list[Route]]) -> list[Route]:
    """Return the shares of the ways on in the first round that has any."""
    for routes in rounds:
        ways = [route for route in routes if not route.rework and route.probability > 0]
        total = sum(route.probability for route in ways)
        if ways:
            return [route.model_copy(update={"probability": route.probability / total}) for route in ways]
    return []


def _scaled_rework(routes: list[Route], factor: float, onward: list[Route]) -> list[Route]:
    back = sum(route.probability for route in routes if route.rework)
    if back == 0:
        return routes
    # More rework than 95 % would hardly let a case end; what was above that already stays.
    scaled = min(back * factor, max(back, 0.95))
    ways = onward
    if back < 1 - 1e-9:
        ways = [
            route.model_copy(update={"probability": route.probability / (1 - back)})
            for route in routes
            if not route.rework
        ]
    return [
        *(
            route.model_copy(update={"probability": route.probability * scaled / back})
            for route in routes
            if route.rework
        ),
        *(route.model_copy(update={"probability": route.probability * (1 - scaled)}) for route in ways),
    ]


def _apply_scaled(part: str) -> Any:
    def change_times(model: SimulationModel, values: Values, change: Values, scenario: str) -> None:
        activity = _activity(model, change["activity"], scenario)
        name, factor = change["activity"], change["factor"]
        changed = values["activities"][name]
        if part == "duration" or activity.role is None:
            changed["duration"] = [_scaled(one, factor, name, scenario) for one in activity.duration]
        elif activity.delay is None:
            raise DataError(f'scenario "{scenario}": "{name}" has no outside delay to change')
        else:
            changed["delay"] = _scaled(activity.delay, factor, name, scenario)

    return change_times


def _scaled(one: Distribution, factor: float, activity: str, scenario: str) -> Values:
    try:
        return one.scaled(factor).model_dump(mode="json")
    except ValidationError:
        raise DataError(
            f'scenario "{scenario}": {factor:g} times the hours of "{activity}" is over a million; '
            f"give a smaller factor"
        ) from None


def _apply_arrivals(model: SimulationModel, values: Values, change: Values, scenario: str) -> None:
    values["arrivals"]["factor"] = model.arrivals.factor * change["factor"]


def _apply_remove(model: SimulationModel, values: Values, change: Values, scenario: str) -> None:
    name = change["activity"]
    gone = _activity(model, name, scenario)
    if len(model.activities) == 1:
        raise DataError(f'scenario "{scenario}": "{name}" is the only activity and cannot be removed')
    onward = [route for route in gone.next[0] if not route.rework and route.to != name]
    total = sum(route.probability for route in onward)
    if total <= 0:
        raise DataError(f'scenario "{scenario}": every route after "{name}" leads back, so it cannot be removed')
    bypass = [route.model_copy(update={"probability": route.probability / total}) for route in onward]

    def rewired(routes: list[Route], source: str | None) -> list[Values]:
        merged: dict[tuple[str | None, bool, str], float] = {}
        for route in routes:
            for step in [route] if route.to != name else bypass:
                if step.to == source and source is not None and route.to == name:
                    continue
                share = route.probability * (step.probability if route.to == name else 1.0)
                # What was sent back to the removed activity is sent back still, to where it went on from there.
                back = route.rework and step.to is not None
                key = (step.to, back, step.outcome)
                merged[key] = merged.get(key, 0.0) + share
        kept = sum(merged.values())
        if not kept:
            raise DataError(f'scenario "{scenario}": without "{name}", nothing comes after "{source}"; keep it')
        return [
            {"to": to, "probability": share / kept, "rework": back, "outcome": outcome}
            for (to, back, outcome), share in merged.items()
        ]

    del values["activities"][name]
    for other, one in model.activities.items():
        if other != name:
            values["activities"][other]["next"] = [rewired(routes, other) for routes in one.next]
            # What came after contexts with the removed activity is not known without it.
            values["activities"][other]["contexts"] = [
                {**context.model_dump(mode="json"), "next": rewired(context.next, other)}
                for context in one.contexts
                if name not in context.before
            ]
    begun = [route for route in rewired(model.begin, None) if route["to"] is not None]
    share = sum(route["probability"] for route in begun)
    if not begun:
        raise DataError(f'scenario "{scenario}": without "{name}", cases have nothing to begin with; keep it')
    values["begin"] = [{**route, "probability": route["probability"] / share} for route in begun]
    values["arrivals"]["factor"] = model.arrivals.factor * share
    needed = {one.role for other, one in model.activities.items() if other != name}
    for person in values["people"]:
        person["roles"] = [role for role in person["roles"] if role in needed]
    values["people"] = [person for person in values["people"] if person["roles"]]


def _apply_calendar(model: SimulationModel, values: Values, change: Values, scenario: str) -> None:
    people = _staff_of(model, change["role"], scenario)
    base = model.calendars[people[0].calendar]
    key = f"{change['role']} ({scenario})"
    values["calendars"][key] = CalendarModel(weekly=change["weekly"], holidays=base.holidays).model_dump(mode="json")
    chosen = {person.name for person in people}
    for person in values["people"]:
        if person["name"] in chosen:
            person["calendar"] = key


_APPLY = {
    "staff": _apply_staff,
    "rework": _apply_rework,
    "duration": _apply_scaled("duration"),
    "delay": _apply_scaled("delay"),
    "arrivals": _apply_arrivals,
    "remove": _apply_remove,
    "calendar": _apply_calendar,
}

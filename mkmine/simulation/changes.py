"""How each verb of a scenario changes the plain values of a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from mkmine.errors import DataError, UnknownNameError
from mkmine.simulation.distributions import Distribution
from mkmine.simulation.model import ActivityModel, CalendarModel, Person, Route, SimulationModel

__all__ = ["CHANGES"]

Values = dict[str, Any]
# (the model, its plain values to be changed, what the verb was given, the scenario's name for errors)
Change = Callable[[SimulationModel, Values, Values, str], None]


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


def _apply_scaled(part: str) -> Change:
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


CHANGES: dict[str, Change] = {
    "staff": _apply_staff,
    "rework": _apply_rework,
    "duration": _apply_scaled("duration"),
    "delay": _apply_scaled("delay"),
    "arrivals": _apply_arrivals,
    "remove": _apply_remove,
    "calendar": _apply_calendar,
}

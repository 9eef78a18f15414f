"""How each verb of a scenario changes the plain values of a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from mkmine.errors import DataError, UnknownNameError
from mkmine.simulation.model import Person, Route, SimulationModel
from mkmine.simulation.model.distributions import Distribution
from mkmine.simulation.model.mixture import marginal, with_marginal
from mkmine.simulation.scenarios.restructuring import activity_of, apply_parallel, apply_remove

__all__ = ["CHANGES"]

Values = dict[str, Any]
# (the model, its plain values to be changed, what the verb was given, the scenario's name for errors)
Change = Callable[[SimulationModel, Values, Values, str], None]


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
            kept = people[0].model_dump(mode="json", exclude={"name", "roles", "absences"})
            values["people"].append({"name": next(fresh), "roles": [role], **kept})
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
    for one in values["activities"].values():
        if one["role"] == role:
            one["people"] = {name: habit for name, habit in one["people"].items() if name not in leaving}


def _apply_rework(model: SimulationModel, values: Values, change: Values, scenario: str) -> None:
    activity = activity_of(model, change["activity"], scenario)
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
    for variant, plain in zip(activity.variants, changed["variants"], strict=True):
        plain["next"] = None if variant.next is None else [scaled(routes) for routes in variant.next]
        for context, its in zip(variant.contexts, plain["contexts"], strict=True):
            its["next"] = scaled(context.next)


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
        activity = activity_of(model, change["activity"], scenario)
        name, factor = change["activity"], change["factor"]
        changed = values["activities"][name]
        if part == "duration" or activity.role is None:
            changed["duration"] = [_scaled(one, factor, name, scenario) for one in activity.duration]
            for variant, plain in zip(activity.variants, changed["variants"], strict=True):
                if variant.duration is not None:
                    plain["duration"] = [_scaled(one, factor, name, scenario) for one in variant.duration]
        elif activity.delay is None:
            raise DataError(f'scenario "{scenario}": "{name}" has no outside delay to change')
        else:
            changed["delay"] = _scaled(activity.delay, factor, name, scenario)
            for wait, plain in zip(activity.waits, changed["waits"], strict=True):
                plain["delay"] = [_scaled(one, factor, name, scenario) for one in wait.delay]
            for variant, plain in zip(activity.variants, changed["variants"], strict=True):
                plain["delay"] = variant.delay and _scaled(variant.delay, factor, name, scenario)

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


def _apply_mix(model: SimulationModel, values: Values, change: Values, scenario: str) -> None:
    name, given, where = change["attribute"], change["shares"], f'scenario "{scenario}"'
    known = model.case_values
    if name not in known:
        raise UnknownNameError.of(kind="attribute of cases", name=name, known=list(known), where=where)
    for value in given:
        if value not in known[name]:
            raise UnknownNameError.of(kind="value", name=value, known=known[name], where=f"{where}: {name}")
    of_types = {one: kind.share for one, kind in model.case_types.items()}
    usual = of_types if name == "type" and of_types else model.attributes.get(name) or marginal(model.profiles, name)
    shares = _mixed(usual, given, f"{where}: {name}")
    if usual is of_types:
        for one, share in shares.items():
            values["case_types"][one]["share"] = share
    elif name in model.attributes:
        values["attributes"][name] = shares
    else:
        values["profiles"] = [one.model_dump(mode="json") for one in with_marginal(model.profiles, name, shares)]


def _mixed(usual: Mapping[str, float], given: Mapping[str, float], where: str) -> dict[str, float]:
    """Return shares with some of them given; the others share the rest as they did."""
    rest = sum(share for value, share in usual.items() if value not in given)
    left = 1 - sum(given.values())
    if rest == 0 and abs(left) > 1e-6:
        raise DataError(f"{where}: no other value takes the share that is left, {left:.6g}; let them add up to 1")
    if none := next((value for value, share in given.items() if share > 0 and usual[value] == 0), None):
        raise DataError(f'{where}: no case has the value "{none}", so nothing is known of such cases')
    return {value: given.get(value, share * max(left, 0.0) / rest if rest else 0.0) for value, share in usual.items()}


def _apply_calendar(model: SimulationModel, values: Values, change: Values, scenario: str) -> None:
    people = _staff_of(model, change["role"], scenario)
    base = model.calendars[people[0].calendar]
    key = f"{change['role']} ({scenario})"
    values["calendars"][key] = base.with_weekly(change["weekly"]).model_dump(mode="json")
    chosen = {person.name for person in people}
    for person in values["people"]:
        if person["name"] in chosen:
            person["calendar"] = key


def _apply_batch(model: SimulationModel, values: Values, change: Values, scenario: str) -> None:
    activity_of(model, change["activity"], scenario)
    key = None
    if change.get("weekly"):
        key = f"{change['activity']} ({scenario})"
        office = model.calendars[model.office]
        values["calendars"][key] = office.with_weekly(change["weekly"]).model_dump(mode="json")
    given = {name: change[name] for name in ("size", "hours", "together", "addition") if name in change}
    values["activities"][change["activity"]]["batch"] = given | {"calendar": key}


def _apply_wip_limit(model: SimulationModel, values: Values, change: Values, scenario: str) -> None:
    if "activity" not in change:
        values["wip_limit"] = change["limit"]
        return
    activity_of(model, change["activity"], scenario)
    values["activities"][change["activity"]]["wip_limit"] = change["limit"]


def _apply_priority(model: SimulationModel, values: Values, change: Values, scenario: str) -> None:
    name, where = change["name"], f'scenario "{scenario}"'
    for part in ("activities", "case_types"):
        if name in values[part]:
            values[part][name]["priority"] = change["priority"]
            break
    else:
        known = [*model.case_types, *model.activities]
        raise UnknownNameError.of(kind="activity or case type", name=name, known=known, where=where)
    if model.queue not in ("priority", "ageing"):
        values["queue"] = "priority"


def _apply_queue(model: SimulationModel, values: Values, change: Values, scenario: str) -> None:
    values["queue"] = change["order"]
    if "ageing" in change:
        values["ageing"] = change["ageing"]


def _apply_cost(model: SimulationModel, values: Values, change: Values, scenario: str) -> None:
    if "role" in change:
        chosen = {person.name for person in _staff_of(model, change["role"], scenario)}
        for person in values["people"]:
            if person["name"] in chosen:
                person["cost_per_hour"] = change["per_hour"]
        return
    activity_of(model, change["activity"], scenario)
    changed = values["activities"][change["activity"]]
    changed["cost"] = change.get("fixed", changed["cost"])
    changed["cost_per_hour"] = change.get("per_hour", changed["cost_per_hour"])


def _apply_sickness(model: SimulationModel, values: Values, change: Values, scenario: str) -> None:
    chosen = _staff_of(model, change["role"], scenario) if "role" in change else tuple(model.people)
    changed = 0
    for person, plain in zip(model.people, values["people"], strict=True):
        own = person.sickness or model.sickness
        if person in chosen and own is not None:
            changed += 1
            plain["sickness"] = own.model_dump(mode="json") | {"per_year": own.per_year * change["factor"]}
    if not changed:
        raise DataError(f'scenario "{scenario}": the model knows of no sickness to change; give it `sickness`')


def _apply_skill(model: SimulationModel, values: Values, change: Values, scenario: str) -> None:
    _staff_of(model, change["role"], scenario)
    names = [person.name for person in model.people]
    if change["person"] not in names:
        raise UnknownNameError.of(kind="person", name=change["person"], known=names, where=f'scenario "{scenario}"')
    roles = values["people"][names.index(change["person"])]["roles"]
    if change["role"] in roles:
        raise DataError(f'scenario "{scenario}": {change["person"]} has the role "{change["role"]}" already')
    roles.append(change["role"])


def _apply_replace(model: SimulationModel, values: Values, change: Values, scenario: str) -> None:
    values.clear()
    values.update(change["model"])


CHANGES: dict[str, Change] = {
    "staff": _apply_staff,
    "rework": _apply_rework,
    "duration": _apply_scaled("duration"),
    "delay": _apply_scaled("delay"),
    "arrivals": _apply_arrivals,
    "mix": _apply_mix,
    "remove": apply_remove,
    "parallel": apply_parallel,
    "calendar": _apply_calendar,
    "batch": _apply_batch,
    "wip_limit": _apply_wip_limit,
    "priority": _apply_priority,
    "queue": _apply_queue,
    "cost": _apply_cost,
    "sickness": _apply_sickness,
    "skill": _apply_skill,
    "replace": _apply_replace,
}

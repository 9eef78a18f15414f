"""Changes of the process itself: an activity is left out, or activities that followed each other go side by side."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from mkmine.errors import DataError, UnknownNameError
from mkmine.simulation.model import ActivityModel, Context, Route, SimulationModel

__all__ = ["activity_of", "apply_parallel", "apply_remove"]

Values = dict[str, Any]


def activity_of(model: SimulationModel, name: str, scenario: str) -> ActivityModel:
    """Return an activity by name. Raises `UnknownNameError` with the nearest one if there is none."""
    if name not in model.activities:
        raise UnknownNameError.of(
            kind="activity", name=name, known=list(model.activities), where=f'scenario "{scenario}"'
        )
    return model.activities[name]


def apply_remove(model: SimulationModel, values: Values, change: Values, scenario: str) -> None:
    """Leave an activity out: who led to it leads to where it went on."""
    name = change["activity"]
    gone = activity_of(model, name, scenario)
    if len(model.activities) == 1:
        raise DataError(f'scenario "{scenario}": "{name}" is the only activity and cannot be removed')
    onward = [route for route in gone.next[0] if not route.rework and route.to != name]
    total = sum(route.probability for route in onward)
    if total <= 0:
        raise DataError(f'scenario "{scenario}": every route after "{name}" leads back, so it cannot be removed')
    bypass = [route.model_copy(update={"probability": route.probability / total}) for route in onward]
    _forget(values, name)
    if _leads_otherwise(model, name):
        _pass_through(values, name, bypass)
    else:
        _rewire(model, values, name, bypass, scenario)
    needed = {one.role for other, one in model.activities.items() if other != name}
    for person in values["people"]:
        person["roles"] = [role for role in person["roles"] if role in needed]
    values["people"] = [person for person in values["people"] if person["roles"]]


def _forget(values: Values, name: str) -> None:
    """Nobody has to be, or must not be, who did an activity that is not done any more."""
    for one in values["activities"].values():
        for key in ("same_person_as", "other_person_than"):
            if one[key] == name:
                one[key] = None


def _leads_otherwise(model: SimulationModel, name: str) -> bool:
    """Whether something else than the ordinary routes of activities leads to an activity."""
    return any(name in gateway.targets for gateway in model.gateways.values()) or any(
        (one.patience is not None and one.patience.to == name) for one in model.activities.values()
    )


def _pass_through(values: Values, name: str, bypass: list[Route]) -> None:
    """Put a gateway in the place of an activity: whatever leads to it goes on at once."""
    del values["activities"][name]
    plain = [route.model_dump(mode="json") for route in bypass]
    single = len(bypass) == 1 and bypass[0].to is not None
    values["gateways"][name] = {"kind": "merge", "to": bypass[0].to} if single else {"kind": "xor", "next": [plain]}


def _rewire(model: SimulationModel, values: Values, name: str, bypass: list[Route], scenario: str) -> None:
    """Lead the routes to an activity to where it went on, merged with those that lead there already."""

    def rewired(routes: list[Route], source: str | None) -> list[Values]:
        merged: dict[tuple[str | None, bool, str, bool, bool], float] = {}
        for route in routes:
            for step in [route] if route.to != name else bypass:
                if step.to == source and source is not None and route.to == name:
                    continue
                share = route.probability * (step.probability if route.to == name else 1.0)
                # What was sent back to the removed activity is sent back still, to where it went on from there.
                back = route.rework and step.to is not None
                key = (step.to, back, step.outcome, step.terminate, step.overlap)
                merged[key] = merged.get(key, 0.0) + share
        kept = sum(merged.values())
        if not kept:
            raise DataError(f'scenario "{scenario}": without "{name}", nothing comes after "{source}"; keep it')
        return [
            {
                "to": to,
                "probability": share / kept,
                "rework": back,
                "outcome": outcome,
                "terminate": terminate,
                "overlap": overlap,
            }
            for (to, back, outcome, terminate, overlap), share in merged.items()
        ]

    del values["activities"][name]

    def kept_contexts(contexts: list[Context], source: str) -> list[Values]:
        # What came after contexts with the removed activity is not known without it.
        return [
            {**context.model_dump(mode="json"), "next": rewired(context.next, source)}
            for context in contexts
            if name not in context.before
        ]

    for other, one in model.activities.items():
        if other != name:
            values["activities"][other]["next"] = [rewired(routes, other) for routes in one.next]
            values["activities"][other]["contexts"] = kept_contexts(one.contexts, other)
            for variant, plain in zip(one.variants, values["activities"][other]["variants"], strict=True):
                if variant.next is not None:
                    plain["next"] = [rewired(routes, other) for routes in variant.next]
                    plain["contexts"] = kept_contexts(variant.contexts, other)
            values["activities"][other]["waits"] = [
                wait.model_dump(mode="json") for wait in one.waits if wait.before != name
            ]
    begun = [route for route in rewired(model.begin, None) if route["to"] is not None]
    share = sum(route["probability"] for route in begun)
    if not begun:
        raise DataError(f'scenario "{scenario}": without "{name}", cases have nothing to begin with; keep it')
    values["begin"] = [{**route, "probability": route["probability"] / share} for route in begun]
    values["arrivals"]["factor"] = model.arrivals.factor * share


def apply_parallel(model: SimulationModel, values: Values, change: Values, scenario: str) -> None:
    """Let activities that followed each other go side by side; the case goes on when all of them are done."""
    names = change["activities"]
    where = f'scenario "{scenario}": {" > ".join(names)}'
    for name in names:
        activity_of(model, name, scenario)
    if len(set(names)) != len(names):
        raise DataError(f"{where}: an activity is named twice")
    for name, following in pairwise(names):
        _check_follows(model, name, following, where)
    fork, join = " + ".join(names), f"{' + '.join(names)} done"
    last = model.activities[names[-1]]
    if last.contexts or any(variant.next for variant in last.variants):
        raise DataError(f'{where}: where "{names[-1]}" leads depends on more than its round; that cannot be kept')
    onward = [[_moved(route, names, fork) for route in routes] for routes in last.next]
    _lead(values, names[0], fork)
    for name in names:
        values["activities"][name]["next"] = [[{"to": join, "probability": 1.0}]]
    values["gateways"][fork] = {"kind": "and", "to": list(names)}
    single = len(onward) == 1 and len(onward[0]) == 1 and onward[0][0]["to"] is not None
    values["gateways"][join] = {"kind": "join", "of": fork, "to": onward[0][0]["to"] if single else f"after {fork}"}
    if not single:
        values["gateways"][f"after {fork}"] = {"kind": "xor", "next": onward}


def _check_follows(model: SimulationModel, name: str, following: str, where: str) -> None:
    """Raise if an activity leads elsewhere than to the following one, or something else leads there."""
    if any(
        route.to != following and route.probability > 0
        for routes in model.activities[name].all_routes
        for route in routes
    ):
        raise DataError(
            f'{where}: "{name}" does not lead to "{following}" alone; name activities that follow each other'
        )
    others = [
        other
        for other, one in model.activities.items()
        if other != name and any(route.to == following for routes in one.all_routes for route in routes)
    ]
    others += [other for other, one in model.gateways.items() if following in one.targets]
    others += ["begin" for route in model.begin if route.to == following]
    if others:
        raise DataError(
            f'{where}: "{others[0]}" leads to "{following}" as well, which would wait for the others for ever'
        )


def _moved(route: Route, names: list[str], fork: str) -> Values:
    values = route.model_dump(mode="json")
    return values | {"to": fork if route.to == names[0] else route.to}


def _lead(values: Values, name: str, fork: str) -> None:
    """Lead whatever leads to an activity to a gateway instead."""
    rounds = [values["begin"]]
    for one in values["activities"].values():
        rounds += [*one["next"], *(context["next"] for context in one["contexts"])]
        for variant in one["variants"]:
            rounds += [*(variant["next"] or ()), *(context["next"] for context in variant["contexts"])]
        if one["patience"] and one["patience"]["to"] == name:
            one["patience"]["to"] = fork
    for gateway in values["gateways"].values():
        rounds += [*gateway["next"], *(routes for variant in gateway["variants"] for routes in variant["next"])]
        if gateway["to"] == name:
            gateway["to"] = fork
        elif isinstance(gateway["to"], list):
            gateway["to"] = [fork if to == name else to for to in gateway["to"]]
        of_variants = (way for variant in gateway["variants"] for way in variant["ways"])
        for way in [*gateway["ways"], *of_variants, *gateway["events"]]:
            way["to"] = fork if way["to"] == name else way["to"]
    for routes in rounds:
        for route in routes:
            route["to"] = fork if route["to"] == name else route["to"]

"""A world for a process of the catalogue: the simulation model that its steps, choices and shares describe.

Approval is fitted to what was published: `returns` gives how probably it sends work back, in closed form.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from itertools import pairwise
from typing import Any, Final

from mkmine.catalogue.blueprint import items, published
from mkmine.language import Language
from mkmine.simulation.model import SimulationModel
from mkmine.targets import ProcessModel

__all__ = ["returns", "world_of"]

OFFICE: Final = {"Mon-Fri": "09:00-13:00, 14:00-18:00"}
CV: Final = 0.6
WAIT_CV: Final = 1.0
NOTE: Final = "The model of a reference process: mkmine catalogue tells its numbers and where they come from."
START: Final = date(2025, 1, 6)
_ZONES: Final[dict[Language, str]] = {"ru": "Europe/Moscow", "en": "UTC"}
# What comes in a working day, by hour.
_HOURS: Final = {"09:00-12:00": 1.4, "12:00-14:00": 0.6, "14:00-18:00": 1.0}


def returns(preset: str) -> list[float]:
    """Return how probably an approval sends the work back, by round; the last one holds for all further rounds.

    Where the mean number of versions m is published, the probability is 1 - 1/m in every round: of all distributions
    over 1, 2, ... with that mean the geometric one assumes least (it has the greatest entropy). Where the shares of
    cases with at least n rounds are published, it is constant between these n, and stays after the last one.
    """
    figure = published()["figures"][published()["approval"][preset]]
    if "at_least" not in figure:
        return [round(1 - 2 / (figure["low"] + figure["high"]), 4)]
    out: list[float] = []
    known = list(figure["at_least"].items())
    for (first, before), (last, after) in pairwise(known):
        out += [round((after / before) ** (1 / (last - first)), 4)] * (last - first)
    return out


def world_of(values: Mapping[str, Any], model: ProcessModel, *, language: Language, name: str) -> SimulationModel:
    """Return the world of a process: `values` are those of its file, `model` its TO-BE."""
    return SimulationModel.from_dict(_World(values, model).to_dict(language, name), where=name)


def lognormal(mean: float, cv: float) -> dict[str, Any]:
    """Return a log-normal duration as plain values."""
    return {"kind": "lognormal", "mean": mean, "cv": cv} if mean else {"kind": "fixed", "hours": 0}


class _World:
    """Reads the routes of a process off its TO-BE, with the shares that its file gives them."""

    def __init__(self, values: Mapping[str, Any], model: ProcessModel) -> None:
        every = [item for _, item in items(values["steps"])]
        self.values, self.model = values, model
        self.steps = {item["step"]: item for item in every if "step" in item}
        self.choices = {item["choice"]: item for item in every if "choice" in item}
        self.cancelled = {item["end"] for item in every if item.get("cancelled")}
        self.order = {name: number for number, name in enumerate(model.activities)}
        self.staff: Mapping[str, int] = values["world"]["staff"]

    def to_dict(self, language: Language, name: str) -> dict[str, Any]:
        world = self.values["world"]
        weeks = {role: hours for role, hours in world.get("hours", {}).items() if role in self.staff}
        activities: dict[str, Any] = {step: self.activity(step) for step in self.order}
        start = next(node for node in self.model.nodes if node.kind == "start")
        begin = self.routes(start.id, 1)
        for step, share in world.get("skipped", {}).items():
            if step in activities:
                self.skip([begin, *self.before(activities, step)], activities[step]["next"][0], step, share)
        scale = world["per_week"] / (5 * (3 * 1.4 + 2 * 0.6 + 4))
        return {
            "name": name,
            "time_zone": _ZONES[language],
            "start": START,
            "office": "office",
            "calendars": {"office": {"weekly": OFFICE}, **{role: {"weekly": hours} for role, hours in weeks.items()}},
            "people": [
                {"name": f"{role} {n}", "roles": [role], "calendar": role if role in weeks else "office"}
                for role, count in self.staff.items()
                for n in range(1, count + 1)
            ],
            "activities": activities,
            "gateways": self.gateways(),
            "begin": begin,
            "arrivals": {"weekly": {"Mon-Fri": {hours: round(n * scale, 6) for hours, n in _HOURS.items()}}},
            "notes": [NOTE],
        }

    def activity(self, name: str) -> dict[str, Any]:
        item = self.steps[name]
        own: dict[str, Any] = {"role": item["role"]} if item["role"] in self.staff else {"calendar": "office"}
        if item.get("wait"):
            wait = lognormal(item["wait"], item.get("wait_cv", WAIT_CV))
            own |= {"delay": wait, "calendar": "office"}
        if item.get("same_person"):
            own["same_person"] = True
        hours = item["hours"] if isinstance(item["hours"], list) else [item["hours"]]
        ways = [self.ways_after(name, number) for number in range(1, self.rounds(name) + 1)]
        return {**own, "duration": [lognormal(one, item.get("cv", CV)) for one in hours], "next": ways}

    def shares(self, choice: str) -> dict[str, list[float]]:
        """Return the shares of the ways that have one, by round."""
        said = self.choices[choice].get("shares", {})
        return {
            way: returns(self.values["approval"])
            if share == "approval"
            else share
            if isinstance(share, list)
            else [share]
            for way, share in said.items()
        }

    def rounds(self, name: str) -> int:
        """Return from which round on the ways after a step stay the same: that of the choice right behind it."""
        after = self.model.by_id[self.model.outgoing[self.node(name)][0].target]
        if after.name not in self.choices:
            return 1
        return max(len(by_round) for by_round in self.shares(after.name).values())

    def node(self, name: str) -> str:
        return next(node.id for node in self.model.tasks if node.name == name)

    def ways_after(self, name: str, number: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.routes(self.node(name), number)
        for route in found:
            # What is always done next is no way back, wherever it leads; a way aside that leads back is one.
            back = route["to"] in self.order and self.leads_back(route["to"], self.order[name])
            route["rework"] = back and route["probability"] < 1
        return found

    def leads_back(self, to: str, place: int) -> bool:
        if self.order[to] <= place:
            return True
        after = self.routes(self.node(to), 1)
        return all(one["to"] in self.order and self.order[one["to"]] <= place for one in after)

    def routes(self, start: str, number: int) -> list[dict[str, Any]]:
        """Return the places that follow a node, each once, with the probability in a round of the step before."""
        found: dict[tuple[str | None, str], float] = {}
        ahead = [(flow.target, 1.0) for flow in self.model.outgoing[start]]
        while ahead:
            here, share = ahead.pop(0)
            node = self.model.by_id[here]
            if node.kind == "exclusive":
                ahead += [(target, share * part) for target, part in self.choice(here, number)]
                continue
            outcome = "cancelled" if node.name in self.cancelled else "completed"
            place = None if node.kind == "end" else node.name if node.kind == "task" else node.id
            found[place, outcome] = found.get((place, outcome), 0) + share
        return [
            {"to": place, "probability": round(share, 9), "outcome": outcome}
            for (place, outcome), share in found.items()
            if share > 0
        ]

    def choice(self, gate: str, number: int) -> list[tuple[str, float]]:
        flows = self.model.outgoing[gate]
        if len(flows) == 1:
            return [(flows[0].target, 1.0)]
        said = {
            way: by_round[min(number, len(by_round)) - 1]
            for way, by_round in self.shares(self.model.by_id[gate].name).items()
        }
        rest = 1 - sum(said.values())
        return [(flow.target, said.get(flow.name, rest)) for flow in flows]

    def gateways(self) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for node in self.model.nodes:
            if node.kind == "parallel":
                to = [self.model.by_id[flow.target].name for flow in self.model.outgoing[node.id]]
                out[node.id] = {"kind": "and", "to": to} if len(to) > 1 else {"kind": "join", "to": to[0]}
        return out

    def before(self, activities: Mapping[str, Any], step: str) -> list[list[dict[str, Any]]]:
        """Return the routes of all rounds after the steps that stand before a step."""
        earlier = [one for name, one in activities.items() if self.order[name] < self.order[step]]
        return [routes for one in earlier for routes in one["next"]]

    def skip(self, before: list[list[dict[str, Any]]], after: list[dict[str, Any]], step: str, share: float) -> None:
        """Let so many cases pass a step by, on their way forward: the world's deviation from its TO-BE."""
        onward = [one for one in after if not one.get("rework") and one["outcome"] == "completed"]
        whole = sum(route["probability"] for route in onward)
        for routes in before:
            into = next((route for route in routes if route["to"] == step), None)
            if into is not None:
                past = into["probability"] * share
                into["probability"] = round(into["probability"] - past, 9)
                _join(routes, [{**one, "probability": round(past * one["probability"] / whole, 9)} for one in onward])


def _join(routes: list[dict[str, Any]], more: list[dict[str, Any]]) -> None:
    for one in more:
        same = next((r for r in routes if (r["to"], r["outcome"]) == (one["to"], one["outcome"])), None)
        if same is None:
            routes.append(one)
        else:
            same["probability"] = round(same["probability"] + one["probability"], 9)

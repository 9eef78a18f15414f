"""Random departments: worlds with a known truth, each with its own people, load, rework and habits.

One article world is one example; what an estimator or a what-if answer is worth shows over many. A department is drawn
around the usual course of marketing work: a task is briefed, made, approved in rounds, perhaps checked by lawyers or
given to an agency, designed, approved finally and published. How many people there are, how loaded they are, how often
work comes back, how long it takes and how many tasks come is drawn from the seed. The figures are assumptions.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np

from mkmine.calendars import Calendar
from mkmine.simulation.model import SimulationModel
from mkmine.simulation.scenarios.scenario import Scenario

__all__ = ["changes", "department"]

_OFFICE = {"Mon-Fri": "09:00-13:00, 14:00-18:00"}
_APPROVER = [
    {"Mon-Fri": "10:00-12:00"},
    {"Tue": "10:00-13:00", "Thu": "14:00-17:00"},
    {"Mon": "14:00-18:00", "Wed": "14:00-18:00", "Fri": "10:00-13:00"},
]
# What more hours an approver might give, for each of the weeks above.
_MORE_HOURS = [
    {"Mon-Fri": "10:00-13:00"},
    {"Tue": "10:00-13:00", "Wed": "10:00-13:00", "Thu": "14:00-17:00"},
    {"Mon-Fri": "14:00-18:00"},
]
# Which role does what, and how many people it has at least and at most.
_ROLES = {
    "Brief": ("Marketer", 1, 4), "Text": ("Writer", 2, 6), "Approval": ("Editor", 1, 3), "Design": ("Designer", 1, 4),
    "Final": ("Approver", 1, 2), "Publication": ("Content", 1, 2),
}  # fmt: skip
_LATER = 0.5
# No change may load a role more than this.
_BEARABLE = 0.95
_FIRST = date(2024, 1, 8)
_WEEKS = 52


def department(seed: int) -> SimulationModel:
    """Return the department of a seed; it has a year of work and about 300 to 900 cases."""
    draw = np.random.default_rng([seed, 2024])
    week = int(draw.integers(len(_APPROVER)))
    per_week = float(draw.uniform(7, 17))
    returns = float(draw.uniform(0.15, 0.5))
    rounds = [returns, returns * float(draw.uniform(0.4, 0.9)), returns * 0.3]
    legal, agency, redone = (float(draw.uniform(*span)) for span in ((0.1, 0.5), (0.1, 0.4), (0.05, 0.25)))
    again = rounds[0] * (1 + rounds[1] * (1 + rounds[2]))
    # Further rounds take less time than the first: so many first rounds the visits of a case are worth.
    visits = {
        "Brief": 1.0, "Text": 1 + _LATER * again, "Approval": 1 + _LATER * again, "Final": 1 + _LATER * redone,
        "Design": (1 - agency) * (1 + _LATER * redone), "Publication": 1.0,
    }  # fmt: skip
    people, hours = _staffed(draw, visits, per_week, week)
    return SimulationModel.from_dict(
        {
            "name": f"department {seed}",
            "time_zone": "Europe/Moscow",
            "start": _FIRST,
            "until": _FIRST + timedelta(weeks=_WEEKS) - timedelta(days=1),
            "office": "office",
            "calendars": {
                "office": {"weekly": _OFFICE, "holidays": "RU"},
                "approver": {"weekly": _APPROVER[week], "holidays": "RU"},
            },
            "people": people,
            "activities": _activities(draw, hours, rounds, legal, agency, redone),
            "begin": [{"to": "Request", "probability": 1}],
            "arrivals": {"weekly": _weekly(draw, per_week), "holidays": "RU"},
        }
    )


def changes(model: SimulationModel, seed: int) -> dict[str, Scenario]:
    """Return scenarios for a department by kind: staff (±1, ±2), rework, calendar, arrivals, an approval dropped.

    Nobody is dismissed, and no more work comes, where the others could not do it.
    """
    draw = np.random.default_rng([seed, 2025])
    loads = _loads(model)
    busiest = sorted(loads, key=lambda role: -loads[role])
    week = _APPROVER.index(model.calendars["approver"].weekly)
    out = {
        "staff +1": Scenario("one more").staff(busiest[0], +1),
        "staff +2": Scenario("two more").staff(str(draw.choice(busiest[1:3])), +2),
        "rework x 0.5": Scenario("half the returns").rework("Approval", factor=0.5),
        "calendar": Scenario("more hours to approve").calendar("Approver", _MORE_HOURS[week]),
        "approval dropped": Scenario("no final approval").remove("Final"),
    }
    for number in (1, 2):
        able = [role for role in busiest if _without(model, role, number, loads[role]) < _BEARABLE]
        if able:
            out[f"staff -{number}"] = Scenario(f"{number} fewer").staff(able[0], -number)
    if 1.2 * max(loads.values()) < _BEARABLE:
        out["arrivals +20 %"] = Scenario("a fifth more work").arrivals(factor=1.2)
    return out


def _without(model: SimulationModel, role: str, number: int, load: float) -> float:
    people = len(model.staff(role))
    return load * people / (people - number) if people > number else float("inf")


def _staffed(
    draw: np.random.Generator, visits: Mapping[str, float], per_week: float, week: int
) -> tuple[list[dict[str, Any]], dict[str, float]]:
    """Return people for each role, and how many hours each activity may take so that they are loaded as drawn."""
    people: list[dict[str, Any]] = []
    hours = {}
    for activity, (role, fewest, most) in _ROLES.items():
        count, load = int(draw.integers(fewest, most + 1)), float(draw.uniform(0.4, 0.82))
        weekly = _APPROVER[week] if role == "Approver" else _OFFICE
        capacity = count * Calendar.from_dict({"weekly": weekly}).hours_per_week
        hours[activity] = load * capacity / (per_week * visits[activity])
        for number in range(count):
            person: dict[str, Any] = {
                "name": f"{role} {number + 1}",
                "roles": [role],
                "calendar": "approver" if role == "Approver" else "office",
            }
            if count > 1 and draw.random() < 0.4:
                away = _FIRST + timedelta(days=int(draw.integers(20, 330)))
                person["absences"] = [[away, away + timedelta(days=13)]]
            people.append(person)
    return people, hours


def _loads(model: SimulationModel) -> dict[str, float]:
    """Return how much of the hours of each role its work takes, in an ordinary week."""
    # Paths with the rounds behind them and the share of the cases that take them; rare ones are let go.
    ahead: list[tuple[str, dict[str, int], float]] = [("Request", {}, 1.0)]
    load = dict.fromkeys(model.roles, 0.0)
    while ahead:
        name, rounds, share = ahead.pop()
        one = model.activities[name]
        number = rounds.get(name, 0) + 1
        if one.role is not None:
            load[one.role] += share * one.duration[min(number, len(one.duration)) - 1].mean_h
        for route in one.next[min(number, len(one.next)) - 1]:
            if route.to is not None and share * route.probability > 1e-4:
                ahead.append((route.to, {**rounds, name: number}, share * route.probability))
    return {
        role: model.arrivals.per_week * work / sum(model.calendar(p.calendar).hours_per_week for p in model.staff(role))
        for role, work in load.items()
    }


def _activities(
    draw: np.random.Generator,
    hours: Mapping[str, float],
    rounds: list[float],
    legal: float,
    agency: float,
    redone: float,
) -> dict[str, Any]:
    def spent(activity: str, *factors: float) -> list[dict[str, Any]]:
        cv = float(draw.uniform(0.4, 1.0))
        return [{"kind": "lognormal", "mean": hours[activity] * factor, "cv": cv} for factor in factors]

    def to(*ways: tuple[str | None, float], back: str | None = None) -> list[dict[str, Any]]:
        return [{"to": name, "probability": share, "rework": name == back and back is not None} for name, share in ways]

    design = [("Agency", agency), ("Design", 1 - agency)]
    approved = [("Legal", legal), *((name, (1 - legal) * share) for name, share in design)]
    asked = {"delay": {"kind": "exponential", "mean": float(draw.uniform(2, 12))}, "calendar": "office"}
    return {
        # A tracker knows when a task was created.
        "Request": {"duration": [{"kind": "fixed", "hours": 0}], "next": [to(("Brief", 1))]},
        "Brief": {
            "role": "Marketer",
            "duration": spent("Brief", 1),
            **(asked if draw.random() < 0.5 else {}),
            "next": [to(("Text", 1))],
        },
        "Text": {
            "role": "Writer",
            "duration": spent("Text", 1, _LATER),
            "same_person": bool(draw.random() < 0.4),
            "next": [to(("Approval", 1))],
        },
        "Approval": {
            "role": "Editor",
            "duration": spent("Approval", 1, _LATER),
            "next": [
                to(("Text", share), *((name, (1 - share) * p) for name, p in approved), back="Text") for share in rounds
            ],
        },
        "Legal": {
            "duration": [{"kind": "lognormal", "mean": float(draw.uniform(8, 30)), "cv": 0.8}],
            "calendar": "office",
            "next": [to(*design)],
        },
        "Design": {"role": "Designer", "duration": spent("Design", 1, _LATER), "next": [to(("Final", 1))]},
        "Agency": {
            "duration": [{"kind": "lognormal", "mean": float(draw.uniform(20, 60)), "cv": 0.5}],
            "calendar": "office",
            "next": [to(("Final", 1))],
        },
        "Final": {
            "role": "Approver",
            "duration": spent("Final", 1, _LATER),
            "next": [to(("Design", redone * (1 - agency)), ("Publication", 1 - redone * (1 - agency)), back="Design")],
        },
        "Publication": {
            "role": "Content",
            "duration": spent("Publication", 1),
            "delay": {"kind": "uniform", "low": 2, "high": float(draw.uniform(15, 45))},
            "calendar": "office",
            "next": [to((None, 1))],
        },
    }


def _weekly(draw: np.random.Generator, per_week: float) -> list[list[float]]:
    """Return arrivals by weekday and hour: in the office's hours, more at the beginning of the week."""
    days = [1 + float(draw.uniform(0, 0.5)), 1.1, 1.0, 1.0, float(draw.uniform(0.6, 1)), 0.0, 0.0]
    day = [0.0] * 9 + [1.0, 1.3, 1.2, 0.8, 0.4, 0.9, 1.0, 1.0, 0.6] + [0.0] * 6
    scale = per_week / (sum(days) * sum(day))
    return [[round(hour * one * scale, 6) for hour in day] for one in days]

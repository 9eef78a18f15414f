from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mkmine.simulation import SimulationModel

ALWAYS = {"Mon-Sun": "00:00-24:00"}
OFFICE = {"Mon-Fri": "09:00-13:00, 14:00-18:00"}


def exponential(mean: float) -> dict[str, Any]:
    return {"kind": "exponential", "mean": mean}


def single_queue(*, rate: float, servers: int, service: dict[str, Any], rework: float = 0.0) -> SimulationModel:
    """One activity, one role, always open: arrivals an hour, people, hours of service, probability of another round."""
    routes = [{"to": None, "probability": 1 - rework}]
    if rework:
        routes.append({"to": "Serve", "probability": rework, "rework": True})
    return SimulationModel.from_dict(
        {
            "name": "queue",
            "start": "2025-01-06",
            "office": "always",
            "calendars": {"always": {"weekly": ALWAYS}},
            "people": [{"name": f"P{n}", "roles": ["Server"], "calendar": "always"} for n in range(servers)],
            "activities": {"Serve": {"role": "Server", "duration": [service], "next": [routes]}},
            "begin": [{"to": "Serve", "probability": 1}],
            "arrivals": {"weekly": [[rate] * 24] * 7},
        }
    )


def article_values() -> dict[str, Any]:
    """A small process with everything: brief, text, approval with rework by round, design, an outside wait."""
    return {
        "name": "article",
        "time_zone": "Europe/Moscow",
        "start": "2025-01-13",
        "office": "office",
        "calendars": {
            "office": {"weekly": OFFICE, "holidays": "RU"},
            "approver": {"weekly": {"Tue": "10:00-13:00", "Thu": "14:00-17:00"}, "holidays": "RU"},
        },
        "people": [
            {"name": "Ann", "roles": ["Marketer"], "calendar": "office"},
            {"name": "Bob", "roles": ["Writer"], "calendar": "office"},
            {"name": "Cat", "roles": ["Writer", "Designer"], "calendar": "office"},
            {"name": "Dan", "roles": ["Approver"], "calendar": "approver", "absences": [["2025-03-03", "2025-03-14"]]},
        ],
        "activities": {
            "Brief": {
                "role": "Marketer",
                "duration": [{"kind": "triangular", "low": 0.5, "mode": 1, "high": 3}],
                "next": [
                    [{"to": "Text", "probability": 0.95}, {"to": None, "probability": 0.05, "outcome": "cancelled"}]
                ],
            },
            "Text": {
                "role": "Writer",
                "duration": [{"kind": "gamma", "mean": 5, "cv": 0.6}, {"kind": "gamma", "mean": 1.5, "cv": 0.6}],
                "same_person": True,
                "next": [[{"to": "Approval", "probability": 1}]],
            },
            "Approval": {
                "role": "Approver",
                "duration": [{"kind": "fixed", "hours": 0.25}],
                "delay": {"kind": "exponential", "mean": 1},
                "calendar": "office",
                "next": [
                    [{"to": "Text", "probability": 0.4, "rework": True}, {"to": "Design", "probability": 0.6}],
                    [{"to": "Text", "probability": 0.2, "rework": True}, {"to": "Design", "probability": 0.8}],
                ],
            },
            "Design": {
                "role": "Designer",
                "duration": [{"kind": "lognormal", "mean": 3, "cv": 0.8}],
                "next": [[{"to": "Publication", "probability": 1}]],
            },
            "Publication": {
                "duration": [{"kind": "uniform", "low": 1, "high": 40}],
                "next": [[{"to": None, "probability": 1}]],
            },
        },
        "begin": [{"to": "Brief", "probability": 1}],
        "arrivals": {"weekly": [[0] * 9 + [0.15] * 8 + [0] * 7] * 5 + [[0] * 24] * 2, "holidays": "RU"},
    }


@pytest.fixture
def values() -> dict[str, Any]:
    """The article process as plain values, to be changed by the test."""
    return article_values()


@pytest.fixture(scope="session")
def article() -> SimulationModel:
    """The article process."""
    return SimulationModel.from_dict(article_values())


@pytest.fixture(scope="session")
def queue() -> Callable[..., SimulationModel]:
    """Build a single queue: see `single_queue`."""
    return single_queue

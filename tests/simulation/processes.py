"""Worlds with known truth, drawn as processes: the one of today and the one that should be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mkmine.eventlog import EventLog
from mkmine.simulation import SimulationModel, from_process, simulate
from mkmine.targets import ProcessModel
from mkmine.targets.outline import parse_outline

TODAY = """process: Release
steps:
  - {step: Brief, role: Marketer}
  - parallel: Make
    ways:
      - [{step: Text, role: Writer}]
      - - choice: Pictures?
          ways:
            yes: [{step: Pictures, role: Designer}]
            no: []
  - {step: Approval, role: Director}
  - choice: Good?
    ways:
      again: {go_to: Brief}
      fine: []
  - several: Where?
    ways:
      site: [{step: Site, role: Marketer}]
      mail: [{step: Mail, role: Marketer}]
"""
CHECK = """  - {step: Check, role: Director}
  - choice: Complete?
    ways:
      no: {go_to: Brief}
      yes: []
  - parallel: Make"""
TO_BE = TODAY.replace("process: Release", "process: Release as it should be").replace("  - parallel: Make", CHECK)
HOURS = {"Brief": 2.0, "Text": 5.0, "Pictures": 3.0, "Approval": 1.0, "Site": 0.5, "Mail": 0.5, "Check": 0.4}
AGAIN, PICTURES, SITE, MAIL, INCOMPLETE = 0.35, 0.6, 0.8, 0.4, 0.2
WAYS = {
    "Good?": {"again": AGAIN, "fine": 1 - AGAIN},
    "Pictures?": {"yes": PICTURES, "no": 1 - PICTURES},
    "Where?": {"Site": SITE, "Mail": MAIL},
}
TEAM = {"Marketer": 2, "Writer": 4, "Designer": 2, "Director": 2}
SAID: dict[str, Any] = {
    "activities": {"Check": [0.2, 0.4, 0.8]},
    "choices": {"Complete?": {"no": [0.1, 0.2, 0.35]}, "Good?": {"again": [0.1, 0.2, 0.35]}},
}


def drawn(text: str = TODAY) -> ProcessModel:
    """Return a process as it is written down."""
    return parse_outline(text, source="process.yaml")


def world(text: str = TODAY, **other: Any) -> SimulationModel:
    """Return a world that works as a process is written down; `other` chances than those of today."""
    process = drawn(text)
    details = {
        "name": f"true {process.name}",
        "start": "2025-01-06",
        "office": "office",
        "calendars": {"office": {"weekly": {"Mon-Fri": "09:00-18:00"}}},
        "people": [
            {"name": f"{role} {n}", "roles": [role], "calendar": "office"}
            for role, number in TEAM.items()
            for n in range(number)
        ],
        "arrivals": {"weekly": {"Mon-Fri": {"09:00-18:00": 0.25}}},
    }
    hours = {name: {"duration": [{"kind": "gamma", "mean": HOURS[name], "cv": 0.7}]} for name in process.activities}
    return from_process(process, details, branching=WAYS | other, activities=hours)


def seen(model: SimulationModel, *, cases: int, seed: int = 3) -> EventLog:
    """Return what a tracker would know of some cases: not when work was enabled."""
    return replace(simulate(model, cases=cases, seed=seed), enabled=None)

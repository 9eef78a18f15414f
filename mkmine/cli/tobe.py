"""Processes that `simulate` is given: along which to calibrate, what to compare with, and what is said of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mkmine.simulation import Scenario, SimulationModel
    from mkmine.targets import Elicited, Target

__all__ = ["said_of", "to_be_of"]


def said_of(target: Target, path: Path | None) -> Elicited | None:
    """Return what a file says of the steps, choices and roles that a target has; it may speak of another one, too."""
    from mkmine.targets import read_elicited

    if path is None:
        return None
    said = read_elicited(path)
    names = {name for node in target.model.nodes for name in (node.id, node.name)}
    roles = {*target.roles.values(), *(one.role for one in said.activities.values())}
    return said.model_copy(
        update={
            "activities": {name: one for name, one in said.activities.items() if name in names},
            "choices": {name: one for name, one in said.choices.items() if name in names},
            "people": {name: one for name, one in said.people.items() if name in roles},
        }
    )


def to_be_of(base: SimulationModel, path: Path, elicited: Path | None, *, alone: bool) -> Scenario:
    """Return the scenario of a TO-BE, which borrows from the base; the file speaks of it `alone`, or of AS-IS too."""
    import mkmine as mk

    target = mk.read_target(path)
    made = target.to_simulation(base, elicited=elicited if alone else said_of(target, elicited))
    return mk.Scenario(made.name).replace(made)

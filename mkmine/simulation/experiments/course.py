"""How many steps a case takes to its end, as the probabilities of the ways have it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mkmine.simulation.model import ActivityModel, Context, Route, SimulationModel
from mkmine.simulation.model.soundness import expected_visits

__all__ = ["longest_course"]

# A place, and which context holds there (none: its routes of the last round).
_State = tuple[str, tuple[str, ...]]


def longest_course(model: SimulationModel) -> float:
    """Return how many activities are still done, on average, from where most are; infinite if some case never ends.

    The absorption time of a Markov chain (Kemeny and Snell 1960, Finite Markov Chains, ch. 3) whose states are an
    activity and the context that holds in it; rounds count as the last ones, in which a case that goes round stays.
    Of a model with gateways it is how often a case comes to the place to which it comes most; NaN where a branch may
    end the others.
    """
    if model.gateways:
        return max(expected_visits(model).values())
    states = [(name, before) for name, one in model.activities.items() for before in ((), *_contexts(one))]
    number = {state: place for place, state in enumerate(states)}
    chain = np.eye(len(states))
    for state, place in number.items():
        name, before = state
        routes = _contexts(model.activities[name])[before].next if before else model.activities[name].next[-1]
        for route in routes:
            if route.to is not None:
                chain[place, number[_reached(model, (*before, name), route)]] -= route.probability
    try:
        steps = np.linalg.solve(chain, np.ones(len(states)))
    except np.linalg.LinAlgError:
        return float("inf")
    # Where the ways hardly lead out, rounding makes the solution negative or not finite.
    return float(steps.max()) if np.isfinite(steps).all() and steps.min() >= 1 - 1e-9 else float("inf")


def _contexts(one: ActivityModel) -> dict[tuple[str, ...], Context]:
    """Return the contexts of an activity that hold in its last rounds."""
    out: dict[tuple[str, ...], Context] = {}
    for context in sorted(one.contexts, key=lambda context: context.round):
        out[tuple(context.before)] = context
    return out


def _reached(model: SimulationModel, course: Sequence[str], route: Route) -> _State:
    """Return the state to which a route leads after a course, as far as the course is known."""
    name = str(route.to)
    known = _contexts(model.activities[name])
    for length in range(len(course), 0, -1):
        if (found := tuple(course[-length:])) in known:
            return name, found
    return name, ()

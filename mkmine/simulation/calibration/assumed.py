"""What nobody has measured, put into a model: assumed hours of steps, and people for roles that nobody has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from mkmine.errors import DataError, UnknownNameError, nearest
from mkmine.simulation.model import ActivityModel, Person, Route, SimulationModel
from mkmine.simulation.model.distributions import Distribution, Fixed, LogNormal
from mkmine.simulation.model.evidence import Evidence, Range
from mkmine.simulation.model.laying import Timing
from mkmine.targets import Elicited, Estimate, Guess, Node

__all__ = [
    "NOTE_HOURS",
    "UnsaidError",
    "assumed_activity",
    "assumed_event",
    "check_said",
    "estimate_of",
    "spread_of",
    "staffed",
    "worth",
]

# How much pieces of work differ where no activity of the log tells.
_USUAL_CV = 0.8
# What somebody says is worth at least, and at most, so many observations.
_LEAST, _MOST = 2.0, 1e4

NOTE_HOURS = "Assumption: “{name}” takes {low} to {high} h of work, most likely {likely} (said, not measured)."
NOTE_DELAY = "Assumption: “{name}” waits {low} to {high} h outside, most likely {likely} (said, not measured)."
NOTE_EVENT = "Assumption: the event “{name}” takes {low} to {high} h, most likely {likely} (said, not measured)."
NOTE_HIRED = "Assumption: {n} people are new in the role “{role}”, with the hours of the office."
NOTE_LENT = "Assumption: the work of “{role}” is done by {names}."


class UnsaidError(DataError):
    """Something that nobody has measured or said; `example` says it as `elicited` could."""

    def __init__(self, message: str, example: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.example = example


def check_said(
    said: Elicited, *, steps: Iterable[str], gateways: Iterable[str], roles: Iterable[str], where: str
) -> None:
    """Raise `UnknownNameError` if something is said of a step, a gateway or a role that there is not."""
    for kind, given, known in (
        ("step", said.activities, list(dict.fromkeys(steps))),
        ("gateway", said.choices, list(dict.fromkeys(gateways))),
        ("role", said.people, list(dict.fromkeys(roles))),
    ):
        for name in given:
            if name not in known:
                raise UnknownNameError.of(kind=kind, name=name, known=known, where=f"what is said of {where}")


def estimate_of(said: Elicited, node: Node) -> Estimate | None:
    """Return what is said of a step, by its name or id."""
    return said.activities.get(node.name) or said.activities.get(node.id)


def assumed_activity(node: Node, said: Estimate, *, role: str | None, spread: float, notes: list[str]) -> ActivityModel:
    """Return a step of which only a range is known: single pieces differ as those of the log do (`spread`).

    The range is of the mean, so that every draw of the model's numbers takes another mean; where it leads is laid
    later.
    """
    notes.append(_told(NOTE_HOURS, node.name, said.duration))
    if said.delay is not None:
        notes.append(_told(NOTE_DELAY, node.name, said.delay))
    return ActivityModel(
        role=role,
        duration=[_around(said.duration, spread)],
        delay=None if said.delay is None or role is None else _around(said.delay, spread),
        next=[[Route(to=None)]],
        evidence=Evidence(
            duration=[_range(said.duration)],
            delay=None if said.delay is None or role is None else _range(said.delay),
        ),
    )


def assumed_event(node: Node, said: Estimate, *, spread: float, notes: list[str]) -> Timing:
    """Return how long an event lets cases wait. A timer is as long as it is; other events differ by `spread`."""
    notes.append(_told(NOTE_EVENT, node.name or node.id, said.duration))
    exact = node.trigger == "timer" or said.duration.low == said.duration.high
    after: Distribution = Fixed(hours=_range(said.duration).mean) if exact else _around(said.duration, spread)
    return Timing(after, None if said.duration.low == said.duration.high else _range(said.duration))


def spread_of(model: SimulationModel) -> float:
    """Return the usual coefficient of variation of a model's hours of work: the median of its activities."""
    u = (np.arange(200) + 0.5) / 200
    found = []
    for one in model.activities.values():
        hours = one.duration[0].ppf(u)
        if one.role is not None and hours.mean() > 0:
            found.append(float(hours.std() / hours.mean()))
    return round(min(max(float(np.median(found)), 0.05), 3.0), 3) if found else _USUAL_CV


def worth(guess: Guess) -> float:
    """Return of how many observations a probability would be known as well as by a range (equal variance)."""
    stated = _range(guess)
    values = np.array([stated.at(float(u)) for u in (np.arange(40) + 0.5) / 40])
    mean, variance = float(values.mean()), float(values.var())
    if variance <= 0:
        return _MOST
    return min(max(mean * (1 - mean) / variance - 1, _LEAST), _MOST)


def staffed(
    needed: Mapping[str, Sequence[str]],
    people: Sequence[Person],
    said: Elicited,
    *,
    office: str,
    hints: Mapping[str, str],
    where: str,
    notes: list[str],
) -> list[Person]:
    """Return the people with those who do the work of new roles.

    `needed` has the activities of each role, `hints` who does the work of it today. Raises `DataError` naming the roles
    that nobody has, and what to say about them.
    """
    out = list(people)
    for role, who in said.people.items():
        names = [one.name for one in out]
        if isinstance(who, int):
            fresh = [f"{role} {number}" for number in range(1, who + 1)]
            if taken := [name for name in fresh if name in names]:
                raise DataError(f'{where}: people: somebody is called "{taken[0]}" already; name the people who do it')
            out += [Person(name=name, roles=[role], calendar=office) for name in fresh]
            notes.append(NOTE_HIRED.format(n=who, role=role))
            continue
        chosen = [one.name for one in out if who in one.roles] if isinstance(who, str) else who
        if not chosen:
            known = list(dict.fromkeys(one for person in people for one in person.roles))
            raise UnknownNameError.of(kind="role", name=str(who), known=known, where=f"{where}: people: {role}")
        for name in chosen:
            if name not in names:
                raise UnknownNameError.of(kind="person", name=name, known=names, where=f"{where}: people: {role}")
        out = [
            one.model_copy(update={"roles": [*one.roles, role]})
            if one.name in chosen and role not in one.roles
            else one
            for one in out
        ]
        notes.append(NOTE_LENT.format(role=role, names=f"“{who}”" if isinstance(who, str) else ", ".join(chosen)))
    there = {role for one in out for role in one.roles}
    for role, steps in needed.items():
        if role not in there:
            raise UnsaidError(_nobody(role, steps, hints.get(role), sorted(there), where), {"people": {role: 1}})
    return out


def _nobody(role: str, steps: Sequence[str], today: str | None, known: list[str], where: str) -> str:
    done = ", ".join(f'"{step}"' for step in steps[:3])
    other = f'"{today}", who does it today' if today else "a role of today"
    return (
        f'{where}: nobody has the role "{role}", which does {done}; say elicited={{"people": {{"{role}": 1}}}} '
        f"(new people, or the name of {other}), or confirm another name of the role; {nearest(role, known)}"
    )


def _range(guess: Guess) -> Range:
    return Range(low=guess.low, likely=guess.likely, high=guess.high, shape=guess.shape)


def _around(guess: Guess, spread: float) -> Distribution:
    mean = _range(guess).mean
    return LogNormal(mean=mean, cv=spread) if mean > 0 else Fixed(hours=0.0)


def _told(template: str, name: str, guess: Guess) -> str:
    return template.format(name=name, low=f"{guess.low:g}", likely=f"{guess.likely:g}", high=f"{guess.high:g}")

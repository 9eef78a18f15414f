"""A model compiled to tables of numbers: what both engines read while they run."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from mkmine.calendars import DAY, HOUR, Calendar
from mkmine.simulation.engine.clocks import LONGEST, Clock
from mkmine.simulation.model import Habit, Route, SimulationModel

__all__ = [
    "CANCELLED",
    "END",
    "OVERLAP",
    "RACE",
    "TERMINATED",
    "WITHDRAWN",
    "Ints",
    "Kind",
    "Tables",
    "as_us",
    "compile_model",
    "route_table",
]

Ints = NDArray[np.int64]

# Added to where a route leads that is taken as soon as its activity begins.
OVERLAP = 1 << 40
# Where a route leads that leads to no place: its branch ends, or the whole case does.
END, CANCELLED, TERMINATED, WITHDRAWN = -1, -2, -3, -4
# A step of priority outweighs any time: 2 ** 53 µs are 285 years.
_STEP = 2**53
# So many times the hours; what takes longer is cut to `LONGEST` anyway, and no product overflows.
_SLOWEST = 1e15
# Quantiles of the exponential distribution, in which people race for work, by 12 random bits.
RACE = -np.log1p(-(np.arange(1 << 12) + 0.5) / (1 << 12))
# Who only takes what nobody else does comes in later than anybody with a preference.
_LAST = 1e12


class Kind:
    """What a place is."""

    TASK, OUTSIDE, XOR, AND, OR, MERGE, JOIN, EVENT = range(8)


_GATEWAYS = {
    "xor": Kind.XOR, "and": Kind.AND, "or": Kind.OR, "merge": Kind.MERGE, "join": Kind.JOIN, "event": Kind.EVENT,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """A compiled model. Places are the activities, and after them the gateways; -1 is none.

    Attributes
    ----------
    names, n_activities, numbers
        Of the places; `numbers` are their codes by name.
    kind, role, clock
        (N,) each: what a place is, who does it, and the clock of its delay or outside wait (0: all hours).
    owner, other
        (N,) the activity whose doer has to do this one, or must not.
    rank, step
        (N,) µs that are added to the key of work in its queue, and how many a step of priority is worth.
    finish, fits
        (N,) bool: work is finished in overtime, or begun only if it can be done before closing.
    habit
        (N, P) which column of routes holds when that person did it; 0 is everybody's.
    pace
        (N, P) what the hours of that person are multiplied by.
    aversion
        (N, P) what a person's time in the race for free work is multiplied by.
    raced
        (N,) bool: people race for the work; or else whoever has been idle longest takes it.
    person_key
        (P,) what a person's chance in the race is drawn by, whoever else is there.
    targets
        Where a gateway leads, in order; for activities, nothing.
    needed
        (N,) branches that a join waits for; -k - 1: as many as gateway k has opened.
    person_clock, person_roles, capacity
        (P,) each, of people.
    clocks
        The clocks; 0 never stops.
    traced
        Whether it matters which activities came before.
    """

    names: tuple[str, ...]
    n_activities: int
    numbers: dict[str, int]
    roles: tuple[str, ...]
    kind: Ints
    role: Ints
    clock: Ints
    owner: Ints
    other: Ints
    rank: Ints
    step: int
    finish: NDArray[np.bool_]
    fits: NDArray[np.bool_]
    habit: Ints
    pace: NDArray[np.float64]
    aversion: NDArray[np.float64]
    raced: NDArray[np.bool_]
    person_key: Ints
    targets: tuple[tuple[int, ...], ...]
    needed: Ints
    person_clock: Ints
    person_roles: tuple[tuple[int, ...], ...]
    capacity: Ints
    clocks: list[Clock]
    clock_of: dict[str, int]
    traced: bool

    @property
    def branches(self) -> bool:
        """Whether a case can be in several places at once."""
        return bool(((self.kind == Kind.AND) | (self.kind == Kind.OR)).any())

    @property
    def choosy(self) -> bool:
        """Whether people may have to leave work that is before them to others, or for another day."""
        return bool((self.other >= 0).any() or self.fits.any())

    @property
    def handed(self) -> bool:
        """Whether it matters later who did what."""
        return bool((self.owner >= 0).any() or (self.other >= 0).any())

    @property
    def paced(self) -> bool:
        """Whether it matters to the hours of work who does it."""
        return bool((self.pace != 1).any())


def compile_model(model: SimulationModel, first: int, last: int) -> Tables:
    """Return the tables of a model whose cases arrive between `first` and `last` (µs)."""
    names = model.places
    numbers = {name: number for number, name in enumerate(names)}
    roles = model.roles
    role_of = {role: number for number, role in enumerate(roles)}
    clocks, clock_of, person_clock = _clocks(model, first, last + 400 * DAY)
    activities, gateways = list(model.activities.values()), list(model.gateways.values())
    step = {"priority": _STEP, "ageing": round((model.ageing or 0) * HOUR)}.get(model.queue, 0)
    habit, pace, aversion = _habits(model)

    def of_activities(values: list[int], rest: int = -1) -> Ints:
        return np.array([*values, *[rest] * len(gateways)], dtype=np.int64)

    def code(name: str | None) -> int:
        return END if name is None else numbers[name]

    return Tables(
        names=names,
        n_activities=len(activities),
        numbers=numbers,
        roles=roles,
        kind=np.array(
            [Kind.OUTSIDE if one.role is None else Kind.TASK for one in activities]
            + [_GATEWAYS[one.kind] for one in gateways],
            dtype=np.int64,
        ),
        role=of_activities([-1 if one.role is None else role_of[one.role] for one in activities]),
        clock=of_activities([clock_of[one.calendar] if one.calendar else 0 for one in activities], 0),
        owner=of_activities(
            [number if one.same_person else code(one.same_person_as) for number, one in enumerate(activities)]
        ),
        other=of_activities([code(one.other_person_than) for one in activities]),
        rank=of_activities([one.priority * step for one in activities], 0),
        step=step,
        finish=of_activities([one.at_closing == "finish" for one in activities], 0).astype(np.bool_),
        fits=of_activities([one.at_closing == "wait" and one.role is not None for one in activities], 0).astype(
            np.bool_
        ),
        traced=model.tracing,
        habit=habit,
        pace=pace,
        aversion=aversion,
        raced=(aversion != 1).any(axis=1),
        person_key=np.array([_key(person.name) for person in model.people], dtype=np.int64),
        targets=(*(() for _ in activities), *(tuple(code(to) for to in one.targets) for one in gateways)),
        needed=_needed(model, numbers),
        person_clock=person_clock,
        person_roles=tuple(tuple(role_of[role] for role in person.roles) for person in model.people),
        capacity=np.array([person.capacity for person in model.people], dtype=np.int64),
        clocks=clocks,
        clock_of=clock_of,
    )


def _clocks(model: SimulationModel, first: int, last: int) -> tuple[list[Clock], dict[str, int], Ints]:
    """Return the clocks, their numbers by calendar, and the clock of each person."""
    clocks = [Clock(Calendar.always(), first, last)]
    clock_of = {}
    for name in model.calendars:
        clock_of[name] = len(clocks)
        clocks.append(Clock(model.calendar(name), first, last))
    of_person = []
    for person in model.people:
        of_person.append(clock_of[person.calendar])
        if person.absences:
            of_person[-1] = len(clocks)
            clocks.append(Clock(model.calendar(person.calendar, person.absences), first, last))
    return clocks, clock_of, np.array(of_person, dtype=np.int64)


def _key(name: str) -> int:
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "little", signed=True)


def _habits(model: SimulationModel) -> tuple[Ints, NDArray[np.float64], NDArray[np.float64]]:
    """Return the column of routes, the pace and the aversion by place and person."""
    shape = (len(model.places), len(model.people))
    habit, pace, aversion = np.zeros(shape, dtype=np.int64), np.ones(shape), np.ones(shape)
    for number, activity in enumerate(model.activities.values()):
        factors = rework_factors(activity.people)
        for person, one in enumerate(model.people):
            own = activity.people.get(one.name)
            pace[number, person] = min((own.pace if own else 1.0) / one.availability, _SLOWEST)
            if own:
                habit[number, person] = factors.index(own.rework)
                aversion[number, person] = 1 / own.preference if own.preference > 1 / _LAST else _LAST
    return habit, pace, aversion


def rework_factors(people: dict[str, Habit]) -> list[float]:
    """Return the distinct factors of rework by person, everybody's (1) first."""
    return list(dict.fromkeys([1.0, *(habit.rework for habit in people.values())]))


def _needed(model: SimulationModel, numbers: dict[str, int]) -> Ints:
    """Return how many branches each join waits for."""
    out = np.zeros(len(numbers), dtype=np.int64)
    sources: dict[str, set[str]] = {}
    for name, activity in model.activities.items():
        for routes in activity.all_routes:
            for route in routes:
                if route.to is not None and route.probability > 0:
                    sources.setdefault(route.to, set()).add(name)
        if activity.patience is not None and activity.patience.to is not None:
            sources.setdefault(activity.patience.to, set()).add(name)
    for name, gateway in model.gateways.items():
        for target in gateway.targets:
            if target is not None:
                sources.setdefault(target, set()).add(name)
    for name, gateway in model.gateways.items():
        if gateway.kind != "join":
            continue
        split = model.gateways.get(gateway.of or "")
        if split is None:
            begun = any(route.to == name and route.probability > 0 for route in model.begin)
            out[numbers[name]] = len(sources.get(name, ())) + begun
        elif split.kind == "and":
            out[numbers[name]] = len(split.targets)
        else:
            out[numbers[name]] = -numbers[gateway.of or ""] - 1
    return out


def route_table(routes: list[Route], numbers: dict[str, int]) -> tuple[list[float], list[int]]:
    """Return the cumulative probabilities of routes and their targets: a place, or how the case ends."""
    # Ways back come first, so that a scenario which scales them moves as few cases as possible.
    ordered = sorted(routes, key=lambda route: not route.rework)
    edges: list[float] = np.cumsum([route.probability for route in ordered]).tolist()
    # The last edge is open: rounding must not leave a draw without a route.
    return edges[:-1], [_target(route, numbers) for route in ordered]


def _target(route: Route, numbers: dict[str, int]) -> int:
    if route.to is not None:
        return numbers[route.to] + OVERLAP * route.overlap
    if route.outcome == "cancelled":
        return WITHDRAWN if route.terminate else CANCELLED
    return TERMINATED if route.terminate else END


def as_us(hours: NDArray[np.float64]) -> Ints:
    """Return hours as whole microseconds; a cap of 400 years keeps a heavy tail inside the calendar."""
    return np.minimum(np.rint(hours * HOUR), LONGEST).astype(np.int64)

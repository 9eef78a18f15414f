"""Parameter uncertainty: a model whose numbers are drawn from what is known of them."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple, TypeVar

from mkmine.errors import DataError
from mkmine.simulation.engine.draws import sent_back
from mkmine.simulation.experiments.course import longest_course
from mkmine.simulation.model import (
    ActivityModel,
    Arrivals,
    Context,
    Gateway,
    GatewayVariant,
    Habit,
    Person,
    Route,
    SimulationModel,
    Variant,
    Way,
)
from mkmine.simulation.model.distributions import Distribution
from mkmine.simulation.model.evidence import Evidence, Known, Range
from mkmine.simulation.model.queueing import as_read
from mkmine.simulation.scenarios.scenario import Scenario
from mkmine.streams import Streams

__all__ = ["Doubt", "Doubts", "alphas", "drawn", "stated", "uncertain"]

T = TypeVar("T")
# Gives the probability at which a named number is drawn.
Dice = Callable[..., float]
_USUAL = Habit()
# No draw makes a mean so many times smaller or larger.
_MOST = 20.0
# Nor a case so many times longer on average, unless that is still fewer steps than these.
_LONGER, _STEPS = 5.0, 100.0
# How far drawn routes are moved to the model's own where cases would take longer.
_TOWARDS = (0.25, 0.5, 0.75, 1.0)


class Doubt(NamedTuple):
    """Another model to be simulated under the random numbers of a replication.

    `alpha` is another share of queueing; None stands for a draw of the model's numbers, of the same number.
    """

    replication: int
    alpha: float | None = None


class Doubts:
    """What the models of an experiment might be instead: draws of their numbers, and other shares of queueing.

    `draws` is how many draws there are at most; each other share of queueing gets a third as many replications.
    """

    def __init__(self, model: SimulationModel, scenarios: Sequence[Scenario], *, draws: int, seed: int) -> None:
        self._model, self._scenarios, self._seed = model, tuple(scenarios), seed
        others = [one.apply(model) for one in self._scenarios if _replaces(one)]
        self._draws = draws if any(map(uncertain, (model, *others))) else 0
        self._others = alphas(model)[1:] if draws else ()
        self._readings = math.ceil(draws / 3)

    def within(self, replications: int) -> list[Doubt]:
        """Return the doubts that belong to the first so many replications, in their order."""
        out = []
        for number in range(replications):
            out += [Doubt(number)] if number < self._draws else []
            out += [Doubt(number, alpha) for alpha in self._others if number < self._readings]
        return out

    def models(self, doubt: Doubt) -> dict[str, SimulationModel]:
        """Return the base (as "") and the scenarios of a doubt: what a scenario changes is in doubt before it does.

        A scenario that brings a model of its own has draws of its own, under the same random numbers.
        """
        base = self._doubted(self._model, doubt)
        return {"": base} | {
            one.name: self._doubted(one.apply(self._model), doubt) if _replaces(one) else one.apply(base)
            for one in self._scenarios
        }

    def _doubted(self, model: SimulationModel, doubt: Doubt) -> SimulationModel:
        if doubt.alpha is not None:
            return as_read(model, doubt.alpha)
        return drawn(model, doubt.replication, of=self._draws, seed=self._seed)


def _replaces(scenario: Scenario) -> bool:
    return any(change["do"] == "replace" for change in scenario.changes)


def uncertain(model: SimulationModel) -> bool:
    """Return whether any number of the model is not taken for certain."""
    return (
        model.arrivals.evidence is not None
        or len(model.queue_doubt) > 1
        or any(season.observed is not None for season in model.arrivals.seasons)
        or any(day.observed is not None for day in model.arrivals.days)
        or any(person.range is not None or person.presence is not None for person in model.people)
        or any(one.evidence is not None or _observed(one) for one in model.activities.values())
        or any(gate.observed or any(event.range for event in gate.events) for gate in model.gateways.values())
    )


def stated(model: SimulationModel) -> set[str]:
    """Return the places and people of a model of which somebody says a number that nobody has measured."""
    out = {
        name
        for name, one in model.activities.items()
        if (known := one.evidence) is not None
        and (
            known.stated
            or known.rework is not None
            or any(isinstance(belief, Range) for belief in (*known.duration, known.delay))
        )
    }
    out |= {name for name, one in model.gateways.items() if one.stated or any(event.range for event in one.events)}
    return out | {person.name for person in model.people if person.range is not None}


def _observed(one: ActivityModel) -> bool:
    return any(context.observed is not None for context in one.all_contexts) or any(
        variant.evidence is not None for variant in one.variants
    )


def alphas(model: SimulationModel) -> tuple[float, ...]:
    """Return the shares of queueing that the log does not exclude, the model's own first; none if it does not say."""
    if model.queueing is None:
        return ()
    return (model.queueing.alpha, *(one.alpha for one in model.queueing.others))


def drawn(model: SimulationModel, number: int, *, of: int, seed: int = 0) -> SimulationModel:
    """Return draw `number` (from 0) of `of` draws of the model's numbers from what is known of them.

    Means (of hours, arrivals) are drawn log-normal with their relative standard error, probabilities from a Dirichlet
    distribution with the counts that they rest on, stated ranges from a PERT distribution, each independently of the
    others; the paces of people and the hours that they are there log-normal too. The draws are a Latin hypercube
    (McKay, Beckman and Conover
    1979, A comparison of three methods for selecting values of input variables, Technometrics 21): each number takes
    one value from each of `of` equally probable parts of its distribution. What rests on nothing stays as it is.
    Routes by which cases would hardly ever end, which a Dirichlet distribution gives now and then where few ends were
    seen and which no log of ended cases supports, are moved towards the model's own until they do.

    The order in which work is taken is drawn too, where it is in doubt.

    Raises `DataError` if `number` is not between 0 and `of` - 1.
    """
    if not 0 <= number < of:
        raise DataError(f"draw {number} of {of}: give a number from 0 to {of - 1}")
    dice = _Hypercube(number, of, seed)
    cases = _cases(model.arrivals.evidence)
    changed = {
        "queue": _queue(model, dice),
        "arrivals": _arrivals(model.arrivals, dice),
        "people": [_person(one, dice) for one in model.people],
        "activities": _with_people(
            {name: _activity(name, one, dice) for name, one in model.activities.items()}, model, dice
        ),
        "gateways": {name: _gateway(name, one, dice) for name, one in model.gateways.items()},
        "begin": _routes(model.begin, cases, dice, "begin"),
        "profiles": [
            one.model_copy(update={"share": share})
            for one, share in zip(
                model.profiles,
                _shares([one.share for one in model.profiles], cases, dice, "profile"),
                strict=True,
            )
        ],
        "attributes": {
            name: dict(zip(shares, _shares(list(shares.values()), cases, dice, "attribute", name), strict=True))
            for name, shares in model.attributes.items()
        },
    }
    if model.case_types:
        types = _shares([one.share for one in model.case_types.values()], cases, dice, "type")
        changed["case_types"] = {
            name: one.model_copy(update={"share": share})
            for (name, one), share in zip(model.case_types.items(), types, strict=True)
        }
    return _ending(model.model_copy(update=changed), model)


def _queue(model: SimulationModel, dice: Dice) -> str:
    """Return the order in which work is taken: each of those in doubt in as many draws as it is probable."""
    if len(model.queue_doubt) < 2:
        return model.queue
    names = list(model.queue_doubt)
    reached = list(accumulate(model.queue_doubt.values()))
    return names[min(bisect_right(reached, dice("queue") * reached[-1]), len(names) - 1)]


def _ending(changed: SimulationModel, own: SimulationModel) -> SimulationModel:
    """Return a draw in which cases take at most so much longer, on average, than by the model's own routes."""
    usual = _longest(own)
    longest = max(2 * usual, min(_LONGER * usual, _STEPS))
    if not _longest(changed) > longest:
        return changed
    for weight in _TOWARDS:
        moved = {name: _towards(one, own.activities[name], weight) for name, one in changed.activities.items()}
        gates = {
            name: one.model_copy(
                update={"next": [_mixed(*pair, weight) for pair in zip(one.next, own.gateways[name].next, strict=True)]}
            )
            for name, one in changed.gateways.items()
        }
        found = changed.model_copy(update={"activities": moved, "gateways": gates})
        if _longest(found) <= longest:
            break
    return found


def _longest(model: SimulationModel) -> float:
    """Return the longest course of all cases, and of those to which variants with routes of their own apply."""
    courses = [longest_course(model)]
    whens = {tuple(v.when.items()) for one in model.activities.values() for v in one.variants if v.next is not None}
    for when in sorted(whens):
        activities = dict(model.activities)
        for name, one in model.activities.items():
            own = next((v for v in one.variants if v.next is not None and v.when == dict(when)), None)
            if own is not None:
                activities[name] = one.model_copy(update={"next": own.next, "contexts": own.contexts})
        courses.append(longest_course(model.model_copy(update={"activities": activities})))
    return max(courses)


def _towards(one: ActivityModel, own: ActivityModel, weight: float) -> ActivityModel:
    """Return an activity whose routes are so far on the way to those of another."""
    contexts = [
        context.model_copy(update={"next": _mixed(context.next, other.next, weight)})
        for context, other in zip(one.contexts, own.contexts, strict=True)
    ]
    rounds = [_mixed(*pair, weight) for pair in zip(one.next, own.next, strict=True)]
    variants = [
        variant.model_copy(
            update={
                "next": variant.next
                and [_mixed(*pair, weight) for pair in zip(variant.next, other.next or (), strict=True)],
                "contexts": [
                    context.model_copy(update={"next": _mixed(context.next, its.next, weight)})
                    for context, its in zip(variant.contexts, other.contexts, strict=True)
                ],
            }
        )
        for variant, other in zip(one.variants, own.variants, strict=True)
    ]
    return one.model_copy(update={"next": rounds, "contexts": contexts, "variants": variants})


def _mixed(routes: list[Route], own: list[Route], weight: float) -> list[Route]:
    return [
        route.model_copy(update={"probability": route.probability + weight * (other.probability - route.probability)})
        for route, other in zip(routes, own, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _Hypercube:
    """The place of each number in one draw of a Latin hypercube; numbers are known by name."""

    number: int
    of: int
    seed: int

    def __call__(self, *name: str | int) -> float:
        generator = Streams(self.seed).generator("parameter", *name)
        cell = generator.permutation(self.of)[self.number]
        return float((cell + generator.random(self.of)[self.number]) / self.of)


def _cases(known: Known | Range | None) -> float | None:
    return known.n if isinstance(known, Known) else None


def _factor(known: Known | Range | None, mean: float, dice: Dice, *name: str | int) -> float:
    """Return by what a mean is to be multiplied."""
    if known is None or mean <= 0:
        return 1.0
    u = dice(*name)
    factor = known.factor(u) if isinstance(known, Known) else known.at(u) / mean
    return min(max(factor, 1 / _MOST), _MOST)


def _arrivals(arrivals: Arrivals, dice: Dice) -> Arrivals:
    factor = _factor(arrivals.evidence, arrivals.per_week, dice, "arrivals")
    seasons = [
        one.model_copy(
            update={"factor": min(one.factor * _counted(one.observed, dice, "season", str(one.first)), 100.0)}
        )
        for one in arrivals.seasons
    ]
    days = [
        one.model_copy(update={"factor": min(one.factor * _counted(one.observed, dice, "day", one.kind), 100.0)})
        for one in arrivals.days
    ]
    changed = {"factor": min(arrivals.factor * factor, 100.0), "seasons": seasons, "days": days}
    return arrivals.model_copy(update=changed)


def _counted(count: float | None, dice: Dice, *name: str | int) -> float:
    """Return by what a rate is multiplied that rests on a count (gamma, with mean 1)."""
    from scipy.special import gammaincinv

    return float(gammaincinv(count, dice(*name)) / count) if count else 1.0


def _person(person: Person, dice: Dice) -> Person:
    if person.range is None:
        return person
    value = min(max(person.range.at(dice("availability", person.name)), 0.01), 1.0)
    return person.model_copy(update={"availability": value})


def _with_people(activities: dict[str, ActivityModel], model: SimulationModel, dice: Dice) -> dict[str, ActivityModel]:
    """Return activities with drawn paces of the people who can do them.

    Hours of presence are drawn as hours of work: who is there a tenth longer gets a tenth more done in the same
    calendar. But work that goes over a closing was measured in the same hours, and moves with them; how often it does
    is its length over that of a day.
    """
    people = model.people
    day = {name: model.calendar(name).hours_per_day for name in {person.calendar for person in people}}
    there = {
        person.name: 1.0 if person.presence is None else person.presence.factor(dice("presence", person.calendar))
        for person in people
    }
    out = {}
    for name, one in activities.items():
        able = [person.name for person in people if one.role in person.roles]
        hours = model.activities[name].duration[0].mean_h
        within = {person.name: max(1 - hours / day[person.calendar], 0.0) for person in people}
        factors = {who: factor / there[who] ** within[who] for who, factor in _paces(name, one, able, dice).items()}
        errors = {} if one.evidence is None else one.evidence.preference
        habits = {
            who: _drawn_habit(one.people.get(who, _USUAL), by, readily)
            for who, by in factors.items()
            if (readily := _readily(name, who, errors, dice)) != 1 or by != 1
        }
        out[name] = one.model_copy(update={"people": {**one.people, **habits}}) if habits else one
    return out


def _drawn_habit(habit: Habit, pace: float, readily: float) -> Habit:
    preference = min(habit.preference * readily, 100.0)
    return habit.model_copy(update={"pace": _bounded(habit.pace * pace), "preference": preference})


def _readily(name: str, who: str, errors: Mapping[str, float], dice: Dice) -> float:
    """Return by what a person's preference is multiplied."""
    return Known(n=0, error=errors[who]).factor(dice("preference", name, who)) if who in errors else 1.0


def _paces(name: str, one: ActivityModel, able: Sequence[str], dice: Dice) -> dict[str, float]:
    """Return by what the paces of people at an activity are multiplied; together they neither gain nor lose."""
    errors = {} if one.evidence is None else one.evidence.pace
    drawn_paces = {
        who: Known(n=0, error=errors[who]).factor(dice("pace", name, who)) if who in errors else 1.0 for who in able
    }
    mean = sum(drawn_paces.values()) / max(len(able), 1)
    return {who: factor / mean for who, factor in drawn_paces.items()} if errors else drawn_paces


def _bounded(pace: float) -> float:
    return min(max(pace, 1 / _MOST), _MOST)


def _activity(name: str, one: ActivityModel, dice: Dice) -> ActivityModel:
    evidence = one.evidence or Evidence()
    known: list[Known | Range | None] = evidence.duration
    paces = [
        _factor(_of(known, number), spread.mean_h, dice, "duration", name, number)
        for number, spread in enumerate(one.duration)
    ]
    lag = _factor(evidence.delay, 1.0 if one.delay is None else one.delay.mean_h, dice, "delay", name)
    if evidence.shared and one.delay is not None and one.delay.mean_h > 0:
        lag *= max(1 - (paces[0] - 1) * one.duration[0].mean_h / one.delay.mean_h, 1 / _MOST)
    changed: dict[str, object] = {
        "duration": _scaled(one.duration, paces),
        "delay": None if one.delay is None else _scaled([one.delay], [lag])[0],
        "waits": [wait.model_copy(update={"delay": _scaled(wait.delay, [lag])}) for wait in one.waits],
        "variants": [_variant(name, variant, paces, lag, dice) for variant in one.variants],
        "next": [
            _routes(routes, _of(evidence.routes, number), dice, "route", name, number)
            for number, routes in enumerate(one.next)
        ],
        "contexts": [context.model_copy(update={"next": _context(name, context, dice)}) for context in one.contexts],
    }
    changed_one = one.model_copy(update=changed)
    if evidence.rework is None:
        return changed_one
    return changed_one.model_copy(update=_returning(one, evidence.rework.at(dice("rework", name))))


def _gateway(name: str, one: Gateway, dice: Dice) -> Gateway:
    """Return a gateway with other probabilities of its ways, and other waits for its events."""
    changed = {
        "next": [
            _routes(routes, _of(one.observed, number), dice, "route", name, number)
            for number, routes in enumerate(one.next)
        ],
        "ways": _ways(one.ways, one.observed, dice, "way", name),
        "variants": [_gateway_variant(name, variant, dice) for variant in one.variants],
        "events": [
            event.model_copy(
                update={
                    "after": event.after.scaled(_factor(event.range, event.after.mean_h, dice, "event", name, number))
                }
            )
            for number, event in enumerate(one.events)
        ],
    }
    return one.model_copy(update=changed)


def _ways(ways: list[Way], observed: Sequence[float], dice: Dice, *name: str) -> list[Way]:
    return [
        way.model_copy(
            update={
                "probability": _shares(
                    [way.probability, 1 - way.probability], _of(observed, number), dice, *name, way.to
                )[0]
            }
        )
        for number, way in enumerate(ways)
    ]


def _gateway_variant(name: str, one: GatewayVariant, dice: Dice) -> GatewayVariant:
    which = [text for pair in sorted(one.when.items()) for text in pair]
    routes = [
        _routes(routes, _of(one.observed, number), dice, "route", name, number, *which)
        for number, routes in enumerate(one.next)
    ]
    return one.model_copy(update={"next": routes, "ways": _ways(one.ways, one.observed, dice, "way", name, *which)})


def _context(name: str, context: Context, dice: Dice) -> list[Route]:
    return _routes(context.next, context.observed, dice, "route", name, context.round, *context.before)


def _variant(name: str, variant: Variant, paces: list[float], lag: float, dice: Dice) -> Variant:
    """Return what certain cases have of their own: with the activity's factors, and draws of its own numbers."""
    evidence = variant.evidence or Evidence()
    which = [text for pair in sorted(variant.when.items()) for text in pair]
    factor = _factor(_of(evidence.duration, 0), variant.factor, dice, "factor", name, *which)
    wait = _factor(evidence.delay, variant.delay_factor, dice, "delay factor", name, *which)
    # A factor of 1 says nothing, and so it stays.
    return variant.model_copy(
        update={
            "duration": None if variant.duration is None else _scaled(variant.duration, paces),
            "delay": None if variant.delay is None else _scaled([variant.delay], [lag])[0],
            "factor": 1.0 if variant.factor == 1 else min(variant.factor * factor, 100.0),
            "delay_factor": 1.0 if variant.delay_factor == 1 else min(variant.delay_factor * wait, 100.0),
            "next": variant.next
            and [
                _routes(routes, _of(evidence.routes, number), dice, "route", name, number, *which)
                for number, routes in enumerate(variant.next)
            ],
            "contexts": [
                one.model_copy(
                    update={
                        "next": _routes(one.next, one.observed, dice, "route", name, one.round, *one.before, *which)
                    }
                )
                for one in variant.contexts
            ],
        }
    )


def _scaled(spreads: list[Distribution], factors: list[float]) -> list[Distribution]:
    """Return distributions by round times factors by round; the last factor holds for all further rounds."""
    return [spread.scaled(factors[min(number, len(factors) - 1)]) for number, spread in enumerate(spreads)]


def _of(entries: Sequence[T], number: int) -> T | None:
    return entries[number] if number < len(entries) else None


def _routes(routes: list[Route], count: float | None, dice: Dice, *name: str | int) -> list[Route]:
    shares = _shares([route.probability for route in routes], count, dice, *name)
    return [route.model_copy(update={"probability": share}) for route, share in zip(routes, shares, strict=True)]


def _shares(shares: list[float], count: float | None, dice: Dice, *name: str | int) -> list[float]:
    """Return shares drawn from a Dirichlet distribution with the given ones as its mean; shares of 0 stay 0.

    It is made of gamma variables, so that each share follows one draw of the hypercube.
    """
    from scipy.special import gammaincinv

    if not count or sum(share > 0 for share in shares) < 2:
        return shares
    weights = [
        float(gammaincinv(max(share * count, 1e-3), dice(*name, number))) if share > 0 else 0.0
        for number, share in enumerate(shares)
    ]
    total = sum(weights)
    return [weight / total for weight in weights] if total > 0 else shares


def _returning(one: ActivityModel, probability: float) -> dict[str, object]:
    """Return the routes with this probability of rework in round 1; in later rounds it changes in proportion."""
    usual = _back(one.next[0])
    if not 0 < usual < 1:
        return {}
    factor = probability / usual
    return {
        "next": [sent_back(routes, factor) for routes in one.next],
        "contexts": [c.model_copy(update={"next": sent_back(c.next, factor)}) for c in one.contexts],
    }


def _back(routes: list[Route]) -> float:
    return sum(route.probability for route in routes if route.rework)

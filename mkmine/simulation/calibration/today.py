"""What comes after each activity today: the decisions of a calibrated model, in the words of a TO-BE."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mkmine.eventlog import EventLog
from mkmine.simulation.engine import simulate
from mkmine.simulation.model import ActivityModel, Gateway, GatewayVariant, Route, SimulationModel
from mkmine.simulation.model.evidence import Evidence, Range
from mkmine.simulation.model.structure import BEGIN

__all__ = ["END", "GIVEN_UP", "Heads", "Today", "for_kind", "kinds_of", "today_of"]

# A set of activities that come next; None stands for the end of the case.
Heads = frozenset[str | None]
END: Heads = frozenset({None})
# Cases are given up in the TO-BE as well, whether it is drawn or not.
GIVEN_UP: Heads = frozenset({"\0given up"})

_WEEKS = 52
_ENOUGH_FOR_ROUND, _MOST_ROUNDS = 30, 5
_DEEPEST = 20


@dataclass(frozen=True)
class Today:
    """What comes after each activity today, by round: shares of what comes next, and on how many decisions they rest.

    Names are those of the TO-BE; "" is the beginning of the case.
    """

    after: Mapping[str, list[tuple[dict[Heads, float], float]]]
    gateways: Mapping[str, list[tuple[dict[Heads, float], float]]]
    known: frozenset[str]


def today_of(model: SimulationModel, called: Mapping[str, str]) -> Today:
    """Return what comes after each activity of a model; `called` has the TO-BE's names of activities.

    Where it depends on more than the round (contexts), or activities overlap, a year of the model is simulated and
    counted; and so it is after activities whose routes were written down, and not counted, for kinds of cases: their
    other routes are not those of all cases.
    """

    def named(heads: Heads) -> Heads:
        return frozenset(called.get(one, one) if one else None for one in heads)

    def shares(routes: list[Route]) -> dict[Heads, float]:
        out: dict[Heads, float] = {}
        for route in routes:
            for heads, part in [(GIVEN_UP, 1.0)] if route.outcome == "cancelled" else _next(model, route.to, 0):
                key = named(heads)
                out[key] = out.get(key, 0.0) + route.probability * part
        return out

    simple = not model.overlapping and not any(one.contexts for one in model.activities.values())
    mixed = {name for name, one in model.activities.items() if _written(one)}
    of_kinds = [name for name, gate in model.gateways.items() if gate.variants and not gate.observed]
    counted: dict[str, list[dict[Heads, float]]] = {}
    if mixed or of_kinds or not simple:
        year = simulate(model, weeks=_WEEKS, seed=0)
        counted = _counted(model, year)
        of_all = {name: _of_all(model.gateways[name], year) for name in of_kinds}
        model = model.model_copy(update={"gateways": {**model.gateways, **of_all}})
    after: dict[str, list[tuple[dict[Heads, float], float]]] = {BEGIN: [(shares(model.begin), _cases(model))]}
    for name, one in model.activities.items():
        seen = one.evidence.routes if one.evidence else []
        weight = [float(seen[min(n, len(seen) - 1)]) if seen else 0.0 for n in range(_MOST_ROUNDS)]
        if simple and name not in mixed:
            rounds = [shares(routes) for routes in one.next]
        else:
            rounds = [{named(heads): part for heads, part in some.items()} for some in counted[name]]
        after[called.get(name, name)] = [(part, weight[min(n, _MOST_ROUNDS - 1)]) for n, part in enumerate(rounds)]
    gateways = {}
    for name, gate in model.gateways.items():
        known = [*gate.observed, *([gate.observed[-1]] * len(gate.next) if gate.observed else [0.0] * len(gate.next))]
        if gate.kind == "xor":
            gateways[name] = [(shares(routes), n) for routes, n in zip(gate.next, known, strict=False)]
        elif gate.kind == "or":
            opened = {named(heads): way.probability for way in gate.ways for heads, _ in _next(model, way.to, 0)}
            gateways[name] = [(opened, min(known, default=0.0))]
    return Today(after, gateways, frozenset(called.get(name, name) for name in model.activities))


def kinds_of(model: SimulationModel) -> list[dict[str, str]]:
    """Return the attributes by which some place of a model decides where cases go."""
    places: list[ActivityModel | Gateway] = [*model.activities.values(), *model.gateways.values()]
    whens = [tuple(one.when.items()) for place in places for one in place.variants if one.speaks_of("routes")]
    return [dict(when) for when in dict.fromkeys(whens)]


def for_kind(model: SimulationModel, when: Mapping[str, str]) -> tuple[SimulationModel, list[str]]:
    """Return a model whose places decide as they do for certain cases, and the places that do so of their own."""
    activities, gateways, places = dict(model.activities), dict(model.gateways), []
    for name, one in model.activities.items():
        own = next((variant for variant in one.variants if variant.next and variant.when == when), None)
        if own is not None:
            seen = own.evidence.routes if own.evidence else []
            changed = {
                "next": own.next,
                "contexts": own.contexts,
                "evidence": (one.evidence or Evidence()).model_copy(update={"routes": seen}),
                "variants": [variant for variant in one.variants if variant.next is None],
            }
            activities[name] = one.model_copy(update=changed)
            places.append(name)
    for name, gate in model.gateways.items():
        its = next((variant for variant in gate.variants if variant.when == when), None)
        if its is not None:
            kept = {"next": its.next, "ways": its.ways, "observed": its.observed, "variants": []}
            gateways[name] = gate.model_copy(update=kept)
            places.append(name)
    return model.model_copy(update={"activities": activities, "gateways": gateways}), places


def _cases(model: SimulationModel) -> float:
    known = model.arrivals.evidence
    return 0.0 if known is None or isinstance(known, Range) else known.n


def _next(model: SimulationModel, place: str | None, depth: int) -> list[tuple[Heads, float]]:
    """Return which activities a place leads to first, with probabilities; branches side by side are one set."""
    if place is None or depth > _DEEPEST:
        return [(END, 1.0)]
    if place in model.activities:
        return [(frozenset({place}), 1.0)]
    gate = model.gateways[place]
    if gate.kind in ("and", "or"):
        inside = [head for to in gate.targets for heads, _ in _next(model, to, depth + 1) for head in heads]
        return [(frozenset(inside), 1.0)]
    if gate.kind == "xor":
        ways = [(route.to, route.probability) for route in gate.next[0]]
    else:
        ways = [(to, 1 / len(gate.targets)) for to in gate.targets]
    return [(heads, share * part) for to, share in ways for heads, part in _next(model, to, depth + 1)]


def _written(one: ActivityModel) -> bool:
    """Whether routes of certain cases were written down: then the others are those of the rest of the cases only."""
    return any(variant.next for variant in one.variants) and not (one.evidence and one.evidence.routes)


def _of_all(gate: Gateway, log: EventLog) -> Gateway:
    """Return a gateway with the chances of all cases: those of each kind count as often as there are such cases."""
    left = np.ones(log.n_cases, dtype=np.bool_)
    parts: list[tuple[float, Gateway | GatewayVariant]] = []
    for one in gate.variants:
        fits = left.copy()
        for name, value in one.when.items():
            fits &= (log.case_attributes[name] == value).to_numpy(dtype=np.bool_)
        parts.append((float(fits.mean()), one))
        left &= ~fits
    parts.append((float(left.mean()), gate))
    visits = [
        [
            route.model_copy(update={"probability": share * route.probability})
            for share, one in parts
            for route in one.next[min(number, len(one.next) - 1)]
        ]
        for number in range(max(len(one.next) for _, one in parts))
    ]
    ways = [
        way.model_copy(update={"probability": min(sum(share * one.ways[n].probability for share, one in parts), 1.0)})
        for n, way in enumerate(gate.ways)
    ]
    return gate.model_copy(update={"next": visits, "ways": ways, "variants": []})


def _counted(model: SimulationModel, log: EventLog) -> dict[str, list[dict[Heads, float]]]:
    last = np.zeros(len(log), dtype=np.bool_)
    last[log.offsets[1:] - 1] = True
    # Codes of what follows; beyond those of the activities stand the end, and cases that are given up.
    ended = len(log.activities) + log.cancelled[log.case_of]
    following = np.where(last, ended, np.append(log.activity[1:].astype(np.int64), 0))
    heads: list[Heads] = [*(frozenset({name}) for name in log.activities), END, GIVEN_UP]
    out: dict[str, list[dict[Heads, float]]] = {}
    for name in model.activities:
        rows = log.activity == (log.activities.index(name) if name in log.activities else -1)
        rounds, number = [], 1
        while number == 1 or (number <= _MOST_ROUNDS and (rows & (log.round >= number)).sum() >= _ENOUGH_FOR_ROUND):
            chosen = rows & (log.round == number)
            counts = np.bincount(following[chosen], minlength=len(heads))
            rounds.append({heads[one]: float(counts[one] / counts.sum()) for one in np.flatnonzero(counts)})
            number += 1
        out[name] = rounds
    return out

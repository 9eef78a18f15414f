"""Whether a model's ways lead anywhere: every case comes to an end, and no branches wait for each other for ever."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from mkmine.simulation.model.parts import Gateway, Route

if TYPE_CHECKING:
    from mkmine.simulation.model.model import SimulationModel

__all__ = ["check_ways", "expected_visits"]

# Markings of the token game that are looked at; what they do not show is found while the model runs.
_MOST_MARKINGS = 20_000
_MOST_TOKENS = 1_000
# A case that comes to a place more often than this hardly ever ends; runs are cut there, too.
_MOST_VISITS = 1_000
# So few cases may do nothing at all.
_SELDOM = 0.01


def check_ways(model: SimulationModel) -> None:
    """Raise `ValueError` with the place if a case can get stuck, or hardly ever ends."""
    _check_endings(model)
    _check_loops(model)
    _check_beginnings(model)
    if any(gateway.kind in ("and", "or", "join") for gateway in model.gateways.values()):
        _check_branches(model)
    _check_rounds(model)


def _after(model: SimulationModel, name: str, *, last: bool) -> set[str | None]:
    """Return what may follow a place for its branch: in its last round, or at all, but for ends of the whole case."""
    gateway = model.gateways.get(name)
    if gateway is not None and (last or gateway.kind not in ("xor", "event")):
        return set(gateway.targets)
    if gateway is not None:
        ways = {route.to for routes in gateway.all_routes for route in routes if _stays(route)}
        return ways | {one.to for one in gateway.events if one.to is not None or one.outcome == "completed"}
    activity = model.activities[name]
    if last:
        return {route.to for route in activity.next[-1] if route.probability > 0}
    found = {route.to for routes in activity.all_routes for route in routes if _stays(route)}
    if activity.patience is not None and activity.patience.to is not None:
        found.add(activity.patience.to)
    return found


def _stays(route: Route) -> bool:
    """Whether a route can be taken and leaves the case's other branches alone."""
    return route.probability > 0 and not route.terminate


def _check_endings(model: SimulationModel) -> None:
    """Raise if some place can be reached from which no case ever ends (the last round's routes decide)."""
    after = {name: _after(model, name, last=True) for name in model.places}
    ends = {name for name in after if None in after[name]}
    while more := {name for name in after if name not in ends and after[name] & ends}:
        ends |= more
    if trapped := next((name for name in model.places if name not in ends), None):
        kind = "gateways" if trapped in model.gateways else "activities"
        raise ValueError(f"{kind}: {trapped}: no route leads from here to an end (to: null); add one")


def _check_loops(model: SimulationModel) -> None:
    """Raise if gateways lead round to themselves and chance decides nothing on the way: that would never end.

    Where it does, each visit is drawn, and runs are cut at so many visits of a place.
    """
    left = {
        name: {to for to in one.targets if to in model.gateways}
        for name, one in model.gateways.items()
        if not one.chooses
    }
    # What leads out of these gateways at once is no loop; what remains when all that is taken away is one.
    while free := {name for name, targets in left.items() if not targets & set(left)}:
        left = {name: targets for name, targets in left.items() if name not in free}
    if left:
        raise ValueError(
            f"gateways: {min(left)}: gateways lead round to themselves without an activity or a choice; put one between"
        )


def _check_rounds(model: SimulationModel) -> None:
    """Raise if a case would come to a place hundreds of times before it ends."""
    if any(one.contexts or one.variants for one in model.activities.values()):
        return
    if any(one.variants for one in model.gateways.values()):
        return
    visits = expected_visits(model)
    worst = max(visits, key=lambda name: visits[name])
    if visits[worst] > _MOST_VISITS:
        kind = "gateways" if worst in model.gateways else "activities"
        often = f"{visits[worst]:,.0f} times on average" if np.isfinite(visits[worst]) else "again and again"
        raise ValueError(
            f"{kind}: {worst}: a case would come here {often}, so it hardly ever ends; lower the probability of the "
            f"way back"
        )


def expected_visits(model: SimulationModel) -> dict[str, float]:
    """Return how often a case comes to each place on average, by the routes of the last round; infinite if endlessly.

    A Markov chain (Kemeny and Snell 1960, Finite Markov Chains, ch. 3). Where branches go on side by side it is the
    expected number of them that is followed: a join takes as many as it waits for and lets one go on. NaN where one
    branch may end the others, and with them their loops.
    """
    branched = any(one.kind in ("and", "or", "join") for one in model.gateways.values())
    if branched and any(_terminates(model, name) for name in model.places):
        return dict.fromkeys(model.places, float("nan"))
    number = {name: place for place, name in enumerate(model.places)}
    chain, needed = np.eye(len(number)), _branches_needed(model)
    for name in number:
        for to, share in _shares(model, name):
            if to is not None:
                chain[number[to], number[name]] -= share / needed.get(name, 1.0)
    begins = np.zeros(len(number))
    for route in model.begin:
        begins[number[str(route.to)]] += route.probability
    try:
        visits = np.linalg.solve(chain, begins)
    except np.linalg.LinAlgError:
        return dict.fromkeys(number, float("inf"))
    # Where more comes back than has left, the sum over rounds has no limit, and the solution is none.
    return {
        name: count / needed.get(name, 1.0) if count > -1e-6 else float("inf")
        for name, count in zip(number, visits.tolist(), strict=True)
    }


def _shares(model: SimulationModel, name: str) -> list[tuple[str | None, float]]:
    """Return where a place leads in its last round, and how many branches on average (of events, as if all alike)."""
    gateway = model.gateways.get(name)
    if gateway is None or gateway.next:
        routes = model.activities[name].next[-1] if gateway is None else gateway.next[-1]
        return [(route.to, route.probability) for route in routes]
    if gateway.kind == "or":
        none = float(np.prod([1 - way.probability for way in gateway.ways]))
        most = max(gateway.ways, key=lambda way: way.probability)
        return [(way.to, way.probability + none * (way is most)) for way in gateway.ways]
    if gateway.kind == "event":
        return [(to, 1 / len(gateway.targets)) for to in gateway.targets]
    return [(to, 1.0) for to in gateway.targets]


def _branches_needed(model: SimulationModel) -> dict[str, float]:
    """Return how many branches each join waits for on average."""
    sources = Counter(target for name in model.places for target in _after(model, name, last=False) if target)
    sources.update(route.to for route in model.begin if route.to and route.probability > 0)
    out = {}
    for name, gateway in model.gateways.items():
        if gateway.kind == "join":
            split = model.gateways.get(gateway.of or "")
            opened = sources[name] if split is None else sum(share for _, share in _shares(model, gateway.of or ""))
            out[name] = max(float(opened), 1.0)
    return out


def _check_beginnings(model: SimulationModel) -> None:
    """Raise if a case can end before its first activity, unless hardly any does: those few leave no trace in a log."""
    idle = dict.fromkeys(model.gateways, 0.0)

    def share(routes: list[tuple[str | None, float]]) -> float:
        return sum(part if to is None else part * idle.get(to, 0.0) for to, part in routes)

    for _ in range(_MOST_VISITS):
        before = sum(idle.values())
        for name, one in model.gateways.items():
            if one.next:
                idle[name] = max(share([(r.to, r.probability) for r in routes]) for routes in one.all_routes)
            else:
                # Every branch has to do nothing, and of those of which chance opens some, one at least.
                each = [share([(to, 1.0)]) for to in one.targets]
                idle[name] = min(each) if one.kind == "and" else max(each)
        if sum(idle.values()) - before < 1e-9:
            break
    for route in model.begin:
        if route.probability * idle.get(route.to or "", 0.0) > _SELDOM:
            raise ValueError(f"gateways: {route.to}: a case can end here before its first activity; lead it to one")


# A marking: where the branches of a case are, how many have come to each join, and how many each one waits for.
_Marking = tuple[tuple[str, ...], frozenset[tuple[str, int]], frozenset[tuple[str, int]]]


def _check_branches(model: SimulationModel) -> None:
    """Play the token game without times and raise if branches can wait for each other for ever.

    Branches do not influence each other but at joins, so one order of moving them shows every deadlock (a persistent
    set; Valmari 1991). Of an inclusive gateway each single way is tried, and all of them.
    """
    if any(activity.all_contexts for activity in model.activities.values()):
        raise ValueError(
            "activities: contexts need one branch at a time, as what came just before is no one thing where branches "
            "go on side by side; they cannot be combined with and, or and join gateways"
        )
    sources = Counter(target for name in model.places for target in _after(model, name, last=False) if target)
    begin = [route.to for route in model.begin if route.to and route.probability > 0]
    sources.update(begin)
    seen: set[_Marking] = set()
    todo: list[_Marking] = [((name,), frozenset(), frozenset()) for name in begin]
    while todo and len(seen) < _MOST_MARKINGS:
        marking = todo.pop()
        if marking in seen:
            continue
        seen.add(marking)
        tokens, waiting, _ = marking
        if len(tokens) > _MOST_TOKENS:
            raise ValueError(f"gateways: branches multiply without end at {tokens[0]}; join them before the way back")
        if tokens:
            todo += _moved(model, marking, sources)
        elif waiting:
            join = min(name for name, _ in waiting)
            raise ValueError(
                f"gateways: {join}: a case can get stuck here, because not all the branches that it waits for come; "
                f"let alternatives meet in a gateway of kind merge first, or name the split in `of`"
            )


def _moved(model: SimulationModel, marking: _Marking, sources: Counter[str]) -> Iterator[_Marking]:
    """Yield the markings after the first token has moved."""
    (name, *rest), waiting, expected = marking
    gateway = model.gateways.get(name)

    def to(targets: Iterable[str | None], **changed: frozenset[tuple[str, int]]) -> _Marking:
        tokens = sorted([*rest, *(target for target in targets if target)])
        return tuple(tokens), changed.get("waiting", waiting), changed.get("expected", expected)

    if gateway is None or gateway.kind in ("xor", "event", "merge"):
        for target in _after(model, name, last=False):
            yield to([target])
        if _terminates(model, name):
            yield (), frozenset(), frozenset()
    elif gateway.kind == "and":
        yield to(gateway.targets)
    elif gateway.kind == "or":
        choices = [[target] for target in gateway.targets] + [gateway.targets]
        for chosen in choices:
            others = {pair for pair in expected if pair[0] != name}
            yield to(chosen, expected=frozenset({*others, (name, len(chosen))}))
    else:
        come = 1 + next((count for join, count in waiting if join == name), 0)
        left = {pair for pair in waiting if pair[0] != name}
        if come >= _needed(model, gateway, expected, sources[name]):
            yield to(gateway.targets, waiting=frozenset(left))
        else:
            yield to([], waiting=frozenset({*left, (name, come)}))


def _terminates(model: SimulationModel, name: str) -> bool:
    """Whether a case can end here with all its branches."""
    if name in model.gateways:
        gateway = model.gateways[name]
        withdrawn = any(event.to is None and event.outcome == "cancelled" for event in gateway.events)
        return withdrawn or any(route.terminate for routes in gateway.all_routes for route in routes)
    activity = model.activities[name]
    given_up = activity.patience is not None and activity.patience.to is None
    return given_up or any(route.terminate for routes in activity.all_routes for route in routes)


def _needed(model: SimulationModel, join: Gateway, expected: frozenset[tuple[str, int]], sources: int) -> int:
    if join.of is None:
        return sources
    split = model.gateways[join.of]
    if split.kind == "and":
        return len(split.targets)
    return next((count for name, count in expected if name == join.of), 1)

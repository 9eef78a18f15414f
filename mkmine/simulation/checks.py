"""Whether a model can run: names that are known, probabilities that add up, ways that lead to an end, no deadlock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from mkmine.calendars import public_holidays, to_us
from mkmine.errors import MkmineError, nearest
from mkmine.simulation.parts import ActivityModel, Gateway, Route

if TYPE_CHECKING:
    from mkmine.simulation.model import SimulationModel

__all__ = ["check_model"]

# Markings of the token game that are looked at; what they do not show is found while the model runs.
_MOST_MARKINGS = 20_000
_MOST_TOKENS = 1_000
# A case that comes to a place more often than this hardly ever ends; runs are cut there, too.
_MOST_VISITS = 1_000
# A calendar has to open within so many days.
_OPENS_WITHIN = 3 * 366


def check_model(model: SimulationModel) -> None:
    """Raise `ValueError` with the place if the model cannot run."""
    if not model.activities:
        raise ValueError("activities: the model has none; give at least one")
    _check_people(model)
    _check_cases(model)
    for name, activity in model.activities.items():
        _check_activity(model, name, activity)
    for name, gateway in model.gateways.items():
        _check_gateway(model, name, gateway)
    _check_routes(model.begin, model.places, "begin")
    if any(route.to is None for route in model.begin):
        raise ValueError("begin: a case cannot end before its first activity; give each route an activity")
    _check_endings(model)
    _check_loops(model)
    _check_beginnings(model)
    if model.queue == "deadline" and model.due is None:
        raise ValueError("queue: deadline needs `due`, the working hours from arrival to the deadline")
    if model.queue == "ageing" and model.ageing is None:
        raise ValueError("queue: ageing needs `ageing`, the hours of waiting that are worth one step of priority")
    _check_calendars(model)
    if any(gateway.kind in ("and", "or", "join") for gateway in model.gateways.values()):
        _check_branches(model)
    else:
        _check_rounds(model)


# -- names -------------------------------------------------------------------------------------------------------------


def _known(name: str, known: Iterable[str], where: str) -> None:
    if name not in (names := list(known)):
        raise ValueError(f'{where}: unknown name "{name}"; {nearest(name, names)}')


def _check_people(model: SimulationModel) -> None:
    for person in model.people:
        _known(person.calendar, model.calendars, f"people: {person.name}: calendar")
    _known(model.office, model.calendars, "office")
    seen: set[str] = set()
    for person in model.people:
        if person.name in seen:
            raise ValueError(f'people: "{person.name}" is there twice; give each person another name')
        seen.add(person.name)


def _check_cases(model: SimulationModel) -> None:
    for name, values in model.attributes.items():
        if abs(sum(values.values()) - 1) > 1e-6:
            raise ValueError(f"attributes: {name}: the probabilities add up to {sum(values.values()):.6g}, not 1")
        if name in ("type", "outcome", "due", "cost"):
            raise ValueError(f'attributes: "{name}" has a meaning of its own; give the attribute another name')
    shares = sum(one.share for one in model.case_types.values())
    if model.case_types and abs(shares - 1) > 1e-6:
        raise ValueError(f"case_types: the shares add up to {shares:.6g}, not 1")


def _check_activity(model: SimulationModel, name: str, activity: ActivityModel) -> None:
    where = f"activities: {name}"
    roles = {role for person in model.people for role in person.roles}
    if activity.role is not None and activity.role not in roles:
        raise ValueError(
            f'{where}: nobody has the role "{activity.role}", so its work would wait for ever; '
            f"{nearest(activity.role, sorted(roles))}"
        )
    if name in model.gateways:
        raise ValueError(f"{where}: a gateway has the same name; give each place its own")
    clocks = [
        ("calendar", activity.calendar),
        ("batch: calendar", activity.batch.calendar if activity.batch else None),
        ("patience: calendar", activity.patience.calendar if activity.patience else None),
    ]
    for key, calendar in clocks:
        if calendar is not None:
            _known(calendar, model.calendars, f"{where}: {key}")
    for number, routes in enumerate(activity.next, 1):
        _check_routes(routes, model.places, f"{where}: next, round {number}")
    for context in activity.contexts:
        place = f"{where}: context {' > '.join(context.before)}"
        _check_routes(context.next, model.places, place)
        for earlier in context.before:
            _known(earlier, model.activities, place)
    _check_waits(model, activity, where)
    _check_variants(model, activity, where)
    _check_hands(model, activity, where)


def _check_waits(model: SimulationModel, activity: ActivityModel, where: str) -> None:
    """Raise if delays by the activity before cannot be, or if a case can go on early where it must not."""
    if activity.waits and (activity.delay is None or activity.role is None):
        raise ValueError(f"{where}: waits: they need a role, and a delay for all other ways; give `delay` 0 hours")
    for wait in activity.waits:
        if wait.before is not None:
            _known(wait.before, model.activities, f"{where}: waits: before")
    if not any(route.overlap for routes in activity.all_routes for route in routes):
        return
    if any(route.overlap and route.to not in model.activities for routes in activity.all_routes for route in routes):
        raise ValueError(f"{where}: a route with overlap has to lead to an activity")
    held = any(one.wip_limit or one.batch or one.patience for one in model.activities.values())
    if held or model.gateways:
        raise ValueError(
            f"{where}: overlap cannot be combined with gateways, limits, batches or patience; use gateways"
        )


def _check_variants(model: SimulationModel, activity: ActivityModel, where: str) -> None:
    known = {name: list(values) for name, values in model.attributes.items()}
    if model.case_types:
        known["type"] = list(model.case_types)
    for variant in activity.variants:
        for attribute, value in variant.when.items():
            _known(attribute, known, f"{where}: variants: when")
            _known(value, known[attribute], f"{where}: variants: when: {attribute}")
        for number, routes in enumerate(variant.next or (), 1):
            _check_routes(routes, model.places, f"{where}: variants: next, round {number}")
        if variant.delay is not None and activity.delay is None:
            raise ValueError(f"{where}: variants: a delay for some cases needs one for all; give `delay` 0 hours")
    if activity.contexts and (
        any(one.next for one in activity.variants) or any(one.rework != 1 for one in activity.people.values())
    ):
        raise ValueError(
            f"{where}: contexts cannot be combined with routes of variants or people's rework; keep one of them"
        )


def _check_hands(model: SimulationModel, activity: ActivityModel, where: str) -> None:
    """Raise if the person who has to do an activity, or may not, leaves nobody."""
    if activity.role is None:
        for key in ("same_person_as", "other_person_than", "wip_limit", "batch", "patience", "people"):
            if getattr(activity, key):
                raise ValueError(f"{where}: {key}: nobody does an activity without a role; give it one")
        return
    able = {person.name for person in model.staff(activity.role)}
    for name in activity.people:
        _known(name, sorted(able), f"{where}: people")
    for key in ("same_person_as", "other_person_than"):
        other = getattr(activity, key)
        if other is None:
            continue
        _known(other, model.activities, f"{where}: {key}")
        role = model.activities[other].role
        if role is None:
            raise ValueError(f'{where}: {key}: nobody does "{other}"; name an activity with a role')
        doers = {person.name for person in model.staff(role)}
        if key == "same_person_as" and (unable := sorted(doers - able)):
            raise ValueError(f'{where}: {key}: {unable[0]} may do "{other}" but has not the role "{activity.role}"')
        if key == "other_person_than" and any(able == {doer} for doer in doers):
            raise ValueError(f'{where}: {key}: only {min(able)} has the role "{activity.role}"; add somebody')
    if activity.patience is not None and activity.patience.to is not None:
        _known(activity.patience.to, model.places, f"{where}: patience: to")
    if activity.other_person_than and (activity.same_person or activity.same_person_as):
        raise ValueError(f"{where}: the same person and another one cannot both be asked for")
    if activity.same_person and activity.same_person_as:
        raise ValueError(f"{where}: same_person and same_person_as cannot both hold; keep one")


def _check_gateway(model: SimulationModel, name: str, gateway: Gateway) -> None:
    where = f"gateways: {name}"
    for target in gateway.targets:
        if target is not None:
            _known(target, model.places, where)
    for event in gateway.events:
        if event.calendar is not None:
            _known(event.calendar, model.calendars, f"{where}: calendar")
    for number, routes in enumerate(gateway.next, 1):
        _check_routes(routes, model.places, f"{where}: next, visit {number}")
    if gateway.of is not None:
        splits = [one for one, other in model.gateways.items() if other.kind in ("and", "or")]
        _known(gateway.of, splits, f"{where}: of")


def _check_routes(routes: list[Route], places: tuple[str, ...], where: str) -> None:
    total = sum(route.probability for route in routes)
    if not abs(total - 1) <= 1e-6:
        raise ValueError(f"{where}: the probabilities add up to {total:.6g}, not 1")
    for route in routes:
        if route.to is not None:
            _known(route.to, places, where)


def _check_calendars(model: SimulationModel) -> None:
    """Raise if a calendar or the holidays of arrivals cannot be compiled, or somebody is never on duty."""
    place = ""
    begin = datetime(model.start.year, 1, 1, tzinfo=UTC)
    span = to_us(begin), to_us(begin + timedelta(days=_OPENS_WITHIN))
    try:
        for name in model.calendars:
            place = f"calendars: {name}"
            model.calendar(name).timeline(*span)
        for person in model.people:
            place = f"people: {person.name}"
            if person.absences:
                model.calendar(person.calendar, person.absences).timeline(*span)
        place = "arrivals"
        if model.arrivals.holidays:
            public_holidays(model.arrivals.holidays, model.start.year)
    except MkmineError as error:
        raise ValueError(f"{place}: {error}") from None


# -- ways --------------------------------------------------------------------------------------------------------------


def _after(model: SimulationModel, name: str, *, last: bool) -> set[str | None]:
    """Return what may follow a place for its branch: in its last round, or at all, but for ends of the whole case."""
    gateway = model.gateways.get(name)
    if gateway is not None and (last or gateway.kind not in ("xor", "event")):
        return set(gateway.targets)
    if gateway is not None:
        ways = {route.to for routes in gateway.next for route in routes if _stays(route)}
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
    """Raise if gateways lead round to themselves: a case could go round for ever in no time."""
    left = {name: {to for to in one.targets if to in model.gateways} for name, one in model.gateways.items()}
    # What leads out of the gateways at once is no loop; what remains when all that is taken away is one.
    while free := {name for name, targets in left.items() if not targets & set(left)}:
        left = {name: targets for name, targets in left.items() if name not in free}
    if left:
        raise ValueError(
            f"gateways: {min(left)}: gateways lead round to themselves without an activity; put one between"
        )


def _check_rounds(model: SimulationModel) -> None:
    """Raise if a case would come to a place hundreds of times before it ends (a Markov chain of the last rounds)."""
    if any(one.contexts or one.variants for one in model.activities.values()):
        return
    number = {name: place for place, name in enumerate(model.places)}
    chain = np.eye(len(number))
    for name in number:
        for to, probability in _shares(model, name):
            if to is not None:
                chain[number[to], number[name]] -= probability
    begins = np.zeros(len(number))
    for route in model.begin:
        begins[number[str(route.to)]] += route.probability
    visits = np.linalg.solve(chain, begins)
    worst = int(np.argmax(visits))
    if visits[worst] > _MOST_VISITS:
        kind = "gateways" if model.places[worst] in model.gateways else "activities"
        raise ValueError(
            f"{kind}: {model.places[worst]}: a case would come here {visits[worst]:,.0f} times on average, so it "
            "hardly ever ends; lower the probability of the way back"
        )


def _shares(model: SimulationModel, name: str) -> list[tuple[str | None, float]]:
    """Return where a place leads in its last round, and how probably (of events, as if all were as probable)."""
    gateway = model.gateways.get(name)
    if gateway is not None and not gateway.next:
        return [(to, 1 / len(gateway.targets)) for to in gateway.targets]
    routes = model.activities[name].next[-1] if gateway is None else gateway.next[-1]
    return [(route.to, route.probability) for route in routes]


def _check_beginnings(model: SimulationModel) -> None:
    """Raise if a case can end before its first activity."""
    todo = [route.to for route in model.begin if route.to in model.gateways and route.probability > 0]
    while todo:
        name = todo.pop()
        for target in model.gateways[name or ""].targets:
            if target is None:
                raise ValueError(f"gateways: {name}: a case can end here before its first activity; lead it to one")
            if target in model.gateways:
                todo.append(target)


# A marking: where the branches of a case are, how many have come to each join, and how many each one waits for.
_Marking = tuple[tuple[str, ...], frozenset[tuple[str, int]], frozenset[tuple[str, int]]]


def _check_branches(model: SimulationModel) -> None:
    """Play the token game without times and raise if branches can wait for each other for ever.

    Branches do not influence each other but at joins, so one order of moving them shows every deadlock (a persistent
    set; Valmari 1991). Of an inclusive gateway each single way is tried, and all of them.
    """
    if any(activity.contexts for activity in model.activities.values()):
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
        return withdrawn or any(route.terminate for routes in gateway.next for route in routes)
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

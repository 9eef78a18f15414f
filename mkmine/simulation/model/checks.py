"""Whether a model can run: names that are known, probabilities that add up, calendars that open, work that fits."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from mkmine.calendars import DAY, HOUR, public_holidays, to_us
from mkmine.errors import MkmineError, nearest
from mkmine.simulation.model.mixture import check_profiles
from mkmine.simulation.model.parts import ActivityModel, Gateway, Route
from mkmine.simulation.model.soundness import check_ways

if TYPE_CHECKING:
    from mkmine.simulation.model.model import SimulationModel

__all__ = ["check_model"]

# A calendar has to open within so many days.
_OPENS_WITHIN = 3 * 366
# Of the first day: calendars reach to 2190.
_YEARS = 1900, 2180


def check_model(model: SimulationModel) -> None:
    """Raise `ValueError` with the place if the model cannot run."""
    if not _YEARS[0] <= model.start.year <= _YEARS[1]:
        raise ValueError(f"start: {model.start} is not in the years {_YEARS[0]} to {_YEARS[1]}")
    if model.until is not None and model.until < model.start:
        raise ValueError(f"until: {model.until} is before the start, {model.start}; swap the dates")
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
    if model.queue_doubt and abs(sum(model.queue_doubt.values()) - 1) > 1e-3:
        raise ValueError(f"queue_doubt: the probabilities add up to {sum(model.queue_doubt.values()):.6g}, not 1")
    if "deadline" in (model.queue, *model.queue_doubt) and model.due is None:
        raise ValueError("queue: deadline needs `due`, the working hours from arrival to the deadline")
    if "ageing" in (model.queue, *model.queue_doubt) and model.ageing is None:
        raise ValueError("queue: ageing needs `ageing`, the hours of waiting that are worth one step of priority")
    _check_calendars(model)
    for name, activity in model.activities.items():
        if activity.at_closing == "wait":
            _check_fits(model, name, activity)
    check_ways(model)


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
    check_profiles(model.profiles)
    of_profiles = list(model.profiles[0].values) if model.profiles else []
    for name in (*model.attributes, *of_profiles):
        if name in ("outcome", "due", "cost") or (name == "type" and model.case_types):
            raise ValueError(f'attributes: "{name}" has a meaning of its own; give the attribute another name')
        if name in model.attributes and name in of_profiles:
            raise ValueError(f'profiles: "{name}" is in `attributes` as well; leave it out of one of them')
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
    for context in activity.all_contexts:
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
    known = model.case_values
    for variant in activity.variants:
        for attribute, value in variant.when.items():
            _known(attribute, known, f"{where}: variants: when")
            _known(value, known[attribute], f"{where}: variants: when: {attribute}")
        for number, routes in enumerate(variant.next or (), 1):
            _check_routes(routes, model.places, f"{where}: variants: next, round {number}")
        if variant.speaks_of("delay") and activity.delay is None:
            raise ValueError(f"{where}: variants: a delay for some cases needs one for all; give `delay` 0 hours")
        if variant.contexts and len(variant.next or ()) != len(activity.next):
            raise ValueError(
                f"{where}: variants: contexts: they need `next` with as many rounds as the activity's, "
                f"{len(activity.next)}; given: {len(variant.next or ())}"
            )
    if activity.all_contexts and any(one.rework != 1 for one in activity.people.values()):
        raise ValueError(f"{where}: contexts cannot be combined with people's rework; keep one of them")


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
    if activity.batch is not None and activity.batch.together:
        for key in ("same_person", "same_person_as", "other_person_than", "patience"):
            if getattr(activity, key):
                raise ValueError(
                    f"{where}: {key}: a batch done together is one piece of work of one person, whatever its cases ask "
                    f"for; leave one of them out"
                )
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
    values = model.case_values
    for variant in gateway.variants:
        for attribute, value in variant.when.items():
            _known(attribute, values, f"{where}: variants: when")
            _known(value, values[attribute], f"{where}: variants: when: {attribute}")
        for number, routes in enumerate(variant.next, 1):
            _check_routes(routes, model.places, f"{where}: variants: next, visit {number}")
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


def _check_fits(model: SimulationModel, name: str, activity: ActivityModel) -> None:
    """Raise if work that must not run over closing is longer than any opening of those who do it, in most cases."""
    if activity.role is None:
        raise ValueError(f"activities: {name}: at_closing: wait: nobody does it; give it a role, or leave this out")
    begin = to_us(datetime(model.start.year, model.start.month, model.start.day, tzinfo=UTC))
    longest = 0.0
    for person in model.staff(activity.role):
        calendar = model.calendar(person.calendar, person.absences)
        line = None if calendar.is_always_open else calendar.timeline(begin, begin + 366 * DAY)
        hours = np.inf if line is None else float((line.ends - line.starts).max()) / HOUR
        pace = activity.people[person.name].pace if person.name in activity.people else 1.0
        longest = max(longest, hours * person.availability / pace)
    spreads = [("", activity.duration), *(("variants: ", one.duration or []) for one in activity.variants)]
    for where, rounds in spreads:
        for number, spread in enumerate(rounds, 1):
            usual = float(spread.ppf(np.array([0.5]))[0])
            if usual > longest * (1 + 1e-9):
                raise ValueError(
                    f"activities: {name}: {where}round {number} usually takes {usual:.4g} h, but nobody who does it "
                    f"has more than {longest:.4g} h at a stretch, so that it never fits before closing; let it "
                    f"pause, or lengthen their hours"
                )

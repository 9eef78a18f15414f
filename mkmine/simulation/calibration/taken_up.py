"""How work is taken up, as parts of a model, and what is said of it in notes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from mkmine.discovery.pools import Pools
from mkmine.eventlog import EventLog
from mkmine.simulation.calibration.estimators.batching import Batching, Rule
from mkmine.simulation.calibration.estimators.hands import Hands
from mkmine.simulation.calibration.estimators.limits import Limit
from mkmine.simulation.calibration.habits import Habits
from mkmine.simulation.calibration.order import Taken
from mkmine.simulation.model import ActivityModel, Batch, CalendarModel, CaseType, SimulationModel
from mkmine.simulation.model.checks import check_model
from mkmine.simulation.model.choices import Choices

__all__ = ["with_habits"]

NOTE_BATCH = (
    "{activity}: work is collected and handed over {rule}; of the later pieces that were held back, this foretells "
    "{share} ({chance} by chance)."
)
NOTE_UNKNOWN_ADDITION = (
    "{activity}: batches are all of one size, so the log does not show how their hours grow with it; they are taken to "
    "last as long as their longest piece."
)
NOTE_UNEXPLAINED = (
    "{activity} is often done for several cases together, but nothing shows what they wait for: the model does them "
    "one by one."
)
NOTE_LIMIT = (
    "{activity}: at most {n} cases are let in at once, although people are free; of the later pieces that were held "
    "back, this foretells {share} ({chance} by chance)."
)
NOTE_CASES = (
    "At most {n} cases are in the process at once, and others wait at its door; of the later ones that were held back, "
    "this foretells {share} ({chance} by chance)."
)
NOTE_SAME = "{activity} is done by whoever did {other}: {share} of {n} times, where chance would bring {chance}."
NOTE_OTHER = "{activity} is never done by whoever did {other}: {share} of {n} times, where chance would bring {chance}."
NOTE_UNSAID = "{activity}: the log shows whose hands it needs because of {other}, but the model cannot say it."
NOTE_ORDER = {
    "lifo": "People take the last piece first ({share} of {n} choices among several), and so does the model.",
    "deadline": "People take what is due first ({share} of {n} choices among several), and so does the model.",
    "priority": (
        "People take some activities first ({share} of {n} choices among several), and so does the model: {names}."
    ),
}
NOTE_TYPES = (
    "People take cases first by {attribute} ({share} of {n} choices among several): {names}. In the model these are "
    "types of cases."
)
NOTE_TYPES_UNSAID = (
    "People take cases first by {attribute} ({share} of {n} choices among several): {names}. The model takes the "
    "oldest first all the same, because it already draws this attribute together with others."
)
NOTE_ELSE = (
    "{role}: of the choices among several pieces, another order explains more than that of the model, which has one "
    "for all: {kind}."
)
NOTE_RANDOM = (
    "{role}: in which order work is taken is not seen in {n} choices among several pieces; the model takes the oldest "
    "first."
)
KINDS = {
    "fifo": "the oldest first",
    "lifo": "the last one first",
    "deadline": "what is due first",
    "priority": "some activities first",
}
RULES = {
    "size": "{n} at a time",
    "hours": "after {hours} h",
    "office": "after {hours} office hours",
    "week": "at {week}",
    "size or hours": "{n} at a time, or after {hours} h",
    "size or office": "{n} at a time, or after {hours} office hours",
    "size or week": "{n} at a time, or at {week}",
}


def with_habits(model: SimulationModel, log: EventLog, pools: Pools, habits: Habits, taken: Taken) -> SimulationModel:
    """Return a calibrated model with its batches and limits, whose hands work needs, and in which order it is taken.

    What the model cannot say, or the log does not show, is a note.
    """
    activities, calendars = dict(model.activities), dict(model.calendars)
    notes: list[str] = []
    for code, batching in habits.batches.items():
        name, together = log.activities[code], habits.together.get(code)
        calendar = f"batch {name}"[:500]
        batch = _batch(batching, calendar)
        if together is not None:
            batch = batch.model_copy(update={"together": True, "addition": together.addition})
        if batching.rule.weekly:
            calendars[calendar] = CalendarModel(weekly=dict(batching.rule.weekly))
        # A batch done together is nobody's in particular.
        alone = {"same_person": False} if together is not None else {}
        activities[name] = activities[name].model_copy(update={"batch": batch, **alone})
        notes.append(NOTE_BATCH.format(activity=name, rule=_told(batching.rule), **_shares(batching)))
        if together is not None and not together.known:
            notes.append(NOTE_UNKNOWN_ADDITION.format(activity=name))
    notes += [NOTE_UNEXPLAINED.format(activity=log.activities[code]) for code in habits.unexplained]
    for code, limit in habits.limits.items():
        name = log.activities[code]
        activities[name] = activities[name].model_copy(update={"wip_limit": limit.limit})
        notes.append(NOTE_LIMIT.format(activity=name, n=limit.limit, **_shares(limit)))
    changed: dict[str, Any] = {"calendars": calendars}
    if habits.cases is not None:
        changed["wip_limit"] = habits.cases.limit
        notes.append(NOTE_CASES.format(n=habits.cases.limit, **_shares(habits.cases)))
    notes += _hands(activities, log, habits.hands, {one.name: set(one.roles) for one in model.people})
    changed |= _order(model, activities, log, pools, taken, notes)
    out = model.model_copy(update={"activities": activities, "notes": [*model.notes, *notes], **changed})
    check_model(out)
    return out


# -- what holds work back ----------------------------------------------------------------------------------------------


def _batch(batching: Batching, calendar: str) -> Batch:
    rule = batching.rule
    if rule.weekly:
        return Batch(size=rule.size, calendar=calendar)
    if rule.hours is not None:
        return Batch(size=rule.size, hours=rule.hours, calendar="office" if rule.in_office else None)
    # The last batch of a run would never be full.
    return Batch(size=rule.size, hours=float(math.ceil(2 * batching.longest + 24)))


def _told(rule: Rule) -> str:
    time = "week" if rule.weekly else "" if rule.hours is None else "office" if rule.in_office else "hours"
    key = " or ".join(part for part in ("size" if rule.size is not None else "", time) if part)
    week = "; ".join(f"{day} {hours}" for day, hours in rule.weekly)
    return RULES[key].format(n=rule.size, hours=f"{rule.hours or 0:g}", week=week)


def _shares(found: Batching | Limit) -> dict[str, str]:
    return {"share": f"{found.held_out.foretold:.0%}", "chance": f"{found.held_out.chance:.0%}"}


# -- whose hands -------------------------------------------------------------------------------------------------------


def _hands(
    activities: dict[str, ActivityModel], log: EventLog, found: Mapping[int, Hands], roles: Mapping[str, set[str]]
) -> list[str]:
    """Put in whose hands activities need, and return what is said of it."""
    notes = []
    for code, hands in found.items():
        name, other = log.activities[code], log.activities[hands.other]
        one, role = activities[name], activities[other].role
        able = {person for person, has in roles.items() if one.role in has}
        doers = {person for person, has in roles.items() if role in has}
        possible = one.role is not None and role is not None and not (one.batch is not None and one.batch.together)
        possible &= doers <= able if hands.same else not one.same_person and not any(able == {who} for who in doers)
        if not possible:
            notes.append(NOTE_UNSAID.format(activity=name, other=other))
            continue
        key = {"same_person_as": other, "same_person": False} if hands.same else {"other_person_than": other}
        activities[name] = one.model_copy(update=key)
        told = NOTE_SAME if hands.same else NOTE_OTHER
        shares = {"share": f"{hands.share:.0%}", "n": f"{hands.observed:,}", "chance": f"{hands.chance:.0%}"}
        notes.append(told.format(activity=name, other=other, **shares))
    return notes


# -- in which order ----------------------------------------------------------------------------------------------------


def _order(
    model: SimulationModel,
    activities: dict[str, ActivityModel],
    log: EventLog,
    pools: Pools,
    taken: Taken,
    notes: list[str],
) -> dict[str, Any]:
    """Return what the model says of the order in which work is taken; priorities are put into the activities."""
    order = taken.order
    title = {group: ", ".join(pools.names[role] for role in roles) for group, roles in enumerate(taken.of_group)}
    notes += [
        NOTE_ELSE.format(role=title[group], kind=KINDS.get(rule, f"by {rule}")) for group, rule in order.other.items()
    ]
    if order.rule == "fifo":
        notes += [NOTE_RANDOM.format(role=title[group], n=order.observed[group]) for group in order.random]
    n = sum(order.observed.values())
    said = {"n": f"{n:,}", "share": f"{sum(order.explained.values()) / n:.0%}"} if n else {}
    changed: dict[str, Any] = {
        "choices": {
            title[group][:500]: Choices(observed=seen, explained=round(order.explained[group] / seen, 4))
            for group, seen in order.observed.items()
        }
    }
    if order.rule in taken.values:
        typed = _types(model, log, taken, notes, said)
        return changed | typed if typed else {}
    if order.rule == "priority":
        names = _ranked(order.levels, log, pools, taken)
        levels = {log.activities[code]: level for code, level in order.levels.items()}
        for name, one in activities.items():
            activities[name] = one.model_copy(update={"priority": levels.get(name, 0)})
        notes.append(NOTE_ORDER["priority"].format(names=names, **said))
    elif order.rule != "fifo":
        notes.append(NOTE_ORDER[order.rule].format(**said))
    changed |= {"queue": order.rule, "queue_doubt": order.doubt}
    return changed | ({"due": taken.due} if taken.due is not None else {})


def _ranked(levels: Mapping[int, int], log: EventLog, pools: Pools, taken: Taken) -> str:
    """Return the names of activities in the order in which they are taken, by groups of people who have a choice."""
    told = []
    for roles in taken.of_group:
        mine = [code for code in levels if int(pools.of_activity[code]) in roles]
        if len({levels[code] for code in mine}) > 1:
            told.append(" > ".join(log.activities[code] for code in sorted(mine, key=lambda code: levels[code])))
    return "; ".join(told)


def _types(
    model: SimulationModel, log: EventLog, taken: Taken, notes: list[str], said: Mapping[str, str]
) -> dict[str, Any]:
    """Return types of cases for the values of an attribute by which cases go first, if the model has room for them."""
    attribute, levels = taken.order.rule, taken.order.levels
    values = taken.values[attribute]
    names = " > ".join(values[code] for code in sorted(levels, key=lambda code: levels[code]))
    drawn = model.case_types or any(attribute in one.values for one in model.profiles)
    note = NOTE_TYPES_UNSAID if drawn else NOTE_TYPES
    notes.append(note.format(attribute=attribute, names=names, **said))
    if drawn:
        return {}
    shares = log.case_attributes[attribute].astype(str).value_counts(normalize=True)
    return {
        "queue": "priority",
        "case_types": {
            name: CaseType(share=float(shares[name]), priority=levels.get(code, 0)) for code, name in enumerate(values)
        },
    }

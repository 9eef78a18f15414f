"""A TO-BE that runs: the structure of a target, with what a calibrated model of today knows of its parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import SequenceMatcher
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Any

from mkmine.errors import DataError
from mkmine.simulation.calibration.along import put_together, relaid
from mkmine.simulation.calibration.assumed import (
    UnsaidError,
    assumed_activity,
    assumed_event,
    check_said,
    estimate_of,
    spread_of,
    staffed,
)
from mkmine.simulation.calibration.borrowing import Borrower, Choices
from mkmine.simulation.calibration.today import for_kind, kinds_of, today_of
from mkmine.simulation.model import ActivityModel, Gateway, Person, Profile, SimulationModel
from mkmine.simulation.model.distributions import Fixed
from mkmine.simulation.model.evidence import Evidence
from mkmine.simulation.model.laying import Own, Timing, lay
from mkmine.simulation.model.queueing import Queueing, Reading
from mkmine.simulation.model.structure import BEGIN, Structure
from mkmine.targets import Elicited, Node, Target

__all__ = ["to_simulation"]

# Names as similar as this are taken for one another.
_ALIKE = 0.8

NOTE_TO_BE = "TO-BE “{target}”: {borrowed} of its {steps} steps have the hours, delays and people of “{as_is}”."
NOTE_ROLE = "“{name}” is done by “{role}” instead of “{today}”; it is taken to be as much work."
NOTE_ROUNDS = "After so many rounds the case goes on, as the process card says: {rounds}."
NOTE_IDLE = "People without work in the TO-BE are left out: {names}."
NOTE_KINDS = (
    "In “{as_is}” these choices depend on attributes of cases, in the TO-BE they are as for all cases: {places}."
)
NOTE_UNASKED = "Nothing in the TO-BE depends on these attributes of cases, so they are left out: {names}."
NOTE_MEMORY = (
    "In “{as_is}” routes depend on earlier activities, in the TO-BE on the round only; calibrate along a process "
    "(process=...) to compare like with like."
)


def to_simulation(
    target: Target,
    as_is: SimulationModel,
    *,
    elicited: Elicited | Mapping[str, Any] | str | Path | None = None,
    name: str | None = None,
) -> SimulationModel:
    """Return a simulation model of a target, which borrows by name what a calibrated model of today knows.

    Order, roles, limits and rounds are the target's; arrivals, people, calendars, hours, delays and shares of queueing
    are those of `as_is` (aliases of the target are honoured). A choice is borrowed where today's process decides the
    same: what comes next today tells which way it is, through steps that are new or gone. Steps, choices and roles that
    today's process does not have are `elicited` (`mkmine.targets.Elicited`; what the target's card says counts, too):
    ranges of means, which every draw of the model's numbers draws anew. A note tells each assumption. A rule
    `four_eyes` asks for another person, `same_person` for the same; the limit of the case is its deadline, where cases
    have none today.

    Raises `DataError` naming the steps, choices, roles or events of which nothing is known, and what to say; or what
    makes the model unable to run.
    """
    if not isinstance(as_is, SimulationModel):
        raise DataError(
            f"as_is is a {type(as_is).__name__}; give the calibrated model of today: "
            "target.to_simulation(mk.calibrate(log))"
        )
    given, found = Elicited.read(elicited), list[UnsaidError]()
    while True:
        # What is missing is imagined, to see what else is.
        imagined = reduce(or_, (Elicited.read(one.example) for one in found), Elicited())
        try:
            made = _Making(target, as_is, imagined | given).model(name)
        except UnsaidError as error:
            if error.example in [one.example for one in found]:
                raise
            found.append(error)
            continue
        if found:
            raise UnsaidError(_unsaid(target.name, len(found), imagined), imagined.model_dump(mode="json"))
        return made


def _unsaid(target: str, n: int, imagined: Elicited) -> str:
    """Tell all that is missing at once, as the file in which it can be said; its numbers are examples."""
    import yaml

    def short(one: Any) -> Any:
        if isinstance(one, dict) and "low" in one:
            return [one[name] for name in ("low", "likely", "high")]
        return {key: short(value) for key, value in one.items() if value} if isinstance(one, dict) else one

    steps = {name: one["duration"] for name, one in imagined.model_dump(mode="json")["activities"].items()}
    values = short(imagined.model_dump(mode="json") | {"activities": steps})
    text = yaml.safe_dump(values, allow_unicode=True, sort_keys=False, default_flow_style=None, width=110)
    return (
        f'the TO-BE "{target}" leaves open what today\'s process does not tell either (in all: {n}); say it in a '
        "file for --elicited (in Python elicited=...), with numbers of your own (low, likely, high) instead of these "
        f"examples:\n\n{text}"
    )


class _Making:
    def __init__(self, target: Target, as_is: SimulationModel, said: Elicited) -> None:
        self.target, self.as_is, self.said = target, as_is, target.elicited | said
        self.process = target.model
        if not self.process.tasks:
            raise DataError(f'"{self.process.name}": the process has no task; draw what should be done')
        self.where = f'"{target.name}"'
        self.called = self._names()
        self.today = {new: old for old, new in self.called.items()}
        self.roles_called = {role: target.aliases.get(role, role) for role in as_is.roles}
        self.notes: list[str] = []
        self.spread = spread_of(as_is)
        events = [node for node in self.process.nodes if node.kind == "event"]
        self.structure = Structure(self.process, timed=frozenset(node.id for node in events))
        places = [*self.process.tasks, *events]
        check_said(
            self.said,
            steps=[one for node in places for one in (node.name, node.id) if one],
            gateways=[one for node in self.process.nodes for one in (node.name, node.id) if one],
            roles=list(dict.fromkeys(role for node in self.process.tasks if (role := self._role(node)) is not None)),
            where=self.where,
        )

    def _names(self) -> dict[str, str]:
        """Return the TO-BE's names of today's activities that it has."""
        out: dict[str, str] = {}
        for old in self.as_is.activities:
            new = old if old in self.target.activities else self.target.aliases.get(old)
            if new is None or new not in self.target.activities:
                continue
            if new in out.values():
                other = next(one for one, said in out.items() if said == new)
                raise DataError(
                    f'{self.where}: both "{other}" and "{old}" of today stand for "{new}"; merge them in the log '
                    "(mk.repairs.merge_activities) and calibrate again"
                )
            out[old] = new
        return out

    def model(self, name: str | None) -> SimulationModel:
        activities = {node.name: self._activity(node) for node in self.process.tasks}
        timings = {node.id: self._timing(node) for node in self.process.nodes if node.id in self.structure.timed}
        card = self.target.card
        choices = self._choices(self.as_is)
        own, lost = self._own(choices)
        made = lay(self.structure, choices.chances, choices.ways, timings, own)
        people = self._people(activities)
        activities = self._bound(relaid(activities, made, self.structure), people)
        notes = [
            NOTE_TO_BE.format(
                target=self.target.name, borrowed=len(self.called), steps=len(activities), as_is=self.as_is.name
            ),
            *self.notes,
            *choices.notes,
            *([NOTE_KINDS.format(as_is=self.as_is.name, places=", ".join(lost))] if lost else []),
        ]
        if card and card.max_rounds:
            notes.append(NOTE_ROUNDS.format(rounds=", ".join(f"{one} {n}" for one, n in card.max_rounds.items())))
        if any(one.contexts for one in self.as_is.activities.values()):
            notes.append(NOTE_MEMORY.format(as_is=self.as_is.name))
        values: dict[str, Any] = {key: getattr(self.as_is, key) for key in SimulationModel.model_fields}
        values |= {
            "name": name or self._free_name(),
            "people": people,
            "activities": activities,
            "gateways": made.gateways,
            "begin": made.begin,
            "queueing": self._queueing(),
            "choices": {self.roles_called.get(role, role): one for role, one in self.as_is.choices.items()},
            **self._kinds([*activities.values(), *made.gateways.values()], notes),
            "notes": [*self.as_is.notes, *notes],
        }
        if card and card.case_limit_h and self.as_is.due is None:
            values["due"] = Fixed(hours=card.case_limit_h)
        return put_together(values, where=self.where)

    # -- choices ---------------------------------------------------------------------------------------------------

    def _choices(self, as_is: SimulationModel, *, of_kind: bool = False) -> Choices:
        card = self.target.card
        limits = dict(card.max_rounds) if card else {}
        return Borrower(self.structure, today_of(as_is, self.called), self.said, limits, of_kind=of_kind).choices()

    def _own(self, usual: Choices) -> tuple[list[Own], list[str]]:
        """Return the choices of certain cases, where today's do the same by name, and those that are as for all."""
        structure, found, lost = self.structure, [], dict[str, None]()
        # Where one way only leads on in the TO-BE, nothing is decided there any more.
        deciding = [source for source, one in usual.chances.items() if any(len(ways) > 1 for ways in one.rounds)]
        sources = {self._today_of(source): source for source in deciding if source != BEGIN}
        gates = {structure.names[node.id]: node.id for node in structure.process.nodes if node.id in usual.ways}
        for when in kinds_of(self.as_is):
            model, places = for_kind(self.as_is, when)
            choices, own = self._choices(model, of_kind=True), Own(when)
            for place in places:
                name = self.called.get(place, place)
                source, gate = sources.get(name, ""), gates.get(name, "")
                if source and source in choices.chances and not usual.chances[source].stated:
                    own.chances[source] = choices.chances[source]
                elif gate and not usual.ways[gate].stated:
                    own.ways[gate] = choices.ways[gate]
                else:
                    lost[name] = None
            found.append(own)
        return found, list(lost)

    def _kinds(self, places: Sequence[ActivityModel | Gateway], notes: list[str]) -> dict[str, Any]:
        """Return the kinds of cases, without attributes on which something depends today and nothing in the TO-BE."""

        def asked(of: Iterable[ActivityModel | Gateway]) -> set[str]:
            return {name for one in of for variant in one.variants for name in variant.when}

        today: list[ActivityModel | Gateway] = [*self.as_is.activities.values(), *self.as_is.gateways.values()]
        gone = asked(today) - asked(places) - {"type"}
        if not gone:
            return {}
        notes.append(NOTE_UNASKED.format(names=", ".join(sorted(gone))))
        shares: dict[tuple[tuple[str, str], ...], float] = {}
        for one in self.as_is.profiles:
            kept = tuple((name, value) for name, value in one.values.items() if name not in gone)
            shares[kept] = shares.get(kept, 0.0) + one.share
        return {
            "profiles": [Profile(share=share, values=dict(kept)) for kept, share in shares.items() if kept],
            "attributes": {name: one for name, one in self.as_is.attributes.items() if name not in gone},
        }

    def _today_of(self, source: str) -> str:
        """Return the name of the place that decides today what a source of the TO-BE does."""
        node = self.process.by_id.get(source)
        return node.name if node is not None and node.kind == "task" else self.structure.choice_place(source)

    def _free_name(self) -> str:
        """Return a name that nobody takes for that of the process of today."""
        names = self.target.name.casefold(), self.as_is.name.casefold()
        alike = SequenceMatcher(None, *names).ratio() > _ALIKE
        return f"{self.target.name} (TO-BE)" if alike else self.target.name

    # -- steps -----------------------------------------------------------------------------------------------------

    def _role(self, node: Node) -> str | None:
        """Return who does a step: by the target, or as today, or as somebody says."""
        told = self.target.roles.get(node.name)
        estimate = estimate_of(self.said, node)
        if told is None and estimate is not None and estimate.role is not None:
            return estimate.role
        old = self.today.get(node.name)
        if old is None:
            return told
        now = self.as_is.activities[old].role
        # Work outside stays outside, whoever answers for it here.
        return None if now is None else told or self.roles_called[now]

    def _activity(self, node: Node) -> ActivityModel:
        estimate, role = estimate_of(self.said, node), self._role(node)
        if estimate is not None:
            return assumed_activity(node, estimate, role=role, spread=self.spread, notes=self.notes)
        if node.name not in self.today:
            raise UnsaidError(
                f'{self.where}: today\'s process has no "{node.name}"; say how long it takes, as in elicited='
                f'{{"{node.name}": [1, 2, 5]}} (hours: low, likely, high), or confirm what it is called in the log '
                "(target.with_aliases)",
                {"activities": {node.name: [1, 2, 5]}},
            )
        one = self.as_is.activities[self.today[node.name]]
        if role is not None and one.role is not None and role != self.roles_called[one.role]:
            self.notes.append(NOTE_ROLE.format(name=node.name, role=role, today=self.roles_called[one.role]))
        return one.model_copy(
            update={
                "role": role,
                "waits": self._renamed(one.waits),
                "same_person_as": self.called.get(one.same_person_as or ""),
                "other_person_than": self.called.get(one.other_person_than or ""),
                "patience": None
                if one.patience is None or one.patience.to not in (None, *self.called)
                else one.patience.model_copy(update={"to": self.called.get(one.patience.to or "")}),
            }
        )

    def _renamed(self, waits: list[Any]) -> list[Any]:
        kept = [wait for wait in waits if wait.before is None or wait.before in self.called]
        return [wait.model_copy(update={"before": self.called.get(wait.before or "")}) for wait in kept]

    def _timing(self, node: Node) -> Timing:
        estimate = estimate_of(self.said, node)
        if estimate is None:
            raise UnsaidError(
                f'{self.where}: nobody says how long the event "{node.name or node.id}" takes; say it, as in elicited='
                f'{{"{node.name or node.id}": [4, 8, 24]}} (hours), or 0 where today\'s delays hold it already',
                {"activities": {node.name or node.id: [4, 8, 24]}},
            )
        return assumed_event(node, estimate, spread=self.spread, notes=self.notes)

    # -- people ----------------------------------------------------------------------------------------------------

    def _people(self, activities: Mapping[str, ActivityModel]) -> list[Person]:
        needed: dict[str, list[str]] = {}
        hints: dict[str, str] = {}
        for name, one in activities.items():
            if one.role is not None:
                needed.setdefault(one.role, []).append(name)
                today = self.as_is.activities[self.today[name]].role if name in self.today else None
                if today is not None:
                    hints.setdefault(one.role, today)
        today_people = [
            person.model_copy(update={"roles": [self.roles_called[role] for role in person.roles]})
            for person in self.as_is.people
        ]
        people = staffed(
            needed,
            today_people,
            self.said,
            office=self.as_is.office,
            hints=hints,
            where=self.where,
            notes=self.notes,
        )
        busy = [
            person.model_copy(update={"roles": list(dict.fromkeys(role for role in person.roles if role in needed))})
            for person in people
        ]
        if idle := [person.name for person in busy if not person.roles]:
            self.notes.append(NOTE_IDLE.format(names=", ".join(idle)))
        return [person for person in busy if person.roles]

    def _bound(self, activities: Mapping[str, ActivityModel], people: list[Person]) -> dict[str, ActivityModel]:
        """Return activities with the habits of those who can do them, and with the card's rules of who may."""
        able = {
            name: [person.name for person in people if one.role in person.roles] for name, one in activities.items()
        }
        out = dict(activities)
        for name, one in activities.items():
            evidence = one.evidence or Evidence()
            out[name] = one.model_copy(
                update={
                    "people": {who: habit for who, habit in one.people.items() if who in able[name]},
                    "evidence": evidence.model_copy(
                        update={"pace": {who: error for who, error in evidence.pace.items() if who in able[name]}}
                    ),
                }
            )
        for rule in self.target.card.rules if self.target.card else ():
            if rule.template not in ("four_eyes", "same_person") or any(not able.get(a) for a in rule.activities):
                continue
            first, second = rule.activities[:2]
            if rule.template == "four_eyes":
                changed: dict[str, Any] = {"other_person_than": first, "same_person": False, "same_person_as": None}
            elif set(able[first]) <= set(able[second]):
                changed = {"same_person_as": first, "same_person": False, "other_person_than": None}
            else:
                continue
            out[second] = out[second].model_copy(update=changed)
        return out

    def _queueing(self) -> Queueing | None:
        known = self.as_is.queueing
        if known is None:
            return None
        others = []
        for reading in known.others:
            delays = {
                self.called[name]: delayed.model_copy(
                    update={
                        "waits": [
                            wait
                            for wait in self._renamed(delayed.waits)
                            if wait.before is None or not self.structure.parallel
                        ]
                    }
                )
                for name, delayed in reading.delays.items()
                if name in self.called and estimate_of(self.said, self._node(self.called[name])) is None
            }
            others.append(Reading(alpha=reading.alpha, delays=delays))
        return Queueing(alpha=known.alpha, others=others)

    def _node(self, name: str) -> Node:
        return next(node for node in self.process.tasks if node.name == name)

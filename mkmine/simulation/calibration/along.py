"""Calibration along a given process: its structure with the chances, hours and people that a log tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from mkmine.errors import DataError
from mkmine.eventlog import EventLog
from mkmine.eventlog.cleaning.repairs import merge_activities
from mkmine.simulation.calibration.assumed import (
    assumed_activity,
    check_said,
    estimate_of,
    spread_of,
    staffed,
)
from mkmine.simulation.calibration.estimators.telling import Chosen
from mkmine.simulation.calibration.estimators.turns import Turns, own_chances, turns_of
from mkmine.simulation.calibration.estimators.ways import Followed, chances_of, follow, opened_ways, tally
from mkmine.simulation.model import ActivityModel, Person, SimulationModel
from mkmine.simulation.model.evidence import Evidence
from mkmine.simulation.model.laying import Laid, lay
from mkmine.simulation.model.mistakes import first_mistake
from mkmine.simulation.model.structure import Structure
from mkmine.targets import Elicited, ProcessModel, Target

__all__ = ["Along", "along_process", "branches_meet", "named_as", "put_together", "relaid"]

Floats = NDArray[np.float64]

# Where more of the executions are of activities that the process lacks, it is not the process of the log.
_MOST_FOREIGN = 0.25
_MOST_DEVIATING = 0.1
_NAMED = 5

NOTE_ALONG = "The routes are those of the process “{process}”, with chances counted in optimal alignments of the log."
NOTE_FOREIGN = "The process lacks {names}: {share} of the executions, which the model leaves out."
NOTE_DEVIATING = (
    "{share} of all steps are in the log or in the process only; the model follows the process, so it does not repeat "
    "these deviations."
)
NOTE_NEVER = "No case took these ways: {ways}. All ways of a choice share one imagined decision, so they stay possible."
NOTE_UNSEEN = "No case came to these choices: {places}. Their ways are taken to be equally probable."
NOTE_RACE = (
    "Which event comes first after {gateways} is taken for a choice by its share of the cases: a log of steps does not "
    "tell when events happened."
)
NOTE_UNEXPLAINED = "{n} cases could not be followed through the process; their choices are not counted."


@dataclass(frozen=True)
class Along:
    """A log as cases of a process: `log` has its names, and when each step could have begun by the structure."""

    log: EventLog
    structure: Structure
    followed: Followed
    said: Elicited
    roles: Mapping[str, str]
    notes: tuple[str, ...]

    def turns(self, weights: Floats) -> Turns:
        """Return what cases decided, to be foretold by their attributes; `weights` say how much cases count."""
        counted = tally(self.followed, weights, parallel=self.structure.parallel)
        return turns_of(self.structure, self.followed, chances_of(self.structure, counted), weights)

    def laid(self, weights: Floats, chosen: Mapping[int, Chosen] | None = None) -> tuple[Laid, tuple[str, ...]]:
        """Return the ways of the process, and what has to be known of them.

        `weights` say how much cases count, `chosen` which attributes tell something about which of the `turns`.
        """
        structure, followed = self.structure, self.followed
        counted = tally(followed, weights, parallel=structure.parallel)
        chances = chances_of(structure, counted)
        own = own_chances(structure, followed, chances, weights, chosen) if chosen else []
        made = lay(structure, chances, opened_ways(structure, counted), own=own)
        never, unseen = [], []
        for source, ways in self.structure.outcomes.items():
            taken = {outcome for _, outcome in counted.decided.get(source, {})}
            if len(ways) > 1 and not taken:
                unseen.append(self.structure.label(source))
            elif len(ways) > 1:
                label = self.structure.label(source)
                never += [f"{label} > {self.structure.target(way)}" for way in ways if way not in taken]
        notes = [NOTE_NEVER.format(ways=_few(never))] if never else []
        notes += [NOTE_UNSEEN.format(places=_few(unseen))] if unseen else []
        return made, tuple(notes)

    def completed(self, model: SimulationModel, made: Laid, notes: tuple[str, ...]) -> SimulationModel:
        """Return a model of the log's activities with the ways of the process, and with the steps that the log lacks.

        Raises `DataError` if nothing is said of such a step, or nobody does it.
        """
        told = [*model.notes, *self.notes, *notes]
        activities, spread = dict(model.activities), spread_of(model)
        needed: dict[str, list[str]] = {}
        for node in self.structure.process.tasks:
            if node.name in activities:
                continue
            estimate = estimate_of(self.said, node)
            if estimate is None:
                raise DataError(
                    f'"{self.structure.process.name}": the log has no "{node.name}"; say how long it takes, as in '
                    f'elicited={{"{node.name}": [1, 2, 5]}} (hours: low, likely, high), or take it out of the process'
                )
            role = estimate.role or self.roles.get(node.name)
            if role is not None:
                needed.setdefault(role, []).append(node.name)
            activities[node.name] = assumed_activity(node, estimate, role=role, spread=spread, notes=told)
        people: list[Person] = staffed(
            needed,
            model.people,
            self.said,
            office=model.office,
            hints={},
            where=self.structure.process.name,
            notes=told,
        )
        values = {name: getattr(model, name) for name in SimulationModel.model_fields}
        return put_together(
            values
            | {
                "people": people,
                "activities": relaid(activities, made, self.structure),
                "gateways": made.gateways,
                "begin": made.begin,
                "notes": told,
            },
            where=f'"{self.structure.process.name}"',
        )


def along_process(
    log: EventLog, process: ProcessModel | Target, elicited: Elicited | Mapping[str, object] | None = None
) -> Along:
    """Return the cases of a log as cases of a process; names of a target's aliases are its own ones.

    Raises `DataError` if more than a quarter of the log's executions are of activities that the process lacks, the
    process cannot be executed, or something is said of what it does not have.
    """
    target = process if isinstance(process, Target) else Target(model=process)
    model = target.model
    if not model.tasks:
        raise DataError(f'"{model.name}": the process has no task; draw what is done, as tasks with names')
    said = target.elicited | Elicited.read(elicited)
    tasks = [*model.tasks, *(node for node in model.nodes if node.kind == "event")]
    check_said(
        said,
        steps=[name for node in tasks for name in (node.name, node.id) if name],
        gateways=[name for node in model.nodes for name in (node.name, node.id) if name and node.kind != "task"],
        roles=list(dict.fromkeys([*target.roles.values(), *(e.role for e in said.activities.values() if e.role)])),
        where=f'"{model.name}"',
    )
    named, foreign, share = _named(log, target)
    structure = Structure(model)
    followed = follow(named, structure)
    notes = [NOTE_ALONG.format(process=model.name)]
    if foreign:
        notes.append(NOTE_FOREIGN.format(names=_few([f"“{name}”" for name in foreign]), share=f"{share:.1%}"))
    if followed.deviating > _MOST_DEVIATING * followed.moves:
        notes.append(NOTE_DEVIATING.format(share=f"{followed.deviating / followed.moves:.0%}"))
    if races := [node.label for node in model.nodes if node.element == "eventBasedGateway"]:
        notes.append(NOTE_RACE.format(gateways=_few(races)))
    lost = sum(followed.runs[kind] is None for kind in followed.variant.tolist())
    notes += [NOTE_UNEXPLAINED.format(n=lost)] if lost else []
    return Along(
        log=replace(named, enabled=followed.enabled),
        structure=structure,
        followed=followed,
        said=said,
        roles=target.roles,
        notes=tuple(notes),
    )


def put_together(values: Mapping[str, Any], *, where: str) -> SimulationModel:
    """Return a model of its parts. Raises `DataError` with the place if it cannot run."""
    try:
        return SimulationModel(**values)
    except ValidationError as error:
        raise DataError(f"{where}: {first_mistake(error, SimulationModel)}") from None


def relaid(activities: Mapping[str, ActivityModel], made: Laid, structure: Structure) -> dict[str, ActivityModel]:
    """Return activities that lead where the process leads.

    Where branches go on side by side, what came just before is no one thing, so that one delay holds for all ways.
    """
    out = {}
    for name in made.next:
        one = activities[name]
        evidence = (one.evidence or Evidence()).model_copy(
            update={"routes": made.observed[name], "stated": name in made.stated}
        )
        waits = [wait for wait in one.waits if wait.before is None] if structure.parallel else one.waits
        out[name] = one.model_copy(
            update={
                "next": made.next[name],
                "contexts": [],
                "evidence": evidence,
                "waits": [wait for wait in waits if wait.before is None or wait.before in made.next],
                "variants": [
                    variant.model_copy(update={"next": None, "contexts": []})
                    for variant in one.variants
                    if variant.speaks_of("hours") or variant.speaks_of("delay")
                ]
                + made.variants.get(name, []),
            }
        )
    return out


def named_as(log: EventLog, process: ProcessModel | Target) -> EventLog:
    """Return a log with the names of a process and only its activities; raises what `along_process` raises of these."""
    return _named(log, process if isinstance(process, Target) else Target(model=process))[0]


def branches_meet(process: ProcessModel | Target) -> bool:
    """Return whether branches of a process go on side by side."""
    return Structure(process.model if isinstance(process, Target) else process).parallel


def _named(log: EventLog, target: Target) -> tuple[EventLog, list[str], float]:
    """Return a log with the names of a target and only its activities, those that it lacks, and their share."""
    groups: dict[str, list[str]] = {}
    for name in log.activities:
        if name not in target.activities and target.aliases.get(name) in target.activities:
            groups.setdefault(target.aliases[name], []).append(name)
    named = merge_activities(log, groups) if groups else log
    counts = np.bincount(named.activity, minlength=len(named.activities))
    foreign = [name for name in named.activities if name not in target.activities]
    lost = sum(int(counts[named.activities.index(name)]) for name in foreign)
    share = lost / len(named)
    if share > _MOST_FOREIGN:
        told = ", ".join(
            f'"{name}"' for name in sorted(foreign, key=lambda one: -counts[named.activities.index(one)])[:5]
        )
        raise DataError(
            f'{log.name}: {share:.0%} of the executions are of activities that "{target.name}" lacks ({told}); give '
            "them aliases (mk.suggest_aliases finds similar names), or a process that has them"
        )
    if foreign:
        kept = np.isin(
            named.activity, [named.activities.index(name) for name in target.activities if name in named.activities]
        )
        named = named.keep_instances(kept, action="filter activities", detail="those of the process")
    return named, foreign, share


def _few(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more

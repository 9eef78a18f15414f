"""The work in progress from which a simulation begins, instead of from an empty office."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.calendars import DAY, HOUR
from mkmine.errors import DataError, UnknownNameError
from mkmine.eventlog import EventLog
from mkmine.eventlog.enablement import enabled_times
from mkmine.simulation.engine.clocks import LONGEST
from mkmine.simulation.engine.draws import Cases, Part
from mkmine.simulation.engine.tables import Tables
from mkmine.simulation.model import ActivityModel, SimulationModel, Variant
from mkmine.simulation.model.distributions import Distribution
from mkmine.streams import Streams

__all__ = ["Resumption", "Underway", "WorkInProgress", "remaining", "resumptions", "work_in_progress"]

Stage = Literal["waiting", "working", "done"]
# Who was not on duty for so long is away: a long weekend is shorter.
_LATELY = 4 * DAY
_LONGEST_VALUE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Underway:
    """A case that has begun before the simulation does.

    Attributes
    ----------
    case
        Its name.
    arrived
        When it came (µs).
    activity, stage
        Where it is: it waits for the activity, is worked on, or has done it and is about to go on.
    since, started, ended
        When the activity was enabled, begun and finished (µs), as far as it was.
    person
        Who works on it.
    rounds
        How often each activity was begun, the present one included.
    doers
        Who did each activity last.
    trace
        The last activities, the present one included, in order of time.
    attributes
        What is known of the case, as text.
    """

    case: str
    arrived: int
    activity: str
    stage: Stage
    since: int
    started: int
    ended: int = 0
    person: str | None = None
    rounds: Mapping[str, int] = field(default_factory=dict)
    doers: Mapping[str, str] = field(default_factory=dict)
    trace: tuple[str, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkInProgress:
    """The cases that are underway at a moment (µs)."""

    at: int
    cases: tuple[Underway, ...]

    def check(self, model: SimulationModel) -> None:
        """Raise if a model does not know an activity or a person, or has branches, of which a log does not tell."""
        if any(gateway.kind in ("and", "or") for gateway in model.gateways.values()):
            raise DataError(
                f'"{model.name}" has branches side by side; which of them have come to their join cannot be told from '
                f"a log, so the simulation has to begin empty"
            )
        people = {person.name for person in model.people}
        for one in self.cases:
            if one.activity not in model.activities:
                where = f'the work in progress, case "{one.case}"'
                raise UnknownNameError.of(kind="activity", name=one.activity, known=list(model.activities), where=where)
            if one.person is not None and one.person not in people:
                where = f'the work in progress, case "{one.case}"'
                raise UnknownNameError.of(kind="person", name=one.person, known=sorted(people), where=where)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumption:
    """How a case goes on that was underway: the same in numbers, with what chance decides about it.

    Attributes
    ----------
    place, stage
        The activity that it is in, and how far that is.
    person
        Who works on it, or has done it; -1: nobody, or nobody who is in the model and has the role.
    since, started, ended
        When the activity was enabled, begun and finished (µs).
    left
        How much is left of what is being worked on (µs of the person's pace); of what waits, in how many µs it is
        offered to people.
    visits, doers
        How often the case visited each place before the present visit; who did each activity last (-1: nobody).
    trace
        The activities before the present one, in order of time.
    """

    place: int
    stage: Stage
    person: int
    since: int
    started: int
    ended: int
    left: int
    visits: tuple[int, ...]
    doers: tuple[int, ...]
    trace: tuple[int, ...]


def resumptions(
    progress: WorkInProgress, model: SimulationModel, tables: Tables, streams: Streams, cases: Cases
) -> list[Resumption]:
    """Return how the cases of the work in progress, the last ones of `cases`, go on."""
    draws = streams.uniform("remaining", size=len(progress.cases)).tolist()
    people = {one.name: number for number, one in enumerate(model.people)}
    idle = _idle(progress, model, tables)
    return [
        _resumption(_Whole(model, tables, cases), one, case, u, progress.at, people, idle)
        for case, (one, u) in enumerate(zip(progress.cases, draws, strict=True), cases.n - cases.old)
    ]


class _Whole(NamedTuple):
    """What a resumption depends on besides its case."""

    model: SimulationModel
    tables: Tables
    cases: Cases

    def variant(self, activity: ActivityModel, part: Part, case: int) -> Variant | None:
        """Return the variant that decides a part of an activity for a case."""
        number = self.cases.variant(activity, part, slice(case, case + 1))
        return activity.variants[int(number[0]) - 1] if number is not None and number[0] else None


def _idle(progress: WorkInProgress, model: SimulationModel, tables: Tables) -> set[str]:
    """Return the roles of which somebody who was there lately has a free hand."""
    in_hand = Counter(one.person for one in progress.cases if one.stage == "working")
    at = progress.at
    return {
        role
        for number, person in enumerate(model.people)
        if in_hand[person.name] < person.capacity
        and tables.clocks[int(tables.person_clock[number])].calendar.working_time(at - _LATELY, at) > 0
        for role in person.roles
    }


def _resumption(
    whole: _Whole, one: Underway, case: int, u: float, at: int, people: Mapping[str, int], idle: set[str]
) -> Resumption:
    tables = whole.tables
    numbers, place = tables.numbers, tables.numbers[one.activity]
    who = one.doers.get(one.activity) if one.stage == "done" else one.person
    person = people.get(who or "", -1)
    if one.stage == "working" and int(tables.role[place]) not in (tables.person_roles[person] if person >= 0 else ()):
        person = -1
    visits = [0] * len(tables.names)
    for name, rounds in one.rounds.items():
        if name in numbers:
            visits[numbers[name]] = rounds - (name == one.activity)
    doers = [-1] * tables.n_activities
    for name, doer in one.doers.items():
        if name in numbers:
            doers[numbers[name]] = people.get(doer, -1)
    return Resumption(
        place=place,
        stage=one.stage,
        person=person,
        since=one.since,
        started=one.started,
        ended=one.ended,
        left=_left(whole, one, case, u, at, person)
        if one.stage == "working"
        else _offered_in(whole, one, case, u, at, idle),
        visits=tuple(visits),
        doers=tuple(doers),
        trace=tuple(numbers[name] for name in one.trace[:-1] if name in numbers),
    )


def _left(whole: _Whole, one: Underway, case: int, u: float, at: int, person: int) -> int:
    """Return how long (µs) the work goes on that somebody, or somebody outside, has begun."""
    model, tables = whole.model, whole.tables
    activity, place = model.activities[one.activity], tables.numbers[one.activity]
    if person < 0 and activity.role is not None:
        return 0
    clock = tables.clocks[int(tables.person_clock[person] if person >= 0 else tables.clock[place])]
    factor = float(tables.pace[place, person]) if person >= 0 else 1.0
    elapsed = float(clock.calendar.working_time(one.started, at)) / HOUR / factor
    own = whole.variant(activity, "hours", case)
    spreads = activity.duration if own is None or own.duration is None else own.duration
    spread = spreads[min(one.rounds.get(one.activity, 1), len(spreads)) - 1].scaled(1.0 if own is None else own.factor)
    return min(round(remaining(spread, elapsed, u) * factor * HOUR), LONGEST)


def _offered_in(whole: _Whole, one: Underway, case: int, u: float, at: int, idle: set[str]) -> int:
    """Return after how long (µs) waiting work is offered to people.

    While somebody of its role has a free hand it cannot have been offered yet, so its outside delay is longer than it
    has waited. Where all have their hands full it is taken to be in the queue.
    """
    activity, tables = whole.model.activities[one.activity], whole.tables
    if one.stage != "waiting" or activity.delay is None or activity.role not in idle:
        return 0
    before = one.trace[-2] if len(one.trace) > 1 else None
    ways = (wait.delay for wait in activity.waits if wait.before == before and not wait.overlap)
    own = whole.variant(activity, "delay", case)
    spreads = next(ways, [activity.delay if own is None or own.delay is None else own.delay])
    spread = spreads[min(one.rounds.get(one.activity, 1), len(spreads)) - 1]
    spread = spread if own is None else spread.scaled(own.delay_factor)
    calendar = tables.clocks[int(tables.clock[tables.numbers[one.activity]])].calendar
    elapsed = float(calendar.working_time(one.since, at)) / HOUR
    hours = min(remaining(spread, elapsed, u), LONGEST / HOUR)
    return min(int(calendar.add(at, round(hours * HOUR))) - at, LONGEST)


def work_in_progress(log: EventLog, at: int | None = None) -> WorkInProgress:
    """Return the cases of a log that are underway at a moment (µs; by default when its observation ends).

    A case is underway if it has begun and something of it comes later, or if it is not completed. What the log does
    not tell, because it ends there, is drawn: where a case goes that has done its last recorded activity.
    """
    moment = log.observed[1] if at is None else at
    enabled = enabled_times(log)
    out = []
    said = _said(log)
    for case in range(log.n_cases):
        first, last = int(log.offsets[case]), int(log.offsets[case + 1])
        begun = [row for row in range(first, last) if enabled[row] <= moment]
        later = len(begun) < last - first or bool(log.end[begun[-1]] > moment) if begun else False
        if begun and (later or not log.completed[case]):
            known = {name: texts[case] for name, texts in said.items() if texts[case] is not None}
            out.append(replace(_underway(log, case, begun, enabled, moment), attributes=known))
    return WorkInProgress(at=moment, cases=tuple(out))


def _said(log: EventLog) -> dict[str, NDArray[np.object_]]:
    """Return what a log says of its cases, and of their first instances, as text by case (None: nothing)."""
    columns = {name: pd.Series(of_rows[log.offsets[:-1]]) for name, of_rows in log.attributes.items()}
    columns |= {str(name): values for name, values in log.case_attributes.items()}
    out = {}
    for name, values in columns.items():
        texts = np.full(log.n_cases, None, dtype=object)
        known = values.notna().to_numpy()
        # Longer texts are no values of a model.
        texts[known] = [text if 0 < len(text := str(one).strip()) <= _LONGEST_VALUE else None for one in values[known]]
        out[name] = texts
    return out


def _underway(log: EventLog, case: int, rows: list[int], enabled: NDArray[np.int64], moment: int) -> Underway:
    last = rows[-1]
    names = [log.activities[int(log.activity[row])] for row in rows]
    working = log.start[last] <= moment and (log.end[last] > moment or log.ongoing[last])
    stage: Stage = "waiting" if log.start[last] > moment else "working" if working else "done"
    done = [row for row in rows if log.resource[row] >= 0 and log.start[row] <= moment]
    who = {log.activities[int(log.activity[row])]: log.resources[int(log.resource[row])] for row in done}
    return Underway(
        case=str(log.case_ids[case]),
        arrived=int(enabled[rows[0]]),
        activity=names[-1],
        stage=stage,
        since=int(enabled[last]),
        started=int(log.start[last]),
        ended=int(log.end[last]),
        person=who.get(names[-1]) if stage == "working" else None,
        rounds={name: names.count(name) for name in dict.fromkeys(names)},
        doers=who,
        trace=tuple(names[-9:]),
    )


def remaining(spread: Distribution, elapsed_h: float, u: float) -> float:
    """Return how many hours more something takes that has taken `elapsed_h` already, by its conditional distribution.

    The probability of having been done by now is found by bisection, as the quantile function is all that is known.
    Where nothing lasts that long, it is over at once.
    """
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        if float(spread.ppf(np.array([middle]))[0]) <= elapsed_h:
            low = middle
        else:
            high = middle
    conditional = min(low + u * (1 - low), 1 - 1e-12)
    return max(float(spread.ppf(np.array([conditional]))[0]) - elapsed_h, 0.0)

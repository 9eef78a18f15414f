"""Calibration: from an event log to a simulation model that replays it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mkmine.calendars import DAY, HOUR, MINUTE, Calendar, from_us, holidays_of
from mkmine.discovery.pools import Pools, find_pools
from mkmine.errors import DataError
from mkmine.eventlog import EventLog
from mkmine.eventlog.statuses import status_kinds
from mkmine.performance.availability import Presence, estimate_presence
from mkmine.simulation.calibration.along import Along, along_process
from mkmine.simulation.calibration.estimators.arrivals import estimate_arrivals
from mkmine.simulation.calibration.estimators.completions import known_between
from mkmine.simulation.calibration.estimators.delays import estimate_waits
from mkmine.simulation.calibration.estimators.durations import Spent, fit_distribution
from mkmine.simulation.calibration.estimators.paces import estimate_paces
from mkmine.simulation.calibration.estimators.presence import presence_errors
from mkmine.simulation.calibration.estimators.recency import Recency, choose_recency, closed_only
from mkmine.simulation.calibration.estimators.rhythm import weekly_rhythm
from mkmine.simulation.calibration.estimators.routing import (
    Routing,
    beginning,
    estimate_routing,
    mark_detours,
    rounds_of,
    same_person,
)
from mkmine.simulation.calibration.estimators.steps import Steps, find_steps
from mkmine.simulation.calibration.estimators.telling import MOST_LOOKED_AT
from mkmine.simulation.calibration.estimators.truncation import mean_length
from mkmine.simulation.calibration.estimators.variants import Effects, find_effects
from mkmine.simulation.calibration.habits import Habits, find_habits
from mkmine.simulation.calibration.order import Taken, order_of_work
from mkmine.simulation.calibration.preferring import Preferring, find_preferences
from mkmine.simulation.calibration.replay import read_as
from mkmine.simulation.calibration.taken_up import with_habits
from mkmine.simulation.model import ActivityModel, Arrivals, CalendarModel, Gateway, Habit, Person, SimulationModel
from mkmine.simulation.model.distributions import Fixed
from mkmine.simulation.model.evidence import Evidence, Known

if TYPE_CHECKING:
    from mkmine.targets import Elicited, ProcessModel, Target

__all__ = ["calibrate"]

Int = NDArray[np.int64]
Floats = NDArray[np.float64]

_FEWEST_CASES, _ENOUGH_CASES = 20, 100
_MOST_ACTIVITIES = 500
_LONGEST_NAME = 500
# A mean delay below this (hours) is not worth a place in the model.
_SLIGHT = 0.05
_ENOUGH_FOR_RHYTHM = 200
_LONGEST_ABSENCE, _CERTAINLY_GONE = timedelta(days=300), timedelta(days=28)
# By so much longer all cases take than those that were seen before it is said.
_NOTICEABLY = 1.05
# How much of the waiting that busy people explain is left to the simulated queues; the best one is chosen by replay.
_ALPHAS = (1.0, 0.5, 0.0)
_FEW_EXPLAINED = 0.02

NOTE_COMPLETED = (
    "The log has completion times only: processing times were estimated from the gaps between a person's consecutive "
    "completions, and staffing answers are weakly supported."
)
NOTE_NOBODY = "The log names no people, so the model has outside waits only and no staffing answer is possible."
NOTE_DELAY = {
    0.0: "All waiting is modelled as a delay that more staff would not shorten (alpha = 0 replays the log's cycle "
    "times best); only queues that arise on top of it react to staffing.",
    0.5: "Half of the waiting that busy people explain is modelled as queueing, the rest as a delay that more staff "
    "would not shorten (alpha = 0.5 replays the log's cycle times best).",
    1.0: "Waiting while the person was busy is modelled as queueing, and what is left of it as a delay that more staff "
    "would not shorten (alpha = 1 replays the log's cycle times best).",
}
NOTE_OPEN = (
    "The log leaves open how much of the waiting is queueing: answers show the range of what it does not exclude."
)
NOTE_OVERLAP = "Activities of one case overlap in the log; the model begins them by the start of the one before."
NOTE_NOT_HELD = "No batches and no limits on work in progress are learned where activities of one case overlap."
NOTE_MULTITASKING = "Some people have several things in hand at once; the model lets them, each at its full pace."

NOTE_PREFERENCES = (
    "{role}: some people take work more readily than others, and so they do in the model; of {n} later choices among "
    "several who were free, this foretells who took it with {foretold} on average ({otherwise} without)."
)
NOTE_ATTRIBUTES = (
    "Cases have {n} attributes that could change something; the {most} that foretell most in half of the cases were "
    "looked at."
)
NOTE_FEW = "The log has only {n} completed cases; every number of the model is rough."
NOTE_RECENT = (
    "Later cases of the log are foretold {gain} better by recent ones: a case counts half for every {share} of the "
    "cases that came after it."
)
NOTE_FINISHED = (
    "The log holds finished cases only, and those that were open when it ended are missing: all cases together take "
    "about {all_cases} h on average, those seen {seen} h. The model foretells logs of this kind."
)


@dataclass(frozen=True)
class _Findings:
    """What the estimators found, before it is put together for one alpha; `placed` are the hours, on the clock of its
    delay, after which each instance is placed by the model, since it was enabled."""

    log: EventLog
    steps: Steps
    recency: Recency
    weights: Floats
    pools: Pools
    presence: Presence
    presence_known: Mapping[str, Known]
    rhythm: CalendarModel
    habits: Habits
    taken: Taken
    preferring: Mapping[int, Preferring]
    placed: Floats
    routing: tuple[Routing, ...]
    effects: Effects
    arrivals: Arrivals
    along: Along | None

    @property
    def spent(self) -> Spent:
        return self.habits.spent


def calibrate(
    log: EventLog,
    *,
    name: str | None = None,
    process: ProcessModel | Target | None = None,
    elicited: Elicited | Mapping[str, Any] | None = None,
) -> SimulationModel:
    """Estimate a simulation model that replays the log's process in the log's own period.

    Each part has its estimator in `mkmine.simulation.calibration.estimators`.

    Arrivals: intensity by weekday and hour with factors
    per month, counted against what the log can hold, and how regular they are. Routing: the next activity given the
    present one, its round and, as far as held-out cases are foretold better so, the activities before; a case may go on
    while its work is in hand. Durations: working time in the person's calendar, by round, with paces of people;
    quantiles, or a log-normal where there are few. Roles: the log's, or else pools of activities done by the same
    people. Calendars: by person, role or office, as the observations allow; absences, people who came or left. Delay:
    what passed before work was offered, by the activity before and the week's rhythm, plus a share of the rest that is
    chosen by replaying the log (a note says which). Recent cases count more where later ones are foretold better so.
    Order of work: by what was taken while others waited; who takes it: by who did, of several who were free; batches
    and limits, where they foretell when work was let go, and the people that an activity needs because of another,
    where chance does not bring them (the notes say how surely). Attributes of cases: those by which the routes, hours
    or delays of cases left out are foretold better, with factors and routes shrunk to those of all cases; they are
    drawn together, as the log has them.

    With `process`, cases go as it is drawn: chances of its choices are counted in optimal alignments of the log, by
    round, branches go on side by side, and steps are enabled by its structure. `elicited` says what no log can of
    steps that only the process has (`mkmine.targets.Elicited`; a target's card may say it, too). Activities that only
    the log has are left out, and named in a note.

    Raises `DataError` if the log has fewer than 20 completed cases, more than 500 activities, a name of more than 500
    characters, or covers under a week.
    """
    along = None if process is None else along_process(log, process, elicited)
    log = log if along is None else along.log
    _check(log)
    steps, pools = find_steps(log), _working_pools(log)
    presence = estimate_presence(log, pools)
    pools = _of_today(log, pools, presence)
    rhythm = _rhythm(log, steps, presence)
    recency = choose_recency(log, steps)
    weights = recency.weights(np.minimum.reduceat(steps.ready, log.offsets[:-1]))
    routing, memory = estimate_routing(log, steps, weights)
    clock = rhythm.compiled(presence.office.time_zone)
    habits = find_habits(log, steps, pools, presence, clock)
    spent = habits.spent
    placed = _placed(log, steps, spent, clock)
    arrivals = estimate_arrivals(log, steps.ready, presence.office)
    # What holds work back has its own place in the model.
    steps = replace(steps, ready=np.maximum(steps.ready, habits.released))
    found = _Findings(
        log=log,
        steps=steps,
        recency=recency,
        weights=weights,
        pools=pools,
        presence=presence,
        presence_known=presence_errors(log, presence),
        rhythm=rhythm,
        habits=habits,
        taken=order_of_work(log, steps, pools, habits, clock, presence.office),
        preferring=find_preferences(log, pools, presence, habits),
        placed=placed,
        routing=tuple(routing),
        effects=find_effects(
            log,
            steps,
            weights,
            work=_work(log, steps, spent, pools, presence),
            delay=spent.delay,
            memory=memory if along is None else None,
            turns=None if along is None else along.turns(weights),
        ),
        arrivals=arrivals,
        along=along,
    )
    if not spent.has_waiting:
        return _build(found, 1.0, name or log.name)
    # Where hardly any waiting is explained by busy people, there is no question how much of it is.
    explained = 1 - float(np.nansum(spent.delay)) / float(np.nansum(spent.waiting))
    if explained < _FEW_EXPLAINED:
        return _build(found, 1.0, name or log.name)
    model = read_as({alpha: _build(found, alpha, name or log.name) for alpha in _ALPHAS}, log)
    if model.queueing is None or not model.queueing.others:
        return model
    return model.model_copy(update={"notes": [*model.notes, NOTE_OPEN]})


def _rhythm(log: EventLog, steps: Steps, presence: Presence) -> CalendarModel:
    """Return the clock by which work waits: each hour counts by how much is begun in it that had to wait."""
    office = presence.office
    waited = ~steps.first & (log.start - steps.ready > MINUTE) & (log.timestamps == "interval")
    moments = log.start[waited] if waited.sum() >= _ENOUGH_FOR_RHYTHM else log.end[~log.ongoing]
    rows = weekly_rhythm(moments, office.time_zone)
    return CalendarModel(
        intensity=[[round(float(one), 4) for one in row] for row in rows], holidays=holidays_of(office)
    )


def _outside(log: EventLog, steps: Steps, presence: Presence, rows: NDArray[np.bool_]) -> tuple[bool, Floats]:
    """Return whether an outside wait runs by the office's hours, and how many hours its instances took by its clock."""
    office = bool(rows.any()) and float(presence.office.is_open(log.end[rows] - 1).mean()) > 0.9
    clock = presence.office if office else Calendar.always()
    return office, np.maximum(clock.working_time(steps.ready[rows], log.end[rows]) / HOUR, 0)


def _work(log: EventLog, steps: Steps, spent: Spent, pools: Pools, presence: Presence) -> Floats:
    """Return the hours of each instance: of work, or of an outside wait; NaN where unknown."""
    out = spent.processing.copy()
    for code in np.flatnonzero(pools.of_activity < 0):
        rows = (log.activity == code) & ~log.ongoing
        out[rows] = _outside(log, steps, presence, rows)[1]
    return out


def _placed(log: EventLog, steps: Steps, spent: Spent, clock: Calendar) -> Floats:
    steady = np.array(spent.steady, dtype=np.bool_)[log.activity]
    late = np.where(steady, steps.ready - steps.enabled, clock.working_time(steps.enabled, steps.ready))
    return np.asarray(late / HOUR)


def _working_pools(log: EventLog) -> Pools:
    """Return who does what; a status in which work only waits is done by nobody."""
    pools = find_pools(log)
    waits = np.array([kind != "work" for kind in status_kinds(log)])
    of_activity = np.where(waits, -1, pools.of_activity)
    used = set(of_activity.tolist())
    of_person = tuple(tuple(role for role in roles if role in used) for roles in pools.of_person)
    return replace(pools, of_activity=of_activity, of_person=of_person)


def _of_today(log: EventLog, pools: Pools, presence: Presence) -> Pools:
    """Return who still does what: who has left does nothing any more, if somebody else of all their roles stays.

    They have left who were silent at the end of the log for longer than chance explains, and for four weeks in which
    cases still began.
    """
    last = from_us(int(log.start[log.offsets[:-1]].max()), log.time_zone).date()
    stays = [all(end < last or begin > last - _CERTAINLY_GONE for begin, end in spans) for spans in presence.apart] or [
        True
    ] * len(log.resources)
    kept = {role for roles, here in zip(pools.of_person, stays, strict=True) if here for role in roles}
    of_person = tuple(
        roles if here or not kept.issuperset(roles) else () for roles, here in zip(pools.of_person, stays, strict=True)
    )
    return replace(pools, of_person=of_person)


def _check(log: EventLog) -> None:
    done = int(log.completed.sum())
    if done < _FEWEST_CASES:
        raise DataError(
            f"{log.name}: {done} completed cases are too few to calibrate a simulation; it needs at least "
            f"{_FEWEST_CASES}"
        )
    if len(log.activities) > _MOST_ACTIVITIES:
        raise DataError(
            f"{log.name}: {len(log.activities)} activities are too many to calibrate a simulation (at most "
            f"{_MOST_ACTIVITIES}); merge or drop the rare ones first"
        )
    for what, names in (("activity", log.activities), ("person", log.resources), ("role", log.roles)):
        if long := next((one for one in names if len(one) > _LONGEST_NAME), None):
            raise DataError(
                f'{log.name}: the {what} "{long[:40]}…" has a name of {len(long):,} characters, too long to simulate '
                f"(at most {_LONGEST_NAME}); shorten it"
            )
    if log.observed[1] - log.observed[0] < 7 * DAY:
        raise DataError(f"{log.name}: the log covers less than a week; a weekly rhythm cannot be estimated from it")


def _build(found: _Findings, alpha: float, name: str) -> SimulationModel:
    """Return the model in which the share `alpha` of the explainable waiting is left to the simulated queues."""
    log, presence = found.log, found.presence
    begin = from_us(log.observed[0], log.time_zone).date()
    people = [
        Person(
            name=person,
            roles=[found.pools.names[role] for role in found.pools.of_person[number]],
            calendar=presence.calendar_of[number],
            absences=_away(presence, number, begin),
            capacity=found.spent.capacity[number],
            presence=found.presence_known.get(presence.calendar_of[number]),
        )
        for number, person in enumerate(log.resources)
        if found.pools.of_person[number]
    ]
    activities = {
        activity: _activity(found, code, alpha)
        for code, activity in enumerate(log.activities)
        if (log.activity == code).any()
    }
    used = {"office", *(one.calendar for one in people), *(one.calendar for one in activities.values())}
    if found.spent.has_waiting and log.timestamps == "interval":
        # Other readings of the waiting may need it.
        used.add("rhythm")
    zone = presence.office.time_zone
    calendars = {key: _as_model(one, zone) for key, one in presence.calendars.items()} | {"rhythm": found.rhythm}
    model = SimulationModel(
        name=name,
        time_zone=zone,
        start=begin,
        until=from_us(log.observed[1], log.time_zone).date(),
        office="office",
        calendars={key: one for key, one in calendars.items() if key in used},
        people=people,
        activities=mark_detours(activities),
        begin=beginning(log, found.weights),
        profiles=found.effects.profiles(activities.values() if found.along is None else None),
        arrivals=found.arrivals,
        source=_source(log),
        notes=_notes(found, alpha),
    )
    model = with_habits(model, log, found.pools, found.habits, found.taken)
    if found.along is None:
        return model
    turns = found.effects.chosen["routes"]
    model = found.along.completed(model, *found.along.laid(found.weights, turns))
    places: list[ActivityModel | Gateway] = [*model.activities.values(), *model.gateways.values()]
    return model.model_copy(update={"profiles": found.effects.profiles(places)})


def _away(presence: Presence, person: int, begin: date) -> list[tuple[date, date]]:
    """Return when a person is absent, before they came too; a calendar that never opened in a year would be refused."""
    before = [span for span in presence.apart[person][:1] if span[1] - span[0] < _LONGEST_ABSENCE]
    return sorted({*presence.absences[person], *(span for span in before if span[0] <= begin)})


def _activity(found: _Findings, code: int, alpha: float) -> ActivityModel:
    log, presence, spent, effects = found.log, found.presence, found.spent, found.effects
    rows = (log.activity == code) & ~log.ongoing
    role = int(found.pools.of_activity[code])
    routing = found.routing[code]
    if role < 0:
        office, outside = _outside(log, found.steps, presence, rows)
        hours = np.full(len(log), np.nan)
        hours[rows] = outside
        factors = effects.factors("hours", code, hours, rows)
        usual = hours[rows] / effects.of_rows("hours", code, factors)[rows]
        return ActivityModel(
            duration=[fit_distribution(usual)],
            calendar="office" if office else None,
            variants=effects.variants(code, routing, factors, None),
            next=routing.next,
            contexts=routing.contexts,
            evidence=Evidence(
                routes=routing.observed,
                duration=[Known.of(usual, found.weights[log.case_of[rows]])],
            ),
        )
    steady = bool(spent.steady) and spent.steady[code]
    waits = np.maximum((1 - alpha) * spent.waiting + alpha * spent.delay - found.placed, 0)
    of_rows = found.weights[log.case_of]
    longer = effects.factors("delay", code, np.where(found.steps.first, np.nan, waits), rows)
    waits = waits / effects.of_rows("delay", code, longer)
    delay, ways = estimate_waits(log, found.steps, waits, rows, of_rows)
    able = {n for n, roles in enumerate(found.pools.of_person) if role in roles}
    harder = effects.factors("hours", code, spent.processing, rows)
    work = spent.processing / effects.of_rows("hours", code, harder)
    found_paces = {n: pace for n, pace in estimate_paces(log, work, rows).items() if n in able}
    paces = {n: pace.value for n, pace in found_paces.items() if pace.value != 1}
    usual = work / np.array([*(paces.get(n, 1.0) for n in range(len(log.resources))), 1.0])[log.resource]
    delayed = np.nanmean(np.append(waits[rows], 0)) > (0 if steady else _SLIGHT)
    preferences = found.preferring[role].at(code) if role in found.preferring else {}
    return ActivityModel(
        role=found.pools.names[role],
        duration=[fit_distribution(usual[chosen], of_rows[chosen]) for chosen in rounds_of(log, rows)]
        or [Fixed(hours=0.0)],
        people=_people(log, paces, preferences),
        delay=delay if delayed else None,
        waits=ways if delayed else [],
        calendar=_clock(found, able) if delayed and not steady else None,
        same_person=same_person(log, code),
        variants=effects.variants(code, routing, harder, longer if delayed or longer is None else longer.nothing()),
        next=routing.next,
        contexts=routing.contexts,
        evidence=Evidence(
            routes=routing.observed,
            duration=[
                Known.of(work[chosen], of_rows[chosen])
                if spent.longest is None
                else known_between(work[chosen], spent.longest[chosen], of_rows[chosen])
                for chosen in rounds_of(log, rows)
            ],
            shared=spent.longest is not None,
            delay=Known.of(waits[rows], of_rows[rows]) if delayed else None,
            pace={log.resources[n]: pace.error for n, pace in found_paces.items() if pace.error > 0},
            preference={log.resources[n]: error for n, (_, error) in preferences.items()},
        ),
    )


def _people(
    log: EventLog, paces: Mapping[int, float], preferences: Mapping[int, tuple[float, float]]
) -> dict[str, Habit]:
    """Return what is different when certain people do an activity."""
    habits = {
        n: Habit(pace=paces.get(n, 1.0), preference=preferences.get(n, (1.0,))[0]) for n in {*paces, *preferences}
    }
    return {log.resources[n]: habits[n] for n in sorted(habits) if habits[n] != Habit()}


def _clock(found: _Findings, able: set[int]) -> str:
    """Return the clock of delays: the rhythm, or, where only completions are known, the hours of who does the work."""
    if found.log.timestamps == "interval":
        return "rhythm"
    calendars = {found.presence.calendar_of[person] for person in able}
    return calendars.pop() if len(calendars) == 1 else "office"


def _as_model(calendar: Calendar, time_zone: str) -> CalendarModel:
    return CalendarModel.model_validate(_without_absences(calendar.to_dict(), time_zone))


def _without_absences(values: dict[str, Any], time_zone: str) -> dict[str, Any]:
    """Return a calendar's values as a model has them: absences are of people, the time zone is the model's."""
    left = {key: value for key, value in values.items() if key != "absences"}
    if left["time_zone"] == time_zone:
        del left["time_zone"]
    for name in left.keys() & {"all_of", "any_of"}:
        left[name] = [_without_absences(part, time_zone) for part in left[name]]
    return left


def _source(log: EventLog) -> str:
    """Return from which log, filters and window a model comes, in one line."""
    made = log.provenance("calibration")
    chosen = "; ".join(made.filters) or "no filter"
    return f"log {made.log} ({made.hash[:8]}), {made.cases:,} cases, {' to '.join(made.window)}, {chosen}"


def _notes(found: _Findings, alpha: float) -> list[str]:
    log = found.log
    notes = []
    done = int(log.completed.sum())
    if done < _ENOUGH_CASES:
        notes.append(NOTE_FEW.format(n=done))
    if log.timestamps == "completed":
        notes.append(NOTE_COMPLETED)
    if not log.resources:
        notes.append(NOTE_NOBODY)
    if found.spent.has_waiting:
        notes.append(NOTE_DELAY[alpha])
    if found.steps.overlap.any():
        notes.append(NOTE_OVERLAP)
        if log.timestamps == "interval":
            notes.append(NOTE_NOT_HELD)
    if max(found.spent.capacity, default=1) > 1:
        notes.append(NOTE_MULTITASKING)
    notes += [
        NOTE_PREFERENCES.format(
            role=found.pools.names[role],
            n=f"{one.preferences.observed:,}",
            foretold=f"{one.preferences.foretold:.0%}",
            otherwise=f"{one.preferences.otherwise:.0%}",
        )
        for role, one in found.preferring.items()
    ]
    if (n := found.effects.candidates) > MOST_LOOKED_AT:
        notes.append(NOTE_ATTRIBUTES.format(n=n, most=MOST_LOOKED_AT))
    if np.isfinite(found.recency.half):
        notes.append(NOTE_RECENT.format(gain=f"{found.recency.gain:.0%}", share=f"{found.recency.half:.0%}"))
    if closed_only(log):
        seen, all_cases = _lengths(log, found.steps)
        if all_cases > _NOTICEABLY * seen:
            notes.append(NOTE_FINISHED.format(seen=f"{seen:.1f}", all_cases=f"{all_cases:.1f}"))
    return notes


def _lengths(log: EventLog, steps: Steps) -> tuple[float, float]:
    """Return the mean hours from beginning to end of the cases seen, and of all."""
    begin = np.minimum.reduceat(steps.ready, log.offsets[:-1])
    length = (np.maximum.reduceat(log.end, log.offsets[:-1]) - begin) / HOUR
    room = np.maximum((log.observed[1] - begin) / HOUR, length)
    return float(length.mean()), mean_length(length, room)

"""The engine against queueing theory, against a naive engine on the same draws, and against what must always hold."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from datetime import date
from heapq import heapify, heappop, heappush
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mkmine.calendars import DAY, HOUR, from_us
from mkmine.errors import DataError
from mkmine.eventlog import EventLog
from mkmine.simulation import SimulationModel, simulate
from mkmine.simulation.model.arrivals import arrival_times, midnight
from mkmine.streams import Streams

from .conftest import ALWAYS, OFFICE, exponential, single_queue

Model = dict[str, Any]


def waiting(log: EventLog) -> np.ndarray:
    return (log.start - log.enabled) / HOUR


def sojourn(log: EventLog) -> np.ndarray:
    heads = log.offsets[:-1]
    return (np.maximum.reduceat(log.end, heads) - np.minimum.reduceat(log.enabled, heads)) / HOUR


# -- theory ------------------------------------------------------------------------------------------------------------


def in_office_hours(*, servers: int) -> SimulationModel:
    """Mon-Fri 09-18, arrivals in these hours only: times on the wall are 168 / 45 of those of the queue."""
    values = single_queue(rate=0.8 * servers, servers=servers, service=exponential(1)).to_dict()
    values["calendars"]["always"]["weekly"] = {"Mon-Fri": "09:00-18:00"}
    values["arrivals"]["weekly"] = [[0.0] * 9 + [0.8 * servers] * 9 + [0.0] * 6] * 5 + [[0.0] * 24] * 2
    return SimulationModel.from_dict(values)


def jackson() -> SimulationModel:
    """A (two servers), then B (0.7) or C (0.3, half as fast), from both back to A with 0.2; 0.8 arrivals an hour."""
    values = single_queue(rate=0.8, servers=2, service=exponential(1)).to_dict()
    back = [[{"to": None, "probability": 0.8}, {"to": "Serve", "probability": 0.2, "rework": True}]]
    values["activities"]["Serve"]["next"] = [[{"to": "B", "probability": 0.7}, {"to": "C", "probability": 0.3}]]
    values["activities"] |= {
        "B": {"role": "B", "duration": [exponential(1)], "next": back},
        "C": {"role": "C", "duration": [exponential(2)], "next": back},
    }
    values["people"] += [{"name": role, "roles": [role], "calendar": "always"} for role in "BC"]
    return SimulationModel.from_dict(values)


SEEDS, CASES, WARM_UP = 50, 4_000, 1_000
LOGNORMAL = {"kind": "lognormal", "mean": 1, "cv": 1.5}
FIXED = {"kind": "fixed", "hours": 1}
THEORY = {
    "M/M/1, load 0.8": (single_queue(rate=0.8, servers=1, service=exponential(1)), waiting, 4.0),
    "M/M/5, load 0.9": (single_queue(rate=4.5, servers=5, service=exponential(1)), waiting, 1.5250),
    "M/LN(cv 1.5)/1, load 0.7": (single_queue(rate=0.7, servers=1, service=LOGNORMAL), waiting, 3.7917),
    "M/D/1, load 0.8": (single_queue(rate=0.8, servers=1, service=FIXED), waiting, 2.0),
    "rework 0.2, load 0.75": (single_queue(rate=0.6, servers=1, service=exponential(1), rework=0.2), sojourn, 5.0),
    "Jackson network": (jackson(), sojourn, 6.4583),
    "M/M/1 in office hours, load 0.8": (in_office_hours(servers=1), sojourn, 18.667),
    "M/M/3 in office hours, load 0.8": (in_office_hours(servers=3), sojourn, 7.7603),
}
# Of all comparisons together (Bonferroni).
CONFIDENCE = 1 - 0.001 / len(THEORY)


@pytest.mark.parametrize("name", THEORY)
def test_agrees_with_queueing_theory(name: str) -> None:
    """Theory lies in the t interval over 50 seeds (99.9 % for all together), without the first 1,000 of 4,000 cases."""
    model, measure, expected = THEORY[name]
    means = np.array([measure(simulate(model, seed=seed, cases=CASES))[WARM_UP:].mean() for seed in range(SEEDS)])
    half = stats.t.ppf((1 + CONFIDENCE) / 2, SEEDS - 1) * means.std(ddof=1) / np.sqrt(SEEDS)
    assert abs(means.mean() - expected) < half
    assert half < 0.35 * expected, "the interval is too wide to prove anything"


@pytest.mark.parametrize("servers", [1, 2, 5])
def test_waits_are_exactly_those_of_the_recursion(servers: int) -> None:
    """Kiefer and Wolfowitz (1955): the next in line is served by whoever is free first; here on the engine's draws."""
    model = single_queue(rate=0.9 * servers, servers=servers, service=exponential(1))
    log = simulate(model, seed=5, cases=3_000)
    arrivals = arrival_times(model, Streams(5), cases=3_000)
    service = durations(model, "Serve", 1, 3_000, seed=5)
    free = [0] * servers
    for case in range(3_000):
        start = max(int(arrivals[case]), heappop(free))
        assert log.start[case] == start
        heappush(free, start + int(service[case]))
        assert log.end[case] == start + service[case]


def durations(model: SimulationModel, activity: str, number: int, cases: int, *, seed: int = 7) -> np.ndarray:
    """The durations (µs) that the engine draws for a round of an activity."""
    spread = model.activities[activity].duration[min(number, len(model.activities[activity].duration)) - 1]
    u = Streams(seed).uniform("duration", activity, number, size=cases)
    return np.rint(spread.ppf(u) * HOUR).astype(np.int64)


# -- a naive engine ----------------------------------------------------------------------------------------------------

HOURS = {
    "always": {"weekly": ALWAYS},
    "office": {"weekly": OFFICE},
    "early": {"weekly": {"Mon-Fri": "06:00-12:00"}},
    "night": {"weekly": {"Mon-Sat": "00:00-03:00, 21:00-24:00"}},
    "meeting": {"weekly": {"Tue": "10:00-13:00"}},
}


def naive(model: SimulationModel, arrivals: list[int], service: list[int]) -> list[tuple[int, int, int]]:
    """(start, end, person) of each case: look at every arrival, completion and opening, and let who can work work.

    One activity, first come first served; among those who could begin, the one who has been idle longest does.
    """
    clocks = [model.calendar(person.calendar, person.absences) for person in model.people]
    idle, queue = list(range(len(clocks))), []
    moments: list[tuple[int, int, int]] = [(moment, 1, case) for case, moment in enumerate(arrivals)]
    heapify(moments)
    out: dict[int, tuple[int, int, int]] = {}
    while moments:
        now, kind, number = heappop(moments)
        if kind == 0:
            idle.append(number)
        elif kind == 1:
            queue.append(number)
        able = [person for person in idle if clocks[person].is_open(now)]
        while queue and able:
            case, person = queue.pop(0), able.pop(0)
            idle.remove(person)
            end = int(clocks[person].add(now, service[case]))
            out[case] = (now, end, person)
            heappush(moments, (end, 0, person))
        if queue and idle:
            heappush(moments, (min(int(clocks[person].next_open(now + 1)) for person in idle), 2, -1))
    return [out[case] for case in range(len(arrivals))]


people = st.lists(
    st.tuples(st.sampled_from(sorted(HOURS)), st.lists(st.tuples(st.integers(0, 60), st.integers(0, 90)), max_size=1)),
    min_size=1,
    max_size=4,
)


@settings(max_examples=120)
@given(people, st.sampled_from([0.1, 0.5, 1.5]), st.integers(0, 1000))
def test_a_pool_with_different_hours_works_as_a_naive_engine(found: Any, rate: float, seed: int) -> None:
    values = single_queue(rate=rate, servers=1, service=exponential(1.5)).to_dict()
    values["calendars"] |= HOURS
    values["people"] = [
        {
            "name": f"P{n}",
            "roles": ["Server"],
            "calendar": calendar,
            "absences": [[str(date.fromordinal(739_257 + a)), str(date.fromordinal(739_257 + a + b))] for a, b in gone],
        }
        for n, (calendar, gone) in enumerate(found)
    ]
    model = SimulationModel.from_dict(values)
    log = simulate(model, seed=seed, cases=40)
    arrivals = arrival_times(model, Streams(seed), cases=40).tolist()
    expected = naive(model, arrivals, durations(model, "Serve", 1, 40, seed=seed).tolist())
    assert list(zip(log.start.tolist(), log.end.tolist(), strict=True)) == [one[:2] for one in expected]


# -- what must always hold ---------------------------------------------------------------------------------------------


@st.composite
def models(draw: st.DrawFn) -> SimulationModel:
    """Small random models with rework, outside waits, delays, several roles, overlapping skills and odd hours."""
    activities = [f"A{n}" for n in range(draw(st.integers(1, 4)))]
    roles = ["R0", "R1", "R2"][: draw(st.integers(1, 3))]
    staff = [
        {
            "name": f"P{n}",
            "roles": sorted(draw(st.sets(st.sampled_from(roles), min_size=1))),
            "calendar": draw(st.sampled_from(sorted(HOURS))),
        }
        for n in range(draw(st.integers(1, 4)))
    ]
    staff += [{"name": f"S{role}", "roles": [role], "calendar": "office"} for role in roles]
    table = {}
    for number, name in enumerate(activities):
        back = draw(st.sampled_from([0.0, 0.3, 0.6]))
        target = draw(st.sampled_from(activities[: number + 1]))
        onward = activities[number + 1] if number + 1 < len(activities) else None
        routes = [{"to": onward, "probability": 1 - back}]
        if back:
            routes.append({"to": target, "probability": back, "rework": True})
        outside = draw(st.integers(0, 4)) == 0
        table[name] = {
            "role": None if outside else draw(st.sampled_from(roles)),
            "duration": [draw(st.sampled_from([exponential(2), {"kind": "fixed", "hours": 1}, exponential(0.5)]))],
            "delay": draw(st.sampled_from([None, None, exponential(3)])),
            "calendar": draw(st.sampled_from([None, "office"])),
            "same_person": draw(st.booleans()),
            "next": [routes],
        }
    return SimulationModel.from_dict(
        {
            "name": "random",
            "start": "2025-01-06",
            "office": "office",
            "calendars": HOURS,
            "people": staff,
            "activities": table,
            "begin": [{"to": activities[0], "probability": 1}],
            "arrivals": {"weekly": [[draw(st.sampled_from([0.1, 0.6]))] * 24] * 7},
            "queue": draw(st.sampled_from(["fifo", "deadline"])),
            "due": exponential(20),
        }
    )


def offered(model: SimulationModel, log: EventLog, seed: int) -> np.ndarray:
    """When work joined its queue: when it was enabled, or after its delay."""
    out = log.enabled.copy()
    for row in range(len(log)):
        name = log.activities[log.activity[row]]
        activity = model.activities[name]
        if activity.delay is not None and activity.role is not None:
            u = Streams(seed).uniform("delay", name, int(log.round[row]), size=log.n_cases)[log.case_of[row]]
            clock = model.calendar(activity.calendar) if activity.calendar else None
            wait = round(float(activity.delay.ppf(np.array([u]))[0]) * HOUR)
            out[row] += wait if clock is None else int(clock.add(out[row], wait)) - out[row]
    return out


@given(models(), st.integers(0, 100))
def test_no_one_works_off_duty_or_on_two_things_at_once(model: SimulationModel, seed: int) -> None:
    log = simulate(model, seed=seed, cases=25)
    for number, person in enumerate(model.people):
        calendar = model.calendar(person.calendar, person.absences)
        rows = np.flatnonzero(log.resource == number)
        rows = rows[np.lexsort((log.end[rows], log.start[rows]))]
        assert calendar.is_open(log.start[rows]).all()
        assert calendar.is_open(log.end[rows] - 1)[log.end[rows] > log.start[rows]].all()
        assert (log.start[rows][1:] >= log.end[rows][:-1]).all()
        for row in rows:
            name = log.activities[log.activity[row]]
            drawn = durations(model, name, int(log.round[row]), 25, seed=seed)[log.case_of[row]]
            assert calendar.working_time(log.start[row], log.end[row]) == drawn
            assert log.roles[log.role[row]] in person.roles


@given(models(), st.integers(0, 100))
def test_work_flows_along_the_routes_without_loss(model: SimulationModel, seed: int) -> None:
    arrivals = arrival_times(model, Streams(seed), cases=25)
    log = simulate(model, seed=seed, arrivals=arrivals)
    assert log.n_cases == 25
    assert log.completed.all()
    assert np.array_equal(log.enabled[log.offsets[:-1]], arrivals)
    inner = np.ones(len(log), dtype=bool)
    inner[log.offsets[:-1]] = False
    rows = np.flatnonzero(inner)
    assert np.array_equal(log.enabled[rows], log.end[rows - 1])
    names = [log.activities[code] for code in log.activity]
    for row in range(len(log)):
        last = row + 1 in log.offsets
        routes = model.activities[names[row]].next[0]
        assert (None if last else names[row + 1]) in [route.to for route in routes if route.probability > 0]
    assert (log.start >= log.enabled).all()
    assert (log.end >= log.start).all()


@given(models(), st.integers(0, 100))
def test_littles_law(model: SimulationModel, seed: int) -> None:
    """L = lambda W at every activity, with L integrated over the changes of the number that is there."""
    log = simulate(model, seed=seed, cases=25)
    for code in range(len(log.activities)):
        rows = log.activity == code
        changes = np.concatenate((log.enabled[rows], log.end[rows]))
        steps = np.repeat([1, -1], rows.sum())
        order = np.argsort(changes, kind="stable")
        there = np.cumsum(steps[order])[:-1]
        span = int(changes.max() - changes.min()) if rows.any() else 0
        if span:
            mean_number = float((there * np.diff(changes[order])).sum()) / span
            rate, mean_stay = rows.sum() / span, (log.end[rows] - log.enabled[rows]).mean()
            assert mean_number == pytest.approx(rate * mean_stay)


@given(models(), st.integers(0, 100))
def test_no_work_waits_while_someone_who_may_do_it_is_free_and_on_duty(model: SimulationModel, seed: int) -> None:
    log = simulate(model, seed=seed, cases=25)
    ready = offered(model, log, seed)
    free = [spans_of_leisure(model, log, number) for number in range(len(model.people))]
    for row in np.flatnonzero((log.role >= 0) & (log.start > ready)):
        activity = model.activities[log.activities[log.activity[row]]]
        bound = activity.same_person and log.round[row] > 1
        who = (
            [int(log.resource[row])]
            if bound
            else [n for n, person in enumerate(model.people) if activity.role in person.roles]
        )
        for number in who:
            begins, ends = free[number]
            after = bisect_right(ends, int(ready[row]))
            assert after == len(ends) or begins[after] >= log.start[row]


def spans_of_leisure(model: SimulationModel, log: EventLog, number: int) -> tuple[list[int], list[int]]:
    """The spans in which a person is on duty and has nothing in hand."""
    person = model.people[number]
    line = model.calendar(person.calendar, person.absences).timeline(int(log.enabled.min()), int(log.end.max()))
    rows = log.resource == number
    begins, ends = [], []
    work = sorted(zip(log.start[rows].tolist(), log.end[rows].tolist(), strict=True))
    for opening, closing in zip(line.starts.tolist(), line.ends.tolist(), strict=True):
        at = opening
        for start, end in work:
            if end <= opening or start >= closing:
                continue
            if start > at:
                begins.append(at)
                ends.append(start)
            at = max(at, end)
        if at < closing:
            begins.append(at)
            ends.append(closing)
    return begins, ends


@given(models(), st.integers(0, 100))
def test_the_same_seed_gives_the_same_log(model: SimulationModel, seed: int) -> None:
    one, two = (simulate(model, seed=seed, replication=3, cases=20) for _ in range(2))
    assert one.content_hash == two.content_hash
    assert simulate(model, seed=seed + 1, replication=3, cases=20).content_hash != one.content_hash
    assert simulate(model, seed=seed, replication=4, cases=20).content_hash != one.content_hash


@given(models(), st.integers(0, 100))
def test_each_queue_is_taken_in_its_order(model: SimulationModel, seed: int) -> None:
    """Whoever begins takes the first of the work that waits for them: by enabling, or by deadline."""
    log = simulate(model, seed=seed, cases=25)
    ready = offered(model, log, seed)
    key = log.enabled
    if model.queue == "deadline":
        u = Streams(seed).uniform("due", size=log.n_cases)
        hours = np.rint(model.due.ppf(u) * HOUR).astype(np.int64)
        due = model.calendar(model.office).add(log.enabled[log.offsets[:-1]], hours)
        key = due[log.case_of]
    bound = np.array([model.activities[log.activities[code]].same_person for code in log.activity]) & (log.round > 1)
    for row in np.flatnonzero(log.role >= 0):
        mine = {log.roles.index(role) for role in model.people[log.resource[row]].roles}
        rivals = (ready < log.start[row]) & (log.start > log.start[row])
        rivals &= np.where(bound, log.resource == log.resource[row], np.isin(log.role, list(mine)))
        assert (key[rivals] >= key[row]).all()


# -- directions --------------------------------------------------------------------------------------------------------


@settings(max_examples=20)
@given(st.integers(1, 4), st.integers(0, 1000), st.sampled_from([exponential(1), FIXED, LOGNORMAL]))
def test_one_more_person_never_lengthens_a_wait_on_the_same_draws(servers: int, seed: int, service: Model) -> None:
    few, more = (
        simulate(single_queue(rate=0.95 * servers, servers=count, service=service), seed=seed, cases=400)
        for count in (servers, servers + 1)
    )
    assert np.array_equal(few.enabled, more.enabled)
    assert (more.start <= few.start).all()


@settings(max_examples=20)
@given(st.floats(0, 0.4), st.floats(0, 0.5), st.integers(0, 1000))
def test_more_rework_is_never_less_work_for_any_case_on_the_same_draws(low: float, extra: float, seed: int) -> None:
    less, more = (
        simulate(single_queue(rate=0.3, servers=1, service=exponential(1), rework=p), seed=seed, cases=200)
        for p in (low, low + extra)
    )
    assert (np.diff(more.offsets) >= np.diff(less.offsets)).all()


def test_more_load_waits_longer() -> None:
    means = [
        np.mean([waiting(simulate(single_queue(rate=r, servers=1, service=exponential(1)), seed=s, cases=2_000)).mean()
                 for s in range(4)])
        for r in (0.3, 0.6, 0.9)
    ]  # fmt: skip
    assert means[0] < means[1] < means[2]


# -- features ----------------------------------------------------------------------------------------------------------


def writers(log: EventLog) -> np.ndarray:
    """The number of people who worked on the text of each case."""
    rows = log.activity == log.activities.index("Text")
    pairs = {(case, who) for case, who in zip(log.case_of[rows], log.resource[rows], strict=True)}
    return np.bincount([case for case, _ in pairs])


def test_same_person_does_all_rounds(values: Model) -> None:
    log = simulate(SimulationModel.from_dict(values), cases=200)
    assert writers(log).max() == 1
    assert (log.round > 1).sum() > 80
    values["activities"]["Text"]["same_person"] = False
    assert writers(simulate(SimulationModel.from_dict(values), cases=200)).max() == 2


def test_overlapping_skills_are_used(article: SimulationModel) -> None:
    log = simulate(article, cases=300)
    done = {(log.resources[who], log.roles[role]) for who, role in zip(log.resource, log.role, strict=True) if who >= 0}
    assert ("Cat", "Writer") in done
    assert ("Cat", "Designer") in done
    assert ("Bob", "Designer") not in done


def test_durations_by_round(values: Model) -> None:
    values["activities"]["Text"]["duration"] = [{"kind": "fixed", "hours": hours} for hours in (4, 2, 1)]
    model = SimulationModel.from_dict(values)
    log = simulate(model, cases=300)
    rows = log.activity == log.activities.index("Text")
    spent = model.calendar("office").working_time(log.start[rows], log.end[rows]) / HOUR
    assert np.array_equal(spent, np.array([4, 2, 1])[np.minimum(log.round[rows], 3) - 1])
    assert log.round[rows].max() > 3


def test_outside_waits_hold_no_one_and_keep_their_own_clock(values: Model) -> None:
    values["activities"]["Publication"] |= {"duration": [{"kind": "fixed", "hours": 16}], "calendar": "office"}
    model = SimulationModel.from_dict(values)
    log = simulate(model, cases=100)
    rows = log.activity == log.activities.index("Publication")
    assert (log.resource[rows] == -1).all()
    assert np.array_equal(log.start[rows], log.enabled[rows])
    assert (model.calendar("office").working_time(log.start[rows], log.end[rows]) == 16 * HOUR).all()


def test_cancelled_cases_are_told_apart(article: SimulationModel) -> None:
    log = simulate(article, cases=400)
    cancelled = (log.case_attributes["outcome"] == "cancelled").to_numpy()
    assert 0.02 < cancelled.mean() < 0.10
    assert (np.diff(log.offsets)[cancelled] == 1).all()
    assert log.completed.all()


def test_the_longest_context_that_fits_decides(values: Model) -> None:
    values["activities"]["Approval"]["contexts"] = [
        {"before": ["Text"], "round": 1, "next": [{"to": "Design", "probability": 1}]},
        {"before": ["Brief", "Text"], "round": 1, "next": [{"to": "Text", "probability": 1, "rework": True}]},
        {"before": ["Text"], "round": 2, "next": [{"to": "Design", "probability": 1}]},
    ]
    log = simulate(SimulationModel.from_dict(values), cases=100)
    names = [log.activities[code] for code in log.activity]
    traces = {tuple(names[a:b]) for a, b in zip(log.offsets, log.offsets[1:], strict=False)}
    assert traces == {
        ("Brief",),
        ("Brief", "Text", "Approval", "Text", "Approval", "Design", "Publication"),
    }


def test_a_weekly_meeting_decides_at_its_hours_only(article: SimulationModel) -> None:
    log = simulate(article, cases=200)
    rows = log.activity == log.activities.index("Approval")
    begun = [from_us(int(one), "Europe/Moscow") for one in log.start[rows]]
    assert {one.strftime("%a") for one in begun} == {"Tue", "Thu"}
    assert all(10 <= one.hour < 17 for one in begun)


def test_a_long_absence_is_waited_for(article: SimulationModel) -> None:
    log = simulate(article, cases=200)
    rows = log.activity == log.activities.index("Approval")
    first, last = midnight(date(2025, 3, 3), "Europe/Moscow"), midnight(date(2025, 3, 15), "Europe/Moscow")
    assert not ((log.start[rows] >= first) & (log.start[rows] < last)).any()
    asked = rows & (log.enabled > first) & (log.enabled < last - DAY)
    assert asked.sum() > 3
    # The approver is back on Monday, 17 March; the next meeting is on Tuesday.
    assert (log.start[asked] >= midnight(date(2025, 3, 18), "Europe/Moscow")).all()


def night_shift(count: int, *, hours: float = 1.0) -> EventLog:
    """Work that comes at 22:00 on a Monday to an early bird (from 06:00) and the office (from 09:00)."""
    values = single_queue(rate=1, servers=1, service={"kind": "fixed", "hours": hours}).to_dict()
    values["calendars"] |= HOURS
    values["people"] = [
        {"name": "late", "roles": ["Server"], "calendar": "office"},
        {"name": "early", "roles": ["Server"], "calendar": "early"},
    ]
    night = midnight(date(2025, 1, 6), "UTC") + 22 * HOUR
    return simulate(SimulationModel.from_dict(values), arrivals=night + np.arange(count) * 60_000_000)


@pytest.mark.parametrize(
    ("count", "hours", "expected"),
    [
        (1, 1.0, [(6, "early")]),
        (2, 1.0, [(6, "early"), (7, "early")]),
        (2, 4.0, [(6, "early"), (9, "late")]),
        (5, 1.0, [(6, "early"), (7, "early"), (8, "early"), (9, "early"), (9, "late")]),
    ],
)
def test_work_offered_at_night_is_taken_by_who_comes_first(count: int, hours: float, expected: list[Any]) -> None:
    log = night_shift(count, hours=hours)
    found = [(from_us(int(s)).hour, log.resources[who]) for s, who in zip(log.start, log.resource, strict=True)]
    assert sorted(found) == sorted(expected)


def test_who_was_woken_for_one_thing_and_takes_another_is_replaced() -> None:
    """X comes at night: the early bird will come for it, but then begins Y, which is older; the office has to do X."""
    values = single_queue(rate=1, servers=1, service={"kind": "fixed", "hours": 6}).to_dict()
    values["calendars"] |= HOURS
    values["people"] = [
        {"name": "early", "roles": ["X", "Y"], "calendar": "early"},
        {"name": "late", "roles": ["X"], "calendar": "office"},
    ]
    six = [{"kind": "fixed", "hours": 6}]
    end = [[{"to": None, "probability": 1}]]
    values["activities"] = {
        "X": {"role": "X", "duration": six, "next": end},
        "Y": {"role": "Y", "duration": six, "next": end, "delay": {"kind": "fixed", "hours": 2}},
    }
    values["begin"] = [{"to": "X", "probability": 0.5}, {"to": "Y", "probability": 0.5}]
    model = SimulationModel.from_dict(values)
    evening = midnight(date(2025, 1, 6), "UTC") + np.array([19, 20]) * HOUR
    runs = (simulate(model, seed=seed, arrivals=evening) for seed in range(100))
    log = next(one for one in runs if [one.activities[code] for code in one.activity] == ["Y", "X"])
    found = [(from_us(int(s)).hour, log.resources[who]) for s, who in zip(log.start, log.resource, strict=True)]
    assert found == [(6, "early"), (9, "late")]


def test_an_overloaded_role_ends_all_the_same() -> None:
    log = simulate(single_queue(rate=3, servers=1, service=exponential(1)), cases=5_000)
    assert log.completed.all()
    assert waiting(log)[-500:].mean() > 1_000


def test_it_is_a_log_like_any_other(article: SimulationModel) -> None:
    log = simulate(article, weeks=10)
    assert log.timestamps == "interval"
    assert log.calendar == article.calendar("office")
    assert log.history[0].action == "simulate"
    again = EventLog.from_pandas(log.to_pandas(), start="start", enabled="enabled", resource="resource", role="role")
    assert np.array_equal(again.start, log.start)
    first, last = log.observed
    seen = simulate(article, weeks=10, observe=(first, first + 28 * DAY))
    assert seen.observed == (first, first + 28 * DAY)
    assert not seen.completed.all()
    assert last > first


def test_more_cases_do_not_change_the_first_ones(queue: Callable[..., SimulationModel]) -> None:
    model = queue(rate=0.8, servers=1, service=exponential(1))
    short, long = simulate(model, cases=50), simulate(model, cases=80)
    assert np.array_equal(long.start[:50], short.start)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cases": 0}, "give at least 1 case"),
        ({"cases": 5, "weeks": 5}, "both cases and weeks are given"),
        ({"weeks": -1}, "weeks=-1"),
        ({"weeks": float("nan")}, "weeks=nan"),
        ({"seed": -1}, "seed -1 is not a non-negative integer"),
        ({"arrivals": np.array([], dtype=np.int64)}, "no case arrives"),
        ({"arrivals": np.array([HOUR, 0])}, "the arrival times are not sorted"),
        ({"cases": 5, "observe": (0, 1)}, "nothing happens in the window"),
        ({"arrivals": np.array([2**62])}, "2190|2200|after"),
    ],
)
def test_mistakes_are_explained(queue: Callable[..., SimulationModel], options: Model, message: str) -> None:
    with pytest.raises(DataError, match=message):
        simulate(queue(rate=0.8, servers=1, service=exponential(1)), **options)


def test_a_case_without_end_is_cut(queue: Callable[..., SimulationModel]) -> None:
    model = queue(rate=0.8, servers=1, service=FIXED, rework=0.9985)
    with pytest.raises(DataError, match='a case executes "Serve" more than 1,000 times; lower the probability'):
        simulate(model, cases=30)


def test_work_that_never_ends_is_cut(queue: Callable[..., SimulationModel]) -> None:
    values = queue(rate=0.8, servers=1, service={"kind": "fixed", "hours": 100_000}).to_dict()
    values["calendars"]["always"]["weekly"] = {"Tue": "10:00-10:30"}
    with pytest.raises(DataError, match="past the year 2190"):
        simulate(SimulationModel.from_dict(values), cases=2)

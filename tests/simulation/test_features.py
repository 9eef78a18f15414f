"""What a model can say: priorities, branches, batches, limits, patience, hands, costs; against theory and by rule."""

from __future__ import annotations

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
from mkmine.simulation.model.arrivals import arrival_times
from mkmine.simulation.model.sickness import with_sickness
from mkmine.streams import Streams

from .conftest import OFFICE, article_values, exponential, single_queue
from .strategies import everything, models

Values = dict[str, Any]
FIXED = {"kind": "fixed", "hours": 1}
END = [[{"to": None, "probability": 1}]]


def sojourn(log: EventLog) -> np.ndarray:
    heads = log.offsets[:-1]
    return (np.maximum.reduceat(log.end, heads) - np.minimum.reduceat(log.enabled, heads)) / HOUR


def waiting(log: EventLog) -> np.ndarray:
    return (log.start - log.enabled) / HOUR


# -- theory ------------------------------------------------------------------------------------------------------------


def two_classes(*, servers: int, load: float, high: float) -> SimulationModel:
    values = single_queue(rate=load * servers, servers=servers, service=exponential(1)).to_dict()
    values["case_types"] = {"high": {"share": high, "priority": 1}, "low": {"share": 1 - high, "priority": 2}}
    return SimulationModel.from_dict(values | {"queue": "priority"})


def of_class(name: str) -> Any:
    return lambda log: np.where(log.case_attributes["type"] == name, waiting(log), np.nan)


def fork_join(count: int) -> SimulationModel:
    """A case splits over so many M/M/1 queues with load 0.5 and goes when all have served it."""
    names = [f"S{n}" for n in range(count)]
    values = single_queue(rate=0.5, servers=1, service=exponential(1)).to_dict()
    values["activities"] = {n: {"role": n, "duration": [exponential(1)], "next": [[{"to": "J", "probability": 1}]]}
                            for n in names}  # fmt: skip
    values["people"] = [{"name": n, "roles": [n], "calendar": "always"} for n in names]
    values["gateways"] = {"F": {"kind": "and", "to": names}, "J": {"kind": "join", "to": None}}
    return SimulationModel.from_dict(values | {"begin": [{"to": "F", "probability": 1}]})


SEEDS, CASES, WARM_UP = 50, 6_000, 1_500
# Cobham (1954), and Kella and Yechiali (1985) for several servers; Nelson and Tantawi (1988) for two queues.
THEORY = {
    "Cobham, M/M/1, high": (two_classes(servers=1, load=0.8, high=0.3), of_class("high"), 1.0526),
    "Cobham, M/M/1, low": (two_classes(servers=1, load=0.8, high=0.3), of_class("low"), 5.2632),
    "Cobham, M/M/3, high": (two_classes(servers=3, load=0.8, high=0.25), of_class("high"), 0.2697),
    "Cobham, M/M/3, low": (two_classes(servers=3, load=0.8, high=0.25), of_class("low"), 1.3483),
    "fork-join of two": (fork_join(2), sojourn, 2.8750),
}


@pytest.mark.parametrize("name", THEORY)
def test_agrees_with_queueing_theory(name: str) -> None:
    """Theory lies in the t interval over 50 seeds (99.9 % for all together), without the first cases."""
    model, measure, expected = THEORY[name]
    means = np.array(
        [
            np.nanmean(measure(simulate(model, seed=seed, cases=CASES, engine="kernel"))[WARM_UP:])
            for seed in range(SEEDS)
        ]
    )
    confidence = 1 - 0.001 / len(THEORY)
    half = stats.t.ppf((1 + confidence) / 2, SEEDS - 1) * means.std(ddof=1) / np.sqrt(SEEDS)
    assert abs(means.mean() - expected) < half
    assert half < 0.35 * expected, "the interval is too wide to prove anything"


@pytest.mark.parametrize("count", [3, 5, 8])
def test_larger_fork_joins_lie_within_their_bounds(count: int) -> None:
    """At least the longest of independent services, at most the longest of independent sojourns (Nelson, Tantawi)."""
    means = [
        sojourn(simulate(fork_join(count), seed=s, cases=4_000, engine="kernel"))[1_000:].mean() for s in range(20)
    ]
    harmonic = sum(1 / k for k in range(1, count + 1))
    assert harmonic * 1 < np.mean(means) < harmonic * 2
    # Their approximation is within 5 per cent.
    known = (harmonic / 1.5 + 4 * 0.5 / 11 * (1 - harmonic / 1.5)) * (12 - 0.5) / 8 * 2
    assert np.mean(means) == pytest.approx(known, rel=0.08)


# -- what must always hold ---------------------------------------------------------------------------------------------


def check(model: SimulationModel, log: EventLog) -> None:
    """Nobody works off duty or above capacity, nothing begins before it can, every case ends, all is in order."""
    assert log.completed.all()
    assert (log.start >= log.enabled).all()
    assert (log.end >= log.start).all()
    order = np.lexsort((log.end, log.start, log.case_of))
    assert np.array_equal(order, np.arange(len(log)))
    finish = np.array([model.activities[name].at_closing == "finish" for name in log.activities])[log.activity]
    together = np.array([bool((batch := model.activities[name].batch) and batch.together) for name in log.activities])[
        log.activity
    ]
    for number, person in enumerate(model.people):
        calendar = model.calendar(person.calendar, person.absences)
        rows = log.resource == number
        assert calendar.is_open(log.start[rows]).all()
        assert (np.diff(log.offsets) > 0).all()
        kept = rows & ~finish & (log.end > log.start)
        assert calendar.is_open(log.end[kept] - 1).all()
        # A batch is one piece of work: its rows count once.
        work = set(
            zip(log.start[rows & together], log.end[rows & together], log.activity[rows & together], strict=True)
        )
        starts = np.concatenate((log.start[rows & ~together], [one[0] for one in work])).astype(np.int64)
        ends = np.concatenate((log.end[rows & ~together], [one[1] for one in work])).astype(np.int64)
        assert most_at_once(starts, ends) <= person.capacity
        assert all(log.roles[role] in person.roles for role in np.unique(log.role[rows]))


def most_at_once(start: np.ndarray, end: np.ndarray) -> int:
    """How many of some spans overlap at most; empty ones do not count."""
    start, end = start[end > start], end[end > start]
    moments = np.concatenate((end, start))
    steps = np.repeat([-1, 1], len(start))
    return int(np.cumsum(steps[np.lexsort((steps, moments))]).max()) if len(start) else 0


def check_limits(model: SimulationModel, log: EventLog) -> None:
    """Limits, sizes of batches and costs are kept."""
    for code, name in enumerate(log.activities):
        activity, rows = model.activities[name], log.activity == code
        assert most_at_once(log.start[rows], log.end[rows]) <= (activity.wip_limit or len(log))
        if activity.batch and activity.batch.together and activity.batch.size:
            single = rows & np.isin(log.resource, [k for k, one in enumerate(model.people) if one.capacity == 1])
            pieces = np.column_stack((log.resource, log.start, log.end))[single & (log.end > log.start)]
            if len(pieces):
                assert np.unique(pieces, axis=0, return_counts=True)[1].max() <= activity.batch.size
    heads = log.offsets[:-1]
    first, last = np.minimum.reduceat(log.start, heads), np.maximum.reduceat(log.end, heads)
    assert most_at_once(first, last) <= (model.wip_limit or log.n_cases)
    if "cost" in log.attributes:
        costs = np.bincount(log.case_of, weights=np.asarray(log.attributes["cost"])) + model.cost
        if model.case_types:
            costs += [model.case_types[kind].cost for kind in log.case_attributes["type"]]
        assert log.case_attributes["cost"].tolist() == pytest.approx(costs.tolist())


def check_four_eyes(model: SimulationModel, log: EventLog) -> None:
    """Nobody does what must be done by another person than the last one who did some other thing in the case."""
    for code, name in enumerate(log.activities):
        other = model.activities[name].other_person_than
        if other is None:
            continue
        for row in np.flatnonzero((log.activity == code) & (log.resource >= 0)):
            case = slice(log.offsets[log.case_of[row]], log.offsets[log.case_of[row] + 1])
            theirs = (log.activity[case] == log.activities.index(other)) & (log.resource[case] >= 0)
            before, who = log.start[case][theirs], log.resource[case][theirs]
            # Of what began at one moment, the log does not say which was last.
            if (before < log.start[row]).any() and not (before == log.start[row]).any():
                newest = before[before < log.start[row]].max()
                assert set(who[before == newest]) != {log.resource[row]}


@settings(max_examples=40)
@given(everything(), st.integers(0, 100))
def test_rules_hold_with_everything_together_and_in_both_engines(model: SimulationModel, seed: int) -> None:
    log = simulate(model, seed=seed, cases=25, engine="simpy")
    assert log.content_hash == simulate(model, seed=seed, cases=25, engine="kernel").content_hash
    streams = Streams(seed)
    ill = with_sickness(model, streams, int(arrival_times(model, streams, cases=25)[-1]))
    check(ill, log)
    check_limits(model, log)
    check_four_eyes(model, log)


@settings(max_examples=60)
@given(models(), st.integers(0, 100))
def test_rules_hold_in_every_log(model: SimulationModel, seed: int) -> None:
    check(model, simulate(model, seed=seed, cases=25))


@settings(max_examples=100)
@given(models(limits=True), st.integers(0, 100))
def test_rules_hold_with_limits_batches_and_patience(model: SimulationModel, seed: int) -> None:
    log = simulate(model, seed=seed, cases=25)
    check(model, log)
    assert log.n_cases == 25
    assert simulate(model, seed=seed, cases=25).content_hash == log.content_hash
    if model.wip_limit:
        moments = np.concatenate(
            (np.minimum.reduceat(log.start, log.offsets[:-1]), np.maximum.reduceat(log.end, log.offsets[:-1]))
        )
        steps = np.repeat([1, -1], log.n_cases)
        assert np.cumsum(steps[np.lexsort((steps, moments))]).max() <= model.wip_limit


# -- branches ----------------------------------------------------------------------------------------------------------


def branching(kind: str = "or", **gateway: Any) -> Values:
    """A, then B and C side by side (or one of them), then D."""
    values = single_queue(rate=0.2, servers=3, service=exponential(1)).to_dict()
    ways = {"or": {"ways": [{"to": "B", "probability": 0.4}, {"to": "C", "probability": 0.5}]},
            "and": {"to": ["B", "C"]}}[kind]  # fmt: skip
    step = {"role": "Server", "duration": [exponential(1)]}
    values["activities"] = {
        "A": step | {"next": [[{"to": "Split", "probability": 1}]]},
        "B": step | {"next": [[{"to": "Join", "probability": 1}]]},
        "C": step | {"next": [[{"to": "Join", "probability": 1}]]},
        "D": step | {"next": END},
    }
    values["gateways"] = {"Split": {"kind": kind} | ways, "Join": {"kind": "join", "of": "Split", "to": "D"} | gateway}
    return values | {"begin": [{"to": "A", "probability": 1}]}


def test_an_inclusive_gateway_takes_each_way_with_its_probability() -> None:
    log = simulate(SimulationModel.from_dict(branching()), cases=3_000)
    names = [log.activities[code] for code in log.activity]
    sets = ["".join(sorted(names[a:b])) for a, b in zip(log.offsets, log.offsets[1:], strict=False)]
    shares = {one: sets.count(one) / len(sets) for one in set(sets)}
    # Where neither is drawn, the more probable one is taken.
    assert set(shares) == {"ABD", "ACD", "ABCD"}
    assert shares["ABCD"] == pytest.approx(0.2, abs=0.03)
    assert shares["ABD"] == pytest.approx(0.2, abs=0.03)
    assert shares["ACD"] == pytest.approx(0.6, abs=0.03)


def test_a_join_waits_for_the_last_branch() -> None:
    log = simulate(SimulationModel.from_dict(branching("and")), cases=500)
    rows = {name: np.flatnonzero(log.activity == number) for number, name in enumerate(log.activities)}
    assert np.array_equal(log.enabled[rows["D"]], np.maximum(log.end[rows["B"]], log.end[rows["C"]]))


def test_terminate_stops_the_other_branches() -> None:
    values = branching("and")
    values["activities"]["B"] |= {
        "duration": [{"kind": "fixed", "hours": 0.1}],
        "next": [[{"to": None, "probability": 0.5, "outcome": "cancelled", "terminate": True},
                  {"to": "Join", "probability": 0.5}]],
    }  # fmt: skip
    values["activities"]["C"]["delay"] = {"kind": "fixed", "hours": 50}
    values["gateways"]["Join"].pop("of")
    log = simulate(SimulationModel.from_dict(values), cases=400)
    cancelled = (log.case_attributes["outcome"] == "cancelled").to_numpy()
    assert cancelled.mean() == pytest.approx(0.5, abs=0.08)
    done = np.bincount(log.case_of)
    assert set(done[cancelled]) == {2}
    assert set(done[~cancelled]) == {4}


BROKEN = {
    "a join for alternatives": (
        lambda v: (
            v["activities"]["A"].update(next=[[{"to": "B", "probability": 0.5}, {"to": "C", "probability": 0.5}]])
            or v["gateways"]["Join"].pop("of")
        ),
        "Join: a case can get stuck here",
    ),
    "a branch that ends too early": (
        lambda v: v["activities"]["B"].update(next=END),
        "Join: a case can get stuck here",
    ),
    "branches without end": (
        lambda v: v["activities"]["B"].update(
            next=[[{"to": "A", "probability": 0.5}, {"to": None, "probability": 0.5}]]
        ),
        "multiply without end|can get stuck",
    ),
    "an unknown split": (lambda v: v["gateways"]["Join"].update(of="Splitt"), 'did you mean "Split"'),
    "an unknown way": (lambda v: v["gateways"]["Split"].update(to=["B", "CC"]), 'unknown name "CC"'),
    "a gateway called as an activity": (
        lambda v: v["gateways"].update(A={"kind": "merge", "to": "B"}),
        "the same name",
    ),
    "contexts with branches": (
        lambda v: v["activities"]["D"].update(contexts=[{"before": ["C"], "next": END[0]}]),
        "contexts need one branch at a time",
    ),
    "a gateway that leads nowhere": (
        lambda v: v["gateways"].update(X={"kind": "xor"}),
        "says where it leads in `next`",
    ),
    "a loop of gateways": (
        lambda v: v["gateways"].update(X={"kind": "merge", "to": "Y"}, Y={"kind": "and", "to": ["X", "D"]}),
        "X: gateways lead round to themselves without an activity or a choice",
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_models_that_cannot_end_are_refused(what: str) -> None:
    spoil, message = BROKEN[what]
    values = branching("and")
    spoil(values)
    with pytest.raises(DataError, match=message):
        SimulationModel.from_dict(values)


# -- queues ------------------------------------------------------------------------------------------------------------


def test_last_come_first_served_and_ageing() -> None:
    values = single_queue(rate=0.9, servers=1, service=FIXED).to_dict()
    lifo = simulate(SimulationModel.from_dict(values | {"queue": "lifo"}), cases=2_000)
    fifo = simulate(SimulationModel.from_dict(values), cases=2_000)
    assert np.sort(lifo.start).tolist() == np.sort(fifo.start).tolist()
    assert waiting(lifo).mean() == pytest.approx(waiting(fifo).mean(), rel=0.01)
    assert waiting(lifo).std() > 1.5 * waiting(fifo).std()
    classes = two_classes(servers=1, load=0.8, high=0.3).to_dict()
    gaps = []
    for order, ageing in (("priority", None), ("ageing", 8), ("ageing", 0.1)):
        log = simulate(SimulationModel.from_dict(classes | {"queue": order, "ageing": ageing}), cases=4_000)
        high = (log.case_attributes["type"] == "high").to_numpy()
        gaps.append(waiting(log)[~high].mean() - waiting(log)[high].mean())
    assert gaps[0] > gaps[1] > gaps[2] > -0.2


def test_capacity_is_as_many_people() -> None:
    values = single_queue(rate=2.5, servers=1, service=exponential(1)).to_dict()
    values["people"][0]["capacity"] = 3
    one = simulate(SimulationModel.from_dict(values), cases=1_000)
    three = simulate(single_queue(rate=2.5, servers=3, service=exponential(1)), cases=1_000)
    assert np.array_equal(one.start, three.start)
    assert set(one.resource) == {0}


def test_pace_and_availability_stretch_the_work() -> None:
    values = single_queue(rate=0.3, servers=1, service=FIXED).to_dict()
    values["people"][0]["availability"] = 0.5
    values["activities"]["Serve"]["people"] = {"P0": {"pace": 1.5}}
    log = simulate(SimulationModel.from_dict(values), cases=100)
    assert set(log.end - log.start) == {3 * HOUR}


def test_a_person_who_sends_back_more() -> None:
    values = article_values()
    values["people"].append({"name": "Eve", "roles": ["Approver"], "calendar": "approver"})
    values["activities"]["Approval"]["people"] = {"Eve": {"rework": 0}}
    log = simulate(SimulationModel.from_dict(values), cases=400)
    rows = np.flatnonzero((log.activity == log.activities.index("Approval")) & (log.resource == 4))
    assert len(rows) > 50
    assert {log.activities[log.activity[row + 1]] for row in rows} == {"Design"}


# -- batches, limits, patience -----------------------------------------------------------------------------------------


def with_activity(**changes: Any) -> SimulationModel:
    values = single_queue(rate=0.5, servers=1, service={"kind": "fixed", "hours": 0.5}).to_dict()
    values["calendars"] |= {"thursday": {"weekly": {"Thu": "14:00-16:00"}}, "office": {"weekly": OFFICE}}
    values["activities"]["Serve"] |= changes
    return SimulationModel.from_dict(values)


def test_a_batch_by_size_is_done_together() -> None:
    log = simulate(with_activity(batch={"size": 4, "together": True, "addition": 0.25}), cases=400)
    starts, counts = np.unique(log.start, return_counts=True)
    assert set(counts) == {4}
    assert set(log.end - log.start) == {round((0.5 + 0.25 * 1.5) * HOUR)}
    assert len(starts) == 100


def test_work_for_a_weekly_meeting_waits_for_it() -> None:
    log = simulate(with_activity(batch={"calendar": "thursday"}), cases=300)
    moments = [from_us(int(one)) for one in log.start - log.enabled + log.enabled]
    assert {one.strftime("%a") for one in moments} <= {"Thu", "Fri", "Sat"}
    assert min((one.weekday(), one.hour) for one in moments) == (3, 14)


def test_a_batch_is_handed_over_after_its_hours() -> None:
    log = simulate(with_activity(batch={"size": 50, "hours": 6}), cases=100)
    assert waiting(log).max() >= 6
    first = log.enabled.min()
    assert log.start.min() == first + 6 * HOUR


def test_a_batch_that_never_fills_is_explained() -> None:
    with pytest.raises(DataError, match="the batches of Serve are never full; give them hours"):
        simulate(with_activity(batch={"size": 7}), cases=30)


def test_conwip_keeps_cases_at_the_door() -> None:
    values = single_queue(rate=2, servers=2, service=exponential(1)).to_dict() | {"wip_limit": 1}
    log = simulate(SimulationModel.from_dict(values), cases=500)
    assert (log.start[1:] >= log.end[:-1]).all()
    assert waiting(log)[-100:].mean() > waiting(log)[:100].mean()


def tandem(limit: int | None) -> SimulationModel:
    values = single_queue(rate=0.9, servers=1, service=FIXED).to_dict()
    second = {"role": "B", "duration": [exponential(1)], "next": END}
    values["activities"]["Serve"] |= {"next": [[{"to": "B", "probability": 1}]], "wip_limit": limit}
    values["activities"]["B"] = second | {"wip_limit": limit}
    values["people"].append({"name": "B", "roles": ["B"], "calendar": "always"})
    return SimulationModel.from_dict(values)


def test_a_full_column_holds_the_one_before() -> None:
    free, tight = (simulate(tandem(limit), cases=2_000) for limit in (None, 1))
    rows = tight.activity == tight.activities.index("B")
    first = ~rows
    # With one place each, the next case is taken in only when the one before it has gone on.
    assert (tight.start[first][1:] >= tight.start[rows][:-1]).all()
    assert sojourn(tight).mean() > sojourn(free).mean()


def test_limits_that_block_each_other_are_explained() -> None:
    values = tandem(1).to_dict()
    values["activities"]["B"]["next"] = [
        [{"to": None, "probability": 0.5}, {"to": "Serve", "probability": 0.5, "rework": True}]
    ]
    with pytest.raises(DataError, match="199 cases never end; the WIP limits of B, Serve block each other"):
        simulate(SimulationModel.from_dict(values), cases=200)


def test_who_is_not_served_in_time_goes() -> None:
    """M/M/1 whose customers leave after an exponential patience: a birth-death process gives the share served."""
    values = single_queue(rate=1.5, servers=1, service=exponential(1)).to_dict()
    values["activities"]["Serve"]["patience"] = {"after": exponential(2)}
    logs = [simulate(SimulationModel.from_dict(values), seed=seed, cases=8_000) for seed in range(5)]
    served = 1 - np.mean([(log.case_attributes["outcome"] == "cancelled").mean() for log in logs])
    weights = np.cumprod([1.0, *(1.5 / (1 + 0.5 * (n - 1)) for n in range(1, 60))])
    busy = 1 - weights[0] / weights.sum()
    assert served == pytest.approx(busy / 1.5, abs=0.012)
    gone = logs[0].resource < 0
    assert np.array_equal(logs[0].start[gone], logs[0].end[gone])
    assert gone.sum() == (logs[0].case_attributes["outcome"] == "cancelled").sum()


# -- who does it -------------------------------------------------------------------------------------------------------


def reviewed(**changes: Any) -> EventLog:
    values = single_queue(rate=0.6, servers=3, service=exponential(1)).to_dict()
    values["activities"]["Serve"]["next"] = [[{"to": "Review", "probability": 1}]]
    values["activities"]["Review"] = {"role": "Server", "duration": [exponential(0.5)], "next": END} | changes
    return simulate(SimulationModel.from_dict(values), cases=600)


def test_four_eyes_and_the_same_hands() -> None:
    for changes, same in (({"other_person_than": "Serve"}, 0), ({"same_person_as": "Serve"}, 600)):
        log = reviewed(**changes)
        who = {name: log.resource[log.activity == code] for code, name in enumerate(log.activities)}
        assert (who["Serve"] == who["Review"]).sum() == same
    assert 0 < (reviewed().resource[::2] == reviewed().resource[1::2]).sum() < 600


def test_hands_that_nobody_has_are_refused() -> None:
    values = single_queue(rate=0.6, servers=1, service=exponential(1)).to_dict()
    values["activities"]["Serve"]["next"] = [[{"to": "Review", "probability": 1}]]
    review = {"role": "Server", "duration": [exponential(0.5)], "next": END}
    for key, message in (("other_person_than", "only P0 has the role"), ("same_person_as", None)):
        values["activities"]["Review"] = review | {key: "Serve"}
        if message:
            with pytest.raises(DataError, match=message):
                SimulationModel.from_dict(values)
        else:
            assert SimulationModel.from_dict(values)


def test_work_is_finished_in_overtime() -> None:
    values = single_queue(rate=0.15, servers=1, service={"kind": "fixed", "hours": 2.5}).to_dict()
    values["calendars"]["always"]["weekly"] = {"Mon-Fri": "09:00-18:00"}
    values["activities"]["Serve"]["at_closing"] = "finish"
    log = simulate(SimulationModel.from_dict(values), cases=200)
    assert set(log.end - log.start) == {2.5 * HOUR}
    assert max((one - 1) % DAY for one in log.end.tolist()) > 18.8 * HOUR


# -- cases and costs ---------------------------------------------------------------------------------------------------


def test_variants_by_attribute_and_type() -> None:
    values = single_queue(rate=0.1, servers=2, service=FIXED).to_dict()
    values["attributes"] = {"size": {"S": 0.7, "L": 0.3}}
    values["case_types"] = {"Blog": {"share": 0.5}, "News": {"share": 0.5}}
    values["activities"]["Serve"]["variants"] = [
        {"when": {"type": "News", "size": "L"}, "duration": [{"kind": "fixed", "hours": 5}]},
        {"when": {"size": "L"}, "factor": 2},
        {"when": {"type": "News"}, "next": [[{"to": None, "probability": 1, "outcome": "cancelled"}]]},
    ]
    log = simulate(SimulationModel.from_dict(values), cases=1_000)
    cases = log.case_attributes
    hours = (log.end - log.start) / HOUR
    large, news = (cases["size"] == "L").to_numpy(), (cases["type"] == "News").to_numpy()
    assert large.mean() == pytest.approx(0.3, abs=0.05)
    assert set(hours[large & news]) == {5}
    assert set(hours[large & ~news]) == {2}
    assert set(hours[~large]) == {1}
    # Each part has its own first variant: the hours of large news come from one, their routes from another.
    assert np.array_equal(cases["outcome"] == "cancelled", news)


def test_costs_are_those_of_hours_and_of_executions() -> None:
    values = single_queue(rate=0.1, servers=1, service={"kind": "fixed", "hours": 4}).to_dict()
    values["calendars"]["always"]["weekly"] = OFFICE
    values["people"][0] |= {"cost_per_hour": 10, "availability": 0.5}
    values["activities"]["Serve"] |= {"cost": 7, "cost_per_hour": 1}
    log = simulate(SimulationModel.from_dict(values | {"cost": 100}), cases=20)
    # Four hours of work at half of the time last eight, of which half is paid.
    assert set(np.asarray(log.attributes["cost"]).round(9)) == {7 + 4 * (10 + 1)}
    assert set(log.case_attributes["cost"].round(9)) == {151}
    assert "cost" not in simulate(single_queue(rate=0.1, servers=1, service=FIXED), cases=5).case_attributes


def test_deadlines_are_told() -> None:
    values = article_values() | {"due": {"kind": "fixed", "hours": 16}}
    log = simulate(SimulationModel.from_dict(values), cases=30)
    calendar = SimulationModel.from_dict(values).calendar("office")
    due = log.case_attributes["due"].astype("datetime64[us, UTC]").astype("int64").to_numpy()
    assert np.array_equal(calendar.working_time(log.enabled[log.offsets[:-1]], due), np.full(30, 16 * HOUR))


# -- events ------------------------------------------------------------------------------------------------------------


def test_whichever_happens_first_decides() -> None:
    values = single_queue(rate=0.1, servers=1, service=FIXED).to_dict()
    values["gateways"] = {
        "Answer": {
            "kind": "event",
            "events": [{"after": exponential(10), "to": "Serve"},
                       {"after": {"kind": "fixed", "hours": 10}, "to": None, "outcome": "cancelled"}],
        }
    }  # fmt: skip
    values["activities"]["Ask"] = {
        "role": "Server",
        "duration": [FIXED],
        "next": [[{"to": "Answer", "probability": 1}]],
    }
    log = simulate(SimulationModel.from_dict(values | {"begin": [{"to": "Ask", "probability": 1}]}), cases=2_000)
    cancelled = (log.case_attributes["outcome"] == "cancelled").to_numpy()
    assert cancelled.mean() == pytest.approx(np.exp(-1), abs=0.03)
    served = log.activity == log.activities.index("Serve")
    asked = np.flatnonzero(served) - 1
    assert (log.enabled[served] - log.end[asked] < 10 * HOUR).all()


# -- a process of one's own --------------------------------------------------------------------------------------------


def test_a_process_of_ones_own_joins_the_run() -> None:
    seen: list[tuple[int, int]] = []

    def watch(run: Any) -> Any:
        while True:
            seen.append((run.env.now, len(run.queues[0].heap)))
            yield run.env.timeout(DAY)

    model = single_queue(rate=3, servers=2, service=exponential(1))
    log = simulate(model, cases=2_000, processes=[watch])
    assert log.content_hash == simulate(model, cases=2_000).content_hash
    moments, lengths = np.array(seen).T
    there = [((log.enabled <= at) & (log.start > at)).sum() for at in moments]
    assert np.abs(lengths - there).max() <= 1
    assert lengths.max() > 100


def test_the_hours_of_a_batch_are_paid_once() -> None:
    """Four pieces of half an hour, a quarter of each further one added: 0.875 hours of one person for the four."""
    model = with_activity(batch={"size": 4, "together": True, "addition": 0.25}, cost=2, cost_per_hour=1)
    values = model.to_dict()
    values["people"][0]["cost_per_hour"] = 9
    log = simulate(SimulationModel.from_dict(values), cases=40)
    assert np.asarray(log.attributes["cost"]).tolist() == pytest.approx([2 + 0.875 * 10 / 4] * 40)
    assert log.case_attributes["cost"].sum() == pytest.approx(40 * 2 + 10 * 0.875 * 10)


@pytest.mark.parametrize(
    "asked",
    [
        {"same_person": True},
        {"other_person_than": "Other"},
        {"same_person_as": "Other"},
        {"patience": {"after": FIXED}},
    ],
)
def test_a_batch_done_together_heeds_no_wishes_of_its_cases(asked: dict[str, Any]) -> None:
    """It is one piece of work: whose text is checked by another person must not be in a batch of their own."""
    values = with_activity(batch={"size": 4, "together": True}).to_dict()
    values["activities"]["Other"] = values["activities"]["Serve"] | {"batch": None, "next": "Serve"}
    values["people"] += [values["people"][0] | {"name": "Q"}]
    values["activities"]["Serve"] |= asked
    values["begin"] = "Other"
    with pytest.raises(DataError, match=f"{next(iter(asked))}: a batch done together is one piece of work"):
        SimulationModel.from_dict(values)

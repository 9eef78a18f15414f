"""Levers: the rules of thumb against theory and simulation, one log for each kind, and their scenarios."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mkmine.calendars import HOUR, Calendar
from mkmine.eventlog import EventLog
from mkmine.performance import Lever, diagnose
from mkmine.performance.approximations import every_day, queue_factor
from mkmine.performance.waiting import is_planned
from mkmine.simulation import Scenario, SimulationModel, from_levers, simulate
from mkmine.sources import read

ALWAYS = Calendar.always()
OFFICE = Calendar.parse({"Mon-Fri": "09:00-18:00"})


def erlang_wait(servers: int, load: float) -> float:
    """Return the mean wait of M/M/c, in services (Erlang C)."""
    offered = servers * load
    last = offered**servers / math.factorial(servers) / (1 - load)
    waits = last / (sum(offered**k / math.factorial(k) for k in range(servers)) + last)
    return waits / (servers * (1 - load))


@pytest.mark.parametrize("servers", [1, 2, 5])
@pytest.mark.parametrize("load", [0.6, 0.8, 0.95])
def test_one_person_more_against_erlang(servers: int, load: float) -> None:
    exact = erlang_wait(servers + 1, load * servers / (servers + 1)) / erlang_wait(servers, load)
    assert queue_factor(servers, load, 1) == pytest.approx(exact, abs=0.08)


def model(writers: int) -> SimulationModel:
    """Return a model in which work queues for its writers, busy to 85 % if there are two."""
    return SimulationModel.from_dict(
        {
            "name": "queue",
            "start": "2025-01-06",
            "office": "office",
            "calendars": {"office": {"weekly": {"Mon-Fri": "09:00-18:00"}}},
            "people": [{"name": f"Writer {n}", "roles": ["Writer"], "calendar": "office"} for n in range(writers)],
            "begin": [{"to": "Write", "probability": 1}],
            "arrivals": {"weekly": [[2.0 * (9 <= hour < 18) for hour in range(24)]] * 5 + [[0.0] * 24] * 2},
            "activities": {
                "Write": {
                    "role": "Writer",
                    "duration": [{"kind": "exponential", "mean": 0.85}],
                    "next": [[{"to": None, "probability": 1}]],
                }
            },
        }
    )


def test_the_gain_of_one_person_more_against_simulation() -> None:
    two, three = (simulate(model(writers), seed=5, weeks=60) for writers in (2, 3))
    found = diagnose(two, calendar=OFFICE).levers
    staff = next(one for one in found if one.kind == "staff")

    def waited(log: EventLog) -> float:
        assert log.enabled is not None
        return float(OFFICE.working_time(log.enabled, log.start).mean() / HOUR)

    gained = waited(two) - waited(three)
    assert staff.gain_h == pytest.approx(gained, rel=0.25)
    assert staff.low_h < staff.gain_h < staff.high_h


def test_less_rework_saves_what_a_geometric_number_of_rounds_says(make_log: Callable[..., EventLog]) -> None:
    rows: list[tuple[object, ...]] = []
    for i in range(20):
        at = 20.0 * i
        for _ in range(2 if i % 2 else 1):
            rows += [(f"c{i}", "Write", at, at + 1, "x"), (f"c{i}", "Check", at + 1, at + 2, "y")]
            at += 2
        rows.append((f"c{i}", "Print", at, at + 1, "x"))
    lever = next(one for one in diagnose(make_log(rows), calendar=ALWAYS).levers if one.kind == "rework")
    # Of 30 checks 10 send back, each costs 2 hours; half of p = 1/3 leaves (1/6) / (5/6) for 1/2 returns a case.
    assert lever.gain_h == pytest.approx(10 * 2 * (1 - (1 / 5) / (1 / 2)) / 20)
    assert lever.examples


def test_an_approval_that_sends_nothing_back(make_log: Callable[..., EventLog]) -> None:
    rows: list[tuple[object, ...]] = []
    for i in range(20):
        at = 24.0 * i
        rows += [(f"c{i}", "Write", at, at + 1, "x"), (f"c{i}", "Final approval", at + 5, at + 6, "y")]
    lever = next(one for one in diagnose(make_log(rows), calendar=ALWAYS).levers if one.kind == "remove")
    assert (lever.name, lever.gain_h) == ("Final approval", pytest.approx(5))
    assert lever.changes == ({"do": "remove", "activity": "Final approval"},)


def test_smaller_batches(make_log: Callable[..., EventLog]) -> None:
    rows: list[tuple[object, ...]] = []
    for batch in range(8):
        begin = 24 * batch
        for place, ready in enumerate((1, 3, 5, 7)):
            case = f"{batch}.{place}"
            rows += [(case, "A", begin + ready - 1, begin + ready, "x"), (case, "Send", begin + 9, begin + 10, "y")]
    lever = next(one for one in diagnose(make_log(rows), calendar=ALWAYS).levers if one.kind == "batch")
    # The first of four waits for six hours; nothing waits for longer for a batch that is never full.
    assert lever.changes == ({"do": "batch", "activity": "Send", "size": 2, "hours": 6.0},)
    # 6, 4, 2 and 0 hours until the last of four is ready; of two instead of four the first waits for 1 instead of 3.
    assert lever.gain_h == pytest.approx(3 * (1 - 1 / 3))


def test_the_same_hours_every_day(make_log: Callable[..., EventLog]) -> None:
    rows: list[tuple[object, ...]] = []
    for i in range(400):
        week, place = divmod(i, 10)
        at = 168.0 * week + 24 * (place % 5) + 9.5 + 0.5 * (place // 5)
        meeting = 168.0 * (week + (place % 5 >= 3)) + 24 * 3 + 10 + 0.2 * place
        rows += [(f"c{i}", "Write", at, at + 0.3, "x"), (f"c{i}", "Decide", meeting, meeting + 0.2, "y")]
    found = diagnose(make_log(rows), calendar=OFFICE)
    lever = next(one for one in found.levers if one.kind == "hours")
    assert lever.value == 5
    change = dict(lever.changes[0])
    assert set(change["weekly"]) == {"Mon", "Tue", "Wed", "Thu", "Fri"}
    spread = every_day(Calendar.parse({"Thu": "10:00-12:30"}), OFFICE)
    assert spread is not None
    assert spread[0].hours_per_week == pytest.approx(2.5)
    # Spread evenly the next hour is on average a tenth as far: most of the wait goes.
    waited = found.causes.total.set_index("cause").at["unavailability", "hours"] / found.cases["completed"]
    assert 0.5 * waited < lever.gain_h < waited


def test_a_colleague_with_time_to_spare_learns_the_work(make_log: Callable[..., EventLog]) -> None:
    rows: list[tuple[object, ...]] = []
    for i in range(60):
        at = 10.0 * (i // 5)
        start = at + 2 * (i % 5)
        rows += [(f"c{i}", "Ask", at - 0.2, at, "z"), (f"c{i}", "Write", max(start, at), start + 2, "x")]
        rows.append((f"c{i}", "Print", start + 2, start + 2.4, "y"))
    found = diagnose(make_log(rows), calendar=ALWAYS)
    lever = next(one for one in found.levers if one.kind == "skill")
    assert lever.evidence["person"] == "y"
    assert lever.gain_h <= next(one for one in found.levers if one.kind == "staff").gain_h


def test_every_lever_of_the_sample_is_a_scenario(root: Path) -> None:
    log = read(root / "data" / "article" / "tracker.csv")
    found = diagnose(log)
    kinds = [one.kind for one in found.levers]
    assert {"staff", "rework", "wait", "hours"} <= set(kinds)
    gains = [one.gain_h for one in found.levers if one.kind != "wip_limit"]
    assert gains == sorted(gains, reverse=True)
    for one in found.levers:
        assert 0 <= one.low_h <= one.gain_h <= one.high_h
        assert one.method
        assert set(one.examples) <= set(log.case_ids)
        assert Scenario.from_dict(one.scenario()).changes == Scenario.of(one).changes
        assert Scenario.of(one, language="ru").name != one.scenario()["name"]
    again = next(one for one in found.levers if one.kind == "rework")
    # Returns make others wait for the same people, which the loops themselves do not hold.
    assert "without what others wait" in again.reason
    assert again.high_h - again.gain_h > 2 * (again.gain_h - again.low_h)


def test_levers_that_a_model_cannot_express_are_left_out() -> None:
    known = Lever(
        kind="staff", name="Writer", value=1.0, reason="", changes=({"do": "staff", "role": "Writer", "change": 1},)
    )
    strange = replace(known, kind="skill", changes=({"do": "skill", "person": "Nobody", "role": "Writer"},))
    assert [one.name for one in from_levers([known, strange], model=model(2))] == ["Writer +1"]


def test_a_lever_without_a_gain_converts(make_log: Callable[..., EventLog]) -> None:
    plain: dict[str, Any] = Lever(kind="wait", name="A", value=0.5, reason="because").to_dict()
    assert plain["gain_h"] is None
    assert plain["scenario"] == {"name": "wait: A", "changes": []}
    assert np.isnan(Lever(kind="wait", name="A", value=0.5, reason="because").gain_h)


@pytest.mark.parametrize(
    ("name", "planned"),
    [
        ("Hold for the planned day", True),
        ("Ожидание назначенного дня", True),
        ("Plan of campaigns", True),
        ("План рассылок", True),
        ("Legal check", False),
        ("Планирование", False),
        ("Ожидание ответа юристов", False),
    ],
)
def test_a_day_that_is_set_is_no_lost_time(name: str, planned: bool, make_log: Callable[..., EventLog]) -> None:
    rows: list[tuple[object, ...]] = []
    for i in range(20):
        at = 200.0 * i
        rows += [(f"c{i}", "Write", at, at + 1, "x"), (f"c{i}", name, at + 1, at + 90, None)]
        rows.append((f"c{i}", "Send", at + 90, at + 91, "x"))
    waits = [one.name for one in diagnose(make_log(rows), calendar=ALWAYS).levers if one.kind == "wait"]
    assert is_planned(name) == planned
    assert waits == ([] if planned else [name])

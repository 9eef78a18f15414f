from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mkmine.calendars import DAY, MINUTE
from mkmine.eventlog import EventLog
from mkmine.simulation import SimulationModel, simulate
from mkmine.simulation.engine.offers import offered_times
from mkmine.simulation.experiments.kpis import WEEK, case_spans, measure
from mkmine.simulation.experiments.workforce import Pressure, pressure, workforce
from mkmine.streams import Streams


def figures(log: EventLog, model: SimulationModel, window: tuple[int, int]) -> dict[str, float]:
    return workforce(log, model, window, offered_times(log, model, Streams(7)))


def strain(log: EventLog, model: SimulationModel, window: tuple[int, int]) -> Pressure:
    return pressure(log, model, window, offered_times(log, model, Streams(7)))


def window_of(log: EventLog, weeks: float = 10) -> tuple[int, int]:
    first = int(log.observed[0])
    return first, first + int(weeks * WEEK)


def test_utilisation_is_work_over_open_hours(article: SimulationModel) -> None:
    log = simulate(article, weeks=20)
    window = window_of(log)
    found = figures(log, article, window)
    roles = {key.partition(":")[2]: value for key, value in found.items() if key.startswith("utilisation:")}
    people = {key.partition(":")[2]: value for key, value in found.items() if key.startswith("person:")}
    assert tuple(roles) == article.roles
    assert tuple(people) == tuple(one.name for one in article.people)
    office = article.calendar("office")
    rows = np.flatnonzero(log.role == log.roles.index("Marketer"))
    spent = office.working_time(np.clip(log.start[rows], *window), np.clip(log.end[rows], *window)).sum()
    assert roles["Marketer"] == people["Ann"] == pytest.approx(spent / int(office.working_time(*window)))
    assert all(0 < value <= 1 for value in [*roles.values(), *people.values()])


def test_someone_always_busy_is_fully_used(queue: Callable[..., SimulationModel]) -> None:
    model = queue(rate=3, servers=1, service={"kind": "fixed", "hours": 1})
    log = simulate(model, cases=1_000)
    first = int(log.start.min())
    assert figures(log, model, (first, first + 20 * DAY))["utilisation:Server"] == pytest.approx(1, abs=0.01)


def test_several_pieces_in_hand_count_once(queue: Callable[..., SimulationModel]) -> None:
    plain = queue(rate=0.5, servers=1, service={"kind": "fixed", "hours": 1}).to_dict()
    plain["people"][0]["capacity"] = 2
    model = SimulationModel.from_dict(plain)
    log = simulate(model, cases=1_000)
    window = int(log.start.min()), int(log.start.min()) + 10 * DAY
    covered = np.zeros(10 * 24 * 60, dtype=np.bool_)
    for start, end in zip((log.start - window[0]) // MINUTE, (log.end - window[0]) // MINUTE, strict=True):
        covered[start:end] = True
    found = figures(log, model, window)
    assert found["utilisation:Server"] == found["person:P0"] == pytest.approx(covered.mean(), abs=0.01)
    assert strain(log, model, window).taken["person:P0"] < found["person:P0"] - 0.05


def test_several_pieces_in_hand_are_a_larger_capacity(queue: Callable[..., SimulationModel]) -> None:
    plain = queue(rate=3, servers=1, service={"kind": "fixed", "hours": 1}).to_dict()
    plain["people"][0]["capacity"] = 2
    model = SimulationModel.from_dict(plain)
    log = simulate(model, cases=1_000)
    first = int(log.start.min())
    found = strain(log, model, (first, first + 10 * DAY)).taken
    assert found["person:P0"] == pytest.approx(1, abs=0.02)
    plain["people"][0]["capacity"] = 8
    model = SimulationModel.from_dict(plain)
    log = simulate(model, cases=1_000)
    found = strain(log, model, (int(log.start.min()), int(log.start.min()) + 10 * DAY)).taken
    assert found["person:P0"] == pytest.approx(3 / 8, abs=0.05)


def test_waiting_by_cause_adds_up(article: SimulationModel) -> None:
    log = simulate(article, weeks=20)
    window = window_of(log)
    found = figures(log, article, window)
    causes = [found[f"waiting_{cause}_h"] for cause in ("queue", "off_duty", "outside")]
    assert sum(causes) == pytest.approx(measure(log, window)["waiting_per_case_h"])
    # The approver is there two half days a week, and publications wait outside.
    assert min(causes) > 0


def causes_of(values: dict[str, Any], **changes: Any) -> dict[str, float]:
    model = SimulationModel.from_dict(values | changes)
    log = simulate(model, weeks=12)
    return figures(log, model, window_of(log, 8))


def test_waiting_for_someone_who_is_not_there_is_no_queue(values: dict[str, Any]) -> None:
    for activity in values["activities"].values():
        activity["duration"] = [{"kind": "fixed", "hours": 0.001}]
    values["activities"]["Approval"]["delay"] = None
    found = causes_of(values)
    assert found["waiting_off_duty_h"] > 1
    assert found["waiting_queue_h"] < 0.05
    assert found["waiting_outside_h"] == pytest.approx(0.001, rel=0.2)
    office = [one | {"calendar": "office", "absences": []} for one in values["people"]]
    assert causes_of(values, people=office)["waiting_off_duty_h"] == pytest.approx(0, abs=1e-9)


def test_work_that_only_one_may_do_waits_for_them_alone(values: dict[str, Any]) -> None:
    values["people"][1]["absences"] = [["2025-01-27", "2025-02-28"]]
    held = causes_of(values)["waiting_off_duty_h"]
    values["activities"]["Text"]["same_person"] = False
    assert held > causes_of(values)["waiting_off_duty_h"] + 1


def test_costs_and_overtime_where_the_model_has_them(values: dict[str, Any]) -> None:
    assert not {"cost_per_case", "overtime_per_week_h"} & set(causes_of(values))
    values["people"][0]["cost_per_hour"] = 100
    values["activities"]["Brief"]["at_closing"] = "finish"
    values["activities"]["Brief"]["duration"] = [{"kind": "fixed", "hours": 2}]
    found = causes_of(values)
    assert found["cost_per_case"] == pytest.approx(200)
    # Five or six briefs a week of two hours, the last of a day sometimes beyond its end, and over lunch.
    assert 0.5 < found["overtime_per_week_h"] < 12


def test_loads_are_work_over_hours(queue: Callable[..., SimulationModel]) -> None:
    model = queue(rate=2.4, servers=2, service={"kind": "fixed", "hours": 1})
    found = strain(log := simulate(model, weeks=6), model, window_of(log, 4))
    assert found.load == found.loads["Server"] == pytest.approx(1.2, rel=0.1)
    assert found.queues["Server"] == pytest.approx(0.4 * 168, rel=0.25)
    assert found.growth == pytest.approx(0.4 / 2.4 / 2, rel=0.3)
    assert not found.limited


def test_people_with_two_roles_are_loaded_by_both(values: dict[str, Any]) -> None:
    """Neither role alone exceeds its people; together they do."""
    values["people"] = [
        {"name": "Ann", "roles": ["Marketer", "Approver"], "calendar": "office"},
        {"name": "Bob", "roles": ["Writer", "Designer"], "calendar": "office"},
    ]
    model = SimulationModel.from_dict(values)
    log = simulate(model, weeks=12)
    found = strain(log, model, window_of(log, 8))
    assert found.load == pytest.approx(found.loads["Writer"] + found.loads["Designer"])
    assert found.load > max(found.loads.values())


def test_limits_are_noticed(values: dict[str, Any]) -> None:
    values["wip_limit"] = 3
    model = SimulationModel.from_dict(values)
    log = simulate(model, weeks=6)
    assert strain(log, model, window_of(log, 4)).limited


def test_a_batch_that_is_one_piece_of_work_is_counted_once(queue: Callable[..., SimulationModel]) -> None:
    plain = queue(rate=2, servers=1, service={"kind": "fixed", "hours": 1}).to_dict()
    plain["activities"]["Serve"]["batch"] = {"size": 4, "hours": 100, "together": True}
    model = SimulationModel.from_dict(plain)
    log = simulate(model, weeks=4)
    begin, _ = case_spans(log)
    found = figures(log, model, (int(begin.min()), int(begin.min()) + 3 * int(WEEK)))
    # Two an hour, four at a time, an hour each: busy half of the time.
    assert found["person:P0"] == pytest.approx(0.5, abs=0.06)

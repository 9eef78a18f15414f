"""Calibration gives back a model that is known because the log was simulated from it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mkmine.calendars import DAY, HOUR, Calendar
from mkmine.catalogue.article import article_world
from mkmine.catalogue.samples import sample
from mkmine.errors import DataError
from mkmine.eventlog import EventLog
from mkmine.eventlog.observation import as_observed
from mkmine.simulation import SimulationModel, calibrate, simulate
from mkmine.simulation.model.arrivals import midnight
from mkmine.sources import read

from .conftest import article_values


def busy_article() -> SimulationModel:
    """The article process with enough cases to learn from, and two approvers who meet more often."""
    values = article_values()
    values["arrivals"]["weekly"] = [[0] * 9 + [0.4] * 8 + [0] * 7] * 5 + [[0] * 24] * 2
    values["people"][3]["absences"] = [["2025-06-02", "2025-06-27"]]
    for name in ("Eve", "Fay"):
        values["people"].append({"name": name, "roles": ["Writer"], "calendar": "office"})
    values["people"].append({"name": "Gus", "roles": ["Designer"], "calendar": "office"})
    return SimulationModel.from_dict(values)


@pytest.fixture(scope="module")
def truth() -> SimulationModel:
    return busy_article()


@pytest.fixture(scope="module")
def log(truth: SimulationModel) -> EventLog:
    return simulate(truth, weeks=60, seed=11)


@pytest.fixture(scope="module")
def model(log: EventLog) -> SimulationModel:
    # An observer does not know the office calendar.
    return calibrate(replace(log, calendar=None))


def test_roles_and_people(truth: SimulationModel, model: SimulationModel) -> None:
    assert set(model.roles) == set(truth.roles)
    for name, activity in truth.activities.items():
        assert model.activities[name].role == activity.role
    for role in truth.roles:
        assert {one.name for one in model.staff(role)} == {one.name for one in truth.staff(role)}


def test_roles_without_names_are_pooled(log: EventLog) -> None:
    bare = replace(log, role=np.full(len(log), -1, dtype=np.int32), roles=())
    found = calibrate(bare)
    roles = {name: found.activities[name].role for name in found.activities}
    assert roles["Publication"] is None
    assert len({roles["Brief"], roles["Text"], roles["Approval"], roles["Design"]}) == 4


def test_calendars_agree_at_most_hours(truth: SimulationModel, model: SimulationModel) -> None:
    begin = midnight(truth.start, truth.time_zone)
    hours = begin + 7 * DAY * 4 + np.arange(24 * 28) * HOUR + HOUR // 2
    for person in truth.people:
        mine = next(one for one in model.people if one.name == person.name)
        real, found = (one.calendar(p.calendar).is_open(hours) for one, p in ((truth, person), (model, mine)))
        # Of the open hours of either, at least four in five are open in both.
        assert (real & found).sum() / (real | found).sum() > 0.8


def test_a_long_absence_is_found(truth: SimulationModel, model: SimulationModel) -> None:
    dan = next(one for one in model.people if one.name == "Dan")
    days = {str(day.date()) for first, last in dan.absences for day in pd.date_range(first, last)}
    expected = {str(day.date()) for day in pd.date_range("2025-06-02", "2025-06-27")}
    assert expected <= days
    assert len(days - expected) < 14, "free days at its edges, no more"


def test_who_has_left_does_nothing_any_more(log: EventLog) -> None:
    bob, fay = log.resources.index("Bob"), log.resources.index("Fay")
    gone = log.start > np.quantile(log.start, 0.6)
    left = replace(log, calendar=None, resource=np.where(gone & (log.resource == fay), bob, log.resource))
    found = calibrate(left)
    assert "Fay" not in {one.name for one in found.people}
    assert {"Bob", "Eve"} <= {one.name for one in found.staff("Writer")}
    # Nobody else can do the work of who was alone in a role: there they stay.
    dan = log.resources.index("Dan")
    alone = replace(log, calendar=None, resource=np.where(gone & (log.resource == dan), -1, log.resource))
    assert "Dan" in {one.name for one in calibrate(alone).people}


def test_rework_by_round(truth: SimulationModel, model: SimulationModel) -> None:
    for number in range(2):
        real, found = (
            sum(route.probability for route in one.activities["Approval"].next[number] if route.rework)
            for one in (truth, model)
        )
        assert found == pytest.approx(real, abs=0.07)
    for activity in ("Brief", "Text", "Design", "Publication"):
        assert not any(route.rework for routes in model.activities[activity].all_routes for route in routes)


def test_cancellations(model: SimulationModel) -> None:
    ends = [route for route in model.activities["Brief"].next[0] if route.to is None]
    assert [one.outcome for one in ends] == ["cancelled"]
    assert ends[0].probability == pytest.approx(0.05, abs=0.03)


def test_mean_durations_by_round(truth: SimulationModel, model: SimulationModel) -> None:
    for name, real in truth.activities.items():
        found = model.activities[name]
        assert found.duration[0].mean_h == pytest.approx(real.duration[0].mean_h, rel=0.15), name
    assert model.activities["Text"].duration[1].mean_h == pytest.approx(1.5, rel=0.15)
    assert model.activities["Text"].same_person
    assert not model.activities["Design"].same_person


def test_arrivals(truth: SimulationModel, model: SimulationModel) -> None:
    assert model.arrivals.per_week == pytest.approx(truth.arrivals.per_week, rel=0.1)
    rows = np.asarray(model.arrivals.weekly)
    assert rows[5:].sum() == 0
    assert rows[:, :9].sum() == rows[:, 17:].sum() == 0
    assert len(simulate(model, weeks=60).case_ids) == pytest.approx(len(simulate(truth, weeks=60).case_ids), rel=0.1)


def test_it_replays_the_log(log: EventLog, truth: SimulationModel, model: SimulationModel) -> None:
    calendar = truth.calendar("office")

    def cycle(one: EventLog) -> np.ndarray:
        heads = one.offsets[:-1]
        end, begin = np.maximum.reduceat(one.end, heads), np.minimum.reduceat(one.enabled, heads)
        return calendar.working_time(begin, end) / HOUR

    real = np.mean([np.median(cycle(simulate(truth, weeks=60, seed=seed))) for seed in range(6)])
    found = np.mean([np.median(cycle(simulate(model, weeks=60, seed=seed))) for seed in range(6)])
    assert found == pytest.approx(real, rel=0.25)


def test_the_same_log_gives_the_same_bytes(log: EventLog, model: SimulationModel) -> None:
    assert calibrate(replace(log, calendar=None)).to_yaml() == model.to_yaml()
    assert SimulationModel.from_dict(model.to_dict()) == model


def test_open_cases_are_not_taken_for_ended_ones(truth: SimulationModel, log: EventLog) -> None:
    """Cut in the middle: the routes are those of the process, although many cases stop anywhere."""
    first, last = log.observed
    cut = as_observed(log, (first, first + (last - first) // 2))
    assert (~cut.completed).sum() > 10
    found = calibrate(cut)
    for name in ("Text", "Approval", "Design"):
        assert not any(route.to is None for routes in found.activities[name].all_routes for route in routes)
    # Unfinished work does not count as short work.
    assert found.activities["Text"].duration[0].mean_h == pytest.approx(5, rel=0.15)


def test_completions_only(log: EventLog) -> None:
    frame = log.to_pandas().drop(columns=["start", "enabled"])
    bare = EventLog.from_pandas(frame, resource="resource", role="role", time_zone=log.time_zone, calendar=log.calendar)
    found = calibrate(bare)
    assert any("completion times only" in note for note in found.notes)
    assert found.activities["Text"].role == "Writer"
    assert len(simulate(found, weeks=10)) > 100


def test_no_people(log: EventLog) -> None:
    frame = log.to_pandas()
    bare = EventLog.from_pandas(frame, start="start", enabled="enabled", time_zone=log.time_zone)
    found = calibrate(bare)
    assert found.people == []
    assert any("names no people" in note for note in found.notes)
    assert all(one.role is None for one in found.activities.values())
    assert len(simulate(found, weeks=10)) > 100


def small(cases: int, *, days: float = 30, activities: int = 1) -> EventLog:
    base = pd.Timestamp("2025-03-03 09:00", tz="UTC")
    frame = pd.DataFrame(
        {
            "case": [str(n) for n in range(cases)],
            "activity": [f"a{n % activities}" for n in range(cases)],
            "start": [base + pd.Timedelta(days=days * n / cases) for n in range(cases)],
        }
    )
    frame["end"] = frame["start"] + pd.Timedelta(minutes=30)
    frame["who"] = "Ann"
    return EventLog.from_pandas(frame, start="start", resource="who", calendar=Calendar.always(), name="small")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: small(19), "small: 19 completed cases are too few to calibrate a simulation; it needs at least 20"),
        (lambda: small(40, days=5), "covers less than a week"),
        (lambda: small(600, activities=501), "501 activities are too many"),
        (
            lambda: as_observed(long_runners(), (long_runners().observed[0] + 20 * DAY, long_runners().observed[1])),
            "no case begins",
        ),
    ],
)
def test_logs_that_cannot_be_learned_from(make: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        calibrate(make())


def long_runners() -> EventLog:
    """Cases that all begin on the first day and end a month later."""
    log = small(40, days=0.5)
    return replace(log, end=log.end + 30 * DAY, observed=(log.observed[0], log.observed[1] + 31 * DAY))


def test_the_smallest_log_that_can_be_learned_from_runs() -> None:
    found = calibrate(small(20))
    assert "The log has only 20 completed cases; every number of the model is rough." in found.notes
    assert len(simulate(found, weeks=4)) > 0


def steps(cases: int, activities: int, people: int, *, hours: float) -> EventLog:
    """Cases of three steps each, an exponential time apart."""
    rng = np.random.default_rng(5)
    base = pd.Timestamp("2025-03-03", tz="UTC")
    rows = []
    for case in range(cases):
        at = 5.0 * case
        for step in range(3):
            took = hours * rng.exponential()
            name = f"a{(3 * case + step) % activities}"
            rows.append((str(case), name, at, at + took, f"p{rng.integers(people)}"))
            at += took + rng.exponential(2)
    frame = pd.DataFrame(rows, columns=["case", "activity", "start", "end", "who"])
    for column in ("start", "end"):
        frame[column] = base + pd.to_timedelta(frame[column], unit="h")
    return EventLog.from_pandas(frame, start="start", resource="who", name="steps")


@pytest.mark.parametrize(
    ("activities", "people", "hours"),
    [(6, 1, 0.2), (6, 10, 0.0), (500, 30, 0.2)],
    ids=["one person", "no durations", "500 activities"],
)
def test_logs_at_the_limits_give_models_that_run_and_are_saved(
    activities: int, people: int, hours: float, tmp_path: Path
) -> None:
    log = steps(400, activities, people, hours=hours)
    found = calibrate(log)
    again = simulate(found, cases=400)
    assert SimulationModel.load(found.save(tmp_path / "model.yaml")) == found
    mean = [float((one.end - one.start).mean()) / HOUR for one in (log, again)]
    assert mean[1] == pytest.approx(mean[0], rel=0.2)
    lengths = [np.diff(one.offsets).mean() for one in (log, again)]
    assert lengths[1] == pytest.approx(3, rel=0.1)


def test_where_every_case_is_open_nothing_is_guessed() -> None:
    log = steps(100, 6, 3, hours=0.2)
    with pytest.raises(DataError, match="0 completed cases are too few"):
        calibrate(replace(log, completed=np.zeros(100, dtype=np.bool_)))


def test_a_log_of_finished_cases_says_what_is_missing() -> None:
    log = steps(300, 6, 5, hours=0.2)
    rng = np.random.default_rng(2)
    longer = rng.exponential(300, 300) * HOUR
    end = log.end.copy()
    last = log.offsets[1:] - 1
    end[last] += longer.astype(np.int64)
    cut = int(log.start[-1])
    kept = (end[last] <= cut)[log.case_of]
    frame = replace(log, end=end).to_pandas().loc[kept]
    seen = EventLog.from_pandas(frame, start="start", resource="resource", name="finished")
    notes = " ".join(calibrate(seen).notes)
    assert "The log holds finished cases only" in notes


def test_a_calibrated_model_says_which_log_it_comes_from(tmp_path: Path) -> None:
    log = read(sample("article").log)
    model = calibrate(log)
    assert log.name in model.provenance
    assert log.content_hash[:8] in model.provenance
    assert SimulationModel.load(model.save(tmp_path / "model.yaml")).provenance == model.provenance
    assert "not calibrated" in article_world().provenance

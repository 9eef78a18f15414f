"""The article world is plausible, follows its sources, and answers to its levers in the right direction."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mkmine.calendars import HOUR
from mkmine.catalogue import article
from mkmine.catalogue.article import article_world, return_probabilities, scenarios
from mkmine.catalogue.samples import ArticleSample
from mkmine.errors import DataError
from mkmine.eventlog import EventLog
from mkmine.simulation import Scenario, SimulationModel, simulate

WEEKS = 60


def cycle_weeks(log: EventLog, model: SimulationModel) -> float:
    """Return the median cycle time in working weeks."""
    assert log.enabled is not None
    first, last = log.enabled[log.offsets[:-1]], np.maximum.reduceat(log.end, log.offsets[:-1])
    return float(np.median(model.calendar(model.office).working_time(first, last))) / HOUR / 40


def waiting(log: EventLog, model: SimulationModel, activity: str) -> float:
    """Return the mean working hours that an activity waits."""
    assert log.enabled is not None
    rows = log.activity == log.activities.index(activity)
    return float(model.calendar(model.office).working_time(log.enabled[rows], log.start[rows]).mean()) / HOUR


@pytest.fixture(scope="module")
def base() -> tuple[SimulationModel, EventLog]:
    model = article_world()
    return model, simulate(model, seed=11, weeks=WEEKS)


def test_the_world_is_the_same_when_saved_and_read(tmp_path: Path) -> None:
    model = article_world()
    assert SimulationModel.load(model.save(tmp_path / "world.yaml")) == model


def test_size_load_and_cycle_time_are_those_of_a_busy_department(made: ArticleSample) -> None:
    assert 1400 <= made.observed.n_cases <= 1600
    assert 50 <= int((~made.observed.completed).sum()) <= 150
    assert made.observed.enabled is not None
    begun_before = made.observed.enabled[made.observed.offsets[:-1]] < made.observed.observed[0]
    assert 30 <= int(begun_before.sum()) <= 120
    assert 3 <= cycle_weeks(made.observed, made.model) <= 5


def test_light_rounds_follow_the_survey(made: ArticleSample) -> None:
    log = made.whole
    approval, final = (log.activity == log.activities.index(name) for name in (article.APPROVAL, article.FINAL))
    texts = int((approval & (log.round == 1)).sum())
    # Every return, from whichever approval, makes one more version.
    versions = 1 + (int((approval & (log.round > 1)).sum()) + int((final & (log.round > 1)).sum())) / texts
    assert 3.0 <= versions <= 3.7


def test_heavy_rounds_follow_the_other_survey() -> None:
    back = return_probabilities("heavy")
    survive = np.cumprod([1.0, *back, *[back[-1]] * 10])
    assert 1 - survive[2] == pytest.approx(0.07, abs=0.01)
    assert survive[4] == pytest.approx(0.58, abs=0.01)
    assert survive[9] == pytest.approx(0.14, abs=0.01)
    with pytest.raises(DataError, match='"light" or "heavy"'):
        return_probabilities("medium")  # type: ignore[arg-type]


def test_one_designer_more_shortens_the_wait_for_design(base: tuple[SimulationModel, EventLog]) -> None:
    model, log = base
    changed = scenarios()[0].apply(model)
    assert waiting(simulate(changed, seed=11, weeks=WEEKS), changed, article.DESIGN) < 0.7 * waiting(
        log, model, article.DESIGN
    )


def test_a_stricter_brief_means_fewer_rounds_and_shorter_cycles(base: tuple[SimulationModel, EventLog]) -> None:
    model, log = base
    changed = scenarios()[1].apply(model)
    other = simulate(changed, seed=11, weeks=WEEKS)
    assert len(other) < 0.85 * len(log)
    assert cycle_weeks(other, changed) < cycle_weeks(log, model)


def test_a_second_meeting_a_week_shortens_the_wait_for_the_final_approval(
    base: tuple[SimulationModel, EventLog],
) -> None:
    model, log = base
    changed = scenarios()[2].apply(model)
    other = simulate(changed, seed=11, weeks=WEEKS)
    assert waiting(other, changed, article.FINAL) < 0.7 * waiting(log, model, article.FINAL)


def test_more_tasks_wait_longer(base: tuple[SimulationModel, EventLog]) -> None:
    model, log = base
    changed = Scenario("more").arrivals(factor=1.1).apply(model)
    assert cycle_weeks(simulate(changed, seed=11, weeks=WEEKS), changed) > cycle_weeks(log, model)


def test_final_approvals_begin_on_thursdays(base: tuple[SimulationModel, EventLog]) -> None:
    _, log = base
    rows = (log.to_pandas()["activity"] == article.FINAL).to_numpy()
    days = log.to_pandas()["start"][rows].dt.day_name()
    assert set(days) == {"Thursday"}


def test_scenarios_are_named_in_both_languages_and_change_the_same() -> None:
    russian, english = scenarios("ru"), scenarios("en")
    assert [one.changes for one in russian] == [one.changes for one in english]
    assert english[0].name == "One more designer"


def test_the_study_holds_the_scenarios_of_the_demo(root: Path) -> None:
    kept = [Scenario.load(path) for path in sorted((root / "simulations" / "article").glob("*.yaml"))]
    assert sorted(kept, key=lambda one: one.name) == sorted(scenarios("ru"), key=lambda one: one.name)

"""The ground truth adds up and does not contradict the model that it describes."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import binom

from mkmine.calendars import HOUR
from mkmine.catalogue import article
from mkmine.catalogue.samples import ArticleSample, sample, truth_of
from mkmine.catalogue.truth import capacities, rework, true_waiting
from mkmine.simulation import Scenario, simulate


def test_causes_are_not_negative_and_add_up_to_the_wait(made: ArticleSample) -> None:
    waits = true_waiting(made.model, made.whole, seed=made.seed)
    causes = waits[["outside_h", "unavailability_h", "contention_h"]]
    assert causes.min().min() >= -1e-9
    assert causes.sum(axis=1).to_numpy() == pytest.approx(waits["waiting_h"].to_numpy(), abs=1e-9)


def test_work_begins_when_its_person_is_on_duty_and_never_two_at_once(made: ArticleSample) -> None:
    log, model = made.whole, made.model
    for person in model.people:
        rows = log.resource == log.resources.index(person.name)
        calendar = model.calendar(person.calendar, person.absences)
        assert calendar.is_open(log.start[rows]).all(), person.name
        order = np.argsort(log.start[rows], kind="stable")
        assert (log.start[rows][order][1:] >= log.end[rows][order][:-1]).all(), person.name
        assert set(np.array(log.roles, dtype=object)[log.role[rows]]) <= set(person.roles)


def test_outside_waiting_is_that_of_the_publication_slot(made: ArticleSample) -> None:
    waits = true_waiting(made.model, made.whole, seed=made.seed)
    outside = waits.groupby("activity")["outside_h"].mean()
    delay = made.model.activities[article.PUBLICATION].delay
    assert delay is not None
    assert outside[article.PUBLICATION] == pytest.approx(delay.mean_h, rel=0.05)
    assert outside.drop(article.PUBLICATION).max() == 0


def test_the_weekly_meeting_is_unavailability_and_the_busy_designers_are_contention(made: ArticleSample) -> None:
    waits = true_waiting(made.model, made.whole, seed=made.seed).groupby("activity")[
        ["waiting_h", "unavailability_h", "contention_h"]
    ]
    total = waits.sum()
    assert total.loc[article.FINAL, "unavailability_h"] > 0.7 * total.loc[article.FINAL, "waiting_h"]
    assert total.loc[article.DESIGN, "contention_h"] > 0.95 * total.loc[article.DESIGN, "waiting_h"]


def test_staff_takes_away_contention_more_than_unavailability() -> None:
    model = article.article_world()
    more = Scenario("more").staff(article.APPROVER, +2).staff(article.EDITOR, +2).apply(model)
    hours = []
    for one in (model, more):
        waits = true_waiting(one, simulate(one, seed=4, weeks=40), seed=4)
        mine = waits[waits["activity"].isin([article.FINAL, article.APPROVAL])]
        hours.append(mine[["contention_h", "unavailability_h"]].mean())
    assert hours[1]["contention_h"] < 0.5 * hours[0]["contention_h"]
    # Who misses a meeting for want of capacity waits a week for the next: that part of unavailability goes too.
    assert 0.3 * hours[0]["unavailability_h"] < hours[1]["unavailability_h"] < hours[0]["unavailability_h"]


def test_returns_agree_with_the_models_probabilities(made: ArticleSample) -> None:
    table = rework(made.model, made.observed)
    assert set(table["activity"]) == {article.WRITING, article.APPROVAL, article.LEGAL, article.FINAL}
    for row in table.itertuples():
        low, high = binom.interval(0.9999, row.reached, row.probability)
        assert low <= row.returned <= high, row


def test_utilisation_is_that_of_a_team_at_its_limit(made: ArticleSample) -> None:
    table = capacities(made.model, made.whole, made.observed.observed).set_index("role")
    bottlenecks = table.loc[[article.EDITOR, article.DESIGNER, article.APPROVER], "utilisation"]
    assert bottlenecks.between(0.7, 0.95).all()
    assert (table["busy_h"] <= table["open_h"]).all()
    assert table.loc[article.COPYWRITER, "people"] == 6
    assert table.loc[article.DESIGNER, "hours_per_week"] == 80


def test_waiting_is_far_longer_than_work(made: ArticleSample) -> None:
    log, office = made.observed, made.model.calendar(made.model.office)
    assert log.enabled is not None
    staffed = log.role >= 0
    work = office.working_time(log.start[staffed], log.end[staffed]).sum() / HOUR
    waited = office.working_time(log.enabled, log.start).sum() / HOUR
    assert waited > 3 * work


def test_the_committed_truth_is_this_one(made: ArticleSample) -> None:
    committed = json.loads(sample("article").truth.read_text(encoding="utf-8"))
    assert committed == json.loads(json.dumps(truth_of(made)))

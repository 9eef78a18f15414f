from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mkmine.errors import DataError
from mkmine.eventlog import EventLog
from mkmine.eventlog.observation import as_observed
from mkmine.simulation import Experiment, Scenario, SimulationModel, experiment, resume, simulate
from mkmine.simulation.engine.underway import Underway, WorkInProgress, work_in_progress
from mkmine.simulation.experiments.kpis import WEEK
from mkmine.simulation.experiments.replication import Plan, _taken_over, replicate

STAFF = Scenario("one more writer").staff("Writer", +1)


def seen(model: SimulationModel, weeks: float = 12) -> EventLog:
    """What an observer knows of a run after so many weeks."""
    log = simulate(model, weeks=weeks + 4, seed=11)
    first = int(log.observed[0])
    return as_observed(log, (first, first + int(weeks * WEEK)))


def wip(found: Experiment, scenario: str | None = None) -> float:
    rows = found.kpis[(found.kpis["kpi"] == "wip") & (found.kpis["scenario"] == (scenario or found.base))]
    return float(rows["value"].mean())


def test_replications_are_named_by_seed_and_number(article: SimulationModel) -> None:
    plan = Plan(seed=7, weeks=4, warm_up_weeks=2)
    one, two = (replicate(article, plan, "x", number) for number in (1, 1))
    assert one.values == two.values
    assert replicate(article, plan, "x", 2).values != one.values
    assert one.log is None
    kept = replicate(article, plan, "x", 0)
    assert kept.log is not None
    assert kept.log.observed[1] - kept.log.observed[0] == 4 * WEEK


def test_a_model_that_replays_a_period_ends_with_it(values: dict[str, Any]) -> None:
    values["until"] = "2025-06-30"
    model = SimulationModel.from_dict(values)
    log = replicate(model, Plan(seed=7, weeks=4, warm_up_weeks=2), "", 0).log
    assert log is not None
    assert pd.Timestamp(log.observed[1] * 1000).date().isoformat() == "2025-06-29"


def test_it_begins_with_the_work_in_progress(article: SimulationModel) -> None:
    log = seen(article)
    now = work_in_progress(log)
    found = experiment(article, [STAFF], replications=3, weeks=4, in_progress=log)
    assert (found.warm_up, found.warm_up_weeks) == ("observed", 0)
    assert found.logs[article.name].observed[0] == now.at
    assert {one.case for one in now.cases} <= set(found.logs[article.name].case_ids)
    pd.testing.assert_frame_equal(
        found.kpis, experiment(article, [STAFF], replications=3, weeks=4, in_progress=now).kpis
    )


def test_a_long_queue_is_there_from_the_first_day(queue: Callable[..., SimulationModel]) -> None:
    """Seen in a rush: it takes weeks to work off, which an empty office with a warm-up knows nothing of."""
    model = queue(rate=0.8, servers=1, service={"kind": "exponential", "mean": 1})
    log = seen(Scenario("rush").arrivals(factor=2).apply(model), weeks=3)
    waiting = len(work_in_progress(log).cases)
    assert waiting > 150
    begun = experiment(model, [], replications=4, weeks=2, in_progress=log)
    assert wip(begun) == pytest.approx(waiting - 0.2 * 168, rel=0.25)
    assert wip(experiment(model, [], replications=4, weeks=2)) < 20


def test_whoever_leaves_hands_over_what_they_had_in_hand(values: dict[str, Any]) -> None:
    values["people"].append({"name": "Eve", "roles": ["Writer"], "calendar": "office"})
    model = SimulationModel.from_dict(values)
    logs = (seen(model, weeks) for weeks in (10, 10.2, 10.4, 10.6, 10.8, 11, 11.2))
    log = next(log for log in logs if any(one.person == "Eve" for one in work_in_progress(log).cases))
    found = experiment(model, [Scenario("without Eve").staff("Writer", -1)], replications=2, weeks=4, in_progress=log)
    assert "Eve" in found.logs[model.name].resources
    after = found.logs["without Eve"]
    assert "Eve" not in after.resources
    # The case that she had in hand goes on, with somebody else.
    mine = next(one.case for one in work_in_progress(log).cases if one.person == "Eve")
    rows = after.case_of == list(after.case_ids).index(mine)
    assert after.activities[int(after.activity[rows][0])] == "Text"
    assert found.answer("without Eve", "person:Eve")["verdict"] == "unpaired"


def test_a_study_remembers_what_it_began_with(article: SimulationModel, tmp_path: Path) -> None:
    first = experiment(article, [STAFF], replications=2, weeks=4, in_progress=seen(article), study=tmp_path / "now")
    again = resume(tmp_path / "now")
    pd.testing.assert_frame_equal(first.kpis, again.kpis)
    assert again.warm_up == "observed"
    lines = (tmp_path / "now" / "runs.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 4


def test_what_cannot_be_begun_with(article: SimulationModel) -> None:
    with pytest.raises(DataError, match="needs no warm-up: give one"):
        experiment(article, [], replications=2, in_progress=seen(article), warm_up_weeks=2)
    with pytest.raises(DataError, match="in_progress=list: give a log"):
        experiment(article, [], replications=2, in_progress=[])  # type: ignore[arg-type]


def test_work_of_nobody_wakes_no_one_who_is_at_work(values: dict[str, Any]) -> None:
    """Seen at night: what nobody is named for is offered after everybody has taken up their own work."""
    model = SimulationModel.from_dict(values)
    night = int(pd.Timestamp("2025-02-04 23:00", tz="Europe/Moscow").value // 1000)
    step = {"activity": "Text", "stage": "working", "rounds": {"Brief": 1, "Text": 1}, "trace": ("Brief", "Text")}
    times = {"arrived": night - 4 * WEEK, "since": night - WEEK, "started": night - WEEK // 7}
    people = ["Nobody", None, "Bob", "Bob", None, "Cat"]
    cases = tuple(Underway(case=f"old {n}", person=who, **step, **times) for n, who in enumerate(people))
    found = simulate(model, weeks=6, in_progress=_taken_over(WorkInProgress(at=night, cases=cases), model))
    old = [list(found.case_ids).index(one.case) for one in cases]
    rows = [int(found.offsets[case]) for case in old]
    doers = [found.resources[found.resource[row]] for row in rows]
    assert [doers[2], doers[5]] == ["Bob", "Cat"]
    assert all(found.activities[found.activity[row]] == "Text" for row in rows)

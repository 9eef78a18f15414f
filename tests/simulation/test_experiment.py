from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from mkmine.errors import DataError, UnknownNameError
from mkmine.simulation import Experiment, Scenario, SimulationModel, experiment
from mkmine.simulation.experiments import campaign

STAFF = Scenario("one more writer").staff("Writer", +1)
REWORK = Scenario("half the rework").rework("Approval", factor=0.5)


@pytest.fixture(scope="module")
def found(article: SimulationModel) -> Experiment:
    return experiment(article, [STAFF, REWORK, Scenario("nothing")], replications=12, weeks=20, seed=3)


def values_of(found: Experiment, scenario: str, key: str) -> np.ndarray:
    rows = found.kpis[(found.kpis["scenario"] == scenario) & (found.kpis["kpi"] == key)]
    return rows.sort_values("replication")["value"].to_numpy()


def test_answers_are_means_and_paired_t_intervals_that_hold_together(found: Experiment) -> None:
    from scipy import stats

    assert found.comparisons == 3
    for scenario in ("one more writer", "half the rework"):
        row = found.answer(scenario)
        base, value = (values_of(found, name, "cycle_mean_h") for name in (found.base, scenario))
        interval = stats.ttest_rel(value, base).confidence_interval(1 - 0.05 / 3)
        assert (row["low"], row["high"]) == pytest.approx(interval)
        assert row["difference"] == pytest.approx((value - base).mean())
        assert row["relative"] == pytest.approx(row["difference"] / row["base"])
        assert (row["replications"], row["unit"]) == (12, "h")


@pytest.mark.parametrize(
    ("scenario", "key", "share"), [(STAFF.name, "waiting_per_case_h", 1 / 3), (REWORK.name, "cycle_mean_h", 1 / 2)]
)
def test_common_random_numbers_pay(found: Experiment, scenario: str, key: str, share: float) -> None:
    """The variance of the paired difference is a fraction of that of independent runs."""
    base, value = (values_of(found, name, key) for name in (found.base, scenario))
    assert (value - base).var(ddof=1) < share * (value.var(ddof=1) + base.var(ddof=1))


def test_a_scenario_without_a_change_makes_exactly_no_difference(found: Experiment) -> None:
    rows = found.answers[found.answers["scenario"] == "nothing"]
    assert (rows[["difference", "low", "high"]] == 0).all(axis=None)
    assert set(rows["verdict"]) == {"noise"}


def test_changes_point_the_right_way(found: Experiment) -> None:
    assert found.answer("one more writer")["verdict"] == "better"
    assert found.answer("half the rework", "rework_per_case")["verdict"] == "better"
    assert found.answer("one more writer", "utilisation:Writer")["verdict"] == "changed"
    assert found.warnings == ()


def test_each_interval_may_stand_for_itself(article: SimulationModel, found: Experiment) -> None:
    alone = experiment(article, [STAFF, REWORK], replications=12, weeks=20, seed=3, simultaneous=False)
    one, other = alone.answer(STAFF.name), found.answer(STAFF.name)
    assert alone.comparisons == 1
    assert one["difference"] == other["difference"]
    assert one["high"] - one["low"] < other["high"] - other["low"]
    assert "Bonferroni" in found.provenance.method
    assert "Bonferroni" not in alone.provenance.method


def test_the_result_does_not_depend_on_the_number_of_workers(article: SimulationModel) -> None:
    one, two = (experiment(article, [STAFF], replications=3, weeks=8, seed=3, workers=workers) for workers in (1, 2))
    pd.testing.assert_frame_equal(one.answers, two.answers)
    pd.testing.assert_frame_equal(one.kpis, two.kpis)
    assert one.logs[STAFF.name].content_hash == two.logs[STAFF.name].content_hash


def test_both_engines_give_the_same_answers(article: SimulationModel) -> None:
    pytest.importorskip("numba")
    plain, compiled = (
        experiment(article, [STAFF, REWORK], replications=3, weeks=8, seed=3, engine=engine)
        for engine in ("simpy", "kernel")
    )
    pd.testing.assert_frame_equal(plain.kpis, compiled.kpis)
    assert compiled.logs[STAFF.name].history[-2].detail.endswith(", compiled")


def test_large_experiments_take_the_compiled_engine(article: SimulationModel, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba")
    asked: list[str] = []

    def replicate(model: Any, plan: Any, scenario: str, replication: int, engine: str) -> Any:
        asked.append(engine)
        return inner(model, plan, scenario, replication, "simpy")

    inner = campaign.replicate
    monkeypatch.setattr(campaign, "replicate", replicate)
    monkeypatch.setattr(campaign, "pays_to_compile", lambda rows: rows > 10_000)
    experiment(article, [STAFF], replications=2, weeks=4, warm_up_weeks=2)
    assert set(asked) == {"auto"}
    monkeypatch.setattr(campaign, "pays_to_compile", lambda rows: 500 < rows < 10_000)
    experiment(article, [STAFF], replications=2, weeks=4, warm_up_weeks=2)
    assert asked[-4:] == ["kernel"] * 4


def test_an_overloaded_process_is_called_unstable(queue: Any) -> None:
    model = queue(rate=1.3, servers=1, service={"kind": "exponential", "mean": 1})
    found = experiment(
        model, [Scenario("relief").staff("Server", +1), Scenario("rush").arrivals(factor=2)], replications=6, weeks=12
    )
    assert found.answer("relief")["verdict"] == "unstable"
    assert found.answer("relief", "utilisation:Server")["verdict"] == "changed"
    assert found.warnings[0].startswith("unstable: in the base model more work arrives than is done")
    assert "the queue of Server grows by" in found.warnings[0]
    # 1.3 arrive an hour and 1 is done: 0.3 of 168 hours.
    assert found.strain["queue"].per_week == pytest.approx(0.3 * 168, rel=0.2)
    assert found.strain["queue"].load == pytest.approx(1.3, rel=0.1)
    assert "the queue of Server grows by" in found.verdicts()[0]
    assert any('scenario "rush"' in warning for warning in found.warnings)
    assert not any("relief" in warning for warning in found.warnings)


def test_only_the_overloaded_scenario_is_unstable(queue: Any) -> None:
    model = queue(rate=0.6, servers=1, service={"kind": "exponential", "mean": 1})
    found = experiment(
        model, [Scenario("help").staff("Server", 1), Scenario("rush").arrivals(factor=2)], replications=6, weeks=12
    )
    assert found.answer("help")["verdict"] == "better"
    assert found.answer("rush")["verdict"] == "unstable"
    assert found.answer("rush", "throughput_per_week")["verdict"] == "unstable"


def test_progress_and_logs(article: SimulationModel) -> None:
    seen: list[tuple[int, int]] = []
    found = experiment(
        article, [STAFF], replications=2, weeks=4, warm_up_weeks=2, progress=lambda done, of: seen.append((done, of))
    )
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert set(found.logs) == {article.name, STAFF.name}
    assert found.warm_up_weeks == 2
    first, last = found.logs[article.name].observed
    assert last - first == 28 * 86_400_000_000


def test_it_shows_itself(found: Experiment) -> None:
    text = repr(found)
    assert "12 paired replications of 20 weeks" in text
    assert "one more writer" in text
    assert "<script>" not in found._repr_html_()
    plain = found.to_dict()
    assert plain["scenarios"][0]["name"] == "one more writer"
    assert len(plain["answers"]) == len(found.answers) == len(found.to_pandas())
    assert plain["answers"][0]["sentence"].startswith("cycle time, mean: shorter by ")
    import json

    assert json.loads(json.dumps(plain, allow_nan=False))["seed"] == 3


def test_notes_of_the_model_are_repeated(values: dict[str, Any]) -> None:
    values["notes"] = ["processing times were guessed"]
    found = experiment(SimulationModel.from_dict(values), [STAFF], replications=2, weeks=4)
    few, noted = found.warnings
    assert few.startswith("2 replications say next to nothing: ask for at least 10")
    assert noted == "processing times were guessed"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"replications": 1}, "an interval needs at least 2"),
        ({"most": 20_000}, "most=20000: an interval needs at least 2, and over 10,000 gain nothing"),
        ({"seconds": 0}, "seconds=0: give a positive number"),
        ({"sla_h": -1}, "sla_h=-1: give the working hours"),
        ({"executor": "cluster"}, 'executor="?.?cluster.*give "processes", "threads"'),
        ({"executor": object()}, "object: it has no submit"),
        ({"weeks": 0.5}, "between 1 and 520 weeks"),
        ({"weeks": float("nan")}, "between 1 and 520 weeks"),
        ({"warm_up_weeks": -1}, "warm_up_weeks=-1"),
        ({"warm_up_weeks": float("nan")}, "warm_up_weeks=nan"),
        ({"confidence": 1}, "between 0.5 and 1"),
        ({"workers": 0}, "workers=0: give at least 1"),
        ({"seed": -5}, "seed -5"),
    ],
)
def test_parameters_out_of_range_are_refused(article: SimulationModel, options: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        experiment(article, [STAFF], **options)


def test_mistakes_in_scenarios_are_told_before_anything_runs(article: SimulationModel) -> None:
    def never(*_: int) -> None:
        raise AssertionError("it ran")

    with pytest.raises(DataError, match='two scenarios are called "a"; give each its own name'):
        experiment(article, [Scenario("a"), Scenario("a")], progress=never)
    with pytest.raises(DataError, match='scenario is called "article", as the model is'):
        experiment(article, [Scenario("article")], progress=never)
    with pytest.raises(UnknownNameError, match='did you mean "Writer"'):
        experiment(article, [Scenario("a").staff("Writr", 1)], progress=never)


def test_an_answer_that_there_is_not(found: Experiment) -> None:
    with pytest.raises(DataError, match='no answer for scenario "x", kpi "cycle_mean_h"; scenarios: "one more writer"'):
        found.answer("x")

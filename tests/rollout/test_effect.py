from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mkmine.errors import DataError, UnknownNameError
from mkmine.eventlog import EventLog
from mkmine.rollout import Effect, effect
from mkmine.rollout.effect import DEMAND, NO_PLACEBO, NOT_PROOF, UNEQUAL
from mkmine.simulation import Scenario, SimulationModel, experiment

World = Callable[..., EventLog]
CHANGE = "2025-06-02"
STRICT = {"rework": 0.05, "writers": 15, "hours": 6.0}


@pytest.fixture(scope="module")
def improved(make_world: World) -> EventLog:
    return make_world(before=60, size=3, changed=STRICT)


@pytest.fixture(scope="module")
def seen(improved: EventLog) -> Effect:
    return effect(improved, CHANGE, predicted=(-12.0, -4.0))


def test_an_improvement_is_seen_and_came_true(seen: Effect) -> None:
    assert seen.answer()["verdict"] == "better"
    assert seen.answer("rework_per_case")["verdict"] == "better"
    assert seen.verdict == "came true"
    assert seen.as_large < 0.2
    assert NOT_PROOF in seen.warnings


def test_what_an_experiment_predicted_of_the_same_change_came_true(
    improved: EventLog, make_office: Callable[..., SimulationModel]
) -> None:
    model = make_office(datetime.date(2025, 1, 6), writers=12, hours=10.0, rework=0.3, cases=24.0)
    strict = Scenario("strict").staff("Writer", +3).duration("Write", factor=0.6).rework("Check", factor=1 / 6)
    answer = experiment(model, [strict], replications=6, weeks=16).answer("strict")
    seen = effect(improved, CHANGE, predicted=answer)
    assert (seen.kpi, seen.verdict) == ("cycle_mean_h", "came true")


def test_a_deterioration_is_seen(make_world: World) -> None:
    seen = effect(make_world(before=40, size=3, changed={"rework": 0.5, "hours": 14.0, "writers": 24}), CHANGE)
    assert seen.answer()["verdict"] == "worse"


@pytest.mark.parametrize("change", [CHANGE, pd.Timestamp(CHANGE), pd.Timestamp(CHANGE).date(), f"{CHANGE} 09:30+00:00"])
def test_the_change_is_a_day_however_it_is_given(improved: EventLog, seen: Effect, change: Any) -> None:
    assert effect(improved, change, predicted=(-12.0, -4.0)).figures.equals(seen.figures)


def test_a_prediction_that_was_too_bold_did_not_come_true(improved: EventLog) -> None:
    seen = effect(improved, CHANGE, predicted=(-60.0, -50.0))
    assert seen.verdict == "did not come true"
    assert "smaller" in seen.reason


def test_windows_are_whole_weeks_equal_and_as_long_as_the_log_allows(improved: EventLog, seen: Effect) -> None:
    assert seen.before == ("2025-02-10", "2025-06-01")
    assert seen.after == ("2025-06-02", "2025-09-21")
    shorter = effect(improved, CHANGE, weeks_after=8, settle_weeks=2)
    assert shorter.after == ("2025-06-16", "2025-08-10")
    assert shorter.before[0] == "2025-04-07"
    assert UNEQUAL in effect(improved, CHANGE, weeks_before=20, weeks_after=8).warnings
    assert UNEQUAL not in seen.warnings


def test_counts_are_of_the_cases_that_begin_in_the_windows(improved: EventLog, seen: Effect) -> None:
    begin = pd.to_datetime(improved.start[improved.offsets[:-1]], unit="us")
    assert seen.cases[1] == int((begin >= CHANGE).sum())
    assert sum(seen.open_cases) > 0
    assert seen.answer("arrivals_per_week")["after"] == pytest.approx(seen.cases[1] / 16)


def test_placebo_dates_touch_neither_the_change_nor_the_beginning(seen: Effect) -> None:
    dates = pd.to_datetime(seen.placebo["date"])
    assert len(dates) == 60 - 2 * 16 + 1
    assert dates.max() == pd.Timestamp("2025-02-10")
    assert dates.min() == pd.Timestamp(CHANGE) - pd.Timedelta(weeks=60 - 16)
    size = abs(seen.answer()["difference"])
    assert ((seen.placebo["difference"].abs() >= size) == seen.placebo["as_large"]).all()
    assert seen.as_large == pytest.approx(seen.placebo["as_large"].mean())


def test_a_short_log_has_no_placebo_and_says_so(make_world: World) -> None:
    seen = effect(make_world(before=10, after=8), CHANGE)
    assert seen.placebo.empty
    assert np.isnan(seen.as_large)
    assert NO_PLACEBO in seen.warnings
    assert seen.to_dict()["as_large"] is None


def test_a_change_of_demand_is_said(make_world: World) -> None:
    assert DEMAND in effect(make_world(changed={"cases": 16.0, "writers": 9}), CHANGE).warnings


def test_intervals_cover_no_change_about_as_often_as_they_say(make_world: World) -> None:
    hits: dict[str, list[bool]] = {}
    for seed in range(60):
        seen = effect(make_world(seed=seed, before=16, after=16), CHANGE)
        for row in seen.figures.to_dict("records"):
            hits.setdefault(row["kpi"], []).append(row["low"] <= 0 <= row["high"])
    share = {key: float(np.mean(covered)) for key, covered in hits.items()}
    assert min(share.values()) >= 0.88
    assert np.mean(list(share.values())) >= 0.93


def test_the_seed_decides(improved: EventLog, seen: Effect) -> None:
    again = effect(improved, CHANGE, predicted=(-12.0, -4.0))
    assert json.dumps(again.to_dict()) == json.dumps(seen.to_dict())
    other = effect(improved, CHANGE, seed=8)
    assert other.answer()["difference"] == seen.answer()["difference"]
    assert other.answer()["low"] != seen.answer()["low"]


def test_the_result_prints_and_converts(seen: Effect) -> None:
    assert "came true: predicted -12.00 to -4.00 of cycle_mean_h" in repr(seen)
    assert "placebo" in repr(seen)
    assert "<table" in seen._repr_html_()
    assert json.loads(json.dumps(seen.to_dict()))["verdict"] == "came true"
    copied = seen.to_pandas()
    copied["before"] = 0.0
    assert (seen.figures["before"] > 0).all()
    assert seen.provenance.parameters["weeks_after"] == 16


def test_the_kpi_of_the_prediction_is_judged(improved: EventLog) -> None:
    row = {"kpi": "rework_per_case", "base": 5.0, "low": -0.6, "high": -0.2, "verdict": "better"}
    seen = effect(improved, CHANGE, predicted=row)
    assert seen.kpi == "rework_per_case"
    assert any("starts from" in warning for warning in seen.warnings)


@pytest.mark.parametrize(
    ("change", "settings", "error", "says"),
    [
        ("2031-01-01", {}, DataError, "observed from 2024-04-08"),
        ("2020-01-01", {}, DataError, "observed from"),
        ("31.02.2025", {}, DataError, "is not a date"),
        (20250602, {}, DataError, "is not a date"),
        ("2024-04-15", {}, DataError, "1 whole weeks before"),
        ("2025-09-15", {}, DataError, "whole weeks after"),
        (CHANGE, {"weeks_after": 20}, DataError, "16 whole weeks after"),
        (CHANGE, {"weeks_after": 16, "settle_weeks": 1}, DataError, "15 whole weeks after"),
        (CHANGE, {"weeks_before": 3}, DataError, "at least 4"),
        (CHANGE, {"weeks_before": 8.5}, DataError, "whole number"),
        (CHANGE, {"settle_weeks": -1}, DataError, "at least 0"),
        (CHANGE, {"kpi": "cycle_median"}, UnknownNameError, 'did you mean "cycle_median_h"'),
        (CHANGE, {"predicted": {"kpi": "waiting_per_case_h", "low": -1, "high": 0}}, UnknownNameError, "unknown key"),
        (CHANGE, {"confidence": 0.2}, DataError, "between 0.5 and 1"),
        (CHANGE, {"seed": -1}, DataError, "non-negative"),
    ],
)
def test_bad_input_is_told(
    improved: EventLog, change: Any, settings: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        effect(improved, change, **settings)


def test_an_unknown_figure_has_no_answer(seen: Effect) -> None:
    with pytest.raises(UnknownNameError, match="cycle_mean_h"):
        seen.answer("cycle_mean")


def test_too_few_cases_are_told(improved: EventLog) -> None:
    few = improved.keep_cases(np.arange(improved.n_cases) % 40 == 0, action="filter", detail="every 40th")
    with pytest.raises(DataError, match="a comparison needs 10"):
        effect(few, CHANGE)

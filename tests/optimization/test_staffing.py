from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mkmine.errors import DataError, UnknownNameError
from mkmine.optimization import Staffing, optimise
from mkmine.optimization.staffing import DOUBTFUL, GREEDY, TOGETHER, UNSTABLE, WINNER, unclear
from mkmine.simulation import SimulationModel, experiment

Build = Callable[..., SimulationModel]
QUICK: dict[str, Any] = {"replications": 6, "weeks": 12, "seed": 3}


@pytest.fixture(scope="module")
def found(make_model: Build) -> Staffing:
    """The office is short of designers."""
    return optimise(make_model(), budget=2, **QUICK)


def test_the_bottleneck_is_staffed_first(found: Staffing) -> None:
    first = found.steps.iloc[1]
    assert (first["role"], first["change"], first["people"], first["verdict"]) == ("Designer", 1, 4, "kept")
    assert first["high"] < 0
    assert found.steps["value"].is_monotonic_decreasing


def test_budget_bounds_the_people_added(found: Staffing, make_model: Build) -> None:
    assert found.steps["change"].sum() <= 2
    assert optimise(make_model(), budget=1, **QUICK).steps["change"].clip(lower=0).sum() == 1


def test_steps_are_those_kept_of_all_tried(found: Staffing) -> None:
    kept = found.tried[found.tried["verdict"].isin(["kept", "saves"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, found.steps.iloc[1:].reset_index(drop=True), check_dtype=False)
    step = found.tried[found.tried["step"] == 1]
    best = step.loc[step["gain_per_cost"].idxmax()]
    assert best["verdict"] == "kept"


def test_the_scenario_of_a_step_leads_to_its_value(found: Staffing, make_model: Build) -> None:
    for number in range(1, len(found.steps)):
        answer = experiment(make_model(), [found.scenario(number)], **QUICK)
        assert answer.answer(found.scenario(number).name)["value"] == pytest.approx(found.steps["value"][number])
    assert found.scenario(0).changes == ()


def test_the_confirmation_uses_other_random_numbers_and_agrees(found: Staffing) -> None:
    assert found.confirmation is not None
    assert found.confirmation.seed != found.seed
    row = found.confirmation.answer(found.scenario().name, found.kpi)
    assert row["verdict"] == "better"
    assert found.confirmation.base == "office"


def test_who_is_hardly_used_is_spared_within_the_tolerance(make_model: Build) -> None:
    found = optimise(make_model(designers=6, writers=6, editors=3), budget=0, **QUICK)
    assert set(found.steps["change"][1:]) == {-1}
    assert "Editor" in set(found.steps["role"][1:])
    lost = found.steps["value"].iloc[-1] / found.steps["value"].iloc[0] - 1
    assert lost <= found.tolerance
    assert found.steps["cost"].iloc[-1] < 0


def test_the_dearest_is_spared_first(make_model: Build) -> None:
    model = make_model(designers=12, writers=12, editors=3)
    found = optimise(model, budget=0, roles=["Designer", "Editor"], cost={"Editor": 5.0}, **QUICK)
    assert found.steps["role"][1] == "Editor"


def test_a_person_with_another_role_is_not_a_saving(make_model: Build) -> None:
    model = make_model(editors=2, both=True)
    found = optimise(model, roles=["Editor"], budget=0, **QUICK)
    assert found.tried.empty


def test_a_dear_role_gives_way_to_a_cheap_one(make_model: Build) -> None:
    found = optimise(make_model(), budget=1, cost={"Designer": 1000.0}, replications=12)
    assert found.steps["role"][1] == "Writer"
    assert found.front["cost"].is_monotonic_increasing
    assert found.front["value"].is_monotonic_decreasing
    assert found.front["recommended"].sum() <= 1


def test_who_seems_best_within_noise_is_looked_at_again(make_model: Build) -> None:
    """With six replications the writers' large gain is noise beside the designers' small sure one."""
    found = optimise(make_model(writers=3, designers=4), budget=1, **QUICK)
    first = found.steps.iloc[1]
    assert (first["role"], first["replications"]) == ("Writer", 24)
    once = found.tried[found.tried["role"] == "Editor"].iloc[0]
    assert once["replications"] == 6


def test_a_large_gain_within_noise_is_not_passed_over_in_silence() -> None:
    row = {"step": 1, "role": "Writer", "verdict": "noise", "difference": -9.0, "low": -20.0, "high": 2.0}
    kept = {"step": 1, "role": "Designer", "verdict": "kept", "gain_per_cost": 1.0}
    assert unclear([kept, row | {"gain_per_cost": 9.0}], 0.5)[0].startswith("step 1: Writer +1 seems to help more")
    assert unclear([kept, row | {"gain_per_cost": 0.9}], 0.5) == []
    assert unclear([row | {"gain_per_cost": 9.0}], 10.0) == []


def test_plenty_of_people_leaves_nothing_to_do(make_model: Build) -> None:
    found = optimise(make_model(writers=9, designers=9, editors=3), roles=["Writer"], tolerance=0.0, **QUICK)
    assert (found.tried[found.tried["change"] > 0]["verdict"] != "kept").all()
    if len(found.steps) == 1:
        assert found.confirmation is None
        assert "no change" in repr(found)


def test_an_overloaded_start_is_said(make_model: Build) -> None:
    found = optimise(make_model(writers=1), roles=["Editor"], budget=1, **QUICK)
    assert UNSTABLE in found.warnings
    assert (TOGETHER in found.warnings) == (len(found.steps) == 1)
    assert GREEDY in found.warnings


def test_the_luck_of_the_winner_is_said(found: Staffing) -> None:
    assert WINNER in found.warnings


def test_a_higher_figure_may_be_the_better_one(make_model: Build) -> None:
    found = optimise(make_model(designers=2), kpi="throughput_per_week", budget=1, **QUICK)
    assert found.steps["role"][1] == "Designer"
    assert found.steps["low"][1] > 0


def test_the_result_does_not_depend_on_workers_and_follows_the_seed(make_model: Build) -> None:
    quick: dict[str, Any] = {"budget": 1, "roles": ["Designer"], "replications": 4, "weeks": 8}
    one, two = (optimise(make_model(), workers=n, **quick) for n in (1, 2))
    assert json.dumps(one.to_dict()) == json.dumps(two.to_dict())
    assert optimise(make_model(), seed=8, **quick).steps["value"][0] != one.steps["value"][0]


def test_progress_ends_with_all_runs_done(make_model: Build) -> None:
    seen: list[tuple[int, int]] = []
    quick: dict[str, Any] = {"budget": 1, "roles": ["Designer"], "replications": 3, "weeks": 8}
    optimise(make_model(), progress=lambda done, planned: seen.append((done, planned)), **quick)
    assert [done for done, _ in seen] == list(range(1, len(seen) + 1))
    assert seen[-1][0] == seen[-1][1]


def test_the_result_prints_and_converts(found: Staffing) -> None:
    assert "Designer +1 (then 4)" in repr(found)
    assert "<table" in found._repr_html_()
    assert json.loads(json.dumps(found.to_dict()))["steps"][1]["role"] == "Designer"
    changed = found.to_pandas()
    changed["role"] = "x"
    assert found.steps["role"][1] == "Designer"
    assert found.provenance.method.startswith("greedy")
    assert found.provenance.parameters["budget"] == 2


def test_names_are_escaped(make_model: Build) -> None:
    values = make_model().to_dict()
    for person in values["people"]:
        person["roles"] = [role.replace("Designer", "<b>D") for role in person["roles"]]
    values["activities"]["Design"]["role"] = "<b>D"
    found = optimise(SimulationModel.from_dict(values), budget=1, replications=3, weeks=8)
    assert "<b>" not in found._repr_html_()


@pytest.mark.parametrize(
    ("settings", "error", "says"),
    [
        ({"roles": ["Desinger"]}, UnknownNameError, 'did you mean "Designer"'),
        ({"roles": []}, DataError, "at least one role"),
        ({"roles": "Designer"}, DataError, "list of roles"),
        ({"cost": {"Edito": 2.0}}, UnknownNameError, 'did you mean "Editor"'),
        ({"cost": {"Editor": 0.0}}, DataError, "positive number"),
        ({"cost": {"Editor": float("nan")}}, DataError, "positive number"),
        ({"kpi": "cycle_mean"}, UnknownNameError, 'did you mean "cycle_mean_h"'),
        ({"kpi": "utilisation:Designer"}, UnknownNameError, "with a direction"),
        ({"budget": -1}, DataError, "0 or more"),
        ({"budget": 1.5}, DataError, "0 or more"),
        ({"budget": True}, DataError, "0 or more"),
        ({"tolerance": -0.1}, DataError, "between 0 and 0.5"),
        ({"replications": 1}, DataError, "at least 2"),
        ({"confidence": 1.0}, DataError, "between 0.5 and 1"),
        ({"workers": 0}, DataError, "at least 1"),
    ],
)
def test_bad_input_is_told(make_model: Build, settings: dict[str, Any], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        optimise(make_model(), **settings)


@pytest.mark.parametrize("step", [-1, 99, True])
def test_a_step_that_was_not_made_has_no_scenario(found: Staffing, step: int) -> None:
    with pytest.raises(DataError, match="give a step between 0"):
        found.scenario(step)


def test_interval_of_a_step_covers_what_many_replications_say(make_model: Build) -> None:
    """The first step's difference, asked with four times the replications, lies in its interval."""
    found = optimise(make_model(), budget=1, roles=["Designer"], **QUICK)
    row = found.steps.iloc[1]
    answer = experiment(make_model(), [found.scenario(1)], replications=24, weeks=12, seed=99)
    assert row["low"] <= answer.answer(found.scenario(1).name)["difference"] <= row["high"]
    assert np.isfinite(row["gain_per_cost"])


@pytest.fixture(scope="module")
def evident(make_model: Build) -> SimulationModel:
    """The office, of which the work of designers is hardly known."""
    values = make_model().to_dict()
    values["activities"]["Design"]["evidence"] = {"duration": [{"n": 4, "error": 0.4}]}
    return SimulationModel.from_dict(values)


def test_the_search_takes_the_numbers_for_certain_and_the_confirmation_does_not(
    evident: SimulationModel, found: Staffing
) -> None:
    drawn = optimise(evident, budget=2, draws=8, **QUICK)
    pd.testing.assert_frame_equal(drawn.steps, found.steps)
    assert drawn.confirmation is not None
    assert found.confirmation is not None
    assert drawn.confirmation.replications == 8
    assert (drawn.confirmation.answers["parameters"] > 0).any()
    sure = optimise(evident, budget=2, draws=0, **QUICK)
    assert sure.confirmation is not None
    widths = [
        one.answers[one.answers["kpi"] == "cycle_mean_h"].iloc[0][["low", "high"]].diff().iloc[-1]
        for one in (sure.confirmation, drawn.confirmation)
    ]
    assert widths[1] > 1.5 * widths[0]


def test_a_winner_that_need_not_help_is_said(make_model: Build) -> None:
    values = make_model(designers=4).to_dict()
    for name in ("Write", "Design"):
        values["activities"][name]["evidence"] = {"duration": [{"n": 2, "error": 1.2}]}
    found = optimise(SimulationModel.from_dict(values), budget=1, draws=8, **QUICK)
    assert found.confirmation is not None
    assert DOUBTFUL in found.warnings

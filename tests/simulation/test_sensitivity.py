from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import pytest

from mkmine.errors import DataError, UnknownNameError
from mkmine.simulation import Sensitivity, SimulationModel, sensitivity

FAST: dict[str, Any] = {"replications": 4, "weeks": 8, "warm_up_weeks": 4, "seed": 3}


@pytest.fixture(scope="module")
def found(article: SimulationModel) -> Sensitivity:
    return sensitivity(article, **FAST)


def test_every_input_has_a_row(found: Sensitivity, article: SimulationModel) -> None:
    rows = set(found.table["factor"])
    assert {f"staff: {role}" for role in article.roles} | {"arrivals", "rework: Approval"} <= rows
    assert {"duration: Text", "delay: Approval", "delay: Publication"} <= rows
    # Nobody does it, nothing is sent back, nobody waits.
    assert not {"duration: Publication", "rework: Text", "delay: Text"} & rows
    assert found.base == found.experiment.answers.set_index("kpi").loc["cycle_mean_h", "base"].iloc[0]


def test_differences_and_intervals_are_those_of_the_experiment(found: Sensitivity) -> None:
    row = found.table.set_index("factor").loc["duration: Text"]
    assert (row["less"], row["more"]) == (0.8, 1.2)
    answer = found.experiment.answer("duration: Text × 1.2")
    assert row["more_difference"] == answer["difference"]
    assert row["more_half"] == pytest.approx((answer["high"] - answer["low"]) / 2)
    assert row["more_verdict"] == answer["verdict"]
    assert found.experiment.comparisons == len(found.experiment.scenarios)
    sizes = [max(abs(row[f"{side}_difference"]) - row[f"{side}_half"], 0) for side in ("less", "more")]
    assert row["swing"] == max(sizes)


def test_the_last_person_of_a_role_cannot_go(found: Sensitivity) -> None:
    row = found.table.set_index("factor").loc["staff: Approver"]
    assert math.isnan(row["less"])
    assert math.isnan(row["less_difference"])
    assert row["more"] == 1


def test_what_matters_most_comes_first(found: Sensitivity) -> None:
    assert found.table["swing"].is_monotonic_decreasing
    place = found.table["factor"].tolist().index
    assert place("duration: Text") < place("delay: Approval")
    assert place("duration: Text") < place("staff: Marketer")


def test_an_input_that_breaks_the_process_comes_first(queue: Callable[..., SimulationModel]) -> None:
    model = queue(rate=0.8, servers=1, service={"kind": "exponential", "mean": 1})
    found = sensitivity(model, change=0.5, replications=4, weeks=8, warm_up_weeks=1, kinds=["arrivals", "staff"])
    first = found.table.iloc[0]
    assert (first["factor"], first["more_verdict"], first["swing"]) == ("arrivals", "unstable", math.inf)


def test_it_shows_itself(found: Sensitivity) -> None:
    lines = repr(found).splitlines()
    assert lines[0].startswith("Sensitivity of cycle_mean_h (")
    assert len(lines) == len(found.table) + 1
    assert "█" in lines[1]
    assert "—" in next(line for line in lines if "staff: Approver" in line)
    assert "<table" in found._repr_html_()
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False, default=str))["change"] == 0.2
    assert len(found.to_pandas()) == len(found.table)


def test_other_figures_and_kinds(article: SimulationModel) -> None:
    found = sensitivity(article, kpi="utilisation:Writer", kinds=["staff"], **FAST)
    assert found.unit == "share"
    assert set(found.table["kind"]) == {"staff"}
    assert found.table.iloc[0]["factor"] == "staff: Writer"


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"kpi": "cycle_mean"}, UnknownNameError, 'did you mean "cycle_mean_h"'),
        ({"kpi": "utilisation:Writr"}, UnknownNameError, 'did you mean "utilisation:Writer"'),
        ({"kinds": ["people"]}, UnknownNameError, 'unknown kind of input "people"'),
        ({"kinds": []}, DataError, "there is no input of these kinds"),
        ({"change": 0}, DataError, "between 0 and 0.9"),
        ({"change": 1}, DataError, "between 0 and 0.9"),
    ],
)
def test_what_cannot_be_asked(article: SimulationModel, options: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        sensitivity(article, **(FAST | {"kinds": ["arrivals"]} | options))

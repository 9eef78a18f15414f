from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from mkmine.errors import DataError
from mkmine.rollout.prediction import UNSTABLE, Prediction, judge

NAN = float("nan")


def told(low: float, high: float, predicted: tuple[float, float], *, as_large: float = 0.0, placebos: int = 20) -> Any:
    row = {"difference": (low + high) / 2, "low": low, "high": high}
    return judge(row, Prediction.read(predicted, kpi=None), as_large, placebos)


@pytest.mark.parametrize(
    ("low", "high", "predicted", "verdict", "why"),
    [
        (-8, -3, (-6, -5), "came true", "agrees"),
        (-8, 1, (-6, -5), "cannot tell yet", "both"),
        (-2, 1, (-6, -5), "did not come true", "nothing in common"),
        (2, 5, (-6, -5), "did not come true", "other way"),
        (-12, -9, (-6, -5), "did not come true", "larger"),
        (-3, -1, (-6, -5), "did not come true", "smaller"),
        (-0.5, 0.5, (-1, 1), "came true", "within"),
        (-3, 0.5, (-1, 1), "cannot tell yet", "beyond"),
        (NAN, NAN, (-6, -5), "cannot tell yet", "cannot be given"),
    ],
)
def test_verdict(low: float, high: float, predicted: tuple[float, float], verdict: str, why: str) -> None:
    said, reason = told(low, high, predicted)
    assert said == verdict
    assert why in reason


def test_what_is_common_without_a_change_proves_nothing() -> None:
    assert told(-8, -3, (-6, -5), as_large=0.5)[0] == "cannot tell yet"
    assert told(-8, -3, (-6, -5), as_large=0.5, placebos=2)[0] == "came true"


def test_an_answer_of_an_experiment_is_read() -> None:
    row = pd.Series({"kpi": "cycle_mean_h", "base": 20.0, "low": -5.0, "high": -2.0, "verdict": "unstable"})
    read = Prediction.read(row, kpi=None)
    assert (read.kpi, read.low, read.high) == ("cycle_mean_h", -5.0, -2.0)
    assert UNSTABLE in read.warnings(20.0)
    assert len(read.warnings(40.0)) == 2
    assert Prediction.read(-3.0, kpi="cycle_mean_h").low == -3.0


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"kpi": "cycle_p85_h", "low": -1, "high": 0}, "give the same for both"),
        ({"kpi": "cycle_mean_h"}, "experiment.answer"),
        ((0.0, -1.0), "lower one first"),
        ((0.0, NAN), "lower one first"),
        ((1.0, 2.0, 3.0), "interval of the difference"),
        ("soon", "interval of the difference"),
    ],
)
def test_what_is_no_prediction_is_told(given: Any, says: str) -> None:
    with pytest.raises(DataError, match=says):
        Prediction.read(given, kpi="cycle_mean_h")

"""What was predicted of a change, and whether what was observed agrees with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite, isnan
from typing import Any, Literal

import pandas as pd

from mkmine.errors import DataError

__all__ = ["Prediction", "Verdict", "judge"]

Verdict = Literal["came true", "did not come true", "cannot tell yet"]
UNSTABLE = "The prediction came from an unstable model: the size of its difference depends on the simulated span."
# A difference that arises at more than this share of the dates without a change says nothing of the change.
COMMON, FEWEST_PLACEBOS = 0.2, 5
# A start further from the model's than this makes the predicted hours hard to compare.
FAR = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """The predicted difference of a key figure, from `low` to `high`; `base` is the figure it starts from."""

    low: float
    high: float
    kpi: str | None = None
    base: float = float("nan")
    stable: bool = True

    @classmethod
    def read(cls, given: pd.Series | Mapping[str, Any] | tuple[float, float] | float, *, kpi: str | None) -> Prediction:
        """Read an answer of an experiment, an interval or a number.

        Raises `DataError` if it is none of these, if its ends are not finite or not in order, or if it is of another
        key figure than `kpi`.
        """
        if isinstance(given, pd.Series | Mapping):
            row = dict(given)
            if not {"low", "high"} <= set(row):
                raise DataError('predicted: the answer has no "low" and "high"; pass e.g. experiment.answer(scenario)')
            name = row.get("kpi")
            if kpi is not None and name is not None and name != kpi:
                raise DataError(f'predicted is of "{name}", but kpi="{kpi}" is asked; give the same for both')
            ends: tuple[Any, ...] = (row["low"], row["high"])
        else:
            row, name = {}, None
            ends = tuple(given) if isinstance(given, tuple | list) else (given, given)
        try:
            low, high = (float(end) for end in ends)
        except (TypeError, ValueError):
            raise DataError(f"predicted={given!r}: give the interval of the difference, e.g. (-6.5, -2.0)") from None
        if not (isfinite(low) and isfinite(high) and low <= high):
            raise DataError(f"predicted={(low, high)}: give two numbers, the lower one first")
        base = float(row.get("base", float("nan")))
        return cls(low=low, high=high, kpi=name, base=base, stable=row.get("verdict") != "unstable")

    def warnings(self, before: float) -> list[str]:
        """Return what makes the prediction hard to compare with a figure that was `before` in the log."""
        said = [] if self.stable else [UNSTABLE]
        if not isnan(self.base) and self.base and abs(before / self.base - 1) > FAR:
            said.append(
                f"The prediction starts from {self.base:.3g}, the log from {before:.3g}: the model did not describe "
                f"this time well, so compare directions rather than sizes."
            )
        return said


def judge(row: Mapping[Any, Any], predicted: Prediction, as_large: float, placebos: int) -> tuple[Verdict, str]:
    """Return whether a prediction came true, and why, from the observed `difference`, `low` and `high`.

    It came true if the observed interval meets the predicted one and excludes 0; where the predicted one includes 0, if
    the observed one lies within it. It did not come true if the two have nothing in common. Otherwise, and where such
    differences are common without a change, one cannot tell yet.
    """
    low, high = float(row["low"]), float(row["high"])
    if isnan(low) or isnan(high):
        return "cannot tell yet", "the figure or its interval cannot be given yet"
    if low > predicted.high or high < predicted.low:
        return "did not come true", _how(float(row["difference"]), low, high, predicted)
    if predicted.low <= 0 <= predicted.high:
        if predicted.low <= low and high <= predicted.high:
            return "came true", "the observed interval lies within the predicted one"
        return "cannot tell yet", "the observed interval reaches beyond the predicted one, which includes no effect"
    if low <= 0 <= high:
        return "cannot tell yet", "the observed interval includes both no effect and the predicted one"
    if placebos >= FEWEST_PLACEBOS and as_large > COMMON:
        return "cannot tell yet", f"a difference as large arises at {as_large:.0%} of the dates without a change"
    return "came true", "the observed interval excludes no effect and agrees with the predicted one"


def _how(difference: float, low: float, high: float, predicted: Prediction) -> str:
    middle = (predicted.low + predicted.high) / 2
    if middle == 0 or low <= 0 <= high:
        return "the observed interval has nothing in common with the predicted one"
    if difference * middle < 0:
        return "the difference goes the other way"
    size = "larger" if abs(difference) > abs(middle) else "smaller"
    return f"the effect is {size} than predicted"

"""Differences that are read side by side are told in one unit."""

from __future__ import annotations

from mkmine.language import translator
from mkmine.report.rollouts import change_range

RU = translator("ru")


def test_two_ranges_of_a_row_share_a_unit() -> None:
    predicted, observed = [-2.2, -4.0, -0.8], [-24.0, -40.0, -8.0]
    assert change_range("cycle_mean_h", predicted, RU, day=8.0).endswith("ч (−4,0 … −0,8)")
    told = change_range("cycle_mean_h", predicted, RU, day=8.0, beside=observed)
    assert told == "−0,3\u00a0раб.\u00a0дн. (−0,5 … −0,1)"
    assert change_range("cycle_mean_h", [float("nan")] * 3, RU, day=8.0, beside=observed) == "—"

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from mkmine.simulation.experiments.answers import answers, half_widths, level, strained, student
from mkmine.simulation.experiments.replication import Outcome
from mkmine.simulation.experiments.workforce import Pressure


def outcomes(
    scenario: str, growth: float = 0.0, busy: float = 0.5, load: float = 1.2, **values: Sequence[float]
) -> list[Outcome]:
    """Replications with these values of key figures."""
    count = len(next(iter(values.values())))
    return [
        Outcome(
            scenario=scenario,
            replication=number,
            values={key: float(one[number]) for key, one in values.items()} | {"utilisation:r": busy},
            pressure=Pressure(
                growth, {"r": 10 * growth, "s": growth}, {"r": load, "s": 0.5}, load, False, {"utilisation:r": busy}
            ),
            longest_weeks=1.0,
        )
        for number in range(count)
    ]


BASE = np.array([5.0, 6.0, 7.0])


@pytest.mark.parametrize(
    ("key", "difference", "verdict"),
    [
        ("cycle_mean_h", [-1.0, -1.1, -0.9], "better"),
        ("cycle_mean_h", [1.0, 1.1, 0.9], "worse"),
        ("throughput_per_week", [1.0, 1.1, 0.9], "better"),
        ("throughput_per_week", [-1.0, -1.1, -0.9], "worse"),
        ("on_time_share", [1.0, 1.1, 0.9], "better"),
        ("cost_per_case", [1.0, 1.1, 0.9], "worse"),
        ("person:Ann", [-1.0, -1.1, -0.9], "changed"),
        ("cycle_mean_h", [-1.0, 1.0, 0.2], "noise"),
        ("cycle_mean_h", [0.0, 0.0, 0.0], "noise"),
        ("cycle_mean_h", [-0.011, -0.01, -0.009], "negligible"),
        ("person:Ann", [0.011, 0.01, 0.009], "negligible"),
        ("cycle_mean_h", [float("nan"), 1.0, 1.0], "noise"),
    ],
)
def test_verdicts(key: str, difference: list[float], verdict: str) -> None:
    runs = {"": outcomes("", **{key: BASE}), "x": outcomes("x", **{key: BASE + difference})}
    found = answers(runs, 0.95, {})
    assert found.set_index("kpi").loc[key, "verdict"] == verdict
    strain = strained({"x": outcomes("x", growth=0.5, **{key: BASE})}, 0.95)
    shown = answers(runs, 0.95, strain).set_index("kpi").loc[key, "verdict"]
    assert shown == (verdict if key.startswith("person") else "unstable")


def test_figures_of_one_side_only_are_shown_and_not_compared() -> None:
    runs = {
        "": outcomes("", cycle_mean_h=BASE, **{"person:Old": BASE}),
        "x": outcomes("x", cycle_mean_h=BASE, **{"person:New": BASE}),
    }
    found = answers(runs, 0.95, {}).set_index("kpi")
    assert found.loc["person:New", ["value", "verdict"]].tolist() == [6.0, "unpaired"]
    assert found.loc["person:Old", ["base", "verdict"]].tolist() == [6.0, "unpaired"]
    assert found.loc[["person:New", "person:Old"], "difference"].isna().all()


def test_intervals_are_student_s() -> None:
    mean, half = student(np.array([[1.0, 7.0], [2.0, 7.0], [3.0, 7.0]]), 0.95)
    assert mean.tolist() == [2.0, 7.0]
    assert half == pytest.approx([4.302653 / 3**0.5, 0.0])
    assert level(0.95, 5) == pytest.approx(0.99)
    assert level(0.9, 0) == pytest.approx(0.9)


def test_half_widths_are_of_the_paired_difference() -> None:
    noisy = BASE + np.array([0.1, 0.0, -0.1])
    runs = {"": outcomes("", cycle_mean_h=BASE), "x": outcomes("x", cycle_mean_h=noisy)}
    row = half_widths(runs, 0.95, ["cycle_mean_h"]).iloc[0]
    assert (row["scenario"], row["base"]) == ("x", 6.0)
    assert row["half"] == pytest.approx(4.302653 * 0.1 / 3**0.5)


def test_unstable_is_who_grows_or_has_no_free_time() -> None:
    runs = {
        "grows": outcomes("grows", growth=0.2, cycle_mean_h=BASE),
        "busy": outcomes("busy", busy=0.995, cycle_mean_h=BASE),
        "well": outcomes("well", growth=0.02, busy=0.97, cycle_mean_h=BASE),
        # A fortnight's absence: the work in progress grows, and there are people enough.
        "absence": outcomes("absence", growth=0.2, load=0.7, cycle_mean_h=BASE),
    }
    found = strained(runs, 0.95)
    assert set(found) == {"grows", "busy"}
    assert (found["grows"].role, found["grows"].load) == ("r", pytest.approx(1.2))
    assert found["grows"].per_week == pytest.approx(2.0)


def test_growth_within_its_noise_is_stable() -> None:
    wild = [*outcomes("x", growth=0.5, cycle_mean_h=[1.0]), *outcomes("x", growth=-0.5, cycle_mean_h=[1.0])]
    assert strained({"x": [*wild, *outcomes("x", growth=0.1, cycle_mean_h=[1.0])]}, 0.95) == {}

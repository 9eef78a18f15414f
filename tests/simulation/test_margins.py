from __future__ import annotations

import numpy as np
import pytest

from mkmine.simulation.experiments.margins import margins, student

NONE = np.empty((0, 1))


def column(*values: float) -> np.ndarray:
    return np.array(values)[:, None]


def test_a_model_taken_for_certain_has_students_interval() -> None:
    plain = column(1.0, 2.0, 3.0)
    found = margins(plain, NONE, {}, 0.95)
    mean, half = student(plain, 0.95)
    assert (found.low[0], found.high[0]) == pytest.approx((mean[0] - half[0], mean[0] + half[0]))
    assert found.simulation[0] == pytest.approx(half[0])
    assert found.parameters[0] == 0
    assert np.isnan(found.least[0])


def test_the_doubts_add_up_as_squares() -> None:
    generator = np.random.default_rng(3)
    plain = generator.normal(-10, 1, (400, 1))
    drawn = plain[:40] + generator.normal(0, 2, (40, 1))
    found = margins(plain, drawn, {}, 0.95)
    assert found.simulation[0] == pytest.approx(1.97 / 20, rel=0.15)
    # Twice the standard deviation of what is not known, a little more for so few draws.
    assert found.parameters[0] == pytest.approx(4.0, rel=0.3)
    assert found.high[0] - found.low[0] >= 2 * found.parameters[0]


@pytest.mark.parametrize("size", [0.3, 3.0])
def test_the_interval_holds_a_truth_that_is_one_more_draw(size: float) -> None:
    """The effect is known up to a factor: the truth is as far from the model's own numbers as a draw is."""
    generator = np.random.default_rng(5)
    held = 0
    for _ in range(400):
        truth = -size * np.exp(generator.normal(0, 0.5))
        own = truth * np.exp(generator.normal(0, 0.5))
        noise = generator.normal(0, 0.3 * size, (30, 1))
        drawn = own * np.exp(generator.normal(0, 0.5, (20, 1))) + noise[:20]
        found = margins(own + noise, drawn, {}, 0.95)
        held += found.low[0] <= truth <= found.high[0]
    assert 0.92 <= held / 400 <= 0.99


def test_one_wild_draw_does_not_turn_a_clear_effect_into_noise() -> None:
    generator = np.random.default_rng(7)
    plain = generator.normal(-10, 1, (30, 1))
    drawn = plain[:20] * np.exp(generator.normal(0, 0.2, (20, 1)))
    drawn[4] = -150.0
    found = margins(plain, drawn, {}, 0.95)
    assert found.high[0] < 0
    assert found.low[0] < -20


def test_a_figure_that_hardly_ever_differs_keeps_a_finite_interval() -> None:
    found = margins(np.zeros((5, 1)), column(0.0, 0.0, 0.0, 0.0, 0.3), {}, 0.95)
    assert -2 < found.low[0] < 0 < found.high[0] < 2


def test_other_readings_widen_the_interval_to_where_they_lead() -> None:
    plain = column(-3.0, -3.2, -2.8, -3.0)
    found = margins(plain, NONE, {0.5: column(-1.5, -1.7), 0.0: column(0.1, -0.1)}, 0.95)
    assert found.least[0] == pytest.approx(-3.0)
    assert found.most[0] == pytest.approx(0.1, abs=0.01)
    assert found.high[0] > 0.1
    assert found.low[0] == pytest.approx(-3.0 - found.simulation[0])


def test_a_figure_that_some_draw_does_not_have_has_no_interval() -> None:
    found = margins(column(1.0, 2.0), column(1.0, np.nan), {}, 0.95)
    assert np.isnan(found.low[0])


@pytest.mark.parametrize("confidence", [0.95, 0.999, 0.99999])
@pytest.mark.parametrize("count", [2, 3])
def test_few_draws_at_a_high_level_do_not_overflow(count: int, confidence: float) -> None:
    generator = np.random.default_rng(11)
    plain = generator.normal(0, 1, (count, 200)) * 10 ** generator.uniform(-6, 6, 200)
    drawn = plain * 10 ** generator.uniform(-3, 3, (count, 200))
    found = margins(plain, drawn, {}, confidence)
    assert np.isfinite(found.low).all()
    assert np.isfinite(found.high).all()
    assert (found.low <= found.difference).all()
    assert (found.difference <= found.high).all()

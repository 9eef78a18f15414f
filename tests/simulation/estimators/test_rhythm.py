from __future__ import annotations

import numpy as np
import pytest

from mkmine.calendars import DAY, HOUR
from mkmine.simulation.calibration.estimators.rhythm import weekly_rhythm

MONDAY = 4 * DAY


def test_hours_have_their_share_of_the_busiest_one() -> None:
    counts = {(0, 9): 400, (0, 10): 200, (3, 9): 200, (3, 10): 100}
    moments = np.concatenate([np.full(n, MONDAY + d * DAY + h * HOUR) for (d, h), n in counts.items()])
    rhythm = weekly_rhythm(moments, "UTC")
    assert rhythm.max() == 1
    assert rhythm[0, 10] == pytest.approx(0.5, abs=0.01)
    assert rhythm[3, 10] == pytest.approx(0.25, abs=0.01)
    assert rhythm[1].sum() == 0


def test_what_was_seen_once_by_chance_does_not_stand_out_and_rare_hours_stay_possible() -> None:
    rng = np.random.default_rng(3)
    days = rng.integers(0, 5, 300)
    moments = MONDAY + days * DAY + rng.integers(9, 17, 300) * HOUR
    rhythm = weekly_rhythm(np.append(moments, MONDAY + 5 * DAY + 12 * HOUR), "UTC")
    assert 0 < rhythm[5, 12] < 0.2
    assert (rhythm[5, 9:17] > 0).all(), "a Saturday's hours are like those of other days"
    assert rhythm[:5, 9:17].min() > rhythm[5, 12]


def test_nothing_seen_is_everything_alike() -> None:
    assert (weekly_rhythm(np.zeros(0, dtype=np.int64), "UTC") == 1).all()


def test_weights_count() -> None:
    moments = np.array([MONDAY, MONDAY + HOUR])
    rhythm = weekly_rhythm(np.repeat(moments, 100), "UTC", weights=np.repeat([3.0, 1.0], 100))
    assert rhythm[0, 1] == pytest.approx(1 / 3, abs=0.01)

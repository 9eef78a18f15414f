from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkmine.calendars import DAY, HOUR
from mkmine.errors import DataError
from mkmine.simulation import SimulationModel
from mkmine.simulation.model.parts import CalendarModel
from mkmine.simulation.model.weeks import partly_open, told


def read(values: dict[str, Any], weekly: Any) -> list[list[float]]:
    return SimulationModel.from_dict(values | {"arrivals": {"weekly": weekly}}).arrivals.weekly


def test_a_week_in_words_counts_parts_of_hours_and_nights(values: dict[str, Any]) -> None:
    rows = read(values, {"Mon-Fri": {"09:30-18:00": 2, "22:00-01:00": 1}, "Fri": {"22:00-00:30": 4}})
    assert rows[0] == [0.0] * 9 + [1.0] + [2.0] * 8 + [0.0] * 4 + [1.0] * 2
    assert rows[1] == [1.0, *rows[0][1:]]
    # The later entry holds for Friday; its night is Saturday's.
    assert rows[4] == [1.0] + [0.0] * 21 + [4.0, 4.0]
    assert rows[5] == [2.0] + [0.0] * 23


@given(st.lists(st.lists(st.sampled_from([0.0, 0.5, 3.0]), min_size=24, max_size=24), min_size=7, max_size=7))
def test_what_is_written_is_read_again(rows: list[list[float]]) -> None:
    from .conftest import article_values

    for week in (rows, [rows[0]] * 5 + [[0.0] * 24] * 2, [[0.0] * 9 + [1.5] * 9 + [0.0] * 6] * 7):
        written = told(week)
        if not any(map(any, week)):
            assert written == week
        assert read(article_values(), written) == week


def test_few_spans_are_written_in_words() -> None:
    assert told([[0.0] * 9 + [0.15] * 9 + [0.0] * 6] * 5 + [[0.0] * 24] * 2) == {"Mon-Fri": {"09:00-18:00": 0.15}}
    uneven = [[float(hour + 1) for hour in range(24)]] * 7
    assert told(uneven) == uneven


@pytest.mark.parametrize(
    ("weekly", "said"),
    [
        ({"Mon-Fri": "09:00-18:00"}, "has no numbers"),
        ({"Mno": {"09:00-18:00": 1}}, '"Mno" is not a weekday'),
        ({"Mon": {"9-18": 1}}, '"9-18" is not an interval'),
        ({"Mon": {"09:00-18:00": -1}}, "is not a number an hour"),
        ({"Mon": {"09:00-18:00": True}}, "is not a number an hour"),
        ({"Mon": {"09:00-18:00": "many"}}, "is not a number an hour"),
    ],
)
def test_mistakes_are_told(values: dict[str, Any], weekly: Any, said: str) -> None:
    with pytest.raises(DataError, match="arrivals: weekly: .*" + said):
        read(values, weekly)


def test_an_hour_is_open_for_its_part() -> None:
    rows = [[0.0] * 9 + [0.25, 1.0, 0.5, 0.04] + [0.0] * 11] * 5 + [[0.0] * 24] * 2
    calendar = CalendarModel(intensity=rows).compiled("UTC")
    monday = 4 * DAY
    hours = monday + np.arange(168) * HOUR
    opened = calendar.working_time(hours, hours + HOUR) / HOUR
    # Nothing is off by more than a step of five minutes, and the week adds up.
    np.testing.assert_allclose(opened, np.ravel(rows), atol=1 / 12 + 1e-9)
    assert opened.sum() == pytest.approx(np.sum(rows), abs=1 / 12)


@pytest.mark.parametrize("part", [0.0, 1.5])
def test_no_hour_is_open_for_more_than_itself_and_some_hour_is_open(part: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1, and not all 0"):
        partly_open([[part] * 24] * 7)

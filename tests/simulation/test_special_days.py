from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from mkmine.errors import DataError
from mkmine.simulation import SimulationModel
from mkmine.simulation.model.arrivals import arrival_times
from mkmine.simulation.model.special_days import DAY_KINDS, days_of_kind
from mkmine.streams import Streams

from .conftest import single_queue

YEAR = [date(2025, 1, 1) + timedelta(days=day) for day in range(365)]


def test_the_days_are_working_days_of_the_month_and_next_to_holidays() -> None:
    found = {
        kind: [day for day, one in zip(YEAR, days_of_kind(kind, YEAR, "RU"), strict=True) if one] for kind in DAY_KINDS
    }
    assert len(found["month_start"]) == len(found["month_end"]) == 12
    assert found["month_start"][:2] == [date(2025, 1, 9), date(2025, 2, 3)]
    assert found["month_end"][4] == date(2025, 5, 30)
    assert date(2025, 6, 11) in found["holiday_eve"]
    assert date(2025, 1, 9) in found["after_holiday"]


def test_without_a_country_there_are_no_holidays() -> None:
    assert not days_of_kind("holiday_eve", YEAR, None).any()
    assert days_of_kind("month_start", YEAR, None).sum() == 12


def test_more_cases_come_on_special_days() -> None:
    values = single_queue(rate=1.0, servers=1, service={"kind": "fixed", "hours": 1}).to_dict()
    values["arrivals"]["days"] = [{"kind": "month_end", "factor": 5}]
    times = arrival_times(SimulationModel.from_dict(values), Streams(3), weeks=52)
    days = np.array([date(1970, 1, 1) + timedelta(days=int(one // 86_400_000_000)) for one in times])
    last = set(np.array(YEAR)[days_of_kind("month_end", YEAR, None)])
    on = np.array([day in last for day in days])
    assert on.sum() / 12 == pytest.approx(5 * 24, rel=0.1)
    assert (~on).sum() / (364 - 12) == pytest.approx(24, rel=0.05)


def test_each_kind_is_given_once() -> None:
    values = single_queue(rate=1.0, servers=1, service={"kind": "fixed", "hours": 1}).to_dict()
    values["arrivals"]["days"] = [{"kind": "month_end", "factor": 5}, {"kind": "month_end", "factor": 2}]
    with pytest.raises(DataError, match="there twice"):
        SimulationModel.from_dict(values)

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from mkmine.calendars import DAY, Calendar, to_us
from mkmine.eventlog import EventLog
from mkmine.simulation import SimulationModel, simulate
from mkmine.simulation.kpis import KPIS, kpi, measure, utilisation

OFFICE = Calendar.parse({"Mon-Fri": "09:00-17:00"})
BASE = pd.Timestamp("2025-03-03", tz="UTC")  # a Monday
ORIGIN = to_us(BASE.to_pydatetime())


def moment(day: int, hour: float) -> pd.Timestamp:
    return BASE + pd.Timedelta(days=day, hours=hour)


def made(**options: object) -> EventLog:
    frame = pd.DataFrame(
        [
            # Case 1: 2 h of work, a night between, sent back once; 1 + 2 h of queue; an outside wait of 4 h.
            ("1", "Text", "Ann", moment(0, 9), moment(0, 10), moment(0, 12)),
            ("1", "Check", "Bob", moment(0, 12), moment(0, 14), moment(0, 15)),
            ("1", "Text", "Ann", moment(0, 15), moment(0, 15), moment(1, 9)),
            ("1", "Legal", None, moment(1, 9), moment(1, 9), moment(1, 13)),
            # Case 2: one hour of work, at once.
            ("2", "Text", "Ann", moment(1, 9), moment(1, 9), moment(1, 10)),
            # Case 3 begins after the window.
            ("3", "Text", "Ann", moment(8, 9), moment(8, 9), moment(8, 10)),
        ],
        columns=["case", "activity", "who", "enabled", "start", "end"],
    )
    return EventLog.from_pandas(
        frame,
        start="start",
        enabled="enabled",
        resource="who",
        calendar=OFFICE,
        **options,  # type: ignore[arg-type]
    )


def test_figures_by_hand() -> None:
    found = measure(made(), (ORIGIN, ORIGIN + 7 * DAY))
    # Cycle times: Monday 9 to Tuesday 13 are 8 + 4 hours; and 1 hour.
    assert found == {
        "cycle_mean_h": pytest.approx(6.5),
        "cycle_median_h": pytest.approx(6.5),
        "cycle_p85_h": pytest.approx(1 + 0.85 * 11),
        "waiting_per_case_h": pytest.approx((1 + 2 + 4) / 2),
        "processing_per_case_h": pytest.approx((2 + 1 + 2 + 1) / 2),
        "rework_per_case": pytest.approx(0.5),
        "throughput_per_week": pytest.approx(2.0),
    }


def test_open_cases_do_not_count() -> None:
    log = made(completed=pd.Series([False], index=["1"]))
    found = measure(log, (ORIGIN, ORIGIN + 7 * DAY))
    assert found["cycle_mean_h"] == pytest.approx(1.0)
    assert found["throughput_per_week"] == pytest.approx(1.0)


def test_an_empty_window_has_no_times_but_a_throughput() -> None:
    found = measure(made(), (ORIGIN + 20 * DAY, ORIGIN + 27 * DAY))
    assert found["throughput_per_week"] == 0
    assert all(math.isnan(value) for key, value in found.items() if key != "throughput_per_week")


def test_completions_only_do_not_tell_waiting_from_processing() -> None:
    frame = made().to_pandas()
    log = EventLog.from_pandas(frame, resource="resource", calendar=OFFICE)
    found = measure(log, (ORIGIN, ORIGIN + 7 * DAY))
    assert math.isnan(found["waiting_per_case_h"])
    assert math.isnan(found["processing_per_case_h"])
    assert found["cycle_mean_h"] > 0


def test_each_key_has_a_unit_and_a_direction() -> None:
    assert set(measure(made(), (ORIGIN, ORIGIN + DAY))) == {one.key for one in KPIS}
    assert kpi("throughput_per_week").better == "higher"
    assert kpi("cycle_mean_h").better == "lower"
    assert (kpi("utilisation:Writer").unit, kpi("utilisation:Writer").better) == ("share", "neither")


def test_utilisation_is_work_over_open_hours(article: SimulationModel) -> None:
    log = simulate(article, weeks=20)
    first = int(log.observed[0])
    window = (first, first + 70 * DAY)
    found = utilisation(log, article, window)
    assert set(found) == {f"utilisation:{role}" for role in article.roles}
    bob = article.calendar("office")
    rows = np.flatnonzero(log.role == log.roles.index("Marketer"))
    spent = bob.working_time(np.clip(log.start[rows], *window), np.clip(log.end[rows], *window)).sum()
    assert found["utilisation:Marketer"] == pytest.approx(spent / int(bob.working_time(*window)))
    assert all(0 < value <= 1 for value in found.values())


def test_someone_always_busy_is_fully_used(queue: object) -> None:
    model = queue(rate=3, servers=1, service={"kind": "fixed", "hours": 1})  # type: ignore[operator]
    log = simulate(model, cases=1_000)
    first = int(log.start.min())
    assert utilisation(log, model, (first, first + 20 * DAY))["utilisation:Server"] == pytest.approx(1, abs=0.01)

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from mkmine.calendars import DAY, Calendar, to_us
from mkmine.eventlog import EventLog
from mkmine.simulation import SimulationModel, simulate
from mkmine.simulation.experiments.kpis import KPIS, average_level, case_spans, in_order, known, kpi, measure, names

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
        "cycle_p95_h": pytest.approx(1 + 0.95 * 11),
        "waiting_per_case_h": pytest.approx((1 + 2 + 4) / 2),
        "processing_per_case_h": pytest.approx((2 + 1 + 2 + 1) / 2),
        "rework_per_case": pytest.approx(0.5),
        "throughput_per_week": pytest.approx(2.0),
        # By the clock: 28 hours and 1 hour, of 168.
        "wip": pytest.approx(29 / 168),
    }


def test_on_time_is_within_the_hours_agreed() -> None:
    window = (ORIGIN, ORIGIN + 7 * DAY)
    assert [measure(made(), window, sla_h=hours)["on_time_share"] for hours in (0.5, 1, 11.9, 12)] == [0, 0.5, 0.5, 1]
    assert "on_time_share" not in measure(made(), window)


def test_average_level_is_an_area_over_a_span() -> None:
    begin, finish = np.array([0, 10, 95]) + 10**15, np.array([40, 20, 300]) + 10**15
    found = average_level(begin, finish, np.array([0.0, 50.0, 100.0]) + 1e15)
    assert found.tolist() == [50 / 50, 5 / 50]


def test_littles_law_holds_of_every_run(article: SimulationModel) -> None:
    log = simulate(article, weeks=12)
    begin, finish = case_spans(log)
    window = (int(begin.min()), int(finish.max()))
    mean = (finish - begin).mean() / (window[1] - window[0]) * log.n_cases
    assert measure(log, window)["wip"] == pytest.approx(mean)


def test_open_cases_do_not_count() -> None:
    log = made(completed=pd.Series([False], index=["1"]))
    found = measure(log, (ORIGIN, ORIGIN + 7 * DAY))
    assert found["cycle_mean_h"] == pytest.approx(1.0)
    assert found["throughput_per_week"] == pytest.approx(1.0)


def test_an_empty_window_has_no_times_but_a_throughput() -> None:
    found = measure(made(), (ORIGIN + 20 * DAY, ORIGIN + 27 * DAY))
    assert found["throughput_per_week"] == 0
    assert all(math.isnan(value) for key, value in found.items() if key not in ("throughput_per_week", "wip"))


def test_completions_only_do_not_tell_waiting_from_processing() -> None:
    frame = made().to_pandas()
    log = EventLog.from_pandas(frame, resource="resource", calendar=OFFICE)
    found = measure(log, (ORIGIN, ORIGIN + 7 * DAY))
    assert math.isnan(found["waiting_per_case_h"])
    assert math.isnan(found["processing_per_case_h"])
    assert found["cycle_mean_h"] > 0


def test_what_belongs_together_stands_together() -> None:
    found = in_order({"person:Ann": 1, "wip": 1, "utilisation:r": 1, "waiting_queue_h": 1, "cycle_mean_h": 1})
    assert list(found) == ["cycle_mean_h", "waiting_queue_h", "wip", "person:Ann", "utilisation:r"]
    assert {one.key for one in KPIS} < set(names())
    assert all(known(key) for key in names())


def test_each_key_has_a_unit_and_a_direction() -> None:
    assert set(measure(made(), (ORIGIN, ORIGIN + DAY))) == {one.key for one in KPIS}
    assert kpi("throughput_per_week").better == "higher"
    assert kpi("cycle_mean_h").better == "lower"
    assert (kpi("utilisation:Writer").unit, kpi("utilisation:Writer").better) == ("share", "neither")

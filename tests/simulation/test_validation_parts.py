"""The parts of a backtest: windows, profiles, distances, bands and grades."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkmine.calendars import DAY, HOUR
from mkmine.errors import DataError
from mkmine.eventlog import EventLog
from mkmine.eventlog.observation import as_observed
from mkmine.performance.availability import estimate_presence
from mkmine.simulation import Validation, backtest, simulate
from mkmine.simulation.calibration.estimators.durations import estimate_spent
from mkmine.simulation.calibration.estimators.steps import find_steps
from mkmine.simulation.experiments.bands import band
from mkmine.simulation.validation.comparison import figures_floor
from mkmine.simulation.validation.profiles import ASPECTS, Names, distances, levels, profile
from mkmine.simulation.validation.result import graded
from mkmine.simulation.validation.trials import choose_windows, stretches

from .conftest import single_queue


@pytest.fixture(scope="module")
def log() -> EventLog:
    model = single_queue(rate=0.1, servers=2, service={"kind": "exponential", "mean": 8}, rework=0.2)
    return simulate(model, weeks=30, seed=2)


@pytest.fixture(scope="module")
def names(log: EventLog) -> Names:
    return Names(activities=tuple(log.activities), people=tuple(log.resources))


def test_windows_are_equal_and_end_with_the_log(log: EventLog) -> None:
    windows = choose_windows(log, 0.5, None)
    assert len(windows) == 4
    assert windows[0][0] == int(np.quantile(log.end, 0.5))
    assert windows[-1][1] == log.observed[1]
    assert all(one[1] == other[0] for one, other in pairwise(windows))
    assert np.ptp([until - cut for cut, until in windows]) <= 3
    assert len(choose_windows(log, 0.7, 2)) == 2


def test_a_shorter_log_has_fewer_windows(log: EventLog) -> None:
    few = log.keep_cases(np.arange(log.n_cases) % 12 == 0, action="filter", detail="few")
    assert 1 <= len(choose_windows(few, 0.5, None)) < 4
    with pytest.raises(DataError, match="ask for fewer cuts"):
        choose_windows(few, 0.5, 4)


def test_stretches_lead_up_to_the_windows(log: EventLog) -> None:
    windows = choose_windows(log, 0.5, None)
    found = stretches(log, windows)
    assert found[-4:] == windows
    assert found[0][0] >= log.observed[0]
    assert all(one[1] == other[0] for one, other in pairwise(found))


def test_a_profile_counts_what_is_there(make_log: Callable[..., EventLog]) -> None:
    """Monday 2025-03-03: A 9-10 by Ann, B 12-14 by Bob after two hours of waiting; A again 14-15; the day after, A."""
    found = make_log([("1", "A", 9, 10, "Ann"), ("1", "B", 12, 14, "Bob"), ("1", "A", 14, 15, "Ann"),
                      ("2", "A", 33, 34, "Ann")])  # fmt: skip
    begin = int(found.start.min()) - 9 * HOUR
    window = (begin, begin + 7 * DAY)
    names = Names(activities=("B", "A", "C"), people=("Bob", "Ann"))
    one = profile(found, window, names)
    office = found.working_calendar()
    assert one.begun.tolist() == [1, 3, 0]
    assert one.waiting[0] == office.working_time(begin + 10 * HOUR, begin + 12 * HOUR) / HOUR
    assert np.isnan(one.waiting[2])
    assert one.rounds.tolist() == [[1, 0, 0, 0], [2, 1, 0, 0], [0, 0, 0, 0]]
    assert one.queues[0] == pytest.approx(2 / (7 * 24))
    assert one.in_progress[0] == pytest.approx(6 / 24)
    assert one.arrivals[0, 9] == one.arrivals[1, 9] == 1
    assert one.events.sum() == 8
    assert one.workload.tolist() == [2, 3]


def test_open_cases_are_in_progress_until_the_end() -> None:
    begin, finish = np.array([0, 0]), np.array([DAY, 10 * DAY])
    assert levels(begin, finish, (0, 4 * DAY)).tolist() == [2, 1, 1, 1]


def test_a_profile_lies_nowhere_from_itself(log: EventLog, names: Names) -> None:
    windows = choose_windows(log, 0.5, None)
    one, other = (profile(as_observed(log, window), window, names) for window in windows[:2])
    assert set(distances(one, one).values()) == {0.0}
    assert tuple(distances(one, other)) == ASPECTS
    assert all(value > 0 for value in distances(one, other).values())
    floor = figures_floor([one, other])
    assert floor["throughput_per_week"] == pytest.approx(
        abs(one.figures["throughput_per_week"] / other.figures["throughput_per_week"] - 1)
    )


def test_bands_hold_one_more_run_in_95_of_100_cases() -> None:
    generator = np.random.default_rng(0)
    draws = generator.lognormal(0, 0.5, size=(4_000, 11))
    bands = [band(row[:10]) for row in draws]
    inside = [one.low <= row[10] <= one.high for one, row in zip(bands, draws, strict=True)]
    assert np.mean(inside) == pytest.approx(0.95, abs=0.012)


@given(st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")), max_size=12))
def test_a_band_lies_around_its_mean_or_is_unknown(values: list[float]) -> None:
    one = band(np.array(values))
    if np.isfinite(values).sum() >= 2:
        assert one.low <= one.high
        assert min(v for v in values if v == v) - 1e-6 <= one.predicted <= max(v for v in values if v == v) + 1e-6
    else:
        assert np.isnan(one.low)


def cuts(errors: dict[str, list[float]], *, inside: bool, floor: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    rows = [
        {"kpi": key, "cut": str(number), "actual": 1.0, "error": error, "inside": inside}
        for key, of in errors.items()
        for number, error in enumerate(of)
    ]
    return pd.DataFrame({"kpi": list(errors), "floor": floor}), pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("errors", "inside", "floor", "grade"),
    [
        ([0.1, -0.1, 0.1, 0.1], False, 0.0, "good"),
        ([0.2, 0.2, 0.2, 0.2], False, 0.0, "fair"),
        ([0.2, 0.2, 0.2, 0.2], True, 0.0, "good"),
        ([0.2, -0.2, 0.2, 0.2], False, 0.25, "good"),
        ([0.0, 0.0, 0.0, 0.5], False, 0.0, "fair"),
        ([0.5, 0.5, 0.5, 0.0], False, 0.0, "poor"),
        ([float("nan")] * 4, False, 0.0, "poor"),
    ],
)
def test_the_grade_looks_at_the_mean_over_cuts_and_at_the_latest(
    errors: list[float], inside: bool, floor: float, grade: str
) -> None:
    table, each = cuts({"cycle_median_h": errors, "throughput_per_week": [0.0] * 4}, inside=inside, floor=floor)
    found, reasons = graded(table, each)
    assert found == grade
    assert reasons == (() if grade == "good" else ("cycle_median_h",))


def test_other_figures_do_not_count() -> None:
    table, each = cuts({"cycle_median_h": [0.0], "wip": [9.0]}, inside=False, floor=0.0)
    assert graded(table, each) == ("good", ())


def test_it_says_in_what_it_fails_in_either_language(log: EventLog) -> None:
    """From the cut on, the work takes five times as long."""
    cut = int(np.quantile(log.end, 0.5))
    slow = np.where(log.start > cut, log.start + 5 * (log.end - log.start) + 10 * DAY, log.end)
    found = backtest(replace(log, end=slow, observed=(log.observed[0], int(slow.max()))), replications=5, cuts=1)
    assert found.grade == "poor"
    assert "cycle_median_h is foretold" in found.warning
    assert any(line.startswith("Cycle time, median: foretold") for line in found.explain())
    assert any(line.startswith("Время цикла, медиана: предсказано") for line in found.explain("ru"))
    assert any("one cut only" in note for note in found.notes)
    assert found.cuts == 1


def test_logs_without_people_and_of_completions_are_checked_as_far_as_they_tell(log: EventLog) -> None:
    nobody = replace(log, resource=np.full(len(log), -1, dtype=log.resource.dtype), resources=())
    assert any("no people" in note for note in backtest(nobody, replications=5, cuts=2).notes)
    done = replace(log, start=log.end, enabled=None, timestamps="completed")
    found: Validation = backtest(done, replications=5, cuts=2)
    table = found.table.set_index("kpi")
    assert np.isnan(table.loc["waiting_per_case_h", "actual"])
    assert any("completions only" in note for note in found.notes)
    assert table.loc["cycle_median_h", "typical_error"] < 0.5
    assert found.aspects.set_index("aspect").loc["waiting", "verdict"] == "unknown"


@pytest.mark.parametrize(
    ("name", "activities"),
    [
        ("Insurance_Claims_1_timer", ("Determine likelihood of the claim",)),
        # Payment and advice are done side by side, though the one nearly always begins when the other is over.
        ("Insurance_Claims_3_timers", ("Close Claim", "Determine likelihood of the claim", "Initiate Payment")),
        ("Insurance_Claims_5_timers", ("Advise Claimant on Reimbursement", "Assess Claim", "Initiate Payment")),
        ("Loan_Application_1_timer", ("Assess loan risk",)),
        ("Loan_Application_3_timers", ("Applicant completes form", "Approve application", "Assess loan risk")),
        ("Loan_Application_5_timers", ("Applicant completes form", "Cancel application", "Reject application")),
    ],
)
def test_true_outside_delays_are_recovered(shared_logs: Path, name: str, activities: tuple[str, ...]) -> None:
    from mkmine.simulation.calibration import calibration

    frame = pd.read_csv(shared_logs / "groundtruth" / f"{name}.csv.gz", dtype={"case_id": str})
    truth = frame.groupby("activity")["extraneous_delay"].sum() / 3600
    for column in ("start_time", "end_time"):
        frame[column] = pd.to_datetime(frame[column], utc=True, format="ISO8601")
    found = EventLog.from_pandas(
        frame.drop(columns="extraneous_delay"), case="case_id", start="start_time", end="end_time", resource="resource"
    )
    steps, pools = find_steps(found), calibration._working_pools(found)
    presence = estimate_presence(found, pools)
    clock = calibration._rhythm(found, steps, presence).compiled(presence.office.time_zone)
    spent = estimate_spent(found, steps.enabled, presence, clock)
    for activity in activities:
        code = list(found.activities).index(activity)
        assert spent.steady[code]
        assert np.nansum(spent.delay[found.activity == code]) == pytest.approx(truth[activity], rel=0.03)
    # And hardly any where there is none.
    assert np.nansum(spent.delay) == pytest.approx(truth.sum(), rel=0.05)


def test_waiting_that_is_next_to_nothing_costs_little() -> None:
    errors = {"cycle_mean_h": [0.0], "waiting_per_case_h": [1.0]}
    table, each = cuts(errors, inside=False, floor=0.0)
    assert graded(table, each)[0] == "poor"
    each.loc[each["kpi"] == "waiting_per_case_h", "actual"] = 0.05
    assert graded(table, each) == ("good", ())

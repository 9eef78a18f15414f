from __future__ import annotations

import json
from collections.abc import Callable
from heapq import heappop, heappush
from pathlib import Path

import pytest

from mkmine.calendars import Calendar
from mkmine.eventlog import EventLog
from mkmine.eventlog.cleaning.estimates import estimate_starts
from mkmine.eventlog.cleaning.filters import keep_variants
from mkmine.eventlog.formats.read import read
from mkmine.performance import Diagnosis, diagnose
from mkmine.performance.diagnosis import COMPLETIONS_ONLY, ESTIMATED_STARTS, PARTIAL_WORK, STATUS_LOG

ALWAYS = Calendar.always()


@pytest.fixture
def queue(make_log: Callable[..., EventLog]) -> EventLog:
    """Ten articles written in parallel, one busy approver, half of them sent back once, and an agency outside."""
    rows: list[tuple[object, ...]] = [(f"c{i}", "Writing", i, i + 1, f"Writer-{i % 3}") for i in range(10)]
    queue = [(i + 1.0, i, 1) for i in range(10)]
    free = 0.0
    while queue:
        ready, i, number = heappop(queue)
        name, start = f"c{i}", max(ready, free)
        free = start + 2
        rows.append((name, "Approval", start, free, "Clara"))
        if i % 2 == 0 and number == 1:
            rows.append((name, "Writing", free, free + 1, f"Writer-{i % 3}"))
            heappush(queue, (free + 1, i, 2))
        else:
            rows.append((name, "Agency", free, free + 3, None))
            rows.append((name, "Publishing", free + 3, free + 3.5, "Writer-0"))
    return make_log(rows)


def test_the_busy_approver_is_the_bottleneck(queue: EventLog) -> None:
    found = diagnose(queue, calendar=ALWAYS)
    first = found.bottlenecks.iloc[0]
    assert (first["rank"], first["kind"], first["where"], first["role"]) == (1, "queue", "Approval", "Clara")
    assert first["evidence"]["utilisation"] > 0.8
    assert set(found.bottlenecks["kind"]) == {"queue", "rework", "outside"}
    assert found.bottlenecks["hours"].is_monotonic_decreasing
    outside = found.bottlenecks[found.bottlenecks["kind"] == "outside"].iloc[0]
    assert (outside["where"], outside["hours"]) == ("Agency", 30)
    worst = found.bottlenecks.iloc[0]["examples"]
    assert len(worst) == 3


def test_the_levers_are_the_approver_the_loop_and_the_wait_outside(queue: EventLog) -> None:
    found = diagnose(queue, calendar=ALWAYS)
    levers = found.levers
    assert [(one.kind, one.name, one.value) for one in levers] == [
        ("staff", "Clara", 1.0),
        ("skill", "Clara", 1.0),
        ("rework", "Approval", 0.5),
        ("wait", "Agency", 0.5),
        ("wip_limit", "log", 4.0),
    ]
    assert "5 returns to Writing" in levers[2].reason
    # Three hours each at the agency.
    assert levers[3].gain_h == pytest.approx(1.5)
    assert levers[3].examples == ("c0", "c1", "c2")


def test_an_activity_that_always_leads_back_takes_no_decision(make_log: Callable[..., EventLog]) -> None:
    rows = [("1", "A", 1, 2, "x"), ("1", "Return", 3, 4, "y"), ("1", "A", 5, 6, "x"), ("1", "B", 7, 8, "x")]
    assert "rework" not in {one.kind for one in diagnose(make_log(rows), calendar=ALWAYS).levers}


def test_completions_allow_no_advice_on_staff(make_log: Callable[..., EventLog]) -> None:
    rows = [("1", "A", 1, 1, "x"), ("1", "B", 9, 9, "y"), ("1", "A", 12, 12, "x"), ("1", "B", 13, 13, "y")]
    log = make_log(rows, timestamps="completed")
    found = diagnose(log, calendar=ALWAYS)
    assert COMPLETIONS_ONLY in found.notes
    assert {one.kind for one in found.levers} == {"wait", "rework"}
    # What passes before a completion is no queue: it may all be work.
    assert set(found.bottlenecks["kind"]) == {"waiting and work", "rework"}
    assert "queue" not in repr(found)


def test_of_completions_a_range_of_the_wait_is_told(make_log: Callable[..., EventLog]) -> None:
    # y is always free when A is over: the four hours until B may be work, or a wait for anything.
    rows = [(str(i), name, at + i % 7, at + i % 7, who) for i in range(40) for name, at, who in
            (("A", 24 * i + 1, "x"), ("B", 24 * i + 5 + i % 3, "y"))]  # fmt: skip
    found = diagnose(make_log(rows, timestamps="completed"), calendar=ALWAYS)
    (wait,) = (one for one in found.levers if one.kind == "wait")
    assert wait.low_h == pytest.approx(0)
    assert 0 < wait.gain_h < wait.high_h
    assert wait.evidence["low_hours"] == pytest.approx(0)
    assert wait.evidence["high_hours"] > 10
    assert "as far as completions tell" in wait.reason


def test_estimated_starts_allow_no_more_advice_than_completions(make_log: Callable[..., EventLog]) -> None:
    rows = [("1", "A", 1, 1, "x"), ("1", "B", 9, 9, "y"), ("1", "A", 12, 12, "x"), ("1", "B", 13, 13, "y")]
    log = estimate_starts(make_log(rows, timestamps="completed"), calendar=ALWAYS)
    found = diagnose(log, calendar=ALWAYS)
    assert ESTIMATED_STARTS in found.notes
    assert "queue" not in set(found.bottlenecks["kind"])
    assert {one.kind for one in found.levers} <= {"wait", "rework"}


def test_after_a_filter_nobody_knows_how_busy_the_people_are(queue: EventLog) -> None:
    found = diagnose(keep_variants(queue, 1), calendar=ALWAYS)
    assert PARTIAL_WORK in found.notes
    assert found.workload["utilisation"].isna().all()
    assert "staff" not in {one.kind for one in found.levers}


def test_one_event_is_diagnosed(make_log: Callable[..., EventLog]) -> None:
    found = diagnose(make_log([("1", "A", 0, 0)]), calendar=ALWAYS)
    assert len(found.bottlenecks) == 0
    assert found.levers == ()
    assert "Diagnosis" in repr(found)
    json.dumps(found.to_dict())


def test_a_diagnosis_prints_and_converts_safely(make_log: Callable[..., EventLog]) -> None:
    log = make_log([("<1>", "<b>A", 0, 1, "<x>"), ("<1>", "<b>B", 3, 4, "<y>")])
    found = diagnose(log, calendar=ALWAYS)
    assert "<b>" not in found._repr_html_()
    plain = json.loads(json.dumps(found.to_dict()))
    assert plain["bottlenecks"][0]["where"] == "<b>B"
    assert plain["bottlenecks"][0]["evidence"]["median_h"] == 2
    assert found.to_pandas() is not found.bottlenecks


def known_bottleneck(found: Diagnosis) -> tuple[str, str]:
    first = found.bottlenecks.iloc[0]
    return first["kind"], first["where"]


@pytest.mark.shared
def test_the_known_bottleneck_of_a_synthetic_process_is_found(shared_logs: Path) -> None:
    found = diagnose(read(shared_logs / "groundtruth" / "Loan_Application.csv.gz"))
    assert known_bottleneck(found) == ("queue", "Appraise property")
    assert found.levers[0].name == "Appraiser"
    load = found.workload.set_index("role")
    assert load.at["Appraiser", "utilisation"] > 0.95
    assert load.at["Appraiser", "people"] == 2


@pytest.mark.shared
def test_a_tracker_of_statuses_gives_a_sensible_diagnosis(shared_logs: Path) -> None:
    log = read(
        shared_logs / "trackers" / "bpic2013_incidents.xes.gz",
        activity=["concept:name", "lifecycle:transition"],
        timestamps="entered",
    )
    found = diagnose(log)
    assert STATUS_LOG in found.notes
    waits = found.bottlenecks.groupby("kind")["where"].agg(set)
    assert waits["queue"] == {"Queued / Awaiting Assignment", "Accepted / Assigned"}
    assert {"Accepted / Wait - User", "Completed / Resolved"} <= waits["outside"]
    assert "Accepted / In Progress" not in waits["outside"]
    assert [one.name for one in found.levers if one.kind == "wait"] == ["Accepted / Wait - User"]
    assert 0.05 < found.cases["flow_efficiency"] < 0.4
    assert found.cases["open"] == int((~log.completed).sum())


def test_the_truth_of_the_sample_is_found_again(root: Path) -> None:
    from mkmine.sources import read as read_any

    truth = json.loads((root / "data" / "article" / "truth.json").read_text(encoding="utf-8"))
    found = diagnose(read_any(root / "data" / "article" / "tracker.csv"))
    waits = found.waiting.set_index("activity")["waiting_total_h"]
    inside = [row for row in truth["waiting"]["by_activity"] if not row["outside_h"] and row["waiting_h"] > 1000]
    assert len(inside) >= 5
    for row in inside:
        assert waits[row["activity"]] == pytest.approx(row["waiting_h"], rel=0.15)
    load = found.workload.set_index("role")
    for row in truth["capacities"]:
        if row["role"] in load.index and load.at[row["role"], "processing_h"] > 0:
            assert load.at[row["role"], "utilisation"] == pytest.approx(row["utilisation"], abs=0.15)
    hardest = max(truth["waiting"]["by_activity"], key=lambda row: row["contention_h"])["activity"]
    staff = next(one for one in found.levers if one.kind == "staff")
    assert staff.name == found.waiting.set_index("activity").at[hardest, "role"]

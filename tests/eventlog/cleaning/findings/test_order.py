from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from mkmine.errors import DataError
from mkmine.eventlog import EventLog
from mkmine.eventlog.cleaning.findings.order import bulk_moves, correction_rows, repeated
from mkmine.eventlog.cleaning.quality import Finding
from mkmine.eventlog.cleaning.repairs import mark_bulk

Office = Callable[..., pd.DataFrame]
Logged = Callable[..., EventLog]
Found = Callable[[EventLog], dict[str, Finding]]


def test_bulk_moves_are_found_by_person_and_minute(office: Office, logged: Logged, findings: Found) -> None:
    frame = office()
    rows = frame.index[frame["activity"] == "Publication"][:7]
    frame.loc[rows, "resource"] = "Anna"
    frame.loc[rows, "end"] = pd.Timestamp("2025-07-24 16:00:00") + pd.to_timedelta(np.arange(7), unit="s")
    assert findings(logged(frame))["bulk"].count == 7
    frame.loc[rows, "resource"] = [*"abcdefg"]
    assert "bulk" not in findings(logged(frame))
    frame.loc[rows, "resource"] = None
    assert "bulk" not in findings(logged(frame))
    assert "bulk" not in findings(logged(frame, resource=None))


@pytest.mark.parametrize("as_text", [False, True])
def test_moves_that_are_marked_already_are_not_told_again(
    office: Office, logged: Logged, findings: Found, as_text: bool
) -> None:
    frame = office()
    rows = frame.index[frame["activity"] == "Publication"][:7]
    frame.loc[rows, "resource"] = "Anna"
    frame.loc[rows, "end"] = pd.Timestamp("2025-07-24 16:00:00") + pd.to_timedelta(np.arange(7), unit="s")
    frame["bulk"] = frame.index.isin([0, 1, *rows[:3]])
    if as_text:
        frame["bulk"] = frame["bulk"].map({True: "true", False: "false"})
    log = logged(frame, attributes=["bulk"])
    assert findings(log)["bulk"].count == 4
    marked = mark_bulk(log)
    assert (marked.attributes["bulk"].sum(), marked.history[-1].touched) == (9, 4)
    assert "bulk" not in findings(marked)
    frame["bulk"] = frame.index
    with pytest.raises(DataError, match='"bulk" holds other values'):
        mark_bulk(logged(frame, attributes=["bulk"]))


def test_several_moves_of_one_case_are_no_bulk(office: Office, logged: Logged) -> None:
    frame = office()
    rows = frame.index[frame["case"] == "T-1"]
    frame.loc[rows, ["start", "end"]] = pd.Timestamp("2025-07-24 16:00:00")
    assert not bulk_moves(logged(frame)).any()


def test_a_machine_that_does_as_much_in_every_minute_moves_nothing_in_bulk() -> None:
    draws = np.random.default_rng(5)
    seconds = np.sort(draws.uniform(0, 6 * 3600, 6 * 60 * 8))
    frame = pd.DataFrame({"case": np.arange(len(seconds)), "activity": "Check", "resource": "robot"})
    frame["end"] = pd.Timestamp("2025-03-03 08:00") + pd.to_timedelta(seconds, unit="s")
    log = EventLog.from_pandas(frame, resource="resource")
    assert not bulk_moves(log).any()
    burst = frame.assign(case=frame["case"] + 10_000).iloc[:60]
    burst["end"] = pd.Timestamp("2025-03-03 10:00:10")
    both = EventLog.from_pandas(pd.concat([frame, burst], ignore_index=True), resource="resource")
    assert bulk_moves(both).sum() >= 60


def test_corrections_are_found_within_a_case_only(make_log: Callable[..., EventLog]) -> None:
    second = 1 / 3600
    rows = [
        ("1", "A", 0, 1),
        ("1", "B", 1, 1 + 5 * second),
        ("1", "A", 1 + 5 * second, 3),
        ("2", "A", 0, 1),
        ("3", "B", 1, 1),
        ("4", "A", 1, 1),
    ]
    log = make_log(rows)
    assert correction_rows(log).tolist() == [1]
    assert correction_rows(log, within=4_000_000).tolist() == []


def test_overlaps_are_told_unless_two_activities_run_in_parallel_by_design(
    office: Office, logged: Logged, findings: Found
) -> None:
    frame = office()
    design = frame["activity"] == "Design"
    review = frame[frame["activity"] == "Review the text"].set_index("case")["start"]
    parallel = frame.copy()
    parallel.loc[design, "start"] = frame.loc[design, "case"].map(review) + pd.Timedelta(minutes=1)
    parallel["end"] = parallel[["start", "end"]].max(axis=1)
    assert "overlaps" not in findings(logged(parallel))
    few = frame.index[design][:6]
    frame.loc[few, "start"] = frame.loc[few, "case"].map(review) + pd.Timedelta(minutes=1)
    assert findings(logged(frame))["overlaps"].count >= 6


def test_repeated_rows_are_those_of_equal_case_activity_times_and_person(office: Office, logged: Logged) -> None:
    frame = office(50)
    again = frame.iloc[[3, 7, 7]]
    other = frame.iloc[[9]].assign(resource="Zoe")
    log = logged(pd.concat([frame, again, other], ignore_index=True))
    assert repeated(log).sum() == 3
    columns = pd.DataFrame(
        {"c": log.case_of, "a": log.activity, "s": log.start, "e": log.end, "r": log.resource.astype(int)}
    )
    assert np.array_equal(repeated(log), columns.duplicated())


def test_instances_without_length_are_found_where_others_have_one(
    office: Office, logged: Logged, findings: Found
) -> None:
    frame = office()
    frame.loc[frame["activity"] == "Request", "start"] = frame["end"]
    assert "instant" not in findings(logged(frame))
    rows = frame.index[frame["activity"] == "Design"][:40]
    frame.loc[rows, "start"] = frame.loc[rows, "end"]
    found = findings(logged(frame))["instant"]
    assert (found.count, found.repair) == (40, "estimate_starts(log)")


def test_work_before_the_creation_is_found_by_activity_and_by_attribute(
    office: Office, logged: Logged, findings: Found
) -> None:
    frame = office().replace({"activity": {"Request": "Issue created"}})
    early = frame.index[frame["activity"] == "Draft the text"][:9]
    created = frame[frame["activity"] == "Issue created"].set_index("case")["start"]
    frame.loc[early, "end"] = frame.loc[early, "case"].map(created) - pd.Timedelta(minutes=5)
    frame.loc[early, "start"] = frame.loc[early, "end"] - pd.Timedelta(minutes=30)
    found = findings(logged(frame))["before_start"]
    assert (found.count, found.repair) == (9, "trim(log, before=['Issue created'])")
    work = frame[frame["activity"] != "Issue created"]
    dated = logged(work, case_attributes=pd.DataFrame({"created_at": created}))
    assert findings(dated)["before_start"].count == 9


def test_work_after_the_closing_is_found(office: Office, logged: Logged, findings: Found) -> None:
    frame = office().replace({"activity": {"Publication": "Closed"}})
    assert "after_end" not in findings(logged(frame))
    last = frame[frame["activity"] == "Closed"].set_index("case")["end"]
    more = frame[frame["activity"] == "Design"].iloc[:4].copy()
    more["start"] = more["case"].map(last) + pd.Timedelta(hours=1)
    more["end"] = more["start"] + pd.Timedelta(minutes=20)
    found = findings(logged(pd.concat([frame, more], ignore_index=True)))["after_end"]
    assert (found.count, found.repair) == (4, "trim(log, after=['Closed'])")


def test_different_activities_at_one_moment_are_ties(office: Office, logged: Logged, findings: Found) -> None:
    frame = office()
    review = frame[frame["activity"] == "Review the text"].set_index("case")
    rows = frame.index[frame["activity"] == "Design"][:20]
    for column in ("start", "end"):
        frame.loc[rows, column] = frame.loc[rows, "case"].map(review[column])
    assert findings(logged(frame))["ties"].count == 20

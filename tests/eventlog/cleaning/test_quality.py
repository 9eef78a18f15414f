from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkmine.errors import UnknownNameError
from mkmine.eventlog import EventLog
from mkmine.eventlog.cleaning.estimates import estimate_starts
from mkmine.eventlog.cleaning.quality import quality
from mkmine.eventlog.cleaning.repairs import drop_duplicates, mark_bulk
from mkmine.eventlog.formats.read import read

SECOND = 1 / 3600


def kinds(log: EventLog) -> dict[str, int]:
    return {one.kind: one.count for one in quality(log).findings}


def test_a_clean_log_has_no_findings(make_log: Callable[..., EventLog]) -> None:
    log = make_log([("1", "A", 9, 10, "Anna"), ("1", "B", 11, 12, "Boris")])
    assert kinds(log) == {}
    assert "nothing doubtful" in repr(quality(log))


def test_each_doubt_is_found_and_counted(make_log: Callable[..., EventLog]) -> None:
    rows = [
        ("1", "Approval", 9, 10, "Anna"),
        ("1", "approval ", 11, 12, "Anna"),
        ("2", "Приёмка", 9, 10, "Anna"),
        ("2", "Приемка", 10, 10 + 5 * SECOND, "Anna"),
        ("2", "Приёмка", 10 + 5 * SECOND, 13, "Anna"),
        ("3", "?????? ???", 9, 12, "Boris"),
        ("4", "Work", 9, 12, "Boris"),
        ("4", "Check", 10, 13, "Anna"),
        ("4", "Check", 10, 13, "Anna"),
        ("5", "Work", 9, 12, "Boris", True),
    ]
    rows += [(f"b{i}", "Done", 30 + i * SECOND, 34 + i * SECOND, "Clara") for i in range(6)]
    found = kinds(make_log(rows, completed=pd.Series([False], index=["5"])))
    assert found["similar_names"] == 5
    assert found["corrections"] == 1
    assert found["lost_letters"] == 1
    assert found["overlaps"] == 2
    assert found["repeats"] == 1
    assert found["bulk"] == 6
    assert found["single"] == 8
    assert found["open"] == 1


def test_dates_without_times_and_set_aside_rows_are_found() -> None:
    frame = pd.DataFrame(
        {"case": ["1", "1", "2"], "activity": ["A", "B", "A"], "end": ["2025-03-03", "2025-03-04", "32.13.2025"]}
    )
    log = read(frame, errors="quarantine")
    found = quality(log)
    assert kinds(log) == {"midnight": 2, "quarantined": 1}
    assert next(one for one in found.findings if one.kind == "quarantined").share == pytest.approx(1 / 3)


def test_findings_print_and_convert_safely(make_log: Callable[..., EventLog]) -> None:
    log = make_log([("<script>", "A", 9, 10)])
    found = quality(log)
    assert "<script>" not in found._repr_html_()
    assert found.to_pandas()["kind"].tolist() == ["single"]
    assert found.to_dict()["findings"][0]["examples"] == ["<script>"]
    assert "cases of one event: 1 of 1" in repr(found)


@pytest.mark.shared
def test_bulk_moves_of_a_real_tracker_are_found(shared_logs: Path) -> None:
    log = read(
        shared_logs / "trackers" / "bpic2013_incidents.xes.gz",
        activity=["concept:name", "lifecycle:transition"],
        timestamps="entered",
    )
    assert kinds(log)["bulk"] > 1000


def test_ongoing_work_that_was_probably_forgotten_is_told(make_log: Callable[..., EventLog]) -> None:
    rows = [(str(i), "A", i, i + 1, "Anna") for i in range(20)]
    assert "forgotten" not in kinds(make_log([*rows, ("x", "A", 0, 2, "Anna", True)]))
    assert kinds(make_log([*rows, ("x", "A", 0, 4, "Anna", True)]))["forgotten"] == 1


def test_people_spelt_in_two_ways_are_told(make_log: Callable[..., EventLog]) -> None:
    people = ["Орлов Д.", "орлов д", "Фёдоров А.", "Федоров  А.", "Ann", "Boris", "???", "!!!"]
    log = make_log([(str(i), "A", 0, 1, person) for i, person in enumerate(people)])
    found = {one.kind: one for one in quality(log).findings}["similar_people"]
    assert (found.count, found.of) == (4, 8)
    assert "“Орлов Д.” = “орлов д”" in found.examples


def test_a_finding_is_found_by_its_kind(make_log: Callable[..., EventLog]) -> None:
    found = quality(make_log([("1", "A", 9, 10)]))
    assert found["single"].repair == "keep_size(log, at_least=2)"
    assert "single" in found
    assert "bulk" not in found
    assert "keep_size(log, at_least=2)" in repr(found)
    with pytest.raises(UnknownNameError, match='unknown finding "singl"; did you mean "single"'):
        found["singl"]
    with pytest.raises(KeyError, match='this log has no finding "bulk"; ask first: if "bulk" in found'):
        found["bulk"]


moments = st.integers(-(10**15), 6 * 10**15)
rows = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.text(max_size=5),
        moments,
        st.integers(0, 10**13),
        st.sampled_from(["x", None]),
        st.booleans(),
    ),
    min_size=1,
    max_size=30,
)


@given(rows)
def test_no_log_is_too_odd_to_be_checked(events: list[tuple[int, str, int, int, str | None, bool]]) -> None:
    frame = pd.DataFrame(events, columns=["case", "activity", "start", "took", "resource", "ongoing"])
    frame["activity"] = "a" + frame["activity"].str.strip()
    frame["end"] = (frame["start"] + frame["took"]).astype("datetime64[us]")
    frame["start"] = frame["start"].astype("datetime64[us]")
    frame["note"] = np.where(frame["ongoing"], None, frame["activity"])
    log = EventLog.from_pandas(
        frame,
        start="start",
        resource="resource",
        ongoing="ongoing",
        attributes=["note", "took"],
        time_zone="Europe/Moscow",
        case_attributes=pd.DataFrame({"created": frame["end"].iloc[:1]}, index=pd.Index([str(events[0][0])])),
    )
    for one in quality(log).findings:
        assert 0 < one.count <= one.of
        assert one.what
        assert one.advice


@pytest.mark.shared
def test_tidy_public_logs_are_not_flooded(shared_logs: Path) -> None:
    kinds_of = {name: kinds(read(shared_logs / "calibration" / name / f"{name}.csv.gz")) for name in ("LoanApp", "P2P")}
    assert set(kinds_of["LoanApp"]) == {"outliers"}
    assert set(kinds_of["P2P"]) <= {"outliers", "bulk"}


def test_the_sample_shows_its_mess_and_nothing_else(root: Path) -> None:
    from mkmine import read as open_log

    log = open_log(root / "data" / "article" / "tracker.csv")
    assert set(kinds(log)) == {"open", "single", "forgotten", "outliers", "corrections"}
    # The changelog's own marks are more than the log of stays shows: only without them something is left to be found.
    bare = replace(log, attributes={name: log.attributes[name] for name in log.attributes if name != "bulk"})
    assert kinds(bare)["bulk"] < log.attributes["bulk"].sum()
    assert "bulk" not in kinds(mark_bulk(bare))


@pytest.mark.shared
def test_the_recommended_estimate_touches_only_what_was_found(shared_logs: Path) -> None:
    log = read(shared_logs / "calibration" / "ACR" / "ACR.csv.gz")
    found = quality(log)["instant"]
    assert found.repair == "estimate_starts(log)"
    done = estimate_starts(log)
    assert done.history[-1].touched == found.count == 725
    assert (done.attributes["start_from"] != "recorded").sum() == 725
    assert "instant" not in kinds(done)


def test_what_a_repair_took_out_is_no_row_that_could_not_be_used(make_log: Callable[..., EventLog]) -> None:
    rows = [("1", "A", 9, 10, "Anna"), ("1", "A", 9, 10, "Anna"), ("1", "B", 11, 12, "Anna")]
    mended = drop_duplicates(make_log(rows))
    assert len(mended.quarantine) == 1
    assert kinds(mended) == {}
    unread = pd.DataFrame({"case": ["2"], "reason": ["no time"]})
    both = quality(replace(mended, quarantine=pd.concat([mended.quarantine, unread])))["quarantined"]
    assert (both.count, both.of, both.examples) == (1, 4, ("no time (1)",))

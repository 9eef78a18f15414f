from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkmine.errors import DataError, UnknownNameError
from mkmine.eventlog import EventLog
from mkmine.eventlog.cleaning.findings.order import correction_rows
from mkmine.eventlog.cleaning.quality import Finding
from mkmine.eventlog.cleaning.repairs import (
    close_forgotten,
    collapse_corrections,
    drop_bulk,
    drop_duplicates,
    mark_bulk,
    merge_activities,
    merge_repeats,
    merge_resources,
    merge_similar,
    rename_activities,
    shift_time,
    trim,
)

MakeLog = Callable[..., EventLog]
SECOND = 1 / 3600
ROWS = [
    ("1", "Draft", 0, 1, "Anna"),
    ("1", "Approval", 2, 3, "Boris"),
    ("2", "Draft", 0, 2, "anna"),
    ("2", "approval ", 3, 4, "Boris"),
    ("2", "Sign-off", 5, 6, None),
]


def path(log: EventLog, case: int = 0) -> list[str]:
    return [log.activities[code] for code in log.activity[log.offsets[case] : log.offsets[case + 1]]]


def hours(log: EventLog, moments: np.ndarray) -> list[float]:
    base = pd.Timestamp("2025-03-03", tz="UTC").value // 1000
    return ((moments - base) / 3_600_000_000).round(4).tolist()


def total(log: EventLog) -> int:
    return len(log) + len(log.quarantine)


def test_activities_become_one_and_the_touched_are_counted(make_log: MakeLog) -> None:
    log = make_log(ROWS)
    merged = merge_activities(log, {"Approval": ["approval", "Sign-off"]})
    assert merged.activities == ("Draft", "Approval")
    assert path(merged, 1) == ["Draft", "Approval", "Approval"]
    assert str(merged.history[-1]) == "merge activities: “approval” → “Approval”; “Sign-off” → “Approval” [2]"
    assert merged.activity.dtype == np.uint8
    assert log.activities != merged.activities
    with pytest.raises(UnknownNameError, match='did you mean "approval"'):
        merge_activities(log, {"Approval": ["aproval"]})
    with pytest.raises(DataError, match="both"):
        merge_activities(log, {"X": ["Draft"], "Y": ["Draft"]})
    with pytest.raises(DataError, match="the new name is empty"):
        merge_activities(log, {" ": ["Draft"]})


def test_renaming_never_merges(make_log: MakeLog) -> None:
    log = make_log(ROWS)
    assert path(rename_activities(log, {"Draft": "Text"})) == ["Text", "Approval"]
    swapped = rename_activities(log, {"Draft": "Approval", "Approval": "Draft"})
    assert path(swapped) == ["Approval", "Draft"]
    with pytest.raises(DataError, match="use merge_activities"):
        rename_activities(log, {"Draft": "Approval"})


def test_people_become_one_and_stay_sorted(make_log: MakeLog) -> None:
    merged = merge_resources(make_log(ROWS), {"Zoe": ["Anna", "anna"]})
    assert merged.resources == ("Boris", "Zoe")
    assert merged.resource.tolist() == [1, 0, 1, 0, -1]
    assert merged.history[-1].touched == 2


def test_similar_names_take_the_most_frequent_spelling(
    make_log: MakeLog, findings: Callable[[EventLog], dict[str, Finding]]
) -> None:
    rows = [(str(n), "Approval", 0, 1, "Anna") for n in range(20)] + ROWS + [("x", "Aproval", 0, 1, "Petrov A.")]
    log = make_log(rows)
    mended = merge_similar(log)
    assert "similar_names" in findings(log)
    assert "similar_names" not in findings(mended)
    assert set(mended.activities) == {"Draft", "Approval", "Sign-off", "Aproval"}
    assert set(merge_similar(log, mistyped=True).activities) == {"Draft", "Approval", "Sign-off"}
    assert merge_similar(log, of="resources").resources == ("Anna", "Boris", "Petrov A.")
    with pytest.raises(DataError, match="merge_resources"):
        merge_similar(log, of="resources", mistyped=True)
    with pytest.raises(UnknownNameError, match="what to merge"):
        merge_similar(log, of="people")  # type: ignore[arg-type]


def test_duplicates_go_to_the_quarantine(make_log: MakeLog, findings: Callable[[EventLog], dict[str, Finding]]) -> None:
    log = drop_duplicates(make_log([*ROWS, ROWS[0], ("1", "Draft", 0, 1, "Boris")]))
    assert len(log) == len(ROWS) + 1
    assert str(log.history[-1]) == "drop duplicates: same case, activity, times and person [1]"
    assert log.quarantine[["case", "activity", "resource", "reason"]].values.tolist() == [
        ["1", "Draft", "Anna", "repeats an earlier row"]
    ]
    assert not log.partial
    assert "repeats" not in findings(log)
    assert "quarantined" not in findings(log)


def test_a_mis_click_is_taken_back(make_log: MakeLog) -> None:
    rows = [
        ("1", "A", 0, 1, "Anna"),
        ("1", "B", 1, 1 + 5 * SECOND, "Anna"),
        ("1", "A", 1 + 5 * SECOND, 3, "Boris"),
        ("1", "C", 4, 5, "Anna"),
    ]
    log = make_log(rows)
    mended = collapse_corrections(log)
    assert path(mended) == ["A", "C"]
    assert (hours(mended, mended.start), hours(mended, mended.end)) == ([0, 4], [3, 5])
    assert mended.quarantine["reason"].tolist() == ["mis-click, put right at once"]
    assert str(mended.history[-1]) == "collapse corrections: left again within 30 s [1]"
    assert path(collapse_corrections(log, within="4s")) == ["A", "B", "A", "C"]
    assert not len(correction_rows(mended))


def test_a_chain_of_mis_clicks_becomes_one(make_log: MakeLog) -> None:
    clicks = [("1", name, n * SECOND, (n + 1) * SECOND) for n, name in enumerate("ABACA")]
    assert path(collapse_corrections(make_log(clicks))) == ["A"]
    dance = [("1", name, n * SECOND, (n + 1) * SECOND) for n, name in enumerate("ABABAB")]
    assert path(collapse_corrections(make_log(dance))) == ["A", "B"]


def test_mis_clicks_of_a_log_of_completions(make_log: MakeLog) -> None:
    frame = make_log([("1", "A", 0, 1), ("1", "B", 1, 1 + SECOND), ("1", "A", 2, 1 + 2 * SECOND + 1)]).to_pandas()
    log = EventLog.from_pandas(frame.assign(end=frame["end"].min() + pd.to_timedelta([0, 5, 10], unit="s")))
    mended = collapse_corrections(log)
    assert path(mended) == ["A"]
    assert mended.start is mended.end


def test_repeats_in_a_row_become_one_instance(make_log: MakeLog) -> None:
    rows = [("1", "A", 0, 1, "Anna"), ("1", "A", 2, 5, "Boris"), ("1", "A", 3, 4, "Boris"), ("2", "A", 9, 10, "Anna")]
    log = make_log(rows)
    merged = merge_repeats(log)
    assert (path(merged), path(merged, 1)) == (["A"], ["A"])
    assert hours(merged, merged.end) == [5, 10]
    assert merged.history[-1].touched == 2
    assert len(merged.quarantine) == 0
    assert len(merge_repeats(log, same_person=True)) == 3
    assert len(merge_repeats(log, within="30min")) == 3


def test_bulk_moves_are_marked_or_dropped(make_log: MakeLog) -> None:
    rows = [(str(n), "Work", 0, 1, "Anna") for n in range(6)]
    rows += [(str(n), "Done", 30 + n * SECOND, 34 + n * SECOND, "Clara") for n in range(6)]
    log = make_log([("9", "Work", 3, 4, "Anna"), *[(c, a, s + int(c) * (a == "Work"), e + int(c), p) if a == "Work"
                    else (c, a, s, e, p) for c, a, s, e, p in rows]])  # fmt: skip
    marked = mark_bulk(log)
    assert marked.attributes["bulk"].sum() == 6
    assert marked.history[-1].touched == 6
    left = drop_bulk(log)
    assert (len(left), len(left.quarantine)) == (7, 6)
    assert total(left) == total(log)
    with pytest.raises(DataError, match="no bulk"):
        mark_bulk(log, cases=1)


def test_what_lies_outside_a_case_is_trimmed(make_log: MakeLog) -> None:
    rows = [("1", "X", 0, 1), ("1", "Create", 1, 2), ("1", "Close", 3, 4), ("1", "Y", 5, 6), ("2", "X", 0, 1)]
    log = make_log(rows)
    left = trim(log, before="Create", after=["Close"])
    assert (path(left), path(left, 1)) == (["Create", "Close"], ["X"])
    assert left.quarantine["activity"].tolist() == ["X", "Y"]
    assert str(left.history[-1]) == "trim: before Create; after Close [2]"
    with pytest.raises(DataError, match="name the activities"):
        trim(log)
    with pytest.raises(UnknownNameError):
        trim(log, after="Closed")


def test_forgotten_work_is_ended_and_marked(make_log: MakeLog) -> None:
    rows = [(str(i), "A", i, i + 1, "Anna") for i in range(20)]
    log = make_log([*rows, ("x", "A", 0, 40, "Anna", True)], completed=pd.Series([False], index=["x"]))
    mended = close_forgotten(log)
    row = int(np.flatnonzero(mended.attributes["end_estimated"])[0])
    assert hours(mended, mended.end)[row] == 1
    assert not mended.ongoing.any()
    assert not mended.completed[-1]
    assert mended.history[-1].touched == 1
    with pytest.raises(DataError, match="not late"):
        close_forgotten(log, times=0.5)


def test_a_clock_is_put_right_and_the_order_with_it(make_log: MakeLog) -> None:
    rows = [("1", "A", 0, 1, "Anna"), ("1", "B", 4, 5, "Eva"), ("1", "C", 2, 3, "Anna")]
    log = make_log(rows)
    assert path(log) == ["A", "C", "B"]
    mended = shift_time(log, -3, resources=["Eva"])
    assert path(mended) == ["A", "B", "C"]
    assert hours(mended, mended.start) == [0, 1, 2]
    assert str(mended.history[-1]) == "shift times: -3 h; Eva [1]"
    assert hours(shift_time(log, 2), shift_time(log, 2).start) == [2, 4, 6]
    assert shift_time(log, 2).observed[0] == log.observed[0] + 7_200_000_000
    assert shift_time(log, 1, since="2025-03-03", until="2025-03-03").history[-1].touched == 3
    for wrong in ({"hours": 0}, {"hours": 100}, {"hours": 1, "since": "2026-01-01"}):
        with pytest.raises(DataError):
            shift_time(log, **wrong)
    with pytest.raises(UnknownNameError):
        shift_time(log, 1, attribute="zone", values=["x"])


steps = st.lists(
    st.tuples(st.integers(0, 4), st.sampled_from("ABC"), st.integers(0, 400), st.integers(0, 60)),
    min_size=2,
    max_size=30,
)


@given(steps)
def test_repairs_lose_no_row_silently_and_end_in_order(rows: list[tuple[int, str, int, int]]) -> None:
    base = pd.Timestamp("2025-03-03")
    frame = pd.DataFrame({"case": [row[0] for row in rows], "activity": [row[1] for row in rows]})
    frame["start"] = [base + pd.Timedelta(seconds=row[2]) for row in rows]
    frame["end"] = [base + pd.Timedelta(seconds=row[2] + row[3]) for row in rows]
    log = EventLog.from_pandas(frame, start="start")
    assert total(drop_duplicates(log)) == len(log)
    collapsed = collapse_corrections(log)
    joined = len(log) - total(collapsed)
    assert joined == len(collapsed.quarantine)
    for new in (drop_duplicates(log), collapsed, merge_repeats(log), shift_time(log, 1, activities=log.activities[0])):
        assert new.offsets[-1] == len(new)
        assert (np.diff(new.start)[new.position[1:] > 0] >= 0).all()
        assert (new.end >= new.start).all()
        assert new.n_cases == log.n_cases

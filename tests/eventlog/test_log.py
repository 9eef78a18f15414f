from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkmine.calendars import Calendar
from mkmine.errors import DataError, UnknownNameError
from mkmine.eventlog import EventLog, read
from mkmine.language import translator

BASE = pd.Timestamp("2025-03-03", tz="UTC")
rows = st.lists(
    st.tuples(st.sampled_from("ABCD"), st.sampled_from("xyz"), st.integers(0, 20), st.integers(0, 5)),
    min_size=1,
    max_size=25,
)


def frame_of(found: list[tuple[str, str, int, int]]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "case": [row[0] for row in found],
            "activity": [row[1] for row in found],
            "start": [BASE + pd.Timedelta(hours=row[2]) for row in found],
            "end": [BASE + pd.Timedelta(hours=row[2] + row[3]) for row in found],
            "number": range(len(found)),
        }
    )


def build(found: list[tuple[str, str, int, int]], **options: Any) -> EventLog:
    return EventLog.from_pandas(frame_of(found), start="start", attributes=("number",), **options)


@given(rows)
def test_sorted_by_case_start_and_end_with_nothing_lost(found: list[tuple[str, str, int, int]]) -> None:
    log = build(found)
    assert sorted(log.attributes["number"].tolist()) == list(range(len(found)))
    assert [log.case_ids[one] for one in log.case_of] == [found[n][0] for n in log.attributes["number"]]
    assert [log.activities[one] for one in log.activity] == [found[n][1] for n in log.attributes["number"]]
    for case in range(log.n_cases):
        inside = slice(log.offsets[case], log.offsets[case + 1])
        keys = list(zip(log.start[inside].tolist(), log.end[inside].tolist(), strict=True))
        assert keys == sorted(keys)
        assert log.position[inside].tolist() == list(range(len(keys)))
        seen: dict[int, int] = {}
        for code, number in zip(log.activity[inside].tolist(), log.round[inside].tolist(), strict=True):
            seen[code] = seen.get(code, 0) + 1
            assert number == seen[code]


@given(rows, st.randoms(use_true_random=False))
def test_what_a_log_holds_does_not_depend_on_the_order_of_rows(
    found: list[tuple[str, str, int, int]], chance: Any
) -> None:
    # Rows with equal case and times keep the order of the source, so they have to differ here.
    distinct = list({(row[0], row[2], row[3]): row for row in found}.values())
    mixed = list(distinct)
    chance.shuffle(mixed)
    ours, theirs = (
        EventLog.from_pandas(frame_of(one).drop(columns="number"), start="start").to_pandas()
        for one in (distinct, mixed)
    )
    order = ["case", "start", "end"]
    pd.testing.assert_frame_equal(
        ours.sort_values(order, ignore_index=True), theirs.sort_values(order, ignore_index=True)
    )


@given(rows)
def test_through_pandas_and_back_is_the_same_log(found: list[tuple[str, str, int, int]]) -> None:
    log = build(found)
    again = EventLog.from_pandas(log.to_pandas(), start="start", attributes=("number",))
    assert again.content_hash == log.content_hash


@given(rows, st.data())
def test_keeping_cases_and_instances(found: list[tuple[str, str, int, int]], data: st.DataObject) -> None:
    log = build(found)
    wanted = np.array(data.draw(st.lists(st.booleans(), min_size=log.n_cases, max_size=log.n_cases)))
    if wanted.any():
        kept = log.keep_cases(wanted, action="filter", detail="some")
        assert list(kept.case_ids) == list(log.case_ids[wanted])
        whole, part = log.to_pandas(), kept.to_pandas()
        expected = whole[whole["case"].isin(kept.case_ids)].reset_index(drop=True)
        pd.testing.assert_frame_equal(part, expected)
        assert kept.history[-1].touched == (~wanted).sum()
        assert kept.provenance("m").filters == (str(kept.history[-1]),)
    chosen = np.array(data.draw(st.lists(st.booleans(), min_size=len(log), max_size=len(log))))
    if chosen.any():
        kept = log.keep_instances(chosen, action="filter", detail="some")
        assert kept.attributes["number"].tolist() == log.attributes["number"][chosen].tolist()
        assert kept.case_ids[kept.case_of].tolist() == log.case_ids[log.case_of][chosen].tolist()


def test_a_filter_that_leaves_nothing_is_refused() -> None:
    log = build([("A", "x", 0, 1)])
    with pytest.raises(DataError, match=r'the filter "filter: nothing" leaves none of 1 cases; widen it'):
        log.keep_cases(np.array([False]), action="filter", detail="nothing")
    with pytest.raises(DataError, match="leaves none of 1 instances"):
        log.keep_instances(np.array([False]), action="filter", detail="nothing")


def test_it_cannot_be_changed() -> None:
    log = build([("A", "x", 0, 1)])
    for column in (log.start, log.end, log.activity, log.offsets, log.attributes["number"]):
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 5
    with pytest.raises(dataclasses.FrozenInstanceError):
        log.name = "other"  # type: ignore[misc]


def test_the_source_frame_is_not_changed() -> None:
    frame = frame_of([("A", "x", 0, 1), ("A", "y", 1, 1)])
    before = frame.copy()
    EventLog.from_pandas(frame, start="start", attributes=("number",))
    pd.testing.assert_frame_equal(frame, before)
    frame["number"] += 1


def test_completions_only() -> None:
    log = EventLog.from_pandas(frame_of([("A", "x", 0, 1), ("A", "y", 1, 1)]))
    assert log.timestamps == "completed"
    assert np.array_equal(log.start, log.end)


def test_times_without_a_zone_are_of_the_logs_zone() -> None:
    frame = pd.DataFrame({"case": ["A"], "activity": ["x"], "end": pd.to_datetime(["2025-03-03 12:00"])})
    log = EventLog.from_pandas(frame, time_zone="Europe/Moscow")
    assert log.to_pandas()["end"][0] == pd.Timestamp("2025-03-03 12:00", tz="Europe/Moscow")
    assert log.end[0] == pd.Timestamp("2025-03-03 09:00", tz="UTC").value // 1000


BAD = [
    ({"case": None}, "no case"),
    ({"case": "  "}, "no case"),
    ({"activity": None}, "no activity"),
    ({"end": pd.NaT}, "no time"),
    ({"end": BASE - pd.Timedelta(hours=5)}, "end before start"),
    ({"start": pd.Timestamp("1700-01-01", tz="UTC")}, "time before 1900 or after 2200"),
]


@pytest.mark.parametrize(("change", "reason"), BAD, ids=[f"{reason} {n}" for n, (_, reason) in enumerate(BAD)])
def test_rows_that_cannot_be_used(change: dict[str, Any], reason: str) -> None:
    frame = frame_of([("A", "x", 0, 1), ("B", "y", 1, 1)])
    for column, value in change.items():
        frame.loc[1, column] = value
    with pytest.raises(DataError, match=rf"1 of 2 rows cannot be used \(first: row 2, {reason}\).*quarantine"):
        EventLog.from_pandas(frame, start="start")
    log = EventLog.from_pandas(frame, start="start", errors="quarantine")
    assert (log.n_cases, len(log.quarantine)) == (1, 1)
    assert log.quarantine["reason"].tolist() == [reason]
    assert log.history[-1].touched == 1


@pytest.mark.parametrize("errors", ["raise", "quarantine"])
def test_an_empty_log_is_refused(errors: Any) -> None:
    with pytest.raises(DataError, match=r"the log is empty: none of 0 rows"):
        EventLog.from_pandas(frame_of([("A", "x", 0, 1)]).iloc[:0], start="start", errors=errors)
    frame = frame_of([("A", "x", 0, 1)]).assign(case=None)
    with pytest.raises(DataError, match=r"the log is empty|cannot be used"):
        EventLog.from_pandas(frame, start="start", errors=errors)


def test_mistakes_are_explained() -> None:
    frame = frame_of([("A", "x", 0, 1)])
    with pytest.raises(UnknownNameError, match='unknown column "strat"; did you mean "start"'):
        EventLog.from_pandas(frame, start="strat")
    with pytest.raises(DataError, match=r'column "end" holds .* values, not datetimes'):
        EventLog.from_pandas(frame.assign(end="2025-03-03"), start="start")
    with pytest.raises(DataError, match="is not a time zone"):
        EventLog.from_pandas(frame, time_zone="Nowhere")
    with pytest.raises(DataError, match="repeated labels"):
        EventLog.from_pandas(pd.concat([frame, frame]), start="start")


@pytest.mark.parametrize("kind", [int, str])
def test_facts_of_cases_are_found_by_their_id_whatever_its_type(kind: type) -> None:
    frame = frame_of([("A", "x", 0, 1), ("B", "y", 1, 1)]).assign(case=[kind(20), kind(10)])
    facts = pd.DataFrame({"team": ["blue", "red"]}, index=[kind(10), kind(20)])
    done = pd.Series([False, True], index=[kind(10), kind(20)])
    log = EventLog.from_pandas(frame, start="start", case_attributes=facts, completed=done)
    assert dict(zip(log.case_ids, log.case_attributes["team"], strict=True)) == {"20": "red", "10": "blue"}
    assert dict(zip(log.case_ids, log.completed, strict=True)) == {"20": True, "10": False}


def test_cases_without_a_word_count_as_completed() -> None:
    log = build([("A", "x", 0, 1), ("B", "y", 1, 1)], completed=pd.Series([False], index=["B"]))
    assert dict(zip(log.case_ids, log.completed, strict=True)) == {"A": True, "B": False}


def test_summaries_escape_what_they_show(make_log: Callable[..., EventLog]) -> None:
    log = make_log([("1", "<script>alert(1)</script>", 9, 10, "<b>Ann</b>")], name="<i>name</i>")
    html = log._repr_html_()
    assert "<script>" not in html
    assert "<b>Ann" not in html
    assert "<i>" not in html
    summary = log.describe()
    assert summary.cases == 1
    assert summary.to_dict()["activities"] == ["<script>alert(1)</script>"]
    assert "1 cases" not in repr(log) or "1 cases, 1 instances" in repr(log)
    assert len(summary.to_pandas()) == len(summary.to_dict())


def test_provenance_tells_where_a_figure_comes_from(make_log: Callable[..., EventLog]) -> None:
    log = make_log([("1", "a", 9, 10), ("2", "a", 9, 10)], name="articles")
    found = log.keep_cases(np.array([True, False]), action="filter", detail="first").provenance("counting", k=1)
    assert (found.cases, found.instances, found.parameters) == (1, 1, {"k": 1})
    english, russian = found.sentence(translator("en")), found.sentence(translator("ru"))
    assert "articles" in english
    assert "filter: first [1]" in english
    assert russian != english
    assert log.content_hash[:8] not in english
    assert found.to_dict()["window"] == ["2025-03-03", "2025-03-03"]


def test_equal_content_has_an_equal_hash_and_any_change_another(make_log: Callable[..., EventLog]) -> None:
    base = [("1", "a", 9, 10, "Ann"), ("1", "b", 10, 11, "Bob")]
    log = make_log(base)
    assert make_log(base, name="other name").content_hash == log.content_hash
    changed = [
        make_log([("2", "a", 9, 10, "Ann"), ("2", "b", 10, 11, "Bob")]),
        make_log([("1", "a", 9, 10, "Ann"), ("1", "c", 10, 11, "Bob")]),
        make_log([("1", "a", 9, 10, "Ann"), ("1", "b", 10, 11, "Eve")]),
        make_log([("1", "a", 9, 10, "Ann"), ("1", "b", 10, 12, "Bob")]),
        make_log(base, completed=pd.Series([False], index=["1"])),
    ]
    assert len({one.content_hash for one in (log, *changed)}) == len(changed) + 1


def test_the_known_calendar_is_the_working_one(make_log: Callable[..., EventLog]) -> None:
    calendar = Calendar.parse({"Mon": "09:00-10:00"})
    assert make_log([("1", "a", 9, 10)], calendar=calendar).working_calendar() == calendar
    assert "inferred" in make_log([("1", "a", 9, 10)]).describe().calendar


def test_case_frame(make_log: Callable[..., EventLog]) -> None:
    log = make_log([("1", "a", 9, 15), ("1", "b", 10, 11), ("2", "a", 12, 13)])
    cases = log.case_frame()
    assert cases["instances"].tolist() == [2, 1]
    assert cases["end"].dt.hour.tolist() == [15, 13]


THREE = pd.DataFrame(
    {
        "case": ["a", "a", "b"],
        "activity": ["x", "y", "x"],
        "end": pd.to_datetime(["2025-01-01", "2025-01-02", "2025-01-03"]),
    }
)


@pytest.mark.parametrize("wrong", [["True", "False", "False"], [True, None, False], [True, np.nan, False], [2, 1, 0]])
def test_only_yes_and_no_say_what_is_ongoing(wrong: list[Any]) -> None:
    with pytest.raises(DataError, match="which is neither True nor False"):
        EventLog.from_pandas(THREE.assign(on=pd.Series(wrong, dtype=object)), ongoing="on")
    with pytest.raises(DataError, match='"completed" holds'):
        EventLog.from_pandas(THREE, completed=pd.Series(wrong[:2], index=["a", "b"], dtype=object))
    gaps = THREE.assign(on=pd.array([True, None, False], dtype="boolean"))
    with pytest.raises(DataError, match='"on" holds "<NA>"'):
        EventLog.from_pandas(gaps, ongoing="on")


def test_ones_and_zeros_say_it_too() -> None:
    assert EventLog.from_pandas(THREE.assign(on=[0, 1, 0]), ongoing="on").ongoing.tolist() == [False, True, False]


def test_facts_of_cases_are_found_by_their_ids() -> None:
    with pytest.raises(DataError, match='case_attributes has several rows for the case "a"'):
        EventLog.from_pandas(THREE, case_attributes=pd.DataFrame({"kind": [1, 2]}, index=["a", " a"]))
    with pytest.raises(DataError, match="completed has several rows"):
        EventLog.from_pandas(THREE, completed=pd.Series([True, False], index=["a", "a"]))
    # A frame whose cases stand in a column would give every case nothing.
    with pytest.raises(DataError, match=r'has no case of the log \(its first is "0"\)'):
        EventLog.from_pandas(THREE, case_attributes=pd.DataFrame({"case": ["a", "b"], "kind": [1, 2]}))


@pytest.mark.parametrize("twice", ["case", "activity", "end", "more"])
def test_a_column_that_is_there_twice_is_refused(twice: str) -> None:
    frame = THREE.assign(more=1, other=2).set_axis(["case", "activity", "end", "more", twice], axis=1)
    with pytest.raises(DataError, match=f'several columns named "{twice}"'):
        EventLog.from_pandas(frame, attributes=("more",))


def test_names_of_attributes_are_text() -> None:
    half = pd.Index(["case", "activity", "end", "\ud800"], dtype=object)
    frame = THREE.assign(more=1)
    with pytest.raises(DataError, match=r'column "\\ud800": its name holds half a character'):
        EventLog.from_pandas(frame.set_axis(half, axis=1), attributes=("\ud800",))
    facts = pd.DataFrame([[1]], index=["a"], columns=half[3:])
    with pytest.raises(DataError, match="half a character"):
        EventLog.from_pandas(THREE, case_attributes=facts)
    with pytest.raises(DataError, match="several columns named"):
        EventLog.from_pandas(frame, attributes=("more", "more"))
    numbered: Any = frame.rename(columns={"more": 5})
    assert list(EventLog.from_pandas(numbered, attributes=(5,)).attributes) == ["5"]  # type: ignore[arg-type]


def test_times_beyond_every_calendar_do_not_wrap_around_into_it() -> None:
    # In microseconds the first of them is 2025 again, modulo 2 ** 64.
    seconds = np.array([18446744073709 + 1735689600, 1735689600, 1735689600]).view("datetime64[s]")
    for zone in (None, "UTC", "Europe/Moscow"):
        frame = THREE.assign(end=pd.Series(seconds).dt.tz_localize(zone))
        with pytest.raises(DataError, match="time before 1900 or after 2200"):
            EventLog.from_pandas(frame)


def test_an_attribute_called_like_a_column_of_every_log_does_not_hide_it() -> None:
    frame = pd.DataFrame(
        {"id": ["a", "b"], "what": ["x", "y"], "at": pd.to_datetime(["2025-01-01"] * 2), "activity": ["p", "q"]}
    )
    log = EventLog.from_pandas(frame, case="id", activity="what", end="at", attributes=("activity",))
    shown = log.to_pandas()
    assert shown["activity"].tolist() == ["x", "y"]
    assert shown["activity_attribute"].tolist() == ["p", "q"]


def test_a_log_does_not_change_with_what_it_was_made_of() -> None:
    numbers = np.array([1, 2, 3])
    frame = THREE.assign(number=[1, 2, 3])
    table = pa.table({"case": THREE["case"], "activity": THREE["activity"], "end": THREE["end"], "number": numbers})
    logs = [EventLog.from_pandas(frame, attributes=("number",)), read(frame), read(table)]
    numbers[0] = 99
    frame.loc[0, "number"] = 99
    frame.loc[0, "end"] = pd.Timestamp("1999-01-01")
    for log in logs:
        assert log.attributes["number"].tolist() == [1, 2, 3]
        assert log.to_pandas()["end"].dt.year.tolist() == [2025] * 3

"""Status changes become activity instances; slips, bulk moves, gaps and people are handled and counted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkmine.calendars import HOUR
from mkmine.errors import DataError
from mkmine.eventlog import EventLog
from mkmine.trackers import StatusMapping, StatusRule, TrackerExport, activity_log

SECOND = 1_000_000
BEGIN = 1_735_722_000 * SECOND  # 2025-01-01 09:00 UTC

MAPPING = StatusMapping(
    statuses={
        "К тексту": StatusRule(kind="queue", activity="Текст"),
        "Текст": StatusRule(kind="work", role="Копирайтер", aliases=("Копирайтинг",)),
        "На согласовании": StatusRule(kind="queue"),
        "Согласование": StatusRule(kind="work"),
        "У юристов": StatusRule(kind="outside", activity="Юристы"),
        "Готово": StatusRule(kind="done"),
        "Опубликовано": StatusRule(kind="done", activity="Публикация"),
        "Отменено": StatusRule(kind="cancelled"),
    },
    people={"Анна": "Копирайтер"},
    time_zone="Europe/Moscow",
)


def export(
    *moves: tuple[str, float, str, str | None],
    created: str = "К тексту",
    assigned: tuple[tuple[str, float, str], ...] = (),
    taken: float = 1000,
) -> TrackerExport:
    """Build an export of issues created at hour 0 in one status; moves are (issue, hour, new status, author)."""
    rows: list[tuple[Any, ...]] = []
    current: dict[str, str] = {}
    for issue, hour, new, author in moves:
        rows.append((issue, BEGIN + round(hour * HOUR), author, "status", current.get(issue, created), new))
        current[issue] = new
    holder: dict[str, str] = {}
    for issue, hour, who in assigned:
        rows.append((issue, BEGIN + round(hour * HOUR), who, "assignee", holder.get(issue), who))
        holder[issue] = who
    issues = list(dict.fromkeys([*current, *holder]))
    return TrackerExport(
        issues=pd.DataFrame(
            {
                "issue": issues,
                "created": pd.array([BEGIN] * len(issues), dtype="Int64"),
                "status": [current.get(one, created) for one in issues],
                "assignee": [holder.get(one) for one in issues],
            }
        ),
        changes=pd.DataFrame(rows, columns=["issue", "at", "author", "field", "old", "new"]),
        taken_at=BEGIN + round(taken * HOUR),
    )


def hours(log: EventLog) -> list[tuple[str, str, float, float, float]]:
    """Return (case, activity, enabled, start, end) in hours since the beginning."""
    assert log.enabled is not None
    times = [(column - BEGIN) / HOUR for column in (log.enabled, log.start, log.end)]
    names = [log.activities[code] for code in log.activity]
    return [
        (str(log.case_ids[case]), name, *(round(float(t[k]), 3) for t in times))
        for k, (case, name) in enumerate(zip(log.case_of, names, strict=True))
    ]


def step(log: EventLog, action: str) -> int:
    """Return how much the steps of that action touched."""
    return sum(one.touched or 0 for one in log.history if one.action == action)


def test_a_stay_in_work_is_an_instance_enabled_by_its_queue() -> None:
    log = activity_log(export(("A", 2, "Текст", "Анна"), ("A", 5, "Готово", "Анна")), mapping=MAPPING)
    assert hours(log) == [("A", "Текст", 0, 2, 5)]
    assert log.timestamps == "interval"
    assert log.time_zone == "Europe/Moscow"
    assert list(log.completed) == [True]
    assert log.case_attributes["outcome"].tolist() == ["done"]


def test_work_entered_directly_did_not_wait() -> None:
    moves = [("A", 2.0, "Текст", "Анна"), ("A", 5.0, "Согласование", "Борис"), ("A", 6.0, "Готово", "Борис")]
    assert hours(activity_log(export(*moves), mapping=MAPPING))[1] == ("A", "Согласование", 5, 5, 6)


def test_the_queue_of_another_activity_does_not_count() -> None:
    moves = [("A", 2.0, "Согласование", "Борис"), ("A", 3.0, "Готово", "Борис")]
    log = activity_log(export(*moves), mapping=MAPPING)
    assert hours(log) == [("A", "Согласование", 2, 2, 3)]
    assert step(log, "left out waits") == 1


def test_a_general_queue_and_its_predecessor_are_one_wait() -> None:
    moves = [("A", 1.0, "На согласовании", "Анна"), ("A", 4.0, "Текст", "Анна"), ("A", 5.0, "Готово", "Анна")]
    assert hours(activity_log(export(*moves), mapping=MAPPING)) == [("A", "Текст", 0, 4, 5)]


def test_open_work_is_ongoing_until_the_export() -> None:
    log = activity_log(export(("A", 2, "Текст", "Анна"), taken=50), mapping=MAPPING)
    assert hours(log) == [("A", "Текст", 0, 2, 50)]
    assert list(log.ongoing) == [True]
    assert list(log.completed) == [False]
    assert log.observed[1] == BEGIN + 50 * HOUR


def test_work_that_still_waits_is_ongoing_without_a_person() -> None:
    moves = [("A", 2.0, "Текст", "Анна"), ("A", 5.0, "К тексту", "Анна")]
    log = activity_log(export(*moves, assigned=(("A", 0.0, "Анна"),), taken=50), mapping=MAPPING)
    assert hours(log)[1] == ("A", "Текст", 5, 50, 50)
    assert log.ongoing.tolist() == [False, True]
    assert log.resource.tolist() == [0, -1]
    assert step(log, "still waiting") == 1


def test_a_cancelled_case_is_completed_with_its_outcome() -> None:
    log = activity_log(export(("A", 2, "Текст", "Анна"), ("A", 3, "Отменено", "Анна")), mapping=MAPPING)
    assert log.completed.tolist() == [True]
    assert log.case_attributes["outcome"].tolist() == ["cancelled"]


def test_a_done_status_with_an_activity_leaves_an_instant() -> None:
    moves = [("A", 2.0, "Текст", "Анна"), ("A", 3.0, "На согласовании", "Анна"), ("A", 9.0, "Опубликовано", "Егор")]
    log = activity_log(export(*moves), mapping=MAPPING)
    assert hours(log)[1] == ("A", "Публикация", 3, 9, 9)
    assert log.resources[log.resource[1]] == "Егор"
    assert log.ongoing.tolist() == [False, False]


def test_a_reopened_issue_gets_a_second_round() -> None:
    moves = [
        ("A", 1.0, "Текст", "Анна"),
        ("A", 2.0, "Готово", "Анна"),
        ("A", 8.0, "Текст", "Анна"),
        ("A", 9.0, "Готово", None),
    ]
    log = activity_log(export(*moves), mapping=MAPPING)
    assert log.round.tolist() == [1, 2]
    assert hours(log)[1] == ("A", "Текст", 8, 8, 9)


@pytest.mark.parametrize(("seconds", "instances"), [(20, 1), (70, 3)])
def test_a_slip_corrected_in_seconds_never_happened(seconds: float, instances: int) -> None:
    back = 3 + seconds / 3600
    moves = [("A", 1.0, "Текст", "Анна"), ("A", 3.0, "Согласование", "Анна"), ("A", back, "Текст", "Анна")]
    log = activity_log(export(*moves, ("A", 5.0, "Готово", "Анна")), mapping=MAPPING)
    assert len(log) == instances
    if instances == 1:
        assert hours(log) == [("A", "Текст", 0, 1, 5)]
        assert step(log, "collapse slips") == 1


def test_a_wrong_status_on_the_way_gives_its_time_to_the_right_one() -> None:
    moves = [("A", 1.0, "Текст", "Анна"), ("A", 3.0, "У юристов", "Анна"), ("A", 3.005, "Согласование", "Анна")]
    log = activity_log(export(*moves, ("A", 5.0, "Готово", "Анна")), mapping=MAPPING)
    assert hours(log) == [("A", "Текст", 0, 1, 3), ("A", "Согласование", 3, 3, 5)]
    assert step(log, "collapse passages") == 1


def test_a_quick_move_by_somebody_else_is_no_slip() -> None:
    moves = [("A", 1.0, "Текст", "Анна"), ("A", 3.0, "Согласование", "Анна"), ("A", 3.005, "Текст", "Борис")]
    assert len(activity_log(export(*moves, ("A", 5.0, "Готово", "Анна")), mapping=MAPPING)) == 3


def test_bulk_moves_are_kept_flagged_and_counted() -> None:
    moves = [(f"A{n}", 1.0, "Текст", "Анна") for n in range(5)]
    moves += [(f"A{n}", 1.002, "Готово", "Анна") for n in range(5)]
    log = activity_log(export(*moves), mapping=MAPPING)
    assert len(log) == 5
    assert log.attributes["bulk"].all()
    assert step(log, "flag bulk moves") == 10
    few = activity_log(export(*[one for one in moves if one[0] < "A4"], ("A0", 9, "Текст", "Я")), mapping=MAPPING)
    assert not few.attributes["bulk"].any()


def test_a_renamed_status_is_one_status() -> None:
    moves = [("A", 1.0, "Копирайтинг", "Анна"), ("A", 3.0, "Текст", "Анна"), ("A", 5.0, "Готово", "Анна")]
    log = activity_log(export(*moves), mapping=MAPPING)
    assert hours(log) == [("A", "Текст", 0, 1, 5)]
    assert step(log, "join stays") == 1


def test_the_resource_is_who_held_the_issue_longest_and_the_role_is_the_persons_own() -> None:
    moves = [("A", 1.0, "Текст", "Борис"), ("A", 9.0, "Готово", "Борис")]
    held = (("A", 0.0, "Борис"), ("A", 2.0, "Анна"), ("A", 8.0, "Вера"))
    log = activity_log(export(*moves, assigned=held), mapping=MAPPING)
    assert log.resources[log.resource[0]] == "Анна"
    assert log.roles[log.role[0]] == "Копирайтер"
    assert step(log, "resource") == 1


def test_the_change_of_assignee_at_the_same_instant_belongs_to_the_new_stay() -> None:
    moves = [("A", 1.0, "Текст", "Анна"), ("A", 2.0, "Согласование", "Борис"), ("A", 3.0, "Готово", "Борис")]
    log = activity_log(export(*moves, assigned=(("A", 1.0, "Анна"), ("A", 2.0, "Борис"))), mapping=MAPPING)
    assert [log.resources[code] for code in log.resource] == ["Анна", "Борис"]


def test_nobody_works_on_what_is_outside() -> None:
    moves = [("A", 1.0, "У юристов", "Анна"), ("A", 2.0, "Готово", "Анна")]
    log = activity_log(export(*moves, assigned=(("A", 0.0, "Анна"),)), mapping=MAPPING)
    assert log.resource.tolist() == [-1]


def test_without_assignees_the_person_who_ended_the_stay_did_it() -> None:
    log = activity_log(export(("A", 1, "Текст", "Анна"), ("A", 2, "Готово", "Борис")), mapping=MAPPING)
    assert log.resources[log.resource[0]] == "Борис"


def test_issues_that_never_reached_work_are_set_aside_with_the_reason() -> None:
    moves = [("A", 1.0, "Текст", "Анна"), ("A", 2.0, "Готово", "Анна"), ("B", 1.0, "Отменено", "Анна")]
    log = activity_log(export(*moves), mapping=MAPPING)
    assert list(log.case_ids) == ["A"]
    assert log.quarantine["issue"].tolist() == ["B"]
    assert "Отменено" in log.quarantine["reason"].iloc[0]


def test_a_gap_in_the_history_is_counted() -> None:
    broken = export(("A", 1, "Текст", "Анна"), ("A", 2, "Готово", "Анна"))
    broken.changes.loc[1, "old"] = "Согласование"
    assert step(activity_log(broken, mapping=MAPPING), "found gaps") == 1


def test_guesses_explain_themselves() -> None:
    moves = [("A", 1.0, "Верстка", "Анна"), ("A", 2.0, "Закрыто", "Анна")]
    log = activity_log(export(*moves, created="Бэклог"))
    text = next(str(one) for one in log.history if one.action == "guess statuses")
    assert 'Бэклог = queue (the name says "бэклог")' in text
    assert "Верстка = work" in text
    assert 'Закрыто = done (the name says "закры")' in text


def test_a_waiting_status_in_which_the_decision_is_taken_is_work() -> None:
    moves = []
    for n, outcome in enumerate(["Текст", "Текст", "Готово", "Готово"]):
        moves += [
            (f"A{n}", 1.0, "Текст", "Анна"),
            (f"A{n}", 2.0, "Ждёт согласования", "Анна"),
            (f"A{n}", 9.0, outcome, "Борис"),
        ]
    log = activity_log(export(*moves))
    assert "Ждёт согласования" in log.activities
    assert "the decision is taken in it" in str(log.history)


def test_statuses_without_a_word_end_where_issues_end() -> None:
    moves = [
        ("A", 1.0, "Arbeid", "Anna"),
        ("A", 2.0, "Ferdig", "Anna"),
        ("B", 1.0, "Arbeid", "Anna"),
        ("B", 3.0, "Ferdig", "Anna"),
    ]
    log = activity_log(export(*moves, created="Ny"))
    assert log.completed.all()
    assert "Ferdig = done (issues end in it and never leave it)" in str(log.history)


def test_nothing_to_do_is_an_error_that_names_the_statuses() -> None:
    with pytest.raises(DataError, match=r'kind "work".*К тексту'):
        activity_log(export(("A", 1, "Отменено", "Анна")), mapping=MAPPING)


def test_an_export_before_its_last_change_is_refused() -> None:
    mapping = MAPPING.model_copy(update={"exported_at": pd.Timestamp("2025-01-01 10:00", tz="UTC").to_pydatetime()})
    with pytest.raises(DataError, match="before the last change"):
        activity_log(export(("A", 1, "Текст", "Анна"), ("A", 5, "Готово", "Анна")), mapping=mapping)


STATUSES = sorted(MAPPING.canonical())


@given(
    st.lists(
        st.tuples(
            st.sampled_from("ABC"),
            st.integers(0, 4000),
            st.sampled_from(STATUSES),
            st.sampled_from(["Анна", "Борис", None]),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_any_history_gives_instances_in_order_within_the_observation(
    moves: list[tuple[str, int, str, str | None]],
) -> None:
    ordered = sorted(((issue, n / 60, new, who) for issue, n, new, who in moves), key=lambda one: one[1])
    try:
        log = activity_log(export(*ordered, taken=100), mapping=MAPPING)
    except DataError:
        return
    assert log.enabled is not None
    assert (log.enabled <= log.start).all()
    assert (log.start <= log.end).all()
    assert log.start.min() >= log.observed[0]
    assert log.end.max() <= log.observed[1]
    for case in range(log.n_cases):
        rows = slice(int(log.offsets[case]), int(log.offsets[case + 1]))
        # One issue is in one status at a time: its instances do not overlap.
        assert (log.start[rows][1:] >= log.end[rows][:-1]).all()
    assert np.array_equal(
        log.ongoing & ~np.isin(np.arange(len(log)), log.offsets[1:] - 1), np.zeros(len(log), dtype=bool)
    )

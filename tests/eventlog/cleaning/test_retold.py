"""Every step that a filter or a repair leaves in the history is told in Russian."""

from __future__ import annotations

import re
from collections.abc import Callable

import pandas as pd
import pytest

from mkmine.calendars import Calendar
from mkmine.eventlog import EventLog
from mkmine.eventlog.cleaning import filters, repairs
from mkmine.eventlog.cleaning.estimates import estimate_starts
from mkmine.eventlog.cleaning.privacy import drop_free_text, pseudonymise
from mkmine.eventlog.cleaning.quality import quality
from mkmine.language import translator
from mkmine.report.retelling import retell

RU = translator("ru")
TEXT, APPROVAL = "Текст", "Согласование"
DAYS = ("2025-03-03", "2025-03-05")
Step = Callable[[EventLog], EventLog]

CHOSEN: dict[str, Step] = {
    "activities": lambda log: filters.keep_activities(log, [TEXT]),
    "not activities": lambda log: filters.drop_activities(log, [TEXT]),
    "frequent": lambda log: filters.keep_frequent(log, top=1),
    "frequent share": lambda log: filters.keep_frequent(log, share=0.5),
    "people": lambda log: filters.keep_resources(log, "Анна"),
    "not people": lambda log: filters.keep_resources(log, "Анна", invert=True),
    "roles": lambda log: filters.keep_roles(log, "Автор"),
    "not roles": lambda log: filters.keep_roles(log, "Автор", invert=True),
    "completed": lambda log: filters.keep_completed(log),
    "values": lambda log: filters.keep_attribute(log, "канал", "блог"),
    "not values": lambda log: filters.keep_attribute(log, "канал", "блог", invert=True),
    "limits": lambda log: filters.keep_attribute(log, "цена", at_least=1, at_most=5),
    "trimmed": lambda log: filters.keep_window(log, *DAYS, cases="trimmed"),
    "not started": lambda log: filters.keep_window(log, "2025-03-04", "2025-03-04", cases="started", invert=True),
    "variants": lambda log: filters.keep_variants(log, 1),
    "variants share": lambda log: filters.keep_variants(log, share=0.5, invert=True),
    "ends": lambda log: filters.keep_endpoints(log, starts=TEXT, ends=APPROVAL),
    "not ends": lambda log: filters.keep_endpoints(log, ends=APPROVAL, invert=True),
    "rework": lambda log: filters.keep_rework(log, consecutive=True),
    "not rework": lambda log: filters.keep_rework(log, activities=TEXT, invert=True),
    "followed": lambda log: filters.keep_followed(log, TEXT, APPROVAL, every=True, within="2 days"),
    "not followed": lambda log: filters.keep_followed(log, APPROVAL, TEXT, relation="directly", invert=True),
    "segment": lambda log: filters.keep_segment(log, since=TEXT, until=APPROVAL),
    "segment to the first": lambda log: filters.keep_segment(
        log, since=TEXT, since_which="last", until=APPROVAL, until_which="first"
    ),
    "cycle": lambda log: filters.keep_duration(log, at_least="1h", at_most="9 days", clock="working"),
    "cycle in hours": lambda log: filters.keep_duration(log, at_least=0.5, at_most=2000),
    "transition in hours": lambda log: filters.keep_edge_duration(log, TEXT, APPROVAL, at_most=200),
    "followed in hours": lambda log: filters.keep_followed(log, TEXT, APPROVAL, within=48),
    "not cycle": lambda log: filters.keep_duration(log, at_least="1h", invert=True),
    "transition": lambda log: filters.keep_edge_duration(log, TEXT, APPROVAL, at_most="9 days"),
    "not transition": lambda log: filters.keep_edge_duration(log, TEXT, APPROVAL, at_most="9 days", invert=True),
    "size": lambda log: filters.keep_size(log, at_least=2),
    "not size": lambda log: filters.keep_size(log, at_most=2, invert=True),
    "four eyes": lambda log: filters.keep_four_eyes(log, TEXT, APPROVAL),
    "two eyes": lambda log: filters.keep_four_eyes(log, TEXT, TEXT, people="same"),
    "sample": lambda log: filters.sample_cases(log, 2, seed=7),
    "first": lambda log: filters.keep_first(log, 1),
    "last": lambda log: filters.keep_last(log, 1),
    "merge": lambda log: repairs.merge_activities(log, {"Работа": [TEXT, APPROVAL]}),
    "rename": lambda log: repairs.rename_activities(log, {TEXT: "Черновик"}),
    "merge people": lambda log: repairs.merge_resources(log, {"Анна": ["Борис"]}),
    "duplicates": repairs.drop_duplicates,
    "corrections": repairs.collapse_corrections,
    "repeats": lambda log: repairs.merge_repeats(log, same_person=True),
    "all repeats": repairs.merge_repeats,
    "bulk": repairs.mark_bulk,
    "no bulk": repairs.drop_bulk,
    "trim": lambda log: repairs.trim(log, before=TEXT, after=APPROVAL),
    "forgotten": repairs.close_forgotten,
    "shift": lambda log: repairs.shift_time(log, -3, resources="Анна", since="2025-03-03", until="2025-03-09"),
    "pseudonyms": lambda log: pseudonymise(log, key="0123456789abcdef", roles=True, cases=True, language="ru"),
    "free text": drop_free_text,
    "starts": lambda log: estimate_starts(log, instances=log.end > 0),
}


@pytest.fixture(scope="module")
def log() -> EventLog:
    rows = [
        ("1", TEXT, 0, 1, "Анна", "Автор", "блог", 1.0),
        ("1", TEXT, 2, 3, "Анна", "Автор", "блог", 2.0),
        ("1", APPROVAL, 30, 31, "Борис", "Редактор", "блог", 9.0),
        ("2", TEXT, 24, 25, "Анна", "Автор", "почта", 9.0),
        ("2", APPROVAL, 26, 27, "Борис", "Редактор", "почта", 9.0),
        ("3", APPROVAL, 3, 3.5, "Борис", "Редактор", "почта", 9.0),
        ("4", APPROVAL, 4, 5, "Борис", "Редактор", "почта", 9.0),
        ("4", TEXT, 6, 7, "Анна", "Автор", "почта", 9.0),
    ]
    frame = pd.DataFrame(rows, columns=["case", "activity", "start", "end", "resource", "role", "канал", "цена"])
    for column in ("start", "end"):
        frame[column] = pd.Timestamp("2025-03-03 09:00") + pd.to_timedelta(frame[column], unit="h")
    return EventLog.from_pandas(
        frame,
        start="start",
        resource="resource",
        role="role",
        attributes=["канал", "цена"],
        calendar=Calendar.parse({"Mon-Fri": "09:00-18:00"}),
    )


@pytest.mark.parametrize("name", CHOSEN)
def test_a_step_is_told_in_russian(name: str, log: EventLog) -> None:
    new = CHOSEN[name](log)
    step = new.history[-1]
    told = [retell(text, RU) for text in (step.action, step.detail)]
    told += [retell(reason, RU) for reason in new.quarantine["reason"]]
    # Lengths of time are told as they were given; zones and the rule of a window have names.
    left = re.sub(r"\b(?:UTC|started|trimmed|days|\d+h)\b", "", " ".join(told))
    assert not re.search(r"[A-Za-z]{2,}", left), told
    assert re.search("[а-я]", told[0])


def test_a_length_in_hours_is_told_with_its_unit(log: EventLog) -> None:
    step = filters.keep_duration(log, at_least=0.5, at_most=2000).history[-1]
    assert step.detail == "cycle time at least 0.5 h and at most 2000 h"
    assert retell(step.detail, RU) == "время цикла от 0,5 ч до 2000 ч"
    followed = filters.keep_followed(log, TEXT, APPROVAL, within=48).history[-1]
    assert followed.detail.endswith("within 48 h")
    assert retell(followed.detail, RU).endswith(" 48 ч")


def test_the_findings_are_told_in_russian(log: EventLog) -> None:
    for one in quality(log).findings:
        assert retell(one.what, RU) != one.what
        assert retell(one.advice, RU) != one.advice

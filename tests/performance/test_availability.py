"""Who works when: against the people of the article world, whose hours are known."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date

import numpy as np
import pytest

from mkmine.calendars import Calendar
from mkmine.catalogue.samples import ArticleSample, make_article
from mkmine.eventlog import EventLog
from mkmine.performance import Availability, availability
from mkmine.performance.duty import capacities


@pytest.fixture(scope="module")
def made() -> ArticleSample:
    return make_article()


@pytest.fixture(scope="module")
def found(made: ArticleSample) -> Availability:
    return availability(made.observed)


def test_the_weekly_hours_of_the_article_world(made: ArticleSample, found: Availability) -> None:
    rows = found.people.set_index("person")
    for person in made.model.people:
        true = made.model.calendar(person.calendar)
        inferred = found.presence.calendars[found.presence.calendar_of[made.observed.resources.index(person.name)]]
        monday = 1_736_121_600_000_000  # 2025-01-06
        minutes = monday + np.arange(7 * 24 * 60) * 60_000_000 + 30_000_000
        assert (true.is_open(minutes) == inferred.is_open(minutes)).mean() > 0.98, person.name
        assert rows.at[person.name, "hours_per_week"] == pytest.approx(inferred.hours_per_week)


def test_who_came_and_who_left(found: Availability) -> None:
    rows = found.people.set_index("person")
    # A copywriter was there until 6 April 2025, her successor from the 14th on.
    assert abs(rows.at["Роман Чижиков", "left"] - date(2025, 4, 6)).days <= 3
    assert abs(rows.at["Алина Кострова", "came"] - date(2025, 4, 14)).days <= 3
    others = rows.drop(index=["Роман Чижиков", "Алина Кострова"])
    assert others["came"].isna().all()
    assert others["left"].isna().all()


def test_vacations_are_found_and_hardly_anything_else(made: ArticleSample, found: Availability) -> None:
    taken = 0
    for person in made.model.people:
        number = made.observed.resources.index(person.name)
        for first, last in person.absences:
            if date(2024, 7, 1) <= first and last <= date(2025, 12, 1) and (last - first).days >= 10:
                spans = found.presence.absences[number]
                assert any(abs((a - first).days) <= 6 and abs((b - last).days) <= 6 for a, b in spans), person.name
                taken += 1
    assert taken >= 10


def test_the_last_third_lies_within_the_hours_of_the_first_two(found: Availability) -> None:
    checked = found.people[found.people["moments"] >= 30]
    assert len(checked) >= 16
    assert checked["held_out"].min() > 0.95
    assert found.roles["held_out"].min() > 0.95


def test_hours_that_change_are_told_by_the_last_third(make_log: Callable[..., EventLog]) -> None:
    rows = []
    for week in range(30):
        for day in range(5):
            for hour in (9, 10, 11) if week < 20 else (14, 15, 16):
                at = 168 * week + 24 * day + hour
                rows.append((f"{week}.{day}.{hour}", "A", at, at + 0.9, "x"))
    found = availability(make_log(rows), calendar=Calendar.parse({"Mon-Fri": "09:00-18:00"}))
    assert found.people.at[0, "held_out"] == 0


def test_signs_by_hour_of_the_week(make_log: Callable[..., EventLog]) -> None:
    rows = [(str(week), "A", 168 * week + 9.1, 168 * week + 9.5, "x") for week in range(4)]
    rows += [("b", "A", 24 + 10.1, 24 + 10.5, "x")]
    weekly = availability(make_log(rows), calendar=Calendar.always()).weekly
    told = {(row.weekday, row.hour): row.probability for row in weekly.itertuples()}
    assert told == {(1, 9): 1.0, (2, 10): 0.25}


def test_seldom_overlap_is_no_second_pair_of_hands(make_log: Callable[..., EventLog]) -> None:
    one = [(str(i), "A", 10 * i, 10 * i + 9, "x") for i in range(20)]
    seldom = make_log([*one, ("s", "A", 5, 8, "x")])
    often = make_log([*one, *((f"s{i}", "A", 10 * i, 10 * i + 5, "x") for i in range(20))])
    assert capacities(seldom).tolist() == [1]
    assert capacities(often).tolist() == [2]


def test_it_prints_and_converts(found: Availability, make_log: Callable[..., EventLog]) -> None:
    plain = json.loads(json.dumps(found.to_dict()))
    left = {row["person"]: row["left"] for row in plain["people"]}
    assert left["Роман Чижиков"].startswith("2025-04")
    assert "18 people" in repr(found)
    assert "<table" in found._repr_html_()
    nobody = availability(make_log([("1", "A", 0, 1)]), calendar=Calendar.always())
    assert len(nobody.people) == 0
    json.dumps(nobody.to_dict())

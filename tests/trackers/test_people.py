"""Names of people: one per person, placeholders for the deleted, kept apart."""

from __future__ import annotations

import pytest

from mkmine.trackers.people import Directory, is_deleted


def test_two_people_of_one_name_stay_two() -> None:
    people = Directory()
    assert [people.name(1, "Анна"), people.name(2, "Анна"), people.name(1, None)] == ["Анна", "Анна (2)", "Анна"]


def test_deleted_people_stay_apart() -> None:
    people = Directory()
    assert people.name(7, None) == "Deleted user 7"
    assert people.name("5fb4-a", "Former user") == "Deleted user 2"
    assert people.name("5fb4-b", "Former user") == "Deleted user 3"
    assert people.deleted == ("Deleted user 7", "Deleted user 2", "Deleted user 3")


def test_an_id_met_alone_has_the_name_learnt_before() -> None:
    people = Directory()
    people.learn([(5, "Борис"), (None, "Вера"), (6, None)])
    assert people.name("5", None) == "Борис"
    assert people.name(None, "Борис") == "Борис"
    assert people.name(None, None) is None


@pytest.mark.parametrize("name", ["Удалённый пользователь", "Удаленный пользователь 5", "Deleted user", "Anonymous"])
def test_the_names_of_the_deleted(name: str) -> None:
    assert is_deleted(name)
    assert not is_deleted("Анна Удалова")

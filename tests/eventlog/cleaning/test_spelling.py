from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkmine.eventlog.cleaning.spelling import alike, person_key, spelling_key, typing_errors


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Приёмка", "приемка "),
        ("E-mail", "email"),
        ("С1", "C1"),
        ("ТЕСТ", "TECT"),
        ("In\u00a0Progress", "in progress"),
        ("Approval!", "«Approval»"),
    ],
)
def test_one_name_spelt_in_two_ways(one: str, other: str) -> None:
    assert spelling_key(one) == spelling_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Stage 1.1", "Stage 11"), ("Stage 1", "Stage 2"), ("Open", "Reopen"), ("???", "!!!"), ("A", "B")],
)
def test_two_names(one: str, other: str) -> None:
    assert spelling_key(one) != spelling_key(other)


def test_words_of_a_person_may_change_places_but_not_those_of_an_account() -> None:
    assert person_key("Орлов Дмитрий") == person_key("дмитрий орлов")
    assert person_key("Петров А.") == person_key("А. Петров")
    assert person_key("Петров А.") != person_key("Петров В.")
    assert person_key("agent 1 2") != person_key("agent 2 1")
    assert alike(["Anna Orlova", "Orlova, Anna", "Anna"], people=True) == [["Anna Orlova", "Orlova, Anna"]]


@pytest.mark.parametrize("wrong", ["Aproval", "Approvall", "Approvel", "Apporval"])
def test_one_letter_wrong_missing_added_or_swapped(wrong: str) -> None:
    assert typing_errors({"Approval": 100, wrong: 3}) == [(wrong, "Approval")]


@pytest.mark.parametrize(
    "other",
    ["Disapproval", "Upproval", "Approval 2", "Approval of text", "APPROVAL", "Removal"],
)
def test_other_names_are_no_typing_errors(other: str) -> None:
    assert typing_errors({"Approval": 100, other: 3}) == []


def test_what_is_frequent_is_a_name_of_its_own() -> None:
    assert typing_errors({"Accepted": 100, "Excepted": 3, "Acceptes": 60}) == []
    assert typing_errors({"Stage IV done": 100, "Stage VI done": 2, "Test A": 100, "Test B": 2}) == []


def test_many_names_are_compared_in_no_time() -> None:
    # The 5,000 names differ in one place each, as numbers in names do.
    names = {f"Answer{chr(0x4E00 + number)} letters": 1 + number % 2 * 30 for number in range(5000)}
    assert typing_errors(names) == []


@given(st.text(max_size=30))
def test_a_key_does_not_depend_on_case_or_outer_marks(name: str) -> None:
    if any(letter.isalnum() for letter in name):
        assert spelling_key(f" «{name}» ") == spelling_key(name)

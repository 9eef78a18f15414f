"""What somebody says of a TO-BE: what is no such thing is told in words of those who say it."""

from __future__ import annotations

import math
from typing import Any

import pytest

from mkmine.errors import DataError
from mkmine.targets import Elicited

HOURS = r"give \[low, likely, high\] in hours, such as \[1, 2, 5\]"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"Legal": [math.nan, 2, 5]}, rf"Legal: duration: low: {HOURS}, or one number, found nan"),
        ({"Legal": [1, 2, math.inf]}, rf"Legal: duration: high: {HOURS}"),
        ({"Legal": "abc"}, rf"Legal: duration: {HOURS}, or one number, found 'abc'"),
        ({"Legal": True}, rf"{HOURS}, or one number, found True"),
        ({"Legal": [True, 2, 3]}, "three numbers"),
        ({"Legal": 10**400}, rf"{HOURS}, or one number, found 1000"),
        ({"Legal": None}, HOURS),
        ({"Legal": [5, 2, 1]}, "not in rising order"),
        ({"Legal": {"duration": 1, "role": 3}}, "Legal: role: give the name of a role, found 3"),
        ({"activities": {3: 1}}, "activities: a name is a text"),
        ({"activities": 3}, "elicited: activities: give values by name, found 3"),
        ({"choices": {"x": {"a": "z"}}}, r"choices: x: a: give \[low, likely, high\] as probabilities"),
        ({"choices": {"x": 3}}, "choices: x: give ranges by way, found 3"),
        ({"choices": {"x": {"a": 2}}}, "elicited: choices: x: a: a probability is at most 1"),
        ({"people": {"Lawyer": []}}, r"people: Lawyer: give how many people are new .*, found \[\]"),
        ({"people": {"Lawyer": 0}}, "people: Lawyer: give how many people are new"),
        ({"people": {"Lawyer": True}}, "people: Lawyer: give how many people are new"),
        ({"people": {"Lawyer": ["Ann", 3]}}, "or the names of those who do the work"),
    ],
)
def test_what_cannot_be_said_is_told_in_plain_words(said: dict[str, Any], told: str) -> None:
    with pytest.raises(DataError, match=told):
        Elicited.read(said)


def test_the_three_forms_of_people() -> None:
    said = Elicited.read({"people": {"Lawyer": 2, "Editor": "Writer", "Chief": ["Ann"]}})
    assert said.people == {"Lawyer": 2, "Editor": "Writer", "Chief": ["Ann"]}

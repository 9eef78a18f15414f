"""Rules against definitions that look at one case at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from mkmine import sources
from mkmine.calendars import Calendar
from mkmine.catalogue.samples import sample
from mkmine.conformance import check
from mkmine.conformance.rules import check_rules, judge
from mkmine.errors import DataError, UnknownNameError
from mkmine.eventlog import EventLog
from mkmine.targets import read_target
from mkmine.targets.rules import TEMPLATES, Rule

Case = list[tuple[str, str]]


def activations(template: str, case: Case) -> tuple[int, int]:
    """Return how many activations a closed case has of the rule over A and B (at most 2 of A); how many break it."""
    names = [name for name, _ in case]
    a, b = [i for i, n in enumerate(names) if n == "A"], [i for i, n in enumerate(names) if n == "B"]
    people = {n: {p for m, p in case if m == n and p} for n in "AB"}
    answered = [any(j > i for j in b) for i in a]
    founded = [any(j < i for j in a) for i in b]
    nexts = [min((j for j in b if j > i), default=99) < min((j for j in a if j > i), default=98) for i in a]
    before = [max((j for j in a if j < i), default=-1) > max((j for j in b if j < i), default=-1) for i in b]
    per_case = {
        "existence": not a,
        "at_most": len(a) > 2,
        "absence": bool(a),
        "init": names[0] != "A",
        "last": names[-1] != "A",
        "choice": not a and not b,
        "exclusive_choice": bool(a) == bool(b),
        # Each takes half an hour, one an hour.
        "not_later_than": not a or a[0] + 0.5 > 3,
    }
    if template in per_case:
        return 1, int(per_case[template])
    of_some = {
        "responded_existence": (bool(a), not b),
        "coexistence": (bool(a or b), bool(a) != bool(b)),
        "not_coexistence": (bool(a or b), bool(a and b)),
        "four_eyes": (bool(people["A"] and people["B"]), bool(people["A"] & people["B"])),
        "same_person": (bool(people["A"] and people["B"]), len(people["A"] | people["B"]) > 1),
    }
    if template in of_some:
        active, broken = of_some[template]
        return int(active), int(active and broken)
    per_row: dict[str, list[bool]] = {
        "response": answered,
        "precedence": founded,
        "succession": answered + founded,
        "alternate_response": nexts,
        "alternate_precedence": before,
        "chain_response": [i + 1 in b for i in a],
        "chain_precedence": [i - 1 in a for i in b],
        "not_succession": [not one for one in answered],
        "not_chain_succession": [i + 1 not in b for i in a],
    }
    kept = per_row[template]
    return len(kept), kept.count(False)


def log_of(cases: list[Case]) -> EventLog:
    base = pd.Timestamp("2025-03-03", tz="UTC")
    rows = [
        (f"{number:03}", name, base + pd.Timedelta(hours=i), base + pd.Timedelta(hours=i + 0.5), person or None)
        for number, case in enumerate(cases)
        for i, (name, person) in enumerate(case)
    ]
    frame = pd.DataFrame(rows, columns=["case", "activity", "start", "end", "resource"])
    return EventLog.from_pandas(frame, start="start", resource="resource")


def rule(template: str, **options: object) -> Rule:
    one = template in {"existence", "at_most", "absence", "init", "last", "not_later_than"}
    times = {"at_most": {"times": 2}, "not_later_than": {"within_h": 3}}.get(template, {})
    return Rule.model_validate({template: ["A"] if one else ["A", "B"]} | times | options)


def checked(log: EventLog, rules: list[Rule], **options: Any) -> pd.DataFrame:
    return check_rules(log, rules, judge(log, rules, **options))


cases = st.lists(
    st.lists(st.tuples(st.sampled_from("ABC"), st.sampled_from(["x", "y", ""])), min_size=1, max_size=7),
    min_size=1,
    max_size=6,
)


@pytest.mark.parametrize("template", TEMPLATES)
@given(data=cases)
def test_every_template_against_its_definition(template: str, data: list[Case]) -> None:
    log = log_of(data)
    log = replace(log, calendar=Calendar.always(), completed=np.ones(log.n_cases, dtype=np.bool_))
    row = checked(log, [rule(template)], known=["A", "B"]).iloc[0]
    expected = [activations(template, case) for case in data]
    assert (row["checked"], row["violated"]) == tuple(map(sum, zip(*expected, strict=True)))
    assert row["cases_violated"] == sum(broken > 0 for _, broken in expected)
    assert row["cases_checked"] == sum(active > 0 for active, _ in expected)
    assert row["pending"] == 0


def test_open_cases_may_still_do_it() -> None:
    log = log_of([[("A", "x")], [("A", "x"), ("B", "y")], [("B", "y")]])
    log = replace(log, completed=np.array([False, True, False]))
    found = checked(log, [rule("response"), rule("precedence"), rule("coexistence"), rule("exclusive_choice")])
    assert found["pending"].tolist() == [1, 0, 2, 0]
    assert found["violated"].tolist() == [0, 1, 0, 1]


def test_an_answer_in_time(make_log: Callable[..., EventLog]) -> None:
    log = make_log(
        [
            *(("1", "A", 0, 1, "x"), ("1", "B", 3, 4, "x")),
            *(("2", "A", 0, 1, "x"), ("2", "B", 9, 10, "x")),
            ("3", "A", 0, 1, "x"),
            ("4", "A", 8, 9, "x"),
        ]
    )
    log = replace(log, calendar=Calendar.always(), completed=np.array([True, True, False, False]))
    row = checked(log, [rule("response", within_h=4)]).iloc[0]
    # The answer of case 2 was late; that of 3 is overdue, and 4 has time left.
    assert (row["checked"], row["violated"], row["pending"]) == (3, 2, 1)
    assert row["examples"] == ("2", "3")
    assert row["rule"] == "after A, B is done within 4 h"


def test_not_later_than_from_the_beginning_of_the_case(make_log: Callable[..., EventLog]) -> None:
    log = make_log(
        [
            *(("1", "B", 0, 1, "x"), ("1", "A", 3, 4, "x"), ("1", "A", 8, 9, "x")),
            *(("2", "B", 0, 1, "x"), ("2", "A", 3, 6, "x")),
            ("3", "B", 0, 1, "x"),
            ("4", "B", 8, 9, "x"),
        ]
    )
    log = replace(log, calendar=Calendar.always(), completed=np.array([True, True, False, False]))
    row = checked(log, [rule("not_later_than", within_h=5)]).iloc[0]
    # The first A of case 1 ended in time; that of 2 is late, 3 is overdue, and 4 has time left.
    assert (row["checked"], row["violated"], row["pending"]) == (3, 2, 1)
    assert row["examples"] == ("2", "3")
    assert row["rule"] == "A is done within 5 h of the beginning of the case"


def test_aliases_and_unknown_names(make_log: Callable[..., EventLog]) -> None:
    log = make_log([("1", "a.", 0, 1, "x"), ("1", "B", 3, 4, "x")])
    assert checked(log, [rule("response")], aliases={"a.": "A"})["violated"].tolist() == [0]
    with pytest.raises(UnknownNameError, match='"A"'):
        checked(log, [rule("response")])
    row = checked(log, [rule("response")], known=["A"]).iloc[0]
    assert row["checked"] == 0
    assert np.isnan(row["share"])


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"respnse": ["A", "B"]}, "response"),
        ({"response": ["A"]}, "2 activities"),
        ({"response": ["A", "A"]}, "twice"),
        ({"precedence": ["A", "B"], "within_h": 3}, "within_h"),
        ({"at_most": ["A"]}, "needs `times`"),
        ({"response": ["A", "B"], "times": 3}, "no `times`"),
        ({"response": ["A", "B"], "precedence": ["A", "B"]}, "found 2"),
        ({"not_later_than": ["A"]}, "needs `within_h`"),
        ({"existence": ["A"], "times": 0}, "greater than or equal to 1"),
    ],
)
def test_rules_that_are_none(values: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        Rule.model_validate(values)


def test_rules_read_as_they_are_written() -> None:
    for template in TEMPLATES:
        one = rule(template)
        assert Rule.model_validate(one.to_dict()) == one
        assert "{" not in str(one)
    assert Rule.model_validate({"absence": "A"}).activities == ("A",)


def test_rules_of_a_card_are_checked(tmp_path: Path) -> None:
    place = sample("article")
    card = tmp_path / "card.yaml"
    text = place.to_be.with_name("to_be.card.yaml").read_text(encoding="utf-8")
    target = read_target(place.to_be)
    assert [rule.template for rule in target.card.rules] == [
        "precedence",
        "alternate_response",
        "response",
        "four_eyes",
    ]
    found = check(sources.read(place.log, mapping=place.mapping), target)
    rules = found.rules.set_index("template")
    assert rules.loc["precedence", "cases_checked"] > 1_000
    assert (rules["cases_violated"] <= rules["cases_checked"]).all()
    assert "rule     Публикация is done only after Финальное согласование" in repr(found)
    assert len(found.to_dict()["rules"]) == 4
    card.write_text(text.replace("- precedence:", "- precedense:"), encoding="utf-8")
    with pytest.raises(DataError, match="precedence"):
        read_target(place.to_be, card=card)
    card.write_text(text.replace("  - Публикация\n", "  - Публикациа\n", 1), encoding="utf-8")
    with pytest.raises(DataError, match='rules: activity "Публикациа" is not in the model; did you mean "Публикация"'):
        read_target(place.to_be, card=card)

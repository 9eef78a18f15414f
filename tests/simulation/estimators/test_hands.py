"""Whose hands an activity needs: the same person as another's, or anybody else's."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mkmine.eventlog import EventLog
from mkmine.simulation.calibration.estimators.hands import estimate_hands, last_doers


def cases(make_log: Callable[..., EventLog], rule: str, *, n: int = 300, people: int = 4, seed: int = 0) -> EventLog:
    """Text, then Check by somebody that the rule allows."""
    draw = np.random.default_rng(seed)
    rows = []
    for case in range(n):
        writer = int(draw.integers(people))
        others = [one for one in range(people) if one != writer]
        checker = {"same": writer, "other": int(draw.choice(others)), "any": int(draw.integers(people))}[rule]
        rows += [
            (f"c{case:03}", "Text", 2.0 * case, 2.0 * case + 1, f"P{writer}"),
            (f"c{case:03}", "Check", 2.0 * case + 40, 2.0 * case + 41, f"P{checker}"),
        ]
    return make_log(rows)


@pytest.mark.parametrize("people", [2, 4])
@pytest.mark.parametrize("rule", ["same", "other"])
def test_hands_are_recovered(make_log: Callable[..., EventLog], rule: str, people: int) -> None:
    log = cases(make_log, rule, people=people)
    found = estimate_hands(log)[log.activities.index("Check")]
    assert log.activities[found.other] == "Text"
    assert found.same is (rule == "same")
    assert found.share == (1.0 if rule == "same" else 0.0)
    assert found.chance == pytest.approx(1 / people, abs=0.1)


def test_chance_needs_nobody(make_log: Callable[..., EventLog]) -> None:
    assert not any(estimate_hands(cases(make_log, "any", seed=seed)) for seed in range(20))


def test_the_longest_idle_is_no_four_eyes(make_log: Callable[..., EventLog]) -> None:
    # Work goes round; who has just done something is the last one to get the next piece.
    rows, turn = [], 0
    for case in range(300):
        for number, activity in enumerate(("Text", "Check")):
            begin = 4.0 * case + 2 * number
            rows.append((f"c{case:03}", activity, begin, begin + 1, f"P{turn % 3}"))
            turn += 1
    assert not estimate_hands(make_log(rows))


def test_who_is_alone_is_no_rule_and_few_cases_say_nothing(make_log: Callable[..., EventLog]) -> None:
    one = [(f"c{n}", activity, 3.0 * n, 3.0 * n + 1, "Ann") for n in range(60) for activity in ("Text", "Check")]
    assert not estimate_hands(make_log(one))
    assert not estimate_hands(cases(make_log, "other", n=15))


def test_the_last_doer_before(make_log: Callable[..., EventLog]) -> None:
    steps = [
        ("a", "Text", "Ann"),
        ("a", "Check", "Bob"),
        ("a", "Text", "Cid"),
        ("a", "Check", "Bob"),
        ("b", "Check", "Bob"),
    ]
    log = make_log([(case, what, at, at + 1, who) for at, (case, what, who) in enumerate(steps)])
    rows = np.flatnonzero(log.activity == log.activities.index("Check"))
    told = [log.resources[one] if one >= 0 else None for one in last_doers(log, rows, log.activities.index("Text"))]
    assert told == ["Ann", "Cid", None]

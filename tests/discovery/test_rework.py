from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkmine.calendars import Calendar
from mkmine.discovery import rework, sent_back
from mkmine.errors import DataError, UnknownNameError
from mkmine.eventlog import EventLog
from mkmine.eventlog.summaries import visits

ALWAYS = Calendar.always()


def case(name: str, path: str, step: float = 2, ongoing: bool = False) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = [(name, letter, i * step, i * step + 1, "x") for i, letter in enumerate(path)]
    if ongoing:
        rows[-1] = (*rows[-1], True)
    return rows


def test_rounds_are_counted_and_open_ones_censored(make_log: Callable[..., EventLog]) -> None:
    rows = case("1", "WAWAD") + case("2", "WAD") + case("3", "WA", ongoing=True)
    log = make_log(rows, completed=pd.Series([False], index=["3"]))
    rounds = rework(log, calendar=ALWAYS).rounds.set_index(["activity", "round"])
    first = rounds.loc[("A", 1)]
    assert (first.reached, first.returned, first.censored) == (3, 1, 1)
    assert first.probability == 0.5
    assert 0 < first.low < 0.5 < first.high < 1
    assert first.hours_per_round == 4
    assert rounds.loc[("A", 2)].returned == 0


def test_a_loop_is_charged_once_to_the_activity_that_sends_back(make_log: Callable[..., EventLog]) -> None:
    loops = rework(make_log(case("1", "WAWAD") + case("2", "WAWAWAD")), calendar=ALWAYS).loops
    assert loops["gate"].tolist() == ["A"]
    row = loops.iloc[0]
    assert (row.target, row.returns, row.cases, row.share_back) == ("W", 3, 2, 1.0)
    assert row.hours == 3 * 4
    assert row.examples == ("2", "1")


def test_going_on_at_once_is_no_return(make_log: Callable[..., EventLog]) -> None:
    log = make_log(case("1", "WWAD") + case("2", "WAAWD"))
    found = rework(log, calendar=ALWAYS)
    assert found.loops[["gate", "target", "returns", "hours"]].to_numpy().tolist() == [["A", "W", 1, 2]]
    rounds = found.rounds.set_index(["activity", "round"])
    assert rounds.loc[("W", 1), ["returned", "repeated"]].tolist() == [2, 1]
    assert rounds.loc[("A", 1), ["returned", "repeated"]].tolist() == [1, 1]
    recorded = replace(log, enabled=log.start)
    assert set(rework(recorded, calendar=ALWAYS).loops["gate"]) == {"W", "A"}


@given(st.lists(st.text("ABCD", min_size=1, max_size=10), min_size=1, max_size=6))
def test_loops_never_cost_more_than_the_cases_last(make_log: Callable[..., EventLog], paths: list[str]) -> None:
    log = make_log([row for number, path in enumerate(paths) for row in case(str(number), path)])
    found = rework(log, calendar=ALWAYS)
    total = sum(2 * (len(path) - 1) for path in paths)
    assert found.loops["hours"].sum() <= total
    assert found.loops["returns"].sum() <= int((log.round > 1).sum())
    assert (found.loops["returns"].sum() > 0) == bool((visits(log) > 1).any())
    defined = found.rounds[found.rounds["probability"].notna()]
    assert ((defined["low"] <= defined["probability"]) & (defined["probability"] <= defined["high"])).all()


def test_rework_prints_and_converts_safely(make_log: Callable[..., EventLog]) -> None:
    log = make_log([("1", "<b>", 0, 1), ("1", "A", 2, 3), ("1", "<b>", 4, 5)])
    found = rework(log, calendar=ALWAYS)
    assert "<b>" not in found._repr_html_()
    assert json.dumps(found.to_dict())
    assert "1 returns" in repr(found)
    none = rework(make_log([("1", "A", 0, 1)]), calendar=ALWAYS)
    assert len(none.loops) == 0
    assert np.isnan(none.rounds["hours_per_round"]).all()
    assert none.rounds["probability"].tolist() == [0.0]
    assert none.rounds["high"].iloc[0] == pytest.approx(0.793, abs=1e-3)


def test_first_pass_yield_is_of_decided_cases(make_log: Callable[..., EventLog]) -> None:
    rows = case("1", "WAWAD") + case("2", "WAD") + case("3", "WA", ongoing=True) + case("4", "WAWA", ongoing=True)
    found = rework(make_log(rows, completed=pd.Series([False, False], index=["3", "4"])), calendar=ALWAYS)
    row = found.yields.set_index("activity").loc["A"]
    assert (row.cases, row.passed) == (3, 1)  # the open case that was sent back already is decided
    assert row.first_pass == pytest.approx(1 / 3)
    assert row.low < row.first_pass < row.high
    assert found.rolled[0] == 0.5


def test_loops_cost_the_work_done_again(make_log: Callable[..., EventLog]) -> None:
    log = make_log(case("1", "WAWAD") + case("2", "WAWAWAD"))
    row = rework(log, calendar=ALWAYS, rate=100).loops.iloc[0]
    assert row.work_h == 3 * 2  # two activities of one hour each in each of three loops
    assert row.cost == 600
    assert np.isnan(rework(log, calendar=ALWAYS).loops.iloc[0].cost)
    with pytest.raises(DataError, match="both given"):
        rework(log, cost="price", rate=1)
    with pytest.raises(DataError, match="rate=-1"):
        rework(log, rate=-1)
    with pytest.raises(UnknownNameError, match="price"):
        rework(log, cost="price")


def test_the_interval_of_a_loop_is_of_cases(make_log: Callable[..., EventLog]) -> None:
    log = make_log([row for n in range(40) for row in case(str(n), "WAWAD", step=2 + n % 5)])
    row = rework(log, calendar=ALWAYS).loops.iloc[0]
    assert row.low_h < row.mean_h < row.high_h
    assert row.high_h - row.low_h < 6


def test_an_approver_who_sends_back_is_found_and_one_who_does_not_is_not(make_log: Callable[..., EventLog]) -> None:
    rng = np.random.default_rng(2)
    rows: list[tuple[object, ...]] = []
    for n in range(300):
        strict = n % 2 == 0
        path = "WAWAD" if rng.random() < (0.8 if strict else 0.2) else "WAD"
        people = {"W": f"w{n % 3}", "A": "strict" if strict else "easy", "D": "d"}
        rows += [(str(n), letter, i * 2, i * 2 + 1, people[letter]) for i, letter in enumerate(path)]
    found = sent_back(make_log(rows), "A").supported
    assert set(found["value"]) == {"strict", "easy"}
    assert set(found["name"]) == {"A"}
    first = found[found["value"] == "strict"].iloc[0]
    assert 0.4 < first.low < first.difference < first.high < 0.8
    with pytest.raises(UnknownNameError, match="activity"):
        sent_back(make_log(rows), "X")

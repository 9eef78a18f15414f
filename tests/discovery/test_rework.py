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
from mkmine.discovery import rework
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

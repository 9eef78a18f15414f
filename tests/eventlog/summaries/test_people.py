from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given

from mkmine.calendars import HOUR, Calendar
from mkmine.errors import DataError
from mkmine.eventlog.summaries import activity_table, executions, hand_overs, resource_table
from tests.eventlog.summaries.samples import Event, events, kernels, log_of

FORMS = ("numpy", "numba")


@pytest.mark.parametrize("form", FORMS)
@given(drawn=events)
def test_tables_equal_those_of_plain_loops(form: str, drawn: list[Event]) -> None:
    log = log_of(drawn, open_cases=True)
    frame = log.to_pandas()
    with kernels(form):
        tables = {"activity": activity_table(log, exact=True), "resource": resource_table(log, exact=True)}
    for by, table in tables.items():
        groups = dict(list(frame.dropna(subset=[by]).groupby(by)))
        assert set(table.figures) == set(groups)
        for name, (instances, cases, first, last) in table.figures.items():
            mine = groups[name]
            assert (instances, cases) == (len(mine), mine["case"].nunique())
            assert first == mine["start"].min().value // 1000
            assert last == mine["end"].max().value // 1000
        done = frame[~frame["ongoing"]].dropna(subset=[by])
        hours = (done["end"] - done["start"]).dt.total_seconds() / 3600
        expected = hours.groupby(done[by]).median().to_dict()
        found = dict(
            zip((name for (name,) in table.durations.names), table.durations.quantile(0.5) / HOUR, strict=True)
        )
        assert found == pytest.approx(expected)


@pytest.mark.parametrize("form", FORMS)
@given(drawn=events)
def test_hand_overs_equal_those_of_plain_loops(form: str, drawn: list[Event]) -> None:
    log = log_of(drawn)
    expected: Counter[tuple[str, str]] = Counter()
    for _, case in log.to_pandas().groupby("case", sort=False):
        expected.update(
            pair for pair in itertools.pairwise(case["resource"]) if pd.notna(pair[0]) and pd.notna(pair[1])
        )
    with kernels(form):
        found = hand_overs(log)
    assert found.counts == expected
    assert found.handed == sum(n for (a, b), n in expected.items() if a != b)
    assert found.matrix().to_numpy().sum() == sum(expected.values())


def test_tables_are_frames_with_times_in_hours() -> None:
    log = log_of([(1, "A", 0, 2, "Anna"), (1, "B", 9, 4, "Boris"), (2, "A", 9, 4, "Anna")], time_zone="UTC")
    frame = resource_table(log, exact=True).to_pandas(time_zone="Europe/Moscow")
    assert frame["name"].tolist() == ["Anna", "Boris"]
    assert frame["total_h"].tolist() == [6, 4]
    assert frame["first"].iloc[0].isoformat() == "2025-03-03T03:00:00+03:00"
    office = Calendar.parse({"Mon-Fri": "09:00-12:00"})
    assert resource_table(log, calendar=office, exact=True).to_pandas()["total_h"].tolist() == [3, 3]
    assert hand_overs(log, by="activity").counts == {("A", "B"): 1}


def test_completions_have_no_durations_and_a_log_without_people_no_table() -> None:
    log = log_of([(1, "A", 0, 2, None), (1, "B", 9, 4, None)], completions=True)
    frame = activity_table(log).to_pandas()
    assert np.isnan(frame["median_h"]).all()
    assert frame["instances"].tolist() == [1, 1]
    assert not resource_table(log).figures
    assert not hand_overs(log, by="role").counts
    assert not executions(log, by="role").figures


def test_tables_by_different_things_do_not_merge() -> None:
    log = log_of([(1, "A", 0, 2, "Anna")])
    with pytest.raises(DataError, match="cannot be added up"):
        activity_table(log).merge(resource_table(log))

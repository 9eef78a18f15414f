from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mkmine.calendars import Calendar
from mkmine.catalogue.samples import make_article
from mkmine.discovery.drift import _search, _Series, drift
from mkmine.errors import DataError
from mkmine.eventlog import EventLog
from mkmine.streams import Streams

ALWAYS = Calendar.always()
BASE = pd.Timestamp("2025-01-06", tz="UTC")


def log_of(n: int, *, seed: int, change: int | None = None, review: float = 0.3, hours: float = 2.0) -> EventLog:
    """Return `n` cases A, (review), C, four a day; from case number `change` on, reviews and times are other ones."""
    rng, rows = np.random.default_rng(seed), []
    for case in range(n):
        changed = change is not None and case >= change
        at = BASE + pd.Timedelta(hours=6 * case)
        steps = ["A"] + ["Review"] * (rng.random() < (review if changed else 0.3)) + ["C"]
        for activity in steps:
            start = at + pd.Timedelta(hours=0.5)
            at = start + pd.Timedelta(hours=rng.exponential(hours if changed else 2.0))
            rows.append((str(case), activity, start, at))
    return EventLog.from_pandas(pd.DataFrame(rows, columns=["case", "activity", "start", "end"]), start="start")


def test_a_change_of_paths_is_found_where_it_is() -> None:
    found = drift(log_of(800, seed=1, change=500, review=0.7), calendar=ALWAYS)
    paths = found.changes[found.changes["aspect"] == "paths"]
    assert len(paths) == 1
    row, true = paths.iloc[0], BASE + pd.Timedelta(hours=6 * 500)
    assert row["early"] <= true + pd.Timedelta(days=3)
    assert row["late"] >= true - pd.Timedelta(days=3)
    assert abs(row["when"] - true) < pd.Timedelta(days=7)
    assert row["most"] in {"A → C", "A → Review", "Review → C"}
    assert abs(row["before"] - row["after"]) == pytest.approx(0.4, abs=0.1)


def test_a_change_of_times_is_found_and_no_other() -> None:
    found = drift(log_of(800, seed=2, change=300, hours=5.0), calendar=ALWAYS)
    assert found.changes["aspect"].tolist() == ["times"]
    assert found.changes["after"].item() > 1.5 * found.changes["before"].item()
    difference = found.at(0)
    assert difference.activities["hours_supported"].any()
    assert not difference.activities["supported"].any()
    with pytest.raises(DataError, match="change point 1"):
        found.at(1)


@pytest.mark.parametrize("memory", [0.0, 0.6])
def test_in_what_does_not_change_no_change_is_found(memory: float) -> None:
    """In at most 5 % of 60 series; memory, as long queues have it, is no change."""
    rng, wrong = np.random.default_rng(3), 0
    for run in range(60):
        values = rng.normal(size=(120, 2))
        for place in range(1, 120):
            values[place] += memory * values[place - 1]
        wrong += len(_search(_Series(["a", "b"], values, np.arange(120)), Streams(run), "test", 0.05)) > 0
    # Of a binomial of 60 and 5 % the 99.9 % quantile is 9.
    assert wrong <= 9


def test_the_article_world_does_not_change() -> None:
    log = make_article().observed
    assert not len(drift(log).changes[lambda table: table["aspect"] == "paths"])


def test_short_logs_are_not_searched() -> None:
    found = drift(log_of(40, seed=1))
    assert found.tested == {"paths": 0, "times": 0, "load": 0}
    assert "too short" in repr(found)
    assert not len(found.to_dict()["changes"])


def test_one_seed_one_result() -> None:
    log = log_of(300, seed=4, change=150, review=0.8)
    one, same = (drift(log, seed=5) for _ in range(2))
    pd.testing.assert_frame_equal(one.changes, same.changes)
    assert one.to_dict()["changes"][0]["when"].startswith("2025-")
    assert "<table" in one._repr_html_()

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mkmine.calendars import Calendar
from mkmine.discovery.difference import compare, segments
from mkmine.errors import DataError, UnknownNameError
from mkmine.eventlog import EventLog

ALWAYS = Calendar.always()


def log_of(
    n: int, *, seed: int, review: float = 0.5, hours: float = 8.0, name: str = "log", open_last: int = 0
) -> EventLog:
    """Return `n` cases A, (review in some), C; one begins each hour. C takes `hours` on average."""
    rng, base, rows = np.random.default_rng(seed), pd.Timestamp("2025-01-06", tz="UTC"), []
    for case in range(n):
        at = base + pd.Timedelta(hours=case)
        steps = [("A", 1.0)] + [("Review", 2.0)] * (rng.random() < review) + [("C", hours)]
        for place, (activity, mean) in enumerate(steps):
            if case >= n - open_last and place:
                break
            start = at + pd.Timedelta(hours=rng.exponential(3))
            at = start + pd.Timedelta(hours=rng.exponential(mean))
            rows.append((f"{name}-{case}", activity, start, at, "left" if case % 2 else "right"))
    frame = pd.DataFrame(rows, columns=["case", "activity", "start", "end", "team"])
    teams = frame.groupby("case")[["team"]].first()
    return EventLog.from_pandas(frame.drop(columns="team"), start="start", case_attributes=teams, name=name)


def test_what_differs_is_found_and_nothing_else() -> None:
    found = compare(
        log_of(400, seed=1, name="before"), log_of(400, seed=2, review=0.2, hours=16, name="after"), calendar=ALWAYS
    )
    rows = found.activities.set_index("activity")
    assert rows["supported"].to_dict() == {"A": False, "C": False, "Review": True}
    assert rows["hours_supported"].to_dict() == {"A": False, "C": True, "Review": False}
    assert rows.loc["Review", "low"] <= -0.3 <= rows.loc["Review", "high"]
    assert rows.loc["C", "longer"] == pytest.approx(2 / 3, abs=0.06)
    edges = found.edges.set_index(["source", "target"])
    assert edges["supported"].to_dict() == {("A", "C"): True, ("A", "Review"): True, ("Review", "C"): True}
    assert not edges["hours_supported"].any()
    assert found.cycle["supported"].item()
    assert found.names == ("before", "after")
    assert {"C", "Review", "A → C"} <= set(found.supported()["what"])


def test_where_nothing_differs_little_is_found() -> None:
    """With a false discovery rate of 5 % some discovery is made in about 5 % of comparisons of nothing."""
    wrong = sum(
        len(compare(log_of(60, seed=2 * n), log_of(60, seed=2 * n + 1, name="b")).supported()) > 0 for n in range(60)
    )
    assert wrong <= 8


def test_young_cases_are_not_taken_for_different_ones() -> None:
    # The last 30 cases have only begun, which is no difference in the process.
    found = compare(log_of(300, seed=1, name="old"), log_of(300, seed=2, name="new", open_last=25), calendar=ALWAYS)
    assert found.young[1] >= 25
    assert not found.activities["supported"].any()
    assert "too late" in repr(found)


def test_segments_of_one_log() -> None:
    one, other = segments(log_of(100, seed=1), "team", "left", "right")
    assert (one.n_cases, other.n_cases) == (50, 50)
    found = compare(one, other, names=("left", "right"))
    assert found.to_dict()["names"] == ["left", "right"]
    assert "<table" in found._repr_html_()
    with pytest.raises(UnknownNameError, match="team"):
        segments(one, "teem", "left", "right")
    with pytest.raises(UnknownNameError, match="left"):
        segments(one, "team", "lefd", "right")


def test_what_cannot_be_compared() -> None:
    log = log_of(20, seed=1)
    with pytest.raises(DataError, match="share cases"):
        compare(log, log)
    with pytest.raises(DataError, match="3 cases"):
        compare(log, log_of(3, seed=1, name="few"))

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mkmine.eventlog import EventLog
from mkmine.simulation.calibration.estimators.attributes import Coded, code_attributes, profiles_of
from mkmine.simulation.model.mixture import MISSING, OTHER

from .conftest import log_of

N = 200


def described(**columns: Any) -> EventLog:
    """A log of 200 cases of two to four instances, whose cases have these attributes."""
    rng = np.random.default_rng(0)
    rows = [
        (
            f"c{case:03}",
            ["Text", "Design", "Approval", "Text"][n],
            10.0 * case + n,
            10.0 * case + n + 0.5,
            f"P{case % 3}",
        )
        for case in range(N)
        for n in range(2 + int(rng.integers(3)))
    ]
    return replace(log_of(rows), case_attributes=pd.DataFrame(columns))


def coded(**columns: Any) -> dict[str, Coded]:
    return {one.name: one for one in code_attributes(described(**columns))}


def test_numbers_are_put_into_bins_with_as_many_cases_each() -> None:
    one = coded(amount=np.random.default_rng(1).permutation(N) + 1.0)["amount"]
    assert set(one.values) == {"up to 50.8", "50.8 to 100", "100 to 150", "over 150"}
    assert np.bincount(one.code).tolist() == [50, 50, 50, 50] or np.bincount(one.code).max() <= 52


def test_few_numbers_and_texts_keep_their_values() -> None:
    found = coded(priority=np.arange(N) % 3, type=np.where(np.arange(N) % 4, "Blog", "<b>News</b>"))
    assert found["priority"].values == ("0", "1", "2")
    assert found["type"].values == ("<b>News</b>", "Blog")


def test_rare_values_go_together_and_missing_ones_are_a_value() -> None:
    values = np.array([None] * 40 + ["a"] * 100 + ["b"] * 50 + [f"x{n}" for n in range(10)], dtype=object)
    one = coded(channel=values)["channel"]
    assert one.values == (MISSING, "a", "b", OTHER)
    assert np.bincount(one.code).tolist() == [40, 100, 50, 10]


def test_five_hundred_values_are_few() -> None:
    rng = np.random.default_rng(2)
    one = coded(page=rng.choice([f"p{n}" for n in range(500)], N, p=np.r_[[0.4, 0.2], [0.4 / 498] * 498]))["page"]
    assert one.values == ("p0", "p1", OTHER)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("id", [f"case {n}" for n in range(N)]),
        ("number", list(range(1_000, 1_000 + N))),
        ("nothing", [None] * N),
        ("constant", ["same"] * N),
        ("when", pd.date_range("2025-01-01", periods=N, tz="UTC")),
        ("outcome", ["won", "lost"] * (N // 2)),
        ("Resolution code", ["won", "lost"] * (N // 2)),
        ("closed_by", ["won", "lost"] * (N // 2)),
        ("Итоговый статус", ["won", "lost"] * (N // 2)),
        ("cost", ["won", "lost"] * (N // 2)),
        ("x" * 501, ["won", "lost"] * (N // 2)),
        ("text", ["y" * 100_000 + str(n % 2) for n in range(N)]),
        ("half", pd.Series(["\ud800", "\udc00"] * (N // 2), dtype=object)),
    ],
)
def test_what_tells_nothing_or_too_late_is_left_out(name: str, values: list[Any]) -> None:
    assert coded(**{name: values}) == {}


def test_what_follows_the_length_of_the_case_is_left_out() -> None:
    log = described()
    length = np.diff(log.offsets)
    assert code_attributes(replace(log, case_attributes=pd.DataFrame({"touches": length * 10}))) == []


def test_the_name_of_the_last_activity_is_left_out() -> None:
    log = described()
    last = np.array(log.activities, dtype=object)[log.activity[log.offsets[1:] - 1]]
    assert code_attributes(replace(log, case_attributes=pd.DataFrame({"left at": last}))) == []


def test_what_open_cases_lack_is_left_out() -> None:
    log = described()
    late = np.arange(N) >= N - 60
    values = np.where(late, None, np.where(np.arange(N) % 2, "a", "b")).astype(object)
    known = replace(log, case_attributes=pd.DataFrame({"reason": values}))
    assert [one.name for one in code_attributes(known)] == ["reason"]
    assert code_attributes(replace(known, completed=~late)) == []


def test_attributes_of_instances_count_if_they_are_there_from_the_beginning() -> None:
    log = described()
    frame = pd.DataFrame(
        {
            "case": [f"c{one:03}" for one in log.case_of],
            "activity": np.array(log.activities, dtype=object)[log.activity],
            "start": pd.to_datetime(log.start, unit="us", utc=True),
            "end": pd.to_datetime(log.end, unit="us", utc=True),
            "kind": np.where(log.case_of % 2, "a", "b"),
            "team": np.where(np.arange(len(log)) % 2, "a", "b"),
        }
    )
    first = np.zeros(len(log), dtype=np.bool_)
    first[log.offsets[:-1]] = True
    frame["sorted out"] = np.where(first, None, frame["kind"])
    made = EventLog.from_pandas(frame, start="start", attributes=["kind", "team", "sorted out"])
    assert [one.name for one in code_attributes(made)] == ["kind"]


def test_profiles_are_the_combinations_that_cases_have() -> None:
    one = Coded(name="a", values=("x", "y"), code=np.array([0, 0, 1, 1]))
    two = Coded(name="b", values=("u", "v"), code=np.array([0, 0, 0, 1]))
    assert profiles_of([one, two], np.array([1.0, 1.0, 1.0, 3.0])) == [
        (0.5, {"a": "y", "b": "v"}),
        (pytest.approx(1 / 3), {"a": "x", "b": "u"}),
        (pytest.approx(1 / 6), {"a": "y", "b": "u"}),
    ]
    assert profiles_of([], np.ones(4)) == []


def test_integers_beyond_all_floats_are_missing_numbers() -> None:
    values = pd.Series([10**400 if n % 2 else n % 3 for n in range(N)], dtype=object)
    assert coded(amount=values)["amount"].values == (MISSING, "0", "1", "2")


def test_all_attributes_are_candidates() -> None:
    rng = np.random.default_rng(3)
    columns = {f"c{n:03}": rng.choice(["p", "q"], N) for n in range(80)}
    assert len(coded(**columns, type=np.where(np.arange(N) % 4, "Blog", "News"))) == 81

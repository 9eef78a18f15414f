from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from mkmine.calendars import Calendar
from mkmine.discovery import variants
from mkmine.errors import DataError
from mkmine.eventlog import EventLog


def test_variants_are_ordered_by_frequency_with_their_times(make_log: Callable[..., EventLog]) -> None:
    log = make_log(
        [
            ("1", "A", 0, 1),
            ("1", "B", 2, 4),
            ("2", "B", 0, 1),
            ("3", "A", 0, 1),
            ("3", "B", 2, 8),
            ("4", "B", 0, 9),
            ("5", "A", 0, 1),
            ("5", "B", 1, 99, None, True),
        ],
        completed=pd.Series([False], index=["5"]),
    )
    found = variants(log, calendar=Calendar.always())
    assert found.table["variant"].tolist() == [("A", "B"), ("B",)]
    assert found.table["cases"].tolist() == [3, 2]
    assert found.table["cycle_median_h"].tolist() == [6, 5]
    assert found.table["example"].tolist() == ["1", "2"]
    assert found.coverage(1) == pytest.approx(0.6)
    assert len(found) == 2


def test_variants_print_and_convert_safely(make_log: Callable[..., EventLog]) -> None:
    found = variants(make_log([("1", "<b>", 0, 1)]), calendar=Calendar.always())
    assert "<b>" not in found._repr_html_()
    assert json.loads(json.dumps(found.to_dict()))["variants"][0]["variant"] == ["<b>"]
    assert "1 variants" in repr(found)


def paths(*counted: tuple[str, int]) -> list[tuple[object, ...]]:
    """Cases by path and number; the n-th case of a path takes n hours longer."""
    rows: list[tuple[object, ...]] = []
    for path, number in counted:
        for n in range(number):
            rows += [(f"{path}{n}", letter, 3 * i, 3 * i + 1 + n, "p") for i, letter in enumerate(path)]
    return rows


def test_clusters_are_of_alike_variants_and_called_by_their_medoid(make_log: Callable[..., EventLog]) -> None:
    log = make_log(paths(("ABCDE", 30), ("ABCD", 10), ("ABCDEE", 5), ("XYZ", 20), ("XYYZ", 6)))
    found = variants(log, calendar=Calendar.always()).clusters
    assert found.table["cases"].tolist() == [45, 26]
    assert found.table["medoid"].tolist() == [tuple("ABCDE"), tuple("XYZ")]
    assert found.silhouette > 0.6
    assert json.loads(json.dumps(found.to_dict()))["clusters"][0]["medoid"] == list("ABCDE")


def test_one_variant_is_one_cluster(make_log: Callable[..., EventLog]) -> None:
    found = variants(make_log(paths(("AB", 8))), calendar=Calendar.always()).clusters
    assert len(found.table) == 1
    assert np.isnan(found.silhouette)
    assert found.to_dict()["silhouette"] is None


def test_the_pareto_curve_ends_at_one(make_log: Callable[..., EventLog]) -> None:
    table = variants(make_log(paths(("AB", 6), ("B", 3), ("C", 1)))).table
    assert table["covered"].tolist() == pytest.approx([0.6, 0.9, 1.0])


def test_intervals_of_medians_hold_in_about_95_of_100() -> None:
    rng = np.random.default_rng(7)
    hits = 0
    for _ in range(200):
        hours = rng.exponential(10, 25)
        begin = pd.Timestamp("2025-01-06")
        ends = [begin + pd.Timedelta(hours=float(one)) for one in hours]
        frame = pd.DataFrame({"case": range(25), "activity": "A", "start": begin, "end": ends})
        row = variants(EventLog.from_pandas(frame, start="start"), calendar=Calendar.always()).table.iloc[0]
        hits += row["low_h"] <= 10 * np.log(2) <= row["high_h"]
    assert 0.92 <= hits / 200 <= 1.0


def test_few_cases_have_no_interval(make_log: Callable[..., EventLog]) -> None:
    table = variants(make_log(paths(("AB", 5))), calendar=Calendar.always()).table
    assert np.isnan(table["low_h"]).all()


def test_what_is_special_about_a_variant_or_a_cluster(make_log: Callable[..., EventLog]) -> None:
    rows = paths(("ABC", 30), ("XYZ", 30))
    kinds = pd.DataFrame({"kind": ["x" if str(row[0]).startswith("X") else "a" for row in rows]})
    cases = [str(row[0]) for row in rows]
    attributes = kinds.set_index(pd.Index(cases)).groupby(level=0).first()
    found = variants(make_log(rows, case_attributes=attributes))
    assert found.contrast(variant=0).supported["value"].tolist() == ["a", "x"]
    assert len(found.contrast(cluster=0).supported) == 2
    with pytest.raises(DataError, match=r"either variant= .* or cluster="):
        found.contrast()
    with pytest.raises(DataError, match="no such variant or cluster"):
        found.contrast(variant=99)

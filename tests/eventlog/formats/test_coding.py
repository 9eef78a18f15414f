"""Columns of a source as columns of a log."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkmine.eventlog.columns import Text
from mkmine.eventlog.formats.coding import attribute, coded, distinct, first_of_each, joined, taken


def column(values: list[Any], kind: pa.DataType | None = None) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, kind)])


def texts(values: Any) -> list[Any]:
    return (values.decoded() if isinstance(values, Text) else values).tolist()


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (["a", " a ", "", None, "b"], ["a", "b"]),
        ([1.0, 1.0, 2.0, None], ["1", "2"]),
        ([1.5, float("nan"), 2.0], ["1.5", "2"]),
        ([1e20], ["1e+20"]),
        ([True, False, None], ["True", "False"]),
        ([10**18, 7], [str(10**18), "7"]),
    ],
)
def test_names_are_text_as_a_person_writes_it(values: list[Any], names: list[str]) -> None:
    assert list(coded(column(values)).listed()) == names


def test_two_columns_are_joined_where_both_are_there() -> None:
    first, second = coded(column(["a", "a", "", "", "/b"])), coded(column(["x", "", "y", "", "x"]))
    both = joined(first, second)
    assert [None if code < 0 else both.listed()[code] for code in both.codes] == ["a / x", "a", "y", None, "b / x"]


@pytest.mark.parametrize("encoded", [False, True])
@pytest.mark.parametrize(
    ("values", "meant"),
    [
        (["1", "2", "-3"], np.array([1, 2, -3])),
        (["1", "", "2"], np.array([1.0, np.nan, 2.0])),
        (["1,5", "2.25", "1e3", None], np.array([1.5, 2.25, 1000.0, np.nan])),
        (["007", "1"], None),
        (["1", "x"], None),
        (["1" * 16, "2"], None),
        (["", None], None),
    ],
)
def test_text_is_numbers_where_every_value_is_one(values: list[Any], meant: Any, encoded: bool) -> None:
    source = column(values, pa.large_string())
    got = attribute(source.dictionary_encode() if encoded else source)
    if meant is None:
        assert texts(got) == [one or None for one in values]
    else:
        assert got.dtype == meant.dtype
        np.testing.assert_array_equal(got, meant)


@given(st.lists(st.sampled_from([None, "a", "", " b", "ж", "1"]), min_size=1, max_size=20), st.integers(1, 5))
def test_text_in_any_number_of_chunks_is_the_same(values: list[str | None], size: int) -> None:
    parts = [pa.array(values[at : at + size], pa.string()) for at in range(0, len(values), size)]
    source = pa.chunked_array(parts, pa.string())
    for kind in (source, source.dictionary_encode(), pa.chunked_array([one.dictionary_encode() for one in parts])):
        assert [str(one) for one in texts(attribute(kind))] == [str(one) for one in texts(attribute(source))]
        assert distinct(kind) == len({one for one in values if one is not None})


def test_other_columns_stay_as_they_are() -> None:
    assert attribute(column([1, 2])).tolist() == [1, 2]
    assert attribute(column([True, None])).tolist() == [True, None]
    assert attribute(column([pd.Timestamp("2025-03-05")])).dtype == "datetime64[us]"


@pytest.mark.parametrize(
    ("values", "first"),
    [
        (["", "a", "b", None], ["a", "b", None]),
        (["1", "", "2", "3"], [1.0, 2.0, np.nan]),
        ([7, 8, 9, 10], [7, 9, np.nan]),
        ([None, True, False, None], [True, False, None]),
    ],
)
def test_a_case_has_the_first_value_that_is_there(values: list[Any], first: list[Any]) -> None:
    got = first_of_each(attribute(column(values)), np.array([0, 0, 1, 1], dtype=np.int32), 3)
    pd.testing.assert_series_equal(pd.Series(got, dtype=object), pd.Series(first, dtype=object), check_dtype=False)


def test_rows_are_taken() -> None:
    assert texts(taken(attribute(column(["a", "b", "a"])), np.array([2, 1]))) == ["a", "b"]
    assert taken(np.array([1, 2, 3]), np.array([True, False, True])).tolist() == [1, 3]


@pytest.mark.parametrize(
    ("values", "kind", "meant"),
    [
        ([2**60 + 1, None], pa.int64(), [str(2**60 + 1), None]),
        ([-(2**60) - 1, None], pa.int64(), [str(-(2**60) - 1), None]),
        ([2**64 - 1, None], pa.uint64(), [str(2**64 - 1), None]),
        ([2**60 + 1, 1], pa.int64(), [2**60 + 1, 1]),
    ],
)
def test_long_numbers_keep_their_digits_beside_gaps(values: list[Any], kind: pa.DataType, meant: list[Any]) -> None:
    assert texts(attribute(column(values, kind))) == meant


def test_short_numbers_beside_gaps_stay_numbers() -> None:
    assert attribute(column([5, None], pa.int64())).dtype == np.float64
    assert np.isnan(attribute(column([None, None], pa.int64()))).all()

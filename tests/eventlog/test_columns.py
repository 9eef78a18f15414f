from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkmine.eventlog.columns import Columns, Text, narrow

VALUES = st.lists(st.one_of(st.none(), st.sampled_from(["a", "b", "Ёж", ""])), min_size=1, max_size=30)


@given(VALUES, st.booleans())
def test_text_is_given_back_as_it_was(values: list[str | None], arrow: bool) -> None:
    given_in = pa.array(values, pa.string()) if arrow else np.array([*values, None], dtype=object)[:-1]
    columns = Columns({"x": given_in})
    assert columns["x"].tolist() == values
    rows = np.array([len(values) - 1, 0])
    assert columns.take(rows)["x"].tolist() == [values[-1], values[0]]
    assert columns.take(np.array([one is not None for one in values]))["x"].tolist() == [
        v for v in values if v is not None
    ]


def test_text_takes_a_byte_a_row() -> None:
    column = Columns({"x": np.array(["yes", "no"] * 500, dtype=object)}).held("x")
    assert isinstance(column, Text)
    assert column.codes.nbytes == 1000


def test_numbers_and_mixed_values_stay_and_cannot_be_changed() -> None:
    numbers = np.array([1.5, np.nan])
    columns = Columns({"n": numbers, "m": np.array(["x", 1], dtype=object), "b": pa.array([True, False])})
    numbers[0] = 7
    assert columns["n"][0] == 1.5
    assert columns["m"].tolist() == ["x", 1]
    assert columns["b"].tolist() == [True, False]
    for name in columns:
        with pytest.raises(ValueError, match="read-only"):
            columns[name][0] = 0
    assert (len(columns), list(columns)) == (3, ["n", "m", "b"])


def test_chunks_with_different_dictionaries_are_joined() -> None:
    chunks = pa.chunked_array([pa.array(["a", "b"]).dictionary_encode(), pa.array(["b", None]).dictionary_encode()])
    assert Columns({"x": chunks})["x"].tolist() == ["a", "b", "b", None]
    assert Columns({"x": pa.chunked_array([], pa.string())})["x"].tolist() == []


@pytest.mark.parametrize(("size", "kind"), [(0, np.int8), (128, np.int8), (129, np.int16), (32_769, np.int32)])
def test_codes_are_as_small_as_they_can_be(size: int, kind: type) -> None:
    codes = np.array([-1, max(size - 1, 0)])
    assert narrow(codes, size).dtype == kind
    assert narrow(codes, size).tolist() == codes.tolist()

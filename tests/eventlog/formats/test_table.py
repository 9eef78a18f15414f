"""Tables of any Arrow types, and frames of any values, as columns of few kinds."""

from __future__ import annotations

import datetime as dt
import decimal
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from mkmine.errors import DataError
from mkmine.eventlog.formats.table import Table, arrow_table, plain

UTC = dt.UTC


@pytest.mark.parametrize(
    ("values", "kind", "meant"),
    [
        (pa.array(["a", None], pa.string_view()), pa.large_string(), ["a", None]),
        (pa.array([b"a", b"\xff", None]), pa.large_string(), ["a", "\ufffd", None]),
        (pa.array([b"ab"], pa.binary(2)), pa.large_string(), ["ab"]),
        (pa.nulls(1), pa.large_string(), [None]),
        (pa.array([[1], None]), pa.large_string(), ["[1]", None]),
        (pa.array([{"x": 1}]), pa.large_string(), ["{'x': 1}"]),
        (pa.array([1], pa.duration("s")), pa.large_string(), ["0:00:01"]),
        (pa.array([decimal.Decimal("1.50")]), pa.float64(), [1.5]),
        (pa.array([decimal.Decimal("123456789012345678"), None]), pa.int64(), [123456789012345678, None]),
        # Numbers with more digits than floats hold are ids: two of them must not become one.
        (pa.array([decimal.Decimal("12345678901234567891")]), pa.large_string(), ["12345678901234567891"]),
        (
            pa.array(
                [decimal.Decimal(one) for one in ("1", "100", "0.5", "12345678901234567.5")], pa.decimal128(38, 9)
            ),
            pa.large_string(),
            ["1", "100", "0.5", "12345678901234567.5"],
        ),
        (pa.array([1.5], pa.float16()), pa.float32(), [1.5]),
        (pa.array([dt.date(2025, 3, 5)]), pa.timestamp("us"), [dt.datetime(2025, 3, 5)]),
        (pa.array([1_000], pa.date64()), pa.timestamp("us"), [dt.datetime(1970, 1, 1, 0, 0, 1)]),
        (pa.array([1], pa.timestamp("s")), pa.timestamp("us"), [dt.datetime(1970, 1, 1, 0, 0, 1)]),
        (pa.array([1_999], pa.timestamp("ns")), pa.timestamp("us"), [dt.datetime(1970, 1, 1, 0, 0, 0, 1)]),
        (pa.array([7, None]), pa.int64(), [7, None]),
        (pa.array([1, 1]).dictionary_encode(), pa.int64(), [1, 1]),
        (pa.array(["a"], pa.string_view()).dictionary_encode(), None, ["a"]),
    ],
)
def test_columns_become_of_few_kinds(values: pa.Array, kind: pa.DataType | None, meant: list[Any]) -> None:
    got = plain(pa.chunked_array([values]))
    assert kind is None or got.type == kind
    assert got.to_pylist() == meant


def test_dictionaries_have_one_type_of_codes() -> None:
    wide = pa.array(["x", None]).dictionary_encode().cast(pa.dictionary(pa.uint32(), pa.string()))
    assert plain(pa.chunked_array([wide])).type == pa.dictionary(pa.int32(), pa.string())


@pytest.mark.parametrize("kind", [pa.timestamp("s"), pa.timestamp("ms"), pa.date64()])
def test_instants_beyond_every_calendar_do_not_wrap_around(kind: pa.DataType) -> None:
    values = plain(pa.chunked_array([pa.array([2**62, -(2**62)], kind)])).cast(pa.int64()).to_pylist()
    assert values[0] > 2**62
    assert values[1] < -(2**62)


def test_values_of_several_kinds_become_text() -> None:
    moments = [dt.datetime(2025, 1, 1, tzinfo=UTC), dt.datetime(2025, 1, 1), None]
    frame = pd.DataFrame(
        {"mixed": [1, "a", None], "moments": moments, "large": [2**70, 1, None], "half": ["\ud800", "x", None]},
        dtype=object,
    )
    assert arrow_table(frame, "the frame").to_pydict() == {
        "mixed": ["1", "a", None],
        "moments": ["2025-01-01 00:00:00+00:00", "2025-01-01 00:00:00", None],
        "large": ["1180591620717411303424", "1", None],
        "half": ["?", "x", None],
    }


def test_repeated_names_are_refused_and_empty_ones_numbered() -> None:
    with pytest.raises(DataError, match='several columns named "a"'):
        arrow_table(pd.DataFrame([[1, 2]], columns=["a", "a"]), "the frame")
    assert arrow_table(pd.DataFrame([[1, 2]], columns=["", 5]), "the frame").column_names == ["column 1", "5"]


def test_a_table_counts_its_rows_and_shows_them() -> None:
    table = Table(columns=pa.table({"a": pa.array(["x", None]).dictionary_encode(), "n": [1, 2]}), note="")
    assert (len(table), list(table.rows)) == (2, [1, 2])
    assert table.frame.to_dict("list") == {"a": ["x", None], "n": [1, 2]}

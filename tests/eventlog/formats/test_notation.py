"""Dates read by the places of their digits, against the regular expression and pandas."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkmine.eventlog.formats import notation
from mkmine.eventlog.formats.dates import parse_times
from mkmine.eventlog.formats.notation import NO_OFFSET, NOTATION, UNREAD, read_fields

FORMATS = [
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S.%f",
    "%d.%m.%Y %H:%M",
    "%d.%m.%y",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %I:%M %p",
    "%Y/%m/%d",
    "%d-%m-%Y, %H:%M",
]
moments = st.datetimes(pd.Timestamp("2000-01-01"), pd.Timestamp("2068-12-31"))


@pytest.mark.parametrize("form", FORMATS)
def test_many_texts_of_one_notation_are_read_as_pandas_reads_them(form: str) -> None:
    stamps = pd.Series(pd.date_range("2024-12-25 00:00:07.5", periods=3_000, freq="6h13min")).astype("datetime64[us]")
    texts = stamps.dt.strftime(form)
    meant = pd.to_datetime(texts, format=form).to_numpy(dtype="datetime64[us]").astype(np.int64)
    np.testing.assert_array_equal(parse_times(texts, column="t").instants, meant)


@given(
    st.lists(st.tuples(moments, st.sampled_from([*FORMATS, "x", "", "31.02.2025", "2025-01-01 25:00"])), max_size=60)
)
def test_places_and_words_read_alike(rows: list[tuple[pd.Timestamp, str]]) -> None:
    texts = pa.array([moment.strftime(form) for moment, form in rows], pa.large_string())
    by_words = read_fields(texts)
    few, notation.FEW = notation.FEW, 1
    try:
        by_places = read_fields(texts)
    finally:
        notation.FEW = few
    read = by_words.order != UNREAD
    np.testing.assert_array_equal(read, by_places.order != UNREAD)
    np.testing.assert_array_equal(by_words.date[:, read], by_places.date[:, read])
    for name in ("order", "clock", "offset"):
        np.testing.assert_array_equal(getattr(by_words, name)[read], getattr(by_places, name)[read])
    assert [NOTATION.match(one) is not None for one in texts.to_pylist()] == read.tolist()


@pytest.mark.parametrize(
    ("offset", "minutes"), [("Z", 0), (" UTC", 0), ("+03:00", 180), ("-0530", -330), ("+03", 180), ("", NO_OFFSET)]
)
@pytest.mark.parametrize("n", [1, 200])
def test_offsets_are_minutes(offset: str, minutes: int, n: int) -> None:
    fields = read_fields(pa.array([f"2025-03-05 10:{i % 60:02}{offset}" for i in range(n)], pa.large_string()))
    assert set(fields.offset.tolist()) == {minutes}


def test_rows_of_other_notations_in_between_are_read_too() -> None:
    texts = ["05.03.2025 10:00"] * 500
    texts[100], texts[200:203], texts[300] = "2025-03-05 10:00", ["вчера", "05/мар/25 9:30", ""], "5.3.2025 10:00"
    parsed = parse_times(pd.Series(texts, dtype=object), column="t")
    assert np.flatnonzero(parsed.flaw).tolist() == [200]
    assert np.flatnonzero(parsed.missing).tolist() == [202]
    assert len(set(np.delete(parsed.instants, [200, 201, 202]).tolist())) == 1


def test_a_slice_of_an_array_is_read_at_its_place() -> None:
    whole = pa.array([f"{day:02}.01.2025" for day in range(1, 32)] * 10, pa.large_string())
    assert read_fields(whole.slice(5, 100)).date[0].tolist() == read_fields(whole).date[0, 5:105].tolist()

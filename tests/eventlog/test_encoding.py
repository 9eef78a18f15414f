from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkmine.eventlog.encoding import encode

VALUES = ["b", " a", "a ", None, "", "b", "c"]


@pytest.mark.parametrize("kind", ["object", "string[pyarrow]", "str", "category"])
def test_equal_texts_share_a_code_and_empty_ones_have_none(kind: str) -> None:
    coded = encode(pd.Series(VALUES, dtype=object).astype(kind))
    assert coded.codes.tolist() == [0, 1, 1, -1, -1, 0, 2]
    assert coded.listed() == ("b", "a", "c")


def test_numbers_and_chunks_are_encoded() -> None:
    assert encode(pd.Series([3, 1, 3])).listed() == ("3", "1")
    joined = pd.concat([pd.Series(["x", "y"]), pd.Series(["y", "z"])], ignore_index=True)
    assert encode(joined).codes.tolist() == [0, 1, 1, 2]


@given(st.lists(st.one_of(st.none(), st.text(max_size=5)), max_size=30))
def test_codes_give_back_the_texts(values: list[str | None]) -> None:
    coded = encode(pd.Series(values, dtype=object))
    table = np.array([*coded.listed(), ""], dtype=object)
    assert table[coded.codes].tolist() == [(value or "").strip() for value in values]

"""The compiled twins give exactly what the plain forms give."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mkmine.errors import MissingExtraError, UnknownNameError
from mkmine.eventlog import kernels, twins
from mkmine.eventlog.encoding import Coded, by_first_appearance, case_rounds, gathered, in_order, reading_order
from mkmine.eventlog.twins import SETTING, compiled

SMALL = st.integers(0, 4)


def names(size: int) -> pa.Array:
    return pa.array([f"n{number}" for number in range(size)], pa.large_string())


def both(function: Any, *arguments: Any) -> tuple[Any, Any]:
    found = []
    for form in ("numpy", "numba"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(SETTING, form)
            found.append(function(*arguments))
    return found[0], found[1]


def ordered(offsets: Any, order: Any, n: int) -> tuple[list[int], list[int]]:
    return offsets.tolist(), list(range(n)) if order is None else order.tolist()


@settings(deadline=None, max_examples=150)
@given(
    arrays.arrays(np.int32, st.integers(1, 200), elements=SMALL),
    st.integers(0, 2**32 - 1),
    st.booleans(),
    st.integers(1, 6),
)
def test_rows_are_put_in_order_of_case_and_time(codes: Any, seed: int, timely: bool, spread: int) -> None:
    rng = np.random.default_rng(seed)
    start = rng.integers(0, spread, len(codes)).astype(np.int64)
    end = start + rng.integers(0, 3, len(codes))
    if timely:
        start, end = np.sort(start), np.sort(end)
    cases = by_first_appearance(codes, names(5))
    plain, fast = both(in_order, cases, start, end)
    rows = np.arange(len(codes))
    # The definition itself: by case, start and end, and what is equal in these stays as it stood.
    wanted = np.lexsort((rows, end, start, cases.codes)).tolist()
    assert ordered(*plain, len(codes)) == ordered(*fast, len(codes))
    assert ordered(*plain, len(codes))[1] == wanted
    assert plain[0].tolist() == [0, *np.cumsum(np.bincount(cases.codes)).tolist()]


def test_long_cases_out_of_order_are_sorted_too() -> None:
    rng = np.random.default_rng(3)
    n = 20 * kernels.SHORT
    codes = by_first_appearance(np.repeat(np.arange(4, dtype=np.int32), n // 4), names(4))
    start = rng.integers(0, 50, n).astype(np.int64)
    plain, fast = both(in_order, codes, start, start)
    assert plain[1].tolist() == fast[1].tolist() == np.lexsort((np.arange(n), start, codes.codes)).tolist()


def test_more_cases_than_sixteen_bits_hold_are_sorted_by_halves() -> None:
    rng = np.random.default_rng(5)
    codes = by_first_appearance(rng.integers(0, 150_000, 300_000).astype(np.int32), names(150_000))
    time = np.arange(300_000)
    plain, fast = both(in_order, codes, time, time)
    assert np.array_equal(plain[1], fast[1])
    assert np.array_equal(plain[1], np.argsort(codes.codes, kind="stable"))


@settings(deadline=None, max_examples=100)
@given(st.lists(st.lists(SMALL, min_size=1, max_size=12), min_size=1, max_size=12))
def test_rounds_and_the_reading_order(cases: list[list[int]]) -> None:
    offsets = np.concatenate(([0], np.cumsum([len(case) for case in cases]))).astype(np.int64)
    activity = by_first_appearance(np.concatenate(cases).astype(np.int32), names(5))
    k = len(activity.names)
    plain, fast = both(case_rounds, offsets, activity.codes, k)
    wanted = [case[: place + 1].count(one) for case in cases for place, one in enumerate(case)]
    assert plain.tolist() == fast.tolist() == wanted
    plain, fast = both(reading_order, offsets, activity.codes, activity.names)
    assert plain.tolist() == fast.tolist()
    reached: dict[str, list[int]] = {}
    listed = activity.listed()
    for case in cases:
        for number, one in enumerate(dict.fromkeys(case)):
            reached.setdefault(f"n{one}", []).append(number)
    wanted = sorted(listed, key=lambda name: (sum(reached[name]) / len(reached[name]), name))
    assert sorted(listed, key=lambda name: int(plain[listed.index(name)])) == wanted


def test_very_many_activities_take_the_other_way() -> None:
    rng = np.random.default_rng(11)
    n, k = 4_000, 3_000
    offsets = np.arange(0, n + 1, 2, dtype=np.int64)
    activity = by_first_appearance(rng.integers(0, k, n).astype(np.int32), names(k))
    plain, fast = both(reading_order, offsets, activity.codes, activity.names)
    assert plain.tolist() == fast.tolist()


def test_the_form_can_be_forced_and_a_wrong_word_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SETTING, raising=False)
    assert not compiled(10)
    assert compiled(10**7)
    monkeypatch.setenv(SETTING, "numpy")
    assert not compiled(10**7)
    monkeypatch.setenv(SETTING, "cython")
    with pytest.raises(UnknownNameError, match="MKMINE_KERNELS"):
        compiled(10)
    monkeypatch.setattr(twins, "_available", lambda: False)
    monkeypatch.setenv(SETTING, "numba")
    with pytest.raises(MissingExtraError, match=r"mkmine\[fast\]"):
        compiled(10)
    monkeypatch.delenv(SETTING)
    assert not compiled(10**9)


def test_names_are_numbered_as_they_appear_and_unused_ones_left_out() -> None:
    coded = by_first_appearance(np.array([3, -1, 0, 3], dtype=np.int32), names(5))
    assert coded.codes.tolist() == [0, -1, 1, 0]
    assert coded.listed() == ("n3", "n0")
    as_it_is = Coded(np.array([0, 1, 0, -1], dtype=np.int32), names(2))
    assert by_first_appearance(as_it_is.codes, as_it_is.names).codes is as_it_is.codes
    assert by_first_appearance(np.array([-1, -1], dtype=np.int32), names(2)).listed() == ()


@given(arrays.arrays(np.int32, st.integers(1, 60), elements=st.integers(-1, 5)))
def test_names_are_numbered_as_they_appear(codes: Any) -> None:
    plain, fast = both(by_first_appearance, codes, names(6))
    assert plain.codes.tolist() == fast.codes.tolist()
    assert plain.listed() == fast.listed()
    seen = list(dict.fromkeys(one for one in codes.tolist() if one >= 0))
    assert list(plain.listed()) == [f"n{one}" for one in seen]
    assert plain.codes.tolist() == [seen.index(one) if one >= 0 else -1 for one in codes.tolist()]


@pytest.mark.parametrize("kind", [np.int64, np.int32, np.uint8, np.bool_, np.float64])
@pytest.mark.parametrize("wide", [np.int32, np.int64])
def test_values_are_gathered_in_any_order(kind: Any, wide: Any) -> None:
    values, order = np.arange(7).astype(kind), np.array([3, 0, 6, 3], dtype=wide)
    for found in both(gathered, values, order):
        assert found.dtype == values.dtype
        assert found.tolist() == values[order].tolist()


LOADING = """
import sys
import numpy as np
from mkmine.eventlog.encoding import case_rounds
from mkmine.eventlog.twins import SETTING, compiled
assert case_rounds(np.array([0, 2]), np.array([1, 1], dtype=np.uint8), 2).tolist() == [1, 2]
assert "numba" in sys.modules and "scipy.linalg" not in sys.modules
import numba
found = numba.njit(lambda a, b: (np.dot(a, b), np.correlate(a, b)))(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
assert found[0] == 11.0 and found[1].tolist() == [11.0]
"""


def test_loading_leaves_linear_algebra_out_until_it_is_needed() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADING], env=os.environ | {SETTING: "numba"}, capture_output=True, text=True
    )
    assert not done.returncode, done.stderr

"""Look-ups and timelines against NumPy's binary search and plain loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkmine.calendars import Timeline
from mkmine.calendars import lookup as lookups
from mkmine.calendars.lookup import Lookup, desks
from mkmine.calendars.timeline import merged, overlaid

LARGE = 1 << 50
numbers = st.one_of(st.integers(-50, 50), st.integers(-LARGE, LARGE))
spans = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 8)), max_size=8)


def found(edges: np.ndarray, values: np.ndarray) -> np.ndarray:
    lookup, out = Lookup(edges), []
    for desk in desks(len(values)):
        lookup.find(values[desk.piece], desk)
        out.append(desk.places.copy())
    return np.concatenate(out)


@given(
    st.lists(numbers, min_size=1, max_size=30, unique=True).map(sorted),
    st.lists(numbers, min_size=1, max_size=60),
    st.sampled_from((1, 7, 1 << 16)),
    st.sampled_from((2, 64, 1 << 17)),
    st.booleans(),
)
def test_a_lookup_is_a_binary_search(
    edges: list[int], values: list[int], piece: int, buckets: int, by_table: bool
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"PIECE": piece, "BUCKETS": buckets, "FEW": 0 if by_table else 10**9}.items():
            patch.setattr(lookups, name, value)
        places = found(np.array(edges), np.array(values))
    wanted = np.maximum(np.searchsorted(edges, values, "right") - 1, 0)
    assert places.tolist() == wanted.tolist()


def test_edges_that_crowd_are_left_to_binary_search() -> None:
    edges = np.append(np.arange(1_000), LARGE)
    values = np.random.default_rng(1).integers(-10, 1_100, 10_000)
    assert (found(edges, values) == np.maximum(np.searchsorted(edges, values, "right") - 1, 0)).all()


def opened(line: Timeline, moment: int) -> int:
    return sum(max(min(moment, end) - start, 0) for start, end in zip(line.starts, line.ends, strict=True))


@given(spans, st.lists(st.integers(-5, 60), min_size=1, max_size=20), st.booleans())
def test_a_timeline_measures_as_a_loop_does(
    found_spans: list[tuple[int, int]], moments: list[int], by_table: bool
) -> None:
    starts = np.array([start for start, _ in found_spans], dtype=np.int64)
    line = merged(starts, starts + np.array([length for _, length in found_spans], dtype=np.int64))
    within = lambda moment: any(start <= moment < start + length for start, length in found_spans)  # noqa: E731
    assert (line.starts[1:] > line.ends[:-1]).all()
    at = np.array(moments)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lookups, "FEW", 0 if by_table else 10**9)
        assert line.opened(at).tolist() == [opened(line, one) for one in moments]
        assert line.between(at[::-1], at).tolist() == (line.opened(at) - line.opened(at[::-1])).tolist()
        assert line.is_open(at).tolist() == [within(one) for one in moments]
        assert line.total == sum(map(within, range(60)))
        inside = at[at < line.ends[-1]] if len(line.starts) else at[:0]
        for moment, following in zip(inside, line.next_open(inside) if len(inside) else [], strict=True):
            assert following == next(one for one in range(moment, 60) if within(one))


@given(st.lists(spans, min_size=1, max_size=4), st.data())
def test_timelines_laid_over_each_other(all_spans: list[list[tuple[int, int]]], data: st.DataObject) -> None:
    lines = []
    for found_spans in all_spans:
        starts = np.array([start for start, _ in found_spans], dtype=np.int64)
        lines.append(merged(starts, starts + np.array([length for _, length in found_spans], dtype=np.int64)))
    least = data.draw(st.integers(1, len(lines)))
    both = overlaid(lines, least=least)
    at = np.arange(-2, 55)
    assert both.is_open(at).tolist() == (np.sum([line.is_open(at) for line in lines], axis=0) >= least).tolist()
    assert (both.starts[1:] > both.ends[:-1]).all()


def test_time_that_the_timeline_has_not() -> None:
    line = merged(np.array([0, 20]), np.array([10, 30]))
    assert line.after(np.array([5]), np.array([16])) is None
    after = line.after(np.array([5, 5, 12, 12]), np.array([15, 5, 0, 1]))
    assert after is not None
    assert after.tolist() == [30, 10, 12, 21]
    empty = merged(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))
    assert empty.total == 0
    assert empty.opened([1, 2]).tolist() == [0, 0]
    assert empty.is_open(np.array([1])).tolist() == [False]

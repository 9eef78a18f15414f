from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mkmine as mk
from mkmine.conformance.stochastic import _distances, _transport
from mkmine.errors import DataError
from mkmine.eventlog import EventLog

WORDS = st.lists(st.text("abc", max_size=5).map(tuple), min_size=1, max_size=6)


def cases(*paths: str) -> list[tuple[object, ...]]:
    return [(str(n), name, place, place + 1) for n, path in enumerate(paths) for place, name in enumerate(path)]


def levenshtein(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    if not one or not other:
        return len(one) + len(other)
    return min(
        levenshtein(one[1:], other) + 1,
        levenshtein(one, other[1:]) + 1,
        levenshtein(one[1:], other[1:]) + (one[0] != other[0]),
    )


@given(WORDS, WORDS)
def test_distances_are_levenshteins(one: list[tuple[str, ...]], other: list[tuple[str, ...]]) -> None:
    expected = [[levenshtein(a, b) / max(len(a), len(b), 1) for b in other] for a in one]
    assert _distances(one, other) == pytest.approx(np.array(expected))


@given(st.integers(1, 4), st.randoms(use_true_random=False))
def test_the_work_is_the_least(n: int, chance: object) -> None:
    """Between equal shares the least work is that of the best pairing."""
    distance = np.array([[chance.random() for _ in range(n)] for _ in range(n)])  # type: ignore[attr-defined]
    share = np.full(n, 1 / n)
    best = min(sum(distance[i, j] for i, j in enumerate(order)) for order in permutations(range(n))) / n
    assert _transport(distance, share, share, beyond=1.0) == pytest.approx(best)


def test_the_example_of_the_paper_in_small(make_log: Callable[..., EventLog]) -> None:
    """Half of the cases AB become AC at the distance 1/2."""
    log = make_log(cases(*["AB"] * 10))
    found = mk.stochastic_conformance(log, {("A", "B"): 0.5, ("A", "C"): 0.5})
    assert (found.low, found.high) == (found.value, found.value)
    assert found.value == pytest.approx(0.75)
    assert mk.stochastic_conformance(log, log).value == pytest.approx(1.0)
    assert mk.stochastic_conformance(log, {("X",): 1.0}).value == pytest.approx(0.0)


def test_what_is_left_out_is_in_the_bounds(make_log: Callable[..., EventLog]) -> None:
    log = make_log(cases(*["AB"] * 6, *["AC"] * 3, "BC"))
    other = make_log(cases(*["AB"] * 2, *["CB"] * 5, *["AC"] * 3))
    whole = mk.stochastic_conformance(log, other)
    part = mk.stochastic_conformance(log, other, most_variants=1)
    assert whole.low == whole.high == whole.value
    assert part.low <= whole.value <= part.high
    assert (part.covered, part.covered_against) == (pytest.approx(0.6), pytest.approx(0.5))
    listed = mk.stochastic_conformance(log, {("A", "B"): 0.6})
    assert (listed.low, listed.high) == (pytest.approx(0.6), pytest.approx(1.0))
    assert "of 100% of the cases against 60%" in repr(listed)


@pytest.mark.parametrize(
    ("language", "message"),
    [
        ({("A",): -0.5}, "the probability of A is -0.5"),
        ({("A",): float("nan")}, "is nan"),
        ({("A",): 0.7, ("B",): 0.7}, "add up to 1.4"),
        ({}, "add up to 0"),
        ({"ABC": 1.0}, r"'ABC' is no sequence of activities; give a tuple"),
        ({1: 1.0}, "1 is no sequence of activities"),
        ({("A", 1): 1.0}, "is no sequence of activities"),
    ],
)
def test_what_is_no_language(make_log: Callable[..., EventLog], language: dict[object, float], message: str) -> None:
    with pytest.raises(DataError, match=message):
        mk.stochastic_conformance(make_log(cases("AB")), language)  # type: ignore[arg-type]


def test_how_many_variants(make_log: Callable[..., EventLog]) -> None:
    log = make_log(cases("AB"))
    with pytest.raises(DataError, match="at least 1"):
        mk.stochastic_conformance(log, log, most_variants=0)

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkmine.errors import DataError
from mkmine.eventlog import EventLog
from mkmine.eventlog.summaries import VariantCounts, case_paths, n_variants, variant_counts, variant_index, variants
from tests.eventlog.summaries.samples import Event, events, kernels, log_of

FORMS = ("numpy", "numba")


def paths(log: EventLog) -> list[tuple[str, ...]]:
    return [tuple(group["activity"]) for _, group in log.to_pandas().groupby("case", sort=False)]


@pytest.mark.parametrize("form", FORMS)
@given(drawn=events)
def test_variants_are_the_distinct_sequences(form: str, drawn: list[Event]) -> None:
    log = log_of(drawn)
    with kernels(form):
        counts, index = variant_counts(log), variant_index(log)
        assert n_variants(log) == index.n == len(counts)
    expected = Counter(paths(log))
    assert counts.counts == expected
    assert counts.cases == log.n_cases
    assert index.counts.tolist() == sorted(expected.values(), reverse=True)
    assert case_paths(log, index.representative[index.of_case]) == paths(log)
    # By falling count, then by first case.
    order = list(zip(-index.counts, index.representative, strict=True))
    assert order == sorted(order)


@pytest.mark.parametrize("form", FORMS)
def test_a_collision_of_hashes_joins_no_variants(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sequences = ("AB", "BA", "AB", "C")
    log = log_of([(case, name, i, 1, None) for case, path in enumerate(sequences) for i, name in enumerate(path)])
    expected = variant_counts(log)
    monkeypatch.setattr(variants, "_text_hash", lambda name: 0)
    with kernels(form):
        assert variant_counts(log) == expected
        assert variant_index(log).of_case.tolist() == [0, 1, 0, 2]
        assert variant_counts(log).merge(expected) == expected.merge(variant_counts(log))


@given(
    counts=st.dictionaries(
        st.lists(st.sampled_from("ABC"), min_size=1, max_size=4).map(tuple), st.integers(1, 9), max_size=6
    )
)
def test_counts_by_name_come_back(counts: dict[tuple[str, ...], int]) -> None:
    found = VariantCounts.of(counts)
    assert found.counts == counts
    assert VariantCounts.of(dict(reversed(counts.items()))) == found
    assert dict(found.to_pandas().itertuples(index=False)) == counts
    assert found.canonical() == found
    assert found.canonical().to_dict() == found.to_dict()


def test_the_order_of_merging_leaves_no_trace_in_what_is_saved() -> None:
    a, b = VariantCounts.of({("A", "B"): 2, ("B",): 1}), VariantCounts.of({("C",): 2, ("A", "B"): 1})
    assert a.merge(b).to_dict() == b.merge(a).to_dict()


def test_thousands_of_activities_and_long_cases() -> None:
    log = log_of([(i % 2, f"A{i // 2}", i, 0, None) for i in range(6000)])
    assert len(log.activities) == 3000
    assert variant_counts(log).counts == {tuple(f"A{i}" for i in range(3000)): 2}


@pytest.mark.parametrize(
    "spoilt",
    [{"codes": [0, 5, 1]}, {"codes": [-1, 0, 1]}, {"lengths": [1]}, {"cases": [0, 1]}, {"activities": ["A", "A"]}],
)
def test_damaged_variants_are_told(spoilt: dict[str, object]) -> None:
    good = VariantCounts.of({("A", "B"): 2, ("B",): 1}).to_dict()
    assert VariantCounts.from_dict(good)
    with pytest.raises(DataError):
        VariantCounts.from_dict(good | spoilt)

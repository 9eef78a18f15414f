from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkmine.errors import DataError
from mkmine.eventlog.summaries import sketch
from mkmine.eventlog.summaries.sketch import ERROR, Durations, bounds, buckets, durations, middles
from tests.eventlog.summaries.samples import kernels

# 300 years, the longest that a log holds, and what is around the bounds of buckets.
LONGEST = 9_467_000_000_000_000
values = st.lists(
    st.one_of(
        st.integers(-LONGEST, LONGEST),
        st.integers(-50, 50),
        st.sampled_from(bounds()[:2100].tolist()).flatmap(lambda one: st.sampled_from([one, one + 1, -one, -one - 1])),
    ),
    min_size=1,
    max_size=60,
)


@given(values=values)
def test_what_stands_for_a_bucket_is_within_one_percent_of_all_in_it(values: list[int]) -> None:
    given_ = np.array(values, dtype=np.int64)
    found = middles(buckets(given_))
    assert np.all(np.abs(found - given_) <= ERROR * np.abs(given_) * (1 + 1e-9))
    order = np.argsort(given_)
    assert np.all(np.diff(buckets(given_)[order]) >= 0)


@given(values=values, share=st.floats(0, 1))
def test_percentiles_are_within_one_percent_and_exact_ones_are_numpys(values: list[int], share: float) -> None:
    given_ = np.array(values, dtype=np.int64)
    group = np.zeros(len(values), dtype=np.int32)
    exact = durations(given_, group, [("A",)], keys=("activity",), exact=True)
    sketch = durations(given_, group, [("A",)], keys=("activity",), exact=False)
    expected = np.quantile(given_.astype(float), share)
    assert exact.quantile(share)[0] == pytest.approx(expected, rel=1e-12, abs=1e-3)
    place = share * (len(values) - 1)
    around = np.sort(given_)[[int(np.floor(place)), int(np.ceil(place))]]
    assert abs(sketch.quantile(share)[0] - expected) <= ERROR * np.abs(around).max() * (1 + 1e-9) + 1e-3
    assert exact.coarse() == sketch


@given(values=values, groups=st.lists(st.integers(-1, 3), min_size=60, max_size=60), exact=st.booleans())
def test_sums_are_exact_in_both_forms(values: list[int], groups: list[int], exact: bool) -> None:
    group = np.array(groups[: len(values)], dtype=np.int32)
    names = [("d",), ("b",), ("a",), ("c",)]
    found = []
    for form in ("numpy", "numba"):
        with kernels(form):
            found.append(durations(np.array(values, dtype=np.int64), group, names, keys=("x",), exact=exact))
    assert found[0] == found[1]
    for (name,), total, count, least, most in zip(
        found[0].names, found[0].total, found[0].count, found[0].least, found[0].most, strict=True
    ):
        mine = [value for value, one in zip(values, groups, strict=False) if one >= 0 and names[one] == (name,)]
        assert (total, count, least, most) == (sum(mine), len(mine), min(mine), max(mine))
    assert list(found[0].names) == sorted({names[one] for one in group.tolist() if one >= 0})


def test_a_sum_beyond_64_bits_is_exact() -> None:
    many = np.full(2_000, LONGEST, dtype=np.int64)
    found = durations(many, np.zeros(2_000, dtype=np.int32), [("A",)], keys=("activity",))
    for _ in range(3):
        found = found.merge(found)
    assert found.total[0] == 16_000 * LONGEST > 2**63
    assert found.mean[0] == pytest.approx(LONGEST, rel=1e-15)
    assert found.quantile(0.5)[0] == pytest.approx(LONGEST, rel=ERROR)
    assert Durations.from_dict(found.to_dict()) == found


def test_negative_durations_are_counted_and_not_clipped() -> None:
    found = durations(np.array([-5, -1, 0, 2, 9]), np.zeros(5, dtype=np.int32), [("A",)], keys=("activity",))
    assert found.negative.tolist() == [2]
    assert (found.least[0], found.most[0], found.total[0]) == (-5, 9, 5)
    assert found.to_pandas()["negative"].tolist() == [2]


def test_an_exact_one_and_a_sketch_give_a_sketch_and_unlike_ones_do_not_merge() -> None:
    one = durations(np.array([7, 8]), np.array([0, 1]), [("A",), ("B",)], keys=("activity",), exact=True)
    other = durations(np.array([9]), np.array([0]), [("A",)], keys=("activity",), exact=False)
    assert one.merge(other) == other.merge(one) == one.coarse().merge(other)
    with pytest.raises(DataError, match="by activity and by person cannot be added up"):
        one.merge(durations(np.array([9]), np.array([0]), [("A",)], keys=("person",)))
    with pytest.raises(DataError, match="is not a share"):
        one.quantile(95)


def test_a_sketch_stays_small() -> None:
    rng = np.random.default_rng(1)
    many = rng.lognormal(20, 2, 200_000).astype(np.int64)
    found = durations(many, np.zeros(len(many), dtype=np.int32), [("A",)], keys=("activity",), exact=False)
    assert len(found.bucket) < 1_200
    for share in (0.01, 0.5, 0.85, 0.95, 0.999):
        assert found.quantile(share)[0] == pytest.approx(np.quantile(many, share), rel=ERROR)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"count": [3]},
        {"hits": [1, 2]},
        {"bucket": [5000, 9]},
        {"runs": [1]},
        {"names": [["B"], ["A"]]},
        {"count": [2**70]},
        {"count": [True]},
        {"hits": [0, 2]},
        {"exact": 1},
        {"total": [1, 2]},
    ],
)
def test_a_damaged_sketch_is_told(spoilt: dict[str, object]) -> None:
    good = durations(np.array([7, 800]), np.array([0, 0]), [("A",)], keys=("activity",), exact=False).to_dict()
    with pytest.raises(DataError):
        Durations.from_dict(good | spoilt)


@given(cuts=st.lists(st.integers(0, 12), min_size=3, max_size=3), flags=st.lists(st.booleans(), min_size=4, max_size=4))
def test_few_durations_are_kept_and_more_give_way_to_a_sketch(cuts: list[int], flags: list[bool]) -> None:
    given_ = np.arange(1, 13, dtype=np.int64) * 1_000_000
    spans_ = np.split(given_, sorted(cuts))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sketch, "EXACT", 8)
        parts = [
            durations(one, np.zeros(len(one), dtype=np.int32), [("A",)], keys=("x",), exact=True if always else None)
            for one, always in zip(spans_, flags, strict=True)
        ]
        a, b, c, d = parts
        found = [a.merge(b).merge(c).merge(d), a.merge(b.merge(c.merge(d))), d.merge(b).merge(a.merge(c))]
        assert found[0] == found[1] == found[2]
        kept = all(always for one, always in zip(spans_, flags, strict=True) if len(one))
        assert found[0].exact == kept
        assert ("exact" if kept else "within 1%") in repr(found[0])
        few = durations(given_[:8], np.zeros(8, dtype=np.int32), [("A",)], keys=("x",))
        assert few.exact
        assert few.quantile(0.5)[0] == np.quantile(given_[:8], 0.5)

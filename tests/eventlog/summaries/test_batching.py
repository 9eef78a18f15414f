from __future__ import annotations

import json
from collections import defaultdict
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkmine.calendars import HOUR
from mkmine.errors import DataError
from mkmine.eventlog.summaries import batches
from tests.eventlog.summaries.samples import Event, events, kernels, log_of

FORMS = ("numpy", "numba")


@pytest.mark.parametrize("form", FORMS)
@given(drawn=events, distance=st.integers(0, 4), least=st.integers(1, 3))
def test_batches_are_chains_without_long_pauses(form: str, drawn: list[Event], distance: int, least: int) -> None:
    log = log_of(drawn)
    with kernels(form):
        found = batches(log, merge_distance=distance, min_size=least)
    groups: dict[tuple[int, int], list[tuple[int, int, int]]] = defaultdict(list)
    for i in range(len(log)):
        if log.resource[i] >= 0:
            groups[int(log.activity[i]), int(log.resource[i])].append((int(log.start[i]), int(log.end[i]), i))
    expected = []
    for members in groups.values():
        chain: list[tuple[int, int, int]] = []
        for one in sorted(members):
            if chain and one[0] - max(end for _, end, _ in chain) > distance * HOUR:
                expected.append(frozenset(i for _, _, i in chain))
                chain = []
            chain.append(one)
        expected.append(frozenset(i for _, _, i in chain))
    wanted = {one for one in expected if len(one) >= least}
    assert {frozenset(np.flatnonzero(found.of == row).tolist()) for row in range(len(found))} == wanted
    assert sorted(found.table["instances"]) == sorted(map(len, wanted))
    order = list(found.table[["activity", "resource", "start"]].itertuples(index=False, name=None))
    assert order == sorted(order, key=lambda row: (log.activities.index(row[0]), *row[1:]))
    for row in found.table.itertuples():
        mine = np.flatnonzero(found.of == row.Index)
        assert row.cases == len(set(log.case_of[mine].tolist()))
        assert row.start.value // 1000 == log.start[mine].min()


@pytest.mark.parametrize(
    ("spans", "kind"),
    [
        ([(0, 2), (0, 2)], "simultaneous"),
        ([(0, 2), (0, 3)], "same start"),
        ([(0, 3), (1, 2)], "same end"),
        ([(0, 3), (3, 2)], "sequential"),
        ([(0, 3), (1, 4)], "concurrent"),
    ],
)
def test_kinds_of_batches(spans: list[tuple[int, int]], kind: str) -> None:
    log = log_of([(case, "A", start, length, "Anna") for case, (start, length) in enumerate(spans)])
    found = batches(log, merge_distance=0)
    assert found.table[["activity", "resource", "kind", "instances", "cases"]].to_numpy().tolist() == [
        ["A", "Anna", kind, 2, 2]
    ]
    assert f"1 {kind}" in repr(found)
    assert json.loads(json.dumps(found.to_dict()))["batches"][0]["kind"] == kind


def test_a_log_without_people_has_no_batches() -> None:
    found = batches(log_of([(1, "A", 0, 2, None), (2, "A", 0, 2, None)]))
    assert len(found) == 0
    assert found.of.tolist() == [-1, -1]
    assert "0 of 0 instances" in repr(found)


def test_a_distance_is_a_length_of_time_in_any_form() -> None:
    log = log_of([(case, "A", 3 * case, 2, "Anna") for case in range(4)])
    assert len(batches(log)) == 0
    for distance in (1, 1.5, "1 h", "60 min", timedelta(hours=1)):
        assert len(batches(log, merge_distance=distance)) == 1
    with pytest.raises(DataError, match="merge_distance -1 is negative"):
        batches(log, merge_distance=-1)
    with pytest.raises(DataError, match="numbers are hours"):
        batches(log, merge_distance=900_000_000)
    with pytest.raises(DataError, match="is not a length of time"):
        batches(log, merge_distance="soon")
    with pytest.raises(DataError, match="min_size=0"):
        batches(log, min_size=0)

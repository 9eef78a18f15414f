"""Starts and completions: every policy against a slow reference, and the compiled form against the plain one."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkmine.errors import UnknownNameError
from mkmine.eventlog.formats.lifecycle import (
    COMPLETE,
    MISSING,
    RESUME,
    SCHEDULE,
    START,
    SUSPEND,
    Order,
    Policy,
    has_lifecycle,
    match,
    pair,
)
from mkmine.eventlog.formats.mapping import Mapping
from mkmine.eventlog.formats.read import read

KINDS = st.lists(st.sampled_from([SCHEDULE, START, START, COMPLETE, COMPLETE, SUSPEND, RESUME, 5]), max_size=30)
GROUPS = st.lists(KINDS, min_size=1, max_size=4)
PAIRINGS = st.sampled_from(get_args(Order))


def slowly(kinds: list[int], pairing: Order) -> tuple[list[int], list[int]]:
    """Match the events of one group with lists that anyone can follow."""
    partner, ready = [-1] * len(kinds), [-1] * len(kinds)
    running: list[int] = []
    waiting: list[int] = []
    for i, kind in enumerate(kinds):
        if kind == SCHEDULE:
            waiting.append(i)
        if kind in (START, RESUME):
            running = [i] if pairing == "nearest" else [*running, i]
        if kind in (COMPLETE, SUSPEND) and running:
            partner[i] = running.pop(0 if pairing == "fifo" else -1)
        if waiting and (kind == START or (kind == COMPLETE and partner[i] < 0)):
            ready[i] = waiting.pop(0)
    return partner, ready


def shifted(places: list[int], by: int) -> list[int]:
    return [one + by if one >= 0 else -1 for one in places]


def arrays(groups: list[list[int]]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    kind = np.array([one for group in groups for one in group], dtype=np.int8)
    first = np.array([i == 0 for group in groups for i in range(len(group))], dtype=np.bool_)
    return kind, first


@given(groups=GROUPS, pairing=PAIRINGS)
def test_matches_are_those_of_the_slow_reference(groups: list[list[int]], pairing: Order) -> None:
    kind, first = arrays(groups)
    partner, ready = match(kind, first, pairing)
    begins = np.cumsum([0, *map(len, groups)]).tolist()
    expected = [slowly(group, pairing) for group in groups]
    assert partner.tolist() == [p for at, (one, _) in zip(begins, expected, strict=False) for p in shifted(one, at)]
    assert ready.tolist() == [p for at, (_, one) in zip(begins, expected, strict=False) for p in shifted(one, at)]


@given(groups=GROUPS, pairing=PAIRINGS)
def test_the_compiled_form_matches_alike(groups: list[list[int]], pairing: Order) -> None:
    kernels = pytest.importorskip("mkmine.eventlog.formats.kernels")
    kind, first = arrays(groups)
    plain, compiled = match(kind, first, pairing), kernels.match(kind, first, get_args(Order).index(pairing))
    assert [one.tolist() for one in plain] == [one.tolist() for one in compiled]


EVENTS = st.lists(
    st.tuples(
        st.integers(0, 2), st.integers(0, 1), st.sampled_from(["schedule", "start", "complete", "suspend", "resume"]),
        st.integers(0, 9), st.integers(0, 1),
    ),
    min_size=1, max_size=40,
)  # fmt: skip


@given(events=EVENTS, pairing=PAIRINGS, split=st.booleans(), with_ids=st.booleans())
def test_every_event_is_used_at_most_once(
    events: list[tuple[int, int, str, int, int]], pairing: Order, split: bool, with_ids: bool
) -> None:
    case, activity, transition, time, instance = (np.array(one) for one in zip(*events, strict=True))
    policy = Policy(pairing=pairing, suspended="split" if split else "ignore")
    ids = instance if with_ids else None
    found = pair(case, activity, pd.Series(transition), time.astype(np.int64), ids, policy)
    assert len(set(found.row.tolist())) == len(found.row)
    assert (np.diff(found.row) > 0).all()
    assert (found.start <= found.end).all()
    assert ((found.enabled == MISSING) | (found.enabled <= found.start)).all()
    completions = int((transition == "complete").sum())
    begun = int(np.isin(transition, ["start", "resume"] if split else ["start"]).sum())
    kept = pair(case, activity, pd.Series(transition), time.astype(np.int64), ids, policy)
    assert completions <= len(kept.row) <= completions + begun
    arrow = pa.array(transition.tolist()).dictionary_encode()
    again = pair(case, activity, arrow, time.astype(np.int64), ids, policy)
    assert again.row.tolist() == found.row.tolist()
    assert again.notes == found.notes


def paired(text: str, policy: Policy) -> list[tuple[int, int, bool]]:
    """Pair the events of one activity, one per minute: s(tart), c(omplete), p(ause), r(esume)."""
    names = {"s": "start", "c": "complete", "p": "suspend", "r": "resume"}
    n = len(text)
    zeros = np.zeros(n, dtype=np.int64)
    found = pair(zeros, zeros, pd.Series([names[one] for one in text]), np.arange(n), None, policy)
    return list(zip(found.start.tolist(), found.end.tolist(), found.ongoing.tolist(), strict=True))


@pytest.mark.parametrize(
    ("text", "policy", "expected"),
    [
        ("sscc", Policy(), [(0, 2, False), (1, 3, False)]),
        ("sscc", Policy(pairing="lifo"), [(1, 2, False), (0, 3, False)]),
        ("sscc", Policy(pairing="nearest"), [(0, 0, False), (1, 2, False), (3, 3, False)]),
        ("sscc", Policy(pairing="nearest", unmatched="drop"), [(1, 2, False)]),
        ("cscs", Policy(), [(0, 0, False), (1, 2, False), (3, 3, True)]),
        ("cscs", Policy(unmatched="drop"), [(1, 2, False), (3, 3, True)]),
        ("ccc", Policy(unmatched="drop"), [(0, 0, False), (1, 1, False), (2, 2, False)]),
        ("sprc", Policy(), [(0, 3, False)]),
        ("sprc", Policy(suspended="split"), [(0, 1, False), (2, 3, False)]),
        ("psprc", Policy(suspended="split"), [(1, 2, False), (3, 4, False)]),
        ("spr", Policy(suspended="split"), [(0, 1, False), (2, 2, True)]),
    ],
)
def test_policies(text: str, policy: Policy, expected: list[tuple[int, int, bool]]) -> None:
    assert paired(text, policy) == expected


def test_an_unknown_policy_is_told() -> None:
    with pytest.raises(UnknownNameError, match='did you mean "fifo"'):
        Policy(pairing="fifa")  # type: ignore[arg-type]


def test_lifecycles_are_told_from_substatuses() -> None:
    assert has_lifecycle(pd.Series(["start", "Complete ", None]))
    assert has_lifecycle(pa.array(["COMPLETE"]))
    assert not has_lifecycle(pd.Series(["In Progress", "Awaiting"]))
    assert not has_lifecycle(pd.Series(["suspend", "resume"]))
    assert not has_lifecycle(pd.Series([], dtype=object))


def test_the_notes_count_what_is_not_plain() -> None:
    kinds = ["schedule", "start", "complete", "complete", "ate_abort", "reassign", "schedule", "start"]
    n = len(kinds)
    zeros = np.zeros(n, dtype=np.int64)
    assert dict(pair(zeros, zeros, pd.Series(kinds), np.arange(n)).notes) == {
        "ate_abort counted as the end": 1,
        "reassign passed over": 1,
        "completions without a start (instants)": 2,
        "starts never completed, ongoing": 1,
    }


def test_a_mapping_carries_the_policy(tmp_path: Path) -> None:
    mapping = Mapping(pairing="lifo", suspended="split", unmatched="drop")
    mapping.save(tmp_path / "mapping.yaml")
    assert Mapping.load(tmp_path / "mapping.yaml") == mapping
    assert mapping.policy() == Policy(pairing="lifo", suspended="split", unmatched="drop")
    assert Mapping().policy() == Policy()
    with pytest.raises(UnknownNameError, match="unknown value of unmatched"):
        Mapping(unmatched="forget")  # type: ignore[arg-type]
    rows = [("1", "A", f"2025-03-05T10:0{n}:00Z", kind) for n, kind in enumerate(("start", "start", "complete"))]
    frame = pd.DataFrame(rows, columns=["case", "activity", "time", "lifecycle"])
    assert len(read(frame)) == 2
    log = read(frame, mapping=mapping)
    assert (log.end - log.start).tolist() == [60_000_000]
    assert any(step.action == "lifecycle" and "last in, first out" in step.detail for step in log.history)


@pytest.mark.shared
def test_a_public_log_is_paired_as_by_the_slow_reference(shared_logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mkmine.eventlog.formats.xes import read_xes

    columns = read_xes(shared_logs / "mining" / "bpic2012.xes.gz").columns.slice(0, 30_000)
    frame = columns.select(["case:concept:name", "concept:name", "lifecycle:transition", "time:timestamp"]).to_pandas()
    names = {"SCHEDULE": SCHEDULE, "START": START, "COMPLETE": COMPLETE}
    groups: dict[Any, list[int]] = defaultdict(list)
    for row, key in enumerate(zip(frame["case:concept:name"], frame["concept:name"], strict=True)):
        groups[key].append(row)
    kinds = [names[one] for one in frame["lifecycle:transition"]]
    expected = {}
    for rows in groups.values():
        for at, start in enumerate(slowly([kinds[row] for row in rows], "fifo")[0]):
            if kinds[rows[at]] == COMPLETE:
                expected[rows[at]] = rows[start] if start >= 0 else rows[at]
    times = frame["time:timestamp"].to_numpy(dtype="datetime64[us]").astype(np.int64)
    cases, activities = (pd.factorize(frame[one])[0] for one in ("case:concept:name", "concept:name"))
    for form in ("numpy", "numba"):
        monkeypatch.setenv("MKMINE_KERNELS", form)
        found = pair(cases, activities, frame["lifecycle:transition"], times)
        started = dict(zip(found.row.tolist(), found.start.tolist(), strict=True))
        assert {row: started[row] for row in expected} == {row: int(times[at]) for row, at in expected.items()}
    assert all(a < b for a, b in pairwise(found.row.tolist()))

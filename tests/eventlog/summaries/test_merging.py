"""Every summary that merges: any cutting of a log by cases, merged in any order, is the summary of the whole."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkmine.errors import DataError
from mkmine.eventlog import EventLog
from mkmine.eventlog.summaries import (
    CaseTimes,
    DirectlyFollows,
    Durations,
    EventuallyFollows,
    Executions,
    Flow,
    HandOvers,
    Load,
    ReworkCounts,
    Summary,
    TemporalProfile,
    VariantCounts,
    activity_table,
    case_durations,
    case_times,
    directly_follows,
    edge_times,
    eventually_follows,
    flow,
    hand_overs,
    open_cases,
    resource_table,
    rework_counts,
    running_instances,
    summarise,
    temporal_profile,
    variant_counts,
)
from tests.eventlog.summaries.samples import Event, events, kernels, log_of, parts_of

SUMMARIES: dict[str, tuple[Callable[[EventLog], Any], type]] = {
    "directly_follows": (directly_follows, DirectlyFollows),
    "edge_times": (edge_times, Durations),
    "edge_times_exact": (lambda log: edge_times(log, exact=True), Durations),
    "edge_times_apart": (lambda log: edge_times(log, overlaps=False), Durations),
    "edge_times_people": (lambda log: edge_times(log, by="resource"), Durations),
    "variant_counts": (variant_counts, VariantCounts),
    "rework_counts": (rework_counts, ReworkCounts),
    "case_times": (case_times, CaseTimes),
    "case_durations": (case_durations, Durations),
    "activity_table": (activity_table, Executions),
    "resource_table": (resource_table, Executions),
    "hand_overs": (hand_overs, HandOvers),
    "open_cases": (open_cases, Load),
    "running_instances": (running_instances, Load),
    "flow": (flow, Flow),
    "eventually_follows": (eventually_follows, EventuallyFollows),
    "eventually_listed": (lambda log: eventually_follows(log, order="listed"), EventuallyFollows),
    "temporal_profile": (temporal_profile, TemporalProfile),
    "summary": (summarise, Summary),
}


def merged(parts: list[Any], order: random.Random) -> Any:
    """Merge in a random tree."""
    parts = list(parts)
    while len(parts) > 1:
        one = parts.pop(order.randrange(len(parts)))
        other = parts.pop(order.randrange(len(parts)))
        parts.append(one.merge(other))
    return parts[0]


@given(
    drawn=events,
    part=st.lists(st.integers(0, 3), min_size=6, max_size=6),
    order=st.randoms(use_true_random=False),
    completions=st.booleans(),
)
def test_any_cutting_merges_to_the_same(
    drawn: list[Event], part: list[int], order: random.Random, completions: bool
) -> None:
    log = log_of(drawn, completions=completions, open_cases=True)
    parts = parts_of(log, np.array(part[: log.n_cases]))
    for name, (count, kind) in SUMMARIES.items():
        whole = count(log)
        assert merged([count(one) for one in parts], order) == whole, name
        assert whole.merge(kind()) == whole == kind().merge(whole), name
        assert kind() == kind().merge(kind()), name


@given(drawn=st.tuples(events, events, events))
def test_merging_is_associative_and_commutative_whatever_the_numbers_of_names(
    drawn: tuple[list[Event], list[Event], list[Event]],
) -> None:
    # Each part numbers its own activities and people.
    logs = [log_of(one, prefix=prefix) for one, prefix in zip(drawn, "xyz", strict=True)]
    for name, (count, _) in SUMMARIES.items():
        a, b, c = map(count, logs)
        assert a.merge(b).merge(c) == a.merge(b.merge(c)), name
        assert a.merge(b) == b.merge(a), name


@given(drawn=events, completions=st.booleans())
def test_plain_values_come_back(drawn: list[Event], completions: bool) -> None:
    log = log_of(drawn, completions=completions, open_cases=True)
    for name, (count, kind) in SUMMARIES.items():
        found = count(log)
        assert kind.from_dict(json.loads(json.dumps(found.to_dict()))) == found, name
        assert kind.from_dict(json.loads(json.dumps(kind().to_dict()))) == kind(), name


@given(drawn=events, completions=st.booleans(), open_ones=st.booleans())
def test_both_forms_give_the_same(drawn: list[Event], completions: bool, open_ones: bool) -> None:
    log = log_of(drawn, completions=completions, open_cases=open_ones)
    for name, (count, _) in SUMMARIES.items():
        with kernels("numpy"):
            plain = count(log)
        with kernels("numba"):
            assert count(log) == plain, name


CENTURIES = pd.to_datetime(["1900-01-01", "1970-01-01", "1969-12-31 23:00", "2199-12-31"], format="mixed", utc=True)
HOSTILE = {
    "centuries": [(f"c{i % 3}", "AB"[i % 2], CENTURIES[i % 3], CENTURIES[3 - (i % 3 == 0)]) for i in range(24)],
    "all at once": [(f"c{i % 3}", "ABC"[i % 2], CENTURIES[1], CENTURIES[1]) for i in range(24)],
    "one-event cases": [(f"c{i}", "A", CENTURIES[1], CENTURIES[3]) for i in range(9)],
    "one event": [("c", "A", CENTURIES[0], CENTURIES[0])],
    "thousands of activities": [(f"c{i // 6}", f"A{i}", CENTURIES[1], CENTURIES[3]) for i in range(2100)],
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_logs_at_the_edge_of_what_is_possible(kind: str) -> None:
    frame = pd.DataFrame(HOSTILE[kind], columns=["case", "activity", "start", "end"])
    log = EventLog.from_pandas(frame, start="start")
    parts = parts_of(log, np.arange(log.n_cases) % 2)
    for name, (count, identity) in SUMMARIES.items():
        found = []
        for form in ("numpy", "numba"):
            with kernels(form):
                found += [count(log), merged([count(part) for part in parts], random.Random(1))]
        assert all(one == found[0] for one in found), name
        assert identity.from_dict(json.loads(json.dumps(found[0].to_dict()))) == found[0], name
        assert repr(found[0]) and found[0]._repr_html_(), name  # noqa: PT018


@pytest.mark.parametrize("name", SUMMARIES)
def test_names_of_any_kind_are_kept_and_escaped(name: str) -> None:
    odd = ["<b>A</b>", "a\x00b\x1f", "=1+1", "е\u0301ё", "A" * 300]
    log = log_of([(case, odd[(case + i) % 5], i, 1, odd[i % 5]) for case in range(4) for i in range(5)])
    count, kind = SUMMARIES[name]
    found = count(log)
    assert "<b>" not in found._repr_html_()
    assert repr(found)
    assert repr(kind())
    assert "<" in kind()._repr_html_()
    assert kind.from_dict(json.loads(json.dumps(found.to_dict()))) == found
    if hasattr(found, "to_pandas"):
        assert len(found.to_pandas())
        assert not len(kind().to_pandas())


@pytest.mark.parametrize("name", [name for name in SUMMARIES if name != "summary"])
@pytest.mark.parametrize("damage", [None, [], {}, "text", 7])
def test_what_is_no_saved_summary_is_told(name: str, damage: object) -> None:
    with pytest.raises(DataError, match="damaged"):
        SUMMARIES[name][1].from_dict(damage)


@pytest.mark.parametrize("name", [name for name in SUMMARIES if name != "summary"])
def test_a_damaged_entry_is_told(name: str) -> None:
    count, kind = SUMMARIES[name]
    values = count(log_of([(case, "AB"[i % 2], i, 1, "Anna") for case in range(3) for i in range(4)])).to_dict()
    spoilt = [("time_zone", 3), ("time_zone", "Mars/Olympus")]
    spoilt += [(key, bad) for key in values if key != "time_zone" for bad in (None, "x", [["x"]], [[[]]], [None], {})]
    for key, bad in spoilt:
        if key in values:
            with pytest.raises(DataError):
                kind.from_dict(values | {key: bad})

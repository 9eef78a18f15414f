from __future__ import annotations

import itertools
from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given

from mkmine.calendars import Calendar
from mkmine.errors import DataError
from mkmine.eventlog import EventLog
from mkmine.eventlog.summaries import (
    DirectlyFollows,
    directly_follows,
    edge_matrix,
    edge_times,
    follows,
    pair_cases,
    pair_counts,
)
from tests.eventlog.summaries.samples import Event, events, kernels, log_of

FORMS = ("numpy", "numba")


def sequences(log: EventLog) -> list[list[int]]:
    return [list(range(a, b)) for a, b in itertools.pairwise(log.offsets.tolist())]


@pytest.mark.parametrize("form", FORMS)
@given(drawn=events)
def test_counts_and_times_equal_those_of_plain_loops(form: str, drawn: list[Event]) -> None:
    log = log_of(drawn)
    pairs = [pair for rows in sequences(log) for pair in itertools.pairwise(rows)]
    name = [log.activities[code] for code in log.activity]
    times: dict[tuple[str, str], list[int]] = defaultdict(list)
    apart: dict[tuple[str, str], list[int]] = defaultdict(list)
    for i, j in pairs:
        gap = int(log.start[j] - log.end[i])
        times[name[i], name[j]].append(gap)
        if gap >= 0:
            apart[name[i], name[j]].append(gap)
    with kernels(form):
        found = directly_follows(log)
        every, separate = edge_times(log, exact=True), edge_times(log, exact=True, overlaps=False)
        cases = pair_cases(log)
    assert found.edges == Counter((name[i], name[j]) for i, j in pairs)
    assert found.starts == Counter(name[rows[0]] for rows in sequences(log))
    assert found.ends == Counter(name[rows[-1]] for rows in sequences(log))
    for durations, expected in ((every, times), (separate, apart)):
        assert list(durations.names) == sorted(expected)
        assert durations.total.tolist() == [sum(expected[pair]) for pair in durations.names]
        assert durations.quantile(0.5).tolist() == [np.median(expected[pair]) for pair in durations.names]
        assert durations.least.tolist() == [min(expected[pair]) for pair in durations.names]
    assert every.negative.tolist() == [sum(one < 0 for one in times[pair]) for pair in every.names]
    source, target, _ = pair_counts(log.offsets, log.activity, len(log.activities))
    for s, t, n in zip(source, target, cases, strict=True):
        wanted = (log.activities[s], log.activities[t])
        assert n == len({int(log.case_of[i]) for i, j in pairs if (name[i], name[j]) == wanted})


@pytest.mark.parametrize("form", FORMS)
def test_counts_over_pieces_and_over_many_activities_agree(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    log = log_of([(i // 7, f"A{rng.integers(40)}", i, 1, "Anna") for i in range(700)])
    dense = (directly_follows(log), edge_times(log), edge_times(log, overlaps=False, by="resource"))
    cases = pair_cases(log)
    with kernels(form):
        monkeypatch.setattr(follows, "PIECE", 3)
        assert directly_follows(log) == dense[0]
        monkeypatch.setattr(follows, "DENSE", 0)
        assert (directly_follows(log), edge_times(log)) == dense[:2]
        assert edge_times(log, overlaps=False, by="resource") == dense[2]
        assert np.array_equal(pair_cases(log), cases)
        assert edge_matrix(log).shape[1] == 3


def test_thousands_of_activities_are_counted_without_a_square() -> None:
    log = log_of([(i // 5, f"A{i}", i, 1, f"P{i}") for i in range(3000)])
    found = directly_follows(log)
    assert len(found.edges) == 2400
    assert set(found.edges.values()) == {1}
    assert len(edge_times(log, by="resource")) == 2400


def test_time_between_people_leaves_out_who_is_unknown() -> None:
    log = log_of([(1, "A", 0, 1, "Anna"), (1, "B", 3, 1, "Boris"), (1, "C", 5, 1, None), (1, "A", 9, 1, "Anna")])
    found = edge_times(log, by="resource", exact=True)
    assert found.names == (("Anna", "Boris"),)
    assert found.to_pandas()["total_h"].tolist() == [2]


def test_working_time_is_that_of_the_calendar() -> None:
    log = log_of([(1, "A", 10, 2, None), (1, "B", 31, 1, None), (1, "C", 31, 3, None)], time_zone="UTC")
    office = Calendar.parse({"Mon-Fri": "09:00-18:00"})
    found = edge_times(log, calendar=office, exact=True).to_pandas().set_index(["source", "target"])
    assert found.loc[("A", "B"), "mean_h"] == 6
    # C begins together with B, an hour before B ends; that hour is before the office opens.
    assert found.loc[("B", "C"), "mean_h"] == 0
    assert edge_times(log, exact=True).negative.tolist() == [0, 1]
    assert edge_times(log, exact=True, calendar=Calendar.always()) == edge_times(log, exact=True)


def test_one_event_cases_have_no_edges() -> None:
    for form in FORMS:
        with kernels(form):
            log = log_of([(1, "A", 0, 1, None), (2, "A", 0, 1, None)])
            assert directly_follows(log) == DirectlyFollows(starts={"A": 2}, ends={"A": 2}, cases=2)
            assert len(edge_times(log)) == 0
            assert edge_times(log).to_pandas().empty


def test_counts_that_do_not_add_up_are_told() -> None:
    with pytest.raises(DataError, match="one start and one end"):
        DirectlyFollows.from_dict({"edges": [], "starts": [["A", 1]], "ends": [], "cases": 1})

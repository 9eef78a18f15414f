"""pm4py's results on public logs: it has definitions of its own for most summaries, and no line of ours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mkmine.calendars import DAY
from mkmine.eventlog import EventLog
from mkmine.eventlog.formats.read import read
from mkmine.eventlog.summaries import (
    batches,
    case_overlap,
    case_times,
    directly_follows,
    edge_times,
    eventually_follows,
    hand_overs,
    rework_counts,
    temporal_profile,
    variant_counts,
)

pytestmark = [pytest.mark.shared, pytest.mark.filterwarnings("ignore")]

HELPDESK = ("trackers/helpdesk.xes.gz", {})
INCIDENTS = ("trackers/bpic2013_incidents.xes.gz", {"timestamps": "completed", "lifecycle": "impact"})
LOANS = ("mining/bpic2012.xes.gz", {})
LOAN_APP, PRODUCTION, PURCHASES, CREDENTIALS = (
    (f"calibration/{name}/{name}.csv.gz", {}) for name in ("LoanApp", "Production", "P2P", "ACR")
)
# pm4py compares every event with every other of its case, and keeps all pairs.
CASES = 2_500
KINDS = {
    "simultaneous": "Simultaneous",
    "same start": "Batching on Start",
    "same end": "Batching on End",
    "sequential": "Sequential batching",
    "concurrent": "Concurrent batching",
}
Case = tuple[EventLog, Callable[[], pd.DataFrame]]


@pytest.fixture(scope="module")
def pm4py() -> Any:
    return pytest.importorskip("pm4py")


@pytest.fixture(scope="module")
def load(shared_logs: Path, pm4py: Any) -> Callable[[tuple[str, dict[str, str]]], Case]:
    """Read a log once; give it, and fresh copies of the frame that pm4py wants: nanoseconds and object strings."""
    known: dict[str, tuple[EventLog, pd.DataFrame]] = {}

    def give(which: tuple[str, dict[str, str]]) -> Case:
        path, options = which
        if path not in known:
            log = read(shared_logs / path, **options)  # type: ignore[arg-type]
            log = log.keep_cases(np.arange(log.n_cases) < CASES, action="filter cases", detail="the first")
            frame = log.to_pandas()
            nanoseconds = "datetime64[ns, UTC]"
            columns = {
                "case": frame["case"].astype(object),
                "activity": frame["activity"].astype(object),
                "org:resource": frame["resource"].astype(object),
                "time": frame["end"].dt.tz_convert("UTC").astype(nanoseconds),
                "start_timestamp": frame["start"].dt.tz_convert("UTC").astype(nanoseconds),
            }
            formatted = pm4py.format_dataframe(
                pd.DataFrame(columns), case_id="case", activity_key="activity", timestamp_key="time"
            )
            known[path] = log, formatted
        return known[path][0], lambda: known[path][1].copy()

    return give


Load = Callable[[tuple[str, dict[str, str]]], Case]


EVERY = [HELPDESK, INCIDENTS, LOANS, LOAN_APP, PRODUCTION, PURCHASES, CREDENTIALS]
# pm4py lists the events of a case by completion: these are the logs in which no two instances of a case overlap.
ONE_BY_ONE = [HELPDESK, INCIDENTS, PURCHASES]
FEW_CASES = [LOAN_APP, PRODUCTION, PURCHASES, CREDENTIALS]


def named(which: tuple[str, dict[str, str]]) -> str:
    return Path(which[0]).name.partition(".")[0]


@pytest.mark.parametrize("which", EVERY, ids=named)
def test_edges_rework_and_times_between(load: Load, pm4py: Any, which: tuple[str, dict[str, str]]) -> None:
    log, frame = load(which)
    assert directly_follows(log).edges == dict(pm4py.discover_dfg(frame())[0])
    assert rework_counts(log).cases == pm4py.get_rework_cases_per_activity(frame())
    theirs, _, _ = pm4py.discover_performance_dfg(frame())
    found = edge_times(log, exact=True)
    assert set(found.names) == set(theirs)
    for name, mean, median, least, most in zip(
        found.names, found.mean, found.quantile(0.5), found.least, found.most, strict=True
    ):
        expected = theirs[name]
        assert mean / 1e6 == pytest.approx(expected["mean"], rel=1e-9, abs=1e-3)
        assert median / 1e6 == pytest.approx(expected["median"], rel=1e-9, abs=1e-3)
        assert (least / 1e6, most / 1e6) == pytest.approx((expected["min"], expected["max"]), abs=1e-3)


@pytest.mark.parametrize("which", ONE_BY_ONE, ids=named)
def test_variants_endpoints_and_hand_overs(load: Load, pm4py: Any, which: tuple[str, dict[str, str]]) -> None:
    log, frame = load(which)
    _, starts, ends = pm4py.discover_dfg(frame())
    found = directly_follows(log)
    assert (found.starts, found.ends) == (dict(starts), dict(ends))
    theirs = {
        tuple(variant): len(of) if hasattr(of, "__len__") else of for variant, of in pm4py.get_variants(frame()).items()
    }
    assert variant_counts(log).counts == theirs
    if which == INCIDENTS:
        return
    network = pm4py.discover_handover_of_work_network(frame()).connections
    counts = hand_overs(log).counts
    total = sum(counts.values())
    assert {pair: count / total for pair, count in counts.items()} == pytest.approx(network)


@pytest.mark.parametrize("which", EVERY, ids=named)
def test_what_comes_some_time_after_what(load: Load, pm4py: Any, which: tuple[str, dict[str, str]]) -> None:
    log, frame = load(which)
    counts = eventually_follows(log).counts
    assert {pair: pairs for pair, (pairs, _) in counts.items()} == pm4py.discover_eventually_follows_graph(frame())
    theirs, ours = pm4py.discover_temporal_profile(frame()), temporal_profile(log).profile
    assert set(ours) == set(theirs)
    for pair, figures in ours.items():
        assert figures == pytest.approx(theirs[pair], rel=1e-9, abs=1e-6)


@pytest.mark.parametrize("which", [HELPDESK, INCIDENTS], ids=named)
def test_case_durations(load: Load, pm4py: Any, which: tuple[str, dict[str, str]]) -> None:
    log, frame = load(which)
    # With starts it fails, and the frame remembers that it has them.
    ended = frame().drop(columns="start_timestamp")
    ended.attrs = {}
    theirs = pm4py.get_all_case_durations(ended)
    assert np.sort(case_times(log).cycle / 1e6) == pytest.approx(np.sort(theirs))


@pytest.mark.parametrize("which", FEW_CASES, ids=named)
def test_case_overlap(load: Load, pm4py: Any, which: tuple[str, dict[str, str]]) -> None:
    from pm4py.statistics.overlap.cases.pandas import get

    log, frame = load(which)
    # Otherwise it takes completions for starts, even where starts are known.
    options = {
        get.Parameters.START_TIMESTAMP_KEY: "start_timestamp",
        get.Parameters.TIMESTAMP_KEY: "time:timestamp",
        get.Parameters.CASE_ID_KEY: "case:concept:name",
    }
    theirs = dict(zip(dict.fromkeys(frame()["case:concept:name"]), get.apply(frame(), options), strict=True))
    assert dict(zip(log.case_ids.tolist(), case_overlap(log).tolist(), strict=True)) == theirs


class InOrder:
    """What pm4py's search for batches takes to be a heap, and reads as a list in order of time."""

    @staticmethod
    def heapify(intervals: list[Any]) -> None:
        intervals.sort()

    @staticmethod
    def heappush(intervals: list[Any], one: Any) -> None:
        intervals.append(one)
        intervals.sort()


@pytest.mark.parametrize("which", [HELPDESK, *FEW_CASES], ids=named)
def test_batches(load: Load, pm4py: Any, which: tuple[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    from pm4py.algo.discovery.batches.utils import detection

    # A heap is not sorted: with it, batches years apart are joined. Kept in order, it finds what its text defines.
    monkeypatch.setattr(detection, "heapq", InOrder)
    log, frame = load(which)
    theirs = sorted(
        (activity, person, kind, round(start * 1e6), round(end * 1e6), len(members))
        for (activity, person), _, kinds in pm4py.discover_batches(frame())
        for kind, found in kinds.items()
        for start, end, members in found
    )
    ours = sorted(
        (row.activity, row.resource, KINDS[row.kind], row.start.value // 1000, row.end.value // 1000, row.instances)
        for row in batches(log).table.itertuples()
    )
    assert ours == theirs
    assert max(end - start for *_, start, end, _ in ours) < 40 * DAY

"""The same cases and events as pm4py's filters keep, on public logs."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mkmine.eventlog import EventLog
from mkmine.eventlog.cleaning import filters
from mkmine.eventlog.formats.read import read

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def pm4py() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pm4py
    return pm4py


@pytest.fixture(scope="module")
def helpdesk(shared_logs: Path) -> EventLog:
    return read(shared_logs / "trackers" / "helpdesk.xes.gz")


@pytest.fixture(scope="module")
def events(helpdesk: EventLog) -> pd.DataFrame:
    """The log as pm4py wants it: object strings and nanoseconds (it fails on Arrow strings, and is wrong with µs)."""
    frame = helpdesk.to_pandas()
    stamps = frame["end"].dt.as_unit("ns")
    return pd.DataFrame(
        {
            "case:concept:name": frame["case"].astype(object),
            "concept:name": frame["activity"].astype(object),
            "time:timestamp": stamps,
            "start_timestamp": stamps,
            "org:resource": frame["resource"].astype(object),
        }
    )


def rows(frame: pd.DataFrame) -> Counter[tuple[str, str, int]]:
    stamps = frame["time:timestamp"].dt.as_unit("us").astype("int64")
    return Counter(zip(frame["case:concept:name"], frame["concept:name"], stamps, strict=True))


def ours(log: EventLog) -> Counter[tuple[str, str, int]]:
    names = np.array(log.activities, dtype=object)[log.activity]
    return Counter(zip(log.case_ids[log.case_of], names, log.end.tolist(), strict=True))


Ours = Callable[[EventLog], EventLog]
Theirs = Callable[[Any, pd.DataFrame], pd.DataFrame]
WAIT, RESOLVE, TAKE = "Wait", "Resolve ticket", "Take in charge ticket"
PAIRS: dict[str, tuple[Ours, Theirs]] = {
    "start activities": (
        lambda log: filters.keep_endpoints(log, starts=["Assign seriousness"]),
        lambda pm, df: pm.filter_start_activities(df, {"Assign seriousness"}),
    ),
    "end activities": (
        lambda log: filters.keep_endpoints(log, ends="Closed", invert=True),
        lambda pm, df: pm.filter_end_activities(df, {"Closed"}, retain=False),
    ),
    "activities": (
        lambda log: filters.keep_activities(log, [WAIT, TAKE]),
        lambda pm, df: pm.filter_event_attribute_values(df, "concept:name", {WAIT, TAKE}, level="event"),
    ),
    "cases with an activity": (
        lambda log: filters.keep_activities(log, [WAIT], of="cases"),
        lambda pm, df: pm.filter_event_attribute_values(df, "concept:name", {WAIT}, level="case"),
    ),
    "cases without an activity": (
        lambda log: filters.drop_activities(log, [WAIT], of="cases"),
        lambda pm, df: pm.filter_event_attribute_values(df, "concept:name", {WAIT}, level="case", retain=False),
    ),
    "people": (
        lambda log: filters.keep_resources(log, ["Value 1", "Value 2"]),
        lambda pm, df: pm.filter_event_attribute_values(df, "org:resource", {"Value 1", "Value 2"}, level="event"),
    ),
    "variants by path": (
        lambda log: filters.keep_variants(log, paths=[("Assign seriousness", TAKE, RESOLVE, "Closed")]),
        lambda pm, df: pm.filter_variants(df, {("Assign seriousness", TAKE, RESOLVE, "Closed")}),
    ),
    "most frequent variants": (
        lambda log: filters.keep_variants(log, 3),
        lambda pm, df: pm.filter_variants_top_k(df, 3),
    ),
    "directly followed": (
        lambda log: filters.keep_followed(log, TAKE, WAIT, relation="directly"),
        lambda pm, df: pm.filter_directly_follows_relation(df, {(TAKE, WAIT)}),
    ),
    "never directly followed": (
        lambda log: filters.keep_followed(log, TAKE, WAIT, relation="directly", invert=True),
        lambda pm, df: pm.filter_directly_follows_relation(df, {(TAKE, WAIT)}, retain=False),
    ),
    "eventually followed": (
        lambda log: filters.keep_followed(log, WAIT, TAKE),
        lambda pm, df: pm.filter_eventually_follows_relation(df, {(WAIT, TAKE)}),
    ),
    "window of events": (
        lambda log: filters.keep_window(log, "2012-01-01", "2012-06-30", cases="trimmed"),
        lambda pm, df: pm.filter_time_range(df, "2012-01-01 00:00:00", "2012-06-30 23:59:59", mode="events"),
    ),
    "cases in the window": (
        lambda log: filters.keep_window(log, "2012-01-01", "2012-06-30"),
        lambda pm, df: pm.filter_time_range(df, "2012-01-01 00:00:00", "2012-06-30 23:59:59", mode="traces_contained"),
    ),
    "cases that touch the window": (
        lambda log: filters.keep_window(log, "2012-01-01", "2012-06-30", cases="intersecting"),
        lambda pm, df: pm.filter_time_range(
            df, "2012-01-01 00:00:00", "2012-06-30 23:59:59", mode="traces_intersecting"
        ),
    ),
    "size": (
        lambda log: filters.keep_size(log, at_least=5, at_most=7),
        lambda pm, df: pm.filter_case_size(df, 5, 7),
    ),
    "cycle time": (
        lambda log: filters.keep_duration(log, at_least="30 days", at_most="45 days"),
        lambda pm, df: pm.filter_case_performance(df, 30 * 86_400, 45 * 86_400),
    ),
    "rework": (
        lambda log: filters.keep_rework(log, activities=TAKE, rounds=2, consecutive=True),
        lambda pm, df: pm.filter_activities_rework(df, TAKE, 2),
    ),
    "transition times": (
        lambda log: filters.keep_edge_duration(log, TAKE, WAIT, at_least="1 day", at_most="10 days"),
        lambda pm, df: pm.filter_paths_performance(df, (TAKE, WAIT), 86_400, 10 * 86_400),
    ),
    "prefixes": (
        lambda log: filters.keep_segment(log, until=TAKE, until_which="first", included=False),
        lambda pm, df: pm.filter_prefixes(df, TAKE, strict=True, first_or_last="first"),
    ),
    "suffixes": (
        lambda log: filters.keep_segment(log, since=TAKE, since_which="last"),
        lambda pm, df: pm.filter_suffixes(df, TAKE, strict=False, first_or_last="last"),
    ),
    "one activity by different people": (
        lambda log: filters.keep_four_eyes(log, TAKE, TAKE),
        lambda pm, df: pm.filter_activity_done_different_resources(df, TAKE),
    ),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", PAIRS)
def test_a_filter_keeps_what_pm4py_keeps(name: str, helpdesk: EventLog, events: pd.DataFrame, pm4py: Any) -> None:
    our, their = PAIRS[name]
    kept = ours(our(helpdesk))
    assert 0 < len(kept) < len(helpdesk)
    assert kept == rows(their(pm4py, events))


@pytest.mark.filterwarnings("ignore")
def test_four_eyes_keeps_what_pm4py_keeps_where_both_are_done_once(
    helpdesk: EventLog, events: pd.DataFrame, pm4py: Any
) -> None:
    # pm4py compares with the last `second` of the case only; where each is done once the two rules are one.
    once = helpdesk
    for name in (TAKE, RESOLVE):
        once = filters.keep_rework(once, activities=name, consecutive=True, invert=True)
        once = filters.keep_activities(once, name, of="cases")
    frame = events[events["case:concept:name"].isin(set(once.case_ids))]
    assert ours(filters.keep_four_eyes(once, TAKE, RESOLVE)) == rows(
        pm4py.filter_four_eyes_principle(frame, TAKE, RESOLVE)
    )


@pytest.mark.filterwarnings("ignore")
def test_variants_that_cover_a_share_are_no_more_than_needed(helpdesk: EventLog) -> None:
    counts = Counter(variants(helpdesk)).most_common()
    kept = filters.keep_variants(helpdesk, share=0.8)
    needed = int(np.searchsorted(np.cumsum([n for _, n in counts]), 0.8 * helpdesk.n_cases)) + 1
    assert len(set(variants(kept))) == needed
    assert kept.n_cases >= 0.8 * helpdesk.n_cases


def variants(log: EventLog) -> Iterable[tuple[int, ...]]:
    return [tuple(log.activity[a:b].tolist()) for a, b in zip(log.offsets[:-1], log.offsets[1:], strict=True)]

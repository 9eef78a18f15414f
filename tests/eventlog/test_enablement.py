from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from mkmine.eventlog import EventLog
from mkmine.eventlog.enablement import enabled_times

BASE = pd.Timestamp("2025-03-03", tz="UTC")
# Few hours and short lengths, so that ties and instances of no length are the rule.
rows = st.lists(st.tuples(st.sampled_from("AB"), st.integers(0, 6), st.integers(0, 3)), min_size=1, max_size=14)


def reference(log: EventLog) -> list[int]:
    """The definition, instance by instance: the latest end, not after the start, of the earlier ones of the case."""
    out = []
    for one in range(len(log)):
        earlier = range(log.offsets[log.case_of[one]], one)
        ends = [int(log.end[other]) for other in earlier if log.end[other] <= log.start[one]]
        out.append(max(ends, default=int(log.start[one])))
    return out


@settings(max_examples=400)
@given(rows)
def test_concurrency_aware_enabling_follows_its_definition(found: list[tuple[str, int, int]]) -> None:
    frame = pd.DataFrame(
        {
            "case": [row[0] for row in found],
            "activity": "x",
            "start": [BASE + pd.Timedelta(hours=row[1]) for row in found],
            "end": [BASE + pd.Timedelta(hours=row[1] + row[2]) for row in found],
        }
    )
    log = EventLog.from_pandas(frame, start="start")
    enabled = enabled_times(log)
    assert enabled.tolist() == reference(log)
    assert (enabled <= log.start).all()
    assert np.array_equal(enabled[log.offsets[:-1]], log.start[log.offsets[:-1]])


def test_what_still_runs_has_not_enabled_what_starts(make_log: Callable[..., EventLog]) -> None:
    log = make_log([("1", "a", 9, 10), ("1", "b", 10, 16), ("1", "c", 12, 13)])
    hours = (enabled_times(log) - log.start) / 3_600_000_000
    assert hours.tolist() == [0, 0, -2]


def test_recorded_times_are_used_as_they_are(make_log: Callable[..., EventLog]) -> None:
    frame = make_log([("1", "a", 9, 10), ("1", "b", 12, 13)]).to_pandas()
    frame["enabled"] = [BASE + pd.Timedelta(hours=8), BASE + pd.Timedelta(hours=11)]
    log = EventLog.from_pandas(frame, start="start", enabled="enabled")
    assert np.array_equal(enabled_times(log), log.start - 3_600_000_000)


def test_a_completion_is_enabled_by_the_one_before(make_log: Callable[..., EventLog]) -> None:
    frame = make_log([("1", "a", 9, 10), ("1", "b", 12, 13), ("2", "a", 9, 11)]).to_pandas()
    log = EventLog.from_pandas(frame)
    assert enabled_times(log).tolist() == [log.end[0], log.end[0], log.end[2]]

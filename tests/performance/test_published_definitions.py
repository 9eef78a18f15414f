"""Times as edeaR defines them and flow as jira-agile-metrics does, written again as loops over plain values.

Sources: the documentation of edeaR (throughput_time, processing_time, idle_time; bupar.net) and the glossary of
jira-agile-metrics (cycle time in days of completed items, cumulative flow, throughput, net flow).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkmine.calendars import Calendar
from mkmine.eventlog import EventLog
from mkmine.eventlog.summaries import case_table
from mkmine.performance.flow import flow

ALWAYS = Calendar.always()
HOURS = st.tuples(st.sampled_from("ABCD"), st.integers(0, 300), st.integers(0, 40))
CASES = st.lists(st.lists(HOURS, min_size=1, max_size=6), min_size=1, max_size=6)
Instance = tuple[str, int, int]


def rows(cases: list[list[Instance]]) -> list[tuple[str, str, float, float, str]]:
    return [
        (f"c{case}", name, start, start + length, "x")
        for case, instances in enumerate(cases)
        for name, start, length in instances
    ]


def idle(instances: list[Instance]) -> int:
    """Hours between the first start and the last end in which no activity instance is active."""
    first, last = min(start for _, start, _ in instances), max(start + length for _, start, length in instances)
    return sum(all(not start <= hour < start + length for _, start, length in instances) for hour in range(first, last))


@given(CASES)
def test_times_are_those_of_edear(make_log: Callable[..., EventLog], cases: list[list[Instance]]) -> None:
    table = case_table(make_log(rows(cases)), calendar=ALWAYS).set_index("case")
    for case, instances in enumerate(cases):
        row = table.loc[f"c{case}"]
        first = min(start for _, start, _ in instances)
        throughput = max(start + length for _, start, length in instances) - first
        assert row["cycle_wall_h"] == pytest.approx(throughput)
        assert row["processing_h"] == pytest.approx(sum(length for *_, length in instances))
        assert row["cycle_h"] - row["busy_h"] == pytest.approx(idle(instances))


@given(CASES)
def test_flow_is_that_of_jira_agile_metrics(make_log: Callable[..., EventLog], cases: list[list[Instance]]) -> None:
    found = flow(make_log(rows(cases)), calendar=ALWAYS)
    begun = [min(start for _, start, _ in one) for one in cases]
    ended = [max(start + length for _, start, length in one) for one in cases]
    cycle = {f"c{case}": (ended[case] - begun[case]) / 24 for case in range(len(cases))}
    assert dict(zip(found.cases["case"], found.cases["cycle_days"], strict=True)) == pytest.approx(cycle)
    # The table begins with the day of the first case.
    days = range(min(begun) // 24, min(begun) // 24 + len(found.daily))
    assert days.stop == max(ended) // 24 + 1
    arrivals = [sum(hour // 24 == day for hour in begun) for day in days]
    completions = [sum(hour // 24 == day for hour in ended) for day in days]
    assert found.daily["arrivals"].tolist() == arrivals
    assert found.daily["completions"].tolist() == completions
    assert found.daily["net"].tolist() == (np.array(arrivals) - completions).tolist()
    assert found.daily["wip"].tolist() == (np.cumsum(arrivals) - np.cumsum(completions)).tolist()
    assert found.stages["done"].tolist() == np.cumsum(completions).tolist()

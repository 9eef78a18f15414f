"""The chapters on flow and change of the improvement report."""

from __future__ import annotations

from pathlib import Path

import pytest

import mkmine as mk
from mkmine.report.blocks import Figure, Heading, Table

SAMPLE = Path(__file__).parents[2] / "data" / "article" / "tracker.csv"


@pytest.fixture(scope="module")
def document() -> mk.Report:
    log = mk.read(SAMPLE)
    found = mk.compare(*mk.periods(log, "2025-06-01"), names=("before <June>", "since June"))
    return mk.report(log, difference=found)


def test_flow_and_changes_are_chapters(document: mk.Report) -> None:
    anchors = [block.anchor for block in document.blocks if isinstance(block, Heading)]
    assert {"flow", "changes", "difference"} <= set(anchors)
    figures = {block.title for block in document.blocks if isinstance(block, Figure)}
    assert {"Throughput and work in progress", "Forecast of completions", "What differs beyond chance"} <= figures


def test_the_oldest_cases_come_first(document: mk.Report) -> None:
    table = next(block for block in document.blocks if isinstance(block, Table) and block.name == "ageing")
    ages = table.data["age_h"].to_list()
    assert ages == sorted(ages, reverse=True)
    assert table.omitted == len(ages) - 10


def test_names_of_periods_are_no_html(document: mk.Report) -> None:
    assert "before <June>" not in document.html()
    assert "before &lt;June&gt;" in document.html()


def test_a_short_log_has_no_forecast() -> None:
    log = mk.read(SAMPLE)
    short = mk.filters.keep_window(log, "2025-03-03", "2025-03-30", cases="started")
    figures = {block.title for block in mk.report(short).blocks if isinstance(block, Figure)}
    assert "Forecast of completions" not in figures
    assert "Throughput and work in progress" in figures

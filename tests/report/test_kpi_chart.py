"""The chart of key figures: what it shows, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

import mkmine as mk
from mkmine.errors import DataError, UnknownNameError
from mkmine.language import translator
from mkmine.report.kpi_chart import kpi_value, kpi_word

SAMPLE = Path(__file__).parents[2] / "data" / "article" / "tracker.csv"


@pytest.fixture(scope="module")
def log() -> mk.EventLog:
    return mk.read(SAMPLE)


def test_the_figure_with_a_target_is_drawn_by_default(log: mk.EventLog) -> None:
    found = mk.kpis(log, {"rework_share": "<= 50%"}, period="quarter")
    picture = mk.draw(found, language="ru")
    assert picture.title == "Экземпляры с доработками"
    assert ">цель<" in picture.svg
    assert ">весь журнал<" in picture.svg
    assert picture.data is not None
    assert len(picture.data) == len(found.segments)
    assert mk.draw(found, metric="cycle_mean_h").title == "Cycle time, mean"


def test_what_cannot_be_drawn_is_refused(log: mk.EventLog) -> None:
    with pytest.raises(DataError, match="by segment or period"):
        mk.draw(mk.kpis(log))
    with pytest.raises(UnknownNameError, match="cycle_mean"):
        mk.draw(mk.kpis(log, by="type"), metric="cycle_mean")


def test_values_are_written_as_what_they_are() -> None:
    t = translator("en")
    assert kpi_value("rework_share", 0.5, t) == "50%"
    assert kpi_value("cycle_mean_h", 40.0, t, day=8.0) == "5.0\u00a0working days"
    assert kpi_value("cac", 1500.4, t) == "1,500"
    assert kpi_word("Reach_per_month", t) == "Reach, per month"

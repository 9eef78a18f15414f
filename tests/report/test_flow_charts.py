"""The charts of flow and of the causes of waiting: they draw, say what they show, and stay safe."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from mkmine.errors import UnknownNameError
from mkmine.eventlog import EventLog
from mkmine.language import translator
from mkmine.performance import Causes, FlowMetrics, flow, waiting_causes
from mkmine.performance.causes import CAUSES
from mkmine.report import draw, palette
from mkmine.report.causes import COLORS, cause_words
from mkmine.report.flow_charts import METRICS
from mkmine.sources import read


@pytest.fixture(scope="module")
def sample() -> EventLog:
    return read(Path(__file__).resolve().parents[2] / "data" / "article" / "tracker.csv")


@pytest.fixture(scope="module")
def found(sample: EventLog) -> FlowMetrics:
    return flow(sample)


@pytest.fixture(scope="module")
def causes(sample: EventLog) -> Causes:
    return waiting_causes(sample, sensitivity=False)


@pytest.mark.parametrize("metric", METRICS)
def test_flow_is_drawn_in_both_languages(found: FlowMetrics, metric: str) -> None:
    english, russian = (draw(found, metric=metric, language=language) for language in ("en", "ru"))
    assert english.svg.startswith("<svg")
    assert english.title != russian.title
    assert russian.title in russian.svg


def test_an_unknown_metric_is_named(found: FlowMetrics) -> None:
    with pytest.raises(UnknownNameError, match="scatter"):
        draw(found, metric="scater")


def test_every_cause_has_a_colour_and_a_word(causes: Causes) -> None:
    assert set(COLORS) == set(CAUSES)
    for language in ("en", "ru"):
        words = cause_words(translator(language))
        assert len(set(words.values())) == len(CAUSES)
        drawn = draw(causes, language=language).svg
        assert all(word in drawn for word in words.values())
    assert "Финальное согласование" in draw(causes).svg


def test_points_of_one_age_lie_apart_the_same_in_every_drawing(found: FlowMetrics) -> None:
    first, again = (draw(found, metric="ageing", language="en") for _ in range(2))
    assert first.svg == again.svg
    assert "Age, working days (square-root scale)" in first.svg
    heap = replace(found, ageing=found.ageing.head(3).assign(activity=found.ageing["activity"].iloc[0], age_h=40.0))
    places = set(re.findall(r'translate\(([\d.]+,[\d.]+)\)"[^>]*fill="' + palette.BAD, draw(heap, metric="ageing").svg))
    assert len(places) == 3


def test_throughput_begins_with_the_first_whole_week(found: FlowMetrics) -> None:
    cut = found.weekly.assign(whole=[False, False] + [True] * (len(found.weekly) - 2))
    whole = draw(replace(found, weekly=cut.iloc[2:]), metric="throughput")
    assert draw(replace(found, weekly=cut), metric="throughput").svg == whole.svg

from __future__ import annotations

import re
from collections.abc import Callable
from xml.etree import ElementTree

import pandas as pd
import pytest

from mkmine.report import charts
from mkmine.report.picture import Picture
from mkmine.simulation import Experiment

HOSTILE = "<script>alert(1)</script>"


def rounds() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "activity": [HOSTILE, HOSTILE, "Б"],
            "round": [1, 2, 1],
            "reached": [100, 40, 90],
            "returned": [40, 10, 9],
            "probability": [0.4, 0.25, 0.1],
            "low": [0.31, 0.14, 0.05],
            "high": [0.5, 0.4, 0.18],
            "hours_per_round": [5.0, 6.0, 1.0],
        }
    )


@pytest.fixture(scope="module")
def pictures(study: Callable[..., Experiment]) -> dict[str, Picture]:
    answer = study()
    assert answer.validation is not None
    waits = pd.DataFrame({"activity": [HOSTILE, "Дизайн"], "waiting_total_h": [1234.5, 2.25]})
    return {
        "cycle": charts.cycle_times([8.0 * k for k in range(1, 200)], language="ru"),
        "waiting": charts.waiting(waits, language="ru"),
        "rework": charts.rework(rounds(), language="ru"),
        "differences": charts.differences(answer.answers, language="ru"),
        "backtest": charts.backtest(answer.validation.table, language="ru"),
    }


NAMES = ["cycle", "waiting", "rework", "differences", "backtest"]


@pytest.mark.parametrize("name", NAMES)
def test_a_chart_is_an_accessible_svg_that_needs_nothing(pictures: dict[str, Picture], name: str) -> None:
    svg = pictures[name].svg
    root = ElementTree.fromstring(svg)
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"] == pictures[name].title
    assert not re.search(r"https?://(?!www\.w3\.org)", svg)
    assert "<script" not in svg
    assert "style=" not in svg


def test_ids_do_not_clash(pictures: dict[str, Picture]) -> None:
    ids = [one for picture in pictures.values() for one in re.findall(r'\bid="([^"]+)"', picture.svg)]
    assert len(ids) == len(set(ids))
    for picture in pictures.values():
        known = set(re.findall(r'\bid="([^"]+)"', picture.svg))
        assert set(re.findall(r"url\(#([^)]+)\)", picture.svg)) <= known


def test_russian_numbers_and_words(pictures: dict[str, Picture]) -> None:
    assert "1\u202f234" in pictures["waiting"].svg
    assert "2,2" in pictures["waiting"].svg
    assert "медиана 100,0" in pictures["cycle"].svg
    assert "Вероятность" in pictures["rework"].svg
    assert "лучше" in pictures["differences"].svg
    assert "факт вне интервала" in pictures["backtest"].svg


def test_a_queue_without_end_is_not_drawn(pictures: dict[str, Picture]) -> None:
    assert "Ещё один дизайнер" in pictures["differences"].svg
    assert "Вдвое больше" not in pictures["differences"].svg


def test_names_alike_after_shortening_stay_apart() -> None:
    frame = pd.DataFrame({"activity": ["д" * 200 + "1", "д" * 200 + "2"], "waiting_total_h": [10.0, 20.0]})
    assert {"10", "20"} <= {text.text for text in ElementTree.fromstring(charts.waiting(frame).svg).iter() if text.text}


@pytest.mark.parametrize("hours", [[], [0.0], [5.0, float("nan"), float("inf")]])
def test_a_degenerate_distribution_is_drawn(hours: list[float]) -> None:
    assert charts.cycle_times(hours).svg.startswith("<svg")


def test_a_chart_is_drawn_the_same_whatever_was_drawn_before(pictures: dict[str, Picture]) -> None:
    waits = pd.DataFrame({"activity": [HOSTILE, "Дизайн"], "waiting_total_h": [1234.5, 2.25]})
    assert "clip" in pictures["waiting"].svg
    assert charts.waiting(waits, language="ru").svg == pictures["waiting"].svg

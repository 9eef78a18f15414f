"""The chapter on how far the model can be trusted, from a backtest as it comes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from mkmine.eventlog import EventLog
from mkmine.report import trust_charts
from mkmine.report.blocks import Bullets, Figure, Note, Table
from mkmine.report.improvement import report
from mkmine.simulation import SimulationModel, Validation, backtest, simulate

MODEL = {
    "name": "desk",
    "start": "2025-01-06",
    "office": "office",
    "calendars": {"office": {"weekly": {"Mon-Fri": "09:00-17:00"}}},
    "people": [{"name": name, "roles": ["Писарь"], "calendar": "office"} for name in ("Анна", "<b>Боб</b>")],
    "activities": {
        "Проверка": {
            "role": "Писарь",
            "duration": [{"kind": "gamma", "mean": 3, "cv": 0.8}],
            "next": [[{"to": "Проверка", "probability": 0.2, "rework": True}, {"to": None, "probability": 0.8}]],
        },
    },
    "begin": [{"to": "Проверка", "probability": 1}],
    "arrivals": {"weekly": [[0] * 9 + [0.4] * 8 + [0] * 7] * 5 + [[0] * 24] * 2},
}


@pytest.fixture(scope="module")
def desk() -> EventLog:
    return replace(simulate(SimulationModel.from_dict(MODEL), weeks=24, seed=4), name="Стол")


@pytest.fixture(scope="module")
def check(desk: EventLog) -> Validation:
    return backtest(desk, replications=5)


@pytest.mark.parametrize("language", ["en", "ru"])
def test_simulated_weeks_are_drawn_beside_real_ones(check: Validation, language: str) -> None:
    drawn = [
        trust_charts.cycle_times(check.profiles["cycle"], language=language),
        trust_charts.in_progress(check.profiles["in_progress"], language=language),
        trust_charts.arrivals(check.profiles["hours"], language=language),
        trust_charts.arrivals(check.profiles["hours"], what="events", language=language),
        trust_charts.workload(check.profiles["people"], language=language),
    ]
    named = ("real", "simulated") if language == "en" else ("факт", "модель")
    for picture in drawn:
        ElementTree.fromstring(picture.svg)
        assert all(f">{name}<" in picture.svg for name in named)
    assert len({picture.title for picture in drawn}) == 5
    assert "<b>" not in drawn[-1].svg


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_chapter_shows_figures_aspects_and_drawings(desk: EventLog, check: Validation, language: str) -> None:
    made = report(desk, validation=check, language=language)  # type: ignore[arg-type]
    tables = {block.name: block for block in made.blocks if isinstance(block, Table)}
    assert len(tables["aspects"].rows) == 8
    assert [cell for row in tables["backtest"].rows for cell in row if re.fullmatch(r"\d / 4", cell)]
    titles = [block.title for block in made.blocks if isinstance(block, Figure)]
    words = "simulated against real" if language == "en" else "модель и факт"
    assert sum(words in title for title in titles) == 4
    said = " ".join(item for block in made.blocks if isinstance(block, Bullets) for item in block.items)
    assert ("At 4 cuts" if language == "en" else "По 4 датам") in said


def test_what_the_model_fails_in_is_repeated_in_russian(
    desk: EventLog, check: Validation, study: Callable[..., object]
) -> None:
    failed = replace(check, grade="poor", reasons=("cycle_median_h",))
    answer = study(grade="poor", warnings=(failed.warning,))
    made = report(desk, experiment=answer, validation=failed, language="ru")  # type: ignore[arg-type]
    warnings = [block.text for block in made.blocks if isinstance(block, Note) and block.kind == "warning"]
    assert any("не предсказала отложенные недели" in text and "время цикла, медиана" in text for text in warnings)

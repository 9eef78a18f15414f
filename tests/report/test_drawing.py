"""Whatever a result has to show, `draw` draws it, in both languages, with its numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

import mkmine as mk
from mkmine.errors import DataError, UnknownNameError
from mkmine.eventlog import EventLog
from mkmine.report import draw
from mkmine.report.picture import Picture

SVG = "{http://www.w3.org/2000/svg}"
DATA = Path(__file__).resolve().parents[2] / "data" / "article"


@pytest.fixture(scope="module")
def log() -> EventLog:
    return mk.read(DATA / "tracker.csv")


@pytest.fixture(scope="module")
def halves(log: EventLog) -> tuple[EventLog, EventLog]:
    begun = log.start[log.offsets[:-1]]
    early = begun < np.median(begun)
    return (
        log.keep_cases(early, action="filter", detail="first half"),
        log.keep_cases(~early, action="filter", detail="second half"),
    )


CHARTS: list[tuple[str, Any, tuple[str, ...]]] = [
    ("flow", mk.flow, ("scatter", "histogram", "stages", "throughput", "ageing")),
    ("organisation", mk.organisation, ("departments", "hand_overs", "workload")),
    ("rework", mk.rework, ("yield", "rounds")),
    ("variants", mk.variants, ()),
    ("forecast", mk.forecast, ()),
    ("drift", mk.drift, ()),
]


def words(picture: Picture) -> str:
    return " ".join(element.text or "" for element in ElementTree.fromstring(picture.svg).iter(f"{SVG}text"))


@pytest.mark.parametrize(("name", "verb", "metrics"), CHARTS, ids=[one[0] for one in CHARTS])
def test_every_chart_is_drawn_in_both_languages_with_its_data(
    name: str, verb: Any, metrics: tuple[str, ...], log: EventLog, tmp_path: Path
) -> None:
    value = verb(log)
    for metric in metrics or (None,):
        english, russian = (draw(value, metric=metric, language=language) for language in ("en", "ru"))
        assert english.title != russian.title
        assert english.data is not None
        saved = pd.read_csv(english.save(tmp_path / f"{name}-{metric}.csv"))
        assert len(saved) == len(english.data)
    if metrics:
        with pytest.raises(UnknownNameError, match=metrics[0]):
            draw(value, metric=metrics[0] + "x")


def test_a_difference_is_coloured_only_where_it_is_supported(log: EventLog, halves: tuple[EventLog, EventLog]) -> None:
    same = mk.compare(*halves)
    assert not same.activities["supported"].any()
    assert "#1d5fb4" not in draw(same).svg.split("translate(20.0")[0]
    begun = log.start[log.offsets[:-1]]
    kept = (begun >= np.median(begun))[log.case_of]
    bare = log.keep_instances(kept & (log.activity != log.activities.index("Бриф")), action="filter", detail="no brief")
    picture = draw(mk.compare(halves[0], bare, names=("with", "without")))
    assert "0%" in words(picture)
    assert "#c2571a" in picture.svg
    assert "less: without" in words(picture)
    with pytest.raises(UnknownNameError, match="metric of a difference"):
        draw(same, metric="cost")
    assert draw(same, metric="time", language="ru").title == "Чем отличаются: время"


def test_both_sides_of_a_change_are_drawn_side_by_side() -> None:
    rows = []
    for case in range(400):
        begin = pd.Timestamp("2024-01-01") + pd.Timedelta(hours=12 * case)
        steps = ["brief", "text", "done"] if case < 200 else ["text", "check", "done"]
        rows += [(f"c{case}", step, begin + pd.Timedelta(hours=n)) for n, step in enumerate(steps)]
    log = EventLog.from_pandas(pd.DataFrame(rows, columns=["case", "activity", "end"]))
    found = mk.drift(log)
    assert len(found.changes)
    before, after = found.maps(0)
    picture = draw((before, after), names=("before", "after"))
    assert {"before", "after", "brief", "check"} <= set(words(picture).split())
    assert "→" in words(draw(found))
    with pytest.raises(DataError, match="no change point 99"):
        found.maps(99)


def test_a_model_is_drawn(log: EventLog) -> None:
    assert draw(mk.discover_model(log)).svg.count('class="mk-activity"') == 9

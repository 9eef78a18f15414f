"""Charts of who works when and of what goes with a group."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import mkmine as mk

SAMPLE = Path(__file__).parents[2] / "data" / "article" / "tracker.csv"


@pytest.fixture(scope="module")
def log() -> mk.EventLog:
    return mk.read(SAMPLE)


def test_everybody_has_a_week(log: mk.EventLog) -> None:
    found = mk.availability(log)
    picture = mk.draw(found, language="ru")
    assert picture.title == "Кто когда работает"
    for person in found.people.nlargest(24, "instances")["person"]:
        assert f">{person}<" in picture.svg
    assert picture.data is not None
    assert len(picture.data) == len(found.weekly)


def test_what_goes_with_a_group_is_named(log: mk.EventLog) -> None:
    hours = log.end[log.offsets[1:] - 1] - log.start[log.offsets[:-1]]
    found = mk.contrast(log, np.asarray(hours > np.quantile(hours, 0.8)))
    assert len(found.supported)
    picture = mk.draw(found)
    first = found.table.iloc[0]
    assert f">{first['value']}<" in picture.svg
    assert picture.title == "What goes with the group"

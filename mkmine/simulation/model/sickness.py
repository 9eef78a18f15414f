"""Sickness: absences that chance chooses, drawn when a replication is prepared, so that both engines see calendars."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from mkmine.calendars import DAY
from mkmine.simulation.model.arrivals import midnight
from mkmine.simulation.model.model import SimulationModel
from mkmine.simulation.model.parts import Sickness
from mkmine.streams import Streams

__all__ = ["with_sickness"]

_YEAR = 365.25
# So long after the last arrival somebody may still fall ill; whoever works on later is well.
_AFTER_DAYS = 730


def with_sickness(model: SimulationModel, streams: Streams, last: int) -> SimulationModel:
    """Return the model with the days of sickness that a replication draws among its people's absences.

    `last` (µs) is the last arrival. Each person has a stream of their own, so a scenario changes nobody else's days.
    Of a model without sickness, itself.
    """
    if model.sickness is None and all(person.sickness is None for person in model.people):
        return model
    days = (last - midnight(model.start, model.time_zone)) // DAY + _AFTER_DAYS
    people = []
    for person in model.people:
        own = person.sickness or model.sickness
        spells = [] if own is None else _spells(own, model.start, int(days), streams, person.name)
        people.append(person.model_copy(update={"absences": [*person.absences, *spells], "sickness": None}))
    return model.model_copy(update={"people": people, "sickness": None})


def _spells(sickness: Sickness, start: date, days: int, streams: Streams, name: str) -> list[tuple[date, date]]:
    """Return first and last days: presence lasts exponentially long, then a spell as long as is drawn."""
    expected = sickness.per_year * days / _YEAR
    if expected == 0:
        return []
    most = int(expected + 10 * np.sqrt(expected) + 20)
    present = -np.log(streams.uniform("well", name, size=most)) * _YEAR / sickness.per_year
    edges = np.cumsum(list(sickness.days.values()))[:-1]
    ill = np.array(list(sickness.days))[np.searchsorted(edges, streams.uniform("ill", name, size=most), side="right")]
    before = np.cumsum(present) + np.concatenate(([0], np.cumsum(ill)[:-1]))
    return [
        (start + timedelta(days=int(first)), start + timedelta(days=int(first) + int(length) - 1))
        for first, length in zip(before, ill, strict=True)
        if first < days
    ]

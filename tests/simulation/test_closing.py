"""Work that is only begun if it can be done before the person's hours are over."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mkmine.calendars import HOUR, Calendar
from mkmine.errors import DataError
from mkmine.eventlog import EventLog
from mkmine.simulation import SimulationModel, simulate

from .conftest import OFFICE


def office(durations: dict[str, Any], arrivals: list[str], people: int = 1, **more: Any) -> SimulationModel:
    """Cases of two types, each with one activity of its own; `Long` must not run over closing."""
    return SimulationModel.from_dict(
        {
            "name": "closing",
            "start": "2025-01-06",
            "office": "office",
            "calendars": {"office": {"weekly": OFFICE}},
            "people": [{"name": f"P{n}", "roles": ["All"], "calendar": "office"} for n in range(people)],
            "activities": {
                name: {"role": "All", "duration": [spread], "at_closing": "wait" if name == "Long" else "pause", **more,
                       "next": [[{"to": None, "probability": 1}]]}
                for name, spread in durations.items()
            },
            "begin": [{"to": name, "probability": 1 / len(durations)} for name in durations],
            "arrivals": {"weekly": [[0] * 24] * 7, "times": arrivals},
        }
    )  # fmt: skip


def hours(value: float) -> dict[str, Any]:
    return {"kind": "fixed", "hours": value}


def clock(log: EventLog) -> list[tuple[str, str]]:
    """When each instance begins and ends, by the clock, in order of beginning."""
    order = np.argsort(log.start, kind="stable")
    pairs = (log.start[order].astype("datetime64[us]"), log.end[order].astype("datetime64[us]"))
    return [(str(begin)[5:16], str(end)[11:16]) for begin, end in zip(*pairs, strict=True)]


@pytest.mark.parametrize("engine", ["simpy", "kernel"])
def test_what_does_not_fit_waits_for_the_next_opening(engine: Any) -> None:
    model = office({"Long": hours(3)}, ["2025-01-06T11:00", "2025-01-06T11:30"])
    # Not from 11 to 15 with lunch in between, and not from 17 to 18 and the next morning.
    assert clock(simulate(model, engine=engine)) == [("01-06T14:00", "17:00"), ("01-07T09:00", "12:00")]


@pytest.mark.parametrize("engine", ["simpy", "kernel"])
def test_what_fits_goes_first_and_who_stays_longer_takes_the_rest(engine: Any) -> None:
    model = office({"Long": hours(3), "Short": hours(0.5)}, ["2025-01-06T11:00"] * 8)
    log = simulate(model, engine=engine, seed=3)
    long = log.activity == log.activities.index("Long")
    assert 0 < long.sum() < 8
    begun = np.sort(log.start[~long]) - log.start.min()
    assert (begun[:4] == np.arange(4) * HOUR // 2)[: len(begun)].all()
    values = model.to_dict()
    values["calendars"]["late"] = {"weekly": {"Mon-Fri": "09:00-20:00"}}
    values["people"].append({"name": "Late", "roles": ["All"], "calendar": "late"})
    log = simulate(SimulationModel.from_dict(values), engine=engine, seed=3)
    assert log.resources[log.resource[np.flatnonzero(log.activity == 0)[0]]] == "Late"


@pytest.mark.parametrize("queue", ["fifo", "lifo"])
def test_nothing_runs_over_closing_and_nobody_idles_needlessly(queue: str) -> None:
    times = [f"2025-01-{day:02d}T{hour:02d}:{minute:02d}" for day in range(6, 25) for hour in (9, 11, 15)
             for minute in (0, 20, 40)]  # fmt: skip
    spread = {"kind": "triangular", "low": 0.2, "mode": 1, "high": 3.9}
    model = office({"Long": spread, "Short": hours(1)}, times, people=4).model_copy(update={"queue": queue})
    plain, twin = simulate(model, engine="simpy"), simulate(model, engine="kernel")
    assert plain.content_hash == twin.content_hash
    calendar = Calendar.from_dict({"weekly": OFFICE})
    long = plain.activity == plain.activities.index("Long")
    assert (calendar.add(plain.start, np.zeros_like(plain.start)) == plain.start).all()
    worked = calendar.working_time(plain.start, plain.end)
    assert (worked == plain.end - plain.start)[long].all()
    assert (worked < plain.end - plain.start)[~long].any()


@pytest.mark.parametrize("engine", ["simpy", "kernel"])
def test_what_is_longer_than_any_opening_is_laid_down(engine: Any) -> None:
    spread = {"kind": "empirical", "quantiles": [1, 1, 6]}
    model = office({"Long": spread}, ["2025-01-06T09:00"] * 200, people=200)
    log = simulate(model, engine=engine)
    longer = log.end - log.start > 4 * HOUR
    assert 0 < longer.sum() < 100
    assert (log.start[longer] == log.start.min()).all()


def test_what_never_fits_is_refused() -> None:
    for spread in (hours(4.5), {"kind": "lognormal", "mean": 9, "cv": 0.5}):
        with pytest.raises(DataError, match=r"activities: Long: round 1 usually takes .* more than 4 h at a stretch"):
            office({"Long": spread}, ["2025-01-06T09:00"])
    values = office({"Long": hours(3)}, ["2025-01-06T09:00"]).to_dict()
    values["people"][0]["availability"] = 0.5
    with pytest.raises(DataError, match=r"more than 2 h at a stretch"):
        SimulationModel.from_dict(values)
    values["people"][0]["calendar"] = "always"
    values["calendars"]["always"] = {"weekly": {"Mon-Sun": "00:00-24:00"}}
    assert SimulationModel.from_dict(values).activities["Long"].at_closing == "wait"

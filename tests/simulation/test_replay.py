"""Queues are told from delays by replaying a log, and what it leaves open is kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mkmine.errors import DataError
from mkmine.simulation import Scenario, SimulationModel, experiment, simulate
from mkmine.simulation.calibration.replay import plausible, read_as, traits
from mkmine.simulation.model.queueing import as_read

from .conftest import exponential, single_queue

RATE, SERVICE = 0.4, 2.0


def queueing() -> SimulationModel:
    """One person with a load of 0.8: work waits 8 hours on average, in a queue."""
    return single_queue(rate=RATE, servers=1, service=exponential(SERVICE))


def delayed() -> SimulationModel:
    """As much waiting, all of it outside: there are people enough."""
    values = single_queue(rate=RATE, servers=1, service=exponential(SERVICE)).to_dict()
    values["people"][0]["capacity"] = 50
    values["activities"]["Serve"] |= {"delay": exponential(8.0), "calendar": "always"}
    return SimulationModel.from_dict(values)


MODELS = {1.0: queueing(), 0.0: delayed()}


@pytest.mark.parametrize("alpha", [1.0, 0.0])
def test_the_reading_that_made_the_log_is_chosen(alpha: float) -> None:
    found = read_as({key: started(model) for key, model in MODELS.items()}, simulate(started(MODELS[alpha]), weeks=12))
    assert found.queueing is not None
    assert found.queueing.alpha == alpha
    assert found.queueing.others == []
    assert found.activities == started(MODELS[alpha]).activities


def started(model: SimulationModel) -> SimulationModel:
    """Return the model with a moment of its own at which cases are created."""
    values = model.to_dict()
    values["activities"]["Create"] = {
        "duration": [{"kind": "fixed", "hours": 0}],
        "next": [[{"to": "Serve", "probability": 1}]],
    }
    values["begin"] = [{"to": "Create", "probability": 1}]
    return SimulationModel.from_dict(values)


def test_a_log_without_queues_leaves_the_question_open() -> None:
    """Hardly anybody ever waits: both readings replay it, and both are kept."""
    quiet = {}
    for alpha, model in MODELS.items():
        values = started(model).to_dict()
        values["arrivals"]["weekly"] = [[0.02] * 24] * 7
        if alpha == 0:
            values["activities"]["Serve"]["delay"] = exponential(0.001)
        quiet[alpha] = SimulationModel.from_dict(values)
    found = read_as(quiet, simulate(quiet[1.0], weeks=30, seed=5))
    assert found.queueing is not None
    assert {found.queueing.alpha, *(one.alpha for one in found.queueing.others)} == {0.0, 1.0}
    for alpha, model in quiet.items():
        read = as_read(found, alpha).activities["Serve"]
        hours = 0.0 if read.delay is None else read.delay.mean_h
        mine = model.activities["Serve"].delay
        assert hours == (0.0 if mine is None else mine.mean_h)


def test_traits_tell_queues_from_delays() -> None:
    hours = queueing().calendar("always")
    seen = {}
    for alpha, model in MODELS.items():
        log = simulate(started(model), weeks=20, seed=2)
        seen[alpha] = traits(log, log, hours)
    assert len(seen[1.0]) == len(seen[0.0]) == 21
    assert (seen[1.0][19:] > 0.6).all()
    assert (np.abs(seen[0.0][19:]) < 0.25).all()


def test_what_replays_do_not_tell_apart_is_plausible() -> None:
    generator = np.random.default_rng(1)

    def runs(shift: float) -> np.ndarray:
        return generator.normal(10, 1, (8, 23)) + shift

    near = {1.0: runs(0), 0.5: runs(0.05), 0.0: runs(6)}
    found = plausible(generator.normal(10, 1, 23), near)
    assert set(found) == {1.0, 0.5}
    assert plausible(generator.normal(16, 1, 23), near) == [0.0]


def test_a_rough_model_excludes_less() -> None:
    """Of readings that are all far from the log, one that is a little farther is not excluded."""
    generator = np.random.default_rng(2)
    replayed = {1.0: generator.normal(0, 1, (8, 23)), 0.0: generator.normal(0.5, 1, (8, 23))}
    assert set(plausible(np.full(23, -40.0), replayed)) == {0.0, 1.0}


def open_model() -> SimulationModel:
    values: dict[str, Any] = queueing().to_dict()
    values["queueing"] = {
        "alpha": 1.0,
        "others": [{"alpha": 0.0, "delays": {"Serve": {"delay": exponential(8.0), "calendar": "always"}}}],
    }
    return SimulationModel.from_dict(values)


def test_an_answer_shows_its_range_over_the_readings() -> None:
    model = open_model()
    more = Scenario("one more").staff("Server", +1)
    found = experiment(model, [more], replications=6, weeks=8, warm_up_weeks=4, draws=6).answer(more.name)
    certain = experiment(model, [more], replications=6, weeks=8, warm_up_weeks=4, draws=0).answer(more.name)
    assert np.isnan(certain["least"])
    assert found["least"] <= found["difference"] <= found["most"]
    assert found["low"] <= found["least"]
    assert found["high"] >= found["most"]


def test_a_reading_twice_is_refused() -> None:
    values = open_model().to_dict()
    values["queueing"]["others"].append({"alpha": 1.0, "delays": {}})
    with pytest.raises(DataError, match="an alpha is there twice"):
        SimulationModel.from_dict(values)


def test_a_scenario_about_a_delay_can_be_asked_in_every_reading() -> None:
    values = delayed().to_dict()
    values["queueing"] = {"alpha": 0.0, "others": [{"alpha": 1.0, "delays": {"Serve": {}}}]}
    model = SimulationModel.from_dict(values)
    shorter = Scenario("shorter wait").delay("Serve", factor=0.5)
    assert shorter.apply(as_read(model, 1.0)).activities["Serve"].delay is not None

from __future__ import annotations

from typing import Any

import numpy as np

from mkmine.simulation import SimulationModel, simulate
from mkmine.simulation.engine.offers import offered_times
from mkmine.streams import Streams


def waits(values: dict[str, Any], **options: Any) -> tuple[Any, Any]:
    model = SimulationModel.from_dict(values)
    log = simulate(model, weeks=12, seed=5, replication=2, **options)
    return log, offered_times(log, model, Streams(5, replication=2))


def test_with_people_enough_work_begins_when_it_is_offered(values: dict[str, Any]) -> None:
    """So the delays that are drawn again are those of the run, to the microsecond."""
    values["calendars"]["office"] = values["calendars"]["approver"] = {"weekly": {"Mon-Sun": "00:00-24:00"}}
    values["people"] = [one | {"capacity": 1000, "absences": []} for one in values["people"]]
    values["activities"]["Text"] |= {"delay": {"kind": "lognormal", "mean": 5, "cv": 1}, "same_person": False}
    log, offered = waits(values)
    delayed = offered > log.enabled
    assert delayed.sum() > 100
    assert np.array_equal(offered, log.start)


def test_variants_have_delays_of_their_own(values: dict[str, Any]) -> None:
    values["calendars"]["office"] = values["calendars"]["approver"] = {"weekly": {"Mon-Sun": "00:00-24:00"}}
    values["people"] = [one | {"capacity": 1000, "absences": []} for one in values["people"]]
    values["attributes"] = {"size": {"S": 0.5, "L": 0.5}, "client": {"A": 0.5, "B": 0.5}}
    values["activities"]["Approval"]["variants"] = [
        {"when": {"size": "L", "client": "A"}, "delay": {"kind": "fixed", "hours": 30}},
        {"when": {"size": "L"}, "delay": {"kind": "fixed", "hours": 50}},
    ]
    log, offered = waits(values)
    assert np.array_equal(offered, log.start)


def test_work_is_offered_between_enabling_and_beginning(values: dict[str, Any]) -> None:
    log, offered = waits(values)
    assert ((log.enabled <= offered) & (offered <= log.start)).all()
    approvals = log.activity == log.activities.index("Approval")
    assert (offered > log.enabled)[approvals].mean() > 0.9
    assert (offered == log.enabled)[~approvals].all()

"""Ways round in which everything may be skipped: cases come out of them by chance, or the model is refused."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

from mkmine.errors import DataError
from mkmine.simulation import SimulationModel, simulate
from mkmine.simulation.experiments.uncertainty import drawn
from mkmine.simulation.model.soundness import expected_visits

ENGINES = ("simpy", "kernel")


def going_round(back: float, *, skipped: float = 0.6, **more: Any) -> SimulationModel:
    """After A, B and C go on side by side if they are not skipped, and all that again with a chance of `back`."""

    def way(name: str) -> dict[str, Any]:
        ways = [{"to": name, "probability": 1 - skipped}, {"to": "join", "probability": skipped}]
        return {"kind": "xor", "next": [ways]}

    again = [{"to": "fork", "probability": back, "rework": True}, {"to": None, "probability": 1 - back}]
    return SimulationModel.from_dict(
        {
            "name": "round",
            "start": "2025-01-06",
            "office": "office",
            "calendars": {"office": {"weekly": {"Mon-Fri": "09:00-18:00"}}},
            "people": [{"name": f"P{n}", "roles": ["R"], "calendar": "office"} for n in range(2)],
            "activities": {
                name: {"role": "R", "duration": 0.1, "next": to}
                for name, to in (("A", "fork"), ("B", "join"), ("C", "join"))
            },
            "gateways": {
                "fork": {"kind": "and", "to": ["B?", "C?"]},
                "B?": way("B"),
                "C?": way("C"),
                "join": {"kind": "join", "of": "fork", "to": "again"},
                "again": {"kind": "xor", "next": [again], "observed": [4.0]},
            },
            "begin": "A",
            "arrivals": {"weekly": {"Mon-Fri": {"09:00-18:00": 0.3}}},
            **more,
        }
    )


@pytest.mark.parametrize("back", [0.5, 0.99])
def test_cases_go_round_as_often_as_chance_says_in_both_engines(back: float) -> None:
    model = going_round(back)
    one, other = (simulate(model, cases=300, seed=2, engine=engine) for engine in ENGINES)  # type: ignore[arg-type]
    for column in ("activity", "resource", "enabled", "start", "end"):
        assert np.array_equal(getattr(one, column), getattr(other, column))
    assert len(one) / one.n_cases == pytest.approx(1 + 2 * 0.4 / (1 - back), rel=0.2)
    assert expected_visits(model)["join"] == pytest.approx(1 / (1 - back))


def test_a_case_that_goes_round_too_often_is_told_by_both_engines() -> None:
    limit = sys.getrecursionlimit()
    for engine in ENGINES:
        with pytest.raises(DataError, match='a case executes "B\\?" more than 1,000 times; lower the probability'):
            simulate(going_round(0.998, skipped=0.999), cases=300, seed=2, engine=engine)  # type: ignore[arg-type]
    assert sys.getrecursionlimit() == limit


def test_no_way_out_and_hardly_any_are_refused() -> None:
    with pytest.raises(DataError, match="no route leads from here to an end"):
        going_round(1.0)
    with pytest.raises(DataError, match="a case would come here 10,000 times on average"):
        going_round(0.9999)


def test_more_coming_back_than_has_left_is_refused() -> None:
    values = going_round(0.5).to_dict()
    values["gateways"]["fork"] = {"kind": "or", "ways": [{"to": one, "probability": 0.9} for one in ("B?", "C?")]}
    values["gateways"]["join"] = {"kind": "merge", "to": "again"}
    values["gateways"]["again"]["next"][0][0]["probability"] = 0.6
    values["gateways"]["again"]["next"][0][1]["probability"] = 0.4
    with pytest.raises(DataError, match=r"branches multiply without end|a case would come here again and again"):
        SimulationModel.from_dict(values)


def test_draws_do_not_go_round_for_ever() -> None:
    model = going_round(0.9)
    often = [expected_visits(drawn(model, number, of=40))["again"] for number in range(40)]
    assert min(often) < 5 < 20 < max(often) <= 50 + 1e-9


def test_a_case_in_which_nothing_is_done_leaves_no_trace() -> None:
    """Everything may be skipped, but hardly ever is: that is no mistake of the model."""
    model = going_round(0.5, skipped=0.005, begin="fork")
    logs = [simulate(model, cases=4_000, seed=2, engine=engine) for engine in ENGINES]  # type: ignore[arg-type]
    assert logs[0].start.tolist() == logs[1].start.tolist()
    for log in logs:
        assert 3_980 < log.n_cases <= 4_000
        assert np.diff(log.offsets).min() > 0
        assert len(log.case_attributes) == log.n_cases
    with pytest.raises(DataError, match="a case can end here before its first activity"):
        going_round(0.5, begin="fork")

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from mkmine.simulation.calibration.estimators.attributes import Coded
from mkmine.simulation.calibration.estimators.telling import Chosen, Numbers, Outcomes, choose_attributes

Floats = NDArray[np.float64]
N = 400


def drawn(name: str, seed: int, size: int = 3) -> Coded:
    code = np.random.default_rng(seed).integers(0, size, N)
    return Coded(name=name, values=tuple(f"{name}{n}" for n in range(size)), code=code)


def chosen(coded: list[Coded], hours: Floats) -> dict[int, Chosen]:
    """What is chosen if each case does two activities for these hours (the second one whatever the case is)."""
    case, activity = np.tile(np.arange(N), 2), np.repeat([0, 1], N)
    both = np.concatenate([hours, np.random.default_rng(9).lognormal(0, 0.5, N)])
    numbers = Numbers.of(both, activity, activity, case, np.ones(2 * N), least=1e-3)
    return choose_attributes(coded, {"hours": [numbers]}, 2)["hours"]


def test_the_attribute_that_tells_is_found_where_it_does() -> None:
    kind, noise = drawn("kind", 1), drawn("noise", 2)
    hours = np.exp(0.5 * kind.code + np.random.default_rng(3).normal(0, 0.6, N))
    found = chosen([noise, kind], hours)
    assert list(found) == [0]
    assert found[0].attributes == (kind,)
    assert found[0].when(2) == {"kind": "kind2"}


def test_a_second_attribute_enters_if_it_adds_to_the_first() -> None:
    kind, channel = drawn("kind", 1), drawn("channel", 2, 2)
    rest = np.random.default_rng(3).normal(0, 0.6, N)
    found = chosen([channel, kind, drawn("noise", 5)], np.exp(0.8 * kind.code + 0.6 * channel.code + rest))[0]
    assert [one.name for one in found.attributes] == ["kind", "channel"]
    assert found.size == 6
    assert found.when(int(found.cells[0])) == {
        "kind": kind.values[kind.code[0]], "channel": channel.values[channel.code[0]]
    }  # fmt: skip
    copy = Coded(name="copy", values=kind.values, code=kind.code)
    alone = chosen([kind, copy], np.exp(0.8 * kind.code + rest))[0]
    assert len(alone.attributes) == 1, "what says the same again adds nothing"


def test_nothing_is_chosen_where_nothing_tells() -> None:
    wrong = 0
    for seed in range(60):
        hours = np.random.default_rng(1_000 + seed).lognormal(0, 1, N)
        wrong += bool(chosen([drawn(f"a{n}", 50 * seed + n, 2 + n) for n in range(8)], hours))
    assert wrong <= 2


def test_hardly_any_variation_is_no_evidence() -> None:
    hours = np.ones(N)
    hours[7] = 50.0
    assert chosen([drawn("kind", 1)], hours) == {}


@pytest.mark.parametrize("context", [False, True])
def test_routes_are_told_apart_beyond_what_came_before(context: bool) -> None:
    """`before` foretells the outcome; `kind` does so too, and is either its cause or only goes with it."""
    rng = np.random.default_rng(4)
    kind = drawn("kind", 1, 2)
    before = np.where(rng.random(N) < 0.9, kind.code, 1 - kind.code)
    cause = kind.code if context else before
    outcome = (rng.random(N) < np.where(cause == 1, 0.8, 0.2)).astype(np.int64)
    zeros, case, ones = np.zeros(N, dtype=np.int64), np.arange(N), np.ones(N)
    share = np.array([outcome[before == one].mean() for one in (0, 1)])[before]
    p = np.where(outcome == 1, share, 1 - share)
    plain = np.where(outcome == 1, outcome.mean(), 1 - outcome.mean())
    forms = [Outcomes.of(outcome, zeros, zeros, case, ones, plain), Outcomes.of(outcome, before, zeros, case, ones, p)]
    found = choose_attributes([kind], {"routes": forms}, 1)["routes"]
    assert bool(found) == context


def test_no_rows_are_no_evidence() -> None:
    none = np.zeros(0, dtype=np.int64)
    assert Numbers.of(np.zeros(0), none, none, none, np.zeros(0), least=1.0) is None
    assert choose_attributes([drawn("kind", 1)], {"hours": [None], "routes": []}, 3) == {"hours": {}, "routes": {}}


def test_of_many_attributes_those_are_looked_at_that_foretell() -> None:
    kind = drawn("kind", 1)
    hours = np.exp(0.6 * kind.code + np.random.default_rng(3).normal(0, 0.6, N))
    noise = [drawn(f"a{n:03}", 100 + n) for n in range(150)]
    assert chosen([*noise, kind], hours)[0].attributes == (kind,)
    assert chosen(noise, hours) == {}

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mkmine.eventlog import EventLog
from mkmine.simulation.calibration.estimators.routing import beginning, estimate_routing
from mkmine.simulation.calibration.estimators.steps import find_steps
from mkmine.simulation.model.parts import Route

Make = Callable[..., EventLog]


def routes(found: list[Route]) -> dict[str | None, float]:
    return {route.to: route.probability for route in found}


def traces(make_log: Make, cases: list[str], **changes: object) -> EventLog:
    """Return a log of cases such as "ABC", one activity an hour."""
    return make_log(
        [(str(n), a, 100 * n + k, 100 * n + k + 0.5, "x") for n, case in enumerate(cases) for k, a in enumerate(case)]
    )


def test_the_activity_before_decides(make_log: Make) -> None:
    log = traces(make_log, ["ACX"] * 80 + ["BCY"] * 80)
    (_, _, c, *_), chosen = estimate_routing(log, find_steps(log), np.ones(160))
    assert chosen.order == 1
    by = {tuple(one.before): routes(one.next) for one in c.contexts}
    assert by["A",]["X"] > 0.98
    assert by["B",]["Y"] > 0.98
    assert routes(c.next[0])["X"] == pytest.approx(0.5, abs=0.01)
    assert c.observed == [160.0]


def test_what_does_not_matter_is_not_written_down(make_log: Make) -> None:
    rng = np.random.default_rng(1)
    log = traces(
        make_log, [f"{a}C{b}" for a, b in zip(rng.choice(list("AB"), 400), rng.choice(list("XY"), 400), strict=True)]
    )
    found, chosen = estimate_routing(log, find_steps(log), np.ones(400))
    assert chosen.order == 0
    assert not any(one.contexts for one in found)


def test_rounds_have_routes_of_their_own_and_ways_back_are_rework(make_log: Make) -> None:
    rng = np.random.default_rng(2)
    cases = ["T" + "AT" * int(rng.random() < 0.5) + "A" + "E" for _ in range(400)]
    log = traces(make_log, cases)
    found, _ = estimate_routing(log, find_steps(log), np.ones(400))
    approval = found[log.activities.index("A")]
    back = [sum(route.probability for route in chosen if route.rework) for chosen in approval.next]
    assert back[0] == pytest.approx(np.mean(["AT" in case for case in cases]), abs=0.05)
    assert back[-1] < 0.02


def test_a_route_that_overlaps_is_told_from_one_that_waits(make_log: Make) -> None:
    rows = []
    for n in range(200):
        early = n % 4 == 0
        rows += [(str(n), "A", 50 * n, 50 * n + 5, "x"), (str(n), "B", 50 * n + (1 if early else 6), 50 * n + 8, "y")]
    log = make_log(rows)
    found, _ = estimate_routing(log, find_steps(log), np.ones(200))
    by = {route.overlap: route.probability for route in found[0].next[0]}
    assert by == {True: pytest.approx(0.25), False: pytest.approx(0.75)}


def test_weights_count_cases(make_log: Make) -> None:
    log = traces(make_log, ["AX"] * 50 + ["BY"] * 50)
    weights = np.repeat([3.0, 1.0], 50)
    assert routes(beginning(log, weights)) == {"A": 0.75, "B": 0.25}


def test_of_cases_that_begin_with_an_activity_the_routes_are_told_apart(make_log: Make) -> None:
    log = traces(make_log, ["CX"] * 60 + ["ACY"] * 60)
    found, _ = estimate_routing(log, find_steps(log), np.ones(120))
    c = found[log.activities.index("C")]
    assert routes(c.next[0])["X"] > 0.9, "what holds if no context fits"
    assert {tuple(one.before): one.next[0].to for one in c.contexts} == {("A",): "Y"}

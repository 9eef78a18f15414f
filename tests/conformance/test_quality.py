from __future__ import annotations

import random
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mkmine as mk
from mkmine.conformance import Aligner, Alignment, Query, SearchingAligner, compile_net, model_quality
from mkmine.conformance.behaviour import Behaviour
from mkmine.conformance.precision import precision_of
from mkmine.conformance.replay import replay
from mkmine.discovery.inductive import mine_tree
from mkmine.discovery.trees import Tree, to_model
from mkmine.errors import DataError
from mkmine.eventlog import EventLog
from mkmine.eventlog.summaries import case_paths, variant_index
from tests.conformance.blocks import Block, blocks, distort, play
from tests.conformance.blocks import to_model as draw_model

A, B, C, D = (Tree("activity", name) for name in "ABCD")


def cases(*paths: str) -> list[tuple[object, ...]]:
    return [(str(n), name, place, place + 1) for n, path in enumerate(paths) for place, name in enumerate(path)]


def test_precision_is_what_was_seen_of_what_is_allowed(make_log: Callable[..., EventLog]) -> None:
    """Of A, then one of B, C, D: at the beginning 1 of 1, after A 2 of 3."""
    log = make_log(cases(*["AB"] * 8, *["AC"] * 4))
    model = to_model(Tree("sequence", parts=(A, Tree("choice", parts=(B, C, D)))))
    found = model_quality(log, model)
    assert found.fitness == 1.0
    assert found.precision == pytest.approx((12 * 1 + 12 * 2) / (12 * 1 + 12 * 3))
    assert np.isnan(found.held_out)
    assert found.to_dict()["held_out"] is None


def test_a_flower_allows_everything(make_log: Callable[..., EventLog]) -> None:
    log = make_log(cases(*["ABC"] * 12))
    flower = to_model(Tree("loop", parts=(Tree("silent"), Tree("choice", parts=(A, B, C)))))
    straight = to_model(Tree("sequence", parts=(A, B, C)))
    # Before each of the three steps, and after the last, three are allowed; one, one, one and none came.
    assert model_quality(log, flower).precision == pytest.approx(3 / 12)
    assert model_quality(log, straight).precision == 1.0
    assert model_quality(log, straight).simplicity > model_quality(log, flower).simplicity


def test_a_model_that_learned_cases_by_heart_fails_on_others(make_log: Callable[..., EventLog]) -> None:
    rng = np.random.default_rng(0)
    orders = ["".join(rng.permutation(list("ABCDE"))) for _ in range(40)]
    chance = model_quality(make_log(cases(*orders)), noise=0.0)
    same = model_quality(make_log(cases(*["ABCDE"] * 40)), noise=0.0)
    assert same.held_out == 1.0
    assert chance.held_out <= 1.0
    assert chance.precision < same.precision
    assert chance.held_out_low <= chance.held_out <= chance.held_out_high


def test_few_cases_tell_nothing(make_log: Callable[..., EventLog]) -> None:
    with pytest.raises(DataError, match="at least 10"):
        model_quality(make_log(cases(*["AB"] * 9)))


@pytest.mark.shared
def test_fitness_and_precision_are_those_of_pm4py_on_a_log_that_fits(shared_logs: Path) -> None:
    log = mk.read(shared_logs / "calibration" / "LoanApp" / "LoanApp.csv.gz")
    index = variant_index(log)
    tree = mine_tree(dict(zip(case_paths(log, index.representative), index.counts.tolist(), strict=True)))
    found = model_quality(log, to_model(tree))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pm4py
        from pm4py.objects.process_tree.obj import Operator, ProcessTree

        signs = {"sequence": "->", "choice": "X", "parallel": "+", "loop": "*"}

        def converted(one: Tree, parent: Any = None) -> Any:
            operator = Operator(signs[one.operator]) if one.parts else None
            made = ProcessTree(operator=operator, label=one.name or None, parent=parent)
            made.children = [converted(part, made) for part in one.parts]
            return made

        net = pm4py.convert_to_petri_net(converted(tree))
        frame = log.to_pandas()
        times = pd.date_range("2025-01-01", periods=len(frame), freq="min", tz="UTC").as_unit("ns")
        events = pd.DataFrame({"time:timestamp": times})
        for name, column in (("case:concept:name", "case"), ("concept:name", "activity")):
            events[name] = pd.Series(list(map(str, frame[column])), dtype=object)
        assert found.precision == pytest.approx(pm4py.precision_token_based_replay(events, *net))
    assert found.fitness == 1.0


def test_generalisation_and_replay_are_worked_out_by_hand(make_log: Callable[..., EventLog]) -> None:
    """A 12 times, B 8, C 4, D never."""
    log = make_log(cases(*["AB"] * 8, *["AC"] * 4))
    model = to_model(Tree("sequence", parts=(A, Tree("choice", parts=(B, C, D)))))
    found = model_quality(log, model)
    assert found.generalisation == pytest.approx(1 - (12**-0.5 + 8**-0.5 + 4**-0.5 + 1) / 4)
    assert found.replay_fitness == 1.0
    assert (found.fitness_low, found.fitness_high, found.unknown_cases) == (1.0, 1.0, 0)


def test_what_is_not_aligned_in_time_is_in_the_bounds(make_log: Callable[..., EventLog]) -> None:
    log = make_log(cases(*["AB"] * 8, *["AC"] * 4))
    model = to_model(Tree("sequence", parts=(A, Tree("choice", parts=(B, C, D)))))
    found = model_quality(log, model, budget_seconds=1e-9)
    assert found.unknown_cases == 12
    assert np.isnan(found.fitness)
    assert (found.fitness_low, found.fitness_high) == (0.0, 1.0)
    assert found.precision_low <= found.precision_high
    assert "12 cases not aligned in time" in repr(found)
    with pytest.raises(DataError, match="above zero"):
        model_quality(log, model, budget_seconds=0)


@pytest.mark.parametrize(
    ("runs", "tokens"),
    [
        (["ABC"], (4, 4, 0, 0)),
        # B is missing: C lacks its token, and that before B is left over.
        (["AC"], (3, 3, 1, 1)),
        (["ABBC"], (5, 5, 1, 1)),
    ],
)
def test_tokens_of_a_sequence_are_those_of_pm4py(runs: list[str], tokens: tuple[int, ...]) -> None:
    """Our places are the flows: before A, between A and B, B and C, and after C."""
    model = to_model(Tree("sequence", parts=(A, B, C)))
    found = replay(model, [["ABC".index(name) for name in run] for run in runs], [1] * len(runs))
    # The start and end events consume and produce a token each, which the net of the peer does not have.
    assert (found.produced - 2, found.consumed - 2, found.missing, found.remaining) == tokens
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pm4py.algo.conformance.tokenreplay import algorithm
        from pm4py.convert import convert_to_petri_net
        from pm4py.objects.log.obj import Event, Trace
        from pm4py.objects.log.obj import EventLog as PeerLog
        from pm4py.objects.process_tree.utils.generic import parse

        net = convert_to_petri_net(parse("->('A','B','C')"))
        peer = PeerLog([Trace([Event({"concept:name": name}) for name in run]) for run in runs])
        (one,) = algorithm.apply(peer, *net)
    names = ("produced_tokens", "consumed_tokens", "missing_tokens", "remaining_tokens")
    assert tuple(one[name] for name in names) == tokens


@given(blocks(("sequence", "exclusive", "parallel", "inclusive", "loop")), st.randoms(use_true_random=False))
def test_a_case_is_replayed_whole_if_and_only_if_it_fits(block: Block, chance: random.Random) -> None:
    process = draw_model(block)
    labels = {name: code for code, name in enumerate(process.activities)}
    runs = [play(block, chance) for _ in range(4)]
    distorted = (distort(run, chance) for run in runs)
    cases = [tuple(labels[name] for name in run if name in labels) for run in (*runs, *distorted)]
    for case, one in zip(cases, Aligner(compile_net(process)).align([Query(case) for case in cases]), strict=True):
        assert isinstance(one, Alignment)
        assert (replay(process, [case], [1]).fitness == 1.0) is (one.cost == 0)


def test_a_choice_that_a_later_event_decides_is_replayed() -> None:
    """Whether B is left out, or a loop goes on, is seen only events later, after those of the other branch."""
    loop = Tree("loop", parts=(Tree("sequence", parts=(A, Tree("choice", parts=(B, Tree("silent"))))), Tree("silent")))
    process = to_model(Tree("parallel", parts=(loop, Tree("loop", parts=(C, Tree("silent"))))))
    codes = {name: code for code, name in enumerate(process.activities)}
    runs = ["ACA", "ABCAAC", "CCAAB"]
    found = replay(process, [[codes[name] for name in run] for run in runs], [1] * 3)
    assert (found.missing, found.remaining) == (0, 0)


@given(blocks(), st.randoms(use_true_random=False))
def test_precision_is_the_same_with_and_without_a_list_of_states(block: Block, chance: random.Random) -> None:
    process = draw_model(block)
    labels = {name: code for code, name in enumerate(process.activities)}
    queries = [Query(tuple(labels[name] for name in play(block, chance))) for _ in range(8)]
    tables, search = Aligner(compile_net(process)), SearchingAligner(process)
    found = [one for one in tables.align(queries) if isinstance(one, Alignment)]
    values = [precision_of(Behaviour(process, one), len(labels), found, [1] * 8) for one in (tables, search)]
    assert values[0] == values[1]
    value, low, high = values[0]
    assert low == value == high
    few = precision_of(Behaviour(process, tables), len(labels), found, [1] * 8, most=3)
    assert few.low <= value <= few.high


def test_a_target_is_judged_by_its_model(make_log: Callable[..., EventLog]) -> None:
    log, target = make_log(cases(*["ab"] * 10)), mk.Target(model=mk.discover_model(make_log(cases(*["ab"] * 10))))
    assert model_quality(log, target).fitness == model_quality(log, target.model).fitness == 1
    with pytest.raises(DataError, match="give a process model"):
        model_quality(log, "to_be.bpmn")  # type: ignore[arg-type]

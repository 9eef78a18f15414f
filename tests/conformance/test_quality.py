from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import mkmine as mk
from mkmine.conformance import model_quality
from mkmine.discovery.inductive import mine_tree
from mkmine.discovery.trees import Tree, to_model
from mkmine.errors import DataError
from mkmine.eventlog import EventLog
from mkmine.eventlog.summaries import case_paths, variant_index

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

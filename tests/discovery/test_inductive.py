from __future__ import annotations

import random
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import mkmine as mk
from mkmine.conformance import check
from mkmine.discovery import discover_model
from mkmine.discovery.inductive import mine_tree
from mkmine.discovery.trees import SILENT, Tree, to_model
from mkmine.errors import DataError
from mkmine.eventlog import EventLog
from mkmine.eventlog.summaries import case_paths, variant_index
from mkmine.targets import Target, parse_bpmn, to_bpmn

OPERATORS = {"->": "sequence", "X": "choice", "+": "parallel", "*": "loop"}
DATA = Path(__file__).resolve().parents[2] / "data" / "article"
Traces = dict[tuple[str, ...], int]


def oracle(traces: Traces, noise: float = 0.0) -> Tree:
    """The tree that pm4py mines."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pm4py.algo.discovery.inductive.dtypes.im_ds import IMDataStructureUVCL
        from pm4py.algo.discovery.inductive.variants.im import IMUVCL
        from pm4py.algo.discovery.inductive.variants.imf import IMFUVCL, IMFParameters

        options = {IMFParameters.NOISE_THRESHOLD: noise, "multiprocessing": False}
        miner = IMFUVCL(options) if noise else IMUVCL(options)
        return converted(miner.apply(IMDataStructureUVCL(Counter(traces)), options))


def converted(tree: Any) -> Tree:
    if tree.operator is None:
        return Tree("activity", tree.label) if tree.label else SILENT
    return Tree(OPERATORS[tree.operator.value], parts=tuple(map(converted, tree.children)))  # type: ignore[arg-type]


def canonical(tree: Tree) -> str:
    """One text for all trees that differ only in the order of parts that have none."""
    parts = [canonical(part) for part in tree.parts]
    if tree.operator in ("choice", "parallel"):
        parts.sort()
    return f"{tree.operator}:{tree.name}({','.join(parts)})"


def grown(draw: random.Random, names: list[str]) -> Tree:
    if len(names) == 1:
        return Tree("activity", names[0])
    operator = draw.choice(["sequence", "sequence", "choice", "parallel", "loop"])
    number = 2 if operator == "loop" else draw.randint(2, min(4, len(names)))
    cuts = sorted(draw.sample(range(1, len(names)), number - 1))
    parts = [grown(draw, names[a:b]) for a, b in zip([0, *cuts], [*cuts, len(names)], strict=True)]
    if operator == "choice" and draw.random() < 0.3:
        parts.append(SILENT)
    return Tree(operator, parts=tuple(parts))  # type: ignore[arg-type]


def played(draw: random.Random, tree: Tree) -> list[str]:
    if tree.operator in ("activity", "silent"):
        return [tree.name] if tree.name else []
    if tree.operator == "choice":
        return played(draw, draw.choice(tree.parts))
    if tree.operator == "sequence":
        return [name for part in tree.parts for name in played(draw, part)]
    if tree.operator == "loop":
        out = played(draw, tree.parts[0])
        while draw.random() < 0.35:
            out += played(draw, tree.parts[1]) + played(draw, tree.parts[0])
        return out
    branches, out = [played(draw, part) for part in tree.parts], []
    while any(branches):
        out.append(draw.choice([one for one in branches if one]).pop(0))
    return out


def made(seed: int) -> Traces:
    """Cases of a random tree; every third log has three cases of mere noise."""
    draw = random.Random(seed)
    names = [chr(65 + one) for one in range(draw.randint(2, 10))]
    tree = grown(draw, names)
    traces = Counter(tuple(played(draw, tree)) for _ in range(draw.choice([15, 60, 300])))
    if seed % 3 == 0:
        traces.update(tuple(draw.choice(names) for _ in range(draw.randint(1, 8))) for _ in range(3))
    return dict(traces)


@pytest.mark.parametrize("first", range(0, 120, 20))
def test_the_tree_is_that_of_pm4py(first: int) -> None:
    for seed in range(first, first + 20):
        traces = made(seed)
        if set(traces) != {()}:
            assert canonical(mine_tree(traces)) == canonical(oracle(traces).folded()), seed


@pytest.mark.shared
@pytest.mark.parametrize(
    "name", ["calibration/P2P/P2P.csv.gz", "trackers/helpdesk.xes.gz", "calibration/ACR/ACR.csv.gz"]
)
def test_the_tree_of_a_public_log_is_that_of_pm4py(name: str, shared_logs: Path) -> None:
    log = mk.read(shared_logs / name)
    index = variant_index(log)
    traces = dict(zip(case_paths(log, index.representative), index.counts.tolist(), strict=True))
    assert canonical(mine_tree(traces)) == canonical(oracle(traces).folded())


def of(traces: Traces) -> EventLog:
    rows = []
    for number, (trace, count) in enumerate(traces.items()):
        for copy in range(min(count, 5)):
            begin = pd.Timestamp("2025-01-06")
            rows += [(f"{number}-{copy}", name, begin + pd.Timedelta(hours=n)) for n, name in enumerate(trace)]
    return EventLog.from_pandas(pd.DataFrame(rows, columns=["case", "activity", "end"]))


@pytest.mark.parametrize("seed", [1, 2, 4, 7, 8, 9, 12, 15])
def test_without_noise_every_case_fits_the_drawn_model(seed: int) -> None:
    traces = {trace: count for trace, count in made(seed).items() if trace}
    log = of(traces)
    assert check(log, Target(model=discover_model(log, noise=0))).fitness == 1.0


def test_the_model_is_written_as_bpmn_and_read_again() -> None:
    model = discover_model(mk.read(DATA / "tracker.csv"), noise=0.2)
    again = parse_bpmn(to_bpmn(model))
    assert set(again.activities) == set(model.activities)
    assert len(again.flows) == len(model.flows)


def test_blocks_are_drawn_with_one_way_in_and_out() -> None:
    tree = Tree("loop", parts=(Tree("activity", "A"), SILENT))
    assert to_model(tree).tasks[0].repeats
    skipped = to_model(Tree("choice", parts=(Tree("activity", "A"), SILENT)))
    assert sum(node.kind == "exclusive" for node in skipped.nodes) == 2
    assert len(skipped.flows) == 5


def test_rare_successions_are_left_out_of_sight() -> None:
    log = mk.read(DATA / "tracker.csv")
    index = variant_index(log)
    traces = dict(zip(case_paths(log, index.representative), index.counts.tolist(), strict=True))
    assert canonical(mine_tree(traces, noise=0.2)) == canonical(oracle(traces, noise=0.2).folded())
    assert canonical(mine_tree(traces)) != canonical(mine_tree(traces, noise=0.2))


def test_nothing_completed_and_no_share_are_refused(make_log: Callable[..., EventLog]) -> None:
    log = make_log([("1", "A", 0, 1)], completed=pd.Series([False], index=["1"]))
    with pytest.raises(DataError, match="none of 1 cases is completed"):
        discover_model(log)
    with pytest.raises(DataError, match="noise=2"):
        discover_model(log, noise=2)

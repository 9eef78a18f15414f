from __future__ import annotations

import heapq
import random
import time
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mkmine.conformance import Aligner, Alignment, Net, Query, Unfinished, compile_net
from mkmine.targets import read_bpmn
from tests.conformance.blocks import Block, blocks, distort, play, to_model, to_tree
from tests.conformance.models import model

ALL_KINDS = ("sequence", "exclusive", "parallel", "inclusive", "loop")


def codes(net: Net, run: list[str] | str) -> tuple[int, ...]:
    return tuple(net.labels.index(name) if name in net.labels else -1 for name in run)


def align(flows: str, run: str, *, is_open: bool = False) -> Alignment:
    net = compile_net(model(flows))
    (alignment,) = Aligner(net).align([Query(codes(net, run), is_open)])
    assert isinstance(alignment, Alignment)
    return alignment


def text(alignment: Alignment, labels: str) -> str:
    signs = {"both": "=", "log": "+", "model": "-"}
    return " ".join(signs[m.kind] + (labels[m.label] if m.label >= 0 else "?") for m in alignment.moves)


@pytest.mark.parametrize(
    ("run", "is_open", "cost", "moves"),
    [
        ("ABC", False, 0, "=A =B =C"),
        ("AC", False, 1, "=A -B =C"),
        ("ABBC", False, 1, "=A =B +B =C"),
        ("AZBC", False, 1, "=A +? =B =C"),
        ("", False, 3, "-A -B -C"),
        ("", True, 0, ""),
        ("A", True, 0, "=A"),
        ("A", False, 2, "=A -B -C"),
        ("B", True, 1, "-A =B"),
        ("ZZ", False, 5, "+? +? -A -B -C"),
    ],
)
def test_moves_in_a_sequence(run: str, is_open: bool, cost: int, moves: str) -> None:
    alignment = align("s>A A>B B>C C>e", run, is_open=is_open)
    assert alignment.cost == cost
    assert text(alignment, "ABC") == moves
    assert alignment.worst == len(run) + (0 if is_open else 3)


def test_a_repetition_is_the_deviation_not_the_first_execution() -> None:
    assert text(align("s>A A>B B>e", "AAB"), "AB") == "=A +A =B"


def test_a_loop_without_its_way_back() -> None:
    assert text(align("s>x1 x1>A A>x2 x2>e x2>B B>x1", "AA"), "AB") == "=A -B =A"


def reference(net: Net, query: Query) -> int:
    """Dijkstra's algorithm on the synchronous product, move by move."""
    edges: dict[int, list[tuple[int, int]]] = {}
    for s, label, t in zip(net.source.tolist(), net.label.tolist(), net.target.tolist(), strict=True):
        edges.setdefault(s, []).append((label, t))
    heap, done = [(0, 0, 0)], set()
    while heap:
        cost, k, state = heapq.heappop(heap)
        if (k, state) in done:
            continue
        done.add((k, state))
        if k == len(query.events) and (query.open or net.final[state]):
            return cost
        if k < len(query.events):
            heapq.heappush(heap, (cost + 1, k + 1, state))
        for label, target in edges.get(state, []):
            heapq.heappush(heap, (cost + 1, k, target))
            if k < len(query.events) and query.events[k] == label:
                heapq.heappush(heap, (cost, k + 1, target))
    raise AssertionError("no alignment")


def replay(net: Net, query: Query, alignment: Alignment) -> None:
    """Moves cost what is said, spell the events in order, and are a run of the model."""
    assert sum(move.kind != "both" for move in alignment.moves) == alignment.cost
    assert tuple(move.label for move in alignment.moves if move.kind != "model") == query.events
    assert [m.position for m in alignment.moves if m.kind != "model"] == list(range(len(query.events)))
    states = {0}
    for move in alignment.moves:
        if move.kind != "log":
            chosen = net.label == move.label
            pairs = zip(net.source[chosen].tolist(), net.target[chosen].tolist(), strict=True)
            states = {t for s, t in pairs if s in states}
    assert states
    assert query.open or any(net.final[s] for s in states)


@given(blocks(ALL_KINDS), st.randoms(use_true_random=False))
def test_it_is_optimal_and_its_moves_are_a_run(block: Block, chance: random.Random) -> None:
    net = compile_net(to_model(block))
    queries = [Query(codes(net, distort(play(block, chance), chance)), open=chance.random() < 0.4) for _ in range(8)]
    for query, alignment in zip(queries, Aligner(net).align(queries), strict=True):
        assert isinstance(alignment, Alignment)
        assert alignment.cost == reference(net, query)
        replay(net, query, alignment)
        assert 0.0 <= alignment.fitness <= 1.0


@given(blocks(ALL_KINDS), st.randoms(use_true_random=False))
def test_what_the_model_does_costs_nothing(block: Block, chance: random.Random) -> None:
    net = compile_net(to_model(block))
    run = codes(net, play(block, chance))
    whole, part = Aligner(net).align([Query(run), Query(run[: len(run) // 2], open=True)])
    assert isinstance(whole, Alignment)
    assert isinstance(part, Alignment)
    assert whole.cost == part.cost == 0
    assert whole.fitness == part.fitness == 1.0


@given(blocks(), st.randoms(use_true_random=False))
def test_company_changes_nothing(block: Block, chance: random.Random) -> None:
    net = compile_net(to_model(block))
    queries = [Query(codes(net, distort(play(block, chance), chance))) for _ in range(6)]
    aligner = Aligner(net)
    assert aligner.align(queries) == [aligner.align([query])[0] for query in queries]


def test_small_batches_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    net = compile_net(model("s>x1 x1>A A>x2 x2>e x2>B B>x1"))
    queries = [Query(codes(net, run)) for run in ("ABA", "AAB", "", "BB", "ABABA", "AAAA")]
    expected = Aligner(net).align(queries)
    monkeypatch.setattr("mkmine.conformance.alignment.CELLS", 10)
    assert Aligner(net).align(queries) == expected


def test_a_very_long_case() -> None:
    net = compile_net(model("s>x1 x1>A A>x2 x2>e x2>B B>x1"))
    (alignment,) = Aligner(net).align([Query(codes(net, "AB" * 6_000 + "AA"))])
    assert isinstance(alignment, Alignment)
    assert alignment.cost == 1


@pytest.mark.parametrize("length", [10, 9_000])
def test_a_dead_end_is_no_end_however_long_the_case(length: int) -> None:
    net = compile_net(model("s>x1 x1>A A>x4 x4>e x1>B B>x2 x2>C C>x3 x3>x2 x3>p1 x4>p1 p1>e2"))
    (alignment,) = Aligner(net).align([Query(codes(net, "B" + "C" * length))])
    assert isinstance(alignment, Alignment)
    assert alignment.cost == length + 2
    replay(net, Query(codes(net, "B" + "C" * length)), alignment)


def test_what_is_not_finished_in_time_is_unknown() -> None:
    net = compile_net(model("s>A A>B B>e"))
    late = Aligner(net).align([Query((0, 1)), Query((-1,)), Query((-1,), open=True)], deadline=time.monotonic() - 1)
    assert late == [
        Unfinished(low=0, high=4, worst=4),
        Unfinished(low=1, high=3, worst=3),
        Unfinished(low=1, high=1, worst=1),
    ]
    assert Aligner(net).align([]) == []


# -- the compiled twin ---------------------------------------------------------------------------------------------


@given(blocks(ALL_KINDS), st.randoms(use_true_random=False), st.sampled_from([1, 64]))
def test_the_compiled_twin_gives_the_same(block: Block, chance: random.Random, sorted_from: int) -> None:
    pytest.importorskip("numba")
    net = compile_net(to_model(block))
    runs = [distort(distort(play(block, chance), chance), chance) for _ in range(8)]
    queries = [Query((*codes(net, run), *([-1] * (chance.random() < 0.1))), chance.random() < 0.4) for run in runs]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mkmine.conformance.alignment.WORTH_SORTING", sorted_from)
        patch.setattr("mkmine.conformance.alignment.EVENTS", 20)
        found, tables = {}, {}
        for form in ("numpy", "numba"):
            patch.setenv("MKMINE_KERNELS", form)
            aligner = Aligner(net)
            tables[form], found[form] = aligner.tables, aligner.align(queries, workers=2)
    assert found["numpy"] == found["numba"]
    for name in ("distance", "source", "moves", "first", "counts"):
        assert (getattr(tables["numpy"], name) == getattr(tables["numba"], name)).all(), name


def test_the_compiled_twin_on_long_cases_and_many_states(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba")
    branches = " ".join(f"p1>{a} {a}>{b} {b}>p2" for a, b in ("AB", "CD", "EF", "GH"))
    loop = compile_net(model("s>x1 x1>A A>x2 x2>e x2>B B>x1"))
    wide = compile_net(model(f"s>p1 {branches} p2>e"))
    chance = random.Random(4)
    shuffled = ["".join(chance.sample("ABCDEFGH", chance.randint(0, 8))) for _ in range(100)]
    for net, runs in ((loop, ["AB" * 40_000 + "AA", "", "B"]), (wide, [*shuffled, "Z" * 50 + "HGFEDCBA"])):
        queries = [Query(codes(net, run), is_open) for run in runs for is_open in (False, True)]
        found = []
        for form in ("numpy", "numba"):
            monkeypatch.setenv("MKMINE_KERNELS", form)
            found.append(Aligner(net).align(queries))
        assert found[0] == found[1]


def test_an_interruption_ends_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba")
    monkeypatch.setenv("MKMINE_KERNELS", "numba")
    monkeypatch.setattr("mkmine.conformance.alignment.EVENTS", 2)
    aligner = Aligner(compile_net(model("s>A A>B B>e")))
    monkeypatch.setattr(aligner, "_make", interrupt)
    with pytest.raises(KeyboardInterrupt):
        aligner.align([Query((0, 1))] * 1_000, workers=2)


def interrupt(_: object) -> None:
    raise KeyboardInterrupt


# -- the oracle ----------------------------------------------------------------------------------------------------


def pm4py_costs(net: Any, initial: Any, final: Any, runs: list[list[str]]) -> list[tuple[int, float]]:
    from pm4py.algo.conformance.alignments.petri_net import algorithm
    from pm4py.objects.log.obj import Event, EventLog, Trace

    log = EventLog([Trace([Event({"concept:name": name}) for name in run]) for run in runs])
    with warnings.catch_warnings():
        # It takes a warning of its solver, which this suite turns into an error, for an unsound net.
        warnings.simplefilter("ignore")
        found = algorithm.apply(log, net, initial, final)
    return [(one["cost"] // 10_000, one["fitness"]) for one in found]


@settings(max_examples=40)
@given(blocks(ALL_KINDS), st.randoms(use_true_random=False))
def test_pm4py_finds_the_same_costs(block: Block, chance: random.Random) -> None:
    pytest.importorskip("pm4py")
    from pm4py.convert import convert_to_petri_net
    from pm4py.objects.process_tree.obj import Operator, ProcessTree

    runs = [run for run in (distort(play(block, chance), chance) for _ in range(4)) if run]
    net = compile_net(to_model(block))
    ours = Aligner(net).align([Query(codes(net, run)) for run in runs])
    theirs = pm4py_costs(*convert_to_petri_net(to_tree(block, ProcessTree, Operator)), runs)
    for mine, (cost, fitness) in zip(ours, theirs, strict=True):
        assert isinstance(mine, Alignment)
        assert mine.cost == cost
        assert mine.fitness == pytest.approx(fitness)


@pytest.mark.parametrize("noise", [0.0, 0.2, 0.5])
def test_pm4py_finds_the_same_costs_on_a_public_log(shared_logs: Path, tmp_path: Path, noise: float) -> None:
    pm4py = pytest.importorskip("pm4py")
    from pm4py.convert import convert_to_bpmn, convert_to_petri_net
    from pm4py.objects.log.obj import Event, EventLog, Trace

    frame = pd.read_csv(shared_logs / "calibration" / "P2P" / "P2P.csv.gz")
    frame["start"] = pd.to_datetime(frame["start_time"], utc=True, format="mixed")
    frame = frame.sort_values(["case_id", "start"], kind="stable")
    variants = frame.groupby("case_id")["activity"].apply(tuple).value_counts()
    runs = [list(run) for run in variants.index]
    log = EventLog([Trace([Event({"concept:name": name}) for name in run]) for run in runs])
    tree = pm4py.discover_process_tree_inductive(log, noise_threshold=noise)
    pm4py.write_bpmn(convert_to_bpmn(tree), str(tmp_path / "p2p.bpmn"), auto_layout=False)
    net = compile_net(read_bpmn(tmp_path / "p2p.bpmn"))
    sample = runs[:: max(1, len(runs) // 25)]
    ours = Aligner(net).align([Query(codes(net, run)) for run in sample])
    theirs = pm4py_costs(*convert_to_petri_net(tree), sample)
    assert [one.cost for one in ours if isinstance(one, Alignment)] == [cost for cost, _ in theirs]

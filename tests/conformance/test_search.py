from __future__ import annotations

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mkmine as mk
from mkmine.conformance import Aligner, Alignment, Query, SearchingAligner, Unfinished, aligner_of, compile_net
from mkmine.conformance.causes import is_structured
from mkmine.conformance.components import find_components
from mkmine.conformance.markings import Rules
from mkmine.errors import DataError
from mkmine.targets import ProcessModel, Target
from tests.conformance.blocks import Block, blocks, distort, named, play, shuffle, to_model
from tests.conformance.models import log, model
from tests.conformance.test_alignment import replay

ALL_KINDS = ("sequence", "exclusive", "parallel", "inclusive", "loop")
TASK, SKIP = Block("task"), Block("skip")


def compare(process: ProcessModel, queries: list[Query]) -> None:
    """The search finds what the tables find, and its moves are a run of the model."""
    net = compile_net(process)
    tables, search = Aligner(net).align(queries), SearchingAligner(process).align(queries)
    for query, expected, found in zip(queries, tables, search, strict=True):
        assert isinstance(expected, Alignment)
        assert isinstance(found, Alignment)
        assert (found.cost, found.worst) == (expected.cost, expected.worst)
        replay(net, query, found)


def distorted(process: ProcessModel, block: Block, chance: random.Random, n: int) -> list[Query]:
    labels = {name: code for code, name in enumerate(process.activities)}
    runs = [distort(distort(play(block, chance), chance), chance) for _ in range(n)]
    return [Query(tuple(labels.get(name, -1) for name in run), open=chance.random() < 0.3) for run in runs]


@given(blocks(ALL_KINDS), st.randoms(use_true_random=False))
def test_it_costs_what_the_tables_say(block: Block, chance: random.Random) -> None:
    process = to_model(block)
    compare(process, distorted(process, block, chance, 6))


@settings(max_examples=200)
@given(blocks(), st.randoms(use_true_random=False))
def test_models_of_blocks_are_searched_with_fewer_moves_at_the_same_cost(block: Block, chance: random.Random) -> None:
    process = to_model(block)
    assert is_structured(process)
    compare(process, distorted(process, block, chance, 6))


@pytest.mark.parametrize(
    "flows",
    [
        # Ways out of the blocks, ends that end everything, several starts, joins of what was never split.
        "s>p1 p1>A p1>x1 x1>B x1>t1 A>e B>e",
        "s>o1 o1>A o1>B A>o2 B>x1 x1>C x1>o2 C>e2 o2>D D>e",
        "s1>A s2>B A>x1 B>x1 x1>p1 p1>C p1>D C>p2 p2>E p2>p3 D>p3 p3>F E>p4 F>p4 p4>e",
        "s>p1 p1>A p1>B A>p2 A>C C>p3 B>p3 p3>p2 p2>e",
        "s>A A>B A>C B>e1 C>e2",
    ],
)
def test_models_that_are_not_made_of_blocks(flows: str) -> None:
    process = model(flows)
    assert not is_structured(process)
    chance = random.Random(3)
    net = compile_net(process)
    queries = [
        Query(
            tuple(chance.randrange(-1, len(net.labels)) for _ in range(chance.randrange(6))), open=chance.random() < 0.3
        )
        for _ in range(60)
    ]
    compare(process, queries)


def wide(branches: int) -> Block:
    """Branches of two in parallel, then so many that may be skipped, then a loop: 3^n + 3^n states and more."""
    block = Block(
        "sequence",
        (
            TASK,
            Block("parallel", (Block("sequence", (TASK, TASK)),) * branches),
            TASK,
            Block("parallel", (Block("exclusive", (TASK, SKIP)),) * branches),
            Block("loop", (Block("sequence", (TASK, TASK)), TASK)),
        ),
    )
    return named(block, [f"T{i}" for i in range(4 * branches + 9)])


def test_a_model_with_more_states_than_can_be_listed() -> None:
    block = wide(20)
    process = to_model(block)
    aligner, chance = aligner_of(process), random.Random(5)
    assert isinstance(aligner, SearchingAligner)
    labels = {name: code for code, name in enumerate(aligner.labels)}
    fitting = [Query(tuple(labels[name] for name in play(block, chance))) for _ in range(10)]
    assert [one.cost for one in aligner.align(fitting) if isinstance(one, Alignment)] == [0] * 10
    twice = [Query((query.events[0], -1, *query.events[1:], query.events[-1])) for query in fitting]
    assert [one.cost for one in aligner.align(twice) if isinstance(one, Alignment)] == [2] * 10
    begun = [Query(query.events[:15], open=True) for query in fitting]
    assert all(isinstance(one, Alignment) and one.cost == 0 for one in aligner.align(begun))
    # A step of the first part after the second: it is out of order, and the model wants it before.
    late = [Query((*(e for e in query.events if e != 2), 2)) for query in fitting]
    assert [one.cost for one in aligner.align(late) if isinstance(one, Alignment)] == [2] * 10


def test_many_branches_and_a_very_long_case() -> None:
    block = named(Block("parallel", (TASK,) * 200), [f"T{i}" for i in range(200)])
    aligner = aligner_of(to_model(block))
    order = list(range(200))
    random.Random(1).shuffle(order)
    begin = time.process_time()
    fitting, long = aligner.align([Query(tuple(order)), Query(tuple(order * 50))])
    assert isinstance(fitting, Alignment)
    assert isinstance(long, Alignment)
    assert (fitting.cost, long.cost) == (0, 9_800)
    assert time.process_time() - begin < 20


def test_what_is_not_finished_has_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    block = wide(3)
    process = to_model(block)
    queries = distorted(process, block, random.Random(2), 40)
    expected = Aligner(compile_net(process)).align(queries)
    monkeypatch.setattr("mkmine.conformance.search.ROUNDS", (12, 14, 16))
    found = SearchingAligner(process).align(queries)
    unfinished = [one for one in found if isinstance(one, Unfinished)]
    assert len(unfinished) > 0
    for one, truth in zip(found, expected, strict=True):
        assert isinstance(truth, Alignment)
        if isinstance(one, Unfinished):
            assert one.low <= truth.cost <= one.high <= one.worst
            assert one.fitness_low <= one.fitness_high
        else:
            assert one.cost == truth.cost
    assert any(one.low > 0 for one in unfinished)
    late = SearchingAligner(process).align(queries, deadline=time.monotonic() - 1)
    assert all(isinstance(one, Unfinished) for one in late)


def test_components_of_independent_branches_say_the_cost() -> None:
    """Two branches of three: what is out of order in a branch is seen without a search."""
    block = named(Block("parallel", (Block("sequence", (TASK, TASK, TASK)),) * 2), list("ABCDEF"))
    parts = find_components(to_model(block))
    assert [sorted(part.labels) for part in parts] == [[0, 1, 2], [3, 4, 5]]
    first, second = parts
    begin = Rules(to_model(block)).first
    assert first.costs((1, 0, 2), is_open=False)[0][first.state(begin)] == 2
    assert second.costs((3, 4), is_open=False)[0][second.state(begin)] == 1
    assert second.costs((3, 4), is_open=True)[0][second.state(begin)] == 0


def test_a_join_of_choices_never_finishes_however_large_the_model() -> None:
    arms = " ".join(f"p1>T{i} T{i}>p2" for i in range(14))
    stuck = aligner_of(model(f"s>p1 {arms} p2>x1 x1>A x1>B A>p3 B>p3 p3>e"))
    with pytest.raises(DataError, match="can never finish"):
        stuck.align([Query((0,))])


def test_a_check_of_a_large_model_knows_fitness_or_its_bounds() -> None:
    arms = " ".join(f"p1>T{i} T{i}>p2" for i in range(14))
    process = model(f"s>p1 {arms} p2>e")
    names = {chr(ord("a") + i): f"T{i}" for i in range(14)}
    chance = random.Random(1)
    cases = ["".join(shuffle([[letter] for letter in names], chance)) for _ in range(20)]
    result = mk.check(log([*cases, "abc"], names=names), Target(model=process))
    assert (result.fitting_cases, result.unknown_cases) == (20, 0)
    assert result.fitness == pytest.approx((20 + 1 - 11 / 17) / 21)
    hasty = mk.check(log([*cases, "abc"], names=names), Target(model=process), budget_seconds=1e-9)
    assert hasty.unknown_cases == 21
    assert hasty.fitness_low <= result.fitness <= hasty.fitness_high
    assert hasty.variants["cost"].isna().all()
    assert (hasty.variants["cost_low"] <= hasty.variants["cost_high"]).all()


def test_any_number_of_workers_finds_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mkmine.conformance.search.ALONE_S", 0.0)
    chance = random.Random(5)
    names = [f"{letter}{number}" for letter in "ABCDEFGH" for number in (1, 2)]
    branches = " ".join(
        f"p1>{one} {one}>{other} {other}>p2" for one, other in zip(names[::2], names[1::2], strict=True)
    )
    process = model(f"s>p1 {branches} p2>e")
    aligner = SearchingAligner(process)
    labels = range(len(aligner.labels))
    queries = [Query(tuple(chance.sample(labels, 12)), open=bool(number % 2)) for number in range(20)]
    alone = aligner.align(queries)
    assert aligner.align(queries, workers=2) == alone
    with pytest.raises(DataError, match="workers=0"):
        aligner.align(queries, workers=0)

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkmine.conformance import Net, compile_net
from mkmine.errors import DataError
from tests.conformance.blocks import Block, blocks, play, to_model
from tests.conformance.models import model

ALL_KINDS = ("sequence", "exclusive", "parallel", "inclusive", "loop")


def accepts(net: Net, run: list[str], *, whole: bool = True) -> bool:
    states = {0}
    for name in run:
        chosen = net.label == net.labels.index(name)
        states = {int(t) for s, t in zip(net.source[chosen], net.target[chosen], strict=True) if int(s) in states}
    return any(net.final[s] for s in states) if whole else bool(states)


def language(net: Net, longest: int) -> set[str]:
    words, found = {(0, "")}, set()
    for _ in range(longest + 1):
        found |= {word for state, word in words if net.final[state]}
        words = {
            (int(t), word + net.labels[label])
            for state, word in words
            for s, label, t in zip(net.source, net.label, net.target, strict=True)
            if s == state
        }
    return found


@pytest.mark.parametrize(
    ("flows", "words"),
    [
        ("s>A A>B B>e", {"AB"}),
        ("s>x1 x1>A x1>B A>x2 B>x2 x2>e", {"A", "B"}),
        ("s>p1 p1>A p1>B A>p2 B>p2 p2>C C>e", {"ABC", "BAC"}),
        ("s>o1 o1>A o1>B A>o2 B>o2 o2>C C>e", {"AC", "BC", "ABC", "BAC"}),
        ("s>x1 x1>A A>x2 x2>e x2>B B>x1", {"A", "ABA"}),
        ("s>v1 v1>A A>e", {"A"}),
        ("s1>A s2>B A>e B>e", {"A", "B"}),
        # A task with several arrows out starts all of them; with several in it runs for each.
        ("s>A A>B A>C B>e1 C>e2", {"ABC", "ACB"}),
        ("s>p1 p1>A p1>x1 x1>B x1>t1 A>e B>e", {"AB", "BA", "A", ""}),
    ],
)
def test_language(flows: str, words: set[str]) -> None:
    assert language(compile_net(model(flows)), 3) == words


def test_a_repeated_task() -> None:
    net = compile_net(model("s>A A>B B>e", repeats="A"))
    assert language(net, 4) == {"AB", "AAB", "AAAB"}


def test_an_inclusive_join_waits_only_for_what_can_still_come() -> None:
    # B can loop back before the join; after C only one branch is left to wait for.
    net = compile_net(model("s>o1 o1>A o1>B A>o2 B>x1 x1>C x1>o2 C>e2 o2>D D>e"))
    assert {"AD", "BD", "BC", "ABD", "BAD"} <= language(net, 3)
    assert {"ABCD", "BACD", "BCAD"} <= language(net, 4)
    assert "ADB" not in language(net, 3)


@given(blocks(ALL_KINDS), st.randoms(use_true_random=False))
def test_every_run_is_accepted_and_so_is_its_beginning(block: Block, chance: random.Random) -> None:
    net = compile_net(to_model(block))
    run = play(block, chance)
    assert accepts(net, run)
    assert accepts(net, run[: len(run) // 2], whole=False)


def test_it_is_the_same_every_time() -> None:
    flows = "s>p1 p1>A p1>x1 x1>B x1>C B>x2 C>x2 x2>p2 A>p2 p2>e"
    first, second = compile_net(model(flows)), compile_net(model(flows))
    for name in ("source", "label", "target", "final"):
        assert (getattr(first, name) == getattr(second, name)).all()
    assert repr(first) == "Net(4 states, 6 edges, 3 activities)"


def test_choices_are_folded_away() -> None:
    """Optional branches in parallel need no state for the choices, only for what was done."""
    arms = " ".join(f"p1>x{i}a x{i}a>T{i} x{i}a>x{i}b T{i}>x{i}b x{i}b>p2" for i in range(6))
    assert compile_net(model(f"s>p1 {arms} p2>e")).n_states == 2**6


def test_too_many_states() -> None:
    arms = " ".join(f"p1>T{i} T{i}>p2" for i in range(14))
    with pytest.raises(DataError, match="more than 8,000 states"):
        compile_net(model(f"s>p1 {arms} p2>e"))


def test_too_many_silent_choices() -> None:
    arms = " ".join(f"p1>x{i}a x{i}a>v{i} x{i}a>T{i} v{i}>x{i}b T{i}>x{i}b x{i}b>p2" for i in range(12))
    with pytest.raises(DataError, match="more than 8,000 states"):
        compile_net(model(f"s>p1 {arms} p2>e"))


def test_a_join_that_waits_for_ever_is_named() -> None:
    with pytest.raises(DataError, match="can never finish: it stops at parallel p1"):
        compile_net(model("s>x1 x1>A x1>B A>p1 B>p1 p1>e"))


def test_tokens_that_pile_up_are_named() -> None:
    with pytest.raises(DataError, match='piles up tokens on the flow from "A" to "B"'):
        compile_net(model("s>x1 x1>A A>x1 A>B B>e"))


def test_a_cycle_without_a_task() -> None:
    with pytest.raises(DataError, match="runs for ever without doing any activity"):
        compile_net(model("p1>e s>x1 x1>p1 p1>x1"))


def test_too_many_branches_of_an_inclusive_gateway() -> None:
    arms = " ".join(f"o1>T{i} T{i}>o2" for i in range(11))
    with pytest.raises(DataError, match="11 branches"):
        compile_net(model(f"s>o1 {arms} o2>e"))

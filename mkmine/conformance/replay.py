"""Token replay, the quick look at fitness: play the token game with each case and put in the tokens that are missing.

Source: A. Rozinat, W. M. P. van der Aalst (2008), Conformance checking of processes based on monitoring real behavior,
Information Systems 33. There a silent choice is decided by the next event alone. Here all ways to the next event are
gone side by side where the first ones do not fit, up to a hundred, so that a case that fits a model made of blocks is
replayed without a missing token. A token put in may still hide what goes wrong later; alignments do not err so.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from mkmine.conformance.causes import Causes, is_structured
from mkmine.conformance.markings import BITS, FULL, Rules, Step
from mkmine.errors import DataError
from mkmine.targets import ProcessModel

__all__ = ["Tokens", "replay"]

SILENT_STEPS = 1_000  # markings that are looked at for silent ways to what happened
PLAYS = 100  # ways of one case that are gone side by side


class Tokens(NamedTuple):
    """Tokens that were produced, consumed, missing (put in) and remaining (left over)."""

    produced: int
    consumed: int
    missing: int
    remaining: int

    @property
    def fitness(self) -> float:
        """(1 - missing / consumed) / 2 + (1 - remaining / produced) / 2."""
        return 1.0 - (self.missing / self.consumed + self.remaining / self.produced) / 2

    def plus(self, other: Tokens, times: int = 1) -> Tokens:
        """The sum."""
        return Tokens(*(a + times * b for a, b in zip(self, other, strict=True)))


class _Play(NamedTuple):
    """A marking, the tokens counted on the way to it, and how many came to an end."""

    marking: int
    tokens: Tokens
    ends: int = 0

    def then(self, way: _Play) -> _Play:
        """The play that goes on along a way."""
        return _Play(way.marking, self.tokens.plus(way.tokens), self.ends + way.ends)


NONE = Tokens(0, 0, 0, 0)
END = -1  # in place of an activity


def replay(model: ProcessModel, cases: Sequence[Sequence[int]], counts: Sequence[int]) -> Tokens:
    """Replay closed cases, given as codes of the model's activities; what the model does not have is passed over."""
    game = _Game(model)
    total = NONE
    for case, count in zip(cases, counts, strict=True):
        known = [event for event in case if event >= 0]
        tokens = game.played(known, most=1)
        if tokens.missing or tokens.remaining:
            tokens = max(tokens, game.played(known, most=PLAYS), key=lambda one: one.fitness)
        total = total.plus(tokens, count)
    return total


class _Game:
    """The token game with tokens counted; what follows a marking is worked out once."""

    def __init__(self, model: ProcessModel) -> None:
        self._rules = Rules(model)
        self._causes = Causes(self._rules) if is_structured(model) else None
        tasks = {step.label: step for step in reversed(self._rules.visible)}
        self._task = tasks
        begin = 1 << BITS * self._rules.begin
        self.first = self._settled(_Play(begin, Tokens(1, 0, 0, 0)))
        self._known: dict[tuple[int, int], list[_Play]] = {}

    def played(self, case: Sequence[int], *, most: int) -> Tokens:
        """Play a case, along so many ways at once; the tokens of the best one."""
        plays = {self.first.marking: self.first}
        for event in case:
            plays = self._done(plays, event, most)
        return max((self._ended(play) for play in plays.values()), key=lambda tokens: tokens.fitness)

    def _done(self, plays: Mapping[int, _Play], label: int, most: int) -> dict[int, _Play]:
        """Do an activity, after the silent choices that lead to it, or else with the token that it lacks."""
        after: dict[int, _Play] = {}
        for play in plays.values():
            for way in self._ways(play.marking, label)[: most - len(after)]:
                after.setdefault(way.marking, play.then(way))
        if not after:
            # The first of two plays that come to the same is kept: it made the plainer choices.
            for play in plays.values():
                way = self._forced(play.marking, label)
                after.setdefault(way.marking, play.then(way))
        return after

    def _ended(self, play: _Play) -> Tokens:
        """End the case, after the silent choices that lead to the end."""
        ways = self._ways(play.marking, END)
        found = play.then(ways[0]) if ways else play
        remaining = sum(found.marking >> BITS * flow & FULL for flow in range(self._rules.begin + 1))
        # What came to an end is taken there; if nothing did, a token is missing.
        return found.tokens.plus(Tokens(found.ends, max(found.ends, 1), int(not found.ends), remaining))

    def _ways(self, marking: int, label: int) -> list[_Play]:
        """The ways to do an activity, or to the end, by silent choices; those with the fewest come first."""
        key = marking, label
        if key not in self._known:
            self._known[key] = list(self._found(marking, label))
        return self._known[key]

    def _found(self, marking: int, label: int) -> Iterator[_Play]:
        queue, seen = deque([_Play(marking, NONE)]), {marking}
        while queue:
            play = queue.popleft()
            if label == END and not play.marking:
                yield play
                return
            for step in self._next(play.marking, label):
                try:
                    after = self._fired(play, step)
                except DataError:
                    continue
                if step.label == label != END:
                    yield after
                elif step.label < 0 and after.marking not in seen and len(seen) < SILENT_STEPS:
                    seen.add(after.marking)
                    queue.append(after)

    def _forced(self, marking: int, label: int) -> _Play:
        task = self._task[label]
        (flow,) = task.take
        try:
            return self._fired(_Play(marking + (1 << BITS * flow), Tokens(0, 0, 1, 0)), task)
        except DataError:
            # There are more tokens of earlier deviations than a flow holds: what this one gives is left over as well.
            return _Play(marking, Tokens(1, 1, 1, 1))

    def _next(self, marking: int, label: int) -> list[Step]:
        rules = self._rules
        if self._causes is not None:
            return list(self._causes.leading_to(label, marking) if label >= 0 else self._causes.any_token(marking))
        return [*rules.enabled(rules.visible, marking), *rules.silent(marking)]

    def _fired(self, play: _Play, step: Step) -> _Play:
        produced = step.give.bit_count()
        moved = play.tokens.plus(Tokens(produced, len(step.take), 0, 0))
        return self._settled(_Play(self._rules.fire(step, play.marking), moved, play.ends + (not step.give)))

    def _settled(self, play: _Play) -> _Play:
        rules = self._rules
        marking = rules.settle(play.marking)
        produced = consumed = ends = 0
        here = play.marking
        while here != marking:
            step = next(rules.enabled(rules.eager, here))
            here = rules.fire(step, here)
            produced, consumed = produced + step.give.bit_count(), consumed + len(step.take)
            ends += not step.give
        return _Play(marking, play.tokens.plus(Tokens(produced, consumed, 0, 0)), play.ends + ends)

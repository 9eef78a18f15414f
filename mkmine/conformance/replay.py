"""Token replay, the quick look at fitness: play the token game with each case and put in the tokens that are missing.

Source: A. Rozinat, W. M. P. van der Aalst (2008), Conformance checking of processes based on monitoring real behavior,
Information Systems 33. It is quick, but it decides choices by the next event alone, and a token put in may hide what
goes wrong later; alignments do not err so.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from mkmine.conformance.causes import Causes, is_structured
from mkmine.conformance.markings import BITS, FULL, Rules, Step
from mkmine.errors import DataError
from mkmine.targets import ProcessModel

__all__ = ["Tokens", "replay"]

SILENT_STEPS = 1_000  # markings that are looked at for a silent way to what happened


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


NONE = Tokens(0, 0, 0, 0)


def replay(model: ProcessModel, cases: Sequence[Sequence[int]], counts: Sequence[int]) -> Tokens:
    """Replay closed cases, given as codes of the model's activities; what the model does not have is passed over."""
    game = _Game(model)
    total = NONE
    for case, count in zip(cases, counts, strict=True):
        play = game.first
        for event in case:
            if event >= 0:
                play = game.done(play, event)
        total = total.plus(game.ended(play), count)
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
        self._known: dict[tuple[int, int], _Play] = {}

    def done(self, play: _Play, label: int) -> _Play:
        """Do an activity, after the silent choices that lead to it, or else with the token that it lacks."""
        key = play.marking, label
        if key not in self._known:
            self._known[key] = self._do(play.marking, label)
        found = self._known[key]
        return _Play(found.marking, play.tokens.plus(found.tokens), play.ends + found.ends)

    def ended(self, play: _Play) -> Tokens:
        """End the case, after the silent choices that lead to the end."""
        found = self.done(play, -1)
        left = found.marking
        remaining = sum(left >> BITS * flow & FULL for flow in range(self._rules.begin + 1))
        # What came to an end is taken there; if nothing did, a token is missing.
        return found.tokens.plus(Tokens(found.ends, max(found.ends, 1), int(not found.ends), remaining))

    def _do(self, marking: int, label: int) -> _Play:
        queue, seen = deque([_Play(marking, NONE)]), {marking}
        while queue:
            play = queue.popleft()
            if label < 0 and not play.marking:
                return play
            for step in self._next(play.marking, label):
                try:
                    after = self._fired(play, step)
                except DataError:
                    continue
                if step.label == label >= 0:
                    return after
                if step.label < 0 and after.marking not in seen and len(seen) < SILENT_STEPS:
                    seen.add(after.marking)
                    queue.append(after)
        if label < 0:
            return _Play(marking, NONE)
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
        return [*rules.enabled(rules.visible, marking), *rules.enabled(rules.choices, marking)]

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

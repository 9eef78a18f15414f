"""What a model allows after what was done, whether or not its states can be listed."""

from __future__ import annotations

from mkmine.conformance.alignment import Aligner
from mkmine.conformance.causes import Causes, is_structured
from mkmine.conformance.markings import Rules, TooManyStatesError
from mkmine.conformance.net import Net
from mkmine.conformance.search import SearchingAligner
from mkmine.targets import ProcessModel

__all__ = ["Behaviour"]

States = frozenset[int]
SILENT_STEPS = 2_000  # silent choices that are looked at on the way to one activity


class Behaviour:
    """Sets of states in which a model may be; each question is answered once.

    Of a model that is not made of blocks and has too many silent choices some answers are unknown: None.
    """

    def __init__(self, model: ProcessModel, aligner: Aligner | SearchingAligner) -> None:
        self._labels = range(len(model.activities))
        self._after: dict[tuple[States, int], States | None] = {}
        self._known: dict[tuple[int, int], list[int]] = {}
        self._steps: dict[tuple[int, int], list[int]] | None = None
        self._rules = Rules(model)
        self._causes = Causes(self._rules) if is_structured(model) else None
        self.first: States = frozenset({self._rules.first})
        if isinstance(aligner, Aligner):
            self._steps, self.first = _steps_of(aligner.net), frozenset({0})

    def after(self, states: States, label: int) -> States | None:
        """Where the model may be when the activity is done; empty if it cannot be done."""
        key = states, label
        if key not in self._after:
            try:
                self._after[key] = frozenset(there for one in states for there in self._once(one, label))
            except TooManyStatesError:
                self._after[key] = None
        return self._after[key]

    def allowed(self, states: States) -> int | None:
        """How many activities can be done next."""
        found = [self.after(states, label) for label in self._labels]
        return None if None in found else sum(map(bool, found))

    def _once(self, state: int, label: int) -> list[int]:
        if (known := self._known.get((state, label))) is None:
            known = self._known[state, label] = self._done(state, label)
        return known

    def _done(self, state: int, label: int) -> list[int]:
        if self._steps is not None:
            return self._steps.get((state, label), [])
        if self._causes is None:
            return [
                there
                for marking in self._rules.closure(state, SILENT_STEPS)
                for step, there in self._rules.after(self._rules.enabled(self._rules.visible, marking), marking)
                if step == label
            ]
        found, todo, seen = [], [state], {state}
        while todo:
            here = todo.pop()
            for step, there in self._rules.after(self._causes.leading_to(label, here), here):
                if step == label:
                    found.append(there)
                elif step < 0 and there not in seen and len(seen) < SILENT_STEPS:
                    seen.add(there)
                    todo.append(there)
        return found


def _steps_of(net: Net) -> dict[tuple[int, int], list[int]]:
    steps: dict[tuple[int, int], list[int]] = {}
    for source, label, target in zip(net.source.tolist(), net.label.tolist(), net.target.tolist(), strict=True):
        steps.setdefault((source, label), []).append(target)
    return steps

"""What a process model allows: its markings, compiled to a small graph whose every edge is one activity.

A marking is the number of tokens on each sequence flow. Gateways and events leave no trace, so they are folded away:
two states are joined by an edge "a" if the model can do activity a from the first and then stand in the second.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mkmine.conformance.markings import BITS, FULL, SILENT_LIMIT, STATE_LIMIT, Rules, too_large
from mkmine.errors import DataError
from mkmine.targets import ProcessModel


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Net:
    """A compiled model. State 0 is the beginning of a case.

    `labels` are the activities; edges are arrays (n,) `source`, `label` (a code into labels) and `target`, sorted by
    all three; `final` (s,) says in which states a case may end.
    """

    labels: tuple[str, ...]
    source: NDArray[np.int32]
    label: NDArray[np.int32]
    target: NDArray[np.int32]
    final: NDArray[np.bool_]

    @property
    def n_states(self) -> int:
        """Number of states."""
        return len(self.final)

    def __repr__(self) -> str:
        return f"Net({self.n_states:,} states, {len(self.source):,} edges, {len(self.labels)} activities)"


def compile_net(model: ProcessModel, *, state_limit: int = STATE_LIMIT, silent_limit: int = SILENT_LIMIT) -> Net:
    """Explore what the model allows, by the token semantics of OMG BPMN 2.0.2, chapter 13.

    Raises `DataError` if the model has over `state_limit` states or `silent_limit` markings between them, may pile up
    tokens on a flow, or can never finish (a parallel join that waits for a branch that was not taken).
    """
    rules = Rules(model)
    rules.silent_limit = silent_limit
    numbers = {rules.first: 0}
    queue = deque([rules.first])
    edges: list[tuple[int, int, int]] = []
    final: list[bool] = []
    while queue:
        marking = queue.popleft()
        closure = rules.closure(marking, state_limit)
        final.append(0 in closure)
        for label, targets in _visible(rules, closure, state_limit):
            for target in targets:
                if target not in numbers:
                    numbers[target] = len(numbers)
                    queue.append(target)
                edges.append((numbers[marking], label, numbers[target]))
        if len(numbers) > state_limit:
            raise too_large(model, state_limit)
    if not any(final):
        raise _stuck(rules, list(numbers), edges)
    table = np.array(sorted(set(edges)), dtype=np.int32).reshape(-1, 3)
    return Net(
        labels=model.activities,
        source=table[:, 0].copy(),
        label=table[:, 1].copy(),
        target=table[:, 2].copy(),
        final=np.array(final, dtype=np.bool_),
    )


def _visible(rules: Rules, closure: dict[int, None], limit: int) -> Iterator[tuple[int, list[int]]]:
    """What can be done next: each label with the states it leads to.

    A target that another target of the same label reaches in silence is left out: a choice is made only when needed.
    """
    found: dict[int, dict[int, None]] = {}
    for marking in closure:
        for step in rules.enabled(rules.visible, marking):
            found.setdefault(step.label, {})[rules.settle(rules.fire(step, marking))] = None
    for label in sorted(found):
        targets = list(found[label])
        if len(targets) > 1:
            reach = {target: rules.closure(target, limit) for target in targets}
            targets = [
                one
                for one in targets
                if not any(
                    other != one and one in reach[other] and (other not in reach[one] or other < one)
                    for other in targets
                )
            ]
        yield label, targets


def _stuck(rules: Rules, markings: list[int], edges: list[tuple[int, int, int]]) -> DataError:
    moving = {source for source, _, _ in edges}
    for number, marking in enumerate(markings):
        if number not in moving:
            held = [f for i, f in enumerate(rules.model.flows) if marking >> BITS * i & FULL]
            nodes = dict.fromkeys(rules.model.by_id[flow.target].label for flow in held)
            where = f": it stops at {', '.join(nodes)}" if nodes else ""
            return DataError(
                f'model "{rules.model.name}" can never finish{where}; '
                "a parallel gateway must join exactly the branches that a parallel gateway split"
            )
    return DataError(f'model "{rules.model.name}" can never finish; lead a flow to an end event')

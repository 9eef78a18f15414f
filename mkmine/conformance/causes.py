"""Which moves of a model an event calls for, so that no other needs to be tried before it.

Moves that an event does not depend on can as well come after it: in an optimal alignment every move of the model can be
put off until something needs it. Where a model is made of blocks (sequence, choice, parallel, loop) what an event needs
is found by going back from it to the next tokens; farther back leads only round a loop, which gains nothing.

The idea is that of partial orders of runs and persistent sets (P. Godefroid 1996, LNCS 1032).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from mkmine.conformance.markings import BITS, FULL, Rules, Step
from mkmine.targets import ProcessModel

__all__ = ["Causes", "is_structured"]


class Causes:
    """Finds the steps that lead to an activity, in a model made of blocks."""

    def __init__(self, rules: Rules) -> None:
        model, index = rules.model, rules.index
        self._begin = rules.begin
        self._source = [flow.source for flow in model.flows]
        self._kind = {node.id: node.kind for node in model.nodes}
        self._into = {node.id: [index[flow.id] for flow in model.incoming[node.id]] for node in model.nodes}
        self._task = {code: self._into[node.id] for code, node in enumerate(model.tasks)}
        self._steps: dict[int, list[Step]] = {}
        for step in (*rules.visible, *rules.choices):
            self._steps.setdefault(step.take[0], []).append(step)

    def leading_to(self, label: int, marking: int) -> Iterator[Step]:
        """The steps that are enabled and on a way to the activity, itself included."""
        todo = [(flow, -1) for flow in self._task[label]]
        seen = set(self._task[label])
        while todo:
            flow, into = todo.pop()
            if marking >> BITS * flow & FULL:
                for step in self._steps.get(flow, ()):
                    if into < 0 or step.give >> BITS * into & FULL:
                        yield step
                continue
            if flow == self._begin:
                continue
            node = self._source[flow]
            before = [self._begin] if self._kind[node] == "start" else self._into[node]
            if self._kind[node] == "parallel":
                # All that is missing at a join has to come, and the order does not matter.
                before = [other for other in before if not marking >> BITS * other & FULL][:1]
            for other in before:
                # A token before a choice is looked at once per way.
                if other not in seen or marking >> BITS * other & FULL:
                    seen.add(other)
                    todo.append((other, flow))

    def any_token(self, marking: int) -> list[Step]:
        """What one of the tokens can do; the others can wait until it has done it."""
        while marking:
            flow = ((marking & -marking).bit_length() - 1) // BITS
            if flow in self._steps:
                return self._steps[flow]
            marking = marking >> BITS * (flow + 1) << BITS * (flow + 1)
        return []


def is_structured(model: ProcessModel) -> bool:
    """Whether the model is made of blocks only: it can be reduced to a single step, block by block."""
    if any(node.kind in ("inclusive", "terminate") for node in model.nodes):
        return False
    if sum(node.kind == "start" for node in model.nodes) != 1:
        return False
    return _reduced(*_split_nodes(model))


def _split_nodes(model: ProcessModel) -> tuple[Counter[tuple[str, str]], dict[str, bool]]:
    """Flows as pairs of nodes, each with either one way in or one way out, and which of the nodes are parallel."""
    edges = Counter((f"{flow.source} out", f"{flow.target} in") for flow in model.flows)
    parallel = {}
    for node in model.nodes:
        edges[f"{node.id} in", f"{node.id} out"] = 1
        parallel[f"{node.id} in"] = node.kind == "parallel"
        parallel[f"{node.id} out"] = node.kind != "exclusive"
        if not model.outgoing[node.id]:
            # Ends of choices meet in one; a model with parallel ends is not made of blocks.
            edges[f"{node.id} out", "end"] = 1
    parallel["end"] = False
    return edges, parallel


def _reduced(edges: Counter[tuple[str, str]], parallel: dict[str, bool]) -> bool:
    after: dict[str, Counter[str]] = {node: Counter() for node in parallel}
    before: dict[str, Counter[str]] = {node: Counter() for node in parallel}
    for (one, other), n in edges.items():
        after[one][other] = before[other][one] = n
    todo = list(parallel)
    while todo:
        node = todo.pop()
        if node not in after:
            continue
        for other, n in list(after[node].items()):
            if n > 1 and parallel[node] == parallel[other]:
                after[node][other] = before[other][node] = 1
                todo += [node, other]
        if sum(before[node].values()) == 1 and sum(after[node].values()) == 1:
            (one,), (other,) = before[node], after[node]
            if one != other:
                del after[one][node], before[other][node], after[node], before[node]
                after[one][other] += 1
                before[other][one] += 1
                todo += [one, other]
        # A way back from a choice to the merge right before it.
        elif not parallel[node] and len(after[node]) == 1:
            (split,) = after[node]
            if after[node][split] == 1 == len(before[split]) and after[split][node] and not parallel[split]:
                del after[split][node], before[node][split]
                todo += [node, split]
    return sum(map(len, after.values())) == 1

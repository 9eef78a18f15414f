"""Chances of a TO-BE's choices: borrowed where today's process decides the same, or else as somebody says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from mkmine.errors import DataError
from mkmine.simulation.calibration.assumed import UnsaidError, worth
from mkmine.simulation.calibration.today import END, GIVEN_UP, Heads, Today
from mkmine.simulation.model.evidence import Range
from mkmine.simulation.model.laying import Chances, Ways
from mkmine.simulation.model.structure import BEGIN, Outcome, Path, Structure
from mkmine.targets import Elicited, Flow, Guess, Node

__all__ = ["Borrower", "Choices"]

_DEEPEST = 20
# Of less than this, what goes elsewhere today is not worth a note; of more than that, it is another choice.
_SLIGHT, _OTHER = 0.02, 0.5

NOTE_ELSEWHERE = (
    "After “{source}”, up to {share} of the cases go to what the TO-BE does not have; they are shared by the ways "
    "that it has."
)
NOTE_CHOICE = (
    "Assumption: at “{gateway}”, “{way}” is taken in {low} to {high} of the cases, most likely {likely} (said, not "
    "measured)."
)


@dataclass(frozen=True)
class Choices:
    """The chances of a TO-BE, and what is to be said of them."""

    chances: dict[str, Chances]
    ways: dict[str, Ways]
    notes: list[str]


@dataclass
class Borrower:
    """Finds the chances of each choice of a TO-BE.

    `of_kind`: of cases of one kind, of which some ways may never be taken; what is not known of them is left out.
    """

    structure: Structure
    today: Today
    said: Elicited
    limits: Mapping[str, int]
    of_kind: bool = False
    notes: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    examples: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    lost: dict[str, float] = field(default_factory=dict)

    def choices(self) -> Choices:
        """Return the chances of all sources and inclusive gateways.

        Raises `DataError` naming the choices of which neither today's process nor anybody says anything.
        """
        chances = {source: one for source in self.structure.first if (one := self._chances(source)) is not None}
        ways = {
            node.id: self._opened(node)
            for node in self.structure.process.nodes
            if node.kind == "inclusive" and self.structure.opens(node)
        }
        if self.missing and not self.of_kind:
            first = self.missing[0].partition(":")[0]
            more = f" (and {len(set(self.missing)) - 1} more)" if len(set(self.missing)) > 1 else ""
            raise UnsaidError(
                f'"{self.structure.process.name}": today\'s process does not tell how probable the ways of '
                f'{self.missing[0]} are{more}; say it, as in elicited={{"choices": {{{first}: '
                '{"<way>": [0.1, 0.2, 0.4]}}} (low, likely, high)',
                {"choices": self.examples},
            )
        lost = [
            NOTE_ELSEWHERE.format(source=self.structure.label(source).strip('"'), share=f"{share:.0%}")
            for source, share in self.lost.items()
            if share > _SLIGHT
        ]
        return Choices(chances, ways, [*self.notes, *lost])

    # -- exclusive choices -----------------------------------------------------------------------------------------

    def _chances(self, source: str) -> Chances | None:
        paths = self.structure.paths(source)
        borrowed = self._borrowed(source)
        if END not in [self._heads(path.outcome, beyond=False) for path in paths]:
            # No way to an end is drawn here, so giving up is none of the ways.
            kept = [({heads: p for heads, p in one.items() if heads != GIVEN_UP}, n) for one, n in borrowed]
            left = [sum(one.values()) for one, _ in kept]
            given_up = [one.get(GIVEN_UP, 0.0) for one, _ in borrowed]
            borrowed = [
                ({heads: p / whole for heads, p in one.items()}, n * whole)
                for (one, n), whole in zip(kept, left, strict=True)
                if whole > 0
            ]
        else:
            given_up = []
        decided = self._decided(source, paths, borrowed)
        return None if decided is None else self._limited(source, self._giving_up(decided, given_up, borrowed))

    def _giving_up(
        self, decided: Chances, given_up: list[float], borrowed: list[tuple[dict[Heads, float], float]]
    ) -> Chances:
        """Return chances with the share of cases that are given up here today, by round."""
        if not any(given_up):
            return decided
        way = Outcome(None, terminate=self.structure.parallel, cancelled=True)
        rounds = []
        for number in range(max(len(decided.rounds), len(given_up))):
            share = given_up[min(number, len(given_up) - 1)]
            shares = decided.rounds[min(number, len(decided.rounds) - 1)]
            rounds.append({one: p * (1 - share) for one, p in shares.items()} | {way: share})
        seen = decided.observed or tuple(n for _, n in borrowed)
        return Chances(
            tuple(rounds), tuple(seen[min(n, len(seen) - 1)] for n in range(len(rounds)) if seen), decided.stated
        )

    def _decided(
        self, source: str, paths: list[Path], borrowed: list[tuple[dict[Heads, float], float]]
    ) -> Chances | None:
        if len({path.outcome for path in paths}) == 1:
            return Chances(({paths[0].outcome: 1.0},), ())
        rounds = [self._weights(source, paths, shares) for shares, _ in borrowed]
        total = [sum(weights[number] for weights in rounds) for number in range(len(paths))]
        guesses = self._guesses(source, paths)
        found = len(self.missing)
        self._check_known(paths, total, guesses)
        if len(self.missing) > found:
            return None
        shares, observed = [], []
        for number, weights in enumerate(rounds or [[0.0] * len(paths)]):
            each = weights if sum(weights) > 0 else total
            made: dict[Outcome, float] = {}
            for path, share in zip(paths, self._shares(paths, each, total, guesses), strict=True):
                made[path.outcome] = made.get(path.outcome, 0.0) + share
            shares.append(made)
            seen = [borrowed[number][1]] if rounds else []
            observed.append(min([*seen, *(worth(one) for ways in guesses.values() for one in ways.values())]))
        return Chances(tuple(shares), tuple(observed), stated=bool(guesses))

    def _borrowed(self, source: str) -> list[tuple[dict[Heads, float], float]]:
        """Return what today's process decides at a source of the TO-BE, by round; nothing if it has no such place."""
        structure = self.structure
        if source == BEGIN:
            return self.today.after[BEGIN]
        if source not in structure.flows and structure.process.by_id[source].kind == "task":
            return self.today.after.get(structure.process.by_id[source].name, [])
        if (place := structure.choice_place(source)) in self.today.gateways:
            return self.today.gateways[place]
        if source in structure.flows:
            return []
        # What comes after a join is decided today after the steps that it joins.
        before = [name for name in self._before(source) if name in self.today.after]
        wanted = frozenset().union(*(self._heads(path.outcome, beyond=True) for path in structure.paths(source)))
        pooled: dict[Heads, float] = {}
        seen = 0.0
        for name in before:
            shares, weight = self.today.after[name][0]
            for heads, share in shares.items():
                if heads & wanted:
                    pooled[heads] = pooled.get(heads, 0.0) + share * max(weight, 1.0)
                    seen += share * weight
        return [({heads: share / sum(pooled.values()) for heads, share in pooled.items()}, seen)] if pooled else []

    def _before(self, node: str) -> list[str]:
        """Return the tasks after which a node comes, through gateways and events only."""
        process, found, seen, todo = self.structure.process, [], {node}, [node]
        while todo:
            for flow in process.incoming[todo.pop()]:
                if flow.source not in seen:
                    seen.add(flow.source)
                    if process.by_id[flow.source].kind == "task":
                        found.append(process.by_id[flow.source].name)
                    else:
                        todo.append(flow.source)
        return found

    def _weights(self, source: str, paths: list[Path], shares: Mapping[Heads, float]) -> list[float]:
        """Return how probable each path is by what comes next today; what leads nowhere in the TO-BE is left out."""
        out = [0.0] * len(paths)
        direct = [self._heads(path.outcome, beyond=False) for path in paths]
        beyond = [self._heads(path.outcome, beyond=True) for path in paths]
        lost = 0.0
        for heads, share in self._onward(shares, 0):
            heads = END if heads == GIVEN_UP else heads
            fitting = [n for n, one in enumerate(direct) if one & heads] or [
                n for n, one in enumerate(beyond) if one & heads
            ]
            for number in fitting:
                out[number] += share
            lost += 0.0 if fitting else share
        if lost > _OTHER:
            return [0.0] * len(paths)
        self.lost[source] = max(self.lost.get(source, 0.0), lost)
        return out

    def _onward(self, shares: Mapping[Heads, float], depth: int) -> Iterator[tuple[Heads, float]]:
        """Yield what comes next; where that is not in the TO-BE, what comes after it."""
        tasks = {None, *GIVEN_UP, *self.structure.process.activities}
        for heads, share in shares.items():
            gone = next((one for one in heads if one not in tasks), None)
            if gone is None or heads & tasks or depth > _DEEPEST or share < 1e-9:
                yield heads, share
                continue
            rounds = self.today.after.get(gone, [])
            if not rounds:
                yield heads, share
                continue
            after = {one: part for one, part in rounds[0][0].items() if gone not in one}
            total = sum(after.values()) or 1.0
            yield from self._onward({one: share * part / total for one, part in after.items()}, depth + 1)

    def _heads(self, outcome: Outcome, *, beyond: bool) -> Heads:
        """Return which tasks come first by a way; `beyond`: tasks that are new today do not count."""
        structure, found, seen = self.structure, set[str | None](), set[str]()
        todo = [outcome.to]
        while todo:
            node_id = todo.pop()
            if node_id is None:
                found.add(None)
                continue
            if node_id in seen:
                continue
            seen.add(node_id)
            node = structure.process.by_id[node_id]
            if node.kind == "task":
                found.add(node.name)
                if not beyond or node.name in self.today.known:
                    continue
            sources = [structure.source_of(flow) for flow in structure.process.outgoing[node_id]]
            todo += [way.to for source in sources for way in structure.outcomes[source]] or [None]
        return frozenset(found)

    # -- what is said ----------------------------------------------------------------------------------------------

    def _guesses(self, source: str, paths: list[Path]) -> dict[str, dict[str, Guess]]:
        """Return what is said of the gateways on some paths: by gateway and flow (ids)."""
        out: dict[str, dict[str, Guess]] = {}
        first = next((path.flows[1] for path in paths if len(path.flows) > 1), None)
        for gate in self._gates(paths):
            given = self.said.choices.get(gate.name) or self.said.choices.get(gate.id)
            if given is None and first is not None and self.structure.flows[first].source == gate.id:
                # An unnamed choice is known by the task before it.
                given = self.said.choices.get(self.structure.names.get(source, ""))
            if given is not None:
                out[gate.id] = self._read(gate, given)
        return out

    def _read(self, gate: Node, given: Mapping[str, Guess]) -> dict[str, Guess]:
        names, out = self._named(gate), {}
        for way, guess in given.items():
            if way not in names:
                raise DataError(
                    f'choices: {gate.label} has no way "{way}"; its ways are: {", ".join(self._ways(gate))}'
                )
            out[names[way]] = guess
            note = NOTE_CHOICE.format(
                gateway=gate.name or gate.id,
                way=way,
                low=f"{guess.low:.0%}",
                high=f"{guess.high:.0%}",
                likely=f"{guess.likely:.0%}",
            )
            self.notes += [note] if note not in self.notes else []
        if (
            gate.kind != "inclusive"
            and sum(_mean(one) for one in out.values()) > 1 + 1e-6
            and len(out) < len(self.structure.process.outgoing[gate.id])
        ):
            raise DataError(f"choices: {gate.label}: the ways together are more probable than 1; lower them")
        return out

    def _named(self, gate: Node) -> dict[str, str]:
        """Return what the ways of a gateway may be called, with their flows (ids), the names for readers first.

        A way has its own name and that of the place to which it leads, or those of the tasks to which no other way
        leads first ("end" if to an end), or an id.
        """
        by_id, flows = self.structure.process.by_id, self.structure.process.outgoing[gate.id]
        heads = {flow.id: self._first(flow) for flow in flows}
        shared = {one for flow in flows for one in heads[flow.id] if sum(one in of for of in heads.values()) > 1}
        out: dict[str, str] = {}
        for names in (
            lambda flow: (flow.name, by_id[flow.target].name),
            lambda flow: [one for one in heads[flow.id] if one not in shared],
            lambda flow: (flow.id, flow.target),
        ):
            for flow in flows:
                for name in filter(None, names(flow)):
                    out.setdefault(name, flow.id)
        return out

    def _first(self, flow: Flow) -> list[str]:
        """Return the tasks to which a way leads first; "end" for an end."""
        found = [self._heads(outcome, beyond=False) for outcome in self.structure.reached((flow,))]
        return sorted({"end" if one is None else one for heads in found for one in heads})

    def _ways(self, gate: Node) -> list[str]:
        """Return one name of each way of a gateway, in the order in which they are drawn."""
        flows: dict[str, str] = {}
        for name, flow in self._named(gate).items():
            flows.setdefault(flow, name)
        return [flows[flow.id] for flow in self.structure.process.outgoing[gate.id]]

    def _gates(self, paths: list[Path]) -> list[Node]:
        """Return the gateways at which some paths part."""
        by_id, out = self.structure.process.by_id, {}
        for path in paths:
            for flow in path.flows:
                node = by_id[self.structure.flows[flow].source]
                if node.kind == "exclusive" and len(self.structure.process.outgoing[node.id]) > 1:
                    out[node.id] = node
        return list(out.values())

    def _check_known(self, paths: list[Path], total: list[float], guesses: Mapping[str, Mapping[str, Guess]]) -> None:
        """Note the choices that neither today's process nor anybody decides."""
        if self.of_kind and sum(total) > 0:
            return
        for gate in self._gates(paths):
            flows = [flow.id for flow in self.structure.process.outgoing[gate.id]]
            through = {
                flow: sum(w for path, w in zip(paths, total, strict=True) if flow in path.flows) for flow in flows
            }
            told = guesses.get(gate.id, {})
            open_ways = [flow for flow in flows if flow not in told and through[flow] <= 0]
            if (not told and open_ways) or len(open_ways) > 1:
                self.missing.append(self._asked(gate))
        for (one, w), (other, v) in combinations(zip(paths, total, strict=True), 2):
            shared = self._heads(one.outcome, beyond=False) & self._heads(other.outcome, beyond=False)
            if one.outcome == other.outcome or not shared or not w or not v:
                continue
            # Both lead to the same step first, so what comes next does not tell them apart.
            flow = next((a for a, b in zip(one.flows, other.flows, strict=False) if a != b), None)
            gate_id = self.structure.flows[flow].source if flow else ""
            if gate_id and gate_id not in guesses:
                self.missing.append(self._asked(self.structure.process.by_id[gate_id]))

    def _asked(self, gate: Node) -> str:
        ways = list(self._ways(gate))
        even = round(1 / len(ways), 2)
        self.examples[gate.name or gate.id] = {
            way: [round(even / 2, 2), even, round(1.5 * even, 2)] for way in ways[:-1]
        }
        return f'"{gate.name or gate.id}": {", ".join(ways)}'

    def _shares(
        self,
        paths: list[Path],
        weights: list[float],
        total: list[float],
        guesses: Mapping[str, Mapping[str, Guess]],
    ) -> list[float]:
        """Return the probability of each path: the product of what its gateways choose."""
        of_flow: dict[str, float] = {}
        for gate in self._gates(paths):
            flows = [flow.id for flow in self.structure.process.outgoing[gate.id]]
            through = [sum(w for path, w in zip(paths, weights, strict=True) if flow in path.flows) for flow in flows]
            if not sum(through):
                through = [sum(w for path, w in zip(paths, total, strict=True) if flow in path.flows) for flow in flows]
            told = {flow: _mean(guess) for flow, guess in guesses.get(gate.id, {}).items()}
            left = max(1 - sum(told.values()), 0.0)
            rest = [w if flow not in told else 0.0 for flow, w in zip(flows, through, strict=True)]
            if not sum(rest):
                rest = [float(flow not in told) for flow in flows]
            each = [told.get(flow, left * w / (sum(rest) or 1.0)) for flow, w in zip(flows, rest, strict=True)]
            of_flow |= {flow: share / sum(each) for flow, share in zip(flows, each, strict=True)}
        out = [float(np.prod([of_flow.get(flow, 1.0) for flow in path.flows])) for path in paths]
        # A task that repeats itself does so by no gateway.
        repeats = [number for number, path in enumerate(paths) if not path.flows]
        for number in repeats:
            again = weights[number] / (sum(weights) or 1.0)
            out = [share * (1 - again) for share in out]
            out[number] = again
        return [share / sum(out) for share in out]

    # -- inclusive choices, and rounds -----------------------------------------------------------------------------

    def _opened(self, node: Node) -> Ways:
        flows = self.structure.opens(node)
        given = self.said.choices.get(node.name) or self.said.choices.get(node.id)
        told = self._read(node, given) if given is not None else {}
        opened, seen = self.today.gateways.get(self.structure.names[node.id], [({}, 0.0)])[0]
        shares = {}
        for flow in flows:
            heads = frozenset().union(
                *(self._heads(way, beyond=False) for way in self.structure.outcomes[self.structure.source_of(flow)])
            )
            found = next((share for one, share in opened.items() if one & heads), None)
            if flow.id in told:
                shares[flow.id] = min(_mean(told[flow.id]), 1.0)
            elif found is not None:
                shares[flow.id] = found
            else:
                self.missing.append(self._asked(node))
                shares[flow.id] = 0.5
        weights = {flow.id: worth(told[flow.id]) if flow.id in told else seen for flow in flows}
        return Ways(shares, weights, stated=bool(told))

    def _limited(self, source: str, chances: Chances) -> Chances:
        """Take away the ways back after as many rounds as the card allows."""
        structure = self.structure
        task = structure.names.get(source, "")
        most: dict[Outcome, int] = {}
        for outcome in {way for shares in chances.rounds for way in shares if way.back}:
            names = [*(one for one in self._heads(outcome, beyond=False) if one), task]
            allowed = [self.limits[name] for name in names if name in self.limits]
            if allowed:
                most[outcome] = min(allowed)
        if not most:
            return chances
        rounds, observed = [], []
        for number in range(1, max(max(most.values()), len(chances.rounds)) + 1):
            shares = chances.rounds[min(number, len(chances.rounds)) - 1]
            kept = {way: share for way, share in shares.items() if number < most.get(way, number + 1)}
            total = sum(kept.values())
            if not total > 0:
                raise DataError(
                    f'"{structure.process.name}": after {number} rounds the card allows no way back from '
                    f"{structure.label(source)}, and no other way is taken from there; draw one, or allow more rounds"
                )
            rounds.append({way: share / total for way, share in kept.items()})
            if chances.observed:
                observed.append(chances.observed[min(number, len(chances.observed)) - 1])
        return Chances(tuple(rounds), tuple(observed), chances.stated)


def _mean(guess: Guess) -> float:
    return Range(low=guess.low, likely=guess.likely, high=guess.high, shape=guess.shape).mean

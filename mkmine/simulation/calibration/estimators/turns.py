"""Which choices of a process depend on the attributes of cases, and the chances that certain cases have there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mkmine.simulation.calibration.estimators.telling import Chosen, Outcomes
from mkmine.simulation.calibration.estimators.ways import Followed, Tally, opened_shares, tally, without_none
from mkmine.simulation.model.laying import Chances, Own
from mkmine.simulation.model.structure import BEGIN, Outcome, Structure

__all__ = ["Turns", "own_chances", "turns_of"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Turns:
    """What the cases of a log decided in a process at so many `places`, to be foretold by their attributes."""

    places: int
    decided: Outcomes | None


def turns_of(structure: Structure, followed: Followed, chances: Mapping[str, Chances], weights: Floats) -> Turns:
    """Return the decisions of all cases, which count by their `weights` (cases,).

    They are counted by choice and round; of an inclusive gateway each way is a decision by itself. How cases begin is
    no choice of theirs.
    """
    places = _places(structure)
    number = {place: code for code, place in enumerate(places)}
    groups: dict[tuple[str, int | str], int] = {}
    codes: dict[tuple[str, Outcome], int] = {}
    ways = np.array([len(structure.outcomes.get(one, "??")) if one in structure.first else 2 for one in places])
    rows: list[tuple[int, int, int, int]] = []
    for kind, run in enumerate(followed.runs):
        for source, visit, outcome in [] if run is None else run.decisions:
            if source in number and source in structure.first:
                group = groups.setdefault((source, min(visit, len(chances[source].rounds))), len(groups))
                rows.append((kind, number[source], codes.setdefault((source, outcome), len(codes) + 2), group))
        for opened in [] if run is None else run.opened:
            for flow in structure.opens(structure.process.by_id[opened.gateway]):
                group = groups.setdefault((opened.gateway, flow.id), len(groups))
                rows.append((kind, number[opened.gateway], int(flow.id in opened.flows), group))
    if not rows:
        return Turns(len(places), None)
    table = np.array(rows, dtype=np.int64)
    order = np.argsort(table[:, 0], kind="stable")
    table = table[order]
    begins = np.searchsorted(table[:, 0], np.arange(len(followed.runs) + 1))
    sizes = np.diff(begins)[followed.variant]
    case = np.repeat(np.arange(len(followed.variant)), sizes)
    within = np.arange(len(case)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    mine = table[begins[followed.variant[case]] + within]
    prior = 1.0 / ways[mine[:, 1]]
    return Turns(len(places), Outcomes.of(mine[:, 2], mine[:, 3], mine[:, 1], case, weights[case], prior))


def _places(structure: Structure) -> tuple[str, ...]:
    """Return the sources of exclusive choices, and the inclusive gateways (ids), in the order of their numbers."""
    sources = (one for one, ways in structure.outcomes.items() if len(ways) > 1 and one != BEGIN)
    nodes = structure.process.nodes
    return (*sources, *(node.id for node in nodes if node.kind == "inclusive" and structure.opens(node)))


def own_chances(
    structure: Structure,
    followed: Followed,
    chances: Mapping[str, Chances],
    weights: Floats,
    chosen: Mapping[int, Chosen],
) -> list[Own]:
    """Return the chances of certain cases where their attributes tell something, shrunk towards those of all cases."""
    usual, places = tally(followed, weights, parallel=structure.parallel), _places(structure)
    found: dict[tuple[tuple[str, str], ...], Own] = {}
    for code, one in chosen.items():
        place = places[code]
        for cell in np.unique(one.cells).tolist():
            when = one.when(cell)
            own = found.setdefault(tuple(when.items()), Own(when))
            counted = tally(followed, weights * (one.cells == cell), parallel=structure.parallel)
            if place in chances:
                own.chances[place] = _shrunk(chances[place], counted, place, one.strength)
            else:
                flows = [flow.id for flow in structure.opens(structure.process.by_id[place])]
                shares = opened_shares(
                    counted.opened[place], flows, opened_shares(usual.opened[place], flows), one.strength
                )
                n = float(sum(counted.opened[place].values())) + one.strength
                own.ways[place] = without_none(shares, n)
    return list(found.values())


def _shrunk(usual: Chances, counted: Tally, source: str, strength: float) -> Chances:
    """Return the shares of counted decisions by round, to which those of all cases count as `strength` more."""
    decided = counted.decided.get(source, {})
    rounds, observed = [], []
    for number, shares in enumerate(usual.rounds, 1):
        seen = dict.fromkeys(shares, 0.0)
        for (visit, outcome), (weight, _) in decided.items():
            if min(visit, len(usual.rounds)) == number:
                seen[outcome] += weight
        total = sum(seen.values()) + strength
        rounds.append({way: (weight + strength * shares[way]) / total for way, weight in seen.items()})
        observed.append(round(total, 3))
    return Chances(tuple(rounds), tuple(observed))

"""Stochastic conformance: how alike two logs are in what happens how often (earth movers' stochastic conformance).

Source: S. J. J. Leemans, A. F. Syring, W. M. P. van der Aalst (2019), Earth movers' stochastic conformance checking,
BPM Forum, LNBIP 360: 1 - the least work of turning one stochastic language into the other, where moving a share from
one sequence of activities to another costs their Levenshtein distance over the length of the longer one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mkmine.errors import DataError
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.provenance import Provenance
from mkmine.eventlog.summaries import case_paths, variant_index

__all__ = ["StochasticConformance", "stochastic_conformance"]

METHOD = "earth movers' stochastic conformance (Leemans et al. 2019), Levenshtein distance over the longer length"
MOST = 300
Floats = NDArray[np.float64]
Language = Mapping[tuple[str, ...], float]


@dataclass(frozen=True, kw_only=True)
class StochasticConformance:
    """How alike two stochastic languages are: 1 if everything happens equally often, 0 if nothing is in common.

    Attributes
    ----------
    value
        The middle of the bounds.
    low, high
        Bounds for all of both languages; equal where nothing was left out. What was left out counts as moved the whole
        way, and not at all.
    covered, covered_against
        The share of the log's cases, and of the other language, in the variants that were compared.
    """

    value: float
    low: float
    high: float
    covered: float
    covered_against: float
    provenance: Provenance = field(repr=False)
    method: str = METHOD

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        names = ("value", "low", "high", "covered", "covered_against", "method")
        return {name: getattr(self, name) for name in names} | {"provenance": self.provenance.to_dict()}

    def __repr__(self) -> str:
        bounds = "" if self.low == self.high else f" ({self.low:.3f} to {self.high:.3f})"
        return (
            f"StochasticConformance: {self.value:.3f}{bounds}, of {self.covered:.0%} of the cases against "
            f"{self.covered_against:.0%} of the other side"
        )


def stochastic_conformance(
    log: EventLog, against: EventLog | Language, *, most_variants: int = MOST
) -> StochasticConformance:
    """Compare how often what happens: completed cases of the log against those of another, or against probabilities.

    `against` is a log, e.g. one simulated from a model, or gives tuples of activities with their probabilities; what
    these lack of 1 is a part of the language that is not listed. Of each side the `most_variants` most frequent
    variants are compared; the rest is in the bounds. Raises `DataError` if a side has no completed case, a sequence is
    no tuple of names, or probabilities are negative, no numbers, or more than 1 together.
    """
    if isinstance(most_variants, bool) or not isinstance(most_variants, int) or most_variants < 1:
        raise DataError(f"most_variants={most_variants!r}: give at least 1")
    other = _language(against) if isinstance(against, EventLog) else _checked(against)
    one, mine = _most(_language(log), most_variants)
    two, theirs = _most(other, most_variants)
    distance = _distances(one, two)
    least, most = (_transport(distance, mine, theirs, beyond=beyond) for beyond in (0.0, 1.0))
    name = against.name if isinstance(against, EventLog) else "probabilities"
    low, high = max(0.0, 1.0 - most), min(1.0, 1.0 - least)
    return StochasticConformance(
        value=(low + high) / 2,
        low=low,
        high=high,
        covered=float(mine.sum()),
        covered_against=float(theirs.sum()),
        provenance=log.provenance(METHOD, against=name, most_variants=most_variants),
    )


def _language(log: EventLog) -> dict[tuple[str, ...], float]:
    done = log.completed & ~log.cancelled
    if not done.any():
        raise DataError(f'log "{log.name}" has no completed case; compare logs whose cases came to their end')
    kept = log if done.all() else log.keep_cases(done, action="compare", detail="completed cases")
    index = variant_index(kept)
    paths = case_paths(kept, index.representative)
    return dict(zip(paths, (index.counts / kept.n_cases).tolist(), strict=True))


def _checked(language: Language) -> dict[tuple[str, ...], float]:
    for path, share in language.items():
        if not isinstance(path, tuple) or not all(isinstance(name, str) for name in path):
            raise DataError(f'{path!r} is no sequence of activities; give a tuple of names, such as ("Write", "Edit")')
        if not (isinstance(share, int | float) and math.isfinite(share) and share >= 0):
            raise DataError(f"the probability of {' -> '.join(path)} is {share!r}; give a number from 0 to 1")
    total = math.fsum(language.values())
    if not 0 < total <= 1 + 1e-9:
        raise DataError(f"the probabilities add up to {total:g}; give more than 0 and at most 1 together")
    return {path: float(share) for path, share in language.items()}


def _most(language: Language, most: int) -> tuple[list[tuple[str, ...]], Floats]:
    chosen = sorted(language, key=lambda path: (-language[path], path))[:most]
    return chosen, np.array([language[path] for path in chosen])


def _distances(one: Sequence[tuple[str, ...]], other: Sequence[tuple[str, ...]]) -> Floats:
    """Levenshtein distances over the longer length, shape (one, other)."""
    code = {name: number for number, name in enumerate(dict.fromkeys(name for path in (*one, *other) for name in path))}
    length = np.array([len(path) for path in other])
    table = np.full((len(other), int(length.max(initial=0))), -1, dtype=np.int32)
    for row, path in enumerate(other):
        table[row, : len(path)] = [code[name] for name in path]
    steps = np.arange(table.shape[1] + 1)
    rows = np.empty((len(one), len(other)))
    for number, path in enumerate(one):
        costs = np.tile(steps, (len(other), 1))
        for place, name in enumerate(path, start=1):
            after = costs + 1
            np.minimum(after[:, 1:], costs[:, :-1] + (table != code[name]), out=after[:, 1:])
            after[:, 0] = place
            # To put in events costs 1 each: carried along the row at once.
            costs = np.minimum.accumulate(after - steps, axis=1) + steps
        rows[number] = costs[np.arange(len(other)), length] / np.maximum(np.maximum(length, len(path)), 1)
    return rows


def _transport(distance: Floats, mine: Floats, theirs: Floats, *, beyond: float) -> float:
    """The least work of turning one distribution into the other; to and from what is not listed costs `beyond`."""
    from scipy.optimize import linprog
    from scipy.sparse import coo_array

    rest, rest_theirs = max(0.0, 1.0 - mine.sum()), max(0.0, 1.0 - theirs.sum())
    supply, demand = np.append(mine, rest), np.append(theirs, rest_theirs)
    cost = np.pad(distance, ((0, 1), (0, 1)), constant_values=beyond)
    n, m = cost.shape
    row, column = np.divmod(np.arange(n * m), m)
    places = np.concatenate([row, n + column]), np.tile(np.arange(n * m), 2)
    matrix = coo_array((np.ones(2 * n * m), places), shape=(n + m, n * m)).tocsr()
    # One of the equations follows from the others; without it, rounding makes no contradiction.
    bounds = np.concatenate([supply / supply.sum(), demand / demand.sum()])
    found = linprog(cost.ravel(), A_eq=matrix[:-1], b_eq=bounds[:-1], method="highs")
    if not found.success:
        raise DataError(f"the comparison was not worked out ({found.message}); give fewer `most_variants`")
    return float(found.fun)

"""How good a model of a log is: fitness, precision, simplicity, and fitness on cases that it has not seen."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mkmine.conformance.alignment import Aligner
from mkmine.conformance.deviations import find_variants
from mkmine.conformance.moves import Alignment, Query
from mkmine.conformance.net import Net, compile_net
from mkmine.discovery.inductive import discover_model
from mkmine.errors import DataError
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.notebook import html_list
from mkmine.eventlog.provenance import Provenance
from mkmine.streams import Streams
from mkmine.targets import ProcessModel

__all__ = ["ModelQuality", "model_quality"]

FOLDS = 5
FEWEST = 2 * FOLDS
METHOD = "alignments; align-ETC precision; cross-validation of cases"


@dataclass(frozen=True, kw_only=True, repr=False)
class ModelQuality:
    """Four numbers between 0 and 1, each the better the larger.

    Attributes
    ----------
    fitness
        How much of the log the model explains: mean over the cases of 1 - cost of the optimal alignment / worst cost.
    precision
        How much of what the model allows was seen: of all activities that it allows after what happened, those that
        came, over the beginnings of aligned cases (align-ETC; A. Adriansyah et al. 2015, Information Systems and
        e-Business Management 13).
    simplicity
        1 / (1 + the mean number of flows at a node above two) (inverse arc degree; F. R. Blum 2015).
    held_out
        Fitness on cases that the model has not seen: models are discovered with the same noise from four fifths of the
        cases and tried on the last fifth, five times (`held_out_low`, `held_out_high`: the worst and best fold). NaN
        for a model that was not discovered here.
    """

    fitness: float
    precision: float
    simplicity: float
    held_out: float
    held_out_low: float
    held_out_high: float
    provenance: Provenance = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values; None where there is none."""
        names = ("fitness", "precision", "simplicity", "held_out", "held_out_low", "held_out_high")
        values = {name: getattr(self, name) for name in names}
        plain = {name: value if np.isfinite(value) else None for name, value in values.items()}
        return plain | {"provenance": self.provenance.to_dict()}

    def __repr__(self) -> str:
        held = ""
        if np.isfinite(self.held_out):
            held = (
                f", fitness on unseen cases {self.held_out:.2f} ({self.held_out_low:.2f} to {self.held_out_high:.2f})"
            )
        return (
            f"ModelQuality: fitness {self.fitness:.2f}, precision {self.precision:.2f}, simplicity "
            f"{self.simplicity:.2f}{held}"
        )

    def _repr_html_(self) -> str:
        values = {key: f"{value:.2f}" for key, value in self.to_dict().items() if isinstance(value, float)}
        return html_list("ModelQuality", values)


def model_quality(
    log: EventLog, model: ProcessModel | None = None, *, noise: float = 0.2, seed: int = 0
) -> ModelQuality:
    """Measure how good a model of the completed cases is; without one, that of `discover_model(log, noise=noise)`.

    Raises `DataError` if fewer than ten cases are completed, or the model cannot be executed.
    """
    done = log.completed & ~log.cancelled
    if done.sum() < FEWEST:
        raise DataError(f"{int(done.sum())} cases are completed; the quality of a model needs at least {FEWEST}")
    kept = log if done.all() else log.keep_cases(done, action="model", detail="completed cases")
    judged = model or discover_model(kept, noise=noise)
    net = compile_net(judged)
    aligned, counts = _aligned(kept, net)
    folds = np.array([] if model is not None else _held_out(kept, noise, seed))
    nothing = float("nan")
    return ModelQuality(
        fitness=_fitness(aligned, counts),
        precision=_precision(net, aligned, counts),
        simplicity=_simplicity(judged),
        held_out=float(folds.mean()) if len(folds) else nothing,
        held_out_low=float(folds.min()) if len(folds) else nothing,
        held_out_high=float(folds.max()) if len(folds) else nothing,
        provenance=log.provenance(METHOD, model=judged.name, noise=noise, seed=seed),
    )


def _aligned(log: EventLog, net: Net) -> tuple[list[Alignment], NDArray[np.int64]]:
    found = find_variants(log, net.labels, {})
    known = len(net.labels)
    queries = [Query(tuple(code if code < known else -1 for code in events)) for events in found.sequences]
    # Without a deadline none is left out.
    aligned = [one for one in Aligner(net).align(queries) if isinstance(one, Alignment)]
    return aligned, found.counts


def _fitness(aligned: list[Alignment], counts: NDArray[np.int64]) -> float:
    return float(np.average([one.fitness for one in aligned], weights=counts))


def _precision(net: Net, aligned: list[Alignment], counts: NDArray[np.int64]) -> float:
    steps: dict[int, dict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
    for source, label, target in zip(net.source.tolist(), net.label.tolist(), net.target.tolist(), strict=True):
        steps[source][label].add(target)
    beginnings: Counter[tuple[int, ...]] = Counter()
    taken: dict[tuple[int, ...], set[int]] = defaultdict(set)
    for alignment, count in zip(aligned, counts.tolist(), strict=True):
        path = tuple(move.label for move in alignment.moves if move.kind != "log")
        # The whole path too: what the model would still allow there was not seen either.
        for place in range(len(path) + 1):
            beginnings[path[:place]] += count
            taken[path[:place]].update(path[place : place + 1])
    states: dict[tuple[int, ...], frozenset[int]] = {(): frozenset({0})}
    allowed = seen = 0
    for path in sorted(beginnings, key=len):
        if path:
            before = states[path[:-1]]
            states[path] = frozenset(target for one in before for target in steps[one][path[-1]])
        enabled = {label for one in states[path] for label in steps[one]}
        allowed += beginnings[path] * len(enabled)
        seen += beginnings[path] * len(taken[path])
    return seen / allowed if allowed else 1.0


def _simplicity(model: ProcessModel) -> float:
    degree = 2 * len(model.flows) / len(model.nodes)
    return 1.0 / (1.0 + max(degree - 2.0, 0.0))


def _held_out(log: EventLog, noise: float, seed: int) -> list[float]:
    fold = Streams(seed).generator("model quality").permutation(log.n_cases) % FOLDS
    out = []
    for one in range(FOLDS):
        seen = log.keep_cases(fold != one, action="model", detail="cases to learn from")
        unseen = log.keep_cases(fold == one, action="model", detail="held-out cases")
        out.append(_fitness(*_aligned(unseen, compile_net(discover_model(seen, noise=noise)))))
    return out

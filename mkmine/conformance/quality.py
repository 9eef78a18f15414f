"""How good a model of a log is: fitness, precision, generalisation, simplicity, fitness on unseen cases."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from mkmine.conformance.aligners import aligner_of
from mkmine.conformance.behaviour import Behaviour
from mkmine.conformance.deviations import find_variants
from mkmine.conformance.moves import Alignment, Query, Unfinished
from mkmine.conformance.precision import precision_of
from mkmine.conformance.replay import replay
from mkmine.discovery.inductive import discover_model
from mkmine.errors import DataError
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.notebook import html_list
from mkmine.eventlog.provenance import Provenance
from mkmine.streams import Streams
from mkmine.targets import ProcessModel, Target

__all__ = ["ModelQuality", "model_quality"]

FOLDS = 5
FEWEST = 2 * FOLDS
METHOD = "alignments; token replay; align-ETC precision; generalisation by executions; cross-validation of cases"
NUMBERS = (
    "fitness",
    "fitness_low",
    "fitness_high",
    "replay_fitness",
    "precision",
    "precision_low",
    "precision_high",
    "generalisation",
    "simplicity",
    "held_out",
    "held_out_low",
    "held_out_high",
)


@dataclass(frozen=True, kw_only=True, repr=False)
class ModelQuality:
    """Numbers between 0 and 1, each the better the larger, each by its own method.

    Attributes
    ----------
    fitness
        How much of the log the model explains: mean over the aligned cases of 1 - cost of the optimal alignment / worst
        cost. `fitness_low` and `fitness_high` bound the mean of all cases; they differ where time did not suffice.
    replay_fitness
        The same by token replay (A. Rozinat, W. M. P. van der Aalst 2008), over all tokens: the
        quick look, which puts in tokens that are missing.
    precision
        How much of what the model allows was seen: of all activities that it allows after what happened, those that
        came, over the beginnings of aligned cases (align-ETC; A. Adriansyah et al. 2015, Information Systems and
        e-Business Management 13). `precision_low` and `precision_high` bound it where a log has more beginnings than
        are looked at.
    generalisation
        1 - the mean over the activities of 1 / the root of how often each was executed, 1 where never (J. C. A. M.
        Buijs, B. F. van Dongen, W. M. P. van der Aalst 2014): whether every part of the model rests on many executions.
    simplicity
        1 / (1 + the mean number of flows at a node above two) (inverse arc degree; F. R. Blum 2015).
    held_out
        Fitness on cases that the model has not seen: models are discovered with the same noise from four fifths of the
        cases and tried on the last fifth, five times (`held_out_low`, `held_out_high`: the worst and best fold). NaN
        for a model that was not discovered here.
    unknown_cases
        Cases whose alignment was not finished within the budget.
    """

    fitness: float
    fitness_low: float
    fitness_high: float
    replay_fitness: float
    precision: float
    precision_low: float
    precision_high: float
    generalisation: float
    simplicity: float
    held_out: float
    held_out_low: float
    held_out_high: float
    unknown_cases: int
    provenance: Provenance = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values; None where there is none."""
        values = {name: getattr(self, name) for name in NUMBERS}
        plain = {name: value if np.isfinite(value) else None for name, value in values.items()}
        return plain | {"unknown_cases": self.unknown_cases, "provenance": self.provenance.to_dict()}

    def __repr__(self) -> str:
        held = ""
        if np.isfinite(self.held_out):
            held = (
                f", fitness on unseen cases {self.held_out:.2f} ({self.held_out_low:.2f} to {self.held_out_high:.2f})"
            )
        fitness = _bounded(self.fitness, self.fitness_low, self.fitness_high)
        precision = _bounded(self.precision, self.precision_low, self.precision_high)
        unknown = f"; {self.unknown_cases:,} cases not aligned in time" if self.unknown_cases else ""
        return (
            f"ModelQuality: fitness {fitness} (token replay {self.replay_fitness:.2f}), precision {precision}, "
            f"generalisation {self.generalisation:.2f}, simplicity {self.simplicity:.2f}{held}{unknown}"
        )

    def _repr_html_(self) -> str:
        values = {key: f"{value:.2f}" for key, value in self.to_dict().items() if isinstance(value, float)}
        return html_list("ModelQuality", values)


def _bounded(value: float, low: float, high: float) -> str:
    return f"{value:.2f}" if low == high else f"{value:.2f} ({low:.2f} to {high:.2f})"


def model_quality(
    log: EventLog,
    model: ProcessModel | Target | None = None,
    *,
    noise: float = 0.2,
    seed: int = 0,
    budget_seconds: float = 60.0,
    workers: int = 1,
) -> ModelQuality:
    """Measure how good a model of the completed cases is; without one, that of `discover_model(log, noise=noise)`.

    Of a target its model is taken.

    Alignments take at most `budget_seconds` together; what is not finished is in the bounds. Where they take long,
    so many `workers` share them, with the same result. Raises `DataError` if fewer than ten cases are completed, the
    budget is not above zero, there is no positive number of workers, or the model cannot be executed.
    """
    if not budget_seconds > 0:
        raise DataError(f"budget_seconds is {budget_seconds!r}; give a number of seconds above zero")
    done = log.completed & ~log.cancelled
    if done.sum() < FEWEST:
        raise DataError(f"{int(done.sum())} cases are completed; the quality of a model needs at least {FEWEST}")
    kept = log if done.all() else log.keep_cases(done, action="model", detail="completed cases")
    given = model.model if isinstance(model, Target) else model
    if given is not None and not isinstance(given, ProcessModel):
        raise DataError(f"model is a {type(given).__name__}; give a process model, or what mk.read_target(path) reads")
    judged = given or discover_model(kept, noise=noise)
    found = _align(kept, judged, budget_seconds / 2, workers)
    # Half of the time is for the model itself, the other for the models of its folds.
    folds = np.array([] if model is not None else _held_out(kept, noise, seed, budget_seconds / 2, workers))
    nothing = float("nan")
    aligned = [(one, n) for one, n in zip(found.alignments, found.counts, strict=True) if isinstance(one, Alignment)]
    alignments, counts = [one for one, _ in aligned], [n for _, n in aligned]
    precision = precision_of(found.behaviour, len(judged.activities), alignments, counts)
    return ModelQuality(
        fitness=float(np.average([one.fitness for one in alignments], weights=counts)) if aligned else nothing,
        fitness_low=found.mean("fitness_low"),
        fitness_high=found.mean("fitness_high"),
        replay_fitness=replay(judged, [query.events for query in found.queries], found.counts).fitness,
        precision=precision.value if aligned else nothing,
        precision_low=precision.low if aligned else 0.0,
        precision_high=precision.high,
        generalisation=_generalisation(len(judged.activities), alignments, counts) if aligned else nothing,
        simplicity=_simplicity(judged),
        held_out=float(folds.mean()) if len(folds) else nothing,
        held_out_low=float(folds.min()) if len(folds) else nothing,
        held_out_high=float(folds.max()) if len(folds) else nothing,
        unknown_cases=kept.n_cases - sum(counts),
        provenance=log.provenance(METHOD, model=judged.name, noise=noise, seed=seed, budget_seconds=budget_seconds),
    )


class _Aligned(NamedTuple):
    """The variants of a log, aligned."""

    queries: list[Query]
    alignments: list[Alignment | Unfinished]
    counts: list[int]
    behaviour: Behaviour

    def mean(self, name: str) -> float:
        """The mean over all cases."""
        return float(np.average([getattr(one, name) for one in self.alignments], weights=self.counts))


def _align(log: EventLog, model: ProcessModel, seconds: float, workers: int) -> _Aligned:
    deadline = time.monotonic() + seconds
    aligner = aligner_of(model)
    variants = find_variants(log, aligner.labels, {})
    known = len(aligner.labels)
    queries = [Query(tuple(code if code < known else -1 for code in events)) for events in variants.sequences]
    found = aligner.align(queries, deadline=deadline, workers=workers)
    return _Aligned(queries, found, variants.counts.tolist(), Behaviour(model, aligner))


def _generalisation(activities: int, aligned: Sequence[Alignment], counts: Sequence[int]) -> float:
    executed: Counter[int] = Counter()
    for alignment, count in zip(aligned, counts, strict=True):
        for move in alignment.moves:
            executed[move.label] += count * (move.kind != "log")
    return 1.0 - sum(1 / math.sqrt(max(executed[label], 1)) for label in range(activities)) / activities


def _simplicity(model: ProcessModel) -> float:
    degree = 2 * len(model.flows) / len(model.nodes)
    return 1.0 / (1.0 + max(degree - 2.0, 0.0))


def _held_out(log: EventLog, noise: float, seed: int, seconds: float, workers: int) -> list[float]:
    fold = Streams(seed).generator("model quality").permutation(log.n_cases) % FOLDS
    out = []
    for one in range(FOLDS):
        seen = log.keep_cases(fold != one, action="model", detail="cases to learn from")
        unseen = log.keep_cases(fold == one, action="model", detail="held-out cases")
        found = _align(unseen, discover_model(seen, noise=noise), seconds / FOLDS, workers)
        # What was not finished counts as its lower bound: a fold is rather worse than said.
        out.append(found.mean("fitness_low"))
    return out

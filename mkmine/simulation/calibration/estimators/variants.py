"""What the attributes of a case change: factors of hours and delays, and routes, by activity."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mkmine.eventlog import EventLog
from mkmine.simulation.calibration.estimators.attributes import Coded, code_attributes, profiles_of
from mkmine.simulation.calibration.estimators.contexts import Backoff, foretold, levels_of
from mkmine.simulation.calibration.estimators.routing import Decisions, Routing, decisions_of, rounds_of, routing_of
from mkmine.simulation.calibration.estimators.steps import Steps
from mkmine.simulation.calibration.estimators.telling import Chosen, Numbers, Outcomes, Subject, choose_attributes
from mkmine.simulation.calibration.estimators.turns import Turns
from mkmine.simulation.model import ActivityModel, Gateway, Profile, Variant
from mkmine.simulation.model.evidence import Evidence, Known

__all__ = ["Effects", "Factors", "find_effects", "shrunk_factors"]

Int = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

# Hours below these are hardly told apart (half a minute of work, a minute of waiting).
_LEAST_WORK, _LEAST_WAIT = 1 / 120, 1 / 60
_SMALLEST, _LARGEST = 0.01, 100.0
_PASSES = 8
# Where delays are shorter than this on average (hours), it does not matter whose they are.
_SLIGHT = 0.1
_LEAST_MEAN, _MOST_ERROR = 0.02, 1.5


@dataclass(frozen=True, slots=True)
class Factors:
    """By what the cells of a choice multiply hours: values, their relative standard errors, and numbers seen."""

    value: Floats
    error: Floats
    seen: Floats

    def nothing(self) -> Factors:
        """Return factors of 1 for the same cells."""
        return replace(self, value=np.ones(len(self.value)))


@dataclass(frozen=True)
class Effects:
    """What the attributes of a log's cases change, as far as they do.

    Attributes
    ----------
    chosen
        Which attributes, by what they change and by activity.
    known
        The decisions that routes are counted from.
    candidates
        How many attributes there were to choose from.
    """

    log: EventLog
    steps: Steps
    weights: Floats
    chosen: dict[Subject, dict[int, Chosen]]
    known: Decisions | None
    candidates: int

    def attributes(self) -> list[Coded]:
        """Return all that change anything, in the order of their names."""
        found = {a.name: a for of in self.chosen.values() for one in of.values() for a in one.attributes}
        return [found[name] for name in sorted(found)]

    def profiles(self, places: Iterable[ActivityModel | Gateway] | None = None) -> list[Profile]:
        """Return the combinations that cases have of the values of those attributes that places ask for (None: all)."""
        used = self.attributes()
        if places is not None:
            asked = {name for one in places for variant in one.variants for name in variant.when}
            used = [one for one in used if one.name in asked]
        return [Profile(share=share, values=values) for share, values in profiles_of(used, self.weights)]

    def factors(self, subject: Subject, code: int, hours: Floats, rows: Flags) -> Factors | None:
        """Return by what the cells of an activity multiply its hours (n,); None if no attribute changes them."""
        chosen = self.chosen[subject].get(code)
        if chosen is None:
            return None
        inside = np.flatnonzero(rows & np.isfinite(hours))
        group = _ways(self.log, self.steps) if subject == "delay" else _rounds(self.log, rows, code)
        case = self.log.case_of[inside].astype(np.int64)
        weights, cells = self.weights[case], chosen.cells[case]
        # Rounds hold more of the cases that come back, so the means of groups are those of cases all alike.
        found = Factors(np.ones(chosen.size), np.zeros(chosen.size), np.zeros(chosen.size))
        for _ in range(_PASSES):
            usual = _means(hours[inside] / found.value[cells], group[inside], weights)
            used = usual > 0
            relative = hours[inside][used] / usual[used]
            if not len(relative):
                return None
            found = _factors(chosen, relative, case[used], weights[used])
        return found

    def of_rows(self, subject: Subject, code: int, factors: Factors | None) -> Floats:
        """Return by what the hours of each instance (n,) were multiplied: 1 where no attribute changes them."""
        if factors is None:
            return np.ones(len(self.log))
        return np.asarray(factors.value[self.chosen[subject][code].cells][self.log.case_of])

    def variants(self, code: int, routing: Routing, hours: Factors | None, delay: Factors | None) -> list[Variant]:
        """Return what is different about an activity for certain cases, in the order of their values."""
        made: dict[tuple[tuple[str, str], ...], dict[str, Any]] = {}
        evidence: dict[tuple[tuple[str, str], ...], dict[str, Any]] = {}

        def put(chosen: Chosen, cell: int, changed: dict[str, Any], known: dict[str, Any]) -> None:
            key = tuple(chosen.when(cell).items())
            made.setdefault(key, {}).update(changed)
            evidence.setdefault(key, {}).update(known)

        for subject, factors in (("hours", hours), ("delay", delay)):
            if factors is None:
                continue
            chosen = self.chosen[subject][code]  # type: ignore[index]
            for cell in np.flatnonzero(factors.seen > 0).tolist():
                known = Known(n=round(float(factors.seen[cell]), 1), error=round(float(factors.error[cell]), 6))
                value = round(float(factors.value[cell]), 4)
                if subject == "hours":
                    put(chosen, cell, {"factor": value}, {"duration": [known]})
                else:
                    put(chosen, cell, {"delay_factor": value}, {"delay": known})
        routes = self.chosen["routes"].get(code)
        if routes is not None and self.known is not None:
            for cell, own in self._routes(code, routing, routes).items():
                put(routes, cell, {"next": own.next, "contexts": own.contexts}, {"routes": own.observed})
        return [Variant(when=dict(key), evidence=Evidence(**evidence[key]), **changed) for key, changed in made.items()]

    def _routes(self, code: int, routing: Routing, chosen: Chosen) -> dict[int, Routing]:
        known = self.known
        assert known is not None
        mine = np.flatnonzero(self.log.activity[known.rows] == code)
        cell = chosen.cells[self.log.case_of[known.rows[mine]]]
        return {
            int(one): routing_of(
                self.log, known, mine[cell == one], routing, chosen.strength, by_context=chosen.by_context
            )
            for one in np.unique(cell)
        }


def find_effects(
    log: EventLog,
    steps: Steps,
    weights: Floats,
    *,
    work: Floats,
    delay: Floats,
    memory: Backoff | None,
    turns: Turns | None = None,
) -> Effects:
    """Return what the attributes of cases change.

    `work` and `delay` (n,) are hours of each instance, NaN where unknown; `memory` is that of the routes, None if they
    do not come from the log: `turns` are then what cases decided in a process. See `code_attributes` for which
    attributes are looked at and `choose_attributes` for what they have to foretell. Hours are compared within the
    round, delays within the way on which the case came.
    """
    coded = code_attributes(log)
    if not coded:
        return Effects(log, steps, weights, {"hours": {}, "delay": {}, "routes": {}}, None, 0)
    k = len(log.activities)
    case, activity = log.case_of.astype(np.int64), log.activity.astype(np.int64)

    def numbers(hours: Floats, group: Int, least: float) -> Numbers | None:
        rows = np.flatnonzero(np.isfinite(hours) & ~log.ongoing)
        group = np.unique(group[rows], return_inverse=True)[1].ravel()
        of = activity[rows], case[rows], weights[case[rows]]
        return Numbers.of(hours[rows], group, *of, least=least)

    by_round = np.minimum(log.round, 3) + 4 * activity
    waited = np.where(steps.first, np.nan, delay)
    seen = np.isfinite(waited)
    count = np.maximum(np.bincount(activity[seen], minlength=k), 1)
    slight = np.bincount(activity[seen], weights=waited[seen], minlength=k) / count < _SLIGHT
    waited[slight[activity]] = np.nan
    known = None if memory is None else decisions_of(log, steps, weights)
    subjects: dict[Subject, list[Numbers | Outcomes | None]] = {
        "hours": [numbers(work, by_round, _LEAST_WORK)],
        "delay": [numbers(waited, _ways(log, steps) * k + activity, _LEAST_WAIT)],
        "routes": [] if known is None or memory is None else _outcomes(log, known, memory),
    }
    if turns is not None:
        subjects["routes"], k = [turns.decided], max(k, turns.places)
    return Effects(log, steps, weights, choose_attributes(coded, subjects, k), known, len(coded))


def _outcomes(log: EventLog, known: Decisions, memory: Backoff) -> list[Numbers | Outcomes | None]:
    """Return the decisions as they are foretold by round, and by context where that is better."""
    activity, case = log.activity[known.rows].astype(np.int64), log.case_of[known.rows].astype(np.int64)
    if not len(activity):
        return [None]
    levels = levels_of([activity, known.round], known.earlier, known.outcome)
    plain, best = foretold(levels, memory, 2, known.outcome, case, known.weights)
    forms = [(levels[1], plain), (levels[1 + memory.order], best)][: 2 if memory.order else 1]
    return [Outcomes.of(known.outcome, level.context, activity, case, known.weights, p) for level, p in forms]


def _ways(log: EventLog, steps: Steps) -> Int:
    """Return codes of the ways on which cases came: the activity before, and whether that had only begun."""
    k = len(log.activities)
    before = np.concatenate(([0], log.activity[:-1])).astype(np.int64)
    return np.where(steps.first, 2 * k, before + k * steps.overlap)


def _rounds(log: EventLog, rows: Flags, code: int) -> Int:
    """Return the number of the round, as far as rounds are told apart."""
    out = np.zeros(len(log), dtype=np.int64)
    for number, chosen in enumerate(rounds_of(log, rows)):
        out[chosen] = number
    return out


def _means(hours: Floats, group: Int, weights: Floats) -> Floats:
    """Return for each observation the mean hours of its group."""
    code = np.unique(group, return_inverse=True)[1].ravel()
    total = np.bincount(code, weights=weights)
    return np.asarray((np.bincount(code, weights=weights * hours) / np.maximum(total, 1e-12))[code])


def _factors(chosen: Chosen, relative: Floats, case: Int, weights: Floats) -> Factors:
    """Return the factors of the cells: those of each attribute, then of what their combination changes besides."""
    cells = chosen.cells[case]
    seen: Floats = np.bincount(cells, weights=weights, minlength=chosen.size).astype(np.float64)
    value, variance = np.ones(chosen.size), np.zeros(chosen.size)
    left = relative
    several = len(chosen.attributes) > 1
    for one in (*chosen.attributes, *([None] if several else [])):
        code = cells if one is None else one.code[case]
        size = chosen.size if one is None else len(one.values)
        found = shrunk_factors(left, code, weights, size)
        of_cell = np.array([cell if one is None else _value(chosen, cell, one) for cell in range(chosen.size)])
        value, variance = value * found.value[of_cell], variance + found.error[of_cell] ** 2
        left = left / found.value[code]
    return Factors(np.clip(value, _SMALLEST, _LARGEST), np.minimum(np.sqrt(variance), _MOST_ERROR), seen)


def _value(chosen: Chosen, cell: int, one: Coded) -> int:
    return one.values.index(chosen.when(cell)[one.name])


def shrunk_factors(relative: Floats, code: Int, weights: Floats, size: int) -> Factors:
    """Return by what observations (n,) of mean 1 differ by their code, shrunk towards 1 by how uncertain that is.

    On the logarithm of the means the true ones are normal; their variance is what of that of the means chance does not
    explain (empirical Bayes; DerSimonian and Laird 1986). The error is that of the shrunk value.
    """
    total = np.bincount(code, weights=weights, minlength=size)
    squares = np.bincount(code, weights=weights**2, minlength=size)
    there = total > 0
    seen = np.where(there, total**2 / np.where(there, squares, 1.0), 0.0)
    mean = np.bincount(code, weights=weights * relative, minlength=size) / np.where(there, total, 1.0)
    mean = np.maximum(mean, _LEAST_MEAN)
    around = float(weights @ (relative / mean[code] - 1) ** 2) / max(float(weights.sum()), 1e-12)
    around = max(around * len(code) / max(len(code) - int(there.sum()), 1), 1e-9)
    error = around / np.where(there, seen, 1.0)
    log_mean = np.log(mean)
    weight = np.where(there, 1 / error, 0.0)
    centre = float(weight @ log_mean) / float(weight.sum())
    excess = float(weight @ (log_mean - centre) ** 2) - (int(there.sum()) - 1)
    between = max(excess, 0.0) / max(float(weight.sum() - weight @ weight / weight.sum()), 1e-12)
    kept = np.where(there, between / (between + error), 0.0)
    return Factors(np.exp(kept * (log_mean - centre)), np.sqrt(np.where(there, kept * error, between)), seen)

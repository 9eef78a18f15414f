"""Check a log against its target: order, activities, roles, limits and rounds."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from mkmine.conformance.adjustment import METHOD as ADJUSTMENT
from mkmine.conformance.aligners import aligner_of
from mkmine.conformance.breaches import find_breaches
from mkmine.conformance.conformance import METHOD, Conformance
from mkmine.conformance.costs import work_out_costs
from mkmine.conformance.deviations import Variants, count_deviations, find_variants
from mkmine.conformance.moves import Alignment, Query, Unfinished
from mkmine.conformance.regulation import (
    check_limits,
    check_roles,
    check_rounds,
    instances_of,
    limits_by_role,
    man_steps,
    time_steps,
    waited_hours,
)
from mkmine.conformance.rules import check_rules, judge
from mkmine.errors import DataError
from mkmine.eventlog import EventLog
from mkmine.targets import Target

SIDES = ("fitness_low", "fitness_high")
SIGNS = {"both": "=", "log": "+", "model": "-"}


def check(
    log: EventLog,
    target: Target,
    *,
    budget_seconds: float = 30.0,
    adjust: Sequence[str] | None = None,
    rates: Mapping[str, float] | None = None,
    workers: int = 1,
) -> Conformance:
    """Compare what happened with what should: optimal alignments of all variants, then the process card.

    Open cases are aligned as beginnings: what they have not reached yet is not a deviation. Variants that are not
    aligned within `budget_seconds` (the most frequent come first) are reported as unknown with bounds.

    `adjust` names the attributes of cases that costs of deviations are adjusted for (default: all; leave out those that
    are known only after the work); `rates` says by role what an hour of work costs, which gives deviations a cost in
    money. Where aligning takes long, so many `workers` share it, with the same result.

    Raises `DataError` if the log has no cases, the budget is not above zero, a rate is no number from 0, there is no
    positive number of workers, or the model has no task or cannot be executed, and `UnknownNameError` if there is no
    such attribute or role.
    """
    if not budget_seconds > 0:
        raise DataError(f"budget_seconds is {budget_seconds!r}; give a number of seconds above zero")
    if not log.n_cases:
        raise DataError(f'log "{log.name}" has no cases; there is nothing to compare with "{target.name}"')
    if not target.activities:
        raise DataError(f'the model of "{target.name}" has no task; draw what should be done, as tasks with names')
    deadline = time.monotonic() + budget_seconds
    aligner = aligner_of(target.model)
    labels = aligner.labels
    variants = find_variants(log, labels, target.aliases)
    queries = [
        Query(tuple(code if code < len(labels) else -1 for code in events), open=bool(is_open))
        for events, is_open in zip(variants.sequences, variants.open, strict=True)
    ]
    found = aligner.align(queries, deadline=deadline, workers=workers)
    alignments = [one if isinstance(one, Alignment) else None for one in found]
    names = instances_of(log, variants, target.aliases)
    card, counts = target.card, variants.counts
    known = np.array([one is not None for one in alignments], dtype=np.bool_)
    fitness = np.array([one.fitness if one else 0.0 for one in alignments])
    low, high = (float(np.average([getattr(one, side) for one in found], weights=counts)) for side in SIDES)
    fits = np.array([one is not None and one.cost == 0 for one in alignments], dtype=np.bool_)
    aligned, total = int(counts[known].sum()), float((fitness * counts).sum())
    rules, hours = card.rules if card else (), waited_hours(log)
    timed = time_steps(log, names, card.limits, card.round_limits, hours) if card else []
    manned = man_steps(log, names, target.roles, target.aliases)
    judged = judge(log, rules, aliases=target.aliases, known=names_of(target))
    breaches = find_breaches(
        log,
        names=names,
        variants=variants,
        alignments=alignments,
        card=card,
        timed=timed,
        manned=manned,
        rules=list(zip(rules, judged, strict=True)),
    )
    costs = work_out_costs(log, breaches, names=names, rates=rates or {}, attributes=adjust)
    return Conformance(
        target=target.name,
        fitness=total / aligned if aligned else float("nan"),
        fitness_low=low,
        fitness_high=high,
        cases=log.n_cases,
        fitting_cases=int(counts[fits].sum()),
        unknown_cases=log.n_cases - aligned,
        deviations=count_deviations(log, variants, alignments),
        costs=costs.costs,
        periods=costs.periods,
        hot_spots=costs.hot_spots,
        adjusted_for=costs.adjusted_for,
        limits=check_limits(log, timed, hours, card.case_limit_h if card else None),
        limits_by_role=limits_by_role(log, timed, target.aliases),
        roles=check_roles(log, manned, target.aliases),
        rounds=check_rounds(log, names, card.max_rounds if card else {}, hours),
        rules=check_rules(log, rules, judged),
        only_in_log=variants.names[len(labels) :],
        only_in_target=tuple(name for name in labels if not names[name].any()),
        variants=_table(variants, found),
        notes=_notes(log, target),
        provenance=log.provenance(
            METHOD, target=target.name, source=target.source, budget_seconds=budget_seconds, costs=ADJUSTMENT
        ),
    )


def names_of(target: Target) -> tuple[str, ...]:
    """The activities of the model, and those that only the rules of the card speak of."""
    rules = target.card.rules if target.card else ()
    return tuple(dict.fromkeys([*target.activities, *(name for rule in rules for name in rule.activities)]))


def _table(variants: Variants, found: Sequence[Alignment | Unfinished]) -> pd.DataFrame:
    alignments = [one if isinstance(one, Alignment) else None for one in found]
    return pd.DataFrame(
        {
            "variant": pd.Series(
                [tuple(variants.names[code] for code in events) for events in variants.sequences], dtype=object
            ),
            "open": variants.open,
            "cases": variants.counts,
            "cost": pd.array([one.cost if one else None for one in alignments], dtype="Int64"),
            "cost_low": [one.low if isinstance(one, Unfinished) else one.cost for one in found],
            "cost_high": [one.high if isinstance(one, Unfinished) else one.cost for one in found],
            "fitness": [one.fitness if one else float("nan") for one in alignments],
            "moves": pd.Series(
                [_moves(variants, events, one) for events, one in zip(variants.sequences, alignments, strict=True)],
                dtype=object,
            ),
        }
    )


def _moves(variants: Variants, events: tuple[int, ...], alignment: Alignment | None) -> tuple[str, ...]:
    if alignment is None:
        return ()
    return tuple(
        f"{SIGNS[move.kind]} {variants.names[move.label if move.kind == 'model' else events[move.position]]}"
        for move in alignment.moves
    )


def _notes(log: EventLog, target: Target) -> tuple[str, ...]:
    notes = []
    if target.card is None:
        notes.append("the target has no process card: limits and rounds were not checked")
    elif not target.card.customer:
        notes.append("the process card names no customer: nobody is said to need the result")
    if target.roles and not (log.role >= 0).any():
        notes.append("the log has no roles: who did what was not checked")
    if not target.roles:
        notes.append("the target names no roles: who did what was not checked")
    limited = target.card is not None and (target.card.limits or target.card.round_limits)
    if limited and log.timestamps == "completed":
        notes.append("the log has only completions: limits are measured from the completion before")
    if limited and log.timestamps == "estimated":
        notes.append("the log's starts are estimated: so are the times that limits are checked against")
    return tuple(notes)

"""Every way in which cases depart from the target, as one kind of value: which cases it could be seen in, and is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mkmine.conformance.deviations import Variants, cycle_hours
from mkmine.conformance.moves import Alignment
from mkmine.conformance.regulation import Manned, Timed, ages, beyond
from mkmine.conformance.rules import Found
from mkmine.eventlog import EventLog
from mkmine.targets import ProcessCard
from mkmine.targets.rules import Rule

__all__ = ["KINDS", "Breach", "BreachKind", "find_breaches"]

Bools = NDArray[np.bool_]
BreachKind = Literal["skipped", "extra", "repeated", "order", "rounds", "role", "rule", "limit"]
KINDS: tuple[BreachKind, ...] = ("skipped", "extra", "repeated", "order", "rounds", "role", "rule", "limit")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Breach:
    """One way to depart from the target.

    `judged` and `broken` (m,) are the cases that could be judged, and those that depart; `rows` are the instances (n,)
    that were judged one by one, and those of them that depart; `detail` is what the target says (a number of rounds, a
    role, a limit in hours, a rule).
    """

    kind: BreachKind
    activities: tuple[str, ...]
    judged: Bools
    broken: Bools
    occurrences: int
    rows: tuple[Bools, Bools] | None = None
    detail: str = ""

    @property
    def activity(self) -> str:
        """The activity that it is about; "" for the whole case."""
        return self.activities[-1] if self.activities else ""

    @property
    def whole_case(self) -> bool:
        """Whether it says itself how long the case took."""
        return self.kind == "limit" and not self.activities


def find_breaches(
    log: EventLog,
    *,
    names: Mapping[str, Bools],
    variants: Variants,
    alignments: Sequence[Alignment | None],
    card: ProcessCard | None,
    timed: Sequence[Timed],
    manned: Sequence[Manned],
    rules: Sequence[tuple[Rule, Found]],
) -> list[Breach]:
    """Return all that some case departs in, by kind; see `mkmine.conformance.conformance.Conformance.costs`."""
    found = [*_order(variants, alignments)]
    if card is not None:
        found += _rounds(log, names, card.max_rounds)
    found += [_of_rows(log, "role", one.activity, one.known, one.wrong, one.role) for one in manned]
    found += [_rule(log, rule, one) for rule, one in rules]
    found += [_of_rows(log, "limit", one.activity, one.judged, one.late, _limit(one)) for one in timed]
    if card is not None and card.case_limit_h is not None:
        found.append(_case_limit(log, card.case_limit_h))
    return sorted((one for one in found if one.broken.any()), key=lambda one: KINDS.index(one.kind))


def _order(variants: Variants, alignments: Sequence[Alignment | None]) -> Iterator[Breach]:
    """Yield what the alignments found: steps left out, done besides, done again, or done elsewhere than drawn."""
    found: dict[tuple[BreachKind, int], dict[int, int]] = {}
    for number, alignment in enumerate(alignments):
        if alignment is not None and alignment.cost:
            for key, times in _departures(variants.sequences[number], alignment).items():
                found.setdefault(key, {})[number] = times
    known = np.array([one is not None for one in alignments], dtype=np.bool_)[variants.of_case]
    counts = variants.counts
    for (kind, activity), variants_with in sorted(found.items()):
        of_variant = np.zeros(len(counts), dtype=np.bool_)
        of_variant[list(variants_with)] = True
        broken = of_variant[variants.of_case]
        name = variants.names[activity]
        yield Breach(
            kind=kind,
            activities=(name,),
            judged=known,
            broken=broken,
            occurrences=sum(times * int(counts[number]) for number, times in variants_with.items()),
        )


def _departures(events: tuple[int, ...], alignment: Alignment) -> dict[tuple[BreachKind, int], int]:
    """Count the departures of one variant. What is missing in one place and too much in another is out of order."""
    missing: dict[int, int] = {}
    surplus: dict[tuple[BreachKind, int], int] = {}
    done: set[int] = set()
    for move in alignment.moves:
        if move.kind == "model":
            missing[move.label] = missing.get(move.label, 0) + 1
            continue
        event = events[move.position]
        if move.kind == "log":
            kind: BreachKind = "repeated" if move.label >= 0 and event in done else "extra"
            surplus[kind, event] = surplus.get((kind, event), 0) + 1
        done.add(event)
    out: dict[tuple[BreachKind, int], int] = {}
    for (kind, event), times in surplus.items():
        moved = min(times, missing.get(event, 0))
        if moved:
            missing[event] -= moved
            out["order", event] = out.get(("order", event), 0) + moved
        if times > moved:
            out[kind, event] = times - moved
    return out | {("skipped", event): times for event, times in missing.items() if times}


def _rounds(log: EventLog, names: Mapping[str, Bools], allowed: Mapping[str, int]) -> Iterator[Breach]:
    for activity, limit in allowed.items():
        mine = names[activity]
        yield _of_rows(log, "rounds", activity, mine, beyond(log, mine, limit), str(limit))


def _of_rows(log: EventLog, kind: BreachKind, activity: str, judged: Bools, broken: Bools, detail: str) -> Breach:
    return Breach(
        kind=kind,
        activities=(activity,),
        judged=_cases(log, judged),
        broken=_cases(log, broken),
        occurrences=int(broken.sum()),
        rows=(judged, broken) if kind != "rounds" else None,
        detail=detail,
    )


def _rule(log: EventLog, rule: Rule, found: Found) -> Breach:
    judged, broken = np.zeros(log.n_cases, dtype=np.bool_), np.zeros(log.n_cases, dtype=np.bool_)
    judged[found.case[~found.pending]] = True
    broken[found.case[found.violated]] = True
    n = int(found.violated.sum())
    return Breach(
        kind="rule", activities=rule.activities, judged=judged, broken=broken, occurrences=n, detail=str(rule)
    )


def _limit(one: Timed) -> str:
    return f"{one.limit_h:g} h, round {one.round}" if one.round else f"{one.limit_h:g} h"


def _case_limit(log: EventLog, limit: float) -> Breach:
    hours = np.where(log.completed, cycle_hours(log), ages(log))
    broken = hours > limit
    return Breach(
        kind="limit",
        activities=(),
        judged=log.completed | broken,
        broken=broken,
        occurrences=int(broken.sum()),
        detail=f"{limit:g} h",
    )


def _cases(log: EventLog, rows: Bools) -> Bools:
    out = np.zeros(log.n_cases, dtype=np.bool_)
    out[log.case_of[rows]] = True
    return out

"""What a target does not say although a regulation should: nobody needs the result, nobody answers for a step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from mkmine.targets.card import ProcessCard
    from mkmine.targets.target import Target

__all__ = ["Gap", "find_gaps"]

GapKind = Literal[
    "card", "customer", "purpose", "input", "output", "responsible", "accountable", "limit", "kpi", "kpi_part"
]
_SENTENCES: dict[GapKind, str] = {
    "card": "there is no process card: no owner, no customer, no limits",
    "customer": "the process card names no customer: nobody is said to need the result",
    "purpose": "the process card names no purpose",
    "input": "the process card does not say what the process begins with (input)",
    "output": "the process card does not say what the process yields (output)",
    "responsible": 'nobody is named to do "{subject}"',
    "accountable": 'nobody is accountable for "{subject}": each step has exactly one',
    "limit": 'no time limit is set for "{subject}"',
    "kpi": "the process card names no indicator: nobody will see whether the process works",
    "kpi_part": 'the indicator "{subject}" lacks a target, a measure, a responsible or a period',
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """One thing that is missing; `subject` is the step or indicator it is missing for."""

    kind: GapKind
    subject: str = ""

    def __str__(self) -> str:
        return _SENTENCES[self.kind].format(subject=self.subject)


def find_gaps(target: Target) -> tuple[Gap, ...]:
    """Return what model and card leave open, in the order of a regulation."""
    return tuple(_gaps(target))


def _gaps(target: Target) -> Iterator[Gap]:
    card = target.card
    if card is None:
        yield Gap(kind="card")
        return
    missing: tuple[GapKind, ...] = ("customer", "purpose", "input", "output")
    yield from (Gap(kind=kind) for kind in missing if not getattr(card, kind))
    for activity in target.activities:
        yield from _of_step(target, card, activity)
    if not card.kpis:
        yield Gap(kind="kpi")
    for kpi in card.kpis:
        if kpi.target is None or not (kpi.measure and kpi.responsible and kpi.period):
            yield Gap(kind="kpi_part", subject=kpi.name)


def _of_step(target: Target, card: ProcessCard, activity: str) -> Iterator[Gap]:
    duty = card.roles.get(activity)
    if activity not in target.roles:
        yield Gap(kind="responsible", subject=activity)
    if duty is None or duty.accountable is None:
        yield Gap(kind="accountable", subject=activity)
    if activity not in card.limits and activity not in card.round_limits:
        yield Gap(kind="limit", subject=activity)

"""How people take up work: what is collected or limited, in which order it is taken, and whose hands it needs.

What holds work back explains waiting that would otherwise be taken for a delay or a queue, so the times since when work
could be taken are moved to when it was let go, and the rest of the waiting is explained from there on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mkmine.calendars import Calendar
from mkmine.discovery.pools import Pools
from mkmine.eventlog import EventLog
from mkmine.performance.availability import Presence
from mkmine.simulation.calibration.estimators.batching import Batching, estimate_batching
from mkmine.simulation.calibration.estimators.bundles import Bundles, find_bundles, split_hours
from mkmine.simulation.calibration.estimators.durations import Spent, estimate_spent
from mkmine.simulation.calibration.estimators.hands import Hands, estimate_hands
from mkmine.simulation.calibration.estimators.limits import Limit, estimate_limit
from mkmine.simulation.calibration.estimators.releases import Held
from mkmine.simulation.calibration.estimators.steps import Steps

__all__ = ["Habits", "find_habits"]

Int = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Together:
    """How the hours of a batch that is done together add up, and whether the log shows that."""

    addition: float
    known: bool


@dataclass(frozen=True, kw_only=True)
class Habits:
    """How work is taken up.

    Attributes
    ----------
    spent
        What was spent on each instance, and before it, since it was let go.
    released
        When each instance (n,) was let go, µs: when it could have begun, where nothing held it back.
    pieces
        Which instances stand for a piece of work; others were done together with one of these.
    batches, together
        By activity: by what rule its work is collected, and how the hours of what is done together add up.
    limits, cases
        By activity: how many may be in it at once; and how many cases in the process.
    hands
        By activity: whose hands it needs.
    unexplained
        Activities of which several pieces are done together, although nothing shows what they wait for.
    """

    spent: Spent
    released: Int
    pieces: Flags
    batches: Mapping[int, Batching]
    together: Mapping[int, Together]
    limits: Mapping[int, Limit]
    cases: Limit | None
    hands: Mapping[int, Hands]
    unexplained: tuple[int, ...]


def find_habits(log: EventLog, steps: Steps, pools: Pools, presence: Presence, clock: Calendar) -> Habits:
    """Return how work is taken up, and what is left of the waiting; `clock` is that by which work waits.

    Nothing is collected or limited where activities of a case overlap: no model could say so. Batches are looked for
    first, and limits in activities without them. Work of which nobody knows when it could have begun (the first of a
    case, in most logs) tells nothing.
    """
    bundles = find_bundles(log)
    spent = estimate_spent(log, steps.enabled, presence, clock, bundles)
    hands = estimate_hands(log)
    seen = (log.resource >= 0) & ~log.ongoing & (~steps.first | (log.enabled is not None))
    batches: dict[int, Batching] = {}
    limits: dict[int, Limit] = {}
    released, cases = steps.enabled.copy(), None
    if log.timestamps == "interval" and not steps.overlap.any():
        for code in np.unique(log.activity[seen & (pools.of_activity[log.activity] >= 0)]).tolist():
            rows, held = _held(log, steps, spent, presence, seen & (log.activity == code))
            if (batching := estimate_batching(held, presence.office)) is not None:
                batches[code] = batching
                released[rows] = np.clip(batching.released, held.ready, held.start)
            elif code not in bundles.activities and (limit := estimate_limit(held)) is not None:
                limits[code] = limit
                released[rows] = np.clip(limit.admitted, held.ready, held.start)
        cases = _limit_of_cases(log, spent, presence)
        if cases is not None:
            heads = log.offsets[:-1]
            let_in = np.empty(log.n_cases, dtype=np.int64)
            let_in[np.lexsort((log.start[heads], steps.enabled[heads]))] = cases.admitted
            released[heads] = np.clip(let_in, steps.enabled[heads], log.start[heads])
    unexplained = tuple(code for code in bundles.activities if code not in batches)
    if unexplained:
        bundles = bundles.without(np.isin(log.activity, unexplained))
    if batches or limits or cases is not None or unexplained:
        spent = estimate_spent(log, released, presence, clock, bundles)
    together = {}
    for code in bundles.activities:
        if code in batches:
            spent, together[code] = _alone(log, spent, bundles, code)
    return Habits(
        spent=spent,
        released=released,
        pieces=bundles.leads,
        batches=batches,
        together=together,
        limits=limits,
        cases=cases,
        hands=hands,
        unexplained=unexplained,
    )


def _held(log: EventLog, steps: Steps, spent: Spent, presence: Presence, chosen: Flags) -> tuple[Int, Held]:
    """Return the rows that are chosen, in the order in which they were ready, and what is known of each."""
    rows = np.flatnonzero(chosen)
    rows = rows[np.lexsort((log.start[rows], steps.enabled[rows]))]
    of = (steps.enabled[rows], spent.idle[rows], log.start[rows], log.end[rows])
    return rows, Held.of(*of, presence.office)


def _limit_of_cases(log: EventLog, spent: Spent, presence: Presence) -> Limit | None:
    """Return the limit on the number of cases, where the log tells when cases came to the door."""
    if log.enabled is None:
        return None
    heads = log.offsets[:-1]
    # What nobody does begins as the case is let in.
    idle = np.where(log.resource[heads] >= 0, spent.idle[heads], log.start[heads])
    end = np.where(log.completed, np.maximum.reduceat(log.end, heads), log.end.max() + 1)
    return estimate_limit(Held.of(log.enabled[heads], idle, log.start[heads], end, presence.office))


def _alone(log: EventLog, spent: Spent, bundles: Bundles, code: int) -> tuple[Spent, Together]:
    """Return the hours with those of each piece in place of those of its batch, which are told once."""
    mine = log.activity == code
    leads = np.flatnonzero(mine & bundles.leads & np.isfinite(spent.processing))
    hours, addition, known = split_hours(spent.processing[leads], bundles.size[leads])
    processing = spent.processing.copy()
    processing[mine] = np.nan
    processing[leads] = hours
    return replace(spent, processing=processing), Together(addition=addition, known=known)

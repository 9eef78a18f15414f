"""Whether there is a limit on how much is in hand at once: a ceiling at which work waits although people are free."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heappop, heappush

import numpy as np
from numpy.typing import NDArray

from mkmine.simulation.calibration.estimators.releases import ENOUGH, Held, Support, support

__all__ = ["Limit", "admitted", "estimate_limit"]

Int = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Limit:
    """A limit, how well it foretells later work, and when each piece was let in (m,), µs."""

    limit: int
    held_out: Support
    admitted: Int


def estimate_limit(held: Held) -> Limit | None:
    """Return the limit on how many pieces are in hand or in the queue at once, or None where the log shows none.

    With a limit, a piece that finds as many before it is let in at the very moment when one of them is over, though
    people may be free before. The limit is near the most that were ever in hand at once; whether it foretells when work
    was let in (`support`) decides, on each half of the pieces. A limit above what people can have in hand is not seen.
    """
    if not held.enough:
        return None
    most = _most_at_once(held)
    first, second = held.halves
    sample = held.part(first & (np.arange(len(first)) < ENOUGH))
    found = []
    for limit in sorted({most - 1, most, most + 1} - {-1, 0}):
        if not support(sample, admitted(sample, limit)).holds:
            continue
        moments = admitted(held, limit)
        told = [support(held, moments, half) for half in (first, second)]
        if all(one.holds for one in told):
            found.append(
                (told[0].foretold + told[0].consistent, Limit(limit=limit, held_out=told[1], admitted=moments))
            )
    return max(found, key=lambda one: one[0])[1] if found else None


def admitted(held: Held, limit: int) -> Int:
    """Return when each piece is let in, first come, first served, if so many may be inside: when one is over."""
    inside: list[int] = []
    out = np.empty(len(held.ready), dtype=np.int64)
    for place, (ready, end) in enumerate(zip(held.ready.tolist(), held.end.tolist(), strict=True)):
        moment = ready
        while inside and inside[0] <= moment:
            heappop(inside)
        if len(inside) >= limit:
            moment = max(moment, heappop(inside))
        out[place] = moment
        heappush(inside, max(end, moment))
    return out


def _most_at_once(held: Held) -> int:
    """Return how many pieces are in hand at once in nearly all of the busiest times."""
    moments = np.concatenate((held.start, held.end))
    change = np.concatenate((np.ones(len(held.start), dtype=np.int64), -np.ones(len(held.end), dtype=np.int64)))
    order = np.lexsort((change, moments))
    at_once = np.cumsum(change[order])
    reached = np.maximum(at_once[change[order] > 0], 0)
    return int(np.quantile(reached, 0.99, method="higher"))

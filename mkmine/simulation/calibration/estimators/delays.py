"""What passes before work is offered: outside delays by the activity before and by round."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mkmine.eventlog import EventLog
from mkmine.simulation.calibration.estimators.durations import fit_distribution, pooled
from mkmine.simulation.calibration.estimators.steps import Steps
from mkmine.simulation.model import Wait
from mkmine.simulation.model.distributions import Distribution, Fixed

__all__ = ["estimate_waits"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_ENOUGH_FOR_ROUND = 40
_MOST_ROUNDS = 3
# A way that was taken less often has the delay of the activity.
_FEWEST = 3
# The delays of the activity as a whole count as so many observations of each way that leads to it.
_LENT = 3.0


def estimate_waits(
    log: EventLog, steps: Steps, hours: Floats, rows: Flags, weights: Floats
) -> tuple[Distribution, list[Wait]]:
    """Return the delay before an activity (whose instances are `rows`), and its delays by the activity before.

    `hours` (n,) are the delays of all instances on the activity's clock, NaN where unknown. Each activity before has a
    distribution of its own, pooled with that of the activity in proportion to how little it was seen; rounds that were
    seen often enough have theirs. A case that begins with the activity does not wait.
    """
    k = len(log.activities)
    before = np.where(steps.first, -1, np.concatenate(([0], log.activity[:-1])).astype(np.int64))
    key = np.where(steps.first, -1, before + k * steps.overlap)
    inside = rows & ~steps.first & np.isfinite(hours)
    whole = fit_distribution(hours[inside], weights[inside])
    waits = []
    if (rows & steps.first).any():
        waits.append(Wait(before=None, delay=[Fixed(hours=0.0)]))
    ways, seen = np.unique(key[inside], return_counts=True)
    for one in ways[seen >= _FEWEST]:
        overlap, code = divmod(int(one), k)
        mine = inside & (key == one)
        alike = inside & (steps.overlap == bool(overlap))
        delays = [
            fit_distribution(
                *pooled(hours[chosen], hours[alike], _LENT, weights=weights[chosen], of_others=weights[alike])
            )
            for chosen in _rounds(log, mine)
        ]
        waits.append(Wait(before=log.activities[code], overlap=bool(overlap), delay=delays))
    return whole, waits


def _rounds(log: EventLog, rows: Flags) -> list[Flags]:
    """Return the rows by round; rounds of few observations go together with those after them."""
    out, number = [], 1
    while (
        number < _MOST_ROUNDS
        and (rows & (log.round == number)).sum() >= _ENOUGH_FOR_ROUND
        and (rows & (log.round > number)).sum() >= _ENOUGH_FOR_ROUND
    ):
        out.append(rows & (log.round == number))
        number += 1
    return [*out, rows & (log.round >= number)]

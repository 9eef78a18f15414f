"""Who works faster or slower than the others at an activity."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mkmine.eventlog import EventLog

__all__ = ["Pace", "estimate_paces"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_FEWEST = 5
# People differ if they would seem to by chance less than once in a hundred times (Cochran's Q).
_BY_CHANCE = 0.01
# A pace this near to everybody's is not worth a place in the model.
_ALIKE = 0.1
_SLOWEST = 5.0
_LARGEST_ERROR = 1.5


class Pace(NamedTuple):
    """By what a person's hours differ from everybody's (1: not at all), and how far that may be from the truth."""

    value: float
    error: float


def estimate_paces(log: EventLog, hours: Floats, rows: Flags) -> dict[int, Pace]:
    """Return by what each person's hours at an activity (its instances are `rows`) differ from everybody's.

    The ratio of a person's mean to that of all rounds alike is shrunk towards 1 by how certain it is: the variance of
    the true paces is what of the variance of the ratios chance does not explain (random effects by moments; DerSimonian
    and Laird 1986). Who did the activity fewer than 5 times, or is hardly quicker or slower, has everybody's pace, and
    so have all where chance explains the difference. The error is the root mean square one, relative to the value: of
    the shrunk ratio, and of having taken everybody's instead.
    """
    from scipy.special import chdtrc

    known = rows & (log.resource >= 0) & np.isfinite(hours)
    relative = np.full(len(log), np.nan)
    rounds = np.minimum(log.round, 2)
    for number in np.unique(rounds[known]):
        mine = known & (rounds == number)
        usual = float(hours[mine].mean())
        if usual > 0:
            relative[mine] = hours[mine] / usual
    known &= np.isfinite(relative)
    if not known.any():
        return {}
    people, code = np.unique(log.resource[known], return_inverse=True)
    count = np.bincount(code)
    mean = np.bincount(code, weights=relative[known]) / count
    spread = float(relative[known].var())
    enough = count >= _FEWEST
    if enough.sum() < 2 or spread == 0:
        return {}
    error = spread / count
    weight = 1 / error[enough]
    centre = float(weight @ mean[enough] / weight.sum())
    apart, freedom = float(weight @ (mean[enough] - centre) ** 2), int(enough.sum()) - 1
    between = max((apart - freedom) / float(weight.sum() - (weight @ weight) / weight.sum()), 0.0)
    shrunk = 1 + (mean - 1) * between / (between + error)
    told = enough & (np.abs(shrunk - 1) > _ALIKE) & (float(chdtrc(freedom, apart)) <= _BY_CHANCE)
    value = np.where(told, np.clip(shrunk, 1 / _SLOWEST, _SLOWEST), 1.0).round(3)
    off = np.sqrt(between * error / (between + error) + (shrunk - value) ** 2) / value
    return {
        int(person): Pace(float(one), round(min(float(by), _LARGEST_ERROR), 4))
        for person, one, by in zip(people, value, off, strict=True)
    }

"""Pieces of work that one person begins and ends together: how long they take, given how many they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mkmine.eventlog import EventLog

__all__ = ["Bundles", "find_bundles", "split_hours"]

Int = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

# So many bundles, holding so much of an activity's work, are a habit.
_FEWEST, _HABIT = 8, 0.2
# Of pieces begun together so many end together, and so many more than pieces that take as long by chance.
_TOGETHER, _BY_CHANCE = 0.9, 0.5
# Sizes seen less often say nothing of how the hours grow with the size.
_FEWEST_OF_SIZE = 5
_ADDITIONS = np.linspace(0, 1, 11)
_GRID = (np.arange(400) + 0.5) / 400


@dataclass(frozen=True, kw_only=True)
class Bundles:
    """Bundles of the instances (n,) of a log.

    `lead` is the first instance of the bundle of each, which is itself for most; `size` how many there are in it;
    `activities` those that are done in bundles.
    """

    lead: Int
    size: Int
    activities: tuple[int, ...]

    @property
    def leads(self) -> Flags:
        """Which instances stand for a piece of work."""
        return np.asarray(self.lead == np.arange(len(self.lead)))

    def without(self, rows: Flags) -> Bundles:
        """Return the bundles but for some activities, whose instances are `rows`."""
        return Bundles(
            lead=np.where(rows, np.arange(len(self.lead)), self.lead),
            size=np.where(rows, 1, self.size),
            activities=self.activities,
        )

    def earliest(self, moments: Int) -> Int:
        """Return the earliest of the moments (n,) of each bundle."""
        out = moments.copy()
        np.minimum.at(out, self.lead, moments)
        return np.asarray(out[self.lead])


def find_bundles(log: EventLog) -> Bundles:
    """Return what people do together: instances of an activity, of different cases, with one beginning and one end.

    An activity is done so if at least eight bundles hold a fifth of its work, and nine of ten pieces of one person that
    begin at the same time end at the same time, where chance would let at most half do so (by how often two pieces of
    the activity take equally long). A log of completions tells nothing of it.
    """
    lead = np.arange(len(log))
    size = np.ones(len(log), dtype=np.int64)
    rows = np.flatnonzero((log.resource >= 0) & (log.end > log.start) & ~log.ongoing)
    if log.timestamps != "interval" or not len(rows):
        return Bundles(lead=lead, size=size, activities=())
    rows = rows[np.lexsort((log.end[rows], log.start[rows], log.resource[rows], log.activity[rows]))]
    same = (log.activity[rows][1:] == log.activity[rows][:-1]) & (log.resource[rows][1:] == log.resource[rows][:-1])
    same &= log.start[rows][1:] == log.start[rows][:-1]
    fresh = np.append(True, ~(same & (log.end[rows][1:] == log.end[rows][:-1])))
    first = np.maximum.accumulate(np.where(fresh, np.arange(len(rows)), 0))
    count = np.bincount(first, minlength=len(rows))[first]
    found = []
    for code in np.unique(log.activity[rows[count > 1]]).tolist():
        mine = log.activity[rows] == code
        inside = mine & (count > 1)
        pairs = mine[1:] & same
        ended = float((log.end[rows][1:] == log.end[rows][:-1])[pairs].mean())
        lengths = np.unique((log.end - log.start)[rows[inside & fresh]], return_counts=True)[1] / (inside & fresh).sum()
        habit = (inside & fresh).sum() >= _FEWEST and inside.sum() >= _HABIT * mine.sum()
        if habit and ended >= _TOGETHER and float(lengths @ lengths) <= _BY_CHANCE and _of_several(log, rows, first):
            found.append(code)
            lead[rows[inside]] = rows[first[inside]]
            size[rows[inside]] = count[inside]
    return Bundles(lead=lead, size=size, activities=tuple(found))


def _of_several(log: EventLog, rows: Int, first: Int) -> bool:
    """Whether bundles hold different cases."""
    pairs = first[1:] == first[:-1]
    return bool((log.case_of[rows][1:] != log.case_of[rows][:-1])[pairs].mean() >= _TOGETHER)


def split_hours(hours: Floats, size: Int) -> tuple[Floats, float, bool]:
    """Return how long a piece takes alone, the part that each further one adds, and whether the log shows the latter.

    `hours` (m,) are of whole bundles of `size` pieces. A bundle takes as long as its longest piece and a part `a` of
    the hours of each other one; of log-normal pieces with the variation of the smallest bundles, the mean of the
    longest follows, and `a` is that which fits the means by size best (weighted least squares on a grid). With one
    size, pieces of one length and no addition explain the bundles.
    """
    usual = [one for one in np.unique(size).tolist() if (size == one).sum() >= _FEWEST_OF_SIZE]
    usual = usual or [int(np.median(size))]
    near = hours[size == usual[0]] if (size == usual[0]).any() else hours
    cv = float(near.std() / near.mean()) if near.mean() > 0 else 0.0
    number = np.array(usual, dtype=np.float64)
    means = np.array(
        [float(hours[size == one].mean()) if (size == one).any() else float(hours.mean()) for one in usual]
    )
    counts = np.array([max(int((size == one).sum()), 1) for one in usual], dtype=np.float64)
    longest = _longest(number, cv)
    best = (np.inf, 0.0)
    for addition in _ADDITIONS if len(usual) > 1 else _ADDITIONS[:1]:
        shape = longest + addition * (number - longest)
        weight = counts / means**2
        level = float((weight * shape) @ means / ((weight * shape) @ shape))
        miss = float(weight @ (means - level * shape) ** 2)
        best = min(best, (miss, float(addition)))
    addition = best[1]
    whole = _longest(size.astype(np.float64), cv)
    return hours / (whole + addition * (size - whole)), round(addition, 2), len(usual) > 1


def _longest(size: Floats, cv: float) -> Floats:
    """Return the mean of the longest of so many log-normal pieces with mean 1."""
    from scipy.special import ndtri

    sigma = float(np.sqrt(np.log1p(cv**2)))
    kinds, where = np.unique(size, return_inverse=True)
    values = [float(np.exp(sigma * ndtri(_GRID ** (1 / n)) - sigma**2 / 2).mean()) for n in kinds]
    return np.asarray(np.array(values)[where.ravel()])

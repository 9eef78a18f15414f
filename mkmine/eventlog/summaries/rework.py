"""Rework: how often each round of each activity was reached, and which instances return to an activity or go on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.errors import DataError
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.notebook import html_table
from mkmine.eventlog.statuses import tells_statuses
from mkmine.eventlog.summaries.plain import added, entry, records
from mkmine.eventlog.twins import compiled

__all__ = ["ActivityRounds", "ReworkCounts", "activity_rounds", "repeats", "rework_counts", "visits"]

Int = NDArray[np.int64]
SHOWN = 8


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ReworkCounts:
    """How often each round of each activity was reached, how often another followed, how often that is not yet known.

    `rounds` maps (activity, round) to (reached, returned, censored); a round is censored if no other followed and its
    case was still open when the observation ended.
    """

    rounds: Mapping[tuple[str, int], tuple[int, int, int]] = field(default_factory=dict)

    @property
    def cases(self) -> Mapping[str, int]:
        """In how many cases each activity was done more than once; those that were never are absent."""
        return {activity: figures[0] for (activity, number), figures in self.rounds.items() if number == 2}

    def merge(self, other: ReworkCounts) -> ReworkCounts:
        """Return the counts of both parts; `ReworkCounts()` is the identity."""
        return ReworkCounts(rounds=added(self.rounds, other.rounds))

    def to_pandas(self) -> pd.DataFrame:
        """Return one row per activity and round: activity, round, reached, returned, censored."""
        rows = [(*key, *value) for key, value in self.rounds.items()]
        return pd.DataFrame(rows, columns=["activity", "round", "reached", "returned", "censored"])

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, readable by `from_dict`."""
        return {"rounds": [[*key, *value] for key, value in sorted(self.rounds.items())]}

    @classmethod
    def from_dict(cls, values: object) -> ReworkCounts:
        """Read what `to_dict` returned. Raises `DataError` if it is not that."""
        what = "saved rework counts"
        rows = records(entry(values, "rounds", what), (str, int, int, int, int), what)
        rounds = {(activity, number): (a, b, c) for activity, number, a, b, c in rows}
        for activity, number in rounds:
            if number < 1 or (number > 1 and (activity, number - 1) not in rounds):
                raise DataError(f'{what} know round {number} of "{activity}", but not the one before; it is damaged')
        if len(rounds) < len(rows):
            raise DataError(f"{what} tell of a round twice; it is damaged")
        return cls(rounds=rounds)

    def __repr__(self) -> str:
        again = sorted(self.cases.items(), key=lambda item: (-item[1], item[0]))
        reached = {activity: figures[0] for (activity, number), figures in self.rounds.items() if number == 1}
        lines = [f"ReworkCounts: {len(again)} of {len(reached)} activities are done again in some case"]
        lines += [f"  {activity}: again in {n:,} of {reached[activity]:,} cases" for activity, n in again[:SHOWN]]
        return "\n".join([*lines, *(["  ..."] if len(again) > SHOWN else [])])

    def _repr_html_(self) -> str:
        return html_table(self.to_pandas(), repr(self).splitlines()[0])


def rework_counts(log: EventLog) -> ReworkCounts:
    """Count the rounds of every activity."""
    k = len(log.activities)
    if compiled(len(log)):
        from mkmine.eventlog.summaries import kernels

        begins, reached, seen_open = kernels.rework(log.offsets, log.activity, log.completed, k)
    else:
        begins = np.concatenate(([0], np.cumsum(_most_rounds(log))))
        key = begins[log.activity] + log.round - 1
        reached = np.bincount(key, minlength=int(begins[-1]))
        seen_open = np.bincount(key[~log.completed[log.case_of]], minlength=int(begins[-1]))
    later, later_open = np.append(reached[1:], 0), np.append(seen_open[1:], 0)
    # Nothing follows the last round of an activity; the next place is another activity's.
    most = np.diff(begins)
    ends = begins[1:][most > 0] - 1
    later[ends] = later_open[ends] = 0
    activity = np.repeat(np.arange(k), most)
    number = np.arange(int(begins[-1])) - begins[activity] + 1
    figures = (activity, number, reached, later, seen_open - later_open)
    return ReworkCounts(
        rounds={
            (log.activities[code], one): (a, b, c)
            for code, one, a, b, c in zip(*(column.tolist() for column in figures), strict=True)
        }
    )


class ActivityRounds(NamedTuple):
    """Of each activity (k,): instances, cases, most rounds in a case, cases that start and completed ones that end
    with it, and cases that returned to it after another activity.
    """

    instances: Int
    cases: Int
    most: Int
    starts: Int
    ends: Int
    returned: Int


def activity_rounds(log: EventLog) -> ActivityRounds:
    """Count instances, cases, rounds and returns of each activity in one pass."""
    k, codes = len(log.activities), log.activity
    if compiled(len(log)):
        from mkmine.eventlog.summaries import kernels

        return ActivityRounds(*kernels.activity_rounds(log.offsets, codes, log.completed, k, goes_on(log)))
    rounds = log.round
    last = codes[log.offsets[1:] - 1]
    return ActivityRounds(
        instances=np.bincount(codes, minlength=k),
        cases=np.bincount(codes[rounds == 1], minlength=k),
        most=_most_rounds(log),
        starts=np.bincount(codes[log.offsets[:-1]], minlength=k),
        ends=np.bincount(last[log.completed], minlength=k),
        returned=np.bincount(codes[(visits(log) == 2) & ~repeats(log)], minlength=k),
    )


def _most_rounds(log: EventLog) -> Int:
    count = np.bincount(log.activity, minlength=len(log.activities))
    most, found = np.zeros(len(count), dtype=np.int64), np.flatnonzero(count)
    order = np.argsort(log.activity, kind="stable")
    most[found] = np.maximum.reduceat(log.round[order], (np.cumsum(count) - count)[found])
    return most


def goes_on(log: EventLog) -> bool:
    """Return whether the same activity twice in a row is going on with it, and not a return; see `repeats`."""
    return log.enabled is None and not tells_statuses(log)


def repeats(log: EventLog) -> NDArray[np.bool_]:
    """Return for each instance (n,) whether it merely goes on with the same activity as the instance before it.

    Where a source tells only what was done, the same activity twice in a row is a hand-over or a second sitting, and
    not a return. None is one where `enabled` is recorded or the log tells statuses: there each is an entry of its own.
    """
    same = np.zeros(len(log), dtype=np.bool_)
    if goes_on(log):
        same[1:] = log.activity[1:] == log.activity[:-1]
        same[log.offsets[:-1]] = False
    return same


def visits(log: EventLog) -> Int:
    """Return which visit of its case to its activity an instance belongs to, counted from 1, shape (n,).

    That is its round, but for `repeats`, which belong to the visit that they go on with.
    """
    same = repeats(log)
    if not same.any():
        return log.round.astype(np.int64)
    # In this order the rounds of one activity in one case stand together, and the first of them is no repeat.
    order = np.argsort(log.activity, kind="stable")
    total = np.cumsum(same[order])
    begins = np.flatnonzero(log.round[order] == 1)
    earlier = np.empty(len(log), dtype=np.int64)
    earlier[order] = total - np.repeat(total[begins], np.diff(np.append(begins, len(total))))
    return log.round - earlier

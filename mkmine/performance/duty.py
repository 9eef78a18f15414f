"""When people were on duty, when busy and when free, as timelines of office time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mkmine.calendars import DAY, Timeline, local_time
from mkmine.calendars.timeline import merged, overlaid
from mkmine.eventlog.log import EventLog

__all__ = ["Duty", "capacities", "depth", "duties"]

Ints = NDArray[np.int64]

# Having more things in hand than the capacity takes up at most this share of a person's busy time. In trackers work
# seems to overlap that was moved on together at the end of the day.
SELDOM = 0.2
# The attribute by which readers of trackers mark issues that were moved together.
BULK = "bulk"
NEVER = Timeline(*(np.zeros(0, dtype=np.int64) for _ in range(3)))


@dataclass(frozen=True, eq=False, kw_only=True)
class Duty:
    """Of one person, or of several together: when (at least one) is on duty, and when (at least one) is free then.

    Both are within office time. Who has as much in hand as their capacity is not free.
    """

    present: Timeline
    free: Timeline

    @classmethod
    def together(cls, people: Sequence[Duty]) -> Duty:
        """Return when at least one of these people is there, and when at least one of them is free."""
        if len(people) == 1:
            return people[0]
        return cls(
            present=overlaid([one.present for one in people], least=1),
            free=overlaid([one.free for one in people], least=1),
        )


def duties(log: EventLog, *, office: Timeline, hours: Sequence[Timeline], capacity: Ints) -> list[Duty]:
    """Return the duty of every person of a log; `hours` are theirs, `capacity` is how much they do at a time.

    Who moves several issues on at once (`bulk` of a tracker's log) did their work before, unseen: they count as busy
    from the morning until then.
    """
    rows, begins = work_of_people(log)
    unseen = _moved_in_bulk(log)
    out = []
    for person, own in enumerate(hours):
        mine = rows[begins[person] : begins[person + 1]]
        present = overlaid([office, own], least=2)
        if not len(present.starts):
            out.append(Duty(present=NEVER, free=NEVER))
            continue
        moments, running = depth(log.start[mine], log.end[mine])
        full = running >= capacity[person]
        moved = np.unique(np.concatenate((log.start[mine], log.end[mine]))[np.tile(unseen[mine], 2)])
        mornings = moved - local_time(moved, log.time_zone) % DAY
        begun, done = moments[:-1][full[:-1]], moments[1:][full[:-1]]
        taken = merged(np.concatenate((begun, mornings)), np.concatenate((done, moved)))
        out.append(Duty(present=present, free=_without(present, taken)))
    return out


def _moved_in_bulk(log: EventLog) -> NDArray[np.bool_]:
    if BULK not in log.attributes:
        return np.zeros(len(log), dtype=np.bool_)
    marked = log.attributes[BULK]
    return marked if marked.dtype == np.bool_ else np.zeros(len(log), dtype=np.bool_)


def capacities(log: EventLog) -> Ints:
    """Return how many things every person does at a time, (people,), at least 1.

    The fewest such that having more in hand takes up at most 20 % of the time in which they have anything. What goes on
    at the end of the log, and what takes no time, does not count.
    """
    rows, begins = work_of_people(log)
    out = np.ones(len(log.resources), dtype=np.int64)
    for person in range(len(out)):
        mine = rows[begins[person] : begins[person + 1]]
        mine = mine[~log.ongoing[mine]]
        moments, running = depth(log.start[mine], log.end[mine])
        if len(moments) < 2:
            continue
        spent = np.bincount(running[:-1], weights=np.diff(moments))[1:]
        if spent.sum() > 0:
            more = 1 - np.cumsum(spent) / spent.sum()
            out[person] = 1 + int(np.argmax(more <= SELDOM))
    return out


def work_of_people(log: EventLog) -> tuple[Ints, Ints]:
    """Return the instances (rows) in order of their person, and where each person's begin, (people + 1,)."""
    who = log.resource.astype(np.int64)
    rows = np.argsort(who, kind="stable")
    begins = np.searchsorted(who[rows], np.arange(len(log.resources) + 1))
    return rows, begins


def depth(starts: Ints, ends: Ints) -> tuple[Ints, Ints]:
    """Return the moments at which anything starts or ends, and how much goes on from each of them to the next."""
    moments, where = np.unique(np.concatenate((starts, ends)), return_inverse=True)
    steps = np.bincount(where[: len(starts)], minlength=len(moments))
    steps -= np.bincount(where[len(starts) :], minlength=len(moments))
    return moments, np.cumsum(steps)


def _without(line: Timeline, taken: Timeline) -> Timeline:
    """Return when the first timeline is open and the second one is not."""
    if not len(taken.starts):
        return line
    first, last = line.starts[0], line.ends[-1]
    starts = np.concatenate(([first], taken.ends))
    ends = np.concatenate((taken.starts, [last]))
    gaps = merged(np.maximum(starts, first), np.minimum(ends, last))
    return overlaid([line, gaps], least=2) if len(gaps.starts) else NEVER

"""Who of a role takes the next piece: the choices that its work had among those who were free for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mkmine.discovery.pools import Pools
from mkmine.eventlog import EventLog
from mkmine.performance.availability import Presence
from mkmine.simulation.calibration.estimators.preferences import Chosen, Preferences, estimate_preferences
from mkmine.simulation.calibration.habits import Habits
from mkmine.simulation.calibration.order import barred, owners

__all__ = ["Preferring", "find_preferences"]

Int = NDArray[np.int64]

# So many choices of a role say enough; of more, the last ones are looked at.
_MOST = 10_000


@dataclass(frozen=True, kw_only=True)
class Preferring:
    """What the people of a role prefer; `members` are the people whom the preferences belong to, in their order."""

    members: tuple[int, ...]
    preferences: Preferences

    def at(self, activity: int) -> dict[int, tuple[float, float]]:
        """Return how readily each of them takes an activity, and the relative standard error of that."""
        found = self.preferences.of_activity.get(activity)
        if found is None:
            return {}
        each = zip(found.value.tolist(), found.error.tolist(), strict=True)
        return dict(zip(self.members, each, strict=True))


def find_preferences(log: EventLog, pools: Pools, presence: Presence, habits: Habits) -> dict[int, Preferring]:
    """Return by role who takes what more readily than others, where the log shows it (`estimate_preferences`).

    Somebody is free for a piece who still has its role, is on duty when it is begun, and has fewer things in hand than
    they can have; and so is whoever took it. What has to be done by a certain person is nobody's choice.
    """
    role = pools.of_activity[log.activity]
    chosen = habits.pieces & (log.resource >= 0) & (log.timestamps == "interval") & (owners(log, habits) < 0)
    not_these = barred(log, habits)
    out = {}
    for number in range(len(pools.names)):
        members = [person for person, roles in enumerate(pools.of_person) if number in roles]
        rows = np.flatnonzero(chosen & (role == number) & np.isin(log.resource, members))
        if len(members) < 2 or not len(rows):
            continue
        rows = rows[np.argsort(log.start[rows], kind="stable")][-_MOST:]
        found = estimate_preferences(_choices(log, rows, members, presence, habits.spent.capacity, not_these))
        if found is not None:
            out[number] = Preferring(members=tuple(members), preferences=found)
    return out


def _choices(
    log: EventLog, rows: Int, members: list[int], presence: Presence, capacity: tuple[int, ...], not_these: Int
) -> Chosen:
    moment = log.start[rows]
    free = np.zeros((len(rows), len(members)), dtype=np.bool_)
    idle = np.zeros(free.shape)
    for column, person in enumerate(members):
        mine = np.flatnonzero(log.resource == person)
        begun, done = np.sort(log.start[mine]), np.sort(log.end[mine])
        ended = np.searchsorted(done, moment, side="right")
        in_hand = np.searchsorted(begun, moment, side="left") - ended
        on_duty = presence.employed(person).is_open(moment)
        free[:, column] = on_duty & (in_hand < capacity[person]) & (not_these[rows] != person)
        idle[:, column] = moment - np.where(ended > 0, done[np.maximum(ended, 1) - 1], log.observed[0] - 1)
    place = np.full(len(log.resources), -1, dtype=np.int64)
    place[members] = np.arange(len(members))
    taken = place[log.resource[rows]]
    free[np.arange(len(rows)), taken] = True
    return Chosen(person=taken, activity=log.activity[rows].astype(np.int64), free=free, idle=idle)

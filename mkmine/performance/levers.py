"""What to try: levers with an estimated gain, its interval, the evidence for it, and the scenario that simulates it.

Every gain is an estimate from the log by a rule of thumb that stands in `method`; none sees that work which waits no
longer in one place may wait in the next. A simulation does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.calendars import DAY, Calendar
from mkmine.discovery.pools import Pools
from mkmine.discovery.rework import Rework, every_loop
from mkmine.eventlog.concurrency import enabled_beside
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.statuses import is_final, tells_statuses
from mkmine.eventlog.summaries import batches, working_hours
from mkmine.performance.approximations import every_day, mean_gap, queue_factor
from mkmine.performance.breakdown import Causes
from mkmine.performance.causes import CAUSES
from mkmine.performance.lever import Lever
from mkmine.performance.resamples import Resamples
from mkmine.performance.waiting import is_planned

__all__ = ["find_levers"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

EXAMPLES = 3
MOST = 8
# A way back that a simulation model can tell from a way on: most of its transitions lead to a further round.
MOSTLY_BACK = 0.5
# An activity that goes back this often takes no decision.
ALWAYS_BACK = 0.95
# An approval that sends back less than this decides hardly anything.
SELDOM_BACK = 0.05
# People who are seldom busy are not what work waits for, and those busier than this have no time for other work.
SELDOM_BUSY, SPARE = 0.1, 0.6
# A cause with less than this share of what a place waits is not its trouble.
MATTERS = 0.1
# With this share of its waiting in queues a process holds more cases at a time than it can work on; with less, cases
# that wait for something else would take the places.
CROWDED = 0.5
APPROVAL = re.compile(
    r"соглас|утвержд|одобр|визир|провер|при[её]мк|approv|review|sign.?off|check|accept|authori[sz]|verif", re.IGNORECASE
)
HALF = 0.5

STAFF_METHOD = (
    "waiting for busy people, times the change of Sakasegawa's approximation (1977) of the queue of several servers"
)
REWORK_METHOD = (
    "hours of the loops, times the returns saved if rounds follow each other geometrically; what the repeated work "
    "makes others wait for its people, by Sakasegawa's approximation, is in the upper end only"
)
REMOVE_METHOD = "hours from enabled to end, as if nothing else went on meanwhile"
BATCH_METHOD = "waiting for the batch, in proportion to its size less one"
HOURS_METHOD = "waiting for people to be there, times the change of the mean time until they next are"
WAIT_METHOD = "half of the wait there"
LIMIT_METHOD = "Little's law: cases let in later wait before they begin, which is not counted"


def find_levers(
    log: EventLog, *, causes: Causes, again: Rework, load: pd.DataFrame, people: pd.DataFrame, lost: pd.DataFrame,
    pools: Pools, calendar: Calendar,
) -> tuple[Lever, ...]:  # fmt: skip
    """Return the levers of a log, the largest estimated gain first; at most eight.

    A limit comes last: it moves waiting to before the case begins rather than saving it.
    `load` and `people` are the workload of roles and persons, `lost` the bottlenecks, `again` the loops of rework.
    """
    found = _Evidence(
        log=log, causes=causes, again=again, load=load, people=people, lost=lost, pools=pools, calendar=calendar
    )
    levers = [
        *found.staff(),
        *found.skill(),
        *found.rework(),
        *found.remove(),
        *found.batch(),
        *found.hours(),
        *found.wait(),
        *found.limit(),
    ]
    worth = [one for one in levers if one.gain_h > 0]
    return tuple(sorted(worth, key=lambda one: (one.kind == "wip_limit", -one.gain_h))[:MOST])


@dataclass(frozen=True, eq=False, kw_only=True)
class _Evidence:
    """What a log and its diagnosis say of the levers."""

    log: EventLog
    causes: Causes
    again: Rework
    load: pd.DataFrame
    people: pd.DataFrame
    lost: pd.DataFrame
    pools: Pools
    calendar: Calendar
    resamples: Resamples = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "resamples", Resamples.of(self.log, seed=0))

    # -- what is common to all -----------------------------------------------------------------------------------------

    def _with_gain(self, lever: Lever, cases: Ints, hours: Floats, factor: float = 1.0) -> Lever:
        """Return the lever with a gain: a share of the hours (rows,) that these cases lost, per case of the log."""
        m = self.log.n_cases
        total, drawn = self.resamples.sums(cases, hours[:, None])
        low, high = self.resamples.interval(total, drawn)
        by_case = np.bincount(cases, weights=hours, minlength=m)
        worst = np.argsort(-by_case, kind="stable")[:EXAMPLES]
        return replace(
            lever,
            gain_h=float(total[0] * factor) / m,
            low_h=max(float(low[0] * factor) / m, 0.0) if np.isfinite(low[0]) else float("nan"),
            high_h=float(high[0] * factor) / m,
            examples=tuple(str(self.log.case_ids[case]) for case in worst if by_case[case] > 0),
        )

    def _hours(self, rows: NDArray[np.integer], *names: str) -> Floats:
        """Return what instances waited for these causes."""
        return np.asarray(self.causes.hours[rows][:, [CAUSES.index(name) for name in names]].sum(axis=1))

    @property
    def _told(self) -> bool:
        """Whether starts are recorded, without which nothing is known of how busy anybody is."""
        return self.log.timestamps == "interval"

    @property
    def _queues(self) -> pd.DataFrame:
        """Roles whose work waits while their people are busy, the worst first.

        A log without starts does not tell how busy people are, and a queue alone does not tell that they are too few.
        """
        if not self._told:
            return self.load.head(0)
        busy = self.load[(self.load["utilisation"] >= SELDOM_BUSY) & (self.load["contention_h"] > 0)]
        waited = self.causes.roles[self.causes.roles["cause"].isin(("contention", "prioritisation"))]
        hours = waited.groupby("role")["hours"].sum()
        busy = busy.assign(queued_h=busy["role"].map(hours).fillna(0.0).astype(float))
        return busy[busy["queued_h"] > 0].sort_values("queued_h", ascending=False, kind="stable")

    def _rows_of(self, role: str) -> Ints:
        number = self.pools.names.index(role)
        return np.flatnonzero(self._served_by == number)

    @property
    def _served_by(self) -> Ints:
        """The role for which each instance waits, (n,)."""
        role = self.pools.of_instance.astype(np.int64)
        if not tells_statuses(self.log):
            return role
        # A stay in a queue waits for those of the status after it.
        after = np.append(role[1:], -1)
        after[self.log.offsets[1:] - 1] = -1
        return np.where(role >= 0, role, after)

    # -- people ----------------------------------------------------------------------------------------------------

    def staff(self) -> Iterator[Lever]:
        for row in self._queues.head(2).to_dict("records"):
            yield self._more_people(row, 1.0)

    def _more_people(self, row: Mapping[Any, Any], more: float) -> Lever:
        role, number, busy = str(row["role"]), float(row["people"]), float(row["utilisation"])
        left = queue_factor(number, busy, more)
        reason = (
            f"its work waits {row['queued_h']:,.0f} hours while its people are on duty, and they are busy "
            f"{busy:.0%} of the time"
        )
        lever = Lever(
            kind="staff",
            name=role,
            value=more,
            reason=reason,
            evidence={"contention_h": float(row["queued_h"]), "utilisation": busy, "people": int(number)},
            method=STAFF_METHOD,
            changes=({"do": "staff", "role": role, "change": 1},),
        )
        rows = self._rows_of(role)
        queued = self._hours(rows, "contention", "prioritisation")
        return self._with_gain(lever, self.log.case_of[rows].astype(np.int64), queued, 1 - left)

    def skill(self) -> Iterator[Lever]:
        """Let the person with most time to spare help the role whose work queues longest."""
        for row in self._queues.head(1).to_dict("records"):
            # Whose work takes no time in the log may still be busy.
            able = self.people["utilisation"].between(SELDOM_BUSY, SPARE) & (self.people["role"] != row["role"])
            others = self.people[able]
            weeks = (self.log.observed[1] - self.log.observed[0]) / (7 * DAY)
            spare = (others["open_h"] * (1 - others["utilisation"])).to_numpy(dtype=np.float64) / max(weeks, 1e-9)
            own = float(row["open_h"]) / max(float(row["people"]), 1) / max(weeks, 1e-9)
            if not len(others) or own <= 0:
                continue
            best = int(np.argmax(spare))
            person = others.iloc[best]
            more = min(float(spare[best]) / own, 1.0)
            lever = self._more_people(row, more)
            # The helper does a fair part of the work of the role, as far as there is time for it.
            taken = min(float(spare[best]), own * float(row["utilisation"]) * row["people"] / (row["people"] + 1))
            yield replace(
                lever,
                kind="skill",
                value=1.0,
                reason=(
                    f"{person['person']} ({person['role']}) is busy {person['utilisation']:.0%} of the time, its "
                    f"people {row['utilisation']:.0%}; the role {person['role']} may lose up to {taken:.0f} hours a "
                    "week"
                ),
                evidence={
                    "person": str(person["person"]),
                    "role": str(person["role"]),
                    "spare_hours_per_week": float(spare[best]),
                    "utilisation": float(row["utilisation"]),
                    "taken_hours_per_week": taken,
                },
                changes=({"do": "skill", "person": str(person["person"]), "role": str(row["role"])},),
            )

    def hours(self) -> Iterator[Lever]:
        """Let those come every day whose work waits for them to be there."""
        waited = self.causes.roles
        waited = waited[(waited["cause"] == "unavailability") & (waited["share"] >= MATTERS) & (waited["hours"] > 0)]
        if not self._told or not len(waited):
            return
        row = waited.sort_values("hours", ascending=False).iloc[0]
        role = str(row["role"])
        team = [p for p, roles in enumerate(self.pools.recorded) if self.pools.names.index(role) in roles]
        presence, office = self.causes.presence, self.causes.presence.office
        kept = {presence.calendars[presence.calendar_of[person]] for person in team}
        if not team or office.is_always_open:
            return
        widest = max(kept, key=lambda one: one.hours_per_week)
        other = every_day(widest, office)
        if other is None:
            return
        spread, weekly = other
        before, after = (mean_gap(one, office, self.log) for one in (widest, spread))
        if not 0 < after < before:
            return
        days = len(weekly)
        lever = Lever(
            kind="hours",
            name=role,
            value=float(days),
            reason=f"its work waits {row['hours']:,.0f} hours for its people to be there ({widest.describe()})",
            evidence={"hours": float(row["hours"]), "hours_per_week": widest.hours_per_week, "days": days},
            method=HOURS_METHOD,
            changes=({"do": "calendar", "role": role, "weekly": weekly},),
        )
        rows = self._rows_of(role)
        cases = self.log.case_of[rows].astype(np.int64)
        yield self._with_gain(lever, cases, self._hours(rows, "unavailability"), 1 - after / before)

    # -- work ------------------------------------------------------------------------------------------------------

    def rework(self) -> Iterator[Lever]:
        """Choose the costliest loops that begin with a decision: an activity that always leads back only passes on."""
        loops = self.again.loops
        counts = dict(zip(self.log.activities, np.bincount(self.log.activity).tolist(), strict=False))
        executed = loops["gate"].map(counts)
        able = (loops["hours"] > 0) & (loops["share_back"] > MOSTLY_BACK) & (loops["returns"] < ALWAYS_BACK * executed)
        every = every_loop(self.log, self.calendar) if able.any() else None
        for row in loops[able].head(2).to_dict("records"):
            assert every is not None
            gate = str(row["gate"])
            mine = every[every["gate"] == self.log.activities.index(gate)]
            back = float(row["returns"]) / counts[gate]
            lever = Lever(
                kind="rework",
                name=gate,
                value=HALF,
                reason=(
                    f"{row['returns']:,} returns to {row['target']} cost {row['hours']:,.0f} working hours, without "
                    "what others wait for the repeated work"
                ),
                evidence={"returns": int(row["returns"]), "hours": float(row["hours"]), "target": str(row["target"])},
                method=REWORK_METHOD,
                changes=({"do": "rework", "activity": gate, "factor": HALF},),
            )
            # Rounds follow each other geometrically: p / (1 - p) returns become (p / 2) / (1 - p / 2).
            saved = 1 - HALF * (1 - back) / (1 - HALF * back)
            told = self._with_gain(lever, mine["case"].to_numpy(np.int64), mine["hours"].to_numpy(np.float64), saved)
            part = saved * float(row["returns"]) / max(int(loops["returns"].sum()), 1)
            yield replace(told, high_h=told.high_h + self._queued_behind(part) / self.log.n_cases)

    def _queued_behind(self, part: float) -> float:
        """Return the hours of queues that a part of all repeated work causes; NaN where nothing tells of queues."""
        if not self._told:
            return float("nan")
        log, caused = self.log, 0.0
        work = working_hours(self.calendar, log.start, log.end)
        for row in self._queues.to_dict("records"):
            rows = np.flatnonzero(self.pools.of_instance == self.pools.names.index(str(row["role"])))
            every = float(work[rows].sum())
            repeated = float(work[rows[log.round[rows] > 1]].sum())
            lighter = part * repeated / every if every > 0 else 0.0
            left = queue_factor(float(row["people"]), float(row["utilisation"]), 0, lighter=lighter)
            caused += float(row["queued_h"]) * (1 - left)
        return caused

    def remove(self) -> Iterator[Lever]:
        """Choose the approval that hardly ever sends anything back and takes most time."""
        log = self.log
        if not self._told:
            return
        again = dict(zip(self.again.loops["gate"], self.again.loops["returns"], strict=True))
        taken = working_hours(self.calendar, enabled_beside(log), log.end)
        best: tuple[float, str, Ints, float] | None = None
        for code, name in enumerate(log.activities):
            rows = np.flatnonzero((log.activity == code) & ~log.ongoing)
            if not APPROVAL.search(name) or not len(rows) or is_final(name):
                continue
            back = float(again.get(name, 0)) / len(rows)
            hours = float(taken[rows].sum())
            if back <= SELDOM_BACK and (best is None or hours > best[0]):
                best = (hours, name, rows, back)
        if best is None:
            return
        hours, name, rows, back = best
        lever = Lever(
            kind="remove",
            name=name,
            value=1.0,
            reason=f"{1 - back:.0%} of its {len(rows):,} executions pass, and it takes {hours:,.0f} working hours",
            evidence={"instances": len(rows), "passed": 1 - back, "hours": hours},
            method=REMOVE_METHOD,
            changes=({"do": "remove", "activity": name},),
        )
        yield self._with_gain(lever, log.case_of[rows].astype(np.int64), taken[rows])

    def batch(self) -> Iterator[Lever]:
        """Hand over smaller batches where work waits for batches to be full."""
        waited = self.causes.shares
        waited = waited[(waited["cause"] == "batching") & (waited["share"] >= MATTERS)]
        if not self._told or not len(waited):
            return
        row = waited.sort_values("hours", ascending=False).iloc[0]
        name, log = str(row["activity"]), self.causes.log
        rows = np.flatnonzero(log.activity == log.activities.index(name))
        found = batches(log)
        sizes = np.bincount(found.of[rows][found.of[rows] >= 0])
        size = float(sizes[sizes > 0].mean()) if sizes.any() else 1.0
        smaller = max(round(size * HALF), 1)
        longest = max(round(float(np.quantile(self._hours(rows, "batching"), 0.95)), 1), 1.0)
        lever = Lever(
            kind="batch",
            name=name,
            value=HALF,
            reason=f"cases wait {row['hours']:,.0f} working hours until batches of {size:.1f} are complete",
            evidence={"hours": float(row["hours"]), "size": size, "smaller": smaller},
            method=BATCH_METHOD,
            # Nothing waits for ever for a batch that is never full.
            changes=({"do": "batch", "activity": name, "size": smaller, "hours": longest},),
        )
        # The first of a batch of n waits for n - 1 others, on average each for half of them.
        left = max(smaller - 1, 0) / max(size - 1, 1e-9)
        yield self._with_gain(
            lever, log.case_of[rows].astype(np.int64), self._hours(rows, "batching"), max(1 - left, 0.0)
        )

    def wait(self) -> Iterator[Lever]:
        """Choose the longest wait for something other than a busy colleague, as far as the log tells them apart.

        A wait for a day that a plan has set is no loss. What is done but not closed is left out: closing it earlier
        helps nobody.
        """
        log, lost = self.log, self.lost
        waits = {str(row["where"]): float(row["hours"]) for row in lost[lost["kind"] == "outside"].to_dict("records")}
        spent = self.causes.shares
        for row in spent[(spent["cause"] == "outside") & (spent["share"] >= MATTERS)].to_dict("records"):
            waits.setdefault(str(row["activity"]), float(row["hours"]))
        if tells_statuses(log):
            waits = {name: hours for name, hours in waits.items() if not is_final(name)}
        roles = dict(zip(log.activities, self.pools.of_activity.tolist(), strict=True))
        waits = {
            name: hours
            for name, hours in waits.items()
            if not is_planned(name, self.pools.names[roles[name]] if roles.get(name, -1) >= 0 else None)
        }
        if not waits:
            return
        name = max(waits, key=lambda one: waits[one])
        read = self.causes.log
        rows = np.flatnonzero(read.activity == read.activities.index(name))
        every = float(self.lost["hours"].sum())
        reason, evidence = f"cases wait {waits[name]:,.0f} working hours there", {"hours": waits[name]}
        readings = [self._outside_hours(rows, one) for one in self.causes.readings]
        least, most = (pick(float(one.sum()) for one in readings) for pick in (min, max))
        if most > least:
            reason = f"cases wait {least:,.0f} to {most:,.0f} working hours there, as far as completions tell"
            evidence |= {"low_hours": least, "high_hours": most}
        lever = Lever(
            kind="wait",
            name=name,
            value=HALF,
            reason=reason,
            evidence={**evidence, "share": waits[name] / every if every else float("nan")},
            method=WAIT_METHOD,
            changes=({"do": "delay", "activity": name, "factor": HALF},),
        )
        hours = np.mean(readings, axis=0)
        # Of what is known of the place only the hours of this list are outside.
        factor = HALF * waits[name] / hours.sum() if hours.sum() > 0 else 0.0
        cases = read.case_of[rows].astype(np.int64)
        told = self._with_gain(lever, cases, hours, factor)
        bounds = [self._with_gain(lever, cases, one, factor) for one in readings]
        yield replace(told, low_h=min(one.low_h for one in bounds), high_h=max(one.high_h for one in bounds))

    def _outside_hours(self, rows: Ints, spent: Floats) -> Floats:
        """Return what instances lasted since they were enabled where nobody does them, or else waited outside."""
        read = self.causes.log
        whole = working_hours(self.calendar, enabled_beside(read)[rows], read.end[rows])
        return np.where(read.resource[rows] < 0, whole, spent[rows, CAUSES.index("outside")])

    def limit(self) -> Iterator[Lever]:
        """Let fewer cases in at a time where they mostly stand in queues."""
        log = self.log
        total = self.causes.total.set_index("cause")["hours"]
        queued = float(total["contention"] + total["prioritisation"])
        every = float(total.sum())
        if not self._told or every <= 0 or queued / every < CROWDED:
            return
        begun, ended = log.start[log.offsets[:-1]], np.maximum.reduceat(log.end, log.offsets[:-1])
        first, last = log.observed
        inside = (np.minimum(ended, last) - np.maximum(begun, first)).clip(min=0)
        wip = float(inside.sum()) / max(last - first, 1)
        spent = working_hours(self.calendar, begun, ended)
        share = HALF * queued / float(spent.sum())
        limit = round(wip * (1 - share))
        if not 2 <= limit < wip:
            return
        rows = np.arange(len(log))
        lever = Lever(
            kind="wip_limit",
            name=log.name,
            value=float(limit),
            reason=(
                f"on average {wip:,.0f} cases are under way, and {queued / every:.0%} of what they wait is for busy "
                "people"
            ),
            evidence={"wip": wip, "limit": limit, "queued_h": queued},
            method=LIMIT_METHOD,
            changes=({"do": "wip_limit", "limit": limit},),
        )
        factor = (1 - limit / wip) * float(spent.sum()) / queued
        yield self._with_gain(
            lever, log.case_of.astype(np.int64), self._hours(rows, "contention", "prioritisation"), factor
        )

"""When work was begun of which only the completion is known: two readings of the time before it.

Between somebody's last completion and the next one lie work and the time without any, and nothing says how they share
it. What they took up while they were there is bounded: it was begun when it was ready and they were done with what they
completed before, or later, if it waited for something outside until then.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from mkmine.calendars import DAY, HOUR, MINUTE, Timeline
from mkmine.eventlog.cleaning.changes import reordered, with_column
from mkmine.eventlog.cleaning.estimates import MISSING, enabled_by_completions, estimate_starts, free_since
from mkmine.eventlog.concurrency import rank_correlation
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.summaries import outside_activities
from mkmine.performance.availability import Presence
from mkmine.performance.duty import work_of_people

__all__ = ["begun", "without_estimates"]

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

# Work takes as long however long it was ready, so that gaps which shrink with it hold something else: a correlation
# that chance brings about once in 2,000 times shows it, and one that it brings about once in 20 leaves it open.
SHOWN, OPEN = 3.3, 1.65
# From fewer instances, or fewer that were ready before their person was, nothing is told.
FEWEST = 30
# Lengths of work that are tried in each gap, bins of the delays, and rounds of estimation.
STEPS, BINS, ROUNDS = 24, 30, 40
NARROW, WIDE = 0.2, 2.0
LEAST_HOURS = 1e-4
# The fractional parts of the multiples of both cover (0, 1) evenly, also together (Roberts' sequence).
EVEN, SHIFT = 0.6180339887498949, 0.7548776662466927


def without_estimates(log: EventLog) -> EventLog:
    """Return the log with what is recorded only: starts that `estimate_starts` put in become completions again."""
    if log.timestamps == "interval":
        return log
    if log.timestamps == "estimated":
        told = _recorded(log)
        start = np.where(told, log.start, log.end)
        return reordered(log, start=start, timestamps="estimated" if told.any() else "completed")
    return log


def begun(log: EventLog, presence: Presence) -> tuple[Ints, Ints]:
    """Return two readings of when each instance of a log without starts was begun, (n,) µs each.

    Work whose gaps do not depend on how long it was ready was begun at the beginning of its gap. Else it waited for
    something outside: its delay has any distribution, its length is log-normal (by activity, first and later rounds
    apart), and starts are drawn from what the gap leaves of both (the EM algorithm; even ranks). The two readings
    differ in what else is known of the delay: nothing (the first); or that it was not over at the last moment before
    the gap at which the person was free (the second), which also reads delays into activities where the log leaves
    open whether there are any. Persons' free time in turn follows from the starts, so that the first reading tells too
    little of delays and the second too much.

    What nobody of the log does begins when it is ready. The first work of a case begins as `estimate_starts` says.
    Everybody is taken to do one thing at a time.
    """
    gaps = _Gaps.of(log, presence)
    shown, left_open = gaps.delayed()
    return gaps.read(shown, idle=False), gaps.read(shown + left_open, idle=True)


def _recorded(log: EventLog) -> Bools:
    if "start_from" not in log.attributes:
        return np.zeros(len(log), dtype=np.bool_)
    return np.asarray(log.attributes["start_from"] == "recorded", dtype=np.bool_)


@dataclass(frozen=True, eq=False, kw_only=True)
class _Gaps:
    """The gaps before completions, in the order of the log, µs; `known` marks those that are work or idleness.

    `ready` is when each could have begun, `free` the person's completion before, `since` when the gap begins, and
    `usual` a start for those without a gap. `people` holds each person's rows in order of their completions.
    """

    log: EventLog
    office: Timeline
    lines: list[Timeline]
    people: list[Ints]
    ready: Ints
    free: Ints
    since: Ints
    usual: Ints
    known: Bools

    @classmethod
    def of(cls, log: EventLog, presence: Presence) -> _Gaps:
        first, last = int(log.start.min()) - DAY, int(log.end.max()) + DAY
        ready = enabled_by_completions(log) if log.enabled is None else log.enabled
        free, told = free_since(log), _recorded(log)
        nobody = outside_activities(log)[log.activity]
        known = (ready != MISSING) & (log.resource >= 0) & ~nobody & ~log.ongoing & ~told
        usual = np.where(nobody & (ready != MISSING), ready, _usual_starts(log, presence))
        usual = np.where(told | log.ongoing, log.start, np.minimum(usual, log.end))
        lines = [presence.employed(person).timeline(first, last) for person in range(len(log.resources))]
        rows, begins = work_of_people(log)
        people = []
        since = np.where(known, np.minimum(np.maximum(ready, free), log.end), usual)
        for person, line in enumerate(lines):
            mine = rows[begins[person] : begins[person + 1]]
            mine = mine[np.argsort(log.end[mine], kind="stable")]
            people.append(mine)
            if len(mine) and len(line.starts):
                gap = mine[known[mine]]
                since[gap] = np.clip(line.next_open(since[gap]), since[gap], log.end[gap])
        return cls(
            log=log, office=presence.office.timeline(first, last), lines=lines, people=people,
            ready=np.where(ready == MISSING, log.end, ready), free=free, since=since, usual=usual, known=known,
        )  # fmt: skip

    def delayed(self) -> tuple[list[Ints], list[Ints]]:
        """Return the instances of each activity whose gaps show that something outside is waited for, and of those that
        leave it open: the rare ones together."""
        log, shown, left_open, rare = self.log, [], [], []
        length = np.zeros(len(log))
        for line, rows in zip(self.lines, self.people, strict=True):
            length[rows] = line.between(self.since[rows], log.end[rows]) / HOUR
        order = np.argsort(log.activity, kind="stable")
        edges = np.searchsorted(log.activity[order], np.arange(len(log.activities) + 1))
        for code in range(len(log.activities)):
            rows = order[edges[code] : edges[code + 1]]
            rows = rows[self.known[rows] & (length[rows] > LEAST_HOURS)]
            if len(rows) < FEWEST:
                rare.append(rows)
                continue
            later = _later_rounds(log, rows)
            apart = np.log(length[rows])
            apart -= np.where(later, *(np.median(apart[part]) if part.any() else 0.0 for part in (later, ~later)))
            waited = self.office.between(self.ready[rows], self.since[rows])
            seen = rank_correlation(apart, waited)
            if seen < -SHOWN:
                shown.append(rows)
            elif seen < -OPEN or np.count_nonzero(waited > 0) < FEWEST:
                left_open.append(rows)
        together = np.concatenate(rare) if rare else order[:0]
        return shown, [*left_open, together] if len(together) else left_open

    def read(self, delayed: list[Ints], *, idle: bool) -> Ints:
        """Return when each instance was begun if these (rows, by activity) may have waited for something outside."""
        start = self.since.copy()
        found = [_Delayed.of(self, rows) for rows in delayed]
        for turn in range(ROUNDS if found else 0):
            # What the first rounds say of who is free when is too rough.
            over = self._free_before(start) if idle and turn >= ROUNDS // 8 else np.full(len(start), MISSING)
            for one in found:
                bound = np.maximum(over[one.rows], self.ready[one.rows])
                least = self.office.between(self.ready[one.rows], bound) / HOUR
                weight = one.improved(np.where(over[one.rows] > self.ready[one.rows], least, -1.0))
                start[one.rows] = one.drawn(weight, turn)
        return np.minimum(start, self.log.end)

    def _free_before(self, start: Ints) -> Ints:
        """Return the last moment before each gap at which its person was free for a minute; `MISSING` if at none."""
        out = np.full(len(start), MISSING)
        for line, rows in zip(self.lines, self.people, strict=True):
            before = np.maximum(self.free[rows], self.office.starts[0] if len(self.office.starts) else 0)
            rested = (self.free[rows] != MISSING) & (line.between(before, start[rows]) > MINUTE)
            moments = np.maximum.accumulate(np.where(rested, start[rows], MISSING)) if len(rows) else rows
            out[rows[1:]] = moments[:-1]
        return np.where(out > self.free, MISSING, out)

    def tried(self, rows: Ints) -> tuple[Ints, Floats, Floats]:
        """Return starts that divide the gaps of these rows, from the longest work to none, (rows, STEPS + 1): the
        moments, the hours of work that each leaves, and the office hours since it was ready."""
        end, since = self.log.end[rows], self.since[rows]
        part = (np.arange(STEPS, -1, -1) / STEPS) ** 1.5
        moments = np.repeat(end[:, None], STEPS + 1, axis=1)
        hours = np.zeros(moments.shape)
        person = self.log.resource[rows]
        for one in np.unique(person):
            mine, line = np.flatnonzero(person == one), self.lines[one]
            if not len(line.starts):
                continue
            done = line.opened(end[mine])
            left = np.rint((done - line.opened(since[mine]))[:, None] * part).astype(np.int64)
            begin = line.next_open(line.closing(done[:, None] - left).ravel()).reshape(left.shape)
            moments[mine], hours[mine] = np.clip(begin, since[mine][:, None], end[mine][:, None]), left / HOUR
        moments[:, 0] = since
        ready = np.repeat(self.ready[rows][:, None], STEPS + 1, axis=1)
        return moments, hours, self.office.between(ready, moments) / HOUR


@dataclass(eq=False, kw_only=True)
class _Delayed:
    """An activity that waits for something outside: of its instances (rows) the tried starts, and what they take.

    State 0 of an instance is the beginning of its gap, state j a start between the tried ones j - 1 and j.
    """

    rows: Ints
    later: Bools
    moments: Ints
    delay: Floats
    log_hours: Floats
    edges: Floats
    bins: Ints
    at_once: float = 0.5
    shares: Floats = field(init=False)
    centre: Floats = field(init=False)
    spread: Floats = field(init=False)

    @classmethod
    def of(cls, gaps: _Gaps, rows: Ints) -> _Delayed:
        moments, hours, delay = gaps.tried(rows)
        middle = (hours[:, :-1] + hours[:, 1:]) / 2
        positive = delay[:, ::4][delay[:, ::4] > 0]
        ends = np.quantile(positive, np.linspace(0, 1, BINS + 1)[1:]) if len(positive) else [1.0]
        edges = np.unique(np.append(0.0, ends))
        between = (delay[:, :-1] + delay[:, 1:]) / 2
        bins = np.clip(np.searchsorted(edges, between, side="right") - 1, 0, len(edges) - 2)
        log_hours = np.log(np.maximum(np.concatenate((hours[:, :1], middle), axis=1), LEAST_HOURS))
        return cls(
            rows=rows, later=_later_rounds(gaps.log, rows), moments=moments, delay=delay, log_hours=log_hours,
            edges=edges, bins=bins,
        )  # fmt: skip

    def __post_init__(self) -> None:
        self.shares = np.full(len(self.edges) - 1, (1 - self.at_once) / (len(self.edges) - 1))
        whole = np.minimum(self.log_hours[:, 0], np.log(8.0))
        self.centre = np.array([np.median(whole[part]) if part.any() else 0.0 for part in (~self.later, self.later)])
        self.spread = np.full(2, 0.7)

    def improved(self, least: Floats) -> Floats:
        """Return how probable the states are, (rows, STEPS + 1), and fit the lengths and delays to it.

        `least` is what the delays of state 0 exceed, in hours; negative where there may be none.
        """
        below = self._reached(self.delay)
        under = np.where(least < 0, 0.0, self._reached(np.maximum(least, 0.0)))
        whole = np.maximum(below[:, 0] - under, 0.0)
        centre, spread = (one[self.later.astype(np.int64)][:, None] for one in (self.centre, self.spread))
        density = np.exp(-0.5 * ((self.log_hours - centre) / spread) ** 2 - self.log_hours) / spread
        weight = np.concatenate((whole[:, None], np.maximum(np.diff(below, axis=1), 0.0)), axis=1) * density
        total = weight.sum(axis=1)
        weight /= np.where(total > 0, total, 1.0)[:, None]
        weight[total <= 0, 0] = 1.0
        self._fit_lengths(weight)
        self._fit_delays(weight, least, whole)
        return weight

    def _reached(self, delay: Floats) -> Floats:
        """Return the share of the delays that are at most this long."""
        return np.asarray(self.at_once + np.interp(delay, self.edges, np.append(0.0, np.cumsum(self.shares))))

    def _fit_lengths(self, weight: Floats) -> None:
        for which, part in enumerate((~self.later, self.later)):
            every = weight[part].sum()
            if every > 0:
                hours = self.log_hours[part]
                self.centre[which] = (weight[part] * hours).sum() / every
                variance = (weight[part] * (hours - self.centre[which]) ** 2).sum() / every
                self.spread[which] = np.clip(np.sqrt(variance), NARROW, WIDE)

    def _fit_delays(self, weight: Floats, least: Floats, whole: Floats) -> None:
        # Of state 0 only the bounds of the delay are known.
        each = np.divide(weight[:, 0], whole, out=np.zeros(len(whole)), where=whole > 0)
        low, high = np.maximum(least, 0.0), self.delay[:, 0]
        counts = np.bincount(self.bins.ravel(), weights=weight[:, 1:].ravel(), minlength=len(self.shares))
        for place, (begin, end) in enumerate(zip(self.edges[:-1], self.edges[1:], strict=True)):
            covered = np.clip((np.minimum(high, end) - np.maximum(low, begin)) / (end - begin), 0.0, 1.0)
            counts[place] += self.shares[place] * (each @ covered)
        none = self.at_once * each[least < 0].sum()
        every = none + counts.sum()
        self.at_once, self.shares = float(none / every), counts / every

    def drawn(self, weight: Floats, turn: int) -> Ints:
        """Return a start of each instance, drawn by these weights at even ranks."""
        rank = (np.arange(1, len(self.rows) + 1) * EVEN + turn * SHIFT) % 1
        reached = np.cumsum(weight, axis=1)
        state = np.minimum((reached < rank[:, None] * reached[:, -1:]).sum(axis=1), STEPS)
        every = np.arange(len(self.rows))
        earlier = self.moments[every, np.maximum(state - 1, 0)]
        return np.asarray((earlier + self.moments[every, state]) // 2)


def _later_rounds(log: EventLog, rows: Ints) -> Bools:
    """Return which of these instances are later rounds; none, where they or the first ones are few."""
    later = log.round[rows] > 1
    return later & (min(np.count_nonzero(later), np.count_nonzero(~later)) >= FEWEST)


def _usual_starts(log: EventLog, presence: Presence) -> Ints:
    """Return starts as `estimate_starts` does, in the order of this log."""
    numbered = with_column(log, "row of this log", np.arange(len(log)))
    chosen = None if log.timestamps == "completed" else ~_recorded(log)
    if chosen is not None and not chosen.any():
        return log.start
    done = estimate_starts(replace(numbered, enabled=None), calendar=presence.office, instances=chosen)
    out = np.empty(len(log), dtype=np.int64)
    out[np.asarray(done.attributes["row of this log"], dtype=np.int64)] = done.start
    return out

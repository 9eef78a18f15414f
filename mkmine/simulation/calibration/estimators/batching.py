"""Whether work is collected and handed over together, and by what: its number, its age, or the day of the week."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mkmine.calendars import DAY, HOUR, MINUTE, Calendar, local_time
from mkmine.calendars.patterns import WEEKDAYS
from mkmine.simulation.calibration.estimators.releases import ENOUGH, TOLERANCE, Held, Support, support

__all__ = ["Batching", "Rule", "estimate_batching", "released"]

Int = NDArray[np.int64]
Flags = NDArray[np.bool_]

_NEVER = np.iinfo(np.int64).max
# Batches of fewer pieces on average are none, and so many of them have to be there.
_FEWEST_PIECES, _FEWEST_BATCHES = 1.5, 8
_MOST_SIZES = 4
# So much of the batches have to begin after as many hours, or on a weekday for it to be one of theirs.
_OFTEN, _OFTEN_IN_WEEK = 0.3, 0.15
_EARLY = 0.1
_ROUND = 5 * MINUTE
# A further condition has to foretell so many more pieces.
_WORTH = 0.05


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What ends the collecting: so many pieces, so many hours (of the office or of the clock), or an opening."""

    size: int | None = None
    hours: float | None = None
    in_office: bool = False
    weekly: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Batching:
    """A rule by which work is collected, how well it foretells later work, and when each piece was let go (m,), µs.

    `longest` is for how many hours a piece waited at most, but for the last batch.
    """

    rule: Rule
    held_out: Support
    released: Int
    batches: int
    longest: float


def estimate_batching(held: Held, office: Calendar) -> Batching | None:
    """Return by what rule work is collected into batches, or None where the log does not show that.

    Candidates (sizes, hours by either clock, openings in the week, a size together with either) are read off the first
    half of the pieces, tried on up to 1,000 of them, and asked about the second (`support`): when it was let go, given
    when it was ready. Contention and closed calendars hold nothing back in that sense, and delays of single pieces are
    not foretold by their neighbours. The rule that foretells most is estimated anew from all pieces; a further
    condition, or day, has to foretell 5 % more.
    """
    if not held.enough:
        return None
    first, second = held.halves
    sample = held.part(first & (np.arange(len(first)) < ENOUGH))
    found: list[tuple[float, Rule, Support]] = []
    for rule in _candidates(held.part(first), office):
        if not support(sample, released(sample, rule, office)[0]).holds:
            continue
        moments, _ = released(held, rule, office)
        told = [support(held, moments, half) for half in (first, second)]
        if all(one.holds for one in told):
            parts = (rule.size is not None) + (rule.hours is not None) + len(rule.weekly)
            found.append((told[0].consistent + told[0].foretold - _WORTH * parts, rule, told[1]))
    if not found:
        return None
    _, rule, held_out = max(found, key=lambda one: one[0])
    rule = _sharper(rule, held, office)
    moments, number = released(held, rule, office)
    if number < _FEWEST_BATCHES or len(moments) / number < _FEWEST_PIECES:
        return None
    # The last batch may never have been full.
    ended = np.minimum(moments, held.start) < np.minimum(moments, held.start)[-1]
    longest = float((np.minimum(moments, held.start) - held.ready)[ended].max(initial=0)) / HOUR
    return Batching(rule=rule, held_out=held_out, released=moments, batches=number, longest=longest)


def released(held: Held, rule: Rule, office: Calendar) -> tuple[Int, int]:
    """Return when each piece (m,) is let go by a rule, µs, and in how many batches.

    A batch that was begun before the rule would have ended it counts as let go then, and as not foretold: its pieces
    get a moment that is never.
    """
    limit = np.full(len(held.ready), _NEVER)
    if rule.hours is not None:
        clock = office if rule.in_office else Calendar.always()
        limit = clock.add(held.ready, np.full(len(held.ready), round(rule.hours * HOUR)))
    elif rule.weekly:
        limit = _week(rule.weekly, office).next_open(held.ready)
    size = rule.size or len(held.ready) + 1
    out = np.full(len(held.ready), _NEVER)
    number, first, begun, until = 0, 0, _NEVER, _NEVER
    ready, start, limits = held.ready.tolist(), (held.start + TOLERANCE).tolist(), limit.tolist()
    for place, moment in enumerate(ready):
        if place > first and (moment > until or moment > begun):
            # It has ended before this piece came: by time, or without a reason that the rule knows.
            out[first:place] = until if until <= begun else _NEVER
            number, first = number + 1, place
        if place == first:
            begun, until = _NEVER, limits[place]
        begun = min(begun, start[place])
        if place - first + 1 >= size or moment == until:
            out[first : place + 1] = moment
            number, first = number + 1, place + 1
    if first < len(ready):
        # Nobody knows how many more would have come.
        out[first:] = until if until < _NEVER else held.start[first:].min()
        number += 1
    return out, number


def _candidates(held: Held, office: Calendar) -> list[Rule]:
    """Return rules that the batches of a log suggest, the simple ones first."""
    begins = _runs(held)
    sizes = np.diff(np.append(begins, len(held.ready)))
    begun = np.minimum.reduceat(held.start, begins)
    # Batches whose first piece began when its doer had nothing else to do show when they were let go.
    seen = (held.start == np.repeat(begun, sizes)) & (held.least >= held.start - TOLERANCE)
    shown = np.logical_or.reduceat(seen, begins)
    counted = np.bincount(sizes[sizes > 1], minlength=2)
    common = [int(size) for size in np.argsort(-counted, kind="stable")[:_MOST_SIZES] if counted[size] > 1]
    sized = [Rule(size=size) for size in common]
    timed = _timed(held, begins, begun, sizes > 1, shown, office)
    both = [
        Rule(size=size, hours=rule.hours, in_office=rule.in_office, weekly=rule.weekly)
        for size in common
        for rule in _timed(held, begins, begun, sizes < size, shown, office)
    ]
    return [*sized, *timed, *both]


def _timed(held: Held, begins: Int, begun: Int, chosen: Flags, shown: Flags, office: Calendar) -> list[Rule]:
    """Return rules by time that some batches, of which `begins` are the first pieces, suggest."""
    seen = chosen & shown
    rules = [_by_hours(held.ready[begins][seen], begun[seen], office, in_office) for in_office in (False, True)]
    return [*(rule for rule in rules if rule is not None), *_by_week(held, begun[chosen], office)]


def _runs(held: Held) -> Int:
    """Return where runs of pieces begin that were all ready before any of them was begun."""
    begins, begun = [0], int(held.start[0])
    for place, (ready, start) in enumerate(zip(held.ready.tolist(), held.start.tolist(), strict=True)):
        if ready > begun + TOLERANCE:
            begins.append(place)
            begun = start
        begun = min(begun, start)
    return np.array(begins, dtype=np.int64)


def _by_hours(since: Int, begun: Int, office: Calendar, in_office: bool) -> Rule | None:
    """Return the hours after which batches are let go: where most of them lie closely together."""
    if len(since) < _FEWEST_BATCHES // 2:
        return None
    clock = office if in_office else Calendar.always()
    middle, share = _densest(clock.working_time(since, begun))
    hours = round(middle / HOUR, 2)
    return Rule(hours=hours, in_office=in_office) if share >= _OFTEN and hours > 0 else None


def _densest(values: Int) -> tuple[int, float]:
    """Return the median of the densest stretch of values, and what part of them lies in it."""
    ordered = np.sort(values)
    last = np.searchsorted(ordered, ordered + TOLERANCE, side="right")
    at = int(np.argmax(last - np.arange(len(ordered))))
    inside = ordered[at : last[at]]
    return int(np.median(inside)), len(inside) / len(ordered)


def _by_week(held: Held, begun: Int, office: Calendar) -> list[Rule]:
    """Return openings at which batches may be let go, from the earliest usual start on a weekday: on the one day on
    which most begin, on two, and so on."""
    if len(begun) < _FEWEST_BATCHES // 2:
        return []
    weekday, time = _of_week(begun, office)
    passed, at = _of_week(held.start[held.start - held.ready <= TOLERANCE], office)
    count = np.bincount(weekday, minlength=len(WEEKDAYS))
    hours = {}
    for day in np.flatnonzero(count >= _OFTEN_IN_WEEK * len(begun)).tolist():
        mine = time[weekday == day]
        # People may be busy when it opens, but nobody begins before.
        opening = int(np.quantile(mine, _EARLY, method="lower")) // MINUTE * MINUTE
        # Until it closes work is taken as it comes.
        later = at[(passed == day) & (at > opening + TOLERANCE)]
        closing = int(later.max(initial=opening)) + TOLERANCE
        closing = min(-(-closing // _ROUND) * _ROUND, DAY)
        hours[day] = f"{_clock(opening)}-{_clock(closing)}"
    often = sorted(hours, key=lambda day: -int(count[day]))
    return [
        Rule(weekly=tuple((WEEKDAYS[day], hours[day]) for day in sorted(often[:number])))
        for number in range(1, len(often) + 1)
    ]


def _of_week(moments: Int, office: Calendar) -> tuple[Int, Int]:
    """Return the weekday (Monday is 0) and the time of day (µs) of moments."""
    local = local_time(moments, office.time_zone)
    return (local // DAY + 3) % 7, local % DAY


def _clock(time: int) -> str:
    return f"{time // HOUR:02d}:{time % HOUR // MINUTE:02d}"


def _week(weekly: tuple[tuple[str, str], ...], office: Calendar) -> Calendar:
    return Calendar.from_dict({"weekly": dict(weekly)}, time_zone=office.time_zone)


def _sharper(rule: Rule, held: Held, office: Calendar) -> Rule:
    """Return a rule with its hours or openings estimated from all pieces."""
    if rule.hours is None and not rule.weekly:
        return rule
    for other in _candidates(held, office):
        alike = (other.size, other.in_office, _days(other)) == (rule.size, rule.in_office, _days(rule))
        if alike and (other.hours is None) == (rule.hours is None):
            before, after = (support(held, released(held, one, office)[0]) for one in (rule, other))
            return other if after.foretold >= before.foretold else rule
    return rule


def _days(rule: Rule) -> tuple[str, ...]:
    return tuple(day for day, _ in rule.weekly)

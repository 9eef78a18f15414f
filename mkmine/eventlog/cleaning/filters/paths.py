"""Filters by the way of a case: its variant, its ends, its returns, what follows what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mkmine.errors import DataError
from mkmine.eventlog.cleaning.changes import microseconds
from mkmine.eventlog.cleaning.filters import choice
from mkmine.eventlog.cleaning.filters.choice import Bool, Clock, Length
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.summaries import case_paths, variant_index, visits

__all__ = ["keep_endpoints", "keep_followed", "keep_rework", "keep_segment", "keep_variants"]

Int = NDArray[np.int64]
Relation = Literal["directly", "eventually"]
Occurrence = Literal["first", "last"]


def keep_variants(
    log: EventLog,
    top: int | None = None,
    *,
    share: float | None = None,
    paths: Iterable[Sequence[str]] | None = None,
    invert: bool = False,
) -> EventLog:
    """Keep the cases of the `top` most frequent variants, of the fewest that cover a `share` of the cases, or of paths.

    Raises `DataError` if not exactly one of the three is given, or it keeps nothing, and `UnknownNameError` if a path
    has an activity that is not in the log.
    """
    if [top, share, paths].count(None) != 2:
        raise DataError("give one of: top=5 (variants), share=0.8 (of the cases), paths=[[...], ...]")
    index = variant_index(log)
    if top is not None:
        if top < 1:
            raise DataError(f"top={top} keeps no variant; give 1 or more")
        kept = np.arange(min(top, index.n))
        detail = f"the {len(kept):,} most frequent of {index.n:,}"
    elif share is not None:
        if not 0 < share <= 1:
            raise DataError(f"share={share} is not a share of the cases; give e.g. 0.8")
        covered = np.cumsum(index.counts)
        kept = np.arange(int(np.searchsorted(covered, share * log.n_cases - 1e-9)) + 1)
        detail = f"the {len(kept):,} most frequent of {index.n:,}, {share:.0%} of the cases"
    else:
        assert paths is not None
        wanted = {tuple(choice.listed(path)) for path in paths}
        for path in wanted:
            choice.named(log, "activities", path)
        found = enumerate(case_paths(log, index.representative))
        kept = np.array([number for number, path in found if path in wanted], dtype=np.int64)
        detail = "; ".join(" → ".join(path) for path in sorted(wanted))
    mask = np.isin(index.of_case, kept)
    return choice.cases(log, mask, action="filter variants", detail=detail, invert=invert)


def keep_endpoints(
    log: EventLog,
    *,
    starts: str | Iterable[str] | None = None,
    ends: str | Iterable[str] | None = None,
    invert: bool = False,
) -> EventLog:
    """Keep the cases that start with one of these activities and end with one of those.

    Raises `UnknownNameError` if an activity is not in the log, `DataError` if neither is given.
    """
    if starts is None and ends is None:
        raise DataError('name activities that cases start with (starts="...") or end with (ends="...")')
    mask, told = np.ones(log.n_cases, dtype=np.bool_), []
    for word, names, at in (("start", starts, log.offsets[:-1]), ("end", ends, log.offsets[1:] - 1)):
        if names is not None:
            names = choice.listed(names)
            mask &= choice.named(log, "activities", names)[at]
            told.append(f"{word} with {', '.join(names)}")
    return choice.cases(log, mask, action="filter endpoints", detail="; ".join(told), invert=invert)


def keep_rework(
    log: EventLog,
    *,
    activities: str | Iterable[str] | None = None,
    rounds: int = 2,
    consecutive: bool = False,
    invert: bool = False,
) -> EventLog:
    """Keep the cases that do an activity, any or one of these, in at least so many rounds.

    The same activity twice in a row is a return only where each entry stands for itself (see `repeats`); `consecutive`
    counts every execution.

    Raises `UnknownNameError` if an activity is not in the log, `DataError` if `rounds` is less than 2.
    """
    if rounds < 2:
        raise DataError(f"rounds={rounds} is no rework; give 2 or more")
    rows = (log.round if consecutive else visits(log)) >= rounds
    detail = f"an activity in at least {rounds} rounds"
    if activities is not None:
        names = choice.listed(activities)
        rows = rows & choice.named(log, "activities", names)
        detail = f"{', '.join(names)} in at least {rounds} rounds"
    mask = choice.any_in_case(log, rows)
    return choice.cases(log, mask, action="filter rework", detail=detail, invert=invert)


def keep_followed(
    log: EventLog,
    first: str,
    then: str,
    *,
    relation: Relation = "eventually",
    within: Length | None = None,
    clock: Clock = "wall",
    every: bool = False,
    invert: bool = False,
) -> EventLog:
    """Keep the cases in which `first` is followed by `then`: `"directly"` by the next instance, or `"eventually"`.

    `within` limits the time from the end of the one to the end of the other, on the wall clock or in working time.
    `every` asks it of every execution of `first` (and that there is one), otherwise one is enough. `invert` keeps the
    cases in which it does not happen, among them those without `first`.

    Raises `UnknownNameError` if an activity is not in the log, `DataError` if `within` is not a length of time.
    """
    choice.one_of(relation, ("directly", "eventually"), kind="relation")
    choice.one_of(clock, ("wall", "working"), kind="clock")
    source, target = (choice.named(log, "activities", name) for name in (first, then))
    # The nearest `then` after each instance: the soonest, and so the only one to look at.
    after = _next(log, target)
    found = after < log.offsets[1:][log.case_of]
    if relation == "directly":
        found &= after == np.arange(len(log)) + 1
    hit = source & found
    detail = f"{first} {relation} followed by {then}"
    if within is not None:
        rows = np.flatnonzero(hit)
        took = choice.lasted(log, log.end[rows], log.end[after[rows]], clock)
        hit[rows] = took <= microseconds(within, what="within")
        detail += f" within {choice.told(within)}"
    mask = choice.any_in_case(log, hit)
    if every:
        mask &= ~choice.any_in_case(log, source & ~hit)
        detail = "every " + detail
    return choice.cases(log, mask, action="filter followers", detail=detail, invert=invert)


def _next(log: EventLog, rows: Bool) -> Int:
    """Return for each instance the place of the next one of `rows` after it, in its case or beyond; n if none."""
    n = len(log)
    place = np.where(rows, np.arange(n), n)
    later = np.minimum.accumulate(place[::-1])[::-1]
    return np.append(later[1:], n)


def keep_segment(
    log: EventLog,
    *,
    since: str | Iterable[str] | None = None,
    until: str | Iterable[str] | None = None,
    since_which: Occurrence = "first",
    until_which: Occurrence = "last",
    included: bool = True,
) -> EventLog:
    """Cut every case: keep what lies from `since` to `until`, the first or the last occurrence of such an activity.

    `until_which="first"` is the first one after `since`. The two are part of the segment unless `included` is false.
    Cases without such an activity, or without the two in this order, are left out. A case that reached `until` counts
    as completed.

    Raises `UnknownNameError` if an activity is not in the log, `DataError` if neither is given.
    """
    if since is None and until is None:
        raise DataError('name the activity from which (since="...") or up to which (until="...") to keep')
    for which in (since_which, until_which):
        choice.one_of(which, ("first", "last"), kind="occurrence")
    place, n = np.arange(len(log)), len(log)
    low, high = log.offsets[:-1], log.offsets[1:] - 1
    alive, told = np.ones(log.n_cases, dtype=np.bool_), []
    if since is not None:
        rows = choice.named(log, "activities", choice.listed(since))
        low = _occurrence(log, rows, since_which)
        alive &= low < n
        told.append(f"since the {since_which} {', '.join(choice.listed(since))}")
    if until is not None:
        rows = choice.named(log, "activities", choice.listed(until))
        after = rows if since is None else rows & (place > low[log.case_of])
        high = _occurrence(log, after, until_which)
        alive &= high < n
        told.append(f"until the {until_which} {', '.join(choice.listed(until))}")
    outer = 0 if included else 1
    first = low + (outer if since is not None else 0)
    last = high - (outer if until is not None else 0)
    keep = alive[log.case_of] & (place >= first[log.case_of]) & (place <= last[log.case_of])
    kept = log.keep_instances(keep, action="filter segment", detail="; ".join(told))
    if until is None:
        return kept
    return replace(kept, completed=np.ones(kept.n_cases, dtype=np.bool_))


def _occurrence(log: EventLog, rows: Bool, which: Occurrence) -> Int:
    """Return the place of the first or the last instance of `rows` of each case (m,); n where there is none."""
    n, place = len(log), np.arange(len(log))
    if which == "first":
        return np.asarray(np.minimum.reduceat(np.where(rows, place, n), log.offsets[:-1]))
    last = np.maximum.reduceat(np.where(rows, place, -1), log.offsets[:-1])
    return np.where(last < 0, n, last)

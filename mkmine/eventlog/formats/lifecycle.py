"""Lifecycle transitions (schedule, start, complete, ...) paired into activity instances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from mkmine.errors import UnknownNameError
from mkmine.eventlog.twins import compiled

__all__ = ["Pairing", "Policy", "has_lifecycle", "match", "pair"]

Order = Literal["fifo", "lifo", "nearest"]
Suspended = Literal["ignore", "split"]
Unmatched = Literal["keep", "drop"]
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]

SCHEDULES = frozenset({"schedule", "assign", "scheduled", "enabled", "enable"})
STARTS = frozenset({"start", "started", "begin"})
COMPLETES = frozenset({"complete", "completed", "end", "finish", "finished", ""})
ABORTS = frozenset({"ate_abort", "pi_abort", "withdraw", "abort", "cancel", "autoskip", "manualskip"})
PASSING = frozenset({"suspend", "resume", "reassign", "unknown"})
# What a transition does, by number.
SCHEDULE, START, COMPLETE, SUSPEND, RESUME, PASS = range(6)
MISSING = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How the events of one activity in one case are paired.

    Attributes
    ----------
    pairing
        `"fifo"`: a completion ends the oldest work that runs; `"lifo"`: the latest; `"nearest"`: the start right before
        it, so that a start that is followed by another one is never completed.
    suspended
        `"ignore"`: an instance goes on while it is suspended; `"split"`: it ends, and resuming begins another.
    unmatched
        `"keep"`: a completion without a start is an instant, and a start without a completion is ongoing if nothing in
        its case starts later, else an instant; `"drop"`: both are left out, but for what is ongoing, and unless the log
        has no starts at all.
    """

    pairing: Order = "fifo"
    suspended: Suspended = "ignore"
    unmatched: Unmatched = "keep"

    def __post_init__(self) -> None:
        for name, known in (("pairing", Order), ("suspended", Suspended), ("unmatched", Unmatched)):
            if getattr(self, name) not in get_args(known):
                raise UnknownNameError.of(kind=f"value of {name}", name=getattr(self, name), known=get_args(known))

    def __str__(self) -> str:
        ways = {"fifo": "first in, first out", "lifo": "last in, first out", "nearest": "with the start right before"}
        split = "; suspended work is split" if self.suspended == "split" else ""
        return f"paired {ways[self.pairing]}{split}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """Activity instances made of events: the event that closes each, its instants, and what was met on the way.

    `row` (k,) is the event that an instance takes its attributes from; `start`, `end` and `enabled` are µs (k,);
    `enabled` is the smallest int64 where no schedule event precedes; `ongoing` marks a start without completion.
    """

    row: Int
    start: Int
    end: Int
    enabled: Int
    ongoing: Bool
    intervals: bool
    notes: tuple[tuple[str, int], ...]


def has_lifecycle(transitions: Any) -> bool:
    """Return whether most values are transitions of the XES lifecycle (and not, say, sub-statuses of a tracker)."""
    codes, texts = _coded(transitions)
    known = np.isin(texts, list(SCHEDULES | STARTS | COMPLETES | ABORTS | PASSING))
    main = np.isin(texts, list(COMPLETES | STARTS))
    return bool(len(codes)) and bool(known[codes].mean() > 0.9) and bool(main[codes].any())


def pair(
    case: NDArray[Any],
    activity: NDArray[Any],
    transition: Any,
    time: Int,
    instance: NDArray[Any] | None = None,
    policy: Policy | None = None,
) -> Pairing:
    """Pair events into instances within case, activity and instance id (if there is one), as the policy says.

    `case`, `activity` and `instance` are integer codes (n,); `transition` holds texts (a pandas series or an Arrow
    array). A schedule event gives `enabled` to the next start, or to a completion without one. Aborted work (abort,
    withdraw, skip) ends like a completion. Reassignments, and suspensions unless they split, are passed over. All that
    is not plain is counted in the notes.
    """
    policy = policy or Policy()
    codes, texts = _coded(transition)
    kinds = np.array([_kind(text, policy) for text in texts], dtype=np.int8)
    order, first = _grouped(case, activity, instance, time)
    kind = kinds[codes[order]]
    if compiled(len(time)):
        from mkmine.eventlog.formats.kernels import match as match_compiled

        partner, ready = match_compiled(kind, first, get_args(Order).index(policy.pairing))
    else:
        partner, ready = match(kind, first, policy.pairing)
    ended = (kind == COMPLETE) | ((kind == SUSPEND) & (partner >= 0))
    begun = np.ones(len(kind), dtype=np.bool_)
    begun[partner[partner >= 0]] = False
    begun &= (kind == START) | (kind == RESUME)
    moments = time[order]
    started = np.where(partner >= 0, moments[partner], moments)
    kept = ended | begun
    going = begun & _latest(case[order], started, kept)
    intervals = bool((kind == START).any())
    if policy.unmatched == "drop" and intervals:
        kept = (ended & (partner >= 0)) | going
    enabled = np.where(ready >= 0, moments[ready], MISSING)
    # An instance was enabled when the start that it is paired with was.
    enabled = np.where(partner >= 0, enabled[partner], enabled)
    chosen = np.flatnonzero(kept)
    chosen = chosen[np.argsort(order[chosen])]
    return Pairing(
        row=order[chosen],
        start=started[chosen],
        end=moments[chosen],
        enabled=enabled[chosen],
        ongoing=going[chosen],
        intervals=intervals,
        notes=_notes(codes, texts, kinds, kind, partner, begun, going, ready, policy),
    )


def match(kind: NDArray[np.int8], first: Bool, pairing: Order) -> tuple[Int, Int]:
    """Return the place of the start that each completion ends, and of the schedule before each start; -1 for none.

    `kind` (n,) lists the events of one group (case, activity, instance) after the other in order of time, `first` marks
    where a group begins.
    """
    opens, closes = (kind == START) | (kind == RESUME), (kind == COMPLETE) | (kind == SUSPEND)
    group: Int = np.cumsum(first.astype(np.int64))
    partner = _nearest(opens, closes, group) if pairing == "nearest" else _queued(opens, closes, group, pairing)
    takers = (kind == START) | ((kind == COMPLETE) & (partner < 0))
    return partner, _queued(kind == SCHEDULE, takers, group, "fifo")


def _queued(opens: Bool, closes: Bool, group: Int, pairing: Order) -> Int:
    """Match each close with an open that is still open: the oldest (fifo) or the latest (lifo)."""
    partner = np.full(len(group), -1, dtype=np.int64)
    if not opens.any() or not closes.any():
        return partner
    depth, before = _depths(opens.astype(np.int64) - closes, group)
    matched = closes & (before > 0)
    places, closing = np.flatnonzero(opens), np.flatnonzero(matched)
    if pairing == "fifo":
        rank = np.arange(len(closing)) - np.searchsorted(group[closing], group[closing])
        partner[closing] = places[np.searchsorted(group[places], group[closing]) + rank]
        return partner
    # On one level of nesting an open and its close follow each other.
    both = np.flatnonzero(opens | matched)
    level = np.where(opens, depth, before)[both]
    both = both[np.lexsort((level, group[both]))]
    ends = np.flatnonzero(matched[both])
    partner[both[ends]] = both[ends - 1]
    return partner


def _depths(step: Int, group: Int) -> tuple[Int, Int]:
    """Return how many are open after and before each event, where what would fall below none stays at none."""
    total = np.cumsum(step)
    begins = np.searchsorted(group, group)
    balance = total - (total - step)[begins]
    # Every group lies below all before it, so that the running minimum begins anew with each.
    below = group * (len(group) + 1)
    floor = np.minimum.accumulate(np.minimum(balance, 0) - below) + below
    depth = balance - floor
    before = np.append(0, depth[:-1])
    before[begins == np.arange(len(group))] = 0
    return depth, before


def _nearest(opens: Bool, closes: Bool, group: Int) -> Int:
    partner = np.full(len(group), -1, dtype=np.int64)
    both = np.flatnonzero(opens | closes)
    hit = closes[both[1:]] & opens[both[:-1]] & (group[both[1:]] == group[both[:-1]])
    partner[both[1:][hit]] = both[:-1][hit]
    return partner


def _kind(text: str, policy: Policy) -> int:
    if policy.suspended == "split" and text in ("suspend", "resume"):
        return SUSPEND if text == "suspend" else RESUME
    if text in COMPLETES or text in ABORTS:
        return COMPLETE
    return START if text in STARTS else SCHEDULE if text in SCHEDULES else PASS


def _coded(values: Any) -> tuple[NDArray[Any], list[str]]:
    """Return codes and texts, without case and surrounding spaces; what is missing counts as empty."""
    if isinstance(values, pa.Array | pa.ChunkedArray):
        whole = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
        encoded = whole if pa.types.is_dictionary(whole.type) else whole.dictionary_encode()
        codes, known = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False), encoded.dictionary.to_pylist()
    else:
        codes, found = pd.factorize(pd.Series(values))
        known = list(found)
    # The code -1 reaches the last text.
    return codes, [*("" if one is None else str(one).strip().casefold() for one in known), ""]


def _grouped(case: NDArray[Any], activity: NDArray[Any], instance: NDArray[Any] | None, time: Int) -> tuple[Int, Bool]:
    """Return the events ordered by group and time, and which of them is the first of its group."""
    key = case.astype(np.int64) * (int(activity.max(initial=0)) + 2) + activity
    parts = (key,) if instance is None else (instance, key)
    in_time = (time[1:] >= time[:-1]) | (case[1:] != case[:-1])
    contiguous = bool((case[1:] >= case[:-1]).all())
    order = np.lexsort(parts if contiguous and in_time.all() else (time, *parts))
    first = np.ones(len(order), dtype=np.bool_)
    changes = [part[order][1:] != part[order][:-1] for part in parts]
    first[1:] = np.logical_or.reduce(changes)
    return order, first


def _latest(case: NDArray[Any], started: Int, kept: Bool) -> Bool:
    """Return after which events nothing starts in their case."""
    latest = np.full(int(case.max(initial=-1)) + 1, MISSING, dtype=np.int64)
    np.maximum.at(latest, case[kept], started[kept])
    later: Bool = started >= latest[case]
    return later


def _notes(
    codes: NDArray[Any],
    texts: list[str],
    kinds: NDArray[np.int8],
    kind: NDArray[np.int8],
    partner: Int,
    begun: Bool,
    going: Bool,
    ready: Int,
    policy: Policy,
) -> tuple[tuple[str, int], ...]:
    met: dict[str, int] = {}
    counts = np.bincount(np.where(codes < 0, len(texts) - 1, codes), minlength=len(texts))
    for text, what, count in zip(texts, kinds.tolist(), counts.tolist(), strict=True):
        if count and (text in ABORTS or what == PASS):
            note = f"{text} " + ("counted as the end" if text in ABORTS else "passed over")
            met[note] = met.get(note, 0) + count
    intervals = bool((kind == START).any())
    fate = "instants" if policy.unmatched == "keep" else "left out"
    single = (kind == COMPLETE) & (partner < 0)
    met |= {
        f"completions without a start ({fate})": int(single.sum()) if intervals else 0,
        "suspensions of nothing that runs passed over": int(((kind == SUSPEND) & (partner < 0)).sum()),
        "starts never completed, ongoing": int(going.sum()),
        f"starts never completed, {fate}": int((begun & ~going).sum()),
        "schedules never started": int((kind == SCHEDULE).sum() - (ready >= 0).sum()),
    }
    return tuple((what, count) for what, count in met.items() if count)

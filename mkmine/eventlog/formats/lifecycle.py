"""Lifecycle transitions (schedule, start, complete, ...) paired into activity instances."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["Pairing", "has_lifecycle", "pair"]

SCHEDULE = frozenset({"schedule", "assign", "scheduled", "enabled", "enable"})
START = frozenset({"start", "started", "begin"})
COMPLETE = frozenset({"complete", "completed", "end", "finish", "finished", ""})
ABORTED = frozenset({"ate_abort", "pi_abort", "withdraw", "abort", "cancel", "autoskip", "manualskip"})
PASSING = frozenset({"suspend", "resume", "reassign", "unknown"})
MISSING = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """Activity instances made of events: the event that closes each, its instants, and what was met on the way.

    `row` (k,) is the event that an instance takes its attributes from; `start`, `end` and `enabled` are µs (k,);
    `enabled` is the smallest int64 where no schedule event precedes; `ongoing` marks a start without completion.
    """

    row: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    enabled: NDArray[np.int64]
    ongoing: NDArray[np.bool_]
    intervals: bool
    notes: tuple[tuple[str, int], ...]


def has_lifecycle(transitions: pd.Series) -> bool:
    """Return whether most values are transitions of the XES lifecycle (and not, say, sub-statuses of a tracker)."""
    values = transitions.fillna("").astype(str).str.strip().str.casefold()
    known = SCHEDULE | START | COMPLETE | ABORTED | PASSING
    return bool(values.isin(known).mean() > 0.9) and bool(values.isin(COMPLETE | START).any())


def pair(
    case: NDArray[np.int64],
    activity: NDArray[np.object_],
    transition: pd.Series,
    time: NDArray[np.int64],
    instance: NDArray[np.object_] | None = None,
) -> Pairing:
    """Pair events into instances, first in first out within case, activity and instance id (if there is one).

    A completion without a start is an instant. A start without completion is ongoing if it is the case's last event,
    else an instant (its completion was not recorded). A schedule event gives `enabled` to the next start. Aborted work
    (abort, withdraw, skip) ends like a completion. Suspensions and reassignments are passed over. All are counted.
    """
    kind = transition.fillna("").astype(str).str.strip().str.casefold().to_numpy(dtype=object)
    order = np.lexsort((np.arange(len(time)), time, case))
    last = dict(zip(case[order].tolist(), order.tolist(), strict=True))
    waiting: dict[tuple[object, ...], deque[int]] = defaultdict(deque)
    running: dict[tuple[object, ...], deque[tuple[int, int]]] = defaultdict(deque)
    found: list[tuple[int, int, int, int, bool]] = []
    met: Counter[str] = Counter()
    cases, times = case.tolist(), time.tolist()
    for row in order.tolist():
        what = kind[row]
        key = (cases[row], activity[row], None if instance is None else instance[row])
        if what in COMPLETE or what in ABORTED:
            if what in ABORTED:
                met[f"{what} counted as the end"] += 1
            if queue := running.get(key):
                begun, ready = queue.popleft()
                found.append((row, times[begun], times[row], ready, False))
            else:
                met["completions without a start (instants)"] += 1
                ready = waiting[key].popleft() if waiting.get(key) else MISSING
                found.append((row, times[row], times[row], ready, False))
        elif what in START:
            ready = waiting[key].popleft() if waiting.get(key) else MISSING
            running[key].append((row, ready))
        elif what in SCHEDULE:
            waiting[key].append(times[row])
        else:
            met[f"{what} passed over"] += 1
    for queue in running.values():
        for begun, ready in queue:
            going = last[cases[begun]] == begun
            met["starts never completed, " + ("ongoing" if going else "instants")] += 1
            found.append((begun, times[begun], times[begun], ready, going))
    if unused := sum(len(queue) for queue in waiting.values()):
        met["schedules never started"] += unused
    intervals = bool(np.isin(kind, list(START)).any())
    if not intervals:
        met.pop("completions without a start (instants)", None)
    columns = np.array(found, dtype=np.int64).reshape(-1, 5)
    columns = columns[np.argsort(columns[:, 0], kind="stable")]
    return Pairing(
        row=columns[:, 0],
        start=columns[:, 1],
        end=columns[:, 2],
        enabled=columns[:, 3],
        ongoing=columns[:, 4].astype(np.bool_),
        intervals=intervals,
        notes=tuple(met.items()),
    )

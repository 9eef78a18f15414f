"""Names that are probably one name, lost names, and names that took the place of others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mkmine.calendars import DAY
from mkmine.eventlog.cleaning.findings.finding import Finding, View
from mkmine.eventlog.cleaning.spelling import alike, typing_errors
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.summaries import edge_matrix

__all__ = ["lost_letters", "mistyped", "one_time_names", "renamed", "similar_names", "similar_people"]

Int = NDArray[np.int64]
Floats = NDArray[np.float64]
# More activities than this are not compared with each other.
MOST_NAMES = 2048
# A name ended (began) if so many instances of it were still to be expected (had been) at its rate.
EXPECTED = 20
# One name takes the place of another if the two are not both in use for longer than this part of the shorter one's use.
TOGETHER = 0.1
# Neighbours are the same if their frequencies are so alike (cosine).
SAME_NEIGHBOURS = 0.9
ONE_TIME = 0.2


def _spelt(groups: list[list[str]]) -> tuple[str, ...]:
    return tuple(" = ".join(f"“{name}”" for name in names) for names in groups[:3])


def similar_names(view: View) -> Finding | None:
    """Find activities spelt in several ways."""
    log = view.log
    groups = alike(log.activities)
    if not groups:
        return None
    spelt = {name for names in groups for name in names}
    codes = [code for code, name in enumerate(log.activities) if name in spelt]
    return Finding(
        kind="similar_names",
        what="instances of activities whose names differ only by case, spaces, marks, е/ё or look-alike letters",
        count=int(np.isin(log.activity, codes).sum()),
        of=len(log),
        examples=_spelt(groups),
        advice="probably one activity: give them one name",
        repair="merge_similar(log)",
    )


def mistyped(view: View) -> Finding | None:
    """Find activities whose names are rare and one letter away from a frequent one."""
    log = view.log
    counts = np.bincount(log.activity, minlength=len(log.activities))
    found = typing_errors({name: int(counts[code]) for code, name in enumerate(log.activities) if counts[code]})
    if not found:
        return None
    number = {name: code for code, name in enumerate(log.activities)}
    return Finding(
        kind="mistyped",
        what="instances of activities whose names look like typing errors of frequent ones",
        count=int(sum(counts[number[wrong]] for wrong, _ in found)),
        of=len(log),
        examples=tuple(f"“{wrong}” → “{right}”" for wrong, right in found[:3]),
        advice="look at each pair, then give it one name",
        repair="merge_similar(log, mistyped=True)",
    )


def similar_people(view: View) -> Finding | None:
    """Find people spelt in several ways."""
    log = view.log
    groups = alike(log.resources, people=True)
    if not groups:
        return None
    return Finding(
        kind="similar_people",
        what="people whose names differ only by case, spaces, marks, е/ё, look-alike letters or the order of words",
        count=sum(map(len, groups)),
        of=len(log.resources),
        examples=_spelt(groups),
        advice="probably one person each: give them one name, or how busy they are is wrong",
        repair='merge_similar(log, of="resources")',
    )


def lost_letters(view: View) -> Finding | None:
    """Find activities whose letters an export has lost."""
    log = view.log

    def lost(name: str) -> bool:
        letters = name.replace(" ", "")
        return (letters.count("?") >= 3 and letters.count("?") > 0.5 * len(letters)) or "\ufffd" in name

    codes = [code for code, name in enumerate(log.activities) if lost(name)]
    if not codes:
        return None
    return Finding(
        kind="lost_letters",
        what="instances of activities whose names are question marks",
        count=int(np.isin(log.activity, codes).sum()),
        of=len(log),
        examples=tuple(log.activities[code] for code in codes[:3]),
        advice="the export lost its letters: export again as UTF-8",
    )


def one_time_names(view: View) -> Finding | None:
    """Find that much of the log is of activities that occur only once: free text or numbers in the names."""
    log = view.log
    counts = np.bincount(log.activity, minlength=len(log.activities))
    once = np.flatnonzero(counts == 1)
    if len(log) < 100 or len(once) <= ONE_TIME * len(log):
        return None
    return Finding(
        kind="one_time_names",
        what="instances of activities that occur only once",
        count=len(once),
        of=len(log),
        examples=tuple(f"“{log.activities[code][:60]}”" for code in once[:3].tolist()),
        advice="the activity column holds free text or numbers: choose another column, or merge the names",
        repair="merge_activities(log, {...})",
    )


def renamed(view: View) -> Finding | None:
    """Find activities that stop when another one begins, between the same neighbours."""
    log = view.log
    pairs = renamings(log)
    if not pairs:
        return None
    codes = [code for pair in pairs for code in pair]
    names: dict[str, list[str]] = {log.activities[new]: [] for _, new in pairs}
    for old, new in pairs:
        names[log.activities[new]].append(log.activities[old])
    return Finding(
        kind="renamed",
        what="instances of activities of which one stops when the other begins, between the same neighbours",
        count=int(np.isin(log.activity, codes).sum()),
        of=len(log),
        examples=tuple(f"“{log.activities[old]}” → “{log.activities[new]}”" for old, new in pairs[:3]),
        advice="renamed, or replaced by another: if only the name changed, merge them",
        repair=f"merge_activities(log, {names!r})",
    )


def renamings(log: EventLog) -> list[tuple[int, int]]:
    """Return the pairs (old, new) of activities of which the new one takes the place of the old one."""
    k = len(log.activities)
    if not 3 <= k <= MOST_NAMES or len(log) < 4 * EXPECTED:
        return []
    counts = np.bincount(log.activity, minlength=k)
    first, last = _in_use(log, k)
    begin, finish = int(first[counts > 0].min()), int(last[counts > 0].max())
    used = np.maximum(last - first, DAY)
    rate = counts / used
    often = counts >= EXPECTED
    stopped = np.flatnonzero(often & (rate * (finish - last) >= EXPECTED))
    begun = np.flatnonzero(often & (rate * (first - begin) >= EXPECTED))
    if not len(stopped) or not len(begun):
        return []
    edges = edge_matrix(log)
    before, after = edges.T.astype(np.float64), edges.astype(np.float64)
    found = []
    for old in stopped.tolist():
        for new in begun.tolist():
            together = last[old] - first[new]
            apart = -together
            margin = TOGETHER * min(used[old], used[new])
            if old == new or max(together, apart) > max(margin, 7 * DAY):
                continue
            if _alike(before, old, new) and _alike(after, old, new):
                found.append((old, new))
    return found


def _in_use(log: EventLog, k: int) -> tuple[Int, Int]:
    """Return when each activity (k,) ends for the first and for the last time, but for single stragglers."""
    order = np.argsort(log.activity, kind="stable")
    ends = log.end[order]
    first, last = np.zeros(k, dtype=np.int64), np.zeros(k, dtype=np.int64)
    counts = np.bincount(log.activity, minlength=k)
    stops = np.cumsum(counts)
    for code in np.flatnonzero(counts).tolist():
        mine = ends[stops[code] - counts[code] : stops[code]]
        # One late case that still carries the old name does not make it live on.
        first[code], last[code] = np.quantile(mine, [0.005, 0.995]).astype(np.int64)
    return first, last


def _alike(edges: Floats, old: int, new: int) -> bool:
    """Return whether two activities have the same neighbours on one side, each counting as the other among them."""
    a, b = edges[old].copy(), edges[new].copy()
    for one in (a, b):
        one[old] += one[new]
        one[new] = 0.0
    size = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) >= SAME_NEIGHBOURS * size if size else not a.any() and not b.any()

"""Orders and moments that work does not have: bulk moves, slips, ties, repeats, before the beginning, after the end."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.calendars import DAY, local_time
from mkmine.eventlog.cleaning.findings.finding import Finding, View
from mkmine.eventlog.columns import Text
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.statuses import is_final

__all__ = [
    "BULK_CASES",
    "CORRECTION",
    "after_end",
    "before_start",
    "bulk",
    "bulk_marks",
    "bulk_moves",
    "correction_rows",
    "corrections",
    "instant",
    "instant_rows",
    "overlaps",
    "repeated",
    "repeats",
    "ties",
]

Int = NDArray[np.int64]
Bool = NDArray[np.bool_]
SECOND = 1_000_000
MINUTE = 60 * SECOND
# As many moves by one person within one minute, over as many cases, are a bulk action rather than work.
BULK_CASES = 5
CORRECTION = 30 * SECOND
# Fewer minutes of the whole log than this may look like a bulk by chance.
BY_CHANCE = 0.01
TIES_SHARE = 0.01
# Pairs of activities that overlap so often run in parallel by design.
BY_DESIGN, ENOUGH = 0.2, 10
# An activity opens (closes) cases if it is the first (last) in so many of the cases that have it.
OPENS, CLOSES = 0.8, 0.8
FEWEST_CASES = 20
# An activity has a length if it has one in so many of its instances.
HAS_LENGTH = 0.5
_OPENING = re.compile(
    r"\b(?:creat|regist|submit|receiv|open(?:ed)?\b|new\b|start\b|создан|зарегистр|регистрац|поступ|открыт|завед[её]н|"
    r"нов(?:ая|ый|ое)\b|постановка)",
    re.IGNORECASE,
)
_CREATED = re.compile(r"creat|opened|registered|reg_?date|создан|открыт|регистрац|заведен", re.IGNORECASE)
_CLOSED = re.compile(r"closed|resolved|completed|закрыт|решен|завершен", re.IGNORECASE)


def bulk_moves(log: EventLog, *, cases: int = BULK_CASES) -> Bool:
    """Return the instances (n,) that end in the same minute, by the same person, as those of so many cases at least.

    A person (or a machine) of whom so many are usual in such an hour is not meant: the count has to be beyond what the
    rest of the hour makes likely, as a Poisson count, in any of the minutes of the log. What nobody is named for is no
    bulk: it may be many people's.
    """
    from scipy.special import pdtrc

    out = np.zeros(len(log), dtype=np.bool_)
    named = np.flatnonzero(log.resource >= 0)
    if not len(named):
        return out
    minute = log.end[named] // MINUTE
    minute -= int(minute.min())
    # The minutes of one person stand together, with more than half an hour between two people's.
    key = log.resource[named].astype(np.int64) * (int(minute.max()) + 64) + minute
    ordered = np.sort(key)
    begins = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    counts = np.diff(np.append(begins, len(ordered)))
    hot, own = ordered[begins[counts >= cases]], counts[counts >= cases]
    if not len(hot):
        return out
    around = np.searchsorted(ordered, hot + 31) - np.searchsorted(ordered, hot - 29)
    # One more than was met: an hour without anything else does not prove that nothing ever happens.
    likely = (around - own + 1) / 60
    place = np.minimum(np.searchsorted(hot, key), len(hot) - 1)
    rows = np.flatnonzero((hot[place] == key) & ~log.ongoing[named])
    pairs = np.unique(np.column_stack((place[rows], log.case_of[named[rows]])), axis=0)[:, 0]
    met = np.bincount(pairs, minlength=len(hot))
    chance = pdtrc(met - 1, likely) * len(begins)
    out[named[rows]] = ((met >= cases) & (chance < BY_CHANCE))[place[rows]]
    return out


def bulk_marks(log: EventLog, name: str = "bulk") -> Bool | None:
    """Return the instances (n,) that an attribute of that name marks; None if it holds anything but yes and no."""
    if name not in log.attributes:
        return np.zeros(len(log), dtype=np.bool_)
    held = log.attributes.held(name)
    if isinstance(held, Text):
        # Marks that went through a file of texts.
        words = [str(one).casefold() for one in held.names]
        yes = [code for code, word in enumerate(words) if word == "true"]
        return np.isin(held.codes, yes) if set(words) <= {"true", "false"} else None
    return held if held.dtype == np.bool_ else None


def bulk(view: View) -> Finding | None:
    """Find moves in bulk that no attribute "bulk" marks yet."""
    rows, marks = bulk_moves(view.log), bulk_marks(view.log)
    if marks is not None:
        rows &= ~marks
    if not rows.any():
        return None
    return Finding(
        kind="bulk",
        what=f"ends in the same minute, by the same person, in {BULK_CASES} or more cases",
        count=int(rows.sum()),
        of=len(view.log),
        examples=view.cases(rows),
        advice="such moves tidy a board; they do not show when the work was done",
        repair="mark_bulk(log)",
    )


def correction_rows(log: EventLog, *, within: int = CORRECTION) -> Int:
    """Return the places of the B of every A, B, A in a case in which B lasted and was left within `within` µs."""
    codes = log.activity
    if len(codes) < 3:
        return np.zeros(0, dtype=np.int64)
    places = np.flatnonzero((codes[2:] == codes[:-2]) & (codes[1:-1] != codes[:-2])) + 1
    case = np.searchsorted(log.offsets, places, side="right")
    places = places[(places + 1 < log.offsets[case]) & (places - 1 >= log.offsets[case - 1])]
    quick = (log.end[places] - log.start[places] <= within) & (log.start[places + 1] - log.start[places] <= within)
    return places[quick & ~log.ongoing[places]]


def corrections(view: View) -> Finding | None:
    """Find A, B, A where B took seconds: a mis-click put right."""
    rows = correction_rows(view.log)
    if not len(rows):
        return None
    return Finding(
        kind="corrections",
        what="activities left again within seconds for the one before (A, B, A)",
        count=len(rows),
        of=len(view.log),
        examples=view.cases(rows),
        advice="mis-clicks: they count as rework unless they are collapsed",
        repair="collapse_corrections(log)",
    )


def overlaps(view: View) -> Finding | None:
    """Find overlaps in a case between activities that usually come one after the other."""
    log = view.log
    if log.timestamps == "completed":
        return None
    over = np.append(False, view.inner[1:] & (log.start[1:] < view.latest[:-1]))
    if not over.any():
        return None
    k = len(log.activities)
    after = np.flatnonzero(view.inner)
    pair = log.activity[after - 1].astype(np.int64) * k + log.activity[after]
    kinds, number = np.unique(pair, return_inverse=True)
    total = np.bincount(number, minlength=len(kinds))
    overlapping = np.bincount(number, weights=over[after], minlength=len(kinds))
    parallel = (total >= ENOUGH) & (overlapping >= BY_DESIGN * total) & (kinds // k != kinds % k)
    rows = over.copy()
    rows[after] &= ~parallel[number]
    if not rows.any():
        return None
    return Finding(
        kind="overlaps",
        what="instances that start before an earlier one of their case has ended, where that is not usual",
        count=int(rows.sum()),
        of=len(log),
        examples=view.cases(rows),
        advice="parallel work is fine; where it is not, starts or ends are recorded late",
    )


def ties(view: View) -> Finding | None:
    """Find different activities of a case at the very same time."""
    log = view.log
    same = view.inner[1:] & (log.start[1:] == log.start[:-1]) & (log.end[1:] == log.end[:-1])
    rows = np.append(False, same & (log.activity[1:] != log.activity[:-1]))
    if rows.mean() <= TIES_SHARE:
        return None
    return Finding(
        kind="ties",
        what="instances at the very moment of the one before",
        count=int(rows.sum()),
        of=len(log),
        examples=view.cases(rows),
        advice="their order is that of the source; check that it is the true one",
    )


def repeated(log: EventLog) -> Bool:
    """Return the instances (n,) that repeat an earlier one in case, activity, times and person."""
    case, out = log.case_of, np.zeros(len(log), dtype=np.bool_)
    same = (log.start[1:] == log.start[:-1]) & (log.end[1:] == log.end[:-1]) & (case[1:] == case[:-1])
    # Equal times stand together; only they can hold a repetition.
    rows = np.flatnonzero(np.append(False, same) | np.append(same, False))
    columns = {"c": case, "a": log.activity, "s": log.start, "e": log.end, "r": log.resource}
    frame = pd.DataFrame({name: np.asarray(values[rows]) for name, values in columns.items()})
    out[rows] = frame.duplicated().to_numpy(dtype=np.bool_)
    return out


def repeats(view: View) -> Finding | None:
    """Find instances that are in the log twice."""
    rows = repeated(view.log)
    if not rows.any():
        return None
    return Finding(
        kind="repeats",
        what="instances that repeat another in case, activity, times and person",
        count=int(rows.sum()),
        of=len(view.log),
        examples=view.cases(rows),
        advice="probably exported twice: drop_duplicates sets them aside",
        repair="drop_duplicates(log)",
    )


def instant_rows(log: EventLog) -> Bool:
    """Return the finished instances (n,) of no length of activities that usually have one."""
    none = (log.start == log.end) & ~log.ongoing
    k = len(log.activities)
    share = np.bincount(log.activity[none], minlength=k) / np.maximum(np.bincount(log.activity, minlength=k), 1)
    return np.asarray(none & (share < 1 - HAS_LENGTH)[log.activity])


def instant(view: View) -> Finding | None:
    """Find instances of no length of activities that usually have one."""
    log = view.log
    if log.timestamps != "interval":
        return None
    rows = instant_rows(log)
    if rows.mean() <= TIES_SHARE:
        return None
    return Finding(
        kind="instant",
        what="instances that end at their start, of activities that usually take time",
        count=int(rows.sum()),
        of=len(log),
        examples=view.cases(rows),
        advice="their start or their end was not recorded: durations are too short; estimate_starts fills them in",
        repair="estimate_starts(log)",
    )


def before_start(view: View) -> Finding | None:
    """Find what comes before the creation of its case: by the activity that opens cases, or a dated attribute."""
    log = view.log
    rows, name = _dated(view, _CREATED, before=True), ""
    openers = [code for code, text in enumerate(log.activities) if _OPENING.search(text)]
    for code in openers:
        places = np.flatnonzero(log.activity == code)
        # What stands before its first occurrence; a second one in the case is a re-opening.
        first = places[np.append(True, np.diff(log.case_of[places]) != 0)] if len(places) else places
        begin = log.offsets[log.case_of[first]]
        if len(first) < FEWEST_CASES or (begin == first).mean() < OPENS:
            continue
        name = name or log.activities[code]
        for start, end in zip(begin[begin < first].tolist(), first[begin < first].tolist(), strict=True):
            rows[start:end] |= log.end[start:end] < log.start[end]
    if not rows.any():
        return None
    return Finding(
        kind="before_start",
        what="instances before the creation of their case",
        count=int(rows.sum()),
        of=len(log),
        examples=view.cases(rows),
        advice="typed in later, or with a wrong date: correct them, or set them aside with trim",
        repair=f"trim(log, before=[{name!r}])" if name else "",
    )


def after_end(view: View) -> Finding | None:
    """Find what comes after its case was closed: by the activity that closes cases, or a dated attribute."""
    log = view.log
    rows, names = _dated(view, _CLOSED, before=False), []
    closers = [code for code, text in enumerate(log.activities) if is_final(text)]
    closing = np.isin(log.activity, closers)
    for code in closers:
        places = np.flatnonzero(log.activity == code)
        last = places[np.append(np.diff(log.case_of[places]) != 0, True)] if len(places) else places
        finish = log.offsets[log.case_of[last] + 1] - 1
        if len(last) < FEWEST_CASES or (finish == last).mean() < CLOSES:
            continue
        names.append(log.activities[code])
        for end, final in zip(last[last < finish].tolist(), finish[last < finish].tolist(), strict=True):
            later = slice(end + 1, final + 1)
            rows[later] |= (log.start[later] > log.end[end]) & ~closing[later]
    if not rows.any():
        return None
    return Finding(
        kind="after_end",
        what="instances after their case was closed",
        count=int(rows.sum()),
        of=len(log),
        examples=view.cases(rows),
        advice="re-opened, or recorded late; where the work was over, trim sets them aside",
        repair=f"trim(log, after={names!r})" if names else "",
    )


def _dated(view: View, pattern: re.Pattern[str], *, before: bool) -> Bool:
    """Return the instances before (after) the date in the case attribute of that name."""
    log = view.log
    rows = np.zeros(len(log), dtype=np.bool_)
    for column in log.case_attributes.columns:
        dates = log.case_attributes[column]
        if not pattern.search(str(column)) or not pd.api.types.is_datetime64_any_dtype(dates.dtype):
            continue
        if dates.dt.tz is None:
            dates = dates.dt.tz_localize(log.time_zone, ambiguous=False, nonexistent="shift_forward")
        moment = dates.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy(dtype="datetime64[us]").astype(np.int64)
        known = moment != np.iinfo(np.int64).min
        # Two clocks may differ by seconds; a date without a time ends with its day.
        dates_only = bool(np.all(local_time(moment[known], log.time_zone) % DAY == 0))
        limit = moment - MINUTE if before else moment + (DAY if dates_only else MINUTE)
        wrong = log.end < limit[log.case_of] if before else log.start > limit[log.case_of]
        rows |= wrong & known[log.case_of]
    return rows

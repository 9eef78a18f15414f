"""From whom to whom work passes: hand-overs between people or departments, ping-pong, who covers for whom."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.calendars import DAY, HOUR, Calendar
from mkmine.discovery.dependence import Batches
from mkmine.discovery.inference import discoveries
from mkmine.errors import UnknownNameError
from mkmine.eventlog.columns import narrow
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.summaries import edge_times, hand_overs, working_hours

__all__ = ["by_department", "cover", "passes", "ping_pong"]

Ints = NDArray[np.int64]

# A person is away in a stretch of at least this many days without any work, and covers in activities of which the
# absent one usually does at least this share.
AWAY, USUAL = 5, 0.2
RATE, SHARE = 0.05, 0.05


def passes(log: EventLog, calendar: Calendar, *, by: str) -> pd.DataFrame:
    """Return one row per pair (from, to) of people or roles that work passes between, with its waiting times.

    Columns: from, to, count, waiting_median_h, waiting_mean_h, waiting_total_h (of successions that do not overlap).
    """
    kind = "resource" if by == "resource" else "role"
    frame = hand_overs(log, by=kind).to_pandas()  # type: ignore[arg-type]
    frame = frame[frame["from"] != frame["to"]].reset_index(drop=True)
    waits = edge_times(log, by=kind, calendar=calendar, overlaps=False)  # type: ignore[arg-type]
    place = {name: number for number, name in enumerate(waits.names)}
    at = np.array(
        [place.get(pair, len(waits)) for pair in zip(frame["from"], frame["to"], strict=True)], dtype=np.int64
    )
    total = np.array([one / HOUR for one in waits.total], dtype=np.float64)
    for name, values in (
        ("waiting_median_h", waits.quantile(0.5) / HOUR),
        ("waiting_mean_h", waits.mean / HOUR),
        ("waiting_total_h", total),
    ):
        frame[name] = np.append(values, np.nan)[at]
    return frame


def by_department(log: EventLog, department: str) -> EventLog:
    """Return the log with an attribute of its instances, or of its cases, in the place of the roles.

    Raises `UnknownNameError` if there is no such attribute.
    """
    if department in log.attributes:
        values = pd.Series(log.attributes[department])
    elif department in log.case_attributes:
        values = log.case_attributes[department].iloc[log.case_of]
    else:
        known = [*log.attributes, *map(str, log.case_attributes)]
        raise UnknownNameError.of(kind="attribute", name=department, known=known)
    codes, names = pd.factorize(values.astype(object).where(values.notna().to_numpy(), None), sort=False)
    return replace(log, role=narrow(codes, len(names)), roles=tuple(map(str, names)))


def ping_pong(log: EventLog, calendar: Calendar) -> pd.DataFrame:
    """Return how often work goes from one person to another and straight back within a case.

    Columns: first, second, count, cases, share (of the hand-overs from the first to the second, those that come
    straight back), hours (working hours from the hand-over to the return, all together).
    """
    columns = ["first", "second", "count", "cases", "share", "hours"]
    known = np.flatnonzero(log.resource >= 0)
    case, who = log.case_of[known], log.resource[known].astype(np.int64)
    # What one person does in a row is one stay.
    begins = np.append(True, (case[1:] != case[:-1]) | (who[1:] != who[:-1]))
    stay = np.flatnonzero(begins)
    last = np.append(stay[1:], len(known)) - 1
    holder, of = who[stay], case[stay]
    k = max(len(log.resources), 1)
    handed = np.flatnonzero(of[1:] == of[:-1])
    back = np.flatnonzero((of[2:] == of[:-2]) & (holder[2:] == holder[:-2])) if len(of) > 2 else np.zeros(0, np.int64)
    if not len(back):
        return pd.DataFrame({name: pd.Series(dtype=object) for name in columns})
    given, returned = log.end[known[last[back]]], log.start[known[stay[back + 2]]]
    rows = pd.DataFrame(
        {
            "key": holder[back] * k + holder[back + 1],
            "case": of[back],
            "hours": working_hours(calendar, given, np.maximum(given, returned)),
        }
    )
    found = rows.groupby("key").agg(count=("case", "size"), cases=("case", "nunique"), hours=("hours", "sum"))
    key = found.index.to_numpy(dtype=np.int64)
    all_handed = np.bincount(holder[handed] * k + holder[handed + 1], minlength=k * k)[key]
    names = np.array(log.resources, dtype=object)
    found = found.reset_index(drop=True).assign(first=names[key // k], second=names[key % k])
    found["share"] = found["count"] / all_handed
    return found.sort_values("count", ascending=False, kind="stable", ignore_index=True)[columns]


def cover(log: EventLog) -> pd.DataFrame:
    """Return who takes the work of somebody who is away: stretches of five days or more without any work of theirs.

    Columns: absent, by, days (that the absent one was away), cases (in which `by` did such work in these days), share
    (of all cases with such work then), usual (the same on other days), difference with low and high (95 %), q (false
    discovery rate), supported (q up to 5 %, and 5 points more than usual).
    """
    columns = ["absent", "by", "days", "cases", "share", "usual", "difference", "low", "high", "q", "supported"]
    known = np.flatnonzero(log.resource >= 0)
    who, what, case = log.resource[known].astype(np.int64), log.activity[known], log.case_of[known].astype(np.int64)
    day = log.start[known] // DAY
    counts = np.zeros((len(log.resources), len(log.activities)))
    np.add.at(counts, (who, what), 1)
    usual = counts / np.maximum(counts.sum(axis=0), 1)
    parts = [_covered(person, who, case, day, usual[person][what] >= USUAL) for person in range(len(log.resources))]
    found = (
        pd.concat([part for part in parts if part is not None], ignore_index=True)
        if any(part is not None for part in parts)
        else pd.DataFrame({name: pd.Series(dtype=np.float64) for name in (*columns, "p")})
    )
    found["q"] = discoveries(found.pop("p").to_numpy(dtype=np.float64))
    found["supported"] = (found["q"] <= RATE) & (found["difference"] >= SHARE)
    names = np.array(log.resources, dtype=object)
    for column in ("absent", "by"):
        found[column] = names[found[column].to_numpy(dtype=np.int64)]
    return found.sort_values(["supported", "cases"], ascending=False, kind="stable", ignore_index=True)[columns]


def _covered(person: int, who: Ints, case: Ints, day: Ints, theirs: NDArray[np.bool_]) -> pd.DataFrame | None:
    """Compare who does a person's kinds of work while the person is away and while the person is there."""
    days = np.unique(day[who == person])
    gaps = np.diff(days) - 1
    long = gaps >= AWAY
    if not long.any():
        return None
    rows = theirs & (day > days[0]) & (day < days[-1])
    place = np.searchsorted(days, day[rows], side="right") - 1
    # On a day of the person's own the place is that day itself.
    away = long[np.minimum(place, len(long) - 1)] & (days[place] != day[rows])
    by, of = who[rows], case[rows]
    size = int(who.max()) + 1
    cases, firsts = zip(*(np.unique(of[side], return_index=True) for side in (away, ~away)), strict=True)
    n_away, n_there = map(len, cases)
    if not n_away or not n_there:
        return None
    moments = [day[rows][side][first] for side, first in zip((away, ~away), firsts, strict=True)]
    hands = [_by_hand(by[side], of[side], mine, size) for side, mine in zip((away, ~away), cases, strict=True)]
    in_away, in_there = (np.array([len(one) for one in side]) for side in hands)
    others = np.flatnonzero(in_away)
    # Who does what goes by weeks, so an absence is not as many observations as there are cases in it.
    batches = Batches.of(moments[1], moments[0])
    difference, low, high, p = batches.shares(*([side[other] for other in others.tolist()] for side in hands[::-1]))
    return pd.DataFrame(
        {
            "absent": person,
            "by": others,
            "days": int(gaps[long].sum()),
            "cases": in_away[others],
            "share": in_away[others] / n_away,
            "usual": in_there[others] / n_there,
            "difference": difference,
            "low": low,
            "high": high,
            "p": p,
        }
    )


def _by_hand(by: Ints, of: Ints, cases: Ints, size: int) -> list[Ints]:
    """Return for each person the places in `cases` of those in which the person had a hand."""
    pairs = np.unique(by * len(cases) + np.searchsorted(cases, of))
    cuts = np.searchsorted(pairs, np.arange(size + 1) * len(cases))
    return [pairs[cuts[n] : cuts[n + 1]] % len(cases) for n in range(size)]

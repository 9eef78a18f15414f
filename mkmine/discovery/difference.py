"""The process difference: in what two logs, two periods or two segments differ, beyond chance."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.calendars import HOUR, Calendar
from mkmine.discovery.dependence import Batches
from mkmine.discovery.inference import discoveries
from mkmine.discovery.maturity import mature_until
from mkmine.discovery.process_map import merged_order, records
from mkmine.errors import DataError, UnknownNameError
from mkmine.eventlog.cleaning.filters.window import limit
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.notebook import html_table
from mkmine.eventlog.provenance import Provenance
from mkmine.eventlog.summaries import case_table, working_hours

__all__ = ["Difference", "compare", "periods", "segments"]

Floats = NDArray[np.float64]

# Discoveries at this false discovery rate are told, if they also matter.
RATE = 0.05
# A share that differs by less, or a probability to be longer nearer to one half, matters to nobody.
SHARE, LONGER = 0.02, 0.05
FEWEST = 5
METHOD = (
    "Fisher's exact test (mid-p) of shares of cases, Brunner-Munzel rank test of times, both with errors of batches of "
    "neighbouring cases; Benjamini-Hochberg"
)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Difference:
    """In what the second log differs from the first.

    Every test is of cases, never of events: the events of a case are not independent. Nor are cases that wait in one
    queue, which `mkmine.discovery.dependence` allows for. `q` is the false discovery rate
    at which a row is a discovery, over all rows and tests of the comparison; `supported` marks those with q up to 5 %
    whose difference matters (a share of cases that differs by 2 points or more; times of which the later are longer
    with a probability outside 0.45 to 0.55). None of this says why they differ.

    Attributes
    ----------
    names, n_cases
        What the two are called, and how many cases of each were compared.
    young
        Cases left out, because they began so late that 5 % of cases would not have had the time to be completed by the
        end of the observation: they differ from older ones in that they are young.
    activities
        activity, cases_a, cases_b, share_a, share_b (of cases with it), difference (b - a, with low and high, 95 %),
        q, supported, and for its duration per case: hours_a, hours_b (medians), longer (probability that it takes
        longer in b), hours_q, hours_supported.
    edges
        source, target and the same, where the hours are those from the end of the source to the start of the target
        (negative where they overlap).
    order
        The activities of both, in the order in which cases reach them.
    cycle
        One row: median cycle time of completed cases, hours_a, hours_b, longer, q, supported.
    """

    names: tuple[str, str]
    n_cases: tuple[int, int]
    young: tuple[int, int]
    activities: pd.DataFrame
    edges: pd.DataFrame
    cycle: pd.DataFrame
    order: tuple[str, ...]
    provenance: Provenance = field(repr=False)

    def supported(self) -> pd.DataFrame:
        """Return what differs beyond chance, in words and figures: what, a, b, difference; the largest first."""
        rows = []
        for table, named in ((self.activities, ["activity"]), (self.edges, ["source", "target"])):
            for row in table.to_dict("records"):
                what = " → ".join(row[name] for name in named)
                if row["supported"]:
                    strength = abs(row["difference"])
                    rows.append((what, "share of cases", row["share_a"], row["share_b"], row["difference"], strength))
                if row["hours_supported"]:
                    change = row["hours_b"] - row["hours_a"]
                    strength = 2 * abs(row["longer"] - 0.5)
                    rows.append((what, "hours", row["hours_a"], row["hours_b"], change, strength))
        columns = ["what", "measure", "a", "b", "difference", "strength"]
        frame = pd.DataFrame(rows, columns=columns)
        return frame.sort_values("strength", ascending=False, kind="stable", ignore_index=True)

    def to_pandas(self) -> pd.DataFrame:
        """Return the edges."""
        return self.edges.copy()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        tables = {name: records(getattr(self, name)) for name in ("activities", "edges", "cycle")}
        counts = {"names": list(self.names), "cases": list(self.n_cases), "young": list(self.young)}
        return {**counts, **tables, "provenance": self.provenance.to_dict()}

    def __repr__(self) -> str:
        found, row = self.supported(), self.cycle.iloc[0]
        first, second = self.names
        verdict = f"{row['hours_a']:,.1f} h and {row['hours_b']:,.1f} h (medians)"
        verdict += "" if row["supported"] else ", within chance"
        tests = len(self.activities) + len(self.edges)
        lines = [
            f"Difference of {first} ({self.n_cases[0]:,} cases) and {second} ({self.n_cases[1]:,} cases): cycle time "
            f"{verdict}; {len(found):,} differences beyond chance in {tests:,} activities and paths"
        ]
        for one in found.head(8).itertuples():
            shares = one.measure == "share of cases"
            values = f"{one.a:.0%} and {one.b:.0%} of cases" if shares else f"{one.a:,.1f} h and {one.b:,.1f} h"
            lines.append(f"  {one.what}: {values}")
        if sum(self.young):
            lines.append(f"  {sum(self.young):,} cases are left out: they began too late to have been completed")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return html_table(self.supported().drop(columns="strength"), repr(self).splitlines()[0])


def segments(log: EventLog, attribute: str, first: str, second: str) -> tuple[EventLog, EventLog]:
    """Return the cases of a log with one and with another value of a case attribute.

    Raises `UnknownNameError` if there is no such attribute or value.
    """
    if attribute not in log.case_attributes:
        known = [str(name) for name in log.case_attributes]
        raise UnknownNameError.of(kind="case attribute", name=attribute, known=known)
    values = log.case_attributes[attribute].astype(str).to_numpy()
    logs = []
    for value in (first, second):
        chosen = values == value
        if not chosen.any():
            raise UnknownNameError.of(kind=attribute, name=value, known=sorted(set(values.tolist())))
        logs.append(log.keep_cases(chosen, action="segment", detail=f"{attribute} = {value}"))
    return logs[0], logs[1]


def periods(log: EventLog, since: str | date | datetime) -> tuple[EventLog, EventLog]:
    """Return the cases of a log that began before a day (or moment) of its time zone, and those from it on.

    Raises `DataError` if `since` is not a date, or all cases are on one side of it.
    """
    moment = limit(since, log.time_zone, last=False)
    later = log.start[log.offsets[:-1]] >= moment
    before = log.keep_cases(~later, action="period", detail=f"begun before {since}")
    return before, log.keep_cases(later, action="period", detail=f"begun since {since}")


def compare(
    first: EventLog,
    second: EventLog,
    *,
    names: tuple[str, str] | None = None,
    calendar: Calendar | None = None,
) -> Difference:
    """Compare two logs of a process: two periods, two teams, two kinds of clients.

    `periods` and `segments` cut one log in two.

    Times are of working time of `calendar`, or else of the first log. Raises `DataError` if a log has fewer than five
    cases, or both hold the same cases.
    """
    for log in (first, second):
        if log.n_cases < FEWEST:
            raise DataError(f"{log.n_cases} cases tell no difference; compare logs of at least {FEWEST}")
    if set(first.case_ids.tolist()) & set(second.case_ids.tolist()):
        raise DataError("the two logs share cases, so they are not two groups; cut them so that each case is in one")
    working = calendar or first.working_calendar()
    names, whole = names or _names(first, second), (first.n_cases, second.n_cases)
    first, second = _grown_up(first), _grown_up(second)
    union = merged_order(first.activities, second.activities)
    one, other = (_Cases.of(log, union, working) for log in (first, second))
    batches = Batches.of(first.start[first.offsets[:-1]], second.start[second.offsets[:-1]])
    activities = _table(one.activities, other.activities, batches)
    edges = _table(one.edges, other.edges, batches)
    cycle = _times([one.cycle], [other.cycle], batches)
    tests = [table[name] for table in (activities, edges) for name in ("p", "hours_p")]
    q = discoveries(np.concatenate([*tests, cycle["hours_p"]]))
    place = 0
    for table in (activities, edges):
        for kind in ("", "hours_"):
            table[f"{kind}q"] = q[place : place + len(table)]
            place += len(table)
        table["supported"] = (table["q"] <= RATE) & (table["difference"].abs() >= SHARE)
        table["hours_supported"] = (table["hours_q"] <= RATE) & ((table["longer"] - 0.5).abs() >= LONGER)
    cycle["q"] = q[place:]
    cycle["supported"] = (cycle["q"] <= RATE) & ((cycle["longer"] - 0.5).abs() >= LONGER)
    k = len(union)
    named = np.array(union, dtype=object)
    activities.insert(0, "activity", named[activities.index.to_numpy()])
    edges.insert(0, "source", named[edges.index.to_numpy() // k])
    edges.insert(1, "target", named[edges.index.to_numpy() % k])
    return Difference(
        names=names,
        n_cases=(first.n_cases, second.n_cases),
        young=(whole[0] - first.n_cases, whole[1] - second.n_cases),
        activities=_ordered(activities),
        edges=_ordered(edges),
        cycle=cycle.drop(columns="hours_p"),
        order=union,
        provenance=first.provenance(METHOD, against=second.name, calendar=working.describe()),
    )


def _grown_up(log: EventLog) -> EventLog:
    """Return the cases that began early enough for 95 % of such cases to be completed; at least half of all."""
    begun = log.start[log.offsets[:-1]]
    old = begun <= np.fmax(mature_until(log, begun), np.median(begun))
    return log if old.all() else log.keep_cases(old, action="compare", detail="without cases that are too young")


def _names(first: EventLog, second: EventLog) -> tuple[str, str]:
    if first.name != second.name:
        return first.name, second.name
    told = [log.history[-1].detail if log.history else "" for log in (first, second)]
    return (told[0], told[1]) if all(told) and told[0] != told[1] else ("first", "second")


def _ordered(table: pd.DataFrame) -> pd.DataFrame:
    order = np.argsort(-table[["share_a", "share_b"]].to_numpy().max(axis=1), kind="stable")
    return table.drop(columns=["p", "hours_p"]).iloc[order].reset_index(drop=True)


class _Spent(NamedTuple):
    """Numbers of cases, and the hours of each; NaN where they are not known."""

    cases: NDArray[np.int64]
    hours: Floats


@dataclass(frozen=True)
class _Cases:
    """A log seen case by case: which have each activity or edge (by number), and the hours that each spent there."""

    activities: dict[int, _Spent]
    edges: dict[int, _Spent]
    cycle: _Spent

    @classmethod
    def of(cls, log: EventLog, union: tuple[str, ...], calendar: Calendar) -> _Cases:
        number = np.array([union.index(name) for name in log.activities], dtype=np.int64)
        code, case = number[log.activity], log.case_of.astype(np.int64)
        spent = working_hours(calendar, log.start, log.end)
        known = ~log.ongoing & (log.timestamps != "completed")
        later = np.flatnonzero(log.position[1:] > 0) + 1
        between = calendar.working_time(log.end[later - 1], log.start[later]) / HOUR
        table = case_table(log, calendar=calendar)["cycle_h"].to_numpy(dtype=np.float64)
        done = np.flatnonzero(log.completed & ~log.cancelled)
        return cls(
            activities=_by_case(code, case, np.where(known, spent, np.nan), log.n_cases),
            edges=_by_case(code[later - 1] * len(union) + code[later], case[later], between, log.n_cases),
            cycle=_Spent(done, table[done]),
        )


def _by_case(key: NDArray[np.int64], case: NDArray[np.int64], hours: Floats, n: int) -> dict[int, _Spent]:
    """Return per key the cases that have it, with their mean hours."""
    both, where = np.unique(key * n + case, return_inverse=True)
    known = np.isfinite(hours)
    total = np.bincount(where[known], weights=hours[known], minlength=len(both))
    count = np.bincount(where[known], minlength=len(both))
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    keys, begins = np.unique(both // n, return_index=True)
    parts = map(_Spent, np.split(both % n, begins[1:]), np.split(mean, begins[1:]))
    return dict(zip(keys.tolist(), parts, strict=True))


def _table(first: dict[int, _Spent], second: dict[int, _Spent], batches: Batches) -> pd.DataFrame:
    keys = sorted({*first, *second})
    nothing = _Spent(np.zeros(0, dtype=np.int64), np.zeros(0))
    one, other = [first.get(key, nothing) for key in keys], [second.get(key, nothing) for key in keys]
    a, b = (np.array([len(spent.cases) for spent in part], dtype=np.int64) for part in (one, other))
    n_first, n_second = len(batches.first), len(batches.second)
    difference, low, high, p = batches.shares([spent.cases for spent in one], [spent.cases for spent in other])
    shares = pd.DataFrame(
        {
            "cases_a": a,
            "cases_b": b,
            "share_a": a / n_first,
            "share_b": b / n_second,
            "difference": difference,
            "low": low,
            "high": high,
            "p": p,
        },
        index=keys,
    )
    return shares.join(_times(one, other, batches).set_index(pd.Index(keys)))


def _times(first: list[_Spent], second: list[_Spent], batches: Batches) -> pd.DataFrame:
    rows = []
    for mine, theirs in zip(first, second, strict=True):
        known, known_too = np.isfinite(mine.hours), np.isfinite(theirs.hours)
        one, other = mine.hours[known], theirs.hours[known_too]
        ranks = batches.ranks(mine.cases[known], one, theirs.cases[known_too], other)
        medians = [float(np.median(part)) if len(part) else float("nan") for part in (one, other)]
        rows.append((*medians, ranks.larger, ranks.p))
    return pd.DataFrame(rows, columns=["hours_a", "hours_b", "longer", "hours_p"])

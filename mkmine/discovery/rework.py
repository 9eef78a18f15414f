"""Rework: how probably an activity is done again, round by round, and what the loops cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.calendars import Calendar
from mkmine.discovery.contrast import Contrast, contrast
from mkmine.discovery.process_map import records
from mkmine.errors import DataError, UnknownNameError
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.notebook import html_table
from mkmine.eventlog.provenance import Provenance
from mkmine.eventlog.statistics import Groups, wilson
from mkmine.eventlog.summaries import repeats, rework_counts, running_end, visits, working_hours
from mkmine.streams import Streams

__all__ = ["Rework", "every_loop", "rework", "sent_back"]

EXAMPLES = 3
RESAMPLES = 400


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Rework:
    """Rounds of activities, and loops by the activity after which work goes back.

    Attributes
    ----------
    rounds
        activity, round, reached (instances that are that round), returned (another round followed), repeated (of these,
        rounds that went straight on with the activity, see `mkmine.eventlog.summaries.repeats`), censored (none
        followed yet, and the case is open), probability (of those decided), low and high (Wilson's 95 % interval),
        hours_per_round (mean working hours from the end of this round to the end of the next).
    loops
        gate (the activity after which work goes back), target (where it mostly goes), returns, cases, hours (working
        hours from the end of the gate to the end of the repeated work, loops do not overlap), mean_h with its 95 %
        interval low_h and high_h (bootstrap of cases), work_h (of these, recorded work done again; NaN where only
        completions are known), cost (of the repeated work; NaN where it is not known), share_back (of the gate's
        transitions to the target, those that are returns), examples (ids of the cases that lost most).
    yields
        First-pass yield of each activity: activity, cases (that reached it, and of which it is decided), passed (of
        them, those never sent back after it), first_pass (their share), low and high (Wilson's 95 % interval).
    rolled
        Share of the completed cases that were never sent back at all, with its interval: share, low, high.
    """

    rounds: pd.DataFrame
    loops: pd.DataFrame
    yields: pd.DataFrame
    rolled: tuple[float, float, float]
    provenance: Provenance = field(repr=False)

    def to_pandas(self) -> pd.DataFrame:
        """Return the rounds."""
        return self.rounds.copy()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "rounds": records(self.rounds),
            "loops": records(self.loops),
            "yields": records(self.yields),
            "rolled": dict(zip(("share", "low", "high"), self.rolled, strict=True)),
            "provenance": self.provenance.to_dict(),
        }

    def __repr__(self) -> str:
        share, low, high = self.rolled
        passed = f"{share:.0%} of completed cases ({low:.0%} to {high:.0%}) are never sent back"
        lines = [f"Rework: {len(self.loops)} activities after which work goes back; {passed}"]
        for row in self.loops.head(6).itertuples():
            lines.append(f"  {row.gate} -> {row.target}: {row.returns:,} returns, {row.hours:,.0f} working hours")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        loops = html_table(self.loops, repr(self).splitlines()[0])
        return loops + html_table(self.yields, "First-pass yield") + html_table(self.rounds, "Rounds")


def rework(
    log: EventLog, *, calendar: Calendar | None = None, cost: str | None = None, rate: float | None = None
) -> Rework:
    """Measure the rounds of every activity and the loops in which they come about.

    Money: `cost` names a numeric attribute of instances that holds what each cost; or else `rate` is what an hour of
    work costs. Raises `UnknownNameError` if there is no such attribute, and `DataError` if both are given or the rate
    is negative.
    """
    working = calendar or log.working_calendar()
    price = _price(log, working, cost, rate)
    lost = every_loop(log, working)
    return Rework(
        rounds=_rounds(log, working),
        loops=_loops(log, working, lost, price),
        yields=_yields(log, lost),
        rolled=_rolled(log, lost),
        provenance=log.provenance("rounds of activities, Wilson 95 % intervals", calendar=working.describe()),
    )


def _rounds(log: EventLog, calendar: Calendar) -> pd.DataFrame:
    frame = rework_counts(log).to_pandas()
    decided = frame["reached"] - frame["censored"]
    frame["probability"] = frame["returned"] / decided.where(decided > 0)
    frame["low"], frame["high"] = wilson(frame["returned"], decided)
    order = np.lexsort((log.round, log.activity, log.case_of))
    earlier, later = order[:-1], order[1:]
    next_round = (log.case_of[earlier] == log.case_of[later]) & (log.activity[earlier] == log.activity[later])
    next_round &= ~log.ongoing[later]
    earlier, later = earlier[next_round], later[next_round]
    width = int(log.round.max()) + 1
    key = log.activity[earlier].astype(np.int64) * width + log.round[earlier]
    hours = Groups(working_hours(calendar, log.end[earlier], log.end[later]), key, len(log.activities) * width).mean
    number = {name: code for code, name in enumerate(log.activities)}
    at = frame["activity"].map(number).to_numpy(dtype=np.int64) * width + frame["round"].to_numpy(dtype=np.int64)
    frame["hours_per_round"] = hours[at]
    same = repeats(log)
    before = log.activity[same].astype(np.int64) * width + log.round[same] - 1
    frame["repeated"] = np.bincount(before, minlength=len(hours))[at]
    frame["place"] = frame["activity"].map(number)
    frame = frame.sort_values(["place", "round"], kind="stable", ignore_index=True)
    columns = ["activity", "round", "reached", "returned", "repeated", "censored", "probability", "low", "high"]
    return frame[[*columns, "hours_per_round"]]


def every_loop(log: EventLog, calendar: Calendar) -> pd.DataFrame:
    """Cut every stretch of repeated work into loops: gate and target (codes of activities), case (number), hours.

    An instance returns if it is a later visit to its activity than the instance before it is to its own; the loop lasts
    until an activity is reached for the first time, or work goes back again.
    """
    visit = visits(log)
    again, loop = _again(log, visit)
    first = np.flatnonzero(np.append(True, loop[1:] > loop[:-1]) & (loop >= 0))
    latest = running_end(log)
    done = np.full(len(first), np.iinfo(np.int64).min)
    np.maximum.at(done, loop[again], latest[again])
    begun = latest[first - 1]
    hours = working_hours(calendar, begun, np.maximum(done, begun))
    gate, target, case = log.activity[first - 1], log.activity[first], log.case_of[first]
    return pd.DataFrame({"gate": gate, "target": target, "case": case, "hours": hours})


def sent_back(log: EventLog, gate: str) -> Contrast:
    """Return what goes with being sent back after the first round of an activity, as against passing at once.

    Compared are the completed cases that reached the activity: by their attributes, by who did the
    activity in its first round (a feature called as the activity), and by the weekday on which they began. It says what
    is associated, not what causes it. Raises `UnknownNameError` if there is no such activity, and `DataError` if fewer
    than five cases were sent back, or passed.
    """
    if gate not in log.activities:
        raise UnknownNameError.of(kind="activity", name=gate, known=log.activities)
    code = log.activities.index(gate)
    lost = every_loop(log, Calendar.always())
    back = np.zeros(log.n_cases, dtype=np.bool_)
    back[lost.loc[lost["gate"] == code, "case"].to_numpy(dtype=np.int64)] = True
    first = np.flatnonzero((log.activity == code) & (log.round == 1))
    reached = np.zeros(log.n_cases, dtype=np.bool_)
    reached[log.case_of[first]] = True
    decided = reached & log.completed
    who = np.full(log.n_cases, None, dtype=object)
    who[log.case_of[first]] = np.array([*log.resources, None], dtype=object)[log.resource[first].astype(np.int64)]
    kept = log.keep_cases(decided, action="rework", detail=f"completed, with {gate}")
    further = pd.DataFrame({gate: pd.Series(who[decided], dtype=object)})
    return contrast(kept, back[decided], kinds=("attribute", "weekday"), further=further)


def _price(log: EventLog, calendar: Calendar, cost: str | None, rate: float | None) -> NDArray[np.float64]:
    """Return what each instance cost, NaN where it is not known."""
    if cost is not None and rate is not None:
        raise DataError("cost and rate are both given; give the attribute that holds costs, or a rate for an hour")
    if cost is not None:
        if cost not in log.attributes:
            raise UnknownNameError.of(kind="attribute", name=cost, known=list(log.attributes))
        return pd.to_numeric(pd.Series(log.attributes[cost]), errors="coerce").to_numpy(dtype=np.float64)
    if rate is None:
        return np.full(len(log), np.nan)
    if not rate >= 0:
        raise DataError(f"rate={rate} is not the cost of an hour; give a number of at least 0")
    return rate * _work(log, calendar)


def _work(log: EventLog, calendar: Calendar) -> NDArray[np.float64]:
    """Return the working hours of each instance, NaN where they are not known."""
    known = ~log.ongoing & (log.timestamps != "completed")
    return np.where(known, working_hours(calendar, log.start, log.end), np.nan)


def _loops(log: EventLog, calendar: Calendar, lost: pd.DataFrame, price: NDArray[np.float64]) -> pd.DataFrame:
    """Sum the loops by the activity that sent the work back."""
    columns = ["gate", "target", "returns", "cases", "hours", "mean_h", "low_h", "high_h", "work_h", "cost"]
    columns += ["share_back", "examples"]
    if lost.empty:
        return pd.DataFrame({name: pd.Series(dtype=object) for name in columns})
    visit = visits(log)
    again, loop = _again(log, visit)
    lost = lost.assign(
        work_h=_summed(_work(log, calendar)[again], loop[again], len(lost)),
        cost=_summed(price[again], loop[again], len(lost)),
    )
    grouped = lost.groupby("gate")
    frame = grouped.agg(returns=("hours", "size"), cases=("case", "nunique"), hours=("hours", "sum")).reset_index()
    for name in ("work_h", "cost"):
        frame[name] = grouped[name].sum(min_count=1).to_numpy()
    main = (
        lost.groupby(["gate", "target"]).size().reset_index(name="n").sort_values("n", ascending=False, kind="stable")
    )
    targets = main.drop_duplicates("gate").set_index("gate")["target"]
    codes = frame["gate"].to_numpy(dtype=np.int64)
    to = targets.loc[frame["gate"]].to_numpy(dtype=np.int64)
    frame["mean_h"] = frame["hours"] / frame["returns"]
    frame[["low_h", "high_h"]] = [_mean_interval(lost[lost["gate"] == code]) for code in codes.tolist()]
    frame["share_back"] = [_share_back(log, visit, int(a), int(b)) for a, b in zip(codes, to, strict=True)]
    worst = lost.groupby(["gate", "case"])["hours"].sum().reset_index().sort_values("hours", ascending=False)
    frame["examples"] = [
        tuple(str(log.case_ids[one]) for one in worst.loc[worst["gate"] == code, "case"].head(EXAMPLES))
        for code in codes
    ]
    frame["gate"] = [log.activities[code] for code in codes]
    frame["target"] = [log.activities[code] for code in to]
    return frame.sort_values("hours", ascending=False, kind="stable", ignore_index=True)[columns]


def _again(log: EventLog, visit: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Return which instances are work done again, and the number of the loop that each is in (-1 before the first)."""
    again = (log.position > 0) & (visit > 1)
    returns = again & np.append(False, visit[1:] > visit[:-1])
    return again, np.cumsum(returns) - 1


def _summed(values: NDArray[np.float64], of: NDArray[np.int64], size: int) -> NDArray[np.float64]:
    """Return the sums by group; NaN where none of a group is known."""
    known = np.isfinite(values)
    total = np.bincount(of[known], weights=values[known], minlength=size)
    return np.where(np.bincount(of[known], minlength=size) > 0, total, np.nan)


def _mean_interval(loops: pd.DataFrame) -> tuple[float, float]:
    """Return the 95 % interval of the mean hours of a loop: percentiles of a bootstrap of cases."""
    cases = loops.groupby("case")["hours"].agg(["sum", "size"]).to_numpy(dtype=np.float64)
    if len(cases) < 2:
        return float("nan"), float("nan")
    draws = Streams(0).generator("rework").integers(0, len(cases), (RESAMPLES, len(cases)))
    means = cases[draws, 0].sum(axis=1) / cases[draws, 1].sum(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def _yields(log: EventLog, lost: pd.DataFrame) -> pd.DataFrame:
    """Return of each activity how many cases were never sent back after it."""
    k, n = len(log.activities), log.n_cases
    pairs = np.unique(log.activity.astype(np.int64) * n + log.case_of)
    back = np.unique(lost["gate"].to_numpy(dtype=np.int64) * n + lost["case"].to_numpy(dtype=np.int64))
    decided = pairs[log.completed[pairs % n] | np.isin(pairs, back)]
    cases = np.bincount(decided // n, minlength=k)
    passed = cases - np.bincount(back // n, minlength=k)
    low, high = wilson(passed, cases)
    frame = pd.DataFrame(
        {
            "activity": log.activities,
            "cases": cases,
            "passed": passed,
            "first_pass": passed / np.where(cases > 0, cases, np.nan),
            "low": low,
            "high": high,
        }
    )
    return frame[frame["cases"] > 0].reset_index(drop=True)


def _rolled(log: EventLog, lost: pd.DataFrame) -> tuple[float, float, float]:
    back = np.zeros(log.n_cases, dtype=np.bool_)
    back[lost["case"].to_numpy(dtype=np.int64)] = True
    done = int(log.completed.sum())
    passed = int((log.completed & ~back).sum())
    low, high = wilson(passed, done)
    return (passed / done if done else float("nan")), float(low), float(high)


def _share_back(log: EventLog, visit: NDArray[np.int64], gate: int, target: int) -> float:
    """Return the share of the transitions from `gate` to `target` that lead to a further visit to the target."""
    rows: NDArray[np.int64] = np.flatnonzero(
        (log.position[1:] > 0) & (log.activity[:-1] == gate) & (log.activity[1:] == target)
    )
    return float((visit[rows + 1] > 1).mean()) if len(rows) else float("nan")

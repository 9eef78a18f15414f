"""Rework: how probably an activity is done again, round by round, and what the loops cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.calendars import Calendar
from mkmine.discovery.process_map import records
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.notebook import html_table
from mkmine.eventlog.provenance import Provenance
from mkmine.eventlog.statistics import Groups, wilson
from mkmine.eventlog.summaries import repeats, rework_counts, running_end, visits, working_hours

__all__ = ["Rework", "every_loop", "rework"]

EXAMPLES = 3


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
        hours from the end of the gate to the end of the repeated work, loops do not overlap), mean_h, share_back (of
        the gate's transitions to the target, those that are returns), examples (ids of the cases that lost most).
    """

    rounds: pd.DataFrame
    loops: pd.DataFrame
    provenance: Provenance = field(repr=False)

    def to_pandas(self) -> pd.DataFrame:
        """Return the rounds."""
        return self.rounds.copy()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "rounds": records(self.rounds),
            "loops": records(self.loops),
            "provenance": self.provenance.to_dict(),
        }

    def __repr__(self) -> str:
        lines = [f"Rework: {len(self.loops)} activities after which work goes back"]
        for row in self.loops.head(6).itertuples():
            lines.append(f"  {row.gate} -> {row.target}: {row.returns:,} returns, {row.hours:,.0f} working hours")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return html_table(self.loops, repr(self).splitlines()[0]) + html_table(self.rounds, "Rounds")


def rework(log: EventLog, *, calendar: Calendar | None = None) -> Rework:
    """Measure the rounds of every activity and the loops in which they come about."""
    working = calendar or log.working_calendar()
    return Rework(
        rounds=_rounds(log, working),
        loops=_loops(log, working),
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
    again = (log.position > 0) & (visit > 1)
    returns = again & np.append(False, visit[1:] > visit[:-1])
    first = np.flatnonzero(returns)
    loop = np.cumsum(returns) - 1
    latest = running_end(log)
    done = np.full(len(first), np.iinfo(np.int64).min)
    np.maximum.at(done, loop[again], latest[again])
    begun = latest[first - 1]
    hours = working_hours(calendar, begun, np.maximum(done, begun))
    gate, target, case = log.activity[first - 1], log.activity[first], log.case_of[first]
    return pd.DataFrame({"gate": gate, "target": target, "case": case, "hours": hours})


def _loops(log: EventLog, calendar: Calendar) -> pd.DataFrame:
    """Sum the loops by the activity that sent the work back."""
    columns = ["gate", "target", "returns", "cases", "hours", "mean_h", "share_back", "examples"]
    lost = every_loop(log, calendar)
    if lost.empty:
        return pd.DataFrame({name: pd.Series(dtype=object) for name in columns})
    visit = visits(log)
    grouped = lost.groupby("gate")
    frame = grouped.agg(returns=("hours", "size"), cases=("case", "nunique"), hours=("hours", "sum")).reset_index()
    main = (
        lost.groupby(["gate", "target"]).size().reset_index(name="n").sort_values("n", ascending=False, kind="stable")
    )
    targets = main.drop_duplicates("gate").set_index("gate")["target"]
    codes = frame["gate"].to_numpy(dtype=np.int64)
    to = targets.loc[frame["gate"]].to_numpy(dtype=np.int64)
    frame["mean_h"] = frame["hours"] / frame["returns"]
    frame["share_back"] = [_share_back(log, visit, int(a), int(b)) for a, b in zip(codes, to, strict=True)]
    worst = lost.groupby(["gate", "case"])["hours"].sum().reset_index().sort_values("hours", ascending=False)
    frame["examples"] = [
        tuple(str(log.case_ids[one]) for one in worst.loc[worst["gate"] == code, "case"].head(EXAMPLES))
        for code in codes
    ]
    frame["gate"] = [log.activities[code] for code in codes]
    frame["target"] = [log.activities[code] for code in to]
    return frame.sort_values("hours", ascending=False, kind="stable", ignore_index=True)[columns]


def _share_back(log: EventLog, visit: NDArray[np.int64], gate: int, target: int) -> float:
    """Return the share of the transitions from `gate` to `target` that lead to a further visit to the target."""
    rows: NDArray[np.int64] = np.flatnonzero(
        (log.position[1:] > 0) & (log.activity[:-1] == gate) & (log.activity[1:] == target)
    )
    return float((visit[rows + 1] > 1).mean()) if len(rows) else float("nan")

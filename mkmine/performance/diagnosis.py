"""The diagnosis: key figures, where cases lose time, and which levers to try."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from html import escape
from typing import Any, Final

import numpy as np
import pandas as pd

from mkmine.calendars import Calendar
from mkmine.discovery.pools import find_pools
from mkmine.discovery.process_map import records
from mkmine.discovery.rework import Rework, rework
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.provenance import Provenance
from mkmine.eventlog.summaries import case_table
from mkmine.performance.breakdown import Causes, waiting_causes
from mkmine.performance.lever import Lever
from mkmine.performance.levers import find_levers
from mkmine.performance.people import people
from mkmine.performance.times import key_figures
from mkmine.performance.waiting import Spent, spent, waiting, workload

__all__ = ["COMPLETIONS_ONLY", "ESTIMATED_STARTS", "PARTIAL_WORK", "STATUS_LOG", "Diagnosis", "diagnose"]

EXAMPLES = 3
# What is lost before an activity of people, by what the log knows of starts.
WAITS: Final = {"interval": "queue", "completed": "waiting and work", "estimated": "waiting"}
# People who spend hardly any time with work are not what it waits for.
NEVER_BUSY = 0.01

COMPLETIONS_ONLY = (
    "Only completion times are recorded: waiting and processing cannot be told apart, so each wait is the time since "
    "the previous completion."
)
ESTIMATED_STARTS = "The log holds no starts of activities: they were estimated, and so were waits and durations."
STATUS_LOG = (
    "The log tells statuses, each lasting until the next: the statuses that say so count as waiting, the others as "
    "work, although work may have waited in them too."
)
INFERRED_CALENDAR = "The working hours are inferred from the activity in the log."
OPEN_CASES = "Open cases are censored: percentiles of cycle time are those of Kaplan and Meier."

PARTIAL_WORK = (
    "A filter has left out other work of the same people: hours of work are those of what was kept, and how busy the "
    "people are is not known."
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Diagnosis:
    """Where the time goes.

    Attributes
    ----------
    cases
        Key figures; see `mkmine.performance.times.key_figures`.
    waiting
        One row per activity; see `mkmine.performance.waiting.waiting`.
    rework
        One row per activity and round; see `mkmine.discovery.rework.Rework`.
    loops
        One row per activity after which work goes back.
    workload
        One row per role; see `mkmine.performance.waiting.workload`.
    people
        One row per person; see `mkmine.performance.people.people`.
    bottlenecks
        rank, kind ("queue" for people, "rework", "outside" where nobody spends time; instead of the first "waiting and
        work" where only completions are known, "waiting" where starts were estimated), where (activity), role, hours
        (working hours lost in all cases), share (of the working hours of all cycle times), evidence (numbers by name),
        examples (cases that lost most).
        A loop of rework holds the queues in it, so hours of different kinds overlap and do not add up.
    causes
        What work waited for, with intervals; see `mkmine.performance.breakdown.Causes`.
    levers
        What to try in a simulation, the largest estimated gain first; see `mkmine.performance.lever.Lever`.
    notes
        English sentences on what the figures cannot say.
    """

    cases: dict[str, float]
    waiting: pd.DataFrame
    rework: pd.DataFrame
    loops: pd.DataFrame
    workload: pd.DataFrame
    people: pd.DataFrame
    bottlenecks: pd.DataFrame
    causes: Causes
    levers: tuple[Lever, ...]
    notes: tuple[str, ...]
    provenance: Provenance = field(repr=False)

    def to_pandas(self) -> pd.DataFrame:
        """Return the bottlenecks."""
        return self.bottlenecks.copy()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        figures = {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in self.cases.items()}
        tables = ("waiting", "rework", "loops", "workload", "people", "bottlenecks")
        return {
            "cases": figures,
            **{name: records(getattr(self, name)) for name in tables},
            "causes": {name: records(getattr(self.causes, name)) for name in ("total", "table", "shares", "roles")},
            "levers": [lever.to_dict() for lever in self.levers],
            "notes": list(self.notes),
            "provenance": self.provenance.to_dict(),
        }

    def __repr__(self) -> str:
        c, flow = self.cases, self.cases["flow_efficiency"]
        lines = [
            f"Diagnosis: cycle time {c['cycle_median_h']:,.1f} h (median), {c['cycle_p85_h']:,.1f} h (85 %) of working "
            f"time; {c['completed']:,} completed and {c['open']:,} open cases; "
            f"flow efficiency {'unknown' if math.isnan(flow) else format(flow, '.0%')}"
        ]
        for row in self.bottlenecks.head(6).itertuples():
            lines.append(f"  {row.rank}. {row.kind}: {row.where}, {row.hours:,.0f} h ({row.share:.0%})")
        spent = self.causes.total.sort_values("hours", ascending=False)
        told = [f"{row['cause']} {row['share']:.0%}" for row in spent.to_dict("records") if row["hours"] > 0]
        if len(self.causes.readings) > 1:
            # Of two readings the middle alone would promise too much.
            told = [
                f"{row['cause']} {row['low']:.0%} to {row['high']:.0%}"
                for row in spent.to_dict("records")
                if row["hours"] > 0
            ]
        lines += [f"  waiting: {', '.join(told)}"] if told else []
        lines += [
            f"  try: {lever.kind} {lever.name} {lever.value:g}, perhaps {lever.gain_h:,.1f} h a case ({lever.reason})"
            for lever in self.levers
        ]
        return "\n".join([*lines, *(f"  note: {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        text = "".join(f"<p>{escape(line)}</p>" for line in repr(self).splitlines()[:1])
        shown = (self.bottlenecks, self.waiting, self.workload)
        return text + "".join(one.to_html(index=False, escape=True, na_rep="") for one in shown)


def diagnose(log: EventLog, *, calendar: Calendar | None = None) -> Diagnosis:
    """Find where the cases of a log lose working time.

    Waiting is the working time from enabled to start (the end of what enabled an instance, where the log does not
    record it), rework the working time of loops, outside waits the activities that nobody of the log does. Why work
    waited is told by `waiting_causes`. The gains of levers are estimates until they are simulated.
    """
    working = calendar or log.working_calendar()
    times = spent(log, working)
    pools = find_pools(log)
    cases = case_table(log, calendar=working, waits=times.idle)
    again = rework(log, calendar=working)
    waits = waiting(log, times, pools)
    load = workload(log, times, pools, working)
    folk = people(log, times, pools, working)
    causes = waiting_causes(log, calendar=working, sensitivity=False)
    lost = _bottlenecks(log, times, waits, again, load, float(cases["cycle_h"].sum()))
    return Diagnosis(
        cases=key_figures(log, cases, separable=times.separable),
        waiting=waits,
        rework=again.rounds,
        loops=again.loops,
        workload=load,
        people=folk,
        bottlenecks=lost,
        causes=causes,
        levers=find_levers(
            log,
            causes=causes,
            again=again,
            load=load[load["role"].isin(set(waits["role"]))],
            people=folk,
            lost=lost,
            pools=pools,
            calendar=working,
        ),
        notes=_notes(log, times, calendar),
        provenance=log.provenance("working-time decomposition; Kaplan-Meier", calendar=working.describe()),
    )


def _notes(log: EventLog, times: Spent, calendar: Calendar | None) -> tuple[str, ...]:
    notes = {
        COMPLETIONS_ONLY: log.timestamps == "completed",
        ESTIMATED_STARTS: log.timestamps == "estimated",
        STATUS_LOG: times.statuses,
        INFERRED_CALENDAR: calendar is None and log.calendar is None,
        OPEN_CASES: not log.completed.all(),
        PARTIAL_WORK: log.partial,
    }
    return tuple(note for note, holds in notes.items() if holds)


def _bottlenecks(
    log: EventLog, times: Spent, waits: pd.DataFrame, again: Rework, load: pd.DataFrame, total: float
) -> pd.DataFrame:
    role_of = dict(zip(waits["activity"], waits["role"], strict=True))
    busy = {row["role"]: row for row in load.to_dict("records")}
    rows: list[dict[str, Any]] = []
    outside = {log.activities[int(code)] for code in np.unique(log.activity[times.outside])}
    for row in waits[waits["waiting_total_h"] > 0].to_dict("records"):
        staff = busy.get(row["role"], {})
        evidence = {
            "instances": row["instances"],
            "median_h": row["waiting_median_h"],
            "p85_h": row["waiting_p85_h"],
            "people": staff.get("people"),
            "utilisation": staff.get("utilisation"),
        }
        # Where people spend no time the work does not queue for them: it waits for a slot, a date, an answer.
        idle = not times.statuses and staff.get("utilisation") is not None and staff["utilisation"] < NEVER_BUSY
        kind = "outside" if row["activity"] in outside or idle else WAITS[log.timestamps]
        worst = _worst(log, times, row["activity"])
        rows.append(_row(kind, row["activity"], row["role"], row["waiting_total_h"], evidence, worst))
    for row in again.loops.to_dict("records"):
        instances = int((log.activity == log.activities.index(row["gate"])).sum())
        evidence = {
            "returns": row["returns"],
            "cases": row["cases"],
            "probability": row["returns"] / instances,
            "mean_h": row["mean_h"],
            "target": row["target"],
        }
        rows.append(_row("rework", row["gate"], role_of.get(row["gate"]), row["hours"], evidence, row["examples"]))
    columns = ["rank", "kind", "where", "role", "hours", "share", "evidence", "examples"]
    frame = pd.DataFrame(rows, columns=[name for name in columns if name not in ("rank", "share")], dtype=object)
    frame["hours"] = frame["hours"].astype(float)
    frame = frame[frame["hours"] > 0].sort_values("hours", ascending=False, kind="stable", ignore_index=True)
    frame["rank"] = np.arange(1, len(frame) + 1)
    frame["share"] = frame["hours"] / total if total else np.nan
    return frame[columns]


def _row(kind: str, where: Any, role: Any, hours: Any, evidence: dict[str, Any], examples: Any) -> dict[str, Any]:
    plain = {k: v.item() if isinstance(v, np.generic) else v for k, v in evidence.items()}
    clean = {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in plain.items()}
    return {
        "kind": kind,
        "where": where,
        "role": role,
        "hours": float(hours),
        "evidence": clean,
        "examples": examples,
    }


def _worst(log: EventLog, times: Spent, activity: str) -> tuple[str, ...]:
    """Return the ids of the cases that waited longest at an activity."""
    rows = np.flatnonzero((log.activity == log.activities.index(activity)) & times.observed)
    by_case = np.bincount(log.case_of[rows], weights=times.waiting[rows], minlength=log.n_cases)
    worst = np.argsort(-by_case, kind="stable")[:EXAMPLES]
    return tuple(str(log.case_ids[case]) for case in worst if by_case[case] > 0)

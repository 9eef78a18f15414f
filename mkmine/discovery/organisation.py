"""Who works with whom: roles found from what people do, hand-overs, ping-pong, load by week, cover, departments."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.calendars import Calendar
from mkmine.discovery.grouping import group, groups
from mkmine.discovery.handovers import by_department, cover, passes, ping_pong
from mkmine.discovery.process_map import records
from mkmine.errors import DataError
from mkmine.eventlog.columns import narrow
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.notebook import html_table
from mkmine.eventlog.provenance import Provenance
from mkmine.eventlog.summaries import working_hours
from mkmine.streams import Streams

__all__ = ["Organisation", "organisation"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

RESAMPLES = 50
# Of people with fewer executions one cannot tell what they do; more people are not put into roles one by one.
FEWEST, MOST_PEOPLE = 5, 1_500
METHOD = "roles: average linkage of Bhattacharyya distances of who does what; stability: bootstrap of cases"


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Organisation:
    """Who does what, and how work passes between them. Hours are of working time.

    Attributes
    ----------
    people
        One row per person, by role: person, role (found from what they do; "" where they did too little to tell),
        recorded (the role that the log mostly gives them), instances, activities (how many of them), main (the most
        frequent), stability (mean share of resamples in which the person falls in one role with those of the same role;
        for somebody alone, in which they stay alone).
    roles
        role, people, instances, main, stability (mean over its people).
    together
        Every two people with a role: first, second, share (of resamples in which they fall in one role).
    hand_overs
        from, to, count, waiting_median_h, waiting_mean_h, waiting_total_h: direct successions in a case between two
        people.
    ping_pong
        first, second, count, cases, share, hours: see `mkmine.discovery.handovers.ping_pong`.
    workload
        week (its Monday), person, instances (begun in it), hours (of work begun in it; NaN where only completions are
        known).
    cover
        absent, by, days, cases, share, usual, difference, low, high, q, supported: who does more of somebody's kinds of
        work while that one is away, see `mkmine.discovery.handovers.cover`.
    departments
        from, to, count, waiting_median_h, waiting_mean_h, waiting_total_h: hand-offs between departments.
    department
        What a department is: the name of an attribute, "role" (recorded) or "found role".
    per_case
        Mean hand-offs between departments in a case.
    """

    people: pd.DataFrame
    roles: pd.DataFrame
    together: pd.DataFrame
    hand_overs: pd.DataFrame
    ping_pong: pd.DataFrame
    workload: pd.DataFrame
    cover: pd.DataFrame
    departments: pd.DataFrame
    department: str
    per_case: float
    provenance: Provenance = field(repr=False)

    def to_pandas(self) -> pd.DataFrame:
        """Return the people."""
        return self.people.copy()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, weeks as ISO 8601."""
        names = ("people", "roles", "together", "hand_overs", "ping_pong", "cover", "departments")
        weeks = self.workload.assign(week=[one.date().isoformat() for one in self.workload["week"]])
        return {
            **{name: records(getattr(self, name)) for name in names},
            "workload": records(weeks),
            "department": self.department,
            "per_case": self.per_case,
            "provenance": self.provenance.to_dict(),
        }

    def __repr__(self) -> str:
        lines = [
            f"Organisation: {len(self.people):,} people in {len(self.roles):,} roles found from what they do; "
            f"{self.per_case:,.1f} hand-offs between departments ({self.department}) a case"
        ]
        for row in self.roles.head(10).to_dict("records"):
            lines.append(
                f"  {row['role']}: {row['people']:,} people, mostly {row['main']}, stability {row['stability']:.0%}"
            )
        for row in self.ping_pong.head(3).to_dict("records"):
            lines.append(f"  ping-pong {row['first']} - {row['second']}: {row['count']:,} times, {row['hours']:,.0f} h")
        for row in self.cover[self.cover["supported"]].head(3).to_dict("records"):
            shares = f"{row['share']:.0%} of the cases instead of {row['usual']:.0%}"
            lines.append(f"  {row['by']} covers for {row['absent']}: {shares}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        first = html_table(self.roles, repr(self).splitlines()[0])
        return first + html_table(self.people, "People") + html_table(self.departments, "Hand-offs of departments")


def organisation(
    log: EventLog, *, department: str | None = None, calendar: Calendar | None = None, seed: int = 0
) -> Organisation:
    """Find out who does what and how work passes between people.

    Two people are alike as far as their work is spread alike over activities (Bhattacharyya's coefficient of the
    shares); alike people make a role (average linkage, as many roles as separate best by their silhouette). Stability
    is that of 50 bootstrap samples of cases. `department` names an attribute of instances or cases to take for the
    departments; without it they are the recorded roles, or else the found ones.

    Raises `DataError` if the log names nobody, and `UnknownNameError` if there is no such attribute.
    """
    if not len(log.resources) or not (log.resource >= 0).any():
        raise DataError("the log names nobody who does the work; read it with a column of people (resource)")
    working = calendar or log.working_calendar()
    whole = _counts(log, None)
    shown = _chosen(whole)
    label, together = _roles(log, whole, shown, Streams(seed))
    people = _people(log, whole, shown, label, together)
    names = dict(zip(people["person"], people["role"], strict=True))
    cut, meaning = _departments(log, department, [names.get(name, "") for name in log.resources])
    departments = passes(cut, working, by="role")
    return Organisation(
        people=people,
        roles=_by_role(people),
        together=_pairs(log, shown, together),
        hand_overs=passes(log, working, by="resource"),
        ping_pong=ping_pong(log, working),
        workload=_workload(log, working),
        cover=cover(log),
        departments=departments,
        department=meaning,
        per_case=float(departments["count"].sum() / log.n_cases),
        provenance=log.provenance(METHOD, seed=seed, calendar=working.describe()),
    )


def _counts(log: EventLog, weights: Floats | None) -> Floats:
    """Return how often each person did each activity (people, activities); cases may count several times."""
    known = log.resource >= 0
    k = len(log.activities)
    key = log.resource[known].astype(np.int64) * k + log.activity[known]
    weight = None if weights is None else weights[log.case_of[known]]
    size = len(log.resources) * k
    return np.bincount(key, weights=weight, minlength=size).reshape(-1, k).astype(np.float64)


def _chosen(counts: Floats) -> Ints:
    done = counts.sum(axis=1)
    enough = np.flatnonzero(done >= FEWEST)
    busiest = enough[np.argsort(-done[enough], kind="stable")][:MOST_PEOPLE]
    return np.sort(busiest)


def _distances(counts: Floats) -> Floats:
    root = np.sqrt(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1e-12))
    out = np.clip(1.0 - root @ root.T, 0.0, 1.0)
    np.fill_diagonal(out, 0.0)
    return np.asarray(out)


def _roles(log: EventLog, whole: Floats, shown: Ints, streams: Streams) -> tuple[Ints, Floats]:
    """Return the role of each person shown, and for every two the share of resamples in which they are in one."""
    label, _ = groups(_distances(whole[shown]))
    k = int(label.max()) + 1 if len(label) else 0
    generator = streams.generator("organisation")
    same = np.zeros((len(shown), len(shown)))
    for _ in range(RESAMPLES):
        drawn = np.bincount(generator.integers(0, log.n_cases, log.n_cases), minlength=log.n_cases).astype(np.float64)
        found = group(_distances(_counts(log, drawn)[shown]), k)
        same += found[:, None] == found[None, :]
    return label, same / RESAMPLES


def _people(log: EventLog, whole: Floats, shown: Ints, label: Ints, together: Floats) -> pd.DataFrame:
    recorded = _recorded(log)
    activities = np.array(log.activities, dtype=object)
    names = _titles(log, whole, shown, label, recorded)
    role = np.full(len(log.resources), "", dtype=object)
    role[shown] = [names[one] for one in label.tolist()]
    stability = np.full(len(log.resources), np.nan)
    for place, person in enumerate(shown.tolist()):
        mates = np.flatnonzero(label == label[place])
        mates = mates[mates != place]
        alone = np.delete(together[place], place)
        lonely = 1.0 - alone.max() if len(alone) else 1.0
        stability[person] = together[place, mates].mean() if len(mates) else lonely
    frame = pd.DataFrame(
        {
            "person": log.resources,
            "role": role,
            "recorded": recorded,
            "instances": whole.sum(axis=1).astype(np.int64),
            "activities": (whole > 0).sum(axis=1),
            "main": activities[whole.argmax(axis=1)],
            "stability": stability,
        }
    )
    frame = frame[frame["instances"] > 0]
    return frame.sort_values(["role", "instances"], ascending=[True, False], kind="stable", ignore_index=True)


def _recorded(log: EventLog) -> NDArray[np.object_]:
    """Return the role that each person is mostly recorded with."""
    out = np.full(len(log.resources), "", dtype=object)
    known = (log.resource >= 0) & (log.role >= 0)
    table = np.zeros((len(log.resources), max(len(log.roles), 1)))
    np.add.at(table, (log.resource[known], log.role[known]), 1)
    some = np.flatnonzero(table.sum(axis=1) > 0)
    out[some] = np.array([*log.roles, ""], dtype=object)[table[some].argmax(axis=1)]
    return out


def _titles(log: EventLog, whole: Floats, shown: Ints, label: Ints, recorded: NDArray[np.object_]) -> list[str]:
    """Name each role by what most of its people are recorded with, or else by its most frequent activity."""
    titles: list[str] = []
    for one in range(int(label.max()) + 1 if len(label) else 0):
        members = shown[label == one]
        told = pd.Series(recorded[members])
        told = told[told != ""]
        main = log.activities[int(whole[members].sum(axis=0).argmax())]
        title = str(told.mode().iloc[0]) if len(told) else main
        named = title if title not in titles or title == main else f"{title} ({main})"
        titles.append(named if named not in titles else f"{named} {one + 1}")
    return titles


def _by_role(people: pd.DataFrame) -> pd.DataFrame:
    known = people[people["role"] != ""]
    frame = known.groupby("role", sort=False).agg(
        people=("person", "size"),
        instances=("instances", "sum"),
        main=("main", "first"),
        stability=("stability", "mean"),
    )
    return frame.reset_index().sort_values("instances", ascending=False, kind="stable", ignore_index=True)


def _pairs(log: EventLog, shown: Ints, together: Floats) -> pd.DataFrame:
    first, second = np.triu_indices(len(shown), 1)
    names = np.array(log.resources, dtype=object)[shown]
    frame = pd.DataFrame({"first": names[first], "second": names[second], "share": together[first, second]})
    return frame.sort_values("share", ascending=False, kind="stable", ignore_index=True)


def _departments(log: EventLog, department: str | None, found: list[str]) -> tuple[EventLog, str]:
    if department is not None:
        return by_department(log, department), department
    if log.roles:
        return log, "role"
    codes, names = pd.factorize(pd.Series([one or None for one in found], dtype=object))
    of_person = np.append(codes, -1)
    role = narrow(of_person[log.resource.astype(np.int64)], len(names))
    return replace(log, role=role, roles=tuple(map(str, names))), "found role"


def _workload(log: EventLog, calendar: Calendar) -> pd.DataFrame:
    known = np.flatnonzero(log.resource >= 0)
    local = pd.DatetimeIndex(log._local(log.start[known])).tz_localize(None).normalize()
    monday = local - pd.to_timedelta(local.day_of_week, unit="D")
    hours = working_hours(calendar, log.start[known], log.end[known])
    untold = log.ongoing[known] | (log.timestamps == "completed")
    rows = pd.DataFrame(
        {
            "week": monday,
            "person": log.resource[known].astype(np.int64),
            "instances": 1,
            "hours": np.where(untold, np.nan, hours),
        }
    )
    grouped = rows.groupby(["week", "person"], sort=True)
    frame = grouped["instances"].sum().to_frame()
    frame["hours"] = grouped["hours"].sum(min_count=1)
    frame = frame.reset_index()
    frame["person"] = np.array(log.resources, dtype=object)[frame["person"].to_numpy()]
    return frame

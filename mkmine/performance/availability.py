"""When people are there, as their work shows: weekly hours, absences, who came and who left, how much at a time.

Weekly hours by person, role or office after O. Lopez-Pintado and M. Dumas (2023), "Discovery and simulation of business
processes with probabilistic resource availability calendars" (DOI 10.1109/ICPM60904.2023.10271978), but for the
probabilities, which are told and not used: a person either has an hour of the week, or has not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.calendars import HOUR, Calendar, from_us, holidays_of
from mkmine.discovery.pools import Pools, find_pools
from mkmine.discovery.process_map import records
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.notebook import html_table
from mkmine.eventlog.provenance import Provenance
from mkmine.eventlog.rhythm import calendar_of_moments, hour_of_week, signs
from mkmine.performance.duty import capacities, work_of_people

__all__ = ["Availability", "Presence", "availability", "estimate_presence", "fewest_hours", "seen_at_work"]

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Span = tuple[date, date]

ENOUGH_FOR_CALENDAR = 150
ENOUGH_FOR_ABSENCE = 60
ENOUGH_TO_CHECK = 30
# Work that takes this many times the 95th percentile of the person's work is not long, but was interrupted.
UNUSUAL = 4
# A calendar that misses more of the work than this is not the rhythm of that work.
COVERED, LESS_BY_DAY = 0.97, 0.07
# A person is away whose silence is so long (in open days) and so improbable: exp(-14) is below one in a million.
LONG, IMPROBABLE = 4.5, 14
SEEN = 2 / 3
METHOD = "weekly hours and absences from the times of work; held-out check on the last third"


@dataclass(frozen=True)
class Presence:
    """The calendars of a log by name (`"office"` among them), each person's calendar and absences, and the time before
    they came and after they left (`apart`)."""

    calendars: dict[str, Calendar]
    calendar_of: tuple[str, ...]
    absences: tuple[tuple[Span, ...], ...]
    apart: tuple[tuple[Span, ...], ...] = ()

    @property
    def office(self) -> Calendar:
        """The calendar by which working time is measured."""
        return self.calendars["office"]

    def of(self, person: int) -> Calendar:
        """Return a person's calendar with their absences."""
        return self.calendars[self.calendar_of[person]].without(self.absences[person])

    def employed(self, person: int) -> Calendar:
        """Return a person's calendar with their absences, closed before they came and after they left."""
        return self.of(person).without(self.apart[person]) if self.apart else self.of(person)


def estimate_presence(
    log: EventLog, pools: Pools, *, office: Calendar | None = None, covered: float = COVERED, until: int | None = None
) -> Presence:
    """Return who works when, as the work that began before `until` (µs; by default all) shows.

    A person with at least 150 instances has a calendar of their own, others have their role's, by the same rule, or
    that of everybody: the hours that infer_calendar finds, if 97 % (`covered`) of the work lies in them, or else the
    fewest hours of the week that hold as much, and 90 % of that of each weekday. Who works at odd hours now and then
    would otherwise never be there at them. Absences are spans of at least 5 open days without a sign of a person where
    silence is improbable at their usual rate (Poisson, below one in a million) and no long work explains it. Who is
    silent so long at the beginning or at the end of the observation had not come yet, or had left.
    """
    seen = np.arange(len(log)) if until is None else np.flatnonzero(log.start < until)
    office = office or log.working_calendar()
    everybody = office
    if not _fits(log, seen, office, covered):
        everybody = _hours_of(log, seen, office, covered, enough=1) or office
    shared = "office" if everybody == office else "everybody"
    calendars: dict[str, Calendar] = {"office": office, shared: everybody}
    by_role: dict[int, str] = {}
    for role, title in enumerate(pools.names):
        mine = (pools.of_activity[log.activity[seen]] == role) & (log.resource[seen] >= 0)
        hours = _hours_of(log, seen[mine], office, covered)
        if hours is not None:
            by_role[role] = f"role {title}"
            calendars[by_role[role]] = hours
    ordered, begins = work_of_people(log)
    chosen, absences, apart = [], [], []
    for person, title in enumerate(log.resources):
        # Sorted as in the log, so that what is inferred does not depend on the way here.
        rows = np.sort(ordered[begins[person] : begins[person + 1]])
        rows = rows if until is None else rows[log.start[rows] < until]
        roles = pools.of_person[person]
        key = by_role.get(roles[0], shared) if roles else shared
        if len(rows) >= ENOUGH_FOR_CALENDAR:
            hours = _hours_of(log, rows, office, covered)
            if hours is not None:
                key = f"person {title}"
                calendars[key] = hours
        chosen.append(key)
        away, outside = _absences(log, rows, calendars[key])
        absences.append(away)
        apart.append(outside)
    return Presence(calendars, tuple(chosen), tuple(absences), tuple(apart))


def _hours_of(
    log: EventLog, rows: Ints, office: Calendar, covered: float, enough: int = ENOUGH_FOR_CALENDAR
) -> Calendar | None:
    """Return the weekly hours of some instances, or None where they are too few to show any."""
    if len(rows) < enough:
        return None
    moments = seen_at_work(log, rows)
    found = calendar_of_moments(log, signs(log, rows), holidays=office.holidays)
    return found if found.is_open(moments).mean() >= covered else _covering(moments, office, covered)


def seen_at_work(log: EventLog, rows: Ints) -> Ints:
    """Return when the work of some instances began, and when it was last seen before it ended."""
    done = rows[~log.ongoing[rows]]
    return np.concatenate((log.start[rows], np.maximum(log.end[done] - 1, log.start[done])))


def _fits(log: EventLog, rows: Ints, office: Calendar, covered: float) -> bool:
    """Whether the office's hours hold nearly all of the work."""
    moments = seen_at_work(log, rows)
    return not len(moments) or float(office.is_open(moments).mean()) >= covered


def _covering(moments: Ints, office: Calendar, covered: float) -> Calendar:
    """Return the fewest hours of the week that hold nearly all moments, and most of those of each weekday."""
    opened = fewest_hours(np.bincount(hour_of_week(moments, office.time_zone), minlength=168), covered)
    return Calendar(
        weekly=tuple(_spans(day) for day in opened.reshape(7, 24)),
        time_zone=office.time_zone,
        holidays=holidays_of(office),
    )


def fewest_hours(counts: Ints, covered: float = COVERED) -> Bools:
    """Return which hours of the week (168,) are the fewest that hold a share of all signs of people, `counts`.

    A little less of those of each weekday is held as well.
    """
    opened = _fewest(counts, covered)
    for day in range(7):
        hours = slice(24 * day, 24 * day + 24)
        opened[hours] |= _fewest(counts[hours], covered - LESS_BY_DAY)
    return opened


def _spans(opened: Bools) -> tuple[tuple[int, int], ...]:
    """Return the open hours of a day as spans of minutes."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], opened, [False])).astype(np.int8)))
    return tuple((60 * int(start), 60 * int(end)) for start, end in edges.reshape(-1, 2))


def _fewest(counts: Ints, share: float) -> Bools:
    """Return the fewest cells that hold a share of all counts."""
    order = np.argsort(-counts, kind="stable")
    needed = int(np.searchsorted(np.cumsum(counts[order]), share * counts.sum())) + 1
    out = np.zeros(len(counts), dtype=np.bool_)
    out[order[:needed]] = True
    return out & (counts > 0)


def _absences(log: EventLog, rows: Ints, calendar: Calendar) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """Return when a person was away, and when they had not come yet or had left."""
    moments = np.sort(np.concatenate((log.start[rows], log.end[rows[~log.ongoing[rows]]])))
    if len(moments) < ENOUGH_FOR_ABSENCE:
        return (), ()
    rate = len(moments) / max(int(calendar.working_time(moments[0], moments[-1])), 1)
    open_day = calendar.hours_per_day * HOUR
    begin, end = log.observed
    edges = np.concatenate(([min(begin, moments[0])], moments, [max(end, moments[-1])]))
    gaps = calendar.working_time(edges[:-1], edges[1:])
    # Long work in hand is no absence. Work that seems far longer than the person's other work is what it interrupted.
    spans = calendar.working_time(log.start[rows], log.end[rows])
    usual = spans <= UNUSUAL * np.quantile(spans, 0.95)
    busy = _covered(log.start[rows][usual], log.end[rows][usual], edges)
    quiet = np.flatnonzero((gaps >= LONG * open_day) & (rate * gaps > IMPROBABLE) & ~busy)
    away: list[Span] = []
    outside: list[Span] = []
    for gap in quiet.tolist():
        first = from_us(int(edges[gap]), log.time_zone).date() + timedelta(days=0 if gap == 0 else 1)
        last = from_us(int(edges[gap + 1]), log.time_zone).date() - timedelta(days=0 if gap == len(gaps) - 1 else 1)
        if last >= first:
            (outside if gap in (0, len(gaps) - 1) else away).append((first, last))
    return tuple(away), tuple(outside)


def _covered(start: Ints, end: Ints, moments: Ints) -> Bools:
    """Return for each gap between moments whether an instance spans it whole."""
    begun = np.searchsorted(np.sort(start), moments[:-1], side="right")
    done = np.searchsorted(np.sort(end), moments[1:], side="left")
    return np.asarray(begun > done)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Availability:
    """Who works when.

    Attributes
    ----------
    people
        One row per person: person, role (the first of theirs), hours (the weekly hours, in words), of ("person",
        "role", "everybody" or "office": whose hours these are), hours_per_week, capacity (pieces of work at a time),
        instances, absences (spans), days_away (calendar days in them), came and left (dates; missing where they were
        there from the beginning or to the end), held_out (share of the work of the last third of the time that lies
        within the hours that the first two thirds show; NaN where there is too little), moments (starts and ends that
        this share is of).
    roles
        One row per role: role, people, hours_per_week (of all of them), held_out, moments.
    weekly
        One row per person, weekday (1 is Monday) and hour with any sign: person, weekday, hour, probability (share of
        the weeks in which they were there that have a sign of them in that hour: a start or an end of work).
    presence
        The same as calendars.
    """

    people: pd.DataFrame
    roles: pd.DataFrame
    weekly: pd.DataFrame
    presence: Presence = field(repr=False)
    provenance: Provenance = field(repr=False)

    def to_pandas(self) -> pd.DataFrame:
        """Return the people."""
        return self.people.copy()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, dates as ISO 8601."""
        people = self.people.copy()
        for name in _DATES:
            people[name] = [None if pd.isna(one) else one.isoformat() for one in people[name]]
        return {
            "people": records(people),
            "roles": records(self.roles),
            "weekly": records(self.weekly),
            "provenance": self.provenance.to_dict(),
        }

    def __repr__(self) -> str:
        lines = [f"Availability of {len(self.people):,} people in {len(self.roles):,} roles"]
        for row in self.people.head(12).to_dict("records"):
            held = "" if row["held_out"] != row["held_out"] else f", {row['held_out']:.0%} of the last third within"
            lines.append(f"  {row['person']}: {row['hours']}{held}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return html_table(self.people, repr(self).splitlines()[0]) + html_table(self.roles)


_DATES = ("came", "left")
_PEOPLE = [
    *("person", "role", "hours", "of", "hours_per_week", "capacity", "instances", "absences", "days_away"),
    *("came", "left", "held_out", "moments"),
]


def availability(log: EventLog, *, calendar: Calendar | None = None) -> Availability:
    """Infer who works when from their work, and hold it against the last third of the time, which it has not seen.

    `calendar` is the office's, by default that of the log. A log of completions shows completions only.
    """
    pools = find_pools(log)
    presence = estimate_presence(log, pools, office=calendar)
    cut = int(log.observed[0] + SEEN * (log.observed[1] - log.observed[0]))
    earlier = estimate_presence(log, pools, office=calendar, until=cut)
    role_of = [roles[0] if roles else -1 for roles in pools.of_person]
    inside, number = _held_out(log, earlier, cut)
    ordered, begins = work_of_people(log)
    limits = capacities(log)
    rows, weekly = [], []
    for person, name in enumerate(log.resources):
        mine = ordered[begins[person] : begins[person + 1]]
        hours = presence.calendars[presence.calendar_of[person]]
        came, left = _stay(presence, person, log)
        rows.append(
            {
                "person": name,
                "role": pools.names[role_of[person]] if role_of[person] >= 0 else None,
                "hours": hours.describe(),
                "of": presence.calendar_of[person].split(" ", 1)[0],
                "hours_per_week": hours.hours_per_week,
                "capacity": int(limits[person]),
                "instances": len(mine),
                "absences": len(presence.absences[person]),
                "days_away": sum((last - first).days + 1 for first, last in presence.absences[person]),
                "came": came,
                "left": left,
                "held_out": inside[person] / number[person] if number[person] >= ENOUGH_TO_CHECK else float("nan"),
                "moments": int(number[person]),
            }
        )
        weekly.append(_weekly(log, mine, name))
    people = pd.DataFrame(rows, columns=_PEOPLE)
    return Availability(
        people=people,
        roles=_roles(people, pools, np.array(role_of, dtype=np.int64), inside, number),
        weekly=pd.concat(weekly, ignore_index=True) if weekly else pd.DataFrame(columns=list(_WEEKLY)),
        presence=presence,
        provenance=log.provenance(METHOD, calendar=presence.office.describe()),
    )


def _held_out(log: EventLog, earlier: Presence, cut: int) -> tuple[Ints, Ints]:
    """Return how many starts and ends of each person after the cut lie in the hours shown before it, and of how many.

    Work on days on which the office is closed for once (holidays) does not count.
    """
    people = len(log.resources)
    done = ~log.ongoing & (log.end > cut)
    begun = log.start > cut
    moments = np.concatenate((log.start[begun], np.maximum(log.end[done] - 1, log.start[done])))
    whose = np.concatenate((log.resource[begun], log.resource[done])).astype(np.int64)
    inside = np.zeros(people, dtype=np.int64)
    for name in set(earlier.calendar_of):
        group = np.array([one == name for one in earlier.calendar_of], dtype=np.bool_)
        mine = (whose >= 0) & group[whose]
        inside += np.bincount(whose[mine][earlier.calendars[name].is_open(moments[mine])], minlength=people)
    return inside, np.bincount(whose[whose >= 0], minlength=people)


def _stay(presence: Presence, person: int, log: EventLog) -> tuple[date | None, date | None]:
    """Return the day on which a person came and that on which they were last there, None where not in the log."""
    came = left = None
    begin = from_us(log.observed[0], log.time_zone).date()
    for first, last in presence.apart[person]:
        if first <= begin:
            came = last + timedelta(days=1)
        else:
            left = first - timedelta(days=1)
    return came, left


_WEEKLY = ("person", "weekday", "hour", "probability")


def _weekly(log: EventLog, rows: Ints, name: str) -> pd.DataFrame:
    """Return in what share of their weeks a person gave a sign in each hour of the week."""
    moments = np.concatenate((log.start[rows], log.end[rows[~log.ongoing[rows]]]))
    if not len(moments):
        return pd.DataFrame({column: [] for column in _WEEKLY})
    hour = hour_of_week(moments, log.time_zone)
    # Weeks begin on Mondays by UTC; what crosses their edge does so for all hours alike.
    week = (moments // HOUR + 72) // 168
    seen = np.unique(week * 168 + hour)
    counts = np.bincount(seen % 168, minlength=168)
    found = np.flatnonzero(counts)
    return pd.DataFrame(
        {
            "person": name,
            "weekday": found // 24 + 1,
            "hour": found % 24,
            "probability": counts[found] / len(np.unique(week)),
        }
    )


def _roles(people: pd.DataFrame, pools: Pools, role_of: Ints, inside: Ints, number: Ints) -> pd.DataFrame:
    rows = []
    for role, name in enumerate(pools.names):
        mine = role_of == role
        moments = int(number[mine].sum())
        rows.append(
            {
                "role": name,
                "people": int(mine.sum()),
                "hours_per_week": float(people.loc[mine, "hours_per_week"].sum()) if len(people) else 0.0,
                "held_out": inside[mine].sum() / moments if moments >= ENOUGH_TO_CHECK else float("nan"),
                "moments": moments,
            }
        )
    return pd.DataFrame(rows, columns=["role", "people", "hours_per_week", "held_out", "moments"])

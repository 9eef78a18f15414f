"""How much of the waiting has which cause, by activity and role, with intervals and what it hangs on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.calendars import HOUR, MINUTE, Calendar
from mkmine.discovery.pools import Pools, find_pools
from mkmine.discovery.process_map import records
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.notebook import html_table
from mkmine.eventlog.provenance import Provenance
from mkmine.eventlog.statuses import tells_statuses, waiting_stays
from mkmine.performance.availability import COVERED, Presence, estimate_presence
from mkmine.performance.beginnings import begun, without_estimates
from mkmine.performance.causes import CAUSES, split_waiting, usual_pause
from mkmine.performance.resamples import Resamples

__all__ = ["Causes", "waiting_causes"]

Floats = NDArray[np.float64]

METHOD = "causes of waiting; block bootstrap over cases"
# A share that another threshold moves by more than this hangs on it.
STEADY: Final = 0.05
FEWEST_CASES: Final = 30

ESTIMATED = (
    "The log tells completions only: what was work before them and what was waiting is read in two ways, with as "
    "little waiting for something outside as it leaves possible and with as much. The middle is told, and intervals "
    "hold both. Everybody is taken to do one thing at a time."
)
STATUSES = "Waits are the stays in statuses that say so; they wait for those who take the next status up."
NOBODY = "The log names no people: what work waited for cannot be told."
FILTERED = (
    "A filter has left out other work of the same people: when they seem free they may have been busy with it, so "
    "that contention is told as too little."
)
FEW = "With so few cases the intervals are rough."


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Causes:
    """What work waited for.

    Causes are "batching", "contention", "prioritisation", "unavailability", "outside" and "unidentifiable", as
    `mkmine.performance.causes.split_waiting` defines them; hours are of the office's working time.

    Attributes
    ----------
    total
        One row per cause: cause, hours, share (of all waiting), low and high (its 95 % interval).
    table
        One row per activity and role, the longest total wait first, and a last row "total": activity, role, instances
        (whose wait is known), waiting_h, and the hours of each cause by its name. Sums are those of the rows.
    shares
        The same by cause: activity, role, cause, hours, share (of what the activity waited), low, high.
    roles
        One row per role and cause: role, cause, hours, share, low, high.
    sensitivity
        One row per setting: setting, value, and the share of each cause under it. Row 0 is what is told here.
        Empty where it was not asked for.
    hours
        Hours of each instance of `log` by cause, (n, 6): the mean of the readings.
    readings
        The same by each reading of the log: one where it tells starts, else two, with early and with late starts.
    log
        The log that was split: with early starts where it had none.
    presence
        Who was there when, as it was inferred.
    notes
        What a reader must know.
    """

    total: pd.DataFrame
    table: pd.DataFrame
    shares: pd.DataFrame
    roles: pd.DataFrame
    sensitivity: pd.DataFrame
    notes: tuple[str, ...]
    hours: Floats = field(repr=False)
    readings: tuple[Floats, ...] = field(repr=False)
    log: EventLog = field(repr=False)
    presence: Presence = field(repr=False)
    provenance: Provenance = field(repr=False)

    def share(self, cause: str) -> float:
        """Return the share of all waiting that has a cause. Raises `UnknownNameError` if there is no such cause."""
        if cause not in CAUSES:
            from mkmine.errors import UnknownNameError

            raise UnknownNameError.of(kind="cause", name=str(cause), known=list(CAUSES))
        return float(self.total["share"].iloc[CAUSES.index(cause)])

    def to_pandas(self) -> pd.DataFrame:
        """Return the table by activity."""
        return self.table.copy()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        names = ("total", "table", "shares", "roles", "sensitivity")
        return {
            **{name: records(getattr(self, name)) for name in names},
            "notes": list(self.notes),
            "provenance": self.provenance.to_dict(),
        }

    def __repr__(self) -> str:
        every = float(self.total["hours"].sum())
        lines = [f"Causes of waiting: {every:,.0f} working hours in {self.log.n_cases:,} cases"]
        for row in records(self.total):
            between = "" if row["low"] is None else f" ({row['low']:.0%} to {row['high']:.0%})"
            share = "" if row["share"] is None else f"{row['share']:.0%}{between}"
            lines.append(f"  {row['cause']:<15}{row['hours']:>10,.0f} h  {share}".rstrip())
        return "\n".join([*lines, *(f"  note: {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        tables = [self.total, self.table, *([self.sensitivity] if len(self.sensitivity) else [])]
        title = repr(self).splitlines()[0]
        notes = "".join(f"<p>{escape(note)}</p>" for note in self.notes)
        return html_table(tables[0], title) + "".join(html_table(one) for one in tables[1:]) + notes


def waiting_causes(
    log: EventLog, *, calendar: Calendar | None = None, seed: int = 0, sensitivity: bool = True
) -> Causes:
    """Tell what the work of a log waited for: six causes by activity, with 95 % intervals.

    Who is there when is inferred from the log (`availability`), office hours are those of `calendar` or else of the
    log. Intervals come from resampling blocks of consecutive cases (`Resamples`); they hold what another stretch of
    the same process would have shown, and not what the method itself may get wrong. What that hangs on is in
    `sensitivity`: the shares if people's hours cover less or more of their work or are those of the office, and if a
    shorter or a longer pause counts as being free. A log of completions, and one whose starts were estimated from them,
    is read in two ways (`mkmine.performance.beginnings.begun`): their mean is told, and intervals hold those of both.
    What outsiders spend on an activity that nobody of the log does is no wait here (in `Diagnosis.waiting` it is one).

    Source: K. Lashkevich et al. (2023), DOI 10.1007/978-3-031-34560-9_11, changed as `split_waiting` says.
    """
    office = calendar or log.working_calendar()
    told = without_estimates(log)
    presence = estimate_presence(told, find_pools(told), office=office)
    readings = _readings(told, presence)
    spent = [_split(one, presence) for one in readings]
    read, hours = readings[0].log, np.mean(spent, axis=0)
    resamples = Resamples.of(read, seed=seed)
    everything = np.arange(len(read))
    pools = find_pools(read)
    table, shares = _by_activity(read, pools, spent, resamples)
    settings = _sensitivity(readings, presence, spent) if sensitivity else pd.DataFrame(columns=_SETTING)
    return Causes(
        total=pd.DataFrame({"cause": CAUSES, **_told(read, everything, spent, resamples)}),
        table=table,
        shares=shares,
        roles=_by_role(read, pools, spent, resamples),
        sensitivity=settings,
        notes=_notes(log, settings),
        hours=hours,
        readings=tuple(spent),
        log=read,
        presence=presence,
        provenance=log.provenance(METHOD, calendar=office.describe(), seed=seed),
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class _Reading:
    """A log with a reading of its starts, and which row of it each row of the first reading is."""

    log: EventLog
    rows: NDArray[np.int64]


def _readings(log: EventLog, presence: Presence) -> list[_Reading]:
    """Return the log as it is, or with both readings of the starts that it does not tell."""
    if log.timestamps == "interval":
        return [_Reading(log=log, rows=np.arange(len(log)))]
    logs, orders = [], []
    for start in begun(log, presence):
        # The rows of a case are in order of their starts.
        order = np.lexsort((log.end, start, log.case_of))
        enabled = None if log.enabled is None else np.minimum(log.enabled, start)
        logs.append(replace(log, start=start, enabled=enabled, timestamps="estimated")._take(order))
        orders.append(order)
    return [_Reading(log=one, rows=np.argsort(order)[orders[0]]) for one, order in zip(logs, orders, strict=True)]


def _split(
    reading: _Reading, presence: Presence, *, pause: int | None = None, hours: Sequence[Calendar] | None = None
) -> Floats:
    """Return the hours by cause, (n, 6), in the order of the first reading."""
    log = reading.log
    own = hours or [presence.employed(person) for person in range(len(log.resources))]
    spent = split_waiting(log, find_pools(log), office=presence.office, hours=own, pause=pause)
    return np.asarray(spent[reading.rows] / HOUR)


def _told(log: EventLog, rows: NDArray[np.integer], spent: Sequence[Floats], resamples: Resamples) -> dict[str, Floats]:
    """Return hours, shares and their intervals of the six causes for some instances, by all readings together."""
    total = np.mean([one[rows].sum(axis=0) for one in spent], axis=0)
    ends = []
    for one in spent:
        own, drawn = resamples.sums(log.case_of[rows], one[rows])
        with np.errstate(divide="ignore", invalid="ignore"):
            share = own / own.sum() if own.sum() > 0 else np.full(len(own), np.nan)
            interval = resamples.share_interval(share, drawn / drawn.sum(axis=1, keepdims=True))
        # A reading without a cause has no interval, but is a bound beside another.
        ends.append(interval if len(spent) == 1 else tuple(np.where(np.isfinite(end), end, share) for end in interval))
    every = float(total.sum())
    return {
        "hours": total,
        "share": total / every if every > 0 else np.full(len(total), np.nan),
        "low": np.min([low for low, _ in ends], axis=0),
        "high": np.max([high for _, high in ends], axis=0),
    }


def _by_activity(
    log: EventLog, pools: Pools, spent: Sequence[Floats], resamples: Resamples
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the hours by activity and role, wide and long."""
    k = len(log.activities)
    known = waiting_stays(log) | (log.position > 0) | (log.enabled is not None)
    role = [pools.names[one] if one >= 0 else None for one in pools.of_activity.tolist()]
    wide, long = [], []
    order = np.argsort(log.activity, kind="stable")
    begins = np.searchsorted(log.activity[order], np.arange(k + 1))
    for code, name in enumerate(log.activities):
        rows = order[begins[code] : begins[code + 1]]
        rows = rows[known[rows]]
        if not len(rows):
            continue
        told = _told(log, rows, spent, resamples)
        first, total = {"activity": name, "role": role[code]}, told["hours"]
        wide.append({**first, "instances": len(rows), "waiting_h": total.sum()} | dict(zip(CAUSES, total, strict=True)))
        long.append(pd.DataFrame({**first, "cause": CAUSES, **told}))
    table = pd.DataFrame(wide, columns=["activity", "role", "instances", "waiting_h", *CAUSES])
    table = table.sort_values("waiting_h", ascending=False, kind="stable", ignore_index=True)
    last = {"activity": "total", "role": None} | {name: table[name].sum() for name in table.columns[2:]}
    columns = ["activity", "role", "cause", "hours", "share", "low", "high"]
    shares = pd.concat(long, ignore_index=True)[columns] if long else pd.DataFrame(columns=columns)
    return pd.DataFrame([*table.to_dict("records"), last], columns=table.columns), shares


def _by_role(log: EventLog, pools: Pools, spent: Sequence[Floats], resamples: Resamples) -> pd.DataFrame:
    parts = []
    for number, name in enumerate(pools.names):
        rows = np.flatnonzero(pools.of_instance == number)
        parts.append(pd.DataFrame({"role": name, "cause": CAUSES, **_told(log, rows, spent, resamples)}))
    columns = ["role", "cause", "hours", "share", "low", "high"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


_SETTING = ["setting", "value", *CAUSES]


def _sensitivity(readings: Sequence[_Reading], presence: Presence, spent: Sequence[Floats]) -> pd.DataFrame:
    """Split again with other thresholds, and by each reading of the starts alone."""
    log = readings[0].log

    def again(other: Presence, **settings: Any) -> Floats:
        return np.asarray(np.mean([_split(one, other, **settings) for one in readings], axis=0).sum(axis=0))

    rows: list[tuple[str, str, Floats]] = [("as told", "", np.mean(spent, axis=0).sum(axis=0))]
    if len(spent) > 1:
        rows += [("starts", value, one.sum(axis=0)) for value, one in zip(("early", "late"), spent, strict=True)]
    for covered in (0.9, 0.995):
        other = estimate_presence(log, find_pools(log), office=presence.office, covered=covered)
        rows.append(("hours cover", f"{covered:.1%}", again(other)))
    rows.append(("hours cover", "office hours", again(presence, hours=[presence.office] * len(log.resources))))
    usual = _pause(log, presence.office)
    for pause in (usual // 4, usual * 4):
        rows.append(("pause", f"{pause / MINUTE:.2g} min", again(presence, pause=pause)))
    frame = pd.DataFrame([one[:2] for one in rows], columns=_SETTING[:2])
    frame.loc[0, "value"] = f"{COVERED:.0%}, {usual / MINUTE:.2g} min"
    shares = np.array([one[2] / one[2].sum() if one[2].sum() else np.full(6, np.nan) for one in rows])
    return pd.concat([frame, pd.DataFrame(shares, columns=list(CAUSES))], axis=1)


def _pause(log: EventLog, office: Calendar) -> int:
    return usual_pause(log, office=office.timeline(int(log.start.min()), int(log.end.max()) + 1))


def _notes(log: EventLog, settings: pd.DataFrame) -> tuple[str, ...]:
    nobody = bool((log.resource < 0).all())
    notes = {
        ESTIMATED: log.timestamps != "interval",
        STATUSES: tells_statuses(log),
        NOBODY: nobody,
        FILTERED: log.partial,
        FEW: log.n_cases < FEWEST_CASES,
    }
    out = [note for note, holds in notes.items() if holds]
    if len(settings) and not nobody:
        # That everybody works all of the office's hours is no threshold, but another assumption; so are starts.
        tried = settings[(settings["value"] != "office hours") & (settings["setting"] != "starts")]
        moved = (tried[list(CAUSES)] - tried[list(CAUSES)].iloc[0]).abs().max()
        worst = str(moved.idxmax()) if moved.notna().any() else ""
        if worst and moved[worst] > STEADY:
            out.append(f"Other thresholds would move the share of {worst} by up to {moved[worst]:.0%}.")
    return tuple(out)

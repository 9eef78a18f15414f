"""How much of the waiting has which cause, by activity and role, with intervals and what it hangs on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.calendars import HOUR, MINUTE, Calendar
from mkmine.discovery.pools import Pools, find_pools
from mkmine.discovery.process_map import records
from mkmine.eventlog.cleaning.estimates import estimate_starts
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.notebook import html_table
from mkmine.eventlog.provenance import Provenance
from mkmine.eventlog.statuses import tells_statuses, waiting_stays
from mkmine.performance.availability import COVERED, Presence, estimate_presence
from mkmine.performance.causes import CAUSES, split_waiting, usual_pause
from mkmine.performance.resamples import Resamples

__all__ = ["Causes", "waiting_causes"]

Floats = NDArray[np.float64]

METHOD = "causes of waiting; block bootstrap over cases"
# A share that another threshold moves by more than this hangs on it.
STEADY: Final = 0.05
FEWEST_CASES: Final = 30

ESTIMATED = (
    "The log tells no starts: they were estimated from completions, so that all waits, and what they were spent on, "
    "are estimates."
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
        Hours of each instance of `log` by cause, (n, 6).
    log
        The log that was split: with estimated starts where it had none.
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
    shorter or a longer pause counts as being free. A log of completions is split by estimated starts. What outsiders
    spend on an activity that nobody of the log does is no wait here (in `Diagnosis.waiting` it is one).

    Source: K. Lashkevich et al. (2023), DOI 10.1007/978-3-031-34560-9_11, changed as `split_waiting` says.
    """
    office = calendar or log.working_calendar()
    read = estimate_starts(log, calendar=office) if log.timestamps == "completed" else log
    pools = find_pools(read)
    presence = estimate_presence(read, pools, office=office)
    spent = _split(read, pools, presence)
    hours = spent / HOUR
    resamples = Resamples.of(read, seed=seed)
    total, drawn = resamples.sums(read.case_of, hours)
    frame = pd.DataFrame({"cause": CAUSES, **_told(total, drawn, resamples)})
    table, shares = _by_activity(read, pools, hours, resamples)
    settings = _sensitivity(read, pools, presence, total) if sensitivity else pd.DataFrame(columns=_SETTING)
    return Causes(
        total=frame,
        table=table,
        shares=shares,
        roles=_by_role(read, pools, hours, resamples),
        sensitivity=settings,
        notes=_notes(log, read, settings),
        hours=hours,
        log=read,
        presence=presence,
        provenance=log.provenance(METHOD, calendar=office.describe(), seed=seed),
    )


def _split(
    log: EventLog,
    pools: Pools,
    presence: Presence,
    *,
    pause: int | None = None,
    hours: Sequence[Calendar] | None = None,
) -> NDArray[np.int64]:
    own = hours or [presence.employed(person) for person in range(len(log.resources))]
    return split_waiting(log, pools, office=presence.office, hours=own, pause=pause)


def _told(total: Floats, drawn: Floats, resamples: Resamples) -> dict[str, Floats]:
    """Return hours, shares and their intervals of the six causes of something."""
    every = float(total.sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        share = total / every if every > 0 else np.full(len(total), np.nan)
        low, high = resamples.share_interval(share, drawn / drawn.sum(axis=1, keepdims=True))
    return {"hours": total, "share": share, "low": low, "high": high}


def _by_activity(log: EventLog, pools: Pools, hours: Floats, resamples: Resamples) -> tuple[pd.DataFrame, pd.DataFrame]:
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
        total, drawn = resamples.sums(log.case_of[rows], hours[rows])
        first = {"activity": name, "role": role[code]}
        wide.append({**first, "instances": len(rows), "waiting_h": total.sum()} | dict(zip(CAUSES, total, strict=True)))
        long.append(pd.DataFrame({**first, "cause": CAUSES, **_told(total, drawn, resamples)}))
    table = pd.DataFrame(wide, columns=["activity", "role", "instances", "waiting_h", *CAUSES])
    table = table.sort_values("waiting_h", ascending=False, kind="stable", ignore_index=True)
    last = {"activity": "total", "role": None} | {name: table[name].sum() for name in table.columns[2:]}
    columns = ["activity", "role", "cause", "hours", "share", "low", "high"]
    shares = pd.concat(long, ignore_index=True)[columns] if long else pd.DataFrame(columns=columns)
    return pd.DataFrame([*table.to_dict("records"), last], columns=table.columns), shares


def _by_role(log: EventLog, pools: Pools, hours: Floats, resamples: Resamples) -> pd.DataFrame:
    parts = []
    for number, name in enumerate(pools.names):
        rows = np.flatnonzero(pools.of_instance == number)
        total, drawn = resamples.sums(log.case_of[rows], hours[rows])
        parts.append(pd.DataFrame({"role": name, "cause": CAUSES, **_told(total, drawn, resamples)}))
    columns = ["role", "cause", "hours", "share", "low", "high"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


_SETTING = ["setting", "value", *CAUSES]


def _sensitivity(log: EventLog, pools: Pools, presence: Presence, total: Floats) -> pd.DataFrame:
    """Split again with other thresholds."""
    rows: list[tuple[str, str, NDArray[Any]]] = [("as told", "", total)]
    for covered in (0.9, 0.995):
        other = estimate_presence(log, pools, office=presence.office, covered=covered)
        rows.append(("hours cover", f"{covered:.1%}", _split(log, pools, other).sum(axis=0)))
    same = [presence.office] * len(log.resources)
    rows.append(("hours cover", "office hours", _split(log, pools, presence, hours=same).sum(axis=0)))
    usual = _pause(log, presence.office)
    for pause in (usual // 4, usual * 4):
        spent = _split(log, pools, presence, pause=pause)
        rows.append(("pause", f"{pause / MINUTE:.2g} min", spent.sum(axis=0)))
    frame = pd.DataFrame([one[:2] for one in rows], columns=_SETTING[:2])
    frame.loc[0, "value"] = f"{COVERED:.0%}, {usual / MINUTE:.2g} min"
    shares = np.array([one[2] / one[2].sum() if one[2].sum() else np.full(6, np.nan) for one in rows])
    return pd.concat([frame, pd.DataFrame(shares, columns=list(CAUSES))], axis=1)


def _pause(log: EventLog, office: Calendar) -> int:
    return usual_pause(log, office=office.timeline(int(log.start.min()), int(log.end.max()) + 1))


def _notes(log: EventLog, read: EventLog, settings: pd.DataFrame) -> tuple[str, ...]:
    nobody = bool((log.resource < 0).all())
    notes = {
        ESTIMATED: read is not log or log.timestamps == "estimated",
        STATUSES: tells_statuses(log),
        NOBODY: nobody,
        FILTERED: log.partial,
        FEW: log.n_cases < FEWEST_CASES,
    }
    out = [note for note, holds in notes.items() if holds]
    if len(settings) and not nobody:
        # That everybody works all of the office's hours is no threshold, but another assumption.
        tried = settings[settings["value"] != "office hours"]
        moved = (tried[list(CAUSES)] - tried[list(CAUSES)].iloc[0]).abs().max()
        worst = str(moved.idxmax()) if moved.notna().any() else ""
        if worst and moved[worst] > STEADY:
            out.append(f"Other thresholds would move the share of {worst} by up to {moved[worst]:.0%}.")
    return tuple(out)

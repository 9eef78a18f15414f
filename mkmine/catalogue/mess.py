"""From a clean log to the history that a real tracker would have kept: with the mess that people make.

Every kind of mess has a rate, is drawn from streams keyed by its name, and is counted, so that whoever cleans the
history can be checked against what was done to it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.calendars import HOUR, Calendar, to_us
from mkmine.eventlog import EventLog
from mkmine.streams import Streams
from mkmine.trackers import StatusMapping, TrackerExport
from mkmine.trackers.export import CHANGE_COLUMNS

__all__ = ["Mess", "MessReport", "tracker_history"]

SECOND = 1_000_000
DELETED = "Удалённый пользователь"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mess:
    """How messy the tracker is; rates are shares between 0 and 1.

    Attributes
    ----------
    skipped_queue
        Of hand-overs: the issue is put into the status of work at once, so its wait looks like work.
    skipped_work
        Of stays in work: nobody moves the issue into the status of work, so the work looks like waiting.
    bulk_days
        Of the days on which a person moves five issues or more: all are moved at the end of the day.
    misclicks
        Of moves: a wrong status first, corrected within seconds.
    forgotten
        Of published issues: closed only at the clean-up on the last working day of the next month.
    renamed
        Old name of a status, and the day on which it got its present one.
    deleted
        The person whose account was deleted.
    """

    skipped_queue: float = 0.04
    skipped_work: float = 0.012
    bulk_days: float = 0.20
    misclicks: float = 0.02
    forgotten: float = 0.02
    renamed: tuple[str, str, datetime] | None = None
    deleted: str | None = None


CLEAN = Mess(skipped_queue=0, skipped_work=0, bulk_days=0, misclicks=0, forgotten=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessReport:
    """What was done: the moves that are wrong [issue, kind], and which instances of the log (n,) they touched."""

    moves: pd.DataFrame
    touched: NDArray[np.bool_]

    def counts(self, issues: Collection[str] | None = None) -> dict[str, int]:
        """Return the number of moves by kind of mess, of all issues or of some."""
        moves = self.moves if issues is None else self.moves[self.moves["issue"].isin(list(issues))]
        return {str(kind): int(n) for kind, n in moves["kind"].value_counts().sort_index().items()}


@dataclass(slots=True)
class _Moves:
    """Moves of issues, in (issue, time) order; `kind` is queue, work, outside or end."""

    table: pd.DataFrame
    touched: NDArray[np.bool_]
    lost: pd.DataFrame = field(default_factory=lambda: pd.DataFrame({"issue": [], "at": []}))

    def note(self, kind: str, rows: NDArray[np.bool_]) -> None:
        """Mark the rows as made by a kind of mess, and the instances on both sides of the move as touched."""
        self.table.loc[rows, "mess"] = kind
        for column in ("instance", "before"):
            numbers = self.table.loc[rows, column].to_numpy()
            self.touched[numbers[numbers >= 0]] = True


def tracker_history(
    log: EventLog,
    mapping: StatusMapping,
    *,
    seed: int,
    taken_at: int,
    mess: Mess = CLEAN,
    people_of_issues: Mapping[str, str] | None = None,
) -> tuple[TrackerExport, MessReport]:
    """Return the history that a tracker with the statuses of `mapping` keeps of a log until `taken_at` (µs).

    Instants are cut to whole seconds. Activities that the mapping gives to a done status leave only the instant of
    their end. `people_of_issues` names who created each case; by default whoever works on it first.
    """
    streams = Streams(seed)
    moves = _clean_moves(log, mapping, people_of_issues or {})
    _skip(moves, streams, mess)
    _forget(moves, streams, mess, log)
    _move_in_bulk(moves, streams, mess, log.time_zone)
    moves.table = moves.table[moves.table["at"] <= taken_at].reset_index(drop=True)
    _misclick(moves, streams, mess, mapping)
    frame = moves.table
    frame["old"] = frame.groupby("issue")["new"].shift()
    messy = frame["mess"] != ""
    lost = moves.lost[moves.lost["at"] <= taken_at]
    made: list[tuple[pd.Series, Any]] = [
        (frame.loc[messy, "issue"], frame.loc[messy, "mess"].to_numpy()),
        (lost["issue"], "skipped work"),
    ]
    if mess.renamed is not None:
        made.append((frame.loc[_rename(frame, mess.renamed), "issue"], "old name of a status"))
    if mess.deleted is not None:
        for column in ("author", "who"):
            frame[column] = frame[column].where(frame[column] != mess.deleted, DELETED)
        made.append((frame.loc[frame["author"] == DELETED, "issue"], "move by the deleted user"))
    wrong = pd.concat(
        [
            pd.DataFrame({"issue": log.case_ids[numbers.to_numpy(dtype=np.int64)], "kind": kind})
            for numbers, kind in made
        ]
    )
    return _export(log, frame, taken_at), MessReport(moves=wrong.reset_index(drop=True), touched=moves.touched)


def _clean_moves(log: EventLog, mapping: StatusMapping, creators: Mapping[str, str]) -> _Moves:
    """Return the moves of a tracker that is kept faithfully: into the queue, into work, to the end."""
    work, queue, done = _statuses(mapping)
    enabled = log.start if log.enabled is None else log.enabled
    table = pd.DataFrame(
        {
            "instance": np.arange(len(log)),
            "issue": log.case_of,
            "activity": np.array(log.activities, dtype=object)[log.activity],
            "who": np.array([*log.resources, None], dtype=object)[log.resource],
            "enabled": enabled // SECOND * SECOND,
            "start": log.start // SECOND * SECOND,
            "end": log.end // SECOND * SECOND,
        }
    )
    first = log.position == 0
    table["previous"] = table["who"].groupby(table["issue"]).shift()
    # An outside wait has no one: whoever had the issue last sends it out and takes it back.
    table["previous"] = table["previous"].groupby(table["issue"]).ffill()
    asked = pd.Series(log.case_ids[log.case_of]).map(creators)
    table.loc[first, "previous"] = asked[first].where(asked[first].notna(), table["who"][first])
    table["before"] = np.where(first, -1, table["instance"] - 1)
    table["queue"] = table["activity"].map(queue)
    table["work"] = table["activity"].map(work)
    waits = table["queue"].notna() & (table["start"] > table["enabled"])
    closes = table["activity"].isin(list(done))
    queued = table[waits].assign(at=table["enabled"], new=table["queue"], author=table["previous"], kind="queue")
    outside = table["who"].isna()
    begun = table[~closes].assign(
        at=table["start"].where(waits, table["enabled"]),
        new=table["work"],
        author=table["who"].where(~outside & waits, table["previous"]),
        kind=np.where(outside, "outside", "work")[~closes],
        before=table["before"].where(~waits, -1),
    )
    last = table.groupby("issue").tail(1)
    finished = last["activity"].isin(list(done))
    status = (
        last["activity"]
        .map(done)
        .where(finished, next(s for s, r in mapping.statuses.items() if r.kind == "cancelled"))
    )
    ended = last.assign(
        at=last["end"], new=status, author=last["who"].where(last["who"].notna(), last["previous"]), kind="end"
    )
    ended = ended.assign(before=ended["instance"], instance=np.where(finished, ended["instance"], -1))
    queued["who"] = None
    ended["who"] = ended["who"].where(finished, None)
    moves = pd.concat([queued.assign(rank=0), begun.assign(rank=1), ended.assign(rank=2)])
    order = np.lexsort((moves["rank"], moves["enabled"], moves["issue"]))
    kept = ["issue", "at", "author", "new", "kind", "who", "instance", "before", "activity"]
    moves = moves.iloc[order][kept].reset_index(drop=True).assign(mess="")
    return _Moves(table=moves, touched=np.zeros(len(log), dtype=np.bool_))


def _statuses(mapping: StatusMapping) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """Return the status of work, the queue and the closing status of each activity."""
    kinds: dict[str, dict[str, str]] = {"work": {}, "queue": {}, "done": {}}
    for status, rule in mapping.statuses.items():
        kind = "work" if rule.kind == "outside" else rule.kind
        if kind in kinds and (rule.activity is not None or kind == "work"):
            kinds[kind][mapping.activity(status)] = status
    return kinds["work"], kinds["queue"], kinds["done"]


def _skip(moves: _Moves, streams: Streams, mess: Mess) -> None:
    table = moves.table
    n = len(moves.touched)
    number = table["instance"].to_numpy()
    drawn = streams.uniform("mess", "skip", size=n)[number]
    created = (table["issue"] != table["issue"].shift()).to_numpy()
    kind = table["kind"].to_numpy(dtype=object)
    followed = np.append((kind[1:] == "work") & (number[1:] == number[:-1]), False)
    preceded = np.append(False, followed[:-1])
    no_queue = (kind == "queue") & followed & ~created & (drawn < mess.skipped_queue)
    no_work = (kind == "work") & preceded & ~np.append(False, created[:-1]) & (drawn > 1 - mess.skipped_work)
    moved_early = np.append(False, no_queue[:-1])
    early = np.flatnonzero(moved_early)
    for column in ("at", "author"):
        values = table[column].to_numpy(copy=True)
        values[early] = values[early - 1]
        table[column] = values
    moves.note("skipped queue", moved_early)
    moves.note("skipped work", no_work)
    moves.lost = table.loc[no_work, ["issue", "at"]]
    moves.table = table[~no_queue & ~no_work].reset_index(drop=True)


def _forget(moves: _Moves, streams: Streams, mess: Mess, log: EventLog) -> None:
    """Close some published issues only at the clean-up of the next month."""
    table = moves.table
    drawn = streams.uniform("mess", "forgotten", size=log.n_cases)[table["issue"].to_numpy()]
    rows = (table["kind"] == "end").to_numpy() & (table["instance"] >= 0).to_numpy() & (drawn < mess.forgotten)
    if not rows.any():
        return
    office = log.calendar or Calendar.always(log.time_zone)
    local = pd.to_datetime(table.loc[rows, "at"], unit="us", utc=True).dt.tz_convert(log.time_zone)
    month_after = (local.dt.tz_localize(None).dt.to_period("M") + 2).dt.start_time.dt.tz_localize(log.time_zone)
    limit = month_after.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy(dtype="datetime64[us]").astype(np.int64)
    closing = np.array([_last_closing(office, int(moment)) for moment in limit], dtype=np.int64)
    table.loc[rows, "at"] = closing - 12 * 60 * SECOND + np.arange(rows.sum()) % 40 * SECOND
    moves.note("forgotten closing", rows)


def _last_closing(office: Calendar, before: int) -> int:
    """Return when the office closes for the last time before an instant."""
    line = office.timeline(before - 40 * 24 * HOUR, before)
    return int(line.ends[np.searchsorted(line.ends, before, side="right") - 1])


def _move_in_bulk(moves: _Moves, streams: Streams, mess: Mess, time_zone: str) -> None:
    """Postpone the moves of some people's busy days to one minute shortly before six in the evening.

    A move stays where it is if somebody else needed it on the same day: they would not wait for the evening.
    """
    table = moves.table
    day = pd.to_datetime(table["at"], unit="us", utc=True).dt.tz_convert(time_zone).dt.normalize()
    evening = (day + pd.Timedelta(hours=17, minutes=50)).dt.tz_convert("UTC").dt.tz_localize(None)
    limit = evening.to_numpy(dtype="datetime64[us]").astype(np.int64)
    at, issue = table["at"].to_numpy(copy=True), table["issue"].to_numpy()
    last = np.append(issue[1:] != issue[:-1], True)
    created = np.append(True, last[:-1])
    group = (table["author"].astype(str) + "|" + day.dt.strftime("%Y-%m-%d")).to_numpy(dtype=object)
    able = ~created & (at < limit) & (table["mess"] == "").to_numpy()
    later = last | (np.append(at[1:], 0) >= limit + 600 * SECOND)
    together = np.append(group[1:] == group[:-1], False) & ~last
    while True:
        kept = able & (later | (together & np.append(able[1:], False)))
        if (kept == able).all():
            break
        able = kept
    sizes = table[able].groupby(group[able])["issue"].nunique()
    busy = sizes.index[sizes >= 5].sort_values()
    chosen = busy[streams.uniform("mess", "bulk", size=len(busy)) < mess.bulk_days]
    rows = able & np.isin(group, chosen)
    if not rows.any():
        return
    minute = pd.Series(group[rows]).map({name: k % 9 for k, name in enumerate(chosen)}).to_numpy(dtype=np.int64)
    rank = pd.Series(at[rows]).groupby(group[rows]).rank(method="first").to_numpy(dtype=np.int64) - 1
    size = pd.Series(group[rows]).map(pd.Series(group[rows]).value_counts()).to_numpy(dtype=np.int64)
    # All within one minute, in the order in which they were due.
    at[rows] = limit[rows] + minute * 60 * SECOND + rank * 59 // size * SECOND
    table["at"] = at
    moves.note("bulk move", rows)


def _misclick(moves: _Moves, streams: Streams, mess: Mess, mapping: StatusMapping) -> None:
    """Put a wrong status before some moves; the right one follows within seconds."""
    table = moves.table
    draws = streams.generator("mess", "misclick").random((len(table), 3))
    ahead = table.groupby("issue")["at"].shift(-1).to_numpy(dtype=np.float64) - table["at"].to_numpy()
    created = (table["issue"] != table["issue"].shift()).to_numpy()
    room = np.isnan(ahead) | (ahead > 120 * SECOND)
    rows = ~created & room & (draws[:, 0] < mess.misclicks) & (table["mess"] == "").to_numpy()
    if not rows.any():
        return
    choices = np.array(
        [status for status, rule in mapping.statuses.items() if rule.kind in ("work", "queue")], dtype=object
    )
    right = table.loc[rows, "new"].to_numpy(dtype=object)
    old = table.groupby("issue")["new"].shift()[rows].to_numpy(dtype=object)
    pick = (draws[rows, 1] * len(choices)).astype(np.int64)
    names = choices[pick]
    for step in (1, 2):
        names = np.where((names == right) | (names == old), choices[(pick + step) % len(choices)], names)
    wrong = table[rows].assign(mess="misclick", who=None, instance=-1, before=-1, new=names)
    table.loc[rows, "at"] += (3 + draws[rows, 2] * 45).astype(np.int64) * SECOND
    joined = pd.concat([wrong.assign(order=0), table.assign(order=1)])
    order = np.lexsort((joined["order"], joined.index.to_numpy(), joined["issue"].to_numpy()))
    moves.table = joined.iloc[order].drop(columns="order").reset_index(drop=True)


def _rename(frame: pd.DataFrame, renamed: tuple[str, str, datetime]) -> pd.Series:
    """Give a status its old name in moves before a day, and return which moves bear it."""
    former, present, since = renamed
    early = frame["at"] < to_us(since)
    touched = early & ((frame["new"] == present) | (frame["old"] == present))
    for column in ("new", "old"):
        frame[column] = frame[column].mask(early & (frame[column] == present), former)
    return touched


def _export(log: EventLog, frame: pd.DataFrame, taken_at: int) -> TrackerExport:
    keys = pd.Series(log.case_ids[frame["issue"].to_numpy()], index=frame.index, dtype=object)
    frame = frame.assign(key=keys)
    created = frame["old"].isna() & (frame["issue"] != frame["issue"].shift())
    status = frame[~created].assign(field="status", rank=1)
    assigned = frame[frame["who"].notna()].copy()
    assigned["former"] = assigned.groupby("issue")["who"].shift()
    assigned = assigned[assigned["who"] != assigned["former"]].assign(field="assignee", rank=0)
    assigned["old"], assigned["new"] = assigned["former"], assigned["who"]
    changes = pd.concat([status, assigned])
    changes = changes.iloc[np.lexsort((changes["rank"], changes.index.to_numpy()))]
    changes = (
        changes.drop(columns="issue").rename(columns={"key": "issue"})[list(CHANGE_COLUMNS)].reset_index(drop=True)
    )
    changes = changes.astype({"old": object, "new": object})
    changes[["old", "new"]] = changes[["old", "new"]].where(changes[["old", "new"]].notna(), None)
    ends = frame.groupby("issue", sort=False).tail(1).set_index("key")
    born = frame[created].set_index("key")
    who = frame[frame["who"].notna()].groupby("key", sort=False)["who"].last()
    issues = pd.DataFrame(
        {
            "issue": born.index,
            "created": born["at"].astype("Int64").to_numpy(),
            "status": ends["new"].reindex(born.index).to_numpy(dtype=object),
            "assignee": who.reindex(born.index)
            .astype(object)
            .where(lambda one: one.notna(), None)
            .to_numpy(dtype=object),
            "reporter": born["author"].to_numpy(dtype=object),
            "updated": ends["at"].reindex(born.index).to_numpy(),
        }
    )
    return TrackerExport(issues=issues, changes=changes, taken_at=taken_at, time_zone=log.time_zone)

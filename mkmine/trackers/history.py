"""From status changes to activity instances.

Every stay of an issue in a work or outside status is one instance. The queue status before it, if there is one, says
since when the work could have begun (`enabled`). The cleaning is that of a tracker's known noise: slips corrected
within seconds are collapsed, bulk moves are kept and flagged, and each is counted in the log's history.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.calendars import MINUTE, from_us, to_us, zone
from mkmine.errors import DataError
from mkmine.eventlog import EventLog, Step
from mkmine.trackers.assignees import with_people
from mkmine.trackers.export import ISSUE_COLUMNS, TrackerExport, last_instant
from mkmine.trackers.statuses import StatusMapping, StatusRule, guess_missing

__all__ = ["activity_log"]

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

_SECOND = 1_000_000


def activity_log(
    export: TrackerExport,
    *,
    mapping: StatusMapping | None = None,
    time_zone: str | None = None,
    name: str | None = None,
    before: Sequence[Step] = (),
) -> EventLog:
    """Return the activity instances of a tracker export.

    Statuses that the mapping lacks are guessed, and the log's history says how. An issue's current status lasts until
    the export was made: a work status gives an ongoing instance, and the case is completed only if the status is done
    or cancelled (case attribute `outcome`). `before` are steps that come first in the history. Issues that never
    reached work are in the log's `quarantine`.

    Raises `DataError` if the export holds no issue or no work, or was made before its last change, and
    `UnknownNameError` if a status of the mapping is misspelt.
    """
    if export.issues.empty:
        raise DataError("the export is empty: it holds no issue; check the filter of the export in the tracker")
    stays, rules, steps = _understood(export, mapping)
    taken = int(stays["to"].max())
    frame, waits = _instances(stays, rules)
    if frame.empty:
        raise DataError(
            f"none of {len(export.issues):,} issues ever was in a status of work; map at least one of these statuses "
            f'to the kind "work": {", ".join(rules.statuses)}'
        )
    zone_name = time_zone or rules.time_zone or export.time_zone or "UTC"
    frame, who = with_people(frame, export, rules, taken)
    cases = _cases(export.issues, stays, zone_name)
    aside, unused = _set_aside(export, cases, pd.Index(frame["case"]))
    return EventLog.from_pandas(
        frame,
        start="start",
        enabled="enabled",
        resource="resource",
        role="role" if frame["role"].notna().any() else None,
        ongoing="ongoing",
        attributes=("bulk",),
        case_attributes=cases.drop(columns=["closed"]),
        completed=cases["closed"],
        timestamps="interval",
        time_zone=zone_name,
        name=name or rules.name or "tracker",
        calendar=rules.office(),
        observed=(_begin(stays, rules), taken),
        quarantine=aside,
        history=[*before, *export.steps, *steps, *waits, who, *unused],
    )


def _understood(export: TrackerExport, mapping: StatusMapping | None) -> tuple[pd.DataFrame, StatusMapping, list[Step]]:
    """Return the cleaned stays with their kind and activity, the mapping with its guesses, and what was done."""
    rules = mapping or StatusMapping()
    stays, oddities = _stays(export, rules.canonical())
    rules.check_spelling(stays["status"].unique())
    rules, guesses = guess_missing(
        rules,
        stays["status"].unique(),
        categories=export.categories,
        moves=_moves(stays),
        final=_final_statuses(stays),
    )
    stays.loc[stays["last"], "to"] = _taken_at(export, rules)
    stays, cleaning = _cleaned(stays, rules)
    stays["kind"] = stays["status"].map({status: rule.kind for status, rule in rules.statuses.items()})
    stays["activity"] = stays["status"].map(rules.activity)
    return stays, rules, [*oddities, *_explain(guesses, given=mapping is not None), *cleaning]


def _set_aside(export: TrackerExport, cases: pd.DataFrame, used: pd.Index) -> tuple[pd.DataFrame, list[Step]]:
    """Return the rows and issues that gave no instance, with the reason."""
    aside, steps = export.quarantine, []
    if len(aside):
        reasons = "; ".join(f"{why} ({n:,})" for why, n in aside["reason"].value_counts().items())
        steps.append(Step("quarantine", reasons, len(aside)))
    idle = cases.index.difference(used)
    if len(idle):
        reason = "never in a status of work, now in " + cases.loc[idle, "status"]
        never = pd.DataFrame({"issue": idle, "reason": reason.to_numpy()})
        aside = pd.concat([aside, never], ignore_index=True) if len(aside) else never
        steps.append(Step("set aside issues", "never in a status of work; kept in the quarantine", len(idle)))
    return aside, steps


def _begin(stays: pd.DataFrame, rules: StatusMapping) -> int:
    return int(stays["from"].min()) if rules.complete_since is None else _moment(rules.complete_since, rules)


def _moment(value: datetime, rules: StatusMapping) -> int:
    return to_us(value if value.tzinfo else value.replace(tzinfo=zone(rules.time_zone or "UTC")))


def _taken_at(export: TrackerExport, rules: StatusMapping) -> int:
    last = last_instant(export.issues, export.changes)
    if rules.exported_at is None:
        return max(export.taken_at, last)
    taken = _moment(rules.exported_at, rules)
    if taken < last:
        raise DataError(
            f"exported_at in the mapping ({from_us(taken)}) is before the last change in the export ({from_us(last)}); "
            f"correct it or leave it out"
        )
    return taken


def _stays(export: TrackerExport, names: Mapping[str, str]) -> tuple[pd.DataFrame, list[Step]]:
    """Return the stays of issues in statuses, in (issue, time) order: issue, status, from, to, mover, leaver, last.

    `names` gives the current names of statuses that were called otherwise.
    """
    changes = export.changes[export.changes["field"] == "status"]
    changes = changes.assign(old=_renamed(changes["old"], names), new=_renamed(changes["new"], names))
    order = np.lexsort((np.arange(len(changes)), changes["at"].to_numpy(), changes["issue"].to_numpy(dtype=str)))
    changes = changes.iloc[order]
    first_old = changes.groupby("issue", sort=False)["old"].first()
    issues = export.issues.set_index("issue")
    initial = first_old.reindex(issues.index).where(issues.index.isin(first_old.index), issues["status"])
    begun = pd.DataFrame(
        {"issue": issues.index, "status": initial.to_numpy(), "from": issues["created"].to_numpy(), "mover": None}
    )
    begun = begun[begun["status"].notna()].assign(status=lambda one: _renamed(one["status"], names))
    unknown = int(begun["from"].isna().sum())
    begun = begun[begun["from"].notna()]
    moved = changes[["issue", "new", "at", "author"]].set_axis(["issue", "status", "from", "mover"], axis=1)
    previous = changes.groupby("issue", sort=False)["new"].shift()
    gaps = int((previous.notna() & changes["old"].notna() & (previous != changes["old"])).sum())
    stays = pd.concat([begun.assign(rank=0), moved.assign(rank=1)], ignore_index=True)
    if stays.empty:
        raise DataError(
            "the export names no status together with a time, so there is no history in it; export the changes of "
            "status too (Jira: expand=changelog, Redmine: include=journals)"
        )
    stays["from"] = stays["from"].astype(np.int64)
    created_late = int((stays["from"] < stays.groupby("issue", sort=False)["from"].transform("first")).sum())
    order = np.lexsort((np.arange(len(stays)), stays["from"], stays["rank"], stays["issue"].to_numpy(dtype=str)))
    stays = stays.iloc[order].reset_index(drop=True)
    stays["last"] = _ends(stays["issue"])
    following = stays["from"].shift(-1, fill_value=0).to_numpy()
    # An issue restored from an archive can be created after its first change: its first stay is then empty.
    stays["to"] = np.where(stays["last"], stays["from"], np.maximum(following, stays["from"]))
    stays["from"] = np.minimum(stays["from"], stays["to"])
    stays["leaver"] = stays["mover"].shift(-1).where(~stays["last"], None)
    steps = [
        Step("read status changes", "one stay per status between two changes", len(changes)),
        Step("left out", "the first status of issues whose creation is not in the export", unknown),
        Step("found gaps", "the old status of a change is not the new one of the change before it", gaps),
        Step("found late creation", "issues changed before they were created", created_late),
    ]
    return stays.drop(columns="rank"), [step for step in steps if step.touched]


def _renamed(status: pd.Series, names: Mapping[str, str]) -> pd.Series:
    unique = {one: names.get(one, one) for one in status.dropna().unique()}
    return status.map(unique).astype(object)


def _ends(issue: pd.Series) -> Mask:
    """Return which rows are the last of their issue."""
    values = issue.to_numpy(dtype=object)
    return np.append(values[1:] != values[:-1], True)


def _final_statuses(stays: pd.DataFrame) -> list[str]:
    """Return the statuses in which issues end and that they never leave, commonest first."""
    left = set(stays.loc[~stays["last"], "status"])
    return [one for one in stays.loc[stays["last"], "status"].value_counts().index if one not in left]


def _moves(stays: pd.DataFrame) -> dict[tuple[str | None, str], int]:
    """Return how often issues moved from one status to another, or were created in it (from None)."""
    status = stays["status"].to_numpy(dtype=object)
    before = np.array([None, *status[:-1]], dtype=object)
    before[np.append(True, stays["last"].to_numpy()[:-1])] = None
    return dict(Counter(zip(before.tolist(), status.tolist(), strict=True)))


def _explain(guesses: dict[str, StatusRule], *, given: bool) -> list[Step]:
    if not guesses:
        return []
    what = "statuses not in the mapping" if given else "no mapping given"
    meanings = "; ".join(f"{status} = {rule.kind} ({rule.why})" for status, rule in guesses.items())
    return [Step("guess statuses", f"{what}: {meanings}", len(guesses))]


def _cleaned(stays: pd.DataFrame, rules: StatusMapping) -> tuple[pd.DataFrame, list[Step]]:
    """Flag bulk moves, collapse slips, and join neighbouring stays in one status."""
    stays["bulk_in"] = _bulk(stays, rules.bulk_issues)
    bulk_moves = int(stays["bulk_in"].sum())
    leaving = stays["bulk_in"].shift(-1, fill_value=False).to_numpy(dtype=np.bool_)
    stays["bulk"] = stays["bulk_in"].to_numpy(dtype=np.bool_) | (leaving & ~stays["last"].to_numpy())
    kept, returned, passed = _collapsed(stays, rules.misclick_seconds)
    stays, joined = _joined(kept)
    seconds = f"{rules.misclick_seconds:g} s by the same person"
    steps = [
        Step("collapse slips", f"moved and moved back within {seconds}", returned),
        Step("collapse passages", f"moved through a status within {seconds}", passed),
        Step("join stays", "moves from a status to itself, or back to it after a slip", joined),
        Step("flag bulk moves", f"at least {rules.bulk_issues} issues by one person within a minute", bulk_moves),
    ]
    return stays, [step for step in steps if step.touched]


def _bulk(stays: pd.DataFrame, least: int) -> Mask:
    moved = stays["mover"].notna().to_numpy()
    minute = stays["from"].to_numpy() // MINUTE
    sizes = stays.assign(minute=minute)[moved].groupby(["mover", "minute"])["issue"].transform("nunique")
    out = np.zeros(len(stays), dtype=np.bool_)
    out[moved] = sizes.to_numpy() >= least
    return out


def _collapsed(stays: pd.DataFrame, seconds: float) -> tuple[pd.DataFrame, int, int]:
    """Return the stays without slips, and how many moves went back (A-B-A) or on (A-B-C)."""
    first = np.append(True, stays["last"].to_numpy()[:-1])
    short = (stays["to"] - stays["from"]).to_numpy() < seconds * _SECOND
    people = pd.factorize(pd.concat([stays["mover"], stays["leaver"]]).to_numpy(dtype=object))[0]
    same = people[: len(stays)] == people[len(stays) :]
    # A card moved on in bulk at the end of the day was worked on: its stay is short, but no slip.
    in_bulk = stays["bulk_in"].to_numpy(dtype=np.bool_)
    in_bulk = in_bulk & np.append(in_bulk[1:], False)
    slip = short & same & ~in_bulk & ~first & ~stays["last"].to_numpy()
    if not slip.any():
        return stays, 0, 0
    keep = np.flatnonzero(~slip)
    after_kept = np.minimum(np.append(0, keep[:-1] + 1), keep)
    kept = stays.iloc[keep].copy()
    # What was meant began when the slip began: A-B-C is C since the time of B.
    kept["from"] = stays["from"].to_numpy()[after_kept]
    removed_before = keep - after_kept
    status = stays["status"].to_numpy(dtype=object)
    back = np.append(False, status[keep[:-1]] == status[keep[1:]])
    return kept.reset_index(drop=True), int(removed_before[back].sum()), int(removed_before[~back].sum())


def _joined(stays: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Return the stays with neighbours in one status (a collapsed slip, two names of one status) made one."""
    status, issue = stays["status"].to_numpy(dtype=object), stays["issue"].to_numpy(dtype=object)
    fresh = np.append(True, (status[1:] != status[:-1]) | (issue[1:] != issue[:-1]))
    group = np.cumsum(fresh)
    joined = stays.groupby(group, sort=False).agg(
        {
            "issue": "first", "status": "first", "from": "first", "to": "last", "mover": "first", "leaver": "last",
            "last": "last", "bulk_in": "first", "bulk": "any",
        }
    )  # fmt: skip
    return joined.reset_index(drop=True), int((~fresh).sum())


def _instances(stays: pd.DataFrame, rules: StatusMapping) -> tuple[pd.DataFrame, list[Step]]:
    """Return one row per instance, those that still wait included: begun and ended when the export was made."""
    kind = stays["kind"].to_numpy(dtype=object)
    last = stays["last"].to_numpy()
    first = np.append(True, last[:-1])
    was_done = np.append(False, np.isin(kind[:-1], ("done", "cancelled"))) & ~first
    with_instant = {status for status, rule in rules.statuses.items() if rule.kind == "done" and rule.activity}
    instant = stays["status"].isin(with_instant).to_numpy() & (kind == "done") & ~was_done
    awaited = _awaited(stays, instant)
    waiting = (kind == "queue") & last & awaited.notna().to_numpy()
    rows = np.flatnonzero(np.isin(kind, ("work", "outside")) | instant | waiting)
    activity = awaited.where(waiting, stays["activity"]).to_numpy(dtype=object)
    enabled, used = _enabled(stays, rows, activity, first)
    frame = stays.iloc[rows][["issue", "from", "to", "last", "bulk", "bulk_in", "status", "kind", "mover", "leaver"]]
    frame = frame.set_axis(["case", "start", "end", *frame.columns[3:]], axis=1).reset_index(drop=True)
    frame.insert(1, "activity", activity[rows])
    frame["instant"], frame["waiting"], frame["enabled"] = instant[rows], waiting[rows], enabled
    frame["bulk"] = np.where(frame["instant"], frame["bulk_in"], frame["bulk"]).astype(np.bool_)
    frame["end"] = np.where(frame["instant"], frame["start"], frame["end"])
    frame["start"] = np.where(frame["waiting"], frame["end"], frame["start"])
    frame["ongoing"] = frame["last"] & ~frame["instant"]
    fruitless = (kind == "queue") & ~last
    fruitless[used] = False
    steps = [
        Step("left out waits", "a queue was left for something other than its work", int(fruitless.sum())),
        Step("still waiting", "work not begun when the export was made, kept as ongoing", int(waiting.sum())),
    ]
    return frame, [step for step in steps if step.touched]


def _awaited(stays: pd.DataFrame, instant: Mask) -> pd.Series:
    """Return for each stay in a queue the activity that it waits for; None where that is not clear.

    A queue without an activity of its own waits for what follows it in at least 80 % of cases.
    """
    status, own = stays["status"], stays["activity"].where(stays["activity"] != stays["status"], None)
    following = stays["activity"].shift(-1)
    works = (stays["kind"].isin(["work", "outside"]) | instant).shift(-1, fill_value=False) & ~stays["last"]
    left = (stays["kind"] == "queue") & ~stays["last"]
    usual: dict[str, str] = {}
    for name, after in following.where(works, None)[left].groupby(status[left]):
        counts = after.value_counts()
        if len(counts) and counts.iloc[0] >= 0.8 * len(after):
            usual[name] = counts.index[0]
    return own.where(own.notna(), status.map(usual)).where(stays["kind"] == "queue", None).astype(object)


def _enabled(stays: pd.DataFrame, rows: Ints, activity: NDArray[np.object_], first: Mask) -> tuple[Ints, Ints]:
    """Return since when each instance waited (over an unbroken run of its queues), and the queue stays so used."""
    queue = (stays["kind"] == "queue").to_numpy()
    anyone = queue & (stays["status"] == stays["activity"]).to_numpy()
    begun = stays["from"].to_numpy()
    enabled, probe, active = begun[rows].copy(), rows.copy(), np.arange(len(rows))
    used: list[Ints] = []
    while len(active):
        active = active[~first[probe[active]]]
        before = probe[active] - 1
        fits = queue[before] & (anyone[before] | (activity[before] == activity[rows[active]]))
        active, before = active[fits], before[fits]
        enabled[active], probe[active] = begun[before], before
        used.append(before)
    return enabled, np.concatenate(used) if used else np.zeros(0, dtype=np.int64)


def _cases(issues: pd.DataFrame, stays: pd.DataFrame, time_zone: str) -> pd.DataFrame:
    """Return the case attributes, indexed by issue, with the column `closed`."""
    last = stays[stays["last"]].set_index("issue")
    cases = issues.drop_duplicates("issue").set_index("issue")
    cases = cases.loc[cases.index.isin(last.index)].drop(columns=["status", "assignee"])
    last = last.reindex(cases.index)
    outcome = last["kind"].where(last["kind"].isin(["done", "cancelled"]), "open")
    moments = {"created": cases["created"], "status_since": last["from"]}
    local = {
        column: pd.to_datetime(values.astype("Int64"), unit="us", utc=True).dt.tz_convert(time_zone)
        for column, values in moments.items()
    }
    extra = [column for column in cases.columns if column not in ISSUE_COLUMNS]
    return pd.DataFrame(
        {**local, "status": last["status"], "outcome": outcome, **{one: cases[one] for one in extra}},
        index=cases.index,
    ).assign(closed=outcome != "open")

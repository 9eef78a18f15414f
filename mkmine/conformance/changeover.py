"""From AS-IS to TO-BE: which steps and paths are new, dropped, changed or departed from, and by how much.

Structure: what the model allows (every succession that one of its runs may have) against what cases do. Behaviour: how
often, how long, by whom, at what cost; where the TO-BE was simulated, the same of both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.conformance.check import check
from mkmine.conformance.conformance import Conformance
from mkmine.conformance.deviations import HOUR
from mkmine.conformance.net import compile_net
from mkmine.discovery.process_map import ProcessMap, discover, merged_order, records
from mkmine.errors import DataError
from mkmine.eventlog import EventLog, Provenance
from mkmine.eventlog.cleaning.repairs import merge_activities
from mkmine.eventlog.enablement import enabled_times
from mkmine.eventlog.notebook import html_table
from mkmine.targets import ProcessModel, Target

__all__ = ["Changeover", "PathStatus", "StepStatus", "changeover"]

StepStatus = Literal["added", "removed", "changed", "deviating", "same"]
PathStatus = Literal["added", "removed", "deviating", "same"]

# A step is departed from, or a limit not kept, where more cases than these do so.
DEPARTED: Final = 0.05
NOT_KEPT: Final = 0.15
MONTH: Final = 365.25 / 12 * 24 * HOUR
METHOD = "successions that the model allows against those of the log; alignments; medians of working time"
MEASURES = (
    *("cases", "share_of_cases", "per_case", "role", "role_share", "work_h", "wait_h", "time_h", "p85_h"),
    *("hand_offs", "load_h", "cost"),
)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Changeover:
    """What changes between how a process is done and how it should be.

    Attributes
    ----------
    steps
        One row per step of either, in the order of the TO-BE: activity, status ("added": only in TO-BE; "removed": only
        in the log; "changed": another role, limit or number of rounds than is usual, see changes; "deviating": skipped,
        extra, repeated or out of order in 5 % of cases or more; "same"), changes ("role", "time": over 15 % exceed the
        limit, "rounds": over 15 % of cases go beyond), departure (the most frequent) and departing (share of cases);
        as it is: cases, share_of_cases, per_case (executions in a case that has it), role (the most frequent) and
        role_share, work_h, wait_h and time_h (medians of working time: done, waited for, both), p85_h, hand_offs (share
        of executions taken over from another role), load_h (work in a month), cost (of an execution, where rates are
        given); as it should be: role_to_be, limit_h, over_limit (share), max_rounds, over_rounds (share),
        hand_offs_to_be (share of the steps before it that are another role's), documents; and of a simulated TO-BE the
        measures again with the ending _simulated.
    paths
        source, target ("" for the begin and the end of a case), status ("added": drawn in TO-BE, never done; "removed":
        to or from a step that TO-BE does not have; "deviating": done, but not allowed; "same"), drawn (directly, not
        only allowed side by side), cases, share_of_cases, count, wait_h (median).
    order
        The steps in the order of the TO-BE, those of the log alone where they happen.
    n_cases
        Cases of the log; `n_simulated` those of the simulated TO-BE.
    """

    name: str
    steps: pd.DataFrame
    paths: pd.DataFrame
    order: tuple[str, ...]
    n_cases: int
    n_simulated: int
    provenance: Provenance = field(repr=False)

    def to_pandas(self) -> pd.DataFrame:
        """Return the steps."""
        return self.steps.copy()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "target": self.name,
            "steps": records(self.steps),
            "paths": records(self.paths),
            "cases": self.n_cases,
            "simulated_cases": self.n_simulated,
            "provenance": self.provenance.to_dict(),
        }

    def __repr__(self) -> str:
        lines = [f"Changeover to {self.name!r} of {self.n_cases:,} cases"]
        for status in ("added", "removed", "changed", "deviating"):
            names = self.steps.loc[self.steps["status"] == status, "activity"].tolist()
            if names:
                lines.append(f"  steps {status}: {', '.join(names)}")
        counts = self.paths["status"].value_counts()
        told = ", ".join(f"{counts[one]:,} {one}" for one in ("same", "added", "removed", "deviating") if one in counts)
        return "\n".join([*lines, f"  paths: {told}"])

    def _repr_html_(self) -> str:
        return html_table(self.steps, repr(self).splitlines()[0])


def changeover(
    log: EventLog,
    target: Target,
    *,
    conformance: Conformance | None = None,
    simulated: EventLog | None = None,
    rates: Mapping[str, float] | None = None,
) -> Changeover:
    """Compare how a process is done with how it should be, step by step and path by path.

    `conformance` saves the check if it was made before; `simulated` is a log of the executed TO-BE, in the target's
    names; `rates` say by role what an hour of work costs. Raises what `check` raises.
    """
    gap = conformance if conformance is not None else check(log, target, rates=rates)
    named = _in_words_of(log, target)
    as_is = discover(named)
    order = merged_order(_reading_order(target.model), as_is.order)
    steps = _steps(named, target, order, gap, simulated, rates or {})
    return Changeover(
        name=target.name,
        steps=steps,
        paths=_paths(as_is, target.model, gap),
        order=order,
        n_cases=log.n_cases,
        n_simulated=0 if simulated is None else simulated.n_cases,
        provenance=log.provenance(METHOD, target=target.name, source=target.source),
    )


def _in_words_of(log: EventLog, target: Target) -> EventLog:
    """Return the log with the names that the target has for its activities."""
    new: dict[str, list[str]] = {}
    for name in log.activities:
        if target.aliases.get(name, name) != name:
            new.setdefault(target.aliases[name], []).append(name)
    return merge_activities(log, new) if new else log


def _reading_order(model: ProcessModel) -> list[str]:
    """Return the activities in the order in which they can first be reached."""
    seen = [node.id for node in model.nodes if node.kind == "start"]
    for one in seen:
        seen += [flow.target for flow in model.outgoing[one] if flow.target not in seen]
    return [model.by_id[one].name for one in seen if model.by_id[one].kind == "task"]


def _steps(
    log: EventLog,
    target: Target,
    order: Sequence[str],
    gap: Conformance,
    simulated: EventLog | None,
    rates: Mapping[str, float],
) -> pd.DataFrame:
    done, meant = _measured(log, target.aliases, rates), _meant(target)
    table = pd.DataFrame({"activity": list(order)})
    table = table.merge(_departures(gap), on="activity", how="left").merge(done, on="activity", how="left")
    table = table.merge(meant, on="activity", how="left").merge(_kept(gap), on="activity", how="left")
    if simulated is not None:
        ended = _measured(simulated, target.aliases, rates).add_suffix("_simulated")
        table = table.merge(ended, left_on="activity", right_on="activity_simulated", how="left")
        table = table.drop(columns="activity_simulated")
    for name in ("departure", "role", "role_to_be"):
        table[name] = table[name].fillna("")
    table["documents"] = [one if isinstance(one, tuple) else () for one in table["documents"]]
    table[["cases", "share_of_cases", "departing"]] = table[["cases", "share_of_cases", "departing"]].fillna(0.0)
    rows = table.to_dict("records")
    table.insert(1, "changes", pd.Series([_changes(row) for row in rows], dtype=object))
    known = set(target.activities)
    table.insert(
        1, "status", [_status(row, changes, known) for row, changes in zip(rows, table["changes"], strict=True)]
    )
    return table.astype({"cases": np.int64})


def _changes(row: Mapping[Any, Any]) -> tuple[str, ...]:
    other = bool(row["role"] and row["role_to_be"]) and _plain(row["role"]) != _plain(row["role_to_be"])
    late, again = row["over_limit"] > NOT_KEPT, row["over_rounds"] > NOT_KEPT
    return tuple(name for name, is_so in (("role", other), ("time", late), ("rounds", again)) if is_so)


def _status(row: Mapping[Any, Any], changes: tuple[str, ...], known: set[str]) -> StepStatus:
    if row["activity"] not in known:
        return "removed"
    if not row["cases"]:
        return "added"
    if changes:
        return "changed"
    return "deviating" if row["departing"] >= DEPARTED else "same"


def _departures(gap: Conformance) -> pd.DataFrame:
    """Return the most frequent departure from the order of work at each step."""
    found = gap.costs[gap.costs["kind"].isin(["skipped", "extra", "repeated", "order"])]
    found = found.sort_values("cases", ascending=False, kind="stable").drop_duplicates("activity")
    return found[["activity", "kind", "share"]].rename(columns={"kind": "departure", "share": "departing"})


def _kept(gap: Conformance) -> pd.DataFrame:
    limits = gap.limits[(gap.limits["round"] == 0) & (gap.limits["activity"] != "")]
    late = limits[["activity", "share"]].rename(columns={"share": "over_limit"})
    rounds = gap.rounds[["activity", "share"]].rename(columns={"share": "over_rounds"})
    return late.merge(rounds, on="activity", how="outer")


def _meant(target: Target) -> pd.DataFrame:
    card, roles = target.card, target.roles
    before = _drawn_before(target.model)
    rows = []
    for name in target.activities:
        earlier = [roles.get(one, "") for one in before[name] if one]
        others = [_plain(one) != _plain(roles.get(name, "")) for one in earlier]
        documents = card.documents.get(name, ()) if card else ()
        rows.append(
            {
                "activity": name,
                "role_to_be": roles.get(name, ""),
                "limit_h": card.limits.get(name, np.nan) if card else np.nan,
                "max_rounds": float(card.max_rounds.get(name, np.nan)) if card else np.nan,
                "hand_offs_to_be": float(np.mean(others)) if others and roles.get(name) else np.nan,
                "documents": tuple(one.name for one in documents),
            }
        )
    return pd.DataFrame(rows)


def _measured(log: EventLog, aliases: Mapping[str, str], rates: Mapping[str, float]) -> pd.DataFrame:
    """Return what is done at every step of a log: one row per activity, columns as in MEASURES."""
    calendar = log.working_calendar()
    enabled = enabled_times(log)
    ended = ~log.ongoing
    whole = calendar.working_time(enabled, log.end) / HOUR
    work = calendar.working_time(log.start, log.end) / HOUR
    wait = calendar.working_time(enabled, log.start) / HOUR
    if log.timestamps == "completed":
        work, wait = np.full(len(log), np.nan), np.full(len(log), np.nan)
    taken = _taken_over(log)
    price = np.array([rates.get(role, np.nan) for role in log.roles] + [np.nan])[log.role]
    months = max((log.observed[1] - int(log.start.min())) / MONTH, 1e-9)
    rows = []
    for code, name in enumerate(log.activities):
        mine = log.activity == code
        cases = len(np.unique(log.case_of[mine]))
        role, role_share = _usual_role(log, mine, aliases)
        rows.append(
            (
                *(name, cases, cases / log.n_cases, int(mine.sum()) / cases, role, role_share),
                *(_median(one[mine & ended]) for one in (work, wait, whole)),
                float(np.percentile(whole[mine & ended], 85)) if (mine & ended).any() else np.nan,
                _mean(taken[mine]),
                float(np.nansum(work[mine])) / months if np.isfinite(work[mine]).any() else np.nan,
                _mean(work[mine] * price[mine]),
            )
        )
    return pd.DataFrame(rows, columns=["activity", *MEASURES])


def _taken_over(log: EventLog) -> NDArray[np.float64]:
    """Return whether each instance (n,) was taken over from another role; NaN where that is not known."""
    out = np.full(len(log), np.nan)
    later = np.flatnonzero(log.position > 0)
    known = later[(log.role[later] >= 0) & (log.role[later - 1] >= 0)]
    out[known] = log.role[known] != log.role[known - 1]
    return out


def _usual_role(log: EventLog, mine: NDArray[np.bool_], aliases: Mapping[str, str]) -> tuple[str, float]:
    counts = np.bincount(log.role[mine & (log.role >= 0)], minlength=len(log.roles))
    if not counts.sum():
        return "", np.nan
    name = log.roles[int(counts.argmax())]
    return aliases.get(name, name), float(counts.max() / counts.sum())


def _median(values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else np.nan


def _mean(values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else np.nan


def _paths(as_is: ProcessMap, model: ProcessModel, gap: Conformance) -> pd.DataFrame:
    """Return the paths of both, those of the log first."""
    known, allowed = set(model.activities), _allowed(model, gap)
    drawn = {(source, target) for target, sources in _drawn_before(model).items() for source in sources}
    seen: dict[tuple[str, str], tuple[int, int, float]] = {}
    for row in records(as_is.edges):
        wait = row["waiting_median_h"]
        seen[row["source"], row["target"]] = row["cases"], row["count"], np.nan if wait is None else wait
    for row in records(as_is.activities):
        for pair, n in ((("", row["activity"]), row["starts"]), ((row["activity"], ""), row["ends"])):
            if n:
                seen[pair] = n, n, np.nan
    rows: list[tuple[Any, ...]] = []
    for (source, target), (cases, count, wait) in sorted(seen.items(), key=lambda item: (-item[1][0], item[0])):
        strange = any(name and name not in known for name in (source, target))
        status = "removed" if strange else "same" if (source, target) in allowed else "deviating"
        share = cases / as_is.n_cases
        rows.append((source, target, status, (source, target) in drawn, cases, share, count, wait))
    rows += [(*pair, "added", True, 0, 0.0, 0, np.nan) for pair in sorted(drawn - seen.keys())]
    columns = ["source", "target", "status", "drawn", "cases", "share_of_cases", "count", "wait_h"]
    return pd.DataFrame(rows, columns=columns)


def _allowed(model: ProcessModel, gap: Conformance) -> set[tuple[str, str]]:
    """Return which activity may directly follow which in some run; "" begins and ends a case.

    Of a model with too many states to list, what cases do of it without departing.
    """
    try:
        net = compile_net(model)
    except DataError:
        return _kept_to(gap)
    into: dict[int, set[str]] = {0: {""}}
    for label, target in zip(net.label.tolist(), net.target.tolist(), strict=True):
        into.setdefault(target, set()).add(net.labels[label])
    found = set()
    for source, label in zip(net.source.tolist(), net.label.tolist(), strict=True):
        found |= {(one, net.labels[label]) for one in into.get(source, ())}
    for state in np.flatnonzero(net.final).tolist():
        found |= {(one, "") for one in into.get(state, ()) if one}
    return found


def _kept_to(gap: Conformance) -> set[tuple[str, str]]:
    """Return the successions between which the alignments found nothing missing and nothing too much."""
    found = set()
    for moves, is_open in zip(gap.variants["moves"], gap.variants["open"], strict=True):
        marked = ["= ", *moves, *(["= "] if moves and not is_open else [])]
        steps = pairwise(marked)
        found |= {(one[2:], other[2:]) for one, other in steps if one[0] == other[0] == "="}
    return found


def _drawn_before(model: ProcessModel) -> dict[str, list[str]]:
    """Return for each activity, and for the end (""), which ones lead to it by gateways and events alone."""
    found: dict[str, list[str]] = {name: [] for name in (*model.activities, "")}
    for node in model.nodes:
        if node.kind not in ("task", "start"):
            continue
        name = node.name if node.kind == "task" else ""
        reached = [flow.target for flow in model.outgoing[node.id]]
        ends = node.kind == "task" and not reached
        for one in reached:
            other = model.by_id[one]
            if other.kind == "task":
                found[other.name].append(name)
            elif not model.outgoing[one]:
                ends = ends or node.kind == "task"
            else:
                reached += [flow.target for flow in model.outgoing[one] if flow.target not in reached]
        if node.repeats:
            found[node.name].append(name)
        if ends:
            found[""].append(name)
    return found


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()

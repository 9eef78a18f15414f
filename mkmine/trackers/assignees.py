"""Who worked on an issue: the assignee at the time, and the role."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.eventlog import Step
from mkmine.trackers.export import TrackerExport
from mkmine.trackers.statuses import StatusMapping

__all__ = ["with_people"]

Objects = NDArray[np.object_]


def with_people(
    frame: pd.DataFrame, export: TrackerExport, rules: StatusMapping, taken: int
) -> tuple[pd.DataFrame, Step]:
    """Return the instances with resource and role and with their instants as datetimes."""
    assigned = export.changes[export.changes["field"] == "assignee"]
    if len(assigned) or export.issues["assignee"].notna().any():
        frame["resource"] = pd.Series(_assignees(frame, export.issues, assigned, taken), dtype=object)
        frame.loc[frame["instant"], "resource"] = frame["mover"].where(frame["mover"].notna(), frame["resource"])
        step = Step("resource", "the assignee for most of the stay", int(frame["resource"].notna().sum()))
    else:
        ended = frame["leaver"].where(~frame["instant"], frame["mover"])
        frame["resource"] = ended
        step = Step("resource", "no assignees in the export: who ended the stay", int(ended.notna().sum()))
    # Whoever is assigned while an issue is outside, or waits, does not work on it.
    frame["resource"] = frame["resource"].astype(object).mask((frame["kind"] == "outside") | frame["waiting"], None)
    own = frame["resource"].map(rules.people)
    usual = frame["status"].map({status: rule.role for status, rule in rules.statuses.items()})
    frame["role"] = own.astype(object).where(own.notna(), usual.astype(object))
    for column in ("start", "end", "enabled"):
        frame[column] = pd.to_datetime(frame[column], unit="us", utc=True)
    return frame, step


def _assignees(frame: pd.DataFrame, issues: pd.DataFrame, assigned: pd.DataFrame, taken: int) -> Objects:
    """Return who was assigned for the longest part of each instance (the later one of equals)."""
    before_change = assigned.groupby("issue", sort=False)["old"].first()
    current = issues.set_index("issue")["assignee"]
    initial = before_change.reindex(current.index).where(current.index.isin(before_change.index), current)
    cases = pd.Index(current.index)
    earliest = np.iinfo(np.int64).min
    changed, worked = (one.to_numpy(dtype=object) for one in (assigned["issue"], frame["case"]))
    spans = pd.DataFrame(
        {
            "issue": np.concatenate((cases, changed, worked)),
            "at": np.concatenate((np.full(len(cases), earliest), assigned["at"].to_numpy(), frame["start"].to_numpy())),
            "who": np.concatenate((initial.to_numpy(dtype=object), assigned["new"].to_numpy(dtype=object),
                                   np.full(len(frame), None))),
            "row": np.concatenate((np.full(len(cases) + len(assigned), -1), frame.index.to_numpy())),
        }
    )  # fmt: skip
    spans["issue"] = cases.get_indexer(spans["issue"])
    known, number = spans["row"] < 0, pd.factorize(spans["who"])
    spans["code"] = np.where(known, number[0], -2)
    spans = spans[spans["issue"] >= 0]
    # Same instant: the change of assignee belongs to the stay that begins with it.
    spans = spans.iloc[np.lexsort((spans["row"], spans["at"], spans["issue"]))].reset_index(drop=True)
    spans["code"] = spans["code"].where(spans["code"] != -2).ffill().astype(np.int64)
    spans["row"] = spans["row"].where(spans["row"] >= 0).groupby(spans["issue"]).ffill()
    spans = spans.assign(
        until=np.where(spans["issue"] != spans["issue"].shift(-1), taken, spans["at"].shift(-1, fill_value=taken))
    )
    spans = spans[spans["row"].notna()].assign(row=lambda one: one["row"].astype(np.int64))
    limit = frame["end"].to_numpy()[spans["row"]]
    start = frame["start"].to_numpy()[spans["row"]]
    spans["held"] = np.minimum(spans["until"], limit) - np.maximum(spans["at"], start)
    spans = spans[(spans["held"] > 0) | (spans["at"] == start)]
    ranked = spans.assign(order=np.arange(len(spans))).groupby(["row", "code"], as_index=False).agg(
        held=("held", "sum"), order=("order", "last")
    )  # fmt: skip
    chosen = ranked.sort_values(["row", "held", "order"]).groupby("row")["code"].last()
    names = np.array([*number[1], None], dtype=object)
    return np.asarray(names[chosen.reindex(frame.index, fill_value=-1).to_numpy()], dtype=object)

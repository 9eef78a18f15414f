"""Activity instances made of rows that are events: transitions of a lifecycle, or entries into statuses."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mkmine.errors import UnknownNameError
from mkmine.eventlog.encoding import Coded
from mkmine.eventlog.formats.dates import MISSING
from mkmine.eventlog.formats.lifecycle import Policy, pair
from mkmine.eventlog.provenance import Step

__all__ = ["Instances", "entered", "finished", "paired"]

Int = NDArray[np.int64]
Bool = NDArray[np.bool_]
# A status with which at least this share of its entries ends the case is a final one.
FINAL_SHARE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Instances:
    """Rows on their way to a log, n of them.

    `start` is None where only completions are known, `enabled` and `ongoing` where nothing of the kind is recorded;
    what is missing in `enabled` is the smallest int64. `source` tells the row of the source of each, None: they are its
    rows, in order. `open_cases` (m,) marks the codes of cases that are not completed.
    """

    case: Coded
    activity: Coded
    start: Int | None
    end: Int
    enabled: Int | None = None
    ongoing: Bool | None = None
    source: Int | None = None
    open_cases: Bool | None = None

    def take(self, rows: Any) -> Instances:
        """Return the rows of a mask, or of numbers, in their order."""
        source = np.arange(len(self.end)) if self.source is None else self.source

        def of(values: Any) -> Any:
            return None if values is None else values[rows]

        return replace(
            self,
            case=Coded(self.case.codes[rows], self.case.names),
            activity=Coded(self.activity.codes[rows], self.activity.names),
            start=of(self.start),
            end=self.end[rows],
            enabled=of(self.enabled),
            ongoing=of(self.ongoing),
            source=source[rows],
        )


def paired(
    events: Instances, transitions: Any, ids: NDArray[Any] | None, steps: list[Step], policy: Policy | None = None
) -> Instances:
    """Pair the events of a lifecycle (starts, completions, ...) into instances.

    `transitions` are texts (a pandas series or an Arrow array); `ids` are codes that tell equal ones apart.
    """
    policy = policy or Policy()
    pairs = pair(events.case.codes, events.activity.codes, transitions, events.end, ids, policy)
    detail = "; ".join(f"{what}: {count:,}" for what, count in pairs.notes) or "every event is a completion"
    steps.append(Step("lifecycle", f"{policy}; {detail}", len(events.end) - len(pairs.row)))
    shaped = events.take(pairs.row)
    return replace(
        shaped,
        start=pairs.start if pairs.intervals else None,
        end=pairs.end,
        ongoing=pairs.ongoing,
        enabled=pairs.enabled if (pairs.enabled != MISSING).any() else shaped.enabled,
    )


def entered(events: Instances, steps: list[Step], final: tuple[str, ...] | None) -> Instances:
    """Turn entries into statuses into instances that last until the next entry of their case."""
    codes, moments = events.case.codes, events.end
    order = np.lexsort((moments, codes))
    shaped, codes, moments = events.take(order), codes[order], moments[order]
    last = np.append(codes[1:] != codes[:-1], True)
    ends = np.where(last, moments, np.append(moments[1:], 0))
    status, names = shaped.activity.codes, shaped.activity.listed()
    if final is None:
        entries = np.bincount(status, minlength=len(names))
        share = np.bincount(status, weights=last, minlength=len(names)) / np.maximum(entries, 1)
        final = tuple(sorted(names[one] for one in np.flatnonzero((share >= FINAL_SHARE) & (entries > 0)).tolist()))
        rule = f"last of their case in at least {FINAL_SHARE:.0%} of their entries"
    else:
        rule = "told"
    going = last & ~_among(names, final)[status]
    told = ", ".join(f'"{one}"' for one in final) or "none"
    steps.append(Step("statuses", f"a status lasts until the case's next row; final ({rule}): {told}"))
    steps.append(Step("open cases", "their last status is not final; it is ongoing", int(going.sum())))
    open_cases = np.zeros(len(events.case.names), dtype=np.bool_)
    open_cases[codes[going]] = True
    return replace(shaped, start=moments, end=ends, ongoing=going, open_cases=open_cases)


def finished(instances: Instances, final: tuple[str, ...], steps: list[Step]) -> Instances:
    """Mark the cases that do not end with one of the final activities as open.

    Raises `UnknownNameError` if one of them is not in the log.
    """
    status, names = instances.activity.codes, instances.activity.listed()
    known = {names[one] for one in np.unique(status).tolist()}
    for one in final:
        if one not in known:
            raise UnknownNameError.of(kind="final activity", name=one, known=sorted(known))
    codes, end = instances.case.codes, instances.end
    order = np.lexsort((end if instances.start is None else instances.start, end, codes))
    last = np.append(codes[order][1:] != codes[order][:-1], True)
    ends = order[last]
    unlike = ~_among(names, final)[status[ends]]
    open_cases = np.zeros(len(instances.case.names), dtype=np.bool_)
    open_cases[codes[ends][unlike]] = True
    steps.append(Step("open cases", f"do not end with {', '.join(final)}", int(open_cases.sum())))
    return replace(instances, open_cases=open_cases)


def _among(names: tuple[str, ...], chosen: tuple[str, ...]) -> Bool:
    return np.array([one in chosen for one in names], dtype=np.bool_)

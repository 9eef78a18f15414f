"""Activity instances made of rows that are events: transitions of a lifecycle, or entries into statuses."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.errors import UnknownNameError
from mkmine.eventlog.formats.dates import MISSING
from mkmine.eventlog.formats.lifecycle import Policy, pair
from mkmine.eventlog.provenance import Step

__all__ = ["entered", "finished", "paired"]

# A status with which at least this share of its entries ends the case is a final one.
FINAL_SHARE = 0.5


def paired(
    instances: pd.DataFrame,
    transitions: pd.Series,
    ids: NDArray[np.object_] | None,
    steps: list[Step],
    policy: Policy | None = None,
) -> pd.DataFrame:
    """Pair the events of a lifecycle (starts, completions, ...) into instances; `ids` tell equal ones apart."""
    policy = policy or Policy()
    pairs = pair(
        pd.factorize(instances["case"])[0],
        pd.factorize(instances["activity"])[0],
        transitions,
        instances["end"].to_numpy(),
        None if ids is None else pd.factorize(ids)[0],
        policy,
    )
    detail = "; ".join(f"{what}: {count:,}" for what, count in pairs.notes) or "every event is a completion"
    steps.append(Step("lifecycle", f"{policy}; {detail}", len(instances) - len(pairs.row)))
    shaped = instances.iloc[pairs.row].reset_index(drop=True)
    shaped["start"], shaped["end"], shaped["ongoing"] = pairs.start, pairs.end, pairs.ongoing
    if (pairs.enabled != MISSING).any():
        shaped["enabled"] = pairs.enabled
    shaped.attrs["intervals"] = pairs.intervals
    return shaped


def entered(
    instances: pd.DataFrame, steps: list[Step], final: tuple[str, ...] | None
) -> tuple[pd.DataFrame, pd.Series]:
    """Turn entries into statuses into instances that last until the next entry; say which cases are completed."""
    codes = pd.factorize(instances["case"])[0]
    moments = instances["end"].to_numpy()
    order = np.lexsort((np.arange(len(codes)), moments, codes))
    shaped, codes, moments = instances.iloc[order].reset_index(drop=True), codes[order], moments[order]
    last = np.append(codes[1:] != codes[:-1], True)
    ends = np.where(last, moments, np.append(moments[1:], 0))
    if final is None:
        share = pd.Series(last).groupby(shaped["activity"].to_numpy()).mean()
        final = tuple(share.index[share >= FINAL_SHARE])
        rule = f"last of their case in at least {FINAL_SHARE:.0%} of their entries"
    else:
        rule = "told"
    ended = shaped["activity"].isin(final).to_numpy()
    going = last & ~ended
    shaped["start"], shaped["end"], shaped["ongoing"] = moments, ends, going
    names = ", ".join(f'"{one}"' for one in final) or "none"
    steps.append(Step("statuses", f"a status lasts until the case's next row; final ({rule}): {names}"))
    steps.append(Step("open cases", "their last status is not final; it is ongoing", int(going.sum())))
    return shaped, pd.Series(ended[last], index=shaped["case"].to_numpy()[last])


def finished(instances: pd.DataFrame, final: tuple[str, ...], steps: list[Step]) -> pd.Series:
    """Say of every case whether it ends with one of the final activities.

    Raises `UnknownNameError` if one of them is not in the log.
    """
    known = instances["activity"].unique()
    for one in final:
        if one not in known:
            raise UnknownNameError.of(kind="final activity", name=one, known=sorted(map(str, known)))
    ordered = instances.sort_values(["end", "start"], kind="stable")
    done = ordered.groupby("case", sort=False)["activity"].last().isin(final)
    steps.append(Step("open cases", f"do not end with {', '.join(final)}", int((~done).sum())))
    return done

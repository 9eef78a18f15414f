"""What a tracker export holds, whichever tracker it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from mkmine.errors import DataError
from mkmine.eventlog import Step
from mkmine.eventlog.formats.dates import parse_times

__all__ = ["CHANGE_COLUMNS", "ISSUE_COLUMNS", "Category", "Errors", "TrackerExport", "last_instant", "settle_times"]

Errors = Literal["raise", "quarantine"]

Category = Literal["new", "indeterminate", "done"]

ISSUE_COLUMNS = ("issue", "created", "status", "assignee")
CHANGE_COLUMNS = ("issue", "at", "author", "field", "old", "new")


@dataclass(frozen=True, kw_only=True)
class TrackerExport:
    """Issues and the changes of their status and assignee.

    Attributes
    ----------
    issues
        One row per issue: `issue`, `created` (µs, `pandas.NA` where unknown), the current `status` and `assignee` (None
        where unknown), and further columns that become case attributes.
    changes
        One row per change, in the order of the source: `issue`, `at` (µs), `author`, `field` (`"status"` or
        `"assignee"`), `old`, `new` (None where empty).
    categories
        Category of each status, where the tracker states it.
    taken_at
        When the export was made, µs; the last instant in it where that is not stated.
    time_zone
        Zone of the people, where the export states it.
    quarantine
        Rows of the source that could not be used, with the column `reason`.
    steps
        What was decided while reading.
    """

    issues: pd.DataFrame
    changes: pd.DataFrame
    taken_at: int
    categories: Mapping[str, Category] = field(default_factory=dict)
    time_zone: str | None = None
    quarantine: pd.DataFrame = field(default_factory=lambda: pd.DataFrame({"reason": []}))
    steps: tuple[Step, ...] = ()


def last_instant(issues: pd.DataFrame, changes: pd.DataFrame) -> int:
    """Return the last instant (µs) at which an issue was created or changed; 0 if there is none."""
    created, at = issues["created"].dropna().to_numpy(dtype=np.int64), changes["at"].to_numpy(dtype=np.int64)
    return int(max(created.max(initial=0), at.max(initial=0)))


def settle_times(
    issues: pd.DataFrame, changes: pd.DataFrame, *, time_zone: str | None, errors: Errors
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return issues and changes with their times as µs, and the rows that cannot be used with the column `reason`.

    A change without an issue key, a time or a new status, or of an issue that the list lacks, cannot be used; an issue
    without a creation time can. Raises `DataError` if a date cannot be read, unless `errors` is `"quarantine"`.
    """
    created, bad_created = _instants(issues["created"], "creation time", time_zone, errors)
    at, bad_at = _instants(changes["at"], "time of change", time_zone, errors)
    keyless = issues["issue"].isna() | (issues["issue"].astype(str).str.strip() == "")
    reason = pd.Series("", index=changes.index, dtype=object)
    reason[(changes["field"] == "status") & changes["new"].isna()] = "change to no status"
    reason[~changes["issue"].isin(issues.loc[~keyless, "issue"])] = "change of an issue that the list lacks"
    reason[at == _MISSING] = "change without a time"
    reason[bad_at != ""] = bad_at[bad_at != ""]
    reason[changes["issue"].isna()] = "change without an issue key"
    why = pd.Series(np.where(keyless, "issue without a key", bad_created), index=issues.index)
    aside = [
        frame[cause != ""].assign(reason=cause[cause != ""])
        for frame, cause in ((changes, reason), (issues, why))
        if (cause != "").any()
    ]
    times = pd.Series(created, index=issues.index).astype("Int64").mask(created == _MISSING)
    settled = issues.assign(created=times)[~keyless]
    usable = changes.assign(at=at)[reason == ""]
    rows = pd.concat(aside, ignore_index=True) if aside else pd.DataFrame({"reason": []})
    return settled.reset_index(drop=True), usable.reset_index(drop=True), rows


_MISSING = np.iinfo(np.int64).min


def _instants(
    values: pd.Series, what: str, time_zone: str | None, errors: Errors
) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], np.ndarray[tuple[int], np.dtype[np.object_]]]:
    """Return µs (`_MISSING` where there is none) and what is wrong with each value."""
    if values.notna().sum() == 0:
        return np.full(len(values), _MISSING, dtype=np.int64), np.full(len(values), "", dtype=object)
    times = parse_times(values, column=what, time_zone=time_zone)
    bad = times.problem != ""
    if bad.any() and errors == "raise":
        first = int(np.flatnonzero(bad)[0])
        raise DataError(
            f"the {what} of {int(bad.sum()):,} of {len(values):,} rows cannot be read (first: row {first + 1}, "
            f'{str(values.iloc[first])[:60]!r}: {times.problem[first]}); correct them, or pass errors="quarantine" to '
            f"set them aside"
        )
    instants = np.where(times.missing | bad, _MISSING, times.instants).astype(np.int64)
    return instants, np.where(bad, f"{what}: " + times.problem.astype(str), "").astype(object)

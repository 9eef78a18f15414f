"""What the process card rules beside the order of work: time limits, who does what, how many rounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.conformance.deviations import HOUR, Variants, cycle_hours
from mkmine.eventlog import EventLog
from mkmine.eventlog.enablement import enabled_times
from mkmine.eventlog.statistics import wilson

LIMITS = ("activity", "limit_h", "checked", "exceeded", "share", "p85_h", "open_exceeded", "measured", "round")
ROLES = ("activity", "expected", "actual", "instances", "share", "people", "first", "last")
ROUNDS = ("activity", "allowed", "cases_over", "max", "cases", "share", "beyond", "beyond_h")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Timed:
    """A time limit of a step held against a log: which instances (n,) it judges, and which of them exceed it.

    `ended` are those whose time is known; `late` exceed the limit, whether they have ended or not.
    """

    activity: str
    limit_h: float
    round: int
    ended: NDArray[np.bool_]
    late: NDArray[np.bool_]
    judged: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Manned:
    """The role of an activity held against a log: instances (n,) of known roles, and those of another role."""

    activity: str
    role: str
    known: NDArray[np.bool_]
    wrong: NDArray[np.bool_]


def instances_of(log: EventLog, variants: Variants, aliases: Mapping[str, str]) -> dict[str, NDArray[np.bool_]]:
    """Which instances (n,) are executions of each activity of `variants.names`."""
    result = {}
    for name in variants.names:
        mine = np.array([aliases.get(one, one) == name for one in log.activities], dtype=np.bool_)
        result[name] = mine[log.activity]
    return result


def waited_hours(log: EventLog) -> NDArray[np.float64]:
    """Working time from the moment that each instance could begin to its end, hours, shape (n,)."""
    return log.working_calendar().working_time(enabled_times(log), log.end) / HOUR


def time_steps(
    log: EventLog,
    names: Mapping[str, NDArray[np.bool_]],
    limits: Mapping[str, float],
    round_limits: Mapping[str, Sequence[float]],
    hours: NDArray[np.float64],
) -> list[Timed]:
    """Hold the limits of steps, and of their rounds, against `hours` (n,); `names` gives the instances of activities.

    Limits by round have one for each `round` (the last one with all later ones); for all others it is 0.
    """
    wanted = [(activity, limit, names[activity], 0) for activity, limit in limits.items()]
    for activity, several in round_limits.items():
        done = np.concatenate([[0], np.cumsum(names[activity])])
        times = done[1:] - done[log.offsets[:-1]][log.case_of]
        for number, limit in enumerate(several, 1):
            chosen = times >= number if number == len(several) else times == number
            wanted.append((activity, limit, names[activity] & chosen, number))
    known = np.ones(len(log), dtype=np.bool_) if measured(log) == "enabled" else log.position > 0
    return [
        Timed(
            activity=activity,
            limit_h=float(limit),
            round=number,
            ended=mine & known & ~log.ongoing,
            late=mine & known & (hours > limit),
            judged=mine & known & (~log.ongoing | (hours > limit)),
        )
        for activity, limit, mine, number in wanted
    ]


def check_limits(
    log: EventLog, timed: Sequence[Timed], hours: NDArray[np.float64], case_limit_h: float | None
) -> pd.DataFrame:
    """Time limits in hours of working time; the whole case is row "".

    An instance is measured from the moment it could begin ("enabled", see `enabled_times`); if the log has only
    completions, that is the completion before it ("previous"). `checked` counts what has ended;
    `open_exceeded` what has not ended and is already over its limit. p85 by linear interpolation.
    """
    rows = []
    for one in timed:
        late = int((one.late & log.ongoing).sum())
        exceeded = _exceeded(hours[one.ended], one.limit_h)
        rows.append((one.activity, one.limit_h, *exceeded, late, measured(log), one.round))
    if case_limit_h is not None:
        late = int((ages(log)[~log.completed] > case_limit_h).sum())
        closed = cycle_hours(log)[log.completed]
        rows.append(("", float(case_limit_h), *_exceeded(closed, case_limit_h), late, "case", 0))
    return pd.DataFrame(rows, columns=list(LIMITS))


def limits_by_role(log: EventLog, timed: Sequence[Timed], aliases: Mapping[str, str]) -> pd.DataFrame:
    """Limits of steps by the role that did the step ("" if unknown), with Wilson's 95 % interval of the share.

    As in `check_limits`, `checked` counts what has ended.
    """
    names = [aliases.get(role, role) for role in log.roles] + [""]
    counts: dict[tuple[str, str], list[int]] = {}
    for one in timed:
        if one.round:
            continue
        for code in np.unique(log.role[one.ended]).tolist():
            mine = one.ended & (log.role == code)
            found = counts.setdefault((names[code], one.activity), [0, 0])
            found[0] += int(mine.sum())
            found[1] += int((mine & one.late).sum())
    rows = [(*key, checked, late, late / checked) for key, (checked, late) in sorted(counts.items())]
    frame = pd.DataFrame(rows, columns=["role", "activity", "checked", "exceeded", "share"])
    frame["low"], frame["high"] = wilson(frame["exceeded"], frame["checked"])
    return frame


def ages(log: EventLog) -> NDArray[np.float64]:
    """Working time from the first start of each case to the end of the observation, hours, shape (cases,)."""
    first = log.start[log.offsets[:-1]]
    return log.working_calendar().working_time(first, np.full(log.n_cases, log.observed[1])) / HOUR


def man_steps(
    log: EventLog,
    names: Mapping[str, NDArray[np.bool_]],
    expected: Mapping[str, str],
    aliases: Mapping[str, str],
) -> list[Manned]:
    """Hold the roles that the target names against those that did the work."""
    roles = [_plain(aliases.get(role, role)) for role in log.roles]
    found = []
    for activity, role in expected.items():
        known = names[activity] & (log.role >= 0)
        other = np.array([name != _plain(role) for name in roles] + [False], dtype=np.bool_)
        found.append(Manned(activity=activity, role=role, known=known, wrong=known & other[log.role]))
    return found


def check_roles(log: EventLog, manned: Sequence[Manned], aliases: Mapping[str, str]) -> pd.DataFrame:
    """Work done by another role than the target names; `share` is of the activity's instances with a known role.

    `people` are those who did it, the most frequent first, each with how often; `first` and `last` are its days.
    """
    rows = []
    for one in manned:
        actual: dict[str, NDArray[np.bool_]] = {}
        for code in np.unique(log.role[one.wrong]).tolist():
            name = aliases.get(log.roles[code], log.roles[code])
            actual[name] = actual.get(name, False) | (one.wrong & (log.role == code))
        for name, mine in actual.items():
            n = int(mine.sum())
            days = log._local(np.sort(log.start[mine])[[0, -1]]).dt.strftime("%Y-%m-%d")
            rows.append((one.activity, one.role, name, n, n / one.known.sum(), people_of(log, mine), *days))
    rows.sort(key=lambda row: (-row[3], row[0], row[2]))
    return pd.DataFrame(rows, columns=list(ROLES))


def people_of(log: EventLog, rows: NDArray[np.bool_]) -> tuple[str, ...]:
    """Who did these instances (n,), the most frequent first, as "name (times)"."""
    mine = log.resource[rows]
    counts = np.bincount(mine[mine >= 0], minlength=len(log.resources))
    order = [code for code in np.argsort(-counts, kind="stable").tolist() if counts[code]]
    return tuple(f"{log.resources[code]} ({counts[code]})" for code in order)


def check_rounds(
    log: EventLog,
    names: Mapping[str, NDArray[np.bool_]],
    allowed: Mapping[str, int],
    hours: NDArray[np.float64],
) -> pd.DataFrame:
    """Activities with a largest number of rounds: cases that went beyond it and the most rounds that any case took.

    `share` is of the `cases` that have the activity; `beyond` counts the executions over the limit, `beyond_h` their
    `hours` (n,) in all.
    """
    rows = []
    for activity, limit in allowed.items():
        mine = names[activity]
        counts = np.bincount(log.case_of[mine], minlength=log.n_cases)
        over, cases = int((counts > limit).sum()), int((counts > 0).sum())
        extra = beyond(log, mine, limit)
        share = over / cases if cases else float("nan")
        rows.append(
            (activity, limit, over, int(counts.max(initial=0)), cases, share, int(extra.sum()), hours[extra].sum())
        )
    return pd.DataFrame(rows, columns=list(ROUNDS)).astype({"share": np.float64, "beyond_h": np.float64})


def beyond(log: EventLog, mine: NDArray[np.bool_], limit: int) -> NDArray[np.bool_]:
    """Which instances (n,) of an activity come after the last round that its limit allows."""
    done = np.concatenate([[0], np.cumsum(mine)])
    return np.asarray(mine & (done[1:] - done[log.offsets[:-1]][log.case_of] > limit))


def _exceeded(hours: NDArray[np.float64], limit: float) -> tuple[int, int, float, float]:
    over = int((hours > limit).sum())
    if not len(hours):
        return 0, 0, float("nan"), float("nan")
    return len(hours), over, over / len(hours), float(np.percentile(hours, 85))


def measured(log: EventLog) -> str:
    """What the time of an instance is counted from: when it could begin, or the completion before."""
    return "previous" if log.enabled is None and log.timestamps == "completed" else "enabled"


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()

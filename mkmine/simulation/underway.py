"""The work in progress from which a simulation begins, instead of from an empty office."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mkmine.errors import DataError, UnknownNameError
from mkmine.eventlog import EventLog
from mkmine.eventlog.enablement import enabled_times
from mkmine.simulation.distributions import Distribution
from mkmine.simulation.model import SimulationModel

__all__ = ["Underway", "WorkInProgress", "remaining", "work_in_progress"]

Stage = Literal["waiting", "working", "done"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Underway:
    """A case that has begun before the simulation does.

    Attributes
    ----------
    case
        Its name.
    arrived
        When it came (µs).
    activity, stage
        Where it is: it waits for the activity, is worked on, or has done it and is about to go on.
    since, started, ended
        When the activity was enabled, begun and finished (µs), as far as it was.
    person
        Who works on it.
    rounds
        How often each activity was begun, the present one included.
    doers
        Who did each activity last.
    trace
        The last activities, the present one included, in order of time.
    """

    case: str
    arrived: int
    activity: str
    stage: Stage
    since: int
    started: int
    ended: int = 0
    person: str | None = None
    rounds: Mapping[str, int] = field(default_factory=dict)
    doers: Mapping[str, str] = field(default_factory=dict)
    trace: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkInProgress:
    """The cases that are underway at a moment (µs)."""

    at: int
    cases: tuple[Underway, ...]

    def check(self, model: SimulationModel) -> None:
        """Raise if a model does not know an activity or a person, or has branches, of which a log does not tell."""
        if any(gateway.kind in ("and", "or") for gateway in model.gateways.values()):
            raise DataError(
                f'"{model.name}" has branches side by side; which of them have come to their join cannot be told from '
                f"a log, so the simulation has to begin empty"
            )
        people = {person.name for person in model.people}
        for one in self.cases:
            if one.activity not in model.activities:
                where = f'the work in progress, case "{one.case}"'
                raise UnknownNameError.of(kind="activity", name=one.activity, known=list(model.activities), where=where)
            if one.person is not None and one.person not in people:
                where = f'the work in progress, case "{one.case}"'
                raise UnknownNameError.of(kind="person", name=one.person, known=sorted(people), where=where)


def work_in_progress(log: EventLog, at: int | None = None) -> WorkInProgress:
    """Return the cases of a log that are underway at a moment (µs; by default when its observation ends).

    A case is underway if it has begun and something of it comes later, or if it is not completed. What the log does
    not tell, because it ends there, is drawn: where a case goes that has done its last recorded activity.
    """
    moment = log.observed[1] if at is None else at
    enabled = enabled_times(log)
    out = []
    for case in range(log.n_cases):
        first, last = int(log.offsets[case]), int(log.offsets[case + 1])
        begun = [row for row in range(first, last) if enabled[row] <= moment]
        later = len(begun) < last - first or bool(log.end[begun[-1]] > moment) if begun else False
        if begun and (later or not log.completed[case]):
            out.append(_underway(log, case, begun, enabled, moment))
    return WorkInProgress(at=moment, cases=tuple(out))


def _underway(log: EventLog, case: int, rows: list[int], enabled: NDArray[np.int64], moment: int) -> Underway:
    last = rows[-1]
    names = [log.activities[int(log.activity[row])] for row in rows]
    working = log.start[last] <= moment and (log.end[last] > moment or log.ongoing[last])
    stage: Stage = "waiting" if log.start[last] > moment else "working" if working else "done"
    done = [row for row in rows if log.resource[row] >= 0 and log.start[row] <= moment]
    who = {log.activities[int(log.activity[row])]: log.resources[int(log.resource[row])] for row in done}
    return Underway(
        case=str(log.case_ids[case]),
        arrived=int(enabled[rows[0]]),
        activity=names[-1],
        stage=stage,
        since=int(enabled[last]),
        started=int(log.start[last]),
        ended=int(log.end[last]),
        person=who.get(names[-1]) if stage == "working" else None,
        rounds={name: names.count(name) for name in dict.fromkeys(names)},
        doers=who,
        trace=tuple(names[-9:]),
    )


def remaining(spread: Distribution, elapsed_h: float, u: float) -> float:
    """Return how many hours more something takes that has taken `elapsed_h` already, by its conditional distribution.

    The probability of having been done by now is found by bisection, as the quantile function is all that is known.
    Where nothing lasts that long, it is over at once.
    """
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        if float(spread.ppf(np.array([middle]))[0]) <= elapsed_h:
            low = middle
        else:
            high = middle
    conditional = min(low + u * (1 - low), 1 - 1e-12)
    return max(float(spread.ppf(np.array([conditional]))[0]) - elapsed_h, 0.0)

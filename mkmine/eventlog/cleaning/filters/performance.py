"""Filters by how long things took, and how much there was of them."""

from __future__ import annotations

import numpy as np

from mkmine.errors import DataError
from mkmine.eventlog.cleaning.filters import choice
from mkmine.eventlog.cleaning.filters.choice import Clock, Length
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.summaries import running_end

__all__ = ["keep_duration", "keep_edge_duration", "keep_size"]


def keep_duration(
    log: EventLog,
    *,
    at_least: Length | None = None,
    at_most: Length | None = None,
    clock: Clock = "wall",
    invert: bool = False,
) -> EventLog:
    """Keep the cases whose cycle time, first start to last end, lies within limits (both included).

    Lengths are timedeltas, texts such as "2 days", or hours. Of an open case only a lower limit is known: it is kept if
    it has reached `at_least`, and is in no range with an upper one.

    Raises `DataError` if no limit is given, or one cannot be read.
    """
    low, high = choice.span(at_least, at_most)
    took = choice.lasted(log, log.start[log.offsets[:-1]], running_end(log)[log.offsets[1:] - 1], clock)
    mask = (took >= low) & ((took <= high) & log.completed if at_most is not None else True)
    detail = f"cycle time {choice.lengths(at_least, at_most)}" + (" of work" if clock == "working" else "")
    return choice.cases(log, mask, action="filter duration", detail=detail, invert=invert)


def keep_edge_duration(
    log: EventLog,
    source: str,
    target: str,
    *,
    at_least: Length | None = None,
    at_most: Length | None = None,
    clock: Clock = "wall",
    invert: bool = False,
) -> EventLog:
    """Keep the cases that go directly from `source` to `target` at least once in a time within limits.

    The time runs from the end of the one to the start of the other; where they overlap it is negative, and counts as 0.

    Raises `UnknownNameError` if an activity is not in the log, `DataError` if no limit is given or one cannot be read.
    """
    low, high = choice.span(at_least, at_most)
    after = np.flatnonzero(choice.named(log, "activities", target)[1:] & (log.position[1:] > 0)) + 1
    after = after[choice.named(log, "activities", source)[after - 1]]
    took = np.maximum(choice.lasted(log, log.end[after - 1], log.start[after], clock), 0)
    hit = after[(took >= low) & (took <= high)]
    mask = np.bincount(log.case_of[hit], minlength=log.n_cases) > 0
    detail = f"{source} → {target} {choice.lengths(at_least, at_most)}" + (" of work" if clock == "working" else "")
    return choice.cases(log, mask, action="filter transitions", detail=detail, invert=invert)


def keep_size(
    log: EventLog, *, at_least: int | None = None, at_most: int | None = None, invert: bool = False
) -> EventLog:
    """Keep the cases with so many instances (limits included). Raises `DataError` if no limit is given."""
    if at_least is None and at_most is None:
        raise DataError("give a limit: at_least=2, at_most=50, or both")
    if at_least is not None and at_most is not None and at_least > at_most:
        raise DataError(f"at_least {at_least} is more than at_most {at_most}; swap them")
    sizes = np.diff(log.offsets)
    mask = (sizes >= (at_least or 0)) & (sizes <= (sizes.max() if at_most is None else at_most))
    detail = f"instances {choice.limits(at_least, at_most)}"
    return choice.cases(log, mask, action="filter size", detail=detail, invert=invert)

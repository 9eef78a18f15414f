"""Filters by who did what: four eyes."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from mkmine.eventlog.cleaning.filters import choice
from mkmine.eventlog.log import EventLog

__all__ = ["keep_four_eyes"]


def keep_four_eyes(
    log: EventLog, first: str, second: str, *, people: Literal["different", "same"] = "different", invert: bool = False
) -> EventLog:
    """Keep the cases in which two activities were done by different people only, or in which one person did both.

    `"different"`: both were done, and nobody did both; `"same"`: somebody did both. With the same activity twice it is
    about its executions: `"different"` keeps the cases in which at least two people did it, `"same"` those in which one
    person did it twice. Instances without a person count as done by nobody.

    Raises `UnknownNameError` if an activity is not in the log.
    """
    choice.one_of(people, ("different", "same"), kind="rule for people")
    rows = [choice.named(log, "activities", name) & (log.resource >= 0) for name in (first, second)]
    key = log.case_of.astype(np.int64) * (len(log.resources) + 1) + log.resource
    if first == second:
        doers = pd.Series(key[rows[0]]).value_counts()
        case = doers.index.to_numpy() // (len(log.resources) + 1)
        several = np.bincount(case, minlength=log.n_cases) >= 2
        twice = np.bincount(case[doers.to_numpy() >= 2], minlength=log.n_cases) > 0
        mask = several if people == "different" else twice
    else:
        shared = np.intersect1d(key[rows[0]], key[rows[1]]) // (len(log.resources) + 1)
        both = np.bincount(shared, minlength=log.n_cases) > 0
        done = choice.any_in_case(log, rows[0]) & choice.any_in_case(log, rows[1])
        mask = done & ~both if people == "different" else both
    detail = f"{first} and {second} by {'different people' if people == 'different' else 'the same person'}"
    return choice.cases(log, mask, action="filter people", detail=detail, invert=invert)

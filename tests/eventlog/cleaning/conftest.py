from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mkmine.eventlog import EventLog
from mkmine.eventlog.cleaning.quality import Finding, quality

STEPS = ("Request", "Draft the text", "Review the text", "Design", "Publication")
PEOPLE = ("Anna", "Boris", "Clara", "Daniel", "Eva")
ZONE = "Europe/Moscow"


@pytest.fixture(scope="session")
def office() -> Callable[..., pd.DataFrame]:
    """A frame of a tidy office: 300 cases of five activities within working hours from March to July 2025."""

    def build(cases: int = 300, *, seed: int = 3) -> pd.DataFrame:
        draws = np.random.default_rng(seed)
        days = pd.bdate_range("2025-03-11", "2025-07-25")
        days = days[~days.isin(pd.to_datetime(["2025-05-01", "2025-05-02", "2025-05-08", "2025-05-09", "2025-06-12",
                                               "2025-06-13"]))]  # fmt: skip
        rows = []
        for case in range(cases):
            day = int(draws.integers(0, len(days) - 12))
            for name in STEPS:
                begin = days[day] + pd.Timedelta(hours=9.1 + 5 * draws.random(), seconds=int(draws.integers(0, 60)))
                end = begin + pd.Timedelta(minutes=float(draws.lognormal(3.4, 0.5)))
                who = PEOPLE[int(draws.integers(0, len(PEOPLE)))]
                rows.append((f"T-{case}", name, begin.floor("s"), end.floor("s"), who))
                day += int(draws.integers(1, 3))
        return pd.DataFrame(rows, columns=["case", "activity", "start", "end", "resource"])

    return build


@pytest.fixture(scope="session")
def logged() -> Callable[..., EventLog]:
    """Make a log of such a frame."""

    def build(frame: pd.DataFrame, **options: Any) -> EventLog:
        return EventLog.from_pandas(frame, **{"start": "start", "resource": "resource", "time_zone": ZONE} | options)

    return build


@pytest.fixture(scope="session")
def findings() -> Callable[[EventLog], dict[str, Finding]]:
    """Return the findings on a log by their kind."""
    return lambda log: {one.kind: one for one in quality(log).findings}

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd
import pytest

from mkmine.eventlog import EventLog

Row = tuple[str, str, float, float, str]


def log_of(rows: Sequence[Row], *, name: str = "made") -> EventLog:
    """Return a log of rows (case, activity, start and end in hours since Monday 6 January 2025, person)."""
    base = pd.Timestamp("2025-01-06", tz="UTC")
    frame = pd.DataFrame(rows, columns=["case", "activity", "start", "end", "person"])
    for column in ("start", "end"):
        frame[column] = base + pd.to_timedelta((frame[column] * 3600).round(), unit="s")
    return EventLog.from_pandas(frame, start="start", resource="person", name=name)


@pytest.fixture
def make_log() -> Callable[..., EventLog]:
    return log_of

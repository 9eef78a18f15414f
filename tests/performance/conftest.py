from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import pytest

from mkmine.eventlog import EventLog

Row = tuple[Any, ...]


@pytest.fixture(scope="session")
def make_log() -> Callable[..., EventLog]:
    """Build a log from rows of (case, activity, start hour, end hour[, resource]) on Monday 2025-03-03, UTC."""

    def build(rows: Sequence[Row], **options: Any) -> EventLog:
        base = pd.Timestamp("2025-03-03", tz="UTC")
        frame = pd.DataFrame(
            {
                "case": [row[0] for row in rows],
                "activity": [row[1] for row in rows],
                "start": [base + pd.Timedelta(hours=row[2]) for row in rows],
                "end": [base + pd.Timedelta(hours=row[3]) for row in rows],
                "resource": [row[4] if len(row) > 4 else None for row in rows],
                "ongoing": [bool(row[5]) if len(row) > 5 else False for row in rows],
            }
        )
        return EventLog.from_pandas(frame, start="start", resource="resource", ongoing="ongoing", **options)

    return build

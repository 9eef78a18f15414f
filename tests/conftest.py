"""Fixtures and the closing summary that the whole test suite shares."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, settings

from mkmine.eventlog import EventLog

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("MKMINE_SHARED", ROOT.parent / "shared"))
SHARED_ABSENT = "../shared is absent"

Row = tuple[Any, ...]

settings.register_profile(
    "mkmine",
    deadline=None,
    max_examples=50,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("mkmine")


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared_logs() -> Path:
    """The folder of public logs beside the checkout; the test is skipped, and counted, without it."""
    logs = SHARED / "logs"
    if not logs.is_dir():
        pytest.skip(SHARED_ABSENT)
    return logs


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


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what is marked `shared` where the public logs are absent."""
    if item.get_closest_marker("shared") and not (SHARED / "logs").is_dir():
        pytest.skip(SHARED_ABSENT)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how much was not tested for want of the public logs: a silent skip reads like a pass."""
    skipped = [report for report in terminalreporter.stats.get("skipped", []) if SHARED_ABSENT in str(report.longrepr)]
    if skipped:
        terminalreporter.write_sep("!", f"{len(skipped)} tests skipped: {SHARED_ABSENT}", yellow=True, bold=True)

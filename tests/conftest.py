"""Fixtures and the closing summary that the whole test suite shares."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("MKMINE_SHARED", ROOT.parent / "shared"))
SHARED_ABSENT = "../shared is absent"

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


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what is marked `shared` where the public logs are absent."""
    if item.get_closest_marker("shared") and not (SHARED / "logs").is_dir():
        pytest.skip(SHARED_ABSENT)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how much was not tested for want of the public logs: a silent skip reads like a pass."""
    skipped = [report for report in terminalreporter.stats.get("skipped", []) if SHARED_ABSENT in str(report.longrepr)]
    if skipped:
        terminalreporter.write_sep("!", f"{len(skipped)} tests skipped: {SHARED_ABSENT}", yellow=True, bold=True)

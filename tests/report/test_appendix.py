from __future__ import annotations

import re

import pandas as pd
import pytest

import mkmine as mk
from mkmine.eventlog import EventLog


@pytest.fixture
def mended() -> EventLog:
    """A log of which one row could not be read, and another was set aside by a repair."""
    days = pd.date_range("2025-03-03 10:00", periods=30, freq="D", tz="UTC")
    rows = [(f"c{i}", "AB"[k], day + pd.Timedelta(hours=k), "Ann") for i, day in enumerate(days) for k in (0, 1)]
    rows += [("c0", "A", days[0], "Ann"), ("c1", "A", pd.NaT, "Ann")]
    frame = pd.DataFrame(rows, columns=["case", "activity", "end", "resource"])
    log = EventLog.from_pandas(frame, resource="resource", errors="quarantine")
    return mk.repairs.drop_duplicates(log)


@pytest.mark.parametrize(
    ("language", "unusable", "repaired", "cells"),
    [
        ("en", "1 row could not be used", "1 row could be read, but a repair", ("not usable", "taken out by a repair")),
        ("ru", "1 строку использовать не удалось", "1 строка прочитана, но убрана", ("непригодно", "исправлением")),
    ],
)
def test_repaired_rows_are_told_from_unusable_ones(
    mended: EventLog, language: str, unusable: str, repaired: str, cells: tuple[str, str]
) -> None:
    assert len(mended.quarantine) == 2
    text = re.sub(r"\s+", " ", mk.report(mended, language=language).html())
    for one in (unusable, repaired, *cells):
        assert one in text

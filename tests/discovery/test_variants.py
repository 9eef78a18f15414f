from __future__ import annotations

import json
from collections.abc import Callable

import pandas as pd
import pytest

from mkmine.calendars import Calendar
from mkmine.discovery import variants
from mkmine.eventlog import EventLog


def test_variants_are_ordered_by_frequency_with_their_times(make_log: Callable[..., EventLog]) -> None:
    log = make_log(
        [
            ("1", "A", 0, 1),
            ("1", "B", 2, 4),
            ("2", "B", 0, 1),
            ("3", "A", 0, 1),
            ("3", "B", 2, 8),
            ("4", "B", 0, 9),
            ("5", "A", 0, 1),
            ("5", "B", 1, 99, None, True),
        ],
        completed=pd.Series([False], index=["5"]),
    )
    found = variants(log, calendar=Calendar.always())
    assert found.table["variant"].tolist() == [("A", "B"), ("B",)]
    assert found.table["cases"].tolist() == [3, 2]
    assert found.table["cycle_median_h"].tolist() == [6, 5]
    assert found.table["example"].tolist() == ["1", "2"]
    assert found.coverage(1) == pytest.approx(0.6)
    assert len(found) == 2


def test_variants_print_and_convert_safely(make_log: Callable[..., EventLog]) -> None:
    found = variants(make_log([("1", "<b>", 0, 1)]), calendar=Calendar.always())
    assert "<b>" not in found._repr_html_()
    assert json.loads(json.dumps(found.to_dict()))["variants"][0]["variant"] == ["<b>"]
    assert "1 variants" in repr(found)

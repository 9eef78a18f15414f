"""The headers of a history of changes are known in both languages."""

from __future__ import annotations

from pathlib import Path

import pytest

import mkmine
from mkmine.trackers.table import is_history

SIDES = [
    ("old status", "new status"),
    ("Старый статус", "Новый статус"),
    ("Прежний статус", "Новый статус"),
    ("прежний", "новый"),
    ("было", "стало"),
    ("from", "to"),
    ("Old value", "New value"),
]


@pytest.mark.parametrize(("old", "new"), SIDES)
def test_old_and_new_are_recognised(old: str, new: str, tmp_path: Path) -> None:
    assert is_history(["issue", "date", "author", old, new])
    path = tmp_path / "history.csv"
    rows = [f"W-{n},2025-03-{n:02d} 1{hour}:00,Ann,{a},{b}" for n in range(1, 10) for hour, a, b in (
        (0, "New", "Writing"), (3, "Writing", "Done"))]  # fmt: skip
    path.write_text("\n".join([f"issue,date,author,{old},{new}", *rows]), encoding="utf-8")
    log = mkmine.read(path)
    assert log.history[0].action == "read history"
    assert (log.n_cases, log.activities) == (9, ("Writing",))


def test_a_list_of_issues_is_no_history() -> None:
    assert not is_history(["issue", "date", "status"])

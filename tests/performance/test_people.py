from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mkmine.calendars import Calendar
from mkmine.discovery import find_pools
from mkmine.eventlog import EventLog
from mkmine.performance import diagnose
from mkmine.performance.people import people
from mkmine.performance.waiting import spent

ALWAYS = Calendar.always()


def test_everyone_has_a_row_with_their_work(make_log: Callable[..., EventLog]) -> None:
    rows = [("1", "A", 0, 4, "Ann"), ("2", "A", 2, 6, "Ann"), ("1", "A", 8, 10, "Ann"), ("3", "A", 0, 1, "Bob")]
    rows += [("4", "A", 19, 20, "Bob"), ("5", "B", 0, 5, "Cat"), ("6", "Agency", 0, 5, None)]
    log = make_log(rows)
    table = people(log, spent(log, ALWAYS), find_pools(log), ALWAYS).set_index("person")
    assert set(table.index) == {"Ann", "Bob", "Cat"}
    assert table.loc["Ann", ["instances", "processing_h", "open_h", "utilisation"]].tolist() == [3, 10, 10, 0.8]
    assert table.loc["Bob", ["instances", "processing_h", "open_h", "utilisation"]].tolist() == [2, 2, 20, 0.1]
    assert table.at["Ann", "role"] == table.at["Bob", "role"] != table.at["Cat", "role"]


def test_completions_do_not_tell_how_busy_people_are(make_log: Callable[..., EventLog]) -> None:
    log = make_log([("1", "A", 1, 1, "x"), ("1", "B", 5, 5, "y")], timestamps="completed")
    table = diagnose(log, calendar=ALWAYS).people
    assert table["instances"].tolist() == [1, 1]
    assert np.isnan(table["utilisation"].to_numpy(dtype=float)).all()


def test_a_log_without_people_has_no_rows(make_log: Callable[..., EventLog]) -> None:
    found = diagnose(make_log([("1", "A", 0, 1)]), calendar=ALWAYS)
    assert len(found.people) == 0
    assert found.to_dict()["people"] == []

from __future__ import annotations

from collections.abc import Callable

from mkmine.discovery import find_pools
from mkmine.eventlog import EventLog


def test_activities_of_the_same_people_form_a_pool_named_by_them(make_log: Callable[..., EventLog]) -> None:
    log = make_log(
        [
            ("1", "Write", 0, 1, "Writer-1"),
            ("1", "Correct", 2, 3, "Writer-2"),
            ("2", "Write", 0, 1, "Writer-2"),
            ("2", "Correct", 2, 3, "Writer-1"),
            ("2", "Draw", 4, 5, "Designer-1"),
            ("2", "Agency", 6, 9, None),
        ]
    )
    pools = find_pools(log)
    role = {name: pools.of_activity[code] for code, name in enumerate(log.activities)}
    assert role["Write"] == role["Correct"] != role["Draw"]
    assert role["Agency"] == -1
    assert pools.names[role["Write"]] == "Writer"
    assert pools.names[role["Draw"]] == "Designer-1"


def test_declared_roles_are_used_as_they_are() -> None:
    import pandas as pd

    frame = pd.DataFrame(
        {
            "case": ["1", "1"],
            "activity": ["Write", "Draw"],
            "end": pd.to_datetime(["2025-03-03", "2025-03-04"]),
            "resource": ["Anna", "Boris"],
            "role": ["Copywriter", "Designer"],
        }
    )
    log = EventLog.from_pandas(frame, resource="resource", role="role")
    assert find_pools(log).names == ("Copywriter", "Designer")

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

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


@pytest.mark.parametrize(
    ("people", "activity", "title"),
    [
        (("Value 1", "Value 2"), "Insert ticket", "Team: Insert ticket"),
        (("Исполнитель-1", "Исполнитель-2"), "Приём", "Команда: Приём"),
        (("Мария", "Марианна"), "Приём", "Команда: Приём"),
        (("Редактор 1", "Редактор 2"), "Приём", "Редактор"),
        (("Art director 1", "Art editor 1"), "Draw", "Team: Draw"),
        (("User 7", "User 7"), "Draw", "Team: Draw"),
        (("Ann", "Ann"), "Draw", "Ann"),
    ],
)
def test_pools_are_named_by_what_says_something(
    people: tuple[str, str], activity: str, title: str, make_log: Callable[..., EventLog]
) -> None:
    log = make_log([("1", activity, 0, 1, people[0]), ("2", activity, 2, 3, people[1])])
    assert find_pools(log).names == (title,)


def test_people_have_the_roles_that_they_are_recorded_with() -> None:
    who = [("Draw", "Anna", "Designer")] * 6 + [("Draw", "Sara", "Senior")] * 3 + [("Write", "Wim", "Writer")] * 8
    who += [("Write", "Anna", "Designer")] * 2
    frame = pd.DataFrame(who, columns=["activity", "resource", "role"])
    frame = frame.assign(case="1", end=pd.Timestamp("2025-03-03"))
    log = EventLog.from_pandas(frame, resource="resource", role="role")
    pools = find_pools(log)
    assert pools.names == ("Designer", "Senior", "Writer")
    told = {
        person: [pools.names[role] for role in roles]
        for person, roles in zip(log.resources, pools.recorded, strict=True)
    }
    assert told == {"Anna": ["Designer"], "Sara": ["Senior"], "Wim": ["Writer"]}
    model = {
        person: [pools.names[role] for role in roles]
        for person, roles in zip(log.resources, pools.of_person, strict=True)
    }
    assert model == {"Anna": ["Designer"], "Sara": ["Designer"], "Wim": ["Writer"]}
    assert np.bincount(pools.of_instance).tolist() == [8, 3, 8]


def test_declared_roles_are_used_as_they_are() -> None:
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

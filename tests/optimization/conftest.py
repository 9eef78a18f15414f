from __future__ import annotations

import datetime
from collections.abc import Callable

import pytest

from mkmine.simulation import SimulationModel


@pytest.fixture(scope="session")
def make_model() -> Callable[..., SimulationModel]:
    """Build an office of writers, designers and editors at an exponential 12, 12 and 1 hours for 8 cases a week."""

    def build(
        *, writers: int = 4, designers: int = 3, editors: int = 1, cases: float = 8.0, both: bool = False
    ) -> SimulationModel:
        staff = {"Writer": writers, "Designer": designers, "Editor": editors}
        people = [
            {"name": f"{role} {k}", "roles": [role], "calendar": "office"}
            for role, n in staff.items()
            for k in range(n)
        ]
        if both:
            people[-1]["roles"] = ["Editor", "Writer"]
        hours = {
            "Write": ("Writer", 12.0, "Design"),
            "Design": ("Designer", 12.0, "Check"),
            "Check": ("Editor", 1.0, None),
        }
        return SimulationModel.from_dict(
            {
                "name": "office",
                "start": datetime.date(2025, 1, 6),
                "office": "office",
                "calendars": {"office": {"weekly": {"Mon-Fri": "09:00-17:00"}}},
                "people": people,
                "activities": {
                    name: {
                        "role": role,
                        "duration": [{"kind": "exponential", "mean": mean}],
                        "next": [[{"to": after, "probability": 1.0}]],
                    }
                    for name, (role, mean, after) in hours.items()
                },
                "begin": [{"to": "Write", "probability": 1.0}],
                "arrivals": {
                    "weekly": [[cases / 40 if 9 <= h < 17 and day < 5 else 0.0 for h in range(24)] for day in range(7)]
                },
            }
        )

    return build

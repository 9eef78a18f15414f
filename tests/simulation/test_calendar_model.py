from __future__ import annotations

from datetime import date

import pytest

from mkmine.calendars import Calendar, Rotation
from mkmine.errors import DataError
from mkmine.simulation import SimulationModel, simulate
from mkmine.simulation.calibration.calibration import _as_model

OFFICE = Calendar.parse(
    {"Mon-Fri": "09:00-18:00"},
    time_zone="Europe/Moscow",
    holidays="RU",
    shorter_eves=60,
    half_days={"12-30": "14:00", "2025-05-07": "13:00"},
    exceptions={date(2025, 2, 3): "10:00-12:00", date(2025, 2, 4): ""},
)
SHIFTS = Calendar.parse(
    rotation=Rotation.of(["08:00-20:00", "08:00-20:00", "", ""], since="2025-01-06"), time_zone="Europe/Moscow"
)
WEEKS = Calendar.parse(
    rotation=Rotation.of_weeks([{"Mon-Fri": "08:00-16:00"}, {}], since="2025-01-06"), time_zone="Europe/Moscow"
)
ELSEWHERE = Calendar.parse({"Mon-Sat": "10:00-19:00"}, time_zone="Asia/Yekaterinburg")
KINDS = {
    "office": OFFICE,
    "shifts": SHIFTS,
    "weeks": WEEKS,
    "both": OFFICE & SHIFTS,
    "either": (OFFICE & SHIFTS) | ELSEWHERE,
}


def model_with(calendar: dict[str, object]) -> SimulationModel:
    return SimulationModel.from_dict(
        {
            "name": "Posts",
            "time_zone": "Europe/Moscow",
            "start": "2025-01-13",
            "office": "office",
            "calendars": {"office": calendar},
            "people": [{"name": "Ann", "roles": ["Writer"], "calendar": "office"}],
            "activities": {
                "Write": {
                    "role": "Writer",
                    "duration": [{"kind": "fixed", "hours": 3.0}],
                    "next": [[{"to": None, "probability": 1.0}]],
                }
            },
            "begin": [{"to": "Write", "probability": 1.0}],
            "arrivals": {"weekly": [[0.0] * 9 + [0.1] * 9 + [0.0] * 6] * 5 + [[0.0] * 24] * 2},
        }
    )


@pytest.mark.parametrize("calendar", KINDS.values(), ids=KINDS)
def test_a_model_keeps_every_calendar(calendar: Calendar) -> None:
    kept = _as_model(calendar, "Europe/Moscow")
    assert kept.compiled("Europe/Moscow") == calendar
    model = model_with(kept.model_dump(mode="json"))
    assert model.calendar("office") == calendar


@pytest.mark.parametrize("calendar", KINDS.values(), ids=KINDS)
def test_it_survives_a_file(calendar: Calendar, tmp_path) -> None:  # type: ignore[no-untyped-def]
    model = model_with(_as_model(calendar, "Europe/Moscow").model_dump(mode="json"))
    assert SimulationModel.load(model.save(tmp_path / "model.yml")) == model
    assert "shorter_eves: 0" not in model.to_yaml()


def test_absences_are_left_to_people() -> None:
    absent = (OFFICE & SHIFTS).without([(date(2025, 3, 3), date(2025, 3, 7))])
    assert _as_model(absent, "Europe/Moscow").compiled("Europe/Moscow") == OFFICE & SHIFTS


@pytest.mark.parametrize("engine", ["simpy", "kernel"])
def test_work_keeps_to_the_shifts(engine: str) -> None:
    log = simulate(model_with(_as_model(OFFICE & SHIFTS, "Europe/Moscow").model_dump()), weeks=8, engine=engine)  # type: ignore[arg-type]
    both = OFFICE & SHIFTS
    assert both.is_open(log.start).all()
    assert both.is_open(log.end - 1).all()
    assert (both.working_time(log.start, log.end) == 3 * 3_600_000_000).all()


def test_other_hours_keep_the_days_off() -> None:
    other = _as_model(OFFICE & SHIFTS, "Europe/Moscow").with_weekly({"Mon-Fri": "10:00-16:00"}).compiled("UTC")
    assert (other.holidays, other.shorter_eves, other.half_days) == ("RU", 60, OFFICE.half_days)
    assert other.exceptions == ()


def test_what_cannot_be_a_calendar_is_refused_with_its_place() -> None:
    with pytest.raises(DataError, match=r"calendars: office.*never opens"):
        model_with({})
    with pytest.raises(DataError, match="of its own"):
        model_with({"weekly": {"Mon": "09:00-10:00"}, "all_of": [{"weekly": {"Mon": "09:00-10:00"}}]})
    with pytest.raises(DataError, match='either "days" or "weeks"'):
        model_with({"rotation": {"since": "2025-01-06"}})

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from mkmine.eventlog import EventLog
from mkmine.eventlog.cleaning import filters
from mkmine.eventlog.cleaning.quality import Finding

Office = Callable[..., pd.DataFrame]
Logged = Callable[..., EventLog]
Found = Callable[[EventLog], dict[str, Finding]]
TIMES = ["start", "end"]


def test_dates_without_a_time_are_found(office: Office, logged: Logged, findings: Found) -> None:
    frame = office()
    rows = frame.index[::10]
    frame.loc[rows, "end"] = (frame.loc[rows, "end"] + pd.Timedelta(days=1)).dt.normalize()
    found = findings(logged(frame))["midnight"]
    assert found.count == len(rows)


def test_midnights_of_a_log_of_full_hours_are_no_dates(office: Office, logged: Logged, findings: Found) -> None:
    frame = office()
    hours = np.random.default_rng(1).integers(0, 24, len(frame))
    frame["end"] = frame["end"].dt.normalize() + pd.to_timedelta(hours + 24, unit="h")
    found = findings(logged(frame))
    assert "midnight" not in found
    assert found["rounded"].what == "times rounded to the hour"


def test_rounded_times_are_told_with_their_step(office: Office, logged: Logged, findings: Found) -> None:
    frame = office()
    frame[TIMES] = frame[TIMES].apply(lambda column: column.dt.floor("15min"))
    assert findings(logged(frame))["rounded"].what == "times rounded to the quarter of an hour"
    frame[TIMES] = office()[TIMES].apply(lambda column: column.dt.floor("min"))
    assert not {"rounded", "heaped"} & set(findings(logged(frame)))


def test_times_typed_in_by_hand_are_found_among_exact_ones(office: Office, logged: Logged, findings: Found) -> None:
    frame = office()
    rows = frame.index[::8]
    frame.loc[rows, "end"] = frame.loc[rows, "end"].dt.ceil("h")
    found = findings(logged(frame))["heaped"]
    assert found.count >= len(rows)


def test_work_on_weekends_and_holidays_is_found(office: Office, logged: Logged, findings: Found) -> None:
    frame = office(600)
    saturday = frame.index[frame["end"].dt.day_of_week == 4][::10]
    frame.loc[saturday, TIMES] += pd.Timedelta(days=1)
    holiday = frame.index[frame["end"].dt.strftime("%m-%d") == "06-11"]
    frame.loc[holiday, TIMES] += pd.Timedelta(days=1)
    found = findings(logged(frame))["days_off"]
    assert found.count == len(saturday) + len(holiday)


def test_a_shop_that_is_open_on_all_days_works_on_no_day_off(logged: Logged, findings: Found) -> None:
    draws = np.random.default_rng(2)
    begin = pd.Timestamp("2025-03-03") + pd.to_timedelta(np.sort(draws.random(2000)) * 100, unit="D")
    frame = pd.DataFrame({"case": np.arange(2000) // 2, "activity": ["A", "B"] * 1000, "start": begin})
    frame["end"] = frame["start"] + pd.to_timedelta(draws.lognormal(3, 0.4, 2000), unit="m")
    assert "days_off" not in findings(logged(frame, resource=None))


def test_a_wrong_year_is_found(office: Office, logged: Logged, findings: Found) -> None:
    frame = office()
    frame.loc[[3, 50], TIMES] += pd.Timedelta(days=3652)
    log = logged(frame)
    found = findings(log)["far_away"]
    assert found.count == 2
    assert all(day.startswith("2035") for day in found.examples)
    mended = eval(found.repair, vars(filters) | {"log": log})
    assert "far_away" not in findings(mended)
    assert mended.n_cases == 298


def test_people_on_another_clock_are_found_with_the_repair(office: Office, logged: Logged, findings: Found) -> None:
    frame = office(800)
    frame.loc[frame["resource"] == "Eva", TIMES] += pd.Timedelta(hours=7)
    found = findings(logged(frame))["other_clock"]
    assert found.examples == ("Eva: +7 h",)
    assert found.repair == "shift_time(log, -7, resources=['Eva'])"
    assert found.count == (frame["resource"] == "Eva").sum()


def test_a_source_on_another_clock_is_found_by_its_attribute(office: Office, logged: Logged, findings: Found) -> None:
    frame = office(800)
    frame["source"] = np.where(frame["activity"] == "Design", "agency", "tracker")
    frame.loc[frame["source"] == "agency", TIMES] -= pd.Timedelta(hours=6)
    found = findings(logged(frame, attributes=["source"]))["other_clock"]
    assert found.repair == "shift_time(log, 6, attribute='source', values=['agency'])"


def test_shifts_of_a_day_are_no_other_clock(logged: Logged, findings: Found) -> None:
    draws = np.random.default_rng(4)
    n = 6000
    shift = draws.integers(0, 3, n)
    hour = (8 * shift + 8 * draws.random(n)) % 24
    day = np.sort(draws.integers(0, 90, n))
    begin = pd.Timestamp("2025-03-03") + pd.to_timedelta(day * 24 + hour, unit="h")
    frame = pd.DataFrame({"case": np.arange(n) // 4, "activity": list("ABCD") * (n // 4), "start": begin})
    frame["end"] = frame["start"] + pd.to_timedelta(draws.lognormal(3, 0.4, n), unit="m")
    frame["resource"] = np.array(["early", "late", "night"])[shift]
    assert not {"other_clock", "changed_clock"} & set(findings(logged(frame)))


def test_a_clock_that_changed_is_found_with_the_week(office: Office, logged: Logged, findings: Found) -> None:
    frame = office(800)
    late = frame["start"] >= "2025-05-26"
    frame.loc[late, TIMES] += pd.Timedelta(hours=3)
    found = findings(logged(frame))["changed_clock"]
    assert found.examples == ("2025-05-26: +3 h",)
    assert found.repair == 'shift_time(log, -3, since="2025-05-26")'
    assert found.count == late.sum()
